// What the benchmark programs have in common beside their data: numbers of a command line, the middle of several runs, the
// machine that they ran on, and whether a sanitizer spoils them.
#ifndef STRATA_BENCHMARKS_PROGRAM_HPP
#define STRATA_BENCHMARKS_PROGRAM_HPP

#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "data.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STRATA_BENCHMARKS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define STRATA_BENCHMARKS_SANITIZED 1
#endif
#endif

namespace benchmark {

[[nodiscard]] inline std::uint64_t number_of(const std::string& text) {
  char* end = nullptr;
  errno = 0;
  const std::uint64_t number = std::strtoull(text.c_str(), &end, 10);
  if (text.empty() || text[0] == '-' || *end != '\0' || errno != 0) throw failure("not a number: " + text);
  return number;
}

// Of several runs. Requires: at least one value.
struct spread {
  double median = 0, lowest = 0, highest = 0;
};
[[nodiscard]] inline spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

// A string as JSON has it.
[[nodiscard]] inline std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      out += c;
    }
  }
  return out + '"';
}

// Processor, cores, system, and what else was going on: in one line.
[[nodiscard]] inline std::string machine() {
  std::string processor = "unknown processor";
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    processor = line.substr(line.find(':') + 2);
    break;
  }
  struct utsname system {};
  ::uname(&system);
  double load = 0;
  static_cast<void>(::getloadavg(&load, 1));
  char text[256];
  std::snprintf(text, sizeof text, "%s, %u cores, %s %s, load when it began %.1f", processor.c_str(),
                std::thread::hardware_concurrency(), system.sysname, system.release, load);
  return text;
}

// What main() returns: what `work` returns, or 2 where it throws, or where a sanitizer spoils what it would measure.
template <typename Work>
[[nodiscard]] int run_unsanitized(const char* program, [[maybe_unused]] Work&& work) {
#if STRATA_BENCHMARKS_SANITIZED
  std::fprintf(stderr, "%s: built with a sanitizer: what it measures would mean nothing\n", program);
  return 2;
#else
  try {
    return work();
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "%s: %s\n", program, wrong.what());
    return 2;
  }
#endif
}

}  // namespace benchmark

#endif
