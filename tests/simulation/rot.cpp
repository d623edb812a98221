// Rot: every byte of every file of a store, changed in three ways. Of a store that was closed in order every change is
// noticed, with file and offset, when it is opened or when it is verified, but for one of the last record of a log, without
// which nothing is missing; and no answer is ever wrong. Of one whose process was killed a change is noticed, or leaves a
// prefix of the commits that holds all that was durable.
#include "simulation/crashes.hpp"

#include <bit>

#include <strata/compaction/tiered.hpp>
#include <strata/memtable/skip_list.hpp>

using namespace strata_tests;
using strata::durability;
using strata::errc;

namespace {

template <typename Memtable, typename Wal, typename Sstable, typename Compaction>
using store_of = strata::engine::lsm_store<simulated, Memtable, Wal, Sstable, Compaction>;

// Changes of a byte, those that change it.
std::vector<char> changes(char byte, std::uint64_t drawn) {
  std::vector<char> all;
  for (const char other : {static_cast<char>(byte ^ (1 << (drawn % 8))), '\0', '\xFF'})
    if (other != byte) all.push_back(other);
  return all;
}

// A byte that is another one while this lives.
class rotten_byte {
 public:
  rotten_byte(const simulated& world, const std::string& path, std::size_t offset, char was, char is)
      : world_(world), path_(path), offset_(offset), was_(was) {
    require_ok(world_.overwrite(path_, offset_, is));
  }
  rotten_byte(const rotten_byte&) = delete;
  rotten_byte& operator=(const rotten_byte&) = delete;
  ~rotten_byte() { static_cast<void>(world_.overwrite(path_, offset_, was_)); }

 private:
  const simulated& world_;
  const std::string& path_;
  std::size_t offset_;
  char was_;
};

// Whether an error is one that a changed byte of `path` may give.
bool tells_of(const strata::error& said, const std::string& path) {
  if (said.file() != path) return false;
  if (said.code() == errc::corruption) return said.has_offset();
  return said.code() == errc::not_a_store || said.code() == errc::unsupported_version;
}

// Reads everything, both ways and by key: each answer is right, or an error that tells of `path`. The words of what is not so.
template <typename Store>
std::string read_all(Store& store, const contents& expected, const std::string& path) {
  auto made = store.make_cursor({"", "", true}, strata::sequence_max);
  if (!made) return tells_of(made.error(), path) ? "" : "a cursor: " + made.error().message();
  auto& cursor = **made;
  auto at = expected.begin();
  for (cursor.seek_first(); cursor.valid(); cursor.next(), ++at)
    if (at == expected.end() || cursor.key() != at->first || cursor.value() != at->second) return "a wrong row";
  if (const auto ended = cursor.status(); !ended) {
    if (!tells_of(ended.error(), path)) return "a scan: " + ended.error().message();
  } else if (at != expected.end()) {
    return "a scan that ends early";
  }
  auto from_end = expected.rbegin();
  for (cursor.seek_last(); cursor.valid(); cursor.prev(), ++from_end)
    if (from_end == expected.rend() || cursor.key() != from_end->first || cursor.value() != from_end->second)
      return "a wrong row from the end";
  if (const auto ended = cursor.status(); !ended) {
    if (!tells_of(ended.error(), path)) return "a scan from the end: " + ended.error().message();
  } else if (from_end != expected.rend()) {
    return "a scan from the end that ends early";
  }
  for (const auto& row : expected) {
    bool same = false;
    auto found = store.get(row.first, strata::sequence_max,
                           [&](strata::bytes_view v, strata::sequence_number, std::uint64_t) { same = v == row.second; });
    if (!found.has_value()) {
      if (!tells_of(found.error(), path)) return "a get: " + found.error().message();
    } else if (!*found || !same) {
      return "a wrong value";
    }
  }
  return "";
}

// Commits of every kind, so many that they lie in tables of several levels, in a segment that is complete, and in one that
// is not.
template <typename Store>
struct filled_store {
  simulated world{strata::environment::simulation{.switch_one_in = 64}};
  strata::options amounts = tiny_options();
  std::vector<contents> states{{}};
  std::size_t durable = 0;

  filled_store() { amounts.durability = durability::buffered; }

  void commit(Store& store, std::size_t i) {
    strata::engine::write_batch batch;
    contents next = states.back();
    const std::string changed = "key" + std::to_string(i * 7 % 40);
    const std::string value(20 + i % 50, static_cast<char>('a' + i % 26));
    if (i % 11 == 5) {
      batch.erase(0, changed);
      next.erase(changed);
    } else if (i % 11 == 7) {
      batch.put_expiring(0, changed, value, 9'000'000'000'000'000);
      next[changed] = value;
    } else if (i % 17 == 9) {
      batch.erase_range(0, "key2", "key25");
      next.erase(next.lower_bound("key2"), next.lower_bound("key25"));
    } else {
      batch.put(0, changed, value);
      next[changed] = value;
    }
    const std::string number = std::to_string(states.size());
    batch.put(0, "~", number);
    next["~"] = number;
    states.push_back(std::move(next));
    const bool strict = i % 9 == 4;
    require_ok(store.commit(batch, strict ? durability::strict : durability::none));
    if (strict) durable = states.size() - 1;
  }
  std::unique_ptr<Store> fill() {
    auto store = open_store<Store>(world, "store", amounts);
    for (std::size_t i = 0; i < 90; ++i) {
      commit(*store, i);
      if (i == 30 || i == 45 || i == 70) require_ok(store->flush());
      if (i == 50) require_ok(store->compact());
    }
    return store;
  }
  // Those that hold bytes.
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> paths;
    for (const std::string& name : sorted_names(world, "store"))
      if (name != "LOCK") paths.push_back("store/" + name);
    return paths;
  }
};

std::uint64_t thin(std::uint64_t all) { return crash_effort::depth == 2 ? all : 12 * all; }

template <typename Store>
void rot_everywhere(const char* composition) {
  stay_on_one_core();
  filled_store<Store> made;
  require_ok(made.fill()->close());
  const contents& expected = made.states.back();
  std::uint64_t cases = 0;
  std::uint64_t by_opening = 0;
  std::uint64_t kinds = 0;
  for (const std::string& path : made.files()) {
    const std::string whole = read_file(made.world, path);
    REQUIRE_FALSE(whole.empty());
    kinds |= 1u << static_cast<unsigned>(strata::engine::parse_file_name(path.substr(6)).type);
    for (std::size_t offset = 0; offset < whole.size(); offset += thin(1)) {
      for (const char byte : changes(whole[offset], offset)) {
        const auto wrong = [&](const std::string& words) {
          FAIL(composition << ": " << path << ", offset " << offset << ", " << int{static_cast<unsigned char>(whole[offset])}
                           << " is now " << int{static_cast<unsigned char>(byte)} << ": " << words);
        };
        const rotten_byte rotten(made.world, path, offset, whole[offset], byte);
        ++cases;
        auto opened = Store::open_read_only(made.world, "store", made.amounts);
        if (!opened) {
          if (!tells_of(opened.error(), path)) wrong("opening: " + opened.error().message());
          ++by_opening;
          // Nor does a writer take it for what a crash left, or remove anything.
          if (cases % 16 == 0) {
            const simulated copy = made.world.after_power_cut({.keeps = power_cut::keeping::everything});
            const auto names = sorted_names(copy, "store");
            auto refused = Store::open(copy, "store", made.amounts);
            if (refused || !tells_of(refused.error(), path)) wrong("a writer opens it, or tells of something else");
            if (sorted_names(copy, "store") != names) wrong("a writer that refused it changed the directory");
          }
          continue;
        }
        if (const std::string words = read_all(**opened, expected, path); !words.empty()) wrong(words);
        // The last record of a log says that all before it is durable. Without it nothing is missing.
        const bool ends_a_log = path.find(".table") == std::string::npos && offset >= whole.size() - strata::record_bytes(0);
        const auto verified = (*opened)->verify();
        if (verified && ends_a_log) continue;
        if (verified) wrong("verify() finds nothing");
        if (!tells_of(verified.error(), path)) wrong("verify(): " + verified.error().message());
      }
    }
  }
  WARN(composition << ": " << cases << " changes, " << by_opening << " of them noticed by opening, the rest by verify()");
  // A manifest, CURRENT, a segment, tables.
  CHECK(std::popcount(kinds) == 4);
  CHECK(cases > 1000);
  CHECK(scan(*open_store<Store>(made.world, "store", made.amounts)) == expected);
}

template <typename Store>
void rot_unclosed(const char* composition) {
  stay_on_one_core();
  filled_store<Store> made;
  const auto running = made.fill();
  const simulated killed = made.world.after_power_cut({.keeps = power_cut::keeping::everything}, {.switch_one_in = 64});
  std::uint64_t cases = 0;
  std::uint64_t refused = 0;
  for (const std::string& path : made.files()) {
    if (path.find(".log") == std::string::npos) continue;
    const std::string whole = read_file(killed, path);
    for (std::size_t offset = 0; offset < whole.size(); offset += thin(1)) {
      for (const char byte : changes(whole[offset], offset)) {
        const auto wrong = [&](const std::string& words) {
          FAIL(composition << ": " << path << ", offset " << offset << ", " << int{static_cast<unsigned char>(whole[offset])}
                           << " is now " << int{static_cast<unsigned char>(byte)} << ": " << words);
        };
        const rotten_byte rotten(killed, path, offset, whole[offset], byte);
        ++cases;
        auto opened = Store::open_read_only(killed, "store", made.amounts);
        if (!opened) {
          if (!tells_of(opened.error(), path)) wrong("opening: " + opened.error().message());
          ++refused;
          continue;
        }
        const contents found = scan(**opened);
        const auto marker = found.find("~");
        const std::size_t state = marker == found.end() ? 0 : static_cast<std::size_t>(std::stoull(marker->second));
        if (state < made.durable || state >= made.states.size()) wrong("it holds commit " + std::to_string(state));
        if (found != made.states[state]) wrong("it is not as commit " + std::to_string(state) + " left it");
      }
    }
  }
  WARN(composition << ", killed: " << cases << " changes of its log, " << refused << " refused");
  CHECK(refused > 0);
  CHECK(refused < cases);
}

}  // namespace

TEST_CASE("every changed byte of a closed store is noticed, and no answer is wrong", "[simulation][rot]") {
  rot_everywhere<default_store<simulated>>("default");
  rot_everywhere<store_of<strata::memtable::skip_list, strata::wal::segmented, strata::sstable::block_table<strata::filter::none>, strata::compaction::tiered>>(
      "tiered, without filters");
}

TEST_CASE("a changed byte in the log of a killed process is noticed, or leaves a prefix that holds what was durable", "[simulation][rot]") {
  rot_unclosed<default_store<simulated>>("default");
}
