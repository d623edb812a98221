// One seed, one run: the same calls, in the same order, with the same outcomes.
#include "simulation/crashes.hpp"

#include <algorithm>

using namespace strata_tests;

namespace {

bool has_faults(std::uint64_t seed) { return seed % 3 == 0; }

// Writers, readers, flushes and merges at once, with faults now and then; the hash of all that was asked of the disk.
std::uint64_t trace_of(std::uint64_t seed) {
  const simulated world({.seed = seed, .switch_one_in = static_cast<std::uint32_t>(1 + seed % 8)});
  auto store = open_store<default_store<simulated>>(world, "store");
  std::vector<simulated::thread> threads;
  // All start.
  const auto all_but_starting = ~static_cast<std::uint32_t>(strata::environment::disk_call::start_thread);
  if (has_faults(seed)) world.set_fault({.calls = all_but_starting, .one_in = 50, .code = strata::errc::no_space});
  for (int writer = 0; writer < 3; ++writer) {
    threads.push_back(world.start_thread("writer", [&store, writer]() noexcept {
                             for (int i = 0; i < 30; ++i) {
                               const std::string key = std::to_string(i % 7);
                               static_cast<void>(put(*store, key, std::string(static_cast<std::size_t>(100 * writer), 'v'),
                                                     i % 5 == 0 ? strata::durability::strict : strata::durability::none));
                               if (i % 10 == writer) static_cast<void>(store->flush());
                               if (i % 15 == writer) static_cast<void>(store->compact());
                               if (!store->status().has_value()) static_cast<void>(store->resume());
                             }
                           }).value());
  }
  for (simulated::thread& each : threads) each.join();
  static_cast<void>(store->close());
  return world.trace();
}

}  // namespace

TEST_CASE("a seed gives one trace, byte for byte, and others another", "[simulation]") {
  stay_on_one_core();
  std::vector<std::uint64_t> traces;  // of runs without faults: one with them may end early, as another has
  for (std::uint64_t seed = 1; seed <= rounds(100, 5000); ++seed) {
    const std::uint64_t trace = trace_of(seed);
    INFO("seed " << seed);
    CHECK(trace_of(seed) == trace);
    if (!has_faults(seed)) traces.push_back(trace);
  }
  std::sort(traces.begin(), traces.end());
  CHECK(std::unique(traces.begin(), traces.end()) == traces.end());
}
