// The LSM engine: a byte store with sequence numbers, composed of policies.
//
// Thread safety: every member from any thread, beside any other; what comes when close() has begun gives errc::closed, or
// what it gave before. The destructor is of one thread, with no call beside it. Cursors and pinned values are of one thread
// each and must not outlive the engine.
//
// A forked child can read through its copy of the store. What writes is errc::closed there; its close(), and its destructor,
// let go of memory and descriptors, and nothing else.
//
//   1. The log is the truth: a memtable or a table holds only commits that are logged (unless there is no log).
//   2. A read sees one sequence: of each key its newest version at or below it. It takes no lock that a writer holds.
//   3. The rooms below keep the rest: committer (commits), version_set (what is current), maintenance (flush and merge),
//      recovery (opening), cursor (iteration).
#ifndef STRATA_ENGINE_LSM_HPP
#define STRATA_ENGINE_LSM_HPP

#include <strata/engine/checkpoint.hpp>
#include <strata/engine/committer.hpp>

namespace strata::inline STRATA_ABI::engine {

// The first option that is out of its range is invalid_argument.
[[nodiscard]] STRATA_COLD inline result<void> check_options(const options& amounts) {
  const auto within = [](std::uint64_t value, std::uint64_t least, std::uint64_t most) { return value >= least && value <= most; };
  const auto refuse = [](const char* reason) { return error(errc::invalid_argument, "open store", reason); };
  if (!within(amounts.memtable_bytes, 64_KiB, 4_GiB)) return refuse("memtable_bytes must be 64 KiB to 4 GiB");
  if (!within(amounts.memtables_max, 2, 16)) return refuse("memtables_max must be 2 to 16");
  if (!within(amounts.block_bytes, 1_KiB, 32_KiB)) return refuse("block_bytes must be 1 KiB to 32 KiB");
  if (!within(amounts.table_bytes, 16_KiB, 4_GiB)) return refuse("table_bytes must be 16 KiB to 4 GiB");
  if (!within(amounts.manifest_bytes, 4_KiB, 1_GiB)) return refuse("manifest_bytes must be 4 KiB to 1 GiB");
  if (amounts.sync_interval != options::never && (amounts.sync_interval.count() < 1 || amounts.sync_interval.count() > 3'600'000))
    return refuse("sync_interval must be 1 ms to 1 h, or never");
  if (amounts.expiry_margin.count() < 0 || amounts.expiry_margin.count() > 52'560'000)
    return refuse("expiry_margin must be 0 to 52,560,000 minutes (100 years)");
  if (!within(amounts.compaction.level0_runs, 2, 64)) return refuse("compaction.level0_runs must be 2 to 64");
  if (!within(amounts.compaction.fan_out, 2, 100)) return refuse("compaction.fan_out must be 2 to 100");
  if (!within(amounts.compaction.level_bytes_base, 64_KiB, std::uint64_t{1} << 40))
    return refuse("compaction.level_bytes_base must be 64 KiB to 1 TiB");
  return {};
}

template <typename Environment, typename Memtable, typename Wal, typename Sstable, typename Compaction>
class lsm_store {
  using versions_type = version_set<Environment, Memtable, Sstable>;
  using recovery_type = recovery<Environment, Memtable, Wal, Sstable>;
  using maintenance_type = maintenance<Environment, Memtable, Sstable, Compaction>;
  using committer_type = committer<Environment, Memtable, Wal, Sstable, Compaction>;
  using state_type = typename versions_type::state_type;
  using unit = memory_unit<Memtable>;
  using table_type = typename Sstable::template table<Environment>;
  using lookup_type = typename table_type::lookup;
  using cache_type = typename Sstable::template cache<Environment>;

 public:
  using environment_type = Environment;
  using memtable_type = Memtable;
  using cursor_type = cursor<Environment, Memtable, Sstable>;
  using overlay_type = unit;

  static constexpr bool is_ordered = true;
  static constexpr bool logs_commits = Wal::is_durable;
  static constexpr bool discards_live_data = Compaction::discards_live_data;

  lsm_store(const lsm_store&) = delete;
  lsm_store& operator=(const lsm_store&) = delete;
  STRATA_COLD ~lsm_store() { static_cast<void>(close()); }

  // Opens the store in `directory`, whose parent exists, and makes one where there is none (see options).
  // Errors: invalid_argument (an option out of range), in_use, no_such_file, not_a_store, unsupported_version, corruption,
  // permission_denied, no_space, io_error, unsupported (a durability that the log policy has not; commits in a log that it
  // can't read), out_of_memory. A crash leaves the store as it was, or a new one.
  [[nodiscard]] STRATA_COLD static result<std::unique_ptr<lsm_store>> open(const Environment& environment, bytes_view directory,
                                                               options amounts) {
    return guarded("open store", [&] { return open_to_write(environment, directory, amounts); });
  }

  // Opens the store as it is now for reading, beside a writer or alone. Changes nothing in the directory and sees nothing
  // that is written later. Errors: as open(), but in_use and no_space.
  [[nodiscard]] STRATA_COLD static result<std::unique_ptr<lsm_store>> open_read_only(const Environment& environment, bytes_view directory,
                                                                         options amounts) {
    return guarded("open store", [&]() -> result<std::unique_ptr<lsm_store>> {
      STRATA_TRY(check_options(amounts));
      amounts.durability = durability::none;
      std::unique_ptr<lsm_store> store(new_store(environment, directory, amounts));
      recovery_type recovered(environment, byte_string(directory), store->cache_, amounts.memtable_bytes);
      STRATA_TRY(recovered.read());
      store->versions_.start(recovered, recovered.units_.empty() ? std::make_shared<unit>() : recovered.units_.back());
      return store;
    });
  }

  // Ends background work, makes the log's end known as such, releases the lock. Everything returned by commit() is as
  // durable as its mode says; what a store without a log holds in memory is flushed. Later calls give errc::closed.
  // Errors: of the last writes; the store is closed all the same. A second call does nothing; in a forked child none does.
  [[nodiscard]] STRATA_COLD result<void> close() {
    if (closed_.exchange(true)) return {};
    if (!belongs_to_this_process()) {
      versions_.forget();
      lock_.reset();
      return {};
    }
    result<void> done;
    if (started_) {
      auto frozen = committer_.stop();
      // What no log keeps is lost where it can't be flushed any more, and that is said.
      if (!committer_.logged()) {
        done = health_.status();
        if (done && !frozen.has_value()) done = std::move(frozen).error();
        if (done && *frozen) done = maintenance_.wait_for_flush(*frozen);
      }
      maintenance_.stop();
      auto logged_end = committer_.close();
      if (done) done = std::move(logged_end);
    }
    const bool is_whole = started_ && done.has_value() && !health_.failed();
    auto ended = versions_.close(started_ ? committer_.highest_sequence() : 0, is_whole ? committer_.kept_sequence() : 0);
    if (done) done = std::move(ended);
    for (versions_.reclaim(); !versions_.all_reclaimed(); versions_.reclaim()) environment_.sleep_for_us(50);
    lock_.reset();
    return done;
  }

  // ---- commits

  // Commits `batch` and returns its sequence. An empty batch with a read set only checks it. `reads` may be null.
  // Errors: conflict (nothing was written); commit_too_large (nothing was written); read_only, closed, out_of_memory,
  // no_space, io_error. Cost: one log append, one insert a write; a lone writer takes no lock. A crash leaves all of it or
  // nothing.
  [[nodiscard]] result<sequence_number> commit(write_batch& batch, durability wanted, const read_set* reads = nullptr) {
    STRATA_TRY(takes_writes("commit"));
    STRATA_TRY_LET(sequence, committer_.commit(batch, wanted, reads));
    if (!committer_.logged() && wanted != durability::none) STRATA_TRY(flush());
    return sequence;
  }

  // ---- reads

  // Calls on_value(value, sequence, expiry in µs since 1970 or UINT64_MAX) with the newest version of `key` with sequence
  // ≤ at; the value lives during the call. False when there is none. Errors: corruption, io_error, closed.
  template <typename OnValue>
  [[nodiscard]] result<bool> get(bytes_view key, sequence_number at, OnValue&& on_value) {
    const auto pinned = versions_.pin();
    const state_type* state = versions_.load();
    if (state == nullptr) return closed_error("get");
    lookup_type found;
    entry e;
    STRATA_TRY_LET(there, look_up(*state, key, (std::min)(at, versions_.visible()), found, e));
    if (there) on_value(value_of(e), e.sequence, expiry_of(e));
    return there;
  }

  // What keeps the bytes of a value in place. Default-constructed: empty.
  class pinned_value {
   public:
    pinned_value() = default;
    pinned_value(pinned_value&&) noexcept = default;
    // The block before the state: it belongs to a table that the state keeps.
    pinned_value& operator=(pinned_value&& other) noexcept {
      found_ = std::move(other.found_);
      state_ = std::move(other.state_);
      value_ = other.value_;
      sequence_ = other.sequence_;
      return *this;
    }
    [[nodiscard]] bytes_view value() const noexcept { return value_; }
    [[nodiscard]] sequence_number sequence() const noexcept { return sequence_; }

   private:
    friend lsm_store;
    std::shared_ptr<const state_type> state_;
    lookup_type found_;
    bytes_view value_;
    sequence_number sequence_ = 0;
  };
  // As get(), without a copy: the bytes live as long as `out`. Keeps a memtable or a block in memory meanwhile.
  [[nodiscard]] result<bool> get_pinned(bytes_view key, sequence_number at, pinned_value& out) {
    out.value_ = {};
    out.found_ = lookup_type();
    out.state_ = versions_.hold();
    if (!out.state_) return closed_error("get");
    entry e;
    STRATA_TRY_LET(there, guarded("get", [&] {
                     return look_up(*out.state_, key, (std::min)(at, versions_.visible()), out.found_, e);
                   }));
    if (there) {
      out.value_ = value_of(e);
      out.sequence_ = e.sequence;
    }
    return there;
  }

  // Calls on_value(index, value, sequence) for those of `keys` (a range of bytes) that are there, all at one sequence.
  template <typename Keys, typename OnValue>
  [[nodiscard]] result<void> multi_get(const Keys& keys, sequence_number at, OnValue&& on_value) {
    const auto pinned = versions_.pin();
    const state_type* state = versions_.load();
    if (state == nullptr) return closed_error("multi_get");
    at = (std::min)(at, versions_.visible());
    std::size_t index = 0;
    for (const auto& key : keys) {
      lookup_type found;
      entry e;
      STRATA_TRY_LET(there, look_up(*state, bytes_view(key), at, found, e));
      if (there) on_value(index, value_of(e), e.sequence);
      ++index;
    }
    return {};
  }

  // A cursor over `range` at a sequence. `overlay` (may be null): own writes of a transaction, newer than all, seen up to
  // `overlay_at`.
  [[nodiscard]] result<std::unique_ptr<cursor_type>> make_cursor(cursor_range range, sequence_number at,
                                                                 std::shared_ptr<const overlay_type> overlay = nullptr,
                                                                 sequence_number overlay_at = sequence_max) {
    auto state = versions_.hold();
    if (!state) return closed_error("scan");
    at = (std::min)(at, versions_.visible());
    return guarded("scan", [&]() -> result<std::unique_ptr<cursor_type>> {
      return std::make_unique<cursor_type>(std::move(state), at, environment_.wall_time_us(), std::move(range), std::move(overlay),
                                           overlay_at);
    });
  }

  [[nodiscard]] sequence_number last_sequence() const noexcept { return versions_.visible(); }
  // Pins the newest sequence for reading; release_snapshot() exactly once for each.
  // A forked child pins nothing: there, nothing is merged, and what the parent merges stays open.
  [[nodiscard]] sequence_number take_snapshot() {
    return belongs_to_this_process() ? versions_.take_snapshot() : versions_.visible();
  }
  void release_snapshot(sequence_number sequence) noexcept {
    if (belongs_to_this_process()) versions_.release_snapshot(sequence);
  }

  // ---- upkeep; all block until done

  // Writes what is in memory to tables. It takes its turn behind commits, also those that wait for the merges. Errors: those
  // of a commit.
  [[nodiscard]] STRATA_COLD result<void> flush() {
    STRATA_TRY(takes_writes("flush"));
    STRATA_TRY_LET(frozen, committer_.rotate());
    return frozen ? maintenance_.wait_for_flush(frozen) : result<void>();
  }
  // Flushes, then merges what is in tables until the policy has the smallest shape of it. What is written meanwhile is left
  // to the usual work.
  [[nodiscard]] result<void> compact() {
    STRATA_TRY(flush());
    return maintenance_.compact_all();
  }
  // Reads every table whole and checks it. Errors: corruption with file and offset, io_error.
  [[nodiscard]] STRATA_COLD result<void> verify() {
    const auto state = versions_.hold();
    if (!state) return closed_error("verify");
    result<void> done;
    state->tables->each_table([&](std::size_t, const auto&, const auto& table) {
      if (done) done = table->table().verify();
    });
    return done;
  }
  // Makes a copy of the store in `directory`, which does not exist or is empty (but for a lock that nobody holds): it holds
  // every commit that returned before the call, perhaps later ones, never a part. Errors: already_exists; those of flush()
  // and of files; then what it had made is removed. A crash leaves a part that does not open as a store; right at the start,
  // an empty directory, or a lock alone in one.
  [[nodiscard]] STRATA_COLD result<void> checkpoint(bytes_view directory) {
    STRATA_TRY(flush());
    const auto flushed = versions_.flushed_tables();
    if (!flushed.first) return closed_error("checkpoint");
    return write_checkpoint(environment_, parent_of(directory), directory, *flushed.first, versions_.store_id(),
                            flushed.second, versions_.last_time_us_.load(std::memory_order_relaxed));
  }
  // After a lack of room was mended: writes go on. Errors: what stands in the way still, or for good. Of a store that is not
  // latched it does nothing: a merge that met the lack before may then still say so, and asks for another resume().
  [[nodiscard]] STRATA_COLD result<void> resume() {
    STRATA_TRY(takes_writes("resume"));
    return committer_.resume();
  }
  // Success, or what the store is latched with.
  [[nodiscard]] STRATA_COLD result<void> status() {
    if (closed_.load()) return closed_error("status");
    return health_.status();
  }

  [[nodiscard]] STRATA_COLD statistics stats() {
    statistics s;
    const auto state = versions_.hold();
    if (!state) return s;
    s.last_sequence = versions_.visible();
    add_commits(s);
    for (const auto& each : state->memory) {
      ++s.memtables;
      s.memtable_bytes += each->memtable().bytes();
      s.memtable_entries += each->memtable().entries();
    }
    state->tables->each_table([&](std::size_t level, const auto&, const auto& table) {
      if (s.levels.size() <= level) s.levels.resize(level + 1);
      ++s.levels[level].tables;
      s.levels[level].bytes += table->facts().bytes;
      s.levels[level].entries += table->facts().entries;
      s.index_and_filter_bytes += table->table().memory_bytes();
    });
    for (std::size_t level = 0; level < s.levels.size(); ++level) {
      s.levels[level].sorted_runs = state->tables->levels()[level].runs.size();
      s.tables += s.levels[level].tables;
      s.table_bytes += s.levels[level].bytes;
      s.table_entries += s.levels[level].entries;
    }
    const sstable::cache_stats cached = cache_.stats();
    s.cache_bytes = cached.bytes;
    s.cache_hits = cached.hits;
    s.cache_misses = cached.misses;
    s.snapshots = versions_.snapshots().size();
    return s;
  }

  [[nodiscard]] const Environment& environment() const noexcept { return environment_; }
  [[nodiscard]] const options& settings() const noexcept { return options_; }
  [[nodiscard]] const byte_string& directory() const noexcept { return versions_.directory(); }
  [[nodiscard]] bool is_writable() const noexcept { return started_ && !closed_.load(); }
  // False in a forked child of the process that opened it.
  [[nodiscard]] bool belongs_to_this_process() const noexcept { return environment_.process_id() == process_; }

 private:
  struct private_key {};

 public:
  // For open() alone.
  STRATA_COLD lsm_store(private_key, const Environment& environment, byte_string directory, const options& amounts)
      : environment_(environment), process_(environment.process_id()), options_(amounts),
        cache_(environment, amounts.cache_bytes),
        versions_(environment, std::move(directory), options_.manifest_bytes), health_(environment),
        maintenance_(environment, options_, versions_, cache_, health_),
        committer_(environment, options_, versions_, health_, maintenance_) {}

 private:
  [[nodiscard]] STRATA_COLD static std::unique_ptr<lsm_store> new_store(const Environment& environment, bytes_view directory,
                                                            const options& amounts) {
    return std::make_unique<lsm_store>(private_key(), environment, byte_string(directory), amounts);
  }
  // Before anything is joined, locked or waited for: in a forked child none of it would end.
  [[nodiscard]] result<void> takes_writes(const char* operation) const {
    if (!started_) [[unlikely]]
      return error(errc::read_only, operation, "the store was opened for reading");
    if (!belongs_to_this_process()) [[unlikely]]
      return error(errc::closed, operation, "the store belongs to the parent process");
    return {};
  }
  // A failed allocation is an error like any other.
  template <typename Work>
  [[nodiscard]] static auto guarded(const char* operation, Work&& work) -> decltype(work()) {
    STRATA_TRY_BLOCK { return work(); }
    STRATA_CATCH(...) { return error(errc::out_of_memory, operation); }
  }
  [[nodiscard]] STRATA_COLD static result<std::unique_ptr<lsm_store>> open_to_write(const Environment& environment,
                                                                                    bytes_view directory, options amounts) {
    STRATA_TRY(check_options(amounts));
    if (!amounts.durability) amounts.durability = logs_commits ? durability::buffered : durability::none;
    if (!logs_commits && amounts.durability != durability::none)
      return error(errc::unsupported, "open store", "without a write-ahead log the durability can only be none");
    STRATA_TRY_LET(exists, environment.file_exists(join_path(directory, "CURRENT")));
    if (!exists && !amounts.create_if_missing)
      return error(errc::no_such_file, "open store", "there is no store and create_if_missing is off").in_file(directory);
    auto found = environment.create_directory(directory);
    if (!found.has_value() && found.error().code() == errc::already_exists)
      return error(errc::not_a_store, "open store", "it is a file").in_file(directory);
    STRATA_TRY_LET(made, std::move(found));
    // Before the lock, so that a directory that is not ours is left as it is.
    if (!made && !exists) STRATA_TRY(recovery_type::refuse_foreign(environment, directory));
    // Also where it was there: who made it may have been killed before its name was durable.
    if (made || !exists) STRATA_TRY(environment.sync_directory(parent_of(directory)));
    std::unique_ptr<lsm_store> store(new_store(environment, directory, amounts));
    STRATA_TRY_LET(lock, environment.lock_file(join_path(directory, "LOCK")));
    store->lock_.emplace(std::move(lock));
    recovery_type recovered(environment, byte_string(directory), store->cache_, amounts.memtable_bytes);
    STRATA_TRY_LET(holds_store, environment.file_exists(join_path(directory, "CURRENT")));
    if (!holds_store) STRATA_TRY(recovered.create());
    STRATA_TRY(recovered.read());
    // A process that was killed may not have synced the name of what was read: commits that are strict from now on may go
    // into that very segment, and what is removed is needed where a name is lost.
    STRATA_TRY(environment.sync_directory(directory));
    STRATA_TRY(recovered.remove_leftovers());
    STRATA_TRY(store->start(recovered));
    return store;
  }
  [[nodiscard]] STRATA_COLD static error closed_error(const char* operation) { return error(errc::closed, operation, "the store is closed"); }
  [[nodiscard]] STRATA_COLD static bytes_view parent_of(bytes_view directory) noexcept {
    while (directory.size() > 1 && directory.back() == '/') directory.remove_suffix(1);
    const std::size_t slash = directory.rfind('/');
    if (slash == bytes_view::npos) return ".";
    return slash == 0 ? directory.substr(0, 1) : directory.substr(0, slash);
  }

  [[nodiscard]] STRATA_COLD result<void> start(recovery_type& recovered) {
    std::shared_ptr<unit> active = recovered.open_tail_ ? recovered.units_.back() : std::make_shared<unit>(options_.memtable_bytes);
    versions_.last_time_us_.store(recovered.last_time_us_, std::memory_order_relaxed);
    versions_.start(recovered, active);
    started_ = true;
    STRATA_TRY(committer_.start(std::move(active), recovered.unsure_, recovered.last_sequence_, recovered.open_tail_));
    return maintenance_.start();
  }

  // The newest visible, living version of `key`; false where there is none. The entry lives as long as `state`,
  // `found` and `key`.
  [[nodiscard]] result<bool> look_up(const state_type& state, bytes_view key, sequence_number at, lookup_type& found,
                                     entry& out) const {
    sequence_number erased = 0;
    const std::uint64_t hash = hash64(key);
    for (const auto& each : state.memory) {
      if (const range_tombstone_list* list = each->range_tombstones()) erased = (std::max)(erased, list->covering(key, at));
      if (each->may_contain(hash) && each->memtable().get(key, at, out)) return is_alive(out, erased);
      if (erased != 0) return false;
    }
    const auto& levels = state.tables->levels();
    // Where there are many runs, all filters are asked for before the first is looked at: their cache misses cost one wait.
    if (!levels.empty() && !levels.front().runs.empty())
      for (const auto& level : levels)
        for (const auto& run : level.runs)
          if (const auto* candidate = run.find(key)) candidate->table().prefetch(hash);
    for (const auto& level : levels) {
      for (const auto& run : level.runs) {
        const auto* candidate = run.find(key);
        if (candidate == nullptr) continue;
        const table_type& table = candidate->table();
        if (!table.range_tombstones().empty()) erased = (std::max)(erased, table.range_tombstones().covering(key, at));
        STRATA_TRY_LET(there, table.get(key, hash, at, found));
        if (there) {
          out = found.found();
          return is_alive(out, erased);
        }
        if (erased != 0) return false;
      }
    }
    return false;
  }
  [[nodiscard]] bool is_alive(const entry& e, sequence_number erased) const {
    if (e.sequence < erased || e.kind == value_kind::tombstone) return false;
    return e.kind != value_kind::value_with_expiry || expiry_of(e) > environment_.wall_time_us();
  }

  STRATA_COLD void add_commits(statistics& s) const {
    const statistics_counters& commits = committer_.counts();
    s.commits = commits.commits.load(std::memory_order_relaxed);
    s.writes = commits.writes.load(std::memory_order_relaxed);
    s.commit_groups = commits.groups.load(std::memory_order_relaxed);
    s.payload_bytes = commits.payload_bytes.load(std::memory_order_relaxed);
    s.conflicts = commits.conflicts.load(std::memory_order_relaxed);
    s.delayed_us = commits.delayed_us.load(std::memory_order_relaxed);
    s.log_bytes = committer_.log_bytes();
    s.log_syncs = committer_.log_syncs();
    const auto& upkeep = maintenance_.counts();
    s.flushes = upkeep.flushes.load(std::memory_order_relaxed);
    s.flushed_bytes = upkeep.flushed_bytes.load(std::memory_order_relaxed);
    s.compactions = upkeep.compactions.load(std::memory_order_relaxed);
    s.moves = upkeep.moves.load(std::memory_order_relaxed);
    s.compacted_bytes_read = upkeep.compacted_bytes_read.load(std::memory_order_relaxed);
    s.compacted_bytes_written = upkeep.compacted_bytes_written.load(std::memory_order_relaxed);
  }

  Environment environment_;
  std::uint64_t process_;
  options options_;
  std::optional<typename Environment::file_lock> lock_;
  cache_type cache_;
  versions_type versions_;
  health<Environment> health_;
  maintenance_type maintenance_;
  committer_type committer_;
  bool started_ = false;  // opened for writing
  std::atomic<bool> closed_{false};  // close() has begun
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
