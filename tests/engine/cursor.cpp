#include "engine/stores.hpp"

#include <strata/sstable/archetype.hpp>

using namespace strata_tests;

namespace {

std::vector<std::string> keys_forward(memory_store::cursor_type& cursor) {
  std::vector<std::string> keys;
  for (; cursor.valid(); cursor.next()) keys.emplace_back(cursor.key());
  require_ok(cursor.status());
  return keys;
}
std::vector<std::string> keys_backward(memory_store::cursor_type& cursor) {
  std::vector<std::string> keys;
  for (; cursor.valid(); cursor.prev()) keys.emplace_back(cursor.key());
  require_ok(cursor.status());
  return keys;
}
using list = std::vector<std::string>;

// Keys a … e, one in each kind of source: a deep level, level 0, a frozen and the active memtable as they come.
std::unique_ptr<memory_store> five_keys(const memory_world& environment) {
  auto store = open_store<memory_store>(environment, "store");
  require_ok(put(*store, "c", "3"));
  require_ok(store->compact());
  require_ok(put(*store, "a", "1"));
  require_ok(store->flush());
  require_ok(put(*store, "e", "5"));
  require_ok(put(*store, "b", "2"));
  require_ok(put(*store, "d", "4"));
  return store;
}

}  // namespace

TEST_CASE("a cursor keeps to its bounds from wherever it is sent", "[engine][cursor]") {
  const memory_world environment;
  auto store = five_keys(environment);
  auto made = store->make_cursor({"b", "e", false}, strata::sequence_max);
  require_ok(made);
  memory_store::cursor_type& cursor = **made;
  CHECK_FALSE(cursor.valid());
  cursor.seek_first();
  CHECK(keys_forward(cursor) == list{"b", "c", "d"});
  cursor.seek("");
  CHECK(keys_forward(cursor) == list{"b", "c", "d"});
  cursor.seek("bb");
  CHECK(keys_forward(cursor) == list{"c", "d"});
  cursor.seek("e");
  CHECK_FALSE(cursor.valid());
  cursor.seek("z");
  CHECK_FALSE(cursor.valid());
  cursor.seek_last();
  CHECK(keys_backward(cursor) == list{"d", "c", "b"});
  cursor.seek_before("z");
  CHECK(keys_backward(cursor) == list{"d", "c", "b"});
  cursor.seek_before("d");
  CHECK(keys_backward(cursor) == list{"c", "b"});
  cursor.seek_before("b");
  CHECK_FALSE(cursor.valid());
  cursor.seek_before("");
  CHECK_FALSE(cursor.valid());
  // Turned round by a seek, in the middle.
  cursor.seek("c");
  REQUIRE(cursor.valid());
  CHECK(cursor.value() == "3");
  cursor.seek_before("c");
  REQUIRE(cursor.valid());
  CHECK(cursor.key() == "b");
  CHECK(cursor.value() == "2");
  CHECK(cursor.expires_at_us() == UINT64_MAX);

  SECTION("empty and turned ranges hold nothing") {
    for (const auto& range : {strata::engine::cursor_range{"c", "c", false}, strata::engine::cursor_range{"d", "b", false}}) {
      auto none = store->make_cursor(range, strata::sequence_max);
      require_ok(none);
      (*none)->seek_first();
      CHECK_FALSE((*none)->valid());
      (*none)->seek_last();
      CHECK_FALSE((*none)->valid());
      (*none)->seek("c");
      CHECK_FALSE((*none)->valid());
    }
  }
}

TEST_CASE("a cursor over many sources goes to and fro, and keys of any length are told apart", "[engine][cursor]") {
  const memory_world environment;
  strata::options amounts = tiny_options();
  amounts.compaction.level0_runs = 64;
  auto store = open_store<memory_store>(environment, "store", amounts);
  // Each run has an older version of a key of the next one; keys begin alike, and some end where others go on.
  list keys;
  for (std::size_t i = 0; i < 8; ++i) keys.push_back("key" + std::string(30 * (i % 4), 'm') + std::to_string(i));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    require_ok(put(*store, keys[i], "now"));
    require_ok(put(*store, keys[(i + 1) % keys.size()], i + 1 == keys.size() ? "now" : "before"));
    if (i + 1 < keys.size()) require_ok(store->flush());
  }
  auto made = store->make_cursor({"", "", true}, strata::sequence_max);
  require_ok(made);
  memory_store::cursor_type& cursor = **made;
  std::sort(keys.begin(), keys.end());
  const list backward(keys.rbegin(), keys.rend());
  for (int time = 0; time < 2; ++time) {
    cursor.seek_first();
    CHECK(keys_forward(cursor) == keys);
    cursor.seek_last();
    CHECK(keys_backward(cursor) == backward);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      cursor.seek(keys[i]);
      CHECK((cursor.valid() && cursor.value() == "now"));
      CHECK(keys_forward(cursor) == list(keys.begin() + static_cast<std::ptrdiff_t>(i), keys.end()));
      cursor.seek_before(keys[i]);
      CHECK(keys_backward(cursor) == list(backward.end() - static_cast<std::ptrdiff_t>(i), backward.end()));
    }
  }
}

TEST_CASE("a cursor sees its moment, whatever is written, flushed and merged meanwhile", "[engine][cursor]") {
  const memory_world environment;
  auto store = five_keys(environment);
  auto made = store->make_cursor({"", "", true}, strata::sequence_max);
  require_ok(made);
  memory_store::cursor_type& cursor = **made;
  cursor.seek_first();
  strata::engine::write_batch batch;
  batch.erase_range(0, "", "z");
  batch.put(0, "c", "other");
  require_ok(store->commit(batch, strata::durability::none));
  require_ok(store->compact());
  for (int i = 0; i < 500; ++i) require_ok(put(*store, std::to_string(i), std::string(300, 'x')));
  require_ok(store->compact());
  CHECK(keys_forward(cursor) == list{"a", "b", "c", "d", "e"});
  cursor.seek_last();
  CHECK(keys_backward(cursor) == list{"e", "d", "c", "b", "a"});
}

TEST_CASE("many erased keys of many versions are passed over without a deep stack", "[engine][cursor]") {
  const memory_world environment;
  strata::options amounts = tiny_options();
  amounts.memtable_bytes = std::uint64_t{256} << 20;
  auto store = open_store<memory_store>(environment, "store", amounts);
  strata::engine::write_batch batch;
  constexpr int versions = 18;
  constexpr int keys = 40'000;
  for (int version = 0; version < versions; ++version) {
    batch.clear();
    for (int i = 0; i < keys; ++i) {
      const std::string key = std::to_string(1'000'000 + i);
      if (version + 1 < versions) batch.put(0, key, "v");
      if (version + 1 == versions) batch.erase(0, key);
    }
    require_ok(store->commit(batch, strata::durability::none));
  }
  require_ok(put(*store, "2", "last"));
  auto made = store->make_cursor({"", "", true}, strata::sequence_max);
  require_ok(made);
  (*made)->seek_first();
  CHECK(keys_forward(**made) == list{"2"});
  (*made)->seek_last();
  CHECK(keys_backward(**made) == list{"2"});
}

TEST_CASE("a cursor steps past many versions of a key that lives, too", "[engine][cursor]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");
  for (int i = 0; i < 100; ++i) {
    require_ok(put(*store, "a", std::to_string(i)));
    if (i % 3 == 0) require_ok(put(*store, "b", std::to_string(i)));
  }
  const strata::sequence_number at = store->take_snapshot();
  for (int i = 100; i < 200; ++i) require_ok(put(*store, "a", std::to_string(i)));
  require_ok(put(*store, "c", "1"));
  CHECK(scan(*store) == contents{{"a", "199"}, {"b", "99"}, {"c", "1"}});
  CHECK(scan(*store, at) == contents{{"a", "99"}, {"b", "99"}});
  store->release_snapshot(at);
}

TEST_CASE("an overlay lies over all that is committed", "[engine][cursor]") {
  const memory_world environment;
  auto store = five_keys(environment);
  const auto overlay = std::make_shared<memory_store::overlay_type>();
  strata::engine::write_batch own;
  own.put(0, "a", "mine");
  own.erase(0, "b");
  own.erase_range(0, "c", "e");
  own.put(0, "d", "new");
  own.put(0, "f", "6");
  require_ok(overlay->reserve(own.count(), own.payload_bytes()));
  strata::sequence_number sequence = strata::sequence_max - 10;
  strata::engine::write_reader writes = own.writes();
  for (strata::engine::write w; writes.next(w);) overlay->apply_one(++sequence, w);
  auto made = store->make_cursor({"", "", true}, strata::sequence_max, overlay);
  require_ok(made);
  contents seen;
  for ((*made)->seek_first(); (*made)->valid(); (*made)->next()) seen.emplace((*made)->key(), (*made)->value());
  const contents expected{{"a", "mine"}, {"d", "new"}, {"e", "5"}, {"f", "6"}};
  CHECK(seen == expected);
  seen.clear();
  for ((*made)->seek_last(); (*made)->valid(); (*made)->prev()) seen.emplace((*made)->key(), (*made)->value());
  CHECK(seen == expected);
  CHECK(scan(*store).size() == 5);
}

namespace {

// Tables whose cursors walk over the same rows whatever was written: out of order, though nothing about the file is wrong.
struct unordered_tables {
  using strata_slot = strata::slot::sstable;
  using under = strata::sstable::archetype;

  template <typename Environment>
  using cache = under::cache<Environment>;
  template <typename Environment>
  using builder = under::builder<Environment>;

  static std::vector<std::string>& keys() {
    static std::vector<std::string> all;
    return all;
  }

  template <typename Environment>
  class table {
   public:
    using lookup = typename under::table<Environment>::lookup;

    class cursor {
     public:
      cursor(const table&, strata::sstable::usage) {}
      bool valid() const { return at_ < keys().size(); }
      strata::entry current() const { return {keys()[at_], "v", 100 - at_, strata::value_kind::value}; }
      strata::result<void> status() const { return {}; }
      void seek_first() { at_ = 0; }
      void seek_last() { at_ = keys().size() - 1; }
      void seek(strata::bytes_view key, strata::sequence_number sequence) {
        std::size_t begin = 0;
        for (std::size_t count = keys().size(); count > 0; count /= 2) {
          at_ = begin + count / 2;
          const strata::entry e = current();
          if (strata::compare_versions(e.key, e.sequence, key, sequence) < 0) begin = at_ + 1, --count;
        }
        at_ = begin;
      }
      void next() { ++at_; }
      void prev() { --at_; }

     private:
      std::size_t at_ = SIZE_MAX;
    };

    static strata::result<std::unique_ptr<table>> open(const Environment& environment, const strata::sstable::settings& wanted,
                                                       cache<Environment>& shared) {
      STRATA_TRY_LET(opened, under::table<Environment>::open(environment, wanted, shared));
      auto made = std::make_unique<table>();
      made->under_ = std::move(opened);
      return made;
    }
    const strata::sstable::facts& facts() const { return under_->facts(); }
    const strata::range_tombstone_list& range_tombstones() const { return under_->range_tombstones(); }
    void prefetch(std::uint64_t) const {}
    strata::result<bool> get(strata::bytes_view key, std::uint64_t hash, strata::sequence_number at, lookup& to) const {
      return under_->get(key, hash, at, to);
    }
    std::uint64_t memory_bytes() const { return under_->memory_bytes(); }
    strata::result<void> verify() const { return under_->verify(); }

   private:
    std::unique_ptr<under::table<Environment>> under_;
  };
};

}  // namespace

TEST_CASE("a walk over a table that is not in order ends, and says corruption", "[engine][cursor]") {
  using unordered_store = strata::engine::lsm_store<memory_world, strata::memtable::btree, strata::wal::segmented,
                                                    unordered_tables, strata::compaction::leveled>;
  // From the versions of m, which are many enough to be sought past, a binary search leads back to the beginning.
  std::vector<std::string>& keys = unordered_tables::keys();
  keys = {"n"};
  for (int i = 10; i < 42; ++i) keys.push_back("x" + std::to_string(i));
  keys.resize(61, "m");
  const memory_world environment;
  auto store = open_store<unordered_store>(environment, "store");
  require_ok(put(*store, "a", "1"));
  for (int i = 0; i < 110; ++i) require_ok(put(*store, "z", "1"));
  require_ok(store->flush());
  auto made = store->make_cursor({"", "", true}, strata::sequence_max);
  require_ok(made);
  auto& cursor = **made;
  const auto refused = [&] {
    CHECK_FALSE(cursor.valid());
    CHECK(code_of(cursor.status()) == strata::errc::corruption);
    CHECK(cursor.status().error().file().ends_with(".table"));
  };
  std::vector<std::string> seen;
  for (cursor.seek_first(); cursor.valid() && seen.size() < 200; cursor.next()) seen.emplace_back(cursor.key());
  CHECK(seen == std::vector<std::string>(keys.begin(), keys.begin() + 33));
  refused();
  seen.clear();
  for (cursor.seek_last(); cursor.valid() && seen.size() < 200; cursor.prev()) seen.emplace_back(cursor.key());
  CHECK(seen.empty());
  refused();
  cursor.seek("n");
  CHECK(cursor.valid());
  CHECK(cursor.status().has_value());
  // A merge is a walk as well, and what it has met is no fault of the table that it writes.
  require_ok(put(*store, "a", "2"));
  require_ok(store->flush());
  const auto merged = store->compact();
  CHECK(code_of(merged) == strata::errc::corruption);
  CHECK(merged.error().reason() == std::string_view("the keys of a table are not in order"));
  CHECK(merged.error().file().ends_with(".table"));
}
