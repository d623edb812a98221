// From the numbers of all rounds to a table and a JSON file.
#ifndef STRATA_BENCHMARKS_COMPARE_REPORT_HPP
#define STRATA_BENCHMARKS_COMPARE_REPORT_HPP

#include <map>
#include <optional>

#include "../program.hpp"
#include "limits.hpp"
#include "measures.hpp"
#include "workloads.hpp"

namespace benchmark {

// The numbers of one store in one round, and its remarks.
struct outcome {
  std::map<std::string, double> numbers;
  std::map<std::string, std::string> remarks;
  std::string failed;  // what went wrong, if anything
};

class report {
 public:
  report(const plan& asked, std::vector<store_kind> stores, std::string machine)
      : asked_(asked), stores_(std::move(stores)), machine_(std::move(machine)) {}

  limits of_machine;
  // rounds[r][s]: store s in round r.
  std::vector<std::vector<outcome>> rounds;

  void print() const;
  void write_json(const std::string& path) const;

 private:
  // Of the rounds that have it.
  [[nodiscard]] std::optional<spread> value(std::size_t store, const measure& of) const;
  // How much better the first store (Strata) is than another one, or than the best peer: more than 1 is ahead, whichever
  // way is better. The ratio is taken within a round, then the median of the rounds.
  [[nodiscard]] std::optional<spread> ahead_of(std::optional<std::size_t> other, const measure& of) const;
  // The least time that the machine would allow, as a share of the time that Strata took; for measures that have a floor.
  [[nodiscard]] std::optional<double> share_of_limit(const measure& of) const;
  [[nodiscard]] std::optional<std::size_t> find(const char* name) const;

  const plan& asked_;
  std::vector<store_kind> stores_;
  std::string machine_;
};

}  // namespace benchmark

#endif
