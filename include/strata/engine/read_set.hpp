// What a transaction has read, so that its commit can tell whether any of it has changed.
#ifndef STRATA_ENGINE_READ_SET_HPP
#define STRATA_ENGINE_READ_SET_HPP

#include <strata/core/dynamic_array.hpp>
#include <strata/core/entry.hpp>

namespace strata::inline STRATA_ABI::engine {

// Keys that were looked up, found or not, and ranges that were walked: a commit conflicts when any version newer than `at`
// lies in them. Thread safety: as a value.
struct read_set {
  struct range {
    byte_string begin;
    byte_string end;         // first key behind
    bool unbounded = false;  // no end
  };
  sequence_number at = 0;
  dynamic_array<byte_string> keys;
  dynamic_array<range> ranges;

  void clear(sequence_number new_at) {
    at = new_at;
    keys.clear();
    ranges.clear();
  }
};

}  // namespace strata::inline STRATA_ABI::engine

#endif
