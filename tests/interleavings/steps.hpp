// Every atomic operation of the code under test is a point at which the simulated scheduler may let another thread go on.
//
// The sources in this folder are compiled with -fsanitize=thread, which makes each atomic operation a call of a function that
// the thread sanitizer's runtime would bring. They are linked without that runtime, and steps.cpp has the functions: each asks
// the world first, and then does what it is named for. So the library is tested as it is, without a seam, and all of it: what
// stands between two atomic operations of one thread may have happened between any two of another's.
//
// What it does not show: orders that are weaker than sequential consistency, for only one thread runs at a time. Those are
// the thread sanitizer's proper, and the processor's, in tests/core, memtable, sstable and engine.
#ifndef STRATA_TESTS_INTERLEAVINGS_STEPS_HPP
#define STRATA_TESTS_INTERLEAVINGS_STEPS_HPP

#include "simulation/crashes.hpp"

namespace strata_tests {

// While it lives, threads that `world` has started step. One at a time. Before the step of the number `stops_at` (of all
// threads' together, from 1) its thread stands still until no other can go on.
class stepping {
 public:
  explicit stepping(const simulated& world, std::uint64_t stops_at = 0);
  stepping(const stepping&) = delete;
  stepping& operator=(const stepping&) = delete;
  ~stepping();
  // Atomic operations so far, of all.
  [[nodiscard]] static std::uint64_t steps() noexcept;
};

// A world of a seed; by priorities where the seed is even. `points`: about how many there are to an end.
[[nodiscard]] inline strata::environment::simulation stepped_world(std::uint64_t seed, std::uint64_t points) {
  strata::environment::simulation with;
  with.seed = seed;
  with.switch_one_in = 1u << seed / 2 % 5;
  with.schedule = seed % 2 == 0 ? strata::environment::schedule::priorities : strata::environment::schedule::random;
  with.priority_changes = static_cast<std::uint32_t>(1 + seed / 2 % 6);
  with.priority_points = points;
  with.lasts_us_max = 3'600'000'000;
  return with;
}

// Runs `work` (one function for each thread) in a stepped world to its end, with one stop; 0: none.
template <typename... Work>
void run_stopped(const simulated& world, std::uint64_t stops_at, Work... work) {
  const stepping steps(world, stops_at);
  std::vector<simulated::thread> threads;
  const auto start = [&](auto function) { threads.push_back(world.start_thread("tested", [function]() mutable noexcept { function(); }).value()); };
  (start(work), ...);
  for (simulated::thread& each : threads) each.join();
}
template <typename... Work>
void run_together(const simulated& world, Work... work) {
  run_stopped(world, 0, work...);
}

// Seeds 1 to `count`, or the one that the environment names: each in a world of its own.
template <typename Use>
void each_interleaving(std::uint64_t count, std::uint64_t points, Use use) {
  stay_on_one_core();
  each_seed(count, [&](std::uint64_t seed) { use(seed, simulated(stepped_world(seed, points))); });
}

// A world in which each of two threads goes on until it waits, or stands still.
[[nodiscard]] inline simulated unhurried_world(std::uint64_t seed) {
  using strata::environment::schedule;
  return simulated({.seed = seed, .schedule = schedule::priorities, .priority_changes = 0, .lasts_us_max = 3'600'000'000});
}
// The lowest seed of such a world in which the first, or the second, of two threads goes first.
[[nodiscard]] inline std::uint64_t seed_where_goes_first(int which) {
  for (std::uint64_t seed = 1;; ++seed) {
    int first = 0;
    run_together(unhurried_world(seed), [&] { first = first == 0 ? 1 : first; }, [&] { first = first == 0 ? 2 : first; });
    if (first == which) return seed;
  }
}

// Two threads, of which either goes first, and a stop of that one at each of its steps in turn: all that one untimely stop
// can bring about. Calls use(world, stop) until a run has fewer steps than that; every `stride`th stop.
template <typename Use>
void each_stop(std::uint64_t stride, Use use) {
  stay_on_one_core();
  for (const int first : {1, 2}) {
    const std::uint64_t seed = seed_where_goes_first(first);
    for (std::uint64_t stop = 1;; stop += stride) {
      const simulated world = unhurried_world(seed);
      const std::uint64_t before = stepping::steps();
      use(world, stop);
      if (stepping::steps() - before < stop) break;
    }
  }
}

}  // namespace strata_tests

#endif
