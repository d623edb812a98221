// Door: tables compressed with Zstandard.
//
//   strata::sstable::block_table<strata::compression::zstd<3>>
#ifndef STRATA_ZSTD_HPP
#define STRATA_ZSTD_HPP

#include <strata/sstable/zstd.hpp>

#endif
