// Calls of the environment that fail: each one once, and from then on. Nothing acknowledged is lost, the error comes with
// its code, nothing hangs.
#include "engine/workload.hpp"

#include <thread>

using namespace strata_tests;
using strata::durability;
using strata::errc;

namespace {

// Where the first call of `kind` on a file with `part` in its path stands in what was recorded; its end where there is none.
using record = std::vector<std::pair<call, std::string>>;
std::size_t first_of(const record& calls, call kind, std::string_view part) {
  std::size_t at = 0;
  while (at < calls.size() && (calls[at].first != kind || calls[at].second.find(part) == std::string::npos)) ++at;
  return at;
}

strata::options never_synced_by_itself() {
  strata::options amounts = tiny_options();
  amounts.durability = durability::buffered;
  amounts.sync_interval = std::chrono::hours(1);
  return amounts;
}

// The default log, but for a sync that fails: it says so only when an append has met its failure and had time to tell.
struct late_failure {
  static inline std::atomic<bool> failed{false};
  static inline std::atomic<bool> met{false};
};
struct late_failing_log {
  using strata_slot = strata::slot::wal;
  static constexpr bool is_durable = true;
  using segmented = strata::wal::segmented;

  template <typename Environment>
  class writer {
    using under = segmented::writer<Environment>;

   public:
    static strata::result<writer> create(const Environment& e, const strata::wal::segment& s) { return wrap(under::create(e, s)); }
    static strata::result<writer> reopen(const Environment& e, const strata::wal::segment& s, const strata::wal::tail& t) {
      return wrap(under::reopen(e, s, t));
    }
    strata::result<void> append(strata::bytes_view group) {
      if (!late_failure::failed) return under_.append(group);
      late_failure::met = true;
      return strata::error(errc::read_only, "append record", "an earlier write or sync failed");
    }
    strata::result<void> sync() {
      late_failure::failed = true;
      while (!late_failure::met) std::this_thread::yield();
      for (int i = 0; i < 20'000; ++i) std::this_thread::yield();
      return strata::error(errc::io_error, "sync", "as the test asked");
    }
    strata::result<void> seal() { return under_.seal(); }
    strata::result<void> close() { return under_.close(); }
    std::uint64_t bytes() const noexcept { return under_.bytes(); }
    std::uint64_t synced_bytes() const noexcept { return under_.synced_bytes(); }

   private:
    explicit writer(under made) : under_(std::move(made)) {}
    static strata::result<writer> wrap(strata::result<under> made) {
      if (!made) return std::move(made).error();
      return writer(std::move(*made));
    }
    under under_;
  };
  template <typename Environment, typename Function>
  static strata::result<strata::wal::tail> replay(const Environment& e, const strata::wal::segment& s, Function&& f) {
    return segmented::replay(e, s, f);
  }
};

}  // namespace

TEST_CASE("a call that fails loses nothing that was acknowledged", "[engine][failures]") {
  std::size_t runs = 0;
  for (const workload::shape& shape : workloads(4)) {
    for (const errc code : {errc::io_error, errc::no_space}) {
      for (const bool sticky : {false, true}) {
        for (std::uint64_t at = 1;; ++at) {
          INFO("commits " << shape.commits << ", call " << at << " gives " << strata::to_string(code) << (sticky ? " from then on" : " once"));
          const failing_environment environment;
          workload work(environment, shape);
          environment.fail(every_call, at, code, sticky);
          work.run();
          const bool done = !environment.fired();
          for (const errc each : work.failures())
            CHECK((each == code || each == errc::read_only || each == errc::io_error));  // the last: a sync without room
          work.check(false);
          ++runs;
          if (done) {
            CHECK(work.failures().empty());
            CHECK(work.acknowledged() == static_cast<std::size_t>(shape.commits));
            break;
          }
        }
      }
    }
  }
  INFO(runs << " runs");
  CHECK(runs > 1000);
}

TEST_CASE("after a full disk every store goes on when room was made, and has lost nothing", "[engine][failures]") {
  const calls writes = call::create | call::append | call::open_writable;
  for (const workload::shape& shape : workloads(4)) {
    for (std::uint64_t at = 1;; ++at) {
      INFO("commits " << shape.commits << ", write " << at << " finds no space");
      const failing_environment environment;
      workload work(environment, shape);
      // Past the making of the store, whose open() simply fails.
      environment.fail(writes, at, errc::no_space, true);
      {
        auto made = failing_store::open(environment, "store", tiny_options());
        if (!made) {
          environment.revive();
          continue;
        }
      }
      work.run(true);
      const bool done = !environment.fired();
      work.check(false);
      if (done) break;
    }
  }
}

TEST_CASE("a sync that failed is final, says why, and is never tried again", "[engine][failures]") {
  for (const errc code : {errc::io_error, errc::no_space}) {
    for (const auto mode : {durability::strict, durability::buffered}) {
      INFO(strata::to_string(code) << ", mode " << static_cast<int>(mode));
      const failing_environment environment;
      strata::options amounts = tiny_options();
      amounts.durability = mode;
      amounts.sync_interval = std::chrono::hours(1);
      auto store = open_store<failing_store>(environment, "store", amounts);
      require_ok(put(*store, "a", "1"));
      environment.fail(only(call::sync), 1, code);
      CHECK(code_of(put(*store, "b", "2", durability::strict)) == errc::io_error);
      REQUIRE(environment.fired());
      static_cast<void>(environment.trace());
      CHECK(code_of(store->status()) == errc::io_error);
      CHECK(code_of(put(*store, "c", "3")) == errc::io_error);
      CHECK(code_of(store->flush()) == errc::io_error);
      CHECK(code_of(store->compact()) == errc::io_error);
      CHECK(code_of(store->resume()) == errc::io_error);
      CHECK(get(*store, "a") == "1");
      CHECK_FALSE(get(*store, "b"));
      CHECK_FALSE(store->close().has_value());
      for (const auto& [what, path] : environment.trace()) {
        if (path.find(".log") == std::string::npos) continue;
        CHECK(what != call::sync);
        CHECK(what != call::append);
      }
      store.reset();
      environment.revive();
      store = open_store<failing_store>(environment, "store", amounts);
      CHECK(get(*store, "a") == "1");
      CHECK_FALSE(get(*store, "c"));
      auto more = put(*store, "d", "4");
      require_ok(more);
      CHECK(*more > 2);  // the sequence of the failed commit is not used again
    }
  }
}

TEST_CASE("a failed write of the log burns its sequence, also over an orderly close", "[engine][failures]") {
  for (const bool tears : {false, true}) {
    const failing_environment environment;
    auto store = open_store<failing_store>(environment, "store");
    require_ok(put(*store, "a", "1"));
    if (tears) {
      environment.kill(1, true);
    } else {
      environment.fail(only(call::append), 1, errc::io_error);
    }
    CHECK(code_of(put(*store, "b", "2")) == errc::io_error);
    CHECK(store->last_sequence() == 1);
    CHECK_FALSE(get(*store, "b"));
    environment.revive();
    static_cast<void>(store->close());
    store = open_store<failing_store>(environment, "store");
    CHECK(scan(*store) == contents{{"a", "1"}});
    auto more = put(*store, "c", "3");
    require_ok(more);
    CHECK(*more > 2);
    require_ok(store->close());
    store = open_store<failing_store>(environment, "store");
    CHECK(scan(*store) == contents{{"a", "1"}, {"c", "3"}});
  }
}

TEST_CASE("a commit that found no space in the manifest can be resumed from", "[engine][failures]") {
  const failing_environment environment;
  auto store = open_store<failing_store>(environment, "store");
  // The first commit of a life reserves sequences: the first append is the manifest's.
  environment.fail(only(call::append), 1, errc::no_space, true);
  CHECK(code_of(put(*store, "a", "1")) == errc::no_space);
  CHECK(code_of(put(*store, "a", "1")) == errc::no_space);
  CHECK(code_of(store->status()) == errc::no_space);
  environment.revive();
  require_ok(store->resume());
  require_ok(put(*store, "a", "1"));
  require_ok(store->flush());
  require_ok(store->close());
  CHECK(scan(*open_store<failing_store>(environment, "store")) == contents{{"a", "1"}});
}

TEST_CASE("a buffered commit is synced without another that follows it", "[engine][failures]") {
  const failing_environment environment;
  strata::options amounts = tiny_options();
  amounts.sync_interval = std::chrono::milliseconds(2);
  auto store = open_store<failing_store>(environment, "store", amounts);
  const auto wait_for_sync = [&] {
    for (;;) {
      for (const auto& [what, path] : environment.trace())
        if (what == call::sync && path.find(".log") != std::string::npos) return true;
      std::this_thread::yield();
    }
  };
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(environment.trace());
    require_ok(put(*store, "a", std::to_string(i)));
    CHECK(wait_for_sync());
  }
  CHECK(store->stats().log_syncs >= 3);
}

TEST_CASE("a failed sync in the background is said by the next commit", "[engine][failures]") {
  const failing_environment environment;
  strata::options amounts = tiny_options();
  amounts.sync_interval = std::chrono::milliseconds(2);
  auto store = open_store<failing_store>(environment, "store", amounts);
  require_ok(put(*store, "a", "1"));
  environment.fail(only(call::sync), 1, errc::io_error);
  require_ok(put(*store, "b", "2"));
  while (store->status()) std::this_thread::yield();
  CHECK(code_of(put(*store, "c", "3")) == errc::io_error);
  CHECK(get(*store, "b") == "2");
}

TEST_CASE("whoever waits when another thread's write fails is woken with the reason", "[engine][failures]") {
  for (std::size_t round = 0; round < rounds(150, 10'000); ++round) {
    const failing_environment environment;
    auto store = open_store<failing_store>(environment, "store");
    random_numbers random(round);
    environment.fail(call::sync | call::append, 30 + random.below(150), errc::io_error, true);
    std::vector<std::thread> threads;
    std::atomic<std::size_t> wrong{0};
    // A log segment that can't be made latches nothing: then it is the writers that end it.
    std::atomic<int> writing{2};
    const auto until_failed = [&](int is_writer, auto work) {
      threads.emplace_back([&wrong, &writing, is_writer, work] {
        while (writing > 0) {
          auto done = work();
          if (done) continue;
          wrong += done.error() != errc::io_error && done.error() != errc::read_only;
          break;
        }
        writing -= is_writer;
      });
    };
    until_failed(1, [&] { return put(*store, "a", std::string(500, 'v'), durability::strict); });
    until_failed(1, [&] { return put(*store, "b", std::string(3000, 'v')); });
    until_failed(0, [&] { return store->flush(); });
    until_failed(0, [&] { return store->compact(); });
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK_FALSE(put(*store, "c", "x").has_value());
    store.reset();
    environment.revive();
    require_ok(failing_store::open(environment, "store", tiny_options()));
  }
}

TEST_CASE("with many threads at a full disk, room made is all that it takes to go on when what met it has ended", "[engine][failures]") {
  for (std::size_t round = 0; round < rounds(60, 5'000); ++round) {
    INFO("round " << round);
    const failing_environment environment;
    auto store = open_store<failing_store>(environment, "store");
    random_numbers random(round);
    std::map<std::string, std::string> acknowledged;
    for (int fill = 0; fill < 3; ++fill) {
      environment.fail(call::create | call::append | call::open_writable, 10 + random.below(120), errc::no_space, true);
      std::mutex mutex;
      std::vector<std::thread> threads;
      std::atomic<std::size_t> wrong{0};
      std::atomic<int> writing{3};
      for (int w = 0; w < 3; ++w) {
        threads.emplace_back([&, w] {
          for (int i = 0;; ++i) {
            const std::string key = std::to_string(fill) + "/" + std::to_string(w) + "/" + std::to_string(i);
            auto committed = put(*store, key, std::string(900, static_cast<char>('a' + w)));
            if (!committed) {
              wrong += committed.error() != errc::no_space;
              --writing;
              return;
            }
            const std::lock_guard<std::mutex> held(mutex);
            acknowledged[key] = std::string(900, static_cast<char>('a' + w));
          }
        });
      }
      threads.emplace_back([&] {
        while (writing > 0) {
          auto done = store->flush();
          if (!done) {
            wrong += done.error() != errc::no_space;
            return;
          }
        }
      });
      for (std::thread& thread : threads) thread.join();
      CHECK(wrong == 0);
      environment.revive();
      // The writers may all have failed to open a segment, which latches nothing, and a merge have met the full disk and not
      // said so yet: it ends first, or a resume that finds nothing to do would be too early.
      static_cast<void>(store->compact());
      go_on(*store);
      require_ok(put(*store, "after " + std::to_string(fill), "x"));
      acknowledged["after " + std::to_string(fill)] = "x";
    }
    require_ok(store->compact());
    std::size_t missing = 0;
    const auto check = [&] {
      const contents all = scan(*store);
      for (const auto& [key, value] : acknowledged) {
        const auto found = all.find(key);
        missing += found == all.end() || found->second != value;
      }
    };
    check();
    require_ok(store->close());
    store = open_store<failing_store>(environment, "store");
    check();
    CHECK(missing == 0);
  }
}

TEST_CASE("what was acknowledged before a full disk is synced by close and by resume", "[engine][failures]") {
  for (const bool resumes : {false, true}) {
    for (const bool tears : {false, true}) {
      INFO((resumes ? "resume" : "close") << (tears ? ", torn" : ""));
      const failing_environment environment;
      auto store = open_store<failing_store>(environment, "store", never_synced_by_itself());
      require_ok(put(*store, "a", "1"));
      if (tears) {
        environment.kill(1, true);
      } else {
        environment.fail(only(call::append), 1, errc::no_space);
      }
      CHECK_FALSE(put(*store, "b", "2").has_value());
      environment.revive();
      static_cast<void>(environment.trace());
      // A torn write was an io_error: that one is final.
      if (resumes && !tears) require_ok(store->resume());
      if (!resumes || tears) CHECK_FALSE(store->close().has_value());
      const record calls = environment.trace();
      REQUIRE(first_of(calls, call::sync, ".log") < calls.size());
      CHECK(first_of(calls, call::sync, ".log") < first_of(calls, call::open_readable, ".log"));
      if (!resumes) CHECK(first_of(calls, call::append, ".log") == calls.size());
      store.reset();
      store = open_store<failing_store>(environment, "store");
      CHECK(scan(*store) == contents{{"a", "1"}});
    }
  }
}

TEST_CASE("what was acknowledged before a full disk is synced in the background, too", "[engine][failures]") {
  const failing_environment environment;
  strata::options amounts = tiny_options();
  amounts.sync_interval = std::chrono::milliseconds(50);
  auto store = open_store<failing_store>(environment, "store", amounts);
  static_cast<void>(environment.trace());
  record calls;
  do {
    // Until the failure comes before the sync: the thread has only so much time.
    require_ok(store->resume());
    environment.revive();
    require_ok(put(*store, "a", "1"));
    static_cast<void>(environment.trace());
    environment.fail(only(call::append), 1, errc::no_space);
    CHECK_FALSE(put(*store, "b", "2").has_value());
    calls = environment.trace();
  } while (first_of(calls, call::sync, ".log") != calls.size());
  for (; first_of(calls, call::sync, ".log") == calls.size(); calls = environment.trace()) std::this_thread::yield();
  CHECK(code_of(store->status()) == errc::no_space);
}

TEST_CASE("resuming lets no segment go that is not synced, whatever the store was latched for", "[engine][failures]") {
  for (const bool sync_fails : {false, true}) {
    const failing_environment environment;
    auto store = open_store<failing_store>(environment, "store", never_synced_by_itself());
    // Fills a memtable, so that the next commit goes to a new segment while the flush fails: of the log all is well.
    const std::string large(tiny_options().memtable_bytes, 'v');
    require_ok(put(*store, "a", large));
    environment.fail(only(call::open_readable), 1, errc::too_many_open_files);
    require_ok(put(*store, "b", "1"));
    while (store->status()) std::this_thread::yield();
    REQUIRE(code_of(store->status()) == errc::too_many_open_files);
    environment.revive();
    static_cast<void>(environment.trace());
    if (sync_fails) {
      environment.fail(only(call::sync), 1, errc::no_space);
      CHECK(code_of(store->resume()) == errc::io_error);
      CHECK_FALSE(store->resume().has_value());
      CHECK_FALSE(put(*store, "c", "1").has_value());
      CHECK_FALSE(store->close().has_value());
      std::size_t syncs = 0;
      for (const auto& [what, path] : environment.trace()) syncs += what == call::sync && path.find(".log") != std::string::npos;
      CHECK(syncs == 1);
      continue;
    }
    require_ok(store->resume());
    const record calls = environment.trace();
    REQUIRE(first_of(calls, call::sync, ".log") < calls.size());
    CHECK(first_of(calls, call::sync, ".log") < first_of(calls, call::open_readable, ".log"));
    require_ok(put(*store, "c", "1"));
    CHECK(scan(*store) == contents{{"a", large}, {"b", "1"}, {"c", "1"}});
  }
}

TEST_CASE("a failed sync of the cut of a torn log is final, a lack of descriptors is not", "[engine][failures]") {
  for (const bool sync_fails : {true, false}) {
    const failing_environment environment;
    std::string log;
    {
      auto store = open_store<failing_store>(environment, "store");
      require_ok(put(*store, "a", "1"));
      require_ok(store->close());
    }
    for (const std::string& name : sorted_names(environment, "store"))
      if (name.find(".log") != std::string::npos) log = "store/" + name;
    REQUIRE_FALSE(log.empty());
    write_file(environment.files(), log, read_file(environment.files(), log) + "torn");
    auto store = open_store<failing_store>(environment, "store");
    if (!sync_fails) {
      environment.fail(only(call::open_writable), 1, errc::too_many_open_files);
      CHECK(code_of(put(*store, "b", "2")) == errc::too_many_open_files);
      require_ok(store->status());
      require_ok(put(*store, "b", "2"));
      continue;
    }
    environment.fail(only(call::sync), 1, errc::no_space);
    CHECK(code_of(put(*store, "b", "2")) == errc::io_error);
    REQUIRE(environment.fired());
    static_cast<void>(environment.trace());
    CHECK(code_of(store->status()) == errc::io_error);
    CHECK(code_of(put(*store, "b", "2")) == errc::io_error);
    CHECK(code_of(store->resume()) == errc::io_error);
    static_cast<void>(store->close());
    for (const auto& [what, path] : environment.trace())
      if (path == log) CHECK((what != call::sync && what != call::append && what != call::open_writable));
    CHECK(scan(*open_store<failing_store>(environment, "store")) == contents{{"a", "1"}});
  }
}

TEST_CASE("a log whose name can't be made durable latches the store: for good, but where no sync can have failed", "[engine][failures]") {
  for (const errc code : {errc::too_many_open_files, errc::no_space, errc::io_error}) {
    INFO(strata::to_string(code));
    const failing_environment environment;
    auto store = open_store<failing_store>(environment, "store");
    environment.fail(only(call::sync_directory), 1, code);
    const bool is_final = code != errc::too_many_open_files;
    const errc said = is_final ? errc::io_error : code;
    CHECK(code_of(put(*store, "a", "1", strata::durability::strict)) == said);
    REQUIRE(environment.fired());
    CHECK(code_of(store->status()) == said);
    CHECK(code_of(put(*store, "a", "2")) == said);
    if (is_final) {
      CHECK(code_of(store->resume()) == said);
      CHECK(code_of(put(*store, "a", "2")) == said);
      continue;
    }
    // What was written is there: the commit has happened, though nobody was told so.
    require_ok(store->resume());
    CHECK(scan(*store) == contents{{"a", "1"}});
    require_ok(put(*store, "b", "1", strata::durability::strict));
    require_ok(store->close());
    CHECK(scan(*open_store<failing_store>(environment, "store")) == contents{{"a", "1"}, {"b", "1"}});
  }
}

TEST_CASE("a commit that meets a sync's failure first leaves the reason to it", "[engine][failures]") {
  using log_store = strata::engine::lsm_store<strata::environment::in_memory, strata::memtable::btree, late_failing_log,
                                              strata::sstable::block_table<>, strata::compaction::leveled>;
  const strata::environment::in_memory environment;
  strata::options amounts = tiny_options();
  amounts.sync_interval = std::chrono::milliseconds(2);
  auto store = open_store<log_store>(environment, "store", amounts);
  require_ok(put(*store, "a", "1"));
  while (!late_failure::failed) std::this_thread::yield();
  CHECK_FALSE(put(*store, "b", "2").has_value());
  CHECK(code_of(store->status()) == errc::io_error);
  CHECK(code_of(put(*store, "c", "3")) == errc::io_error);
}
