// A tuple of other fields than the key's is refused.
// expect: strata: this cannot be a key of the collection: the key has another number of fields
#include <strata/codec/ordered_key.hpp>
#include <strata/strata.hpp>

inline constexpr strata::kv<std::pair<std::string, int>, int> listed{"listed"};

void use(strata::store<>& db) { static_cast<void>(db[listed].get(std::tuple<std::string, int, int>{})); }
