// What every way of using Strata builds and runs: a program of its users, in one file.
//
// It is also compiled twice and linked with itself (then `main` has another name), without exceptions, and with macros
// called min and max: whatever it defines is in an unnamed namespace, and it catches nothing.
#include <cstdio>
#include <string>

#include <strata/strata.hpp>

namespace {

struct user {
  std::string name;
  int age = 0;
};

constexpr strata::kv<std::string, user> users{"users"};
constexpr strata::kv<std::pair<std::string, std::uint32_t>, std::string> notes{"notes"};

using user_store = strata::store<strata::compaction::tiered, strata::schema<users, notes>>;

strata::result<int> total_age(user_store& db) {
  int total = 0;
  auto rows = db[users].scan(strata::from("a"), strata::before("z"));
  while (rows.next()) total += rows.row().second.age;
  STRATA_TRY(rows.status());
  return total;
}

strata::result<int> run() {
  STRATA_TRY_LET(db, user_store::open_temp({.durability = strata::durability::strict}));
  STRATA_TRY(db[users].put("ada", {"Ada", 36}));
  STRATA_TRY(db[users].put("bob", {"Bob", 40}));
  STRATA_TRY(db[notes].put(std::pair<std::string, std::uint32_t>("ada", 1), "first"));
  STRATA_TRY(db.transact([](auto& tx) -> strata::result<int> {
    STRATA_TRY_LET(ada, tx[users].get("ada"));
    ++ada->age;
    STRATA_TRY(tx[users].put("ada", *ada));
    return ada->age;
  }));
  STRATA_TRY(db.compact());
  STRATA_TRY(db.verify());
  STRATA_TRY_LET(notes_of_ada, db[notes].count(strata::prefix("ada")));
  if (notes_of_ada != 1) return 0;
  return total_age(db);
}

}  // namespace

int main() {
  const strata::result<int> total = run();
  if (!total) {
    std::fprintf(stderr, "%s\n", total.error().message().c_str());
    return 1;
  }
  if (*total != 77) return 2;
  std::printf("strata %d.%d.%d works\n", STRATA_VERSION_MAJOR, STRATA_VERSION_MINOR, STRATA_VERSION_PATCH);
  return 0;
}
