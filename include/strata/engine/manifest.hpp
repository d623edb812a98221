// The manifest: a log of version edits, and the numbers that must never be used twice.
//
// Thread safety: one thread at a time (the engine holds its manifest mutex).
//
//   1. An edit counts when append() has returned: it is synced. What it made obsolete is removed only after that.
//   2. After a failed append nothing more is appended; the engine latches and removes nothing.
//   3. Numbers of files and commits are handed out only below the ceilings of a synced edit, and a recovery that does
//      not find an orderly close goes on above them: none is used twice, whatever a crash lost.
//   4. A manifest that has grown is written anew: the new file whole and synced, then CURRENT, then the old is removed.
#ifndef STRATA_ENGINE_MANIFEST_HPP
#define STRATA_ENGINE_MANIFEST_HPP

#include <optional>

#include <strata/engine/current.hpp>
#include <strata/engine/version.hpp>
#include <strata/environment/record_file.hpp>

namespace strata::inline STRATA_ABI::engine {

// Frozen: on disk.
inline constexpr bytes_view manifest_magic = "STRATMAN";

// The tables that a manifest names. A table that is dropped stays as a hole until half of all are holes, so that neither a
// drop nor the move of a table (which drops it and adds it again) costs more than a look-up.
class named_tables {
 public:
  struct entry {
    version_edit::added_table table;
    bool dropped = false;
  };

  // By number, with holes.
  [[nodiscard]] const dynamic_array<entry>& entries() const noexcept { return entries_; }
  // Without holes.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size() - holes_; }
  [[nodiscard]] bool contains(std::uint64_t number) const noexcept {
    const std::size_t at = place_of(number);
    return is_at(at, number) && !entries_[at].dropped;
  }
  // Makes sure that the next `more` inserts cannot fail.
  STRATA_COLD void reserve(std::size_t more) {
    const std::size_t needed = entries_.size() + more;
    if (needed > entries_.capacity()) entries_.reserve((std::max)(needed, 2 * entries_.capacity()));
  }
  // False when it is there.
  [[nodiscard]] STRATA_COLD bool insert(version_edit::added_table table) {
    const std::size_t at = place_of(table.number);
    if (!is_at(at, table.number)) {
      entries_.insert(at, {std::move(table), false});
      return true;
    }
    if (!entries_[at].dropped) return false;
    entries_[at] = {std::move(table), false};
    --holes_;
    return true;
  }
  // False when it is not there.
  [[nodiscard]] STRATA_COLD bool erase(std::uint64_t number) {
    if (!contains(number)) return false;
    entries_[place_of(number)].dropped = true;
    if (++holes_ > entries_.size() / 2) {
      entries_.erase_if([](const entry& each) { return each.dropped; });
      holes_ = 0;
    }
    return true;
  }

 private:
  [[nodiscard]] std::size_t place_of(std::uint64_t number) const noexcept {
    return first_behind(entries_, [&](const entry& each) { return each.table.number < number; });
  }
  [[nodiscard]] bool is_at(std::size_t at, std::uint64_t number) const noexcept {
    return at < entries_.size() && entries_[at].table.number == number;
  }

  dynamic_array<entry> entries_;
  std::size_t holes_ = 0;
};

// What a manifest says, all edits added up.
struct manifest_state {
  std::uint64_t store_id = 0;
  std::uint64_t number = 0;  // of the manifest file
  version_edit::counters counts;
  std::uint64_t log_number = 0;
  sequence_number kept_sequence = 0;  // recovery finds every commit up to it, or something is missing
  named_tables tables;

  // False when the edit does not fit. Fails in no other way where the tables have room reserved.
  [[nodiscard]] STRATA_COLD bool add(version_edit edit) {
    if (edit.has_counters) counts = edit.counts;
    if (edit.log_number != 0) log_number = edit.log_number;
    kept_sequence = (std::max)(kept_sequence, edit.kept_sequence);
    for (const std::uint64_t dropped : edit.dropped)
      if (!tables.erase(dropped)) return false;
    for (version_edit::added_table& table : edit.added)
      if (!tables.insert(std::move(table))) return false;
    return true;
  }

  // None that it names is higher, whatever the ceiling says: a fresh number is above all of them, so that no new file takes
  // the place of one that counts.
  [[nodiscard]] STRATA_COLD std::uint64_t newest_number() const noexcept {
    std::uint64_t newest = (std::max)(counts.file_ceiling, number);
    if (tables.size() > 0) newest = (std::max)(newest, tables.entries()[tables.entries().size() - 1].table.number);
    return newest;
  }

  // One edit that says it all.
  [[nodiscard]] STRATA_COLD version_edit whole() const {
    version_edit edit;
    edit.has_counters = true;
    edit.counts = counts;
    edit.log_number = log_number;
    edit.kept_sequence = kept_sequence;
    for (const named_tables::entry& named : tables.entries())
      if (!named.dropped) edit.added.push_back(named.table);
    return edit;
  }
};

template <typename Environment>
class manifest {
 public:
  manifest(const Environment& environment, byte_string directory)
      : environment_(environment), directory_(std::move(directory)) {}

  [[nodiscard]] const manifest_state& state() const noexcept { return state_; }

  // Reads the manifest that CURRENT names. Writes nothing: a torn last edit was never acknowledged and is cut by the
  // next append.
  // Errors: those of read_current and replay_records; corruption where an edit does not parse or does not fit.
  [[nodiscard]] STRATA_COLD result<void> recover() {
    STRATA_TRY_LET(current, read_current(environment_, directory_));
    manifest_state read;
    read.store_id = current.store_id;
    read.number = current.manifest_number;
    const byte_string path = manifest_path(directory_, read.number);
    bool any = false;
    auto replayed = replay_records<Environment>(
        environment_, settings_of(read), [&](bytes_view payload, std::uint64_t offset) -> result<void> {
          version_edit edit;
          if (!edit.parse(payload) || !read.add(std::move(edit)))
            return error(errc::corruption, "recover manifest", "an edit does not fit").in_file(path).at_offset(offset);
          any = true;
          return {};
        });
    if (!replayed) return std::move(replayed).error();
    if (!any) return error(errc::corruption, "recover manifest", "no edit in it").in_file(path).at_offset(0);
    // No manifest is ever complete. One that says so would be read, and then take no edit.
    if (replayed->sealed)
      return error(errc::corruption, "recover manifest", "it says that it is complete").in_file(path).at_offset(replayed->end);
    // Whole or not at all: a store whose manifest can't be read again goes on with what it knows.
    state_ = std::move(read);
    tail_ = *replayed;
    writer_.reset();
    return {};
  }

  // Makes what recover() read survive a power cut, before anything that it made obsolete goes: a process that was killed may
  // have left an edit that it had not synced, or one whose sync failed, which reads well and which no later sync would bring
  // to disk. So a manifest that did not end in order is written anew. Nothing to do where it did.
  [[nodiscard]] STRATA_COLD result<void> make_durable() {
    if (tail_.settled) return {};
    const std::uint64_t number = state_.newest_number() + 1;
    // An opening that was killed here may have left one of this name, which no CURRENT has named.
    const byte_string path = manifest_path(directory_, number);
    STRATA_TRY_LET(stale, environment_.file_exists(path));
    if (stale) STRATA_TRY(environment_.remove_file(path));
    return rewrite(number, number);
  }

  // Makes the first manifest of a store, and CURRENT. The directory holds neither. `state` is what it begins with.
  [[nodiscard]] STRATA_COLD result<void> create(manifest_state state) {
    state_ = std::move(state);
    state_.counts.file_ceiling += 1;
    return write_whole(state_.counts.file_ceiling);
  }

  // Adds `edit`, durable when it returns. Memory that is lacking is missed before anything is written.
  [[nodiscard]] STRATA_COLD result<void> append(version_edit edit) {
    STRATA_TRY(open_writer());
    state_.tables.reserve(edit.added.size());
    scratch_.clear();
    edit.append_to(scratch_);
    STRATA_TRY(writer_->append(scratch_));
    STRATA_TRY(writer_->sync());
    STRATA_ASSERT(state_.add(std::move(edit)));
    return {};
  }

  // True when most of the file is edits that later ones undid, and there are more than `bytes` of them.
  [[nodiscard]] bool has_grown(std::uint64_t bytes) const noexcept {
    return writer_ && writer_->bytes() > bytes + 4 * whole_bytes_;
  }

  // Invariant 4. `number` is a fresh file number below `file_ceiling`. After an error either file may count.
  [[nodiscard]] STRATA_COLD result<void> rewrite(std::uint64_t number, std::uint64_t file_ceiling) {
    const byte_string old = manifest_path(directory_, state_.number);
    state_.counts.file_ceiling = (std::max)(state_.counts.file_ceiling, file_ceiling);
    STRATA_TRY(write_whole(number));
    // Best effort: a manifest that CURRENT does not name is removed at the next open.
    static_cast<void>(environment_.remove_file(old));
    return {};
  }

  // Orderly end; nothing to do where nothing was appended.
  [[nodiscard]] STRATA_COLD result<void> close() {
    if (!writer_) return {};
    return writer_->close();
  }

 private:
  [[nodiscard]] STRATA_COLD record_file_settings settings_of(const manifest_state& state) const {
    return {manifest_path(directory_, state.number), manifest_magic, state.number, state.store_id, 0};
  }

  [[nodiscard]] STRATA_COLD result<void> open_writer() {
    if (writer_) return {};
    STRATA_TRY_LET(reopened, record_writer<Environment>::reopen(environment_, settings_of(state_), tail_));
    writer_.emplace(std::move(reopened));
    return {};
  }

  // The file ends in order, so that what follows a crash right after it finds nothing to mend.
  [[nodiscard]] STRATA_COLD result<void> write_whole(std::uint64_t number) {
    state_.number = number;
    STRATA_TRY_LET(fresh, record_writer<Environment>::create(environment_, settings_of(state_)));
    scratch_.clear();
    state_.whole().append_to(scratch_);
    STRATA_TRY(fresh.append(scratch_));
    STRATA_TRY(fresh.close());
    STRATA_TRY(environment_.sync_directory(directory_));
    STRATA_TRY(write_current(environment_, directory_, {state_.store_id, number}));
    whole_bytes_ = scratch_.size();
    return recover();
  }

  Environment environment_;
  byte_string directory_;
  manifest_state state_;
  record_tail tail_;
  std::optional<record_writer<Environment>> writer_;
  byte_string scratch_;
  std::uint64_t whole_bytes_ = 0;
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
