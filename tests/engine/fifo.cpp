// A store that drops its oldest data: what it still has is the newest of each key, and what was written lately is there.
#include "engine/stores.hpp"

#include <deque>

#include <strata/compaction/fifo.hpp>

using namespace strata_tests;

using world = strata::environment::in_memory;
using fifo_store = strata::engine::lsm_store<world, strata::memtable::skip_list, strata::wal::segmented,
                                             strata::sstable::block_table<>, strata::compaction::fifo>;

TEST_CASE("a fifo store holds the newest or nothing of each key, and all that was written lately", "[engine]") {
  STATIC_REQUIRE(fifo_store::discards_live_data);
  constexpr std::uint64_t bytes_kept = 512 << 10;
  for (std::uint64_t seed = 1; seed <= rounds(3, 50); ++seed) {
    INFO("seed " << seed);
    random_numbers random(seed);
    const world environment;
    strata::options amounts = tiny_options();
    amounts.compaction.fifo_bytes_max = bytes_kept;
    auto store = open_store<fifo_store>(environment, "store", amounts);
    contents newest;
    std::deque<std::pair<std::string, std::size_t>> lately;  // key, bytes of its commit
    std::size_t lately_bytes = 0;
    strata::sequence_number last = 0;
    std::size_t dropped = 0;
    std::size_t older = 0;
    std::size_t missing = 0;
    for (int i = 0; i < 70'000; ++i) {
      const std::string key = std::to_string(random.below(20'000));
      if (random.one_in(3)) {
        const auto found = newest.find(key);
        const std::optional<std::string> value = get(*store, key);
        if (value) {
          if (found == newest.end() || *value != found->second) ++older;
        } else if (found != newest.end()) {
          ++dropped;
        }
        continue;
      }
      strata::engine::write_batch batch;
      if (random.one_in(10)) {
        batch.erase(0, key);
        newest.erase(key);
        std::erase_if(lately, [&](const auto& each) { return each.first == key; });
      } else {
        const std::string value = random.bytes(random.below(120));
        batch.put(0, key, value);
        newest[key] = value;
        lately.emplace_back(key, key.size() + value.size());
        lately_bytes += lately.back().second;
        // An entry costs more on disk than its bytes; half of what is kept is safe.
        while (lately_bytes > bytes_kept / 4) {
          lately_bytes -= lately.front().second;
          lately.pop_front();
        }
      }
      auto committed = store->commit(batch, strata::durability::none);
      require_ok(committed);
      if (*committed <= last) FAIL("sequences increase");
      last = *committed;
      if (i % 5000 == 0) {
        for (const auto& each : lately) missing += !get(*store, each.first).has_value();
        for (const auto& [k, v] : scan(*store)) older += newest.count(k) == 0 || newest[k] != v;
      }
      if (i % 9000 == 0) {
        require_ok(store->close());
        store = open_store<fifo_store>(environment, "store", amounts);
        CHECK(store->last_sequence() == last);
      }
    }
    CHECK(older == 0);
    CHECK(missing == 0);
    CHECK(dropped > 100);
    require_ok(store->compact());
    CHECK(store->stats().table_bytes <= bytes_kept);
    require_ok(store->verify());
    for (const auto& [k, v] : scan(*store)) older += newest.count(k) == 0 || newest[k] != v;
    CHECK(older == 0);
  }
}
