// A data block in memory, as a table's checksum lets it through.
//
//   - Bytes that find_flaw passes are read without leaving them, by every way into a view.
//   - Their entries are in bounds, of known kinds and sequences.
//   - Where they are in order and tagged, each is found by its key, and written again they are the same entries.
#include "mend_table.hpp"

namespace {

using namespace strata_fuzz;
using strata::sstable::block_view;

void check_entries(const block_view& view, bytes_view block) {
  for (std::size_t i = 0; i < view.count(); ++i) {
    const bytes_view suffix = view.suffix(i);
    const bytes_view value = view.value(i);
    FUZZ_CLAIM(suffix.data() >= block.data() && value.data() == suffix.data() + suffix.size());
    FUZZ_CLAIM(value.data() + value.size() <= block.data() + block.size());
    FUZZ_CLAIM(view.prefix().size() + suffix.size() <= strata::internal_key_bytes_max);
    FUZZ_CLAIM(view.sequence(i) <= strata::sequence_max);
    FUZZ_CLAIM(view.kind(i) >= strata::value_kind::value && view.kind(i) <= strata::value_kind::merge_operand);
  }
}

bool in_order(const std::vector<owned_entry>& entries) {
  for (std::size_t i = 1; i < entries.size(); ++i)
    if (strata::compare_versions(entries[i - 1].key, entries[i - 1].sequence, entries[i].key, entries[i].sequence) >= 0) return false;
  return true;
}

// Whatever the order: a look-up ends, and what it finds is what was asked for.
void check_lookups(const block_view& view, const std::vector<owned_entry>& entries, bool ordered) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const owned_entry& item = entries[i];
    const std::size_t found = view.find(item.key, view.tag(i), item.sequence);
    FUZZ_CLAIM(found < view.count() && entries[found].key == item.key && entries[found].sequence <= item.sequence);
    FUZZ_CLAIM(view.lower_bound(item.key, item.sequence) <= view.count());
    static_cast<void>(view.find(item.key + 'x', view.tag(i), strata::sequence_max));
    static_cast<void>(view.find(bytes_view(item.key).substr(0, item.key.size() / 2), view.tag(i), strata::sequence_max));
    static_cast<void>(view.lower_bound(item.key + '\0', 0));
    if (!ordered) continue;
    FUZZ_CLAIM(found == i);
    FUZZ_CLAIM(view.lower_bound(item.key, item.sequence) == i);
    FUZZ_CLAIM(view.lower_bound(item.key + '\0', strata::sequence_max) > i);
  }
}

void check_written_again(const std::vector<owned_entry>& entries) {
  const byte_string block = block_of(entries);
  const std::vector<owned_entry> again = entries_of(block);  // none where it has a flaw
  FUZZ_CLAIM(!again.empty() && again.size() <= entries.size());
  for (std::size_t i = 0; i < again.size(); ++i)
    FUZZ_CLAIM(again[i].key == entries[i].key && again[i].value == entries[i].value &&
               again[i].sequence == entries[i].sequence && again[i].kind == entries[i].kind);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const exact_bytes block(view_of(data, size), strata::sstable::block_padding_bytes);
  if (block_view::find_flaw(block.view()) != nullptr) return 0;
  const block_view view(block.view());
  FUZZ_CLAIM(view.count() != 0);
  check_entries(view, block.view());
  const std::vector<owned_entry> entries = entries_of(block.view());
  FUZZ_CLAIM(entries.size() == view.count());
  const bool ordered = in_order(entries);
  check_lookups(view, entries, ordered);
  if (ordered) check_written_again(entries);
  return 0;
}
