// Files in memory whose clock stands still and whose entropy is no such thing: one input, one outcome, and every file of
// the store that the corpora are of.
#ifndef STRATA_TESTS_FUZZ_WORLD_HPP
#define STRATA_TESTS_FUZZ_WORLD_HPP

#include "fuzz.hpp"

#include <strata/environment/in_memory.hpp>

namespace strata_fuzz {

// Wall clock of everything: what expires before it has expired, what expires later has not.
inline constexpr std::uint64_t now_us = 1'700'000'000'000'000;

struct world : strata::environment::in_memory {
  [[nodiscard]] static std::uint64_t wall_time_us() noexcept { return now_us; }
  [[nodiscard]] static std::uint64_t entropy() noexcept { return store_id; }
};

inline void put_file(const world& files, std::string_view path, bytes_view bytes) {
  auto file = files.create_file(path);
  FUZZ_OK(file);
  FUZZ_OK(file->append(bytes));
  FUZZ_OK(file->close());
}

inline byte_string get_file(const world& files, std::string_view path) {
  auto file = files.open_readable(path);
  FUZZ_OK(file);
  byte_string bytes(static_cast<std::size_t>(file->size()), '\0');
  auto count = file->read(0, bytes.data(), bytes.size());
  FUZZ_CLAIM(count.has_value() && *count == bytes.size());
  return bytes;
}

}  // namespace strata_fuzz

#endif
