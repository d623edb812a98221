// An environment over another's files whose calls fail when a test says so.
//
//   fail()   the n-th call from now on, of the kinds that are asked for, gives an error: once, or every one from then on
//   kill()   the process ends before the n-th call that would change something: that call and every later one change
//            nothing and give io_error, until revive(). An append may leave half of its bytes
//
// Copies share their world and their script. Thread safety: any thread.
#ifndef STRATA_TESTS_ENGINE_FAILING_ENVIRONMENT_HPP
#define STRATA_TESTS_ENGINE_FAILING_ENVIRONMENT_HPP

#include "test.hpp"

#include <mutex>

#include <strata/environment/in_memory.hpp>

namespace strata_tests {

enum class call : std::uint32_t {
  create = 1u << 0,
  open_writable = 1u << 1,
  rename = 1u << 2,
  remove = 1u << 3,
  link = 1u << 4,
  make_directory = 1u << 5,
  sync_directory = 1u << 6,
  append = 1u << 7,
  sync = 1u << 8,
  close = 1u << 9,
  open_readable = 1u << 10,
  read = 1u << 11,
  list = 1u << 12,
  exists = 1u << 13,
  lock = 1u << 14,
  start_thread = 1u << 15,
  unlock = 1u << 16,  // recorded only: it can't fail
};
using calls = std::uint32_t;
constexpr calls operator|(call a, call b) { return static_cast<calls>(a) | static_cast<calls>(b); }
constexpr calls operator|(calls a, call b) { return a | static_cast<calls>(b); }
constexpr calls only(call kind) { return static_cast<calls>(kind); }
inline constexpr calls every_call = ~calls{0};
// Those that change something on disk.
inline constexpr calls changing_calls = call::create | call::open_writable | call::rename | call::remove | call::link |
                                        call::make_directory | call::append;

class failing_environment : public strata::environment::threads {
  using under = strata::environment::in_memory;

  struct script {
    std::mutex mutex;
    std::uint64_t count = 0;  // of calls of the kinds in `kinds`
    calls kinds = 0;
    std::uint64_t fails_at = 0;  // 0: never
    strata::errc code = strata::errc::io_error;
    bool sticky = false;
    bool fired = false;
    bool killed = false;
    bool kills = false;
    bool tears = false;
    std::vector<std::pair<call, std::string>> trace;
    bool traces = false;
  };

 public:
  using strata_slot = strata::slot::environment;

  // What a call has to do.
  enum class fate { go, fail, tear };

  class writable_file {
   public:
    strata::result<void> append(strata::bytes_view bytes) {
      const fate f = decide(*script_, call::append, path_);
      if (f == fate::go) return file_.append(bytes);
      if (f == fate::tear) static_cast<void>(file_.append(bytes.substr(0, bytes.size() / 2)));
      return failure(*script_, "append", path_);
    }
    strata::result<void> sync() {
      if (decide(*script_, call::sync, path_) != fate::go) return failure(*script_, "sync", path_);
      return file_.sync();
    }
    strata::result<void> preallocate(std::uint64_t count) { return file_.preallocate(count); }
    strata::result<void> zero_fill(std::uint64_t end) { return file_.zero_fill(end); }
    strata::result<void> map_ahead(std::uint64_t end) { return file_.map_ahead(end); }
    std::uint64_t size() const { return file_.size(); }
    strata::result<void> close() {
      if (decide(*script_, call::close, path_) != fate::go) {
        static_cast<void>(file_.close());
        return failure(*script_, "close", path_);
      }
      return file_.close();
    }

   private:
    friend failing_environment;
    writable_file(std::shared_ptr<script> s, under::writable_file file, std::string_view path)
        : script_(std::move(s)), file_(std::move(file)), path_(path) {}
    std::shared_ptr<script> script_;
    under::writable_file file_;
    std::string path_;
  };

  class readable_file {
   public:
    strata::result<std::size_t> read(std::uint64_t offset, char* to, std::size_t count) const {
      if (decide(*script_, call::read, path_) != fate::go) return failure(*script_, "read", path_);
      return file_.read(offset, to, count);
    }
    std::uint64_t size() const { return file_.size(); }

   private:
    friend failing_environment;
    readable_file(std::shared_ptr<script> s, under::readable_file file, std::string_view path)
        : script_(std::move(s)), file_(std::move(file)), path_(path) {}
    std::shared_ptr<script> script_;
    under::readable_file file_;
    std::string path_;
  };

  class file_lock {
   public:
    file_lock(file_lock&&) noexcept = default;
    file_lock& operator=(file_lock&&) noexcept = default;
    ~file_lock() {
      if (script_) note(*script_, call::unlock, path_);
    }

   private:
    friend failing_environment;
    file_lock(std::shared_ptr<script> s, under::file_lock lock, std::string_view path)
        : script_(std::move(s)), lock_(std::move(lock)), path_(path) {}
    std::shared_ptr<script> script_;
    under::file_lock lock_;
    std::string path_;
  };

  // ---- the script

  // The n-th call (1: the next) of `kinds` fails with `code`, and with `sticky` every one after it.
  void fail(calls kinds, std::uint64_t n, strata::errc code, bool sticky = false) const {
    const std::lock_guard<std::mutex> held(script_->mutex);
    script_->kinds = kinds;
    script_->count = 0;
    script_->fails_at = n;
    script_->code = code;
    script_->sticky = sticky;
    script_->kills = script_->killed = script_->fired = script_->tears = false;
  }
  // The process ends before the n-th call that changes something; `tears`: half of the bytes of an append stay.
  void kill(std::uint64_t n, bool tears) const {
    fail(changing_calls, n, strata::errc::io_error);
    const std::lock_guard<std::mutex> held(script_->mutex);
    script_->kills = true;
    script_->tears = tears;
  }
  // Nothing fails any more; fired() stays as it is.
  void revive() const {
    const std::lock_guard<std::mutex> held(script_->mutex);
    script_->fails_at = 0;
    script_->killed = script_->kills = script_->tears = script_->sticky = false;
  }
  // Whether what was asked for has come.
  bool fired() const {
    const std::lock_guard<std::mutex> held(script_->mutex);
    return script_->fired;
  }
  // Records every call from now on; returns what was recorded so far.
  std::vector<std::pair<call, std::string>> trace() const {
    const std::lock_guard<std::mutex> held(script_->mutex);
    script_->traces = true;
    return std::exchange(script_->trace, {});
  }
  const under& files() const { return under_; }

  // ---- the table of environment/requirements.hpp

  strata::result<writable_file> create_file(std::string_view path) const {
    if (decide(*script_, call::create, path) != fate::go) return failure(*script_, "create file", path);
    return wrap(under_.create_file(path), path);
  }
  strata::result<writable_file> open_writable(std::string_view path, std::uint64_t size) const {
    if (decide(*script_, call::open_writable, path) != fate::go) return failure(*script_, "open file for writing", path);
    return wrap(under_.open_writable(path, size), path);
  }
  strata::result<readable_file> open_readable(std::string_view path) const {
    if (decide(*script_, call::open_readable, path) != fate::go) return failure(*script_, "open file", path);
    auto opened = under_.open_readable(path);
    if (!opened) return std::move(opened).error();
    return readable_file(script_, std::move(*opened), path);
  }
  strata::result<bool> file_exists(std::string_view path) const {
    if (decide(*script_, call::exists, path) != fate::go) return failure(*script_, "look for file", path);
    return under_.file_exists(path);
  }
  strata::result<std::uint64_t> file_size(std::string_view path) const { return under_.file_size(path); }
  strata::result<void> rename_file(std::string_view from, std::string_view to) const {
    if (decide(*script_, call::rename, from) != fate::go) return failure(*script_, "rename file", from);
    return under_.rename_file(from, to);
  }
  strata::result<void> remove_file(std::string_view path) const {
    if (decide(*script_, call::remove, path) != fate::go) return failure(*script_, "remove file", path);
    return under_.remove_file(path);
  }
  strata::result<void> link_file(std::string_view from, std::string_view to) const {
    if (decide(*script_, call::link, from) != fate::go) return failure(*script_, "link file", from);
    return under_.link_file(from, to);
  }
  strata::result<bool> create_directory(std::string_view path) const {
    if (decide(*script_, call::make_directory, path) != fate::go) return failure(*script_, "create directory", path);
    return under_.create_directory(path);
  }
  strata::result<void> remove_directory(std::string_view path) const { return under_.remove_directory(path); }
  strata::result<std::vector<std::string>> list_directory(std::string_view path) const {
    if (decide(*script_, call::list, path) != fate::go) return failure(*script_, "list directory", path);
    return under_.list_directory(path);
  }
  strata::result<void> sync_directory(std::string_view path) const {
    if (decide(*script_, call::sync_directory, path) != fate::go) return failure(*script_, "sync directory", path);
    return under_.sync_directory(path);
  }
  strata::result<std::string> temporary_directory() const { return under_.temporary_directory(); }
  strata::result<file_lock> lock_file(std::string_view path) const {
    if (decide(*script_, call::lock, path) != fate::go) return failure(*script_, "lock file", path);
    auto locked = under_.lock_file(path);
    if (!locked) return std::move(locked).error();
    return file_lock(script_, std::move(*locked), path);
  }
  template <typename Function>
  strata::result<thread> start_thread(const char* name, Function function) const {
    if (decide(*script_, call::start_thread, name) != fate::go) return failure(*script_, "start thread", name);
    return threads::start_thread(name, std::move(function));
  }

 private:
  strata::result<writable_file> wrap(strata::result<under::writable_file> opened, std::string_view path) const {
    if (!opened) return std::move(opened).error();
    return writable_file(script_, std::move(*opened), path);
  }
  static strata::error failure(script& s, const char* operation, std::string_view path) {
    const std::lock_guard<std::mutex> held(s.mutex);
    return strata::error(s.code, operation, "as the test asked").in_file(path);
  }
  static void note(script& s, call kind, std::string_view path) {
    const std::lock_guard<std::mutex> held(s.mutex);
    if (s.traces) s.trace.emplace_back(kind, std::string(path));
  }
  static fate decide(script& s, call kind, std::string_view path) {
    const std::lock_guard<std::mutex> held(s.mutex);
    if (s.traces) s.trace.emplace_back(kind, std::string(path));
    if (s.killed) return (changing_calls & only(kind)) != 0 || kind == call::sync || kind == call::sync_directory ? fate::fail : fate::go;
    if (s.fails_at == 0 || (s.kinds & only(kind)) == 0) return fate::go;
    ++s.count;
    if (s.count < s.fails_at || (s.count > s.fails_at && !s.sticky)) return fate::go;
    s.fired = true;
    s.killed = s.kills;
    return s.kills && s.tears && kind == call::append ? fate::tear : fate::fail;
  }

  under under_;
  std::shared_ptr<script> script_ = std::make_shared<script>();
};

}  // namespace strata_tests

#endif
