// A stored filter, and filters that are built.
//
//   - Bytes are a filter, or an error of those that load() lists; a filter is asked without leaving its memory.
//   - A filter denies none of the keys that it was built of, whatever its bits a key.
#include "mend_table.hpp"

#include <cstring>

namespace {

using namespace strata_fuzz;
using strata::sstable::key_filter;

constexpr strata::sstable::block_place here{store_id, 5, 4096};

strata::result<key_filter> load(bytes_view stored) {
  const std::size_t lines = (stored.size() + strata::sstable::filter_line_bytes - 1) / strata::sstable::filter_line_bytes;
  auto memory = std::make_unique<key_filter::line[]>((std::max)(lines, std::size_t{1}));
  if (!stored.empty()) std::memcpy(memory[0].bytes, stored.data(), stored.size());
  key_filter filter;
  STRATA_TRY(filter.load(std::move(memory), stored.size(), here));
  return filter;
}

// The input as numbers: hashes to ask for, and to build of.
strata::dynamic_array<std::uint64_t> hashes_in(bytes_view bytes) {
  strata::dynamic_array<std::uint64_t> hashes({0, UINT64_MAX, 0xFFFFFFFF, 0xFFFFFFFF00000000});
  for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) hashes.push_back(strata::load_fixed<std::uint64_t>(bytes.data() + at));
  return hashes;
}

template <unsigned Bits>
void check_built(const strata::dynamic_array<std::uint64_t>& hashes) {
  using built = strata::filter::blocked_bloom<Bits>;
  byte_string stored;
  built::append_to(stored, hashes);
  FUZZ_CLAIM(stored.size() == built::bytes(hashes.size()));
  strata::sstable::append_block_trailer(stored, 0, 0, here);
  auto filter = load(stored);
  FUZZ_OK(filter);
  for (const std::uint64_t hash : hashes) {
    filter->prefetch(hash);
    FUZZ_CLAIM(filter->may_contain(hash));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view stored = view_of(data, size);
  const auto hashes = hashes_in(stored);
  auto filter = load(stored);
  if (filter.has_value()) {
    std::size_t passed = 0;
    for (const std::uint64_t hash : hashes) passed += filter->may_contain(hash) ? 1 : 0;
    FUZZ_CLAIM(filter->memory_bytes() == size && passed <= hashes.size());
  } else {
    FUZZ_EXPECT(filter.error(), {errc::corruption, errc::unsupported_version});
    FUZZ_CLAIM(filter.error().has_offset() && filter.error().offset() == here.offset);
  }
  check_built<1>(hashes);
  check_built<10>(hashes);
  check_built<40>(hashes);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max, unsigned seed) {
  dice chance(seed);
  size = LLVMFuzzerMutate(data, size, size_max);
  if (!mends(chance) || size < strata::sstable::block_trailer_bytes) return size;
  byte_string stored(view_of(data, size - sizeof(std::uint32_t)));
  using namespace strata::sstable;
  // Usually as long as a filter can be, and of the kind that there is.
  if (!chance.one_in(4)) {
    stored.resize((stored.size() + filter_line_bytes - 1) / filter_line_bytes * filter_line_bytes);
    stored.push_back(static_cast<char>(chance.below(filter_probes_max + 2)));
    stored.push_back(static_cast<char>(chance.one_in(8) ? chance.below(256) : filter_kind_blocked_bloom));
    stored.push_back('\0');
  }
  strata::append_fixed(stored, block_checksum(stored, here));
  return give(stored, data, size_max);
}
