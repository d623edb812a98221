// crc32c: the checksum of every file of the library. Castagnoli's polynomial as RFC 3720 (appendix B.4) fixes it:
// reflected, begun with all ones, inverted at the end.
//
// Thread safety: pure functions.
//
// Invariants
//  1. The value is frozen: it stands in every file.
//  2. All ways of computing it agree on every input: 1. the portable one, eight bytes a step through eight tables;
//     2. x86-64, chosen at run time: the `crc32` instruction on three lanes side by side, since a result takes three
//     cycles but one can begin in each; lanes are joined by a carry-less multiplication; 3. AArch64 built for it:
//     `crc32cx`.
//  3. A state is the register before the final inversion. It stands for a polynomial over GF(2) of degree 31 with the
//     lowest bit as x^31; n zero bits multiply it by x^n modulo P.
#ifndef STRATA_CORE_CHECKSUM_HPP
#define STRATA_CORE_CHECKSUM_HPP

#include <cstddef>
#include <cstdint>

#include <strata/core/bytes.hpp>
#include <strata/core/coding.hpp>

#if defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace strata::inline STRATA_ABI {

namespace detail {

// Frozen: P without its leading term, reflected.
inline constexpr std::uint32_t crc32c_polynomial = 0x82F63B78;

// `row[k][byte]`: what `byte`, followed by k zero bytes, leaves of an empty state.
struct crc32c_tables {
  std::uint32_t row[8][256];
};

consteval crc32c_tables make_crc32c_tables() {
  crc32c_tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t state = byte;
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) != 0 ? crc32c_polynomial : 0);
    tables.row[0][byte] = state;
  }
  for (int k = 1; k < 8; ++k) {
    for (int byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables.row[k - 1][byte];
      tables.row[k][byte] = (before >> 8) ^ tables.row[0][before & 0xFF];
    }
  }
  return tables;
}

inline constexpr crc32c_tables crc32c_table = make_crc32c_tables();

// `state` after the eight bytes of `word`, its lowest byte first.
[[nodiscard]] constexpr std::uint32_t crc32c_step(std::uint32_t state, std::uint64_t word) noexcept {
  word ^= state;
  std::uint32_t next = 0;
  for (int k = 0; k < 8; ++k) next ^= crc32c_table.row[7 - k][(word >> (8 * k)) & 0xFF];
  return next;
}

[[nodiscard]] inline std::uint32_t crc32c_portable(bytes_view bytes, std::uint32_t state) noexcept {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) state = crc32c_step(state, load_fixed<std::uint64_t>(at));
  for (; left > 0; --left, ++at)
    state = (state >> 8) ^ crc32c_table.row[0][(state ^ static_cast<unsigned char>(*at)) & 0xFF];
  return state;
}

#if defined(__x86_64__)

// The longest lane: 256 words of eight bytes. Longer lanes gain nothing, as joining them is already below 2 % of the
// time.
inline constexpr std::size_t crc32c_lane_words_max = 256;
// The shortest lane that pays for joining it.
inline constexpr std::size_t crc32c_lane_words_min = 8;

// `power[n]` = x^(64 n - 33) mod P. The product of two reflected 32-bit polynomials is one power of x short of a
// reflected 64-bit one, and the instruction multiplies by x^32: a state times `power[n]`, reduced by the instruction,
// is the state after n words of zeros.
struct crc32c_powers {
  std::uint32_t power[2 * crc32c_lane_words_max + 1];
};

consteval crc32c_powers make_crc32c_powers() {
  crc32c_powers powers{};
  powers.power[1] = 1;  // x^31
  for (std::size_t n = 2; n <= 2 * crc32c_lane_words_max; ++n) powers.power[n] = crc32c_step(powers.power[n - 1], 0);
  return powers;
}

inline constexpr crc32c_powers crc32c_power = make_crc32c_powers();

// What `__builtin_ia32_pclmulqdq128` takes.
using crc32c_pair [[gnu::vector_size(16)]] = long long;

[[nodiscard]] [[gnu::target("sse4.2,pclmul")]] inline std::uint64_t crc32c_multiply(std::uint64_t a,
                                                                                    std::uint64_t b) noexcept {
  const crc32c_pair left = {static_cast<long long>(a), 0};
  const crc32c_pair right = {static_cast<long long>(b), 0};
  return static_cast<std::uint64_t>(__builtin_ia32_pclmulqdq128(left, right, 0)[0]);
}

// Requires: the processor has SSE4.2 and carry-less multiplication.
[[nodiscard]] [[gnu::target("sse4.2,pclmul")]] inline std::uint32_t crc32c_x86(bytes_view bytes,
                                                                               std::uint32_t state) noexcept {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t first = state;
  while (left >= 3 * 8 * crc32c_lane_words_min) {
    const std::size_t words = left / 24 < crc32c_lane_words_max ? left / 24 : crc32c_lane_words_max;
    const std::size_t lane = 8 * words;
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (const char* const end = at + lane; at != end; at += 8) {
      first = __builtin_ia32_crc32di(first, load_fixed<std::uint64_t>(at));
      second = __builtin_ia32_crc32di(second, load_fixed<std::uint64_t>(at + lane));
      third = __builtin_ia32_crc32di(third, load_fixed<std::uint64_t>(at + 2 * lane));
    }
    at += 2 * lane;
    left -= 3 * lane;
    first = third ^ __builtin_ia32_crc32di(0, crc32c_multiply(first, crc32c_power.power[2 * words]) ^
                                                  crc32c_multiply(second, crc32c_power.power[words]));
  }
  for (; left >= 8; left -= 8, at += 8) first = __builtin_ia32_crc32di(first, load_fixed<std::uint64_t>(at));
  auto last = static_cast<std::uint32_t>(first);
  for (; left > 0; --left, ++at) last = __builtin_ia32_crc32qi(last, static_cast<unsigned char>(*at));
  return last;
}

// A load and two bit tests: the start of the program has asked the processor once.
[[nodiscard]] inline bool crc32c_x86_usable() noexcept {
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

[[nodiscard]] inline std::uint32_t crc32c_arm(bytes_view bytes, std::uint32_t state) noexcept {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) state = __crc32cd(state, load_fixed<std::uint64_t>(at));
  for (; left > 0; --left, ++at) state = __crc32cb(state, static_cast<unsigned char>(*at));
  return state;
}

#endif

}  // namespace detail

// The crc32c of `bytes`, or, with the checksum of what came `before`, of both together:
// crc32c(b, crc32c(a)) == crc32c(a + b). 0 for no bytes at all.
//
// Finds every burst of up to 32 bits; two unrelated inputs agree once in 4 * 10^9. No defence against someone who wants
// them to agree. Cost: about 20 GB/s for 4 KiB where the processor helps, 2 GB/s elsewhere.
[[nodiscard]] inline std::uint32_t crc32c(bytes_view bytes, std::uint32_t before = 0) noexcept {
#if defined(__x86_64__)
  if (detail::crc32c_x86_usable()) [[likely]]
    return ~detail::crc32c_x86(bytes, ~before);
  return ~detail::crc32c_portable(bytes, ~before);
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
  return ~detail::crc32c_arm(bytes, ~before);
#else
  return ~detail::crc32c_portable(bytes, ~before);
#endif
}

}  // namespace strata::inline STRATA_ABI

#endif
