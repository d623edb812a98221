#include "contract.hpp"

#include <thread>

#include <strata/environment/in_memory.hpp>
#include <strata/sstable/block_table.hpp>

using namespace strata;
using namespace strata::testing;

namespace {

using cache_type = sstable::block_cache<environment::in_memory>;

sstable::block_buffer block_of(std::size_t bytes, char content) {
  sstable::block_buffer made = sstable::block_buffer::allocate(bytes).value();
  std::memset(made.data(), content, bytes);
  made.set_length(bytes);
  return made;
}

// True where it was a hit; else inserts it.
bool touch(cache_type& cache, sstable::cache_slot& slot, char content) {
  sstable::pinned_block pin;
  if (slot.try_pin(sstable::cache_use::touch)) {
    pin.hold(slot);
    REQUIRE(pin.bytes() == std::string(1000, content));
    return true;
  }
  cache.insert(slot, block_of(1000, content), pin);
  REQUIRE(pin.bytes() == std::string(1000, content));
  return false;
}

}  // namespace

TEST_CASE("what is asked for again outlives a scan of many times the cache") {
  environment::in_memory world;
  cache_type cache(world, 20'000);  // 18 blocks
  std::vector<sstable::cache_slot> hot(8), cold(500);
  for (int round = 0; round < 2; ++round)
    for (auto& slot : hot) touch(cache, slot, 'h');
  int kept = 0;
  for (std::size_t i = 0; i < cold.size(); ++i) {
    touch(cache, cold[i], 'c');
    if (i % 8 == 0)
      for (auto& slot : hot) kept += touch(cache, slot, 'h') ? 1 : 0;
  }
  REQUIRE(kept == 8 * 63);
  REQUIRE(cache.stats().bytes <= 20'000);
  REQUIRE(cache.stats().bytes > 10'000);
  cache.remove(hot.data(), hot.size());
  cache.remove(cold.data(), cold.size());
  REQUIRE(cache.stats().bytes == 0);
}

TEST_CASE("a pinned block stays, and its reader owns what finds no room") {
  environment::in_memory world;
  cache_type cache(world, 2'500);  // two blocks
  std::vector<sstable::cache_slot> slots(5);
  {
    sstable::pinned_block pins[5];
    for (std::size_t i = 0; i < 5; ++i) cache.insert(slots[i], block_of(1000, static_cast<char>('a' + i)), pins[i]);
    for (std::size_t i = 0; i < 5; ++i) REQUIRE(pins[i].bytes() == std::string(1000, static_cast<char>('a' + i)));
    REQUIRE(cache.stats().bytes <= 2'500);
    REQUIRE(slots[0].try_pin(sstable::cache_use::walk));
    slots[0].unpin();
    REQUIRE_FALSE(slots[4].try_pin(sstable::cache_use::walk));
  }
  sstable::pinned_block pin;
  cache.insert(slots[4], block_of(1000, 'e'), pin);
  REQUIRE(slots[4].try_pin(sstable::cache_use::walk));
  slots[4].unpin();
  pin.release();
  cache.remove(slots.data(), slots.size());
}

TEST_CASE("of two that read the same block the second takes the first's") {
  environment::in_memory world;
  cache_type cache(world, 10'000);
  sstable::cache_slot slot;
  sstable::pinned_block first, second;
  cache.insert(slot, block_of(1000, '1'), first);
  cache.insert(slot, block_of(1000, '2'), second);
  REQUIRE(second.bytes().data() == first.bytes().data());
  REQUIRE(cache.stats().bytes < 2'000);
  REQUIRE(cache.stats().misses == 2);
  first.release();
  second.release();
  cache.remove(&slot, 1);
}

TEST_CASE("a block larger than the cache is its reader's own") {
  environment::in_memory world;
  cache_type cache(world, 999);
  sstable::cache_slot slot;
  sstable::pinned_block pin;
  cache.insert(slot, block_of(1000, 'x'), pin);
  REQUIRE(pin.bytes() == std::string(1000, 'x'));
  REQUIRE(cache.stats().bytes == 0);
}

TEST_CASE("many threads read two tables right through a cache of few blocks, while a third opens and goes") {
  using world_type = table_world<sstable::block_table<>, environment::in_memory>;
  world_type first, second(1024, first.environment);
  const table_versions ones = random_versions(21, 600, 300, 60);
  const table_versions twos = random_versions(22, 600, 300, 60);
  first.write(ones);
  second.write(twos);
  world_type::cache cache(first.environment, 8'000);
  {
    auto one = first.open(cache).value();
    auto two = second.open(cache).value();
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (std::uint64_t number = 0; number < 3; ++number)
      threads.emplace_back([&, number] {
        table_random random{number};
        world_type::lookup found, other;
        world_type::cursor walk(*one, sstable::usage::scan);
        for (int i = 0; i < 2000; ++i) {
          const bool which = random.below(2) == 0;
          const table_versions& versions = which ? ones : twos;
          const table_version& wanted = versions[random.below(random.below(2) == 0 ? 40 : versions.size())];
          const auto hit = (which ? one : two)->get(wanted.key, hash64(wanted.key), wanted.sequence, found);
          if (!hit.has_value() || !*hit || !same(found.found(), wanted)) ++wrong;
          if (i % 16 != 0) continue;
          const std::size_t at = random.below(ones.size());
          walk.seek(ones[at].key, ones[at].sequence);
          for (std::size_t step = at; step < (std::min)(at + 20, ones.size()); ++step, walk.next())
            if (!walk.valid() || !same(walk.current(), ones[step])) return void(++wrong);
        }
      });
    threads.emplace_back([&] {
      for (int i = 0; i < 30; ++i) {
        auto third = first.open(cache).value();
        world_type::cursor walk(*third, sstable::usage::scan);
        std::size_t seen = 0;
        for (walk.seek_first(); walk.valid(); walk.next()) ++seen;
        if (seen != ones.size()) ++wrong;
      }
    });
    for (std::thread& thread : threads) thread.join();
    REQUIRE(wrong == 0);
    REQUIRE(cache.stats().bytes <= 8'000);
    REQUIRE(cache.stats().misses > 100);
  }
  REQUIRE(cache.stats().bytes == 0);
}
