#include "test.hpp"

#include <strata/environment/in_memory.hpp>
#include <strata/environment/posix.hpp>
#include <strata/environment/simulated.hpp>
#include <strata/wal/archetype.hpp>
#include <strata/wal/mapped.hpp>

#include <thread>

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
  CHECK(mapped_calls({"/4", 4, 2, 1 << 30}, 32'700) == 1);
  CHECK(mapped_calls({"/5", 5, 2, 1 << 30}, 33'000) == 0);
}

namespace {

std::string numbered(int number, std::size_t bytes) { return std::to_string(number) + std::string(bytes, 'x'); }

// How many records the segment holds, each of which says which it is.
template <typename Environment>
int records_of(const Environment& e, const wal::segment& s) {
  int seen = 0;
  const auto tail = wal::mapped::replay(e, s, [&](bytes_view payload, std::uint64_t) -> result<void> {
    REQUIRE(payload.substr(0, payload.find('x')) == std::to_string(seen++));
    return {};
  });
  REQUIRE(tail.has_value());
  CHECK_FALSE(tail->torn);
  return seen;
}

}  // namespace

TEST_CASE("mapped: room is wanted once when half of it is used up, and again when it was made") {
  const environment::simulated world;
  const wal::segment s{"/1", 1, 2, 64 * 1024};  // 16 KiB at a time
  auto writer = wal::mapped::writer<environment::simulated>::create(world, s).value();
  CHECK_FALSE(writer.wants_room());
  std::vector<std::uint64_t> wanted;
  for (int i = 0; writer.bytes() < 60'000; ++i) {
    writer.append(numbered(i, 500)).value();
    if (!writer.wants_room()) continue;
    CHECK_FALSE(writer.wants_room());
    wanted.push_back(writer.bytes() / 8192);
    writer.make_room();
    CHECK(world.file_size("/1").value() >= writer.bytes() + 16'384);
  }
  CHECK((wanted == std::vector<std::uint64_t>{1, 3, 5, 7}));
  writer.seal().value();
  writer.make_room();  // nothing any more
  const std::uint64_t sealed = world.file_size("/1").value();
  writer.make_room();
  CHECK(world.file_size("/1").value() == sealed);
  writer.close().value();
  CHECK(records_of(world, s) > 100);
}

TEST_CASE("mapped: without the room that was wanted, appends make their own or go without") {
  using environment::disk_call;
  for (const bool tears : {false, true}) {
    for (std::uint64_t failing = 1; failing < 6; ++failing) {
      const environment::simulated world;
      const wal::segment s{"/1", 1, 2, 64 * 1024};
      auto writer = wal::mapped::writer<environment::simulated>::create(world, s).value();
      world.set_fault({.calls = static_cast<std::uint32_t>(disk_call::map_ahead), .nth = failing, .code = errc::no_space, .tears = tears});
      int count = 0;
      for (; writer.bytes() < 60'000; ++count) {
        writer.append(numbered(count, 500)).value();
        if (writer.wants_room() && failing % 2 == 0) writer.make_room();
      }
      CHECK(world.calls_failed() == (failing < 5 ? 1u : 0u));
      writer.close().value();
      CHECK(records_of(world, s) == count);
    }
  }
}

TEST_CASE("mapped: after an append that failed no room is made") {
  const environment::simulated world;
  auto writer = wal::mapped::writer<environment::simulated>::create(world, {"/1", 1, 2, 64 * 1024}).value();
  writer.append(numbered(0, 500)).value();
  world.set_fault({.calls = static_cast<std::uint32_t>(environment::disk_call::append), .nth = 1, .code = errc::no_space});
  CHECK_FALSE(writer.append(numbered(1, 20'000)).has_value());  // behind the zeros
  const std::uint64_t bytes = world.file_size("/1").value();
  writer.make_room();
  CHECK(world.file_size("/1").value() == bytes);
}

TEST_CASE("mapped: a seal of what is synced syncs nothing") {
  const auto check = [](auto policy) {
    using writer_type = typename decltype(policy)::template writer<environment::simulated>;
    const environment::simulated world;
    auto writer = writer_type::create(world, {"/1", 1, 2, 64 * 1024}).value();
    writer.append("record").value();
    writer.sync().value();
    world.set_fault({.calls = static_cast<std::uint32_t>(environment::disk_call::sync), .nth = 1});
    CHECK(writer.seal().has_value());
    CHECK(world.calls_failed() == 0);
  };
  check(wal::mapped());
  check(wal::segmented());
  check(wal::archetype());
}

TEST_CASE("mapped: room is made beside appends of every size, and nothing is lost") {
  const environment::posix e;
  const std::string directory = e.temporary_directory().value();
  const wal::segment s{directory + "/000001.log", 1, 2, 64 * 1024};
  auto writer = wal::mapped::writer<environment::posix>::create(e, s).value();
  std::atomic<int> asked{0};
  std::atomic<bool> over{false};
  std::thread room([&] {
    for (int done = 0; !over.load(); done += asked.load() != done) {
      if (asked.load() == done) std::this_thread::yield();
      else writer.make_room();
    }
  });
  int count = 0;
  for (; count < 4'000; ++count) {
    // Most are copies; some are calls, which jump over what is being made.
    const std::size_t bytes = count % 17 == 0 ? 1'500 + static_cast<std::size_t>(count % 5) * 9'000 : static_cast<std::size_t>(count * 37 % 900);
    writer.append(numbered(count, bytes)).value();
    if (writer.wants_room()) ++asked;
  }
  over = true;
  room.join();
  CHECK(asked.load() > 10);
  CHECK(records_of(e, s) == count);
  writer.close().value();
  CHECK(records_of(e, s) == count);
  e.remove_file(s.path).value();
  e.remove_directory(directory).value();
}

TEST_CASE("mapped: so it is in every order of the threads") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    const environment::simulated world({.seed = seed, .switch_one_in = static_cast<std::uint32_t>(1 + seed % 3)});
    const wal::segment s{"/1", 1, 2, 64 * 1024};
    auto writer = wal::mapped::writer<environment::simulated>::create(world, s).value();
    std::atomic<std::uint32_t> asked{0};
    bool over = false;
    auto room = world.start_thread("room", [&]() noexcept {
      while (!over) {
        world.wait(asked, 0);
        asked.store(0);
        writer.make_room();
      }
    }).value();
    int count = 0;
    for (; count < 60; ++count) {
      writer.append(numbered(count, count % 9 == 0 ? 6'000 : static_cast<std::size_t>(count * 37 % 900))).value();
      if (!writer.wants_room()) continue;
      asked.store(1);
      world.wake_one(asked);
    }
    over = true;
    asked.store(1);
    world.wake_one(asked);
    room.join();
    CHECK(records_of(world, s) == count);
    writer.close().value();
    CHECK(records_of(world, s) == count);
  }
}
