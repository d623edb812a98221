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
  h.fail(strata::error(errc::no_space, "append").in_file("a"), latch_type::severity::resumable);
  h.fail(strata::error(errc::out_of_memory, "other"), latch_type::severity::resumable);
  CHECK(h.failed());
  CHECK(code_of(h.status()) == errc::no_space);
  CHECK(h.status().error().file() == "a");
  require_ok(h.resumable());
  h.clear();
  CHECK_FALSE(h.failed());
  require_ok(h.status());
}

TEST_CASE("a final failure can not be resumed from, whichever came first", "[engine][health]") {
  for (const bool final_first : {false, true}) {
    latch_type h{strata::environment::in_memory()};
    if (final_first) h.fail(strata::error(errc::io_error), latch_type::severity::final);
    h.fail(strata::error(errc::no_space), latch_type::severity::resumable);
    if (!final_first) h.fail(strata::error(errc::io_error), latch_type::severity::final);
    CHECK(code_of(h.status()) == (final_first ? errc::io_error : errc::no_space));
    CHECK_FALSE(h.resumable().has_value());
    // A resumption that was under way when the final one came.
    h.clear();
    CHECK(h.failed());
    CHECK(code_of(h.status()) == (final_first ? errc::io_error : errc::no_space));
  }
}

TEST_CASE("a lack of room is what can be mended", "[engine][health]") {
  for (const errc code : {errc::no_space, errc::too_many_open_files, errc::out_of_memory})
    CHECK(strata::engine::is_lack_of_room(code));
  for (const errc code : {errc::io_error, errc::permission_denied, errc::corruption, errc::read_only, errc::closed, errc::no_such_file})
    CHECK_FALSE(strata::engine::is_lack_of_room(code));
}
