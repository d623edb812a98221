#include "test.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <span>
#include <tuple>
#include <variant>

#include <strata/codec/ordered_key.hpp>
#include <strata/codec/uuid.hpp>

namespace {

using strata::byte_string;
using strata::bytes_view;
using strata::descending;
using strata::errc;
using strata::key_codec;

struct dice {
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t z = (state += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
};

// Random pairs for each key type; STRATA_LONG in the environment asks for the number that the format was frozen with.
constexpr std::uint64_t pairs_normally = 200'000;
constexpr std::uint64_t pairs_in_long_run = 10'000'000;
std::uint64_t pairs() { return std::getenv("STRATA_LONG") != nullptr ? pairs_in_long_run : pairs_normally; }

enum class color : std::int16_t { red = -2, green = 0, blue = 300 };

struct place {
  std::string street;
  std::int32_t number = 0;
  std::string city;
  auto operator<=>(const place&) const = default;
};

struct money {
  std::int64_t cents = 0;
  bool operator==(const money&) const = default;
  bool operator<(const money& other) const { return cents < other.cents; }
};

}  // namespace

template <>
struct strata::codec<money> {
  static constexpr std::string_view name = "money";
  static void encode(byte_string& out, const money& value) { out += std::to_string(value.cents); }
  static bool decode(bytes_view, money&) { return false; }
  static void encode_key(byte_string& out, const money& value) { detail::append_ordered_integer(out, value.cents); }
  static bool decode_key(bytes_view bytes, money& into) {
    detail::ordered_reader in(bytes);
    into.cents = in.integer<std::int64_t>();
    return in.complete();
  }
};

namespace {

// Random values, close to one another and to the edges.
template <typename Value>
struct make;

template <typename Value>
requires std::is_integral_v<Value>
struct make<Value> {
  static Value one(dice& r) {
    const auto wide = r.next();
    switch (r.below(4)) {
      case 0:
        return static_cast<Value>(wide % 5 - 2);
      case 1:
        return static_cast<Value>(std::numeric_limits<Value>::max() - static_cast<Value>(wide & 1));
      case 2:
        return static_cast<Value>(std::numeric_limits<Value>::min() + static_cast<Value>(wide & 1));
      default:
        return static_cast<Value>(wide);
    }
  }
};
template <>
struct make<bool> {
  static bool one(dice& r) { return r.below(2) == 0; }
};
template <>
struct make<color> {
  static color one(dice& r) { return static_cast<color>(make<std::int16_t>::one(r)); }
};
template <typename Value>
requires std::is_floating_point_v<Value>
struct make<Value> {
  static Value one(dice& r) {
    using bits = std::conditional_t<sizeof(Value) == 4, std::uint32_t, std::uint64_t>;
    constexpr Value edges[] = {0,
                               -Value{0},
                               1,
                               -1,
                               std::numeric_limits<Value>::infinity(),
                               -std::numeric_limits<Value>::infinity(),
                               std::numeric_limits<Value>::denorm_min(),
                               -std::numeric_limits<Value>::denorm_min(),
                               std::numeric_limits<Value>::lowest()};
    if (r.below(3) == 0) return edges[r.below(std::size(edges))];
    const auto value = std::bit_cast<Value>(static_cast<bits>(r.next()));
    return value == value ? value : Value{7};
  }
};
template <>
struct make<std::string> {
  static std::string one(dice& r) {
    constexpr char letters[] = {'\0', '\x01', '\xFE', '\xFF', 'a'};
    std::string text(r.below(5), ' ');
    for (char& letter : text) letter = letters[r.below(std::size(letters))];
    return text;
  }
};
template <>
struct make<std::vector<std::byte>> {
  static std::vector<std::byte> one(dice& r) {
    std::vector<std::byte> bytes;
    for (const char letter : make<std::string>::one(r)) bytes.push_back(static_cast<std::byte>(letter));
    return bytes;
  }
};
template <typename Value>
struct make<std::optional<Value>> {
  static std::optional<Value> one(dice& r) {
    if (r.below(4) == 0) return std::nullopt;
    return make<Value>::one(r);
  }
};
template <typename... Values>
struct make<std::tuple<Values...>> {
  static std::tuple<Values...> one(dice& r) { return std::tuple<Values...>{make<Values>::one(r)...}; }
};
template <typename First, typename Second>
struct make<std::pair<First, Second>> {
  static std::pair<First, Second> one(dice& r) { return {make<First>::one(r), make<Second>::one(r)}; }
};
template <typename Value, std::size_t Count>
struct make<std::array<Value, Count>> {
  static std::array<Value, Count> one(dice& r) {
    std::array<Value, Count> values;
    for (Value& value : values) value = make<Value>::one(r);
    return values;
  }
};
template <typename... Values>
struct make<std::variant<Values...>> {
  static std::variant<Values...> one(dice& r) {
    std::variant<Values...> value;
    const std::size_t index = r.below(sizeof...(Values));
    std::size_t at = 0;
    ((at++ == index ? static_cast<void>(value = make<Values>::one(r)) : static_cast<void>(0)), ...);
    return value;
  }
};
template <typename Value>
struct make<descending<Value>> {
  static descending<Value> one(dice& r) { return descending<Value>(make<Value>::one(r)); }
};
template <>
struct make<place> {
  static place one(dice& r) {
    return {make<std::string>::one(r), static_cast<std::int32_t>(r.below(3)) - 1, make<std::string>::one(r)};
  }
};
template <>
struct make<money> {
  static money one(dice& r) { return {make<std::int64_t>::one(r)}; }
};
template <>
struct make<std::chrono::sys_time<std::chrono::milliseconds>> {
  static std::chrono::sys_time<std::chrono::milliseconds> one(dice& r) {
    return std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(make<std::int64_t>::one(r)));
  }
};
template <>
struct make<strata::uuid> {
  static strata::uuid one(dice& r) { return {make<std::array<std::uint8_t, 16>>::one(r)}; }
};

template <typename Key>
byte_string encoded(const Key& key) {
  byte_string out;
  key_codec<Key>::encode(out, key).value();
  return out;
}

std::string hex(bytes_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    text.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) >> 4]);
    text.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) & 15]);
  }
  return text;
}

}  // namespace

TEMPLATE_TEST_CASE("ordered key: bytes order as values do, and decode to the value", "", bool, std::uint8_t,
                   std::uint16_t, std::uint32_t, std::uint64_t, std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                   color, float, double, std::string, std::vector<std::byte>, std::optional<std::string>,
                   (std::pair<std::string, std::string>), (std::tuple<std::string, std::int8_t, std::string>),
                   (std::array<std::string, 2>), (std::variant<std::int32_t, std::string, bool>),
                   descending<std::string>, descending<std::int32_t>,
                   (std::tuple<descending<std::string>, std::uint8_t>), place, descending<place>, money,
                   (std::tuple<std::pair<std::string, std::optional<std::string>>, std::string>),
                   (std::tuple<money, std::string>), descending<descending<std::string>>,
                   (descending<std::tuple<std::string, std::optional<std::int8_t>>>), strata::uuid,
                   std::chrono::sys_time<std::chrono::milliseconds>,
                   (std::optional<std::variant<std::string, double>>)) {
  dice r{7};
  byte_string a_bytes, b_bytes, again;
  TestType decoded{};
  for (std::uint64_t i = 0, count = pairs(); i < count; ++i) {
    const TestType a = make<TestType>::one(r);
    const TestType b = make<TestType>::one(r);
    a_bytes.clear();
    b_bytes.clear();
    key_codec<TestType>::encode(a_bytes, a).value();
    key_codec<TestType>::encode(b_bytes, b).value();
    const bool right = (a_bytes < b_bytes) == (a < b) && (a_bytes == b_bytes) == (a == b) &&
                       key_codec<TestType>::decode_into(a_bytes, decoded).has_value() && decoded == a;
    if (!right) FAIL("pair " << i << ": " << hex(a_bytes) << " and " << hex(b_bytes));
  }
  SUCCEED();
}

TEMPLATE_TEST_CASE("ordered key: what decodes is what encoding gives, for every truncation and every changed byte", "",
                   bool, std::int32_t, double, float, std::string, std::optional<std::string>,
                   (std::tuple<std::string, double>), (std::variant<std::int32_t, std::string, bool>),
                   descending<place>, place, money, (std::array<descending<std::string>, 2>), std::vector<std::byte>,
                   strata::uuid) {
  dice r{11};
  std::uint64_t refused = 0;
  for (int round = 0; round < 60; ++round) {
    const byte_string whole = encoded(make<TestType>::one(r));
    const auto check = [&](const byte_string& bytes) {
      const auto key = key_codec<TestType>::decode(bytes);
      if (!key.has_value()) {
        ++refused;
        REQUIRE(key.error().code() == errc::decode_failed);
      } else {
        REQUIRE(hex(encoded(*key)) == hex(bytes));
      }
    };
    for (std::size_t length = 0; length < whole.size(); ++length) check(whole.substr(0, length));
    for (std::size_t at = 0; at < whole.size(); ++at)
      for (int value = 0; value < 256; ++value) {
        byte_string changed = whole;
        changed[at] = static_cast<char>(value);
        check(changed);
      }
    check(whole + '\0');
  }
  CHECK(refused > 0);
}

TEST_CASE("ordered key: the bytes are frozen") {
  using namespace std::string_literals;
  CHECK(hex(encoded(true)) == "01");
  CHECK(hex(encoded(std::uint32_t{0x01020304})) == "01020304");
  CHECK(hex(encoded(std::int32_t{-1})) == "7fffffff");
  CHECK(hex(encoded(std::int64_t{1})) == "8000000000000001");
  CHECK(hex(encoded(std::int8_t{-128})) == "00");
  CHECK(hex(encoded(color::blue)) == "812c");
  CHECK(hex(encoded(1.0)) == "bff0000000000000");
  CHECK(hex(encoded(-1.0)) == "400fffffffffffff");
  CHECK(hex(encoded(0.0)) == "8000000000000000");
  CHECK(hex(encoded(-0.0)) == "8000000000000000");
  CHECK(hex(encoded(-1.5F)) == "403fffff");
  CHECK(hex(encoded("ab"s)) == "6162");
  CHECK(hex(encoded("a\0b"s)) == "6100ff62");
  CHECK(hex(encoded(std::vector{std::byte{0}, std::byte{9}})) == "00ff09");
  CHECK(hex(encoded(std::pair{"a\0"s, "b"s})) == "6100ff000162");
  CHECK(hex(encoded(std::pair{std::pair{std::uint8_t{7}, "a"s}, "b"s})) == "0761000162");
  CHECK(hex(encoded(std::optional<std::string>{})) == "00");
  CHECK(hex(encoded(std::optional<std::string>{"x"})) == "0178");
  CHECK(hex(encoded(std::variant<std::uint8_t, std::string>{"x"})) == "0178");
  CHECK(hex(encoded(descending<std::uint16_t>(1))) == "fffe");
  CHECK(hex(encoded(descending<std::string>("a"))) == "9efffe");
  CHECK(hex(encoded(std::array<std::uint8_t, 3>{1, 2, 3})) == "010203");
  CHECK(hex(encoded(place{"s", 1, "c"})) ==
        "730001800000"
        "0163");
  CHECK(hex(encoded(std::tuple{money{1}, std::uint8_t{2}})) == "8000ff00ff00ff00ff00ff00ff01000102");
  CHECK(hex(encoded(std::chrono::milliseconds(5))) == "8000000000000005");
  strata::uuid id;
  for (std::size_t i = 0; i < 16; ++i) id.bytes[i] = static_cast<std::uint8_t>(i);
  CHECK(hex(encoded(id)) == "000102030405060708090a0b0c0d0e0f");
}

TEST_CASE("ordered key: what has no place in an order, or no room, is an error and leaves the output alone") {
  byte_string out = "kept";
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(key_codec<double>::encode(out, nan).error().code() == errc::invalid_argument);
  const std::pair<std::string, double> pair{"a", nan};
  CHECK(strata::append_key(out, pair).error().code() == errc::invalid_argument);
  CHECK(key_codec<std::string>::encode(out, std::string(65'536, 'x')).error().code() == errc::key_too_large);
  CHECK(key_codec<std::string>::encode(out, std::string(40'000, '\0')).error().code() == errc::key_too_large);
  CHECK(out == "kept");
  CHECK(key_codec<std::string>::encode(out, std::string(65'535, 'x')).has_value());
}

TEST_CASE("ordered key: look-ups need not be keys") {
  const auto look_up = []<typename Key, typename Lookup>(const Key& key, const Lookup& lookup) {
    byte_string out;
    key_codec<Key>::encode(out, lookup).value();
    return out == encoded(key);
  };
  CHECK(look_up(std::string("abc"), std::string_view("abc")));
  CHECK(look_up(std::string("abc"), "abc"));
  CHECK(look_up(std::uint64_t{5}, std::uint8_t{5}));
  CHECK(look_up(std::pair{std::string("a"), 1}, std::pair{std::string_view("a"), 1}));
  CHECK(look_up(place{"a", 1, "b"}, std::tuple{std::string_view("a"), 1, std::string_view("b")}));
}

TEST_CASE("ordered key: a number of another type is that number or an error, and never cut to fit") {
  const auto as = []<typename Key, typename Lookup>(Key, Lookup lookup) {
    byte_string out = "kept";
    const strata::result<void> done = key_codec<Key>::encode(out, lookup);
    if (!done) {
      CHECK(done.error().code() == errc::invalid_argument);
      CHECK(out == "kept");
      return false;
    }
    CHECK(out == "kept" + encoded(static_cast<Key>(lookup)));
    return true;
  };
  CHECK(as(std::int64_t{}, 1));
  CHECK(as(std::int64_t{}, -1));
  CHECK(as(std::uint32_t{}, 0));
  CHECK_FALSE(as(std::uint32_t{}, -1));
  CHECK(as(std::uint8_t{}, 255));
  CHECK_FALSE(as(std::uint8_t{}, 256));
  CHECK(as(std::int8_t{}, -128));
  CHECK_FALSE(as(std::int8_t{}, -129));
  CHECK_FALSE(as(std::int8_t{}, 128u));
  CHECK_FALSE(as(std::int64_t{}, UINT64_MAX));
  CHECK_FALSE(as(std::uint64_t{}, INT64_MIN));
  CHECK(as(float{}, 1 << 24));
  CHECK_FALSE(as(float{}, (1 << 24) + 1));
  CHECK(as(double{}, INT64_MIN));
  CHECK_FALSE(as(double{}, INT64_MAX));
  CHECK_FALSE(as(double{}, UINT64_MAX));
  CHECK(as(double{}, 0.1f));
  CHECK(as(float{}, 0.5));
  CHECK(as(float{}, -std::numeric_limits<double>::infinity()));
  CHECK_FALSE(as(float{}, 0.1));
  CHECK_FALSE(as(float{}, 1e300));
  CHECK_FALSE(as(float{}, std::numeric_limits<double>::quiet_NaN()));

  enum open_number { small = 1, big = 300 };
  CHECK(as(std::uint8_t{}, small));
  CHECK_FALSE(as(std::uint8_t{}, big));
  CHECK(as(std::chrono::milliseconds{}, std::chrono::seconds(2)));
  CHECK_FALSE(as(std::chrono::duration<std::uint8_t>{}, std::chrono::seconds(256)));
  CHECK_FALSE(as(std::chrono::duration<std::uint32_t>{}, std::chrono::duration<int>(-1)));
}

TEST_CASE("ordered key: a time of a coarser unit is that time or an error, up to the last that fits") {
  using std::chrono::duration;
  const auto holds = []<typename Key, typename Lookup>(Key, Lookup lookup) {
    byte_string out;
    const bool done = key_codec<Key>::encode(out, lookup).has_value();
    CHECK((!done || out == encoded(Key(lookup))));
    return done;
  };
  using nanoseconds = std::chrono::sys_time<std::chrono::nanoseconds>;
  using std::chrono::seconds;
  using std::chrono::sys_seconds;
  constexpr std::int64_t last = INT64_MAX / 1'000'000'000;
  CHECK(holds(nanoseconds{}, sys_seconds(seconds(last))));
  CHECK(holds(nanoseconds{}, sys_seconds(seconds(-last))));
  CHECK_FALSE(holds(nanoseconds{}, sys_seconds(seconds(last + 1))));
  CHECK_FALSE(holds(nanoseconds{}, sys_seconds(seconds(-last - 1))));
  CHECK_FALSE(holds(nanoseconds{}, sys_seconds(seconds(23'036'486'400))));
  CHECK_FALSE(holds(nanoseconds{}, sys_seconds(seconds(INT64_MIN))));
  CHECK_FALSE(holds(std::chrono::nanoseconds{}, std::chrono::hours(2'562'048)));
  CHECK(holds(std::chrono::nanoseconds{}, std::chrono::hours(2'562'047)));
  // Periods that are no multiples of a power of ten, or of one another's terms.
  CHECK(holds(duration<std::int8_t, std::ratio<1, 6>>{}, duration<int, std::ratio<3, 2>>(14)));
  CHECK_FALSE(holds(duration<std::int8_t, std::ratio<1, 6>>{}, duration<int, std::ratio<3, 2>>(15)));
  // One step of the coarser unit is already more than the key's type holds.
  CHECK(holds(duration<std::uint8_t, std::milli>{}, seconds(0)));
  CHECK_FALSE(holds(duration<std::uint8_t, std::milli>{}, seconds(1)));
  CHECK(holds(duration<std::uint64_t>{}, duration<std::uint64_t>(UINT64_MAX)));
  CHECK(holds(duration<std::uint64_t>{}, duration<std::int64_t>(INT64_MAX)));
  CHECK_FALSE(holds(duration<std::int64_t>{}, duration<std::uint64_t>(UINT64_MAX)));
  CHECK_FALSE(holds(duration<std::uint64_t, std::milli>{}, duration<std::int64_t>(-1)));
  // Counts that are no integers keep what the conversion keeps.
  CHECK(holds(duration<double>{}, std::chrono::milliseconds(500)));
  CHECK_FALSE(holds(duration<float>{}, duration<double>(1e300)));
}

TEST_CASE("ordered key: numbers within a look-up are not cut to fit either") {
  using strata::result;
  byte_string out;
  const auto refused = [&](const result<void>& done) {
    return !done && done.error().code() == errc::invalid_argument && out.empty();
  };
  using two = std::tuple<std::uint8_t, std::string>;
  CHECK(refused(key_codec<two>::encode(out, std::tuple{300, "a"})));
  CHECK(refused(key_codec<two>::encode_leading(out, 300)));
  CHECK(refused(key_codec<std::optional<std::uint8_t>>::encode(out, 300)));
  CHECK(refused(key_codec<std::optional<std::uint8_t>>::encode(out, std::optional(300))));
  CHECK(refused(key_codec<descending<std::uint8_t>>::encode(out, descending(300))));
  CHECK(refused(key_codec<std::array<std::uint8_t, 2>>::encode(out, std::array{1, 300})));
  CHECK(refused(key_codec<place>::encode(out, std::tuple{"a", INT64_MAX, "b"})));
  REQUIRE(key_codec<two>::encode_leading(out, 200).has_value());
  CHECK(hex(out) == "c8");
}

TEST_CASE("ordered key: what is made of other types of the same values finds the key") {
  const auto finds = []<typename Key, typename Lookup>(const Key& key, const Lookup& lookup) {
    byte_string out;
    key_codec<Key>::encode(out, lookup).value();
    return out == encoded(key);
  };
  CHECK(finds(place{"a", 1, "b"}, std::tuple{"a", std::int64_t{1}, std::string_view("b")}));
  CHECK(finds(std::tuple{std::pair{std::string("a"), 1}, 2}, std::pair{std::pair{"a", 1L}, 2L}));
  CHECK(finds(std::optional<std::string>("a"), "a"));
  CHECK(finds(std::optional<std::string>("a"), std::optional<std::string_view>("a")));
  CHECK(finds(std::optional<int>(), std::nullopt));
  CHECK(finds(descending<std::int64_t>(5), descending<int>(5)));
  CHECK(finds(std::array<std::int64_t, 2>{1, 2}, std::array<int, 2>{1, 2}));
  using named = std::variant<std::string, std::int64_t>;
  CHECK(finds(named("a"), std::variant<std::string_view, int>("a")));
  CHECK(finds(named(std::int64_t{7}), std::variant<std::string_view, int>(7)));
  const std::vector<std::byte> bytes{std::byte{1}, std::byte{0}, std::byte{2}};
  CHECK(finds(bytes, std::span<const std::byte>(bytes)));
  CHECK(finds(std::pair{bytes, 1}, std::pair{std::span<const std::byte>(bytes), 1}));
  byte_string prefix;
  key_codec<std::vector<std::byte>>::encode_prefix(prefix, std::span<const std::byte>(bytes)).value();
  CHECK(prefix == encoded(bytes));
}

TEST_CASE("ordered key: a string key is read without a copy unless it has a zero byte") {
  byte_string scratch;
  const byte_string plain = encoded(std::string("plain"));
  CHECK(key_codec<std::string>::decode_view(plain, scratch).value().data() == plain.data());
  const byte_string zero = encoded(std::string("a\0b", 3));
  CHECK(key_codec<std::string>::decode_view(zero, scratch).value() == bytes_view("a\0b", 3));
  CHECK(key_codec<std::string>::decode_view(bytes_view("a\0", 2), scratch).error().code() == errc::decode_failed);
  CHECK(key_codec<std::string>::decode_view("", scratch).value().empty());
}

TEST_CASE("ordered key: an encoded prefix begins exactly the keys that begin with it") {
  dice r{3};
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = make<std::string>::one(r);
    const std::string prefix = make<std::string>::one(r);
    byte_string start;
    key_codec<std::string>::encode_prefix(start, prefix).value();
    const bool begins = encoded(key).compare(0, start.size(), start) == 0;
    REQUIRE(begins == (key.compare(0, prefix.size(), prefix) == 0));

    const place whole = make<place>::one(r);
    byte_string leading;
    key_codec<place>::encode_leading(leading, prefix).value();
    REQUIRE((encoded(whole).compare(0, leading.size(), leading) == 0) == (whole.street == prefix));
    leading.clear();
    key_codec<place>::encode_leading(leading, std::string_view(prefix), 1).value();
    key_codec<std::string>::encode_prefix(leading, key).value();
    REQUIRE((encoded(whole).compare(0, leading.size(), leading) == 0) ==
            (whole.street == prefix && whole.number == 1 && whole.city.compare(0, key.size(), key) == 0));
  }
}

TEST_CASE("ordered key: fingerprints tell encodings apart and not names") {
  using strata::key_fingerprint;
  struct other_names {
    std::string a;
    std::int32_t b = 0;
    std::string c;
  };
  struct other_order {
    std::int32_t number = 0;
    std::string street;
    std::string city;
  };
  static_assert(key_fingerprint<place> == key_fingerprint<other_names>);
  static_assert(key_fingerprint<place> == key_fingerprint<std::tuple<std::string, std::int32_t, std::string>>);
  static_assert(key_fingerprint<place> != key_fingerprint<other_order>);
  static_assert(key_fingerprint<std::string> == key_fingerprint<std::string_view>);
  const std::uint64_t different[] = {key_fingerprint<std::int32_t>,
                                     key_fingerprint<std::int64_t>,
                                     key_fingerprint<std::uint32_t>,
                                     key_fingerprint<float>,
                                     key_fingerprint<double>,
                                     key_fingerprint<std::string>,
                                     key_fingerprint<std::vector<std::byte>>,
                                     key_fingerprint<descending<std::string>>,
                                     key_fingerprint<std::optional<std::string>>,
                                     key_fingerprint<std::array<std::string, 2>>,
                                     key_fingerprint<bool>,
                                     key_fingerprint<std::chrono::seconds>,
                                     key_fingerprint<std::chrono::milliseconds>,
                                     key_fingerprint<std::pair<std::pair<bool, bool>, bool>>,
                                     key_fingerprint<std::tuple<bool, bool, bool>>,
                                     key_fingerprint<money>};
  for (const std::uint64_t& a : different)
    for (const std::uint64_t& b : different) CHECK((a == b) == (&a == &b));
  CHECK(key_fingerprint<std::int32_t> == 0xaf63c54c8601c577);
}
