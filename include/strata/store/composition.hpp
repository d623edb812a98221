// From policies to an engine: which policy fills which slot, and what the empty slots take.
//
//   slot          default                     what it decides
//   environment   environment::posix          files, clocks, threads
//   memtable      memtable::btree             the newest versions in memory
//   wal           wal::mapped                 what survives before a flush
//   sstable       sstable::block_table<>      the format of tables
//   compaction    compaction::leveled         which tables are merged when
//   engine        engine::lsm                 the whole: engine::in_memory takes the place of all of them but the memtable
//   schema        none                        which collections the store has (schema.hpp)
#ifndef STRATA_STORE_COMPOSITION_HPP
#define STRATA_STORE_COMPOSITION_HPP

#include <strata/compaction/leveled.hpp>
#include <strata/engine/lsm.hpp>
#include <strata/environment/in_memory.hpp>
#include <strata/environment/posix.hpp>
#include <strata/memtable/btree.hpp>
#include <strata/sstable/block_table.hpp>
#include <strata/wal/mapped.hpp>
#include <strata/wal/none.hpp>

namespace strata::inline STRATA_ABI {

namespace engine {

// The LSM engine: log, memtables, sorted tables. What a store has where no engine is named.
struct lsm {
  using strata_slot = slot::engine;
};
// All in memory: the LSM engine on files in memory, without a log. For tests, caches and scratch data; nothing survives the
// store object.
struct in_memory {
  using strata_slot = slot::engine;
};

}  // namespace engine

namespace detail {

template <typename Policy, typename = void>
struct slot_of {
  using type = void;
};
template <typename Policy>
struct slot_of<Policy, std::void_t<typename Policy::strata_slot>> {
  using type = typename Policy::strata_slot;
};

template <typename Slot, typename... Policies>
inline constexpr std::size_t policies_in_slot = (std::size_t{0} + ... + (std::is_same_v<typename slot_of<Policies>::type, Slot> ? 1 : 0));

// The policy among `Policies` that fills `Slot`, or `Default`.
template <typename Slot, typename Default, typename... Policies>
struct pick_policy {
  using type = Default;
};
template <typename Slot, typename Default, typename First, typename... Rest>
struct pick_policy<Slot, Default, First, Rest...> {
  using type = typename std::conditional_t<std::is_same_v<typename slot_of<First>::type, Slot>, pick_policy<void, First>,
                                           pick_policy<Slot, Default, Rest...>>::type;
};

struct no_schema {
  using strata_slot = slot::schema;
};

template <typename... Policies>
struct composition {
  static_assert((!std::is_void_v<typename slot_of<Policies>::type> && ...),
                "strata: store: an argument is no policy: it does not say which slot it fills (using strata_slot = strata::slot::…)");
  static_assert(policies_in_slot<slot::environment, Policies...> <= 1, "strata: store: two policies for the environment slot");
  static_assert(policies_in_slot<slot::memtable, Policies...> <= 1, "strata: store: two policies for the memtable slot");
  static_assert(policies_in_slot<slot::wal, Policies...> <= 1, "strata: store: two policies for the wal slot");
  static_assert(policies_in_slot<slot::sstable, Policies...> <= 1, "strata: store: two policies for the sstable slot");
  static_assert(policies_in_slot<slot::compaction, Policies...> <= 1, "strata: store: two policies for the compaction slot");
  static_assert(policies_in_slot<slot::engine, Policies...> <= 1, "strata: store: two policies for the engine slot");
  static_assert(policies_in_slot<slot::schema, Policies...> <= 1, "strata: store: two schemas");

  using chosen_engine = typename pick_policy<slot::engine, engine::lsm, Policies...>::type;
  static constexpr bool is_in_memory = std::is_same_v<chosen_engine, engine::in_memory>;
  static_assert(is_in_memory || std::is_same_v<chosen_engine, engine::lsm>, "strata: store: this engine is unknown");
  static_assert(!is_in_memory || (policies_in_slot<slot::environment, Policies...> + policies_in_slot<slot::wal, Policies...> == 0),
                "strata: store: engine::in_memory has no slot for an environment or a wal");

  using environment = typename pick_policy<slot::environment,
                                           std::conditional_t<is_in_memory, environment::in_memory, environment::posix>, Policies...>::type;
  using memtable = typename pick_policy<slot::memtable, memtable::btree, Policies...>::type;
  using wal = typename pick_policy<slot::wal, std::conditional_t<is_in_memory, wal::none, wal::mapped>, Policies...>::type;
  using sstable = typename pick_policy<slot::sstable, sstable::block_table<>, Policies...>::type;
  using compaction = typename pick_policy<slot::compaction, compaction::leveled, Policies...>::type;
  using schema = typename pick_policy<slot::schema, no_schema, Policies...>::type;

  // The batteries first: a wrong policy gives their one line, and none of what would follow.
  static constexpr bool is_checked = check_environment<environment>() && check_memtable<memtable>() &&
                                     check_wal<wal, environment>() && check_sstable<sstable, environment>() &&
                                     check_compaction<compaction>();
  static_assert(is_checked);
  using engine_type = engine::lsm_store<environment, memtable, wal, sstable, compaction>;
};

}  // namespace detail

}  // namespace strata::inline STRATA_ABI

#endif
