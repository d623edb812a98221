#include "test.hpp"

#include <strata/core/arena.hpp>

#include <algorithm>
#include <type_traits>

static_assert(!std::is_copy_constructible_v<strata::arena> && !std::is_move_constructible_v<strata::arena>);
static_assert(
    noexcept(std::declval<strata::arena&>().reserve(1)) && noexcept(std::declval<strata::arena&>().allocate(1)));

TEST_CASE("an arena that was never used holds nothing", "[core][arena]") {
  strata::arena arena;
  CHECK(arena.bytes() == 0);
  REQUIRE(arena.reserve(0));
  CHECK(arena.bytes() == 0);
  REQUIRE(arena.reserve(1));
  CHECK(arena.bytes() >= 4096);
  CHECK(arena.bytes() < 4096 + 256);
}

TEST_CASE("allocations are aligned, do not overlap and keep their bytes", "[core][arena]") {
  strata::arena arena;
  struct piece {
    char* at;
    std::size_t size;
    char fill;
  };
  std::vector<piece> pieces;
  for (std::size_t i = 0; i < 20'000; ++i) {
    const std::size_t alignment = std::size_t{1} << (i % 5);
    const std::size_t size = (i * 37) % 300;
    REQUIRE(arena.reserve(strata::arena::cost(size, alignment)));
    char* const at = arena.allocate(size, alignment);
    if (alignment > 1) {
      void* aligned = at;
      std::size_t room = size + alignment;
      REQUIRE(std::align(alignment, size, aligned, room) == at);
    }
    std::fill_n(at, size, static_cast<char>(i));
    pieces.push_back({at, size, static_cast<char>(i)});
  }
  for (const piece& piece : pieces)
    for (std::size_t i = 0; i < piece.size; ++i)
      if (piece.at[i] != piece.fill) FAIL("a later allocation wrote into an earlier one");
}

TEST_CASE("a reservation covers allocations whose costs add up to it, whatever their order and alignment",
          "[core][arena]") {
  for (std::size_t bytes : {1U, 17U, 4096U, 5000U, 100'000U, 3'000'000U}) {
    strata::arena arena;
    REQUIRE(arena.reserve(3));
    static_cast<void>(arena.allocate(3));  // so that nothing begins aligned
    REQUIRE(arena.reserve(bytes));
    const std::size_t held = arena.bytes();
    std::size_t left = bytes;
    for (std::size_t i = 0; left > 0; ++i) {
      std::size_t alignment = std::size_t{1} << (i % 5);
      std::size_t size = (i * 7) % 50;
      if (strata::arena::cost(size, alignment) > left) {
        alignment = 1;
        size = 1;
      }
      std::fill_n(arena.allocate(size, alignment), size, 'x');  // ends the process where the promise is broken
      left -= strata::arena::cost(size, alignment);
    }
    CHECK(arena.bytes() == held);
  }
}

TEST_CASE("reserving again takes no memory while the room is there", "[core][arena]") {
  strata::arena arena;
  REQUIRE(arena.reserve(1000));
  const std::size_t held = arena.bytes();
  for (int i = 0; i < 1000; ++i) REQUIRE(arena.reserve(1000));
  CHECK(arena.bytes() == held);
}

TEST_CASE("chunks grow and stop growing", "[core][arena]") {
  strata::arena arena;
  std::size_t held = 0;
  std::vector<std::size_t> chunks;
  for (std::size_t total = 0; total < (std::size_t{8} << 20); total += 512) {
    REQUIRE(arena.reserve(512));
    static_cast<void>(arena.allocate(512));
    if (arena.bytes() != held) chunks.push_back(arena.bytes() - held);
    held = arena.bytes();
  }
  CHECK(chunks.front() < 5000);
  CHECK(chunks.back() > (std::size_t{1} << 20));
  CHECK(chunks.back() < (std::size_t{1} << 20) + 256);
  CHECK(chunks.size() < 20);
}

TEST_CASE("a large reservation in between wastes nothing of the chunk before", "[core][arena]") {
  strata::arena arena;
  for (int i = 0; i < 100; ++i) {  // chunks of 1 MiB by now
    REQUIRE(arena.reserve(100'000));
    static_cast<void>(arena.allocate(100'000));
  }
  REQUIRE(arena.reserve(200'000));
  static_cast<void>(arena.allocate(1));
  const std::size_t before = arena.bytes();
  REQUIRE(arena.reserve(2'000'000));
  static_cast<void>(arena.allocate(2'000'000));
  const std::size_t after = arena.bytes();
  CHECK(after - before < 2'000'000 + 256);
  REQUIRE(arena.reserve(150'000));
  static_cast<void>(arena.allocate(150'000));
  CHECK(arena.bytes() == after);
}

TEST_CASE("a reservation that no machine has is an error that changes nothing", "[core][arena]") {
  strata::arena arena;
  REQUIRE(arena.reserve(100));
  char* const first = arena.allocate(1);
  const std::size_t held = arena.bytes();
  const auto refused = arena.reserve(SIZE_MAX);
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == strata::errc::out_of_memory);
  CHECK(arena.bytes() == held);
  CHECK(arena.allocate(99) == first + 1);
}
