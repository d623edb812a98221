// The store from outside: opening and refusing, closing, one writer and its readers, checkpoints.
#include "engine/failing_store.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <thread>
#include <utility>

#include <strata/environment/posix.hpp>
#include <strata/wal/none.hpp>

using namespace strata_tests;
using strata::durability;
using strata::errc;

namespace {

// A directory on the file system that is gone afterwards.
struct temporary_directory {
  strata::environment::posix environment;
  std::string path;
  temporary_directory() {
    auto made = environment.temporary_directory();
    require_ok(made);
    path = *made;
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory() { remove(path); }
  void remove(const std::string& directory) const {
    if (auto names = environment.list_directory(directory))
      for (const std::string& name : *names)
        if (!environment.remove_file(directory + "/" + name)) remove(directory + "/" + name);
    static_cast<void>(environment.remove_directory(directory));
  }
};
using posix_store = default_store<strata::environment::posix>;
}  // namespace

TEST_CASE("an option out of its range is refused before anything is touched", "[engine][lsm]") {
  using namespace strata::literals;
  const memory_world environment;
  using change = void (*)(strata::options&);
  const change wrong[] = {
      [](strata::options& o) { o.memtable_bytes = 64_KiB - 1; },
      [](strata::options& o) { o.memtable_bytes = 4_GiB + 1; },
      [](strata::options& o) { o.memtables_max = 1; },
      [](strata::options& o) { o.memtables_max = 17; },
      [](strata::options& o) { o.block_bytes = 1_KiB - 1; },
      [](strata::options& o) { o.block_bytes = 32_KiB + 1; },
      [](strata::options& o) { o.table_bytes = 16_KiB - 1; },
      [](strata::options& o) { o.table_bytes = 4_GiB + 1; },
      [](strata::options& o) { o.manifest_bytes = 4_KiB - 1; },
      [](strata::options& o) { o.manifest_bytes = 1_GiB + 1; },
      [](strata::options& o) { o.sync_interval = std::chrono::milliseconds(0); },
      [](strata::options& o) { o.sync_interval = std::chrono::hours(2); },
      [](strata::options& o) { o.sync_interval = strata::options::never - std::chrono::milliseconds(1); },
      [](strata::options& o) { o.expiry_margin = std::chrono::minutes(-1); },
      [](strata::options& o) { o.expiry_margin = (std::chrono::minutes::max)(); },
      [](strata::options& o) { o.compaction.level0_runs = 1; },
      [](strata::options& o) { o.compaction.level0_runs = 65; },
      [](strata::options& o) { o.compaction.fan_out = 1; },
      [](strata::options& o) { o.compaction.fan_out = 101; },
      [](strata::options& o) { o.compaction.level_bytes_base = 64_KiB - 1; },
      [](strata::options& o) { o.compaction.level_bytes_base = 1024_GiB + 1; },
      [](strata::options& o) { o.compaction.level_bytes_base = std::uint64_t{1} << 63; },
  };
  for (const change each : wrong) {
    strata::options amounts;
    each(amounts);
    CHECK(code_of(memory_store::open(environment, "store", amounts)) == errc::invalid_argument);
    CHECK(code_of(memory_store::open_read_only(environment, "store", amounts)) == errc::invalid_argument);
  }
  CHECK(environment.list_directory("")->empty());
  require_ok(memory_store::open(environment, "store", strata::options()));
}

TEST_CASE("a store that is not there is made, or not when that is not wanted", "[engine][lsm]") {
  const memory_world environment;
  strata::options amounts = tiny_options();
  amounts.create_if_missing = false;
  CHECK(code_of(memory_store::open(environment, "store", amounts)) == errc::no_such_file);
  CHECK(environment.list_directory("")->empty());
  CHECK(code_of(memory_store::open_read_only(environment, "store", amounts)) == errc::no_such_file);
  CHECK(environment.list_directory("")->empty());
  CHECK(code_of(memory_store::open(environment, "no/such/parent", tiny_options())) == errc::no_such_file);
  require_ok(open_store<memory_store>(environment, "store")->close());
  require_ok(memory_store::open(environment, "store", amounts));
  require_ok(environment.create_directory("empty"));
  CHECK(code_of(memory_store::open(environment, "empty", amounts)) == errc::no_such_file);
  require_ok(memory_store::open(environment, "empty/", tiny_options()));
}

TEST_CASE("what is no directory, and one that may not be read, are said to be so", "[engine][lsm]") {
  const memory_world environment;
  write_file(environment, "file", "x");
  CHECK(code_of(memory_store::open(environment, "file", tiny_options())) == errc::not_a_store);
  CHECK_FALSE(memory_store::open_read_only(environment, "file", tiny_options()).has_value());
  CHECK(read_file(environment, "file") == "x");
  const temporary_directory disk;
  write_file(disk.environment, disk.path + "/file", "x");
  CHECK(code_of(posix_store::open(disk.environment, disk.path + "/file", tiny_options())) == errc::not_a_store);
  CHECK(read_file(disk.environment, disk.path + "/file") == "x");
  for (const call refused : {call::exists, call::make_directory, call::lock, call::list, call::open_readable}) {
    const failing_environment forbidding;
    require_ok(open_store<failing_store>(forbidding, "store")->close());
    forbidding.fail(only(refused), 1, errc::permission_denied, true);
    CHECK(code_of(failing_store::open(forbidding, "store", tiny_options())) == errc::permission_denied);
    forbidding.revive();
    require_ok(failing_store::open(forbidding, "store", tiny_options()));
  }
}

TEST_CASE("in a directory that is not ours an open leaves nothing", "[engine][lsm]") {
  const memory_world environment;
  require_ok(environment.create_directory("photos"));
  write_file(environment, "photos/cat.jpg", "x");
  CHECK(code_of(memory_store::open(environment, "photos", tiny_options())) == errc::not_a_store);
  CHECK(sorted_names(environment, "photos") == std::vector<std::string>{"cat.jpg"});
}

TEST_CASE("beside a writer that never rests a compaction ends", "[engine][lsm]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");
  const std::string value(500, 'v');
  for (int i = 0; i < 500; ++i) require_ok(put(*store, std::to_string(i), value));
  std::atomic<bool> stop{false};
  std::atomic<int> failed{0};
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) failed += !put(*store, std::to_string(i % 5000), value).has_value();
  });
  for (int i = 0; i < 3; ++i) require_ok(store->compact());
  stop = true;
  writer.join();
  CHECK(failed == 0);
}

TEST_CASE("what a reader was inside of when it was replaced goes when it is out, though nothing else happens", "[engine][lsm]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");
  const auto tables = [&] {
    std::size_t count = 0;
    for (const std::string& name : sorted_names(environment, "store")) count += name.find(".table") != std::string::npos;
    return count;
  };
  for (int i = 0; i < 2; ++i) {
    require_ok(put(*store, "a", std::to_string(i)));
    require_ok(store->flush());
  }
  auto found = store->get("a", strata::sequence_max, [&](strata::bytes_view value, strata::sequence_number, std::uint64_t) {
    CHECK(value == "1");
    require_ok(put(*store, "a", "2"));
    require_ok(store->compact());
    CHECK(tables() > 1);
    CHECK(value == "1");
  });
  require_ok(found);
  while (tables() > 1) std::this_thread::yield();
  CHECK(get(*store, "a") == "2");
}

TEST_CASE("a pinned value that takes over another lets go of its own", "[engine][lsm]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");
  require_ok(put(*store, "a", "1"));
  require_ok(store->flush());
  memory_store::pinned_value first;
  require_ok(store->get_pinned("a", strata::sequence_max, first));
  require_ok(put(*store, "a", "2"));
  require_ok(store->compact());
  memory_store::pinned_value second;
  require_ok(store->get_pinned("a", strata::sequence_max, second));
  CHECK(first.value() == "1");
  first = std::move(second);
  CHECK(first.value() == "2");
}

TEST_CASE("one writer at a time, and the next when it has closed", "[engine][lsm]") {
  const temporary_directory disk;
  const std::string path = disk.path + "/store";
  auto store = open_store<posix_store>(disk.environment, path);
  CHECK(code_of(posix_store::open(disk.environment, path, tiny_options())) == errc::in_use);
  CHECK(code_of(posix_store::open(disk.environment, path + "/", tiny_options())) == errc::in_use);
  require_ok(put(*store, "a", "1"));
  // Another process, too.
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto opened = posix_store::open(strata::environment::posix(), path, tiny_options());
    ::_exit(!opened && opened.error() == errc::in_use ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  require_ok(store->close());
  auto next = open_store<posix_store>(disk.environment, path);
  CHECK(get(*next, "a") == "1");
}

TEST_CASE("a close gives the directory free when all else is done", "[engine][lsm]") {
  const failing_environment environment;
  auto store = open_store<failing_store>(environment, "store");
  for (int i = 0; i < 300; ++i) require_ok(put(*store, std::to_string(i), std::string(400, 'v')));
  static_cast<void>(environment.trace());
  require_ok(store->close());
  const auto calls = environment.trace();
  REQUIRE(calls.size() > 1);
  for (std::size_t i = 0; i < calls.size(); ++i) CHECK((calls[i].first == call::unlock) == (i + 1 == calls.size()));
}

TEST_CASE("an open that fails gives the directory free again", "[engine][lsm]") {
  const failing_environment environment;
  require_ok(open_store<failing_store>(environment, "store")->close());
  std::size_t failed = 0;
  for (std::uint64_t at = 1;; ++at) {
    environment.fail(every_call, at, errc::io_error);
    auto opened = failing_store::open(environment, "store", tiny_options());
    if (opened) {
      const bool all = !environment.fired();
      opened->reset();
      if (all) break;
      continue;
    }
    ++failed;
    CHECK(opened.error() == errc::io_error);
    environment.revive();
    require_ok(failing_store::open(environment, "store", tiny_options()));
  }
  CHECK(failed > 8);
}

TEST_CASE("a thread that can't be started is an error of the opening, and nothing hangs", "[engine][lsm]") {
  for (const durability mode : {durability::none, durability::buffered, durability::strict}) {
    for (std::uint64_t at = 1;; ++at) {
      const failing_environment environment;
      strata::options amounts = tiny_options();
      amounts.memtables_max = 4;
      {
        // A sealed segment that is still to be flushed: the memtable of it waits for the thread that is missing.
        auto store = open_store<failing_store>(environment, "store", amounts);
        require_ok(put(*store, "a", "1"));
        environment.fail(call::create | call::append, 1, errc::io_error, true);
        CHECK_FALSE(store->flush().has_value());
      }
      amounts.durability = mode;
      environment.fail(only(call::start_thread), at, errc::out_of_memory, true);
      auto opened = failing_store::open(environment, "store", amounts);
      const bool all = !environment.fired();
      CHECK(opened.has_value() == all);
      if (!opened) CHECK(opened.error() == errc::out_of_memory);
      if (opened) opened->reset();
      environment.revive();
      auto store = open_store<failing_store>(environment, "store", amounts);
      CHECK(scan(*store) == contents{{"a", "1"}});
      if (all) break;
    }
  }
}

TEST_CASE("after its close a store says so to every call", "[engine][lsm]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");
  require_ok(put(*store, "a", "1"));
  CHECK(store->is_writable());
  require_ok(store->close());
  require_ok(store->close());
  CHECK_FALSE(store->is_writable());
  CHECK(code_of(put(*store, "a", "2")) == errc::closed);
  CHECK(code_of(put(*store, "a", "2", durability::strict)) == errc::closed);
  CHECK(code_of(store->get("a", strata::sequence_max, [](strata::bytes_view, strata::sequence_number, std::uint64_t) {})) == errc::closed);
  memory_store::pinned_value pinned;
  CHECK(code_of(store->get_pinned("a", strata::sequence_max, pinned)) == errc::closed);
  CHECK(code_of(store->multi_get(std::vector<std::string>{"a"}, strata::sequence_max,
                                 [](std::size_t, strata::bytes_view, strata::sequence_number) {})) == errc::closed);
  CHECK(code_of(store->make_cursor({"", "", true}, strata::sequence_max)) == errc::closed);
  CHECK(code_of(store->flush()) == errc::closed);
  CHECK(code_of(store->compact()) == errc::closed);
  CHECK(code_of(store->verify()) == errc::closed);
  CHECK(code_of(store->checkpoint("copy")) == errc::closed);
  CHECK(code_of(store->resume()) == errc::closed);
  CHECK(code_of(store->status()) == errc::closed);
  CHECK(store->stats().tables == 0);
  CHECK_FALSE(*environment.file_exists("copy"));
}

TEST_CASE("what was opened for reading reads, and refuses to write", "[engine][lsm]") {
  const memory_world environment;
  auto writer = open_store<memory_store>(environment, "store");
  require_ok(put(*writer, "a", "1"));
  require_ok(writer->flush());
  require_ok(put(*writer, "b", "2"));
  const std::vector<std::string> before = sorted_names(environment, "store");
  auto opened = memory_store::open_read_only(environment, "store", tiny_options());
  require_ok(opened);
  memory_store& reader = **opened;
  CHECK_FALSE(reader.is_writable());
  CHECK(scan(reader) == contents{{"a", "1"}, {"b", "2"}});
  CHECK(reader.last_sequence() == 2);
  CHECK(code_of(put(reader, "c", "3")) == errc::read_only);
  CHECK(code_of(reader.flush()) == errc::read_only);
  CHECK(code_of(reader.compact()) == errc::read_only);
  CHECK(code_of(reader.resume()) == errc::read_only);
  CHECK(code_of(reader.checkpoint("copy")) == errc::read_only);
  require_ok(reader.verify());
  require_ok(put(*writer, "a", "9"));
  require_ok(writer->compact());
  CHECK(scan(reader) == contents{{"a", "1"}, {"b", "2"}});
  require_ok(reader.close());
  require_ok(writer->close());
  CHECK(sorted_names(environment, "store").size() <= before.size());
}

TEST_CASE("beside a running writer every opening for reading sees what was committed before it, whole", "[engine][lsm]") {
  const memory_world environment;
  auto owner = open_store<memory_store>(environment, "store");
  memory_store& store = *owner;
  std::atomic<std::uint64_t> committed{0};
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> failed{0};
  constexpr std::uint64_t ring = 200;
  std::thread writer([&] {
    strata::engine::write_batch batch;
    for (std::uint64_t i = 1; !stop.load(std::memory_order_relaxed); ++i) {
      batch.clear();
      batch.put(0, "k" + std::to_string(i % ring), std::to_string(i) + std::string(300, 'v'));
      batch.put(0, "last", std::to_string(i));
      if (!store.commit(batch, durability::none)) ++failed;
      committed.store(i, std::memory_order_release);
      if (i % 150 == 0 && !store.flush()) ++failed;
      if (i % 900 == 0 && !store.compact()) ++failed;
    }
  });
  while (committed.load() < ring) std::this_thread::yield();
  for (std::size_t round = 0; round < rounds(80, 5'000); ++round) {
    const std::uint64_t before = committed.load(std::memory_order_acquire);
    auto opened = memory_store::open_read_only(environment, "store", tiny_options());
    if (!opened) {
      stop = true;
      writer.join();
      FAIL(opened.error().message());
    }
    const std::uint64_t last = std::stoull(get(**opened, "last").value_or("0"));
    std::size_t wrong = last < before;
    const contents all = scan(**opened);
    for (std::uint64_t i = last - ring + 1; i <= last; ++i) {
      const auto found = all.find("k" + std::to_string(i % ring));
      wrong += found == all.end() || found->second != std::to_string(i) + std::string(300, 'v');
    }
    wrong += all.size() != ring + 1;
    CHECK(wrong == 0);
    require_ok((*opened)->close());
  }
  stop = true;
  writer.join();
  CHECK(failed == 0);
}

TEST_CASE("in a forked child the handle refuses to write, and the parent's store stays whole", "[engine][lsm]") {
  const temporary_directory disk;
  const std::string path = disk.path + "/store";
  auto store = open_store<posix_store>(disk.environment, path);
  require_ok(put(*store, "a", "1"));
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int wrong = 0;
    wrong += code_of(put(*store, "a", "child")) != errc::closed;
    wrong += code_of(put(*store, "a", "child", durability::strict)) != errc::closed;
    wrong += code_of(store->flush()) != errc::closed;
    wrong += code_of(store->compact()) != errc::closed;
    wrong += code_of(store->checkpoint(path + "-copy")) != errc::closed;
    ::_exit(wrong);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(get(*store, "a") == "1");
  require_ok(put(*store, "b", "2"));
  require_ok(store->close());
  store = open_store<posix_store>(disk.environment, path);
  CHECK(scan(*store) == contents{{"a", "1"}, {"b", "2"}});
}

TEST_CASE("a forked child that closes or destroys its copy takes nothing from the parent", "[engine][lsm]") {
  for (const bool closes : {false, true}) {
    const temporary_directory disk;
    const std::string path = disk.path + "/store";
    auto store = open_store<posix_store>(disk.environment, path);
    for (int i = 0; i < 100; ++i) require_ok(put(*store, std::to_string(i), "1", durability::strict));
    // So much that the log has every thread that it can have.
    for (int i = 0; i < 100; ++i) require_ok(put(*store, "0", std::string(150, 'r')));
    int turn[2];
    REQUIRE(::pipe(turn) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::alarm(60);
      char byte = 0;
      int wrong = ::read(turn[0], &byte, 1) != 1;
      wrong += store->belongs_to_this_process();
      wrong += get(*store, "99") != "1";
      store->release_snapshot(store->take_snapshot());
      if (closes) {
        wrong += !store->close().has_value();
        wrong += code_of(put(*store, "a", "child")) != errc::closed;
        wrong += code_of(store->get("99", strata::sequence_max, [](auto&&...) {})) != errc::closed;
      }
      store.reset();
      ::_exit(wrong);
    }
    CHECK(store->belongs_to_this_process());
    // The child's copy is of before these.
    for (int i = 100; i < 200; ++i) require_ok(put(*store, std::to_string(i), "1", durability::strict));
    REQUIRE(::write(turn[1], "x", 1) == 1);
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    ::close(turn[0]);
    ::close(turn[1]);
    CHECK(code_of(posix_store::open(disk.environment, path, tiny_options())) == errc::in_use);
    for (int i = 200; i < 300; ++i) require_ok(put(*store, std::to_string(i), "1", durability::strict));
    require_ok(store->close());
    store = open_store<posix_store>(disk.environment, path);
    CHECK(scan(*store).size() == 300);
  }
}

namespace {

// Files in memory, where a table may be listed that another thread has removed by the time it is asked for.
struct late_listing : memory_world {
  strata::result<std::vector<std::string>> list_directory(std::string_view path) const {
    auto names = memory_world::list_directory(path);
    if (names && *shows_gone) names->push_back("000999.table");
    return names;
  }
  std::shared_ptr<std::atomic<bool>> shows_gone = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace

TEST_CASE("a left-over that is gone by the time it is removed is no failure of opening", "[engine][lsm]") {
  const late_listing environment;
  require_ok(put(*open_store<default_store<late_listing>>(environment, "store"), "k", "v"));
  *environment.shows_gone = true;
  CHECK(get(*open_store<default_store<late_listing>>(environment, "store"), "k") == "v");
}

TEST_CASE("a pinned value is empty where there is none", "[engine][lsm]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");
  require_ok(put(*store, "a", "1"));
  memory_store::pinned_value pinned;
  CHECK(*store->get_pinned("a", strata::sequence_max, pinned));
  CHECK(pinned.value() == "1");
  CHECK(pinned.sequence() == 1);
  CHECK_FALSE(*store->get_pinned("b", strata::sequence_max, pinned));
  CHECK(pinned.value().empty());
}

TEST_CASE("a checkpoint goes into a new or an empty directory, and is a store of its own", "[engine][lsm]") {
  const temporary_directory disk;
  const std::string path = disk.path + "/store";
  auto store = open_store<posix_store>(disk.environment, path);
  contents expected;
  for (int i = 0; i < 1200; ++i) {
    expected[std::to_string(i % 700)] = std::string(120, static_cast<char>('a' + i % 26));
    require_ok(put(*store, std::to_string(i % 700), expected[std::to_string(i % 700)]));
  }
  require_ok(store->checkpoint(disk.path + "/one"));
  require_ok(disk.environment.create_directory(disk.path + "/two"));
  require_ok(store->checkpoint(disk.path + "/two"));
  CHECK(code_of(store->checkpoint(disk.path + "/two")) == errc::already_exists);
  CHECK(code_of(store->checkpoint(path)) == errc::already_exists);
  CHECK(code_of(store->checkpoint(disk.path + "/no/parent")) == errc::no_such_file);
  // What happens to the one changes nothing in the other, though they share files.
  const strata::sequence_number last = store->last_sequence();
  strata::engine::write_batch batch;
  batch.erase_range(0, "", "zzz");
  require_ok(store->commit(batch, durability::none));
  require_ok(store->compact());
  CHECK(scan(*store).empty());
  for (const char* name : {"/one", "/two"}) {
    auto copy = open_store<posix_store>(disk.environment, disk.path + name);
    CHECK(scan(*copy) == expected);
    CHECK(copy->last_sequence() == last);
    require_ok(copy->verify());
    auto committed = put(*copy, "x", "y");
    require_ok(committed);
    CHECK(*committed == last + 1);
    require_ok(copy->compact());
    require_ok(copy->close());
  }
}

TEST_CASE("a checkpoint that is cut short does not open as a store", "[engine][lsm]") {
  std::size_t cut = 0;
  for (std::uint64_t at = 1;; ++at) {
    const failing_environment environment;
    auto store = open_store<failing_store>(environment, "store");
    for (int i = 0; i < 300; ++i) require_ok(put(*store, std::to_string(i), std::string(200, 'v')));
    require_ok(store->compact());
    environment.kill(at, true);
    auto done = store->checkpoint("copy");
    const bool all = !environment.fired();
    CHECK(done.has_value() == all);
    store.reset();
    environment.revive();
    strata::options amounts = tiny_options();
    amounts.create_if_missing = false;
    auto opened = failing_store::open(environment, "copy", amounts);
    if (opened) CHECK(scan(**opened).size() == 300);
    if (all) {
      CHECK(opened.has_value());
      break;
    }
    ++cut;
  }
  CHECK(cut > 5);
}

TEST_CASE("a checkpoint that fails leaves nothing, and can be made again", "[engine][lsm]") {
  for (const bool is_there : {false, true}) {
    std::size_t failed = 0;
    for (std::uint64_t at = 1;; ++at) {
      INFO("call " << at);
      const failing_environment environment;
      auto store = open_store<failing_store>(environment, "store");
      for (int i = 0; i < 300; ++i) require_ok(put(*store, std::to_string(i), std::string(200, 'v')));
      require_ok(store->compact());
      if (is_there) require_ok(environment.create_directory("copy"));
      environment.fail(every_call, at, errc::io_error);
      const auto done = store->checkpoint("copy");
      const bool fired = environment.fired();
      environment.revive();
      if (!done) {
        ++failed;
        CHECK(*environment.file_exists("copy") == is_there);
        if (is_there) CHECK(sorted_names(environment, "copy").empty());
        require_ok(store->checkpoint("copy"));
      }
      CHECK(scan(*open_store<failing_store>(environment, "copy")).size() == 300);
      if (!fired) break;
    }
    CHECK(failed > 10);
  }
}

TEST_CASE("a checkpoint takes nothing from a store that is in its way, whichever call fails", "[engine][lsm]") {
  for (std::uint64_t at = 1;; ++at) {
    INFO("call " << at);
    const failing_environment environment;
    require_ok(put(*open_store<failing_store>(environment, "other"), "mine", "kept"));
    auto store = open_store<failing_store>(environment, "store");
    require_ok(put(*store, "a", "1"));
    require_ok(store->flush());
    const std::vector<std::string> names = sorted_names(environment, "other");
    environment.fail(every_call, at, errc::io_error);
    const auto done = store->checkpoint("other");
    const bool fired = environment.fired();
    environment.revive();
    REQUIRE_FALSE(done.has_value());
    if (!fired) CHECK(done.error() == errc::already_exists);
    CHECK(sorted_names(environment, "other") == names);
    CHECK(get(*open_store<failing_store>(environment, "other"), "mine") == "kept");
    if (!fired) break;
  }
}

TEST_CASE("among somebody's files a checkpoint leaves no lock", "[engine][lsm]") {
  const memory_world environment;
  require_ok(environment.create_directory("photos"));
  write_file(environment, "photos/one.jpg", "mine");
  auto store = open_store<memory_store>(environment, "store");
  CHECK(code_of(store->checkpoint("photos")) == errc::already_exists);
  CHECK(sorted_names(environment, "photos") == std::vector<std::string>{"one.jpg"});
}

TEST_CASE("a checkpoint goes into a directory that one which was cut short at its start has left", "[engine][lsm]") {
  const memory_world environment;
  require_ok(environment.create_directory("copy"));
  write_file(environment, "copy/LOCK", "");
  auto store = open_store<memory_store>(environment, "store");
  require_ok(put(*store, "a", "1"));
  require_ok(store->checkpoint("copy"));
  CHECK(get(*open_store<memory_store>(environment, "copy"), "a") == "1");
}

namespace {

// Files in memory; while one is linked or made, somebody does something, once.
class done_meanwhile : public strata::environment::in_memory {
 public:
  auto link_file(std::string_view from, std::string_view to) const {
    meanwhile(to);
    return in_memory::link_file(from, to);
  }
  auto create_file(std::string_view path) const {
    meanwhile(path);
    return in_memory::create_file(path);
  }
  // Before the next file whose path ends so.
  void before(std::string suffix, std::function<void()> work) const { *next_ = {std::move(suffix), std::move(work)}; }
  bool was_done() const { return !next_->second; }

 private:
  void meanwhile(std::string_view path) const {
    if (next_->second && path.ends_with(next_->first)) std::exchange(next_->second, nullptr)();
  }
  std::shared_ptr<std::pair<std::string, std::function<void()>>> next_ = std::make_shared<std::pair<std::string, std::function<void()>>>();
};

}  // namespace

TEST_CASE("of two checkpoints into one directory the second is refused, and takes nothing from the first", "[engine][lsm]") {
  using store_type = default_store<done_meanwhile>;
  for (const char* where : {".table", "CURRENT.tmp"}) {
    const done_meanwhile environment;
    auto store = open_store<store_type>(environment, "store");
    require_ok(put(*store, "a", "1"));
    require_ok(store->flush());
    environment.before(where, [&] { CHECK(code_of(store->checkpoint("copy")) == errc::already_exists); });
    require_ok(store->checkpoint("copy"));
    CHECK(environment.was_done());
    CHECK(scan(*open_store<store_type>(environment, "copy")) == contents{{"a", "1"}});
  }
}

TEST_CASE("what commits to a store without a log while it is closed is refused, or there", "[engine][lsm]") {
  using store_type = strata::engine::lsm_store<done_meanwhile, strata::memtable::btree, strata::wal::none, strata::sstable::block_table<>,
                                               strata::compaction::leveled>;
  const done_meanwhile environment;
  auto store = open_store<store_type>(environment, "store");
  require_ok(put(*store, "a", "1"));
  contents expected{{"a", "1"}};
  // On the thread that writes the last table.
  environment.before(".table", [&] {
    if (put(*store, "b", "2")) expected["b"] = "2";
  });
  require_ok(store->close());
  CHECK(environment.was_done());
  CHECK(scan(*open_store<store_type>(environment, "store")) == expected);
}

TEST_CASE("statistics add up", "[engine][lsm]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");
  std::uint64_t payload = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string key = std::to_string(i);
    require_ok(put(*store, key, std::string(100, 'v')));
    payload += key.size() + 100;
  }
  require_ok(store->compact());
  const strata::sequence_number at = store->take_snapshot();
  const strata::statistics s = store->stats();
  store->release_snapshot(at);
  CHECK(s.last_sequence == 2000);
  CHECK(s.commits == 2000);
  CHECK(s.writes == 2000);
  CHECK(s.commit_groups == 2000);
  CHECK(s.payload_bytes == payload);
  CHECK(s.table_entries == 2000);
  CHECK(s.memtable_entries == 0);
  CHECK(s.flushes > 1);
  CHECK(s.snapshots == 1);
  CHECK(s.log_bytes > payload);
  CHECK(s.write_amplification() > 1.9);
  std::uint64_t tables = 0;
  std::uint64_t bytes = 0;
  for (const auto& level : s.levels) {
    tables += level.tables;
    bytes += level.bytes;
  }
  CHECK(tables == s.tables);
  CHECK(bytes == s.table_bytes);
  // A background thread may look at replaced tables a moment longer; what is closed has none.
  require_ok(store->close());
  std::uint64_t on_disk = 0;
  for (const std::string& name : sorted_names(environment, "store"))
    if (name.find(".table") != std::string::npos) on_disk += *environment.file_size("store/" + name);
  CHECK(on_disk == bytes);
}
