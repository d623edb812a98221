// One suite for every composition: a stream of random operations, answered by the store and by an oracle that keeps every
// version of every key in a map. Whatever is flushed, merged, closed and opened in between, the answers agree.
//
// A composition is tested by `strata_tests::engine_contract<Store>(environment, directory, seed, operations)`; what fails
// prints the seed and the number of the operation.
#ifndef STRATA_TESTS_ENGINE_CONTRACT_HPP
#define STRATA_TESTS_ENGINE_CONTRACT_HPP

#include "engine/stores.hpp"

#include <algorithm>

namespace strata_tests {

// Every version of every key, and every range that was erased.
class engine_oracle {
 public:
  struct version {
    strata::sequence_number sequence = 0;
    std::optional<std::string> value;  // none: erased
    std::uint64_t expires_at = UINT64_MAX;
    [[nodiscard]] bool lives() const { return value && expires_at == UINT64_MAX; }
  };
  struct erased_range {
    std::string begin;
    std::string end;
    strata::sequence_number sequence;
  };

  void write(strata::sequence_number sequence, const std::string& key, version written) {
    written.sequence = sequence;
    std::vector<version>& all = versions[key];
    if (!all.empty() && all.back().sequence == sequence) {
      all.back() = std::move(written);
    } else {
      all.push_back(std::move(written));
    }
  }
  void erase_range(strata::sequence_number sequence, const std::string& begin, const std::string& end) {
    if (begin >= end) return;
    for (auto at = versions.lower_bound(begin); at != versions.end() && at->first < end; ++at)
      write(sequence, at->first, {});
    erased.push_back({begin, end, sequence});
  }

  // What a reader at `at` sees of one key; null: nothing.
  [[nodiscard]] static const version* seen(const std::vector<version>& all, strata::sequence_number at) {
    const auto after = std::upper_bound(all.begin(), all.end(), at, [](auto limit, const version& v) { return limit < v.sequence; });
    if (after == all.begin()) return nullptr;
    const version& newest = *(after - 1);
    return newest.lives() ? &newest : nullptr;
  }
  [[nodiscard]] const version* get(const std::string& key, strata::sequence_number at) const {
    const auto found = versions.find(key);
    return found == versions.end() ? nullptr : seen(found->second, at);
  }

  [[nodiscard]] bool key_changed(const std::string& key, strata::sequence_number since) const {
    const auto found = versions.find(key);
    if (found != versions.end() && found->second.back().sequence > since) return true;
    for (const erased_range& each : erased)
      if (each.sequence > since && key >= each.begin && key < each.end) return true;
    return false;
  }
  [[nodiscard]] bool range_changed(const std::string& begin, const std::string& end, bool unbounded,
                                   strata::sequence_number since) const {
    if (!unbounded && begin >= end) return false;
    for (auto at = versions.lower_bound(begin); at != versions.end() && (unbounded || at->first < end); ++at)
      if (at->second.back().sequence > since) return true;
    for (const erased_range& each : erased)
      if (each.sequence > since && each.end > begin && (unbounded || each.begin < end)) return true;
    return false;
  }
  // Forgets what no reader at `oldest` or later needs.
  void prune(strata::sequence_number oldest) {
    std::erase_if(erased, [&](const erased_range& each) { return each.sequence <= oldest; });
    for (auto& [key, all] : versions) {
      std::size_t first = 0;
      while (first + 1 < all.size() && all[first + 1].sequence <= oldest) ++first;
      all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(first));
    }
  }

  std::map<std::string, std::vector<version>> versions;
  std::vector<erased_range> erased;
};

template <typename Store, typename Environment>
class engine_contract_run {
  using cursor_type = typename Store::cursor_type;
  using write_batch = strata::engine::write_batch;
  using sequence = strata::sequence_number;

 public:
  engine_contract_run(const Environment& environment, std::string directory, std::uint64_t seed)
      : environment_(environment), directory_(std::move(directory)), seed_(seed), random_(seed) {
    amounts_ = tiny_options();
    if (!Store::logs_commits) amounts_.durability = strata::durability::none;
  }

  void run(std::size_t operations) {
    open();
    for (operation_ = 0; operation_ < operations; ++operation_) step();
    compare_all();
    succeed(store_->compact());
    compare_all();
    succeed(store_->verify());
    check_went_far();
    reopen();
    compare_all();
    release_snapshots();
    succeed(store_->close());
  }

 private:
  static constexpr std::size_t keys_max = 3000;
  static constexpr std::uint64_t past = 1;                              // µs: 1970
  static constexpr std::uint64_t future = std::uint64_t{1} << 62;

  void expect(bool holds, const char* what) {
    if (holds) [[likely]]
      return;
    FAIL(what << "; seed " << seed_ << ", operation " << operation_);
  }
  template <typename Result>
  void succeed(const Result& outcome) {
    if (outcome.has_value()) [[likely]]
      return;
    FAIL(outcome.error().message() << "; seed " << seed_ << ", operation " << operation_);
  }

  void open() {
    auto opened = Store::open(environment_, directory_, amounts_);
    succeed(opened);
    store_ = std::move(*opened);
    expect(store_->last_sequence() == last_, "the sequence after opening is that of the newest commit");
  }
  void reopen() {
    release_snapshots();
    if (random_.one_in(2)) succeed(store_->close());
    store_.reset();
    open();
    ++reopens_;
  }

  std::string key() {
    // Short and long keys, neighbours and prefixes of each other, also the empty one and bytes above 0x7f.
    const std::size_t number = random_.below(keys_max);
    if (number == 0) return {};
    std::string text = std::to_string(number * 7919 % keys_max);
    if (number % 5 == 0) text.insert(0, "\xff");
    if (number % 7 == 0) text += std::string(1, '\0');
    if (number % 31 == 0) text += std::string(300, 'l');
    return text;
  }
  std::string value() {
    if (random_.one_in(200)) return random_.bytes(3000 + random_.below(3000));  // more than a block
    return random_.bytes(random_.below(160));
  }

  void step() {
    const std::size_t choice = random_.below(1000);
    if (choice < 440) return commit_batch(1);
    if (choice < 520) return commit_batch(2 + random_.below(12));
    if (choice < 780) return read_point();
    if (choice < 830) return read_many();
    if (choice < 880) return walk_some();
    if (choice < 940) return commit_with_reads();
    if (choice < 970) return snapshot();
    if (choice < 990) return read_pinned();
    if (choice < 993 && random_.one_in(2)) return succeed(store_->flush());
    if (choice < 995 && random_.one_in(20)) return compare_all();
    if (choice < 997 && random_.one_in(20)) return succeed(store_->compact());
    if (choice < 998 && random_.one_in(10)) return reopen();
    if (choice < 999 && random_.one_in(25)) return checkpoint();
    if (random_.one_in(25)) succeed(store_->verify());
  }

  // A batch, and the same in the oracle once the sequence is known.
  struct planned_write {
    strata::engine::write_kind kind;
    std::string key;
    std::string value;
    std::uint64_t expires_at = 0;
  };
  std::vector<planned_write> plan(std::size_t writes) {
    using kind = strata::engine::write_kind;
    std::vector<planned_write> planned;
    for (std::size_t i = 0; i < writes; ++i) {
      const std::size_t choice = random_.below(100);
      if (choice < 70) {
        planned.push_back({kind::value, key(), value()});
      } else if (choice < 78) {
        planned.push_back({kind::value_with_expiry, key(), value(), random_.one_in(2) ? past : future});
      } else if (choice < 96) {
        planned.push_back({kind::tombstone, key(), {}});
      } else {
        std::string begin = key();
        std::string end = random_.one_in(40) ? key() : begin + std::string(1, static_cast<char>(random_.below(256)));
        if (random_.one_in(10)) std::swap(begin, end);
        planned.push_back({kind::range_tombstone, std::move(begin), std::move(end)});
      }
      // Often the same key again: within a commit the later operation wins.
      if (i + 1 < writes && random_.one_in(3)) {
        planned.push_back(planned[random_.below(planned.size())]);
        if (planned.back().kind == kind::value) planned.back().value = value();
      }
    }
    return planned;
  }
  static void fill(write_batch& batch, const std::vector<planned_write>& planned) {
    using kind = strata::engine::write_kind;
    batch.clear();
    for (const planned_write& each : planned) {
      switch (each.kind) {
        case kind::value: batch.put(64, each.key, each.value); break;
        case kind::value_with_expiry: batch.put_expiring(65, each.key, each.value, each.expires_at); break;
        case kind::tombstone: batch.erase(66, each.key); break;
        case kind::range_tombstone: batch.erase_range(67, each.key, each.value); break;
        case kind::merge_operand: break;
      }
    }
  }
  void record(sequence committed, const std::vector<planned_write>& planned) {
    using kind = strata::engine::write_kind;
    expect(committed > last_, "sequences increase");
    expect(store_->last_sequence() == committed, "a commit is seen when it returns");
    last_ = committed;
    for (const planned_write& each : planned) {
      if (each.kind == kind::range_tombstone) {
        oracle_.erase_range(committed, each.key, each.value);
      } else if (each.kind == kind::tombstone) {
        oracle_.write(committed, each.key, {});
      } else {
        // An expiry far ahead is as none.
        const bool gone = each.kind == kind::value_with_expiry && each.expires_at == past;
        oracle_.write(committed, each.key, {committed, each.value, gone ? past : UINT64_MAX});
      }
    }
  }
  strata::durability some_durability() {
    if (!Store::logs_commits) return strata::durability::none;
    return static_cast<strata::durability>(random_.below(3));
  }
  void commit_batch(std::size_t writes) {
    const std::vector<planned_write> planned = plan(writes);
    fill(batch_, planned);
    auto committed = store_->commit(batch_, some_durability());
    succeed(committed);
    if (batch_.empty()) {
      expect(*committed == last_, "an empty batch takes no sequence");
      return;
    }
    record(*committed, planned);
  }

  // ---- reads

  sequence some_sequence() {
    if (snapshots_.empty() || random_.one_in(2)) return strata::sequence_max;
    return snapshots_[random_.below(snapshots_.size())];
  }
  [[nodiscard]] sequence clipped(sequence at) const { return at < last_ ? at : last_; }

  void read_point() {
    const std::string k = key();
    const sequence at = some_sequence();
    const auto* expected = oracle_.get(k, clipped(at));
    bool called = false;
    auto found = store_->get(k, at, [&](strata::bytes_view v, sequence s, std::uint64_t) {
      called = true;
      expect(expected != nullptr, "a value that must not be there");
      expect(v == *expected->value, "the value is the newest");
      expect(s == expected->sequence, "the sequence is that of the commit");
    });
    succeed(found);
    expect(*found == called, "found says whether the value was handed out");
    expect(called == (expected != nullptr), "a value is missing");
  }
  void read_many() {
    std::vector<std::string> keys;
    for (std::size_t i = random_.below(12); i-- > 0;) keys.push_back(key());
    const sequence at = some_sequence();
    std::vector<std::optional<std::string>> values(keys.size());
    succeed(store_->multi_get(keys, at, [&](std::size_t index, strata::bytes_view v, sequence) { values[index] = std::string(v); }));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto* expected = oracle_.get(keys[i], clipped(at));
      expect(values[i].has_value() == (expected != nullptr), "multi_get finds what is there");
      if (expected != nullptr) expect(*values[i] == *expected->value, "multi_get gives the newest");
    }
  }
  void read_pinned() {
    const std::string k = key();
    const auto* expected = oracle_.get(k, last_);
    const std::optional<std::string> before = expected ? expected->value : std::nullopt;
    typename Store::pinned_value pinned;
    auto found = store_->get_pinned(k, strata::sequence_max, pinned);
    succeed(found);
    expect(*found == before.has_value(), "get_pinned finds what is there");
    commit_batch(3);  // pinned bytes stay whatever is written
    if (random_.one_in(20)) succeed(store_->flush());
    if (before) expect(pinned.value() == *before, "pinned bytes stay in place");
  }

  // A cursor within random bounds, from a random place, both ways.
  void walk_some() {
    strata::engine::cursor_range range{random_.one_in(3) ? std::string() : key(), {}, true};
    if (!random_.one_in(3)) {
      range.end = key();
      range.unbounded = false;
    }
    const sequence at = some_sequence();
    auto made = store_->make_cursor(range, at);
    succeed(made);
    cursor_type& cursor = **made;
    const sequence seen_at = clipped(at);
    const std::string from = key();
    const std::size_t steps = 1 + random_.below(40);
    const bool moves_on = random_.one_in(10);  // writes meanwhile change nothing for it
    const auto expected = expected_within(range, seen_at, from);
    if (moves_on) commit_batch(5);
    std::size_t count = 0;
    const auto first = std::lower_bound(expected.begin(), expected.end(), from, [](const auto& row, const std::string& k) { return row.first < k; });
    auto row = first;
    for (cursor.seek(from); cursor.valid() && count < steps; cursor.next(), ++count, ++row)
      expect(row != expected.end() && cursor.key() == row->first && cursor.value() == row->second, "forward from a key");
    if (count < steps) expect(row == expected.end(), "forward ends at the end of the range");
    count = 0;
    row = first;
    for (cursor.seek_before(from); cursor.valid() && count < steps; cursor.prev(), ++count) {
      expect(row != expected.begin(), "backward ends at the begin of the range");
      --row;
      expect(cursor.key() == row->first && cursor.value() == row->second, "backward from a key");
    }
    if (count < steps) expect(row == expected.begin(), "backward reaches the begin of the range");
    succeed(cursor.status());
  }
  using rows = std::vector<std::pair<std::string, std::string>>;
  // The rows around `from` suffice for a bounded walk.
  rows expected_within(const strata::engine::cursor_range& range, sequence at, const std::string& from) {
    rows around;
    auto begin = oracle_.versions.lower_bound(range.begin);
    auto middle = oracle_.versions.lower_bound((std::max)(from, range.begin));
    std::vector<std::pair<std::string, std::string>> before;
    for (auto each = middle; each != begin && before.size() < 45;) {
      --each;
      if (!range.unbounded && each->first >= range.end) continue;
      if (const auto* seen = engine_oracle::seen(each->second, at)) before.emplace_back(each->first, *seen->value);
    }
    around.assign(before.rbegin(), before.rend());
    std::size_t behind = 0;
    for (auto each = middle; each != oracle_.versions.end() && behind < 45; ++each) {
      if (!range.unbounded && each->first >= range.end) break;
      if (const auto* seen = engine_oracle::seen(each->second, at)) {
        around.emplace_back(each->first, *seen->value);
        ++behind;
      }
    }
    return around;
  }

  void compare_all() {
    compare_at(strata::sequence_max);
    for (const sequence each : snapshots_) compare_at(each);
    ++comparisons_;
    tables_seen_ = (std::max)(tables_seen_, store_->stats().tables);
  }
  void compare_at(sequence at) {
    rows expected;
    for (const auto& [k, all] : oracle_.versions)
      if (const auto* seen = engine_oracle::seen(all, clipped(at))) expected.emplace_back(k, *seen->value);
    compare_with(*store_, at, expected);
  }
  void compare_with(Store& store, sequence at, const rows& expected) {
    auto made = store.make_cursor({"", "", true}, at);
    succeed(made);
    cursor_type& cursor = **made;
    std::size_t i = 0;
    for (cursor.seek_first(); cursor.valid(); cursor.next(), ++i)
      expect(i < expected.size() && cursor.key() == expected[i].first && cursor.value() == expected[i].second, "forward, all rows");
    expect(i == expected.size(), "forward, as many rows");
    for (cursor.seek_last(); cursor.valid(); cursor.prev()) {
      expect(i > 0, "backward, as many rows");
      --i;
      expect(cursor.key() == expected[i].first && cursor.value() == expected[i].second, "backward, all rows");
    }
    expect(i == 0, "backward, all rows are met");
    succeed(cursor.status());
  }

  // ---- snapshots, transactions, upkeep

  void snapshot() {
    if (snapshots_.size() < 4 && random_.one_in(2)) {
      snapshots_.push_back(store_->take_snapshot());
      expect(snapshots_.back() == last_, "a snapshot is the newest commit");
    } else if (!snapshots_.empty()) {
      const std::size_t index = random_.below(snapshots_.size());
      store_->release_snapshot(snapshots_[index]);
      snapshots_.erase(snapshots_.begin() + static_cast<std::ptrdiff_t>(index));
    }
    prune();
  }
  void release_snapshots() {
    for (const sequence each : snapshots_) store_->release_snapshot(each);
    snapshots_.clear();
    prune();
  }
  void prune() {
    sequence oldest = last_;
    for (const sequence each : snapshots_) oldest = (std::min)(oldest, each);
    if (random_.one_in(50)) oracle_.prune(oldest);
  }

  void commit_with_reads() {
    strata::engine::read_set reads;
    // What a transaction has read at is a pinned snapshot: else its tombstones may be gone.
    reads.at = snapshots_.empty() ? last_ : snapshots_[random_.below(snapshots_.size())];
    if (random_.one_in(3)) reads.at = last_;
    bool changed = false;
    for (std::size_t i = random_.below(4); i-- > 0;) {
      reads.keys.push_back(key());
      changed = changed || oracle_.key_changed(reads.keys.back(), reads.at);
    }
    if (random_.one_in(3)) {
      std::string begin = key();
      std::string end = begin + std::string(1, static_cast<char>(random_.below(256)));
      const bool unbounded = random_.one_in(20);
      changed = changed || oracle_.range_changed(begin, end, unbounded, reads.at);
      reads.ranges.push_back({std::move(begin), std::move(end), unbounded});
    }
    const std::vector<planned_write> planned = random_.one_in(8) ? std::vector<planned_write>() : plan(1 + random_.below(3));
    fill(batch_, planned);
    auto committed = store_->commit(batch_, some_durability(), &reads);
    if (changed) {
      expect(!committed && committed.error() == strata::errc::conflict, "what was read has changed: a conflict");
      expect(store_->last_sequence() == last_, "a conflict writes nothing");
      ++conflicts_;
      return;
    }
    succeed(committed);
    if (!batch_.empty()) record(*committed, planned);
  }

  void checkpoint() {
    const std::string target = directory_ + "-checkpoint";
    succeed(store_->checkpoint(target));
    auto opened = Store::open(environment_, target, amounts_);
    succeed(opened);
    Store& copy = **opened;
    rows expected;
    for (const auto& [k, all] : oracle_.versions)
      if (const auto* seen = engine_oracle::seen(all, last_)) expected.emplace_back(k, *seen->value);
    compare_with(copy, strata::sequence_max, expected);
    expect(copy.last_sequence() == last_, "a checkpoint has the newest commit");
    succeed(copy.verify());
    auto added = put(copy, "only in the copy", "x");
    succeed(added);
    expect(*added > last_, "a checkpoint goes on behind the newest commit");
    succeed(copy.close());
    opened->reset();
    remove_with_files(environment_, target);
    ++checkpoints_;
  }

  // The amounts were small enough for the test to mean something.
  void check_went_far() {
    CHECK(comparisons_ > 0);
    CHECK(conflicts_ > 0);
    CHECK(reopens_ > 0);
    CHECK(checkpoints_ > 0);
    CHECK(tables_seen_ > 4);
    INFO("seed " << seed_ << ": " << last_ << " sequences, " << reopens_ << " reopens, " << conflicts_ << " conflicts, "
                 << checkpoints_ << " checkpoints");
    CHECK(last_ > operation_ / 4);
  }

  Environment environment_;
  std::string directory_;
  std::uint64_t seed_;
  random_numbers random_;
  strata::options amounts_;
  std::unique_ptr<Store> store_;
  engine_oracle oracle_;
  write_batch batch_;
  std::vector<sequence> snapshots_;
  sequence last_ = 0;
  std::size_t operation_ = 0;
  std::size_t reopens_ = 0;
  std::size_t conflicts_ = 0;
  std::size_t comparisons_ = 0;
  std::size_t checkpoints_ = 0;
  std::uint64_t tables_seen_ = 0;
};

// `directory` must not exist; its parent must.
template <typename Store, typename Environment>
void engine_contract(const Environment& environment, const std::string& directory, std::uint64_t seed, std::size_t operations) {
  engine_contract_run<Store, Environment>(environment, directory, seed).run(operations);
}

}  // namespace strata_tests

#endif
