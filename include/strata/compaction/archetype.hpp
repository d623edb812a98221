// The smallest compaction policy that meets the requirements: where to start one of your own.
//
// Two levels: flushed runs in level 0, and one run in level 1 that takes them all in. Thread safety: no state.
//
// No claim to speed: every merge rewrites the whole store.
#ifndef STRATA_COMPACTION_ARCHETYPE_HPP
#define STRATA_COMPACTION_ARCHETYPE_HPP

#include <cstdint>
#include <optional>

#include <strata/compaction/geometry.hpp>
#include <strata/compaction/requirements.hpp>
#include <strata/config.hpp>
#include <strata/environment/requirements.hpp>

namespace strata::inline STRATA_ABI::compaction {

class archetype {
 public:
  using strata_slot = slot::compaction;
  static constexpr bool discards_live_data = false;

  // Everything in levels 0 and 1 into one run of level 1, once level 0 has `level0_runs` runs.
  [[nodiscard]] std::optional<plan> pick(const shape& s, const amounts& a) const {
    if (runs_of(level_at(s, 0)) < (a.level0_runs == 0 ? 1 : a.level0_runs)) return std::nullopt;
    return pick_all(s, a);
  }

  // The same as soon as level 0 has anything, or level 1 something to drop. Taking whole levels is what makes it sound, and nothing else to prove.
  [[nodiscard]] std::optional<plan> pick_all(const shape& s, const amounts&) const {
    if (is_empty(level_at(s, 0)) && !has_garbage(s)) return std::nullopt;
    plan all;
    add_inputs(all, s, 0);
    add_inputs(all, s, 1);
    all.output_level = 1;
    all.output_is_new_run = true;
    return all;
  }

  [[nodiscard]] std::uint64_t debt_bytes(const shape& s, const amounts& a) const {
    return pick(s, a) ? bytes_of(level_at(s, 0)) + bytes_of(level_at(s, 1)) : 0;
  }

 private:
  // Where another policy left data below level 1, that may be what a tombstone still hides.
  [[nodiscard]] static bool has_garbage(const shape& s) {
    if (lowest_level(s) != 1) return false;
    for (const sorted_run_shape& run : s.levels[1].runs)
      for (const table_shape& table : run.tables)
        if (table.has_garbage) return true;
    return false;
  }
};

static_assert(requirements::compaction<archetype>);

}  // namespace strata::inline STRATA_ABI::compaction

#endif
