// Heads: eight bytes of a key as a number of the same order, kept beside what leads to the key, so that most keys that a
// search passes are not looked at.
//
// Keys of one store begin alike (run, collection, and what programs put before their numbers): eight bytes from the start
// would often all be equal. So heads are taken from where the first keys begin to differ. A later key that does not begin
// like them gets the lowest or the highest head: correct, but slower.
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
  // Decides where heads are taken from: where two keys, the lowest and the highest of the first ones, begin to differ, but not
  // so far behind that the shorter would not fill a head (keys that count up agree in more bytes than later ones will).
  // Requires: the bytes of `low` stay.
  void learn(bytes_view low, bytes_view high) noexcept {
    const std::size_t shorter = (std::min)(low.size(), high.size());
    const std::size_t whole = shorter > sizeof(std::uint64_t) ? shorter - sizeof(std::uint64_t) : 0;
    common_ = low.substr(0, (std::min)(common_prefix_length(low, high), whole));
    // Release: a reader that acquires true sees `common_`, which never changes again.
    known_.store(true, std::memory_order_release);
  }

  // A smaller head means a smaller key, equal heads say nothing; 0 is not known, or the lowest.
  [[nodiscard]] std::uint64_t of(bytes_view key) const noexcept {
    if (!known_.load(std::memory_order_acquire)) [[unlikely]]
      return 0;
    const int order = key.substr(0, common_.size()).compare(common_);
    if (order != 0) return order < 0 ? 0 : UINT64_MAX;
    char bytes[sizeof(std::uint64_t)] = {};
    key.substr(common_.size()).copy(bytes, sizeof bytes);
    std::uint64_t head = 0;
    for (const char byte : bytes) head = head << 8 | static_cast<unsigned char>(byte);
    return head;
  }

 private:
  bytes_view common_;  // a view into a key
  std::atomic<bool> known_{false};
};

}  // namespace strata::inline STRATA_ABI::memtable

#endif
