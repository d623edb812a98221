// A process that is killed before each call that changes something on disk, one run for every such call; also in the
// middle of a write, and again during the recovery.
#include "engine/workload.hpp"

using namespace strata_tests;
using strata::durability;

TEST_CASE("whenever the process is killed, what was acknowledged is there, and a prefix of the commits", "[engine][crash]") {
  std::size_t points = 0;
  for (const workload::shape& shape : workloads(7)) {
    for (const bool tears : {false, true}) {
      for (std::uint64_t at = 1;; ++at) {
        INFO("commits " << shape.commits << ", flush every " << shape.flush_every << ", killed before call " << at
                        << (tears ? " in the middle" : ""));
        const failing_environment environment;
        workload work(environment, shape);
        environment.kill(at, tears);
        work.run();
        const bool done = !environment.fired();
        work.check(true);
        ++points;
        if (done) {
          CHECK(work.acknowledged() == static_cast<std::size_t>(shape.commits));
          break;
        }
      }
    }
  }
  INFO(points << " crash points");
  CHECK(points > 500);
}

TEST_CASE("whenever the recovery is killed too, nothing is lost", "[engine][crash]") {
  std::size_t points = 0;
  const workload::shape shape{20, 4, 13, 0, 200, durability::buffered};
  for (std::uint64_t at = 1;; ++at) {
    bool work_done = false;
    for (std::uint64_t again = 1;; ++again) {
      INFO("killed before call " << at << ", and before call " << again << " of the recovery");
      const failing_environment environment;
      workload work(environment, shape);
      environment.kill(at, true);
      work.run();
      work_done = !environment.fired();
      environment.kill(again, true);
      {
        strata::options amounts = tiny_options();
        if (auto opened = failing_store::open(environment, "store", amounts)) static_cast<void>((*opened)->close());
      }
      const bool recovered = !environment.fired();
      work.check(true);
      ++points;
      if (recovered) break;
    }
    if (work_done) break;
  }
  INFO(points << " crash points");
  CHECK(points > 1000);
}
