// A workload that runs in a simulated world, and at each call of the disk the images that a power cut could leave there:
// each is opened, held against what was acknowledged, gone on with, and opened again. While an image is opened its own
// calls are crash points too.
#ifndef STRATA_TESTS_SIMULATION_CRASHES_HPP
#define STRATA_TESTS_SIMULATION_CRASHES_HPP

#include "engine/stores.hpp"

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <sstream>

#include <strata/simulation.hpp>

namespace strata_tests {

using strata::environment::power_cut;
using strata::environment::simulated;

// How far a run goes: all the way once, with g++; what hangs on the compiler shows in less, and sanitizers take their share.
struct crash_effort {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
  static constexpr std::size_t cuts = 1, depth = 1;
  static constexpr std::uint64_t images_least = 3'000;
  static constexpr std::size_t lives = 12, operations = 2'000, calls = 50'000, histories = 100;
#else
  static constexpr std::size_t cuts = 4, depth = 2;
  static constexpr std::uint64_t images_least = 150'000;
  static constexpr std::size_t lives = 500, operations = 10'000, calls = 1'000'000, histories = 1'000;
#endif
};

// Calls use(seed) for the seeds from 1 to `count`, or for the one that the environment names, to repeat a failure.
template <typename Use>
void each_seed(std::uint64_t count, Use use) {
  if (const char* const only = std::getenv("STRATA_TESTS_SEED")) return use(std::strtoull(only, nullptr, 10));
  for (std::uint64_t seed = 1; seed <= count; ++seed) use(seed);
}

// What a workload does, drawn from its seed: of a hundred steps so many are …
struct workload_shape {
  const char* name;
  strata::durability durability;
  std::size_t steps;
  unsigned flushes, compactions, reopenings, range_erasures, erasures, strict_commits;
  std::size_t value_bytes;  // at most
  std::size_t keys = 12;
  std::chrono::milliseconds sync_interval{100};
};

inline std::string describe(const power_cut& cut) {
  std::ostringstream out;
  out << "keeps " << static_cast<int>(cut.keeps) << " unit " << cut.unit << " torn " << (cut.torn_bytes == SIZE_MAX ? -1 : static_cast<int>(cut.torn_bytes))
      << " sizes " << cut.keeps_sizes << " fills " << static_cast<int>(cut.fills) << " seed " << cut.seed;
  return out.str();
}

// Calls use(cut) for what a power cut could keep of `units`: nothing, everything, each beginning, each but one, each
// alone, some at random; where there are many units, `most` of each kind. Where bytes are missing stands each in turn.
template <typename Use>
void each_power_cut(std::size_t units, std::size_t most, std::uint64_t seed, Use use) {
  using keeping = power_cut::keeping;
  strata::environment::detail::simulated_random random(seed);
  const auto vary = [&](power_cut cut) {
    cut.seed = random.next();
    cut.fills = static_cast<power_cut::filling>(random.below(3));
    cut.keeps_sizes = random.one_in(2);
    return cut;
  };
  use(power_cut{});
  if (units == 0) return;
  use(power_cut{.keeps = keeping::everything});
  use(vary({.keeps_sizes = true}));
  use(vary({.keeps = keeping::everything, .torn_bytes = static_cast<std::size_t>(512 * random.below(4))}));
  use(vary({.keeps = keeping::everything, .torn_bytes = static_cast<std::size_t>(random.below(200))}));
  for (const keeping each : {keeping::first, keeping::all_but, keeping::only}) {
    const std::size_t count = (std::min)(units, most);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t unit = units <= most ? i : static_cast<std::size_t>(random.below(units));
      use(vary({.keeps = each, .unit = unit}));
    }
  }
  for (std::size_t i = 0; i < most; ++i) use(vary({.keeps = keeping::random}));
}

// One thread of a world runs at a time: to hand on its turn costs a tenth where the next runs on the same core.
inline void stay_on_one_core() {
#if defined(__linux__)
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
  sched_setaffinity(0, sizeof one, &one);
#endif
}

// What one image gives back, the next takes again: from the system that is a fault for each page, a tenth of the time.
inline void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

template <typename Store>
class crash_run {
 public:
  crash_run(const workload_shape& shape, std::uint64_t seed, std::size_t cuts_most, std::size_t depth)
      : shape_(shape), seed_(seed), cuts_most_(cuts_most), depth_(depth), random_(seed), world_({.seed = seed}) {
    amounts_ = tiny_options();
    amounts_.durability = shape.durability;
    amounts_.sync_interval = shape.sync_interval;
    states_.push_back({});
  }

  void run() {
    stay_on_one_core();
    keep_freed_memory();
    const auto look = [this] {
      // A process that is killed loses nothing of what the system has.
      crash_here(world_, 0, durable_, shape_.durability == strata::durability::none ? durable_ : acknowledged_);
    };
    world_.watch(look);
    open();
    for (std::size_t step = 0; step < shape_.steps && failure_.empty(); ++step) act();
    if (store_) succeed(store_->close(), "close");
    store_.reset();
    world_.stop_watching();
    if (failure_.empty()) check(world_.after_power_cut({}), {}, acknowledged_, issued_, 0);
    if (!failure_.empty()) FAIL(failure_);
  }
  [[nodiscard]] std::uint64_t images() const noexcept { return images_; }
  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }

 private:
  template <typename Result>
  void succeed(const Result& outcome, const char* what) {
    if (!outcome.has_value()) fail(std::string(what) + ": " + outcome.error().message());
  }
  void fail(const std::string& words) {
    if (failure_.empty()) failure_ = std::string(shape_.name) + ", seed " + std::to_string(seed_) + ", call " + std::to_string(world_.calls()) + ": " + words;
  }

  void open() {
    auto opened = Store::open(world_, "store", amounts_);
    succeed(opened, "open");
    if (opened) store_ = std::move(*opened);
  }
  void act() {
    if (!store_) return;
    const auto choice = static_cast<unsigned>(random_.below(100));
    unsigned limit = shape_.flushes;
    if (choice < limit) {
      succeed(store_->flush(), "flush");
      durable_ = acknowledged_;
      return;
    }
    if (choice < (limit += shape_.compactions)) {
      succeed(store_->compact(), "compact");
      durable_ = acknowledged_;
      return;
    }
    if (choice < (limit += shape_.reopenings)) {
      if (random_.one_in(2)) succeed(store_->close(), "close");
      store_.reset();
      if (Store::logs_commits) durable_ = acknowledged_;  // closing syncs
      return open();
    }
    contents next = states_.back();
    strata::engine::write_batch batch;
    if (choice < (limit += shape_.range_erasures)) {
      std::string begin = key(), end = key();
      if (end < begin) std::swap(begin, end);
      batch.erase_range(0, begin, end);
      if (begin < end) next.erase(next.lower_bound(begin), next.lower_bound(end));
    } else if (choice < (limit += shape_.erasures)) {
      const std::string gone = key();
      batch.erase(0, gone);
      next.erase(gone);
    } else {
      for (std::uint64_t writes = 1 + random_.below(3); writes > 0; --writes) {
        const std::string changed = key();
        const std::string value(static_cast<std::size_t>(random_.below(shape_.value_bytes + 1)), static_cast<char>('a' + random_.below(26)));
        batch.put(0, changed, value);
        next[changed] = value;
      }
    }
    // Says which state it is.
    const std::string number = std::to_string(states_.size());
    batch.put(0, "~", number);
    next["~"] = number;
    states_.push_back(std::move(next));
    ++issued_;
    const bool strict = random_.below(100) < shape_.strict_commits;
    succeed(store_->commit(batch, strict ? strata::durability::strict : strata::durability::none), "commit");
    ++acknowledged_;
    if (strict || shape_.durability == strata::durability::strict) durable_ = acknowledged_;
  }
  std::string key() { return std::string("k") + static_cast<char>('a' + random_.below(shape_.keys)); }

  // `at_depth`: how many crashes came before this one; `least`, `least_killed`: the commits that a power cut, or the end of
  // the process, must leave.
  void crash_here(const simulated& world, std::size_t at_depth, std::size_t least, std::size_t least_killed) {
    if (!failure_.empty()) return;
    ++calls_;
    const std::size_t most = at_depth == 0 ? cuts_most_ : 1;
    each_power_cut(world.unsynced(), most, seed_ + calls_, [&](const power_cut& cut) {
      if (!failure_.empty()) return;
      const bool killed = cut.keeps == power_cut::keeping::everything && cut.torn_bytes == SIZE_MAX;
      // The recovery of every image is one more workload to crash; of most, a sample will do.
      const bool deeper = at_depth + 1 < depth_ && images_ % 32 == 0;
      // Few turns of threads: of an opening there is little to learn from their order, and turns are what takes time.
      check(world.after_power_cut(cut, {.seed = cut.seed + calls_, .switch_one_in = 64}), cut, killed ? least_killed : least, issued_, deeper ? at_depth + 1 : depth_);
    });
  }

  void check(const simulated& image, const power_cut& cut, std::size_t least, std::size_t most, std::size_t at_depth) {
    ++images_;
    const auto wrong = [&](const std::string& words) { fail(words + "; " + describe(cut) + ", depth " + std::to_string(at_depth)); };
    const auto look = [&] { crash_here(image, at_depth, least, least); };
    if (at_depth != 0 && at_depth < depth_) image.watch(look);
    auto opened = Store::open(image, "store", amounts_);
    image.stop_watching();
    if (!opened) return wrong("open: " + opened.error().message());
    Store& store = **opened;
    contents found;
    if (!read(store, found)) return wrong("can't be read whole, or not alike both ways");
    const auto marker = found.find("~");
    const std::size_t state = marker == found.end() ? 0 : static_cast<std::size_t>(std::stoull(marker->second));
    if (state < least || state > most)
      return wrong("holds commit " + std::to_string(state) + " of " + std::to_string(least) + " to " + std::to_string(most));
    if (found != states_[state]) return wrong("is not as commit " + std::to_string(state) + " left it");
    if (auto verified = store.verify(); !verified) return wrong("verify: " + verified.error().message());
    // It goes on, and what it is given comes after all that was.
    const strata::sequence_number before = store.last_sequence();
    auto committed = put(store, "new", "1", strata::durability::strict);
    if (!Store::logs_commits) committed = put(store, "new", "1");
    if (!committed) return wrong("commit: " + committed.error().message());
    if (*committed <= before) return wrong("a sequence was used twice");
    if (auto closed = store.close(); !closed) return wrong("close: " + closed.error().message());
    opened->reset();
    auto again = Store::open(image, "store", amounts_);
    if (!again) return wrong("second open: " + again.error().message());
    found["new"] = "1";
    contents second;
    if (!read(**again, second) || second != found) return wrong("the second opening shows something else");
    if (auto closed = (*again)->close(); !closed) return wrong("second close: " + closed.error().message());
  }

  [[nodiscard]] static bool read(Store& store, contents& found) {
    auto made = store.make_cursor({"", "", true}, strata::sequence_max);
    if (!made) return false;
    auto& cursor = **made;
    for (cursor.seek_first(); cursor.valid(); cursor.next()) found.emplace(cursor.key(), cursor.value());
    auto at = found.rbegin();
    for (cursor.seek_last(); cursor.valid(); cursor.prev(), ++at)
      if (at == found.rend() || cursor.key() != at->first || cursor.value() != at->second) return false;
    if (at != found.rend() || !cursor.status().has_value()) return false;
    for (const auto& row : found) {
      bool same = false;
      auto there = store.get(row.first, strata::sequence_max,
                             [&](strata::bytes_view v, strata::sequence_number, std::uint64_t) { same = v == row.second; });
      if (!there.has_value() || !*there || !same) return false;
    }
    return true;
  }

  workload_shape shape_;
  std::uint64_t seed_;
  std::size_t cuts_most_;
  std::size_t depth_;
  strata::environment::detail::simulated_random random_;
  simulated world_;
  strata::options amounts_;
  std::unique_ptr<Store> store_;
  std::vector<contents> states_;  // by the number of the commit that made them
  std::size_t issued_ = 0;
  std::size_t acknowledged_ = 0;
  std::size_t durable_ = 0;
  std::uint64_t images_ = 0;
  std::uint64_t calls_ = 0;
  std::string failure_;
};

}  // namespace strata_tests

#endif
