// Something that ends its process, done in a child: how it ended, and what it said.
#ifndef STRATA_TESTS_ENVIRONMENT_CHILD_HPP
#define STRATA_TESTS_ENVIRONMENT_CHILD_HPP

#include "test.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace strata_tests {

struct child_end {
  int signal = 0;  // that ended it; 0: it came to its end
  std::string said;
  [[nodiscard]] bool says(std::string_view words) const { return said.find(words) != std::string::npos; }
};

// Requires: the process has no other thread.
template <typename Work>
child_end run_in_child(Work work) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // not the test framework's
    ::alarm(120);                   // a child that hangs ends, too
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    work();
    ::_exit(0);
  }
  ::close(ends[1]);
  child_end end;
  char bytes[512];
  for (ssize_t count; (count = ::read(ends[0], bytes, sizeof bytes)) > 0;) end.said.append(bytes, static_cast<std::size_t>(count));
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return end;
}

}  // namespace strata_tests

#endif
