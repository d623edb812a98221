// A manifest, recovered, gone on with and written anew.
//
//   - Recovery gives a state or an error of those that it lists, and changes nothing.
//   - An edit that parses is what append_to would write of it, read again.
//   - A state that was read can be made durable, appended to, written anew and closed; what is read then is that state and
//     what was appended, whatever names the files have.
#include "mend.hpp"
#include "world.hpp"

#include <strata/engine/manifest.hpp>

namespace {

using namespace strata_fuzz;
using strata::engine::version_edit;
using manifest = strata::engine::manifest<world>;
using strata::engine::manifest_state;

constexpr std::uint64_t number = 9;

// What it says, but for the counters, which only rise.
byte_string tables_of(const manifest_state& state) {
  version_edit whole = state.whole();
  whole.has_counters = false;
  byte_string bytes;
  whole.append_to(bytes);
  return bytes;
}

// Each edit that the file holds, parsed, written and parsed: the same words.
void check_edit(bytes_view payload) {
  version_edit edit;
  if (!edit.parse(payload)) return;
  byte_string written, again;
  edit.append_to(written);
  version_edit read;
  FUZZ_CLAIM(read.parse(written));
  read.append_to(again);
  FUZZ_CLAIM(written == again);
  FUZZ_CLAIM(read.added.size() == edit.added.size() && read.dropped.size() == edit.dropped.size());
}

void check_going_on(const world& files, manifest& read) {
  FUZZ_CLAIM(read.state().store_id == store_id);
  const byte_string before = tables_of(read.state());
  FUZZ_OK(read.make_durable());
  FUZZ_CLAIM(tables_of(read.state()) == before);
  version_edit edit;
  edit.has_counters = true;
  edit.counts = read.state().counts;
  edit.counts.last_time_us = now_us;
  FUZZ_OK(read.append(edit));
  FUZZ_CLAIM(read.state().counts.last_time_us == now_us);
  const std::uint64_t fresh = read.state().newest_number() + 1;
  if (fresh <= strata::engine::file_number_max) FUZZ_OK(read.rewrite(fresh, fresh));
  FUZZ_OK(read.close());
  manifest again(files, "store");
  FUZZ_OK(again.recover());
  FUZZ_CLAIM(tables_of(again.state()) == before && again.state().counts.last_time_us == now_us);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view file = view_of(data, size);
  const world files;
  FUZZ_OK(files.create_directory("store"));
  FUZZ_OK(strata::engine::write_current(files, "store", {store_id, number}));
  const byte_string path = strata::engine::manifest_path("store", number);
  put_file(files, path, file);

  record_file parts;
  if (parts.take_apart(file))
    for (const record_file::record& each : parts.records) check_edit(each.payload);

  manifest read(files, "store");
  auto recovered = read.recover();
  FUZZ_CLAIM(get_file(files, path) == file);
  if (!recovered.has_value()) {
    FUZZ_EXPECT(recovered.error(), {errc::corruption, errc::not_a_store, errc::unsupported_version}, place::file_and_offset, path);
    return 0;
  }
  check_going_on(files, read);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max, unsigned seed) {
  dice chance(seed);
  record_file parts;
  if (!mends(chance) || !parts.take_apart(view_of(data, size))) return LLVMFuzzerMutate(data, size, size_max);
  parts.mutate_part(chance, size_max);
  byte_string made = parts.put_together(strata::engine::manifest_magic, number);
  if (chance.one_in(8)) made.resize(chance.below(made.size() + 1));
  return give(made, data, size_max);
}
