#include "test.hpp"

#include <memory>
#include <type_traits>

#include <strata/core/result.hpp>

using strata::errc;
using strata::error;
using strata::result;

static_assert(std::is_nothrow_move_constructible_v<result<std::string>>);
static_assert(std::is_move_constructible_v<result<std::unique_ptr<int>>>);
static_assert(!std::is_copy_constructible_v<result<std::unique_ptr<int>>>);
static_assert(std::is_copy_constructible_v<result<void>>);
static_assert(!std::is_convertible_v<result<int>, bool>, "a result is no condition by accident");

namespace {

// Counts those alive, to see that a result destroys what it holds, once.
struct counted {
  explicit counted(int& alive) : alive_(&alive) { ++*alive_; }
  counted(const counted& other) : alive_(other.alive_) { ++*alive_; }
  counted(counted&& other) noexcept : alive_(other.alive_) { ++*alive_; }
  counted& operator=(const counted&) = default;
  ~counted() { --*alive_; }
  int* alive_;
};

result<int> parse(bool good) {
  if (!good) return error(errc::decode_failed, "parse");
  return 7;
}

result<std::string> twice(bool good) {
  STRATA_TRY_LET(number, parse(good));
  number *= 2;
  return std::to_string(number);
}

result<void> ignore_value(bool good, bool& reached) {
  STRATA_TRY(parse(good));
  STRATA_TRY(twice(true));
  reached = true;
  return {};
}

}  // namespace

TEST_CASE("a result holds a value or an error", "[core][result]") {
  result<std::string> good = "text";
  REQUIRE(good);
  CHECK(good.has_value());
  CHECK(*good == "text");
  CHECK(good->size() == 4);
  CHECK(good.value() == "text");
  good.value() += "!";
  CHECK(*good == "text!");

  const result<std::string> bad = error(errc::no_space, "append");
  CHECK_FALSE(bad);
  CHECK_FALSE(bad.has_value());
  CHECK(bad.error() == errc::no_space);
  CHECK(bad.value_or("other") == "other");
  CHECK(good.value_or("other") == "text!");
  CHECK(result<std::string>("moved").value_or("other") == "moved");

  CHECK(result<int>().value() == 0);
  CHECK(result<void>().has_value());
  CHECK_FALSE(result<void>(error(errc::closed)).has_value());
}

TEST_CASE("a result moves and copies what it holds and destroys it once", "[core][result]") {
  int alive = 0;
  {
    result<counted> a = counted(alive);
    CHECK(alive == 1);
    result<counted> b = a;
    result<counted> c = std::move(a);
    CHECK(alive == 3);
    b = error(errc::conflict);
    CHECK(alive == 2);
    CHECK(b.error() == errc::conflict);
    b = c;
    CHECK(alive == 3);
    REQUIRE(b);
    auto& self = b;
    b = self;
    CHECK(alive == 3);
    b = std::move(self);
    CHECK(alive == 3);
    c = result<counted>(error(errc::closed));
    b = c;
    CHECK(b.error() == errc::closed);
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

TEST_CASE("a value that only moves goes in and out", "[core][result]") {
  result<std::unique_ptr<int>> held = std::make_unique<int>(5);
  std::unique_ptr<int> out = std::move(held).value();
  CHECK(*out == 5);
  result<std::unique_ptr<int>> again = std::move(out);
  CHECK(**again == 5);
}

TEST_CASE("a result of an optional tells absence from failure", "[core][result]") {
  const result<std::optional<int>> absent = std::optional<int>();
  REQUIRE(absent);
  CHECK_FALSE(absent->has_value());
  const result<std::optional<int>> there = 3;
  CHECK(there.value() == 3);
}

TEST_CASE("STRATA_TRY passes errors on and goes on without", "[core][result]") {
  CHECK(twice(true).value() == "14");
  CHECK(twice(false).error() == errc::decode_failed);
  CHECK(std::string(twice(false).error().operation()) == "parse");
  bool reached = false;
  CHECK_FALSE(ignore_value(false, reached));
  CHECK_FALSE(reached);
  CHECK(ignore_value(true, reached));
  CHECK(reached);
}

TEST_CASE("and_then, transform and or_else chain", "[core][result]") {
  const auto half = [](int number) -> result<int> {
    if (number % 2 != 0) return error(errc::invalid_argument);
    return number / 2;
  };
  CHECK(parse(true).transform([](int n) { return n + 1; }).and_then(half).value() == 4);
  CHECK(parse(true).and_then(half).error() == errc::invalid_argument);
  CHECK(parse(false).and_then(half).error() == errc::decode_failed);
  CHECK(parse(false).transform([](int n) { return n + 1; }).error() == errc::decode_failed);
  CHECK(parse(false).or_else([](error) -> result<int> { return 1; }).value() == 1);
  CHECK(parse(true).or_else([](error) -> result<int> { return 1; }).value() == 7);

  int calls = 0;
  result<void> counted_call = parse(true).transform([&](int) { ++calls; });
  CHECK(counted_call);
  CHECK(std::move(counted_call).and_then([&]() -> result<int> { return ++calls; }).value() == 2);
  CHECK(result<void>().transform([&] { return 9; }).value() == 9);
  CHECK(result<void>().transform([&] { ++calls; }));
  CHECK(calls == 3);
  const result<void> failed = error(errc::closed);
  CHECK(result<void>(failed).transform([&] { ++calls; }).error() == errc::closed);
  CHECK(result<void>(failed).and_then([&]() -> result<int> { return ++calls; }).error() == errc::closed);
  CHECK(result<void>(failed).or_else([](error) -> result<void> { return {}; }));
  CHECK(calls == 3);
}

#if STRATA_EXCEPTIONS
TEST_CASE("the value of a failed result throws its error", "[core][result]") {
  try {
    static_cast<void>(parse(false).value());
    FAIL("nothing was thrown");
  } catch (const strata::exception& caught) {
    CHECK(caught.error() == errc::decode_failed);
  }
  CHECK_THROWS_AS(result<void>(error(errc::closed)).value(), strata::exception);
  CHECK_NOTHROW(result<void>().value());
}
#endif
