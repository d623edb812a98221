// The environment: everything that the library asks of the outside. Files, directories, a lock, clocks, threads.
//
// Nothing above this floor calls the operating system or owns a `std::mutex`, so that another environment (in memory,
// simulated, the user's) replaces the whole world of a store. An environment is a cheap value: a handle to its world,
// copied freely, used from any thread.
//
// Requirements. `E` is the environment, `e` a const value of it, `p`, `q` paths (`std::string_view`), `b` bytes
// (`bytes_view`), `u` a `std::uint64_t`.
//
// expression                 returns                          what must hold
// -------------------------  -------------------------------  -----------------------------------------------------------
// e.create_file(p)           result<E::writable_file>         new and empty; already_exists where one is. Its name is
//                                                             durable only after sync_directory
// e.open_writable(p, u)      result<E::writable_file>         existing, cut to its first u bytes (u ≤ size, else
//                                                             invalid_argument), appends go there
// e.open_readable(p)         result<E::readable_file>         existing; no_such_file where none is
// e.file_exists(p)           result<bool>                     for files and directories
// e.file_size(p)             result<std::uint64_t>            bytes
// e.rename_file(p, q)        result<void>                     atomic; replaces q
// e.remove_file(p)           result<void>                     no_such_file where none is
// e.link_file(p, q)          result<void>                     q becomes another name of p; unsupported where the file
//                                                             system has no links; already_exists where q is
// e.create_directory(p)      result<bool>                     true: made; false: was there. The parent must exist
// e.remove_directory(p)      result<void>                     only an empty one
// e.list_directory(p)        result<std::vector<std::string>> names without path, unordered, without . and ..
// e.sync_directory(p)        result<void>                     names made, renamed and removed so far survive a power cut. The
//                                                             operation of its errors is "sync directory": by that the
//                                                             engine knows of names that may be lost
// e.temporary_directory()    result<std::string>              a new, empty directory of its own, for the caller to remove
// e.lock_file(p)             result<E::file_lock>             creates p if it is not there; in_use where another process,
//                                                             or another lock of this process, holds it; released on
//                                                             destruction and at the end of the process
// e.wall_time_us()           std::uint64_t                    µs since 1970; may jump both ways
// e.steady_time_ns()         std::uint64_t                    never goes back
// e.entropy()                std::uint64_t                    unpredictable (in a simulation: from its seed)
// e.process_id()             std::uint64_t                    changes in a forked child
// e.start_thread(name, f)    result<E::thread>                f() runs on a new thread; f is nothrow and movable
// e.lower_priority()         void                             the calling thread gives way to others from now on, where the
//                                                             system can do that
// e.sleep_for_us(u)          void                             at least u µs
// e.wait(w, v)               void                             blocks while the `std::atomic<std::uint32_t>` w holds v; may
//                                                             wake without cause
// e.wake_one(w), wake_all(w) void                             wakes one, all that wait on w
//
// A writable_file f (movable; destruction closes without a sync):
// f.append(b)                result<void>                     all of b at the end. After an error the end is unknown
// f.sync()                   result<void>                     contents and size survive a power cut. Never retried by the
//                                                             library after an error
// f.preallocate(u)           result<void>                     room for the first u bytes, size unchanged; unsupported where
//                                                             the file system can't
// f.zero_fill(u)             result<void>                     zeros behind what was appended, up to offset u; size() unchanged,
//                                                             and appends go over them. The next sync is theirs too. After
//                                                             an error some may be there; unsupported where it buys nothing
// f.map_ahead(u)             result<void>                     as f.zero_fill(u), and appends of up to 32 KiB up to there are then
//                                                             copies into memory that the file shares: they survive the process
//                                                             as others do, if appends have come into the part that was mapped
//                                                             before. May run beside append() as long as none goes beyond the
//                                                             zeros of before. unsupported where it is not safe, or buys nothing
// f.size()                   std::uint64_t                    bytes appended so far, those before open_writable included
// f.close()                  result<void>                     cuts the zeros behind what was appended where it can, closes. A
//                                                             second close does nothing
//
// A readable_file f (movable; const members from any thread):
// f.read(u, to, n)           result<std::size_t>              up to n bytes from offset u into `char* to`; fewer only at
//                                                             the end of the file
// f.size()                   std::uint64_t                    at the time of opening
//
// E::mutex m(e): m.lock(), m.unlock(), m.try_lock(); not recursive. E::condition_variable c(e): c.wait(l), where l is a
// `unique_lock<E::mutex>` (below); c.wait_for_us(l, u) → true when woken, false when u µs have passed (both may wake without cause);
// c.notify_one(), c.notify_all(). E::thread t: movable; t.join(), once, before destruction.
//
// All paths are UTF-8 with '/' between the parts. Every call may be made from any thread; a writable_file, a thread and a
// file_lock belong to one thread at a time, but for sync(), size() and map_ahead(), which may run beside append(). Errors carry the
// operation and the path.
#ifndef STRATA_ENVIRONMENT_REQUIREMENTS_HPP
#define STRATA_ENVIRONMENT_REQUIREMENTS_HPP

#include <atomic>
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

#include <strata/core/bytes.hpp>
#include <strata/core/result.hpp>

namespace strata::inline STRATA_ABI {

// Says which slot of a store a policy fills: `using strata_slot = slot::memtable;`.
namespace slot {
struct environment {};
struct memtable {};
struct wal {};
struct sstable {};
struct compaction {};
struct engine {};
struct schema {};
}  // namespace slot

// Holds a mutex of an environment. `std::unique_lock` without its header.
template <typename Mutex>
class unique_lock {
 public:
  explicit unique_lock(Mutex& mutex) : mutex_(&mutex) { lock(); }
  unique_lock(const unique_lock&) = delete;
  unique_lock& operator=(const unique_lock&) = delete;
  ~unique_lock() {
    if (owns_) mutex_->unlock();
  }
  void lock() {
    mutex_->lock();
    owns_ = true;
  }
  void unlock() {
    owns_ = false;
    mutex_->unlock();
  }
  [[nodiscard]] bool owns_lock() const noexcept { return owns_; }
  [[nodiscard]] Mutex& mutex() const noexcept { return *mutex_; }

 private:
  Mutex* mutex_;
  bool owns_ = false;
};

namespace requirements {

template <typename File>
concept writable_file = std::movable<File> && requires(File file, const File& constant, bytes_view bytes, std::uint64_t count) {
  { file.append(bytes) } -> std::same_as<result<void>>;
  { file.sync() } -> std::same_as<result<void>>;
  { file.preallocate(count) } -> std::same_as<result<void>>;
  { file.zero_fill(count) } -> std::same_as<result<void>>;
  { file.map_ahead(count) } -> std::same_as<result<void>>;
  { constant.size() } -> std::same_as<std::uint64_t>;
  { file.close() } -> std::same_as<result<void>>;
};

template <typename File>
concept readable_file = std::movable<File> && requires(const File& file, std::uint64_t offset, char* to, std::size_t count) {
  { file.read(offset, to, count) } -> std::same_as<result<std::size_t>>;
  { file.size() } -> std::same_as<std::uint64_t>;
};

template <typename Environment>
concept environment_files =
    requires { typename Environment::writable_file; typename Environment::readable_file; typename Environment::file_lock; } &&
    writable_file<typename Environment::writable_file> && readable_file<typename Environment::readable_file> &&
    requires(const Environment& e, std::string_view path, std::uint64_t size) {
      { e.create_file(path) } -> std::same_as<result<typename Environment::writable_file>>;
      { e.open_writable(path, size) } -> std::same_as<result<typename Environment::writable_file>>;
      { e.open_readable(path) } -> std::same_as<result<typename Environment::readable_file>>;
      { e.file_exists(path) } -> std::same_as<result<bool>>;
      { e.file_size(path) } -> std::same_as<result<std::uint64_t>>;
      { e.rename_file(path, path) } -> std::same_as<result<void>>;
      { e.remove_file(path) } -> std::same_as<result<void>>;
      { e.link_file(path, path) } -> std::same_as<result<void>>;
      { e.lock_file(path) } -> std::same_as<result<typename Environment::file_lock>>;
    };

template <typename Environment>
concept environment_directories = requires(const Environment& e, std::string_view path) {
  { e.create_directory(path) } -> std::same_as<result<bool>>;
  { e.remove_directory(path) } -> std::same_as<result<void>>;
  { e.list_directory(path) } -> std::same_as<result<std::vector<std::string>>>;
  { e.sync_directory(path) } -> std::same_as<result<void>>;
  { e.temporary_directory() } -> std::same_as<result<std::string>>;
};

template <typename Environment>
concept environment_clocks = requires(const Environment& e, std::uint64_t duration_us) {
  { e.wall_time_us() } -> std::same_as<std::uint64_t>;
  { e.steady_time_ns() } -> std::same_as<std::uint64_t>;
  { e.entropy() } -> std::same_as<std::uint64_t>;
  { e.process_id() } -> std::same_as<std::uint64_t>;
  e.sleep_for_us(duration_us);
};

template <typename Environment>
concept environment_threads =
    requires { typename Environment::mutex; typename Environment::condition_variable; typename Environment::thread; } &&
    std::constructible_from<typename Environment::mutex, const Environment&> &&
    std::constructible_from<typename Environment::condition_variable, const Environment&> &&
    std::movable<typename Environment::thread> &&
    requires(const Environment& e, typename Environment::mutex& mutex, typename Environment::condition_variable& condition,
             unique_lock<typename Environment::mutex>& lock, typename Environment::thread& thread, const char* name,
             void (*function)(), std::atomic<std::uint32_t>& word, std::uint64_t duration_us) {
      mutex.lock();
      mutex.unlock();
      { mutex.try_lock() } -> std::same_as<bool>;
      condition.wait(lock);
      { condition.wait_for_us(lock, duration_us) } -> std::same_as<bool>;
      condition.notify_one();
      condition.notify_all();
      { e.start_thread(name, function) } -> std::same_as<result<typename Environment::thread>>;
      e.lower_priority();
      thread.join();
      e.wait(word, std::uint32_t{});
      e.wake_one(word);
      e.wake_all(word);
    };

// All of the above: what the environment slot takes.
template <typename Environment>
concept environment = std::copyable<Environment> && std::default_initializable<Environment> && environment_files<Environment> &&
                      environment_directories<Environment> && environment_clocks<Environment> &&
                      environment_threads<Environment>;

}  // namespace requirements

namespace detail {

// The check battery of the slot: run first by a composition, so that a wrong policy gives one line a missing part.
template <typename Environment>
consteval bool check_environment() {
  static_assert(std::copyable<Environment> && std::default_initializable<Environment>,
                "strata: environment: must be copyable and default constructible (a handle to its world)");
  static_assert(requirements::environment_files<Environment>,
                "strata: environment: files are missing or differ; see the table in environment/requirements.hpp");
  static_assert(requirements::environment_directories<Environment>,
                "strata: environment: directories are missing or differ; see the table in environment/requirements.hpp");
  static_assert(requirements::environment_clocks<Environment>,
                "strata: environment: clocks are missing or differ; see the table in environment/requirements.hpp");
  static_assert(requirements::environment_threads<Environment>,
                "strata: environment: threads are missing or differ; see the table in environment/requirements.hpp");
  return true;
}

}  // namespace detail

}  // namespace strata::inline STRATA_ABI

#endif
