// RocksDB: no compression, bloom of 10 bits over whole keys, defaults elsewhere; values pinned, not copied.
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/version.h>

#include "../store.hpp"

namespace benchmark {
namespace {

void check_status(const rocksdb::Status& status) {
  if (!status.ok()) throw failure("rocksdb: " + status.ToString());
}

class rocksdb_session : public session {
 public:
  rocksdb_session(rocksdb::DB& db, bool synced) : db_(db) { writing_.sync = synced; }

  void put(std::string_view key, std::string_view value) override {
    check_status(db_.Put(writing_, slice(key), slice(value)));
  }
  bool get(std::string_view key, std::string_view& value) override {
    pinned_.Reset();
    const rocksdb::Status status = db_.Get(reading_, db_.DefaultColumnFamily(), slice(key), &pinned_);
    if (status.IsNotFound()) return false;
    check_status(status);
    value = {pinned_.data(), pinned_.size()};
    return true;
  }
  void scan(std::string_view from, std::uint64_t limit, row_check& check) override {
    const std::unique_ptr<rocksdb::Iterator> at(db_.NewIterator(reading_));
    for (at->Seek(slice(from)); at->Valid(); at->Next()) {
      check({at->key().data(), at->key().size()}, {at->value().data(), at->value().size()});
      if (--limit == 0) break;
    }
    check_status(at->status());
  }

 private:
  [[nodiscard]] static rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
  rocksdb::DB& db_;
  rocksdb::WriteOptions writing_;
  rocksdb::ReadOptions reading_;
  rocksdb::PinnableSlice pinned_;
};

class rocksdb_store : public store {
 public:
  void open(const setup& with) override {
    synced_ = with.synced;
    rocksdb::BlockBasedTableOptions table;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.whole_key_filtering = true;
    table.block_cache = rocksdb::NewLRUCache(with.cache_bytes);
    rocksdb::Options options;
    options.create_if_missing = true;
    options.compression = rocksdb::kNoCompression;
    options.write_buffer_size = with.write_buffer_bytes;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    rocksdb::DB* opened = nullptr;
    check_status(rocksdb::DB::Open(options, with.directory, &opened));
    db_.reset(opened);
  }
  void close() override {
    check_status(db_->Close());
    db_.reset();
  }
  std::unique_ptr<session> connect() override { return std::make_unique<rocksdb_session>(*db_, synced_); }
  bool settle() override {
    check_status(db_->CompactRange(rocksdb::CompactRangeOptions(), nullptr, nullptr));
    return true;
  }
  std::string shape() override {
    std::string text = "tables per level:";
    for (int level = 0; level < db_->NumberLevels(); ++level) {
      std::string files;
      if (db_->GetProperty("rocksdb.num-files-at-level" + std::to_string(level), &files)) text += ' ' + files;
    }
    std::string entries;
    if (db_->GetProperty("rocksdb.num-entries-active-mem-table", &entries)) text += "; in memory: " + entries;
    return text;
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  bool synced_ = false;
};

}  // namespace

store_kind rocksdb_kind() {
  return {"rocksdb", rocksdb::GetRocksVersionAsString(true), "no compression, bloom 10 bits whole key, LRU cache, PinnableSlice; defaults elsewhere", true, true,
          [] { return std::unique_ptr<store>(std::make_unique<rocksdb_store>()); }};
}

}  // namespace benchmark
