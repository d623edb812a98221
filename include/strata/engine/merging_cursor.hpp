// One order over many sources: memtables and sorted runs, merged by (key, sequence).
//
// Thread safety: one thread. The sources outlive the cursor; so do memtables and tables behind them.
//
//   1. The first `count_` of `order(k)` are the children that are at an entry, sorted by their heads in the direction of travel;
//      of equal heads the newer source (the lower index) is first.
//   2. `head(i)` is child i's current entry: a comparison touches no child.
//   3. The child in front moves; it is put back in order by comparing with those behind it. Entries come in runs of one
//      child, so that is mostly one comparison.
//   4. A read error of any child ends the cursor: valid() is false and status() says why.
//
// A direction is taken by a seek and kept: next() after a forward seek, prev() after a backward one.
#ifndef STRATA_ENGINE_MERGING_CURSOR_HPP
#define STRATA_ENGINE_MERGING_CURSOR_HPP

#include <optional>

#include <strata/engine/version.hpp>

namespace strata::inline STRATA_ABI::engine {

// The tables of one sorted run, one after the other.
template <typename Environment, typename Sstable>
class run_cursor {
  using table_cursor = typename Sstable::template table<Environment>::cursor;

 public:
  using sorted_run = typename version<Environment, Sstable>::sorted_run;

  run_cursor(const sorted_run& run, sstable::usage use) : run_(&run), use_(use) {}

  [[nodiscard]] bool valid() const { return cursor_ && cursor_->valid(); }
  [[nodiscard]] entry current() const { return cursor_->current(); }
  [[nodiscard]] result<void> status() const { return cursor_ ? cursor_->status() : result<void>(); }
  // Of the table that it stands in. Requires valid().
  [[nodiscard]] bytes_view path() const { return run_->tables[index_]->path(); }

  void seek(bytes_view key, sequence_number sequence) {
    if (!open(run_->first_not_before(key))) return;
    cursor_->seek(key, sequence);
    skip_forward();
  }
  void seek_first() {
    if (!open(0)) return;
    cursor_->seek_first();
    skip_forward();
  }
  // To the last entry before (key, highest sequence).
  void seek_before(bytes_view key) {
    if (run_->tables.empty()) return close();
    const std::size_t index = run_->first_not_before(key);
    if (index == run_->tables.size()) return seek_last();
    if (!open(index)) return;
    cursor_->seek(key, sequence_max);
    if (cursor_->valid()) {
      cursor_->prev();
    } else if (cursor_->status()) {
      cursor_->seek_last();
    }
    skip_backward();
  }
  void seek_last() {
    if (run_->tables.empty() || !open(run_->tables.size() - 1)) return close();
    cursor_->seek_last();
    skip_backward();
  }
  void next() {
    cursor_->next();
    if (!cursor_->valid()) [[unlikely]] skip_forward();
  }
  void prev() {
    cursor_->prev();
    if (!cursor_->valid()) [[unlikely]] skip_backward();
  }

 private:
  void close() { cursor_.reset(); }

  [[nodiscard]] bool open(std::size_t index) {
    if (index >= run_->tables.size()) return close(), false;
    if (!cursor_ || index != index_) {
      index_ = index;
      cursor_.emplace(run_->tables[index]->table(), use_);
    }
    return true;
  }
  void skip_forward() {
    while (!cursor_->valid() && cursor_->status()) {
      if (!open(index_ + 1)) return;
      cursor_->seek_first();
    }
  }
  void skip_backward() {
    while (!cursor_->valid() && cursor_->status()) {
      if (index_ == 0) return close();
      if (!open(index_ - 1)) return;
      cursor_->seek_last();
    }
  }

  const sorted_run* run_;
  sstable::usage use_;
  std::size_t index_ = 0;
  std::optional<table_cursor> cursor_;
};

template <typename Environment, typename Memtable, typename Sstable>
class merging_cursor {
  using memory_cursor = typename Memtable::cursor;
  using disk_cursor = run_cursor<Environment, Sstable>;

 public:
  merging_cursor() = default;
  // `places_` may point into it.
  merging_cursor(const merging_cursor&) = delete;
  merging_cursor& operator=(const merging_cursor&) = delete;

  // How many sources will be added: room for just these is had at once.
  void reserve(std::size_t memtables, std::size_t runs) {
    memory_.reserve(memtables);
    disk_.reserve(runs);
    if (memtables + runs > few) many_.reserve(memtables + runs);
  }
  // Sources are added newest first, memtables before runs.
  void add(const Memtable& memtable) { memory_.emplace_back(memtable); }
  void add(const typename disk_cursor::sorted_run& run, sstable::usage use) { disk_.emplace_back(run, use); }

  [[nodiscard]] bool valid() const noexcept { return count_ != 0; }
  // Requires valid(). The entry lives until the cursor moves.
  [[nodiscard]] const entry& current() const noexcept { return head(order(0)); }
  [[nodiscard]] const result<void>& status() const noexcept { return status_; }

  void seek_first() {
    seek({}, sequence_max);  // before every entry; one way into the sources is compiled, not two
  }
  // To the first entry not before (key, sequence).
  void seek(bytes_view key, sequence_number sequence) {
    start(direction::forward, [&](auto& child) { child.seek(key, sequence); });
  }
  void seek_last() {
    start(direction::backward, [](auto& child) { child.seek_last(); });
  }
  // To the last entry whose key is before `key`.
  void seek_before(bytes_view key) {
    start(direction::backward, [&](auto& child) { to_before(child, key); });
  }
  // Says that the current key is on the wrong side of one that was met before: the source in front is not in order, which
  // a table can be though its checksums are right. Ends the cursor with errc::corruption. Requires valid().
  STRATA_COLD STRATA_NOINLINE void end_out_of_order() {
    const std::size_t front = order(0);
    error why(errc::corruption, "scan", "the keys of a table are not in order");
    status_ = front < memory_.size() ? std::move(why) : std::move(why).in_file(disk_[front - memory_.size()].path());
    count_ = 0;
  }
  // Requires valid() and a forward seek.
  void next() {
    advance<direction::forward>([](auto& child) { child.next(); });
  }
  // Requires valid() and a backward seek.
  void prev() {
    advance<direction::backward>([](auto& child) { child.prev(); });
  }

 private:
  enum class direction : std::uint8_t { forward, backward };

  // What is kept for each child, and, in the same memory, for each place in the order.
  struct place {
    entry head;             // of the child with this number
    std::size_t order = 0;  // which child comes at this place
  };
  [[nodiscard]] entry& head(std::size_t child) noexcept { return places_[child].head; }
  [[nodiscard]] const entry& head(std::size_t child) const noexcept { return places_[child].head; }
  [[nodiscard]] std::size_t& order(std::size_t at) noexcept { return places_[at].order; }
  [[nodiscard]] std::size_t order(std::size_t at) const noexcept { return places_[at].order; }

  static void to_before(memory_cursor& child, bytes_view key) {
    child.seek(key, sequence_max);
    if (child.valid()) {
      child.prev();
    } else {
      child.seek_last();
    }
  }
  static void to_before(disk_cursor& child, bytes_view key) { child.seek_before(key); }

  template <direction Direction>
  [[nodiscard]] bool before(std::size_t a, std::size_t b) const noexcept {
    const int order = compare_versions(head(a).key, head(a).sequence, head(b).key, head(b).sequence);
    if (order != 0) return Direction == direction::forward ? order < 0 : order > 0;
    return Direction == direction::forward ? a < b : a > b;
  }

  template <typename Seek>
  void start(direction towards, Seek&& seek) {
    status_ = {};
    count_ = 0;
    const std::size_t children = memory_.size() + disk_.size();
    if (children > few && children > many_.size()) {
      many_.resize(children);
      places_ = many_.data();
    }
    for (std::size_t i = 0; i < children; ++i) {
      const bool at_entry = i < memory_.size() ? start_child(memory_[i], i, seek) : start_disk_child(i, seek);
      if (!at_entry) continue;
      order(count_++) = i;
      for (std::size_t at = count_ - 1; at > 0; --at) {
        const bool in_order = towards == direction::forward ? !before<direction::forward>(order(at), order(at - 1))
                                                            : !before<direction::backward>(order(at), order(at - 1));
        if (in_order) break;
        std::swap(order(at), order(at - 1));
      }
    }
    if (!status_) count_ = 0;
  }
  template <typename Child, typename Seek>
  [[nodiscard]] bool start_child(Child& child, std::size_t index, Seek&& seek) {
    seek(child);
    if (!child.valid()) return false;
    head(index) = child.current();
    return true;
  }
  template <typename Seek>
  [[nodiscard]] bool start_disk_child(std::size_t index, Seek&& seek) {
    disk_cursor& child = disk_[index - memory_.size()];
    if (start_child(child, index, seek)) return true;
    if (auto status = child.status(); !status && status_) status_ = std::move(status);
    return false;
  }

  template <direction Direction, typename Move>
  void advance(Move&& move) {
    const std::size_t front = order(0);
    bool at_entry = false;
    if (front < memory_.size()) {
      memory_cursor& child = memory_[front];
      move(child);
      at_entry = child.valid();
      if (at_entry) head(front) = child.current();
    } else {
      disk_cursor& child = disk_[front - memory_.size()];
      move(child);
      at_entry = child.valid();
      if (at_entry) {
        head(front) = child.current();
      } else if (auto status = child.status(); !status) {
        status_ = std::move(status);
        count_ = 0;
        return;
      }
    }
    if (!at_entry) {
      --count_;
      for (std::size_t at = 0; at < count_; ++at) order(at) = order(at + 1);
      return;
    }
    for (std::size_t at = 0; at + 1 < count_ && before<Direction>(order(at + 1), order(at)); ++at)
      std::swap(order(at), order(at + 1));
  }

  dynamic_array<memory_cursor> memory_;
  dynamic_array<disk_cursor> disk_;
  // As many places as children, or more: most cursors have a memtable and a run.
  static constexpr std::size_t few = 4;
  place few_[few];
  dynamic_array<place> many_;
  place* places_ = few_;
  std::size_t count_ = 0;
  result<void> status_;
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
