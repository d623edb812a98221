// The zstd door: tables compressed with it keep the contract of tables.
#include "sstable/contract.hpp"

#include <strata/environment/in_memory.hpp>
#include <strata/sstable/block_table.hpp>
#include <strata/zstd.hpp>

using namespace strata;
using namespace strata::testing;

namespace {
using zstd_table = sstable::block_table<compression::zstd<3>>;
using zstd_world = table_world<zstd_table, environment::in_memory>;
using plain_world = table_world<sstable::block_table<>, environment::in_memory>;

table_versions wordy_versions() {
  table_versions versions;
  for (int i = 0; i < 500; ++i)
    versions.push_back({"key" + std::to_string(1000 + i), "the same words again and again " + std::to_string(i), 4,
                        value_kind::value});
  return versions;
}
}  // namespace

TEST_CASE("a compressed block table keeps the contract") { sstable_contract<zstd_table, environment::in_memory>(); }

TEST_CASE("compression makes wordy tables smaller, and leaves blocks alone that do not shrink") {
  zstd_world world(4096);
  plain_world plain(4096);
  REQUIRE(world.write(wordy_versions()).bytes * 2 < plain.write(wordy_versions()).bytes);
  table_random random{1};
  table_versions noise;
  for (int i = 0; i < 200; ++i) noise.push_back({random.bytes(20), random.bytes(100), 4, value_kind::value});
  noise = in_order(std::move(noise));
  REQUIRE(world.write(noise).bytes == plain.write(noise).bytes);
  write_and_check<zstd_table, environment::in_memory>(wordy_versions(), 4096, 8000);
}

TEST_CASE("a table without compression can be read with it, and the other way round is refused by name") {
  plain_world plain;
  const table_versions versions = wordy_versions();
  plain.write(versions);
  zstd_world::cache cache(plain.environment, 1 << 20);
  auto table = zstd_world::table::open(plain.environment, plain.settings, cache).value();
  check_answers(*table, versions);
  zstd_world compressed;
  compressed.write(versions);
  const auto refused = plain_world::table::open(compressed.environment, compressed.settings, cache);
  REQUIRE(refused.error() == errc::unsupported);
  REQUIRE(std::string(refused.error().reason()).find("zstd") != std::string::npos);
  REQUIRE(refused.error().file() == compressed.settings.path);
}

TEST_CASE("a compressed block that declares another length than it has is refused before memory is taken") {
  std::string text(1000, 'a'), packed;
  compression::zstd<3>::compressor compressor;
  REQUIRE(compressor.compress(text, packed));
  for (const std::uint64_t declared :
       {std::uint64_t{999}, std::uint64_t{1001}, std::uint64_t{0}, sstable::block_bytes_max + 1, ~std::uint64_t{0}}) {
    std::string payload;
    append_varint(payload, declared);
    payload += packed;
    REQUIRE(sstable::decompress_block<compression::zstd<3>>({payload, 1}, 0).error() == errc::corruption);
  }
  std::string payload;
  append_varint(payload, 1000);
  REQUIRE(sstable::decompress_block<compression::zstd<3>>({payload + packed, 1}, 0).value().bytes() == text);

  // Within what a block may be, and far more than there is: the frame says another length, none, or is no frame.
  using zstd = compression::zstd<3>;
  REQUIRE(zstd::can_hold(packed, 1000));
  REQUIRE_FALSE(zstd::can_hold(packed, 999));
  REQUIRE_FALSE(zstd::can_hold(packed, sstable::block_bytes_max));
  REQUIRE_FALSE(zstd::can_hold(bytes_view(packed).substr(1), 1000));
  REQUIRE_FALSE(zstd::can_hold("", 1000));
  std::string without_length(ZSTD_compressBound(text.size()), '\0');
  const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, 0);
  without_length.resize(
      ZSTD_compress2(context.get(), without_length.data(), without_length.size(), text.data(), text.size()));
  REQUIRE_FALSE(zstd::can_hold(without_length, 1000));
  // A frame that agrees with the claim: magic number, a length of eight bytes, an empty last block.
  std::string claims("\x28\xB5\x2F\xFD\xE0", 5);
  append_fixed(claims, std::uint64_t{1} << 30);
  claims += std::string("\x01\x00\x00", 3);
  REQUIRE(ZSTD_getFrameContentSize(claims.data(), claims.size()) == std::uint64_t{1} << 30);
  REQUIRE_FALSE(zstd::can_hold(claims, std::uint64_t{1} << 30));
}

TEST_CASE("the block that shrinks most can be read") {
  const std::string text(std::size_t{8} << 20, 'a');
  std::string packed;
  compression::zstd<19>::compressor compressor;
  REQUIRE(compressor.compress(text, packed));
  REQUIRE(compression::zstd<19>::can_hold(packed, text.size()));
  std::string payload;
  append_varint(payload, text.size());
  const auto block = sstable::decompress_block<compression::zstd<19>>({payload + packed, 1}, 0);
  REQUIRE(block->bytes() == text);
}
