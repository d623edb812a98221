// The file system of the operating system: Linux first, and what is like it.
//
// Thread safety: as the table in requirements.hpp says.
//
// Invariants
//  1. Every descriptor is as posix_calls.hpp has it.
//  2. Interrupted and short reads and writes go on until all is done. A sync is issued once: after one that failed, the
//     kernel may have dropped the pages, and a second one that succeeds would lie.
//  3. A file is locked at most once in this process: a set of locked inodes says so, whatever the locks of the file
//     system mean within one process. A forked child inherits no lock: entries of another process count for nothing,
//     and the child's copy of a lock only closes its descriptor.
#ifndef STRATA_ENVIRONMENT_POSIX_HPP
#define STRATA_ENVIRONMENT_POSIX_HPP

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include <strata/environment/posix_calls.hpp>
#include <strata/environment/threads.hpp>

namespace strata::inline STRATA_ABI::environment {

// The default environment of a store.
//
// Files are made with mode 0644 and directories with 0755, less the umask. Paths are limited to 4,095 bytes
// (invalid_argument above, or with a zero in them). There is one world, so its functions are static.
class posix : public threads {
 public:
  using strata_slot = slot::environment;

  // A call after `close()` gives `closed`. One thread at a time, but for `sync`, `size` and `map_ahead`, which may run beside
  // `append`, one thread each.
  class writable_file {
   public:
    writable_file(writable_file&& other) noexcept
        : file_(std::move(other.file_)), mapped_(std::move(other.mapped_)), next_(std::move(other.next_)),
          next_is_ready_(other.next_is_ready_.load(std::memory_order_relaxed)), size_(other.size()),
          zeros_end_(other.zeros_end_.load(std::memory_order_relaxed)), path_(std::move(other.path_)) {}
    writable_file& operator=(writable_file&& other) noexcept {
      file_ = std::move(other.file_);
      mapped_ = std::move(other.mapped_);
      next_ = std::move(other.next_);
      next_is_ready_.store(other.next_is_ready_.load(std::memory_order_relaxed), std::memory_order_relaxed);
      size_.store(other.size(), std::memory_order_relaxed);
      zeros_end_.store(other.zeros_end_.load(std::memory_order_relaxed), std::memory_order_relaxed);
      path_ = std::move(other.path_);
      return *this;
    }

    // All of `bytes` at the end. no_space, io_error: some of them may be there; the end is unknown. One write call as a
    // rule, none where map_ahead() has gone before. A crash before `sync` may leave any part of them, or zeros in their place.
    [[nodiscard]] result<void> append(bytes_view bytes) noexcept {
      if (!file_.is_open()) return already_closed("append");
      std::uint64_t end = size_.load(std::memory_order_relaxed);
      if (mapped_.write(end, bytes) || (next_is_ready_.load(std::memory_order_acquire) && write_to_next(end, bytes))) {
        size_.store(end + bytes.size(), std::memory_order_release);
        return {};
      }
      while (!bytes.empty()) {
        STRATA_TRY_LET(written, write_some("append", bytes, end));
        bytes.remove_prefix(written);
        end += written;
        size_.store(end, std::memory_order_release);
      }
      return {};
    }

    // After it, what was appended before it began survives a power cut, the size included. After an error nothing is
    // known of any byte since the last success, and calling it again would not tell.
    [[nodiscard]] result<void> sync() noexcept {
      if (!file_.is_open()) return already_closed("sync");
      if (const int number = detail::sync_descriptor(file_.get()); number != 0)
        return detail::posix_failure("sync", path_, number);
      return {};
    }

    // Room on the disk for the first `bytes` bytes, so that appends up to there meet no `no_space` and change less
    // metadata. unsupported where the file system can't.
    [[nodiscard]] result<void> preallocate(std::uint64_t bytes) noexcept {
      if (!file_.is_open()) return already_closed("preallocate");
      if (bytes == 0) return {};
      if (bytes > static_cast<std::uint64_t>(INT64_MAX))
        return error(errc::invalid_argument, "preallocate", "more than a file can hold").in_file(path_);
#if defined(FALLOC_FL_KEEP_SIZE)
      const int outcome = detail::uninterrupted(
          [&] { return ::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)); });
      if (outcome == 0) return {};
      if (errno != EOPNOTSUPP && errno != ENOSYS) return detail::posix_failure("preallocate", path_, errno);
#endif
      return error(errc::unsupported, "preallocate").in_file(path_);
    }

    // Zeros behind the end, and behind those that are there, up to offset `bytes`; appends go over them. A sync after each of
    // those then changes no metadata of the file, nor turns unwritten blocks into written ones. One write call for 16 KiB as a
    // rule. no_space, io_error: some may be there, the end is where it was.
    [[nodiscard]] STRATA_COLD result<void> zero_fill(std::uint64_t bytes) noexcept {
      static constexpr char zeros[std::size_t{16} << 10] = {};
      if (!file_.is_open()) return already_closed("fill with zeros");
      for (std::uint64_t end = end_of_zeros(); end < bytes;) {
        const bytes_view part(zeros, static_cast<std::size_t>((std::min<std::uint64_t>)(sizeof zeros, bytes - end)));
        STRATA_TRY_LET(written, write_some("fill with zeros", part, end));
        end += written;
        zeros_end_.store(end, std::memory_order_relaxed);
      }
      return {};
    }

    // As zero_fill(), and appends of up to 32 KiB into these zeros are then copies into memory that the file shares. Beside it
    // appends may run that do not go beyond the zeros of before: they are the first part, this call makes the next, and an append
    // that the first has no room for goes there. Two parts at most: where the next is not begun yet, only zeros are written.
    // unsupported where the file system does not write in place (see detail::mapped_part), or the system can't. A page that
    // went out of memory meanwhile and can't be read again is a signal, SIGBUS.
    [[nodiscard]] STRATA_COLD result<void> map_ahead(std::uint64_t bytes) noexcept {
      // Where the part before has no room left for so much, an append goes to the next: so that one reaches back as far.
      constexpr std::uint64_t overlap = std::uint64_t{32} << 10;
      if (!file_.is_open()) return already_closed("map file");
      const std::uint64_t from = end_of_zeros();
      if (bytes <= from) return {};
      if (!detail::mapped_part::suits(file_.get())) return error(errc::unsupported, "map file").in_file(path_);
      const std::uint64_t begin = (std::max)(size(), from - (std::min)(from, overlap));
      STRATA_TRY(zero_fill(bytes));
      if (next_is_ready_.load(std::memory_order_acquire)) return {};
      if (!next_.map(file_.get(), begin, bytes)) return error(errc::unsupported, "map file").in_file(path_);
      next_is_ready_.store(true, std::memory_order_release);
      return {};
    }

    [[nodiscard]] std::uint64_t size() const noexcept { return size_.load(std::memory_order_acquire); }

    // Cuts the zeros behind the end where it can, which the destructor does not, and says what that could not. A second call
    // does nothing.
    [[nodiscard]] result<void> close() noexcept {
      if (!file_.is_open()) return {};
      mapped_.release();
      next_.release();
      next_is_ready_.store(false, std::memory_order_relaxed);
      if (zeros_end_.load(std::memory_order_relaxed) > size())
        static_cast<void>(detail::uninterrupted([&] { return ::ftruncate(file_.get(), static_cast<off_t>(size())); }));
      if (const int number = file_.close(); number != 0) return detail::posix_failure("close", path_, number);
      return {};
    }

   private:
    friend posix;
    // Linux writes no more than 2 GiB in one call, and macOS refuses to.
    static constexpr std::size_t write_bytes_max = std::size_t{1} << 30;

    writable_file(detail::descriptor file, std::uint64_t size, std::string path) noexcept
        : file_(std::move(file)), size_(size), path_(std::move(path)) {}
    error already_closed(const char* operation) const noexcept { return error(errc::closed, operation).in_file(path_); }

    [[nodiscard]] std::uint64_t end_of_zeros() const noexcept {
      return (std::max)(size(), zeros_end_.load(std::memory_order_relaxed));
    }
    // Requires: the next part is ready. The one before stays mapped until another one is made in its place, which is then not
    // for the appending thread to wait for.
    [[nodiscard]] STRATA_COLD bool write_to_next(std::uint64_t offset, bytes_view bytes) noexcept {
      std::swap(mapped_, next_);
      next_is_ready_.store(false, std::memory_order_release);
      return mapped_.write(offset, bytes);
    }

    // At least one of the bytes, which are some. How many.
    [[nodiscard]] result<std::size_t> write_some(const char* operation, bytes_view bytes, std::uint64_t offset) noexcept {
      const std::size_t part = (std::min)(bytes.size(), write_bytes_max);
      const ssize_t written =
          detail::uninterrupted([&] { return ::pwrite(file_.get(), bytes.data(), part, static_cast<off_t>(offset)); });
      if (written < 0) return detail::posix_failure(operation, path_, errno).at_offset(offset);
      if (written == 0)
        return error(errc::io_error, operation, "the system wrote nothing").in_file(path_).at_offset(offset);
      return static_cast<std::size_t>(written);
    }

    detail::descriptor file_;
    detail::mapped_part mapped_;
    detail::mapped_part next_;  // the appending thread's while it is ready, that of map_ahead() otherwise
    std::atomic<bool> next_is_ready_{false};
    std::atomic<std::uint64_t> size_;
    std::atomic<std::uint64_t> zeros_end_{0};  // zeros were written up to here
    std::string path_;
  };

  class readable_file {
   public:
    // Up to `size` bytes from `offset` into `to`; fewer only at the end of the file, none past it. io_error. Any
    // thread. One read call as a rule.
    [[nodiscard]] result<std::size_t> read(std::uint64_t offset, char* to, std::size_t size) const noexcept {
      // No file reaches as far as this, and the system refuses to look there.
      constexpr auto end_max = static_cast<std::uint64_t>(INT64_MAX);
      if (offset >= end_max) return std::size_t{0};
      size = static_cast<std::size_t>((std::min<std::uint64_t>)(size, end_max - offset));
      std::size_t done = 0;
      while (done < size) {
        const std::size_t part = (std::min)(size - done, read_bytes_max);
        const ssize_t got = detail::uninterrupted(
            [&] { return ::pread(file_.get(), to + done, part, static_cast<off_t>(offset + done)); });
        if (got < 0) return detail::posix_failure("read", path_, errno).at_offset(offset + done);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
      }
      return done;
    }

    // When it was opened.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

   private:
    friend posix;
    static constexpr std::size_t read_bytes_max = std::size_t{1} << 30;  // as for writing

    readable_file(detail::descriptor file, std::uint64_t size, std::string path) noexcept
        : file_(std::move(file)), size_(size), path_(std::move(path)) {}

    detail::descriptor file_;
    std::uint64_t size_;
    std::string path_;
  };

  // Held until destroyed, or to the end of the process.
  class file_lock {
   public:
    file_lock(file_lock&& other) noexcept = default;
    file_lock& operator=(file_lock&& other) noexcept {
      if (this != &other) {
        release();
        file_ = std::move(other.file_);
        held_ = std::move(other.held_);
      }
      return *this;
    }
    ~file_lock() { release(); }

   private:
    friend posix;
    file_lock(detail::descriptor file, std::unique_ptr<detail::posix_held_lock> held) noexcept
        : file_(std::move(file)), held_(std::move(held)) {}

    // The system's lock first: whoever then finds the entry gone can have it.
    void release() noexcept {
      if (!held_) return;
      // Given back by name and not by closing alone: a child forked meanwhile has the same open file and would keep it
      // locked. The child in turn must not give back what is its parent's.
      if (held_->process == ::getpid()) static_cast<void>(detail::lock_descriptor(file_.get(), false));
      static_cast<void>(file_.close());
      detail::posix_held_locks::of_this_process().erase(*held_);
      held_.reset();
    }

    detail::descriptor file_;
    std::unique_ptr<detail::posix_held_lock> held_;
  };

  // A new, empty file. already_exists, no_such_file (its directory), permission_denied, no_space, too_many_open_files.
  [[nodiscard]] STRATA_COLD static result<writable_file> create_file(std::string_view path) noexcept {
    const detail::posix_call call("create file", path);
    if (!call.fit()) return call.failure();
    STRATA_TRY_LET(kept, call.copy());
    detail::descriptor file = detail::open_descriptor(call.path(), O_RDWR | O_CREAT | O_EXCL);
    if (!file.is_open()) return call.failure(errno);
    return writable_file(std::move(file), 0, std::move(kept));
  }

  // An existing file, cut to its first `size` bytes, for appending there. invalid_argument where it is shorter: nothing
  // has changed. The cut is durable after `sync`.
  [[nodiscard]] STRATA_COLD static result<writable_file> open_writable(std::string_view path, std::uint64_t size) noexcept {
    const detail::posix_call call("open file for writing", path);
    if (!call.fit()) return call.failure();
    STRATA_TRY_LET(kept, call.copy());
    detail::descriptor file = detail::open_descriptor(call.path(), O_RDWR);
    if (!file.is_open()) return call.failure(errno);
    STRATA_TRY_LET(there, size_of(call, file));
    if (size > there) return call.failure(errc::invalid_argument, "shorter than asked for");
    if (size < there && detail::uninterrupted([&] { return ::ftruncate(file.get(), static_cast<off_t>(size)); }) != 0)
      return call.failure(errno);
    return writable_file(std::move(file), size, std::move(kept));
  }

  // no_such_file where there is none; io_error for a directory.
  [[nodiscard]] STRATA_COLD static result<readable_file> open_readable(std::string_view path) noexcept {
    const detail::posix_call call("open file", path);
    if (!call.fit()) return call.failure();
    STRATA_TRY_LET(kept, call.copy());
    detail::descriptor file = detail::open_descriptor(call.path(), O_RDONLY);
    if (!file.is_open()) return call.failure(errno);
    STRATA_TRY_LET(there, size_of(call, file));
    return readable_file(std::move(file), there, std::move(kept));
  }

  // Whether a file or a directory has this name. permission_denied or io_error where that can't be told.
  [[nodiscard]] STRATA_COLD static result<bool> file_exists(std::string_view path) noexcept {
    const detail::posix_call call("look for file", path);
    if (!call.fit()) return call.failure();
    struct stat status {};
    if (::stat(call.path(), &status) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return call.failure(errno);
  }

  // In bytes. io_error for a directory.
  [[nodiscard]] STRATA_COLD static result<std::uint64_t> file_size(std::string_view path) noexcept {
    const detail::posix_call call("size of file", path);
    if (!call.fit()) return call.failure();
    struct stat status {};
    if (::stat(call.path(), &status) != 0) return call.failure(errno);
    if (S_ISDIR(status.st_mode)) return call.failure(EISDIR);
    return static_cast<std::uint64_t>(status.st_size);
  }

  // Atomic: at every moment `to` is the old file or the new one. Durable after `sync_directory` of both directories.
  [[nodiscard]] STRATA_COLD static result<void> rename_file(std::string_view from, std::string_view to) noexcept {
    const detail::posix_call call("rename file", from);
    const detail::posix_call target("rename file", to);
    if (!call.fit()) return call.failure();
    if (!target.fit()) return target.failure();
    if (::rename(call.path(), target.path()) != 0) return call.failure(errno);
    return {};
  }

  // Handles that have it open go on working. no_such_file; io_error for a directory.
  [[nodiscard]] STRATA_COLD static result<void> remove_file(std::string_view path) noexcept {
    const detail::posix_call call("remove file", path);
    if (!call.fit()) return call.failure();
    if (::unlink(call.path()) != 0) return call.failure(errno);
    return {};
  }

  // `to` becomes another name of the file `from`. unsupported where these two can't share a file (no links here,
  // another file system, too many names): a copy does then. no_such_file, already_exists.
  [[nodiscard]] STRATA_COLD static result<void> link_file(std::string_view from, std::string_view to) noexcept {
    const detail::posix_call call("link file", from);
    const detail::posix_call target("link file", to);
    if (!call.fit()) return call.failure();
    if (!target.fit()) return target.failure();
    if (::link(call.path(), target.path()) == 0) return {};
    const int number = errno;
    if (number == EEXIST) return target.failure(number);
    if (number == EPERM || number == EOPNOTSUPP || number == ENOSYS || number == EXDEV || number == EMLINK)
      return call.failure(errc::unsupported, "the file system refuses this link").with_system_error(number);
    return call.failure(number);
  }

  // True: made; false: was there. already_exists where a file has the name; no_such_file where the parent is missing.
  [[nodiscard]] STRATA_COLD static result<bool> create_directory(std::string_view path) noexcept {
    const detail::posix_call call("create directory", path);
    if (!call.fit()) return call.failure();
    if (::mkdir(call.path(), 0755) == 0) return true;
    const int number = errno;
    struct stat status {};
    if (number == EEXIST && ::stat(call.path(), &status) == 0 && S_ISDIR(status.st_mode)) return false;
    return call.failure(number);
  }

  // io_error where it is not empty; no_such_file where there is none.
  [[nodiscard]] STRATA_COLD static result<void> remove_directory(std::string_view path) noexcept {
    const detail::posix_call call("remove directory", path);
    if (!call.fit()) return call.failure();
    if (::rmdir(call.path()) != 0) return call.failure(errno);
    return {};
  }

  // Names without path, in no order, without . and ..
  [[nodiscard]] STRATA_COLD static result<std::vector<std::string>> list_directory(std::string_view path) noexcept {
    const detail::posix_call call("list directory", path);
    if (!call.fit()) return call.failure();
    STRATA_TRY_BLOCK {
      const std::unique_ptr<DIR, close_directory> directory(::opendir(call.path()));
      if (!directory) return call.failure(errno);
      std::vector<std::string> names;
      for (;;) {
        errno = 0;
        const dirent* const entry = ::readdir(directory.get());
        if (entry == nullptr && errno != 0) return call.failure(errno);
        if (entry == nullptr) return names;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
      }
    }
    STRATA_CATCH(...) { return call.failure(ENOMEM); }
  }

  // Names made, renamed and removed in it so far survive a power cut. Issued once, as a file's sync.
  [[nodiscard]] STRATA_COLD static result<void> sync_directory(std::string_view path) noexcept {
    const detail::posix_call call("sync directory", path);
    if (!call.fit()) return call.failure();
    detail::descriptor directory = detail::open_descriptor(call.path(), O_RDONLY | O_DIRECTORY);
    if (!directory.is_open()) return call.failure(errno);
    if (::fsync(directory.get()) != 0) return call.failure(errno);
    if (const int number = directory.close(); number != 0) return call.failure(number);
    return {};
  }

  // A new, empty directory under $TMPDIR, or /tmp where that is not set, that only this user can enter.
  [[nodiscard]] STRATA_COLD static result<std::string> temporary_directory() noexcept {
    const char* const set = std::getenv("TMPDIR");
    STRATA_TRY_BLOCK {
      std::string path(set != nullptr && *set != '\0' ? set : "/tmp");
      path += "/strata-XXXXXX";
      if (::mkdtemp(path.data()) == nullptr) return detail::posix_failure("make temporary directory", path, errno);
      return path;
    }
    STRATA_CATCH(...) { return error(errc::out_of_memory, "make temporary directory"); }
  }

  // Holds `path`, which is made if it is not there and never removed, against other processes and against this one.
  // in_use where one of them holds it; at once, never after waiting.
  [[nodiscard]] STRATA_COLD static result<file_lock> lock_file(std::string_view path) noexcept {
    const detail::posix_call call("lock file", path);
    if (!call.fit()) return call.failure();
    // Someone may remove the file between opening and locking it: what is locked then has no name, and the next to come
    // would lock another file of that name.
    for (;;) {
      STRATA_TRY_LET(lock, lock_once(call));
      struct stat named {};
      if (::stat(call.path(), &named) == 0) {
        if (named.st_ino == lock.held_->inode && named.st_dev == lock.held_->device) return std::move(lock);
      } else if (errno != ENOENT) {
        return call.failure(errno);
      }
    }
  }

 private:
  struct close_directory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
  };

  STRATA_COLD static result<std::uint64_t> size_of(const detail::posix_call& call, const detail::descriptor& file) noexcept {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return call.failure(errno);
    if (S_ISDIR(status.st_mode)) return call.failure(EISDIR);
    return static_cast<std::uint64_t>(status.st_size);
  }

  STRATA_COLD static result<file_lock> lock_once(const detail::posix_call& call) noexcept {
    std::unique_ptr<detail::posix_held_lock> held;
    STRATA_TRY_BLOCK { held = std::make_unique<detail::posix_held_lock>(); }
    STRATA_CATCH(...) { return call.failure(ENOMEM); }
    detail::descriptor file = detail::open_descriptor(call.path(), O_RDWR | O_CREAT);
    if (!file.is_open()) return call.failure(errno);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return call.failure(errno);
    *held = {status.st_dev, status.st_ino, ::getpid(), nullptr};
    auto& locks = detail::posix_held_locks::of_this_process();
    if (!locks.insert(*held)) return call.failure(errc::in_use, "held by this process");
    if (const int number = detail::lock_descriptor(file.get(), true); number != 0) {
      locks.erase(*held);
      if (number == EAGAIN || number == EACCES) return call.failure(errc::in_use, "held by another process");
      return call.failure(number);
    }
    return file_lock(std::move(file), std::move(held));
  }
};

}  // namespace strata::inline STRATA_ABI::environment

#endif
