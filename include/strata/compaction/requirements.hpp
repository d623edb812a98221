// Compaction: which tables to merge next, and where the result goes. A policy decides; the engine does the work.
//
// A store's tables lie in levels, newest data in level 0. A level holds sorted runs, newest first; the tables of one
// sorted run are in key order and do not overlap. Of one key every version in a level is newer than every version in
// the levels below it, and every version in a sorted run newer than those in the runs after it.
//
// Requirements. `C` is the policy, `c` a const value of it, `s` a `compaction::shape`, `a` `compaction::amounts`.
//
// expression              returns                        what must hold
// ----------------------  -----------------------------  ------------------------------------------------------------
// C()                                                    no state: the same shape gives the same answer
// C::discards_live_data   static constexpr bool          true where it deletes what was not erased (fifo). Then it sees
//                                                        no table of the store's own run: compaction/reserved_run.hpp
// c.pick(s, a)            std::optional<compaction::plan> the next work, nothing when the shape is settled. Applied again
//                                                        and again it ends. The engine calls it with no lock held
// c.pick_all(s, a)        std::optional<compaction::plan> one step towards the smallest shape (`compact()`), in which no
//                                                        table that lies above nothing has garbage
// c.debt_bytes(s, a)      std::uint64_t                  bytes to be merged until the shape is settled: where they are
//                                                        more than all tables have (and more than a few memtables),
//                                                        writers are slowed. Garbage slows nobody and is no debt
//
// What the engine holds a plan to (anything else is a bug of the policy and ends the process): `plan_is_sound` in
// compaction/soundness.hpp, where the rule stands with its reasons. In short: inputs exist, the output is not above one, and
// with a table go all that overlap it between it and the output, so that no older version comes to lie above a newer one.
// A plan stays sound whatever is flushed after it was made. Inputs that overlap nothing are moved and not rewritten:
// `is_trivial_move` in compaction/geometry.hpp.
#ifndef STRATA_COMPACTION_REQUIREMENTS_HPP
#define STRATA_COMPACTION_REQUIREMENTS_HPP

#include <concepts>
#include <optional>

#include <strata/core/dynamic_array.hpp>
#include <strata/core/entry.hpp>

namespace strata::inline STRATA_ABI {

namespace compaction {

// One table, as a policy sees it. Views live as long as the shape.
struct table_shape {
  std::uint64_t number = 0;  // its file number: a higher one was written later
  std::uint64_t bytes = 0;   // on disk
  std::uint64_t entries = 0;
  std::uint64_t tombstones = 0;        // point and range
  std::uint64_t created_us = 0;        // wall clock of the newest commit in it, µs since 1970
  bytes_view smallest;                 // the first key
  bytes_view limit;                    // above every key: all keys k have smallest ≤ k < limit
  // Whether a rewrite of it alone drops anything now, provided that nothing older lies below it: expired values, versions
  // and tombstones that no snapshot holds any more. It is false of what such a rewrite made, until time passes or a snapshot
  // goes. And whether that is so much that a rewrite pays by itself.
  bool has_garbage = false;
  bool is_worth_rewriting = false;
};

// Tables in key order that do not overlap. The higher `number`, the newer. What joins a run takes its number; 0 where it
// joins a level that was empty.
struct sorted_run_shape {
  std::uint64_t number = 0;
  dynamic_array<table_shape> tables;
};

struct level_shape {
  dynamic_array<sorted_run_shape> runs;  // newest first; none without tables
};

struct shape {
  dynamic_array<level_shape> levels;  // [0] is the newest
  std::uint64_t now_us = 0;         // wall clock
};

// The amounts that a user may turn; defaults are in `options`.
struct amounts {
  std::uint64_t level_bytes_base = 256ull << 20;  // 64 KiB to 1 TiB; leveled: what the highest level of one run may hold at least
  std::uint32_t fan_out = 10;                     // 2 to 100; leveled: each level holds so many times the one above
  std::uint32_t level0_runs = 4;                  // 2 to 64: flushed runs that start a compaction; tiered: of every level
  std::uint64_t fifo_bytes_max = 1ull << 30;      // fifo: oldest tables go beyond this
  std::uint64_t fifo_age_us_max = 0;              // fifo: and those so much older than the newest commit; 0: no limit
};

inline constexpr std::uint32_t levels_max = 16;

struct plan {
  struct input {
    std::uint32_t level = 0;
    std::uint64_t table = 0;  // its number
  };
  dynamic_array<input> inputs;
  std::uint32_t output_level = 0;
  // Where in the output level: false joins its one run (whose overlapping tables must be inputs); true makes a new sorted
  // run, newer than every run there.
  bool output_is_new_run = false;
  bool discard = false;  // no output: the inputs are dropped (fifo)
};

}  // namespace compaction

namespace requirements {

template <typename Policy>
concept compaction =
    std::default_initializable<Policy> && requires(const Policy& c, const strata::compaction::shape& s, const strata::compaction::amounts& a) {
      { Policy::discards_live_data } -> std::convertible_to<bool>;
      { c.pick(s, a) } -> std::same_as<std::optional<strata::compaction::plan>>;
      { c.pick_all(s, a) } -> std::same_as<std::optional<strata::compaction::plan>>;
      { c.debt_bytes(s, a) } -> std::same_as<std::uint64_t>;
    };

}  // namespace requirements

namespace detail {

template <typename Policy>
consteval bool check_compaction() {
  static_assert(requirements::compaction<Policy>,
                "strata: compaction: discards_live_data, pick, pick_all or debt_bytes is missing; see compaction/requirements.hpp");
  return true;
}

}  // namespace detail

}  // namespace strata::inline STRATA_ABI

#endif
