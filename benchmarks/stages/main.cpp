// Each stage of a put, a get, a scan and a merge alone, with a fixed workload, beside what it is to reach.
#include <filesystem>

#include "../compare/limits.hpp"
#include "stage.hpp"

namespace benchmark {
namespace {

constexpr std::uint64_t entries_min = 10'000;
constexpr std::uint64_t entries_max = 50'000'000;

constexpr const char* usage =
    "usage: stages [options]\n"
    "  --entries N        entries of each workload, 10000 to 50000000 (500000)\n"
    "  --runs N           each row is the median of so many (3)\n"
    "  --only TEXT        only the rows whose name has this in it\n"
    "  --directory PATH   where files go; on the device that is to be measured; what it holds is removed (./stages.data)\n"
    "  --json FILE        writes all numbers\n";

stage_settings parse(int count, char** words) {
  stage_settings given;
  for (int i = 1; i < count; ++i) {
    const std::string option = words[i];
    if (option == "--help" || option == "-h") {
      std::printf("%s", usage);
      std::exit(0);
    }
    if (++i == count) throw failure(option + " is unknown, or needs a value\n" + usage);
    const std::string value = words[i];
    if (option == "--entries") given.entries = number_of(value);
    else if (option == "--runs") given.runs = number_of(value);
    else if (option == "--only") given.only = value;
    else if (option == "--directory") given.directory = value;
    else if (option == "--json") given.json = value;
    else throw failure(option + " is unknown\n" + usage);
  }
  if (given.runs == 0) throw failure("--runs must be at least 1");
  if (given.entries < entries_min || given.entries > entries_max) throw failure("--entries must be 10000 to 50000000");
  return given;
}

// Empty where the row has no aim.
std::string aim_of(const row& one) {
  if (one.at_most == 0 && one.at_least == 0) return "";
  char text[32];
  std::snprintf(text, sizeof text, one.at_most != 0 ? "<= %g" : ">= %g", one.at_most != 0 ? one.at_most : one.at_least);
  return text;
}
bool is_met(const row& one, double value) { return one.at_most != 0 ? value <= one.at_most : value >= one.at_least; }

void write_json(const stages& of, const std::string& machine, const limits& found) {
  const std::string& path = of.asked().json;
  std::FILE* out = std::fopen(path.c_str(), "w");
  if (out == nullptr) throw failure("cannot write " + path);
  std::fprintf(out, "{\n  \"machine\": %s,\n  \"entries\": %llu, \"runs\": %llu,\n  \"limits\": ", quoted(machine).c_str(),
               static_cast<unsigned long long>(of.asked().entries), static_cast<unsigned long long>(of.asked().runs));
  found.write_json(out);
  std::fprintf(out, ",\n  \"stages\": [");
  of.write_json(out);
  std::fprintf(out, "\n  ]\n}\n");
  if (std::fclose(out) != 0) throw failure("cannot write " + path);
}

int run(const stage_settings& asked) {
  std::filesystem::remove_all(asked.directory);
  std::filesystem::create_directories(asked.directory);
  stages all(asked);
  const std::string here = machine();
  std::fprintf(stderr, "measuring the machine\n");
  const limits found = measure_limits(asked.directory);
  measure_memtables(all);
  measure_log(all);
  measure_table_parts(all);
  measure_tables(all);
  measure_merges(all);
  measure_codecs(all);
  std::filesystem::remove_all(asked.directory);

  std::printf("\n%s\n%llu entries of 16 + 100 B, median of %llu\n\n", here.c_str(),
              static_cast<unsigned long long>(asked.entries), static_cast<unsigned long long>(asked.runs));
  found.print();
  all.print();
  if (!asked.json.empty()) write_json(all, here, found);
  return 0;
}

}  // namespace

void stages::print() const {
  std::printf("\n%-50s %10s %10s %10s  %-12s %-8s\n", "stage", "median", "lowest", "highest", "unit", "aim");
  for (const measured& each : rows_) {
    const spread values = spread_of(each.values);
    const std::string aim = aim_of(each.what);
    std::printf("%-50s %10.2f %10.2f %10.2f  %-12s %-8s%s\n", each.what.name, values.median, values.lowest, values.highest,
                each.what.unit, aim.c_str(), aim.empty() ? "" : is_met(each.what, values.median) ? " met" : " MISSED");
  }
}

void stages::write_json(std::FILE* out) const {
  const char* comma = "";
  for (const measured& each : rows_) {
    const spread values = spread_of(each.values);
    std::fprintf(out, "%s\n    {\"name\": %s, \"unit\": %s, \"median\": %.6g, \"lowest\": %.6g, \"highest\": %.6g", comma,
                 quoted(each.what.name).c_str(), quoted(each.what.unit).c_str(), values.median, values.lowest, values.highest);
    if (each.what.at_most != 0) std::fprintf(out, ", \"at_most\": %g", each.what.at_most);
    if (each.what.at_least != 0) std::fprintf(out, ", \"at_least\": %g", each.what.at_least);
    std::fprintf(out, "}");
    comma = ",";
  }
}

}  // namespace benchmark

int main(int count, char** words) {
  return benchmark::run_unsanitized("stages", [&] {
    const benchmark::stage_settings asked = benchmark::parse(count, words);
    try {
      return benchmark::run(asked);
    } catch (const std::exception& wrong) {
      std::fprintf(stderr, "FAILED: %s\n", wrong.what());
      return 1;
    }
  });
}
