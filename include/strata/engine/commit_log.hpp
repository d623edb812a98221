// The commit log: the segment that commits go to now, those before it that are not durable yet, the background sync of buffered
// durability, and the thread that makes room for the commits to come where the policy can use one.
//
// Thread safety: append, open, reopen and rotate are the commit leader's alone. The two threads run beside them.
//
//   1. A segment is synced only after those before it are (and sealed, if they could be), or their commits are in tables: one in
//      which something is promised comes behind segments that are whole. One that was never synced may survive a power cut where
//      the end of an older one does not; recovery sees that its commits don't follow.
//   2. A buffered commit is durable `sync_interval` (unless that is never) after it returned at the latest, also when no other
//      follows.
//   3. A sync that failed is never tried again: the store latches for good, whatever the reason.
//   4. No writer is let go before what it has acknowledged is synced or in a table: not after a failed append, and not while
//      the store is latched for something else.
//   5. While a segment is sealed, closed or left, nobody makes room in it.
//   6. A sync and the latch of its failure are one under sync_mutex_: who finds that a sync has failed, and then waits for
//      that mutex, finds the store latched with the reason.
//   7. A segment's name is durable before the first sync of its contents is reported, and before the segment behind it is made:
//      a power cut takes away the newest segment or none. So a rotation waits for the directory only where nothing was synced
//      since the last one; where nothing syncs by itself, the thread that makes room sees to it, if there is one.
//   8. A sync of the directory for which there was no descriptor is none: it latches until resume(), and the background sync
//      tries again without being asked. After any other failure of it, whoever asked for it, no name that was not durable by then
//      is taken for durable: that is final.
#ifndef STRATA_ENGINE_COMMIT_LOG_HPP
#define STRATA_ENGINE_COMMIT_LOG_HPP

#include <memory>
#include <optional>

#include <strata/core/dynamic_array.hpp>
#include <strata/core/function_ref.hpp>
#include <strata/engine/health.hpp>
#include <strata/engine/options.hpp>
#include <strata/engine/own_process.hpp>
#include <strata/wal/requirements.hpp>

namespace strata::inline STRATA_ABI::engine {

template <typename Environment, typename Wal>
class commit_log {
  using writer = typename Wal::template writer<Environment>;
  using lock = unique_lock<typename Environment::mutex>;

 public:
  // `directory`: of the segments. It outlives the log.
  commit_log(const Environment& environment, bytes_view directory, const options& amounts, health<Environment>& latch)
      : environment_(environment), directory_(directory), syncs_by_itself_(amounts.sync_interval != options::never),
        wait_us_(syncs_by_itself_ ? static_cast<std::uint64_t>(amounts.sync_interval.count()) * 500 : 0),
        sync_after_bytes_(amounts.sync_after_bytes), health_(latch), mutex_(environment), sync_mutex_(environment),
        room_mutex_(environment), changed_(environment, environment), room_wanted_(environment, environment), thread_(environment),
        room_thread_(environment) {}
  commit_log(const commit_log&) = delete;
  commit_log& operator=(const commit_log&) = delete;

  // Starts the background sync, where there is to be one. Once, before the first commit.
  [[nodiscard]] STRATA_COLD result<void> start_syncing() {
    if (!syncs_by_itself_) return {};
    STRATA_TRY_LET(started, environment_.start_thread("strata-sync", bound_call{this, &run_sync_loop}));
    thread_->emplace(std::move(started));
    return {};
  }

  [[nodiscard]] bool is_open() const noexcept { return segment_ != nullptr; }
  // Requires is_open().
  [[nodiscard]] std::uint64_t segment_bytes() const noexcept { return segment_->bytes(); }
  [[nodiscard]] std::uint64_t bytes_written() const noexcept { return bytes_written_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t syncs() const noexcept { return syncs_.load(std::memory_order_relaxed); }

  // Before open(): makes the name of the segment before durable, where it is not yet. A failure has latched the store.
  [[nodiscard]] STRATA_COLD result<void> make_ready() {
    if (is_named_.load(std::memory_order_acquire)) return {};
    lock held(sync_mutex_);
    return make_name_durable();
  }
  // Requires make_ready(). The name of what it makes becomes durable with the first sync.
  [[nodiscard]] STRATA_COLD result<void> open(const wal::segment& fresh) {
    STRATA_ASSERT(is_named_.load(std::memory_order_relaxed));
    const std::uint64_t failed_before = health_.failed_name_syncs();
    STRATA_TRY_LET(made, writer::create(environment_, fresh));
    failed_before_ = failed_before;
    is_named_.store(false, std::memory_order_release);
    use(std::move(made));
    return {};
  }
  // Requires: the name of `last` is durable, or it was left here. May be tried again after a lack of room. Any other failure may
  // be that of the sync of a cut, and latches.
  [[nodiscard]] STRATA_COLD result<void> reopen(const wal::segment& last, const wal::tail& tail) {
    auto reopened = writer::reopen(environment_, last, tail);
    if (!reopened) {
      if (is_lack_of_room(reopened.error().code())) return std::move(reopened).error();
      return health_.fail(std::move(reopened).error(), health<Environment>::severity::final);
    }
    use(std::move(*reopened));
    return {};
  }

  // Requires is_open(). Survives a killed process when it returns.
  [[nodiscard]] result<void> append(bytes_view group) {
    if (auto done = segment_->append(group); !done) [[unlikely]] {
      // A sync that failed beside it may be why: that one latches first (invariant 6), as it has the reason.
      const lock held(sync_mutex_);
      return done;
    }
    bytes_written_.fetch_add(group.size(), std::memory_order_relaxed);
    if constexpr (requirements::makes_room<writer>)
      if (segment_->wants_room()) [[unlikely]]
        ask_for_room();
    return {};
  }
  // Requires is_open(). Survives a power cut when it returns; a failure has latched the store.
  [[nodiscard]] result<void> sync() {
    lock held(sync_mutex_);
    STRATA_TRY(make_name_durable());
    STRATA_TRY_LET(target, when_those_before_are_whole());
    syncs_.fetch_add(1, std::memory_order_relaxed);
    return sync_or_latch(*target);
  }
  // Says that `bytes` were appended that the background is to sync.
  void schedule_sync(std::size_t bytes) {
    if (!syncs_by_itself_) return;
    unsynced_bytes_ += bytes;
    // Read-modify-write on both sides: either the sync thread's comes later and its sync covers our append, or ours does
    // and we wake it.
    const bool was_dirty = dirty_.exchange(true, std::memory_order_acq_rel);
    if (was_dirty && unsynced_bytes_ < sync_after_bytes_) return;
    unsynced_bytes_ = was_dirty ? 0 : bytes;
    lock held(mutex_);
    if (!was_dirty && dirty_since_ns_ == 0) dirty_since_ns_ = environment_.steady_time_ns();
    urgent_ = was_dirty;
    changed_->notify_one();
  }

  // Ends the segment without waiting for the device; the next append needs open(). It is synced and sealed before what comes
  // behind it is synced, for as long as what is returned (null where no segment is open) is kept: until its commits are in a
  // table. May throw std::bad_alloc where exceptions exist; then nothing has happened.
  [[nodiscard]] STRATA_COLD std::shared_ptr<void> rotate() {
    if (!segment_) return nullptr;
    lock held(mutex_);
    ended_.erase_if([](const std::weak_ptr<writer>& each) { return each.expired(); });
    ended_.push_back(segment_);
    room_for_.reset();
    return std::move(segment_);
  }
  // Lets the segment go as it is, synced: before it is read again and gone on with where its records end. Nothing to do
  // where none is open; a failure has latched the store.
  [[nodiscard]] STRATA_COLD result<void> leave() {
    if (!segment_) return {};
    {
      lock held(sync_mutex_);
      STRATA_TRY_LET(target, when_those_before_are_whole());
      STRATA_TRY(make_name_durable());
      STRATA_TRY(sync_rest(*target));
    }
    drop();
    const lock no_room_is_made(room_mutex_);
    return {};
  }

  // Ends the background sync and closes the segment so that it can be gone on with. All that was acknowledged is durable
  // then, also after an append that failed; an error where that is not so, or where the segment has no orderly end.
  [[nodiscard]] STRATA_COLD result<void> close() {
    {
      lock held(mutex_);
      stopping_ = true;
      changed_->notify_one();
      room_wanted_->notify_one();
    }
    for (auto* each : {&*thread_, &*room_thread_}) {
      if (*each) (*each)->join();
      each->reset();
    }
    lock held(sync_mutex_);
    auto last = when_those_before_are_whole();
    // Of the newest, which may be one that was ended. What its name lacks is no reason to leave what is in it unsynced.
    auto named = make_name_durable();
    // Behind a segment that is not whole nothing is to be promised.
    result<void> done;
    if (!last)
      done = std::move(last).error();
    else if (*last)
      done = (*last)->close();
    if (done) done = std::move(named);
    drop();
    return done;
  }

 private:
  STRATA_COLD void use(writer made) {
    auto fresh = std::make_shared<writer>(std::move(made));
    lock held(mutex_);
    segment_ = std::move(fresh);
  }
  // Requires: nothing that was acknowledged is unsynced in the segment.
  STRATA_COLD void drop() {
    lock held(mutex_);
    segment_.reset();
    room_for_.reset();
  }

  // Best effort: where no thread can be had, appends make their own room.
  STRATA_COLD void ask_for_room() {
    if (!*room_thread_) {
      auto started = environment_.start_thread("strata-log", bound_call{this, &run_room_loop});
      if (!started) return;
      room_thread_->emplace(std::move(*started));
    }
    lock held(mutex_);
    room_for_ = segment_;
    room_wanted_->notify_one();
  }
  static void run_room_loop(void* self) noexcept { static_cast<commit_log*>(self)->room_loop(); }
  STRATA_COLD void room_loop() noexcept {
    lock held(mutex_);
    while (!stopping_) {
      if (!room_for_) {
        room_wanted_->wait(held);
        continue;
      }
      held.unlock();
      make_room();
      name_ahead();
      held.lock();
    }
  }
  STRATA_COLD void make_room() noexcept {
    const lock making(room_mutex_);
    std::shared_ptr<writer> target;
    {
      lock held(mutex_);
      target = std::move(room_for_);
      room_for_.reset();
    }
    if constexpr (requirements::makes_room<writer>)
      if (target) target->make_room();
  }
  // Where nothing syncs by itself, the next rotation would have to wait for the name.
  STRATA_COLD void name_ahead() noexcept {
    if (syncs_by_itself_ || is_named_.load(std::memory_order_acquire)) return;
    const lock held(sync_mutex_);
    static_cast<void>(make_name_durable());
  }

  static void run_sync_loop(void* self) noexcept { static_cast<commit_log*>(self)->sync_loop(); }
  STRATA_COLD void sync_loop() noexcept {
    lock held(mutex_);
    while (!stopping_) {
      if (dirty_since_ns_ == 0) {
        changed_->wait(held);
        continue;
      }
      const std::uint64_t waited_us = (environment_.steady_time_ns() - dirty_since_ns_) / 1000;
      if (waited_us < wait_us_ && !urgent_) {
        static_cast<void>(changed_->wait_for_us(held, wait_us_ - waited_us));
        continue;
      }
      dirty_since_ns_ = 0;
      urgent_ = false;
      static_cast<void>(dirty_.exchange(false, std::memory_order_acq_rel));
      held.unlock();
      // Also while the store is latched: what was acknowledged before is promised all the same.
      const bool again = sync_in_background();
      held.lock();
      if (again && dirty_since_ns_ == 0) dirty_since_ns_ = environment_.steady_time_ns();
    }
  }
  // The segment that commits go to (null: none is open), when those before it whose commits are in no table are synced and
  // sealed. The name of the newest, which may be one of those, is the caller's business. The seal makes damage known; that the
  // segment is complete the commits behind it say, too: so where the seal can't be written, that is nobody's failure.
  // Requires sync_mutex_.
  [[nodiscard]] result<std::shared_ptr<writer>> when_those_before_are_whole() {
    lock held(mutex_);
    for (;;) {
      while (!ended_.empty() && ended_.front().expired()) ended_.erase(0);
      if (ended_.empty()) return segment_;
      // Once it is held it stays the first.
      const std::shared_ptr<writer> oldest = ended_.front().lock();
      held.unlock();
      if (oldest) STRATA_TRY(make_whole(*oldest));
      held.lock();
      if (oldest) ended_.erase(0);
    }
  }
  [[nodiscard]] STRATA_COLD result<void> make_whole(writer& ended) {
    STRATA_TRY(sync_rest(ended));
    const lock no_room_is_made(room_mutex_);
    if (ended.seal()) STRATA_TRY(sync_rest(ended));
    static_cast<void>(ended.close());
    return {};
  }
  // The name of the newest segment. A failure latches the store (invariant 8). No other lack of room is told apart from a sync
  // that failed for want of it. Requires sync_mutex_.
  [[nodiscard]] result<void> make_name_durable() {
    if (is_named_.load(std::memory_order_acquire)) return {};
    using severity = typename health<Environment>::severity;
    if (health_.failed_name_syncs() != failed_before_) [[unlikely]]
      return health_.fail(error(errc::io_error, "name log", "a sync of the directory has failed before").in_file(directory_),
                          severity::final);
    auto named = environment_.sync_directory(directory_);
    if (!named) [[unlikely]] {
      const bool is_resumable = named.error().code() == errc::too_many_open_files;
      return health_.fail(std::move(named).error(), is_resumable ? severity::resumable : severity::final);
    }
    is_named_.store(true, std::memory_order_release);
    return {};
  }
  // A sync that failed is final, whatever its reason.
  // Requires sync_mutex_.
  [[nodiscard]] result<void> sync_or_latch(writer& target) {
    auto done = target.sync();
    if (!done) [[unlikely]] return health_.fail(std::move(done).error(), health<Environment>::severity::final);
    return done;
  }
  // The same where something is unsynced: not in a segment that is sealed, or was synced by a strict commit.
  [[nodiscard]] STRATA_COLD result<void> sync_rest(writer& target) {
    if (target.synced_bytes() == target.bytes()) return {};
    syncs_.fetch_add(1, std::memory_order_relaxed);
    return sync_or_latch(target);
  }
  // True where it is to be tried again: there was no descriptor for the directory.
  [[nodiscard]] STRATA_COLD bool sync_in_background() {
    lock held(sync_mutex_);
    const auto named = make_name_durable();  // before the long sync of what was ended: a rotation may wait for it
    const auto target = when_those_before_are_whole();
    if (!named) return named.error().code() == errc::too_many_open_files;
    if (target && *target) static_cast<void>(sync_rest(**target));
    return false;
  }

  Environment environment_;
  bytes_view directory_;
  bool syncs_by_itself_;
  std::uint64_t wait_us_;  // half of the interval: the other half is for the sync itself
  std::uint64_t sync_after_bytes_;
  health<Environment>& health_;
  typename Environment::mutex mutex_;       // segment_ and ended_ (the pointers) and what is marked so
  typename Environment::mutex sync_mutex_;  // held during a sync: two never run at once
  typename Environment::mutex room_mutex_;  // held while room is made; of these three it comes behind sync_mutex_, before mutex_
  own_process<Environment, typename Environment::condition_variable> changed_;
  own_process<Environment, typename Environment::condition_variable> room_wanted_;
  std::shared_ptr<writer> segment_;  // written by the leader under mutex_
  // Those before it that are not known to be whole, oldest first: the leader adds, under mutex_; who holds sync_mutex_, too,
  // takes away.
  dynamic_array<std::weak_ptr<writer>> ended_;
  // Whether the newest segment's name is durable. The leader makes it false when it was true, who holds sync_mutex_ the reverse.
  std::atomic<bool> is_named_{true};
  std::uint64_t failed_before_ = 0;  // syncs of the directory that had failed when it was made; as is_named_
  std::atomic<bool> dirty_{false};
  bool urgent_ = false;               // mutex_
  std::uint64_t dirty_since_ns_ = 0;  // mutex_; 0: nothing to sync
  std::size_t unsynced_bytes_ = 0;  // leader
  bool stopping_ = false;             // mutex_
  std::shared_ptr<writer> room_for_;  // mutex_: where room is wanted
  own_process<Environment, std::optional<typename Environment::thread>> thread_;
  own_process<Environment, std::optional<typename Environment::thread>> room_thread_;
  std::atomic<std::uint64_t> bytes_written_{0};
  std::atomic<std::uint64_t> syncs_{0};
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
