// Strata as its users have it: the typed face over the default policies. Once as it is by default, and once with a log that is
// synced only when the store is closed, as those of the peers are by default.
#include <strata/strata.hpp>
#include <strata/version.hpp>

#include <chrono>

#include "../../checked.hpp"
#include "../store.hpp"

namespace benchmark {
namespace {

using database = strata::store<>;
constexpr strata::kv<std::string, std::string> entries{"entries"};

class strata_session : public session {
 public:
  explicit strata_session(database& db) : view_(db[entries]) {}

  void put(std::string_view key, std::string_view value) override { checked(view_.put(key, value), "put"); }
  bool get(std::string_view key, std::string_view& value) override {
    const bool there = checked(view_.get_into(key, value_), "get");
    value = value_;
    return there;
  }
  void scan(std::string_view from, std::uint64_t limit, row_check& check) override {
    for (auto&& [key, value] : view_.scan(strata::from(from), strata::limit(limit))) check(key, value);
  }

 private:
  decltype(std::declval<database&>()[entries]) view_;
  std::string value_;
};

class strata_store : public store {
 public:
  explicit strata_store(std::chrono::milliseconds sync_interval) : sync_interval_(sync_interval) {}

  void open(const setup& with) override {
    strata::options amounts;
    amounts.durability = with.synced ? strata::durability::strict : strata::durability::buffered;
    amounts.sync_interval = sync_interval_;
    amounts.memtable_bytes = with.write_buffer_bytes;
    amounts.cache_bytes = with.cache_bytes;
    db_.emplace(checked(database::open(with.directory, amounts), "open"));
  }
  void close() override {
    checked(db_->close(), "close");
    db_.reset();
  }
  std::unique_ptr<session> connect() override { return std::make_unique<strata_session>(*db_); }
  bool settle() override {
    checked(db_->compact(), "compact");
    return true;
  }
  std::string shape() override {
    const strata::statistics now = db_->stats();
    std::string text = "tables per level:";
    for (const auto& level : now.levels) text += ' ' + std::to_string(level.tables);
    return text + "; in memory: " + std::to_string(now.memtable_entries);
  }

 private:
  std::chrono::milliseconds sync_interval_;
  std::optional<database> db_;
};

std::string version() {
  return std::to_string(STRATA_VERSION_MAJOR) + '.' + std::to_string(STRATA_VERSION_MINOR) + '.' +
         std::to_string(STRATA_VERSION_PATCH);
}

}  // namespace

store_kind strata_kind() {
  return {"strata", version(), "store<>, kv<std::string, std::string>, durability buffered; reads by get_into", false, true,
          [] { return std::unique_ptr<store>(std::make_unique<strata_store>(strata::options().sync_interval)); }};
}
store_kind strata_unsynced_kind() {
  return {"strata-unsynced", version(), "the same, sync_interval never: the log is synced only on close", false, true,
          [] { return std::unique_ptr<store>(std::make_unique<strata_store>(strata::options::never)); }};
}

}  // namespace benchmark
