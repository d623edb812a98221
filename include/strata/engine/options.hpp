// Run-time amounts of a store. Mechanisms are policies and chosen at compile time.
#ifndef STRATA_ENGINE_OPTIONS_HPP
#define STRATA_ENGINE_OPTIONS_HPP

#include <chrono>
#include <optional>

#include <strata/compaction/requirements.hpp>
#include <strata/core/bytes.hpp>

namespace strata::inline STRATA_ABI {

// What survives, by the time a commit returns.
//
//   mode       a killed process                a power cut
//   none       loses what was not flushed      loses what was not flushed
//   buffered   loses nothing                   loses at most the last `sync_interval` (100 ms); with `options::never`, what the
//                                              system had not written yet
//   strict     loses nothing                   loses nothing; concurrent commits share one sync
//
// After any of these the store holds a prefix of its commits: never a hole, never half a commit.
enum class durability : std::uint8_t { none = 0, buffered = 1, strict = 2 };

// The merging of tables runs at low priority (niceness 10 more, on Linux): on a machine whose processors are all busy it gets
// a tenth of what a busy thread gets, and writers are slowed where it falls far behind.
//
// How a store behaves; every field has a default that suits a program of a few hundred MiB of memory.
struct options {
  std::optional<strata::durability> durability{};  // not given: buffered where the store has a log, else none
  bool create_if_missing = true;  // else open() of a directory without a store is errc::no_such_file

  std::uint64_t memtable_bytes = 64ull << 20;  // 64 KiB to 4 GiB: flushed beyond this; a filter takes 1/128 more
  std::uint32_t memtables_max = 3;             // 2 to 16: the active and the frozen; writers wait beyond
  std::uint64_t cache_bytes = 64ull << 20;     // blocks of tables in memory; 0 caches nothing
  std::uint64_t block_bytes = 4096;            // 1 KiB to 32 KiB: of a table's data block
  std::uint64_t table_bytes = 32ull << 20;     // 16 KiB to 4 GiB: a compaction closes an output table at this size
  std::uint64_t manifest_bytes = 256ull << 10;  // 4 KiB to 1 GiB: edits that may gather before they are written anew as one

  // A `sync_interval`: the log is synced only where a commit asks for it, and when the store is closed (RocksDB and LevelDB by
  // default: only where asked). One whose commits are in a table before the system has written it is then never written.
  static constexpr std::chrono::milliseconds never = (std::chrono::milliseconds::max)();

  // Buffered durability: the log is synced in the background when any of these is reached; where the first is never, on none.
  std::chrono::milliseconds sync_interval{100};  // 1 ms to 1 h, or never: since the oldest commit not yet synced
  std::uint64_t sync_after_bytes = 4ull << 20;

  strata::compaction::amounts compaction{};
  // Values past their expiry are removed from disk this much later, and only while the wall clock has kept pace with
  // the steady clock for as long: a clock that jumps deletes nothing.
  std::chrono::minutes expiry_margin{60};
};

// What one write may ask for beyond the store's options.
struct write_options {
  strata::durability durability = strata::durability::none;  // more than the store's; less is ignored
};

}  // namespace strata::inline STRATA_ABI

#endif
