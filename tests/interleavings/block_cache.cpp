#include "interleavings/steps.hpp"

using namespace strata_tests;
namespace sstable = strata::sstable;

namespace {

constexpr std::size_t block_bytes = 1000;

sstable::block_buffer block_of(char content) {
  sstable::block_buffer made = sstable::block_buffer::allocate(block_bytes).value();
  std::memset(made.data(), content, block_bytes);
  made.set_length(block_bytes);
  return made;
}

}  // namespace

TEST_CASE("whatever steps of pinning, publishing and evicting meet, a block that is held is whole, and the cache keeps its bound", "[interleavings][block_cache]") {
  std::uint64_t hits = 0;
  each_interleaving(rounds(3'000, 1'000'000), 400, [&](std::uint64_t seed, const simulated& world) {
    constexpr std::uint64_t capacity = 2'500;  // two blocks
    sstable::block_cache<simulated> cache(world, capacity);
    std::vector<sstable::cache_slot> slots(2 + seed % 3);
    std::string wrong;
    std::uint64_t asked = 0;
    const auto read = [&](std::uint64_t bits) {
      sstable::pinned_block held;  // over the next ones
      char held_content = 0;
      const auto is_whole = [&](const sstable::pinned_block& block, char content) { return block.bytes() == std::string(block_bytes, content); };
      for (int round = 0; round < 5; ++round) {
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        const std::size_t index = static_cast<std::size_t>(bits >> 33) % slots.size();
        const char content = static_cast<char>('a' + index);
        sstable::pinned_block pin;
        ++asked;
        if (slots[index].try_pin((bits >> 20) % 2 == 0 ? sstable::cache_use::touch : sstable::cache_use::walk)) {
          pin.hold(slots[index]);
          ++hits;
        } else {
          cache.insert(slots[index], block_of(content), pin);
        }
        if (!is_whole(pin, content)) wrong = "a block that is not its own";
        world.step();
        if (!is_whole(pin, content) || (held_content != 0 && !is_whole(held, held_content))) wrong = "a block that changed while it was held";
        if (cache.stats().bytes > capacity) wrong = "over the bound";
        if ((bits >> 40) % 2 == 0) {
          held = std::move(pin);
          held_content = content;
        }
      }
    };
    run_together(world, [&] { read(seed); }, [&] { read(seed * 7 + 1); }, [&] { read(seed * 13 + 5); });
    for (const sstable::cache_slot& slot : slots)
      if (slot.state.load() >= sstable::cache_slot::one_pin) wrong = "a pin that stayed";
    cache.remove(slots.data(), slots.size());
    if (cache.stats().bytes != 0) wrong = "something stays behind";
    if (!wrong.empty()) FAIL("seed " << seed << ": " << wrong);
  });
  CHECK(hits > 1'000);
}
