// The catalogue: its records as bytes, and collections that can't be read.
#include "test.hpp"

#include <set>

#include <strata/strata.hpp>

namespace {

using strata::byte_string;
using strata::bytes_view;
using strata::errc;
using strata::detail::catalogue_record;

// An engine that has no record, or says why it can't look.
struct failing_engine {
  using environment_type = strata::environment::in_memory;

  const environment_type& environment() const { return world; }
  std::string directory() const { return "db"; }
  template <typename Visitor>
  strata::result<bool> get(bytes_view, strata::sequence_number, const Visitor&) const {
    if (failure == errc{}) return false;
    return strata::error(failure, "get");
  }

  environment_type world;
  errc failure{};
};

const strata::primitive::type_face face{};

byte_string record_of(std::uint64_t kind, std::uint64_t id) {
  byte_string bytes("\1", 1);
  strata::append_varint(bytes, kind);
  strata::append_varint(bytes, id);
  strata::append_fixed(bytes, std::uint64_t{7});
  strata::append_varint(bytes, 0);
  return bytes;
}

}  // namespace

TEST_CASE("catalogue: the bytes of a record are frozen") {
  catalogue_record record;
  record.id = 300;
  record.key_fingerprint = 0x0807060504030201;
  record.descriptions.push_back("ab");
  record.descriptions.push_back("");
  byte_string bytes;
  record.append_to(bytes);
  REQUIRE(bytes == byte_string("\x01\x01\xac\x02\x01\x02\x03\x04\x05\x06\x07\x08\x02\x02" "ab" "\x00", 17));
  catalogue_record read;
  read.parse(bytes).value();
  REQUIRE(read.what == strata::primitive::kind::kv);
  REQUIRE(read.id == 300);
  REQUIRE(read.key_fingerprint == record.key_fingerprint);
  REQUIRE(read.descriptions.size() == 2);
  REQUIRE(read.descriptions[0] == "ab");
  for (std::size_t length = 0; length < bytes.size(); ++length)
    REQUIRE(read.parse(bytes.substr(0, length)).error() == errc::corruption);
  bytes[0] = 2;
  REQUIRE(read.parse(bytes).error() == errc::unsupported_version);
  bytes[0] = 0;
  REQUIRE(read.parse(bytes).error() == errc::corruption);
}

TEST_CASE("catalogue: numbers that a record's fields do not hold are corruption, and not cut to fit") {
  catalogue_record record;
  record.parse(record_of(1, UINT32_MAX)).value();
  REQUIRE(record.id == UINT32_MAX);
  record.parse(record_of(255, 1)).value();
  REQUIRE(record.parse(record_of(257, 1)).error() == errc::corruption);
  REQUIRE(record.parse(record_of(1, 0)).error() == errc::corruption);
  REQUIRE(record.parse(record_of(1, (std::uint64_t{1} << 32) + 1)).error() == errc::corruption);
  REQUIRE(record.parse(record_of(1, UINT64_MAX)).error() == errc::corruption);
}

TEST_CASE("catalogue: a collection asked for again and again while it can't be read takes no more memory") {
  failing_engine engine;
  strata::detail::catalogue<failing_engine> catalogue(engine);
  engine.failure = errc::io_error;
  const strata::primitive::collection* first = &catalogue.find("c", face);
  REQUIRE(first->usable.error() == errc::io_error);
  std::set<const strata::primitive::collection*> all;
  for (int i = 0; i < 300; ++i) {
    const errc reasons[] = {errc::io_error, errc::closed, errc::out_of_memory};
    engine.failure = reasons[i % 3];
    const strata::primitive::collection& found = catalogue.find("c", face);
    REQUIRE(found.usable.error() == engine.failure);
    REQUIRE(&found == &catalogue.find("c", face));
    all.insert(&found);
  }
  REQUIRE(all.size() == 3);

  // Another collection, and another type of this one, say for themselves what is wrong.
  static const strata::primitive::type_face other_face{};
  REQUIRE(all.count(&catalogue.find("d", face)) == 0);
  REQUIRE(all.count(&catalogue.find("c", other_face)) == 0);

  // What has passed is forgotten by new views, and those of before still say what they said.
  engine.failure = errc{};
  const strata::primitive::collection& found = catalogue.find("c", face);
  REQUIRE(found.usable.has_value());
  REQUIRE(&found == &catalogue.find("c", face));
  REQUIRE(first->usable.error() == errc::io_error);
  engine.failure = errc::closed;
  REQUIRE(&found == &catalogue.find("c", face));
}

TEST_CASE("catalogue: a name and types give the same collection, whatever else is looked for between, and by whichever copy of it") {
  failing_engine engine;
  strata::detail::catalogue<failing_engine> catalogue(engine);
  static const strata::primitive::type_face other_face{};
  std::vector<std::string> names;  // more than are found without a lock
  for (int i = 0; i < 300; ++i) names.push_back(std::to_string(i));
  std::vector<const strata::primitive::collection*> found;
  for (const std::string& name : names) {
    found.push_back(&catalogue.find(name, face));
    found.push_back(&catalogue.find(name, other_face));
  }
  REQUIRE(std::set(found.begin(), found.end()).size() == found.size());
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string copy = names[i];
      for (const std::string_view name : {std::string_view(names[i]), std::string_view(copy)}) {
        for (int again = 0; again < 2; ++again) REQUIRE(&catalogue.find(name, face) == found[2 * i]);
        for (int again = 0; again < 2; ++again) REQUIRE(&catalogue.find(name, other_face) == found[2 * i + 1]);
      }
    }
  }
  // One place in memory, in which another name is now.
  std::string changing = "a";
  const strata::primitive::collection* const first = &catalogue.find(changing, face);
  changing = "b";
  REQUIRE(&catalogue.find(changing, face) != first);
  changing = "a";
  REQUIRE(&catalogue.find(changing, face) == first);
  // One name with so many types that two of them share a place.
  static const strata::primitive::type_face faces[100]{};
  std::set<const strata::primitive::collection*> of_one_name;
  for (const auto& each : faces) of_one_name.insert(&catalogue.find(changing, each));
  REQUIRE(of_one_name.size() == 100);
}
