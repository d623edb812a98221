// Two policies for one slot are named as such.
// expect: strata: store: two policies for the compaction slot
#include <strata/strata.hpp>

using composed = strata::detail::composition<strata::compaction::leveled, strata::compaction::tiered>::engine_type;
