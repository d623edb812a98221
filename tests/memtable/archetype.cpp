#include "memtable/contract.hpp"

#include <strata/memtable/archetype.hpp>

TEST_CASE("memtable::archetype meets the contract of memtables") {
  strata::testing::memtable_contract<strata::memtable::archetype>(400);
}
