// What lives only in the process that made it: threads, and what threads wait on.
//
// A forked child has a copy of the memory and none of the threads. There a thread can't be joined, and destroying a
// condition variable that a thread of the parent waits on waits for ever. So the child's copy is left as it is: its memory
// goes with what it is a part of.
//
// Thread safety: that of the element.
#ifndef STRATA_ENGINE_OWN_PROCESS_HPP
#define STRATA_ENGINE_OWN_PROCESS_HPP

#include <cstdint>
#include <memory>
#include <utility>

#include <strata/environment/requirements.hpp>

namespace strata::inline STRATA_ABI::engine {

// An Element that is destroyed in the process that made it, and nowhere else.
template <typename Environment, typename Element>
class own_process {
 public:
  template <typename... Arguments>
  explicit own_process(const Environment& environment, Arguments&&... arguments)
      : environment_(environment), process_(environment.process_id()) {
    std::construct_at(std::addressof(element_), std::forward<Arguments>(arguments)...);
  }
  own_process(const own_process&) = delete;
  own_process& operator=(const own_process&) = delete;
  ~own_process() {
    if (environment_.process_id() == process_) std::destroy_at(std::addressof(element_));
  }

  [[nodiscard]] Element& operator*() noexcept { return element_; }
  [[nodiscard]] Element* operator->() noexcept { return std::addressof(element_); }

 private:
  Environment environment_;
  std::uint64_t process_;
  union {
    Element element_;
  };
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
