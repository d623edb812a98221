// Files in memory: for tests, and for stores that need not outlive the process.
//
// Default construction makes a fresh, empty world; copies share it. A world lasts as long as an environment or a handle
// into it, so a store that is closed and opened again through a copy finds its files. There is no power cut here: what
// is written is durable.
//
// Thread safety: as the table in requirements.hpp says.
//
// Invariants
//  1. A world maps names, normalised and whole, to files and directories. The root ("", "/", ".") always is;
//     every other name has its parent there, as a directory. Relative names start at the root.
//  2. A file lives while a name or a handle has it; names change under the world's mutex, contents under the file's.
//     Where both are taken the world's comes first.
#ifndef STRATA_ENVIRONMENT_IN_MEMORY_HPP
#define STRATA_ENVIRONMENT_IN_MEMORY_HPP

#include <atomic>
#include <memory>
#include <type_traits>
#include <utility>

#include <strata/core/dynamic_array.hpp>
#include <strata/environment/name_table.hpp>
#include <strata/environment/threads.hpp>

namespace strata::inline STRATA_ABI::environment {

namespace detail {

// The contents of a file, in pages: growing moves at most one of them.
class memory_file {
 public:
  memory_file() : mutex_(threads()) {}

  [[nodiscard]] std::uint64_t size() const {
    const unique_lock<threads::mutex> lock(mutex_);
    return size_;
  }

  // Cuts to `size` bytes; false where there are fewer.
  [[nodiscard]] bool cut(std::uint64_t size) {
    const unique_lock<threads::mutex> lock(mutex_);
    if (size > size_) return false;
    pages_.resize(static_cast<std::size_t>((size + page_bytes - 1) / page_bytes));
    if (size % page_bytes != 0) pages_.back().resize(static_cast<std::size_t>(size % page_bytes));
    size_ = size;
    return true;
  }

  // `bytes` at `offset`, over what is there; zeros in between where the file ends before it.
  void write(std::uint64_t offset, bytes_view bytes) {
    const unique_lock<threads::mutex> lock(mutex_);
    if (bytes.empty()) return;
    while (size_ < offset) {
      const std::uint64_t gap = (std::min)(offset - size_, page_bytes - size_ % page_bytes);
      put(size_, std::string(static_cast<std::size_t>(gap), '\0'));
    }
    while (!bytes.empty()) {
      const auto part = static_cast<std::size_t>(page_bytes - offset % page_bytes);
      put(offset, bytes.substr(0, part));
      offset += (std::min)(part, bytes.size());
      bytes.remove_prefix((std::min)(part, bytes.size()));
    }
  }

  [[nodiscard]] std::size_t read(std::uint64_t offset, char* to, std::size_t size) const {
    const unique_lock<threads::mutex> lock(mutex_);
    if (offset >= size_) return 0;
    size = static_cast<std::size_t>((std::min<std::uint64_t>)(size, size_ - offset));
    for (std::size_t done = 0; done < size;) {
      const std::uint64_t at = offset + done;
      done += pages_[static_cast<std::size_t>(at / page_bytes)].copy(to + done, size - done,
                                                                     static_cast<std::size_t>(at % page_bytes));
    }
    return size;
  }

  // Guarded by the world's mutex.
  bool locked = false;

 private:
  static constexpr std::uint64_t page_bytes = std::uint64_t{64} << 10;

  // `bytes` lie in one page, and `offset` is not past the end.
  void put(std::uint64_t offset, bytes_view bytes) {
    const auto index = static_cast<std::size_t>(offset / page_bytes);
    const auto within = static_cast<std::size_t>(offset % page_bytes);
    if (index == pages_.size()) pages_.emplace_back();
    std::string& page = pages_[index];
    if (const std::size_t needed = within + bytes.size(); needed > page.capacity())
      page.reserve((std::min)(static_cast<std::size_t>(page_bytes), (std::max)(needed, 2 * page.capacity())));
    page.replace(within, bytes.size(), bytes);
    size_ = (std::max)(size_, offset + bytes.size());
  }

  mutable threads::mutex mutex_;
  dynamic_array<std::string> pages_;  // each full but the last
  std::uint64_t size_ = 0;
};

struct memory_world {
  memory_world() : mutex(threads()) {}

  threads::mutex mutex;
  name_table<memory_file> names;
  std::uint64_t temporaries = 0;
};

}  // namespace detail

class in_memory : public threads {
 public:
  using strata_slot = slot::environment;

  // A call after `close()` gives `closed`. One thread at a time, but for `sync` and `size`, which may run beside
  // `append`.
  class writable_file {
   public:
    writable_file(writable_file&& other) noexcept
        : file_(std::move(other.file_)), size_(other.size()), path_(std::move(other.path_)) {}
    writable_file& operator=(writable_file&& other) noexcept {
      file_ = std::move(other.file_);
      size_.store(other.size(), std::memory_order_relaxed);
      path_ = std::move(other.path_);
      return *this;
    }

    // out_of_memory: some of the bytes may be there.
    [[nodiscard]] result<void> append(bytes_view bytes) noexcept {
      if (!file_) return error(errc::closed, "append").in_file(path_);
      const std::uint64_t end = size_.load(std::memory_order_relaxed);
      STRATA_TRY_BLOCK { file_->write(end, bytes); }
      STRATA_CATCH(...) { return error(errc::out_of_memory, "append").in_file(path_).at_offset(end); }
      size_.store(end + bytes.size(), std::memory_order_release);
      return {};
    }
    [[nodiscard]] result<void> sync() noexcept {
      if (!file_) return error(errc::closed, "sync").in_file(path_);
      return {};
    }
    // Always unsupported: memory can't be promised.
    [[nodiscard]] result<void> preallocate(std::uint64_t) noexcept {
      return error(file_ ? errc::unsupported : errc::closed, "preallocate").in_file(path_);
    }
    // Always unsupported: no sync costs anything here.
    [[nodiscard]] result<void> zero_fill(std::uint64_t) noexcept {
      return error(file_ ? errc::unsupported : errc::closed, "fill with zeros").in_file(path_);
    }
    [[nodiscard]] result<void> map_ahead(std::uint64_t) noexcept {
      return error(file_ ? errc::unsupported : errc::closed, "map file").in_file(path_);
    }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_.load(std::memory_order_acquire); }
    [[nodiscard]] result<void> close() noexcept {
      file_.reset();
      return {};
    }

   private:
    friend in_memory;
    writable_file(std::shared_ptr<detail::memory_file> file, std::uint64_t size, std::string path) noexcept
        : file_(std::move(file)), size_(size), path_(std::move(path)) {}

    std::shared_ptr<detail::memory_file> file_;
    std::atomic<std::uint64_t> size_;
    std::string path_;
  };

  class readable_file {
   public:
    [[nodiscard]] result<std::size_t> read(std::uint64_t offset, char* to, std::size_t size) const noexcept {
      return file_->read(offset, to, size);
    }
    // When it was opened.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

   private:
    friend in_memory;
    explicit readable_file(std::shared_ptr<detail::memory_file> file) : file_(std::move(file)), size_(file_->size()) {}

    std::shared_ptr<detail::memory_file> file_;
    std::uint64_t size_;
  };

  // Held until destroyed.
  class file_lock {
   public:
    file_lock(file_lock&& other) noexcept = default;
    file_lock& operator=(file_lock&& other) noexcept {
      if (this != &other) {
        release();
        world_ = std::move(other.world_);
        file_ = std::move(other.file_);
      }
      return *this;
    }
    ~file_lock() { release(); }

   private:
    friend in_memory;
    file_lock(std::shared_ptr<detail::memory_world> world, std::shared_ptr<detail::memory_file> file) noexcept
        : world_(std::move(world)), file_(std::move(file)) {}
    void release() noexcept {
      if (!file_) return;
      const unique_lock<threads::mutex> guard(world_->mutex);
      file_->locked = false;
      file_.reset();
    }

    std::shared_ptr<detail::memory_world> world_;
    std::shared_ptr<detail::memory_file> file_;
  };

  // A fresh world.
  in_memory() : world_(std::make_shared<detail::memory_world>()) {}

  // already_exists, no_such_file (its directory).
  [[nodiscard]] result<writable_file> create_file(std::string_view path) const noexcept {
    return perform("create file", path, [&](const call_type& call, std::string& key) -> result<writable_file> {
      if (world_->names.exists(key)) return call.failure(errc::already_exists);
      if (!world_->names.has_parent(key)) return call.failure(errc::no_such_file, "its directory is missing");
      writable_file made(std::make_shared<detail::memory_file>(), 0, call.path());
      world_->names.put(std::move(key), made.file_);
      return made;
    });
  }

  // invalid_argument where it is shorter than `size`: nothing has changed. no_such_file; io_error for a directory.
  [[nodiscard]] result<writable_file> open_writable(std::string_view path, std::uint64_t size) const noexcept {
    return perform("open file for writing", path,
                   [&](const call_type& call, std::string& key) -> result<writable_file> {
                     STRATA_TRY_LET(file, existing(call, key));
                     std::string kept = call.path();
                     if (!file->cut(size)) return call.failure(errc::invalid_argument, "shorter than asked for");
                     return writable_file(std::move(file), size, std::move(kept));
                   });
  }

  // no_such_file; io_error for a directory.
  [[nodiscard]] result<readable_file> open_readable(std::string_view path) const noexcept {
    return perform("open file", path, [&](const call_type& call, std::string& key) -> result<readable_file> {
      STRATA_TRY_LET(file, existing(call, key));
      return readable_file(std::move(file));
    });
  }

  [[nodiscard]] result<bool> file_exists(std::string_view path) const noexcept {
    return perform("look for file", path,
                   [&](const call_type&, std::string& key) -> result<bool> { return world_->names.exists(key); });
  }

  // In bytes. no_such_file; io_error for a directory.
  [[nodiscard]] result<std::uint64_t> file_size(std::string_view path) const noexcept {
    return perform("size of file", path, [&](const call_type& call, std::string& key) -> result<std::uint64_t> {
      STRATA_TRY_LET(file, existing(call, key));
      return file->size();
    });
  }

  // Files and directories, with all that is in them; a directory replaces only an empty one. Atomic.
  [[nodiscard]] result<void> rename_file(std::string_view from, std::string_view to) const noexcept {
    return perform("rename file", from, [&](const call_type& call, std::string& source) -> result<void> {
      STRATA_TRY_LET(target, detail::path_call("rename file", to).key());
      if (!world_->names.exists(source)) return call.failure(errc::no_such_file);
      if (!world_->names.has_parent(target)) return call.failure(errc::no_such_file, "the new directory is missing");
      if (source.empty() || target.empty())
        return call.failure(errc::io_error, "the root can't be renamed or replaced");
      if (source == target) return {};
      if (world_->names.is_directory(source)) return rename_directory(call, source, target);
      if (world_->names.is_directory(target)) return call.failure(errc::io_error, "a directory has the new name");
      // Two names of one file both stay, as POSIX has it.
      const auto file = world_->names.file(source);
      if (world_->names.file(target) == file) return {};
      world_->names.put(std::move(target), file);
      world_->names.erase(source);
      return {};
    });
  }

  // Handles that have it open go on working. no_such_file; io_error for a directory.
  [[nodiscard]] result<void> remove_file(std::string_view path) const noexcept {
    return perform("remove file", path, [&](const call_type& call, std::string& key) -> result<void> {
      STRATA_TRY(existing(call, key));
      world_->names.erase(key);
      return {};
    });
  }

  // no_such_file, already_exists; unsupported for a directory.
  [[nodiscard]] result<void> link_file(std::string_view from, std::string_view to) const noexcept {
    return perform("link file", from, [&](const call_type& call, std::string& source) -> result<void> {
      const detail::path_call target_call("link file", to);
      STRATA_TRY_LET(target, target_call.key());
      if (!world_->names.exists(source)) return call.failure(errc::no_such_file);
      if (world_->names.exists(target)) return target_call.failure(errc::already_exists);
      if (!world_->names.has_parent(target)) return call.failure(errc::no_such_file, "the new directory is missing");
      auto file = world_->names.file(source);
      if (!file) return call.failure(errc::unsupported, "a directory has one name only");
      world_->names.put(std::move(target), std::move(file));
      return {};
    });
  }

  // True: made; false: was there. already_exists where a file has the name; no_such_file where the parent is missing.
  [[nodiscard]] result<bool> create_directory(std::string_view path) const noexcept {
    return perform("create directory", path, [&](const call_type& call, std::string& key) -> result<bool> {
      if (world_->names.is_directory(key)) return false;
      if (world_->names.exists(key)) return call.failure(errc::already_exists, "a file has this name");
      if (!world_->names.has_parent(key)) return call.failure(errc::no_such_file, "its parent is missing");
      world_->names.put(std::move(key), nullptr);
      return true;
    });
  }

  // io_error where it is not empty, and for the root; no_such_file where there is none.
  [[nodiscard]] result<void> remove_directory(std::string_view path) const noexcept {
    return perform("remove directory", path, [&](const call_type& call, std::string& key) -> result<void> {
      if (!world_->names.is_directory(key)) return call.failure(errc::no_such_file);
      if (key.empty()) return call.failure(errc::io_error, "the root stays");
      if (!world_->names.is_empty(key)) return call.failure(errc::io_error, "not empty");
      world_->names.erase(key);
      return {};
    });
  }

  [[nodiscard]] result<std::vector<std::string>> list_directory(std::string_view path) const noexcept {
    return perform("list directory", path, [&](const call_type& call, std::string& key) -> result<std::vector<std::string>> {
      if (!world_->names.is_directory(key)) return call.failure(errc::no_such_file);
      return world_->names.list(key);
    });
  }

  // no_such_file where there is no such directory.
  [[nodiscard]] result<void> sync_directory(std::string_view path) const noexcept {
    return perform("sync directory", path, [&](const call_type& call, std::string& key) -> result<void> {
      if (!world_->names.is_directory(key)) return call.failure(errc::no_such_file);
      return {};
    });
  }

  // A new, empty directory at the root.
  [[nodiscard]] result<std::string> temporary_directory() const noexcept {
    return perform("make temporary directory", "", [&](const call_type&, std::string& key) -> result<std::string> {
      do key = "strata-" + std::to_string(++world_->temporaries);
      while (world_->names.exists(key));
      world_->names.put(key, nullptr);
      return "/" + key;
    });
  }

  // Holds `path`, made if it is not there, against other locks of this world. in_use where one of them holds it.
  [[nodiscard]] result<file_lock> lock_file(std::string_view path) const noexcept {
    return perform("lock file", path, [&](const call_type& call, std::string& key) -> result<file_lock> {
      if (!world_->names.exists(key)) {
        if (!world_->names.has_parent(key)) return call.failure(errc::no_such_file, "its directory is missing");
        world_->names.put(key, std::make_shared<detail::memory_file>());
      }
      STRATA_TRY_LET(file, existing(call, key));
      if (file->locked) return call.failure(errc::in_use, "held by this process");
      file->locked = true;
      return file_lock(world_, std::move(file));
    });
  }

 private:
  using call_type = detail::path_call;

  // Runs `body(call, key)` under the world's mutex. An allocation that fails in it is an error.
  template <typename Body>
  auto perform(const char* operation, std::string_view path, Body body) const noexcept
      -> std::invoke_result_t<Body, const detail::path_call&, std::string&> {
    const detail::path_call call(operation, path);
    STRATA_TRY_BLOCK {
      STRATA_TRY_LET(key, call.key());
      const unique_lock<threads::mutex> lock(world_->mutex);
      return body(call, key);
    }
    STRATA_CATCH(...) { return call.failure(errc::out_of_memory); }
  }

  result<std::shared_ptr<detail::memory_file>> existing(const detail::path_call& call, const std::string& key) const {
    if (world_->names.is_directory(key)) return call.failure(errc::io_error, "a directory");
    auto file = world_->names.file(key);
    if (!file) return call.failure(errc::no_such_file);
    return file;
  }

  result<void> rename_directory(const detail::path_call& call, const std::string& source,
                                const std::string& target) const {
    if (target.starts_with(source + "/")) return call.failure(errc::io_error, "a directory can't move into itself");
    if (world_->names.file(target)) return call.failure(errc::no_such_file, "a file has the new name");
    if (!world_->names.is_empty(target))
      return call.failure(errc::io_error, "the new name has a directory that is not empty");
    world_->names.rename_directory(source, target);
    return {};
  }

  std::shared_ptr<detail::memory_world> world_;
};

}  // namespace strata::inline STRATA_ABI::environment

#endif
