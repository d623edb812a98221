#include "contract.hpp"

#include <strata/sstable/data_block.hpp>

using namespace strata;
using namespace strata::testing;

namespace {

// A block of its own length on the heap, so that a read past its padding is seen.
sstable::block_buffer in_memory(bytes_view block) {
  sstable::block_buffer made = sstable::block_buffer::allocate(block.size()).value();
  std::memcpy(made.data(), block.data(), block.size());
  made.set_length(block.size());
  return made;
}

std::string written(const table_versions& versions) {
  sstable::block_writer writer(32 * 1024);
  for (const table_version& one : versions) REQUIRE(writer.add(one.view(), sstable::block_tag(hash64(one.key))));
  std::string block = "before";
  writer.finish(block);
  REQUIRE(writer.empty());
  return block.substr(6);
}

std::string key_of(const sstable::block_view& block, std::size_t i) {
  return std::string(block.prefix()) + std::string(block.suffix(i));
}

}  // namespace

TEST_CASE("a block gives back its entries by number, by key and by place") {
  for (const std::size_t count : {1u, 2u, 7u, 8u, 15u, 16u, 17u, 31u, 32u, 33u, 200u}) {
    const table_versions versions = random_versions(count, count, 1 + count / 2, 20);
    const sstable::block_buffer memory = in_memory(written(versions));
    REQUIRE(sstable::block_view::find_flaw(memory.bytes()) == nullptr);
    const sstable::block_view block(memory.bytes());
    REQUIRE(block.count() == versions.size());
    for (std::size_t i = 0; i < versions.size(); ++i) {
      const table_version& one = versions[i];
      REQUIRE(key_of(block, i) == one.key);
      REQUIRE(block.value(i) == one.value);
      REQUIRE(block.sequence(i) == one.sequence);
      REQUIRE(block.kind(i) == one.kind);
      REQUIRE(block.find(one.key, block.tag(i), one.sequence) == i);
      REQUIRE(block.lower_bound(one.key, one.sequence) == i);
      REQUIRE(block.lower_bound(one.key, sequence_max) <= i);
      // By the tag or without it: of each version, of one between it and the next, before all, behind all, and of a key that
      // is not there.
      for (const sequence_number at : {one.sequence, one.sequence + 1, one.sequence - 1, sequence_max, sequence_number{0}})
        for (const std::string& key : {one.key, one.key + "\x01", one.key.substr(0, one.key.size() / 2)})
          REQUIRE(block.seek(key, sstable::block_tag(hash64(key)), at) == block.lower_bound(key, at));
      block.prefetch(i);
      REQUIRE(block.find(one.key + "\x01", block.tag(i), sequence_max) == block.count());
    }
  }
}

TEST_CASE("a block whose every key has one tag still finds the right one") {
  sstable::block_writer writer(32 * 1024);
  for (int i = 100; i < 300; ++i)
    REQUIRE(writer.add(entry{"key" + std::to_string(i), "v", 5, value_kind::value}, 0x80));
  std::string bytes;
  writer.finish(bytes);
  const sstable::block_buffer memory = in_memory(bytes);
  const sstable::block_view block(memory.bytes());
  for (int i = 100; i < 300; ++i)
    REQUIRE(block.find("key" + std::to_string(i), 0x80, 5) == static_cast<std::size_t>(i - 100));
  REQUIRE(block.find("key100", 0x81, 5) == block.count());
  REQUIRE(block.find("key100", 0x80, 4) == block.count());
  REQUIRE(block.find("ke", 0x80, 5) == block.count());
}

TEST_CASE("a block is finished before its starts could pass 16 bits, whatever the keys have in common") {
  sstable::block_writer writer(1024);
  std::string key(700, 'a');
  std::size_t blocks = 0, in_block = 0, most = 0;
  for (int i = 0; i < 300; ++i) {
    key.back() = static_cast<char>('a' + i % 26);
    key[698] = static_cast<char>('a' + i / 26);
    const entry item{i == 299 ? bytes_view("b") : bytes_view(key), "", 1, value_kind::value};
    if (!writer.add(item, 0)) {
      std::string block;
      writer.finish(block);
      const sstable::block_buffer memory = in_memory(block);
      REQUIRE(sstable::block_view::find_flaw(memory.bytes()) == nullptr);
      ++blocks;
      in_block = 0;
      REQUIRE(writer.add(item, 0));
    }
    most = (std::max)(most, ++in_block);
  }
  REQUIRE(blocks >= 10);
  REQUIRE(most > 10);
}

TEST_CASE("a block with a key over the limit is refused") {
  for (const std::size_t over : {0u, 1u}) {
    sstable::block_writer writer(1024);
    REQUIRE(writer.add(entry{"k", "", 1, value_kind::value}, 0));
    REQUIRE(writer.add(entry{"k" + std::string(internal_key_bytes_max - 1 + over, 'x'), "", 1, value_kind::value}, 0));
    std::string bytes;
    writer.finish(bytes);
    const sstable::block_buffer memory = in_memory(bytes);
    REQUIRE((sstable::block_view::find_flaw(memory.bytes()) != nullptr) == (over == 1));
  }
}

TEST_CASE("a block of any bytes is refused or read within its bounds") {
  const std::string good = written(random_versions(3, 12, 8, 12));
  table_random random{77};
  std::size_t refused = 0, read = 0;
  const auto try_block = [&](const std::string& bytes) {
    const sstable::block_buffer memory = in_memory(bytes);
    if (sstable::block_view::find_flaw(memory.bytes()) != nullptr) return void(++refused);
    ++read;
    const sstable::block_view block(memory.bytes());
    std::size_t total = 0;
    for (std::size_t i = 0; i < block.count(); ++i) {
      const std::string key = key_of(block, i);
      total += key.size() + block.value(i).size() + static_cast<std::size_t>(block.kind(i));
      REQUIRE(key.size() <= internal_key_bytes_max);
      REQUIRE(block.sequence(i) <= sequence_max);
      REQUIRE(block.find(key, block.tag(i), sequence_max) <= block.count());
      REQUIRE(block.lower_bound(key, block.sequence(i)) <= block.count());
    }
    REQUIRE(total <= bytes.size() * (1 + block.count()));
  };
  for (std::size_t offset = 0; offset < good.size(); ++offset)
    for (const unsigned mask : {1u, 2u, 4u, 8u, 16u, 32u, 64u, 128u, 255u}) {
      std::string bytes = good;
      bytes[offset] = static_cast<char>(static_cast<unsigned char>(bytes[offset]) ^ mask);
      try_block(bytes);
    }
  for (std::size_t length = 0; length < good.size(); ++length) try_block(good.substr(0, length));
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (std::size_t changes = 1 + random.below(4); changes != 0; --changes)
      bytes[random.below(random.below(2) == 0 ? 24 : bytes.size())] = static_cast<char>(random.next());
    try_block(bytes);
  }
  REQUIRE(refused > 1000);
  REQUIRE(read > 1000);
}
