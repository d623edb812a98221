// A checkpoint: a copy of a store's tables that opens as a store of its own.
#ifndef STRATA_ENGINE_CHECKPOINT_HPP
#define STRATA_ENGINE_CHECKPOINT_HPP

#include <strata/core/function_ref.hpp>
#include <strata/engine/manifest.hpp>

namespace strata::inline STRATA_ABI::engine {

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

// already_exists where `directory` holds anything but a lock.
template <typename Environment>
[[nodiscard]] STRATA_COLD result<void> check_empty(const Environment& environment, bytes_view directory) {
  STRATA_TRY_LET(names, environment.list_directory(directory));
  for (const std::string& name : names)
    if (name != "LOCK")
      return error(errc::already_exists, "checkpoint", "the directory is not empty").in_file(join_path(directory, name));
  return {};
}

// Removes a store's files, but for its lock. Best effort.
template <typename Environment>
STRATA_COLD void remove_store_files(const Environment& environment, bytes_view directory) {
  const auto names = environment.list_directory(directory);
  if (!names) return;
  for (const std::string& name : *names) {
    const file_type type = parse_file_name(name).type;
    if (type == file_type::foreign || type == file_type::lock) continue;
    static_cast<void>(environment.remove_file(join_path(directory, name)));
  }
}

// Runs `fill` on a directory that is made, or is empty but for a lock. The lock is held meanwhile: nobody else makes a store
// there. After an error it is as it was, as far as the files let go; what was there before is not touched.
// Errors: already_exists where it is not empty, or another holds the lock; those of `fill` and of the files.
template <typename Environment>
[[nodiscard]] STRATA_COLD result<void> fill_empty_directory(const Environment& environment, bytes_view directory,
                                                            function_ref<result<void>()> fill) {
  STRATA_TRY_LET(made, environment.create_directory(directory));
  // Also before: no lock is left among somebody's files.
  if (!made) STRATA_TRY(check_empty(environment, directory));
  const byte_string lock_path = join_path(directory, "LOCK");
  result<void> done;
  if (auto lock = environment.lock_file(lock_path)) {
    done = check_empty(environment, directory);
    if (done) {
      STRATA_TRY_BLOCK { done = fill(); }
      STRATA_CATCH(...) { done = error(errc::out_of_memory, "checkpoint"); }
      if (!done) remove_store_files(environment, directory);
    }
    // A lock that is held by us may go: it is an empty file, which the next opening makes anew.
    if (!done && done.error() != errc::already_exists) static_cast<void>(environment.remove_file(lock_path));
  } else {
    done = std::move(lock).error();
    if (done.error() == errc::in_use)
      done = error(errc::already_exists, "checkpoint", "somebody makes a store there").in_file(lock_path);
  }
  if (!done && made) static_cast<void>(environment.remove_directory(directory));
  return done;
}

// Makes a store of `tables` in `directory`, which is in `parent`, and does not exist or is empty. `last` is the newest commit
// in them. CURRENT comes last: until then the directory does not open. Tables are linked where the file system can, else
// copied. Errors: those of fill_empty_directory() and of the files.
template <typename Environment, typename Sstable>
[[nodiscard]] STRATA_COLD result<void> write_checkpoint(const Environment& environment, bytes_view parent, bytes_view directory,
                                                        const version<Environment, Sstable>& tables, std::uint64_t store_id,
                                                        sequence_number last, std::uint64_t last_time_us) {
  return fill_empty_directory(environment, directory, [&]() -> result<void> {
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
  });
}

}  // namespace strata::inline STRATA_ABI::engine

#endif
