// One table of all entries, its blocks in the cache: gets, seeks, and a walk.
#include <strata/core/hash.hpp>
#include <strata/environment/posix.hpp>

#include "workshop.hpp"

namespace benchmark {
namespace {

constexpr row get_hit = {"table: get, there, warm", "ns"};
constexpr row get_miss = {"table: get, absent", "ns"};
constexpr row seek = {"table: seek, warm", "ns"};
constexpr row next = {"table: next, warm", "ns", 20};

using shop = workshop<strata::environment::posix>;

double get_hits(const shop::table& from, const data_set& data, const key_list& keys) {
  value_check check(data, 0, 0);
  shop::table::lookup found;
  return ns_each(timed::by_thread, keys.size(), [&] {
    for (std::uint64_t i = 0; i < keys.size(); ++i) {
      require(checked(from.get(keys[i], strata::hash64(keys[i]), strata::sequence_max, found), "get"), "a table lacks a key");
      check(keys.entry(i), found.found().value);
    }
  });
}

double get_misses(const shop::table& from, const key_list& keys) {
  shop::table::lookup found;
  return ns_each(timed::by_thread, keys.size(), [&] {
    for (std::uint64_t i = 0; i < keys.size(); ++i)
      require(!checked(from.get(keys[i], strata::hash64(keys[i]), strata::sequence_max, found), "get"), "a table has a key too many");
  });
}

double seek_all(const shop::table& from, const data_set& data, const key_list& keys) {
  value_check check(data, 0, 0);
  shop::table::cursor at(from, strata::sstable::usage::scan);
  return ns_each(timed::by_thread, keys.size(), [&] {
    for (std::uint64_t i = 0; i < keys.size(); ++i) {
      at.seek(keys[i], strata::sequence_max);
      require(at.valid(), "a seek finds nothing");
      check(keys.entry(i), at.current().value);
    }
  });
}

double walk(const shop::table& over, const data_set& data) {
  row_check check(data, 0, 0, 0);
  shop::table::cursor at(over, strata::sstable::usage::scan);
  const double ns = ns_each(timed::by_thread, data.entries(), [&] {
    for (at.seek_first(); at.valid(); at.next()) {
      const strata::entry current = at.current();
      check(current.key, current.value);
    }
  });
  checked(at.status(), "walk");
  require(check.count() == data.entries(), "a walk does not meet every entry");
  return ns;
}

}  // namespace

void measure_tables(stages& to) {
  if (!to.wants_any({get_hit, get_miss, seek, next})) return;
  const data_set& data = to.data();
  shop work(strata::environment::posix(), to.asked().directory);
  const shop::sorted_run run = work.make_run(data, [](std::uint64_t) { return true; });
  const shop::table& table = run.tables[0]->table();
  const key_list hits = keys_to_look_up(data), misses = keys_absent(data);
  static_cast<void>(walk(table, data));  // brings the blocks into the cache
  for (std::uint64_t round = 0; round < to.asked().runs; ++round) {
    to.measure(get_hit, [&] { return get_hits(table, data, hits); });
    to.measure(get_miss, [&] { return get_misses(table, misses); });
    to.measure(seek, [&] { return seek_all(table, data, hits); });
    to.measure(next, [&] { return walk(table, data); });
  }
}

}  // namespace benchmark
