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

#include <algorithm>
#include <utility>
#include <vector>

#include <strata/core/entry.hpp>

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
    std::vector<sequence_number> sequences;
  };

  range_tombstone_list() = default;

  // Cuts `tombstones` into fragments; empty ranges are dropped. O(n log n + fragments · depth).
  explicit range_tombstone_list(std::vector<range_tombstone> tombstones) {
    std::erase_if(tombstones, [](const range_tombstone& t) { return t.begin >= t.end; });
    std::sort(tombstones.begin(), tombstones.end(),
              [](const range_tombstone& a, const range_tombstone& b) { return a.begin < b.begin; });
    std::vector<bytes_view> borders;
    for (const range_tombstone& t : tombstones) {
      borders.push_back(t.begin);
      borders.push_back(t.end);
    }
    std::sort(borders.begin(), borders.end());
    borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
    std::vector<const range_tombstone*> open;
    std::size_t next = 0;
    for (std::size_t i = 0; i + 1 < borders.size(); ++i) {
      std::erase_if(open, [&](const range_tombstone* t) { return t->end <= borders[i]; });
      for (; next < tombstones.size() && tombstones[next].begin == borders[i]; ++next) open.push_back(&tombstones[next]);
      if (open.empty()) continue;
      fragment piece{byte_string(borders[i]), byte_string(borders[i + 1]), {}};
      for (const range_tombstone* t : open) piece.sequences.push_back(t->sequence);
      std::sort(piece.sequences.begin(), piece.sequences.end(), [](auto a, auto b) { return a > b; });
      piece.sequences.erase(std::unique(piece.sequences.begin(), piece.sequences.end()), piece.sequences.end());
      fragments_.push_back(std::move(piece));
    }
  }

  [[nodiscard]] bool empty() const noexcept { return fragments_.empty(); }
  [[nodiscard]] const std::vector<fragment>& fragments() const noexcept { return fragments_; }

  // The highest sequence ≤ at that erases `key`, or 0: versions below it are gone for a reader at `at`. O(log n).
  [[nodiscard]] sequence_number covering(bytes_view key, sequence_number at) const noexcept {
    if (fragments_.empty()) return 0;
    const auto after = std::upper_bound(fragments_.begin(), fragments_.end(), key,
                                        [](bytes_view k, const fragment& f) { return k < f.begin; });
    if (after == fragments_.begin()) return 0;
    const fragment& candidate = *(after - 1);
    if (key >= bytes_view(candidate.end)) return 0;
    for (const sequence_number sequence : candidate.sequences)
      if (sequence <= at) return sequence;
    return 0;
  }

  // The fragments again as single tombstones: what a table stores and a merge collects.
  [[nodiscard]] std::vector<range_tombstone> tombstones() const {
    std::vector<range_tombstone> all;
    for (const fragment& piece : fragments_)
      for (const sequence_number sequence : piece.sequences) all.push_back({piece.begin, piece.end, sequence});
    return all;
  }

 private:
  std::vector<fragment> fragments_;
};

}  // namespace strata::inline STRATA_ABI

#endif
