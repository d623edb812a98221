// A skip list over an arena: the simple memtable, ordered at all times.
//
// Thread safety: one writer (`reserve`, `insert`); any number of readers beside it, without a lock and without waiting. A
// cursor belongs to one thread. Destruction needs that all of them are done.
//
// Invariants
//  1. A node is complete before a link points to it, and neither moves nor changes afterwards, but for its links.
//  2. The list of level i + 1 is a part of the list of level i; the list of level 0 holds every node in entry order.
//  3. A link's head is 0 or the head of the node that it points to, or that it pointed to before another node came in
//     between. Heads of nodes never contradict the order of their keys: a smaller head means a smaller key, equal heads
//     say nothing.
//  4. Heads (key_heads.hpp) are learned once.
//
// Where the time goes: a search in a large list is a chain of cache misses, one for each node that it looks into. So a
// link carries eight bytes of the key that it leads to, its *head*, and most nodes that lie beyond the target are never
// touched.
#ifndef STRATA_MEMTABLE_SKIP_LIST_HPP
#define STRATA_MEMTABLE_SKIP_LIST_HPP

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <strata/config.hpp>
#include <strata/core/arena.hpp>
#include <strata/core/entry.hpp>
#include <strata/environment/requirements.hpp>
#include <strata/memtable/key_heads.hpp>
#include <strata/memtable/requirements.hpp>

namespace strata::inline STRATA_ABI::memtable {

// The default's simple sibling: no tuning, no background work, and an insert that only ever appends to memory.
//
// Cost of an entry: its key and value, 16 bytes, and on average 32 bytes of links, rounded up to 16. `insert`, `get` and
// `seek` look at O(log n) nodes; an insert near the one before it at O(log distance), so that keys in order are near O(1).
class skip_list {
  struct node;

 public:
  using strata_slot = slot::memtable;

  // Keys up to this fit (four bytes hold length and height); the library's own limit is far below.
  static constexpr std::size_t key_bytes_limit = (std::size_t{1} << 24) - 1;

  skip_list() noexcept = default;
  skip_list(const skip_list&) = delete;
  skip_list& operator=(const skip_list&) = delete;

  // Makes sure that the next `entries` inserts, of `bytes` bytes of keys and values in all, cannot fail. Reservations don't
  // add up: each replaces the one before. Writer only.
  //
  // out_of_memory: nothing has changed. Cost: O(entries), a few nanoseconds each; allocates at most twice.
  [[nodiscard]] result<void> reserve(std::size_t entries, std::size_t bytes) noexcept {
    constexpr std::size_t entries_max = SIZE_MAX / 4 / (sizeof(node) + height_max * sizeof(link) + node_alignment);
    if (entries > entries_max || bytes > SIZE_MAX / 4) return error(errc::out_of_memory, "reserve memory");
    std::size_t total = entries * (sizeof(node) + arena::cost(0, node_alignment)) + bytes;
    // The heights are known before they are needed, so that not every node must be taken for the highest.
    const std::uint64_t first = entries_.load(std::memory_order_relaxed);
    for (std::uint64_t ordinal = first; ordinal < first + entries; ++ordinal)
      total += height_of(ordinal) * sizeof(link);
    return arena_.reserve(total);
  }

  // Copies the entry in. Of entries equal in key and sequence the later insert comes first. Writer only.
  // Requires: room reserved; key ≤ `key_bytes_limit`, value < 4 GiB, sequence ≤ `sequence_max`.
  void insert(const entry& added) noexcept {
    const std::uint64_t ordinal = entries_.load(std::memory_order_relaxed);
    if (ordinal == key_heads::keys_to_learn_from) [[unlikely]]
      learn_heads();
    const unsigned height = height_of(ordinal);
    node* const inserted = make_node(added, height);
    const target sought = make_target(added.key, added.sequence);
    move_splice(sought);

    for (unsigned level = 0; level < height; ++level) {
      link& before = splice_[level].links[level];
      link& own = inserted->links()[level];
      // Relaxed: no reader can reach this node's links before the release store below.
      own.to.store(before.to.load(std::memory_order_relaxed), std::memory_order_relaxed);
      own.head.store(before.head.load(std::memory_order_relaxed), std::memory_order_relaxed);
      // Release: publishes the node with its bytes and its link of this level to whoever acquires the pointer.
      before.to.store(inserted, std::memory_order_release);
      // Release, after the pointer: a reader that acquires this head sees this pointer or a later one. See `find`.
      before.head.store(sought.head, std::memory_order_release);
      splice_[level] = {inserted->links(), inserted, sought.head};
    }
    // Release: a reader that knows of this many entries finds them.
    entries_.store(ordinal + 1, std::memory_order_release);
  }

  // Finds the newest version of `key` with sequence ≤ `at`, of any kind. Its views live as long as the list; `out` is
  // unchanged where there is none. Any thread. Never waits, never allocates.
  [[nodiscard]] bool get(bytes_view key, sequence_number at, entry& out) const noexcept {
    const node* const found = find(make_target(key, at));
    if (found == nullptr || found->key() != key) return false;
    out = found->as_entry();
    return true;
  }

  // Entries inserted so far. Any thread.
  [[nodiscard]] std::size_t entries() const noexcept { return entries_.load(std::memory_order_acquire); }

  // Memory held, in bytes: what was asked of the system, whether in use already or not. Any thread.
  [[nodiscard]] std::size_t bytes() const noexcept { return sizeof(skip_list) + arena_.bytes(); }

  // A place in the list, at an entry or at none. The list must outlive it. One thread.
  // A move sees every entry that was inserted before it began; entries that it returned stay valid.
  class cursor {
   public:
    explicit cursor(const skip_list& list) noexcept : list_(&list) {}

    [[nodiscard]] bool valid() const noexcept { return at_ != nullptr; }
    // Requires: valid(). The views live as long as the list.
    [[nodiscard]] entry current() const noexcept {
      STRATA_ASSERT(at_ != nullptr);
      return at_->as_entry();
    }
    void seek_first() noexcept { at_ = list_->root_[0].to.load(std::memory_order_acquire); }
    void seek_last() noexcept { at_ = list_->last(); }
    // To the first entry not before (key, sequence); to none where there is none.
    void seek(bytes_view key, sequence_number sequence) noexcept {
      at_ = list_->find(list_->make_target(key, sequence));
    }
    // Requires: valid().
    void next() noexcept {
      STRATA_ASSERT(at_ != nullptr);
      // Acquire: pairs with the release that published the node there.
      at_ = at_->links()[0].to.load(std::memory_order_acquire);
    }
    // Requires: valid(). Costs a search: nodes have no way back.
    void prev() noexcept {
      STRATA_ASSERT(at_ != nullptr);
      at_ = list_->before(at_);
    }

   private:
    const skip_list* list_;
    const node* at_ = nullptr;
  };

 private:
  // One node in two reaches the next level. One in four, usual elsewhere, saves eleven bytes an entry, but makes a search
  // step into three nodes a level on half the levels; as heads spare us the nodes beyond the target, steps are what is
  // left to pay: with 1 M random keys of 18 bytes, one in four takes 1.5 times as long to insert and 1.7 times to get
  // (medians of eight pairs of runs, taken in turn).
  // 2^20 entries keep searches logarithmic, and ten times that many cost only a few steps more.
  static constexpr unsigned height_max = 20;

  struct link {
    std::atomic<std::uint64_t> head{0};  // 0: not known
    std::atomic<node*> to{nullptr};      // null: the end
  };

  // In memory: node | links[height] | key | value. Aligned so that no link crosses a cache line.
  static constexpr std::size_t node_alignment = 16;
  struct node {
    std::uint64_t sequence_and_kind;  // as on disk: sequence << 8 | kind
    std::uint32_t value_bytes;
    std::uint32_t key_bytes_and_height;  // key bytes << 8 | height

    // The bytes behind this struct were allocated with it; `link`s were constructed there.
    [[nodiscard]] link* links() noexcept { return static_cast<link*>(static_cast<void*>(this + 1)); }
    [[nodiscard]] const link* links() const noexcept {
      return static_cast<const link*>(static_cast<const void*>(this + 1));
    }
    [[nodiscard]] sequence_number sequence() const noexcept { return sequence_and_kind >> 8; }
    [[nodiscard]] const char* key_data() const noexcept {
      return static_cast<const char*>(static_cast<const void*>(links() + (key_bytes_and_height & 0xFF)));
    }
    [[nodiscard]] bytes_view key() const noexcept { return {key_data(), key_bytes_and_height >> 8}; }
    [[nodiscard]] entry as_entry() const noexcept {
      const bytes_view k = key();
      return {k, {k.data() + k.size(), value_bytes}, sequence(), static_cast<value_kind>(sequence_and_kind & 0xFF)};
    }
  };
  static_assert(sizeof(node) % node_alignment == 0 && sizeof(link) % alignof(link) == 0);

  // What a search looks for.
  struct target {
    bytes_view key;
    sequence_number sequence;
    std::uint64_t head;  // 0: heads of links are not to be trusted, as they may come from a rule not known here
  };

  // The last node before the latest insert, on one level.
  struct splice_place {
    link* links = nullptr;        // its links; the root's at first
    const node* where = nullptr;  // null: the root, which is before everything
    std::uint64_t head = 0;       // of `where`
  };

  // A coin thrown once a level, but always the same for the same `ordinal`: the same inserts give the same list on every
  // run and machine, and `reserve` knows what is coming.
  [[nodiscard]] static unsigned height_of(std::uint64_t ordinal) noexcept {
    std::uint64_t mixed = (ordinal + 1) * 0x9E3779B97F4A7C15u;  // splitmix64
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    mixed ^= mixed >> 31;
    return 1 + static_cast<unsigned>(std::countr_zero(mixed | (std::uint64_t{1} << (height_max - 1))));
  }

  [[nodiscard]] node* make_node(const entry& added, unsigned height) noexcept {
    STRATA_ASSERT(added.key.size() <= key_bytes_limit && added.value.size() <= UINT32_MAX);
    STRATA_ASSERT(added.sequence <= sequence_max);
    const std::size_t links_bytes = height * sizeof(link);
    char* const memory =
        arena_.allocate(sizeof(node) + links_bytes + added.key.size() + added.value.size(), node_alignment);
    node* const made = std::construct_at(static_cast<node*>(static_cast<void*>(memory)));
    made->sequence_and_kind = added.sequence << 8 | static_cast<std::uint64_t>(added.kind);
    made->value_bytes = static_cast<std::uint32_t>(added.value.size());
    made->key_bytes_and_height = static_cast<std::uint32_t>(added.key.size() << 8 | height);
    for (unsigned level = 0; level < height; ++level) std::construct_at(made->links() + level);
    char* to = memory + sizeof(node) + links_bytes;
    to += added.key.copy(to, added.key.size());
    added.value.copy(to, added.value.size());
    return made;
  }

  STRATA_COLD void learn_heads() noexcept {
    key_heads::sample first;
    for (const node* at = root_[0].to.load(std::memory_order_relaxed); at != nullptr; at = at->links()->to.load(std::memory_order_relaxed))
      first.add(at->key());
    heads_.learn(first);
  }

  [[nodiscard]] target make_target(bytes_view key, sequence_number sequence) const noexcept {
    return {key, sequence, heads_.of(key)};
  }

  // Whether `at` stands before the target. `head` is 0 or the head of `at`.
  [[nodiscard]] static bool is_before(const node* at, std::uint64_t head, const target& sought) noexcept {
    if (sought.head != 0 && head != 0 && head != sought.head) return head < sought.head;
    return compare_versions(at->key(), at->sequence(), sought.key, sought.sequence) < 0;
  }

  // The first node not before the target.
  //
  // A link's head and pointer are two loads, and the writer may put a node in between. The head is loaded first and stored
  // last, so the pointer leads to the head's node or to one that came before it since. Head below the target's: both nodes
  // stand before the target, so going on is right. Head above: the node loaded may still stand before the target, and going
  // down misses it on this level only. On level 0 nothing is below, so the node itself is asked.
  [[nodiscard]] const node* find(const target& sought) const noexcept {
    const link* links = root_;
    for (unsigned level = height_max - 1; level > 0; --level) {
      for (;;) {
        // Acquire, both: the first orders the second after it, the second makes the node's bytes visible.
        const std::uint64_t head = links[level].head.load(std::memory_order_acquire);
        const node* const next = links[level].to.load(std::memory_order_acquire);
        if (next == nullptr || !is_before(next, head, sought)) break;
        links = next->links();
      }
    }
    for (;;) {
      const std::uint64_t head = links[0].head.load(std::memory_order_acquire);
      const node* const next = links[0].to.load(std::memory_order_acquire);
      if (next == nullptr) return nullptr;
      const bool skips = head != 0 && head < sought.head;
      if (!skips && !is_before(next, 0, sought)) return next;
      links = next->links();
    }
  }

  // The last node, null where there is none.
  [[nodiscard]] const node* last() const noexcept {
    const node* found = nullptr;
    const link* links = root_;
    for (unsigned level = height_max; level-- > 0;) {
      while (const node* const next = links[level].to.load(std::memory_order_acquire)) {
        found = next;
        links = next->links();
      }
    }
    return found;
  }

  // The node before `at`, null where `at` is the first.
  [[nodiscard]] const node* before(const node* at) const noexcept {
    const target sought = make_target(at->key(), at->sequence());
    const node* found = nullptr;
    const link* links = root_;
    for (unsigned level = height_max; level-- > 0;) {
      for (;;) {
        const std::uint64_t head = links[level].head.load(std::memory_order_acquire);
        const node* const next = links[level].to.load(std::memory_order_acquire);
        if (next == nullptr || !is_before(next, head, sought)) break;
        found = next;
        links = next->links();
      }
    }
    // What is left are nodes that came in meanwhile, and those of the same key and sequence that were inserted after `at`.
    for (;;) {
      const node* const next = links[0].to.load(std::memory_order_acquire);
      STRATA_ASSERT(next != nullptr);
      if (next == at) return found;
      found = next;
      links = next->links();
    }
  }

  // Brings the splice to the last nodes before the target, on every level where it is not there already. Writer only.
  //
  // Where the target lies between the splice's node of a level and the node after it, it does so on every level above
  // too: the search starts at the lowest such level, which is level 0 when keys come in order.
  void move_splice(const target& sought) noexcept {
    if (splice_[0].links == nullptr)
      for (splice_place& place : splice_) place.links = root_;
    unsigned level = 0;
    while (level < height_max - 1 && !fits(splice_[level], level, sought)) ++level;
    splice_place place = splice_[level];
    // On the highest level nothing vouches for the splice.
    if (level == height_max - 1 && place.where != nullptr && !is_before(place.where, place.head, sought))
      place = {root_, nullptr, 0};
    for (;; --level) {
      for (;;) {
        // Relaxed: only this thread writes links.
        const std::uint64_t head = place.links[level].head.load(std::memory_order_relaxed);
        node* const next = place.links[level].to.load(std::memory_order_relaxed);
        if (next == nullptr || !is_before(next, head, sought)) break;
        place = {next->links(), next, head};
      }
      splice_[level] = place;
      if (level == 0) return;
    }
  }

  [[nodiscard]] static bool fits(const splice_place& place, unsigned level, const target& sought) noexcept {
    if (place.where != nullptr && !is_before(place.where, place.head, sought)) return false;
    const node* const next = place.links[level].to.load(std::memory_order_relaxed);
    return next == nullptr || !is_before(next, place.links[level].head.load(std::memory_order_relaxed), sought);
  }

  arena arena_;
  std::atomic<std::size_t> entries_{0};
  key_heads heads_;
  splice_place splice_[height_max];
  link root_[height_max];
};

static_assert(requirements::memtable<skip_list>);

}  // namespace strata::inline STRATA_ABI::memtable

#endif
