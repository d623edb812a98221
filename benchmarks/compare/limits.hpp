// What the machine itself can do, measured in the same run as the stores.
#ifndef STRATA_BENCHMARKS_COMPARE_LIMITS_HPP
#define STRATA_BENCHMARKS_COMPARE_LIMITS_HPP

#include <cstdio>
#include <string>

namespace benchmark {

struct limits {
  double syncs_per_s = 0;          // fdatasync after a write of 128 B in place, the file written and synced before
  double appended_syncs_per_s = 0; // fdatasync after an append of 128 B
  double sequential_mb_per_s = 0;  // 256 MiB written in pieces of 1 MiB, and synced
  double random_reads_per_s = 0;   // of 4 KiB in these 256 MiB, one after the other, past the page cache; 0 where that cannot be
  double pointer_chase_ns = 0;     // a dependent read in 128 MiB
  double memcpy_gb_per_s = 0;      // bytes copied, 64 MiB at a time
  double write_call_ns = 0;        // write() of 128 B to the end of a file
  double clock_ns = 0;             // reading the clock, as each put of fillrandom and overwrite does once

  // A line for each, and an object of JSON.
  void print() const;
  void write_json(std::FILE* out) const;
};

// fdatasync after a write of 128 B in place, a second: the most that the device gives at this moment. Makes and removes
// one file.
[[nodiscard]] double device_syncs_per_s(const std::string& directory, double seconds);

// Makes and removes one file in `directory`.
[[nodiscard]] limits measure_limits(const std::string& directory);

}  // namespace benchmark

#endif
