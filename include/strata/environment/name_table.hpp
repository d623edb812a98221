// The names of a world that is not the operating system's: normal paths, and what each of them names.
//
// Thread safety: its owner's lock.
//
// Invariants
//  1. Keys are normal: no '/' at either end, no empty part, no `.` or `..`; the root is "" and always is.
//  2. A key stands in the table once, in byte order: a directory is followed by what is in it, but for names that go on
//     behind its own with a byte below '/'.
#ifndef STRATA_ENVIRONMENT_NAME_TABLE_HPP
#define STRATA_ENVIRONMENT_NAME_TABLE_HPP

#include <memory>

#include <strata/core/dynamic_array.hpp>
#include <strata/core/ordering.hpp>
#include <strata/environment/requirements.hpp>

namespace strata::inline STRATA_ABI::environment::detail {

// An operation on a path: its key, and its errors.
class path_call {
 public:
  path_call(const char* operation, std::string_view path) noexcept : operation_(operation), path_(path) {}

  // Relative names start at the root; `..` goes one part back and stays there.
  // invalid_argument: a zero in the path, or a part of over 255 bytes, as in the file systems of the world outside.
  [[nodiscard]] result<std::string> key() const {
    constexpr std::size_t part_bytes_max = 255;
    if (path_.find('\0') != std::string_view::npos) return failure(errc::invalid_argument, "a zero in the path");
    std::string key;
    for (std::size_t begin = 0; begin < path_.size();) {
      const std::size_t end = (std::min)(path_.find('/', begin), path_.size());
      const std::string_view part = path_.substr(begin, end - begin);
      begin = end + 1;
      if (part.size() > part_bytes_max) return failure(errc::invalid_argument, "a name of over 255 bytes");
      if (part.empty() || part == ".") continue;
      if (part == "..") {
        const std::size_t slash = key.rfind('/');
        key.erase(slash == std::string::npos ? 0 : slash);
        continue;
      }
      if (!key.empty()) key += '/';
      key += part;
    }
    return key;
  }
  [[nodiscard]] error failure(errc code, const char* reason = "") const noexcept {
    return error(code, operation_, reason).in_file(path_);
  }
  [[nodiscard]] std::string path() const { return std::string(path_); }

 private:
  const char* operation_;
  std::string_view path_;
};

[[nodiscard]] inline std::string_view parent_key(std::string_view key) noexcept {
  const std::size_t slash = key.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : key.substr(0, slash);
}

// An array in the order of the keys: no tree, whose code every program would compile for the few that use it.
template <typename File>
class name_table {
 public:
  struct name {
    std::string key;
    std::shared_ptr<File> file;  // null: a directory
  };

  [[nodiscard]] bool is_directory(std::string_view key) const {
    if (key.empty()) return true;
    const name* const found = find(key);
    return found != nullptr && found->file == nullptr;
  }
  // Null where there is none, or a directory.
  [[nodiscard]] std::shared_ptr<File> file(std::string_view key) const {
    const name* const found = find(key);
    return found == nullptr ? nullptr : found->file;
  }
  [[nodiscard]] bool exists(std::string_view key) const { return key.empty() || find(key) != nullptr; }
  [[nodiscard]] bool has_parent(std::string_view key) const { return is_directory(parent_key(key)); }
  [[nodiscard]] bool is_empty(const std::string& key) const {
    if (key.empty()) return names_.empty();
    const std::size_t first = lower_bound(key + "/");
    return first == names_.size() || !names_[first].key.starts_with(key + "/");
  }
  // The names in a directory, without its own.
  [[nodiscard]] std::vector<std::string> list(const std::string& directory) const {
    const std::string prefix = directory.empty() ? directory : directory + "/";
    std::vector<std::string> found;
    for (std::size_t at = lower_bound(prefix); at < names_.size() && names_[at].key.starts_with(prefix);) {
      const std::string& key = names_[at].key;
      const std::size_t slash = key.find('/', prefix.size());
      if (slash == std::string::npos) {
        found.push_back(key.substr(prefix.size()));
        ++at;
      } else {
        at = lower_bound(key.substr(0, slash) + static_cast<char>('/' + 1));  // past that subtree
      }
    }
    return found;
  }
  [[nodiscard]] const dynamic_array<name>& all() const noexcept { return names_; }

  // A name that is there gets the file; null makes it a directory.
  void put(std::string key, std::shared_ptr<File> file) {
    const std::size_t at = lower_bound(key);
    if (at < names_.size() && names_[at].key == key) {
      names_[at].file = std::move(file);
    } else {
      names_.insert(at, {std::move(key), std::move(file)});
    }
  }
  void erase(std::string_view key) {
    const std::size_t at = lower_bound(key);
    if (at < names_.size() && names_[at].key == key) names_.erase(at);
  }
  // With all that is in it. `target` is not there, or an empty directory. Where memory is short nothing has changed.
  void rename_directory(const std::string& source, const std::string& target) {
    dynamic_array<name> renamed;
    for (const name& each : names_) {
      if (each.key == target) continue;
      const bool moves = each.key == source || each.key.starts_with(source + "/");
      renamed.push_back({moves ? target + each.key.substr(source.size()) : each.key, each.file});
    }
    sort_by(renamed, [](const name& a, const name& b) { return a.key < b.key; });
    names_.swap(renamed);
  }

 private:
  // The first name not before `key`.
  [[nodiscard]] std::size_t lower_bound(std::string_view key) const {
    return first_behind(names_, [&](const name& each) { return std::string_view(each.key) < key; });
  }
  [[nodiscard]] const name* find(std::string_view key) const {
    const std::size_t at = lower_bound(key);
    return at < names_.size() && names_[at].key == key ? &names_[at] : nullptr;
  }

  dynamic_array<name> names_;
};

}  // namespace strata::inline STRATA_ABI::environment::detail

#endif
