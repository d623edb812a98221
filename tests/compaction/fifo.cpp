#include "compaction/contract.hpp"
#include "compaction/shapes.hpp"

#include <strata/compaction/fifo.hpp>

using namespace strata;
using namespace strata::testing;
using compaction::fifo;
using list = std::vector<std::uint64_t>;

TEST_CASE("compaction::fifo meets the contract of policies") {
  STATIC_REQUIRE(fifo::discards_live_data);
  compaction_contract<fifo>();
}

TEST_CASE("compaction::fifo takes over a store that was leveled") {
  const compaction::shape s =
      shape_of({{{table(9, 'a', 'z')}}, {{table(4, 'a', 'f'), table(3, 'g', 'z')}}, {{table(5, 'a', 'z')}}});
  const auto plan = fifo().pick(s, {.fifo_bytes_max = 200});
  REQUIRE(plan);
  CHECK(numbers(*plan) == list{3, 5});  // the deepest run is the oldest, whatever its number
}

TEST_CASE("compaction::fifo drops the oldest tables beyond the bytes, and no more") {
  const compaction::shape s =
      shape_of({{{table(4, 'a', 'z')}, {table(3, 'a', 'z')}, {table(2, 'a', 'z')}, {table(1, 'a', 'z')}}});
  for (const std::uint64_t bytes : {400u, 399u, 300u, 299u, 100u, 0u}) {
    const auto plan = fifo().pick(s, {.fifo_bytes_max = bytes});
    REQUIRE(plan.has_value() == (bytes < 400));
    if (!plan) continue;
    CHECK(plan->discard);
    CHECK(numbers(*plan) == (bytes >= 300   ? list{1}
                             : bytes >= 200 ? list{1, 2}
                             : bytes >= 100 ? list{1, 2, 3}
                                            : list{1, 2, 3, 4}));
    CHECK(compaction::plan_is_sound(s, *plan));
    const auto all = fifo().pick_all(s, {.fifo_bytes_max = bytes});
    REQUIRE(all);
    CHECK(numbers(*all) == numbers(*plan));
  }
}

TEST_CASE("compaction::fifo drops what is older than its age before the newest commit") {
  const std::vector<std::vector<tables>> levels = {
      {{table(3, 'a', 'z', 1, 0, 900)}, {table(2, 'a', 'z', 1, 0, 500)}, {table(1, 'a', 'z', 1, 0, 400)}}};
  CHECK_FALSE(fifo().pick(shape_of(levels), {.fifo_age_us_max = 0}));
  CHECK_FALSE(fifo().pick(shape_of(levels), {.fifo_age_us_max = 500}));
  const auto plan = fifo().pick(shape_of(levels), {.fifo_age_us_max = 499});
  REQUIRE(plan);
  CHECK(numbers(*plan) == list{1});
}

TEST_CASE("compaction::fifo deletes nothing because a clock jumped") {
  const std::vector<std::vector<tables>> levels = {{{table(2, 'a', 'z', 1, 0, 500)}, {table(1, 'a', 'z', 1, 0, 400)}}};
  CHECK_FALSE(fifo().pick(shape_of(levels, UINT64_MAX), {.fifo_age_us_max = 100}));
  CHECK_FALSE(fifo().pick(shape_of(levels, 0), {.fifo_age_us_max = 99}));
  CHECK(fifo().pick(shape_of(levels, 500), {.fifo_age_us_max = 99}));
}

TEST_CASE("compaction::fifo passes no older run") {
  // Commit times never go back; where they do all the same, order wins over age.
  const compaction::shape s =
      shape_of({{{table(3, 'a', 'z', 1, 0, 900)}, {table(2, 'a', 'z', 1, 0, 100)}, {table(1, 'a', 'z', 1, 0, 800)}}});
  CHECK_FALSE(fifo().pick(s, {.fifo_age_us_max = 500}));
}
