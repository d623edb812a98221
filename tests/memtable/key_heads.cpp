#include "test.hpp"

#include <strata/memtable/key_heads.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace strata;
using memtable::key_heads;

namespace {

// How many different heads those of `keys` have that begin with `prefix`, when heads were learned from the first 64 of all.
std::size_t heads_of(const std::vector<std::string>& keys, std::string_view prefix) {
  std::vector<std::string> first(keys.begin(), keys.begin() + 64);
  std::sort(first.begin(), first.end());
  key_heads::sample sample;
  for (const std::string& key : first) sample.add(key);
  key_heads heads;
  CHECK_FALSE(heads.are_known());
  CHECK(heads.of(keys[0]) == 0);
  heads.learn(sample);
  CHECK(heads.are_known());
  std::vector<std::string> all = keys;
  std::sort(all.begin(), all.end());
  std::vector<std::uint64_t> seen;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0) CHECK(heads.of(all[i - 1]) <= heads.of(all[i]));
    if (all[i].substr(0, prefix.size()) == prefix) seen.push_back(heads.of(all[i]));
  }
  return static_cast<std::size_t>(std::unique(seen.begin(), seen.end()) - seen.begin());
}

std::string numbered(std::size_t number) {
  const std::string digits = std::to_string(number);
  return std::string(16 - digits.size(), '0') + digits;
}

}  // namespace

TEST_CASE("heads tell keys apart that differ behind what they have in common", "[memtable][key_heads]") {
  std::vector<std::string> in_order, shuffled, text;
  for (std::size_t i = 0; i < 5'000; ++i) {
    in_order.push_back("\x01\x05" + numbered(i));
    shuffled.push_back("\x01\x05" + numbered(i * 7'919 % 5'000));
    text.push_back("\x01\x05user/" + std::to_string(i * 0x9E3779B97F4A7C15u));
  }
  CHECK(heads_of(in_order, "\x01\x05") == 5'000);
  CHECK(heads_of(shuffled, "\x01\x05") == 5'000);
  CHECK(heads_of(text, "\x01\x05") > 4'900);
}

TEST_CASE("heads tell the keys of a store apart, whatever few keys of another kind came first", "[memtable][key_heads]") {
  for (const std::size_t others : {1u, 3u, 20u}) {
    INFO(others << " others");
    for (const std::string_view other : {"\x00\x01", "\x02\x01"}) {
      std::vector<std::string> keys;
      for (std::size_t i = 0; i < others; ++i) keys.push_back(std::string(other.data(), 2) + "name " + std::to_string(i));
      for (std::size_t i = 0; i < 3'000; ++i) keys.push_back("\x01\x05" + numbered(i * 7'919 % 3'000));
      CHECK(heads_of(keys, "\x01\x05") == 3'000);
    }
  }
}

TEST_CASE("heads tell keys apart also behind many versions of one", "[memtable][key_heads]") {
  std::vector<std::string> keys(64, "\x01\x05 counter of all visits");
  for (std::size_t i = 0; i < 1'000; ++i) keys.push_back("\x01\x05" + std::to_string(i * 7'919));
  CHECK(heads_of(keys, "\x01\x05") > 500);
}

TEST_CASE("heads of keys that are shorter than one, or empty, or equal, keep their order", "[memtable][key_heads]") {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < 200; ++i) keys.push_back(std::string(i % 12, static_cast<char>('a' + i % 3)));
  CHECK(heads_of(keys, "") > 10);
  CHECK(heads_of(std::vector<std::string>(100, "same"), "same") == 1);
  CHECK(heads_of(std::vector<std::string>(100, ""), "") == 1);
}
