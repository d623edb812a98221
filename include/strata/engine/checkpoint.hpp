// A checkpoint: a copy of a store's tables that opens as a store of its own.
#ifndef STRATA_ENGINE_CHECKPOINT_HPP
#define STRATA_ENGINE_CHECKPOINT_HPP

#include <strata/engine/manifest.hpp>

namespace strata::inline STRATA_ABI::engine {

// Removes the files of a store from `directory`, its lock last. Best effort.
template <typename Environment>
STRATA_COLD void remove_files(const Environment& environment, bytes_view directory) {
  STRATA_TRY_BLOCK {
    if (const auto names = environment.list_directory(directory)) {
      for (const std::string& name : *names) {
        const file_type type = parse_file_name(name).type;
        if (type != file_type::foreign && type != file_type::lock)
          static_cast<void>(environment.remove_file(join_path(directory, name)));
      }
    }
    static_cast<void>(environment.remove_file(join_path(directory, "LOCK")));
  }
  STRATA_CATCH(...) {}
}

// Copies a file piece by piece and syncs the copy. Errors: those of the files.
template <typename Environment>
[[nodiscard]] STRATA_COLD result<void> copy_file(const Environment& environment, bytes_view from, bytes_view to) {
  STRATA_TRY_LET(source, environment.open_readable(from));
  STRATA_TRY_LET(copy, environment.create_file(to));
  byte_string buffer(std::size_t{1} << 20, '\0');
  for (std::uint64_t offset = 0;;) {
    STRATA_TRY_LET(count, source.read(offset, buffer.data(), buffer.size()));
    if (count == 0) break;
    STRATA_TRY(copy.append(bytes_view(buffer).substr(0, count)));
    offset += count;
  }
  STRATA_TRY(copy.sync());
  return copy.close();
}

// Makes a store of `tables` in `directory`, which is there, in `parent`, and holds nothing but a lock. `last` is the newest
// commit in them. CURRENT comes last: until then the directory does not open. Tables are linked where the file system can,
// else copied.
// Errors: those of the files.
template <typename Environment, typename Sstable>
[[nodiscard]] STRATA_COLD result<void> fill_checkpoint(const Environment& environment, bytes_view parent, bytes_view directory,
                                            const version<Environment, Sstable>& tables, std::uint64_t store_id,
                                            sequence_number last, std::uint64_t last_time_us) {
  manifest_state state;
  state.store_id = store_id;
  state.counts = {last, last, 0, last_time_us};
  result<void> copied;
  tables.each_table([&](std::size_t level, const auto& run, const auto& table) {
    if (!copied) return;
    const byte_string to = table_path(directory, table->number());
    copied = environment.link_file(table->path(), to);
    if (!copied && copied.error().code() == errc::unsupported) copied = copy_file(environment, table->path(), to);
    state.counts.file_ceiling = (std::max)(state.counts.file_ceiling, (std::max)(table->number(), run.number));
    STRATA_ASSERT(state.tables.insert({static_cast<std::uint32_t>(level), run.number, table->number(), table->facts()}));
  });
  STRATA_TRY(std::move(copied));
  manifest<Environment> fresh(environment, byte_string(directory));
  STRATA_TRY(fresh.create(std::move(state)));
  STRATA_TRY(fresh.close());
  return environment.sync_directory(parent);
}

// The same in a directory that is made, or is empty but for a lock, which is held meanwhile: nobody else makes a store there.
// After an error it is as it was, as far as the files let go.
// Errors: already_exists where it is not empty, or another holds it; those of fill_checkpoint().
template <typename Environment, typename Sstable>
[[nodiscard]] STRATA_COLD result<void> write_checkpoint(const Environment& environment, bytes_view parent, bytes_view directory,
                                                        const version<Environment, Sstable>& tables, std::uint64_t store_id,
                                                        sequence_number last, std::uint64_t last_time_us) {
  const auto refuse = [&](bytes_view name) {
    return error(errc::already_exists, "checkpoint", "the directory is not empty").in_file(join_path(directory, name));
  };
  STRATA_TRY_LET(made, environment.create_directory(directory));
  result<void> filled;
  {
    auto lock = environment.lock_file(join_path(directory, "LOCK"));
    if (!lock) {
      if (made) static_cast<void>(environment.remove_directory(directory));
      if (lock.error() == errc::in_use) return refuse("LOCK");
      return std::move(lock).error();
    }
    if (const auto names = environment.list_directory(directory)) {
      for (const std::string& name : *names)
        if (name != "LOCK") return refuse(name);
      STRATA_TRY_BLOCK { filled = fill_checkpoint(environment, parent, directory, tables, store_id, last, last_time_us); }
      STRATA_CATCH(...) { filled = error(errc::out_of_memory, "checkpoint"); }
    } else {
      filled = names.error();
    }
    if (!filled) remove_files(environment, directory);
  }
  if (!filled && made) static_cast<void>(environment.remove_directory(directory));
  return filled;
}

}  // namespace strata::inline STRATA_ABI::engine

#endif
