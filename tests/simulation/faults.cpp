// Long random lives: commits, reads, flushes, merges, reopenings and power cuts, while calls of the disk fail now and
// then; and short ones, in which each call in turn is the one that fails. After whatever happened the store is at a commit
// that it may be at, and answers as that commit left it.
#include "simulation/crashes.hpp"

#include <strata/compaction/tiered.hpp>
#include <strata/memtable/archetype.hpp>
#include <strata/sstable/archetype.hpp>
#include <strata/wal/archetype.hpp>

using namespace strata_tests;
using strata::durability;
using strata::errc;
using strata::environment::disk_fault;

namespace {

template <typename Store>
class life {
 public:
  // `swept`: the only fault of this life, which has no power cuts either.
  explicit life(std::uint64_t seed, std::optional<disk_fault> swept = std::nullopt)
      : seed_(seed), random_(seed), swept_(swept), world_(std::make_unique<simulated>(strata::environment::simulation{.seed = seed, .switch_one_in = turns()})) {
    amounts_ = tiny_options();
    amounts_.durability = random_.one_in(2) ? durability::strict : durability::buffered;
    if (random_.one_in(4)) amounts_.sync_interval = strata::options::never;
    amounts_.block_bytes = 1024u << random_.below(3);
    amounts_.cache_bytes = random_.one_in(3) ? 0 : std::uint64_t{16} << (10 + random_.below(3));
    amounts_.memtables_max = static_cast<std::uint32_t>(2 + random_.below(3));
    amounts_.compaction.level0_runs = static_cast<std::uint32_t>(2 + random_.below(3));
    value_bytes_ = random_.one_in(4) ? 3000 : 150;
  }

  void run(std::size_t operations) {
    if (swept_) {
      fault_ = *swept_;
      world_->set_fault(fault_);
      // Its first opening may meet the fault.
      if (!Store::open(*world_, "store", amounts_)) end_fault();
    }
    open();
    for (operation_ = 0; operation_ < operations; ++operation_) step();
    end_fault();
    settle();
    compare();
    check(store_->close().has_value(), "the last close");
  }
  std::uint64_t power_cuts() const { return power_cuts_; }
  std::uint64_t failures() const { return failures_; }
  // Whether a call has failed.
  bool fired() const { return fired_; }

 private:
  struct commit {
    std::vector<std::pair<std::string, std::optional<std::string>>> writes;
    std::optional<std::pair<std::string, std::string>> range;
  };

  [[nodiscard]] std::uint32_t turns() { return static_cast<std::uint32_t>(8 + random_.below(60)); }
  void check(bool holds, const std::string& what) {
    if (!holds) FAIL("seed " << seed_ << ", operation " << operation_ << ": " << what);
  }
  template <typename Result>
  void succeed(const Result& outcome, const char* what) {
    if (!outcome.has_value()) check(false, std::string(what) + ": " + outcome.error().message());
  }

  void open() {
    auto opened = Store::open(*world_, "store", amounts_);
    if (!opened && swept_ && world_->calls_failed() != 0) {
      end_fault();
      opened = Store::open(*world_, "store", amounts_);
    }
    succeed(opened, "open");
    store_ = std::move(*opened);
    find_out();
  }
  std::string key() { return "key" + std::to_string(random_.below(60)); }

  void step() {
    const std::uint64_t choice = random_.below(1000);
    if (swept_) return step_swept(choice);
    if (choice < 600) return write();
    if (choice < 900) return read();
    if (choice < 930) return flush_or_compact();
    if (choice < 940) return compare();
    if (choice < 950) return reopen();
    if (choice < 953) return cut_power();
    if (choice < 960) return set_fault();
    if (choice < 980) return end_fault();
    if (choice < 985) return world_->jump_us(static_cast<std::int64_t>(random_.below(7'200'000'000)) - 3'600'000'000);
    if (choice < 990) return world_->sleep_for_us(random_.below(300'000));
  }

  // More of what calls the disk.
  void step_swept(std::uint64_t choice) {
    if (choice < 600) return write();
    if (choice < 700) return read();
    if (choice < 850) return flush_or_compact();
    if (choice < 920) return compare();
    return reopen();
  }

  void set_fault() {
    static constexpr errc codes[] = {errc::io_error, errc::no_space, errc::too_many_open_files};
    disk_fault fault;
    fault.calls = random_.one_in(3) ? ~std::uint32_t{0} : 1u << random_.below(20);
    fault.code = codes[random_.below(3)];
    if (random_.one_in(2)) {
      fault.nth = 1 + random_.below(30);
    } else {
      fault.one_in = 5 + random_.below(50);
    }
    fault.sticky = random_.one_in(3);
    fault.tears = random_.one_in(2);
    fault.reverts = random_.one_in(2);
    end_fault();
    fault_ = fault;
    world_->set_fault(fault);
  }

  void end_fault() {
    fired_ = fired_ || world_->calls_failed() != 0;
    look_at_reverts();
    fault_ = disk_fault{0};
    world_->clear_fault();
  }
  // Where a sync failed and took back what it was for, only what was durable need be there.
  void look_at_reverts() {
    if (fault_.reverts && world_->calls_failed() != 0) acknowledged_ = durable_;
  }

  void write() {
    commit next;
    strata::engine::write_batch batch;
    if (random_.one_in(20)) {
      std::string begin = key(), end = key();
      if (end < begin) std::swap(begin, end);
      batch.erase_range(0, begin, end);
      next.range = {begin, end};
    } else {
      for (std::uint64_t writes = 1 + random_.below(4); writes > 0; --writes) {
        const std::string changed = key();
        if (random_.one_in(5)) {
          batch.erase(0, changed);
          next.writes.emplace_back(changed, std::nullopt);
        } else {
          std::string value = std::to_string(operation_) + std::string(static_cast<std::size_t>(random_.below(value_bytes_)), 'v');
          batch.put(0, changed, value);
          next.writes.emplace_back(changed, std::move(value));
        }
      }
    }
    const std::string number = std::to_string(base_ + commits_.size() + 1);
    batch.put(0, "~", number);
    next.writes.emplace_back("~", number);
    commits_.push_back(std::move(next));
    const bool strict = random_.one_in(10);
    auto done = store_->commit(batch, strict ? durability::strict : durability::none);
    if (!done.has_value()) return recover();
    apply(now_, commits_.back());
    ++acknowledged_;
    if (strict || amounts_.durability == durability::strict) durable_ = acknowledged_;
    check(*done > newest_, "a sequence that is not the highest");
    newest_ = *done;
  }
  void read() {
    const std::string wanted = key();
    std::optional<std::string> value;
    auto found = store_->get(wanted, strata::sequence_max,
                             [&](strata::bytes_view v, strata::sequence_number, std::uint64_t) { value = std::string(v); });
    if (!found.has_value()) return recover();
    const auto expected = now_.find(wanted);
    check(*found == (expected != now_.end()) && (!*found || *value == expected->second), "a get of " + wanted);
  }
  void flush_or_compact() {
    auto done = random_.one_in(3) ? store_->compact() : store_->flush();
    if (!done.has_value()) return recover();
    durable_ = acknowledged_;
  }
  void reopen() {
    if (random_.one_in(2)) static_cast<void>(store_->close());
    store_.reset();
    if (!swept_) end_fault();
    open();
  }
  // The world ends here; what its disk keeps is where the next begins. What the old store still does is lost with it.
  void cut_power() {
    power_cut cut;
    cut.seed = random_.next();
    cut.keeps = static_cast<power_cut::keeping>(random_.below(6));
    cut.unit = static_cast<std::size_t>(random_.below(world_->unsynced() + 1));
    cut.torn_bytes = random_.one_in(2) ? SIZE_MAX : static_cast<std::size_t>(random_.below(600));
    cut.keeps_sizes = random_.one_in(2);
    cut.fills = static_cast<power_cut::filling>(random_.below(3));
    auto after = std::make_unique<simulated>(world_->after_power_cut(cut, {.seed = random_.next(), .switch_one_in = turns()}));
    world_->set_fault({.one_in = 1});
    store_.reset();
    world_ = std::move(after);
    acknowledged_ = durable_;
    ++power_cuts_;
    open();
  }

  // A call failed: with the fault gone the store goes on, or after it was opened again. What was not acknowledged may have
  // happened.
  void recover() {
    ++failures_;
    if (swept_ && fault_.sticky) {
      // All goes on failing: the end of this one, and the opening of the next.
      static_cast<void>(store_->close());
      store_.reset();
      static_cast<void>(Store::open(*world_, "store", amounts_));
      end_fault();
      return open();
    }
    end_fault();
    if (random_.one_in(2) && store_->resume().has_value() && store_->status().has_value()) return find_out();
    reopen();
  }
  void settle() {
    if (!store_->status().has_value()) reopen();
  }

  // Learns which commit the store is at.
  void find_out() {
    auto found = std::optional<std::string>();
    const auto look = [&] {
      return store_->get("~", strata::sequence_max,
                         [&](strata::bytes_view v, strata::sequence_number, std::uint64_t) { found = std::string(v); });
    };
    auto looked = look();
    if (!looked.has_value() && swept_ && world_->calls_failed() != 0) {
      end_fault();
      looked = look();
    }
    succeed(looked, "a get of the marker");
    look_at_reverts();
    const std::size_t at = found ? static_cast<std::size_t>(std::stoull(*found)) : 0;
    const std::size_t issued = base_ + commits_.size();
    check(at >= acknowledged_ && at <= issued, "it is at commit " + std::to_string(at) + ", and should be from " + std::to_string(acknowledged_) + " to " + std::to_string(issued));
    // What did not happen by now never will.
    commits_.resize(at - base_);
    // All before what is durable is settled.
    for (; base_ < (std::min)(durable_, at); ++base_) {
      apply(settled_, commits_.front());
      commits_.erase(commits_.begin());
    }
    now_ = settled_;
    for (const commit& each : commits_) apply(now_, each);
    acknowledged_ = at;
    newest_ = (std::max)(newest_, store_->last_sequence());
    compare();
  }
  static void apply(contents& to, const commit& done) {
    if (done.range && done.range->first < done.range->second) to.erase(to.lower_bound(done.range->first), to.lower_bound(done.range->second));
    for (const auto& [changed, value] : done.writes) {
      if (value) {
        to[changed] = *value;
      } else {
        to.erase(changed);
      }
    }
  }
  void compare() {
    auto made = store_->make_cursor({"", "", true}, strata::sequence_max);
    if (!made.has_value()) return recover();
    auto& cursor = **made;
    contents found;
    for (cursor.seek_first(); cursor.valid(); cursor.next()) found.emplace(cursor.key(), cursor.value());
    if (!cursor.status().has_value()) {
      made->reset();
      return recover();
    }
    check(found == now_, "a scan");
    auto at = found.rbegin();
    for (cursor.seek_last(); cursor.valid() && at != found.rend(); cursor.prev(), ++at)
      check(cursor.key() == at->first && cursor.value() == at->second, "a scan from the end");
    if (!cursor.status().has_value()) {
      made->reset();
      return recover();
    }
    check(at == found.rend() && !cursor.valid(), "a scan from the end");
  }

  std::uint64_t seed_;
  strata::environment::detail::simulated_random random_;
  std::optional<disk_fault> swept_;
  std::unique_ptr<simulated> world_;
  strata::options amounts_;
  disk_fault fault_{0};
  std::uint64_t value_bytes_ = 0;
  std::unique_ptr<Store> store_;
  contents settled_;               // as commit `base_` left it
  contents now_;                   // as the last acknowledged commit left it
  std::vector<commit> commits_;    // those after `base_`
  std::size_t base_ = 0;
  std::size_t acknowledged_ = 0;
  std::size_t durable_ = 0;
  strata::sequence_number newest_ = 0;
  std::size_t operation_ = 0;
  std::uint64_t power_cuts_ = 0;
  std::uint64_t failures_ = 0;
  bool fired_ = false;
};

template <typename Memtable, typename Wal, typename Sstable, typename Compaction>
using store_of = strata::engine::lsm_store<simulated, Memtable, Wal, Sstable, Compaction>;

}  // namespace

TEST_CASE("through faults and power cuts a store is where it may be, and answers as it should", "[simulation][faults]") {
  stay_on_one_core();
  using namespace strata;
  std::uint64_t power_cuts = 0;
  std::uint64_t failures = 0;
  const auto live = [&]<typename Store>(life<Store> each) {
    each.run(crash_effort::operations);
    power_cuts += each.power_cuts();
    failures += each.failures();
  };
  const std::size_t seeds = rounds(crash_effort::lives, 100 * crash_effort::lives);
  each_seed(seeds, [&](std::uint64_t seed) {
    switch (seed % 4) {
      case 0: live(life<default_store<simulated>>(seed)); break;
      case 1: live(life<store_of<memtable::archetype, wal::segmented, sstable::block_table<filter::none>, compaction::tiered>>(seed)); break;
      case 2: live(life<store_of<memtable::skip_list, wal::archetype, sstable::archetype, compaction::leveled>>(seed)); break;
      default: live(life<store_of<memtable::skip_list, wal::segmented, sstable::block_table<>, compaction::tiered>>(seed)); break;
    }
  });
  WARN(seeds << " lives of " << crash_effort::operations << " operations, " << power_cuts << " power cuts, " << failures << " failures");
  CHECK(power_cuts > 0);
  CHECK(failures > 0);
}

TEST_CASE("whichever call of the disk fails, once or from then on, what was acknowledged is there", "[simulation][faults]") {
  stay_on_one_core();
  using namespace strata;
  using tiered_store = store_of<memtable::archetype, wal::segmented, sstable::block_table<filter::none>, compaction::tiered>;
  constexpr std::size_t operations = 40;
  std::uint64_t lives = 0;
  // All of one kind of failure: true where a call was left that it could come to.
  const auto fails_at = [&](std::uint64_t seed, const disk_fault& fault) {
    ++lives;
    const auto live = [&]<typename Store>(life<Store> each) {
      each.run(operations);
      return each.fired();
    };
    return seed % 2 == 0 ? live(life<tiered_store>(seed, fault)) : live(life<default_store<simulated>>(seed, fault));
  };
  each_seed(rounds(crash_effort::depth == 2 ? 10 : 2, 200), [&](std::uint64_t seed) {
    for (const errc code : {errc::io_error, errc::no_space, errc::too_many_open_files}) {
      for (const bool sticky : {false, true}) {
        disk_fault fault;
        fault.code = code;
        fault.sticky = sticky;
        fault.reverts = code == errc::io_error && seed % 3 == 0;
        for (fault.nth = 1; fails_at(seed, fault); ++fault.nth) fault.tears = fault.nth % 2 == 0;
      }
    }
  });
  WARN(lives << " lives of " << operations << " operations, in each of which one call was the first to fail");
  CHECK(lives > 500);
}
