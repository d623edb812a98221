// A directory as one input: for each file its name and its bytes.
//
//     file    name length u8 · name · length u32 · bytes
#ifndef STRATA_TESTS_FUZZ_PACK_HPP
#define STRATA_TESTS_FUZZ_PACK_HPP

#include "fuzz.hpp"

#include <strata/core/coding.hpp>

namespace strata_fuzz {

struct packed_file {
  byte_string name;
  byte_string bytes;
};

inline byte_string pack(const std::vector<packed_file>& files) {
  byte_string out;
  for (const packed_file& each : files) {
    out.push_back(static_cast<char>(each.name.size()));
    out.append(each.name);
    strata::append_fixed(out, static_cast<std::uint32_t>(each.bytes.size()));
    out.append(each.bytes);
  }
  return out;
}

// As many files as can be read, each name once and none that would be another directory's.
inline std::vector<packed_file> unpack(bytes_view input) {
  constexpr std::size_t files_max = 24;
  std::vector<packed_file> files;
  strata::byte_reader in(input);
  while (files.size() < files_max && in.remaining() != 0) {
    const bytes_view name = in.bytes(in.fixed<std::uint8_t>());
    const auto length = in.fixed<std::uint32_t>();
    if (!in.ok()) break;
    const bytes_view bytes = in.bytes((std::min)(std::size_t{length}, in.remaining()));
    if (name.empty() || name == "." || name == ".." || name.find('/') != name.npos || name.find('\0') != name.npos) continue;
    bool known = false;
    for (const packed_file& each : files) known = known || each.name == name;
    if (!known) files.push_back({byte_string(name), byte_string(bytes)});
  }
  return files;
}

}  // namespace strata_fuzz

#endif
