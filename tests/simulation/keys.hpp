// Clients that read and write a few keys, each call of its own; judged key by key, and across keys after each restart.
#ifndef STRATA_TESTS_SIMULATION_KEYS_HPP
#define STRATA_TESTS_SIMULATION_KEYS_HPP

#include "simulation/histories.hpp"

namespace strata_tests {

class key_run : public history_run {
  using call = register_call;

 public:
  key_run(std::uint64_t seed, const history_size& size, history_counts& counts) : history_run(seed, size, counts) {
    for (std::size_t i = 0, keys = 1 + below(4); i < keys; ++i) histories_["key" + std::to_string(i)];
  }

 private:
  struct write {
    std::string key;
    register_value value;
    strata::sequence_number sequence;
    std::uint64_t invoked;
  };

  void act(client& self) override {
    ++counts_.calls;
    const std::string key = "key" + std::to_string(self.random.below(histories_.size()));
    const std::size_t choice = self.random.below(100);
    if (choice < 34) return put(self, key, call::kind::put, nothing, {});
    if (choice < 44) return erase(self, key);
    if (choice < 52) return put(self, key, call::kind::put_if, nothing, {.if_absent = true});
    if (choice < 57) return put(self, key, call::kind::put_if, anything, {.if_present = true});
    if (choice < 67) return replace(self, key);
    if (choice < 85) return get(self, key);
    if (choice < 90) return get_many(self);
    if (choice < 96) return scan(self);
    return look_at_snapshot(self);
  }

  // ---- writes

  std::size_t begin(client& self, const std::string& key, call::kind what, register_value value = nothing, register_value expected = nothing) {
    call made{what, tick(), for_ever, value, expected};
    made.known = false;
    made.who = self.name;
    histories_[key].push_back(std::move(made));
    return histories_[key].size() - 1;
  }
  // It returned, and that is known: not where the world has ended meanwhile.
  bool finish(const std::string& key, std::size_t at, std::optional<bool> done, bool durable) {
    if (was_cut()) return false;
    call& made = histories_[key][at];
    made.returned = tick();
    made.known = true;
    made.done = done;
    made.durable = durable;
    return true;
  }
  void finish_failed(const std::string& key, std::size_t at, const strata::error& failed, const char* what) {
    if (was_cut()) return;
    if (failed == errc::condition_not_met) return void(finish(key, at, false, false));
    // Nothing was written.
    if (failed == errc::conflict) return void(histories_[key][at].invoked = 0);
    ++counts_.unknown;
    look_at(failed, what);
  }

  void put(client& self, const std::string& key, call::kind what, register_value expected, strata::put_options options) {
    options.durability = draw_durability(self);
    const register_value value = fresh_value();
    const std::string text = text_of(value, self);
    const std::size_t at = begin(self, key, what, value, expected);
    auto done = store()[cells].put(key, text, options);
    if (!done) return finish_failed(key, at, done.error(), "put");
    const bool durable = is_durable(options.durability);
    if (!finish(key, at, what == call::kind::put_if ? std::optional(true) : std::nullopt, durable)) return;
    acknowledged(*done, durable);
    acknowledged_.push_back({key, value, *done, histories_[key][at].invoked});
  }
  // What stands there is read, and replaced where it still stands there.
  void replace(client& self, const std::string& key) {
    const std::uint64_t invoked = tick();
    auto found = store()[cells].get_versioned(key);
    if (!found) return look_at(found.error(), "get_versioned");
    saw(self, key, invoked, *found ? number_of((*found)->value) : nothing);
    if (*found && !is_over()) put(self, key, call::kind::put_if, number_of((*found)->value), {.if_version = (*found)->version});
  }
  void erase(client& self, const std::string& key) {
    const durability wanted = draw_durability(self);
    const std::size_t at = begin(self, key, call::kind::erase);
    auto there = store()[cells].erase(key, {.durability = wanted});
    if (!there.has_value()) return finish_failed(key, at, there.error(), "erase");
    finish(key, at, *there, is_durable(wanted));
  }

  // ---- reads

  void saw(client& self, const std::string& key, std::uint64_t invoked, register_value value) {
    if (was_cut()) return;
    call made{call::kind::get, invoked, tick(), value};
    made.who = self.name;
    histories_[key].push_back(std::move(made));
  }
  void get(client& self, const std::string& key) {
    const std::uint64_t invoked = tick();
    auto found = store()[cells].get(key);
    if (!found) return look_at(found.error(), "get");
    saw(self, key, invoked, *found ? number_of(**found) : nothing);
  }
  void get_many(client& self) {
    std::vector<std::string> keys;
    for (const auto& each : histories_) keys.push_back(each.first);
    const std::uint64_t invoked = tick();
    auto found = store()[cells].multi_get(keys);
    if (!found) return look_at(found.error(), "multi_get");
    for (std::size_t i = 0; i < keys.size(); ++i) saw(self, keys[i], invoked, (*found)[i] ? number_of(*(*found)[i]) : nothing);
  }
  void scan(client& self) {
    const std::uint64_t invoked = tick();
    self.random.one_in(2) ? saw_rows(self, invoked, store()[cells].scan()) : saw_rows(self, invoked, store()[cells].scan(strata::descending<>()));
  }
  template <typename Rows>
  void saw_rows(client& self, std::uint64_t invoked, Rows rows) {
    std::map<std::string, register_value> found;
    while (rows.next()) {
      const auto row = rows.row();
      if (!found.emplace(row.first, number_of(row.second)).second) fail("a scan that gives a key twice");
    }
    if (!rows.status()) return look_at(rows.status().error(), "scan");
    for (const auto& each : histories_) {
      const auto row = found.find(each.first);
      saw(self, each.first, invoked, row == found.end() ? nothing : row->second);
    }
  }
  // A snapshot is as of a moment of its taking, however late it is read.
  void look_at_snapshot(client& self) {
    const std::uint64_t invoked = tick();
    const auto before = store().snapshot();
    const std::uint64_t taken = tick();
    if (self.random.one_in(2)) keep_up(self);
    for (auto& each : histories_) {
      auto found = before[cells].get(each.first);
      if (!found) return look_at(found.error(), "get from a snapshot");
      saw(self, each.first, invoked, *found ? number_of(**found) : nothing);
      if (!was_cut()) each.second.back().returned = taken;
    }
  }

  // ---- judging

  void reopened(const ending& before) override {
    const strata::sequence_number last = store().last_sequence();
    for (auto& [key, calls] : histories_) {
      for (call& each : calls)
        if (!each.known && each.returned == for_ever) each.returned = before.moment;
      call found{call::kind::restart, tick(), 0};
      found.durable = before.lost_nothing;
      found.settled = before.settled;
      auto there = store()[cells].get_versioned(key);
      if (!there) return fail("a get after the restart: " + there.error().message());
      if (*there) found.value = number_of((*there)->value);
      found.returned = tick();
      look_for_holes(key, last, *there ? (*there)->version : 0);
      calls.push_back(std::move(found));
    }
    std::erase_if(acknowledged_, [&](const write& each) { return before.settled || each.sequence > last; });
  }
  // Commits are lost from the end only: of what was acknowledged everything up to the newest commit that is there, is there.
  void look_for_holes(const std::string& key, strata::sequence_number last, strata::sequence_number version) {
    if (version > last) fail(key + " is of commit " + std::to_string(version) + ", and the newest is " + std::to_string(last));
    for (const write& each : acknowledged_) {
      if (each.key != key || each.sequence > last || version >= each.sequence) continue;
      if (version == 0 && may_be_erased_after(key, each.invoked)) continue;
      fail("commit " + std::to_string(each.sequence) + " of " + key + " is gone, and later ones up to " + std::to_string(last) + " are there");
    }
  }
  [[nodiscard]] bool may_be_erased_after(const std::string& key, std::uint64_t invoked) const {
    for (const call& each : histories_.at(key))
      if (each.what == call::kind::erase && each.returned > invoked && each.done != std::optional(false)) return true;
    return false;
  }
  void judge() override {
    for (auto& [key, calls] : histories_) {
      std::erase_if(calls, [](const call& each) { return each.invoked == 0; });
      if (const auto wrong = linearizability(std::move(calls)).check()) return fail(key + ": " + *wrong);
    }
  }

  std::map<std::string, std::vector<call>> histories_;
  std::vector<write> acknowledged_;  // and not settled by a restart
};

}  // namespace strata_tests

#endif
