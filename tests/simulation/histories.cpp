// Histories of many clients in simulated worlds, through faults, kills and power cuts: each key is linearizable, and
// transactions are serializable.
#include "simulation/keys.hpp"
#include "simulation/transactions.hpp"

using namespace strata_tests;

namespace {

template <typename Run>
void judge_histories(std::size_t histories) {
  stay_on_one_core();
  history_counts counts;
  each_seed(histories, [&](std::uint64_t seed) { Run(seed, history_size{}, counts).run(); });
  WARN(describe(counts));
}

}  // namespace

TEST_CASE("whatever clients do to a key at once, one order of their calls explains it, and a restart loses only the newest", "[simulation][histories]") {
  judge_histories<key_run>(rounds(crash_effort::histories, 100'000));
}

TEST_CASE("transactions of many clients are serializable, and a restart loses only the newest of them, each whole", "[simulation][histories]") {
  judge_histories<transaction_run>(rounds(crash_effort::histories, 100'000));
}
