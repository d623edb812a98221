// The order word of a tree's node: how many of its fifteen slots are filled, and in which order they stand, in one word, so
// that an insert into the midst of others becomes visible by a single store (the idea: Mao, Kohler, Morris, "Cache Craftiness
// for Fast Multicore Key-Value Storage", EuroSys 2012).
//
//     bits 0 to 3    how many slots are filled
//     4 more each    the slots' numbers: the filled ones in their order, then the free ones
//
// Thread safety: pure functions.
#ifndef STRATA_MEMTABLE_SLOT_ORDER_HPP
#define STRATA_MEMTABLE_SLOT_ORDER_HPP

#include <cstdint>

#include <strata/config.hpp>

namespace strata::inline STRATA_ABI::memtable {

struct slot_order {
  static constexpr unsigned slots = 15;
  static constexpr std::uint64_t none = 0xEDCB'A987'6543'2100;

  [[nodiscard]] static unsigned count_of(std::uint64_t order) noexcept { return order & 15; }
  [[nodiscard]] static unsigned slot_of(std::uint64_t order, unsigned rank) noexcept { return order >> (4 * rank + 4) & 15; }

  // The first free slot stands at `rank` from now on. Requires: there is one.
  [[nodiscard]] static std::uint64_t with_slot_at(std::uint64_t order, unsigned rank) noexcept {
    const unsigned count = count_of(order);
    const std::uint64_t slot = slot_of(order, count);
    const std::uint64_t below = (std::uint64_t{16} << 4 * rank) - 1;                             // the count and lower ranks
    const std::uint64_t behind = count + 1 == slots ? 0 : ~((std::uint64_t{256} << 4 * count) - 1);  // the free ones that stay
    return ((order & below) | slot << (4 * rank + 4) | ((order & ~(below | behind) & ~(std::uint64_t{15} << (4 * count + 4))) << 4) |
            (order & behind)) + 1;
  }
  // The first `count` of them.
  [[nodiscard]] static std::uint64_t cut_to(std::uint64_t order, unsigned count) noexcept {
    return (order & ~std::uint64_t{15}) | count;
  }
};

}  // namespace strata::inline STRATA_ABI::memtable

#endif
