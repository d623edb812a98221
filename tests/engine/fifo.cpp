// A store that drops its oldest data: what it still has is the newest of each key, what was written lately is there, and so
// are all keys of run 0, the store's own.
#include "engine/failing_environment.hpp"
#include "engine/one_stream.hpp"
#include "engine/stores.hpp"

#include <deque>

#include <strata/compaction/fifo.hpp>

using namespace strata_tests;

using fifo_store = strata::engine::lsm_store<memory_world, strata::memtable::btree, strata::wal::segmented,
                                             strata::sstable::block_table<>, strata::compaction::fifo>;

TEST_CASE("a fifo store with room for everything answers as an oracle does", "[engine]") {
  check_one_stream<fifo_store>(memory_world(), "stream", 8);
}

TEST_CASE("a fifo store holds the newest or nothing of each key, and all that was written lately", "[engine]") {
  STATIC_REQUIRE(fifo_store::discards_live_data);
  constexpr std::uint64_t bytes_kept = 512 << 10;
  for (std::uint64_t seed = 1; seed <= rounds(3, 50); ++seed) {
    INFO("seed " << seed);
    random_numbers random(seed);
    const memory_world environment;
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

namespace {

using namespace std::string_view_literals;

template <typename Environment>
using fifo_over = strata::engine::lsm_store<Environment, strata::memtable::btree, strata::wal::segmented,
                                            strata::sstable::block_table<>, strata::compaction::fifo>;

std::string own_key(std::size_t number) { return std::string("\0\0"sv) + std::to_string(100 + number); }
std::string row_key(std::size_t number) { return std::string("\1\1"sv) + std::to_string(10'000 + number); }

strata::options discarding_options() {
  strata::options amounts = tiny_options();
  amounts.compaction.fifo_bytes_max = 128 << 10;
  return amounts;
}

template <typename Store>
contents own_rows(Store& store, strata::sequence_number at = strata::sequence_max) {
  auto made = store.make_cursor({"", "\x01", false}, at);
  require_ok(made);
  contents all;
  for ((*made)->seek_first(); (*made)->valid(); (*made)->next()) all.emplace((*made)->key(), (*made)->value());
  require_ok((*made)->status());
  return all;
}

// What is in the store's own run, and was at a snapshot; the same of other rows, of which some may be gone.
struct two_runs {
  contents own;
  contents rows;
  random_numbers random;

  explicit two_runs(std::uint64_t seed) : random(seed) {}

  template <typename Store>
  void write(Store& store) {
    strata::engine::write_batch batch;
    const std::size_t what = random.below(100);
    if (what == 0) {
      // From within the one run into the other.
      const std::string begin = own_key(random.below(60));
      const std::string end = row_key(random.below(4'000));
      batch.erase_range(0, begin, end);
      own.erase(own.lower_bound(begin), own.end());
      rows.erase(rows.begin(), rows.lower_bound(end));
    } else if (what < 4) {
      const std::string key = own_key(random.below(60));
      batch.erase(0, key);
      own.erase(key);
    } else if (what < 12) {
      const std::string key = own_key(random.below(60));
      batch.put(0, key, own[key] = random.bytes(random.below(200)));
    } else {
      const std::string key = row_key(random.below(4'000));
      batch.put(0, key, rows[key] = random.bytes(random.below(200)));
    }
    require_ok(store.commit(batch, strata::durability::none));
  }
  // The number of other rows that are not what was written last.
  template <typename Store>
  std::size_t older(Store& store) {
    std::size_t count = 0;
    for (const auto& [key, value] : scan(store)) {
      if (key < "\x01") continue;
      const auto found = rows.find(key);
      count += found == rows.end() || found->second != value;
    }
    return count;
  }
};

}  // namespace

TEST_CASE("of the store's own run nothing is ever discarded", "[engine]") {
  for (std::uint64_t seed = 1; seed <= rounds(3, 50); ++seed) {
    INFO("seed " << seed);
    const memory_world environment;
    two_runs model(seed);
    {
      // Tables of both runs, on several levels.
      auto leveled = open_store<memory_store>(environment, "store", discarding_options());
      for (int i = 0; i < 3'000; ++i) model.write(*leveled);
      require_ok(leveled->close());
    }
    std::size_t discarded = 0;
    for (int life = 0; life < 4; ++life) {
      auto store = open_store<fifo_store>(environment, "store", discarding_options());
      CHECK(own_rows(*store) == model.own);
      contents at_snapshot;
      strata::sequence_number snapshot = 0;
      for (int i = 0; i < 5'000; ++i) {
        if (i % 1'000 == 0) {
          at_snapshot = model.own;
          snapshot = store->take_snapshot();
        }
        model.write(*store);
        if (i % 1'000 != 999) continue;
        CHECK(own_rows(*store) == model.own);
        CHECK(own_rows(*store, snapshot) == at_snapshot);
        for (std::size_t key = 0; key < 60; ++key) {
          const auto found = model.own.find(own_key(key));
          CHECK(get(*store, own_key(key)) == (found == model.own.end() ? std::nullopt : std::optional<std::string>(found->second)));
        }
        CHECK(model.older(*store) == 0);
        store->release_snapshot(snapshot);
      }
      require_ok(store->compact());
      discarded += model.rows.size() > scan(*store).size() - model.own.size();
      // One table of rows may be over what is kept, and the store's own do not count.
      CHECK(store->stats().table_bytes < 200 << 10);
      std::size_t own_runs = 0;
      const auto levels = store->stats().levels;
      for (std::size_t level = 1; level < levels.size(); ++level) own_runs += levels[level].sorted_runs;
      CHECK(own_runs <= 2);  // and what is left of rows that were laid down there
      require_ok(store->verify());
      CHECK(own_rows(*store) == model.own);
      require_ok(store->close());
    }
    CHECK(discarded > 0);
    auto again = open_store<memory_store>(environment, "store", discarding_options());
    CHECK(own_rows(*again) == model.own);
    require_ok(again->compact());
    CHECK(own_rows(*again) == model.own);
    CHECK(model.older(*again) == 0);
  }
}

TEST_CASE("a range tombstone from the store's own run into another is parted with nothing else in its table", "[engine]") {
  const memory_world environment;
  auto leveled = open_store<memory_store>(environment, "store", discarding_options());
  require_ok(put(*leveled, own_key(1), "1"));
  require_ok(put(*leveled, own_key(2), "2"));
  require_ok(put(*leveled, row_key(1), "1"));
  require_ok(put(*leveled, row_key(2), "2"));
  require_ok(leveled->compact());
  strata::engine::write_batch batch;
  batch.erase_range(0, own_key(2), row_key(2));
  require_ok(leveled->commit(batch, strata::durability::none));
  require_ok(leveled->flush());
  require_ok(leveled->close());
  for (int life = 0; life < 2; ++life) {
    auto store = open_store<fifo_store>(environment, "store", discarding_options());
    CHECK(scan(*store) == contents{{own_key(1), "1"}, {row_key(2), "2"}});
    require_ok(store->compact());
    CHECK(scan(*store) == contents{{own_key(1), "1"}, {row_key(2), "2"}});
    require_ok(store->verify());
    batch.clear();
    batch.erase_range(0, own_key(2), row_key(2));
    require_ok(store->commit(batch, strata::durability::none));
    require_ok(store->close());
  }
}

TEST_CASE("a crash while tables are parted, merged and discarded costs nothing of the store's own run", "[engine]") {
  for (std::uint64_t at = 1;; ++at) {
    INFO("killed before change " << at);
    const failing_environment environment;
    two_runs model(7);
    {
      auto leveled = open_store<default_store<failing_environment>>(environment, "store", discarding_options());
      for (int i = 0; i < 1'500; ++i) model.write(*leveled);
      require_ok(leveled->flush());
      require_ok(leveled->close());
    }
    environment.kill(at, at % 2 == 0);
    if (auto opened = fifo_over<failing_environment>::open(environment, "store", discarding_options())) {
      static_cast<void>((*opened)->compact());
      strata::engine::write_batch batch;
      batch.put(0, row_key(9'000), std::string(200 << 10, 'r'));
      static_cast<void>((*opened)->commit(batch, strata::durability::none));
      static_cast<void>((*opened)->compact());
      static_cast<void>((*opened)->close());
    }
    const bool done = !environment.fired();
    environment.revive();
    auto store = open_store<fifo_over<failing_environment>>(environment, "store", discarding_options());
    CHECK(own_rows(*store) == model.own);
    require_ok(store->compact());
    CHECK(own_rows(*store) == model.own);
    require_ok(store->verify());
    if (done) break;
  }
}
