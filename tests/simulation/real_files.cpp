// The simulated disk and the operating system's, asked the same: they answer the same.
#include "simulation/crashes.hpp"

#include <algorithm>

#include <strata/environment/posix.hpp>

using strata::environment::posix;
using strata_tests::crash_effort;
using strata_tests::simulated;

namespace {

// What came of a call, as text.
template <typename Value>
std::string outcome(const strata::result<Value>& result) {
  if (!result.has_value()) return std::string(strata::to_string(result.error().code()));
  if constexpr (std::is_same_v<Value, bool>) {
    return result.value() ? "yes" : "no";
  } else if constexpr (std::is_integral_v<Value>) {
    return std::to_string(result.value());
  } else {
    return "done";
  }
}

template <typename Environment>
class client {
 public:
  client(const Environment& environment, std::string root) : environment_(environment), root_(std::move(root)) {}

  std::string ask(std::uint64_t seed) {
    strata::environment::detail::simulated_random random(seed);
    const auto path = [&] { return root_ + "/" + name(random); };
    const std::string first = path(), second = path();
    const std::size_t slot = static_cast<std::size_t>(random.below(4));
    switch (random.below(15)) {
      case 0: {
        auto made = environment_.create_file(first);
        std::string said = outcome(made);
        if (made.has_value()) files_[slot] = std::move(*made);
        return said;
      }
      case 1: {
        auto opened = environment_.open_writable(first, random.below(300));
        std::string said = outcome(opened);
        if (opened.has_value()) files_[slot] = std::move(*opened);
        return said;
      }
      case 2:
      case 3:
      case 4: {
        if (!files_[slot] || files_[slot]->size() > 20'000) return "";
        const std::string bytes(static_cast<std::size_t>(random.below(700)), static_cast<char>(random.next()));
        std::string said = outcome(files_[slot]->append(bytes));
        return said + std::to_string(files_[slot]->size());
      }
      case 5: {
        auto file = environment_.open_readable(first);
        if (!file.has_value()) return outcome(file);
        char bytes[512];
        auto count = file->read(random.below(20'000), bytes, sizeof bytes);
        if (!count.has_value()) return outcome(count);
        return std::to_string(file->size()) + std::string(bytes, *count);
      }
      case 6: return outcome(environment_.file_exists(first));
      case 7: return outcome(environment_.file_size(first));
      case 8: return outcome(environment_.rename_file(first, second));
      case 9: return outcome(environment_.remove_file(first));
      case 10: return outcome(environment_.link_file(first, second));
      case 11: return outcome(environment_.create_directory(first));
      case 12: return outcome(environment_.remove_directory(first));
      case 13: {
        if (!files_[slot]) return "";
        return outcome(files_[slot]->zero_fill(random.below(22'000))) + std::to_string(files_[slot]->size());
      }
      default: {
        auto names = environment_.list_directory(first);
        if (!names.has_value()) return outcome(names);
        std::sort(names->begin(), names->end());
        std::string all;
        for (const std::string& each : *names) all += each + " ";
        return all;
      }
    }
  }

 private:
  // Few names, of files and of directories up to three deep.
  static std::string name(strata::environment::detail::simulated_random& random) {
    std::string all(1, static_cast<char>('a' + random.below(5)));
    for (int depth = 0; depth < 2 && random.one_in(3); ++depth) (all += '/') += static_cast<char>('a' + random.below(4));
    return all;
  }

  Environment environment_;
  std::string root_;
  std::optional<typename Environment::writable_file> files_[4];
};

void remove_all(const posix& files, const std::string& directory) {
  for (const std::string& name : files.list_directory(directory).value()) {
    const std::string path = directory + "/" + name;
    if (!files.remove_file(path).has_value()) remove_all(files, path);
  }
  strata_tests::require_ok(files.remove_directory(directory));
}

}  // namespace

TEST_CASE("the simulated disk answers as the real one does", "[simulation]") {
  const posix real;
  const simulated world;
  const std::string directory = real.temporary_directory().value();
  client<posix> theirs(real, directory);
  client<simulated> ours(world, world.temporary_directory().value());
  const std::size_t operations = rounds(crash_effort::calls, 20 * crash_effort::calls);
  for (std::uint64_t i = 0; i < operations; ++i) {
    const std::string expected = theirs.ask(i);
    const std::string found = ours.ask(i);
    if (found != expected) FAIL("operation " << i << ": the real one says " << expected << ", the simulated " << found);
  }
  remove_all(real, directory);
}
