#include "engine/failing_environment.hpp"
#include "engine/stores.hpp"

using namespace strata_tests;
using strata::errc;
using strata::engine::read_set;

namespace {

// Whether a commit that has read `reads` is refused.
bool conflicts(memory_store& store, const read_set& reads) {
  strata::engine::write_batch nothing;
  auto committed = store.commit(nothing, strata::durability::none, &reads);
  if (committed) return false;
  REQUIRE(committed.error() == errc::conflict);
  return true;
}
read_set key_at(std::string_view key, strata::sequence_number at) {
  read_set reads;
  reads.at = at;
  reads.keys.push_back(std::string(key));
  return reads;
}
read_set range_at(std::string_view begin, std::string_view end, strata::sequence_number at, bool unbounded = false) {
  read_set reads;
  reads.at = at;
  reads.ranges.push_back({std::string(begin), std::string(end), unbounded});
  return reads;
}

// Wherever the newer writes have come to lie.
enum class place { memtable, level0, merged };
void settle(memory_store& store, place where) {
  if (where == place::level0) require_ok(store.flush());
  if (where == place::merged) require_ok(store.compact());
}

}  // namespace

TEST_CASE("what was read conflicts exactly when it was written since", "[engine][conflicts]") {
  for (const place where : {place::memtable, place::level0, place::merged}) {
    const memory_world environment;
    auto store = open_store<memory_store>(environment, "store");
    for (const char* key : {"a", "c", "e", "g"}) require_ok(put(*store, key, "1"));
    require_ok(store->compact());
    const strata::sequence_number at = store->take_snapshot();
    SECTION("an overwrite, an insert, an erasure " + std::to_string(int(where))) {
      require_ok(put(*store, "a", "2"));
      require_ok(put(*store, "b", "2"));
      require_ok(erase(*store, "c"));
      require_ok(erase(*store, "x"));  // was never there
      settle(*store, where);
      for (const char* key : {"a", "b", "c", "x"}) CHECK(conflicts(*store, key_at(key, at)));
      for (const char* key : {"", "aa", "d", "e", "g", "z"}) CHECK_FALSE(conflicts(*store, key_at(key, at)));
      CHECK(conflicts(*store, range_at("a", "b", at)));
      CHECK(conflicts(*store, range_at("aa", "bb", at)));
      CHECK(conflicts(*store, range_at("d", "", at, true)));
      CHECK_FALSE(conflicts(*store, range_at("d", "x", at)));
      CHECK_FALSE(conflicts(*store, range_at("y", "", at, true)));
      CHECK_FALSE(conflicts(*store, range_at("b", "b", at)));
      CHECK_FALSE(conflicts(*store, range_at("b", "a", at)));
      const strata::sequence_number now = store->last_sequence();
      for (const char* key : {"a", "b", "c", "x"}) CHECK_FALSE(conflicts(*store, key_at(key, now)));
      CHECK_FALSE(conflicts(*store, range_at("", "", now, true)));
    }
    SECTION("a range erasure " + std::to_string(int(where))) {
      strata::engine::write_batch batch;
      batch.erase_range(0, "d", "f");
      require_ok(store->commit(batch, strata::durability::none));
      settle(*store, where);
      for (const char* key : {"d", "dd", "e", "ezz"}) CHECK(conflicts(*store, key_at(key, at)));
      for (const char* key : {"c", "czz", "f", "g"}) CHECK_FALSE(conflicts(*store, key_at(key, at)));
      CHECK(conflicts(*store, range_at("", "", at, true)));
      CHECK(conflicts(*store, range_at("dx", "dy", at)));
      CHECK(conflicts(*store, range_at("a", "dx", at)));
      CHECK(conflicts(*store, range_at("ex", "z", at)));
      CHECK_FALSE(conflicts(*store, range_at("a", "d", at)));
      CHECK_FALSE(conflicts(*store, range_at("f", "z", at)));
    }
    store->release_snapshot(at);
  }
}

TEST_CASE("a conflict writes nothing and takes no sequence", "[engine][conflicts]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");
  require_ok(put(*store, "a", "1"));
  require_ok(put(*store, "a", "2"));
  strata::engine::write_batch batch;
  batch.put(0, "b", "3");
  const read_set stale = key_at("a", 1);
  CHECK(code_of(store->commit(batch, strata::durability::none, &stale)) == errc::conflict);
  CHECK(store->last_sequence() == 2);
  CHECK_FALSE(get(*store, "b"));
  CHECK(store->stats().conflicts == 1);
  // The same batch again, with what is so now.
  const read_set fresh = key_at("a", 2);
  auto committed = store->commit(batch, strata::durability::none, &fresh);
  require_ok(committed);
  CHECK(*committed == 3);
}

TEST_CASE("a read set beside nothing written is no conflict, also on an empty store", "[engine][conflicts]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");
  CHECK_FALSE(conflicts(*store, key_at("a", 0)));
  CHECK_FALSE(conflicts(*store, range_at("", "", 0, true)));
  require_ok(put(*store, "a", "1"));
  CHECK(conflicts(*store, key_at("a", 0)));
  CHECK(conflicts(*store, range_at("", "", 0, true)));
}

TEST_CASE("a commit whose reads can't be checked says why, and writes nothing", "[engine][conflicts]") {
  for (const bool of_a_range : {false, true}) {
    const failing_environment environment;
    strata::options amounts = tiny_options();
    amounts.cache_bytes = 0;
    auto store = open_store<default_store<failing_environment>>(environment, "store", amounts);
    require_ok(put(*store, "a", "1"));
    require_ok(put(*store, "a", "2"));
    require_ok(store->compact());
    const read_set reads = of_a_range ? range_at("a", "b", 1) : key_at("a", 1);
    strata::engine::write_batch batch;
    batch.put(0, "b", "1");
    environment.fail(only(call::read), 1, errc::io_error);
    CHECK(code_of(store->commit(batch, strata::durability::none, &reads)) == errc::io_error);
    REQUIRE(environment.fired());
    require_ok(store->status());
    CHECK_FALSE(get(*store, "b"));
    CHECK(store->stats().conflicts == 0);
    CHECK(code_of(store->commit(batch, strata::durability::none, &reads)) == errc::conflict);
  }
}
