#include "test.hpp"

#include <strata/environment/in_memory.hpp>
#include <strata/environment/posix.hpp>
#include <strata/wal/segmented.hpp>

#include "wal/contract.hpp"

using namespace strata;

TEST_CASE("segmented: keeps the contract of the slot, in memory") {
  strata_tests::wal_contract<wal::segmented, environment::in_memory>::all();
}

TEST_CASE("segmented: keeps the contract of the slot, on files") {
  strata_tests::wal_contract<wal::segmented, environment::posix>::all();
}

TEST_CASE("segmented: is durable and fills the wal slot") {
  STATIC_REQUIRE(wal::segmented::is_durable);
  STATIC_REQUIRE(std::is_same_v<wal::segmented::strata_slot, slot::wal>);
}

TEST_CASE("segmented: what a removed file left in a segment's place is a torn creation") {
  using world = environment::in_memory;
  const world e;
  const std::string path = e.temporary_directory().value() + "/000001.log";
  const auto replay = [&] {
    return wal::segmented::replay(e, {path, 1, 2, 0}, [](bytes_view, std::uint64_t) -> result<void> { return {}; });
  };
  // A manifest, an older segment, a segment of another store.
  for (const record_file_settings& old : {record_file_settings{path, "STRATMAN", 1, 2, 0}, {path, wal::segmented::magic, 7, 2, 0},
                                          {path, wal::segmented::magic, 1, 3, 0}}) {
    auto writer = record_writer<world>::create(e, old).value();
    writer.append("old").value();
    writer.close().value();
    const auto found = replay();
    REQUIRE(found.has_value());
    CHECK(found->end == 0);
    CHECK(found->torn);
    auto again = wal::segmented::writer<world>::reopen(e, {path, 1, 2, 0}, *found).value();
    again.append("new").value();
    again.close().value();
    CHECK(replay()->end + strata::record_bytes(0) == again.bytes());  // what is appended next lies over the promise
    e.remove_file(path).value();
  }
}
