// Bit-fields are named as such.
// expect: strata: a struct with bit-fields cannot be stored
#include <strata/codec/ordered_key.hpp>
#include <strata/strata.hpp>

struct stored {
  int whole = 0;
  unsigned part : 3;
  unsigned rest : 29;
};
inline constexpr strata::kv<int, stored> bad{"bad"};

strata::result<strata::sequence_number> use(strata::store<>& db) { return db[bad].put(1, {}); }
