// Without a log: an orderly close keeps everything all the same.
#include "engine/contract.hpp"
#include "engine/failing_environment.hpp"
#include "engine/one_stream.hpp"

#include <strata/wal/none.hpp>

using namespace strata_tests;

using unlogged_store = strata::engine::lsm_store<memory_world, strata::memtable::btree, strata::wal::none,
                                                 strata::sstable::block_table<>, strata::compaction::leveled>;

TEST_CASE("a store without a log answers as an oracle does", "[engine]") {
  engine_contract<unlogged_store>(memory_world(), "store", 31, 120'000);
  for (std::uint64_t seed = 32; seed < 32 + rounds(4, 100); ++seed)
    engine_contract<unlogged_store>(memory_world(), "store", seed, 30'000);
  check_one_stream<unlogged_store>(memory_world(), "stream", 5);
}

TEST_CASE("a store without a log offers no durability but none, and a commit may ask to be flushed", "[engine]") {
  const memory_world environment;
  strata::options amounts = tiny_options();
  amounts.durability = strata::durability::buffered;
  CHECK(code_of(unlogged_store::open(environment, "store", amounts)) == strata::errc::unsupported);
  CHECK_FALSE(*environment.file_exists("store"));
  amounts.durability = strata::durability::none;
  {
    auto store = open_store<unlogged_store>(environment, "store", amounts);
    require_ok(put(*store, "a", "1", strata::durability::strict));
    CHECK(store->stats().tables == 1);
    CHECK(store->stats().memtable_entries == 0);
    require_ok(put(*store, "b", "2"));
    CHECK(store->stats().memtable_entries == 1);
    for (const std::string& name : sorted_names(environment, "store")) CHECK(name.find(".log") == std::string::npos);
  }
  auto store = open_store<unlogged_store>(environment, "store", amounts);
  CHECK(scan(*store) == contents{{"a", "1"}, {"b", "2"}});
}

TEST_CASE("without a log, a close that can't flush what is in memory says so", "[engine]") {
  using failing_unlogged_store = strata::engine::lsm_store<failing_environment, strata::memtable::btree, strata::wal::none,
                                                           strata::sstable::block_table<>, strata::compaction::leveled>;
  const failing_environment environment;
  auto store = open_store<failing_unlogged_store>(environment, "store");
  require_ok(put(*store, "a", "1"));
  environment.fail(only(call::create), 1, strata::errc::io_error);
  CHECK(code_of(store->flush()) == strata::errc::io_error);
  CHECK(code_of(store->close()) == strata::errc::io_error);
}

TEST_CASE("a store without a log refuses to hide the commits in one, and opens when they are in tables", "[engine]") {
  const memory_world environment;
  {
    auto store = open_store<memory_store>(environment, "store");
    require_ok(put(*store, "a", "1"));
  }
  const std::vector<std::string> before = sorted_names(environment, "store");
  for (const bool writes : {false, true}) {
    auto opened = writes ? unlogged_store::open(environment, "store", tiny_options())
                         : unlogged_store::open_read_only(environment, "store", tiny_options());
    CHECK(code_of(opened) == strata::errc::unsupported);
    CHECK(sorted_names(environment, "store") == before);
  }
  {
    auto store = open_store<memory_store>(environment, "store");
    CHECK(get(*store, "a") == "1");
    require_ok(store->flush());
  }
  CHECK(get(*open_store<unlogged_store>(environment, "store"), "a") == "1");
}

TEST_CASE("a store goes on behind its newest sequence when its durability changes", "[engine]") {
  const memory_world environment;
  strata::options amounts = tiny_options();
  contents expected;
  strata::sequence_number last = 0;
  for (int life = 0; life < 12; ++life) {
    amounts.durability = static_cast<strata::durability>(life * 7 % 3);
    auto store = open_store<memory_store>(environment, "store", amounts);
    CHECK(scan(*store) == expected);
    for (int i = 0; i < 20; ++i) {
      const std::string key = "k" + std::to_string(life * 5 + i);
      auto committed = put(*store, key, std::to_string(life));
      require_ok(committed);
      REQUIRE(*committed > last);
      last = *committed;
      expected[key] = std::to_string(life);
      if (i == life) require_ok(store->flush());
    }
    require_ok(store->close());
  }
  CHECK(scan(*open_store<memory_store>(environment, "store", amounts)) == expected);
}
