// A store's whole directory: opened for reading, then for writing, read, written, closed and opened again.
//
// An input is a directory as pack.hpp says. What is mutated is mended so that its parts still belong together: the manifest
// says of tables what they say of themselves, and the log's commits follow each other.
//
//   - Opening for reading changes nothing in the directory, whatever is in it.
//   - Both openings succeed with the same contents, or both fail with an error of those that open() lists.
//   - Scans end. Where verify() finds nothing wrong and of each key the newer versions lie above the older ones (which no
//     table can know of itself, and a manifest with good checksums can make untrue), a scan backwards is the mirror image
//     of one forwards, and gets and seeks agree with it.
//   - A commit that is acknowledged is there, also after flush, close and opening again; nothing else has changed. Logs that
//     are not the store's are taken away before: numbers may have come as far as theirs (engine/recovery.hpp, 5).
#include "mend_table.hpp"
#include "pack.hpp"
#include "world.hpp"

#include <algorithm>
#include <map>

#include <strata/compaction/leveled.hpp>
#include <strata/engine/lsm.hpp>
#include <strata/memtable/btree.hpp>
#include <strata/sstable/block_table.hpp>
#include <strata/wal/segmented.hpp>

namespace {

using namespace strata_fuzz;
using strata::engine::file_type;
using strata::engine::parse_file_name;
using segmented = strata::wal::segmented;
using store = strata::engine::lsm_store<world, strata::memtable::btree, segmented, strata::sstable::block_table<>,
                                        strata::compaction::leveled>;

using recovery = strata::engine::recovery<world, strata::memtable::btree, segmented, strata::sstable::block_table<>>;

using failures = std::initializer_list<errc>;
constexpr std::string_view directory = "store";

strata::options amounts() {
  strata::options small;
  small.durability = strata::durability::strict;
  small.memtable_bytes = std::size_t{64} << 10;
  small.block_bytes = 1024;
  small.table_bytes = std::size_t{16} << 10;
  small.cache_bytes = std::size_t{64} << 10;
  return small;
}

std::map<byte_string, byte_string> files_of(const world& files) {
  std::map<byte_string, byte_string> all;
  auto names = files.list_directory(directory);
  FUZZ_OK(names);
  for (const std::string& name : *names) all[name] = get_file(files, strata::engine::join_path(directory, name));
  return all;
}

using rows = std::vector<std::pair<byte_string, byte_string>>;

// False where the scan ended with an error, which is one that a scan may give.
bool scan(store& open, bool forwards, rows& all) {
  auto cursor = open.make_cursor({"", "", true}, strata::sequence_max);
  FUZZ_OK(cursor);
  store::cursor_type& c = **cursor;
  for (forwards ? c.seek_first() : c.seek_last(); c.valid(); forwards ? c.next() : c.prev()) {
    all.emplace_back(c.key(), c.value());
    FUZZ_CLAIM(all.size() < (std::size_t{1} << 20));
  }
  if (!forwards) std::reverse(all.begin(), all.end());
  if (c.status().has_value()) return true;
  FUZZ_EXPECT(c.status().error(), failures{errc::corruption, errc::unsupported}, place::file);
  return false;
}

std::optional<byte_string> get(store& open, bytes_view key) {
  std::optional<byte_string> value;
  auto there = open.get(key, strata::sequence_max, [&](bytes_view bytes, strata::sequence_number, std::uint64_t) { value = bytes; });
  FUZZ_OK(there);
  FUZZ_CLAIM(*there == value.has_value());
  return value;
}

// The sequences that one sorted run holds of a key, those of range tombstones over it included.
struct span {
  strata::sequence_number lowest = UINT64_MAX;
  strata::sequence_number highest = 0;
  void add(strata::sequence_number sequence) {
    lowest = (std::min)(lowest, sequence);
    highest = (std::max)(highest, sequence);
  }
};

struct run_contents {
  std::map<byte_string, span> keys;
  std::vector<strata::range_tombstone> erased;

  [[nodiscard]] span of(const byte_string& key) const {
    span all;
    if (const auto at = keys.find(key); at != keys.end()) all = at->second;
    for (const strata::range_tombstone& each : erased)
      if (key >= each.begin && key < each.end) all.add(each.sequence);
    return all;
  }
};

using table = strata::sstable::block_table<>::table<world>;

// Whether of each key every version in a run is newer than those in the runs below it, as the manifest orders runs.
bool is_layered(const world& files) {
  strata::engine::manifest<world> manifest(files, byte_string(directory));
  if (!manifest.recover().has_value()) return true;
  strata::sstable::block_table<>::cache<world> blocks(files, 0);
  std::map<std::pair<std::uint32_t, std::uint64_t>, run_contents> runs;  // newest first: runs count down
  for (const auto& named : manifest.state().tables.entries()) {
    if (named.dropped) continue;
    const strata::sstable::settings settings{strata::engine::table_path(directory, named.table.number), named.table.number, store_id, 4096, 0};
    auto open = table::open(files, settings, blocks);
    if (!open.has_value()) return true;
    run_contents& run = runs[{named.table.level, UINT64_MAX - named.table.run}];
    table::cursor c(**open, strata::sstable::usage::once);
    for (c.seek_first(); c.valid(); c.next()) run.keys[byte_string(c.current().key)].add(c.current().sequence);
    for (strata::range_tombstone& each : (*open)->range_tombstones().tombstones()) run.erased.push_back(std::move(each));
  }
  std::map<byte_string, span> above;
  for (const auto& [place, run] : runs)
    for (const auto& [key, own] : run.keys) above[key];
  for (const auto& [place, run] : runs) {
    for (auto& [key, newer] : above) {
      const span own = run.of(key);
      if (own.lowest > own.highest) continue;
      if (own.highest >= newer.lowest) return false;
      newer = own;
    }
  }
  return true;
}

// The logs that no edit has reserved and that hold no commit, or are too far away to be looked into.
std::vector<byte_string> logs_of_others(const world& files) {
  std::vector<byte_string> found;
  strata::engine::manifest<world> manifest(files, byte_string(directory));
  if (!manifest.recover().has_value()) return found;
  for (const auto& [name, bytes] : files_of(files)) {
    const auto named = parse_file_name(name);
    const std::uint64_t reserved = manifest.state().counts.file_ceiling;
    if (named.type != file_type::log || named.number <= reserved) continue;
    const byte_string path = strata::engine::log_path(directory, named.number);
    if (named.number > reserved + recovery::numbers_in_doubt) {
      found.push_back(path);
      continue;
    }
    bool any = false;
    auto read = segmented::replay<world>(files, {path, named.number, store_id, 0}, [&](bytes_view, std::uint64_t) {
      any = true;
      return strata::result<void>();
    });
    if (read.has_value() && !any) found.push_back(path);
  }
  return found;
}

// Contents of a store whose tables verify; nothing where they don't, or where they are not `layered`.
std::optional<rows> contents(store& open, bool layered) {
  const auto verified = open.verify();
  if (!verified.has_value())
    FUZZ_EXPECT(verified.error(), failures{errc::corruption, errc::unsupported}, place::file_and_offset);
  rows forwards, backwards;
  const bool well = scan(open, true, forwards);
  const bool well_back = scan(open, false, backwards);
  if (!verified.has_value()) {
    for (const auto& [key, value] : forwards)
      static_cast<void>(open.get(key, strata::sequence_max, [](bytes_view, strata::sequence_number, std::uint64_t) {}));
    return std::nullopt;
  }
  FUZZ_CLAIM(well && well_back && forwards == backwards);
  if (!layered) return std::nullopt;
  auto cursor = open.make_cursor({"", "", true}, strata::sequence_max);
  FUZZ_OK(cursor);
  for (std::size_t i = 0; i < forwards.size(); ++i) {
    const auto& [key, value] = forwards[i];
    FUZZ_CLAIM(i == 0 || forwards[i - 1].first < key);
    FUZZ_CLAIM(get(open, key) == value);
    (*cursor)->seek(key);
    FUZZ_CLAIM((*cursor)->valid() && (*cursor)->key() == key && (*cursor)->value() == value);
    const byte_string between = key + '\0';
    if (i + 1 == forwards.size() || forwards[i + 1].first != between) FUZZ_CLAIM(!get(open, between));
  }
  return forwards;
}

// What a put makes of contents.
void put(rows& all, const byte_string& key, const byte_string& value) {
  const auto at = std::lower_bound(all.begin(), all.end(), std::pair(key, byte_string()));
  if (at != all.end() && at->first == key) {
    at->second = value;
  } else {
    all.insert(at, {key, value});
  }
}

// A write to a store that opened: false where it is refused, because numbers are used up, or background work has met damage.
bool written(const strata::error* failure, bool sound) {
  if (failure == nullptr) return true;
  if (sound) {
    FUZZ_EXPECT(*failure, failures{errc::unsupported});
  } else {
    FUZZ_EXPECT(*failure, failures{errc::corruption, errc::unsupported, errc::read_only});
  }
  return false;
}
template <typename Result>
bool written(const Result& outcome, bool sound) {
  return written(outcome.has_value() ? nullptr : &outcome.error(), sound);
}

// What is written is there, also after everything that moves it. `before`: nothing where the tables are not sound.
void write_and_open_again(const world& files, std::unique_ptr<store> open, std::optional<rows> before, const std::vector<byte_string>& others) {
  const bool sound = before.has_value();
  std::uint64_t last = open->last_sequence();
  const auto commit = [&](const byte_string& key, const byte_string& value) {
    strata::engine::write_batch batch;
    batch.put(0, key, value);
    auto committed = open->commit(batch, strata::durability::none);
    if (!written(committed, sound)) return false;
    FUZZ_CLAIM(*committed > last && get(*open, key) == value);
    last = *committed;
    if (before) put(*before, key, value);
    return true;
  };
  // Through a table, through a merge, and at last in the log alone.
  bool well = commit("fuzzed", "value") && written(open->flush(), sound) && commit("fuzzed again", "value");
  well = well && written(open->compact(), sound) && commit("fuzzed", "at last");
  if (well && before) FUZZ_CLAIM(contents(*open, true) == before);
  const auto closed = open->close();
  if (well && before) FUZZ_OK(closed);
  open.reset();
  for (const byte_string& path : others) FUZZ_OK(files.remove_file(path));
  auto again = store::open(files, directory, amounts());
  // A merge of tables whose facts are not those of their entries brings to light what the first opening could not see.
  if (!sound && !again.has_value()) return FUZZ_EXPECT(again.error(), failures{errc::corruption}, place::file);
  FUZZ_OK(again);
  FUZZ_CLAIM((*again)->last_sequence() >= last);
  const auto after = contents(**again, sound);
  if (before) FUZZ_CLAIM(after == before);
  FUZZ_OK((*again)->close());
}

void check_opening(const world& files) {
  const auto before = files_of(files);
  const bool layered = is_layered(files);
  const std::vector<byte_string> others = logs_of_others(files);
  auto reading = store::open_read_only(files, directory, amounts());
  std::optional<rows> read;
  if (reading.has_value()) {
    read = contents(**reading, layered);
    FUZZ_OK((*reading)->close());
  } else {
    FUZZ_EXPECT(reading.error(), failures{errc::corruption, errc::not_a_store, errc::unsupported_version, errc::unsupported, errc::no_such_file},
                place::file);
  }
  FUZZ_CLAIM(files_of(files) == before);

  auto writing = store::open(files, directory, amounts());
  if (!writing.has_value()) {
    FUZZ_EXPECT(writing.error(), failures{errc::corruption, errc::not_a_store, errc::unsupported_version, errc::unsupported, errc::no_such_file});
    // Only numbers that are used up stand in the way of writing alone. Without CURRENT the one is to make a store.
    if (reading.has_value()) FUZZ_CLAIM(writing.error() == errc::unsupported);
    if (!reading.has_value() && before.contains("CURRENT")) FUZZ_CLAIM(writing.error() == reading.error().code());
    return;
  }
  if (!reading.has_value()) FUZZ_CLAIM(reading.error() == errc::no_such_file && !before.contains("CURRENT"));
  std::optional<rows> opened = contents(**writing, layered);
  if (read) FUZZ_CLAIM(opened == read);
  // What was not sound stays so in part, also where a merge in the background has mended some of it by now.
  if (reading.has_value() && !read) opened.reset();
  write_and_open_again(files, std::move(*writing), std::move(opened), others);
}

// ---- mutation

using strata::engine::version_edit;

// What a table says of itself, for the manifest.
std::optional<strata::sstable::facts> facts_in(const packed_file& file) {
  table_file parts;
  if (!parts.take_apart(file.bytes)) return std::nullopt;
  auto properties = strata::sstable::decode_properties(parts.properties);
  if (!properties.has_value()) return std::nullopt;
  properties->known.bytes = file.bytes.size();
  return std::move(properties->known);
}

void mend_manifest(packed_file& manifest, const std::vector<packed_file>& files, std::uint64_t& log_number, std::uint64_t& flushed) {
  record_file parts;
  if (!parts.take_apart(manifest.bytes)) return;
  for (record_file::record& each : parts.records) {
    version_edit edit;
    if (each.type != strata::record_type::payload || !edit.parse(each.payload)) continue;
    for (version_edit::added_table& added : edit.added)
      for (const packed_file& file : files)
        if (parse_file_name(file.name).type == file_type::table && parse_file_name(file.name).number == added.number)
          if (auto known = facts_in(file)) added.facts = std::move(*known);
    if (edit.log_number != 0) log_number = edit.log_number;
    if (edit.has_counters) flushed = edit.counts.flushed_sequence;
    each.payload.clear();
    edit.append_to(each.payload);
  }
  manifest.bytes = parts.put_together(strata::engine::manifest_magic, parse_file_name(manifest.name).number);
}

void mend_log(packed_file& log, std::uint64_t& last) {
  record_file parts;
  if (!parts.take_apart(log.bytes)) return;
  for (record_file::record& each : parts.records)
    if (each.type == strata::record_type::payload) mend_group(each.payload, last);
  log.bytes = parts.put_together(segmented::magic, parse_file_name(log.name).number);
}

void mend_directory(std::vector<packed_file>& files) {
  std::uint64_t log_number = 0, last = 0;
  for (packed_file& each : files)
    if (parse_file_name(each.name).type == file_type::manifest) mend_manifest(each, files, log_number, last);
  std::vector<packed_file*> logs;
  for (packed_file& each : files)
    if (parse_file_name(each.name).type == file_type::log && parse_file_name(each.name).number >= log_number) logs.push_back(&each);
  std::sort(logs.begin(), logs.end(), [](const packed_file* a, const packed_file* b) { return parse_file_name(a->name).number < parse_file_name(b->name).number; });
  for (packed_file* each : logs) mend_log(*each, last);
}

void mutate_file(packed_file& file, dice& chance, std::size_t bytes_max) {
  const auto named = parse_file_name(file.name);
  record_file parts;
  const bool is_log = named.type == file_type::log;
  if ((is_log || named.type == file_type::manifest) && parts.take_apart(file.bytes)) {
    parts.mutate_part(chance, bytes_max);
    file.bytes = parts.put_together(is_log ? segmented::magic : strata::engine::manifest_magic, named.number);
  } else if (named.type == file_type::table) {
    file.bytes = mutate_table(file.bytes, named.number, chance, bytes_max);
  } else {
    file.bytes = mutate(file.bytes, 64);
    if (named.type == file_type::current && mends(chance)) file.bytes = mend_current(std::move(file.bytes));
  }
}

void mutate_directory(std::vector<packed_file>& files, dice& chance, std::size_t bytes_max) {
  packed_file& chosen = files[chance.below(files.size())];
  switch (chance.below(16)) {
    case 0: files.erase(files.begin() + (&chosen - files.data())); return;
    case 1: files.push_back({"00001" + std::to_string(chance.below(10)) + ".log", chosen.bytes}); return;
    case 2: chosen.name = mutate(chosen.name, 20); return;
    case 3: chosen.bytes.resize(chance.below(chosen.bytes.size() + 1)); return;
    default: mutate_file(chosen, chance, bytes_max); return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const world files;
  FUZZ_OK(files.create_directory(directory));
  for (const packed_file& each : unpack(view_of(data, size))) put_file(files, strata::engine::join_path(directory, each.name), each.bytes);
  check_opening(files);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max, unsigned seed) {
  dice chance(seed);
  std::vector<packed_file> files = unpack(view_of(data, size));
  if (files.empty() || chance.one_in(32)) return LLVMFuzzerMutate(data, size, size_max);
  const std::size_t changes = 1 + chance.below(2);
  for (std::size_t i = 0; i < changes && !files.empty(); ++i) mutate_directory(files, chance, size_max / 2);
  if (mends(chance)) mend_directory(files);
  const byte_string made = pack(files);
  return made.size() <= size_max ? give(made, data, size_max) : LLVMFuzzerMutate(data, size, size_max);
}
