// Heads: eight bytes of a key as a number of the same order, kept beside what leads to the key, so that most keys that a
// search passes are not looked at.
//
// Keys of one store begin alike (run, collection, and what programs put before their numbers): eight bytes from the start
// would often all be equal. So heads are taken from behind what keys have in common, as far as that tells most of the first
// ones apart: a few that begin otherwise, such as those of a store's own collections, don't count. A later key that does not
// begin like them gets the lowest or the highest head: correct, but slower.
//
// Thread safety: one writer, which alone calls learn(), once; any readers beside it. A head that a reader computes is 0 or
// the one that the writer computes.
#ifndef STRATA_MEMTABLE_KEY_HEADS_HPP
#define STRATA_MEMTABLE_KEY_HEADS_HPP

#include <atomic>

#include <strata/core/bytes.hpp>
#include <strata/core/ordering.hpp>

namespace strata::inline STRATA_ABI::memtable {

class key_heads {
 public:
  // So many of the first keys show where keys differ; the few that have no head yet then don't matter.
  static constexpr std::size_t keys_to_learn_from = 64;

  // Every second of the first keys, in their order.
  class sample {
   public:
    void add(bytes_view key) noexcept {
      if (seen_++ % 2 == 0 && count_ < keys_max) keys_[count_++] = key;
    }

   private:
    friend key_heads;
    static constexpr std::size_t keys_max = keys_to_learn_from / 2 + 1;
    bytes_view keys_[keys_max];
    std::size_t count_ = 0;
    std::size_t seen_ = 0;
  };

  // Decides where heads are taken from: behind what the middle one of the keys has in common with another, whichever tells most
  // of them apart; but not so far behind that its rest would not fill a head (keys that count up agree in more bytes than later
  // ones will). Requires: a key, and that their bytes stay. Cost: some microseconds.
  STRATA_COLD void learn(const sample& first) noexcept {
    const bytes_view middle = first.keys_[first.count_ / 2];
    const std::size_t longest = middle.size() > sizeof(std::uint64_t) ? middle.size() - sizeof(std::uint64_t) : 0;
    common_ = middle.substr(0, 0);
    std::size_t most = heads_told_apart(first, common_);
    for (std::size_t i = 0; i < first.count_; ++i) {
      const bytes_view common = middle.substr(0, (std::min)(common_prefix_length(first.keys_[i], middle), longest));
      const std::size_t apart = heads_told_apart(first, common);
      // Of two that are as good the shorter: more keys will begin so.
      if (apart < most || (apart == most && common.size() >= common_.size())) continue;
      most = apart;
      common_ = common;
    }
    // Release: a reader that acquires true sees `common_`, which never changes again.
    known_.store(true, std::memory_order_release);
  }
  [[nodiscard]] bool are_known() const noexcept { return known_.load(std::memory_order_relaxed); }  // for the writer

  // A smaller head means a smaller key, equal heads say nothing; 0 is not known, or the lowest.
  [[nodiscard]] std::uint64_t of(bytes_view key) const noexcept {
    if (!known_.load(std::memory_order_acquire)) [[unlikely]]
      return 0;
    return head_behind(common_, key);
  }

 private:
  [[nodiscard]] static std::uint64_t head_behind(bytes_view common, bytes_view key) noexcept {
    const int order = key.substr(0, common.size()).compare(common);
    if (order != 0) return order < 0 ? 0 : UINT64_MAX;
    char bytes[sizeof(std::uint64_t)] = {};
    key.substr(common.size()).copy(bytes, sizeof bytes);
    std::uint64_t head = 0;
    for (const char byte : bytes) head = head << 8 | static_cast<unsigned char>(byte);
    return head;
  }
  [[nodiscard]] STRATA_COLD static std::size_t heads_told_apart(const sample& first, bytes_view common) noexcept {
    std::size_t apart = 0;
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < first.count_; ++i) {
      const std::uint64_t head = head_behind(common, first.keys_[i]);
      apart += head != before;
      before = head;
    }
    return apart;
  }

  bytes_view common_;  // a view into a key
  std::atomic<bool> known_{false};
};

}  // namespace strata::inline STRATA_ABI::memtable

#endif
