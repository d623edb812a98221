// What was acknowledged, held against a power cut in that very moment: the disk keeps what was synced, and nothing else.
#include "simulation/crashes.hpp"

using namespace strata_tests;
using strata::durability;

namespace {

using simulated_store = default_store<simulated>;

strata::options never_made_options() {
  strata::options amounts = tiny_options();
  amounts.create_if_missing = false;
  return amounts;
}

// What is wrong with a commit of `key` that was acknowledged as strict; empty: nothing. For any thread of the world.
std::string lost_in(const simulated& world, const std::string& key) {
  const simulated image = world.after_power_cut({});
  auto opened = simulated_store::open(image, "store", never_made_options());
  if (!opened) return key + ": " + opened.error().message();
  auto found = (*opened)->get(key, strata::sequence_max, [](strata::bytes_view, strata::sequence_number, std::uint64_t) {});
  if (!found.has_value()) return key + ": " + found.error().message();
  return *found ? std::string() : key + " was acknowledged and is lost";
}

}  // namespace

TEST_CASE("what a strict commit returned survives a power cut, whoever led its group", "[simulation][acknowledged]") {
  stay_on_one_core();
  each_seed(rounds(100, 5'000), [](std::uint64_t seed) {
    const simulated world({.seed = seed, .switch_one_in = static_cast<std::uint32_t>(1 + seed % 4)});
    // The log is synced in the background, too, as often as it may be.
    strata::options amounts = tiny_options();
    amounts.sync_interval = std::chrono::milliseconds(1);
    amounts.sync_after_bytes = 64;
    auto store = open_store<simulated_store>(world, "store", amounts);
    std::string wrong;
    std::vector<simulated::thread> threads;
    for (int writer = 0; writer < 4; ++writer) {
      threads.push_back(world.start_thread("writer", [&, writer]() noexcept {
                               for (int i = 0; i < 10; ++i) {
                                 const bool strict = (writer + i) % 2 == 0;
                                 const std::string key = std::to_string(writer) + "/" + std::to_string(i);
                                 auto done = put(*store, key, "v", strict ? durability::strict : durability::none);
                                 if (!wrong.empty()) return;
                                 if (!done.has_value()) wrong = done.error().message();
                                 if (strict && wrong.empty()) wrong = lost_in(world, key);
                               }
                             }).value());
    }
    for (simulated::thread& each : threads) each.join();
    require_ok(store->close());
    INFO("seed " << seed);
    CHECK(wrong == "");
  });
}

TEST_CASE("the log of a store that syncs each commit stands in zeros that were written ahead, that of another does not", "[simulation][acknowledged]") {
  using written_store = strata::engine::lsm_store<simulated, strata::memtable::btree, strata::wal::segmented,
                                                  strata::sstable::block_table<>, strata::compaction::leveled>;
  for (const bool strict : {false, true}) {
    const simulated world;
    strata::options amounts = tiny_options();
    amounts.durability = strict ? durability::strict : durability::buffered;
    auto store = open_store<written_store>(world, "store", amounts);
    require_ok(put(*store, "key", "v"));
    std::uint64_t bytes = 0;
    each_log_segment(world, [&](const strata::wal::segment& segment) { bytes += world.file_size(segment.path).value(); });
    CHECK((bytes > 4096) == strict);
    if (strict) CHECK(lost_in(world, "key") == "");
    require_ok(store->close());
  }
}

TEST_CASE("what a killed process may not have synced, a close promises only where it is in a table, whenever it comes", "[simulation][acknowledged]") {
  stay_on_one_core();
  std::uint64_t promised = 0, given_up = 0;
  strata::options amounts = tiny_options();
  amounts.memtable_bytes = strata::operator""_MiB(8);
  strata::engine::write_batch batch;  // so many that a merge looks meanwhile whether the store is closing
  for (int i = 0; i < 3'000; ++i) batch.put(0, std::to_string(i), "v");
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    const simulated first({.seed = seed});
    auto killed = open_store<simulated_store>(first, "store", amounts);
    require_ok(killed->commit(batch, durability::none));
    const simulated world = first.after_power_cut({.keeps = power_cut::keeping::everything}, {.seed = seed, .switch_one_in = 2});
    {
      auto store = open_store<simulated_store>(world, "store", amounts);
      for (std::uint64_t i = 0; i < seed % 50; ++i) world.step();
      require_ok(store->close());
    }
    strata::engine::manifest<simulated> manifest(world, "store");
    require_ok(manifest.recover());
    const strata::engine::manifest_state& state = manifest.state();
    CHECK(state.kept_sequence <= state.counts.flushed_sequence);
    CHECK(open_store<simulated_store>(world, "store", amounts)->last_sequence() == 1);
    promised += state.kept_sequence == 1;
    // The table had its number, which is behind the manifest's, and was not made: this closing edit promises nothing.
    given_up += state.kept_sequence == 0 && state.counts.file_ceiling > state.number;
  }
  WARN(promised << " promised, " << given_up << " given up");
  CHECK(promised > 0);
  CHECK(given_up > 0);
}

TEST_CASE("of increments that were acknowledged none is lost, also where they come in one group", "[simulation][acknowledged]") {
  stay_on_one_core();
  each_seed(rounds(100, 5'000), [](std::uint64_t seed) {
    const simulated world({.seed = seed, .switch_one_in = static_cast<std::uint32_t>(1 + seed % 4)});
    auto store = open_store<simulated_store>(world, "store");
    require_ok(put(*store, "sum", "0"));
    std::size_t acknowledged = 0;
    std::string wrong;
    // Behind a leader that has read nothing come those that have read the same, and may do so in its group.
    const auto increment = [&]() noexcept {
      strata::engine::read_set reads;
      reads.at = store->take_snapshot();
      reads.keys.push_back("sum");
      std::string next;
      auto found = store->get("sum", reads.at, [&](strata::bytes_view v, strata::sequence_number, std::uint64_t) {
        next = std::to_string(1 + std::stoull(std::string(v)));
      });
      strata::engine::write_batch batch;
      batch.put(0, "sum", next);
      auto done = store->commit(batch, durability::none, &reads);
      store->release_snapshot(reads.at);
      acknowledged += done.has_value();
      if (!found.has_value()) wrong = found.error().message();
      if (!done.has_value() && done.error() != strata::errc::conflict) wrong = done.error().message();
    };
    std::vector<simulated::thread> threads;
    for (int writer = 0; writer < 5; ++writer) {
      threads.push_back(world.start_thread("writer", [&, writer]() noexcept {
                               for (int i = 0; i < 20; ++i) {
                                 if (writer > 1) increment();
                                 else if (!put(*store, "other", "v")) wrong = "a write was refused";
                               }
                             }).value());
    }
    for (simulated::thread& each : threads) each.join();
    INFO("seed " << seed);
    CHECK(wrong == "");
    CHECK(get(*store, "sum") == std::to_string(acknowledged));
    require_ok(store->close());
  });
}

TEST_CASE("a checkpoint that returned survives a power cut", "[simulation][acknowledged]") {
  stay_on_one_core();
  each_seed(rounds(20, 1'000), [](std::uint64_t seed) {
    INFO("seed " << seed);
    const simulated world({.seed = seed});
    auto store = open_store<simulated_store>(world, "store");
    contents expected;
    for (std::uint64_t i = 0; i < 20 * seed; ++i) {
      expected[std::to_string(i)] = std::string(200, 'v');
      require_ok(put(*store, std::to_string(i), expected[std::to_string(i)]));
    }
    require_ok(store->checkpoint("copy"));
    const simulated image = world.after_power_cut({});
    auto copy = open_store<simulated_store>(image, "copy", never_made_options());
    CHECK(scan(*copy) == expected);
    require_ok(copy->verify());
    require_ok(copy->close());
    require_ok(store->close());
  });
}
