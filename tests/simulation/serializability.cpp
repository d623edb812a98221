// The judge of transactions is judged: each anomaly is found, and told in words.
#include "simulation/serializability.hpp"

#include <algorithm>

using namespace strata_tests;

namespace {

using fate = transaction_record::fate;
using history = std::vector<transaction_record>;

struct made : transaction_record {
  made(std::string named, std::uint64_t begin, std::uint64_t end) {
    name = std::move(named);
    began = begin;
    ended = end;
    is = fate::committed;
  }
  made& gets(const std::string& key, register_value value, std::uint64_t version = 0) {
    read(key, value, version);
    return *this;
  }
  made& puts(const std::string& key, register_value value) {
    write(key, value);
    return *this;
  }
  made& walks_all(std::map<std::string, std::pair<register_value, std::uint64_t>> rows) {
    walks.push_back({"a", "zz", steps.size(), std::move(rows)});
    return *this;
  }
  made& at(std::uint64_t commit) {
    sequence = commit;
    return *this;
  }
  made& as_of(std::uint64_t commit) {
    reads_at = commit;
    return *this;
  }
  made& ended_as(fate what) {
    is = what;
    return *this;
  }
};

std::string judged(history records) { return serializability(std::move(records)).check().value_or("fine"); }
bool says(const history& records, std::string_view words) {
  const std::string said = judged(records);
  UNSCOPED_INFO(said);
  return said.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("transactions that one order explains are accepted", "[simulation][serializability]") {
  CHECK(judged({}) == "fine");
  CHECK(judged({made("A", 1, 2).puts("x", 1).at(1), made("B", 3, 4).gets("x", 1, 1).puts("x", 2).at(2), made("C", 5, 6).gets("x", 2)}) == "fine");
  // Beside each other, and in an order that is not the one in which they began.
  CHECK(judged({made("A", 1, 9).gets("x", nothing).puts("y", 1).at(2), made("B", 2, 8).puts("x", 2).at(3), made("C", 3, 7).gets("y", nothing).as_of(0)}) == "fine");
  // Own writes, written over and erased.
  CHECK(judged({made("A", 1, 2).puts("x", 1).gets("x", 1).puts("x", 2).gets("x", 2).puts("x", nothing).gets("x", nothing).at(1)}) == "fine");
  CHECK(judged({made("A", 1, 2).puts("x", 1).at(1), made("B", 3, 4).puts("x", nothing).at(2), made("C", 5, 6).gets("x", nothing).as_of(2)}) == "fine");
  CHECK(judged({made("A", 1, 2).puts("x", 1).at(1), made("B", 3, 4).walks_all({{"x", {1, 1}}}).puts("y", 2).walks_all({{"x", {1, 1}}, {"y", {2, 0}}}).at(2)}) == "fine");
  // Rolled back: nobody saw it.
  CHECK(judged({made("A", 1, 2).puts("x", 1).ended_as(fate::aborted), made("B", 3, 4).gets("x", nothing)}) == "fine");
  // Of unknown fate: seen, or not.
  CHECK(judged({made("A", 1, for_ever).puts("x", 1).ended_as(fate::unknown), made("B", 3, 4).gets("x", 1, 7).as_of(7)}) == "fine");
  CHECK(judged({made("A", 1, for_ever).puts("x", 1).ended_as(fate::unknown), made("B", 3, 4).gets("x", nothing)}) == "fine");
  CHECK(judged({made("A", 1, 2).puts("x", 1).at(1), made("B", 3, for_ever).puts("x", nothing).ended_as(fate::unknown), made("C", 4, 5).gets("x", nothing).as_of(2)}) == "fine");
}

TEST_CASE("a lost update is found", "[simulation][serializability]") {
  const history lost = {made("A", 1, 8).gets("x", nothing).puts("x", 1).at(1), made("B", 2, 7).gets("x", nothing).puts("x", 2).at(2)};
  CHECK(says(lost, "no order of these is possible:"));
  CHECK(says(lost, "A wrote x before B"));
  CHECK(says(lost, "B read x before it was written by A"));
}

TEST_CASE("write skew is found", "[simulation][serializability]") {
  const history skewed = {made("T", 1, 2).puts("x", 1).puts("y", 2).at(1), made("A", 3, 9).gets("x", 1).gets("y", 2).puts("x", 3).at(2),
                          made("B", 4, 8).gets("x", 1).gets("y", 2).puts("y", 4).at(3)};
  CHECK(says(skewed, "A read y before it was written by B"));
  CHECK(says(skewed, "B read x before it was written by A"));
}

TEST_CASE("a phantom is found", "[simulation][serializability]") {
  // Each counts the rows and adds one that the other did not see.
  CHECK(says({made("A", 1, 9).walks_all({}).puts("a", 1).at(1), made("B", 2, 8).walks_all({}).puts("b", 2).at(2)}, "no order of these is possible:"));
  CHECK(says({made("A", 1, 2).puts("a", 1).at(1), made("B", 3, 4).walks_all({})}, "A had ended before the begin of B"));
}

TEST_CASE("a stale read is found, also where nothing but time speaks against it", "[simulation][serializability]") {
  CHECK(says({made("A", 1, 2).puts("x", 1).at(1), made("B", 3, 4).gets("x", nothing)}, "A had ended before the begin of B"));
  CHECK(says({made("A", 1, 2).puts("x", 1).at(1), made("B", 3, 4).puts("x", 2).at(2), made("C", 5, 6).gets("x", 1, 1)}, "C read x before it was written by B"));
  // What came before a crash, and was durable, is not gone after it.
  CHECK(says({made("A", 1, 2).puts("x", 1).at(5), made("after the crash", 10, 11).gets("x", nothing)}, "A had ended before the begin of after the crash"));
}

TEST_CASE("dirty reads are found: of what was rolled back, replaced, or never written", "[simulation][serializability]") {
  CHECK(says({made("A", 1, 5).puts("x", 1).ended_as(fate::aborted), made("B", 2, 4).gets("x", 1)}, "B read 1 from x, which A rolled back"));
  CHECK(says({made("A", 1, 5).puts("x", 1).puts("x", 2).at(1), made("B", 2, 6).gets("x", 1)}, "which A itself replaced by 2"));
  CHECK(says({made("A", 1, 5).gets("x", 77)}, "A read 77 from x, which nobody wrote"));
  CHECK(says({made("A", 1, 5).puts("y", 77).at(1), made("B", 6, 7).gets("x", 77)}, "which A wrote elsewhere"));
  CHECK(says({made("A", 1, 5).gets("x", 1).puts("x", 1).at(1)}, "before it wrote it"));
}

TEST_CASE("a transaction that does not see its own writes is found", "[simulation][serializability]") {
  CHECK(says({made("A", 1, 5).puts("x", 1).gets("x", nothing).at(1)}, "A wrote 1 to x, and then read nothing"));
  CHECK(says({made("A", 1, 5).puts("x", 1).walks_all({}).at(1)}, "A wrote 1 to x, and then read nothing"));
}

TEST_CASE("half a commit is found", "[simulation][serializability]") {
  CHECK(says({made("A", 1, 9).puts("x", 1).puts("y", 2).at(4), made("B", 2, 8).gets("x", 1).gets("y", nothing)}, "B read y before it was written by A"));
  CHECK(says({made("A", 1, 9).puts("x", 1).puts("y", 2).at(4), made("B", 2, 8).gets("x", 1, 4).gets("y", 2, 5)}, "saw y of it as of commit 5"));
}

TEST_CASE("a read that is not as of its snapshot is found", "[simulation][serializability]") {
  const made a = made("A", 1, 2).puts("x", 1).at(3);
  const made b = made("B", 3, 4).puts("x", nothing).at(5);
  CHECK(judged({a, b, made("C", 1, 9).gets("x", 1).as_of(4)}) == "fine");
  CHECK(says({a, b, made("C", 1, 9).gets("x", 1).as_of(5)}, "where B had replaced it"));
  CHECK(says({a, b, made("C", 1, 9).gets("x", 1).as_of(2)}, "of commit 3, as of commit 2"));
  CHECK(says({a, b, made("C", 1, 9).gets("x", nothing).as_of(4)}, "C found no x as of commit 4, where A had written 1"));
  // As each says, and yet in no order: D came after B.
  CHECK(says({a, b, made("D", 5, 9).gets("x", 1).as_of(4)}, "B had ended before the begin of D"));
}

TEST_CASE("a long cycle is found, and the shortest of several told", "[simulation][serializability]") {
  history ring;
  const std::uint64_t length = 7;
  for (std::uint64_t i = 0; i < length; ++i)
    ring.push_back(made("T" + std::to_string(i), 1 + i, 100 + i)
                       .gets("k" + std::to_string(i), nothing)
                       .puts("k" + std::to_string((i + 1) % length), i + 1)
                       .at(i + 1));
  // Each read a key before another wrote it, all around.
  const std::string said = judged(ring);
  CHECK(said.find("no order of these is possible:") == 0);
  CHECK(std::count(said.begin(), said.end(), '\n') == static_cast<std::ptrdiff_t>(length));
  ring.push_back(made("A", 200, 208).gets("x", nothing).puts("x", 101).at(101));
  ring.push_back(made("B", 201, 207).gets("x", nothing).puts("x", 102).at(102));
  CHECK(says(ring, "A wrote x before B"));
}
