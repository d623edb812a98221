#include "report.hpp"

#include <cmath>
#include <cstdio>

namespace benchmark {
namespace {

std::string printed(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string shown(double value, const char* unit) {
  if (std::strcmp(unit, "1/s") == 0) {
    if (value >= 1e7) return printed("%.1f M", value * 1e-6);
    if (value >= 1e6) return printed("%.2f M", value * 1e-6);
    if (value >= 1e5) return printed("%.0f K", value * 1e-3);
    if (value >= 1e3) return printed("%.1f K", value * 1e-3);
    return printed("%.0f", value);
  }
  return printed(value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value);
}

}  // namespace

std::optional<std::size_t> report::find(const char* name) const {
  for (std::size_t i = 0; i < stores_.size(); ++i)
    if (std::strcmp(stores_[i].name, name) == 0) return i;
  return std::nullopt;
}

std::optional<spread> report::value(std::size_t store, const measure& of) const {
  std::vector<double> values;
  for (const auto& round : rounds)
    if (const auto found = round[store].numbers.find(of.key); found != round[store].numbers.end()) values.push_back(found->second);
  if (values.empty()) return std::nullopt;
  return spread_of(std::move(values));
}

std::optional<spread> report::ahead_of(std::optional<std::size_t> other, const measure& of) const {
  const auto strata = find("strata");
  if (!strata || std::strcmp(of.key, "fillsync_device") == 0) return std::nullopt;
  std::vector<double> ratios;
  for (const auto& round : rounds) {
    const auto ours = round[*strata].numbers.find(of.key);
    if (ours == round[*strata].numbers.end()) continue;
    std::optional<double> best;
    for (std::size_t i = 0; i < stores_.size(); ++i) {
      if (other ? i != *other : !stores_[i].is_peer) continue;
      const auto theirs = round[i].numbers.find(of.key);
      if (theirs == round[i].numbers.end()) continue;
      const bool is_better = !best || (of.way == better::higher ? theirs->second > *best : theirs->second < *best);
      if (is_better) best = theirs->second;
    }
    if (!best || *best <= 0 || ours->second <= 0) continue;
    ratios.push_back(of.way == better::higher ? ours->second / *best : *best / ours->second);
  }
  if (ratios.empty()) return std::nullopt;
  return spread_of(std::move(ratios));
}

std::optional<double> report::share_of_limit(const measure& of) const {
  const auto strata = find("strata");
  const auto ours = strata ? value(*strata, of) : std::nullopt;
  if (!ours) return std::nullopt;
  const double entry_ns = static_cast<double>(asked_.key_bytes + asked_.value_bytes) / of_machine.memcpy_gb_per_s;
  const double miss_ns = of_machine.pointer_chase_ns;
  double floor_ns = 0;
  const std::string key = of.key;
  if (key == "fillsync") {
    // Of each round what the device gave beside it, as it changes with what others do.
    std::vector<double> shares;
    for (const auto& round : rounds) {
      const auto& numbers = round[*strata].numbers;
      if (numbers.count("fillsync") != 0) shares.push_back(numbers.at("fillsync") / numbers.at("fillsync_device"));
    }
    return spread_of(std::move(shares)).median;
  }
  // A put copies an entry into the log and into memory, reads it for a checksum, and misses twice on the way to its place.
  if (key == "fillrandom" || key == "overwrite") floor_ns = 3 * entry_ns + 2 * miss_ns;
  if (key == "fillseq") floor_ns = 3 * entry_ns;
  // A get misses three times that depend on each other: index, block, entry; a filter that says no costs one.
  if (key == "readrandom" || key == "readwhilewriting") floor_ns = 3 * miss_ns;
  // Of data larger than memory one get in so many reads from the device, once.
  const double data_bytes = static_cast<double>(asked_.entries * (asked_.key_bytes + asked_.value_bytes));
  const double memory_bytes = static_cast<double>(asked_.memory_bytes);
  if (key == "readrandom" && memory_bytes != 0 && memory_bytes < data_bytes) {
    if (of_machine.random_reads_per_s == 0) return std::nullopt;
    floor_ns += (1 - memory_bytes / data_bytes) * 1e9 / of_machine.random_reads_per_s;
  }
  if (key == "readmissing") floor_ns = miss_ns;
  if (key == "scan") floor_ns = entry_ns;
  if (floor_ns == 0) return std::nullopt;
  return floor_ns * ours->median * 1e-9;
}

void report::print() const {
  std::printf("\n%s\n", machine_.c_str());
  std::printf("%llu entries of %zu + %zu B, write buffer %llu MiB, cache %llu MiB, %zu round%s\n",
              static_cast<unsigned long long>(asked_.entries), asked_.key_bytes, asked_.value_bytes,
              static_cast<unsigned long long>(asked_.write_buffer_bytes >> 20),
              static_cast<unsigned long long>(asked_.cache_bytes >> 20), rounds.size(), rounds.size() == 1 ? "" : "s");
  if (asked_.memory_bytes != 0)
    std::printf("memory of each store's process, page cache included: at most %llu MiB\n",
                static_cast<unsigned long long>(asked_.memory_bytes >> 20));
  if (asked_.reads_max != UINT64_MAX)
    std::printf("at most %llu reads a workload\n", static_cast<unsigned long long>(asked_.reads_max));
  std::printf("\n");
  of_machine.print();
  std::printf("\n");
  int width = 12;  // of a column, and of the names
  for (const store_kind& each : stores_) width = std::max(width, static_cast<int>(std::strlen(each.name)));
  for (std::size_t i = 0; i < stores_.size(); ++i) {
    const auto shape = rounds.back()[i].remarks.find("settled");
    std::printf("  %-*s  %s; %s\n", width, stores_[i].name, stores_[i].version.c_str(), stores_[i].settings);
    if (shape != rounds.back()[i].remarks.end()) std::printf("  %-*s  settled: %s\n", width, "", shape->second.c_str());
  }

  const auto rocksdb = find("rocksdb");
  std::printf("\n%-25s", "");
  for (const store_kind& each : stores_) std::printf(" %*s", width, each.name);
  std::printf("   %20s %20s %9s\n", "ahead of best peer", "ahead of RocksDB", "of limit");
  const auto print_ratio = [](const std::optional<spread>& ratio) {
    std::string text = ratio ? printed("%.2f", ratio->median) : "-";
    if (ratio && ratio->lowest != ratio->highest)
      text += printed(" (%.2f", ratio->lowest) + printed("-%.2f)", ratio->highest);
    std::printf(" %20s", text.c_str());
  };
  for (const measure& each : measures) {
    bool any = false;
    for (std::size_t i = 0; i < stores_.size(); ++i) any = any || value(i, each).has_value();
    if (!any) continue;
    const std::string unit = std::strcmp(each.unit, "1/s") == 0 ? "" : std::string(", ") + each.unit;
    std::printf("%-25s", (each.label + unit).c_str());
    for (std::size_t i = 0; i < stores_.size(); ++i) {
      const auto found = value(i, each);
      std::printf(" %*s", width, found ? shown(found->median, each.unit).c_str() : "-");
    }
    std::printf("  ");
    print_ratio(ahead_of(std::nullopt, each));
    print_ratio(rocksdb ? ahead_of(rocksdb, each) : std::nullopt);
    const auto share = share_of_limit(each);
    std::printf(" %9s\n", share ? printed("%.0f %%", *share * 100).c_str() : "");
  }
  std::printf("\nahead: more than 1 where Strata is better, also in rows where less is better; median (lowest-highest) of the rounds\n");
}

void report::write_json(const std::string& path) const {
  std::FILE* out = std::fopen(path.c_str(), "w");
  if (out == nullptr) throw failure("cannot write " + path);
  std::fprintf(out, "{\n  \"machine\": %s,\n", quoted(machine_).c_str());
  std::fprintf(out, "  \"entries\": %llu, \"key_bytes\": %zu, \"value_bytes\": %zu, \"write_buffer_bytes\": %llu, \"cache_bytes\": %llu,\n",
               static_cast<unsigned long long>(asked_.entries), asked_.key_bytes, asked_.value_bytes,
               static_cast<unsigned long long>(asked_.write_buffer_bytes), static_cast<unsigned long long>(asked_.cache_bytes));
  // 0: no limit
  std::fprintf(out, "  \"memory_bytes\": %llu, \"reads_max\": %llu,\n  \"versions\": {",
               static_cast<unsigned long long>(asked_.memory_bytes),
               static_cast<unsigned long long>(asked_.reads_max == UINT64_MAX ? 0 : asked_.reads_max));
  const char* comma = "";
  for (const store_kind& each : stores_) {
    std::fprintf(out, "%s%s: %s", comma, quoted(each.name).c_str(), quoted(each.version).c_str());
    comma = ", ";
  }
  std::fprintf(out, "},\n  \"limits\": ");
  of_machine.write_json(out);
  std::fprintf(out, ",\n  \"rounds\": [");
  comma = "";
  for (const auto& round : rounds) {
    std::fprintf(out, "%s\n    {", comma);
    comma = ",";
    for (std::size_t i = 0; i < stores_.size(); ++i) {
      std::fprintf(out, "%s\n      %s: {", i == 0 ? "" : ",", quoted(stores_[i].name).c_str());
      const char* inner = "";
      for (const auto& [key, number] : round[i].numbers) {
        std::fprintf(out, "%s%s: %.6g", inner, quoted(key).c_str(), number);
        inner = ", ";
      }
      for (const auto& [key, text] : round[i].remarks) {
        std::fprintf(out, "%s%s: %s", inner, quoted(key).c_str(), quoted(text).c_str());
        inner = ", ";
      }
      std::fprintf(out, "}");
    }
    std::fprintf(out, "\n    }");
  }
  std::fprintf(out, "\n  ],\n  \"ratios\": {");
  comma = "";
  const auto rocksdb = find("rocksdb");
  for (const measure& each : measures) {
    const auto best = ahead_of(std::nullopt, each);
    if (!best) continue;
    std::fprintf(out, "%s\n    \"%s\": {\"best_peer\": [%.4g, %.4g, %.4g]", comma, each.key, best->median, best->lowest, best->highest);
    if (const auto other = rocksdb ? ahead_of(rocksdb, each) : std::nullopt)
      std::fprintf(out, ", \"rocksdb\": [%.4g, %.4g, %.4g]", other->median, other->lowest, other->highest);
    if (const auto share = share_of_limit(each)) std::fprintf(out, ", \"share_of_limit\": %.4g", *share);
    std::fprintf(out, "}");
    comma = ",";
  }
  std::fprintf(out, "\n  }\n}\n");
  if (std::fclose(out) != 0) throw failure("cannot write " + path);
}

}  // namespace benchmark
