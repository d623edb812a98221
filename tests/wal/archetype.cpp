#include "test.hpp"

#include <strata/environment/in_memory.hpp>
#include <strata/environment/posix.hpp>
#include <strata/wal/archetype.hpp>

#include "wal/contract.hpp"

using namespace strata;

TEST_CASE("wal archetype: keeps the contract of the slot, in memory") {
  strata_tests::wal_contract<wal::archetype, environment::in_memory>::all();
}

TEST_CASE("wal archetype: keeps the contract of the slot, on files") {
  strata_tests::wal_contract<wal::archetype, environment::posix>::all();
}

TEST_CASE("wal archetype: a record is these bytes for ever") {
  const environment::in_memory e;
  const std::string path = e.temporary_directory().value() + "/000001.log";
  auto writer = wal::archetype::writer<environment::in_memory>::create(e, {path, 42, 0x0102030405060708, 0}).value();
  writer.append("hello").value();
  writer.close().value();
  auto file = e.open_readable(path).value();
  char bytes[45];
  REQUIRE(file.size() == sizeof bytes);
  REQUIRE(file.read(0, bytes, sizeof bytes).value() == sizeof bytes);
  std::string hex;
  for (const char c : bytes) {
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  CHECK(hex == "12ef63720500000000000000000000004cbb719a68656c6c6f1bda1c7900000000190000000000000001000000");
}
