// Maintenance: the two background threads of a store. One writes frozen memtables to tables, one merges tables.
//
// Thread safety: every member from any thread; the work itself is done by the two threads alone.
//
//   1. Memtables are flushed oldest first, one at a time: tables always hold a prefix of the commits.
//   2. The flush thread adds to level 0 only, the compaction thread takes away only what was there when it picked: their
//      edits never touch the same table.
//   3. A failure latches the store and stops both threads' work until resume(); waiters wake with the reason.
//   4. A thread that waits has nothing to do, or the store is latched or closing. Whoever makes work notifies. Only while a
//      reader is inside a state that was replaced does one look again by itself; an idle store wakes nobody. Only time
//      and the end of a snapshot tell nobody: while they can make garbage, the compaction thread looks once a minute.
//   5. What may be removed is asked after the tables are known: a snapshot that is taken later sees all that is in them.
#ifndef STRATA_ENGINE_MAINTENANCE_HPP
#define STRATA_ENGINE_MAINTENANCE_HPP

#include <strata/compaction/geometry.hpp>
#include <strata/compaction/reserved_run.hpp>
#include <strata/compaction/soundness.hpp>
#include <strata/engine/compaction_job.hpp>
#include <strata/engine/expiry_clock.hpp>
#include <strata/engine/health.hpp>
#include <strata/engine/own_process.hpp>
#include <strata/engine/version_set.hpp>

namespace strata::inline STRATA_ABI::engine {

template <typename Environment, typename Memtable, typename Sstable, typename Compaction>
class maintenance {
  using versions_type = version_set<Environment, Memtable, Sstable>;
  using version_type = typename versions_type::version_type;
  using unit = typename versions_type::unit;
  using handle = typename versions_type::handle;
  using handles = dynamic_array<std::shared_ptr<handle>>;
  using sorted_run = typename version_type::sorted_run;
  using job_type = compaction_job<Environment, Memtable, Sstable>;
  using cache_type = typename Sstable::template cache<Environment>;
  using lock = unique_lock<typename Environment::mutex>;

 public:
  maintenance(const Environment& environment, const options& amounts, versions_type& versions, cache_type& cache,
              health<Environment>& latch)
      : environment_(environment), options_(amounts), versions_(versions), cache_(cache), health_(latch),
        expiry_clock_(amounts.expiry_margin), mutex_(environment), changed_(environment, environment), flusher_(environment),
        compactor_(environment) {}
  maintenance(const maintenance&) = delete;
  maintenance& operator=(const maintenance&) = delete;

  [[nodiscard]] STRATA_COLD result<void> start() {
    measure();
    auto flusher = environment_.start_thread("strata-flush", bound_call{this, &run_flush_loop});
    if (flusher) flusher_->emplace(std::move(*flusher));
    auto compactor = environment_.start_thread("strata-compact", bound_call{this, &run_compact_loop});
    if (compactor) compactor_->emplace(std::move(*compactor));
    if (flusher && compactor) return {};
    // Whoever waits for a thread that is missing must learn it.
    stop();
    return flusher ? std::move(compactor).error() : std::move(flusher).error();
  }
  // Ends both threads; a merge under way is given up. Safe to call twice.
  STRATA_COLD void stop() {
    {
      lock held(mutex_);
      stopping_.store(true, std::memory_order_release);
      changed_->notify_all();
    }
    if (*flusher_) (*flusher_)->join();
    if (*compactor_) (*compactor_)->join();
    flusher_->reset();
    compactor_->reset();
  }

  // Says that something changed: a memtable was frozen, the store was latched or resumed.
  STRATA_COLD void notify() {
    lock held(mutex_);
    ++generation_;
    changed_->notify_all();
  }

  // Waits until fewer than `limit` memtables are held.
  // Errors: what the store is latched with; closed.
  [[nodiscard]] STRATA_COLD result<void> wait_for_memtables_below(std::size_t limit) {
    lock held(mutex_);
    for (;;) {
      STRATA_TRY_LET(below, has_memtables_below(limit));
      if (below) return {};
      STRATA_TRY(runnable());
      changed_->wait(held);
    }
  }
  // Waits until `frozen` is in a table. Errors: the same. Of a store that was closed meanwhile nobody can say whether it is.
  [[nodiscard]] STRATA_COLD result<void> wait_for_flush(const std::shared_ptr<unit>& frozen) {
    lock held(mutex_);
    for (;;) {
      STRATA_TRY_LET(in_memory, holds(frozen));
      if (!in_memory) return {};
      STRATA_TRY(runnable());
      changed_->wait(held);
    }
  }
  // Waits for the work that is under way. Of a store that is latched, none begins: afterwards nothing that failed before
  // can latch it again.
  STRATA_COLD void wait_until_idle() {
    lock held(mutex_);
    while (working_ != 0 && !stopping()) changed_->wait(held);
  }
  // Merges until the policy has nothing left to do for the smallest shape.
  [[nodiscard]] STRATA_COLD result<void> compact_all() {
    lock held(mutex_);
    const std::uint64_t ticket = ++compactions_asked_;
    ++generation_;
    changed_->notify_all();
    while (compactions_done_ < ticket) {
      STRATA_TRY(runnable());
      changed_->wait(held);
    }
    return {};
  }

  // How hard writers are to be slowed, 0 to 1000: by the runs that have come together, and by the bytes still to be merged
  // (pressure_of). Any thread; cheap.
  [[nodiscard]] std::uint32_t pressure() const noexcept { return pressure_.load(std::memory_order_relaxed); }

  struct counters {
    std::atomic<std::uint64_t> flushes{0};
    std::atomic<std::uint64_t> flushed_bytes{0};
    std::atomic<std::uint64_t> compactions{0};
    std::atomic<std::uint64_t> moves{0};
    std::atomic<std::uint64_t> compacted_bytes_read{0};
    std::atomic<std::uint64_t> compacted_bytes_written{0};
  };
  [[nodiscard]] const counters& counts() const noexcept { return counters_; }

 private:
  [[nodiscard]] bool stopping() const noexcept { return stopping_.load(std::memory_order_acquire); }
  [[nodiscard]] result<void> runnable() {
    if (stopping()) return closed_error();
    return health_.status();
  }
  [[nodiscard]] STRATA_COLD static error closed_error() {
    return error(errc::closed, "wait for background work", "the store is closed");
  }
  // Both: closed where no state is current, for there a memtable that is not found has not been written for that.
  [[nodiscard]] STRATA_COLD result<bool> has_memtables_below(std::size_t limit) {
    lock held(versions_.mutex());
    if (!versions_.current()) return closed_error();
    return versions_.current()->memory.size() < limit;
  }
  [[nodiscard]] STRATA_COLD result<bool> holds(const std::shared_ptr<unit>& frozen) {
    lock held(versions_.mutex());
    if (!versions_.current()) return closed_error();
    for (const std::shared_ptr<unit>& each : versions_.current()->memory)
      if (each == frozen) return true;
    return false;
  }
  // The oldest memtable when it is frozen.
  [[nodiscard]] STRATA_COLD std::shared_ptr<unit> next_to_flush() {
    lock held(versions_.mutex());
    const auto& state = versions_.current();
    return state && state->memory.size() > 1 ? state->memory.back() : nullptr;
  }

  // Work of a thread: false when there is none; then it waits.
  STRATA_COLD void loop(function_ref<result<bool>()> work, function_ref<void(lock&)> wait) {
    lock held(mutex_);
    std::optional<std::uint64_t> told;
    while (!stopping()) {
      const std::uint64_t seen = generation_;
      if (health_.failed()) {
        // Another thread may have latched the store (a commit, the log's sync): who waits for this one learns it here.
        if (told != seen) changed_->notify_all();
        told = seen;
      } else {
        ++working_;
        held.unlock();
        auto done = work();
        if (!done.has_value()) latch(std::move(done).error());
        held.lock();
        --working_;
        if (health_.failed()) changed_->notify_all();
        if (done.has_value() && *done) {
          ++generation_;
          changed_->notify_all();
        }
      }
      if (generation_ == seen && !stopping()) wait(held);
    }
  }
  STRATA_COLD void latch(error reason) {
    if (reason.code() == errc::closed) return;
    const auto how = is_lack_of_room(reason.code()) ? health<Environment>::severity::resumable : health<Environment>::severity::final;
    health_.fail(std::move(reason), how);
    notify();
  }

  static void run_flush_loop(void* self) noexcept { static_cast<maintenance*>(self)->flush_loop(); }
  static void run_compact_loop(void* self) noexcept { static_cast<maintenance*>(self)->compact_loop(); }
  STRATA_COLD void flush_loop() noexcept {
    const auto work = [this]() -> result<bool> {
      const std::shared_ptr<unit> frozen = next_to_flush();
      if (!frozen) return false;
      STRATA_TRY(guard([&] { return flush(frozen); }));
      return true;
    };
    // A replaced state that a reader was still inside goes soon after it is out, also where nothing else happens.
    const auto wait = [this](lock& held) {
      if (versions_.all_reclaimed()) return changed_->wait(held);
      constexpr std::uint64_t readers_us = 100'000;
      static_cast<void>(changed_->wait_for_us(held, readers_us));
      held.unlock();
      versions_.reclaim();
      held.lock();
    };
    loop(work, wait);
  }
  STRATA_COLD void compact_loop() noexcept {
    environment_.lower_priority();
    const auto work = [this]() -> result<bool> {
      bool worked = false;
      STRATA_TRY(guard([&] { return compact_once(worked); }));
      return worked;
    };
    const auto wait = [this](lock& held) {
      if (!may_gain_garbage_) return changed_->wait(held);
      static_cast<void>(changed_->wait_for_us(held, garbage_interval_us));
    };
    loop(work, wait);
  }
  // An allocation that fails in the background is an error like any other.
  [[nodiscard]] STRATA_COLD static result<void> guard(function_ref<result<void>()> work) {
    STRATA_TRY_BLOCK { return work(); }
    STRATA_CATCH(...) {}
    return error(errc::out_of_memory, "background work");
  }

  [[nodiscard]] STRATA_COLD retention kept() {
    return {versions_.snapshots(), expiry_clock_.horizon_us(environment_.wall_time_us(), environment_.steady_time_ns())};
  }
  [[nodiscard]] STRATA_COLD compaction::shape shape_of(const version_type& tables, const retention& kept_now,
                                                       std::uint64_t expired_before_us) {
    return tables.shape(environment_.wall_time_us(), expired_before_us,
                        kept_now.snapshots.empty() ? sequence_max : kept_now.snapshots.front());
  }

  [[nodiscard]] STRATA_COLD result<void> flush(const std::shared_ptr<unit>& frozen) {
    version_edit edit;
    handles opened;
    if (!frozen->empty()) {
      const auto tables = versions_.flushed_tables().first;
      job_type job(environment_, versions_.directory(), versions_.store_id(), options_, cache_, kept());
      job.add_input(*frozen);
      for (const auto& level : tables->levels())
        for (const sorted_run& run : level.runs) job.add_older(run);
      STRATA_TRY_LET(outputs, job.run(
                                  job_type::cutting::whole, reserved, [&] { return versions_.new_file_number(); },
                                  [&] { return stopping(); }));
      for (auto& made : outputs) {
        edit.added.push_back({0, outputs.front().number, made.number, made.table->facts()});
        opened.push_back(std::move(made.table));
      }
      counters_.flushed_bytes.fetch_add(job.bytes_written(), std::memory_order_relaxed);
    }
    counters_.flushes.fetch_add(1, std::memory_order_relaxed);
    STRATA_TRY(install(std::move(edit), opened, frozen));
    frozen->log.reset();
    // Best effort: a segment that stays is below the manifest's log number, and removed at the next open.
    static_cast<void>(guard([&]() -> result<void> {
      if (frozen->segment == 0) return {};
      return environment_.remove_file(log_path(versions_.directory(), frozen->segment));
    }));
    return {};
  }

  [[nodiscard]] STRATA_COLD result<void> compact_once(bool& worked) {
    // Asked first: who asks afterwards may have flushed what these tables do not have.
    const bool all = is_asked_for_all();
    if (all && !asked_.newest_file) asked_.newest_file = versions_.newest_file_number();
    const auto tables = versions_.flushed_tables().first;
    if (!tables) return {};
    may_gain_garbage_ = !Compaction::discards_live_data && tables->may_gain_garbage();
    retention kept_now = kept();
    if (all && !asked_.horizon_us) asked_.horizon_us = kept_now.expired_before_us;
    const std::uint64_t expired_before_us =
        all ? (std::min)(*asked_.horizon_us, kept_now.expired_before_us) : kept_now.expired_before_us;
    compaction::shape shape = shape_of(*tables, kept_now, expired_before_us);
    if constexpr (Compaction::discards_live_data) {
      const auto own = all ? compaction::pick_reserved(without_newer_runs(shape, *asked_.newest_file), 2)
                           : compaction::pick_reserved(shape, options_.compaction.level0_runs);
      if (own) {
        worked = true;
        return carry_out(*tables, shape, *own, std::move(kept_now));
      }
      compaction::hide_reserved(shape);
    }
    const std::optional<compaction::plan> plan =
        all ? policy_.pick_all(without_newer_runs(shape, *asked_.newest_file), options_.compaction)
            : policy_.pick(shape, options_.compaction);
    if (!plan) {
      worked = all;
      if (all) finish_asked();
      return {};
    }
    STRATA_ASSERT(compaction::plan_is_sound(shape, *plan));
    worked = true;
    return carry_out(*tables, shape, *plan, std::move(kept_now));
  }

  // Whether somebody waits in compact_all(). Those who come while it is carried out wait for a round of their own.
  [[nodiscard]] STRATA_COLD bool is_asked_for_all() {
    lock held(mutex_);
    if (compactions_asked_ == compactions_done_) return false;
    if (asked_.ticket == compactions_done_) asked_ = {compactions_asked_, std::nullopt, std::nullopt};
    return true;
  }
  STRATA_COLD void finish_asked() {
    lock held(mutex_);
    compactions_done_ = asked_.ticket;
  }

  [[nodiscard]] STRATA_COLD result<void> carry_out(const version_type& tables, const compaction::shape& shape,
                                                   const compaction::plan& plan, retention kept_now) {
    version_edit edit;
    handles opened;
    for (const auto& input : plan.inputs) edit.dropped.push_back(input.table);
    sort_ascending(edit.dropped);
    if (plan.discard) return install(std::move(edit), opened, nullptr);
    const std::uint64_t joined = plan.output_is_new_run ? 0 : compaction::joined_run(shape, plan);
    if (compaction::is_trivial_move(shape, plan)) {
      // A run's number says how new it is, so a run that is made by a move has a fresh one too.
      std::uint64_t run = joined;
      if (plan.output_is_new_run) {
        STRATA_TRY_LET(number, versions_.new_file_number());
        run = number;
      }
      tables.each_table([&](std::size_t, const auto&, const std::shared_ptr<handle>& table) {
        if (!is_input(edit, table->number())) return;
        edit.added.push_back({plan.output_level, run, table->number(), table->facts()});
      });
      counters_.moves.fetch_add(1, std::memory_order_relaxed);
      return install(std::move(edit), opened, nullptr);
    }
    job_type job(environment_, versions_.directory(), versions_.store_id(), options_, cache_, std::move(kept_now));
    const dynamic_array<sorted_run> inputs = add_sources(job, tables, edit, plan);
    STRATA_TRY_LET(outputs, job.run(
                                job_type::cutting::split, reserved, [&] { return versions_.new_file_number(); },
                                [&] { return stopping(); }));
    const std::uint64_t run = plan.output_is_new_run && !outputs.empty() ? outputs.front().number : joined;
    for (auto& made : outputs) {
      edit.added.push_back({plan.output_level, run, made.number, made.table->facts()});
      opened.push_back(std::move(made.table));
    }
    counters_.compactions.fetch_add(1, std::memory_order_relaxed);
    for (const sorted_run& input : inputs)
      for (const auto& table : input.tables)
        counters_.compacted_bytes_read.fetch_add(table->facts().bytes, std::memory_order_relaxed);
    counters_.compacted_bytes_written.fetch_add(job.bytes_written(), std::memory_order_relaxed);
    return install(std::move(edit), opened, nullptr);
  }

  // The shape without the runs of level 0 above `number`. A plan for it is one for the whole, too: those lie above all that
  // it touches.
  [[nodiscard]] STRATA_COLD static compaction::shape without_newer_runs(compaction::shape shape, std::uint64_t number) {
    if (!shape.levels.empty())
      shape.levels[0].runs.erase_if([&](const compaction::sorted_run_shape& run) { return run.number > number; });
    return shape;
  }

  [[nodiscard]] static bool is_input(const version_edit& edit, std::uint64_t table) {
    return contains_sorted(edit.dropped, table);
  }

  // Gives the job its inputs, and the tables that may hold older versions: all others from the highest input level down.
  // The runs that it returns outlive the job's work.
  [[nodiscard]] STRATA_COLD dynamic_array<sorted_run> add_sources(job_type& job, const version_type& tables, const version_edit& edit,
                                                    const compaction::plan& plan) const {
    std::uint32_t top = plan.output_level;
    for (const auto& input : plan.inputs) top = (std::min)(top, input.level);
    dynamic_array<sorted_run> inputs;
    for (std::size_t level = top; level < tables.levels().size(); ++level) {
      for (const sorted_run& run : tables.levels()[level].runs) {
        sorted_run taken{run.number, {}};
        sorted_run left{run.number, {}};
        for (const auto& table : run.tables) (is_input(edit, table->number()) ? taken : left).tables.push_back(table);
        if (!taken.tables.empty()) inputs.push_back(std::move(taken));
        if (!left.tables.empty()) job.add_older(std::move(left));
      }
    }
    for (const sorted_run& run : inputs) job.add_input(run);
    return inputs;
  }

  [[nodiscard]] STRATA_COLD result<void> install(version_edit edit, const handles& opened,
                                     const std::shared_ptr<unit>& flushed) {
    STRATA_TRY(versions_.install(std::move(edit), opened, flushed));
    measure();
    notify();
    versions_.reclaim();
    return {};
  }

  // Sets the pressure from the shape as it is now.
  // Where memory is short it stays as it was: what was done before stands, and the next change measures again.
  STRATA_COLD void measure() {
    static_cast<void>(guard([&]() -> result<void> {
      if (const auto tables = versions_.flushed_tables().first) pressure_.store(pressure_of(*tables), std::memory_order_relaxed);
      return {};
    }));
  }
  // Writers are let go ahead of the merges: what is behind is merged in larger portions, which cost less a byte. They are slowed
  // where, beyond the runs that start a merge, four times as many have come together, or as much is to be merged as there is; at
  // twice that they are slowed most.
  [[nodiscard]] STRATA_COLD std::uint32_t pressure_of(const version_type& tables) {
    if (Compaction::discards_live_data) return 0;
    const compaction::amounts& amounts = options_.compaction;
    const retention kept_now = kept();
    const compaction::shape shape = shape_of(tables, kept_now, kept_now.expired_before_us);
    const std::uint64_t debt_easy = (std::max)(2 * amounts.level_bytes_base + 8 * options_.memtable_bytes, tables.table_bytes());
    return (std::max)(share_beyond(compaction::surplus_runs(shape, amounts.level0_runs), 4ull * amounts.level0_runs),
                      share_beyond(policy_.debt_bytes(shape, amounts), debt_easy));
  }
  // 0 up to `easy`, 1000 from twice that on.
  [[nodiscard]] static std::uint32_t share_beyond(std::uint64_t amount, std::uint64_t easy) noexcept {
    if (amount <= easy) return 0;
    return static_cast<std::uint32_t>((std::min)(amount - easy, easy) * 1000 / easy);
  }

  // What compact_all() asks for is what has expired when the round begins; else a store in which something always expires
  // would never be done.
  struct round {
    std::uint64_t ticket = 0;                 // the newest that this round answers
    std::optional<std::uint64_t> horizon_us;  // not there: the round has not begun
    std::optional<std::uint64_t> newest_file;  // the same; what is flushed after it is left out, or beside a writer a round
                                               // would never end
  };
  static constexpr std::uint64_t garbage_interval_us = 60'000'000;
  // Nothing of the store's own run is in a table that may be discarded.
  static constexpr auto reserved =
      Compaction::discards_live_data ? job_type::reserved_rows::apart : job_type::reserved_rows::among_others;

  Environment environment_;
  const options& options_;
  versions_type& versions_;
  cache_type& cache_;
  health<Environment>& health_;
  Compaction policy_;
  expiry_clock expiry_clock_;
  typename Environment::mutex mutex_;
  own_process<Environment, typename Environment::condition_variable> changed_;
  std::uint64_t generation_ = 0;          // mutex_: counts changes, so that none is slept through
  std::uint32_t working_ = 0;             // mutex_: threads that are inside their work
  std::uint64_t compactions_asked_ = 0;   // mutex_
  std::uint64_t compactions_done_ = 0;    // mutex_
  round asked_;                           // the compaction thread's, as is the next
  bool may_gain_garbage_ = false;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint32_t> pressure_{0};
  counters counters_;
  own_process<Environment, std::optional<typename Environment::thread>> flusher_;
  own_process<Environment, std::optional<typename Environment::thread>> compactor_;
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
