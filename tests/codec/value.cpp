#include "test.hpp"

#include <array>
#include <chrono>
#include <limits>
#include <list>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>

#include <strata/codec/uuid.hpp>
#include <strata/codec/value.hpp>

namespace {

using strata::byte_string;
using strata::bytes_view;
using strata::errc;
using strata::evolution;

constexpr auto no_evolution = [](std::uint32_t) -> const evolution* { return nullptr; };

struct dice {
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t z = (state += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  std::string text() {
    std::string made(below(4) == 0 ? below(2000) : below(6), ' ');
    for (char& letter : made) letter = static_cast<char>(next());
    return made;
  }
};

std::string hex(bytes_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    text.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) >> 4]);
    text.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) & 15]);
  }
  return text;
}

template <typename Value>
byte_string encoded(const Value& value, std::uint32_t id = 1) {
  byte_string out;
  strata::encode_value(out, id, value).value();
  return out;
}

template <typename Value>
strata::result<Value> decoded(bytes_view record) {
  Value value{};
  STRATA_TRY(strata::decode_value(record, 1, no_evolution, value));
  return value;
}

enum class color : std::uint16_t { red = 1, blue = 0x0203 };

struct point {
  double x = 0;
  double y = 0;
  bool operator==(const point&) const = default;
};

struct money {
  std::int64_t cents = 0;
  bool operator==(const money&) const = default;
};

struct tree {
  std::int32_t label = 0;
  std::vector<tree> children;
  bool operator==(const tree&) const = default;
};

struct everything {
  bool flag = false;
  char letter = 'a';
  std::int16_t small = -2;
  std::uint64_t large = 0;
  float ratio = 0;
  double exact = 0;
  color tint = color::red;
  std::string text;
  std::vector<std::byte> blob;
  std::optional<std::string> maybe;
  std::variant<std::int32_t, std::string, std::monostate> either;
  std::tuple<std::int8_t, std::string> both{};
  std::pair<bool, std::uint32_t> couple{};
  std::array<std::string, 2> two{};
  std::vector<std::int32_t> numbers;
  std::vector<bool> bits;
  std::vector<point> points;
  std::list<std::string> names;
  std::map<std::string, std::vector<std::int32_t>> by_name;
  std::set<std::int64_t> some;
  std::unordered_map<std::string, std::int32_t> counts;
  std::unordered_set<std::string> words;
  std::chrono::milliseconds wait{};
  std::chrono::sys_time<std::chrono::microseconds> when{};
  money price{};
  tree nested;
  strata::uuid id{};
  bool operator==(const everything&) const = default;
};

everything make_everything(dice& r) {
  everything e;
  e.flag = r.below(2) == 0;
  e.letter = static_cast<char>(r.next());
  e.small = static_cast<std::int16_t>(r.next());
  e.large = r.next();
  e.ratio = static_cast<float>(r.below(1000)) / 7;
  e.exact = static_cast<double>(r.below(1000)) / 7;
  e.tint = static_cast<color>(r.next());
  e.text = r.text();
  e.blob.resize(r.below(5), std::byte{9});
  if (r.below(2) == 0) e.maybe = r.text();
  if (r.below(2) == 0) e.either = r.text();
  if (r.below(4) == 0) e.either = std::monostate();
  e.both = {static_cast<std::int8_t>(r.next()), r.text()};
  e.couple = {r.below(2) == 0, static_cast<std::uint32_t>(r.next())};
  e.two = {r.text(), r.text()};
  for (auto n = r.below(5); n != 0; --n) {
    e.numbers.push_back(static_cast<std::int32_t>(r.next()));
    e.bits.push_back(r.below(2) == 0);
    e.points.push_back({1.5, static_cast<double>(n)});
    e.names.push_back(r.text());
    e.by_name[r.text()] = e.numbers;
    e.some.insert(static_cast<std::int64_t>(r.next()));
    e.counts[r.text()] = static_cast<std::int32_t>(n);
    e.words.insert(r.text());
    e.nested.children.push_back({static_cast<std::int32_t>(n), e.nested.children});
  }
  e.wait = std::chrono::milliseconds(r.below(1000));
  e.when += std::chrono::microseconds(r.next() >> 2);
  e.price.cents = static_cast<std::int64_t>(r.next());
  e.id.bytes[15] = static_cast<std::uint8_t>(r.next());
  return e;
}

tree chain(unsigned length) {
  tree whole;
  for (unsigned i = 0; i < length; ++i) {
    tree outer;
    outer.children.push_back(std::move(whole));
    whole = std::move(outer);
  }
  return whole;
}

}  // namespace

template <>
struct strata::codec<money> {
  static constexpr std::string_view name = "money";
  static void encode(byte_string& out, const money& value) { out += std::to_string(value.cents); }
  static bool decode(bytes_view bytes, money& into) {
    if (bytes.empty() || bytes.size() > 20) return false;
    const bool negative = bytes.front() == '-';
    std::uint64_t cents = 0;
    for (const char digit : bytes.substr(negative ? 1 : 0)) {
      if (digit < '0' || digit > '9') return false;
      cents = cents * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    into.cents = static_cast<std::int64_t>(negative ? 0 - cents : cents);
    return true;
  }
};

TEST_CASE("value: what is encoded decodes to an equal value, also into one that was used before") {
  dice r{1};
  everything used;
  for (int i = 0; i < 3000; ++i) {
    const everything value = make_everything(r);
    const byte_string record = encoded(value);
    REQUIRE(strata::decode_value(record, 1, no_evolution, used).has_value());
    REQUIRE(used == value);
    REQUIRE(encoded(used) == record);
  }
}

TEST_CASE("value: many scalars in a row, and strings of every length around the writer's buffer, survive") {
  std::array<std::array<bool, 300>, 9> flags{};
  flags[8][299] = true;
  CHECK(decoded<decltype(flags)>(encoded(flags)).value() == flags);
  std::vector<std::optional<std::int64_t>> many(5000, 7);
  many[4999] = std::nullopt;
  CHECK(decoded<decltype(many)>(encoded(many)).value() == many);
  for (std::size_t length = 0; length < 2200; ++length) {
    const std::tuple<std::string, std::int64_t, std::string> value{std::string(length, 'x'), -1,
                                                                   std::string(length / 2, 'y')};
    REQUIRE(decoded<std::tuple<std::string, std::int64_t, std::string>>(encoded(value)).value() == value);
  }
}

TEST_CASE("value: every truncation and every changed byte gives an error or a value") {
  dice r{5};
  std::uint64_t refused = 0;
  for (int round = 0; round < 4; ++round) {
    everything value = make_everything(r);
    value.text.resize(3);
    const byte_string record = encoded(value);
    for (std::size_t length = 0; length < record.size(); ++length)
      REQUIRE(decoded<everything>(record.substr(0, length)).error().code() == errc::decode_failed);
    REQUIRE(decoded<everything>(record + 'x').error().code() == errc::decode_failed);
    for (std::size_t at = 0; at < record.size(); ++at)
      for (const int change : {0x01, 0x80, 0xFF, 0x7F}) {
        byte_string changed = record;
        changed[at] = static_cast<char>(changed[at] ^ change);
        const auto result = decoded<everything>(changed);
        if (!result) {
          ++refused;
          REQUIRE(result.error().code() == errc::decode_failed);
        }
      }
  }
  // A small record of nearly every kind of type, with every value of every byte.
  const everything small{.text = "t",
                         .blob = {std::byte{1}},
                         .maybe = "m",
                         .either = std::string("e"),
                         .numbers = {1},
                         .bits = {true},
                         .points = {{1, 2}},
                         .names = {"n", "o"},
                         .by_name = {{"k", {1}}},
                         .some = {1, 2},
                         .counts = {{"c", 1}, {"d", 2}},
                         .words = {"w", "x"},
                         .nested = {1, {{2, {}}}}};
  const byte_string record = encoded(small);
  REQUIRE(decoded<everything>(record).value() == small);
  for (std::size_t at = 0; at < record.size(); ++at)
    for (int value = 0; value < 256; ++value) {
      byte_string changed = record;
      changed[at] = static_cast<char>(value);
      const auto result = decoded<everything>(changed);
      if (!result) REQUIRE(result.error().code() == errc::decode_failed);
    }
  CHECK(refused > 100);
}

TEST_CASE("value: a count of elements that cannot be there fails before anything is allocated") {
  byte_string record;
  strata::append_varint(record, 1);
  strata::append_varint(record, std::uint64_t{1} << 40);
  record += "few bytes";
  CHECK(decoded<std::vector<std::int64_t>>(record).error().code() == errc::decode_failed);
  CHECK(decoded<std::vector<std::string>>(record).error().code() == errc::decode_failed);
  CHECK(decoded<std::map<std::int32_t, bool>>(record).error().code() == errc::decode_failed);
  CHECK(decoded<std::string>(record).error().code() == errc::decode_failed);
}

TEST_CASE("value: the bytes are frozen") {
  CHECK(hex(encoded(std::uint32_t{0x01020304}, 300)) == "ac0204030201");
  CHECK(hex(encoded(true)) == "0101");
  CHECK(hex(encoded(std::int16_t{-2})) == "01feff");
  CHECK(hex(encoded(color::blue)) == "010302");
  CHECK(hex(encoded(1.0)) == "01000000000000f03f");
  CHECK(hex(encoded(std::string("ab"))) == "01026162");
  CHECK(hex(encoded(std::string_view("ab"))) == "01026162");
  CHECK(hex(encoded(std::vector{std::byte{7}})) == "010107");
  CHECK(hex(encoded(std::optional<bool>())) == "0100");
  CHECK(hex(encoded(std::optional<bool>(false))) == "010100");
  CHECK(hex(encoded(std::variant<bool, std::string>("x"))) == "01010178");
  CHECK(hex(encoded(std::vector<std::int16_t>{1, -1})) == "01020100ffff");
  CHECK(hex(encoded(std::vector<bool>{true, false})) == "01020100");
  CHECK(hex(encoded(std::array<std::uint8_t, 3>{1, 2, 3})) == "01010203");
  CHECK(hex(encoded(std::pair<bool, std::string>(true, "x"))) == "01010178");
  CHECK(hex(encoded(std::map<std::string, bool>{{"b", true}, {"a", false}})) == "0102016100016201");
  CHECK(hex(encoded(std::unordered_map<std::string, bool>{{"b", true}, {"a", false}})) == "0102016100016201");
  CHECK(hex(encoded(std::set<std::uint8_t>{9, 3})) == "01020309");
  CHECK(hex(encoded(std::chrono::milliseconds(5))) == "010500000000000000");
  CHECK(hex(encoded(point{1, 0})) == "01000000000000f03f0000000000000000");
  CHECK(hex(encoded(money{-12})) == "01032d3132");
  CHECK(hex(strata::schema_description<money>()) == "19056d6f6e6579");
  CHECK(hex(encoded(tree{1, {{2, {}}}})) == "0101000000010200000000");
}

TEST_CASE("value: containers without an order have one encoding for equal contents") {
  dice r{9};
  std::vector<std::string> words;
  for (int i = 0; i < 500; ++i) words.push_back(r.text() + std::to_string(i));
  std::unordered_set<std::string> a(words.begin(), words.end());
  std::unordered_set<std::string> b(words.rbegin(), words.rend(), 7919);
  CHECK(encoded(a) == encoded(b));
  CHECK(decoded<std::unordered_set<std::string>>(encoded(a)).value() == b);
}

TEST_CASE("value: containers nest a hundred deep and no deeper, both ways") {
  CHECK(decoded<tree>(encoded(chain(99))).value() == chain(99));
  byte_string out = "kept";
  CHECK(strata::encode_value(out, 1, chain(100)).error().code() == errc::invalid_argument);
  CHECK(out == "kept");
  byte_string deep("\x01", 1);
  for (int i = 0; i < 1'000'000; ++i) deep.append("\0\0\0\0\x01", 5);
  CHECK(decoded<tree>(deep).error().code() == errc::decode_failed);
}

TEST_CASE("value: a string value is viewed in place") {
  const byte_string record = encoded(std::string("value"));
  byte_string scratch;
  const bytes_view view = strata::decode_view<std::string>(record, 1, no_evolution, scratch).value();
  CHECK(view == "value");
  CHECK(view.data() == record.data() + 2);
  CHECK(strata::decode_view<std::string>(record + 'x', 1, no_evolution, scratch).error().code() == errc::decode_failed);
  CHECK(strata::decode_view<std::string>(record, 2, no_evolution, scratch).error().code() == errc::decode_failed);
  const auto way = evolution::to<std::string>(strata::schema_description<std::optional<std::string>>()).value();
  const byte_string optional = encoded(std::optional<std::string>("other"));
  const auto older = [&](std::uint32_t) { return &way; };
  CHECK(strata::decode_view<std::string>(optional, 2, older, scratch).value() == "other");
}

TEST_CASE("value: a record of an unknown schema, or of an id that is none, is decode_failed") {
  std::int32_t into = 0;
  CHECK(strata::decode_value(encoded(std::int32_t{1}, 5), 1, no_evolution, into).error().code() == errc::decode_failed);
  CHECK(decoded<std::int32_t>("").error().code() == errc::decode_failed);
  byte_string wide;
  strata::append_varint(wide, (std::uint64_t{1} << 32) + 1);
  CHECK(decoded<std::int32_t>(wide + std::string(4, '\0')).error().code() == errc::decode_failed);
}
