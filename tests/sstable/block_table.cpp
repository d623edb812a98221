#include "contract.hpp"

#include <strata/environment/in_memory.hpp>
#include <strata/environment/posix.hpp>
#include <strata/sstable/block_table.hpp>

using namespace strata;
using namespace strata::testing;

TEST_CASE("a block table keeps the contract") { sstable_contract<sstable::block_table<>, environment::in_memory>(); }

TEST_CASE("a block table without a filter keeps the contract") {
  sstable_contract<sstable::block_table<filter::none>, environment::in_memory>();
}

TEST_CASE("a block table with another filter, its parts in any order, keeps the contract") {
  sstable_contract<sstable::block_table<access::cached, compression::none, filter::blocked_bloom<24>>,
                   environment::in_memory>();
}

TEST_CASE("a block table on the real file system answers as an ordered map of all versions does") {
  write_and_check<sstable::block_table<>, environment::posix>(random_versions(1, 2000, 700, 60), 1024, 30'000);
}

namespace {

using world_type = table_world<sstable::block_table<>, environment::in_memory>;

// Reads fail from the n-th on.
struct failing_reads : environment::in_memory {
  struct readable_file {
    environment::in_memory::readable_file inner;
    std::shared_ptr<int> left;
    result<std::size_t> read(std::uint64_t offset, char* to, std::size_t count) const {
      if (*left == 0)
        return error(errc::io_error, "read", "as the test asked for").in_file("000007.table").at_offset(offset);
      --*left;
      return inner.read(offset, to, count);
    }
    std::uint64_t size() const { return inner.size(); }
  };
  result<readable_file> open_readable(std::string_view path) const {
    STRATA_TRY_LET(file, environment::in_memory::open_readable(path));
    return readable_file{std::move(file), left};
  }
  std::shared_ptr<int> left = std::make_shared<int>(1 << 30);
};

std::string hex(bytes_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
    text += "0123456789abcdef"[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

// Makes all checksums of a changed table right again, as far as its footer says where they are.
void sealed_again(std::string& image, const sstable::settings& settings) {
  const std::size_t footer_at = image.size() - sstable::table_footer_bytes;
  const auto seal = [&](std::uint64_t offset, std::uint64_t bytes) {
    if (bytes < 5 || offset > footer_at || bytes > footer_at - offset) return;
    const auto begin = static_cast<std::size_t>(offset), length = static_cast<std::size_t>(bytes);
    store_fixed(image.data() + begin + length - 4,
                sstable::block_checksum(bytes_view(image).substr(begin, length - 4),
                                        {settings.store_id, settings.number, offset}));
  };
  store_fixed(image.data() + 12, crc32c(bytes_view(image).substr(0, 12)));
  std::uint64_t sections[5];
  for (std::size_t i = 0; i < 5; ++i) sections[i] = load_fixed<std::uint64_t>(image.data() + footer_at + 8 * i);
  std::uint64_t at = sstable::table_header_bytes + sections[0];
  const std::uint64_t data_end = at;
  for (std::size_t i = 1; i < 5; ++i) {
    seal(at, sections[i]);
    at += sections[i];
  }
  store_fixed(image.data() + footer_at + 60, crc32c(bytes_view(image).substr(footer_at, 60)));
  if (at > footer_at || sections[4] < 5 || sections[4] > at) return;
  sstable::block_index index;
  if (index.load(bytes_view(image).substr(static_cast<std::size_t>(at - sections[4]),
                                          static_cast<std::size_t>(sections[4] - 5)),
                 sstable::table_header_bytes, data_end) != nullptr)
    return;
  for (std::size_t block = 0; block < index.blocks(); ++block) seal(index.offset(block), index.stored_bytes(block));
}

// What verify() promises: order, counts, bounds, and that a get finds all that a walk meets.
void agrees_with_itself(const world_type::table& table) {
  world_type::cursor walk(table, sstable::usage::scan);
  world_type::lookup found;
  std::uint64_t entries = 0;
  std::string last;
  sequence_number last_sequence = 0;
  for (walk.seek_first(); walk.valid(); walk.next(), ++entries) {
    const entry one = walk.current();
    REQUIRE((entries == 0 || compare_versions(last, last_sequence, one.key, one.sequence) < 0));
    REQUIRE(one.key >= bytes_view(table.facts().smallest));
    REQUIRE(one.key < bytes_view(table.facts().limit));
    REQUIRE(one.sequence >= table.facts().lowest_sequence);
    REQUIRE(one.sequence <= table.facts().highest_sequence);
    REQUIRE(table.get(one.key, hash64(one.key), one.sequence, found).value());
    REQUIRE(found.found().sequence == one.sequence);
    REQUIRE(found.found().value == one.value);
    last = one.key;
    last_sequence = one.sequence;
  }
  REQUIRE(walk.status().has_value());
  REQUIRE(entries == table.facts().entries);
}

}  // namespace

TEST_CASE("a table can be read whatever filter it was written with") {
  const table_versions versions = random_versions(4, 500, 200, 60);
  table_world<sstable::block_table<filter::blocked_bloom<16>>, environment::in_memory> sixteen;
  table_world<sstable::block_table<filter::none>, environment::in_memory> none;
  sixteen.write(versions);
  none.write(versions);
  world_type::cache cache(sixteen.environment, 1 << 20);
  auto first = world_type::table::open(sixteen.environment, sixteen.settings, cache).value();
  auto second = world_type::table::open(none.environment, none.settings, cache).value();
  check_answers(*first, versions);
  check_answers(*second, versions);
  first->verify().value();
  second->verify().value();
}

TEST_CASE(
    "a read that fails ends a get, a walk, an opening and a check with its error, and the next attempt is not spoilt") {
  using failing = table_world<sstable::block_table<>, failing_reads>;
  failing world;
  const table_versions versions = random_versions(6, 400, 200, 60);
  world.write(versions);
  for (const std::uint64_t cache_bytes : {0u, 1u << 20}) {
    failing::cache cache(world.environment, cache_bytes);
    for (int reads = 0; reads < 5; ++reads) {
      *world.environment.left = reads;
      const auto opened = world.open(cache);
      REQUIRE(opened.has_value() == (reads >= 5));
      if (!opened.has_value()) REQUIRE(opened.error() == errc::io_error);
    }
    *world.environment.left = 1 << 30;
    auto table = world.open(cache).value();
    *world.environment.left = 0;
    failing::lookup found;
    REQUIRE(table->get(versions[9].key, hash64(versions[9].key), sequence_max, found).error() == errc::io_error);
    REQUIRE(table->verify().error() == errc::io_error);
    for (const sstable::usage use : {sstable::usage::scan, sstable::usage::once}) {
      failing::cursor walk(*table, use);
      *world.environment.left = use == sstable::usage::scan ? 3 : 0;
      std::size_t seen = 0;
      for (walk.seek_first(); walk.valid(); walk.next()) ++seen;
      REQUIRE(walk.status().error() == errc::io_error);
      REQUIRE(seen < versions.size());
      REQUIRE((use == sstable::usage::once || seen > 0));
      *world.environment.left = 1 << 30;
      walk.seek_first();
      REQUIRE(walk.valid());
      REQUIRE(walk.status().has_value());
      REQUIRE(same(walk.current(), versions[0]));
    }
    check_answers(*table, versions);
  }
}

TEST_CASE("block sizes outside 1 KiB to 32 KiB are refused, and make no file") {
  for (const std::uint64_t block_bytes : {std::uint64_t{0}, std::uint64_t{1023}, std::uint64_t{32 * 1024 + 1}}) {
    world_type world(block_bytes);
    REQUIRE(world_type::builder::create(world.environment, world.settings).error() == errc::invalid_argument);
    REQUIRE_FALSE(world.environment.file_exists(world.settings.path).value());
  }
}

TEST_CASE("two blocks that changed places are corruption") {
  world_type world;
  table_versions versions;
  for (int i = 0; i < 100; ++i)
    versions.push_back({"key" + std::to_string(1000 + i), std::string(50, 'v'), 1, value_kind::value});
  world.write(versions);
  std::string image = world.image();
  world_type::cache cache(world.environment, 1 << 20);
  // All blocks of such a table but the last are of one size.
  auto index_of = [&](bytes_view key) { return image.find(key); };
  REQUIRE(index_of("key10") != std::string::npos);
  const std::uint16_t first_count = load_fixed<std::uint16_t>(image.data() + sstable::table_header_bytes);
  const std::size_t second =
      image.find(image.substr(sstable::table_header_bytes, 16), sstable::table_header_bytes + 16);
  REQUIRE(second != std::string::npos);
  const std::size_t length = second - sstable::table_header_bytes;
  REQUIRE(load_fixed<std::uint16_t>(image.data() + second) == first_count);
  const std::string one = image.substr(sstable::table_header_bytes, length);
  const std::string two = image.substr(second, length);
  image.replace(sstable::table_header_bytes, length, two);
  image.replace(second, length, one);
  world.replace(image);
  auto table = world.open(cache).value();
  world_type::lookup found;
  const auto got = table->get("key1000", hash64("key1000"), 1, found);
  REQUIRE(got.error() == errc::corruption);
  REQUIRE(got.error().offset() == sstable::table_header_bytes);
  REQUIRE(got.error().file() == world.settings.path);
  REQUIRE(table->verify().error() == errc::corruption);
}

TEST_CASE("a table of a later format and one compressed with another method are refused by name") {
  world_type world;
  world.write({{"key", "value", 1, value_kind::value}});
  std::string image = world.image();
  world_type::cache cache(world.environment, 1 << 20);
  store_fixed(image.data() + 8, std::uint32_t{2});
  store_fixed(image.data() + 12, crc32c(bytes_view(image).substr(0, 12)));
  world.replace(image);
  REQUIRE(world.open(cache).error() == errc::unsupported_version);
  const auto payload = sstable::stored_payload{"x", 1};
  REQUIRE(sstable::decompress_block<compression::none>(payload, 0).error() == errc::unsupported);
}

TEST_CASE("a get that the filter denies reads no block, and a hit reads it once") {
  world_type world;
  const table_versions versions = random_versions(11, 2000, 5000, 60);
  world.write(versions);
  world_type::cache cache(world.environment, 10 << 20);
  auto table = world.open(cache).value();
  world_type::lookup found;
  std::size_t passed = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string key = "collection/user/5" + std::to_string(i);
    REQUIRE_FALSE(table->get(key, hash64(key), sequence_max, found).value());
  }
  passed = cache.stats().misses + cache.stats().hits;
  REQUIRE(passed < 60);
  const auto before = cache.stats();
  for (int round = 0; round < 2; ++round)
    for (const table_version& one : versions)
      REQUIRE(table->get(one.key, hash64(one.key), one.sequence, found).value());
  const auto after = cache.stats();
  REQUIRE(after.hits - before.hits + after.misses - before.misses == 2 * versions.size());
  REQUIRE(after.misses < versions.size() / 2);
  REQUIRE(after.bytes > 0);
  world_type::cursor once(*table, sstable::usage::once);
  for (once.seek_first(); once.valid(); once.next()) {
  }
  REQUIRE(cache.stats().misses == after.misses);
  REQUIRE(cache.stats().hits == after.hits);
}

TEST_CASE("3,000,000 entries of 18 byte keys and 100 byte values would take less than 118.5 bytes an entry") {
  // A thirtieth of them, at the same density of keys and with sequences over the same range.
  world_type world(4096);
  table_random random{1};
  table_versions versions;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    std::string number = std::to_string(i);
    versions.push_back({"ab" + std::string(16 - number.size(), '0') + number, random.bytes(100),
                        random.below(3'000'000), value_kind::value});
  }
  const sstable::facts known = world.write(versions);
  REQUIRE(known.entries == 100'000);
  REQUIRE(static_cast<double>(known.bytes) / 100'000 < 118.5);
}

TEST_CASE("a table of a stranger, damaged with all checksums right, is refused or read within its bounds") {
  world_type world;
  const table_versions versions = random_versions(13, 30, 20, 150);
  world.write(versions, {{"a", "b", 3}, {"collection/user/10", "collection/user/12", 4}});
  const std::string image = world.image();
  world_type::cache cache(world.environment, 1 << 20);
  std::size_t refused = 0, read = 0, sound = 0;
  const auto try_image = [&](const std::string& changed) {
    world.replace(changed);
    auto opened = world.open(cache);
    if (!opened.has_value()) {
      REQUIRE(opened.error().file() == world.settings.path);
      return void(++refused);
    }
    ++read;
    const auto& table = **opened;
    if (table.verify().has_value()) agrees_with_itself(table), ++sound;
    REQUIRE(table.memory_bytes() < 200'000);
    world_type::lookup found;
    for (const table_version& one : versions) {
      const auto hit = table.get(one.key, hash64(one.key), one.sequence, found);
      if (hit.has_value() && *hit) REQUIRE(found.found().value.size() < image.size());
    }
    for (const sstable::usage use : {sstable::usage::scan, sstable::usage::once}) {
      world_type::cursor walk(table, use);
      std::size_t steps = 0;
      for (walk.seek_first(); walk.valid() && steps < 10'000; walk.next())
        steps += 1 + walk.current().key.size() / 100'000;
      for (walk.seek_last(); walk.valid() && steps < 10'000; walk.prev()) ++steps;
      REQUIRE(steps < 10'000);
      walk.seek("collection/user/1", 3);
    }
  };
  for (std::size_t offset = 0; offset < image.size(); ++offset)
    for (const unsigned mask : {0x01u, 0x80u, 0xFFu}) {
      std::string changed = image;
      changed[offset] = static_cast<char>(static_cast<unsigned char>(changed[offset]) ^ mask);
      sealed_again(changed, world.settings);
      try_image(changed);
    }
  REQUIRE(refused > 100);
  REQUIRE(read > 100);
  REQUIRE(sound > 100);
  REQUIRE(sound < read);
}

TEST_CASE("verify() sees versions out of order though all checksums are right") {
  world_type world;
  world.write({{"key", "new", 5, value_kind::value}, {"key", "old", 4, value_kind::value}});
  std::string image = world.image();
  const std::size_t sequences = sstable::table_header_bytes + sstable::data_block_header_bytes + 2 * 3;
  REQUIRE(image.substr(sequences, 2) == std::string("\1\0", 2));
  std::swap(image[sequences], image[sequences + 1]);
  sealed_again(image, world.settings);
  world.replace(image);
  world_type::cache cache(world.environment, 1 << 20);
  REQUIRE(world.open(cache).value()->verify().error() == errc::corruption);
}

TEST_CASE("verify() sees a separator that hides versions, though it lies between the blocks") {
  // Versions of one key over two blocks: the separator is the last one of the first block, 7. With 6 it is still before the
  // next one, 5, but whoever wants the newest of at most 6 looks in the first block and finds none.
  world_type world;
  const std::string large(5000, 'v');
  world.write({{"key", large, 7, value_kind::value}, {"key", large, 5, value_kind::value}});
  std::string image = world.image();
  world_type::cache cache(world.environment, 1 << 20);
  {
    auto table = world.open(cache).value();
    REQUIRE(table->verify().has_value());
    world_type::lookup found;
    REQUIRE(table->get("key", hash64("key"), 6, found).value());
  }
  const std::string separators("\x00\x00\xA4\x27\xA4\x27\x07\x00", 8);  // lengths behind the prefix, bytes, sequences
  const std::size_t at = image.rfind(separators);
  REQUIRE(at != image.npos);
  image[at + 6] = 6;
  sealed_again(image, world.settings);
  world.replace(image);
  const auto verified = world.open(cache).value()->verify();
  REQUIRE(verified.error() == errc::corruption);
  REQUIRE(verified.error().file() == world.settings.path);
}

TEST_CASE("a small table has these bytes") {
  world_type world;
  world.write({{"apple", "red", 7, value_kind::value},
               {"apple", "", 5, value_kind::tombstone},
               {"apricot", "orange", 300, value_kind::value}},
              {{"b", "c", 9}});
  REQUIRE(hex(world.image()) ==
          "937374726174617401000000f6849b75"  // header
          "03000102020000000500000000000000"  // block: three entries, kinds stored, two bytes a sequence, prefix of two
          "f6f6cd"
          "000007000b00"
          "020000002701"
          "010301"
          "6170"  // tags, starts, sequences, kinds, prefix
          "03706c65726564"
          "03706c65"
          "057269636f746f72616e6765"
          "00fd1add5a"                                                        // entries, trailer
          "8000000000000000000020800000000000000200080008000000004000020000"  // filter: one line
          "0000000000000040000000000002000000000001000000000000200000000000"
          "060100388c07bc"                                                                    // probes, kind, trailer
          "01016201630900f719816a"                                                            // range tombstones
          "030101018080f9c0c1c48203000005ac0200056170706c650163000682fd3e"                    // properties
          "01000000000761707269636f740040009ec9a056"                                          // index
          "400000000000000047000000000000000b000000000000001f000000000000001400000000000000"  // footer: lengths
          "88776655443322110700000000000000"                                                  // store, number
          "010000007c3104659373747261746174");  // version, checksum, magic
}
