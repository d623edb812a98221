#include "compaction/contract.hpp"
#include "compaction/shapes.hpp"

#include <strata/compaction/leveled.hpp>
#include <strata/compaction/tiered.hpp>

using namespace strata;
using namespace strata::testing;
using compaction::leveled;
using list = std::vector<std::uint64_t>;

TEST_CASE("compaction::leveled meets the contract of policies") { compaction_contract<leveled>(); }

TEST_CASE("compaction::leveled takes over a store that was tiered") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) play<leveled, compaction::tiered>(seed, history::dropped);
  for (std::uint64_t seed = 0; seed < 60; ++seed) play<leveled, compaction::tiered>(seed, history::kept);
  for (std::uint64_t seed = 0; seed < 60; ++seed) play_with_garbage<leveled, compaction::tiered>(seed);
}

namespace {
// Level 0 may hold three runs, the base level 1,000 bytes.
constexpr compaction::amounts small{.level_bytes_base = 1000, .fan_out = 10, .level0_runs = 4};
}  // namespace

TEST_CASE("compaction::leveled makes one run of several, and counts them as debt") {
  compaction::shape s;
  s.levels.resize(8);
  s.levels[7].runs = {{2, {table(2, 'a', 'c')}}, {1, {table(1, 'x', 'z')}}};
  CHECK(leveled().debt_bytes(s, small) == 200);
  for (const auto& plan : {leveled().pick(s, small), leveled().pick_all(s, small)}) {
    REQUIRE(plan);
    CHECK(numbers(*plan) == list{1, 2});
    CHECK(plan->output_level == 7);
    CHECK(plan->output_is_new_run);
  }
}

TEST_CASE("compaction::leveled leaves level 0 alone until it has its runs") {
  CHECK_FALSE(leveled().pick(shape_of({{{table(3, 'a', 'z')}, {table(2, 'a', 'z')}, {table(1, 'a', 'z')}}}), small));
}

TEST_CASE("compaction::leveled takes level 0 whole, straight to the lowest level while the store is small") {
  compaction::shape s =
      shape_of({{{table(5, 'a', 'c')}, {table(4, 'k', 'm')}, {table(3, 'b', 'd')}, {table(2, 'f', 'g')}}});
  s.levels.resize(8);
  s.levels[7].runs.push_back({0, {table(1, 'e', 'e', 2000), table(6, 'n', 'z', 2000)}});
  const auto plan = leveled().pick(s, small);
  REQUIRE(plan);
  CHECK(plan->output_level == 7);
  CHECK(numbers(*plan) == list{1, 2, 3, 4, 5});  // 1 lies in a gap, but within the range of all; 6 is out of it
  CHECK_FALSE(plan->output_is_new_run);
}

TEST_CASE("compaction::leveled opens a level above when the lowest holds a fan-out times the base") {
  for (const std::uint64_t bytes : {9'999u, 10'000u, 99'999u, 100'000u}) {
    compaction::shape s =
        shape_of({{{table(5, 'a', 'c')}, {table(4, 'a', 'c')}, {table(3, 'a', 'c')}, {table(2, 'a', 'c')}}});
    s.levels.resize(8);
    s.levels[7].runs.push_back({0, {table(1, 'a', 'z', bytes)}});
    const auto plan = leveled().pick(s, small);
    REQUIRE(plan);
    CHECK(plan->output_level == (bytes < 10'000 ? 7 : bytes < 100'000 ? 6 : 5));
    CHECK(plan->inputs.size() == (bytes < 10'000 ? 5 : 4));
  }
}

TEST_CASE("compaction::leveled never passes a level with data") {
  compaction::shape s =
      shape_of({{{table(5, 'a', 'c')}, {table(4, 'a', 'c')}, {table(3, 'a', 'c')}, {table(2, 'a', 'c')}},
                {},
                {},
                {{table(7, 'a', 'b', 1)}}});
  s.levels.resize(8);
  s.levels[7].runs.push_back({0, {table(1, 'a', 'z', 20'000)}});
  const auto plan = leveled().pick(s, small);
  REQUIRE(plan);
  CHECK(plan->output_level == 3);
  CHECK(numbers(*plan) == list{2, 3, 4, 5, 7});
}

TEST_CASE("compaction::leveled moves the table with the least overlap for its size, erased ones first") {
  compaction::shape s;
  s.levels.resize(8);
  s.levels[6].runs.push_back({0, {table(10, 'a', 'd', 800), table(11, 'f', 'g', 800), table(12, 'k', 'm', 800)}});
  s.levels[7].runs.push_back(
      {0, {table(1, 'a', 'b', 4000), table(2, 'c', 'e', 4000), table(3, 'f', 'j', 1000), table(4, 'k', 'z', 5000)}});
  auto plan = leveled().pick(s, small);
  REQUIRE(plan);
  CHECK(plan->output_level == 7);
  CHECK(numbers(*plan) == list{3, 11});
  s.levels[6].runs[0].tables[0].tombstones = 50;
  plan = leveled().pick(s, small);
  REQUIRE(plan);
  CHECK(numbers(*plan) == list{1, 2, 10});
  s.levels[6].runs[0].tables[0].tombstones = 49;
  plan = leveled().pick(s, small);
  REQUIRE(plan);
  CHECK(numbers(*plan) == list{3, 11});
}

TEST_CASE("compaction::leveled takes neighbours along that cost nothing more") {
  compaction::shape s;
  s.levels.resize(8);
  s.levels[6].runs.push_back(
      {0, {table(9, 'a', 'b', 10), table(10, 'c', 'd', 2000), table(11, 'f', 'g', 10), table(12, 'k', 'm', 10)}});
  s.levels[7].runs.push_back({0, {table(1, 'b', 'h', 9000), table(2, 'i', 'z', 9000)}});
  const auto plan = leveled().pick(s, small);
  REQUIRE(plan);
  CHECK(numbers(*plan) == list{1, 10, 11});  // 9 begins before the range that is rewritten, 12 after it
}

TEST_CASE("compaction::leveled moves keys that come in order without rewriting them") {
  model_store store(history::dropped, 100);
  const compaction::amounts amounts{.level_bytes_base = 100 * model_store::entry_bytes};
  for (std::uint32_t i = 0; i < 200; ++i) {
    std::vector<model_entry> written;
    for (std::uint32_t key = 0; key < 50; ++key) written.push_back({i * 50 + key, 0, false});
    store.flush(written);
    settle<leveled>(store, amounts);
  }
  CHECK(store.write_amplification() == 1.0);
}

TEST_CASE("compaction::leveled does not rewrite a store that is one run") {
  compaction::shape s;
  s.levels.resize(8);
  s.levels[7].runs.push_back({0, {table(1, 'a', 'b', 100, 100), table(2, 'c', 'z', 100, 1)}});
  CHECK_FALSE(leveled().pick_all(s, small));
  s.levels[3] = s.levels[7];
  s.levels[7].runs.clear();
  s.levels[3].runs[0].tables[0].tombstones = 0;
  s.levels[3].runs[0].tables[1].tombstones = 0;
  CHECK_FALSE(leveled().pick_all(s, small));
  // With tombstones above the lowest level, one rewrite in the lowest ends them.
  s.levels[3].runs[0].tables[1].tombstones = 1;
  const auto plan = leveled().pick_all(s, small);
  REQUIRE(plan);
  CHECK(numbers(*plan) == list{2});
  CHECK(plan->output_level == 7);
  CHECK_FALSE(compaction::is_trivial_move(s, *plan));
}

TEST_CASE("compaction::leveled rewrites tables with garbage where they are, neighbours together") {
  compaction::shape s;
  s.levels.resize(8);
  s.levels[5].runs.push_back({0, {table(9, 'r', 's', 5), table(10, 'w', 'x', 5)}});
  s.levels[7].runs.push_back({0, {table(1, 'a', 'b'), table(2, 'c', 'd', 400), table(3, 'e', 'f', 600), table(4, 'g', 'h'),
                                  table(5, 'i', 'j'), table(6, 'k', 'z')}});
  CHECK_FALSE(leveled().pick(s, small));
  dynamic_array<compaction::table_shape>& upper = s.levels[5].runs[0].tables;
  dynamic_array<compaction::table_shape>& lowest = s.levels[7].runs[0].tables;
  for (std::size_t i = 1; i < 4; ++i) lowest[i].has_garbage = true;
  CHECK_FALSE(leveled().pick(s, small));  // not worth it
  for (std::size_t i = 1; i < 4; ++i) lowest[i].is_worth_rewriting = true;
  auto plan = leveled().pick(s, small);
  REQUIRE(plan);
  CHECK(numbers(*plan) == list{2, 3});  // 1,000 bytes in one step
  CHECK(plan->output_level == 7);
  CHECK_FALSE(plan->output_is_new_run);
  CHECK(compaction::plan_is_sound(s, *plan));
  CHECK_FALSE(compaction::is_trivial_move(s, *plan));
  CHECK(leveled().debt_bytes(s, small) == 0);
  // Above what is older it stays garbage; above nothing it goes.
  for (std::size_t i = 1; i < 4; ++i) lowest[i].is_worth_rewriting = false;
  upper[0].is_worth_rewriting = true;
  CHECK_FALSE(leveled().pick(s, small));
  lowest[5].limit = lowest[5].smallest;
  lowest[5].smallest = lowest[4].limit;
  plan = leveled().pick(s, small);
  REQUIRE(plan);
  CHECK(numbers(*plan) == list{9});
  CHECK(plan->output_level == 5);
}

TEST_CASE("compaction::leveled compacts away all garbage of one run, in steps") {
  compaction::shape s;
  s.levels.resize(8);
  s.levels[7].runs.push_back({0, {table(1, 'a', 'b', 600, 5), table(2, 'c', 'd', 600), table(3, 'e', 'f', 600)}});
  CHECK_FALSE(leveled().pick_all(s, small));
  s.levels[7].runs[0].tables[1].has_garbage = true;
  s.levels[7].runs[0].tables[2].has_garbage = true;
  const auto plan = leveled().pick_all(s, small);
  REQUIRE(plan);
  CHECK(numbers(*plan) == list{2});
  CHECK(plan->output_level == 7);
}

namespace {

// `flushed` runs in level 0, each of 100 bytes, `gathered` in level 1, each of 400; the lowest level holds `below` bytes.
compaction::shape busy(std::uint64_t flushed, std::uint64_t gathered, std::uint64_t below) {
  compaction::shape s;
  s.levels.resize(8);
  for (std::uint64_t i = 0; i < flushed; ++i) s.levels[0].runs.push_back({300 - i, {table(300 - i, 'b', 'y')}});
  for (std::uint64_t i = 0; i < gathered; ++i) s.levels[1].runs.push_back({200 - i, {table(200 - i, 'b', 'y', 400)}});
  if (below > 0) s.levels[7].runs.push_back({0, {table(1, 'a', 'z', below)}});
  return s;
}

}  // namespace

TEST_CASE("compaction::leveled gathers what is flushed while merges are behind and the level below is large") {
  struct expectation {
    std::uint64_t flushed, gathered, below;
    std::uint32_t output;  // 0: nothing
  };
  for (const expectation& e : {expectation{7, 0, 1601, 7}, {8, 0, 1600, 7}, {8, 0, 1602, 1}, {8, 0, 0, 7}, {9, 3, 4202, 1}, {9, 3, 4200, 7},
                               {9, 4, 9000, 7}, {3, 0, 9000, 0}, {3, 1, 9000, 7}, {0, 1, 0, 7}, {20, 5, 9000, 7}}) {
    CAPTURE(e.flushed, e.gathered, e.below);
    const compaction::shape s = busy(e.flushed, e.gathered, e.below);
    const auto plan = leveled().pick(s, small);
    REQUIRE(plan.has_value() == (e.output != 0));
    CHECK((leveled().debt_bytes(s, small) == 0) == !plan.has_value());
    if (!plan) continue;
    CHECK(compaction::plan_is_sound(s, *plan));
    CHECK(plan->output_level == e.output);
    CHECK(plan->output_is_new_run == (e.output == 1));
    // Level 0 alone, or all.
    CHECK(plan->inputs.size() == (e.output == 1 ? e.flushed : e.flushed + e.gathered + (e.below > 0 ? 1 : 0)));
  }
}

TEST_CASE("compaction::leveled gathers before the levels below have their turn, and these have it before the rest") {
  compaction::shape s = busy(8, 1, 20'000);
  s.levels[6].runs.push_back({0, {table(2, 'a', 'z', 9'000)}});
  auto plan = leveled().pick(s, small);
  REQUIRE(plan);
  CHECK(plan->output_level == 1);
  s.levels[0].runs.erase(0);
  plan = leveled().pick(s, small);
  REQUIRE(plan);
  CHECK(numbers(*plan) == list{1, 2});
  s.levels[6].runs[0].tables[0].bytes = 2'000;  // its share
  plan = leveled().pick(s, small);
  REQUIRE(plan);
  CHECK(plan->output_level == 6);
  CHECK(plan->inputs.size() == 9);
}

TEST_CASE("compaction::leveled compacts what was gathered, too") {
  const compaction::shape s = busy(0, 2, 9000);
  const auto plan = leveled().pick_all(s, small);
  REQUIRE(plan);
  CHECK(plan->output_level == 7);
  CHECK(numbers(*plan) == list{1, 199, 200});
}

TEST_CASE("compaction::leveled compacts in steps of one table") {
  compaction::shape s;
  s.levels.resize(8);
  s.levels[5].runs.push_back({0, {table(9, 'a', 'c'), table(10, 'm', 'n')}});
  s.levels[7].runs.push_back({0, {table(1, 'b', 'h'), table(2, 'i', 'z')}});
  const auto plan = leveled().pick_all(s, small);
  REQUIRE(plan);
  CHECK(plan->output_level == 7);
  CHECK(numbers(*plan) == list{1, 9});
}

// The model repeats exactly: a change to the policy shows here. Both bounds leave a fifth above what it gives today.
TEST_CASE("compaction::leveled writes random keys a bounded number of times") {
  const double at_10 = write_amplification<leveled>(10, 1000);
  const double at_100 = write_amplification<leveled>(100, 1000);
  CAPTURE(at_10, at_100);
  CHECK(at_10 < 2.6);
  CHECK(at_100 < 9.2);
}

// Of each memtable that is flushed, so many times its bytes may be merged meanwhile.
TEST_CASE("compaction::leveled writes fewer times what it has less time for, and has all in place when it had the time") {
  const auto busy_at = [](double speed) {
    constexpr std::uint32_t memtable_entries = 400;
    constexpr std::uint64_t memtable_bytes = memtable_entries * model_store::entry_bytes;
    const compaction::amounts amounts{.level_bytes_base = 4 * memtable_bytes};
    model_store store(history::dropped, memtable_entries / 4);
    dice random{1};
    double done = 0;
    std::size_t most = 0;
    for (std::uint32_t i = 0; i < 240; ++i) {
      std::vector<model_entry> written(memtable_entries);
      for (model_entry& each : written) each.key = random.below(std::uint64_t{120} * memtable_entries) * 7919;
      store.flush(std::move(written));
      most = (std::max)(most, store.runs());
      done += speed * memtable_bytes;
      while (done > 0) {
        const std::optional<compaction::plan> plan = leveled().pick(store.shape(), amounts);
        if (!plan) {
          done = 0;
          break;
        }
        const double before = store.write_amplification() * (i + 1);
        store.apply(*plan);
        done -= (store.write_amplification() * (i + 1) - before) * memtable_bytes;
      }
    }
    const double amplification = store.write_amplification();
    settle<leveled>(store, amounts);
    CHECK(compaction::runs_of(compaction::level_at(store.shape(), 0)) < amounts.level0_runs);
    CHECK(compaction::is_empty(compaction::level_at(store.shape(), 1)));
    return std::pair(amplification, most);
  };
  const auto [at_ease, runs_at_ease] = busy_at(100);
  const auto [pressed, runs_pressed] = busy_at(4);
  CAPTURE(at_ease, runs_at_ease, pressed, runs_pressed);
  CHECK(runs_at_ease <= 6);
  CHECK(runs_pressed <= 20);
  CHECK(pressed < 0.65 * at_ease);
}
