// What every durable policy of the wal slot must do, over any environment. A policy of your own passes it so:
//
//     TEST_CASE("my_log: keeps the contract") { strata_tests::wal_contract<my_log,
//     strata::environment::in_memory>::all(); }
//
// Files are damaged as bytes, whatever the format: replay gives what was appended, or its beginning, or corruption;
// which of them is allowed is what each check says.
#ifndef STRATA_TESTS_WAL_CONTRACT_HPP
#define STRATA_TESTS_WAL_CONTRACT_HPP

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <thread>

#include <strata/environment/simulated.hpp>
#include <strata/wal/requirements.hpp>

#include "engine/failing_environment.hpp"
#include "test.hpp"

namespace strata_tests {

template <typename Policy, typename Environment>
class wal_contract {
 public:
  using writer = typename Policy::template writer<Environment>;

  static void all() {
    static_assert(strata::detail::check_wal<Policy, Environment>());
    static_assert(Policy::is_durable, "this contract is for policies that write");
    wal_contract{}.records_come_back_in_order();
    wal_contract{}.reopening_goes_on_where_records_end();
    wal_contract{}.the_first_error_of_the_reader_stops_replay();
    wal_contract{}.names_are_checked();
    wal_contract{}.synced_bytes_follow_sync();
    wal_contract{}.an_orderly_close_with_nothing_new_writes_nothing();
    wal_contract{}.a_seal_ends_the_segment();
    wal_contract{}.every_cut_leaves_a_prefix_that_can_be_reopened();
    wal_contract{}.damage_before_a_close_is_never_silent();
    wal_contract{}.damage_before_a_seal_is_never_silent();
    wal_contract{}.damage_below_a_promise_is_never_silent();
    wal_contract{}.damage_to_what_was_never_synced_leaves_a_prefix();
    wal_contract{}.lost_and_swapped_sectors_are_never_silent();
    wal_contract{}.what_lies_behind_the_end_is_told_apart();
    wal_contract{}.a_segment_of_another_store_or_number_gives_nothing();
    wal_contract{}.sync_runs_beside_append();
    failures_of_writes_and_syncs();
    whichever_call_fails_is_said();
    nothing_is_written_behind_a_failed_sync();
    a_close_behind_a_failed_seal_says_so();
    nothing_is_built_upon_a_promise_whose_sync_failed();
  }

 private:
  struct replayed {
    strata::result<strata::wal::tail> tail;
    std::vector<std::string> payloads;
    std::vector<std::uint64_t> offsets;
  };

  // A segment as bytes, with its records and where each ended.
  struct image {
    std::string bytes;
    std::vector<std::string> payloads;
    std::vector<std::uint64_t> ends;
  };

  using sizes = std::vector<std::size_t>;
  enum class syncs { never, after_each };
  enum class ending { dropped, closed, sealed };

  wal_contract() : directory_(environment_.temporary_directory().value()) {
    segment_.path = directory_ + "/000042.log";
    segment_.number = 42;
    segment_.store_id = 0x5eed;
  }
  ~wal_contract() {
    const std::vector<std::string> names = environment_.list_directory(directory_).value();
    for (const std::string& name : names) environment_.remove_file(directory_ + "/" + name).value();
    environment_.remove_directory(directory_).value();
  }
  wal_contract(const wal_contract&) = delete;
  wal_contract& operator=(const wal_contract&) = delete;

  std::uint64_t random() {
    std::uint64_t z = (seed_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  std::string random_bytes(std::size_t count) {
    std::string text(count, '\0');
    for (char& c : text) c = static_cast<char>(random() & 0xFF);
    return text;
  }

  replayed replay(const strata::wal::segment& s) const {
    std::vector<std::string> payloads;
    std::vector<std::uint64_t> offsets;
    auto tail = Policy::template replay<Environment>(
        environment_, s, [&](strata::bytes_view payload, std::uint64_t offset) -> strata::result<void> {
          payloads.emplace_back(payload);
          offsets.push_back(offset);
          return {};
        });
    return {std::move(tail), std::move(payloads), std::move(offsets)};
  }
  replayed replay() const { return replay(segment_); }

  std::string read_file() const {
    auto file = environment_.open_readable(segment_.path).value();
    std::string bytes(static_cast<std::size_t>(file.size()), '\0');
    REQUIRE(file.read(0, bytes.data(), bytes.size()).value() == bytes.size());
    return bytes;
  }
  void write_file(strata::bytes_view bytes) const {
    if (environment_.file_exists(segment_.path).value()) environment_.remove_file(segment_.path).value();
    auto file = environment_.create_file(segment_.path).value();
    if (!bytes.empty()) file.append(bytes).value();
    file.close().value();
  }

  image make_image(std::size_t records, std::size_t payload_bytes_max, syncs sync, ending end) {
    image made;
    {
      writer w = writer::create(environment_, segment_).value();
      for (std::size_t i = 0; i < records; ++i) {
        made.payloads.push_back(random_bytes(1 + random() % payload_bytes_max));
        w.append(made.payloads.back()).value();
        if (sync == syncs::after_each) w.sync().value();
        made.ends.push_back(w.bytes());
      }
      if (end == ending::closed) w.close().value();
      if (end == ending::sealed) {
        w.seal().value();
        w.sync().value();
      }
    }
    made.bytes = read_file();
    // Without close(), zeros that were written ahead may stand behind the end. Here it is where they would begin.
    if (end != ending::closed) {
      const std::uint64_t size = replay().tail.value().end;
      REQUIRE(made.bytes.find_first_not_of('\0', size) == std::string::npos);
      made.bytes.resize(size);
      write_file(made.bytes);
    }
    return made;
  }

  static bool is_prefix(const std::vector<std::string>& some, const std::vector<std::string>& all_of_them) {
    return some.size() <= all_of_them.size() && std::equal(some.begin(), some.end(), all_of_them.begin());
  }

  void records_come_back_in_order() {
    constexpr std::size_t three_mebibytes = std::size_t{3} << 20;
    sizes payload_sizes = {1, 2, 3, 4, 5, 8, 130, 65'515, 65'516, 65'517, 131'072, 1 << 20, three_mebibytes};
    for (int i = 0; i < 200; ++i) payload_sizes.push_back(1 + random() % (std::size_t{1} << (random() % 16)));
    std::vector<std::string> expected;
    std::uint64_t end = 0;
    {
      writer w = writer::create(environment_, segment_).value();
      for (const std::size_t size : payload_sizes) {
        expected.push_back(random_bytes(size));
        const std::uint64_t before = w.bytes();
        w.append(expected.back()).value();
        CHECK(w.bytes() >= before + size);
      }
      end = w.bytes();
    }
    const replayed all_of_it = replay();
    REQUIRE(all_of_it.tail.has_value());
    CHECK((all_of_it.payloads == expected));
    CHECK(std::adjacent_find(all_of_it.offsets.begin(), all_of_it.offsets.end(), std::greater_equal<>()) ==
          all_of_it.offsets.end());
    CHECK(all_of_it.tail->end == end);
    CHECK(all_of_it.tail->file_bytes == environment_.file_size(segment_.path).value());
    CHECK_FALSE(all_of_it.tail->sealed);
    CHECK_FALSE(all_of_it.tail->torn);
  }

  void reopening_goes_on_where_records_end() {
    std::vector<std::string> expected;
    writer::create(environment_, segment_).value().close().value();
    for (int round = 0; round < 40; ++round) {
      const replayed before = replay();
      REQUIRE(before.tail.has_value());
      REQUIRE((before.payloads == expected));
      writer w = writer::reopen(environment_, segment_, *before.tail).value();
      CHECK(w.bytes() >= before.tail->end);
      CHECK(w.synced_bytes() <= w.bytes());
      for (std::uint64_t i = random() % 4; i > 0; --i) {
        expected.push_back(random_bytes(1 + random() % 3000));
        w.append(expected.back()).value();
        if (random() % 2 == 0) w.sync().value();
      }
      if (random() % 2 == 0) w.close().value();
    }
    CHECK((replay().payloads == expected));
  }

  void the_first_error_of_the_reader_stops_replay() {
    make_image(10, 100, syncs::never, ending::closed);
    std::size_t seen = 0;
    const auto tail = Policy::template replay<Environment>(
        environment_, segment_, [&](strata::bytes_view, std::uint64_t) -> strata::result<void> {
          if (++seen == 4) return strata::error(strata::errc::decode_failed, "reader");
          return {};
        });
    REQUIRE_FALSE(tail.has_value());
    CHECK((tail.error() == strata::errc::decode_failed));
    CHECK(seen == 4);
  }

  void names_are_checked() {
    const replayed missing = replay();
    REQUIRE_FALSE(missing.tail.has_value());
    CHECK((missing.tail.error() == strata::errc::no_such_file));
    make_image(1, 10, syncs::never, ending::dropped);
    const auto again = writer::create(environment_, segment_);
    REQUIRE_FALSE(again.has_value());
    CHECK((again.error() == strata::errc::already_exists));
    CHECK(replay().payloads.size() == 1);
  }

  void synced_bytes_follow_sync() {
    writer w = writer::create(environment_, segment_).value();
    w.append("one").value();
    CHECK(w.synced_bytes() < w.bytes());
    w.sync().value();
    CHECK(w.synced_bytes() == w.bytes());
    w.append("two").value();
    CHECK(w.synced_bytes() < w.bytes());
    w.close().value();
    CHECK(w.synced_bytes() == w.bytes());
  }

  void an_orderly_close_with_nothing_new_writes_nothing() {
    for (const ending end : {ending::closed, ending::dropped}) {
      const image closed = make_image(end == ending::closed ? 3 : 0, 100, syncs::after_each, end);
      for (int round = 0; round < 3; ++round) {
        const replayed before = replay();
        writer w = writer::reopen(environment_, segment_, before.tail.value()).value();
        w.close().value();
        CHECK((read_file() == closed.bytes));
      }
      environment_.remove_file(segment_.path).value();
    }
  }

  void a_seal_ends_the_segment() {
    for (const std::size_t records : sizes{0, 1, 5}) {
      const image made = make_image(records, 100, syncs::never, ending::sealed);
      const replayed all_of_it = replay();
      REQUIRE(all_of_it.tail.has_value());
      CHECK(all_of_it.tail->sealed);
      CHECK_FALSE(all_of_it.tail->torn);
      CHECK(all_of_it.tail->end == made.bytes.size());
      CHECK((all_of_it.payloads == made.payloads));
      environment_.remove_file(segment_.path).value();
    }
  }

  void every_cut_leaves_a_prefix_that_can_be_reopened() {
    const image made = make_image(5, 40, syncs::after_each, ending::closed);
    for (std::size_t length = 0; length <= made.bytes.size(); ++length) {
      write_file(made.bytes.substr(0, length));
      const auto whole = static_cast<std::size_t>(
          std::count_if(made.ends.begin(), made.ends.end(), [&](std::uint64_t end) { return end <= length; }));
      replayed cut = replay();
      INFO("cut to " << length);
      if (!cut.tail.has_value()) FAIL(cut.tail.error().message());
      REQUIRE(cut.payloads.size() == whole);
      REQUIRE(is_prefix(cut.payloads, made.payloads));
      REQUIRE(cut.tail->end <= length);
      {
        writer w = writer::reopen(environment_, segment_, *cut.tail).value();
        w.append("behind the cut").value();
      }
      const replayed more = replay();
      REQUIRE(more.tail.has_value());
      cut.payloads.emplace_back("behind the cut");
      REQUIRE((more.payloads == cut.payloads));
    }
  }

  // Each byte × { flip of one bit, zero, 0xFF }: corruption, or every record up to `needed`, none wrong.
  void rot(const image& made, std::size_t needed, std::uint64_t first, std::uint64_t last) {
    std::size_t corruptions = 0;
    for (std::size_t at = static_cast<std::size_t>(first); at < last; ++at) {
      const char flipped = static_cast<char>(made.bytes[at] ^ (1 << (random() % 8)));
      for (const char mutation : {flipped, '\0', '\xFF'}) {
        std::string damaged = made.bytes;
        damaged[at] = mutation;
        write_file(damaged);
        const replayed found = replay();
        INFO("byte " << at << " of " << made.bytes.size() << " set to " << static_cast<int>(mutation));
        REQUIRE(is_prefix(found.payloads, made.payloads));
        if (found.tail.has_value()) {
          REQUIRE(found.payloads.size() >= needed);
          continue;
        }
        REQUIRE((found.tail.error() == strata::errc::corruption));
        REQUIRE(found.tail.error().file() == segment_.path);
        REQUIRE(found.tail.error().has_offset());
        REQUIRE(found.tail.error().offset() <= at);
        ++corruptions;
      }
    }
    if (needed != 0) CHECK(corruptions > 0);  // the detector fires
    if (needed == 0) CHECK(corruptions == 0);
  }

  void damage_before_a_close_is_never_silent() {
    for (const syncs sync : {syncs::after_each, syncs::never}) {
      const image made = make_image(12, 90, sync, ending::closed);
      rot(made, made.payloads.size(), 0, made.bytes.size());
      environment_.remove_file(segment_.path).value();
    }
  }

  void damage_before_a_seal_is_never_silent() {
    const image made = make_image(12, 90, syncs::never, ending::sealed);
    rot(made, made.payloads.size(), 0, made.bytes.size());
  }

  // No orderly end: the last record was synced, but nothing was written after it that says so.
  void damage_below_a_promise_is_never_silent() {
    const image made = make_image(12, 90, syncs::after_each, ending::dropped);
    rot(made, made.payloads.size() - 1, 0, made.bytes.size());
    rot(made, made.payloads.size(), 0, made.ends[made.ends.size() - 2]);
  }

  void damage_to_what_was_never_synced_leaves_a_prefix() {
    const image made = make_image(12, 90, syncs::never, ending::dropped);
    rot(made, 0, 0, made.bytes.size());
  }

  void lost_and_swapped_sectors_are_never_silent() {
    constexpr std::size_t sector = 512;
    const image made = make_image(60, 300, syncs::after_each, ending::closed);
    const std::size_t sectors = made.bytes.size() / sector;
    std::size_t corruptions = 0;
    const auto judge = [&](const std::string& damaged) {
      write_file(damaged);
      const replayed found = replay();
      REQUIRE(is_prefix(found.payloads, made.payloads));
      if (found.tail.has_value()) {
        REQUIRE((found.payloads == made.payloads));
      } else {
        REQUIRE((found.tail.error() == strata::errc::corruption));
        ++corruptions;
      }
    };
    for (std::size_t a = 0; a < sectors; ++a) {
      for (const char fill : {'\0', '\xFF', '\xA5'})
        judge(std::string(made.bytes).replace(a * sector, sector, sector, fill));
      const std::size_t b = (a + 1 + random() % (sectors - 1)) % sectors;
      const std::string other = made.bytes.substr(b * sector, sector);
      judge(std::string(made.bytes).replace(a * sector, sector, other));
      judge(std::string(made.bytes)
                .replace(b * sector, sector, made.bytes.substr(a * sector, sector))
                .replace(a * sector, sector, other));
    }
    CHECK(corruptions == 5 * sectors);
  }

  void what_lies_behind_the_end_is_told_apart() {
    for (const ending end : {ending::dropped, ending::closed, ending::sealed}) {
      const image made = make_image(6, 90, syncs::never, end);
      for (const std::size_t behind : sizes{1, 7, 8, 19, 20, 24, 40, 512, 4097, 300'000}) {
        for (const std::string& bytes :
             {std::string(behind, '\0'), random_bytes(behind - 1) + "x", std::string(behind - 1, '\0') + "x"}) {
          write_file(made.bytes + bytes);
          const replayed found = replay();
          REQUIRE(found.tail.has_value());
          REQUIRE((found.payloads == made.payloads));
          // What is appended next lies over a promise at the end.
          REQUIRE(found.tail->ends_in_promise == (end == ending::closed));
          REQUIRE(found.tail->end == (end == ending::closed ? made.ends.back() : made.bytes.size()));
          REQUIRE(found.tail->torn == (bytes.back() == 'x'));
          REQUIRE(found.tail->sealed == (end == ending::sealed));
          REQUIRE(found.tail->file_bytes == made.bytes.size() + behind);
        }
      }
      environment_.remove_file(segment_.path).value();
    }
  }

  void a_segment_of_another_store_or_number_gives_nothing() {
    make_image(6, 90, syncs::after_each, ending::closed);
    for (const bool other_store : {true, false}) {
      strata::wal::segment other = segment_;
      ++(other_store ? other.store_id : other.number);
      const replayed found = replay(other);
      CHECK(found.payloads.empty());
      if (!found.tail.has_value()) CHECK((found.tail.error() == strata::errc::corruption));
    }
  }

  // The bytes of the promise are read then, and no later sync brings them to disk.
  static void nothing_is_built_upon_a_promise_whose_sync_failed() {
    using strata::environment::disk_call;
    using strata::environment::simulated;
    using simulated_writer = typename Policy::template writer<simulated>;
    const strata::wal::segment segment{"000042.log", 42, 0x5eed, 0};
    const auto read = [&](const simulated& world, std::vector<std::string>& payloads) {
      return Policy::template replay<simulated>(world, segment, [&](strata::bytes_view payload, std::uint64_t) -> strata::result<void> {
        payloads.emplace_back(payload);
        return {};
      });
    };
    const simulated world;
    {
      simulated_writer w = simulated_writer::create(world, segment).value();
      world.sync_directory("").value();
      w.append("one").value();
      world.set_fault({.calls = static_cast<std::uint32_t>(disk_call::sync), .nth = 2});
      CHECK((w.close().error() == strata::errc::io_error));
      world.clear_fault();
    }
    std::vector<std::string> payloads;
    const strata::wal::tail tail = read(world, payloads).value();
    CHECK(tail.settled);
    simulated_writer w = simulated_writer::reopen(world, segment, tail).value();
    w.append("two").value();
    w.sync().value();
    w.append("three").value();
    w.sync().value();
    payloads.clear();
    read(world.after_power_cut({}), payloads).value();
    CHECK((payloads == std::vector<std::string>{"one", "two", "three"}));
  }

  // For the thread sanitizer; and no promise may be more than a sync had made true.
  void sync_runs_beside_append() {
    std::vector<std::string> expected;
    {
      writer w = writer::create(environment_, segment_).value();
      std::atomic<bool> done{false};
      std::thread syncing([&] {
        while (!done.load(std::memory_order_acquire)) {
          const std::uint64_t before = w.bytes();
          w.sync().value();
          if (w.synced_bytes() < before || w.synced_bytes() > w.bytes()) std::abort();
        }
      });
      for (int i = 0; i < 2000; ++i) {
        expected.push_back(random_bytes(1 + random() % 300));
        w.append(expected.back()).value();
      }
      done.store(true, std::memory_order_release);
      syncing.join();
      w.close().value();
    }
    const replayed found = replay();
    REQUIRE(found.tail.has_value());
    CHECK((found.payloads == expected));
  }

  // The same policy over an environment whose calls fail when they are told to.
  static void failures_of_writes_and_syncs() {
    using strata::errc;
    const failing_environment environment;
    strata::wal::segment s;
    s.path = environment.temporary_directory().value() + "/000042.log";
    s.number = 42;
    s.store_id = 0x5eed;
    using failing_writer = typename Policy::template writer<failing_environment>;
    const auto replay = [&](std::vector<std::string>& payloads) {
      payloads.clear();
      return Policy::template replay<failing_environment>(
                 environment, s,
                 [&](strata::bytes_view payload, std::uint64_t) -> strata::result<void> {
                   payloads.emplace_back(payload);
                   return {};
                 })
          .value();
    };
    const auto syncs = [&] {
      std::size_t count = 0;
      for (const auto& [what, path] : environment.trace()) count += what == call::sync;
      return count;
    };
    std::vector<std::string> payloads;
    for (const bool sync_fails : {false, true}) {
      {
        failing_writer w = failing_writer::create(environment, s).value();
        w.append("acknowledged").value();
        environment.fail(only(call::append), 1, errc::no_space);
        CHECK((w.append("no room").error() == errc::no_space));
        CHECK_FALSE(w.append("behind it").has_value());
        syncs();
        if (sync_fails) {
          environment.fail(only(call::sync), 1, errc::no_space);
          CHECK((w.sync().error() == errc::no_space));
          CHECK_FALSE(w.sync().has_value());
          CHECK(w.synced_bytes() < w.bytes());
        }
        // What was appended before is synced, and nothing is promised.
        CHECK_FALSE(w.close().has_value());
        CHECK(syncs() == 1);
      }
      CHECK(replay(payloads).promised == 0);
      CHECK((payloads == std::vector<std::string>{"acknowledged"}));
      environment.remove_file(s.path).value();
    }
    // A sync of a cut that failed is never taken for a lack of room that was mended.
    {
      failing_writer w = failing_writer::create(environment, s).value();
      w.append("one").value();
    }
    const std::uint64_t whole = environment.file_size(s.path).value();
    environment.open_writable(s.path, whole).value().append("torn").value();
    const strata::wal::tail tail = replay(payloads);
    REQUIRE(tail.torn);
    // A segment that can't be opened is left as it is.
    environment.fail(only(call::open_writable), 1, errc::too_many_open_files);
    CHECK((failing_writer::reopen(environment, s, tail).error() == errc::too_many_open_files));
    CHECK(replay(payloads).torn);
    environment.fail(only(call::sync), 1, errc::no_space);
    CHECK((failing_writer::reopen(environment, s, tail).error() == errc::io_error));
    CHECK(environment.fired());
  }

  static void whichever_call_fails_is_said() {
    using strata::errc;
    using strata::result;
    using failing_writer = typename Policy::template writer<failing_environment>;
    for (const bool seals : {false, true}) {
      for (std::uint64_t at = 1;; ++at) {
        INFO((seals ? "sealed" : "closed") << ", call " << at);
        const failing_environment environment;
        strata::wal::segment s;
        s.path = environment.temporary_directory().value() + "/000042.log";
        s.number = 42;
        s.store_id = 0x5eed;
        std::vector<std::string> payloads;
        const auto replay = [&]() -> result<void> {
          payloads.clear();
          auto tail = Policy::template replay<failing_environment>(
              environment, s, [&](strata::bytes_view payload, std::uint64_t) -> result<void> {
                payloads.emplace_back(payload);
                return {};
              });
          return tail.has_value() ? result<void>() : result<void>(tail.error());
        };
        std::size_t durable = 0;
        const auto live = [&]() -> result<void> {
          STRATA_TRY_LET(w, failing_writer::create(environment, s));
          STRATA_TRY(w.append("one"));
          STRATA_TRY(w.sync());
          durable = 1;
          STRATA_TRY(w.append("two"));
          if (seals) {
            STRATA_TRY(w.seal());
            STRATA_TRY(w.sync());
          }
          STRATA_TRY(w.close());
          durable = 2;
          return replay();
        };
        environment.fail(every_call, at, errc::io_error);
        const result<void> lived = live();
        const bool fired = environment.fired();
        environment.revive();
        CHECK(lived.has_value() != fired);
        if (!lived) CHECK((lived.error() == errc::io_error));
        if (environment.file_exists(s.path).value()) replay().value();
        CHECK(payloads.size() >= durable);
        CHECK(is_prefix(payloads, {"one", "two"}));
        if (!fired) break;
      }
    }
  }

  static void nothing_is_written_behind_a_failed_sync() {
    using strata::errc;
    const failing_environment environment;
    const std::string path = environment.temporary_directory().value() + "/000042.log";
    auto w = Policy::template writer<failing_environment>::create(environment, {path, 42, 0x5eed, 0}).value();
    w.append("one").value();
    environment.fail(only(call::sync), 1, errc::io_error);
    CHECK((w.sync().error() == errc::io_error));
    environment.trace();
    CHECK_FALSE(w.append("two").has_value());
    CHECK_FALSE(w.sync().has_value());
    CHECK_FALSE(w.seal().has_value());
    CHECK_FALSE(w.close().has_value());
    for (const auto& [what, where] : environment.trace()) CHECK((what != call::append && what != call::sync));
  }

  // Whichever of its calls it was: the sync, or the write.
  static void a_close_behind_a_failed_seal_says_so() {
    using strata::errc;
    for (const call kind : {call::sync, call::append}) {
      const failing_environment environment;
      const std::string path = environment.temporary_directory().value() + "/000042.log";
      auto w = Policy::template writer<failing_environment>::create(environment, {path, 42, 0x5eed, 0}).value();
      w.append("one").value();
      environment.fail(only(kind), 1, errc::io_error);
      CHECK((w.seal().error() == errc::io_error));
      CHECK_FALSE(w.close().has_value());
    }
  }

  Environment environment_;
  std::string directory_;
  strata::wal::segment segment_;
  std::uint64_t seed_ = 20'260'101;
};

}  // namespace strata_tests

#endif
