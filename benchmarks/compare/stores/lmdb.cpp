// LMDB: one transaction a put, NOSYNC unless each put is synced; a read transaction a session, renewed for each call.
#include <lmdb.h>

#include "../store.hpp"

namespace benchmark {
namespace {

void check_status(int status) {
  if (status != MDB_SUCCESS) throw failure(std::string("lmdb: ") + mdb_strerror(status));
}

[[nodiscard]] MDB_val value_of(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }
[[nodiscard]] std::string_view bytes_of(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

class lmdb_session : public session {
 public:
  lmdb_session(MDB_env* environment, MDB_dbi table) : environment_(environment), table_(table) {
    check_status(mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &reading_));
    check_status(mdb_cursor_open(reading_, table_, &cursor_));
    end_read();
  }
  lmdb_session(const lmdb_session&) = delete;
  lmdb_session& operator=(const lmdb_session&) = delete;
  ~lmdb_session() override {
    mdb_cursor_close(cursor_);
    mdb_txn_abort(reading_);
  }

  void put(std::string_view key, std::string_view value) override {
    end_read();
    MDB_txn* writing = nullptr;
    check_status(mdb_txn_begin(environment_, nullptr, 0, &writing));
    MDB_val k = value_of(key), v = value_of(value);
    if (const int status = mdb_put(writing, table_, &k, &v, 0); status != MDB_SUCCESS) {
      mdb_txn_abort(writing);
      check_status(status);
    }
    check_status(mdb_txn_commit(writing));
  }
  bool get(std::string_view key, std::string_view& value) override {
    begin_read();
    MDB_val k = value_of(key), v{};
    const int status = mdb_get(reading_, table_, &k, &v);
    if (status == MDB_NOTFOUND) return false;
    check_status(status);
    value = bytes_of(v);
    return true;
  }
  void scan(std::string_view from, std::uint64_t limit, row_check& check) override {
    begin_read();
    check_status(mdb_cursor_renew(reading_, cursor_));
    MDB_val k = value_of(from), v{};
    int status = mdb_cursor_get(cursor_, &k, &v, MDB_SET_RANGE);
    for (; status == MDB_SUCCESS; status = mdb_cursor_get(cursor_, &k, &v, MDB_NEXT)) {
      check(bytes_of(k), bytes_of(v));
      if (--limit == 0) return;
    }
    if (status != MDB_NOTFOUND) check_status(status);
  }

 private:
  void begin_read() {
    end_read();
    check_status(mdb_txn_renew(reading_));
    reads_ = true;
  }
  void end_read() {
    if (reads_) mdb_txn_reset(reading_);
    reads_ = false;
  }

  MDB_env* environment_;
  MDB_dbi table_;
  MDB_txn* reading_ = nullptr;
  MDB_cursor* cursor_ = nullptr;
  bool reads_ = true;
};

class lmdb_store : public store {
 public:
  void open(const setup& with) override {
    check_status(mdb_env_create(&environment_));
    check_status(mdb_env_set_mapsize(environment_, std::size_t{256} << 30));
    check_status(mdb_env_set_maxreaders(environment_, 64));
    unsigned flags = MDB_NOTLS;
    if (!with.synced) flags |= MDB_NOSYNC;
    if (with.exceeds_memory) flags |= MDB_NORDAHEAD;
    check_status(mdb_env_open(environment_, with.directory.c_str(), flags, 0644));
    MDB_txn* starting = nullptr;
    check_status(mdb_txn_begin(environment_, nullptr, 0, &starting));
    check_status(mdb_dbi_open(starting, nullptr, 0, &table_));
    check_status(mdb_txn_commit(starting));
  }
  void close() override {
    mdb_env_close(environment_);
    environment_ = nullptr;
  }
  std::unique_ptr<session> connect() override { return std::make_unique<lmdb_session>(environment_, table_); }
  bool settle() override {
    check_status(mdb_env_sync(environment_, 1));
    return false;
  }
  std::string shape() override {
    MDB_stat stat;
    check_status(mdb_env_stat(environment_, &stat));
    return "pages: " + std::to_string(stat.ms_branch_pages + stat.ms_leaf_pages) + ", depth " + std::to_string(stat.ms_depth) +
           " (has no compaction in place)";
  }

 private:
  MDB_env* environment_ = nullptr;
  MDB_dbi table_ = 0;
};

}  // namespace

store_kind lmdb_kind() {
  int major = 0, minor = 0, patch = 0;
  mdb_version(&major, &minor, &patch);
  return {"lmdb", std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(patch),
          "NOSYNC, one transaction a put, read transaction renewed for each read; NORDAHEAD where data exceed memory", true, true,
          [] { return std::unique_ptr<store>(std::make_unique<lmdb_store>()); }};
}

}  // namespace benchmark
