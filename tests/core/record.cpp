#include "test.hpp"

#include <strata/core/record.hpp>

namespace {

using namespace strata;

constexpr record_file_identity mine{"STRATWAL", 0x0102030405060708, 42};

std::string hex(bytes_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    text += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::string stored_header(const record_header& header, std::uint64_t offset, std::uint32_t seed) {
  std::string bytes(record_header_bytes, '\xEE');
  store_record_header(bytes.data(), header, offset, seed);
  return bytes;
}

record_header sample() {
  record_header header;
  header.type = record_type::payload;
  header.length = 5;
  header.promised = 40;
  header.previous = 0xAABBCCDD;
  header.payload_checksum = 0x01020304;
  return header;
}

}  // namespace

TEST_CASE("record: the file header is these bytes for ever") {
  char bytes[record_file_header_bytes];
  const std::uint32_t chain = store_record_file_header(bytes, mine, 0x1122334455667788);
  CHECK(hex(bytes_view(bytes, sizeof bytes)) ==
        "535452415457414c010000008b675ccd08070605040302012a000000000000008877665544332211");
  CHECK(chain == load_fixed<std::uint32_t>(bytes + 12));
  CHECK(record_file_seed(mine) == 0x2b573d50);
}

TEST_CASE("record: the record header is these bytes for ever") {
  const std::uint32_t seed = record_file_seed(mine);
  record_header header = sample();
  CHECK(hex(stored_header(header, 104, seed)) == "e7c0f9840500000021000000ddccbbaa04030201");
  header.type = record_type::seal;
  header.length = 0;
  CHECK(hex(stored_header(header, 104, seed)) == "a21d63e30000000022000000ddccbbaa04030201");
  header.type = record_type::promise;
  header.promised = 104;
  CHECK(hex(stored_header(header, 104, seed)) == "b47941e00000000003000000ddccbbaa04030201");
}

TEST_CASE("record: a header comes back as it was stored") {
  const std::uint32_t seed = record_file_seed(mine);
  for (const record_type type : {record_type::payload, record_type::seal, record_type::promise}) {
    for (const std::uint64_t promised : {std::uint64_t{0}, std::uint64_t{40}, std::uint64_t{1} << 20}) {
      record_header header = sample();
      header.type = type;
      header.length = type == record_type::payload ? static_cast<std::uint32_t>(record_payload_bytes_max) : 0;
      header.promised = promised;
      const std::string bytes = stored_header(header, 1 << 20, seed);
      record_header back;
      REQUIRE(load_record_header(bytes.data(), 1 << 20, seed, back));
      CHECK(back.type == header.type);
      CHECK(back.length == header.length);
      CHECK(back.promised == header.promised);
      CHECK(back.previous == header.previous);
      CHECK(back.payload_checksum == header.payload_checksum);
      CHECK(back.check == load_fixed<std::uint32_t>(bytes.data()));
    }
  }
}

TEST_CASE("record: a promise that is too far behind promises nothing, never more") {
  const std::uint32_t seed = record_file_seed(mine);
  const std::uint64_t farthest = std::uint64_t{record_behind_max - 1} * record_alignment;
  record_header header = sample();
  record_header back;
  const std::string near = stored_header(header, 40 + farthest, seed);
  REQUIRE(load_record_header(near.data(), 40 + farthest, seed, back));
  CHECK(back.promised == 40);
  const std::string far = stored_header(header, 48 + farthest, seed);
  REQUIRE(load_record_header(far.data(), 48 + farthest, seed, back));
  CHECK(back.promised == 0);
}

TEST_CASE("record: any changed bit of a header makes it no record") {
  const std::uint32_t seed = record_file_seed(mine);
  const std::string bytes = stored_header(sample(), 104, seed);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    record_header back;
    CHECK_FALSE(load_record_header(damaged.data(), 104, seed, back));
  }
}

TEST_CASE("record: bytes of another place, store, number or kind are no record") {
  const std::string bytes = stored_header(sample(), 104, record_file_seed(mine));
  record_header back;
  CHECK(load_record_header(bytes.data(), 104, record_file_seed(mine), back));
  CHECK_FALSE(load_record_header(bytes.data(), 112, record_file_seed(mine), back));
  CHECK_FALSE(load_record_header(bytes.data(), 104, record_file_seed({mine.magic, mine.store_id, 43}), back));
  CHECK_FALSE(load_record_header(bytes.data(), 104, record_file_seed({mine.magic, 1, mine.number}), back));
  CHECK_FALSE(load_record_header(bytes.data(), 104, record_file_seed({"STRATMAN", mine.store_id, mine.number}), back));
}

TEST_CASE("record: a header with a right check and impossible fields is no record") {
  const std::uint32_t seed = record_file_seed(mine);
  const auto rechecked = [&](std::uint32_t length, std::uint32_t behind_and_type) {
    std::string bytes = stored_header(sample(), 104, seed);
    store_fixed(bytes.data() + 4, length);
    store_fixed(bytes.data() + 8, behind_and_type);
    store_fixed(bytes.data(), detail::record_check(bytes.data(), 104, seed));
    record_header back;
    return load_record_header(bytes.data(), 104, seed, back);
  };
  const auto most = static_cast<std::uint32_t>(record_payload_bytes_max);
  CHECK(rechecked(most, 1 | 13 << 2));
  CHECK_FALSE(rechecked(most + 1, 1 | 13 << 2));  // too long
  CHECK_FALSE(rechecked(5, 1 | 14 << 2));         // promised before the file begins
  CHECK_FALSE(rechecked(5, 0 | 13 << 2));         // no type
  CHECK_FALSE(rechecked(0, 1 | 13 << 2));         // an empty payload
  CHECK_FALSE(rechecked(5, 2 | 13 << 2));         // a seal with a payload
  CHECK_FALSE(rechecked(5, 3 | 13 << 2));         // a promise with one
}

TEST_CASE("record: zeros are no record") {
  const std::string zeros(64, '\0');
  record_header back;
  for (std::uint64_t offset = 0; offset < 4096; offset += 8)
    CHECK_FALSE(load_record_header(zeros.data(), offset, record_file_seed(mine), back));
}

TEST_CASE("record: sizes are rounded up to the alignment") {
  CHECK(record_bytes(0) == 24);
  CHECK(record_bytes(4) == 24);
  CHECK(record_bytes(5) == 32);
  CHECK(record_bytes(130) == 152);
  CHECK(record_bytes(record_payload_bytes_max) == record_payload_bytes_max + 24);
}

TEST_CASE("record: a promise above the bar is found at any aligned place and nowhere else") {
  const std::uint32_t seed = record_file_seed(mine);
  record_header header = sample();
  header.promised = 96;
  for (std::size_t at = 0; at <= 200; ++at) {
    std::string bytes(220, '\x5A');
    const std::uint64_t offset = 1000 + at;
    if (offset % record_alignment != 0) continue;
    bytes.replace(at, record_header_bytes, stored_header(header, offset, seed));
    CHECK(holds_promise_above(88, bytes, 1000, seed));
    CHECK_FALSE(holds_promise_above(96, bytes, 1000, seed));
    CHECK_FALSE(holds_promise_above(88, bytes, 1008, seed));
    CHECK_FALSE(holds_promise_above(88, bytes_view(bytes).substr(0, at + record_header_bytes - 1), 1000, seed));
  }
}

TEST_CASE("record: the state of a file header is told apart") {
  char bytes[record_file_header_bytes];
  store_record_file_header(bytes, mine, 7);
  CHECK(inspect_record_file_header(bytes, mine) == record_file_header_state::intact);
  CHECK(inspect_record_file_header(bytes, {mine.magic, 9, mine.number}) == record_file_header_state::other_file);
  CHECK(inspect_record_file_header(bytes, {mine.magic, mine.store_id, 9}) == record_file_header_state::other_file);
  CHECK(inspect_record_file_header(bytes, {"STRATMAN", mine.store_id, mine.number}) ==
        record_file_header_state::other_kind);
  for (std::size_t bit = 0; bit < 8 * sizeof bytes; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    CHECK(inspect_record_file_header(bytes, mine) == record_file_header_state::damaged);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
  store_fixed(bytes + 8, record_format_version + 1);
  store_fixed(bytes + 12, record_file_header_checksum(bytes));
  CHECK(inspect_record_file_header(bytes, mine) == record_file_header_state::later_version);
}
