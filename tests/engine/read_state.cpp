#include "engine/stores.hpp"

using namespace strata_tests;
using unit = strata::engine::memory_unit<strata::memtable::btree>;
using strata::engine::write_batch;

namespace {

write_batch erasing(std::string_view begin, std::string_view end) {
  write_batch batch;
  batch.erase_range(0, begin, end);
  return batch;
}
strata::sequence_number covering(const unit& u, std::string_view key) {
  return u.range_tombstones() == nullptr ? 0 : u.range_tombstones()->covering(key, strata::sequence_max);
}

}  // namespace

TEST_CASE("what is staged is seen when it is published, and what is dropped never was", "[engine][read_state]") {
  unit u;
  const write_batch first = erasing("a", "c");
  const write_batch second = erasing("b", "d");
  u.stage(1, first.writes());
  u.build_staged();
  CHECK(u.empty());
  CHECK(u.range_tombstones() == nullptr);
  u.drop_staged();
  u.publish_staged();
  CHECK(u.empty());
  CHECK(u.range_tombstones() == nullptr);

  u.stage(2, first.writes());
  u.stage(3, second.writes());
  u.build_staged();
  REQUIRE(u.apply(2, 10, first.writes()));
  REQUIRE(u.apply(3, 11, second.writes()));
  CHECK(u.range_tombstones() == nullptr);
  u.publish_staged();
  CHECK(u.range_tombstone_count() == 2);
  CHECK(u.newest_time_us() == 11);
  CHECK(covering(u, "a") == 2);
  CHECK(covering(u, "b") == 3);
  CHECK(covering(u, "d") == 0);

  // A list that readers have stays as it is.
  const strata::range_tombstone_list* const seen = u.range_tombstones();
  u.stage(4, erasing("x", "z").writes());
  u.drop_staged();
  u.stage(5, erasing("x", "y").writes());
  u.build_staged();
  u.publish_staged();
  CHECK(covering(u, "x") == 5);
  CHECK(covering(u, "y") == 0);
  CHECK(seen->covering("x", strata::sequence_max) == 0);
  CHECK(u.range_tombstone_count() == 3);
}

TEST_CASE("writes of an overlay are applied one by one or together, to the same end", "[engine][read_state]") {
  write_batch batch;
  batch.put(0, "a", "1");
  batch.erase_range(0, "b", "d");
  batch.put(0, "c", "2");
  batch.erase_range(0, "c", "e");
  unit one_by_one;
  unit together;
  require_ok(one_by_one.reserve(batch.count(), batch.payload_bytes()));
  require_ok(together.reserve(batch.count(), batch.payload_bytes()));
  strata::sequence_number sequence = 100;
  auto writes = batch.writes();
  for (strata::engine::write w; writes.next(w);) one_by_one.apply_one(sequence++, w);
  together.apply_each(100, batch.writes());
  for (const unit* each : {&one_by_one, &together}) {
    CHECK(each->memtable().entries() == 2);
    CHECK(covering(*each, "b") == 101);
    CHECK(covering(*each, "c") == 103);
    CHECK(covering(*each, "d") == 103);
    strata::entry found;
    REQUIRE(each->memtable().get("a", strata::sequence_max, found));
    CHECK(found.sequence == 100);
  }
}

TEST_CASE("thousands of range erasures in one commit cost one list, when they are replayed too", "[engine][read_state]") {
  const strata::environment::in_memory environment;
  const auto key = [](int i) { return std::to_string(1'000'000 + i); };
  constexpr int count = 20'000;
  {
    auto store = open_store<memory_store>(environment, "store");
    require_ok(put(*store, key(7), "gone"));
    require_ok(put(*store, key(count + 7), "kept"));
    write_batch batch;
    for (int i = 0; i < count; ++i) batch.erase_range(0, key(i), key(i + 1));
    require_ok(store->commit(batch, strata::durability::none));
    CHECK(scan(*store) == contents{{key(count + 7), "kept"}});
  }
  auto store = open_store<memory_store>(environment, "store");
  CHECK(scan(*store) == contents{{key(count + 7), "kept"}});
}
