// A value type that cannot be stored is named as such.
// expect: strata:
#include <strata/strata.hpp>

struct holds_a_pointer {
  int* pointer = nullptr;
};
inline constexpr strata::kv<int, holds_a_pointer> bad{"bad"};

strata::result<strata::sequence_number> use(strata::store<>& db) { return db[bad].put(1, {}); }
