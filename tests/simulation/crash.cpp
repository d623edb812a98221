// A power cut at every call of the disk, before and after it, of workloads of every kind, and at every call of the
// openings that follow it.
#include "simulation/crashes.hpp"

#include <strata/compaction/tiered.hpp>
#include <strata/memtable/archetype.hpp>
#include <strata/memtable/skip_list.hpp>
#include <strata/sstable/archetype.hpp>
#include <strata/wal/archetype.hpp>
#include <strata/wal/none.hpp>

using namespace strata_tests;
using strata::durability;

namespace {

template <typename Memtable, typename Wal, typename Sstable, typename Compaction>
using store_of = strata::engine::lsm_store<simulated, Memtable, Wal, Sstable, Compaction>;

const std::vector<workload_shape> shapes = {
    // name, durability, steps, of 100 steps: flushes, compactions, reopenings, range erasures, erasures, strict; bytes, keys
    {"strict commits", durability::strict, 30, 0, 0, 0, 0, 10, 0, 60},
    {"buffered commits", durability::buffered, 16, 0, 0, 0, 0, 10, 20, 60},
    {"large values", durability::buffered, 16, 5, 3, 5, 0, 10, 30, 9000},
    {"flushes", durability::buffered, 24, 20, 0, 0, 5, 10, 20, 60},
    {"strict merges", durability::strict, 30, 20, 12, 0, 5, 10, 0, 200},
    {"buffered merges", durability::buffered, 24, 15, 10, 5, 5, 10, 10, 200},
    {"reopenings", durability::buffered, 24, 8, 4, 20, 5, 10, 20, 60},
    {"range erasures", durability::strict, 30, 12, 8, 5, 40, 5, 0, 60, 20},
    {"few keys", durability::buffered, 24, 12, 8, 8, 8, 30, 20, 60, 3},
    {"all", durability::buffered, 30, 12, 8, 8, 10, 10, 20, 2000},
    {"never synced", durability::buffered, 20, 5, 3, 5, 5, 10, 10, 20'000, 12, strata::options::never},
};

template <typename Store>
void crash_everywhere(const char* composition) {
  std::uint64_t images = 0;
  std::uint64_t calls = 0;
  for (workload_shape shape : shapes) {
    if (!Store::logs_commits) {
      shape.durability = durability::none;
      shape.strict_commits = 0;
    }
    each_seed(rounds(1, 40), [&](std::uint64_t seed) {
      crash_run<Store> run(shape, seed, crash_effort::cuts, crash_effort::depth);
      run.run();
      images += run.images();
      calls += run.calls();
    });
  }
  WARN(composition << ": " << images << " images at " << calls << " calls");
  CHECK(images > crash_effort::images_least);
}

}  // namespace

TEST_CASE("whatever a power cut leaves of a store, it holds what was acknowledged, and a prefix of the commits", "[simulation][crash]") {
  crash_everywhere<default_store<simulated>>("default");
}
TEST_CASE("so it is with tiered compaction and without filters", "[simulation][crash]") {
  crash_everywhere<store_of<strata::memtable::archetype, strata::wal::segmented, strata::sstable::block_table<strata::filter::none>, strata::compaction::tiered>>("tiered");
}
TEST_CASE("so it is with the archetypes of log and tables", "[simulation][crash]") {
  crash_everywhere<store_of<strata::memtable::skip_list, strata::wal::archetype, strata::sstable::archetype, strata::compaction::leveled>>("archetypes");
}
TEST_CASE("without a log a power cut leaves a prefix with all that was flushed", "[simulation][crash]") {
  crash_everywhere<store_of<strata::memtable::skip_list, strata::wal::none, strata::sstable::block_table<>, strata::compaction::leveled>>("no log");
}
