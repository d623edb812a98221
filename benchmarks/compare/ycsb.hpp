// The core workloads of YCSB: Cooper, Silberstein, Tam, Ramakrishnan and Sears, "Benchmarking cloud serving systems with
// YCSB", SoCC 2010; the mixes and key distributions are those of its workloada to workloadf.
#ifndef STRATA_BENCHMARKS_COMPARE_YCSB_HPP
#define STRATA_BENCHMARKS_COMPARE_YCSB_HPP

#include "store.hpp"
#include "zipfian.hpp"

namespace benchmark {

struct ycsb_mix {
  // Which keys are read, updated, and scanned from.
  enum class keys : bool {
    popular,  // zipfian, popularity being strewn over the key space
    latest,   // zipfian, what was inserted last being the most popular
  };
  const char* name;
  // Percent of the operations; the rest are reads.
  unsigned updates, inserts, scans, read_modify_writes;
  keys chosen;
};

// In the order in which they run: what inserts comes last.
inline constexpr ycsb_mix ycsb_mixes[] = {
    {"ycsb-a", 50, 0, 0, 0, ycsb_mix::keys::popular}, {"ycsb-b", 5, 0, 0, 0, ycsb_mix::keys::popular},
    {"ycsb-c", 0, 0, 0, 0, ycsb_mix::keys::popular},  {"ycsb-f", 0, 0, 0, 50, ycsb_mix::keys::popular},
    {"ycsb-d", 0, 5, 0, 0, ycsb_mix::keys::latest},   {"ycsb-e", 0, 5, 95, 0, ycsb_mix::keys::popular},
};

// Issues the operations, the same ones for each store, and knows what the store must hold after them.
class ycsb_client {
 public:
  static constexpr std::uint8_t rows_max = 100;  // of a scan

  // Begins with all entries of `data` having their first values, loaded in shuffled order. Throws where there are fewer
  // than rows_max entries.
  ycsb_client(const data_set& data, std::uint64_t operations);

  // Reads as often as there are operations, with keys of the same distribution, to warm the caches; then draws the operations.
  void prepare(session& through, const ycsb_mix& mix);
  // Issues what was drawn; gives how many operations that are. Nothing is drawn here: a draw costs 60 ns, which would make
  // fast stores look alike.
  std::uint64_t run(session& through);
  // Reads all that there must be.
  void verify(session& through);

 private:
  enum class action : std::uint8_t { read, write, read_modify_write, scan };
  struct operation {
    std::uint64_t record;
    action what;
    std::uint8_t rows;  // of a scan
  };

  [[nodiscard]] operation draw(random_numbers& random, const ycsb_mix& mix);
  [[nodiscard]] std::uint64_t choose(random_numbers& random, ycsb_mix::keys chosen) const noexcept;
  void read(session& through, std::uint64_t record, value_check& check);
  void write(session& through, std::uint64_t record);
  void scan(session& through, std::uint64_t first_entry, std::uint64_t rows);

  const data_set& data_;
  zipfian ranks_;
  written_records written_;
  data_set::key key_;
  std::vector<operation> operations_;
  std::uint64_t inserted_ = 0;  // by what was drawn
};

}  // namespace benchmark

#endif
