// Sorting and searching arrays, written so that a use costs the compiler a comparison and a swap, and not a sort of its own.
//
// Thread safety: pure functions.
#ifndef STRATA_CORE_ORDERING_HPP
#define STRATA_CORE_ORDERING_HPP

#include <cstddef>
#include <utility>

#include <strata/core/function_ref.hpp>

namespace strata::inline STRATA_ABI {

namespace detail {

using index_relation = function_ref<bool(std::size_t, std::size_t)>;
using index_swap = function_ref<void(std::size_t, std::size_t)>;

// Lets the element at `root` sink until no child of it in [0, count) is larger.
inline void sift_down(std::size_t root, std::size_t count, const index_relation& before, const index_swap& swap) {
  for (;;) {
    std::size_t child = 2 * root + 1;
    if (child >= count) return;
    if (child + 1 < count && before(child, child + 1)) ++child;
    if (!before(root, child)) return;
    swap(root, child);
    root = child;
  }
}

// Heap sort: no memory, O(n log n) whatever the order was.
STRATA_NOINLINE inline void sort_indices(std::size_t count, index_relation before, index_swap swap) {
  for (std::size_t root = count / 2; root-- > 0;) sift_down(root, count, before, swap);
  for (std::size_t last = count; last-- > 1;) {
    swap(0, last);
    sift_down(0, last, before, swap);
  }
}

}  // namespace detail

// Sorts by `before`, a strict weak order. Not stable. For places that are not hot: some times slower than std::sort.
template <typename Array, typename Before>
void sort_by(Array& items, Before before) {
  detail::sort_indices(
      items.size(), [&](std::size_t a, std::size_t b) -> bool { return before(items[a], items[b]); },
      [&](std::size_t a, std::size_t b) { std::swap(items[a], items[b]); });
}
template <typename Array>
void sort_ascending(Array& items) {
  sort_by(items, [](const auto& a, const auto& b) { return a < b; });
}

// The index of the first item that `in_front` is false for, or the size. Requires: no item that it is true for stands behind
// one that it is false for. O(log n).
template <typename Array, typename Predicate>
[[nodiscard]] std::size_t first_behind(const Array& items, Predicate in_front) {
  std::size_t begin = 0;
  for (std::size_t count = items.size(); count > 0;) {
    const std::size_t half = count / 2;
    if (in_front(items[begin + half])) {
      begin += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return begin;
}
// Whether `value` is in `items`, which are ascending.
template <typename Array, typename Value>
[[nodiscard]] bool contains_sorted(const Array& items, const Value& value) {
  const std::size_t at = first_behind(items, [&](const auto& item) { return item < value; });
  return at < items.size() && !(value < items[at]);
}

}  // namespace strata::inline STRATA_ABI

#endif
