// The smallest sorted table that satisfies sstable/requirements.hpp: one image with one checksum, read whole when it is
// opened, entries in a vector. For those who write a policy of their own to begin from, and for tests.
//
//     +-----------+-------------+--------------+------------+------------------------------+------------+
//     | magic u64 | version u32 | store id u64 | number u64 | entries, tombstones, time    | crc32c u32 |
//     +-----------+-------------+--------------+------------+------------------------------+------------+
//     varint entries, each: sized key · sized value · varint sequence · kind u8
//     varint tombstones, each: sized begin · sized end · varint sequence
//     varint newest time in µs
//
// Frozen: on disk. The table must fit into memory.
//
// Thread safety: a builder and a cursor belong to one thread; a table is not changed after open().
#ifndef STRATA_SSTABLE_ARCHETYPE_HPP
#define STRATA_SSTABLE_ARCHETYPE_HPP

#include <algorithm>
#include <utility>
#include <vector>

#include <strata/core/checksum.hpp>
#include <strata/core/coding.hpp>
#include <strata/sstable/removable_entries.hpp>
#include <strata/sstable/requirements.hpp>

namespace strata::inline STRATA_ABI::sstable {

namespace detail {

// Frozen: on disk.
inline constexpr std::uint64_t archetype_magic = 0x6174'6172'7473'0193;  // a byte that is no text, 1, "strata"
inline constexpr std::uint32_t archetype_version = 1;
inline constexpr std::size_t archetype_header_bytes = 8 + 4 + 8 + 8;

// What the archetype's builder collects, and its table holds.
struct archetype_contents {
  struct version {
    byte_string key;
    byte_string value;
    sequence_number sequence = 0;
    value_kind kind = value_kind::value;

    [[nodiscard]] entry view() const noexcept { return {key, value, sequence, kind}; }
  };

  std::vector<version> versions;
  range_tombstone_list tombstones;
  std::uint64_t newest_time_us = 0;

  [[nodiscard]] facts known(std::uint64_t file_bytes) const {
    facts known;
    known.bytes = file_bytes;
    known.entries = versions.size();
    known.newest_time_us = newest_time_us;
    known.lowest_sequence = sequence_max;
    const auto count = [&](sequence_number sequence) {
      known.lowest_sequence = (std::min)(known.lowest_sequence, sequence);
      known.highest_sequence = (std::max)(known.highest_sequence, sequence);
    };
    removable_entries removable;
    for (std::size_t i = 0; i < versions.size(); ++i) {
      const version& one = versions[i];
      if (one.kind == value_kind::tombstone) ++known.tombstones;
      removable.count(i == 0 || versions[i - 1].key != one.key, one.kind, one.value);
      count(one.sequence);
    }
    removable.complete(known);
    if (!versions.empty()) {
      known.smallest = versions.front().key;
      known.limit = versions.back().key + '\0';
    }
    const auto& fragments = tombstones.fragments();
    for (const range_tombstone_list::fragment& piece : fragments)
      for (const sequence_number sequence : piece.sequences) {
        ++known.range_tombstones;
        count(sequence);
      }
    if (!fragments.empty()) {
      if (versions.empty() || fragments.front().begin < known.smallest) known.smallest = fragments.front().begin;
      known.limit = (std::max)(known.limit, fragments.back().end);
    }
    if (versions.empty() && fragments.empty()) known.lowest_sequence = 0;
    return known;
  }

  // The index of the first entry not before (key, sequence).
  [[nodiscard]] std::size_t lower_bound(bytes_view key, sequence_number sequence) const noexcept {
    const auto at = std::lower_bound(versions.begin(), versions.end(), key, [&](const version& one, bytes_view sought) {
      return compare_versions(one.key, one.sequence, sought, sequence) < 0;
    });
    return static_cast<std::size_t>(at - versions.begin());
  }

  [[nodiscard]] byte_string encode(const settings& of) const {
    byte_string out;
    append_fixed(out, archetype_magic);
    append_fixed(out, archetype_version);
    append_fixed(out, of.store_id);
    append_fixed(out, of.number);
    append_varint(out, versions.size());
    for (const version& one : versions) {
      append_sized(out, one.key);
      append_sized(out, one.value);
      append_varint(out, one.sequence);
      out.push_back(static_cast<char>(one.kind));
    }
    const dynamic_array<range_tombstone> all = tombstones.tombstones();
    append_varint(out, all.size());
    for (const range_tombstone& erased : all) {
      append_sized(out, erased.begin);
      append_sized(out, erased.end);
      append_varint(out, erased.sequence);
    }
    append_varint(out, newest_time_us);
    append_fixed(out, crc32c(out));
    return out;
  }

  // errc: not_a_store, unsupported_version, corruption; with the file.
  [[nodiscard]] static result<archetype_contents> decode(bytes_view image, const settings& of);

 private:
  [[nodiscard]] bool read_versions(byte_reader& reader) {
    const std::uint64_t count = reader.varint();
    if (count > reader.remaining() / 4) return false;
    versions.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t i = 0; i < count; ++i) {
      const bytes_view key = reader.sized();
      const bytes_view value = reader.sized();
      const sequence_number sequence = reader.varint();
      const auto kind = reader.fixed<std::uint8_t>();
      if (!reader.ok() || kind < 1 || kind > static_cast<std::uint8_t>(value_kind::merge_operand)) return false;
      if (!removable_entries::is_whole(static_cast<value_kind>(kind), value.size())) return false;
      if (i != 0 && compare_versions(versions.back().key, versions.back().sequence, key, sequence) >= 0) return false;
      versions.push_back({byte_string(key), byte_string(value), sequence, static_cast<value_kind>(kind)});
    }
    return true;
  }

  [[nodiscard]] bool read_tombstones(byte_reader& reader) {
    const std::uint64_t count = reader.varint();
    if (count > reader.remaining() / 3) return false;
    dynamic_array<range_tombstone> all;
    for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
      const bytes_view begin = reader.sized();
      const bytes_view end = reader.sized();
      all.push_back({byte_string(begin), byte_string(end), reader.varint()});
    }
    if (!reader.ok()) return false;
    tombstones = range_tombstone_list(std::move(all));
    return true;
  }
};

inline result<archetype_contents> archetype_contents::decode(bytes_view image, const settings& of) {
  const auto failed = [&](errc code, const char* reason) {
    return error(code, "open table", reason).in_file(of.path).at_offset(0);
  };
  if (image.size() < archetype_header_bytes + sizeof(std::uint32_t))
    return failed(errc::corruption, "the file was cut");
  const bytes_view covered = image.substr(0, image.size() - sizeof(std::uint32_t));
  byte_reader reader(covered);
  if (reader.fixed<std::uint64_t>() != archetype_magic)
    return failed(errc::not_a_store, "the file does not begin as a table");
  if (load_fixed<std::uint32_t>(image.data() + covered.size()) != crc32c(covered))
    return failed(errc::corruption, "checksum mismatch");
  if (reader.fixed<std::uint32_t>() != archetype_version)
    return failed(errc::unsupported_version, "written in a later format");
  if (reader.fixed<std::uint64_t>() != of.store_id || reader.fixed<std::uint64_t>() != of.number)
    return failed(errc::corruption, "the table is of another store, or has another number");
  archetype_contents read;
  if (!read.read_versions(reader) || !read.read_tombstones(reader))
    return failed(errc::corruption, "the contents are damaged");
  read.newest_time_us = reader.varint();
  if (!reader.complete()) return failed(errc::corruption, "the contents are damaged");
  return read;
}

}  // namespace detail

struct archetype {
  using strata_slot = slot::sstable;

  // Nothing is shared: each table is wholly in memory.
  template <typename Environment>
  class cache {
   public:
    cache(const Environment&, std::uint64_t bytes) noexcept : bytes_capacity_(bytes) {}
    [[nodiscard]] cache_stats stats() const noexcept { return {0, 0, 0, bytes_capacity_}; }

   private:
    std::uint64_t bytes_capacity_;
  };

  // Keeps all entries until finish().
  template <typename Environment>
  class builder {
   public:
    // errc: already_exists, and what the environment gives.
    [[nodiscard]] static result<builder> create(const Environment& environment, const settings& wanted) {
      STRATA_TRY_LET(file, environment.create_file(wanted.path));
      return builder(std::move(file), wanted);
    }

    // errc: key_too_large, value_too_large, invalid_argument (out of order, sequence over the limit, expiry cut).
    [[nodiscard]] result<void> add(const entry& item) {
      if (item.key.size() > internal_key_bytes_max) return refuse(errc::key_too_large);
      if (item.value.size() > value_bytes_max + sizeof(std::uint64_t)) return refuse(errc::value_too_large);
      if (item.sequence > sequence_max) return refuse(errc::invalid_argument);
      if (!removable_entries::is_whole(item.kind, item.value.size())) return refuse(errc::invalid_argument);
      if (!contents_.versions.empty()) {
        const entry last = contents_.versions.back().view();
        if (compare_versions(last.key, last.sequence, item.key, item.sequence) >= 0)
          return refuse(errc::invalid_argument);
      }
      contents_.versions.push_back({byte_string(item.key), byte_string(item.value), item.sequence, item.kind});
      bytes_ += item.key.size() + item.value.size() + 16;
      return {};
    }
    // errc: invalid_argument, key_too_large.
    [[nodiscard]] result<void> add(const range_tombstone& erased) {
      if (erased.sequence > sequence_max) return refuse(errc::invalid_argument);
      if (erased.begin.size() > internal_key_bytes_max || erased.end.size() > internal_key_bytes_max + 1)
        return refuse(errc::key_too_large);
      tombstones_.push_back(erased);
      bytes_ += erased.begin.size() + erased.end.size() + 16;
      return {};
    }

    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

    // errc: what the environment gives.
    [[nodiscard]] result<facts> finish() {
      contents_.tombstones = range_tombstone_list(std::move(tombstones_));
      contents_.newest_time_us = settings_.newest_time_us;
      const byte_string image = contents_.encode(settings_);
      STRATA_TRY(file_.append(image));
      STRATA_TRY(file_.sync());
      STRATA_TRY(file_.close());
      return contents_.known(image.size());
    }

   private:
    builder(typename Environment::writable_file&& file, const settings& wanted)
        : file_(std::move(file)), settings_(wanted) {}

    [[nodiscard]] error refuse(errc code) const { return error(code, "add to table").in_file(settings_.path); }

    typename Environment::writable_file file_;
    settings settings_;
    detail::archetype_contents contents_;
    dynamic_array<range_tombstone> tombstones_;
    std::uint64_t bytes_ = 64;
  };

  template <typename Environment>
  class table;
};

template <typename Environment>
class archetype::table {
 public:
  class lookup {
   public:
    [[nodiscard]] entry found() const noexcept { return found_; }

   private:
    friend table;
    entry found_;
  };

  class cursor {
   public:
    cursor(const table& over, usage) noexcept : versions_(&over.contents_), at_(over.contents_.versions.size()) {}

    [[nodiscard]] bool valid() const noexcept { return at_ < versions_->versions.size(); }
    [[nodiscard]] entry current() const noexcept { return versions_->versions[at_].view(); }
    [[nodiscard]] result<void> status() const noexcept { return {}; }
    void seek_first() noexcept { at_ = 0; }
    void seek_last() noexcept { at_ = versions_->versions.size() - 1; }  // of none: past all
    void seek(bytes_view key, sequence_number sequence) noexcept { at_ = versions_->lower_bound(key, sequence); }
    void next() noexcept { ++at_; }
    void prev() noexcept { --at_; }

   private:
    const detail::archetype_contents* versions_;
    std::size_t at_;
  };

  // errc: not_a_store, unsupported_version, corruption, and what the environment gives.
  [[nodiscard]] static result<std::unique_ptr<table>> open(const Environment& environment, const settings& wanted,
                                                           cache<Environment>&) {
    auto made = std::make_unique<table>(token());
    STRATA_TRY_LET(file, environment.open_readable(wanted.path));
    STRATA_TRY_LET(contents, read(file, wanted));
    made->contents_ = std::move(contents);
    made->facts_ = made->contents_.known(file.size());
    made->settings_ = wanted;
    made->file_.push_back(std::move(file));
    return made;
  }

  [[nodiscard]] const sstable::facts& facts() const noexcept { return facts_; }
  [[nodiscard]] const range_tombstone_list& range_tombstones() const noexcept { return contents_.tombstones; }
  void prefetch(std::uint64_t) const noexcept {}
  [[nodiscard]] result<bool> get(bytes_view key, std::uint64_t, sequence_number at, lookup& to) const noexcept {
    const std::size_t i = contents_.lower_bound(key, at);
    if (i == contents_.versions.size() || contents_.versions[i].key != key) return false;
    to.found_ = contents_.versions[i].view();
    return true;
  }
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return facts_.bytes; }
  [[nodiscard]] result<void> verify() const {
    STRATA_TRY(read(file_.front(), settings_));
    return {};
  }

 private:
  struct token {};

  [[nodiscard]] static result<detail::archetype_contents> read(const typename Environment::readable_file& file,
                                                               const settings& wanted) {
    byte_string image(static_cast<std::size_t>(file.size()), '\0');
    STRATA_TRY_LET(count, file.read(0, image.data(), image.size()));
    return detail::archetype_contents::decode(bytes_view(image).substr(0, count), wanted);
  }

  detail::archetype_contents contents_;
  sstable::facts facts_;
  settings settings_;
  std::vector<typename Environment::readable_file> file_;  // one

 public:
  // For open().
  explicit table(token) {}
};

}  // namespace strata::inline STRATA_ABI::sstable

#endif
