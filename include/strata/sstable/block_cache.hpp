// The cache of data blocks that all tables of a store share.
//
// Each table has an array with one slot a block, so that a hit is an array load and one atomic addition: no hash
// look-up, no lock. A miss reads the block without a lock, then takes the cache's mutex to account for it, to make room
// and to publish it.
//
// A slot's state is one word:   | pins: 29 bits | hot | touched | resident |
//
//   1. `resident` is set and cleared only under the mutex. While it is set, `memory` and `place_in_ring` do not change.
//   2. Who adds a pin and finds `resident` set in what was there before may read the block until it takes the pin back.
//      Who finds it clear takes the pin back at once and has touched nothing.
//   3. `resident` is cleared only by a compare-and-swap from a word without pins. So no block that is pinned is freed,
//      and none that is being freed can be pinned.
//   4. A slot is resident exactly if it stands in the ring once, and the ring's charges add up to `bytes_`, which never
//      passes the capacity. A block for which there is no room is its reader's own and is freed with it.
//   5. Of two threads that miss the same block at once both may read it; under the mutex the first publishes its copy,
//      the second drops its own and pins the first's.
//
// Memory orders. Publishing adds `resident` with release, after the block was written; a pin is an acquire addition, so
// who sees `resident` sees the block (additions by others in between are read-modify-writes and carry the release on).
// Taking a pin back is a release, and the evicting compare-and-swap an acquire, so all reads of a block come before its
// memory is freed. `touched` and `hot` are hints, relaxed.
//
// Eviction is a clock with three chances. A hit sets `touched`. The hand turns `touched` into `hot`, `hot` into
// nothing, and evicts what has neither. A new block has neither: what a long scan reads once goes before what is asked
// for again, and a block that was hit outlives at least two turns of the hand. A cursor that walks from block to block
// does not touch.
#ifndef STRATA_SSTABLE_BLOCK_CACHE_HPP
#define STRATA_SSTABLE_BLOCK_CACHE_HPP

#include <atomic>
#include <utility>

#include <strata/core/dynamic_array.hpp>
#include <strata/environment/requirements.hpp>
#include <strata/sstable/requirements.hpp>
#include <strata/sstable/stored_block.hpp>

namespace strata::inline STRATA_ABI::sstable {

// Whether a hit counts as a wish to keep the block.
enum class cache_use : std::uint8_t { touch, walk };

// Where a block of a table may be in memory.
struct cache_slot {
  static constexpr std::uint32_t resident = 1;
  static constexpr std::uint32_t touched = 2;
  static constexpr std::uint32_t hot = 4;
  static constexpr std::uint32_t one_pin = 8;

  std::atomic<std::uint32_t> state{0};
  std::uint32_t place_in_ring = 0;  // under the mutex
  block_buffer memory;              // written under the mutex while not resident

  [[nodiscard]] bool try_pin(cache_use use) noexcept {
    const std::uint32_t before = state.fetch_add(one_pin, std::memory_order_acquire);
    if ((before & resident) == 0) {
      state.fetch_sub(one_pin, std::memory_order_relaxed);
      return false;
    }
    if (use == cache_use::touch && (before & touched) == 0) state.fetch_or(touched, std::memory_order_relaxed);
    return true;
  }
  void unpin() noexcept { state.fetch_sub(one_pin, std::memory_order_release); }
};

// Keeps one block readable: pinned in the cache, or its own. Movable; empty by default. One thread.
class pinned_block {
 public:
  pinned_block() = default;
  pinned_block(pinned_block&& other) noexcept
      : slot_(std::exchange(other.slot_, nullptr)), own_(std::move(other.own_)) {}
  pinned_block& operator=(pinned_block&& other) noexcept {
    if (this != &other) {
      release();
      slot_ = std::exchange(other.slot_, nullptr);
      own_ = std::move(other.own_);
    }
    return *this;
  }
  ~pinned_block() { release(); }

  void release() noexcept {
    if (slot_ != nullptr) std::exchange(slot_, nullptr)->unpin();
    own_ = block_buffer();
  }

  // Takes over a pin of `slot`, or a block. Requires: empty.
  void hold(cache_slot& slot) noexcept { slot_ = &slot; }
  void hold(block_buffer&& block) noexcept { own_ = std::move(block); }

  // Requires: not empty.
  [[nodiscard]] bytes_view bytes() const noexcept { return slot_ != nullptr ? slot_->memory.bytes() : own_.bytes(); }

 private:
  cache_slot* slot_ = nullptr;
  block_buffer own_;
};

// Thread safety: all members from any thread. Outlives the tables that use it.
template <typename Environment>
class block_cache {
 public:
  // Holds at most `bytes` of blocks, what is spent on each included; 0 holds none.
  block_cache(const Environment& environment, std::uint64_t bytes) : mutex_(environment), bytes_capacity_(bytes) {}
  block_cache(const block_cache&) = delete;
  block_cache& operator=(const block_cache&) = delete;

  // Publishes a block that was read for a slot that missed, and pins it; or lets `to` own it where there is no room.
  // May throw std::bad_alloc where exceptions exist; nothing has changed then.
  void insert(cache_slot& slot, block_buffer&& block, pinned_block& to) {
    const std::uint64_t charge = block.bytes().size() + overhead_bytes;
    unique_lock lock(mutex_);
    ++misses_;
    if ((slot.state.load(std::memory_order_relaxed) & cache_slot::resident) != 0) {
      slot.state.fetch_add(cache_slot::one_pin, std::memory_order_acquire);
      return to.hold(slot);
    }
    ring_.reserve(ring_.size() == ring_.capacity() ? 2 * ring_.size() + 16 : 0);
    if (!make_room(charge) || ring_.size() >= 0xFFFFFFFF) return to.hold(std::move(block));
    slot.memory = std::move(block);
    slot.place_in_ring = static_cast<std::uint32_t>(ring_.size());
    ring_.push_back({&slot, charge});
    bytes_ += charge;
    slot.state.fetch_add(cache_slot::resident + cache_slot::one_pin, std::memory_order_release);
    to.hold(slot);
  }

  // Takes the blocks of a table out. Requires: none of them is pinned, and nobody uses the slots any more.
  void remove(cache_slot* slots, std::size_t count) noexcept {
    unique_lock lock(mutex_);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t state = slots[i].state.load(std::memory_order_acquire);
      STRATA_ASSERT(state < cache_slot::one_pin);
      if ((state & cache_slot::resident) != 0) drop(slots[i]);
    }
  }

  // A hit is counted without contention and without waiting, so that a few may be lost.
  void count_hit() noexcept {
    std::atomic<std::uint64_t>& count = hits_[stripe_of_this_thread()].count;
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  // Hits may be a little low where many threads read. Misses are exact.
  [[nodiscard]] cache_stats stats() const {
    cache_stats now;
    for (const striped_count& stripe : hits_) now.hits += stripe.count.load(std::memory_order_relaxed);
    unique_lock lock(mutex_);
    now.misses = misses_;
    now.bytes = bytes_;
    now.bytes_capacity = bytes_capacity_;
    return now;
  }

 private:
  struct ring_entry {
    cache_slot* slot;
    std::uint64_t charge;
  };
  struct alignas(64) striped_count {
    std::atomic<std::uint64_t> count{0};
  };
  static constexpr std::size_t stripes = 16;
  // Besides the block: its length and padding, its place in the ring, and what an allocator keeps of its own.
  static constexpr std::uint64_t overhead_bytes = block_buffer::overhead_bytes + sizeof(ring_entry) + 16;

  [[nodiscard]] static std::size_t stripe_of_this_thread() noexcept {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t mine = threads.fetch_add(1, std::memory_order_relaxed) % stripes;
    return mine;
  }

  // Under the mutex. Evicts until `charge` fits; false where it can't, because what is left is pinned.
  [[nodiscard]] bool make_room(std::uint64_t charge) noexcept {
    if (charge > bytes_capacity_) return false;
    // Three turns take all chances from every block; what is still there after them is pinned.
    for (std::size_t steps = 3 * ring_.size() + 1; bytes_ > bytes_capacity_ - charge; --steps) {
      if (steps == 0 || ring_.empty()) return false;
      if (hand_ >= ring_.size()) hand_ = 0;
      if (!evict(*ring_[hand_].slot)) ++hand_;
    }
    return true;
  }

  // Under the mutex. Takes one chance from the block, or frees it when it has none and no pin.
  [[nodiscard]] bool evict(cache_slot& slot) noexcept {
    const std::uint32_t state = slot.state.load(std::memory_order_relaxed);
    if ((state & cache_slot::touched) != 0) {
      slot.state.fetch_or(cache_slot::hot, std::memory_order_relaxed);
      slot.state.fetch_and(~cache_slot::touched, std::memory_order_relaxed);
      return false;
    }
    if ((state & cache_slot::hot) != 0) {
      slot.state.fetch_and(~cache_slot::hot, std::memory_order_relaxed);
      return false;
    }
    std::uint32_t idle = cache_slot::resident;
    if (!slot.state.compare_exchange_strong(idle, 0, std::memory_order_acquire, std::memory_order_relaxed))
      return false;
    forget(slot);
    return true;
  }

  // Under the mutex, where nobody can pin the slot any more.
  void drop(cache_slot& slot) noexcept {
    slot.state.store(0, std::memory_order_relaxed);
    forget(slot);
  }

  // The last of the ring moves into the gap: the hand meets it a little early, which costs nothing but its turn.
  void forget(cache_slot& slot) noexcept {
    const std::size_t place = slot.place_in_ring;
    STRATA_ASSERT(ring_[place].slot == &slot);
    bytes_ -= ring_[place].charge;
    ring_[place] = ring_.back();
    ring_[place].slot->place_in_ring = static_cast<std::uint32_t>(place);
    ring_.pop_back();
    slot.memory = block_buffer();
  }

  mutable typename Environment::mutex mutex_;
  dynamic_array<ring_entry> ring_;
  std::size_t hand_ = 0;
  std::uint64_t bytes_ = 0;
  const std::uint64_t bytes_capacity_;
  std::uint64_t misses_ = 0;
  striped_count hits_[stripes];
};

}  // namespace strata::inline STRATA_ABI::sstable

#endif
