// The plain log: each segment a record file (environment/record_file.hpp), written with one call a commit group.
//
// An unsynced commit survives a killed process, a synced one a power cut. Thread safety, invariants and what damage can
// be seen are those of record files; in short: with a sync after every record all but the last is guarded, after seal()
// or close() every byte is.
//
// Costs: 20 bytes and 3.5 of padding, on average, a record; one environment append a record, no allocation; one
// sync a sync, two a seal. 64 KiB of memory a writer.
#ifndef STRATA_WAL_SEGMENTED_HPP
#define STRATA_WAL_SEGMENTED_HPP

#include <strata/environment/record_file.hpp>
#include <strata/wal/requirements.hpp>

namespace strata::inline STRATA_ABI::wal {

// What `segmented` and `mapped` have in common: all but how a record comes into its file.
template <bool MapsAhead>
struct segmented_log {
  using strata_slot = slot::wal;
  static constexpr bool is_durable = true;

  // Frozen: on disk.
  static constexpr bytes_view magic = "STRATWAL";

  [[nodiscard]] static record_file_settings file_settings(const segment& s) {
    record_file_settings settings{s.path, magic, s.number, s.store_id, s.preallocate_bytes, s.zeros_ahead_bytes,
                                  record_file_naming::at_once};
    settings.maps_ahead = MapsAhead && s.zeros_ahead_bytes == 0;
    if (settings.maps_ahead)
      settings.zeros_ahead_bytes = (std::max)(mapped_bytes_min, (std::min)(s.preallocate_bytes / 4, mapped_bytes_max));
    return settings;
  }

  // See the table in wal/requirements.hpp; errors are those of `record_writer`.
  template <typename Environment>
  class writer {
   public:
    [[nodiscard]] static result<writer> create(const Environment& environment, const segment& s) {
      STRATA_TRY_LET(records, record_writer<Environment>::create(environment, file_settings(s)));
      return writer(std::move(records));
    }
    [[nodiscard]] static result<writer> reopen(const Environment& environment, const segment& s, const tail& t) {
      STRATA_TRY_LET(records, record_writer<Environment>::reopen(environment, file_settings(s), t));
      return writer(std::move(records));
    }
    [[nodiscard]] result<void> append(bytes_view payload) { return records_.append(payload); }
    [[nodiscard]] result<void> sync() { return records_.sync(); }
    [[nodiscard]] result<void> seal() { return records_.seal(); }
    [[nodiscard]] result<void> close() { return records_.close(); }
    [[nodiscard]] bool wants_room() noexcept requires MapsAhead { return records_.wants_room(); }
    void make_room() noexcept requires MapsAhead { records_.make_room(); }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return records_.bytes(); }
    [[nodiscard]] std::uint64_t synced_bytes() const noexcept { return records_.synced_bytes(); }

   private:
    explicit writer(record_writer<Environment> records) : records_(std::move(records)) {}

    record_writer<Environment> records_;
  };

  // Streams the segment through `f`; see `replay_records` for errors and cost.
  template <typename Environment, typename Function>
  [[nodiscard]] static result<tail> replay(const Environment& environment, const segment& s, Function&& f) {
    return replay_records(environment, file_settings(s), f);
  }

 private:
  static constexpr std::uint64_t mapped_bytes_min = std::uint64_t{16} << 10;
  static constexpr std::uint64_t mapped_bytes_max = std::uint64_t{512} << 10;
};

struct segmented : segmented_log<false> {};

}  // namespace strata::inline STRATA_ABI::wal

#endif
