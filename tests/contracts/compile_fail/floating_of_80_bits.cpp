// A floating-point number whose bytes depend on the machine says so.
// expect: strata: long double
#include <strata/strata.hpp>

inline constexpr strata::kv<int, long double> bad{"bad"};

strata::result<strata::sequence_number> use(strata::store<>& db) { return db[bad].put(1, 1); }
