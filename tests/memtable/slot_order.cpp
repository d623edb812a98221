#include "test.hpp"

#include <strata/memtable/slot_order.hpp>

#include <set>
#include <vector>

using strata::memtable::slot_order;

namespace {

std::vector<unsigned> slots_of(std::uint64_t order) {
  std::vector<unsigned> all;
  for (unsigned rank = 0; rank < slot_order::slots; ++rank) all.push_back(slot_order::slot_of(order, rank));
  return all;
}

}  // namespace

TEST_CASE("slots come to stand where they are put, and those before and behind them stay in their order", "[memtable][slot_order]") {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    std::uint64_t random = seed, order = slot_order::none;
    std::vector<unsigned> expected;
    for (int turn = 0; turn < 60; ++turn) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      const auto count = static_cast<unsigned>(expected.size());
      REQUIRE(slot_order::count_of(order) == count);
      if (count == slot_order::slots || (random >> 60 == 0 && count > 0)) {
        const auto kept = static_cast<unsigned>((random >> 33) % (count + 1));
        order = slot_order::cut_to(order, kept);
        expected.resize(kept);
      } else {
        const auto rank = static_cast<unsigned>((random >> 33) % (count + 1));
        expected.insert(expected.begin() + rank, slot_order::slot_of(order, count));
        order = slot_order::with_slot_at(order, rank);
      }
      // Each slot once, whether filled or free.
      const std::vector<unsigned> all = slots_of(order);
      CHECK(std::set<unsigned>(all.begin(), all.end()).size() == slot_order::slots);
      CHECK(std::vector<unsigned>(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(expected.size())) == expected);
    }
  }
}
