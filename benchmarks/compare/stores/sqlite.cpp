// SQLite: a table WITHOUT ROWID in WAL mode, synchronous OFF (FULL where each put is synced), prepared statements reused,
// a connection a session.
#include <sqlite3.h>

#include "../store.hpp"

namespace benchmark {
namespace {

class connection {
 public:
  explicit connection(const setup& with) {
    if (sqlite3_open((with.directory + "/entries.db").c_str(), &db_) != SQLITE_OK) fail();
    run("PRAGMA journal_mode=WAL");
    run(with.synced ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
    run("PRAGMA cache_size=-" + std::to_string(with.cache_bytes >> 10));
    run("PRAGMA busy_timeout=10000");
    run("CREATE TABLE IF NOT EXISTS entries(k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID");
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() { sqlite3_close_v2(db_); }

  void run(const std::string& command) {
    if (sqlite3_exec(db_, command.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail();
  }
  [[nodiscard]] sqlite3_stmt* prepare(const char* command) {
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v3(db_, command, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) != SQLITE_OK) fail();
    return made;
  }
  [[noreturn]] void fail() { throw failure(std::string("sqlite: ") + sqlite3_errmsg(db_)); }

 private:
  sqlite3* db_ = nullptr;
};

class sqlite_session : public session {
 public:
  explicit sqlite_session(const setup& with)
      : db_(with), put_(db_.prepare("INSERT INTO entries VALUES(?1,?2) ON CONFLICT(k) DO UPDATE SET v=?2")),
        get_(db_.prepare("SELECT v FROM entries WHERE k=?1")),
        scan_(db_.prepare("SELECT k,v FROM entries WHERE k>=?1 ORDER BY k LIMIT ?2")) {}
  sqlite_session(const sqlite_session&) = delete;
  sqlite_session& operator=(const sqlite_session&) = delete;
  ~sqlite_session() override {
    for (sqlite3_stmt* each : {put_, get_, scan_}) sqlite3_finalize(each);
  }

  void put(std::string_view key, std::string_view value) override {
    bind(put_, 1, key);
    bind(put_, 2, value);
    if (sqlite3_step(put_) != SQLITE_DONE) db_.fail();
    sqlite3_reset(put_);
  }
  bool get(std::string_view key, std::string_view& value) override {
    bind(get_, 1, key);
    const int status = sqlite3_step(get_);
    if (status == SQLITE_ROW) value_.assign(column(get_, 0));
    if (status != SQLITE_ROW && status != SQLITE_DONE) db_.fail();
    sqlite3_reset(get_);
    value = value_;
    return status == SQLITE_ROW;
  }
  void scan(std::string_view from, std::uint64_t limit, row_check& check) override {
    bind(scan_, 1, from);
    sqlite3_bind_int64(scan_, 2, limit > INT64_MAX ? INT64_MAX : static_cast<sqlite3_int64>(limit));
    int status = sqlite3_step(scan_);
    for (; status == SQLITE_ROW; status = sqlite3_step(scan_)) check(column(scan_, 0), column(scan_, 1));
    if (status != SQLITE_DONE) db_.fail();
    sqlite3_reset(scan_);
  }

 private:
  // The bytes outlive the step: they need no copy.
  void bind(sqlite3_stmt* to, int place, std::string_view bytes) {
    if (sqlite3_bind_blob64(to, place, bytes.data(), bytes.size(), nullptr) != SQLITE_OK) db_.fail();
  }
  [[nodiscard]] static std::string_view column(sqlite3_stmt* of, int place) {
    return {static_cast<const char*>(sqlite3_column_blob(of, place)), static_cast<std::size_t>(sqlite3_column_bytes(of, place))};
  }

  connection db_;
  sqlite3_stmt* put_;
  sqlite3_stmt* get_;
  sqlite3_stmt* scan_;
  std::string value_;
};

class sqlite_store : public store {
 public:
  void open(const setup& with) override {
    with_ = with;
    main_ = std::make_unique<connection>(with);
  }
  void close() override { main_.reset(); }
  std::unique_ptr<session> connect() override { return std::make_unique<sqlite_session>(with_); }
  bool settle() override {
    main_->run("PRAGMA wal_checkpoint(TRUNCATE)");
    return false;
  }
  std::string shape() override { return "write-ahead log brought into the file; not vacuumed"; }

 private:
  setup with_;
  std::unique_ptr<connection> main_;
};

}  // namespace

store_kind sqlite_kind() {
  return {"sqlite", sqlite3_libversion(), "WITHOUT ROWID, WAL, synchronous OFF (FULL for fillsync), reused statements", true, false,
          [] { return std::unique_ptr<store>(std::make_unique<sqlite_store>()); }};
}

}  // namespace benchmark
