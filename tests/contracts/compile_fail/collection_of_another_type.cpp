// A collection whose type the schema does not have is refused in one line.
// expect: strata: this collection is not in the schema of the store
#include <strata/strata.hpp>

inline constexpr strata::kv<int, int> listed{"listed"};
inline constexpr strata::kv<int, std::string> foreign{"foreign"};

void use(strata::store<strata::schema<listed>>& db) { db[foreign]; }
