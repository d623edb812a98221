#include "memtable/contract.hpp"

#include <type_traits>

#include <strata/memtable/skip_list.hpp>

using strata::memtable::skip_list;

TEST_CASE("memtable::skip_list meets the contract of memtables") {
  strata::testing::memtable_contract<skip_list>(2000);
}

TEST_CASE("memtable::skip_list fills the memtable slot, never throws and never moves") {
  STATIC_REQUIRE(std::is_same_v<skip_list::strata_slot, strata::slot::memtable>);
  STATIC_REQUIRE(std::is_nothrow_default_constructible_v<skip_list>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<skip_list>);
  strata::entry out;
  const skip_list list;
  STATIC_REQUIRE(noexcept(list.get("", 0, out)));
  STATIC_REQUIRE(noexcept(skip_list::cursor(list).next()));
}

// The same inserts must take the same memory on every run, or a simulation could not be repeated.
TEST_CASE("memtable::skip_list is the same list for the same inserts") {
  std::vector<std::size_t> sizes;
  for (int run = 0; run < 2; ++run) {
    skip_list list;
    for (int i = 0; i < 5000; ++i)
      strata::testing::insert(list,
                              {std::to_string(i * 7919 % 5000), std::string(40, 'v'), 1, strata::value_kind::value});
    sizes.push_back(list.bytes());
  }
  CHECK(sizes[0] == sizes[1]);
  CHECK(sizes[0] < 5000 * (44 + 16 + 32 + 16) + (2u << 20));  // what the header promises, and a chunk to spare
}
