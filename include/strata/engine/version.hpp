// Versions: which tables make up the store at one instant.
//
// A version is immutable and shared; an edit makes the next one out of it. Thread safety: any thread reads; versions and
// handles are held by std::shared_ptr, and a table's file lives as long as a version that names it.
//
//   1. Levels hold sorted runs, newest first; a sorted run's tables are in key order and their [smallest, limit) do not
//      overlap. Of one key, every version in a level (and in a sorted run of it) is newer than those below (after) it.
//   2. A table's file is removed when it is obsolete (a durable edit dropped it, or none ever named it) and nobody reads it
//      any more.
#ifndef STRATA_ENGINE_VERSION_HPP
#define STRATA_ENGINE_VERSION_HPP

#include <atomic>
#include <memory>

#include <strata/compaction/requirements.hpp>
#include <strata/core/coding.hpp>
#include <strata/core/dynamic_array.hpp>
#include <strata/core/ordering.hpp>
#include <strata/engine/file_names.hpp>
#include <strata/sstable/requirements.hpp>

namespace strata::inline STRATA_ABI::engine {

// An open table and what becomes of its file.
template <typename Environment, typename Sstable>
class table_handle {
 public:
  using table_type = typename Sstable::template table<Environment>;

  table_handle(const Environment& environment, byte_string path, std::uint64_t number, std::unique_ptr<table_type> table)
      : environment_(environment), process_(environment.process_id()), path_(std::move(path)), number_(number),
        table_(std::move(table)) {}
  table_handle(const table_handle&) = delete;
  table_handle& operator=(const table_handle&) = delete;
  ~table_handle() {
    table_.reset();
    // Best effort: a file that stays is removed at the next open, which knows that no version names it. A forked child
    // leaves it to the parent.
    if (obsolete_.load(std::memory_order_acquire) && environment_.process_id() == process_)
      static_cast<void>(environment_.remove_file(path_));
  }

  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] const byte_string& path() const noexcept { return path_; }
  [[nodiscard]] const table_type& table() const noexcept { return *table_; }
  [[nodiscard]] const sstable::facts& facts() const noexcept { return table_->facts(); }

  // The file goes with the handle: a durable edit drops the table, or none names it yet.
  void mark_obsolete() noexcept { obsolete_.store(true, std::memory_order_release); }
  // The file stays: the manifest may name the table from now on.
  void mark_needed() noexcept { obsolete_.store(false, std::memory_order_release); }

 private:
  Environment environment_;
  std::uint64_t process_;
  byte_string path_;
  std::uint64_t number_;
  std::unique_ptr<table_type> table_;
  std::atomic<bool> obsolete_{false};
};

// What an edit may say at most: beyond it, it is not one of ours.
//
// Of files, with room for 18 digits, as many as file_names.hpp reads back: an opening may write a manifest whose number is
// one above the ceiling. Of commits, below the sequences of a transaction's own writes (engine/cursor.hpp).
inline constexpr std::uint64_t file_number_max = 999'999'999'000'000'000;
inline constexpr sequence_number overlay_sequences = sequence_number{1} << 40;
inline constexpr sequence_number commit_sequence_max = sequence_max - overlay_sequences;

// One change of the set of tables, as the manifest records it.
//
//     edit     field …
//     field    1 · counters   flushed sequence · sequence ceiling · file ceiling · last time (µs)   varints
//              2 · log        first segment that is still needed                                    varint
//              3 · drop       table number                                                          varint
//              4 · add        level · sorted run · number · bytes · entries · tombstones · range tombstones
//                             · hidden versions · newest time · earliest expiry + 1 · median expiry + 1
//                             · lowest sequence · highest sequence (varints) · smallest · limit (sized)
//              5 · kept       every commit up to this sequence is durable, in tables or in the log    varint
//
// Frozen: on disk.
struct version_edit {
  struct added_table {
    std::uint32_t level = 0;
    std::uint64_t run = 0;  // of the level: the higher, the newer; 0 where the level was empty and keeps one sorted run
    std::uint64_t number = 0;
    sstable::facts facts;
  };
  struct counters {
    sequence_number flushed_sequence = 0;  // of the newest commit that is in tables
    sequence_number sequence_ceiling = 0;  // none above it was handed out
    std::uint64_t file_ceiling = 0;        // no file with a higher number was made
    std::uint64_t last_time_us = 0;
  };

  bool has_counters = false;
  counters counts;
  std::uint64_t log_number = 0;  // 0: unchanged
  sequence_number kept_sequence = 0;  // 0: says nothing
  dynamic_array<std::uint64_t> dropped;
  dynamic_array<added_table> added;

  STRATA_COLD void append_to(byte_string& out) const {
    if (has_counters) {
      out.push_back(1);
      append_varint(out, counts.flushed_sequence);
      append_varint(out, counts.sequence_ceiling);
      append_varint(out, counts.file_ceiling);
      append_varint(out, counts.last_time_us);
    }
    if (log_number != 0) {
      out.push_back(2);
      append_varint(out, log_number);
    }
    for (const std::uint64_t number : dropped) {
      out.push_back(3);
      append_varint(out, number);
    }
    for (const added_table& table : added) {
      out.push_back(4);
      for (const std::uint64_t field :
           {std::uint64_t{table.level}, table.run, table.number, table.facts.bytes, table.facts.entries, table.facts.tombstones,
            table.facts.range_tombstones, table.facts.hidden_versions, table.facts.newest_time_us,
            table.facts.earliest_expiry_us + 1, table.facts.median_expiry_us + 1, table.facts.lowest_sequence,
            table.facts.highest_sequence})
        append_varint(out, field);
      append_sized(out, table.facts.smallest);
      append_sized(out, table.facts.limit);
    }
    if (kept_sequence != 0) {
      out.push_back(5);
      append_varint(out, kept_sequence);
    }
  }

  // False when `bytes` are not what append_to makes, or say more than may be said.
  [[nodiscard]] STRATA_COLD bool parse(bytes_view bytes) {
    byte_reader in(bytes);
    while (in.ok() && in.remaining() > 0) {
      switch (in.fixed<std::uint8_t>()) {
        case 1:
          has_counters = true;
          counts.flushed_sequence = in.varint();
          counts.sequence_ceiling = in.varint();
          counts.file_ceiling = in.varint();
          counts.last_time_us = in.varint();
          if (counts.flushed_sequence > commit_sequence_max || counts.sequence_ceiling > commit_sequence_max) return false;
          if (counts.file_ceiling > file_number_max) return false;
          break;
        case 2:
          log_number = in.varint();
          if (log_number > file_number_max) return false;
          break;
        case 3: dropped.push_back(in.varint()); break;
        case 4: parse_added(in); break;
        case 5:
          kept_sequence = in.varint();
          if (kept_sequence > commit_sequence_max) return false;
          break;
        default: return false;
      }
    }
    return in.complete();
  }

 private:
  void parse_added(byte_reader& in) {
    added_table table;
    const std::uint64_t level = in.varint();
    if (level >= compaction::levels_max) return in.fail();
    table.level = static_cast<std::uint32_t>(level);
    for (std::uint64_t* field : {&table.run, &table.number, &table.facts.bytes, &table.facts.entries, &table.facts.tombstones,
                                 &table.facts.range_tombstones, &table.facts.hidden_versions, &table.facts.newest_time_us,
                                 &table.facts.earliest_expiry_us, &table.facts.median_expiry_us,
                                 &table.facts.lowest_sequence, &table.facts.highest_sequence})
      *field = in.varint();
    if (table.run > file_number_max || table.number > file_number_max) return in.fail();
    --table.facts.earliest_expiry_us;
    --table.facts.median_expiry_us;
    table.facts.smallest = in.sized();
    table.facts.limit = in.sized();
    if (in.ok()) added.push_back(std::move(table));
  }
};

template <typename Environment, typename Sstable>
class version {
 public:
  using handle = table_handle<Environment, Sstable>;
  using handle_ptr = std::shared_ptr<handle>;

  struct sorted_run {
    std::uint64_t number = 0;
    dynamic_array<handle_ptr> tables;

    // The table whose [smallest, limit) holds `key`, or none. O(log tables).
    [[nodiscard]] const handle* find(bytes_view key) const noexcept {
      const std::size_t index = first_not_before(key);
      if (index == tables.size() || key < bytes_view(tables[index]->facts().smallest)) return nullptr;
      return tables[index].get();
    }
    // The index of the first table whose limit is above `key`.
    [[nodiscard]] std::size_t first_not_before(bytes_view key) const noexcept {
      return first_behind(tables, [&](const handle_ptr& t) { return bytes_view(t->facts().limit) <= key; });
    }
  };
  struct level {
    dynamic_array<sorted_run> runs;
  };

  [[nodiscard]] const dynamic_array<level>& levels() const noexcept { return levels_; }
  [[nodiscard]] std::size_t table_count() const noexcept {
    std::size_t count = 0;
    each_table([&](std::size_t, const sorted_run&, const handle_ptr&) { ++count; });
    return count;
  }
  [[nodiscard]] std::uint64_t table_bytes() const noexcept {
    std::uint64_t bytes = 0;
    each_table([&](std::size_t, const sorted_run&, const handle_ptr& t) { bytes += t->facts().bytes; });
    return bytes;
  }
  // Tables with range tombstones: what decides whether a read has to look for them.
  [[nodiscard]] bool has_range_tombstones() const noexcept { return has_range_tombstones_; }

  // Calls visit(level, sorted run, table handle) for every table, newest data first.
  STRATA_COLD void each_table(function_ref<void(std::size_t, const sorted_run&, const handle_ptr&)> visit) const {
    for (std::size_t i = 0; i < levels_.size(); ++i)
      for (const sorted_run& run : levels_[i].runs)
        for (const handle_ptr& table : run.tables) visit(i, run, table);
  }

  // Whether time or the end of a snapshot can make garbage of something in the tables.
  [[nodiscard]] STRATA_COLD bool may_gain_garbage() const {
    bool may = false;
    each_table([&](std::size_t, const sorted_run&, const handle_ptr& t) {
      const sstable::facts& f = t->facts();
      may = may || f.earliest_expiry_us != UINT64_MAX || f.hidden_versions + f.tombstones + f.range_tombstones > 0;
    });
    return may;
  }

  // What a compaction policy sees of this version at a wall clock of `now_us`, when values whose expiry is before
  // `expired_before_us` may be removed and no snapshot is older than `oldest_snapshot`.
  [[nodiscard]] STRATA_COLD compaction::shape shape(std::uint64_t now_us, std::uint64_t expired_before_us,
                                                    sequence_number oldest_snapshot) const {
    compaction::shape seen;
    seen.now_us = now_us;
    seen.levels.resize(levels_.size());
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      for (const sorted_run& run : levels_[i].runs) {
        compaction::sorted_run_shape& out = seen.levels[i].runs.emplace_back();
        out.number = run.number;
        for (const handle_ptr& t : run.tables) {
          const sstable::facts& f = t->facts();
          const std::uint64_t tombstones = f.tombstones + f.range_tombstones;
          // A snapshot that is older than some entry may be what the others are kept for.
          const std::uint64_t unneeded = oldest_snapshot < f.highest_sequence ? 0 : f.hidden_versions + tombstones;
          const bool has_garbage = f.earliest_expiry_us < expired_before_us || unneeded > 0;
          // A rewrite that drops half of what can expire costs as much as it saves; dead versions are mixed with what lives
          // on for longer. Without a threshold a table would be written again for each value that expires.
          const bool is_worth_rewriting =
              f.median_expiry_us < expired_before_us || (unneeded > 0 && unneeded >= f.entries / 4);
          out.tables.push_back({t->number(), f.bytes, f.entries, tombstones, f.newest_time_us, f.smallest, f.limit,
                                has_garbage, is_worth_rewriting});
        }
      }
    }
    return seen;
  }

  // The version after `edit`; `known` holds the handles of tables that are not in this version. Returns null when the
  // edit does not fit: it drops what is not there, adds a number twice, or makes tables of a sorted run overlap.
  [[nodiscard]] STRATA_COLD std::shared_ptr<const version> after(const version_edit& edit,
                                                                 dynamic_array<handle_ptr> known) const {
    version next;
    next.levels_.resize(compaction::levels_max);
    dynamic_array<std::uint64_t> dropped(edit.dropped);
    sort_ascending(dropped);
    std::size_t dropped_found = 0;
    each_table([&](std::size_t at_level, const sorted_run& run, const handle_ptr& t) {
      known.push_back(t);
      if (contains_sorted(dropped, t->number())) {
        ++dropped_found;
      } else {
        next.place(at_level, run.number, t);
      }
    });
    if (dropped_found != dropped.size()) return nullptr;
    sort_by(known, [](const handle_ptr& a, const handle_ptr& b) { return a->number() < b->number(); });
    for (const version_edit::added_table& added : edit.added) {
      const std::size_t at = first_behind(known, [&](const handle_ptr& t) { return t->number() < added.number; });
      if (at == known.size() || known[at]->number() != added.number) return nullptr;
      next.place(added.level, added.run, known[at]);
    }
    return next.settle() ? std::make_shared<const version>(std::move(next)) : nullptr;
  }

 private:
  STRATA_COLD void place(std::size_t at_level, std::uint64_t run_number, const handle_ptr& table) {
    dynamic_array<sorted_run>& runs = levels_[at_level].runs;
    for (sorted_run& run : runs)
      if (run.number == run_number) return run.tables.push_back(table);
    runs.push_back({run_number, {}});
    runs.back().tables.push_back(table);
  }

  // Puts runs and tables in order and checks invariant 1 as far as facts can tell.
  [[nodiscard]] STRATA_COLD bool settle() {
    has_range_tombstones_ = false;
    dynamic_array<std::uint64_t> numbers;
    for (level& each : levels_) {
      sort_by(each.runs, [](const sorted_run& a, const sorted_run& b) { return a.number > b.number; });
      for (sorted_run& run : each.runs) {
        sort_by(run.tables,
                [](const handle_ptr& a, const handle_ptr& b) { return a->facts().smallest < b->facts().smallest; });
        for (std::size_t i = 0; i < run.tables.size(); ++i) {
          numbers.push_back(run.tables[i]->number());
          has_range_tombstones_ = has_range_tombstones_ || run.tables[i]->facts().range_tombstones > 0;
          if (i > 0 && run.tables[i - 1]->facts().limit > run.tables[i]->facts().smallest) return false;
        }
      }
    }
    sort_ascending(numbers);
    for (std::size_t i = 1; i < numbers.size(); ++i)
      if (numbers[i - 1] == numbers[i]) return false;
    return true;
  }

  dynamic_array<level> levels_;
  bool has_range_tombstones_ = false;
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
