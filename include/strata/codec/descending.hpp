// A part of a key that sorts the other way round.
#ifndef STRATA_CODEC_DESCENDING_HPP
#define STRATA_CODEC_DESCENDING_HPP

#include <compare>
#include <utility>

#include <strata/core/bytes.hpp>

namespace strata::inline STRATA_ABI {

// Holds a `Type` that stands in reversed order: `descending(2) < descending(1)`, in memory as in a key.
// Thread safety: as a value.
template <typename Type = void>
struct descending {
  Type value{};

  constexpr descending() = default;
  constexpr explicit descending(Type kept) : value(std::move(kept)) {}

  friend constexpr bool operator==(const descending& a, const descending& b) { return a.value == b.value; }
  friend constexpr bool operator<(const descending& a, const descending& b) { return b.value < a.value; }
  friend constexpr bool operator>(const descending& a, const descending& b) { return a.value < b.value; }
  friend constexpr bool operator<=(const descending& a, const descending& b) { return !(a.value < b.value); }
  friend constexpr bool operator>=(const descending& a, const descending& b) { return !(b.value < a.value); }
};

// Without a type it is no key but a wish, `strata::descending<>{}`: the other way round, please.
template <>
struct descending<void> {};

descending()->descending<void>;

}  // namespace strata::inline STRATA_ABI

#endif
