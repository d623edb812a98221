#include "test.hpp"

#include <strata/environment/in_memory.hpp>
#include <strata/wal/none.hpp>

using namespace strata;

TEST_CASE("none: satisfies the slot and says that it is not durable") {
  STATIC_REQUIRE(detail::check_wal<wal::none, environment::in_memory>());
  STATIC_REQUIRE_FALSE(wal::none::is_durable);
  STATIC_REQUIRE(std::is_same_v<wal::none::strata_slot, slot::wal>);
}

TEST_CASE("none: takes every record, writes no file and finds nothing") {
  const environment::in_memory e;
  const std::string directory = e.temporary_directory().value();
  const wal::segment segment{directory + "/000001.log", 1, 2, 4096};
  auto writer = wal::none::writer<environment::in_memory>::create(e, segment).value();
  writer.append("lost").value();
  writer.sync().value();
  CHECK(writer.bytes() == 0);
  CHECK(writer.synced_bytes() == 0);
  writer.seal().value();
  writer.close().value();
  CHECK(e.list_directory(directory).value().empty());

  std::size_t calls = 0;
  const auto count = [&](bytes_view, std::uint64_t) -> result<void> { return ++calls, result<void>(); };
  const auto tail = wal::none::replay(e, segment, count).value();
  CHECK(calls == 0);
  CHECK(tail.end == 0);
  CHECK_FALSE(tail.torn);
  CHECK_FALSE(tail.sealed);
  auto again = wal::none::writer<environment::in_memory>::reopen(e, segment, tail).value();
  again.append("lost too").value();
  CHECK(e.list_directory(directory).value().empty());
}

TEST_CASE("none: leaves the segment of another policy as it is") {
  const environment::in_memory e;
  const std::string path = e.temporary_directory().value() + "/000001.log";
  auto file = e.create_file(path).value();
  file.append("not mine").value();
  const wal::segment segment{path, 1, 2, 0};
  std::size_t calls = 0;
  const auto count = [&](bytes_view, std::uint64_t) -> result<void> { return ++calls, result<void>(); };
  REQUIRE(wal::none::replay(e, segment, count).has_value());
  wal::none::writer<environment::in_memory>::create(e, segment).value().close().value();
  CHECK(calls == 0);
  CHECK(e.file_size(path).value() == 8);
}
