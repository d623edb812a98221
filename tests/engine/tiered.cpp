// Tiered compaction over tables without a filter.
#include "engine/contract.hpp"
#include "engine/one_stream.hpp"

#include <strata/compaction/tiered.hpp>
#include <strata/memtable/skip_list.hpp>

using namespace strata_tests;

TEST_CASE("a tiered store without filters answers as an oracle does", "[engine]") {
  using store = strata::engine::lsm_store<memory_world, strata::memtable::skip_list, strata::wal::segmented,
                                          strata::sstable::block_table<strata::filter::none>, strata::compaction::tiered>;
  engine_contract<store>(memory_world(), "store", 11, 120'000);
  for (std::uint64_t seed = 12; seed < 12 + rounds(4, 100); ++seed) engine_contract<store>(memory_world(), "store", seed, 30'000);
  check_one_stream<store>(memory_world(), "stream", 3);
}
