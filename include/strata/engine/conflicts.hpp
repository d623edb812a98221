// Whether anything that a transaction has read was changed since: the check of an optimistic commit.
//
// Thread safety: the state is immutable; the commit leader calls, so that nothing is applied meanwhile.
//
// Cost: a look-up in the memtables for each key; tables are asked only when they hold commits newer than the read. A range
// is walked in the sources that hold newer commits.
#ifndef STRATA_ENGINE_CONFLICTS_HPP
#define STRATA_ENGINE_CONFLICTS_HPP

#include <strata/core/hash.hpp>
#include <strata/engine/cursor.hpp>
#include <strata/engine/read_set.hpp>

namespace strata::inline STRATA_ABI::engine {

// True when a version of `key`, of any kind, is newer than `since`, or a newer range tombstone lies over it.
template <typename State>
[[nodiscard]] result<bool> key_changed(const State& state, bytes_view key, sequence_number since) {
  if (state.has_range_tombstones() && state.covering(key, sequence_max) > since) return true;
  entry newest;
  for (const auto& each : state.memory)
    if (each->memtable().get(key, sequence_max, newest)) return newest.sequence > since;
  const std::uint64_t hash = hash64(key);
  for (const auto& level : state.tables->levels()) {
    for (const auto& run : level.runs) {
      const auto* candidate = run.find(key);
      if (candidate == nullptr || candidate->facts().highest_sequence <= since) continue;
      typename std::remove_cvref_t<decltype(candidate->table())>::lookup found;
      STRATA_TRY_LET(there, candidate->table().get(key, hash, sequence_max, found));
      if (there) return found.found().sequence > since;
    }
  }
  return false;
}

[[nodiscard]] inline bool lies_in(const read_set::range& range, bytes_view begin, bytes_view end) noexcept {
  return end > bytes_view(range.begin) && (range.unbounded || begin < bytes_view(range.end));
}
[[nodiscard]] inline bool erased_in(const range_tombstone_list& list, const read_set::range& range, sequence_number since) noexcept {
  for (const auto& piece : list.fragments())
    if (piece.sequences.front() > since && lies_in(range, piece.begin, piece.end)) return true;
  return false;
}

// True when any version in `range` is newer than `since`, or a newer range tombstone lies over a part of it.
template <typename Environment, typename Memtable, typename Sstable>
[[nodiscard]] result<bool> range_changed(const read_state<Environment, Memtable, Sstable>& state, const read_set::range& range,
                                         sequence_number since) {
  merging_cursor<Environment, Memtable, Sstable> merge;
  for (const auto& each : state.memory) {
    if (const range_tombstone_list* list = each->range_tombstones())
      if (erased_in(*list, range, since)) return true;
    merge.add(each->memtable());
  }
  for (const auto& level : state.tables->levels()) {
    for (const auto& run : level.runs) {
      bool newer = false;
      for (const auto& table : run.tables) {
        if (table->facts().highest_sequence <= since) continue;
        newer = true;
        if (erased_in(table->table().range_tombstones(), range, since)) return true;
      }
      if (newer) merge.add(run, sstable::usage::scan);
    }
  }
  for (merge.seek(range.begin, sequence_max); merge.valid(); merge.next()) {
    const entry& e = merge.current();
    if (!range.unbounded && e.key >= bytes_view(range.end)) break;
    if (e.sequence > since) return true;
  }
  STRATA_TRY(merge.status());
  return false;
}

// True when anything in `reads` has changed. Errors: those of reading tables.
template <typename State>
[[nodiscard]] result<bool> has_changed(const State& state, const read_set& reads) {
  for (const byte_string& key : reads.keys) {
    STRATA_TRY_LET(changed, key_changed(state, key, reads.at));
    if (changed) return true;
  }
  for (const read_set::range& range : reads.ranges) {
    if (!range.unbounded && range.begin >= range.end) continue;
    STRATA_TRY_LET(changed, range_changed(state, range, reads.at));
    if (changed) return true;
  }
  return false;
}

}  // namespace strata::inline STRATA_ABI::engine

#endif
