#include "test.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include <strata/core/coding.hpp>
#include <strata/core/hash.hpp>

namespace {

// splitmix64: a seed, a stream.
struct generator {
  std::uint64_t state;
  std::uint64_t operator()() {
    std::uint64_t z = (state += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
};

std::string random_bytes(std::size_t size, generator& next) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(next());
  return bytes;
}

// Pairs among n hashes that share the 32 bits above `shift`. For n = 10^6 random ones n^2 / 2^33 = 116 are expected,
// with a standard deviation of 11.
std::size_t collisions_32(const std::vector<std::uint64_t>& hashes, int shift) {
  std::vector<std::uint32_t> parts;
  parts.reserve(hashes.size());
  for (std::uint64_t hash : hashes) parts.push_back(static_cast<std::uint32_t>(hash >> shift));
  std::sort(parts.begin(), parts.end());
  std::size_t count = 0;
  for (std::size_t i = 1; i < parts.size(); ++i) count += parts[i] == parts[i - 1];
  return count;
}

// Chi-squared of eight bits of the hashes, counted from bit `shift`. 255 expected, standard deviation 22.6.
double byte_chi_squared(const std::vector<std::uint64_t>& hashes, int shift) {
  double counts[256] = {};
  for (std::uint64_t hash : hashes) counts[(hash >> shift) & 0xFF] += 1;
  const double expected = static_cast<double>(hashes.size()) / 256;
  double sum = 0;
  for (double count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

void check_spread(std::vector<std::uint64_t> hashes) {
  for (int shift : {0, 8, 16, 24, 32}) CHECK(collisions_32(hashes, shift) < 116 + 60);
  for (int shift : {0, 28, 56}) CHECK(byte_chi_squared(hashes, shift) < 255 + 6 * 22.6);
  std::sort(hashes.begin(), hashes.end());
  CHECK(std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end());
}

}  // namespace

// From the description at the top of hash.hpp, computed with exact integers in another language. These may never
// change.
TEST_CASE("hash64 is frozen", "[core][hash]") {
  struct golden {
    std::size_t length;
    std::uint64_t unseeded;
    std::uint64_t seeded;
  };
  constexpr golden values[] = {
      {0, 0xF290CA7F2B561A7D, 0xEEE2215CB6492E6E},   {1, 0x53C54E3B473EDD93, 0x224551456E0D0F69},
      {2, 0x8ACCB747C98977B0, 0x0F62BEC9CB70293A},   {3, 0xDD1D027992853FAC, 0x90CC0F339518AC7C},
      {4, 0xC74824A4AB256C7E, 0x6660F98AE723F600},   {7, 0xEFEAD6B31A3C780D, 0xFDF1524DD4A34645},
      {8, 0x6ADED94BD1219F16, 0x3BD78C58D815BE26},   {9, 0x8039283F9DA1D983, 0x199A2EDAB95E8425},
      {15, 0xEFF881CA35C3CD26, 0x1E57B099EE4EDD24},  {16, 0x13D7F14BE0F2CE88, 0x92B9DB0505C4547E},
      {17, 0x4760BC12D4151574, 0x1F9C0B7923B0DE1F},  {24, 0x4FE55A4F39E9714B, 0x3DB59E1BBD55DD53},
      {31, 0xB5B592988DBB904F, 0xACCBBD750AB2E732},  {32, 0xB14A637096A1F70D, 0xDA36401B763EFDF7},
      {33, 0x0043F869E57660CC, 0xE5752972D5D9E174},  {48, 0xECF265E8DC7CEB41, 0xE5D1F3C2B3AC59E3},
      {63, 0x87EE796BF30E9866, 0xDCC3BDBA4CF7E8C0},  {64, 0x9E5A838246106E9F, 0x386A6345DD2E0E6C},
      {65, 0xF0A95A43AAEB7DC6, 0x14AD234CB66B2B90},  {80, 0x0B41FF26698260CD, 0x52B222806DB98BFF},
      {100, 0x0CFDBC32560B88D5, 0x76DCCF474DC7B9C6}, {127, 0x8AB4DE585990D3FF, 0xADC856C1CA8D4E4F},
      {128, 0x295DDA2AF6FF8443, 0x384909773A8A2EC0}, {129, 0xC8A6BBCBEC605EB3, 0xF8384FCF1942B83A},
      {192, 0x6833F33DFCBD175C, 0x787C0D9CE55ED97C}, {193, 0x7B724186095C781A, 0xC4283982E9D8275B},
      {255, 0x42BBA147D038C85E, 0x63D837DF0D71F002}, {300, 0xBF049DFF533AB11C, 0x12A1A98576438588},
  };
  std::string bytes;
  for (unsigned i = 0; i < 300; ++i) bytes.push_back(static_cast<char>(static_cast<unsigned char>(i * 7 + 1)));
  for (const golden& expected : values) {
    INFO("length " << expected.length);
    const auto part = std::string_view(bytes).substr(0, expected.length);
    CHECK(strata::hash64(part) == expected.unseeded);
    CHECK(strata::hash64(part, 0x123456789ABCDEF0) == expected.seeded);
  }
}

TEST_CASE("the hash depends on the bytes and not on where they lie", "[core][hash]") {
  generator next{1};
  for (std::size_t length = 0; length < 200; ++length) {
    const std::string bytes = random_bytes(length, next);
    const std::uint64_t expected = strata::hash64(bytes, 5);
    for (std::size_t offset = 0; offset < 16; ++offset) {
      const std::string moved = std::string(offset, 'x') + bytes + "y";
      if (strata::hash64(std::string_view(moved).substr(offset, length), 5) != expected) FAIL("length " << length);
    }
  }
}

TEST_CASE("every bit of the input and of the seed flips half of the hash", "[core][hash]") {
  generator next{2};
  constexpr int rounds = 1500;
  for (std::size_t length : {1U, 3U, 4U, 7U, 8U, 12U, 16U, 17U, 24U, 32U, 33U, 64U, 65U, 81U, 130U}) {
    INFO("length " << length);
    // A bit in each region of the input, and one of the seed.
    const std::size_t step = length > 16 ? 5 : 1;
    double worst_bit = 0;
    double worst_mean = 0;
    for (std::size_t bit = 0; bit < 8 * length + 64; bit += step) {
      int flips[64] = {};
      int total = 0;
      for (int round = 0; round < rounds; ++round) {
        std::string bytes = random_bytes(length, next);
        std::uint64_t seed = next();
        const std::uint64_t before = strata::hash64(bytes, seed);
        if (bit < 8 * length) {
          bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
        } else {
          seed ^= std::uint64_t{1} << (bit - 8 * length);
        }
        const std::uint64_t changed = before ^ strata::hash64(bytes, seed);
        total += std::popcount(changed);
        for (int i = 0; i < 64; ++i) flips[i] += static_cast<int>((changed >> i) & 1);
      }
      worst_mean = (std::max)(worst_mean, std::abs(total / (64.0 * rounds) - 0.5));
      for (int count : flips) worst_bit = (std::max)(worst_bit, std::abs(count / double{rounds} - 0.5));
    }
    // Standard deviations: 0.5 / sqrt(rounds) = 0.0129 for a bit, an eighth of that for the mean.
    CHECK(worst_bit < 6 * 0.0129);
    CHECK(worst_mean < 6 * 0.0129 / 8);
  }
}

TEST_CASE("a million keys that look alike spread as random numbers do", "[core][hash]") {
  constexpr std::uint64_t count = 1'000'000;
  std::vector<std::uint64_t> hashes(count);
  SECTION("eight bytes, little-endian") {
    for (std::uint64_t i = 0; i < count; ++i) {
      char key[8];
      strata::store_fixed(key, i);
      hashes[i] = strata::hash64({key, 8});
    }
    check_spread(hashes);
  }
  SECTION("sixteen bytes, the number in the upper half of a big-endian key") {
    for (std::uint64_t i = 0; i < count; ++i) {
      char key[16] = {};
      for (std::size_t byte = 0; byte < 8; ++byte)
        key[byte] = static_cast<char>(static_cast<unsigned char>(i >> (56 - 8 * byte)));
      hashes[i] = strata::hash64({key, 16});
    }
    check_spread(hashes);
  }
  SECTION("text") {
    for (std::uint64_t i = 0; i < count; ++i) hashes[i] = strata::hash64("user:profile:" + std::to_string(i) + ":name");
    check_spread(hashes);
  }
  SECTION("one empty key under a million seeds") {
    for (std::uint64_t i = 0; i < count; ++i) hashes[i] = strata::hash64("", i);
    check_spread(hashes);
  }
  SECTION("two bits set among a hundred bytes of zeros, and lengths of zeros") {
    hashes.clear();
    std::string key(100, '\0');
    for (std::size_t a = 0; a < 800; ++a) {
      key[a / 8] = static_cast<char>(key[a / 8] ^ (1 << (a % 8)));
      for (std::size_t b = a + 1; b < 800; ++b) {
        key[b / 8] = static_cast<char>(key[b / 8] ^ (1 << (b % 8)));
        hashes.push_back(strata::hash64(key));
        key[b / 8] = static_cast<char>(key[b / 8] ^ (1 << (b % 8)));
      }
      key[a / 8] = static_cast<char>(key[a / 8] ^ (1 << (a % 8)));
    }
    const std::string zeros(4096, '\0');
    for (std::size_t length = 0; length <= zeros.size(); ++length)
      hashes.push_back(strata::hash64({zeros.data(), length}));
    check_spread(hashes);
  }
}

TEST_CASE("a factor of zero does not hide the rest of the input", "[core][hash]") {
  // The first word equals the constant it is mixed with, in every lane and in the last step.
  for (std::size_t length : {16U, 32U, 80U, 128U}) {
    generator next{3};
    std::string bytes(length, '\0');
    for (std::size_t at = 0; at < length; at += 16)
      strata::store_fixed(&bytes[at], strata::detail::hash_key[length > 64 ? (at / 16) % 4 : 0]);
    std::vector<std::uint64_t> hashes;
    for (int i = 0; i < 1000; ++i) hashes.push_back(strata::hash64(bytes, next()));
    std::sort(hashes.begin(), hashes.end());
    CHECK(std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end());
  }
}
