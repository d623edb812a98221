// The log alone: the record of a commit of one put, 16 B of key and 100 B of value, appended in each of the ways that a
// store may do it. Each segment is read again afterwards: all records are there, in their order.
#include <strata/engine/write_batch.hpp>
#include <strata/environment/posix.hpp>
#include <strata/wal/mapped.hpp>
#include <strata/wal/segmented.hpp>

#include <filesystem>

#include "stage.hpp"

namespace benchmark {
namespace {

using environment = strata::environment::posix;

constexpr row written = {"log: append, segmented, unsynced", "ns"};
constexpr row mapped = {"log: append, mapped, unsynced", "ns"};
constexpr row written_synced = {"log: append and sync, segmented, strict", "us"};
constexpr row mapped_synced = {"log: append and sync, mapped, strict", "us"};
constexpr row one_synced = {"log: append and sync, mapped, in a buffered store", "us"};

// One segment holds what a memtable of 64 MiB does.
constexpr std::uint64_t segment_bytes = std::uint64_t{64} << 20;
constexpr std::uint64_t records_max = 300'000;
constexpr std::uint64_t synced_records_max = 300;
// What a strict store, which syncs each commit, keeps written ahead (engine/committer.hpp).
constexpr std::uint64_t strict_zeros_bytes = std::uint64_t{1} << 20;

enum class syncing { never, each };

template <typename Wal>
void read_back(const environment& files, const strata::wal::segment& segment, std::uint64_t records) {
  std::uint64_t seen = 0;
  checked(Wal::replay(files, segment,
                      [&](strata::bytes_view group, std::uint64_t) -> strata::result<void> {
                        strata::engine::group_reader commits(group);
                        strata::engine::logged_commit commit;
                        require(commits.next(commit) && commit.sequence == ++seen, "the log is not in order");
                        return {};
                      }),
          "replay");
  require(seen == records, "the log lacks records");
}

// ns for a record.
template <typename Wal>
double append_all(const stages& to, std::uint64_t records, syncing sync, std::uint64_t zeros_ahead_bytes) {
  const environment files;
  const strata::wal::segment segment{to.asked().directory + "/000001.log", 1, 2, segment_bytes, zeros_ahead_bytes};
  data_set::key key(to.data());
  strata::engine::write_batch batch;
  batch.put(0, key.of_entry(1), to.data().value(1, 0));
  auto log = checked(Wal::template writer<environment>::create(files, segment), "create log");
  checked(files.sync_directory(to.asked().directory), "sync directory");
  const double ns = ns_each(sync == syncing::each ? timed::by_wall : timed::by_thread, records, [&] {
    for (std::uint64_t i = 1; i <= records; ++i) {
      batch.seal(i, 0, i);
      checked(log.append(batch.group_bytes()), "append");
      if (sync == syncing::each) checked(log.sync(), "sync");
    }
  });
  checked(log.close(), "close log");
  read_back<Wal>(files, segment, records);
  std::filesystem::remove(segment.path);
  return ns;
}

}  // namespace

void measure_log(stages& to) {
  using strata::wal::segmented;
  const std::uint64_t records = std::min(to.entries(), records_max);
  const std::uint64_t synced = std::min(to.entries(), synced_records_max);
  for (std::uint64_t run = 0; run < to.asked().runs; ++run) {
    to.measure(written, [&] { return append_all<segmented>(to, records, syncing::never, 0); });
    to.measure(mapped, [&] { return append_all<strata::wal::mapped>(to, records, syncing::never, 0); });
    to.measure(written_synced, [&] { return append_all<segmented>(to, synced, syncing::each, strict_zeros_bytes) / 1000; });
    to.measure(mapped_synced,
               [&] { return append_all<strata::wal::mapped>(to, synced, syncing::each, strict_zeros_bytes) / 1000; });
    to.measure(one_synced, [&] { return append_all<strata::wal::mapped>(to, synced, syncing::each, 0) / 1000; });
  }
}

}  // namespace benchmark
