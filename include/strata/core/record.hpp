// The bytes of a record file: a header, then records, each checksummed and chained to the one before it. Logs of
// commits and of manifest edits are made of it. Pure: bytes in, bytes out; environment/record_file.hpp reads and writes
// files.
//
// Thread safety: pure functions.
//
// What the bytes of a record prove, and which field proves it:
//
//  1. This record was written here, whole: `check` covers its header and is seeded with the file's kind, version, store
//     and number and with the record's own offset. Bytes of another file, or of another place in this one, never pass.
//  2. Its payload is what was written: `check` covers the payload's checksum, which covers payload and padding.
//  3. It follows the record that stands before it: `previous` is that one's `check` (the first record: the checksum of
//     the file header, which holds a random salt). So an old record that comes back behind a newer one is noticed, be
//     it from before a cut or in an old version of a sector.
//  4. What was durable before it was written: `behind` leads back to the offset up to which a sync had then succeeded.
//     Damage below an offset that an intact record promises is corruption; damage above every promise is a torn tail.
//
// `check` needs the header alone. To decide 4 therefore costs the same for every aligned position behind the damage,
// whatever bytes a stranger had put into payloads.
#ifndef STRATA_CORE_RECORD_HPP
#define STRATA_CORE_RECORD_HPP

#include <strata/core/checksum.hpp>
#include <strata/core/coding.hpp>
#include <strata/core/error.hpp>

namespace strata::inline STRATA_ABI {

// The file header. Frozen: on disk, in every version.
//
//     0   magic               8 bytes: which kind of file
//     8   format version      u32
//     12  checksum            u32, crc32c of bytes 0 to 11 and 16 to 39
//     16  store id            u64
//     24  file number         u64
//     32  salt                u64, random for every header written
//
inline constexpr std::size_t record_magic_bytes = 8;
inline constexpr std::size_t record_file_header_bytes = 40;
inline constexpr std::uint32_t record_format_version = 1;

// A record. Frozen: on disk.
//
//     0   check               u32, crc32c of the record's offset (u64) and of bytes 4 to 19, begun with the file's seed
//     4   payload length      u32
//     8   behind and type     u32: bits 0 to 1 the type; bits 2 to 31 the distance from the promised offset to this
//                             record, in units of 8 bytes, all ones where it is too far: then nothing is promised
//     12  previous            u32, `check` of the record before; of the first record the checksum of the file header
//     16  payload checksum    u32, crc32c of payload and padding
//     20  payload             then zeros to a multiple of 8
//
// Every record begins at a multiple of 8, the first behind the file header. Four bytes of padding on average, and
// twenty of header, buy the search of invariant 4: one position in eight is tried, each in constant time.
inline constexpr std::size_t record_header_bytes = 20;
inline constexpr std::size_t record_alignment = 8;
inline constexpr std::uint64_t record_payload_bytes_max = (std::uint64_t{1} << 31) + (std::uint64_t{64} << 10);
inline constexpr std::uint32_t record_behind_max = (std::uint32_t{1} << 30) - 1;

// Frozen: on disk. Two bits; zero is no record, so that a zeroed stretch is none.
enum class record_type : std::uint8_t {
  payload = 1,
  seal = 2,     // no payload: the file is complete, nothing follows
  promise = 3,  // no payload: says that everything before it is durable; ends a file that may be reopened
};

// Where the records of a file end, and what reopening it needs.
struct record_tail {
  std::uint64_t end = 0;  // where the next record goes: behind the last intact one, or over it where that is a promise (0:
                          // not even the header is there)
  std::uint64_t file_bytes = 0;
  std::uint64_t promised = 0;  // some record says that the bytes before this offset are durable
  std::uint32_t chain = 0;     // for the writer alone: what the next record is chained to
  bool settled = true;         // no record with a payload stands behind `promised`
  bool ends_in_promise = false;  // the last intact record is a promise
  bool sealed = false;         // complete: ended by seal()
  bool torn = false;           // bytes that are neither records nor zeros lie behind `end`
};

// Whose file it is; all of it goes into the seed of every record.
struct record_file_identity {
  bytes_view magic;  // eight bytes
  std::uint64_t store_id = 0;
  std::uint64_t number = 0;
};

// The bytes that a record with this payload length takes in the file, padding included.
[[nodiscard]] constexpr std::uint64_t record_bytes(std::uint64_t payload_length) noexcept {
  return (record_header_bytes + payload_length + (record_alignment - 1)) & ~std::uint64_t{record_alignment - 1};
}

// What the checksums of all records of a file begin with.
[[nodiscard]] STRATA_COLD inline std::uint32_t record_file_seed(const record_file_identity& identity) noexcept {
  char bytes[28];
  std::memcpy(bytes, identity.magic.data(), record_magic_bytes);
  store_fixed(bytes + 8, record_format_version);
  store_fixed(bytes + 12, identity.store_id);
  store_fixed(bytes + 20, identity.number);
  return crc32c(bytes_view(bytes, sizeof bytes));
}

// What stands in the `checksum` field of the file header at `header`.
[[nodiscard]] STRATA_COLD inline std::uint32_t record_file_header_checksum(const char* header) noexcept {
  return crc32c(bytes_view(header + 16, record_file_header_bytes - 16), crc32c(bytes_view(header, 12)));
}

// Writes the file header into `to`, which has room for it, and returns what the first record is chained to.
// Requires: a magic of eight bytes.
STRATA_COLD inline std::uint32_t store_record_file_header(char* to, const record_file_identity& identity,
                                              std::uint64_t salt) noexcept {
  STRATA_ASSERT(identity.magic.size() == record_magic_bytes);
  std::memcpy(to, identity.magic.data(), record_magic_bytes);
  store_fixed(to + 8, record_format_version);
  store_fixed(to + 16, identity.store_id);
  store_fixed(to + 24, identity.number);
  store_fixed(to + 32, salt);
  const std::uint32_t checksum = record_file_header_checksum(to);
  store_fixed(to + 12, checksum);
  return checksum;
}

// What the first bytes of a file are.
enum class record_file_header_state : std::uint8_t {
  intact,         // this file's header
  damaged,        // no header: the checksum is wrong
  other_kind,     // an intact header with another magic
  later_version,  // an intact header of a format that this library does not read
  other_file,     // an intact header of another store or another number
};

// Looks at the `record_file_header_bytes` bytes at `header`.
[[nodiscard]] STRATA_COLD inline record_file_header_state inspect_record_file_header(
    const char* header, const record_file_identity& identity) noexcept {
  if (load_fixed<std::uint32_t>(header + 12) != record_file_header_checksum(header))
    return record_file_header_state::damaged;
  if (bytes_view(header, record_magic_bytes) != identity.magic) return record_file_header_state::other_kind;
  if (load_fixed<std::uint32_t>(header + 8) != record_format_version) return record_file_header_state::later_version;
  if (load_fixed<std::uint64_t>(header + 16) != identity.store_id ||
      load_fixed<std::uint64_t>(header + 24) != identity.number)
    return record_file_header_state::other_file;
  return record_file_header_state::intact;
}

// The fields of one record header.
struct record_header {
  std::uint32_t check = 0;
  std::uint32_t length = 0;    // of the payload
  std::uint64_t promised = 0;  // bytes before this offset were durable when the record was written
  std::uint32_t previous = 0;
  std::uint32_t payload_checksum = 0;
  record_type type = record_type::payload;
};

namespace detail {

[[nodiscard]] inline std::uint32_t record_check(const char* header, std::uint64_t offset, std::uint32_t seed) noexcept {
  char place[8];
  store_fixed(place, offset);
  return crc32c(bytes_view(header + 4, record_header_bytes - 4), crc32c(bytes_view(place, sizeof place), seed));
}

}  // namespace detail

// Writes `header` (all but its `check`, which is computed) for the record at `offset` into `to`, and returns the check.
// Requires: `offset` a multiple of 8; `header.promised` one too and ≤ offset; a length within the limit.
inline std::uint32_t store_record_header(char* to, const record_header& header, std::uint64_t offset,
                                         std::uint32_t seed) noexcept {
  STRATA_ASSERT(offset % record_alignment == 0 && header.promised % record_alignment == 0 && header.promised <= offset);
  STRATA_ASSERT(header.length <= record_payload_bytes_max);
  const std::uint64_t units = (offset - header.promised) / record_alignment;
  const std::uint32_t behind = units < record_behind_max ? static_cast<std::uint32_t>(units) : record_behind_max;
  store_fixed(to + 4, header.length);
  store_fixed(to + 8, (behind << 2) | static_cast<std::uint32_t>(header.type));
  store_fixed(to + 12, header.previous);
  store_fixed(to + 16, header.payload_checksum);
  const std::uint32_t check = detail::record_check(to, offset, seed);
  store_fixed(to, check);
  return check;
}

// Reads the `record_header_bytes` bytes at `from`, found at `offset`, into `out`: false where this file had no record
// there. When true every field is as it was written; whether the file is long enough for the payload, and whether the
// payload has its checksum, is the caller's to ask.
[[nodiscard]] inline bool load_record_header(const char* from, std::uint64_t offset, std::uint32_t seed,
                                             record_header& out) noexcept {
  const auto behind_and_type = load_fixed<std::uint32_t>(from + 8);
  const auto length = load_fixed<std::uint32_t>(from + 4);
  const std::uint32_t type = behind_and_type & 3;
  const std::uint32_t behind = behind_and_type >> 2;
  // Cheapest and most telling first: the search behind damage asks this of every eighth byte.
  if (type == 0 || (type == static_cast<std::uint32_t>(record_type::payload)) != (length != 0)) return false;
  if (length > record_payload_bytes_max) return false;
  const bool promises = behind != record_behind_max;
  if (promises && std::uint64_t{behind} * record_alignment > offset) return false;
  const auto check = load_fixed<std::uint32_t>(from);
  if (check != detail::record_check(from, offset, seed)) return false;
  out.check = check;
  out.length = length;
  out.promised = promises ? offset - std::uint64_t{behind} * record_alignment : 0;
  out.previous = load_fixed<std::uint32_t>(from + 12);
  out.payload_checksum = load_fixed<std::uint32_t>(from + 16);
  out.type = static_cast<record_type>(type);
  return true;
}

// Whether the header of some record of this file stands in `bytes`, found at `offset` (a multiple of 8), and promises
// more than the bytes before `bar`. Its payload may be damaged or missing: the header alone proves that a sync had
// succeeded. Tries each aligned position that has a whole header in `bytes`. Cost: a few ns a position, whatever the
// bytes are.
[[nodiscard]] inline bool holds_promise_above(std::uint64_t bar, bytes_view bytes, std::uint64_t offset,
                                              std::uint32_t seed) noexcept {
  STRATA_ASSERT(offset % record_alignment == 0);
  record_header header;
  for (std::size_t at = 0; at + record_header_bytes <= bytes.size(); at += record_alignment)
    if (load_record_header(bytes.data() + at, offset + at, seed, header) && header.promised > bar) return true;
  return false;
}

}  // namespace strata::inline STRATA_ABI

#endif
