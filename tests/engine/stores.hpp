// What the tests of the engine share: small random numbers, compositions, amounts so tiny that rare paths are common, and
// short ways to write and read.
#ifndef STRATA_TESTS_ENGINE_STORES_HPP
#define STRATA_TESTS_ENGINE_STORES_HPP

#include "test.hpp"

#include <algorithm>
#include <memory>

#include <strata/compaction/leveled.hpp>
#include <strata/engine/lsm.hpp>
#include <strata/environment/in_memory.hpp>
#include <strata/memtable/btree.hpp>
#include <strata/sstable/block_table.hpp>
#include <strata/wal/mapped.hpp>

namespace strata_tests {

// splitmix64: the same numbers everywhere.
class random_numbers {
 public:
  explicit random_numbers(std::uint64_t seed) : state_(seed) {}
  std::uint64_t operator()() {
    std::uint64_t mixed = state_ += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
  }
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>((*this)() % limit); }
  bool one_in(std::size_t count) { return below(count) == 0; }
  std::string bytes(std::size_t count) {
    std::string text(count, '\0');
    for (char& c : text) c = static_cast<char>((*this)() & 0xFF);
    return text;
  }

 private:
  std::uint64_t state_;
};

template <typename Environment>
using default_store = strata::engine::lsm_store<Environment, strata::memtable::btree, strata::wal::mapped,
                                                strata::sstable::block_table<>, strata::compaction::leveled>;
using memory_world = strata::environment::in_memory;
using memory_store = default_store<memory_world>;

// Every amount as small as it may be: flushes, rotations, merges and several levels after a few hundred writes.
inline strata::options tiny_options() {
  strata::options amounts;
  amounts.memtable_bytes = strata::operator""_KiB(64);
  amounts.table_bytes = strata::operator""_KiB(16);
  amounts.block_bytes = strata::operator""_KiB(1);
  amounts.cache_bytes = strata::operator""_KiB(64);
  amounts.memtables_max = 2;
  amounts.manifest_bytes = strata::operator""_KiB(4);
  amounts.compaction.level_bytes_base = strata::operator""_KiB(64);
  amounts.compaction.fan_out = 4;
  amounts.compaction.level0_runs = 2;
  amounts.expiry_margin = std::chrono::minutes(0);
  return amounts;
}

// Fails the test with the error's own words.
template <typename Result>
void require_ok(const Result& outcome) {
  if (outcome.has_value()) return;
  FAIL(outcome.error().message());
}

// The code of a failure; errc{} where there is none.
template <typename Result>
strata::errc code_of(const Result& outcome) {
  return outcome.has_value() ? strata::errc{} : outcome.error().code();
}

template <typename Store, typename Environment>
std::unique_ptr<Store> open_store(const Environment& environment, std::string_view directory,
                                  const strata::options& amounts = tiny_options()) {
  auto opened = Store::open(environment, directory, amounts);
  require_ok(opened);
  return std::move(*opened);
}

template <typename Store>
strata::result<strata::sequence_number> put(Store& store, std::string_view key, std::string_view value,
                                            strata::durability wanted = strata::durability::none) {
  strata::engine::write_batch batch;
  batch.put(0, key, value);
  return store.commit(batch, wanted);
}
template <typename Store>
strata::result<strata::sequence_number> erase(Store& store, std::string_view key) {
  strata::engine::write_batch batch;
  batch.erase(0, key);
  return store.commit(batch, strata::durability::none);
}

template <typename Store>
std::optional<std::string> get(Store& store, std::string_view key, strata::sequence_number at = strata::sequence_max) {
  std::optional<std::string> value;
  auto found = store.get(key, at, [&](strata::bytes_view v, strata::sequence_number, std::uint64_t) { value = std::string(v); });
  require_ok(found);
  REQUIRE(*found == value.has_value());
  return value;
}

using contents = std::map<std::string, std::string>;

template <typename Store>
contents scan(Store& store, strata::sequence_number at = strata::sequence_max) {
  auto made = store.make_cursor({"", "", true}, at);
  require_ok(made);
  auto& cursor = **made;
  contents all;
  for (cursor.seek_first(); cursor.valid(); cursor.next()) all.emplace(cursor.key(), cursor.value());
  require_ok(cursor.status());
  return all;
}

template <typename Environment>
std::vector<std::string> sorted_names(const Environment& environment, std::string_view directory) {
  auto names = environment.list_directory(directory);
  require_ok(names);
  std::sort(names->begin(), names->end());
  return *names;
}

// A whole file, and a file made of bytes.
template <typename Environment>
std::string read_file(const Environment& environment, std::string_view path) {
  auto file = environment.open_readable(path);
  require_ok(file);
  std::string bytes(static_cast<std::size_t>(file->size()), '\0');
  auto count = file->read(0, bytes.data(), bytes.size());
  require_ok(count);
  REQUIRE(*count == bytes.size());
  return bytes;
}
template <typename Environment>
void write_file(const Environment& environment, std::string_view path, std::string_view bytes) {
  auto there = environment.file_exists(path);
  require_ok(there);
  if (*there) require_ok(environment.remove_file(path));
  auto file = environment.create_file(path);
  require_ok(file);
  require_ok(file->append(bytes));
  require_ok(file->close());
}

// Removes a directory and the files in it.
template <typename Environment>
void remove_with_files(const Environment& environment, const std::string& directory) {
  for (const std::string& name : sorted_names(environment, directory)) require_ok(environment.remove_file(directory + "/" + name));
  require_ok(environment.remove_directory(directory));
}

// Calls use(segment) for each segment of the log of the store in "store".
template <typename Environment, typename Use>
void each_log_segment(const Environment& environment, Use use) {
  auto current = strata::engine::read_current(environment, "store");
  require_ok(current);
  for (const std::string& name : sorted_names(environment, "store")) {
    const auto parsed = strata::engine::parse_file_name(name);
    if (parsed.type != strata::engine::file_type::log) continue;
    use(strata::wal::segment{"store/" + name, parsed.number, current->store_id, 0});
  }
}

// Goes on with a segment where its records end: use(writer).
template <typename Environment, typename Use>
void reopen_segment(const Environment& environment, const strata::wal::segment& segment, Use use) {
  auto tail = strata::wal::segmented::replay(environment, segment, [](strata::bytes_view, std::uint64_t) { return strata::result<void>(); });
  require_ok(tail);
  auto writer = strata::wal::segmented::writer<Environment>::reopen(environment, segment, *tail);
  require_ok(writer);
  use(*writer);
}

// Behind the records of the log: the group of a batch, as a write leaves it that failed too late.
template <typename Environment>
void append_to_log(const Environment& environment, const strata::engine::write_batch& batch) {
  each_log_segment(environment, [&](const strata::wal::segment& segment) {
    reopen_segment(environment, segment, [&](auto& writer) { require_ok(writer.append(batch.group_bytes())); });
  });
}

inline std::string hex(std::string_view bytes) {
  static const char digits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

}  // namespace strata_tests

#endif
