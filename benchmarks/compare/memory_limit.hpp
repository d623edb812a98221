// A budget of memory for one process that counts the page cache too, so that data larger than memory can be measured on a
// machine that has more.
//
// The kernel does the counting, in a control group made for the run (version 1: memory.limit_in_bytes; version 2: memory.max):
// what no file backs, the pages of the files that the process reads, writes or maps first, and what the kernel keeps for
// it. What goes beyond is dropped or written back; where neither can be done, the kernel ends the process.
#ifndef STRATA_BENCHMARKS_COMPARE_MEMORY_LIMIT_HPP
#define STRATA_BENCHMARKS_COMPARE_MEMORY_LIMIT_HPP

#include <cstdint>
#include <filesystem>

namespace benchmark {

class memory_limit {
 public:
  // Makes the group, within the one that this process is in. Throws failure where the machine does not allow it.
  explicit memory_limit(std::uint64_t bytes);
  memory_limit(const memory_limit&) = delete;
  memory_limit& operator=(const memory_limit&) = delete;
  // Removes the group. Requires: its processes have ended.
  ~memory_limit();

  // Puts the calling process into the group; it then ends with its parent. Requires: it has one thread.
  void enter() const;
  // Whether the kernel has ended a process of the group because there was nothing left to drop.
  [[nodiscard]] bool was_exceeded() const;

 private:
  std::filesystem::path group_;
};

}  // namespace benchmark

#endif
