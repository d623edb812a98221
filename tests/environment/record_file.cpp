#include "test.hpp"

#include <algorithm>

#include <strata/environment/in_memory.hpp>
#include <strata/environment/record_file.hpp>
#include <strata/environment/simulated.hpp>

#include "environment/contract.hpp"
#include "environment/scripted.hpp"

namespace {

using namespace strata;
using strata_tests::scripted;
using strata_tests::splitmix64;
using writer = record_writer<scripted>;

const record_file_settings file{"f", "STRATWAL", 42, 0x0102030405060708, 0};

struct replayed {
  result<record_tail> tail;
  std::vector<std::string> payloads;
};

replayed replay(const scripted& e, const record_file_settings& settings = file) {
  std::vector<std::string> payloads;
  auto tail = replay_records(e, settings, [&](bytes_view payload, std::uint64_t) -> result<void> {
    payloads.emplace_back(payload);
    return {};
  });
  return {std::move(tail), std::move(payloads)};
}

std::string hex(bytes_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    text += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::string unhex(bytes_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1]));
  return bytes;
}

// The header, "hello", a sync, "world!", the seal.
const char* const golden =
    "535452415457414c010000008b675ccd08070605040302012a000000000000008877665544332211774b2ef305000000150000008b675ccd"
    "d6fe234e68656c6c6f00000000000000821d3f2e0600000001000000774b2ef373c4697f776f726c642100000000000051e1d22c00000000"
    "02000000821d3f2ec74b674800000000";

bool is_prefix(const std::vector<std::string>& some, const std::vector<std::string>& all) {
  return some.size() <= all.size() && std::equal(some.begin(), some.end(), all.begin());
}

std::uint64_t count_of(const scripted& e, bytes_view operation) {
  std::uint64_t count = 0;
  for (const std::string& one : e.state().operations) count += one == operation;
  return count;
}

bool fails_with(const result<record_tail>& tail, errc code, std::uint64_t offset) {
  return !tail.has_value() && tail.error() == code && tail.error().file() == "f" && tail.error().offset() == offset;
}

}  // namespace

TEST_CASE("record file: is these bytes for ever") {
  const scripted e;
  writer w = writer::create(e, file).value();
  w.append("hello").value();
  w.sync().value();
  w.append("world!").value();
  w.seal().value();
  CHECK(hex(e.file("f").now) == golden);
}

TEST_CASE("record file: reads the bytes of format version 1") {
  const scripted e;
  e.put("f", unhex(golden));
  const replayed found = replay(e);
  REQUIRE(found.tail.has_value());
  CHECK((found.payloads == std::vector<std::string>{"hello", "world!"}));
  CHECK(found.tail->end == unhex(golden).size());
  CHECK(found.tail->promised == 104);
  CHECK(found.tail->sealed);
  CHECK(found.tail->settled);
  CHECK_FALSE(found.tail->torn);
}

TEST_CASE("record file: a call outside its contract is refused and changes nothing") {
  STATIC_REQUIRE(std::movable<writer>);
  STATIC_REQUIRE_FALSE(std::copyable<writer>);
  const scripted e;
  writer w = writer::create(e, file).value();
  CHECK((w.append("").error() == errc::invalid_argument));
  // Refused for its size alone: no byte of it is looked at.
  CHECK((w.append(bytes_view("one", record_payload_bytes_max + 1)).error() == errc::invalid_argument));
  w.append("one").value();
  writer moved = std::move(w);
  moved.append("two").value();
  moved.seal().value();
  const std::string sealed = e.file("f").now;
  CHECK((moved.append("three").error() == errc::closed));
  CHECK((moved.seal().error() == errc::closed));
  moved.close().value();
  moved.close().value();
  CHECK((moved.append("three").error() == errc::closed));
  CHECK((moved.sync().error() == errc::closed));
  CHECK(e.file("f").now == sealed);
  CHECK(e.file("f").durable == sealed);
  const replayed found = replay(e);
  CHECK((found.payloads == std::vector<std::string>{"one", "two"}));
  CHECK((writer::reopen(e, file, *found.tail).error() == errc::invalid_argument));
  CHECK(e.file("f").now == sealed);
}

TEST_CASE("record file: a record is one write, a sync with nothing new none") {
  const scripted e;
  writer w = writer::create(e, file).value();
  const std::uint64_t before = count_of(e, "append");
  w.append(std::string(130, 'x')).value();
  w.append(std::string(60'000, 'x')).value();
  CHECK(count_of(e, "append") == before + 2);
  CHECK(w.bytes() == record_file_header_bytes + record_bytes(130) + record_bytes(60'000));
  w.sync().value();
  w.sync().value();
  CHECK(count_of(e, "sync") == 1);
}

TEST_CASE("record file: room that the file system has not is no error") {
  for (const std::uint64_t failing : {std::uint64_t{0}, std::uint64_t{2}}) {
    const scripted e;
    e.state().fails_at = failing;
    record_file_settings roomy = file;
    roomy.preallocate_bytes = 1 << 20;
    CHECK(writer::create(e, roomy).has_value());
    CHECK(count_of(e, "preallocate") == 1);
    CHECK(writer::reopen(e, roomy, *replay(e).tail).has_value());
    CHECK(count_of(e, "preallocate") == 2);
  }
}

TEST_CASE("record file: zeros that the file system does not write are no error, and not asked for again") {
  for (const std::uint64_t failing : {std::uint64_t{0}, std::uint64_t{1}}) {
    const scripted e;
    record_file_settings ahead = file;
    ahead.zeros_ahead_bytes = 4096;
    ahead.maps_ahead = GENERATE(false, true);
    writer w = writer::create(e, ahead).value();
    e.state().fails_at = failing;
    w.append("one").value();
    w.append("two").value();
    CHECK(count_of(e, "zero_fill") == (ahead.maps_ahead ? 0 : 1));
    CHECK(count_of(e, "map_ahead") == (ahead.maps_ahead ? 1 : 0));
    CHECK(replay(e, ahead).payloads == std::vector<std::string>{"one", "two"});
  }
}

TEST_CASE("record file: records go over zeros that were written ahead, and those behind them are its end") {
  const environment::simulated world;
  using simulated_writer = record_writer<environment::simulated>;
  record_file_settings ahead{"/f", "STRATWAL", 42, 7};
  ahead.zeros_ahead_bytes = 4096;
  ahead.maps_ahead = GENERATE(false, true);
  const auto size = [&] { return world.file_size(ahead.path).value(); };
  std::vector<std::string> found;
  const auto replay_all = [&] {
    found.clear();
    return replay_records(world, ahead, [&](bytes_view payload, std::uint64_t) -> result<void> {
      found.emplace_back(payload);
      return {};
    });
  };
  simulated_writer w = simulated_writer::create(world, ahead).value();
  REQUIRE(world.sync_directory("/").has_value());
  std::vector<std::string> all;
  const auto append = [&](std::string payload) {
    REQUIRE(w.append(payload).has_value());
    REQUIRE(w.sync().has_value());
    all.push_back(std::move(payload));
  };
  append("first");
  const std::uint64_t first_end = size();
  CHECK(first_end == record_file_header_bytes + 4096);
  while (w.bytes() + record_bytes(100) <= first_end) append(std::string(100, 'x'));
  CHECK(size() == first_end);

  SECTION("where they end, the next stand behind them") {
    const std::uint64_t at = w.bytes();
    append(std::string(100, 'y'));
    CHECK(size() == at + 4096);
  }
  SECTION("a large record goes without") {
    append(std::string(8000, 'y'));
    CHECK(size() == w.bytes());
  }
  SECTION("a seal, a promise and reopening") {
    const bool seals = GENERATE(false, true);
    REQUIRE((seals ? w.seal() : w.close()).has_value());
    const record_tail tail = replay_all().value();
    CHECK(found == all);
    CHECK(tail.sealed == seals);
    CHECK(tail.settled);
    CHECK_FALSE(tail.torn);
    if (seals) return;
    w = simulated_writer::reopen(world, ahead, tail).value();
    append("behind");
    CHECK(size() == tail.end + 4096);
  }
  SECTION("a byte among them that is none was never a record") {
    for (std::uint64_t offset = w.bytes(); offset < first_end; ++offset) {
      REQUIRE(world.overwrite(ahead.path, offset, '\1').has_value());
      const record_tail tail = replay_all().value();
      CHECK(tail.torn);
      CHECK(found == all);
      REQUIRE(world.overwrite(ahead.path, offset, '\0').has_value());
    }
  }
  SECTION("a failure other than the lack of room is one of the append") {
    world.set_fault({.calls = environment::disk_call::zero_fill | environment::disk_call::map_ahead, .nth = 1});
    CHECK(w.append(std::string(100, 'y')).error() == errc::io_error);
    CHECK(w.append("z").error() == errc::read_only);
    CHECK(replay_all().has_value());
    CHECK(found == all);
    return;
  }
  REQUIRE(w.close().has_value());
  CHECK(replay_all().value().end != 0);
  CHECK(found == all);
}

TEST_CASE("record file: of a record whose copy into mapped memory was cut short any words may be there: it never was") {
  // A process is killed between two stores of a copy, which may go in any order.
  using world = environment::in_memory;
  record_file_settings mapped = file;
  std::string before, whole;
  {
    const world e;
    auto w = record_writer<world>::create(e, mapped).value();
    w.append("first").value();
    w.append("second").value();
    before = contract::contents_of(e, mapped.path);
    w.append("the third, of some words").value();
    whole = contract::contents_of(e, mapped.path);
  }
  const std::size_t words = (whole.size() - before.size()) / 8;
  REQUIRE(words == 6);
  for (unsigned there = 0; there < (1u << words); ++there) {
    const world e;
    std::string bytes = before + std::string(4096, '\0');
    for (std::size_t word = 0; word < words; ++word)
      if ((there >> word & 1) != 0) bytes.replace(before.size() + 8 * word, 8, whole, before.size() + 8 * word, 8);
    e.create_file(mapped.path).value().append(bytes).value();
    std::vector<std::string> found;
    const auto replay_all = [&] {
      found.clear();
      return replay_records(e, mapped, [&](bytes_view payload, std::uint64_t) -> result<void> {
               found.emplace_back(payload);
               return {};
             }).value();
    };
    const record_tail tail = replay_all();
    std::vector<std::string> expected{"first", "second"};
    // The last word is padding, which is zeros as well.
    const bool is_whole = bytes.compare(0, whole.size(), whole) == 0;
    if (is_whole) expected.push_back("the third, of some words");
    CHECK(found == expected);
    CHECK(tail.torn == (!is_whole && there != 0));
    auto again = record_writer<world>::reopen(e, mapped, tail).value();
    again.append("next").value();
    again.close().value();
    expected.push_back("next");
    replay_all();
    CHECK(found == expected);
  }
}

namespace {

// Files that are shorter than they were when they were opened.
class shrunk : public environment::in_memory {
 public:
  class readable_file {
   public:
    readable_file(in_memory::readable_file now, std::uint64_t left, std::shared_ptr<std::size_t> most)
        : now_(std::move(now)), left_(left), most_(std::move(most)) {}
    result<std::size_t> read(std::uint64_t offset, char* to, std::size_t count) const {
      *most_ = (std::max)(*most_, count);
      if (offset >= left_) return std::size_t{0};
      return now_.read(offset, to, static_cast<std::size_t>(std::min<std::uint64_t>(count, left_ - offset)));
    }
    std::uint64_t size() const { return now_.size(); }

   private:
    in_memory::readable_file now_;
    std::uint64_t left_;
    std::shared_ptr<std::size_t> most_;
  };
  result<readable_file> open_readable(std::string_view path) const {
    STRATA_TRY_LET(now, in_memory::open_readable(path));
    return readable_file(std::move(now), *left, most_asked_for);
  }
  std::shared_ptr<std::uint64_t> left = std::make_shared<std::uint64_t>(0);
  std::shared_ptr<std::size_t> most_asked_for = std::make_shared<std::size_t>(0);
};

}  // namespace

TEST_CASE("record file: what is cut off while it is read is as if it had never been there") {
  const shrunk e;
  {
    auto w = record_writer<shrunk>::create(e, file).value();
    for (const char* payload : {"one", "the second", "and the third of all"}) w.append(payload).value();
  }
  const std::uint64_t end = e.file_size(file.path).value();
  e.open_writable(file.path, end).value().append(std::string(300'000, '\0')).value();
  const std::uint64_t whole = e.file_size(file.path).value();
  for (std::uint64_t cut = 0; cut <= whole; cut += cut < end + 100 ? 1 : 10'007) {
    std::string found[2];
    record_tail tails[2];
    for (const bool truly : {false, true}) {
      *e.left = cut;
      record_file_settings read = file;
      if (truly) {
        read.path = "cut";
        e.create_file(read.path).value().append(contract::contents_of(environment::in_memory(e), file.path).substr(0, cut)).value();
        *e.left = whole;
      }
      tails[truly ? 1 : 0] = replay_records(e, read, [&](bytes_view payload, std::uint64_t) -> result<void> {
                               found[truly ? 1 : 0] += std::string(payload) + "|";
                               return {};
                             }).value();
    }
    e.remove_file("cut").value();
    CHECK(found[0] == found[1]);
    CHECK(tails[0].end == tails[1].end);
    CHECK(tails[0].torn == tails[1].torn);
    CHECK(tails[0].file_bytes == tails[1].file_bytes);
  }
}

TEST_CASE("record file: room that the file system has changes no byte") {
  std::string images[2];
  for (const bool has_room : {false, true}) {
    const scripted e;
    e.state().preallocates = has_room;
    record_file_settings roomy = file;
    roomy.preallocate_bytes = 1 << 20;
    writer w = writer::create(e, roomy).value();
    CHECK(count_of(e, "preallocate") == 1);
    w.append("one").value();
    w.close().value();
    images[has_room] = e.file("f").now;
  }
  CHECK(images[0] == images[1]);
}

TEST_CASE("record file: a preallocation that fails for anything but room is said") {
  const scripted e;
  e.state().no_room = errc::io_error;
  record_file_settings roomy = file;
  roomy.preallocate_bytes = 1 << 20;
  e.state().fails_at = 2;
  CHECK((writer::create(e, roomy).error() == errc::io_error));
  CHECK(e.file("f").now.empty());
  e.state().fails_at = 2;
  CHECK((writer::reopen(e, roomy, *replay(e).tail).error() == errc::io_error));
  CHECK(e.file("f").now.empty());
  // What has its room already asks for none.
  e.state().fails_at = 0;
  writer::reopen(e, roomy, *replay(e).tail).value().append(std::string(1 << 20, 'x')).value();
  e.state().operations.clear();
  CHECK(writer::reopen(e, roomy, *replay(e).tail).has_value());
  CHECK(count_of(e, "preallocate") == 0);
}

TEST_CASE("record file: whichever call of a reopening fails is said, and no record is lost") {
  for (const bool begun : {false, true}) {
    std::size_t failed = 0;
    for (std::uint64_t failing = 1;; ++failing) {
      INFO((begun ? "a torn record" : "a torn creation") << ", call " << failing);
      const scripted e;
      if (begun) writer::create(e, file).value().append("one").value();
      e.put("f", (begun ? e.file("f").now : "") + "torn");
      const replayed found = replay(e);
      REQUIRE(found.tail->torn);
      e.state().fails_at = failing;
      auto reopened = writer::reopen(e, file, *found.tail);
      const bool fired = e.state().fails_at == 0;
      CHECK(reopened.has_value() != fired);
      failed += fired;
      e.state().fails_at = 0;
      const replayed again = replay(e);
      REQUIRE(again.tail.has_value());
      CHECK((again.payloads == found.payloads));
      writer more = fired ? writer::reopen(e, file, *again.tail).value() : std::move(*reopened);
      more.append("two").value();
      CHECK(replay(e).payloads.size() == found.payloads.size() + 1);
      if (!fired) break;
    }
    // The cut, its sync, a promise over it and the sync of that; or the header.
    CHECK(failed == (begun ? 4 : 3));
  }
}

TEST_CASE("record file: a long record without padding takes one write less, and any of them may fail") {
  for (const std::size_t padding : {std::size_t{0}, std::size_t{3}}) {
    const std::string payload(70'004 - padding, 'x');
    REQUIRE(record_bytes(payload.size()) == record_header_bytes + payload.size() + padding);
    const std::uint64_t writes = padding == 0 ? 2 : 3;
    for (std::uint64_t failing = 0; failing <= writes; ++failing) {
      const scripted e;
      writer w = writer::create(e, file).value();
      e.state().operations.clear();
      e.state().fails_at = failing;
      CHECK(w.append(payload).has_value() == (failing == 0));
      CHECK(count_of(e, "append") == (failing == 0 ? writes : failing));
      const replayed found = replay(e);
      REQUIRE(found.tail.has_value());
      CHECK(found.payloads == (failing == 0 ? std::vector<std::string>{payload} : std::vector<std::string>{}));
    }
  }
}

TEST_CASE("record file: the window shows the bytes of a file wherever it is asked for them") {
  splitmix64 random(11);
  const scripted e;
  using window_type = detail::record_file_window<scripted::readable_file>;
  const std::string bytes = random.bytes(3 * window_type::window_bytes + 123);
  e.put("f", bytes);
  const std::string path = "f";
  window_type window(e.open_readable(path).value(), path);
  REQUIRE(window.file_bytes() == bytes.size());
  const auto shows = [&](std::size_t offset, std::size_t count) {
    const auto seen = window.view(offset, count);
    return seen.has_value() && *seen == bytes_view(bytes).substr(offset, count);
  };
  CHECK(shows(0, 10));
  CHECK(shows(window_type::window_bytes - 10, 20));        // over the end of what it holds
  CHECK(shows(5, 20));                                     // before it
  CHECK(shows(bytes.size() - 7, 7));                       // far behind it
  CHECK(shows(0, bytes.size()));                           // more than it has room for
  CHECK(shows(bytes.size() - 7, 7));
  for (int i = 0; i < 2000; ++i) {
    const std::size_t offset = static_cast<std::size_t>(random.below(bytes.size()));
    REQUIRE(shows(offset, static_cast<std::size_t>(random.below((std::min)(bytes.size() - offset, window_type::window_bytes)))));
  }
}

TEST_CASE("record file: after any failure nothing is written, what was appended before is synced, once and no more") {
  for (const bool tears : {false, true}) {
    for (std::uint64_t failing = 1;; ++failing) {
      const scripted e;
      e.state().tears = tears;
      e.state().fails_at = failing;
      const std::vector<std::string> all = {"one", std::string(70'001, '2'), "three"};
      std::size_t synced = 0;
      bool failed = false;
      auto created = writer::create(e, file);
      if (!created) continue;
      writer& w = *created;
      for (std::size_t i = 0; i < all.size() && !failed; ++i) {
        failed = !w.append(all[i]) || !w.sync();
        if (!failed) synced = i + 1;
      }
      if (!failed) failed = !w.append("four") || !w.seal() || !w.sync();
      if (failed) {
        const std::string left = e.file("f").now;
        const std::uint64_t syncs = count_of(e, "sync");
        const bool failed_sync = e.state().operations.back() == "sync";
        const bool unsynced = w.synced_bytes() < w.bytes();
        CHECK((w.append("more").error() == errc::read_only));
        if (failed_sync) {
          CHECK((w.sync().error() == errc::read_only));
        } else {
          w.sync().value();
          CHECK(w.synced_bytes() == w.bytes());
          w.sync().value();
        }
        CHECK((w.seal().error() == errc::read_only));
        CHECK((w.close().error() == errc::read_only));
        w.close().value();
        CHECK(e.file("f").now == left);
        CHECK(count_of(e, "sync") == syncs + (!failed_sync && unsynced ? 1 : 0));
        CHECK(count_of(e, "close") == 1);
      }
      e.state().fails_at = 0;
      const replayed found = replay(e);
      REQUIRE(found.tail.has_value());
      REQUIRE(found.payloads.size() >= synced);
      if (found.payloads.size() > all.size()) CHECK(found.payloads.back() == "four");
      REQUIRE(is_prefix({found.payloads.begin(), found.payloads.begin() + static_cast<std::ptrdiff_t>(synced)}, all));
      if (!failed) break;
    }
  }
}

TEST_CASE("record file: a failed close says so and the file is closed all the same") {
  const scripted e;
  writer w = writer::create(e, file).value();
  w.append("one").value();
  e.state().fails_at = 2;  // the promise, behind the sync
  CHECK((w.close().error() == errc::no_space));
  CHECK(count_of(e, "close") == 1);
  w.close().value();
  CHECK(count_of(e, "close") == 1);
  CHECK(replay(e).payloads.size() == 1);
}

TEST_CASE("record file: what stood before a failed append is synced by close, or by a sync that may fail but once") {
  for (const bool tears : {false, true}) {
    for (const bool sync_fails : {false, true}) {
      const scripted e;
      e.state().tears = tears;
      writer w = writer::create(e, file).value();
      w.append("acknowledged").value();
      const std::string good = e.file("f").now;
      e.state().fails_at = 1;
      CHECK((w.append("no room").error() == errc::no_space));
      const std::string left = e.file("f").now;
      e.state().operations.clear();
      if (sync_fails) {
        e.state().fails_at = 1;
        CHECK((w.sync().error() == errc::io_error));
        CHECK((w.sync().error() == errc::read_only));
      }
      CHECK((w.close().error() == errc::read_only));
      CHECK((e.state().operations == std::vector<std::string>{"sync", "close"}));
      CHECK(e.file("f").now == left);
      if (!sync_fails) CHECK(e.file("f").durable.substr(0, good.size()) == good);
      const replayed found = replay(e);
      CHECK((found.payloads == std::vector<std::string>{"acknowledged"}));
      CHECK(found.tail->promised == 0);
      CHECK_FALSE(found.tail->settled);
    }
  }
}

TEST_CASE("record file: a torn end is cut and synced before anything is written") {
  const scripted e;
  {
    writer w = writer::create(e, file).value();
    w.append("one").value();
  }
  const std::string whole = e.file("f").now;
  e.put("f", whole + "half a record");
  const replayed found = replay(e);
  REQUIRE(found.tail->torn);
  e.state().operations.clear();
  writer w = writer::reopen(e, file, *found.tail).value();
  CHECK((e.state().operations == std::vector<std::string>{"cut", "sync", "append", "sync"}));
  CHECK(e.file("f").durable.substr(0, whole.size()) == whole);
  CHECK(e.file("f").durable.size() == whole.size() + 24);  // a promise, where the torn record was
  CHECK(w.synced_bytes() == w.bytes());

  e.put("f", whole + std::string(100, '\0'));
  const replayed zeros = replay(e);
  e.state().operations.clear();
  writer clean = writer::reopen(e, file, *zeros.tail).value();
  CHECK((e.state().operations == std::vector<std::string>{"cut"}));
  CHECK(clean.synced_bytes() == 0);
}

TEST_CASE("record file: any power cut leaves a prefix with all that was synced, over and over") {
  splitmix64 random(7);
  for (int world = 0; world < 3000; ++world) {
    const scripted e;
    const std::size_t sector_bytes = world % 3 == 0 ? 512 : world % 3 == 1 ? 8 : 1;
    std::vector<std::string> history;
    std::size_t synced = 0;
    bool created = false;
    for (int life = 0; life < 4; ++life) {
      INFO("world " << world << ", life " << life);
      record_tail tail;
      if (created) {
        const replayed found = replay(e);
        if (!found.tail.has_value()) FAIL(found.tail.error().message());
        REQUIRE(is_prefix(found.payloads, history));
        REQUIRE(found.payloads.size() >= synced);
        REQUIRE((replay(e).payloads == found.payloads));
        history = found.payloads;
        synced = (std::min)(synced, history.size());
        tail = *found.tail;
      }
      auto opened = created ? writer::reopen(e, file, tail) : writer::create(e, file);
      writer& w = opened.value();
      created = true;
      for (std::uint64_t i = random.below(8); i > 0; --i) {
        history.push_back(random.bytes(1 + random.below(3) * 40));  // few sizes: old and new records share their places
        w.append(history.back()).value();
        if (random.below(3) == 0) {
          w.sync().value();
          synced = history.size();
        }
      }
      if (random.below(4) == 0) {
        w.close().value();
        synced = history.size();
      }
      e.power_cut("f", random, sector_bytes);
    }
  }
}

TEST_CASE("record file: an old record in the place of a newer one is noticed") {
  const scripted e;
  std::uint64_t second = 0;
  {
    writer w = writer::create(e, file).value();
    w.append("first").value();
    second = w.bytes();
    w.append("old 2").value();
    w.append("old 3").value();
  }
  const std::string old = e.file("f").now;
  e.put("f", old.substr(0, static_cast<std::size_t>(second)));
  const replayed cut = replay(e);
  {
    writer w = writer::reopen(e, file, *cut.tail).value();
    w.append("new 2").value();
    CHECK(e.file("f").now.size() < old.size());
  }
  const std::string unsynced = e.file("f").now;
  {
    writer w = writer::reopen(e, file, *replay(e).tail).value();
    w.append("new 3").value();
    w.close().value();
  }
  const std::string closed = e.file("f").now;
  const auto record = static_cast<std::size_t>(record_bytes(5));
  const auto at = static_cast<std::size_t>(second);

  SECTION("before what promises the newer: damage") {
    e.put("f", std::string(closed).replace(at, record, old.substr(at, record)));
    CHECK(fails_with(replay(e).tail, errc::corruption, second));
    // The chain breaks between two records; the first of them is where the damage is said to begin.
    e.put("f", std::string(closed).replace(at + record, record, old.substr(at + record, record)));
    CHECK(fails_with(replay(e).tail, errc::corruption, second));
  }
  SECTION("behind a newer one that nobody promised: the torn end") {
    e.put("f", unsynced + old.substr(at + record));
    const replayed found = replay(e);
    REQUIRE(found.tail.has_value());
    CHECK((found.payloads == std::vector<std::string>{"first", "new 2"}));
    CHECK(found.tail->end == second + record);
    CHECK(found.tail->torn);
  }
}

TEST_CASE("record file: a payload full of the file's own records proves nothing") {
  const scripted e;
  std::string stuffed;
  {
    writer w = writer::create(e, file).value();
    for (int i = 0; i < 20; ++i) {
      w.append("record").value();
      w.sync().value();
    }
    stuffed = e.file("f").now + "\x01" + e.file("f").now;
    w.append(stuffed).value();
  }
  std::string torn = e.file("f").now;
  torn.resize(torn.size() - 100);
  e.put("f", torn);
  const replayed found = replay(e);
  REQUIRE(found.tail.has_value());
  CHECK(found.payloads.size() == 20);
  CHECK(found.tail->torn);
}

TEST_CASE("record file: a promise is found wherever it stands behind the damage") {
  constexpr std::size_t window = std::size_t{128} << 10;
  for (std::size_t distance = window - 64; distance <= window + 64; distance += 8) {
    const scripted e;
    std::uint64_t promising = 0;
    {
      writer w = writer::create(e, file).value();
      w.append(std::string(distance - record_header_bytes, 'x')).value();
      w.sync().value();
      promising = w.bytes();
      REQUIRE(promising >= record_file_header_bytes + distance);
      w.append("promises all before it").value();
    }
    std::string damaged = e.file("f").now;
    damaged[record_file_header_bytes + 5] ^= 1;
    e.put("f", damaged);
    CHECK(fails_with(replay(e).tail, errc::corruption, record_file_header_bytes));
    // Its payload need not be there; its header must.
    e.put("f", damaged.substr(0, static_cast<std::size_t>(promising) + record_header_bytes));
    CHECK(fails_with(replay(e).tail, errc::corruption, record_file_header_bytes));
    e.put("f", damaged.substr(0, static_cast<std::size_t>(promising) + record_header_bytes - 1));
    CHECK(replay(e).tail.has_value());
  }
}

TEST_CASE("record file: a length is believed only as far as the file goes") {
  const scripted e;
  writer::create(e, file).value().close().value();
  record_header header;
  header.length = static_cast<std::uint32_t>(record_payload_bytes_max);
  header.previous = replay(e).tail->chain;
  std::string record(record_header_bytes + 100, 'x');
  store_record_header(record.data(), header, record_file_header_bytes, record_file_seed(file.identity()));
  e.put("f", e.file("f").now + record);
  const replayed found = replay(e);
  REQUIRE(found.tail.has_value());
  CHECK(found.tail->end == record_file_header_bytes);
  CHECK(found.tail->torn);

  const shrunk counted;
  const std::string bytes = e.file("f").now;
  counted.create_file(file.path).value().append(bytes).value();
  *counted.left = bytes.size();
  const auto tail = replay_records(counted, file, [](bytes_view, std::uint64_t) -> result<void> { return {}; });
  CHECK(tail.value().end == record_file_header_bytes);
  CHECK(*counted.most_asked_for <= bytes.size());
}

TEST_CASE("record file: a torn creation is told from a damaged and from a foreign file") {
  const scripted e;
  {
    writer w = writer::create(e, file).value();
    w.append("unsynced").value();
  }
  const std::string unsynced = e.file("f").now;
  {
    writer w = writer::reopen(e, file, *replay(e).tail).value();
    w.close().value();
  }
  const std::string promised = e.file("f").now;
  splitmix64 random(3);

  SECTION("torn: nothing in it was promised; it can be made again, and nothing old comes back") {
    const std::string zeros(record_file_header_bytes, '\0');
    for (const std::string& bytes :
         {std::string(), unsynced.substr(0, 1), unsynced.substr(0, record_file_header_bytes - 1), zeros,
          unsynced.substr(0, 20) + zeros.substr(20), random.bytes(record_file_header_bytes), random.bytes(1000),
          zeros + unsynced.substr(record_file_header_bytes)}) {
      e.put("f", bytes);
      const replayed found = replay(e);
      REQUIRE(found.tail.has_value());
      CHECK(found.tail->end == 0);
      CHECK(found.payloads.empty());
      CHECK(found.tail->torn == (bytes.find_first_not_of('\0') != std::string::npos));
      writer w = writer::reopen(e, file, *found.tail).value();
      CHECK(w.bytes() == record_file_header_bytes);
      if (found.tail->torn) CHECK(e.file("f").durable.empty());
      // As if the cut had not held: what the old header was chained to is not what the new one is.
      e.put("f", e.file("f").now + unsynced.substr(record_file_header_bytes));
      CHECK(replay(e).payloads.empty());
      CHECK(replay(e).tail->torn);
    }
  }
  SECTION("damaged: something in it was promised") {
    for (std::size_t at = 0; at < record_file_header_bytes; ++at) {
      std::string bytes = promised;
      bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
      e.put("f", bytes);
      CHECK(fails_with(replay(e).tail, errc::corruption, 0));
    }
    e.put("f", std::string(promised).replace(0, 40, 40, '\0'));
    CHECK(fails_with(replay(e).tail, errc::corruption, 0));
  }
  SECTION("foreign: the header is intact and says so") {
    for (const std::string& bytes : {unsynced, promised}) {
      e.put("f", bytes);
      CHECK(fails_with(replay(e, {"f", "STRATMAN", 42, file.store_id, 0}).tail, errc::not_a_store, 0));
      CHECK(fails_with(replay(e, {"f", file.magic, 43, file.store_id, 0}).tail, errc::corruption, 0));
      CHECK(fails_with(replay(e, {"f", file.magic, 42, 1, 0}).tail, errc::corruption, 0));
      std::string later = bytes;
      store_fixed(later.data() + 8, record_format_version + 1);
      store_fixed(later.data() + 12, record_file_header_checksum(later.data()));
      e.put("f", later);
      CHECK(fails_with(replay(e).tail, errc::unsupported_version, 0));
    }
  }
}

TEST_CASE("record file: in one that is named at once another file's header is garbage like any other") {
  record_file_settings log = file;
  log.naming = record_file_naming::at_once;
  const scripted e;
  // What removed files left: an older segment, sealed and full of promises; one of another store; a manifest.
  const auto leftover = [&](const record_file_settings& of) {
    e.state().files.clear();
    writer w = writer::create(e, of).value();
    for (int i = 0; i < 50; ++i) {
      w.append("record " + std::to_string(i)).value();
      w.sync().value();
    }
    w.seal().value();
    w.close().value();
    return e.file("f").now;
  };
  const std::string stale[] = {leftover({"f", file.magic, 41, file.store_id, 0}), leftover({"f", file.magic, 42, 1, 0}),
                               leftover({"f", "STRATMAN", 42, file.store_id, 0})};
  e.state().files.clear();
  {
    writer w = writer::create(e, log).value();
    w.append("synced").value();
    w.sync().value();
    w.append("promises").value();
  }
  const std::string own = e.file("f").now;

  SECTION("nothing was promised: a torn creation, which is made again") {
    for (const std::string& old : stale) {
      e.put("f", old);
      CHECK_FALSE(replay(e).tail.has_value());  // where the header is durable before the name
      const replayed found = replay(e, log);
      REQUIRE(found.tail.has_value());
      CHECK(found.payloads.empty());
      CHECK(found.tail->end == 0);
      CHECK(found.tail->torn);
      CHECK_FALSE(found.tail->sealed);
      e.state().operations.clear();
      {
        writer w = writer::reopen(e, log, *found.tail).value();
        CHECK((e.state().operations == std::vector<std::string>{"cut", "sync", "append"}));
        w.append("new").value();
      }
      // As if the cut had not held.
      e.put("f", e.file("f").now + old.substr(e.file("f").now.size()));
      CHECK((replay(e, log).payloads == std::vector<std::string>{"new"}));
      CHECK(replay(e, log).tail->torn);
    }
  }
  SECTION("its own records promise something: damage") {
    for (const std::string& old : stale) {
      e.put("f", std::string(own).replace(0, record_file_header_bytes, old.substr(0, record_file_header_bytes)));
      CHECK(fails_with(replay(e, log).tail, errc::corruption, 0));
    }
  }
  SECTION("another file's records behind its own are a torn end, whatever they promise") {
    for (const std::string& old : stale) {
      for (std::size_t kept = record_file_header_bytes; kept <= own.size(); kept += record_alignment) {
        e.put("f", own.substr(0, kept) + old.substr(kept));
        const replayed found = replay(e, log);
        if (!found.tail.has_value()) FAIL(found.tail.error().message());
        CHECK(found.tail->torn);
        CHECK_FALSE(found.tail->sealed);
        CHECK(found.payloads.size() <= 2);
      }
    }
  }
  SECTION("a later version's says so") {
    std::string later = own;
    store_fixed(later.data() + 8, record_format_version + 1);
    store_fixed(later.data() + 12, record_file_header_checksum(later.data()));
    e.put("f", later);
    CHECK(fails_with(replay(e, log).tail, errc::unsupported_version, 0));
  }
}

TEST_CASE("record file: a header that another life of the file had is damage where records were promised") {
  const scripted e;
  writer::create(e, file).value().close().value();
  const std::string old_header = e.file("f").now;
  e.put("f", "");
  {
    writer w = writer::reopen(e, file, *replay(e).tail).value();
    w.append("one").value();
    w.close().value();
  }
  const std::string closed = e.file("f").now;
  REQUIRE(closed.substr(0, record_file_header_bytes) != old_header);
  e.put("f", std::string(closed).replace(0, record_file_header_bytes, old_header));
  CHECK(fails_with(replay(e).tail, errc::corruption, 0));
}

TEST_CASE("record file: a read that fails is said, wherever it happens") {
  const scripted e;
  {
    writer w = writer::create(e, file).value();
    // Behind it the window ends within the header of the next.
    constexpr std::size_t window_bytes = detail::record_file_window<scripted::readable_file>::window_bytes;
    w.append(std::string(window_bytes - 8 - record_header_bytes - record_file_header_bytes, 'x')).value();
    REQUIRE(w.bytes() == window_bytes - 8);
    for (int i = 0; i < 6; ++i) w.append(std::string(100'000, 'x')).value();
  }
  e.put("f", e.file("f").now + std::string(300'000, 'x'));
  e.state().operations.clear();
  REQUIRE(replay(e).tail->torn);
  const std::size_t reads = e.state().operations.size();
  REQUIRE(reads > 5);
  for (std::size_t failing = 1; failing <= reads; ++failing) {
    e.state().fails_at = failing;
    const replayed found = replay(e);
    REQUIRE_FALSE(found.tail.has_value());
    CHECK((found.tail.error() == errc::io_error));
  }
}
