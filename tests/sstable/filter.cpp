#include "contract.hpp"

#include <strata/sstable/filter.hpp>

using namespace strata;
using namespace strata::testing;

namespace {

constexpr sstable::block_place place{1, 2, 3};

sstable::key_filter loaded(std::string payload) {
  sstable::append_block_trailer(payload, 0, 0, place);
  auto lines = std::make_unique<sstable::key_filter::line[]>(payload.size() / 64 + 1);
  std::memcpy(lines[0].bytes, payload.data(), payload.size());
  sstable::key_filter made;
  made.load(std::move(lines), payload.size(), place).value();
  return made;
}

template <typename Filter>
double false_positives(std::uint64_t keys) {
  dynamic_array<std::uint64_t> hashes;
  for (std::uint64_t i = 0; i < keys; ++i) hashes.push_back(hash64("user" + std::to_string(i)));
  std::string payload;
  Filter::append_to(payload, hashes);
  REQUIRE(payload.size() == Filter::bytes(keys));
  const sstable::key_filter filter = loaded(payload);
  for (const std::uint64_t hash : hashes)
    if (!filter.may_contain(hash)) FAIL("a key is denied");
  int passed = 0;
  for (std::uint64_t i = 0; i < 200'000; ++i)
    passed += filter.may_contain(hash64("absent" + std::to_string(i))) ? 1 : 0;
  return passed / 200'000.0;
}

}  // namespace

TEST_CASE("a filter passes every key, and of others as few as its bits promise") {
  REQUIRE(false_positives<filter::blocked_bloom<10>>(100'000) < 0.013);
  REQUIRE(false_positives<filter::blocked_bloom<8>>(100'000) < 0.032);
  REQUIRE(false_positives<filter::blocked_bloom<16>>(100'000) < 0.002);
  REQUIRE(false_positives<filter::blocked_bloom<40>>(100'000) < 0.0001);
  REQUIRE(false_positives<filter::blocked_bloom<1>>(1'000) < 0.9);
  REQUIRE(false_positives<filter::blocked_bloom<10>>(1) < 0.001);
}

TEST_CASE("a filter of no table passes everything") {
  REQUIRE(sstable::key_filter().may_contain(7));
  REQUIRE(filter::blocked_bloom<10>::bytes(0) == 0);
  REQUIRE(filter::none::bytes(9) == 0);
}

TEST_CASE("which bits a key sets is frozen") {
  std::string payload;
  filter::blocked_bloom<40>::append_to(payload, {0x0123456789ABCDEF});
  std::string bits;
  for (unsigned bit = 0; bit < 512; ++bit)
    if (((static_cast<unsigned char>(payload[bit / 8]) >> (bit % 8)) & 1) != 0) bits += std::to_string(bit) + " ";
  REQUIRE(bits == "22 51 53 74 76 101 110 113 116 138 158 183 262 273 348 362 396 450 463 465 493 503 507 ");
  REQUIRE(sstable::filter_line(0x8000000000000000, 10) == 5);
  REQUIRE(sstable::filter_line(0xFFFFFFFFFFFFFFFF, 10) == 9);
}

TEST_CASE("a filter of an unknown kind is of a later version, and impossible numbers are corruption") {
  std::string payload;
  filter::blocked_bloom<10>::append_to(payload, {1, 2, 3});
  const auto load = [](std::string bytes) {
    sstable::append_block_trailer(bytes, 0, 0, place);
    auto lines = std::make_unique<sstable::key_filter::line[]>(bytes.size() / 64 + 1);
    std::memcpy(lines[0].bytes, bytes.data(), bytes.size());
    sstable::key_filter made;
    return made.load(std::move(lines), bytes.size(), place);
  };
  REQUIRE(load(payload).has_value());
  std::string changed = payload;
  changed.back() = 2;
  REQUIRE(load(changed).error() == errc::unsupported_version);
  changed = payload;
  changed[changed.size() - 2] = 0;
  REQUIRE(load(changed).error() == errc::corruption);
  changed[changed.size() - 2] = 29;
  REQUIRE(load(changed).error() == errc::corruption);
  REQUIRE(load(payload.substr(1)).error() == errc::corruption);
  REQUIRE(load("x").error() == errc::corruption);
}
