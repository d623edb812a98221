// The histories of tests/simulation once more, fewer, with every atomic operation of the whole store a point: commits and
// reads beside rotations, flushes and merges.
#include "interleavings/steps.hpp"

#include "simulation/keys.hpp"
#include "simulation/transactions.hpp"

using namespace strata_tests;

namespace {

template <typename Run>
class stepped : public Run {
 public:
  using Run::Run;

 private:
  std::shared_ptr<void> watch_threads(const simulated& world) override { return std::make_shared<stepping>(world); }
};

template <typename Run>
void judge_histories(std::size_t histories) {
  stay_on_one_core();
  history_counts counts;
  const std::uint64_t before = stepping::steps();
  each_seed(histories, [&](std::uint64_t seed) {
    stepped<Run>(seed, history_size{.clients_most = 3, .calls_most = 16, .openings_most = 2, .points = 20'000}, counts).run();
  });
  WARN(describe(counts) << "; " << stepping::steps() - before << " steps");
}

}  // namespace

TEST_CASE("with each atomic operation a point, the calls on a key are linearizable", "[interleavings][histories]") {
  judge_histories<key_run>(rounds(200, 50'000));
}
TEST_CASE("with each atomic operation a point, transactions are serializable", "[interleavings][histories]") {
  judge_histories<transaction_run>(rounds(200, 50'000));
}
