// Stored blocks: what one claims to hold is asked of its compression before there is memory for it.
#include "test.hpp"

#include <strata/sstable/stored_block.hpp>

using namespace strata;

namespace {

int decompressions = 0;

// Writes 'x'.
struct plain {
  static constexpr std::uint8_t id = 9;
  static compression::outcome decompress(bytes_view, char* to, std::size_t length) {
    ++decompressions;
    std::memset(to, 'x', length);
    return compression::outcome::done;
  }
};
// The same, which knows that it never holds more than ten bytes for one.
struct knowing : plain {
  static bool can_hold(bytes_view in, std::uint64_t length) { return length <= 10 * in.size(); }
};

template <typename Compression>
result<sstable::block_buffer> decompress(std::uint64_t length) {
  byte_string payload;
  append_varint(payload, length);
  payload += "1234";
  return sstable::decompress_block<Compression>({payload, Compression::id}, 77);
}

}  // namespace

TEST_CASE("a compression is asked whether a block can hold what it claims, before there is memory for it") {
  decompressions = 0;
  const auto refused = decompress<knowing>(sstable::block_bytes_max);
  REQUIRE(refused.error() == errc::corruption);
  REQUIRE(refused.error().offset() == 77);
  REQUIRE(decompress<knowing>(41).error() == errc::corruption);
  REQUIRE(decompressions == 0);
  REQUIRE(decompress<knowing>(40)->bytes() == byte_string(40, 'x'));
  REQUIRE(decompressions == 1);
}

TEST_CASE("a compression that can't know is not asked") {
  REQUIRE(decompress<plain>(41)->bytes() == byte_string(41, 'x'));
  REQUIRE(decompress<plain>(sstable::block_bytes_max + 1).error() == errc::corruption);
  REQUIRE(decompress<plain>(5).error() == errc::corruption);  // not more than its own bytes
}
