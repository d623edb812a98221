// What a store can tell of itself.
#ifndef STRATA_ENGINE_STATISTICS_HPP
#define STRATA_ENGINE_STATISTICS_HPP

#include <atomic>
#include <vector>

#include <strata/core/entry.hpp>

namespace strata::inline STRATA_ABI {

// A picture of a store at one instant; counts are since opening. Fields are read one by one, so they may be a few
// operations apart.
struct statistics {
  struct level {
    std::uint64_t sorted_runs = 0;
    std::uint64_t tables = 0;
    std::uint64_t bytes = 0;
    std::uint64_t entries = 0;
  };

  sequence_number last_sequence = 0;
  std::uint64_t commits = 0;
  std::uint64_t writes = 0;           // keys put or erased
  std::uint64_t commit_groups = 0;    // log records; commits ÷ groups is what sharing saves
  std::uint64_t payload_bytes = 0;    // keys and values committed
  std::uint64_t conflicts = 0;        // commits refused
  std::uint64_t delayed_us = 0;       // writers slowed by the merge debt

  std::uint64_t log_bytes = 0;
  std::uint64_t log_syncs = 0;
  std::uint64_t flushes = 0;
  std::uint64_t flushed_bytes = 0;
  std::uint64_t compactions = 0;
  std::uint64_t moves = 0;                    // tables moved a level down without being rewritten
  std::uint64_t compacted_bytes_read = 0;
  std::uint64_t compacted_bytes_written = 0;
  // Bytes written to disk for each byte committed; 0 before the first commit.
  [[nodiscard]] double write_amplification() const noexcept {
    return payload_bytes == 0
               ? 0.0
               : static_cast<double>(log_bytes + flushed_bytes + compacted_bytes_written) / static_cast<double>(payload_bytes);
  }

  std::uint64_t memtables = 0;
  std::uint64_t memtable_bytes = 0;
  std::uint64_t memtable_entries = 0;
  std::uint64_t tables = 0;
  std::uint64_t table_bytes = 0;
  std::uint64_t table_entries = 0;    // versions and tombstones
  std::uint64_t index_and_filter_bytes = 0;
  std::uint64_t cache_bytes = 0;
  std::uint64_t cache_hits = 0;
  std::uint64_t cache_misses = 0;
  std::uint64_t snapshots = 0;
  std::vector<level> levels;          // down to the lowest that holds something
};

namespace engine {

// The counts that the commit leader keeps.
struct statistics_counters {
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> writes{0};
  std::atomic<std::uint64_t> groups{0};
  std::atomic<std::uint64_t> payload_bytes{0};
  std::atomic<std::uint64_t> conflicts{0};
  std::atomic<std::uint64_t> delayed_us{0};

  // One writer: a load and a store instead of a locked addition.
  static void add(std::atomic<std::uint64_t>& to, std::uint64_t count) noexcept {
    to.store(to.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
};

}  // namespace engine

}  // namespace strata::inline STRATA_ABI

#endif
