// A stopped writer always has work that will wake it, or an error. Writers that are stopped at the memory cap, in worlds in
// which the flush goes on, fails, or is closed away; and worlds that forget one wake-up, to show that it would be noticed.
#include "environment/child.hpp"
#include "simulation/crashes.hpp"

using namespace strata_tests;
using strata::errc;
using strata::environment::disk_call;
using strata::environment::schedule;
using strata::environment::simulation;

namespace {

// A world that counts the wake-ups of condition variables and words, and forgets one of them; and that counts how often
// clients wait for a condition.
class forgetful : public simulated {
  struct memory {
    std::uint64_t wakes = 0;
    std::uint64_t forgets = 0;  // the wake of this number; 0: none
    std::uint64_t client_waits = 0;
  };

 public:
  explicit forgetful(const simulation& with, std::uint64_t forgets = 0) : simulated(with), memory_(std::make_shared<memory>()) { memory_->forgets = forgets; }

  class condition_variable : public simulated::condition_variable {
    using base = simulated::condition_variable;

   public:
    explicit condition_variable(const forgetful& world) : base(world), memory_(world.memory_) {}
    template <typename Lock>
    void wait(Lock& lock) {
      memory_->client_waits += is_client();
      base::wait(lock);
    }
    void notify_one() {
      if (!forgets(*memory_)) base::notify_one();
    }
    void notify_all() {
      if (!forgets(*memory_)) base::notify_all();
    }

   private:
    std::shared_ptr<memory> memory_;
  };

  void wake_one(std::atomic<std::uint32_t>& word) const {
    if (!forgets(*memory_)) simulated::wake_one(word);
  }

  [[nodiscard]] std::uint64_t wakes() const { return memory_->wakes; }
  [[nodiscard]] std::uint64_t client_waits() const { return memory_->client_waits; }
  // Of the calling thread.
  [[nodiscard]] static bool& is_client() {
    thread_local bool client = false;
    return client;
  }

 private:
  static bool forgets(memory& of) { return ++of.wakes == of.forgets; }
  std::shared_ptr<memory> memory_;
};

using store_type = default_store<forgetful>;

simulation drawn_world(std::uint64_t seed) {
  simulation with;
  with.seed = seed;
  with.switch_one_in = 1u << seed % 6;
  with.schedule = seed % 2 == 0 ? schedule::priorities : schedule::random;
  with.priority_changes = static_cast<std::uint32_t>(seed / 2 % 6);
  with.priority_points = 1500;
  with.lasts_us_max = 3'600'000'000;
  return with;
}

// Writers fill one memtable after the other, beside what `beside(store)` does.
template <typename Beside>
void write_beside(const forgetful& world, store_type& store, std::size_t writers, std::size_t writes, strata::dynamic_array<errc>& failed, Beside beside) {
  std::vector<simulated::thread> threads;
  for (std::size_t w = 0; w < writers; ++w) {
    threads.push_back(world.start_thread("writer", [&, w]() noexcept {
                             forgetful::is_client() = true;
                             for (std::size_t i = 0; i < writes; ++i) {
                               auto done = put(store, std::to_string(w) + "/" + std::to_string(i), std::string(6000, 'v'));
                               if (!done) failed.push_back(done.error().code());
                             }
                             // The native thread may be a store's next.
                             forgetful::is_client() = false;
                           }).value());
  }
  threads.push_back(world.start_thread("beside", [&]() noexcept { beside(); }).value());
  for (simulated::thread& each : threads) each.join();
}

}  // namespace

TEST_CASE("a writer that was stopped at the memory cap goes on, or learns why not", "[simulation][stopped]") {
  stay_on_one_core();
  std::uint64_t stopped[4] = {}, refused = 0;
  each_seed(rounds(crash_effort::histories / 4, 50'000), [&](std::uint64_t seed) {
    INFO("seed " << seed);
    const std::size_t how = seed / 2 % 4;
    const forgetful world(drawn_world(seed));
    auto store = open_store<store_type>(world, "store");
    strata::dynamic_array<errc> failed;
    write_beside(world, *store, 3, 20, failed, [&] {
      for (int i = 0; i < 30; ++i) world.step();
      // A table that can't be written; with room again, or never.
      const std::uint32_t calls = disk_call::create | disk_call::append | disk_call::sync;
      if (how == 1) world.set_fault({.calls = calls, .nth = 1 + seed % 40, .sticky = true, .code = errc::no_space});
      if (how == 2) world.set_fault({.calls = calls, .nth = 1 + seed % 40, .code = errc::io_error});
      if (how == 3) {
        for (int i = 0; i < 200; ++i) world.step();
        static_cast<void>(store->close());
      }
      if (how != 1) return;
      for (int i = 0; i < 300; ++i) world.step();
      world.clear_fault();
      static_cast<void>(store->resume());
    });
    stopped[how] += world.client_waits();
    for (const errc each : failed) {
      // Without room a sync of the log may have failed, too: then the store is latched for good.
      const bool latched = !store->status() && store->status().error() == errc::io_error;
      const bool expected = how == 1 ? each == errc::no_space || (each == errc::io_error && latched) : how == 2 ? each == errc::io_error : how == 3 && each == errc::closed;
      if (!expected) FAIL("seed " << seed << ": a put failed with " << strata::to_string(each));
    }
    refused += failed.size();
    if (how == 0) CHECK(failed.empty());
    if (how < 2 && store->status().has_value()) require_ok(store->flush());
    world.clear_fault();
    static_cast<void>(store->close());
  });
  WARN(stopped[0] << ", " << stopped[1] << ", " << stopped[2] << ", " << stopped[3] << " stops, " << refused << " refused");
  if (std::getenv("STRATA_TESTS_SEED") != nullptr) return;
  for (const std::uint64_t each : stopped) CHECK(each > 0);
  CHECK(refused > 0);
}

TEST_CASE("a wake-up that a store forgets is noticed: every thread waits, or the world does not come to its end", "[simulation][stopped]") {
  const auto live = [](std::uint64_t forgets) {
    const forgetful world(drawn_world(7), forgets);
    auto store = open_store<store_type>(world, "store");
    strata::dynamic_array<errc> failed;
    write_beside(world, *store, 2, 25, failed, [] {});
    require_ok(store->close());
    return world.wakes();
  };
  const std::uint64_t wakes = live(0);
  REQUIRE(wakes > 20);
  std::size_t noticed = 0;
  const std::uint64_t most = (std::min)(wakes, std::uint64_t{60});
  for (std::uint64_t i = 1; i <= most; ++i) {
    const std::uint64_t forgets = wakes <= most ? i : i * wakes / most;
    const child_end end = run_in_child([&] { static_cast<void>(live(forgets)); });
    INFO("wake " << forgets << ": " << end.said);
    // Another wake may do for the one that is missing.
    if (end.signal == 0) continue;
    ++noticed;
    CHECK(end.signal == SIGABRT);
    CHECK((end.says("every thread waits") || end.says("the world has lasted too long")));
    CHECK((end.says("waits for a condition") || end.says("waits for a word")));
  }
  WARN(noticed << " of " << most << " wakes were missed");
  CHECK(noticed > 0);
}
