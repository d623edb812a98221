// The default store over calls that fail when they are told to.
#ifndef STRATA_TESTS_ENGINE_FAILING_STORE_HPP
#define STRATA_TESTS_ENGINE_FAILING_STORE_HPP

#include "engine/failing_environment.hpp"
#include "engine/stores.hpp"

namespace strata_tests {

using failing_store = default_store<failing_environment>;

}  // namespace strata_tests

#endif
