// The memtables alone: an insert as a commit of one write does it (reserve, insert), and a look-up, which finds or not.
#include <strata/memtable/btree.hpp>
#include <strata/memtable/skip_list.hpp>

#include "stage.hpp"

namespace benchmark {
namespace {

struct memtable_rows {
  row insert_at_random, insert_in_order, get_hit, get_miss;
};
constexpr memtable_rows btree_rows = {{"memtable btree: insert, random order", "ns", 350},
                                      {"memtable btree: insert, in order", "ns"},
                                      {"memtable btree: get, there", "ns"},
                                      {"memtable btree: get, absent", "ns"}};
constexpr memtable_rows skip_list_rows = {{"memtable skip_list: insert, random order", "ns"},
                                          {"memtable skip_list: insert, in order", "ns"},
                                          {"memtable skip_list: get, there", "ns"},
                                          {"memtable skip_list: get, absent", "ns"}};

template <typename Memtable>
double fill(Memtable& into, const data_set& data, const key_list& keys) {
  const double ns = ns_each(timed::by_thread, keys.size(), [&] {
    for (std::uint64_t i = 0; i < keys.size(); ++i) {
      const std::string_view key = keys[i];
      const std::string_view value = data.value(keys.entry(i), 0);
      checked(into.reserve(1, key.size() + value.size()), "reserve");
      into.insert({key, value, i + 1, strata::value_kind::value});
    }
  });
  require(into.entries() == keys.size(), "a memtable does not count its entries");
  return ns;
}

template <typename Memtable>
double get_hits(const Memtable& from, const data_set& data, const key_list& keys) {
  value_check check(data, 0, 0);
  return ns_each(timed::by_thread, keys.size(), [&] {
    for (std::uint64_t i = 0; i < keys.size(); ++i) {
      strata::entry found;
      require(from.get(keys[i], strata::sequence_max, found), "a memtable lacks a key");
      check(keys.entry(i), found.value);
    }
  });
}

template <typename Memtable>
double get_misses(const Memtable& from, const key_list& keys) {
  return ns_each(timed::by_thread, keys.size(), [&] {
    for (std::uint64_t i = 0; i < keys.size(); ++i) {
      strata::entry found;
      require(!from.get(keys[i], strata::sequence_max, found), "a memtable has a key that was never inserted");
    }
  });
}

template <typename Memtable>
void measure_memtable(stages& to, const memtable_rows& rows) {
  if (!to.wants_any({rows.insert_at_random, rows.insert_in_order, rows.get_hit, rows.get_miss})) return;
  const data_set& data = to.data();
  const key_list in_order = keys_in_order(data), at_random = keys_at_random(data);
  const key_list hits = keys_to_look_up(data), misses = keys_absent(data);
  for (std::uint64_t run = 0; run < to.asked().runs; ++run) {
    to.measure(rows.insert_in_order, [&] {
      Memtable table;
      return fill(table, data, in_order);
    });
    Memtable table;
    to.take(rows.insert_at_random, fill(table, data, at_random));
    to.measure(rows.get_hit, [&] { return get_hits(table, data, hits); });
    to.measure(rows.get_miss, [&] { return get_misses(table, misses); });
  }
}

}  // namespace

void measure_memtables(stages& to) {
  measure_memtable<strata::memtable::btree>(to, btree_rows);
  measure_memtable<strata::memtable::skip_list>(to, skip_list_rows);
}

}  // namespace benchmark
