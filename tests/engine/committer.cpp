// The way of a commit, seen from what it leaves in the log.
#include "engine/stores.hpp"

using namespace strata_tests;

namespace {

// Files in memory, and a wall clock that a test puts forward and back.
class moved_clock : public strata::environment::in_memory {
 public:
  std::uint64_t wall_time_us() const { return in_memory::wall_time_us() + moved_us_->load(); }
  void move_us(std::int64_t us) const { *moved_us_ += static_cast<std::uint64_t>(us); }

 private:
  std::shared_ptr<std::atomic<std::uint64_t>> moved_us_ = std::make_shared<std::atomic<std::uint64_t>>(0);
};

// The times of all commits that the log holds, in its order.
std::vector<std::uint64_t> times_in_log(const moved_clock& environment) {
  auto current = strata::engine::read_current(environment, "store");
  require_ok(current);
  std::vector<std::uint64_t> times;
  for (const std::string& name : sorted_names(environment, "store")) {
    const auto parsed = strata::engine::parse_file_name(name);
    if (parsed.type != strata::engine::file_type::log) continue;
    const strata::wal::segment segment{"store/" + name, parsed.number, current->store_id, 0};
    require_ok(strata::wal::segmented::replay(environment, segment,
                                              [&](strata::bytes_view group, std::uint64_t) -> strata::result<void> {
                                                strata::engine::group_reader commits(group);
                                                for (strata::engine::logged_commit commit; commits.next(commit);)
                                                  times.push_back(commit.time_us);
                                                return {};
                                              }));
  }
  return times;
}

}  // namespace

TEST_CASE("the time of a commit never goes back, whatever the wall clock does", "[engine][committer]") {
  constexpr std::int64_t hour_us = 3'600'000'000;
  const moved_clock environment;
  std::uint64_t newest = 0;
  for (const bool flushes : {false, true}) {
    auto store = open_store<default_store<moved_clock>>(environment, "store");
    for (const std::int64_t moved : {hour_us, -5 * hour_us, hour_us, -hour_us}) {
      environment.move_us(moved);
      require_ok(put(*store, "k", std::to_string(moved)));
      // What was flushed is not in the log any more, and is remembered all the same.
      if (flushes) require_ok(store->flush());
      require_ok(put(*store, "k", "again"));
    }
    const std::vector<std::uint64_t> times = times_in_log(environment);
    REQUIRE(times.size() > (flushes ? 0 : 7));
    CHECK(times.front() >= newest);
    CHECK(std::is_sorted(times.begin(), times.end()));
    newest = times.back();
    require_ok(store->close());
    environment.move_us(-hour_us);
    store = open_store<default_store<moved_clock>>(environment, "store");
    require_ok(put(*store, "k", "later"));
    CHECK(times_in_log(environment).back() >= newest);
    newest = times_in_log(environment).back();
    require_ok(store->close());
  }
}
