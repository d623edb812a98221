#include <strata/core/ordering.hpp>

#include "test.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

using namespace strata;

namespace {

std::vector<std::uint64_t> some_numbers(std::uint64_t seed, std::size_t count, std::uint64_t bound) {
  std::vector<std::uint64_t> made;
  for (std::size_t i = 0; i < count; ++i)
    made.push_back(((seed = seed * 6364136223846793005u + 1442695040888963407u) >> 33) % bound);
  return made;
}

}  // namespace

TEST_CASE("sorting gives the order that std::sort gives, of few, many and equal elements") {
  for (std::size_t count = 0; count < 200; ++count) {
    for (const std::uint64_t bound : {2u, 10u, 1u << 30}) {
      std::vector<std::uint64_t> numbers = some_numbers(count + bound, count, bound);
      std::vector<std::uint64_t> expected = numbers;
      sort_ascending(numbers);
      std::sort(expected.begin(), expected.end());
      REQUIRE(numbers == expected);
      sort_by(numbers, [](std::uint64_t a, std::uint64_t b) { return a > b; });
      std::reverse(expected.begin(), expected.end());
      REQUIRE(numbers == expected);
    }
  }
}

TEST_CASE("sorting moves elements whole") {
  std::vector<std::string> texts;
  for (const std::uint64_t number : some_numbers(3, 1000, 500)) texts.push_back("a text beyond the short ones " + std::to_string(number));
  std::vector<std::string> expected = texts;
  sort_ascending(texts);
  std::sort(expected.begin(), expected.end());
  REQUIRE(texts == expected);
}

TEST_CASE("searching finds the first that is not in front, and what is there") {
  for (std::size_t count = 0; count < 60; ++count) {
    std::vector<std::uint64_t> numbers = some_numbers(count, count, 40);
    sort_ascending(numbers);
    for (std::uint64_t sought = 0; sought < 42; ++sought) {
      const auto at = std::lower_bound(numbers.begin(), numbers.end(), sought);
      REQUIRE(first_behind(numbers, [&](std::uint64_t each) { return each < sought; }) ==
              static_cast<std::size_t>(at - numbers.begin()));
      REQUIRE(contains_sorted(numbers, sought) == std::binary_search(numbers.begin(), numbers.end(), sought));
    }
  }
}
