// The default composition, over files in memory and over those of the operating system.
#include "engine/contract.hpp"
#include "engine/one_stream.hpp"

#include <strata/compaction/archetype.hpp>
#include <strata/environment/posix.hpp>

using namespace strata_tests;

TEST_CASE("the default composition answers as an oracle does", "[engine]") {
  engine_contract<memory_store>(strata::environment::in_memory(), "store", 1, 120'000);
  for (std::uint64_t seed = 2; seed <= rounds(4, 100); ++seed)
    engine_contract<memory_store>(strata::environment::in_memory(), "store", seed, 30'000);
  check_one_stream<memory_store>(strata::environment::in_memory(), "stream", 1);
}

TEST_CASE("the default composition answers as an oracle does on the file system", "[engine]") {
  const strata::environment::posix environment;
  auto directory = environment.temporary_directory();
  require_ok(directory);
  for (std::uint64_t seed = 1; seed <= rounds(1, 10); ++seed) {
    const std::string store = *directory + "/" + std::to_string(seed);
    engine_contract<default_store<strata::environment::posix>>(environment, store, seed, 30'000);
    remove_with_files(environment, store);
  }
  check_one_stream<default_store<strata::environment::posix>>(environment, *directory + "/stream", 2);
  require_ok(environment.remove_directory(*directory));
}

namespace {

// Everything into a fresh run of the level that leveled has its data in.
struct into_lowest : strata::compaction::archetype {
  std::optional<strata::compaction::plan> pick(const strata::compaction::shape&, const strata::compaction::amounts&) const {
    return std::nullopt;
  }
  std::optional<strata::compaction::plan> pick_all(const strata::compaction::shape& s, const strata::compaction::amounts& a) const {
    auto all = archetype::pick_all(s, a);
    if (all) all->output_level = strata::compaction::leveled::lowest_level_default;
    return all;
  }
};

}  // namespace

TEST_CASE("what joins a run that another policy made is one run with it, and the rest stays as it is", "[engine]") {
  using other_store = strata::engine::lsm_store<memory_world, strata::memtable::btree, strata::wal::segmented,
                                                strata::sstable::block_table<>, into_lowest>;
  const memory_world environment;
  strata::options amounts = tiny_options();
  amounts.compaction.level0_runs = 8;
  amounts.compaction.level_bytes_base = std::uint64_t{1} << 30;  // all goes straight to the lowest level
  const std::string value(200, 'v');
  contents expected;
  {
    auto other = open_store<other_store>(environment, "store", amounts);
    for (int i = 0; i < 3'000; ++i) {
      const std::string key = std::to_string(10'000 + i);
      expected[key] = value;
      require_ok(put(*other, key, value));
    }
    require_ok(other->compact());
    REQUIRE(other->stats().levels.size() == 8);
    REQUIRE(other->stats().tables > 5);
    require_ok(other->close());
  }
  auto store = open_store<memory_store>(environment, "store", amounts);
  const auto join = [&](const std::string& key, std::uint64_t bytes_max) {
    const std::uint64_t before = store->stats().compacted_bytes_written;
    expected[key] = key;
    require_ok(put(*store, key, key));
    require_ok(store->compact());
    INFO("key " << key);
    CHECK(store->stats().compacted_bytes_written - before <= bytes_max);
    CHECK(store->stats().levels.back().sorted_runs == 1);
    CHECK(store->stats().levels.size() == 8);
    CHECK(scan(*store) == expected);
  };
  join("11000", 128 << 10);  // merged with one table
  join("99999", 0);         // moved beside them all
  join("12000", 128 << 10);
}
