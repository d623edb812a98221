// The functions that code compiled with -fsanitize=thread calls, in place of the sanitizer's runtime: see steps.hpp. This
// file itself is compiled without it.
//
// Source: the interface of compiler-rt, include/sanitizer/tsan_interface_atomic.h.
#include "interleavings/steps.hpp"

namespace strata_tests {

namespace {

// Set while only one thread runs.
const simulated* stepped = nullptr;
std::uint64_t steps_taken = 0;
std::uint64_t stop_at = 0;

}  // namespace

stepping::stepping(const simulated& world, std::uint64_t stops_at) {
  stepped = &world;
  stop_at = stops_at == 0 ? 0 : steps_taken + stops_at;
}
stepping::~stepping() { stepped = nullptr; }
std::uint64_t stepping::steps() noexcept { return steps_taken; }

namespace {

void step() {
  if (stepped == nullptr || !simulated::may_step()) return;
  if (++steps_taken != stop_at) return stepped->step();
  constexpr std::uint64_t long_us = 1'000'000;
  stepped->sleep_for_us(long_us);
}

}  // namespace

}  // namespace strata_tests

using strata_tests::step;

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wmissing-prototypes"
#endif

// One thread runs at a time, and a turn is handed over with release and acquire; but threads may be about to begin or have
// ended beside it, so the operations stay atomic ones.
#define STEPPED(bits, type)                                                                                             \
  type __tsan_atomic##bits##_load(const volatile type* at, int) {                                                       \
    step();                                                                                                             \
    return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                                                       \
  }                                                                                                                     \
  void __tsan_atomic##bits##_store(volatile type* at, type value, int) {                                                \
    step();                                                                                                             \
    __atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                                                      \
  }                                                                                                                     \
  type __tsan_atomic##bits##_exchange(volatile type* at, type value, int) {                                             \
    step();                                                                                                             \
    return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);                                                            \
  }                                                                                                                     \
  type __tsan_atomic##bits##_fetch_add(volatile type* at, type value, int) {                                            \
    step();                                                                                                             \
    return __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);                                                             \
  }                                                                                                                     \
  type __tsan_atomic##bits##_fetch_sub(volatile type* at, type value, int) {                                            \
    step();                                                                                                             \
    return __atomic_fetch_sub(at, value, __ATOMIC_SEQ_CST);                                                             \
  }                                                                                                                     \
  type __tsan_atomic##bits##_fetch_and(volatile type* at, type value, int) {                                            \
    step();                                                                                                             \
    return __atomic_fetch_and(at, value, __ATOMIC_SEQ_CST);                                                             \
  }                                                                                                                     \
  type __tsan_atomic##bits##_fetch_or(volatile type* at, type value, int) {                                             \
    step();                                                                                                             \
    return __atomic_fetch_or(at, value, __ATOMIC_SEQ_CST);                                                              \
  }                                                                                                                     \
  type __tsan_atomic##bits##_fetch_xor(volatile type* at, type value, int) {                                            \
    step();                                                                                                             \
    return __atomic_fetch_xor(at, value, __ATOMIC_SEQ_CST);                                                             \
  }                                                                                                                     \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile type* at, type* expected, type value, int, int) {          \
    step();                                                                                                             \
    return __atomic_compare_exchange_n(at, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                 \
  }                                                                                                                     \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile type* at, type* expected, type value, int, int) {            \
    step();                                                                                                             \
    return __atomic_compare_exchange_n(at, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                 \
  }                                                                                                                     \
  type __tsan_atomic##bits##_compare_exchange_val(volatile type* at, type expected, type value, int, int) {             \
    step();                                                                                                             \
    __atomic_compare_exchange_n(at, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                       \
    return expected;                                                                                                    \
  }

// What is read and written plainly is no step.
#define PLAIN(bytes)                            \
  void __tsan_read##bytes(void*) {}             \
  void __tsan_write##bytes(void*) {}            \
  void __tsan_unaligned_read##bytes(void*) {}   \
  void __tsan_unaligned_write##bytes(void*) {}  \
  void __tsan_volatile_read##bytes(void*) {}    \
  void __tsan_volatile_write##bytes(void*) {}

extern "C" {
STEPPED(8, std::uint8_t)
STEPPED(16, std::uint16_t)
STEPPED(32, std::uint32_t)
STEPPED(64, std::uint64_t)
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)
void __tsan_atomic_thread_fence(int) { step(); }
void __tsan_atomic_signal_fence(int) {}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_read_range(void*, std::size_t) {}
void __tsan_write_range(void*, std::size_t) {}
}
