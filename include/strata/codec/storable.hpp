// What is wrong with a type that cannot be stored, in one line.
//
// It is found by looking, not by failing: a walk over the type gives the first thing wrong, so that the message comes
// from the call that the program wrote and not from forty levels below it. Headers that ask include this one first:
// gcc prints the way by which a header was reached, and the message has to stand near the top.
#ifndef STRATA_CODEC_STORABLE_HPP
#define STRATA_CODEC_STORABLE_HPP

#include <strata/codec/shape.hpp>

namespace strata::inline STRATA_ABI {

namespace detail {

// What is wrong with a type, in the order in which a walk over it meets it.
enum class type_problem : unsigned char {
  none,
  pointer,
  unsized_enumeration,
  wide_integer,
  other_floating,
  base_class,
  too_many_fields,
  bit_field,
  no_default,
  unknown,
  empty_elements,
  container_in_key,
  no_ordered_codec,
  view,
};

enum class type_use : unsigned char { value, key };

// Whether no struct is in a type: what a walk finds there is the same whatever the type stands in.
template <typename Type>
consteval bool has_no_structs();

template <typename... Types>
consteval bool have_no_structs(type_list<Types...>) {
  return (has_no_structs<Types>() && ...);
}

template <typename Type>
consteval bool has_no_structs() {
  constexpr shape what = shape_of<Type>;
  if constexpr (what == shape::aggregate) {
    return false;
  } else if constexpr (what == shape::map) {
    return has_no_structs<typename Type::key_type>() && has_no_structs<typename Type::mapped_type>();
  } else if constexpr (what == shape::sequence || what == shape::set || what == shape::optional) {
    return has_no_structs<typename Type::value_type>();
  } else if constexpr (what == shape::descending) {
    return has_no_structs<decltype(Type::value)>();
  } else if constexpr (what == shape::array) {
    return has_no_structs<typename array_of<Type>::element>();
  } else if constexpr (what == shape::tuple) {
    return have_no_structs(tuple_types<Type>{});
  } else if constexpr (what == shape::variant) {
    return have_no_structs(typename alternatives_of<Type>::types{});
  } else {
    return true;
  }
}

template <typename Type>
inline constexpr bool is_without_structs = has_no_structs<Type>();

// `Enclosing`: the structs that a type stands in, as a type_list, so that one which contains itself is walked once.
template <type_use Use, typename Type, typename Enclosing>
consteval type_problem find_problem();

// Types without structs are walked once a program, and not once for each struct that has a field of them. A list, as clang
// looks at a fold over || anew from each of its operands.
template <type_use Use, typename Enclosing, typename... Types>
consteval type_problem find_problem_in(type_list<Types...>) {
  for (const type_problem found :
       {type_problem::none, find_problem<Use, Types, std::conditional_t<is_without_structs<Types>, type_list<>, Enclosing>>()...})
    if (found != type_problem::none) return found;
  return type_problem::none;
}

template <type_use Use, typename Type, typename Enclosing>
consteval type_problem find_container_problem() {
  constexpr shape what = shape_of<Type>;
  if constexpr (Use == type_use::key) {
    return type_problem::container_in_key;
  } else if constexpr (what == shape::map) {
    return find_problem_in<Use, Enclosing>(type_list<typename Type::key_type, typename Type::mapped_type>{});
  } else {
    constexpr type_problem inside = find_problem<Use, typename Type::value_type, Enclosing>();
    if constexpr (inside != type_problem::none) {
      return inside;
    } else {
      return least_bytes<typename Type::value_type>() == 0 ? type_problem::empty_elements : type_problem::none;
    }
  }
}

template <type_use Use, typename Type, typename... Enclosing>
consteval type_problem find_aggregate_problem(type_list<Enclosing...>) {
  if constexpr ((std::is_same_v<Type, Enclosing> || ...)) {
    return type_problem::none;  // judged where it was first met
  } else if constexpr (!std::is_default_constructible_v<Type>) {
    return type_problem::no_default;
  } else if constexpr (has_base_class<Type>) {
    return type_problem::base_class;
  } else if constexpr (has_too_many_fields<Type>) {
    return type_problem::too_many_fields;
  } else if constexpr (has_bit_fields<Type>) {
    return type_problem::bit_field;
  } else {
    return find_problem_in<Use, type_list<Type, Enclosing...>>(field_types<Type>{});
  }
}

template <type_use Use, typename Type, typename Enclosing>
consteval type_problem find_problem() {
  constexpr shape what = shape_of<Type>;
  if constexpr (what == shape::pointer) {
    return type_problem::pointer;
  } else if constexpr (std::is_same_v<Type, std::string_view>) {
    return type_problem::view;
  } else if constexpr (what == shape::unsized_enumeration) {
    return type_problem::unsized_enumeration;
  } else if constexpr (what == shape::wide_integer) {
    return type_problem::wide_integer;
  } else if constexpr (what == shape::other_floating) {
    return type_problem::other_floating;
  } else if constexpr (what == shape::unknown) {
    return type_problem::unknown;
  } else if constexpr (what == shape::aggregate) {
    return find_aggregate_problem<Use, Type>(Enclosing{});
  } else if constexpr (what == shape::sequence || what == shape::set || what == shape::map) {
    return find_container_problem<Use, Type, Enclosing>();
  } else if constexpr (what == shape::optional) {
    return find_problem<Use, typename Type::value_type, Enclosing>();
  } else if constexpr (what == shape::descending) {
    return find_problem<Use, decltype(Type::value), Enclosing>();
  } else if constexpr (what == shape::array) {
    return find_problem<Use, typename array_of<Type>::element, Enclosing>();
  } else if constexpr (what == shape::tuple) {
    return find_problem_in<Use, Enclosing>(tuple_types<Type>{});
  } else if constexpr (what == shape::variant) {
    return find_problem_in<Use, Enclosing>(typename alternatives_of<Type>::types{});
  } else if constexpr (what == shape::custom && Use == type_use::key) {
    return requires(byte_string & out, const Type& value, Type& into) {
      codec<Type>::encode_key(out, value);
      codec<Type>::decode_key(bytes_view(), into);
    }
    ? type_problem::none : type_problem::no_ordered_codec;
  } else {
    return type_problem::none;
  }
}

template <type_problem Found>
consteval bool report_problem() {
  static_assert(
      Found != type_problem::pointer,
      "strata: a pointer or reference cannot be stored: store the value itself, std::optional of it, or its key");
  static_assert(Found != type_problem::unsized_enumeration,
                "strata: an enum that is stored needs a type of its own: write `enum name : int`");
  static_assert(Found != type_problem::wide_integer,
                "strata: an integer of more than 64 bits cannot be stored: use two of 64 bits");
  static_assert(Found != type_problem::other_floating,
                "strata: long double, or another number that is neither a float nor a double, cannot be stored: its "
                "bytes differ between machines; use double");
  static_assert(
      Found != type_problem::base_class,
      "strata: a struct with a base class cannot be stored: make the base a field, or specialise strata::codec");
  static_assert(Found != type_problem::too_many_fields,
                "strata: a struct with more than 64 fields cannot be stored: make some of them a struct of their own");
  static_assert(Found != type_problem::bit_field,
                "strata: a struct with bit-fields cannot be stored: give each field a type of its own");
  static_assert(
      Found != type_problem::no_default,
      "strata: a struct that is stored must be default constructible: give every field a default, and no references");
  static_assert(
      Found != type_problem::unknown,
      "strata: this type cannot be stored: make it an aggregate of types that can, or specialise strata::codec for it");
  static_assert(Found != type_problem::empty_elements,
                "strata: a container of values without bytes cannot be stored: give the element a field");
  static_assert(
      Found != type_problem::container_in_key,
      "strata: a container cannot be part of a key: use std::string, std::vector<std::byte>, std::array or a struct");
  static_assert(
      Found != type_problem::no_ordered_codec,
      "strata: this type's strata::codec has no encode_key and decode_key: it cannot be a key or part of one");
  static_assert(Found != type_problem::view,
                "strata: std::string_view owns nothing: declare std::string (puts and look-ups take a std::string_view "
                "all the same)");
  return true;
}

}  // namespace detail

// Gives one readable line at compile time if a value of this type cannot be stored. What a collection asks first.
template <typename Type>
consteval bool check_value_type() {
  return detail::report_problem<detail::find_problem<detail::type_use::value, Type, type_list<>>()>();
}

// The same for a key.
template <typename Type>
consteval bool check_key_type() {
  return detail::report_problem<detail::find_problem<detail::type_use::key, Type, type_list<>>()>();
}

}  // namespace strata::inline STRATA_ABI

#endif
