// A segment of the log, replayed and gone on with.
//
//   - Replay gives records or an error of those that it lists, and changes nothing; the same bytes give the same.
//   - Records lie in the file one behind the other, and none behind the end.
//   - What is replayed is what a file holds that ends there: the tail adds nothing.
//   - A segment that is not sealed can be gone on with: then it holds what it held and what was appended.
#include "mend.hpp"
#include "world.hpp"

#include <strata/wal/segmented.hpp>

namespace {

using namespace strata_fuzz;
using segmented = strata::wal::segmented;

const strata::wal::segment here{"log", 7, store_id, 0};

struct replayed {
  std::vector<byte_string> payloads;
  std::vector<std::uint64_t> offsets;
  strata::wal::tail tail;
  bool operator==(const replayed& other) const {
    return payloads == other.payloads && offsets == other.offsets && tail.end == other.tail.end &&
           tail.promised == other.tail.promised && tail.settled == other.tail.settled && tail.sealed == other.tail.sealed &&
           tail.torn == other.tail.torn && tail.chain == other.tail.chain;
  }
};

strata::result<replayed> replay(const world& files) {
  replayed all;
  STRATA_TRY_LET(tail, segmented::replay(files, here, [&](bytes_view payload, std::uint64_t offset) -> strata::result<void> {
                   all.payloads.emplace_back(payload);
                   all.offsets.push_back(offset);
                   return {};
                 }));
  all.tail = tail;
  return all;
}

// The bytes between records are records without payload, whole ones.
void check_places(const replayed& all, std::uint64_t file_bytes) {
  FUZZ_CLAIM(all.tail.file_bytes == file_bytes && all.tail.end <= file_bytes && all.tail.end % 8 == 0);
  FUZZ_CLAIM(all.tail.promised <= all.tail.end || all.tail.end == 0);
  std::uint64_t end = strata::record_file_header_bytes;
  for (std::size_t i = 0; i < all.payloads.size(); ++i) {
    FUZZ_CLAIM(!all.payloads[i].empty());
    FUZZ_CLAIM(all.offsets[i] >= end && (all.offsets[i] - end) % strata::record_bytes(0) == 0);
    end = all.offsets[i] + strata::record_bytes(all.payloads[i].size());
  }
  FUZZ_CLAIM(all.payloads.empty() || end <= all.tail.end);
}

void check_without_tail(const replayed& all, bytes_view file) {
  if (all.tail.end == 0) return;
  const world files;
  put_file(files, here.path, file.substr(0, static_cast<std::size_t>(all.tail.end)));
  auto again = replay(files);
  FUZZ_OK(again);
  FUZZ_CLAIM(again->payloads == all.payloads && again->offsets == all.offsets && !again->tail.torn);
  // A promise at the end is written over, so what is before it may end in another one.
  FUZZ_CLAIM(again->tail.end <= all.tail.end && again->tail.sealed == all.tail.sealed);
}

void check_going_on(const world& files, replayed all) {
  auto writer = segmented::writer<world>::reopen(files, here, all.tail);
  if (all.tail.sealed) {
    FUZZ_CLAIM(!writer.has_value());
    return FUZZ_EXPECT(writer.error(), {errc::invalid_argument}, place::file, here.path);
  }
  FUZZ_OK(writer);
  FUZZ_CLAIM(writer->bytes() >= all.tail.end);
  FUZZ_OK(writer->append("more"));
  FUZZ_OK(writer->sync());
  FUZZ_CLAIM(writer->synced_bytes() == writer->bytes());
  FUZZ_OK(writer->append(byte_string(70'000, 'x')));
  FUZZ_OK(writer->close());
  auto again = replay(files);
  FUZZ_OK(again);
  all.payloads.emplace_back("more");
  all.payloads.emplace_back(70'000, 'x');
  FUZZ_CLAIM(again->payloads == all.payloads);
  FUZZ_CLAIM(again->tail.settled && again->tail.ends_in_promise && !again->tail.torn && !again->tail.sealed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view file = view_of(data, size);
  const world files;
  put_file(files, here.path, file);
  auto first = replay(files);
  FUZZ_CLAIM(get_file(files, here.path) == file);
  if (!first.has_value()) {
    FUZZ_EXPECT(first.error(), {errc::corruption, errc::unsupported_version}, place::file_and_offset, here.path);
    auto second = replay(files);
    FUZZ_CLAIM(!second.has_value() && second.error().message() == first.error().message());
    return 0;
  }
  auto second = replay(files);
  FUZZ_OK(second);
  FUZZ_CLAIM(*first == *second);
  check_places(*first, size);
  check_without_tail(*first, file);
  check_going_on(files, std::move(*first));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max, unsigned seed) {
  dice chance(seed);
  record_file parts;
  if (!mends(chance) || !parts.take_apart(view_of(data, size))) return LLVMFuzzerMutate(data, size, size_max);
  parts.mutate_part(chance, size_max);
  if (chance.one_in(16)) parts.version = static_cast<std::uint32_t>(chance.below(4));
  byte_string made = parts.put_together(segmented::magic, here.number);
  // As a power cut and a bad sector leave it.
  if (chance.one_in(8)) made.resize(chance.below(made.size() + 1));
  if (chance.one_in(8) && !made.empty()) made[chance.below(made.size())] ^= static_cast<char>(1 << chance.below(8));
  return give(made, data, size_max);
}
