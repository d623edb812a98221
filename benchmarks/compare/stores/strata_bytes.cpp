// Strata's engine alone, bytes in and bytes out: what the typed face costs is the difference to strata.
#include <strata/strata.hpp>
#include <strata/version.hpp>

#include "../../checked.hpp"
#include "../store.hpp"

namespace benchmark {
namespace {

using engine_type = strata::store<>::engine_type;

class strata_bytes_session : public session {
 public:
  explicit strata_bytes_session(engine_type& engine) : engine_(engine) {}

  void put(std::string_view key, std::string_view value) override {
    batch_.clear();
    batch_.put(0, key, value);
    checked(engine_.commit(batch_, engine_.settings().durability.value()), "put");
  }
  bool get(std::string_view key, std::string_view& value) override {
    const auto take = [&](strata::bytes_view found, strata::sequence_number, std::uint64_t) { value_.assign(found); };
    const bool there = checked(engine_.get(key, strata::sequence_max, take), "get");
    value = value_;
    return there;
  }
  void scan(std::string_view from, std::uint64_t limit, row_check& check) override {
    auto cursor = checked(engine_.make_cursor({std::string(from), "", true}, strata::sequence_max), "make cursor");
    for (cursor->seek_first(); cursor->valid() && limit != 0; cursor->next(), --limit) check(cursor->key(), cursor->value());
    checked(strata::result<void>(cursor->status()), "scan");
  }

 private:
  engine_type& engine_;
  strata::engine::write_batch batch_;
  std::string value_;
};

class strata_bytes_store : public store {
 public:
  void open(const setup& with) override {
    strata::options amounts;
    amounts.durability = with.synced ? strata::durability::strict : strata::durability::buffered;
    amounts.memtable_bytes = with.write_buffer_bytes;
    amounts.cache_bytes = with.cache_bytes;
    engine_ = checked(engine_type::open(engine_type::environment_type(), with.directory, amounts), "open");
  }
  void close() override {
    checked(engine_->close(), "close");
    engine_.reset();
  }
  std::unique_ptr<session> connect() override { return std::make_unique<strata_bytes_session>(*engine_); }
  bool settle() override {
    checked(engine_->compact(), "compact");
    return true;
  }
  std::string shape() override {
    const strata::statistics now = engine_->stats();
    std::string text = "tables per level:";
    for (const auto& level : now.levels) text += ' ' + std::to_string(level.tables);
    return text + "; in memory: " + std::to_string(now.memtable_entries);
  }

 private:
  std::unique_ptr<engine_type> engine_;
};

}  // namespace

store_kind strata_bytes_kind() {
  return {"strata-bytes", std::to_string(STRATA_VERSION_MAJOR) + '.' + std::to_string(STRATA_VERSION_MINOR) +
              '.' + std::to_string(STRATA_VERSION_PATCH),
          "the default engine below the typed face: write_batch, get, cursor", false, true,
          [] { return std::unique_ptr<store>(std::make_unique<strata_bytes_store>()); }};
}

}  // namespace benchmark
