// The smallest policy of every slot: what holds here hangs on the requirements alone.
#include "engine/contract.hpp"
#include "engine/one_stream.hpp"

#include <strata/compaction/archetype.hpp>
#include <strata/memtable/archetype.hpp>
#include <strata/sstable/archetype.hpp>
#include <strata/wal/archetype.hpp>

using namespace strata_tests;

TEST_CASE("a store of archetypes answers as an oracle does", "[engine]") {
  using store = strata::engine::lsm_store<memory_world, strata::memtable::archetype, strata::wal::archetype,
                                          strata::sstable::archetype, strata::compaction::archetype>;
  engine_contract<store>(memory_world(), "store", 21, 120'000);
  for (std::uint64_t seed = 22; seed < 22 + rounds(4, 50); ++seed) engine_contract<store>(memory_world(), "store", seed, 30'000);
  check_one_stream<store>(memory_world(), "stream", 4);
}
