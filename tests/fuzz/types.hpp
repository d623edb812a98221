// The types whose values and descriptions are fuzzed: every shape that a codec knows, types that contain themselves, and
// types with a past.
#ifndef STRATA_TESTS_FUZZ_TYPES_HPP
#define STRATA_TESTS_FUZZ_TYPES_HPP

#include <array>
#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include <strata/codec/descending.hpp>
#include <strata/codec/uuid.hpp>
#include <strata/codec/value.hpp>

namespace strata_fuzz {

enum class color : std::uint16_t { red = 1, blue = 0x0203 };

// Encodes itself, and takes only small letters.
struct letter {
  char value = 'a';
  friend bool operator==(const letter&, const letter&) = default;
  friend auto operator<=>(const letter&, const letter&) = default;
};

struct point {
  double x = 0;
  float y = 1;
};

struct everything {
  bool flag = false;
  std::int8_t small = -1;
  std::uint16_t medium = 2;
  std::int32_t large = -3;
  std::uint64_t huge = 4;
  color shade = color::red;
  point place{};
  std::string text = "text";
  std::vector<std::byte> bytes{};
  std::optional<std::string> perhaps{};
  std::variant<std::int32_t, std::string, point> either{};
  std::tuple<std::uint8_t, std::string> both{};
  std::pair<letter, bool> pair{};
  std::array<std::uint16_t, 3> three{};
  std::array<std::optional<bool>, 2> two{};
  std::vector<bool> bits{};
  std::vector<std::int32_t> numbers{};
  std::list<std::string> list{};
  std::set<std::int16_t> set{};
  std::set<double> heights{};
  std::map<std::string, std::int32_t> map{};
  std::unordered_set<std::string> words{};
  std::unordered_map<std::uint8_t, std::vector<std::string>> index{};
  std::chrono::milliseconds span{};
  std::chrono::sys_time<std::chrono::microseconds> moment{};
  strata::uuid id{};
  strata::descending<std::int16_t> down{};
};

// Contain themselves, through each kind of container.
struct tree {
  std::int8_t label = 0;
  std::vector<tree> children{};
};
struct forest {
  std::map<std::uint8_t, std::tuple<forest>> parts{};
  std::int32_t mark = 7;
  std::vector<tree> trees{};
};

// A user as it was, and as it became: reordered, widened, one field added, one dropped, one renamed.
struct user_before {
  std::string name{};
  std::int32_t age = 0;
  std::vector<std::int16_t> marks{};
};
struct user_now {
  std::int64_t age = 0;
  std::string city = "Turin";
  std::optional<std::string> full_name{};
};
constexpr auto strata_aliases(const user_now*) { return std::array{strata::renamed{"full_name", "name"}}; }

// What users were upgraded to.
struct account {
  using strata_upgrades_from = user_before;
  std::string label{};
  std::int64_t months = 1;
};
inline account upgrade(const user_before& old) { return {"was " + old.name, std::int64_t{old.age} * 12}; }

}  // namespace strata_fuzz

template <>
struct strata::codec<strata_fuzz::letter> {
  static constexpr std::string_view name = "letter";
  static void encode(byte_string& out, const strata_fuzz::letter& kept) { out.push_back(kept.value); }
  static bool decode(bytes_view bytes, strata_fuzz::letter& into) {
    if (bytes.size() != 1 || bytes[0] < 'a' || bytes[0] > 'z') return false;
    into.value = bytes[0];
    return true;
  }
  static void encode_key(byte_string& out, const strata_fuzz::letter& kept) { encode(out, kept); }
  static bool decode_key(bytes_view bytes, strata_fuzz::letter& into) { return decode(bytes, into); }
};

#endif
