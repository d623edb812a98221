// First in, first out: nothing is ever merged, the oldest tables are dropped. For data that is worth less with age and may
// go unread: logs, measurements, caches.
//
// **Deletes what was not erased** once the store is larger, or the data older, than the amounts say: `discards_live_data`.
//
// Thread safety: no state.
//
//  1. Tables go from the oldest run on, in it the one with the oldest newest commit first. A run is touched only when all
//     older ones are gone: else an overwritten version in them would be back.
//  2. A table goes while all tables have more than `fifo_bytes_max` bytes together, or when its newest commit is more than
//     `fifo_age_us_max` older than the newest commit in any table.
//  3. The store's own rows (run 0: its catalogue) never go and do not count: no table of them comes before a policy that
//     discards (compaction/reserved_run.hpp).
//
// Age is counted from the newest commit, not from the clock on the wall (unless that is behind): a clock that jumps ahead
// deletes nothing by itself, and a store to which nothing is written keeps what it has.
//
// No write amplification at all, but of the store's own rows. Every flush adds a run that reads may have to look into: keys that grow with time keep
// most of them out by their range, filters the others.
#ifndef STRATA_COMPACTION_FIFO_HPP
#define STRATA_COMPACTION_FIFO_HPP

#include <cstdint>
#include <optional>

#include <strata/compaction/geometry.hpp>
#include <strata/compaction/requirements.hpp>
#include <strata/config.hpp>
#include <strata/environment/requirements.hpp>

namespace strata::inline STRATA_ABI::compaction {

class fifo {
 public:
  using strata_slot = slot::compaction;
  static constexpr bool discards_live_data = true;

  // All tables that are due, to be discarded at once; nothing where none is. Allocates; O(tables · log tables).
  [[nodiscard]] STRATA_COLD std::optional<plan> pick(const shape& s, const amounts& a) const {
    std::uint64_t total = 0;
    for (const level_shape& level : s.levels) total += bytes_of(level);
    const std::uint64_t oldest_kept = oldest_commit_kept(s, a);
    plan dropped;
    dropped.discard = true;
    for (std::uint32_t level = lowest_level(s) + 1; level-- > 0;) {
      const dynamic_array<sorted_run_shape>& runs = level_at(s, level).runs;
      for (std::size_t run = runs.size(); run-- > 0;) {
        for (const table_shape* table : oldest_first(runs[run])) {
          if (total <= a.fifo_bytes_max && table->created_us >= oldest_kept) return some(dropped);
          total -= table->bytes;
          dropped.inputs.push_back({level, table->number});
        }
      }
    }
    return some(dropped);
  }

  // What `pick` says: there is no smaller shape that keeps the data.
  [[nodiscard]] std::optional<plan> pick_all(const shape& s, const amounts& a) const { return pick(s, a); }

  // 0: dropping a table moves no bytes, so no writer needs to wait for it.
  [[nodiscard]] std::uint64_t debt_bytes(const shape&, const amounts&) const { return 0; }

 private:
  [[nodiscard]] STRATA_COLD static std::optional<plan> some(const plan& dropped) {
    if (dropped.inputs.empty()) return std::nullopt;
    return dropped;
  }

  [[nodiscard]] STRATA_COLD static std::uint64_t oldest_commit_kept(const shape& s, const amounts& a) noexcept {
    if (a.fifo_age_us_max == 0) return 0;
    std::uint64_t newest = 0;
    for (const level_shape& level : s.levels)
      for (const sorted_run_shape& run : level.runs)
        for (const table_shape& table : run.tables) newest = (std::max)(newest, table.created_us);
    const std::uint64_t now = (std::min)(newest, s.now_us);
    return now > a.fifo_age_us_max ? now - a.fifo_age_us_max : 0;
  }

  [[nodiscard]] STRATA_COLD static dynamic_array<const table_shape*> oldest_first(const sorted_run_shape& run) {
    dynamic_array<const table_shape*> tables;
    for (const table_shape& table : run.tables) tables.push_back(&table);
    sort_by(tables, [](const table_shape* a, const table_shape* b) {
      return a->created_us != b->created_us ? a->created_us < b->created_us : a->number < b->number;
    });
    return tables;
  }
};

static_assert(requirements::compaction<fifo>);

}  // namespace strata::inline STRATA_ABI::compaction

#endif
