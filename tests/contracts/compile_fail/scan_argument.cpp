// What a scan does not take is told what it takes.
// expect: strata: a scan takes prefix(
#include <strata/strata.hpp>

inline constexpr strata::kv<std::string, int> texts{"texts"};

void use(strata::store<>& db) {
  for (auto&& row : db[texts].scan(42)) static_cast<void>(row);
}
