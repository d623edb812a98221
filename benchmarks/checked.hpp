// What the library returned, or an exception that says what failed; and what must hold for the numbers to mean something.
#ifndef STRATA_BENCHMARKS_CHECKED_HPP
#define STRATA_BENCHMARKS_CHECKED_HPP

#include <strata/core/result.hpp>

#include "data.hpp"

namespace benchmark {

template <typename Value>
Value checked(strata::result<Value>&& outcome, const char* step) {
  if (!outcome.has_value()) throw failure(std::string(step) + ": " + outcome.error().message());
  return std::move(outcome).value();
}
inline void checked(strata::result<void>&& outcome, const char* step) {
  if (!outcome.has_value()) throw failure(std::string(step) + ": " + outcome.error().message());
}

inline void require(bool holds, const char* what) {
  if (!holds) throw failure(what);
}

}  // namespace benchmark

#endif
