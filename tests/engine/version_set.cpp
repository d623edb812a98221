// The numbers that are handed out and what becomes current, where the manifest can't be written.
#include "engine/failing_environment.hpp"
#include "engine/stores.hpp"

using namespace strata_tests;
using strata::errc;

namespace {

using recovery = strata::engine::recovery<failing_environment, strata::memtable::btree, strata::wal::segmented,
                                          strata::sstable::block_table<>>;
using version_set = strata::engine::version_set<failing_environment, strata::memtable::btree, strata::sstable::block_table<>>;
using table_cache = strata::sstable::block_table<>::cache<failing_environment>;
using unit = version_set::unit;

// A version set over a store that was just read.
struct opened {
  failing_environment environment;
  table_cache cache{environment, 0};
  recovery read{environment, "store", cache};
  version_set versions{environment, "store", std::uint64_t{1} << 20};

  // `crafted`: what the manifest says besides, if anything.
  explicit opened(const strata::engine::version_edit& crafted = {}) {
    require_ok(open_store<default_store<failing_environment>>(environment, "store")->close());
    if (crafted.has_counters) {
      strata::engine::manifest<failing_environment> manifest(environment, "store");
      require_ok(manifest.recover());
      require_ok(manifest.append(crafted));
      require_ok(manifest.close());
    }
    require_ok(read.read());
    versions.start(read, nullptr);
  }
};

strata::engine::version_edit ceilings(strata::sequence_number sequence, std::uint64_t file) {
  strata::engine::version_edit edit;
  edit.has_counters = true;
  edit.counts = {sequence, sequence, file, 0};
  return edit;
}

}  // namespace

TEST_CASE("file numbers beyond those that are reserved wait for a durable ceiling", "[engine][version_set]") {
  for (const bool fails : {false, true}) {
    opened o;
    std::uint64_t last = 0;
    // The first needs a ceiling, and so many more are below it.
    for (std::uint64_t i = 0; i <= version_set::file_numbers_reserved; ++i) {
      auto number = o.versions.new_file_number();
      require_ok(number);
      CHECK((last == 0 || *number == last + 1));
      last = *number;
      CHECK(o.versions.newest_file_number() == last);
      static_cast<void>(o.environment.trace());
    }
    if (fails) o.environment.fail(only(call::sync), 1, errc::no_space);
    const auto more = o.versions.new_file_number();
    CHECK(code_of(more) == (fails ? errc::no_space : errc{}));
    bool synced = false;
    for (const auto& [what, path] : o.environment.trace())
      synced = synced || (what == call::sync && path.find("MANIFEST") != std::string::npos);
    CHECK(synced);
    if (!fails) CHECK(*more == last + 1);
    // Nothing is written to that manifest again, and what is asked for says why.
    if (fails) CHECK(code_of(o.versions.next_sequence(version_set::sequences_reserved, 1)) == errc::no_space);
    CHECK(o.versions.close(0, 0).has_value() != fails);
  }
}

TEST_CASE("when all sequences are used, commits say so, and none is used twice", "[engine][version_set]") {
  using strata::engine::commit_sequence_max;
  opened o(ceilings(commit_sequence_max - 10, 100));
  auto first = o.versions.next_sequence(commit_sequence_max - 10, 4);
  require_ok(first);
  CHECK(*first == commit_sequence_max - 9);
  CHECK(code_of(o.versions.next_sequence(commit_sequence_max - 6, 6)) == errc::unsupported);
  first = o.versions.next_sequence(commit_sequence_max - 6, 5);
  require_ok(first);
  CHECK(*first == commit_sequence_max - 5);
  CHECK(code_of(o.versions.next_sequence(commit_sequence_max - 1, 1)) == errc::unsupported);
}

TEST_CASE("when all file numbers are used, no file is made and no manifest written anew", "[engine][version_set]") {
  using strata::engine::file_number_max;
  opened o(ceilings(0, file_number_max - version_set::file_numbers_reserved - 1));
  require_ok(o.versions.new_file_number());
  CHECK(code_of(o.versions.new_file_number()) == errc::unsupported);
  // A manifest that must be written anew needs a number, too.
  o.environment.fail(only(call::append), 1, errc::no_space);
  CHECK(code_of(o.versions.next_sequence(version_set::sequences_reserved, 1)) == errc::no_space);
  CHECK(code_of(o.versions.resume()) == errc::unsupported);
  CHECK(code_of(o.versions.new_file_number()) == errc::unsupported);
}

TEST_CASE("sequences that a crash may have used are passed over, once", "[engine][version_set]") {
  strata::engine::version_edit edit = ceilings(0, 100);
  edit.counts.sequence_ceiling = 500;  // no orderly close: up to 500 may have been handed out
  opened o(edit);
  auto first = o.versions.next_sequence(0, 3);
  require_ok(first);
  CHECK(*first == 501);
  first = o.versions.next_sequence(503, 1);
  require_ok(first);
  CHECK(*first == 504);
}

TEST_CASE("a close without a commit keeps the ceiling that a crash left", "[engine][version_set]") {
  strata::engine::version_edit edit = ceilings(0, 100);
  edit.counts.sequence_ceiling = 500;
  opened o(edit);
  require_ok(o.versions.new_file_number());  // so that there is something to write
  require_ok(o.versions.close(0, 0));
  strata::engine::manifest<failing_environment> manifest(o.environment, "store");
  require_ok(manifest.recover());
  CHECK(manifest.state().counts.sequence_ceiling >= 500);
}

TEST_CASE("an edit behind a write of the manifest that failed is refused with its reason, and its tables are nobody's", "[engine][version_set]") {
  opened o;
  const auto flushed = std::make_shared<unit>();
  o.environment.fail(only(call::append), 1, errc::no_space);
  CHECK(code_of(o.versions.next_sequence(0, 1)) == errc::no_space);
  o.environment.revive();
  static_cast<void>(o.environment.trace());
  CHECK(code_of(o.versions.install({}, {}, flushed)) == errc::no_space);
  for (const auto& [what, path] : o.environment.trace()) CHECK(what != call::append);
  require_ok(o.versions.resume());
  require_ok(o.versions.install({}, {}, flushed));
  require_ok(o.versions.resume());  // nothing to do
  require_ok(o.versions.close(0, 0));
  CHECK_FALSE(o.versions.flushed_tables().first);
  CHECK_FALSE(o.versions.hold());
}
