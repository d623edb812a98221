#include "engine/stores.hpp"

using strata::engine::expiry_clock;

namespace {

constexpr std::uint64_t minute_us = 60'000'000;
constexpr std::uint64_t start_us = 1'700'000'000'000'000;

// Both clocks, moved by hand.
struct clocks {
  std::uint64_t wall_us = start_us;
  std::uint64_t steady_us = 5'000'000;
  void pass(std::uint64_t us) {
    wall_us += us;
    steady_us += us;
  }
  std::uint64_t horizon(expiry_clock& clock) const { return clock.horizon_us(wall_us, steady_us * 1000); }
};

}  // namespace

TEST_CASE("nothing is removed before the clock has kept pace for the margin, then what is older than the margin", "[engine][expiry_clock]") {
  expiry_clock clock(std::chrono::minutes(60));
  clocks now;
  CHECK(now.horizon(clock) == 0);
  now.pass(59 * minute_us);
  CHECK(now.horizon(clock) == 0);
  now.pass(minute_us);
  CHECK(now.horizon(clock) == now.wall_us - 60 * minute_us);
  now.pass(minute_us);
  CHECK(now.horizon(clock) == now.wall_us - 60 * minute_us);
}

TEST_CASE("a clock that jumps either way removes nothing until it has kept pace again", "[engine][expiry_clock]") {
  for (const std::int64_t jump_minutes : {-100'000, -90, -2, 2, 90, 100'000, 100'000'000}) {
    INFO("a jump of " << jump_minutes << " minutes");
    expiry_clock clock(std::chrono::minutes(60));
    clocks now;
    CHECK(now.horizon(clock) == 0);
    now.pass(120 * minute_us);
    CHECK(now.horizon(clock) != 0);
    now.wall_us += static_cast<std::uint64_t>(jump_minutes * 60'000'000);
    CHECK(now.horizon(clock) == 0);
    now.pass(59 * minute_us);
    CHECK(now.horizon(clock) == 0);
    now.pass(minute_us);
    CHECK(now.horizon(clock) == now.wall_us - 60 * minute_us);
  }
}

TEST_CASE("a clock that is adjusted slowly goes on removing", "[engine][expiry_clock]") {
  expiry_clock clock(std::chrono::minutes(1));
  clocks now;
  CHECK(now.horizon(clock) == 0);
  for (int i = 0; i < 100; ++i) {
    now.pass(2 * minute_us);
    now.wall_us += 500'000;  // half a second: 50 s in all
    CHECK(now.horizon(clock) == now.wall_us - minute_us);
  }
}

TEST_CASE("a wall clock near its beginning does not wrap", "[engine][expiry_clock]") {
  expiry_clock clock(std::chrono::minutes(60));
  clocks now;
  now.wall_us = 0;
  CHECK(now.horizon(clock) == 0);
  now.pass(59 * minute_us);
  CHECK(now.horizon(clock) == 0);
  now.pass(2 * minute_us);
  CHECK(now.horizon(clock) == minute_us);
}

TEST_CASE("without a margin all that has expired may go, from the second look on", "[engine][expiry_clock]") {
  expiry_clock clock(std::chrono::minutes(0));
  clocks now;
  CHECK(now.horizon(clock) == 0);
  CHECK(now.horizon(clock) == now.wall_us);
}
