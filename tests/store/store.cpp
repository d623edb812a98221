// The store: schema and catalogue, transactions, snapshots, opening and closing, what comes back when something is wrong.
#include "test.hpp"

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

std::int64_t count_of(plain_store& db, std::string_view key) { return db[counts].get(key).value().value_or(0); }

}  // namespace

TEST_CASE("a descriptor may be made at run time") {
  plain_store db = plain_store::open(environment(), "db").value();
  for (int i = 0; i < 3; ++i) {
    const std::string name = "collection " + std::to_string(i);
    db[strata::kv<std::string, int>{name}].put("k", i).value();
  }
  for (int i = 0; i < 3; ++i)
    REQUIRE(db[strata::kv<std::string, int>{"collection " + std::to_string(i)}].get("k").value() == i);
  REQUIRE(db.collections().value() == std::vector<std::string>{"collection 0", "collection 1", "collection 2"});
  REQUIRE(db[strata::kv<std::string, int>{""}].put("k", 1).error() == errc::invalid_argument);
  REQUIRE(db[strata::kv<std::string, int>{std::string(256, 'x')}].get("k").error() == errc::invalid_argument);
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
      for (int i = 0; i < 20; ++i)
        db[strata::kv<std::string, int>{"c" + std::to_string(i)}].put("thread " + std::to_string(t), i).value();
    });
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 20; ++i) REQUIRE(db[strata::kv<std::string, int>{"c" + std::to_string(i)}].count().value() == 4);
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

TEST_CASE("transact runs again on conflict, so concurrent increments all count") {
  plain_store db = plain_store::open(environment(), "db").value();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&db] {
      for (int i = 0; i < 100; ++i)
        db.transact([](auto& tx) -> strata::result<void> {
            const std::int64_t now = tx[counts].get("n").value().value_or(0);
            STRATA_TRY(tx[counts].put("n", now + 1));
            return {};
          }).value();
    });
  for (std::thread& thread : threads) thread.join();
  REQUIRE(count_of(db, "n") == 400);
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
  plain_store reader = plain_store::open_read_only(world, "db").value();
  db[texts].put("k", "w").value();
  REQUIRE(reader[texts].get("k").value() == "v");
  REQUIRE(reader[texts].put("k", "x").error() == errc::read_only);
  REQUIRE(reader[counts].put("k", 1).error() == errc::read_only);
  REQUIRE(reader[counts].count().value() == 0);
  REQUIRE(reader.flush().error() == errc::read_only);
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
