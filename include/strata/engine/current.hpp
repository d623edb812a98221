// CURRENT: the one small file that says which manifest counts. Replaced whole, by rename.
//
//     0   magic "STRATCUR"            8 bytes
//     8   format version              u32, 1
//     12  store id                    u64
//     20  manifest number             u64
//     28  crc32c of the 28 before     u32
//
// Frozen: on disk.
#ifndef STRATA_ENGINE_CURRENT_HPP
#define STRATA_ENGINE_CURRENT_HPP

#include <strata/core/checksum.hpp>
#include <strata/core/coding.hpp>
#include <strata/engine/file_names.hpp>
#include <strata/environment/requirements.hpp>

namespace strata::inline STRATA_ABI::engine {

struct current_manifest {
  std::uint64_t store_id = 0;
  std::uint64_t manifest_number = 0;
};

inline constexpr bytes_view current_magic = "STRATCUR";
inline constexpr std::uint32_t current_format_version = 1;
inline constexpr std::size_t current_bytes = 8 + 4 + 8 + 8 + 4;

// Errors: no_such_file where there is none; not_a_store, unsupported_version, corruption with file and offset; io_error.
template <typename Environment>
[[nodiscard]] STRATA_COLD result<current_manifest> read_current(const Environment& environment, bytes_view directory) {
  const byte_string path = join_path(directory, "CURRENT");
  const auto failure = [&](errc code, const char* reason, std::uint64_t offset) {
    return error(code, "read CURRENT", reason).in_file(path).at_offset(offset);
  };
  STRATA_TRY_LET(file, environment.open_readable(path));
  char bytes[current_bytes + 1];
  std::size_t length = 0;
  while (length < sizeof bytes) {
    STRATA_TRY_LET(count, file.read(length, bytes + length, sizeof bytes - length));
    if (count == 0) break;
    length += count;
  }
  if (length < current_magic.size() || bytes_view(bytes, current_magic.size()) != current_magic)
    return failure(errc::not_a_store, "wrong magic", 0);
  if (length != current_bytes) return failure(errc::corruption, "wrong length", length);
  if (load_fixed<std::uint32_t>(bytes + 28) != crc32c(bytes_view(bytes, 28)))
    return failure(errc::corruption, "checksum mismatch", 28);
  if (load_fixed<std::uint32_t>(bytes + 8) != current_format_version)
    return failure(errc::unsupported_version, "written by a later version", 8);
  return current_manifest{load_fixed<std::uint64_t>(bytes + 12), load_fixed<std::uint64_t>(bytes + 20)};
}

// Makes `current` the truth: writes CURRENT.tmp, syncs it, renames it, syncs the directory. A crash leaves the old or
// the new; CURRENT.tmp may stay and is removed at the next open.
template <typename Environment>
[[nodiscard]] STRATA_COLD result<void> write_current(const Environment& environment, bytes_view directory, const current_manifest& current) {
  byte_string bytes(current_magic);
  append_fixed(bytes, current_format_version);
  append_fixed(bytes, current.store_id);
  append_fixed(bytes, current.manifest_number);
  append_fixed(bytes, crc32c(bytes));
  const byte_string temporary = join_path(directory, "CURRENT.tmp");
  STRATA_TRY_LET(stale, environment.file_exists(temporary));
  if (stale) STRATA_TRY(environment.remove_file(temporary));
  {
    STRATA_TRY_LET(file, environment.create_file(temporary));
    STRATA_TRY(file.append(bytes));
    STRATA_TRY(file.sync());
    STRATA_TRY(file.close());
  }
  STRATA_TRY(environment.rename_file(temporary, join_path(directory, "CURRENT")));
  return environment.sync_directory(directory);
}

}  // namespace strata::inline STRATA_ABI::engine

#endif
