// How any block of a table lies in its file, and in memory once it was read.
//
//     +----------------- - - ------------------+----------------+-----------+
//     | payload                                | compression u8 | crc32c u32|
//     +----------------- - - ------------------+----------------+-----------+
//     payload, compression 0:  the block
//     payload, others:         varint length of the block · compressed bytes
//
// The checksum covers the payload and the compression, and before them, though they are not stored here, the store id,
// the table's number and the block's offset: a block that was moved, or is of another table, does not pass.
//
// In memory a block has its length before it and `block_padding_bytes` readable bytes behind it, so that readers may
// load whole words.
//
// Thread safety: as values.
#ifndef STRATA_SSTABLE_STORED_BLOCK_HPP
#define STRATA_SSTABLE_STORED_BLOCK_HPP

#include <memory>

#include <strata/core/checksum.hpp>
#include <strata/core/coding.hpp>
#include <strata/core/entry.hpp>
#include <strata/core/result.hpp>
#include <strata/sstable/compression.hpp>

namespace strata::inline STRATA_ABI::sstable {

// Frozen: on disk.
inline constexpr std::size_t block_trailer_bytes = sizeof(std::uint8_t) + sizeof(std::uint32_t);

inline constexpr std::size_t block_target_bytes_min = 1024;
inline constexpr std::size_t block_target_bytes_max = 32 * 1024;

// What a data block can be at most: the target, one entry that passes it, and what stands around them.
inline constexpr std::uint64_t block_bytes_max =
    8 * block_target_bytes_max + 2 * internal_key_bytes_max + value_bytes_max;

inline constexpr std::size_t block_padding_bytes = 16;

// Where a block belongs.
struct block_place {
  std::uint64_t store_id = 0;
  std::uint64_t table = 0;   // its number
  std::uint64_t offset = 0;  // in the file
};

// Of a payload with its compression id behind it.
[[nodiscard]] inline std::uint32_t block_checksum(bytes_view payload_and_id, const block_place& place) noexcept {
  char context[3 * sizeof(std::uint64_t)];
  store_fixed(context, place.store_id);
  store_fixed(context + 8, place.table);
  store_fixed(context + 16, place.offset);
  return crc32c(payload_and_id, crc32c(bytes_view(context, sizeof context)));
}

// Ends the block whose payload is all of `out` from `begin` on.
inline void append_block_trailer(byte_string& out, std::size_t begin, std::uint8_t compression,
                                 const block_place& place) {
  out.push_back(static_cast<char>(compression));
  append_fixed(out, block_checksum(bytes_view(out).substr(begin), place));
}

struct stored_payload {
  bytes_view bytes;
  std::uint8_t compression = 0;
};

// The payload of a stored block, or why there is none: a corruption with the offset, without a file.
[[nodiscard]] inline result<stored_payload> open_stored_block(bytes_view stored, const block_place& place) noexcept {
  if (stored.size() < block_trailer_bytes)
    return error(errc::corruption, "read block", "shorter than its checksum").at_offset(place.offset);
  const bytes_view covered = stored.substr(0, stored.size() - sizeof(std::uint32_t));
  if (load_fixed<std::uint32_t>(stored.data() + covered.size()) != block_checksum(covered, place))
    return error(errc::corruption, "read block", "checksum mismatch").at_offset(place.offset);
  return stored_payload{covered.substr(0, covered.size() - 1), static_cast<std::uint8_t>(covered.back())};
}

// A block in memory. Movable; empty by default.
class block_buffer {
 public:
  block_buffer() = default;

  // Room for a block of `capacity` bytes. errc: out_of_memory.
  [[nodiscard]] static result<block_buffer> allocate(std::uint64_t capacity) {
    block_buffer made;
    STRATA_TRY_BLOCK {
      made.memory_ = std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(capacity) + overhead_bytes);
    }
    STRATA_CATCH(const std::bad_alloc&) { return error(errc::out_of_memory, "read block", "no memory for a block"); }
    return made;
  }

  [[nodiscard]] explicit operator bool() const noexcept { return memory_ != nullptr; }
  [[nodiscard]] char* data() noexcept { return memory_.get() + length_bytes; }

  // Says how much of the room is the block. Requires: length ≤ capacity.
  void set_length(std::uint64_t length) noexcept {
    store_fixed(memory_.get(), length);
    std::memset(data() + length, 0, block_padding_bytes);
  }

  // Requires: set_length was called.
  [[nodiscard]] bytes_view bytes() const noexcept { return bytes_at(memory_.get()); }

  // For the cache, which keeps one pointer a block: of the memory, and back.
  [[nodiscard]] const char* address() const noexcept { return memory_.get(); }
  [[nodiscard]] static bytes_view bytes_at(const char* address) noexcept {
    return {address + length_bytes, static_cast<std::size_t>(load_fixed<std::uint64_t>(address))};
  }

  static constexpr std::size_t length_bytes = sizeof(std::uint64_t);
  static constexpr std::size_t overhead_bytes = length_bytes + block_padding_bytes;

 private:
  std::unique_ptr<char[]> memory_;
};

// The block that a compressed payload holds. errc: corruption, unsupported, out_of_memory; without a file.
template <typename Compression>
[[nodiscard]] result<block_buffer> decompress_block(const stored_payload& payload, std::uint64_t offset) {
  if (payload.compression != Compression::id) {
    const char* reason = payload.compression == 1 ? "compressed with zstd: add compression::zstd to the block_table"
                                                  : "compressed with a method that this block_table has not";
    return error(errc::unsupported, "read block", reason).at_offset(offset);
  }
  byte_reader reader(payload.bytes);
  const std::uint64_t length = reader.varint();
  if (!reader.ok() || length > block_bytes_max || length <= payload.bytes.size())
    return error(errc::corruption, "read block", "impossible length of a compressed block").at_offset(offset);
  if constexpr (requires { Compression::can_hold(reader.rest(), length); }) {
    if (!Compression::can_hold(reader.rest(), length))
      return error(errc::corruption, "read block", "a compressed block holds another length than it says").at_offset(offset);
  }
  STRATA_TRY_LET(block, block_buffer::allocate(length));
  switch (Compression::decompress(reader.rest(), block.data(), static_cast<std::size_t>(length))) {
    case compression::outcome::done:
      break;
    case compression::outcome::damaged:
      return error(errc::corruption, "read block", "a compressed block is damaged").at_offset(offset);
    case compression::outcome::out_of_memory:
      return error(errc::out_of_memory, "read block", "no memory to decompress a block").at_offset(offset);
  }
  block.set_length(length);
  return std::move(block);
}

// Exactly `length` bytes of a file. errc: what the environment gives; corruption where the file ends before.
template <typename File>
[[nodiscard]] result<void> read_exactly(const File& file, bytes_view path, std::uint64_t offset, char* to,
                                        std::uint64_t length) {
  STRATA_TRY_LET(count, file.read(offset, to, static_cast<std::size_t>(length)));
  if (count != length)
    return error(errc::corruption, "read table", "the file ends too early").in_file(path).at_offset(offset);
  return {};
}

}  // namespace strata::inline STRATA_ABI::sstable

#endif
