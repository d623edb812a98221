// The description of a type as bytes: what the catalogue stores once for each shape a collection's values had.
//
// A description is canonical: types with equal descriptions have equal encodings, field for field. It names the
// fields and says their wire types; the names of types are not in it. Bytes: type_kind.hpp, one kind after the other,
// from outside in.
//
//   struct user { std::string name; int age; };      21 02  04 'n' 'a' 'm' 'e' 12  03 'a' 'g' 'e' 8     (in decimal)
//
// Thread safety: pure functions of types.
//
// How a struct tells of its past (all optional, beside the struct, in its namespace):
//
//   constexpr auto strata_aliases(const user*) {                     // user::full_name was called name once
//     return std::array{strata::renamed{"full_name", "name"}};
//   }
//   struct user { using strata_upgrades_from = user_v1; … };         // what was stored as a user_v1 …
//   user upgrade(const user_v1& old);                                // … becomes a user so
#ifndef STRATA_CODEC_SCHEMA_HPP
#define STRATA_CODEC_SCHEMA_HPP

#include <strata/codec/storable.hpp>
// In this order: see storable.hpp.
#include <strata/codec/fingerprint.hpp>
#include <strata/codec/payload.hpp>
#include <strata/core/dynamic_array.hpp>
#include <strata/core/error.hpp>

namespace strata::inline STRATA_ABI {

// A field that had another name: `field` today, `before` in values stored then. A struct may list several for one
// field. `before` must not be the name of another field, today or in any stored values: where a stored struct has fields
// of both names, or of two former ones, nothing says which is meant, and opening the collection is a schema_mismatch.
struct renamed {
  std::string_view field;
  std::string_view before;
};

namespace detail {

// Old bytes to new ones; false where the old ones are no value.
using upgrade_function = bool (*)(bytes_view older, byte_string& newer);

// Takes a type's description: hashes it, and appends it to a string if there is one. With a list of upgrades it asks
// for the evolving form, which also says what a value's past needs (evolution.hpp reads it; never stored).
class type_sink {
 public:
  constexpr type_sink() noexcept = default;
  constexpr explicit type_sink(byte_string* out, dynamic_array<upgrade_function>* upgrades = nullptr) noexcept
      : out_(out), upgrades_(upgrades) {}

  constexpr void kind(type_kind value) {
    hash_.byte(static_cast<unsigned char>(value));
    if (out_ != nullptr) append_kind(value);
  }
  constexpr void number(std::uint64_t value) {
    hash_.varint(value);
    if (out_ != nullptr) append_varint(*out_, value);
  }
  constexpr void name(std::string_view value) {
    number(value.size());
    hash_.bytes(value);
    if (out_ != nullptr) append_name(value);
  }
  [[nodiscard]] constexpr std::uint64_t fingerprint() const noexcept { return hash_.value(); }

  // Only in the evolving form.
  [[nodiscard]] constexpr bool evolving() const noexcept { return upgrades_ != nullptr; }
  void former_names(std::string_view field, const renamed* list, std::size_t count) {
    std::size_t mine = 0;
    for (std::size_t i = 0; i < count; ++i) mine += list[i].field == field ? 1U : 0U;
    number(mine);
    for (std::size_t i = 0; i < count; ++i)
      if (list[i].field == field) name(list[i].before);
  }
  // 0, or 1 + the number of the upgrade that leads here.
  void upgrade(upgrade_function function) {
    if (function == nullptr) return number(0);
    upgrades_->push_back(function);
    number(upgrades_->size());
  }

 private:
  void append_kind(type_kind value) { out_->push_back(static_cast<char>(value)); }
  void append_name(std::string_view value) { out_->append(value); }

  fingerprint_hash hash_;
  byte_string* out_ = nullptr;
  dynamic_array<upgrade_function>* upgrades_ = nullptr;
};

// The structures around the type that is being described, so that one that contains itself is named and not unrolled.
struct enclosing_type {
  const enclosing_type* outer;
  const void* identity;
};

template <typename Type>
inline constexpr char type_identity = 0;

using describe_function = void (*)(type_sink&, const enclosing_type*);

template <typename Type>
constexpr void describe_type(type_sink& sink, const enclosing_type* outer);

template <typename Type>
concept has_predecessor = requires {
  typename Type::strata_upgrades_from;
};
template <typename Type>
concept has_aliases = requires {
  strata_aliases(static_cast<const Type*>(nullptr));
};

// What the evolving form says of a struct, as functions and data that code without templates can walk over.
struct structure_past {
  void (*write_defaults)(value_writer&);
  const renamed* aliases;
  std::size_t alias_count;
  upgrade_function upgrade;  // null: no predecessor
  describe_function predecessor;
};

template <typename Type>
[[gnu::cold]] void write_defaults(value_writer& out) {
  write_value(out, Type{});
}

template <typename Type>
inline constexpr auto aliases_of = [] {
  if constexpr (has_aliases<Type>) {
    return strata_aliases(static_cast<const Type*>(nullptr));
  } else {
    return std::string_view();
  }
}();

template <typename Type>
[[gnu::cold]] bool upgrade_payload(bytes_view older, byte_string& newer) {
  typename Type::strata_upgrades_from before{};
  value_reader in(older);
  read_value(in, before);
  if (!in.complete()) return false;
  const Type after = upgrade(std::as_const(before));
  value_writer writer(newer);
  write_value(writer, after);
  return writer.finish();
}

template <typename Type>
consteval structure_past past_of() {
  structure_past past{&write_defaults<Type>, nullptr, 0, nullptr, nullptr};
  if constexpr (has_aliases<Type>) {
    past.aliases = aliases_of<Type>.data();
    past.alias_count = aliases_of<Type>.size();
  }
  if constexpr (has_predecessor<Type>) {
    using before = typename Type::strata_upgrades_from;
    static_assert(std::is_aggregate_v<before> && check_value_type<before>());
    static_assert(
        requires(const before& older) { static_cast<Type>(upgrade(older)); },
        "strata: a struct with strata_upgrades_from needs `upgrade(const old&) -> new` beside it");
    past.upgrade = &upgrade_payload<Type>;
    past.predecessor = &describe_type<before>;
  }
  return past;
}

// All that a description needs of a struct.
struct structure_face {
  const void* identity;
  std::string_view spelled_fields;
  const describe_function* fields;
  std::size_t count;
  describe_function whole;
  structure_past past;
};

template <typename Type, typename... Fields>
consteval auto field_describers(type_list<Fields...>) {
  struct {
    describe_function of[sizeof...(Fields) + 1];
  } describers{{&describe_type<Fields>..., nullptr}};
  return describers;
}

template <typename Type>
inline constexpr auto describers_of = field_describers<Type>(field_types<Type>{});

template <typename Type>
inline constexpr structure_face face_of{&type_identity<Type>, spelled_fields<Type>(), describers_of<Type>.of,
                                        field_count<Type>,    &describe_type<Type>,   past_of<Type>()};

// The payload of `Type{}`, which is where a field that is new takes its value from, under the canonical fingerprint.
[[gnu::cold]] inline void describe_defaults(type_sink& sink, const structure_face& face) {
  type_sink canonical;
  face.whole(canonical, nullptr);
  sink.number(canonical.fingerprint());
  byte_string payload;
  value_writer writer(payload);
  face.past.write_defaults(writer);
  STRATA_ASSERT(writer.finish());
  sink.name(payload);
}

constexpr void describe_structure(type_sink& sink, const enclosing_type* outer, const structure_face& face) {
  std::uint64_t distance = 0;
  for (const enclosing_type* around = outer; around != nullptr; around = around->outer, ++distance) {
    if (around->identity != face.identity) continue;
    sink.kind(type_kind::enclosing);
    sink.number(distance);
    return;
  }
  const enclosing_type here{outer, face.identity};
  const bool evolving = sink.evolving();
  sink.kind(evolving ? type_kind::evolving_structure : type_kind::structure);
  if (evolving) describe_defaults(sink, face);
  sink.number(face.count);
  field_name_reader names(face.spelled_fields);
  for (std::size_t i = 0; i < face.count; ++i) {
    const std::string_view name = names.next();
    STRATA_ASSERT(!name.empty());
    sink.name(name);
    if (evolving) sink.former_names(name, face.past.aliases, face.past.alias_count);
    face.fields[i](sink, &here);
  }
  if (!evolving) return;
  sink.upgrade(face.past.upgrade);
  if (face.past.upgrade != nullptr) face.past.predecessor(sink, nullptr);
}

template <typename... Types>
constexpr void describe_types(type_sink& sink, const enclosing_type* outer, type_kind kind, type_list<Types...>) {
  sink.kind(kind);
  sink.number(sizeof...(Types));
  (describe_type<Types>(sink, outer), ...);
}

template <typename Inner>
constexpr void describe_around(type_sink& sink, const enclosing_type* outer, type_kind kind) {
  sink.kind(kind);
  describe_type<Inner>(sink, outer);
}

template <typename Period, typename Representation>
constexpr void describe_time(type_sink& sink, type_kind kind) {
  sink.kind(kind);
  sink.number(static_cast<std::uint64_t>(Period::num));
  sink.number(static_cast<std::uint64_t>(Period::den));
  describe_type<Representation>(sink, nullptr);
}

template <typename Type>
[[gnu::cold]] constexpr void describe_type(type_sink& sink, const enclosing_type* outer) {
  constexpr shape what = shape_of<Type>;
  if constexpr (what == shape::text) {
    sink.kind(type_kind::text);
  } else if constexpr (what == shape::bytes) {
    sink.kind(type_kind::bytes);
  } else if constexpr (what == shape::optional) {
    describe_around<typename Type::value_type>(sink, outer, type_kind::optional);
  } else if constexpr (what == shape::sequence) {
    describe_around<typename Type::value_type>(sink, outer, type_kind::sequence);
  } else if constexpr (what == shape::set) {
    describe_around<typename Type::key_type>(sink, outer, type_kind::set);
  } else if constexpr (what == shape::map) {
    describe_around<typename Type::key_type>(sink, outer, type_kind::map);
    describe_type<typename Type::mapped_type>(sink, outer);
  } else if constexpr (what == shape::array) {
    sink.kind(type_kind::array);
    sink.number(array_of<Type>::size);
    describe_type<typename array_of<Type>::element>(sink, outer);
  } else if constexpr (what == shape::tuple) {
    describe_types(sink, outer, type_kind::tuple, tuple_types<Type>{});
  } else if constexpr (what == shape::variant) {
    describe_types(sink, outer, type_kind::variant, typename alternatives_of<Type>::types{});
  } else if constexpr (what == shape::aggregate) {
    describe_structure(sink, outer, face_of<Type>);
  } else if constexpr (what == shape::duration) {
    describe_time<typename Type::period, typename Type::rep>(sink, type_kind::duration);
  } else if constexpr (what == shape::time_point) {
    describe_time<typename Type::duration::period, typename Type::duration::rep>(sink, type_kind::time_point);
  } else if constexpr (what == shape::descending) {
    describe_type<decltype(Type::value)>(sink, outer);
  } else if constexpr (what == shape::custom) {
    sink.kind(type_kind::custom);
    sink.name(codec<Type>::name);
  } else {
    sink.kind(scalar_kind<Type>());
  }
}

[[nodiscard]] inline byte_string build_description(describe_function describe) {
  byte_string description;
  type_sink sink(&description);
  describe(sink, nullptr);
  return description;
}

}  // namespace detail

// The canonical description of a type: what the catalogue stores. Cost: microseconds, once a collection is opened.
template <typename Type>
[[nodiscard]] byte_string schema_description() {
  static_assert(check_value_type<Type>());
  return detail::build_description(&detail::describe_type<Type>);
}

// The fingerprint of the description; a constant where it is asked to be one, else computed at run time, which is
// what costs the compiler nothing. Equal to `description_fingerprint(schema_description<Type>())`. Frozen: stored.
template <typename Type>
[[nodiscard]] constexpr std::uint64_t schema_fingerprint() {
  static_assert(check_value_type<Type>());
  detail::type_sink sink;
  detail::describe_type<Type>(sink, nullptr);
  return sink.fingerprint();
}

// The fingerprint of a description that was stored.
[[nodiscard]] constexpr std::uint64_t description_fingerprint(bytes_view description) noexcept {
  detail::fingerprint_hash hash;
  hash.bytes(description);
  return hash.value();
}

}  // namespace strata::inline STRATA_ABI

#endif
