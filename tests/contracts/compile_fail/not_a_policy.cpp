// A type that is no policy is named as such.
// expect: strata: store: an argument is no policy
#include <strata/strata.hpp>

using composed = strata::detail::composition<int>::engine_type;
