// Elements one behind the other, as in a std::vector: the array that the library itself keeps things in.
//
// Why not std::vector: a program that uses one store makes the compiler write some thirty kinds of array. What this one
// leaves out (allocators, iterator classes, the strong guarantee for moves that throw) is four fifths of their compile
// time and most of their code.
//
// Thread safety: as a value.
//
//   1. Elements [begin_, begin_ + size_) are alive; behind them there is room up to capacity_.
//   2. A move of an element cannot fail, so an array is whole whatever happens while it grows.
#ifndef STRATA_CORE_DYNAMIC_ARRAY_HPP
#define STRATA_CORE_DYNAMIC_ARRAY_HPP

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>

#include <strata/config.hpp>

namespace strata::inline STRATA_ABI {

namespace detail {

// Memory for arrays of every kind, in units that are aligned for anything but what is over-aligned.
[[nodiscard]] constexpr std::size_t array_units(std::size_t count, std::size_t element_bytes) noexcept {
  return (count > PTRDIFF_MAX / element_bytes ? PTRDIFF_MAX : count * element_bytes) / sizeof(std::max_align_t) + 1;
}
[[nodiscard]] STRATA_NOINLINE inline void* allocate_array(std::size_t count, std::size_t element_bytes) {
  return std::allocator<std::max_align_t>().allocate(array_units(count, element_bytes));
}
STRATA_NOINLINE inline void free_array(void* memory, std::size_t count, std::size_t element_bytes) noexcept {
  std::allocator<std::max_align_t>().deallocate(static_cast<std::max_align_t*>(memory), array_units(count, element_bytes));
}

}  // namespace detail

// The members do what those of std::vector do, unless said otherwise. Allocation that fails is std::bad_alloc.
template <typename Element>
class dynamic_array {
 public:
  using value_type = Element;
  using iterator = Element*;
  using const_iterator = const Element*;

  dynamic_array() noexcept = default;
  explicit dynamic_array(std::size_t count) { resize(count); }
  dynamic_array(std::initializer_list<Element> elements) { append(elements.begin(), elements.size()); }
  dynamic_array(const dynamic_array& other) { append(other.begin_, other.size_); }
  dynamic_array(dynamic_array&& other) noexcept
      : begin_(std::exchange(other.begin_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  dynamic_array& operator=(dynamic_array other) noexcept {
    swap(other);
    return *this;
  }
  ~dynamic_array() {
    static_assert(std::is_nothrow_move_constructible_v<Element> && alignof(Element) <= alignof(std::max_align_t));
    if (begin_ != nullptr) release();
  }
  void swap(dynamic_array& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] Element* data() noexcept { return begin_; }
  [[nodiscard]] const Element* data() const noexcept { return begin_; }
  [[nodiscard]] Element* begin() noexcept { return begin_; }
  [[nodiscard]] const Element* begin() const noexcept { return begin_; }
  [[nodiscard]] Element* end() noexcept { return begin_ + size_; }
  [[nodiscard]] const Element* end() const noexcept { return begin_ + size_; }
  [[nodiscard]] Element& operator[](std::size_t index) noexcept { return begin_[index]; }
  [[nodiscard]] const Element& operator[](std::size_t index) const noexcept { return begin_[index]; }
  [[nodiscard]] Element& front() noexcept { return begin_[0]; }
  [[nodiscard]] const Element& front() const noexcept { return begin_[0]; }
  [[nodiscard]] Element& back() noexcept { return begin_[size_ - 1]; }
  [[nodiscard]] const Element& back() const noexcept { return begin_[size_ - 1]; }

  void reserve(std::size_t count) {
    if (count > capacity_) reallocate(count);
  }
  void push_back(Element element) { emplace_back(std::move(element)); }
  // Requires: `arguments` refer to nothing in this array.
  template <typename... Arguments>
  Element& emplace_back(Arguments&&... arguments) {
    if (size_ == capacity_) [[unlikely]]
      reallocate(capacity_ < 4 ? 4 : capacity_ * 2);
    Element& added = *std::construct_at(begin_ + size_, std::forward<Arguments>(arguments)...);
    ++size_;
    return added;
  }
  void pop_back() noexcept { std::destroy_at(begin_ + --size_); }
  void resize(std::size_t count) {
    if (count > capacity_) reallocate(count > 2 * capacity_ ? count : 2 * capacity_);
    while (size_ < count) std::construct_at(begin_ + size_++);
    shrink(count);
  }
  void clear() noexcept { shrink(0); }

  // Puts an element before the one at `index`, or behind the last.
  STRATA_NOINLINE void insert(std::size_t index, Element element) {
    push_back(std::move(element));
    if (index + 1 == size_) return;
    Element added = std::move(back());
    for (std::size_t at = size_ - 1; at > index; --at) begin_[at] = std::move(begin_[at - 1]);
    begin_[index] = std::move(added);
  }
  void erase(std::size_t index) noexcept {
    for (std::size_t at = index + 1; at < size_; ++at) begin_[at - 1] = std::move(begin_[at]);
    pop_back();
  }
  // Erases the elements that `unwanted` is true for.
  template <typename Predicate>
  void erase_if(Predicate unwanted) {
    std::size_t kept = 0;
    for (std::size_t at = 0; at < size_; ++at) {
      if (unwanted(begin_[at])) continue;
      if (kept != at) begin_[kept] = std::move(begin_[at]);
      ++kept;
    }
    shrink(kept);
  }

  [[nodiscard]] bool operator==(const dynamic_array& other) const {
    if (size_ != other.size_) return false;
    for (std::size_t at = 0; at < size_; ++at)
      if (!(begin_[at] == other.begin_[at])) return false;
    return true;
  }

 private:
  STRATA_NOINLINE void append(const Element* elements, std::size_t count) {
    if (count == 0) return;
    dynamic_array made;
    made.reallocate(count);
    for (; made.size_ < count; ++made.size_) std::construct_at(made.begin_ + made.size_, elements[made.size_]);
    swap(made);
  }
  void shrink(std::size_t count) noexcept {
    while (size_ > count) std::destroy_at(begin_ + --size_);
  }
  STRATA_NOINLINE void reallocate(std::size_t capacity) {
    auto* const to = static_cast<Element*>(detail::allocate_array(capacity, sizeof(Element)));
    for (std::size_t at = 0; at < size_; ++at) {
      std::construct_at(to + at, std::move(begin_[at]));
      std::destroy_at(begin_ + at);
    }
    if (begin_ != nullptr) detail::free_array(begin_, capacity_, sizeof(Element));
    begin_ = to;
    capacity_ = capacity;
  }
  STRATA_NOINLINE void release() noexcept {
    shrink(0);
    detail::free_array(begin_, capacity_, sizeof(Element));
  }

  Element* begin_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace strata::inline STRATA_ABI

#endif
