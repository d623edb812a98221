// A reference to something that can be called: two words, no allocation, no ownership. For parameters only: what it refers
// to must outlive the call.
#ifndef STRATA_CORE_FUNCTION_REF_HPP
#define STRATA_CORE_FUNCTION_REF_HPP

#include <memory>
#include <type_traits>
#include <utility>

#include <strata/config.hpp>

namespace strata::inline STRATA_ABI {

template <typename Signature>
class function_ref;

template <typename Result, typename... Arguments>
class function_ref<Result(Arguments...)> {
 public:
  template <typename Function>
    requires(!std::is_same_v<std::remove_cvref_t<Function>, function_ref> &&
             std::is_invocable_r_v<Result, Function&, Arguments...>)
  function_ref(Function&& function) noexcept  // NOLINT: implicit, as a parameter is
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(function)))),
        call_(&call<std::remove_reference_t<Function>>) {}

  Result operator()(Arguments... arguments) const { return call_(object_, std::forward<Arguments>(arguments)...); }

 private:
  template <typename Function>
  static Result call(void* object, Arguments... arguments) {
    return (*static_cast<Function*>(object))(std::forward<Arguments>(arguments)...);
  }

  void* object_;
  Result (*call_)(void*, Arguments...);
};

// A call of one object's member, as what a thread runs: all threads of the library begin with one type of function.
struct bound_call {
  void* object;
  void (*call)(void* object) noexcept;
  void operator()() const noexcept { call(object); }
};

}  // namespace strata::inline STRATA_ABI

#endif
