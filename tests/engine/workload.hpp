// A small, fixed piece of work on a store whose environment fails, and what must hold of it afterwards: nothing that was
// acknowledged is lost, nothing is half there, nothing comes in another order.
#ifndef STRATA_TESTS_ENGINE_WORKLOAD_HPP
#define STRATA_TESTS_ENGINE_WORKLOAD_HPP

#include "engine/failing_store.hpp"

#include <set>

namespace strata_tests {

// Resumes a store. A background write that met the failure before it was taken away may be said only after that.
template <typename Store>
void go_on(Store& store) {
  for (int i = 0; i < 100 && !(store.resume() && store.status()); ++i) continue;
  require_ok(store.status());
}

// What happens, in order, around the commits.
struct workload_steps {
  int commits = 16;
  int flush_every = 0;       // 0: never
  int compact_at = 0;        // 0: never
  int reopen_at = 0;         // 0: never
  std::size_t value_bytes = 40;
  strata::durability durability = strata::durability::buffered;
};

// Of every kind: the log alone, gone on with, rotated by size; flushes, merges, both, of small and of large values. With a
// sanitizer, which makes each take many times as long, the first `sanitized`.
inline std::vector<workload_steps> workloads(std::size_t sanitized) {
  using strata::durability;
  std::vector<workload_steps> all = {
      {16, 0, 0, 8, 40, durability::strict},    {24, 5, 0, 0, 40, durability::buffered},
      {30, 4, 20, 12, 400, durability::strict}, {40, 0, 0, 30, 6000, durability::buffered},
      {16, 0, 0, 0, 40, durability::buffered},  {40, 3, 30, 20, 3000, durability::buffered},
      {60, 0, 0, 30, 6000, durability::buffered}, {24, 5, 0, 7, 40, durability::strict},
      {30, 3, 12, 0, 400, durability::buffered}, {40, 0, 25, 0, 6000, durability::strict},
  };
  if (is_sanitized) all.resize(sanitized);
  return all;
}

struct nothing_around {};

// `AroundCall`: one is alive during each call of the store that may fail.
template <typename Environment, typename AroundCall = nothing_around>
class basic_workload {
  using store_type = default_store<Environment>;

 public:
  using shape = workload_steps;

  basic_workload(const Environment& environment, shape s) : environment_(environment), shape_(s) {
    amounts_ = tiny_options();
    amounts_.durability = s.durability;
  }

  // Goes on where others fail: each step is tried, whatever came of the one before. `resumes`: after a step that failed,
  // the cause is taken away and resume() called.
  void run(bool resumes = false) {
    open();
    for (int i = 0; i < shape_.commits; ++i) {
      if (shape_.reopen_at != 0 && i == shape_.reopen_at) {
        close();
        open();
      }
      if (store_) commit(i, resumes);
      if (!store_) continue;
      if (shape_.flush_every != 0 && i % shape_.flush_every == shape_.flush_every - 1)
        note(call([&] { return store_->flush(); }), resumes);
      if (shape_.compact_at == i + 1) note(call([&] { return store_->compact(); }), resumes);
    }
    close();
  }

  // The writes of commit i: a key of its own, and others that many commits write, erase and erase ranges of.
  static void fill(strata::engine::write_batch& batch, int i, std::size_t value_bytes) {
    batch.clear();
    batch.put(0, "c" + std::to_string(1000 + i), std::string(value_bytes, static_cast<char>('a' + i % 26)));
    batch.put(0, "k" + std::to_string(i % 7), std::to_string(i));
    if (i % 4 == 1) batch.erase(0, "k" + std::to_string((i + 3) % 7));
    if (i % 5 == 2) batch.erase_range(0, "k2", "k5");
    if (i % 5 == 2) batch.put(0, "k3", "after " + std::to_string(i));
  }
  static void apply(contents& to, int i, std::size_t value_bytes) {
    to["c" + std::to_string(1000 + i)] = std::string(value_bytes, static_cast<char>('a' + i % 26));
    to["k" + std::to_string(i % 7)] = std::to_string(i);
    if (i % 4 == 1) to.erase("k" + std::to_string((i + 3) % 7));
    if (i % 5 == 2) to.erase(to.lower_bound("k2"), to.lower_bound("k5"));
    if (i % 5 == 2) to["k3"] = "after " + std::to_string(i);
  }

  // Opens what is there without any failure and checks it, twice. `is_prefix`: the commits that are there must be the
  // first so many, as after a kill.
  void check(bool is_prefix) {
    revive();
    store_.reset();
    for (int time = 0; time < 2; ++time) {
      auto opened = store_type::open(environment_, "store", amounts_);
      require_ok(opened);
      store_type& store = **opened;
      const contents found = scan(store);
      contents expected;
      bool gap = false;
      for (int i = 0; i < shape_.commits; ++i) {
        const bool there = found.count("c" + std::to_string(1000 + i)) != 0;
        if (there) apply(expected, i, shape_.value_bytes);
        if (acknowledged_.count(i) != 0 && !there) FAIL("commit " << i << " was acknowledged and is lost");
        if (issued_.count(i) == 0 && there) FAIL("commit " << i << " was never made");
        if (is_prefix && there && gap) FAIL("commit " << i << " is there, one before it is not");
        gap = gap || !there;
      }
      if (found != expected) FAIL("the commits that are there are not there whole, or in another order");
      require_ok(store.verify());
      check_backward(store, found);
      CHECK(store.last_sequence() >= highest_sequence_);
      if (time == 0) {
        auto more = put(store, "z", "more");
        require_ok(more);
        REQUIRE(*more > highest_sequence_);
        highest_sequence_ = *more;
        require_ok(erase(store, "z"));
        require_ok(store.flush());
      }
      require_ok(store.close());
      check_files();
    }
  }

  [[nodiscard]] const std::vector<strata::errc>& failures() const { return failures_; }
  [[nodiscard]] std::size_t acknowledged() const { return acknowledged_.size(); }

 private:
  template <typename Call>
  static auto call(Call made) {
    [[maybe_unused]] const AroundCall around;
    return made();
  }
  void revive() {
    if constexpr (requires { environment_.revive(); }) environment_.revive();
  }
  void open() {
    auto opened = call([&] { return store_type::open(environment_, "store", amounts_); });
    if (opened) {
      store_ = std::move(*opened);
    } else {
      failures_.push_back(opened.error().code());
    }
  }
  void close() {
    if (store_) note(call([&] { return store_->close(); }), false);
    store_.reset();
  }
  void commit(int i, bool resumes) {
    strata::engine::write_batch batch;
    fill(batch, i, shape_.value_bytes);
    issued_.insert(i);
    auto committed = call([&] { return store_->commit(batch, strata::durability::none); });
    if (committed) {
      acknowledged_.insert(i);
      CHECK(*committed > highest_sequence_);
      highest_sequence_ = *committed;
    } else {
      note(std::move(committed).error(), resumes);
    }
  }
  void note(strata::result<void> done, bool resumes) {
    if (done) return;
    failures_.push_back(done.error().code());
    if (!resumes || !store_) return;
    revive();
    go_on(*store_);
  }
  static void check_backward(store_type& store, const contents& forward) {
    auto made = store.make_cursor({"", "", true}, strata::sequence_max);
    require_ok(made);
    contents backward;
    for ((*made)->seek_last(); (*made)->valid(); (*made)->prev()) backward.emplace((*made)->key(), (*made)->value());
    require_ok((*made)->status());
    CHECK(backward == forward);
    for (const auto& [key, value] : forward) CHECK(get(store, key) == value);
  }
  // Of a closed store no file is left over: each is named by the manifest, or is a log segment that is still needed.
  void check_files() {
    strata::engine::manifest<Environment> manifest(environment_, "store");
    require_ok(manifest.recover());
    using type = strata::engine::file_type;
    std::size_t tables = 0;
    for (const std::string& name : sorted_names(environment_, "store")) {
      INFO(name);
      const auto parsed = strata::engine::parse_file_name(name);
      CHECK((parsed.type != type::temporary && parsed.type != type::foreign));
      if (parsed.type == type::manifest) CHECK(parsed.number == manifest.state().number);
      if (parsed.type == type::log) CHECK(parsed.number >= manifest.state().log_number);
      if (parsed.type != type::table) continue;
      CHECK(manifest.state().tables.contains(parsed.number));
      ++tables;
    }
    CHECK(tables == manifest.state().tables.size());
  }

  Environment environment_;
  shape shape_;
  strata::options amounts_;
  std::unique_ptr<store_type> store_;
  std::set<int> issued_;
  std::set<int> acknowledged_;
  strata::sequence_number highest_sequence_ = 0;
  std::vector<strata::errc> failures_;
};

using workload = basic_workload<failing_environment>;

}  // namespace strata_tests

#endif
