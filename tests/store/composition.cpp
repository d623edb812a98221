// Compositions: policies in any order, defaults for empty slots, and that the type of a store is its policies.
#include "test.hpp"

#include <strata/strata.hpp>

namespace {

using defaults = strata::detail::composition<>;
using chosen = strata::detail::composition<strata::compaction::tiered, strata::wal::none, strata::environment::in_memory>;
using reordered = strata::detail::composition<strata::environment::in_memory, strata::compaction::tiered, strata::wal::none>;

static_assert(std::is_same_v<defaults::environment, strata::environment::posix>);
static_assert(std::is_same_v<defaults::memtable, strata::memtable::btree>);
static_assert(std::is_same_v<defaults::wal, strata::wal::mapped>);
static_assert(std::is_same_v<defaults::compaction, strata::compaction::leveled>);
static_assert(std::is_same_v<chosen::engine_type, reordered::engine_type>);
static_assert(std::is_same_v<chosen::sstable, strata::sstable::block_table<>>);
static_assert(strata::detail::composition<strata::engine::in_memory>::is_in_memory);
static_assert(strata::store<strata::compaction::fifo>::discards_live_data);
static_assert(!strata::store<>::discards_live_data);

constexpr strata::kv<int, int> first_rows{"first"};
constexpr strata::kv<int, int> second_rows{"second"};
constexpr strata::kv<int, std::string> third_rows{"third"};
using schema = strata::schema<first_rows, second_rows, third_rows>;
static_assert(schema::size == 3);
static_assert(schema::index_of(second_rows) == 1);
static_assert(schema::index_of(third_rows) == 2);
static_assert(schema::index_of(strata::kv<int, int>{"absent"}) == 3);
static_assert(schema::has_type<strata::kv<int, int>> && !schema::has_type<strata::kv<int, long>>);

}  // namespace

TEST_CASE("collections of one type are told apart by their names") {
  auto db = strata::store<strata::engine::in_memory, schema>::open("").value();
  db[first_rows].put(1, 10).value();
  db[second_rows].put(1, 20).value();
  db[third_rows].put(1, "30").value();
  REQUIRE(db[first_rows].get(1).value() == 10);
  REQUIRE(db[second_rows].get(1).value() == 20);
  REQUIRE(db[third_rows].get(1).value() == "30");
}
