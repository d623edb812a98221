// The file of a block table, from above.
//
//     +--------------------------------------------------+
//     | header      magic u64 · version u32 · crc32c u32 |   16 bytes, for ever the same
//     +--------------------------------------------------+
//     | data blocks            sstable/data_block.hpp    |   one behind the other, each with its trailer
//     +--------------------------------------------------+   (sstable/stored_block.hpp)
//     | filter                 sstable/filter.hpp        |   absent where it has no bytes
//     | range tombstones       below                     |   absent where there are none
//     | properties             below                     |
//     | index                  sstable/block_index.hpp   |
//     +--------------------------------------------------+
//     | footer                                           |   72 bytes
//     +--------------------------------------------------+
//
//     footer:            bytes of data, filter, range tombstones, properties, index, each u64 · store id u64 ·
//                        number u64 · version u32 · crc32c u32 of all before · magic u64
//     range tombstones:  varint count, then each: sized begin · sized end · varint sequence; cut into fragments as
//                        core/range_tombstones.hpp does, in key order, the sequences of one range descending
//     properties:        varints: entries, tombstones, range tombstones, hidden versions, newest time in µs, earliest
//                        expiry in µs + 1 (0: none), median expiry in µs + 1 (0: none), lowest sequence, highest
//                        sequence, compression · sized smallest · sized limit
//
// Frozen: on disk. The sections lie one behind the other and their lengths must add up to the file, so that there is no
// byte that no checksum covers, and no offset that could point astray.
#ifndef STRATA_SSTABLE_TABLE_FORMAT_HPP
#define STRATA_SSTABLE_TABLE_FORMAT_HPP

#include <strata/sstable/requirements.hpp>
#include <strata/sstable/stored_block.hpp>

namespace strata::inline STRATA_ABI::sstable {

// Frozen: on disk. A byte that is no text, "strata", and "t" for table; little-endian.
inline constexpr std::uint64_t table_magic = 0x7461'7461'7274'7393;
inline constexpr std::uint32_t table_version = 1;
inline constexpr std::size_t table_header_bytes = 8 + 4 + 4;
inline constexpr std::size_t table_footer_bytes = 5 * 8 + 2 * 8 + 4 + 4 + 8;

[[nodiscard]] STRATA_COLD inline byte_string encode_table_header() {
  byte_string header;
  append_fixed(header, table_magic);
  append_fixed(header, table_version);
  append_fixed(header, crc32c(header));
  return header;
}

// Of a whole header. errc: not_a_store, corruption, unsupported_version; without a file.
[[nodiscard]] STRATA_COLD inline result<void> check_table_header(bytes_view header) noexcept {
  if (load_fixed<std::uint64_t>(header.data()) != table_magic)
    return error(errc::not_a_store, "open table", "the file does not begin as a table");
  if (load_fixed<std::uint32_t>(header.data() + 12) != crc32c(header.substr(0, 12)))
    return error(errc::corruption, "open table", "the header is damaged").at_offset(0);
  if (load_fixed<std::uint32_t>(header.data() + 8) != table_version)
    return error(errc::unsupported_version, "open table", "written in a later format");
  return {};
}

// How long the sections are, and whose they are.
struct table_footer {
  std::uint64_t data_bytes = 0;
  std::uint64_t filter_bytes = 0;
  std::uint64_t tombstone_bytes = 0;
  std::uint64_t property_bytes = 0;
  std::uint64_t index_bytes = 0;
  std::uint64_t store_id = 0;
  std::uint64_t number = 0;

  [[nodiscard]] std::uint64_t data_end() const noexcept { return table_header_bytes + data_bytes; }
  [[nodiscard]] std::uint64_t tombstones_at() const noexcept { return data_end() + filter_bytes; }
  [[nodiscard]] std::uint64_t properties_at() const noexcept { return tombstones_at() + tombstone_bytes; }
  [[nodiscard]] std::uint64_t index_at() const noexcept { return properties_at() + property_bytes; }
};

[[nodiscard]] STRATA_COLD inline byte_string encode_table_footer(const table_footer& footer) {
  byte_string bytes;
  for (const std::uint64_t field : {footer.data_bytes, footer.filter_bytes, footer.tombstone_bytes,
                                    footer.property_bytes, footer.index_bytes, footer.store_id, footer.number})
    append_fixed(bytes, field);
  append_fixed(bytes, table_version);
  append_fixed(bytes, crc32c(bytes));
  append_fixed(bytes, table_magic);
  return bytes;
}

// Takes a whole footer of a file of `file_bytes` apart and holds it to `expected`. errc: corruption; without a file.
[[nodiscard]] STRATA_COLD inline result<table_footer> decode_table_footer(bytes_view bytes, std::uint64_t file_bytes,
                                                              const settings& expected) noexcept {
  const auto corrupt = [&](const char* reason) {
    return error(errc::corruption, "open table", reason).at_offset(file_bytes - table_footer_bytes);
  };
  byte_reader reader(bytes);
  table_footer footer;
  std::uint64_t left = file_bytes - table_footer_bytes - table_header_bytes;
  bool fits = true;
  for (std::uint64_t* field : {&footer.data_bytes, &footer.filter_bytes, &footer.tombstone_bytes,
                               &footer.property_bytes, &footer.index_bytes}) {
    *field = reader.fixed<std::uint64_t>();
    fits = fits && *field <= left;
    left -= fits ? *field : 0;
  }
  footer.store_id = reader.fixed<std::uint64_t>();
  footer.number = reader.fixed<std::uint64_t>();
  const auto version = reader.fixed<std::uint32_t>();
  const bytes_view covered = bytes.substr(0, reader.position());
  if (reader.fixed<std::uint32_t>() != crc32c(covered) || reader.fixed<std::uint64_t>() != table_magic)
    return corrupt("the footer is damaged, or the file was cut");
  if (version != table_version || !fits || left != 0) return corrupt("the sections do not fill the file");
  if (footer.store_id != expected.store_id) return corrupt("the table is of another store");
  if (footer.number != expected.number) return corrupt("the table has another number");
  return footer;
}

STRATA_COLD inline void append_tombstones(byte_string& out, const dynamic_array<range_tombstone>& tombstones) {
  append_varint(out, tombstones.size());
  for (const range_tombstone& erased : tombstones) {
    append_sized(out, erased.begin);
    append_sized(out, erased.end);
    append_varint(out, erased.sequence);
  }
}

// errc: corruption; without file and offset.
[[nodiscard]] STRATA_COLD inline result<range_tombstone_list> decode_tombstones(bytes_view payload, std::uint64_t expected) {
  const error corrupt(errc::corruption, "open table", "the range tombstones are damaged");
  byte_reader reader(payload);
  const std::uint64_t count = reader.varint();
  if (count != expected || count > reader.remaining() / 3) return corrupt;
  dynamic_array<range_tombstone> tombstones;
  tombstones.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    const bytes_view begin = reader.sized();
    const bytes_view end = reader.sized();
    const sequence_number sequence = reader.varint();
    if (!reader.ok() || begin >= end || end.size() > internal_key_bytes_max + 1 || sequence > sequence_max)
      return corrupt;
    // Fragments stay as many as they are when they are cut again; ranges that overlap could become their square.
    if (i != 0) {
      const range_tombstone& last = tombstones.back();
      const bool same_range = begin == last.begin && end == last.end && sequence < last.sequence;
      if (!same_range && begin < last.end) return corrupt;
    }
    tombstones.push_back({byte_string(begin), byte_string(end), sequence});
  }
  if (!reader.complete()) return corrupt;
  return range_tombstone_list(std::move(tombstones));
}

STRATA_COLD inline void append_properties(byte_string& out, const facts& known, std::uint8_t compression) {
  for (const std::uint64_t field :
       {known.entries, known.tombstones, known.range_tombstones, known.hidden_versions, known.newest_time_us,
        known.earliest_expiry_us + 1, known.median_expiry_us + 1, known.lowest_sequence, known.highest_sequence,
        std::uint64_t{compression}})
    append_varint(out, field);
  append_sized(out, known.smallest);
  append_sized(out, known.limit);
}

struct table_properties {
  facts known;
  std::uint64_t compression = 0;  // of those blocks that are compressed; 0 where none is
};

// All but the file's bytes. errc: corruption; without file and offset.
[[nodiscard]] STRATA_COLD inline result<table_properties> decode_properties(bytes_view payload) {
  byte_reader reader(payload);
  table_properties read;
  facts& known = read.known;
  for (std::uint64_t* field :
       {&known.entries, &known.tombstones, &known.range_tombstones, &known.hidden_versions, &known.newest_time_us,
        &known.earliest_expiry_us, &known.median_expiry_us, &known.lowest_sequence, &known.highest_sequence,
        &read.compression})
    *field = reader.varint();
  --known.earliest_expiry_us;
  --known.median_expiry_us;
  known.smallest = reader.sized();
  known.limit = reader.sized();
  if (!reader.complete()) return error(errc::corruption, "open table", "the properties are damaged");
  return read;
}

}  // namespace strata::inline STRATA_ABI::sstable

#endif
