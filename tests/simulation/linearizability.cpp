// The judge of histories is judged: it accepts what may be, and rejects each of the ways in which a key can go wrong.
#include "simulation/linearizability.hpp"

#include <algorithm>

using namespace strata_tests;

namespace {

using kind = register_call::kind;
using history = std::vector<register_call>;

register_call put(std::uint64_t invoked, std::uint64_t returned, register_value value) { return {kind::put, invoked, returned, value}; }
register_call get(std::uint64_t invoked, std::uint64_t returned, register_value value) { return {kind::get, invoked, returned, value}; }
register_call erase(std::uint64_t invoked, std::uint64_t returned, std::optional<bool> there = {}) {
  return {kind::erase, invoked, returned, nothing, nothing, there};
}
register_call put_if(std::uint64_t invoked, std::uint64_t returned, register_value expected, register_value value, bool done) {
  return {kind::put_if, invoked, returned, value, expected, done};
}
// What was there after a power cut; after a killed process, or an orderly end.
register_call restart(std::uint64_t invoked, std::uint64_t returned, register_value value) { return {kind::restart, invoked, returned, value}; }
register_call reopened(register_call call) {
  call.durable = true;
  return call;
}
register_call durable(register_call call) {
  call.durable = true;
  return call;
}
register_call unknown(register_call call, std::uint64_t until = for_ever) {
  call.known = false;
  call.done.reset();
  call.returned = until;
  return call;
}

bool accepts(const history& calls, register_value first = nothing) { return !linearizability(calls, first).check(); }

}  // namespace

TEST_CASE("a key's history that one order explains is accepted", "[simulation][linearizability]") {
  CHECK(accepts({}));
  CHECK(accepts({put(1, 2, 10), get(3, 4, 10), erase(5, 6, true), get(7, 8, nothing), erase(9, 10, false)}));
  CHECK(accepts({get(1, 2, 7)}, 7));
  // Beside a put a get may see either; once one has seen it, all do.
  CHECK(accepts({put(1, 10, 10), get(2, 3, nothing), get(4, 5, 10), get(6, 7, 10)}));
  CHECK(accepts({put(1, 10, 10), put(2, 9, 11), get(3, 4, 11), get(11, 12, 10)}));
  CHECK(accepts({put_if(1, 10, nothing, 10, true), put_if(2, 9, nothing, 11, false), put_if(11, 12, 10, 12, true), get(13, 14, 12)}));
  CHECK(accepts({put(1, 2, 10), put_if(3, 4, anything, 11, true), erase(5, 6), put_if(7, 8, anything, 12, false), get(9, 10, nothing)}));
}

TEST_CASE("a call of unknown outcome happened once or never", "[simulation][linearizability]") {
  CHECK(accepts({put(1, 2, 10), unknown(put(3, 4, 11)), get(5, 6, 10), get(7, 8, 11), get(9, 10, 11)}));
  CHECK(accepts({put(1, 2, 10), unknown(put(3, 4, 11)), get(5, 6, 10), put(7, 8, 12), get(9, 10, 12)}));
  CHECK(accepts({put(1, 2, 10), unknown(erase(3, 4)), get(5, 6, nothing)}));
  CHECK(accepts({put(1, 2, 10), unknown(put_if(3, 4, 10, 11, true)), get(5, 6, 11)}));
  CHECK_FALSE(accepts({put(1, 2, 10), unknown(put_if(3, 4, 9, 11, true)), get(5, 6, 11)}));
  CHECK_FALSE(accepts({put(1, 2, 10), unknown(put(3, 4, 11)), get(5, 6, 11), get(7, 8, 10)}));
  CHECK_FALSE(accepts({get(1, 2, 11), unknown(put(3, 4, 11))}));
  // What did not happen by its end never will.
  CHECK(accepts({unknown(put(1, 2, 10), 6), get(3, 4, nothing), get(7, 8, 10)}));
  CHECK_FALSE(accepts({unknown(put(1, 2, 10), 6), get(7, 8, nothing), get(9, 10, 10)}));
  // A get that could be explained at once must not cut off the unknown put that explains what comes later.
  CHECK(accepts({put(1, 2, 10), unknown(put(3, 4, 11), 5), put(6, 20, 10), get(7, 8, 10), put_if(9, 10, 10, 12, true)}));
}

TEST_CASE("a get that is stale, or of a value that nobody wrote, is rejected", "[simulation][linearizability]") {
  CHECK_FALSE(accepts({put(1, 2, 10), put(3, 4, 11), get(5, 6, 10)}));
  CHECK_FALSE(accepts({put(1, 2, 10), get(3, 4, nothing)}));
  CHECK_FALSE(accepts({put(1, 2, 10), erase(3, 4), get(5, 6, 10)}));
  CHECK_FALSE(accepts({put(1, 2, 10), get(3, 4, 12)}));
  CHECK_FALSE(accepts({get(1, 2, 10), put(3, 4, 10)}));
  CHECK_FALSE(accepts({put(1, 10, 10), get(2, 3, 10), get(4, 5, nothing)}));
  CHECK_FALSE(accepts({put(1, 10, 10), put(2, 9, 11), get(11, 12, 10), get(13, 14, 11)}));
  CHECK_FALSE(accepts({put(1, 2, 10), erase(3, 4, false), get(5, 6, nothing)}));
}

TEST_CASE("an update that is lost is rejected", "[simulation][linearizability]") {
  // Both found the same value, and both replaced it.
  CHECK_FALSE(accepts({put(1, 2, 10), put_if(3, 8, 10, 11, true), put_if(4, 7, 10, 12, true)}));
  CHECK_FALSE(accepts({put_if(1, 8, nothing, 11, true), put_if(2, 7, nothing, 12, true)}));
  CHECK_FALSE(accepts({put(1, 2, 10), put_if(3, 4, 10, 11, true), get(5, 6, 10)}));
  // It was refused, and is there all the same; it should have been done.
  CHECK_FALSE(accepts({put(1, 2, 10), put_if(3, 4, 9, 11, false), get(5, 6, 11)}));
  CHECK_FALSE(accepts({put(1, 2, 10), put_if(3, 4, 10, 11, false)}));
}

TEST_CASE("a restart keeps what is durable and loses only the newest of the rest", "[simulation][linearizability]") {
  CHECK(accepts({put(1, 2, 10), put(3, 4, 11), restart(5, 6, 11), get(7, 8, 11)}));
  CHECK(accepts({put(1, 2, 10), put(3, 4, 11), restart(5, 6, 10), get(7, 8, 10)}));
  CHECK(accepts({put(1, 2, 10), put(3, 4, 11), restart(5, 6, nothing), put_if(7, 8, nothing, 12, true)}));
  CHECK(accepts({durable(put(1, 2, 10)), put(3, 4, 11), get(5, 6, 11), restart(7, 8, 10)}));
  CHECK(accepts({durable(put(1, 2, 10)), unknown(put(3, 4, 11), 5), get(6, 7, 10)}));
  // A put that was under way when the power went is there, or not, and stays so.
  CHECK(accepts({durable(put(1, 2, 10)), unknown(put(3, 4, 11), 5), restart(6, 7, 11), get(8, 9, 11)}));
  CHECK_FALSE(accepts({durable(put(1, 2, 10)), unknown(put(3, 4, 11), 5), restart(6, 7, 10), get(8, 9, 11)}));
  CHECK_FALSE(accepts({put(1, 2, 10), durable(put(3, 4, 11)), restart(5, 6, 10)}));
  CHECK_FALSE(accepts({durable(put(1, 2, 10)), restart(3, 4, nothing)}));
  CHECK_FALSE(accepts({durable(erase(1, 2)), restart(3, 4, 10)}, 10));
  // Back in time after it.
  CHECK_FALSE(accepts({put(1, 2, 10), put(3, 4, 11), restart(5, 6, 11), get(7, 8, 10)}));
  CHECK_FALSE(accepts({put(1, 2, 10), restart(3, 4, nothing), restart(5, 6, 10)}));
  CHECK_FALSE(accepts({put(1, 2, 10), put(3, 4, 11), reopened(restart(5, 6, 10))}));
  CHECK(accepts({put(1, 2, 10), put(3, 4, 11), reopened(restart(5, 6, 11))}));
  // What was there, and not durable yet, a second one may lose.
  register_call shown = reopened(restart(5, 6, 11));
  CHECK_FALSE(accepts({put(1, 2, 10), put(3, 4, 11), shown, restart(7, 8, 10)}));
  shown.settled = false;
  CHECK(accepts({put(1, 2, 10), put(3, 4, 11), shown, restart(7, 8, 10)}));
  CHECK_FALSE(accepts({put(1, 2, 10), put(3, 4, 11), shown, get(7, 8, 10)}));
}

TEST_CASE("what is rejected is told in words", "[simulation][linearizability]") {
  register_call stale = get(5, 6, 10);
  stale.who = "reader";
  const auto words = linearizability({put(1, 2, 10), put(3, 4, 11), stale}).check();
  REQUIRE(words);
  INFO(*words);
  CHECK(words->find("after 2 of 3 calls it holds 11, and none of these can be next:\n  reader get -> 10 [5, 6]") == 0);
}

TEST_CASE("random histories of a true register are accepted; with one answer changed to what can't be, they are not", "[simulation][linearizability]") {
  std::size_t rejected = 0;
  for (std::uint64_t seed = 1; seed <= rounds(300, 30'000); ++seed) {
    INFO("seed " << seed);
    std::uint64_t bits = seed;
    const auto draw = [&bits](std::uint64_t limit) {
      bits = bits * 6364136223846793005u + 1442695040888963407u;
      return (bits >> 33) % limit;
    };
    // Four clients, each with one call under way; a call takes effect at a moment of its own.
    struct client {
      std::size_t call = 0;
      int stage = 0;  // 0 idle, 1 invoked, 2 took effect
    };
    client clients[4];
    history calls;
    register_value now = nothing;
    std::uint64_t clock = 0;
    for (std::uint64_t step = 0; step < 400; ++step) {
      client& c = clients[draw(4)];
      if (c.stage == 0) {
        if (calls.size() >= 60) continue;
        c.call = calls.size();
        register_call call{static_cast<kind>(draw(4)), ++clock, for_ever};
        if (call.what == kind::put || call.what == kind::put_if) call.value = 100 + calls.size();
        if (call.what == kind::put_if) call.expected = draw(3) == 0 ? anything : draw(2) == 0 ? nothing : now;
        calls.push_back(call);
      } else if (c.stage == 1) {
        register_call& call = calls[c.call];
        if (draw(30) == 0) {  // never heard of again; and it may not happen at all
          call.known = false;
          c.stage = 0;
          if (draw(2) == 0) continue;
        }
        if (call.what == kind::get) call.value = now;
        if (call.what == kind::erase) call.done = now != nothing;
        if (call.what == kind::put_if) call.done = call.expected == anything ? now != nothing : now == call.expected;
        if (call.what == kind::put || (call.what == kind::put_if && *call.done)) now = call.value;
        if (call.what == kind::erase) now = nothing;
        if (!call.known) {
          call.done.reset();
          continue;
        }
      } else {
        calls[c.call].returned = ++clock;
      }
      c.stage = (c.stage + 1) % 3;
    }
    for (const client& c : clients)
      if (c.stage == 1) calls[c.call].known = false;
    for (register_call& call : calls)
      if (!call.known) call.done.reset();
    std::erase_if(calls, [](const register_call& call) { return !call.known && call.what == kind::get; });
    const auto words = linearizability(calls).check();
    if (words) FAIL("seed " << seed << ": " << *words);
    calls.push_back(get(clock + 1, clock + 2, now));
    CHECK(accepts(calls));
    // What was put before a later put began can't be there any more.
    const auto is_put = [](const register_call& call) { return call.what == kind::put && call.known && call.returned != for_ever; };
    const auto early = std::find_if(calls.begin(), calls.end(), is_put);
    if (early == calls.end()) continue;
    const auto late = std::find_if(early, calls.end(), [&](const register_call& call) { return is_put(call) && call.invoked > early->returned; });
    if (late == calls.end()) continue;
    calls.back().value = early->value;
    CHECK_FALSE(accepts(calls));
    ++rejected;
  }
  CHECK(rejected > 100);
}
