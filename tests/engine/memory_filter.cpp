#include "test.hpp"

#include <strata/engine/memory_filter.hpp>

using strata::hash64;
using strata::engine::memory_filter;

TEST_CASE("a memory filter lets every key pass that was added, and few others", "[engine][memory_filter]") {
  constexpr std::uint64_t memtable_bytes = std::uint64_t{64} << 20;
  constexpr int keys = 400'000;
  memory_filter filter(memory_filter::bytes_for(memtable_bytes));
  const auto key_of = [](int i) { return "key " + std::to_string(i); };
  int passed = 0;
  for (int i = 0; i < keys; ++i) passed += filter.may_contain(hash64(key_of(i))) ? 1 : 0;
  CHECK(passed == 0);
  for (int i = 0; i < keys; ++i) filter.add(key_of(i));
  int lost = 0;
  for (int i = 0; i < keys; ++i) lost += filter.may_contain(hash64(key_of(i))) ? 0 : 1;
  CHECK(lost == 0);
  for (int i = keys; i < 2 * keys; ++i) passed += filter.may_contain(hash64(key_of(i))) ? 1 : 0;
  CHECK(passed > 0);
  CHECK(passed < keys / 25);
}

TEST_CASE("a memory filter of nothing lets every key pass, one of a word every key that was added", "[engine][memory_filter]") {
  memory_filter none;
  none.add("a");
  CHECK(none.may_contain(hash64("a")));
  CHECK(none.may_contain(hash64("b")));
  memory_filter small(8);
  for (int i = 0; i < 100; ++i) {
    const std::string key = std::to_string(i);
    small.add(key);
    CHECK(small.may_contain(hash64(key)));
  }
}
