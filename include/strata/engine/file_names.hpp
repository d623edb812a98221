// The files of a store's directory, by name. Frozen.
//
//     LOCK               held by the one writer; empty
//     CURRENT            which manifest counts
//     MANIFEST-000007    the edits that make the set of tables
//     000012.log         a segment of the write-ahead log
//     000013.table       a sorted table
//     *.tmp              half-made; removed at the next open
#ifndef STRATA_ENGINE_FILE_NAMES_HPP
#define STRATA_ENGINE_FILE_NAMES_HPP

#include <strata/core/bytes.hpp>

namespace strata::inline STRATA_ABI::engine {

enum class file_type : std::uint8_t { foreign, lock, current, manifest, log, table, temporary };

struct file_name {
  file_type type = file_type::foreign;
  std::uint64_t number = 0;
};

[[nodiscard]] STRATA_COLD inline byte_string join_path(bytes_view directory, bytes_view name) {
  byte_string path(directory);
  if (!path.empty() && path.back() != '/') path.push_back('/');
  path.append(name);
  return path;
}

// At least six digits, so that a listing sorts.
[[nodiscard]] STRATA_COLD inline byte_string numbered(std::uint64_t number) {
  byte_string digits = std::to_string(number);
  if (digits.size() < 6) digits.insert(0, 6 - digits.size(), '0');
  return digits;
}

[[nodiscard]] STRATA_COLD inline byte_string log_path(bytes_view directory, std::uint64_t number) {
  return join_path(directory, numbered(number) + ".log");
}
[[nodiscard]] STRATA_COLD inline byte_string table_path(bytes_view directory, std::uint64_t number) {
  return join_path(directory, numbered(number) + ".table");
}
[[nodiscard]] STRATA_COLD inline byte_string manifest_path(bytes_view directory, std::uint64_t number) {
  return join_path(directory, "MANIFEST-" + numbered(number));
}

// What a name in the directory is. A number that no store could have made is foreign.
[[nodiscard]] STRATA_COLD inline file_name parse_file_name(bytes_view name) {
  constexpr bytes_view manifest_prefix = "MANIFEST-";
  const auto ends_with = [&](bytes_view suffix) { return name.size() > suffix.size() && name.ends_with(suffix); };
  if (name == "LOCK") return {file_type::lock, 0};
  if (name == "CURRENT") return {file_type::current, 0};
  if (name == "CURRENT.tmp") return {file_type::temporary, 0};
  file_type type = file_type::foreign;
  bytes_view digits;
  if (name.starts_with(manifest_prefix)) {
    type = file_type::manifest;
    digits = name.substr(manifest_prefix.size());
  } else if (ends_with(".log")) {
    type = file_type::log;
    digits = name.substr(0, name.size() - 4);
  } else if (ends_with(".table")) {
    type = file_type::table;
    digits = name.substr(0, name.size() - 6);
  }
  // As they are made: a number has one name.
  if (digits.size() < 6 || digits.size() > 18 || (digits.size() > 6 && digits.front() == '0')) return {};
  std::uint64_t number = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return {};
    number = number * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  if (number == 0) return {};
  return {type, number};
}

}  // namespace strata::inline STRATA_ABI::engine

#endif
