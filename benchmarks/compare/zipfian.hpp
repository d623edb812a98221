// Numbers below n, of which k (from 0) comes up in proportion to 1 / (k + 1)^theta: the generator of Gray, Sundaresan, Englert,
// Baclawski and Weinberger, "Quickly generating billion-record synthetic databases", SIGMOD 1994, which YCSB uses too.
//
// A draw costs a power and no table: the first two numbers are drawn exactly, the others from a continuous curve.
#ifndef STRATA_BENCHMARKS_COMPARE_ZIPFIAN_HPP
#define STRATA_BENCHMARKS_COMPARE_ZIPFIAN_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "../data.hpp"

namespace benchmark {

class zipfian {
 public:
  static constexpr double theta = 0.99;  // the constant of YCSB's core workloads

  // Adds up the n weights once: some 40 ns for each.
  explicit zipfian(std::uint64_t n) : n_(n) {
    for (std::uint64_t k = 1; k <= n; ++k) sum_ += std::pow(static_cast<double>(k), -theta);
    slope_ = (1 - std::pow(2.0 / static_cast<double>(n), 1 - theta)) / (1 - (1 + second_) / sum_);
  }

  [[nodiscard]] std::uint64_t operator()(random_numbers& random) const noexcept {
    constexpr std::uint64_t steps = std::uint64_t{1} << 53;  // a double holds no more
    const double share = static_cast<double>(random.below(steps)) / static_cast<double>(steps);
    if (share * sum_ < 1) return 0;
    if (share * sum_ < 1 + second_) return (std::min)(std::uint64_t{1}, n_ - 1);
    const double at = static_cast<double>(n_) * std::pow(slope_ * share - slope_ + 1, 1 / (1 - theta));
    return (std::min)(static_cast<std::uint64_t>(at), n_ - 1);
  }

 private:
  std::uint64_t n_;
  double second_ = std::pow(0.5, theta);  // the weight of 1, where that of 0 is 1
  double sum_ = 0;                        // of all weights
  double slope_ = 0;                      // eta in the paper
};

}  // namespace benchmark

#endif
