// The parts of a get on a table, one by one: filter, index, cache, block. Hashes and tags are made before the clock runs, as
// a get makes them once for all tables.
#include <strata/core/hash.hpp>
#include <strata/environment/posix.hpp>
#include <strata/sstable/block_cache.hpp>
#include <strata/sstable/block_index.hpp>
#include <strata/sstable/data_block.hpp>
#include <strata/sstable/filter.hpp>

#include "stage.hpp"

namespace benchmark {
namespace {

namespace sstable = strata::sstable;

constexpr row block_hit = {"block: find a key that is there", "ns"};
constexpr row block_miss = {"block: find a key that is absent", "ns"};
constexpr row block_seek = {"block: lower bound of a key that is absent", "ns"};
constexpr row filter_hit = {"filter: probe, key is there", "ns", 14};
constexpr row filter_miss = {"filter: probe, key is absent", "ns", 14};
constexpr row index_find = {"index: find the block of a key", "ns"};
constexpr row cache_hit = {"block cache: hit, pin and unpin", "ns"};

constexpr std::size_t block_bytes = 4096;
constexpr std::uint64_t bytes_an_entry = 120;  // in a block, about

sstable::block_buffer buffer_of(strata::bytes_view bytes) {
  auto made = checked(sstable::block_buffer::allocate(bytes.size()), "allocate");
  std::memcpy(made.data(), bytes.data(), bytes.size());
  made.set_length(bytes.size());
  return made;
}

// Data blocks of the first entries, as a table would have them.
struct some_blocks {
  std::vector<sstable::block_buffer> blocks;
  std::vector<std::uint32_t> first;  // entry of each block, and behind the last

  some_blocks(const data_set& data, std::size_t count) {
    data_set::key key(data);
    sstable::block_writer writer(block_bytes);
    std::uint64_t entry = 0;
    first.push_back(0);
    while (blocks.size() < count) {
      const std::string_view text = key.of_entry(entry);
      const bool added = entry < data.entries() && writer.add({text, data.value(entry, 0), entry + 1, strata::value_kind::value},
                                                              sstable::block_tag(strata::hash64(text)));
      if (added) {
        ++entry;
        continue;
      }
      if (writer.empty()) return;
      strata::byte_string bytes;
      writer.finish(bytes);
      blocks.push_back(buffer_of(bytes));
      require(sstable::block_view::find_flaw(blocks.back().bytes()) == nullptr, "a block that was just written has a flaw");
      first.push_back(static_cast<std::uint32_t>(entry));
    }
  }
  [[nodiscard]] std::uint64_t entries() const noexcept { return first.back(); }
};

// Keys within blocks, in random order, and what each search needs.
struct block_searches {
  key_list keys;
  std::vector<std::uint32_t> blocks;
  std::vector<std::uint8_t> tags;

  block_searches(const data_set& data, const some_blocks& in, key_list::kind of)
      : keys(data, data.entries(), of, [&, random = random_numbers(1)](std::uint64_t) mutable { return random.below(in.entries()); }) {
    for (std::uint64_t i = 0; i < keys.size(); ++i) {
      const auto behind = std::upper_bound(in.first.begin(), in.first.end(), keys.entry(i));
      blocks.push_back(static_cast<std::uint32_t>(behind - in.first.begin() - 1));
      tags.push_back(sstable::block_tag(strata::hash64(keys[i])));
    }
  }
};

// `search(view, i)` gives a place in the block; `expected(i, entry in the block, count)` says which it must be.
template <typename Search, typename Expected>
double search_blocks(const some_blocks& in, const block_searches& searches, Search&& search, Expected&& expected) {
  return ns_each(timed::by_thread, searches.keys.size(), [&] {
    for (std::uint64_t i = 0; i < searches.keys.size(); ++i) {
      const std::size_t number = searches.blocks[i];
      const sstable::block_view view(in.blocks[number].bytes());
      const std::size_t at = search(view, i);
      require(at == expected(searches.keys.entry(i) - in.first[number], view.count()), "a block gives the wrong place");
    }
  });
}

void measure_blocks(stages& to) {
  if (!to.wants_any({block_hit, block_miss, block_seek})) return;
  constexpr std::size_t blocks = 64;  // 256 KiB: near the processor, so that searching counts and not waiting for memory
  const some_blocks in(to.data(), blocks);
  const block_searches hits(to.data(), in, key_list::kind::there), misses(to.data(), in, key_list::kind::absent);
  const auto find = [](const block_searches& of) {
    return [&of](const sstable::block_view& view, std::uint64_t i) {
      return view.find(of.keys[i], of.tags[i], strata::sequence_max);
    };
  };
  for (std::uint64_t run = 0; run < to.asked().runs; ++run) {
    to.measure(block_hit, [&] { return search_blocks(in, hits, find(hits), [](std::size_t at, std::size_t) { return at; }); });
    to.measure(block_miss, [&] {
      return search_blocks(in, misses, find(misses), [](std::size_t, std::size_t count) { return count; });
    });
    to.measure(block_seek, [&] {
      return search_blocks(
          in, misses,
          [&](const sstable::block_view& view, std::uint64_t i) { return view.lower_bound(misses.keys[i], strata::sequence_max); },
          [](std::size_t at, std::size_t) { return at + 1; });
    });
  }
}

std::vector<std::uint64_t> hashes_of(const key_list& keys) {
  std::vector<std::uint64_t> hashes;
  for (std::uint64_t i = 0; i < keys.size(); ++i) hashes.push_back(strata::hash64(keys[i]));
  return hashes;
}

sstable::key_filter filter_of(const std::vector<std::uint64_t>& hashes) {
  strata::dynamic_array<std::uint64_t> keys;
  for (const std::uint64_t hash : hashes) keys.push_back(hash);
  strata::byte_string stored;
  strata::filter::blocked_bloom<10>::append_to(stored, keys);
  sstable::append_block_trailer(stored, 0, 0, {});
  auto lines = std::make_unique<sstable::key_filter::line[]>(stored.size() / sstable::filter_line_bytes + 1);
  std::memcpy(lines[0].bytes, stored.data(), stored.size());
  sstable::key_filter filter;
  checked(filter.load(std::move(lines), stored.size(), {}), "load filter");
  return filter;
}

void measure_filter(stages& to) {
  if (!to.wants_any({filter_hit, filter_miss})) return;
  const std::vector<std::uint64_t> hits = hashes_of(keys_to_look_up(to.data())), misses = hashes_of(keys_absent(to.data()));
  const sstable::key_filter filter = filter_of(hits);
  const auto probe = [&](const std::vector<std::uint64_t>& hashes, std::uint64_t& passed) {
    return ns_each(timed::by_thread, hashes.size(), [&] {
      for (const std::uint64_t hash : hashes) passed += filter.may_contain(hash) ? 1u : 0u;
    });
  };
  for (std::uint64_t run = 0; run < to.asked().runs; ++run) {
    to.measure(filter_hit, [&] {
      std::uint64_t passed = 0;
      const double ns = probe(hits, passed);
      require(passed == hits.size(), "a filter stops a key that is there");
      return ns;
    });
    to.measure(filter_miss, [&] {
      std::uint64_t passed = 0;
      const double ns = probe(misses, passed);
      require(passed < misses.size() / 50 + 10, "a filter lets more than one absent key in fifty pass");
      return ns;
    });
  }
}

void measure_index(stages& to) {
  if (!to.wants(index_find)) return;
  constexpr std::uint64_t in_a_block = block_bytes / bytes_an_entry;
  const std::uint64_t blocks = (to.entries() + in_a_block - 1) / in_a_block;
  data_set::key last(to.data()), next(to.data());
  sstable::index_writer writer;
  for (std::uint64_t block = 1; block <= blocks; ++block)
    writer.add(sstable::shortest_separator(last.of_entry(block * in_a_block - 1), next.of_entry(block * in_a_block)), 0, block_bytes);
  strata::byte_string payload;
  writer.append_to(payload);
  sstable::block_index index;
  require(index.load(payload, 8, 8 + blocks * block_bytes) == nullptr, "an index that was just written has a flaw");
  const key_list keys = keys_to_look_up(to.data());
  for (std::uint64_t run = 0; run < to.asked().runs; ++run)
    to.take(index_find, ns_each(timed::by_thread, keys.size(), [&] {
              for (std::uint64_t i = 0; i < keys.size(); ++i)
                require(index.find(keys[i], strata::sequence_max) == keys.entry(i) / in_a_block, "the index names the wrong block");
            }));
}

void measure_cache(stages& to) {
  if (!to.wants(cache_hit)) return;
  constexpr std::size_t blocks = 1024;
  const strata::environment::posix world;
  sstable::block_cache<strata::environment::posix> cache(world, 2 * blocks * block_bytes);
  std::vector<sstable::cache_slot> slots(blocks);
  for (std::size_t i = 0; i < blocks; ++i) {
    sstable::pinned_block pin;
    cache.insert(slots[i], buffer_of(std::string(block_bytes, static_cast<char>(i))), pin);
  }
  std::vector<std::uint16_t> order;
  random_numbers random(1);
  for (std::uint64_t i = 0; i < to.entries(); ++i) order.push_back(static_cast<std::uint16_t>(random.below(blocks)));
  for (std::uint64_t run = 0; run < to.asked().runs; ++run)
    to.take(cache_hit, ns_each(timed::by_thread, order.size(), [&] {
              for (const std::uint16_t number : order) {
                sstable::pinned_block pin;
                require(slots[number].try_pin(sstable::cache_use::touch), "a block is not in the cache");
                pin.hold(slots[number]);
                cache.count_hit();
                require(pin.bytes().front() == static_cast<char>(number), "the cache gives the wrong block");
              }
            }));
  cache.remove(slots.data(), slots.size());
}

}  // namespace

void measure_table_parts(stages& to) {
  measure_blocks(to);
  measure_filter(to);
  measure_index(to);
  measure_cache(to);
}

}  // namespace benchmark
