// A schema in which two collections have one name is refused.
// expect: strata: schema: two collections have one name
#include <strata/strata.hpp>

inline constexpr strata::kv<int, int> first{"same"};
inline constexpr strata::kv<int, std::string> second{"same"};

using listed = strata::schema<first, second>;
constexpr std::size_t size = listed::size;
