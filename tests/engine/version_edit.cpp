#include "engine/stores.hpp"

using namespace strata_tests;
using strata::engine::version_edit;

namespace {

version_edit full_edit() {
  version_edit edit;
  edit.has_counters = true;
  edit.counts = {300, 70000, 12, 5};
  edit.log_number = 9;
  edit.dropped.push_back(4);
  edit.dropped.push_back(200);
  edit.kept_sequence = 300;
  strata::sstable::facts facts;
  facts.bytes = 1000;
  facts.entries = 10;
  facts.tombstones = 2;
  facts.range_tombstones = 1;
  facts.hidden_versions = 3;
  facts.newest_time_us = 77;
  facts.earliest_expiry_us = 78;
  facts.median_expiry_us = 200;
  facts.lowest_sequence = 3;
  facts.highest_sequence = 130;
  facts.smallest = "a";
  facts.limit = "zz";
  edit.added.push_back({1, 0, 11, facts});
  return edit;
}

std::string bytes_of(const version_edit& edit) {
  std::string bytes;
  edit.append_to(bytes);
  return bytes;
}

}  // namespace

TEST_CASE("the bytes of a version edit are frozen", "[engine][version_edit]") {
  CHECK(hex(bytes_of(full_edit())) ==
        "01" "ac02" "f0a204" "0c" "05"  // counters
        "02" "09"                       // log
        "03" "04" "03" "c801"           // dropped
        "04" "01" "00" "0b" "e807" "0a" "02" "01" "03" "4d" "4f" "c901" "03" "8201" "0161" "027a7a"  // added
        "05" "ac02");  // kept
  version_edit read;
  REQUIRE(read.parse(bytes_of(full_edit())));
  CHECK(read.has_counters);
  CHECK(read.counts.flushed_sequence == 300);
  CHECK(read.counts.sequence_ceiling == 70000);
  CHECK(read.counts.file_ceiling == 12);
  CHECK(read.counts.last_time_us == 5);
  CHECK(read.log_number == 9);
  REQUIRE(read.dropped.size() == 2);
  CHECK(read.dropped[0] == 4);
  CHECK(read.dropped[1] == 200);
  REQUIRE(read.added.size() == 1);
  CHECK(read.added[0].level == 1);
  CHECK(read.added[0].number == 11);
  CHECK(read.added[0].facts == full_edit().added[0].facts);
  CHECK(read.kept_sequence == 300);
  CHECK(bytes_of(read) == bytes_of(full_edit()));
}

TEST_CASE("a table in which nothing expires says so with a zero", "[engine][version_edit]") {
  version_edit edit;
  edit.added.push_back({7, 0, 1, {}});
  CHECK(hex(bytes_of(edit)) == "04" "07" "00" "01" "00" "00" "00" "00" "00" "00" "00" "00" "00" "00" "00" "00");
  version_edit read;
  REQUIRE(read.parse(bytes_of(edit)));
  CHECK(read.added[0].facts.earliest_expiry_us == UINT64_MAX);
  CHECK(read.added[0].facts.median_expiry_us == UINT64_MAX);
}

TEST_CASE("an edit of nothing is no bytes, and reads as nothing", "[engine][version_edit]") {
  CHECK(bytes_of(version_edit()).empty());
  version_edit read;
  CHECK(read.parse(""));
  CHECK_FALSE(read.has_counters);
}

TEST_CASE("a cut edit is the edits before the cut or refused", "[engine][version_edit]") {
  const std::string whole = bytes_of(full_edit());
  std::size_t refused = 0;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    version_edit read;
    if (!read.parse(whole.substr(0, length))) {
      ++refused;
      continue;
    }
    CHECK(whole.starts_with(bytes_of(read)));
  }
  CHECK(refused > whole.size() / 2);
}

TEST_CASE("changed bytes are read as what they say or refused", "[engine][version_edit]") {
  const std::string whole = bytes_of(full_edit());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = whole;
      changed[at] = static_cast<char>(byte);
      version_edit read;
      if (!read.parse(changed)) continue;
      for (const auto& added : read.added) REQUIRE(added.level < strata::compaction::levels_max);
      version_edit again;
      REQUIRE(again.parse(bytes_of(read)));
    }
  }
  version_edit unknown;
  CHECK_FALSE(unknown.parse(std::string_view("\x06\x01", 2)));
  CHECK_FALSE(unknown.parse(std::string_view("\0", 1)));
  std::string high_level = whole;
  high_level[high_level.find('\x04', 13) + 1] = static_cast<char>(strata::compaction::levels_max);
  version_edit read;
  CHECK_FALSE(read.parse(high_level));
}

TEST_CASE("an edit that says more than a store could have written is refused", "[engine][version_edit]") {
  using strata::engine::commit_sequence_max;
  using strata::engine::file_number_max;
  const auto is_read = [](const auto& change) {
    version_edit edit = full_edit();
    change(edit);
    version_edit read;
    return read.parse(bytes_of(edit));
  };
  for (std::uint64_t beyond = 0; beyond < 2; ++beyond) {
    const bool fits = beyond == 0;
    CHECK(is_read([&](version_edit& e) { e.counts.flushed_sequence = commit_sequence_max + beyond; }) == fits);
    CHECK(is_read([&](version_edit& e) { e.counts.sequence_ceiling = commit_sequence_max + beyond; }) == fits);
    CHECK(is_read([&](version_edit& e) { e.counts.file_ceiling = file_number_max + beyond; }) == fits);
    CHECK(is_read([&](version_edit& e) { e.log_number = file_number_max + beyond; }) == fits);
    CHECK(is_read([&](version_edit& e) { e.kept_sequence = commit_sequence_max + beyond; }) == fits);
    CHECK(is_read([&](version_edit& e) { e.added[0].number = file_number_max + beyond; }) == fits);
    CHECK(is_read([&](version_edit& e) { e.added[0].run = file_number_max + beyond; }) == fits);
  }
  CHECK_FALSE(is_read([&](version_edit& e) { e.counts.sequence_ceiling = UINT64_MAX; }));
  CHECK_FALSE(is_read([&](version_edit& e) { e.counts.file_ceiling = UINT64_MAX; }));
  // What may be said can be named, and is above no own write of a transaction.
  const auto named = strata::engine::parse_file_name(strata::engine::numbered(file_number_max + 1) + ".table");
  CHECK(named.type == strata::engine::file_type::table);
  CHECK(named.number == file_number_max + 1);
  CHECK(commit_sequence_max == strata::sequence_max - memory_store::cursor_type::overlay_sequences);
}
