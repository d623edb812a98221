// Threads, locks, waits and time of a simulated world. Of its threads one runs at a time; at each point where threads
// could meet (a lock, a wait, a wake, a call of the environment) a seeded choice says who goes on: see `schedule`.
//
// Each is a thread of the operating system that waits for its turn, so debuggers and sanitizers work as ever. Who made the
// world is its first thread. Threads that the world did not start must not use it.
//
// A thread that was joined lends its native thread to one that starts later; see simulated_workers.hpp. So a thread-local
// variable may begin with what another simulated thread left in it, and is destroyed after all of them. Which one left it
// hangs on the seed, in a derived world also on the worlds before it: what a program does must not hang on the value that it
// finds. The library's own count threads and keep memory for the next call; neither changes what a world is asked for.
//
// Time is counted: a microsecond for each such point; where every thread waits, it jumps to the first that waits for a
// time. Where none does, no one can ever go on: the process says who waits for what, and aborts. A thread that looks at
// something once a minute keeps its world going, though all others may wait for ever; `lasts_us_max` ends that too.
//
// Thread safety: what is said above is the lock. Turns are handed over with release and acquire.
#ifndef STRATA_ENVIRONMENT_SIMULATED_THREADS_HPP
#define STRATA_ENVIRONMENT_SIMULATED_THREADS_HPP

#include <cstdio>
#include <cstdlib>
#include <optional>

#include <strata/environment/simulated_random.hpp>
#include <strata/environment/simulated_workers.hpp>

namespace strata::inline STRATA_ABI::environment {

// Who goes on at a point.
//
//   random      of `switch_one_in` points one lets another thread go on, any that can. Short orders in plenty
//   priorities  each thread has a priority, drawn when it starts; of those that can go on the highest does. At
//               `priority_changes` points, drawn among the first `priority_points`, the running one falls below all others.
//               A thread may so stand still for long, wherever it is: what no thread ever does to another at random
//
// A bug that takes d events in one order is met by priorities with d - 1 changes in one of n · k^(d - 1) runs or more, for n
// threads and k points. Source: Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs",
// ASPLOS 2010.
enum class schedule : std::uint8_t { random, priorities };

// What a world is like.
struct simulation {
  std::uint64_t seed = 1;
  std::uint32_t switch_one_in = 4;  // points at which threads may change; 1: at each, where another could go on
  environment::schedule schedule = environment::schedule::random;
  std::uint32_t priority_changes = 3;
  std::uint64_t priority_points = 2000;
  std::uint64_t begins_at_us = 1'700'000'000'000'000;  // wall clock, µs since 1970
  // A world that is older says what its threads wait for, and aborts: no program should take that long.
  std::uint64_t lasts_us_max = UINT64_MAX;
};

namespace detail {

// How deep the calling thread is in the world's own code. In a thread that no world has started: never out of it.
[[nodiscard]] inline std::uint32_t& depth_in_world() noexcept {
  thread_local std::uint32_t depth = 1;
  return depth;
}
// The calling thread runs the world's own code.
class inside_world {
 public:
  inside_world() noexcept { ++depth_in_world(); }
  inside_world(const inside_world&) = delete;
  inside_world& operator=(const inside_world&) = delete;
  ~inside_world() { --depth_in_world(); }
};

class simulated_schedule {
 public:
  // One of the world's threads.
  struct member {
    enum class condition : std::uint8_t { ready, waiting, ended };

    explicit member(worker_pointer native) noexcept : runs_on(std::move(native)) {}

    worker_pointer runs_on;
    condition is = condition::ready;
    const void* waits_for = nullptr;
    const char* waits_how = "";
    std::uint64_t wakes_at_ns = UINT64_MAX;
    std::uint64_t priority = 0;
    bool timed_out = false;
  };

  simulated_schedule(const simulation& with, std::shared_ptr<worker_threads> workers)
      : with_(with), random_(with.seed), workers_(std::move(workers)) {
    if (has_priorities())
      for (std::uint32_t i = 0; i < with.priority_changes; ++i) changes_.push_back(1 + random_.below(with.priority_points));
    const std::uint64_t priority = first_priority();
    members_.push_back(std::make_unique<member>(std::make_shared<worker>("main")));
    running_ = members_[0].get();
    running_->priority = priority;
  }

  // For the schedules of derived worlds.
  [[nodiscard]] const std::shared_ptr<worker_threads>& workers() const noexcept { return workers_; }

  [[nodiscard]] std::uint64_t now_ns() const noexcept { return now_ns_; }
  void pass_ns(std::uint64_t ns) noexcept { now_ns_ += ns; }
  // Points so far.
  [[nodiscard]] std::uint64_t points() const noexcept { return points_; }

  // A point where another may go on.
  void point() {
    const inside_world inside;
    ++points_;
    now_ns_ += 1000;
    look_at_age();
    wake_late();
    if (has_priorities()) {
      for (std::size_t i = 0; i < changes_.size(); ++i)
        if (changes_[i] == points_) running_->priority = i;
    } else if (!random_.one_in(with_.switch_one_in)) {
      return;
    }
    hand_to(ready_member());
  }

  // Waits for `wake(what)`, or until the time has come: false then. `how`, for the word on a world that stands still.
  bool wait(const void* what, const char* how, std::uint64_t until_ns = UINT64_MAX) {
    const inside_world inside;
    running_->is = member::condition::waiting;
    running_->waits_for = what;
    running_->waits_how = how;
    running_->wakes_at_ns = until_ns;
    running_->timed_out = false;
    const member& self = *running_;
    hand_to(next_member());
    return !self.timed_out;
  }
  // Lets one, or all, of those that wait for `what` go on, when their turn comes.
  void wake(const void* what, bool all) {
    const inside_world inside;
    std::size_t waiting = 0;
    for (const std::unique_ptr<member>& each : members_) waiting += waits_for(*each, what);
    if (waiting == 0) return;
    std::size_t chosen = static_cast<std::size_t>(random_.below(waiting));
    for (const std::unique_ptr<member>& each : members_) {
      if (!waits_for(*each, what)) continue;
      if (all || chosen-- == 0) make_ready(*each, false);
    }
  }

  // out_of_memory: no memory, or no further native thread is allowed; nothing was started.
  template <typename Function>
  [[nodiscard]] result<member*> start(const char* name, Function function) {
    const inside_world inside;
    const std::uint64_t priority = first_priority();
    STRATA_TRY_LET(native, workers_->take(name));
    member* started = nullptr;
    STRATA_TRY_BLOCK {
      auto task = std::make_unique<thread_of<Function>>(*this, std::move(function));
      members_.push_back(std::make_unique<member>(native));
      native->give_task(std::move(task));
      started = members_.back().get();
    }
    STRATA_CATCH(...) {
      workers_->give_back(*native);
      return error(errc::out_of_memory, "start thread");
    }
    started->priority = priority;
    point();
    return started;
  }
  // Requires: started here, and not joined yet.
  void join(member& other) {
    const inside_world inside;
    point();
    while (other.is != member::condition::ended) static_cast<void>(wait(&other, "the end of a thread"));
    workers_->give_back(*other.runs_on);
    members_.erase_if([&](const std::unique_ptr<member>& each) { return each.get() == &other; });
  }

 private:
  // Runs a function, and destroys it before the thread is seen to have ended.
  template <typename Function>
  class thread_of final : public worker_task {
   public:
    thread_of(simulated_schedule& schedule, Function&& function) : schedule_(&schedule), function_(std::move(function)) {}
    void run() noexcept override {
      --depth_in_world();
      (*function_)();
      ++depth_in_world();
      function_.reset();
      schedule_->end();
    }

   private:
    simulated_schedule* schedule_;
    std::optional<Function> function_;
  };

  [[nodiscard]] bool has_priorities() const noexcept { return with_.schedule == schedule::priorities; }
  // Above those that a change gives.
  [[nodiscard]] std::uint64_t first_priority() noexcept {
    return has_priorities() ? with_.priority_changes + (random_.next() >> 1) : 0;
  }

  static bool waits_for(const member& each, const void* what) noexcept {
    return each.is == member::condition::waiting && each.waits_for == what;
  }
  static void make_ready(member& each, bool timed_out) noexcept {
    each.is = member::condition::ready;
    each.waits_for = nullptr;
    each.wakes_at_ns = UINT64_MAX;
    each.timed_out = timed_out;
  }
  // Those whose time has come.
  void wake_late() noexcept {
    for (const std::unique_ptr<member>& each : members_)
      if (each->is == member::condition::waiting && each->wakes_at_ns <= now_ns_) make_ready(*each, true);
  }
  // One that could go on; null where none could.
  [[nodiscard]] member* ready_member() {
    if (has_priorities()) return highest_ready_member();
    std::size_t ready = 0;
    for (const std::unique_ptr<member>& each : members_) ready += each->is == member::condition::ready;
    if (ready == 0) return nullptr;
    std::size_t chosen = static_cast<std::size_t>(random_.below(ready));
    for (const std::unique_ptr<member>& each : members_)
      if (each->is == member::condition::ready && chosen-- == 0) return each.get();
    return nullptr;
  }
  [[nodiscard]] member* highest_ready_member() const {
    member* highest = nullptr;
    for (const std::unique_ptr<member>& each : members_)
      if (each->is == member::condition::ready && (highest == nullptr || each->priority > highest->priority)) highest = each.get();
    return highest;
  }
  // The same, where the running one can't go on.
  [[nodiscard]] member* next_member() {
    wake_late();
    if (member* const next = ready_member()) return next;
    if (const std::uint64_t earliest = earliest_ns(); earliest != UINT64_MAX) now_ns_ = earliest;
    look_at_age();
    wake_late();
    if (member* const next = ready_member()) return next;
    stand_still("every thread waits");
  }
  [[nodiscard]] std::uint64_t earliest_ns() const noexcept {
    std::uint64_t earliest = UINT64_MAX;
    for (const std::unique_ptr<member>& each : members_)
      if (each->is == member::condition::waiting) earliest = (std::min)(earliest, each->wakes_at_ns);
    return earliest;
  }

  void look_at_age() const noexcept {
    if (now_ns_ / 1000 > with_.lasts_us_max) stand_still("the world has lasted too long");
  }

  void hand_to(member* next) {
    if (next == running_) return;
    worker& self = *running_->runs_on;
    give_turn(*next);
    self.await_turn();
  }
  void give_turn(member& next) noexcept {
    running_ = &next;
    // It may come to its end, and its world too, before it was woken here.
    const worker_pointer native = next.runs_on;
    native->give_turn();
  }
  void end() noexcept {
    running_->is = member::condition::ended;
    wake(running_, true);
    give_turn(*next_member());
  }
  [[noreturn]] void stand_still(const char* why) const noexcept {
    std::fprintf(stderr, "strata: simulation with seed %llu: %s\n", static_cast<unsigned long long>(with_.seed), why);
    for (const std::unique_ptr<member>& each : members_)
      if (each->is == member::condition::waiting) std::fprintf(stderr, "  %s waits for %s\n", each->runs_on->name(), each->waits_how);
    std::abort();
  }

  simulation with_;
  simulated_random random_;
  dynamic_array<std::uint64_t> changes_;  // points at which the running one gets the priority of that index
  std::shared_ptr<worker_threads> workers_;
  dynamic_array<std::unique_ptr<member>> members_;
  member* running_ = nullptr;
  std::uint64_t now_ns_ = 0;
  std::uint64_t points_ = 0;
};

// Not recursive. Outlived by its world.
class simulated_mutex {
 public:
  explicit simulated_mutex(simulated_schedule& schedule) noexcept : schedule_(&schedule) {}
  simulated_mutex(const simulated_mutex&) = delete;
  simulated_mutex& operator=(const simulated_mutex&) = delete;
  ~simulated_mutex() { STRATA_ASSERT(!locked_); }

  void lock() {
    schedule_->point();
    while (locked_) static_cast<void>(schedule_->wait(this, "a mutex"));
    locked_ = true;
  }
  void unlock() {
    release();
    schedule_->point();
  }
  [[nodiscard]] bool try_lock() {
    schedule_->point();
    if (locked_) return false;
    return locked_ = true;
  }

 private:
  friend class simulated_condition_variable;
  void release() {
    STRATA_ASSERT(locked_);
    locked_ = false;
    schedule_->wake(this, false);
  }

  simulated_schedule* schedule_;
  bool locked_ = false;
};

class simulated_condition_variable {
 public:
  explicit simulated_condition_variable(simulated_schedule& schedule) noexcept : schedule_(&schedule) {}
  simulated_condition_variable(const simulated_condition_variable&) = delete;
  simulated_condition_variable& operator=(const simulated_condition_variable&) = delete;

  template <typename Lock>
  void wait(Lock& lock) {
    static_cast<void>(wait_until(lock, UINT64_MAX));
  }
  template <typename Lock>
  bool wait_for_us(Lock& lock, std::uint64_t duration_us) {
    constexpr std::uint64_t longest_us = UINT64_MAX / 4000;
    return wait_until(lock, schedule_->now_ns() + (std::min)(duration_us, longest_us) * 1000);
  }
  void notify_one() { notify(false); }
  void notify_all() { notify(true); }

 private:
  // Between the release and the wait no other has a turn: nothing is missed.
  template <typename Lock>
  bool wait_until(Lock& lock, std::uint64_t until_ns) {
    STRATA_ASSERT(lock.owns_lock());
    simulated_mutex& mutex = lock.mutex();
    mutex.release();
    const bool woken = schedule_->wait(this, "a condition", until_ns);
    while (mutex.locked_) static_cast<void>(schedule_->wait(&mutex, "a mutex"));
    mutex.locked_ = true;
    return woken;
  }
  void notify(bool all) {
    schedule_->wake(this, all);
    schedule_->point();
  }

  simulated_schedule* schedule_;
};

// Requires: joined once before it is destroyed. Empty when made without one or moved from.
class simulated_thread {
 public:
  simulated_thread() noexcept = default;
  simulated_thread(simulated_schedule& schedule, simulated_schedule::member& started) noexcept
      : schedule_(&schedule), member_(&started) {}
  simulated_thread(simulated_thread&& other) noexcept
      : schedule_(other.schedule_), member_(std::exchange(other.member_, nullptr)) {}
  simulated_thread& operator=(simulated_thread&& other) noexcept {
    STRATA_ASSERT(member_ == nullptr);
    schedule_ = other.schedule_;
    member_ = std::exchange(other.member_, nullptr);
    return *this;
  }
  ~simulated_thread() { STRATA_ASSERT(member_ == nullptr); }

  void join() {
    STRATA_ASSERT(member_ != nullptr);
    schedule_->join(*std::exchange(member_, nullptr));
  }

 private:
  simulated_schedule* schedule_ = nullptr;
  simulated_schedule::member* member_ = nullptr;
};

}  // namespace detail

}  // namespace strata::inline STRATA_ABI::environment

#endif
