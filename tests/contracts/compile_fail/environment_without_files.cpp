// A type that is no environment is told so by the slot, before anything else is tried with it.
// expect: strata: environment: files are missing or differ; see the table in environment/requirements.hpp
#include <strata/environment/requirements.hpp>

static_assert(strata::detail::check_environment<int>());
