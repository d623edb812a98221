// A store that drops its oldest data keeps what it is made of: the catalogue. What is dropped is rows, and no more.
#include "test.hpp"

#include <strata/strata.hpp>

namespace {

using environment = strata::environment::in_memory;
using fifo_store = strata::store<environment, strata::compaction::fifo>;
using leveled_store = strata::store<environment, strata::compaction::leveled>;
using names = std::vector<std::string>;

constexpr strata::kv<std::uint32_t, std::string> a{"a"};
constexpr strata::kv<std::uint32_t, std::string> b{"b"};

strata::options small_options() {
  strata::options amounts;
  amounts.memtable_bytes = 64 << 10;
  amounts.table_bytes = 16 << 10;
  amounts.block_bytes = 1 << 10;
  amounts.compaction.fifo_bytes_max = 200 << 10;
  amounts.compaction.level_bytes_base = 64 << 10;
  return amounts;
}

// Rows to be dropped, from key 1000 on: `bytes` of them, flushed now and then.
template <typename Store>
void fill(Store& db, std::size_t bytes) {
  const std::string row(1000, 'b');
  for (std::uint32_t i = 0; i < bytes / row.size(); ++i) db[b].put(1000 + i, row).value();
  db.flush().value();
}

}  // namespace

TEST_CASE("the catalogue's rows are run 0 to the engine, and no other rows are") {
  using strata::compaction::reserved_run_limit;
  REQUIRE(strata::primitive::system_run == 0);
  REQUIRE(strata::detail::catalogue_key('c', std::string(255, '\xFF')) < reserved_run_limit);
  for (const std::uint64_t run : {strata::primitive::default_run, std::uint64_t{127}, std::uint64_t{128}, UINT64_MAX}) {
    strata::byte_string least;
    strata::primitive::append_key_prefix(least, run, 0);
    REQUIRE(least >= reserved_run_limit);
  }
}

TEST_CASE("a store that discards old rows never discards what its collections are") {
  const environment world;
  std::size_t rows = 0;
  {
    fifo_store db = fifo_store::open(world, "db", small_options()).value();
    db[a].put(5, "a's").value();
    db[b].put(5, "b's").value();
    fill(db, 1 << 20);
    db.compact().value();
    REQUIRE_FALSE(db[a].get(5).value().has_value());  // old enough to go
    REQUIRE(db.collections().value() == names{"a", "b"});
    rows = db[b].count().value();
    REQUIRE(rows > 0);
    REQUIRE(rows < 300);
  }
  for (int life = 0; life < 3; ++life) {
    fifo_store db = fifo_store::open(world, "db", small_options()).value();
    REQUIRE(db.collections().value().size() == static_cast<std::size_t>(2 + life));
    if (life == 0) REQUIRE(db[b].count().value() == rows);
    // Were a's id given to b, this would be a's.
    db[a].put(6, "a's").value();
    REQUIRE_FALSE(db[b].get(6).value().has_value());
    const std::string later = "later " + std::to_string(life);
    db[strata::kv<std::uint32_t, std::string>{later}].put(6, "later's").value();
    REQUIRE(db[a].get(6).value() == "a's");
    fill(db, 512 << 10);
    db.compact().value();
    REQUIRE(db.collections().value().size() == static_cast<std::size_t>(3 + life));
    REQUIRE(db.stats().table_bytes < 300 << 10);
    db.verify().value();
  }
}

TEST_CASE("what another policy laid down in one table is parted before anything of it is discarded") {
  const environment world;
  {
    leveled_store db = leveled_store::open(world, "db", small_options()).value();
    db[a].put(5, "a's").value();
    db[b].put(5, "b's").value();
    SECTION("in level 0") { db.flush().value(); }
    SECTION("merged") { db.compact().value(); }
    SECTION("merged, with more above") {
      db.compact().value();
      db[strata::kv<std::uint32_t, std::string>{"c"}].put(1, "c's").value();
      db.flush().value();
    }
    SECTION("still in the log") {}
  }
  fifo_store db = fifo_store::open(world, "db", small_options()).value();
  const names before = db.collections().value();
  REQUIRE(before.size() >= 2);
  REQUIRE(db[a].get(5).value() == "a's");
  fill(db, 1 << 20);
  db.compact().value();
  REQUIRE_FALSE(db[a].get(5).value().has_value());
  REQUIRE(db.collections().value() == before);
  REQUIRE(db.stats().table_bytes < 300 << 10);
}
