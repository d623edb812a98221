#include <strata/core/range_tombstones.hpp>

#include "test.hpp"

using namespace strata;

namespace {

// splitmix64
struct random_numbers {
  std::uint64_t state;
  std::size_t below(std::size_t limit) {
    std::uint64_t mixed = state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return static_cast<std::size_t>((mixed ^ (mixed >> 31)) % limit);
  }
};

std::string key(std::size_t number) { return std::string(number / 8, 'k') + static_cast<char>('a' + number % 8); }

}  // namespace

TEST_CASE("a list of range tombstones: nothing is covered by none, or by empty and backward ranges") {
  REQUIRE(range_tombstone_list().empty());
  REQUIRE(range_tombstone_list().covering("a", 9) == 0);
  const range_tombstone_list list({{"b", "b", 5}, {"z", "a", 6}});
  REQUIRE(list.empty());
  REQUIRE(list.covering("b", 9) == 0);
  REQUIRE(list.tombstones().empty());
}

TEST_CASE("a list of range tombstones: a range holds its begin and not its end, and is seen from its sequence on") {
  const range_tombstone_list list({{"b", "d", 5}});
  REQUIRE(list.covering("a\xFF", 9) == 0);
  REQUIRE(list.covering("b", 9) == 5);
  REQUIRE(list.covering("c\xFF", 9) == 5);
  REQUIRE(list.covering("d", 9) == 0);
  REQUIRE(list.covering("c", 5) == 5);
  REQUIRE(list.covering("c", 4) == 0);
}

TEST_CASE("a list of range tombstones: overlapping ranges are cut as the picture says") {
  const range_tombstone_list list({{"c", "z", 9}, {"a", "m", 7}});
  REQUIRE(list.fragments().size() == 3);
  REQUIRE(list.fragments()[0].begin == "a");
  REQUIRE(list.fragments()[0].end == "c");
  REQUIRE(list.fragments()[0].sequences == dynamic_array<sequence_number>{7});
  REQUIRE(list.fragments()[1].begin == "c");
  REQUIRE(list.fragments()[1].end == "m");
  REQUIRE(list.fragments()[1].sequences == dynamic_array<sequence_number>{9, 7});
  REQUIRE(list.fragments()[2].begin == "m");
  REQUIRE(list.fragments()[2].end == "z");
  REQUIRE(list.fragments()[2].sequences == dynamic_array<sequence_number>{9});
  REQUIRE(list.tombstones().size() == 4);
}

TEST_CASE("a list of range tombstones answers as asking each of them does, and again when it was taken apart") {
  random_numbers random{5};
  for (int round = 0; round < 300; ++round) {
    dynamic_array<range_tombstone> all;
    for (std::size_t count = random.below(12); count != 0; --count)
      all.push_back({key(random.below(40)), key(random.below(40)), 1 + random.below(10)});
    const range_tombstone_list list(all);
    const range_tombstone_list again(list.tombstones());
    for (std::size_t i = 0; i < 40; ++i)
      for (sequence_number at = 0; at < 12; ++at) {
        sequence_number expected = 0;
        for (const range_tombstone& one : all)
          if (one.begin <= key(i) && key(i) < one.end && one.sequence <= at && one.sequence > expected)
            expected = one.sequence;
        if (list.covering(key(i), at) != expected || again.covering(key(i), at) != expected) FAIL("round " << round);
      }
    for (std::size_t i = 0; i < list.fragments().size(); ++i) {
      const auto& piece = list.fragments()[i];
      REQUIRE(piece.begin < piece.end);
      REQUIRE_FALSE(piece.sequences.empty());
      for (std::size_t j = 1; j < piece.sequences.size(); ++j) REQUIRE(piece.sequences[j] < piece.sequences[j - 1]);
      if (i != 0) REQUIRE(list.fragments()[i - 1].end <= piece.begin);
    }
    REQUIRE(list.tombstones().size() == again.tombstones().size());
  }
}

TEST_CASE("a list of range tombstones: those of one sequence that overlap or touch are one") {
  const range_tombstone_list list({{"k", "m", 7}, {"a", "z", 7}, {"b", "c", 7}, {"z", "zz", 7}, {"zzz", "zzzz", 7}, {"y", "zz", 8}});
  REQUIRE(list.fragments().size() == 3);
  REQUIRE(list.fragments()[0].begin == "a");
  REQUIRE(list.fragments()[0].end == "y");
  REQUIRE(list.fragments()[1].end == "zz");
  REQUIRE(list.fragments()[1].sequences == dynamic_array<sequence_number>{8, 7});
  REQUIRE(list.fragments()[2].begin == "zzz");
}

TEST_CASE("a list of range tombstones can keep the newest alone") {
  const range_tombstone_list list({{"a", "m", 9}, {"c", "z", 7}, {"b", "d", 8}}, range_tombstone_list::keeping::newest);
  for (const auto& piece : list.fragments()) REQUIRE(piece.sequences.size() == 1);
  REQUIRE(list.covering("c", 9) == 9);
  REQUIRE(list.covering("m", 9) == 7);
  REQUIRE(list.covering("z", 9) == 0);
}
