// The data block: some entries in order, each one step away.
//
//     +-----------+----------+-------------------+-----------------+------------------+
//     | count u16 | flags u8 | sequence_width u8 | prefix_length u32| sequence_base u64|
//     +-----------+----------+-------------------+-----------------+------------------+
//     | tags      count × u8                    low byte of hash64(key)               |
//     | starts    count × u16                   of each entry, from the first         |
//     | sequences count × sequence_width bytes  above the base, little-endian         |
//     | kinds     count × u8                    if flags bit 0; else all are `value`  |
//     | prefix    prefix_length bytes           what all keys begin with              |
//     | entries   each: varint length of the suffix · suffix · value, to the next     |
//     |           entry's start or the end of the block                               |
//     +-------------------------------------------------------------------------------+
//
// Frozen: on disk. All but the last entry fit the block's target, so every start fits 16 bits however large a value is.
// Versions of one key are neighbours and have one tag; they may go on in the next block.
//
// A get compares 16 tags at once and then about 1.1 keys; entry i is found in one step.
//
// Thread safety: a writer belongs to one thread; a view is a value over bytes that nobody changes.
//
//   1. A view is made only over bytes that `block_view::find_flaw` passed: no look-up checks a length again.
//   2. The bytes of a view have `block_padding_bytes` readable bytes behind them: words are loaded whole.
#ifndef STRATA_SSTABLE_DATA_BLOCK_HPP
#define STRATA_SSTABLE_DATA_BLOCK_HPP

#include <bit>

#include <strata/core/dynamic_array.hpp>
#include <strata/sstable/stored_block.hpp>

namespace strata::inline STRATA_ABI::sstable {

// Frozen: on disk.
inline constexpr std::size_t data_block_header_bytes = 2 + 1 + 1 + 4 + 8;
inline constexpr std::uint8_t data_block_kinds_flag = 1;

// What a block remembers of a key's hash.
[[nodiscard]] inline std::uint8_t block_tag(std::uint64_t hash) noexcept { return static_cast<std::uint8_t>(hash); }

// Collects the entries of one block after the other. Memory: the block, and of its keys at most 16 times the target.
class block_writer {
 public:
  explicit block_writer(std::size_t target_bytes) : target_(target_bytes) {}

  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }

  // Takes an entry, or returns false where the block must be finished first (never when it is empty). The bytes of a
  // value of the target or more are not copied: such an entry ends the block, and finish() must come while they live.
  // Requires: in order.
  [[nodiscard]] bool add(const entry& added, std::uint8_t tag) {
    const std::size_t prefix =
        items_.empty() ? added.key.size() : common_prefix_length(bytes_view(raw_).substr(0, prefix_), added.key);
    const std::size_t longest = (std::max)(key_longest_, added.key.size());
    if (!items_.empty() &&
        (bytes_with(prefix, longest) >= target_ || raw_.size() >= 16 * target_ || tail_.data() != nullptr))
      return false;
    prefix_ = prefix;
    key_longest_ = longest;
    key_bytes_ += added.key.size();
    value_bytes_ += added.value.size();
    sequence_low_ = items_.empty() ? added.sequence : (std::min)(sequence_low_, added.sequence);
    sequence_high_ = items_.empty() ? added.sequence : (std::max)(sequence_high_, added.sequence);
    kinds_ = kinds_ || added.kind != value_kind::value;
    raw_.append(added.key);
    if (added.value.size() >= target_) {
      tail_ = added.value;
    } else {
      raw_.append(added.value);
    }
    items_.push_back({added.sequence, static_cast<std::uint32_t>(added.key.size()),
                      static_cast<std::uint32_t>(added.value.size()), static_cast<std::uint8_t>(added.kind), tag});
    return true;
  }

  // True when the last entry's value was not copied, and finish() must be next.
  [[nodiscard]] bool must_finish() const noexcept { return tail_.data() != nullptr; }

  // About what finish() would append.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return items_.empty() ? 0 : bytes_with(prefix_, key_longest_); }

  // Appends the block to `out` and is empty again. Requires: not empty.
  void finish(byte_string& out) {
    const std::size_t count = items_.size();
    const std::size_t width = sequence_width();
    const std::size_t entries_at = data_block_header_bytes + count * (3 + width + (kinds_ ? 1 : 0)) + prefix_;
    std::size_t length = entries_at;
    for (const item& one : items_) length += varint_length(one.key - prefix_) + one.key - prefix_ + one.value;
    const std::size_t begin = out.size();
    out.resize(begin + length + sizeof(std::uint64_t));  // sequences are written as whole words
    char* const block = out.data() + begin;
    store_fixed(block, static_cast<std::uint16_t>(count));
    block[2] = static_cast<char>(kinds_ ? data_block_kinds_flag : 0);
    block[3] = static_cast<char>(width);
    store_fixed(block + 4, static_cast<std::uint32_t>(prefix_));
    store_fixed(block + 8, sequence_low_);
    char* const tags = block + data_block_header_bytes;
    char* const starts = tags + count;
    char* const sequences = starts + 2 * count;
    for (std::size_t i = 0; i < count; ++i) {
      tags[i] = static_cast<char>(items_[i].tag);
      store_fixed(sequences + i * width, items_[i].sequence - sequence_low_);
    }
    char* at = sequences + count * width;
    if (kinds_)
      for (const item& one : items_) *at++ = static_cast<char>(one.kind);
    std::memcpy(at, raw_.data(), prefix_);
    write_entries(block + entries_at, starts);
    out.resize(begin + length);
    clear();
  }

 private:
  struct item {
    sequence_number sequence;
    std::uint32_t key;    // bytes
    std::uint32_t value;  // bytes
    std::uint8_t kind;
    std::uint8_t tag;
  };

  [[nodiscard]] std::size_t sequence_width() const noexcept {
    return (static_cast<std::size_t>(std::bit_width(sequence_high_ - sequence_low_)) + 7) / 8;
  }

  // Not less than the entries' part, and about the whole, were the prefix this long.
  [[nodiscard]] std::size_t bytes_with(std::size_t prefix, std::size_t key_longest) const noexcept {
    const std::size_t count = items_.size();
    const std::size_t length_bytes = key_longest - prefix < 0x80 ? 1 : 3;
    return data_block_header_bytes + prefix + key_bytes_ - count * prefix + value_bytes_ +
           count * (3 + length_bytes + sequence_width() + (kinds_ ? 1 : 0));
  }

  void write_entries(char* const entries, char* starts) const noexcept {
    char* at = entries;
    const char* from = raw_.data();
    for (const item& one : items_) {
      store_fixed(starts, static_cast<std::uint16_t>(at - entries));
      starts += sizeof(std::uint16_t);
      at = store_varint(at, one.key - prefix_);
      const bool tail = tail_.data() != nullptr && &one == &items_.back();
      const std::size_t suffix_and_value = one.key - prefix_ + (tail ? 0 : one.value);
      std::memcpy(at, from + prefix_, suffix_and_value);
      at += suffix_and_value;
      from += one.key + (tail ? 0 : one.value);
      if (tail) std::memcpy(at, tail_.data(), tail_.size());
    }
  }

  void clear() noexcept {
    items_.clear();
    raw_.clear();
    tail_ = {};
    prefix_ = key_longest_ = key_bytes_ = value_bytes_ = 0;
    kinds_ = false;
  }

  std::size_t target_;
  dynamic_array<item> items_;
  byte_string raw_;  // keys and values as they came
  bytes_view tail_;  // the last value where it was not copied
  std::size_t prefix_ = 0;
  std::size_t key_longest_ = 0;
  std::size_t key_bytes_ = 0;
  std::size_t value_bytes_ = 0;
  sequence_number sequence_low_ = 0;
  sequence_number sequence_high_ = 0;
  bool kinds_ = false;
};

// Reads a block. Views that it returns point into the block.
class block_view {
 public:
  block_view() = default;

  // Requires: find_flaw(block) is null.
  explicit block_view(bytes_view block) noexcept
      : tags_(block.data() + data_block_header_bytes),
        count_(load_fixed<std::uint16_t>(block.data())),
        prefix_length_(load_fixed<std::uint32_t>(block.data() + 4)),
        sequence_base_(load_fixed<std::uint64_t>(block.data() + 8)) {
    const auto width = static_cast<unsigned char>(block[3]);
    width_ = width;
    sequence_mask_ = width == 0 ? 0 : ~std::uint64_t{0} >> (64 - 8 * width);
    const char* const kinds = sequences() + static_cast<std::size_t>(count_) * width;
    const bool has_kinds = (block[2] & data_block_kinds_flag) != 0;
    kinds_ = has_kinds ? kinds : nullptr;
    prefix_ = kinds + (has_kinds ? count_ : 0);
    entries_ = prefix_ + prefix_length_;
    end_ = block.data() + block.size();
  }

  // What is wrong with the structure of a block, or null. Linear in the entries; order and tags are verify()'s
  // business. Requires: `block_padding_bytes` readable bytes behind it, as a view does.
  [[nodiscard]] static const char* find_flaw(bytes_view block) noexcept;

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] bytes_view prefix() const noexcept { return {prefix_, prefix_length_}; }
  [[nodiscard]] std::uint8_t tag(std::size_t i) const noexcept { return static_cast<std::uint8_t>(tags_[i]); }

  [[nodiscard]] sequence_number sequence(std::size_t i) const noexcept {
    return sequence_base_ + (load_fixed<std::uint64_t>(sequences() + i * width_) & sequence_mask_);
  }
  [[nodiscard]] value_kind kind(std::size_t i) const noexcept {
    return kinds_ == nullptr ? value_kind::value : static_cast<value_kind>(kinds_[i]);
  }
  // Of entry i: its key behind the prefix; its value stands between that and end_of(i).
  [[nodiscard]] STRATA_ALWAYS_INLINE bytes_view suffix(std::size_t i) const noexcept {
    const char* at = entries_ + start(i);
    std::size_t length = static_cast<unsigned char>(*at++);
    if (length >= 0x80) [[unlikely]]
      return long_suffix(at - 1);
    return {at, length};
  }
  // The same where its length takes one byte, else one of 128 or more bytes that are not to be read.
  [[nodiscard]] STRATA_ALWAYS_INLINE bytes_view short_suffix(std::size_t i) const noexcept {
    const char* const at = entries_ + start(i);
    return {at + 1, static_cast<unsigned char>(*at)};
  }
  [[nodiscard]] const char* end_of(std::size_t i) const noexcept {
    return i + 1 == count_ ? end_ : entries_ + start(i + 1);
  }
  [[nodiscard]] bytes_view value(std::size_t i) const noexcept {
    const bytes_view before = suffix(i);
    const char* const begin = before.data() + before.size();
    return {begin, static_cast<std::size_t>(end_of(i) - begin)};
  }

  // The newest version of `key` with sequence ≤ at in this block, or count().
  [[nodiscard]] std::size_t find(bytes_view key, std::uint8_t tag, sequence_number at) const noexcept {
    if (key.substr(0, (std::min)(key.size(), std::size_t{prefix_length_})) != prefix()) return count_;
    const bytes_view wanted = key.substr(prefix_length_);
    for (std::size_t group = 0; group < count_; group += tag_group) {
      for (std::uint32_t matches = matching_tags(group, tag); matches != 0; matches &= matches - 1) {
        const std::size_t i = group + static_cast<std::size_t>(std::countr_zero(matches));
        if (sequence(i) <= at && suffix(i) == wanted) return i;
      }
    }
    return count_;
  }

  // The first entry not before (key, sequence), or count(). O(log entries).
  [[nodiscard]] std::size_t lower_bound(bytes_view key, sequence_number at) const noexcept {
    const int order = key.substr(0, (std::min)(key.size(), std::size_t{prefix_length_})).compare(prefix());
    if (order != 0) return order < 0 ? 0 : count_;
    const bytes_view wanted = key.substr(prefix_length_);
    std::size_t low = 0, high = count_;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (compare_versions(suffix(middle), sequence(middle), wanted, at) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
  // The same, where the tags are those of the keys, which verify() sees. A key that is in the block is found by its tag, with
  // two cache misses in place of one a probe.
  [[nodiscard]] std::size_t seek(bytes_view key, std::uint8_t tag, sequence_number at) const noexcept {
    const std::size_t i = find(key, tag, at);
    return i != count_ ? i : lower_bound(key, at);
  }
  // Asks for the bytes of the entries from `i` on that a short walk reads.
  void prefetch(std::size_t i) const noexcept {
    constexpr std::size_t lines = 8;
    const char* const from = entries_ + start(i);
    for (std::size_t line = 1; line < lines; ++line) __builtin_prefetch(from + 64 * line);
  }

 private:
  static constexpr std::size_t tag_group = 16;

  [[nodiscard]] const char* sequences() const noexcept { return tags_ + std::size_t{count_} * 3; }
  [[nodiscard]] std::size_t start(std::size_t i) const noexcept {
    return load_fixed<std::uint16_t>(tags_ + count_ + 2 * i);
  }

  // From its length of two or three bytes on.
  [[nodiscard]] STRATA_NOINLINE static bytes_view long_suffix(const char* at) noexcept {
    std::size_t length = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at++);
      length |= static_cast<std::size_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return {at, length};
    }
  }

  // One bit for each of the 16 entries from `group` on whose tag is `tag`.
  [[nodiscard]] std::uint32_t matching_tags(std::size_t group, std::uint8_t tag) const noexcept {
    const char* const from = tags_ + group;
    const std::size_t rest = count_ - group;
    const std::uint32_t inside = rest >= tag_group ? 0xFFFF : (std::uint32_t{1} << rest) - 1;
#if defined(__SSE2__)
    using lanes [[gnu::vector_size(16)]] = char;
    lanes tags;
    std::memcpy(&tags, from, sizeof tags);
    const auto wanted = static_cast<char>(tag);
    const lanes all = {wanted, wanted, wanted, wanted, wanted, wanted, wanted, wanted,
                       wanted, wanted, wanted, wanted, wanted, wanted, wanted, wanted};
    return static_cast<std::uint32_t>(__builtin_ia32_pmovmskb128(tags == all)) & inside;
#else
    // A byte of `different` is zero where the tag is the same; adding 0x7F to its low bits carries into the top bit of
    // all others. The multiplication gathers the eight top bits.
    std::uint32_t matches = 0;
    for (std::size_t half = 0; half < 2; ++half) {
      constexpr std::uint64_t low_bits = 0x7F7F7F7F7F7F7F7F;
      const std::uint64_t different = load_fixed<std::uint64_t>(from + 8 * half) ^ (std::uint64_t{0x0101010101010101} * tag);
      const std::uint64_t same = ~(((different & low_bits) + low_bits) | different | low_bits);
      matches |= static_cast<std::uint32_t>(((same >> 7) * 0x0102040810204080) >> 56) << (8 * half);
    }
    return matches & inside;
#endif
  }

  const char* tags_ = nullptr;
  const char* kinds_ = nullptr;
  const char* prefix_ = nullptr;
  const char* entries_ = nullptr;
  const char* end_ = nullptr;
  std::uint32_t count_ = 0;
  std::uint32_t prefix_length_ = 0;
  std::uint32_t width_ = 0;
  sequence_number sequence_base_ = 0;
  std::uint64_t sequence_mask_ = 0;
};

inline const char* block_view::find_flaw(bytes_view block) noexcept {
  if (block.size() < data_block_header_bytes) return "a block is shorter than its header";
  const std::size_t count = load_fixed<std::uint16_t>(block.data());
  const auto flags = static_cast<unsigned char>(block[2]);
  const auto width = static_cast<unsigned char>(block[3]);
  const std::size_t prefix = load_fixed<std::uint32_t>(block.data() + 4);
  if (count == 0 || flags > data_block_kinds_flag || width > 8 || prefix > internal_key_bytes_max)
    return "the header of a block is damaged";
  const std::size_t entries_at = data_block_header_bytes + count * (std::size_t{3} + width + flags) + prefix;
  if (entries_at >= block.size()) return "a block is shorter than its header says";
  const block_view view(block);
  const std::size_t length = block.size() - entries_at;
  std::size_t start = view.start(0);
  if (start != 0) return "the entries of a block have a gap";
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t next = i + 1 == count ? length : view.start(i + 1);
    if (next <= start || next > length) return "the entries of a block overlap";
    byte_reader reader(bytes_view(view.entries_ + start, next - start));
    const std::uint64_t suffix = reader.varint();
    if (!reader.ok() || suffix > reader.remaining() || suffix + prefix > internal_key_bytes_max)
      return "a key of a block is too long";
    if (view.sequence(i) < view.sequence_base_ || view.sequence(i) > sequence_max) return "a sequence is out of range";
    if (flags != 0 && (view.kinds_[i] < static_cast<char>(value_kind::value) ||
                       view.kinds_[i] > static_cast<char>(value_kind::merge_operand)))
      return "an entry is of no known kind";
    if (flags != 0 && view.kind(i) == value_kind::value_with_expiry && reader.remaining() - suffix < sizeof(std::uint64_t))
      return "a value with expiry is shorter than its expiry";
    start = next;
  }
  return nullptr;
}

}  // namespace strata::inline STRATA_ABI::sstable

#endif
