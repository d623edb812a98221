// A real process, killed by SIGKILL at random moments while threads of it write; it opens the same store again and again.
// What it has said to be committed is there afterwards, whole, and of each thread everything before it.
//
// Each thread writes its own ring of keys: commit n of thread t puts key n modulo ring_keys, with a value that is made of
// t and n. So the store stays small, every key is overwritten, and the state after commit n is known from n alone.
#include "engine/stores.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include <strata/environment/posix.hpp>

using namespace strata_tests;

namespace {

using posix_store = default_store<strata::environment::posix>;

constexpr std::size_t threads_max = 3;
constexpr std::uint64_t ring_keys = 150;

std::string ring_key(std::size_t thread, std::uint64_t commit) {
  return std::to_string(thread) + "/" + std::to_string(commit % ring_keys);
}
std::string ring_value(std::size_t thread, std::uint64_t commit) {
  random_numbers random(thread << 32 | commit);
  const std::size_t bytes = random.one_in(40) ? 4000 : random.below(500);
  return std::to_string(commit) + ":" + random.bytes(bytes);
}

// What goes through the pipe, in one atomic write: thread · 2^48 + commit.
constexpr std::uint64_t acknowledgement(std::size_t thread, std::uint64_t commit) {
  return std::uint64_t{thread} << 48 | commit;
}

strata::options kill_options(strata::durability mode) {
  strata::options amounts = tiny_options();
  amounts.durability = mode;
  return amounts;
}

// The child: writes until it is killed. Never returns.
[[noreturn]] void write_until_killed(const std::string& directory, strata::durability mode,
                                     const std::array<std::uint64_t, threads_max>& next, int acknowledgements) {
  auto opened = posix_store::open(strata::environment::posix(), directory, kill_options(mode));
  if (!opened) {
    std::fprintf(stderr, "child: %s\n", opened.error().message().c_str());
    ::_exit(3);
  }
  posix_store& store = **opened;
  std::vector<std::thread> writers;
  for (std::size_t t = 0; t < threads_max; ++t) {
    writers.emplace_back([&, t] {
      strata::engine::write_batch batch;
      for (std::uint64_t commit = next[t];; ++commit) {
        batch.clear();
        // Both land or none: the second says how far the thread has come.
        batch.put(0, ring_key(t, commit), ring_value(t, commit));
        batch.put(0, "last/" + std::to_string(t), std::to_string(commit));
        auto committed = store.commit(batch, strata::durability::none);
        if (!committed) {
          std::fprintf(stderr, "child: %s\n", committed.error().message().c_str());
          ::_exit(4);
        }
        const std::uint64_t said = acknowledgement(t, commit);
        if (::write(acknowledgements, &said, sizeof said) != sizeof said) ::_exit(5);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  ::_exit(6);
}

struct kill_run {
  std::string directory;
  std::array<std::uint64_t, threads_max> next{};  // commits 0 … next - 1 are there
  std::uint64_t acknowledged = 0;
  std::uint64_t unacknowledged = 0;  // there without having been said
  strata::sequence_number highest = 0;

  // Lets the child write until it has acknowledged `count` commits, kills it, and returns the last of each thread.
  std::array<std::uint64_t, threads_max> kill_after(std::size_t count, strata::durability mode) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      write_until_killed(directory, mode, next, ends[1]);
    }
    ::close(ends[1]);
    std::array<std::uint64_t, threads_max> behind = next;
    bool killed = false;
    std::size_t read_so_far = 0;
    std::uint64_t said = 0;
    if (count == 0) killed = ::kill(child, SIGKILL) == 0;
    while (::read(ends[0], &said, sizeof said) == sizeof said) {
      const auto thread = static_cast<std::size_t>(said >> 48);
      const std::uint64_t commit = said & 0xFFFFFFFFFFFF;
      if (thread >= threads_max || commit != behind[thread]) FAIL("the child's acknowledgements are out of order");
      behind[thread] = commit + 1;
      ++acknowledged;
      if (++read_so_far >= count && !killed) killed = ::kill(child, SIGKILL) == 0;
    }
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (!WIFSIGNALED(status)) FAIL("the child ended by itself, status " << WEXITSTATUS(status));
    return behind;
  }

  // Opens the store and checks it against what was acknowledged.
  void check(const std::array<std::uint64_t, threads_max>& acknowledged_before, strata::durability mode) {
    auto opened = posix_store::open(strata::environment::posix(), directory, kill_options(mode));
    require_ok(opened);
    posix_store& store = **opened;
    if (store.last_sequence() < highest) FAIL("sequences went back");
    highest = store.last_sequence();
    contents expected;
    for (std::size_t t = 0; t < threads_max; ++t) {
      const std::optional<std::string> last = get(store, "last/" + std::to_string(t));
      const std::uint64_t there = last ? std::stoull(*last) + 1 : 0;
      if (there < acknowledged_before[t]) FAIL("thread " << t << ": " << acknowledged_before[t] << " commits acknowledged, " << there << " there");
      // One commit at a time a thread: at most one was under way.
      if (there > acknowledged_before[t] + 1) FAIL("thread " << t << ": commits that were never begun");
      unacknowledged += there - acknowledged_before[t];
      next[t] = there;
      if (last) expected["last/" + std::to_string(t)] = *last;
      for (std::uint64_t commit = there > ring_keys ? there - ring_keys : 0; commit < there; ++commit)
        expected[ring_key(t, commit)] = ring_value(t, commit);
    }
    if (scan(store) != expected) FAIL("values are not whole, or not the newest");
    require_ok(store.verify());
    require_ok(store.close());
  }
};

}  // namespace

TEST_CASE("what a killed process had acknowledged is there", "[engine][kill]") {
  const strata::environment::posix environment;
  auto directory = environment.temporary_directory();
  require_ok(directory);
  random_numbers random(20'240);
  kill_run run;
  run.directory = *directory + "/store";
  const std::size_t kills = rounds(400, 100'000);
  for (std::size_t round = 0; round < kills; ++round) {
    INFO("kill " << round);
    const auto mode = round % 2 == 0 ? strata::durability::buffered : strata::durability::strict;
    // Now and then at once: while the store is being made or recovered.
    const std::size_t count = random.one_in(12) ? 0 : 1 + random.below(mode == strata::durability::strict ? 100 : 600);
    run.check(run.kill_after(count, mode), mode);
  }
  WARN(kills << " kills, " << run.acknowledged << " commits acknowledged and there, " << run.unacknowledged
             << " there unacknowledged");
  CHECK(run.acknowledged > kills * 20);
  for (const std::string& name : sorted_names(environment, run.directory))
    require_ok(environment.remove_file(run.directory + "/" + name));
  require_ok(environment.remove_directory(run.directory));
  require_ok(environment.remove_directory(*directory));
}
