// The default sorted table: blocks of entries found in one step, an index and a filter in memory, and a shared cache.
//
//   strata::sstable::block_table<>
//   strata::sstable::block_table<strata::filter::blocked_bloom<16>>
//   strata::sstable::block_table<strata::compression::zstd<3>, strata::filter::none>
//
// The layout of the file stands in sstable/table_format.hpp.
#ifndef STRATA_SSTABLE_BLOCK_TABLE_HPP
#define STRATA_SSTABLE_BLOCK_TABLE_HPP

#include <type_traits>

#include <strata/sstable/table_builder.hpp>
#include <strata/sstable/table_cursor.hpp>

namespace strata::inline STRATA_ABI::sstable {

namespace detail {

template <typename Part, typename Sort, typename = void>
inline constexpr bool is_part = false;
template <typename Part, typename Sort>
inline constexpr bool is_part<Part, Sort, std::void_t<typename Part::sstable_part>> =
    std::is_same_v<typename Part::sstable_part, Sort>;

// The first of `Parts` that is of `Sort`, else `Default`.
template <typename Sort, typename Default, typename... Parts>
struct chosen_part {
  using type = Default;
};
template <typename Sort, typename Default, typename First, typename... Rest>
struct chosen_part<Sort, Default, First, Rest...> {
  using type = typename std::conditional_t<is_part<First, Sort>, chosen_part<Sort, First>,
                                           chosen_part<Sort, Default, Rest...>>::type;
};

template <typename Sort, typename... Parts>
inline constexpr int parts_of = (0 + ... + (is_part<Parts, Sort> ? 1 : 0));

}  // namespace detail

// `Parts`, in any order, each at most once:
//   a filter        filter::blocked_bloom<BitsPerKey> (default: 10 bits), filter::none
//   a compression   compression::none (default), compression::zstd<Level> (strata/zstd.hpp)
//   an access       access::cached (default)
// A table can be read with another filter than it was written with; a compressed one needs its compression.
template <typename... Parts>
struct block_table {
  static_assert(((detail::is_part<Parts, part::filter> || detail::is_part<Parts, part::compression> ||
                  detail::is_part<Parts, part::access>)&&...),
                "strata: sstable::block_table<Parts...>: a part is no filter, no compression and no access");
  static_assert(detail::parts_of<part::filter, Parts...> <= 1, "strata: sstable::block_table<Parts...>: two filters");
  static_assert(detail::parts_of<part::compression, Parts...> <= 1,
                "strata: sstable::block_table<Parts...>: two compressions");
  static_assert(detail::parts_of<part::access, Parts...> <= 1, "strata: sstable::block_table<Parts...>: two accesses");

  using strata_slot = slot::sstable;

  using filter_part = typename detail::chosen_part<part::filter, filter::blocked_bloom<10>, Parts...>::type;
  using compression_part = typename detail::chosen_part<part::compression, compression::none, Parts...>::type;
  using access_part = typename detail::chosen_part<part::access, access::cached, Parts...>::type;

  template <typename Environment>
  using builder = table_builder<Environment, filter_part, compression_part>;
  template <typename Environment>
  using table = table_reader<Environment, compression_part>;
  template <typename Environment>
  using cache = block_cache<Environment>;
};

}  // namespace strata::inline STRATA_ABI::sstable

#endif
