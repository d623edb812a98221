// A value or the error that stands in its place: the interface of `std::expected<T, strata::error>`, which the oldest
// supported compilers lack.
#ifndef STRATA_CORE_RESULT_HPP
#define STRATA_CORE_RESULT_HPP

#include <memory>
#include <type_traits>
#include <utility>

#include <strata/core/error.hpp>

namespace strata::inline STRATA_ABI {

template <typename Value>
class result;

namespace detail {
template <typename Type>
inline constexpr bool is_result = false;
template <typename Value>
inline constexpr bool is_result<result<Value>> = true;

struct filled_in_place {};  // chooses the constructor
}  // namespace detail

// Holds a `Value` or an `error`. Converts from both. `value()` on an error throws `strata::exception` (see error.hpp).
// Thread safety: as a value.
template <typename Value>
class [[nodiscard]] result {
  static_assert(std::is_object_v<Value> && !std::is_array_v<Value>, "result<T>: T is an object type");

 public:
  using value_type = Value;
  using error_type = strata::error;

  result()
    requires std::is_default_constructible_v<Value>
      : error_(detail::no_failure()), value_() {}
  // From what converts to a value. Never from another result: its error would be lost in a conversion to bool.
  template <typename Source = Value>
    requires(std::is_convertible_v<Source&&, Value> && !detail::is_result<std::remove_cvref_t<Source>> &&
             !std::is_same_v<std::remove_cvref_t<Source>, strata::error>)
  result(Source&& source) noexcept(std::is_nothrow_constructible_v<Value, Source&&>)  // NOLINT: implicit as expected
      : error_(detail::no_failure()), value_(std::forward<Source>(source)) {}
  result(strata::error&& failure) noexcept : error_(std::move(failure)) {}  // NOLINT: implicit
  result(const strata::error& failure) noexcept : error_(failure) {}        // NOLINT: implicit

  // Calls `fill(value)`, which returns a result; where that failed, so has this one. Nothing is moved. It delegates, so that
  // the value is destroyed where `fill` throws.
  template <typename Fill>
  result(detail::filled_in_place, Fill&& fill) : result() {
    auto done = fill(value_);
    if (done.has_value()) [[likely]]
      return;
    std::destroy_at(std::addressof(value_));
    error_ = std::move(done).error();
  }

  result(result&& other) noexcept(std::is_nothrow_move_constructible_v<Value>) : error_(std::move(other.error_)) {
    if (has_value()) std::construct_at(std::addressof(value_), std::move(other.value_));
  }
  result(const result& other)
    requires std::is_copy_constructible_v<Value>
      : error_(other.error_) {
    if (has_value()) std::construct_at(std::addressof(value_), other.value_);
  }
  result& operator=(result&& other) noexcept(std::is_nothrow_move_constructible_v<Value>) {
    if (this != &other) {
      std::destroy_at(this);
      std::construct_at(this, std::move(other));
    }
    return *this;
  }
  result& operator=(const result& other)
    requires std::is_copy_constructible_v<Value>
  {
    if (this != &other) *this = result(other);
    return *this;
  }
  ~result() {
    if (has_value()) std::destroy_at(std::addressof(value_));
  }

  [[nodiscard]] bool has_value() const noexcept { return error_.is_none(); }
  // Not for bool, where it would be taken for the value.
  [[nodiscard]] explicit operator bool() const noexcept
    requires(!std::is_same_v<Value, bool>)
  {
    return error_.is_none();
  }

  // The value; of a temporary result a value of its own, so that a range-`for` over it is safe. On an error: throws `strata::exception`, or calls the failure handler where exceptions don't exist.
  Value& value() & { return checked(), value_; }
  const Value& value() const& { return checked(), value_; }
  Value value() && { return checked(), std::move(value_); }

  // Requires: has_value().
  [[nodiscard]] Value& operator*() & noexcept { return value_; }
  [[nodiscard]] const Value& operator*() const& noexcept { return value_; }
  [[nodiscard]] Value operator*() && noexcept(std::is_nothrow_move_constructible_v<Value>) { return std::move(value_); }
  [[nodiscard]] Value* operator->() noexcept { return std::addressof(value_); }
  [[nodiscard]] const Value* operator->() const noexcept { return std::addressof(value_); }

  // Requires: !has_value().
  [[nodiscard]] const strata::error& error() const& noexcept { return error_; }
  [[nodiscard]] strata::error&& error() && noexcept { return std::move(error_); }

  template <typename Other>
  [[nodiscard]] Value value_or(Other&& other) const& {
    return has_value() ? value_ : static_cast<Value>(std::forward<Other>(other));
  }
  template <typename Other>
  [[nodiscard]] Value value_or(Other&& other) && {
    return has_value() ? std::move(value_) : static_cast<Value>(std::forward<Other>(other));
  }

  // Calls `next(value)`, which returns a result, or passes the error on.
  template <typename Function>
  auto and_then(Function&& next) && -> std::remove_cvref_t<std::invoke_result_t<Function, Value&&>> {
    static_assert(detail::is_result<std::remove_cvref_t<std::invoke_result_t<Function, Value&&>>>,
                  "result::and_then: the function returns a strata::result");
    if (!has_value()) return std::move(error_);
    return std::forward<Function>(next)(std::move(value_));
  }
  // Calls `change(value)` and wraps what it returns, or passes the error on.
  template <typename Function>
  auto transform(Function&& change) && -> result<std::remove_cvref_t<std::invoke_result_t<Function, Value&&>>>;
  // Calls `mend(error)`, which returns a result of the same type, or passes the value on.
  template <typename Function>
  result or_else(Function&& mend) && {
    if (has_value()) return std::move(*this);
    return std::forward<Function>(mend)(std::move(error_));
  }

 private:
  void checked() const {
    if (!has_value()) [[unlikely]] detail::raise(error_);
  }

  strata::error error_;  // "none" where there is a value
  union {
    Value value_;
  };
};

// Success without a value, or an error.
template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;
  using error_type = strata::error;

  result() noexcept : error_(detail::no_failure()) {}
  result(strata::error&& failure) noexcept : error_(std::move(failure)) {}  // NOLINT: implicit
  result(const strata::error& failure) noexcept : error_(failure) {}        // NOLINT: implicit

  [[nodiscard]] bool has_value() const noexcept { return error_.is_none(); }
  [[nodiscard]] explicit operator bool() const noexcept { return error_.is_none(); }
  void value() const {
    if (!has_value()) [[unlikely]] detail::raise(error_);
  }
  // Requires: has_value().
  void operator*() const noexcept {}
  // Requires: !has_value().
  [[nodiscard]] const strata::error& error() const& noexcept { return error_; }
  [[nodiscard]] strata::error&& error() && noexcept { return std::move(error_); }

  template <typename Function>
  auto and_then(Function&& next) && -> std::remove_cvref_t<std::invoke_result_t<Function>> {
    if (!has_value()) return std::move(error_);
    return std::forward<Function>(next)();
  }
  template <typename Function>
  auto transform(Function&& change) && -> result<std::remove_cvref_t<std::invoke_result_t<Function>>> {
    if (!has_value()) return std::move(error_);
    if constexpr (std::is_void_v<std::invoke_result_t<Function>>) {
      std::forward<Function>(change)();
      return {};
    } else {
      return std::forward<Function>(change)();
    }
  }
  template <typename Function>
  result or_else(Function&& mend) && {
    if (has_value()) return std::move(*this);
    return std::forward<Function>(mend)(std::move(error_));
  }

 private:
  strata::error error_;
};

template <typename Value>
template <typename Function>
auto result<Value>::transform(Function&& change) && -> result<std::remove_cvref_t<std::invoke_result_t<Function, Value&&>>> {
  if (!has_value()) return std::move(error_);
  if constexpr (std::is_void_v<std::invoke_result_t<Function, Value&&>>) {
    std::forward<Function>(change)(std::move(value_));
    return {};
  } else {
    return std::forward<Function>(change)(std::move(value_));
  }
}

}  // namespace strata::inline STRATA_ABI

#endif
