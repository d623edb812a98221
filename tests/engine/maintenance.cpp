// The two background threads: what one of them knows, and when.
#include "engine/stores.hpp"

#include <functional>
#include <thread>

using namespace strata_tests;

namespace {

// Files in memory; and the thread that merges asks for the time where a test has something to do meanwhile.
class interrupted_merges : public strata::environment::in_memory {
 public:
  template <typename Function>
  strata::result<thread> start_thread(const char* name, Function function) const {
    const bool merges = std::string_view(name) == "strata-compact";
    return in_memory::start_thread(name, [merges, run = std::move(function)]() mutable noexcept {
      this_thread_merges() = merges;
      run();
    });
  }
  std::uint64_t wall_time_us() const {
    if (this_thread_merges() && armed_->load()) (*meanwhile_)();
    return in_memory::wall_time_us();
  }
  // `work` says whether it was the moment; then it is not called again.
  void interrupt(std::function<bool()> work) const {
    *meanwhile_ = [armed = armed_, work = std::move(work)] {
      armed->store(false);
      armed->store(!work());
    };
    armed_->store(true);
  }
  bool was_interrupted() const { return !armed_->load(); }

 private:
  static bool& this_thread_merges() {
    thread_local bool merges = false;
    return merges;
  }
  std::shared_ptr<std::atomic<bool>> armed_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<std::function<void()>> meanwhile_ = std::make_shared<std::function<void()>>();
};

}  // namespace

TEST_CASE("a snapshot that is taken while a merge begins keeps what it sees", "[engine][maintenance]") {
  const interrupted_merges environment;
  strata::options amounts = tiny_options();
  amounts.compaction.level0_runs = 4;
  auto store = open_store<default_store<interrupted_merges>>(environment, "store", amounts);
  const auto put_and_flush = [&](std::string_view key, std::string_view value) {
    require_ok(put(*store, key, value));
    require_ok(store->flush());
  };
  put_and_flush("k", "1");
  put_and_flush("x", "1");
  strata::sequence_number at = 0;
  environment.interrupt([&] {
    if (store->stats().tables != 3) return false;
    // One run short of a merge, which this makes due: of a version that is newer than the snapshot.
    at = store->take_snapshot();
    return put(*store, "k", "2").has_value() && store->flush().has_value();
  });
  put_and_flush("y", "1");
  while (!environment.was_interrupted() || store->stats().compactions == 0) std::this_thread::yield();
  CHECK(get(*store, "k", at) == "1");
  CHECK(get(*store, "k") == "2");
  store->release_snapshot(at);
  require_ok(store->close());
}
