// The default composition.
#include "engine/contract.hpp"

using namespace strata_tests;

TEST_CASE("the default composition answers as an oracle does", "[engine]") {
  engine_contract<memory_store>(strata::environment::in_memory(), "store", 1, 200'000);
  for (std::uint64_t seed = 2; seed <= rounds(2, 50); ++seed)
    engine_contract<memory_store>(strata::environment::in_memory(), "store", seed, 40'000);
}
