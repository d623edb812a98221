// A whole table file: opened, verified, walked both ways and looked up in.
//
//   - It opens, or the error is one that open() lists, with the file. What is open takes memory in proportion to the file.
//   - A walk ends, forwards and backwards, cached or not, with no more entries than bytes; the walks are each other's
//     mirror images where no block is damaged.
//   - What verify() passes: entries in order, as many and of such sequences as the facts say; each version is found by get
//     at every sequence that sees it and by seek; and a table that is built of the same entries has the same facts.
#include "mend_table.hpp"
#include "world.hpp"

#include <strata/sstable/block_table.hpp>

namespace {

using namespace strata_fuzz;
using policy = strata::sstable::block_table<>;
using table = policy::table<world>;
using cache = policy::cache<world>;

const strata::sstable::settings here{"table", 3, store_id, 1024, 0};

using failures = std::initializer_list<errc>;

struct walk {
  std::vector<owned_entry> entries;
  strata::result<void> status;
};

owned_entry copy_of(const strata::entry& e) { return {byte_string(e.key), byte_string(e.value), e.sequence, e.kind}; }
bool same(const owned_entry& a, const owned_entry& b) {
  return a.key == b.key && a.value == b.value && a.sequence == b.sequence && a.kind == b.kind;
}
bool same(const std::vector<owned_entry>& a, const std::vector<owned_entry>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same(a[i], b[i])) return false;
  return true;
}

bool is_among(const owned_entry& wanted, const std::vector<owned_entry>& all) {
  for (const owned_entry& each : all)
    if (same(each, wanted)) return true;
  return false;
}

walk walk_forwards(const table& open, strata::sstable::usage use) {
  walk done;
  table::cursor c(open, use);
  for (c.seek_first(); c.valid(); c.next()) {
    done.entries.push_back(copy_of(c.current()));
    FUZZ_CLAIM(done.entries.size() <= open.facts().bytes);
  }
  done.status = c.status();
  return done;
}
walk walk_backwards(const table& open, strata::sstable::usage use) {
  walk done;
  table::cursor c(open, use);
  for (c.seek_last(); c.valid(); c.prev()) {
    done.entries.insert(done.entries.begin(), copy_of(c.current()));
    FUZZ_CLAIM(done.entries.size() <= open.facts().bytes);
  }
  done.status = c.status();
  return done;
}

// Whatever the order of the entries: look-ups end, and what is found is one of those that a walk meets, and of the key.
void look_up_anything(const table& open, const walk& forwards) {
  table::lookup found;
  table::cursor c(open, strata::sstable::usage::scan);
  for (const owned_entry& item : forwards.entries) {
    for (const std::uint64_t at : {item.sequence, std::uint64_t{0}, strata::sequence_max}) {
      auto there = open.get(item.key, strata::hash64(item.key), at, found);
      if (!there.has_value()) {
        FUZZ_EXPECT(there.error(), failures{errc::corruption, errc::unsupported}, place::file_and_offset, here.path);
      } else if (*there) {
        FUZZ_CLAIM(found.found().key == item.key && found.found().sequence <= at);
        if (forwards.status.has_value()) FUZZ_CLAIM(is_among(copy_of(found.found()), forwards.entries));
      }
      c.seek(item.key, at);
      if (c.valid()) FUZZ_CLAIM(c.current().key.size() <= strata::internal_key_bytes_max);
    }
  }
}

void check_found(const table& open, const std::vector<owned_entry>& entries) {
  table::lookup found;
  table::cursor c(open, strata::sstable::usage::scan);
  const auto get = [&](const owned_entry& item, std::uint64_t at) {
    auto there = open.get(item.key, strata::hash64(item.key), at, found);
    FUZZ_OK(there);
    return *there;
  };
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const owned_entry& item = entries[i];
    const bool newest = i == 0 || entries[i - 1].key != item.key;
    const bool oldest = i + 1 == entries.size() || entries[i + 1].key != item.key;
    const std::uint64_t until = newest ? strata::sequence_max : entries[i - 1].sequence - 1;
    for (const std::uint64_t at : {item.sequence, until, item.sequence + (until - item.sequence) / 2}) {
      FUZZ_CLAIM(get(item, at));
      FUZZ_CLAIM(same(copy_of(found.found()), item));
      c.seek(item.key, at);
      FUZZ_CLAIM(c.valid() && same(copy_of(c.current()), item));
    }
    if (oldest && item.sequence != 0) FUZZ_CLAIM(!get(item, item.sequence - 1));
    c.seek(item.key, 0);
    if (oldest && item.sequence != 0) FUZZ_CLAIM(c.valid() == (i + 1 != entries.size()));
  }
}

void check_rebuilt(const table& open, const std::vector<owned_entry>& entries) {
  const world files;
  strata::sstable::settings settings = here;
  settings.newest_time_us = open.facts().newest_time_us;
  auto builder = policy::builder<world>::create(files, settings);
  FUZZ_OK(builder);
  for (const owned_entry& item : entries) FUZZ_OK(builder->add(strata::entry{item.key, item.value, item.sequence, item.kind}));
  for (const strata::range_tombstone& erased : open.range_tombstones().tombstones()) FUZZ_OK(builder->add(erased));
  auto facts = builder->finish();
  FUZZ_OK(facts);
  cache blocks(files, 0);
  auto again = table::open(files, settings, blocks);
  FUZZ_OK(again);
  FUZZ_OK((*again)->verify());
  FUZZ_CLAIM((*again)->facts() == *facts);
  facts->bytes = open.facts().bytes;
  FUZZ_CLAIM(*facts == open.facts());
}

void check_verified(const table& open, const walk& forwards) {
  FUZZ_OK(forwards.status);
  const strata::sstable::facts& known = open.facts();
  FUZZ_CLAIM(forwards.entries.size() == known.entries);
  for (std::size_t i = 0; i < forwards.entries.size(); ++i) {
    const owned_entry& item = forwards.entries[i];
    FUZZ_CLAIM(item.sequence >= known.lowest_sequence && item.sequence <= known.highest_sequence);
    FUZZ_CLAIM(item.key >= known.smallest && item.key < known.limit);
    if (i == 0) continue;
    const owned_entry& before = forwards.entries[i - 1];
    FUZZ_CLAIM(strata::compare_versions(before.key, before.sequence, item.key, item.sequence) < 0);
  }
  check_found(open, forwards.entries);
  check_rebuilt(open, forwards.entries);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const world files;
  put_file(files, here.path, view_of(data, size));
  cache blocks(files, 16 << 10);
  auto opened = table::open(files, here, blocks);
  if (!opened.has_value()) {
    FUZZ_EXPECT(opened.error(), failures{errc::not_a_store, errc::unsupported_version, errc::unsupported, errc::corruption},
                place::file_and_offset, here.path);
    return 0;
  }
  const table& open = **opened;
  FUZZ_CLAIM(open.facts().bytes == size && open.memory_bytes() <= 64 * size + 4096);

  const walk forwards = walk_forwards(open, strata::sstable::usage::scan);
  const walk backwards = walk_backwards(open, strata::sstable::usage::scan);
  const walk once = walk_forwards(open, strata::sstable::usage::once);
  const walk once_back = walk_backwards(open, strata::sstable::usage::once);
  for (const walk* each : {&forwards, &backwards, &once, &once_back})
    if (!each->status.has_value())
      FUZZ_EXPECT(each->status.error(), failures{errc::corruption, errc::unsupported}, place::file_and_offset, here.path);
  FUZZ_CLAIM(forwards.status.has_value() == backwards.status.has_value());
  FUZZ_CLAIM(forwards.status.has_value() == once.status.has_value() && same(forwards.entries, once.entries));
  FUZZ_CLAIM(backwards.status.has_value() == once_back.status.has_value() && same(backwards.entries, once_back.entries));
  if (forwards.status.has_value()) FUZZ_CLAIM(same(forwards.entries, backwards.entries));

  const auto verified = open.verify();
  if (verified.has_value()) {
    check_verified(open, forwards);
  } else {
    FUZZ_EXPECT(verified.error(), failures{errc::corruption, errc::unsupported}, place::file_and_offset, here.path);
    look_up_anything(open, forwards);
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max, unsigned seed) {
  dice chance(seed);
  return give(mutate_table(view_of(data, size), here.number, chance, size_max), data, size_max);
}
