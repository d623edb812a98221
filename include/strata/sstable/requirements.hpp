// The sorted table: versions in order in one immutable file, with what it takes to find one fast.
//
// Requirements. `S` is the policy (a tag), `E` the environment, `b` a value of `S::builder<E>`, `t` a const value of
// `S::table<E>`, `c` of its cursor, `k` a `S::cache<E>`. All reads are of any thread; a builder and a cursor are of one.
//
// expression                       returns                           what must hold
// -------------------------------  --------------------------------  -------------------------------------------------
// S::cache<E>(e, bytes)                                              what all tables of a store share; at most `bytes`
//                                                                    of blocks that no reader holds
// k.stats()                        sstable::cache_stats              hits, misses, bytes
// S::builder<E>::create(e, s)      result<S::builder<E>>             makes the file of `sstable::settings s`; it must not
//                                                                    exist
// b.add(entry)                     result<void>                      in the order of core/entry.hpp, no pair twice
//                                                                    (invalid_argument otherwise, and where a value with
//                                                                    expiry is shorter than its expiry)
// b.add(range_tombstone)           result<void>                      any order, any time before finish
// b.bytes()                        std::uint64_t                     of the file if it were finished now, roughly
// b.finish()                       result<sstable::facts>            writes the rest and syncs the file (not the
//                                                                    directory). Without it the file is worthless and the
//                                                                    caller removes it
// S::table<E>::open(e, s, k)       result<std::unique_ptr<S::table<E>>> checks all but the data blocks, which are checked
//                                                                    as they are read; k outlives the table
// t.facts()                        const sstable::facts&             as finish() returned them
// t.range_tombstones()             const range_tombstone_list&       all of the table's
// t.prefetch(hash)                 void                              brings the filter's line near; optional in effect
// t.get(key, hash, at, l)          result<bool>                      the newest version of key with sequence ≤ at, of any
//                                                                    kind, into `S::table<E>::lookup& l`; hash is
//                                                                    hash64(key). Range tombstones are not applied.
//                                                                    l.found() is the entry, valid as long as l and `key`
// t.memory_bytes()                 std::uint64_t                     pinned by the open table: index, filter
// t.verify()                       result<void>                      reads every block: checksums, order, counts, bounds,
//                                                                    filter. Bypasses the cache
// S::table<E>::cursor(t, u)                                          over t, at no entry; u is `sstable::usage`
// c.valid(), c.current()           bool, entry                       the entry is valid until the cursor moves
// c.seek_first(), c.seek_last(), c.seek(key, sequence), c.next(), c.prev()   as a memtable's; all void; after a read
//                                                                    error invalid
// c.status()                       result<void>                      the read error that ended it, if any
//
// A table belongs to a store (id) and has a number; both, and each block's place, are inside the checksums, so that a
// block of another table or another place is corruption. Sizes found in a file are checked against the file before
// anything is allocated. Keys in a table: smallest ≤ key < limit, where both cover its range tombstones too.
#ifndef STRATA_SSTABLE_REQUIREMENTS_HPP
#define STRATA_SSTABLE_REQUIREMENTS_HPP

#include <concepts>
#include <memory>

#include <strata/core/range_tombstones.hpp>
#include <strata/environment/requirements.hpp>

namespace strata::inline STRATA_ABI {

namespace sstable {

struct settings {
  std::string path;                   // of the file
  std::uint64_t number = 0;           // file number
  std::uint64_t store_id = 0;         // the same for a store's life
  std::uint64_t block_bytes = 4096;   // builder: a data block is closed at this size; 1 KiB to 32 KiB
  std::uint64_t newest_time_us = 0;   // builder: wall clock of the newest commit in it, kept in the facts
};

// What is known of a table without reading its blocks.
struct facts {
  std::uint64_t bytes = 0;             // of the file
  std::uint64_t entries = 0;           // versions, tombstones included
  std::uint64_t tombstones = 0;        // point tombstones among them
  std::uint64_t range_tombstones = 0;
  std::uint64_t hidden_versions = 0;   // entries behind a newer one of the same key
  std::uint64_t newest_time_us = 0;
  std::uint64_t earliest_expiry_us = UINT64_MAX;  // µs since 1970; UINT64_MAX: no entry expires
  std::uint64_t median_expiry_us = UINT64_MAX;    // when about half of the entries that expire have done so
  sequence_number lowest_sequence = 0;   // of entries and range tombstones
  sequence_number highest_sequence = 0;
  byte_string smallest;                // the first key, or the begin of a range tombstone before it
  byte_string limit;                   // above every key: the last key with a zero byte behind it, or a later end of a range tombstone
  friend bool operator==(const facts&, const facts&) = default;
};

// What a cursor is for: `scan` fills the cache, `once` (compaction, backup) passes it by and reads ahead.
enum class usage : std::uint8_t { scan, once };

struct cache_stats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t bytes = 0;           // held now
  std::uint64_t bytes_capacity = 0;
};

}  // namespace sstable

namespace requirements {

template <typename Policy, typename Environment>
concept sstable_builder = std::movable<typename Policy::template builder<Environment>> &&
                          requires(typename Policy::template builder<Environment>& b,
                                   const typename Policy::template builder<Environment>& constant, const Environment& e,
                                   const sstable::settings& s, const entry& item, const range_tombstone& erased) {
                            {
                              Policy::template builder<Environment>::create(e, s)
                            } -> std::same_as<result<typename Policy::template builder<Environment>>>;
                            { b.add(item) } -> std::same_as<result<void>>;
                            { b.add(erased) } -> std::same_as<result<void>>;
                            { constant.bytes() } -> std::same_as<std::uint64_t>;
                            { b.finish() } -> std::same_as<result<sstable::facts>>;
                          };

template <typename Policy, typename Environment>
concept sstable_reading =
    std::constructible_from<typename Policy::template cache<Environment>, const Environment&, std::uint64_t> &&
    std::default_initializable<typename Policy::template table<Environment>::lookup> &&
    requires(const typename Policy::template table<Environment>& t, typename Policy::template cache<Environment>& k,
             typename Policy::template table<Environment>::lookup& l, const Environment& e, const sstable::settings& s,
             bytes_view key, std::uint64_t hash, sequence_number at) {
      {
        Policy::template table<Environment>::open(e, s, k)
      } -> std::same_as<result<std::unique_ptr<typename Policy::template table<Environment>>>>;
      { k.stats() } -> std::same_as<sstable::cache_stats>;
      { t.facts() } -> std::same_as<const sstable::facts&>;
      { t.range_tombstones() } -> std::same_as<const range_tombstone_list&>;
      t.prefetch(hash);
      { t.get(key, hash, at, l) } -> std::same_as<result<bool>>;
      { l.found() } -> std::same_as<entry>;
      { t.memory_bytes() } -> std::same_as<std::uint64_t>;
      { t.verify() } -> std::same_as<result<void>>;
    };

template <typename Policy, typename Environment>
concept sstable_cursor =
    std::movable<typename Policy::template table<Environment>::cursor> &&
    std::constructible_from<typename Policy::template table<Environment>::cursor,
                            const typename Policy::template table<Environment>&, sstable::usage> &&
    requires(typename Policy::template table<Environment>::cursor& c,
             const typename Policy::template table<Environment>::cursor& constant, bytes_view key, sequence_number sequence) {
      { constant.valid() } -> std::same_as<bool>;
      { constant.current() } -> std::same_as<entry>;
      { constant.status() } -> std::same_as<result<void>>;
      c.seek_first();
      c.seek_last();
      c.seek(key, sequence);
      c.next();
      c.prev();
    };

// All of the above: what the sstable slot takes.
template <typename Policy, typename Environment>
concept sstable =
    sstable_builder<Policy, Environment> && sstable_reading<Policy, Environment> && sstable_cursor<Policy, Environment>;

}  // namespace requirements

namespace detail {

template <typename Policy, typename Environment>
consteval bool check_sstable() {
  static_assert(requirements::sstable_builder<Policy, Environment>,
                "strata: sstable: the nested builder<Environment> is missing or incomplete; see sstable/requirements.hpp");
  static_assert(requirements::sstable_reading<Policy, Environment>,
                "strata: sstable: the nested table<Environment> or cache<Environment> is missing or incomplete; see sstable/requirements.hpp");
  static_assert(requirements::sstable_cursor<Policy, Environment>,
                "strata: sstable: the nested table<Environment>::cursor is missing or incomplete; see sstable/requirements.hpp");
  return true;
}

}  // namespace detail

}  // namespace strata::inline STRATA_ABI

#endif
