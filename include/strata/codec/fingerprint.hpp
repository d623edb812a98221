// FNV-1a, 64 bits: the identity of a type's encoding, computed by the compiler where it is asked to.
//
// A fingerprint tells types apart that a program mixed up. It is no checksum and no defence against an adversary.
#ifndef STRATA_CODEC_FINGERPRINT_HPP
#define STRATA_CODEC_FINGERPRINT_HPP

#include <strata/core/bytes.hpp>

namespace strata::inline STRATA_ABI::detail {

// Takes bytes one after the other. Frozen: fingerprints are stored.
class fingerprint_hash {
 public:
  constexpr void byte(unsigned char value) noexcept { state_ = (state_ ^ value) * 0x100000001B3; }
  constexpr void bytes(bytes_view values) noexcept {
    for (const char value : values) byte(static_cast<unsigned char>(value));
  }
  // As `append_varint` writes it.
  constexpr void varint(std::uint64_t value) noexcept {
    for (; value >= 0x80; value >>= 7) byte(static_cast<unsigned char>((value & 0x7F) | 0x80));
    byte(static_cast<unsigned char>(value));
  }
  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325;
};

}  // namespace strata::inline STRATA_ABI::detail

#endif
