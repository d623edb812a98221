#include "interleavings/steps.hpp"

#include <algorithm>

using namespace strata_tests;
using strata::memtable::skip_list;

namespace {

std::string key_of(std::size_t i) {
  // Alike in front, and not in their order: also before and behind what the heads are learned from.
  const std::string number = std::to_string(i * 7919 % 1000);
  if (i % 11 == 3) return "a" + number;
  if (i % 11 == 7) return "zz" + number;
  return "collection/" + number;
}

}  // namespace

TEST_CASE("beside a writer, whatever steps meet, readers find all that was there when they began, in order, and nothing half done", "[interleavings][skip_list]") {
  each_interleaving(rounds(500, 200'000), 4'000, [](std::uint64_t seed, const simulated& world) {
    skip_list list;
    // Around where the list learns its heads, and further.
    const std::size_t before = seed % 40;
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
      skip_list::cursor at(list);
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
