// Files of records: an appending writer and a streaming replay over an environment. The log's segments and the engine's
// manifest are two kinds of them, told apart by their magic; core/record.hpp has the bytes.
//
// Thread safety: a writer belongs to one thread at a time, but sync(), make_room(), bytes() and synced_bytes() may run beside
// append() (one thread each). sync(), seal() and close() sync the file: never two of them at once, nor any but sync() beside
// make_room(). Replay may run anywhere, also beside a writer of the same file: it then ends where the file did when it was
// opened, or before; or, where zeros were written ahead, may take for damage what is a record by now: another replay does not
// do so there. Where a writer cuts its zeros or a torn end meanwhile, the file ends there.
//
//   1. The file is: header, records, each at `end` of the one before; what follows the last is zeros (that were written
//      ahead, or for which a file system has grown the file), or the torn end of what was being written when the power
//      went.
//   2. A record promises the offset `synced_bytes()` that it was written at. In it are only records that were whole before a
//      sync began that succeeded.
//   3. After an append has failed nothing is written and nothing promised any more; what was appended before it can still
//      be synced. After a sync has failed nothing is synced either: a second one could succeed without having saved what
//      the first one lost.
//   4. Nothing is appended over or before old bytes: a cut of a torn end is synced before the first append, and a promise
//      over it, so that no crash brings the old bytes back in the place of a new record or behind it. (Should the file
//      system do it all the same, the chain of the records shows it.)
//   5. A promise at the end of a file is not built upon: the sync of it may have failed in an earlier life, and then the
//      bytes are read, but no later sync brings them to disk. What is appended next lies over it.
//
// Torn end or damage? Replay stops at the first bytes that are no record, at offset d, and reads on only to find a
// record header that promises more than d. One proves corruption; without one, what stood there was never said to be
// durable, and is a torn end. What it cannot tell, since no intact byte speaks of it:
//
//   - damage to records behind the last promise. With a sync after every record that is the last record; after seal()
//     or close() there is none.
//   - a file that is cut short. Its reader knows from elsewhere how far it must reach: the commits of a segment go on in the
//     next one.
#ifndef STRATA_ENVIRONMENT_RECORD_FILE_HPP
#define STRATA_ENVIRONMENT_RECORD_FILE_HPP

#include <atomic>
#include <memory>

#include <strata/core/function_ref.hpp>
#include <strata/core/record.hpp>
#include <strata/environment/requirements.hpp>

namespace strata::inline STRATA_ABI {

// When a file gets its name; so what a power cut can leave under it.
enum class record_file_naming : std::uint8_t {
  when_synced,  // its name counts only once the header is durable: the header of another file is damage
  at_once,      // the name may survive without the bytes. A file system may then show what a removed file has left in the
                // same place: the header of another file, as garbage, is a torn creation
};

// Which file: where it is, of which kind and whose.
struct record_file_settings {
  std::string path;
  bytes_view magic;                     // eight bytes that outlive the settings
  std::uint64_t number = 0;             // of the file; never used again for another
  std::uint64_t store_id = 0;           // the same for a store's life
  std::uint64_t preallocate_bytes = 0;  // writer: room to ask for; the file system may decline
  // Writer: so many zeros at a time are written ahead of the records, which then go over them: a sync after each record
  // changes the size of the file, and other metadata, once for all of these. 0: none. A record of more than a sixteenth
  // goes without, as does all where the file system has no room for them. What is left of them goes when the file is closed.
  // Measured on ext4: 1.2 to 1.3 times the syncs, for records of 160 B to 4 KiB. PostgreSQL does the
  // same with its log (wal_init_zero).
  std::uint64_t zeros_ahead_bytes = 0;
  record_file_naming naming = record_file_naming::when_synced;  // replay
  // Writer: the zeros are mapped, and a record is then a copy into memory instead of a call of the system, where the
  // environment can do that (see map_ahead in environment/requirements.hpp). Else all goes without zeros. Another thread can
  // make them meanwhile: see wants_room().
  bool maps_ahead = false;

  [[nodiscard]] record_file_identity identity() const noexcept { return {magic, store_id, number}; }
};

namespace detail {

// An atomic that moves with its owner; nobody else may use either side meanwhile.
template <typename Value>
struct movable_atomic {
  std::atomic<Value> value;

  explicit movable_atomic(Value initial) noexcept : value(initial) {}
  movable_atomic(movable_atomic&& other) noexcept : value(other.value.load(std::memory_order_relaxed)) {}
  movable_atomic& operator=(movable_atomic&& other) noexcept {
    value.store(other.value.load(std::memory_order_relaxed), std::memory_order_relaxed);
    return *this;
  }
  ~movable_atomic() = default;
};

// Memory for `count` bytes, or out_of_memory.
[[nodiscard]] inline result<std::unique_ptr<char[]>> allocate_bytes(std::size_t count, const char* operation) {
  STRATA_TRY_BLOCK { return std::make_unique_for_overwrite<char[]>(count); }
  STRATA_CATCH(...) {}
  return error(errc::out_of_memory, operation);
}

}  // namespace detail

// Appends records to one file.
//
// Costs: append is one write of the environment, no allocation and no lock; a writer holds 64 KiB. A crash of the
// process keeps every append that returned; a power cut keeps at least `synced_bytes()`, and of what is behind a prefix
// of records. Destruction closes the file without sync or promise, as a crash would.
//
// Errors of all members: what the environment says (io_error, no_space, …), once; then read_only, but for the sync()
// of what stood before a failed append (invariant 3). closed after close(), and on a record behind the seal.
template <typename Environment>
class record_writer {
 public:
  // Makes the file and its header, unsynced. The name is durable when the caller has synced the directory.
  // Errors: already_exists; out_of_memory. A file that an error or a crash leaves is a torn creation to replay.
  [[nodiscard]] STRATA_COLD static result<record_writer> create(const Environment& environment,
                                                    const record_file_settings& settings) {
    STRATA_TRY_LET(buffer, detail::allocate_bytes(buffer_bytes, "create record file"));
    STRATA_TRY_LET(file, environment.create_file(settings.path));
    record_writer writer(environment, std::move(file), std::move(buffer), settings, record_tail{});
    STRATA_TRY(writer.preallocate(settings.preallocate_bytes));
    STRATA_TRY(writer.write_header(settings, environment.entropy()));
    return writer;
  }

  // Goes on where `tail`, which replay returned for the same settings, says that the records end, and cuts what lies
  // behind. Costs two syncs where that was torn (invariant 4). What no record promises counts as unsynced, until sync().
  // Beware where `tail.settled` is false: a sync that failed in an earlier life may have left records that are read, and
  // that a later sync() calls durable, but that the operating system never wrote. Who must be sure of them writes them
  // elsewhere and begins another file.
  // Errors: invalid_argument where the file is sealed or is not the one that was replayed; no_such_file; out_of_memory.
  // io_error where that sync fails, whatever the reason, so that it is never taken for a lack of room that can be mended:
  // reopening must not be tried again (invariant 3).
  // A crash leaves the torn end or none: the next replay returns the same records.
  [[nodiscard]] STRATA_COLD static result<record_writer> reopen(const Environment& environment,
                                                    const record_file_settings& settings, const record_tail& tail) {
    if (tail.sealed)
      return error(errc::invalid_argument, "reopen record file", "it is sealed")
          .in_file(settings.path)
          .at_offset(tail.end);
    STRATA_TRY_LET(buffer, detail::allocate_bytes(buffer_bytes, "reopen record file"));
    STRATA_TRY_LET(file, environment.open_writable(settings.path, tail.end));
    record_writer writer(environment, std::move(file), std::move(buffer), settings, tail);
    if (tail.torn) {
      STRATA_TRY(writer.sync_cut());
      // Over the place of the torn record: one that lacked nothing but zeros would be whole if its bytes came back.
      if (tail.end != 0) {
        STRATA_TRY(writer.write(record_type::promise, {}));
        STRATA_TRY(writer.sync_cut());
      }
    }
    if (tail.end < settings.preallocate_bytes) STRATA_TRY(writer.preallocate(settings.preallocate_bytes));
    if (tail.end == 0) STRATA_TRY(writer.write_header(settings, environment.entropy()));
    return writer;
  }

  // Adds one record of 1 to `record_payload_bytes_max` bytes; invalid_argument otherwise, and nothing has happened.
  [[nodiscard]] result<void> append(bytes_view payload) {
    if (payload.empty() || payload.size() > record_payload_bytes_max) [[unlikely]]
      return error(errc::invalid_argument, "append record", "a payload has 1 byte to 2 GiB").in_file(path_);
    return write(record_type::payload, payload);
  }

  // Makes all that was appended before the call survive a power cut, also after an append has failed. Writes nothing
  // where that is so already.
  [[nodiscard]] result<void> sync() {
    const state now = state_.value.load(std::memory_order_acquire);
    if (now == state::sync_failed || now == state::closed) [[unlikely]]
      return refuse(now, "sync record file");
    const std::uint64_t target = end_.value.load(std::memory_order_acquire);
    if (synced_.value.load(std::memory_order_relaxed) == target) return {};
    if (auto synced = file_.sync(); !synced) [[unlikely]] {
      state_.value.store(state::sync_failed, std::memory_order_release);
      return synced;
    }
    synced_.value.store(target, std::memory_order_release);
    return {};
  }

  // Ends the file for good: syncs what is not, then appends the seal, which thereby promises all before it. The seal
  // itself is durable after the caller's sync().
  [[nodiscard]] STRATA_COLD result<void> seal() {
    STRATA_TRY(sync());
    STRATA_TRY(write(record_type::seal, {}));
    // A sync that failed beside this stays failed (invariant 3).
    state now = state::open;
    if (!state_.value.compare_exchange_strong(now, state::sealed)) [[unlikely]]
      return refuse(now, "seal record file");
    return {};
  }

  // Ends the use of a file that may be reopened: syncs, and where records are without a promise appends one for all of
  // them, so that damage anywhere before it will be noticed. Writes nothing where nothing is new. After a failed append it
  // only syncs, and says read_only. The file is closed also on an error; a second call does nothing.
  [[nodiscard]] STRATA_COLD result<void> close() {
    if (state_.value.load(std::memory_order_acquire) == state::closed) return {};
    auto settled = settle();
    auto closed = file_.close();
    state_.value.store(state::closed, std::memory_order_release);
    return settled ? std::move(closed) : std::move(settled);
  }

  // Whether it is time for make_room(): true once, when half of what is mapped ahead is used up. For the thread that appends.
  [[nodiscard]] bool wants_room() noexcept {
    if (end_.value.load(std::memory_order_relaxed) < room_mark_.value.load(std::memory_order_relaxed)) [[likely]]
      return false;
    room_mark_.value.store(no_mark, std::memory_order_relaxed);
    return true;
  }
  // Maps more ahead, so that append() need not; else that does. Best effort. A crash leaves zeros, or none.
  STRATA_COLD void make_room() noexcept {
    if (!claim_rest(claim::room)) return;
    if (zeros_ahead_bytes_ != 0 && state_.value.load(std::memory_order_acquire) == state::open) {
      const std::uint64_t from = (std::max)(zeroed_.value.load(std::memory_order_relaxed), bytes());
      if (file_.map_ahead(from + zeros_ahead_bytes_)) have_zeros_to(from + zeros_ahead_bytes_);
    }
    give_rest_back();
  }

  // The size of the file: header and whole records. Any thread.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return end_.value.load(std::memory_order_acquire); }

  // The part of it that survives a power cut; never more than bytes(). Any thread.
  [[nodiscard]] std::uint64_t synced_bytes() const noexcept { return synced_.value.load(std::memory_order_acquire); }

 private:
  enum class state : std::uint8_t { open, sealed, append_failed, sync_failed, closed };

  // Records up to this size are put together here and written at once. Longer ones go in three writes: beside copying
  // so much, two more calls are nothing, and no memory is needed.
  static constexpr std::size_t buffer_bytes = std::size_t{64} << 10;

  // Whose the file is behind the zeros, where either thread may make more of them.
  enum claim : std::uint32_t { nobody, appending, room };
  static constexpr std::uint64_t no_mark = UINT64_MAX;

  record_writer(const Environment& environment, typename Environment::writable_file file, std::unique_ptr<char[]> buffer,
                const record_file_settings& settings, const record_tail& tail)
      : environment_(environment),
        file_(std::move(file)),
        buffer_(std::move(buffer)),
        path_(settings.path),
        zeros_ahead_bytes_(settings.zeros_ahead_bytes),
        maps_ahead_(settings.maps_ahead),
        zeroed_(0),
        room_mark_(no_mark),
        claim_(claim::nobody),
        seed_(record_file_seed(settings.identity())),
        chain_(tail.chain),
        settled_(tail.settled && !tail.ends_in_promise),
        end_(tail.end),
        synced_(tail.promised),
        state_(state::open) {
    STRATA_ASSERT(tail.end % record_alignment == 0 && tail.promised <= tail.end);
  }

  // Advice: a file system that cannot, or has not so much room, does not stop the log.
  [[nodiscard]] STRATA_COLD result<void> preallocate(std::uint64_t bytes) {
    if (bytes == 0) return {};
    auto done = file_.preallocate(bytes);
    if (!done && !(done.error() == errc::unsupported) && !(done.error() == errc::no_space)) return done;
    return {};
  }

  [[nodiscard]] STRATA_COLD result<void> write_header(const record_file_settings& settings, std::uint64_t salt) {
    chain_ = store_record_file_header(buffer_.get(), settings.identity(), salt);
    STRATA_TRY(file_.append({buffer_.get(), record_file_header_bytes}));
    end_.value.store(record_file_header_bytes, std::memory_order_release);
    return {};
  }

  [[nodiscard]] result<void> write(record_type type, bytes_view payload) {
    if (const state now = state_.value.load(std::memory_order_acquire); now != state::open) [[unlikely]]
      return refuse(now, "append record");
    const std::uint64_t offset = end_.value.load(std::memory_order_relaxed);
    record_header header;
    header.type = type;
    header.length = static_cast<std::uint32_t>(payload.size());
    header.previous = chain_;
    header.promised = synced_.value.load(std::memory_order_acquire);
    const std::uint64_t bytes = record_bytes(payload.size());
    const bool is_plain = zeros_ahead_bytes_ == 0 || offset + bytes <= zeroed_.value.load(std::memory_order_acquire);
    if (!is_plain) [[unlikely]]
      return put_beyond(header, payload, offset);
    auto written = put(header, payload, offset);
    conclude(header, offset, written);
    return written;
  }
  // Makes known what a write has come to.
  void conclude(const record_header& header, std::uint64_t offset, const result<void>& written) noexcept {
    if (!written) [[unlikely]]
      return end_appends();
    chain_ = header.check;
    settled_ = header.type != record_type::payload;
    end_.value.store(offset + record_bytes(header.length), std::memory_order_release);
  }
  // A sync that failed beside this stays failed.
  STRATA_COLD void end_appends() noexcept {
    state now = state::open;
    static_cast<void>(state_.value.compare_exchange_strong(now, state::append_failed));
  }

  [[nodiscard]] result<void> put(record_header& header, bytes_view payload, std::uint64_t offset) {
    return record_bytes(payload.size()) <= buffer_bytes ? write_whole(header, payload, offset) : write_in_parts(header, payload, offset);
  }
  // write(), where the record is not wholly in the zeros that are there: with more of them, where such a one goes into zeros.
  [[nodiscard]] STRATA_NOINLINE result<void> put_beyond(record_header& header, bytes_view payload, std::uint64_t offset) {
    while (maps_ahead_ && !claim_rest(claim::appending)) environment_.wait(claim_.value, claim::room);
    // The other thread may just have made some.
    const std::uint64_t bytes = record_bytes(payload.size());
    const bool fits = offset + bytes <= zeroed_.value.load(std::memory_order_relaxed);
    result<void> done;
    if (!fits && bytes <= zeros_ahead_bytes_ / 16 && header.type == record_type::payload) done = write_zeros(offset);
    if (done) done = put(header, payload, offset);
    // Before the rest is somebody else's: zeros may come behind the end, and none where an append has failed.
    conclude(header, offset, done);
    if (maps_ahead_) give_rest_back();
    return done;
  }

  [[nodiscard]] bool claim_rest(claim mine) noexcept {
    std::uint32_t free = claim::nobody;
    return claim_.value.compare_exchange_strong(free, mine, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void give_rest_back() noexcept {
    claim_.value.store(claim::nobody, std::memory_order_release);
    environment_.wake_one(claim_.value);
  }
  void have_zeros_to(std::uint64_t end) noexcept {
    zeroed_.value.store(end, std::memory_order_release);
    if (maps_ahead_) room_mark_.value.store(end - zeros_ahead_bytes_ / 2, std::memory_order_relaxed);
  }

  [[nodiscard]] result<void> write_whole(record_header& header, bytes_view payload, std::uint64_t offset) {
    char* const record = buffer_.get();
    const auto bytes = static_cast<std::size_t>(record_bytes(payload.size()));
    store_fixed(record + bytes - record_alignment,
                std::uint64_t{0});  // the padding; what else it covers is written next
    if (!payload.empty()) std::memcpy(record + record_header_bytes, payload.data(), payload.size());
    header.payload_checksum = crc32c({record + record_header_bytes, bytes - record_header_bytes});
    header.check = store_record_header(record, header, offset, seed_);
    return file_.append({record, bytes});
  }

  // Advice, as room is. The records that follow stand in what there is of them.
  [[nodiscard]] STRATA_COLD result<void> write_zeros(std::uint64_t offset) {
    const std::uint64_t end = offset + zeros_ahead_bytes_;
    auto done = maps_ahead_ ? file_.map_ahead(end) : file_.zero_fill(end);
    if (done) {
      have_zeros_to(end);
      return {};
    }
    zeros_ahead_bytes_ = 0;
    if (done.error() == errc::unsupported || done.error() == errc::no_space) return {};
    return done;
  }

  STRATA_NOINLINE result<void> write_in_parts(record_header& header, bytes_view payload, std::uint64_t offset) {
    static constexpr char zeros[record_alignment] = {};
    const auto bytes = static_cast<std::size_t>(record_bytes(payload.size()));
    const bytes_view padding(zeros, bytes - record_header_bytes - payload.size());
    header.payload_checksum = crc32c(padding, crc32c(payload));
    header.check = store_record_header(buffer_.get(), header, offset, seed_);
    STRATA_TRY(file_.append({buffer_.get(), record_header_bytes}));
    STRATA_TRY(file_.append(payload));
    if (padding.empty()) return {};
    return file_.append(padding);
  }

  [[nodiscard]] STRATA_COLD result<void> sync_cut() {
    const std::uint64_t end = end_.value.load(std::memory_order_relaxed);
    if (auto synced = file_.sync(); !synced)
      return error(errc::io_error, "reopen record file", "the cut of a torn end was not synced")
          .in_file(path_)
          .at_offset(end)
          .with_system_error(synced.error().system_error());
    synced_.value.store(end, std::memory_order_relaxed);
    return {};
  }
  [[nodiscard]] result<void> settle() {
    const state now = state_.value.load(std::memory_order_acquire);
    if (now == state::sealed) return sync();
    if (now == state::open && settled_) return {};
    STRATA_TRY(sync());
    STRATA_TRY(write(record_type::promise, {}));
    return sync();
  }

  [[nodiscard]] STRATA_NOINLINE error refuse(state now, const char* operation) const {
    if (now == state::append_failed || now == state::sync_failed)
      return error(errc::read_only, operation, "an earlier write or sync failed").in_file(path_);
    return error(errc::closed, operation, now == state::sealed ? "it is sealed" : "it is closed").in_file(path_);
  }

  Environment environment_;
  typename Environment::writable_file file_;
  std::unique_ptr<char[]> buffer_;
  std::string path_;
  std::uint64_t zeros_ahead_bytes_;  // written by who appends, under the claim; from 0 on there is nothing to claim
  bool maps_ahead_;
  detail::movable_atomic<std::uint64_t> zeroed_;     // zeros were written up to here
  detail::movable_atomic<std::uint64_t> room_mark_;  // where wants_room() says so
  // A `claim`: nobody appends beyond zeroed_, and nobody moves that, without it. Appends below it need none.
  detail::movable_atomic<std::uint32_t> claim_;
  std::uint32_t seed_;
  std::uint32_t chain_;  // `check` of the last record
  bool settled_;         // no record with a payload is without a promise
  detail::movable_atomic<std::uint64_t> end_;
  detail::movable_atomic<std::uint64_t> synced_;
  detail::movable_atomic<state> state_;
};

namespace detail {

// Reads a file front to back in pieces, with one buffer that grows only for a piece that is longer.
template <typename File>
class record_file_window {
 public:
  static constexpr std::size_t window_bytes = std::size_t{128} << 10;

  record_file_window(File file, const std::string& path)
      : file_(std::move(file)), path_(path), file_bytes_(file_.size()) {}

  [[nodiscard]] std::uint64_t file_bytes() const noexcept { return file_bytes_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  // The `count` bytes at `offset`, valid until the next call; fewer where the file has become shorter, as one does whose writer
  // cuts the zeros behind its records. Requires: they were in the file.
  [[nodiscard]] result<bytes_view> view(std::uint64_t offset, std::size_t count) {
    if (offset >= file_bytes_) return bytes_view();
    count = static_cast<std::size_t>((std::min)(std::uint64_t{count}, file_bytes_ - offset));
    if (offset < begin_ || offset > begin_ + held_ || count > held_ - static_cast<std::size_t>(offset - begin_))
      STRATA_TRY(fill(offset, count));
    return bytes_view(buffer_.get() + (offset - begin_), (std::min)(count, held_ - static_cast<std::size_t>(offset - begin_)));
  }

 private:
  [[nodiscard]] result<void> fill(std::uint64_t offset, std::size_t count) {
    const bool overlaps = offset >= begin_ && offset < begin_ + held_;
    const char* const kept = overlaps ? buffer_.get() + (offset - begin_) : nullptr;
    const std::size_t kept_bytes = overlaps ? held_ - static_cast<std::size_t>(offset - begin_) : 0;
    const std::size_t want =
        static_cast<std::size_t>((std::min)(std::uint64_t{(std::max)(count, window_bytes)}, file_bytes_ - offset));
    // A window never wants more than the one before it, but for a longer record: behind it less of the file is left.
    if (want > capacity_) {
      STRATA_TRY_LET(larger, allocate_bytes(want, "read records"));
      if (kept_bytes != 0) std::memcpy(larger.get(), kept, kept_bytes);
      buffer_ = std::move(larger);
      capacity_ = want;
    } else if (kept_bytes != 0) {
      std::memmove(buffer_.get(), kept, kept_bytes);
    }
    begin_ = offset;
    held_ = kept_bytes;
    while (held_ < want) {
      STRATA_TRY_LET(read, file_.read(begin_ + held_, buffer_.get() + held_, want - held_));
      if (read == 0) {
        file_bytes_ = begin_ + held_;
        break;
      }
      held_ += read;
    }
    return {};
  }

  File file_;
  const std::string& path_;
  std::uint64_t file_bytes_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::uint64_t begin_ = 0;  // of the file: the buffer holds [begin_, begin_ + held_)
  std::size_t held_ = 0;
};

// Reads what lies behind `tail.end`, where the records end: corruption where a record header promises more than the
// bytes before `bar`, else sets `tail.torn`. One pass, each byte looked at once.
template <typename File>
[[nodiscard]] STRATA_COLD result<void> judge_record_tail(record_file_window<File>& window, std::uint32_t seed,
                                                         std::uint64_t bar, record_tail& tail) {
  std::uint64_t at = tail.end;
  while (at < window.file_bytes()) {
    const auto count = static_cast<std::size_t>(
        (std::min)(std::uint64_t{record_file_window<File>::window_bytes}, window.file_bytes() - at));
    STRATA_TRY_LET(bytes, window.view(at, count));
    if (!tail.torn) tail.torn = bytes.find_first_not_of('\0') != bytes_view::npos;
    if (tail.torn && holds_promise_above(bar, bytes, at, seed))
      return error(errc::corruption, "replay records", "damage in what was promised durable")
          .in_file(window.path())
          .at_offset(bar);
    if (bytes.size() == window.file_bytes() - at) break;
    at += (count - record_header_bytes) / record_alignment * record_alignment + record_alignment;
  }
  return {};
}

[[nodiscard]] STRATA_COLD inline error foreign_record_file(record_file_header_state state, const std::string& path) {
  const auto failure = [&](errc code, const char* reason) {
    return error(code, "replay records", reason).in_file(path).at_offset(0);
  };
  if (state == record_file_header_state::other_kind) return failure(errc::not_a_store, "a file of another kind");
  if (state == record_file_header_state::later_version)
    return failure(errc::unsupported_version, "written by a later version");
  return failure(errc::corruption, "it belongs to another store or has another number");
}

}  // namespace detail

// Calls `f(payload, offset) → result<void>` for each record with a payload, in order; `offset` is that of the record in
// the file, the payload is valid during the call. Returns where the records end; writes nothing.
//
// Errors: the first of `f`, as it is. corruption with file and offset where what was promised durable is damaged, or
// the header is that of another store or number; what `f` was given before is then not to be kept. not_a_store where
// the header is that of another kind of file; unsupported_version; no_such_file; io_error; out_of_memory.
//
// A torn creation is no error: `end` is 0 where the header is missing, cut, zeros or damaged (or, in a file that is named
// at once, that of another store, number or kind) and no record of this file promises anything. Cost: reads the file once; memory is 128 KiB or the longest record, whose length is believed only when its
// checksum is right and the file has room for it.
template <typename Environment>
[[nodiscard]] STRATA_COLD result<record_tail> replay_records(const Environment& environment,
                                                             const record_file_settings& settings,
                                                             function_ref<result<void>(bytes_view, std::uint64_t)> f) {
  STRATA_ASSERT(settings.magic.size() == record_magic_bytes);
  STRATA_TRY_LET(file, environment.open_readable(settings.path));
  detail::record_file_window<typename Environment::readable_file> window(std::move(file), settings.path);
  const record_file_identity identity = settings.identity();
  const std::uint32_t seed = record_file_seed(identity);
  record_tail tail;
  tail.file_bytes = window.file_bytes();

  auto state = record_file_header_state::damaged;
  if (tail.file_bytes >= record_file_header_bytes) {
    STRATA_TRY_LET(header, window.view(0, record_file_header_bytes));
    if (header.size() == record_file_header_bytes) {
      state = inspect_record_file_header(header.data(), identity);
      tail.chain = record_file_header_checksum(header.data());
    }
  }
  // Its own header is durable before anything in it is promised: without one, what is there can only be of another file.
  if (settings.naming == record_file_naming::at_once &&
      (state == record_file_header_state::other_file || state == record_file_header_state::other_kind))
    state = record_file_header_state::damaged;
  if (state == record_file_header_state::damaged) {
    STRATA_TRY(detail::judge_record_tail(window, seed, 0, tail));
    tail.file_bytes = window.file_bytes();
    return tail;
  }
  if (state != record_file_header_state::intact) return detail::foreign_record_file(state, settings.path);
  tail.end = record_file_header_bytes;

  // Damage begins where the records end, unless the next record follows another one than that before it: then it is
  // that one which is not what was written (see core/record.hpp, 3).
  std::uint64_t before = 0;
  std::uint32_t chain_before = 0;
  bool chain_broken = false;
  while (!tail.sealed && tail.file_bytes - tail.end >= record_header_bytes) {
    STRATA_TRY_LET(head, window.view(tail.end, record_header_bytes));
    record_header header;
    if (head.size() < record_header_bytes || !load_record_header(head.data(), tail.end, seed, header)) break;
    const std::uint64_t bytes = record_bytes(header.length);
    chain_broken = header.previous != tail.chain;
    if (chain_broken) break;
    STRATA_TRY_LET(record, window.view(tail.end, static_cast<std::size_t>(bytes)));
    if (record.size() < bytes || crc32c(record.substr(record_header_bytes)) != header.payload_checksum) break;
    if (header.type == record_type::payload) STRATA_TRY(f(record.substr(record_header_bytes, header.length), tail.end));
    before = tail.end;
    chain_before = tail.chain;
    tail.end += bytes;
    tail.chain = header.check;
    tail.promised = (std::max)(tail.promised, header.promised);
    tail.settled = header.type != record_type::payload;
    tail.sealed = header.type == record_type::seal;
    tail.ends_in_promise = header.type == record_type::promise;
  }
  STRATA_TRY(detail::judge_record_tail(window, seed, chain_broken ? before : tail.end, tail));
  tail.file_bytes = window.file_bytes();
  if (tail.ends_in_promise) {
    tail.end = before;
    tail.chain = chain_before;
  }
  return tail;
}

}  // namespace strata::inline STRATA_ABI

#endif
