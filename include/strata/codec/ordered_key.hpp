// Keys: C++ values to bytes whose unsigned order is the order of the values, and back.
//
// Thread safety: pure functions.
//
// Invariants:
// 1. encode(a) < encode(b), as unsigned bytes, exactly when a < b; equal exactly when a == b (−0 and +0 are one key).
// 2. Every key has one encoding; decoding accepts no other, reads nothing past its input and uses all of it.
// 3. The encoding of a key's leading fields, as `encode_leading` writes it, begins the encoding of every key with these
//    fields and of no other.
//
//   bool 00 | 01 · enum as its underlying type · optional 00 | 01 value · variant one byte of index, then the value
//   tuple, pair, array, aggregate: the fields in order · descending: every byte complemented, its strings end-marked
//   duration, time_point: their representation · a codec's own: its bytes as a string · scalars, strings: see
//   ordered_bytes.hpp
//
// Frozen: on disk. A string is end-marked unless it is the last field of the whole key, however deep it stands.
#ifndef STRATA_CODEC_ORDERED_KEY_HPP
#define STRATA_CODEC_ORDERED_KEY_HPP

#include <strata/codec/storable.hpp>
// In this order: see storable.hpp.
#include <strata/codec/lookup.hpp>

#include <strata/codec/fingerprint.hpp>
#include <strata/codec/ordered_bytes.hpp>
#include <strata/codec/type_kind.hpp>
#include <strata/core/entry.hpp>
#include <strata/core/result.hpp>

namespace strata::inline STRATA_ABI {

namespace detail {

template <typename Bytes>
[[nodiscard]] bytes_view view_of_bytes(const Bytes& bytes) noexcept {
  return {static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()};
}

template <typename Type>
inline constexpr bool is_plain_byte = std::is_integral_v<Type>&& std::is_unsigned_v<Type> && sizeof(Type) == 1 &&
                                      !std::is_same_v<Type, bool>;

template <typename Type>
[[nodiscard]] bool write_key(byte_string& out, const Type& key, string_end end);

// Writes fields; only the last of them can be the key's last.
struct key_field_writer {
  byte_string& out;
  string_end end;

  template <typename... Fields>
  bool operator()(const Fields&... fields) const {
    [[maybe_unused]] std::size_t left = sizeof...(Fields);
    return (write_key(out, fields, --left == 0 ? end : string_end::marked) && ...);
  }
};

template <typename Tuple, std::size_t... Index>
bool write_key_tuple(byte_string& out, const Tuple& key, string_end end, std::index_sequence<Index...>) {
  return key_field_writer{out, end}(get<Index>(key)...);
}

template <typename Array>
bool write_key_array(byte_string& out, const Array& key, string_end end) {
  using element = typename array_of<Array>::element;
  constexpr std::size_t size = array_of<Array>::size;
  if constexpr (is_plain_byte<element> && size != 0) {
    out.append(static_cast<const char*>(static_cast<const void*>(&key[0])), size);
  } else {
    for (std::size_t i = 0; i < size; ++i)
      if (!write_key(out, key[i], i + 1 == size ? end : string_end::marked)) return false;
  }
  return true;
}

template <typename Variant, std::size_t... Index>
bool write_key_variant(byte_string& out, const Variant& key, string_end end, std::index_sequence<Index...>) {
  static_assert(sizeof...(Index) <= 255, "strata: a variant in a key has at most 255 alternatives");
  if (key.valueless_by_exception()) return false;
  out.push_back(static_cast<char>(key.index()));
  bool written = false;
  static_cast<void>(((key.index() == Index && (written = write_key(out, *get_if<Index>(&key), end), true)) || ...));
  return written;
}

// False if the key, or a part of it, has no place in the order.
template <typename Type>
bool write_key(byte_string& out, const Type& key, string_end end) {
  constexpr shape what = shape_of<Type>;
  if constexpr (what == shape::boolean) {
    return out.push_back(key ? '\1' : '\0'), true;
  } else if constexpr (what == shape::integer) {
    return append_ordered_integer(out, key), true;
  } else if constexpr (what == shape::enumeration) {
    return write_key(out, static_cast<std::underlying_type_t<Type>>(key), end);
  } else if constexpr (what == shape::floating) {
    return append_ordered_float(out, key);
  } else if constexpr (what == shape::text || what == shape::bytes) {
    return append_ordered_text(out, view_of_bytes(key), end), true;
  } else if constexpr (what == shape::optional) {
    out.push_back(key.has_value() ? '\1' : '\0');
    return !key.has_value() || write_key(out, *key, end);
  } else if constexpr (what == shape::array) {
    return write_key_array(out, key, end);
  } else if constexpr (what == shape::tuple) {
    return write_key_tuple(out, key, end, std::make_index_sequence<std::tuple_size<Type>::value>{});
  } else if constexpr (what == shape::variant) {
    return write_key_variant(out, key, end, std::make_index_sequence<alternatives_of<Type>::types::size>{});
  } else if constexpr (what == shape::aggregate) {
    return visit_fields(key, key_field_writer{out, end});
  } else if constexpr (what == shape::duration) {
    return write_key(out, key.count(), end);
  } else if constexpr (what == shape::time_point) {
    return write_key(out, key.time_since_epoch().count(), end);
  } else if constexpr (what == shape::descending) {
    const std::size_t begin = out.size();
    const bool written = write_key(out, key.value, string_end::marked);
    complement(out, begin);
    return written;
  } else {
    byte_string own;
    codec<Type>::encode_key(own, key);
    return append_ordered_text(out, own, end), true;
  }
}

template <typename Type>
void read_key(ordered_reader& in, Type& into, string_end end);

struct key_field_reader {
  ordered_reader& in;
  string_end end;

  template <typename... Fields>
  void operator()(Fields&... fields) const {
    [[maybe_unused]] std::size_t left = sizeof...(Fields);
    (read_key(in, fields, --left == 0 ? end : string_end::marked), ...);
  }
};

template <typename Tuple, std::size_t... Index>
void read_key_tuple(ordered_reader& in, Tuple& into, string_end end, std::index_sequence<Index...>) {
  key_field_reader{in, end}(get<Index>(into)...);
}

template <typename Array>
void read_key_array(ordered_reader& in, Array& into, string_end end) {
  constexpr std::size_t size = array_of<Array>::size;
  if constexpr (is_plain_byte<typename array_of<Array>::element> && size != 0) {
    in.copy(static_cast<char*>(static_cast<void*>(&into[0])), size);
  } else {
    for (std::size_t i = 0; i < size && in.ok(); ++i) read_key(in, into[i], i + 1 == size ? end : string_end::marked);
  }
}

template <typename Variant, std::size_t... Index>
void read_key_variant(ordered_reader& in, Variant& into, string_end end, std::index_sequence<Index...>) {
  const unsigned char index = in.byte_up_to(sizeof...(Index) - 1);
  if (!in.ok()) return;
  static_cast<void>(((index == Index && (read_key(in, into.template emplace<Index>(), end), true)) || ...));
}

template <typename Type>
void read_key(ordered_reader& in, Type& into, string_end end) {
  constexpr shape what = shape_of<Type>;
  if constexpr (what == shape::boolean) {
    into = in.byte_up_to(1) != 0;
  } else if constexpr (what == shape::integer) {
    into = in.integer<Type>();
  } else if constexpr (what == shape::enumeration) {
    std::underlying_type_t<Type> number{};
    read_key(in, number, end);
    into = static_cast<Type>(number);
  } else if constexpr (what == shape::floating) {
    into = in.floating<Type>();
  } else if constexpr (std::is_same_v<Type, byte_string>) {
    in.text(into, end);
  } else if constexpr (what == shape::text || what == shape::bytes) {
    byte_string text;
    in.text(text, end);
    into.resize(text.size());
    if (!text.empty()) std::memcpy(into.data(), text.data(), text.size());
  } else if constexpr (what == shape::optional) {
    if (in.byte_up_to(1) == 0) return into.reset();
    read_key(in, into.has_value() ? *into : into.emplace(), end);
  } else if constexpr (what == shape::array) {
    read_key_array(in, into, end);
  } else if constexpr (what == shape::tuple) {
    read_key_tuple(in, into, end, std::make_index_sequence<std::tuple_size<Type>::value>{});
  } else if constexpr (what == shape::variant) {
    read_key_variant(in, into, end, std::make_index_sequence<alternatives_of<Type>::types::size>{});
  } else if constexpr (what == shape::aggregate) {
    visit_fields(into, key_field_reader{in, end});
  } else if constexpr (what == shape::duration) {
    typename Type::rep count{};
    read_key(in, count, end);
    into = Type(count);
  } else if constexpr (what == shape::time_point) {
    time_point_representation<Type> count{};
    read_key(in, count, end);
    into = Type(typename Type::duration(count));
  } else if constexpr (what == shape::descending) {
    in.turn();
    read_key(in, into.value, string_end::marked);
    in.turn();
  } else {
    byte_string own;
    in.text(own, end);
    if (in.ok() && !codec<Type>::decode_key(own, into)) in.fail();
  }
}

template <typename Type>
constexpr void hash_key_type(fingerprint_hash& hash);

template <typename... Types>
constexpr void hash_key_types(fingerprint_hash& hash, type_kind kind, type_list<Types...>) {
  hash.byte(static_cast<unsigned char>(kind));
  hash.varint(sizeof...(Types));
  (hash_key_type<Types>(hash), ...);
}

template <typename Period, typename Representation>
constexpr void hash_key_time(fingerprint_hash& hash, type_kind kind) {
  hash.byte(static_cast<unsigned char>(kind));
  hash.varint(static_cast<std::uint64_t>(Period::num));
  hash.varint(static_cast<std::uint64_t>(Period::den));
  hash_key_type<Representation>(hash);
}

template <typename Inner>
constexpr void hash_key_around(fingerprint_hash& hash, type_kind kind) {
  hash.byte(static_cast<unsigned char>(kind));
  hash_key_type<Inner>(hash);
}

template <typename Type>
constexpr void hash_key_type(fingerprint_hash& hash) {
  constexpr shape what = shape_of<Type>;
  if constexpr (what == shape::text) {
    hash.byte(static_cast<unsigned char>(type_kind::text));
  } else if constexpr (what == shape::bytes) {
    hash.byte(static_cast<unsigned char>(type_kind::bytes));
  } else if constexpr (what == shape::optional) {
    hash_key_around<typename Type::value_type>(hash, type_kind::optional);
  } else if constexpr (what == shape::array) {
    hash.byte(static_cast<unsigned char>(type_kind::array));
    hash.varint(array_of<Type>::size);
    hash_key_type<typename array_of<Type>::element>(hash);
  } else if constexpr (what == shape::tuple) {
    hash_key_types(hash, type_kind::tuple, tuple_types<Type>{});
  } else if constexpr (what == shape::variant) {
    hash_key_types(hash, type_kind::variant, typename alternatives_of<Type>::types{});
  } else if constexpr (what == shape::aggregate) {
    hash_key_types(hash, type_kind::tuple, field_types<Type>{});
  } else if constexpr (what == shape::duration) {
    hash_key_time<typename Type::period, typename Type::rep>(hash, type_kind::duration);
  } else if constexpr (what == shape::time_point) {
    hash_key_time<typename Type::duration::period, typename Type::duration::rep>(hash, type_kind::time_point);
  } else if constexpr (what == shape::descending) {
    hash_key_around<decltype(Type::value)>(hash, type_kind::descending);
  } else if constexpr (what == shape::custom) {
    hash.byte(static_cast<unsigned char>(type_kind::custom));
    hash.varint(codec<Type>::name.size());
    hash.bytes(codec<Type>::name);
  } else {
    hash.byte(static_cast<unsigned char>(scalar_kind<Type>()));
  }
}

template <typename Type>
consteval std::uint64_t find_key_fingerprint() {
  fingerprint_hash hash;
  hash_key_type<Type>(hash);
  return hash.value();
}

[[nodiscard]] inline error not_a_key() noexcept {
  return error(errc::decode_failed, "decode key", "the bytes are no key of this type");
}

enum class key_outcome : unsigned char { written, without_order, out_of_range, inexact };

// Writes what looks up a `Key`, as that key; see lookup.hpp. Requires: nothing is wrong with it.
template <typename Key, typename Given>
[[nodiscard]] key_outcome write_lookup(byte_string& out, const Given& given, string_end end);

template <typename... Keys>
struct lookup_field_writer {
  byte_string& out;
  string_end end;

  template <typename... Given>
  key_outcome operator()(const Given&... given) const {
    [[maybe_unused]] std::size_t left = sizeof...(Given);
    key_outcome outcome = key_outcome::written;
    static_cast<void>(((outcome = write_lookup<Keys>(out, given, --left == 0 ? end : string_end::marked),
                        outcome == key_outcome::written) &&
                       ...));
    return outcome;
  }
};

template <typename Given, typename... Keys>
key_outcome write_lookup_fields(byte_string& out, const Given& given, string_end end, type_list<Keys...>) {
  const lookup_field_writer<Keys...> writer{out, end};
  if constexpr (shape_of<Given> == shape::aggregate) {
    return visit_fields(given, writer);
  } else {
    return [&]<std::size_t... Index>(std::index_sequence<Index...>) {
      return writer(get<Index>(given)...);
    }
    (std::index_sequence_for<Keys...>{});
  }
}

template <typename Key, typename Given>
key_outcome write_lookup_elements(byte_string& out, const Given& given, string_end end) {
  constexpr std::size_t size = array_of<Key>::size;
  key_outcome outcome = key_outcome::written;
  for (std::size_t i = 0; i < size && outcome == key_outcome::written; ++i)
    outcome = write_lookup<typename array_of<Key>::element>(out, given[i], i + 1 == size ? end : string_end::marked);
  return outcome;
}

template <typename Given, std::size_t... Index, typename... Keys>
key_outcome write_lookup_alternative(byte_string& out, const Given& given, string_end end,
                                     std::index_sequence<Index...>, type_list<Keys...>) {
  key_outcome outcome = key_outcome::without_order;
  if (given.valueless_by_exception()) return outcome;
  out.push_back(static_cast<char>(given.index()));
  static_cast<void>(((given.index() == Index &&
                      (outcome = write_lookup<Keys>(out, *get_if<Index>(&given), end), true)) ||
                     ...));
  return outcome;
}

// A duration or time point of another unit or representation.
template <typename Key, typename Given>
key_outcome write_lookup_time(byte_string& out, const Given& given, string_end end) {
  if (!holds_time<Key>(given)) return key_outcome::out_of_range;
  return write_key(out, Key(given), end) ? key_outcome::written : key_outcome::without_order;
}

template <typename Key, typename Given>
key_outcome write_lookup(byte_string& out, const Given& given, string_end end) {
  constexpr lookup_way way = find_lookup_way<Key, Given>();
  const auto outcome_of = [](bool written) { return written ? key_outcome::written : key_outcome::without_order; };
  if constexpr (way == lookup_way::same) {
    return outcome_of(write_key(out, given, end));
  } else if constexpr (way == lookup_way::text) {
    return outcome_of(write_key(out, static_cast<std::string_view>(given), end));
  } else if constexpr (way == lookup_way::bytes) {
    return append_ordered_text(out, view_of_bytes(given), end), key_outcome::written;
  } else if constexpr (way == lookup_way::number) {
    if (!holds_number<Key>(given)) [[unlikely]]
      return std::is_integral_v<Key> ? key_outcome::out_of_range : key_outcome::inexact;
    return outcome_of(write_key(out, static_cast<Key>(given), end));
  } else if constexpr (way == lookup_way::enumerator) {
    return write_lookup<Key>(out, static_cast<std::underlying_type_t<Given>>(given), end);
  } else if constexpr (way == lookup_way::time) {
    return write_lookup_time<Key>(out, given, end);
  } else if constexpr (way == lookup_way::optional) {
    out.push_back(given.has_value() ? '\1' : '\0');
    return given.has_value() ? write_lookup<typename Key::value_type>(out, *given, end) : key_outcome::written;
  } else if constexpr (way == lookup_way::value) {
    out.push_back('\1');
    return write_lookup<typename Key::value_type>(out, given, end);
  } else if constexpr (way == lookup_way::descending) {
    const std::size_t begin = out.size();
    const key_outcome outcome = write_lookup<decltype(Key::value)>(out, given.value, string_end::marked);
    complement(out, begin);
    return outcome;
  } else if constexpr (way == lookup_way::fields) {
    return write_lookup_fields(out, given, end, lookup_fields<Key>());
  } else if constexpr (way == lookup_way::elements) {
    return write_lookup_elements<Key>(out, given, end);
  } else if constexpr (way == lookup_way::alternatives) {
    using types = typename alternatives_of<Key>::types;
    return write_lookup_alternative(out, given, end, std::make_index_sequence<types::size>{}, types{});
  } else {
    static_assert(way == lookup_way::converted);
    return outcome_of(write_key(out, static_cast<Key>(given), end));
  }
}

// After a key was written from `begin` on: takes it back if it cannot stand.
[[nodiscard]] inline result<void> checked_key(byte_string& out, std::size_t begin, key_outcome outcome) {
  if (outcome == key_outcome::written && out.size() - begin <= key_bytes_max) [[likely]]
    return {};
  out.resize(begin);
  if (outcome == key_outcome::without_order)
    return error(errc::invalid_argument, "encode key", "NaN and a valueless variant have no place in an order");
  if (outcome == key_outcome::out_of_range)
    return error(errc::invalid_argument, "encode key", "the number is out of the range of the key's type");
  if (outcome == key_outcome::inexact)
    return error(errc::invalid_argument, "encode key", "the key's floating-point type does not hold the number exactly");
  return error(errc::key_too_large, "encode key", "over 65,535 bytes");
}

}  // namespace detail

// What tells two encodings of keys apart, as a constant: the types of the fields in their order, not their names. A
// struct and a tuple of the same fields are one encoding and have one fingerprint. Frozen: stored in the catalogue.
template <typename Key>
inline constexpr std::uint64_t key_fingerprint = detail::find_key_fingerprint<Key>();

// Appends the encoding of `key`, a whole key. Errors: invalid_argument (a NaN, a valueless variant), key_too_large;
// `out` is then as it was. Cost: no allocation but the growth of `out`. Takes std::string_view where the key has a
// std::string.
template <typename Key>
[[nodiscard]] result<void> append_key(byte_string& out, const Key& key) {
  const std::size_t begin = out.size();
  const bool written = detail::write_key(out, key, detail::string_end::open);
  return detail::checked_key(out, begin,
                             written ? detail::key_outcome::written : detail::key_outcome::without_order);
}

// The encoding of one type of key: what a collection uses. Rejects a type that cannot be a key with one line.
template <typename Key>
struct key_codec {
  static_assert(check_key_type<Key>());

  static constexpr std::uint64_t fingerprint = key_fingerprint<Key>;
  // Strings and byte vectors: prefixes of a key are keys' prefixes too, and a key can be read without a copy.
  static constexpr bool is_text =
      detail::shape_of<Key> == detail::shape::text || detail::shape_of<Key> == detail::shape::bytes;

  // Appends the encoding of `key`. Errors and cost as `append_key`.
  [[nodiscard]] static result<void> encode(byte_string& out, const Key& key) { return append_key(out, key); }

  // Of what looks up a key without being one, see lookup.hpp: a std::string_view or a literal for std::string, another
  // number, a tuple for a struct of as many fields. Errors: invalid_argument too where a number is none of the key's
  // type; nothing is cut to fit. What cannot be a key is refused with one line.
  template <typename Lookup>
  requires(!std::is_same_v<Lookup, Key>) [[nodiscard]] static result<void> encode(byte_string& out,
                                                                                  const Lookup& lookup) {
    if constexpr (detail::report_lookup<detail::find_lookup_problem<Key, Lookup>()>()) {
      const std::size_t begin = out.size();
      return detail::checked_key(out, begin, detail::write_lookup<Key>(out, lookup, detail::string_end::open));
    } else {
      return {};
    }
  }

  // Reads a key. Errors: decode_failed. `decode_into` uses the memory of `into` again and leaves some value there
  // when it fails.
  [[nodiscard]] static result<void> decode_into(bytes_view encoded, Key& into) {
    detail::ordered_reader in(encoded);
    detail::read_key(in, into, detail::string_end::open);
    if (!in.complete()) [[unlikely]]
      return detail::not_a_key();
    return {};
  }
  [[nodiscard]] static result<Key> decode(bytes_view encoded) {
    Key key{};
    STRATA_TRY(decode_into(encoded, key));
    return key;
  }

  // The bytes of a string key: a view of `encoded` itself, or of `scratch` where the key has a zero byte in it. Valid
  // as long as both. Errors: decode_failed.
  [[nodiscard]] static result<bytes_view> decode_view(bytes_view encoded, byte_string& scratch) requires is_text {
    if (encoded.empty() || std::memchr(encoded.data(), 0, encoded.size()) == nullptr) [[likely]]
      return encoded;
    detail::ordered_reader in(encoded);
    in.text(scratch, detail::string_end::open);
    if (!in.complete()) return detail::not_a_key();
    return bytes_view(scratch);
  }

  // Appends what the encodings of all keys begin with that begin with `prefix`: a string, or bytes for a key of bytes.
  // Errors: key_too_large.
  template <typename Prefix = bytes_view>
  [[nodiscard]] static result<void> encode_prefix(byte_string& out, const Prefix& prefix) requires is_text {
    const std::size_t begin = out.size();
    if constexpr (std::is_convertible_v<const Prefix&, bytes_view> && !std::is_null_pointer_v<Prefix>) {
      detail::append_ordered_text(out, static_cast<bytes_view>(prefix), detail::string_end::open);
    } else if constexpr (detail::shape_of<Key> == detail::shape::bytes && detail::byte_range<Prefix>) {
      detail::append_ordered_text(out, detail::view_of_bytes(prefix), detail::string_end::open);
    } else {
      static_assert(sizeof(Prefix) == 0, "strata: a string key has prefixes that are strings: this is none");
    }
    return detail::checked_key(out, begin, detail::key_outcome::written);
  }

  // Appends what the encodings of all keys begin with whose first fields are `fields`: fewer than the key has.
  // Followed by `encode_prefix` of a string key, it is a prefix within the next field, if that is a string. Takes and
  // refuses fields as `encode` does. Errors as `encode`.
  template <typename... Fields>
  [[nodiscard]] static result<void> encode_leading(byte_string& out, const Fields&... fields) {
    if constexpr (!detail::has_leading_part<Key>) {
      static_assert(detail::has_leading_part<Key>,
                    "strata: only a struct, tuple, pair or array key has a leading part");
    } else if constexpr (sizeof...(Fields) >= decltype(detail::lookup_fields<Key>())::size) {
      static_assert(sizeof...(Fields) < decltype(detail::lookup_fields<Key>())::size,
                    "strata: a leading part of a key has fewer fields than the key");
    } else if constexpr (detail::report_lookup<leading_problem<Fields...>(std::index_sequence_for<Fields...>{})>()) {
      const std::size_t begin = out.size();
      return detail::checked_key(out, begin, write_leading(out, std::index_sequence_for<Fields...>{}, fields...));
    }
    return {};
  }

 private:
  template <typename... Fields, std::size_t... Index>
  static consteval detail::lookup_way leading_problem(std::index_sequence<Index...>) {
    return detail::find_lookup_problem_in(type_list<detail::lookup_field<Key, Index>...>{}, type_list<Fields...>{});
  }

  template <std::size_t... Index, typename... Fields>
  static detail::key_outcome write_leading(byte_string& out, std::index_sequence<Index...>, const Fields&... fields) {
    detail::key_outcome outcome = detail::key_outcome::written;
    static_cast<void>(((outcome = detail::write_lookup<detail::lookup_field<Key, Index>>(out, fields, detail::string_end::marked),
                        outcome == detail::key_outcome::written) &&
                       ...));
    return outcome;
  }
};

}  // namespace strata::inline STRATA_ABI

#endif
