// Writes a block table, from entries in order, in one pass.
//
// Memory: one data block, the index, a write buffer, and eight bytes a key for the filter. A value of a block or more
// is copied once, into the write buffer.
//
// Thread safety: one thread.
//
//   1. The file holds exactly what was flushed of `output_`; `file_bytes_ + output_.size()` is where the next byte
//   goes.
//   2. After a failure of the file or of memory every call gives that error again: a table is whole or worthless.
//   3. Between two blocks the separator is written only when the first key behind it is known.
#ifndef STRATA_SSTABLE_TABLE_BUILDER_HPP
#define STRATA_SSTABLE_TABLE_BUILDER_HPP

#include <optional>

#include <strata/core/hash.hpp>
#include <strata/sstable/block_index.hpp>
#include <strata/sstable/data_block.hpp>
#include <strata/sstable/filter.hpp>
#include <strata/sstable/removable_entries.hpp>
#include <strata/sstable/table_format.hpp>

namespace strata::inline STRATA_ABI::sstable {

// Movable. What add() and finish() promise stands in sstable/requirements.hpp.
template <typename Environment, typename Filter, typename Compression>
class table_builder {
 public:
  // Makes the file. errc: invalid_argument where block_bytes is not 1 KiB to 32 KiB, already_exists, out_of_memory, and
  // what the environment gives. After a crash at any time the file is there, in part or not at all.
  [[nodiscard]] STRATA_COLD static result<table_builder> create(const Environment& environment, const settings& wanted) {
    if (wanted.block_bytes < block_target_bytes_min || wanted.block_bytes > block_target_bytes_max)
      return error(errc::invalid_argument, "create table", "block_bytes is 1 KiB to 32 KiB").in_file(wanted.path);
    STRATA_TRY_BLOCK {
      STRATA_TRY_LET(file, environment.create_file(wanted.path));
      return table_builder(std::move(file), wanted);
    }
    STRATA_CATCH(const std::bad_alloc&) { return error(errc::out_of_memory, "create table").in_file(wanted.path); }
  }

  // Appends an entry. errc: invalid_argument where it is not behind the one before, its sequence is over the limit or its
  // expiry is cut, key_too_large, value_too_large (the table goes on without the entry); out_of_memory, and what the environment gives
  // (the table is lost). Cost: a copy; each block a checksum; each 128 KiB a write.
  [[nodiscard]] result<void> add(const entry& item) {
    STRATA_TRY(check(item));
    STRATA_TRY_BLOCK { return keep(append_entry(item)); }
    STRATA_CATCH(const std::bad_alloc&) { return out_of_memory(); }
  }

  // Adds a range tombstone; an empty range is dropped. errc: invalid_argument, key_too_large, out_of_memory.
  [[nodiscard]] result<void> add(const range_tombstone& erased) {
    STRATA_TRY(check_usable());
    if (erased.sequence > sequence_max) return refuse(errc::invalid_argument, "the sequence is over the limit");
    if (erased.begin.size() > internal_key_bytes_max || erased.end.size() > internal_key_bytes_max + 1)
      return refuse(errc::key_too_large, "a border of a range tombstone is over the limit");
    if (erased.begin >= erased.end) return {};
    STRATA_TRY_BLOCK {
      tombstones_.push_back(erased);
      tombstone_bytes_ += erased.begin.size() + erased.end.size() + 10;
      return {};
    }
    STRATA_CATCH(const std::bad_alloc&) { return out_of_memory(); }
  }

  // Of the file if it were finished now, roughly.
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return file_bytes_ + output_.size() + block_.bytes() + index_.bytes() + Filter::bytes(keys_) + tombstone_bytes_ +
           256;
  }

  // Writes the rest and syncs the file. Once; then the builder is of no use. errc: out_of_memory, and what the
  // environment gives. The name is durable only when the caller synced the directory.
  [[nodiscard]] STRATA_COLD result<facts> finish() {
    STRATA_TRY(check_usable());
    STRATA_TRY_BLOCK {
      result<facts> known = write_sections();
      failure_ = known.has_value() ? error(errc::closed, "add to table", "the table is finished") : known.error();
      return known;
    }
    STRATA_CATCH(const std::bad_alloc&) { return out_of_memory(); }
  }

 private:
  static constexpr std::size_t flush_bytes = 128 * 1024;

  STRATA_COLD table_builder(typename Environment::writable_file&& file, const settings& wanted)
      : file_(std::move(file)), settings_(wanted), block_(static_cast<std::size_t>(wanted.block_bytes)) {
    output_ = encode_table_header();
    known_.newest_time_us = wanted.newest_time_us;
  }

  [[nodiscard]] STRATA_COLD error refuse(errc code, const char* reason) const {
    return error(code, "add to table", reason).in_file(settings_.path);
  }
  [[nodiscard]] result<void> check_usable() const {
    if (failure_) [[unlikely]]
      return *failure_;
    return {};
  }
  [[nodiscard]] result<void> keep(result<void>&& status) {
    if (!status.has_value()) failure_ = status.error();
    return std::move(status);
  }
  [[nodiscard]] STRATA_COLD error out_of_memory() {
    failure_ = refuse(errc::out_of_memory, "no memory for a part of the table");
    return *failure_;
  }

  [[nodiscard]] result<void> check(const entry& item) const {
    STRATA_TRY(check_usable());
    if (item.key.size() > internal_key_bytes_max) return refuse(errc::key_too_large, "a key is over the limit");
    if (item.value.size() > value_bytes_max + sizeof(std::uint64_t))
      return refuse(errc::value_too_large, "a value is over the limit");
    if (item.sequence > sequence_max) return refuse(errc::invalid_argument, "the sequence is over the limit");
    if (!removable_entries::is_whole(item.kind, item.value.size()))
      return refuse(errc::invalid_argument, "a value with expiry is shorter than its expiry");
    if (known_.entries != 0 && compare_versions(last_key_, last_sequence_, item.key, item.sequence) >= 0)
      return refuse(errc::invalid_argument, "entries must come in order");
    return {};
  }

  [[nodiscard]] result<void> append_entry(const entry& item) {
    const bool new_key = known_.entries == 0 || last_key_ != item.key;
    if (new_key) {
      hash_ = hash64(item.key);
      if (Filter::needs_hashes) hashes_.push_back(hash_);
      ++keys_;
    }
    if (!block_.add(item, block_tag(hash_))) {
      STRATA_TRY(finish_block());
      const bool added = block_.add(item, block_tag(hash_));
      STRATA_ASSERT(added);
    }
    if (unfinished_separator_) add_separator(item);
    if (known_.entries == 0) known_.smallest = item.key;
    ++known_.entries;
    if (item.kind == value_kind::tombstone) ++known_.tombstones;
    removable_.count(new_key, item.kind, item.value);
    count_sequence(item.sequence);
    if (new_key) last_key_ = item.key;
    last_sequence_ = item.sequence;
    return block_.must_finish() ? finish_block() : result<void>();
  }

  void count_sequence(sequence_number sequence) noexcept {
    known_.lowest_sequence = any_sequence_ ? (std::min)(known_.lowest_sequence, sequence) : sequence;
    known_.highest_sequence = (std::max)(known_.highest_sequence, sequence);
    any_sequence_ = true;
  }

  // `next` is the first entry of a new block; last_key_ is the last of the one before.
  void add_separator(const entry& next) {
    const bool straddles = last_key_ == next.key;
    index_.add(straddles ? bytes_view(last_key_) : shortest_separator(last_key_, next.key),
               straddles ? last_sequence_ : 0, unfinished_bytes_);
    unfinished_separator_ = false;
  }

  [[nodiscard]] result<void> finish_block() {
    const std::size_t begin = output_.size();
    block_.finish(output_);
    std::uint8_t id = 0;
    if constexpr (Compression::id != 0) {
      const bytes_view block = bytes_view(output_).substr(begin);
      compressed_.clear();
      append_varint(compressed_, block.size());
      if (compressor_.compress(block, compressed_) && compressed_.size() < block.size()) {
        output_.resize(begin);
        output_.append(compressed_);
        id = compression_used_ = Compression::id;
      }
    }
    append_block_trailer(output_, begin, id, place_at(begin));
    unfinished_bytes_ = output_.size() - begin;
    unfinished_separator_ = true;
    return output_.size() >= flush_bytes ? flush() : result<void>();
  }

  [[nodiscard]] block_place place_at(std::size_t begin) const noexcept {
    return {settings_.store_id, settings_.number, file_bytes_ + begin};
  }

  [[nodiscard]] result<void> flush() {
    STRATA_TRY(file_.append(output_));
    file_bytes_ += output_.size();
    output_.clear();
    if (output_.capacity() > 16 * flush_bytes) {
      output_ = byte_string();
      compressed_ = byte_string();
    }
    return {};
  }

  // Ends a section that began at `begin` of the output, and returns its bytes in the file.
  [[nodiscard]] STRATA_COLD result<std::uint64_t> finish_section(std::size_t begin) {
    if (output_.size() == begin) return std::uint64_t{0};
    append_block_trailer(output_, begin, 0, place_at(begin));
    const std::uint64_t bytes = output_.size() - begin;
    STRATA_TRY(flush());
    return bytes;
  }

  [[nodiscard]] STRATA_COLD result<facts> write_sections() {
    if (!block_.empty()) STRATA_TRY(finish_block());
    if (unfinished_separator_) index_.add(last_key_, 0, unfinished_bytes_);
    if (index_.blocks() > 0xFFFFFFFF || index_.bytes() > 0xFFFFFFFF)
      return refuse(errc::unsupported, "a table has at most 4 GiB of index");
    STRATA_TRY(flush());
    const dynamic_array<range_tombstone> tombstones = range_tombstone_list(std::move(tombstones_)).tombstones();
    complete_facts(tombstones);
    table_footer footer;
    footer.store_id = settings_.store_id;
    footer.number = settings_.number;
    footer.data_bytes = file_bytes_ - table_header_bytes;
    if (!hashes_.empty()) Filter::append_to(output_, hashes_);
    STRATA_TRY_LET(filter_bytes, finish_section(0));
    footer.filter_bytes = filter_bytes;
    if (!tombstones.empty()) append_tombstones(output_, tombstones);
    STRATA_TRY_LET(tombstone_bytes, finish_section(0));
    footer.tombstone_bytes = tombstone_bytes;
    append_properties(output_, known_, compression_used_);
    STRATA_TRY_LET(property_bytes, finish_section(0));
    footer.property_bytes = property_bytes;
    index_.append_to(output_);
    STRATA_TRY_LET(index_bytes, finish_section(0));
    footer.index_bytes = index_bytes;
    output_ = encode_table_footer(footer);
    STRATA_TRY(flush());
    STRATA_TRY(file_.sync());
    STRATA_TRY(file_.close());
    known_.bytes = file_bytes_;
    return known_;
  }

  STRATA_COLD void complete_facts(const dynamic_array<range_tombstone>& tombstones) {
    if (known_.entries != 0) known_.limit = last_key_ + '\0';
    if (!tombstones.empty() && (known_.entries == 0 || tombstones.front().begin < known_.smallest))
      known_.smallest = tombstones.front().begin;
    for (const range_tombstone& erased : tombstones) {
      count_sequence(erased.sequence);
      if (known_.limit < erased.end) known_.limit = erased.end;
    }
    known_.range_tombstones = tombstones.size();
    removable_.complete(known_);
  }

  typename Environment::writable_file file_;
  settings settings_;
  block_writer block_;
  index_writer index_;
  [[no_unique_address]] typename Compression::compressor compressor_;
  byte_string output_;
  byte_string compressed_;
  std::uint64_t file_bytes_ = 0;  // what was written
  dynamic_array<std::uint64_t> hashes_;
  std::uint64_t keys_ = 0;
  dynamic_array<range_tombstone> tombstones_;
  std::uint64_t tombstone_bytes_ = 0;
  facts known_;
  removable_entries removable_;
  byte_string last_key_;
  sequence_number last_sequence_ = 0;
  std::uint64_t hash_ = 0;  // of last_key_
  std::uint64_t unfinished_bytes_ = 0;
  bool unfinished_separator_ = false;  // the last block is not in the index yet
  bool any_sequence_ = false;
  std::uint8_t compression_used_ = 0;
  std::optional<error> failure_;
};

}  // namespace strata::inline STRATA_ABI::sstable

#endif
