// Counts, while a table is written or verified, what of it a later rewrite could remove: values that expire, and versions
// behind a newer one of their key.
//
// Thread safety: one thread.
//
//   1. `samples_` holds the expiry of every `stride_`th entry that expires, from the first on. When it is full every other
//      one goes and the stride doubles: the same entries in the same order always leave the same samples, so that what was
//      written can be verified.
#ifndef STRATA_SSTABLE_REMOVABLE_ENTRIES_HPP
#define STRATA_SSTABLE_REMOVABLE_ENTRIES_HPP

#include <strata/core/coding.hpp>
#include <strata/core/dynamic_array.hpp>
#include <strata/core/ordering.hpp>
#include <strata/sstable/requirements.hpp>

namespace strata::inline STRATA_ABI::sstable {

// Memory: at most 8 KiB.
class removable_entries {
 public:
  // Whether the value is as long as its kind demands.
  [[nodiscard]] static bool is_whole(value_kind kind, std::size_t value_bytes) noexcept {
    return kind != value_kind::value_with_expiry || value_bytes >= sizeof(std::uint64_t);
  }

  // The next entry, in order. Requires: is_whole(). May throw std::bad_alloc where exceptions exist.
  void count(bool is_first_of_its_key, value_kind kind, bytes_view value) {
    hidden_versions_ += is_first_of_its_key ? 0 : 1;
    if (kind == value_kind::value_with_expiry) count_expiry(load_fixed<std::uint64_t>(value.data()));
  }

  // Writes what was counted into the facts of the table.
  STRATA_COLD void complete(facts& known) const {
    known.hidden_versions = hidden_versions_;
    known.earliest_expiry_us = earliest_us_;
    dynamic_array<std::uint64_t> ordered(samples_);
    sort_ascending(ordered);
    known.median_expiry_us = ordered.empty() ? UINT64_MAX : ordered[ordered.size() / 2];
  }

 private:
  static constexpr std::size_t samples_max = 1024;  // frozen: what verify() counts depends on it

  STRATA_NOINLINE void count_expiry(std::uint64_t expiry_us) {
    earliest_us_ = (std::min)(earliest_us_, expiry_us);
    if (expiring_++ % stride_ != 0) return;
    samples_.push_back(expiry_us);
    if (samples_.size() < samples_max) return;
    for (std::size_t i = 0; i < samples_max / 2; ++i) samples_[i] = samples_[2 * i];
    samples_.resize(samples_max / 2);
    stride_ *= 2;
  }

  std::uint64_t hidden_versions_ = 0;
  std::uint64_t earliest_us_ = UINT64_MAX;
  std::uint64_t expiring_ = 0;  // entries that expire
  std::uint64_t stride_ = 1;
  dynamic_array<std::uint64_t> samples_;
};

}  // namespace strata::inline STRATA_ABI::sstable

#endif
