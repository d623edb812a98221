// Whether what several threads did to one key, and saw of it, can be explained by one order of their calls: each call takes
// effect at one moment between its invocation and its return.
//
// A call that did not return, or returned an error behind which its write may have happened, is unknown: it may take effect
// at any moment from its invocation on, up to `returned`, or never.
//
// A restart is a call, too: what was there when the store was opened again. Of the writes that nothing made durable it may
// have lost the newest, any number of them.
//
// The search: take calls in every order that time allows, until all are taken or each way has come to an end. Where a call
// that changes nothing can be taken, it is, and nothing else is tried; what has been taken, with what it has led to, is
// looked into once.
//
// Sources: Wing, Gong, "Testing and Verifying Concurrent Objects", JPDC 1993; Lowe, "Testing for Linearizability",
// Concurrency and Computation 2017, §2 and §3.
#ifndef STRATA_TESTS_SIMULATION_LINEARIZABILITY_HPP
#define STRATA_TESTS_SIMULATION_LINEARIZABILITY_HPP

#include "test.hpp"

#include <algorithm>
#include <unordered_set>

namespace strata_tests {

// What a key holds. Each put writes a value of its own.
using register_value = std::uint64_t;
inline constexpr register_value nothing = 0;
inline constexpr register_value anything = UINT64_MAX;  // as a condition: the key is there
inline constexpr std::uint64_t for_ever = UINT64_MAX;

struct register_call {
  enum class kind : std::uint8_t { put, erase, get, put_if, restart };
  kind what;
  // Of one clock for all calls, no moment twice.
  std::uint64_t invoked;
  std::uint64_t returned;
  register_value value = nothing;  // put, put_if: what is written; get, restart: what was there
  register_value expected = nothing;  // put_if: what must be there
  std::optional<bool> done{};         // put_if: whether it was; erase: whether the key was there. Not given: nobody has told
  bool known = true;
  bool durable = false;  // put, erase, put_if: survives a power cut; restart: nothing was lost
  bool settled = true;   // restart: what was there is durable; else a later one may lose more of it
  std::string who{};     // for the words on a failure
};

[[nodiscard]] inline std::string describe(const register_call& call) {
  const auto value = [](register_value v) { return v == nothing ? "nothing" : v == anything ? "anything" : std::to_string(v); };
  std::string words = call.who + (call.who.empty() ? "" : " ");
  switch (call.what) {
    case register_call::kind::put: words += "put " + value(call.value); break;
    case register_call::kind::erase: words += "erase"; break;
    case register_call::kind::get: words += "get -> " + value(call.value); break;
    case register_call::kind::put_if: words += "put " + value(call.value) + " over " + value(call.expected); break;
    case register_call::kind::restart: words += "restart -> " + value(call.value); break;
  }
  if (call.done) words += *call.done ? " (done)" : " (not done)";
  if (!call.known) words += " (outcome not known)";
  if (call.durable) words += " (durable)";
  return words + " [" + std::to_string(call.invoked) + ", " + (call.returned == for_ever ? "" : std::to_string(call.returned)) + "]";
}

class linearizability {
 public:
  // `first`: what the key holds before all calls.
  explicit linearizability(std::vector<register_call> calls, register_value first = nothing) : calls_(std::move(calls)), state_{first} {
    std::sort(calls_.begin(), calls_.end(), [](const auto& a, const auto& b) { return a.invoked < b.invoked; });
    taken_.assign(calls_.size(), '\0');
    for (const register_call& call : calls_) remembers_ = remembers_ || call.what == register_call::kind::restart;
  }

  // Nothing where there is an order; else what can't be explained.
  [[nodiscard]] std::optional<std::string> check() {
    if (search()) return std::nullopt;
    return steps_ > steps_max ? "undecided: too many orders" : words_;
  }

 private:
  using value_list = std::vector<register_value>;  // what a power cut could leave; the last is what is there
  static constexpr std::size_t steps_max = 2'000'000;

  [[nodiscard]] bool search() {
    if (++steps_ > steps_max || !seen_.insert(position()).second) return false;
    const std::uint64_t earliest_return = first_return();
    if (earliest_return == for_ever && !known_left()) return true;
    std::vector<std::size_t> candidates;
    for (std::size_t i = 0; i < calls_.size() && calls_[i].invoked < earliest_return; ++i)
      if (taken_[i] == '\0' && is_in_time(i)) candidates.push_back(i);
    for (const std::size_t i : candidates) {
      value_list after = state_;
      if (!calls_[i].known || excludes_another(i) || !apply(calls_[i], after) || after != state_) continue;
      return go_on_with(i, std::move(after));
    }
    for (const std::size_t i : candidates) {
      value_list after = state_;
      if (apply(calls_[i], after) && go_on_with(i, std::move(after))) return true;
    }
    describe_end(candidates);
    return false;
  }

  bool go_on_with(std::size_t i, value_list after) {
    value_list before = std::exchange(state_, std::move(after));
    taken_[i] = '\1';
    ++count_;
    if (search()) return true;
    --count_;
    taken_[i] = '\0';
    state_ = std::move(before);
    return false;
  }

  // False where the call can't have given what it gave.
  [[nodiscard]] bool apply(const register_call& call, value_list& state) const {
    using kind = register_call::kind;
    const register_value now = state.back();
    switch (call.what) {
      case kind::put: return write(call.value, call.durable, state);
      case kind::get: return now == call.value;
      case kind::erase:
        if (call.done && *call.done != (now != nothing)) return false;
        return now == nothing || write(nothing, call.durable, state);
      case kind::put_if: {
        const bool holds = call.expected == anything ? now != nothing : now == call.expected;
        if (call.done && *call.done != holds) return false;
        return !holds || write(call.value, call.durable, state);
      }
      case kind::restart: break;
    }
    while (!call.durable && !state.empty() && state.back() != call.value) state.pop_back();
    if (state.empty() || state.back() != call.value) return false;
    if (call.settled) state = {call.value};
    return true;
  }
  [[nodiscard]] bool write(register_value value, bool durable, value_list& state) const {
    if (durable || !remembers_) state.clear();
    state.push_back(value);
    return true;
  }

  // No known call may be taken behind this moment.
  [[nodiscard]] std::uint64_t first_return() const {
    std::uint64_t first = for_ever;
    for (std::size_t i = 0; i < calls_.size(); ++i)
      if (taken_[i] == '\0' && calls_[i].known) first = (std::min)(first, calls_[i].returned);
    return first;
  }
  [[nodiscard]] bool known_left() const {
    for (std::size_t i = 0; i < calls_.size(); ++i)
      if (taken_[i] == '\0' && calls_[i].known) return true;
    return false;
  }
  // An unknown call whose time is over can't be taken any more; of a known one first_return() takes care.
  [[nodiscard]] bool is_in_time(std::size_t i) const { return calls_[i].known || calls_[i].returned >= newest_invocation(); }
  [[nodiscard]] std::uint64_t newest_invocation() const {
    for (std::size_t i = calls_.size(); i > 0; --i)
      if (taken_[i - 1] != '\0') return calls_[i - 1].invoked;
    return 0;
  }
  // Whether to take this call ends the time of an unknown one.
  [[nodiscard]] bool excludes_another(std::size_t taken) const {
    for (std::size_t i = 0; i < taken; ++i)
      if (taken_[i] == '\0' && !calls_[i].known && is_in_time(i) && calls_[i].returned < calls_[taken].invoked) return true;
    return false;
  }

  [[nodiscard]] std::string position() const {
    std::string key = taken_;
    for (const register_value value : state_) (key += ' ') += std::to_string(value);
    return key;
  }
  void describe_end(const std::vector<std::size_t>& candidates) {
    if (!words_.empty() && count_ <= count_at_words_) return;
    count_at_words_ = count_;
    words_ = "after " + std::to_string(count_) + " of " + std::to_string(calls_.size()) + " calls it holds " +
             std::to_string(state_.back()) + ", and none of these can be next:";
    for (const std::size_t i : candidates) words_ += "\n  " + describe(calls_[i]);
    words_ += "\nall:";
    for (std::size_t i = 0; i < calls_.size(); ++i) words_ += std::string("\n  ") + (taken_[i] != '\0' ? "+ " : "  ") + describe(calls_[i]);
  }

  std::vector<register_call> calls_;  // by invocation
  value_list state_;
  std::string taken_;
  bool remembers_ = false;
  std::size_t count_ = 0;
  std::size_t steps_ = 0;
  std::unordered_set<std::string> seen_;
  std::string words_;
  std::size_t count_at_words_ = 0;
};

}  // namespace strata_tests

#endif
