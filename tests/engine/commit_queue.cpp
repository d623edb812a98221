#include "engine/stores.hpp"

#include <thread>

#include <strata/engine/commit_queue.hpp>

using namespace strata_tests;
using queue_type = strata::engine::commit_queue<memory_world>;

namespace {

struct request : strata::engine::queued_request {
  std::uint64_t number = 0;
  std::uint64_t done_as = 0;  // the leader's count when it did this request
};

}  // namespace

TEST_CASE("a lone request leads at once, again and again", "[engine][commit_queue]") {
  queue_type queue{memory_world()};
  for (int i = 0; i < 3; ++i) {
    request mine;
    REQUIRE(queue.join(mine));
    std::array<request*, 4> group{};
    REQUIRE(queue.collect(mine, group) == 1);
    CHECK(group[0] == &mine);
    queue.finish(mine, mine);
  }
}

TEST_CASE("each request is done once, by one leader at a time, and each thread's in its order", "[engine][commit_queue]") {
  constexpr std::size_t threads = 8;
  const std::size_t each = rounds(6'000, 500'000);
  queue_type queue{memory_world()};
  // The leader's alone: a second leader would be a data race.
  std::uint64_t count = 0;
  std::vector<std::uint64_t> newest_of(threads, 0);
  std::size_t largest = 0;
  std::atomic<std::size_t> wrong{0};
  std::vector<std::thread> all;
  for (std::size_t t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      std::uint64_t last_done = 0;
      for (std::uint64_t i = 1; i <= each; ++i) {
        request mine;
        mine.number = t << 32 | i;
        if (queue.join(mine)) {
          std::this_thread::yield();  // so that others come to wait
          std::array<request*, 5> group{};
          const std::size_t waiting = queue.collect(mine, group);
          // A leader may leave some to the next.
          const std::size_t taken = 1 + (mine.number * 7 + count) % waiting;
          largest = (std::max)(largest, taken);
          if (group[0] != &mine) ++wrong;
          for (std::size_t k = 0; k < taken; ++k) {
            const std::size_t owner = static_cast<std::size_t>(group[k]->number >> 32);
            if (newest_of[owner] >= group[k]->number) ++wrong;
            newest_of[owner] = group[k]->number;
            group[k]->done_as = ++count;
          }
          queue.finish(mine, *group[taken - 1]);
        }
        if (mine.done_as <= last_done) ++wrong;
        last_done = mine.done_as;
      }
    });
  }
  for (std::thread& thread : all) thread.join();
  CHECK(wrong == 0);
  CHECK(count == threads * each);
  CHECK(largest > 1);
}
