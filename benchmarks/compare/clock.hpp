// Time, and how it is spread over many calls.
#ifndef STRATA_BENCHMARKS_COMPARE_CLOCK_HPP
#define STRATA_BENCHMARKS_COMPARE_CLOCK_HPP

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

namespace benchmark {

[[nodiscard]] inline std::uint64_t now_ns() noexcept {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}
[[nodiscard]] inline double now_s() noexcept { return static_cast<double>(now_ns()) * 1e-9; }

// Counts of latencies, in buckets less than 2 % wide.
class latencies {
 public:
  void add(std::uint64_t ns) noexcept {
    ++counts_[bucket(ns)];
    ++count_;
    if (ns > max_) max_ = ns;
  }
  // The latency that `share` of the calls did not exceed, in microseconds.
  [[nodiscard]] double quantile_us(double share) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > wanted) return static_cast<double>(lowest(i)) * 1e-3;
    }
    return max_us();
  }
  [[nodiscard]] double max_us() const noexcept { return static_cast<double>(max_) * 1e-3; }

 private:
  static constexpr unsigned sub_bits = 6;
  // Below 2^sub_bits a bucket a nanosecond; above, 2^sub_bits buckets for each power of two.
  [[nodiscard]] static std::size_t bucket(std::uint64_t ns) noexcept {
    const auto bits = static_cast<unsigned>(std::bit_width(ns | 1));
    if (bits <= sub_bits) return ns;
    const unsigned shift = bits - sub_bits - 1;
    return (std::size_t{shift} << sub_bits) + (ns >> shift);
  }
  [[nodiscard]] static std::uint64_t lowest(std::size_t bucket) noexcept {
    if (bucket < (std::size_t{2} << sub_bits)) return bucket;
    const std::size_t shift = (bucket >> sub_bits) - 1;
    return ((bucket & ((std::size_t{1} << sub_bits) - 1)) | (std::size_t{1} << sub_bits)) << shift;
  }
  std::array<std::uint64_t, (64 - sub_bits + 1) << sub_bits> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace benchmark

#endif
