// What every environment must do: the table of environment/requirements.hpp, row by row. A test of an environment calls
// these from test cases of its own, each with a fresh value of it.
#ifndef STRATA_TESTS_ENVIRONMENT_CONTRACT_HPP
#define STRATA_TESTS_ENVIRONMENT_CONTRACT_HPP

#include "test.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include <strata/environment/requirements.hpp>

namespace contract {

using strata::errc;

// A directory of its own, removed with all in it at the end.
template <typename Environment>
struct scratch {
  explicit scratch(Environment environment) : e(std::move(environment)), root(e.temporary_directory().value()) {}
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() { remove(root); }

  std::string operator/(std::string_view name) const { return root + "/" + std::string(name); }

  void remove(const std::string& directory) {
    auto names = e.list_directory(directory);
    if (!names) return;
    for (const std::string& name : *names)
      if (!e.remove_file(directory + "/" + name)) remove(directory + "/" + name);
    static_cast<void>(e.remove_directory(directory));
  }

  Environment e;
  std::string root;
};

// Splitmix64: a seed, a stream.
struct generator {
  std::uint64_t state;
  std::uint64_t operator()() {
    std::uint64_t z = (state += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
};

inline std::string random_bytes(std::size_t size, std::uint64_t seed) {
  generator next{seed};
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(next());
  return bytes;
}

// Failed with `code`, and says during what and on which file.
template <typename Result>
void check_failed(const Result& outcome, errc code, std::string_view file) {
  REQUIRE_FALSE(outcome.has_value());
  CHECK(std::string(strata::to_string(outcome.error().code())) == strata::to_string(code));
  CHECK_FALSE(std::string(outcome.error().operation()).empty());
  CHECK(outcome.error().file() == file);
}

template <typename Environment>
void write_file(const Environment& e, const std::string& path, std::string_view contents) {
  auto file = e.create_file(path).value();
  file.append(contents).value();
  file.close().value();
}

template <typename File>
std::string read_all(const File& file, std::size_t limit = 1 << 20) {
  std::string contents(limit, '\0');
  contents.resize(file.read(0, contents.data(), limit).value());
  return contents;
}

template <typename Environment>
std::string contents_of(const Environment& e, const std::string& path) {
  return read_all(e.open_readable(path).value());
}

template <typename Environment>
std::vector<std::string> sorted_names(const Environment& e, const std::string& path) {
  auto names = e.list_directory(path).value();
  std::sort(names.begin(), names.end());
  return names;
}

// -- Files: contents --------------------------------------------------------------------------------------------------

template <typename Environment>
void check_writing(Environment environment) {
  const scratch<Environment> s(std::move(environment));
  const auto& e = s.e;
  const std::string path = s / "file";

  SECTION("a new file is empty, grows by appending, and is read back") {
    auto file = e.create_file(path).value();
    CHECK(file.size() == 0);
    CHECK(e.file_size(path).value() == 0);
    file.append("hello, ").value();
    file.append("").value();
    CHECK(file.size() == 7);
    file.append(std::string_view("world\0!", 7)).value();
    CHECK(file.size() == 14);
    file.sync().value();
    CHECK(e.file_size(path).value() == 14);
    CHECK(contents_of(e, path) == std::string("hello, world\0!", 14));
  }
  SECTION("a file that is closed takes no more, and closing twice does nothing") {
    auto file = e.create_file(path).value();
    file.append("abc").value();
    file.close().value();
    file.close().value();
    check_failed(file.append("d"), errc::closed, path);
    check_failed(file.sync(), errc::closed, path);
    check_failed(file.preallocate(100), errc::closed, path);
    check_failed(file.zero_fill(100), errc::closed, path);
    check_failed(file.map_ahead(100), errc::closed, path);
    CHECK(contents_of(e, path) == "abc");
  }
  SECTION("what is appended goes on across the ends of what is mapped, whatever its size") {
    auto file = e.create_file(path).value();
    std::string expected;
    for (std::size_t i = 0; i < 200; ++i) {
      if (i % 20 == 0)
        if (const auto outcome = file.map_ahead(expected.size() + 10'000); !outcome) check_failed(outcome, errc::unsupported, path);
      const std::string part(i * 7 % 1100, static_cast<char>('a' + i % 26));
      file.append(part).value();
      expected += part;
      CHECK(file.size() == expected.size());
      if (i % 50 == 0) file.sync().value();
    }
    const std::string found = contents_of(e, path);
    CHECK(found.substr(0, expected.size()) == expected);
    CHECK(found.find_first_not_of('\0', expected.size()) == std::string::npos);
    auto moved = std::move(file);
    moved.append("behind").value();
    file = std::move(moved);
    file.append("it").value();
    file.close().value();
    CHECK(contents_of(e, path) == expected + "behindit");
  }
  SECTION("destroying a file closes it with all that was appended") {
    { e.create_file(path).value().append("abc").value(); }
    CHECK(contents_of(e, path) == "abc");
  }
  SECTION("a moved file goes on where it was") {
    auto first = e.create_file(path).value();
    first.append("ab").value();
    auto second = std::move(first);
    second.append("cd").value();
    CHECK(second.size() == 4);
    auto third = e.create_file(s / "other").value();
    third = std::move(second);
    third.append("ef").value();
    CHECK(contents_of(e, path) == "abcdef");
    CHECK(contents_of(e, s / "other").empty());
  }
  SECTION("preallocating leaves size and contents, or is refused as unsupported") {
    auto file = e.create_file(path).value();
    file.append("abc").value();
    if (const auto outcome = file.preallocate(1 << 20); !outcome) check_failed(outcome, errc::unsupported, path);
    if (const auto outcome = file.preallocate(0); !outcome) check_failed(outcome, errc::unsupported, path);
    CHECK(file.size() == 3);
    CHECK(e.file_size(path).value() == 3);
    file.append("def").value();
    CHECK(contents_of(e, path) == "abcdef");
  }
  SECTION("zeros stand behind what was appended, and appends go over them; or they are refused as unsupported") {
    const bool maps = GENERATE(false, true);
    auto file = e.create_file(path).value();
    const auto ahead = [&](std::uint64_t end) { return maps ? file.map_ahead(end) : file.zero_fill(end); };
    file.append("abc").value();
    std::string expected = "abc";
    const std::size_t zeros_end = 40'000;
    if (const auto outcome = ahead(zeros_end); outcome) {
      expected.resize(zeros_end);
    } else {
      check_failed(outcome, errc::unsupported, path);
    }
    CHECK(file.size() == 3);
    CHECK(contents_of(e, path) == expected);
    file.append("def").value();
    file.sync().value();
    expected.replace(3, 3, "def");
    CHECK(file.size() == 6);
    CHECK(contents_of(e, path) == expected);
    if (const auto outcome = ahead(5); !outcome) check_failed(outcome, errc::unsupported, path);  // nothing to do
    CHECK(contents_of(e, path) == expected);
    file.close().value();
    CHECK(contents_of(e, path) == "abcdef");
    auto again = e.open_writable(path, 6).value();
    again.append("g").value();
    CHECK(contents_of(e, path) == "abcdefg");
  }
  SECTION("what is mapped ahead in parts takes appends of every size, wherever they fall") {
    const std::size_t longest = GENERATE(3u, 5'000u, 40'000u);
    auto file = e.create_file(path).value();
    std::string expected;
    std::size_t ahead = 0;
    const auto more = [&](std::size_t bytes) {
      ahead = (std::max)(ahead, expected.size()) + bytes;
      if (const auto outcome = file.map_ahead(ahead); !outcome) {
        check_failed(outcome, errc::unsupported, path);
        ahead = 0;
      }
    };
    for (std::size_t i = 0; i < 60; ++i) {
      // Before the part is used up, behind it, and more than one while it is not begun yet.
      if (i % 3 == 0) more(1 + i * 1'777 % 50'000);
      if (i % 7 == 0) more(20'000);
      const std::string bytes(1 + i * i * 911 % longest, static_cast<char>('a' + i % 26));
      file.append(bytes).value();
      expected += bytes;
      REQUIRE(file.size() == expected.size());
    }
    std::string there = contents_of(e, path);
    CHECK(there.size() == (std::max)(ahead, expected.size()));
    CHECK(there.find_first_not_of('\0', expected.size()) == std::string::npos);
    there.resize(expected.size());
    CHECK(there == expected);
    file.close().value();
    CHECK(contents_of(e, path) == expected);
  }
  SECTION("creating what is there, or where no directory is, fails and changes nothing") {
    write_file(e, path, "abc");
    check_failed(e.create_file(path), errc::already_exists, path);
    check_failed(e.create_file(s.root), errc::already_exists, s.root);
    CHECK(contents_of(e, path) == "abc");
    check_failed(e.create_file(s / "none/file"), errc::no_such_file, s / "none/file");
    check_failed(e.create_file(path + "/file"), errc::no_such_file, path + "/file");
    CHECK(sorted_names(e, s.root) == std::vector<std::string>{"file"});
  }
  SECTION("names with a zero, over-long names and over-long paths are refused") {
    const std::string zero = s / std::string_view("a\0b", 3);
    check_failed(e.create_file(zero), errc::invalid_argument, zero);
    check_failed(e.file_exists(zero), errc::invalid_argument, zero);
    const std::string long_name = s / std::string(300, 'x');
    check_failed(e.create_file(long_name), errc::invalid_argument, long_name);
    const std::string long_path = s / std::string(100'000, 'x');
    check_failed(e.create_file(long_path), errc::invalid_argument, long_path);
    CHECK(sorted_names(e, s.root).empty());
  }
}

template <typename Environment>
void check_reopening(Environment environment) {
  const scratch<Environment> s(std::move(environment));
  const auto& e = s.e;
  const std::string path = s / "file";
  write_file(e, path, "0123456789");

  SECTION("at its size, a file goes on growing") {
    auto file = e.open_writable(path, 10).value();
    CHECK(file.size() == 10);
    file.append("ab").value();
    CHECK(contents_of(e, path) == "0123456789ab");
  }
  SECTION("below its size, it is cut there") {
    auto file = e.open_writable(path, 4).value();
    CHECK(file.size() == 4);
    CHECK(e.file_size(path).value() == 4);
    CHECK(contents_of(e, path) == "0123");
    file.append("x").value();
    CHECK(contents_of(e, path) == "0123x");
  }
  SECTION("at zero, nothing is left") {
    auto file = e.open_writable(path, 0).value();
    CHECK(e.file_size(path).value() == 0);
    file.append("new").value();
    CHECK(contents_of(e, path) == "new");
  }
  SECTION("above its size, it is refused and left alone") {
    check_failed(e.open_writable(path, 11), errc::invalid_argument, path);
    check_failed(e.open_writable(path, UINT64_MAX), errc::invalid_argument, path);
    CHECK(contents_of(e, path) == "0123456789");
  }
  SECTION("what is missing, or a directory, is not opened and not made") {
    check_failed(e.open_writable(s / "none", 0), errc::no_such_file, s / "none");
    check_failed(e.open_writable(s.root, 0), errc::io_error, s.root);
    check_failed(e.open_readable(s / "none"), errc::no_such_file, s / "none");
    check_failed(e.open_readable(path + "/below"), errc::no_such_file, path + "/below");
    check_failed(e.open_readable(s.root), errc::io_error, s.root);
    check_failed(e.file_size(s / "none"), errc::no_such_file, s / "none");
    check_failed(e.file_size(s.root), errc::io_error, s.root);
    CHECK(sorted_names(e, s.root) == std::vector<std::string>{"file"});
  }
}

template <typename Environment>
void check_reading(Environment environment) {
  const scratch<Environment> s(std::move(environment));
  const auto& e = s.e;
  const std::string path = s / "file";

  SECTION("a read gives what is there, and fewer bytes only at the end") {
    write_file(e, path, "0123456789");
    const auto file = e.open_readable(path).value();
    CHECK(file.size() == 10);
    char to[16];
    const auto read = [&](std::uint64_t offset, std::size_t count) {
      std::fill(std::begin(to), std::end(to), '#');
      return file.read(offset, to, count).value();
    };
    CHECK(read(0, 10) == 10);
    CHECK(std::string(to, 16) == "0123456789######");
    CHECK(read(3, 4) == 4);
    CHECK(std::string(to, 5) == "3456#");
    CHECK(read(8, 16) == 2);
    CHECK(std::string(to, 3) == "89#");
    CHECK(read(10, 1) == 0);
    CHECK(read(11, 16) == 0);
    CHECK(read(UINT64_MAX, 16) == 0);
    CHECK(read(INT64_MAX, 16) == 0);
    CHECK(read(INT64_MAX - 3, 16) == 0);
    CHECK(read(5, 0) == 0);
    CHECK(std::string(to, 16) == std::string(16, '#'));
  }
  SECTION("an empty file is read as empty") {
    write_file(e, path, "");
    const auto file = e.open_readable(path).value();
    CHECK(file.size() == 0);
    CHECK(read_all(file).empty());
  }
  SECTION("a reader sees what is appended after it was opened, but keeps its size") {
    auto writer = e.create_file(path).value();
    writer.append("abc").value();
    const auto reader = e.open_readable(path).value();
    writer.append("def").value();
    CHECK(read_all(reader) == "abcdef");
    CHECK(reader.size() == 3);
  }
  SECTION("5 MiB in pieces of all sizes, read back from anywhere") {
    const std::string expected = random_bytes(5 << 20, 1);
    generator next{2};
    auto writer = e.create_file(path).value();
    for (std::size_t at = 0; at < expected.size();) {
      const std::size_t piece =
          (std::min)(static_cast<std::size_t>(next() % (std::size_t{1} << next() % 19)), expected.size() - at);
      writer.append(std::string_view(expected).substr(at, piece)).value();
      at += piece;
    }
    CHECK(writer.size() == expected.size());
    writer.close().value();
    auto reader = e.open_readable(path).value();
    CHECK(reader.size() == expected.size());
    std::string to(1 << 18, '\0');
    for (int round = 0; round < 500; ++round) {
      const std::uint64_t offset = next() % (expected.size() + 100);
      const std::size_t count = next() % to.size();
      const std::size_t got = reader.read(offset, to.data(), count).value();
      const std::string_view there =
          offset < expected.size() ? std::string_view(expected).substr(offset, count) : std::string_view();
      if (std::string_view(to).substr(0, got) != there) FAIL("offset " << offset << ", count " << count);
    }
    // Cut in the middle of everything, and grown again.
    auto again = e.open_writable(path, 1'234'567).value();
    again.append("tail").value();
    CHECK(e.file_size(path).value() == 1'234'571);
    std::string whole(expected.size(), '\0');
    whole.resize(reader.read(0, whole.data(), whole.size()).value());
    CHECK(whole == expected.substr(0, 1'234'567) + "tail");
    // In one piece.
    auto single = e.create_file(s / "single").value();
    single.append(expected).value();
    auto copy = e.open_readable(s / "single").value();
    whole.assign(expected.size(), '\0');
    CHECK(copy.read(0, whole.data(), whole.size()).value() == expected.size());
    CHECK(whole == expected);
  }
  SECTION("a moved reader goes on") {
    write_file(e, path, "abc");
    auto first = e.open_readable(path).value();
    const auto second = std::move(first);
    CHECK(read_all(second) == "abc");
    CHECK(second.size() == 3);
  }
}

// -- Files: names -----------------------------------------------------------------------------------------------------

template <typename Environment>
void check_names(Environment environment) {
  const scratch<Environment> s(std::move(environment));
  const auto& e = s.e;
  const std::string a = s / "a";
  const std::string b = s / "b";
  write_file(e, a, "aaa");

  SECTION("a name exists, file or directory, until it is removed") {
    CHECK(e.file_exists(a).value());
    CHECK(e.file_exists(s.root).value());
    CHECK_FALSE(e.file_exists(b).value());
    CHECK_FALSE(e.file_exists(s / "none/none").value());
    CHECK_FALSE(e.file_exists(a + "/below").value());
    e.remove_file(a).value();
    CHECK_FALSE(e.file_exists(a).value());
    check_failed(e.remove_file(a), errc::no_such_file, a);
    CHECK_FALSE(e.remove_file(s.root));
    CHECK(e.file_exists(s.root).value());
  }
  SECTION("renaming moves a name, also to another directory") {
    e.rename_file(a, b).value();
    CHECK_FALSE(e.file_exists(a).value());
    CHECK(contents_of(e, b) == "aaa");
    CHECK(e.create_directory(s / "sub").value());
    e.rename_file(b, s / "sub/c").value();
    CHECK(contents_of(e, s / "sub/c") == "aaa");
    e.rename_file(s / "sub/c", s / "sub/c").value();
    CHECK(contents_of(e, s / "sub/c") == "aaa");
  }
  SECTION("renaming replaces a file, and who has that open still reads it") {
    write_file(e, b, "old");
    const auto reader = e.open_readable(b).value();
    auto writer = e.open_writable(b, 3).value();
    e.rename_file(a, b).value();
    CHECK(contents_of(e, b) == "aaa");
    CHECK(read_all(reader) == "old");
    writer.append(" and on").value();
    CHECK(read_all(reader) == "old and on");
    CHECK(contents_of(e, b) == "aaa");
    CHECK(sorted_names(e, s.root) == std::vector<std::string>{"b"});
  }
  SECTION("a rename that can't be changes nothing") {
    check_failed(e.rename_file(b, s / "c"), errc::no_such_file, b);
    check_failed(e.rename_file(a, s / "none/c"), errc::no_such_file, a);
    CHECK(e.create_directory(s / "sub").value());
    check_failed(e.rename_file(a, s / "sub"), errc::io_error, a);
    check_failed(e.rename_file(s / "sub", a), errc::no_such_file, s / "sub");
    check_failed(e.rename_file(s / "sub", s / "sub/below"), errc::io_error, s / "sub");
    CHECK(contents_of(e, a) == "aaa");
    CHECK(sorted_names(e, s.root) == std::vector<std::string>{"a", "sub"});
  }
  SECTION("a renamed directory takes along what is in it, and only that") {
    CHECK(e.create_directory(s / "sub").value());
    CHECK(e.create_directory(s / "sub/deep").value());
    write_file(e, s / "sub/deep/file", "f");
    write_file(e, s / "sub-file", "g");
    const auto reader = e.open_readable(s / "sub/deep/file").value();
    e.rename_file(s / "sub", s / "moved").value();
    CHECK(sorted_names(e, s.root) == std::vector<std::string>{"a", "moved", "sub-file"});
    CHECK(contents_of(e, s / "moved/deep/file") == "f");
    CHECK(read_all(reader) == "f");
    CHECK_FALSE(e.file_exists(s / "sub/deep/file").value());
    CHECK(e.create_directory(s / "empty").value());
    e.rename_file(s / "moved", s / "empty").value();
    CHECK(contents_of(e, s / "empty/deep/file") == "f");
    CHECK(e.create_directory(s / "other").value());
    CHECK_FALSE(e.rename_file(s / "other", s / "empty"));
    CHECK(contents_of(e, s / "empty/deep/file") == "f");
  }
  SECTION("a file that is removed while open is still read and written") {
    auto writer = e.open_writable(a, 3).value();
    const auto reader = e.open_readable(a).value();
    e.remove_file(a).value();
    writer.append("bbb").value();
    writer.sync().value();
    CHECK(read_all(reader) == "aaabbb");
    write_file(e, a, "new");
    CHECK(read_all(reader) == "aaabbb");
    CHECK(contents_of(e, a) == "new");
  }
  SECTION("a link is another name of the same file") {
    if (const auto linked = e.link_file(a, b); !linked) {
      check_failed(linked, errc::unsupported, a);
      return;
    }
    e.open_writable(a, 3).value().append("more").value();
    CHECK(contents_of(e, b) == "aaamore");
    e.rename_file(a, b).value();  // two names of one file: both stay
    CHECK(sorted_names(e, s.root) == std::vector<std::string>{"a", "b"});
    e.remove_file(a).value();
    CHECK(contents_of(e, b) == "aaamore");
    write_file(e, a, "other");
    check_failed(e.link_file(a, b), errc::already_exists, b);
    CHECK(contents_of(e, b) == "aaamore");
    check_failed(e.link_file(s / "none", s / "c"), errc::no_such_file, s / "none");
    check_failed(e.link_file(a, s / "none/c"), errc::no_such_file, a);
    check_failed(e.link_file(s.root, s / "c"), errc::unsupported, s.root);
    CHECK(sorted_names(e, s.root) == std::vector<std::string>{"a", "b"});
  }
}

template <typename Environment>
void check_directories(Environment environment) {
  const scratch<Environment> s(std::move(environment));
  const auto& e = s.e;

  SECTION("a directory is made once, and only in one that is there") {
    CHECK(e.create_directory(s / "d").value());
    CHECK_FALSE(e.create_directory(s / "d").value());
    CHECK_FALSE(e.create_directory(s / "d/").value());
    CHECK_FALSE(e.create_directory(s / "./d/../d").value());
    check_failed(e.create_directory(s / "x/y"), errc::no_such_file, s / "x/y");
    write_file(e, s / "file", "");
    check_failed(e.create_directory(s / "file"), errc::already_exists, s / "file");
    check_failed(e.create_directory(s / "file/d"), errc::no_such_file, s / "file/d");
    CHECK(e.create_directory(s / "d/e").value());
    CHECK(e.file_exists(s / "d/e").value());
  }
  SECTION("a list has the names of one directory, and of no other") {
    CHECK(sorted_names(e, s.root).empty());
    // Names that sort on both sides of the separator.
    for (const char* name : {"d", "d/x", "d/y", "d-1", "d0"}) CHECK(e.create_directory(s / name).value());
    for (const char* name : {"d.txt", "d/x/1", "d/x/2", "d/x.2", "e", ".hidden"}) write_file(e, s / name, name);
    CHECK(sorted_names(e, s.root) == std::vector<std::string>{".hidden", "d", "d-1", "d.txt", "d0", "e"});
    CHECK(sorted_names(e, s / "d") == std::vector<std::string>{"x", "x.2", "y"});
    CHECK(sorted_names(e, s / "d/") == std::vector<std::string>{"x", "x.2", "y"});
    CHECK(sorted_names(e, s / "d/x") == std::vector<std::string>{"1", "2"});
    CHECK(sorted_names(e, s / "d/y").empty());
    check_failed(e.list_directory(s / "none"), errc::no_such_file, s / "none");
    check_failed(e.list_directory(s / "e"), errc::no_such_file, s / "e");
  }
  SECTION("only an empty directory is removed") {
    CHECK(e.create_directory(s / "d").value());
    write_file(e, s / "d/file", "");
    check_failed(e.remove_directory(s / "d"), errc::io_error, s / "d");
    e.remove_file(s / "d/file").value();
    e.remove_directory(s / "d").value();
    CHECK_FALSE(e.file_exists(s / "d").value());
    check_failed(e.remove_directory(s / "d"), errc::no_such_file, s / "d");
    write_file(e, s / "file", "");
    check_failed(e.remove_directory(s / "file"), errc::no_such_file, s / "file");
    CHECK(e.file_exists(s / "file").value());
  }
  SECTION("a directory is synced; what is none is not") {
    write_file(e, s / "file", "");
    e.sync_directory(s.root).value();
    check_failed(e.sync_directory(s / "none"), errc::no_such_file, s / "none");
    check_failed(e.sync_directory(s / "file"), errc::no_such_file, s / "file");
    // By this it is told apart from other failures, wherever it comes from.
    CHECK(std::string(e.sync_directory(s / "none").error().operation()) == "sync directory");
  }
  SECTION("temporary directories are new, empty and different") {
    const std::string first = e.temporary_directory().value();
    const std::string second = e.temporary_directory().value();
    CHECK(first != second);
    CHECK(sorted_names(e, first).empty());
    CHECK_FALSE(e.create_directory(first).value());
    write_file(e, first + "/file", "x");
    CHECK(sorted_names(e, second).empty());
    e.remove_file(first + "/file").value();
    e.remove_directory(first).value();
    e.remove_directory(second).value();
  }
}

// -- Locks, clocks ----------------------------------------------------------------------------------------------------

template <typename Environment>
void check_locks(Environment environment) {
  const scratch<Environment> s(std::move(environment));
  const auto& e = s.e;
  const std::string path = s / "LOCK";

  SECTION("a lock makes its file, holds off a second one, and ends with its handle") {
    {
      const auto held = e.lock_file(path).value();
      CHECK(e.file_exists(path).value());
      check_failed(e.lock_file(path), errc::in_use, path);
      const Environment copy = e;
      check_failed(copy.lock_file(path), errc::in_use, path);
      check_failed(e.lock_file(s / "./LOCK"), errc::in_use, s / "./LOCK");
      CHECK(e.lock_file(s / "other"));
    }
    CHECK(e.file_exists(path).value());
    CHECK(e.lock_file(path));
    CHECK(e.lock_file(path));
  }
  SECTION("a refused lock, or reading the file, leaves the lock that is held") {
    const auto held = e.lock_file(path).value();
    for (int i = 0; i < 3; ++i) check_failed(e.lock_file(path), errc::in_use, path);
    CHECK(contents_of(e, path).empty());
    check_failed(e.lock_file(path), errc::in_use, path);
  }
  SECTION("a lock that moves is held by the one it moved to") {
    auto first = e.lock_file(path).value();
    {
      const auto second = std::move(first);
      check_failed(e.lock_file(path), errc::in_use, path);
    }
    auto third = e.lock_file(path).value();
    auto fourth = e.lock_file(s / "other").value();
    fourth = std::move(third);
    CHECK(e.lock_file(s / "other"));
    check_failed(e.lock_file(path), errc::in_use, path);
  }
  SECTION("a lock is of a file and not of a name") {
    const auto held = e.lock_file(path).value();
    if (e.link_file(path, s / "link")) check_failed(e.lock_file(s / "link"), errc::in_use, s / "link");
    e.rename_file(path, s / "renamed").value();
    check_failed(e.lock_file(s / "renamed"), errc::in_use, s / "renamed");
    CHECK(e.lock_file(path));
  }
  SECTION("locking keeps what is in the file, and needs its directory") {
    write_file(e, path, "abc");
    CHECK(e.lock_file(path));
    CHECK(contents_of(e, path) == "abc");
    check_failed(e.lock_file(s / "none/LOCK"), errc::no_such_file, s / "none/LOCK");
    check_failed(e.lock_file(s.root), errc::io_error, s.root);
    CHECK_FALSE(e.file_exists(s / "none").value());
  }
}

template <typename Environment>
void check_clocks(Environment e) {
  CHECK(e.wall_time_us() > 1'000'000'000'000'000);  // after 2001
  std::uint64_t before = e.steady_time_ns();
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t now = e.steady_time_ns();
    REQUIRE(now >= before);
    before = now;
  }
  e.sleep_for_us(0);
  e.sleep_for_us(200);
  CHECK(e.steady_time_ns() >= before + 200'000);
  CHECK(e.process_id() == e.process_id());
  e.start_thread("low", [e]() noexcept { e.lower_priority(); }).value().join();
  std::vector<std::uint64_t> drawn;
  for (int i = 0; i < 100; ++i) drawn.push_back(e.entropy());
  std::sort(drawn.begin(), drawn.end());
  CHECK(std::adjacent_find(drawn.begin(), drawn.end()) == drawn.end());
}

// -- Threads ----------------------------------------------------------------------------------------------------------

template <typename Environment>
void check_threads(Environment e) {
  using mutex = typename Environment::mutex;
  using thread = typename Environment::thread;
  using lock_type = strata::unique_lock<mutex>;

  SECTION("a thread runs its function, which may only move, and has destroyed it when it is joined") {
    auto token = std::make_shared<int>(0);
    const std::weak_ptr<int> watched = token;
    int seen = 0;
    auto owned = std::make_unique<int>(42);
    thread t = e.start_thread("a name of more than fifteen bytes", [&seen, token, owned = std::move(owned)]() noexcept {
                  seen = *owned;
                }).value();
    token.reset();
    thread moved = std::move(t);
    t = std::move(moved);
    t.join();
    CHECK(seen == 42);
    CHECK(watched.expired());
  }
  SECTION("a mutex lets in one at a time") {
    mutex m(e);
    std::uint64_t count = 0;
    std::vector<thread> running;
    for (int i = 0; i < 4; ++i)
      running.push_back(e.start_thread("count", [&]() noexcept {
                           for (int k = 0; k < 5000; ++k) {
                             const lock_type lock(m);
                             ++count;
                           }
                         }).value());
    for (thread& t : running) t.join();
    CHECK(count == 20'000);
  }
  SECTION("try_lock fails while another thread holds the mutex") {
    mutex m(e);
    bool got = true;
    m.lock();
    e.start_thread("try", [&]() noexcept { got = m.try_lock(); }).value().join();
    CHECK_FALSE(got);
    m.unlock();
    e.start_thread("try",
                   [&]() noexcept {
                     got = m.try_lock();
                     if (got) m.unlock();
                   })
        .value()
        .join();
    CHECK(got);
  }
  SECTION("a condition variable hands turns to and fro") {
    mutex m(e);
    typename Environment::condition_variable turned(e);
    int turn = 0;
    constexpr int turns = 2000;
    auto other = e.start_thread("pong", [&]() noexcept {
                    lock_type lock(m);
                    while (turn < turns) {
                      while (turn < turns && turn % 2 == 0) turned.wait(lock);
                      if (turn < turns) ++turn;
                      turned.notify_one();
                    }
                  }).value();
    {
      lock_type lock(m);
      while (turn < turns) {
        while (turn < turns && turn % 2 == 1) turned.wait(lock);
        if (turn < turns) ++turn;
        turned.notify_one();
      }
      CHECK(lock.owns_lock());
    }
    other.join();
    CHECK(turn == turns);
  }
  SECTION("notify_all wakes every waiter") {
    mutex m(e);
    typename Environment::condition_variable changed(e);
    bool go = false;
    int waiting = 0;
    int gone = 0;
    std::vector<thread> running;
    for (int i = 0; i < 3; ++i)
      running.push_back(e.start_thread("wait", [&]() noexcept {
                           lock_type lock(m);
                           ++waiting;
                           changed.notify_all();
                           while (!go) changed.wait(lock);
                           ++gone;
                         }).value());
    {
      lock_type lock(m);
      while (waiting < 3) changed.wait(lock);
      go = true;
      changed.notify_all();
    }
    for (thread& t : running) t.join();
    CHECK(gone == 3);
  }
  SECTION("a timed wait ends, with the mutex held, when nobody notifies") {
    mutex m(e);
    typename Environment::condition_variable never(e);
    lock_type lock(m);
    const std::uint64_t begin = e.steady_time_ns();
    while (never.wait_for_us(lock, 2000)) continue;  // true: woken without cause
    CHECK(e.steady_time_ns() - begin >= 2'000'000);
    CHECK(lock.owns_lock());
    bool got = true;
    e.start_thread("try", [&]() noexcept { got = m.try_lock(); }).value().join();
    CHECK_FALSE(got);
    while (never.wait_for_us(lock, 0)) continue;
  }
  SECTION("a timed wait of any length ends when it is notified") {
    for (std::uint64_t duration : {std::uint64_t{3'600'000'000}, UINT64_MAX}) {
      mutex m(e);
      typename Environment::condition_variable changed(e);
      bool done = false;
      auto other = e.start_thread("notify", [&]() noexcept {
                      const lock_type lock(m);
                      done = true;
                      changed.notify_one();
                    }).value();
      {
        lock_type lock(m);
        while (!done) REQUIRE(changed.wait_for_us(lock, duration));
      }
      other.join();
    }
  }
  SECTION("waiting on a word that has changed returns at once") {
    std::atomic<std::uint32_t> word{7};
    e.wait(word, 6);
    e.wake_one(word);
    e.wake_all(word);
    CHECK(word.load() == 7);
  }
  SECTION("two threads hand a word to and fro") {
    std::atomic<std::uint32_t> word{0};
    constexpr std::uint32_t turns = 4000;
    const auto play = [&](std::uint32_t mine) noexcept {
      for (;;) {
        const std::uint32_t now = word.load();
        if (now >= turns) return;
        if (now % 2 != mine) {
          e.wait(word, now);
          continue;
        }
        word.store(now + 1);
        e.wake_one(word);
      }
    };
    auto other = e.start_thread("odd", [&]() noexcept { play(1); }).value();
    play(0);
    other.join();
    CHECK(word.load() == turns);
  }
  SECTION("wake_all wakes all that wait on a word") {
    std::atomic<std::uint32_t> word{0};
    std::atomic<std::uint32_t> arrived{0};
    std::atomic<int> gone{0};
    std::vector<thread> running;
    for (int i = 0; i < 3; ++i)
      running.push_back(e.start_thread("wait", [&]() noexcept {
                           arrived.fetch_add(1);
                           e.wake_all(arrived);
                           while (word.load() == 0) e.wait(word, 0);
                           gone.fetch_add(1);
                         }).value());
    for (std::uint32_t seen = 0; (seen = arrived.load()) < 3;) e.wait(arrived, seen);
    word.store(1);
    e.wake_all(word);
    for (thread& t : running) t.join();
    CHECK(gone.load() == 3);
  }
}

// Many threads on one world: each file has one writer and readers that follow it.
template <typename Environment>
void check_files_from_threads(Environment environment) {
  using thread = typename Environment::thread;
  const scratch<Environment> s(std::move(environment));
  const auto& e = s.e;
  std::atomic<int> failures{0};
  std::vector<thread> running;
  for (int writer = 0; writer < 2; ++writer) {
    auto file = std::make_shared<typename Environment::writable_file>(
        e.create_file(s / ("file" + std::to_string(writer))).value());
    auto written = std::make_shared<std::atomic<std::uint64_t>>(0);
    auto reader = std::make_shared<typename Environment::readable_file>(
        e.open_readable(s / ("file" + std::to_string(writer))).value());
    // Byte i of a file is i modulo 251.
    running.push_back(e.start_thread("write", [=, &failures]() noexcept {
                         std::string piece;
                         for (std::uint64_t at = 0; at < 300'000; at += piece.size()) {
                           piece.clear();
                           for (std::uint64_t i = 0; i < 997; ++i) piece.push_back(static_cast<char>((at + i) % 251));
                           if (!file->append(piece)) failures.fetch_add(1);
                           written->store(at + piece.size(), std::memory_order_release);
                         }
                       }).value());
    running.push_back(e.start_thread("read", [=, &failures]() noexcept {
                         char to[5000];
                         for (std::uint64_t at = 0; at < 300'000;) {
                           const std::uint64_t promised = written->load(std::memory_order_acquire);
                           const auto got = reader->read(at, to, sizeof to);
                           if (!got || at + *got < (std::min)(promised, at + sizeof to)) {
                             failures.fetch_add(1);
                             return;
                           }
                           for (std::size_t i = 0; i < *got; ++i)
                             if (to[i] != static_cast<char>((at + i) % 251)) failures.fetch_add(1);
                           at += *got;
                         }
                       }).value());
  }
  // Syncs and looks at the size beside its writer.
  auto shared = std::make_shared<typename Environment::writable_file>(e.create_file(s / "shared").value());
  running.push_back(e.start_thread("append", [=, &failures]() noexcept {
                       for (int i = 0; i < 500; ++i)
                         if (!shared->append("0123456789")) failures.fetch_add(1);
                     }).value());
  running.push_back(e.start_thread("sync", [=, &failures]() noexcept {
                       for (std::uint64_t before = 0; before < 5000;) {
                         const std::uint64_t now = shared->size();
                         if (now < before || now % 10 != 0 || !shared->sync()) failures.fetch_add(1);
                         before = now;
                       }
                     }).value());
  running.push_back(e.start_thread("names", [&]() noexcept {
                       for (int i = 0; i < 200; ++i) {
                         const std::string name = s / ("name" + std::to_string(i));
                         if (!e.create_file(name) || !e.rename_file(name, name + "x") || !e.list_directory(s.root) ||
                             !e.remove_file(name + "x"))
                           failures.fetch_add(1);
                       }
                     }).value());
  for (thread& t : running) t.join();
  CHECK(failures.load() == 0);
  CHECK(sorted_names(e, s.root) == std::vector<std::string>{"file0", "file1", "shared"});
}

// Of many threads that want one lock at once, one at a time has it.
template <typename Environment>
void check_locks_from_threads(Environment environment) {
  using thread = typename Environment::thread;
  const scratch<Environment> s(std::move(environment));
  const auto& e = s.e;
  std::atomic<int> holders{0};
  std::atomic<int> failures{0};
  std::vector<thread> running;
  for (int i = 0; i < 4; ++i)
    running.push_back(e.start_thread("lock", [&]() noexcept {
                         for (int won = 0; won < 50;) {
                           const auto held = e.lock_file(s / "LOCK");
                           if (!held) {
                             if (held.error().code() != errc::in_use) failures.fetch_add(1);
                             continue;
                           }
                           if (holders.fetch_add(1) != 0) failures.fetch_add(1);
                           holders.fetch_sub(1);
                           ++won;
                         }
                       }).value());
  for (thread& t : running) t.join();
  CHECK(failures.load() == 0);
}

}  // namespace contract

#endif
