// Commit groups as the log holds them, and batches as programs build them.
//
// The first byte of an input says which: 0 what follows is a group; else it is operations on a batch, a few bytes each.
//
//   - A group that reads well is, written again field for field, the same bytes: nothing has two encodings.
//   - What a reader hands out lies in the group; it hands out no more writes than count_writes() says.
//   - A batch, sealed and read, does what its operations did in their order to a map, ranges included.
#include "fuzz.hpp"

#include <map>
#include <optional>

#include <strata/engine/write_batch.hpp>

namespace {

using namespace strata_fuzz;
using strata::engine::group_reader;
using strata::engine::logged_commit;
using strata::engine::write;
using strata::engine::write_batch;
using strata::engine::write_kind;
using strata::engine::write_reader;

bool lies_in(bytes_view part, bytes_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void append_write(byte_string& out, const write& w) {
  out.push_back(static_cast<char>(w.kind));
  strata::append_varint(out, w.label);
  strata::append_sized(out, w.key);
  if (w.kind != write_kind::tombstone) strata::append_sized(out, w.value);
}

// False where the writes do not read well.
bool check_writes(const logged_commit& commit, bytes_view group, std::size_t& writes) {
  byte_string again;
  write_reader reader(commit.writes, commit.write_count);
  for (write w; reader.next(w); ++writes) {
    FUZZ_CLAIM(lies_in(w.key, group) && lies_in(w.value, group));
    FUZZ_CLAIM(w.kind >= write_kind::value && w.kind <= write_kind::range_tombstone && w.kind != write_kind::merge_operand);
    FUZZ_CLAIM(w.key.size() <= strata::internal_key_bytes_max && w.value.size() <= strata::value_bytes_max + 8);
    FUZZ_CLAIM(w.kind != write_kind::value_with_expiry || w.value.size() >= 8);
    append_write(again, w);
  }
  FUZZ_CLAIM(!reader.ok() || again == commit.writes);
  return reader.ok();
}

void check_group(bytes_view input) {
  const exact_bytes exact(input);
  const bytes_view group = exact.view();
  const std::size_t writes_max = strata::engine::count_writes(group);
  FUZZ_CLAIM(writes_max <= group.size());
  std::size_t writes = 0;
  group_reader reader(group);
  bool all_well = true;
  strata::sequence_number before = reader.previous();
  byte_string commits;
  std::uint32_t count = 0;
  for (logged_commit commit; reader.next(commit); ++count) {
    FUZZ_CLAIM(lies_in(commit.writes, group) && commit.sequence <= strata::sequence_max && commit.sequence > before);
    before = commit.sequence;
    all_well = check_writes(commit, group, writes) && all_well;
    byte_string body;
    strata::append_fixed(body, commit.time_us);
    strata::append_fixed(body, commit.write_count);
    strata::append_varint(body, commit.run);
    body.append(commit.writes);
    strata::append_fixed(commits, static_cast<std::uint32_t>(body.size()));
    commits.append(body);
  }
  FUZZ_CLAIM(writes <= writes_max);
  if (!reader.ok()) return;
  byte_string again(strata::engine::group_header_bytes, '\0');
  const auto first = strata::load_fixed<std::uint64_t>(group.data());
  strata::engine::store_group_header(again.data(), first, first - group_reader(group).previous() - 1, count);
  FUZZ_CLAIM(again + commits == group);
}

// ---- operations

struct version {
  byte_string value;
  std::uint64_t expires_at_us = UINT64_MAX;
  bool operator==(const version&) const = default;
};
using state = std::optional<version>;  // none: erased

// Keys are few and short, so that operations meet.
byte_string key_of(std::uint8_t byte) {
  byte_string key(std::size_t{1} + byte % 3, static_cast<char>('a' + (byte >> 4) % 5));
  key.back() = static_cast<char>(byte & 15);
  return key;
}

struct operations {
  write_batch batch{3};
  std::map<byte_string, state> expected;  // of the keys that were touched
  std::vector<byte_string> keys;          // all that can be

  operations() {
    for (unsigned byte = 0; byte < 256; ++byte) keys.push_back(key_of(static_cast<std::uint8_t>(byte)));
  }

  // One operation; false where the input is at its end.
  bool next(strata::byte_reader& in) {
    const auto what = in.fixed<std::uint8_t>();
    const byte_string key = key_of(in.fixed<std::uint8_t>());
    const auto detail = in.fixed<std::uint8_t>();
    if (!in.ok()) return false;
    const byte_string value(detail % 7 == 0 ? std::size_t{detail} * 20 : detail % 7, static_cast<char>(detail));
    switch (what % 8) {
      case 0:
      case 1: batch.put(what, key, value); expected[key] = version{value}; break;
      case 2: batch.put_expiring(what, key, value, detail * 1000u); expected[key] = version{value, detail * 1000u}; break;
      case 3: batch.erase(what, key); expected[key] = std::nullopt; break;
      case 4:
      case 5: erase_range(what, key, key_of(detail)); break;
      case 6: add(what, key, value); break;
      default: if (detail == 0) start_over(); break;
    }
    return true;
  }

  void erase_range(std::uint8_t label, const byte_string& begin, const byte_string& end) {
    batch.erase_range(label, begin, end);
    for (const byte_string& key : keys)
      if (key >= begin && key < end) expected[key] = std::nullopt;
  }
  void add(std::uint8_t label, const byte_string& key, const byte_string& value) {
    batch.add({write_kind::value, label, key, value});
    expected[key] = version{value};
  }
  void start_over() {
    batch.clear(3);
    expected.clear();
  }
};

// What a store makes of a commit's writes: of each key the last point write, and where there is none, what a range says.
void check_outcome(const operations& made, const logged_commit& commit) {
  std::map<byte_string, state> points;
  std::vector<write> ranges;
  std::size_t payload_bytes = 0;
  write_reader reader(commit.writes, commit.write_count);
  for (write w; reader.next(w);) {
    payload_bytes += w.key.size() + w.value.size();
    if (w.kind == write_kind::range_tombstone) {
      FUZZ_CLAIM(w.key < w.value);
      ranges.push_back(w);
    } else if (w.kind == write_kind::tombstone) {
      points[byte_string(w.key)] = std::nullopt;
    } else if (w.kind == write_kind::value_with_expiry) {
      points[byte_string(w.key)] = version{byte_string(w.value.substr(8)), strata::load_fixed<std::uint64_t>(w.value.data())};
    } else {
      points[byte_string(w.key)] = version{byte_string(w.value)};
    }
  }
  FUZZ_CLAIM(reader.ok() && payload_bytes == made.batch.payload_bytes());
  FUZZ_CLAIM(!ranges.empty() == made.batch.erases_ranges());
  for (const byte_string& key : made.keys) {
    const auto wanted = made.expected.find(key);
    const auto point = points.find(key);
    if (point != points.end()) {
      FUZZ_CLAIM(wanted != made.expected.end() && wanted->second == point->second);
      continue;
    }
    bool covered = false;
    for (const write& range : ranges) covered = covered || (key >= range.key && key < range.value);
    FUZZ_CLAIM(covered ? wanted != made.expected.end() && !wanted->second : wanted == made.expected.end());
  }
}

void check_operations(bytes_view input) {
  strata::byte_reader in(input);
  operations made;
  while (made.next(in)) continue;
  made.batch.seal(10, 2, 77);
  FUZZ_CLAIM(made.batch.commit_bytes() == made.batch.group_bytes().substr(strata::engine::group_header_bytes));
  group_reader group(made.batch.group_bytes());
  FUZZ_CLAIM(group.previous() == 7);
  logged_commit commit;
  FUZZ_CLAIM(group.next(commit) && commit.sequence == 10 && commit.time_us == 77 && commit.run == 3);
  FUZZ_CLAIM(commit.write_count == made.batch.count() && (commit.write_count == 0) == made.batch.empty());
  check_outcome(made, commit);
  FUZZ_CLAIM(!group.next(commit) && group.ok());
  check_group(made.batch.group_bytes());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  if (data[0] == 0) {
    check_group(view_of(data + 1, size - 1));
  } else {
    check_operations(view_of(data + 1, size - 1));
  }
  return 0;
}
