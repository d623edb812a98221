// An integer of more than 64 bits is refused, and not cut to fit; also where it hides under an enum, which it may do
// without the compiler's extensions.
// expect: strata: an integer of more than 64 bits cannot be stored
#include <strata/strata.hpp>

__extension__ typedef __int128 wide_integer;
enum class wide : wide_integer { none };
inline constexpr strata::kv<int, wide> bad{"bad"};

strata::result<strata::sequence_number> use(strata::store<>& db) { return db[bad].put(1, {}); }
