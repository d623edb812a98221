// The threads, locks, clocks and randomness of the operating system, for environments that replace only files: they
// derive from `threads` and add the rest of the table in requirements.hpp.
//
// Straight on pthreads: the standard's headers for these cost more to compile than the rest of this floor.
//
// Thread safety: as the table says. `threads` itself holds nothing, and its functions are static.
//
// Invariants
//  1. Waiting and durations follow the monotonic clock: a jump of the wall clock ends no wait early or late.
//  2. A started thread handles no signal that a program could mean for one of its own threads.
#ifndef STRATA_ENVIRONMENT_THREADS_HPP
#define STRATA_ENVIRONMENT_THREADS_HPP

#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#endif
#if defined(__linux__) || defined(__APPLE__)
#include <sys/random.h>
#endif

#include <strata/environment/requirements.hpp>

namespace strata::inline STRATA_ABI::environment {

class threads {
 public:
  // Not recursive. Requires: unlocked by the thread that locked it, and not locked on destruction.
  class mutex {
   public:
    explicit mutex(const threads&) noexcept {}
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;
    ~mutex() { pthread_mutex_destroy(&native_); }

    void lock() noexcept { STRATA_ASSERT(pthread_mutex_lock(&native_) == 0); }
    void unlock() noexcept { STRATA_ASSERT(pthread_mutex_unlock(&native_) == 0); }
    // False where another thread holds it.
    [[nodiscard]] bool try_lock() noexcept { return pthread_mutex_trylock(&native_) == 0; }

   private:
    friend threads;
    pthread_mutex_t native_ = PTHREAD_MUTEX_INITIALIZER;
  };

  // Wakes may come without cause, so a wait belongs in a loop around its condition.
  class condition_variable {
   public:
    explicit condition_variable(const threads&) noexcept {
#if defined(__APPLE__)
      STRATA_ASSERT(pthread_cond_init(&native_, nullptr) == 0);
#else
      pthread_condattr_t attributes;
      STRATA_ASSERT(pthread_condattr_init(&attributes) == 0);
      STRATA_ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
      STRATA_ASSERT(pthread_cond_init(&native_, &attributes) == 0);
      pthread_condattr_destroy(&attributes);
#endif
    }
    condition_variable(const condition_variable&) = delete;
    condition_variable& operator=(const condition_variable&) = delete;
    ~condition_variable() { pthread_cond_destroy(&native_); }

    // Requires: `lock` owns its mutex; it does again afterwards.
    void wait(unique_lock<mutex>& lock) noexcept {
      STRATA_ASSERT(lock.owns_lock());
      STRATA_ASSERT(pthread_cond_wait(&native_, &lock.mutex().native_) == 0);
    }
    // The same for at most `duration_us`: false when those have passed.
    bool wait_for_us(unique_lock<mutex>& lock, std::uint64_t duration_us) noexcept {
      STRATA_ASSERT(lock.owns_lock());
#if defined(__APPLE__)
      const timespec duration = span(duration_us);
      const int outcome = pthread_cond_timedwait_relative_np(&native_, &lock.mutex().native_, &duration);
#else
      const timespec deadline = after(duration_us);
      const int outcome = pthread_cond_timedwait(&native_, &lock.mutex().native_, &deadline);
#endif
      STRATA_ASSERT(outcome == 0 || outcome == ETIMEDOUT);
      return outcome == 0;
    }
    void notify_one() noexcept { pthread_cond_signal(&native_); }
    void notify_all() noexcept { pthread_cond_broadcast(&native_); }

   private:
    pthread_cond_t native_;
  };

  // Requires: joined once before it is destroyed or assigned to. Empty when made without one or moved from.
  class thread {
   public:
    thread() noexcept = default;
    thread(thread&& other) noexcept : native_(other.native_), running_(std::exchange(other.running_, false)) {}
    thread& operator=(thread&& other) noexcept {
      STRATA_ASSERT(!running_);
      native_ = other.native_;
      running_ = std::exchange(other.running_, false);
      return *this;
    }
    ~thread() { STRATA_ASSERT(!running_); }

    // Waits for its end. What it did is seen afterwards.
    void join() noexcept {
      STRATA_ASSERT(running_);
      STRATA_ASSERT(pthread_join(native_, nullptr) == 0);
      running_ = false;
    }

   private:
    friend threads;
    explicit thread(pthread_t native) noexcept : native_(native), running_(true) {}

    pthread_t native_{};
    bool running_ = false;
  };

  // Runs `function()` on a new thread that debuggers show as `name` (its first 15 bytes). The function object is moved
  // there and destroyed there, before `join` returns. An exception out of it ends the process.
  //
  // out_of_memory: no memory, or no further thread is allowed; nothing was started.
  template <typename Function>
  [[nodiscard]] STRATA_COLD static result<thread> start_thread(const char* name, Function function) {
    std::unique_ptr<start<Function>> begin;
    STRATA_TRY_BLOCK { begin = std::make_unique<start<Function>>(name, std::move(function)); }
    STRATA_CATCH(...) { return error(errc::out_of_memory, "start thread"); }
    sigset_t before;
    const sigset_t quiet = signals_to_block();
    pthread_sigmask(SIG_SETMASK, &quiet, &before);
    pthread_t native;
    const int failure = pthread_create(&native, nullptr, &start<Function>::run, begin.get());
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (failure != 0) return error(errc::out_of_memory, "start thread").with_system_error(failure);
    static_cast<void>(begin.release());  // the thread owns it now
    return thread(native);
  }

  // Debuggers show the calling thread as `name` (its first 15 bytes).
  static void name_this_thread(std::string_view name) noexcept {
    char shown[name_bytes] = {};
    name.copy(shown, name_bytes - 1);
#if defined(__APPLE__)
    pthread_setname_np(shown);
#elif defined(__linux__)
    pthread_setname_np(pthread_self(), shown);
#else
    static_cast<void>(shown);
#endif
  }

  // The calling thread gets a tenth of what others get that want the processor at the same moment (`nice` 10 more), and
  // all of it where nobody does. Linux alone has a niceness for each thread; elsewhere nothing happens.
  STRATA_COLD static void lower_priority() noexcept {
#if defined(__linux__)
    const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
    const int now = ::getpriority(PRIO_PROCESS, thread);
    static_cast<void>(::setpriority(PRIO_PROCESS, thread, now + 10));
#endif
  }

  // µs since 1970. May jump both ways.
  [[nodiscard]] static std::uint64_t wall_time_us() noexcept {
    const timespec now = read_clock(CLOCK_REALTIME);
    if (now.tv_sec < 0) return 0;
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
  }
  // ns since some fixed moment. Never goes back.
  [[nodiscard]] static std::uint64_t steady_time_ns() noexcept {
    const timespec now = read_clock(CLOCK_MONOTONIC);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
  }

  // 64 bits from the operating system. Where it has none to give (a sandbox may forbid the call), bits that clocks, the
  // process and a counter make unlike any others, but that can be guessed.
  [[nodiscard]] STRATA_COLD static std::uint64_t entropy() noexcept {
    std::uint64_t bits = 0;
    if (getentropy(&bits, sizeof bits) == 0) return bits;
    static std::atomic<std::uint64_t> calls{0};
    bits = steady_time_ns() ^ (wall_time_us() << 20) ^ (process_id() << 44);
    bits += calls.fetch_add(0x9E3779B97F4A7C15, std::memory_order_relaxed);  // 2^64 / golden ratio: steps far apart
    bits = (bits ^ (bits >> 32)) * 0xD6E8FEB86659FD93;
    return bits ^ (bits >> 32);
  }

  // Another in a child of fork(). No call of the system but the first, where the system can forget the answer in a child.
  [[nodiscard]] static std::uint64_t process_id() noexcept {
    std::atomic<std::uint64_t>* const known = known_id_.load(std::memory_order_acquire);
    const std::uint64_t id = known == nullptr ? 0 : known->load(std::memory_order_relaxed);
    return id != 0 ? id : learn_process_id();
  }

  // Blocks the calling thread for at least `duration_us`, whatever signals come.
  static void sleep_for_us(std::uint64_t duration_us) noexcept {
#if defined(__APPLE__)
    timespec left = span(duration_us);
    while (::nanosleep(&left, &left) != 0 && errno == EINTR) continue;
#else
    const timespec deadline = after(duration_us);
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr) == EINTR) continue;
#endif
  }

  // Blocks while `word` holds `value`; may return without cause. Between threads of one process.
  static void wait(std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    if (word.load(std::memory_order_acquire) != value) return;
#if defined(__linux__)
    // The kernel looks again before it blocks: a change in between, followed by a wake, is not lost.
    futex(word, FUTEX_WAIT_PRIVATE, value);
#else
    word.wait(value, std::memory_order_acquire);
#endif
  }
  // Wakes one thread that waits on `word`. Requires: `word` was changed before.
  static void wake_one(std::atomic<std::uint32_t>& word) noexcept {
#if defined(__linux__)
    futex(word, FUTEX_WAKE_PRIVATE, 1);
#else
    word.notify_one();
#endif
  }
  // Wakes all that wait on `word`. Requires: `word` was changed before.
  static void wake_all(std::atomic<std::uint32_t>& word) noexcept {
#if defined(__linux__)
    futex(word, FUTEX_WAKE_PRIVATE, INT_MAX);
#else
    word.notify_all();
#endif
  }

 private:
  // Remembers the id in a page that a child of fork() finds empty (Linux 4.14, madvise(2)) and that stays for the process's
  // life; does without where there is no such thing. An emulator may say yes to any advice and follow none: it is asked for
  // one that there is not.
  [[nodiscard]] STRATA_COLD STRATA_NOINLINE static std::uint64_t learn_process_id() noexcept {
    const auto id = static_cast<std::uint64_t>(::getpid());
#if defined(MADV_WIPEONFORK)
    std::atomic<std::uint64_t>* known = known_id_.load(std::memory_order_acquire);
    if (known != nullptr) {
      known->store(id, std::memory_order_relaxed);
      return id;
    }
    constexpr std::size_t bytes = 4096;
    constexpr int no_advice = -1;
    void* const page = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return id;
    if (::madvise(page, bytes, MADV_WIPEONFORK) == 0 && ::madvise(page, bytes, no_advice) != 0 &&
        known_id_.compare_exchange_strong(known, std::construct_at(static_cast<std::atomic<std::uint64_t>*>(page), id)))
      return id;
    static_cast<void>(::munmap(page, bytes));
#endif
    return id;
  }
  static inline constinit std::atomic<std::atomic<std::uint64_t>*> known_id_{nullptr};

  static constexpr std::size_t name_bytes = 16;  // Linux allows 15 and a zero

  // What a new thread needs, on its way there.
  template <typename Function>
  struct start {
    start(std::string_view thread_name, Function&& thread_function) noexcept : function(std::move(thread_function)) {
      thread_name.copy(name, name_bytes - 1);
    }
    static void* run(void* begin) noexcept {
      const std::unique_ptr<start> self(static_cast<start*>(begin));
      name_this_thread(self->name);
      self->function();
      return nullptr;
    }
    Function function;
    char name[name_bytes] = {};
  };

  // All but those that a thread brings on itself, and the profiler's.
  static sigset_t signals_to_block() noexcept {
    sigset_t signals;
    sigfillset(&signals);
    for (int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF}) sigdelset(&signals, own);
    return signals;
  }

  static timespec read_clock(clockid_t clock) noexcept {
    timespec now{};
    STRATA_ASSERT(::clock_gettime(clock, &now) == 0);
    return now;
  }

  // At most 30 years: no deadline leaves the range of any kernel's clock.
  static timespec span(std::uint64_t duration_us) noexcept {
    constexpr std::uint64_t seconds_max = 946'080'000;
    const std::uint64_t seconds = duration_us / 1'000'000;
    timespec result{};
    result.tv_sec = static_cast<decltype(result.tv_sec)>(seconds < seconds_max ? seconds : seconds_max);
    result.tv_nsec = static_cast<decltype(result.tv_nsec)>(duration_us % 1'000'000 * 1000);
    return result;
  }

  static timespec after(std::uint64_t duration_us) noexcept {
    timespec deadline = read_clock(CLOCK_MONOTONIC);
    const timespec duration = span(duration_us);
    deadline.tv_sec += duration.tv_sec;
    deadline.tv_nsec += duration.tv_nsec;
    if (deadline.tv_nsec >= 1'000'000'000) {
      deadline.tv_nsec -= 1'000'000'000;
      ++deadline.tv_sec;
    }
    return deadline;
  }

#if defined(__linux__)
  static void futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) noexcept {
    static_assert(sizeof(word) == 4 && std::atomic<std::uint32_t>::is_always_lock_free,
                  "the kernel reads the word itself");
    const int before = errno;
    ::syscall(SYS_futex, static_cast<void*>(&word), operation, value, nullptr, nullptr, 0);
    errno = before;  // being interrupted or late is no error here
  }
#endif
};

}  // namespace strata::inline STRATA_ABI::environment

#endif
