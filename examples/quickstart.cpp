// An index of every word in a folder, kept in a durable store. It needs a compiler and nothing else:
//
//   c++ -std=c++20 -O2 -pthread -Isingle_include examples/quickstart.cpp -o quickstart
//   ./quickstart .          indexes the text files below the folder, into quickstart.data
//   ./quickstart . WORD     the same, then says where the word stands. What did not change is not read again
//
// Kill it at any moment, with kill -9 too: of each file all is in the index or nothing, and the next start goes on.
#include <strata/strata.hpp>

#include <cctype>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <unordered_map>

#include <unistd.h>  // isatty

namespace fs = std::filesystem;

// ---- what is stored: plain structs, and the collections that hold them ----------------------------------------------

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
using place_view = std::pair<std::string_view, std::string_view>;  // names the same key, and copies nothing

using line_numbers = std::vector<std::uint32_t>;
using word_list = std::vector<std::string>;
using words_with_lines = std::unordered_map<std::string, line_numbers>;  // of one file

inline constexpr strata::kv<std::string, file_facts> files{"files"};  // by path, as seen from the folder
inline constexpr strata::kv<place, line_numbers> places{"places"};
// The words of each file, so that its places are found again when it changes or disappears.
inline constexpr strata::kv<std::string, word_list> words_of{"words_of"};
inline constexpr strata::kv<std::string, std::string> about{"about"};  // "folder": which one this is

using index_store = strata::store<strata::schema<files, places, words_of, about>>;

// ---- from text to words ---------------------------------------------------------------------------------------------

// Letters, digits, '_', and whatever UTF-8 has beyond ASCII.
bool is_in_word(unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c >= 0x80; }
char to_lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// Notes on which lines each word stands. Returns the number of lines. Requires: the last line ends as all others do.
std::uint32_t find_words(std::string_view text, words_with_lines& found) {
  constexpr std::size_t word_bytes_max = 64;  // longer ones are data, not words
  std::uint32_t line = 1;
  std::string word;
  for (const char c : text) {
    if (is_in_word(static_cast<unsigned char>(c))) {
      word.push_back(to_lower(c));
      continue;
    }
    if (!word.empty() && word.size() <= word_bytes_max) {
      line_numbers& lines = found[word];
      if (lines.empty() || lines.back() != line) lines.push_back(line);
    }
    word.clear();
    if (c == '\n') ++line;
  }
  return line - 1;
}

// ---- the index ------------------------------------------------------------------------------------------------------

class indexer {
 public:
  indexer(index_store& db, fs::path folder) : db_(db), folder_(std::move(folder)) {}

  // Brings the index up to date with the folder. A value() gives what was asked for, or throws why there is none.
  void refresh() {
    if (db_[about].get("folder").value() != folder_.string()) {
      // The index of another folder goes, all at once: each erase_range() is one write, however much it takes away.
      const auto begin_anew = [&](auto& tx) -> strata::result<void> {
        tx[files].erase_range().value();
        tx[places].erase_range().value();
        tx[words_of].erase_range().value();
        tx[about].put("folder", folder_.string()).value();
        return {};
      };
      db_.transact(begin_anew).value();
    }
    walk(folder_);
    commit();
    for (auto&& [path, facts] : db_[files].scan()) {  // over a snapshot, whatever commit() does meanwhile
      std::error_code failed;
      const fs::file_type type = fs::symlink_status(folder_ / path, failed).type();
      if (type == fs::file_type::regular || type == fs::file_type::none) {  // none: no permission to ask
        ++files_, bytes_ += facts.bytes, lines_ += facts.lines, words_ += facts.words;
      } else {
        ++gone_;
        add_to_batch({path, std::nullopt, {}, true}, 0);
      }
    }
    commit();
  }

  void print_summary() const {
    const double seconds = std::chrono::duration<double>(clock::now() - begin_).count();
    const strata::statistics store = db_.stats();
    if (on_terminal_) std::fprintf(stderr, "\r\033[K");
    std::printf(
        "read    %zu files, %.1f MB in %.2f s, %.1f MB/s; %zu unchanged, %zu gone, %zu no text, %zu unreadable\n",
        read_, mega(read_bytes_), seconds, mega(read_bytes_) / seconds, unchanged_, gone_, no_text_, unreadable_);
    std::printf("index   %zu files, %.1f MB, %zu lines, %zu words in files\n", files_, mega(bytes_), lines_, words_);
    std::printf("store   %.1f MB in tables, %.1f MB in memory\n", mega(store.table_bytes), mega(store.memtable_bytes));
  }

 private:
  using clock = std::chrono::steady_clock;

  struct change {
    std::string path;
    std::optional<file_facts> facts;  // none: the file is to be forgotten
    words_with_lines words;
    bool is_known;  // the store has older rows of it
  };

  static double mega(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

  void walk(const fs::path& folder) {
    std::error_code failed;
    fs::directory_iterator entry(folder, failed);
    for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
      const fs::file_type type = entry->symlink_status(failed).type();
      failed.clear();  // it may be gone by now
      const fs::path name = entry->path().filename();
      if (type == fs::file_type::regular) visit(*entry);
      if (type == fs::file_type::directory && name != ".git" && name != "quickstart.data") walk(entry->path());
    }
    if (failed) ++unreadable_;
  }

  void visit(const fs::directory_entry& entry) {
    if (on_terminal_ && clock::now() >= next_progress_) {
      next_progress_ = clock::now() + std::chrono::milliseconds(100);
      std::fprintf(stderr, "\r\033[K%zu files read, %.1f MB; %zu unchanged", read_, mega(read_bytes_), unchanged_);
    }
    std::string path = entry.path().lexically_relative(folder_).string();
    const std::optional<file_facts> known = db_[files].get(path).value();
    std::error_code failed;
    file_facts facts;
    facts.bytes = entry.file_size(failed);  // before reading: a change in between is seen by the next start
    if (!failed) facts.modified = static_cast<std::int64_t>(entry.last_write_time(failed).time_since_epoch().count());
    if (!failed && known && known->bytes == facts.bytes && known->modified == facts.modified) {
      ++unchanged_;
    } else if (failed || !read_text(entry, facts.bytes)) {
      if (known) add_to_batch({path, std::nullopt, {}, true}, 0);
    } else if (facts.hash = strata::hash64(text_); known && known->hash == facts.hash) {  // touched, but the same
      db_[files].put(path, {facts.bytes, facts.modified, facts.hash, known->lines, known->words}).value();
    } else {
      if (!text_.empty() && text_.back() != '\n') text_.push_back('\n');
      words_with_lines words;
      facts.lines = find_words(text_, words);
      facts.words = static_cast<std::uint32_t>(words.size());
      add_to_batch({std::move(path), facts, std::move(words), known.has_value()}, text_.size());
    }
  }

  // Reads the file into `text_`; false where that is not possible, or where it is no text.
  bool read_text(const fs::directory_entry& entry, std::uint64_t bytes) {
    constexpr std::uint64_t bytes_max = 8 << 20;  // it is held in memory as a whole
    if (bytes > bytes_max) return ++no_text_, false;
    std::ifstream in(entry.path(), std::ios::binary);
    text_.resize(bytes);
    if (!in.is_open() || in.read(text_.data(), static_cast<std::streamsize>(bytes)).bad()) return ++unreadable_, false;
    text_.resize(static_cast<std::size_t>(in.gcount()));
    if (std::string_view(text_).substr(0, 8192).find('\0') != std::string_view::npos) return ++no_text_, false;
    ++read_, read_bytes_ += text_.size();
    return true;
  }

  void add_to_batch(change file, std::size_t text_bytes) {
    batch_.push_back(std::move(file));
    batch_bytes_ += text_bytes;
    if (batch_bytes_ >= 2 << 20 || batch_.size() >= 1000) commit();
  }

  // Writes the batch in one commit: all of it is in the store then, or, should we be killed, nothing.
  void commit() {
    const auto write = [&](auto& tx) -> strata::result<void> {
      for (const change& file : batch_) {
        word_list old_words, words;
        if (file.is_known) old_words = tx[words_of].get(file.path).value().value_or(word_list());
        for (const std::string& word : old_words)
          if (!file.words.contains(word)) tx[places].erase(place_view(word, file.path)).value();
        for (const auto& [word, lines] : file.words) {
          tx[places].put(place_view(word, file.path), lines).value();
          words.push_back(word);
        }
        if (file.facts) {
          tx[words_of].put(file.path, words).value();
          tx[files].put(file.path, *file.facts).value();
        } else {
          tx[words_of].erase(file.path).value();
          tx[files].erase(file.path).value();
        }
      }
      return {};
    };
    db_.transact(write).value();
    batch_.clear();
    batch_bytes_ = 0;
  }

  index_store& db_;
  fs::path folder_;
  std::string text_;  // of the file at hand
  std::vector<change> batch_;
  std::size_t batch_bytes_ = 0;  // of text

  clock::time_point begin_ = clock::now(), next_progress_ = begin_;
  bool on_terminal_ = isatty(STDERR_FILENO) == 1;
  std::size_t read_ = 0, read_bytes_ = 0, unchanged_ = 0, gone_ = 0, no_text_ = 0, unreadable_ = 0;
  std::size_t files_ = 0, bytes_ = 0, lines_ = 0, words_ = 0;
};

// ---- the program ----------------------------------------------------------------------------------------------------

// Prints where the word stands; false where it stands nowhere.
bool print_places(index_store& db, std::string word) {
  constexpr std::size_t shown_max = 20;
  for (char& c : word) c = to_lower(c);
  std::size_t files_with_it = 0, lines_with_it = 0;
  for (auto&& [at, lines] : db[places].scan(strata::prefix(word))) {  // the keys whose first field is `word`
    ++files_with_it;
    for (const std::uint32_t line : lines)
      if (++lines_with_it <= shown_max) std::printf("%s:%u\n", at.path.c_str(), line);
  }
  if (lines_with_it > shown_max) std::printf("... and %zu more\n", lines_with_it - shown_max);
  std::printf("%s: on %zu lines of %zu files\n", word.c_str(), lines_with_it, files_with_it);
  return lines_with_it != 0;
}

int main(int count, char** arguments) try {
  if (count < 2 || count > 3 || arguments[1][0] == '-') {
    const bool is_asked_for = count == 2 && std::string_view(arguments[1]) == "--help";
    std::fprintf(is_asked_for ? stdout : stderr,
                 "usage: quickstart FOLDER [WORD]\n"
                 "Indexes the text files below FOLDER into ./quickstart.data, and says where WORD stands.\n"
                 "Returns 0; 1 where WORD stands nowhere; 2 where something went wrong.\n");
    return is_asked_for ? 0 : 2;
  }
  std::error_code failed;
  const fs::path folder = fs::canonical(arguments[1], failed);
  if (!failed) fs::directory_iterator(folder, failed);
  if (failed) return std::fprintf(stderr, "quickstart: %s: %s\n", arguments[1], failed.message().c_str()), 2;

  index_store db = index_store::open("quickstart.data").value();
  indexer index(db, folder);
  index.refresh();
  index.print_summary();
  const bool is_found = count == 2 || print_places(db, arguments[2]);
  db.close().value();
  return is_found ? 0 : 1;
} catch (const std::exception& failure) {  // strata::exception is one
  std::fprintf(stderr, "quickstart: %s\n", failure.what());
  return 2;
}
