// The randomness of a simulated world: one seed, one sequence.
#ifndef STRATA_ENVIRONMENT_SIMULATED_RANDOM_HPP
#define STRATA_ENVIRONMENT_SIMULATED_RANDOM_HPP

#include <cstdint>

#include <strata/config.hpp>

namespace strata::inline STRATA_ABI::environment::detail {

// Thread safety: its owner's. Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
class simulated_random {
 public:
  explicit simulated_random(std::uint64_t seed) noexcept : state_(seed) {}

  [[nodiscard]] std::uint64_t next() noexcept {
    state_ += 0x9E3779B97F4A7C15;
    std::uint64_t bits = state_;
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
    return bits ^ (bits >> 31);
  }
  // Below `limit`, which is not 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t limit) noexcept { return next() % limit; }
  [[nodiscard]] bool one_in(std::uint64_t limit) noexcept { return below(limit) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace strata::inline STRATA_ABI::environment::detail

#endif
