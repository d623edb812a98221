// A bool is no number.
// expect: strata: this cannot be a key of the collection: of a bool and a number
#include <strata/codec/ordered_key.hpp>
#include <strata/strata.hpp>

inline constexpr strata::kv<std::uint32_t, int> listed{"listed"};

void use(strata::store<>& db) { static_cast<void>(db[listed].put(true, 1)); }
