// An index of every word in a folder, kept in a durable store. It needs a compiler and nothing else:
//
//   c++ -std=c++20 -O2 -pthread -Isingle_include examples/quickstart.cpp -o quickstart
//   ./quickstart .          indexes the text files below the folder, into quickstart.data
//   ./quickstart . WORD     the same, then says where the word stands. What did not change is not read again
//
// Kill it at any moment, with kill -9 too: of each file all is in the index or nothing, and the next start goes on.
#include <strata/strata.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <unordered_map>

#include <unistd.h>  // isatty

namespace fs = std::filesystem;

// ---- what is stored: plain structs, and the collections that hold them -----------------------------------------------

struct file_facts {
  std::uint64_t bytes = 0;
  std::int64_t modified = 0;  // in ticks of the file system's clock
  std::uint64_t hash = 0;
  std::uint32_t lines = 0;
  std::uint32_t words = 0;  // different ones
};

// A struct as a key is ordered by its fields, first to last: all places of a word lie side by side.
struct place {
  std::string word;
  std::string path;
};

using line_numbers = std::vector<std::uint32_t>;

inline constexpr strata::kv<std::string, file_facts> files{"files"};  // by path, as seen from the folder
inline constexpr strata::kv<place, line_numbers> places{"places"};
// The words of each file, so that its places are found again when it changes or disappears.
inline constexpr strata::kv<std::string, std::vector<std::string>> words_of{"words_of"};
inline constexpr strata::kv<std::string, std::string> about{"about"};  // "folder": which one this is

using index_store = strata::store<strata::schema<files, places, words_of, about>>;

// ---- from text to words ----------------------------------------------------------------------------------------------

using words_with_lines = std::unordered_map<std::string, line_numbers>;

constexpr std::size_t word_bytes_max = 64;  // longer ones are data, not words

// Letters, digits, '_', and whatever UTF-8 has beyond ASCII.
bool is_in_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & '\x80') != 0;
}
char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// Notes on which lines each word stands. Returns the number of lines.
std::uint32_t find_words(std::string_view text, words_with_lines& found) {
  std::uint32_t line = 1;
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && is_in_word(text[i])) {
      word.push_back(to_lower(text[i]));
      continue;
    }
    if (!word.empty() && word.size() <= word_bytes_max) {
      line_numbers& lines = found[word];
      if (lines.empty() || lines.back() != line) lines.push_back(line);
    }
    word.clear();
    if (i < text.size() && text[i] == '\n') ++line;
  }
  return text.empty() || text.back() == '\n' ? line - 1 : line;
}

// ---- the index -------------------------------------------------------------------------------------------------------

constexpr std::uint64_t file_bytes_max = 16 << 20;  // a file is held in memory as a whole
constexpr std::size_t batch_bytes_max = 2 << 20;    // so much text goes into one commit

class indexer {
 public:
  indexer(index_store& db, fs::path folder, fs::path data) : db_(db), folder_(std::move(folder)), data_(std::move(data)) {}

  // Brings the index up to date with the folder. Every `value()` here gives what was asked for, or throws why not.
  void refresh() {
    if (db_[about].get("folder").value() != folder_.string()) begin_anew();
    walk(folder_);
    commit_batch();
    forget_missing_files();
    if (on_terminal_) std::fprintf(stderr, "\r\033[K");
  }

  void print_summary() const {
    const std::chrono::duration<double> time = clock::now() - begin_;
    const strata::statistics stats = db_.stats();
    std::printf("%zu files, %.1f MB, %zu lines, %zu words and files they stand in\n", files_, mega(bytes_), lines_, words_);
    std::printf("  read %zu files, %.1f MB, in %.2f s (%.1f MB/s); %zu unchanged, %zu gone\n", read_, mega(bytes_read_),
                time.count(), mega(bytes_read_) / time.count(), unchanged_, gone_);
    std::printf("  skipped %zu binary, %zu above %u MiB, %zu unreadable\n", binary_, too_large_,
                static_cast<unsigned>(file_bytes_max >> 20), unreadable_);
    std::printf("  store: %.1f MB in %zu tables, %.1f MB in memory and log; %zu commits, %zu writes\n", mega(stats.table_bytes),
                static_cast<std::size_t>(stats.tables), mega(stats.memtable_bytes), static_cast<std::size_t>(stats.commits),
                static_cast<std::size_t>(stats.writes));
  }

 private:
  using clock = std::chrono::steady_clock;

  struct parsed_file {
    std::string path;
    file_facts facts;
    words_with_lines words;
  };

  static double mega(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

  // An index is of one folder. What was there goes in one commit: one write a collection, however much it holds.
  void begin_anew() {
    db_.transact([&](auto& tx) -> strata::result<void> {
        tx[files].erase_range().value();
        tx[places].erase_range().value();
        tx[words_of].erase_range().value();
        tx[about].put("folder", folder_.string()).value();
        return {};
      }).value();
  }

  void walk(const fs::path& folder) {
    std::error_code failed;
    fs::directory_iterator entry(folder, failed);
    for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
      const fs::file_type type = entry->symlink_status(failed).type();
      failed.clear();  // it may be gone by now
      if (type == fs::file_type::regular) visit(*entry);
      if (type == fs::file_type::directory && entry->path() != data_ && entry->path().filename() != ".git") walk(entry->path());
    }
    if (failed) ++unreadable_;
  }

  void visit(const fs::directory_entry& entry) {
    show_progress();
    parsed_file file;
    file.path = entry.path().lexically_relative(folder_).string();
    // Looked at before it is read: a change that comes in between is seen by the next start.
    std::error_code failed;
    file.facts.bytes = entry.file_size(failed);
    if (!failed) file.facts.modified = static_cast<std::int64_t>(entry.last_write_time(failed).time_since_epoch().count());

    const std::optional<file_facts> known = db_[files].get(file.path).value();
    if (!failed && known && known->bytes == file.facts.bytes && known->modified == file.facts.modified) {
      ++unchanged_;
      return;
    }
    if (failed || !can_be_indexed(entry, file.facts.bytes)) {
      if (known) forget(file.path);
      return;
    }
    ++read_;
    bytes_read_ += text_.size();
    file.facts.hash = strata::hash64(text_);
    if (known && known->hash == file.facts.hash && known->bytes == file.facts.bytes) {  // touched, but the same
      db_[files].put(file.path, {known->bytes, file.facts.modified, known->hash, known->lines, known->words}).value();
      return;
    }
    file.facts.lines = find_words(text_, file.words);
    file.facts.words = static_cast<std::uint32_t>(file.words.size());
    batch_.push_back(std::move(file));
    batch_bytes_ += text_.size();
    if (batch_bytes_ >= batch_bytes_max) commit_batch();
  }

  // Reads the file into `text_`; false where it is none for an index.
  bool can_be_indexed(const fs::directory_entry& entry, std::uint64_t bytes) {
    if (bytes > file_bytes_max) return ++too_large_, false;
    std::ifstream in(entry.path(), std::ios::binary);
    text_.resize(bytes);
    if (in) in.read(text_.data(), static_cast<std::streamsize>(bytes));
    if (in.bad() || !in.is_open()) return ++unreadable_, false;
    text_.resize(static_cast<std::size_t>(in.gcount()));
    if (std::string_view(text_).substr(0, 8192).find('\0') != std::string_view::npos) return ++binary_, false;
    return true;
  }

  // All of the batch in one commit: it happens as a whole, or, should we be killed, not at all.
  void commit_batch() {
    db_.transact([&](auto& tx) -> strata::result<void> {
        for (const parsed_file& file : batch_) {
          erase_places(tx, file.path, file.words);
          std::vector<std::string> words;
          for (const auto& [word, lines] : file.words) {
            tx[places].put(std::tie(word, file.path), lines).value();  // a struct key may be given as a tuple: no copies
            words.push_back(word);
          }
          tx[words_of].put(file.path, words).value();
          tx[files].put(file.path, file.facts).value();
        }
        return {};
      }).value();
    batch_.clear();
    batch_bytes_ = 0;
  }

  void forget(const std::string& path) {
    db_.transact([&](auto& tx) -> strata::result<void> {
        erase_places(tx, path, {});
        tx[words_of].erase(path).value();
        tx[files].erase(path).value();
        return {};
      }).value();
  }

  // Of words that are in `kept` as well the places stay: they are about to be overwritten.
  static void erase_places(auto& tx, const std::string& path, const words_with_lines& kept) {
    const std::optional<std::vector<std::string>> words = tx[words_of].get(path).value();
    if (!words) return;
    for (const std::string& word : *words)
      if (!kept.contains(word)) tx[places].erase(std::tie(word, path)).value();
  }

  // A scan sees the store as it was when the scan began, whatever is erased meanwhile.
  void forget_missing_files() {
    for (auto&& [path, facts] : db_[files].scan()) {
      std::error_code failed;
      const fs::file_type type = fs::symlink_status(folder_ / path, failed).type();
      if (type != fs::file_type::regular && type != fs::file_type::none) {  // none: no permission to ask
        forget(path);
        ++gone_;
        continue;
      }
      ++files_;
      bytes_ += facts.bytes;
      lines_ += facts.lines;
      words_ += facts.words;
    }
  }

  void show_progress() {
    if (!on_terminal_ || clock::now() < next_progress_) return;
    next_progress_ = clock::now() + std::chrono::milliseconds(100);
    std::fprintf(stderr, "\r\033[K%zu files read, %.1f MB; %zu unchanged", read_, mega(bytes_read_), unchanged_);
  }

  index_store& db_;
  fs::path folder_;
  fs::path data_;
  std::string text_;  // of the file at hand
  std::vector<parsed_file> batch_;
  std::size_t batch_bytes_ = 0;

  clock::time_point begin_ = clock::now();
  clock::time_point next_progress_ = begin_;
  bool on_terminal_ = isatty(STDERR_FILENO) == 1;
  std::size_t read_ = 0, unchanged_ = 0, gone_ = 0, binary_ = 0, too_large_ = 0, unreadable_ = 0;
  std::size_t files_ = 0, lines_ = 0, words_ = 0;
  std::uint64_t bytes_ = 0, bytes_read_ = 0;
};

// ---- the program -----------------------------------------------------------------------------------------------------

constexpr std::size_t places_shown_max = 20;

// Prints where the word stands; false where it stands nowhere.
bool print_places(index_store& db, std::string word) {
  for (char& c : word) c = to_lower(c);
  std::size_t found_files = 0, found_lines = 0;
  for (auto&& [at, lines] : db[places].scan(strata::prefix(word))) {  // the keys whose first field is `word`
    for (const std::uint32_t line : lines)
      if (++found_lines <= places_shown_max) std::printf("%s:%u\n", at.path.c_str(), line);
    ++found_files;
  }
  if (found_lines > places_shown_max) std::printf("… and %zu more\n", found_lines - places_shown_max);
  std::printf("%s: on %zu lines of %zu files\n", word.c_str(), found_lines, found_files);
  return found_lines != 0;
}

int main(int count, char** arguments) try {
  if (count < 2 || count > 3 || arguments[1][0] == '-') {
    const bool asked = count == 2 && std::string_view(arguments[1]) == "--help";
    std::fprintf(asked ? stdout : stderr,
                 "usage: quickstart FOLDER [WORD]\n"
                 "Indexes the text files below FOLDER into quickstart.data, and says where WORD stands.\n"
                 "Returns 0; 1 where WORD stands nowhere; 2 where it could not be done.\n");
    return asked ? 0 : 2;
  }
  const fs::path folder = fs::canonical(arguments[1]);
  static_cast<void>(fs::directory_iterator(folder));  // throws where it is none, or may not be read

  index_store db = index_store::open("quickstart.data").value();
  indexer index(db, folder, fs::canonical("quickstart.data"));
  index.refresh();
  index.print_summary();
  const bool found = count < 3 || print_places(db, arguments[2]);
  db.close().value();
  return found ? 0 : 1;
} catch (const std::exception& failure) {  // strata::exception is one
  std::fprintf(stderr, "quickstart: %s\n", failure.what());
  return 2;
}
