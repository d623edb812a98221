// The version of the library. The only place where it is written: CMake, Meson and pkg-config read it from here.
#ifndef STRATA_VERSION_HPP
#define STRATA_VERSION_HPP

#define STRATA_VERSION_MAJOR 0
#define STRATA_VERSION_MINOR 1
#define STRATA_VERSION_PATCH 0

#endif
