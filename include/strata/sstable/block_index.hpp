// The index: which data block may hold a key. One block of the file, wholly in memory while the table is open.
//
// Between two data blocks stands a separator: a key not below the last before it and below the first behind it, as
// short as can be. Where the versions of one key go on in the next block, the separator is that key with the sequence
// of the last version before it; everywhere else its sequence is 0. So block i is the only one that can hold the newest
// version of `key` at `at`, where i is the first block whose separator is not before (key, at) in the order of
// core/entry.hpp.
//
//     +------------+----------+----------------------+--------+
//     | blocks u32 | flags u8 | varint prefix length | prefix |    flags bit 0: sequences are there
//     +------------+----------+----------------------+--------+
//     | blocks × varint: length of the separator behind the prefix, which all separators have
//     | blocks × varint: bytes of the data block as stored; they lie one behind the other
//     | blocks × varint: sequence of the separator (if flagged)
//     | the separators behind the prefix, one behind the other
//     +-------------------------------------------------------
//
// Frozen: on disk. In memory each separator has a head, its first eight bytes behind the prefix as a big-endian number:
// the search runs over the heads without a branch and compares whole separators only where heads are equal.
//
// Thread safety: a writer belongs to one thread; an index is not changed after load().
#ifndef STRATA_SSTABLE_BLOCK_INDEX_HPP
#define STRATA_SSTABLE_BLOCK_INDEX_HPP

#include <strata/core/coding.hpp>
#include <strata/core/dynamic_array.hpp>
#include <strata/sstable/stored_block.hpp>

namespace strata::inline STRATA_ABI::sstable {

// A key s with last ≤ s < next, as short as can be had without thought. Requires: last < next.
[[nodiscard]] inline bytes_view shortest_separator(bytes_view last, bytes_view next) noexcept {
  const std::size_t common = common_prefix_length(last, next);
  if (common < last.size() && common + 1 < next.size()) return next.substr(0, common + 1);
  return last;
}

// Collects separators and writes the index block.
class index_writer {
 public:
  // The next data block has `stored_bytes` in the file and ends at the separator.
  void add(bytes_view separator, sequence_number sequence, std::uint64_t stored_bytes) {
    prefix_ = lengths_.empty() ? separator.size()
                               : common_prefix_length(bytes_view(separators_).substr(0, prefix_), separator);
    separators_.append(separator);
    lengths_.push_back(static_cast<std::uint32_t>(separator.size()));
    stored_bytes_.push_back(stored_bytes);
    sequences_.push_back(sequence);
    has_sequences_ = has_sequences_ || sequence != 0;
  }

  [[nodiscard]] std::size_t blocks() const noexcept { return lengths_.size(); }
  // About what append_to() would append.
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return separators_.size() - prefix_ * lengths_.size() + 4 * lengths_.size() + 16;
  }

  void append_to(byte_string& out) const {
    append_fixed(out, static_cast<std::uint32_t>(blocks()));
    out.push_back(has_sequences_ ? 1 : 0);
    append_sized(out, bytes_view(separators_).substr(0, prefix_));
    for (const std::uint32_t length : lengths_) append_varint(out, length - prefix_);
    for (const std::uint64_t bytes : stored_bytes_) append_varint(out, bytes);
    if (has_sequences_)
      for (const sequence_number sequence : sequences_) append_varint(out, sequence);
    std::size_t at = 0;
    for (const std::uint32_t length : lengths_) {
      out.append(bytes_view(separators_).substr(at + prefix_, length - prefix_));
      at += length;
    }
  }

 private:
  byte_string separators_;
  dynamic_array<std::uint32_t> lengths_;
  dynamic_array<std::uint64_t> stored_bytes_;
  dynamic_array<sequence_number> sequences_;
  std::size_t prefix_ = 0;
  bool has_sequences_ = false;
};

class block_index {
 public:
  // Takes an index block apart. Its data blocks lie from `begin` to `end` of the file. Returns what is wrong with it,
  // or null. Cost: a pass over the block, some nanoseconds a data block.
  [[nodiscard]] const char* load(bytes_view payload, std::uint64_t begin, std::uint64_t end);

  [[nodiscard]] std::size_t blocks() const noexcept { return heads_.size(); }
  [[nodiscard]] std::uint64_t offset(std::size_t block) const noexcept { return offsets_[block]; }
  [[nodiscard]] std::uint64_t stored_bytes(std::size_t block) const noexcept {
    return offsets_[block + 1] - offsets_[block];
  }
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept {
    return separators_.capacity() + prefix_.capacity() +
           8 * (heads_.capacity() + offsets_.capacity() + sequences_.capacity()) + 4 * positions_.capacity();
  }

  // The first block whose separator is not before (key, at), or blocks(). O(log blocks).
  [[nodiscard]] std::size_t find(bytes_view key, sequence_number at) const noexcept {
    const std::size_t blocks = heads_.size();
    const int order = key.substr(0, (std::min)(key.size(), prefix_.size())).compare(prefix_);
    if (order != 0) return order < 0 ? 0 : blocks;
    const bytes_view rest = key.substr(prefix_.size());
    const std::uint64_t head = head_of(rest);
    std::size_t low = first_head_not_below(head, 0, blocks);
    if (low == blocks || heads_[low] != head) return low;
    std::size_t high = head == ~std::uint64_t{0} ? blocks : first_head_not_below(head + 1, low, blocks - low);
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (compare_versions(separator_rest(middle), separator_sequence(middle), rest, at) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  // Negative, zero, positive: whether the separator of `block` stands before, at, after (key, sequence).
  [[nodiscard]] int compare_separator(std::size_t block, bytes_view key, sequence_number sequence) const noexcept {
    const int order = bytes_view(prefix_).compare(key.substr(0, (std::min)(key.size(), prefix_.size())));
    if (order != 0) return order;
    return compare_versions(separator_rest(block), separator_sequence(block), key.substr(prefix_.size()), sequence);
  }

 private:
  [[nodiscard]] static std::uint64_t head_of(bytes_view bytes) noexcept {
    char head[8] = {};
    if (bytes.size() >= sizeof head) [[likely]] {
      std::memcpy(head, bytes.data(), sizeof head);
    } else {
      for (std::size_t i = 0; i < bytes.size(); ++i) head[i] = bytes[i];
    }
    return __builtin_bswap64(load_fixed<std::uint64_t>(head));
  }

  [[nodiscard]] std::size_t first_head_not_below(std::uint64_t head, std::size_t from,
                                                 std::size_t count) const noexcept {
    const std::uint64_t* base = heads_.data() + from;
    while (count > 1) {
      const std::size_t half = count / 2;
      base += base[half - 1] < head ? half : 0;
      count -= half;
    }
    return static_cast<std::size_t>(base - heads_.data()) + (count == 1 && *base < head ? 1 : 0);
  }

  [[nodiscard]] bytes_view separator_rest(std::size_t block) const noexcept {
    return bytes_view(separators_).substr(positions_[block], positions_[block + 1] - positions_[block]);
  }
  [[nodiscard]] sequence_number separator_sequence(std::size_t block) const noexcept {
    return sequences_.empty() ? 0 : sequences_[block];
  }

  [[nodiscard]] const char* load_separators(byte_reader& reader);
  [[nodiscard]] bool in_order() const noexcept;

  byte_string prefix_;
  byte_string separators_;  // without the prefix
  dynamic_array<std::uint64_t> heads_;
  dynamic_array<std::uint32_t> positions_;    // in separators_, one more than there are
  dynamic_array<std::uint64_t> offsets_;      // of the data blocks in the file, one more than there are
  dynamic_array<sequence_number> sequences_;  // empty where all are 0
};

inline const char* block_index::load(bytes_view payload, std::uint64_t begin, std::uint64_t end) {
  byte_reader reader(payload);
  const std::size_t blocks = reader.fixed<std::uint32_t>();
  const auto flags = reader.fixed<std::uint8_t>();
  const bytes_view prefix = reader.sized();
  if (!reader.ok() || flags > 1 || blocks > reader.remaining() / 2 || prefix.size() > internal_key_bytes_max)
    return "the head of the index is damaged";
  prefix_ = prefix;
  positions_.reserve(blocks + 1);
  positions_.push_back(0);
  std::uint64_t position = 0;
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::uint64_t length = reader.varint();
    if (length > internal_key_bytes_max || (position += length) > payload.size() || position > 0xFFFFFFFF)
      return "a separator of the index is too long";
    positions_.push_back(static_cast<std::uint32_t>(position));
  }
  offsets_.reserve(blocks + 1);
  offsets_.push_back(begin);
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::uint64_t bytes = reader.varint();
    if (bytes < block_trailer_bytes || bytes > end - begin) return "the index names a block outside the file";
    offsets_.push_back(begin += bytes);
  }
  if (begin != end) return "the blocks of the index do not fill the file";
  if (flags != 0) {
    sequences_.reserve(blocks);
    for (std::size_t i = 0; i < blocks; ++i) sequences_.push_back(reader.varint());
  }
  return load_separators(reader);
}

inline const char* block_index::load_separators(byte_reader& reader) {
  const bytes_view separators = reader.bytes(positions_.back());
  if (!reader.complete()) return "the index has another length than its parts";
  separators_ = separators;
  heads_.reserve(positions_.size() - 1);
  for (std::size_t i = 0; i + 1 < positions_.size(); ++i) heads_.push_back(head_of(separator_rest(i)));
  return in_order() ? nullptr : "the separators of the index are out of order";
}

inline bool block_index::in_order() const noexcept {
  for (std::size_t i = 0; i + 1 < heads_.size(); ++i) {
    if (heads_[i] < heads_[i + 1]) continue;
    if (heads_[i] > heads_[i + 1] || compare_versions(separator_rest(i), separator_sequence(i), separator_rest(i + 1),
                                                      separator_sequence(i + 1)) >= 0)
      return false;
  }
  return true;
}

}  // namespace strata::inline STRATA_ABI::sstable

#endif
