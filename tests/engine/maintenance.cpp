// The two background threads: what one of them knows, and when.
#include "engine/failing_environment.hpp"
#include "engine/stores.hpp"

#include <functional>
#include <thread>

#include <strata/compaction/archetype.hpp>

using namespace strata_tests;
using strata::errc;

namespace {

// Files in memory; and the thread that merges asks for the steady time where a test has something to do meanwhile: once in
// each of its rounds, when it has listed the snapshots.
class interrupted_merges : public strata::environment::in_memory {
 public:
  template <typename Function>
  strata::result<thread> start_thread(const char* name, Function function) const {
    const bool merges = std::string_view(name) == "strata-compact";
    return in_memory::start_thread(name, [merges, ended = flusher_ended_, run = std::move(function)]() mutable noexcept {
      this_thread_merges() = merges;
      run();
      if (!merges) ended->store(true);
    });
  }
  std::uint64_t steady_time_ns() const {
    if (this_thread_merges() && armed_->load()) (*meanwhile_)();
    return in_memory::steady_time_ns();
  }
  // `work` says whether it was the moment; then it is not called again.
  void interrupt(std::function<bool()> work) const {
    *meanwhile_ = [armed = armed_, work = std::move(work)] {
      armed->store(false);
      armed->store(!work());
    };
    armed_->store(true);
  }
  bool was_interrupted() const { return !armed_->load(); }
  // Whether the other thread has ended: the store is closing then.
  bool flusher_ended() const { return flusher_ended_->load(); }

 private:
  static bool& this_thread_merges() {
    thread_local bool merges = false;
    return merges;
  }
  std::shared_ptr<std::atomic<bool>> flusher_ended_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<std::atomic<bool>> armed_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<std::function<void()>> meanwhile_ = std::make_shared<std::function<void()>>();
};

}  // namespace

TEST_CASE("a snapshot that is taken while a merge begins keeps what it sees", "[engine][maintenance]") {
  const interrupted_merges environment;
  strata::options amounts = tiny_options();
  amounts.compaction.level0_runs = 4;
  auto store = open_store<default_store<interrupted_merges>>(environment, "store", amounts);
  const auto put_and_flush = [&](std::string_view key, std::string_view value) {
    require_ok(put(*store, key, value));
    require_ok(store->flush());
  };
  put_and_flush("k", "1");
  put_and_flush("x", "1");
  strata::sequence_number at = 0;
  environment.interrupt([&] {
    if (store->stats().tables != 3) return false;
    // One run short of a merge, which this makes due: of a version that is newer than the snapshot.
    at = store->take_snapshot();
    return put(*store, "k", "2").has_value() && store->flush().has_value();
  });
  put_and_flush("y", "1");
  while (!environment.was_interrupted() || store->stats().compactions == 0) std::this_thread::yield();
  require_ok(store->compact());  // a merge is counted before its tables are current
  CHECK(get(*store, "k", at) == "1");
  CHECK(get(*store, "k") == "2");
  store->release_snapshot(at);
  require_ok(store->close());
}

namespace {

// Notes which of its threads ask for a low priority.
class noted_priorities : public strata::environment::in_memory {
 public:
  template <typename Function>
  strata::result<thread> start_thread(const char* name, Function function) const {
    return in_memory::start_thread(name, [name, run = std::move(function)]() mutable noexcept {
      this_thread() = name;
      run();
    });
  }
  void lower_priority() const { lowered_->push_back(this_thread()); }
  const std::vector<std::string>& lowered() const { return *lowered_; }

 private:
  static std::string& this_thread() {
    thread_local std::string name;
    return name;
  }
  std::shared_ptr<std::vector<std::string>> lowered_ = std::make_shared<std::vector<std::string>>();
};

}  // namespace

TEST_CASE("of the background threads the one that merges gives way to others, and no other does", "[engine][maintenance]") {
  const noted_priorities environment;
  auto store = open_store<default_store<noted_priorities>>(environment, "store");
  require_ok(put(*store, "k", "v"));
  require_ok(store->compact());
  require_ok(store->close());
  CHECK(environment.lowered() == std::vector<std::string>{"strata-compact"});
}

TEST_CASE("a merge that is under way when the store is closed is given up, and has changed nothing", "[engine][maintenance]") {
  const interrupted_merges environment;
  strata::options amounts = tiny_options();
  amounts.memtable_bytes = strata::operator""_MiB(1);
  amounts.durability = strata::durability::none;  // of the two threads that are started the one that does not merge flushes
  auto store = open_store<default_store<interrupted_merges>>(environment, "store", amounts);
  contents expected;
  strata::result<void> closed = strata::error(errc::closed, "test");
  std::thread closing;
  std::atomic<bool> begun{false};
  environment.interrupt([&] {
    if (store->stats().tables != 2) return false;
    closing = std::thread([&] { closed = store->close(); });
    begun = true;
    while (!environment.flusher_ended()) std::this_thread::yield();
    return true;
  });
  for (const char* value : {"1", "2"}) {
    strata::engine::write_batch batch;
    for (int i = 0; i < 3000; ++i) {
      const std::string key = std::to_string(10'000 + i);
      batch.put(0, key, value);
      expected[key] = value;
    }
    require_ok(store->commit(batch, strata::durability::none));
    // Its table is there when the merge begins that closes the store; who waits for it may learn that alone.
    const auto flushed = store->flush();
    if (!flushed) CHECK(flushed.error() == errc::closed);
  }
  while (!begun) std::this_thread::yield();
  closing.join();
  require_ok(closed);
  CHECK(store->stats().tables == 0);  // of a closed store
  std::size_t tables = 0;
  for (const std::string& name : sorted_names(environment, "store")) tables += name.ends_with(".table");
  CHECK(tables == 2);
  CHECK(scan(*open_store<memory_store>(static_cast<const strata::environment::in_memory&>(environment), "store")) == expected);
}

namespace {

// Files in memory; and the work of a thread waits where a test says so, when it asks for the time.
class held_up : public failing_environment {
 public:
  std::uint64_t wall_time_us() const {
    if (held_->load() && !is_test_thread()) ++*waiting_;
    while (held_->load() && !is_test_thread()) std::this_thread::yield();
    return failing_environment::wall_time_us();
  }
  void hold() const {
    is_test_thread() = true;
    held_->store(true);
  }
  void let_go() const { held_->store(false); }
  int holds() const { return waiting_->load(); }

 private:
  static bool& is_test_thread() {
    thread_local bool is = false;
    return is;
  }
  std::shared_ptr<std::atomic<bool>> held_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<std::atomic<int>> waiting_ = std::make_shared<std::atomic<int>>(0);
};

// The two threads of an empty store; one memtable is frozen. Nothing is begun before start().
template <typename Environment, typename Compaction = strata::compaction::leveled>
struct basic_threads {
  using recovery = strata::engine::recovery<Environment, strata::memtable::btree, strata::wal::segmented,
                                            strata::sstable::block_table<>>;
  using version_set = strata::engine::version_set<Environment, strata::memtable::btree, strata::sstable::block_table<>>;
  using threads_of = strata::engine::maintenance<Environment, strata::memtable::btree, strata::sstable::block_table<>, Compaction>;
  using latch = strata::engine::health<Environment>;
  using cache_type = typename strata::sstable::block_table<>::template cache<Environment>;

  Environment environment;
  strata::options amounts = tiny_options();
  cache_type cache{environment, 0};
  recovery read{environment, "store", cache};
  version_set versions{environment, "store", std::uint64_t{1} << 20};
  latch health{environment};
  threads_of threads{environment, amounts, versions, cache, health};
  using unit = typename version_set::unit;
  std::shared_ptr<unit> frozen = std::make_shared<unit>();

  // `tables` with a value of `bytes` each lie in level 0.
  explicit basic_threads(int tables = 0, std::size_t bytes = 1) {
    strata::options at_first = tiny_options();
    at_first.compaction.level0_runs = 64;
    auto store = open_store<default_store<Environment>>(environment, "store", at_first);
    for (int i = 0; i < tables; ++i) {
      require_ok(put(*store, "k", std::string(bytes, 'v')));
      require_ok(store->flush());
    }
    require_ok(store->close());
    require_ok(read.read());
    versions.start(read, frozen);
    versions.rotate(versions.prepare_state(), std::make_shared<unit>());
  }
};
using two_threads = basic_threads<failing_environment>;

}  // namespace

TEST_CASE("who waits for a flush is told when it is done, when it can't be done and when nobody will know", "[engine][maintenance]") {
  SECTION("done") {
    two_threads o;
    require_ok(o.threads.start());
    require_ok(o.threads.wait_for_flush(o.frozen));
    require_ok(o.threads.wait_for_memtables_below(2));
    require_ok(o.threads.compact_all());
    o.threads.stop();
    o.threads.stop();
  }
  SECTION("latched") {
    two_threads o;
    o.health.fail(strata::error(errc::no_space, "append"), strata::engine::health<failing_environment>::severity::resumable);
    require_ok(o.threads.start());
    CHECK(code_of(o.threads.wait_for_flush(o.frozen)) == errc::no_space);
    CHECK(code_of(o.threads.wait_for_memtables_below(2)) == errc::no_space);
    CHECK(code_of(o.threads.compact_all()) == errc::no_space);
    // What there is no need to wait for is no error.
    require_ok(o.threads.wait_for_memtables_below(3));
    require_ok(o.threads.wait_for_flush(std::make_shared<two_threads::unit>()));
    o.health.clear();
    o.threads.notify();
    require_ok(o.threads.wait_for_flush(o.frozen));
    o.threads.stop();
  }
  SECTION("closing") {
    two_threads o;
    o.threads.stop();
    CHECK(code_of(o.threads.wait_for_flush(o.frozen)) == errc::closed);
    CHECK(code_of(o.threads.wait_for_memtables_below(2)) == errc::closed);
    CHECK(code_of(o.threads.compact_all()) == errc::closed);
  }
  SECTION("closed: what is not found may never have been written") {
    two_threads o;
    require_ok(o.versions.close(0, 0));
    CHECK(code_of(o.threads.wait_for_flush(o.frozen)) == errc::closed);
    CHECK(code_of(o.threads.wait_for_memtables_below(2)) == errc::closed);
  }
}

TEST_CASE("of two threads one of which can't be started none stays", "[engine][maintenance]") {
  for (std::uint64_t nth = 1; nth <= 2; ++nth) {
    two_threads o;
    o.environment.fail(only(call::start_thread), nth, errc::out_of_memory);
    CHECK(code_of(o.threads.start()) == errc::out_of_memory);
    // The thread that started may have flushed the frozen one; the active one is always there.
    CHECK(code_of(o.threads.wait_for_memtables_below(1)) == errc::closed);
    o.threads.stop();
  }
}

TEST_CASE("who waits for the work that is under way in a latched store is let go by its end, or by a stop", "[engine][maintenance]") {
  for (const bool stops : {false, true}) {
    basic_threads<held_up> o;
    strata::engine::write_batch batch;
    batch.put(0, "k", "v");
    require_ok(o.frozen->reserve(1, 2));
    REQUIRE(o.frozen->apply(1, 1, batch.writes()));
    o.environment.hold();
    require_ok(o.threads.start());
    while (o.environment.holds() < 2) std::this_thread::yield();
    o.health.fail(strata::error(errc::no_space, "append"), strata::engine::health<held_up>::severity::resumable);
    std::thread other([&] {
      if (stops) o.threads.stop();
      if (!stops) o.environment.let_go();
    });
    o.threads.wait_until_idle();
    // Held up until here where only the stop can have ended the wait.
    CHECK(o.versions.flushed_tables().first->table_count() == (stops ? 0 : 1));
    o.environment.let_go();
    other.join();
    o.threads.stop();
  }
}

namespace {

// All into a run of its own, which for one table is a move.
struct always_anew : strata::compaction::archetype {
  std::optional<strata::compaction::plan> pick(const strata::compaction::shape&, const strata::compaction::amounts&) const {
    return std::nullopt;
  }
};

}  // namespace

TEST_CASE("a table that is moved into a run of its own needs a number for it", "[engine][maintenance]") {
  using store_type = strata::engine::lsm_store<memory_world, strata::memtable::btree, strata::wal::segmented,
                                               strata::sstable::block_table<>, always_anew>;
  for (const bool used_up : {false, true}) {
    const memory_world environment;
    {
      auto store = open_store<store_type>(environment, "store");
      require_ok(put(*store, "k", "v"));
      require_ok(store->flush());
      require_ok(store->close());
    }
    if (used_up) {
      strata::engine::manifest<memory_world> manifest(environment, "store");
      require_ok(manifest.recover());
      strata::engine::version_edit edit;
      edit.has_counters = true;
      edit.counts = manifest.state().counts;
      edit.counts.file_ceiling = strata::engine::file_number_max;
      require_ok(manifest.append(edit));
      require_ok(manifest.close());
    }
    auto store = open_store<store_type>(environment, "store");
    CHECK(code_of(store->compact()) == (used_up ? errc::unsupported : errc{}));
    CHECK(store->stats().moves == (used_up ? 0 : 1));
    CHECK(store->stats().tables == 1);
    CHECK(get(*store, "k") == "v");
  }
}

namespace {

// Says that so many bytes are still to be merged, and merges nothing.
struct indebted : strata::compaction::leveled {
  static inline std::uint64_t bytes = 0;
  std::optional<strata::compaction::plan> pick(const strata::compaction::shape&, const strata::compaction::amounts&) const { return std::nullopt; }
  std::uint64_t debt_bytes(const strata::compaction::shape&, const strata::compaction::amounts&) const { return bytes; }
};

}  // namespace

TEST_CASE("writers are slowed in proportion to what is still to be merged, beyond what is easy or all there is", "[engine][maintenance]") {
  for (const int tables : {0, 2}) {
    const auto pressure_at = [&](auto bytes_of) {
      basic_threads<failing_environment, indebted> o(tables, 8 << 20);
      const std::uint64_t least = 2 * o.amounts.compaction.level_bytes_base + 8 * o.amounts.memtable_bytes;
      const std::uint64_t there = o.versions.flushed_tables().first->table_bytes();
      REQUIRE((there > least) == (tables != 0));
      indebted::bytes = bytes_of((std::max)(least, there));
      require_ok(o.threads.start());
      o.threads.stop();
      return o.threads.pressure();
    };
    CHECK(pressure_at([](std::uint64_t) { return std::uint64_t{0}; }) == 0);
    CHECK(pressure_at([](std::uint64_t easy) { return easy; }) == 0);
    CHECK((pressure_at([](std::uint64_t easy) { return easy + easy / 2; }) + 5) / 10 == 50);  // a rounding below at most
    CHECK(pressure_at([](std::uint64_t easy) { return 2 * easy; }) == 1000);
    CHECK(pressure_at([](std::uint64_t easy) { return 50 * easy; }) == 1000);
  }
}

TEST_CASE("writers are slowed in proportion to the runs that come together beyond those that start a merge", "[engine][maintenance]") {
  indebted::bytes = 0;
  for (const auto& [tables, pressure] : {std::pair(10, 0u), std::pair(11, 125u), std::pair(14, 500u), std::pair(18, 1000u), std::pair(30, 1000u)}) {
    basic_threads<failing_environment, indebted> o(tables);
    o.amounts.compaction.level0_runs = 2;
    require_ok(o.threads.start());
    o.threads.stop();
    CHECK(o.threads.pressure() == pressure);
  }
}
