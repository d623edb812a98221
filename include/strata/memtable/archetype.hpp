// The smallest memtable that meets the requirements: where to start one of your own.
//
// Thread safety: one writer; any number of readers beside it, without a lock.
//
// Invariants
//  1. A node is complete before a link points to it; afterwards only its link changes.
//  2. Nodes are in entry order and stay until the list is destroyed: views and cursors live that long.
//
// No claim to speed: a search walks the list from its beginning, O(entries). A better memtable changes how it finds the
// place, not what is done there.
#ifndef STRATA_MEMTABLE_ARCHETYPE_HPP
#define STRATA_MEMTABLE_ARCHETYPE_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <strata/config.hpp>
#include <strata/core/arena.hpp>
#include <strata/core/entry.hpp>
#include <strata/environment/requirements.hpp>
#include <strata/memtable/requirements.hpp>

namespace strata::inline STRATA_ABI::memtable {

// A sorted, singly linked list. Each member does what memtable/requirements.hpp asks of it, and no more.
class archetype {
  struct node {
    entry content;  // views into the arena
    std::atomic<node*> next{nullptr};
  };

 public:
  using strata_slot = slot::memtable;

  archetype() noexcept = default;
  archetype(const archetype&) = delete;
  archetype& operator=(const archetype&) = delete;

  // All memory is taken here, so that `insert` cannot fail: the commit is in the log by then.
  // out_of_memory: nothing has changed.
  [[nodiscard]] result<void> reserve(std::size_t entries, std::size_t bytes) noexcept {
    constexpr std::size_t node_cost = arena::cost(sizeof(node), alignof(node));
    if (entries > SIZE_MAX / 4 / node_cost || bytes > SIZE_MAX / 4) return error(errc::out_of_memory, "reserve memory");
    return arena_.reserve(entries * node_cost + bytes);
  }

  // Before all that are equal in key and sequence. Requires: room reserved.
  void insert(const entry& added) noexcept {
    node* const made =
        std::construct_at(static_cast<node*>(static_cast<void*>(arena_.allocate(sizeof(node), alignof(node)))));
    made->content = {copy(added.key), copy(added.value), added.sequence, added.kind};
    std::atomic<node*>* before = &first_;
    for (node* next = before->load(std::memory_order_relaxed);
         next != nullptr && is_before(*next, added.key, added.sequence); next = before->load(std::memory_order_relaxed))
      before = &next->next;
    // Relaxed: no reader sees the node yet.
    made->next.store(before->load(std::memory_order_relaxed), std::memory_order_relaxed);
    // Release: publishes the whole node to readers, who acquire.
    before->store(made, std::memory_order_release);
    entries_.store(entries_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  // The newest version of `key` with sequence ≤ `at`; `out` is unchanged where there is none. Any thread.
  [[nodiscard]] bool get(bytes_view key, sequence_number at, entry& out) const noexcept {
    const node* const found = find(key, at);
    if (found == nullptr || found->content.key != key) return false;
    out = found->content;
    return true;
  }

  // Any thread.
  [[nodiscard]] std::size_t entries() const noexcept { return entries_.load(std::memory_order_acquire); }
  [[nodiscard]] std::size_t bytes() const noexcept { return sizeof(archetype) + arena_.bytes(); }

  class cursor {
   public:
    explicit cursor(const archetype& list) noexcept : list_(&list) {}

    [[nodiscard]] bool valid() const noexcept { return at_ != nullptr; }
    [[nodiscard]] entry current() const noexcept {
      STRATA_ASSERT(at_ != nullptr);
      return at_->content;
    }
    void seek_first() noexcept { at_ = list_->first_.load(std::memory_order_acquire); }
    void seek_last() noexcept { at_ = list_->last_before(nullptr); }
    void seek(bytes_view key, sequence_number sequence) noexcept { at_ = list_->find(key, sequence); }
    void next() noexcept {
      STRATA_ASSERT(at_ != nullptr);
      at_ = at_->next.load(std::memory_order_acquire);
    }
    void prev() noexcept {
      STRATA_ASSERT(at_ != nullptr);
      at_ = list_->last_before(at_);
    }

   private:
    const archetype* list_;
    const node* at_ = nullptr;
  };

 private:
  [[nodiscard]] bytes_view copy(bytes_view bytes) noexcept {
    char* const to = arena_.allocate(bytes.size());
    bytes.copy(to, bytes.size());
    return {to, bytes.size()};
  }

  [[nodiscard]] static bool is_before(const node& at, bytes_view key, sequence_number sequence) noexcept {
    return compare_versions(at.content.key, at.content.sequence, key, sequence) < 0;
  }

  // The first node not before (key, sequence); null where there is none.
  [[nodiscard]] const node* find(bytes_view key, sequence_number sequence) const noexcept {
    // Acquire, here and below: pairs with the release in `insert`.
    const node* at = first_.load(std::memory_order_acquire);
    while (at != nullptr && is_before(*at, key, sequence)) at = at->next.load(std::memory_order_acquire);
    return at;
  }

  // The node whose next is `end`, null where `end` is the first.
  [[nodiscard]] const node* last_before(const node* end) const noexcept {
    const node* found = nullptr;
    const node* at = first_.load(std::memory_order_acquire);
    while (at != end) {
      found = at;
      at = at->next.load(std::memory_order_acquire);
    }
    return found;
  }

  arena arena_;
  std::atomic<node*> first_{nullptr};
  std::atomic<std::size_t> entries_{0};
};

static_assert(requirements::memtable<archetype>);

}  // namespace strata::inline STRATA_ABI::memtable

#endif
