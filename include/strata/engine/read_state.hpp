// What a reader needs at one instant: the memtables, newest first, and the version of the tables.
//
// A read state is immutable and shared. Whoever holds one sees the same sources for as long as it does; nothing in it is
// removed under its hands.
#ifndef STRATA_ENGINE_READ_STATE_HPP
#define STRATA_ENGINE_READ_STATE_HPP

#include <atomic>
#include <memory>

#include <strata/engine/memory_filter.hpp>
#include <strata/engine/version.hpp>
#include <strata/engine/write_batch.hpp>

namespace strata::inline STRATA_ABI::engine {

// A memtable with the range tombstones of its commits and the log segment that holds them.
//
// Thread safety: one writer (the commit leader), any readers beside it.
//
// A commit group, in order; what can fail comes first, before the group is logged:
//
//   reserve()                    room for its writes
//   stage() for each commit      the range tombstones of it that are to come; readers don't see them
//   build_staged()               the one list of them all and of those before
//   apply() for each commit      can't fail
//   publish_staged()             can't fail: readers see the list
//
// What is staged and not published goes with drop_staged(), which is also how a group begins.
template <typename Memtable>
class memory_unit {
 public:
  // A unit with more range tombstones counts as full: each group with one makes the list anew.
  static constexpr std::size_t range_tombstones_max = 256;

  memory_unit() = default;
  // With a filter for a memtable of so many bytes. May throw std::bad_alloc where exceptions exist.
  STRATA_COLD explicit memory_unit(std::uint64_t memtable_bytes) : filter_(memory_filter::bytes_for(memtable_bytes)) {}
  memory_unit(const memory_unit&) = delete;
  memory_unit& operator=(const memory_unit&) = delete;

  [[nodiscard]] const Memtable& memtable() const noexcept { return memtable_; }
  // False: no visible version of the key is in the memtable. `hash` is hash64(key). Requires: the reader has loaded the
  // visible sequence before.
  [[nodiscard]] bool may_contain(std::uint64_t hash) const noexcept { return filter_.may_contain(hash); }
  // null: none.
  [[nodiscard]] const range_tombstone_list* range_tombstones() const noexcept {
    return range_tombstones_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::size_t range_tombstone_count() const noexcept { return published_; }
  [[nodiscard]] bool empty() const noexcept { return memtable_.entries() == 0 && published_ == 0; }
  [[nodiscard]] std::uint64_t newest_time_us() const noexcept { return newest_time_us_; }

  // Makes room for the writes of a batch, so that apply() cannot fail. Errors: out_of_memory, nothing changed.
  [[nodiscard]] result<void> reserve(std::size_t writes, std::size_t payload_bytes) {
    return memtable_.reserve(writes, payload_bytes);
  }

  STRATA_COLD void stage(sequence_number sequence, write_reader writes) {
    for (write w; writes.next(w);)
      if (w.kind == write_kind::range_tombstone) stage_one(sequence, w);
  }
  // Nothing to do where nothing was staged. Cost: O(n log n) of all range tombstones of the unit.
  STRATA_COLD void build_staged() {
    // Lists that readers may still use stay until the unit goes; range_tombstones_max bounds them.
    if (tombstones_.size() != published_) lists_.push_back(std::make_unique<const range_tombstone_list>(tombstones_));
  }
  // Applies the writes of one commit but its range tombstones. Requires: room reserved. False when the bytes are damaged
  // (only in recovery).
  [[nodiscard]] bool apply(sequence_number sequence, std::uint64_t time_us, write_reader writes) noexcept {
    for (write w; writes.next(w);) {
      if (w.kind == write_kind::range_tombstone) [[unlikely]]
        continue;
      filter_.add(w.key);
      memtable_.insert({w.key, w.value, sequence, static_cast<value_kind>(w.kind)});
    }
    if (time_us > newest_time_us_) newest_time_us_ = time_us;
    return writes.ok();
  }
  // Requires: build_staged() since the last stage().
  void publish_staged() noexcept {
    if (tombstones_.size() == published_) [[likely]]
      return;
    published_ = tombstones_.size();
    published_lists_ = lists_.size();
    range_tombstones_.store(lists_.back().get(), std::memory_order_release);
  }
  void drop_staged() noexcept {
    while (tombstones_.size() > published_) tombstones_.pop_back();
    while (lists_.size() > published_lists_) lists_.pop_back();
  }

  // Applies one write on its own, for an overlay, which has no filter. Many range tombstones are cheaper together: apply_each().
  // Requires: room reserved, nothing staged; before a range tombstone, that nobody reads the unit.
  void apply_one(sequence_number sequence, const write& w) {
    if (w.kind == write_kind::range_tombstone) [[unlikely]] {
      stage_one(sequence, w);
      return publish_for_overlay();
    }
    memtable_.insert({w.key, w.value, sequence, static_cast<value_kind>(w.kind)});
  }
  // The same for a row of writes, the first with sequence `first` and each next with one more; one list for them all.
  STRATA_COLD void apply_each(sequence_number first, write_reader writes) {
    for (write w; writes.next(w); ++first) {
      if (w.kind == write_kind::range_tombstone)
        stage_one(first, w);
      else
        memtable_.insert({w.key, w.value, first, static_cast<value_kind>(w.kind)});
    }
    publish_for_overlay();
  }

  std::uint64_t segment = 0;            // number of the log segment that holds its commits; 0: none
  std::shared_ptr<void> log;            // of a frozen one: keeps that segment open, to be synced, until a table has the commits
  sequence_number last_sequence = 0;    // of the newest commit in it; written by the leader before the unit is frozen

 private:
  STRATA_COLD STRATA_NOINLINE void stage_one(sequence_number sequence, const write& w) {
    tombstones_.push_back({byte_string(w.key), byte_string(w.value), sequence});
  }
  // Whoever reads an overlay sees all range tombstones that it has: so one list, of the newest.
  STRATA_COLD void publish_for_overlay() {
    if (tombstones_.size() == published_) return;
    lists_.push_back(std::make_unique<const range_tombstone_list>(tombstones_, range_tombstone_list::keeping::newest));
    publish_staged();
    while (lists_.size() > 1) lists_.erase(0);
    published_lists_ = 1;
  }

  Memtable memtable_;
  memory_filter filter_;  // of what apply() has inserted
  dynamic_array<range_tombstone> tombstones_;
  dynamic_array<std::unique_ptr<const range_tombstone_list>> lists_;
  std::size_t published_ = 0;        // of tombstones_: behind them lie those that are staged
  std::size_t published_lists_ = 0;  // of lists_
  std::atomic<const range_tombstone_list*> range_tombstones_{nullptr};
  std::uint64_t newest_time_us_ = 0;
};

template <typename Environment, typename Memtable, typename Sstable>
struct read_state : std::enable_shared_from_this<read_state<Environment, Memtable, Sstable>> {
  using unit = memory_unit<Memtable>;
  using version_type = version<Environment, Sstable>;

  dynamic_array<std::shared_ptr<unit>> memory;  // newest first; [0] is the active one
  std::shared_ptr<const version_type> tables;

  // The version set's, under its lock: so a state is replaced without memory that there might not be.
  mutable std::uint64_t retired_epoch = 0;  // readers that came before it may be inside
  mutable std::shared_ptr<const read_state> next_retired;

  // The highest sequence ≤ at of a range tombstone over `key`, from every source.
  [[nodiscard]] sequence_number covering(bytes_view key, sequence_number at) const {
    sequence_number highest = 0;
    for (const auto& each : memory)
      if (const range_tombstone_list* list = each->range_tombstones())
        highest = (std::max)(highest, list->covering(key, at));
    if (tables->has_range_tombstones()) {
      for (const auto& level : tables->levels()) {
        for (const auto& run : level.runs) {
          if (const auto* table = run.find(key))
            highest = (std::max)(highest, table->table().range_tombstones().covering(key, at));
        }
      }
    }
    return highest;
  }
  [[nodiscard]] bool has_range_tombstones() const {
    if (tables->has_range_tombstones()) return true;
    for (const auto& each : memory)
      if (each->range_tombstones() != nullptr) return true;
    return false;
  }
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
