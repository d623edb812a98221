#include "engine/failing_store.hpp"

using namespace strata_tests;
using strata::errc;
using namespace strata::engine;


namespace {

memory_world with_directory() {
  const memory_world environment;
  require_ok(environment.create_directory("d"));
  return environment;
}

}  // namespace

TEST_CASE("the bytes of CURRENT are frozen", "[engine][current]") {
  const memory_world environment = with_directory();
  require_ok(write_current(environment, "d", {0x1122334455667788, 0x99}));
  CHECK(hex(read_file(environment, "d/CURRENT")) ==
        "5354524154435552"  // "STRATCUR"
        "01000000"          // format version
        "8877665544332211"  // store id
        "9900000000000000"  // manifest number
        "9e648e6f");        // crc32c
  const auto read = read_current(environment, "d");
  require_ok(read);
  CHECK(read->store_id == 0x1122334455667788);
  CHECK(read->manifest_number == 0x99);
  CHECK(sorted_names(environment, "d") == std::vector<std::string>{"CURRENT"});
}

TEST_CASE("CURRENT is replaced whole, also over what a crash left", "[engine][current]") {
  const memory_world environment = with_directory();
  require_ok(write_current(environment, "d", {1, 2}));
  write_file(environment, "d/CURRENT.tmp", "half");
  require_ok(write_current(environment, "d", {1, 3}));
  CHECK(read_current(environment, "d")->manifest_number == 3);
  CHECK(sorted_names(environment, "d") == std::vector<std::string>{"CURRENT"});
}

TEST_CASE("whichever call fails while CURRENT is replaced, it is said, and CURRENT is the old or the new", "[engine][current]") {
  std::size_t failed = 0;
  for (std::uint64_t at = 1;; ++at) {
    const failing_environment environment;
    require_ok(environment.create_directory("d"));
    require_ok(strata::engine::write_current(environment, "d", {1, 2}));
    write_file(environment, "d/CURRENT.tmp", "a crash left this");
    environment.fail(every_call, at, errc::io_error);
    const auto done = strata::engine::write_current(environment, "d", {1, 3});
    const bool fired = environment.fired();
    environment.revive();
    CHECK(done.has_value() != fired);
    const auto read = strata::engine::read_current(environment, "d");
    require_ok(read);
    CHECK((read->manifest_number == 3 || (fired && read->manifest_number == 2)));
    if (!fired) break;
    ++failed;
  }
  CHECK(failed == 8);
}

TEST_CASE("every damaged byte of CURRENT is noticed, and said with file and offset", "[engine][current]") {
  const memory_world environment = with_directory();
  require_ok(write_current(environment, "d", {0x1122334455667788, 7}));
  const std::string whole = read_file(environment, "d/CURRENT");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char mask : {char(1), char(0x80), char(0xFF)}) {
      INFO("byte " << at);
      std::string damaged = whole;
      damaged[at] ^= mask;
      write_file(environment, "d/CURRENT", damaged);
      const auto read = read_current(environment, "d");
      REQUIRE_FALSE(read.has_value());
      CHECK(read.error().code() == (at < 8 ? errc::not_a_store : errc::corruption));
      CHECK(read.error().file() == "d/CURRENT");
      CHECK(read.error().has_offset());
    }
  }
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write_file(environment, "d/CURRENT", whole.substr(0, length));
    CHECK(code_of(read_current(environment, "d")) == (length < 8 ? errc::not_a_store : errc::corruption));
  }
  write_file(environment, "d/CURRENT", whole + "x");
  CHECK(code_of(read_current(environment, "d")) == errc::corruption);
  require_ok(environment.remove_file("d/CURRENT"));
  CHECK(code_of(read_current(environment, "d")) == errc::no_such_file);
}

TEST_CASE("a CURRENT of a later format is told from a damaged one", "[engine][current]") {
  const memory_world environment = with_directory();
  std::string later("STRATCUR");
  strata::append_fixed(later, std::uint32_t{2});
  strata::append_fixed(later, std::uint64_t{1});
  strata::append_fixed(later, std::uint64_t{1});
  strata::append_fixed(later, strata::crc32c(later));
  write_file(environment, "d/CURRENT", later);
  CHECK(code_of(read_current(environment, "d")) == errc::unsupported_version);
}
