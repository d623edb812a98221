// Tables made for a stage, with the cache, the numbers and the directory that they need.
#ifndef STRATA_BENCHMARKS_STAGES_WORKSHOP_HPP
#define STRATA_BENCHMARKS_STAGES_WORKSHOP_HPP

#include <strata/engine/compaction_job.hpp>
#include <strata/memtable/btree.hpp>
#include <strata/sstable/block_table.hpp>

#include "stage.hpp"

namespace benchmark {

template <typename Environment>
class workshop {
 public:
  using memtable = strata::memtable::btree;
  using sstable = strata::sstable::block_table<>;
  using table = typename sstable::template table<Environment>;
  using handle = strata::engine::table_handle<Environment, sstable>;
  using sorted_run = typename strata::engine::version<Environment, sstable>::sorted_run;
  using job = strata::engine::compaction_job<Environment, memtable, sstable>;
  using unit = strata::engine::memory_unit<memtable>;

  workshop(Environment files, std::string directory)
      : files_(std::move(files)), directory_(std::move(directory)), cache_(files_, std::uint64_t{1} << 30) {}

  // A sorted run of one table with those entries that `belongs` names. Its file goes with it.
  template <typename Belongs>
  [[nodiscard]] sorted_run make_run(const data_set& data, Belongs&& belongs) {
    const std::uint64_t number = ++number_;
    const strata::sstable::settings settings{strata::engine::table_path(directory_, number), number, store_id, amounts_.block_bytes, 0};
    auto builder = checked(sstable::template builder<Environment>::create(files_, settings), "create table");
    data_set::key key(data);
    for (std::uint64_t entry = 0; entry < data.entries(); ++entry)
      if (belongs(entry))
        checked(builder.add({key.of_entry(entry), data.value(entry, 0), entry + 1, strata::value_kind::value}), "add to table");
    checked(builder.finish(), "finish table");
    auto opened = checked(table::open(files_, settings, cache_), "open table");
    sorted_run made;
    made.number = number;
    made.tables.push_back(std::make_shared<handle>(files_, settings.path, number, std::move(opened)));
    made.tables.back()->mark_obsolete();
    return made;
  }

  [[nodiscard]] std::unique_ptr<job> make_job() {
    return std::make_unique<job>(files_, directory_, store_id, amounts_, cache_, strata::engine::retention{});
  }
  // Does the work of a job, whose one table must hold `entries`. Its file goes with what is returned.
  [[nodiscard]] auto finish(job& work, std::uint64_t entries) {
    auto next_number = [this]() -> strata::result<std::uint64_t> { return ++number_; };
    auto interrupted = [] { return false; };
    auto made = checked(work.run(job::cutting::whole, job::reserved_rows::among_others, next_number, interrupted), "merge");
    require(made.size() == 1 && made[0].table->facts().entries == entries, "a merge loses entries");
    return made;
  }

 private:
  static constexpr std::uint64_t store_id = 7;

  Environment files_;
  std::string directory_;
  strata::options amounts_;
  typename sstable::template cache<Environment> cache_;
  std::uint64_t number_ = 0;
};

}  // namespace benchmark

#endif
