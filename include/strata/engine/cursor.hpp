// A cursor over the keys that a reader sees: of each key the newest version at one sequence, without the erased and the
// expired.
//
// Thread safety: one thread. It holds its sources, so it sees one state whatever is written meanwhile; the engine must
// outlive it. Cost: a step is a step of the merge, plus one for each version or tombstone passed over.
//
//   1. Going forward the merge stands at the current entry. Going backward it stands before the current key's oldest
//      version, and key and value of the current entry are copies.
//   2. A change of direction is a seek.
//   3. Keys that are seen only rise, or only fall: a table that is not in order, its checksums notwithstanding, ends the
//      cursor with errc::corruption. So a walk ends, also where a seek past a key's versions leads back.
#ifndef STRATA_ENGINE_CURSOR_HPP
#define STRATA_ENGINE_CURSOR_HPP

#include <cstring>

#include <strata/engine/merging_cursor.hpp>
#include <strata/engine/read_state.hpp>

namespace strata::inline STRATA_ABI::engine {

// The expiry of a version, and whether it has passed. An entry of another kind never expires.
[[nodiscard]] inline std::uint64_t expiry_of(const entry& e) noexcept {
  return e.kind == value_kind::value_with_expiry ? load_fixed<std::uint64_t>(e.value.data()) : UINT64_MAX;
}
// The value without its expiry.
[[nodiscard]] inline bytes_view value_of(const entry& e) noexcept {
  return e.kind == value_kind::value_with_expiry ? e.value.substr(8) : e.value;
}

// What a cursor looks at.
struct cursor_range {
  byte_string begin;        // first key
  byte_string end;          // first key behind; empty with `unbounded`
  bool unbounded = false;   // no end
};

template <typename Environment, typename Memtable, typename Sstable>
class cursor {
 public:
  using state_type = read_state<Environment, Memtable, Sstable>;

  // Sequences of an overlay lie at the top of the range, above any commit.
  static constexpr sequence_number overlay_sequences = engine::overlay_sequences;

  // `overlay` (may be null) is a transaction's own writes: newer than `state`, visible up to its own sequence `overlay_at`.
  cursor(std::shared_ptr<const state_type> state, sequence_number at, std::uint64_t now_us, cursor_range range,
         std::shared_ptr<const memory_unit<Memtable>> overlay = nullptr, sequence_number overlay_at = sequence_max)
      : state_(std::move(state)), overlay_(std::move(overlay)), at_(at), overlay_at_(overlay_at), now_us_(now_us), range_(std::move(range)) {
    std::size_t runs = 0;
    for (const auto& level : state_->tables->levels()) runs += level.runs.size();
    merge_.reserve(state_->memory.size() + (overlay_ != nullptr ? 1 : 0), runs);
    if (overlay_ != nullptr) merge_.add(overlay_->memtable());
    for (const auto& unit : state_->memory) merge_.add(unit->memtable());
    for (const auto& level : state_->tables->levels())
      for (const auto& run : level.runs) merge_.add(run, sstable::usage::scan);
    looks_for_ranges_ = state_->has_range_tombstones() || (overlay_ != nullptr && overlay_->range_tombstones() != nullptr);
  }
  // `current_` may point into it.
  cursor(const cursor&) = delete;
  cursor& operator=(const cursor&) = delete;

  [[nodiscard]] bool valid() const noexcept { return current_ != nullptr; }
  // Requires valid(); views live until the cursor moves.
  [[nodiscard]] bytes_view key() const noexcept { return current_->key; }
  [[nodiscard]] bytes_view value() const noexcept { return value_of(*current_); }
  // 0 for what the overlay holds: its commit has none yet.
  [[nodiscard]] sequence_number sequence() const noexcept { return is_own(*current_) ? 0 : current_->sequence; }
  // µs since 1970; UINT64_MAX: never.
  [[nodiscard]] std::uint64_t expires_at_us() const noexcept { return expiry_of(*current_); }
  // The read error that made it invalid, if any.
  [[nodiscard]] const result<void>& status() const noexcept { return merge_.status(); }

  void seek_first() { seek(range_.begin); }
  // To the first key ≥ `key` within the range.
  void seek(bytes_view key) {
    merge_.seek((std::max)(key, bytes_view(range_.begin)), sequence_max);
    find_forward(false);
  }
  void seek_last() {
    if (range_.unbounded) {
      merge_.seek_last();
    } else {
      merge_.seek_before(range_.end);
    }
    find_backward();
  }
  // To the last key < `key` within the range.
  void seek_before(bytes_view key) {
    if (range_.unbounded || key < bytes_view(range_.end)) {
      merge_.seek_before(key);
    } else {
      merge_.seek_before(range_.end);
    }
    find_backward();
  }
  // Requires valid(), reached by seek, seek_first or next.
  void next() {
    const bytes_view passed = current_->key;
    if (passed.size() == key_.size()) {  // mostly; cheaper than what assign() does
      std::memcpy(key_.data(), passed.data(), passed.size());
    } else {
      key_.assign(passed);
    }
    merge_.next();
    find_forward(true);
  }
  // Requires valid(), reached by seek_before, seek_last or prev.
  void prev() { find_backward(); }

 private:
  // Steps over versions of a key one by one this often before it seeks past them.
  static constexpr int steps_before_seek = 16;

  [[nodiscard]] static bool is_own(const entry& e) noexcept { return e.sequence > sequence_max - overlay_sequences; }
  [[nodiscard]] bool visible(const entry& e) const noexcept {
    return is_own(e) ? e.sequence <= overlay_at_ : e.sequence <= at_;
  }
  [[nodiscard]] bool gone(const entry& e) const {
    if (e.kind == value_kind::tombstone || expiry_of(e) <= now_us_) return true;
    if (!looks_for_ranges_) return false;
    sequence_number cover = state_->covering(e.key, at_);
    if (overlay_ != nullptr)
      if (const range_tombstone_list* list = overlay_->range_tombstones())
        cover = (std::max)(cover, list->covering(e.key, overlay_at_));
    return e.sequence < cover;
  }

  // From where the merge stands to the first key that is seen; `passing`: versions of key_ are passed over.
  void find_forward(bool passing) {
    current_ = nullptr;
    int steps = 0;
    while (merge_.valid()) {
      const entry& e = merge_.current();
      if (!range_.unbounded && e.key >= bytes_view(range_.end)) return;
      if (visible(e)) {
        const int order = passing ? e.key.compare(bytes_view(key_)) : 1;
        if (order > 0) {
          if (!gone(e)) {
            current_ = &e;
            return;
          }
          key_.assign(e.key);
          passing = true;
          steps = 0;
        } else if (order < 0) [[unlikely]] {
          return merge_.end_out_of_order();
        } else if (++steps == steps_before_seek) {
          // Sequence 0 is before every commit: this goes past all versions of the key.
          merge_.seek(key_, 0);
          continue;
        }
      }
      merge_.next();
    }
  }

  // From where the merge stands to the last key that is seen. Versions of one key come oldest first: the last visible one
  // met decides.
  void find_backward() {
    current_ = nullptr;
    while (merge_.valid() && merge_.current().key >= bytes_view(range_.begin)) {
      bool found = false;
      key_.assign(merge_.current().key);
      for (; merge_.valid(); merge_.prev()) {
        const entry& e = merge_.current();
        const int order = e.key.compare(bytes_view(key_));
        if (order > 0) [[unlikely]] merge_.end_out_of_order();
        if (order != 0) break;
        if (!visible(e)) continue;
        found = !gone(e);
        value_.assign(e.value);
        copy_ = {key_, value_, e.sequence, e.kind};
      }
      if (!merge_.status()) return;
      if (found) {
        current_ = &copy_;
        return;
      }
    }
  }

  std::shared_ptr<const state_type> state_;
  std::shared_ptr<const memory_unit<Memtable>> overlay_;
  sequence_number at_;
  sequence_number overlay_at_;
  std::uint64_t now_us_;
  cursor_range range_;
  merging_cursor<Environment, Memtable, Sstable> merge_;
  const entry* current_ = nullptr;  // null: not valid
  entry copy_;                      // with views of key_ and value_
  byte_string key_;
  byte_string value_;
  bool looks_for_ranges_ = false;
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
