// What looks up a key without being one, by what it is to the key's type; and in one line what is wrong with the rest.
//
//   key                    looked up by
//   string                 what converts to std::string_view
//   std::vector<std::byte> std::span<const std::byte>, std::array of std::byte
//   number                 another number that the type holds: the value is checked when it is encoded
//   duration, time point   one of another unit that converts to it: checked as a number is
//   tuple, pair, struct    a tuple, pair or struct of as many fields, field by field
//   anything               what converts to it and loses nothing
//
// Nothing is cut to fit, neither here nor when it is written: a key that is stored is the one that was given.
#ifndef STRATA_CODEC_LOOKUP_HPP
#define STRATA_CODEC_LOOKUP_HPP

#include <strata/codec/shape.hpp>

namespace strata::inline STRATA_ABI::detail {

// How a look-up of one type becomes a key of another. Those from `nothing` on do not.
enum class lookup_way : unsigned char {
  same,
  converted,
  text,
  bytes,
  number,
  enumerator,  // an enum without scope, which is a number
  time,
  optional,
  value,  // for an optional key
  descending,
  fields,
  elements,
  alternatives,
  nothing,
  null,
  floating,
  boolean,
  fewer_fields,
};

template <typename Given>
concept byte_range = requires(const Given& given) {
  given.size();
  requires std::is_same_v<std::remove_cvref_t<decltype(*given.data())>, std::byte>;
};

// The types of the fields of what has fields.
template <typename Type>
constexpr auto lookup_fields() noexcept {
  if constexpr (shape_of<Type> == shape::aggregate) {
    return field_types<Type>{};
  } else {
    return tuple_types<Type>{};
  }
}
template <typename Type, std::size_t Index>
using lookup_field = typename decltype(type_at<Index>(lookup_fields<Type>()))::type;
template <typename Type>
inline constexpr bool has_fields = shape_of<Type> == shape::tuple || shape_of<Type> == shape::aggregate;
template <typename Type>
inline constexpr bool has_leading_part = has_fields<Type> || has_tuple_size<Type>;

template <typename Key, typename Given>
consteval lookup_way number_way() {
  if constexpr (std::is_enum_v<Given> && std::is_convertible_v<const Given&, Key>) {
    return lookup_way::enumerator;
  } else if constexpr (std::is_class_v<Given>) {
    return requires(const Given& given) { Key{given}; }
    ? lookup_way::converted : lookup_way::nothing;
  } else if constexpr (!std::is_arithmetic_v<Given>) {
    return lookup_way::nothing;
  } else if constexpr (std::is_same_v<Key, bool> || std::is_same_v<Given, bool>) {
    return lookup_way::boolean;
  } else if constexpr (std::is_integral_v<Key> && std::is_floating_point_v<Given>) {
    return lookup_way::floating;
  } else {
    return lookup_way::number;
  }
}

template <typename Key, typename Given>
consteval lookup_way fields_way() {
  if constexpr (lookup_fields<Key>().size != lookup_fields<Given>().size) {
    return lookup_way::fewer_fields;
  } else {
    return lookup_way::fields;
  }
}

// Of types that differ.
template <typename Key, typename Given>
consteval lookup_way class_lookup_way() {
  constexpr shape what = shape_of<Key>;
  constexpr shape given = shape_of<Given>;
  constexpr bool converts = std::is_convertible_v<const Given&, Key>;
  if constexpr (what == shape::optional && given == shape::optional) {
    return lookup_way::optional;
  } else if constexpr (what == shape::optional && !(std::is_class_v<Given> && converts)) {
    return lookup_way::value;
  } else if constexpr (what == shape::descending && given == shape::descending) {
    return lookup_way::descending;
  } else if constexpr ((what == shape::duration || what == shape::time_point) && given == what && converts) {
    return lookup_way::time;
  } else if constexpr (has_fields<Key> && given == shape::tuple) {
    return fields_way<Key, Given>();
  } else if constexpr (converts) {
    return lookup_way::converted;
  } else if constexpr (has_fields<Key> && given == shape::aggregate) {
    return fields_way<Key, Given>();
  } else if constexpr (what == shape::array && given == shape::array && std::is_class_v<Given>) {
    return array_of<Key>::size == array_of<Given>::size ? lookup_way::elements : lookup_way::fewer_fields;
  } else if constexpr (what == shape::variant && given == shape::variant) {
    return lookup_way::alternatives;
  } else {
    return lookup_way::nothing;
  }
}

template <typename Key, typename Given>
consteval lookup_way find_lookup_way() {
  if constexpr (std::is_same_v<Key, Given>) {
    return lookup_way::same;
  } else if constexpr (std::is_null_pointer_v<Given>) {
    return lookup_way::null;
  } else if constexpr (shape_of<Key> == shape::text && std::is_convertible_v<const Given&, std::string_view>) {
    return lookup_way::text;
  } else if constexpr (shape_of<Key> == shape::bytes && byte_range<Given>) {
    return lookup_way::bytes;
  } else if constexpr (std::is_arithmetic_v<Key>) {
    return number_way<Key, Given>();
  } else {
    return class_lookup_way<Key, Given>();
  }
}

// The first thing wrong with a look-up, or `same`.
template <typename Key, typename Given>
consteval lookup_way find_lookup_problem();

template <typename... Keys, typename... Given>
consteval lookup_way find_lookup_problem_in(type_list<Keys...>, type_list<Given...>) {
  lookup_way found = lookup_way::same;
  static_cast<void>(
      ((found = find_lookup_problem<Keys, std::remove_cvref_t<Given>>(), found != lookup_way::same) || ...));
  return found;
}

template <typename Key, typename Given>
consteval lookup_way find_lookup_problem() {
  constexpr lookup_way way = find_lookup_way<Key, Given>();
  if constexpr (way >= lookup_way::nothing) {
    return way;
  } else if constexpr (way == lookup_way::enumerator) {
    return find_lookup_problem<Key, std::underlying_type_t<Given>>();
  } else if constexpr (way == lookup_way::optional) {
    return find_lookup_problem<typename Key::value_type, typename Given::value_type>();
  } else if constexpr (way == lookup_way::value) {
    return find_lookup_problem<typename Key::value_type, Given>();
  } else if constexpr (way == lookup_way::descending) {
    return find_lookup_problem<decltype(Key::value), decltype(Given::value)>();
  } else if constexpr (way == lookup_way::fields) {
    return find_lookup_problem_in(lookup_fields<Key>(), lookup_fields<Given>());
  } else if constexpr (way == lookup_way::elements) {
    return find_lookup_problem<typename array_of<Key>::element, typename array_of<Given>::element>();
  } else if constexpr (way == lookup_way::alternatives) {
    using keys = typename alternatives_of<Key>::types;
    using given = typename alternatives_of<Given>::types;
    if constexpr (keys::size != given::size) return lookup_way::nothing;
    else return find_lookup_problem_in(keys{}, given{});
  } else {
    return lookup_way::same;
  }
}

template <lookup_way Found>
consteval bool report_lookup() {
  static_assert(Found != lookup_way::null, "strata: this cannot be a key of the collection: nullptr is no key");
  static_assert(Found != lookup_way::floating,
                "strata: this cannot be a key of the collection: a floating-point number is given for an integer");
  static_assert(Found != lookup_way::boolean,
                "strata: this cannot be a key of the collection: of a bool and a number, neither is the other");
  static_assert(Found != lookup_way::fewer_fields,
                "strata: this cannot be a key of the collection: the key has another number of fields");
  static_assert(Found != lookup_way::nothing,
                "strata: this cannot be a key of the collection: it, or a field of it, has another type than the key's");
  return Found < lookup_way::nothing;
}

// Whether the number is one of the other type, and exactly that one. Neither is bool; no floating-point number is asked
// to be an integer.
template <typename Key, typename Given>
[[nodiscard]] constexpr bool holds_number(Given given) noexcept {
  if constexpr (std::is_integral_v<Key>) {
    const Key key = static_cast<Key>(given);
    return static_cast<Given>(key) == given && (key < Key{1}) == (given < Given{1});
  } else if constexpr (std::is_integral_v<Given>) {
    using bits = std::make_unsigned_t<Given>;
    const bits size = given < Given{1} ? static_cast<bits>(bits{0} - static_cast<bits>(given)) : static_cast<bits>(given);
    return size == 0 || static_cast<int>(std::bit_width(size)) - std::countr_zero(size) <= std::numeric_limits<Key>::digits;
  } else if constexpr (std::numeric_limits<Given>::digits <= std::numeric_limits<Key>::digits) {
    return true;
  } else {
    constexpr Given most = static_cast<Given>((std::numeric_limits<Key>::max)());
    const bool finite = given - given == given - given;  // neither an infinity nor NaN: those are in every type
    return !finite || (given >= -most && given <= most && static_cast<Given>(static_cast<Key>(given)) == given);
  }
}

// Both positive.
[[nodiscard]] constexpr std::uint64_t common_divisor(std::uint64_t a, std::uint64_t b) noexcept {
  while (b != 0) a = std::exchange(b, a % b);
  return a;
}

// A duration: itself, or of a time point.
template <typename Time>
constexpr auto duration_of(const Time& time) noexcept {
  if constexpr (shape_of<Time> == shape::time_point) return time.time_since_epoch();
  else return time;
}

// Whether a duration or time point is one of the other unit and representation, which it converts to. Whole counts are
// compared before anything is multiplied: a conversion that overflows cannot be asked afterwards.
template <typename Key, typename Given>
[[nodiscard]] constexpr bool holds_time(const Given& given) noexcept {
  using key_duration = decltype(duration_of(std::declval<const Key&>()));
  using given_duration = decltype(duration_of(given));
  using count = typename key_duration::rep;
  if constexpr (std::is_integral_v<count> && std::is_integral_v<typename given_duration::rep>) {
    // What converts without a loss is of the same unit or a coarser one: the periods are fractions in lowest terms, and
    // one divides the other.
    constexpr auto part = [](std::intmax_t number, std::intmax_t by) {
      const auto whole = static_cast<std::uint64_t>(number);
      return whole / common_divisor(whole, static_cast<std::uint64_t>(by));
    };
    constexpr std::uint64_t times = part(given_duration::period::num, key_duration::period::num) *
                                    part(key_duration::period::den, given_duration::period::den);
    constexpr count most = (std::numeric_limits<count>::max)();
    constexpr count least = (std::numeric_limits<count>::min)();
    constexpr bool any_fits = times <= static_cast<std::uint64_t>(most);
    constexpr count unit = any_fits ? static_cast<count>(times) : count{1};
    const auto whole = duration_of(given).count();
    if (!holds_number<count>(whole)) return false;
    const count same = static_cast<count>(whole);
    return any_fits ? same >= least / unit && same <= most / unit : same == 0;
  } else {
    const Key key = given;
    return key == given && (key < Key{}) == (given < Given{});
  }
}

}  // namespace strata::inline STRATA_ABI::detail

#endif
