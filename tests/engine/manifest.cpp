#include "engine/failing_store.hpp"

using namespace strata_tests;
using strata::errc;
using store_manifest = strata::engine::manifest<memory_world>;
using strata::engine::manifest_state;
using strata::engine::version_edit;

namespace {

version_edit adding(std::uint64_t number) {
  version_edit edit;
  edit.has_counters = true;
  edit.counts = {number, number + 1000, number + 64, number * 2};
  edit.log_number = number;
  version_edit::added_table table;
  table.level = static_cast<std::uint32_t>(number % 3);
  table.number = number;
  table.facts.bytes = 100 + number;
  table.facts.smallest = "a" + std::to_string(number);
  table.facts.limit = table.facts.smallest + "z";
  edit.added.push_back(table);
  return edit;
}
version_edit dropping(std::uint64_t number) {
  version_edit edit;
  edit.dropped.push_back(number);
  return edit;
}

bool same(const manifest_state& a, const manifest_state& b) {
  std::string left;
  std::string right;
  a.whole().append_to(left);
  b.whole().append_to(right);
  return a.store_id == b.store_id && a.number == b.number && left == right;
}

// A directory with a manifest of `edits` edits.
struct made_manifest {
  memory_world environment;
  store_manifest written{environment, "d"};
  made_manifest() {
    require_ok(environment.create_directory("d"));
    manifest_state empty;
    empty.store_id = 42;
    require_ok(written.create(empty));
  }
  std::string path() const { return strata::engine::manifest_path("d", written.state().number); }
};

}  // namespace

TEST_CASE("a manifest is read back as the sum of its edits", "[engine][manifest]") {
  made_manifest made;
  for (std::uint64_t number = 10; number < 60; ++number) {
    require_ok(made.written.append(adding(number)));
    if (number % 2 == 0) require_ok(made.written.append(dropping(number)));
  }
  for (int orderly = 0; orderly < 2; ++orderly) {
    store_manifest read(made.environment, "d");
    require_ok(read.recover());
    CHECK(same(read.state(), made.written.state()));
    CHECK(read.state().tables.size() == 25);
    CHECK(read.state().counts.flushed_sequence == 59);
    CHECK(read.state().log_number == 59);
    if (orderly == 0) require_ok(made.written.close());
  }
  SECTION("and gone on with") {
    store_manifest read(made.environment, "d");
    require_ok(read.recover());
    require_ok(read.append(adding(100)));
    require_ok(read.close());
    store_manifest again(made.environment, "d");
    require_ok(again.recover());
    CHECK(again.state().tables.size() == 26);
  }
  SECTION("reading writes nothing") {
    const std::string before = read_file(made.environment, made.path());
    store_manifest read(made.environment, "d");
    require_ok(read.recover());
    require_ok(read.close());
    CHECK(read_file(made.environment, made.path()) == before);
  }
}

TEST_CASE("whichever call fails while what was read is made durable, it is said, and the old or the new manifest counts", "[engine][manifest]") {
  using failing_manifest = strata::engine::manifest<failing_environment>;
  std::size_t failed = 0;
  for (std::uint64_t at = 1;; ++at) {
    const failing_environment environment;
    require_ok(environment.create_directory("d"));
    {
      failing_manifest written(environment, "d");
      manifest_state empty;
      empty.store_id = 42;
      require_ok(written.create(empty));
      require_ok(written.append(adding(10)));
    }
    failing_manifest read(environment, "d");
    require_ok(read.recover());
    // An opening that was killed had come as far.
    write_file(environment, strata::engine::manifest_path("d", read.state().newest_number() + 1), "half");
    environment.fail(every_call, at, errc::io_error);
    const auto done = read.make_durable();
    const bool fired = environment.fired();
    environment.revive();
    // What can't be removed afterwards is left.
    CHECK((done.has_value() || fired));
    failing_manifest again(environment, "d");
    require_ok(again.recover());
    CHECK(again.state().tables.contains(10));
    if (!fired) break;
    if (!done) ++failed;
  }
  CHECK(failed > 8);
}

TEST_CASE("a torn last edit is none, and is cut by the next", "[engine][manifest]") {
  made_manifest made;
  require_ok(made.written.append(adding(10)));
  const std::string before = read_file(made.environment, made.path());
  require_ok(made.written.append(adding(11)));
  const std::string after = read_file(made.environment, made.path());
  for (std::size_t length = before.size(); length < after.size(); ++length) {
    write_file(made.environment, made.path(), after.substr(0, length));
    store_manifest read(made.environment, "d");
    require_ok(read.recover());
    CHECK(read.state().tables.size() == 1);
    require_ok(read.append(adding(12)));
    require_ok(read.close());
    store_manifest again(made.environment, "d");
    require_ok(again.recover());
    CHECK(again.state().tables.contains(10));
    CHECK(again.state().tables.contains(12));
    CHECK(again.state().tables.size() == 2);
  }
}

TEST_CASE("damage anywhere in a closed manifest is corruption with file and offset", "[engine][manifest]") {
  made_manifest made;
  for (std::uint64_t number = 10; number < 14; ++number) require_ok(made.written.append(adding(number)));
  require_ok(made.written.close());
  const std::string whole = read_file(made.environment, made.path());
  std::size_t noticed = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char mask : {char(0x01), char(0xFF)}) {
      std::string damaged = whole;
      damaged[at] ^= mask;
      write_file(made.environment, made.path(), damaged);
      store_manifest read(made.environment, "d");
      const auto recovered = read.recover();
      if (recovered) {
        // The closing promise alone says nothing that would be missed.
        CHECK(same(read.state(), made.written.state()));
        continue;
      }
      ++noticed;
      CHECK((recovered.error() == errc::corruption || recovered.error() == errc::not_a_store || recovered.error() == errc::unsupported_version));
      CHECK(recovered.error().file() == made.path());
      CHECK(recovered.error().has_offset());
    }
  }
  CHECK(noticed > whole.size());
}

TEST_CASE("edits that contradict each other are corruption", "[engine][manifest]") {
  manifest_state state;
  CHECK(state.add(adding(5)));
  CHECK_FALSE(state.add(adding(5)));
  CHECK_FALSE(state.add(dropping(6)));
  CHECK(state.add(dropping(5)));
  CHECK(state.tables.size() == 0);
  // A move: dropped and added in one edit.
  CHECK(state.add(adding(7)));
  version_edit move = adding(7);
  move.dropped.push_back(7);
  CHECK(state.add(move));

  made_manifest made;
  strata::record_file_settings settings{made.path(), strata::engine::manifest_magic, made.written.state().number, 42, 0};
  auto tail = strata::replay_records(made.environment, settings, [](strata::bytes_view, std::uint64_t) { return strata::result<void>(); });
  require_ok(tail);
  auto writer = strata::record_writer<memory_world>::reopen(made.environment, settings, *tail);
  require_ok(writer);
  std::string bytes;
  dropping(99).append_to(bytes);
  require_ok(writer->append(bytes));
  store_manifest read(made.environment, "d");
  CHECK(code_of(read.recover()) == errc::corruption);
}

TEST_CASE("a record of a manifest that is no edit is corruption, with file and offset", "[engine][manifest]") {
  made_manifest made;
  const strata::record_file_settings settings{made.path(), strata::engine::manifest_magic, made.written.state().number, 42, 0};
  auto tail = strata::replay_records(made.environment, settings, [](strata::bytes_view, std::uint64_t) { return strata::result<void>(); });
  require_ok(tail);
  auto writer = strata::record_writer<memory_world>::reopen(made.environment, settings, *tail);
  require_ok(writer);
  require_ok(writer->append("no edit"));
  store_manifest read(made.environment, "d");
  const auto recovered = read.recover();
  REQUIRE(code_of(recovered) == errc::corruption);
  CHECK(recovered.error().file() == made.path());
  CHECK(recovered.error().offset() == tail->end);
}

TEST_CASE("a manifest without an edit, without its file, or of another store is refused", "[engine][manifest]") {
  made_manifest made;
  const std::string whole = read_file(made.environment, made.path());
  SECTION("header alone") {
    write_file(made.environment, made.path(), whole.substr(0, strata::record_file_header_bytes));
    store_manifest read(made.environment, "d");
    CHECK(code_of(read.recover()) == errc::corruption);
  }
  SECTION("empty") {
    write_file(made.environment, made.path(), "");
    store_manifest read(made.environment, "d");
    CHECK(code_of(read.recover()) == errc::corruption);
  }
  SECTION("no file") {
    require_ok(made.environment.remove_file(made.path()));
    store_manifest read(made.environment, "d");
    CHECK(code_of(read.recover()) == errc::no_such_file);
  }
  SECTION("another store's") {
    require_ok(strata::engine::write_current(made.environment, "d", {43, made.written.state().number}));
    store_manifest read(made.environment, "d");
    CHECK(code_of(read.recover()) == errc::corruption);
  }
}

TEST_CASE("a manifest that has grown is written anew, and the old one goes", "[engine][manifest]") {
  constexpr std::uint64_t bytes = 64 << 10;
  made_manifest made;
  std::uint64_t number = 10;
  while (!made.written.has_grown(bytes)) {
    require_ok(made.written.append(adding(number)));
    require_ok(made.written.append(dropping(number)));
    REQUIRE(++number < 100'000);
  }
  require_ok(made.written.append(adding(number)));
  const std::string old = made.path();
  require_ok(made.written.rewrite(number + 1, number + 50));
  CHECK(made.written.state().number == number + 1);
  CHECK_FALSE(*made.environment.file_exists(old));
  CHECK(read_file(made.environment, made.path()).size() < 400);
  CHECK_FALSE(made.written.has_grown(bytes));
  require_ok(made.written.append(adding(number + 2)));
  store_manifest read(made.environment, "d");
  require_ok(read.recover());
  CHECK(same(read.state(), made.written.state()));
  CHECK(read.state().tables.size() == 2);
  CHECK(sorted_names(made.environment, "d").size() == 2);
}

TEST_CASE("a manifest that did not end in order is written anew before it is relied on", "[engine][manifest]") {
  for (const bool orderly : {false, true}) {
    made_manifest made;
    require_ok(made.written.append(adding(10)));
    if (orderly) require_ok(made.written.close());
    const std::string left = made.path();
    // What an opening that was killed here left.
    if (!orderly) write_file(made.environment, strata::engine::manifest_path("d", made.written.state().newest_number() + 1), "x");
    store_manifest read(made.environment, "d");
    require_ok(read.recover());
    require_ok(read.make_durable());
    CHECK(read.state().counts.file_ceiling >= read.state().number);
    CHECK(read.state().tables.size() == 1);
    auto current = strata::engine::read_current(made.environment, "d");
    require_ok(current);
    CHECK(current->manifest_number == read.state().number);
    CHECK((strata::engine::manifest_path("d", read.state().number) == left) == orderly);
    CHECK(*made.environment.file_exists(left) == orderly);
    // It ends in order: whoever reads it next has nothing to do.
    store_manifest again(made.environment, "d");
    require_ok(again.recover());
    CHECK(same(again.state(), read.state()));
    const std::vector<std::string> before = sorted_names(made.environment, "d");
    require_ok(again.make_durable());
    CHECK(sorted_names(made.environment, "d") == before);
    CHECK(same(again.state(), read.state()));
  }
}

TEST_CASE("a manifest that says it is complete is refused, and not found out by the first edit", "[engine][manifest]") {
  made_manifest made;
  const strata::record_file_settings settings{made.path(), strata::engine::manifest_magic, made.written.state().number, 42, 0};
  auto tail = strata::replay_records(made.environment, settings, [](strata::bytes_view, std::uint64_t) { return strata::result<void>(); });
  require_ok(tail);
  auto writer = strata::record_writer<memory_world>::reopen(made.environment, settings, *tail);
  require_ok(writer);
  require_ok(writer->seal());
  store_manifest read(made.environment, "d");
  const auto recovered = read.recover();
  REQUIRE(code_of(recovered) == errc::corruption);
  CHECK(recovered.error().file() == made.path());
  CHECK(recovered.error().has_offset());
}

TEST_CASE("a manifest is written anew under a number that no file has, whatever its ceiling says", "[engine][manifest]") {
  made_manifest made;
  version_edit lowering = adding(1);  // a ceiling just below the manifest's own number: the next is that number
  lowering.counts.file_ceiling = made.written.state().number - 1;
  require_ok(made.written.append(lowering));
  const std::string left = made.path();
  store_manifest read(made.environment, "d");
  require_ok(read.recover());
  require_ok(read.make_durable());
  CHECK(strata::engine::manifest_path("d", read.state().number) != left);
  store_manifest again(made.environment, "d");
  require_ok(again.recover());
  CHECK(same(again.state(), read.state()));
}

TEST_CASE("the bytes of a fresh manifest are frozen but for its salt", "[engine][manifest]") {
  made_manifest made;
  strata::record_file_settings settings{made.path(), "STRATMAN", 1, 42, 0};
  std::string payload;
  auto tail = strata::replay_records(made.environment, settings, [&](strata::bytes_view p, std::uint64_t) {
    payload += p;
    return strata::result<void>();
  });
  require_ok(tail);
  CHECK(hex(payload) == "0100000100");  // counters: nothing flushed, no ceiling, file 1 taken, no commit
  CHECK(made.path() == "d/MANIFEST-000001");
}
