// Aggregates without macros: how many fields, each field, their names, and the name of a type.
//
// Thread safety: everything here is a pure function of types or of its arguments.
//
// Invariants:
// 1. Fields are numbered in order of declaration; a nested aggregate and an array are one field each.
// 2. A field's name is the identifier in the source, the same on every compiler: names are on disk.
// 3. One structured binding, one list of types and one string of names per type, whatever asks: compile time is counted
//    (PERFORMANCE: 50 collections of 20 fields). No std::tuple, no recursion over fields.
//
// What counts as an aggregate here: a class with public fields only, no bases, no constructors, at most 64 fields,
// each of which can start from empty braces. Bit-fields and references are no fields of such a class.
#ifndef STRATA_CODEC_REFLECT_HPP
#define STRATA_CODEC_REFLECT_HPP

#include <string_view>
#include <type_traits>
#include <utility>

#include <strata/codec/arity.hpp>
#include <strata/core/bytes.hpp>

namespace strata::inline STRATA_ABI {

// The most fields of one aggregate.
inline constexpr std::size_t fields_max = 64;

namespace detail {

// Halves the range: `First` fields fit, `First + Count` don't.
template <typename Type, std::size_t First, std::size_t Count>
consteval std::size_t count_fields() {
  if constexpr (Count == 1) {
    return First;
  } else if constexpr (arity<First + Count / 2>::template fits<Type>) {
    return count_fields<Type, First + Count / 2, Count - Count / 2>();
  } else {
    return count_fields<Type, First, Count / 2>();
  }
}

// Most structs are small: the first question halves 64 unevenly.
template <typename Type>
consteval std::size_t count_fields() {
  if constexpr (std::is_empty_v<Type>) {
    return 0;
  } else if constexpr (!arity<8>::fits<Type>) {
    return count_fields<Type, 0, 8>();
  } else if constexpr (!arity<24>::fits<Type>) {
    return count_fields<Type, 8, 16>();
  } else {
    return count_fields<Type, 24, fields_max + 1 - 24>();
  }
}

// Converts to the bases of a type and to nothing else.
template <typename Type>
struct base_probe {
  template <typename Base>
  requires(std::is_base_of_v<Base, Type> && !std::is_same_v<Base, Type>) operator Base()
      const;  // NOLINT: implicit, and never defined
};

// Converts to nothing: only what takes anything takes it.
struct no_probe {};

}  // namespace detail

// The number of fields of an aggregate, 0 to 64.
template <typename Type>
inline constexpr std::size_t field_count = detail::count_fields<Type>();

// Whether an aggregate has a base class: those are not stored, as their fields cannot be named apart.
template <typename Type>
inline constexpr bool has_base_class = requires {
  Type{detail::base_probe<Type>{}};
} && !requires {
  Type{detail::no_probe{}};
};

// Whether an aggregate has more fields than are counted.
template <typename Type>
inline constexpr bool has_too_many_fields = [] {
  if constexpr (field_count<Type> == fields_max) return detail::arity<fields_max + 1>::template fits<Type>;
  return false;
}();

// Calls `visitor(field...)` once with a reference to every field, in order, and returns what it returns.
// Cost: none at run time.
template <typename Type, typename Visitor>
constexpr decltype(auto) visit_fields(Type& value, Visitor&& visitor) {
  return detail::arity<field_count<std::remove_const_t<Type>>>::visit(value, visitor);
}

namespace detail {

template <typename Function>
struct each_field {
  Function& function;
  template <typename... Fields>
  constexpr void operator()(Fields&... fields) const {
    (function(fields), ...);
  }
};

}  // namespace detail

// Calls `function(field)` for every field, in order.
template <typename Type, typename Function>
constexpr void for_each_field(Type& value, Function&& function) {
  visit_fields(value, detail::each_field<std::remove_reference_t<Function>>{function});
}

// Types as one thing to pass along.
template <typename... Types>
struct type_list {
  static constexpr std::size_t size = sizeof...(Types);
};

namespace detail {

struct list_types {
  template <typename... Fields>
  constexpr type_list<Fields...> operator()(Fields&...) const noexcept {
    return {};
  }
};

template <std::size_t Index, typename First, typename... Rest>
constexpr auto type_at(type_list<First, Rest...>) noexcept {
  if constexpr (Index == 0) {
    return std::type_identity<First>{};
  } else {
    return type_at<Index - 1>(type_list<Rest...>{});
  }
}

}  // namespace detail

// The types of the fields of an aggregate.
template <typename Type>
using field_types = decltype(visit_fields(*static_cast<Type*>(nullptr), detail::list_types{}));

// The type of field `Index`.
template <typename Type, std::size_t Index>
using field_type = typename decltype(detail::type_at<Index>(field_types<Type>{}))::type;

namespace detail {

// An object that is named and never exists: the compiler writes the path to each of its fields into a string.
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif
template <typename Type>
struct prototype {
  Type value;
};
template <typename Type>
extern const prototype<Type> strata_prototype;

struct address {
  const void* of;
};

template <std::size_t Count>
struct field_addresses {
  address of[Count];
};

struct take_addresses {
  template <typename... Fields>
  constexpr field_addresses<sizeof...(Fields)> operator()(Fields&... fields) const noexcept {
    return {{address{static_cast<const void*>(__builtin_addressof(fields))}...}};
  }
};

// clang: "… [Addresses = <{&strata_prototype.value.name}, {&strata_prototype.value.age}>]"
// gcc:   "… {address{((const void*)(& …strata_prototype<user>.….user::name))}, address{… user::age))}}; …]"
// A list of single addresses: of an array, clang spells ten elements and then dots.
template <address... Addresses>
constexpr std::string_view spell_addresses() noexcept {
  return {__PRETTY_FUNCTION__, sizeof __PRETTY_FUNCTION__ - 1};
}

// A function that is only ever evaluated, not a variable: g++ emits a variable of a local type when it does not optimise,
// and the object that never exists would be missing.
template <typename Type>
consteval auto addresses_of_fields() {
  return visit_fields(strata_prototype<Type>.value, take_addresses{});
}

// A bit-field is bound to no reference but to that of a copy, and what never exists cannot be copied in a constant.
struct bind_to_constants {
  template <typename... Fields>
  constexpr bool operator()(const Fields&...) const noexcept {
    return true;
  }
};
template <typename Type>
inline constexpr bool has_bit_fields = !requires {
  typename std::bool_constant<visit_fields(strata_prototype<Type>.value, bind_to_constants{})>;
};

template <typename Type, std::size_t... Index>
constexpr std::string_view spell_fields(std::index_sequence<Index...>) noexcept {
  return spell_addresses<addresses_of_fields<Type>().of[Index]...>();
}

template <typename Type>
constexpr std::string_view spelled_fields() noexcept {
  if constexpr (field_count<Type> == 0) {
    return {};
  } else {
    return spell_fields<Type>(std::make_index_sequence<field_count<Type>>{});
  }
}
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

[[nodiscard]] constexpr bool in_identifier(char letter) noexcept {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
         letter == '_' || letter == '$' || static_cast<unsigned char>(letter) >= 0x80;
}

}  // namespace detail

// The names of the fields of one aggregate, read out of the compiler's spelling one after the other.
// Thread safety: one thread.
class field_name_reader {
 public:
  explicit constexpr field_name_reader(std::string_view spelled) noexcept
      : rest_(spelled.substr(0, spelled.rfind("}}"))) {
    if (const std::size_t first = rest_.find(mark); first != rest_.npos) rest_.remove_prefix(first + mark.size());
  }

  // The next name, in static memory; empty after the last.
  [[nodiscard]] constexpr std::string_view next() noexcept {
    const std::size_t following = rest_.find(mark);
    std::string_view element = rest_;
    if (following != rest_.npos) element = element.substr(0, element.rfind(", ", following));
    rest_.remove_prefix(following != rest_.npos ? following + mark.size() : rest_.size());

    std::size_t end = element.size();
    while (end != 0 && !detail::in_identifier(element[end - 1])) --end;
    std::size_t begin = end;
    while (begin != 0 && detail::in_identifier(element[begin - 1])) --begin;
    return element.substr(begin, end - begin);
  }

 private:
  static constexpr std::string_view mark = "strata_prototype";
  std::string_view rest_;
};

// The names of an aggregate's fields, in order. Costs no instantiation per field, and is a constant expression too.
template <typename Type>
[[nodiscard]] constexpr field_name_reader field_names() noexcept {
  return field_name_reader(detail::spelled_fields<Type>());
}

// The name of field `Index`, 0 to field_count - 1.
template <typename Type, std::size_t Index>
[[nodiscard]] constexpr std::string_view field_name() noexcept {
  static_assert(Index < field_count<Type>, "strata: field_name: the aggregate has fewer fields");
  field_name_reader names = field_names<Type>();
  for (std::size_t i = 0; i < Index; ++i) static_cast<void>(names.next());
  return names.next();
}

namespace detail {

template <typename Type>
constexpr std::string_view spell_type() noexcept {
  return {__PRETTY_FUNCTION__, sizeof __PRETTY_FUNCTION__ - 1};
}

}  // namespace detail

// The name of a class as a program writes it, with its namespaces ("shop::order"); an unnamed namespace in front is
// left out. The same on every compiler for classes that are no templates, which is what makes it an identity that can
// be stored; of a template, the compilers spell the arguments differently.
template <typename Type>
[[nodiscard]] constexpr std::string_view type_name() noexcept {
  // "… spell_type() [with Type = shop::order; std::string_view = …]" (gcc), "… [Type = shop::order]" (clang).
  std::string_view name = detail::spell_type<Type>();
  constexpr std::string_view equals = "Type = ";
  name.remove_prefix(name.find(equals) + equals.size());
  name = name.substr(0, name.rfind("; std::string_view"));
  if (!name.empty() && name.back() == ']') name.remove_suffix(1);
  constexpr std::string_view unnamed[] = {"{anonymous}::", "(anonymous namespace)::"};
  for (const std::string_view prefix : unnamed)
    if (name.substr(0, prefix.size()) == prefix) name.remove_prefix(prefix.size());
  return name;
}

}  // namespace strata::inline STRATA_ABI

#endif
