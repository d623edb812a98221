// What time and the end of a snapshot make removable is removed, also from the lowest level, where no other work comes by.
#include "engine/stores.hpp"

#include <strata/compaction/archetype.hpp>
#include <strata/compaction/tiered.hpp>

#include <thread>

using namespace strata_tests;

namespace {

// Files in memory, and clocks that a test moves ahead, both alike.
class passing_world : public strata::environment::in_memory {
 public:
  std::uint64_t wall_time_us() const { return in_memory::wall_time_us() + ahead_us_->load(); }
  std::uint64_t steady_time_ns() const { return in_memory::steady_time_ns() + ahead_us_->load() * 1000; }
  void pass(std::uint64_t us) const { *ahead_us_ += us; }

 private:
  std::shared_ptr<std::atomic<std::uint64_t>> ahead_us_ = std::make_shared<std::atomic<std::uint64_t>>(0);
};

template <typename Compaction>
using store_of = strata::engine::lsm_store<passing_world, strata::memtable::btree, strata::wal::segmented,
                                           strata::sstable::block_table<>, Compaction>;

constexpr std::uint64_t far_future_us = 10'000'000'000'000'000;
constexpr std::uint64_t life_us = 10'000'000;  // less than the difference of the clocks that stops removal: they move one by one

template <typename Store>
std::uint64_t entries(Store& store) {
  return store.stats().table_entries;
}

std::string key_of(std::size_t i) { return "key" + std::to_string(1'000'000 + i); }

// Keys [from, to) with 30 bytes each.
template <typename Store>
void put_expiring(Store& store, std::size_t from, std::size_t to, std::uint64_t expires_at_us) {
  for (std::size_t i = from; i < to; ++i) {
    strata::engine::write_batch batch;
    batch.put_expiring(0, key_of(i), std::string(30, 'v'), expires_at_us);
    require_ok(store.commit(batch, strata::durability::none));
  }
}

template <typename Store>
void check_removal() {
  const passing_world environment{};
  auto store = open_store<Store>(environment, "store");
  SECTION("values that expire in the lowest level go in compact()") {
    put_expiring(*store, 0, 5000, environment.wall_time_us() + 1000);
    require_ok(put(*store, key_of(5000), "stays"));
    put_expiring(*store, 5001, 5010, far_future_us);
    environment.pass(1000);
    require_ok(store->compact());
    CHECK(entries(*store) == 10);
    CHECK(get(*store, key_of(5000)) == "stays");
    CHECK(scan(*store).size() == 10);
  }
  SECTION("also those that had not expired when they came there") {
    put_expiring(*store, 0, 5000, environment.wall_time_us() + life_us);
    require_ok(store->compact());
    CHECK(entries(*store) == 5000);
    environment.pass(life_us);
    require_ok(store->compact());
    CHECK(entries(*store) == 0);
    CHECK(store->stats().tables == 0);
  }
  SECTION("what a snapshot held goes when it has ended") {
    for (std::size_t i = 0; i < 5000; ++i) require_ok(put(*store, key_of(i), "old"));
    const strata::sequence_number held = store->take_snapshot();
    for (std::size_t i = 0; i < 5000; ++i) require_ok(erase(*store, key_of(i)));
    require_ok(store->compact());
    CHECK(entries(*store) == 10'000);
    CHECK(get(*store, key_of(7), held) == "old");
    CHECK(scan(*store, held).size() == 5000);
    store->release_snapshot(held);
    require_ok(store->compact());
    CHECK(entries(*store) == 0);
  }
  SECTION("so do tombstones whose values it never saw") {
    const strata::sequence_number held = store->take_snapshot();
    for (std::size_t i = 0; i < 5000; ++i) require_ok(put(*store, key_of(i), "new"));
    for (std::size_t i = 0; i < 5000; ++i) require_ok(erase(*store, key_of(i)));
    require_ok(store->compact());
    CHECK(entries(*store) == 5000);
    store->release_snapshot(held);
    require_ok(store->compact());
    CHECK(entries(*store) == 0);
  }
  SECTION("and overwritten versions, while a newer snapshot holds what it sees") {
    for (std::size_t i = 0; i < 2000; ++i) require_ok(put(*store, key_of(i), "old"));
    const strata::sequence_number first = store->take_snapshot();
    for (std::size_t i = 0; i < 2000; ++i) require_ok(put(*store, key_of(i), "new"));
    const strata::sequence_number second = store->take_snapshot();
    require_ok(store->compact());
    CHECK(entries(*store) == 4000);
    store->release_snapshot(first);
    require_ok(store->compact());
    CHECK(entries(*store) == 2000);
    CHECK(get(*store, key_of(7), second) == "new");
    store->release_snapshot(second);
  }
  SECTION("a range tombstone that a snapshot held goes too") {
    for (std::size_t i = 0; i < 2000; ++i) require_ok(put(*store, key_of(i), "old"));
    const strata::sequence_number held = store->take_snapshot();
    strata::engine::write_batch batch;
    batch.erase_range(0, key_of(0), key_of(1500));
    require_ok(store->commit(batch, strata::durability::none));
    require_ok(store->compact());
    CHECK(entries(*store) == 2000);
    store->release_snapshot(held);
    require_ok(store->compact());
    CHECK(entries(*store) == 500);
    CHECK(scan(*store).size() == 500);
  }
  require_ok(store->verify());
  const contents before = scan(*store);
  require_ok(store->close());
  store = open_store<Store>(environment, "store");
  CHECK(scan(*store) == before);
}

}  // namespace

TEST_CASE("a leveled store removes what nobody needs any more", "[engine][garbage]") {
  check_removal<store_of<strata::compaction::leveled>>();
}
TEST_CASE("a tiered store removes what nobody needs any more", "[engine][garbage]") {
  check_removal<store_of<strata::compaction::tiered>>();
}
TEST_CASE("the archetype of a policy removes what nobody needs any more", "[engine][garbage]") {
  check_removal<store_of<strata::compaction::archetype>>();
}

// Keys that rise are moved and never merged: only the background's own look for garbage takes them away again.
TEST_CASE("values that expire under rising keys do not pile up", "[engine][garbage]") {
  const passing_world environment{};
  auto store = open_store<store_of<strata::compaction::leveled>>(environment, "store");
  for (std::size_t round = 0; round < 30; ++round) {
    put_expiring(*store, round * 2000, (round + 1) * 2000, environment.wall_time_us() + life_us);
    require_ok(store->flush());
    // What this round wrote, and what of the last still lies in level 0. The other thread may take its time.
    while (entries(*store) > 6000) std::this_thread::yield();
    environment.pass(life_us);
  }
  require_ok(store->compact());
  CHECK(entries(*store) == 0);
}

TEST_CASE("a table is not written again for each value that expires in it", "[engine][garbage]") {
  const passing_world environment{};
  auto store = open_store<store_of<strata::compaction::leveled>>(environment, "store");
  put_expiring(*store, 0, 100, environment.wall_time_us() + life_us);
  put_expiring(*store, 100, 1000, far_future_us);
  require_ok(store->compact());
  CHECK(entries(*store) == 1000);
  environment.pass(life_us);
  const std::uint64_t merges = store->stats().compactions;
  require_ok(put(*store, "a", "b"));
  require_ok(store->flush());  // the compaction thread looks, and finds too little
  CHECK(store->stats().compactions == merges);
  require_ok(store->compact());
  CHECK(entries(*store) == 901);
}
