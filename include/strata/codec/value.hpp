// Records: values as a store holds them, with the number of the schema that wrote them in front.
//
//   +----------------+---------------------------+
//   | schema id      | payload (payload.hpp)     |
//   | varint, 32 bit |                           |
//   +----------------+---------------------------+
//
// Frozen: on disk. The catalogue gives each description of a collection's value type (schema.hpp) an id and keeps it
// for ever. When a collection is opened, it makes an `evolution` from every older description to the type of today; a
// record that carries the current id is decoded straight, any other through its evolution.
//
// Thread safety: pure functions.
#ifndef STRATA_CODEC_VALUE_HPP
#define STRATA_CODEC_VALUE_HPP

#include <strata/codec/storable.hpp>
// In this order: see storable.hpp.
#include <strata/codec/evolution.hpp>
#include <strata/core/entry.hpp>

namespace strata::inline STRATA_ABI {

namespace detail {

[[nodiscard]] inline error not_a_value() noexcept {
  return error(errc::decode_failed, "decode value", "the bytes are no value of this type");
}

// The record's schema id, and `in` after it. More than 32 bits fail.
[[nodiscard]] inline std::uint32_t read_schema_id(byte_reader& in) noexcept {
  const std::uint64_t id = in.varint();
  if (id > 0xFFFFFFFF) in.fail();
  return static_cast<std::uint32_t>(id);
}

// Appends a whole record, or leaves `out` as it was.
[[nodiscard]] STRATA_NOINLINE inline result<void> encode_record(byte_string& out, std::uint32_t schema_id,
                                                                write_function write, const void* value) {
  const std::size_t begin = out.size();
  value_writer writer(out);
  writer.varint(schema_id);
  write(writer, value);
  const bool written = writer.finish();
  if (written && out.size() - begin <= value_bytes_max) [[likely]]
    return {};
  out.resize(begin);
  if (!written)
    return error(errc::invalid_argument, "encode value",
                 "containers over 100 deep in one another, or a valueless variant");
  return error(errc::value_too_large, "encode value", "over 1 GiB");
}

}  // namespace detail

// Who knows the evolutions of a collection: anything that gives a `const evolution*` for a schema id, null for one
// that it does not know. Refers to it, and is meant as a parameter.
class evolution_source {
 public:
  template <typename Older>
  requires std::is_invocable_r_v<const evolution*, const Older&, std::uint32_t> evolution_source(const Older& older)
  noexcept  // NOLINT: implicit
      : older_(std::addressof(older)), find_([](const void* known, std::uint32_t id) -> const evolution* {
          return (*static_cast<const Older*>(known))(id);
        }) {}

  [[nodiscard]] const evolution* find(std::uint32_t id) const { return find_(older_, id); }

 private:
  const void* older_;
  const evolution* (*find_)(const void*, std::uint32_t);
};

namespace detail {

// The payload of the current type for a record of another schema.
[[nodiscard]] STRATA_NOINLINE inline result<void> evolve(bytes_view record, evolution_source older,
                                                         byte_string& payload) {
  byte_reader in(record);
  const std::uint32_t id = read_schema_id(in);
  if (!in.ok()) return not_a_value();
  const evolution* const way = older.find(id);
  if (way == nullptr)
    return error(errc::decode_failed, "decode value", "the record names a schema that the catalogue lacks");
  return way->convert(in.rest(), payload);
}

[[nodiscard]] STRATA_NOINLINE inline result<void> decode_record(bytes_view record, std::uint32_t current_id,
                                                                evolution_source older, read_function read,
                                                                void* into) {
  value_reader in(record);
  byte_string payload;
  if (read_schema_id(in) != current_id || !in.ok()) [[unlikely]] {
    STRATA_TRY(evolve(record, older, payload));
    in = value_reader(payload);
  }
  read(in, into);
  if (!in.complete()) [[unlikely]]
    return not_a_value();
  return {};
}

}  // namespace detail

// Appends a record. `schema_id` is the catalogue's number for `schema_description<Type>()`; a std::string_view is
// written as a std::string. Errors: value_too_large, invalid_argument (containers over 100 deep in one another, a
// valueless variant); `out` is then as it was. Cost: no allocation but the growth of `out`, and the sorting of
// unordered containers.
template <typename Type>
[[nodiscard]] result<void> encode_value(byte_string& out, std::uint32_t schema_id, const Type& value) {
  return detail::encode_record(out, schema_id, &detail::write_whole<Type>, std::addressof(value));
}

// Reads a record into `into`, whose memory is used again. `current_id` is the id of `Type`'s own description; `older`
// is asked when the record has another. Errors: decode_failed (no value of the type; a number that it cannot hold; an
// id that `older` does not know); `into` then holds some value.
template <typename Type>
[[nodiscard]] result<void> decode_value(bytes_view record, std::uint32_t current_id, evolution_source older,
                                        Type& into) {
  static_assert(check_value_type<Type>());
  return detail::decode_record(record, current_id, older, &detail::read_whole<Type>, std::addressof(into));
}

// The bytes of a string or byte vector without a copy: a view into `record`, or into `scratch` where the record has
// another schema. Valid as long as both. Errors as `decode_value`.
template <typename Type>
[[nodiscard]] result<bytes_view> decode_view(bytes_view record, std::uint32_t current_id, evolution_source older,
                                             byte_string& scratch) {
  static_assert(detail::shape_of<Type> == detail::shape::text || detail::shape_of<Type> == detail::shape::bytes,
                "strata: only strings and byte vectors can be viewed without decoding them");
  byte_reader in(record);
  if (detail::read_schema_id(in) != current_id || !in.ok()) [[unlikely]] {
    scratch.clear();
    STRATA_TRY(detail::evolve(record, older, scratch));
    in = byte_reader(scratch);
  }
  const bytes_view view = in.sized();
  if (!in.complete()) return detail::not_a_value();
  return view;
}

}  // namespace strata::inline STRATA_ABI

#endif
