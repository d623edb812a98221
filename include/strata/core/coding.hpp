// Integers as bytes on disk: little-endian, written byte by byte, and variable-length integers (LEB128, at most ten
// bytes). The only header of the library that looks at memory as another type.
//
// Frozen: every file format is built on these.
#ifndef STRATA_CORE_CODING_HPP
#define STRATA_CORE_CODING_HPP

#include <bit>
#include <concepts>
#include <cstring>

#include <strata/core/bytes.hpp>

namespace strata::inline STRATA_ABI {

template <std::unsigned_integral Integer>
STRATA_ALWAYS_INLINE void store_fixed(char* to, Integer value) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(to, &value, sizeof value);
  } else {
    for (std::size_t i = 0; i < sizeof value; ++i) to[i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  }
}

template <std::unsigned_integral Integer>
[[nodiscard]] STRATA_ALWAYS_INLINE Integer load_fixed(const char* from) noexcept {
  Integer value = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&value, from, sizeof value);
  } else {
    for (std::size_t i = 0; i < sizeof value; ++i)
      value = static_cast<Integer>(value | (static_cast<Integer>(static_cast<unsigned char>(from[i])) << (8 * i)));
  }
  return value;
}

template <std::unsigned_integral Integer>
void append_fixed(byte_string& out, Integer value) {
  char buffer[sizeof value];
  store_fixed(buffer, value);
  out.append(buffer, sizeof value);
}

// The most bytes that a variable-length integer takes.
inline constexpr std::size_t varint_bytes_max = 10;

// Writes `value` and returns the byte after it. Requires: `varint_bytes_max` bytes of room.
inline char* store_varint(char* to, std::uint64_t value) noexcept {
  while (value >= 0x80) {
    *to++ = static_cast<char>(static_cast<unsigned char>(value | 0x80));
    value >>= 7;
  }
  *to++ = static_cast<char>(static_cast<unsigned char>(value));
  return to;
}

inline void append_varint(byte_string& out, std::uint64_t value) {
  if (value < 0x80) [[likely]]
    return out.push_back(static_cast<char>(value));
  char buffer[varint_bytes_max];
  out.append(buffer, static_cast<std::size_t>(store_varint(buffer, value) - buffer));
}

// The number of bytes that `append_varint` writes.
[[nodiscard]] constexpr std::size_t varint_length(std::uint64_t value) noexcept {
  std::size_t length = 1;
  for (; value >= 0x80; value >>= 7) ++length;
  return length;
}

// A length as a varint, then the bytes.
inline void append_sized(byte_string& out, bytes_view bytes) {
  append_varint(out, bytes.size());
  out.append(bytes);
}

// Reads what the functions above wrote, and never past the end: a read that does not fit fails, and so does every read
// after it. The last field of a caller may therefore check for all.
//
// Thread safety: one thread. Views that it returns point into the input.
class byte_reader {
 public:
  explicit byte_reader(bytes_view input) noexcept : at_(input.data()), end_(input.data() + input.size()), begin_(at_) {}

  // False once a read did not fit.
  [[nodiscard]] bool ok() const noexcept { return !failed_; }
  // True when all was read and nothing failed: what a parser asks last.
  [[nodiscard]] bool complete() const noexcept { return !failed_ && at_ == end_; }
  [[nodiscard]] std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] std::size_t position() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] bytes_view rest() const noexcept { return {at_, remaining()}; }

  template <std::unsigned_integral Integer>
  [[nodiscard]] Integer fixed() noexcept {
    if (remaining() < sizeof(Integer)) return fail(), Integer{0};
    const Integer value = load_fixed<Integer>(at_);
    at_ += sizeof(Integer);
    return value;
  }

  // Over-long forms (a last byte of zero after others) fail too: each number has one encoding.
  [[nodiscard]] std::uint64_t varint() noexcept {
    if (at_ != end_ && (static_cast<unsigned char>(*at_) & 0x80) == 0) [[likely]]
      return static_cast<unsigned char>(*at_++);
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at_++);
      if (shift == 63 && byte > 1) break;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) {
        if (byte == 0 && shift != 0) break;
        return value;
      }
    }
    return fail(), 0;
  }

  [[nodiscard]] bytes_view bytes(std::uint64_t length) noexcept {
    if (length > remaining()) return fail(), bytes_view();
    const bytes_view view(at_, static_cast<std::size_t>(length));
    at_ += length;
    return view;
  }

  // What `append_sized` wrote.
  [[nodiscard]] bytes_view sized() noexcept { return bytes(varint()); }

  void fail() noexcept {
    failed_ = true;
    at_ = end_;
  }

 private:
  const char* at_;
  const char* end_;
  const char* begin_;
  bool failed_ = false;
};

}  // namespace strata::inline STRATA_ABI

#endif
