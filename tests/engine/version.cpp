// Which tables there are: what an edit makes of them, what a policy sees of them, and what becomes of a file.
#include "engine/stores.hpp"

using namespace strata_tests;
using strata::engine::version_edit;

namespace {

// Files in memory, and a process id that a test changes as a fork would.
class forking : public strata::environment::in_memory {
 public:
  std::uint64_t process_id() const noexcept { return *process_; }
  void go_on_in_child() const { ++*process_; }

 private:
  std::shared_ptr<std::uint64_t> process_ = std::make_shared<std::uint64_t>(1);
};

// Tables of which nothing but the facts is known.
struct bare {
  template <typename Environment>
  struct table {
    strata::sstable::facts known;
    [[nodiscard]] const strata::sstable::facts& facts() const noexcept { return known; }
  };
};

using version = strata::engine::version<forking, bare>;
using handles = strata::dynamic_array<version::handle_ptr>;

strata::sstable::facts between(std::string_view smallest, std::string_view limit) {
  strata::sstable::facts f;
  f.bytes = 1000;
  f.entries = 40;
  f.highest_sequence = 100;
  f.smallest = smallest;
  f.limit = limit;
  return f;
}

// A version, and the tables that edits of it may name.
struct made_version {
  forking environment;
  handles known;
  std::shared_ptr<const version> now = std::make_shared<const version>();

  void make(std::uint64_t number, const strata::sstable::facts& f) {
    known.push_back(std::make_shared<version::handle>(environment, "d/" + std::to_string(number), number,
                                                      std::make_unique<bare::table<forking>>(bare::table<forking>{f})));
  }
  std::shared_ptr<const version> after(const version_edit& edit) const { return now->after(edit, known); }
  void apply(const version_edit& edit) {
    auto next = after(edit);
    REQUIRE(next != nullptr);
    now = std::move(next);
    known = handles();
  }
};

version_edit adding(std::uint32_t level, std::uint64_t run, std::initializer_list<std::uint64_t> numbers) {
  version_edit edit;
  for (const std::uint64_t number : numbers) edit.added.push_back({level, run, number, {}});
  return edit;
}

}  // namespace

TEST_CASE("an edit that does not fit makes no version, and leaves the one before", "[engine][version]") {
  made_version v;
  v.make(1, between("b", "d"));
  v.make(2, between("f", "h"));
  v.apply(adding(1, 0, {2, 1}));
  CHECK(v.now->table_count() == 2);
  CHECK(v.now->table_bytes() == 2000);
  v.make(7, between("d", "f"));
  v.make(9, between("a", "bb"));
  SECTION("it drops what is not there") {
    version_edit edit = adding(1, 0, {7});
    edit.dropped.push_back(3);
    CHECK(v.after(edit) == nullptr);
    edit.dropped.push_back(1);
    CHECK(v.after(edit) == nullptr);
  }
  SECTION("it adds what nobody has opened") {
    CHECK(v.after(adding(1, 0, {8})) == nullptr);
    CHECK(v.after(adding(1, 0, {10})) == nullptr);
  }
  SECTION("it adds a number twice") {
    CHECK(v.after(adding(0, 7, {7, 7})) == nullptr);
    version_edit edit = adding(0, 7, {7});
    edit.added.push_back({2, 0, 7, {}});
    CHECK(v.after(edit) == nullptr);
    CHECK(v.after(adding(0, 1, {1})) == nullptr);  // which is on level 1
  }
  SECTION("tables of a sorted run overlap") {
    CHECK(v.after(adding(1, 0, {9})) == nullptr);
    CHECK(v.after(adding(1, 1, {9})) != nullptr);
    CHECK(v.after(adding(0, 0, {9})) != nullptr);
  }
  SECTION("what fits is in order, newest run first") {
    version_edit edit = adding(1, 0, {7});
    edit.added.push_back({1, 5, 9, {}});
    const auto next = v.after(edit);
    REQUIRE(next != nullptr);
    const auto& runs = next->levels()[1].runs;
    REQUIRE(runs.size() == 2);
    CHECK(runs[0].number == 5);
    REQUIRE(runs[1].tables.size() == 3);
    CHECK(runs[1].tables[0]->number() == 1);
    CHECK(runs[1].tables[1]->number() == 7);
    CHECK(runs[1].tables[2]->number() == 2);
  }
  CHECK(v.now->table_count() == 2);
}

TEST_CASE("a key is in the table whose bounds hold it, or in none", "[engine][version]") {
  made_version v;
  v.make(1, between("b", "d"));
  v.make(2, between("f", "h"));
  v.apply(adding(1, 0, {1, 2}));
  const auto& run = v.now->levels()[1].runs[0];
  const auto number_of = [&](std::string_view key) {
    const auto* found = run.find(key);
    return found == nullptr ? std::uint64_t{0} : found->number();
  };
  CHECK(number_of("a") == 0);
  CHECK(number_of("b") == 1);
  CHECK(number_of("czz") == 1);
  CHECK(number_of("d") == 0);
  CHECK(number_of("f") == 2);
  CHECK(number_of("h") == 0);
}

TEST_CASE("what time and the end of a snapshot can make garbage of is known", "[engine][version]") {
  const auto may_gain = [](const auto& change) {
    made_version v;
    v.make(1, between("b", "d"));
    strata::sstable::facts f = between("f", "h");
    change(f);
    v.make(2, f);
    v.make(3, between("j", "l"));
    v.apply(adding(1, 0, {1, 2, 3}));
    return v.now->may_gain_garbage();
  };
  CHECK_FALSE(may_gain([](strata::sstable::facts&) {}));
  CHECK(may_gain([](strata::sstable::facts& f) { f.earliest_expiry_us = 7; }));
  CHECK(may_gain([](strata::sstable::facts& f) { f.hidden_versions = 1; }));
  CHECK(may_gain([](strata::sstable::facts& f) { f.tombstones = 1; }));
  CHECK(may_gain([](strata::sstable::facts& f) { f.range_tombstones = 1; }));
}

TEST_CASE("a policy is told of garbage when nobody needs it, and to rewrite when it is much", "[engine][version]") {
  struct seen {
    bool has_garbage;
    bool is_worth_rewriting;
    bool operator==(const seen&) const = default;
  };
  constexpr std::uint64_t now_us = 1000;
  const auto look = [](strata::sequence_number oldest_snapshot, const auto& change) {
    made_version v;
    strata::sstable::facts f = between("b", "d");
    change(f);
    v.make(1, f);
    v.apply(adding(2, 0, {1}));
    const strata::compaction::shape shape = v.now->shape(now_us, now_us, oldest_snapshot);
    const auto& table = shape.levels[2].runs[0].tables[0];
    CHECK(table.number == 1);
    CHECK(table.bytes == 1000);
    return seen{table.has_garbage, table.is_worth_rewriting};
  };
  constexpr strata::sequence_number none = strata::sequence_max;
  CHECK(look(none, [](auto&) {}) == seen{false, false});
  // Expired: some, or half.
  CHECK(look(none, [](auto& f) { f.earliest_expiry_us = now_us; }) == seen{false, false});
  CHECK(look(none, [](auto& f) { f.earliest_expiry_us = now_us - 1; }) == seen{true, false});
  CHECK(look(none, [](auto& f) { f.earliest_expiry_us = f.median_expiry_us = now_us - 1; }) == seen{true, true});
  // Dead: some, or a quarter of all.
  CHECK(look(none, [](auto& f) { f.tombstones = 9; }) == seen{true, false});
  CHECK(look(none, [](auto& f) { f.hidden_versions = 10; }) == seen{true, true});
  // A snapshot that is as new as all of it keeps nothing of it, an older one may.
  CHECK(look(100, [](auto& f) { f.hidden_versions = 10; }) == seen{true, true});
  CHECK(look(99, [](auto& f) { f.hidden_versions = 10; }) == seen{false, false});
}

TEST_CASE("an obsolete table's file goes with its last reader, but not by a forked child", "[engine][version]") {
  for (const bool in_child : {false, true}) {
    const forking environment;
    require_ok(environment.create_directory("d"));
    for (const char* path : {"d/1", "d/2", "d/3"}) write_file(environment, path, "x");
    const auto make = [&](std::uint64_t number) {
      return std::make_shared<version::handle>(environment, "d/" + std::to_string(number), number,
                                               std::make_unique<bare::table<forking>>());
    };
    auto kept = make(1);
    auto obsolete = make(2);
    auto needed_again = make(3);
    obsolete->mark_obsolete();
    needed_again->mark_obsolete();
    needed_again->mark_needed();
    auto reader = obsolete;
    obsolete.reset();
    CHECK(*environment.file_exists("d/2"));
    if (in_child) environment.go_on_in_child();
    kept.reset();
    needed_again.reset();
    reader.reset();
    CHECK(*environment.file_exists("d/1"));
    CHECK(*environment.file_exists("d/2") == in_child);
    CHECK(*environment.file_exists("d/3"));
  }
}
