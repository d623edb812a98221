#include "test.hpp"

#include <strata/environment/in_memory.hpp>
#include <strata/environment/posix.hpp>
#include <strata/environment/simulated.hpp>
#include <strata/wal/mapped.hpp>

#include "wal/contract.hpp"

using namespace strata;

TEST_CASE("mapped: keeps the contract of the slot, in memory") {
  strata_tests::wal_contract<wal::mapped, environment::in_memory>::all();
}

TEST_CASE("mapped: keeps the contract of the slot, on files") {
  strata_tests::wal_contract<wal::mapped, environment::posix>::all();
}

TEST_CASE("mapped: is durable and fills the wal slot") {
  STATIC_REQUIRE(wal::mapped::is_durable);
  STATIC_REQUIRE(std::is_same_v<wal::mapped::strata_slot, slot::wal>);
}

namespace {

// Goes on with the segment, by `Policy`, and appends `count` records that say which they are.
template <typename Policy>
void write_more(const environment::posix& e, const wal::segment& s, int& next, int count) {
  const auto tail = Policy::replay(e, s, [](bytes_view, std::uint64_t) -> result<void> { return {}; });
  auto writer = tail.has_value() ? Policy::template writer<environment::posix>::reopen(e, s, *tail).value()
                                 : Policy::template writer<environment::posix>::create(e, s).value();
  for (int i = 0; i < count; ++i, ++next)
    writer.append(std::to_string(next) + std::string(static_cast<std::size_t>(next * 37 % 3000), 'x')).value();
  if (next % 2 == 0) writer.close().value();
}

}  // namespace

TEST_CASE("mapped and segmented go on with each other's log, and read the same") {
  const environment::posix e;
  const std::string directory = e.temporary_directory().value();
  const wal::segment s{directory + "/000001.log", 1, 2, 64 * 1024};
  int next = 0;
  for (int turn = 0; turn < 10; ++turn) {
    write_more<wal::mapped>(e, s, next, 11);
    write_more<wal::segmented>(e, s, next, 6);
    for (const bool mapped : {false, true}) {
      int seen = 0;
      const auto check = [&](bytes_view payload, std::uint64_t) -> result<void> {
        CHECK(payload.substr(0, payload.find('x')) == std::to_string(seen++));
        return {};
      };
      const auto tail = mapped ? wal::mapped::replay(e, s, check) : wal::segmented::replay(e, s, check);
      REQUIRE(tail.has_value());
      CHECK_FALSE(tail->torn);
      CHECK(seen == next);
    }
  }
  e.remove_file(s.path).value();
  e.remove_directory(directory).value();
}

TEST_CASE("mapped: small records are copies, large ones and those of a store that syncs each are calls") {
  const environment::simulated world;
  const auto mapped_calls = [&](const wal::segment& s, std::size_t bytes) {
    world.set_fault({.calls = static_cast<std::uint32_t>(environment::disk_call::map_ahead), .nth = 1, .code = errc::no_space});
    auto writer = wal::mapped::writer<environment::simulated>::create(world, s).value();
    REQUIRE(writer.append(std::string(bytes, 'x')).has_value());
    return world.calls_failed();
  };
  CHECK(mapped_calls({"/1", 1, 2, 64 * 1024}, 900) == 1);
  CHECK(mapped_calls({"/2", 2, 2, 64 * 1024}, 1100) == 0);
  CHECK(mapped_calls({"/3", 3, 2, 64 * 1024, 4096}, 100) == 0);
  CHECK(mapped_calls({"/4", 4, 2, 1 << 30}, 65'000) == 1);
  CHECK(mapped_calls({"/5", 5, 2, 1 << 30}, 66'000) == 0);
}
