// The way of a commit, seen from what it leaves in the log.
#include "engine/failing_store.hpp"

#include <algorithm>
#include <functional>
#include <thread>
#include <utility>

#include <strata/compaction/archetype.hpp>

using namespace strata_tests;
using strata::durability;
using strata::errc;

namespace {

// Files in memory, and a wall clock that a test puts forward and back.
class moved_clock : public strata::environment::in_memory {
 public:
  std::uint64_t wall_time_us() const { return in_memory::wall_time_us() + moved_us_->load(); }
  void move_us(std::int64_t us) const { *moved_us_ += static_cast<std::uint64_t>(us); }

 private:
  std::shared_ptr<std::atomic<std::uint64_t>> moved_us_ = std::make_shared<std::atomic<std::uint64_t>>(0);
};

// The times of all commits that the log holds, in its order.
std::vector<std::uint64_t> times_in_log(const moved_clock& environment) {
  std::vector<std::uint64_t> times;
  each_log_segment(environment, [&](const strata::wal::segment& segment) {
    const auto replayed =
        strata::wal::segmented::replay(environment, segment, [&](strata::bytes_view group, std::uint64_t) -> strata::result<void> {
          strata::engine::group_reader commits(group);
          for (strata::engine::logged_commit commit; commits.next(commit);) times.push_back(commit.time_us);
          return {};
        });
    // One whose commits are in a table may go meanwhile.
    if (code_of(replayed) != strata::errc::no_such_file) require_ok(replayed);
  });
  return times;
}

}  // namespace

TEST_CASE("the time of a commit never goes back, whatever the wall clock does", "[engine][committer]") {
  constexpr std::int64_t hour_us = 3'600'000'000;
  const moved_clock environment;
  std::uint64_t newest = 0;
  for (const bool flushes : {false, true}) {
    auto store = open_store<default_store<moved_clock>>(environment, "store");
    for (const std::int64_t moved : {hour_us, -5 * hour_us, hour_us, -hour_us}) {
      environment.move_us(moved);
      require_ok(put(*store, "k", std::to_string(moved)));
      // What was flushed is not in the log any more, and is remembered all the same.
      if (flushes) require_ok(store->flush());
      require_ok(put(*store, "k", "again"));
    }
    const std::vector<std::uint64_t> times = times_in_log(environment);
    REQUIRE(times.size() > (flushes ? 0 : 7));
    CHECK(times.front() >= newest);
    CHECK(std::is_sorted(times.begin(), times.end()));
    newest = times.back();
    require_ok(store->close());
    environment.move_us(-hour_us);
    store = open_store<default_store<moved_clock>>(environment, "store");
    require_ok(put(*store, "k", "later"));
    CHECK(times_in_log(environment).back() >= newest);
    newest = times_in_log(environment).back();
    require_ok(store->close());
  }
}

namespace {

// While a commit of the test's thread is under way, others come to wait behind it: it asks for the time when its group is
// formed, and who waits says so.
class queueing : public failing_environment {
 public:
  std::uint64_t wall_time_us() const {
    if (this_thread_leads() && *meanwhile_) std::exchange(*meanwhile_, nullptr)();
    return failing_environment::wall_time_us();
  }
  void wait(std::atomic<std::uint32_t>& word, std::uint32_t value) const {
    if (!std::exchange(this_thread_waited(), true)) ++*waiting_;
    failing_environment::wait(word, value);
  }

  // Calls `commit`, and `those_behind`, each on a thread of its own and in this order, when its group can't grow any more.
  void line_up(const std::function<void()>& commit, const std::vector<std::function<void()>>& those_behind) const {
    std::vector<std::thread> others;
    *meanwhile_ = [&] {
      for (const std::function<void()>& each : those_behind) {
        const std::size_t before = *waiting_;
        others.emplace_back(each);
        while (*waiting_ == before) std::this_thread::yield();
      }
    };
    this_thread_leads() = true;
    commit();
    this_thread_leads() = false;
    for (std::thread& each : others) each.join();
    REQUIRE_FALSE(*meanwhile_);
  }

 private:
  static bool& this_thread_leads() {
    thread_local bool leads = false;
    return leads;
  }
  static bool& this_thread_waited() {
    thread_local bool waited = false;
    return waited;
  }
  std::shared_ptr<std::function<void()>> meanwhile_ = std::make_shared<std::function<void()>>();
  std::shared_ptr<std::atomic<std::size_t>> waiting_ = std::make_shared<std::atomic<std::size_t>>(0);
};

// A store, and what came of the commits that stood in line.
struct line {
  using store_type = default_store<queueing>;
  queueing environment;
  std::unique_ptr<store_type> store;
  std::map<std::string, errc> outcomes;
  std::mutex mutex;

  line() {
    strata::options amounts = tiny_options();
    amounts.memtable_bytes = std::uint64_t{64} << 20;
    store = open_store<store_type>(environment, "store", amounts);
    require_ok(put(*store, "old", "1"));
    require_ok(put(*store, "old", "2"));
  }
  // A commit that puts `key` and whatever `fill` adds; `reads` may be null.
  std::function<void()> commit(std::string key, std::shared_ptr<strata::engine::read_set> reads = nullptr,
                               std::function<void(strata::engine::write_batch&)> fill = nullptr) {
    return [this, key = std::move(key), reads = std::move(reads), fill = std::move(fill)] {
      strata::engine::write_batch batch;
      batch.put(0, key, "value");
      if (fill) fill(batch);
      const errc code = code_of(store->commit(batch, durability::none, reads.get()));
      const std::lock_guard<std::mutex> held(mutex);
      outcomes[key] = code;
    };
  }
  // What was read at the newest commit, or at one before.
  std::shared_ptr<strata::engine::read_set> having_read(std::initializer_list<std::string_view> keys, std::uint64_t ago = 0) const {
    auto reads = std::make_shared<strata::engine::read_set>();
    reads->at = store->last_sequence() - ago;
    for (const std::string_view key : keys) reads->keys.push_back(strata::byte_string(key));
    return reads;
  }
  // In how many groups those behind the first commit went.
  std::uint64_t groups_of(const std::vector<std::function<void()>>& those_behind) {
    const std::uint64_t before = store->stats().commit_groups;
    environment.line_up([&] { require_ok(put(*store, "first", "1")); }, those_behind);
    return store->stats().commit_groups - before - 1;
  }
  void check_after_reopening(const contents& expected) {
    require_ok(store->close());
    store = open_store<store_type>(environment, "store");
    CHECK(scan(*store) == expected);
  }
};

}  // namespace

TEST_CASE("commits that wait go as one group, but for what may not go with those before it", "[engine][committer]") {
  line l;
  contents expected{{"old", "2"}, {"first", "1"}, {"a", "value"}, {"b", "value"}};
  SECTION("nothing speaks against it") {
    CHECK(l.groups_of({l.commit("a"), l.commit("b"), l.commit("c")}) == 1);
    expected["c"] = "value";
  }
  SECTION("what it has read is not what they write") {
    CHECK(l.groups_of({l.commit("a"), l.commit("b", l.having_read({"x", "old"}))}) == 1);
  }
  SECTION("a flush between them") {
    CHECK(l.groups_of({l.commit("a"), [&] { require_ok(l.store->flush()); }, l.commit("b")}) == 2);
    CHECK(l.store->stats().flushes == 1);
  }
  SECTION("they are large") {
    const std::string large(600'000, 'v');
    const auto fill = [&](strata::engine::write_batch& batch) { batch.put(0, "large", large); };
    CHECK(l.groups_of({l.commit("a", nullptr, fill), l.commit("b", nullptr, fill)}) == 2);
    expected["large"] = large;
  }
  SECTION("it has read what one of them writes: a conflict") {
    CHECK(l.groups_of({l.commit("a"), l.commit("b", l.having_read({"x", "a"}))}) == 1);
    CHECK(l.outcomes["b"] == errc::conflict);
    expected.erase("b");
  }
  SECTION("it has read a range") {
    auto reads = l.having_read({});
    reads->ranges.push_back({"x", "z", false});
    CHECK(l.groups_of({l.commit("a"), l.commit("b", reads)}) == 2);
  }
  SECTION("one of them erases a range") {
    const auto fill = [](strata::engine::write_batch& batch) { batch.erase_range(0, "m", "n"); };
    CHECK(l.groups_of({l.commit("a", nullptr, fill), l.commit("b", l.having_read({"x"}))}) == 2);
  }
  SECTION("it has read so much that to compare costs more than a group saves") {
    auto reads = l.having_read({});
    for (int i = 0; i < 5000; ++i) reads->keys.push_back("x" + std::to_string(i));
    CHECK(l.groups_of({l.commit("a"), l.commit("b", reads)}) == 2);
  }
  for (const auto& [key, code] : l.outcomes) CHECK((code == errc{} || code == errc::conflict));
  l.check_after_reopening(expected);
}

TEST_CASE("a conflict in a group costs the others nothing", "[engine][committer]") {
  line l;
  const auto fill = [](strata::engine::write_batch& batch) { batch.erase_range(0, "old", "older"); };
  contents expected{{"old", "2"}, {"first", "1"}, {"b", "value"}};
  // "old" was written since.
  SECTION("one other") { CHECK(l.groups_of({l.commit("a", l.having_read({"old"}, 1)), l.commit("b")}) == 1); }
  SECTION("several") {
    CHECK(l.groups_of({l.commit("a", l.having_read({"old"}, 1)), l.commit("b"), l.commit("c")}) == 1);
    expected["c"] = "value";
  }
  SECTION("one that erases a range") {
    CHECK(l.groups_of({l.commit("a", l.having_read({"old"}, 1)), l.commit("b", nullptr, fill)}) == 1);
    expected.erase("old");
  }
  CHECK(l.outcomes["a"] == errc::conflict);
  CHECK(l.outcomes["b"] == errc{});
  l.check_after_reopening(expected);
}

TEST_CASE("where a group can't be written each of it says why, and who was refused before says that", "[engine][committer]") {
  line l;
  l.environment.fail(only(call::append), 2, errc::no_space);
  CHECK(l.groups_of({l.commit("a"), l.commit("b", l.having_read({"old"}, 1)), l.commit("c")}) == 0);
  REQUIRE(l.environment.fired());
  CHECK(l.outcomes["a"] == errc::no_space);
  CHECK(l.outcomes["b"] == errc::conflict);
  CHECK(l.outcomes["c"] == errc::no_space);
  require_ok(l.store->resume());
  l.check_after_reopening({{"old", "2"}, {"first", "1"}});
}

TEST_CASE("who waits while the store is closed learns it", "[engine][committer]") {
  line l;
  errc flushed{};
  errc resumed{};
  std::vector<std::function<void()>> behind{[&] { require_ok(l.store->close()); }, l.commit("a"),
                                            [&] { flushed = code_of(l.store->flush()); },
                                            [&] { resumed = code_of(l.store->resume()); }};
  l.environment.line_up([&] { require_ok(put(*l.store, "first", "1")); }, behind);
  CHECK(l.outcomes["a"] == errc::closed);
  CHECK(flushed == errc::closed);
  CHECK(resumed == errc::closed);
  l.check_after_reopening({{"old", "2"}, {"first", "1"}});
}

TEST_CASE("what keeps the segment of a killed process from a table keeps commits from a new one", "[engine][committer]") {
  const failing_environment environment;
  {
    auto store = open_store<failing_store>(environment, "store");
    require_ok(put(*store, "a", "1"));
    environment.kill(1, false);
  }
  environment.revive();
  // Behind the manifest and CURRENT, both written anew: the table.
  environment.fail(only(call::create), 3, errc::io_error);
  {
    auto store = open_store<failing_store>(environment, "store");
    static_cast<void>(environment.trace());
    CHECK(code_of(put(*store, "b", "1")) == errc::io_error);
    REQUIRE(environment.fired());
    for (const auto& [what, path] : environment.trace()) CHECK((what != call::create || path.find(".log") == std::string::npos));
    CHECK(code_of(store->close()) == errc{});
  }
  auto store = open_store<failing_store>(environment, "store");
  require_ok(put(*store, "b", "1"));
  CHECK(scan(*store) == contents{{"a", "1"}, {"b", "1"}});
}

TEST_CASE("a resume that finds something in its way says what, and the next one goes on", "[engine][committer]") {
  const failing_environment environment;
  strata::options amounts = tiny_options();
  contents expected{{"a", "1"}, {"c", "1"}};
  SECTION("the manifest has no room still") {
    auto store = open_store<failing_store>(environment, "store");
    environment.fail(only(call::append), 1, errc::no_space, true);
    CHECK(code_of(put(*store, "a", "1")) == errc::no_space);
    CHECK(code_of(store->resume()) == errc::no_space);
    CHECK(code_of(store->status()) == errc::no_space);
    environment.revive();
    require_ok(store->resume());
    require_ok(put(*store, "a", "1"));
    require_ok(put(*store, "c", "1"));
    CHECK(scan(*store) == expected);
  }
  SECTION("the log can't be read") {
    auto store = open_store<failing_store>(environment, "store");
    require_ok(put(*store, "a", "1"));
    environment.fail(only(call::append), 1, errc::no_space);
    CHECK(code_of(put(*store, "b", "1")) == errc::no_space);
    environment.fail(only(call::open_readable), 1, errc::too_many_open_files);
    CHECK(code_of(store->resume()) == errc::too_many_open_files);
    CHECK(code_of(store->status()) == errc::no_space);
    require_ok(store->resume());
    require_ok(put(*store, "c", "1"));
    CHECK(scan(*store) == expected);
  }
  SECTION("and where nothing is logged there is no log to read") {
    amounts.durability = durability::none;
    auto store = open_store<failing_store>(environment, "store", amounts);
    require_ok(put(*store, "a", "1"));
    environment.fail(only(call::append), 1, errc::no_space);
    CHECK(code_of(store->flush()) == errc::no_space);
    require_ok(store->resume());
    require_ok(put(*store, "c", "1"));
    require_ok(store->flush());
    CHECK(scan(*store) == expected);
    require_ok(store->close());
  }
  CHECK(scan(*open_store<failing_store>(environment, "store")) == expected);
}

TEST_CASE("a group whose write failed but left it whole has happened when the store is resumed", "[engine][committer]") {
  for (const bool later : {false, true}) {
    const failing_environment environment;
    auto store = open_store<failing_store>(environment, "store");
    require_ok(put(*store, "a", "1"));
    require_ok(put(*store, "b", "1"));
    environment.fail(only(call::append), 1, errc::no_space);
    CHECK(code_of(put(*store, "b", "2")) == errc::no_space);
    CHECK(get(*store, "b") == "1");
    strata::engine::write_batch batch;
    batch.erase_range(0, "a", "b");
    batch.put(0, "b", "2");
    // A clock that went back, or forward, meanwhile.
    batch.seal(3, 0, later ? environment.wall_time_us() + 1'000'000'000 : 1);
    append_to_log(environment.files(), batch);
    require_ok(store->resume());
    CHECK(store->last_sequence() == 3);
    CHECK(scan(*store) == contents{{"b", "2"}});
    auto more = put(*store, "c", "1");
    require_ok(more);
    CHECK(*more == 4);
    require_ok(store->close());
    CHECK(scan(*open_store<failing_store>(environment, "store")) == contents{{"b", "2"}, {"c", "1"}});
  }
}

namespace {

// How many appends a flush of one row takes, up to that of the manifest.
std::uint64_t appends_of_a_flush() {
  const failing_environment environment;
  auto store = open_store<failing_store>(environment, "store");
  require_ok(put(*store, "a", "1"));
  static_cast<void>(environment.trace());
  require_ok(store->flush());
  std::uint64_t appends = 0;
  for (const auto& [what, path] : environment.trace()) {
    appends += what == call::append;
    if (what == call::append && path.find("MANIFEST") != std::string::npos) return appends;
  }
  FAIL("the manifest was not written");
  return 0;
}

}  // namespace

TEST_CASE("a segment is made when the name of the one before is durable", "[engine][committer]") {
  const failing_environment environment;
  strata::options amounts = tiny_options();
  amounts.sync_interval = strata::options::never;
  auto store = open_store<failing_store>(environment, "store", amounts);
  require_ok(put(*store, "a", "1"));
  require_ok(store->flush());
  environment.fail(only(call::sync_directory), 1, errc::too_many_open_files);
  static_cast<void>(environment.trace());
  CHECK(code_of(put(*store, "b", "1")) == errc::too_many_open_files);
  REQUIRE(environment.fired());
  for (const auto& [what, path] : environment.trace()) CHECK(what != call::create);
  CHECK(code_of(store->status()) == errc::too_many_open_files);
  require_ok(store->resume());
  require_ok(put(*store, "b", "1"));
  require_ok(store->close());
  CHECK(scan(*open_store<failing_store>(environment, "store")) == contents{{"a", "1"}, {"b", "1"}});
}

TEST_CASE("after a sync of the directory that failed, whoever's it was, the log's name is not taken for durable", "[engine][committer]") {
  strata::options amounts = tiny_options();
  amounts.sync_interval = std::chrono::hours(1);
  enum class whose : std::uint8_t { flush, resume };
  for (const whose failed : {whose::flush, whose::resume}) {
    INFO("of " << static_cast<int>(failed));
    const failing_environment environment;
    auto store = open_store<failing_store>(environment, "store", amounts);
    require_ok(put(*store, "a", "1"));
    if (failed == whose::flush) {
      environment.fail(only(call::sync_directory), 1, errc::no_space);
      CHECK(code_of(store->flush()) == errc::no_space);
    } else {
      // Where the manifest could not be written it is written anew.
      environment.fail(only(call::append), appends_of_a_flush(), errc::no_space);
      CHECK(code_of(store->flush()) == errc::no_space);
      REQUIRE(environment.fired());
      environment.fail(only(call::sync_directory), 1, errc::no_space);
      CHECK(code_of(store->resume()) == errc::no_space);
    }
    REQUIRE(environment.fired());
    require_ok(store->resume());
    CHECK(code_of(put(*store, "b", "1")) == errc::io_error);
    CHECK(code_of(store->resume()) == errc::io_error);
    CHECK_FALSE(store->close().has_value());
    CHECK(scan(*open_store<failing_store>(environment, "store")) == contents{{"a", "1"}});
  }
}

TEST_CASE("a memtable with as many range erasures as it may have is full, however small it is", "[engine][committer]") {
  const strata::environment::in_memory environment;
  auto store = open_store<memory_store>(environment, "store");
  require_ok(put(*store, "k", "v"));
  constexpr std::size_t most = strata::engine::memory_unit<strata::memtable::btree>::range_tombstones_max;
  const auto erase_one = [&](std::size_t i) {
    strata::engine::write_batch batch;
    batch.erase_range(0, "a" + std::to_string(i), "b");
    require_ok(store->commit(batch, durability::none));
  };
  for (std::size_t i = 0; i < most; ++i) erase_one(i);
  CHECK(store->stats().flushes == 0);
  erase_one(most);
  while (store->stats().flushes == 0) std::this_thread::yield();
  CHECK(store->stats().memtable_bytes < tiny_options().memtable_bytes);
  CHECK(scan(*store) == contents{{"k", "v"}});
}

namespace {

// Files whose calls fail when they are told to, and a clock that only sleeping moves.
class slept_clock : public failing_environment {
 public:
  void sleep_for_us(std::uint64_t us) const {
    state_->slept_us += us;
    if (state_->meanwhile) std::exchange(state_->meanwhile, nullptr)();
  }
  std::uint64_t steady_time_ns() const { return slept_us() * 1000; }
  std::uint64_t slept_us() const { return state_->slept_us; }
  // During the next sleep, and once.
  void while_sleeping(std::function<void()> work) const { state_->meanwhile = std::move(work); }

 private:
  struct state {
    std::atomic<std::uint64_t> slept_us{1};
    std::function<void()> meanwhile;
  };
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

// Merges nothing, and says that so many bytes are still to be merged.
struct never_merging : strata::compaction::archetype {
  static inline std::atomic<std::uint64_t> debt{0};
  std::optional<strata::compaction::plan> pick(const strata::compaction::shape&, const strata::compaction::amounts&) const {
    return std::nullopt;
  }
  std::uint64_t debt_bytes(const strata::compaction::shape&, const strata::compaction::amounts&) const { return debt; }
};
using never_merging_store = strata::engine::lsm_store<slept_clock, strata::memtable::btree, strata::wal::segmented,
                                                      strata::sstable::block_table<>, never_merging>;

}  // namespace

TEST_CASE("large commits wait for all that they owe to the merges, and not for what is forgiven", "[engine][committer]") {
  const slept_clock environment;
  never_merging::debt = std::uint64_t{1} << 50;
  strata::options amounts = tiny_options();
  amounts.memtable_bytes = strata::operator""_MiB(8);
  auto store = open_store<never_merging_store>(environment, "store", amounts);
  const std::uint64_t before_us = environment.slept_us();
  strata::engine::write_batch batch;
  for (int i = 0; i < 600; ++i) batch.put(0, std::to_string(i), std::string(900, 'v'));
  const std::uint64_t owed_us = batch.group_bytes().size() * 1000 / 8192;
  REQUIRE(owed_us > 60'000);
  require_ok(store->commit(batch, strata::durability::none));
  CHECK(environment.slept_us() == before_us);
  require_ok(put(*store, "a", "1"));
  CHECK(environment.slept_us() - before_us <= owed_us);
  CHECK(environment.slept_us() - before_us + 1000 > owed_us);
  CHECK(store->stats().delayed_us == environment.slept_us() - before_us);
  // The merges have caught up.
  require_ok(store->commit(batch, strata::durability::none));
  never_merging::debt = 0;
  require_ok(store->flush());
  const std::uint64_t then_us = environment.slept_us();
  require_ok(store->commit(batch, strata::durability::none));
  require_ok(put(*store, "b", "1"));
  CHECK(environment.slept_us() == then_us);
}

TEST_CASE("who waits for the merges waits no longer when the store has failed meanwhile", "[engine][committer]") {
  const slept_clock environment;
  never_merging::debt = std::uint64_t{1} << 50;
  strata::options amounts = tiny_options();
  amounts.memtable_bytes = strata::operator""_MiB(8);
  amounts.sync_interval = std::chrono::milliseconds(1);
  auto store = open_store<never_merging_store>(environment, "store", amounts);
  strata::engine::write_batch batch;
  for (int i = 0; i < 600; ++i) batch.put(0, std::to_string(i), std::string(900, 'v'));
  require_ok(put(*store, "a", "0"));  // what the first commit syncs is not the log
  environment.fail(only(call::sync), 1, errc::io_error);
  require_ok(store->commit(batch, strata::durability::none));
  // Its sync is due as soon as the clock moves.
  const std::uint64_t before_us = environment.slept_us();
  environment.while_sleeping([&] {
    while (store->status()) std::this_thread::yield();
  });
  CHECK(code_of(put(*store, "a", "1")) == errc::io_error);
  CHECK(environment.slept_us() - before_us == 20'000);
  CHECK(code_of(store->status()) == errc::io_error);
}
