#include "interleavings/steps.hpp"

#include <strata/engine/commit_queue.hpp>

using namespace strata_tests;

namespace {

struct request : strata::engine::queued_request {
  std::size_t owner = 0;
  std::uint64_t number = 0;
  std::uint64_t done_as = 0;  // the leader's count when it did this request
};

}  // namespace

TEST_CASE("whatever steps of joining and leading meet: one leader at a time, each request done once, in its thread's order, none left", "[interleavings][commit_queue]") {
  std::size_t largest = 0;
  each_interleaving(rounds(4'000, 1'000'000), 300, [&](std::uint64_t seed, const simulated& world) {
    strata::engine::commit_queue<simulated> queue{world};
    const std::size_t threads = 2 + seed % 3;
    const std::uint64_t each = 1 + seed % 5;
    std::uint64_t count = 0;
    std::uint64_t newest_of[4] = {};
    bool leading = false;
    std::string wrong;
    const auto ask = [&](std::size_t owner) {
      std::uint64_t last = 0;
      for (std::uint64_t i = 1; i <= each; ++i) {
        request mine;
        mine.owner = owner;
        mine.number = i;
        if (queue.join(mine)) {
          if (std::exchange(leading, true)) wrong = "two lead";
          std::array<request*, 3> group{};
          const std::size_t waiting = queue.collect(mine, group);
          if (group[0] != &mine) wrong = "the leader is not in front";
          const std::size_t taken = 1 + (i + seed) % waiting;  // a leader may leave some to the next
          largest = (std::max)(largest, taken);
          for (std::size_t k = 0; k < taken; ++k) {
            if (group[k]->number != ++newest_of[group[k]->owner]) wrong = "out of order";
            if (group[k]->done_as != 0) wrong = "done twice";
            group[k]->done_as = ++count;
          }
          leading = false;
          queue.finish(mine, *group[taken - 1]);
        }
        if (mine.done_as <= last) wrong = "not done";
        last = mine.done_as;
      }
    };
    const auto idle = [] {};
    run_together(world, [&] { ask(0); }, [&] { ask(1); }, [&] { threads > 2 ? ask(2) : idle(); }, [&] { threads > 3 ? ask(3) : idle(); });
    if (count != threads * each) wrong = "some are not done";
    if (!wrong.empty()) FAIL("seed " << seed << ": " << wrong);
  });
  CHECK(largest == 3);
}
