// Small workloads whose instructions are counted (check.py runs them under callgrind). What is counted is what the calling
// thread does inside strata_measured_section; all else, and all other threads, are not. So nothing in it may hang on time, on
// a background thread or on chance: files are in memory, memtables are larger than the data, no sync is due within an hour, and
// a flush and a merge are done by the engine's compaction_job here and not by the store's threads.
#include <strata/strata.hpp>

#include <cstdio>
#include <functional>
#include <iterator>

#include "../checked.hpp"

// Its name tells callgrind when to count. It runs what it is given, whichever that is, so that no compiler has a reason to make
// it a part of its caller; and it has something left to do afterwards, so that the call does not become a jump.
extern "C" {
std::uint64_t strata_measured_sections = 0;
[[gnu::noinline]] void strata_measured_section(const std::function<void()>& work) {
  work();
  ++strata_measured_sections;
}
}

namespace benchmark {
namespace {

using files_type = strata::environment::in_memory;
using database = strata::store<files_type>;
using engine_type = database::engine_type;

constexpr std::uint64_t entries = 20'000;
constexpr std::uint64_t seeks = 2'000;
constexpr std::uint64_t rows_a_seek = 10;
constexpr std::uint64_t writes_a_batch = 1'000;

strata::options settings() {
  strata::options amounts;
  amounts.memtable_bytes = std::uint64_t{64} << 20;
  amounts.cache_bytes = std::uint64_t{64} << 20;
  amounts.sync_interval = std::chrono::hours(1);
  amounts.sync_after_bytes = std::uint64_t{1} << 30;
  return amounts;
}

constexpr strata::kv<std::uint64_t, account> accounts{"accounts"};

// A store on files in memory, and what the workloads do with it: each reads or writes all entries. Keys are made before.
class world {
 public:
  world()
      : data_(entries, 16, 100), in_order_(keys_in_order(data_)), at_random_(keys_at_random(data_)), looked_up_(keys_to_look_up(data_)),
        absent_(keys_absent(data_)), db_(checked(database::open("store", settings()), "open")) {}

  void put_at_random() {
    put_each(at_random_, [](std::uint64_t) { return true; });
  }
  void put_in_order() {
    put_each(in_order_, [](std::uint64_t) { return true; });
  }
  void put_in_batches() {
    strata::engine::write_batch batch;
    for (std::uint64_t i = 0; i < entries; ++i) {
      if (i % writes_a_batch == 0) batch.clear();
      batch.put(0, at_random_[i], data_.value(at_random_.entry(i), 0));
      if ((i + 1) % writes_a_batch == 0) commit(batch);
    }
  }
  // Three runs, of which each has about a third of the entries.
  void put_in_runs() {
    for (std::uint64_t run = 0; run < 3; ++run) {
      put_each(at_random_, [&](std::uint64_t entry) { return mixed(entry) % 3 == run; });
      checked(db_.flush(), "flush");
    }
  }
  void compact() { checked(db_.compact(), "compact"); }

  void get_hits() {
    value_check check(data_, 0, 0);
    for (std::uint64_t i = 0; i < entries; ++i) {
      const auto on_value = [&](strata::bytes_view value, strata::sequence_number, std::uint64_t) {
        check(looked_up_.entry(i), value);
      };
      require(checked(engine().get(looked_up_[i], strata::sequence_max, on_value), "get"), "a key is lost");
    }
    require(check.count() == entries, "a get gives no value");
  }
  void get_misses() {
    const auto on_value = [](strata::bytes_view, strata::sequence_number, std::uint64_t) {};
    for (std::uint64_t i = 0; i < entries; ++i)
      require(!checked(engine().get(absent_[i], strata::sequence_max, on_value), "get"), "a key is there that was never put");
  }
  void scan() {
    row_check check(data_, 0, 0, 0);
    const auto at = checked(engine().make_cursor({"", "", true}, strata::sequence_max), "make cursor");
    for (at->seek_first(); at->valid(); at->next()) check(at->key(), at->value());
    require(check.count() == entries, "a scan does not meet every entry");
  }
  void seek() {
    for (std::uint64_t i = 0, done = 0; done < seeks; ++i) {
      const std::uint64_t entry = looked_up_.entry(i);
      if (entry > entries - rows_a_seek) continue;
      row_check check(data_, entry, 0, 0);
      const auto at = checked(engine().make_cursor({std::string(looked_up_[i]), "", true}, strata::sequence_max), "make cursor");
      at->seek_first();
      for (std::uint64_t row = 0; row < rows_a_seek && at->valid(); ++row, at->next()) check(at->key(), at->value());
      require(check.count() == rows_a_seek, "a seek gives too few rows");
      ++done;
    }
  }

  void put_accounts() {
    for (std::uint64_t i = 0; i < entries; ++i) {
      const std::uint64_t number = at_random_.entry(i);
      checked(db_[accounts].put(number, {number, 0.5, 7, true, "a name of twenty bytes"}), "put");
    }
  }
  void get_accounts() {
    for (std::uint64_t i = 0; i < entries; ++i) {
      const std::uint64_t number = looked_up_.entry(i);
      const auto found = checked(db_[accounts].get(number), "get");
      require(found.has_value() && found->number == number, "an account is lost");
    }
  }

 private:
  [[nodiscard]] engine_type& engine() { return db_.engine(); }
  void commit(strata::engine::write_batch& batch) { checked(engine().commit(batch, strata::durability::buffered), "commit"); }

  template <typename Belongs>
  void put_each(const key_list& keys, Belongs&& belongs) {
    strata::engine::write_batch batch;
    for (std::uint64_t i = 0; i < entries; ++i) {
      if (!belongs(keys.entry(i))) continue;
      batch.clear();
      batch.put(0, keys[i], data_.value(keys.entry(i), 0));
      commit(batch);
    }
  }

  data_set data_;
  key_list in_order_, at_random_, looked_up_, absent_;
  database db_;
};

// A memtable, or tables, and the job that makes one table of them.
class merge_world {
 public:
  merge_world() : data_(entries, 16, 100), cache_(files_, 0), directory_(checked(files_.temporary_directory(), "make directory")) {}

  // Those entries that `belongs` names become an input, in a memtable.
  template <typename Belongs>
  void fill_memtable(Belongs&& belongs) {
    data_set::key key(data_);
    strata::engine::write_batch batch;
    auto& unit = *memory_.emplace_back(std::make_unique<unit_type>());
    for (std::uint64_t i = 0; i < entries; ++i) {
      const std::uint64_t entry = data_.shuffled(i);
      if (!belongs(entry)) continue;
      batch.clear();
      batch.put(0, key.of_entry(entry), data_.value(entry, 0));
      checked(unit.reserve(batch.count(), batch.payload_bytes()), "reserve");
      require(unit.apply(i + 1, 1, batch.writes()), "a batch is damaged");
    }
  }
  // Writes the memtables to one table. It is the input of the merge that may follow.
  void flush() {
    job_type job(files_, directory_, 1, amounts_, cache_, {});
    for (const auto& unit : memory_) job.add_input(*unit);
    run_type& run = runs_.emplace_back();
    run.number = number_ + 1;
    for (auto& made : run_job(job)) run.tables.push_back(std::move(made.table));
    memory_.clear();
  }
  void merge() {
    job_type job(files_, directory_, 1, amounts_, cache_, {});
    for (const run_type& run : runs_) job.add_input(run);
    const auto made = run_job(job);
    require(made.size() == 1 && made[0].table->facts().entries == entries, "a merge loses entries");
  }

 private:
  using memtable = strata::memtable::btree;
  using sstable = strata::sstable::block_table<>;
  using unit_type = strata::engine::memory_unit<memtable>;
  using job_type = strata::engine::compaction_job<files_type, memtable, sstable>;
  using run_type = strata::engine::version<files_type, sstable>::sorted_run;

  strata::dynamic_array<job_type::output> run_job(job_type& job) {
    auto next_number = [this]() -> strata::result<std::uint64_t> { return ++number_; };
    auto interrupted = [] { return false; };
    return checked(job.run(job_type::cutting::whole, job_type::reserved_rows::among_others, next_number, interrupted), "merge");
  }

  data_set data_;
  files_type files_;
  strata::options amounts_;
  sstable::cache<files_type> cache_;
  std::string directory_;
  std::uint64_t number_ = 0;
  std::vector<std::unique_ptr<unit_type>> memory_;
  std::vector<run_type> runs_;
};

// A workload: what comes before, and what is counted.
template <typename World>
void run_in(std::initializer_list<void (World::*)()> before, void (World::*counted)()) {
  World here;
  for (const auto each : before) (here.*each)();
  strata_measured_section([&] { (here.*counted)(); });
}
void run_flush() {
  merge_world here;
  here.fill_memtable([](std::uint64_t) { return true; });
  strata_measured_section([&] { here.flush(); });
}
void run_merge() {
  merge_world here;
  for (std::uint64_t run = 0; run < 4; ++run) {
    here.fill_memtable([&](std::uint64_t entry) { return mixed(entry) % 4 == run; });
    here.flush();
  }
  strata_measured_section([&] { here.merge(); });
}

struct workload {
  const char* name;
  std::uint64_t count;  // of what it is that is done
  void (*run)();
};
constexpr workload workloads[] = {
    {"put_at_random", entries, [] { run_in<world>({}, &world::put_at_random); }},
    {"put_in_order", entries, [] { run_in<world>({}, &world::put_in_order); }},
    {"put_in_batches", entries, [] { run_in<world>({}, &world::put_in_batches); }},
    {"get_hits_in_memory", entries, [] { run_in({&world::put_at_random}, &world::get_hits); }},
    // The gets before bring the blocks into the cache.
    {"get_hits", entries, [] { run_in({&world::put_at_random, &world::compact, &world::get_hits}, &world::get_hits); }},
    {"get_misses", entries, [] { run_in({&world::put_at_random, &world::compact, &world::get_hits}, &world::get_misses); }},
    {"scan", entries, [] { run_in({&world::put_at_random, &world::compact, &world::scan}, &world::scan); }},
    {"scan_three_runs", entries, [] { run_in({&world::put_in_runs, &world::scan}, &world::scan); }},
    {"seek_and_ten_rows", seeks, [] { run_in({&world::put_at_random, &world::compact, &world::scan}, &world::seek); }},
    {"flush", entries, run_flush},
    {"merge_four_tables", entries, run_merge},
    {"typed_put", entries, [] { run_in<world>({}, &world::put_accounts); }},
    {"typed_get", entries, [] { run_in({&world::put_accounts, &world::compact, &world::get_accounts}, &world::get_accounts); }},
};

// What numbers hang on besides the library.
void tell_about() {
#if defined(__clang__)
  std::printf("compiler clang++ %d\n", __clang_major__);
#else
  std::printf("compiler g++ %d\n", __GNUC__);
#endif
#if defined(__x86_64__)
  std::printf("crc32c %s\n", strata::detail::crc32c_x86_usable() ? "by instruction" : "by table");
#else
  std::printf("crc32c as compiled\n");
#endif
}

}  // namespace
}  // namespace benchmark

// usage: instructions NAME | --list | --about
int main(int count, char** words) {
  const std::string_view asked = count == 2 ? words[1] : "";
  if (asked == "--list") {
    for (const auto& each : benchmark::workloads) std::printf("%s %llu\n", each.name, static_cast<unsigned long long>(each.count));
    return 0;
  }
  if (asked == "--about") return benchmark::tell_about(), 0;
  try {
    for (const auto& each : benchmark::workloads) {
      if (asked != each.name) continue;
      each.run();
      return 0;
    }
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "FAILED: %s\n", wrong.what());
    return 1;
  }
  std::fprintf(stderr, "usage: instructions NAME | --list | --about\n");
  return 2;
}
