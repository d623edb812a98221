// A batch of writes, built in the form in which the log keeps it: what is logged, applied and replayed is the same bytes.
//
//     group    first sequence u64 · skipped u64 · commits u32 · commit …    one record of the log; commit i has first + i;
//                                                                     skipped: sequences unused since the commit before
//     commit   bytes u32 · time u64 · writes u32 · run varint · write …    bytes: of all behind that field; time: µs since 1970
//     write    kind u8 · label varint · key sized · value sized       no value behind a tombstone; a range tombstone
//                                                                     has the first key behind the range as its value
//
// Frozen: on disk. A sized field is a varint length and the bytes. The key begins with run and collection (varints).
// A value with expiry begins with its eight bytes of expiry.
//
// Thread safety: one thread at a time. Invariant:
//
//   1. A batch holds whole writes only, and what it holds reads well: memory that is lacking (std::bad_alloc, from any
//      member that adds) leaves it as it was. Half a write would be logged, and the store never open again.
#ifndef STRATA_ENGINE_WRITE_BATCH_HPP
#define STRATA_ENGINE_WRITE_BATCH_HPP

#include <strata/core/coding.hpp>
#include <strata/core/entry.hpp>
#include <strata/core/result.hpp>

namespace strata::inline STRATA_ABI {

// Says which operation of which primitive a write belongs to, for the feed. Frozen: primitive · 64 + operation.
using write_label = std::uint32_t;

namespace engine {

// The kind of a write as the log knows it. Frozen: on disk; the first four are those of `value_kind`.
enum class write_kind : std::uint8_t {
  value = 1,
  value_with_expiry = 2,
  tombstone = 3,
  merge_operand = 4,
  range_tombstone = 5,
};

// One write of a commit, as views into the batch or the log record.
struct write {
  write_kind kind = write_kind::value;
  write_label label = 0;
  bytes_view key;
  bytes_view value;
};

// Reads the writes of one commit. `ok()` is false when the bytes are not what write_batch makes.
class write_reader {
 public:
  write_reader(bytes_view writes, std::uint32_t count) noexcept : in_(writes), left_(count) {}

  // False at the end and on damage.
  [[nodiscard]] bool next(write& out) noexcept {
    if (left_ == 0) return false;
    --left_;
    const auto kind = in_.fixed<std::uint8_t>();
    // No batch makes merge operands.
    if (kind < 1 || kind > 5 || kind == 4) in_.fail();
    out.kind = static_cast<write_kind>(kind);
    const std::uint64_t label = in_.varint();
    if (label > UINT32_MAX) in_.fail();
    out.label = static_cast<write_label>(label);
    out.key = in_.sized();
    out.value = out.kind == write_kind::tombstone ? bytes_view() : in_.sized();
    if (out.kind == write_kind::value_with_expiry && out.value.size() < 8) in_.fail();
    if (out.key.size() > internal_key_bytes_max || out.value.size() > value_bytes_max + 8) in_.fail();
    return in_.ok();
  }
  [[nodiscard]] bool ok() const noexcept { return left_ == 0 && in_.complete(); }

 private:
  byte_reader in_;
  std::uint32_t left_;
};

// One commit of a group, as found in the log.
struct logged_commit {
  sequence_number sequence = 0;
  std::uint64_t time_us = 0;
  std::uint64_t run = 0;
  std::uint32_t write_count = 0;
  bytes_view writes;
};

// Reads the commits of a group.
class group_reader {
 public:
  explicit group_reader(bytes_view group) noexcept : in_(group) {
    sequence_ = in_.fixed<std::uint64_t>();
    const auto skipped = in_.fixed<std::uint64_t>();
    left_ = in_.fixed<std::uint32_t>();
    if (sequence_ <= skipped) in_.fail();
    previous_ = sequence_ - skipped - 1;
  }
  // The sequence of the commit before the group: what the log must have ended with so far.
  [[nodiscard]] sequence_number previous() const noexcept { return previous_; }
  [[nodiscard]] bool next(logged_commit& out) noexcept {
    if (left_ == 0 || !in_.ok()) return false;
    --left_;
    byte_reader commit(in_.bytes(in_.fixed<std::uint32_t>()));
    out.sequence = sequence_++;
    out.time_us = commit.fixed<std::uint64_t>();
    out.write_count = commit.fixed<std::uint32_t>();
    out.run = commit.varint();
    out.writes = commit.rest();
    if (!commit.ok() || out.sequence > sequence_max) in_.fail();
    return in_.ok();
  }
  [[nodiscard]] bool ok() const noexcept { return left_ == 0 && in_.complete(); }

 private:
  byte_reader in_;
  sequence_number sequence_ = 0;
  sequence_number previous_ = 0;
  std::uint32_t left_ = 0;
};

// How many writes the commits of a group hold; never more than its bytes have room for.
[[nodiscard]] inline std::size_t count_writes(bytes_view group) noexcept {
  constexpr std::size_t write_bytes_min = 3;
  group_reader commits(group);
  std::size_t writes = 0;
  for (logged_commit commit; commits.next(commit);) {
    const std::size_t most = commit.writes.size() / write_bytes_min;
    writes += commit.write_count < most ? commit.write_count : most;
  }
  return writes;
}

// Frozen: places of the fields that are filled in when the commit is logged.
inline constexpr std::size_t group_header_bytes = 8 + 8 + 4;
inline constexpr std::size_t commit_time_offset = 4;
inline constexpr std::size_t commit_header_bytes = 4 + 8 + 4;  // the run follows

inline void store_group_header(char* to, sequence_number first, std::uint64_t skipped, std::uint32_t commits) noexcept {
  store_fixed(to, first);
  store_fixed(to + 8, skipped);
  store_fixed(to + 16, commits);
}

class write_batch {
 public:
  explicit write_batch(std::uint64_t run = 1) { clear(run); }

  // Empties it and keeps its memory, unless a large commit made it large.
  void clear(std::uint64_t run = 1) {
    constexpr std::size_t kept_bytes_max = std::size_t{1} << 20;
    if (bytes_.capacity() > kept_bytes_max || bytes_.capacity() < empty_bytes_max) [[unlikely]]
      make_small();
    bytes_.assign(group_header_bytes + commit_header_bytes, '\0');
    append_varint(bytes_, run);
    first_write_ = bytes_.size();
    count_ = 0;
    payload_bytes_ = 0;
    erases_ranges_ = false;
  }

  // Writes `value` under `key`. Requires: limits of core/entry.hpp hold (the commit checks the whole).
  void put(write_label label, bytes_view key, bytes_view value) { append_write({write_kind::value, label, key, value}); }

  // The same with an expiry in µs since 1970.
  void put_expiring(write_label label, bytes_view key, bytes_view value, std::uint64_t expires_at_us) {
    STRATA_ASSERT(value.size() <= value_bytes_max);
    char expiry[sizeof expires_at_us];
    store_fixed(expiry, expires_at_us);
    append_write({write_kind::value_with_expiry, label, key, value}, {expiry, sizeof expiry});
  }

  void erase(write_label label, bytes_view key) { append_write({write_kind::tombstone, label, key, {}}); }

  // Erases every key begin ≤ key < end, those of earlier writes of this batch included: these become tombstones, so that
  // within one commit, too, the later operation wins. Cost: O(batch) when the batch has earlier writes.
  void erase_range(write_label label, bytes_view begin, bytes_view end) {
    if (begin >= end) return;
    make_room(begin.size() + end.size());
    if (count_ > 0) bury(begin, end);
    append_write({write_kind::range_tombstone, label, begin, end});
    erases_ranges_ = true;
  }

  // Any of the above, as it is read from a batch: a value with expiry begins with it, a range tombstone has its end as value.
  // Requires: a kind that batches make.
  void add(const write& w) {
    // As its reader wants it: by the time it is read it is in the log.
    STRATA_ASSERT(w.kind != write_kind::merge_operand && (w.kind != write_kind::value_with_expiry || w.value.size() >= 8));
    if (w.kind == write_kind::range_tombstone) return erase_range(w.label, w.key, w.value);
    append_write(w);
  }

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] bool erases_ranges() const noexcept { return erases_ranges_; }
  // Bytes of keys and values.
  [[nodiscard]] std::size_t payload_bytes() const noexcept { return payload_bytes_; }

  [[nodiscard]] write_reader writes() const noexcept {
    return write_reader(bytes_view(bytes_).substr(first_write_), count_);
  }

  // The commit as it goes into a group of several.
  [[nodiscard]] bytes_view commit_bytes() const noexcept { return bytes_view(bytes_).substr(group_header_bytes); }
  // A group of this commit alone.
  [[nodiscard]] bytes_view group_bytes() const noexcept { return bytes_; }

  // Fills in what is known only when the commit is logged, in a group of its own: its sequence, how many sequences lie
  // unused before it, its time. Requires: the batch is within commit_bytes_max.
  void seal(sequence_number sequence, std::uint64_t skipped, std::uint64_t time_us) noexcept {
    store_group_header(bytes_.data(), sequence, skipped, 1);
    char* commit = bytes_.data() + group_header_bytes;
    store_fixed(commit, static_cast<std::uint32_t>(bytes_.size() - group_header_bytes - 4));
    store_fixed(commit + commit_time_offset, time_us);
    store_fixed(commit + commit_time_offset + 8, count_);
  }

 private:
  static constexpr std::size_t empty_bytes_max = group_header_bytes + commit_header_bytes + varint_bytes_max;
  STRATA_COLD STRATA_NOINLINE void make_small() {
    byte_string small;
    small.reserve(empty_bytes_max);
    bytes_.swap(small);
  }

  // The most that a write takes beside its key and value.
  static constexpr std::size_t frame_bytes_max = 1 + 3 * varint_bytes_max;

  // Room for one write, its key and value being `payload_bytes` together. Grows by a factor, or puts would be quadratic.
  void make_room(std::size_t payload_bytes) {
    const std::size_t wanted = bytes_.size() + frame_bytes_max + payload_bytes;
    if (wanted > bytes_.capacity()) [[unlikely]]
      grow(wanted);
  }
  STRATA_COLD STRATA_NOINLINE void grow(std::size_t wanted) {
    const std::size_t doubled = 2 * bytes_.capacity();
    bytes_.reserve(wanted < doubled ? doubled : wanted);
  }

  // `before` stands before the value, as a part of it.
  void append_write(const write& w, bytes_view before = {}) {
    // Here and not when it is read again: by then it would be in the log.
    STRATA_ASSERT(w.key.size() <= internal_key_bytes_max);
    STRATA_ASSERT(w.value.size() <= value_bytes_max + 8);
    make_room(w.key.size() + before.size() + w.value.size());
    store_write(w, before);
  }
  // Can't fail: there is room.
  void store_write(const write& w, bytes_view before = {}) {
    bytes_.push_back(static_cast<char>(w.kind));
    append_varint(bytes_, w.label);
    append_sized(bytes_, w.key);
    ++count_;
    payload_bytes_ += w.key.size();
    if (w.kind == write_kind::tombstone) return;
    const std::size_t value_bytes = before.size() + w.value.size();
    append_varint(bytes_, value_bytes);
    bytes_.append(before);
    bytes_.append(w.value);
    payload_bytes_ += value_bytes;
  }

  // Turns the point writes within [begin, end) into tombstones.
  void bury(bytes_view begin, bytes_view end) {
    const byte_string before(bytes_, first_write_);
    write_reader in(before, count_);
    // Behind this nothing fails: no write becomes longer than it was.
    bytes_.resize(first_write_);
    count_ = 0;
    payload_bytes_ = 0;
    for (write w; in.next(w);) {
      if (w.kind != write_kind::range_tombstone && w.key >= begin && w.key < end) {
        w.kind = write_kind::tombstone;
        w.value = {};
      }
      store_write(w);
    }
  }

  byte_string bytes_;
  std::size_t first_write_ = 0;
  std::size_t payload_bytes_ = 0;
  std::uint32_t count_ = 0;
  bool erases_ranges_ = false;
};

}  // namespace engine

}  // namespace strata::inline STRATA_ABI

#endif
