// When an expired value may leave the disk. Reads judge by the wall clock, exactly; removal is for ever, so it waits until
// the wall clock has kept pace with the steady clock for a margin, and stays that margin behind. A clock that jumps, or
// one that was wrong when the store was opened and is put right, removes nothing.
#ifndef STRATA_ENGINE_EXPIRY_CLOCK_HPP
#define STRATA_ENGINE_EXPIRY_CLOCK_HPP

#include <atomic>
#include <chrono>
#include <cstdint>

#include <strata/config.hpp>

namespace strata::inline STRATA_ABI::engine {

// Thread safety: any thread.
class expiry_clock {
 public:
  explicit expiry_clock(std::chrono::minutes margin) noexcept
      : margin_us_(static_cast<std::uint64_t>(std::chrono::microseconds(margin).count())) {}

  // Values whose expiry lies before the result (µs since 1970) may be removed; 0: none.
  [[nodiscard]] std::uint64_t horizon_us(std::uint64_t wall_us, std::uint64_t steady_ns) noexcept {
    const std::uint64_t steady_us = steady_ns / 1000;
    const std::uint64_t offset = wall_us - steady_us;  // modulo 2^64: only differences count
    const bool started = started_.load(std::memory_order_acquire);
    // Acquire, and `since` before it below: whoever sees the new offset sees since when it holds.
    const std::uint64_t drift = offset - offset_.load(std::memory_order_acquire);
    if (!started || (drift > drift_us_max && drift < 0 - drift_us_max)) {
      since_us_.store(steady_us, std::memory_order_relaxed);
      offset_.store(offset, std::memory_order_release);
      started_.store(true, std::memory_order_release);
      return 0;
    }
    // Another thread may have begun anew at a later reading of the clock.
    const std::uint64_t since_us = since_us_.load(std::memory_order_relaxed);
    if (steady_us < since_us || steady_us - since_us < margin_us_ || wall_us < margin_us_) return 0;
    return wall_us - margin_us_;
  }

 private:
  static constexpr std::uint64_t drift_us_max = 60'000'000;  // what adjustment of a healthy clock stays far below

  std::uint64_t margin_us_;
  std::atomic<std::uint64_t> offset_{0};
  std::atomic<std::uint64_t> since_us_{0};
  std::atomic<bool> started_{false};
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
