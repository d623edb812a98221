// Primitives: typed data structures over a context, and their descriptors.
//
// A descriptor is a constexpr value that names a collection and carries its types: `strata::kv<std::string, user>{"users"}`.
// Whatever can be read gives a typed view of it with `[]`.
//
// Requirements. `D` is the descriptor's type, `d` a const value, `E` an engine, `c` a `primitive::collection&`.
//
// expression                                  returns                what must hold
// ------------------------------------------  ---------------------  ---------------------------------------------------
// d.name                                      std::string_view       1 to 255 bytes; unique in a store
// D::face()                                   const type_face&       kind, key fingerprint, value description; a constant
// D::needs_order                              static constexpr bool  false where a hash-indexed engine can hold it
// D::reader<read_context<E>>(context, c)                             the view of what can only be read; copyable
// D::writer<write_context<E>>(context, c)                            the view of what can be written; derives from the
//                                                                    reader of its context; copyable
//
// Views are cheap values; they must not outlive the store. Everything that they do goes through the context, so that it
// holds in transactions and snapshots alike.
#ifndef STRATA_PRIMITIVE_REQUIREMENTS_HPP
#define STRATA_PRIMITIVE_REQUIREMENTS_HPP

#include <strata/primitive/context.hpp>

namespace strata::inline STRATA_ABI {

namespace requirements {

template <typename Descriptor>
concept descriptor = requires(const Descriptor& d) {
  { d.name } -> std::convertible_to<std::string_view>;
  { std::remove_cvref_t<Descriptor>::face() } -> std::same_as<const strata::primitive::type_face&>;
  { std::remove_cvref_t<Descriptor>::needs_order } -> std::convertible_to<bool>;
};

}  // namespace requirements

namespace detail {

template <typename Descriptor, typename Engine>
consteval bool check_descriptor() {
  static_assert(requirements::descriptor<Descriptor>,
                "strata: this is no descriptor of a collection: name, face() or needs_order is missing; see primitive/requirements.hpp");
  if constexpr (requirements::descriptor<Descriptor>) {
    static_assert(!Descriptor::needs_order || Engine::is_ordered,
                  "strata: this collection needs an engine that keeps keys in order");
  }
  return true;
}

}  // namespace detail

}  // namespace strata::inline STRATA_ABI

#endif
