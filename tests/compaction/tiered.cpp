#include "compaction/contract.hpp"
#include "compaction/shapes.hpp"

#include <strata/compaction/leveled.hpp>
#include <strata/compaction/tiered.hpp>

using namespace strata;
using namespace strata::testing;
using compaction::tiered;
using list = std::vector<std::uint64_t>;

TEST_CASE("compaction::tiered meets the contract of policies") { compaction_contract<tiered>(); }

TEST_CASE("compaction::tiered takes over a store that was leveled") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) play<tiered, compaction::leveled>(seed, history::dropped);
  for (std::uint64_t seed = 0; seed < 60; ++seed) play<tiered, compaction::leveled>(seed, history::kept);
  for (std::uint64_t seed = 0; seed < 60; ++seed) play_with_garbage<tiered, compaction::leveled>(seed);
}

namespace {
constexpr compaction::amounts two_runs{.level0_runs = 2};
}  // namespace

TEST_CASE("compaction::tiered merges a full level into a new run of the next") {
  const compaction::shape s =
      shape_of({{{table(9, 'a', 'c')}, {table(8, 'd', 'e')}}, {{table(7, 'a', 'z')}}, {{table(1, 'a', 'z', 1000)}}});
  const auto plan = tiered().pick(s, two_runs);
  REQUIRE(plan);
  CHECK(numbers(*plan) == list{8, 9});
  CHECK(plan->output_level == 1);
  CHECK(plan->output_is_new_run);
  CHECK(tiered().debt_bytes(s, two_runs) == 200);
}

TEST_CASE("compaction::tiered keeps one run in the lowest level, until it has outgrown what comes down") {
  for (const std::uint64_t bytes : {399u, 400u}) {
    const compaction::shape s = shape_of({{{table(9, 'a', 'c')}, {table(8, 'd', 'e')}}, {{table(7, 'a', 'z', bytes)}}});
    const auto plan = tiered().pick(s, two_runs);
    REQUIRE(plan);
    CHECK(numbers(*plan) == list{7, 8, 9});
    CHECK(plan->output_level == (bytes < 400 ? 1 : 2));
    CHECK(tiered().debt_bytes(s, two_runs) == 200 + bytes);
  }
}

TEST_CASE("compaction::tiered compacts everything in one step, and then never again") {
  const compaction::shape s = shape_of({{{table(9, 'a', 'c')}}, {}, {{table(8, 'd', 'e')}, {table(7, 'a', 'z')}}});
  const auto plan = tiered().pick_all(s, two_runs);
  REQUIRE(plan);
  CHECK(numbers(*plan) == list{7, 8, 9});
  CHECK(plan->output_level == 2);
  compaction::shape one_run = shape_of({{}, {}, {{table(1, 'a', 'b', 100, 100), table(2, 'c', 'd')}}});
  CHECK_FALSE(tiered().pick_all(one_run, two_runs));
  one_run.levels[2].runs[0].tables[1].has_garbage = true;
  const auto again = tiered().pick_all(one_run, two_runs);
  REQUIRE(again);
  CHECK(numbers(*again) == list{1, 2});
  CHECK(again->output_level == 2);
  CHECK(compaction::plan_is_sound(one_run, *again));
  CHECK_FALSE(tiered().pick(one_run, two_runs));
}

// What the header promises of space: keys overwritten for ever, the data four times to sixty-four times a memtable.
TEST_CASE("compaction::tiered keeps overwritten data within bounds") {
  const compaction::amounts amounts;  // four runs a level
  for (const std::uint32_t memtables : {4u, 16u, 64u}) {
    model_store store(history::dropped, 50);
    dice random{memtables};
    std::uint64_t peak = 0;
    for (std::uint32_t i = 0; i < memtables * 12; ++i) {
      std::vector<model_entry> written(100);
      for (model_entry& each : written) each.key = random.below(memtables * 100);
      store.flush(written);
      while (const auto plan = tiered().pick(store.shape(), amounts)) store.apply(*plan);
      peak = (std::max)(peak, store.bytes());
    }
    CAPTURE(memtables, peak);
    CHECK(static_cast<double>(peak) <= (1 + 4.0 / 3 + 0.1) * memtables * 100 * model_store::entry_bytes);
  }
}

// The model repeats exactly; the bound leaves a fifth above what it gives today, and is well below what leveled gives.
TEST_CASE("compaction::tiered writes random keys a bounded number of times") {
  const double at_100 = write_amplification<tiered>(100, 1000);
  CAPTURE(at_100);
  CHECK(at_100 < 6.1);
}
