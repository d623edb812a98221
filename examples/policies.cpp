// One program over five stores: what policies change, and what they don't. Each store is loaded, overwritten, read and
// scanned by the same code; a table says what it cost.
//
//   c++ -std=c++20 -O2 -pthread -Iinclude examples/policies.cpp -o policies && ./policies
//
// A guide to the choice, no benchmark: the data is small and the disk is not waited for. The stores lie in
// policies.data. Returns 0 where every store held what its policies promise.
#include <strata/strata.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>

struct reading {
  std::string sensor;
  double celsius = 0;
  std::uint32_t version = 0;
};

inline constexpr strata::kv<std::uint64_t, reading> readings{"readings"};
using readings_schema = strata::schema<readings>;

// Leveled compaction, a log, a bloom filter of 10 bits a key: a read looks into few tables, and little space is lost to
// what was overwritten. Gives up: writing. Each row is written again about ten times for each level that it sinks.
using balanced = strata::store<readings_schema>;

// Tiered compaction writes a row about once a level: for loads that never pause. Gives up: reads look into several
// tables a level, which larger filters make bearable, and what was overwritten stays longer on disk. main() gives it
// blocks of 16 KiB too: fewer of them to index and a scan's best friend, but a get reads all of one for one row.
using write_heavy = strata::store<readings_schema, strata::compaction::tiered,
                                  strata::sstable::block_table<strata::filter::blocked_bloom<16>>>;

// No log: half the bytes written. Gives up: what was not flushed when the process ends without close(). For what can be
// made anew, such as an import that is checked at its end, or an index. What is there is never half a commit.
using rebuildable = strata::store<readings_schema, strata::wal::none>;

// Nothing is ever merged, and the oldest tables go when the store is larger than `fifo_bytes_max`. Gives up: old rows,
// though nobody erased them. For a window over measurements or events.
using window = strata::store<readings_schema, strata::compaction::fifo>;

// All in memory, by the same rules: snapshots, transactions, order. Gives up: everything, when the store object ends.
using scratch = strata::store<readings_schema, strata::engine::in_memory>;

constexpr std::uint64_t rows = 100'000;
constexpr std::uint64_t rows_a_commit = 500;

// Knuth's multiplicative hash: every key once, in no order.
std::uint64_t key_of(std::uint64_t i) { return i * 2'654'435'761 % rows; }

template <typename Work>
double rows_per_us(std::uint64_t count, Work&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(count) / time.count();
}

// Writes all rows, so many in one commit.
template <typename Store>
void put_all(Store& db, std::uint32_t version) {
  for (std::uint64_t begin = 0; begin < rows; begin += rows_a_commit) {
    const auto put_some = [&](auto& tx) -> strata::result<void> {
      for (std::uint64_t i = begin; i < begin + rows_a_commit; ++i)
        tx[readings].put(key_of(i), {"sensor " + std::to_string(i % 100), 20.5, version}).value();
      return {};
    };
    db.transact(put_some).value();
  }
}

// Runs the program over one composition. False where it did not hold what it promises.
template <typename Store>
bool run(const char* name, const strata::options& amounts) {
  const std::string folder = std::string("policies.data/") + name;
  Store db = Store::open(folder, amounts).value();

  const double loaded = rows_per_us(rows, [&] { put_all(db, 1); });
  const double overwritten = rows_per_us(rows, [&] { put_all(db, 2); });
  db.flush().value();

  std::uint64_t found = 0, scanned = 0, stale = 0;
  const double read = rows_per_us(rows, [&] {
    for (std::uint64_t i = 0; i < rows; ++i) found += db[readings].get(key_of(i)).value().has_value();
  });
  const double walked = rows_per_us(rows, [&] {
    for (auto&& [key, value] : db[readings].scan()) {
      ++scanned;
      stale += value.version != 2;
    }
  });
  const strata::statistics stats = db.stats();
  db.close().value();

  // What a composition promises, it says of itself: a program may ask at compile time.
  const bool holds = found == scanned && stale == 0 && (Store::discards_live_data ? scanned <= rows : scanned == rows);
  std::printf("%-12s %-4s %-4s | %6.2f %10.2f %6.2f %6.2f | %7llu %6.1f %7llu %6.1f%s\n", name,
              Store::logs_commits ? "yes" : "no", Store::discards_live_data ? "no" : "yes", loaded, overwritten, read,
              walked, static_cast<unsigned long long>(scanned), static_cast<double>(stats.table_bytes) / 1e6,
              static_cast<unsigned long long>(stats.tables), stats.write_amplification(), holds ? "" : "  BROKEN");
  return holds;
}

int main() {
  std::filesystem::remove_all("policies.data");
  std::filesystem::create_directory("policies.data");

  // Policies choose mechanisms, options amounts. These are far too small for real data: they make flushes and merges
  // happen.
  strata::options amounts{.memtable_bytes = 1 << 20, .table_bytes = 1 << 20};
  amounts.compaction.level_bytes_base = 4 << 20;
  amounts.compaction.fifo_bytes_max = 2 << 20;
  strata::options large_blocks = amounts;
  large_blocks.block_bytes = 16 << 10;

  std::printf("                       |         million rows a second   |\n");
  std::printf(
      "store        log  all* |   load  overwrite    get   scan |    rows     MB  tables  write amplification\n");
  bool holds = run<balanced>("balanced", amounts);
  holds = run<write_heavy>("write_heavy", large_blocks) && holds;
  holds = run<rebuildable>("rebuildable", amounts) && holds;
  holds = run<window>("window", amounts) && holds;
  holds = run<scratch>("scratch", amounts) && holds;
  std::printf("* whether it keeps all that nobody erased\n");
  return holds ? 0 : 1;
}
