#include "test.hpp"

#include <cerrno>
#include <cstring>
#include <type_traits>

#include <strata/core/error.hpp>

using strata::errc;

static_assert(std::is_nothrow_move_constructible_v<strata::error> &&
              std::is_nothrow_copy_constructible_v<strata::error>);

namespace {

struct numbered {
  errc code;
  unsigned number;
  const char* name;
};

// Frozen: programs log the numbers and the names.
constexpr numbered all_codes[] = {
    {errc::io_error, 1, "io_error"},
    {errc::no_space, 2, "no_space"},
    {errc::permission_denied, 3, "permission_denied"},
    {errc::no_such_file, 4, "no_such_file"},
    {errc::already_exists, 5, "already_exists"},
    {errc::too_many_open_files, 6, "too_many_open_files"},
    {errc::out_of_memory, 7, "out_of_memory"},
    {errc::in_use, 8, "in_use"},
    {errc::corruption, 20, "corruption"},
    {errc::not_a_store, 21, "not_a_store"},
    {errc::unsupported_version, 22, "unsupported_version"},
    {errc::schema_mismatch, 23, "schema_mismatch"},
    {errc::decode_failed, 24, "decode_failed"},
    {errc::invalid_argument, 40, "invalid_argument"},
    {errc::key_too_large, 41, "key_too_large"},
    {errc::value_too_large, 42, "value_too_large"},
    {errc::commit_too_large, 43, "commit_too_large"},
    {errc::read_only, 44, "read_only"},
    {errc::closed, 45, "closed"},
    {errc::unsupported, 46, "unsupported"},
    {errc::condition_not_met, 60, "condition_not_met"},
    {errc::conflict, 61, "conflict"},
    {errc::callback_failed, 62, "callback_failed"},
};

strata::failure_handler first_handler = nullptr;
void handler_a(const strata::error&) {}
void handler_b(const strata::error&) {}

}  // namespace

TEST_CASE("the numbers and names of the codes are frozen", "[core][error]") {
  for (const numbered& expected : all_codes) {
    CHECK(static_cast<unsigned>(expected.code) == expected.number);
    CHECK(std::string(strata::to_string(expected.code)) == expected.name);
  }
  CHECK(std::string(strata::to_string(static_cast<errc>(9999))) == "unknown");
}

TEST_CASE("an error says no more than it was told", "[core][error]") {
  const strata::error plain(errc::closed);
  CHECK(plain == errc::closed);
  CHECK(plain.code() == errc::closed);
  CHECK(std::string(plain.operation()).empty());
  CHECK(std::string(plain.reason()).empty());
  CHECK(plain.file().empty());
  CHECK_FALSE(plain.has_offset());
  CHECK(plain.system_error() == 0);
  CHECK(plain.message() == "closed");
}

TEST_CASE("an error keeps operation, reason, file, offset and the number of the system", "[core][error]") {
  std::string path = "000012.table";
  const auto full = strata::error(errc::corruption, "read block", "checksum mismatch").in_file(path).at_offset(4096);
  path.assign("overwritten!");
  CHECK(full.file() == "000012.table");
  CHECK(full.has_offset());
  CHECK(full.offset() == 4096);
  CHECK(full.message() == "corruption: read block: checksum mismatch (000012.table, offset 4096)");

  const auto system = strata::error(errc::no_space, "append").in_file("log").at_offset(0).with_system_error(ENOSPC);
  CHECK(system.system_error() == ENOSPC);
  CHECK(system.has_offset());
  CHECK(system.message() == std::string("no_space: append (log, offset 0): ") + std::strerror(ENOSPC));
}

TEST_CASE("a copy of an error outlives it", "[core][error]") {
  std::optional<strata::error> original = strata::error(errc::io_error, "sync").in_file("a/b").with_system_error(EIO);
  const strata::error copy = *original;
  const strata::error moved = std::move(*original);
  original.reset();
  for (const strata::error* kept : {&copy, &moved}) {
    CHECK(*kept == errc::io_error);
    CHECK(kept->file() == "a/b");
    CHECK(kept->system_error() == EIO);
  }
  CHECK_FALSE(copy == errc::no_space);
}

TEST_CASE("installing a failure handler gives back the one before", "[core][error]") {
  first_handler = strata::set_failure_handler(&handler_a);
  CHECK(strata::set_failure_handler(&handler_b) == &handler_a);
  CHECK(strata::set_failure_handler(first_handler) == &handler_b);
}

#if STRATA_EXCEPTIONS
TEST_CASE("an exception carries the error and its message", "[core][error]") {
  try {
    strata::detail::raise(strata::error(errc::conflict, "commit").in_file("log"));
  } catch (const std::exception& caught) {
    CHECK(std::string(caught.what()) == "conflict: commit (log)");
    const auto* typed = dynamic_cast<const strata::exception*>(&caught);
    REQUIRE(typed != nullptr);
    CHECK(typed->error() == errc::conflict);
    CHECK(typed->error().file() == "log");
    return;
  }
  FAIL("nothing was thrown");
}
#endif
