// Records of values, of the type of today and of the types that it was.
//
// The first byte of an input says which type; the rest is a record as a store holds it: schema id and payload. Id 1 is the
// type of today, every other one what it was before, where there is such a type.
//
//   - A record decodes, or is decode_failed.
//   - What decodes is encoded to bytes that decode to the same, and these are the only encoding of that value from then
//     on, also where the value is read into one that held another.
//   - Its own description evolves to it without a change to any payload.
//   - A record of an older type is what that type's value becomes by the rules of codec/evolution.hpp, done by hand.
#include "fuzz.hpp"
#include "types.hpp"

#include <limits>

namespace {

using namespace strata_fuzz;

constexpr auto no_evolution = [](std::uint32_t) -> const strata::evolution* { return nullptr; };

template <typename Type>
byte_string encoded(const Type& value) {
  byte_string record;
  FUZZ_OK(strata::encode_value(record, 1, value));
  return record;
}

template <typename Type>
const strata::evolution& own_evolution() {
  static const auto way = [] {
    auto made = strata::evolution::to<Type>(strata::schema_description<Type>());
    FUZZ_OK(made);
    return std::move(*made);
  }();
  return way;
}

// The value of a record, or nothing where it is none.
template <typename Type>
std::optional<Type> check(bytes_view record) {
  Type value{};
  if (auto decoded = strata::decode_value(record, 1, no_evolution, value); !decoded.has_value()) {
    FUZZ_EXPECT(decoded.error(), {errc::decode_failed});
    return std::nullopt;
  }
  const byte_string again = encoded(value);
  Type second{};
  FUZZ_OK(strata::decode_value(again, 1, no_evolution, second));
  FUZZ_CLAIM(encoded(second) == again);

  // Read into a value that holds something, with what is read first being less than that.
  static Type used{};
  FUZZ_OK(strata::decode_value(record, 1, no_evolution, used));
  FUZZ_CLAIM(encoded(used) == again);

  byte_string converted;
  FUZZ_OK(own_evolution<Type>().convert(bytes_view(again).substr(1), converted));
  FUZZ_CLAIM(converted == bytes_view(again).substr(1));
  return value;
}

// A record of type `Old`, read as the type of today. `become(old)` says what it is: nothing, if it can't be held.
template <typename Old, typename New, typename Become>
void check_older(bytes_view payload, Become become) {
  static const auto way = [] {
    auto made = strata::evolution::to<New>(strata::schema_description<Old>());
    FUZZ_OK(made);
    return std::move(*made);
  }();
  const auto older = [&](std::uint32_t id) { return id == 2 ? &way : nullptr; };
  byte_string record(1, '\2');
  record.append(payload);
  New now{};
  const auto decoded = strata::decode_value(record, 1, older, now);
  if (!decoded.has_value()) FUZZ_EXPECT(decoded.error(), {errc::decode_failed});
  const std::optional<Old> old = check<Old>(byte_string(1, '\1').append(payload));
  if (!old) return FUZZ_CLAIM(!decoded.has_value());
  const std::optional<New> expected = become(*old);
  FUZZ_CLAIM(decoded.has_value() == expected.has_value());
  if (expected) FUZZ_CLAIM(encoded(now) == encoded(*expected));
}

template <typename Narrow>
bool holds(std::int64_t number) {
  return number >= std::numeric_limits<Narrow>::min() && number <= std::numeric_limits<Narrow>::max();
}

void check_text(bytes_view record) {
  const auto value = check<std::string>(record);
  byte_string scratch;
  auto view = strata::decode_view<std::string>(record, 1, no_evolution, scratch);
  FUZZ_CLAIM(view.has_value() == value.has_value());
  if (value) FUZZ_CLAIM(*view == *value);
}

using numbers_before = std::vector<std::int64_t>;
using numbers_now = std::vector<std::optional<std::int16_t>>;

std::optional<numbers_now> narrowed(const numbers_before& old) {
  numbers_now now;
  for (const std::int64_t each : old) {
    if (!holds<std::int16_t>(each)) return std::nullopt;
    now.emplace_back(static_cast<std::int16_t>(each));
  }
  return now;
}

struct measure_before {
  double length = 0;
  std::optional<std::uint8_t> count{};
  std::set<std::string> names{};
};
struct measure_now {
  std::vector<std::string> names{};
  float length = 0;
  std::int8_t count = 0;
};

std::optional<measure_now> measured(const measure_before& old) {
  const auto narrow = [](double wide) -> std::optional<float> {
    if (wide != wide || wide - wide != 0) return static_cast<float>(wide);
    if (wide > double{std::numeric_limits<float>::max()} || wide < -double{std::numeric_limits<float>::max()}) return std::nullopt;
    const auto made = static_cast<float>(wide);
    return static_cast<double>(made) == wide ? std::optional(made) : std::nullopt;
  };
  const auto length = narrow(old.length);
  if (!length || !old.count || *old.count > 127) return std::nullopt;
  return measure_now{{old.names.begin(), old.names.end()}, *length, static_cast<std::int8_t>(*old.count)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const exact_bytes exact(view_of(data + 1, size - 1));
  const bytes_view record = exact.view();
  switch (data[0] % 8) {
    case 0: check_text(record); break;
    case 1: static_cast<void>(check<everything>(record)); break;
    case 2: static_cast<void>(check<forest>(record)); break;
    case 3: static_cast<void>(check<tree>(record)); break;
    case 4:
      check_older<user_before, user_now>(record, [](const user_before& old) -> std::optional<user_now> {
        return user_now{old.age, "Turin", old.name};
      });
      break;
    case 5:
      check_older<user_before, account>(record, [](const user_before& old) -> std::optional<account> { return upgrade(old); });
      break;
    case 6: check_older<numbers_before, numbers_now>(record, narrowed); break;
    default: {
      // A set that no program wrote, out of order or with an element twice, makes a sequence that no set would make.
      if (const auto old = check<measure_before>(byte_string(1, '\1').append(record)))
        check_older<measure_before, measure_now>(bytes_view(encoded(*old)).substr(1), measured);
    }
  }
  return 0;
}
