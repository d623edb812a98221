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

TEST_CASE("segmented: a file of another kind is told by its magic") {
  const environment::in_memory e;
  const std::string path = e.temporary_directory().value() + "/000001.log";
  record_writer<environment::in_memory>::create(e, {path, "STRATMAN", 1, 2, 0}).value().close().value();
  const auto found =
      wal::segmented::replay(e, {path, 1, 2, 0}, [](bytes_view, std::uint64_t) -> result<void> { return {}; });
  REQUIRE_FALSE(found.has_value());
  CHECK((found.error() == errc::not_a_store));
}
