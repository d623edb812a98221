// Filters: whether a table can hold a key, from one cache line.
//
//     +----------------------------------+-----------+-------------------+
//     | lines × 64 bytes                 | probes u8 | kind u8 (1 bloom) |
//     +----------------------------------+-----------+-------------------+
//
// Frozen: on disk, with how the bits are chosen. The line is the upper half of hash64(key) scaled to the number of
// lines; the bits in it are groups of nine bits of the hash mixed again. A filter says how many probes it was built
// with, so a table can be read whatever filter the reading policy names.
//
// A blocked bloom filter (F. Putze, P. Sanders, J. Singler: "Cache-, hash- and space-efficient bloom filters", 2007)
// costs one cache miss where a plain one costs one a probe. Keys spread unevenly over the lines, which raises the rate
// of false positives a little (10 bits: 1.0 % instead of 0.8 %) and makes slightly fewer probes best: 0.6 a bit instead
// of ln 2.
//
// Thread safety: a loaded filter is not changed.
#ifndef STRATA_SSTABLE_FILTER_HPP
#define STRATA_SSTABLE_FILTER_HPP

#include <memory>

#include <strata/core/dynamic_array.hpp>
#include <strata/sstable/compression.hpp>
#include <strata/sstable/stored_block.hpp>

namespace strata::inline STRATA_ABI {

namespace sstable {

// Frozen: on disk.
inline constexpr std::size_t filter_line_bytes = 64;
inline constexpr std::size_t filter_trailer_bytes = 2;
inline constexpr std::uint8_t filter_kind_blocked_bloom = 1;

inline constexpr unsigned filter_probes_max = 28;  // four words of seven groups

[[nodiscard]] inline std::uint64_t filter_line(std::uint64_t hash, std::uint64_t lines) noexcept {
  return ((hash >> 32) * lines) >> 32;
}

// The bits of one key in its line: nine bits each.
class filter_probe {
 public:
  explicit filter_probe(std::uint64_t hash) noexcept : seed_(mixed(hash)), word_(seed_) {}

  // Which bit of 512 is next.
  [[nodiscard]] unsigned next() noexcept {
    if (left_ == 0) {
      seed_ = mixed(seed_ + 1);
      word_ = seed_;
      left_ = groups_a_word;
    }
    const auto bit = static_cast<unsigned>(word_ & 511);
    word_ >>= 9;
    --left_;
    return bit;
  }

 private:
  static constexpr unsigned groups_a_word = 7;

  // Frozen: filters on disk follow from it. The factor is 2^64 divided by the golden ratio.
  [[nodiscard]] static std::uint64_t mixed(std::uint64_t word) noexcept {
    word = (word ^ (word >> 32)) * 0x9E3779B97F4A7C15;
    return word ^ (word >> 32);
  }

  std::uint64_t seed_;
  std::uint64_t word_;
  unsigned left_ = groups_a_word;
};

// A filter as it was read from a table. Empty by default: every key may be there.
class key_filter {
 public:
  // One cache line.
  struct alignas(filter_line_bytes) line {
    char bytes[filter_line_bytes];
  };

  // Takes over the stored block that begins `lines` and ends after `stored_bytes`, trailer included. errc: corruption,
  // unsupported_version where the kind is unknown; without a file.
  [[nodiscard]] result<void> load(std::unique_ptr<line[]> lines, std::uint64_t stored_bytes, const block_place& place) {
    STRATA_TRY_LET(payload,
                   open_stored_block(bytes_view(lines[0].bytes, static_cast<std::size_t>(stored_bytes)), place));
    const std::size_t length = payload.bytes.size();
    if (payload.compression != 0 || length < filter_line_bytes + filter_trailer_bytes ||
        (length - filter_trailer_bytes) % filter_line_bytes != 0)
      return error(errc::corruption, "open table", "the filter has no possible length").at_offset(place.offset);
    if (static_cast<std::uint8_t>(payload.bytes[length - 1]) != filter_kind_blocked_bloom)
      return error(errc::unsupported_version, "open table", "the filter is of an unknown kind").at_offset(place.offset);
    probes_ = static_cast<std::uint8_t>(payload.bytes[length - 2]);
    if (probes_ == 0 || probes_ > filter_probes_max)
      return error(errc::corruption, "open table", "the filter has no possible number of probes")
          .at_offset(place.offset);
    count_ = (length - filter_trailer_bytes) / filter_line_bytes;
    if (count_ > 0xFFFFFFFF)
      return error(errc::corruption, "open table", "the filter is too large").at_offset(place.offset);
    lines_ = std::move(lines);
    memory_bytes_ = stored_bytes;
    return {};
  }

  // False: certainly not there. One cache line.
  [[nodiscard]] bool may_contain(std::uint64_t hash) const noexcept {
    if (count_ == 0) return true;
    const char* const bytes = lines_[static_cast<std::size_t>(filter_line(hash, count_))].bytes;
    filter_probe probe(hash);
    for (unsigned i = 0; i < probes_; ++i) {
      const unsigned bit = probe.next();
      if (((static_cast<unsigned char>(bytes[bit >> 3]) >> (bit & 7)) & 1) == 0) return false;
    }
    return true;
  }

  // Brings the line near.
  void prefetch(std::uint64_t hash) const noexcept {
    if (count_ != 0) __builtin_prefetch(lines_[static_cast<std::size_t>(filter_line(hash, count_))].bytes);
  }

  [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return memory_bytes_; }

 private:
  std::unique_ptr<line[]> lines_;
  std::uint64_t memory_bytes_ = 0;
  std::uint64_t count_ = 0;  // of lines that are the filter; the block's trailer lies behind them
  unsigned probes_ = 0;
};

}  // namespace sstable

namespace filter {

// A filter of `BitsPerKey` bits a key (1 to 40) in lines of 512 bits. False positives, measured: 8 bits 2.3 %, 10 bits
// 1.0 %, 16 bits 0.08 %. Memory: the same bits while the table is open; while it is written, 8 bytes a key besides.
template <unsigned BitsPerKey = 10>
struct blocked_bloom {
  static_assert(BitsPerKey >= 1 && BitsPerKey <= 40, "strata: filter::blocked_bloom<BitsPerKey>: 1 to 40 bits a key");

  using sstable_part = sstable::part::filter;
  static constexpr bool needs_hashes = true;
  static constexpr unsigned probes = (BitsPerKey * 6 + 9) / 10;
  static_assert(probes <= sstable::filter_probes_max);

  // Bytes of the filter of so many keys.
  [[nodiscard]] static std::uint64_t bytes(std::uint64_t keys) noexcept {
    return keys == 0 ? 0 : (keys * BitsPerKey + 511) / 512 * sstable::filter_line_bytes + sstable::filter_trailer_bytes;
  }

  // Appends the filter of the keys with these hashes. Requires: at least one.
  static void append_to(byte_string& out, const dynamic_array<std::uint64_t>& hashes) {
    const std::size_t begin = out.size();
    const std::uint64_t lines = (std::uint64_t{hashes.size()} * BitsPerKey + 511) / 512;
    out.resize(begin + static_cast<std::size_t>(lines) * sstable::filter_line_bytes);
    for (const std::uint64_t hash : hashes) {
      char* const line =
          out.data() + begin + static_cast<std::size_t>(sstable::filter_line(hash, lines)) * sstable::filter_line_bytes;
      sstable::filter_probe probe(hash);
      for (unsigned i = 0; i < probes; ++i) {
        const unsigned bit = probe.next();
        line[bit >> 3] = static_cast<char>(static_cast<unsigned char>(line[bit >> 3]) | (1u << (bit & 7)));
      }
    }
    out.push_back(static_cast<char>(probes));
    out.push_back(static_cast<char>(sstable::filter_kind_blocked_bloom));
  }
};

// No filter: each get of a table reads a block. For tables whose keys are almost always there.
struct none {
  using sstable_part = sstable::part::filter;
  static constexpr bool needs_hashes = false;
  [[nodiscard]] static std::uint64_t bytes(std::uint64_t) noexcept { return 0; }
  static void append_to(byte_string&, const dynamic_array<std::uint64_t>&) noexcept {}
};

}  // namespace filter

}  // namespace strata::inline STRATA_ABI

#endif
