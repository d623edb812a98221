// Every macro of the library. Nothing here, and no macro of the user, changes the layout of a type, a file format or the
// meaning of a call, with one exception that the ABI namespace carries: whether exceptions exist.
#ifndef STRATA_CONFIG_HPP
#define STRATA_CONFIG_HPP

#include <strata/version.hpp>

#if defined(_MSVC_LANG) ? (_MSVC_LANG < 202002L) : (__cplusplus < 202002L)
#error "Strata needs C++20: compile with -std=c++20 or later"
#endif

// STRATA_EXCEPTIONS is 1 where exceptions exist. `result::value()` on an error throws there and calls the failure
// handler elsewhere, so the two live in different inline namespaces and can be linked into one program.
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define STRATA_EXCEPTIONS 1
#define STRATA_ABI v0
#define STRATA_TRY_BLOCK try
#define STRATA_CATCH(...) catch (__VA_ARGS__)
#else
#define STRATA_EXCEPTIONS 0
#define STRATA_ABI v0_no_exceptions
#define STRATA_TRY_BLOCK if constexpr (true)
#define STRATA_CATCH(...) else if constexpr (false)
#endif

#define STRATA_ALWAYS_INLINE [[gnu::always_inline]] inline
#define STRATA_NOINLINE [[gnu::noinline]]
// For what runs seldom (opening, failing, upkeep): made small and not fast, which also keeps compile time low.
#define STRATA_COLD [[gnu::cold]]

// STRATA_ASSERT(condition): a belief whose failure means a bug in the library, or a broken requirement of a call. Held in
// release builds too; it prints the condition with its place and ends the process before damage spreads.
#define STRATA_ASSERT(...) \
  ((__VA_ARGS__) ? static_cast<void>(0) : ::strata::detail::assertion_failed(#__VA_ARGS__, __FILE__, __LINE__))

// STRATA_TRY(expression): leaves the function with the error of a `result` that holds one; its value is dropped.
// STRATA_TRY_LET(name, expression): the same, and otherwise declares `name` as a reference to the value.
#define STRATA_DETAIL_JOIN_(a, b) a##b
#define STRATA_DETAIL_JOIN(a, b) STRATA_DETAIL_JOIN_(a, b)
// A loop that never goes round, since an `if` would take an `else` that stands behind the macro.
#define STRATA_DETAIL_TRY(status, ...) \
  for (auto status = (__VA_ARGS__); !status.has_value();) return std::move(status).error()
#define STRATA_TRY(...) STRATA_DETAIL_TRY(STRATA_DETAIL_JOIN(strata_status_, __LINE__), __VA_ARGS__)
#define STRATA_TRY_LET(name, ...)                                                 \
  auto name##_or_error = (__VA_ARGS__);                                           \
  if (!name##_or_error.has_value()) [[unlikely]] return std::move(name##_or_error).error(); \
  auto& name = *name##_or_error

namespace strata::inline STRATA_ABI::detail {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;
}  // namespace strata::inline STRATA_ABI::detail

#endif
