#include "test.hpp"

#include "environment/contract.hpp"

#include <strata/environment/in_memory.hpp>

using strata::errc;
using strata::environment::in_memory;

static_assert(strata::requirements::environment<in_memory>);
static_assert(strata::detail::check_environment<in_memory>());
static_assert(std::is_same_v<in_memory::strata_slot, strata::slot::environment>);

TEST_CASE("in_memory: files are written as the contract says", "[environment][in_memory]") {
  contract::check_writing(in_memory());
}
TEST_CASE("in_memory: files are reopened as the contract says", "[environment][in_memory]") {
  contract::check_reopening(in_memory());
}
TEST_CASE("in_memory: files are read as the contract says", "[environment][in_memory]") {
  contract::check_reading(in_memory());
}
TEST_CASE("in_memory: names are as the contract says", "[environment][in_memory]") {
  contract::check_names(in_memory());
}
TEST_CASE("in_memory: directories are as the contract says", "[environment][in_memory]") {
  contract::check_directories(in_memory());
}
TEST_CASE("in_memory: locks are as the contract says", "[environment][in_memory]") {
  contract::check_locks(in_memory());
}
TEST_CASE("in_memory: clocks are as the contract says", "[environment][in_memory]") {
  contract::check_clocks(in_memory());
}
TEST_CASE("in_memory: threads are as the contract says", "[environment][in_memory][threads]") {
  contract::check_threads(in_memory());
}
TEST_CASE("in_memory: files bear many threads", "[environment][in_memory][threads]") {
  contract::check_files_from_threads(in_memory());
}
TEST_CASE("in_memory: a lock bears many threads", "[environment][in_memory][threads]") {
  contract::check_locks_from_threads(in_memory());
}

TEST_CASE("in_memory: copies share a world, and another world knows nothing of it", "[environment][in_memory]") {
  const in_memory first;
  const in_memory copy = first;
  const in_memory other;
  contract::write_file(first, "file", "abc");
  CHECK(contract::contents_of(copy, "file") == "abc");
  CHECK_FALSE(other.file_exists("file").value());
  const auto lock = first.lock_file("LOCK").value();
  CHECK(copy.lock_file("LOCK").error() == errc::in_use);
  CHECK(other.lock_file("LOCK"));
}

TEST_CASE("in_memory: a world outlives its environment in the handles into it", "[environment][in_memory]") {
  std::optional<in_memory> environment{in_memory()};
  auto writer = environment->create_file("file").value();
  const auto reader = environment->open_readable("file").value();
  const auto lock = environment->lock_file("LOCK").value();
  environment.reset();
  writer.append("abc").value();
  CHECK(contract::read_all(reader) == "abc");
}

TEST_CASE("in_memory: the root always is, under each of its names, and stays", "[environment][in_memory]") {
  const in_memory e;
  for (const char* root : {"", "/", ".", "//", "./.", "..", "/../.."}) {
    INFO("root \"" << root << "\"");
    CHECK(e.file_exists(root).value());
    CHECK_FALSE(e.create_directory(root).value());
    CHECK(e.list_directory(root).value().empty());
    e.sync_directory(root).value();
    CHECK(e.remove_directory(root).error() == errc::io_error);
    CHECK(e.remove_file(root).error() == errc::io_error);
    CHECK(e.create_file(root).error() == errc::already_exists);
    CHECK(e.rename_file(root, "x").error() == errc::io_error);
  }
}

TEST_CASE("in_memory: one file has one name, however it is spelt", "[environment][in_memory]") {
  const in_memory e;
  CHECK(e.create_directory("a").value());
  CHECK(e.create_directory("a/b").value());
  contract::write_file(e, "a/b/c", "x");
  for (const char* name : {"a/b/c", "/a/b/c", "./a//b/./c", "a/b/../b/c", "../a/b/c"})
    CHECK(contract::contents_of(e, name) == "x");
  CHECK(contract::sorted_names(e, "/") == std::vector<std::string>{"a"});
}

TEST_CASE("in_memory: two writers of one file write where each has come to", "[environment][in_memory]") {
  const in_memory e;
  auto first = e.create_file("file").value();
  first.append(std::string(200'000, 'a')).value();
  auto second = e.open_writable("file", 10).value();  // cut under the first
  second.append("bb").value();
  first.append("c").value();
  CHECK(e.file_size("file").value() == 200'001);
  const std::string contents = contract::contents_of(e, "file");
  CHECK(contents == std::string(10, 'a') + "bb" + std::string(199'988, '\0') + "c");
}
