#include "contract.hpp"

#include <strata/sstable/block_index.hpp>

using namespace strata;
using namespace strata::testing;

TEST_CASE("a separator is not below the last key, below the next, and no longer than either needs") {
  struct expectation {
    std::string last, next, separator;
  };
  const std::vector<expectation> expectations = {
      {"apple", "apricot", "apr"}, {"a", "b", "a"}, {"abc", "b", "abc"},
      {"abc", "abcd", "abc"},      {"", "x", ""},   {"user1999", "user2000", "user2"},
      {"a\xFF\xFF", "b0", "b"}};
  for (const auto& [last, next, expected] : expectations) {
    const bytes_view between = sstable::shortest_separator(last, next);
    REQUIRE(between == expected);
    REQUIRE(last <= between);
    REQUIRE(between < next);
  }
}

TEST_CASE("the index names the first block whose separator is not before a version") {
  table_random random{4};
  for (int round = 0; round < 40; ++round) {
    table_versions separators;
    const std::string prefix(random.below(12), 'p');
    for (std::size_t i = 1 + random.below(60); i != 0; --i) {
      std::string key = prefix;
      for (std::size_t length = random.below(14); length != 0; --length) key += "\0a\xFF"[random.below(3)];
      separators.push_back({key, "", random.below(3) == 0 ? 1 + random.below(5) : 0, value_kind::value});
    }
    separators = in_order(std::move(separators));
    sstable::index_writer writer;
    std::uint64_t end = 16;
    for (const table_version& one : separators) {
      writer.add(one.key, one.sequence, 100 + one.key.size());
      end += 100 + one.key.size();
    }
    std::string bytes;
    writer.append_to(bytes);
    sstable::block_index index;
    REQUIRE(index.load(bytes, 16, end) == nullptr);
    REQUIRE(index.blocks() == separators.size());
    for (const table_version& one : separators)
      for (const std::string& key : {one.key, one.key + '\0', one.key + '\xFF', one.key.substr(0, one.key.size() / 2),
                                     prefix, std::string("q"), std::string()})
        for (const sequence_number at : {sequence_number{0}, one.sequence, one.sequence + 1, sequence_max}) {
          std::size_t expected = 0;
          while (expected < separators.size() && separators[expected].before(key, at)) ++expected;
          REQUIRE(index.find(key, at) == expected);
        }
    sstable::block_index other;
    REQUIRE(other.load(bytes, 16, end + 1) != nullptr);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      sstable::block_index cut;
      REQUIRE(cut.load(bytes_view(bytes).substr(0, length), 16, end) != nullptr);
    }
  }
}

TEST_CASE("an index that claims more blocks than it has bytes is refused before memory is taken") {
  std::string bytes;
  append_fixed(bytes, std::uint32_t{0xFFFFFFFF});
  bytes += std::string(100, '\0');
  sstable::block_index index;
  REQUIRE(index.load(bytes, 16, 1 << 20) != nullptr);
}

TEST_CASE("separators out of order are refused") {
  sstable::index_writer writer;
  writer.add("b", 0, 50);
  writer.add("a", 0, 50);
  std::string bytes;
  writer.append_to(bytes);
  sstable::block_index index;
  REQUIRE(index.load(bytes, 16, 116) != nullptr);
}
