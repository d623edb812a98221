// The store: schema and catalogue, transactions, snapshots, opening and closing, what comes back when something is wrong.
#include "test.hpp"

#include <cstdlib>
#include <thread>

#include <strata/strata.hpp>

namespace {

using environment = strata::environment::in_memory;
using plain_store = strata::store<environment>;
using strata::errc;

struct item_v1 {
  std::string name;
  std::int32_t amount = 0;
};
struct item_v2 {  // name stays, amount is wider, price is new
  double price = 1.5;
  std::int64_t amount = 0;
  std::string name;
};
struct other {
  std::vector<std::string> name;
};

constexpr strata::kv<std::string, std::string> texts{"texts"};
constexpr strata::kv<std::string, std::int64_t> counts{"counts"};

template <typename Thing>
concept can_write = requires(const Thing& thing) { thing[texts].put("k", "v"); };
template <typename Thing>
concept has_upkeep = requires(const Thing& thing) { thing.flush(); } || requires(const Thing& thing) { thing.compact(); } ||
                     requires(const Thing& thing) { thing.checkpoint("copy"); } || requires(const Thing& thing) { thing.resume(); };

std::int64_t count_of(plain_store& db, std::string_view key) { return db[counts].get(key).value().value_or(0); }

}  // namespace

TEST_CASE("a descriptor may be made at run time") {
  plain_store db = plain_store::open(environment(), "db").value();
  for (int i = 0; i < 3; ++i) {
    const std::string name = "collection " + std::to_string(i);
    db[strata::kv<std::string, int>{name}].put("k", i).value();
    REQUIRE(db[strata::kv<std::string, int>{name}].get("k").value() == i);
  }
  static_assert(!std::is_constructible_v<strata::primitive::collection_name, std::string&&>);
  REQUIRE(db.collections().value() == std::vector<std::string>{"collection 0", "collection 1", "collection 2"});
  REQUIRE(db[strata::kv<std::string, int>{""}].put("k", 1).error() == errc::invalid_argument);
  const std::string too_long(256, 'x');
  REQUIRE(db[strata::kv<std::string, int>{too_long}].get("k").error() == errc::invalid_argument);
  REQUIRE(db.collections().value().size() == 3);
}

TEST_CASE("a collection that nobody wrote is empty, and reading it writes nothing") {
  plain_store db = plain_store::open(environment(), "db").value();
  REQUIRE_FALSE(db[texts].get("k").value().has_value());
  REQUIRE(db[texts].count().value() == 0);
  REQUIRE_FALSE(db[texts].erase("k").value());
  REQUIRE(db.collections().value().empty());
  REQUIRE(db.last_sequence() == 0);
}

TEST_CASE("values are read by the type of today, field by name") {
  const environment world;
  {
    plain_store db = plain_store::open(world, "db").value();
    db[strata::kv<int, item_v1>{"items"}].put(1, {"one", 11}).value();
  }
  for (int life = 0; life < 2; ++life) {
    plain_store db = plain_store::open(world, "db").value();
    const auto items = db[strata::kv<int, item_v2>{"items"}];
    const item_v2 old = items.get(1).value().value();
    REQUIRE(old.name == "one");
    REQUIRE(old.amount == 11);
    REQUIRE(old.price == 1.5);
    items.put(2 + life, {2.5, 22, "two"}).value();
    REQUIRE(items.get(2).value()->price == 2.5);
    REQUIRE(items.count().value() == static_cast<std::uint64_t>(2 + life));
  }
}

TEST_CASE("other types than the stored ones are schema_mismatch, whatever is called, and never garbage") {
  const environment world;
  {
    plain_store db = plain_store::open(world, "db").value();
    db[strata::kv<int, item_v1>{"items"}].put(1, {"one", 11}).value();
  }
  plain_store db = plain_store::open(world, "db").value();
  const auto wrong_value = db[strata::kv<int, other>{"items"}];
  REQUIRE(wrong_value.get(1).error() == errc::schema_mismatch);
  REQUIRE(wrong_value.put(1, {}).error() == errc::schema_mismatch);
  REQUIRE(wrong_value.erase(1).error() == errc::schema_mismatch);
  REQUIRE(wrong_value.erase_range().error() == errc::schema_mismatch);
  REQUIRE(wrong_value.count().error() == errc::schema_mismatch);
  REQUIRE(wrong_value.multi_get({1}).error() == errc::schema_mismatch);
  auto rows = wrong_value.scan();
  REQUIRE_FALSE(rows.next());
  REQUIRE(rows.status().error() == errc::schema_mismatch);
  REQUIRE_THROWS_AS(rows.begin(), strata::exception);
  const auto wrong_key = db[strata::kv<std::int64_t, item_v1>{"items"}].get(1);
  REQUIRE(wrong_key.error() == errc::schema_mismatch);
  REQUIRE(wrong_key.error().file().find("items") != std::string_view::npos);
  REQUIRE(db[strata::kv<int, item_v1>{"items"}].get(1).value()->amount == 11);
}

TEST_CASE("a schema with other types than the stored ones does not open") {
  static constexpr strata::kv<int, item_v1> before{"items"};
  static constexpr strata::kv<int, other> after{"items"};
  const environment world;
  strata::store<environment, strata::schema<before>>::open(world, "db").value()[before].put(1, {"one", 1}).value();
  const auto opened = strata::store<environment, strata::schema<after>>::open(world, "db");
  REQUIRE(opened.error() == errc::schema_mismatch);
}

TEST_CASE("threads that first write the same new collection all find one collection") {
  plain_store db = plain_store::open(environment(), "db").value();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&db, t] {
      for (int i = 0; i < 20; ++i) {
        const std::string name = "c" + std::to_string(i);
        db[strata::kv<std::string, int>{name}].put("thread " + std::to_string(t), i).value();
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 20; ++i) {
    const std::string name = "c" + std::to_string(i);
    REQUIRE(db[strata::kv<std::string, int>{name}].count().value() == 4);
  }
  REQUIRE(db.collections().value().size() == 20);
}

TEST_CASE("a transaction is seen whole or not at all, and a rollback leaves nothing") {
  plain_store db = plain_store::open(environment(), "db").value();
  auto tx = db.begin();
  tx[texts].put("a", "1").value();
  tx[counts].put("b", 2).value();
  REQUIRE(tx[texts].get("a").value() == "1");
  REQUIRE_FALSE(db[texts].contains("a").value());
  const auto sequence = tx.commit().value();
  REQUIRE(db[texts].get_versioned("a").value()->version == sequence);
  REQUIRE(db[counts].get_versioned("b").value()->version == sequence);
  REQUIRE(tx[texts].get("a").error() == errc::closed);
  REQUIRE(tx[texts].put("a", "2").error() == errc::closed);
  REQUIRE(tx.commit().error() == errc::closed);
  {
    auto dropped = db.begin();
    dropped[texts].put("a", "dropped").value();
  }
  auto rolled_back = db.begin();
  rolled_back[texts].erase("a").value();
  rolled_back.rollback();
  REQUIRE(db[texts].get("a").value() == "1");
}

TEST_CASE("what a transaction read must not have changed: keys found, keys absent, ranges") {
  plain_store db = plain_store::open(environment(), "db").value();
  db[texts].put("a", "1").value();
  db[texts].put("m", "1").value();
  const auto conflicts = [&](auto read, auto change) {
    auto tx = db.begin();
    read(tx);
    tx[counts].put("written", 1).value();
    change();
    const auto done = tx.commit();
    if (!done) REQUIRE(done.error() == errc::conflict);
    return !done.has_value();
  };
  const auto change = [&](const char* key) { return [&db, key] { db[texts].put(key, "x").value(); }; };
  const auto get = [](const char* key) { return [key](auto& tx) { static_cast<void>(tx[texts].get(key).value()); }; };
  const auto scan = [](auto& tx) {
    for (auto&& row : tx[texts].scan(strata::from("k"), strata::before("p"))) static_cast<void>(row);
  };
  REQUIRE(conflicts(get("a"), change("a")));
  REQUIRE_FALSE(conflicts(get("a"), change("b")));
  REQUIRE(conflicts(get("absent"), change("absent")));
  REQUIRE(conflicts(scan, change("n")));
  REQUIRE_FALSE(conflicts(scan, change("q")));
  REQUIRE(conflicts(scan, [&] { db[texts].erase_range(strata::from("l"), strata::before("n")).value(); }));
  REQUIRE(conflicts(get("m"), [&] { db[texts].put("m", "y").value(); db.flush().value(); }));
  REQUIRE_FALSE(conflicts([](auto&) {}, change("a")));
  auto only_reads = db.begin();
  REQUIRE(only_reads[texts].get("a").value() == "x");
  db[texts].put("a", "later").value();
  REQUIRE(only_reads[texts].get("a").value() == "x");
  REQUIRE(only_reads.commit().has_value());
}

TEST_CASE("two transactions that first use a collection conflict as they would later") {
  plain_store db = plain_store::open(environment(), "db").value();
  auto first = db.begin();
  auto second = db.begin();
  REQUIRE_FALSE(first[texts].contains("leader").value());
  REQUIRE(second[texts].count().value() == 0);
  first[texts].put("leader", "one").value();
  second[texts].put("leader", "two").value();
  REQUIRE(first.commit().has_value());
  REQUIRE(second.commit().error() == errc::conflict);
}

TEST_CASE("a scan in a transaction sees it as it was when the scan began, whatever is written meanwhile") {
  plain_store db = plain_store::open(environment(), "db").value();
  for (const char* key : {"a", "c", "e"}) db[texts].put(key, "committed").value();
  auto tx = db.begin();
  tx[texts].put("b", "own").value();
  std::vector<std::string> seen;
  for (auto&& [key, value] : tx[texts].scan()) {
    seen.push_back(key);
    REQUIRE(tx[texts].erase(key).value());
    tx[texts].put(key + "x", value).value();
  }
  REQUIRE(seen == std::vector<std::string>{"a", "b", "c", "e"});
  auto open_scan = tx[texts].scan();
  REQUIRE(open_scan.next());
  tx.commit().value();
  REQUIRE(open_scan.next());
  seen.clear();
  for (const auto& key : db[texts].scan_keys()) seen.push_back(key);
  REQUIRE(seen == std::vector<std::string>{"ax", "bx", "cx", "ex"});
}

TEST_CASE("a transaction depends on the part of a range that it walked") {
  plain_store db = plain_store::open(environment(), "db").value();
  for (const char* key : {"b", "d", "f"}) db[texts].put(key, "v").value();
  const auto commits = [&](auto read, const char* changed) {
    auto tx = db.begin();
    read(tx[texts]);
    tx[counts].put("written", 1).value();
    db[texts].put(changed, "changed").value();
    return tx.commit().has_value();
  };
  const auto first = [](const auto& view) { REQUIRE(view.first().value()->first == "b"); };
  REQUIRE(commits(first, "z"));
  REQUIRE_FALSE(commits(first, "b"));
  const auto last = [](const auto& view) { static_cast<void>(view.last(strata::before("g")).value()); };
  REQUIRE(commits(last, "c"));
  REQUIRE_FALSE(commits(last, "fa"));
  const auto all = [](const auto& view) { static_cast<void>(view.count().value()); };
  REQUIRE_FALSE(commits(all, "zz"));
}

TEST_CASE("a scan of a transaction's earlier life takes nothing from what the next has read") {
  plain_store db = plain_store::open(environment(), "db").value();
  for (const char* key : {"a", "b", "c"}) {
    db[texts].put(key, "v").value();
    db[counts].put(key, 1).value();
  }
  auto tx = db.begin();
  auto stale = tx[texts].scan();
  REQUIRE(stale.next());
  tx.rollback();
  tx.restart();
  for (const auto& [key, count] : tx[counts].scan()) REQUIRE(count == 1);
  static_cast<void>(stale.next());
  db[counts].put("b", 2).value();
  tx[texts].put("a", "w").value();
  REQUIRE(tx.commit().error() == errc::conflict);
}

TEST_CASE("what one write of a transaction asks for holds for its commit") {
  plain_store db = plain_store::open(environment(), "db").value();
  db[texts].put("k", "v").value();
  const auto syncs = db.stats().log_syncs;
  auto tx = db.begin();
  tx[texts].put("k", "w", {.durability = strata::durability::strict}).value();
  tx.commit().value();
  REQUIRE(db.stats().log_syncs == syncs + 1);
}

TEST_CASE("reads among many writes of a transaction cost what they cost alone") {
  plain_store db = plain_store::open(environment(), "db").value();
  auto tx = db.begin();
  for (int i = 0; i < 20'000; ++i) REQUIRE(tx[counts].put(std::to_string(i), i, {.if_absent = true}).has_value());
  tx[counts].erase_range(strata::prefix("1")).value();
  for (int i = 0; i < 20'000; ++i) REQUIRE(tx[counts].contains(std::to_string(i)).value() == (std::to_string(i)[0] != '1'));
  tx.commit().value();
  REQUIRE_FALSE(db[counts].contains("1").value());
  REQUIRE(db[counts].contains("2").value());
}

TEST_CASE("a transaction that reads a collection that nobody wrote writes nothing for it, and conflicts with who does") {
  const environment world;
  plain_store db = plain_store::open(world, "db").value();
  db[texts].put("k", "v").value();
  const auto before = db.last_sequence();
  auto tx = db.begin();
  REQUIRE_FALSE(tx[counts].get("a").value());
  REQUIRE(tx[counts].count().value() == 0);
  REQUIRE_FALSE(tx[counts].scan().next());
  REQUIRE(db.collections().value() == std::vector<std::string>{"texts"});
  REQUIRE(tx.commit().value() == before);
  REQUIRE(db.last_sequence() == before);

  SECTION("of another collection's write") {
    tx.restart();
    REQUIRE_FALSE(tx[counts].get("a").value());
    tx[texts].put("k", "w").value();
    db[counts].put("a", 1).value();
    REQUIRE(tx.commit().error() == errc::conflict);
  }
  SECTION("of what it writes into that same collection, made by itself or by another") {
    for (const bool by_other : {false, true}) {
      tx.restart();
      const strata::kv<std::string, std::int64_t> fresh{by_other ? "one" : "two"};
      REQUIRE_FALSE(tx[fresh].get("a").value());
      REQUIRE(tx[fresh].count().value() == 0);
      if (by_other) db[fresh].put("b", 1).value();
      tx[fresh].put("a", 1).value();
      const auto committed = tx.commit();
      REQUIRE(committed.has_value() != by_other);
    }
    // Nobody else wrote: it does not conflict with its own making of the collection, nor with another's that wrote nothing.
    tx.restart();
    auto other = db.begin();
    REQUIRE_FALSE(tx[counts].get("a").value());
    REQUIRE_FALSE(other[counts].get("b").value());
    tx[counts].put("a", 1).value();
    other[counts].put("b", 1).value();
    REQUIRE(tx.commit().has_value());
    REQUIRE(other.commit().error() == errc::conflict);
    other.restart();
    REQUIRE_FALSE(other[counts].get("b").value());
    other[counts].put("b", 1).value();
    REQUIRE(other.commit().has_value());
    REQUIRE(db[counts].count().value() == 2);
  }
}

TEST_CASE("a transaction that reads a collection which another type has made meanwhile is told, and writes nothing") {
  plain_store db = plain_store::open(environment(), "db").value();
  const strata::kv<std::string, std::int64_t> numbers{"same"};
  const strata::kv<std::string, std::string> words{"same"};
  const auto other = db[words];  // looked up while nobody has written it
  db[numbers].put("a", 1).value();
  const auto before = db.last_sequence();
  auto tx = db.begin();
  REQUIRE(tx[words].get("a").error() == errc::schema_mismatch);
  REQUIRE(tx[words].count().error() == errc::schema_mismatch);
  REQUIRE(other.put("a", "b").error() == errc::schema_mismatch);
  REQUIRE(db.last_sequence() == before);
}

TEST_CASE("a scan of a transaction sees nothing erased that was erased after it began") {
  plain_store db = plain_store::open(environment(), "db").value();
  for (const char* key : {"a", "b", "c"}) db[counts].put(key, 1).value();
  auto tx = db.begin();
  tx[counts].put("d", 2).value();
  tx[counts].put("e", 2).value();
  {
    auto rows = tx[counts].scan();
    REQUIRE(rows.next());
    tx[counts].erase_range(strata::from("b"), strata::before("e")).value();
    tx[counts].put("f", 3).value();
    int seen = 1;
    while (rows.next()) ++seen;
    REQUIRE(rows.status().has_value());
    REQUIRE(seen == 5);
    REQUIRE_FALSE(tx[counts].contains("d").value());
    REQUIRE(tx[counts].count().value() == 3);
  }
  tx[counts].erase_range(strata::from("f")).value();
  REQUIRE(tx[counts].count().value() == 2);
  tx.commit().value();
  REQUIRE(db[counts].count().value() == 2);
}

TEST_CASE("two types of one collection in one process read what the other writes") {
  plain_store db = plain_store::open(environment(), "db").value();
  const auto narrow = db[strata::kv<std::string, std::int32_t>{"n"}];
  const auto wide = db[strata::kv<std::string, std::int64_t>{"n"}];
  REQUIRE_FALSE(narrow.get("x").value().has_value());
  REQUIRE_FALSE(wide.get("x").value().has_value());
  narrow.put("x", 1).value();
  REQUIRE(wide.get("x").value() == 1);
  wide.put("y", 2).value();
  REQUIRE(wide.count().value() == 2);
  REQUIRE(narrow.get("x").value() == 1);
  REQUIRE(narrow.get("y").value() == 2);
  struct same_shape {
    std::int32_t x = 0;
  };
  struct other_name {
    std::int32_t x = 0;
  };
  const auto first = db[strata::kv<int, same_shape>{"shapes"}];
  const auto second = db[strata::kv<int, other_name>{"shapes"}];
  REQUIRE(first.put(1, {5}).has_value());
  REQUIRE(second.get(1).value()->x == 5);
  REQUIRE(second.put(2, {6}).has_value());
  REQUIRE(first.get(2).value()->x == 6);
}

TEST_CASE("transact runs again on conflict, so concurrent increments all count") {
  plain_store db = plain_store::open(environment(), "db").value();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&db] {
      for (int i = 0; i < 200; ++i)
        db.transact([](auto& tx) -> strata::result<void> {
            const std::int64_t now = tx[counts].get("n").value().value_or(0);
            STRATA_TRY(tx[counts].put("n", now + 1));
            return {};
          }).value();
    });
  for (std::thread& thread : threads) thread.join();
  REQUIRE(count_of(db, "n") == 1600);
}

TEST_CASE("a function that fails or throws in the middle of a transaction writes nothing") {
  plain_store db = plain_store::open(environment(), "db").value();
  const auto refused = db.transact([](auto& tx) -> strata::result<int> {
    tx[texts].put("k", "v").value();
    return strata::error(errc::invalid_argument, "test", "no");
  });
  REQUIRE(refused.error() == errc::invalid_argument);
  const auto threw = db.transact([](auto& tx) -> strata::result<int> {
    tx[texts].put("k", "v").value();
    throw 42;
  });
  REQUIRE(threw.error() == errc::callback_failed);
  const auto raised = db.transact([](auto& tx) -> strata::result<void> {
    tx[texts].put(std::string(70'000, 'k'), "v").value();
    return {};
  });
  REQUIRE(raised.error() == errc::key_too_large);
  const auto out_of_memory = db.transact([](auto&) -> strata::result<void> { throw std::bad_alloc(); });
  REQUIRE(out_of_memory.error() == errc::out_of_memory);
  REQUIRE_FALSE(db[texts].contains("k").value());
  REQUIRE(db.transact([](auto& tx) -> strata::result<int> {
            tx[texts].put("k", "v").value();
            return 5;
          }).value() == 5);
  REQUIRE(db[texts].contains("k").value());
}

TEST_CASE("a snapshot stays as it was through writes, flushes and compactions, and can be moved") {
  plain_store db = plain_store::open(environment(), "db", {.memtable_bytes = 64 << 10}).value();
  db[texts].put("a", "old").value();
  auto before = db.snapshot();
  db[texts].put("a", "new").value();
  db[texts].put("b", "new").value();
  db.compact().value();
  db[texts].erase("a").value();
  db.compact().value();
  auto moved = std::move(before);
  REQUIRE(moved[texts].get("a").value() == "old");
  REQUIRE_FALSE(moved[texts].contains("b").value());
  REQUIRE(moved[texts].count().value() == 1);
  REQUIRE_FALSE(db[texts].contains("a").value());
  REQUIRE(db.stats().snapshots == 1);
}

TEST_CASE("after close every call says closed, and nothing is lost") {
  const environment world;
  plain_store db = plain_store::open(world, "db").value();
  db[texts].put("k", "v").value();
  const auto view = db[texts];
  auto tx = db.begin();
  auto snapshot = db.snapshot();
  tx[texts].put("k", "w").value();
  db.close().value();
  REQUIRE(db.close().has_value());
  REQUIRE(view.get("k").error() == errc::closed);
  REQUIRE(view.put("k", "w").error() == errc::closed);
  REQUIRE(view.erase("k").error() == errc::closed);
  REQUIRE(view.count().error() == errc::closed);
  REQUIRE(tx.commit().error() == errc::closed);
  REQUIRE(snapshot[texts].get("k").error() == errc::closed);
  REQUIRE(db.flush().error() == errc::closed);
  REQUIRE(db.compact().error() == errc::closed);
  REQUIRE(db.verify().error() == errc::closed);
  REQUIRE(db.checkpoint("copy").error() == errc::closed);
  REQUIRE(db.status().error() == errc::closed);
  REQUIRE(plain_store::open(world, "db").value()[texts].get("k").value() == "v");
}

TEST_CASE("a store can be moved while its views are used") {
  plain_store first = plain_store::open(environment(), "db").value();
  const auto view = first[texts];
  plain_store second = std::move(first);
  view.put("k", "v").value();
  REQUIRE(second[texts].get("k").value() == "v");
}

TEST_CASE("a second open is in_use, a reader beside the writer sees the store as it was and changes nothing") {
  const environment world;
  plain_store db = plain_store::open(world, "db").value();
  db[texts].put("k", "v").value();
  REQUIRE(plain_store::open(world, "db").error() == errc::in_use);
  const auto reader = plain_store::open_read_only(world, "db").value();
  db[texts].put("k", "w").value();
  REQUIRE(reader[texts].get("k").value() == "v");
  static_assert(can_write<decltype(db)> && !can_write<decltype(reader)>);
  REQUIRE(reader[counts].count().value() == 0);
  static_assert(has_upkeep<decltype(db)> && !has_upkeep<decltype(reader)>);
  REQUIRE(db[texts].get("k").value() == "w");
  REQUIRE(plain_store::open_read_only(world, "nothing").error() == errc::no_such_file);
}

TEST_CASE("a checkpoint opens as a store of its own") {
  const environment world;
  plain_store db = plain_store::open(world, "db").value();
  for (int i = 0; i < 1000; ++i) db[counts].put(std::to_string(i), i).value();
  db.checkpoint("copy").value();
  db[counts].erase_range().value();
  REQUIRE(db.checkpoint("copy").error() == errc::already_exists);
  plain_store copy = plain_store::open(world, "copy").value();
  REQUIRE(copy[counts].count().value() == 1000);
  copy[counts].put("new", 1).value();
  copy.verify().value();
  REQUIRE(db[counts].count().value() == 0);
}

TEST_CASE("a temporary store is gone when it is closed") {
  const std::string directory = [] {
    auto db = strata::store<>::open_temp().value();
    db[texts].put("k", "v").value();
    REQUIRE(db[texts].get("k").value() == "v");
    return std::string(db.engine().directory());
  }();
  REQUIRE_FALSE(strata::environment::posix().file_exists(directory).value());
}

TEST_CASE("a temporary store that can't be opened leaves no directory") {
  const strata::environment::posix files;
  const std::string place = files.temporary_directory().value();
  const char* const before = std::getenv("TMPDIR");
  const std::string kept = before != nullptr ? before : "";
  REQUIRE(::setenv("TMPDIR", place.c_str(), 1) == 0);
  CHECK(strata::store<>::open_temp({.block_bytes = 1}).error() == errc::invalid_argument);
  CHECK(files.list_directory(place).value().empty());
  CHECK(strata::store<>::open_temp().has_value());  // that is where it would be
  CHECK((before != nullptr ? ::setenv("TMPDIR", kept.c_str(), 1) : ::unsetenv("TMPDIR")) == 0);
  CHECK(files.list_directory(place).value().empty());
  files.remove_directory(place).value();
}

TEST_CASE("a store in memory needs no directory and keeps all promises but to survive") {
  using memory_store = strata::store<strata::engine::in_memory>;
  static_assert(!memory_store::logs_commits && !memory_store::discards_live_data && memory_store::is_ordered);
  memory_store db = memory_store::open("/anywhere/at all", {.memtable_bytes = 64 << 10}).value();
  for (int i = 0; i < 5000; ++i) db[counts].put(std::to_string(i % 1000), i).value();
  REQUIRE(db[counts].count().value() == 1000);
  REQUIRE(db[counts].get("999").value() == 4999);
  REQUIRE(memory_store::open("x", {.durability = strata::durability::strict}).error() == errc::unsupported);
}

TEST_CASE("a store without a log keeps what was flushed, closed, or asked to be durable") {
  const environment world;
  using unlogged = strata::store<environment, strata::wal::none>;
  {
    unlogged db = unlogged::open(world, "db").value();
    db[texts].put("a", "1", {.durability = strata::durability::strict}).value();
    REQUIRE(db.stats().flushes >= 1);
    db[texts].put("b", "2").value();
  }
  REQUIRE(unlogged::open(world, "db").value()[texts].count().value() == 2);
}

TEST_CASE("statistics add up") {
  plain_store db = plain_store::open(environment(), "db").value();
  for (int i = 0; i < 100; ++i) db[counts].put(std::to_string(i), i).value();
  auto before = db.stats();
  REQUIRE(before.commits == 101);  // and the catalogue's
  REQUIRE(before.memtable_entries == 102);
  REQUIRE(before.last_sequence == db.last_sequence());
  db.flush().value();
  const auto after = db.stats();
  REQUIRE(after.flushes == 1);
  REQUIRE(after.tables == 1);
  REQUIRE(after.table_entries == 102);
  REQUIRE(after.write_amplification() > 1.0);
}
