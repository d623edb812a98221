// What of a table is in memory while it is open: facts, range tombstones, index, filter. All but the data blocks.
//
// Thread safety: not changed after load_table_contents().
#ifndef STRATA_SSTABLE_TABLE_CONTENTS_HPP
#define STRATA_SSTABLE_TABLE_CONTENTS_HPP

#include <strata/sstable/block_index.hpp>
#include <strata/sstable/data_block.hpp>
#include <strata/sstable/filter.hpp>
#include <strata/sstable/table_format.hpp>

namespace strata::inline STRATA_ABI::sstable {

struct table_contents {
  facts known;
  range_tombstone_list tombstones;
  block_index index;
  key_filter filter;
  std::uint64_t compression = 0;  // the id that some block has besides 0

  [[nodiscard]] STRATA_COLD std::uint64_t memory_bytes() const noexcept {
    std::uint64_t bytes =
        index.memory_bytes() + filter.memory_bytes() + known.smallest.capacity() + known.limit.capacity();
    for (const range_tombstone_list::fragment& piece : tombstones.fragments())
      bytes += sizeof piece + piece.begin.capacity() + piece.end.capacity() + 8 * piece.sequences.capacity();
    return bytes;
  }
};

// One table file while it is taken apart. For one call of load_table_contents().
template <typename File>
class table_loader {
 public:
  table_loader(const File& file, const settings& wanted) : file_(file), settings_(wanted) {}

  [[nodiscard]] STRATA_COLD result<void> load(table_contents& read) {
    STRATA_TRY(load_frame());
    STRATA_TRY(load_properties(read));
    STRATA_TRY(load_tombstones(read));
    STRATA_TRY(load_index(read));
    return load_filter(read);
  }

 private:
  [[nodiscard]] error in_file(error failure) const { return std::move(failure).in_file(settings_.path); }
  [[nodiscard]] STRATA_COLD error corrupt(const char* reason, std::uint64_t offset) const {
    return error(errc::corruption, "open table", reason).in_file(settings_.path).at_offset(offset);
  }
  [[nodiscard]] block_place place(std::uint64_t offset) const noexcept {
    return {settings_.store_id, settings_.number, offset};
  }

  // Header and footer. A file that has one of them is a table, if a damaged one.
  [[nodiscard]] STRATA_COLD result<void> load_frame() {
    const std::uint64_t size = file_.size();
    char header[table_header_bytes] = {};
    char bytes[table_footer_bytes] = {};
    if (size < table_header_bytes + table_footer_bytes) return too_short(size);
    STRATA_TRY(read_exactly(file_, settings_.path, 0, header, sizeof header));
    STRATA_TRY(read_exactly(file_, settings_.path, size - table_footer_bytes, bytes, sizeof bytes));
    if (auto checked = check_table_header(bytes_view(header, sizeof header)); !checked.has_value()) {
      if (checked.error() == errc::not_a_store &&
          load_fixed<std::uint64_t>(bytes + table_footer_bytes - sizeof table_magic) == table_magic)
        return corrupt("the header is damaged", 0);
      return in_file(std::move(checked).error());
    }
    auto footer = decode_table_footer(bytes_view(bytes, sizeof bytes), size, settings_);
    if (!footer.has_value()) return in_file(std::move(footer).error());
    footer_ = *footer;
    return {};
  }

  // A table that was cut begins as one, as far as it goes.
  [[nodiscard]] STRATA_COLD result<void> too_short(std::uint64_t size) const {
    char begin[sizeof table_magic] = {};
    const std::uint64_t length = (std::min)(size, std::uint64_t{sizeof begin});
    STRATA_TRY(read_exactly(file_, settings_.path, 0, begin, length));
    char magic[sizeof table_magic];
    store_fixed(magic, table_magic);
    if (std::memcmp(begin, magic, static_cast<std::size_t>(length)) == 0) return corrupt("the file was cut", size);
    return error(errc::not_a_store, "open table", "the file does not begin as a table").in_file(settings_.path);
  }

  // The payload of a section, which `memory` then holds.
  [[nodiscard]] STRATA_COLD result<bytes_view> section(block_buffer& memory, std::uint64_t offset, std::uint64_t bytes) {
    STRATA_TRY_LET(block, block_buffer::allocate(bytes));
    STRATA_TRY(read_exactly(file_, settings_.path, offset, block.data(), bytes));
    block.set_length(bytes);
    memory = std::move(block);
    auto payload = open_stored_block(memory.bytes(), place(offset));
    if (!payload.has_value()) return in_file(std::move(payload).error());
    if (payload->compression != 0) return corrupt("a section is compressed", offset);
    return payload->bytes;
  }

  [[nodiscard]] STRATA_COLD result<void> load_properties(table_contents& read) {
    block_buffer memory;
    STRATA_TRY_LET(payload, section(memory, footer_.properties_at(), footer_.property_bytes));
    auto properties = decode_properties(payload);
    if (!properties.has_value()) return in_file(std::move(properties).error()).at_offset(footer_.properties_at());
    read.known = std::move(properties->known);
    read.known.bytes = file_.size();
    read.compression = properties->compression;
    return {};
  }

  [[nodiscard]] STRATA_COLD result<void> load_tombstones(table_contents& read) {
    if (footer_.tombstone_bytes == 0 && read.known.range_tombstones == 0) return {};
    block_buffer memory;
    STRATA_TRY_LET(payload, section(memory, footer_.tombstones_at(), footer_.tombstone_bytes));
    auto list = decode_tombstones(payload, read.known.range_tombstones);
    if (!list.has_value()) return in_file(std::move(list).error()).at_offset(footer_.tombstones_at());
    read.tombstones = std::move(*list);
    return {};
  }

  [[nodiscard]] STRATA_COLD result<void> load_index(table_contents& read) {
    block_buffer memory;
    STRATA_TRY_LET(payload, section(memory, footer_.index_at(), footer_.index_bytes));
    if (const char* flaw = read.index.load(payload, table_header_bytes, footer_.data_end()))
      return corrupt(flaw, footer_.index_at());
    return {};
  }

  // Straight into aligned lines; the trailer of the block follows in the last of them.
  [[nodiscard]] STRATA_COLD result<void> load_filter(table_contents& read) {
    if (footer_.filter_bytes == 0) return {};
    auto lines = std::make_unique<key_filter::line[]>(
        static_cast<std::size_t>((footer_.filter_bytes + filter_line_bytes - 1) / filter_line_bytes));
    STRATA_TRY(read_exactly(file_, settings_.path, footer_.data_end(), lines[0].bytes, footer_.filter_bytes));
    auto loaded = read.filter.load(std::move(lines), footer_.filter_bytes, place(footer_.data_end()));
    if (!loaded.has_value()) return in_file(std::move(loaded).error());
    return {};
  }

  const File& file_;
  const settings& settings_;
  table_footer footer_;
};

// errc: not_a_store, unsupported_version, corruption (each with the file), and what the environment gives. May throw
// std::bad_alloc where exceptions exist. Allocates no more than some times the file's own size.
template <typename File>
[[nodiscard]] STRATA_COLD result<void> load_table_contents(const File& file, const settings& wanted, table_contents& to) {
  return table_loader<File>(file, wanted).load(to);
}

// Reads data blocks of one table in their order, many at once, past the cache.
//
// Thread safety: one thread. The block that was handed out last is valid until the next call.
template <typename File, typename Compression>
class block_stream {
 public:
  block_stream(const File& file, const block_index& index, const settings& wanted)
      : file_(&file), index_(&index), settings_(&wanted) {}

  // The bytes of a block that passed checksum and structure. errc: corruption, unsupported, out_of_memory (each with
  // the file), and what the environment gives. Reads up to 256 KiB where the block was not read ahead: behind it when
  // the last block was before it, before it otherwise.
  [[nodiscard]] result<bytes_view> block(std::size_t number) {
    const std::uint64_t offset = index_->offset(number);
    const std::uint64_t bytes = index_->stored_bytes(number);
    if (offset < begin_ || offset + bytes > end_) STRATA_TRY(read_around(number));
    last_ = number;
    const bytes_view stored(window_.data() + (offset - begin_), static_cast<std::size_t>(bytes));
    auto read = open(stored, offset);
    if (!read.has_value()) return std::move(read).error().in_file(settings_->path);
    return read;
  }

 private:
  static constexpr std::uint64_t window_bytes = 256 * 1024;

  [[nodiscard]] result<bytes_view> open(bytes_view stored, std::uint64_t offset) {
    STRATA_TRY_LET(payload, open_stored_block(stored, {settings_->store_id, settings_->number, offset}));
    bytes_view block = payload.bytes;
    if (payload.compression != 0) {
      STRATA_TRY_LET(decompressed, decompress_block<Compression>(payload, offset));
      decompressed_ = std::move(decompressed);
      block = decompressed_.bytes();
    }
    if (const char* flaw = block_view::find_flaw(block))
      return error(errc::corruption, "read block", flaw).at_offset(offset);
    return block;
  }

  // Whole blocks only, so that none is read twice.
  [[nodiscard]] STRATA_COLD result<void> read_around(std::size_t number) {
    std::size_t first = number, behind = number + 1;
    if (number >= last_) {
      while (behind < index_->blocks() && index_->offset(behind + 1) - index_->offset(first) <= window_bytes) ++behind;
    } else {
      while (first > 0 && index_->offset(behind) - index_->offset(first - 1) <= window_bytes) --first;
    }
    const std::uint64_t begin = index_->offset(first);
    const std::uint64_t bytes = index_->offset(behind) - begin;
    begin_ = end_ = 0;
    if (bytes > capacity_) {
      capacity_ = 0;
      STRATA_TRY_LET(window, block_buffer::allocate(bytes));
      window_ = std::move(window);
      capacity_ = bytes;
    }
    STRATA_TRY(read_exactly(*file_, settings_->path, begin, window_.data(), bytes));
    window_.set_length(bytes);
    begin_ = begin;
    end_ = begin + bytes;
    return {};
  }

  const File* file_;
  const block_index* index_;
  const settings* settings_;
  block_buffer window_;
  std::uint64_t capacity_ = 0;
  std::uint64_t begin_ = 0;  // what of the file the window holds
  std::uint64_t end_ = 0;
  std::size_t last_ = 0;
  block_buffer decompressed_;
};

}  // namespace strata::inline STRATA_ABI::sstable

#endif
