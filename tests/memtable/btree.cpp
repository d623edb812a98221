#include "memtable/contract.hpp"

#include <type_traits>

#include <strata/memtable/btree.hpp>

using strata::memtable::btree;

TEST_CASE("memtable::btree meets the contract of memtables") { strata::testing::memtable_contract<btree>(4000); }

TEST_CASE("memtable::btree fills the memtable slot, never throws and never moves") {
  STATIC_REQUIRE(std::is_same_v<btree::strata_slot, strata::slot::memtable>);
  STATIC_REQUIRE(std::is_nothrow_default_constructible_v<btree>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<btree>);
  strata::entry out;
  const btree tree;
  STATIC_REQUIRE(noexcept(tree.get("", 0, out)));
  STATIC_REQUIRE(noexcept(btree::cursor(tree).next()));
}

namespace {

std::string key_of(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return "key" + std::string(12 - digits.size(), '0') + digits;
}

}  // namespace

// What the header promises; and the same inserts must take the same memory on every run, or a simulation could not be repeated.
TEST_CASE("memtable::btree takes what it says for an entry, however the keys come") {
  constexpr std::size_t count = 50'000;
  constexpr std::size_t chunk = std::size_t{1} << 20;
  const auto bytes_of = [&](auto key, std::size_t batch) {
    btree tree;
    for (std::size_t i = 0; i < count; i += batch) {
      REQUIRE(tree.reserve(batch, batch * (15 + 40)).has_value());
      for (std::size_t j = i; j < i + batch; ++j) tree.insert({key(j), std::string(40, 'v'), j + 1, strata::value_kind::value});
    }
    return tree.bytes();
  };
  const auto in_order = [](std::size_t i) { return key_of(i); };
  const auto backwards = [](std::size_t i) { return key_of(count - i); };
  const auto at_random = [](std::size_t i) { return key_of(i * 7919 % count); };
  for (const std::size_t batch : {std::size_t{1}, std::size_t{1000}, count}) {
    INFO("batches of " << batch);
    CHECK(bytes_of(in_order, batch) < count * (15 + 40 + 16 + 7 + 21) + 2 * chunk);
    CHECK(bytes_of(at_random, batch) < count * (15 + 40 + 16 + 7 + 33) + 2 * chunk);
    CHECK(bytes_of(backwards, batch) < count * (15 + 40 + 16 + 7 + 45) + 2 * chunk);
    CHECK(bytes_of(at_random, batch) == bytes_of(at_random, batch));
  }
}

TEST_CASE("memtable::btree has room for every insert that it said it had room for, however full its nodes are") {
  // Keys that fill each leaf by turns, so that batches meet full leaves everywhere.
  strata::testing::random_numbers random{11};
  btree tree;
  std::size_t inserted = 0;
  for (std::size_t round = 0; round < 300; ++round) {
    const std::size_t batch = 1 + random.below(round % 3 == 0 ? 2000 : 20);
    const std::uint64_t from = random.below(1'000'000);
    const std::uint64_t step = 1 + random.below(97);
    REQUIRE(tree.reserve(batch, batch * 15).has_value());
    for (std::size_t i = 0; i < batch; ++i) tree.insert({key_of((from + i * step) % 1'000'000), "", ++inserted, strata::value_kind::value});
  }
  CHECK(tree.entries() == inserted);
  std::size_t walked = 0;
  btree::cursor at(tree);
  for (at.seek_first(); at.valid(); at.next()) ++walked;
  CHECK(walked == inserted);
}

TEST_CASE("memtable::btree has room also where the last node of a level is full, gets a neighbour, and is split") {
  strata::testing::random_numbers random{5};
  for (std::size_t round = 0; round < 4000; ++round) {
    btree tree;
    std::uint64_t last = 500'000;
    for (std::size_t batches = 1 + random.below(30); batches > 0; --batches) {
      const std::size_t batch = 1 + random.below(round % 2 == 0 ? 3 : 60);
      REQUIRE(tree.reserve(batch, batch * 15).has_value());
      for (std::size_t i = 0; i < batch; ++i) {
        const bool at_the_end = random.below(3) != 0;
        const std::uint64_t number = at_the_end ? ++last : random.below(2) == 0 ? last - 1 - random.below(14) : random.below(last);
        tree.insert({key_of(number), "", i + 1, strata::value_kind::value});
      }
    }
  }
}

TEST_CASE("memtable::btree keeps any number of writes of one key and commit in their order") {
  btree tree;
  std::vector<std::string> expected;
  for (int i = 0; i < 500; ++i) {
    strata::testing::insert(tree, {i % 5 == 0 ? "a" : i % 5 == 1 ? "z" : "key", std::to_string(i), 7, strata::value_kind::value});
    if (i % 5 > 1) expected.insert(expected.begin(), std::to_string(i));
  }
  btree::cursor at(tree);
  std::vector<std::string> seen;
  for (at.seek("key", 7); at.valid() && at.current().key == "key"; at.next()) seen.emplace_back(at.current().value);
  CHECK(seen == expected);
  // And back from each of them.
  std::size_t wrong = 0;
  at.seek("z", 7);
  for (std::size_t left = expected.size(); left-- > 0;) {
    at.prev();
    wrong += !at.valid() || at.current().value != expected[left];
  }
  CHECK(wrong == 0);
  strata::entry found;
  REQUIRE(tree.get("key", 7, found));
  CHECK(found.value == expected.front());
}
