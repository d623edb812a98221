// What part of a collection a scan, a count or an erasure takes, and how:
//
//   users.scan(strata::prefix("a"))                        keys that begin with "a"; of a tuple or struct key, its first fields
//   users.scan(strata::from("a"), strata::before("c"))     "a" ≤ key < "c"; also after (>) and up_to (≤)
//   users.scan(strata::descending{}, strata::limit(10))    the last ten, last first
//
// Arguments in any order, each at most once.
#ifndef STRATA_PRIMITIVE_BOUNDS_HPP
#define STRATA_PRIMITIVE_BOUNDS_HPP

#include <tuple>

#include <strata/codec/descending.hpp>
#include <strata/codec/ordered_key.hpp>
#include <strata/engine/cursor.hpp>

namespace strata::inline STRATA_ABI {

namespace primitive {

enum class bound_side : std::uint8_t { from, after, before, up_to };

template <bound_side Side, typename Key>
struct bound {
  const Key& key;
};
template <typename... Fields>
struct key_prefix_of {
  std::tuple<const Fields&...> fields;
};
struct scan_limit {
  std::uint64_t rows;
};

}  // namespace primitive

// Keys ≥ `key`. As the others below it refers to its argument: for use within the call.
template <typename Key>
[[nodiscard]] constexpr primitive::bound<primitive::bound_side::from, Key> from(const Key& key) noexcept {
  return {key};
}
// Keys > `key`.
template <typename Key>
[[nodiscard]] constexpr primitive::bound<primitive::bound_side::after, Key> after(const Key& key) noexcept {
  return {key};
}
// Keys < `key`.
template <typename Key>
[[nodiscard]] constexpr primitive::bound<primitive::bound_side::before, Key> before(const Key& key) noexcept {
  return {key};
}
// Keys ≤ `key`.
template <typename Key>
[[nodiscard]] constexpr primitive::bound<primitive::bound_side::up_to, Key> up_to(const Key& key) noexcept {
  return {key};
}
// Keys that begin with `fields`: of a string key the beginning of the string; of a struct or tuple key its first fields,
// whole.
template <typename... Fields>
[[nodiscard]] constexpr primitive::key_prefix_of<Fields...> prefix(const Fields&... fields) noexcept {
  return {std::tuple<const Fields&...>(fields...)};
}
// At most `rows` rows.
[[nodiscard]] constexpr primitive::scan_limit limit(std::uint64_t rows) noexcept { return {rows}; }

namespace primitive {

// The first byte string behind all that begin with `bytes`; false where there is none.
[[nodiscard]] inline bool to_end_of_prefix(byte_string& bytes) {
  while (!bytes.empty() && static_cast<unsigned char>(bytes.back()) == 0xFF) bytes.pop_back();
  if (bytes.empty()) return false;
  bytes.back() = static_cast<char>(static_cast<unsigned char>(bytes.back()) + 1);
  return true;
}

// What the arguments of a scan come to, in bytes.
struct scan_plan {
  engine::cursor_range range;
  std::uint64_t limit = UINT64_MAX;
  bool descending = false;
  result<void> status;  // an argument that is no key

  // All keys that begin with `key_prefix`, which is not empty.
  explicit scan_plan(bytes_view key_prefix) {
    range.begin.assign(key_prefix);
    range.end.assign(key_prefix);
    range.unbounded = !to_end_of_prefix(range.end);
  }
  void raise_begin(byte_string&& begin) {
    if (begin > range.begin) range.begin = std::move(begin);
  }
  void lower_end(byte_string&& end) {
    if (range.unbounded || end < range.end) range.end = std::move(end);
    range.unbounded = false;
  }
  // Nothing lies in it.
  [[nodiscard]] bool is_empty() const noexcept { return limit == 0 || (!range.unbounded && range.begin >= range.end); }
};

// Applies arguments one by one; one that does not belong here is a one-line error.
template <typename Key>
struct scan_arguments {
  bytes_view key_prefix;
  scan_plan& plan;

  template <bound_side Side, typename Given>
  void operator()(const bound<Side, Given>& given) const {
    byte_string bytes(key_prefix);
    if (!keep(key_codec<Key>::encode(bytes, given.key))) return;
    // The next key behind one is that key with a zero byte.
    if constexpr (Side == bound_side::after || Side == bound_side::up_to) bytes.push_back('\0');
    if constexpr (Side == bound_side::from || Side == bound_side::after) {
      plan.raise_begin(std::move(bytes));
    } else {
      plan.lower_end(std::move(bytes));
    }
  }
  template <typename... Fields>
  void operator()(const key_prefix_of<Fields...>& given) const {
    byte_string bytes(key_prefix);
    const bool encoded = std::apply(
        [&](const Fields&... fields) {
          if constexpr (key_codec<Key>::is_text) {
            static_assert(sizeof...(Fields) == 1, "strata: a string key has prefixes of one string");
            return keep(key_codec<Key>::encode_prefix(bytes, fields...));
          } else {
            return keep(key_codec<Key>::encode_leading(bytes, fields...));
          }
        },
        given.fields);
    if (!encoded) return;
    plan.raise_begin(byte_string(bytes));
    if (to_end_of_prefix(bytes)) plan.lower_end(std::move(bytes));
  }
  void operator()(scan_limit given) const { plan.limit = given.rows; }
  void operator()(descending<>) const { plan.descending = true; }
  template <typename Other>
  void operator()(const Other&) const {
    static_assert(sizeof(Other) == 0,
                  "strata: a scan takes prefix(…), from(…), after(…), before(…), up_to(…), descending{} and limit(…)");
  }

 private:
  bool keep(result<void>&& encoded) const {
    if (!encoded && plan.status) plan.status = std::move(encoded);
    return plan.status.has_value();
  }
};

template <typename Key, typename... Arguments>
[[nodiscard]] scan_plan plan_scan(bytes_view key_prefix, const Arguments&... arguments) {
  scan_plan plan(key_prefix);
  [[maybe_unused]] const scan_arguments<Key> apply{key_prefix, plan};
  (apply(arguments), ...);
  return plan;
}

}  // namespace primitive

}  // namespace strata::inline STRATA_ABI

#endif
