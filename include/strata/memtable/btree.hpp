// A B+-tree over an arena: the default memtable, ordered at all times, made for few cache misses.
//
// Thread safety: one writer (`reserve`, `insert`); any number of readers beside it, without a lock and without waiting. A
// cursor belongs to one thread. Destruction needs that all of them are done.
//
// A node has fifteen slots, filled as entries come, and one word, its *order*, that says how many are and in which order
// they stand: an insert fills a free slot and then stores the word, so that readers see all of it or nothing (Mao, Kohler,
// Morris, "Cache Craftiness for Fast Multicore Key-Value Storage", EuroSys 2012). What is in the tree never leaves it; only
// the upper half of a full node moves into a new node to its right. Each node knows that neighbour and its own lower bound,
// so that a reader that comes too far left, since a node was split meanwhile, goes on to the right (Lehman, Yao, "Efficient
// Locking for Concurrent Operations on B-Trees", TODS 1981).
//
// Invariants
//  1. A record is complete before a slot points to it, a node before another does; a record never moves nor changes.
//  2. The entries of a node stand in entry order, none before its lower bound, which never changes, and none behind that of
//     the node to its right; equal ones may stand on both sides of it.
//  3. A slot that the order named is filled anew only after a split, which `splits` counts: odd while one is under way. A
//     reader that finds the same count before and after has read what belongs together. Else it reads again, which it has to
//     only where the writer has got on: one that stands still keeps nobody waiting.
//  4. Heads (key_heads.hpp) are learned once, before a split. Until then all are 0, as are those of the lower bounds of the
//     nodes made until then for good.
//
// Where the time goes: a search misses the cache once for each of the lowest levels, and where it looks at a record.
#ifndef STRATA_MEMTABLE_BTREE_HPP
#define STRATA_MEMTABLE_BTREE_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include <strata/config.hpp>
#include <strata/core/arena.hpp>
#include <strata/core/entry.hpp>
#include <strata/environment/requirements.hpp>
#include <strata/memtable/key_heads.hpp>
#include <strata/memtable/requirements.hpp>
#include <strata/memtable/slot_order.hpp>

namespace strata::inline STRATA_ABI::memtable {

// Cost of an entry: its key and value, 16 bytes, rounded up to 8, and 20 (keys in order) to 32 bytes (at random) of nodes.
// `insert`, `get` and `seek` look into O(log n) nodes, an insert behind the one before it into one.
class btree {
  struct record;
  struct node;
  struct inner_node;

 public:
  using strata_slot = slot::memtable;

  // The library's own limit is far below.
  static constexpr std::size_t key_bytes_limit = UINT32_MAX;

  btree() noexcept = default;
  btree(const btree&) = delete;
  btree& operator=(const btree&) = delete;

  // Makes sure that the next `entries` inserts, of `bytes` bytes of keys and values in all, cannot fail. Reservations don't
  // add up: each replaces the one before. Writer only.
  //
  // out_of_memory: nothing has changed. Cost: O(nodes made since the one before); allocates at most twice.
  [[nodiscard]] result<void> reserve(std::size_t entries, std::size_t bytes) noexcept {
    constexpr std::size_t record_cost = arena::cost(sizeof(record), alignof(record));
    constexpr std::size_t leaf_cost = arena::cost(sizeof(node), alignof(node));
    constexpr std::size_t inner_cost = arena::cost(sizeof(inner_node), alignof(inner_node));
    if (entries > SIZE_MAX / 8 / (record_cost + leaf_cost + inner_cost) || bytes > SIZE_MAX / 4)
      return error(errc::out_of_memory, "reserve memory");
    const node_counts needed = nodes_needed(entries);
    const std::size_t leaves = needed.leaves - (std::min)(needed.leaves, spare_leaves_.count);
    const std::size_t inner = needed.inner - (std::min)(needed.inner, spare_inner_.count);
    STRATA_TRY(arena_.reserve(entries * record_cost + bytes + leaves * leaf_cost + inner * inner_cost));
    for (std::size_t i = 0; i < leaves; ++i) spare_leaves_.put(arena_.allocate(sizeof(node), alignof(node)));
    for (std::size_t i = 0; i < inner; ++i) spare_inner_.put(arena_.allocate(sizeof(inner_node), alignof(inner_node)));
    return {};
  }

  // Copies the entry in. Of entries equal in key and sequence the later insert comes first. Writer only.
  // Requires: room reserved; key ≤ `key_bytes_limit`, value < 4 GiB, sequence ≤ `sequence_max`.
  void insert(const entry& added) noexcept {
    const record* const made = make_record(added);
    const target sought = make_target(added.key, added.sequence);
    if (newest_ == nullptr) [[unlikely]]
      make_first_leaf();
    node* leaf = newest_;
    if (!covers(*leaf, sought)) leaf = descend(sought);
    newest_ = leaf;
    const std::uint64_t order = leaf->order.load(std::memory_order_relaxed);
    const unsigned rank = lower_bound(*leaf, order, sought);
    if (slot_order::count_of(order) < slots) [[likely]]
      put(*leaf, rank, {sought.head, made});
    else
      split_leaf(*leaf, rank, made);
    // Release: a reader that knows of this many entries finds them.
    entries_.store(entries_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  // Finds the newest version of `key` with sequence ≤ `at`, of any kind. Its views live as long as the tree; `out` is
  // unchanged where there is none. Any thread. Never waits, never allocates.
  [[nodiscard]] bool get(bytes_view key, sequence_number at, entry& out) const noexcept {
    const record* const found = find(make_target(key, at)).at;
    if (found == nullptr || found->key() != key) return false;
    out = found->as_entry();
    return true;
  }

  // Entries inserted so far. Any thread.
  [[nodiscard]] std::size_t entries() const noexcept { return entries_.load(std::memory_order_acquire); }

  // Memory held, in bytes: what was asked of the system, whether in use already or not. Any thread.
  [[nodiscard]] std::size_t bytes() const noexcept { return sizeof(btree) + arena_.bytes(); }

 private:
  // A place in a leaf; where a split has taken it to, is to the right.
  struct place {
    const node* leaf = nullptr;
    const record* at = nullptr;  // null: none
    unsigned rank = 0;
  };

 public:
  // A place in the tree, at an entry or at none. The tree must outlive it. One thread.
  // A move sees every entry that was inserted before it began; entries that it returned stay valid.
  class cursor {
   public:
    explicit cursor(const btree& tree) noexcept : tree_(&tree) {}

    [[nodiscard]] bool valid() const noexcept { return place_.at != nullptr; }
    // Requires: valid(). The views live as long as the tree.
    [[nodiscard]] entry current() const noexcept {
      STRATA_ASSERT(place_.at != nullptr);
      return place_.at->as_entry();
    }
    void seek_first() noexcept { place_ = tree_->first(); }
    void seek_last() noexcept { place_ = tree_->last(); }
    // To the first entry not before (key, sequence); to none where there is none.
    void seek(bytes_view key, sequence_number sequence) noexcept { place_ = tree_->find(tree_->make_target(key, sequence)); }
    // Requires: valid().
    void next() noexcept {
      STRATA_ASSERT(place_.at != nullptr);
      place_ = after(place_);
    }
    // Requires: valid(). Costs a search where the entry is the first of its leaf.
    void prev() noexcept {
      STRATA_ASSERT(place_.at != nullptr);
      place_ = tree_->before(place_);
    }

   private:
    const btree* tree_;
    place place_;
  };

 private:
  static constexpr unsigned slots = slot_order::slots;
  static constexpr unsigned levels_max = 24;  // of seven and more children each: more than memory holds

  // In memory: record | key | value.
  struct record {
    std::uint64_t sequence_and_kind;  // as on disk: sequence << 8 | kind
    std::uint32_t value_bytes;
    std::uint32_t key_bytes;

    [[nodiscard]] sequence_number sequence() const noexcept { return sequence_and_kind >> 8; }
    [[nodiscard]] bytes_view key() const noexcept {
      return {static_cast<const char*>(static_cast<const void*>(this + 1)), key_bytes};
    }
    [[nodiscard]] entry as_entry() const noexcept {
      const bytes_view k = key();
      return {k, {k.data() + k.size(), value_bytes}, sequence(), static_cast<value_kind>(sequence_and_kind & 0xFF)};
    }
  };
  struct bound {
    std::uint64_t head = 0;
    const record* at = nullptr;  // null: before everything
  };

  // A leaf, and what an inner node begins with. Its slots hold entries; those of an inner node the lower bounds of its
  // children but the first.
  struct node {
    node(unsigned on_level, bound lowest) noexcept : level(on_level), low(lowest) {}

    std::atomic<std::uint32_t> splits{0};
    const std::uint32_t level;                   // 0: a leaf
    std::atomic<std::uint64_t> order{slot_order::none};
    std::atomic<node*> right{nullptr};
    const bound low;
    std::atomic<std::uint64_t> heads[slots];
    std::atomic<const record*> records[slots];
  };
  struct inner_node : node {
    inner_node(unsigned on_level, bound lowest, node* leftmost) noexcept : node(on_level, lowest), first(leftmost) {}

    node* const first;
    std::atomic<node*> children[slots];  // each with the lower bound of its slot
  };

  // What a search looks for.
  struct target {
    bytes_view key;
    sequence_number sequence;
    std::uint64_t head;
  };

  // Memory of nodes to come.
  struct spare_nodes {
    char* newest = nullptr;  // its first bytes point to the next
    std::size_t count = 0;

    void put(char* memory) noexcept {
      std::memcpy(memory, &newest, sizeof newest);
      newest = memory;
      ++count;
    }
    [[nodiscard]] void* take() noexcept {
      STRATA_ASSERT(count != 0);
      char* const taken = newest;
      std::memcpy(&newest, taken, sizeof newest);
      --count;
      return taken;
    }
  };
  struct node_counts {
    std::size_t leaves = 0;
    std::size_t inner = 0;
  };

  // ---- comparing

  [[nodiscard]] target make_target(bytes_view key, sequence_number sequence) const noexcept {
    return {key, sequence, heads_.of(key)};
  }
  [[nodiscard]] static bool is_before(std::uint64_t head, const record* at, const target& sought) noexcept {
    if (head != sought.head && head != 0 && sought.head != 0) [[likely]]
      return head < sought.head;
    return compare_versions(at->key(), at->sequence(), sought.key, sought.sequence) < 0;
  }
  [[nodiscard]] static bool is_before(const bound& low, const target& sought) noexcept {
    return low.at == nullptr || is_before(low.head, low.at, sought);
  }
  // How many of the slots stand before the target.
  [[nodiscard]] static unsigned lower_bound(const node& in, std::uint64_t order, const target& sought) noexcept {
    unsigned low = 0;
    for (unsigned high = slot_order::count_of(order); low < high;) {
      const unsigned middle = (low + high) / 2;
      const unsigned slot = slot_order::slot_of(order, middle);
      // Acquire, here and below: what is read after it, `splits` at last, is no older.
      if (is_before(in.heads[slot].load(std::memory_order_acquire), in.records[slot].load(std::memory_order_acquire), sought))
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
  // The child whose entries are not before the lower bound of rank `rank` - 1 and not behind that of `rank`.
  [[nodiscard]] static node* child_of(const node& in, std::uint64_t order, unsigned rank) noexcept {
    const auto& parent = static_cast<const inner_node&>(in);
    return rank == 0 ? parent.first : parent.children[slot_order::slot_of(order, rank - 1)].load(std::memory_order_acquire);
  }
  // Its heads come while what is before them is looked at.
  static void prefetch(const node* at) noexcept {
    const char* const begin = static_cast<const char*>(static_cast<const void*>(at));
    for (std::size_t line = 0; line < 3; ++line) __builtin_prefetch(begin + 64 * line);
  }

  // ---- reading

  // The first entry not before the target.
  [[nodiscard]] place find(const target& sought) const noexcept {
    for (const node* at = root_.load(std::memory_order_acquire); at != nullptr;) {
      const std::uint32_t splits = at->splits.load(std::memory_order_acquire);
      const std::uint64_t order = at->order.load(std::memory_order_acquire);
      const unsigned rank = lower_bound(*at, order, sought);
      const bool ends_before = rank == slot_order::count_of(order);
      const node* const right = ends_before ? at->right.load(std::memory_order_acquire) : nullptr;
      if (right != nullptr && is_before(right->low, sought)) {
        at = right;
        continue;
      }
      const node* child = nullptr;
      place found;
      if (at->level != 0) {
        child = child_of(*at, order, rank);
        prefetch(child);
      } else if (!ends_before) {
        found = {at, at->records[slot_order::slot_of(order, rank)].load(std::memory_order_acquire), rank};
      } else if (right != nullptr) {
        found = first_of(*right);
      }
      if (at->splits.load(std::memory_order_relaxed) != splits) continue;
      if (child == nullptr) return found;
      at = child;
    }
    return {};
  }
  // Asks for what a walk comes to half a leaf later: records lie as they came, so each is a cache miss of its own.
  static void prefetch_records(const node& leaf) noexcept {
    constexpr std::size_t lines = 3;
    for (const auto& each : leaf.records) {
      const char* const from = static_cast<const char*>(static_cast<const void*>(each.load(std::memory_order_relaxed)));
      if (from == nullptr) continue;  // a slot that was never used
      for (std::size_t line = 0; line < lines; ++line) __builtin_prefetch(from + 64 * line);
    }
    if (const node* const next = leaf.right.load(std::memory_order_relaxed)) prefetch(next);
  }
  // Of a leaf that is not empty, or the only one.
  [[nodiscard]] static place first_of(const node& leaf) noexcept {
    for (;;) {
      const std::uint32_t splits = leaf.splits.load(std::memory_order_acquire);
      const std::uint64_t order = leaf.order.load(std::memory_order_acquire);
      if (slot_order::count_of(order) == 0) return {};
      const record* const at = leaf.records[slot_order::slot_of(order, 0)].load(std::memory_order_acquire);
      if (leaf.splits.load(std::memory_order_relaxed) == splits) return {&leaf, at, 0};
    }
  }
  // The leaf that was made first has no lower bound: it stays the leftmost.
  [[nodiscard]] place first() const noexcept {
    const node* const leaf = first_.load(std::memory_order_acquire);
    return leaf == nullptr ? place() : first_of(*leaf);
  }
  [[nodiscard]] place last() const noexcept {
    for (const node* at = root_.load(std::memory_order_acquire); at != nullptr;) {
      const std::uint32_t splits = at->splits.load(std::memory_order_acquire);
      const std::uint64_t order = at->order.load(std::memory_order_acquire);
      const unsigned count = slot_order::count_of(order);
      const node* next = at->right.load(std::memory_order_acquire);
      place found;
      if (next == nullptr) {
        if (at->level != 0)
          next = child_of(*at, order, count);
        else if (count != 0)
          found = {at, at->records[slot_order::slot_of(order, count - 1)].load(std::memory_order_acquire), count - 1};
      }
      if (at->splits.load(std::memory_order_relaxed) != splits) continue;
      if (next == nullptr) return found;
      at = next;
    }
    return {};
  }

  // Where `sought` stands in a leaf in this order; `slots` where it is not there.
  [[nodiscard]] static unsigned rank_of(const node& leaf, std::uint64_t order, const record* sought, unsigned guess) noexcept {
    const unsigned count = slot_order::count_of(order);
    const auto is_at = [&](unsigned rank) {
      return leaf.records[slot_order::slot_of(order, rank)].load(std::memory_order_acquire) == sought;
    };
    if (guess < count && is_at(guess)) return guess;
    for (unsigned rank = 0; rank < count; ++rank)
      if (is_at(rank)) return rank;
    return slots;
  }

  [[nodiscard]] static place after(const place& here) noexcept {
    const node* leaf = here.leaf;
    for (;;) {
      const std::uint32_t splits = leaf->splits.load(std::memory_order_acquire);
      const std::uint64_t order = leaf->order.load(std::memory_order_acquire);
      const unsigned rank = rank_of(*leaf, order, here.at, here.rank);
      const node* const right = leaf->right.load(std::memory_order_acquire);
      place found;
      bool moved = rank == slots;
      if (rank + 1 < slot_order::count_of(order)) {
        found = {leaf, leaf->records[slot_order::slot_of(order, rank + 1)].load(std::memory_order_acquire), rank + 1};
        if (found.rank == slot_order::count_of(order) / 2 && right != nullptr) prefetch_records(*right);
      } else if (!moved && right != nullptr) {
        found = first_of(*right);
        // In the midst of a split the upper half is still in both.
        if (splits % 2 != 0) {
          const std::uint64_t right_order = right->order.load(std::memory_order_acquire);
          moved = rank_of(*right, right_order, here.at, 0) != slots;
        }
      }
      if (leaf->splits.load(std::memory_order_relaxed) != splits) continue;
      if (!moved) return found;
      leaf = right;
    }
  }

  [[nodiscard]] place before(const place& here) const noexcept {
    // In its leaf, where that is the one that it was in.
    const std::uint32_t splits = here.leaf->splits.load(std::memory_order_acquire);
    const std::uint64_t order = here.leaf->order.load(std::memory_order_acquire);
    const unsigned rank = rank_of(*here.leaf, order, here.at, here.rank);
    if (rank != slots && rank != 0) {
      const record* const found = here.leaf->records[slot_order::slot_of(order, rank - 1)].load(std::memory_order_acquire);
      if (here.leaf->splits.load(std::memory_order_relaxed) == splits) return {here.leaf, found, rank - 1};
    }
    place found = last_before(make_target(here.at->key(), here.at->sequence()));
    if (found.at == nullptr) {
      found = first();
      if (found.at == here.at) return {};
    }
    // What is left are entries that came in meanwhile, and those of the same key and sequence that were inserted after it.
    for (place next = after(found); next.at != here.at; next = after(found)) found = next;
    return found;
  }
  // An entry before the target, the last unless a split is under way; none where none is.
  [[nodiscard]] place last_before(const target& sought) const noexcept {
    for (const node* at = root_.load(std::memory_order_acquire);;) {
      const std::uint32_t splits = at->splits.load(std::memory_order_acquire);
      const std::uint64_t order = at->order.load(std::memory_order_acquire);
      const unsigned rank = lower_bound(*at, order, sought);
      const node* const child = at->level != 0 ? child_of(*at, order, rank) : nullptr;
      place found;
      // None in the first leaf alone: in another, what its lower bound is of is before the target.
      if (child == nullptr && rank != 0)
        found = {at, at->records[slot_order::slot_of(order, rank - 1)].load(std::memory_order_acquire), rank - 1};
      if (at->splits.load(std::memory_order_relaxed) != splits) continue;
      if (child == nullptr) return found;
      at = child;
    }
  }

  // ---- writing; relaxed loads, for nobody else writes

  [[nodiscard]] const record* make_record(const entry& added) noexcept {
    STRATA_ASSERT(added.key.size() <= key_bytes_limit && added.value.size() <= UINT32_MAX);
    STRATA_ASSERT(added.sequence <= sequence_max);
    char* const memory = arena_.allocate(sizeof(record) + added.key.size() + added.value.size(), alignof(record));
    record* const made = std::construct_at(static_cast<record*>(static_cast<void*>(memory)));
    made->sequence_and_kind = added.sequence << 8 | static_cast<std::uint64_t>(added.kind);
    made->value_bytes = static_cast<std::uint32_t>(added.value.size());
    made->key_bytes = static_cast<std::uint32_t>(added.key.size());
    char* to = memory + sizeof(record);
    to += added.key.copy(to, added.key.size());
    added.value.copy(to, added.value.size());
    return made;
  }
  [[nodiscard]] node* make_leaf(bound low) noexcept {
    ++nodes_[0];
    return std::construct_at(static_cast<node*>(spare_leaves_.take()), 0u, low);
  }
  [[nodiscard]] inner_node* make_inner(unsigned level, bound low, node* leftmost) noexcept {
    ++nodes_[level];
    return std::construct_at(static_cast<inner_node*>(spare_inner_.take()), level, low, leftmost);
  }
  STRATA_COLD void make_first_leaf() noexcept {
    node* const leaf = make_leaf({});
    newest_ = leaf;
    first_.store(leaf, std::memory_order_release);
    root_.store(leaf, std::memory_order_release);
  }

  // At most: each insert meets a full leaf of its own while there are any; a half of one takes seven more before it splits
  // again, and the last of all leaves may stay full when it gets a neighbour. So it goes on on each level above, and a root
  // that is split takes a new one.
  [[nodiscard]] node_counts nodes_needed(std::size_t entries) const noexcept {
    constexpr std::size_t half = slots / 2;
    node_counts needed;
    std::size_t splits = entries;
    for (unsigned level = 0; splits != 0 && level < levels_max; ++level) {
      const bool is_new = nodes_[level] == 0;
      splits = (std::min)(splits, (is_new ? 0 : nodes_[level] + 1) + splits / half);
      (level == 0 ? needed.leaves : needed.inner) += splits + (is_new ? 1 : 0);
    }
    return needed;
  }

  // Whether the target belongs into this leaf.
  [[nodiscard]] static bool covers(const node& leaf, const target& sought) noexcept {
    if (!is_before(leaf.low, sought)) return false;
    const node* const right = leaf.right.load(std::memory_order_relaxed);
    return right == nullptr || !is_before(right->low, sought);
  }
  // The leaf that the target belongs into; `path_` is the way to it.
  [[nodiscard]] node* descend(const target& sought) noexcept {
    node* at = root_.load(std::memory_order_relaxed);
    while (at->level != 0) {
      const std::uint64_t order = at->order.load(std::memory_order_relaxed);
      const unsigned rank = lower_bound(*at, order, sought);
      path_[at->level] = {static_cast<inner_node*>(at), rank};
      at = child_of(*at, order, rank);
      prefetch(at);
    }
    return at;
  }

  // Release, each: what readers find under the new order, and that `splits` was counted before a slot is used again.
  static void put(node& in, unsigned rank, bound added, node* child = nullptr) noexcept {
    const std::uint64_t order = in.order.load(std::memory_order_relaxed);
    const unsigned slot = slot_order::slot_of(order, slot_order::count_of(order));
    in.heads[slot].store(added.head, std::memory_order_release);
    in.records[slot].store(added.at, std::memory_order_release);
    if (child != nullptr) static_cast<inner_node&>(in).children[slot].store(child, std::memory_order_release);
    in.order.store(slot_order::with_slot_at(order, rank), std::memory_order_release);
  }
  [[nodiscard]] static bound bound_at(const node& in, std::uint64_t order, unsigned rank) noexcept {
    const unsigned slot = slot_order::slot_of(order, rank);
    return {in.heads[slot].load(std::memory_order_relaxed), in.records[slot].load(std::memory_order_relaxed)};
  }

  STRATA_NOINLINE void split_leaf(node& leaf, unsigned rank, const record* made) noexcept {
    if (!heads_.are_known() && entries_.load(std::memory_order_relaxed) >= key_heads::keys_to_learn_from) learn_heads();
    const std::uint64_t order = leaf.order.load(std::memory_order_relaxed);
    const bound added{heads_.of(made->key()), made};
    // The way up, before anything changes.
    if (root_.load(std::memory_order_relaxed) != &leaf) static_cast<void>(descend({made->key(), made->sequence(), added.head}));
    node* const right = leaf.right.load(std::memory_order_relaxed);
    // Keys that come in order fill each leaf whole.
    if (rank == slots && right == nullptr) {
      node* const fresh = make_leaf(added);
      put(*fresh, 0, added);
      leaf.right.store(fresh, std::memory_order_release);
      newest_ = fresh;
      return add_to_parent(1, leaf, *fresh);
    }
    constexpr unsigned stay = slots - slots / 2;
    node* const fresh = make_leaf(bound_at(leaf, order, stay));
    for (unsigned moved = stay; moved < slots; ++moved) put(*fresh, moved - stay, bound_at(leaf, order, moved));
    if (rank > stay) put(*fresh, rank - stay, added);
    cut_off(leaf, slot_order::cut_to(order, stay), *fresh);
    if (rank <= stay) put(leaf, rank, added);
    add_to_parent(1, leaf, *fresh);
  }
  // `fresh`, which holds what is behind `order`, comes to stand to the right.
  static void cut_off(node& in, std::uint64_t order, node& fresh) noexcept {
    fresh.right.store(in.right.load(std::memory_order_relaxed), std::memory_order_relaxed);
    const std::uint32_t splits = in.splits.load(std::memory_order_relaxed);
    in.splits.store(splits + 1, std::memory_order_relaxed);
    in.right.store(&fresh, std::memory_order_release);
    in.order.store(order, std::memory_order_release);
    in.splits.store(splits + 2, std::memory_order_release);
  }

  // Makes `fresh` known on `level`, behind `split`, on the way that path_ says.
  void add_to_parent(unsigned level, node& split, node& fresh) noexcept {
    if (root_.load(std::memory_order_relaxed) == &split) {
      inner_node* const root = make_inner(level, {}, &split);
      put(*root, 0, fresh.low, &fresh);
      return root_.store(root, std::memory_order_release);
    }
    inner_node& parent = *path_[level].at;
    const unsigned rank = path_[level].rank;
    const std::uint64_t order = parent.order.load(std::memory_order_relaxed);
    if (slot_order::count_of(order) < slots) return put(parent, rank, fresh.low, &fresh);
    if (rank == slots && parent.right.load(std::memory_order_relaxed) == nullptr) {
      inner_node* const beside = make_inner(level, fresh.low, &fresh);
      parent.right.store(beside, std::memory_order_release);
      return add_to_parent(level + 1, parent, *beside);
    }
    // The middle one becomes the bound of what moves.
    constexpr unsigned stay = slots / 2;
    inner_node* const beside = make_inner(level, bound_at(parent, order, stay), child_of(parent, order, stay + 1));
    for (unsigned moved = stay + 1; moved < slots; ++moved)
      put(*beside, moved - stay - 1, bound_at(parent, order, moved), child_of(parent, order, moved + 1));
    if (rank > stay) put(*beside, rank - stay - 1, fresh.low, &fresh);
    cut_off(parent, slot_order::cut_to(order, stay), *beside);
    if (rank <= stay) put(parent, rank, fresh.low, &fresh);
    add_to_parent(level + 1, parent, *beside);
  }

  // From now on keys have heads, also those that are in the tree.
  STRATA_COLD void learn_heads() noexcept {
    key_heads::sample first;
    each_slot(first_.load(std::memory_order_relaxed), [&](node& leaf, unsigned slot) {
      first.add(leaf.records[slot].load(std::memory_order_relaxed)->key());
    });
    heads_.learn(first);
    node* leftmost = root_.load(std::memory_order_relaxed);
    for (;; leftmost = static_cast<inner_node*>(leftmost)->first) {
      each_slot(leftmost, [&](node& in, unsigned slot) {
        in.heads[slot].store(heads_.of(in.records[slot].load(std::memory_order_relaxed)->key()), std::memory_order_release);
      });
      if (leftmost->level == 0) return;
    }
  }
  // Calls use(node, slot) for what stands in `leftmost` and to its right.
  template <typename Use>
  static void each_slot(node* leftmost, Use use) noexcept {
    for (node* at = leftmost; at != nullptr; at = at->right.load(std::memory_order_relaxed)) {
      const std::uint64_t order = at->order.load(std::memory_order_relaxed);
      for (unsigned rank = 0; rank < slot_order::count_of(order); ++rank) use(*at, slot_order::slot_of(order, rank));
    }
  }

  struct step {
    inner_node* at = nullptr;
    unsigned rank = 0;
  };

  arena arena_;
  spare_nodes spare_leaves_;
  spare_nodes spare_inner_;
  std::size_t nodes_[levels_max] = {};  // on each level
  step path_[levels_max];
  node* newest_ = nullptr;  // where the last insert went
  key_heads heads_;
  std::atomic<std::size_t> entries_{0};
  std::atomic<node*> root_{nullptr};
  std::atomic<node*> first_{nullptr};  // the leftmost leaf
};

static_assert(requirements::memtable<btree>);

}  // namespace strata::inline STRATA_ABI::memtable

#endif
