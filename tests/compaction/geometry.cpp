#include "compaction/shapes.hpp"

#include <strata/compaction/geometry.hpp>

using namespace strata;
using namespace strata::testing;

TEST_CASE("ranges overlap where they share a key, and not where one ends at the other's beginning") {
  const auto range = [](char first, char last) { return compaction::range_of(table(1, first, last)); };
  CHECK(compaction::overlaps(range('a', 'c'), range('c', 'd')));
  CHECK(compaction::overlaps(range('c', 'd'), range('a', 'c')));
  CHECK_FALSE(compaction::overlaps(range('a', 'b'), range('c', 'd')));
  CHECK_FALSE(compaction::overlaps(range('c', 'd'), range('a', 'b')));
  CHECK(compaction::overlaps(range('a', 'z'), range('m', 'm')));
  CHECK(compaction::contains(range('a', 'z'), range('a', 'z')));
  CHECK_FALSE(compaction::contains(range('b', 'z'), range('a', 'z')));
  CHECK_FALSE(compaction::contains(range('a', 'y'), range('a', 'z')));
}

TEST_CASE("the tables of a run that overlap a range are found at every place") {
  const compaction::sorted_run_shape run{0, {table(1, 'b', 'd'), table(2, 'e', 'f'), table(3, 'k', 'm')}};
  for (char first = 'a'; first <= 'z'; ++first)
    for (char last = first; last <= 'z'; ++last) {
      const compaction::key_range range = compaction::range_of(table(9, first, last));
      const compaction::table_span span = compaction::overlapping(run, range);
      for (std::size_t i = 0; i < run.tables.size(); ++i)
        REQUIRE((span.begin <= i && i < span.end) == compaction::overlaps(range, compaction::range_of(run.tables[i])));
    }
}

TEST_CASE("levels that a shape does not reach are empty") {
  const compaction::shape s = shape_of({{}, {{table(1, 'a', 'b', 70), table(2, 'c', 'd', 30)}, {}}, {}});
  CHECK(compaction::lowest_level(s) == 1);
  CHECK(compaction::lowest_level(compaction::shape{}) == 0);
  CHECK(compaction::is_empty(compaction::level_at(s, 2)));
  CHECK(compaction::is_empty(compaction::level_at(s, 99)));
  CHECK(compaction::bytes_of(compaction::level_at(s, 1)) == 100);
  CHECK(compaction::runs_of(compaction::level_at(s, 1)) == 1);
}

TEST_CASE("a move is trivial where nothing overlaps") {
  const compaction::shape s =
      shape_of({{{table(9, 'a', 'b')}, {table(8, 'k', 'm')}, {table(7, 'm', 'n')}}, {{table(1, 'd', 'e')}}});
  CHECK(compaction::is_trivial_move(s, plan_of({{0, 9}}, 1)));
  CHECK(compaction::is_trivial_move(s, plan_of({{0, 8}, {0, 9}}, 1, true)));
  CHECK_FALSE(compaction::is_trivial_move(s, plan_of({{0, 8}, {0, 7}}, 1)));  // overlap each other
  CHECK_FALSE(compaction::is_trivial_move(s, plan_of({{0, 9}, {1, 1}}, 1)));  // one is there already
  CHECK_FALSE(compaction::is_trivial_move(s, {{{0, 9}}, 1, false, true}));    // dropped, not moved
}

TEST_CASE("a table with tombstones or other garbage moves only to where something older lies below") {
  compaction::shape s = shape_of({{{table(9, 'a', 'd', 100, 1)}}, {}, {{table(1, 'd', 'e')}}});
  CHECK(compaction::is_trivial_move(s, plan_of({{0, 9}}, 1)));
  s.levels[0].runs[0].tables[0].has_garbage = true;
  s.levels[0].runs[0].tables[0].tombstones = 0;
  CHECK(compaction::is_trivial_move(s, plan_of({{0, 9}}, 1)));
  s.levels[2].runs[0].tables[0] = table(1, 'e', 'f');
  CHECK_FALSE(compaction::is_trivial_move(s, plan_of({{0, 9}}, 1)));
  s.levels[0].runs[0].tables[0] = table(9, 'a', 'd', 100, 1);
  CHECK_FALSE(compaction::is_trivial_move(s, plan_of({{0, 9}}, 1)));
  CHECK_FALSE(compaction::is_trivial_move(s, plan_of({{0, 9}}, 2)));
}

TEST_CASE("runs count as surplus in the level that has more than enough, and only those with tables") {
  const auto level = [](std::size_t runs) { return std::vector<tables>(runs, tables{table(1, 'a', 'c')}); };
  CHECK(compaction::surplus_runs({}, 4) == 0);
  CHECK(compaction::surplus_runs(shape_of({level(4), level(3), level(4), {}, level(1)}), 4) == 0);
  CHECK(compaction::surplus_runs(shape_of({level(7), level(3), level(5)}), 4) == 4);
  compaction::shape s = shape_of({level(5)});
  s.levels[0].runs[2].tables.clear();
  CHECK(compaction::surplus_runs(s, 4) == 0);
}

TEST_CASE("what joins a run takes its number, and 0 where it joins nothing") {
  compaction::shape s = shape_of({{{table(9, 'a', 'c')}, {table(8, 'a', 'c')}}, {}, {{}, {table(1, 'a', 'b'), table(2, 'k', 'm')}}});
  s.levels[0].runs[0].number = 9;
  s.levels[0].runs[1].number = 8;
  s.levels[2].runs[0].number = 6;  // without tables
  s.levels[2].runs[1].number = 5;
  CHECK(compaction::joined_run(s, plan_of({{0, 9}, {0, 8}}, 1)) == 0);
  CHECK(compaction::joined_run(s, plan_of({{0, 9}, {0, 8}}, 7)) == 0);
  CHECK(compaction::joined_run(s, plan_of({{0, 9}, {0, 8}, {2, 1}}, 2)) == 5);
  CHECK(compaction::joined_run(s, plan_of({{0, 9}, {0, 8}}, 2)) == 5);
  CHECK(compaction::joined_run(s, plan_of({{0, 9}}, 0)) == 9);
  CHECK(compaction::joined_run(s, plan_of({{0, 8}}, 0)) == 8);
}
