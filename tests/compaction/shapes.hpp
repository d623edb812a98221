// Shapes written by hand, for tests that need to see one decision.
#ifndef STRATA_TESTS_COMPACTION_SHAPES_HPP
#define STRATA_TESTS_COMPACTION_SHAPES_HPP

#include "test.hpp"

#include <algorithm>

#include <strata/compaction/requirements.hpp>

namespace strata::testing {

// A table of `bytes` bytes over the letters from `first` to `last`: keys "a" to "z", so limits lie right behind them.
inline compaction::table_shape table(std::uint64_t number, char first, char last, std::uint64_t bytes = 100,
                                     std::uint64_t tombstones = 0, std::uint64_t created_us = 0) {
  static const std::string letters = "abcdefghijklmnopqrstuvwxyz{";
  compaction::table_shape made;
  made.number = number;
  made.bytes = bytes;
  made.entries = 100;
  made.tombstones = tombstones;
  made.created_us = created_us == 0 ? number : created_us;
  made.smallest = bytes_view(letters).substr(static_cast<std::size_t>(first - 'a'), 1);
  made.limit = bytes_view(letters).substr(static_cast<std::size_t>(last - 'a') + 1, 1);
  return made;
}

using tables = dynamic_array<compaction::table_shape>;
// Levels of runs of tables, newest first.
inline compaction::shape shape_of(std::vector<std::vector<tables>> levels, std::uint64_t now_us = 1'000'000) {
  compaction::shape made;
  made.now_us = now_us;
  for (const std::vector<tables>& level : levels) {
    made.levels.emplace_back();
    for (const tables& run : level) made.levels.back().runs.push_back({0, run});
  }
  return made;
}

inline compaction::plan plan_of(dynamic_array<compaction::plan::input> inputs, std::uint32_t output,
                                bool is_new_run = false) {
  return {std::move(inputs), output, is_new_run, false};
}

// The table numbers that the plan takes, in order.
inline std::vector<std::uint64_t> numbers(const compaction::plan& plan) {
  std::vector<std::uint64_t> taken;
  for (const compaction::plan::input& each : plan.inputs) taken.push_back(each.table);
  std::sort(taken.begin(), taken.end());
  return taken;
}

}  // namespace strata::testing

#endif
