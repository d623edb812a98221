#include "test.hpp"

#include "environment/contract.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include <strata/environment/posix.hpp>

using strata::errc;
using strata::environment::posix;
namespace detail = strata::environment::detail;

static_assert(strata::requirements::environment<posix>);
static_assert(strata::detail::check_environment<posix>());
static_assert(std::is_same_v<posix::strata_slot, strata::slot::environment>);

namespace {

// Runs `body` in a forked child and gives its exit status. The child ends without destructors or handlers of ours.
template <typename Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = -1;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

// What a child makes of a lock: 0 it got it, 1 in use, 2 something else.
int try_lock(const std::string& path) {
  const auto lock = posix().lock_file(path);
  if (lock) return 0;
  return lock.error() == errc::in_use ? 1 : 2;
}

struct pipe_pair {
  pipe_pair() { REQUIRE(::pipe(ends) == 0); }
  ~pipe_pair() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void tell() const { static_cast<void>(::write(ends[1], "x", 1) == 1); }
  void await() const {
    char byte;
    while (::read(ends[0], &byte, 1) < 0 && errno == EINTR) continue;
  }
  int ends[2] = {-1, -1};
};

bool closed_on_exec(int number) { return (::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0; }

// Those of the process below 512.
std::vector<int> open_descriptors() {
  std::vector<int> numbers;
  for (int number = 0; number < 512; ++number)
    if (::fcntl(number, F_GETFD) != -1) numbers.push_back(number);
  return numbers;
}

}  // namespace

TEST_CASE("posix: files are written as the contract says", "[environment][posix]") { contract::check_writing(posix()); }
TEST_CASE("posix: files are reopened as the contract says", "[environment][posix]") {
  contract::check_reopening(posix());
}
TEST_CASE("posix: files are read as the contract says", "[environment][posix]") { contract::check_reading(posix()); }
TEST_CASE("posix: names are as the contract says", "[environment][posix]") { contract::check_names(posix()); }
TEST_CASE("posix: directories are as the contract says", "[environment][posix]") {
  contract::check_directories(posix());
}
TEST_CASE("posix: locks are as the contract says", "[environment][posix]") { contract::check_locks(posix()); }
TEST_CASE("posix: clocks are as the contract says", "[environment][posix]") { contract::check_clocks(posix()); }
TEST_CASE("posix: threads are as the contract says", "[environment][posix][threads]") {
  contract::check_threads(posix());
}
TEST_CASE("posix: files bear many threads", "[environment][posix][threads]") {
  contract::check_files_from_threads(posix());
}
TEST_CASE("posix: a lock bears many threads", "[environment][posix][threads]") {
  contract::check_locks_from_threads(posix());
}

TEST_CASE("posix: each error number has the code that a program can act on", "[environment][posix]") {
  CHECK(detail::posix_code(ENOSPC) == errc::no_space);
  CHECK(detail::posix_code(EDQUOT) == errc::no_space);
  CHECK(detail::posix_code(EACCES) == errc::permission_denied);
  CHECK(detail::posix_code(EPERM) == errc::permission_denied);
  CHECK(detail::posix_code(EROFS) == errc::permission_denied);
  CHECK(detail::posix_code(ENOENT) == errc::no_such_file);
  CHECK(detail::posix_code(ENOTDIR) == errc::no_such_file);
  CHECK(detail::posix_code(EEXIST) == errc::already_exists);
  CHECK(detail::posix_code(EMFILE) == errc::too_many_open_files);
  CHECK(detail::posix_code(ENFILE) == errc::too_many_open_files);
  CHECK(detail::posix_code(ENOMEM) == errc::out_of_memory);
  CHECK(detail::posix_code(EIO) == errc::io_error);
  CHECK(detail::posix_code(ELOOP) == errc::io_error);
}

TEST_CASE("posix: an error has the number of the system, and the offset where there is one", "[environment][posix]") {
  const contract::scratch<posix> s{posix()};
  CHECK(s.e.open_readable(s / "none").error().system_error() == ENOENT);
  CHECK_FALSE(s.e.open_readable(s / "none").error().has_offset());
  CHECK(s.e.create_file(s.root).error().system_error() == EEXIST);

  // A device that has no room: an append fails at its offset, and the size does not count what was not written.
  if (auto full = s.e.open_writable("/dev/full", 0)) {
    const auto refused = full->append("abc");
    contract::check_failed(refused, errc::no_space, "/dev/full");
    CHECK(refused.error().system_error() == ENOSPC);
    CHECK(refused.error().has_offset());
    CHECK(refused.error().offset() == 0);
    CHECK(full->size() == 0);
  }
}

TEST_CASE("posix: a write cut short by a limit goes on and then says where it ended", "[environment][posix]") {
  const contract::scratch<posix> s{posix()};
  const std::string path = s / "file";
  // In a child, since the limit is the process's. The system writes what fits, then refuses.
  const int outcome = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    limit.rlim_cur = limit.rlim_max = 10'000;
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 10;
    auto file = s.e.create_file(path);
    if (!file || !file->append(std::string(6000, 'a'))) return 11;
    const auto cut = file->append(std::string(6000, 'b'));
    if (cut) return 12;
    if (cut.error().code() != errc::io_error || cut.error().system_error() != EFBIG) return 13;
    if (!cut.error().has_offset() || cut.error().offset() != 10'000) return 14;
    // Of zeros that do not fit some are there, and the end is where it was.
    auto filled = s.e.create_file(s / "filled");
    if (!filled || !filled->append("a")) return 15;
    const auto refused = filled->zero_fill(50'000);
    if (refused) return 16;
    if (refused.error().system_error() != EFBIG || refused.error().offset() != 10'000) return 17;
    if (filled->size() != 1 || !filled->append("b")) return 18;
    // Nothing is mapped that was not written.
    if (filled->map_ahead(50'000) || !filled->append("c")) return 19;
    return 0;
  });
  CHECK(outcome == 0);
  CHECK(contract::contents_of(s.e, path) == std::string(6000, 'a') + std::string(4000, 'b'));
  CHECK(contract::contents_of(s.e, s / "filled") == "abc" + std::string(9997, '\0'));
}

TEST_CASE("posix: a forked child, and its child, have process ids of their own", "[environment][posix]") {
  const std::uint64_t own = posix::process_id();
  CHECK(own == static_cast<std::uint64_t>(::getpid()));
  const auto is_own = [] { return posix::process_id() == static_cast<std::uint64_t>(::getpid()); };
  CHECK(in_child([&] {
          if (!is_own() || posix::process_id() == own) return 1;
          return in_child([&] { return is_own() ? 0 : 2; });
        }) == 0);
  CHECK(posix::process_id() == own);
}

#if defined(__linux__)
TEST_CASE("posix: a thread of low priority is so alone", "[environment][posix]") {
  const auto niceness = [] { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid))); };
  const int before = niceness();
  int lowered = 0;
  posix::start_thread("low", [&]() noexcept {
    posix::lower_priority();
    lowered = niceness();
  }).value().join();
  CHECK(lowered == std::min(before + 10, 19));
  CHECK(niceness() == before);
}
#endif

TEST_CASE("posix: what was copied into a mapped part of a file survives the process", "[environment][posix]") {
  const contract::scratch<posix> s{posix()};
  const std::string path = s / "file";
  const int outcome = in_child([&] {
    auto file = s.e.create_file(path);
    if (!file || !file->append("head ")) return 10;
    const auto mapped = file->map_ahead(100'000);
    if (!mapped) return mapped.error() == errc::unsupported ? 99 : 11;
    for (int i = 0; i < 1000; ++i)
      if (!file->append("0123456789")) return 12;
    ::_exit(0);  // nothing is closed, synced or unmapped
  });
  if (outcome == 99) {
    WARN("not tested: this file system is not one to map files of");
    return;
  }
  CHECK(outcome == 0);
  std::string expected = "head ";
  for (int i = 0; i < 1000; ++i) expected += "0123456789";
  expected.resize(100'000);
  CHECK(contract::contents_of(s.e, path) == expected);
}

TEST_CASE("posix: where nothing can be mapped, nothing is written there", "[environment][posix]") {
  CHECK_FALSE(detail::mapped_part::suits(-1));
  detail::mapped_part part;
  CHECK_FALSE(part.map(-1, 0, 4096));
  CHECK_FALSE(part.write(0, "a"));
  detail::mapped_part moved = std::move(part);
  CHECK_FALSE(moved.write(0, "a"));
}

TEST_CASE("posix: descriptors are closed on exec, and given back", "[environment][posix]") {
  const contract::scratch<posix> s{posix()};
  const std::vector<int> before = open_descriptors();
  {
    auto writer = s.e.create_file(s / "file").value();
    auto reader = s.e.open_readable(s / "file").value();
    auto lock = s.e.lock_file(s / "LOCK").value();
    const std::vector<int> during = open_descriptors();
    CHECK(during.size() == before.size() + 3);
    for (int number : during)
      if (std::find(before.begin(), before.end(), number) == before.end()) CHECK(closed_on_exec(number));
    s.e.sync_directory(s.root).value();
    CHECK(s.e.list_directory(s.root).value().size() == 2);
    CHECK_FALSE(s.e.lock_file(s / "LOCK"));
    CHECK_FALSE(s.e.create_file(s / "file"));
    CHECK_FALSE(s.e.open_writable(s / "file", 1));
    CHECK_FALSE(s.e.open_readable(s.root));
    CHECK(open_descriptors() == during);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("posix: no file takes the place of a closed standard stream", "[environment][posix]") {
  const contract::scratch<posix> s{posix()};
  const std::string path = s / "file";
  const int outcome = in_child([&] {
    ::close(2);
    ::close(1);
    auto file = s.e.create_file(path);
    if (!file || !file->append("abc")) return 10;
    if (::fcntl(1, F_GETFD) != -1 || ::fcntl(2, F_GETFD) != -1) return 11;
    static_cast<void>(::write(2, "panic", 5) == 5);
    return file->close() ? 0 : 12;
  });
  CHECK(outcome == 0);
  CHECK(contract::contents_of(s.e, path) == "abc");
}

TEST_CASE("posix: too many open files is an error of its own, and passes", "[environment][posix]") {
  const contract::scratch<posix> s{posix()};
  const int outcome = in_child([&] {
    rlimit limit{};
    limit.rlim_cur = limit.rlim_max = 32;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 10;
    std::vector<posix::writable_file> files;
    for (int i = 0; i < 40; ++i) {
      auto file = s.e.create_file(s / std::to_string(i));
      if (!file) {
        if (file.error().code() != errc::too_many_open_files) return 11;
        files.pop_back();
        return s.e.create_file(s / std::to_string(i)) ? 0 : 12;
      }
      files.push_back(std::move(*file));
    }
    return 13;
  });
  CHECK(outcome == 0);
}

TEST_CASE("posix: what the system forbids is permission_denied", "[environment][posix]") {
  if (::geteuid() == 0) return;  // everything is allowed to root
  const contract::scratch<posix> s{posix()};
  contract::write_file(s.e, s / "file", "abc");
  REQUIRE(::chmod((s / "file").c_str(), 0) == 0);
  contract::check_failed(s.e.open_readable(s / "file"), errc::permission_denied, s / "file");
  contract::check_failed(s.e.open_writable(s / "file", 0), errc::permission_denied, s / "file");
}

TEST_CASE("posix: TMPDIR says where temporary directories are made", "[environment][posix]") {
  const contract::scratch<posix> s{posix()};
  const char* const set = std::getenv("TMPDIR");
  const std::optional<std::string> before = set == nullptr ? std::nullopt : std::optional<std::string>(set);
  ::setenv("TMPDIR", s.root.c_str(), 1);
  const auto made = s.e.temporary_directory();
  ::setenv("TMPDIR", (s / "none").c_str(), 1);
  const auto nowhere = s.e.temporary_directory();
  before ? ::setenv("TMPDIR", before->c_str(), 1) : ::unsetenv("TMPDIR");
  CHECK(made.value().starts_with(s.root + "/"));
  struct stat status {};
  REQUIRE(::stat(made.value().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  CHECK(nowhere.error() == errc::no_such_file);
  CHECK_FALSE(nowhere.error().file().empty());
}

TEST_CASE("posix: a lock holds off another process and ends with its process", "[environment][posix]") {
  const contract::scratch<posix> s{posix()};
  const std::string path = s / "LOCK";
  CHECK(in_child([&] { return try_lock(path); }) == 0);
  CHECK(s.e.lock_file(path));
  {
    const auto held = s.e.lock_file(path).value();
    CHECK(in_child([&] { return try_lock(path); }) == 1);
    CHECK(in_child([&] { return try_lock(s / "./LOCK"); }) == 1);
  }
  CHECK(in_child([&] { return try_lock(path); }) == 0);

  // Held by a child, until it is killed.
  const pipe_pair locked;
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = posix().lock_file(path);
    if (!lock) ::_exit(1);
    locked.tell();
    for (;;) ::pause();
  }
  locked.await();
  const auto refused = s.e.lock_file(path);
  CHECK(in_child([&] { return try_lock(path); }) == 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  contract::check_failed(refused, errc::in_use, path);
  CHECK(s.e.lock_file(path));
}

TEST_CASE("posix: closing another descriptor of the lock file does not end the lock", "[environment][posix]") {
  const contract::scratch<posix> s{posix()};
  const std::string path = s / "LOCK";
  const auto held = s.e.lock_file(path).value();
  ::close(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  { const auto reader = s.e.open_readable(path).value(); }
  CHECK_FALSE(s.e.lock_file(path));
  CHECK(in_child([&] { return try_lock(path); }) == 1);
}

TEST_CASE("posix: a forked child has no part in its parent's lock", "[environment][posix]") {
  const contract::scratch<posix> s{posix()};
  const std::string path = s / "LOCK";
  std::optional<posix::file_lock> held = s.e.lock_file(path).value();

  // The child's copy ends; the parent's lock stays.
  CHECK(in_child([&] {
          held.reset();
          return try_lock(path);
        }) == 1);
  CHECK(in_child([&] { return try_lock(path); }) == 1);
  CHECK_FALSE(s.e.lock_file(path));

  // The parent gives it back while a child with a copy lives on: nobody is kept out.
  const pipe_pair forked;
  const pipe_pair released;
  const pid_t child = ::fork();
  if (child == 0) {
    forked.tell();
    released.await();
    ::_exit(try_lock(path));  // not hindered by the entry that it inherited
  }
  forked.await();
  held.reset();
  CHECK(s.e.lock_file(path));
  released.tell();
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("posix: a lock in a static object may go last", "[environment][posix]") {
  const contract::scratch<posix> s{posix()};
  const std::string path = s / "LOCK";
  CHECK(in_child([&] {
          static std::optional<posix::file_lock> late;
          auto lock = posix().lock_file(path);
          if (!lock) return 1;
          late.emplace(std::move(*lock));
          late.reset();
          return try_lock(path);
        }) == 0);
}

TEST_CASE("posix: a started thread leaves signals to the program's own threads", "[environment][posix][threads]") {
  const posix e;
  sigset_t inside;
  sigemptyset(&inside);
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  char name[32] = {};
  e.start_thread("strata: a rather long name",
                 [&]() noexcept {
                   pthread_sigmask(SIG_SETMASK, nullptr, &inside);
                   pthread_getname_np(pthread_self(), name, sizeof name);
                 })
      .value()
      .join();
  CHECK(sigismember(&inside, SIGTERM) == 1);
  CHECK(sigismember(&inside, SIGALRM) == 1);
  CHECK(sigismember(&inside, SIGSEGV) == 0);
  CHECK(std::string(name) == "strata: a rathe");
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  CHECK(sigismember(&after, SIGTERM) == sigismember(&before, SIGTERM));
}

TEST_CASE("posix: a directory of many files is listed whole", "[environment][posix]") {
  const contract::scratch<posix> s{posix()};
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    expected.push_back("f" + std::to_string(1000 + i));
    contract::write_file(s.e, s / expected.back(), "");
  }
  CHECK(contract::sorted_names(s.e, s.root) == expected);
}
