// What every memtable must do, as memtable/requirements.hpp says it. A memtable of one's own is tested by
// `strata::testing::memtable_contract<my_memtable>()` in a TEST_CASE.
#ifndef STRATA_TESTS_MEMTABLE_CONTRACT_HPP
#define STRATA_TESTS_MEMTABLE_CONTRACT_HPP

#include "test.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include <strata/memtable/requirements.hpp>

namespace strata::testing {

// splitmix64
struct random_numbers {
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t mixed = state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
  }
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(next() % limit); }
};

// An entry that owns its bytes, and the order of core/entry.hpp with the rule for duplicates.
struct owned_entry {
  std::string key;
  std::string value;
  sequence_number sequence = 0;
  value_kind kind = value_kind::value;
};

inline bool same(const entry& seen, const owned_entry& expected) {
  return seen.key == expected.key && seen.value == expected.value && seen.sequence == expected.sequence &&
         seen.kind == expected.kind;
}

template <typename Memtable>
void insert(Memtable& table, const owned_entry& added) {
  REQUIRE(table.reserve(1, added.key.size() + added.value.size()).has_value());
  table.insert({added.key, added.value, added.sequence, added.kind});
}

// What a memtable must hold: kept in order by the plainest means.
struct memtable_oracle {
  struct place {
    std::string key;
    sequence_number sequence;
    std::uint64_t ordinal;
    bool operator<(const place& other) const {
      if (key != other.key) return key < other.key;
      if (sequence != other.sequence) return sequence > other.sequence;
      return ordinal > other.ordinal;
    }
  };
  std::map<place, owned_entry> entries;
  std::uint64_t inserted = 0;

  void insert(const owned_entry& added) { entries[{added.key, added.sequence, ++inserted}] = added; }
  [[nodiscard]] std::vector<owned_entry> in_order() const {
    std::vector<owned_entry> list;
    for (const auto& [where, what] : entries) list.push_back(what);
    return list;
  }
  [[nodiscard]] std::size_t position(const std::string& key, sequence_number sequence) const {
    return static_cast<std::size_t>(
        std::distance(entries.begin(), entries.lower_bound({key, sequence, std::uint64_t(-1)})));
  }
};

// Forward, backward, and from every entry one step each way.
template <typename Memtable>
void check_walks(const Memtable& table, const std::vector<owned_entry>& expected) {
  typename Memtable::cursor at(table);
  CHECK_FALSE(at.valid());
  std::size_t wrong = 0;
  std::size_t i = 0;
  for (at.seek_first(); at.valid() && i < expected.size(); at.next(), ++i) wrong += !same(at.current(), expected[i]);
  CHECK_FALSE(at.valid());
  CHECK(i == expected.size());
  for (at.seek_last(); at.valid() && i > 0; at.prev()) wrong += !same(at.current(), expected[--i]);
  CHECK_FALSE(at.valid());
  CHECK(i == 0);
  CHECK(wrong == 0);
}

template <typename Memtable>
void check_seek(const Memtable& table, const memtable_oracle& oracle, const std::vector<owned_entry>& expected,
                const std::string& key, sequence_number sequence) {
  const std::size_t position = oracle.position(key, sequence);
  typename Memtable::cursor at(table);
  at.seek(key, sequence);
  REQUIRE(at.valid() == (position < expected.size()));
  entry found;
  found.value = "untouched";
  const bool has = position < expected.size() && expected[position].key == key;
  REQUIRE(table.get(key, sequence, found) == has);
  if (has) REQUIRE(same(found, expected[position]));
  if (!has) REQUIRE(found.value == "untouched");
  if (!at.valid()) return;
  REQUIRE(same(at.current(), expected[position]));
  at.prev();
  REQUIRE(at.valid() == (position > 0));
  if (position > 0) REQUIRE(same(at.current(), expected[position - 1]));
  at.seek(key, sequence);
  at.next();
  REQUIRE(at.valid() == (position + 1 < expected.size()));
  if (at.valid()) REQUIRE(same(at.current(), expected[position + 1]));
}

template <typename Memtable>
void memtable_is_empty_at_first() {
  const auto table = std::make_unique<Memtable>();
  CHECK(table->entries() == 0);
  entry found;
  CHECK_FALSE(table->get("", sequence_max, found));
  typename Memtable::cursor at(*table);
  CHECK_FALSE(at.valid());
  at.seek_first();
  CHECK_FALSE(at.valid());
  at.seek_last();
  CHECK_FALSE(at.valid());
  at.seek("", sequence_max);
  CHECK_FALSE(at.valid());
}

template <typename Memtable>
void memtable_keeps_versions_and_duplicates() {
  const auto table = std::make_unique<Memtable>();
  insert(*table, {"k", "first", 5, value_kind::value});
  insert(*table, {"k", "older", 3, value_kind::value_with_expiry});
  insert(*table, {"k", "second", 5, value_kind::tombstone});
  insert(*table, {"k", "newest", 9, value_kind::merge_operand});
  insert(*table, {"k", "third", 5, value_kind::value});
  CHECK(table->entries() == 5);
  entry found;
  CHECK_FALSE(table->get("k", 2, found));
  const std::vector<std::pair<sequence_number, std::string>> seen = {
      {3, "older"}, {4, "older"}, {5, "third"}, {8, "third"}, {9, "newest"}, {sequence_max, "newest"}};
  for (const auto& [at, value] : seen) {
    REQUIRE(table->get("k", at, found));
    CHECK(found.value == value);
  }
  CHECK(found.kind == value_kind::merge_operand);
  check_walks(*table, {{"k", "newest", 9, value_kind::merge_operand},
                       {"k", "third", 5, value_kind::value},
                       {"k", "second", 5, value_kind::tombstone},
                       {"k", "first", 5, value_kind::value},
                       {"k", "older", 3, value_kind::value_with_expiry}});
}

template <typename Memtable>
void memtable_takes_every_key_and_value() {
  const auto table = std::make_unique<Memtable>();
  memtable_oracle oracle;
  const std::string long_key(65'535, 'k');
  std::vector<std::string> keys = {"",
                                   std::string(1, '\0'),
                                   std::string(2, '\0'),
                                   std::string("a\0b", 3),
                                   "a",
                                   "ab",
                                   "\x7f",
                                   "\x80",
                                   "\xff",
                                   std::string(8, '\xff'),
                                   std::string(9, '\xff'),
                                   std::string(8, '\0'),
                                   std::string(internal_key_bytes_max, '\xff'),
                                   long_key,
                                   long_key.substr(1) + "j",
                                   long_key.substr(1) + "l",
                                   long_key.substr(1)};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string value = i % 3 == 0 ? std::string() : std::string(i * 17, static_cast<char>(i));
    for (sequence_number sequence : {i + 1, sequence_max}) {
      const owned_entry added{keys[i], value, sequence, value_kind::value};
      insert(*table, added);
      oracle.insert(added);
    }
  }
  insert(*table, {"large", std::string(4 << 20, 'v'), 1, value_kind::value});
  oracle.insert({"large", std::string(4 << 20, 'v'), 1, value_kind::value});
  CHECK(table->bytes() >= std::size_t{4} << 20);
  check_walks(*table, oracle.in_order());
  for (const std::string& key : keys)
    for (sequence_number at : {sequence_number{0}, sequence_number{1}, sequence_max})
      check_seek(*table, oracle, oracle.in_order(), key, at);
}

// Keys of the shapes that programs have; each leans on another part of a comparison.
inline std::string shaped_key(unsigned shape, random_numbers& random, std::size_t ordinal) {
  switch (shape) {
    case 0:
      return "run/collection/" + std::to_string(1'000'000 + random.below(400));  // a common beginning
    case 1: {                                                                    // zeros, prefixes of each other
      const std::size_t length = random.below(12);
      return std::string(length, static_cast<char>(random.below(3)));
    }
    case 2: {  // anything
      std::string key(random.below(20), ' ');
      for (char& byte : key) byte = static_cast<char>(random.next());
      return key;
    }
    case 3:
      return "in order " + std::to_string(100'000 + ordinal / 2);
    case 4:
      return "backwards " + std::to_string(900'000 - ordinal / 2);
    default: {  // the first keys begin alike, later ones do not
      const char first = ordinal < 100 ? 'm' : static_cast<char>('k' + random.below(5));
      return std::string(5, first) + std::to_string(random.below(1000));
    }
  }
}

template <typename Memtable>
void memtable_agrees_with_an_oracle(std::size_t count) {
  for (unsigned shape = 0; shape < 6; ++shape) {
    random_numbers random{shape + 1};
    const auto table = std::make_unique<Memtable>();
    memtable_oracle oracle;
    sequence_number sequence = 1;
    for (std::size_t i = 0; i < count; ++i) {
      sequence += random.below(3);
      // Not only in order of time: recovery and replicas may insert otherwise.
      const sequence_number used = random.below(8) == 0 ? 1 + random.below(sequence) : sequence;
      const value_kind kind = random.below(4) == 0 ? value_kind::tombstone : value_kind::value;
      const owned_entry added{shaped_key(shape, random, i), std::to_string(i), used, kind};
      insert(*table, added);
      oracle.insert(added);
    }
    INFO("keys of shape " << shape);
    CHECK(table->entries() == count);
    const std::vector<owned_entry> expected = oracle.in_order();
    check_walks(*table, expected);
    for (const owned_entry& each : expected) check_seek(*table, oracle, expected, each.key, each.sequence);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t ordinal = random.below(2 * count);
      const std::string key = shaped_key(shape, random, ordinal);
      check_seek(*table, oracle, expected, key, random.below(sequence + 3));
    }
  }
}

// A group of commits reserves once for all.
template <typename Memtable>
void memtable_inserts_what_was_reserved() {
  random_numbers random{7};
  const auto table = std::make_unique<Memtable>();
  memtable_oracle oracle;
  sequence_number sequence = 0;
  for (const std::size_t count : {1u, 2u, 1000u, 3u, 500u}) {
    std::vector<owned_entry> group;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string key = std::string(random.below(100), 'k');
      const std::string value = std::string(random.below(3000), 'v');
      group.push_back({key + std::to_string(random.next()), value, ++sequence, value_kind::value});
      bytes += group.back().key.size() + group.back().value.size();
    }
    REQUIRE(table->reserve(count, bytes).has_value());
    REQUIRE(table->reserve(count, bytes).has_value());
    const std::size_t held = table->bytes();
    for (const owned_entry& each : group) {
      table->insert({each.key, each.value, each.sequence, each.kind});
      oracle.insert(each);
    }
    CHECK(table->bytes() == held);  // no insert asked for memory
    CHECK(held >= bytes);
  }
  check_walks(*table, oracle.in_order());
  const result<void> absurd = table->reserve(SIZE_MAX / 2, SIZE_MAX / 2);
  REQUIRE_FALSE(absurd.has_value());
  CHECK(absurd.error() == errc::out_of_memory);
  const result<void> too_many_bytes = table->reserve(1, SIZE_MAX - 8);
  REQUIRE_FALSE(too_many_bytes.has_value());
  CHECK(too_many_bytes.error() == errc::out_of_memory);
  check_walks(*table, oracle.in_order());
}

template <typename Memtable>
void memtable_views_outlive_later_inserts() {
  const auto table = std::make_unique<Memtable>();
  insert(*table, {"b", "kept", 1, value_kind::value});
  entry kept;
  REQUIRE(table->get("b", 1, kept));
  typename Memtable::cursor at(*table);
  at.seek_first();
  for (int i = 0; i < 1000; ++i) insert(*table, {"a" + std::to_string(i), std::string(200, 'x'), 2, value_kind::value});
  CHECK(same(kept, {"b", "kept", 1, value_kind::value}));
  CHECK(same(at.current(), {"b", "kept", 1, value_kind::value}));
  at.prev();  // sees what came in before it
  REQUIRE(at.valid());
  CHECK(at.current().key == "a999");
  insert(*table, {"a9995", "", 3, value_kind::value});
  at.next();
  REQUIRE(at.valid());
  CHECK(at.current().key == "a9995");
}

// Each value says which entry it belongs to, many times over: half an entry would not add up.
inline std::string proof(std::uint64_t number) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += std::to_string(number) + ",";
  return text;
}
inline std::string scattered_key(std::uint64_t number) {
  return "scattered " + std::to_string(random_numbers{number}.next() % 100'000 + 100'000) + "/" +
         std::to_string(number);
}

// Counts what is wrong with what one reader sees after `published` inserts are known to be there.
template <typename Memtable>
std::size_t faults_seen(const Memtable& table, std::uint64_t published, random_numbers& random) {
  std::size_t faults = 0;
  if (published > 0) {
    const std::uint64_t number = 1 + random.below(published);
    entry found;
    if (!table.get(scattered_key(number), sequence_max, found)) return 1;
    faults += found.value != proof(number) || found.sequence != number;
    typename Memtable::cursor at(table);
    at.seek(found.key, found.sequence);
    if (!at.valid() || at.current().key != found.key) return faults + 1;
    at.prev();
    if (at.valid()) faults += at.current().key >= found.key;
  }
  std::uint64_t walked = 0;
  std::string before;
  typename Memtable::cursor at(table);
  for (at.seek_first(); at.valid(); at.next(), ++walked) {
    const entry seen = at.current();
    faults += seen.key <= bytes_view(before) || seen.value != proof(seen.sequence) ||
              seen.key != scattered_key(seen.sequence);
    before = seen.key;
  }
  return faults + (walked < published ? 1 : 0);
}

template <typename Memtable>
void memtable_serves_readers_beside_a_writer(std::uint64_t count) {
  const auto table = std::make_unique<Memtable>();
  std::atomic<std::uint64_t> published{0};
  std::atomic<std::size_t> faults{0};
  std::atomic<int> started{0};
  std::vector<std::thread> readers;
  for (std::uint64_t reader = 0; reader < 3; ++reader)
    readers.emplace_back([&, reader] {
      random_numbers random{reader};
      std::uint64_t known = 0;
      started.fetch_add(1);
      do {
        known = published.load(std::memory_order_acquire);
        if (table->entries() < known) faults.fetch_add(1);
        faults.fetch_add(faults_seen(*table, known, random));
      } while (known < count);
    });
  while (started.load() < 3) std::this_thread::yield();
  std::size_t failed = 0;
  for (std::uint64_t number = 1; number <= count; ++number) {
    const std::string key = scattered_key(number);
    const std::string value = proof(number);
    failed += !table->reserve(1, key.size() + value.size()).has_value();
    table->insert({key, value, number, value_kind::value});
    published.store(number, std::memory_order_release);
  }
  for (std::thread& reader : readers) reader.join();
  CHECK(failed == 0);
  CHECK(faults.load() == 0);
  CHECK(table->entries() == count);
}

// Ten bytes that fall as the number grows, with a gap between each two.
inline std::string falling_key(std::uint64_t number, std::uint64_t below) {
  std::uint64_t rest = 90'000'000 - 2 * number - below;
  std::string key = "k/00000000";
  for (std::size_t i = key.size(); i-- > 2; rest /= 10) key[i] = static_cast<char>('0' + rest % 10);
  return key;
}

// The hardest place to read: every insert goes to the very links that every search passes. A reader looks for the key right
// below the newest that it knows, which is not there, and must get that newest one: not the smaller one that comes in
// meanwhile, not the one behind it, not the end.
template <typename Memtable>
void memtable_serves_seeks_where_the_writer_works(std::uint64_t count) {
  const auto table = std::make_unique<Memtable>();
  std::atomic<std::uint64_t> published{0};
  std::atomic<std::size_t> faults{0};
  std::atomic<bool> started{false};
  std::thread reader([&] {
    std::uint64_t known = 0;
    typename Memtable::cursor at(*table);
    started.store(true);
    do {
      known = published.load(std::memory_order_acquire);
      if (known == 0) continue;
      const std::string newest = falling_key(known, 0);
      const std::string absent = falling_key(known, 1);
      for (int i = 0; i < 8; ++i) {
        at.seek(absent, sequence_max);
        if (!at.valid() || at.current().key != newest) faults.fetch_add(1);
        if (!at.valid()) continue;
        at.prev();
        if (at.valid() && at.current().key >= newest) faults.fetch_add(1);
      }
    } while (known < count);
  });
  while (!started.load()) std::this_thread::yield();
  std::size_t failed = 0;
  for (std::uint64_t number = 1; number <= count; ++number) {
    const std::string key = falling_key(number, 0);
    failed += !table->reserve(1, key.size()).has_value();
    table->insert({key, {}, number, value_kind::value});
    published.store(number, std::memory_order_release);
  }
  reader.join();
  CHECK(failed == 0);
  CHECK(faults.load() == 0);
}

// Everything above. `count` sets the size of the random parts.
template <typename Memtable>
void memtable_contract(std::size_t count) {
  STATIC_REQUIRE(requirements::memtable<Memtable>);
  SECTION("is empty at first") { memtable_is_empty_at_first<Memtable>(); }
  SECTION("keeps every version, and of duplicates the later first") {
    memtable_keeps_versions_and_duplicates<Memtable>();
  }
  SECTION("takes every key and value") { memtable_takes_every_key_and_value<Memtable>(); }
  SECTION("agrees with an oracle") { memtable_agrees_with_an_oracle<Memtable>(count); }
  SECTION("inserts what was reserved without asking for memory") { memtable_inserts_what_was_reserved<Memtable>(); }
  SECTION("keeps views and cursors through later inserts") { memtable_views_outlive_later_inserts<Memtable>(); }
  SECTION("serves readers beside a writer") { memtable_serves_readers_beside_a_writer<Memtable>(count); }
  SECTION("serves seeks where the writer works") { memtable_serves_seeks_where_the_writer_works<Memtable>(100'000); }
}

}  // namespace strata::testing

#endif
