// More fields than can be told apart are refused before that is tried.
// expect: strata: a struct with more than 64 fields cannot be stored
#include <strata/codec/ordered_key.hpp>
#include <strata/strata.hpp>

struct stored {
  int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17;
  int f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34;
  int f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51;
  int f52, f53, f54, f55, f56, f57, f58, f59, f60, f61, f62, f63, f64, f65;
};
inline constexpr strata::kv<int, stored> bad{"bad"};

strata::result<strata::sequence_number> use(strata::store<>& db) { return db[bad].put(1, {}); }
