#include "interleavings/steps.hpp"

#include <algorithm>

#include <strata/memtable/btree.hpp>
#include <strata/memtable/skip_list.hpp>

using namespace strata_tests;
using strata::memtable::btree;
using strata::memtable::skip_list;

namespace {

std::string key_of(std::size_t i) {
  // Alike in front, and not in their order: also before and behind what the heads are learned from.
  const std::string number = std::to_string(i * 7919 % 1000);
  if (i % 11 == 3) return "a" + number;
  if (i % 11 == 7) return "zz" + number;
  return "collection/" + number;
}

// `before`: how many entries are there when the readers begin, by the seed.
template <typename Memtable>
void explore(std::size_t (*before_of)(std::uint64_t seed)) {
  each_interleaving(rounds(500, 200'000), 4'000, [&](std::uint64_t seed, const simulated& world) {
    Memtable list;
    const std::size_t before = before_of(seed);
    const std::size_t after = before + 12;
    std::size_t published = 0;
    std::string wrong;
    const auto insert = [&](std::size_t i) {
      const std::string key = key_of(i / 2), value = "value" + std::to_string(i);
      require_ok(list.reserve(1, key.size() + value.size()));
      list.insert({key, value, i + 1, strata::value_kind::value});
      published = i + 1;
    };
    for (std::size_t i = 0; i < before; ++i) insert(i);
    const auto get = [&](std::uint64_t bits) {
      for (int round = 0; round < 4; ++round, bits = bits * 6364136223846793005u + 1442695040888963407u) {
        const std::size_t known = published;
        if (known == 0) continue;
        const std::size_t wanted = static_cast<std::size_t>(bits >> 33) % known;
        strata::entry found;
        // As of this version: it is there; as of the newest: one no older.
        if (!list.get(key_of(wanted / 2), wanted + 1, found) || found.value != "value" + std::to_string(wanted)) wrong = "a version that is not found";
        if (!list.get(key_of(wanted / 2), strata::sequence_max, found) || found.sequence < wanted + 1) wrong = "an older version";
      }
    };
    const auto walk = [&](bool backwards) {
      const std::size_t known = published;
      typename Memtable::cursor at(list);
      std::vector<strata::entry> seen;
      for (backwards ? at.seek_last() : at.seek_first(); at.valid(); backwards ? at.prev() : at.next()) seen.push_back(at.current());
      if (backwards) std::reverse(seen.begin(), seen.end());
      for (std::size_t i = 1; i < seen.size(); ++i)
        if (strata::compare_versions(seen[i - 1].key, seen[i - 1].sequence, seen[i].key, seen[i].sequence) >= 0) wrong = "out of order";
      for (std::size_t i = 0; i < known; ++i)
        if (std::none_of(seen.begin(), seen.end(), [&](const strata::entry& each) { return each.sequence == i + 1 && each.key == key_of(i / 2); })) wrong = "an entry that a walk has missed";
      if (list.entries() < seen.size()) {
        // One may be linked and not yet counted.
        if (list.entries() + 1 < seen.size()) wrong = "more entries than were inserted";
      }
    };
    run_together(world, [&] { for (std::size_t i = before; i < after; ++i) insert(i); }, [&] { get(seed); }, [&] { get(seed * 31); },
                 [&] { walk(seed % 4 == 1); });
    if (!wrong.empty()) FAIL("seed " << seed << ": " << wrong);
  });
}

// A writer of twelve entries beside a reader of all; one of the two stands still at each of its steps in turn.
template <typename Memtable>
void explore_stops(std::size_t before, std::uint64_t stride) {
  std::uint64_t worlds = 0;
  each_stop(stride, [&](const simulated& world, std::uint64_t stop) {
    ++worlds;
    Memtable list;
    std::size_t published = 0;
    const auto insert = [&](std::size_t i) {
      const std::string key = key_of(i);
      require_ok(list.reserve(1, key.size()));
      list.insert({key, "", i + 1, strata::value_kind::value});
      published = i + 1;
    };
    for (std::size_t i = 0; i < before; ++i) insert(i);
    std::string wrong;
    const auto read = [&] {
      for (std::size_t i = 0; i < published; ++i) {
        const std::string key = key_of(i);
        strata::entry found;
        if (!list.get(key, strata::sequence_max, found) || found.sequence != i + 1) wrong = "get: " + key;
      }
      for (const bool backwards : {false, true}) {
        const auto is_ahead = [&](strata::bytes_view key, strata::bytes_view of) { return backwards ? key < of : key > of; };
        typename Memtable::cursor at(list);
        std::string here = backwards ? "~" : "";  // all are ahead of it
        for (bool begun = false; wrong.empty() && (!begun || at.valid()); begun = true) {
          if (begun) here = at.current().key;
          const std::size_t known = published;  // what is there when the move begins
          if (!begun) {
            backwards ? at.seek_last() : at.seek_first();
          } else {
            backwards ? at.prev() : at.next();
          }
          if (at.valid() && !is_ahead(at.current().key, here)) wrong = std::string(at.current().key) + " comes behind " + here;
          for (std::size_t i = 0; i < known; ++i)
            if (is_ahead(key_of(i), here) && (!at.valid() || is_ahead(at.current().key, key_of(i)))) wrong = key_of(i) + " is passed over";
        }
      }
    };
    run_stopped(world, stop, [&] { for (std::size_t i = before; i < before + 12; ++i) insert(i); }, [&] { read(); });
    if (!wrong.empty()) FAIL("stop " << stop << " with " << before << " before: " << wrong);
  });
  WARN(worlds << " stops with " << before << " before");
}

}  // namespace

TEST_CASE("whoever stands still at whatever step, a memtable's writer or a reader of it, the other sees all in order", "[interleavings][skip_list][btree]") {
  explore_stops<skip_list>(60, rounds(11, 1));
  // Across the first splits; across those of full leaves, with heads learned; across that of the first inner node.
  for (const std::size_t before : {12u, 60u}) explore_stops<btree>(before, rounds(before < 20 ? 1 : 5, 1));
  explore_stops<btree>(130, rounds(23, 1));
}

TEST_CASE("beside the writer of a skip list, whatever steps meet, readers find all that was there when they began, in order, and nothing half done", "[interleavings][skip_list]") {
  // Around where it learns its heads, and further.
  explore<skip_list>([](std::uint64_t seed) { return static_cast<std::size_t>(seed % 2 == 0 ? seed / 2 % 40 : 52 + seed / 2 % 20); });
}
TEST_CASE("beside the writer of a B+-tree, whatever steps meet, readers find all that was there when they began, in order, and nothing half done", "[interleavings][btree]") {
  // Around where it splits its first leaves; where it learns its heads; and where it splits its first inner node.
  explore<btree>([](std::uint64_t seed) {
    const std::uint64_t drawn = seed / 3;
    return static_cast<std::size_t>(seed % 3 == 0 ? 110 + drawn % 70 : seed % 3 == 1 ? 50 + drawn % 30 : drawn % 40);
  });
}
