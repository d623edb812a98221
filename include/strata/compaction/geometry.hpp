// What policies and the engine ask of a shape: ranges, overlap, bytes, and whether a plan needs any work at all.
//
// Thread safety: pure functions. Views that they return live as long as the shape.
#ifndef STRATA_COMPACTION_GEOMETRY_HPP
#define STRATA_COMPACTION_GEOMETRY_HPP

#include <cstddef>
#include <cstdint>

#include <strata/compaction/requirements.hpp>
#include <strata/config.hpp>
#include <strata/core/ordering.hpp>

namespace strata::inline STRATA_ABI::compaction {

// All keys k with smallest ≤ k < limit.
struct key_range {
  bytes_view smallest;
  bytes_view limit;
};

[[nodiscard]] inline bool by_level_and_table(const plan::input& a, const plan::input& b) noexcept {
  return a.level != b.level ? a.level < b.level : a.table < b.table;
}

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
[[nodiscard]] STRATA_COLD inline table_span overlapping(const sorted_run_shape& run, const key_range& range) noexcept {
  const std::size_t begin = first_behind(run.tables, [&](const table_shape& t) { return t.limit <= range.smallest; });
  const std::size_t end = first_behind(run.tables, [&](const table_shape& t) { return t.smallest < range.limit; });
  return {begin, (std::max)(begin, end)};
}

[[nodiscard]] STRATA_COLD inline std::uint64_t bytes_of(const sorted_run_shape& run) noexcept {
  std::uint64_t sum = 0;
  for (const table_shape& table : run.tables) sum += table.bytes;
  return sum;
}

[[nodiscard]] STRATA_COLD inline std::uint64_t bytes_of(const level_shape& level) noexcept {
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
[[nodiscard]] STRATA_COLD inline bool is_empty(const level_shape& level) noexcept {
  for (const sorted_run_shape& run : level.runs)
    if (!run.tables.empty()) return false;
  return true;
}

// The lowest level (highest number) that holds a table; 0 where none does.
[[nodiscard]] STRATA_COLD inline std::uint32_t lowest_level(const shape& s) noexcept {
  std::size_t level = s.levels.size();
  while (level > 1 && is_empty(s.levels[level - 1])) --level;
  return level == 0 ? 0 : static_cast<std::uint32_t>(level - 1);
}

// How many sorted runs the level has; one without tables does not count.
[[nodiscard]] STRATA_COLD inline std::size_t runs_of(const level_shape& level) noexcept {
  std::size_t count = 0;
  for (const sorted_run_shape& run : level.runs) count += run.tables.empty() ? 0u : 1u;
  return count;
}

// The runs that the levels hold beyond `enough` each.
[[nodiscard]] STRATA_COLD inline std::size_t surplus_runs(const shape& s, std::size_t enough) noexcept {
  std::size_t surplus = 0;
  for (const level_shape& level : s.levels) surplus += (std::max)(runs_of(level), enough) - enough;
  return surplus;
}

// The number of the run that the plan's output joins: that of an input in the output level, else of the one run that is
// there; 0 where the level is empty. Requires: not `output_is_new_run`.
//
// Under another number the output would be a run beside the one it joins: a level of two runs, which leveled would have to
// unite again after every such merge.
[[nodiscard]] STRATA_COLD inline std::uint64_t joined_run(const shape& s, const plan& p) noexcept {
  std::uint64_t joined = 0;
  for (const sorted_run_shape& run : level_at(s, p.output_level).runs) {
    for (const table_shape& table : run.tables) {
      joined = run.number;
      for (const plan::input& each : p.inputs)
        if (each.level == p.output_level && each.table == table.number) return run.number;
    }
  }
  return joined;
}

// Makes tables of a run, of a level, inputs of the plan.
STRATA_COLD inline void add_inputs(plan& to, std::uint32_t level, const sorted_run_shape& run, table_span span) {
  for (std::size_t i = span.begin; i < span.end; ++i) to.inputs.push_back({level, run.tables[i].number});
}
STRATA_COLD inline void add_inputs(plan& to, const shape& s, std::uint32_t level) {
  for (const sorted_run_shape& run : level_at(s, level).runs) add_inputs(to, level, run, {0, run.tables.size()});
}

// The tables that the plan takes, in the order of its inputs; those that don't exist are left out.
// O(tables of the shape + inputs · log inputs).
[[nodiscard]] STRATA_COLD inline dynamic_array<const table_shape*> input_tables(const shape& s, const plan& p) {
  dynamic_array<std::size_t> places(p.inputs.size());  // of the inputs, in order of level and table
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
  const auto before = [&](std::size_t place, const plan::input& other) { return by_level_and_table(p.inputs[place], other); };
  sort_by(places, [&](std::size_t a, std::size_t b) { return before(a, p.inputs[b]); });
  dynamic_array<const table_shape*> found(p.inputs.size());
  for (std::uint32_t level = 0; level < s.levels.size(); ++level)
    for (const sorted_run_shape& run : s.levels[level].runs)
      for (const table_shape& table : run.tables) {
        const plan::input wanted{level, table.number};
        const std::size_t at = first_behind(places, [&](std::size_t place) { return before(place, wanted); });
        if (at < places.size() && !by_level_and_table(wanted, p.inputs[places[at]])) found[places[at]] = &table;
      }
  found.erase_if([](const table_shape* table) { return table == nullptr; });
  return found;
}

// Whether a table of the level `from` or below it may hold versions of keys of `range`.
[[nodiscard]] STRATA_COLD inline bool holds_data(const shape& s, std::size_t from, const key_range& range) noexcept {
  for (std::size_t level = from; level < s.levels.size(); ++level)
    for (const sorted_run_shape& run : s.levels[level].runs)
      if (!overlapping(run, range).empty()) return true;
  return false;
}

// Whether the plan's result is its inputs as they are, moved to another level: nothing to read, nothing to write but the
// manifest. Requires: a sound plan (soundness.hpp).
//
// So it is where no input overlaps another, or a table of the run that it joins. A table with tombstones or other garbage is
// still rewritten when nothing older lies below it: that is where garbage ends, so it may as well end now.
[[nodiscard]] STRATA_COLD inline bool is_trivial_move(const shape& s, const plan& p) {
  if (p.discard) return false;
  for (const plan::input& each : p.inputs)
    if (each.level == p.output_level) return false;
  dynamic_array<const table_shape*> moved = input_tables(s, p);
  sort_by(moved, [](const table_shape* a, const table_shape* b) { return a->smallest < b->smallest; });
  for (std::size_t i = 1; i < moved.size(); ++i)
    if (overlaps(range_of(*moved[i - 1]), range_of(*moved[i]))) return false;
  for (const table_shape* table : moved)
    if ((table->tombstones != 0 || table->has_garbage) && !holds_data(s, p.output_level, range_of(*table))) return false;
  return true;
}

}  // namespace strata::inline STRATA_ABI::compaction

#endif
