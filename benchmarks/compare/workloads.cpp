#include "workloads.hpp"

#include <malloc.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "clock.hpp"
#include "limits.hpp"
#include "ycsb.hpp"

namespace benchmark {
namespace {

// A field of a file of /proc/self: bytes or KiB, as the file has it. 0 where it is missing.
std::uint64_t field_of_process(const char* file, const std::string& name) {
  std::ifstream in(std::string("/proc/self/") + file);
  for (std::string word; in >> word;) {
    if (word != name + ':') continue;
    std::uint64_t value = 0;
    in >> value;
    return value;
  }
  return 0;
}

// What this process has sent towards the device: pages made dirty, less those dropped before they were written.
std::uint64_t device_bytes() {
  return field_of_process("io", "write_bytes") - field_of_process("io", "cancelled_write_bytes");
}

double per_second(std::uint64_t count, std::uint64_t begin_ns) {
  return static_cast<double>(count) / (static_cast<double>(now_ns() - begin_ns) * 1e-9);
}
double ms_since(std::uint64_t begin_ns) { return static_cast<double>(now_ns() - begin_ns) * 1e-6; }
double mib(std::uint64_t bytes) { return static_cast<double>(bytes) / 1048576.0; }

class run {
 public:
  run(const store_kind& kind, const plan& asked, const std::string& directory, const observer& tell)
      : kind_(kind), asked_(asked), directory_(directory), tell_(tell),
        data_(asked.entries, asked.key_bytes, asked.value_bytes), store_(kind.make()) {}

  void all() {
    if (wants("fillseq")) fillseq();
    if (wants_loaded_store()) {
      fillrandom();
      if (wants("readrandom")) readrandom();
      if (wants("readmissing")) readmissing();
      if (wants("scan")) scan();
      if (wants("seek")) seek();
      if (wants("overwrite")) overwrite();
      if (wants("readwhilewriting")) readwhilewriting();
      if (wants_ycsb()) ycsb();
      store_->close();
    }
    if (wants("fillsync")) fillsync("fillsync", 1);
    if (wants("fillsync16") && kind_.takes_concurrent_writers) fillsync("fillsync16", 16);
    tell_.number("memory_peak", static_cast<double>(field_of_process("status", "VmHWM")) / 1024.0);
  }

 private:
  [[nodiscard]] bool wants(const char* workload) const { return asked_.workloads.count(workload) != 0; }
  [[nodiscard]] bool wants_loaded_store() const {
    for (const char* each : {"fillrandom", "readrandom", "readmissing", "scan", "seek", "overwrite", "readwhilewriting"})
      if (wants(each)) return true;
    return wants_ycsb();
  }
  [[nodiscard]] bool wants_ycsb() const {
    for (const ycsb_mix& each : ycsb_mixes)
      if (wants(each.name)) return true;
    return false;
  }
  [[nodiscard]] std::uint64_t reads(std::uint64_t usual) const { return std::min(usual, asked_.reads_max); }

  [[nodiscard]] bool exceeds_memory() const {
    return asked_.memory_bytes != 0 && asked_.memory_bytes < data_.user_bytes();
  }

  void empty_directory() const {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
  }
  [[nodiscard]] setup with(bool synced) const {
    return {directory_, asked_.write_buffer_bytes, asked_.cache_bytes, synced, exceeds_memory()};
  }
  double reopen() {
    store_->close();
    const std::uint64_t begin = now_ns();
    store_->open(with(false));
    // The first read belongs to it: a store may open late what it needs.
    get_entry(*store_->connect(), 0);
    return ms_since(begin);
  }
  // What the store keeps in memory of its own to find an entry: closed, then opened with the tables all over the keys read
  // once, as a store may open late what it needs. What malloc keeps of what was freed before is not the store's.
  double memory_to_open() {
    constexpr std::uint64_t places = 64;
    store_->close();
    ::malloc_trim(0);
    const std::uint64_t before = field_of_process("smaps_rollup", "Anonymous");
    store_->open(with(false));
    {
      const auto through = store_->connect();
      for (std::uint64_t i = 0; i < places; ++i) get_entry(*through, i * data_.entries() / places);
    }
    const std::uint64_t after = field_of_process("smaps_rollup", "Anonymous");
    return static_cast<double>(after - std::min(before, after)) * 1024 / static_cast<double>(data_.entries());
  }
  void get_entry(session& through, std::uint64_t index) {
    data_set::key key(data_);
    std::string_view value;
    if (!through.get(key.of_entry(index), value)) throw failure("entry " + std::to_string(index) + " is not there");
    value_check check(data_, 0, generation_);
    check(index, value);
  }
  // Every entry is there, in order, with its length; content is sampled.
  std::uint64_t scan_all(session& through) {
    row_check check(data_, 0, generation_ == 0 ? 0 : generation_ - 1, generation_);
    data_set::key key(data_);
    through.scan(key.of_entry(0), UINT64_MAX, check);
    if (check.count() != data_.entries())
      throw failure("a scan gives " + std::to_string(check.count()) + " entries of " + std::to_string(data_.entries()));
    return check.count();
  }

  void fillseq() {
    empty_directory();
    store_->open(with(false));
    {
      const auto through = store_->connect();
      data_set::key key(data_);
      const std::uint64_t begin = now_ns();
      for (std::uint64_t i = 0; i < data_.entries(); ++i) through->put(key.of_entry(i), data_.value(i, 0));
      tell_.number("fillseq", per_second(data_.entries(), begin));
      scan_all(*through);
    }
    store_->close();
  }

  void put_all_shuffled(session& through, const std::string& name) {
    data_set::key key(data_);
    latencies spread;
    const std::uint64_t begin = now_ns();
    std::uint64_t last = begin;
    for (std::uint64_t i = 0; i < data_.entries(); ++i) {
      const std::uint64_t index = data_.shuffled(i);
      through.put(key.of_entry(index), data_.value(index, generation_));
      const std::uint64_t now = now_ns();
      spread.add(now - last);
      last = now;
    }
    tell_.number(name.c_str(), per_second(data_.entries(), begin));
    tell_.number((name + "_p50").c_str(), spread.quantile_us(0.5));
    tell_.number((name + "_p99").c_str(), spread.quantile_us(0.99));
    tell_.number((name + "_p999").c_str(), spread.quantile_us(0.999));
    tell_.number((name + "_max").c_str(), spread.max_us());
  }

  void fillrandom() {
    empty_directory();
    const std::uint64_t before = device_bytes();
    store_->open(with(false));
    put_all_shuffled(*store_->connect(), "fillrandom");
    const std::uint64_t begin = now_ns();
    if (store_->settle()) tell_.number("settle", ms_since(begin) * 1e-3);
    tell_.number("write_amplification",
                 static_cast<double>(device_bytes() - before) / static_cast<double>(data_.user_bytes()));
    tell_.number("reopen_settled", reopen());
    tell_.number("disk_settled", mib(bytes_on_disk(directory_)));
    tell_.remark("settled", store_->shape());
    tell_.number("memory_to_open", memory_to_open());
    scan_all(*store_->connect());
  }

  void readrandom() {
    const auto through = store_->connect();
    const std::uint64_t count = reads(data_.entries());
    const auto pass = [&](std::uint64_t seed) {
      random_numbers random(seed);
      data_set::key key(data_);
      value_check check(data_, 0, 0);
      std::string_view value;
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t index = random.below(data_.entries());
        if (through->get(key.of_entry(index), value)) check(index, value);
      }
      if (check.count() != count) throw failure("readrandom misses keys that are there");
    };
    pass(1);  // warms the caches
    const std::uint64_t read_before = field_of_process("io", "read_bytes");
    const std::uint64_t begin = now_ns();
    pass(2);
    tell_.number("readrandom", per_second(count, begin));
    if (exceeds_memory())
      tell_.number("readrandom_device", static_cast<double>(field_of_process("io", "read_bytes") - read_before) / 1024.0 /
                                            static_cast<double>(count));
  }

  void readmissing() {
    const auto through = store_->connect();
    random_numbers random(3);
    data_set::key key(data_);
    std::string_view value;
    std::uint64_t found = 0;
    const std::uint64_t count = reads(data_.entries());
    const std::uint64_t begin = now_ns();
    for (std::uint64_t i = 0; i < count; ++i)
      found += through->get(key.behind_entry(random.below(data_.entries())), value) ? 1u : 0u;
    tell_.number("readmissing", per_second(count, begin));
    if (found != 0) throw failure("readmissing finds keys that are not there");
  }

  void scan() {
    const auto through = store_->connect();
    // More data than memory stay nowhere warm: one pass says it all.
    if (!exceeds_memory()) scan_all(*through);
    const std::uint64_t begin = now_ns();
    const std::uint64_t count = scan_all(*through) + (exceeds_memory() ? 0 : scan_all(*through));
    tell_.number("scan", per_second(count, begin));
  }

  void seek() {
    constexpr std::uint64_t rows = 11;  // where the seek arrives, and ten more
    const std::uint64_t seeks = reads(data_.entries() / 4 + 1);
    if (data_.entries() < rows) throw failure("seek needs at least 11 entries");
    const auto through = store_->connect();
    random_numbers random(4);
    data_set::key key(data_);
    const std::uint64_t begin = now_ns();
    for (std::uint64_t i = 0; i < seeks; ++i) {
      const std::uint64_t first = random.below(data_.entries() - rows + 1);
      row_check check(data_, first, 0, 0);
      through->scan(key.of_entry(first), rows, check);
      if (check.count() != rows) throw failure("a seek does not give its 11 rows");
    }
    tell_.number("seek", per_second(seeks, begin));
  }

  void overwrite() {
    ++generation_;
    put_all_shuffled(*store_->connect(), "overwrite");
    tell_.number("reopen_log", reopen());
    const auto through = store_->connect();
    row_check check(data_, 0, generation_, generation_);
    data_set::key key(data_);
    through->scan(key.of_entry(0), UINT64_MAX, check);
    if (check.count() != data_.entries()) throw failure("overwrite has lost entries");
  }

  // One thread reads half as often as there are entries; another one overwrites as fast as it can meanwhile. The reads begin
  // when that one has written: few of them would be over before it has begun.
  void readwhilewriting() {
    store_->settle();
    ++generation_;
    const std::uint64_t count = reads(data_.entries() / 2 + 1);
    std::atomic<bool> begun{false}, over{false};
    std::uint64_t writes = 0;
    std::exception_ptr failed;
    const auto reader = store_->connect();
    {
      random_numbers random(5);  // warms the caches
      for (std::uint64_t i = 0; i < count; ++i) get_entry(*reader, random.below(data_.entries()));
    }
    std::thread writer([&] {
      try {
        const auto through = store_->connect();
        data_set::key key(data_);
        random_numbers random(6);
        // Counted here: beside the reader's own variables the two would wait for each other's cache line.
        std::uint64_t done = 0;
        while (!over.load(std::memory_order_relaxed)) {
          const std::uint64_t index = random.below(data_.entries());
          through->put(key.of_entry(index), data_.value(index, generation_));
          if (done++ == 0) begun = true;
        }
        writes = done;
      } catch (...) {
        failed = std::current_exception();
        begun = true;
      }
    });
    while (!begun) std::this_thread::yield();
    const std::uint64_t begin = now_ns();
    try {
      random_numbers random(7);
      data_set::key key(data_);
      value_check check(data_, generation_ - 1, generation_);
      std::string_view value;
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t index = random.below(data_.entries());
        if (reader->get(key.of_entry(index), value)) check(index, value);
      }
      if (check.count() != count) throw failure("readwhilewriting misses keys that are there");
    } catch (...) {
      over = true;
      writer.join();
      throw;
    }
    tell_.number("readwhilewriting", per_second(count, begin));
    over = true;
    writer.join();
    tell_.number("readwhilewriting_writes", per_second(writes, begin));
    if (failed) std::rethrow_exception(failed);
  }

  void ycsb() {
    // The rows before it may have overwritten: these always begin with what was loaded.
    if (generation_ != 0) load_again();
    ycsb_client client(data_, reads(data_.entries() / 3 + 1));
    for (const ycsb_mix& mix : ycsb_mixes) {
      if (!wants(mix.name)) continue;
      store_->settle();
      const auto through = store_->connect();
      client.prepare(*through, mix);
      const std::uint64_t begin = now_ns();
      const std::uint64_t operations = client.run(*through);
      tell_.number(mix.name, per_second(operations, begin));
    }
    client.verify(*store_->connect());
  }
  void load_again() {
    store_->close();
    empty_directory();
    generation_ = 0;
    store_->open(with(false));
    const auto through = store_->connect();
    data_set::key key(data_);
    for (std::uint64_t i = 0; i < data_.entries(); ++i) {
      const std::uint64_t index = data_.shuffled(i);
      through->put(key.of_entry(index), data_.value(index, 0));
    }
  }

  // Each thread puts entries of its own until the time is up; then they must all be there.
  void fillsync(const char* name, std::uint64_t threads) {
    empty_directory();
    // Others may use the device too: what it gives is measured right before and after, with writes in place.
    constexpr double device_seconds = 0.5;
    double device = threads == 1 ? device_syncs_per_s(directory_, device_seconds) : 0;
    store_->open(with(true));
    std::atomic<std::uint64_t> next{0};
    std::mutex failing;
    std::exception_ptr failed;
    const std::uint64_t begin = now_ns();
    const auto enough_ns = static_cast<std::uint64_t>(asked_.sync_seconds * 1e9);
    const auto work = [&] {
      try {
        const auto through = store_->connect();
        data_set::key key(data_);
        while (now_ns() - begin < enough_ns) {
          const std::uint64_t i = next.fetch_add(1, std::memory_order_relaxed);
          through->put(key.of_entry(i), data_.value(i, 0));
        }
      } catch (...) {
        const std::lock_guard held(failing);
        failed = std::current_exception();
      }
    };
    std::vector<std::thread> working;
    for (std::uint64_t i = 0; i < threads; ++i) working.emplace_back(work);
    for (std::thread& each : working) each.join();
    if (failed) std::rethrow_exception(failed);
    tell_.number(name, per_second(next.load(), begin));
    store_->close();
    if (threads == 1) {
      device = (device + device_syncs_per_s(directory_, device_seconds)) / 2;
      tell_.number("fillsync_device", device);
    }
    store_->open(with(true));
    {
      row_check check(data_, 0, 0, 0);
      data_set::key key(data_);
      store_->connect()->scan(key.of_entry(0), UINT64_MAX, check);
      if (check.count() != next.load()) throw failure(std::string(name) + " has lost entries");
    }
    store_->close();
  }

  const store_kind& kind_;
  const plan& asked_;
  const std::string& directory_;
  const observer& tell_;
  data_set data_;
  std::unique_ptr<store> store_;
  std::uint64_t generation_ = 0;  // of the values written last
};

}  // namespace

void run_workloads(const store_kind& kind, const plan& asked, const std::string& directory, const observer& tell) {
  run(kind, asked, directory, tell).all();
}

std::uint64_t bytes_on_disk(const std::string& directory) {
  std::uint64_t bytes = 0;
  std::error_code ignored;  // files come and go meanwhile
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory, ignored)) {
    struct stat found {};
    if (::lstat(file.path().c_str(), &found) == 0) bytes += static_cast<std::uint64_t>(found.st_blocks) * 512;
  }
  return bytes;
}

}  // namespace benchmark
