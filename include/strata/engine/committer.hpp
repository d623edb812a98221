// The committer: how the commits of many threads become log records, memtable entries and published sequences.
//
// Thread safety: commit(), rotate() and resume() from any thread; start() and close() from one.
//
// A commit, in order; what a crash after each step leaves:
//
//   1. join the queue; the leader takes the requests behind it into its group               nothing
//   2. room: rotate a full memtable; slow down in proportion to the merge debt              nothing
//   3. check the read sets against what was committed since                                 nothing
//   4. reserve memory, stage range erasures: step 6 cannot fail                             nothing
//   5. append the group to the log; sync it where a request asks for that                   all of the group, or none
//   6. apply to the memtable, publish the sequence: readers see it                          all of the group
//   7. hand on the lead, wake the others                                                    all of the group
//
// A failure in step 5 latches the store (health.hpp): whether the group is there after reopening is unknown, its sequences
// are not used again. After resume() it is known: what the log holds whole has happened, the rest has not.
#ifndef STRATA_ENGINE_COMMITTER_HPP
#define STRATA_ENGINE_COMMITTER_HPP

#include <strata/engine/commit_log.hpp>
#include <strata/engine/commit_queue.hpp>
#include <strata/engine/conflicts.hpp>
#include <strata/engine/maintenance.hpp>
#include <strata/engine/statistics.hpp>

namespace strata::inline STRATA_ABI::engine {

template <typename Environment, typename Memtable, typename Wal, typename Sstable, typename Compaction>
class committer {
  using versions_type = version_set<Environment, Memtable, Sstable>;
  using maintenance_type = maintenance<Environment, Memtable, Sstable, Compaction>;
  using health_type = health<Environment>;
  using unit = memory_unit<Memtable>;
  // A memtable to come and the state that it comes with: what can fail is behind them.
  struct successor {
    std::shared_ptr<unit> memory;
    std::shared_ptr<typename versions_type::state_type> state;
  };

 public:
  committer(const Environment& environment, const options& amounts, versions_type& versions, health_type& latch,
            maintenance_type& maintenance_threads)
      : environment_(environment), options_(amounts), versions_(versions),
        health_(latch), maintenance_(maintenance_threads), queue_(environment),
        log_(environment, versions.directory(), amounts, latch) {}
  committer(const committer&) = delete;
  committer& operator=(const committer&) = delete;

  // Goes on with `active` behind commit `last`. `tail` (if any) is where the log segment of `active` ends. `unsure` (may be
  // null) is the newest unit before it whose log a power cut might still take: no commit is acknowledged before it is in a
  // table.
  [[nodiscard]] STRATA_COLD result<void> start(std::shared_ptr<unit> active, std::shared_ptr<unit> unsure, sequence_number last,
                                               std::optional<wal::tail> tail) {
    active_ = std::move(active);
    leaving_ = std::move(unsure);
    last_sequence_ = last;
    tail_ = std::move(tail);
    if (logged() && tail_ && !tail_->settled && !active_->empty()) leave_unsettled_segment();
    return logged() && options_.durability == durability::buffered ? log_.start_syncing() : result<void>();
  }

  // Commits are logged, so that they survive before they are in a table.
  [[nodiscard]] bool logged() const noexcept { return Wal::is_durable && options_.durability != durability::none; }

  // See lsm_store::commit.
  [[nodiscard]] result<sequence_number> commit(write_batch& batch, durability wanted, const read_set* reads) {
    if (batch.group_bytes().size() > commit_bytes_max) return error(errc::commit_too_large, "commit", "over 2 GiB");
    request mine(request::kind::commit);
    mine.batch = &batch;
    mine.reads = reads;
    mine.wanted = (std::max)(wanted, *options_.durability);
    lead_or_wait(mine);
    if (!mine.outcome) return std::move(mine.outcome).error();
    return mine.sequence;
  }

  // Freezes the active memtable. Returns the newest frozen one that is not yet in a table; null where there is none.
  [[nodiscard]] STRATA_COLD result<std::shared_ptr<unit>> rotate() {
    request mine(request::kind::rotate);
    lead_or_wait(mine);
    if (!mine.outcome) return std::move(mine.outcome).error();
    return std::move(mine.frozen);
  }

  // See lsm_store::resume.
  [[nodiscard]] STRATA_COLD result<void> resume() {
    request mine(request::kind::resume);
    lead_or_wait(mine);
    return std::move(mine.outcome);
  }

  // Requests from now on fail with errc::closed; those under way are finished first. Without a log the active memtable is
  // frozen behind them, and the newest frozen one returned: what is not in a table is lost. Errors: of the freezing.
  [[nodiscard]] STRATA_COLD result<std::shared_ptr<unit>> stop() {
    stopping_.store(true, std::memory_order_release);
    request mine(request::kind::stop);
    lead_or_wait(mine);
    if (!mine.outcome) return std::move(mine.outcome).error();
    return std::move(mine.frozen);
  }
  // The log's end is made known as such. Requires: stop() was called.
  [[nodiscard]] result<void> close() { return log_.close(); }
  // The highest sequence that a commit was given, one whose log write failed included. Requires: stop() was called.
  [[nodiscard]] sequence_number highest_sequence() const noexcept { return (std::max)(last_sequence_, burned_); }
  // Every commit up to it is durable, in tables or in the log; 0 where that is not known: of what an earlier process had
  // written and not synced, and that is not in a table yet. Requires: close() has succeeded, and the store is not latched.
  [[nodiscard]] STRATA_COLD sequence_number kept_sequence() {
    const sequence_number flushed = versions_.flushed_tables().second;
    if (!logged()) return flushed;
    const bool is_certain = (!tail_ || tail_->settled) && (!leaving_ || flushed >= leaving_->last_sequence);
    return is_certain ? last_sequence_ : 0;
  }

  [[nodiscard]] const statistics_counters& counts() const noexcept { return counters_; }
  [[nodiscard]] std::uint64_t log_bytes() const noexcept { return log_.bytes_written(); }
  [[nodiscard]] std::uint64_t log_syncs() const noexcept { return log_.syncs(); }

 private:
  struct request : queued_request {
    enum class kind : std::uint8_t { commit, rotate, resume, stop };
    explicit request(kind asked) : what(asked) {}
    kind what;
    write_batch* batch = nullptr;
    const read_set* reads = nullptr;
    durability wanted = durability::none;
    sequence_number sequence = 0;
    std::shared_ptr<unit> frozen;
    result<void> outcome;

    // Has something to write, and nothing has spoken against it.
    [[nodiscard]] bool goes_in() const noexcept { return outcome.has_value() && !batch->empty(); }
  };
  // What one commit group adds up to.
  struct group_totals {
    std::uint32_t commits = 0;
    std::size_t writes = 0;
    std::size_t payload_bytes = 0;
    std::size_t bytes = 0;
    durability wanted = durability::none;
    bool erases_ranges = false;
  };

  static constexpr std::size_t requests_max = 256;
  static constexpr std::size_t group_bytes_max = std::size_t{1} << 20;

  void lead_or_wait(request& mine) {
    if (!queue_.join(mine)) return;
    const std::size_t waiting = queue_.collect(mine, group_);
    std::size_t count = 1;
    switch (mine.what) {
      case request::kind::commit: count = commit_group(waiting); break;
      case request::kind::rotate: mine.outcome = guard([&] { return rotate_as_leader(mine); }); break;
      case request::kind::resume: mine.outcome = guard([&] { return resume_as_leader(); }); break;
      case request::kind::stop:
        if (!logged()) mine.outcome = guard([&] { return freeze_all(mine); });
        break;
    }
    queue_.finish(mine, *group_[count - 1]);
  }

  // A failed allocation is an error like any other.
  template <typename Work>
  [[nodiscard]] static result<void> guard(Work&& work) {
    STRATA_TRY_BLOCK { return work(); }
    STRATA_CATCH(...) {}
    return error(errc::out_of_memory, "commit");
  }

  [[nodiscard]] result<void> writable() {
    if (stopping_.load(std::memory_order_acquire)) return error(errc::closed, "commit", "the store is closed");
    return health_.status();
  }

  // Latches the store for a write whose failure leaves unknown what is on disk.
  [[nodiscard]] STRATA_COLD error latch(error reason) {
    const bool room = is_lack_of_room(reason.code());
    return health_.fail(std::move(reason), room ? health_type::severity::resumable : health_type::severity::final);
  }

  // ---- steps 1 to 7 for the commits at the front of group_; returns how many of `waiting` were done

  [[nodiscard]] std::size_t commit_group(std::size_t waiting) {
    auto ready = guard([&] { return make_room(); });
    std::size_t count = choose_group(waiting);
    for (std::size_t i = 0; i < count; ++i) {
      request& each = *group_[i];
      if (!ready) {
        each.outcome = ready;
      } else if (each.reads != nullptr) {
        each.outcome = guard([&] { return check_reads(*each.reads); });
      }
      each.sequence = versions_.visible();
    }
    if (!ready) return count;
    if (auto written = guard([&] { return write_group(count); }); !written) {
      for (std::size_t i = 0; i < count; ++i)
        if (group_[i]->goes_in()) group_[i]->outcome = written;
    }
    return count;
  }

  // How many of the requests at the front go into one group: commits only, of bounded size, none that has read what one
  // before it writes.
  [[nodiscard]] std::size_t choose_group(std::size_t waiting) const {
    std::size_t bytes = group_[0]->batch->group_bytes().size();
    std::size_t count = 1;
    for (; count < waiting; ++count) {
      const request& next = *group_[count];
      if (next.what != request::kind::commit) break;
      bytes += next.batch->group_bytes().size();
      if (bytes > group_bytes_max || reads_what_group_writes(next, count)) break;
    }
    return count;
  }
  [[nodiscard]] bool reads_what_group_writes(const request& candidate, std::size_t count) const {
    if (candidate.reads == nullptr) return false;
    if (!candidate.reads->ranges.empty()) return true;
    // Where a precise answer would cost more than a group saves, the answer is yes.
    constexpr std::size_t comparisons_max = 4096;
    std::size_t comparisons = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const write_batch& batch = *group_[i]->batch;
      comparisons += batch.count() * candidate.reads->keys.size();
      if (batch.erases_ranges() || comparisons > comparisons_max) return true;
      write_reader writes = batch.writes();
      for (write w; writes.next(w);)
        for (const byte_string& key : candidate.reads->keys)
          if (w.key == bytes_view(key)) return true;
    }
    return false;
  }

  [[nodiscard]] result<void> check_reads(const read_set& reads) {
    const auto state = versions_.hold();
    if (!state) return error(errc::closed, "commit", "the store is closed");
    STRATA_TRY_LET(changed, has_changed(*state, reads));
    if (!changed) return {};
    statistics_counters::add(counters_.conflicts, 1);
    return error(errc::conflict, "commit", "what the transaction has read was changed by another commit");
  }

  [[nodiscard]] group_totals add_up(std::size_t count) const {
    group_totals totals;
    for (std::size_t i = 0; i < count; ++i) {
      const request& each = *group_[i];
      if (!each.goes_in()) continue;
      ++totals.commits;
      totals.writes += each.batch->count();
      totals.payload_bytes += each.batch->payload_bytes();
      totals.bytes += each.batch->group_bytes().size();
      totals.erases_ranges = totals.erases_ranges || each.batch->erases_ranges();
      totals.wanted = (std::max)(totals.wanted, each.wanted);
    }
    return totals;
  }

  [[nodiscard]] result<void> write_group(std::size_t count) {
    const group_totals totals = add_up(count);
    if (totals.commits == 0) return {};
    if (logged()) STRATA_TRY(open_log());
    STRATA_TRY(active_->reserve(totals.writes, totals.payload_bytes));
    auto numbered = versions_.next_sequence((std::max)(last_sequence_, burned_), totals.commits);
    if (!numbered) return latch(std::move(numbered).error());
    const sequence_number first = *numbered;
    burned_ = first + totals.commits - 1;
    active_->drop_staged();
    if (totals.erases_ranges) stage(count, first);
    const std::uint64_t time_us =
        (std::max)(environment_.wall_time_us(), versions_.last_time_us_.load(std::memory_order_relaxed));
    if (logged()) {
      const bytes_view group = assemble(count, totals.commits, first, time_us);
      STRATA_TRY(log_group(group, totals.wanted));
    }
    versions_.last_time_us_.store(time_us, std::memory_order_relaxed);
    apply(count, first, time_us);
    versions_.publish(last_sequence_);
    owe(totals.bytes);
    statistics_counters::add(counters_.commits, totals.commits);
    statistics_counters::add(counters_.writes, totals.writes);
    statistics_counters::add(counters_.groups, 1);
    statistics_counters::add(counters_.payload_bytes, totals.payload_bytes);
    return {};
  }

  [[nodiscard]] bytes_view assemble(std::size_t count, std::uint32_t commits, sequence_number first, std::uint64_t time_us) {
    const sequence_number skipped = first - last_sequence_ - 1;
    for (std::size_t i = 0; i < count; ++i)
      if (group_[i]->goes_in()) group_[i]->batch->seal(first, skipped, time_us);
    if (commits == 1) {
      for (std::size_t i = 0; i < count; ++i)
        if (group_[i]->goes_in()) return group_[i]->batch->group_bytes();
    }
    group_buffer_.resize(group_header_bytes);
    store_group_header(group_buffer_.data(), first, skipped, commits);
    for (std::size_t i = 0; i < count; ++i)
      if (group_[i]->goes_in()) group_buffer_.append(group_[i]->batch->commit_bytes());
    return group_buffer_;
  }

  [[nodiscard]] result<void> log_group(bytes_view group, durability wanted) {
    if (auto appended = log_.append(group); !appended) return latch(std::move(appended).error());
    if (wanted == durability::strict) return log_.sync();
    log_.schedule_sync(group.size());
    return {};
  }

  STRATA_COLD void stage(std::size_t count, sequence_number first) {
    for (std::size_t i = 0; i < count; ++i)
      if (group_[i]->goes_in()) active_->stage(first++, group_[i]->batch->writes());
    active_->build_staged();
  }
  void apply(std::size_t count, sequence_number first, std::uint64_t time_us) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      request& each = *group_[i];
      if (!each.goes_in()) continue;
      STRATA_ASSERT(active_->apply(first, time_us, each.batch->writes()));
      each.sequence = first;
      last_sequence_ = first++;
    }
    active_->publish_staged();
  }

  // ---- room

  [[nodiscard]] result<void> make_room() {
    slow_down();
    STRATA_TRY(writable());
    const bool full = active_->memtable().bytes() >= options_.memtable_bytes ||
                      active_->range_tombstone_count() >= unit::range_tombstones_max;
    return full ? freeze() : result<void>();
  }

  // Makes writers wait in proportion to what the merges are behind: for all that is owed, or they would never be caught up
  // with by large groups. Less than a millisecond is left to the groups that follow.
  void slow_down() {
    constexpr std::uint64_t least_us = 1000;
    constexpr std::uint64_t look_us = 20'000;  // so often it is seen whether there is a reason to wait still
    while (owed_ns_ >= least_us * 1000) {
      if (maintenance_.pressure() == 0) owed_ns_ = 0;
      if (owed_ns_ == 0 || !writable()) break;
      const std::uint64_t began_ns = environment_.steady_time_ns();
      environment_.sleep_for_us((std::min)(owed_ns_ / 1000, look_us));
      const std::uint64_t slept_ns = environment_.steady_time_ns() - began_ns;
      owed_ns_ -= (std::min)(owed_ns_, slept_ns);
      statistics_counters::add(counters_.delayed_us, slept_ns / 1000);
    }
  }
  // Says that a group of `bytes` was written.
  void owe(std::size_t bytes) {
    const std::uint64_t pressure = maintenance_.pressure();
    // At full pressure: a millisecond for each 8 KiB. Without pressure, what is owed is forgiven.
    owed_ns_ = pressure == 0 ? 0 : owed_ns_ + bytes * pressure * pressure / 8192;
  }

  // Ends the active memtable and its log segment; waits where too many are frozen already.
  [[nodiscard]] STRATA_COLD result<void> freeze() {
    STRATA_TRY(maintenance_.wait_for_memtables_below(options_.memtables_max));
    successor next = prepare_successor();
    if (logged() && tail_) {
      // Opening leaves what can't be gone on with, and with it the memtable that was to be frozen.
      STRATA_TRY(open_log());
      if (active_->empty()) return {};
    }
    active_->log = log_.rotate();
    tail_.reset();
    put_in_place(std::move(next));
    return {};
  }
  [[nodiscard]] STRATA_COLD successor prepare_successor() { return {std::make_shared<unit>(options_.memtable_bytes), versions_.prepare_state()}; }
  STRATA_COLD void put_in_place(successor next) noexcept {
    active_->last_sequence = last_sequence_;
    active_ = next.memory;
    versions_.rotate(std::move(next.state), std::move(next.memory));
    maintenance_.notify();
  }

  [[nodiscard]] STRATA_COLD result<void> rotate_as_leader(request& mine) {
    STRATA_TRY(writable());
    return freeze_all(mine);
  }
  [[nodiscard]] STRATA_COLD result<void> freeze_all(request& mine) {
    if (!active_->empty()) STRATA_TRY(freeze());
    const auto state = versions_.hold();
    if (state && state->memory.size() > 1) mine.frozen = state->memory[1];
    return {};
  }

  // ---- the log

  // Zeros ahead for a store that syncs each commit. One whose commits ask for it one by one has the log of a buffered store,
  // and what a policy writes ahead for that is its own business.
  [[nodiscard]] wal::segment segment(std::uint64_t number) const {
    constexpr std::uint64_t zeros_max = std::uint64_t{1} << 20;
    const bool synced_often = options_.durability == durability::strict;
    return {log_path(versions_.directory(), number), number, versions_.store_id(), options_.memtable_bytes,
            synced_often ? (std::min)(options_.memtable_bytes / 16, zeros_max) : 0};
  }

  // Opens the segment that the active memtable's commits go to: the one that recovery left open, or a new one.
  [[nodiscard]] STRATA_COLD result<void> open_log() {
    if (log_.is_open()) return {};
    if (tail_ && !tail_->settled && !active_->empty()) leave_unsettled_segment();
    if (leaving_) STRATA_TRY(maintenance_.wait_for_flush(leaving_));
    leaving_.reset();
    if (tail_) {
      STRATA_TRY(log_.reopen(segment(active_->segment), *tail_));
      tail_.reset();
      return {};
    }
    STRATA_ASSERT(active_->empty());
    STRATA_TRY(log_.make_ready());
    std::uint64_t number = 0;
    for (;;) {
      auto numbered = versions_.new_file_number();
      if (!numbered) return latch(std::move(numbered).error());
      number = *numbered;
      auto opened = log_.open(segment(number));
      if (opened) break;
      if (opened.error() == errc::already_exists) continue;  // somebody else's: it stays
      // Best effort: recovery knows that a segment without a header holds nothing.
      static_cast<void>(environment_.remove_file(segment(number).path));
      return opened;
    }
    active_->segment = number;
    return {};
  }

  // A segment that did not end in order may hold bytes whose sync failed in an earlier process: they read well, but no later
  // sync would bring them to disk. So its commits go to a table, and only then does the log go on in a new segment.
  STRATA_COLD void leave_unsettled_segment() {
    successor next = prepare_successor();
    leaving_ = active_;
    put_in_place(std::move(next));
    tail_.reset();
  }

  // Room was made: the log's segment is read again, for what the failed append left. A group that is there whole has
  // happened, and is applied; the rest is cut off at the next append.
  [[nodiscard]] STRATA_COLD result<void> resume_as_leader() {
    if (stopping_.load(std::memory_order_acquire)) return error(errc::closed, "resume", "the store is closed");
    if (!health_.failed()) return {};
    STRATA_TRY(health_.resumable());
    maintenance_.wait_until_idle();
    // It is latched already: this only makes known what may be lost besides.
    if (auto resumed = versions_.resume(); !resumed) return health_.fail(std::move(resumed).error(), health_type::severity::resumable);
    if (logged() && active_->segment != 0) {
      STRATA_TRY(log_.leave());
      STRATA_TRY_LET(tail, Wal::template replay<Environment>(
                               environment_, segment(active_->segment),
                               [&](bytes_view group, std::uint64_t) { return apply_again(group); }));
      tail_ = tail;
    }
    health_.clear();
    // Before anything returns: a final failure that came in between would leave those waiting who have just seen none.
    maintenance_.notify();
    STRATA_TRY(health_.status());
    // At once, so that an unsettled segment is left before the next commit asks for it.
    return logged() && tail_ ? open_log() : result<void>();
  }
  [[nodiscard]] STRATA_COLD result<void> apply_again(bytes_view group) {
    group_reader commits(group);
    if (commits.previous() < last_sequence_) return {};
    STRATA_TRY(active_->reserve(count_writes(group), group.size()));
    active_->drop_staged();
    group_reader staged = commits;
    for (logged_commit commit; staged.next(commit);)
      active_->stage(commit.sequence, write_reader(commit.writes, commit.write_count));
    active_->build_staged();
    for (logged_commit commit; commits.next(commit);) {
      STRATA_ASSERT(active_->apply(commit.sequence, commit.time_us, write_reader(commit.writes, commit.write_count)));
      last_sequence_ = commit.sequence;
      if (commit.time_us > versions_.last_time_us_.load(std::memory_order_relaxed))
        versions_.last_time_us_.store(commit.time_us, std::memory_order_relaxed);
    }
    active_->publish_staged();
    versions_.publish(last_sequence_);
    return {};
  }

  Environment environment_;
  const options& options_;
  versions_type& versions_;
  health_type& health_;
  maintenance_type& maintenance_;
  commit_queue<Environment> queue_;
  std::atomic<bool> stopping_{false};
  statistics_counters counters_;

  // The leader's alone.
  commit_log<Environment, Wal> log_;
  std::shared_ptr<unit> active_;
  std::shared_ptr<unit> leaving_;      // must be in a table before a new segment is made
  std::optional<wal::tail> tail_;      // where the segment of active_ is gone on with, while it is not open
  sequence_number last_sequence_ = 0;  // of the newest commit
  sequence_number burned_ = 0;         // the newest that was ever given out; one whose log write failed is not given again
  std::array<request*, requests_max> group_{};
  byte_string group_buffer_;
  std::uint64_t owed_ns_ = 0;  // of waiting, for what was written
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
