// What a block table is made of: the parts that a user names in any order, and the part that leaves blocks as they are.
//
// A compression `C` is a tag with
//   using sstable_part = sstable::part::compression;
//   static constexpr std::uint8_t id;       frozen, on disk behind each block: 0 none, 1 zstd; others are to come
//   static constexpr const char* name;      for messages
//   C::compressor c; c.compress(in, out) → bool     appends `in` compressed to `byte_string& out`; false: not done, and
//                                                   the block is stored as it is. One thread
//   C::decompress(in, to, length) → outcome         writes exactly `length` bytes to `char* to`; damaged where `in` is,
//                                                   or holds another length. Any thread
//   C::can_hold(in, length) → bool                  may be missing: false where `in` shows without being decompressed that
//                                                   it does not hold `length` bytes. Asked before there is memory for
//                                                   them, so that what a damaged block claims costs none. Any thread
#ifndef STRATA_SSTABLE_COMPRESSION_HPP
#define STRATA_SSTABLE_COMPRESSION_HPP

#include <cstdint>

#include <strata/core/bytes.hpp>

namespace strata::inline STRATA_ABI {

namespace sstable::part {
// The sorts of parts that a block table takes, at most one of each.
struct filter {};
struct compression {};
struct access {};
}  // namespace sstable::part

namespace access {
// Blocks are read by positional reads and kept in the shared cache; an I/O error comes back as an error. The default.
struct cached {
  using sstable_part = sstable::part::access;
};
}  // namespace access

namespace compression {

// How a decompression went.
enum class outcome : std::uint8_t { done, damaged, out_of_memory };

// Blocks are stored as they are. The default: the least work for a get and a scan.
struct none {
  using sstable_part = sstable::part::compression;
  static constexpr std::uint8_t id = 0;
  static constexpr const char* name = "none";

  struct compressor {
    [[nodiscard]] bool compress(bytes_view, byte_string&) noexcept { return false; }
  };
  [[nodiscard]] static outcome decompress(bytes_view, char*, std::size_t) noexcept { return outcome::damaged; }
};

}  // namespace compression

}  // namespace strata::inline STRATA_ABI

#endif
