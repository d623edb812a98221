// An open block table.
//
// A get asks the filter (one cache line), searches the index, pins one block (an array load and one atomic addition
// where it is in the cache) and compares tags.
//
// Thread safety: all const members from any thread; a lookup belongs to one thread. Lookups and cursors are gone before
// their table, tables before their cache.
//
//   1. `slots_` has one slot for each block of the index; only the cache changes them.
//   2. A block is in the cache only if its checksum and its structure were checked.
#ifndef STRATA_SSTABLE_TABLE_READER_HPP
#define STRATA_SSTABLE_TABLE_READER_HPP

#include <strata/sstable/block_cache.hpp>
#include <strata/sstable/table_contents.hpp>
#include <strata/sstable/table_verification.hpp>

namespace strata::inline STRATA_ABI::sstable {

template <typename Environment, typename Compression>
class table_cursor;

// What a get found: holds its block. Movable, and empty by default.
class table_lookup {
 public:
  // The entry, valid until the lookup is used again, moved from or destroyed; its key is the one that was asked for, and lives
  // as long as that. Requires: the last get returned true.
  [[nodiscard]] entry found() const noexcept { return {key_, value_, sequence_, kind_}; }

 private:
  template <typename Environment, typename Compression>
  friend class table_reader;

  pinned_block block_;
  bytes_view key_;
  bytes_view value_;
  sequence_number sequence_ = 0;
  value_kind kind_ = value_kind::value;
};

template <typename Environment, typename Compression>
class table_reader {
 public:
  using lookup = table_lookup;
  using cursor = table_cursor<Environment, Compression>;
  using file_type = typename Environment::readable_file;

  // Reads and checks all but the data blocks; `shared` outlives the table. errc: no_such_file, not_a_store,
  // unsupported_version, unsupported (blocks compressed with what this table type has not), corruption, out_of_memory,
  // and what the environment gives. Cost: index and filter are read; about 20 ns a data block.
  [[nodiscard]] STRATA_COLD static result<std::unique_ptr<table_reader>> open(const Environment& environment,
                                                                  const settings& wanted,
                                                                  block_cache<Environment>& shared) {
    STRATA_TRY_BLOCK {
      STRATA_TRY_LET(file, environment.open_readable(wanted.path));
      auto made = std::make_unique<table_reader>(token(), std::move(file), wanted, shared);
      table_contents& contents = made->contents_;
      STRATA_TRY(load_table_contents(made->file_, wanted, contents));
      if (contents.compression != 0 && contents.compression != Compression::id)
        return error(errc::unsupported, "open table",
                     contents.compression == 1 ? "compressed with zstd: add compression::zstd to the block_table"
                                               : "compressed with a method that this block_table has not")
            .in_file(wanted.path);
      made->slots_ = std::make_unique<cache_slot[]>(contents.index.blocks());
      return made;
    }
    STRATA_CATCH(const std::bad_alloc&) { return error(errc::out_of_memory, "open table").in_file(wanted.path); }
  }

  STRATA_COLD ~table_reader() {
    if (slots_) cache_->remove(slots_.get(), contents_.index.blocks());
  }
  table_reader(const table_reader&) = delete;
  table_reader& operator=(const table_reader&) = delete;

  [[nodiscard]] const sstable::facts& facts() const noexcept { return contents_.known; }
  [[nodiscard]] const range_tombstone_list& range_tombstones() const noexcept { return contents_.tombstones; }

  // Brings the line of the filter near that get() will ask first. No effect that can be seen.
  void prefetch(std::uint64_t hash) const noexcept { contents_.filter.prefetch(hash); }

  // The newest version of `key` with sequence ≤ `at`, of any kind, into `to`; false where there is none. `hash` is
  // hash64(key). errc: corruption (with file and offset), unsupported, out_of_memory, and what the environment gives;
  // `to` is then without an entry. Cost: at most one read of a block.
  [[nodiscard]] result<bool> get(bytes_view key, std::uint64_t hash, sequence_number at, lookup& to) const {
    if (!contents_.filter.may_contain(hash)) return false;
    const std::size_t number = contents_.index.find(key, at);
    if (number == contents_.index.blocks()) return false;
    STRATA_TRY(pin(number, cache_use::touch, to.block_));
    const block_view block(to.block_.bytes());
    const std::size_t i = block.find(key, block_tag(hash), at);
    if (i == block.count()) {
      to.block_.release();
      return false;
    }
    to.key_ = key;
    to.value_ = block.value(i);
    to.sequence_ = block.sequence(i);
    to.kind_ = block.kind(i);
    return true;
  }

  // Pinned by the open table: index, filter, range tombstones, slots. Not the cached blocks.
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept {
    return contents_.memory_bytes() + contents_.index.blocks() * sizeof(cache_slot);
  }

  // Reads the whole file again, past the cache, and checks all that can be checked: checksums, structure, order,
  // counts, bounds, tags, separators, and that the filter lets every key pass. errc: corruption (with file and offset),
  // and those of open(). Memory: what an open table takes once more, and 256 KiB.
  [[nodiscard]] STRATA_COLD result<void> verify() const {
    STRATA_TRY_BLOCK { return verify_table<Compression>(file_, settings_); }
    STRATA_CATCH(const std::bad_alloc&) { return error(errc::out_of_memory, "verify table").in_file(settings_.path); }
  }

 private:
  friend cursor;
  struct token {};

 public:
  // For open().
  STRATA_COLD table_reader(token, file_type&& file, const settings& wanted, block_cache<Environment>& shared)
      : file_(std::move(file)), settings_(wanted), cache_(&shared) {}

 private:
  // Pins a block, from the cache or else from the file. On an error `to` is empty.
  [[nodiscard]] result<void> pin(std::size_t number, cache_use use, pinned_block& to) const {
    to.release();
    cache_slot& slot = slots_[number];
    if (slot.try_pin(use)) [[likely]] {
      to.hold(slot);
      prefetch_head(slot);
      cache_->count_hit();
      return {};
    }
    return read_and_pin(number, slot, to);
  }

  // A look-up soon asks for all of what stands before the entries: some 240 bytes of a block of 4 KiB. Asked for
  // together, the lines cost one wait, not four.
  static void prefetch_head(const cache_slot& slot) noexcept {
    const char* const head = slot.memory.address();
    for (std::size_t line = 0; line < 4; ++line) __builtin_prefetch(head + 64 * line);
  }

  STRATA_NOINLINE result<void> read_and_pin(std::size_t number, cache_slot& slot, pinned_block& to) const {
    STRATA_TRY_BLOCK {
      STRATA_TRY_LET(block, read(number));
      cache_->insert(slot, std::move(block), to);
      return {};
    }
    STRATA_CATCH(const std::bad_alloc&) { return error(errc::out_of_memory, "read block").in_file(settings_.path); }
  }

  // Reads and checks one block. What is stored as it is needs no second buffer: its trailer becomes the padding.
  [[nodiscard]] result<block_buffer> read(std::size_t number) const {
    const std::uint64_t offset = contents_.index.offset(number);
    const std::uint64_t bytes = contents_.index.stored_bytes(number);
    STRATA_TRY_LET(block, block_buffer::allocate(bytes));
    STRATA_TRY(read_exactly(file_, settings_.path, offset, block.data(), bytes));
    block.set_length(bytes);
    auto payload = open_stored_block(block.bytes(), {settings_.store_id, settings_.number, offset});
    if (!payload.has_value()) return std::move(payload).error().in_file(settings_.path);
    if (payload->compression == 0) {
      block.set_length(payload->bytes.size());
    } else {
      auto decompressed = decompress_block<Compression>(*payload, offset);
      if (!decompressed.has_value()) return std::move(decompressed).error().in_file(settings_.path);
      block = std::move(*decompressed);
    }
    if (const char* flaw = block_view::find_flaw(block.bytes()))
      return error(errc::corruption, "read block", flaw).in_file(settings_.path).at_offset(offset);
    return std::move(block);
  }

  file_type file_;
  table_contents contents_;
  settings settings_;
  block_cache<Environment>* cache_;
  std::unique_ptr<cache_slot[]> slots_;
};

}  // namespace strata::inline STRATA_ABI::sstable

#endif
