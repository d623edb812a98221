// A base class is named as such.
// expect: strata: a struct with a base class cannot be stored
#include <strata/codec/ordered_key.hpp>
#include <strata/strata.hpp>

struct base {
  int first = 0;
};
struct stored : base {
  int second = 0;
};
inline constexpr strata::kv<int, stored> bad{"bad"};

strata::result<strata::sequence_number> use(strata::store<>& db) { return db[bad].put(1, {}); }
