// Strata beside its peers: the same keys, values, durability, memory and threads for each, in turn, in one run.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "../program.hpp"
#include "memory_limit.hpp"
#include "report.hpp"

namespace benchmark {
namespace {

constexpr const char* usage =
    "usage: compare [options]\n"
    "  --entries N           entries of a data set (1000000)\n"
    "  --key-bytes N         12 to 256 (16)\n"
    "  --value-bytes N       (100)\n"
    "  --cache-mib N         block cache of each store (512)\n"
    "  --write-buffer-mib N  write buffer of each store (64)\n"
    "  --stores A,B          which stores, in which order (all but strata-bytes, strata-unsynced)\n"
    "                        strata-bytes: the engine below the typed face\n"
    "                        strata-unsynced: the class of the peers' defaults: its log is synced only on close\n"
    "  --workloads A,B       which workloads (all but ycsb-a to ycsb-f); ycsb stands for these six\n"
    "  --ycsb                the six workloads of YCSB too\n"
    "  --reads N             at most N reads in a workload of single gets, N seeks, N operations of YCSB (no limit)\n"
    "  --memory-mib N        memory for each store's process, its page cache included (all there is)\n"
    "  --rounds N            each store once a round, in reverse order in every second round (2)\n"
    "  --sync-seconds N      how long fillsync goes on (3)\n"
    "  --directory PATH      where the data go; must be on the device that is to be measured (./compare.data)\n"
    "  --json FILE           writes all numbers\n";

// The last ones are not run unless named.
constexpr std::ptrdiff_t stores_to_be_named = 2;
std::vector<store_kind> all_stores() {
  return {strata_kind(),
#if STRATA_BENCHMARKS_ROCKSDB
          rocksdb_kind(),
#endif
#if STRATA_BENCHMARKS_LEVELDB
          leveldb_kind(),
#endif
#if STRATA_BENCHMARKS_LMDB
          lmdb_kind(),
#endif
#if STRATA_BENCHMARKS_SQLITE
          sqlite_kind(),
#endif
          strata_bytes_kind(), strata_unsynced_kind()};
}

struct arguments {
  plan asked;
  std::vector<store_kind> stores;
  std::uint64_t rounds = 2;
  std::string directory = "compare.data";
  std::string json;
};

std::vector<std::string> listed(const std::string& names) {
  std::vector<std::string> all;
  std::istringstream in(names);
  for (std::string name; std::getline(in, name, ',');) all.push_back(name);
  return all;
}

store_kind store_named(const std::string& name) {
  std::string known;
  for (const store_kind& each : all_stores()) {
    if (name == each.name) return each;
    known += std::string(" ") + each.name;
  }
  throw failure("no store is called " + name + "; there are:" + known);
}

std::string workload_named(const std::string& name) {
  std::string known;
  for (const auto& list : {std::vector<const char*>(std::begin(workloads), std::end(workloads)),
                           std::vector<const char*>(std::begin(ycsb_workloads), std::end(ycsb_workloads))}) {
    for (const char* each : list) {
      if (name == each) return name;
      known += std::string(" ") + each;
    }
  }
  throw failure("no workload is called " + name + "; there are:" + known);
}

void add_ycsb(std::set<std::string>& to) { to.insert(std::begin(ycsb_workloads), std::end(ycsb_workloads)); }

arguments parse(int count, char** words) {
  arguments given;
  bool ycsb_too = false;
  for (int i = 1; i < count; ++i) {
    const std::string option = words[i];
    if (option == "--help" || option == "-h") {
      std::printf("%s", usage);
      std::exit(0);
    }
    if (option == "--ycsb") {
      ycsb_too = true;
      continue;
    }
    if (++i == count) throw failure(option + " is unknown, or needs a value\n" + usage);
    const std::string value = words[i];
    if (option == "--entries") given.asked.entries = number_of(value);
    else if (option == "--key-bytes") given.asked.key_bytes = number_of(value);
    else if (option == "--value-bytes") given.asked.value_bytes = number_of(value);
    else if (option == "--cache-mib") given.asked.cache_bytes = number_of(value) << 20;
    else if (option == "--write-buffer-mib") given.asked.write_buffer_bytes = number_of(value) << 20;
    else if (option == "--reads") given.asked.reads_max = number_of(value);
    else if (option == "--memory-mib") given.asked.memory_bytes = number_of(value) << 20;
    else if (option == "--rounds") given.rounds = number_of(value);
    else if (option == "--sync-seconds") given.asked.sync_seconds = static_cast<double>(number_of(value));
    else if (option == "--directory") given.directory = value;
    else if (option == "--json") given.json = value;
    else if (option == "--stores") { for (const auto& name : listed(value)) given.stores.push_back(store_named(name)); }
    else if (option == "--workloads") {
      for (const auto& name : listed(value)) {
        if (name == "ycsb") add_ycsb(given.asked.workloads);
        else given.asked.workloads.insert(workload_named(name));
      }
    }
    else throw failure(option + " is unknown\n" + usage);
  }
  if (given.stores.empty()) {
    given.stores = all_stores();
    given.stores.erase(given.stores.end() - stores_to_be_named, given.stores.end());
  }
  if (given.asked.workloads.empty()) given.asked.workloads.insert(std::begin(workloads), std::end(workloads));
  if (ycsb_too) add_ycsb(given.asked.workloads);
  if (given.asked.reads_max == 0) throw failure("--reads must be at least 1");
  if (given.rounds == 0) throw failure("--rounds must be at least 1");
  return given;
}

// The memory of a process that no file backs, in MiB; 0 when it has ended.
double private_memory_mib(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/status");
  for (std::string word; in >> word;) {
    if (word != "RssAnon:") continue;
    double kib = 0;
    in >> kib;
    return kib / 1024.0;
  }
  return 0;
}

// The child's side of one store in one round: lines "number key value", "remark key text", "failed text" into `out`.
[[noreturn]] void work_in_child(const store_kind& kind, const plan& asked, const memory_limit* memory,
                                const std::string& directory, int out) {
  std::FILE* lines = ::fdopen(out, "w");
  int status = 0;
  try {
    if (memory != nullptr) memory->enter();
    std::filesystem::create_directories(directory);
    run_workloads(kind, asked, directory,
                  {[&](const char* key, double value) {
                     std::fprintf(lines, "number %s %.9g\n", key, value);
                     std::fflush(lines);
                   },
                   [&](const char* key, const std::string& text) {
                     std::fprintf(lines, "remark %s %s\n", key, text.c_str());
                     std::fflush(lines);
                   }});
  } catch (const std::exception& wrong) {
    std::fprintf(lines, "failed %s\n", wrong.what());
    status = 1;
  }
  std::fclose(lines);
  std::_Exit(status);
}

void take_line(const std::string& line, const std::string& where, outcome& into) {
  std::istringstream in(line);
  std::string what, key, text;
  in >> what;
  if (what == "failed") {
    std::getline(in >> std::ws, into.failed);
    return;
  }
  in >> key;
  std::getline(in >> std::ws, text);
  if (what == "remark") {
    into.remarks[key] = text;
    return;
  }
  into.numbers[key] = std::strtod(text.c_str(), nullptr);
  for (const measure& each : measures)
    if (key == each.key && each.label[0] != ' ')
      std::fprintf(stderr, "  %s %-26s %14.2f %s\n", where.c_str(), each.label, into.numbers[key], each.unit);
}

// Runs one store in a process of its own: its memory is its own, and what a store leaves running ends with it.
outcome run_store(const store_kind& kind, const plan& asked, const std::string& directory, const std::string& where) {
  std::optional<memory_limit> memory;
  if (asked.memory_bytes != 0) memory.emplace(asked.memory_bytes);
  std::filesystem::remove_all(directory);
  ::sync();  // what the store before left to be written is not written in the time of this one
  int ends[2];
  if (::pipe(ends) != 0) throw failure("pipe");
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw failure("fork");
  if (child == 0) {
    ::close(ends[0]);
    work_in_child(kind, asked, memory ? &*memory : nullptr, directory, ends[1]);
  }
  ::close(ends[1]);

  outcome found;
  std::string text;
  std::uint64_t disk_peak = 0;
  double private_peak = 0;
  for (bool open = true; open;) {
    struct pollfd waiting {ends[0], POLLIN, 0};
    if (::poll(&waiting, 1, 200) == 0) {
      private_peak = std::max(private_peak, private_memory_mib(child));
      disk_peak = std::max(disk_peak, bytes_on_disk(directory));
      continue;
    }
    char piece[4096];
    const ssize_t count = ::read(ends[0], piece, sizeof piece);
    if (count < 0 && errno == EINTR) continue;
    open = count > 0;
    if (open) text.append(piece, static_cast<std::size_t>(count));
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      take_line(text.substr(0, end), where, found);
      text.erase(0, end + 1);
    }
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0 && found.failed.empty())
    found.failed = WIFSIGNALED(status) ? "ended by signal " + std::to_string(WTERMSIG(status)) : "ended without a word";
  if (memory && memory->was_exceeded()) found.failed += ": the memory budget is too small for it";
  found.numbers["memory_private"] = private_peak;
  found.numbers["disk_peak"] = static_cast<double>(disk_peak) / 1048576.0;
  std::filesystem::remove_all(directory);
  return found;
}

int compare(const arguments& given) {
  if (given.asked.memory_bytes != 0) memory_limit(given.asked.memory_bytes);  // fails now rather than after the first store
  std::filesystem::create_directories(given.directory);
  report all(given.asked, given.stores, machine());
  std::fprintf(stderr, "measuring the machine\n");
  all.of_machine = measure_limits(given.directory);
  int failures = 0;
  for (std::uint64_t round = 0; round < given.rounds; ++round) {
    auto& outcomes = all.rounds.emplace_back(given.stores.size());
    for (std::size_t turn = 0; turn < given.stores.size(); ++turn) {
      const std::size_t i = round % 2 == 0 ? turn : given.stores.size() - 1 - turn;
      const std::string where =
          "[" + std::to_string(round + 1) + "/" + std::to_string(given.rounds) + "] " + given.stores[i].name;
      outcomes[i] = run_store(given.stores[i], given.asked, given.directory + "/data", where);
      if (outcomes[i].failed.empty()) continue;
      std::fprintf(stderr, "  %s FAILED: %s\n", where.c_str(), outcomes[i].failed.c_str());
      ++failures;
    }
  }
  std::error_code ignored;
  std::filesystem::remove(given.directory, ignored);  // where nothing else is in it
  all.print();
  if (!given.json.empty()) all.write_json(given.json);
  if (failures != 0) std::fprintf(stderr, "%d of the stores' runs failed: the table is not whole\n", failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace benchmark

int main(int count, char** words) {
  return benchmark::run_unsanitized("compare", [&] { return benchmark::compare(benchmark::parse(count, words)); });
}
