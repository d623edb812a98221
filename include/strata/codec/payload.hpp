// Values: C++ objects to compact bytes and back, by one function each way for each type.
//
// Thread safety: pure functions; a writer or reader belongs to one thread.
//
// Invariants:
// 1. Equal values have equal bytes: containers without an order are written in the order of their elements' bytes.
//    (Floating point is written bit for bit: −0 and +0 differ, as do NaNs.)
// 2. Decoding reads nothing past its input, allocates no more than a constant times the input, whatever the bytes,
//    and never nests deeper than `nesting_levels_max` containers. Encoding refuses what decoding would refuse.
//
//   bool 00 | 01 · integer, floating, enum: little-endian at full width · string, bytes: varint length, bytes
//   optional 00 | 01 value · variant one byte of index, value · vector, set: varint count, elements
//   map: varint count, then key, value in turn · array, tuple, pair, aggregate: elements in order, nothing between
//   duration, time_point: their representation · descending: what it holds · a codec's own: varint length, bytes
//
// Frozen: on disk. What is missing here — names, types — is in the description of the type (schema.hpp), stored once.
#ifndef STRATA_CODEC_PAYLOAD_HPP
#define STRATA_CODEC_PAYLOAD_HPP

#include <strata/codec/ordered_bytes.hpp>
#include <strata/codec/type_kind.hpp>
#include <strata/core/coding.hpp>

namespace strata::inline STRATA_ABI {

// How many containers can stand in one another, in one value. Only types that contain themselves can come near.
inline constexpr unsigned nesting_levels_max = 100;

namespace detail {

// Collects small writes before they go to the string, so that a scalar costs a store: not a call, and not a branch
// either. The room for it is made ahead. After `room`, and after every other write, there is room for `scalars_max`
// scalars; whoever writes more of them in a row asks for room in between. `finish` is due at the end.
class value_writer {
 public:
  static constexpr std::size_t scalars_max = fields_max;

  explicit value_writer(byte_string& out) noexcept : out_(out) {}
  value_writer(const value_writer&) = delete;
  value_writer& operator=(const value_writer&) = delete;

  template <typename Unsigned>
  STRATA_ALWAYS_INLINE void scalar(Unsigned value) noexcept {
    store_fixed(buffer_ + used_, value);
    used_ += sizeof value;
  }
  void room() {
    if (used_ > sizeof buffer_ - 8 * scalars_max) [[unlikely]]
      flush();
  }
  STRATA_NOINLINE void varint(std::uint64_t value) {
    used_ = static_cast<std::size_t>(store_varint(buffer_ + used_, value) - buffer_);
    room();
  }
  STRATA_NOINLINE void bytes(bytes_view values) {
    if (values.size() > sizeof buffer_ - used_) {
      flush();
      if (values.size() > sizeof buffer_ / 2) {
        out_.append(values);
        return;
      }
    }
    if (!values.empty()) std::memcpy(buffer_ + used_, values.data(), values.size());
    used_ += values.size();
    room();
  }
  STRATA_NOINLINE void sized(bytes_view values) {
    varint(values.size());
    bytes(values);
  }

  // Around the elements of a container.
  void enter() noexcept {
    if (++level_ > nesting_levels_max) failed_ = true;
  }
  void leave() noexcept { --level_; }
  // A value that cannot be read back.
  void fail() noexcept { failed_ = true; }
  [[nodiscard]] bool ok() const noexcept { return !failed_; }
  [[nodiscard]] unsigned level() const noexcept { return level_; }

  // Everything is in the string. False if anything failed.
  [[nodiscard]] bool finish() {
    flush();
    return !failed_;
  }

 private:
  friend class element_sorter;

  STRATA_NOINLINE void flush() {
    out_.append(buffer_, used_);
    used_ = 0;
  }

  byte_string& out_;
  std::size_t used_ = 0;
  unsigned level_ = 0;
  bool failed_ = false;
  char buffer_[16 * scalars_max];
};

// The elements of a container without an order, as bytes, to be written in the order of these.
class element_sorter {
 public:
  // Elements are written to `writer()`, and `element_written` is called after each.
  explicit element_sorter(const value_writer& outer) : writer_(bytes_) { writer_.level_ = outer.level_; }

  [[nodiscard]] value_writer& writer() noexcept { return writer_; }
  void element_written() {
    if (!writer_.finish()) return;
    ends_.push_back(bytes_.size());
  }
  void write_sorted(value_writer& out) {
    if (!writer_.ok()) return out.fail();
    std::vector<bytes_view> elements;
    elements.reserve(ends_.size());
    std::size_t begin = 0;
    for (const std::size_t end : ends_) {
      elements.emplace_back(bytes_.data() + begin, end - begin);
      begin = end;
    }
    sort(elements);
    for (const bytes_view element : elements) out.bytes(element);
  }

 private:
  // A heap sort: in place, no worst case, and no <algorithm> in every program for it.
  static void sort(std::vector<bytes_view>& elements) {
    for (std::size_t root = elements.size() / 2; root-- != 0;) sift(elements, root, elements.size());
    for (std::size_t size = elements.size(); size > 1; --size) {
      std::swap(elements[0], elements[size - 1]);
      sift(elements, 0, size - 1);
    }
  }
  static void sift(std::vector<bytes_view>& elements, std::size_t root, std::size_t size) {
    for (std::size_t child = 2 * root + 1; child < size; child = 2 * root + 1) {
      if (child + 1 < size && elements[child] < elements[child + 1]) ++child;
      if (!(elements[root] < elements[child])) return;
      std::swap(elements[root], elements[child]);
      root = child;
    }
  }

  byte_string bytes_;
  value_writer writer_;
  std::vector<std::size_t> ends_;
};

// Reads what a writer wrote; core's reader that also counts how deep it is.
class value_reader : public byte_reader {
 public:
  using byte_reader::byte_reader;

  void enter() noexcept {
    if (++level_ > nesting_levels_max) fail();
  }
  void leave() noexcept { --level_; }

  // A number of elements of at least `least` bytes each; more than can be there fails.
  STRATA_NOINLINE std::size_t count(std::size_t least) noexcept {
    const std::uint64_t elements = varint();
    if (elements > remaining() / least) return fail(), 0;
    return static_cast<std::size_t>(elements);
  }
  // 00 or 01, or up to `limit`.
  STRATA_NOINLINE unsigned char byte_up_to(unsigned char limit) noexcept {
    const auto value = fixed<std::uint8_t>();
    if (value > limit) return fail(), static_cast<unsigned char>(0);
    return value;
  }
  STRATA_NOINLINE void text(byte_string& into) { into.assign(sized()); }
  STRATA_NOINLINE void copy(void* to, std::size_t length) noexcept {
    const bytes_view from = bytes(length);
    if (!from.empty()) std::memcpy(to, from.data(), from.size());
  }

 private:
  unsigned level_ = 0;
};

template <typename Type>
[[nodiscard]] bytes_view memory_of(const Type* objects, std::size_t count) noexcept {
  return {static_cast<const char*>(static_cast<const void*>(objects)), count * sizeof(Type)};
}

template <typename Container>
inline constexpr bool is_memory_block = requires(const Container& values) {
  values.data();
}
&&memory_is_encoding<typename Container::value_type>();

template <typename Type>
STRATA_ALWAYS_INLINE void write_value(value_writer& out, const Type& value);

struct value_field_writer {
  value_writer& out;
  template <typename... Fields>
  void operator()(const Fields&... fields) const {
    (write_value(out, fields), ...);
  }
};

// One function for each struct, called and not copied into its callers: what a struct costs the compiler once.
template <typename Structure>
STRATA_NOINLINE void write_structure(value_writer& out, const Structure& value) {
  out.room();
  visit_fields(value, value_field_writer{out});
  out.room();
}

template <typename Tuple, std::size_t... Index>
void write_tuple(value_writer& out, const Tuple& value, std::index_sequence<Index...>) {
  ((write_value(out, get<Index>(value)), out.room()), ...);
}

template <typename Variant, std::size_t... Index>
void write_variant(value_writer& out, const Variant& value, std::index_sequence<Index...>) {
  static_assert(sizeof...(Index) <= 255, "strata: a variant in a value has at most 255 alternatives");
  if (value.valueless_by_exception()) return out.fail();
  out.scalar(static_cast<std::uint8_t>(value.index()));
  static_cast<void>(((value.index() == Index && (write_value(out, *get_if<Index>(&value)), true)) || ...));
}

template <typename Container>
void write_element(value_writer& out, const typename Container::value_type& element) {
  if constexpr (shape_of<Container> == shape::map) {
    write_value(out, element.first);
    write_value(out, element.second);
  } else {
    write_value(out, element);
  }
}

template <typename Container>
void write_container(value_writer& out, const Container& values) {
  out.varint(values.size());
  if constexpr (shape_of<Container> == shape::sequence && is_memory_block<Container>) {
    out.bytes(memory_of(values.data(), values.size()));
  } else if constexpr (requires { typename Container::hasher; }) {
    out.enter();
    element_sorter sorter(out);
    for (const auto& element : values) {
      write_element<Container>(sorter.writer(), element);
      sorter.element_written();
    }
    sorter.write_sorted(out);
    out.leave();
  } else {
    out.enter();
    for (auto&& element : values) {
      if (!out.ok()) break;
      write_element<Container>(out, element);
      out.room();
    }
    out.leave();
  }
}

// What is neither a scalar nor a struct; one function for each type, whatever it stands in.
template <typename Type>
STRATA_NOINLINE void write_compound(value_writer& out, const Type& value) {
  constexpr shape what = shape_of<Type>;
  out.room();
  if constexpr (what == shape::optional) {
    out.scalar(static_cast<std::uint8_t>(value.has_value() ? 1 : 0));
    if (value.has_value()) write_value(out, *value);
  } else if constexpr (what == shape::sequence || what == shape::set || what == shape::map) {
    write_container(out, value);
  } else if constexpr (what == shape::array) {
    for (const auto& element : value) {
      write_value(out, element);
      out.room();
    }
  } else if constexpr (what == shape::tuple) {
    write_tuple(out, value, std::make_index_sequence<std::tuple_size<Type>::value>{});
  } else if constexpr (what == shape::variant) {
    write_variant(out, value, std::make_index_sequence<alternatives_of<Type>::types::size>{});
  } else {
    byte_string own;
    codec<Type>::encode(own, value);
    out.sized(own);
  }
  out.room();
}

template <typename Type>
STRATA_ALWAYS_INLINE void write_value(value_writer& out, const Type& value) {
  constexpr shape what = shape_of<Type>;
  if constexpr (what == shape::boolean) {
    out.scalar(static_cast<std::uint8_t>(value ? 1 : 0));
  } else if constexpr (what == shape::integer || what == shape::enumeration) {
    out.scalar(static_cast<unsigned_of_size<sizeof(Type)>>(value));
  } else if constexpr (what == shape::floating) {
    out.scalar(std::bit_cast<unsigned_of_size<sizeof(Type)>>(value));
  } else if constexpr (what == shape::text) {
    out.sized(value);
  } else if constexpr (what == shape::bytes) {
    out.sized(memory_of(value.data(), value.size()));
  } else if constexpr (memory_is_encoding<Type>()) {
    out.bytes(memory_of(&value, 1));
  } else if constexpr (what == shape::aggregate) {
    write_structure(out, value);
  } else if constexpr (what == shape::duration) {
    write_value(out, value.count());
  } else if constexpr (what == shape::time_point) {
    write_value(out, value.time_since_epoch().count());
  } else if constexpr (what == shape::descending) {
    write_value(out, value.value);
  } else {
    write_compound(out, value);
  }
}

template <typename Type>
STRATA_ALWAYS_INLINE void read_value(value_reader& in, Type& into);

struct value_field_reader {
  value_reader& in;
  template <typename... Fields>
  void operator()(Fields&... fields) const {
    (read_value(in, fields), ...);
  }
};

template <typename Structure>
STRATA_NOINLINE void read_structure(value_reader& in, Structure& into) {
  visit_fields(into, value_field_reader{in});
}

template <typename Tuple, std::size_t... Index>
void read_tuple(value_reader& in, Tuple& into, std::index_sequence<Index...>) {
  (read_value(in, get<Index>(into)), ...);
}

template <typename Variant, std::size_t... Index>
void read_variant(value_reader& in, Variant& into, std::index_sequence<Index...>) {
  const unsigned char index = in.byte_up_to(sizeof...(Index) - 1);
  if (!in.ok()) return;
  static_cast<void>(((index == Index && (read_value(in, into.template emplace<Index>()), true)) || ...));
}

// Elements that are there already are read into, so that their memory is used again.
template <typename Sequence>
void read_sequence(value_reader& in, Sequence& into) {
  using element = typename Sequence::value_type;
  const std::size_t count = in.count(least_bytes<element>());
  into.resize(count);
  if constexpr (is_memory_block<Sequence>) {
    in.copy(into.data(), count * sizeof(element));
  } else {
    in.enter();
    for (auto place = into.begin(); place != into.end() && in.ok(); ++place) {
      if constexpr (std::is_same_v<decltype(*place), element&>) {
        read_value(in, *place);
      } else {
        element value{};
        read_value(in, value);
        *place = value;
      }
    }
    in.leave();
  }
}

// An element that is there twice fails: it cannot have been written.
template <typename Container>
void read_set_or_map(value_reader& in, Container& into) {
  using key = typename Container::key_type;
  into.clear();
  std::size_t least = least_bytes<key>();
  if constexpr (shape_of<Container> == shape::map) least += least_bytes<typename Container::mapped_type>();
  const std::size_t count = in.count(least);
  in.enter();
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    key first{};
    read_value(in, first);
    if constexpr (shape_of<Container> == shape::map) {
      typename Container::mapped_type second{};
      read_value(in, second);
      into.emplace_hint(into.end(), std::move(first), std::move(second));
    } else {
      into.emplace_hint(into.end(), std::move(first));
    }
    if (into.size() != i + 1) in.fail();
  }
  in.leave();
}

template <typename Type>
STRATA_NOINLINE void read_compound(value_reader& in, Type& into) {
  constexpr shape what = shape_of<Type>;
  if constexpr (what == shape::text || what == shape::bytes) {
    const bytes_view bytes = in.sized();
    into.resize(bytes.size());
    if (!bytes.empty()) std::memcpy(into.data(), bytes.data(), bytes.size());
  } else if constexpr (what == shape::optional) {
    if (in.byte_up_to(1) == 0) return into.reset();
    read_value(in, into.has_value() ? *into : into.emplace());
  } else if constexpr (what == shape::sequence) {
    read_sequence(in, into);
  } else if constexpr (what == shape::set || what == shape::map) {
    read_set_or_map(in, into);
  } else if constexpr (what == shape::array) {
    for (auto& element : into) read_value(in, element);
  } else if constexpr (what == shape::tuple) {
    read_tuple(in, into, std::make_index_sequence<std::tuple_size<Type>::value>{});
  } else if constexpr (what == shape::variant) {
    read_variant(in, into, std::make_index_sequence<alternatives_of<Type>::types::size>{});
  } else if constexpr (what == shape::duration) {
    typename Type::rep count{};
    read_value(in, count);
    into = Type(count);
  } else if constexpr (what == shape::time_point) {
    time_point_representation<Type> count{};
    read_value(in, count);
    into = Type(typename Type::duration(count));
  } else {
    const bytes_view own = in.sized();
    if (in.ok() && !codec<Type>::decode(own, into)) in.fail();
  }
}

template <typename Type>
STRATA_ALWAYS_INLINE void read_value(value_reader& in, Type& into) {
  constexpr shape what = shape_of<Type>;
  if constexpr (what == shape::boolean) {
    into = in.byte_up_to(1) != 0;
  } else if constexpr (what == shape::integer) {
    into = static_cast<Type>(in.fixed<unsigned_of_size<sizeof(Type)>>());
  } else if constexpr (what == shape::enumeration) {
    std::underlying_type_t<Type> number{};
    read_value(in, number);
    into = static_cast<Type>(number);
  } else if constexpr (what == shape::floating) {
    into = std::bit_cast<Type>(in.fixed<unsigned_of_size<sizeof(Type)>>());
  } else if constexpr (std::is_same_v<Type, byte_string>) {
    in.text(into);
  } else if constexpr (memory_is_encoding<Type>()) {
    in.copy(&into, sizeof into);
  } else if constexpr (what == shape::aggregate) {
    read_structure(in, into);
  } else if constexpr (what == shape::descending) {
    read_value(in, into.value);
  } else {
    read_compound(in, into);
  }
}

// A type's two functions without the type in them: what goes around them is then compiled once, and not for each type.
using write_function = void (*)(value_writer& out, const void* value);
using read_function = void (*)(value_reader& in, void* into);

template <typename Type>
void write_whole(value_writer& out, const void* value) {
  write_value(out, *static_cast<const Type*>(value));
}

template <typename Type>
void read_whole(value_reader& in, void* into) {
  read_value(in, *static_cast<Type*>(into));
}

}  // namespace detail

}  // namespace strata::inline STRATA_ABI

#endif
