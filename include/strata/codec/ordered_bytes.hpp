// The bytes of which keys are made: scalars and strings whose unsigned byte order is their own order.
//
// Thread safety: pure functions; a reader belongs to one thread.
//
// Frozen, all of it: keys are on disk, and their order is the order of every table.
//
//   unsigned     big-endian
//   signed       big-endian, sign bit flipped
//   floating     IEEE 754 bits, big-endian: negative → all bits inverted, else sign bit set; −0 is +0; no NaN
//   text, bytes  00 → 00 FF; then 00 01, unless nothing of the key follows
//
// Why 00 01 and not a plain 00 ends a string: the next field may begin with FF, and "a" 00 FF… would then be the
// beginning of a string with a zero byte in it.
#ifndef STRATA_CODEC_ORDERED_BYTES_HPP
#define STRATA_CODEC_ORDERED_BYTES_HPP

#include <bit>
#include <cstring>
#include <type_traits>

#include <strata/core/bytes.hpp>

namespace strata::inline STRATA_ABI::detail {

// Whether something of the key follows a string.
enum class string_end : unsigned char { open, marked };

template <std::size_t Size>
using unsigned_of_size = std::conditional_t<
    Size == 1, std::uint8_t,
    std::conditional_t<Size == 2, std::uint16_t, std::conditional_t<Size == 4, std::uint32_t, std::uint64_t>>>;

template <typename Unsigned>
inline constexpr Unsigned sign_bit = static_cast<Unsigned>(Unsigned{1} << (8 * sizeof(Unsigned) - 1));

template <typename Unsigned>
void append_big_endian(byte_string& out, Unsigned value) {
  char buffer[sizeof value];
  for (std::size_t i = 0; i < sizeof value; ++i)
    buffer[i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * (sizeof value - 1 - i))));
  out.append(buffer, sizeof value);
}

template <typename Integer>
void append_ordered_integer(byte_string& out, Integer value) {
  using bits = unsigned_of_size<sizeof(Integer)>;
  const bits flip = std::is_signed_v<Integer> ? sign_bit<bits> : bits{0};
  append_big_endian(out, static_cast<bits>(static_cast<bits>(value) ^ flip));
}

// False for NaN, which has no place in an order; nothing is appended then.
template <typename Float>
[[nodiscard]] bool append_ordered_float(byte_string& out, Float value) {
  using bits = unsigned_of_size<sizeof(Float)>;
  if (value != value) return false;
  bits image = value == Float{0} ? bits{0} : std::bit_cast<bits>(value);
  image = (image & sign_bit<bits>) != 0 ? static_cast<bits>(~image) : static_cast<bits>(image | sign_bit<bits>);
  append_big_endian(out, image);
  return true;
}

// One append where there is no zero byte, which is nearly always.
inline void append_ordered_text(byte_string& out, bytes_view text, string_end end) {
  while (!text.empty()) {
    const void* zero = std::memchr(text.data(), 0, text.size());
    if (zero == nullptr) [[likely]]
      break;
    const auto length = static_cast<std::size_t>(static_cast<const char*>(zero) - text.data());
    out.append(text.data(), length).append("\x00\xFF", 2);
    text.remove_prefix(length + 1);
  }
  out.append(text);
  if (end == string_end::marked) out.append("\x00\x01", 2);
}

// What `descending` does to the bytes of what it holds, from `begin` on.
inline void complement(byte_string& out, std::size_t begin) noexcept {
  for (std::size_t i = begin; i < out.size(); ++i) out[i] = static_cast<char>(~out[i]);
}

// Reads what the functions above wrote and accepts nothing else: every key has one encoding, and a read past the end
// or of other bytes fails, with everything after it. The last field of a caller may therefore check for all.
class ordered_reader {
 public:
  explicit ordered_reader(bytes_view input) noexcept : at_(input.data()), end_(input.data() + input.size()) {}

  // All was read and nothing failed.
  [[nodiscard]] bool complete() const noexcept { return !failed_ && at_ == end_; }
  [[nodiscard]] bool ok() const noexcept { return !failed_; }
  void fail() noexcept {
    failed_ = true;
    at_ = end_;
  }

  // From here on bytes are complements, or no longer are.
  void turn() noexcept { mask_ = static_cast<unsigned char>(~mask_); }

  template <typename Unsigned>
  [[nodiscard]] Unsigned big_endian() noexcept {
    if (remaining() < sizeof(Unsigned)) return fail(), Unsigned{0};
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) value = value << 8 | next();
    return static_cast<Unsigned>(value);
  }

  template <typename Integer>
  [[nodiscard]] Integer integer() noexcept {
    using bits = unsigned_of_size<sizeof(Integer)>;
    const bits flip = std::is_signed_v<Integer> ? sign_bit<bits> : bits{0};
    return static_cast<Integer>(static_cast<bits>(big_endian<bits>() ^ flip));
  }

  template <typename Float>
  [[nodiscard]] Float floating() noexcept {
    using bits = unsigned_of_size<sizeof(Float)>;
    const bits image = big_endian<bits>();
    const bool negative = (image & sign_bit<bits>) == 0;
    const bits plain = negative ? static_cast<bits>(~image) : static_cast<bits>(image ^ sign_bit<bits>);
    const auto value = std::bit_cast<Float>(plain);
    if (value != value || (negative && value == Float{0})) return fail(), Float{0};
    return value;
  }

  // A byte of at most `limit`.
  [[nodiscard]] unsigned char byte_up_to(unsigned char limit) noexcept {
    const auto value = big_endian<std::uint8_t>();
    if (value > limit) return fail(), static_cast<unsigned char>(0);
    return value;
  }

  // `length` bytes as they are.
  void copy(char* to, std::size_t length) noexcept {
    if (length > remaining()) return fail();
    for (std::size_t i = 0; i < length; ++i) to[i] = static_cast<char>(next());
  }

  // A string into `into`, whose memory is used again.
  void text(byte_string& into, string_end end) {
    into.clear();
    while (!failed_) {
      const void* zero = remaining() == 0 ? nullptr : std::memchr(at_, mask_, remaining());
      const char* const stop = zero == nullptr ? end_ : static_cast<const char*>(zero);
      append(into, stop);
      if (zero == nullptr) {
        if (end == string_end::marked) fail();
        return;
      }
      if (remaining() < 2) return fail();
      ++at_;
      const unsigned char after = next();
      if (after == 0x01 && end == string_end::marked) return;
      if (after != 0xFF) return fail();
      into.push_back('\0');
    }
  }

 private:
  [[nodiscard]] std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  unsigned char next() noexcept { return static_cast<unsigned char>(static_cast<unsigned char>(*at_++) ^ mask_); }

  void append(byte_string& into, const char* stop) {
    const std::size_t begin = into.size();
    into.append(at_, static_cast<std::size_t>(stop - at_));
    if (mask_ != 0) complement(into, begin);
    at_ = stop;
  }

  const char* at_;
  const char* end_;
  unsigned char mask_ = 0;
  bool failed_ = false;
};

}  // namespace strata::inline STRATA_ABI::detail

#endif
