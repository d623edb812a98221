// What a reader needs at one instant: the memtables, newest first, and the version of the tables.
//
// A read state is immutable and shared. Whoever holds one sees the same sources for as long as it does; nothing in it is
// removed under its hands.
#ifndef STRATA_ENGINE_READ_STATE_HPP
#define STRATA_ENGINE_READ_STATE_HPP

#include <atomic>
#include <memory>

#include <strata/engine/version.hpp>
#include <strata/engine/write_batch.hpp>

namespace strata::inline STRATA_ABI::engine {

// A memtable with the range tombstones of its commits and the log segment that holds them.
//
// Thread safety: one writer (the commit leader), any readers beside it.
template <typename Memtable>
class memory_unit {
 public:
  // A unit with more range tombstones counts as full: each makes the list anew.
  static constexpr std::size_t range_tombstones_max = 256;

  memory_unit() = default;
  memory_unit(const memory_unit&) = delete;
  memory_unit& operator=(const memory_unit&) = delete;

  [[nodiscard]] const Memtable& memtable() const noexcept { return memtable_; }
  // null: none.
  [[nodiscard]] const range_tombstone_list* range_tombstones() const noexcept {
    return range_tombstones_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::size_t range_tombstone_count() const noexcept { return tombstones_.size(); }
  [[nodiscard]] bool empty() const noexcept { return memtable_.entries() == 0 && tombstones_.empty(); }
  [[nodiscard]] std::uint64_t newest_time_us() const noexcept { return newest_time_us_; }

  // Makes room for the writes of a batch, so that apply() cannot fail. Errors: out_of_memory, nothing changed.
  [[nodiscard]] result<void> reserve(std::size_t writes, std::size_t payload_bytes) {
    return memtable_.reserve(writes, payload_bytes);
  }

  // Applies the writes of one commit. Requires: room reserved. False when the bytes are damaged (only in recovery).
  [[nodiscard]] bool apply(sequence_number sequence, std::uint64_t time_us, write_reader writes) {
    for (write w; writes.next(w);) apply_one(sequence, w);
    if (time_us > newest_time_us_) newest_time_us_ = time_us;
    return writes.ok();
  }
  void apply_one(sequence_number sequence, const write& w) {
    if (w.kind == write_kind::range_tombstone) [[unlikely]]
      return add_range_tombstone(sequence, w);
    memtable_.insert({w.key, w.value, sequence, static_cast<value_kind>(w.kind)});
  }

  std::uint64_t segment = 0;            // number of the log segment that holds its commits; 0: none
  sequence_number last_sequence = 0;    // of the newest commit in it; written by the leader before the unit is frozen

 private:
  STRATA_COLD STRATA_NOINLINE void add_range_tombstone(sequence_number sequence, const write& w) {
    tombstones_.push_back({byte_string(w.key), byte_string(w.value), sequence});
    // Lists that readers may still use stay until the unit goes; range_tombstones_max bounds them.
    lists_.push_back(std::make_unique<const range_tombstone_list>(tombstones_));
    range_tombstones_.store(lists_.back().get(), std::memory_order_release);
  }

  Memtable memtable_;
  dynamic_array<range_tombstone> tombstones_;
  dynamic_array<std::unique_ptr<const range_tombstone_list>> lists_;
  std::atomic<const range_tombstone_list*> range_tombstones_{nullptr};
  std::uint64_t newest_time_us_ = 0;
};

template <typename Environment, typename Memtable, typename Sstable>
struct read_state : std::enable_shared_from_this<read_state<Environment, Memtable, Sstable>> {
  using unit = memory_unit<Memtable>;
  using version_type = version<Environment, Sstable>;

  dynamic_array<std::shared_ptr<unit>> memory;  // newest first; [0] is the active one
  std::shared_ptr<const version_type> tables;

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
