// What every sorted table must do, as sstable/requirements.hpp says it. A table of one's own is tested by
// `strata::testing::sstable_contract<my_table, environment::in_memory>()` in a TEST_CASE.
#ifndef STRATA_TESTS_SSTABLE_CONTRACT_HPP
#define STRATA_TESTS_SSTABLE_CONTRACT_HPP

#include "test.hpp"

#include <algorithm>
#include <memory>

#include <strata/core/hash.hpp>
#include <strata/sstable/requirements.hpp>

namespace strata::testing {

// splitmix64
struct table_random {
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t mixed = state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
  }
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(next() % limit); }
  std::string bytes(std::size_t length) {
    std::string made(length, '\0');
    for (char& byte : made) byte = static_cast<char>(next());
    return made;
  }
};

struct table_version {
  std::string key;
  std::string value;
  sequence_number sequence = 0;
  value_kind kind = value_kind::value;

  [[nodiscard]] entry view() const { return {key, value, sequence, kind}; }
  [[nodiscard]] bool before(bytes_view other, sequence_number at) const {
    return compare_versions(key, sequence, other, at) < 0;
  }
};
using table_versions = std::vector<table_version>;

inline bool same(const entry& seen, const table_version& expected) {
  return seen.key == expected.key && seen.value == expected.value && seen.sequence == expected.sequence &&
         seen.kind == expected.kind;
}

inline table_versions in_order(table_versions versions) {
  std::sort(versions.begin(), versions.end(),
            [](const table_version& a, const table_version& b) { return a.before(b.key, b.sequence); });
  versions.erase(std::unique(versions.begin(), versions.end(),
                             [](const auto& a, const auto& b) { return a.key == b.key && a.sequence == b.sequence; }),
                 versions.end());
  return versions;
}

inline table_version const* newest(const table_versions& versions, bytes_view key, sequence_number at) {
  const auto found =
      std::lower_bound(versions.begin(), versions.end(), key,
                       [&](const table_version& one, bytes_view sought) { return one.before(sought, at); });
  return found != versions.end() && found->key == key ? &*found : nullptr;
}

// A directory of its own for one table, gone with it.
template <typename Policy, typename Environment>
class table_world {
 public:
  using table = typename Policy::template table<Environment>;
  using cache = typename Policy::template cache<Environment>;
  using builder = typename Policy::template builder<Environment>;
  using cursor = typename table::cursor;
  using lookup = typename table::lookup;

  explicit table_world(std::uint64_t block_bytes = 1024, Environment world = {}) : environment(std::move(world)) {
    directory = environment.temporary_directory().value();
    settings.path = directory + "/000007.table";
    settings.number = 7;
    settings.store_id = 0x1122334455667788;
    settings.block_bytes = block_bytes;
    settings.newest_time_us = 1'700'000'000'000'000;
  }
  table_world(const table_world&) = delete;
  table_world& operator=(const table_world&) = delete;
  ~table_world() {
    (void)environment.remove_file(settings.path);
    (void)environment.remove_directory(directory);
  }

  sstable::facts write(const table_versions& versions, const std::vector<range_tombstone>& erased = {}) {
    if (environment.file_exists(settings.path).value()) environment.remove_file(settings.path).value();
    builder building = builder::create(environment, settings).value();
    std::size_t next_erased = 0;
    for (const table_version& one : versions) {
      if (next_erased < erased.size()) building.add(erased[next_erased++]).value();
      building.add(one.view()).value();
    }
    while (next_erased < erased.size()) building.add(erased[next_erased++]).value();
    return building.finish().value();
  }

  result<std::unique_ptr<table>> open(cache& shared) { return table::open(environment, settings, shared); }

  std::string image() {
    auto file = environment.open_readable(settings.path).value();
    std::string bytes(static_cast<std::size_t>(file.size()), '\0');
    REQUIRE(file.read(0, bytes.data(), bytes.size()).value() == bytes.size());
    return bytes;
  }
  void replace(bytes_view image) {
    environment.remove_file(settings.path).value();
    auto file = environment.create_file(settings.path).value();
    file.append(image).value();
    file.close().value();
  }

  Environment environment;
  std::string directory;
  sstable::settings settings;
};

// Every answer of the table against `versions`, and every cursor movement from everywhere.
template <typename Table>
void check_answers(const Table& table, const table_versions& versions) {
  typename Table::lookup found;
  const auto get = [&](bytes_view key, sequence_number at) {
    const table_version* expected = newest(versions, key, at);
    const bool hit = table.get(key, hash64(key), at, found).value();
    if (hit != (expected != nullptr)) return false;
    return !hit || same(found.found(), *expected);
  };
  for (const sstable::usage use : {sstable::usage::scan, sstable::usage::once}) {
    typename Table::cursor walk(table, use);
    REQUIRE_FALSE(walk.valid());
    std::size_t at = 0;
    for (walk.seek_first(); walk.valid(); walk.next(), ++at) {
      if (at >= versions.size() || !same(walk.current(), versions[at])) FAIL("forward, entry " << at);
    }
    REQUIRE(walk.status().has_value());
    REQUIRE(at == versions.size());
    for (walk.seek_last(); walk.valid(); walk.prev()) {
      if (at == 0 || !same(walk.current(), versions[at - 1])) FAIL("backward, entry " << at);
      --at;
    }
    REQUIRE(walk.status().has_value());
    REQUIRE(at == 0);
    const std::size_t step = use == sstable::usage::once ? 1 + versions.size() / 64 : 1;
    for (std::size_t i = 0; i < versions.size(); i += step) {
      const auto lands_on = [&](bytes_view key, sequence_number sequence) {
        std::size_t expected = i > 0 ? i - 1 : 0;
        while (expected > 0 && !versions[expected].before(key, sequence)) --expected;
        while (expected < versions.size() && versions[expected].before(key, sequence)) ++expected;
        walk.seek(key, sequence);
        if (walk.valid() != (expected < versions.size())) return false;
        if (!walk.valid()) return true;
        if (!same(walk.current(), versions[expected])) return false;
        walk.prev();
        if (walk.valid() != (expected > 0)) return false;
        if (expected > 0 && !same(walk.current(), versions[expected - 1])) return false;
        walk.seek(key, sequence);
        walk.next();
        return walk.valid() == (expected + 1 < versions.size()) &&
               (!walk.valid() || same(walk.current(), versions[expected + 1]));
      };
      const table_version& one = versions[i];
      if (!lands_on(one.key, one.sequence)) FAIL("seek at " << i);
      if (!lands_on(one.key, sequence_max)) FAIL("seek at the key of " << i);
      if (!lands_on(one.key, 0)) FAIL("seek behind the key of " << i);
      if (one.sequence > 0 && !lands_on(one.key, one.sequence - 1)) FAIL("seek behind the version " << i);
      if (!lands_on(one.key + '\0', sequence_max)) FAIL("seek just above the key of " << i);
      if (!one.key.empty() && !lands_on(bytes_view(one.key).substr(0, one.key.size() - 1), 0))
        FAIL("seek just below the key of " << i);
    }
    walk.seek(bytes_view("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 12), 0);
    REQUIRE_FALSE(walk.valid());
  }
  for (const table_version& one : versions) {
    if (!get(one.key, one.sequence) || !get(one.key, sequence_max) || !get(one.key, one.sequence + 1) ||
        (one.sequence > 0 && !get(one.key, one.sequence - 1)) || !get(one.key + '\0', sequence_max) ||
        !get(one.key + "x", 5))
      FAIL("get of " << one.key.substr(0, 40) << " @" << one.sequence);
  }
}

// The eight bytes before a value that expires then.
inline std::string expiry_bytes(std::uint64_t expiry_us) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(static_cast<unsigned char>(expiry_us >> (8 * i)));
  return bytes;
}

inline table_versions random_versions(std::uint64_t seed, std::size_t count, std::size_t keys,
                                      std::size_t value_bytes_limit) {
  table_random random{seed};
  table_versions made;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(1'000'000 + random.below(keys));
    table_version one;
    one.key = random.below(3) == 0 ? "other/" + number.substr(0, 1 + random.below(number.size()))
                                   : "collection/user/" + number;
    one.value = random.bytes(random.below(value_bytes_limit));
    one.sequence = random.below(count * 2);
    one.kind = random.below(5) == 0 ? static_cast<value_kind>(1 + random.below(4)) : value_kind::value;
    if (one.kind == value_kind::tombstone) one.value.clear();
    if (one.kind == value_kind::value_with_expiry) one.value.insert(0, expiry_bytes(random.below(1'000'000)));
    made.push_back(std::move(one));
  }
  return in_order(std::move(made));
}

template <typename Policy, typename Environment>
void write_and_check(const table_versions& versions, std::uint64_t block_bytes, std::uint64_t cache_bytes) {
  table_world<Policy, Environment> world(block_bytes);
  const sstable::facts known = world.write(versions);
  typename table_world<Policy, Environment>::cache cache(world.environment, cache_bytes);
  auto table = world.open(cache).value();
  REQUIRE(table->facts() == known);
  REQUIRE(known.entries == versions.size());
  REQUIRE(known.bytes == world.image().size());
  check_answers(*table, versions);
  table->verify().value();
  const sstable::cache_stats stats = cache.stats();
  REQUIRE(stats.bytes <= cache_bytes);
  REQUIRE(stats.bytes_capacity == cache_bytes);
  table.reset();
  REQUIRE(cache.stats().bytes == 0);
}

template <typename Policy, typename Environment>
void check_refusals() {
  table_world<Policy, Environment> world;
  using builder = typename table_world<Policy, Environment>::builder;
  {
    auto building = builder::create(world.environment, world.settings).value();
    REQUIRE(builder::create(world.environment, world.settings).error() == errc::already_exists);
    building.add(entry{"b", "1", 5, value_kind::value}).value();
    REQUIRE(building.add(entry{"a", "", 9, value_kind::value}).error() == errc::invalid_argument);
    REQUIRE(building.add(entry{"b", "", 5, value_kind::value}).error() == errc::invalid_argument);
    REQUIRE(building.add(entry{"b", "", 6, value_kind::value}).error() == errc::invalid_argument);
    REQUIRE(building.add(entry{"c", "", sequence_max + 1, value_kind::value}).error() == errc::invalid_argument);
    REQUIRE(building.add(entry{"c", "1234567", 1, value_kind::value_with_expiry}).error() == errc::invalid_argument);
    REQUIRE(building.add(entry{std::string(internal_key_bytes_max + 1, 'z'), "", 1, value_kind::value}).error() ==
            errc::key_too_large);
    REQUIRE(building.add(range_tombstone{"a", "b", sequence_max + 1}).error() == errc::invalid_argument);
    REQUIRE(building.add(range_tombstone{"a", std::string(internal_key_bytes_max + 2, 'z'), 1}).error() ==
            errc::key_too_large);
    building.add(entry{"b", "0", 4, value_kind::value}).value();
    REQUIRE(building.bytes() > 0);
    REQUIRE(building.finish().value().entries == 2);
  }
  typename table_world<Policy, Environment>::cache cache(world.environment, 1 << 20);
  auto other = world.settings;
  other.number = 8;
  REQUIRE(table_world<Policy, Environment>::table::open(world.environment, other, cache).error() == errc::corruption);
  other = world.settings;
  other.store_id ^= 1;
  REQUIRE(table_world<Policy, Environment>::table::open(world.environment, other, cache).error() == errc::corruption);
  other.path += ".none";
  REQUIRE(table_world<Policy, Environment>::table::open(world.environment, other, cache).error() == errc::no_such_file);
  world.replace(std::string(500, 'x'));
  const auto foreign = world.open(cache);
  REQUIRE(foreign.error() == errc::not_a_store);
  REQUIRE(foreign.error().file() == world.settings.path);
}

// Gives what the table says after a change of its bytes: right answers (true), or that they are damaged, with the file.
// Nothing else: whatever a byte may say, a checksum covers it.
template <typename World>
bool right_or_refused(World& world, typename World::cache& cache, const table_versions& versions, bool& verified) {
  auto opened = world.open(cache);
  verified = false;
  const auto refused = [&](const error& failure) {
    if (failure.file() != world.settings.path) return false;
    return failure == errc::corruption || failure == errc::not_a_store;
  };
  if (!opened.has_value()) return refused(opened.error());
  const auto& table = **opened;
  const auto status = table.verify();
  verified = status.has_value();
  if (!verified && !refused(status.error())) return false;
  typename World::lookup found;
  for (const table_version& one : versions) {
    const auto hit = table.get(one.key, hash64(one.key), one.sequence, found);
    if (hit.has_value() ? !*hit || !same(found.found(), one) : !refused(hit.error())) return false;
  }
  for (const sstable::usage use : {sstable::usage::scan, sstable::usage::once}) {
    typename World::cursor walk(table, use);
    std::size_t at = 0;
    for (walk.seek_first(); walk.valid(); walk.next(), ++at)
      if (at >= versions.size() || !same(walk.current(), versions[at])) return false;
    if (walk.status().has_value() ? at != versions.size() : !refused(walk.status().error())) return false;
    at = versions.size();
    for (walk.seek_last(); walk.valid(); walk.prev(), --at)
      if (at == 0 || !same(walk.current(), versions[at - 1])) return false;
    if (walk.status().has_value() ? at != 0 : !refused(walk.status().error())) return false;
  }
  return true;
}

template <typename Policy, typename Environment>
void check_rot() {
  table_world<Policy, Environment> world;
  const table_versions versions = random_versions(3, 60, 40, 90);
  world.write(versions, {{"collection/user/10", "collection/user/11", 3}, {"a", "b", 1}});
  const std::string image = world.image();
  typename table_world<Policy, Environment>::cache cache(world.environment, 1 << 20);
  bool verified = false;
  REQUIRE(right_or_refused(world, cache, versions, verified));
  REQUIRE(verified);
  for (std::size_t offset = 0; offset < image.size(); ++offset) {
    for (const int change : {0, 1, 2}) {
      std::string damaged = image;
      const auto before = static_cast<unsigned char>(image[offset]);
      const unsigned after = change == 0 ? before ^ (1u << (offset % 8)) : change == 1 ? 0u : 0xFFu;
      if (after == before) continue;
      damaged[offset] = static_cast<char>(static_cast<unsigned char>(after));
      world.replace(damaged);
      if (!right_or_refused(world, cache, versions, verified)) FAIL("byte " << offset << ", change " << change);
      if (verified) FAIL("verify() passes byte " << offset << ", change " << change);
    }
  }
  for (std::size_t length = 0; length < image.size(); ++length) {
    world.replace(bytes_view(image).substr(0, length));
    auto opened = world.open(cache);
    if (opened.has_value() || opened.error().file() != world.settings.path) FAIL("opens when cut to " << length);
    if (length == 0 || length >= 8)
      if (!(opened.error() == errc::corruption)) FAIL("is no table any more when cut to " << length);
  }
  world.replace(image + '\0');
  REQUIRE_FALSE(world.open(cache).has_value());
}

template <typename Policy, typename Environment>
void sstable_contract() {
  static_assert(requirements::sstable<Policy, Environment>);
  static_assert(strata::detail::check_sstable<Policy, Environment>());
  SECTION("answers as an ordered map of all versions does") {
    write_and_check<Policy, Environment>(random_versions(1, 3000, 700, 60), 1024, 1 << 20);
    write_and_check<Policy, Environment>(random_versions(2, 2000, 100'000, 300), 4096, 1 << 20);
  }
  SECTION("answers the same with a cache smaller than a block, of nothing, and of a few blocks") {
    const table_versions versions = random_versions(5, 800, 300, 60);
    for (const std::uint64_t cache_bytes : {0u, 100u, 4000u})
      write_and_check<Policy, Environment>(versions, 1024, cache_bytes);
  }
  SECTION("versions of one key may go on over many blocks") {
    table_versions versions;
    for (sequence_number sequence = 1; sequence <= 1500; ++sequence)
      versions.push_back({"collection/many", "value " + std::to_string(sequence), 2 * sequence, value_kind::value});
    for (const char* key : {"collection/a", "collection/man", "collection/many\x01", "collection/z"})
      versions.push_back({key, "single", 77, value_kind::value});
    write_and_check<Policy, Environment>(in_order(std::move(versions)), 1024, 1 << 20);
  }
  SECTION("holds empty keys and values, the longest keys, and values far over a block") {
    table_random random{9};
    table_versions versions = {{"", "", 3, value_kind::value},
                               {"", "of the empty key", 2, value_kind::value},
                               {"", "", 0, value_kind::tombstone},
                               {std::string(1, '\0'), "zero", 1, value_kind::value},
                               {"empty value", "", 9, value_kind::value},
                               {"large", random.bytes(5 << 20), 8, value_kind::value},
                               {"largf", random.bytes(70'000), 8, value_kind::value_with_expiry},
                               {"largf", "", 7, value_kind::tombstone},
                               {"largg", random.bytes(1024), sequence_max, value_kind::value}};
    for (int i = 0; i < 6; ++i) {
      std::string key(internal_key_bytes_max, 'k');
      key.back() = static_cast<char>('a' + i);
      versions.push_back({key, "long", 4, value_kind::value});
    }
    versions.push_back({std::string(65'535, 'm'), random.bytes(100), 4, value_kind::value});
    versions.push_back({std::string(200, 'm') + "x", "y", 4, value_kind::merge_operand});
    write_and_check<Policy, Environment>(in_order(std::move(versions)), 1024, 16 << 20);
  }
  SECTION("keys that differ only behind their first bytes are found") {
    table_versions versions;
    for (int i = 0; i < 400; ++i)
      versions.push_back({std::string("prefix") + std::string(12, '\0') + std::to_string(i), std::string(60, 'v'), 5,
                          value_kind::value});
    for (int i = 0; i < 100; ++i)
      versions.push_back({std::string("prefix") + std::string(static_cast<std::size_t>(i), '\xFF'),
                          std::string(60, 'v'), 5, value_kind::value});
    write_and_check<Policy, Environment>(in_order(std::move(versions)), 1024, 1 << 20);
  }
  SECTION("one table may hold nothing, or range tombstones alone") {
    write_and_check<Policy, Environment>({}, 1024, 1 << 20);
    table_world<Policy, Environment> world;
    const sstable::facts known = world.write({}, {{"m", "p", 9}, {"a", "c", 4}, {"b", "z", 7}, {"x", "x", 3}});
    REQUIRE(known.entries == 0);
    REQUIRE(known.smallest == "a");
    REQUIRE(known.limit == "z");
    REQUIRE(known.lowest_sequence == 4);
    REQUIRE(known.highest_sequence == 9);
    typename table_world<Policy, Environment>::cache cache(world.environment, 1 << 20);
    auto table = world.open(cache).value();
    REQUIRE(table->facts() == known);
    REQUIRE(table->range_tombstones().covering("b", 100) == 7);
    REQUIRE(table->range_tombstones().covering("n", 100) == 9);
    REQUIRE(table->range_tombstones().covering("n", 8) == 7);
    REQUIRE(table->range_tombstones().covering("a", 100) == 4);
    REQUIRE(table->range_tombstones().covering("z", 100) == 0);
    REQUIRE(table->range_tombstones().tombstones().size() == known.range_tombstones);
    table->verify().value();
  }
  SECTION("facts say what is in it, range tombstones included") {
    table_world<Policy, Environment> world;
    const sstable::facts known = world.write(
        {{"c", "", 8, value_kind::tombstone}, {"c", "x", 7, value_kind::value}, {"d", "", 6, value_kind::value}},
        {{"b", "cc", 3}});
    REQUIRE(known.entries == 3);
    REQUIRE(known.tombstones == 1);
    REQUIRE(known.range_tombstones == 1);
    REQUIRE(known.newest_time_us == 1'700'000'000'000'000);
    REQUIRE(known.lowest_sequence == 3);
    REQUIRE(known.highest_sequence == 8);
    REQUIRE(known.smallest == "b");
    REQUIRE(known.limit == std::string("d\0", 2));
    typename table_world<Policy, Environment>::cache cache(world.environment, 1 << 20);
    auto table = world.open(cache).value();
    REQUIRE(table->facts() == known);
    REQUIRE(table->memory_bytes() > 0);
    table->prefetch(12345);
  }
  SECTION("facts say which versions are hidden and when values expire") {
    table_world<Policy, Environment> world;
    sstable::facts known = world.write({{"a", "x", 9, value_kind::value},
                                        {"a", "x", 8, value_kind::value},
                                        {"a", "", 7, value_kind::tombstone},
                                        {"b", "x", 1, value_kind::value}});
    REQUIRE(known.hidden_versions == 2);
    REQUIRE(known.earliest_expiry_us == UINT64_MAX);
    REQUIRE(known.median_expiry_us == UINT64_MAX);
    known = world.write({{"a", expiry_bytes(500), 9, value_kind::value_with_expiry},
                         {"b", "12345678", 9, value_kind::value},
                         {"c", expiry_bytes(300) + "x", 9, value_kind::value_with_expiry},
                         {"d", expiry_bytes(UINT64_MAX - 1), 9, value_kind::value_with_expiry}});
    REQUIRE(known.hidden_versions == 0);
    REQUIRE(known.earliest_expiry_us == 300);
    REQUIRE(known.median_expiry_us == 500);
    table_versions many;  // more than are remembered one by one
    for (std::uint64_t i = 0; i < 5000; ++i)
      many.push_back({std::to_string(10'000 + i), expiry_bytes(1'000'000 + i * 7919 % 5000), 5, value_kind::value_with_expiry});
    known = world.write(many);
    REQUIRE(known.earliest_expiry_us == 1'000'000);
    REQUIRE(known.median_expiry_us > 1'002'000);
    REQUIRE(known.median_expiry_us < 1'003'000);
    typename table_world<Policy, Environment>::cache cache(world.environment, 1 << 20);
    auto table = world.open(cache).value();
    REQUIRE(table->facts() == known);
    table->verify().value();
  }
  SECTION("a lookup and a cursor may be moved while they hold a block") {
    table_world<Policy, Environment> world;
    const table_versions versions = random_versions(8, 300, 100, 50);
    world.write(versions);
    typename table_world<Policy, Environment>::cache cache(world.environment, 1500);
    auto table = world.open(cache).value();
    typename table_world<Policy, Environment>::lookup first;
    REQUIRE(table->get(versions[50].key, hash64(versions[50].key), versions[50].sequence, first).value());
    auto second = std::move(first);
    for (const sstable::usage use : {sstable::usage::scan, sstable::usage::once}) {
      typename table_world<Policy, Environment>::cursor walk(*table, use);
      walk.seek_first();
      auto moved = std::move(walk);
      for (std::size_t i = 0; i < versions.size(); ++i, moved.next()) {
        REQUIRE(moved.valid());
        if (!same(moved.current(), versions[i])) FAIL("entry " << i);
      }
    }
    REQUIRE(same(second.found(), versions[50]));
  }
  SECTION("refuses what is out of order, too large, foreign") { check_refusals<Policy, Environment>(); }
  SECTION("damaged or cut bytes give right answers or a typed error, and verify() sees every change") {
    check_rot<Policy, Environment>();
  }
}

}  // namespace strata::testing

#endif
