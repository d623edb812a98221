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
// Level 0 may hold three runs, the first level below it 1,000 bytes.
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
