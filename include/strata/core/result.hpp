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
      : value_(), has_value_(true) {}
  template <typename Source = Value>
    requires(std::is_constructible_v<Value, Source&&> && !std::is_same_v<std::remove_cvref_t<Source>, result> &&
             !std::is_same_v<std::remove_cvref_t<Source>, strata::error>)
  result(Source&& source) noexcept(std::is_nothrow_constructible_v<Value, Source&&>)  // NOLINT: implicit as expected
      : value_(std::forward<Source>(source)), has_value_(true) {}
  result(strata::error failure) noexcept : error_(std::move(failure)), has_value_(false) {}  // NOLINT: implicit

  result(result&& other) noexcept(std::is_nothrow_move_constructible_v<Value>) : has_value_(other.has_value_) {
    if (has_value_) {
      std::construct_at(std::addressof(value_), std::move(other.value_));
    } else {
      std::construct_at(std::addressof(error_), std::move(other.error_));
    }
  }
  result(const result& other)
    requires std::is_copy_constructible_v<Value>
      : has_value_(other.has_value_) {
    if (has_value_) {
      std::construct_at(std::addressof(value_), other.value_);
    } else {
      std::construct_at(std::addressof(error_), other.error_);
    }
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
    if (has_value_) {
      std::destroy_at(std::addressof(value_));
    } else {
      std::destroy_at(std::addressof(error_));
    }
  }

  [[nodiscard]] bool has_value() const noexcept { return has_value_; }
  [[nodiscard]] explicit operator bool() const noexcept { return has_value_; }

  // The value. On an error: throws `strata::exception`, or calls the failure handler where exceptions don't exist.
  Value& value() & { return checked(), value_; }
  const Value& value() const& { return checked(), value_; }
  Value&& value() && { return checked(), std::move(value_); }

  // Requires: has_value().
  [[nodiscard]] Value& operator*() & noexcept { return value_; }
  [[nodiscard]] const Value& operator*() const& noexcept { return value_; }
  [[nodiscard]] Value&& operator*() && noexcept { return std::move(value_); }
  [[nodiscard]] Value* operator->() noexcept { return std::addressof(value_); }
  [[nodiscard]] const Value* operator->() const noexcept { return std::addressof(value_); }

  // Requires: !has_value().
  [[nodiscard]] const strata::error& error() const& noexcept { return error_; }
  [[nodiscard]] strata::error&& error() && noexcept { return std::move(error_); }

  template <typename Other>
  [[nodiscard]] Value value_or(Other&& other) const& {
    return has_value_ ? value_ : static_cast<Value>(std::forward<Other>(other));
  }
  template <typename Other>
  [[nodiscard]] Value value_or(Other&& other) && {
    return has_value_ ? std::move(value_) : static_cast<Value>(std::forward<Other>(other));
  }

  // Calls `next(value)`, which returns a result, or passes the error on.
  template <typename Function>
  auto and_then(Function&& next) && -> std::remove_cvref_t<std::invoke_result_t<Function, Value&&>> {
    static_assert(detail::is_result<std::remove_cvref_t<std::invoke_result_t<Function, Value&&>>>,
                  "result::and_then: the function returns a strata::result");
    if (!has_value_) return std::move(error_);
    return std::forward<Function>(next)(std::move(value_));
  }
  // Calls `change(value)` and wraps what it returns, or passes the error on.
  template <typename Function>
  auto transform(Function&& change) && -> result<std::remove_cvref_t<std::invoke_result_t<Function, Value&&>>>;
  // Calls `mend(error)`, which returns a result of the same type, or passes the value on.
  template <typename Function>
  result or_else(Function&& mend) && {
    if (has_value_) return std::move(*this);
    return std::forward<Function>(mend)(std::move(error_));
  }

 private:
  void checked() const {
    if (!has_value_) [[unlikely]] detail::raise(error_);
  }

  union {
    Value value_;
    strata::error error_;
  };
  bool has_value_;
};

// Success without a value, or an error.
template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;
  using error_type = strata::error;

  result() noexcept : error_(errc{}), has_value_(true) {}
  result(strata::error failure) noexcept : error_(std::move(failure)), has_value_(false) {}  // NOLINT: implicit

  [[nodiscard]] bool has_value() const noexcept { return has_value_; }
  [[nodiscard]] explicit operator bool() const noexcept { return has_value_; }
  void value() const {
    if (!has_value_) [[unlikely]] detail::raise(error_);
  }
  // Requires: !has_value().
  [[nodiscard]] const strata::error& error() const& noexcept { return error_; }
  [[nodiscard]] strata::error&& error() && noexcept { return std::move(error_); }

  template <typename Function>
  auto and_then(Function&& next) && -> std::remove_cvref_t<std::invoke_result_t<Function>> {
    if (!has_value_) return std::move(error_);
    return std::forward<Function>(next)();
  }
  template <typename Function>
  auto transform(Function&& change) && -> result<std::remove_cvref_t<std::invoke_result_t<Function>>> {
    if (!has_value_) return std::move(error_);
    if constexpr (std::is_void_v<std::invoke_result_t<Function>>) {
      std::forward<Function>(change)();
      return {};
    } else {
      return std::forward<Function>(change)();
    }
  }
  template <typename Function>
  result or_else(Function&& mend) && {
    if (has_value_) return std::move(*this);
    return std::forward<Function>(mend)(std::move(error_));
  }

 private:
  strata::error error_;
  bool has_value_;
};

template <typename Value>
template <typename Function>
auto result<Value>::transform(Function&& change) && -> result<std::remove_cvref_t<std::invoke_result_t<Function, Value&&>>> {
  if (!has_value_) return std::move(error_);
  if constexpr (std::is_void_v<std::invoke_result_t<Function, Value&&>>) {
    std::forward<Function>(change)(std::move(value_));
    return {};
  } else {
    return std::forward<Function>(change)(std::move(value_));
  }
}

}  // namespace strata::inline STRATA_ABI

#endif
