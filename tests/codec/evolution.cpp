#include "test.hpp"

#include <array>
#include <chrono>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <variant>

#include <strata/codec/value.hpp>

namespace {

using strata::byte_string;
using strata::bytes_view;
using strata::errc;
using strata::evolution;

std::string hex(bytes_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    text.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) >> 4]);
    text.push_back("0123456789abcdef"[static_cast<unsigned char>(byte) & 15]);
  }
  return text;
}

// What a value of an old type is when it is read as a new one.
template <typename New, typename Old>
strata::result<New> as(const Old& old) {
  STRATA_TRY_LET(way, evolution::to<New>(strata::schema_description<Old>()));
  byte_string record;
  strata::encode_value(record, 1, old).value();
  New value{};
  STRATA_TRY(strata::decode_value(
      record, 2, [&](std::uint32_t) { return &way; }, value));
  return value;
}

template <typename New, typename Old>
errc refused() {
  const auto checked = strata::check_evolution<New>(strata::schema_description<Old>());
  return checked ? errc{} : checked.error().code();
}

struct user_v1 {
  std::string name;
  std::int32_t age = 0;
  std::vector<std::int16_t> marks;
};
// Reordered, widened, one field added, one dropped.
struct user_v2 {
  std::int64_t age = 0;
  std::string city = "Turin";
  std::optional<std::string> name;
};
struct renamed_user {
  std::string full_name;
  std::int32_t age = 0;
  std::vector<std::int16_t> marks;
};
constexpr auto strata_aliases(const renamed_user*) {
  return std::array{strata::renamed{"full_name", "label"}, strata::renamed{"full_name", "name"}};
}
// Both fields claim what was stored as `name`.
struct wrongly_renamed {
  std::string name;
  std::string title;
};
constexpr auto strata_aliases(const wrongly_renamed*) { return std::array{strata::renamed{"title", "name"}}; }

// Stored when `full_name` was not yet what `name` became, but a field beside it.
struct two_named_user {
  std::string name;
  std::string full_name;
  std::int32_t age = 0;
};
// The same with two names that are both former ones.
struct twice_named_user {
  std::string name;
  std::string label;
};
// Today's name again, after it was another for a while.
struct renamed_back {
  std::string name;
};
constexpr auto strata_aliases(const renamed_back*) {
  return std::array{strata::renamed{"name", "full_name"}, strata::renamed{"name", "name"}};
}

// What tells elements and keys apart: by the first field alone, by both, and a predecessor of both.
struct spot {
  std::int32_t x = 0;
  auto operator<=>(const spot&) const = default;
};
struct wide_spot {
  std::int64_t x = 0;
  std::string note = "new";
  auto operator<=>(const wide_spot&) const = default;
};
struct point {
  std::int32_t x = 0;
  std::int32_t y = 0;
  auto operator<=>(const point&) const = default;
};
struct half_spot {
  using strata_upgrades_from = point;
  std::int32_t half_x = 0;
  auto operator<=>(const half_spot&) const = default;
};
half_spot upgrade(const point& old) { return {old.x / 2}; }

struct nest_v1 {
  std::int32_t label = 0;
  std::int32_t extra = 0;
  std::set<nest_v1> inner;
  bool operator<(const nest_v1& other) const { return label != other.label ? label < other.label : extra < other.extra; }
};
struct nest_v2 {
  std::int32_t label = 0;
  std::set<nest_v2> inner;
  bool operator<(const nest_v2& other) const { return label < other.label; }
};

struct account {
  using strata_upgrades_from = user_v1;
  std::string label;
  std::int64_t months = 1;
  bool operator==(const account&) const = default;
};
account upgrade(const user_v1& old) { return {"upgraded " + old.name, old.age * 12}; }

struct account_v2 {
  using strata_upgrades_from = account;
  double years = 0;
};
account_v2 upgrade(const account& old) { return {static_cast<double>(old.months) / 12}; }

struct part_v1 {
  std::int32_t a = 1;
};
struct part_v2 {
  std::int64_t a = 1;
  std::int32_t b = 10;
};
struct whole_v1 {
  part_v1 part;
  std::vector<part_v1> list;
  std::map<std::string, part_v1> named;
  std::variant<part_v1, bool> either;
  std::optional<part_v1> maybe;
};
struct whole_v2 {
  part_v2 part{.a = 2, .b = 20};
  std::vector<part_v2> list;
  std::map<std::string, part_v2> named;
  std::variant<part_v2, bool, std::string> either;
  std::optional<part_v2> maybe;
};

struct tree_v1 {
  std::int32_t label = 0;
  std::vector<tree_v1> children;
};
struct tree_v2 {
  std::vector<tree_v2> children;
  std::string note = "none";
  std::int64_t label = 0;
};

struct nothing_in_common {
  bool other = false;
};

}  // namespace

TEST_CASE("evolution: fields are found by name, widened, added with their default, dropped") {
  const user_v2 now = as<user_v2>(user_v1{"ada", 36, {1, 2}}).value();
  CHECK(now.name == "ada");
  CHECK(now.age == 36);
  CHECK(now.city == "Turin");
}

TEST_CASE("evolution: a renamed field is found by a former name") {
  CHECK(as<renamed_user>(user_v1{"ada", 36, {}}).value().full_name == "ada");
  CHECK(refused<wrongly_renamed, user_v1>() == errc::schema_mismatch);
}

TEST_CASE("evolution: where a stored struct has two of a field's names, nothing is dropped in silence") {
  CHECK(refused<renamed_user, two_named_user>() == errc::schema_mismatch);
  CHECK(refused<renamed_user, twice_named_user>() == errc::schema_mismatch);
  CHECK(refused<std::vector<renamed_user>, std::vector<two_named_user>>() == errc::schema_mismatch);
  const auto error = evolution::to<renamed_user>(strata::schema_description<two_named_user>()).error();
  CHECK(std::string(error.reason()).find("two names") != std::string::npos);
  CHECK(as<renamed_back>(user_v1{"ada", 36, {}}).value().name == "ada");
  CHECK(as<renamed_back>(renamed_user{"bob", 36, {}}).value().name == "bob");
}

TEST_CASE("evolution: no two elements of a set or keys of a map become one") {
  // A field dropped is refused when it is compared, however deep in the element or key.
  CHECK(refused<std::set<spot>, std::set<point>>() == errc::schema_mismatch);
  CHECK(refused<std::map<spot, bool>, std::map<point, bool>>() == errc::schema_mismatch);
  CHECK(refused<std::set<std::vector<std::optional<spot>>>, std::set<std::vector<std::optional<point>>>>() ==
        errc::schema_mismatch);
  CHECK(refused<nest_v2, nest_v1>() == errc::schema_mismatch);
  const auto error = evolution::to<std::set<spot>>(strata::schema_description<std::set<point>>()).error();
  CHECK(std::string(error.reason()).find("a set's elements") != std::string::npos);

  // Elsewhere, and where only the values of a map have it, it is left out as always.
  CHECK(as<std::vector<spot>>(std::set<point>{{1, 2}, {1, 3}}).value() == std::vector<spot>{{1}, {1}});
  CHECK(as<std::map<int, spot>>(std::map<int, point>{{7, {1, 2}}}).value().at(7) == spot{1});

  // What keeps elements apart is no loss: fields added and widened, numbers that fit.
  CHECK(as<std::set<wide_spot>>(std::set<spot>{{1}, {2}}).value() == std::set<wide_spot>{{1, "new"}, {2, "new"}});
  CHECK(as<std::set<std::int8_t>>(std::set<std::int32_t>{1, 2}).value() == std::set<std::int8_t>{1, 2});

  // What a function makes of them is known only record by record.
  CHECK(as<std::set<half_spot>>(std::set<point>{{2, 0}, {4, 0}}).value() == std::set<half_spot>{{1}, {2}});
  CHECK(as<std::set<half_spot>>(std::set<point>{{2, 0}, {3, 0}}).error().code() == errc::decode_failed);
}

TEST_CASE("evolution: structs evolve inside everything, and take new fields from the nearest default") {
  const whole_v2 now = as<whole_v2>(whole_v1{{5}, {{6}, {7}}, {{"k", {8}}}, part_v1{9}, part_v1{4}}).value();
  CHECK((now.part.a == 5 && now.part.b == 20));
  REQUIRE(now.list.size() == 2);
  CHECK((now.list[1].a == 7 && now.list[1].b == 10));
  CHECK((now.named.at("k").a == 8 && now.named.at("k").b == 10));
  CHECK((std::get<0>(now.either).a == 9 && std::get<0>(now.either).b == 10));
  CHECK((now.maybe->a == 4 && now.maybe->b == 10));
}

TEST_CASE("evolution: a type that contains itself evolves at every depth") {
  const tree_v2 now = as<tree_v2>(tree_v1{1, {{2, {{3, {}}}}, {4, {}}}}).value();
  CHECK(now.children[0].children[0].label == 3);
  CHECK(now.children[1].note == "none");
}

namespace {

// Stands in itself as a part of something that is as large as its parts: how large is known only behind it.
struct branch_v1 {
  std::map<std::uint8_t, std::tuple<branch_v1>> by_letter;
  std::vector<std::array<branch_v1, 2>> pairs;
  std::int32_t label = 0;
};
struct branch_v2 {
  std::int64_t label = 0;
  std::vector<std::array<branch_v2, 2>> pairs;
  std::map<std::uint8_t, std::tuple<branch_v2>> by_letter;
};

}  // namespace

TEST_CASE("evolution: a type that stands in itself within a tuple or an array is walked whole") {
  branch_v1 old{{}, {}, 1};
  std::get<0>(old.by_letter[7]).label = 2;
  old.pairs.resize(1);
  old.pairs[0][1].label = 3;
  const branch_v2 now = as<branch_v2>(old).value();
  CHECK(now.label == 1);
  CHECK(std::get<0>(now.by_letter.at(7)).label == 2);
  CHECK(now.pairs.at(0)[1].label == 3);
  CHECK(as<branch_v1>(old).value().pairs.at(0)[1].label == 3);
}

TEST_CASE("evolution: integers keep their number or are refused, record by record") {
  CHECK(as<std::int64_t>(std::int32_t{-5}).value() == -5);
  CHECK(as<std::int64_t>(std::uint32_t{4'000'000'000}).value() == 4'000'000'000);
  CHECK(as<std::uint64_t>(std::uint8_t{255}).value() == 255);
  CHECK(as<std::int8_t>(std::int64_t{-128}).value() == -128);
  CHECK(as<std::int8_t>(std::int64_t{127}).value() == 127);
  CHECK(as<std::int8_t>(std::int64_t{128}).error().code() == errc::decode_failed);
  CHECK(as<std::int8_t>(std::int64_t{-129}).error().code() == errc::decode_failed);
  CHECK(as<std::uint64_t>(std::int8_t{-1}).error().code() == errc::decode_failed);
  CHECK(as<std::uint64_t>(std::int64_t{-1}).error().code() == errc::decode_failed);
  CHECK(as<std::int64_t>(std::uint64_t{1} << 63).error().code() == errc::decode_failed);
  CHECK(as<std::int64_t>((std::uint64_t{1} << 63) - 1).value() == (std::numeric_limits<std::int64_t>::max)());
  CHECK(as<std::uint32_t>(std::int64_t{4'294'967'296}).error().code() == errc::decode_failed);
}

TEST_CASE("evolution: floating point narrows only to exactly the same number") {
  CHECK(as<double>(1.5F).value() == 1.5);
  CHECK(as<float>(1.5).value() == 1.5F);
  CHECK(as<float>(std::numeric_limits<double>::infinity()).value() == std::numeric_limits<float>::infinity());
  CHECK(as<float>(0.1).error().code() == errc::decode_failed);
  CHECK(as<float>(1e300).error().code() == errc::decode_failed);
  const auto nan = as<float>(std::numeric_limits<double>::quiet_NaN());
  CHECK(nan.value() != nan.value());
}

TEST_CASE("evolution: optionals, sets, variants, arrays and times follow their rules") {
  CHECK(as<std::optional<std::int64_t>>(std::int32_t{3}).value() == 3);
  CHECK(as<std::int32_t>(std::optional<std::int32_t>(3)).value() == 3);
  CHECK(as<std::int32_t>(std::optional<std::int32_t>()).error().code() == errc::decode_failed);
  CHECK(as<std::vector<std::int64_t>>(std::vector<std::int32_t>{1, -2}).value() == std::vector<std::int64_t>{1, -2});
  CHECK(as<std::map<std::int64_t, double>>(std::map<std::int32_t, float>{{1, 2}}).value().at(1) == 2.0);
  CHECK(as<std::vector<std::string>>(std::set<std::string>{"a", "b"}).value().size() == 2);
  CHECK(refused<std::set<std::string>, std::vector<std::string>>() == errc::schema_mismatch);
  using one = std::variant<bool>;
  using two = std::variant<bool, std::string>;
  CHECK(as<two>(one(true)).value() == two(true));
  CHECK(as<one>(two(true)).value() == one(true));
  CHECK(as<one>(two("x")).error().code() == errc::decode_failed);
  CHECK(as<std::array<std::int64_t, 2>>(std::array<std::int32_t, 2>{1, 2}).value()[1] == 2);
  CHECK(refused<std::array<bool, 3>, std::array<bool, 2>>() == errc::schema_mismatch);
  CHECK(as<std::tuple<double, bool>>(std::tuple{1.0F, true}).value() == std::tuple{1.0, true});
  CHECK(refused<std::chrono::seconds, std::chrono::milliseconds>() == errc::schema_mismatch);
  CHECK(as<std::chrono::seconds>(std::chrono::duration<std::int32_t>(7)).value().count() == 7);
}

TEST_CASE("evolution: what cannot be read is said when it is compared") {
  CHECK(refused<std::string, std::int32_t>() == errc::schema_mismatch);
  CHECK(refused<std::int32_t, bool>() == errc::schema_mismatch);
  CHECK(refused<double, std::int32_t>() == errc::schema_mismatch);
  CHECK(refused<std::vector<std::byte>, std::string>() == errc::schema_mismatch);
  CHECK(refused<nothing_in_common, user_v1>() == errc::schema_mismatch);
  CHECK(refused<std::vector<nothing_in_common>, std::vector<user_v1>>() == errc::schema_mismatch);
  CHECK(refused<user_v2, user_v1>() == errc{});
}

TEST_CASE("evolution: a change of shape goes through upgrade, over several steps and inside containers") {
  CHECK(as<account>(user_v1{"ada", 3, {}}).value() == account{"upgraded ada", 36});
  CHECK(as<account_v2>(user_v1{"ada", 3, {}}).value().years == 3.0);
  CHECK(as<std::vector<account_v2>>(std::vector<account>{{"x", 24}}).value()[0].years == 2.0);
  // A shape that the predecessor itself evolved from: it has all of the predecessor's stored fields and none of the
  // type's.
  struct user_v0 {
    std::string name;
  };
  CHECK(as<account>(user_v0{"bob"}).value().label == "upgraded bob");
  // One that the type evolved from by name stays with the type.
  struct account_v0 {
    std::string label;
  };
  CHECK(as<account>(account_v0{"plain"}).value() == account{"plain", 1});
}

TEST_CASE("evolution: descriptions and fingerprints are frozen") {
  const byte_string description = strata::schema_description<user_v1>();
  CHECK(hex(description) ==
        "1503"
        "046e616d65"
        "0c"
        "03616765"
        "08"
        "056d61726b73"
        "0f07");
  CHECK(hex(strata::schema_description<tree_v1>()) == "1502056c6162656c08086368696c6472656e0f1600");
  using wide = std::tuple<std::map<std::string, bool>, std::optional<std::vector<std::byte>>, std::array<float, 3>,
                          std::variant<double, std::set<char>>, std::chrono::milliseconds>;
  CHECK(hex(strata::schema_description<wide>()) ==
        "1305"
        "110c01"
        "0e0d"
        "12030a"
        "14020b1006"
        "1701e80709");
  static_assert(strata::schema_fingerprint<user_v1>() != strata::schema_fingerprint<user_v2>());
  static_assert(strata::schema_fingerprint<tree_v1>() != 0);
  CHECK(strata::schema_fingerprint<user_v1>() == strata::description_fingerprint(description));
  CHECK(strata::schema_fingerprint<std::string>() == 0xaf63c14c8601beab);
}

TEST_CASE("evolution: a damaged description is corruption or a mismatch, and one that is accepted reads safely") {
  const byte_string description = strata::schema_description<whole_v1>();
  byte_string record;
  strata::encode_value(record, 1, whole_v1{{5}, {{6}, {7}}, {{"k", {8}}}, part_v1{9}, part_v1{4}}).value();
  std::uint64_t refused_descriptions = 0;
  const auto check = [&](const byte_string& stored) {
    const auto way = evolution::to<whole_v2>(stored);
    if (!way) {
      ++refused_descriptions;
      REQUIRE((way.error().code() == errc::corruption || way.error().code() == errc::schema_mismatch));
      return;
    }
    whole_v2 into;
    const auto read = strata::decode_value(
        record, 2, [&](std::uint32_t) { return &*way; }, into);
    REQUIRE((read.has_value() || read.error().code() == errc::decode_failed));
  };
  for (std::size_t length = 0; length < description.size(); ++length) check(description.substr(0, length));
  for (std::size_t at = 0; at < description.size(); ++at)
    for (int value = 0; value < 256; ++value) {
      byte_string changed = description;
      changed[at] = static_cast<char>(value);
      check(changed);
    }
  CHECK(refused_descriptions > 1000);
  // A struct that is its own first field, and containers without bytes in their elements.
  CHECK(evolution::to<tree_v2>(bytes_view("\x15\x01\x01x\x16\x00", 6)).error().code() == errc::corruption);
  CHECK(evolution::to<tree_v2>(bytes_view("\x0f\x15\x00", 3)).error().code() == errc::corruption);
  CHECK(evolution::to<tree_v2>(byte_string(100'000, '\x0e')).error().code() == errc::corruption);
}

TEST_CASE("evolution: a count of fields that no description can hold is corruption, wherever it stands") {
  // One field, of a structure of 2^64 - 1 fields: with the one before it, the number of all would come round to 0.
  const byte_string hostile = byte_string("\x15\x01\x01" "a" "\x15", 5) + byte_string(9, '\xff') + '\x01';
  CHECK(evolution::to<user_v1>(hostile).error().code() == errc::corruption);
  CHECK(evolution::to<std::tuple<bool>>("\x13" + byte_string(9, '\xff') + "\x01").error().code() == errc::corruption);
}

TEST_CASE("evolution: descriptions with large numbers put into them are refused, or read safely") {
  const byte_string description = strata::schema_description<whole_v1>();
  byte_string record;
  strata::encode_value(record, 1, whole_v1{{5}, {{6}, {7}}, {{"k", {8}}}, part_v1{9}, part_v1{4}}).value();
  std::uint64_t state = 1;
  const auto below = [&state](std::uint64_t limit) {
    std::uint64_t z = (state += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return (z ^ (z >> 31)) % limit;
  };
  int refused_descriptions = 0;
  for (int round = 0; round < 20'000; ++round) {
    byte_string stored = description;
    for (std::uint64_t changes = 1 + below(3); changes != 0; --changes) {
      // A number of any size less a small one, as a varint over what is there; or a piece of the description moved.
      byte_string piece;
      if (below(4) != 0) strata::append_varint(piece, (below(2) << (8 * below(8))) - below(40));
      else piece = description.substr(below(description.size()), below(20));
      stored.replace(below(stored.size()), below(4), piece);
    }
    const auto way = evolution::to<whole_v2>(stored);
    if (!way) {
      ++refused_descriptions;
      REQUIRE((way.error().code() == errc::corruption || way.error().code() == errc::schema_mismatch));
      continue;
    }
    whole_v2 into;
    const auto read = strata::decode_value(
        record, 2, [&](std::uint32_t) { return &*way; }, into);
    REQUIRE((read.has_value() || read.error().code() == errc::decode_failed));
  }
  CHECK(refused_descriptions > 10'000);
  CHECK(refused_descriptions < 20'000);
}

TEST_CASE("evolution: damaged records of an old schema are refused or read, never past their end") {
  const auto way = evolution::to<whole_v2>(strata::schema_description<whole_v1>()).value();
  const auto older = [&](std::uint32_t) { return &way; };
  byte_string record;
  strata::encode_value(record, 1, whole_v1{{5}, {{6}, {7}}, {{"k", {8}}}, part_v1{9}, part_v1{4}}).value();
  whole_v2 into;
  std::uint64_t refused_records = 0;
  for (std::size_t length = 0; length < record.size(); ++length)
    REQUIRE(!strata::decode_value(record.substr(0, length), 2, older, into));
  for (std::size_t at = 0; at < record.size(); ++at)
    for (int value = 0; value < 256; ++value) {
      byte_string changed = record;
      changed[at] = static_cast<char>(value);
      if (!strata::decode_value(changed, 2, older, into)) ++refused_records;
    }
  CHECK(refused_records > 1000);
}
