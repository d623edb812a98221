#include "engine/stores.hpp"

using namespace strata_tests;
using strata::engine::group_reader;
using strata::engine::logged_commit;
using strata::engine::write_batch;
using strata::engine::write_kind;
using strata::engine::write_reader;

namespace {

// Reads a group as recovery does; nothing where it is damaged.
std::optional<std::vector<std::string>> parse(std::string_view group) {
  std::vector<std::string> read;
  group_reader commits(group);
  read.push_back("after " + std::to_string(commits.previous()));
  for (logged_commit commit; commits.next(commit);) {
    read.push_back(std::to_string(commit.sequence) + "@" + std::to_string(commit.time_us) + " run " + std::to_string(commit.run));
    write_reader writes(commit.writes, commit.write_count);
    for (strata::engine::write w; writes.next(w);)
      read.push_back(std::to_string(int(w.kind)) + "/" + std::to_string(w.label) + " " + std::string(w.key) + "=" + std::string(w.value));
    if (!writes.ok()) return std::nullopt;
  }
  if (!commits.ok()) return std::nullopt;
  return read;
}

write_batch full_batch() {
  write_batch batch(300);
  batch.put(64, "key", "value");
  batch.put_expiring(65, "e", "v", 0x1122334455667788);
  batch.erase(66, "gone");
  batch.erase_range(200, "r", "s");
  return batch;
}

}  // namespace

TEST_CASE("the bytes of a batch are frozen", "[engine][write_batch]") {
  write_batch batch = full_batch();
  batch.seal(0x0002030405060708, 9, 0x0A0B0C0D0E0F1011);
  CHECK(hex(batch.group_bytes()) ==
        "0807060504030200"  // first sequence
        "0900000000000000"  // skipped
        "01000000"          // commits
        "36000000"          // bytes behind this field
        "11100f0e0d0c0b0a"  // time
        "04000000"          // writes
        "ac02"              // run
        "0140036b65790576616c7565"              // value, label 64
        "0241016509887766554433221176"          // value with expiry, label 65
        "034204676f6e65"                        // tombstone, label 66
        "05c80101720173");                      // range tombstone, label 200
  const std::vector<std::string> expected{"after 566265752454910",
                                          "566265752454920@723685415333072913 run 300",
                                          "1/64 key=value",
                                          "2/65 e=" + std::string("\x88\x77\x66\x55\x44\x33\x22\x11") + "v",
                                          "3/66 gone=",
                                          "5/200 r=s"};
  CHECK(parse(batch.group_bytes()) == expected);
  CHECK(batch.count() == 4);
  CHECK(batch.payload_bytes() == 8 + 10 + 4 + 2);
  CHECK(batch.erases_ranges());
  CHECK(strata::engine::count_writes(batch.group_bytes()) == 4);
}

TEST_CASE("a batch that is emptied is as new and keeps nothing", "[engine][write_batch]") {
  write_batch batch = full_batch();
  batch.clear();
  CHECK(batch.empty());
  CHECK(batch.count() == 0);
  CHECK(batch.payload_bytes() == 0);
  CHECK_FALSE(batch.erases_ranges());
  write_batch fresh;
  CHECK(batch.group_bytes() == fresh.group_bytes());
}

TEST_CASE("within a batch the later operation wins over a range, too", "[engine][write_batch]") {
  write_batch batch;
  batch.put(1, "a", "1");
  batch.put(1, "b", "2");
  batch.put_expiring(1, "c", "3", 5);
  batch.erase_range(2, "b", "d");
  batch.put(1, "c", "4");
  batch.seal(1, 0, 1);
  const std::vector<std::string> expected{"after 0", "1@1 run 1", "1/1 a=1", "3/1 b=", "3/1 c=", "5/2 b=d", "1/1 c=4"};
  CHECK(parse(batch.group_bytes()) == expected);
  CHECK(batch.count() == 5);
  CHECK(batch.payload_bytes() == 2 + 1 + 1 + 2 + 2);

  SECTION("an empty or turned range is no write") {
    write_batch none;
    none.erase_range(1, "b", "b");
    none.erase_range(1, "c", "b");
    CHECK(none.empty());
    CHECK_FALSE(none.erases_ranges());
  }
  SECTION("ranges are not buried by ranges") {
    batch.erase_range(3, "", "z");
    batch.seal(1, 0, 1);
    const std::vector<std::string> all{"after 0", "1@1 run 1", "3/1 a=", "3/1 b=", "3/1 c=", "5/2 b=d", "3/1 c=", "5/3 =z"};
    CHECK(parse(batch.group_bytes()) == all);
  }
}

TEST_CASE("several commits make one group, numbered in order", "[engine][write_batch]") {
  write_batch one(1);
  one.put(1, "a", "1");
  write_batch two(2);
  two.erase(2, "b");
  one.seal(7, 0, 100);
  two.seal(7, 0, 100);
  std::string group(strata::engine::group_header_bytes, '\0');
  strata::engine::store_group_header(group.data(), 7, 2, 2);
  group.append(one.commit_bytes());
  group.append(two.commit_bytes());
  const std::vector<std::string> expected{"after 4", "7@100 run 1", "1/1 a=1", "8@100 run 2", "3/2 b="};
  CHECK(parse(group) == expected);
  CHECK(strata::engine::count_writes(group) == 2);
}

TEST_CASE("a group that is cut is never read as a whole one", "[engine][write_batch]") {
  write_batch batch = full_batch();
  batch.seal(5, 0, 6);
  const std::string whole(batch.group_bytes());
  for (std::size_t length = 0; length < whole.size(); ++length) CHECK_FALSE(parse(whole.substr(0, length)));
  CHECK_FALSE(parse(whole + '\0'));
}

TEST_CASE("a group with changed bytes is read as what it says or refused, in little memory", "[engine][write_batch]") {
  write_batch batch = full_batch();
  batch.seal(5, 0, 6);
  const std::string whole(batch.group_bytes());
  std::size_t refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = whole;
      changed[at] = static_cast<char>(byte);
      refused += !parse(changed).has_value();
      // What recovery makes room for is bounded by the record, whatever it claims.
      REQUIRE(strata::engine::count_writes(changed) <= changed.size() / 3);
    }
  }
  CHECK(refused > whole.size() * 100);
  random_numbers random(7);
  for (std::size_t i = 0; i < rounds(20'000, 2'000'000); ++i) {
    std::string changed = whole;
    for (std::size_t flips = 1 + random.below(4); flips-- > 0;) changed[random.below(changed.size())] ^= static_cast<char>(1 << random.below(8));
    static_cast<void>(parse(changed));
    static_cast<void>(parse(random.bytes(random.below(80))));
  }
}

TEST_CASE("what no batch makes is refused", "[engine][write_batch]") {
  const auto reads = [](std::string_view bytes, std::uint32_t count) {
    write_reader in(bytes, count);
    strata::engine::write w;
    while (in.next(w)) continue;
    return in.ok();
  };
  using namespace std::string_literals;
  CHECK(reads("\x03\x00\x00"s, 1));
  CHECK_FALSE(reads("\x00\x00\x00"s, 1));                      // no such kind
  CHECK_FALSE(reads("\x06\x00\x00\x00"s, 1));
  CHECK_FALSE(reads("\x04\x00\x00\x00"s, 1));                  // no batch makes merge operands
  CHECK(reads("\x05\x00\x00\x00"s, 1));
  CHECK_FALSE(reads("\x03\x00\x00"s, 2));                      // fewer than said
  CHECK_FALSE(reads("\x03\x00\x00\x03\x00\x00"s, 1));          // more than said
  CHECK_FALSE(reads("\x02\x00\x00\x07" "1234567"s, 1));        // an expiry has eight bytes
  CHECK(reads("\x02\x00\x00\x08" "12345678"s, 1));
  CHECK_FALSE(reads("\x03\xff\xff\xff\xff\x7f\x00"s, 1));      // a label has 32 bits
  CHECK_FALSE(reads("\x03\x80\x00\x00"s, 1));                  // one encoding a number
  std::string long_key = "\x03\x00"s;
  strata::append_sized(long_key, std::string(strata::internal_key_bytes_max, 'k'));
  CHECK(reads(long_key, 1));
  long_key = "\x03\x00"s;
  strata::append_sized(long_key, std::string(strata::internal_key_bytes_max + 1, 'k'));
  CHECK_FALSE(reads(long_key, 1));

  SECTION("a group whose sequence lies before what it skipped") {
    std::string group(strata::engine::group_header_bytes, '\0');
    strata::engine::store_group_header(group.data(), 3, 3, 0);
    CHECK_FALSE(group_reader(group).ok());
    strata::engine::store_group_header(group.data(), 4, 3, 0);
    CHECK(group_reader(group).ok());
    CHECK(group_reader(group).previous() == 0);
    // Each killed process may leave 2^24 unused: after a few hundred that have logged nothing they are more than 2^32.
    strata::engine::store_group_header(group.data(), (std::uint64_t{1} << 40) + 8, std::uint64_t{1} << 40, 0);
    CHECK(group_reader(group).ok());
    CHECK(group_reader(group).previous() == 7);
  }
  SECTION("a sequence above the highest") {
    write_batch batch;
    batch.put(0, "a", "b");
    batch.seal(strata::sequence_max, 0, 0);
    CHECK(parse(batch.group_bytes()));
    batch.seal(strata::sequence_max + 1, 0, 0);
    CHECK_FALSE(parse(batch.group_bytes()));
  }
}
