#include "test.hpp"

#include "environment/child.hpp"
#include "environment/contract.hpp"

#include <algorithm>
#include <set>

#include <strata/simulation.hpp>

using strata::errc;
using strata::environment::disk_call;
using strata::environment::disk_fault;
using strata::environment::power_cut;
using strata::environment::schedule;
using strata::environment::simulated;
using strata::environment::simulation;

static_assert(strata::requirements::environment<simulated>);
static_assert(strata::detail::check_environment<simulated>());

namespace {

std::string read(const simulated& e, std::string_view path) {
  auto file = e.open_readable(path);
  if (!file) return "(none)";
  std::string bytes(static_cast<std::size_t>(file->size()), '\0');
  REQUIRE(file->read(0, bytes.data(), bytes.size()).value() == bytes.size());
  return bytes;
}

}  // namespace

TEST_CASE("simulated: files are written as the contract says", "[environment][simulated]") {
  contract::check_writing(simulated());
}
TEST_CASE("simulated: files are reopened as the contract says", "[environment][simulated]") {
  contract::check_reopening(simulated());
}
TEST_CASE("simulated: files are read as the contract says", "[environment][simulated]") {
  contract::check_reading(simulated());
}
TEST_CASE("simulated: names are as the contract says", "[environment][simulated]") {
  contract::check_names(simulated());
}
TEST_CASE("simulated: directories are as the contract says", "[environment][simulated]") {
  contract::check_directories(simulated());
}
TEST_CASE("simulated: locks are as the contract says", "[environment][simulated]") {
  contract::check_locks(simulated());
}
TEST_CASE("simulated: clocks are as the contract says", "[environment][simulated]") {
  contract::check_clocks(simulated());
}
TEST_CASE("simulated: threads are as the contract says", "[environment][simulated][threads]") {
  contract::check_threads(simulated());
}
TEST_CASE("simulated: files bear many threads", "[environment][simulated][threads]") {
  contract::check_files_from_threads(simulated());
}

TEST_CASE("what a power cut leaves is what was synced, and the chosen units of the rest", "[environment][simulated]") {
  const simulated e;
  auto a = e.create_file("a").value();
  REQUIRE(a.append("one").has_value());
  REQUIRE(a.sync().has_value());
  SECTION("a name is not durable through its file") {
    CHECK(e.unsynced() == 1);
    CHECK(read(e.after_power_cut({}), "a") == "(none)");
    CHECK(read(e.after_power_cut({.keeps = power_cut::keeping::everything}), "a") == "one");
    REQUIRE(e.sync_directory("").has_value());
    CHECK(e.unsynced() == 0);
    CHECK(read(e.after_power_cut({}), "a") == "one");
  }
  REQUIRE(e.sync_directory("").has_value());
  SECTION("an append is there or not, and where a later one is, something stands in between") {
    REQUIRE(a.append("two").has_value());
    REQUIRE(a.append("three").has_value());
    CHECK(e.unsynced() == 2);
    const auto left = [&](power_cut cut) { return read(e.after_power_cut(cut), "a"); };
    CHECK(left({}) == "one");
    CHECK(left({.keeps = power_cut::keeping::everything}) == "onetwothree");
    CHECK(left({.keeps = power_cut::keeping::first, .unit = 1}) == "onetwo");
    CHECK(left({.keeps = power_cut::keeping::all_but, .unit = 1}) == "onetwo");
    CHECK(left({.keeps = power_cut::keeping::only, .unit = 1}) == std::string("one\0\0\0three", 11));
    CHECK(left({.keeps = power_cut::keeping::everything, .torn_bytes = 2}) == "onetwoth");
    CHECK(left({.keeps = power_cut::keeping::everything, .torn_bytes = 2, .keeps_sizes = true}) == std::string("onetwoth\0\0\0", 11));
    CHECK(left({.keeps_sizes = true}) == std::string("one\0\0\0\0\0\0\0\0", 11));
    const std::string garbage = left({.keeps = power_cut::keeping::only, .unit = 1, .fills = power_cut::filling::garbage, .seed = 3});
    CHECK(garbage.substr(0, 3) + garbage.substr(6) == "onethree");
    CHECK(garbage.substr(3, 3) != std::string(3, '\0'));
    CHECK(read(e, "a") == "onetwothree");
  }
  SECTION("a cut is there or not") {
    a = e.open_writable("a", 1).value();
    REQUIRE(a.append("X").has_value());
    CHECK(read(e, "a") == "oX");
    CHECK(read(e.after_power_cut({}), "a") == "one");
    CHECK(read(e.after_power_cut({.keeps = power_cut::keeping::only, .unit = 0}), "a") == "o");
    CHECK(read(e.after_power_cut({.keeps = power_cut::keeping::only, .unit = 1}), "a") == "oXe");
  }
  SECTION("a rename is there or not; what it replaced stays until it is") {
    auto b = e.create_file("b").value();
    REQUIRE(b.append("new").has_value());
    REQUIRE(b.sync().has_value());
    REQUIRE(e.rename_file("b", "a").has_value());
    CHECK(read(e.after_power_cut({}), "a") == "one");
    const simulated renamed = e.after_power_cut({.keeps = power_cut::keeping::only, .unit = 1});
    CHECK(read(renamed, "a") == "new");
    CHECK(read(renamed, "b") == "(none)");
  }
  SECTION("what stands in a directory that was not made durable is gone with it") {
    REQUIRE(e.create_directory("d").has_value());
    auto b = e.create_file("d/b").value();
    REQUIRE(b.sync().has_value());
    REQUIRE(e.sync_directory("d").has_value());
    CHECK(read(e.after_power_cut({}), "d/b") == "(none)");
    REQUIRE(e.sync_directory("").has_value());
    CHECK(read(e.after_power_cut({}), "d/b").empty());
  }
  SECTION("stale bytes are those of a file that was removed") {
    auto b = e.create_file("b").value();
    REQUIRE(b.append("ABCDEFGH").has_value());
    REQUIRE(e.remove_file("b").has_value());
    REQUIRE(a.append("two").has_value());
    CHECK(read(e.after_power_cut({.keeps_sizes = true, .fills = power_cut::filling::stale}), "a") == "oneDEF");
  }
  SECTION("of an append some sectors may be there and others not") {
    REQUIRE(a.append(std::string(5000, 'x')).has_value());
    bool mixed = false;
    for (std::uint64_t seed = 0; seed < 200 && !mixed; ++seed) {
      const std::string left = read(e.after_power_cut({.keeps = power_cut::keeping::random, .seed = seed}), "a");
      mixed = left.size() == 5003 && left.find('x') != std::string::npos && left.find('\0') != std::string::npos;
    }
    CHECK(mixed);
  }
}

TEST_CASE("a sync that fails makes nothing durable, and no later one what it failed for", "[environment][simulated]") {
  for (const bool reverts : {false, true}) {
    const simulated e;
    auto a = e.create_file("a").value();
    REQUIRE(a.append("one").has_value());
    REQUIRE(a.sync().has_value());
    REQUIRE(e.sync_directory("").has_value());
    REQUIRE(a.append("two").has_value());
    e.set_fault({.calls = static_cast<std::uint32_t>(disk_call::sync), .nth = 1, .code = errc::io_error, .reverts = reverts});
    CHECK(a.sync().error() == errc::io_error);
    CHECK(e.calls_failed() == 1);
    CHECK(read(e, "a") == (reverts ? "one" : "onetwo"));
    REQUIRE(a.append("three").has_value());
    REQUIRE(a.sync().has_value());
    // The handle has come to where it was.
    CHECK(read(e.after_power_cut({}), "a") == std::string("one\0\0\0three", 11));
  }
}

TEST_CASE("a sync takes time, and what is appended meanwhile is not in it", "[environment][simulated][threads]") {
  std::size_t appended_meanwhile = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const simulated e({.seed = seed, .switch_one_in = 2});
    auto a = e.create_file("a").value();
    REQUIRE(a.append("one").has_value());
    REQUIRE(e.sync_directory("").has_value());
    bool appended = false;
    simulated::thread other = e.start_thread("append", [&]() noexcept {
      static_cast<void>(a.append("two"));
      appended = true;
    }).value();
    REQUIRE(a.sync().has_value());
    const bool before_it_returned = appended;
    const std::string left = read(e.after_power_cut({}), "a");
    CHECK((left == "one" || (before_it_returned && left == "onetwo")));
    appended_meanwhile += before_it_returned && left == "one";
    other.join();
  }
  CHECK(appended_meanwhile > 0);
}

TEST_CASE("faults come by number, by chance, once or from then on", "[environment][simulated]") {
  const simulated e;
  const auto looks = static_cast<std::uint32_t>(disk_call::look);
  e.set_fault({.calls = looks, .nth = 3, .code = errc::too_many_open_files});
  int failed = 0;
  for (int i = 0; i < 10; ++i) {
    auto there = e.file_exists("a");
    if (!there.has_value()) CHECK((there.error() == errc::too_many_open_files && i == 2));
    failed += !there.has_value();
  }
  CHECK(failed == 1);
  e.set_fault({.calls = looks, .nth = 3, .sticky = true});
  for (int i = 0; i < 10; ++i) CHECK(e.file_exists("a").has_value() == (i < 2));
  e.set_fault({.calls = looks, .one_in = 10});
  for (int i = 0; i < 1000; ++i) static_cast<void>(e.file_exists("a"));
  CHECK(e.calls_failed() > 50);
  CHECK(e.calls_failed() < 200);
  e.clear_fault();
  for (int i = 0; i < 100; ++i) CHECK(e.file_exists("a").has_value());
  e.set_fault({.calls = static_cast<std::uint32_t>(disk_call::append), .nth = 1, .code = errc::no_space});
  auto a = e.create_file("a").value();
  CHECK(a.append("123456").error() == errc::no_space);
  CHECK(read(e, "a") == "123");
}

namespace {

// Threads that meet in every way; the order in which they came by.
std::string meet(const simulated& e) {
  std::string order;
  simulated::mutex m(e);
  simulated::condition_variable changed(e);
  int arrived = 0;
  std::vector<simulated::thread> threads;
  for (char name = 'a'; name < 'e'; ++name) {
    threads.push_back(e.start_thread("meeting", [&, name]() noexcept {
                         for (int i = 0; i < 20; ++i) {
                           strata::unique_lock<simulated::mutex> lock(m);
                           order += name;
                           if (name == 'a') static_cast<void>(changed.wait_for_us(lock, 50));
                         }
                         e.sleep_for_us(10);
                         strata::unique_lock<simulated::mutex> lock(m);
                         ++arrived;
                         changed.notify_all();
                         while (arrived < 4) changed.wait(lock);
                       }).value());
  }
  for (simulated::thread& each : threads) each.join();
  return order + std::to_string(e.steady_time_ns());
}

}  // namespace

TEST_CASE("one seed gives one order of threads and one time, another seed another", "[environment][simulated][threads]") {
  std::vector<std::string> orders;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const std::uint32_t switch_one_in : {1u, 3u, 20u}) {
      orders.push_back(meet(simulated({.seed = seed, .switch_one_in = switch_one_in})));
      CHECK(meet(simulated({.seed = seed, .switch_one_in = switch_one_in})) == orders.back());
    }
    const simulation by_priorities{.seed = seed, .schedule = schedule::priorities, .priority_changes = 5, .priority_points = 200};
    orders.push_back(meet(simulated(by_priorities)));
    CHECK(meet(simulated(by_priorities)) == orders.back());
  }
  std::sort(orders.begin(), orders.end());
  CHECK(std::unique(orders.begin(), orders.end()) == orders.end());
}

TEST_CASE("where every thread waits for a time, time goes on at once", "[environment][simulated][threads]") {
  const simulated e;
  const std::uint64_t before = e.steady_time_ns();
  e.sleep_for_us(std::uint64_t{3600} * 1'000'000);
  CHECK(e.steady_time_ns() - before >= std::uint64_t{3600} * 1'000'000'000);
  const std::uint64_t wall = e.wall_time_us();
  e.jump_us(-1'000'000);
  CHECK(e.wall_time_us() < wall);
}

TEST_CASE("by priorities the highest that can go on does, until a change", "[environment][simulated][threads]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    for (const std::uint32_t changes : {0u, 1u, 2u}) {
      const simulated e({.seed = seed, .schedule = schedule::priorities, .priority_changes = changes, .priority_points = 60});
      std::string order;
      std::vector<simulated::thread> threads;
      for (char name = 'a'; name < 'e'; ++name) {
        threads.push_back(e.start_thread("stepping", [&, name]() noexcept {
                             for (int i = 0; i < 20; ++i) {
                               order += name;
                               e.step();
                             }
                           }).value());
      }
      for (simulated::thread& each : threads) each.join();
      std::size_t switches = 0;
      for (std::size_t i = 1; i < order.size(); ++i) switches += order[i] != order[i - 1];
      // From thread to thread three times; a change adds one, and one more where that thread is met again.
      INFO("seed " << seed << ": " << order);
      CHECK(switches <= 3 + 2 * changes);
      // The first thread may be overtaken where a higher one starts.
      if (changes == 0) CHECK(switches >= 3);
    }
  }
}

TEST_CASE("a thread that stands still for long where it should not is what priorities find and chance does not", "[environment][simulated][threads]") {
  // Wrong only where one thread stands between its two steps all the while that the other takes a hundred.
  const auto goes_wrong = [](const simulation& with) {
    const simulated e(with);
    int half_done = 0;
    bool wrong = false;
    auto one = e.start_thread("one", [&]() noexcept {
      half_done = 1;
      e.step();
      half_done = 0;
    }).value();
    auto other = e.start_thread("other", [&]() noexcept {
      const bool began = half_done == 1;
      for (int i = 0; i < 100; ++i) e.step();
      wrong = began && half_done == 1;
    }).value();
    one.join();
    other.join();
    return wrong;
  };
  std::size_t by_chance = 0, by_priorities = 0;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    by_chance += goes_wrong({.seed = seed, .switch_one_in = 2});
    by_priorities += goes_wrong({.seed = seed, .schedule = schedule::priorities, .priority_changes = 2, .priority_points = 50});
  }
  CHECK(by_chance == 0);
  // One in n · k^(d - 1) or more: of three threads and 50 points, 1000 / 150.
  CHECK(by_priorities >= 6);
}

namespace {

// Of the native thread that calls; the operating system's own would come again.
std::size_t native_number() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t mine = threads.fetch_add(1);
  return mine;
}

// Starts `count` threads that all live at once, and joins them. The native threads that they ran on.
std::set<std::size_t> natives_of(const simulated& e, std::size_t count) {
  std::set<std::size_t> natives;
  std::vector<simulated::thread> threads;
  for (std::size_t i = 0; i < count; ++i)
    threads.push_back(e.start_thread("native", [&]() noexcept { natives.insert(native_number()); }).value());
  for (simulated::thread& each : threads) each.join();
  CHECK(natives.size() == count);
  CHECK(natives.count(native_number()) == 0);
  return natives;
}

}  // namespace

TEST_CASE("a thread that is joined lends its native thread to the next, in its world and in those derived from it", "[environment][simulated][threads]") {
  for (const schedule how : {schedule::random, schedule::priorities}) {
    const simulated e({.seed = 3, .switch_one_in = 2, .schedule = how});
    const std::set<std::size_t> first = natives_of(e, 3);
    CHECK(natives_of(e, 3) == first);
    simulated derived = e.after_power_cut({});
    CHECK(natives_of(derived, 3) == first);
    derived = derived.after_power_cut({}, {.seed = 7});
    CHECK(natives_of(derived, 3) == first);
    // While one is in use elsewhere there are the others, and a new one where those do not suffice.
    std::set<std::size_t> beside;
    simulated::thread holding = e.start_thread("holding", [&]() noexcept {
      beside = natives_of(derived, 3);
      beside.erase(native_number());
    }).value();
    holding.join();
    CHECK(beside.size() == 3);
    std::set<std::size_t> all = beside;
    all.insert(first.begin(), first.end());
    CHECK(all.size() == 4);
    CHECK(natives_of(e, 4) == all);
  }
}

TEST_CASE("worlds that were not derived from one another share no native thread, and derived ones outlive their parent's", "[environment][simulated][threads]") {
  simulated e({.seed = 1});
  const std::set<std::size_t> first = natives_of(e, 2);
  const simulated other({.seed = 1});
  for (const std::size_t each : natives_of(other, 2)) CHECK(first.count(each) == 0);
  const simulated derived = e.after_power_cut({});
  e = other;
  CHECK(natives_of(derived, 2) == first);
}

TEST_CASE("the function of a simulated thread is gone when it is joined, and its name is shown", "[environment][simulated][threads]") {
  const simulated e({.seed = 5, .switch_one_in = 1});
  for (const char* const name : {"first", "first", "second", "a name of more than fifteen bytes"}) {
    auto token = std::make_shared<int>(0);
    const std::weak_ptr<int> watched = token;
    std::string shown(16, '\0');
    simulated::thread t = e.start_thread(name, [&shown, &e, token = std::move(token)]() noexcept {
                             e.step();
#if defined(__linux__)
                             static_cast<void>(pthread_getname_np(pthread_self(), shown.data(), shown.size()));
#endif
                             e.step();
                           }).value();
    t.join();
    CHECK(watched.expired());
#if defined(__linux__)
    CHECK(std::string(shown.c_str()) == std::string(name).substr(0, 15));
#endif
  }
}

#if defined(__GLIBC__)
namespace {

// While it lives no native thread starts: its stack would be larger than any memory.
struct no_native_threads {
  no_native_threads() {
    REQUIRE(pthread_getattr_default_np(&before) == 0);
    pthread_attr_t too_large;
    REQUIRE(pthread_attr_init(&too_large) == 0);
    REQUIRE(pthread_attr_setstacksize(&too_large, std::size_t{1} << 60) == 0);
    REQUIRE(pthread_setattr_default_np(&too_large) == 0);
    pthread_attr_destroy(&too_large);
  }
  no_native_threads(const no_native_threads&) = delete;
  no_native_threads& operator=(const no_native_threads&) = delete;
  ~no_native_threads() {
    pthread_setattr_default_np(&before);
    pthread_attr_destroy(&before);
  }
  pthread_attr_t before;
};

}  // namespace

TEST_CASE("a simulated thread that gets no native one is not started, and the world goes on without", "[environment][simulated][threads]") {
  for (const schedule how : {schedule::random, schedule::priorities}) {
    const simulated e({.seed = 1, .schedule = how});
    auto token = std::make_shared<int>(0);
    const std::weak_ptr<int> watched = token;
    const auto refuse = [&] {
      const no_native_threads lacking;
      const auto refused = e.start_thread("refused", [token = std::move(token)]() noexcept {});
      CHECK(refused.error() == errc::out_of_memory);
      CHECK(watched.expired());
    };
    refuse();
    bool ran = false;
    e.start_thread("one", [&]() noexcept { ran = true; }).value().join();
    CHECK(ran);
    // That one is there for the next; for two at once it is not enough.
    e.start_thread("another", [&]() noexcept { refuse(); }).value().join();
    const no_native_threads lacking;
    e.start_thread("the next", [&]() noexcept { ran = false; }).value().join();
    CHECK_FALSE(ran);
  }
}
#endif

namespace {

// One waits for another's word. The word is given under no lock, so that it can come between the look and the wait.
void wait_for_a_word_that_may_be_lost(const simulation& with, bool somebody_looks_now_and_then) {
  const simulated e(with);
  simulated::mutex m(e);
  simulated::condition_variable changed(e);
  bool given = false, received = false;
  auto waiting = e.start_thread("waiting", [&]() noexcept {
    const bool was_given = given;
    strata::unique_lock<simulated::mutex> lock(m);
    if (!was_given) changed.wait(lock);
    received = true;
  }).value();
  auto giving = e.start_thread("giving", [&]() noexcept {
    given = true;
    changed.notify_all();
    while (somebody_looks_now_and_then && !received) e.sleep_for_us(60'000'000);
  }).value();
  waiting.join();
  giving.join();
}

}  // namespace

TEST_CASE("a wake-up that is lost ends the world with who waits for what", "[environment][simulated][threads]") {
  for (const schedule how : {schedule::random, schedule::priorities}) {
    int lost = 0, came = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      const simulation with{.seed = seed, .schedule = how, .priority_changes = 2, .priority_points = 12};
      const auto end = strata_tests::run_in_child([&] { wait_for_a_word_that_may_be_lost(with, false); });
      if (end.signal == 0) {
        ++came;
        continue;
      }
      INFO(end.said);
      ++lost;
      CHECK(end.signal == SIGABRT);
      CHECK(end.says("simulation with seed " + std::to_string(seed) + ": every thread waits\n"));
      CHECK(end.says("  waiting waits for a condition\n"));
    }
    CHECK(lost > 0);
    CHECK(came > 0);
  }
}

TEST_CASE("so it does where another thread goes on looking, and the world may not last for ever", "[environment][simulated][threads]") {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const simulation with{.seed = seed, .lasts_us_max = 3'600'000'000};
    const auto end = strata_tests::run_in_child([&] { wait_for_a_word_that_may_be_lost(with, true); });
    if (end.signal == 0) continue;
    INFO(end.said);
    ++lost;
    CHECK(end.signal == SIGABRT);
    CHECK(end.says(": the world has lasted too long\n"));
    CHECK(end.says("  waiting waits for a condition\n"));
  }
  CHECK(lost > 0);
}
