// What the stages have in common: rows with their aims, the collected values, and the keys that they work on.
#ifndef STRATA_BENCHMARKS_STAGES_STAGE_HPP
#define STRATA_BENCHMARKS_STAGES_STAGE_HPP

#include <time.h>

#include <functional>
#include <initializer_list>
#include <vector>

#include "../checked.hpp"
#include "../program.hpp"

namespace benchmark {

// One line of the table. An aim of 0 is none.
struct row {
  const char* name;
  const char* unit;
  double at_most = 0;
  double at_least = 0;
};

struct stage_settings {
  std::uint64_t entries = 500'000;
  std::uint64_t runs = 3;
  std::string only;  // rows whose name has this in it
  std::string directory = "stages.data";
  std::string json;
};

// Takes the values of all rows, in the order in which rows are met first.
class stages {
 public:
  explicit stages(const stage_settings& asked) : asked_(asked), data_(asked.entries, 16, 100) {}

  [[nodiscard]] const stage_settings& asked() const noexcept { return asked_; }
  [[nodiscard]] const data_set& data() const noexcept { return data_; }
  [[nodiscard]] std::uint64_t entries() const noexcept { return asked_.entries; }

  [[nodiscard]] bool wants(const row& one) const { return std::string_view(one.name).find(asked_.only) != std::string_view::npos; }
  [[nodiscard]] bool wants_any(std::initializer_list<row> rows) const {
    return std::any_of(rows.begin(), rows.end(), [&](const row& each) { return wants(each); });
  }

  // Of a row that is not wanted the value goes.
  void take(const row& one, double value) {
    if (!wants(one)) return;
    std::fprintf(stderr, "  %-46s %12.2f %s\n", one.name, value, one.unit);
    for (measured& each : rows_)
      if (std::string_view(each.what.name) == one.name) return each.values.push_back(value);
    rows_.push_back({one, {value}});
  }
  // Takes what `once` returns, where the row is wanted; else it is not called.
  void measure(const row& one, const std::function<double()>& once) {
    if (wants(one)) take(one, once());
  }

  void print() const;
  void write_json(std::FILE* out) const;

 private:
  struct measured {
    row what;
    std::vector<double> values;
  };
  const stage_settings& asked_;
  data_set data_;
  std::vector<measured> rows_;
};

// By which clock. That of the thread counts while it is at work: what waits for nothing costs the same beside others, but for the
// caches that it shares with them. What waits for the device is timed by the wall.
enum class timed { by_thread, by_wall };

// The time that `work` takes for each of `count`.
template <typename Work>
[[nodiscard]] double ns_each(timed how, std::uint64_t count, Work&& work) {
  const auto now = [how] {
    struct timespec time {};
    ::clock_gettime(how == timed::by_thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
  };
  const std::uint64_t begin = now();
  work();
  return static_cast<double>(now() - begin) / static_cast<double>(count);
}

// The stages, by what they are a part of.
void measure_memtables(stages& to);
void measure_log(stages& to);
void measure_table_parts(stages& to);
void measure_tables(stages& to);
void measure_merges(stages& to);
void measure_codecs(stages& to);

}  // namespace benchmark

#endif
