// A memtable that lacks a part is told which, before the engine is compiled with it.
// expect: strata: memtable: the nested cursor is missing or incomplete; see memtable/requirements.hpp
#include <strata/strata.hpp>

struct half_a_memtable {
  using strata_slot = strata::slot::memtable;
  strata::result<void> reserve(std::size_t, std::size_t);
  void insert(const strata::entry&) noexcept;
  bool get(strata::bytes_view, strata::sequence_number, strata::entry&) const;
  std::size_t entries() const;
  std::size_t bytes() const;
};

using composed = strata::detail::composition<half_a_memtable>::engine_type;
