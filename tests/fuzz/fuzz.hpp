// What the fuzz targets share: a world of files that gives the same answers every time, claims that end the process when
// they do not hold, and numbers drawn from one seed.
//
// A target is `LLVMFuzzerTestOneInput` over bytes as they lie on disk. It says what must be so for any bytes at all; what
// the sanitizers and libFuzzer's limits see (memory, stack, time) needs no claim.
#ifndef STRATA_TESTS_FUZZ_FUZZ_HPP
#define STRATA_TESTS_FUZZ_FUZZ_HPP

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <strata/core/bytes.hpp>
#include <strata/core/error.hpp>
#include <strata/core/result.hpp>

namespace strata_fuzz {

using strata::byte_string;
using strata::bytes_view;
using strata::errc;

// Whose the files of the corpora are. A mended file is always of this store.
inline constexpr std::uint64_t store_id = 0x5EED'5EED'5EED'5EED;

[[noreturn]] inline void fail(int line, const char* claim, const std::string& told = {}) {
  std::fprintf(stderr, "fuzz: line %d: broken: %s%s%s\n", line, claim, told.empty() ? "" : ": ", told.c_str());
  std::abort();
}

// Ends the process where the condition does not hold.
#define FUZZ_CLAIM(...) ((__VA_ARGS__) ? static_cast<void>(0) : ::strata_fuzz::fail(__LINE__, #__VA_ARGS__))

// What an error says of its place, where a function promises it.
enum class place { none, file, file_and_offset };

// The error is one of those that the doc comment of the call lists, and names the file where that is promised.
inline void expect(int line, const strata::error& failure, std::initializer_list<errc> allowed, place named = place::none,
                   bytes_view file = {}) {
  bool listed = false;
  for (const errc each : allowed) listed = listed || failure.code() == each;
  if (!listed) fail(line, "an error of another kind than the call promises", failure.message());
  if (named == place::none) return;
  if (failure.file().empty() || (!file.empty() && failure.file() != file))
    fail(line, "an error names its file", failure.message());
  if (named == place::file_and_offset && failure.code() == errc::corruption && !failure.has_offset())
    fail(line, "corruption names its offset", failure.message());
}
#define FUZZ_EXPECT(...) ::strata_fuzz::expect(__LINE__, __VA_ARGS__)

// The result holds a value; ends the process with the error's words where it does not.
template <typename Result>
void succeed(int line, const Result& outcome) {
  if (!outcome.has_value()) fail(line, "the call succeeds", outcome.error().message());
}
#define FUZZ_OK(...) ::strata_fuzz::succeed(__LINE__, __VA_ARGS__)

// A view of a fuzzer's input.
inline bytes_view view_of(const std::uint8_t* data, std::size_t size) {
  return {static_cast<const char*>(static_cast<const void*>(data)), size};
}

// Bytes on the heap, with nothing behind them but what is asked for: a read past them is seen.
class exact_bytes {
 public:
  explicit exact_bytes(bytes_view bytes, std::size_t zeros_behind = 0) : size_(bytes.size()), memory_(size_ + zeros_behind) {
    for (std::size_t i = 0; i < size_; ++i) memory_[i] = bytes[i];
  }
  [[nodiscard]] bytes_view view() const { return {memory_.data(), size_}; }

 private:
  std::size_t size_;
  std::vector<char> memory_;
};

// splitmix64: the same numbers everywhere.
class dice {
 public:
  explicit dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t mixed = state_ += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
  }
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(next() % limit); }
  bool one_in(std::size_t count) { return below(count) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace strata_fuzz

#endif
