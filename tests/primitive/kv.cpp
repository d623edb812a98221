// kv: every operation of its row, in the store, in a transaction and in a snapshot, against a map and across a reopen.
#include "test.hpp"

#include <strata/store/store.hpp>
#include <strata/primitive/kv.hpp>

namespace {

struct user {
  std::string name;
  int age = 0;
  friend bool operator==(const user&, const user&) = default;
};
using place = std::tuple<std::string, std::uint32_t>;

inline constexpr strata::kv<std::string, user> users{"users"};
inline constexpr strata::kv<std::string, std::string> texts{"texts"};
inline constexpr strata::kv<place, std::uint64_t> places{"places"};
inline constexpr strata::kv<std::int64_t, std::string> numbers{"numbers"};

using environment = strata::environment::in_memory;
using store = strata::store<environment, strata::schema<users, texts, places, numbers>>;

store fresh() { return store::open(environment(), "db").value(); }

template <typename View, typename... Arguments>
std::vector<std::string> keys_of(const View& view, const Arguments&... arguments) {
  std::vector<std::string> keys;
  for (const auto& key : view.scan_keys(arguments...)) keys.push_back(key);
  return keys;
}
using strings = std::vector<std::string>;

std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace

TEST_CASE("a value is there after its put, and absence is no error") {
  store db = fresh();
  REQUIRE_FALSE(db[users].get("ada").value().has_value());
  const strata::sequence_number version = db[users].put("ada", {"Ada", 36}).value();
  REQUIRE(db[users].get("ada").value() == user{"Ada", 36});
  REQUIRE(db.last_sequence() == version);
  const auto found = db[users].get_versioned("ada").value();
  REQUIRE(found->version == version);
  REQUIRE_FALSE(found->expires_at.has_value());
  user into;
  REQUIRE(db[users].get_into("ada", into).value());
  REQUIRE(into.age == 36);
  REQUIRE_FALSE(db[users].get_into("bob", into).value());
  REQUIRE(into.age == 36);
}

TEST_CASE("empty, absent and erased differ") {
  store db = fresh();
  db[texts].put("empty", "").value();
  db[texts].put("", "empty key").value();
  REQUIRE(db[texts].get("empty").value() == "");
  REQUIRE(db[texts].get("").value() == "empty key");
  REQUIRE_FALSE(db[texts].contains("absent").value());
  REQUIRE(db[texts].erase("empty").value());
  REQUIRE_FALSE(db[texts].erase("empty").value());
  REQUIRE_FALSE(db[texts].contains("empty").value());
  REQUIRE(db[texts].count().value() == 1);
}

TEST_CASE("a put with a condition happens only where the condition holds") {
  store db = fresh();
  REQUIRE(db[texts].put("k", "a", {.if_present = true}).error() == strata::errc::condition_not_met);
  const auto first = db[texts].put("k", "a", {.if_absent = true}).value();
  REQUIRE(db[texts].put("k", "b", {.if_absent = true}).error() == strata::errc::condition_not_met);
  REQUIRE(db[texts].put("k", "b", {.if_version = first + 1}).error() == strata::errc::condition_not_met);
  REQUIRE(db[texts].get("k").value() == "a");
  const auto second = db[texts].put("k", "b", {.if_version = first}).value();
  REQUIRE(second > first);
  REQUIRE(db[texts].put("k", "c", {.if_version = first}).error() == strata::errc::condition_not_met);
  REQUIRE(db[texts].put("k", "c", {.if_present = true}).has_value());
  REQUIRE(db[texts].get("k").value() == "c");
  db[texts].erase("k").value();
  REQUIRE(db[texts].put("k", "d", {.if_version = second}).error() == strata::errc::condition_not_met);
}

TEST_CASE("an expiry is exact on read, cleared by an overwrite, kept on request, taken away by persist") {
  store db = fresh();
  db[texts].put("short", "x", {.expires_after = std::chrono::microseconds(1)}).value();
  while (db[texts].contains("short").value()) {
  }
  REQUIRE_FALSE(db[texts].get("short").value().has_value());
  REQUIRE(keys_of(db[texts]).empty());
  REQUIRE_FALSE(db[texts].erase("short").value());

  db[texts].put("long", "x", {.expires_after = std::chrono::hours(1)}).value();
  const auto expiry = db[texts].expires_at("long").value();
  REQUIRE(expiry.has_value());
  db[texts].put("long", "y", {.keep_expiry = true}).value();
  REQUIRE(db[texts].expires_at("long").value() == expiry);
  REQUIRE(db[texts].get("long").value() == "y");
  REQUIRE(db[texts].persist("long").value());
  REQUIRE_FALSE(db[texts].persist("long").value());
  REQUIRE_FALSE(db[texts].persist("absent").value());
  REQUIRE_FALSE(db[texts].expires_at("long").value().has_value());
  REQUIRE(db[texts].get("long").value() == "y");
  db[texts].put("long", "z", {.expires_after = std::chrono::hours(1)}).value();
  db[texts].put("long", "w").value();
  REQUIRE_FALSE(db[texts].expires_at("long").value().has_value());
  REQUIRE(db[texts].put("k", "v", {.expires_after = std::chrono::seconds(0)}).error() == strata::errc::invalid_argument);
  REQUIRE(db[texts].put("k", "v", {.expires_after = std::chrono::seconds(1), .keep_expiry = true}).error() ==
          strata::errc::invalid_argument);
}

TEST_CASE("scans are ordered, bounded, limited, and run both ways") {
  store db = fresh();
  for (const char* key : {"a", "ab", "abc", "b", "ba", "c"}) db[texts].put(key, key).value();
  const auto view = db[texts];
  REQUIRE(keys_of(view) == strings{"a", "ab", "abc", "b", "ba", "c"});
  REQUIRE(keys_of(view, strata::descending{}) == strings{"c", "ba", "b", "abc", "ab", "a"});
  REQUIRE(keys_of(view, strata::prefix("ab")) == strings{"ab", "abc"});
  REQUIRE(keys_of(view, strata::prefix("")) == keys_of(view));
  REQUIRE(keys_of(view, strata::from("ab"), strata::before("b")) == strings{"ab", "abc"});
  REQUIRE(keys_of(view, strata::after("ab"), strata::up_to("b")) == strings{"abc", "b"});
  REQUIRE(keys_of(view, strata::limit(2)) == strings{"a", "ab"});
  REQUIRE(keys_of(view, strata::prefix("b"), strata::descending{}, strata::limit(1)) == strings{"ba"});
  REQUIRE(keys_of(view, strata::limit(0)).empty());
  REQUIRE(keys_of(view, strata::from("c"), strata::before("a")).empty());
  REQUIRE(keys_of(view, strata::from("a"), strata::prefix("b")) == strings{"b", "ba"});
  REQUIRE(view.count(strata::prefix("a")).value() == 3);
  REQUIRE(view.first()->value().first == "a");
  REQUIRE(view.last()->value().first == "c");
  REQUIRE(view.last(strata::before("b"))->value().first == "abc");
  REQUIRE_FALSE(view.first(strata::from("d")).value().has_value());
  for (auto&& [key, value] : view.scan()) REQUIRE(key == value);
}

TEST_CASE("struct and tuple keys are found by their first fields") {
  store db = fresh();
  for (std::uint32_t line : {3u, 1u, 2u}) db[places].put(place("word", line), line).value();
  db[places].put(place("wor", 9), 9).value();
  db[places].put(place(std::string("word\0x", 6), 7), 7).value();
  std::vector<std::uint64_t> lines;
  for (auto&& [key, value] : db[places].scan(strata::prefix("word"))) lines.push_back(value);
  REQUIRE(lines == std::vector<std::uint64_t>{1, 2, 3});
  REQUIRE(db[places].get(std::tuple(std::string_view("word"), std::uint32_t{2})).value() == 2);
  for (std::int64_t number : {5, -5, 0}) db[numbers].put(number, "x").value();
  std::vector<std::int64_t> order;
  for (const auto& key : db[numbers].scan_keys()) order.push_back(key);
  REQUIRE(order == std::vector<std::int64_t>{-5, 0, 5});
}

TEST_CASE("erase_range takes what is within its bounds and nothing else") {
  store db = fresh();
  for (const char* key : {"a", "b", "ba", "bb", "c"}) db[texts].put(key, "v").value();
  db[texts].erase_range(strata::prefix("b")).value();
  REQUIRE(keys_of(db[texts]) == strings{"a", "c"});
  db[texts].put("ba", "again").value();
  REQUIRE(keys_of(db[texts]) == strings{"a", "ba", "c"});
  REQUIRE(db[texts].erase_range(strata::limit(1)).error() == strata::errc::invalid_argument);
  db[users].put("a", {"A", 1}).value();
  db[texts].erase_range().value();
  REQUIRE(keys_of(db[texts]).empty());
  REQUIRE(db[users].contains("a").value());
}

TEST_CASE("get_view and multi_get give what get gives") {
  store db = fresh();
  db[texts].put("a", "1").value();
  db[texts].put("b", std::string(100'000, 'x')).value();
  for (int flushed = 0; flushed < 2; ++flushed) {
    strata::value_view<strata::write_context<store::engine_type>> view;
    REQUIRE(db[texts].get_view("b", view).value());
    REQUIRE(view.bytes() == std::string(100'000, 'x'));
    REQUIRE_FALSE(db[texts].get_view("c", view).value());
    const auto many = db[texts].multi_get({"b", "c", "a"}).value();
    REQUIRE(many[0]->size() == 100'000);
    REQUIRE_FALSE(many[1].has_value());
    REQUIRE(many[2] == "1");
    db.flush().value();
  }
  for (const std::size_t count : {0u, 1u, 100u}) {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < count; ++i) {
      keys.push_back("many" + std::to_string(i));
      if (i % 3 != 0) db[texts].put(keys.back(), std::to_string(i)).value();
      if (i % 8 == 0) db.flush().value();
    }
    const auto found = db[texts].multi_get(keys).value();
    REQUIRE(found.size() == count);
    for (std::size_t i = 0; i < count; ++i) REQUIRE(found[i] == (i % 3 != 0 ? std::optional(std::to_string(i)) : std::nullopt));
  }
}

TEST_CASE("keys and values beyond the limits are refused, and nothing is written") {
  store db = fresh();
  REQUIRE(db[texts].put(std::string(65'536, 'k'), "v").error() == strata::errc::key_too_large);
  REQUIRE(db[texts].put(std::string(65'535, 'k'), "v").has_value());
  REQUIRE(db[texts].get(std::string(65'535, 'k')).value() == "v");
  REQUIRE(db[texts].get(std::string(65'536, 'k')).error() == strata::errc::key_too_large);
  REQUIRE(db[texts].count().value() == 1);
}

TEST_CASE("a random life of a collection is that of a map, also in a transaction, a snapshot and after reopening") {
  const environment world;
  std::map<std::string, user> expected;
  std::uint64_t random = 7;
  const auto same = [&](const auto& thing) {
    auto at = expected.begin();
    for (auto&& [key, value] : thing[users].scan()) {
      REQUIRE(at != expected.end());
      REQUIRE(key == at->first);
      REQUIRE(value == at->second);
      ++at;
    }
    REQUIRE(at == expected.end());
    auto back = expected.rbegin();
    for (auto&& [key, value] : thing[users].scan(strata::descending{})) {
      REQUIRE(back != expected.rend());
      REQUIRE(key == back->first);
      ++back;
    }
    REQUIRE(back == expected.rend());
  };
  for (int life = 0; life < 6; ++life) {
    store db = store::open(world, "db", {.memtable_bytes = 64 << 10}).value();
    same(db);
    for (int step = 0; step < 500; ++step) {
      const std::string key = std::to_string(next_random(random) % 200);
      const user value{"user " + key, static_cast<int>(next_random(random) % 1000)};
      switch (next_random(random) % 8) {
        case 0: REQUIRE(db[users].erase(key).value() == (expected.erase(key) == 1)); break;
        case 1: {
          auto tx = db.begin();
          tx[users].put(key, value).value();
          REQUIRE(tx[users].get(key).value() == value);
          if (next_random(random) % 2 == 0) {
            tx.commit().value();
            expected[key] = value;
          }
          break;
        }
        case 2: {
          auto tx = db.begin();
          tx[users].erase_range(strata::prefix(key)).value();
          tx[users].put(key + "x", value).value();
          std::erase_if(expected, [&](const auto& row) { return row.first.starts_with(key); });
          expected[key + "x"] = value;
          same(tx);
          tx.commit().value();
          break;
        }
        default:
          db[users].put(key, value).value();
          expected[key] = value;
      }
      if (step % 100 == 99) db.flush().value();
    }
    same(db);
    same(db.snapshot());
  }
}
