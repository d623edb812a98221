// The default composition, over files in memory and over those of the operating system.
#include "engine/contract.hpp"

#include <strata/environment/posix.hpp>

using namespace strata_tests;

TEST_CASE("the default composition answers as an oracle does", "[engine]") {
  engine_contract<memory_store>(strata::environment::in_memory(), "store", 1, 120'000);
  for (std::uint64_t seed = 2; seed <= rounds(4, 100); ++seed)
    engine_contract<memory_store>(strata::environment::in_memory(), "store", seed, 30'000);
}

TEST_CASE("the default composition answers as an oracle does on the file system", "[engine]") {
  const strata::environment::posix environment;
  auto directory = environment.temporary_directory();
  require_ok(directory);
  for (std::uint64_t seed = 1; seed <= rounds(1, 10); ++seed) {
    const std::string store = *directory + "/" + std::to_string(seed);
    engine_contract<default_store<strata::environment::posix>>(environment, store, seed, 30'000);
    for (const std::string& name : sorted_names(environment, store)) require_ok(environment.remove_file(store + "/" + name));
    require_ok(environment.remove_directory(store));
  }
  require_ok(environment.remove_directory(*directory));
}
