// One stream of calls, fed to every composition: all give one trace, that of a map. Flushes, merges, reopenings, checks and
// moves into a checkpoint are put in anywhere, others for each composition, and change no answer.
//
// A composition is tested by `strata_tests::check_one_stream<Store>(environment, directory)`; what fails prints the seed, the
// number of the call and the number of the composition's own choices.
#ifndef STRATA_TESTS_ENGINE_ONE_STREAM_HPP
#define STRATA_TESTS_ENGINE_ONE_STREAM_HPP

#include "engine/stores.hpp"

namespace strata_tests {

struct stream_write {
  enum class what : std::uint8_t { put, erase, erase_range };
  what kind;
  std::string key;
  std::string value;  // erase_range: the end
};
struct stream_walk {
  std::string from;
  std::size_t rows;
  bool forward;
};
inline constexpr std::size_t stream_calls = 10'000;
inline constexpr std::size_t no_snapshot = SIZE_MAX;  // instead of the index of one: what is there now

// What a subject has answered, as one number. Source: FNV-1a.
class stream_answer {
 public:
  void add(strata::bytes_view bytes) {
    for (const char c : bytes) add(static_cast<unsigned char>(c));
    add(bytes.size());
  }
  void add(std::uint64_t number) { hash_ = (hash_ ^ number) * 0x100000001B3; }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325;
};

// The stream of a seed, whatever it is fed to: `each(number, answer)` after every call.
template <typename Subject, typename Each>
void feed(Subject& subject, std::uint64_t seed, Each each) {
  constexpr std::size_t keys = 600;
  random_numbers random(seed);
  const auto key = [&] {
    std::string text = std::to_string(random.below(keys));
    if (text.size() == 1) text += std::string(40, '\xff');
    return text;
  };
  std::size_t snapshots = 0;
  std::vector<stream_write> writes;
  for (std::size_t i = 0; i < stream_calls; ++i) {
    stream_answer answer;
    const std::size_t choice = random.below(100);
    const auto at = [&] { return snapshots != 0 && random.one_in(3) ? random.below(snapshots) : no_snapshot; };
    if (choice < 50) {
      writes.clear();
      for (std::size_t count = random.one_in(8) ? 2 + random.below(7) : 1; count-- > 0;) {
        using what = stream_write::what;
        const std::size_t kind = random.below(100);
        std::string of = key();
        if (kind < 80) {
          writes.push_back({what::put, std::move(of), random.bytes(random.one_in(300) ? 3000 : random.below(120))});
        } else if (kind < 97) {
          writes.push_back({what::erase, std::move(of), {}});
        } else {
          std::string end = random.one_in(10) ? key() : of + "5";
          writes.push_back({what::erase_range, std::move(of), std::move(end)});
        }
      }
      subject.commit(writes);
    } else if (choice < 80) {
      const std::string of = key();
      subject.get(of, at(), answer);
    } else if (choice < 97) {
      const stream_walk walk{key(), random.one_in(50) ? keys : random.below(12), random.one_in(2)};
      subject.walk(walk, at(), answer);
    } else if (snapshots < 2 && random.one_in(2)) {
      subject.take_snapshot();
      ++snapshots;
    } else if (snapshots != 0) {
      subject.release_snapshot(random.below(snapshots));
      --snapshots;
    }
    each(i, answer.hash());
  }
}

class stream_oracle {
 public:
  void commit(const std::vector<stream_write>& writes) {
    for (const stream_write& each : writes) {
      if (each.kind == stream_write::what::put) {
        now_[each.key] = each.value;
      } else if (each.kind == stream_write::what::erase) {
        now_.erase(each.key);
      } else if (each.key < each.value) {
        now_.erase(now_.lower_bound(each.key), now_.lower_bound(each.value));
      }
    }
  }
  void get(const std::string& key, std::size_t at, stream_answer& answer) const {
    const contents& all = seen(at);
    const auto found = all.find(key);
    if (found != all.end()) answer.add(found->second);
  }
  void walk(const stream_walk& asked, std::size_t at, stream_answer& answer) const {
    const contents& all = seen(at);
    auto row = all.lower_bound(asked.from);
    for (std::size_t i = 0; i < asked.rows; ++i) {
      if (asked.forward ? row == all.end() : row == all.begin()) break;
      if (!asked.forward) --row;
      answer.add(row->first);
      answer.add(row->second);
      if (asked.forward) ++row;
    }
  }
  void take_snapshot() { snapshots_.push_back(now_); }
  void release_snapshot(std::size_t index) { snapshots_.erase(snapshots_.begin() + static_cast<std::ptrdiff_t>(index)); }

 private:
  [[nodiscard]] const contents& seen(std::size_t at) const { return at == no_snapshot ? now_ : snapshots_[at]; }

  contents now_;
  std::vector<contents> snapshots_;
};

template <typename Store, typename Environment>
class stream_subject {
 public:
  stream_subject(const Environment& environment, std::string directory, std::uint64_t choices)
      : environment_(environment), directory_(std::move(directory)), random_(choices) {
    amounts_.compaction.fifo_bytes_max = std::uint64_t{1} << 40;  // none drops anything
    amounts_.durability = strata::durability::none;
    open();
  }

  void commit(const std::vector<stream_write>& writes) {
    batch_.clear();
    for (const stream_write& each : writes) {
      switch (each.kind) {
        case stream_write::what::put: batch_.put(0, each.key, each.value); break;
        case stream_write::what::erase: batch_.erase(0, each.key); break;
        case stream_write::what::erase_range: batch_.erase_range(0, each.key, each.value); break;
      }
    }
    require_ok(store_->commit(batch_, strata::durability::none));
  }
  void get(const std::string& key, std::size_t at, stream_answer& answer) {
    require_ok(store_->get(key, sequence(at), [&](strata::bytes_view value, strata::sequence_number, std::uint64_t) { answer.add(value); }));
  }
  void walk(const stream_walk& asked, std::size_t at, stream_answer& answer) {
    auto made = store_->make_cursor({"", "", true}, sequence(at));
    require_ok(made);
    auto& cursor = **made;
    asked.forward ? cursor.seek(asked.from) : cursor.seek_before(asked.from);
    for (std::size_t i = 0; i < asked.rows && cursor.valid(); ++i) {
      answer.add(cursor.key());
      answer.add(cursor.value());
      asked.forward ? cursor.next() : cursor.prev();
    }
    require_ok(cursor.status());
  }
  void take_snapshot() { snapshots_.push_back(store_->take_snapshot()); }
  void release_snapshot(std::size_t index) {
    store_->release_snapshot(snapshots_[index]);
    snapshots_.erase(snapshots_.begin() + static_cast<std::ptrdiff_t>(index));
  }

  // Something that must change no answer, now and then.
  void intervene() {
    const std::size_t choice = random_.below(4000);
    if (choice < 12) {
      require_ok(store_->flush());
    } else if (choice < 14) {
      require_ok(store_->compact());
    } else if (choice < 15) {
      require_ok(store_->verify());
    } else if (choice < 19 && snapshots_.empty()) {
      choice == 18 ? move_into_checkpoint() : reopen(choice < 17);
    } else {
      return;
    }
    ++interventions_;
  }
  // Leaves nothing behind.
  void end() {
    for (const strata::sequence_number each : snapshots_) store_->release_snapshot(each);
    require_ok(store_->close());
    store_.reset();
    remove_with_files(environment_, directory_);
  }
  [[nodiscard]] std::size_t interventions() const { return interventions_; }

 private:
  [[nodiscard]] strata::sequence_number sequence(std::size_t at) const {
    return at == no_snapshot ? strata::sequence_max : snapshots_[at];
  }
  void open() { store_ = open_store<Store>(environment_, directory_, amounts_); }
  void reopen(bool in_order) {
    if (in_order) require_ok(store_->close());
    store_.reset();
    open();
  }
  void move_into_checkpoint() {
    const std::string target = directory_ + "+";
    require_ok(store_->checkpoint(target));
    require_ok(store_->close());
    store_.reset();
    remove_with_files(environment_, directory_);
    directory_ = target;
    open();
  }

  Environment environment_;
  std::string directory_;
  random_numbers random_;
  strata::options amounts_ = tiny_options();
  std::unique_ptr<Store> store_;
  strata::engine::write_batch batch_;
  std::vector<strata::sequence_number> snapshots_;
  std::size_t interventions_ = 0;
};

// `directory` must not exist; its parent must. As often as is asked of all only with g++: what hangs on the compiler shows in
// less. `choices` tells compositions apart.
template <typename Store, typename Environment>
void check_one_stream(const Environment& environment, const std::string& directory, std::uint64_t choices) {
#if defined(__clang__)
  const std::size_t streams = is_sanitized ? 4 : rounds(20, 1000);
#else
  const std::size_t streams = is_sanitized ? 4 : rounds(200, 1000);
#endif
  std::vector<std::uint64_t> expected(stream_calls);
  std::size_t interventions = 0;
  for (std::uint64_t seed = 1; seed <= streams; ++seed) {
    stream_oracle oracle;
    feed(oracle, seed, [&](std::size_t number, std::uint64_t answer) { expected[number] = answer; });
    stream_subject<Store, Environment> subject(environment, directory, seed * 100 + choices);
    feed(subject, seed, [&](std::size_t number, std::uint64_t answer) {
      if (answer != expected[number]) FAIL("seed " << seed << ", choices " << choices << ": call " << number << " has another answer");
      subject.intervene();
    });
    subject.end();
    interventions += subject.interventions();
  }
  CHECK(interventions > streams * 20);
}

}  // namespace strata_tests

#endif
