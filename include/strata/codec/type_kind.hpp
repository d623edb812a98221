// The numbers by which stored type descriptions and fingerprints name a type.
#ifndef STRATA_CODEC_TYPE_KIND_HPP
#define STRATA_CODEC_TYPE_KIND_HPP

#include <strata/codec/shape.hpp>

namespace strata::inline STRATA_ABI::detail {

// Frozen: on disk. An integer is named by width and sign, whatever the language calls it, an enum as its integer.
enum class type_kind : unsigned char {
  boolean = 1,
  unsigned_8 = 2,
  unsigned_16 = 3,
  unsigned_32 = 4,
  unsigned_64 = 5,
  signed_8 = 6,
  signed_16 = 7,
  signed_32 = 8,
  signed_64 = 9,
  float_32 = 10,
  float_64 = 11,
  text = 12,
  bytes = 13,
  optional = 14,    // type
  sequence = 15,    // type
  set = 16,         // type
  map = 17,         // key type, mapped type
  array = 18,       // varint length, type
  tuple = 19,       // varint count, types
  variant = 20,     // varint count, types
  structure = 21,   // varint count, then for each field: sized name, type
  enclosing = 22,   // varint: how many structures to go out from the innermost; 0 is that one itself
  duration = 23,    // varint numerator and denominator of the period in seconds, type
  time_point = 24,  // the same
  custom = 25,      // sized name
  descending = 26,  // type; only in fingerprints of keys

  // Only in memory: a structure with its defaults, former names and predecessor (see schema.hpp).
  evolving_structure = 64,
};

// The kind of a scalar.
template <typename Type>
consteval type_kind scalar_kind() {
  constexpr shape what = shape_of<Type>;
  if constexpr (what == shape::enumeration) {
    return scalar_kind<std::underlying_type_t<Type>>();
  } else if constexpr (what == shape::boolean) {
    return type_kind::boolean;
  } else if constexpr (what == shape::floating) {
    return sizeof(Type) == 4 ? type_kind::float_32 : type_kind::float_64;
  } else {
    constexpr unsigned width = std::bit_width(sizeof(Type)) - 1;
    return static_cast<type_kind>((std::is_signed_v<Type> ? 6 : 2) + width);
  }
}

}  // namespace strata::inline STRATA_ABI::detail

#endif
