#include "compaction/contract.hpp"

#include <strata/compaction/archetype.hpp>

TEST_CASE("compaction::archetype meets the contract of policies") {
  strata::testing::compaction_contract<strata::compaction::archetype>();
}
