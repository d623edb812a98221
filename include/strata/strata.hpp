// Strata: typed, durable, transactional stores, composed at compile time. The one header to include.
#ifndef STRATA_STRATA_HPP
#define STRATA_STRATA_HPP

// First those whose messages a compiler shows: it begins with the way that it came to them.
#include <strata/codec/storable.hpp>
#include <strata/codec/lookup.hpp>
#include <strata/store/schema.hpp>

#include <strata/codec/uuid.hpp>
#include <strata/compaction/fifo.hpp>
#include <strata/compaction/leveled.hpp>
#include <strata/compaction/tiered.hpp>
#include <strata/fwd.hpp>
#include <strata/memtable/skip_list.hpp>
#include <strata/primitive/kv.hpp>
#include <strata/store/store.hpp>

#endif
