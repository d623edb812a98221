// Recovery: from a directory to a state that can be read and written.
//
//   1. CURRENT, the manifest, the tables it names, then the log segments from its log number on, each to its end.
//   2. The commits of the log must follow one another without a hole, from segment to segment. A segment that is not sealed may
//      have lost its end in a power cut, and with it its place before those behind it: these are passed over where they don't
//      follow, and nothing in them is promised (of what was synced, all before was; see engine/commit_log.hpp). After an orderly
//      close the commits reach as far as the manifest says. Anything else is errc::corruption with file and offset.
//   3. Reading changes nothing on disk, so that recovery can be cut short anywhere, and a read-only open is the same code.
//      What a crash left over is removed afterwards, by the writer only.
//   4. A store without a log does not open where segments are: it would hide their commits, and its first flush end them.
//   5. A log or a table whose number no edit has reserved is not the store's, and is neither read nor removed (a log that a few
//      edits more would have reserved is looked into: see numbers_in_doubt). One that has the name of a file that the store may
//      have made can't be told from it: somebody's file becomes the store's once numbers have come as far as its own.
//   6. Beside a running writer files may vanish while they are listed and read; then the manifest has moved on, and
//      reading begins again.
#ifndef STRATA_ENGINE_RECOVERY_HPP
#define STRATA_ENGINE_RECOVERY_HPP

#include <optional>

#include <strata/engine/manifest.hpp>
#include <strata/engine/options.hpp>
#include <strata/engine/read_state.hpp>
#include <strata/wal/requirements.hpp>

namespace strata::inline STRATA_ABI::engine {

template <typename Environment, typename Memtable, typename Wal, typename Sstable>
class recovery {
 public:
  // A log whose number is beyond those that are reserved by no more than this would be the store's if damage had taken a few
  // edits, and its commits are not to be passed over: it counts where it holds any.
  static constexpr std::uint64_t numbers_in_doubt = 1000;

  using unit = memory_unit<Memtable>;
  using version_type = version<Environment, Sstable>;
  using handle = table_handle<Environment, Sstable>;
  using table_type = typename Sstable::template table<Environment>;
  using cache_type = typename Sstable::template cache<Environment>;

  // `memtable_bytes`: what units have filters for; 0: for none.
  STRATA_COLD recovery(const Environment& environment, byte_string directory, cache_type& cache, std::uint64_t memtable_bytes = 0)
      : manifest_(environment, directory), environment_(environment), directory_(std::move(directory)), cache_(cache),
        memtable_bytes_(memtable_bytes) {}

  // not_a_store where foreign files are in the directory, which has no CURRENT. Writes nothing, a lock neither.
  [[nodiscard]] STRATA_COLD static result<void> refuse_foreign(const Environment& environment, bytes_view directory) {
    STRATA_TRY_LET(names, environment.list_directory(directory));
    for (const std::string& name : names)
      if (parse_file_name(name).type == file_type::foreign)
        return error(errc::not_a_store, "create store", "the directory holds other files").in_file(join_path(directory, name));
    return {};
  }

  // Makes an empty store in a directory that holds none. What a creation that was cut short left is removed first.
  // Errors: not_a_store where foreign files are; corruption where a store's files are but CURRENT is not.
  [[nodiscard]] STRATA_COLD result<void> create() {
    STRATA_TRY(refuse_foreign(environment_, directory_));
    STRATA_TRY_LET(names, environment_.list_directory(directory_));
    for (const std::string& name : names) {
      switch (parse_file_name(name).type) {
        case file_type::table:
        case file_type::log:
          return error(errc::corruption, "open store", "CURRENT is missing").in_file(join_path(directory_, "CURRENT"));
        case file_type::manifest:
        case file_type::temporary: STRATA_TRY(environment_.remove_file(join_path(directory_, name))); break;
        case file_type::foreign:
        case file_type::lock:
        case file_type::current: break;
      }
    }
    manifest_state empty;
    while (empty.store_id == 0) empty.store_id = environment_.entropy();
    return manifest_.create(std::move(empty));
  }

  // Reads the store. Errors: those of the manifest, the tables and the log. Beside a writer a log may have been read partly
  // before and partly after a commit, which looks like damage: what is damaged is so at the same place again.
  [[nodiscard]] STRATA_COLD result<void> read() {
    std::optional<error> damage;
    byte_string missing;
    for (;;) {
      auto done = read_once();
      if (!done && done.error().code() == errc::corruption) {
        if (damage && damage->file() == done.error().file() && damage->offset() == done.error().offset()) return done;
        damage = std::move(done).error();
        continue;
      }
      if (done || done.error().code() != errc::no_such_file) return done;
      manifest<Environment> now(environment_, directory_);
      if (auto recovered = now.recover(); !recovered) {
        // The manifest that CURRENT named a moment ago may be gone by now, too; the same one is missing but once.
        if (recovered.error().code() != errc::no_such_file || missing == recovered.error().file()) return recovered;
        missing = recovered.error().file();
        continue;
      }
      if (now.state().number == manifest_.state().number && now.state().tables.size() == manifest_.state().tables.size() &&
          now.state().log_number == manifest_.state().log_number &&
          now.state().counts.file_ceiling == manifest_.state().counts.file_ceiling)
        return error(errc::corruption, "open store", "a file that the manifest names is missing")
            .in_file(done.error().file());
    }
  }

  // Removes what a crash left: files of ours that neither the manifest nor the log needs. Requires: read() succeeded and
  // this process is the writer.
  [[nodiscard]] STRATA_COLD result<void> remove_leftovers() {
    STRATA_TRY(manifest_.make_durable());
    // From the newest on, each for good before the next: one whose commits don't follow must not be seen without the one that
    // lost them, nor behind what takes their place.
    for (std::size_t left = passed_over_.size(); left > 0; --left) {
      STRATA_TRY(environment_.remove_file(log_path(directory_, passed_over_[left - 1])));
      STRATA_TRY(environment_.sync_directory(directory_));
    }
    STRATA_TRY_LET(names, environment_.list_directory(directory_));
    for (const std::string& name : names) {
      const file_name parsed = parse_file_name(name);
      const bool needed =
          !can_be_ours(parsed) || parsed.type == file_type::lock || parsed.type == file_type::current ||
          (parsed.type == file_type::manifest && parsed.number == manifest_.state().number) ||
          (parsed.type == file_type::table && manifest_.state().tables.contains(parsed.number)) ||
          (parsed.type == file_type::log && parsed.number >= manifest_.state().log_number && parsed.number <= newest_segment_);
      if (needed) continue;
      // One that is gone by now was removed by a cursor that outlived the last opening and held its table until here.
      if (auto removed = environment_.remove_file(join_path(directory_, name));
          !removed && removed.error().code() != errc::no_such_file)
        return removed;
    }
    return {};
  }

  // No file that was read has a higher number.
  [[nodiscard]] STRATA_COLD std::uint64_t newest_number() const noexcept {
    const std::uint64_t passed = passed_over_.empty() ? 0 : passed_over_.back();
    return (std::max)(manifest_.state().newest_number(), (std::max)(newest_segment_, passed));
  }

  // What was read. Units are oldest first; the last may be gone on with where `open_tail_` says.
  manifest<Environment> manifest_;
  std::shared_ptr<const version_type> tables_;
  dynamic_array<std::shared_ptr<unit>> units_;
  std::optional<wal::tail> open_tail_;
  // The newest of those before it whose log may not be durable: the process that wrote it was killed before it sealed it, or
  // could not. null: all are.
  std::shared_ptr<unit> unsure_;
  sequence_number last_sequence_ = 0;
  std::uint64_t last_time_us_ = 0;

 private:
  // Invariant 5: 20240101.log is somebody's.
  [[nodiscard]] STRATA_COLD bool can_be_ours(const file_name& named) const noexcept {
    if (named.type != file_type::log && named.type != file_type::table) return named.type != file_type::foreign;
    return named.number <= reserved_;
  }
  // See numbers_in_doubt.
  [[nodiscard]] STRATA_COLD result<bool> holds_commits_beyond_the_edits(std::uint64_t number) {
    if (number > reserved_ + numbers_in_doubt) return false;
    const wal::segment segment{log_path(directory_, number), number, manifest_.state().store_id, 0};
    bool any = false;
    auto tail = Wal::template replay<Environment>(environment_, segment, [&](bytes_view, std::uint64_t) {
      any = true;
      return result<void>();
    });
    if (!tail) return std::move(tail).error();
    return any;
  }

  [[nodiscard]] STRATA_COLD result<void> read_once() {
    units_.clear();
    passed_over_.clear();
    open_tail_.reset();
    unsure_.reset();
    newest_segment_ = 0;
    // Before the manifest: a segment that a writer drops between the two is then missed by name, not passed over.
    STRATA_TRY_LET(names, environment_.list_directory(directory_));
    STRATA_TRY(manifest_.recover());
    const manifest_state& state = manifest_.state();
    reserved_ = state.counts.file_ceiling;
    last_sequence_ = state.counts.flushed_sequence;
    last_time_us_ = state.counts.last_time_us;
    STRATA_TRY(open_tables());
    dynamic_array<std::uint64_t> segments;
    for (const std::string& name : names) {
      const file_name parsed = parse_file_name(name);
      if (parsed.type != file_type::log || parsed.number < state.log_number) continue;
      bool is_ours = can_be_ours(parsed);
      if (!is_ours) {
        STRATA_TRY_LET(holds_commits, holds_commits_beyond_the_edits(parsed.number));
        is_ours = holds_commits;
      }
      if (is_ours) segments.push_back(parsed.number);
    }
    sort_ascending(segments);
    if (!Wal::is_durable && !segments.empty())
      return error(errc::unsupported, "open store", "it has commits in a log: open and flush it once with the policy that wrote them")
          .in_file(log_path(directory_, segments.front()));
    log_end last;
    for (std::size_t i = 0; i < segments.size(); ++i) STRATA_TRY(replay(segments[i], i + 1 == segments.size(), last));
    if (last_sequence_ >= state.kept_sequence) return {};
    if (segments.empty())
      return error(errc::corruption, "open store", "commits of the log are missing, and the log is").in_file(directory_);
    return error(errc::corruption, "replay log", "it ends before the newest commit of an orderly close")
        .in_file(log_path(directory_, last.segment != 0 ? last.segment : segments.back()))
        .at_offset(last.offset);
  }

  [[nodiscard]] STRATA_COLD result<void> open_tables() {
    const manifest_state& state = manifest_.state();
    dynamic_array<std::shared_ptr<handle>> opened;
    version_edit edit;
    for (const named_tables::entry& named : state.tables.entries()) {
      if (named.dropped) continue;
      const version_edit::added_table& added = named.table;
      const std::uint64_t number = added.number;
      const sstable::settings settings{table_path(directory_, number), number, state.store_id, 4096, 0};
      STRATA_TRY_LET(table, table_type::open(environment_, settings, cache_));
      if (table->facts() != added.facts)
        return error(errc::corruption, "open store", "a table has other facts than the manifest says").in_file(settings.path);
      // They would come to light when commits to come had used up as many sequences.
      if (added.facts.highest_sequence > state.counts.flushed_sequence)
        return error(errc::corruption, "open store", "a table has commits that are newer than the newest").in_file(settings.path);
      opened.push_back(std::make_shared<handle>(environment_, settings.path, number, std::move(table)));
      edit.added.push_back(added);
    }
    tables_ = version_type().after(edit, opened);
    if (!tables_)
      return error(errc::corruption, "open store", "the tables of the manifest do not fit together")
          .in_file(manifest_path(directory_, state.number));
    return {};
  }

  // Where the records of the newest segment end that has any, and whether its end may be lost.
  struct log_end {
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;
    bool may_be_cut = false;
  };

  // Reads a segment behind those that ended with `before`, which it brings up to date.
  [[nodiscard]] STRATA_COLD result<void> replay(std::uint64_t segment_number, bool is_last, log_end& before) {
    const wal::segment segment{log_path(directory_, segment_number), segment_number, manifest_.state().store_id, 0};
    const auto unfit = [&](std::uint64_t offset) {
      return error(errc::corruption, "replay log", "a record does not fit the one before").in_file(segment.path).at_offset(offset);
    };
    auto fresh = std::make_shared<unit>(memtable_bytes_);
    fresh->segment = segment_number;
    bool any = false;
    std::optional<std::uint64_t> astray;  // where the first record stands, if it does not follow
    STRATA_TRY_LET(tail, Wal::template replay<Environment>(
                             environment_, segment, [&](bytes_view group, std::uint64_t offset) -> result<void> {
                               if (!any && before.may_be_cut && group_reader(group).previous() > last_sequence_) astray = offset;
                               any = true;
                               if (astray) return {};
                               STRATA_TRY_LET(applied, apply_group(*fresh, group));
                               return applied ? result<void>() : unfit(offset);
                             }));
    // Of a segment with a commit that was synced those before it were, too. A promise alone says nothing: a writer that goes on
    // where a first record was torn makes one.
    const bool was_synced = tail.sealed || (any && tail.promised > 0);
    if (before.may_be_cut && was_synced && (astray || !any)) {
      if (!open_tail_) return unfit(astray.value_or(tail.end));
      return error(errc::corruption, "replay log", "the segment is not complete, but a later one was synced")
          .in_file(log_path(directory_, before.segment))
          .at_offset(before.offset);
    }
    // Nothing was ever acknowledged in it, or what was is lost with what was before it.
    if (astray || (!any && !tail.sealed && (!is_last || before.may_be_cut))) {
      passed_over_.push_back(segment_number);
      before.may_be_cut = true;
      return {};
    }
    fresh->build_staged();
    fresh->publish_staged();
    fresh->last_sequence = last_sequence_;
    if (was_synced) {
      unsure_.reset();
    } else if (open_tail_) {
      unsure_ = units_.back();
    }
    units_.push_back(std::move(fresh));
    newest_segment_ = segment_number;
    open_tail_.reset();
    if (!tail.sealed) open_tail_ = tail;
    before = {segment_number, tail.end, !tail.sealed};
    return {};
  }

  // False when the bytes are no group or do not follow what was replayed before.
  [[nodiscard]] STRATA_COLD result<bool> apply_group(unit& into, bytes_view group) {
    group_reader commits(group);
    if (commits.previous() != last_sequence_) return false;
    STRATA_TRY(into.reserve(count_writes(group), group.size()));
    for (logged_commit commit; commits.next(commit);) {
      const write_reader writes(commit.writes, commit.write_count);
      into.stage(commit.sequence, writes);
      if (!into.apply(commit.sequence, commit.time_us, writes)) return false;
      last_sequence_ = commit.sequence;
      last_time_us_ = (std::max)(last_time_us_, commit.time_us);
    }
    return commits.ok();
  }

  Environment environment_;
  byte_string directory_;
  cache_type& cache_;
  std::uint64_t memtable_bytes_;
  std::uint64_t newest_segment_ = 0;
  std::uint64_t reserved_ = 0;  // numbers of files, by what was read: the manifest may be written anew since
  dynamic_array<std::uint64_t> passed_over_;  // ascending: segments whose commits, if any, don't follow
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
