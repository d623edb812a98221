// What can go wrong, said so that a program can tell the cases apart and a person can find the place.
//
// Corruption, I/O failure, misuse, conflict and refusal are different codes. Absence is not an error anywhere.
#ifndef STRATA_CORE_ERROR_HPP
#define STRATA_CORE_ERROR_HPP

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <exception>
#include <new>

#include <strata/config.hpp>

namespace strata::inline STRATA_ABI {

// The stable codes. Numbers are frozen: programs log them, and the wire protocol of later doors carries them.
enum class errc : std::uint16_t {
  // The outside world.
  io_error = 1,             // a read, write or directory call failed; `system_error()` says how
  no_space = 2,             // the disk or the quota is full; reads go on, `resume()` after space was made
  permission_denied = 3,    // the operating system refuses this path
  no_such_file = 4,         // a file or directory that must exist does not
  already_exists = 5,       // a file or directory that must not exist does
  too_many_open_files = 6,  // the process or the system has no descriptor left
  out_of_memory = 7,        // an allocation failed; nothing was changed
  in_use = 8,               // another process, or another handle of this one, holds the store

  // Stored bytes.
  corruption = 20,           // a checksum, length or order on disk is wrong; file and offset say where
  not_a_store = 21,          // the directory or file is not one of ours (wrong magic, foreign contents)
  unsupported_version = 22,  // written by a later format than this library reads
  schema_mismatch = 23,      // the collection was stored with other types than the ones it is opened with
  decode_failed = 24,        // stored bytes are no value of the type that is read: bytes left over, missing, out of range

  // The caller.
  invalid_argument = 40,  // a parameter outside its documented range
  key_too_large = 41,     // over 65,535 bytes when encoded
  value_too_large = 42,   // over 1 GiB when encoded
  commit_too_large = 43,  // over 2 GiB in one commit
  read_only = 44,         // a write to what was opened for reading, or after a failed write latched the store
  closed = 45,            // a call on a store, view or transaction after its end
  unsupported = 46,       // this composition of policies cannot do that

  // Other writers.
  condition_not_met = 60,  // if_absent, if_present, if_version: what was asked for does not hold; nothing was written
  conflict = 61,           // another commit changed what this transaction read; nothing was written
  callback_failed = 62,    // a callback of the program threw; nothing of its transaction was written
};

// The name of a code as it is written above.
[[nodiscard]] constexpr const char* to_string(errc code) noexcept {
  switch (code) {
    case errc::io_error: return "io_error";
    case errc::no_space: return "no_space";
    case errc::permission_denied: return "permission_denied";
    case errc::no_such_file: return "no_such_file";
    case errc::already_exists: return "already_exists";
    case errc::too_many_open_files: return "too_many_open_files";
    case errc::out_of_memory: return "out_of_memory";
    case errc::in_use: return "in_use";
    case errc::corruption: return "corruption";
    case errc::not_a_store: return "not_a_store";
    case errc::unsupported_version: return "unsupported_version";
    case errc::schema_mismatch: return "schema_mismatch";
    case errc::decode_failed: return "decode_failed";
    case errc::invalid_argument: return "invalid_argument";
    case errc::key_too_large: return "key_too_large";
    case errc::value_too_large: return "value_too_large";
    case errc::commit_too_large: return "commit_too_large";
    case errc::read_only: return "read_only";
    case errc::closed: return "closed";
    case errc::unsupported: return "unsupported";
    case errc::condition_not_met: return "condition_not_met";
    case errc::conflict: return "conflict";
    case errc::callback_failed: return "callback_failed";
  }
  return "unknown";
}

namespace detail {

// What an error says beyond its code; shared by its copies.
struct error_words {
  std::atomic<std::uint32_t> owners{1};
  bool has_offset = false;
  int system_error = 0;
  const char* operation = "";
  const char* reason = "";
  std::uint64_t offset = 0;
  std::string file;
};

struct no_failure {};

}  // namespace detail

// One failure: what kind, during which operation, in which file and where, and what the operating system said.
//
// Two words wide, its text out of line, so that a `result` that succeeds costs next to nothing to pass on. Making one never
// fails: where memory is short it loses its words, not its code. Thread safety: as a value.
class error {
 public:
  // `operation` and `reason` are string literals or otherwise outlive the error.
  STRATA_COLD explicit error(errc code, const char* operation = "", const char* reason = "") noexcept
      : code_(code), words_(new (std::nothrow) detail::error_words) {
    if (words_ == nullptr) return;
    words_->operation = operation;
    words_->reason = reason;
  }
  // No failure: what a `result<void>` that succeeded holds.
  explicit error(detail::no_failure) noexcept : code_(), words_(nullptr) {}
  error(const error& other) noexcept : code_(other.code_), words_(other.words_) {
    if (words_ != nullptr) words_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  error(error&& other) noexcept : code_(other.code_), words_(other.words_) { other.words_ = nullptr; }
  error& operator=(error other) noexcept {
    std::swap(code_, other.code_);
    std::swap(words_, other.words_);
    return *this;
  }
  ~error() {
    if (words_ != nullptr) [[unlikely]] release();
  }

  // Adds the file. Unchanged if memory is short.
  STRATA_COLD error&& in_file(std::string_view file) && noexcept {
    STRATA_TRY_BLOCK {
      if (words_ != nullptr) words_->file = file;
    }
    STRATA_CATCH(...) {}
    return std::move(*this);
  }
  // Adds the byte offset in the file.
  STRATA_COLD error&& at_offset(std::uint64_t offset) && noexcept {
    if (words_ != nullptr) {
      words_->offset = offset;
      words_->has_offset = true;
    }
    return std::move(*this);
  }
  // Adds the number that the operating system gave (`errno`).
  STRATA_COLD error&& with_system_error(int number) && noexcept {
    if (words_ != nullptr) words_->system_error = number;
    return std::move(*this);
  }

  [[nodiscard]] errc code() const noexcept { return code_; }
  // True of the one that a `result` with a value holds in an error's place.
  [[nodiscard]] bool is_none() const noexcept { return code_ == errc{}; }
  [[nodiscard]] const char* operation() const noexcept { return words_ != nullptr ? words_->operation : ""; }
  [[nodiscard]] const char* reason() const noexcept { return words_ != nullptr ? words_->reason : ""; }
  // Lives as long as this error or a copy of it.
  [[nodiscard]] std::string_view file() const noexcept { return words_ != nullptr ? std::string_view(words_->file) : std::string_view(); }
  [[nodiscard]] bool has_offset() const noexcept { return words_ != nullptr && words_->has_offset; }
  [[nodiscard]] std::uint64_t offset() const noexcept { return words_ != nullptr ? words_->offset : 0; }
  // 0 where the operating system had no part in it.
  [[nodiscard]] int system_error() const noexcept { return words_ != nullptr ? words_->system_error : 0; }

  // One line for a person: "corruption: read block: checksum mismatch (000012.table, offset 4096)".
  [[nodiscard]] STRATA_COLD std::string message() const {
    std::string text = to_string(code_);
    if (words_ == nullptr) return text;
    if (*words_->operation != 0) text.append(": ").append(words_->operation);
    if (*words_->reason != 0) text.append(": ").append(words_->reason);
    if (!words_->file.empty()) {
      text.append(" (").append(words_->file);
      if (words_->has_offset) text.append(", offset ").append(std::to_string(words_->offset));
      text.append(")");
    }
    if (words_->system_error != 0) text.append(": ").append(std::strerror(words_->system_error));
    return text;
  }

  friend bool operator==(const error& failure, errc code) noexcept { return failure.code_ == code; }

 private:
  STRATA_COLD void release() noexcept {
    if (words_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) std::unique_ptr<detail::error_words>{words_}.reset();
  }

  errc code_;
  detail::error_words* words_;  // null: no failure, or none for want of memory
};

#if STRATA_EXCEPTIONS
// What `result::value()` throws on an error, and what a range-`for` over a scan throws when a read fails under way.
class exception : public std::exception {
 public:
  explicit exception(strata::error failure) : error_(std::move(failure)), text_(error_.message()) {}
  [[nodiscard]] const strata::error& error() const noexcept { return error_; }
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

 private:
  strata::error error_;
  std::string text_;
};
#endif

// Called where exceptions don't exist and a program takes the value of a failed result. Must not return; when it does,
// or when none is installed, the message goes to stderr and the process aborts.
using failure_handler = void (*)(const error&);

namespace detail {

inline std::atomic<failure_handler>& installed_failure_handler() noexcept {
  static std::atomic<failure_handler> handler{nullptr};
  return handler;
}

[[noreturn]] STRATA_NOINLINE inline void raise(const error& failure) {
#if STRATA_EXCEPTIONS
  throw exception(failure);
#else
  if (failure_handler handler = installed_failure_handler().load(std::memory_order_acquire)) handler(failure);
  std::fprintf(stderr, "strata: %s\n", failure.message().c_str());
  std::abort();
#endif
}

[[noreturn]] STRATA_NOINLINE inline void assertion_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "strata: %s:%d: broken: %s\n", file, line, condition);
  std::abort();
}

}  // namespace detail

// Installs the handler for programs without exceptions and returns the one before. Any thread, any time.
inline failure_handler set_failure_handler(failure_handler handler) noexcept {
  return detail::installed_failure_handler().exchange(handler, std::memory_order_acq_rel);
}

}  // namespace strata::inline STRATA_ABI

#endif
