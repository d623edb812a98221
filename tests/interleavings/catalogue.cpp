#include "interleavings/steps.hpp"

#include <strata/strata.hpp>

using namespace strata_tests;

namespace {

inline constexpr strata::kv<std::uint64_t, std::string> fresh{"fresh"};

}  // namespace

TEST_CASE("whoever writes first to a collection beside others: what each has put is there, and is found at once", "[interleavings][catalogue]") {
  each_interleaving(rounds(600, 100'000), 4'000, [](std::uint64_t seed, const simulated& world) {
    using store_type = strata::store<simulated>;
    const strata::options amounts = tiny_options();
    std::string wrong;
    {
      auto opened = store_type::open(world, "store", amounts);
      require_ok(opened);
      store_type& db = *opened;
      const auto put = [&](std::uint64_t number) {
        if (number % 2 == seed / 2 % 2) static_cast<void>(db[fresh].get(number));
        auto done = db[fresh].put(number, "value");
        if (!done) wrong = "put: " + done.error().message();
        auto found = db[fresh].get(number);
        if (!found || !*found) wrong = std::to_string(number) + " is not there after its put";
      };
      run_together(world, [&] { put(1); }, [&] { put(2); }, [&] { put(3); });
      require_ok(db.close());
    }
    auto again = store_type::open(world, "store", amounts);
    require_ok(again);
    for (std::uint64_t number = 1; number <= 3; ++number)
      if (!(*again)[fresh].get(number).value()) wrong = std::to_string(number) + " is not there after the restart";
    if (!wrong.empty()) FAIL("seed " << seed << ": " << wrong);
  });
}

TEST_CASE("who meets a collection while another thread has half made it writes nothing where nobody finds it", "[interleavings][catalogue]") {
  std::uint64_t worlds = 0;
  each_stop(rounds(1, 1), [&](const simulated& world, std::uint64_t stop) {
    ++worlds;
    auto opened = strata::store<simulated>::open(world, "store", tiny_options());
    require_ok(opened);
    // Known before, so that the put begins with the look at what the catalogue has.
    const auto view = (*opened)[fresh];
    std::string wrong;
    const auto put = [&](std::uint64_t number) {
      auto done = view.put(number, "value");
      if (!done) wrong = "put: " + done.error().message();
      auto found = view.get(number);
      if (!found || !*found) wrong = std::to_string(number) + " is not there after its put";
    };
    run_stopped(world, stop, [&] { put(1); }, [&] { put(2); });
    for (std::uint64_t number = 1; number <= 2; ++number)
      if (auto found = view.get(number); !found || !*found) wrong = std::to_string(number) + " is not there at the end";
    if (!wrong.empty()) FAIL("stop " << stop << ": " << wrong);
  });
  WARN(worlds << " stops");
}
