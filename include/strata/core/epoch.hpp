// Epochs: readers use a shared object without a lock and without writing to anything that they share; a writer that has
// replaced the object learns when no reader can still see it.
//
// Thread safety: pin() from any thread; advance() and quiet_since() from any thread.
//
//   1. A reader marks a slot with the epoch it found, then loads the shared pointer, then clears the slot.
//   2. A writer exchanges the shared pointer, then calls advance(); the old object may go once quiet_since() of what
//      advance() returned is true.
//   3. Both orders are sequentially consistent: a reader whose slot the writer saw empty marks it after the writer
//      looked, and so loads the new pointer.
//
// Source: Fraser, "Practical lock-freedom", Cambridge 2004, §5.2.3, with slots in place of per-thread records.
#ifndef STRATA_CORE_EPOCH_HPP
#define STRATA_CORE_EPOCH_HPP

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <strata/core/function_ref.hpp>

namespace strata::inline STRATA_ABI {

class epoch_domain {
  // More slots than threads that are inside a read at one instant, as a rule; further readers wait until one is free.
  static constexpr std::size_t slots_max = 64;
  struct alignas(64) slot {
    std::atomic<std::uint64_t> pinned{0};
  };

 public:
  epoch_domain() = default;
  epoch_domain(const epoch_domain&) = delete;
  epoch_domain& operator=(const epoch_domain&) = delete;

  // A reader's mark, cleared on destruction. Short: nothing that a writer has replaced is freed while it lasts.
  class guard {
   public:
    explicit guard(slot& mark) noexcept : mark_(&mark) {}
    guard(const guard&) = delete;
    guard& operator=(const guard&) = delete;
    ~guard() { mark_->pinned.store(0, std::memory_order_release); }

   private:
    slot* mark_;
  };

  // Marks the calling thread as reading. Cost: one compare-and-swap on a cache line that other threads seldom touch.
  //
  // `give_way` lets other threads go on, for a while that a read may last (it may wait for a disk): called, and again, where
  // a whole round over the slots found all of them taken. Must not throw.
  [[nodiscard]] guard pin(function_ref<void()> give_way) noexcept {
    const std::size_t first = thread_ordinal();
    if (slot& mark = slots_[first % slots_max]; take(mark)) [[likely]]
      return guard(mark);
    return guard(take_another(first, give_way));
  }

  // Begins a new epoch and returns it.
  std::uint64_t advance() noexcept { return now_.fetch_add(1, std::memory_order_seq_cst) + 1; }

  // True when every reader that is inside now came in at `epoch` or later.
  [[nodiscard]] bool quiet_since(std::uint64_t epoch) const noexcept {
    for (const slot& mark : slots_) {
      const std::uint64_t pinned = mark.pinned.load(std::memory_order_seq_cst);
      if (pinned != 0 && pinned < epoch) return false;
    }
    return true;
  }

 private:
  [[nodiscard]] bool take(slot& mark) noexcept {
    std::uint64_t free = 0;
    return mark.pinned.compare_exchange_strong(free, now_.load(std::memory_order_seq_cst), std::memory_order_seq_cst);
  }
  [[nodiscard]] STRATA_NOINLINE slot& take_another(std::size_t first, function_ref<void()> give_way) noexcept {
    for (std::size_t tried = 1;; ++tried) {
      slot& mark = slots_[(first + tried) % slots_max];
      if (take(mark)) return mark;
      if (tried % slots_max == 0) give_way();
    }
  }

  // Spreads threads over the slots; a thread keeps its number, so its slot is in its cache.
  [[nodiscard]] static std::size_t thread_ordinal() noexcept {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t mine = threads.fetch_add(1, std::memory_order_relaxed);
    return mine;
  }

  std::array<slot, slots_max> slots_;
  alignas(64) std::atomic<std::uint64_t> now_{1};
};

}  // namespace strata::inline STRATA_ABI

#endif
