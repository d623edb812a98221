// LevelDB: no compression, bloom of 10 bits; files of the size that RocksDB takes, and all of them kept open.
#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>

#include "../store.hpp"

namespace benchmark {
namespace {

void check_status(const leveldb::Status& status) {
  if (!status.ok()) throw failure("leveldb: " + status.ToString());
}

class leveldb_session : public session {
 public:
  leveldb_session(leveldb::DB& db, bool synced) : db_(db) { writing_.sync = synced; }

  void put(std::string_view key, std::string_view value) override {
    check_status(db_.Put(writing_, slice(key), slice(value)));
  }
  bool get(std::string_view key, std::string_view& value) override {
    const leveldb::Status status = db_.Get(leveldb::ReadOptions(), slice(key), &value_);
    if (status.IsNotFound()) return false;
    check_status(status);
    value = value_;
    return true;
  }
  void scan(std::string_view from, std::uint64_t limit, row_check& check) override {
    const std::unique_ptr<leveldb::Iterator> at(db_.NewIterator(leveldb::ReadOptions()));
    for (at->Seek(slice(from)); at->Valid(); at->Next()) {
      check({at->key().data(), at->key().size()}, {at->value().data(), at->value().size()});
      if (--limit == 0) break;
    }
    check_status(at->status());
  }

 private:
  [[nodiscard]] static leveldb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
  leveldb::DB& db_;
  leveldb::WriteOptions writing_;
  std::string value_;
};

class leveldb_store : public store {
 public:
  void open(const setup& with) override {
    synced_ = with.synced;
    cache_.reset(leveldb::NewLRUCache(with.cache_bytes));
    filter_.reset(leveldb::NewBloomFilterPolicy(10));
    leveldb::Options options;
    options.create_if_missing = true;
    options.compression = leveldb::kNoCompression;
    options.write_buffer_size = with.write_buffer_bytes;
    options.block_cache = cache_.get();
    options.filter_policy = filter_.get();
    options.max_file_size = std::size_t{64} << 20;
    options.max_open_files = 10'000;
    leveldb::DB* opened = nullptr;
    check_status(leveldb::DB::Open(options, with.directory, &opened));
    db_.reset(opened);
  }
  void close() override { db_.reset(); }
  std::unique_ptr<session> connect() override { return std::make_unique<leveldb_session>(*db_, synced_); }
  bool settle() override {
    db_->CompactRange(nullptr, nullptr);
    return true;
  }
  std::string shape() override {
    std::string text = "tables per level:";
    for (int level = 0; level < 7; ++level) {
      std::string files;
      if (db_->GetProperty("leveldb.num-files-at-level" + std::to_string(level), &files)) text += ' ' + files;
    }
    return text;
  }

 private:
  // Destroyed in the order db_, filter_, cache_.
  std::unique_ptr<leveldb::Cache> cache_;
  std::unique_ptr<const leveldb::FilterPolicy> filter_;
  std::unique_ptr<leveldb::DB> db_;
  bool synced_ = false;
};

}  // namespace

store_kind leveldb_kind() {
  return {"leveldb", std::to_string(leveldb::kMajorVersion) + '.' + std::to_string(leveldb::kMinorVersion),
          "no compression, bloom 10 bits, LRU cache, files of 64 MiB, all kept open", true, true,
          [] { return std::unique_ptr<store>(std::make_unique<leveldb_store>()); }};
}

}  // namespace benchmark
