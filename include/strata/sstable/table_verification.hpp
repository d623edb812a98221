// Reads a whole table and holds it to everything it says of itself.
//
// Thread safety: as a pure function of the file.
#ifndef STRATA_SSTABLE_TABLE_VERIFICATION_HPP
#define STRATA_SSTABLE_TABLE_VERIFICATION_HPP

#include <strata/core/hash.hpp>
#include <strata/sstable/removable_entries.hpp>
#include <strata/sstable/table_contents.hpp>

namespace strata::inline STRATA_ABI::sstable {

// What was seen of the entries so far, in order.
class table_verification {
 public:
  explicit table_verification(const table_contents& contents) : contents_(contents) {
    for (const range_tombstone_list::fragment& piece : contents.tombstones.fragments())
      for (const sequence_number sequence : piece.sequences) count_sequence(sequence);
  }

  // Takes the next data block; what is wrong with it, or null.
  [[nodiscard]] STRATA_COLD const char* add_block(std::size_t number, const block_view& block) {
    for (std::size_t i = 0; i < block.count(); ++i)
      if (const char* flaw = add_entry(number, block, i)) return flaw;
    if (contents_.index.compare_separator(number, last_key_, last_sequence_) < 0)
      return "a separator of the index is before its block's last key";
    return nullptr;
  }

  // After the last block: whether the facts are what was seen; what is wrong, or null.
  [[nodiscard]] STRATA_COLD const char* finish() const {
    const facts& known = contents_.known;
    if (entries_ != known.entries || tombstones_ != known.tombstones) return "the table has another number of entries";
    if (lowest_ != known.lowest_sequence || highest_ != known.highest_sequence)
      return "the sequences differ from the facts";
    facts seen;
    removable_.complete(seen);
    if (seen.hidden_versions != known.hidden_versions) return "the table has another number of hidden versions";
    if (seen.earliest_expiry_us != known.earliest_expiry_us || seen.median_expiry_us != known.median_expiry_us)
      return "the expiries differ from the facts";
    byte_string smallest = first_key_;
    byte_string limit = entries_ == 0 ? byte_string() : last_key_ + '\0';
    const auto& fragments = contents_.tombstones.fragments();
    if (!fragments.empty()) {
      if (entries_ == 0 || fragments.front().begin < smallest) smallest = fragments.front().begin;
      if (limit < fragments.back().end) limit = fragments.back().end;
    }
    if (smallest != known.smallest || limit != known.limit) return "the bounds differ from the facts";
    return nullptr;
  }

 private:
  [[nodiscard]] const char* add_entry(std::size_t number, const block_view& block, std::size_t i) {
    key_.assign(block.prefix());
    key_.append(block.suffix(i));
    const sequence_number sequence = block.sequence(i);
    const bool new_key = entries_ == 0 || last_key_ != key_;
    if (entries_ == 0) {
      first_key_ = key_;
    } else if (compare_versions(last_key_, last_sequence_, key_, sequence) >= 0) {
      return "entries are out of order";
    }
    if (i == 0 && number != 0 && contents_.index.compare_separator(number - 1, key_, sequence) >= 0)
      return "a separator of the index is not before the next block's first key";
    // A look-up takes the first block whose separator is not before what it wants: versions of a key that go on behind a
    // separator are found only where that is the last one before it.
    if (i == 0 && number != 0 && contents_.index.compare_separator(number - 1, key_, sequence_max) >= 0 &&
        contents_.index.compare_separator(number - 1, last_key_, last_sequence_) != 0)
      return "a separator of the index hides versions of the next block's first key";
    const std::uint64_t hash = hash64(key_);
    if (block.tag(i) != block_tag(hash)) return "an entry has the tag of another key";
    if (!contents_.filter.may_contain(hash)) return "the filter denies a key";
    ++entries_;
    if (block.kind(i) == value_kind::tombstone) ++tombstones_;
    removable_.count(new_key, block.kind(i), block.value(i));
    count_sequence(sequence);
    last_key_.swap(key_);
    last_sequence_ = sequence;
    return nullptr;
  }

  void count_sequence(sequence_number sequence) noexcept {
    lowest_ = any_sequence_ ? (std::min)(lowest_, sequence) : sequence;
    highest_ = (std::max)(highest_, sequence);
    any_sequence_ = true;
  }

  const table_contents& contents_;
  byte_string key_;
  byte_string first_key_;
  byte_string last_key_;
  sequence_number last_sequence_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t tombstones_ = 0;
  removable_entries removable_;
  sequence_number lowest_ = 0;
  sequence_number highest_ = 0;
  bool any_sequence_ = false;
};

// errc: corruption (with file and offset), those of load_table_contents(), unsupported. May throw std::bad_alloc where
// exceptions exist.
template <typename Compression, typename File>
[[nodiscard]] STRATA_COLD result<void> verify_table(const File& file, const settings& wanted) {
  table_contents contents;
  STRATA_TRY(load_table_contents(file, wanted, contents));
  const auto corrupt = [&](const char* flaw, std::uint64_t offset) {
    return error(errc::corruption, "verify table", flaw).in_file(wanted.path).at_offset(offset);
  };
  block_stream<File, Compression> stream(file, contents.index, wanted);
  table_verification seen(contents);
  for (std::size_t number = 0; number < contents.index.blocks(); ++number) {
    STRATA_TRY_LET(block, stream.block(number));
    if (const char* flaw = seen.add_block(number, block_view(block)))
      return corrupt(flaw, contents.index.offset(number));
  }
  if (const char* flaw = seen.finish()) return corrupt(flaw, file.size());
  return {};
}

}  // namespace strata::inline STRATA_ABI::sstable

#endif
