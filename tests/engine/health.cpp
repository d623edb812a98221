#include "engine/stores.hpp"

#include <strata/engine/health.hpp>

using namespace strata_tests;
using strata::errc;
using latch_type = strata::engine::health<strata::environment::in_memory>;

TEST_CASE("the first failure stays and is what is said", "[engine][health]") {
  latch_type h{strata::environment::in_memory()};
  CHECK_FALSE(h.failed());
  require_ok(h.status());
  require_ok(h.resumable());
  h.clear();  // of nothing
  CHECK_FALSE(h.failed());
  CHECK(h.fail(strata::error(errc::no_space, "append").in_file("a"), latch_type::severity::resumable) == errc::no_space);
  CHECK(h.fail(strata::error(errc::out_of_memory, "other"), latch_type::severity::resumable) == errc::out_of_memory);
  CHECK(h.failed());
  CHECK(code_of(h.status()) == errc::no_space);
  CHECK(h.status().error().file() == "a");
  require_ok(h.resumable());
  h.clear();
  CHECK_FALSE(h.failed());
  require_ok(h.status());
}

TEST_CASE("a final failure can not be resumed from and is what is said, whichever came first", "[engine][health]") {
  for (const bool final_first : {false, true}) {
    latch_type h{strata::environment::in_memory()};
    const auto fail_for_good = [&] {
      CHECK(h.fail(strata::error(errc::permission_denied), latch_type::severity::final) == errc::permission_denied);
    };
    if (final_first) fail_for_good();
    CHECK(h.fail(strata::error(errc::no_space), latch_type::severity::resumable) == errc::no_space);
    if (!final_first) fail_for_good();
    CHECK(h.fail(strata::error(errc::io_error), latch_type::severity::final) == errc::io_error);
    CHECK(code_of(h.status()) == errc::permission_denied);
    CHECK(code_of(h.resumable()) == errc::permission_denied);
    // A resumption that was under way when the final one came.
    h.clear();
    CHECK(h.failed());
    CHECK(code_of(h.status()) == errc::permission_denied);
  }
}

TEST_CASE("what is final does not say that room would mend it, but what the system said", "[engine][health]") {
  for (const errc code : {errc::no_space, errc::too_many_open_files, errc::out_of_memory}) {
    latch_type h{strata::environment::in_memory()};
    const strata::error said =
        h.fail(strata::error(code, "sync").in_file("a").with_system_error(28), latch_type::severity::final);
    CHECK(said == errc::io_error);
    CHECK(code_of(h.status()) == errc::io_error);
    CHECK(said.operation() == std::string("sync"));
    CHECK(h.status().error().file() == "a");
    CHECK(h.status().error().system_error() == 28);
  }
}

TEST_CASE("a lack of room is what can be mended", "[engine][health]") {
  for (const errc code : {errc::no_space, errc::too_many_open_files, errc::out_of_memory})
    CHECK(strata::engine::is_lack_of_room(code));
  for (const errc code : {errc::io_error, errc::permission_denied, errc::corruption, errc::read_only, errc::closed, errc::no_such_file})
    CHECK_FALSE(strata::engine::is_lack_of_room(code));
}
