// Memory that is handed out piece by piece and given back all at once.
//
// Thread safety: one thread allocates; any thread may call `bytes()` meanwhile, and use what it was handed.
//
// Invariants
//  1. What was handed out never moves and stays until the arena is destroyed.
//  2. After `reserve(n)` the current chunk has n bytes left: allocations that fit in them cannot fail.
//  3. Chunks grow from 4 KiB to 1 MiB, each twice the one before, so that an idle arena is small and a busy one asks
//     the system rarely. A larger reservation gets a chunk of its own size. What is left of the chunk before the
//     current one is kept too: a large reservation in between wastes nothing.
#ifndef STRATA_CORE_ARENA_HPP
#define STRATA_CORE_ARENA_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include <strata/config.hpp>
#include <strata/core/result.hpp>

namespace strata::inline STRATA_ABI {

class arena {
 public:
  // The largest alignment that can be asked for.
  static constexpr std::size_t alignment_max = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

  // The most that one allocation takes of a reservation: its size, and what aligning it may skip.
  [[nodiscard]] static constexpr std::size_t cost(std::size_t size, std::size_t alignment) noexcept {
    return size + (alignment - 1);
  }

  // Holds nothing until the first `reserve`.
  arena() noexcept = default;
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;
  ~arena() {
    // One by one: destroying the chain from its head would recurse once a chunk.
    while (newest_) newest_ = std::move(newest_->before);
  }

  // Makes sure that the allocations that follow cannot fail as long as their costs (see `cost`) add up to at most
  // `bytes`. Reservations don't add up: each replaces the one before, and what that one left unused is used again.
  //
  // out_of_memory: nothing has changed. Cost: nothing where the current chunk has the room, else two allocations.
  [[nodiscard]] result<void> reserve(std::size_t bytes) noexcept {
    if (bytes <= current_.left()) [[likely]]
      return {};
    if (bytes <= spare_.left()) {
      std::swap(current_, spare_);
      return {};
    }
    return add_chunk(bytes);
  }

  // `size` bytes at a multiple of `alignment`, uninitialised. Null only for no bytes of an arena that holds nothing.
  // Requires: room reserved; `alignment` a power of two up to `alignment_max`.
  [[nodiscard]] char* allocate(std::size_t size, std::size_t alignment = 1) noexcept {
    STRATA_ASSERT(alignment != 0 && (alignment & (alignment - 1)) == 0 && alignment <= alignment_max);
    // A chunk begins at a multiple of `alignment_max`, so aligning the offset aligns the address.
    const std::size_t begin = (current_.used + (alignment - 1)) & ~(alignment - 1);
    STRATA_ASSERT(begin <= current_.size && size <= current_.size - begin);
    current_.used = begin + size;
    return current_.begin + begin;
  }

  // Memory held, in bytes, handed out or not. Any thread.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t chunk_bytes_min = std::size_t{4} << 10;
  static constexpr std::size_t chunk_bytes_max = std::size_t{1} << 20;

  struct chunk {
    std::unique_ptr<char[]> memory;
    std::unique_ptr<chunk> before;
  };

  // The free end of a chunk.
  struct space {
    char* begin = nullptr;
    std::size_t size = 0;
    std::size_t used = 0;
    [[nodiscard]] std::size_t left() const noexcept { return size - used; }
  };

  STRATA_COLD STRATA_NOINLINE result<void> add_chunk(std::size_t bytes) noexcept {
    const std::size_t size = bytes > next_chunk_bytes_ ? bytes : next_chunk_bytes_;
    // The one place that allocates, by the form of `new` that returns null, so that a full machine is an error here too
    // where exceptions don't exist.
    std::unique_ptr<chunk> added(new (std::nothrow) chunk);
    if (added && size <= PTRDIFF_MAX) added->memory.reset(new (std::nothrow) char[size]);
    if (!added || !added->memory) return error(errc::out_of_memory, "reserve memory");
    // Of the two spaces there are, the one with less left is given up.
    if (current_.left() > spare_.left()) spare_ = current_;
    current_ = {added->memory.get(), size, 0};
    added->before = std::move(newest_);
    newest_ = std::move(added);
    bytes_.store(bytes_.load(std::memory_order_relaxed) + size + sizeof(chunk), std::memory_order_relaxed);
    if (next_chunk_bytes_ < chunk_bytes_max) next_chunk_bytes_ *= 2;
    return {};
  }

  space current_;
  space spare_;
  std::size_t next_chunk_bytes_ = chunk_bytes_min;
  std::unique_ptr<chunk> newest_;
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace strata::inline STRATA_ABI

#endif
