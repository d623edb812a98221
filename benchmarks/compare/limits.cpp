#include "limits.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <vector>

#include "clock.hpp"
#include "../data.hpp"

namespace benchmark {
namespace {

class scratch_file {
 public:
  explicit scratch_file(std::string path) : path_(std::move(path)) {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (file_ < 0) throw failure("cannot make " + path_);
  }
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;
  ~scratch_file() {
    ::close(file_);
    ::unlink(path_.c_str());
  }
  void write(const std::string& bytes) {
    if (::write(file_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) throw failure("cannot write " + path_);
  }
  void rewind() { ::lseek(file_, 0, SEEK_SET); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  void sync() {
    if (::fdatasync(file_) != 0) throw failure("cannot sync " + path_);
  }

 private:
  std::string path_;
  int file_;
};

double syncs_per_s(scratch_file& file, double seconds) {
  const std::string record(128, 'r');
  std::uint64_t syncs = 0;
  const double begin = now_s();
  double end = begin;
  for (; end - begin < seconds; end = now_s(), ++syncs) {
    file.write(record);
    file.sync();
  }
  return static_cast<double>(syncs) / (end - begin);
}

// 0 where the file system has no reads past the page cache.
double random_reads_per_s(const scratch_file& file, std::uint64_t bytes, double seconds) {
  constexpr std::uint64_t block = 4096;
  const int direct = ::open(file.path().c_str(), O_RDONLY | O_DIRECT);
  if (direct < 0) return 0;
  const std::unique_ptr<void, decltype(&std::free)> into(std::aligned_alloc(block, block), &std::free);
  random_numbers random(2);
  std::uint64_t reads = 0;
  const double begin = now_s();
  double end = begin;
  for (; end - begin < seconds; end = now_s(), ++reads) {
    const auto at = static_cast<off_t>(random.below(bytes / block) * block);
    if (::pread(direct, into.get(), block, at) != static_cast<ssize_t>(block)) {
      reads = 0;
      break;
    }
  }
  ::close(direct);
  return reads == 0 ? 0 : static_cast<double>(reads) / (end - begin);
}

double measure_pointer_chase() {
  struct alignas(64) line {
    std::uint32_t next = 0;
  };
  constexpr std::uint32_t lines = (128u << 20) / sizeof(line);
  std::vector<std::uint32_t> order(lines);
  std::iota(order.begin(), order.end(), 0u);
  random_numbers random(1);
  for (std::uint32_t i = lines - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
  std::vector<line> ring(lines);
  for (std::uint32_t i = 0; i < lines; ++i) ring[order[i]].next = order[(i + 1) % lines];
  std::uint32_t at = order[0];
  constexpr int steps = 4'000'000;
  const double begin = now_s();
  for (int i = 0; i < steps; ++i) at = ring[at].next;
  const double elapsed = now_s() - begin;
  if (at >= lines) throw failure("the pointer chase left its ring");  // also keeps the loop
  return elapsed * 1e9 / steps;
}

double measure_memcpy() {
  const std::string from(std::size_t{64} << 20, 'f');
  std::string to(from.size(), 't');
  std::vector<double> seconds;
  for (int i = 0; i < 9; ++i) {
    to[static_cast<std::size_t>(i)] = 'x';
    const double begin = now_s();
    std::memcpy(to.data(), from.data(), from.size());
    seconds.push_back(now_s() - begin);
    if (to[static_cast<std::size_t>(i)] != 'f') throw failure("memcpy did not copy");
  }
  std::sort(seconds.begin(), seconds.end());
  return static_cast<double>(from.size()) / seconds[4] / 1e9;
}

struct limit_row {
  const char* key;
  const char* label;
  double limits::*value;
};
constexpr limit_row limit_rows[] = {
    {"syncs_per_s", "write of 128 B in place and fdatasync, 1/s", &limits::syncs_per_s},
    {"appended_syncs_per_s", "append of 128 B and fdatasync, 1/s", &limits::appended_syncs_per_s},
    {"sequential_mb_per_s", "sequential write, synced, MB/s", &limits::sequential_mb_per_s},
    {"random_reads_per_s", "random read of 4 KiB, direct, 1/s", &limits::random_reads_per_s},
    {"pointer_chase_ns", "pointer chase in 128 MiB, ns", &limits::pointer_chase_ns},
    {"memcpy_gb_per_s", "memcpy, GB/s", &limits::memcpy_gb_per_s},
    {"write_call_ns", "write() of 128 B, ns", &limits::write_call_ns},
    {"clock_ns", "reading the clock, ns", &limits::clock_ns},
};

}  // namespace

void limits::print() const {
  for (const limit_row& each : limit_rows) std::printf("  %-44s %10.1f\n", each.label, this->*each.value);
}

void limits::write_json(std::FILE* out) const {
  const char* before = "{";
  for (const limit_row& each : limit_rows) {
    std::fprintf(out, "%s\"%s\": %.3f", before, each.key, this->*each.value);
    before = ", ";
  }
  std::fprintf(out, "}");
}

double device_syncs_per_s(const std::string& directory, double seconds) {
  scratch_file file(directory + "/limits");
  file.write(std::string(std::size_t{8} << 20, '\0'));
  file.sync();
  file.rewind();
  return syncs_per_s(file, seconds);
}

limits measure_limits(const std::string& directory) {
  limits found;
  found.syncs_per_s = device_syncs_per_s(directory, 1);
  {
    scratch_file file(directory + "/limits");
    found.appended_syncs_per_s = syncs_per_s(file, 1);
  }
  {
    scratch_file file(directory + "/limits");
    const std::string piece(std::size_t{1} << 20, 'p');
    const double begin = now_s();
    for (int i = 0; i < 256; ++i) file.write(piece);
    file.sync();
    found.sequential_mb_per_s = 256.0 * 1.048576 / (now_s() - begin);
    found.random_reads_per_s = random_reads_per_s(file, 256 * piece.size(), 0.5);
  }
  {
    scratch_file file(directory + "/limits");
    const std::string record(128, 'r');
    constexpr int calls = 200'000;
    const double begin = now_s();
    for (int i = 0; i < calls; ++i) file.write(record);
    found.write_call_ns = (now_s() - begin) * 1e9 / calls;
  }
  found.pointer_chase_ns = measure_pointer_chase();
  found.memcpy_gb_per_s = measure_memcpy();
  constexpr int reads = 1'000'000;
  const double begin = now_s();
  double last = begin;
  for (int i = 0; i < reads; ++i) last = now_s();
  found.clock_ns = (last - begin) * 1e9 / reads;
  return found;
}

}  // namespace benchmark
