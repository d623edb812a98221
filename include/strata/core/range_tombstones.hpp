// Range erasures: a half-open range of keys whose versions up to a sequence are gone.
//
// A list is immutable: made once from any tombstones, then read from any thread. Inside, the ranges are cut at each
// other's ends into fragments that do not overlap, so that a look-up is one binary search.
//
//     in   [a ------------- m) @7          fragments   [a - c) @7
//             [c ----------------- z) @9               [c ----- m) @9 7
//                                                              [m -- z) @9
//
//   1. Fragments are in key order, none empty, none overlapping.
//   2. The sequences of a fragment are distinct and descending.
#ifndef STRATA_CORE_RANGE_TOMBSTONES_HPP
#define STRATA_CORE_RANGE_TOMBSTONES_HPP

#include <utility>

#include <strata/core/dynamic_array.hpp>
#include <strata/core/entry.hpp>
#include <strata/core/ordering.hpp>

namespace strata::inline STRATA_ABI {

// Erases every version of the keys begin ≤ key < end whose sequence is below its own.
struct range_tombstone {
  byte_string begin;
  byte_string end;
  sequence_number sequence = 0;
};

class range_tombstone_list {
 public:
  struct fragment {
    byte_string begin;
    byte_string end;
    dynamic_array<sequence_number> sequences;
  };

  // What a fragment keeps of the tombstones over it: what readers at any sequence need, or those at the newest alone.
  enum class keeping : std::uint8_t { each_sequence, newest };

  range_tombstone_list() = default;

  // Cuts `tombstones` into fragments; empty ranges are dropped, those of one sequence that meet become one.
  // O(n log n + fragments · depth) time; where the newest is kept, memory for n.
  STRATA_COLD explicit range_tombstone_list(dynamic_array<range_tombstone> tombstones, keeping kept = keeping::each_sequence) {
    tombstones.erase_if([](const range_tombstone& t) { return t.begin >= t.end; });
    join_those_of_one_sequence(tombstones);
    sort_by(tombstones, [](const range_tombstone& a, const range_tombstone& b) { return a.begin < b.begin; });
    dynamic_array<bytes_view> borders;
    for (const range_tombstone& t : tombstones) {
      borders.push_back(t.begin);
      borders.push_back(t.end);
    }
    sort_ascending(borders);
    dynamic_array<const range_tombstone*> open;
    std::size_t next = 0;
    for (std::size_t i = 0; i + 1 < borders.size(); ++i) {
      if (borders[i] == borders[i + 1]) continue;
      open.erase_if([&](const range_tombstone* t) { return t->end <= borders[i]; });
      for (; next < tombstones.size() && tombstones[next].begin == borders[i]; ++next) open.push_back(&tombstones[next]);
      if (open.empty()) continue;
      fragment piece{byte_string(borders[i]), byte_string(borders[i + 1]), {}};
      if (kept == keeping::newest) {
        sequence_number newest = 0;
        for (const range_tombstone* t : open) newest = (std::max)(newest, t->sequence);
        piece.sequences.push_back(newest);
      } else {
        for (const range_tombstone* t : open) piece.sequences.push_back(t->sequence);
        sort_by(piece.sequences, [](sequence_number a, sequence_number b) { return a > b; });
      }
      fragments_.push_back(std::move(piece));
    }
  }

  [[nodiscard]] bool empty() const noexcept { return fragments_.empty(); }
  [[nodiscard]] const dynamic_array<fragment>& fragments() const noexcept { return fragments_; }

  // The highest sequence ≤ at that erases `key`, or 0: versions below it are gone for a reader at `at`. O(log n).
  [[nodiscard]] sequence_number covering(bytes_view key, sequence_number at) const noexcept {
    if (fragments_.empty()) return 0;
    const std::size_t after = first_behind(fragments_, [&](const fragment& f) { return bytes_view(f.begin) <= key; });
    if (after == 0) return 0;
    const fragment& candidate = fragments_[after - 1];
    if (key >= bytes_view(candidate.end)) return 0;
    for (const sequence_number sequence : candidate.sequences)
      if (sequence <= at) return sequence;
    return 0;
  }

  // The fragments again as single tombstones: what a table stores and a merge collects.
  [[nodiscard]] STRATA_COLD dynamic_array<range_tombstone> tombstones() const {
    dynamic_array<range_tombstone> all;
    for (const fragment& piece : fragments_)
      for (const sequence_number sequence : piece.sequences) all.push_back({piece.begin, piece.end, sequence});
    return all;
  }

 private:
  // Thousands of nested ranges in one commit would else lie in each other's fragments. Leaves no two of one sequence that
  // overlap or touch. Requires: none is empty.
  STRATA_COLD static void join_those_of_one_sequence(dynamic_array<range_tombstone>& tombstones) {
    sort_by(tombstones, [](const range_tombstone& a, const range_tombstone& b) {
      return a.sequence != b.sequence ? a.sequence < b.sequence : a.begin < b.begin;
    });
    range_tombstone* last = nullptr;
    for (range_tombstone& t : tombstones) {
      if (last != nullptr && last->sequence == t.sequence && t.begin <= last->end) {
        if (t.end > last->end) last->end = std::move(t.end);
        t.end.clear();
      } else {
        last = &t;
      }
    }
    tombstones.erase_if([](const range_tombstone& t) { return t.end.empty(); });
  }

  dynamic_array<fragment> fragments_;
};

}  // namespace strata::inline STRATA_ABI

#endif
