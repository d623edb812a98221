// The segment that commits go to: what is synced, when, and what a failure of it means.
#include "engine/failing_environment.hpp"
#include "engine/stores.hpp"

#include <thread>

#include <strata/engine/commit_log.hpp>
#include <strata/simulation.hpp>

using namespace strata_tests;
using strata::errc;
using strata::environment::disk_call;
using segmented = strata::wal::segmented;
using health_type = strata::engine::health<failing_environment>;

namespace {

strata::options amounts(std::chrono::milliseconds interval = std::chrono::hours(1), std::uint64_t after_bytes = 1 << 20) {
  strata::options all = tiny_options();
  all.sync_interval = interval;
  all.sync_after_bytes = after_bytes;
  return all;
}

const strata::wal::segment log_segment{"d/000001.log", 1, 42, 0};
const strata::wal::segment next_segment{"d/000002.log", 2, 42, 0};

// A log with one record in an open segment.
struct opened_log {
  failing_environment environment;
  health_type health{environment};
  strata::engine::commit_log<failing_environment, segmented> log;

  explicit opened_log(const strata::options& all = amounts()) : log(environment, "d", all, health) {
    require_ok(environment.create_directory("d"));
    require_ok(log.open(log_segment));
    require_ok(log.append("one"));
    static_cast<void>(environment.trace());
  }
  std::size_t count(call kind) const {
    std::size_t calls = 0;
    for (const auto& [what, path] : environment.trace()) calls += what == kind && path == log_segment.path;
    return calls;
  }
  std::vector<std::string> payloads() const {
    std::vector<std::string> all;
    auto tail = segmented::replay(environment, log_segment, [&](strata::bytes_view payload, std::uint64_t) -> strata::result<void> {
      all.emplace_back(payload);
      return {};
    });
    require_ok(tail);
    return all;
  }
  bool is_sealed() const {
    auto tail = segmented::replay(environment, log_segment, [](strata::bytes_view, std::uint64_t) { return strata::result<void>(); });
    require_ok(tail);
    return tail->sealed;
  }
  // Ends the segment, and begins another one with a record.
  std::shared_ptr<void> rotate() {
    std::shared_ptr<void> ended = log.rotate();
    REQUIRE(ended != nullptr);
    CHECK_FALSE(log.is_open());
    require_ok(log.make_ready());
    require_ok(log.open(next_segment));
    require_ok(log.append("two"));
    return ended;
  }
};

// Files in memory; and the clock knows how often this thread has asked for the time.
class counted_clock : public strata::environment::in_memory {
 public:
  std::uint64_t steady_time_ns() const noexcept {
    ++asked();
    return in_memory::steady_time_ns();
  }
  static int& asked() {
    thread_local int times = 0;
    return times;
  }
};

}  // namespace

TEST_CASE("a rotation waits for nothing, and the ended segment is whole before what follows is synced", "[engine][commit_log]") {
  for (const bool closes : {false, true}) {
    opened_log o;
    require_ok(o.log.sync());
    require_ok(o.log.append("more"));
    static_cast<void>(o.environment.trace());
    const std::shared_ptr<void> ended = o.rotate();
    for (const auto& [what, path] : o.environment.trace()) CHECK(path == next_segment.path);
    CHECK_FALSE(o.is_sealed());
    require_ok(closes ? o.log.close() : o.log.sync());
    std::vector<std::pair<call, std::string>> synced;
    for (const auto& [what, path] : o.environment.trace())
      if (what == call::sync || what == call::close) synced.emplace_back(what, path);
    REQUIRE(synced.size() >= 4);
    // Its records, its seal; then the next.
    CHECK(synced[0] == std::pair(call::sync, log_segment.path));
    CHECK(synced[1] == std::pair(call::sync, log_segment.path));
    CHECK(synced[2] == std::pair(call::close, log_segment.path));
    CHECK(synced[3] == std::pair(call::sync, next_segment.path));
    CHECK(o.is_sealed());
    require_ok(o.log.close());
  }
  opened_log o;
  require_ok(o.log.close());
  CHECK(o.log.rotate() == nullptr);  // of no segment
}

TEST_CASE("a name is durable before a sync is reported, and before the next segment is made", "[engine][commit_log]") {
  enum class by : std::uint8_t { sync, close, leave, background, opening };
  for (const by how : {by::sync, by::close, by::leave, by::background, by::opening}) {
    INFO("by " << static_cast<int>(how));
    opened_log o(how == by::background ? amounts(std::chrono::milliseconds(2)) : amounts());
    switch (how) {
      case by::sync: require_ok(o.log.sync()); break;
      case by::close: require_ok(o.log.close()); break;
      case by::leave: require_ok(o.log.leave()); break;
      case by::background:
        require_ok(o.log.start_syncing());
        o.log.schedule_sync(1);
        while (o.log.syncs() == 0) std::this_thread::yield();
        require_ok(o.log.close());
        break;
      case by::opening:
        static_cast<void>(o.log.rotate());
        require_ok(o.log.make_ready());
        require_ok(o.log.open(next_segment));
        break;
    }
    // Once, and before the call that says so or makes the next one.
    std::size_t named = 0;
    for (const auto& [what, path] : o.environment.trace()) {
      if (what == call::sync || path == next_segment.path) CHECK(named == 1);
      named += what == call::sync_directory && path == "d";
    }
    CHECK(named == 1);
    // That of the next is not: it takes another one.
    require_ok(o.log.close());
    if (how != by::opening) continue;
    named = 0;
    for (const auto& [what, path] : o.environment.trace()) named += what == call::sync_directory;
    CHECK(named == 1);
  }
}

TEST_CASE("the newest segment is named also where it has ended and none follows", "[engine][commit_log]") {
  for (const bool closes : {true, false}) {
    for (const bool fails : {false, true}) {
      opened_log o(amounts(std::chrono::milliseconds(2)));
      if (fails) o.environment.fail(only(call::sync_directory), 1, errc::io_error);
      const std::shared_ptr<void> ended = o.log.rotate();
      std::size_t named = 0;
      const auto count = [&] {
        for (const auto& [what, path] : o.environment.trace()) named += what == call::sync_directory;
      };
      if (!closes) {
        require_ok(o.log.start_syncing());
        o.log.schedule_sync(1);
        while (named == 0) {
          std::this_thread::yield();
          count();
        }
      }
      CHECK(o.log.close().has_value() == !fails);
      CHECK(o.is_sealed());
      count();
      CHECK(named == 1);
    }
  }
}

TEST_CASE("where nothing syncs by itself a name is made durable beside the writer, when there is room to make", "[engine][commit_log]") {
  using strata::environment::simulated;
  using mapped = strata::wal::mapped;
  const simulated world;
  strata::engine::health<simulated> health{world};
  const strata::options all = amounts(strata::options::never);
  strata::engine::commit_log<simulated, mapped> log(world, "d", all, health);
  require_ok(world.create_directory("d"));
  require_ok(log.open({"d/000001.log", 1, 42, 64 << 10}));
  // Fails, so that it is seen.
  world.set_fault({.calls = static_cast<std::uint32_t>(disk_call::sync_directory), .nth = 1, .code = errc::io_error});
  for (int i = 0; i < 10; ++i) require_ok(log.append(std::string(1'000, 'x')));
  for (int i = 0; world.calls_failed() == 0 && i < 100'000; ++i) world.step();
  CHECK(world.calls_failed() == 1);
  CHECK(health.failed());
  const std::shared_ptr<void> ended = log.rotate();
  CHECK(code_of(log.make_ready()) == errc::io_error);
  CHECK_FALSE(log.close().has_value());
}

TEST_CASE("a sync of the directory that failed is never tried again, and what it was for is not promised", "[engine][commit_log]") {
  for (const errc code : {errc::io_error, errc::no_space}) {
    opened_log o;
    o.environment.fail(only(call::sync_directory), 1, code);
    CHECK_FALSE(o.log.sync().has_value());
    REQUIRE(o.environment.fired());
    static_cast<void>(o.environment.trace());
    CHECK_FALSE(o.log.make_ready().has_value());
    CHECK_FALSE(o.log.sync().has_value());
    CHECK_FALSE(o.log.close().has_value());
    for (const auto& [what, path] : o.environment.trace()) CHECK(what != call::sync_directory);
    CHECK_FALSE(o.health.resumable().has_value());
  }
}

TEST_CASE("a name is not taken for durable after a sync of the directory that failed for somebody else", "[engine][commit_log]") {
  using severity = health_type::severity;
  for (const bool was_made : {true, false}) {
    opened_log o;
    if (!was_made) {
      require_ok(o.log.sync());
      static_cast<void>(o.log.rotate());
    }
    o.health.fail(strata::error(errc::no_space, "sync directory"), severity::resumable);
    o.health.clear();
    if (!was_made) {
      // It is of the names that were there then.
      require_ok(o.log.make_ready());
      require_ok(o.log.open(next_segment));
      require_ok(o.log.append("two"));
      require_ok(o.log.sync());
      require_ok(o.log.close());
      continue;
    }
    CHECK(code_of(o.log.sync()) == errc::io_error);
    CHECK_FALSE(o.health.resumable().has_value());
    CHECK_FALSE(o.log.close().has_value());
  }
  // One for which there was no descriptor was none.
  opened_log o;
  o.health.fail(strata::error(errc::too_many_open_files, "sync directory"), severity::resumable);
  o.health.clear();
  require_ok(o.log.sync());
  require_ok(o.log.close());
}

TEST_CASE("where there was no descriptor for the directory the background tries again by itself", "[engine][commit_log]") {
  opened_log o(amounts(std::chrono::milliseconds(2)));
  o.environment.fail(only(call::sync_directory), 1, errc::too_many_open_files);
  require_ok(o.log.start_syncing());
  o.log.schedule_sync(1);
  while (o.log.syncs() == 0) std::this_thread::yield();
  CHECK(o.environment.fired());
  std::size_t asked = 0;
  for (const auto& [what, path] : o.environment.trace()) {
    asked += what == call::sync_directory;
    if (what == call::sync) CHECK(asked == 2);
  }
  CHECK(asked == 2);
  // It is durable, and the store latched until somebody has looked after it.
  CHECK(o.health.failed());
  CHECK(o.health.resumable().has_value());
  require_ok(o.log.make_ready());
  require_ok(o.log.close());
}

TEST_CASE("a log that can't be named for want of a descriptor is synced and closed, and says so", "[engine][commit_log]") {
  opened_log o;
  o.environment.fail(only(call::sync_directory), 1, errc::too_many_open_files);
  CHECK(code_of(o.log.close()) == errc::too_many_open_files);
  bool synced = false;
  for (const auto& [what, path] : o.environment.trace()) synced = synced || (what == call::sync && path == log_segment.path);
  CHECK(synced);
}

TEST_CASE("of segments that were ended all are whole before the newest is synced, but for those that nobody needs", "[engine][commit_log]") {
  const strata::wal::segment third_segment{"d/000003.log", 3, 42, 0};
  for (int needed = 0; needed < 4; ++needed) {
    opened_log o;
    std::shared_ptr<void> first = o.rotate();
    if ((needed & 1) == 0) first.reset();
    std::shared_ptr<void> second = o.log.rotate();
    if ((needed & 2) == 0) second.reset();
    require_ok(o.log.make_ready());
    require_ok(o.log.open(third_segment));
    require_ok(o.log.append("three"));
    static_cast<void>(o.environment.trace());
    require_ok(o.log.sync());
    std::vector<std::string> expected;
    if ((needed & 1) != 0) expected = {log_segment.path, log_segment.path};
    if ((needed & 2) != 0) expected.insert(expected.end(), {next_segment.path, next_segment.path});
    expected.push_back(third_segment.path);
    std::vector<std::string> synced;
    for (const auto& [what, path] : o.environment.trace())
      if (what == call::sync) synced.push_back(path);
    CHECK(synced == expected);
    require_ok(o.log.close());
  }
}

TEST_CASE("of an ended segment a failed sync is final, and what fails else is nobody's failure", "[engine][commit_log]") {
  struct failing {
    call kind;
    std::uint64_t nth;
  };
  // Of the records, of the write of the seal, of the seal, of the closing.
  for (const failing& f : {failing{call::sync, 1}, {call::append, 1}, {call::sync, 2}, {call::close, 1}}) {
    for (const bool closes : {false, true}) {
      INFO("call " << static_cast<std::uint32_t>(f.kind) << ", number " << f.nth);
      opened_log o;
      const std::shared_ptr<void> ended = o.rotate();
      static_cast<void>(o.environment.trace());
      o.environment.fail(only(f.kind), f.nth, errc::no_space);
      const auto done = closes ? o.log.close() : o.log.sync();
      REQUIRE(o.environment.fired());
      CHECK(code_of(done) == (f.kind == call::sync ? errc::io_error : errc{}));
      CHECK(code_of(o.health.resumable()) == (f.kind == call::sync ? errc::io_error : errc{}));
      bool synced_next = false;
      for (const auto& [what, path] : o.environment.trace()) synced_next |= what == call::sync && path == next_segment.path;
      CHECK(synced_next == (f.kind != call::sync));
      CHECK((o.payloads() == std::vector<std::string>{"one"}));
    }
  }
}

TEST_CASE("an ended segment is left whole with the one behind it", "[engine][commit_log]") {
  opened_log o;
  const std::shared_ptr<void> ended = o.rotate();
  require_ok(o.log.leave());
  CHECK(o.is_sealed());
  opened_log failing;
  const std::shared_ptr<void> lost = failing.rotate();
  failing.environment.fail(only(call::sync), 1, errc::io_error);
  CHECK(code_of(failing.log.leave()) == errc::io_error);
  CHECK(failing.log.is_open());
}

TEST_CASE("the background makes an ended segment whole, too", "[engine][commit_log]") {
  opened_log o(amounts(std::chrono::milliseconds(2)));
  require_ok(o.log.start_syncing());
  const std::shared_ptr<void> ended = o.rotate();
  o.log.schedule_sync(3);
  while (!o.is_sealed()) std::this_thread::yield();
  require_ok(o.log.close());
}

TEST_CASE("room is made in the background where the log wants it, and by its appends where no thread can be had", "[engine][commit_log]") {
  using strata::environment::simulated;
  using mapped = strata::wal::mapped;
  for (const bool has_thread : {true, false}) {
    for (const bool leaves : {false, true}) {
      const simulated world;
      strata::engine::health<simulated> health{world};
      const strata::options all = amounts(strata::options::never);
      strata::engine::commit_log<simulated, mapped> log(world, "d", all, health);
      require_ok(world.create_directory("d"));
      const strata::wal::segment first{"d/000001.log", 1, 42, 64 << 10};  // 16 KiB of room at a time
      require_ok(log.open(first));
      if (!has_thread) world.set_fault({.calls = static_cast<std::uint32_t>(disk_call::start_thread), .nth = 1, .code = errc::out_of_memory});
      const std::string record(1'000, 'x');
      for (int i = 0; i < 10; ++i) require_ok(log.append(record));
      CHECK(world.calls_failed() == (has_thread ? 0 : 1));
      // Until the other thread has had its turn.
      for (int i = 0; has_thread && world.file_size(first.path).value() < 20'000 && i < 100'000; ++i) world.step();
      CHECK((world.file_size(first.path).value() > 20'000) == has_thread);
      std::shared_ptr<void> ended;
      if (leaves) {
        require_ok(log.leave());
      } else {
        ended = log.rotate();
      }
      require_ok(log.make_ready());
      require_ok(log.open({"d/000002.log", 2, 42, 64 << 10}));
      for (int i = 0; i < 40; ++i) require_ok(log.append(record));
      require_ok(log.close());
      int records = 0;
      auto tail = mapped::replay(world, {"d/000002.log", 2, 42, 0}, [&](strata::bytes_view payload, std::uint64_t) -> strata::result<void> {
        records += payload == record;
        return {};
      });
      require_ok(tail);
      CHECK(records == 40);
    }
  }
}

TEST_CASE("a segment that is left is left alone, by who makes room in it, too", "[engine][commit_log]") {
  using strata::environment::simulated;
  using mapped = strata::wal::mapped;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    const simulated world({.seed = seed, .switch_one_in = static_cast<std::uint32_t>(1 + seed % 4)});
    strata::engine::health<simulated> health{world};
    const strata::options all = amounts(strata::options::never);
    strata::engine::commit_log<simulated, mapped> log(world, "d", all, health);
    require_ok(world.create_directory("d"));
    const strata::wal::segment segment{"d/000001.log", 1, 42, 64 << 10};
    require_ok(log.open(segment));
    const std::string record(700, 'x');
    std::size_t appended = 0;
    for (; appended < 12; ++appended) require_ok(log.append(record));  // half of the first 16 KiB, so that more are asked for
    require_ok(log.leave());
    std::size_t found = 0;
    const auto count = [&](strata::bytes_view payload, std::uint64_t) -> strata::result<void> {
      found += payload == record;
      return {};
    };
    auto tail = mapped::replay(world, segment, count);
    require_ok(tail);
    CHECK(found == appended);
    require_ok(log.reopen(segment, *tail));
    for (; appended < 60; ++appended) require_ok(log.append(record));
    require_ok(log.close());
    found = 0;
    require_ok(mapped::replay(world, segment, count));
    CHECK(found == appended);
  }
}

TEST_CASE("a log that is never synced by itself is synced by who asks, and by the close", "[engine][commit_log]") {
  for (const bool asks : {false, true}) {
    opened_log o(amounts(strata::options::never, 1));
    require_ok(o.log.start_syncing());
    o.log.schedule_sync(1000);
    o.log.schedule_sync(1000);
    std::size_t calls = 0;
    for (const auto& [what, path] : o.environment.trace()) calls += what == call::start_thread || what == call::sync;
    CHECK(calls == 0);
    if (asks) require_ok(o.log.sync());
    CHECK(o.count(call::sync) == (asks ? 1 : 0));
    require_ok(o.log.close());
    CHECK(o.count(call::sync) == (asks ? 1 : 2));
  }
}

TEST_CASE("a segment is left when all of it is synced, and not where that fails", "[engine][commit_log]") {
  for (const bool is_synced : {false, true}) {
    opened_log o;
    if (is_synced) require_ok(o.log.sync());
    static_cast<void>(o.environment.trace());
    require_ok(o.log.leave());
    CHECK_FALSE(o.log.is_open());
    CHECK(o.count(call::sync) == (is_synced ? 0 : 1));
    require_ok(o.log.leave());
  }
  opened_log o;
  o.environment.fail(only(call::sync), 1, errc::no_space);
  CHECK(code_of(o.log.leave()) == errc::io_error);
  CHECK(o.log.is_open());
  CHECK(code_of(o.health.resumable()) == errc::io_error);
}

TEST_CASE("a segment that can't be made leaves none, one that can't be gone on with latches but for lack of room", "[engine][commit_log]") {
  for (const errc code : {errc::too_many_open_files, errc::io_error}) {
    opened_log o;
    require_ok(o.log.close());
    o.environment.fail(only(call::create), 1, code);
    CHECK(code_of(o.log.open({"d/000002.log", 2, 42, 0})) == code);
    CHECK_FALSE(o.log.is_open());
    CHECK_FALSE(o.health.failed());
    auto tail = segmented::replay(o.environment, log_segment, [](strata::bytes_view, std::uint64_t) { return strata::result<void>(); });
    require_ok(tail);
    o.environment.fail(only(call::open_writable), 1, code);
    CHECK(code_of(o.log.reopen(log_segment, *tail)) == code);
    CHECK_FALSE(o.log.is_open());
    CHECK(o.health.failed() == (code == errc::io_error));
    require_ok(o.log.reopen(log_segment, *tail));
    require_ok(o.log.append("two"));
    require_ok(o.log.close());
    CHECK((o.payloads() == std::vector<std::string>{"one", "two"}));
  }
}

TEST_CASE("bytes that are many are synced at once, however long the interval", "[engine][commit_log]") {
  opened_log o(amounts(std::chrono::hours(1), 100));
  require_ok(o.log.start_syncing());
  for (std::uint64_t round = 1; round <= 3; ++round) {
    require_ok(o.log.append("more"));
    o.log.schedule_sync(60);
    CHECK(o.log.syncs() == round - 1);
    o.log.schedule_sync(60);
    while (o.log.syncs() < round) std::this_thread::yield();
  }
  require_ok(o.log.close());
  CHECK(o.payloads().size() == 4);
}

TEST_CASE("a segment that went before its sync was due needs none", "[engine][commit_log]") {
  using counted_latch = strata::engine::health<counted_clock>;
  const counted_clock environment;
  counted_latch health(environment);
  const strata::options all = amounts(std::chrono::milliseconds(2));
  strata::engine::commit_log<counted_clock, segmented> log(environment, "d", all, health);
  require_ok(environment.create_directory("d"));
  require_ok(log.open(log_segment));
  require_ok(log.append("one"));
  require_ok(log.start_syncing());
  counted_clock::asked() = 0;
  static_cast<void>(log.rotate());  // and its commits are in a table at once
  log.schedule_sync(1);
  REQUIRE(counted_clock::asked() == 1);
  // The next mark is a first one again when the thread has taken this one up.
  while (counted_clock::asked() == 1) {
    log.schedule_sync(0);
    std::this_thread::yield();
  }
  CHECK(log.syncs() == 0);
  CHECK_FALSE(health.failed());
  require_ok(log.close());
}

TEST_CASE("what is closed is synced to its end, also where no thread was started", "[engine][commit_log]") {
  for (const bool syncs : {false, true}) {
    opened_log o;
    if (syncs) require_ok(o.log.start_syncing());
    require_ok(o.log.close());
    CHECK(o.count(call::sync) == 2);  // of the records, and of the promise that says so
    require_ok(o.log.close());
  }
  opened_log o;
  o.environment.fail(only(call::start_thread), 1, errc::out_of_memory);
  CHECK(code_of(o.log.start_syncing()) == errc::out_of_memory);
  require_ok(o.log.close());
  opened_log failing;
  failing.environment.fail(only(call::sync), 1, errc::io_error);
  CHECK(code_of(failing.log.sync()) == errc::io_error);
  CHECK(code_of(failing.health.resumable()) == errc::io_error);
  CHECK_FALSE(failing.log.close().has_value());
}
