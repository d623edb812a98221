// Whether a plan keeps the order of versions: what the engine asserts of every plan before it begins.
//
// Thread safety: pure functions.
//
// The order of a store: all sorted runs in a line, levels from 0 down, in a level newest first. Of one key, every version
// in a run is newer than every version in the runs after it in the line; a read stops at the first version that it meets.
// A plan takes tables (inputs) out of the line and puts their merged content (the output) back in at one place. Everything
// else (kept tables) stays. For each key the order must hold again, so for each kept table K and each input X that overlap:
//
//   1. Where K stays before the output's place, X must not come before K: X's newer version would be found after K's older
//      one. From the runs of the levels above the output: with a table, all that overlap it further down go too.
//   2. Where K stays after the output's place, X must not come after K: X's older version would be found before K's newer
//      one. That can only be in the output's own level, when the output is a new run there: with a table of that level,
//      all that overlap it in the newer runs of the level go too.
//   3. Where the output joins the run of K, no table of the run may lie in the range of all inputs together, or tables of
//      the run could overlap. The range as a whole, as the output is cut into tables without regard to gaps in it.
//   4. Where the output is nothing (discard), X must not come before K at all: what was overwritten would be back.
//
// And so that these can be decided: inputs exist, once each; the output is no higher than an input; a run that is joined is
// the only one of its level; and nothing is put into level 0, where flushes add runs while a compaction is on its way.
#ifndef STRATA_COMPACTION_SOUNDNESS_HPP
#define STRATA_COMPACTION_SOUNDNESS_HPP

#include <cstddef>

#include <strata/compaction/geometry.hpp>
#include <strata/compaction/requirements.hpp>
#include <strata/config.hpp>

namespace strata::inline STRATA_ABI::compaction {

namespace detail {

// Ranges, merged where they overlap.
class covered_ranges {
 public:
  STRATA_COLD void add(const dynamic_array<key_range>& added) {
    for (const key_range& each : added) ranges_.push_back(each);
    sort_by(ranges_, [](const key_range& a, const key_range& b) { return a.smallest < b.smallest; });
    dynamic_array<key_range> merged;
    for (const key_range& each : ranges_) {
      if (!merged.empty() && overlaps(merged.back(), each)) {
        merged.back() = hull(merged.back(), each);
      } else {
        merged.push_back(each);
      }
    }
    ranges_ = std::move(merged);
  }
  [[nodiscard]] bool overlap(const key_range& range) const noexcept {
    const std::size_t at = first_behind(ranges_, [&](const key_range& each) { return each.limit <= range.smallest; });
    return at < ranges_.size() && ranges_[at].smallest < range.limit;
  }

 private:
  dynamic_array<key_range> ranges_;  // in order, not overlapping
};


// Goes along the line of runs, or against it, and finds kept tables that overlap an input passed before.
class run_walk {
 public:
  explicit run_walk(const dynamic_array<plan::input>& sorted_inputs) : inputs_(sorted_inputs) {}

  // Whether a kept table of the run overlaps an input of a run passed before. Passes the run.
  [[nodiscard]] STRATA_COLD bool blocked_by(std::uint32_t level, const sorted_run_shape& run) {
    dynamic_array<key_range> taken;
    bool blocked = false;
    for (const table_shape& table : run.tables) {
      if (is_input(level, table)) {
        taken.push_back(range_of(table));
      } else {
        blocked = blocked || passed_.overlap(range_of(table));
      }
    }
    if (!taken.empty()) passed_.add(taken);
    return blocked;
  }
  [[nodiscard]] bool is_input(std::uint32_t level, const table_shape& table) const noexcept {
    const plan::input wanted{level, table.number};
    const std::size_t at = first_behind(inputs_, [&](const plan::input& each) { return by_level_and_table(each, wanted); });
    return at < inputs_.size() && !by_level_and_table(wanted, inputs_[at]);
  }

 private:
  const dynamic_array<plan::input>& inputs_;
  covered_ranges passed_;
};

}  // namespace detail

// Which rule the plan breaks, in words; null where it is sound. Allocates.
// Cost: O((tables + inputs) · log inputs), and the inputs sorted once for each run that has some.
[[nodiscard]] STRATA_COLD inline const char* plan_flaw(const shape& s, const plan& p) {
  if (p.inputs.empty()) return "the plan has no input";
  dynamic_array<plan::input> inputs = p.inputs;
  sort_by(inputs, by_level_and_table);
  for (std::size_t i = 1; i < inputs.size(); ++i)
    if (!by_level_and_table(inputs[i - 1], inputs[i])) return "an input is named twice";
  const dynamic_array<const table_shape*> tables = input_tables(s, p);
  if (tables.size() != inputs.size()) return "an input does not exist";

  detail::run_walk down(inputs);
  const std::uint32_t levels = static_cast<std::uint32_t>(s.levels.size());
  const std::uint32_t above = p.discard ? levels : (std::min)(levels, p.output_level);
  for (std::uint32_t level = 0; level < above; ++level)
    for (const sorted_run_shape& run : s.levels[level].runs)
      if (down.blocked_by(level, run))
        return p.discard ? "a table is kept that an input overwrites: its old versions would be back"
                         : "a table above the output is kept that a newer input overlaps";
  if (p.discard) return nullptr;

  if (p.output_level == 0 || p.output_level >= levels_max) return "the output level is not one of 1 to 15";
  if (inputs.back().level > p.output_level) return "the output lies above an input";
  const level_shape& output = level_at(s, p.output_level);
  if (p.output_is_new_run) {
    detail::run_walk up(inputs);
    for (std::size_t run = output.runs.size(); run-- > 0;)
      if (up.blocked_by(p.output_level, output.runs[run]))
        return "a table below the output is kept that an older input overlaps";
    return nullptr;
  }
  if (runs_of(output) > 1) return "the output joins a level of several runs";
  key_range whole = range_of(*tables.front());
  for (const table_shape* table : tables) whole = hull(whole, range_of(*table));
  for (const sorted_run_shape& run : output.runs) {
    const table_span span = overlapping(run, whole);
    for (std::size_t i = span.begin; i < span.end; ++i)
      if (!down.is_input(p.output_level, run.tables[i]))
        return "a table of the joined run is kept within the range of the inputs";
  }
  return nullptr;
}

// Whether the plan keeps every version in its order. Allocates; cost as `plan_flaw`.
[[nodiscard]] STRATA_COLD inline bool plan_is_sound(const shape& s, const plan& p) { return plan_flaw(s, p) == nullptr; }

}  // namespace strata::inline STRATA_ABI::compaction

#endif
