// The merge of a flush or a compaction: many sources in, new tables out, and the rule of what may be dropped.
//
//   1. A version may go only if no snapshot sees it: of one key, of all versions between two neighbouring snapshots (a
//      stripe) only the newest is seen by anyone.
//   2. A tombstone may go only if, besides, nothing older of its key lies outside the inputs, and no snapshot is older
//      than the tombstone. A range tombstone likewise, for its whole range.
//   3. An expired value becomes a tombstone, and so hides what is older until rule 2 holds.
//   4. All versions of a key go into one table.
//   5. A read error ends the job; what was read is counted against what the inputs said they hold.
//   6. A file that it made belongs to the job until its table is open, then to the table's handle; it goes with its owner
//      until an edit names it (version_set::install). So whatever fails, and wherever memory runs out, none stays.
//
// Thread safety: one thread. A crash leaves files to the next open, which knows that no version names them.
#ifndef STRATA_ENGINE_COMPACTION_JOB_HPP
#define STRATA_ENGINE_COMPACTION_JOB_HPP

#include <optional>

#include <strata/compaction/reserved_run.hpp>
#include <strata/engine/cursor.hpp>
#include <strata/engine/options.hpp>

namespace strata::inline STRATA_ABI::engine {

// What the readers of a store can still see.
struct retention {
  dynamic_array<sequence_number> snapshots;  // ascending
  std::uint64_t expired_before_us = 0;     // values whose expiry is before this may be removed

  // The index of the first snapshot that sees `sequence`; versions with the same index hide each other.
  [[nodiscard]] std::size_t stripe(sequence_number sequence) const noexcept {
    return first_behind(snapshots, [&](sequence_number each) { return each < sequence; });
  }
};

template <typename Environment, typename Memtable, typename Sstable>
class compaction_job {
 public:
  using version_type = version<Environment, Sstable>;
  using handle = table_handle<Environment, Sstable>;
  using sorted_run = typename version_type::sorted_run;
  using table_type = typename Sstable::template table<Environment>;
  using builder_type = typename Sstable::template builder<Environment>;
  using cache_type = typename Sstable::template cache<Environment>;

  struct output {
    std::uint64_t number = 0;
    std::shared_ptr<handle> table;
  };

  compaction_job(const Environment& environment, bytes_view directory, std::uint64_t store_id, const options& amounts,
                 cache_type& cache, retention kept)
      : environment_(environment), directory_(directory), store_id_(store_id), amounts_(amounts), cache_(cache),
        kept_(std::move(kept)) {}
  compaction_job(const compaction_job&) = delete;
  compaction_job& operator=(const compaction_job&) = delete;
  ~compaction_job() {
    builder_.reset();
    if (!unopened_.empty()) static_cast<void>(environment_.remove_file(unopened_));
  }

  // Sources, newest first; memtables before runs.
  void add_input(const memory_unit<Memtable>& unit) {
    merge_.add(unit.memtable());
    entries_expected_ += unit.memtable().entries();
    newest_time_us_ = (std::max)(newest_time_us_, unit.newest_time_us());
    if (const range_tombstone_list* list = unit.range_tombstones()) collect(*list);
  }
  // `run` holds those tables of one sorted run that are inputs, and outlives the job.
  void add_input(const sorted_run& run) {
    merge_.add(run, sstable::usage::once);
    for (const auto& table : run.tables) {
      entries_expected_ += table->facts().entries;
      newest_time_us_ = (std::max)(newest_time_us_, table->facts().newest_time_us);
      collect(table->table().range_tombstones());
    }
  }
  // Tables of one sorted run that are no inputs and may hold older versions of the inputs' keys.
  void add_older(sorted_run run) { older_.push_back(std::move(run)); }
  // Outputs are closed at table_bytes only when `split`; `whole` makes one.
  enum class cutting : std::uint8_t { whole, split };
  // Whether the store's own run comes into tables of its own, one more where there are both: compaction/reserved_run.hpp.
  enum class reserved_rows : std::uint8_t { among_others, apart };

  using number_source = function_ref<result<std::uint64_t>()>;

  // Does the work. `next_number` gives fresh file numbers: result<std::uint64_t>(). `interrupted` is asked now and then and
  // ends the job with errc::closed. Returns the tables, synced (the directory too), in key order; none when all was dropped.
  // The file of a table goes with its handle until install() has begun to write an edit that names it.
  [[nodiscard]] STRATA_COLD result<dynamic_array<output>> run(cutting cut, reserved_rows reserved, number_source next_number,
                                                             function_ref<bool()> interrupted) {
    erased_ = range_tombstone_list(std::move(collected_));
    STRATA_TRY(merge(cut, reserved, next_number, interrupted));
    if (!outputs_.empty()) STRATA_TRY(environment_.sync_directory(directory_));
    return std::move(outputs_);
  }

  [[nodiscard]] std::uint64_t bytes_written() const noexcept { return bytes_written_; }

 private:
  STRATA_COLD void collect(const range_tombstone_list& list) {
    for (range_tombstone& each : list.tombstones()) collected_.push_back(std::move(each));
  }

  [[nodiscard]] STRATA_NOINLINE result<void> merge(cutting cut, reserved_rows reserved, number_source next_number,
                                                   function_ref<bool()> interrupted) {
    bool any = false;
    bool before_border = reserved == reserved_rows::apart;
    std::size_t newer_stripe = 0;
    sequence_number last_sequence = 0;
    std::uint64_t entries_read = 0;
    for (merge_.seek_first(); merge_.valid(); merge_.next()) {
      entry e = merge_.current();
      if ((++entries_read & 1023) == 0 && interrupted()) return error(errc::closed, "compact", "the store is closing");
      const int order = any ? e.key.compare(bytes_view(key_)) : 1;
      if (order < 0 || (order == 0 && e.sequence > last_sequence)) [[unlikely]] {
        merge_.end_out_of_order();
        break;
      }
      last_sequence = e.sequence;
      const bool new_key = order != 0;
      const std::size_t stripe = kept_.stripe(e.sequence);
      if (new_key) {
        key_.assign(e.key);
        any = true;
      } else if (stripe == newer_stripe) {
        continue;
      }
      newer_stripe = stripe;
      if (before_border && e.key >= compaction::reserved_run_limit) [[unlikely]] {
        STRATA_TRY(finish_reserved(next_number));
        before_border = false;
      }
      if (erased_in_stripe(e, stripe)) continue;
      if (expiry_of(e) < kept_.expired_before_us) {
        e.kind = value_kind::tombstone;
        e.value = {};
      }
      if (e.kind == value_kind::tombstone && stripe == 0 && !older_holds(e.key)) continue;
      if (new_key && cut == cutting::split && builder_ && builder_->bytes() >= amounts_.table_bytes)
        STRATA_TRY(finish_table(bytes_view(key_)));
      if (!builder_) STRATA_TRY(begin_table(next_number));
      STRATA_TRY(builder_->add(e));
    }
    STRATA_TRY(merge_.status());
    if (entries_read != entries_expected_)
      return error(errc::corruption, "compact", "the inputs hold another number of entries than they say");
    if (before_border) STRATA_TRY(finish_reserved(next_number));
    if (!builder_ && has_tombstones_left(std::nullopt)) STRATA_TRY(begin_table(next_number));
    if (builder_) STRATA_TRY(finish_table(std::nullopt));
    return {};
  }

  // Ends the last table of the reserved run, which is made where range tombstones are all that there is.
  [[nodiscard]] STRATA_COLD result<void> finish_reserved(number_source next_number) {
    if (!builder_ && has_tombstones_left(compaction::reserved_run_limit)) STRATA_TRY(begin_table(next_number));
    return builder_ ? finish_table(compaction::reserved_run_limit) : result<void>();
  }

  // True when a range tombstone hides `e` from everyone who could see it.
  [[nodiscard]] bool erased_in_stripe(const entry& e, std::size_t stripe) const noexcept {
    if (erased_.empty()) return false;
    const sequence_number latest_in_stripe = stripe < kept_.snapshots.size() ? kept_.snapshots[stripe] : sequence_max;
    return erased_.covering(e.key, latest_in_stripe) > e.sequence;
  }
  [[nodiscard]] bool older_holds(bytes_view key) const noexcept {
    for (const sorted_run& each : older_)
      if (each.find(key) != nullptr) return true;
    return false;
  }
  [[nodiscard]] bool older_overlaps(bytes_view begin, bytes_view end) const noexcept {
    for (const sorted_run& each : older_) {
      const std::size_t index = each.first_not_before(begin);
      if (index < each.tables.size() && bytes_view(each.tables[index]->facts().smallest) < end) return true;
    }
    return false;
  }

  // Calls visit for each range tombstone that must be kept.
  STRATA_COLD result<void> each_tombstone_left(
      function_ref<result<void>(const range_tombstone_list::fragment&, sequence_number)> visit) const {
    for (const auto& piece : erased_.fragments()) {
      std::size_t newer_stripe = kept_.snapshots.size() + 1;
      for (const sequence_number sequence : piece.sequences) {
        const std::size_t stripe = kept_.stripe(sequence);
        if (stripe == newer_stripe) continue;
        newer_stripe = stripe;
        if (stripe == 0 && !older_overlaps(piece.begin, piece.end)) continue;
        STRATA_TRY(visit(piece, sequence));
      }
    }
    return {};
  }
  // Whether a range tombstone that must be kept is in no table yet: of those before `end` (none: of all).
  [[nodiscard]] STRATA_COLD bool has_tombstones_left(std::optional<bytes_view> end) const {
    bool any = false;
    static_cast<void>(each_tombstone_left([&](const range_tombstone_list::fragment& piece, sequence_number) -> result<void> {
      any = any || (piece.end > cut_ && (!end || bytes_view(piece.begin) < *end));
      return {};
    }));
    return any;
  }

  [[nodiscard]] STRATA_COLD result<void> begin_table(number_source next_number) {
    for (;;) {
      STRATA_TRY_LET(number, next_number());
      auto made = builder_type::create(environment_, table_settings(number));
      if (!made && made.error() == errc::already_exists) continue;  // somebody else's: it stays
      unopened_ = table_path(directory_, number);
      if (!made) return std::move(made).error();
      outputs_.push_back({number, nullptr});
      builder_.emplace(std::move(*made));
      return {};
    }
  }

  // Ends the table before `next_key` (none: the last), with the part of the range tombstones that falls to it.
  [[nodiscard]] STRATA_COLD result<void> finish_table(std::optional<bytes_view> next_key) {
    STRATA_TRY(each_tombstone_left([&](const range_tombstone_list::fragment& piece, sequence_number sequence) -> result<void> {
      range_tombstone part{piece.begin, piece.end, sequence};
      if (part.begin < cut_) part.begin = cut_;
      if (next_key && bytes_view(part.end) > *next_key) part.end = *next_key;
      if (part.begin >= part.end) return {};
      return builder_->add(part);
    }));
    if (next_key) cut_ = *next_key;
    STRATA_TRY_LET(facts, builder_->finish());
    builder_.reset();
    bytes_written_ += facts.bytes;
    output& last = outputs_.back();
    const sstable::settings settings = table_settings(last.number);
    STRATA_TRY_LET(table, table_type::open(environment_, settings, cache_));
    if (table->facts() != facts)
      return error(errc::corruption, "compact", "a table reads back with other facts than it was written with")
          .in_file(settings.path);
    last.table = std::make_shared<handle>(environment_, settings.path, last.number, std::move(table));
    last.table->mark_obsolete();
    unopened_.clear();
    return {};
  }

  [[nodiscard]] sstable::settings table_settings(std::uint64_t number) const {
    return {table_path(directory_, number), number, store_id_, amounts_.block_bytes, newest_time_us_};
  }

  Environment environment_;
  byte_string directory_;
  std::uint64_t store_id_;
  const options& amounts_;
  cache_type& cache_;
  retention kept_;
  merging_cursor<Environment, Memtable, Sstable> merge_;
  dynamic_array<sorted_run> older_;
  dynamic_array<range_tombstone> collected_;
  range_tombstone_list erased_;
  dynamic_array<output> outputs_;
  std::optional<builder_type> builder_;
  byte_string unopened_;  // the path of the last file that was made, while no handle owns it
  byte_string key_;
  byte_string cut_;
  std::uint64_t newest_time_us_ = 0;
  std::uint64_t entries_expected_ = 0;
  std::uint64_t bytes_written_ = 0;
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
