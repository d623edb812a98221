// Ten million entries: load, compact, verify, reopen in less than two seconds, and read all of them back, up and down.
//
// Ends with 1 when an entry is missing, wrong or out of place, or the reopening took too long.
#include <strata/strata.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "checked.hpp"
#include "compare/clock.hpp"
#include "data.hpp"

namespace {

using benchmark::checked;
using benchmark::data_set;
using benchmark::failure;
using benchmark::now_s;
using database = strata::store<>;

constexpr strata::kv<std::string, std::string> entries{"entries"};
constexpr double reopen_s_max = 2;

void tell(const char* step, double begin, std::uint64_t count = 0) {
  const double seconds = now_s() - begin;
  if (count == 0) {
    std::printf("%-28s %9.3f s\n", step, seconds);
  } else {
    std::printf("%-28s %9.3f s  %10.0f entries/s\n", step, seconds, static_cast<double>(count) / seconds);
  }
  std::fflush(stdout);
}

void load(database& db, const data_set& data) {
  const auto view = db[entries];
  data_set::key key(data);
  const double begin = now_s();
  for (std::uint64_t i = 0; i < data.entries(); ++i) {
    const std::uint64_t index = data.shuffled(i);
    checked(view.put(key.of_entry(index), data.value(index, 0)), "put");
  }
  tell("load, random order", begin, data.entries());
}

// Every key and every value is compared, not a sample.
void read_back_up(database& db, const data_set& data) {
  data_set::key expected(data);
  std::uint64_t next = 0;
  const double begin = now_s();
  for (auto&& [key, value] : db[entries].scan()) {
    if (next == data.entries()) throw failure("there are more entries than were written");
    if (key != expected.of_entry(next) || value != data.value(next, 0))
      throw failure("going up, entry " + std::to_string(next) + " is missing or wrong");
    ++next;
  }
  if (next != data.entries()) throw failure("going up, there are " + std::to_string(next) + " entries");
  tell("read back, going up", begin, next);
}

void read_back_down(database& db, const data_set& data) {
  data_set::key expected(data);
  std::uint64_t left = data.entries();
  const double begin = now_s();
  for (auto&& [key, value] : db[entries].scan(strata::descending{})) {
    if (left == 0) throw failure("there are more entries than were written");
    --left;
    if (key != expected.of_entry(left) || value != data.value(left, 0))
      throw failure("going down, entry " + std::to_string(left) + " is missing or wrong");
  }
  if (left != 0) throw failure("going down, " + std::to_string(left) + " entries are missing");
  tell("read back, going down", begin, data.entries());
}

void look_up(database& db, const data_set& data) {
  const auto view = db[entries];
  const std::uint64_t count = data.entries() / 10 + 1;
  benchmark::random_numbers random(1);
  data_set::key key(data);
  std::string value;
  const double begin = now_s();
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t index = random.below(data.entries());
    if (!checked(view.get_into(key.of_entry(index), value), "get") || value != data.value(index, 0))
      throw failure("entry " + std::to_string(index) + " is not found");
    if (checked(view.contains(key.behind_entry(index)), "contains")) throw failure("a key is found that was never written");
  }
  tell("look up, there and absent", begin, 2 * count);
}

void tell_shape(database& db) {
  const strata::statistics now = db.stats();
  std::printf("%-28s", "tables per level");
  for (const auto& level : now.levels) std::printf(" %llu", static_cast<unsigned long long>(level.tables));
  std::printf("; %.1f MiB, index and filters %.1f MiB\n", static_cast<double>(now.table_bytes) / 1048576.0,
              static_cast<double>(now.index_and_filter_bytes) / 1048576.0);
}

int run(const data_set& data, const std::string& directory) {
  std::filesystem::remove_all(directory);
  {
    database db = checked(database::open(directory), "open");
    load(db, data);
    double begin = now_s();
    checked(db.compact(), "compact");
    tell("compact", begin);
    std::printf("%-28s %9.2f x\n", "write amplification", db.stats().write_amplification());
    tell_shape(db);
    begin = now_s();
    checked(db.verify(), "verify");
    tell("verify", begin);
    begin = now_s();
    checked(db.close(), "close");
    tell("close", begin);
  }
  const double begin = now_s();
  database db = checked(database::open(directory), "reopen");
  const double reopen_s = now_s() - begin;
  tell("reopen", begin);
  read_back_up(db, data);
  read_back_down(db, data);
  look_up(db, data);
  checked(db.close(), "close");
  std::filesystem::remove_all(directory);
  if (reopen_s >= reopen_s_max) {
    std::printf("FAILED: the reopening took %.3f s, and must take less than %.0f s\n", reopen_s, reopen_s_max);
    return 1;
  }
  std::printf("%llu entries are complete in both directions\n", static_cast<unsigned long long>(data.entries()));
  return 0;
}

}  // namespace

int main(int count, char** words) {
  std::uint64_t wanted = 10'000'000;
  std::string directory = "large.data";
  for (int i = 1; i < count; i += 2) {
    const std::string option = words[i];
    if (i + 1 < count && option == "--entries") {
      wanted = std::strtoull(words[i + 1], nullptr, 10);
    } else if (i + 1 < count && option == "--directory") {
      directory = words[i + 1];
    } else {
      std::fprintf(stderr, "usage: large [--entries N (10000000)] [--directory PATH (./large.data; what it holds is removed)]\n");
      return 2;
    }
  }
  try {
    return run(data_set(wanted, 16, 100), directory);
  } catch (const std::exception& wrong) {
    std::printf("FAILED: %s\n", wrong.what());
    return 1;
  }
}
