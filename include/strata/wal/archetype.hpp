// The smallest log that keeps every promise of wal/requirements.hpp: where to start with one of your own. It reads a
// whole segment into memory at replay and allocates at every append; `mapped` is the one to use.
//
// Thread safety: that of the slot: sync() may run beside append(), one thread each.
//
//   1. No header: a segment is its records, one behind the other. An empty file is an empty segment.
//   2. `check` is seeded with store id, number and the record's offset, and covers the other fields of the frame, among
//      them the checksum of the payload: a frame proves by itself that it was written here, and what it promises.
//   3. After a failed append nothing is written, after a failed sync nothing is synced either. A sync that failed is not
//      tried again: the second could succeed without having saved what the first one lost.
//   4. A seal and a promise are frames without payload: the payload checksum field, which they have no use for, says
//      which.
//   5. What is appended after a promise that ends the segment takes its place: the sync of it may have failed in an earlier
//      process, and then a power cut leaves a hole there, in front of what later ones have promised.
#ifndef STRATA_WAL_ARCHETYPE_HPP
#define STRATA_WAL_ARCHETYPE_HPP

#include <atomic>
#include <memory>

#include <strata/core/checksum.hpp>
#include <strata/core/coding.hpp>
#include <strata/wal/requirements.hpp>

namespace strata::inline STRATA_ABI::wal {

struct archetype {
  using strata_slot = slot::wal;
  static constexpr bool is_durable = true;

  // Frozen: on disk.
  //
  //     0   check               u32, crc32c of store id, number, offset (u64 each) and of bytes 4 to 19
  //     4   payload length      u32
  //     8   promised            u64, offset up to which the segment was synced when this was written
  //     16  payload checksum    u32; without a payload: `promise_mark` or `seal_mark`
  //     20  payload
  //
  static constexpr std::size_t frame_bytes = 20;
  static constexpr std::uint32_t promise_mark = 1;
  static constexpr std::uint32_t seal_mark = 2;

  template <typename Environment>
  class writer {
   public:
    [[nodiscard]] static result<writer> create(const Environment& environment, const segment& s) {
      STRATA_TRY_LET(file, environment.create_file(s.path));
      return writer(std::move(file), s, tail{});
    }
    // What a crash may bring back from behind the cut must not stand behind new records: the cut is synced first.
    [[nodiscard]] static result<writer> reopen(const Environment& environment, const segment& s, const tail& t) {
      STRATA_TRY_LET(file, environment.open_writable(s.path, t.end));
      // It is io_error whatever the reason: room that was made does not mend it.
      if (t.torn && !file.sync())
        return error(errc::io_error, "reopen segment", "the cut of a torn tail was not synced").in_file(s.path);
      return writer(std::move(file), s, t);
    }

    [[nodiscard]] result<void> append(bytes_view payload) {
      settled_ = false;
      return write(payload, crc32c(payload));
    }
    [[nodiscard]] result<void> sync() {
      const std::uint64_t target = state_->end.load(std::memory_order_acquire);
      if (state_->sync_failed.load(std::memory_order_acquire)) return refused("sync segment");
      if (auto synced = file_.sync(); !synced) {
        state_->sync_failed.store(true, std::memory_order_release);
        return synced;
      }
      state_->synced.store(target, std::memory_order_release);
      return {};
    }
    [[nodiscard]] result<void> seal() {
      if (synced_bytes() != bytes()) STRATA_TRY(sync());
      STRATA_TRY(write({}, seal_mark));
      settled_ = true;
      return {};
    }
    [[nodiscard]] result<void> close() {
      if (!settled_) {
        settled_ = true;
        STRATA_TRY(sync());
        STRATA_TRY(write({}, promise_mark));
        STRATA_TRY(sync());
      }
      return file_.close();
    }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return state_->end.load(std::memory_order_acquire); }
    [[nodiscard]] std::uint64_t synced_bytes() const noexcept { return state_->synced.load(std::memory_order_acquire); }

   private:
    // What sync() and append() both touch; apart, so that the writer can be moved.
    struct shared_state {
      shared_state(std::uint64_t end_offset, std::uint64_t synced_offset) : end(end_offset), synced(synced_offset) {}
      std::atomic<std::uint64_t> end;
      std::atomic<std::uint64_t> synced;
      std::atomic<bool> sync_failed{false};
    };

    writer(typename Environment::writable_file file, const segment& s, const tail& t)
        : file_(std::move(file)),
          store_id_(s.store_id),
          number_(s.number),
          settled_(t.settled && !t.ends_in_promise),
          state_(std::make_unique<shared_state>(t.end, t.promised)) {}

    [[nodiscard]] static error refused(const char* operation) {
      return error(errc::read_only, operation, "an earlier write or sync failed");
    }
    [[nodiscard]] result<void> write(bytes_view payload, std::uint32_t payload_checksum) {
      if (append_failed_ || state_->sync_failed.load(std::memory_order_acquire)) return refused("append record");
      const std::uint64_t offset = bytes();
      byte_string frame(4, '\0');
      append_fixed(frame, static_cast<std::uint32_t>(payload.size()));
      append_fixed(frame, synced_bytes());
      append_fixed(frame, payload_checksum);
      store_fixed(frame.data(), check(frame, store_id_, number_, offset));
      frame.append(payload);
      if (auto written = file_.append(frame); !written) {
        append_failed_ = true;
        return written;
      }
      state_->end.store(offset + frame.size(), std::memory_order_release);
      return {};
    }

    typename Environment::writable_file file_;
    std::uint64_t store_id_;
    std::uint64_t number_;
    bool settled_;  // the last record is a seal or a promise, or there is none
    bool append_failed_ = false;
    std::unique_ptr<shared_state> state_;
  };

  template <typename Environment, typename Function>
  [[nodiscard]] static result<tail> replay(const Environment& environment, const segment& s, Function&& f) {
    STRATA_TRY_LET(file, environment.open_readable(s.path));
    byte_string bytes(static_cast<std::size_t>(file.size()), '\0');
    for (std::size_t done = 0; done < bytes.size();) {
      STRATA_TRY_LET(count, file.read(done, bytes.data() + done, bytes.size() - done));
      if (count == 0) return error(errc::io_error, "replay segment", "the file became shorter").in_file(s.path);
      done += count;
    }
    tail t;
    t.file_bytes = bytes.size();
    std::uint64_t at = 0;  // behind the last intact record
    for (frame here; !t.sealed && here.load(bytes, s, at);) {
      const bytes_view payload =
          bytes_view(bytes).substr(static_cast<std::size_t>(at) + frame_bytes).substr(0, here.length);
      if (payload.size() != here.length || (here.length != 0 && crc32c(payload) != here.payload_checksum)) break;
      if (here.length != 0) STRATA_TRY(f(payload, at));
      t.promised = here.promised;
      t.settled = here.length == 0;
      t.sealed = here.length == 0 && here.payload_checksum == seal_mark;
      t.ends_in_promise = t.settled && !t.sealed;
      t.end = t.ends_in_promise ? at : at + frame_bytes + here.length;
      at += frame_bytes + here.length;
    }
    t.torn = bytes.find_first_not_of('\0', static_cast<std::size_t>(at)) != byte_string::npos;
    frame behind;
    for (std::uint64_t next = at; t.torn && next < bytes.size(); ++next)
      if (behind.load(bytes, s, next) && behind.promised > at)
        return error(errc::corruption, "replay segment", "damage in what was promised durable")
            .in_file(s.path)
            .at_offset(at);
    return t;
  }

 private:
  [[nodiscard]] static std::uint32_t check(bytes_view frame, std::uint64_t store_id, std::uint64_t number,
                                           std::uint64_t offset) {
    char place[24];
    store_fixed(place, store_id);
    store_fixed(place + 8, number);
    store_fixed(place + 16, offset);
    return crc32c(frame.substr(4, frame_bytes - 4), crc32c(bytes_view(place, sizeof place)));
  }

  struct frame {
    std::uint32_t length = 0;
    std::uint64_t promised = 0;
    std::uint32_t payload_checksum = 0;

    // False where this segment had no record at `offset`. Zeros are none: a length of 0 asks for a mark.
    [[nodiscard]] bool load(bytes_view segment_bytes, const segment& s, std::uint64_t offset) {
      if (segment_bytes.size() - offset < frame_bytes) return false;
      const bytes_view at = segment_bytes.substr(static_cast<std::size_t>(offset), frame_bytes);
      length = load_fixed<std::uint32_t>(at.data() + 4);
      promised = load_fixed<std::uint64_t>(at.data() + 8);
      payload_checksum = load_fixed<std::uint32_t>(at.data() + 16);
      if (length == 0 && payload_checksum != promise_mark && payload_checksum != seal_mark) return false;
      return promised <= offset && load_fixed<std::uint32_t>(at.data()) == check(at, s.store_id, s.number, offset);
    }
  };
};

}  // namespace strata::inline STRATA_ABI::wal

#endif
