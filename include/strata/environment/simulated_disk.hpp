// A disk that remembers what was synced, and what a power cut may leave of the rest.
//
// What was written and not synced is a list of units, in the order in which they came: an append (or zeros ahead), a cut, a
// name put, erased or renamed. A sync of a file makes its units durable, a sync of a directory those of the names in it. A
// power cut keeps what is durable and any choice of the units; see `power_cut`.
//
// Thread safety: its owner's. Only one thread of a simulated world runs at a time.
//
// Invariants
//  1. A file's `now` is its `durable` with its units applied, in order, unless a sync of it has failed.
//  2. A name is durable only through a sync of its directory: not through one of the file, as POSIX has it.
//  3. A failed sync makes nothing durable, and no later one what it failed for: the pages count as clean.
//
// Sources: the crash states of Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014, §3; what a failed
// fsync leaves: Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020, §3.
#ifndef STRATA_ENVIRONMENT_SIMULATED_DISK_HPP
#define STRATA_ENVIRONMENT_SIMULATED_DISK_HPP

#include <strata/environment/name_table.hpp>
#include <strata/environment/simulated_random.hpp>

namespace strata::inline STRATA_ABI::environment {

// What of the units that were not synced a power cut keeps, and what stands where bytes are missing.
struct power_cut {
  enum class keeping : std::uint8_t {
    nothing,
    everything,
    first,    // the first `unit` of them
    all_but,  // all but the one with the number `unit`
    only,     // the one with the number `unit`
    random    // each or not, and of an append each sector or not
  };
  enum class filling : std::uint8_t { zeros, garbage, stale };

  keeping keeps = keeping::nothing;
  std::size_t unit = 0;
  // Of the last append that is kept, so many bytes: a torn write. More than it has: all.
  std::size_t torn_bytes = SIZE_MAX;
  // Whether an append that is not kept has grown its file all the same.
  bool keeps_sizes = false;
  // What is read where bytes are missing; stale: what a file that was removed before had at that place.
  filling fills = filling::zeros;
  std::uint64_t seed = 0;  // of what is random
};

namespace detail {

class simulated_disk {
 public:
  struct file {
    byte_string now;
    byte_string durable;
    bool locked = false;
  };
  using file_pointer = std::shared_ptr<file>;
  using table = name_table<file>;

  static constexpr std::size_t sector_bytes = 512;

  [[nodiscard]] const table& names() const noexcept { return names_; }
  // Of what was not synced.
  [[nodiscard]] std::size_t units() const noexcept { return units_.size(); }

  // ---- changes. Requires: what the environment's call asks for was looked at.

  // At `offset`: where the handle that appends has come to, which is not the file's end when two are open.
  void append(const file_pointer& to, std::uint64_t offset, bytes_view bytes) {
    units_.push_back({unit::kind::append, to, offset, byte_string(bytes), {}, {}});
    change_bytes(to->now, units_.back());
  }
  void cut(const file_pointer& at, std::uint64_t size) {
    if (at->now.size() == size) return;
    units_.push_back({unit::kind::cut, at, size, {}, {}, {}});
    at->now.resize(static_cast<std::size_t>(size));
  }
  // Null: a directory.
  void put(const std::string& key, file_pointer named) {
    names_.put(key, named);
    units_.push_back({unit::kind::put, std::move(named), 0, {}, key, {}});
  }
  void erase(const std::string& key) {
    remember(names_.file(key));
    names_.erase(key);
    units_.push_back({unit::kind::erase, nullptr, 0, {}, key, {}});
  }
  void rename(const std::string& source, const std::string& target) {
    remember(names_.file(target));
    unit renamed{unit::kind::rename, names_.file(source), 0, {}, source, target};
    change_names(names_, renamed);
    units_.push_back(std::move(renamed));
  }

  void sync(const file_pointer& synced) {
    settle([&](const unit& each) { return each.of_bytes() && each.of == synced; },
           [](const unit& each) { change_bytes(each.of->durable, each); });
  }
  // What was written since the last sync can be read, and will never be durable.
  void lose(const file_pointer& failed) {
    settle([&](const unit& each) { return each.of_bytes() && each.of == failed; }, [](const unit&) {});
  }
  // The same, and it can't be read any more either.
  void revert(const file_pointer& failed) {
    lose(failed);
    failed->now = failed->durable;
  }
  void sync_directory(std::string_view key) {
    settle([&](const unit& each) { return !each.of_bytes() && (parent_key(each.key) == key || (each.is_rename() && parent_key(each.target) == key)); },
           [this](const unit& each) { change_names(durable_names_, each); });
  }

  // ---- damage

  // Rot: what was read well before is another byte now.
  static void overwrite(file& rotten, std::uint64_t offset, char byte) {
    const auto at = static_cast<std::size_t>(offset);
    if (at < rotten.now.size()) rotten.now[at] = byte;
    if (at < rotten.durable.size()) rotten.durable[at] = byte;
  }

  [[nodiscard]] simulated_disk after(const power_cut& cut) const {
    simulated_random random(cut.seed);
    const dynamic_array<fate> fates = decide(cut, random);
    table names = durable_names_;
    for (std::size_t i = 0; i < units_.size(); ++i)
      if (!units_[i].of_bytes() && fates[i] == fate::kept) change_names(names, units_[i]);
    simulated_disk left;
    dynamic_array<const file*> copied;
    dynamic_array<file_pointer> copies;
    for (const table::name& each : names.all()) {
      if (!left.names_.has_parent(each.key)) continue;  // its directory is gone, or was never durable
      file_pointer copy;
      if (each.file) {
        std::size_t at = 0;
        while (at < copied.size() && copied[at] != each.file.get()) ++at;
        if (at == copied.size()) {
          copied.push_back(each.file.get());
          copies.push_back(std::make_shared<file>());
          copies[at]->durable = content(each.file, cut, fates, random);
          copies[at]->now = copies[at]->durable;
        }
        copy = copies[at];
      }
      left.names_.put(each.key, std::move(copy));
    }
    left.durable_names_ = left.names_;
    left.removed_ = removed_;
    return left;
  }

 private:
  struct unit {
    enum class kind : std::uint8_t { append, cut, put, erase, rename };
    kind what;
    file_pointer of;       // append, cut, put, rename of a file
    std::uint64_t offset;  // append: where; cut: the size
    byte_string bytes;     // append
    std::string key;       // put, erase, rename
    std::string target;    // rename

    [[nodiscard]] bool of_bytes() const noexcept { return what == kind::append || what == kind::cut; }
    [[nodiscard]] bool is_rename() const noexcept { return what == kind::rename; }
  };
  enum class fate : std::uint8_t { dropped, kept, in_sectors };

  static void change_bytes(byte_string& bytes, const unit& each) {
    const auto offset = static_cast<std::size_t>(each.offset);
    if (each.what == unit::kind::cut) {
      if (bytes.size() > offset) bytes.resize(offset);
      return;
    }
    if (bytes.size() < offset + each.bytes.size()) bytes.resize(offset + each.bytes.size());
    bytes.replace(offset, each.bytes.size(), each.bytes);
  }
  static void change_names(table& names, const unit& each) {
    if (each.what == unit::kind::put) return names.put(each.key, each.of);
    if (each.what == unit::kind::erase) return names.erase(each.key);
    if (each.of) {
      names.put(each.target, each.of);
      return names.erase(each.key);
    }
    if (names.exists(each.key)) names.rename_directory(each.key, each.target);
  }

  template <typename Wanted, typename Apply>
  void settle(Wanted wanted, Apply apply) {
    for (const unit& each : units_)
      if (wanted(each)) apply(each);
    units_.erase_if(wanted);
  }
  void remember(const file_pointer& removed) {
    if (removed && !removed->now.empty()) removed_ = removed->now;
  }

  [[nodiscard]] dynamic_array<fate> decide(const power_cut& cut, simulated_random& random) const {
    dynamic_array<fate> fates;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      bool kept = false;
      switch (cut.keeps) {
        case power_cut::keeping::nothing: break;
        case power_cut::keeping::everything: kept = true; break;
        case power_cut::keeping::first: kept = i < cut.unit; break;
        case power_cut::keeping::all_but: kept = i != cut.unit; break;
        case power_cut::keeping::only: kept = i == cut.unit; break;
        case power_cut::keeping::random: kept = random.one_in(2); break;
      }
      const bool in_sectors = cut.keeps == power_cut::keeping::random && units_[i].what == unit::kind::append && random.one_in(4);
      fates.push_back(in_sectors ? fate::in_sectors : kept ? fate::kept : fate::dropped);
    }
    return fates;
  }

  [[nodiscard]] byte_string content(const file_pointer& of, const power_cut& cut, const dynamic_array<fate>& fates,
                                    simulated_random& random) const {
    byte_string bytes = of->durable;
    std::size_t torn = units_.size();
    if (cut.torn_bytes != SIZE_MAX)
      for (std::size_t i = 0; i < units_.size(); ++i)
        if (units_[i].what == unit::kind::append && fates[i] == fate::kept) torn = i;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      const unit& each = units_[i];
      if (!each.of_bytes() || each.of != of) continue;
      if (each.what == unit::kind::cut) {
        if (fates[i] == fate::kept) change_bytes(bytes, each);
        continue;
      }
      const auto offset = static_cast<std::size_t>(each.offset);
      std::size_t kept = fates[i] == fate::kept ? each.bytes.size() : 0;
      if (i == torn) kept = (std::min)(kept, cut.torn_bytes);
      if (kept != 0 || cut.keeps_sizes || fates[i] == fate::in_sectors) {
        const std::size_t end = offset + (cut.keeps_sizes || fates[i] == fate::in_sectors ? each.bytes.size() : kept);
        fill(bytes, end, cut.fills, random);
      }
      if (fates[i] == fate::in_sectors) {
        for (std::size_t begin = 0; begin < each.bytes.size();) {
          const std::size_t sector_end = (std::min)(each.bytes.size(), begin + sector_bytes - (offset + begin) % sector_bytes);
          if (random.one_in(2)) bytes.replace(offset + begin, sector_end - begin, each.bytes, begin, sector_end - begin);
          begin = sector_end;
        }
      } else if (kept != 0) {
        bytes.replace(offset, kept, each.bytes, 0, kept);
      }
    }
    return bytes;
  }
  // Grows to `size` bytes.
  void fill(byte_string& bytes, std::size_t size, power_cut::filling with, simulated_random& random) const {
    while (bytes.size() < size) {
      char next = '\0';
      if (with == power_cut::filling::garbage) next = static_cast<char>(random.next());
      if (with == power_cut::filling::stale && !removed_.empty()) next = removed_[bytes.size() % removed_.size()];
      bytes.push_back(next);
    }
  }

  table names_;
  table durable_names_;
  dynamic_array<unit> units_;
  byte_string removed_;  // what the last file that was removed held
};

}  // namespace detail

}  // namespace strata::inline STRATA_ABI::environment

#endif
