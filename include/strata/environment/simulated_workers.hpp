// The native threads of simulated worlds, kept from one simulated thread to the next: to make one costs more than most
// simulated threads do in their whole life, with a sanitizer a hundred times more.
//
// A world shares its workers with the worlds that are derived from it; they end with the last of these. A forked child has
// none of them: a world that was made before the fork is not the child's to use or to destroy.
//
// Thread safety: any thread may take a worker, and give it back. One that is taken belongs to who took it until its turn
// is given, then to itself until it gives another the turn, then to who joins it.
//
// Invariants
//  1. A worker that is idle waits for its turn, or is about to: nothing of its last task is left but memory to free.
//  2. Who has the turn sees all that was done before: it is handed on with release and taken with acquire.
#ifndef STRATA_ENVIRONMENT_SIMULATED_WORKERS_HPP
#define STRATA_ENVIRONMENT_SIMULATED_WORKERS_HPP

#include <strata/core/dynamic_array.hpp>
#include <strata/environment/threads.hpp>

namespace strata::inline STRATA_ABI::environment::detail {

// What a worker does in one simulated thread.
class worker_task {
 public:
  worker_task() noexcept = default;
  worker_task(const worker_task&) = delete;
  worker_task& operator=(const worker_task&) = delete;
  virtual ~worker_task() = default;
  // Called once, at the first turn; gives another the turn as the last that it does.
  virtual void run() noexcept = 0;
};

// A native thread of a simulated world. The one that made the world is a worker, too: of no pool, and without a task.
class worker {
 public:
  explicit worker(std::string_view name) : name_(name) {}

  [[nodiscard]] const char* name() const noexcept { return name_.c_str(); }

  // Requires: taken from the pool, and not begun.
  void give_task(std::unique_ptr<worker_task> task) noexcept { task_ = std::move(task); }

  // Lets the thread go on that waits, or will wait, in await_turn().
  void give_turn() noexcept {
    turn_.store(1, std::memory_order_release);
    threads::wake_one(turn_);
  }
  void await_turn() noexcept {
    while (turn_.load(std::memory_order_acquire) == 0) threads::wait(turn_, 0);
    turn_.store(0, std::memory_order_relaxed);
  }

 private:
  friend class worker_threads;

  // Task after task, until it is given a turn without one.
  void serve() noexcept {
    for (;;) {
      await_turn();
      // Not the worker's any more: when it has handed on its turn, it may be given another.
      const std::unique_ptr<worker_task> task = std::move(task_);
      if (!task) return;
      if (std::exchange(renamed_, false)) threads::name_this_thread(name_);
      task->run();
    }
  }
  void end() noexcept {
    give_turn();
    native_.join();
  }

  std::string name_;
  bool renamed_ = false;  // debuggers still show the name before
  bool idle_ = false;     // under the pool's mutex
  std::atomic<std::uint32_t> turn_{0};
  std::unique_ptr<worker_task> task_;
  threads::thread native_;
};
using worker_pointer = std::shared_ptr<worker>;

class worker_threads {
 public:
  worker_threads() noexcept : mutex_(threads()) {}
  worker_threads(const worker_threads&) = delete;
  worker_threads& operator=(const worker_threads&) = delete;
  // Requires: all were given back, and it is none of them that calls.
  ~worker_threads() {
    for (const worker_pointer& each : workers_) {
      STRATA_ASSERT(each->idle_);
      each->end();
    }
  }

  // An idle one, the last that had this name if there is one; a new one where none is idle. Debuggers show it as `name`.
  //
  // out_of_memory: no memory, or no further thread is allowed.
  [[nodiscard]] result<worker_pointer> take(std::string_view name) {
    const unique_lock lock(mutex_);
    const worker_pointer* found = nullptr;
    for (const worker_pointer& each : workers_)
      if (each->idle_ && (found == nullptr || each->name_ == name)) found = &each;
    if (found == nullptr) return start(name);
    worker& taken = **found;
    if (taken.name_ != name) {
      STRATA_TRY_BLOCK { taken.name_ = name; }
      STRATA_CATCH(...) { return error(errc::out_of_memory, "start thread"); }
      taken.renamed_ = true;
    }
    taken.idle_ = false;
    return *found;
  }
  // Requires: its task has come to its end, or it never had one.
  void give_back(worker& idle) noexcept {
    const unique_lock lock(mutex_);
    idle.idle_ = true;
  }

 private:
  [[nodiscard]] result<worker_pointer> start(std::string_view name) {
    worker_pointer started;
    STRATA_TRY_BLOCK {
      started = std::make_shared<worker>(name);
      workers_.push_back(started);
    }
    STRATA_CATCH(...) { return error(errc::out_of_memory, "start thread"); }
    auto native = threads::start_thread(started->name(), [self = started.get()]() noexcept { self->serve(); });
    if (!native) {
      workers_.pop_back();
      return std::move(native).error();
    }
    started->native_ = std::move(*native);
    return started;
  }

  threads::mutex mutex_;
  dynamic_array<worker_pointer> workers_;
};

}  // namespace strata::inline STRATA_ABI::environment::detail

#endif
