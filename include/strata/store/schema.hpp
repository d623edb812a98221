// A schema: the collections that a store has, in its type.
//
//   using agent_store = strata::store<strata::schema<users, calls>>;
//
// The descriptors are named, not copied: constexpr variables of namespace or class scope (or static ones of a function).
// A store with a schema looks its collections up once, when it is opened, and refuses any other at compile time.
#ifndef STRATA_STORE_SCHEMA_HPP
#define STRATA_STORE_SCHEMA_HPP

#include <strata/primitive/requirements.hpp>

namespace strata::inline STRATA_ABI {

namespace detail {

// Its address stands for a type: to compare two of them instantiates nothing.
template <typename Type>
inline constexpr char type_mark = 0;

struct schema_entry {
  std::string_view name;
  const void* type;
};

}  // namespace detail

template <const auto&... Descriptors>
struct schema {
  using strata_slot = slot::schema;
  static constexpr std::size_t size = sizeof...(Descriptors);

 private:
  static constexpr detail::schema_entry entries[size + 1] = {
      {Descriptors.name, &detail::type_mark<std::remove_cvref_t<decltype(Descriptors)>>}..., {"", nullptr}};

 public:
  // True where no two collections have one name.
  [[nodiscard]] static consteval bool names_differ() {
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (entries[i].name == entries[j].name) return false;
    return true;
  }
  static_assert(names_differ(), "strata: schema: two collections have one name");

  // The place of the descriptor in the list, or `size`.
  template <typename Descriptor>
  [[nodiscard]] static constexpr std::size_t index_of(const Descriptor& wanted) noexcept {
    // Not a fold: 50 collections are looked up in 50, and a compiler would make a function for each pair.
    const std::string_view name = wanted.name;
    for (std::size_t i = 0; i < size; ++i)
      if (entries[i].type == &detail::type_mark<Descriptor> && entries[i].name == name) return i;
    return size;
  }

  template <typename Descriptor>
  static constexpr bool has_type = [] {
    for (const detail::schema_entry& each : entries)
      if (each.type == &detail::type_mark<Descriptor>) return true;
    return false;
  }();

  // Calls visit(index, descriptor) for each.
  template <typename Visit>
  static void each(Visit&& visit) {
    std::size_t index = 0;
    (visit(index++, Descriptors), ...);
  }
};

namespace detail {

// Not constexpr: its name is what a compiler shows when a descriptor that a schema does not list is used with its store.
inline void strata_this_collection_is_not_in_the_schema_of_the_store() {}

// A descriptor that the compiler has looked up in a schema.
template <typename Schema, typename Descriptor>
struct listed {
  std::size_t index;

  consteval listed(const Descriptor& descriptor) : index(Schema::index_of(descriptor)) {  // NOLINT: implicit
    if (index == Schema::size) strata_this_collection_is_not_in_the_schema_of_the_store();
  }
};

// `thing[descriptor]` for one type of descriptor.
template <typename Thing, typename Schema, typename Descriptor>
struct typed_view {
  [[nodiscard]] auto operator[](listed<Schema, Descriptor> wanted) const {
    return static_cast<const Thing*>(this)->template view_of<Descriptor>(wanted.index);
  }
};

template <typename... Types>
struct distinct_types {};

// The types of a list, each once.
template <typename Done, typename... Left>
struct distinct {
  using type = Done;
};
template <typename... Done, typename First, typename... Rest>
struct distinct<distinct_types<Done...>, First, Rest...> {
  using type = typename std::conditional_t<(std::is_same_v<Done, First> || ...), distinct<distinct_types<Done...>, Rest...>,
                                           distinct<distinct_types<Done..., First>, Rest...>>::type;
};

template <typename Thing, typename Schema, typename Types>
struct typed_views;
template <typename Thing, typename Schema, typename... Types>
struct typed_views<Thing, Schema, distinct_types<Types...>> : typed_view<Thing, Schema, Types>... {
  using typed_view<Thing, Schema, Types>::operator[]...;

  // The view that it would be, so that a compiler has no more to say than this.
  template <typename Other>
    requires(!Schema::template has_type<Other>)
  auto operator[](const Other& other) const {
    static_assert(Schema::template has_type<Other>, "strata: this collection is not in the schema of the store");
    return static_cast<const Thing*>(this)->view_of(other);
  }
};

// `thing[descriptor]` for a thing of a store with this schema, or without one. `Thing` has
// view_of<Descriptor>(index) or view_of(descriptor), which give the view.
template <typename Thing, typename Schema>
struct views_by_descriptor {
  template <typename Descriptor>
  [[nodiscard]] auto operator[](const Descriptor& descriptor) const {
    return static_cast<const Thing*>(this)->view_of(descriptor);
  }
};
template <typename Thing, const auto&... Descriptors>
struct views_by_descriptor<Thing, schema<Descriptors...>>
    : typed_views<Thing, schema<Descriptors...>,
                  typename distinct<distinct_types<>, std::remove_cvref_t<decltype(Descriptors)>...>::type> {};
template <typename Thing>
struct views_by_descriptor<Thing, schema<>> {};

}  // namespace detail

}  // namespace strata::inline STRATA_ABI

#endif
