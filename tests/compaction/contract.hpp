// What every compaction policy must do, played on a model: tables are lists of (key, version), flushes are random, plans
// are carried out as the engine does, and after each step no key may have an older version above a newer one. A policy of
// one's own is tested by `strata::testing::compaction_contract<my_policy>()` in a TEST_CASE.
#ifndef STRATA_TESTS_COMPACTION_CONTRACT_HPP
#define STRATA_TESTS_COMPACTION_CONTRACT_HPP

#include "test.hpp"

#include <algorithm>
#include <set>

#include <strata/compaction/geometry.hpp>
#include <strata/compaction/requirements.hpp>
#include <strata/compaction/soundness.hpp>

namespace strata::testing {

// splitmix64
struct dice {
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t mixed = state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
  }
  std::uint32_t below(std::uint64_t limit) { return static_cast<std::uint32_t>(next() % limit); }
};

struct model_entry {
  std::uint32_t key = 0;
  std::uint64_t version = 0;
  bool erases = false;
  std::uint64_t expires = UINT64_MAX;  // in versions: the model's time
  bool operator<(const model_entry& other) const {
    return key != other.key ? key < other.key : version > other.version;
  }
};

// Bytes that order as the number does.
inline std::string model_key(std::uint32_t key) {
  std::string bytes(4, '\0');
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(static_cast<unsigned char>(key >> (24 - 8 * i)));
  return bytes;
}

struct model_table {
  std::uint64_t number = 0;
  std::vector<model_entry> entries;
  std::string smallest;
  std::string limit;
};

struct model_run {
  std::uint64_t number = 0;
  std::vector<model_table> tables;
};

// Whether a merge may drop versions that are overwritten, or a snapshot holds every one; then model_store::release() lets
// them go.
enum class history { dropped, kept };

// A store of levels that carries out plans on paper, and knows what it must hold.
class model_store {
 public:
  static constexpr std::uint64_t entry_bytes = 100;

  explicit model_store(history versions, std::size_t table_entries)
      : versions_(versions), table_entries_(table_entries) {}

  // One flushed run, newest in level 0, as `tables` tables. Keys may repeat: the last counts.
  void flush(std::vector<model_entry> written, std::size_t tables = 1) {
    std::map<std::uint32_t, model_entry> last;
    for (model_entry& each : written) {
      each.version = ++version_;
      last[each.key] = each;
      expected_[each.key] = each;
    }
    std::vector<model_entry> kept;
    for (const auto& [key, each] : last) kept.push_back(each);
    if (kept.empty()) return;
    model_run run{++number_, cut(kept, kept.size() / tables + 1)};
    flushed_bytes_ += kept.size() * entry_bytes;
    written_bytes_ += kept.size() * entry_bytes;
    level(0).insert(level(0).begin(), std::move(run));
  }

  // The snapshot goes, if there was one.
  void release() { versions_ = history::dropped; }
  // Time passes: what expires before `time` has expired.
  void expire_before(std::uint64_t time) { horizon_ = (std::max)(horizon_, time); }
  [[nodiscard]] std::uint64_t time() const { return version_; }

  [[nodiscard]] compaction::shape shape() const {
    compaction::shape seen;
    seen.now_us = version_;
    for (const std::vector<model_run>& runs : levels_) {
      compaction::level_shape level_seen;
      for (const model_run& run : runs) {
        compaction::sorted_run_shape run_seen;
        run_seen.number = run.number;
        for (const model_table& table : run.tables) run_seen.tables.push_back(seen_as(table));
        level_seen.runs.push_back(std::move(run_seen));
      }
      seen.levels.push_back(std::move(level_seen));
    }
    return seen;
  }

  // As the engine: moves, discards or merges. The plan must be sound.
  void apply(const compaction::plan& plan) {
    const compaction::shape before = shape();
    const bool moves = compaction::is_trivial_move(before, plan);
    std::vector<model_table> taken = take(plan);
    if (plan.discard) return;
    std::vector<model_table> made;
    if (moves) {
      made = std::move(taken);
      std::sort(made.begin(), made.end(), [](const auto& a, const auto& b) { return a.smallest < b.smallest; });
    } else {
      made = cut(merged(taken, plan), table_entries_);
      for (const model_table& table : made) written_bytes_ += table.entries.size() * entry_bytes;
    }
    install(plan, std::move(made));
  }

  // The number of keys of which an older version lies above a newer one, of tables out of place, and of empty runs.
  [[nodiscard]] std::size_t faults_of_order() const {
    std::size_t faults = 0;
    std::map<std::uint32_t, std::uint64_t> above;
    for (const std::vector<model_run>& runs : levels_)
      for (const model_run& run : runs) {
        faults += run.tables.empty();
        for (std::size_t i = 1; i < run.tables.size(); ++i) faults += run.tables[i].smallest < run.tables[i - 1].limit;
        for (const model_table& table : run.tables)
          for (const model_entry& each : table.entries) {
            const auto [seen, is_new] = above.emplace(each.key, each.version);
            faults += !is_new && seen->second <= each.version;
            seen->second = each.version;
          }
      }
    return faults;
  }

  // The number of keys whose first version in the line of runs is not the one written last. Absence counts as a fault where
  // the last was not an erasure, unless the policy may discard.
  [[nodiscard]] std::size_t faults_of_content(bool may_be_discarded) const {
    std::map<std::uint32_t, std::uint64_t> seen;
    for (const std::vector<model_run>& runs : levels_)
      for (const model_run& run : runs)
        for (const model_table& table : run.tables)
          for (const model_entry& each : table.entries) seen.emplace(each.key, each.version);
    std::size_t faults = 0;
    for (const auto& [key, last] : expected_) {
      const auto found = seen.find(key);
      const bool is_gone = last.erases || last.expires < horizon_;
      faults += found == seen.end() ? (!is_gone && !may_be_discarded) : found->second != last.version;
    }
    return faults;
  }

  [[nodiscard]] std::size_t runs() const {
    std::size_t count = 0;
    for (const std::vector<model_run>& each : levels_) count += each.size();
    return count;
  }
  [[nodiscard]] std::size_t tombstones() const {
    std::size_t count = 0;
    for (const compaction::level_shape& each : shape().levels)
      for (const compaction::sorted_run_shape& run : each.runs)
        for (const compaction::table_shape& table : run.tables) count += table.tombstones;
    return count;
  }
  // The number of tables with something to drop, whether or not something older lies below.
  [[nodiscard]] std::size_t tables_with_garbage(bool compaction::table_shape::*kind) const {
    std::size_t count = 0;
    for (const compaction::level_shape& each : shape().levels)
      for (const compaction::sorted_run_shape& run : each.runs)
        for (const compaction::table_shape& table : run.tables) count += table.*kind;
    return count;
  }
  [[nodiscard]] std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const compaction::level_shape& each : shape().levels) sum += compaction::bytes_of(each);
    return sum;
  }
  [[nodiscard]] double write_amplification() const {
    return static_cast<double>(written_bytes_) / static_cast<double>(flushed_bytes_);
  }

 private:
  std::vector<model_run>& level(std::size_t number) {
    if (levels_.size() <= number) levels_.resize(number + 1);
    return levels_[number];
  }

  compaction::table_shape seen_as(const model_table& table) const {
    compaction::table_shape seen;
    seen.number = table.number;
    seen.bytes = table.entries.size() * entry_bytes;
    seen.entries = table.entries.size();
    std::size_t hidden = 0;
    std::size_t expired = 0;
    for (std::size_t i = 0; i < table.entries.size(); ++i) {
      const model_entry& each = table.entries[i];
      seen.tombstones += each.erases;
      hidden += i > 0 && table.entries[i - 1].key == each.key;
      expired += each.expires < horizon_;
      seen.created_us = (std::max)(seen.created_us, each.version);
    }
    const std::size_t unneeded = versions_ == history::kept ? 0 : hidden + static_cast<std::size_t>(seen.tombstones);
    seen.has_garbage = expired + unneeded > 0;
    seen.is_worth_rewriting = seen.has_garbage && (expired + unneeded) * 4 >= table.entries.size();
    seen.smallest = table.smallest;
    seen.limit = table.limit;
    return seen;
  }

  // All versions of a key stay in one table.
  std::vector<model_table> cut(const std::vector<model_entry>& entries, std::size_t table_entries) {
    std::vector<model_table> tables;
    for (const model_entry& each : entries) {
      const bool begins = tables.empty() || (tables.back().entries.size() >= table_entries &&
                                             tables.back().entries.back().key != each.key);
      if (begins) {
        tables.emplace_back();
        tables.back().number = ++number_;
        tables.back().smallest = model_key(each.key);
      }
      tables.back().entries.push_back(each);
      tables.back().limit = model_key(each.key) + '\0';
    }
    return tables;
  }

  std::vector<model_table> take(const compaction::plan& plan) {
    std::set<std::pair<std::uint32_t, std::uint64_t>> inputs;
    for (const compaction::plan::input& each : plan.inputs) inputs.insert({each.level, each.table});
    std::vector<model_table> taken;
    for (std::uint32_t number = 0; number < levels_.size(); ++number) {
      for (model_run& run : levels_[number]) {
        const auto gone = std::stable_partition(run.tables.begin(), run.tables.end(), [&](const model_table& table) {
          return inputs.count({number, table.number}) == 0;
        });
        for (auto at = gone; at != run.tables.end(); ++at) taken.push_back(std::move(*at));
        run.tables.erase(gone, run.tables.end());
      }
      std::vector<model_run>& runs = levels_[number];
      runs.erase(std::remove_if(runs.begin(), runs.end(), [](const model_run& run) { return run.tables.empty(); }),
                 runs.end());
    }
    return taken;
  }

  // Requires: the inputs are taken out already, so that what lies at or below the output is what stays there.
  std::vector<model_entry> merged(const std::vector<model_table>& taken, const compaction::plan& plan) {
    std::vector<model_entry> all;
    for (const model_table& table : taken) all.insert(all.end(), table.entries.begin(), table.entries.end());
    std::sort(all.begin(), all.end());
    for (model_entry& each : all) {
      if (each.expires >= horizon_) continue;
      each.erases = true;
      each.expires = UINT64_MAX;
    }
    if (versions_ == history::kept) return all;
    std::vector<model_entry> kept;
    for (const model_entry& each : all) {
      if (!kept.empty() && kept.back().key == each.key) continue;
      kept.push_back(each);
    }
    kept.erase(std::remove_if(kept.begin(), kept.end(),
                              [&](const model_entry& each) { return each.erases && !lies_above_data(each.key, plan); }),
               kept.end());
    return kept;
  }
  [[nodiscard]] bool lies_above_data(std::uint32_t key, const compaction::plan& plan) const {
    const std::string bytes = model_key(key);
    for (std::size_t number = plan.output_level; number < levels_.size(); ++number)
      for (const model_run& run : levels_[number])
        for (const model_table& table : run.tables)
          if (table.smallest <= bytes && bytes < table.limit) return true;
    return false;
  }

  void install(const compaction::plan& plan, std::vector<model_table> made) {
    if (made.empty()) return;
    std::vector<model_run>& runs = level(plan.output_level);
    if (plan.output_is_new_run) {
      runs.insert(runs.begin(), model_run{++number_, std::move(made)});
      return;
    }
    if (runs.empty()) runs.push_back({});
    std::vector<model_table>& tables = runs.front().tables;
    for (model_table& table : made) tables.push_back(std::move(table));
    std::sort(tables.begin(), tables.end(), [](const auto& a, const auto& b) { return a.smallest < b.smallest; });
  }

  history versions_;
  std::size_t table_entries_;
  std::vector<std::vector<model_run>> levels_;
  std::map<std::uint32_t, model_entry> expected_;
  std::uint64_t version_ = 0;
  std::uint64_t horizon_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t flushed_bytes_ = 0;
  std::uint64_t written_bytes_ = 0;
};

// Some hundred keys, so that versions of one key meet at every depth.
inline std::vector<model_entry> random_writes(dice& random, std::uint32_t keys) {
  std::vector<model_entry> written(1 + random.below(60));
  const std::uint32_t begin = random.below(keys);
  const std::uint32_t width = 1 + random.below(random.below(3) == 0 ? keys : keys / 10);
  const std::uint32_t erased_of_4 = random.below(5);
  for (model_entry& each : written) {
    each.key = (begin + random.below(width)) % keys;
    each.erases = random.below(4) < erased_of_4;
  }
  return written;
}

// The same, some of which expire after `now`.
inline std::vector<model_entry> expiring_writes(dice& random, std::uint32_t keys, std::uint64_t now) {
  std::vector<model_entry> written = random_writes(random, keys);
  const std::uint32_t expiring_of_4 = random.below(5);
  for (model_entry& each : written)
    if (!each.erases && random.below(4) < expiring_of_4) each.expires = now + random.below(2000);
  return written;
}

inline compaction::amounts random_amounts(dice& random) {
  compaction::amounts chosen;
  chosen.fan_out = random.below(10);
  chosen.level0_runs = random.below(6);
  chosen.level_bytes_base = random.below(200) * model_store::entry_bytes;
  chosen.fifo_bytes_max = (1 + random.below(600)) * model_store::entry_bytes;
  chosen.fifo_age_us_max = random.below(2) * (1 + random.below(500));
  return chosen;
}

// Carries out one plan, after what may have been flushed since it was made, and looks at the result.
template <typename Policy>
void carry_out(model_store& store, const compaction::plan& plan) {
  const compaction::shape seen = store.shape();
  const char* const flaw = compaction::plan_flaw(seen, plan);
  INFO("flaw: " << (flaw == nullptr ? "none" : flaw));
  REQUIRE(flaw == nullptr);
  REQUIRE((!plan.discard || Policy::discards_live_data));
  store.apply(plan);
  REQUIRE(store.faults_of_order() == 0);
  REQUIRE(store.faults_of_content(Policy::discards_live_data) == 0);
}

// Applies `pick` until it has nothing more to say.
template <typename Policy>
void settle(model_store& store, const compaction::amounts& amounts) {
  const Policy policy;
  for (int steps = 0;; ++steps) {
    REQUIRE(steps < 10'000);
    const compaction::shape seen = store.shape();
    const std::optional<compaction::plan> plan = policy.pick(seen, amounts);
    if (!Policy::discards_live_data) {
      // Garbage is no debt, so there may be a plan without one.
      const std::uint64_t debt = policy.debt_bytes(seen, amounts);
      REQUIRE((debt == 0 || plan.has_value()));
      if (store.tables_with_garbage(&compaction::table_shape::is_worth_rewriting) == 0) REQUIRE((debt == 0) == !plan.has_value());
    }
    if (!plan) return;
    carry_out<Policy>(store, *plan);
  }
}

// Applies `pick_all` until it has nothing more to say: one run is left, without garbage, and without history nothing that is
// not needed.
template <typename Policy>
void compact(model_store& store, const compaction::amounts& amounts, history versions) {
  const Policy policy;
  for (int steps = 0;; ++steps) {
    REQUIRE(steps < 10'000);
    const std::optional<compaction::plan> plan = policy.pick_all(store.shape(), amounts);
    if (!plan) break;
    carry_out<Policy>(store, *plan);
  }
  if constexpr (!Policy::discards_live_data) {
    CHECK(store.runs() <= 1);
    CHECK(store.tables_with_garbage(&compaction::table_shape::has_garbage) == 0);
    if (versions == history::dropped) CHECK(store.tombstones() == 0);
  }
}

// A store's life under one policy, or (to see that each copes with what the other leaves) two in turn.
template <typename Policy, typename Other = Policy>
void play(std::uint64_t seed, history versions) {
  dice random{seed};
  const compaction::amounts amounts = random_amounts(random);
  model_store store(versions, 1 + random.below(40));
  const std::uint32_t keys = 20 + random.below(700);
  INFO("seed " << seed << ", fan-out " << amounts.fan_out << ", level 0 runs " << amounts.level0_runs << ", base "
               << amounts.level_bytes_base);
  for (int round = 0; round < 40; ++round) {
    const std::size_t tables = 1 + random.below(3);
    store.flush(random_writes(random, keys), tables);
    REQUIRE(store.faults_of_order() == 0);
    switch (random.below(12)) {
      case 0:
        compact<Policy>(store, amounts, versions);
        break;
      case 1:
      case 2:
        settle<Policy>(store, amounts);
        break;
      case 3:
        settle<Other>(store, amounts);
        break;
      case 4:
        break;
      default:
        if (const std::optional<compaction::plan> plan = Policy().pick(store.shape(), amounts)) {
          // A flush while the compaction is on its way.
          if (random.below(2) == 0) store.flush(random_writes(random, keys));
          carry_out<Policy>(store, *plan);
        }
    }
  }
  settle<Policy>(store, amounts);
  compact<Policy>(store, amounts, versions);
  if constexpr (Policy::discards_live_data) CHECK(store.bytes() <= amounts.fifo_bytes_max);
}

// A life in which values expire and a snapshot ends: whatever was kept for it, and has expired, goes in compact().
template <typename Policy, typename Other = Policy>
void play_with_garbage(std::uint64_t seed) {
  dice random{seed};
  const compaction::amounts amounts = random_amounts(random);
  model_store store(history::kept, 1 + random.below(40));
  const std::uint32_t keys = 20 + random.below(700);
  INFO("seed " << seed);
  const int released_at = static_cast<int>(random.below(30));
  for (int round = 0; round < 30; ++round) {
    if (round == released_at) store.release();
    store.flush(expiring_writes(random, keys, store.time()), 1 + random.below(3));
    if (random.below(2) == 0) store.expire_before(store.time());
    switch (random.below(6)) {
      case 0:
        compact<Policy>(store, amounts, round < released_at ? history::kept : history::dropped);
        break;
      case 1:
        settle<Other>(store, amounts);
        break;
      default:
        settle<Policy>(store, amounts);
    }
  }
  store.release();
  compact<Policy>(store, amounts, history::dropped);
  store.expire_before(store.time() + 3000);
  compact<Policy>(store, amounts, history::dropped);
}

// Uniformly random keys, as many memtables of them as said, of which `distinct` (in memtables) are different: bytes written
// to tables ÷ bytes flushed. Scaled: a memtable of 400 entries stands for 64 MiB, so tables are 16 MiB and the base is
// 256 MiB.
template <typename Policy>
double write_amplification(std::uint32_t memtables, std::uint32_t distinct) {
  constexpr std::uint32_t memtable_entries = 400;
  compaction::amounts amounts;
  amounts.level_bytes_base = 4 * memtable_entries * model_store::entry_bytes;
  model_store store(history::dropped, memtable_entries / 4);
  dice random{1};
  for (std::uint32_t i = 0; i < memtables; ++i) {
    std::vector<model_entry> written(memtable_entries);
    for (model_entry& each : written) each.key = random.below(std::uint64_t{distinct} * memtable_entries) * 7919;
    store.flush(std::move(written));
    while (const std::optional<compaction::plan> plan = Policy().pick(store.shape(), amounts)) store.apply(*plan);
  }
  return store.write_amplification();
}

template <typename Policy>
void compaction_contract() {
  STATIC_REQUIRE(requirements::compaction<Policy>);
  SECTION("has nothing to do in an empty store") {
    const compaction::shape nothing;
    CHECK_FALSE(Policy().pick(nothing, {}).has_value());
    CHECK_FALSE(Policy().pick_all(nothing, {}).has_value());
    CHECK(Policy().debt_bytes(nothing, {}) == 0);
    compaction::shape empty_levels;
    empty_levels.levels.resize(compaction::levels_max);
    CHECK_FALSE(Policy().pick(empty_levels, {}).has_value());
    CHECK_FALSE(Policy().pick_all(empty_levels, {}).has_value());
    CHECK(Policy().debt_bytes(empty_levels, {}) == 0);
  }
  SECTION("keeps the order of versions, comes to an end, and compacts into one run") {
    for (std::uint64_t seed = 0; seed < 150; ++seed) play<Policy>(seed, history::dropped);
  }
  SECTION("also where a snapshot holds every version and tombstone") {
    for (std::uint64_t seed = 1000; seed < 1100; ++seed) play<Policy>(seed, history::kept);
  }
  SECTION("comes to an end also where values expire and snapshots end, and compacts them away") {
    for (std::uint64_t seed = 2000; seed < 2150; ++seed) play_with_garbage<Policy>(seed);
  }
}

}  // namespace strata::testing

#endif
