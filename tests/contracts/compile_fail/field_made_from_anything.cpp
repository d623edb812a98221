// A field whose type is made from anything is no base class.
// expect: strata: this type cannot be stored
#include <strata/codec/ordered_key.hpp>
#include <strata/strata.hpp>

struct made_from_anything {
  made_from_anything() = default;
  template <typename Other>
  made_from_anything(const Other&);
};
struct stored {
  made_from_anything first;
};
inline constexpr strata::kv<int, stored> bad{"bad"};

strata::result<strata::sequence_number> use(strata::store<>& db) { return db[bad].put(1, {}); }
