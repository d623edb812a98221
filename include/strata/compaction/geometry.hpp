// What policies and the engine ask of a shape: ranges, overlap, bytes, and whether a plan needs any work at all.
//
// Thread safety: pure functions. Views that they return live as long as the shape.
#ifndef STRATA_COMPACTION_GEOMETRY_HPP
#define STRATA_COMPACTION_GEOMETRY_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <strata/compaction/requirements.hpp>
#include <strata/config.hpp>

namespace strata::inline STRATA_ABI::compaction {

// All keys k with smallest ≤ k < limit.
struct key_range {
  bytes_view smallest;
  bytes_view limit;
};

[[nodiscard]] inline key_range range_of(const table_shape& table) noexcept { return {table.smallest, table.limit}; }

[[nodiscard]] inline bool overlaps(const key_range& a, const key_range& b) noexcept {
  return a.smallest < b.limit && b.smallest < a.limit;
}

[[nodiscard]] inline bool contains(const key_range& outer, const key_range& inner) noexcept {
  return outer.smallest <= inner.smallest && inner.limit <= outer.limit;
}

// The smallest range around both.
[[nodiscard]] inline key_range hull(const key_range& a, const key_range& b) noexcept {
  return {(std::min)(a.smallest, b.smallest), (std::max)(a.limit, b.limit)};
}

// The tables [begin, end) of a run.
struct table_span {
  std::size_t begin = 0;
  std::size_t end = 0;
  [[nodiscard]] bool empty() const noexcept { return begin == end; }
};

// The tables of a sorted run that overlap the range. O(log tables).
[[nodiscard]] inline table_span overlapping(const sorted_run_shape& run, const key_range& range) noexcept {
  const auto begin = std::partition_point(run.tables.begin(), run.tables.end(),
                                          [&](const table_shape& table) { return table.limit <= range.smallest; });
  const auto end = std::partition_point(begin, run.tables.end(),
                                        [&](const table_shape& table) { return table.smallest < range.limit; });
  return {static_cast<std::size_t>(begin - run.tables.begin()), static_cast<std::size_t>(end - run.tables.begin())};
}

[[nodiscard]] inline std::uint64_t bytes_of(const sorted_run_shape& run) noexcept {
  std::uint64_t sum = 0;
  for (const table_shape& table : run.tables) sum += table.bytes;
  return sum;
}

[[nodiscard]] inline std::uint64_t bytes_of(const level_shape& level) noexcept {
  std::uint64_t sum = 0;
  for (const sorted_run_shape& run : level.runs) sum += bytes_of(run);
  return sum;
}

// The level with that number; an empty one where the shape does not reach so deep.
[[nodiscard]] inline const level_shape& level_at(const shape& s, std::size_t level) noexcept {
  static const level_shape none;
  return level < s.levels.size() ? s.levels[level] : none;
}

// Whether the level holds no table.
[[nodiscard]] inline bool is_empty(const level_shape& level) noexcept {
  return std::all_of(level.runs.begin(), level.runs.end(),
                     [](const sorted_run_shape& run) { return run.tables.empty(); });
}

// The lowest level (highest number) that holds a table; 0 where none does.
[[nodiscard]] inline std::uint32_t lowest_level(const shape& s) noexcept {
  std::size_t level = s.levels.size();
  while (level > 1 && is_empty(s.levels[level - 1])) --level;
  return level == 0 ? 0 : static_cast<std::uint32_t>(level - 1);
}

// How many sorted runs the level has; one without tables does not count.
[[nodiscard]] inline std::size_t runs_of(const level_shape& level) noexcept {
  return static_cast<std::size_t>(std::count_if(level.runs.begin(), level.runs.end(),
                                                [](const sorted_run_shape& run) { return !run.tables.empty(); }));
}

// Makes tables of a run, of a level, inputs of the plan.
inline void add_inputs(plan& to, std::uint32_t level, const sorted_run_shape& run, table_span span) {
  for (std::size_t i = span.begin; i < span.end; ++i) to.inputs.push_back({level, run.tables[i].number});
}
inline void add_inputs(plan& to, const shape& s, std::uint32_t level) {
  for (const sorted_run_shape& run : level_at(s, level).runs) add_inputs(to, level, run, {0, run.tables.size()});
}

// The tables that the plan takes, in the order of its inputs; those that don't exist are left out.
// O(tables of the shape + inputs · log inputs).
[[nodiscard]] inline std::vector<const table_shape*> input_tables(const shape& s, const plan& p) {
  struct wanted {
    std::uint32_t level;
    std::uint64_t number;
    std::size_t place;
    bool operator<(const wanted& other) const {
      return level != other.level ? level < other.level : number < other.number;
    }
  };
  std::vector<wanted> sorted;
  for (const plan::input& each : p.inputs) sorted.push_back({each.level, each.table, sorted.size()});
  std::sort(sorted.begin(), sorted.end());
  std::vector<const table_shape*> found(p.inputs.size(), nullptr);
  for (std::uint32_t level = 0; level < s.levels.size(); ++level)
    for (const sorted_run_shape& run : s.levels[level].runs)
      for (const table_shape& table : run.tables) {
        const auto at = std::lower_bound(sorted.begin(), sorted.end(), wanted{level, table.number, 0});
        if (at != sorted.end() && at->level == level && at->number == table.number) found[at->place] = &table;
      }
  found.erase(std::remove(found.begin(), found.end(), nullptr), found.end());
  return found;
}

// Whether the plan's result is its inputs as they are, moved to another level: nothing to read, nothing to write but the
// manifest. Requires: a sound plan (soundness.hpp).
//
// So it is where no input overlaps another, or a table of the run that it joins. A table with tombstones is still rewritten
// when nothing below it can hold what they erase: that is where tombstones end, and no later plan would touch them.
[[nodiscard]] inline bool is_trivial_move(const shape& s, const plan& p) {
  if (p.discard) return false;
  for (const plan::input& each : p.inputs)
    if (each.level == p.output_level) return false;
  std::vector<const table_shape*> moved = input_tables(s, p);
  std::sort(moved.begin(), moved.end(),
            [](const table_shape* a, const table_shape* b) { return a->smallest < b->smallest; });
  for (std::size_t i = 1; i < moved.size(); ++i)
    if (overlaps(range_of(*moved[i - 1]), range_of(*moved[i]))) return false;
  const auto lies_above_data = [&](const table_shape* table) {
    for (std::size_t level = p.output_level; level < s.levels.size(); ++level)
      for (const sorted_run_shape& run : s.levels[level].runs)
        if (!overlapping(run, range_of(*table)).empty()) return true;
    return false;
  };
  return std::all_of(moved.begin(), moved.end(),
                     [&](const table_shape* table) { return table->tombstones == 0 || lies_above_data(table); });
}

}  // namespace strata::inline STRATA_ABI::compaction

#endif
