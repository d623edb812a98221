// The one place that knows which Catch2 there is: v3 where installed, else v2. Tests include this first; it is what the
// build precompiles.
#ifndef STRATA_TESTS_TEST_HPP
#define STRATA_TESTS_TEST_HPP

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// How often a randomised test goes round: `quick` times in every run, `thorough` times under `tests/run --long`.
[[nodiscard]] inline std::size_t rounds(std::size_t quick, std::size_t thorough) {
  return std::getenv("STRATA_TESTS_LONG") != nullptr ? thorough : quick;
}

// Whether a sanitizer slows everything down.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool is_sanitized = true;
#elif defined(__has_feature)
inline constexpr bool is_sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool is_sanitized = false;
#endif

#endif
