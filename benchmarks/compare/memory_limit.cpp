#include "memory_limit.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "../data.hpp"

namespace benchmark {
namespace {

constexpr const char* group_prefix = "strata-compare-";  // and the process that made it

// The controller of memory, in one of its two versions.
struct controller {
  std::filesystem::path mounted;
  std::string own_group;  // of this process, below `mounted`; begins with '/'
  const char* limit_file;
  const char* swap_file;  // of memory and swap in version 1, of swap alone in version 2
  bool is_v2;
};

[[nodiscard]] bool lists(const std::string& commas, const std::string& word) {
  return (',' + commas + ',').find(',' + word + ',') != std::string::npos;
}

// The group of this process: a line "number:controllers:path", version 2 with no controllers.
std::optional<std::string> own_group(bool is_v2) {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (is_v2 ? controllers.empty() : lists(controllers, "memory")) return line.substr(second + 1);
  }
  return std::nullopt;
}

controller find_controller() {
  std::optional<controller> found;
  std::ifstream in("/proc/self/mounts");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string device, at, type, options;
    words >> device >> at >> type >> options;
    // Where both are mounted, the first version has the controller if its mount names it.
    if (type == "cgroup" && lists(options, "memory"))
      if (const auto group = own_group(false))
        return {at, *group, "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", false};
    if (type == "cgroup2")
      if (const auto group = own_group(true)) found = controller{at, *group, "memory.max", "memory.swap.max", true};
  }
  if (!found) throw failure("--memory-mib: no control groups are mounted (looked for cgroup2, and cgroup with memory)");
  return *found;
}

[[nodiscard]] bool write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  return out.good();
}

// What a run that was killed has left behind: groups of processes that are no more.
void remove_abandoned(const std::filesystem::path& below) {
  std::error_code ignored;
  for (const auto& each : std::filesystem::directory_iterator(below, ignored)) {
    const std::string name = each.path().filename();
    if (name.rfind(group_prefix, 0) != 0) continue;
    const auto maker = static_cast<pid_t>(std::strtol(name.c_str() + std::strlen(group_prefix), nullptr, 10));
    if (maker > 0 && ::kill(maker, 0) != 0 && errno == ESRCH) ::rmdir(each.path().c_str());
  }
}

}  // namespace

memory_limit::memory_limit(std::uint64_t bytes) {
  const controller memory = find_controller();
  const std::string name = group_prefix + std::to_string(::getpid());
  // Within the own group, so that whatever limits that one goes on to hold. Where it cannot have such a group, in the one
  // above: in version 2 a group with processes of its own gives none of its controllers on, and in a container the path
  // may be one that is seen only outside.
  std::string place = memory.own_group;
  for (;;) {
    const std::filesystem::path below = memory.mounted.string() + place;
    remove_abandoned(below);
    const std::filesystem::path group = below / name;
    if (::mkdir(group.c_str(), 0755) == 0) {
      if (::access((group / memory.limit_file).c_str(), W_OK) == 0) {
        group_ = group;
        break;
      }
      ::rmdir(group.c_str());
    } else if (errno != ENOENT) {
      throw failure("--memory-mib: cannot make " + group.string() + ": " + std::strerror(errno) +
                    " (it takes root, or a group that was delegated: systemd-run --user --scope -p Delegate=yes)");
    }
    if (place.empty() || place == "/")
      throw failure("--memory-mib: no group below " + memory.mounted.string() + memory.own_group + ", or above it, has " +
                    memory.limit_file + ": the controller of memory is not given on (cgroup.subtree_control)");
    place.erase(place.rfind('/'));
  }
  if (!write_file(group_ / memory.limit_file, std::to_string(bytes))) {
    const std::string file = group_ / memory.limit_file;
    ::rmdir(group_.c_str());
    throw failure("--memory-mib: cannot write " + file);
  }
  // No swap on top. The file is missing where the kernel does not count swap.
  const std::filesystem::path swap = group_ / memory.swap_file;
  if (::access(swap.c_str(), W_OK) == 0) static_cast<void>(write_file(swap, memory.is_v2 ? "0" : std::to_string(bytes)));
}

memory_limit::~memory_limit() { ::rmdir(group_.c_str()); }

void memory_limit::enter() const {
  // Its parent removes the group.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!write_file(group_ / "cgroup.procs", std::to_string(::getpid()))) throw failure("cannot enter " + group_.string());
}

bool memory_limit::was_exceeded() const {
  // Both have a line "oom_kill N".
  for (const char* file : {"memory.oom_control", "memory.events"}) {
    std::ifstream in(group_ / file);
    std::string word;
    std::uint64_t count = 0;
    while (in >> word >> count)
      if (word == "oom_kill") return count != 0;
  }
  return false;
}

}  // namespace benchmark
