// A number is no beginning of a string.
// expect: strata: a string key has prefixes that are strings
#include <strata/codec/ordered_key.hpp>
#include <strata/strata.hpp>

inline constexpr strata::kv<std::string, int> listed{"listed"};

void use(strata::store<>& db) { static_cast<void>(db[listed].count(strata::prefix(5))); }
