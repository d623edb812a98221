// The workloads, for one store in a process of its own.
#ifndef STRATA_BENCHMARKS_COMPARE_WORKLOADS_HPP
#define STRATA_BENCHMARKS_COMPARE_WORKLOADS_HPP

#include <functional>
#include <set>

#include "store.hpp"

namespace benchmark {

struct plan {
  std::uint64_t entries = 1'000'000;
  std::size_t key_bytes = 16;
  std::size_t value_bytes = 100;
  std::uint64_t cache_bytes = std::uint64_t{512} << 20;
  std::uint64_t write_buffer_bytes = std::uint64_t{64} << 20;
  double sync_seconds = 3;
  std::uint64_t reads_max = UINT64_MAX;  // of a workload that reads single keys; YCSB's operations too
  std::uint64_t memory_bytes = 0;        // what the store's process and its page cache may take; 0: all there is
  std::set<std::string> workloads;
};

// Where numbers and remarks go as they come up.
struct observer {
  std::function<void(const char* key, double value)> number;
  std::function<void(const char* key, const std::string& text)> remark;
};

// Runs the plan's workloads in `directory`, which it empties. Throws what goes wrong, a read that gives the wrong thing too.
void run_workloads(const store_kind& kind, const plan& asked, const std::string& directory, const observer& tell);

// Bytes that the files below a directory take on the device.
[[nodiscard]] std::uint64_t bytes_on_disk(const std::string& directory);

}  // namespace benchmark

#endif
