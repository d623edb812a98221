// What `environment::posix` is made of: the operating system's calls with their errors, descriptors, locks.
//
// Thread safety: a descriptor belongs to one thread at a time; the set of locks is anyone's.
//
// Invariant: every descriptor is close-on-exec, and none is 0, 1 or 2: where a program has closed its standard streams,
// what anyone prints must not land in a file of ours.
#ifndef STRATA_ENVIRONMENT_POSIX_CALLS_HPP
#define STRATA_ENVIRONMENT_POSIX_CALLS_HPP

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/types.h>
#if defined(__linux__)
#include <sys/vfs.h>
#endif
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <strata/core/bytes.hpp>
#include <strata/core/result.hpp>

namespace strata::inline STRATA_ABI::environment {

namespace detail {

static_assert(sizeof(off_t) == 8, "strata: environment::posix: build with -D_FILE_OFFSET_BITS=64");

// What an error number means to a program.
[[nodiscard]] inline errc posix_code(int number) noexcept {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
      return errc::no_space;
    case EACCES:
    case EPERM:
    case EROFS:
      return errc::permission_denied;
    case ENOENT:
    case ENOTDIR:
      return errc::no_such_file;
    case EEXIST:
      return errc::already_exists;
    case EMFILE:
    case ENFILE:
      return errc::too_many_open_files;
    case ENOMEM:
      return errc::out_of_memory;
    case ENAMETOOLONG:
      return errc::invalid_argument;
    default:
      return errc::io_error;
  }
}

[[nodiscard]] STRATA_COLD inline error posix_failure(const char* operation, std::string_view path, int number) noexcept {
  return error(posix_code(number), operation).in_file(path).with_system_error(number);
}

// The outcome of a system call that is not -1 or not because of a signal.
template <typename Call>
auto uninterrupted(Call call) noexcept {
  for (;;) {
    const auto outcome = call();
    if (outcome != -1 || errno != EINTR) return outcome;
  }
}

// An operation on a path: the path as the system takes it, with a zero behind, and the errors of that operation.
class posix_call {
 public:
  posix_call(const char* operation, std::string_view path) noexcept : operation_(operation), path_(path) {
    if (path.size() >= sizeof native_) {
      unfit_ = ENAMETOOLONG;
    } else if (path.find('\0') != std::string_view::npos) {
      unfit_ = EINVAL;  // the system would see only what stands before it
    } else {
      path.copy(native_, path.size());
      native_[path.size()] = '\0';
    }
  }
  // False where the path cannot be handed to the system; `failure()` is why.
  [[nodiscard]] bool fit() const noexcept { return unfit_ == 0; }
  [[nodiscard]] error failure() const noexcept {
    return error(errc::invalid_argument, operation_, "path too long, or a zero in it")
        .in_file(path_)
        .with_system_error(unfit_);
  }
  [[nodiscard]] error failure(int number) const noexcept { return posix_failure(operation_, path_, number); }
  [[nodiscard]] error failure(errc code, const char* reason) const noexcept {
    return error(code, operation_, reason).in_file(path_);
  }
  [[nodiscard]] const char* path() const noexcept { return native_; }

  // The path, for a handle to keep.
  [[nodiscard]] result<std::string> copy() const noexcept {
    STRATA_TRY_BLOCK { return std::string(path_); }
    STRATA_CATCH(...) { return error(errc::out_of_memory, operation_); }
  }

 private:
  const char* operation_;
  std::string_view path_;
  int unfit_ = 0;
  char native_[4096];  // the longest path that Linux takes, with its zero
};

// Owns a file descriptor.
class descriptor {
 public:
  descriptor() noexcept = default;
  explicit descriptor(int number) noexcept : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    if (this != &other) {
      static_cast<void>(close());
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  ~descriptor() { static_cast<void>(close()); }

  [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }
  [[nodiscard]] int get() const noexcept { return number_; }
  // 0, or the error number. Closed in any case, also when interrupted: a second try could hit another thread's new
  // file.
  [[nodiscard]] int close() noexcept {
    if (number_ < 0) return 0;
    const int outcome = ::close(std::exchange(number_, -1));
    return outcome == 0 || errno == EINTR ? 0 : errno;
  }

 private:
  int number_ = -1;
};

// Not open on failure, with the reason in errno.
[[nodiscard]] inline descriptor open_descriptor(const char* path, int flags) noexcept {
  constexpr mode_t mode = 0644;
  constexpr int first_allowed = 3;
  descriptor opened(uninterrupted([&] { return ::open(path, flags | O_CLOEXEC, mode); }));
  if (!opened.is_open() || opened.get() >= first_allowed) return opened;
  descriptor moved(::fcntl(opened.get(), F_DUPFD_CLOEXEC, first_allowed));
  const int reason = errno;
  static_cast<void>(opened.close());
  errno = reason;
  return moved;
}

// Contents and size to the medium. Issued once; 0 or the error number.
[[nodiscard]] inline int sync_descriptor(int number) noexcept {
#if defined(__APPLE__)
  // fsync leaves the data in the drive's cache there. Some file systems know only fsync.
  if (::fcntl(number, F_FULLFSYNC) == 0) return 0;
  if (errno != ENOTSUP && errno != EINVAL && errno != ENOTTY) return errno;
  return ::fsync(number) == 0 ? 0 : errno;
#else
  return ::fdatasync(number) == 0 ? 0 : errno;
#endif
}

// A part of a file as memory that can be written: what is copied there is in the file, whatever becomes of the process.
//
// What a call would say as an error is here a signal that ends the process (SIGBUS): no room for a block that is copied
// on a write, a page that can't be read. So only blocks that were written are mapped, on file systems that write in place.
// What is left: a page that went out of memory since and that the device does not give back; a file system that has shut
// down after an error of its device; a file that somebody else cuts, or (XFS) copies by reference on a full disk, meanwhile.
class mapped_part {
 public:
  mapped_part() noexcept = default;
  mapped_part(mapped_part&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), begin_(other.begin_), end_(std::exchange(other.end_, 0)) {}
  mapped_part& operator=(mapped_part&& other) noexcept {
    if (this != &other) {
      release();
      memory_ = std::exchange(other.memory_, nullptr);
      begin_ = other.begin_;
      end_ = std::exchange(other.end_, 0);
    }
    return *this;
  }
  ~mapped_part() { release(); }

  // Whether blocks of the file that were written stay where they are: so it is on ext4 (and its elders), XFS and tmpfs, not
  // on Btrfs or ZFS, nor is it known of others. (Numbers: statfs(2).)
  [[nodiscard]] STRATA_COLD static bool suits([[maybe_unused]] int number) noexcept {
#if defined(__linux__)
    struct statfs system {};
    if (uninterrupted([&] { return ::fstatfs(number, &system); }) != 0) return false;
    switch (static_cast<std::uint32_t>(system.f_type)) {
      case 0xEF53: case 0x58465342: case 0x01021994: return true;
      default: return false;
    }
#else
    return false;
#endif
  }

  // The bytes of the file from `begin` to `end`, which have been written. False where the system can't.
  [[nodiscard]] STRATA_COLD bool map(int number, std::uint64_t begin, std::uint64_t end) noexcept {
    release();
    const long page_bytes = ::sysconf(_SC_PAGESIZE);
    if (page_bytes <= 0) return false;
    begin -= begin % static_cast<std::uint64_t>(page_bytes);
    void* const made = ::mmap(nullptr, static_cast<std::size_t>(end - begin), PROT_READ | PROT_WRITE, MAP_SHARED, number,
                              static_cast<off_t>(begin));
    if (made == MAP_FAILED) return false;
    memory_ = static_cast<char*>(made);
    begin_ = begin;
    end_ = end;
#if defined(MADV_POPULATE_WRITE)
    // All pages at once, and those that can't be had are known now; a kernel that can't (before 5.14) does it one by one.
    if (::madvise(made, static_cast<std::size_t>(end - begin), MADV_POPULATE_WRITE) != 0 && errno != EINVAL) release();
#endif
    return memory_ != nullptr;
  }
  STRATA_COLD void release() noexcept {
    if (memory_ != nullptr) static_cast<void>(::munmap(memory_, static_cast<std::size_t>(end_ - begin_)));
    memory_ = nullptr;
    end_ = 0;
  }

  // False where the bytes at `offset` do not lie in it whole, or are none.
  [[nodiscard]] bool write(std::uint64_t offset, bytes_view bytes) noexcept {
    if (offset >= end_ || bytes.size() > end_ - offset || offset < begin_ || bytes.empty()) return false;
    std::memcpy(memory_ + (offset - begin_), bytes.data(), bytes.size());
    return true;
  }

 private:
  char* memory_ = nullptr;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;  // 0: nothing is mapped
};

// A file that this process has locked, and the next such one.
struct posix_held_lock {
  dev_t device;
  ino_t inode;
  pid_t process;
  posix_held_lock* next;
};

// The files that this process has locked. Entries live in their locks; the set has no destructor, so that a lock in a
// static object may go at any time of the program's end.
class posix_held_locks {
 public:
  // False where this process holds it already.
  [[nodiscard]] bool insert(posix_held_lock& added) noexcept {
    STRATA_ASSERT(pthread_mutex_lock(&mutex_) == 0);
    const posix_held_lock* at = first_;
    while (at != nullptr && !(at->inode == added.inode && at->device == added.device && at->process == added.process))
      at = at->next;
    if (at == nullptr) {
      added.next = first_;
      first_ = &added;
    }
    STRATA_ASSERT(pthread_mutex_unlock(&mutex_) == 0);
    return at == nullptr;
  }
  void erase(const posix_held_lock& removed) noexcept {
    STRATA_ASSERT(pthread_mutex_lock(&mutex_) == 0);
    posix_held_lock** link = &first_;
    while (*link != &removed) {
      STRATA_ASSERT(*link != nullptr);
      link = &(*link)->next;
    }
    *link = removed.next;
    STRATA_ASSERT(pthread_mutex_unlock(&mutex_) == 0);
  }

  [[nodiscard]] static posix_held_locks& of_this_process() noexcept {
    static constinit posix_held_locks locks;
    return locks;
  }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  posix_held_lock* first_ = nullptr;
};

// Takes or gives back the system's lock on a whole file. 0 or the error number. Both kinds belong to the open file and
// not to the process: closing another descriptor of the same file leaves them.
[[nodiscard]] STRATA_COLD inline int lock_descriptor(int number, bool take) noexcept {
#if defined(F_OFD_SETLK)
  struct flock whole {};
  whole.l_type = static_cast<short>(take ? F_WRLCK : F_UNLCK);
  whole.l_whence = SEEK_SET;
  if (uninterrupted([&] { return ::fcntl(number, F_OFD_SETLK, &whole); }) == 0) return 0;
  if (errno != EINVAL) return errno;  // EINVAL: a kernel without them
#endif
  return uninterrupted([&] { return ::flock(number, take ? LOCK_EX | LOCK_NB : LOCK_UN); }) == 0 ? 0 : errno;
}

}  // namespace detail

}  // namespace strata::inline STRATA_ABI::environment

#endif
