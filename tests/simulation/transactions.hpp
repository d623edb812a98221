// Clients that run transactions over some keys: gets, range scans, puts, erasures, also of ranges; judged as a whole, and
// each opening for itself, with what the end of it has lost.
//
// Each transaction that writes puts a key of its own, too: whether that is there after a restart says whether the transaction
// is, and its version says which commit it was.
#ifndef STRATA_TESTS_SIMULATION_TRANSACTIONS_HPP
#define STRATA_TESTS_SIMULATION_TRANSACTIONS_HPP

#include "simulation/histories.hpp"
#include "simulation/serializability.hpp"

namespace strata_tests {

inline constexpr strata::kv<std::uint64_t, std::uint64_t> markers{"markers"};

class transaction_run : public history_run {
  using record = transaction_record;
  using fate = transaction_record::fate;

 public:
  transaction_run(std::uint64_t seed, const history_size& size, history_counts& counts)
      : history_run(seed, size, counts), keys_(2 + below(6)) {}

 private:
  struct entry {
    record done;
    std::uint64_t marker = 0;  // 0: it put none
    bool durable = false;
  };

  [[nodiscard]] std::string draw_key(client& self) const { return std::string(1, static_cast<char>('a' + self.random.below(keys_))); }

  void act(client& self) override {
    ++counts_.transactions;
    const std::size_t choice = self.random.below(100);
    if (choice < 45) return transact(self);
    if (choice < 75) return begin_and_commit(self);
    if (choice < 88) return put_alone(self);
    look_at_snapshot(self);
  }

  // ---- what is recorded

  std::size_t open_record(client& self, std::uint64_t marker) {
    entry made;
    made.marker = marker;
    made.done.name = "T" + std::to_string(entries_.size()) + " of " + self.name;
    made.done.began = tick();
    entries_.push_back(std::move(made));
    return entries_.size() - 1;
  }
  [[nodiscard]] record& at(std::size_t index) { return entries_[index].done; }
  void close_record(std::size_t index, fate how) {
    if (was_cut()) return;
    at(index).is = how;
    at(index).ended = tick();
  }
  void close_committed(std::size_t index, strata::sequence_number sequence, durability wanted) {
    if (was_cut()) return;
    close_record(index, fate::committed);
    if (!at(index).writes()) return;
    at(index).sequence = sequence;
    entries_[index].durable = is_durable(wanted);
    acknowledged(sequence, entries_[index].durable);
  }
  void close_failed(std::size_t index, const strata::error& failed, const char* what) {
    if (was_cut()) return;
    if (failed == errc::conflict) {
      ++counts_.conflicts;
      return close_record(index, fate::aborted);
    }
    ++counts_.unknown;
    look_at(failed, what);
  }

  // ---- transactions

  void transact(client& self) {
    const durability wanted = draw_durability(self);
    std::size_t index = SIZE_MAX;
    bool rolled_back = false;
    // A try has its snapshot from before it is called.
    std::uint64_t began = tick();
    auto done = store().transact(
        [&](auto& tx) -> strata::result<int> {
          // Tried again: what the last try did has not happened.
          if (index != SIZE_MAX) {
            ++counts_.conflicts;
            close_record(index, fate::aborted);
          }
          index = open_record(self, fresh_value());
          at(index).began = std::exchange(began, 0);
          at(index).reads_at = tx.snapshot_sequence();
          auto worked = work(self, tx, index);
          began = tick();
          if (!worked) return worked.error();
          rolled_back = self.random.one_in(12);
          if (rolled_back) return strata::error(errc::invalid_argument, "change of mind");
          return 1;
        },
        {.durability = wanted});
    if (done && !was_cut()) {
      if (!at(index).writes()) return close_committed(index, 0, wanted);
      // Which commit it was is not told; its marker knows. Where that can't be read, the next restart will tell.
      auto marker = store()[markers].get_versioned(entries_[index].marker);
      if (!marker) return look_at(marker.error(), "get of a marker");
      if (!*marker && !was_cut()) return fail(at(index).name + " is not there after its commit");
      close_committed(index, (*marker)->version, wanted);
    }
    if (done || index == SIZE_MAX) return;
    if (rolled_back && done.error() == errc::invalid_argument) return close_record(index, fate::aborted);
    close_failed(index, done.error(), "transact");
  }
  void begin_and_commit(client& self) {
    const durability wanted = draw_durability(self);
    const std::size_t index = open_record(self, fresh_value());
    auto tx = store().begin();
    at(index).reads_at = tx.snapshot_sequence();
    if (auto worked = work(self, tx, index); !worked) return close_failed(index, worked.error(), "a transaction");
    if (self.random.one_in(10)) {
      tx.rollback();
      return close_record(index, fate::aborted);
    }
    auto done = tx.commit({.durability = wanted});
    if (!done) return close_failed(index, done.error(), "commit");
    close_committed(index, *done, wanted);
  }
  template <typename Transaction>
  strata::result<void> work(client& self, Transaction& tx, std::size_t index) {
    auto view = tx[cells];
    bool writes = false;
    for (std::size_t steps = 1 + self.random.below(6); steps > 0; --steps) {
      const std::string key = draw_key(self);
      const std::size_t choice = self.random.below(100);
      if (choice < 40) {
        STRATA_TRY_LET(found, view.get_versioned(key));
        at(index).read(key, found ? number_of(found->value) : nothing, found ? found->version : 0);
      } else if (choice < 55) {
        STRATA_TRY(walk(self, view, index));
      } else if (choice < 85) {
        const register_value value = fresh_value();
        STRATA_TRY(view.put(key, text_of(value, self)));
        at(index).write(key, value);
        writes = true;
      } else if (choice < 95) {
        STRATA_TRY_LET(there, view.erase(key));
        if (!there) at(index).read(key, nothing);
        if (there) at(index).write(key, nothing);
        writes = writes || there;
      } else {
        const std::string end(1, static_cast<char>(key[0] + 1 + static_cast<char>(self.random.below(3))));
        STRATA_TRY(view.erase_range(strata::from(key), strata::before(end)));
        for (std::size_t i = 0; i < keys_; ++i) {
          const std::string erased(1, static_cast<char>('a' + i));
          if (erased >= key && erased < end) at(index).write(erased, nothing);
        }
        writes = true;
      }
    }
    if (!writes) return {};
    STRATA_TRY(tx[markers].put(entries_[index].marker, 1));
    return {};
  }
  template <typename View>
  strata::result<void> walk(client& self, View& view, std::size_t index) {
    const std::string begin = draw_key(self);
    const std::string end(1, static_cast<char>(begin[0] + 1 + static_cast<char>(self.random.below(keys_))));
    record::walk walked{begin, end, at(index).steps.size(), {}};
    const auto take = [&](auto rows) -> strata::result<void> {
      while (rows.next()) {
        const auto row = rows.row();
        walked.rows.emplace(row.first, std::pair(number_of(row.second), rows.version()));
      }
      return rows.status();
    };
    if (self.random.one_in(2)) {
      STRATA_TRY(take(view.scan(strata::from(begin), strata::before(end))));
    } else {
      STRATA_TRY(take(view.scan(strata::from(begin), strata::before(end), strata::descending<>())));
    }
    at(index).walks.push_back(std::move(walked));
    return {};
  }
  void put_alone(client& self) {
    const durability wanted = draw_durability(self);
    const std::size_t index = open_record(self, 0);
    const std::string key = draw_key(self);
    const register_value value = fresh_value();
    at(index).write(key, value);
    auto done = store()[cells].put(key, text_of(value, self), {.durability = wanted});
    if (!done) return close_failed(index, done.error(), "put");
    close_committed(index, *done, wanted);
  }
  void look_at_snapshot(client& self) {
    const std::size_t index = open_record(self, 0);
    const auto seen = store().snapshot();
    at(index).reads_at = seen.sequence();
    if (self.random.one_in(3)) keep_up(self);
    auto view = seen[cells];
    for (std::size_t reads = 1 + self.random.below(4); reads > 0; --reads) {
      const std::string key = draw_key(self);
      auto found = view.get_versioned(key);
      if (!found) return close_failed(index, found.error(), "get from a snapshot");
      at(index).read(key, *found ? number_of((*found)->value) : nothing, *found ? (*found)->version : 0);
    }
    if (auto walked = walk(self, view, index); !walked) return close_failed(index, walked.error(), "scan of a snapshot");
    close_record(index, fate::committed);
  }

  // ---- restarts

  void reopened(const ending& before) override {
    const strata::sequence_number last = store().last_sequence();
    judge();  // as its clients saw it, before what its end has lost is known
    std::map<std::uint64_t, strata::sequence_number> there;
    auto rows = store()[markers].scan();
    while (rows.next()) there.emplace(rows.row().first, rows.version());
    if (!rows.status()) return fail("a scan after the restart: " + rows.status().error().message());
    for (entry& each : entries_) settle(each, there, last, before);
    look_at_all();
  }
  // Says of a transaction whether it has lasted.
  void settle(entry& each, const std::map<std::uint64_t, strata::sequence_number>& there, strata::sequence_number last, const ending& before) {
    record& done = each.done;
    if (done.is == fate::aborted) return;
    const auto marker = there.find(each.marker);
    const bool is_there = each.marker != 0 && marker != there.end();
    if (done.is == fate::unknown) {
      // What was put alone has no marker: it has happened if somebody sees it.
      if (!is_there) {
        if (each.marker != 0 || !done.writes()) done.is = fate::aborted;
        return;
      }
      done.is = fate::committed;
      done.sequence = marker->second;
    }
    const std::uint64_t needs = done.writes() ? done.sequence : done.reads_at.value_or(0);
    const bool lasts = needs <= last;
    const std::string who = done.name + ", commit " + std::to_string(needs) + ", ";
    const std::string newest = "; the newest is " + std::to_string(last);
    if (done.writes() && !lasts && (before.lost_nothing || each.durable)) fail(who + "was there to stay, and is lost" + newest);
    if (each.marker != 0 && done.writes()) {
      if (is_there != lasts) fail(who + (is_there ? "is there" : "is not there") + newest);
      if (is_there && marker->second != done.sequence) fail(who + "is now commit " + std::to_string(marker->second));
    }
    each.durable = each.durable || before.settled;
    // What has happened and is undone never was, for those that come later.
    if (!lasts) done.is = fate::aborted;
  }
  // One who reads all, first of all.
  void look_at_all() {
    client self{"the restart", 0, random_numbers(1)};
    const std::size_t index = open_record(self, 0);
    const auto seen = store().snapshot();
    at(index).reads_at = seen.sequence();
    record::walk walked{"a", "~", 0, {}};
    auto rows = seen[cells].scan();
    while (rows.next()) walked.rows.emplace(rows.row().first, std::pair(number_of(rows.row().second), rows.version()));
    if (!rows.status()) return fail("a scan after the restart: " + rows.status().error().message());
    at(index).walks.push_back(std::move(walked));
    close_record(index, fate::committed);
    judge();
  }

  // ---- judging

  [[nodiscard]] std::vector<record> records() const {
    std::vector<record> all;
    for (const entry& each : entries_) all.push_back(each.done);
    return all;
  }
  void judge() override {
    if (auto wrong = serializability(records()).check()) fail(*wrong);
  }

  std::size_t keys_;
  std::deque<entry> entries_;  // which stay where they are while others come
};

}  // namespace strata_tests

#endif
