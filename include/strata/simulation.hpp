// Door: a simulated world, for testing what survives a power cut, a full disk, a failed sync, and every order of threads.
//
//   strata::store<strata::environment::simulated>
#ifndef STRATA_SIMULATION_HPP
#define STRATA_SIMULATION_HPP

#include <strata/environment/simulated.hpp>

#endif
