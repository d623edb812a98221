// A collection of a listed type but another name is refused too: the compiler looks its name up.
// expect: strata_this_collection_is_not_in_the_schema_of_the_store
#include <strata/strata.hpp>

inline constexpr strata::kv<int, int> listed{"listed"};
inline constexpr strata::kv<int, int> foreign{"foreign"};

void use(strata::store<strata::schema<listed>>& db) { static_cast<void>(db[foreign]); }
