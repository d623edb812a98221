// Writes the inputs that fuzzing begins with, by the library itself: `strata_fuzz_corpus <folder>` makes
// <folder>/<target>/<name>. The same bytes every time; what fuzzing found lies beside them under other names and is left.
#include "fuzz.hpp"
#include "pack.hpp"
#include "types.hpp"
#include "world.hpp"

#include <filesystem>
#include <thread>

#include <strata/codec/ordered_key.hpp>
#include <strata/compaction/leveled.hpp>
#include <strata/engine/lsm.hpp>
#include <strata/memtable/btree.hpp>
#include <strata/sstable/block_table.hpp>
#include <strata/store/catalogue.hpp>
#include <strata/wal/segmented.hpp>

namespace {

using namespace strata_fuzz;
using segmented = strata::wal::segmented;
using strata::engine::write_batch;

std::filesystem::path folder;

void keep(const char* target, const std::string& name, bytes_view bytes) {
  const std::filesystem::path in = folder / target;
  std::filesystem::create_directories(in);
  std::FILE* file = std::fopen((in / name).c_str(), "wb");
  FUZZ_CLAIM(file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && std::fclose(file) == 0);
}

byte_string numbered(const char* text, unsigned number) {
  byte_string digits = std::to_string(number);
  return text + byte_string(4 - digits.size(), '0') + digits;
}

// ---- log

enum class end { open, closed, sealed };

template <typename Writer>
void end_segment(Writer& writer, end how) {
  if (how == end::sealed) {
    FUZZ_OK(writer.seal());
    FUZZ_OK(writer.sync());
  }
  if (how != end::open) FUZZ_OK(writer.close());
}

byte_string log_of(const std::vector<std::size_t>& payloads, end how, bool syncs = false) {
  const world files;
  auto writer = segmented::writer<world>::create(files, {"log", 7, store_id, 0});
  FUZZ_OK(writer);
  char letter = 'a';
  for (const std::size_t length : payloads) {
    FUZZ_OK(writer->append(byte_string(length, letter++)));
    if (syncs) FUZZ_OK(writer->sync());
  }
  end_segment(*writer, how);
  return get_file(files, "log");
}

void write_logs() {
  keep("log", "header_only", log_of({}, end::open));
  keep("log", "unsealed", log_of({1, 2, 3, 4, 5, 30, 300}, end::open));
  keep("log", "unsealed_synced", log_of({9, 10, 11, 12}, end::open, true));
  keep("log", "closed", log_of({20, 40, 60}, end::closed));
  keep("log", "sealed", log_of({100, 1, 100}, end::sealed, true));
  keep("log", "sealed_empty", log_of({}, end::sealed));
  keep("log", "long_record", log_of({7, 4000, 7}, end::closed, true));
  const byte_string synced = log_of({50, 50, 50, 50}, end::open, true);
  keep("log", "torn_end", bytes_view(synced).substr(0, synced.size() - 9));
  byte_string damaged = synced;
  damaged[100] ^= 1;
  keep("log", "damage_below_promise", damaged);
  keep("log", "zeros_behind", synced + byte_string(64, '\0'));
}

// ---- manifest

strata::engine::version_edit::added_table added(std::uint32_t level, std::uint64_t number, const char* from, const char* to) {
  strata::sstable::facts facts;
  facts.bytes = 1000 * number;
  facts.entries = number;
  facts.lowest_sequence = 1;
  facts.highest_sequence = number;
  facts.smallest = from;
  facts.limit = to;
  return {level, level == 0 ? number : 0, number, facts};
}

strata::engine::version_edit edit(std::uint64_t flushed, std::uint64_t file_ceiling) {
  strata::engine::version_edit made;
  made.has_counters = true;
  made.counts = {flushed, flushed + 100, file_ceiling, now_us};
  return made;
}

byte_string manifest_of(const std::vector<strata::engine::version_edit>& edits, end how) {
  const world files;
  auto writer = strata::record_writer<world>::create(files, {"manifest", strata::engine::manifest_magic, 9, store_id, 0});
  FUZZ_OK(writer);
  for (const strata::engine::version_edit& each : edits) {
    byte_string payload;
    each.append_to(payload);
    FUZZ_OK(writer->append(payload));
    FUZZ_OK(writer->sync());
  }
  end_segment(*writer, how);
  return get_file(files, "manifest");
}

void write_manifests() {
  keep("manifest", "fresh", manifest_of({edit(0, 9)}, end::closed));
  auto flush = edit(10, 40);
  flush.log_number = 12;
  flush.added.push_back(added(0, 11, "a", "m"));
  auto second = edit(20, 40);
  second.log_number = 14;
  second.added.push_back(added(0, 13, "c", "z"));
  auto merge = edit(20, 80);
  merge.dropped = {11, 13};
  merge.added.push_back(added(1, 15, "a", "k"));
  merge.added.push_back(added(1, 16, "k", "z"));
  auto move = edit(20, 80);
  move.dropped = {16};
  move.added.push_back(added(2, 16, "k", "z"));
  keep("manifest", "flushed", manifest_of({edit(0, 9), flush}, end::closed));
  keep("manifest", "merged", manifest_of({edit(0, 9), flush, second, merge}, end::closed));
  keep("manifest", "moved_unsettled", manifest_of({edit(0, 9), flush, second, merge, move}, end::open));
  auto closing = edit(20, 40);
  closing.kept_sequence = 25;
  keep("manifest", "closed_kept", manifest_of({edit(0, 9), flush, second, closing}, end::closed));
  const byte_string whole = manifest_of({edit(0, 9), flush, second}, end::open);
  keep("manifest", "torn_end", bytes_view(whole).substr(0, whole.size() - 8));
}

// ---- tables, blocks, filters

using entries = std::vector<strata::entry>;
using ranges = std::vector<strata::range_tombstone>;
const std::size_t block_bytes = 1024;

template <typename Policy = strata::sstable::block_table<>>
void keep_table(const std::string& name, const entries& items, const ranges& erased = {}) {
  const world files;
  auto builder = Policy::template builder<world>::create(files, {"table", 3, store_id, block_bytes, now_us});
  FUZZ_OK(builder);
  for (const strata::entry& item : items) FUZZ_OK(builder->add(item));
  for (const strata::range_tombstone& each : erased) FUZZ_OK(builder->add(each));
  FUZZ_OK(builder->finish());
  keep("table", name, get_file(files, "table"));

  strata::sstable::block_writer block(4096);
  for (const strata::entry& item : items)
    if (block.must_finish() || !block.add(item, strata::sstable::block_tag(strata::hash64(item.key)))) break;
  if (block.empty()) return;
  byte_string bytes;
  block.finish(bytes);
  keep("block", name, bytes);
}

byte_string expiring(std::uint64_t at_us, bytes_view value) {
  byte_string bytes;
  strata::append_fixed(bytes, at_us);
  return bytes.append(value);
}

// What entries view lives until the program ends.
bytes_view kept(byte_string text) {
  static std::list<byte_string> all;
  return all.emplace_back(std::move(text));
}

void write_tables() {
  using strata::value_kind;
  entries few, many, versions, mixed, long_ones;
  for (unsigned i = 0; i < 5; ++i) few.push_back({kept(numbered("key", i)), "value", 10 + i, value_kind::value});
  for (unsigned i = 0; i < 60; ++i) many.push_back({kept(numbered("many", i * 3)), kept(byte_string(40 + i % 7, 'v')), 100 + i, value_kind::value});
  for (unsigned i = 0; i < 2; ++i) versions.push_back({kept(numbered("a", i)), "before", 5, value_kind::value});
  for (unsigned i = 0; i < 40; ++i) versions.push_back({"one key", kept(byte_string(60, static_cast<char>('A' + i % 26))), 90 - 2 * i, value_kind::value});
  for (unsigned i = 0; i < 2; ++i) versions.push_back({kept(numbered("z", i)), "behind", 6, value_kind::value});
  const value_kind kinds[] = {value_kind::value, value_kind::value_with_expiry, value_kind::tombstone};
  for (unsigned i = 0; i < 24; ++i) {
    const value_kind kind = kinds[i % 3];
    const bytes_view value = kind == value_kind::tombstone ? "" : kind == value_kind::value ? bytes_view("here") : kept(expiring(now_us + (i % 2 == 0 ? 1'000'000u : 0u) - 500'000u, "gone"));
    mixed.push_back({kept(numbered("mixed", i / 2)), value, 50 - i, kind});
  }
  long_ones = {{kept(byte_string(300, 'k')), kept(byte_string(1500, 'v')), 1, value_kind::value},
               {kept(byte_string(301, 'k')), "", 2, value_kind::value},
               {kept(byte_string(302, 'k')), kept(byte_string(1200, 'w')), std::uint64_t{1} << 50, value_kind::value}};
  keep_table("few", few);
  keep_table("many_blocks", many);
  keep_table("versions_over_blocks", versions);
  keep_table("mixed_kinds", mixed);
  keep_table("long_values", long_ones);
  keep_table("ranges", few, {{"a", "key0002", 30}, {"key0001", "zz", 40}, {"b", "c", 7}});
  keep_table("ranges_alone", {}, {{"a", "m", 30}, {"c", "z", 40}});
  keep_table("empty", {});
  keep_table<strata::sstable::block_table<strata::filter::none>>("no_filter", many);
  keep_table<strata::sstable::block_table<strata::filter::blocked_bloom<40>>>("large_filter", few);
}

template <unsigned Bits>
void keep_filter(const std::string& name, std::uint64_t keys) {
  strata::dynamic_array<std::uint64_t> hashes;
  for (std::uint64_t i = 0; i < keys; ++i) hashes.push_back(strata::hash64(std::to_string(i)));
  byte_string stored;
  strata::filter::blocked_bloom<Bits>::append_to(stored, hashes);
  strata::sstable::append_block_trailer(stored, 0, 0, {store_id, 5, 4096});
  keep("filter", name, stored);
}

// ---- batches

write_batch batch_of(unsigned number) {
  write_batch batch(1 + number % 2);
  for (unsigned i = 0; i <= number; ++i) batch.put(64, kept(numbered("k", i)), "value");
  batch.put_expiring(65, "expires", "v", now_us + 1);
  batch.erase(66, "k0000");
  batch.erase_range(67, "k0001", "k0003");
  return batch;
}

byte_string group_of(unsigned commits) {
  byte_string group(strata::engine::group_header_bytes, '\0');
  strata::engine::store_group_header(group.data(), 5, 1, commits);
  for (unsigned i = 0; i < commits; ++i) {
    write_batch batch = batch_of(i);
    batch.seal(5 + i, 0, now_us + i);
    group.append(batch.commit_bytes());
  }
  return group;
}

void write_batches() {
  keep("batch", "group_of_one", byte_string(1, '\0') + group_of(1));
  keep("batch", "group_of_three", byte_string(1, '\0') + group_of(3));
  keep("batch", "group_without_commits", byte_string(1, '\0') + group_of(0));
  byte_string operations(1, '\1');
  for (unsigned i = 0; i < 40; ++i) operations.append({static_cast<char>(i), static_cast<char>(i * 37), static_cast<char>(i * 11)});
  keep("batch", "operations", operations);
  keep("batch", "operations_ranges", byte_string("\1\0\x11\x05\1\x22\x06\4\x01\x52\2\x12\x09\5\x10\x30\3\x11\x00\4\x00\xff", 22));
}

// ---- codecs

template <typename... Types>
byte_string catalogue_record() {
  strata::detail::catalogue_record record;
  record.id = 3;
  record.key_fingerprint = strata::key_fingerprint<std::string>;
  (record.descriptions.push_back(strata::schema_description<Types>()), ...);
  byte_string bytes;
  record.append_to(bytes);
  return bytes;
}

template <typename Type>
void keep_value(const std::string& name, char which, const Type& value) {
  byte_string record;
  FUZZ_OK(strata::encode_value(record, 1, value));
  // The types with a past are asked with their payload alone.
  keep("values", name, byte_string(1, which) + (which >= 4 ? record.substr(1) : record));
}

struct measure_before {
  double length = 0;
  std::optional<std::uint8_t> count{};
  std::set<std::string> names{};
};

void write_codecs() {
  keep("catalogue", "user", catalogue_record<user_before, user_now>());
  keep("catalogue", "account", catalogue_record<user_before, account>());
  keep("catalogue", "everything", catalogue_record<everything>());
  keep("catalogue", "contain_themselves", catalogue_record<tree, forest>());
  keep("catalogue", "numbers", catalogue_record<std::vector<std::int64_t>, std::vector<std::optional<std::uint8_t>>>());

  everything full;
  full.perhaps = "perhaps";
  full.either = point{1.5, -2};
  full.both = {7, "both"};
  full.bytes = {std::byte{1}, std::byte{0}};
  full.two = {true, std::nullopt};
  full.bits = {true, false, true};
  full.numbers = {1, -1, 1 << 30};
  full.list = {"a", "", "ccc"};
  full.set = {-5, 5};
  full.heights = {-1.5, 0.0, 8848.9};
  full.map = {{"one", 1}, {"two", 2}};
  full.words = {"x", "y", "zz"};
  full.index = {{1, {"p"}}, {2, {}}};
  keep_value("text", 0, std::string("a text"));
  keep_value("everything", 1, full);
  keep_value("everything_default", 1, everything{});
  forest woods;
  std::get<0>(woods.parts[3]).mark = -1;
  std::get<0>(std::get<0>(woods.parts[4]).parts[9]).trees.resize(2);
  woods.trees = {tree{1, {tree{2, {}}, tree{3, {tree{4, {}}}}}}};
  keep_value("forest", 2, woods);
  keep_value("tree", 3, woods.trees.front());
  tree deep;
  for (tree* at = &deep; at->label < 98; at = &at->children.front()) at->children.push_back({static_cast<std::int8_t>(at->label + 1), {}});
  keep_value("deep_tree", 3, deep);
  const user_before ada{"Ada", 36, {1, 2, -3}};
  keep_value("user_before", 4, ada);
  keep_value("account_before", 5, ada);
  keep_value("numbers_before", 6, std::vector<std::int64_t>{1, -32768, 32767});
  keep_value("measure_before", 7, measure_before{0.5, std::uint8_t{9}, {"a", "b"}});
}

template <typename Key>
void keep_keys(const std::string& name, char which, const Key& a, const Key& b) {
  byte_string first, second;
  FUZZ_OK(strata::key_codec<Key>::encode(first, a));
  FUZZ_OK(strata::key_codec<Key>::encode(second, b));
  byte_string input(1, which);
  input.push_back(static_cast<char>(first.size()));
  keep("keys", name, input + first + second);
}

struct nested {
  std::uint16_t shelf = 0;
  std::string box{};
};
struct place_key {
  nested where{};
  std::optional<std::int8_t> level{};
  std::string name{};
};

void write_keys() {
  using namespace std::string_literals;
  keep_keys("text", 0, "a\0b"s, "a"s);
  keep_keys("integer", 1, std::int64_t{-1}, std::int64_t{1});
  keep_keys("double", 2, -0.5, 0.0);
  keep_keys("tuple", 3, std::tuple("a\0"s, std::int32_t{-7}, "end"s), std::tuple("a"s, std::int32_t{7}, ""s));
  keep_keys("descending", 4, std::pair(strata::descending("b\0a"s), std::uint8_t{1}), std::pair(strata::descending("b"s), std::uint8_t{2}));
  keep_keys("optional", 5, std::optional<std::string>("x"), std::optional<std::string>());
  keep_keys("variant", 6, std::variant<std::uint16_t, std::string, bool>("x"s), std::variant<std::uint16_t, std::string, bool>(true));
  keep_keys("bytes", 7, std::array<std::uint8_t, 4>{1, 2, 3, 4}, std::array<std::uint8_t, 4>{1, 2, 3, 5});
  keep_keys("vector", 8, std::vector<std::byte>{std::byte{0}}, std::vector<std::byte>{});
  keep_keys("place", 9, place_key{{3, "box"}, std::int8_t{-1}, "name"}, place_key{{3, "box"}, std::nullopt, "name"});
  keep_keys("uuid", 10, std::tuple(strata::uuid{{1}}, color::red, 1.5f), std::tuple(strata::uuid{{2}}, color::blue, -1.5f));
  keep_keys("time", 11, std::pair(std::chrono::milliseconds(-5), letter{'b'}), std::pair(std::chrono::milliseconds(5), letter{'a'}));
  using turned = strata::descending<std::tuple<std::string, strata::descending<std::string>>>;
  keep_keys("turned_twice", 12, turned({"a", strata::descending("b"s)}), turned({"a", strata::descending("c\0"s)}));
  keep_keys("two_texts", 13, std::array{"a"s, "b"s}, std::array{""s, "\0\0"s});
  using deep = std::tuple<std::optional<std::tuple<std::string, std::string>>, std::variant<std::string, double>>;
  keep_keys("deep", 14, deep{std::tuple("a"s, "b"s), "c"s}, deep{std::nullopt, 2.5});
  keep_keys("leading", 15, place_key{{3, "box"}, std::int8_t{-1}, "name"}, place_key{{4, "bo"}, std::nullopt, "nam"});
}

// ---- directories

using store = strata::engine::lsm_store<world, strata::memtable::btree, segmented, strata::sstable::block_table<>,
                                        strata::compaction::leveled>;

void keep_directory(const world& files, const std::string& name) {
  std::vector<packed_file> all;
  auto names = files.list_directory("store");
  FUZZ_OK(names);
  for (const std::string& each : *names)
    if (each != "LOCK") all.push_back({each, get_file(files, strata::engine::join_path("store", each))});
  keep("directory", name, pack(all));
}

// A flush that returned may still have its segment to remove.
void await_one_log(const world& files) {
  for (;;) {
    auto names = files.list_directory("store");
    FUZZ_OK(names);
    std::size_t logs = 0;
    for (const std::string& each : *names) logs += each.ends_with(".log");
    if (logs == 1) return;
    std::this_thread::yield();
  }
}

std::unique_ptr<store> open(const world& files) {
  strata::options amounts;
  amounts.durability = strata::durability::strict;
  amounts.block_bytes = 1024;
  auto opened = store::open(files, "store", amounts);
  FUZZ_OK(opened);
  return std::move(*opened);
}

void commit(store& to, unsigned from, unsigned until, bytes_view value) {
  for (unsigned i = from; i < until; ++i) {
    write_batch batch;
    batch.put(64, numbered("key", i), value);
    if (i % 5 == 0) batch.put_expiring(64, numbered("soon", i), "v", now_us - 1 + 2 * (i % 2));
    if (i % 7 == 0) batch.erase(64, numbered("key", i / 2));
    if (i % 11 == 10) batch.erase_range(64, numbered("key", i - 5), numbered("key", i - 3));
    FUZZ_OK(to.commit(batch, strata::durability::none));
  }
}

void write_segment(const world& files, std::uint64_t number, strata::sequence_number first, strata::sequence_number last, end how) {
  auto writer = segmented::writer<world>::create(files, {strata::engine::log_path("store", number), number, store_id, 0});
  FUZZ_OK(writer);
  for (strata::sequence_number sequence = first; sequence <= last; ++sequence) {
    write_batch batch = batch_of(static_cast<unsigned>(sequence % 4));
    batch.seal(sequence, 0, now_us);
    FUZZ_OK(writer->append(batch.group_bytes()));
  }
  end_segment(*writer, how);
}

void write_directories() {
  {
    const world files;
    FUZZ_OK(open(files)->close());
    keep_directory(files, "fresh");
    write_segment(files, 100, 1, 3, end::sealed);
    write_segment(files, 101, 4, 4, end::sealed);
    write_segment(files, 103, 5, 8, end::open);
    keep_directory(files, "three_segments");
  }
  const world files;
  auto to = open(files);
  commit(*to, 0, 12, "value");
  keep_directory(files, "killed_with_log");
  FUZZ_OK(to->flush());
  FUZZ_OK(to->close());
  keep_directory(files, "one_table");
  to = open(files);
  commit(*to, 6, 20, byte_string(100, 'x'));
  FUZZ_OK(to->flush());
  commit(*to, 15, 30, "after");
  FUZZ_OK(to->flush());
  commit(*to, 25, 33, "log");
  await_one_log(files);
  keep_directory(files, "killed_with_tables");
  FUZZ_OK(to->close());
  keep_directory(files, "closed_with_tables");
  to = open(files);
  FUZZ_OK(to->compact());
  FUZZ_OK(to->close());
  keep_directory(files, "compacted");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s <folder>\n", argv[0]);
    return 2;
  }
  folder = argv[1];
  write_logs();
  write_manifests();
  write_tables();
  keep_filter<10>("ten_bits", 100);
  keep_filter<40>("forty_bits", 3);
  keep_filter<1>("one_bit", 50);
  write_batches();
  write_codecs();
  write_keys();
  write_directories();
}
