// Mending of block tables, as mend.hpp says: taken apart into blocks and sections, put together with lengths, checksums and
// footer made good, and, where asked for, with tags, filter, separators and facts that are those of the entries.
#ifndef STRATA_TESTS_FUZZ_MEND_TABLE_HPP
#define STRATA_TESTS_FUZZ_MEND_TABLE_HPP

#include "mend.hpp"

#include <strata/core/hash.hpp>
#include <strata/sstable/block_index.hpp>
#include <strata/sstable/data_block.hpp>
#include <strata/sstable/filter.hpp>
#include <strata/sstable/removable_entries.hpp>
#include <strata/sstable/table_format.hpp>

namespace strata_fuzz {

// The stored form of a block that holds `payload`, at `offset` of table `number`.
inline void append_block(byte_string& out, bytes_view payload, std::uint8_t id, std::uint64_t number, std::uint64_t offset) {
  const std::size_t begin = out.size();
  out.append(payload);
  strata::sstable::append_block_trailer(out, begin, id, {store_id, number, offset});
}

struct owned_entry {
  byte_string key;
  byte_string value;
  std::uint64_t sequence = 0;
  strata::value_kind kind = strata::value_kind::value;
};

// The entries of a block, or none where it has a flaw.
inline std::vector<owned_entry> entries_of(bytes_view block) {
  std::vector<owned_entry> all;
  const exact_bytes padded(block, strata::sstable::block_padding_bytes);
  if (strata::sstable::block_view::find_flaw(padded.view()) != nullptr) return all;
  const strata::sstable::block_view view(padded.view());
  for (std::size_t i = 0; i < view.count(); ++i)
    all.push_back({byte_string(view.prefix()).append(view.suffix(i)), byte_string(view.value(i)), view.sequence(i), view.kind(i)});
  return all;
}

// The block of these entries, as many as a writer takes into one.
inline byte_string block_of(const std::vector<owned_entry>& entries) {
  strata::sstable::block_writer writer(strata::sstable::block_target_bytes_max);
  for (const owned_entry& each : entries)
    if (writer.must_finish() || !writer.add({each.key, each.value, each.sequence, each.kind}, strata::sstable::block_tag(strata::hash64(each.key))))
      break;
  byte_string block;
  if (!writer.empty()) writer.finish(block);
  return block;
}

struct table_file {
  struct block {
    byte_string payload;
    std::uint8_t id = 0;
    byte_string separator;
    std::uint64_t sequence = 0;  // of the separator
  };

  std::vector<block> blocks;
  byte_string filter, tombstones, properties;

  // False where the sections or the index are not such as a table has.
  [[nodiscard]] bool take_apart(bytes_view file) {
    using namespace strata::sstable;
    if (file.size() < table_header_bytes + table_footer_bytes) return false;
    strata::byte_reader footer(file.substr(file.size() - table_footer_bytes));
    bytes_view rest = file.substr(table_header_bytes, file.size() - table_header_bytes - table_footer_bytes);
    bytes_view sections[5];
    for (bytes_view& section : sections) {
      const auto length = footer.fixed<std::uint64_t>();
      if (length > rest.size()) return false;
      section = rest.substr(0, static_cast<std::size_t>(length));
      rest.remove_prefix(section.size());
    }
    const auto payload = [](bytes_view section) { return section.substr(0, section.size() - (std::min)(section.size(), block_trailer_bytes)); };
    filter = payload(sections[1]);
    tombstones = payload(sections[2]);
    properties = payload(sections[3]);
    return take_index_apart(payload(sections[4]), sections[0]);
  }

  [[nodiscard]] byte_string put_together(std::uint64_t number) const {
    using namespace strata::sstable;
    byte_string file = encode_table_header();
    index_writer index;
    for (const block& each : blocks) {
      append_block(file, each.payload, each.id, number, file.size());
      index.add(each.separator, each.sequence, each.payload.size() + block_trailer_bytes);
    }
    table_footer footer;
    footer.store_id = store_id;
    footer.number = number;
    footer.data_bytes = file.size() - table_header_bytes;
    const auto section = [&](bytes_view payload) -> std::uint64_t {
      if (payload.empty()) return 0;
      append_block(file, payload, 0, number, file.size());
      return payload.size() + block_trailer_bytes;
    };
    footer.filter_bytes = section(filter);
    footer.tombstone_bytes = section(tombstones);
    footer.property_bytes = section(properties);
    byte_string encoded;
    index.append_to(encoded);
    footer.index_bytes = section(encoded);
    return file.append(encode_table_footer(footer));
  }

  // Makes everything that is said of the entries true: tags, separators, filter and facts.
  void tell_truth() {
    using namespace strata::sstable;
    std::erase_if(blocks, [](const block& each) { return entries_of(each.payload).empty(); });
    facts known;
    removable_entries removable;
    strata::dynamic_array<std::uint64_t> hashes;
    byte_string last_key;
    std::uint64_t last_sequence = 0;
    block* before = nullptr;
    for (block& each : blocks) {
      std::size_t tag_at = data_block_header_bytes;
      const std::vector<owned_entry> entries = entries_of(each.payload);
      if (before != nullptr) {
        const bool straddles = last_key == entries.front().key;
        before->separator = straddles ? last_key : byte_string(shortest_separator(last_key, entries.front().key));
        before->sequence = straddles ? last_sequence : 0;
      }
      for (const owned_entry& item : entries) {
        const std::uint64_t hash = strata::hash64(item.key);
        each.payload[tag_at++] = static_cast<char>(block_tag(hash));
        hashes.push_back(hash);
        if (known.entries == 0) known.smallest = item.key;
        removable.count(known.entries == 0 || item.key != last_key, item.kind, item.value);
        known.lowest_sequence = known.entries == 0 ? item.sequence : (std::min)(known.lowest_sequence, item.sequence);
        known.highest_sequence = (std::max)(known.highest_sequence, item.sequence);
        ++known.entries;
        known.tombstones += item.kind == strata::value_kind::tombstone ? 1 : 0;
        last_key = item.key;
        last_sequence = item.sequence;
      }
      each.separator = last_key;
      each.sequence = 0;
      before = &each;
    }
    if (known.entries != 0) known.limit = last_key + '\0';
    if (!tombstones.empty()) count_tombstones(known);
    removable.complete(known);
    if (!filter.empty()) {
      filter.clear();
      if (!hashes.empty()) strata::filter::blocked_bloom<10>::append_to(filter, hashes);
    }
    properties.clear();
    append_properties(properties, known, 0);
  }

  // One change to a block, an entry, a separator or a section.
  void mutate_part(dice& chance, std::size_t bytes_max) {
    block* const chosen = blocks.empty() ? nullptr : &blocks[chance.below(blocks.size())];
    switch (chosen == nullptr ? 10 + chance.below(3) : chance.below(13)) {
      case 0: chosen->payload = mutate(chosen->payload, bytes_max); return;
      case 1: blocks.push_back(block(*chosen)); return;
      case 2: std::swap(*chosen, blocks[chance.below(blocks.size())]); return;
      case 3: blocks.erase(blocks.begin() + (chosen - blocks.data())); return;
      case 4: chosen->separator = mutate(chosen->separator, 40); return;
      case 5: chosen->sequence = chance.one_in(4) ? chance.next() >> chance.below(64) : chosen->sequence + chance.below(5) - 2; return;
      case 6: chosen->id = static_cast<std::uint8_t>(chance.below(3)); return;
      case 10: filter = mutate(filter, bytes_max); return;
      case 11: tombstones = mutate(tombstones, bytes_max); return;
      case 12: properties = mutate(properties, bytes_max); return;
      default: mutate_entry(*chosen, chance); return;
    }
  }

 private:
  void count_tombstones(strata::sstable::facts& known) {
    strata::byte_reader head(tombstones);
    auto list = strata::sstable::decode_tombstones(tombstones, head.varint());
    if (!list.has_value() || list->empty()) return tombstones.clear();
    known.range_tombstones = 0;
    for (const strata::range_tombstone_list::fragment& piece : list->fragments()) {
      for (const std::uint64_t sequence : piece.sequences) {
        const bool first = known.entries == 0 && known.range_tombstones == 0;
        known.lowest_sequence = first ? sequence : (std::min)(known.lowest_sequence, sequence);
        known.highest_sequence = (std::max)(known.highest_sequence, sequence);
        ++known.range_tombstones;
      }
    }
    const auto& fragments = list->fragments();
    if (known.entries == 0 || fragments.front().begin < known.smallest) known.smallest = fragments.front().begin;
    if (known.limit < fragments.back().end) known.limit = fragments.back().end;
  }

  [[nodiscard]] bool take_index_apart(bytes_view index, bytes_view data) {
    strata::byte_reader reader(index);
    const auto count = reader.fixed<std::uint32_t>();
    const auto flags = reader.fixed<std::uint8_t>();
    const bytes_view prefix = reader.sized();
    if (!reader.ok() || count > reader.remaining() / 2) return false;
    std::vector<std::uint64_t> lengths(count), sizes(count);
    for (std::uint64_t& each : lengths) each = reader.varint();
    for (std::uint64_t& each : sizes) each = reader.varint();
    blocks.resize(count);
    if (flags != 0)
      for (block& each : blocks) each.sequence = reader.varint();
    for (std::size_t i = 0; i < count; ++i) {
      blocks[i].separator = byte_string(prefix).append(reader.bytes(lengths[i]));
      if (sizes[i] > data.size() || sizes[i] < strata::sstable::block_trailer_bytes) return false;
      const bytes_view stored = data.substr(0, static_cast<std::size_t>(sizes[i]));
      data.remove_prefix(stored.size());
      blocks[i].payload = stored.substr(0, stored.size() - strata::sstable::block_trailer_bytes);
      blocks[i].id = static_cast<std::uint8_t>(stored[blocks[i].payload.size()]);
    }
    return reader.ok();
  }

  static void mutate_entry(block& chosen, dice& chance) {
    std::vector<owned_entry> entries = entries_of(chosen.payload);
    if (entries.empty()) return;
    owned_entry& item = entries[chance.below(entries.size())];
    switch (chance.below(7)) {
      case 0: item.key = mutate(item.key, 64); break;
      case 1: item.value = mutate(item.value, 256); break;
      case 2: item.sequence = chance.below(chance.one_in(2) ? 40 : strata::sequence_max); break;
      case 3: item.kind = static_cast<strata::value_kind>(1 + chance.below(4)); break;
      case 4: item.key = entries[chance.below(entries.size())].key; break;
      case 5: entries.push_back(owned_entry(item)); break;
      default: entries.erase(entries.begin() + (&item - entries.data())); break;
    }
    if (byte_string made = block_of(entries); !made.empty()) chosen.payload = std::move(made);
  }
};

// `file` with one change and all that follows from it; as it was mutated where it is no table any more.
inline byte_string mutate_table(bytes_view file, std::uint64_t number, dice& chance, std::size_t bytes_max) {
  if (!mends(chance)) return mutate(file, bytes_max);
  table_file parts;
  if (!parts.take_apart(file)) {
    parts = table_file();
    const byte_string changed = mutate(file, bytes_max);
    return parts.take_apart(changed) ? parts.put_together(number) : changed;
  }
  // Mostly one: of a table with several, little is left to be true.
  const std::size_t changes = chance.one_in(4) ? 1 + chance.below(3) : 1;
  for (std::size_t i = 0; i < changes; ++i) parts.mutate_part(chance, bytes_max);
  if (chance.one_in(2)) parts.tell_truth();
  byte_string made = parts.put_together(number);
  return made.size() <= bytes_max ? made : byte_string(file);
}

}  // namespace strata_fuzz

#endif
