// What every way of using Strata builds and runs: a program of its users, in one file.
//
// It is also compiled twice and linked with itself (then `main` has another name), without exceptions, and with macros
// called min and max: whatever it defines is in an unnamed namespace, and it catches nothing.
#include <cstdio>
#include <string>

#include <strata/strata.hpp>

namespace {

strata::result<std::uint64_t> parse(strata::bytes_view stored) {
  strata::byte_reader reader(stored);
  const std::uint64_t number = reader.varint();
  if (!reader.complete()) return strata::error(strata::errc::decode_failed, "parse", "not one number");
  return number;
}

}  // namespace

int main() {
  std::string stored;
  strata::append_varint(stored, 300);
  const strata::result<std::uint64_t> number = parse(stored);
  if (!number || *number != 300) return 1;
  if (parse("").has_value() || parse("").error() != strata::errc::decode_failed) return 2;
  std::printf("strata %d.%d.%d works\n", STRATA_VERSION_MAJOR, STRATA_VERSION_MINOR, STRATA_VERSION_PATCH);
  return 0;
}
