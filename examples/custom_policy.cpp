// A policy of one's own: a memtable, written outside the library and plugged into a store by naming it.
//
//   1. Read the table in strata/memtable/requirements.hpp: what each member does, returns, and may be called beside.
//      strata/memtable/archetype.hpp is the smallest class that keeps to it.
//   2. Write the class, and say which slot it fills: `using strata_slot = strata::slot::memtable;`
//   3. Name it among the policies: `strata::store<sorted_vector>`. Everything else takes its default.
//   4. Hold it against a policy that is known to be right, with readers beside the writer: main() below.
//
// A member that is missing is one line of the compiler. Without cursor::seek_last it says:
//
//   error: static assertion failed:
//   strata: memtable: the nested cursor is missing or incomplete; see memtable/requirements.hpp
//
// Returns 0 where this memtable and the library's own gave the same answers.
#include <strata/strata.hpp>

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

// A sorted vector of pointers: a binary search to find, a move of everything behind to insert. Small, and good for
// small memtables; the library's skip list inserts in O(log n), and its readers never wait.
//
// Thread safety, as the slot asks for: one writer, any number of readers beside it. Here a lock sees to that.
//
// Invariants
//  1. What a pointer leads to never moves and never changes. So what get() and cursors give away lives as long as the
//     memtable, and a cursor can keep its place while the vector grows.
//  2. insert() takes no memory that reserve() has not got: by then the commit is in the log, and must happen.
class sorted_vector {
  using pointers = std::vector<const strata::entry*>;

 public:
  using strata_slot = strata::slot::memtable;

  // All that can fail is done here. The room for pointers doubles, so that growing costs O(1) an entry.
  strata::result<void> reserve(std::size_t entries, std::size_t bytes) {
    constexpr std::size_t entry_cost = strata::arena::cost(sizeof(strata::entry), alignof(strata::entry));
    STRATA_TRY(memory_.reserve(entries * entry_cost + bytes));
    if (entries <= sorted_.capacity() - sorted_.size()) return {};
    try {
      pointers larger;
      larger.reserve((std::max)(2 * sorted_.capacity(), sorted_.size() + entries));
      larger.assign(sorted_.begin(), sorted_.end());  // no lock yet: only this thread changes it
      const std::unique_lock writing(mutex_);
      sorted_.swap(larger);
    } catch (const std::exception&) {
      return strata::error(strata::errc::out_of_memory, "reserve memory");
    }
    return {};
  }

  // Before all that are equal: of two writes to a key in one commit the later one counts.
  void insert(const strata::entry& added) noexcept {
    const strata::entry* const made = copy(added);  // no reader knows of it yet
    const std::unique_lock writing(mutex_);
    sorted_.insert(first_not_before(added.key, added.sequence), made);
  }

  bool get(strata::bytes_view key, strata::sequence_number at, strata::entry& out) const {
    const std::shared_lock reading(mutex_);
    const auto found = first_not_before(key, at);
    if (found == sorted_.end() || (*found)->key != key) return false;
    out = **found;
    return true;
  }

  std::size_t entries() const {
    const std::shared_lock reading(mutex_);
    return sorted_.size();
  }
  std::size_t bytes() const {
    const std::shared_lock reading(mutex_);
    return sizeof *this + sorted_.capacity() * sizeof(pointers::value_type) + memory_.bytes();
  }

  // Holds the entry, not its index: that changes with every insert before it.
  class cursor {
   public:
    explicit cursor(const sorted_vector& over) : over_(&over) {}

    bool valid() const { return at_ != nullptr; }
    strata::entry current() const { return *at_; }

    void seek_first() {
      const std::shared_lock reading(over_->mutex_);
      move_to(over_->sorted_.begin());
    }
    void seek_last() {
      const std::shared_lock reading(over_->mutex_);
      move_to(over_->sorted_.empty() ? over_->sorted_.end() : over_->sorted_.end() - 1);
    }
    void seek(strata::bytes_view key, strata::sequence_number sequence) {
      const std::shared_lock reading(over_->mutex_);
      move_to(over_->first_not_before(key, sequence));
    }
    void next() {
      const std::shared_lock reading(over_->mutex_);
      move_to(over_->place_of(at_) + 1);
    }
    void prev() {
      const std::shared_lock reading(over_->mutex_);
      const auto place = over_->place_of(at_);
      move_to(place == over_->sorted_.begin() ? over_->sorted_.end() : place - 1);
    }

   private:
    void move_to(pointers::const_iterator place) { at_ = place == over_->sorted_.end() ? nullptr : *place; }

    const sorted_vector* over_;
    const strata::entry* at_ = nullptr;
  };

 private:
  // The order of a memtable is the library's: keys ascending, of one key the newest version first.
  pointers::const_iterator first_not_before(strata::bytes_view key, strata::sequence_number sequence) const {
    return std::partition_point(sorted_.begin(), sorted_.end(), [&](const strata::entry* each) {
      return strata::compare_versions(each->key, each->sequence, key, sequence) < 0;
    });
  }
  pointers::const_iterator place_of(const strata::entry* each) const {
    return std::find(first_not_before(each->key, each->sequence), sorted_.end(), each);  // among its equals
  }

  const strata::entry* copy(const strata::entry& from) noexcept {
    const auto copy_bytes = [&](strata::bytes_view bytes) -> strata::bytes_view {
      char* const to = memory_.allocate(bytes.size());
      bytes.copy(to, bytes.size());
      return {to, bytes.size()};
    };
    char* const room = memory_.allocate(sizeof(strata::entry), alignof(strata::entry));
    return std::construct_at(static_cast<strata::entry*>(static_cast<void*>(room)),
                             strata::entry{copy_bytes(from.key), copy_bytes(from.value), from.sequence, from.kind});
  }

  mutable std::shared_mutex mutex_;  // over sorted_
  pointers sorted_;
  strata::arena memory_;  // of the writer; bytes() may be asked by anyone
};

// ---- the check ------------------------------------------------------------------------------------------------------

inline constexpr strata::kv<std::uint32_t, std::string> texts{"texts"};
inline constexpr strata::kv<std::string, std::int64_t> accounts{"accounts"};

using default_store = strata::store<strata::schema<texts, accounts>>;
using custom_store = strata::store<sorted_vector, strata::schema<texts, accounts>>;

// Small memtables, so that many are filled, frozen and written to tables while the program runs.
constexpr strata::options small{.memtable_bytes = 256 << 10, .table_bytes = 256 << 10};

// The same writes, whatever the store is made of: puts, overwrites and erasures of keys in no order.
template <typename Store>
void write(Store& db) {
  std::uint32_t number = 1;
  for (int i = 0; i < 20'000; ++i) {
    number = number * 1'664'525 + 1'013'904'223;
    const std::uint32_t key = (number >> 8) % 5'000;
    if (number % 5 == 0) {
      db[texts].erase(key).value();
    } else {
      db[texts].put(key, "text " + std::to_string(number)).value();
    }
  }
}

// One thread moves money about, others look on: the sum must never change. With -fsanitize=thread it is a check of the
// locking as well.
bool readers_see_whole_commits(custom_store& db) {
  db[accounts].put("ada", 1'000).value();
  db[accounts].put("bob", 1'000).value();
  std::atomic<bool> is_over{false};
  std::atomic<int> wrong{0};
  const auto look_on = [&] {
    while (!is_over) {
      std::int64_t sum = 0;
      for (auto&& [name, money] : db[accounts].scan()) sum += money;
      wrong += sum != 2'000;
    }
  };
  std::thread first(look_on), second(look_on);
  const auto move_money = [](auto& tx) -> strata::result<void> {
    tx[accounts].put("ada", tx[accounts].get("ada").value().value() - 1).value();
    tx[accounts].put("bob", tx[accounts].get("bob").value().value() + 1).value();
    return {};
  };
  for (int i = 0; i < 5'000; ++i) db.transact(move_money).value();
  is_over = true;
  first.join();
  second.join();
  return wrong == 0 && db[accounts].get("bob").value() == 6'000;
}

// Row by row the same, forwards and backwards.
template <typename... Order>
bool hold_the_same(custom_store& custom, default_store& known, Order... order) {
  auto theirs = known[texts].scan(order...);
  for (auto&& [key, text] : custom[texts].scan(order...))
    if (!theirs.next() || theirs.row().first != key || theirs.row().second != text) return false;
  return !theirs.next();
}

int main() {
  auto custom = custom_store::open_temp(small).value();
  auto known = default_store::open_temp(small).value();
  write(custom);
  write(known);
  const bool is_same = hold_the_same(custom, known) && hold_the_same(custom, known, strata::descending{});
  const bool is_whole = readers_see_whole_commits(custom);
  std::printf("%zu texts, %zu flushes: %s; readers beside a writer: %s\n",
              static_cast<std::size_t>(custom[texts].count().value()), static_cast<std::size_t>(custom.stats().flushes),
              is_same ? "the same as the skip list holds" : "NOT what the skip list holds",
              is_whole ? "saw whole commits" : "SAW HALF A COMMIT");
  return is_same && is_whole ? 0 : 1;
}
