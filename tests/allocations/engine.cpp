// Memory that is lacking, wherever it is asked for, is an error like any other and loses nothing.
// Not built with a sanitizer: see CMakeLists.txt.
#include "engine/workload.hpp"

#include <strata/primitive/context.hpp>
#include <strata/wal/none.hpp>

#include <atomic>
#include <cstdlib>
#include <new>

#include <malloc.h>

using namespace strata_tests;
using strata::durability;
using strata::errc;

namespace {

std::atomic<long> allocations_left{-1};  // negative: none fails; else the one that finds 0 does
std::atomic<bool> allocation_failed{false};
std::atomic<bool> all_fail_then{false};
// Of any thread; of this one; of any, but of the test's own only inside of the library.
enum class whose : std::uint8_t { any_thread, this_thread, library };
std::atomic<whose> lacks{whose::any_thread};
thread_local bool this_thread_lacks = false;
thread_local bool outside_of_library = false;

bool counts() {
  switch (lacks.load(std::memory_order_relaxed)) {
    case whose::any_thread: return true;
    case whose::this_thread: return this_thread_lacks;
    case whose::library: return !outside_of_library;
  }
  return true;
}

// What is allocated now, and the most that was since somebody set it so.
std::atomic<std::size_t> bytes_held{0};
std::atomic<std::size_t> bytes_held_most{0};

void* count_in(void* made) {
  const std::size_t held = bytes_held.fetch_add(malloc_usable_size(made)) + malloc_usable_size(made);
  for (std::size_t most = bytes_held_most; held > most && !bytes_held_most.compare_exchange_weak(most, held);) {
  }
  return made;
}
void give_back(void* memory) noexcept {
  bytes_held -= malloc_usable_size(memory);
  std::free(memory);
}

void* allocate(std::size_t bytes) {
  if (allocations_left.load(std::memory_order_relaxed) >= 0 && counts()) {
    const long left = allocations_left.fetch_sub(1);
    if (left == 0) allocation_failed = true;
    if (left == 0 && all_fail_then) allocations_left = 0;
    if (left == 0) return nullptr;
  }
  return count_in(std::malloc(bytes == 0 ? 1 : bytes));
}

// The n-th allocation from here to the end of it fails, and with `and_all_that_follow` every one after it.
struct lacking_memory {
  explicit lacking_memory(long n, whose memory = whose::any_thread, bool and_all_that_follow = false) {
    allocation_failed = false;
    this_thread_lacks = true;
    lacks = memory;
    all_fail_then = and_all_that_follow;
    allocations_left = n;
  }
  lacking_memory(const lacking_memory&) = delete;
  lacking_memory& operator=(const lacking_memory&) = delete;
  ~lacking_memory() {
    allocations_left = -1;
    this_thread_lacks = false;
  }
};

struct inside_of_library {
  inside_of_library() { outside_of_library = false; }
  inside_of_library(const inside_of_library&) = delete;
  inside_of_library& operator=(const inside_of_library&) = delete;
  ~inside_of_library() { outside_of_library = true; }
};

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (void* const made = allocate(bytes)) return made;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { give_back(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept { give_back(memory); }

namespace {

enum class deed { flush, compact, erase_ranges };

strata::result<void> carry_out(memory_store& store, deed what, strata::engine::write_batch& batch) {
  if (what == deed::flush) return store.flush();
  if (what == deed::compact) return store.compact();
  auto committed = store.commit(batch, durability::strict);
  return committed.has_value() ? strata::result<void>() : strata::result<void>(committed.error());
}

// Waits until the background has met the allocation that failed, if it was one of its own: it latches the store, once.
void settle(memory_store& store) {
  for (int latched = 0;; ++latched) {
    require_ok(store.resume());
    const auto settled = store.compact();
    if (settled.has_value()) return;
    CHECK(settled.error().code() == errc::out_of_memory);
    REQUIRE(latched == 0);
  }
}

void whichever_fails(deed what) {
  bool failed = true;
  for (long n = 0; failed; ++n) {
    INFO("allocation " << n);
    const memory_world environment;
    auto store = open_store<memory_store>(environment, "store");
    require_ok(put(*store, "gone", "old", durability::strict));
    if (what != deed::flush) require_ok(store->flush());
    require_ok(put(*store, "kept", "old", durability::strict));
    strata::engine::write_batch batch;
    batch.erase_range(0, "g", "h");
    batch.put(0, "new", "1");
    batch.erase_range(0, "x", "z");
    bool done = false;
    {
      const lacking_memory lacking(n);
      done = carry_out(*store, what, batch).has_value();
    }
    failed = allocation_failed;
    if (!failed) CHECK(done);
    settle(*store);
    const bool erased = what == deed::erase_ranges && get(*store, "new").has_value();
    if (what == deed::erase_ranges && done) CHECK(erased);
    contents expected{{"kept", "old"}, {"later", "1"}};
    if (erased) expected["new"] = "1";
    if (!erased) expected["gone"] = "old";
    require_ok(put(*store, "later", "1", durability::strict));
    CHECK(scan(*store) == expected);
    require_ok(store->flush());
    expected["kept"] = "new";
    require_ok(put(*store, "kept", "new", durability::strict));
    require_ok(store->compact());
    CHECK(scan(*store) == expected);
    require_ok(put(*store, "last", "1", durability::strict));
    expected["last"] = "1";
    require_ok(store->close());
    CHECK(scan(*open_store<memory_store>(environment, "store")) == expected);
  }
}

}  // namespace

TEST_CASE("lack of memory while opening, reading or copying is an error, and leaves all as it was", "[engine][allocations]") {
  const memory_world environment;
  contents expected;
  {
    auto store = open_store<memory_store>(environment, "store");
    for (int i = 0; i < 60; ++i) {
      const std::string key = std::to_string(i);
      require_ok(put(*store, key, key));
      expected[key] = key;
      if (i == 40) require_ok(store->flush());
    }
    strata::engine::write_batch batch;
    batch.erase_range(0, "5", "6");
    require_ok(store->commit(batch, durability::none));
    for (auto at = expected.lower_bound("5"); at != expected.end() && at->first < "6";) at = expected.erase(at);
  }
  const auto sweep = [](auto&& attempt) {
    bool failed = true;
    for (long n = 0; failed; ++n) {
      INFO("allocation " << n);
      const strata::errc code = attempt(n);
      failed = allocation_failed;
      if (code != errc{}) {
        CHECK(failed);
        CHECK(code == errc::out_of_memory);
      }
    }
  };
  for (const bool writes : {false, true}) {
    sweep([&](long n) {
      const lacking_memory lacking(n, whose::this_thread);
      return code_of(writes ? memory_store::open(environment, "store", tiny_options())
                            : memory_store::open_read_only(environment, "store", tiny_options()));
    });
  }
  auto store = open_store<memory_store>(environment, "store");
  CHECK(scan(*store) == expected);
  sweep([&](long n) {
    const lacking_memory lacking(n, whose::this_thread);
    return code_of(store->make_cursor({"", "", true}, strata::sequence_max));
  });
  // Over more sources than a cursor has places for in itself; its first seek, too.
  strata::options amounts = tiny_options();
  amounts.compaction.level0_runs = 64;
  auto runs = open_store<memory_store>(environment, "runs", amounts);
  for (int i = 0; i < 6; ++i) {
    require_ok(put(*runs, std::to_string(i), "1"));
    require_ok(runs->flush());
  }
  sweep([&](long n) {
    const lacking_memory lacking(n, whose::this_thread);
    auto made = runs->make_cursor({"", "", true}, strata::sequence_max);
    if (!made) return made.error().code();
    (*made)->seek_first();
    return code_of((*made)->status());
  });
  sweep([&](long n) {
    memory_store::pinned_value pinned;
    const lacking_memory lacking(n, whose::this_thread);
    return code_of(store->get_pinned("7", strata::sequence_max, pinned));
  });
  int copies = 0;
  sweep([&](long n) {
    const std::string directory = "copy" + std::to_string(copies++);
    const lacking_memory lacking(n, whose::this_thread);
    return code_of(store->checkpoint(directory));
  });
  CHECK(scan(*open_store<memory_store>(environment, "copy" + std::to_string(copies - 1))) == expected);
  CHECK(scan(*store) == expected);
}

TEST_CASE("a store without a log that lacks memory to end in order says so", "[engine][allocations]") {
  using unlogged_store = strata::engine::lsm_store<memory_world, strata::memtable::btree, strata::wal::none,
                                                   strata::sstable::block_table<>, strata::compaction::leveled>;
  const memory_world environment;
  auto store = open_store<unlogged_store>(environment, "store");
  require_ok(put(*store, "a", "1"));
  const lacking_memory lacking(0, whose::this_thread);
  CHECK(code_of(store->close()) == errc::out_of_memory);
}

TEST_CASE("a batch that lacks memory stays as it was, reads well, and commits what it holds", "[engine][allocations]") {
  using strata::engine::write;
  using strata::engine::write_batch;
  using strata::engine::write_kind;
  const std::string key(300, 'k');
  const std::string value(2000, 'v');
  const auto small = [](write_batch& b) { b.put(1, "k1", "1"); };
  const std::vector<std::function<void(write_batch&)>> steps = {
      [&](write_batch& b) { b.put(1, key, value); },
      [&](write_batch& b) { b.put_expiring(2, key, value, UINT64_MAX - 1); },
      [&](write_batch& b) { b.erase(3, key); },
      [&](write_batch& b) { b.erase_range(4, "k", "l"); },
      [&](write_batch& b) { b.erase_range(4, key, key + value); },
      [&](write_batch& b) { b.add(write{write_kind::value_with_expiry, 5, "k2", value}); },
      [&](write_batch& b) { b.add(write{write_kind::range_tombstone, 5, "k", value}); },
  };
  std::size_t lacked = 0;
  for (std::size_t step = 0; step < steps.size(); ++step) {
    for (std::size_t filled = 0; filled < 40; ++filled) {
      bool failed = true;
      for (long n = 0; failed; ++n) {
        INFO("step " << step << ", behind " << filled << " writes, allocation " << n);
        const memory_world environment;
        write_batch batch;
        for (std::size_t i = 0; i < filled; ++i) small(batch);
        const std::string before(batch.group_bytes());
        const std::uint32_t count = batch.count();
        const std::size_t payload_bytes = batch.payload_bytes();
        bool threw = false;
        try {
          const lacking_memory lacking(n, whose::this_thread);
          steps[step](batch);
        } catch (const std::bad_alloc&) {
          threw = true;
        }
        failed = allocation_failed;
        lacked += failed;
        REQUIRE(threw == failed);
        if (threw) {
          REQUIRE(batch.group_bytes() == before);
          REQUIRE(batch.count() == count);
          REQUIRE(batch.payload_bytes() == payload_bytes);
          REQUIRE_FALSE(batch.erases_ranges());
        }
        strata::engine::write_reader in = batch.writes();
        for (write w; in.next(w);) continue;
        REQUIRE(in.ok());
        REQUIRE(batch.count() == count + (threw ? 0 : 1));
      }
    }
  }
  CHECK(lacked > steps.size() * 40 / 2);

  const memory_world environment;
  {
    auto store = open_store<memory_store>(environment, "store");
    write_batch batch;
    batch.put(1, "a", "1");
    CHECK_THROWS_AS(([&] {
                      const lacking_memory lacking(0, whose::this_thread);
                      batch.put(1, "b", value);
                    }()),
                    std::bad_alloc);
    require_ok(store->commit(batch, durability::strict));
  }
  CHECK(scan(*open_store<memory_store>(environment, "store")) == contents{{"a", "1"}});
}

TEST_CASE("a large batch that is emptied without memory for a small one stays whole", "[engine][allocations]") {
  strata::engine::write_batch batch;
  batch.put(1, "a", std::string(std::size_t{2} << 20, 'v'));
  const std::string before(batch.group_bytes());
  CHECK_THROWS_AS(([&] {
                    const lacking_memory lacking(0, whose::this_thread);
                    batch.clear();
                  }()),
                  std::bad_alloc);
  CHECK(batch.group_bytes() == before);
  CHECK(batch.count() == 1);
  batch.clear();
  CHECK(batch.group_bytes() == strata::engine::write_batch().group_bytes());
}

TEST_CASE("a transaction's write that lacks memory says so, and reads and commit see the same", "[engine][allocations]") {
  using strata::engine::write;
  using strata::engine::write_kind;
  const std::string long_value(500, 'v');
  const std::vector<write> writes = {
      {write_kind::value, 1, "b", long_value},
      {write_kind::range_tombstone, 1, "c", "e"},
      {write_kind::value, 1, "d", "late"},
      {write_kind::range_tombstone, 1, "b", "c"},
  };
  bool failed = true;
  for (long n = 0; failed; ++n) {
    INFO("allocation " << n);
    const memory_world environment;
    auto store = open_store<memory_store>(environment, "store");
    for (const char* key : {"a", "b", "c", "d"}) require_ok(put(*store, key, "old", durability::strict));
    strata::primitive::transaction_state<memory_store> transaction(*store);
    const auto value_of = [&](std::string_view key) {
      std::optional<std::string> value;
      auto found = transaction.get(key, [&](strata::bytes_view v, strata::sequence_number, std::uint64_t) -> strata::result<void> {
        value = std::string(v);
        return {};
      });
      require_ok(found);
      return value;
    };
    contents expected{{"a", "old"}, {"b", "old"}, {"c", "old"}, {"d", "old"}};
    require_ok(transaction.write({write_kind::value, 1, "a", "new"}, durability::none));
    expected["a"] = "new";
    // From here on there is an overlay to keep in step.
    REQUIRE(value_of("a") == "new");
    failed = false;
    long left = n;
    for (const write& w : writes) {
      strata::result<void> done;
      {
        const lacking_memory lacking(left, whose::this_thread);
        done = transaction.write(w, durability::strict);
        const long unused = allocations_left;
        left = unused < 0 ? 0 : unused;
        if (allocation_failed) left = 1'000'000;
      }
      failed = failed || allocation_failed;
      if (!done) {
        CHECK(allocation_failed);
        CHECK(done.error().code() == errc::out_of_memory);
      } else if (w.kind == write_kind::value) {
        expected[std::string(w.key)] = std::string(w.value);
      } else {
        std::erase_if(expected, [&](const auto& row) { return row.first >= w.key && row.first < w.value; });
      }
      for (const char* key : {"a", "b", "c", "d"}) {
        const auto row = expected.find(key);
        REQUIRE(value_of(key) == (row == expected.end() ? std::nullopt : std::optional<std::string>(row->second)));
      }
    }
    require_ok(transaction.commit(durability::strict));
    CHECK(scan(*store) == expected);
    require_ok(store->close());
    CHECK(scan(*open_store<memory_store>(environment, "store")) == expected);
  }
}

TEST_CASE("whichever allocation of a store's life fails, once or from then on, what was acknowledged is there", "[engine][allocations]") {
  using memory_workload = basic_workload<memory_world, inside_of_library>;
  std::size_t runs = 0;
  for (const workload_steps& steps : workloads(10)) {
    for (const bool sticky : {false, true}) {
      bool failed = true;
      for (long n = 0; failed; ++n) {
        INFO("commits " << steps.commits << ", flush every " << steps.flush_every << ", allocation " << n << (sticky ? " and all behind it" : ""));
        const memory_world environment;
        memory_workload work(environment, steps);
        {
          const lacking_memory lacking(n, whose::library, sticky);
          outside_of_library = true;
          work.run();
        }
        outside_of_library = false;
        failed = allocation_failed;
        for (const errc each : work.failures()) CHECK((each == errc::out_of_memory || each == errc::read_only));
        if (!failed) CHECK(work.failures().empty());
        work.check(false);
        ++runs;
      }
    }
  }
  WARN(runs << " lives, in each of which one allocation was the first to fail");
}

TEST_CASE("whichever allocation of a flush fails, what was acknowledged is there", "[engine][allocations]") {
  whichever_fails(deed::flush);
}
TEST_CASE("whichever allocation of a commit that erases ranges fails, it is there whole or not at all", "[engine][allocations]") {
  whichever_fails(deed::erase_ranges);
}
TEST_CASE("whichever allocation of a compaction fails, what was acknowledged is there", "[engine][allocations]") {
  whichever_fails(deed::compact);
}

TEST_CASE("whichever allocation of a resume fails, the next call that is made goes on, and nothing is lost", "[engine][allocations]") {
  for (const bool left_whole : {false, true}) {
    bool failed = true;
    std::size_t runs = 0;
    for (long n = 0; failed; ++n) {
      INFO("allocation " << n << (left_whole ? ", of a group that is there" : ", of a group that is not"));
      const failing_environment environment;
      auto store = open_store<failing_store>(environment, "store");
      require_ok(put(*store, "a", "1"));
      environment.fail(only(call::append), 1, errc::no_space);
      const std::string large(100'000, 'v');
      CHECK(code_of(put(*store, "b", large)) == errc::no_space);
      if (left_whole) {
        strata::engine::write_batch batch;
        batch.put(0, "b", large);
        batch.seal(2, 0, 1);
        append_to_log(environment.files(), batch);
      }
      strata::result<void> resumed;
      {
        const lacking_memory lacking(n, whose::this_thread);
        resumed = store->resume();
      }
      failed = allocation_failed;
      ++runs;
      if (!resumed) {
        CHECK(failed);
        CHECK(resumed.error().code() == errc::out_of_memory);
        // It may have come so far that nothing is latched any more.
        if (!store->status()) require_ok(store->resume());
      }
      require_ok(store->flush());
      contents expected{{"a", "1"}, {"c", "1"}};
      if (left_whole) expected["b"] = large;
      require_ok(put(*store, "c", "1", durability::strict));
      CHECK(scan(*store) == expected);
      require_ok(store->close());
      CHECK(scan(*open_store<failing_store>(environment, "store")) == expected);
    }
    CHECK(runs > 10);
  }
}

TEST_CASE("many range erasures in one transaction take memory for each, not for each of each", "[engine][allocations]") {
  const auto key = [](std::size_t i) { return std::to_string(1'000'000 + i); };
  enum class how { apart, nested, beside_scans };
  // The most that is held while so many ranges are erased, a read behind each, and committed.
  const auto bytes_for = [&](std::size_t count, how way) {
    const strata::environment::in_memory environment;
    auto store = open_store<memory_store>(environment, "store", strata::options{});
    const std::size_t before = bytes_held;
    bytes_held_most = before;
    {
      strata::primitive::transaction_state<memory_store> transaction(*store);
      const auto ignored = [](strata::bytes_view, strata::sequence_number, std::uint64_t) { return strata::result<void>(); };
      for (std::size_t i = 0; i < count; ++i) {
        const std::string begin = key(way == how::nested ? i : 2 * i);
        const std::string end = way == how::nested ? key(4 * count - i) : key(2 * i + 1);
        std::size_t mark = 0;
        std::unique_ptr<memory_store::cursor_type> rows;
        if (way == how::beside_scans && i % 100 == 50) {
          auto made = transaction.scan({"", "", true}, mark);
          require_ok(made);
          rows = std::move(*made);
        }
        require_ok(transaction.write({strata::engine::write_kind::range_tombstone, 0, begin, end}, durability::none));
        require_ok(transaction.get(begin, ignored));
      }
      require_ok(transaction.commit(durability::none));
    }
    return bytes_held_most - before;
  };
  for (const how way : {how::apart, how::nested, how::beside_scans}) {
    INFO("way " << static_cast<int>(way));
    const std::size_t once = bytes_for(400, way);
    const std::size_t twice = bytes_for(800, way);
    INFO(once << " and " << twice << " bytes");
    CHECK(twice < 3 * once);
  }
}
