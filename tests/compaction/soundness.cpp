#include "compaction/contract.hpp"
#include "compaction/shapes.hpp"

#include <strata/compaction/soundness.hpp>

using namespace strata;
using namespace strata::testing;
using compaction::plan_flaw;
using compaction::plan_is_sound;

namespace {

std::string flaw(const compaction::shape& s, const compaction::plan& plan) {
  const char* const found = plan_flaw(s, plan);
  CHECK(plan_is_sound(s, plan) == (found == nullptr));
  return found == nullptr ? "" : found;
}

compaction::plan discard(dynamic_array<compaction::plan::input> inputs) { return {std::move(inputs), 0, false, true}; }

// Level 0: 30 over 20 over 10. Level 1: 5, 6. Level 2: 2, 3.
compaction::shape example() {
  return shape_of({{{table(30, 'k', 'p')}, {table(20, 'a', 'f')}, {table(10, 'e', 'm')}},
                   {{table(5, 'a', 'c'), table(6, 'n', 'z')}},
                   {{table(2, 'a', 'm'), table(3, 'p', 'z')}}});
}

}  // namespace

TEST_CASE("a plan names tables that exist, once") {
  CHECK(flaw(example(), plan_of({}, 1)) == "the plan has no input");
  CHECK(flaw(example(), plan_of({{1, 5}, {1, 5}}, 1)) == "an input is named twice");
  CHECK(flaw(example(), plan_of({{1, 7}}, 1)) == "an input does not exist");
  CHECK(flaw(example(), plan_of({{2, 5}}, 2)) == "an input does not exist");
  CHECK(flaw(example(), plan_of({{9, 5}}, 9)) == "an input does not exist");
  CHECK(flaw(example(), plan_of({{1, 5}}, 1)).empty());
}

TEST_CASE("a plan puts its output below level 0, no higher than an input and no deeper than there are levels") {
  CHECK(flaw(example(), plan_of({{0, 10}}, 0, true)) == "the output level is not one of 1 to 15");
  CHECK(flaw(example(), plan_of({{2, 2}}, 16)) == "the output level is not one of 1 to 15");
  CHECK(flaw(example(), plan_of({{2, 2}}, 15)).empty());
  CHECK(flaw(example(), plan_of({{2, 2}}, 1)) == "the output lies above an input");
}

TEST_CASE("with a table goes every older one that it overlaps above the output") {
  const std::string above = "a table above the output is kept that a newer input overlaps";
  CHECK(flaw(example(), plan_of({{0, 20}, {1, 5}}, 1)) == above);                  // 10 is older, shares e and f
  CHECK(flaw(example(), plan_of({{0, 10}}, 1)).empty());                           // the oldest alone
  CHECK(flaw(example(), plan_of({{0, 20}, {0, 10}, {1, 5}}, 1)).empty());          // 30 is newer and may stay
  CHECK(flaw(example(), plan_of({{0, 30}, {1, 6}}, 1)) == above);                  // shares k to m with 10
  CHECK(flaw(example(), plan_of({{0, 20}, {0, 10}, {2, 2}}, 2)) == above);         // passes 5
  CHECK(flaw(example(), plan_of({{0, 20}, {0, 10}, {1, 5}, {2, 2}}, 2)).empty());  // takes it along
}

TEST_CASE("the output may not overlap what stays in the run that it joins, nor span it") {
  const std::string within = "a table of the joined run is kept within the range of the inputs";
  CHECK(flaw(example(), plan_of({{0, 20}, {0, 10}}, 1)) == within);
  CHECK(flaw(example(), plan_of({{1, 5}}, 2)) == within);
  const compaction::shape gap = shape_of({{}, {{table(1, 'a', 'b'), table(2, 'y', 'z')}}, {{table(3, 'm', 'm')}}});
  CHECK(flaw(gap, plan_of({{1, 1}, {1, 2}}, 2)) == within);
  CHECK(flaw(gap, plan_of({{1, 1}, {1, 2}, {2, 3}}, 2)).empty());
  CHECK(flaw(gap, plan_of({{1, 1}, {1, 2}}, 2, true)).empty());
}

TEST_CASE("a run that is joined is the only one of its level") {
  const compaction::shape s = shape_of({{{table(3, 'a', 'b')}}, {{table(2, 'e', 'f')}, {table(1, 'g', 'h')}}});
  CHECK(flaw(s, plan_of({{0, 3}}, 1)) == "the output joins a level of several runs");
  CHECK(flaw(s, plan_of({{0, 3}}, 1, true)).empty());
}

TEST_CASE("a new run takes nothing of its level without the newer tables that it overlaps") {
  const compaction::shape s =
      shape_of({{{table(9, 'a', 'z')}}, {{table(3, 'a', 'e')}, {table(2, 'd', 'h')}, {table(1, 'g', 'z')}}});
  const std::string below = "a table below the output is kept that an older input overlaps";
  CHECK(flaw(s, plan_of({{0, 9}}, 1, true)).empty());
  CHECK(flaw(s, plan_of({{1, 3}}, 1, true)).empty());
  CHECK(flaw(s, plan_of({{1, 2}}, 1, true)) == below);
  CHECK(flaw(s, plan_of({{1, 1}}, 1, true)) == below);
  CHECK(flaw(s, plan_of({{1, 2}, {1, 3}}, 1, true)).empty());
  CHECK(flaw(s, plan_of({{0, 9}, {1, 1}}, 1, true)) == below);
  CHECK(flaw(s, plan_of({{1, 1}, {1, 3}}, 1, true)) == below);
}

TEST_CASE("what is discarded leaves no older version behind") {
  const std::string back = "a table is kept that an input overwrites: its old versions would be back";
  CHECK(flaw(example(), discard({{0, 30}})) == back);
  CHECK(flaw(example(), discard({{2, 2}})).empty());
  CHECK(flaw(example(), discard({{2, 2}, {2, 3}})).empty());
  CHECK(flaw(example(), discard({{1, 5}})) == back);
  CHECK(flaw(example(), discard({{2, 2}, {1, 5}})).empty());
}

namespace {
// Any tables, with or without those around them; joined or as a new run; or nothing.
compaction::plan random_plan(dice& random, const compaction::shape& s) {
  compaction::plan plan;
  std::uint32_t lowest = 0;
  const std::uint32_t taken_of_4 = 1 + random.below(4);
  const std::uint32_t from = random.below(s.levels.size());
  for (std::uint32_t level = from; level < s.levels.size(); ++level) {
    if (random.below(3) == 0) break;
    for (const compaction::sorted_run_shape& run : s.levels[level].runs)
      for (const compaction::table_shape& each : run.tables)
        if (random.below(4) < taken_of_4) {
          plan.inputs.push_back({level, each.number});
          lowest = level;
        }
  }
  plan.output_level = lowest + random.below(2);
  plan.output_is_new_run = random.below(2) == 0;
  plan.discard = random.below(6) == 0;
  return plan;
}
}  // namespace

// The proof by trial: whatever plan passes keeps the order in the model, and of those that do not pass many break it.
TEST_CASE("any plan that is sound keeps the order of versions") {
  std::size_t sound = 0;
  std::size_t unsound = 0;
  std::size_t harmful = 0;
  std::size_t joined = 0;
  std::size_t discarded = 0;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    dice random{seed};
    model_store store(random.below(2) == 0 ? history::dropped : history::kept, 1 + random.below(6));
    bool has_discarded = false;
    for (int step = 0; step < 12; ++step) {
      const std::size_t tables = random.below(4);
      if (tables > 0) store.flush(random_writes(random, 24), tables);
      const compaction::shape seen = store.shape();
      if (seen.levels.empty()) continue;
      const compaction::plan plan = random_plan(random, seen);
      if (!plan_is_sound(seen, plan)) {
        ++unsound;
        if (plan.inputs.empty() || plan.output_level == 0) continue;
        model_store harmed = store;
        harmed.apply(plan);
        harmful += harmed.faults_of_order() + harmed.faults_of_content(true) > 0;
        continue;
      }
      ++sound;
      joined += !plan.output_is_new_run && !plan.discard;
      discarded += plan.discard;
      has_discarded = has_discarded || plan.discard;
      store.apply(plan);
      INFO("seed " << seed << ", step " << step);
      REQUIRE(store.faults_of_order() == 0);
      REQUIRE(store.faults_of_content(has_discarded) == 0);
    }
  }
  CAPTURE(sound, unsound, harmful, joined, discarded);
  CHECK(sound > 5000);
  CHECK(joined > 1000);
  CHECK(discarded > 500);
  CHECK(unsound > 5000);
  CHECK(harmful > 1000);
}
