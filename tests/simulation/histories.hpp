// A typed store in a simulated world that several clients use at once, over several openings: each ends in order, or by the
// end of the process, or of the power, in the midst of all calls, or by a failing disk. What each client did and saw is
// recorded; a run that derives from it says what the clients do, and judges.
//
// Half of the seeds run their threads at random, half by priorities.
#ifndef STRATA_TESTS_SIMULATION_HISTORIES_HPP
#define STRATA_TESTS_SIMULATION_HISTORIES_HPP

#include "simulation/crashes.hpp"
#include "simulation/linearizability.hpp"

#include <strata/strata.hpp>

namespace strata_tests {

using strata::durability;
using strata::errc;
using strata::environment::disk_fault;

using typed_store = strata::store<simulated>;
inline constexpr strata::kv<std::string, std::string> cells{"cells"};

struct history_counts {
  std::uint64_t histories = 0, calls = 0, transactions = 0, conflicts = 0, unknown = 0;
  std::uint64_t closed = 0, killed = 0, power_cuts = 0, failures = 0, by_priorities = 0;
};
inline std::string describe(const history_counts& counts) {
  std::ostringstream out;
  out << counts.histories << " histories (" << counts.by_priorities << " by priorities): " << counts.calls << " calls, " << counts.transactions
      << " transactions, " << counts.conflicts << " conflicts, " << counts.unknown << " of unknown outcome; " << counts.closed << " closings, " << counts.killed << " kills, "
      << counts.power_cuts << " power cuts, " << counts.failures << " failed disks";
  return out.str();
}

// How much a run does.
struct history_size {
  std::size_t clients_most = 4, calls_most = 40, openings_most = 3;
  std::uint64_t points = 4'000;  // about how many an opening has
};

class history_run {
 public:
  history_run(std::uint64_t seed, const history_size& size, history_counts& counts)
      : random_(seed * 2), counts_(counts), seed_(seed), size_(size) {
    world_.emplace(draw_world());
    amounts_ = tiny_options();
    amounts_.durability = random_.one_in(3) ? durability::strict : durability::buffered;
    if (random_.one_in(4)) amounts_.sync_interval = strata::options::never;
    amounts_.memtables_max = static_cast<std::uint32_t>(2 + random_.below(2));
    if (random_.one_in(3)) amounts_.cache_bytes = 0;
    padding_most_ = random_.one_in(2) ? 6000 : 40;
  }
  history_run(const history_run&) = delete;
  history_run& operator=(const history_run&) = delete;
  virtual ~history_run() = default;

  void run() {
    ++counts_.histories;
    open();
    const std::size_t openings = 1 + below(size_.openings_most);
    for (std::size_t i = 0; i < openings && failure_.empty(); ++i) {
      live();
      end();
    }
    if (failure_.empty()) judge();
    if (!failure_.empty()) FAIL("seed " << seed_ << ": " << failure_);
  }

 protected:
  // How an opening has ended.
  struct ending {
    bool lost_nothing;     // else the newest commits may be gone, those that nothing made durable
    bool settled;          // what is there is durable
    std::uint64_t moment;  // what had not happened by then never will
  };

  struct client {
    std::string name;
    std::size_t number;
    random_numbers random;
  };

  // One call of a client, begun and recorded.
  virtual void act(client& self) = 0;
  // The store is open again, and nobody uses it yet.
  virtual void reopened(const ending& before) = 0;
  virtual void judge() = 0;
  // Called while no thread runs; what it returns lives as long as those that `world` starts next.
  virtual std::shared_ptr<void> watch_threads(const simulated&) { return nullptr; }

  [[nodiscard]] std::uint64_t tick() noexcept { return ++clock_; }
  // What returns now is not recorded any more: its world has ended.
  [[nodiscard]] bool is_over() const noexcept { return over_ || cut_.has_value(); }
  [[nodiscard]] bool was_cut() const noexcept { return cut_.has_value(); }
  // Whether calls may fail in this opening.
  [[nodiscard]] bool is_faulty() const noexcept { return faulty_; }
  [[nodiscard]] typed_store& store() noexcept { return *store_; }
  [[nodiscard]] const simulated& world() const noexcept { return *world_; }
  [[nodiscard]] std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_.below(limit)); }

  void fail(const std::string& words) {
    if (failure_.empty()) failure_ = words;
  }
  // A call has failed. Without faults none should.
  void look_at(const strata::error& failed, const char* what) {
    if (was_cut()) return;
    if (!faulty_) return fail(std::string(what) + ": " + failed.message());
    world_->clear_fault();
    // What is left of it may be mended here, or by the next opening.
    if (store_->status().has_value()) return;
    if (store_->resume().has_value() && store_->status().has_value()) return;
    over_ = true;
  }

  // A value that nobody else writes, and its number.
  [[nodiscard]] register_value fresh_value() { return ++values_; }
  [[nodiscard]] std::string text_of(register_value number, client& self) {
    return std::to_string(number) + ":" + std::string(self.random.below(padding_most_), 'p');
  }
  [[nodiscard]] static register_value number_of(std::string_view text) { return std::stoull(std::string(text)); }
  [[nodiscard]] durability draw_durability(client& self) const {
    return self.random.one_in(6) ? durability::strict : durability::none;
  }
  [[nodiscard]] bool is_durable(durability wanted) const { return wanted == durability::strict || amounts_.durability == durability::strict; }

  // A commit was acknowledged.
  void acknowledged(strata::sequence_number sequence, bool durable) {
    if (sequence <= newest_before_) fail("the sequence " + std::to_string(sequence) + " was used before the store was opened again");
    newest_ = (std::max)(newest_, sequence);
    if (durable) durable_ = (std::max)(durable_, sequence);
  }
  [[nodiscard]] strata::sequence_number durable_sequence() const noexcept { return durable_; }

  // Upkeep beside the calls. Not of one client: all do it.
  void keep_up(client& self) {
    // What an earlier opening had acknowledged may be lost.
    const strata::sequence_number before = (std::min)(newest_, store_->last_sequence());
    strata::result<void> done;
    switch (self.random.below(4)) {
      case 0: done = store_->compact(); break;
      case 1: return world_->sleep_for_us(self.random.below(300'000));
      default: done = store_->flush(); break;
    }
    if (is_over()) return;
    if (!done) return look_at(done.error(), "flush or compact");
    durable_ = (std::max)(durable_, before);
  }

 private:
  [[nodiscard]] strata::environment::simulation draw_world() {
    using strata::environment::schedule;
    strata::environment::simulation with;
    with.seed = random_.next();
    with.switch_one_in = 1u << random_.below(8);
    with.schedule = seed_ % 2 == 0 ? schedule::priorities : schedule::random;
    with.priority_changes = static_cast<std::uint32_t>(random_.below(8));
    with.priority_points = size_.points >> random_.below(4);
    with.lasts_us_max = 3'600'000'000;  // a call that waits for ever is found
    return with;
  }

  void open() {
    auto opened = typed_store::open(*world_, "store", amounts_);
    if (!opened) FAIL("seed " << seed_ << ": open: " << opened.error().message());
    store_.emplace(std::move(*opened));
  }

  // The clients' calls, until all are done or the opening ends.
  void live() {
    over_ = false;
    cut_.reset();
    const auto how = below(4);
    faulty_ = how == 3 || random_.one_in(5);
    fault_ = draw_fault();
    killed_ = how == 1;
    cut_at_ = how == 1 || how == 2 ? world_->calls() + 1 + random_.below(600) : UINT64_MAX;
    const auto look = [this] {
      if (world_->calls() == cut_at_) cut_power();
    };
    world_->watch(look);
    const std::size_t clients = 2 + below(size_.clients_most - 1);
    const std::size_t calls = size_.calls_most / 2 + below(size_.calls_most / 2);
    const auto watched = watch_threads(*world_);
    std::vector<simulated::thread> threads;
    // The one that makes faults comes last, so that all have started.
    for (std::size_t c = clients; c-- > 0;) {
      client self{"client " + std::to_string(c), c, random_numbers(random_.next())};
      const std::size_t fault_at = faulty_ && c == 0 ? below(calls) : SIZE_MAX;
      auto started = world_->start_thread("client", [this, self, calls, fault_at]() mutable noexcept {
        for (std::size_t i = 0; i < calls && !is_over() && failure_.empty(); ++i) {
          if (i == fault_at) world_->set_fault(fault_);
          self.random.one_in(12) ? keep_up(self) : act(self);
        }
      });
      if (!started) FAIL("seed " << seed_ << ": start: " << started.error().message());
      threads.push_back(std::move(*started));
    }
    for (simulated::thread& each : threads) each.join();
    world_->stop_watching();
    counts_.by_priorities += world_index_ == 0 && seed_ % 2 == 0;
    ++world_index_;
  }

  [[nodiscard]] disk_fault draw_fault() {
    static constexpr errc codes[] = {errc::io_error, errc::no_space, errc::too_many_open_files};
    disk_fault fault;
    fault.calls = random_.one_in(3) ? ~std::uint32_t{0} : 1u << random_.below(18);
    fault.code = codes[random_.below(3)];
    if (random_.one_in(2)) {
      fault.nth = 1 + random_.below(30);
    } else {
      fault.one_in = 5 + random_.below(50);
    }
    fault.sticky = random_.one_in(3);
    fault.tears = random_.one_in(2);
    fault.reverts = random_.one_in(2);
    return fault;
  }
  void cut_power() {
    power_cut cut;
    cut.seed = random_.next();
    if (killed_) {
      cut.keeps = power_cut::keeping::everything;
    } else {
      cut.keeps = static_cast<power_cut::keeping>(random_.below(6));
      cut.unit = static_cast<std::size_t>(random_.below(world_->unsynced() + 1));
      cut.torn_bytes = random_.one_in(2) ? SIZE_MAX : static_cast<std::size_t>(random_.below(600));
      cut.keeps_sizes = random_.one_in(2);
      cut.fills = static_cast<power_cut::filling>(random_.below(3));
    }
    cut_.emplace(world_->after_power_cut(cut, draw_world()));
    moment_ = tick();
  }

  void end() {
    ending how{true, true, moment_};
    if (cut_) {
      // A sync that failed, in this opening or the one before, has lost what it was for, also where a process that ends would
      // not.
      how.lost_nothing = killed_ && !faulty_ && settled_;
      ++(killed_ ? counts_.killed : counts_.power_cuts);
      // What the old world does from here on is lost with it.
      world_->set_fault({.one_in = 1});
      store_.reset();
      world_.emplace(*cut_);
      cut_.reset();
    } else {
      world_->clear_fault();
      const bool orderly = store_->close().has_value();
      if (!orderly && !faulty_) return fail("close");
      ++(over_ ? counts_.failures : counts_.closed);
      if (!orderly || over_) {
        // What was written is there, but what a failed sync took back.
        how.lost_nothing = !(faulty_ && fault_.reverts);
        how.settled = false;
      }
      store_.reset();
      how.moment = tick();
    }
    newest_before_ = newest_;
    open();
    if (store_->last_sequence() < durable_)
      fail("it holds the commits up to " + std::to_string(store_->last_sequence()) + ", and " + std::to_string(durable_) + " was durable");
    reopened(how);
    settled_ = how.settled;
    if (how.settled) durable_ = store_->last_sequence();
  }

  strata::environment::detail::simulated_random random_;

 protected:
  history_counts& counts_;

 private:
  std::uint64_t seed_;
  history_size size_;
  std::optional<simulated> world_;
  std::optional<simulated> cut_;  // the world behind the end of this one
  std::uint64_t cut_at_ = UINT64_MAX;
  std::uint64_t moment_ = 0;
  strata::options amounts_;
  std::size_t padding_most_;
  std::optional<typed_store> store_;
  bool over_ = false;
  bool faulty_ = false;
  bool killed_ = false;
  bool settled_ = true;  // what was there when this opening began is durable
  disk_fault fault_{0};
  std::size_t world_index_ = 0;
  std::uint64_t clock_ = 0;
  std::uint64_t values_ = 0;
  strata::sequence_number newest_ = 0;         // acknowledged
  strata::sequence_number newest_before_ = 0;  // … by an earlier opening
  strata::sequence_number durable_ = 0;
  std::string failure_;
};

}  // namespace strata_tests

#endif
