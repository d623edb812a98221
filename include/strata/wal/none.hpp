// No log: a commit survives when its memtable was written to a table, and not before.
//
// For stores that can be made anew. The store checks `is_durable` and then opens with `durability::none` alone.
// Thread safety: that of the slot. No call fails; nothing is written, read or removed, also not a segment that another
// policy left there.
#ifndef STRATA_WAL_NONE_HPP
#define STRATA_WAL_NONE_HPP

#include <strata/wal/requirements.hpp>

namespace strata::inline STRATA_ABI::wal {

struct none {
  using strata_slot = slot::wal;
  static constexpr bool is_durable = false;

  template <typename Environment>
  class writer {
   public:
    [[nodiscard]] static result<writer> create(const Environment&, const segment&) { return writer(); }
    [[nodiscard]] static result<writer> reopen(const Environment&, const segment&, const tail&) { return writer(); }
    [[nodiscard]] result<void> append(bytes_view) { return {}; }
    [[nodiscard]] result<void> sync() { return {}; }
    [[nodiscard]] result<void> seal() { return {}; }
    [[nodiscard]] result<void> close() { return {}; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return 0; }
    [[nodiscard]] std::uint64_t synced_bytes() const noexcept { return 0; }
  };

  // Finds nothing.
  template <typename Environment, typename Function>
  [[nodiscard]] static result<tail> replay(const Environment&, const segment&, Function&&) {
    return tail{};
  }
};

}  // namespace strata::inline STRATA_ABI::wal

#endif
