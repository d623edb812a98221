// What a C++ type is to a codec.
//
// Standard types are told by their members where naming them would pull in their headers: <map>, <variant>, <tuple>,
// <chrono> are included by the programs that use them, and containers of others with the same members serve as well.
#ifndef STRATA_CODEC_SHAPE_HPP
#define STRATA_CODEC_SHAPE_HPP

#include <bit>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <strata/codec/descending.hpp>
#include <strata/codec/reflect.hpp>

namespace strata::inline STRATA_ABI {

// How a type of the program's own is stored. Specialise it for a class that is no aggregate, or whose fields are not
// what should be stored:
//
//   template <>
//   struct strata::codec<money> {
//     static constexpr std::string_view name = "money";             // stored; change it when the bytes change meaning
//     static void encode(strata::byte_string& out, const money&);   // appends
//     static bool decode(strata::bytes_view bytes, money& into);    // all of `bytes`; false: no money
//     // only if it is to be a key, or part of one; encode_key(a) < encode_key(b) as unsigned bytes exactly when a < b
//     static void encode_key(strata::byte_string& out, const money&);
//     static bool decode_key(strata::bytes_view bytes, money& into);
//   };
//
// The library keeps the bytes apart from their neighbours: no length, end mark or escape is the specialisation's
// business. The type must be default constructible. `decode` must survive any bytes.
template <typename Type>
struct codec;

namespace detail {

enum class shape : unsigned char {
  boolean,
  integer,
  enumeration,
  floating,
  text,
  bytes,
  optional,
  sequence,
  set,
  map,
  array,
  tuple,
  variant,
  aggregate,
  duration,
  time_point,
  descending,
  custom,
  // What cannot be stored, by what its message says.
  pointer,
  unsized_enumeration,
  wide_integer,    // over 64 bits
  other_floating,  // neither 32 bits nor 64
  unknown,
};

template <typename Type>
concept has_codec = requires {
  sizeof(codec<Type>);
};
template <typename Type>
concept has_tuple_size = requires {
  std::tuple_size<Type>::value;
};
template <typename Type>
concept variant_like = requires(const Type& value) {
  value.index();
  value.valueless_by_exception();
};
template <typename Type>
concept duration_like = requires(const Type& value) {
  typename Type::rep;
  Type::period::num;
  value.count();
};
template <typename Type>
concept time_point_like = requires(const Type& value) {
  typename Type::clock;
  value.time_since_epoch().count();
};
template <typename Type>
concept container_like = requires(const Type& value, Type& changed) {
  typename Type::value_type;
  value.begin();
  value.end();
  value.size();
  changed.clear();
};
template <typename Type>
concept pointer_like = requires(const Type& value) {
  *value;
  value.get();
};

template <typename Type>
consteval shape class_shape() {
  if constexpr (has_codec<Type>) {
    return shape::custom;
  } else if constexpr (has_tuple_size<Type>) {
    if constexpr (requires { typename Type::value_type; }) return shape::array;
    return shape::tuple;
  } else if constexpr (std::is_aggregate_v<Type> && !std::is_union_v<Type>) {
    return shape::aggregate;
  } else if constexpr (container_like<Type>) {
    if constexpr (requires { typename Type::mapped_type; }) return shape::map;
    if constexpr (requires { typename Type::key_type; }) return shape::set;
    return shape::sequence;
  } else if constexpr (variant_like<Type>) {
    return shape::variant;
  } else if constexpr (duration_like<Type>) {
    return shape::duration;
  } else if constexpr (time_point_like<Type>) {
    return shape::time_point;
  } else if constexpr (pointer_like<Type>) {
    return shape::pointer;
  } else {
    return shape::unknown;
  }
}

template <typename Type>
consteval shape find_shape() {
  if constexpr (std::is_same_v<Type, bool>) {
    return shape::boolean;
  } else if constexpr (std::is_integral_v<Type>) {
    // With the compiler's extensions on, __int128 is one.
    return sizeof(Type) > 8 ? shape::wide_integer : shape::integer;
  } else if constexpr (std::is_floating_point_v<Type>) {
    return sizeof(Type) == 4 || sizeof(Type) == 8 ? shape::floating : shape::other_floating;
  } else if constexpr (std::is_enum_v<Type>) {
    if constexpr (sizeof(Type) > 8) return shape::wide_integer;
    // Only an enum with a type of its own takes an integer in braces; of others the size is the compiler's choice.
    return requires { Type{0}; }
    ? shape::enumeration : shape::unsized_enumeration;
  } else if constexpr (std::is_class_v<Type>) {
    return class_shape<Type>();
  } else if constexpr (std::is_array_v<Type>) {
    return shape::array;
  } else if constexpr (std::is_pointer_v<Type> || std::is_member_pointer_v<Type> || std::is_null_pointer_v<Type> ||
                       std::is_reference_v<Type>) {
    return shape::pointer;
  } else {
    return shape::unknown;
  }
}

template <typename Type>
inline constexpr shape shape_of = find_shape<Type>();
template <typename Allocator>
inline constexpr shape shape_of<std::basic_string<char, std::char_traits<char>, Allocator>> = shape::text;
template <>
inline constexpr shape shape_of<std::string_view> = shape::text;
template <typename Allocator>
inline constexpr shape shape_of<std::vector<std::byte, Allocator>> = shape::bytes;
template <typename Type>
inline constexpr shape shape_of<std::optional<Type>> = shape::optional;
template <typename Type>
inline constexpr shape shape_of<descending<Type>> = shape::descending;

// The types within a type, as a type_list.
template <typename Type>
struct alternatives_of;
template <template <typename...> typename Variant, typename... Types>
struct alternatives_of<Variant<Types...>> {
  using types = type_list<Types...>;
};

template <typename Tuple, std::size_t... Index>
auto list_elements(std::index_sequence<Index...>) -> type_list<std::tuple_element_t<Index, Tuple>...>;

template <typename Tuple>
using tuple_types = decltype(list_elements<Tuple>(std::make_index_sequence<std::tuple_size<Tuple>::value>{}));

template <typename Type>
struct array_of {
  using element = typename Type::value_type;
  static constexpr std::size_t size = std::tuple_size<Type>::value;
};
template <typename Type, std::size_t Count>
struct array_of<Type[Count]> {
  using element = Type;
  static constexpr std::size_t size = Count;
};

template <typename Type>
using time_point_representation = typename Type::duration::rep;

// The fewest bytes that a value of a type takes: what a count of elements is checked against before anything is
// allocated.
template <typename Type>
consteval std::size_t least_bytes();

template <typename... Types>
consteval std::size_t least_bytes_of(type_list<Types...>) {
  return (std::size_t{0} + ... + least_bytes<Types>());
}

template <typename Type>
consteval std::size_t least_bytes() {
  constexpr shape what = shape_of<Type>;
  if constexpr (what == shape::integer || what == shape::enumeration || what == shape::floating) {
    return sizeof(Type);
  } else if constexpr (what == shape::array) {
    return array_of<Type>::size * least_bytes<typename array_of<Type>::element>();
  } else if constexpr (what == shape::tuple) {
    return least_bytes_of(tuple_types<Type>{});
  } else if constexpr (what == shape::aggregate) {
    return least_bytes_of(field_types<Type>{});
  } else if constexpr (what == shape::duration) {
    return sizeof(typename Type::rep);
  } else if constexpr (what == shape::time_point) {
    return sizeof(time_point_representation<Type>);
  } else if constexpr (what == shape::descending) {
    return least_bytes<decltype(Type::value)>();
  } else {
    return 1;
  }
}

// Whether the bytes of a value in memory are its encoding: scalars without forbidden values, and what is made of them
// without padding, on a little-endian machine.
template <typename Type>
consteval bool memory_is_encoding();

template <typename Whole, typename... Types>
consteval bool memory_is_encoding_of(type_list<Types...>) {
  return (memory_is_encoding<Types>() && ...) && (std::size_t{0} + ... + sizeof(Types)) == sizeof(Whole);
}

template <typename Type>
consteval bool memory_is_encoding() {
  constexpr shape what = shape_of<Type>;
  if constexpr (std::endian::native != std::endian::little) {
    return false;
  } else if constexpr (what == shape::integer || what == shape::floating) {
    return true;
  } else if constexpr (what == shape::enumeration) {
    return !std::is_same_v<std::underlying_type_t<Type>, bool>;
  } else if constexpr (what == shape::array) {
    return memory_is_encoding<typename array_of<Type>::element>() &&
           sizeof(Type) == array_of<Type>::size * sizeof(typename array_of<Type>::element);
  } else if constexpr (what == shape::aggregate) {
    if constexpr (std::is_trivially_copyable_v<Type>) return memory_is_encoding_of<Type>(field_types<Type>{});
    return false;
  } else {
    return false;
  }
}

}  // namespace detail

}  // namespace strata::inline STRATA_ABI

#endif
