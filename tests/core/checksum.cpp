#include "test.hpp"

#include <strata/core/checksum.hpp>

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

std::string random_bytes(std::size_t size, std::uint64_t seed) {
  generator next{seed};
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(next());
  return bytes;
}

// The definition, bit by bit.
std::uint32_t by_definition(std::string_view bytes, std::uint32_t before = 0) {
  std::uint32_t state = ~before;
  for (char byte : bytes) {
    state ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) ? 0x82F63B78U : 0U);
  }
  return ~state;
}

std::uint32_t portable(std::string_view bytes, std::uint32_t before = 0) {
  return ~strata::detail::crc32c_portable(bytes, ~before);
}

}  // namespace

TEST_CASE("crc32c gives the values of RFC 3720, appendix B.4", "[core][checksum]") {
  std::string ascending;
  std::string descending;
  for (int i = 0; i < 32; ++i) {
    ascending.push_back(static_cast<char>(i));
    descending.push_back(static_cast<char>(31 - i));
  }
  // An iSCSI read command.
  const unsigned char command[48] = {0x01, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                     0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
                                     0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
                                     0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
  const std::string read_command(std::begin(command), std::end(command));

  for (auto compute : {+[](std::string_view bytes) { return strata::crc32c(bytes); },
                       +[](std::string_view bytes) { return portable(bytes); }}) {
    CHECK(compute(std::string(32, '\0')) == 0x8A9136AA);
    CHECK(compute(std::string(32, '\xFF')) == 0x62A8AB43);
    CHECK(compute(ascending) == 0x46DD794E);
    CHECK(compute(descending) == 0x113FDB5C);
    CHECK(compute(read_command) == 0xD9963A56);
    CHECK(compute("123456789") == 0xE3069283);  // the check value of the catalogues
    CHECK(compute("") == 0);
  }
}

TEST_CASE("every way of computing crc32c agrees with its definition at every length and alignment",
          "[core][checksum]") {
  const std::string bytes = random_bytes(2200, 1);
  for (std::size_t length = 0; length <= 2100; ++length) {
    const std::string_view part = std::string_view(bytes).substr(length % 17, length);
    const std::uint32_t expected = by_definition(part);
    if (strata::crc32c(part) != expected || portable(part) != expected) FAIL("length " << length);
  }
  const std::string large = random_bytes(100'000, 2);
  generator next{3};
  for (int round = 0; round < 2000; ++round) {
    const std::size_t begin = next() % 64;
    const std::size_t length = next() % (large.size() - begin);
    const auto before = static_cast<std::uint32_t>(next());
    const std::string_view part = std::string_view(large).substr(begin, length);
    if (strata::crc32c(part, before) != portable(part, before)) FAIL("begin " << begin << ", length " << length);
  }
  CHECK(portable(large) == by_definition(large));
}

TEST_CASE("the checksum of a part continues that of the part before", "[core][checksum]") {
  const std::string bytes = random_bytes(9000, 4);
  const std::uint32_t whole = strata::crc32c(bytes);
  generator next{5};
  for (int round = 0; round < 300; ++round) {
    const std::size_t cut = next() % (bytes.size() + 1);
    const auto first = std::string_view(bytes).substr(0, cut);
    const auto second = std::string_view(bytes).substr(cut);
    if (strata::crc32c(second, strata::crc32c(first)) != whole) FAIL("cut at " << cut);
    if (portable(second, portable(first)) != whole) FAIL("cut at " << cut);
  }
}

TEST_CASE("a flipped bit, a swapped pair of bytes or an added zero changes the checksum", "[core][checksum]") {
  std::string bytes = random_bytes(600, 6);
  const std::uint32_t whole = strata::crc32c(bytes);
  int unnoticed = 0;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    unnoticed += strata::crc32c(bytes) == whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (bytes[i] == bytes[i + 1]) continue;
    std::swap(bytes[i], bytes[i + 1]);
    unnoticed += strata::crc32c(bytes) == whole;
    std::swap(bytes[i], bytes[i + 1]);
  }
  CHECK(unnoticed == 0);
  CHECK(strata::crc32c(bytes + '\0') != whole);
  CHECK(strata::crc32c('\0' + bytes) != whole);
  CHECK(strata::crc32c(std::string(1, '\0')) != strata::crc32c(std::string(2, '\0')));
}
