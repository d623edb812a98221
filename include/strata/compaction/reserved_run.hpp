// What stands apart where a policy discards live data: the store's own run, whose rows must outlive all others.
//
// Every key begins with the id of its run, and run 0 is the store's own: its catalogue, without which the rows of one
// collection would be taken for those of another. So the engine sees to it, where `discards_live_data`, that
//
//   1. no table holds keys of run 0 and others, too: flushes and merges cut their output there, and a table that another
//      policy made (or a version of this library that did not know the rule) is parted before anything else is done;
//   2. the policy sees no table of run 0, so that none is in a plan of its own, and none counts as bytes or as age;
//   3. those tables are merged among themselves once there are some runs of them.
//
// What is parted stays where it was in the line of runs; what is merged is all there is of run 0. So both keep the order of
// versions. Each is one edit of the manifest, and a crash between two of them leaves a step that is taken again.
//
// Thread safety: pure functions.
#ifndef STRATA_COMPACTION_RESERVED_RUN_HPP
#define STRATA_COMPACTION_RESERVED_RUN_HPP

#include <cstddef>
#include <cstdint>
#include <optional>

#include <strata/compaction/geometry.hpp>
#include <strata/compaction/requirements.hpp>
#include <strata/config.hpp>

namespace strata::inline STRATA_ABI::compaction {

// Above every key of run 0, and not above any other: a run's id is a varint. Frozen: on disk.
inline constexpr bytes_view reserved_run_limit{"\x01", 1};

[[nodiscard]] inline bool holds_reserved(const key_range& range) noexcept { return range.smallest < reserved_run_limit; }
// Holds, or may hold, keys of run 0 and others.
[[nodiscard]] inline bool is_mixed(const key_range& range) noexcept {
  return holds_reserved(range) && range.limit > reserved_run_limit;
}

// The work that run 0 asks for, nothing where there is none: a mixed table into the run that it lies in, else the tables of
// run 0 into one sorted run, once there are `runs_max` (at least 2) of those. Applied again and again it ends. Allocates.
//
// The first kind of plan joins a run of any level, which policies may not: its output takes up no more keys than the
// table did, in its place.
[[nodiscard]] STRATA_COLD inline std::optional<plan> pick_reserved(const shape& s, std::size_t runs_max) {
  plan merged;
  std::size_t runs = 0;
  for (std::uint32_t level = 0; level < s.levels.size(); ++level) {
    for (const sorted_run_shape& run : s.levels[level].runs) {
      bool counted = false;
      for (const table_shape& table : run.tables) {
        if (!holds_reserved(range_of(table))) continue;
        if (is_mixed(range_of(table))) {
          plan parted;
          parted.inputs.push_back({level, table.number});
          parted.output_level = level;
          return parted;
        }
        merged.inputs.push_back({level, table.number});
        merged.output_level = (std::max)(level, 1u);
        runs += counted ? 0u : 1u;
        counted = true;
      }
    }
  }
  if (runs < (std::max)(runs_max, std::size_t{2})) return std::nullopt;
  merged.output_is_new_run = true;
  return merged;
}

// Takes the tables of run 0 out of the shape. Requires: none is mixed.
STRATA_COLD inline void hide_reserved(shape& s) {
  for (level_shape& level : s.levels) {
    for (sorted_run_shape& run : level.runs)
      run.tables.erase_if([](const table_shape& table) { return holds_reserved(range_of(table)); });
    level.runs.erase_if([](const sorted_run_shape& run) { return run.tables.empty(); });
  }
}

}  // namespace strata::inline STRATA_ABI::compaction

#endif
