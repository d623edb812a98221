// Bytes as the library passes them: a view is a pointer and a length, ordered as unsigned bytes.
//
// `char` may alias any object, `std::char_traits<char>` compares as unsigned char, and text goes in and out without a
// cast, so the standard's own string types serve: no type of ours stands between a program and its data.
#ifndef STRATA_CORE_BYTES_HPP
#define STRATA_CORE_BYTES_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <strata/config.hpp>

namespace strata::inline STRATA_ABI {

// Bytes owned by someone else; valid as long as the call that handed them out says.
using bytes_view = std::string_view;

// Bytes that own themselves.
using byte_string = std::string;

// The length of what two byte strings begin with in common.
[[nodiscard]] constexpr std::size_t common_prefix_length(bytes_view a, bytes_view b) noexcept {
  const std::size_t limit = a.size() < b.size() ? a.size() : b.size();
  std::size_t length = 0;
  while (length < limit && a[length] == b[length]) ++length;
  return length;
}

inline namespace literals {
// Sizes in bytes: `64_MiB`.
[[nodiscard]] consteval std::uint64_t operator""_KiB(unsigned long long count) { return count << 10; }
[[nodiscard]] consteval std::uint64_t operator""_MiB(unsigned long long count) { return count << 20; }
[[nodiscard]] consteval std::uint64_t operator""_GiB(unsigned long long count) { return count << 30; }
}  // namespace literals

}  // namespace strata::inline STRATA_ABI

#endif
