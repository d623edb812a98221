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

namespace {

// Files in memory that say they are longer than they are, as one does that is cut while it is read.
class overstated : public environment::in_memory {
 public:
  class readable_file : public environment::in_memory::readable_file {
   public:
    explicit readable_file(environment::in_memory::readable_file file)
        : environment::in_memory::readable_file(std::move(file)) {}
    std::uint64_t size() const { return environment::in_memory::readable_file::size() + 1; }
  };
  result<readable_file> open_readable(std::string_view path) const {
    auto opened = environment::in_memory::open_readable(path);
    if (!opened) return std::move(opened).error();
    return readable_file(std::move(*opened));
  }
};

}  // namespace

TEST_CASE("wal archetype: a segment that becomes shorter while it is read is an error that names it") {
  const overstated e;
  const wal::segment segment{e.temporary_directory().value() + "/000001.log", 1, 2, 0};
  auto writer = wal::archetype::writer<overstated>::create(e, segment).value();
  writer.append("hello").value();
  writer.close().value();
  std::size_t seen = 0;
  const auto replayed = wal::archetype::replay(e, segment, [&](bytes_view, std::uint64_t) -> result<void> {
    ++seen;
    return {};
  });
  REQUIRE_FALSE(replayed.has_value());
  CHECK((replayed.error() == errc::io_error));
  CHECK(replayed.error().file() == segment.path);
  CHECK(seen == 0);
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
