// The commit queue: many threads commit, one of them at a time leads.
//
// A thread joins with one compare-and-swap. Alone, it leads at once: no lock, no wake-up. Otherwise it waits until the
// leader before it has done its commit for it, or hands it the lead. While one group is logged and synced the next forms.
//
//   1. `newest_` is the end of a list linked towards older requests; it is null exactly when nobody leads.
//   2. Only the leader walks the list and only it takes requests off, oldest first: its own, then those behind.
//   3. A request belongs to its thread again once its state is `done`; nothing of it is touched after that but the
//      address of its state, to wake.
//
// Source: the list is the one of Mellor-Crummey and Scott, "Algorithms for scalable synchronization on shared-memory
// multiprocessors", ACM TOCS 1991, with the holder serving those who wait.
#ifndef STRATA_ENGINE_COMMIT_QUEUE_HPP
#define STRATA_ENGINE_COMMIT_QUEUE_HPP

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <strata/config.hpp>

namespace strata::inline STRATA_ABI::engine {

// The part of a request that the queue needs; a commit derives from it.
struct queued_request {
  enum state_value : std::uint32_t { waiting, leading, done };
  std::atomic<std::uint32_t> state{waiting};
  queued_request* older = nullptr;
  queued_request* newer = nullptr;  // set by a leader
};

template <typename Environment>
class commit_queue {
 public:
  explicit commit_queue(const Environment& environment) : environment_(environment) {}
  commit_queue(const commit_queue&) = delete;
  commit_queue& operator=(const commit_queue&) = delete;

  // Joins and waits. True: the caller leads, and must call finish(). False: another leader has done the request.
  [[nodiscard]] bool join(queued_request& mine) {
    mine.older = newest_.load(std::memory_order_relaxed);
    // Release: the leader that reads our link sees our request. Acquire: a new leader sees what the last one did.
    while (!newest_.compare_exchange_weak(mine.older, &mine, std::memory_order_acq_rel, std::memory_order_relaxed)) {
    }
    if (mine.older == nullptr) return true;
    for (std::uint32_t state = mine.state.load(std::memory_order_acquire);; state = mine.state.load(std::memory_order_acquire)) {
      if (state != queued_request::waiting) return state == queued_request::leading;
      environment_.wait(mine.state, queued_request::waiting);
    }
  }

  // The requests that wait behind `leader`, oldest first, `leader` itself in front, as many as `out` holds. Returns how
  // many. Leader only.
  template <typename Request, std::size_t Capacity>
  [[nodiscard]] std::size_t collect(Request& leader, std::array<Request*, Capacity>& out) noexcept {
    link(leader, newest_.load(std::memory_order_acquire));
    std::size_t count = 0;
    for (queued_request* each = &leader; each != nullptr && count < Capacity; each = each->newer)
      out[count++] = static_cast<Request*>(each);
    return count;
  }

  // Ends the lead: requests first … last (a front part of what collect gave) are done, the one behind `last` leads. The
  // caller's own request, `leader`, is in front and is not signalled.
  void finish(queued_request& leader, queued_request& last) {
    queued_request* behind = last.newer;
    if (behind == nullptr) {
      queued_request* expected = &last;
      if (!newest_.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel, std::memory_order_acquire)) {
        link(last, expected);
        behind = last.newer;
      }
    }
    queued_request* first = &leader == &last ? nullptr : leader.newer;
    if (behind != nullptr) signal(*behind, queued_request::leading);
    while (first != nullptr) {
      queued_request* const next = first == &last ? nullptr : first->newer;
      signal(*first, queued_request::done);
      first = next;
    }
  }

 private:
  // Sets the links from `oldest` up to `newest`.
  static void link(queued_request& oldest, queued_request* newest) noexcept {
    for (queued_request* each = newest; each != &oldest; each = each->older) each->older->newer = each;
  }
  void signal(queued_request& request, std::uint32_t state) {
    std::atomic<std::uint32_t>& word = request.state;
    word.store(state, std::memory_order_release);
    environment_.wake_one(word);
  }

  Environment environment_;
  std::atomic<queued_request*> newest_{nullptr};
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
