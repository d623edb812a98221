// The version set: the current read state, how it changes, and the numbers that go with it.
//
// Thread safety: every member from any thread. Two locks, taken in this order: `manifest_mutex_` while an edit is written
// (its sync is slow), `mutex_` for an instant while pointers change. Readers take neither.
//
//   1. A version becomes current only after the edit that makes it is durable. What it no longer names becomes obsolete
//      after that; after a failed edit nothing becomes obsolete any more, until resume() has written the manifest anew: then
//      so does what that edit added, which the old manifest may name and the new one does not.
//   2. Readers load the read state inside an epoch; a replaced state is let go when no reader of before is inside.
//   3. A reader loads the state first and the visible sequence after it: whatever that sequence covers of the state's
//      memtables is in them. Memtables are only ever replaced between two commit groups.
//   4. A snapshot's sequence is chosen and registered under `mutex_`; a merge lists the snapshots after it chose its
//      inputs: a snapshot that it misses sees all that it keeps.
#ifndef STRATA_ENGINE_VERSION_SET_HPP
#define STRATA_ENGINE_VERSION_SET_HPP

#include <strata/core/epoch.hpp>
#include <strata/core/function_ref.hpp>
#include <strata/engine/recovery.hpp>

namespace strata::inline STRATA_ABI::engine {

template <typename Environment, typename Memtable, typename Sstable>
class version_set {
 public:
  using state_type = read_state<Environment, Memtable, Sstable>;
  using unit = memory_unit<Memtable>;
  using version_type = version<Environment, Sstable>;
  using handle = table_handle<Environment, Sstable>;
  using lock = unique_lock<typename Environment::mutex>;

  // How far ahead numbers are reserved: so many may go unused at a crash.
  static constexpr sequence_number sequences_reserved = sequence_number{1} << 24;
  static constexpr std::uint64_t file_numbers_reserved = 64;
  // About what a read of a block lasts: so long a reader sleeps that finds as many inside as there is room for.
  static constexpr std::uint64_t reader_us = 50;

  // `manifest_bytes`: of edits that may gather in the manifest before it is written anew.
  version_set(const Environment& environment, byte_string directory, std::uint64_t manifest_bytes)
      : environment_(environment), directory_(directory), manifest_bytes_(manifest_bytes),
        manifest_(environment, std::move(directory)), mutex_(environment), manifest_mutex_(environment) {}
  version_set(const version_set&) = delete;
  version_set& operator=(const version_set&) = delete;

  // Takes over what recovery read. `active` (may be null) is the unit that commits go on in. Before any other call.
  template <typename Recovered>
  STRATA_COLD void start(Recovered& recovered, std::shared_ptr<unit> active) {
    next_file_ = recovered.newest_number() + 1;
    manifest_ = std::move(recovered.manifest_);
    store_id_ = manifest_.state().store_id;
    const version_edit::counters& counts = manifest_.state().counts;
    visible_.store(recovered.last_sequence_, std::memory_order_release);
    orderly_ = counts.sequence_ceiling <= recovered.last_sequence_;
    sequence_ceiling_.store(counts.sequence_ceiling, std::memory_order_relaxed);
    flushed_sequence_ = counts.flushed_sequence;
    auto state = std::make_shared<state_type>();
    for (const auto& each : recovered.units_) state->memory.insert(0, each);
    if (active && (state->memory.empty() || state->memory.front() != active)) state->memory.insert(0, active);
    state->tables = recovered.tables_;
    lock held(mutex_);
    replace(std::move(state));
  }

  // ---- reading

  // Keeps the state that load() returns alive. Short: inside it nothing is let go.
  [[nodiscard]] epoch_domain::guard pin() noexcept {
    return epochs_.pin([this] { environment_.sleep_for_us(reader_us); });
  }
  // Requires a pin. null after close().
  [[nodiscard]] const state_type* load() const noexcept { return current_.load(std::memory_order_seq_cst); }
  // A state to keep. null after close().
  [[nodiscard]] std::shared_ptr<const state_type> hold() noexcept {
    const auto pinned = pin();
    const state_type* state = load();
    return state == nullptr ? nullptr : state->shared_from_this();
  }
  // The newest commit that readers see.
  [[nodiscard]] sequence_number visible() const noexcept { return visible_.load(std::memory_order_acquire); }
  // Makes commits up to `sequence` seen. The commit leader, after it applied them.
  void publish(sequence_number sequence) noexcept { visible_.store(sequence, std::memory_order_release); }

  // ---- snapshots

  [[nodiscard]] sequence_number take_snapshot() {
    lock held(mutex_);
    const sequence_number sequence = visible();
    snapshots_.push_back(sequence);
    return sequence;
  }
  void release_snapshot(sequence_number sequence) noexcept {
    lock held(mutex_);
    snapshots_.erase(first_behind(snapshots_, [&](sequence_number each) { return each < sequence; }));
  }
  [[nodiscard]] STRATA_COLD dynamic_array<sequence_number> snapshots() {
    lock held(mutex_);
    dynamic_array<sequence_number> distinct;
    for (const sequence_number each : snapshots_)
      if (distinct.empty() || distinct.back() != each) distinct.push_back(each);
    return distinct;
  }

  // ---- numbers

  // A file number that was never used. Errors: those of a manifest append.
  [[nodiscard]] STRATA_COLD result<std::uint64_t> new_file_number() {
    lock held(manifest_mutex_);
    return take_file_number();
  }

  // No file has a higher number yet.
  [[nodiscard]] STRATA_COLD std::uint64_t newest_file_number() {
    lock held(manifest_mutex_);
    return next_file_ - 1;
  }

  // The first of `commits` sequences after `last`, all of which lie below a durable ceiling. Commit leader only.
  [[nodiscard]] result<sequence_number> next_sequence(sequence_number last, std::uint32_t commits) {
    sequence_number first = last + 1;
    if (!orderly_) first = (std::max)(first, sequence_ceiling_.load(std::memory_order_relaxed) + 1);
    if (first + commits > commit_sequence_max) return error(errc::unsupported, "commit", "all sequences are used");
    if (first + commits - 1 > sequence_ceiling_.load(std::memory_order_relaxed)) {
      lock held(manifest_mutex_);
      highest_given_ = first + commits - 1;
      STRATA_TRY(write_edit({}, flushed_sequence_));
    }
    orderly_ = true;
    return first;
  }

  // ---- changes

  // A state with the memory for all that may be current when it comes to be so: what can fail is behind it.
  [[nodiscard]] STRATA_COLD std::shared_ptr<state_type> prepare_state() {
    // More memtables than are frozen while one edit is written: writers wait where memtables_max (at most 16) are held.
    constexpr std::size_t memtables_more = 32;
    std::size_t memtables = 0;
    {
      lock held(mutex_);
      memtables = owner_->memory.size();
    }
    auto prepared = std::make_shared<state_type>();
    prepared->memory.reserve(memtables + memtables_more);
    return prepared;
  }
  // Makes `fresh` the active memtable; the one before is frozen. `prepared`: of prepare_state(). Commit leader only.
  STRATA_COLD void rotate(std::shared_ptr<state_type> prepared, std::shared_ptr<unit> fresh) noexcept {
    lock held(mutex_);
    prepared->memory.push_back(std::move(fresh));
    for (const std::shared_ptr<unit>& each : owner_->memory) prepared->memory.push_back(each);
    prepared->tables = owner_->tables;
    replace(std::move(prepared));
  }

  // Makes the tables of `edit` durable and current; `flushed` (may be null) is the memtable that they replace. `opened`: the
  // tables that are new, which are obsolete until then and stay so where this fails before anything is written. One caller at
  // a time makes a change that depends on what is current: inputs of two calls must not overlap.
  [[nodiscard]] STRATA_COLD result<void> install(version_edit edit, const dynamic_array<std::shared_ptr<handle>>& opened,
                                     const std::shared_ptr<unit>& flushed) {
    lock held_manifest(manifest_mutex_);
    std::shared_ptr<const version_type> before;
    {
      lock held(mutex_);
      before = owner_->tables;
    }
    const auto after = before->after(edit, opened);
    STRATA_ASSERT(after != nullptr);
    std::shared_ptr<state_type> prepared = prepare_state();
    const sequence_number flushed_sequence = flushed ? flushed->last_sequence : flushed_sequence_;
    if (flushed && flushed->segment != 0) edit.log_number = flushed->segment + 1;
    dynamic_array<std::uint64_t> dropped = edit.dropped;
    sort_ascending(dropped);
    // What an earlier write that failed has left undecided is not made more of.
    STRATA_TRY(manifest_written_);
    undecided_.reserve(opened.size());
    for (const std::shared_ptr<handle>& each : opened) each->mark_needed();
    if (auto written = write_edit(std::move(edit), flushed_sequence); !written) {
      for (const std::shared_ptr<handle>& each : opened) undecided_.push_back(each);
      return written;
    }
    // From here to the end of the marking nothing can fail: what is durable is current.
    make_current(std::move(prepared), after, flushed, flushed_sequence);
    before->each_table([&](std::size_t, const auto&, const std::shared_ptr<handle>& table) {
      if (contains_sorted(dropped, table->number()) && !after_names(*after, table->number())) table->mark_obsolete();
    });
    return manifest_.has_grown(manifest_bytes_) ? rewrite_manifest() : result<void>();
  }

  // The tables and the newest commit that is in them, taken together.
  [[nodiscard]] STRATA_COLD std::pair<std::shared_ptr<const version_type>, sequence_number> flushed_tables() {
    lock held(mutex_);
    return {owner_ ? owner_->tables : nullptr, flushed_sequence_};
  }

  // Lets go of replaced states that no reader is in any more. Where a reader still is: does nothing, a later call will.
  STRATA_COLD void reclaim() noexcept {
    std::shared_ptr<const state_type> quiet;
    {
      lock held(mutex_);
      for (std::shared_ptr<const state_type>* at = &retired_; *at;) {
        if (!epochs_.quiet_since((*at)->retired_epoch)) {
          at = &(*at)->next_retired;
          continue;
        }
        std::shared_ptr<const state_type> taken = std::move(*at);
        *at = std::move(taken->next_retired);
        taken->next_retired = std::move(quiet);
        quiet = std::move(taken);
      }
    }
    // One by one: a chain that goes by itself goes as deep as it is long.
    while (quiet) quiet = std::shared_ptr<const state_type>(std::move(quiet->next_retired));
  }

  [[nodiscard]] bool all_reclaimed() {
    lock held(mutex_);
    return retired_ == nullptr;
  }

  // After a full disk: a manifest whose last append failed is written anew.
  [[nodiscard]] STRATA_COLD result<void> resume() {
    lock held(manifest_mutex_);
    return manifest_written_ ? result<void>() : rewrite_manifest();
  }

  // Ends it: numbers that were reserved and not used are given back, readers that come find nothing. `last`: the newest
  // sequence that a commit was given; `kept`: every commit up to it is durable.
  [[nodiscard]] STRATA_COLD result<void> close(sequence_number last, sequence_number kept) {
    result<void> done;
    lock held_manifest(manifest_mutex_);
    if (took_numbers_ && manifest_written_) {
      version_edit edit;
      edit.has_counters = true;
      edit.counts = {flushed_sequence_,
                     orderly_ ? (std::max)(last, flushed_sequence_) : sequence_ceiling_.load(std::memory_order_relaxed),
                     next_file_ - 1, last_time_us_.load(std::memory_order_relaxed)};
      edit.kept_sequence = kept;
      done = write_manifest([&] { return manifest_.append(std::move(edit)); });
    }
    auto closed = manifest_.close();
    if (done) done = std::move(closed);
    lock held(mutex_);
    replace(nullptr);
    return done;
  }

  // In a forked child: readers that come find nothing. No lock is taken, for a thread of the parent may have held it.
  STRATA_COLD void forget() noexcept { current_.store(nullptr, std::memory_order_seq_cst); }

  // Wall clock of the newest commit, µs since 1970; written by the commit leader.
  std::atomic<std::uint64_t> last_time_us_{0};

  [[nodiscard]] const byte_string& directory() const noexcept { return directory_; }
  [[nodiscard]] std::uint64_t store_id() const noexcept { return store_id_; }
  [[nodiscard]] typename Environment::mutex& mutex() noexcept { return mutex_; }
  // Requires mutex().
  [[nodiscard]] const std::shared_ptr<const state_type>& current() const noexcept { return owner_; }

 private:
  [[nodiscard]] STRATA_COLD static bool after_names(const version_type& tables, std::uint64_t number) {
    bool named = false;
    tables.each_table([&](std::size_t, const auto&, const std::shared_ptr<handle>& t) { named = named || t->number() == number; });
    return named;
  }

  // Requires mutex_.
  STRATA_COLD void replace(std::shared_ptr<const state_type> next) noexcept {
    std::shared_ptr<const state_type> before = std::move(owner_);
    owner_ = std::move(next);
    current_.store(owner_.get(), std::memory_order_seq_cst);
    const std::uint64_t epoch = epochs_.advance();
    if (!before) return;
    before->retired_epoch = epoch;
    before->next_retired = std::move(retired_);
    retired_ = std::move(before);
  }
  STRATA_COLD void make_current(std::shared_ptr<state_type> prepared, std::shared_ptr<const version_type> tables,
                                const std::shared_ptr<unit>& flushed, sequence_number flushed_sequence) noexcept {
    lock held(mutex_);
    flushed_sequence_ = flushed_sequence;
    for (const std::shared_ptr<unit>& each : owner_->memory)
      if (each != flushed) prepared->memory.push_back(each);
    prepared->tables = std::move(tables);
    replace(std::move(prepared));
  }

  // A write of the manifest, whose outcome is that of the manifest from then on. Requires manifest_mutex_.
  STRATA_COLD result<void> write_manifest(function_ref<result<void>()> write) {
    // Memory that is lacking before anything is written fails as a disk without room does.
    STRATA_TRY_BLOCK { manifest_written_ = write(); }
    STRATA_CATCH(...) { manifest_written_ = error(errc::out_of_memory, "write manifest"); }
    return manifest_written_;
  }

  // Whether the next number, and a ceiling above it, are such as an edit may hold. Requires manifest_mutex_.
  [[nodiscard]] STRATA_COLD result<void> has_file_numbers() const {
    if (next_file_ + file_numbers_reserved <= file_number_max) return {};
    return error(errc::unsupported, "make file", "all file numbers are used");
  }

  // Requires manifest_mutex_.
  [[nodiscard]] STRATA_COLD result<std::uint64_t> take_file_number() {
    STRATA_TRY(has_file_numbers());
    const std::uint64_t number = next_file_++;
    if (number > manifest_.state().counts.file_ceiling) {
      if (auto done = write_edit({}, flushed_sequence_); !done) return std::move(done).error();
    }
    return number;
  }

  // Requires manifest_mutex_. Where it fails, either manifest may be the one that counts, so nothing more is written to
  // the old one.
  [[nodiscard]] STRATA_COLD result<void> rewrite_manifest() {
    STRATA_TRY(has_file_numbers());
    const std::uint64_t number = next_file_++;
    STRATA_TRY(write_manifest([&] { return manifest_.rewrite(number, number + file_numbers_reserved); }));
    for (const std::shared_ptr<handle>& each : undecided_) each->mark_obsolete();
    undecided_.clear();
    return {};
  }

  // Requires manifest_mutex_. Every edit carries the counters, with both ceilings pushed on.
  [[nodiscard]] STRATA_COLD result<void> write_edit(version_edit edit, sequence_number flushed_sequence) {
    // With the first reason: whether it can be resumed from hangs on that.
    if (!manifest_written_) return manifest_written_;
    edit.has_counters = true;
    const sequence_number reserved = (std::max)(visible(), highest_given_) + sequences_reserved;
    edit.counts = {flushed_sequence,
                   (std::max)(sequence_ceiling_.load(std::memory_order_relaxed), (std::min)(reserved, commit_sequence_max)),
                   next_file_ - 1 + file_numbers_reserved, last_time_us_.load(std::memory_order_relaxed)};
    const sequence_number ceiling = edit.counts.sequence_ceiling;
    STRATA_TRY(write_manifest([&] { return manifest_.append(std::move(edit)); }));
    took_numbers_ = true;
    sequence_ceiling_.store(ceiling, std::memory_order_relaxed);
    return {};
  }

  Environment environment_;
  byte_string directory_;
  std::uint64_t manifest_bytes_;
  std::uint64_t store_id_ = 0;  // not changed after start(): what `manifest_` says of it is under its mutex
  manifest<Environment> manifest_;  // manifest_mutex_
  typename Environment::mutex mutex_;
  typename Environment::mutex manifest_mutex_;
  epoch_domain epochs_;
  std::atomic<const state_type*> current_{nullptr};
  std::shared_ptr<const state_type> owner_;   // mutex_
  std::shared_ptr<const state_type> retired_;  // mutex_: the newest of those that readers may be in
  dynamic_array<sequence_number> snapshots_;  // mutex_; ascending, for what is visible only rises
  std::atomic<sequence_number> visible_{0};
  sequence_number flushed_sequence_ = 0;  // written under both
  std::atomic<sequence_number> sequence_ceiling_{0};  // written under manifest_mutex_
  sequence_number highest_given_ = 0;                 // manifest_mutex_
  std::uint64_t next_file_ = 1;                       // manifest_mutex_
  bool took_numbers_ = false;                         // manifest_mutex_: an edit was written since opening
  result<void> manifest_written_;                     // manifest_mutex_: the first write of it that failed, until resume()
  dynamic_array<std::shared_ptr<handle>> undecided_;  // manifest_mutex_: what the edit of that write added
  bool orderly_ = true;                               // commit leader
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
