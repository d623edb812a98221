#include "test.hpp"

#include <limits>

#include <strata/core/coding.hpp>

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

std::string hex(strata::bytes_view bytes) {
  std::string text;
  for (char byte : bytes) {
    text.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) >> 4]);
    text.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) & 15]);
  }
  return text;
}

std::string varint_bytes(std::uint64_t value) {
  strata::byte_string out;
  strata::append_varint(out, value);
  return out;
}

// What a reader makes of `bytes` as one varint; empty where it refuses.
std::optional<std::uint64_t> read_varint(strata::bytes_view bytes) {
  strata::byte_reader reader(bytes);
  const std::uint64_t value = reader.varint();
  if (!reader.complete()) return std::nullopt;
  return value;
}

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

}  // namespace

TEST_CASE("fixed integers lie little-endian", "[core][coding]") {
  strata::byte_string out;
  strata::append_fixed(out, std::uint8_t{0xAB});
  strata::append_fixed(out, std::uint16_t{0x1234});
  strata::append_fixed(out, std::uint32_t{0x89ABCDEF});
  strata::append_fixed(out, std::uint64_t{0x0123456789ABCDEF});
  CHECK(hex(out) == "ab3412efcdab89efcdab8967452301");

  strata::byte_reader reader(out);
  CHECK(reader.fixed<std::uint8_t>() == 0xAB);
  CHECK(reader.fixed<std::uint16_t>() == 0x1234);
  CHECK(reader.fixed<std::uint32_t>() == 0x89ABCDEF);
  CHECK(reader.fixed<std::uint64_t>() == 0x0123456789ABCDEF);
  CHECK(reader.complete());
}

TEST_CASE("fixed integers are read at any alignment", "[core][coding]") {
  char buffer[24] = {};
  for (std::size_t offset = 0; offset < 16; ++offset) {
    strata::store_fixed(buffer + offset, std::uint64_t{0xFEDCBA9876543210});
    CHECK(strata::load_fixed<std::uint64_t>(buffer + offset) == 0xFEDCBA9876543210);
  }
}

TEST_CASE("varints are frozen", "[core][coding]") {
  CHECK(hex(varint_bytes(0)) == "00");
  CHECK(hex(varint_bytes(1)) == "01");
  CHECK(hex(varint_bytes(127)) == "7f");
  CHECK(hex(varint_bytes(128)) == "8001");
  CHECK(hex(varint_bytes(300)) == "ac02");
  CHECK(hex(varint_bytes(16383)) == "ff7f");
  CHECK(hex(varint_bytes(16384)) == "808001");
  CHECK(hex(varint_bytes(0xFFFFFFFF)) == "ffffffff0f");
  CHECK(hex(varint_bytes(largest)) == "ffffffffffffffffff01");
}

TEST_CASE("every varint is read back, and its length is known beforehand", "[core][coding]") {
  generator next{1};
  for (int round = 0; round < 20'000; ++round) {
    const std::uint64_t value = next() >> (next() % 64);
    const std::string bytes = varint_bytes(value);
    if (read_varint(bytes) != value || strata::varint_length(value) != bytes.size()) FAIL("value " << value);
  }
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (std::uint64_t value : {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1}) {
      CHECK(read_varint(varint_bytes(value)) == value);
      CHECK(varint_bytes(value).size() == strata::varint_length(value));
    }
  }
  CHECK(varint_bytes(largest).size() == strata::varint_bytes_max);
}

TEST_CASE("a varint that is cut, over-long or over 64 bits is refused", "[core][coding]") {
  CHECK_FALSE(read_varint(""));
  const std::string whole = varint_bytes(largest);
  for (std::size_t length = 0; length < whole.size(); ++length) CHECK_FALSE(read_varint(whole.substr(0, length)));
  CHECK_FALSE(read_varint(strata::bytes_view("\x80\x00", 2)));               // zero in two bytes
  CHECK_FALSE(read_varint(strata::bytes_view("\xFF\x00", 2)));               // 127 in two bytes
  CHECK_FALSE(read_varint(strata::bytes_view("\x80\x80\x80\x00", 4)));       // zero in four bytes
  CHECK_FALSE(read_varint("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02"));      // bit 64
  CHECK_FALSE(read_varint("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"));      // bits above 64
  CHECK_FALSE(read_varint("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x81\x01"));  // eleven bytes
  CHECK_FALSE(read_varint(std::string(1000, '\xFF')));
}

TEST_CASE("each sequence of bytes that is read as a varint is the one that is written", "[core][coding]") {
  // A third of all there are of up to three bytes: reading and writing are inverse to each other.
  for (std::uint32_t number = 0; number < (1U << 24); number += 3) {
    char bytes[4];
    strata::store_fixed(bytes, number);
    for (std::size_t length = 1; length <= 3; ++length) {
      strata::byte_reader reader({bytes, length});
      const std::uint64_t value = reader.varint();
      if (!reader.ok()) continue;
      char again[strata::varint_bytes_max];
      const char* const end = strata::store_varint(again, value);
      if (strata::bytes_view(again, static_cast<std::size_t>(end - again)) !=
          strata::bytes_view(bytes, reader.position()))
        FAIL("bytes " << hex({bytes, length}));
    }
  }
}

TEST_CASE("sized bytes are read back, and a size past the end is refused", "[core][coding]") {
  strata::byte_string out;
  strata::append_sized(out, "");
  strata::append_sized(out, "abc");
  strata::append_sized(out, std::string(300, 'x'));
  CHECK(hex(strata::bytes_view(out).substr(0, 7)) == "0003616263ac02");
  strata::byte_reader reader(out);
  CHECK(reader.sized().empty());
  CHECK(reader.sized() == "abc");
  CHECK(reader.sized() == std::string(300, 'x'));
  CHECK(reader.complete());

  strata::byte_reader cut(strata::bytes_view(out).substr(0, out.size() - 1));
  static_cast<void>(cut.sized());
  static_cast<void>(cut.sized());
  CHECK(cut.ok());
  CHECK(cut.sized().empty());
  CHECK_FALSE(cut.ok());

  // A length near 2^64 must not wrap around.
  for (std::uint64_t length : {std::uint64_t{4}, std::uint64_t{1} << 32, largest - 2, largest}) {
    const std::string bytes = varint_bytes(length) + "abc";
    strata::byte_reader hostile(bytes);
    CHECK(hostile.sized().empty());
    CHECK_FALSE(hostile.ok());
  }
}

TEST_CASE("after a read that failed every read fails", "[core][coding]") {
  strata::byte_reader reader("abcdef");
  CHECK(reader.fixed<std::uint16_t>() == 0x6261);
  CHECK(reader.position() == 2);
  CHECK(reader.remaining() == 4);
  CHECK(reader.rest() == "cdef");
  CHECK(reader.fixed<std::uint64_t>() == 0);
  CHECK_FALSE(reader.ok());
  CHECK_FALSE(reader.complete());
  CHECK(reader.remaining() == 0);
  CHECK(reader.fixed<std::uint8_t>() == 0);
  CHECK(reader.varint() == 0);
  CHECK(reader.bytes(1).empty());
  CHECK(reader.sized().empty());
  CHECK_FALSE(reader.ok());
}

TEST_CASE("a reader with bytes left is not complete", "[core][coding]") {
  strata::byte_reader reader("ab");
  CHECK(reader.bytes(1) == "a");
  CHECK(reader.ok());
  CHECK_FALSE(reader.complete());
  CHECK(reader.bytes(0).empty());
  CHECK(reader.bytes(1) == "b");
  CHECK(reader.complete());
  reader.fail();
  CHECK_FALSE(reader.complete());
}

TEST_CASE("an empty input is complete and gives nothing", "[core][coding]") {
  strata::byte_reader reader{strata::bytes_view()};
  CHECK(reader.complete());
  CHECK(reader.bytes(0).empty());
  CHECK(reader.complete());
  CHECK(reader.fixed<std::uint8_t>() == 0);
  CHECK_FALSE(reader.ok());
}

TEST_CASE("random bytes never make a reader leave its input", "[core][coding]") {
  generator next{7};
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(next() % 24, '\0');
    for (char& byte : bytes) byte = static_cast<char>(next() | (next() & 0x80));
    // On the heap and of exactly that size, so that a sanitizer sees a step too far.
    const std::vector<char> exact(bytes.begin(), bytes.end());
    strata::byte_reader reader({exact.data(), exact.size()});
    while (reader.ok() && reader.remaining() > 0) {
      const std::size_t before = reader.position();
      switch (next() % 4) {
        case 0:
          static_cast<void>(reader.varint());
          break;
        case 1:
          static_cast<void>(reader.sized());
          break;
        case 2:
          static_cast<void>(reader.fixed<std::uint32_t>());
          break;
        default:
          static_cast<void>(reader.bytes(1 + next() % 4));
          break;
      }
      REQUIRE(reader.position() > before);
      REQUIRE(reader.position() + reader.remaining() == exact.size());
    }
  }
}

TEST_CASE("the common prefix of two byte strings ends where they differ or one ends", "[core][bytes]") {
  CHECK(strata::common_prefix_length("", "") == 0);
  CHECK(strata::common_prefix_length("abc", "") == 0);
  CHECK(strata::common_prefix_length("abc", "abc") == 3);
  CHECK(strata::common_prefix_length("abcd", "abxd") == 2);
  CHECK(strata::common_prefix_length("abc", "abcde") == 3);
  using namespace strata::literals;
  static_assert(3_KiB == 3072 && 2_MiB == 2097152 && 4_GiB == 4294967296);
}
