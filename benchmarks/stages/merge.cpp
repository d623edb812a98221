// What works on many sources: the merging cursor, the engine's cursor above it, flush and compaction. The last two go through
// the engine's compaction_job: with files in memory, timed as what a core does, and on the device, synced, timed by the wall.
#include <strata/strata.hpp>

#include <filesystem>

#include "workshop.hpp"

namespace benchmark {
namespace {

constexpr row merged_equal = {"merged next: 3 runs of one size, warm", "ns"};
constexpr row merged_levels = {"merged next: 3 levels 1:10:100, warm", "ns", 45};
constexpr row scan_settled = {"engine scan: settled, warm", "ns", 20};
constexpr row scan_levels = {"engine scan: 3 runs 1:10:100, warm", "ns", 45};
constexpr row flush_memory = {"flush: files in memory", "ns an entry"};
constexpr row flush_device = {"flush: on the device, synced", "ns an entry"};
constexpr row merge_memory = {"compaction: 4 tables into 1, files in memory", "MB/s", 0, 300};
constexpr row merge_device = {"compaction: 4 tables into 1, device, synced", "MB/s"};

using posix = strata::environment::posix;
using in_memory = strata::environment::in_memory;

// Which of three levels has an entry, each ten times the one above: 0 is the smallest.
std::uint64_t level_of(std::uint64_t entry) {
  const std::uint64_t lot = mixed(entry) % 111;
  return lot == 0 ? 0 : lot <= 10 ? 1 : 2;
}

using merging = strata::engine::merging_cursor<posix, workshop<posix>::memtable, workshop<posix>::sstable>;
using engine_type = strata::store<>::engine_type;

double walk(merging& at, const data_set& data) {
  row_check check(data, 0, 0, 0);
  const double ns = ns_each(timed::by_thread, data.entries(), [&] {
    for (at.seek_first(); at.valid(); at.next()) check(at.current().key, at.current().value);
  });
  checked(strata::result<void>(at.status()), "walk");
  require(check.count() == data.entries(), "a merged walk does not meet every entry");
  return ns;
}

template <typename RunOf>
void measure_merged(stages& to, const row& one, RunOf&& run_of) {
  using shop = workshop<posix>;
  if (!to.wants(one)) return;
  shop work(posix(), to.asked().directory);
  std::vector<shop::sorted_run> runs;
  for (std::uint64_t i = 0; i < 3; ++i)
    runs.push_back(work.make_run(to.data(), [&](std::uint64_t entry) { return run_of(entry) == i; }));
  merging at;
  for (const auto& run : runs) at.add(run, strata::sstable::usage::scan);
  static_cast<void>(walk(at, to.data()));  // brings the blocks into the cache
  for (std::uint64_t round = 0; round < to.asked().runs; ++round) to.take(one, walk(at, to.data()));
}

double scan(engine_type& engine, const data_set& data) {
  row_check check(data, 0, 0, 0);
  auto at = checked(engine.make_cursor({"", "", true}, strata::sequence_max), "make cursor");
  const double ns = ns_each(timed::by_thread, data.entries(), [&] {
    for (at->seek_first(); at->valid(); at->next()) check(at->key(), at->value());
  });
  checked(strata::result<void>(at->status()), "scan");
  require(check.count() == data.entries(), "a scan does not meet every entry");
  return ns;
}

// Puts those entries that `belongs` names, and makes a run of them.
template <typename Belongs>
void put_run(engine_type& engine, const data_set& data, Belongs&& belongs) {
  data_set::key key(data);
  strata::engine::write_batch batch;
  for (std::uint64_t i = 0; i < data.entries(); ++i) {
    const std::uint64_t entry = data.shuffled(i);
    if (!belongs(entry)) continue;
    batch.clear();
    batch.put(0, key.of_entry(entry), data.value(entry, 0));
    checked(engine.commit(batch, strata::durability::none), "commit");
  }
  checked(engine.flush(), "flush");
}
void load_settled(engine_type& engine, const data_set& data) {
  put_run(engine, data, [](std::uint64_t) { return true; });
  checked(engine.compact(), "compact");
}
void load_levels(engine_type& engine, const data_set& data) {
  put_run(engine, data, [](std::uint64_t entry) { return level_of(entry) == 2; });
  checked(engine.compact(), "compact");
  put_run(engine, data, [](std::uint64_t entry) { return level_of(entry) == 1; });
  put_run(engine, data, [](std::uint64_t entry) { return level_of(entry) == 0; });
}

void measure_scan(stages& to, const row& one, void (*load)(engine_type& engine, const data_set& data)) {
  if (!to.wants(one)) return;
  const std::string directory = to.asked().directory + "/scan";
  strata::options amounts;
  amounts.cache_bytes = std::uint64_t{1} << 30;
  amounts.memtable_bytes = std::uint64_t{1} << 30;  // so that each is flushed as one run
  const auto engine = checked(engine_type::open(posix(), directory, amounts), "open");
  load(*engine, to.data());
  static_cast<void>(scan(*engine, to.data()));  // brings the blocks into the cache
  for (std::uint64_t round = 0; round < to.asked().runs; ++round) to.take(one, scan(*engine, to.data()));
  checked(engine->close(), "close");
  std::filesystem::remove_all(directory);
}

template <typename Environment>
void measure_flush(stages& to, const row& one, timed how, const Environment& files, const std::string& directory) {
  using shop = workshop<Environment>;
  if (!to.wants(one)) return;
  shop work(files, directory);
  const data_set& data = to.data();
  typename shop::unit full;
  data_set::key key(data);
  strata::engine::write_batch batch;
  for (std::uint64_t i = 0; i < data.entries(); ++i) {
    const std::uint64_t entry = data.shuffled(i);
    batch.clear();
    batch.put(0, key.of_entry(entry), data.value(entry, 0));
    checked(full.reserve(batch.count(), batch.payload_bytes()), "reserve");
    require(full.apply(i + 1, 1, batch.writes()), "a batch is damaged");
  }
  for (std::uint64_t round = 0; round < to.asked().runs; ++round) {
    const auto job = work.make_job();
    job->add_input(full);
    decltype(work.finish(*job, 0)) made;  // removed when the clock has stopped
    to.take(one, ns_each(how, data.entries(), [&] { made = work.finish(*job, data.entries()); }));
  }
}

template <typename Environment>
void measure_compaction(stages& to, const row& one, timed how, const Environment& files, const std::string& directory) {
  using shop = workshop<Environment>;
  if (!to.wants(one)) return;
  constexpr std::uint64_t tables = 4;
  shop work(files, directory);
  std::vector<typename shop::sorted_run> runs;
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 0; i < tables; ++i) {
    runs.push_back(work.make_run(to.data(), [&](std::uint64_t entry) { return mixed(entry) % tables == i; }));
    bytes += runs.back().tables[0]->facts().bytes;
  }
  for (std::uint64_t round = 0; round < to.asked().runs; ++round) {
    const auto job = work.make_job();
    for (const auto& run : runs) job->add_input(run);
    decltype(work.finish(*job, 0)) made;  // removed when the clock has stopped
    to.take(one, 1000 / ns_each(how, bytes, [&] { made = work.finish(*job, to.entries()); }));
  }
}

}  // namespace

void measure_merges(stages& to) {
  measure_merged(to, merged_equal, [](std::uint64_t entry) { return mixed(entry) % 3; });
  measure_merged(to, merged_levels, level_of);
  measure_scan(to, scan_settled, load_settled);
  measure_scan(to, scan_levels, load_levels);
  const in_memory memory;
  const std::string in_memory_directory = checked(memory.temporary_directory(), "make directory");
  measure_flush(to, flush_memory, timed::by_thread, memory, in_memory_directory);
  measure_flush(to, flush_device, timed::by_wall, posix(), to.asked().directory);
  measure_compaction(to, merge_memory, timed::by_thread, memory, in_memory_directory);
  measure_compaction(to, merge_device, timed::by_wall, posix(), to.asked().directory);
}

}  // namespace benchmark
