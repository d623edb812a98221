// What a flush and a merge keep and what they drop, seen from a store: by what it answers, and by how many entries its
// tables hold.
#include "engine/failing_store.hpp"

#include <algorithm>
#include <new>
#include <thread>

#include <strata/sstable/archetype.hpp>

using namespace strata_tests;
using strata::errc;

namespace {

std::uint64_t entries(memory_store& store) { return store.stats().table_entries; }

// A snapshot that is given back at the end.
struct snapshot {
  explicit snapshot(memory_store& from) : store(&from), at(from.take_snapshot()) {}
  snapshot(const snapshot&) = delete;
  snapshot& operator=(const snapshot&) = delete;
  ~snapshot() { store->release_snapshot(at); }
  memory_store* store;
  strata::sequence_number at;
};

void put_expiring(memory_store& store, std::string_view key, std::string_view value, std::uint64_t expires_at) {
  strata::engine::write_batch batch;
  batch.put_expiring(0, key, value, expires_at);
  require_ok(store.commit(batch, strata::durability::none));
}
void erase_range(memory_store& store, std::string_view begin, std::string_view end) {
  strata::engine::write_batch batch;
  batch.erase_range(0, begin, end);
  require_ok(store.commit(batch, strata::durability::none));
}

}  // namespace

TEST_CASE("of versions that no snapshot tells apart the newest stays", "[engine][compaction_job]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");
  for (int i = 0; i < 10; ++i) require_ok(put(*store, "k", std::to_string(i)));
  SECTION("without a snapshot: one") {
    require_ok(store->flush());
    CHECK(entries(*store) == 1);
    CHECK(get(*store, "k") == "9");
  }
  SECTION("one a snapshot, and the newest") {
    const snapshot first(*store);
    require_ok(put(*store, "k", "10"));
    require_ok(put(*store, "k", "11"));
    const snapshot second(*store);
    const snapshot same(*store);
    require_ok(put(*store, "k", "12"));
    require_ok(put(*store, "k", "13"));
    require_ok(store->flush());
    CHECK(entries(*store) == 3);
    CHECK(get(*store, "k", first.at) == "9");
    CHECK(get(*store, "k", second.at) == "11");
    CHECK(get(*store, "k") == "13");
    require_ok(store->compact());
    CHECK(entries(*store) == 3);
    CHECK(get(*store, "k", first.at) == "9");
  }
  SECTION("also between runs, once the snapshot has gone") {
    {
      const snapshot held(*store);
      require_ok(put(*store, "k", "10"));
      require_ok(store->flush());
      CHECK(entries(*store) == 2);
    }
    require_ok(put(*store, "k", "11"));
    require_ok(store->compact());
    CHECK(entries(*store) == 1);
    CHECK(get(*store, "k") == "11");
  }
}

TEST_CASE("a snapshot of an empty store sees nothing, whatever is merged", "[engine][compaction_job]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");
  const snapshot empty(*store);
  CHECK(empty.at == 0);
  require_ok(put(*store, "k", "1"));
  erase_range(*store, "a", "b");
  require_ok(store->compact());
  CHECK(scan(*store, empty.at).empty());
  CHECK_FALSE(get(*store, "k", empty.at));
}

TEST_CASE("a tombstone goes when nothing older can lie below it, and not before", "[engine][compaction_job]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");
  SECTION("nothing below: the flush drops it") {
    require_ok(put(*store, "k", "1"));
    require_ok(erase(*store, "k"));
    require_ok(erase(*store, "never there"));
    require_ok(store->flush());
    CHECK(entries(*store) == 0);
    CHECK(store->stats().tables == 0);
  }
  SECTION("a table below: it stays until it is merged with it") {
    require_ok(put(*store, "a", "1"));
    require_ok(put(*store, "k", "1"));
    require_ok(store->compact());
    require_ok(erase(*store, "k"));
    require_ok(store->flush());
    CHECK_FALSE(get(*store, "k"));
    require_ok(store->compact());
    CHECK(entries(*store) == 1);
    CHECK(scan(*store) == contents{{"a", "1"}});
  }
  SECTION("a snapshot from before keeps both") {
    require_ok(put(*store, "k", "1"));
    const snapshot held(*store);
    require_ok(erase(*store, "k"));
    require_ok(store->compact());
    CHECK(entries(*store) == 2);
    CHECK(get(*store, "k", held.at) == "1");
    CHECK_FALSE(get(*store, "k"));
  }
  SECTION("a snapshot from after keeps neither") {
    require_ok(put(*store, "k", "1"));
    require_ok(erase(*store, "k"));
    const snapshot held(*store);
    require_ok(put(*store, "k", "2"));
    require_ok(store->compact());
    CHECK(entries(*store) == 1);
    CHECK_FALSE(get(*store, "k", held.at));
    CHECK(get(*store, "k") == "2");
  }
}

TEST_CASE("a range tombstone hides what is older, stripe by stripe, and goes when nothing is", "[engine][compaction_job]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");
  contents before;
  for (int i = 0; i < 3000; ++i) {
    const std::string key = std::to_string(10'000 + i);
    before[key] = std::string(100, static_cast<char>('a' + i % 26));
    require_ok(put(*store, key, before[key]));
  }
  require_ok(store->compact());
  REQUIRE(store->stats().tables > 5);
  contents after = before;
  after.erase(after.lower_bound("10500"), after.lower_bound("12500"));
  SECTION("without a snapshot everything goes with it") {
    erase_range(*store, "10500", "12500");
    CHECK(scan(*store) == after);
    require_ok(store->flush());
    CHECK(scan(*store) == after);
    require_ok(store->compact());
    CHECK(scan(*store) == after);
    CHECK(entries(*store) == after.size());
  }
  SECTION("split over many outputs it hides the same, and the snapshot sees all") {
    auto owner = std::make_unique<snapshot>(*store);
    const snapshot& held = *owner;
    erase_range(*store, "10500", "12500");
    for (int i = 11'000; i < 11'200; ++i) {
      after[std::to_string(i)] = "again";
      require_ok(put(*store, std::to_string(i), "again"));
    }
    for (int round = 0; round < 3; ++round) {
      CHECK(scan(*store) == after);
      CHECK(scan(*store, held.at) == before);
      for (int i = 10'490; i < 12'510; i += 10) {
        const std::string key = std::to_string(i);
        const auto found = after.find(key);
        CHECK(get(*store, key) == (found == after.end() ? std::nullopt : std::optional<std::string>(found->second)));
        CHECK(get(*store, key, held.at) == before[key]);
      }
      require_ok(store->compact());
    }
    CHECK(entries(*store) == before.size() + 200);
    require_ok(store->verify());
    // And so after reopening, where the snapshot is no more.
    owner.reset();
    require_ok(store->close());
    store = open_store<memory_store>(environment, "store");
    CHECK(scan(*store) == after);
  }
}

TEST_CASE("a value past its expiry is never seen, and hides what is older until it can go", "[engine][compaction_job]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");  // margin 0
  require_ok(put(*store, "a", "1"));
  require_ok(put(*store, "k", "old"));
  require_ok(store->compact());  // the clock's first look
  put_expiring(*store, "k", "new", 1);
  CHECK_FALSE(get(*store, "k"));
  require_ok(store->flush());
  CHECK_FALSE(get(*store, "k"));
  CHECK(scan(*store) == contents{{"a", "1"}});
  require_ok(store->compact());
  CHECK_FALSE(get(*store, "k"));
  CHECK(entries(*store) == 1);
  put_expiring(*store, "k", "lives", std::uint64_t{1} << 62);
  CHECK(get(*store, "k") == "lives");
  require_ok(store->compact());
  CHECK(get(*store, "k") == "lives");
  CHECK(scan(*store) == contents{{"a", "1"}, {"k", "lives"}});
}

TEST_CASE("within the margin an expired value stays on disk", "[engine][compaction_job]") {
  const memory_world environment;
  strata::options amounts = tiny_options();
  amounts.expiry_margin = std::chrono::minutes(60);
  auto store = open_store<memory_store>(environment, "store", amounts);
  put_expiring(*store, "k", "v", 1);
  require_ok(store->compact());
  require_ok(put(*store, "l", "w"));
  require_ok(store->compact());
  CHECK(entries(*store) == 2);
  CHECK_FALSE(get(*store, "k"));
}

TEST_CASE("many versions of one key stay in one table", "[engine][compaction_job]") {
  const memory_world environment;
  auto store = open_store<memory_store>(environment, "store");
  std::vector<std::unique_ptr<snapshot>> held;
  for (int i = 0; i < 60; ++i) {
    require_ok(put(*store, "k", std::string(1000, static_cast<char>('a' + i % 26)) + std::to_string(i)));
    held.push_back(std::make_unique<snapshot>(*store));
    require_ok(put(*store, std::to_string(i), "x"));
  }
  require_ok(store->compact());
  for (std::size_t i = 0; i < held.size(); ++i)
    CHECK(get(*store, "k", held[i]->at) == std::string(1000, static_cast<char>('a' + i % 26)) + std::to_string(i));
  require_ok(store->verify());
}

namespace {

template <typename Environment>
std::uint64_t count_tables(const Environment& environment) {
  std::uint64_t tables = 0;
  for (const std::string& name : sorted_names(environment, "store")) tables += name.ends_with(".table");
  return tables;
}
// A background thread may look at replaced tables a moment longer; then they go. Ends when none is left over.
template <typename Store, typename Environment>
void check_no_table_is_left_over(Store& store, const Environment& environment) {
  while (count_tables(environment) > store.stats().tables) std::this_thread::yield();
  CHECK(count_tables(environment) == store.stats().tables);
}

// Tables whose builder has no memory for one of its entries, when a test says so.
struct short_of_memory {
  using strata_slot = strata::slot::sstable;
  using under = strata::sstable::archetype;

  template <typename Environment>
  using cache = under::cache<Environment>;
  template <typename Environment>
  using table = under::table<Environment>;

  static std::atomic<int>& entries_left() {
    static std::atomic<int> left{-1};  // negative: enough
    return left;
  }

  template <typename Environment>
  class builder : public under::builder<Environment> {
   public:
    explicit builder(under::builder<Environment>&& made) : under::builder<Environment>(std::move(made)) {}
    static strata::result<builder> create(const Environment& environment, const strata::sstable::settings& wanted) {
      STRATA_TRY_LET(made, under::builder<Environment>::create(environment, wanted));
      return builder(std::move(made));
    }
    strata::result<void> add(const strata::entry& item) {
      if (entries_left() >= 0 && entries_left()-- == 0) throw std::bad_alloc();
      return under::builder<Environment>::add(item);
    }
    strata::result<void> add(const strata::range_tombstone& erased) { return under::builder<Environment>::add(erased); }
  };
};

}  // namespace

TEST_CASE("a merge that runs out of memory leaves no file", "[engine][compaction_job]") {
  using store_type = strata::engine::lsm_store<memory_world, strata::memtable::btree, strata::wal::segmented, short_of_memory,
                                               strata::compaction::leveled>;
  const memory_world environment;
  auto store = open_store<store_type>(environment, "store");
  contents expected;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 200; ++i) {
      const std::string key = std::to_string(1'000 + i * 4 + round);
      expected[key] = std::string(100, 'v');
      require_ok(put(*store, key, expected[key]));
    }
    // The third table or so of a merge, and of a flush the only one.
    short_of_memory::entries_left() = round < 2 ? 199 : 700;
    CHECK(code_of(round < 2 ? store->flush() : store->compact()) == strata::errc::out_of_memory);
    REQUIRE(short_of_memory::entries_left() < 0);
    check_no_table_is_left_over(*store, environment);
    require_ok(store->resume());
    require_ok(store->compact());
    check_no_table_is_left_over(*store, environment);
    CHECK(scan(*store) == expected);
  }
}

TEST_CASE("tables that a failed write of the manifest may have named go when it is written anew", "[engine][compaction_job]") {
  std::size_t named = 0;
  for (const calls kinds : {only(call::create), only(call::append), call::create | call::append}) {
    for (const bool merges : {false, true}) {
      for (std::uint64_t at = 1;; ++at) {
        INFO("calls " << kinds << ", the one that fails: " << at << (merges ? " of a merge" : " of a flush"));
        const failing_environment environment;
        strata::options amounts = tiny_options();
        amounts.compaction.level0_runs = 8;  // nothing is merged that nobody asked for
        auto store = open_store<failing_store>(environment, "store", amounts);
        contents expected;
        for (int i = 0; i < 100; ++i) {
          const std::string key = std::to_string(1'000 + i * 7 % 100);
          expected[key] = std::string(250, 'v');
          require_ok(put(*store, key, expected[key]));
          if (merges && i == 50) require_ok(store->flush());
        }
        if (merges) require_ok(store->flush());
        const auto work = [&] { return merges ? store->compact() : store->flush(); };
        environment.fail(kinds, at, strata::errc::no_space);
        static_cast<void>(environment.trace());
        const auto failed = work();
        const bool done = !environment.fired();
        environment.revive();
        const auto trace = environment.trace();
        if (!failed) {
          CHECK(failed.error().code() == strata::errc::no_space);
          const bool in_manifest = !trace.empty() && std::any_of(trace.begin(), trace.end(), [](const auto& each) {
            return each.first == call::append && each.second.find("MANIFEST") != std::string::npos;
          });
          // Until it is known whether the manifest names them they stay.
          if (in_manifest) {
            named += count_tables(environment) > store->stats().tables;
          } else {
            check_no_table_is_left_over(*store, environment);
          }
          require_ok(store->resume());
        }
        require_ok(work());
        check_no_table_is_left_over(*store, environment);
        CHECK(scan(*store) == expected);
        require_ok(store->verify());
        require_ok(store->close());
        store = open_store<failing_store>(environment, "store", amounts);
        check_no_table_is_left_over(*store, environment);
        CHECK(scan(*store) == expected);
        if (done) break;
      }
    }
  }
  CHECK(named > 0);
}

namespace {

// Tables that are not read as they were written, when a test says so.
struct misread {
  using strata_slot = strata::slot::sstable;
  using under = strata::sstable::archetype;

  enum class fault {
    none,
    smaller_key,    // behind the first entry of a table stands one with a key before it
    newer_version,  // … a version of its key that is newer
    entry_left_out,
    other_facts,
  };
  static std::atomic<fault>& now() {
    static std::atomic<fault> chosen{fault::none};
    return chosen;
  }

  template <typename Environment>
  using cache = under::cache<Environment>;
  template <typename Environment>
  using builder = under::builder<Environment>;

  template <typename Environment>
  class table {
    using under_table = under::table<Environment>;

   public:
    using lookup = typename under_table::lookup;

    class cursor {
     public:
      cursor(const table& over, strata::sstable::usage use) : under_(*over.under_, use) {}
      bool valid() const { return under_.valid(); }
      strata::entry current() const {
        strata::entry e = under_.current();
        if (second_ && now() == fault::smaller_key) e.key = "";
        if (second_ && now() == fault::newer_version) {
          e.key = first_;
          e.sequence = strata::sequence_max;
        }
        return e;
      }
      strata::result<void> status() const { return under_.status(); }
      void seek_first() { under_.seek_first(), note(); }
      void seek_last() { under_.seek_last(); }
      void seek(strata::bytes_view key, strata::sequence_number sequence) { under_.seek(key, sequence), note(); }
      void next() {
        under_.next();
        if (now() == fault::entry_left_out && under_.valid()) under_.next();
        second_ = true;
      }
      void prev() { under_.prev(); }

     private:
      void note() {
        second_ = false;
        if (under_.valid()) first_ = under_.current().key;
      }
      typename under_table::cursor under_;
      strata::bytes_view first_;
      bool second_ = false;
    };

    static strata::result<std::unique_ptr<table>> open(const Environment& environment, const strata::sstable::settings& wanted,
                                                       cache<Environment>& shared) {
      STRATA_TRY_LET(opened, under_table::open(environment, wanted, shared));
      return std::make_unique<table>(std::move(opened));
    }
    explicit table(std::unique_ptr<under_table> opened) : under_(std::move(opened)), known_(under_->facts()) {
      if (now() == fault::other_facts) ++known_.entries;
    }
    const strata::sstable::facts& facts() const { return known_; }
    const strata::range_tombstone_list& range_tombstones() const { return under_->range_tombstones(); }
    void prefetch(std::uint64_t hash) const { under_->prefetch(hash); }
    strata::result<bool> get(strata::bytes_view key, std::uint64_t hash, strata::sequence_number at, lookup& to) const {
      return under_->get(key, hash, at, to);
    }
    std::uint64_t memory_bytes() const { return under_->memory_bytes(); }
    strata::result<void> verify() const { return under_->verify(); }

   private:
    std::unique_ptr<under_table> under_;
    strata::sstable::facts known_;
  };
};

}  // namespace

TEST_CASE("a table that is not read as it was written ends a merge, which changes nothing and leaves no file", "[engine][compaction_job]") {
  using fault = misread::fault;
  using store_type =
      strata::engine::lsm_store<memory_world, strata::memtable::btree, strata::wal::segmented, misread, strata::compaction::leveled>;
  for (const fault wrong : {fault::smaller_key, fault::newer_version, fault::entry_left_out, fault::other_facts}) {
    INFO("fault " << static_cast<int>(wrong));
    const memory_world environment;
    strata::options amounts = tiny_options();
    amounts.compaction.level0_runs = 8;  // nothing is merged that nobody asked for
    auto store = open_store<store_type>(environment, "store", amounts);
    contents expected;
    for (const char* value : {"1", "2"}) {
      for (const char* key : {"a", "b", "c"}) {
        expected[key] = value;
        require_ok(put(*store, key, value));
      }
      require_ok(store->flush());
    }
    misread::now() = wrong;
    const auto merged = store->compact();
    misread::now() = fault::none;
    REQUIRE(code_of(merged) == strata::errc::corruption);
    CHECK(merged.error().file().empty() == (wrong == fault::entry_left_out));
    check_no_table_is_left_over(*store, environment);
    CHECK(scan(*store) == expected);
    CHECK(code_of(store->resume()) == strata::errc::corruption);
    static_cast<void>(store->close());
    store = open_store<store_type>(environment, "store", amounts);
    require_ok(store->compact());
    CHECK(scan(*store) == expected);
  }
}

TEST_CASE("a merge asks now and then whether it is still wanted, and leaves no file where it is not", "[engine][compaction_job]") {
  using job_type = strata::engine::compaction_job<memory_world, strata::memtable::btree, strata::sstable::block_table<>>;
  strata::engine::memory_unit<strata::memtable::btree> unit;
  strata::engine::write_batch batch;
  constexpr int writes = 5000;
  for (int i = 0; i < writes; ++i) batch.put(0, std::to_string(100'000 + i), "value");
  require_ok(unit.reserve(batch.count(), batch.payload_bytes()));
  REQUIRE(unit.apply(1, 1, batch.writes()));
  const strata::options amounts = tiny_options();
  for (int unwanted_at = 1;; ++unwanted_at) {
    INFO("no longer wanted when asked for the " << unwanted_at << "th time");
    const memory_world environment;
    require_ok(environment.create_directory("store"));
    strata::sstable::block_table<>::cache<memory_world> cache(environment, 0);
    int asked = 0;
    strata::result<strata::dynamic_array<job_type::output>> made = strata::error(strata::errc::closed, "test");
    {
      job_type job(environment, "store", 7, amounts, cache, {});
      job.add_input(unit);
      std::uint64_t number = 0;
      made = job.run(
          job_type::cutting::split, job_type::reserved_rows::among_others, [&] { return strata::result<std::uint64_t>(++number); },
          [&] { return ++asked == unwanted_at; });
    }
    CHECK(made.has_value() == (asked < unwanted_at));
    if (!made) {
      CHECK(code_of(made) == strata::errc::closed);
      CHECK(sorted_names(environment, "store").empty());
      continue;
    }
    CHECK(asked == writes / 1024);
    std::uint64_t entries_made = 0;
    for (const auto& each : *made) entries_made += each.table->facts().entries;
    CHECK(entries_made == writes);
    CHECK(made->size() > 1);
    break;
  }
}

TEST_CASE("a merge that gets no file number says why", "[engine][compaction_job]") {
  using job_type = strata::engine::compaction_job<memory_world, strata::memtable::btree, strata::sstable::block_table<>>;
  strata::engine::memory_unit<strata::memtable::btree> unit;
  strata::engine::write_batch batch;
  batch.put(0, "k", "v");
  require_ok(unit.reserve(batch.count(), batch.payload_bytes()));
  REQUIRE(unit.apply(1, 1, batch.writes()));
  const memory_world environment;
  require_ok(environment.create_directory("store"));
  const strata::options amounts = tiny_options();
  strata::sstable::block_table<>::cache<memory_world> cache(environment, 0);
  job_type job(environment, "store", 7, amounts, cache, {});
  job.add_input(unit);
  const auto made = job.run(
      job_type::cutting::whole, job_type::reserved_rows::among_others,
      [] { return strata::result<std::uint64_t>(strata::error(strata::errc::unsupported, "make file")); }, [] { return false; });
  CHECK(code_of(made) == strata::errc::unsupported);
  CHECK(sorted_names(environment, "store").empty());
}

TEST_CASE("range tombstones alone make tables on either side of the border, and what keeps one from being made is said", "[engine][compaction_job]") {
  using job_type = strata::engine::compaction_job<memory_world, strata::memtable::btree, strata::sstable::block_table<>>;
  using strata::compaction::reserved_run_limit;
  const std::string below("\0a", 2);
  const std::string below_end("\0b", 2);
  const std::string above("\1a", 2);
  const std::string above_end("\1b", 2);
  for (int erased = 1; erased < 4; ++erased) {
    const bool reserved = (erased & 1) != 0;
    const bool others = (erased & 2) != 0;
    for (const bool with_entry : {false, true}) {
      strata::engine::memory_unit<strata::memtable::btree> unit;
      strata::engine::write_batch batch;
      if (reserved) batch.erase_range(0, below, below_end);
      if (others) batch.erase_range(0, above, above_end);
      if (with_entry) batch.put(0, above, "v");
      require_ok(unit.reserve(batch.count(), batch.payload_bytes()));
      unit.stage(7, batch.writes());
      unit.build_staged();
      REQUIRE(unit.apply(7, 1, batch.writes()));
      unit.publish_staged();
      const std::size_t tables = (reserved ? 1u : 0u) + (others || with_entry ? 1u : 0u);
      const strata::options amounts = tiny_options();
      for (std::size_t failing = 1; failing <= tables + 1; ++failing) {
        INFO("erased " << erased << (with_entry ? " and an entry" : "") << ", no number for table " << failing);
        const memory_world environment;
        require_ok(environment.create_directory("store"));
        strata::sstable::block_table<>::cache<memory_world> cache(environment, 0);
        strata::engine::retention kept;
        kept.snapshots.push_back(5);  // it sees what they erase
        strata::result<strata::dynamic_array<job_type::output>> made = strata::error(errc::closed, "test");
        std::uint64_t number = 0;
        {
          job_type job(environment, "store", 7, amounts, cache, kept);
          job.add_input(unit);
          made = job.run(
              job_type::cutting::split, job_type::reserved_rows::apart,
              [&]() -> strata::result<std::uint64_t> {
                if (++number == failing) return strata::error(errc::unsupported, "make file");
                return number;
              },
              [] { return false; });
        }
        if (failing <= tables) {
          CHECK(code_of(made) == errc::unsupported);
          CHECK(sorted_names(environment, "store").empty());
          continue;
        }
        require_ok(made);
        REQUIRE(made->size() == tables);
        std::size_t at = 0;
        if (reserved) {
          const strata::sstable::facts& f = (*made)[at++].table->facts();
          CHECK(f.smallest == below);
          CHECK(f.limit == below_end);
          CHECK(f.range_tombstones == 1);
        }
        if (at < tables) {
          const strata::sstable::facts& f = (*made)[at].table->facts();
          CHECK(f.smallest >= reserved_run_limit);
          CHECK(f.range_tombstones == (others ? 1 : 0));
          CHECK(f.entries == (with_entry ? 1 : 0));
        }
      }
    }
  }
}
