// The explorer is tested before what it explores: it meets what a few atomic operations of two threads can do to each other.
#include "interleavings/steps.hpp"

#include <algorithm>

using namespace strata_tests;

namespace {

// In how many of the first seeds `broken(world)` is true.
template <typename Broken>
std::size_t count_broken(std::uint64_t seeds, Broken broken) {
  stay_on_one_core();
  std::size_t count = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) count += broken(simulated(stepped_world(seed, 20)));
  return count;
}

}  // namespace

TEST_CASE("an update that is read, and written in a second step, is lost; one in one step is not", "[interleavings]") {
  const std::uint64_t before = stepping::steps();
  CHECK(count_broken(200, [](const simulated& world) {
          std::atomic<int> sum{0};
          const auto add = [&] { sum.store(sum.load() + 1); };
          run_together(world, add, add);
          return sum.load() != 2;
        }) > 5);
  CHECK(stepping::steps() >= before + 200 * 4);
  CHECK(count_broken(200, [](const simulated& world) {
          std::atomic<int> sum{0};
          const auto add = [&] { sum.fetch_add(1); };
          run_together(world, add, add);
          return sum.load() != 2;
        }) == 0);
}

TEST_CASE("two that raise a flag and look at the other's: both are never unseen; both that look first may be", "[interleavings]") {
  const auto both_in = [](const simulated& world, bool looks_first) {
    std::atomic<bool> flags[2] = {};
    std::atomic<int> inside{0};
    const auto enter = [&](std::size_t mine) {
      bool other = looks_first && flags[1 - mine].load();
      flags[mine].store(true);
      if (!looks_first) other = flags[1 - mine].load();
      if (!other) inside.fetch_add(1);
    };
    run_together(world, [&] { enter(0); }, [&] { enter(1); });
    return inside.load() == 2;
  };
  CHECK(count_broken(300, [&](const simulated& world) { return both_in(world, false); }) == 0);
  CHECK(count_broken(300, [&](const simulated& world) { return both_in(world, true); }) > 5);
}

TEST_CASE("one seed gives one interleaving", "[interleavings]") {
  const auto order_of = [](std::uint64_t seed) {
    std::string order;
    const simulated world(stepped_world(seed, 40));
    std::atomic<int> sum{0};
    const auto add = [&](char name) {
      for (int i = 0; i < 6; ++i) {
        sum.fetch_add(1);
        order += name;
      }
    };
    run_together(world, [&] { add('a'); }, [&] { add('b'); }, [&] { add('c'); });
    return order;
  };
  std::vector<std::string> orders;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    orders.push_back(order_of(seed));
    CHECK(order_of(seed) == orders.back());
  }
  std::sort(orders.begin(), orders.end());
  CHECK(std::unique(orders.begin(), orders.end()) - orders.begin() > 50);
}
