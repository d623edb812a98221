// A record of the catalogue, and the descriptions of types in it.
//
//   - A record that parses is, written again, the same bytes.
//   - A description is a tree, or corruption; walking any bytes by it ends.
//   - It can be read as a type of today, or the error says that it can't. What is converted then either decodes as that
//     type or is decode_failed, for every bytes.
#include "fuzz.hpp"
#include "types.hpp"

#include <strata/store/catalogue.hpp>

namespace {

using namespace strata_fuzz;
using strata::detail::catalogue_record;
using strata::detail::description_form;
using strata::detail::type_tree;

constexpr auto no_evolution = [](std::uint32_t) -> const strata::evolution* { return nullptr; };

template <typename Type>
void check_evolution_to(bytes_view description, const std::vector<bytes_view>& payloads) {
  auto way = strata::evolution::to<Type>(description);
  if (!way.has_value()) return FUZZ_EXPECT(way.error(), {errc::corruption, errc::schema_mismatch});
  // A type's own description is no change, whatever there is to say of its past.
  FUZZ_CLAIM(strata::check_evolution<Type>(strata::schema_description<Type>()).has_value());
  for (const bytes_view payload : payloads) {
    byte_string record(1, '\x05');
    auto converted = way->convert(payload, record);
    if (!converted.has_value()) {
      FUZZ_EXPECT(converted.error(), {errc::decode_failed});
      FUZZ_CLAIM(record.size() == 1);
      continue;
    }
    Type value{};
    auto decoded = strata::decode_value(record, 5, no_evolution, value);
    if (!decoded.has_value()) FUZZ_EXPECT(decoded.error(), {errc::decode_failed});
  }
}

void check_description(bytes_view description, const std::vector<bytes_view>& payloads) {
  auto tree = type_tree::parse(byte_string(description), description_form::canonical);
  if (!tree.has_value()) {
    FUZZ_EXPECT(tree.error(), {errc::corruption});
  } else {
    FUZZ_CLAIM(tree->size() <= description.size());
    for (const bytes_view payload : payloads) {
      const exact_bytes exact(payload);
      strata::byte_reader in(exact.view());
      FUZZ_CLAIM(tree->skip(tree->root(), in) == in.ok());
    }
  }
  check_evolution_to<user_now>(description, payloads);
  check_evolution_to<forest>(description, payloads);
  check_evolution_to<everything>(description, payloads);
  check_evolution_to<account>(description, payloads);
  check_evolution_to<std::vector<std::optional<std::int16_t>>>(description, payloads);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const exact_bytes exact(view_of(data, size));
  catalogue_record record;
  if (auto parsed = record.parse(exact.view()); !parsed.has_value()) {
    FUZZ_EXPECT(parsed.error(), {errc::corruption, errc::unsupported_version});
    FUZZ_CLAIM((parsed.error() == errc::unsupported_version) == (size != 0 && data[0] > catalogue_record::format));
    return 0;
  }
  byte_string again;
  record.append_to(again);
  FUZZ_CLAIM(again == exact.view());
  FUZZ_CLAIM(record.id != 0);

  // What is walked: the descriptions themselves, as bytes like any others, and zeros and ones.
  const byte_string zeros(200, '\0'), ones(200, '\1');
  std::vector<bytes_view> payloads{bytes_view(), zeros, ones};
  for (std::size_t i = 0; i < record.descriptions.size() && i < 4; ++i) payloads.emplace_back(record.descriptions[i]);
  for (std::size_t i = 0; i < record.descriptions.size() && i < 4; ++i) check_description(record.descriptions[i], payloads);
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);

// The lengths around a description are made good where it alone is mutated.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max, unsigned seed) {
  dice chance(seed);
  catalogue_record record;
  if (chance.one_in(4) || !record.parse(view_of(data, size)).has_value() || record.descriptions.empty())
    return LLVMFuzzerMutate(data, size, size_max);
  byte_string& chosen = record.descriptions[chance.below(record.descriptions.size())];
  std::vector<std::uint8_t> room(size_max);
  for (std::size_t i = 0; i < chosen.size() && i < size_max; ++i) room[i] = static_cast<std::uint8_t>(chosen[i]);
  chosen = view_of(room.data(), LLVMFuzzerMutate(room.data(), (std::min)(chosen.size(), size_max), size_max));
  byte_string made;
  record.append_to(made);
  if (made.size() > size_max) return LLVMFuzzerMutate(data, size, size_max);
  for (std::size_t i = 0; i < made.size(); ++i) data[i] = static_cast<std::uint8_t>(made[i]);
  return made.size();
}
