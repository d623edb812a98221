// Keys of every shape, two at a time.
//
// The first byte of an input says which type, the second how many of the bytes behind it are the first key; the rest is the
// second.
//
//   - Bytes decode, or are decode_failed. What decodes is encoded to the very same bytes: a key has one encoding.
//   - The bytes of two keys are in the order of the keys.
//   - The leading fields of a key, encoded as such, begin its encoding.
#include "fuzz.hpp"
#include "types.hpp"

#include <strata/codec/ordered_key.hpp>

namespace {

using namespace strata_fuzz;

struct nested {
  std::uint16_t shelf = 0;
  std::string box{};
  friend auto operator<=>(const nested&, const nested&) = default;
};
struct spot {
  nested where{};
  std::optional<std::int8_t> level{};
  std::string name{};
  friend auto operator<=>(const spot&, const spot&) = default;
};

template <typename Key>
std::optional<Key> check_key(bytes_view bytes) {
  auto key = strata::key_codec<Key>::decode(bytes);
  if (!key.has_value()) {
    FUZZ_EXPECT(key.error(), {errc::decode_failed});
    return std::nullopt;
  }
  byte_string again("before");
  FUZZ_OK(strata::key_codec<Key>::encode(again, *key));
  FUZZ_CLAIM(bytes_view(again).substr(6) == bytes);
  return std::move(*key);
}

template <typename Key>
void check_view(bytes_view bytes, const std::optional<Key>& key) {
  if constexpr (strata::key_codec<Key>::is_text) {
    byte_string scratch;
    auto view = strata::key_codec<Key>::decode_view(bytes, scratch);
    FUZZ_CLAIM(view.has_value() == key.has_value());
    if (key) FUZZ_CLAIM(*view == strata::detail::view_of_bytes(*key));
    if (key) {
      byte_string prefix;
      FUZZ_OK(strata::key_codec<Key>::encode_prefix(prefix, view->substr(0, view->size() / 2)));
      FUZZ_CLAIM(bytes.starts_with(prefix));
    }
  }
}

template <typename Key>
void check(bytes_view a, bytes_view b) {
  const auto first = check_key<Key>(a);
  const auto second = check_key<Key>(b);
  check_view(a, first);
  check_view(b, second);
  if (!first || !second) return;
  FUZZ_CLAIM((a < b) == (*first < *second));
  FUZZ_CLAIM((b < a) == (*second < *first));
}

void check_leading(bytes_view bytes) {
  const auto key = check_key<spot>(bytes);
  if (!key) return;
  byte_string one, two;
  FUZZ_OK(strata::key_codec<spot>::encode_leading(one, key->where));
  FUZZ_OK(strata::key_codec<spot>::encode_leading(two, key->where, key->level));
  FUZZ_CLAIM(bytes.starts_with(one) && bytes.starts_with(two) && two.starts_with(one));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t split = (std::min)(std::size_t{data[1]}, size - 2);
  const exact_bytes first(view_of(data + 2, split));
  const exact_bytes second(view_of(data + 2 + split, size - 2 - split));
  const bytes_view a = first.view(), b = second.view();
  switch (data[0] % 16) {
    case 0: check<std::string>(a, b); break;
    case 1: check<std::int64_t>(a, b); break;
    case 2: check<double>(a, b); break;
    case 3: check<std::tuple<std::string, std::int32_t, std::string>>(a, b); break;
    case 4: check<std::pair<strata::descending<std::string>, std::uint8_t>>(a, b); break;
    case 5: check<std::optional<std::string>>(a, b); break;
    case 6: check<std::variant<std::uint16_t, std::string, bool>>(a, b); break;
    case 7: check<std::array<std::uint8_t, 4>>(a, b); break;
    case 8: check<std::vector<std::byte>>(a, b); break;
    case 9: check<spot>(a, b); break;
    case 10: check<std::tuple<strata::uuid, color, float>>(a, b); break;
    case 11: check<std::pair<std::chrono::milliseconds, letter>>(a, b); break;
    case 12: check<strata::descending<std::tuple<std::string, strata::descending<std::string>>>>(a, b); break;
    case 13: check<std::array<std::string, 2>>(a, b); break;
    case 14: check<std::tuple<std::optional<std::tuple<std::string, std::string>>, std::variant<std::string, double>>>(a, b); break;
    default: check_leading(a); check_leading(b); break;
  }
  return 0;
}
