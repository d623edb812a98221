// nullptr is not taken for a string.
// expect: strata: this cannot be a key of the collection: nullptr is no key
#include <strata/codec/ordered_key.hpp>
#include <strata/strata.hpp>

inline constexpr strata::kv<std::string, int> listed{"listed"};

void use(strata::store<>& db) { static_cast<void>(db[listed].get(nullptr)); }
