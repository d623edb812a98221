// A number has no leading part.
// expect: strata: only a struct, tuple, pair or array key has a leading part
#include <strata/codec/ordered_key.hpp>
#include <strata/strata.hpp>

inline constexpr strata::kv<int, int> listed{"listed"};

void use(strata::store<>& db) { static_cast<void>(db[listed].count(strata::prefix(5))); }
