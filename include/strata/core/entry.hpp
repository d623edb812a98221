// One version of one key: what memtables hold, tables store and cursors walk over.
//
// Order: keys ascending as unsigned bytes; of one key the highest sequence first. Within one source a (key, sequence)
// pair is unique, except in a memtable, where a commit may write a key twice: there the later insert comes first, and
// every reader takes the first it meets.
#ifndef STRATA_CORE_ENTRY_HPP
#define STRATA_CORE_ENTRY_HPP

#include <strata/core/bytes.hpp>

namespace strata::inline STRATA_ABI {

// The number of a commit: increasing, never reused, also not after recovery. 0 is before the first commit.
using sequence_number = std::uint64_t;

// Frozen: 56 bits, so that a kind fits beside it in eight bytes. A million commits a second last 2,283 years.
inline constexpr sequence_number sequence_max = (sequence_number{1} << 56) - 1;

// What an entry says of its key. Frozen: on disk.
enum class value_kind : std::uint8_t {
  value = 1,              // the value
  value_with_expiry = 2,  // eight bytes of expiry (µs since 1970, little-endian), then the value
  tombstone = 3,          // erased
  merge_operand = 4,      // reserved: to be folded into the version before
};

// Frozen limits, checked where bytes enter.
inline constexpr std::size_t key_bytes_max = 65'535;                        // a key as its primitive encodes it
inline constexpr std::size_t internal_key_bytes_max = key_bytes_max + 20;   // with run and collection before it
inline constexpr std::size_t value_bytes_max = std::size_t{1} << 30;        // 1 GiB
inline constexpr std::size_t commit_bytes_max = (std::size_t{1} << 31) - 1;  // 2 GiB

// Views into the source that the entry was read from; valid as long as the source says.
struct entry {
  bytes_view key;
  bytes_view value;
  sequence_number sequence = 0;
  value_kind kind = value_kind::value;
};

// Negative, zero, positive: whether (key, sequence) `a` stands before, at, after `b` in the order above.
[[nodiscard]] inline int compare_versions(bytes_view a_key, sequence_number a_sequence, bytes_view b_key,
                                          sequence_number b_sequence) noexcept {
  if (const int order = a_key.compare(b_key); order != 0) return order;
  return a_sequence > b_sequence ? -1 : a_sequence < b_sequence ? 1 : 0;
}

}  // namespace strata::inline STRATA_ABI

#endif
