// A floating-point number is not cut to an integer.
// expect: strata: this cannot be a key of the collection: a floating-point number is given for an integer
#include <strata/codec/ordered_key.hpp>
#include <strata/strata.hpp>

inline constexpr strata::kv<std::uint32_t, int> listed{"listed"};

void use(strata::store<>& db) { static_cast<void>(db[listed].put(3.7, 1)); }
