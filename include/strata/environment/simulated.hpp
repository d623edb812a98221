// A whole world in memory in which everything that can go wrong goes wrong on demand, and the same way each time: disk,
// threads, clocks and randomness follow from one seed.
//
//   strata::environment::simulated world(seed);
//   auto db = strata::store<strata::environment::simulated>::open(world, "store").value();
//   …                                                             // write, and note what was acknowledged
//   auto after = world.after_power_cut({.keeps = strata::power_cut::keeping::random, .seed = 7});
//   auto again = strata::store<strata::environment::simulated>::open(after, "store");
//
// Copies share the world. A program under test uses nothing of the outside beside it: no thread, clock or randomness of
// its own, or the same seed would not give the same run.
//
// Thread safety: only the world's own threads use it, who made it being the first; one of them runs at a time.
//
// What it can't show: a disk that lies (says that a sync succeeded, and forgets), and what only real threads on real
// caches do; those are the thread sanitizer's.
#ifndef STRATA_ENVIRONMENT_SIMULATED_HPP
#define STRATA_ENVIRONMENT_SIMULATED_HPP

#include <strata/core/function_ref.hpp>
#include <strata/environment/simulated_disk.hpp>
#include <strata/environment/simulated_threads.hpp>

namespace strata::inline STRATA_ABI::environment {

// What a simulated world was asked for. Values are bits, so that a fault can be for several.
enum class disk_call : std::uint32_t {
  create = 1u << 0,
  open_writable = 1u << 1,
  open_readable = 1u << 2,
  append = 1u << 3,
  sync = 1u << 4,
  preallocate = 1u << 5,
  close = 1u << 6,
  read = 1u << 7,
  look = 1u << 8,  // file_exists, file_size
  rename = 1u << 9,
  remove = 1u << 10,
  link = 1u << 11,
  make_directory = 1u << 12,
  remove_directory = 1u << 13,
  list = 1u << 14,
  sync_directory = 1u << 15,
  lock = 1u << 16,
  start_thread = 1u << 17,
  zero_fill = 1u << 18,
  map_ahead = 1u << 19
};
[[nodiscard]] constexpr std::uint32_t operator|(disk_call a, disk_call b) noexcept {
  return static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b);
}
[[nodiscard]] constexpr std::uint32_t operator|(std::uint32_t a, disk_call b) noexcept {
  return a | static_cast<std::uint32_t>(b);
}

// Calls that fail.
struct disk_fault {
  std::uint32_t calls = ~std::uint32_t{0};  // of these kinds
  std::uint64_t nth = 0;                    // the nth from now on, 1 the next; 0: none by its number
  std::uint64_t one_in = 0;                 // or each with this chance; 0: none by chance
  bool sticky = false;                      // once one has failed, so do all that follow
  errc code = errc::io_error;
  // Of an append (or zeros) that fails, the first half is there. A sync that fails loses what it was for: it can still be read
  // unless `reverts`, and no later sync makes it durable.
  bool tears = true;
  bool reverts = false;
};

namespace detail {

struct simulated_world {
  simulated_world(const simulation& wanted, std::shared_ptr<worker_threads> workers)
      : with(wanted), schedule(wanted, std::move(workers)), entropy(~wanted.seed), chance(wanted.seed + 1) {}

  // A call begins: others may go on before it. Success, or what a fault makes of it.
  [[nodiscard]] errc begin(disk_call what, std::string_view path) {
    schedule.point();
    ++calls;
    trace = (trace ^ static_cast<std::uint64_t>(what)) * 0x100000001B3;  // FNV-1a's prime
    for (const char c : path) trace = (trace ^ static_cast<unsigned char>(c)) * 0x100000001B3;
    if ((fault.calls & static_cast<std::uint32_t>(what)) == 0) return errc{};
    if (failing) return fault.code;
    ++counted;
    const bool fails = counted == fault.nth || (fault.one_in != 0 && chance.one_in(fault.one_in));
    if (!fails) return errc{};
    failing = fault.sticky;
    ++failed;
    return fault.code;
  }
  void end(std::uint64_t outcome) {
    trace = (trace ^ outcome) * 0x100000001B3;
    if (!observer || observing) return;
    observing = true;
    (*observer)();
    observing = false;
  }

  simulation with;
  simulated_schedule schedule;
  simulated_disk disk;
  simulated_random entropy;
  simulated_random chance;
  disk_fault fault{0};
  std::uint64_t counted = 0;  // calls of the fault's kinds
  std::uint64_t failed = 0;
  bool failing = false;
  std::uint64_t calls = 0;
  std::uint64_t trace = 0xCBF29CE484222325;
  std::optional<function_ref<void()>> observer;
  bool observing = false;
  std::uint64_t temporaries = 0;
  std::int64_t wall_jump_us = 0;
};

}  // namespace detail

class simulated {
  using world_pointer = std::shared_ptr<detail::simulated_world>;
  using disk_file = detail::simulated_disk::file_pointer;

 public:
  using strata_slot = slot::environment;

  class mutex : public detail::simulated_mutex {
   public:
    explicit mutex(const simulated& world) noexcept : simulated_mutex(world.world_->schedule) {}
  };
  class condition_variable : public detail::simulated_condition_variable {
   public:
    explicit condition_variable(const simulated& world) noexcept : simulated_condition_variable(world.world_->schedule) {}
  };
  using thread = detail::simulated_thread;

  class writable_file {
   public:
    [[nodiscard]] result<void> append(bytes_view bytes) {
      STRATA_TRY(write(disk_call::append, "append", bytes, size_));
      size_ += bytes.size();
      return {};
    }
    [[nodiscard]] result<void> zero_fill(std::uint64_t bytes) { return write_zeros(disk_call::zero_fill, "fill with zeros", bytes); }
    // Appends stay calls, each of which can be interrupted and can fail.
    [[nodiscard]] result<void> map_ahead(std::uint64_t bytes) { return write_zeros(disk_call::map_ahead, "map file", bytes); }
    [[nodiscard]] result<void> sync() {
      if (!file_) return error(errc::closed, "sync").in_file(path_);
      const detail::inside_world inside;
      if (const errc failure = world_->begin(disk_call::sync, path_); failure != errc{}) {
        world_->fault.reverts ? world_->disk.revert(file_) : world_->disk.lose(file_);
        world_->end(1);
        return error(failure, "sync", "a simulated fault").in_file(path_);
      }
      world_->disk.sync(file_);
      world_->end(0);
      // It takes time: what others append before it returns is not in it.
      world_->schedule.point();
      return {};
    }
    [[nodiscard]] result<void> preallocate(std::uint64_t) {
      if (!file_) return error(errc::closed, "preallocate").in_file(path_);
      const detail::inside_world inside;
      const errc failure = world_->begin(disk_call::preallocate, path_);
      world_->end(failure != errc{});
      if (failure != errc{}) return error(failure, "preallocate", "a simulated fault").in_file(path_);
      return {};
    }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] result<void> close() {
      if (!file_) return {};
      const detail::inside_world inside;
      const disk_file closed = std::move(file_);
      file_.reset();
      const errc failure = world_->begin(disk_call::close, path_);
      if (failure == errc{} && zeros_end_ > size_) world_->disk.cut(closed, size_);
      world_->end(failure != errc{});
      if (failure != errc{}) return error(failure, "close", "a simulated fault").in_file(path_);
      return {};
    }

   private:
    [[nodiscard]] result<void> write_zeros(disk_call what, const char* operation, std::uint64_t end) {
      const detail::inside_world inside;
      const std::uint64_t begin = (std::max)(zeros_end_, size_);
      const byte_string zeros(end < begin ? 0 : static_cast<std::size_t>(end - begin), '\0');
      auto done = write(what, operation, zeros, begin);
      zeros_end_ = begin + (done ? zeros.size() : world_->fault.tears ? zeros.size() / 2 : 0);
      return done;
    }

    friend simulated;
    writable_file(world_pointer world, disk_file file, std::uint64_t size, std::string path) noexcept
        : world_(std::move(world)), file_(std::move(file)), size_(size), path_(std::move(path)) {}

    // The end stays where it is.
    [[nodiscard]] result<void> write(disk_call what, const char* operation, bytes_view bytes, std::uint64_t offset) {
      if (!file_) return error(errc::closed, operation).in_file(path_);
      const detail::inside_world inside;
      const errc failure = world_->begin(what, path_);
      const bytes_view written = failure == errc{} ? bytes : world_->fault.tears ? bytes.substr(0, bytes.size() / 2) : bytes_view();
      if (!written.empty()) world_->disk.append(file_, offset, written);
      world_->end(failure == errc{} ? bytes.size() << 1 : 1);
      if (failure != errc{}) return error(failure, operation, "a simulated fault").in_file(path_).at_offset(offset);
      return {};
    }

    world_pointer world_;
    disk_file file_;
    std::uint64_t size_;
    std::uint64_t zeros_end_ = 0;
    std::string path_;
  };

  class readable_file {
   public:
    [[nodiscard]] result<std::size_t> read(std::uint64_t offset, char* to, std::size_t count) const {
      const detail::inside_world inside;
      const errc failure = world_->begin(disk_call::read, path_);
      if (failure != errc{}) {
        world_->end(1);
        return error(failure, "read", "a simulated fault").in_file(path_).at_offset(offset);
      }
      std::size_t done = 0;
      if (offset < file_->now.size()) done = file_->now.copy(to, count, static_cast<std::size_t>(offset));
      world_->end(done << 1);
      return done;
    }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

   private:
    friend simulated;
    readable_file(world_pointer world, disk_file file, std::string path)
        : world_(std::move(world)), file_(std::move(file)), size_(file_->now.size()), path_(std::move(path)) {}

    world_pointer world_;
    disk_file file_;
    std::uint64_t size_;
    std::string path_;
  };

  class file_lock {
   public:
    file_lock(file_lock&& other) noexcept = default;
    file_lock& operator=(file_lock&& other) noexcept {
      if (this != &other) {
        release();
        file_ = std::move(other.file_);
      }
      return *this;
    }
    ~file_lock() { release(); }

   private:
    friend simulated;
    explicit file_lock(disk_file file) noexcept : file_(std::move(file)) {}
    void release() noexcept {
      if (file_) file_->locked = false;
      file_.reset();
    }
    disk_file file_;
  };

  simulated() : simulated(simulation()) {}
  explicit simulated(const simulation& with) : simulated(with, std::make_shared<detail::worker_threads>()) {}

  // ---- what goes wrong

  // From now on; the one before ends.
  void set_fault(const disk_fault& fault) const {
    world_->fault = fault;
    world_->counted = world_->failed = 0;
    world_->failing = false;
  }
  void clear_fault() const { set_fault({0}); }
  // Calls of the fault's kinds since it was set, and those that its number or chance chose.
  [[nodiscard]] std::uint64_t calls_counted() const noexcept { return world_->counted; }
  [[nodiscard]] std::uint64_t calls_failed() const noexcept { return world_->failed; }

  // A world whose disk is what a power cut at this moment leaves of this one's. This one goes on. Their threads are their own,
  // but for the native ones that these run on: of those, one takes what the other does not use.
  [[nodiscard]] simulated after_power_cut(const power_cut& cut, const simulation& with) const {
    simulated after(with, world_->schedule.workers());
    after.world_->disk = world_->disk.after(cut);
    after.world_->wall_jump_us = static_cast<std::int64_t>(wall_time_us() - after.wall_time_us());
    return after;
  }
  [[nodiscard]] simulated after_power_cut(const power_cut& cut) const { return after_power_cut(cut, world_->with); }
  // How many units a power cut chooses from.
  [[nodiscard]] std::size_t unsynced() const noexcept { return world_->disk.units(); }

  // Rot: the byte at `offset` of a file changes, on the disk and for those who have it open. no_such_file.
  [[nodiscard]] result<void> overwrite(std::string_view path, std::uint64_t offset, char byte) const {
    const detail::path_call call("overwrite", path);
    STRATA_TRY_LET(key, call.key());
    STRATA_TRY_LET(file, existing(call, key));
    detail::simulated_disk::overwrite(*file, offset, byte);
    return {};
  }
  // Moves the wall clock; the steady one goes on.
  void jump_us(std::int64_t by) const noexcept { world_->wall_jump_us += by; }

  // ---- threads that meet without a call of the world: through an atomic, say

  // Another may go on here, as at each call of the world.
  void step() const { world_->schedule.point(); }
  // Whether the caller is in a thread that a world has started, and in none of a world's own calls: where step() makes sense
  // for who can't see what calls it.
  [[nodiscard]] static bool may_step() noexcept { return detail::depth_in_world() == 0; }

  // ---- watching

  // Calls `after` behind each call of the world's disk, in the thread that made it; `after` must not use this world but
  // through after_power_cut(), unsynced() and calls(), and must outlive the watching.
  void watch(function_ref<void()> after) const { world_->observer = after; }
  void stop_watching() const { world_->observer.reset(); }
  [[nodiscard]] std::uint64_t calls() const noexcept { return world_->calls; }
  // A hash of all calls and what came of them.
  [[nodiscard]] std::uint64_t trace() const noexcept { return world_->trace; }

  // ---- the environment: see the table in requirements.hpp

  [[nodiscard]] result<writable_file> create_file(std::string_view path) const {
    return perform(disk_call::create, "create file", path, [&](const call_type& call, std::string& key) -> result<writable_file> {
      if (names().exists(key)) return call.failure(errc::already_exists);
      if (!names().has_parent(key)) return call.failure(errc::no_such_file, "its directory is missing");
      auto file = std::make_shared<detail::simulated_disk::file>();
      world_->disk.put(key, file);
      return writable_file(world_, std::move(file), 0, call.path());
    });
  }
  [[nodiscard]] result<writable_file> open_writable(std::string_view path, std::uint64_t size) const {
    return perform(disk_call::open_writable, "open file for writing", path,
                   [&](const call_type& call, std::string& key) -> result<writable_file> {
                     STRATA_TRY_LET(file, existing(call, key));
                     if (file->now.size() < size) return call.failure(errc::invalid_argument, "shorter than asked for");
                     world_->disk.cut(file, size);
                     return writable_file(world_, std::move(file), size, call.path());
                   });
  }
  [[nodiscard]] result<readable_file> open_readable(std::string_view path) const {
    return perform(disk_call::open_readable, "open file", path,
                   [&](const call_type& call, std::string& key) -> result<readable_file> {
                     STRATA_TRY_LET(file, existing(call, key));
                     return readable_file(world_, std::move(file), call.path());
                   });
  }
  [[nodiscard]] result<bool> file_exists(std::string_view path) const {
    return perform(disk_call::look, "look for file", path,
                   [&](const call_type&, std::string& key) -> result<bool> { return names().exists(key); });
  }
  [[nodiscard]] result<std::uint64_t> file_size(std::string_view path) const {
    return perform(disk_call::look, "size of file", path,
                   [&](const call_type& call, std::string& key) -> result<std::uint64_t> {
                     STRATA_TRY_LET(file, existing(call, key));
                     return std::uint64_t{file->now.size()};
                   });
  }
  [[nodiscard]] result<void> rename_file(std::string_view from, std::string_view to) const {
    return perform(disk_call::rename, "rename file", from, [&](const call_type& call, std::string& source) -> result<void> {
      STRATA_TRY_LET(target, detail::path_call("rename file", to).key());
      if (!names().exists(source)) return call.failure(errc::no_such_file);
      if (!names().has_parent(target)) return call.failure(errc::no_such_file, "the new directory is missing");
      if (source.empty() || target.empty()) return call.failure(errc::io_error, "the root can't be renamed or replaced");
      if (source == target) return {};
      if (names().is_directory(source)) {
        if (target.starts_with(source + "/")) return call.failure(errc::io_error, "a directory can't move into itself");
        if (names().file(target)) return call.failure(errc::no_such_file, "a file has the new name");
        if (!names().is_empty(target)) return call.failure(errc::io_error, "the new name has a directory that is not empty");
      } else {
        if (names().is_directory(target)) return call.failure(errc::io_error, "a directory has the new name");
        // Two names of one file both stay, as POSIX has it.
        if (names().file(target) == names().file(source)) return {};
      }
      world_->disk.rename(source, target);
      return {};
    });
  }
  [[nodiscard]] result<void> remove_file(std::string_view path) const {
    return perform(disk_call::remove, "remove file", path, [&](const call_type& call, std::string& key) -> result<void> {
      STRATA_TRY(existing(call, key));
      world_->disk.erase(key);
      return {};
    });
  }
  [[nodiscard]] result<void> link_file(std::string_view from, std::string_view to) const {
    return perform(disk_call::link, "link file", from, [&](const call_type& call, std::string& source) -> result<void> {
      const detail::path_call target_call("link file", to);
      STRATA_TRY_LET(target, target_call.key());
      if (!names().exists(source)) return call.failure(errc::no_such_file);
      if (names().exists(target)) return target_call.failure(errc::already_exists);
      if (!names().has_parent(target)) return call.failure(errc::no_such_file, "the new directory is missing");
      auto file = names().file(source);
      if (!file) return call.failure(errc::unsupported, "a directory has one name only");
      world_->disk.put(target, std::move(file));
      return {};
    });
  }
  [[nodiscard]] result<bool> create_directory(std::string_view path) const {
    return perform(disk_call::make_directory, "create directory", path, [&](const call_type& call, std::string& key) -> result<bool> {
      if (names().is_directory(key)) return false;
      if (names().exists(key)) return call.failure(errc::already_exists, "a file has this name");
      if (!names().has_parent(key)) return call.failure(errc::no_such_file, "its parent is missing");
      world_->disk.put(key, nullptr);
      return true;
    });
  }
  [[nodiscard]] result<void> remove_directory(std::string_view path) const {
    return perform(disk_call::remove_directory, "remove directory", path, [&](const call_type& call, std::string& key) -> result<void> {
      if (!names().is_directory(key)) return call.failure(errc::no_such_file);
      if (key.empty()) return call.failure(errc::io_error, "the root stays");
      if (!names().is_empty(key)) return call.failure(errc::io_error, "not empty");
      world_->disk.erase(key);
      return {};
    });
  }
  [[nodiscard]] result<std::vector<std::string>> list_directory(std::string_view path) const {
    return perform(disk_call::list, "list directory", path,
                   [&](const call_type& call, std::string& key) -> result<std::vector<std::string>> {
                     if (!names().is_directory(key)) return call.failure(errc::no_such_file);
                     return names().list(key);
                   });
  }
  [[nodiscard]] result<void> sync_directory(std::string_view path) const {
    return perform(disk_call::sync_directory, "sync directory", path, [&](const call_type& call, std::string& key) -> result<void> {
      if (!names().is_directory(key)) return call.failure(errc::no_such_file);
      world_->disk.sync_directory(key);
      return {};
    });
  }
  [[nodiscard]] result<std::string> temporary_directory() const {
    return perform(disk_call::make_directory, "make temporary directory", "", [&](const call_type&, std::string& key) -> result<std::string> {
      do key = "strata-" + std::to_string(++world_->temporaries);
      while (names().exists(key));
      world_->disk.put(key, nullptr);
      return "/" + key;
    });
  }
  [[nodiscard]] result<file_lock> lock_file(std::string_view path) const {
    return perform(disk_call::lock, "lock file", path, [&](const call_type& call, std::string& key) -> result<file_lock> {
      if (!names().exists(key)) {
        if (!names().has_parent(key)) return call.failure(errc::no_such_file, "its directory is missing");
        world_->disk.put(key, std::make_shared<detail::simulated_disk::file>());
      }
      STRATA_TRY_LET(file, existing(call, key));
      if (file->locked) return call.failure(errc::in_use, "held by this process");
      file->locked = true;
      return file_lock(std::move(file));
    });
  }

  [[nodiscard]] std::uint64_t wall_time_us() const noexcept {
    return world_->with.begins_at_us + steady_time_ns() / 1000 + static_cast<std::uint64_t>(world_->wall_jump_us);
  }
  [[nodiscard]] std::uint64_t steady_time_ns() const noexcept { return world_->schedule.now_ns(); }
  [[nodiscard]] std::uint64_t entropy() const noexcept { return world_->entropy.next(); }
  [[nodiscard]] std::uint64_t process_id() const noexcept { return 1; }

  template <typename Function>
  [[nodiscard]] result<thread> start_thread(const char* name, Function function) const {
    const detail::inside_world inside;
    const errc failure = world_->begin(disk_call::start_thread, name);
    world_->end(failure != errc{});
    if (failure != errc{}) return error(failure, "start thread", "a simulated fault");
    STRATA_TRY_LET(started, world_->schedule.start(name, std::move(function)));
    return thread(world_->schedule, *started);
  }
  // Which thread goes on is the seed's to say.
  void lower_priority() const noexcept {}
  void sleep_for_us(std::uint64_t duration_us) const {
    const detail::inside_world inside;
    constexpr std::uint64_t longest_us = UINT64_MAX / 4000;
    static_cast<void>(world_->schedule.wait(nullptr, "time", steady_time_ns() + (std::min)(duration_us, longest_us) * 1000));
  }
  void wait(std::atomic<std::uint32_t>& word, std::uint32_t value) const {
    const detail::inside_world inside;
    world_->schedule.point();
    if (word.load(std::memory_order_acquire) == value) static_cast<void>(world_->schedule.wait(&word, "a word"));
  }
  void wake_one(std::atomic<std::uint32_t>& word) const {
    world_->schedule.wake(&word, false);
    world_->schedule.point();
  }
  void wake_all(std::atomic<std::uint32_t>& word) const {
    world_->schedule.wake(&word, true);
    world_->schedule.point();
  }

 private:
  using call_type = detail::path_call;

  simulated(const simulation& with, std::shared_ptr<detail::worker_threads> workers)
      : world_(std::make_shared<detail::simulated_world>(with, std::move(workers))) {}

  [[nodiscard]] const detail::simulated_disk::table& names() const noexcept { return world_->disk.names(); }
  [[nodiscard]] result<disk_file> existing(const detail::path_call& call, const std::string& key) const {
    if (names().is_directory(key)) return call.failure(errc::io_error, "a directory");
    auto file = names().file(key);
    if (!file) return call.failure(errc::no_such_file);
    return file;
  }
  template <typename Body>
  auto perform(disk_call what, const char* operation, std::string_view path, Body body) const
      -> std::invoke_result_t<Body, const detail::path_call&, std::string&> {
    const detail::inside_world inside;
    const detail::path_call call(operation, path);
    STRATA_TRY_LET(key, call.key());
    if (const errc failure = world_->begin(what, key); failure != errc{}) {
      world_->end(1);
      return call.failure(failure, "a simulated fault");
    }
    auto outcome = body(call, key);
    world_->end(outcome.has_value() ? 0 : 2 + static_cast<std::uint64_t>(outcome.error().code()));
    return outcome;
  }

  world_pointer world_;
};

static_assert(requirements::environment<simulated>);

}  // namespace strata::inline STRATA_ABI::environment

#endif
