// hash64: a fast 64-bit hash of bytes for filters, hash tables and sharding. Not for secrets.
//
// Thread safety: a pure function.
//
// Invariants
//  1. Frozen: filters on disk hold what follows from it. Golden values stand in the test.
//  2. The same on every machine: loads are little-endian, and the multiplication is exact.
//
// How it works: two words of the input meet a 64 x 64 -> 128 bit multiplication, after each is mixed with a constant or
// the state, and the halves of the product are folded into one word. In the middle bits of a product every bit of both
// factors has had its say, and folding brings those to all places.
//  1. 0..16 bytes become two words, overlapping rather than padded; the length goes in at the end, so that inputs that
//     give the same words differ.
//  2. Above 16 bytes, 16 bytes a step; above 64, first four independent lanes of 16 bytes side by side.
//  3. The last 16 bytes, overlapping what was read, are the two words of 1.
// A factor of zero would wipe out the other one and all that it stands for; the state is therefore also carried past
// each multiplication.
#ifndef STRATA_CORE_HASH_HPP
#define STRATA_CORE_HASH_HPP

#include <bit>
#include <cstddef>
#include <cstdint>

#include <strata/core/bytes.hpp>
#include <strata/core/coding.hpp>

namespace strata::inline STRATA_ABI {

namespace detail {

// Frozen. The first 64 bits after the binary point of the square roots of 2, 3, 5, 7, 11 and 13: numbers with nothing
// up their sleeve and about as many ones as zeros.
inline constexpr std::uint64_t hash_key[6] = {0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B,
                                              0xA54FF53A5F1D36F1, 0x510E527FADE682D1, 0x9B05688C2B3E6C1F};

// The halves of a * b, exclusive-or'ed.
[[nodiscard]] STRATA_ALWAYS_INLINE std::uint64_t hash_fold(std::uint64_t a, std::uint64_t b) noexcept {
#if defined(__SIZEOF_INT128__)
  __extension__ using wide = unsigned __int128;
  const wide product = static_cast<wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
#else
  const std::uint64_t a_low = a & 0xFFFFFFFF, a_high = a >> 32;
  const std::uint64_t b_low = b & 0xFFFFFFFF, b_high = b >> 32;
  const std::uint64_t low = a_low * b_low;
  const std::uint64_t middle = a_high * b_low + (low >> 32);           // cannot wrap: (2^32-1)^2 + 2^32-1 < 2^64
  const std::uint64_t cross = a_low * b_high + (middle & 0xFFFFFFFF);  // the same
  const std::uint64_t high = a_high * b_high + (middle >> 32) + (cross >> 32);
  return ((cross << 32) | (low & 0xFFFFFFFF)) ^ high;
#endif
}

// `state` after the 16 bytes at `from`.
[[nodiscard]] STRATA_ALWAYS_INLINE std::uint64_t hash_step(std::uint64_t state, const char* from,
                                                           std::uint64_t key) noexcept {
  return hash_fold(load_fixed<std::uint64_t>(from) ^ key, load_fixed<std::uint64_t>(from + 8) ^ state) ^
         std::rotl(state, 29);
}

// The state after all of more than 16 bytes but what the last 16 cover.
[[nodiscard]] inline std::uint64_t hash_body(const char* from, std::size_t size, std::uint64_t state) noexcept {
  if (size > 64) {
    std::uint64_t second = state ^ hash_key[1];
    std::uint64_t third = state ^ hash_key[2];
    std::uint64_t fourth = state ^ hash_key[4];  // [3] would undo the first mixing: state zero for the seed zero
    do {
      state = hash_step(state, from, hash_key[0]);
      second = hash_step(second, from + 16, hash_key[1]);
      third = hash_step(third, from + 32, hash_key[2]);
      fourth = hash_step(fourth, from + 48, hash_key[3]);
      from += 64;
      size -= 64;
    } while (size > 64);
    state = hash_fold(state ^ hash_key[4], second) ^ hash_fold(third ^ hash_key[5], fourth) ^ std::rotl(second, 17) ^
            std::rotl(fourth, 43);
  }
  for (; size > 16; size -= 16, from += 16) state = hash_step(state, from, hash_key[0]);
  return state;
}

}  // namespace detail

// The hash of `bytes` under `seed`; another seed gives an unrelated function. Never fails.
//
// Any bits of the result serve as well as any others. Nothing stops someone who knows the seed from making inputs that
// collide, so nothing may depend on a hash for more than speed.
// Cost: a few ns up to 32 bytes, above 10 GB/s for long inputs.
[[nodiscard]] inline std::uint64_t hash64(bytes_view bytes, std::uint64_t seed = 0) noexcept {
  const char* const from = bytes.data();
  const std::size_t size = bytes.size();
  std::uint64_t state = seed ^ detail::hash_key[3];
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  if (size >= 8) [[likely]] {
    if (size > 16) state = detail::hash_body(from, size, state);
    const char* const end = from + size;
    a = load_fixed<std::uint64_t>(size >= 16 ? end - 16 : from);
    b = load_fixed<std::uint64_t>(end - 8);
  } else if (size >= 4) {
    a = load_fixed<std::uint32_t>(from);
    b = load_fixed<std::uint32_t>(from + size - 4);
  } else if (size > 0) {
    a = static_cast<unsigned char>(from[0]) | std::uint64_t{static_cast<unsigned char>(from[size / 2])} << 8 |
        std::uint64_t{static_cast<unsigned char>(from[size - 1])} << 16;
  }
  const std::uint64_t mixed = detail::hash_fold(a ^ detail::hash_key[1], b ^ state) ^ std::rotl(state, 29);
  return detail::hash_fold(mixed ^ detail::hash_key[2], size ^ detail::hash_key[5]);
}

}  // namespace strata::inline STRATA_ABI

#endif
