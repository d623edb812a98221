// Mending: what was mutated is given the checksums, lengths and chains that it would have, were it written so. Without it a
// fuzzer would see checksums refuse nearly all that it makes, and nothing behind them.
//
// A file is taken apart by its own lengths, without asking whether its checksums are right; one part is mutated; it is
// put together again with all that follows from the parts. What can't be taken apart is left as it is.
//
//   mutate(…)            what libFuzzer does to bytes
//   record_file          header and records (core/record.hpp): logs, manifests
//   mend_group           a payload of the log: its sequences follow those before, its lengths fit (engine/write_batch.hpp)
//   mend_block           payload, id, checksum (sstable/stored_block.hpp)
//   table_file           a block table (sstable/table_format.hpp), in mend_table.hpp
//   mend_current         CURRENT (engine/current.hpp)
#ifndef STRATA_TESTS_FUZZ_MEND_HPP
#define STRATA_TESTS_FUZZ_MEND_HPP

#include "fuzz.hpp"

#include <strata/core/record.hpp>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);

namespace strata_fuzz {

// `bytes` as libFuzzer would change them, of at most `bytes_max`.
inline byte_string mutate(bytes_view bytes, std::size_t bytes_max) {
  std::vector<std::uint8_t> room((std::max)({bytes.size(), bytes_max, std::size_t{1}}));
  for (std::size_t i = 0; i < bytes.size(); ++i) room[i] = static_cast<std::uint8_t>(bytes[i]);
  const std::size_t size = LLVMFuzzerMutate(room.data(), bytes.size(), room.size());
  return byte_string(view_of(room.data(), size));
}

// Copies what a mutator made to where libFuzzer wants it.
inline std::size_t give(bytes_view made, std::uint8_t* data, std::size_t size_max) {
  const std::size_t size = (std::min)(made.size(), size_max);
  for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::uint8_t>(made[i]);
  return size;
}

// One in eight inputs is left as the mutation made it: what checks the checksums is to be reached too.
inline bool mends(dice& chance) { return !chance.one_in(8); }

// ---- record files

struct record_file {
  struct record {
    strata::record_type type = strata::record_type::payload;
    std::uint32_t behind = 0;  // units of 8 bytes back to what it promises; record_behind_max: promises nothing
    byte_string payload;
  };

  std::uint32_t version = strata::record_format_version;
  std::uint64_t salt = store_id;
  std::vector<record> records;
  byte_string rest;  // what lies behind the records

  // False where there is not even room for a header.
  [[nodiscard]] bool take_apart(bytes_view file) {
    if (file.size() < strata::record_file_header_bytes) return false;
    version = strata::load_fixed<std::uint32_t>(file.data() + 8);
    salt = strata::load_fixed<std::uint64_t>(file.data() + 32);
    file.remove_prefix(strata::record_file_header_bytes);
    while (file.size() >= strata::record_header_bytes) {
      const auto length = strata::load_fixed<std::uint32_t>(file.data() + 4);
      const auto behind_and_type = strata::load_fixed<std::uint32_t>(file.data() + 8);
      if ((behind_and_type & 3) == 0 || strata::record_bytes(length) > file.size()) break;
      records.push_back({static_cast<strata::record_type>(behind_and_type & 3), behind_and_type >> 2,
                         byte_string(file.substr(strata::record_header_bytes, length))});
      file.remove_prefix(static_cast<std::size_t>(strata::record_bytes(length)));
    }
    rest = file;
    return true;
  }

  [[nodiscard]] byte_string put_together(bytes_view magic, std::uint64_t number) const {
    const strata::record_file_identity identity{magic, store_id, number};
    const std::uint32_t seed = strata::record_file_seed(identity);
    byte_string file(strata::record_file_header_bytes, '\0');
    std::uint32_t chain = strata::store_record_file_header(file.data(), identity, salt);
    if (version != strata::record_format_version) {
      strata::store_fixed(file.data() + 8, version);
      strata::store_fixed(file.data() + 12, strata::record_file_header_checksum(file.data()));
    }
    for (const record& each : records) {
      const std::uint64_t offset = file.size();
      strata::record_header header;
      header.type = each.type;
      // A payload has bytes, and nothing else has any.
      const bytes_view payload = each.type == strata::record_type::payload ? bytes_view(each.payload) : bytes_view();
      if (each.type == strata::record_type::payload && payload.empty()) continue;
      header.length = static_cast<std::uint32_t>(payload.size());
      const std::uint64_t back = std::uint64_t{each.behind} * strata::record_alignment;
      header.promised = each.behind == strata::record_behind_max || back > offset ? 0 : offset - back;
      header.previous = chain;
      byte_string body(payload);
      body.resize(static_cast<std::size_t>(strata::record_bytes(payload.size())) - strata::record_header_bytes);
      header.payload_checksum = strata::crc32c(body);
      char head[strata::record_header_bytes];
      chain = strata::store_record_header(head, header, offset, seed);
      file.append(head, sizeof head).append(body);
    }
    return file.append(rest);
  }

  // One change to a record, or to how they follow each other.
  void mutate_part(dice& chance, std::size_t bytes_max) {
    const std::size_t count = records.size();
    const std::size_t chosen = count == 0 ? 0 : chance.below(count);
    switch (count == 0 ? 8 : chance.below(10)) {
      case 0: records.erase(records.begin() + static_cast<std::ptrdiff_t>(chosen)); return;
      case 1: records.push_back(records[chosen]); return;
      case 2: std::swap(records[chosen], records[chance.below(count)]); return;
      case 3: records[chosen].behind = static_cast<std::uint32_t>(chance.one_in(2) ? chance.below(64) : chance.next() >> 34); return;
      case 4: records[chosen].type = static_cast<strata::record_type>(1 + chance.below(3)); return;
      case 5: rest.clear(); return;
      case 8: rest = mutate(rest, (std::min)(bytes_max, std::size_t{256})); return;
      default: records[chosen].payload = mutate(records[chosen].payload, bytes_max); return;
    }
  }
};

// ---- what the log's records hold

// Makes the group follow the commit `last`, its lengths fit and its counts right, as far as its writes can be read; `last`
// is its own last commit then.
inline void mend_group(byte_string& group, std::uint64_t& last) {
  constexpr std::size_t head = 20;
  if (group.size() < head) return;
  auto skipped = strata::load_fixed<std::uint64_t>(group.data() + 8);
  if (skipped > (std::uint64_t{1} << 20)) skipped = 0;
  strata::store_fixed(group.data(), last + 1 + skipped);
  strata::store_fixed(group.data() + 8, skipped);
  const auto wanted = strata::load_fixed<std::uint32_t>(group.data() + 16);
  std::uint32_t commits = 0;
  std::size_t at = head;
  while (commits < wanted && group.size() - at >= 4 + 13) {
    std::uint64_t length = strata::load_fixed<std::uint32_t>(group.data() + at);
    if (length > group.size() - at - 4 || commits + 1 == wanted) length = group.size() - at - 4;
    strata::store_fixed(group.data() + at, static_cast<std::uint32_t>(length));
    ++commits;
    strata::byte_reader writes(bytes_view(group).substr(at + 4, static_cast<std::size_t>(length)).substr((std::min<std::size_t>)(12, length)));
    static_cast<void>(writes.varint());
    std::uint32_t count = 0;
    while (writes.ok() && writes.remaining() != 0) {
      const auto kind = writes.fixed<std::uint8_t>();
      static_cast<void>(writes.varint());
      static_cast<void>(writes.sized());
      if (kind != 3) static_cast<void>(writes.sized());
      if (writes.ok()) ++count;
    }
    if (length >= 12) strata::store_fixed(group.data() + at + 4 + 8, count);
    at += 4 + static_cast<std::size_t>(length);
  }
  group.resize(at);
  strata::store_fixed(group.data() + 16, commits);
  last += skipped + commits;
}

// ---- CURRENT

inline byte_string mend_current(byte_string bytes) {
  bytes.resize(32);
  bytes.replace(0, 8, "STRATCUR");
  strata::store_fixed(bytes.data() + 12, store_id);
  strata::store_fixed(bytes.data() + 28, strata::crc32c(bytes_view(bytes).substr(0, 28)));
  return bytes;
}

}  // namespace strata_fuzz

#endif
