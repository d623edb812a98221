// Walks over the entries of a block table, both ways.
//
// Inside a block a step is a pointer bump and a copy of the key's suffix behind the prefix that the block's keys share;
// no call is virtual. One block is held at a time.
//
// Thread safety: one thread. The table outlives the cursor.
//
//   1. Valid means: `block_` is block `number_`, `i_` an entry of it, whose key is in `key_` and value in the block.
//   2. The first `block_.prefix().size()` bytes of `key_` are the prefix of `block_`.
//   3. A cursor with an error in `failure_` is not valid, until it is sought again.
#ifndef STRATA_SSTABLE_TABLE_CURSOR_HPP
#define STRATA_SSTABLE_TABLE_CURSOR_HPP

#include <optional>

#include <strata/sstable/table_reader.hpp>

namespace strata::inline STRATA_ABI::sstable {

// Movable; a cursor that was moved from may only be assigned to or destroyed.
template <typename Environment, typename Compression>
class table_cursor {
 public:
  using table = table_reader<Environment, Compression>;

  // `scan` fills the cache; `once` passes it by and reads 256 KiB at a time.
  table_cursor(const table& over, usage use) : table_(&over) {
    if (use == usage::once) stream_.emplace(over.file_, over.contents_.index, over.settings_);
  }

  [[nodiscard]] bool valid() const noexcept { return valid_; }
  // Requires: valid(). The views live until the cursor moves.
  [[nodiscard]] entry current() const noexcept {
    return {{key_.get(), key_length_}, {value_, value_length_}, block_.sequence(i_), block_.kind(i_)};
  }
  // The error that ended the walk; its codes are those of table_reader::get.
  [[nodiscard]] result<void> status() const {
    if (failure_) return *failure_;
    return {};
  }

  void seek_first() {
    if (enter(0, cache_use::touch)) settle(0);
  }
  void seek_last() {
    const std::size_t blocks = table_->contents_.index.blocks();
    if (enter(blocks == 0 ? 0 : blocks - 1, cache_use::touch)) settle(block_.count() - 1);
  }

  // To the first entry not before (key, sequence). Cost: at most one read, rarely two.
  void seek(bytes_view key, sequence_number sequence) {
    if (!enter(table_->contents_.index.find(key, sequence), cache_use::touch)) return;
    const std::size_t i = block_.seek(key, block_tag(hash64(key)), sequence);
    if (i != block_.count()) {
      block_.prefetch(i);
      settle(i);
    } else if (enter(number_ + 1, cache_use::walk)) {  // the separator may lie behind the block's last key
      settle(0);
    }
  }

  // Requires: valid(), as prev() does.
  void next() {
    if (i_ + 1 < block_.count()) [[likely]]
      return settle(i_ + 1);
    enter_next();
  }
  void prev() {
    if (i_ != 0) [[likely]]
      return settle(i_ - 1);
    if (enter(number_ - 1, cache_use::walk)) settle(block_.count() - 1);  // before block 0 comes a number past all
  }

 private:
  // Behind the longest key so far, so that a short suffix may be copied as two words.
  static constexpr std::size_t short_suffix = 16;

  // Makes `number` the block, at no entry yet. False where there is none, or it can't be read.
  [[nodiscard]] bool enter(std::size_t number, cache_use use) {
    valid_ = false;
    failure_.reset();
    if (number >= table_->contents_.index.blocks()) return false;
    if (stream_) {
      auto bytes = stream_->block(number);
      if (!bytes.has_value()) return failure_ = std::move(bytes).error(), false;
      block_ = block_view(*bytes);
    } else {
      auto pinned = table_->pin(number, use, pin_);
      if (!pinned.has_value()) return failure_ = std::move(pinned).error(), false;
      block_ = block_view(pin_.bytes());
    }
    number_ = number;
    const bytes_view prefix = block_.prefix();
    if (!reserve_key(prefix.size() + short_suffix)) return false;
    std::memcpy(key_.get(), prefix.data(), prefix.size());
    return true;
  }

  STRATA_NOINLINE void enter_next() {
    if (enter(number_ + 1, cache_use::walk)) settle(0);
  }

  // Makes entry `i` of the block the current one.
  STRATA_ALWAYS_INLINE void settle(std::size_t i) {
    const bytes_view suffix = block_.short_suffix(i);
    const std::size_t prefix = block_.prefix().size();
    if (suffix.size() > short_suffix || prefix + suffix.size() > key_capacity_) [[unlikely]]
      return settle_long(i);
    std::memcpy(key_.get() + prefix, suffix.data(), short_suffix);  // past the end: into the slack, from the padding
    settle_value(i, suffix);
  }
  STRATA_NOINLINE void settle_long(std::size_t i) {
    const bytes_view suffix = block_.suffix(i);
    const std::size_t prefix = block_.prefix().size();
    if (!reserve_key(prefix + suffix.size())) return;
    std::memcpy(key_.get() + prefix, suffix.data(), suffix.size());
    settle_value(i, suffix);
  }
  STRATA_ALWAYS_INLINE void settle_value(std::size_t i, bytes_view suffix) {
    key_length_ = block_.prefix().size() + suffix.size();
    value_ = suffix.data() + suffix.size();
    value_length_ = static_cast<std::size_t>(block_.end_of(i) - value_);
    i_ = i;
    valid_ = true;
  }

  // Room for a key; what is in it stays. False, with the error, where there is no memory.
  [[nodiscard]] bool reserve_key(std::size_t length) {
    if (length <= key_capacity_) [[likely]]
      return true;
    STRATA_TRY_BLOCK {
      const std::size_t capacity = (std::max)(2 * length, std::size_t{128});
      auto grown = std::make_unique_for_overwrite<char[]>(capacity + short_suffix);
      if (key_) std::memcpy(grown.get(), key_.get(), key_capacity_);
      key_ = std::move(grown);
      key_capacity_ = capacity;
      return true;
    }
    STRATA_CATCH(const std::bad_alloc&) {
      valid_ = false;
      failure_ = error(errc::out_of_memory, "read table", "no memory for a key").in_file(table_->settings_.path);
      return false;
    }
  }

  const table* table_;
  block_view block_;
  std::size_t i_ = 0;
  const char* value_ = nullptr;
  std::size_t value_length_ = 0;
  std::size_t key_length_ = 0;
  bool valid_ = false;
  std::size_t number_ = 0;
  std::unique_ptr<char[]> key_;
  std::size_t key_capacity_ = 0;  // short_suffix bytes less than there are
  pinned_block pin_;
  std::optional<block_stream<typename table::file_type, Compression>> stream_;
  std::optional<error> failure_;
};

}  // namespace strata::inline STRATA_ABI::sstable

#endif
