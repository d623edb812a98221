// The example, and one more command for its test: `--dump` prints all that quickstart.data holds, row by row.
#include <algorithm>

#define main quickstart_main
#include "../../../examples/quickstart.cpp"  // NOLINT: the program, whole
#undef main

namespace {

void dump() {
  const auto db = index_store::open_read_only("quickstart.data").value();
  for (auto&& [name, value] : db[about].scan()) std::printf("about %s %s\n", name.c_str(), value.c_str());
  for (auto&& [path, facts] : db[files].scan())
    std::printf("file %s %ju %jd %jx %u %u\n", path.c_str(), static_cast<std::uintmax_t>(facts.bytes),
                static_cast<std::intmax_t>(facts.modified), static_cast<std::uintmax_t>(facts.hash), facts.lines,
                facts.words);
  for (auto&& [at, lines] : db[places].scan()) {
    std::printf("place %s %s", at.word.c_str(), at.path.c_str());
    for (const std::uint32_t line : lines) std::printf(" %u", line);
    std::printf("\n");
  }
  for (auto&& [path, words] : db[words_of].scan()) {
    word_list sorted = words;  // their order follows the hash table of the run that wrote them
    std::sort(sorted.begin(), sorted.end());
    std::printf("words_of %s", path.c_str());
    for (const std::string& word : sorted) std::printf(" %s", word.c_str());
    std::printf("\n");
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2 || std::string_view(arguments[1]) != "--dump") return quickstart_main(count, arguments);
  try {
    dump();
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "dump: %s\n", failure.what());
    return 1;
  }
}
