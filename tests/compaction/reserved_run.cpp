// The tables of the store's own run: told from others, parted, merged, and hidden from a policy that discards.
#include "compaction/shapes.hpp"

#include <strata/compaction/fifo.hpp>
#include <strata/compaction/reserved_run.hpp>
#include <strata/compaction/soundness.hpp>

using namespace strata;
using namespace strata::testing;
using namespace std::string_view_literals;

namespace {

compaction::table_shape over(std::uint64_t number, bytes_view smallest, bytes_view limit, std::uint64_t bytes = 100) {
  compaction::table_shape made = table(number, 'a', 'b', bytes);
  made.smallest = smallest;
  made.limit = limit;
  return made;
}
// Of run 0 alone, of run 0 and others, of others.
compaction::table_shape own(std::uint64_t number) { return over(number, "\0\0c"sv, "\0\0d"sv); }
compaction::table_shape both(std::uint64_t number) { return over(number, "\0\0c"sv, "\1\1d"sv); }
compaction::table_shape rows(std::uint64_t number) { return over(number, "\1\1c"sv, "\1\1d"sv); }

compaction::shape numbered(compaction::shape s) {
  for (compaction::level_shape& level : s.levels)
    for (compaction::sorted_run_shape& run : level.runs) run.number = run.tables.empty() ? 0 : run.tables[0].number;
  return s;
}

}  // namespace

TEST_CASE("run 0 ends where run 1 begins") {
  CHECK(compaction::holds_reserved({""sv, "\0"sv}));
  CHECK(compaction::holds_reserved({"\0\xFF"sv, "\1"sv}));
  CHECK_FALSE(compaction::holds_reserved({"\1"sv, "\2"sv}));
  CHECK_FALSE(compaction::is_mixed({"\0\xFF"sv, "\1"sv}));
  CHECK(compaction::is_mixed({"\0\xFF"sv, "\1\0"sv}));
  CHECK(compaction::is_mixed({""sv, "\xFF"sv}));
  CHECK_FALSE(compaction::is_mixed({"\1"sv, "\xFF"sv}));
}

TEST_CASE("a mixed table is parted where it lies, before anything else") {
  const compaction::shape s = numbered(shape_of({{{own(9)}, {own(8)}, {both(7), rows(6)}}, {}, {{both(1)}}}));
  auto first = compaction::pick_reserved(s, 2);
  REQUIRE(first);
  CHECK(numbers(*first) == std::vector<std::uint64_t>{7});
  CHECK(first->inputs[0].level == 0);
  CHECK(first->output_level == 0);
  CHECK_FALSE(first->output_is_new_run);
  CHECK_FALSE(first->discard);
  CHECK(compaction::joined_run(s, *first) == 7);
  CHECK_FALSE(compaction::is_trivial_move(s, *first));
  auto deep = compaction::pick_reserved(numbered(shape_of({{{rows(3)}}, {}, {{both(1)}}})), 2);
  REQUIRE(deep);
  CHECK(deep->inputs[0].level == 2);
  CHECK(deep->output_level == 2);
}

TEST_CASE("runs of the store's own tables become one, below what is flushed meanwhile") {
  const compaction::shape two = numbered(shape_of({{{own(9), rows(10)}, {rows(8)}, {own(7)}}}));
  CHECK_FALSE(compaction::pick_reserved(two, 3));
  for (const std::size_t most : {0u, 1u, 2u}) {
    auto merged = compaction::pick_reserved(two, most);
    REQUIRE(merged);
    CHECK(numbers(*merged) == std::vector<std::uint64_t>{7, 9});
    CHECK(merged->output_level == 1);
    CHECK(merged->output_is_new_run);
    CHECK(compaction::plan_is_sound(two, *merged));
  }
  const compaction::shape deep = numbered(shape_of({{{own(9)}, {rows(8)}}, {{own(7)}}, {}, {{own(3), own(4)}, {rows(1)}}}));
  auto merged = compaction::pick_reserved(deep, 3);
  REQUIRE(merged);
  CHECK(numbers(*merged) == std::vector<std::uint64_t>{3, 4, 7, 9});
  CHECK(merged->output_level == 3);
  CHECK_FALSE(compaction::pick_reserved(deep, 4));
  CHECK_FALSE(compaction::pick_reserved(numbered(shape_of({{{rows(1)}}, {{own(3), own(4)}}})), 2));  // one run, however many tables
}

TEST_CASE("what a policy that discards sees, and takes, is without the store's own tables") {
  compaction::shape s = numbered(shape_of({{{own(9), rows(10)}, {rows(8)}, {own(7)}}, {{own(1)}}}));
  compaction::hide_reserved(s);
  REQUIRE(s.levels.size() == 2);
  REQUIRE(s.levels[0].runs.size() == 2);
  CHECK(s.levels[0].runs[0].tables.size() == 1);
  CHECK(s.levels[0].runs[0].number == 9);
  CHECK(s.levels[1].runs.empty());
  auto all = compaction::fifo().pick(s, {.fifo_bytes_max = 0});
  REQUIRE(all);
  CHECK(numbers(*all) == std::vector<std::uint64_t>{8, 10});
  CHECK(compaction::plan_is_sound(s, *all));
}
