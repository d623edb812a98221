#include "interleavings/steps.hpp"

#include <strata/core/epoch.hpp>

using namespace strata_tests;

namespace {

struct object {
  bool alive = true;
};

enum class reader { right, loads_before_it_pins };
enum class writer { right, asks_before_it_replaces };

// Whether a reader has met an object that was let go.
bool meets_the_dead(const simulated& world, std::uint64_t seed, reader how_to_read, writer how_to_write) {
  strata::epoch_domain domain;
  constexpr std::size_t versions = 4;
  object objects[versions + 1];
  std::atomic<object*> current{&objects[0]};
  bool dead = false;
  // With all but two slots taken readers also have to look for one, and to wait.
  std::vector<std::unique_ptr<strata::epoch_domain::guard>> others;
  const auto give_way = [&world] { world.sleep_for_us(1); };
  if (seed % 3 == 0)
    for (int i = 0; i < 62; ++i) others.emplace_back(new strata::epoch_domain::guard(domain.pin(give_way)));
  const auto read = [&] {
    for (int i = 0; i < 3; ++i) {
      object* seen = how_to_read == reader::loads_before_it_pins ? current.load() : nullptr;
      const auto inside = domain.pin(give_way);
      if (how_to_read == reader::right) seen = current.load(std::memory_order_seq_cst);
      dead = dead || !seen->alive;
      world.step();
      dead = dead || !seen->alive;
    }
  };
  const auto replace = [&] {
    std::vector<std::pair<std::uint64_t, object*>> retired;
    for (std::size_t i = 1; i <= versions; ++i) {
      object* const before = current.load();
      if (how_to_write == writer::asks_before_it_replaces) retired.emplace_back(domain.advance(), before);
      const bool quiet_before = how_to_write == writer::asks_before_it_replaces && domain.quiet_since(retired.back().first);
      current.store(&objects[i], std::memory_order_seq_cst);
      if (quiet_before) before->alive = false;
      if (how_to_write == writer::right) retired.emplace_back(domain.advance(), before);
      for (const auto& each : retired)
        if (domain.quiet_since(each.first)) each.second->alive = false;
    }
  };
  run_together(world, read, read, read, replace);
  return dead;
}

}  // namespace

TEST_CASE("whatever steps of pinning and replacing meet, no reader meets what was let go", "[interleavings][epoch]") {
  each_interleaving(rounds(4'000, 1'000'000), 150, [](std::uint64_t seed, const simulated& world) {
    if (meets_the_dead(world, seed, reader::right, writer::right)) FAIL("seed " << seed);
  });
}

TEST_CASE("a reader that loads before it pins, and a writer that asks before it replaces, are found", "[interleavings][epoch]") {
  std::size_t early_reader = 0, early_writer = 0;
  each_interleaving(1'000, 150, [&](std::uint64_t seed, const simulated& world) {
    early_reader += meets_the_dead(world, seed, reader::loads_before_it_pins, writer::right);
    const simulated again(stepped_world(seed, 150));
    early_writer += meets_the_dead(again, seed, reader::right, writer::asks_before_it_replaces);
  });
  CHECK(early_reader > 10);
  CHECK(early_writer > 0);
}
