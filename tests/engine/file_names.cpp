#include "engine/stores.hpp"

using namespace strata::engine;

TEST_CASE("file names are frozen", "[engine][file_names]") {
  CHECK(log_path("d", 12) == "d/000012.log");
  CHECK(table_path("d/", 13) == "d/000013.table");
  CHECK(manifest_path("", 7) == "MANIFEST-000007");
  CHECK(table_path("/d", 123456789) == "/d/123456789.table");
}

TEST_CASE("every name is read as what made it", "[engine][file_names]") {
  const auto is = [](std::string_view name, file_type type, std::uint64_t number) {
    const file_name parsed = parse_file_name(name);
    return parsed.type == type && parsed.number == number;
  };
  CHECK(is("LOCK", file_type::lock, 0));
  CHECK(is("CURRENT", file_type::current, 0));
  CHECK(is("CURRENT.tmp", file_type::temporary, 0));
  for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{999999}, std::uint64_t{1000000}, std::uint64_t{999999999999999999}}) {
    CHECK(is(log_path("", number), file_type::log, number));
    CHECK(is(table_path("", number), file_type::table, number));
    CHECK(is(manifest_path("", number), file_type::manifest, number));
  }
}

TEST_CASE("other names are foreign", "[engine][file_names]") {
  for (const char* name : {"", ".", "..", "lock", "LOCK ", "CURRENT.bak", "MANIFEST", "MANIFEST-", "MANIFEST-12345", "MANIFEST-00000x",
                           "MANIFEST-000001.tmp", "00001.log", ".log", ".table", "log", "000001", "000001.LOG", "000001.log.old",
                           "-00001.log", "+000001.log", " 000001.table", "0000000000000000001.log", "99999999999999999999.table",
                           "000001.tables", "a000001.log", "0x0001.log", "000000.log", "000000.table", "MANIFEST-000000",
                           "0001103.log", "0000001.table", "MANIFEST-0000001"}) {
    INFO(name);
    CHECK(parse_file_name(name).type == file_type::foreign);
  }
}
