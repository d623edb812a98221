// The latch: once a write to disk has failed, the store says so on every write until it is resumed or reopened.
//
// Thread safety: every member from any thread.
//
//   1. The first failure wins; later ones change nothing, but that a final one takes the place of one that is not.
//   2. A failed sync, and any failure that leaves unknown what is on disk, is final. Only a lack of room (space,
//      descriptors, memory) can be resumed from.
//   3. What the store is latched with for good never says that there is a lack of room: who reads that mends it, and resumes.
#ifndef STRATA_ENGINE_HEALTH_HPP
#define STRATA_ENGINE_HEALTH_HPP

#include <atomic>

#include <strata/environment/requirements.hpp>

namespace strata::inline STRATA_ABI::engine {

[[nodiscard]] inline bool is_lack_of_room(errc code) noexcept {
  return code == errc::no_space || code == errc::too_many_open_files || code == errc::out_of_memory;
}

template <typename Environment>
class health {
  using lock = unique_lock<typename Environment::mutex>;

 public:
  enum class severity : std::uint8_t { resumable, final };

  explicit health(const Environment& environment) : mutex_(environment), reason_(errc::closed) {}

  // Cheap: what every commit asks.
  [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }

  // Latches, and returns the reason as the one who called is to say it.
  STRATA_COLD error fail(error reason, severity how) {
    const bool lost_names = reason.code() != errc::too_many_open_files && bytes_view(reason.operation()) == "sync directory";
    if (lost_names) failed_name_syncs_.fetch_add(1, std::memory_order_acq_rel);
    if (how == severity::final && is_lack_of_room(reason.code()))
      reason = error(errc::io_error, reason.operation(), "it failed for want of room, and what it was to save may be lost")
                   .in_file(reason.file())
                   .with_system_error(reason.system_error());
    lock held(mutex_);
    if (failed() && (how == severity::resumable || severity_ == severity::final)) return reason;
    reason_ = reason;
    severity_ = how;
    failed_.store(true, std::memory_order_release);
    return reason;
  }

  // The failure that latched, or success.
  [[nodiscard]] STRATA_COLD result<void> status() {
    if (!failed()) return {};
    lock held(mutex_);
    return reason_;
  }

  // Success when nothing has failed, or what has can be resumed from.
  [[nodiscard]] STRATA_COLD result<void> resumable() {
    lock held(mutex_);
    if (failed() && severity_ == severity::final) return reason_;
    return {};
  }
  // Forgets a failure that can be resumed from; a final one that came meanwhile stays.
  STRATA_COLD void clear() {
    lock held(mutex_);
    if (failed() && severity_ == severity::final) return;
    failed_.store(false, std::memory_order_release);
  }

  // How many syncs of the directory have failed, whoever asked for them (not those for which there was no descriptor): what was
  // to be durable by one of them may be lost, and no later one would say so.
  [[nodiscard]] std::uint64_t failed_name_syncs() const noexcept { return failed_name_syncs_.load(std::memory_order_acquire); }

 private:
  typename Environment::mutex mutex_;
  std::atomic<bool> failed_{false};
  std::atomic<std::uint64_t> failed_name_syncs_{0};
  error reason_;                               // mutex_
  severity severity_ = severity::resumable;    // mutex_
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
