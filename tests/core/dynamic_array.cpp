#include <strata/core/dynamic_array.hpp>

#include "test.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace strata;

namespace {

// Counts the values that are alive.
struct counted {
  explicit counted(int wanted) : value(wanted) { ++alive; }
  counted(const counted& other) : value(other.value) { ++alive; }
  counted(counted&& other) noexcept : value(other.value) { ++alive; }
  counted& operator=(const counted&) = default;
  ~counted() { --alive; }
  int value;
  static inline int alive = 0;
};

std::string long_text(std::size_t number) { return "a text that is too long for the string itself: " + std::to_string(number); }

}  // namespace

TEST_CASE("an array does what a vector does") {
  std::uint64_t state = 7;
  const auto below = [&](std::uint64_t bound) { return ((state = state * 6364136223846793005u + 1442695040888963407u) >> 33) % bound; };
  dynamic_array<std::string> array;
  std::vector<std::string> expected;
  for (std::size_t step = 0; step < 20'000; ++step) {
    const std::size_t at = expected.empty() ? 0 : below(expected.size());
    switch (below(8)) {
      case 0:
      case 1:
      case 2:
        array.push_back(long_text(step));
        expected.push_back(long_text(step));
        break;
      case 3:
        array.insert(at, long_text(step));
        expected.insert(expected.begin() + static_cast<std::ptrdiff_t>(at), long_text(step));
        break;
      case 4:
        if (expected.empty()) break;
        array.erase(at);
        expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 5: {
        const std::size_t size = below(2 * expected.size() + 2);
        array.resize(size);
        expected.resize(size);
        break;
      }
      case 6:
        if (expected.empty()) break;
        array.push_back(array[at]);  // an element of its own, also where it grows
        expected.push_back(std::string(expected[at]));
        break;
      default:
        array.erase_if([](const std::string& text) { return text.size() % 3 == 0; });
        std::erase_if(expected, [](const std::string& text) { return text.size() % 3 == 0; });
    }
    REQUIRE(array.size() == expected.size());
    REQUIRE(array.empty() == expected.empty());
    REQUIRE(std::equal(array.begin(), array.end(), expected.begin(), expected.end()));
  }
}

TEST_CASE("copies are independent, moves take everything") {
  dynamic_array<std::string> first{long_text(1), long_text(2)};
  dynamic_array<std::string> second(first);
  REQUIRE(second == first);
  second[0] = "changed";
  REQUIRE(first[0] == long_text(1));
  REQUIRE_FALSE(second == first);
  const dynamic_array<std::string> taken(std::move(second));
  REQUIRE(second.empty());
  REQUIRE(taken[0] == "changed");
  first = taken;
  REQUIRE(first == taken);
  first = dynamic_array<std::string>();
  REQUIRE(first.empty());
  REQUIRE(dynamic_array<int>(3) == dynamic_array<int>{0, 0, 0});
}

TEST_CASE("every element is destroyed once") {
  {
    dynamic_array<counted> array;
    for (int i = 0; i < 100; ++i) array.emplace_back(i);
    REQUIRE(counted::alive == 100);
    array.erase_if([](const counted& each) { return each.value % 2 == 0; });
    REQUIRE(counted::alive == 50);
    array.erase(0);
    array.insert(3, counted(7));
    array.pop_back();
    REQUIRE(counted::alive == 49);
    const dynamic_array<counted> copy(array);
    REQUIRE(counted::alive == 98);
    array.clear();
    REQUIRE(counted::alive == 49);
  }
  REQUIRE(counted::alive == 0);
}

TEST_CASE("an array holds what can only be moved") {
  dynamic_array<std::unique_ptr<int>> array;
  for (int i = 0; i < 10; ++i) array.insert(0, std::make_unique<int>(i));
  REQUIRE(*array.front() == 9);
  REQUIRE(*array.back() == 0);
}

#if STRATA_EXCEPTIONS
TEST_CASE("an array that is larger than memory is refused, whatever the product of its sizes") {
  dynamic_array<std::uint64_t> array;
  REQUIRE_THROWS_AS(array.reserve(SIZE_MAX), std::bad_alloc);
  REQUIRE_THROWS_AS(array.reserve(SIZE_MAX / 8 + 2), std::bad_alloc);
  REQUIRE(array.empty());
}
#endif
