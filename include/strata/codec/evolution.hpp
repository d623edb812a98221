// Values of an older shape read as the current one: by name, with defaults for what is new.
//
// Thread safety: an `evolution` is immutable once made; any thread.
//
// How it works: the stored description and the current one are compared once, when a collection is opened. Per
// record, the old payload is rewritten into the bytes that the current type would have written, and these are decoded
// as any others. None of it is a template: schemas may grow without the compiler noticing.
//
// What an old type becomes (anything else is a schema_mismatch, said at open):
//   field added           the value that `Type{}` has there, the enclosing struct's if it gives one
//   field dropped         left out; but not in a set's elements or a map's keys, where two that differ could become one
//   field moved           found by its name
//   field renamed         found by a former name (`strata_aliases`), if the old has just one of its names
//   integer → integer     the same number, or decode_failed for a record whose number the new type cannot hold
//   float ↔ double        the same; to float only if it is exactly the same number
//   T → optional<T>       present; back: decode_failed where it is absent
//   set → sequence        the same elements
//   variant               by position: alternatives may be added at the end; those removed there are decode_failed
//   array, tuple          of the same length, element by element
//   struct                by its fields; one that has no field in common with the old is another type
//   predecessor           `upgrade(old) -> new`, where the stored type is the predecessor, or is more like it; a record
//                         with two elements of a set or keys of a map that it makes equal is decode_failed
// and all of it inside optionals, containers, variants and structs.
#ifndef STRATA_CODEC_EVOLUTION_HPP
#define STRATA_CODEC_EVOLUTION_HPP

#include <strata/codec/storable.hpp>
// In this order: see storable.hpp.
#include <strata/codec/type_tree.hpp>

namespace strata::inline STRATA_ABI {

namespace detail {
class value_converter;
}  // namespace detail

// The way from one stored description to one current type.
class evolution {
 public:
  STRATA_NOINLINE evolution(evolution&&) noexcept = default;
  STRATA_NOINLINE evolution& operator=(evolution&&) noexcept = default;
  STRATA_NOINLINE ~evolution() = default;

  // Compares. Errors: corruption (`stored` is no description), schema_mismatch (its values cannot be read as the type).
  template <typename Type>
  [[nodiscard]] STRATA_COLD static result<evolution> to(bytes_view stored) {
    static_assert(check_value_type<Type>());
    return make(stored, &detail::describe_type<Type>);
  }

  // Appends to `out` the payload that the current type would have written for `payload`. Errors: decode_failed.
  // Cost: a walk over the payload; allocates for structs that have fields and for upgrades.
  [[nodiscard]] result<void> convert(bytes_view payload, byte_string& out) const;

 private:
  friend class detail::value_converter;

  // How well an old type fits a new one. `lossy` leaves something behind, or may fail for some values.
  enum class fit : unsigned char { none, lossy, whole };

  static constexpr std::uint32_t absent = 0xFFFFFFFF;
  static constexpr std::uint32_t ambiguous = 0xFFFFFFFE;

  // The way between two structures: the old field for each new one from `first` on, or the predecessor.
  struct structure_plan {
    std::uint32_t from;
    std::uint32_t to;
    std::size_t first = 0;
    fit fits = fit::whole;
    bool by_predecessor = false;
  };

  evolution(detail::type_tree from, detail::type_tree to, dynamic_array<detail::upgrade_function> upgrades)
      : from_(std::move(from)), to_(std::move(to)), upgrades_(std::move(upgrades)) {}

  [[nodiscard]] STRATA_NOINLINE static result<evolution> make(bytes_view stored, detail::describe_function describe) {
    STRATA_TRY_LET(from, detail::type_tree::parse(byte_string(stored), detail::description_form::canonical));
    byte_string current;
    dynamic_array<detail::upgrade_function> upgrades;
    detail::type_sink sink(&current, &upgrades);
    describe(sink, nullptr);
    STRATA_TRY_LET(to, detail::type_tree::parse(std::move(current), detail::description_form::evolving));

    evolution made(std::move(from), std::move(to), std::move(upgrades));
    made.find_distinct();
    if (made.match(made.from_.root(), made.to_.root(), 0) == fit::none)
      return error(errc::schema_mismatch, "compare types", made.reason_);
    return made;
  }

  static fit worse(fit a, fit b) noexcept { return a < b ? a : b; }

  void find_distinct();
  void mark_distinct(std::uint32_t node);
  fit match(std::uint32_t from, std::uint32_t to, unsigned level);
  fit match_scalars(detail::type_kind from, detail::type_kind to) const noexcept;
  fit match_children(const detail::type_node& from, const detail::type_node& to, std::size_t count, unsigned level);
  fit match_structures(std::uint32_t from, std::uint32_t to, unsigned level);
  fit match_fields(std::uint32_t from, std::uint32_t to, std::size_t first, unsigned level);
  [[nodiscard]] std::uint32_t old_field(const detail::type_node& from, const detail::type_node& to,
                                        std::size_t number) const;
  [[nodiscard]] bool is_ancestor(std::uint64_t fingerprint, const detail::type_node& of) const noexcept;
  [[nodiscard]] const structure_plan* find_plan(std::uint32_t from, std::uint32_t to) const noexcept;

  detail::type_tree from_;
  detail::type_tree to_;
  dynamic_array<detail::upgrade_function> upgrades_;
  dynamic_array<structure_plan> plans_;
  dynamic_array<std::uint32_t> old_fields_;
  dynamic_array<bool> distinct_;  // by the current type's nodes: whether elements of a set or keys of a map differ by them
  const char* reason_ = other_type;  // for the error, if the types do not fit

  static constexpr const char* other_type = "stored values have a type that cannot become the current one";
  static constexpr const char* two_names =
      "a stored struct has fields by two names of one field: a former name that `renamed` gives was another field's";
  static constexpr const char* merging =
      "a field was dropped from a set's elements or a map's keys: those that differ in it would become one";
};

// Through everything that an element or key is made of, and was made of when it was a predecessor.
STRATA_COLD inline void evolution::mark_distinct(std::uint32_t index) {
  if (distinct_[index]) return;
  distinct_[index] = true;
  const detail::type_node& node = to_[index];
  for (std::size_t i = 0; i < node.count; ++i) mark_distinct(to_.child(node, i));
  if (node.upgrade != 0) mark_distinct(node.predecessor);
}

STRATA_COLD inline void evolution::find_distinct() {
  distinct_.resize(to_.size());
  for (std::uint32_t i = 0; i < to_.size(); ++i)
    if (to_[i].kind == detail::type_kind::set || to_[i].kind == detail::type_kind::map)
      mark_distinct(to_.child(to_[i], 0));
}

STRATA_COLD inline evolution::fit evolution::match_scalars(detail::type_kind from, detail::type_kind to) const noexcept {
  if (from == to) return fit::whole;
  const std::size_t before = detail::scalar_bytes(from);
  const std::size_t after = detail::scalar_bytes(to);
  if (detail::is_float_kind(from) && detail::is_float_kind(to)) return before < after ? fit::whole : fit::lossy;
  if (!detail::is_integer_kind(from) || !detail::is_integer_kind(to)) return fit::none;
  if (detail::is_signed_kind(from) == detail::is_signed_kind(to)) return before < after ? fit::whole : fit::lossy;
  return detail::is_signed_kind(to) && before < after ? fit::whole : fit::lossy;
}

STRATA_COLD inline evolution::fit evolution::match_children(const detail::type_node& from, const detail::type_node& to,
                                                std::size_t count, unsigned level) {
  fit found = fit::whole;
  for (std::size_t i = 0; i < count && found != fit::none; ++i)
    found = worse(found, match(from_.child(from, i), to_.child(to, i), level + 1));
  return found;
}

STRATA_COLD inline evolution::fit evolution::match(std::uint32_t from_index, std::uint32_t to_index, unsigned level) {
  using detail::type_kind;
  if (level > detail::walk_levels_max) return fit::none;
  const detail::type_node& from = from_[from_index];
  const detail::type_node& to = to_[to_index];
  if (detail::scalar_bytes(from.kind) != 0 && detail::scalar_bytes(to.kind) != 0)
    return match_scalars(from.kind, to.kind);
  if (from.kind == type_kind::structure && to.kind == type_kind::evolving_structure)
    return match_structures(from_index, to_index, level);
  if (to.kind == type_kind::optional && from.kind != type_kind::optional)
    return match(from_index, to_.child(to, 0), level + 1);
  if (from.kind == type_kind::optional && to.kind != type_kind::optional)
    return worse(fit::lossy, match(from_.child(from, 0), to_index, level + 1));
  if (from.kind == type_kind::set && to.kind == type_kind::sequence) return match_children(from, to, 1, level);
  if (from.kind != to.kind) return fit::none;

  switch (to.kind) {
    case type_kind::text:
    case type_kind::bytes:
      return fit::whole;
    case type_kind::custom:
      return from_.text(from.text) == to_.text(to.text) ? fit::whole : fit::none;
    case type_kind::variant:
      return worse(from.count <= to.count ? fit::whole : fit::lossy,
                   match_children(from, to, from.count < to.count ? from.count : to.count, level));
    default:
      if (from.length != to.length || from.divisor != to.divisor || from.count != to.count) return fit::none;
      return match_children(from, to, to.count, level);
  }
}

STRATA_COLD inline const evolution::structure_plan* evolution::find_plan(std::uint32_t from, std::uint32_t to) const noexcept {
  for (const structure_plan& plan : plans_)
    if (plan.from == from && plan.to == to) return &plan;
  return nullptr;
}

STRATA_COLD inline bool evolution::is_ancestor(std::uint64_t fingerprint, const detail::type_node& of) const noexcept {
  for (const detail::type_node* node = &of; node->upgrade != 0;) {
    node = &to_[node->predecessor];
    if (node->length == fingerprint) return true;
  }
  return false;
}

// The plan is listed before it is complete, so that a type that contains itself finds it.
STRATA_COLD inline evolution::fit evolution::match_structures(std::uint32_t from, std::uint32_t to, unsigned level) {
  if (const structure_plan* known = find_plan(from, to)) return known->fits;
  const std::size_t plan = plans_.size();
  const detail::type_node& after = to_[to];
  plans_.push_back({from, to, old_fields_.size()});
  for (std::size_t i = 0; i < after.count; ++i) old_fields_.push_back(absent);

  const std::uint64_t stored = description_fingerprint(from_.text(from_[from].text));
  fit own = match_fields(from, to, plans_[plan].first, level);
  if (after.upgrade != 0 && stored != after.length) {
    const bool named = is_ancestor(stored, after);
    const fit before = own == fit::whole && !named ? fit::none : match(from, after.predecessor, level + 1);
    if (before != fit::none && (named || before > own)) {
      own = before;
      plans_[plan].by_predecessor = true;
      reason_ = other_type;  // whatever spoke against the fields
    }
  }
  plans_[plan].fits = own;
  return own;
}

STRATA_COLD inline std::uint32_t evolution::old_field(const detail::type_node& from, const detail::type_node& to,
                                          std::size_t number) const {
  const auto find = [&](bytes_view name) {
    for (std::uint32_t i = 0; i < from.count; ++i)
      if (from_.text(from_.label(from, i).name) == name) return i;
    return absent;
  };
  const detail::field_label& label = to_.label(to, number);
  std::uint32_t found = find(to_.text(label.name));
  for (std::size_t i = 0; i < label.former.size(); ++i) {
    const std::uint32_t former = find(to_.text(label.former[i]));
    if (former == absent || former == found) continue;
    if (found != absent) return ambiguous;
    found = former;
  }
  return found;
}

STRATA_COLD inline evolution::fit evolution::match_fields(std::uint32_t from_index, std::uint32_t to_index, std::size_t first,
                                              unsigned level) {
  const detail::type_node& from = from_[from_index];
  const detail::type_node& to = to_[to_index];
  fit found = fit::whole;
  dynamic_array<bool> taken(from.count);
  std::size_t count = 0;
  for (std::size_t i = 0; i < to.count; ++i) {
    const std::uint32_t old = old_field(from, to, i);
    if (old == absent) continue;
    // One field claims two, or two fields claim one: a former name that is another field's name.
    if (old == ambiguous || taken[old]) return reason_ = two_names, fit::none;
    taken[old] = true;
    ++count;
    found = worse(found, match(from_.child(from, old), to_.child(to, i), level + 1));
    if (found == fit::none) return found;
    old_fields_[first + i] = old;
  }
  if (count == 0 && from.count != 0 && to.count != 0) return fit::none;
  if (count == from.count) return found;
  if (distinct_[to_index]) return reason_ = merging, fit::none;
  return worse(found, fit::lossy);
}

namespace detail {

// One conversion of one value. False, from any function: the old bytes are no value, or one that the new type cannot
// hold.
class value_converter {
 public:
  explicit value_converter(const evolution& way) noexcept : way_(way), from_(way.from_), to_(way.to_) {}

  // Converts one value. `fallback` is the payload that the enclosing struct's default has here, or nothing.
  bool convert(std::uint32_t from_index, std::uint32_t to_index, byte_reader& in, bytes_view fallback,
               byte_string& out) {
    if (level_ > walk_levels_max) return false;
    ++level_;
    const bool done = convert_here(from_index, to_index, in, fallback, out);
    --level_;
    return done && in.ok();
  }

 private:
  bool convert_here(std::uint32_t from_index, std::uint32_t to_index, byte_reader& in, bytes_view fallback,
                    byte_string& out);
  bool convert_children(const type_node& from, const type_node& to, std::uint64_t times, byte_reader& in,
                        byte_string& out);
  bool convert_structure(std::uint32_t from, std::uint32_t to, byte_reader& in, bytes_view fallback, byte_string& out);
  static bool convert_integer(type_kind from, type_kind to, byte_reader& in, byte_string& out);
  static bool convert_float(type_kind from, type_kind to, byte_reader& in, byte_string& out);

  // The next value as its bytes.
  static bytes_view slice(const type_tree& tree, std::uint32_t node, byte_reader& in) {
    const bytes_view rest = in.rest();
    const std::size_t begin = in.position();
    return tree.skip(node, in) ? rest.substr(0, in.position() - begin) : bytes_view();
  }

  const evolution& way_;
  const type_tree& from_;
  const type_tree& to_;
  unsigned level_ = 0;
};

inline bool value_converter::convert_integer(type_kind from, type_kind to, byte_reader& in, byte_string& out) {
  const std::size_t before = scalar_bytes(from);
  const std::size_t after = scalar_bytes(to);
  const bytes_view bytes = in.bytes(before);
  if (!in.ok()) return false;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < before; ++i)
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  const bool negative = is_signed_kind(from) && (value >> (8 * before - 1)) != 0;
  if (negative && before < 8) value |= ~std::uint64_t{0} << (8 * before);

  // A negative number needs all bits above the new sign bit set, another one all of them clear.
  const std::size_t value_bits = 8 * after - (is_signed_kind(to) ? 1 : 0);
  if (negative && !is_signed_kind(to)) return false;
  const std::uint64_t above = value_bits >= 64 ? 0 : ~std::uint64_t{0} << value_bits;
  if ((value & above) != (negative ? above : 0)) return false;
  for (std::size_t i = 0; i < after; ++i)
    out.push_back(static_cast<char>(static_cast<unsigned char>(value >> (8 * i))));
  return true;
}

inline bool value_converter::convert_float(type_kind from, type_kind to, byte_reader& in, byte_string& out) {
  const double value = from == type_kind::float_32
                           ? static_cast<double>(std::bit_cast<float>(in.fixed<std::uint32_t>()))
                           : std::bit_cast<double>(in.fixed<std::uint64_t>());
  if (to == type_kind::float_64) {
    append_fixed(out, std::bit_cast<std::uint64_t>(value));
    return true;
  }
  // Out of a float's range the conversion itself would be undefined; infinities and NaN are in it.
  constexpr double most = static_cast<double>((std::numeric_limits<float>::max)());
  if (value - value == 0.0 && (value > most || value < -most)) return false;
  const auto narrow = static_cast<float>(value);
  if (value == value && static_cast<double>(narrow) != value) return false;
  append_fixed(out, std::bit_cast<std::uint32_t>(narrow));
  return true;
}

inline bool value_converter::convert_children(const type_node& from, const type_node& to, std::uint64_t times,
                                              byte_reader& in, byte_string& out) {
  for (std::uint64_t i = 0; i < times; ++i)
    for (std::size_t number = 0; number < to.count; ++number)
      if (!convert(from_.child(from, number), to_.child(to, number), in, bytes_view(), out)) return false;
  return true;
}

inline bool value_converter::convert_structure(std::uint32_t from_index, std::uint32_t to_index, byte_reader& in,
                                               bytes_view fallback, byte_string& out) {
  const evolution::structure_plan* plan = way_.find_plan(from_index, to_index);
  if (plan == nullptr) return false;
  const type_node& from = from_[from_index];
  const type_node& to = to_[to_index];
  if (plan->by_predecessor) {
    byte_string before;
    if (!convert(from_index, to.predecessor, in, bytes_view(), before)) return false;
    return way_.upgrades_[to.upgrade - 1](before, out);
  }
  dynamic_array<bytes_view> old(from.count);
  for (std::size_t i = 0; i < from.count; ++i) old[i] = slice(from_, from_.child(from, i), in);
  if (!in.ok()) return false;

  byte_reader defaults(fallback.empty() ? to_.text(to.text) : fallback);
  for (std::size_t i = 0; i < to.count; ++i) {
    const bytes_view standard = slice(to_, to_.child(to, i), defaults);
    const std::uint32_t source = way_.old_fields_[plan->first + i];
    if (source == evolution::absent) {
      out.append(standard);
      continue;
    }
    byte_reader field(old[source]);
    if (!convert(from_.child(from, source), to_.child(to, i), field, standard, out) || !field.complete()) return false;
  }
  return defaults.complete();
}

inline bool value_converter::convert_here(std::uint32_t from_index, std::uint32_t to_index, byte_reader& in,
                                          bytes_view fallback, byte_string& out) {
  const type_node& from = from_[from_index];
  const type_node& to = to_[to_index];
  if (from.kind == type_kind::structure && to.kind == type_kind::evolving_structure)
    return convert_structure(from_index, to_index, in, fallback, out);
  if (to.kind == type_kind::optional && from.kind != type_kind::optional) {
    out.push_back('\1');
    return convert(from_index, to_.child(to, 0), in, bytes_view(), out);
  }
  if (from.kind == type_kind::optional && to.kind != type_kind::optional)
    return in.fixed<std::uint8_t>() == 1 && convert(from_.child(from, 0), to_index, in, fallback, out);
  if (is_integer_kind(from.kind) && from.kind != to.kind) return convert_integer(from.kind, to.kind, in, out);
  if (is_float_kind(from.kind) && from.kind != to.kind) return convert_float(from.kind, to.kind, in, out);

  switch (to.kind) {
    case type_kind::sequence:
    case type_kind::set:
    case type_kind::map: {
      const std::uint64_t count = in.varint();
      if (count > in.remaining()) return false;
      append_varint(out, count);
      return convert_children(from, to, count, in, out);
    }
    case type_kind::optional: {
      const auto present = in.fixed<std::uint8_t>();
      out.push_back(static_cast<char>(present));
      return present <= 1 && convert_children(from, to, present, in, out);
    }
    case type_kind::variant: {
      const auto alternative = in.fixed<std::uint8_t>();
      if (!in.ok() || alternative >= from.count || alternative >= to.count) return false;
      out.push_back(static_cast<char>(alternative));
      return convert(from_.child(from, alternative), to_.child(to, alternative), in, bytes_view(), out);
    }
    case type_kind::array:
      return convert_children(from, to, to.length, in, out);
    case type_kind::tuple:
    case type_kind::duration:
    case type_kind::time_point:
      return convert_children(from, to, 1, in, out);
    default: {
      out.append(slice(from_, from_index, in));
      return in.ok();
    }
  }
}

}  // namespace detail

inline result<void> evolution::convert(bytes_view payload, byte_string& out) const {
  const std::size_t begin = out.size();
  byte_reader in(payload);
  detail::value_converter converter(*this);
  if (converter.convert(from_.root(), to_.root(), in, bytes_view(), out) && in.complete()) return {};
  out.resize(begin);
  return error(errc::decode_failed, "convert value",
               "the bytes are no value of the stored type, or the current one cannot hold it");
}

// Whether values stored with this description can be read as `Type`: what a collection asks when it is opened. Errors:
// schema_mismatch, corruption.
template <typename Type>
[[nodiscard]] STRATA_COLD result<void> check_evolution(bytes_view stored) {
  STRATA_TRY(evolution::to<Type>(stored));
  return {};
}

}  // namespace strata::inline STRATA_ABI

#endif
