// An environment for tests of what stands on files alone: files in memory, every operation counted, any of them made to
// fail, and a power cut that keeps any sectors of what was not synced. Its salt is fixed, so that files are golden.
#ifndef STRATA_TESTS_ENVIRONMENT_SCRIPTED_HPP
#define STRATA_TESTS_ENVIRONMENT_SCRIPTED_HPP

#include <algorithm>
#include <memory>

#include <strata/environment/requirements.hpp>

#include "test.hpp"

namespace strata_tests {

// Small numbers from a seed, the same everywhere.
class splitmix64 {
 public:
  explicit splitmix64(std::uint64_t seed) : state_(seed) {}
  std::uint64_t operator()() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t limit) { return (*this)() % limit; }
  std::string bytes(std::size_t count) {
    std::string text(count, '\0');
    for (char& c : text) c = static_cast<char>((*this)() & 0xFF);
    return text;
  }

 private:
  std::uint64_t state_;
};

class scripted {
 public:
  struct file_state {
    std::string now;      // what a process reads
    std::string durable;  // what a sync has saved
    std::string stale;    // what lay behind a cut: a power cut may show it again behind `durable`
  };

  struct world {
    std::map<std::string, std::shared_ptr<file_state>, std::less<>> files;
    std::vector<std::string> operations;
    std::uint64_t fails_at = 0;  // the n-th operation from now fails, once; 0: none
    bool tears = false;          // a failing append leaves half of its bytes
    strata::errc no_room = strata::errc::no_space;  // what a preallocation that fails gives
    bool preallocates = false;                      // else it is unsupported where it does not fail
    std::uint64_t salt = 0x1122334455667788;
  };

  world& state() const { return *world_; }
  file_state& file(std::string_view path) const { return *world_->files.find(path)->second; }

  class writable_file {
   public:
    strata::result<void> append(strata::bytes_view bytes) {
      if (!go("append")) {
        if (world_->tears) file_->now.append(bytes.substr(0, bytes.size() / 2));
        return strata::error(strata::errc::no_space, "append");
      }
      file_->now.append(bytes);
      return {};
    }
    strata::result<void> sync() {
      if (!go("sync")) return strata::error(strata::errc::io_error, "sync");
      file_->durable = file_->now;
      return {};
    }
    strata::result<void> preallocate(std::uint64_t) {
      if (!go("preallocate")) return strata::error(world_->no_room, "preallocate");
      if (!world_->preallocates) return strata::error(strata::errc::unsupported, "preallocate");
      return {};
    }
    strata::result<void> map_ahead(std::uint64_t) {
      if (!go("map_ahead")) return strata::error(strata::errc::no_space, "map_ahead");
      return strata::error(strata::errc::unsupported, "map_ahead");
    }
    strata::result<void> zero_fill(std::uint64_t) {
      if (!go("zero_fill")) return strata::error(strata::errc::no_space, "zero_fill");
      return strata::error(strata::errc::unsupported, "zero_fill");
    }
    std::uint64_t size() const { return file_->now.size(); }
    strata::result<void> close() {
      if (!go("close")) return strata::error(strata::errc::io_error, "close");
      return {};
    }

   private:
    friend scripted;
    writable_file(std::shared_ptr<world> w, std::shared_ptr<file_state> f)
        : world_(std::move(w)), file_(std::move(f)) {}
    bool go(const char* operation) { return scripted::go(*world_, operation); }
    std::shared_ptr<world> world_;
    std::shared_ptr<file_state> file_;
  };

  class readable_file {
   public:
    strata::result<std::size_t> read(std::uint64_t offset, char* to, std::size_t count) const {
      if (!scripted::go(*world_, "read")) return strata::error(strata::errc::io_error, "read");
      if (offset >= file_->now.size()) return std::size_t{0};
      return file_->now.copy(to, count, static_cast<std::size_t>(offset));
    }
    std::uint64_t size() const { return size_; }

   private:
    friend scripted;
    readable_file(std::shared_ptr<world> w, std::shared_ptr<file_state> f)
        : world_(std::move(w)), file_(std::move(f)), size_(file_->now.size()) {}
    std::shared_ptr<world> world_;
    std::shared_ptr<file_state> file_;
    std::uint64_t size_;
  };

  strata::result<writable_file> create_file(std::string_view path) const {
    if (!go(*world_, "create")) return strata::error(strata::errc::no_space, "create");
    if (world_->files.contains(path)) return strata::error(strata::errc::already_exists, "create");
    auto file = std::make_shared<file_state>();
    world_->files.emplace(path, file);
    return writable_file(world_, file);
  }
  strata::result<writable_file> open_writable(std::string_view path, std::uint64_t size) const {
    if (!go(*world_, "cut")) return strata::error(strata::errc::io_error, "open_writable");
    const auto found = world_->files.find(path);
    if (found == world_->files.end()) return strata::error(strata::errc::no_such_file, "open_writable");
    file_state& file = *found->second;
    if (size > file.now.size()) return strata::error(strata::errc::invalid_argument, "open_writable");
    if (size < file.now.size()) file.stale = file.now;
    file.now.resize(static_cast<std::size_t>(size));
    return writable_file(world_, found->second);
  }
  strata::result<readable_file> open_readable(std::string_view path) const {
    const auto found = world_->files.find(path);
    if (found == world_->files.end()) return strata::error(strata::errc::no_such_file, "open_readable");
    return readable_file(world_, found->second);
  }
  // Nobody else is there.
  void wait(const std::atomic<std::uint32_t>&, std::uint32_t) const noexcept {}
  void wake_one(const std::atomic<std::uint32_t>&) const noexcept {}
  std::uint64_t entropy() const { return world_->salt++; }

  void put(std::string_view path, std::string bytes) const {
    auto& slot = world_->files[std::string(path)];
    slot = std::make_shared<file_state>();
    slot->now = bytes;
    slot->durable = std::move(bytes);
  }

  // The power goes: of what is not synced each sector of `sector_bytes` is there, is not, or is zeros, garbage or what
  // had been there before; the size is any between.
  void power_cut(std::string_view path, splitmix64& random, std::size_t sector_bytes) const {
    file_state& f = file(path);
    const std::size_t longest = (std::max)(f.now.size(), f.durable.size());
    const std::size_t shortest = (std::min)(f.now.size(), f.durable.size());
    std::size_t size = shortest + static_cast<std::size_t>(random.below(longest - shortest + 1));
    if (random.below(3) == 0) size = f.now.size();
    std::string image(size, '\0');
    const std::uint64_t mode = random.below(4);
    for (std::size_t at = 0; at < size; at += sector_bytes) {
      const std::size_t count = (std::min)(sector_bytes, size - at);
      const std::string garbage = random.bytes(count);
      for (std::size_t i = at; i < at + count; ++i) {
        const bool synced = i < f.durable.size() && i < f.now.size() && f.durable[i] == f.now[i];
        if (synced || (mode == 0 && i < f.now.size())) {
          image[i] = f.now[i];
          continue;
        }
        if (i >= f.durable.size() && mode == 2 && i < f.stale.size()) image[i] = f.stale[i];
        if (i >= f.durable.size() && mode == 3) image[i] = garbage[i - at];
        if (i < f.durable.size()) image[i] = f.durable[i];
      }
      if (random.below(2) == 0)
        for (std::size_t i = at; i < at + count && i < f.now.size(); ++i) image[i] = f.now[i];
    }
    f.now = image;
    f.durable = image;
  }

 private:
  static bool go(world& w, const char* operation) {
    w.operations.emplace_back(operation);
    return w.fails_at == 0 || --w.fails_at != 0;
  }

  std::shared_ptr<world> world_ = std::make_shared<world>();
};

}  // namespace strata_tests

#endif
