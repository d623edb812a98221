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

// After a key was written from `begin` on: takes it back if it cannot stand.
[[nodiscard]] inline result<void> checked_key(byte_string& out, std::size_t begin, bool written) {
  if (written && out.size() - begin <= key_bytes_max) [[likely]]
    return {};
  out.resize(begin);
  if (!written)
    return error(errc::invalid_argument, "encode key", "NaN and a valueless variant have no place in an order");
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
  return detail::checked_key(out, begin, written);
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

  // Of what looks up a key without being one: a std::string_view or a literal for std::string, a tuple with
  // std::string_view in it for one with std::string, a tuple for a struct of the same fields.
  template <typename Lookup>
  requires(!std::is_same_v<Lookup, Key> &&
           (std::is_convertible_v<const Lookup&, std::string_view>
                ? detail::shape_of<Key> == detail::shape::text
                : std::is_class_v<Lookup> && !std::is_convertible_v<const Lookup&, Key>))
      [[nodiscard]] static result<void> encode(byte_string& out, const Lookup& lookup) {
    if constexpr (std::is_convertible_v<const Lookup&, std::string_view>) {
      return append_key(out, static_cast<std::string_view>(lookup));
    } else {
      static_assert(key_fingerprint<Lookup> == fingerprint,
                    "strata: this is no key of the collection: its fields differ");
      return append_key(out, lookup);
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

  // Appends what the encodings of all keys begin with that begin with `prefix`. Errors: key_too_large.
  [[nodiscard]] static result<void> encode_prefix(byte_string& out, bytes_view prefix) requires is_text {
    const std::size_t begin = out.size();
    detail::append_ordered_text(out, prefix, detail::string_end::open);
    return detail::checked_key(out, begin, true);
  }

  // Appends what the encodings of all keys begin with whose first fields are `fields`: fewer than the key has.
  // Followed by `encode_prefix` of a string key, it is a prefix within the next field, if that is a string. Errors as
  // `append_key`.
  template <typename... Fields>
  [[nodiscard]] static result<void> encode_leading(byte_string& out, const Fields&... fields) {
    using types = decltype(key_fields());
    static_assert(sizeof...(Fields) < types::size, "strata: a leading part of a key has fewer fields than the key");
    const std::size_t begin = out.size();
    const bool written = write_leading<types>(out, std::index_sequence_for<Fields...>{}, fields...);
    return detail::checked_key(out, begin, written);
  }

 private:
  static constexpr auto key_fields() {
    if constexpr (detail::shape_of<Key> == detail::shape::aggregate) {
      return field_types<Key>{};
    } else if constexpr (detail::has_tuple_size<Key>) {
      return detail::tuple_types<Key>{};
    } else {
      static_assert(detail::has_tuple_size<Key>, "strata: only a struct, tuple, pair or array key has a leading part");
    }
  }

  template <typename Types, std::size_t... Index, typename... Fields>
  static bool write_leading(byte_string& out, std::index_sequence<Index...>, const Fields&... fields) {
    return (write_leading_field<typename decltype(detail::type_at<Index>(Types{}))::type>(out, fields) && ...);
  }

  template <typename Field, typename Given>
  static bool write_leading_field(byte_string& out, const Given& given) {
    constexpr auto end = detail::string_end::marked;
    if constexpr (detail::shape_of<Field> == detail::shape::text) {
      return detail::write_key(out, static_cast<std::string_view>(given), end);
    } else if constexpr (std::is_convertible_v<const Given&, Field>) {
      return detail::write_key(out, static_cast<Field>(given), end);
    } else {
      static_assert(key_fingerprint<Given> == key_fingerprint<Field>,
                    "strata: a leading field has another type than the key's");
      return detail::write_key(out, given, end);
    }
  }
};

}  // namespace strata::inline STRATA_ABI

#endif
