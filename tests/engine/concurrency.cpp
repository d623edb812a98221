// Writers, readers, snapshots, flushes and merges at once. What each thread sees must be possible; the thread sanitizer
// looks for the rest.
#include "engine/stores.hpp"

#include <thread>

using namespace strata_tests;

namespace {

// Every value says which of its key's writes it is.
std::string counted(std::uint64_t count, std::size_t padding) { return std::to_string(count) + ":" + std::string(padding, 'p'); }
std::uint64_t count_of(std::string_view value) { return std::stoull(std::string(value.substr(0, value.find(':')))); }

struct crowd {
  std::unique_ptr<memory_store> store;
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<std::uint64_t> reads{0};
  std::vector<std::thread> threads;

  template <typename Work>
  void start(Work work) {
    threads.emplace_back([this, work] {
      for (std::uint64_t i = 0; !stop.load(std::memory_order_relaxed); ++i)
        if (!work(i)) ++wrong;
    });
  }
  void finish() {
    stop = true;
    for (std::thread& thread : threads) thread.join();
    threads.clear();
  }
};

}  // namespace

TEST_CASE("with everything at once, no reader sees a key go back", "[engine][concurrency]") {
  constexpr std::size_t writers = 3;
  constexpr std::uint64_t keys = 40;
  const std::size_t writes = rounds(20'000, 1'000'000);
  const strata::environment::in_memory environment;
  crowd c;
  c.store = open_store<memory_store>(environment, "store");
  memory_store& store = *c.store;
  const auto manifest_name = [&] {
    for (const std::string& name : sorted_names(environment, "store"))
      if (name.starts_with("MANIFEST")) return name;
    return std::string();
  };
  const std::string first_manifest = manifest_name();
  const auto key_of = [](std::size_t writer, std::uint64_t i) { return std::to_string(writer) + "/" + std::to_string(i % keys); };

  for (int reader = 0; reader < 2; ++reader) {
    // Of each key its last count, as this thread has seen it.
    auto seen = std::make_shared<std::map<std::string, std::uint64_t>>();
    c.start([&, seen](std::uint64_t i) {
      const std::string key = key_of(i % writers, i * 7);
      std::uint64_t count = 0;
      auto found = store.get(key, strata::sequence_max, [&](strata::bytes_view v, strata::sequence_number, std::uint64_t) { count = count_of(v); });
      c.reads.fetch_add(1, std::memory_order_relaxed);
      std::uint64_t& before = (*seen)[key];
      const bool fine = found.has_value() && count >= before && (before == 0 || *found);
      before = count;
      return fine;
    });
  }
  // A snapshot is one instant: read twice, and by a cursor each way, it is the same.
  c.start([&](std::uint64_t) {
    const strata::sequence_number at = store.take_snapshot();
    auto made = store.make_cursor({"", "", true}, at);
    if (!made) return false;
    std::vector<std::pair<std::string, std::string>> rows;
    for ((*made)->seek_first(); (*made)->valid(); (*made)->next()) rows.emplace_back((*made)->key(), (*made)->value());
    bool fine = (*made)->status().has_value();
    std::size_t left = rows.size();
    for ((*made)->seek_last(); (*made)->valid() && left > 0; (*made)->prev()) fine = fine && (*made)->value() == rows[--left].second;
    fine = fine && left == 0 && (*made)->status().has_value();
    for (const auto& row : rows) {
      auto found = store.get(row.first, at, [&](strata::bytes_view v, strata::sequence_number s, std::uint64_t) { fine = fine && v == row.second && s <= at; });
      fine = fine && found.has_value() && *found;
    }
    store.release_snapshot(at);
    return fine;
  });
  c.start([&](std::uint64_t i) {
    std::vector<std::string> wanted;
    for (std::uint64_t k = 0; k < 5; ++k) wanted.push_back(key_of(k % writers, i + k));
    memory_store::pinned_value pinned;
    return store.multi_get(wanted, strata::sequence_max, [](std::size_t, strata::bytes_view, strata::sequence_number) {}).has_value() &&
           store.get_pinned(wanted[0], strata::sequence_max, pinned).has_value() && store.stats().last_sequence <= store.last_sequence();
  });
  c.start([&](std::uint64_t i) { return (i % 3 != 0 ? store.flush() : store.compact()).has_value(); });

  std::atomic<std::size_t> refused{0};
  std::vector<std::thread> writing;
  for (std::size_t w = 0; w < writers; ++w) {
    writing.emplace_back([&, w] {
      strata::sequence_number last = 0;
      strata::engine::write_batch batch;
      for (std::uint64_t i = 1; i <= writes; ++i) {
        batch.clear();
        batch.put(0, key_of(w, i), counted(i, i % 97));
        if (i % 50 == 0) batch.erase_range(0, "x", "y");
        const auto wanted = i % 100 == 0 ? strata::durability::strict : strata::durability::none;
        auto committed = store.commit(batch, wanted);
        if (!committed || *committed <= last) ++refused;
        if (committed) last = *committed;
      }
    });
  }
  for (std::thread& thread : writing) thread.join();
  while (c.reads.load() < 100) std::this_thread::yield();
  c.finish();
  CHECK(refused == 0);
  CHECK(c.wrong == 0);
  CHECK(store.last_sequence() == writers * writes);
  CHECK(store.stats().commits == writers * writes);
  CHECK(manifest_name() != first_manifest);  // it was written anew beside them all
  require_ok(store.verify());
  for (std::size_t w = 0; w < writers; ++w)
    for (std::uint64_t i = writes - keys + 1; i <= writes; ++i) CHECK(get(store, key_of(w, i)) == counted(i, i % 97));
  require_ok(store.close());
}

TEST_CASE("increments guarded by read sets are never lost", "[engine][concurrency]") {
  constexpr std::size_t writers = 4;
  const std::size_t each = rounds(4'000, 200'000);
  const strata::environment::in_memory environment;
  auto owner = open_store<memory_store>(environment, "store");
  memory_store& store = *owner;
  require_ok(put(store, "sum", "0:"));
  std::atomic<std::size_t> failed{0};
  std::atomic<std::uint64_t> conflicts{0};
  std::vector<std::thread> threads;
  for (std::size_t w = 0; w < writers; ++w) {
    threads.emplace_back([&, w] {
      for (std::size_t i = 0; i < each;) {
        const strata::sequence_number at = store.take_snapshot();
        strata::engine::read_set reads;
        reads.at = at;
        std::uint64_t sum = 0;
        auto found = store.get("sum", at, [&](strata::bytes_view v, strata::sequence_number, std::uint64_t) { sum = count_of(v); });
        if (!found.has_value() || !*found) ++failed;
        // Half of them have read it as a range.
        if (w % 2 == 0) reads.keys.push_back("sum");
        if (w % 2 == 1) reads.ranges.push_back({"su", "sv", false});
        strata::engine::write_batch batch;
        batch.put(0, "sum", counted(sum + 1, 100));
        auto committed = store.commit(batch, strata::durability::none, &reads);
        store.release_snapshot(at);
        if (committed) {
          ++i;
        } else if (committed.error() == strata::errc::conflict) {
          ++conflicts;
        } else {
          ++failed;
          ++i;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(count_of(*get(store, "sum")) == writers * each);
  CHECK(store.stats().conflicts == conflicts);
}

TEST_CASE("who waits for a flush learns that the store was closed, and not that it was done", "[engine][concurrency]") {
  // The rooms of a store one by one, so that the close can come between the freezing and the waiting.
  using tables = strata::sstable::block_table<>;
  using strata::memtable::btree;
  const memory_world environment;
  strata::options amounts = tiny_options();
  tables::cache<memory_world> cache(environment, 0);
  strata::engine::health<memory_world> health(environment);
  strata::engine::version_set<memory_world, btree, tables> versions(environment, "store", 4096);
  strata::engine::maintenance<memory_world, btree, tables, strata::compaction::leveled> upkeep(environment, amounts, versions, cache, health);
  require_ok(environment.create_directory("store"));
  strata::engine::recovery<memory_world, btree, strata::wal::segmented, tables> recovered(environment, "store", cache);
  require_ok(recovered.create());
  require_ok(recovered.read());
  const auto frozen = std::make_shared<strata::engine::memory_unit<btree>>();
  versions.start(recovered, std::make_shared<strata::engine::memory_unit<btree>>());
  require_ok(upkeep.wait_for_flush(frozen));
  require_ok(upkeep.wait_for_memtables_below(2));
  require_ok(versions.close(0, 0));
  CHECK(code_of(upkeep.wait_for_flush(frozen)) == strata::errc::closed);
  CHECK(code_of(upkeep.wait_for_memtables_below(2)) == strata::errc::closed);
  versions.reclaim();
}

TEST_CASE("a close ends what other threads are doing with a clear word", "[engine][concurrency]") {
  for (std::size_t round = 0; round < rounds(20, 1'000); ++round) {
    const strata::environment::in_memory environment;
    auto store = open_store<memory_store>(environment, "store");
    std::atomic<std::size_t> begun{0};
    std::atomic<std::size_t> wrong{0};
    std::vector<std::uint64_t> acknowledged(3, 0);
    std::vector<std::thread> threads;
    for (std::size_t w = 0; w < 3; ++w) {
      threads.emplace_back([&, w] {
        for (std::uint64_t i = 1;; ++i) {
          auto committed = put(*store, std::to_string(w) + "/" + std::to_string(i), std::string(200, 'v'));
          if (!committed) {
            wrong += committed.error() != strata::errc::closed;
            return;
          }
          acknowledged[w] = i;
          ++begun;
        }
      });
    }
    while (begun < 50 + round * 20) std::this_thread::yield();
    require_ok(store->close());
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    store = open_store<memory_store>(environment, "store");
    std::size_t missing = 0;
    for (std::size_t w = 0; w < 3; ++w)
      for (std::uint64_t i = 1; i <= acknowledged[w]; ++i) missing += !get(*store, std::to_string(w) + "/" + std::to_string(i)).has_value();
    CHECK(missing == 0);
    CHECK(store->last_sequence() == acknowledged[0] + acknowledged[1] + acknowledged[2]);
  }
}
