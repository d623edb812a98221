// A bound is a key, too.
// expect: strata: this cannot be a key of the collection: it, or a field of it, has another type
#include <strata/codec/ordered_key.hpp>
#include <strata/strata.hpp>

inline constexpr strata::kv<std::string, int> listed{"listed"};

void use(strata::store<>& db) { static_cast<void>(db[listed].count(strata::from(5))); }
