#include "contract.hpp"

#include <strata/environment/in_memory.hpp>
#include <strata/sstable/archetype.hpp>

using namespace strata;

TEST_CASE("the archetype of a sorted table keeps the contract") {
  testing::sstable_contract<sstable::archetype, environment::in_memory>();
}
