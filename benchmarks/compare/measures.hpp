// What is measured: one list, which says how each number is shown and which way is better.
#ifndef STRATA_BENCHMARKS_COMPARE_MEASURES_HPP
#define STRATA_BENCHMARKS_COMPARE_MEASURES_HPP

#include <cstring>

namespace benchmark {

enum class better : bool { lower, higher };

struct measure {
  const char* key;
  const char* label;
  const char* unit;
  better way;
};

inline constexpr measure measures[] = {
    {"fillseq", "fillseq", "1/s", better::higher},
    {"fillrandom", "fillrandom", "1/s", better::higher},
    {"fillrandom_p50", "  put p50", "us", better::lower},
    {"fillrandom_p99", "  put p99", "us", better::lower},
    {"fillrandom_p999", "  put p99.9", "us", better::lower},
    {"fillrandom_max", "  put max", "us", better::lower},
    {"settle", "settle after the load", "s", better::lower},
    {"write_amplification", "write amplification", "x", better::lower},
    {"disk_settled", "on disk, settled", "MiB", better::lower},
    {"disk_peak", "on disk, peak", "MiB", better::lower},
    {"reopen_settled", "reopen, settled", "ms", better::lower},
    {"memory_to_open", "memory to open, an entry", "B", better::lower},
    {"readrandom", "readrandom (hit, warm)", "1/s", better::higher},
    {"readrandom_device", "  KiB of the device, a get", "KiB", better::lower},
    {"readmissing", "readmissing", "1/s", better::higher},
    {"scan", "scan, entries", "1/s", better::higher},
    {"seek", "seek + 10 next", "1/s", better::higher},
    {"overwrite", "overwrite (settled)", "1/s", better::higher},
    {"overwrite_p50", "  put p50", "us", better::lower},
    {"overwrite_p99", "  put p99", "us", better::lower},
    {"overwrite_p999", "  put p99.9", "us", better::lower},
    {"overwrite_max", "  put max", "us", better::lower},
    {"reopen_log", "reopen after overwrite", "ms", better::lower},
    {"readwhilewriting", "readwhilewriting, reads", "1/s", better::higher},
    {"readwhilewriting_writes", "  writes meanwhile", "1/s", better::higher},
    {"ycsb-a", "YCSB A, half updates", "1/s", better::higher},
    {"ycsb-b", "YCSB B, 5 % updates", "1/s", better::higher},
    {"ycsb-c", "YCSB C, reads only", "1/s", better::higher},
    {"ycsb-d", "YCSB D, reads of latest", "1/s", better::higher},
    {"ycsb-e", "YCSB E, short scans", "1/s", better::higher},
    {"ycsb-f", "YCSB F, read-modify-write", "1/s", better::higher},
    {"fillsync", "fillsync, 1 thread", "1/s", better::higher},
    {"fillsync_device", "  the device beside it", "1/s", better::higher},
    {"fillsync16", "fillsync, 16 threads", "1/s", better::higher},
    {"memory_peak", "memory, peak resident", "MiB", better::lower},
    {"memory_private", "  of it private", "MiB", better::lower},
};

// What runs unless --workloads names others; all but the fills of their own work on what fillrandom has loaded.
inline constexpr const char* workloads[] = {"fillseq", "fillrandom", "readrandom",       "readmissing", "scan",
                                            "seek",    "overwrite",  "readwhilewriting", "fillsync",    "fillsync16"};

// Run only when they are named; on a settled store too.
inline constexpr const char* ycsb_workloads[] = {"ycsb-a", "ycsb-b", "ycsb-c", "ycsb-d", "ycsb-e", "ycsb-f"};

}  // namespace benchmark

#endif
