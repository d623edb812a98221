#include "test.hpp"

#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>

#include <strata/core/epoch.hpp>

namespace {

// Where there are slots enough for everybody.
constexpr auto never = [] { std::abort(); };

}  // namespace

TEST_CASE("nobody inside: quiet at once", "[core][epoch]") {
  strata::epoch_domain domain;
  const std::uint64_t before = domain.advance();
  CHECK(domain.quiet_since(before));
  CHECK(domain.advance() == before + 1);
}

TEST_CASE("a reader that came in before holds up what was replaced, one that comes later does not", "[core][epoch]") {
  strata::epoch_domain domain;
  std::uint64_t epoch = 0;
  {
    const auto early = domain.pin(never);
    epoch = domain.advance();
    CHECK_FALSE(domain.quiet_since(epoch));
    const auto late = domain.pin(never);
    CHECK_FALSE(domain.quiet_since(epoch));
  }
  CHECK(domain.quiet_since(epoch));
  const auto late = domain.pin(never);
  CHECK(domain.quiet_since(epoch));
  CHECK_FALSE(domain.quiet_since(domain.advance()));
}

TEST_CASE("one thread may be inside many times", "[core][epoch]") {
  strata::epoch_domain domain;
  std::uint64_t epoch = 0;
  const auto first = domain.pin(never);
  for (int i = 0; i < 60; ++i) {
    const auto again = domain.pin(never);
    epoch = domain.advance();
    CHECK_FALSE(domain.quiet_since(epoch));
  }
  CHECK_FALSE(domain.quiet_since(epoch));
}

TEST_CASE("a reader that finds every slot taken lets others go on, and gets the first that is free", "[core][epoch]") {
  using guard = strata::epoch_domain::guard;
  strata::epoch_domain domain;
  std::vector<std::unique_ptr<guard>> inside;
  std::size_t gave_way = 0;
  const auto give_way = [&] {
    ++gave_way;
    if (gave_way == 3) inside[17].reset();
  };
  for (int i = 0; i < 64; ++i) inside.emplace_back(new guard(domain.pin(never)));
  const std::uint64_t epoch = domain.advance();
  const auto late = domain.pin(give_way);
  CHECK(gave_way == 3);
  inside.clear();
  CHECK(domain.quiet_since(epoch));
  CHECK_FALSE(domain.quiet_since(domain.advance()));
}

TEST_CASE("what is freed when quiet is in no reader's hands", "[core][epoch]") {
  // Readers load a pointer inside an epoch and look twice whether its object is alive; a writer replaces it, and kills the
  // old one when it is quiet. Under the thread or address sanitizer the objects themselves tell.
  struct object {
    std::atomic<std::uint64_t> alive{1};
  };
  constexpr std::size_t readers = 4;
  const std::size_t replacements = rounds(4'000, 400'000);
  strata::epoch_domain domain;
  std::unique_ptr<object> owner = std::make_unique<object>();
  std::atomic<object*> current{owner.get()};
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> dead{0};
  std::atomic<std::uint64_t> reads{0};
  std::vector<std::thread> all;
  for (std::size_t i = 0; i < readers; ++i) {
    all.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {
        const auto inside = domain.pin(never);
        object* seen = current.load(std::memory_order_seq_cst);
        dead += seen->alive.load(std::memory_order_relaxed) != 1;
        std::this_thread::yield();
        dead += seen->alive.load(std::memory_order_relaxed) != 1;
        reads.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  std::vector<std::pair<std::uint64_t, std::unique_ptr<object>>> retired;
  for (std::size_t i = 0; i < replacements || reads.load() < readers; ++i) {
    auto next = std::make_unique<object>();
    current.store(next.get(), std::memory_order_seq_cst);
    std::swap(owner, next);
    retired.emplace_back(domain.advance(), std::move(next));
    std::erase_if(retired, [&](auto& each) {
      if (!domain.quiet_since(each.first)) return false;
      each.second->alive.store(0, std::memory_order_relaxed);
      each.second.reset();
      return true;
    });
  }
  stop = true;
  for (std::thread& thread : all) thread.join();
  CHECK(dead == 0);
  // While readers go in and out it is chance what can be freed; without them it is all.
  for (const auto& each : retired) CHECK(domain.quiet_since(each.first));
}
