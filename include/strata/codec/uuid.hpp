// A universally unique identifier as sixteen bytes, in the order in which it is written.
#ifndef STRATA_CODEC_UUID_HPP
#define STRATA_CODEC_UUID_HPP

#include <array>

#include <strata/core/bytes.hpp>

namespace strata::inline STRATA_ABI {

// Sixteen bytes, the most significant first; they order as they are written, and as a key and a value they are stored
// so. Thread safety: as a value.
struct uuid {
  std::array<std::uint8_t, 16> bytes{};

  friend constexpr bool operator==(const uuid&, const uuid&) = default;
  friend constexpr auto operator<=>(const uuid&, const uuid&) = default;
};

}  // namespace strata::inline STRATA_ABI

#endif
