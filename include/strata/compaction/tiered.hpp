// Tiered compaction: a level collects sorted runs, and when it is full all of them become one run of the next level.
//
// Data is rewritten about once a level, half as often as with leveled or less; the price is that a read looks into several
// runs a level. For stores that are written more than read.
//
// Thread safety: no state.
//
//  1. A level is full at `level0_runs` (T) runs, at least two.
//  2. The lowest level with data is different, as most data lies there: it holds one run. What comes down is merged with it,
//     not laid beside it, so that what is overwritten is not kept T times.
//     The merge also drops what has expired and what snapshots have let go; in between only `compact()` looks for that.
//  3. When that run has T times the bytes of what comes down, the result goes one level deeper instead, and makes room for
//     another tier above it. So merging with the lowest run costs at most T times what comes down.
//
// Space: the tiers above the lowest run hold at most about T/(T-1) times its bytes (1.33 at T = 4), whatever is overwritten;
// a store whose whole data fits in one memtable holds up to T runs of it. While the largest merge runs, its output comes
// on top. Write amplification: one a level, and T/2 on average for the lowest.
#ifndef STRATA_COMPACTION_TIERED_HPP
#define STRATA_COMPACTION_TIERED_HPP

#include <cstdint>
#include <optional>

#include <strata/compaction/geometry.hpp>
#include <strata/compaction/requirements.hpp>
#include <strata/config.hpp>
#include <strata/environment/requirements.hpp>

namespace strata::inline STRATA_ABI::compaction {

class tiered {
 public:
  using strata_slot = slot::compaction;
  static constexpr bool discards_live_data = false;

  // The merge of the highest full level; nothing where none is full. Every plan leaves fewer runs, so it ends. Allocates.
  [[nodiscard]] STRATA_COLD std::optional<plan> pick(const shape& s, const amounts& a) const {
    for (std::uint32_t level = 0; level < s.levels.size(); ++level)
      if (runs_of(s.levels[level]) >= runs_max(a)) return merge_level(s, a, level);
    return std::nullopt;
  }

  // All runs into one, in one step: a merge of this policy takes whole levels anyway, and the lowest is most of the store. It
  // needs as much free space as there is data. Nothing where one sorted run below level 0 without garbage is all there is.
  [[nodiscard]] STRATA_COLD std::optional<plan> pick_all(const shape& s, const amounts&) const {
    std::size_t runs = 0;
    for (const level_shape& level : s.levels) runs += runs_of(level);
    if (runs == 0 || (runs == 1 && is_empty(level_at(s, 0)) && !has_garbage(s))) return std::nullopt;
    plan all;
    for (std::uint32_t level = 0; level < s.levels.size(); ++level) add_inputs(all, s, level);
    all.output_level = (std::max)(lowest_level(s), 1u);
    all.output_is_new_run = true;
    return all;
  }

  // The bytes of all full levels, with the lowest run where they are merged with it: 0 exactly when `pick` has nothing.
  [[nodiscard]] STRATA_COLD std::uint64_t debt_bytes(const shape& s, const amounts& a) const {
    const std::uint32_t lowest = lowest_level(s);
    std::uint64_t debt = 0;
    for (std::uint32_t level = 0; level < s.levels.size(); ++level) {
      if (runs_of(s.levels[level]) < runs_max(a)) continue;
      debt += bytes_of(s.levels[level]);
      if (level + 1 == lowest && runs_of(s.levels[lowest]) < runs_max(a)) debt += bytes_of(s.levels[lowest]);
    }
    return debt;
  }

 private:
  [[nodiscard]] STRATA_COLD static bool has_garbage(const shape& s) noexcept {
    for (const level_shape& level : s.levels)
      for (const sorted_run_shape& run : level.runs)
        for (const table_shape& table : run.tables)
          if (table.has_garbage) return true;
    return false;
  }

  // One run a level would be merged for ever.
  [[nodiscard]] STRATA_COLD static std::size_t runs_max(const amounts& a) noexcept { return (std::max)(a.level0_runs, 2u); }

  [[nodiscard]] STRATA_COLD static std::optional<plan> merge_level(const shape& s, const amounts& a, std::uint32_t level) {
    const std::uint32_t below = (std::min)(level + 1, levels_max - 1);
    plan merged;
    add_inputs(merged, s, level);
    merged.output_level = below;
    merged.output_is_new_run = true;
    if (below == level || below != lowest_level(s)) return merged;
    add_inputs(merged, s, below);
    const bool has_outgrown = bytes_of(s.levels[below]) / runs_max(a) >= bytes_of(s.levels[level]);
    if (has_outgrown && below + 1 < levels_max) merged.output_level = below + 1;
    return merged;
  }
};

static_assert(requirements::compaction<tiered>);

}  // namespace strata::inline STRATA_ABI::compaction

#endif
