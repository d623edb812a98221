// Forward declarations of what programs name. Includes nothing but the configuration.
#ifndef STRATA_FWD_HPP
#define STRATA_FWD_HPP

#include <strata/config.hpp>

namespace strata::inline STRATA_ABI {

class error;
template <typename Value>
class result;
struct options;
struct put_options;
struct write_options;
struct statistics;

template <typename Key, typename Value>
struct kv;
template <const auto&... Descriptors>
struct schema;
template <typename... Policies>
class store;
template <typename Engine, typename Schema>
class transaction;
template <typename Engine, typename Schema>
class snapshot;

}  // namespace strata::inline STRATA_ABI

#endif
