// Leveled compaction: each level is one sorted run, so many times larger than the one above, below what was flushed of late.
//
// Reads look into few runs and little space holds what is overwritten; the price is that data is rewritten about half the
// fan-out once a level. Where merges fall behind, flushed runs are gathered first, which costs reads and saves rewriting; when
// they have caught up, all is as if they never had. The default.
//
// Thread safety: no state.
//
//  1. Sizes come from the bottom up: the lowest level holds what it holds, each level above it may hold a `fan_out`th of
//     the next, up to the *base level*, the highest one whose share is still `level_bytes_base` or more. So nearly all
//     data lies in the lowest level, whatever the amount, and what is overwritten takes about a tenth more space where merges
//     keep up.
//  2. Levels between 1 and the base level are empty and skipped: what was flushed goes straight to the base level, or to the
//     first level with data where that is higher.
//  3. Level 0 goes down at `level0_runs` runs (at twice as many while a level below has more bytes than it may), all at once:
//     they overlap each other as a rule. With it goes level 1, which holds what was gathered.
//  4. Merges are behind when twice as many runs have come together. Then level 0 becomes one run of level 1, as long as that has
//     fewer than `gathered_max` and the level below holds more than twice the bytes: each byte that is merged into that level
//     costs a rewrite of so many there, and in larger portions of fewer. A write then costs one copy more (none where keys come in
//     order), and the levels below, which wait, grow beyond their shares, which makes their merges cheaper, too, and takes space
//     (Dayan and Idreos, SIGMOD 2018, on what such lazy merging costs and saves).
//  5. Levels with more bytes than they may hold come next, the fullest first. From such a level one table goes, with what it
//     overlaps in the next; the one that overlaps least for its size, first of all among those that are mostly tombstones.
//     Neighbours that lie within the range of what must be rewritten anyway come along for nothing. Then comes what is due in
//     levels 0 and 1.
//  6. When all this is done, tables with nothing older below them that are worth it are rewritten where they are: nothing
//     else would ever come to take expired values and released versions out of the lowest level.
#ifndef STRATA_COMPACTION_LEVELED_HPP
#define STRATA_COMPACTION_LEVELED_HPP

#include <cstddef>
#include <cstdint>
#include <optional>

#include <strata/compaction/geometry.hpp>
#include <strata/compaction/requirements.hpp>
#include <strata/config.hpp>
#include <strata/environment/requirements.hpp>

namespace strata::inline STRATA_ABI::compaction {

class leveled {
 public:
  using strata_slot = slot::compaction;
  static constexpr bool discards_live_data = false;

  // Where a store's data comes to rest. Seven levels at a fan-out of 10 and a base of 256 MiB reach 25 TB before the base
  // level is level 2 and grows. A deeper level with data (another policy made it) is the lowest instead.
  static constexpr std::uint32_t lowest_level_default = 7;

  // Runs that level 1 gathers at most while merges are behind.
  static constexpr std::size_t gathered_max = 4;

  // The next merge, nothing where level 0 has fewer than `level0_runs` runs, level 1 none, no level more bytes than it may, and
  // no table of rule 6 is left. Every plan moves data down, makes one run of several or drops garbage, so it ends. Allocates;
  // O(tables · log tables).
  [[nodiscard]] STRATA_COLD std::optional<plan> pick(const shape& s, const amounts& a) const {
    if (std::optional<plan> united = unite_runs(s)) return united;
    const sizes measured = measure(s, a);
    if (is_behind(s, a)) return is_to_gather(s, measured) ? gather(s) : move_upper(s, measured);
    std::uint32_t fullest = 0;
    double fullness = 0;
    for (std::uint32_t level = gathering_level + 1; level < measured.lowest; ++level) {
      if (measured.bytes[level] <= measured.target[level]) continue;
      const double share_used = share(measured.bytes[level], measured.target[level]);
      if (share_used > fullness) {
        fullness = share_used;
        fullest = level;
      }
    }
    if (fullest != 0) return move_table(s, fullest, fullest + 1, best_table(s, fullest));
    if (upper_is_due(s, a)) return move_upper(s, measured);
    return rewrite_garbage(s, a, &table_shape::is_worth_rewriting);
  }

  // One step towards a single sorted run below level 1: several runs of a level into one, else levels 0 and 1 into the next with
  // data or the base level, else one table of the highest level with data into the next one with data. So each step is as
  // bounded as the policy's usual work, other work comes in between, and the whole costs about 1.1 times the data.
  //
  // Where one sorted run is all there is, its tables with tombstones go to the usual lowest level if they are above it, and
  // those with garbage are rewritten where they are. There a tombstone alone is no reason: it is held by a snapshot, and would
  // still be there after another round, and another; it becomes garbage when the snapshot goes.
  [[nodiscard]] STRATA_COLD std::optional<plan> pick_all(const shape& s, const amounts& a) const {
    if (std::optional<plan> united = unite_runs(s)) return united;
    if (!is_empty(level_at(s, 0)) || !is_empty(level_at(s, gathering_level))) return move_upper(s, measure(s, a));
    const std::uint32_t upper = next_level_with_data(s, gathering_level + 1);
    const std::uint32_t lower = next_level_with_data(s, upper + 1);
    if (lower < levels_max) return move_table(s, upper, lower, 0);
    // Tombstones may have outlived a lower level that they emptied: moving on to the lowest level ends them.
    if (upper < lowest_level_default) {
      const sorted_run_shape& run = run_of(s, upper);
      for (std::size_t place = 0; place < run.tables.size(); ++place)
        if (run.tables[place].tombstones > 0) return move_table(s, upper, lowest_level_default, place);
    }
    return rewrite_garbage(s, a, &table_shape::has_garbage);
  }

  // An estimate of what will be read and written again until `pick` has nothing more but garbage: 0 exactly when it has
  // nothing more.
  [[nodiscard]] STRATA_COLD std::uint64_t debt_bytes(const shape& s, const amounts& a) const {
    sizes measured = measure(s, a);
    std::uint64_t debt = 0;
    for (std::uint32_t level = gathering_level + 1; level < levels_max; ++level)
      if (runs_of(level_at(s, level)) > 1) debt += measured.bytes[level];
    if (upper_is_due(s, a)) {
      const std::uint32_t output = upper_output(s, measured);
      const std::uint64_t upper = upper_bytes(measured);
      debt += upper + measured.bytes[output];
      measured.bytes[output] += upper;
    }
    for (std::uint32_t level = gathering_level + 1; level < measured.lowest; ++level) {
      if (measured.bytes[level] <= measured.target[level]) continue;
      const std::uint64_t surplus = measured.bytes[level] - measured.target[level];
      const double overlap = (std::min)(share(measured.bytes[level + 1], measured.bytes[level]), double(fan_out(a)));
      debt += surplus + static_cast<std::uint64_t>(static_cast<double>(surplus) * overlap);
      measured.bytes[level + 1] += surplus;
    }
    return debt;
  }

 private:
  static constexpr std::uint32_t gathering_level = 1;

  struct sizes {
    std::uint64_t bytes[levels_max] = {};
    std::uint64_t target[levels_max] = {};  // of 2 to lowest - 1; the lowest has none
    std::uint32_t base = 0;
    std::uint32_t lowest = 0;
  };

  [[nodiscard]] static std::uint32_t fan_out(const amounts& a) noexcept { return (std::max)(a.fan_out, 2u); }
  [[nodiscard]] static std::uint32_t level0_runs(const amounts& a) noexcept { return (std::max)(a.level0_runs, 1u); }
  // What was flushed and is in no level of one run yet: levels 0 and 1.
  [[nodiscard]] static std::uint64_t upper_bytes(const sizes& measured) noexcept {
    return measured.bytes[0] + measured.bytes[gathering_level];
  }
  [[nodiscard]] STRATA_COLD static bool upper_is_due(const shape& s, const amounts& a) noexcept {
    return runs_of(level_at(s, 0)) >= level0_runs(a) || !is_empty(level_at(s, gathering_level));
  }
  [[nodiscard]] STRATA_COLD static bool is_behind(const shape& s, const amounts& a) noexcept {
    return runs_of(level_at(s, 0)) >= std::size_t{2} * level0_runs(a);
  }
  [[nodiscard]] STRATA_COLD static bool is_to_gather(const shape& s, const sizes& measured) noexcept {
    return runs_of(level_at(s, gathering_level)) < gathered_max &&
           upper_bytes(measured) < measured.bytes[upper_output(s, measured)] / 2;
  }
  [[nodiscard]] static double share(std::uint64_t part, std::uint64_t whole) noexcept {
    return static_cast<double>(part) / static_cast<double>((std::max)(whole, std::uint64_t{1}));
  }

  [[nodiscard]] STRATA_COLD static sizes measure(const shape& s, const amounts& a) noexcept {
    sizes found;
    std::uint64_t largest = 0;
    for (std::uint32_t level = 0; level < levels_max; ++level) {
      found.bytes[level] = bytes_of(level_at(s, level));
      if (level > gathering_level) largest = (std::max)(largest, found.bytes[level]);
    }
    found.lowest = (std::max)(lowest_level(s), lowest_level_default);
    found.base = found.lowest;
    // The largest level counts as the lowest one, where it belongs and will come to lie.
    std::uint64_t target = largest;
    for (std::uint32_t level = found.lowest - 1; level > gathering_level; --level) {
      target /= fan_out(a);
      if (target >= (std::max)(a.level_bytes_base, std::uint64_t{1})) found.base = level;
      found.target[level] = target;
    }
    return found;
  }

  // The first level from `from` on that holds a table; `levels_max` where none does.
  [[nodiscard]] STRATA_COLD static std::uint32_t next_level_with_data(const shape& s, std::uint32_t from) noexcept {
    while (from < levels_max && is_empty(level_at(s, from))) ++from;
    return (std::min)(from, levels_max);
  }

  [[nodiscard]] STRATA_COLD static std::uint32_t upper_output(const shape& s, const sizes& measured) noexcept {
    return (std::min)(measured.base, next_level_with_data(s, gathering_level + 1));
  }

  // Another policy may have left several runs in a level; here all but levels 0 and 1 have one.
  [[nodiscard]] STRATA_COLD static std::optional<plan> unite_runs(const shape& s) {
    for (std::uint32_t level = gathering_level + 1; level < s.levels.size(); ++level) {
      if (runs_of(s.levels[level]) < 2) continue;
      plan united;
      add_inputs(united, s, level);
      united.output_level = level;
      united.output_is_new_run = true;
      return united;
    }
    return std::nullopt;
  }

  // Level 0 as a new run of level 1: nothing else is read or written.
  [[nodiscard]] STRATA_COLD static std::optional<plan> gather(const shape& s) {
    plan gathered;
    add_inputs(gathered, s, 0);
    gathered.output_level = gathering_level;
    gathered.output_is_new_run = true;
    return gathered;
  }

  [[nodiscard]] STRATA_COLD static std::optional<plan> move_upper(const shape& s, const sizes& measured) {
    plan moved;
    moved.output_level = upper_output(s, measured);
    std::optional<key_range> whole;
    for (std::uint32_t level = 0; level <= gathering_level; ++level) {
      add_inputs(moved, s, level);
      for (const sorted_run_shape& run : level_at(s, level).runs)
        for (const table_shape& table : run.tables) whole = whole ? hull(*whole, range_of(table)) : range_of(table);
    }
    STRATA_ASSERT(whole.has_value());
    for (const sorted_run_shape& run : level_at(s, moved.output_level).runs)
      add_inputs(moved, moved.output_level, run, overlapping(run, *whole));
    return moved;
  }

  // The one run of a level. Requires: data in it, and runs united.
  [[nodiscard]] static const sorted_run_shape& run_of(const shape& s, std::uint32_t level) {
    const dynamic_array<sorted_run_shape>& runs = s.levels[level].runs;
    std::size_t at = 0;
    while (runs[at].tables.empty()) ++at;
    return runs[at];
  }

  // Which table of the level to move into the next: the place in its run.
  [[nodiscard]] STRATA_COLD static std::size_t best_table(const shape& s, std::uint32_t level) {
    const sorted_run_shape& run = run_of(s, level);
    std::size_t best = 0;
    double best_ratio = 0;
    bool best_is_erased = false;
    for (std::size_t i = 0; i < run.tables.size(); ++i) {
      const table_shape& table = run.tables[i];
      std::uint64_t overlap = 0;
      for (const sorted_run_shape& next : level_at(s, level + 1).runs) {
        const table_span span = overlapping(next, range_of(table));
        for (std::size_t j = span.begin; j < span.end; ++j) overlap += next.tables[j].bytes;
      }
      const double ratio = share(overlap, table.bytes);
      const bool is_erased = table.tombstones > 0 && table.tombstones >= table.entries - table.entries / 2;
      if (i > 0 && (best_is_erased > is_erased || (best_is_erased == is_erased && best_ratio <= ratio))) continue;
      best = i;
      best_ratio = ratio;
      best_is_erased = is_erased;
    }
    return best;
  }

  // The first tables with that reason and nothing older below them, in place: neighbours together, so that what is left of
  // them makes fewer tables, as far as `level_bytes_base` goes. Lowest level first. Requires: runs united.
  //
  // Sound: all else in the run lies before or behind them, and nothing is passed. In no level above 0 does the output meet
  // a run that a flush adds.
  [[nodiscard]] STRATA_COLD static std::optional<plan> rewrite_garbage(const shape& s, const amounts& a,
                                                                   bool table_shape::*reason) {
    for (std::uint32_t level = lowest_level(s); level > 0; --level) {
      if (is_empty(s.levels[level])) continue;
      const sorted_run_shape& run = run_of(s, level);
      const auto is_due = [&](std::size_t place) {
        return run.tables[place].*reason && !holds_data(s, level + 1, range_of(run.tables[place]));
      };
      for (std::size_t place = 0; place < run.tables.size(); ++place) {
        if (!is_due(place)) continue;
        std::uint64_t bytes = run.tables[place].bytes;
        std::size_t end = place + 1;
        for (; end < run.tables.size() && is_due(end); ++end) {
          bytes += run.tables[end].bytes;
          if (bytes > a.level_bytes_base) break;
        }
        plan rewritten;
        rewritten.output_level = level;
        add_inputs(rewritten, level, run, {place, end});
        return rewritten;
      }
    }
    return std::nullopt;
  }

  // The table at that place of the upper level, into the lower level. Requires: the levels between are empty.
  [[nodiscard]] STRATA_COLD static std::optional<plan> move_table(const shape& s, std::uint32_t upper, std::uint32_t lower,
                                                      std::size_t place) {
    const sorted_run_shape& run = run_of(s, upper);
    plan moved;
    moved.output_level = lower;
    table_span taken{place, place + 1};
    for (const sorted_run_shape& next : level_at(s, lower).runs) {
      key_range whole = range_of(run.tables[place]);
      const table_span span = overlapping(next, whole);
      if (span.empty()) continue;
      whole = hull(whole, hull(range_of(next.tables[span.begin]), range_of(next.tables[span.end - 1])));
      while (taken.begin > 0 && contains(whole, range_of(run.tables[taken.begin - 1]))) --taken.begin;
      while (taken.end < run.tables.size() && contains(whole, range_of(run.tables[taken.end]))) ++taken.end;
      add_inputs(moved, lower, next, span);
    }
    add_inputs(moved, upper, run, taken);
    return moved;
  }
};

static_assert(requirements::compaction<leveled>);

}  // namespace strata::inline STRATA_ABI::compaction

#endif
