// Compositions that mix what is usual with archetypes: no shelf relies on its neighbour.
#include "engine/contract.hpp"
#include "engine/one_stream.hpp"

#include <strata/compaction/tiered.hpp>
#include <strata/memtable/archetype.hpp>
#include <strata/memtable/skip_list.hpp>
#include <strata/sstable/archetype.hpp>
#include <strata/wal/archetype.hpp>

using namespace strata_tests;

TEST_CASE("a store with the archetype's log and tables answers as an oracle does", "[engine]") {
  using store = strata::engine::lsm_store<memory_world, strata::memtable::skip_list, strata::wal::archetype,
                                          strata::sstable::archetype, strata::compaction::tiered>;
  engine_contract<store>(memory_world(), "store", 41, 120'000);
  for (std::uint64_t seed = 42; seed < 42 + rounds(4, 50); ++seed) engine_contract<store>(memory_world(), "store", seed, 30'000);
  check_one_stream<store>(memory_world(), "stream", 6);
}

TEST_CASE("a store with the archetype's memtable and wide filters answers as an oracle does", "[engine]") {
  using store = strata::engine::lsm_store<memory_world, strata::memtable::archetype, strata::wal::segmented,
                                          strata::sstable::block_table<strata::filter::blocked_bloom<16>>,
                                          strata::compaction::leveled>;
  engine_contract<store>(memory_world(), "store", 51, 120'000);
  for (std::uint64_t seed = 52; seed < 52 + rounds(4, 50); ++seed) engine_contract<store>(memory_world(), "store", seed, 30'000);
  check_one_stream<store>(memory_world(), "stream", 7);
}
