// Strata: typed, durable, transactional stores, composed at compile time. The one header to include.
#ifndef STRATA_STRATA_HPP
#define STRATA_STRATA_HPP

#include <strata/codec/uuid.hpp>
#include <strata/compaction/fifo.hpp>
#include <strata/compaction/leveled.hpp>
#include <strata/compaction/tiered.hpp>
#include <strata/fwd.hpp>
#include <strata/primitive/kv.hpp>
#include <strata/store/store.hpp>

#endif
