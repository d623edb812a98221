// Whether transactions that ran at once did what they would have done one after another, in an order in which a transaction
// that ended before another began also comes before it.
//
// Each value is written once, so what was read says who wrote it; the order of a key's versions is that of their commits'
// sequences. Of both follows who must come before whom:
//
//   write, write   the writer of a version before the writer of the next
//   write, read    a writer before who read what it wrote
//   read, write    who read a version before the writer of the next
//   time           who had ended before another began
//
// A cycle can't be put in an order. Besides: a value that nobody wrote, that was rolled back, or that its own transaction
// replaced; own writes that are not seen; reads that are not as of the transaction's snapshot.
//
// Sources: Adya, "Weak Consistency: A Generalized Theory", MIT 1999, chapter 3 and 4; Kingsbury, Alvaro, "Elle: Inferring
// Isolation Anomalies from Experimental Observations", VLDB 2020.
#ifndef STRATA_TESTS_SIMULATION_SERIALIZABILITY_HPP
#define STRATA_TESTS_SIMULATION_SERIALIZABILITY_HPP

#include <algorithm>
#include <deque>
#include <set>

#include "simulation/linearizability.hpp"

namespace strata_tests {

struct transaction_record {
  enum class fate : std::uint8_t { committed, aborted, unknown };
  // One thing that it did. A walk over a range is a read of every key in it, found or not.
  struct step {
    enum class kind : std::uint8_t { read, write };
    kind what;
    std::string key;
    register_value value;       // nothing: absent, or erased
    std::uint64_t version = 0;  // of what was read, where it is told
  };
  // A range that was walked whole: [begin, end).
  struct walk {
    std::string begin;
    std::string end;
    std::size_t at;  // before the step of this index
    std::map<std::string, std::pair<register_value, std::uint64_t>> rows;
  };

  std::string name;
  std::uint64_t began = 0;
  std::uint64_t ended = for_ever;
  fate is = fate::unknown;
  std::uint64_t sequence = 0;  // of its commit; 0: not known, or it wrote nothing
  std::optional<std::uint64_t> reads_at{};  // its snapshot
  std::vector<step> steps{};
  std::vector<walk> walks{};

  void read(const std::string& key, register_value value, std::uint64_t version = 0) {
    steps.push_back({step::kind::read, key, value, version});
  }
  void write(const std::string& key, register_value value) { steps.push_back({step::kind::write, key, value, 0}); }
  [[nodiscard]] bool writes() const {
    return std::any_of(steps.begin(), steps.end(), [](const step& each) { return each.what == step::kind::write; });
  }
};

class serializability {
  using fate = transaction_record::fate;
  using step = transaction_record::step;

 public:
  explicit serializability(std::vector<transaction_record> records) : records_(std::move(records)) {}

  // Nothing where there is an order; else what is wrong.
  [[nodiscard]] std::optional<std::string> check() {
    find_writers();
    read_walks();
    learn_sequences();
    if (wrong_.empty()) order_versions();
    if (wrong_.empty())
      for (std::size_t reader = 0; reader < records_.size(); ++reader)
        if (is_in(reader)) look_at_reads(reader);
    if (wrong_.empty()) order_by_time();
    if (wrong_.empty()) find_cycle();
    if (wrong_.empty()) return std::nullopt;
    return wrong_;
  }

 private:
  struct version {
    std::uint64_t sequence;
    std::size_t writer;  // none: what was there before all
    register_value value;
  };
  struct edge {
    std::size_t to;
    std::string why;
  };
  static constexpr std::size_t none = SIZE_MAX;

  void fail(const std::string& words) {
    if (wrong_.empty()) wrong_ = words;
  }
  [[nodiscard]] static std::string words_of(register_value value) { return value == nothing ? "nothing" : std::to_string(value); }
  [[nodiscard]] bool is_in(std::size_t i) const { return records_[i].is == fate::committed; }

  void find_writers() {
    for (std::size_t i = 0; i < records_.size(); ++i) {
      for (const step& each : records_[i].steps) {
        keys_.insert(each.key);
        if (each.what == step::kind::write && each.value != nothing && !writers_.emplace(each.value, i).second)
          fail("the history is none: " + words_of(each.value) + " is written twice");
      }
    }
  }
  // A walk has read every key of the history that lies in its range.
  void read_walks() {
    for (const transaction_record& each : records_)
      for (const auto& walk : each.walks)
        for (const auto& row : walk.rows) keys_.insert(row.first);
    for (transaction_record& each : records_) {
      for (std::size_t w = each.walks.size(); w > 0; --w) {
        const transaction_record::walk& walk = each.walks[w - 1];
        std::vector<step> found;
        for (auto key = keys_.lower_bound(walk.begin); key != keys_.end() && *key < walk.end; ++key) {
          const auto row = walk.rows.find(*key);
          found.push_back({step::kind::read, *key, row == walk.rows.end() ? nothing : row->second.first,
                           row == walk.rows.end() ? 0 : row->second.second});
        }
        each.steps.insert(each.steps.begin() + static_cast<std::ptrdiff_t>(walk.at), found.begin(), found.end());
      }
    }
  }
  // A transaction of unknown fate has happened when another one saw it, and what was seen tells its sequence.
  void learn_sequences() {
    for (const transaction_record& each : records_) {
      if (each.is == fate::aborted) continue;
      for (const step& seen : each.steps) {
        if (seen.what != step::kind::read || seen.value == nothing || seen.version == 0) continue;
        const auto found = writers_.find(seen.value);
        if (found == writers_.end()) continue;  // look_at_reads() says it
        transaction_record& writer = records_[found->second];
        if (writer.is == fate::unknown) writer.is = fate::committed;
        if (writer.sequence == 0) writer.sequence = seen.version;
        if (writer.is == fate::committed && writer.sequence != seen.version)
          fail(writer.name + " was commit " + std::to_string(writer.sequence) + ", and " + each.name + " saw " + seen.key + " of it as of commit " +
               std::to_string(seen.version));
      }
    }
  }
  void order_versions() {
    for (std::size_t i = 0; i < records_.size(); ++i) {
      const transaction_record& each = records_[i];
      for (const step& write : each.steps)
        if (each.is == fate::unknown && write.what == step::kind::write && write.value == nothing) maybe_erased_.insert(write.key);
      if (!is_in(i) || !each.writes()) continue;
      if (each.sequence == 0) fail("the history is none: " + each.name + " has written, and has no sequence");
      std::map<std::string, register_value> last;
      for (const step& write : each.steps)
        if (write.what == step::kind::write) last[write.key] = write.value;
      for (const auto& [key, value] : last) versions_[key].push_back({each.sequence, i, value});
    }
    for (auto& [key, list] : versions_) {
      std::sort(list.begin(), list.end(), [](const version& a, const version& b) { return a.sequence < b.sequence; });
      for (std::size_t i = 1; i < list.size(); ++i) {
        if (list[i].sequence == list[i - 1].sequence)
          fail(records_[list[i - 1].writer].name + " and " + records_[list[i].writer].name + " have one sequence");
        add_edge(list[i - 1].writer, list[i].writer, "wrote " + key + " before");
      }
    }
  }

  void look_at_reads(std::size_t reader) {
    const transaction_record& record = records_[reader];
    std::map<std::string, register_value> own;
    for (const step& each : record.steps) {
      if (each.what == step::kind::write) {
        own[each.key] = each.value;
        continue;
      }
      if (const auto wrote = own.find(each.key); wrote != own.end()) {
        if (wrote->second != each.value)
          fail(record.name + " wrote " + words_of(wrote->second) + " to " + each.key + ", and then read " + words_of(each.value));
        continue;
      }
      if (each.value != nothing) {
        read_of_value(reader, each);
      } else {
        read_of_absence(reader, each);
      }
    }
  }
  void read_of_value(std::size_t reader, const step& seen) {
    const transaction_record& record = records_[reader];
    const std::string what = record.name + " read " + words_of(seen.value) + " from " + seen.key;
    const auto found = writers_.find(seen.value);
    if (found == writers_.end()) return fail(what + ", which nobody wrote");
    const std::size_t writer = found->second;
    if (records_[writer].is == fate::aborted) return fail(what + ", which " + records_[writer].name + " rolled back");
    if (writer == reader) return fail(what + " before it wrote it");
    if (!is_in(writer)) return;  // seen, but nothing says when it was
    const std::vector<version>& list = versions_[seen.key];
    std::size_t at = 0;
    while (at < list.size() && list[at].writer != writer) ++at;
    if (at == list.size()) return fail(what + ", which " + records_[writer].name + " wrote elsewhere");
    if (list[at].value != seen.value) return fail(what + ", which " + records_[writer].name + " itself replaced by " + words_of(list[at].value));
    add_edge(writer, reader, "wrote " + seen.key + " as read by");
    read_before(reader, seen.key, at + 1, what);
  }
  // Absent can be what was there before all, or any erasure: the one of its snapshot. Where that is not told, a key that was
  // never erased still leaves no choice.
  void read_of_absence(std::size_t reader, const step& seen) {
    const transaction_record& record = records_[reader];
    const std::string what = record.name + " found no " + seen.key;
    // Nobody can tell an erasure that may have happened from one that has.
    if (maybe_erased_.count(seen.key) != 0) return;
    const std::vector<version>& list = versions_[seen.key];
    std::size_t next = 0;
    if (record.reads_at) {
      while (next < list.size() && list[next].sequence <= *record.reads_at) ++next;
      if (next > 0 && list[next - 1].value != nothing)
        return fail(what + " as of commit " + std::to_string(*record.reads_at) + ", where " + records_[list[next - 1].writer].name + " had written " +
                    words_of(list[next - 1].value));
    } else if (std::any_of(list.begin(), list.end(), [](const version& each) { return each.value == nothing; })) {
      return;
    }
    if (next > 0) add_edge(list[next - 1].writer, reader, "erased " + seen.key + " as seen by");
    read_before(reader, seen.key, next, what);
  }
  // `next`: index of the version behind the one that was read.
  void read_before(std::size_t reader, const std::string& key, std::size_t next, const std::string& what) {
    const std::vector<version>& list = versions_[key];
    const transaction_record& record = records_[reader];
    if (record.reads_at) {
      if (next > 0 && list[next - 1].sequence > *record.reads_at)
        return fail(what + ", of commit " + std::to_string(list[next - 1].sequence) + ", as of commit " + std::to_string(*record.reads_at));
      if (next < list.size() && list[next].sequence <= *record.reads_at)
        return fail(what + " as of commit " + std::to_string(*record.reads_at) + ", where " + records_[list[next].writer].name + " had replaced it");
    }
    if (next < list.size() && list[next].writer != reader) add_edge(reader, list[next].writer, "read " + key + " before it was written by");
  }

  void add_edge(std::size_t from, std::size_t to, std::string why) { edges_[from].push_back({to, std::move(why)}); }

  // Moments are nodes of their own, in a chain, so that not every pair needs an edge.
  void order_by_time() {
    std::vector<std::pair<std::uint64_t, std::size_t>> ends;
    for (std::size_t i = 0; i < records_.size(); ++i)
      if (is_in(i) && records_[i].ended != for_ever) ends.emplace_back(records_[i].ended, i);
    std::sort(ends.begin(), ends.end());
    const std::size_t first = records_.size();
    for (std::size_t i = 0; i < ends.size(); ++i) {
      add_edge(ends[i].second, first + i, "");
      if (i + 1 < ends.size()) add_edge(first + i, first + i + 1, "");
    }
    for (std::size_t i = 0; i < records_.size(); ++i) {
      if (!is_in(i)) continue;
      const auto later = std::lower_bound(ends.begin(), ends.end(), std::pair(records_[i].began, std::size_t{0}));
      if (later != ends.begin()) add_edge(first + static_cast<std::size_t>(later - ends.begin()) - 1, i, "");
    }
  }

  // The shortest one.
  void find_cycle() {
    std::vector<std::size_t> shortest;
    for (const std::size_t start : nodes_in_cycles()) {
      if (start >= records_.size()) continue;
      std::vector<std::size_t> cycle = path_back(start);
      if (!cycle.empty() && (shortest.empty() || cycle.size() < shortest.size())) shortest = std::move(cycle);
    }
    if (shortest.empty()) return;
    std::string words = "no order of these is possible:";
    std::size_t from = shortest.front();
    bool waits_for_end = false;
    for (std::size_t i = 1; i < shortest.size(); ++i) {
      const std::size_t to = shortest[i];
      if (to >= records_.size()) {
        waits_for_end = true;
        continue;
      }
      words += "\n  " + records_[from].name + " " + (waits_for_end ? "had ended before the begin of" : why(from, to)) + " " + records_[to].name;
      from = to;
      waits_for_end = false;
    }
    fail(words);
  }
  [[nodiscard]] std::string why(std::size_t from, std::size_t to) {
    for (const edge& each : edges_[from])
      if (each.to == to) return each.why;
    return "";
  }
  // What stays when nodes that nothing leads to are taken away, again and again.
  [[nodiscard]] std::vector<std::size_t> nodes_in_cycles() {
    std::map<std::size_t, std::size_t> leading_here;
    for (const auto& [from, list] : edges_) {
      leading_here[from];
      for (const edge& each : list) ++leading_here[each.to];
    }
    std::deque<std::size_t> free;
    for (const auto& [node, count] : leading_here)
      if (count == 0) free.push_back(node);
    while (!free.empty()) {
      const std::size_t node = free.front();
      free.pop_front();
      leading_here.erase(node);
      if (const auto list = edges_.find(node); list != edges_.end())
        for (const edge& each : list->second)
          if (--leading_here[each.to] == 0) free.push_back(each.to);
    }
    std::vector<std::size_t> left;
    for (const auto& [node, count] : leading_here) left.push_back(node);
    return left;
  }
  // From `start` to itself by the fewest edges; empty where there is no way.
  [[nodiscard]] std::vector<std::size_t> path_back(std::size_t start) {
    std::map<std::size_t, std::size_t> came_from;
    std::deque<std::size_t> next{start};
    while (!next.empty()) {
      const std::size_t node = next.front();
      next.pop_front();
      const auto list = edges_.find(node);
      if (list == edges_.end()) continue;
      for (const edge& each : list->second) {
        if (each.to == start) {
          std::vector<std::size_t> path{start, node};
          while (path.back() != start) path.push_back(came_from[path.back()]);
          std::reverse(path.begin(), path.end());
          return path;
        }
        if (came_from.emplace(each.to, node).second) next.push_back(each.to);
      }
    }
    return {};
  }

  std::vector<transaction_record> records_;
  std::set<std::string> keys_;
  std::map<register_value, std::size_t> writers_;
  std::map<std::string, std::vector<version>> versions_;  // by sequence
  std::set<std::string> maybe_erased_;                    // by a transaction of unknown fate
  std::map<std::size_t, std::vector<edge>> edges_;        // a record's index, or behind them a moment's
  std::string wrong_;
};

}  // namespace strata_tests

#endif
