// Contexts: what a primitive is written against. A read context sees the engine at one sequence, or now, or through a
// transaction; a write context adds writing. One of each a type of engine, whatever stands behind it, so that a primitive is
// compiled once an engine.
//
// Thread safety: a context is a cheap value; outside a transaction it may be used from any thread, inside one it belongs to
// the transaction's.
//
//   1. In a transaction a read sees the transaction's own writes, then the snapshot it began with. What it looked up, found
//      or not, and what ranges it walked, is remembered.
//   2. A commit of a transaction whose reads were changed by others fails with errc::conflict and writes nothing.
//   3. Outside a transaction every writing call is a commit of its own; one that reads first is a transaction of its own,
//      tried again on conflict.
#ifndef STRATA_PRIMITIVE_CONTEXT_HPP
#define STRATA_PRIMITIVE_CONTEXT_HPP

#include <strata/core/function_ref.hpp>
#include <strata/engine/conflicts.hpp>
#include <strata/engine/options.hpp>
#include <strata/engine/write_batch.hpp>
#include <strata/primitive/collection.hpp>

namespace strata::inline STRATA_ABI {

namespace primitive {

// What is called with a value that was found: the bytes, the commit that wrote them, the expiry (µs since 1970 or UINT64_MAX).
using value_visitor = function_ref<result<void>(bytes_view, sequence_number, std::uint64_t)>;

// The writes of a transaction that is under way, and what it has read.
//
// Thread safety: one thread. It must not outlive the engine.
template <typename Engine>
class transaction_state {
 public:
  explicit transaction_state(Engine& engine) : engine_(engine), batch_(default_run) { begin(); }
  transaction_state(const transaction_state&) = delete;
  transaction_state& operator=(const transaction_state&) = delete;
  ~transaction_state() { rollback(); }

  // Begins anew: nothing written, nothing read, the newest snapshot.
  void begin() {
    rollback();
    batch_.clear(default_run);
    marks_before_ += reads_.ranges.size();
    reads_.clear(engine_.take_snapshot());
    missed_.clear();
    wanted_ = durability::none;
    active_ = true;
  }
  [[nodiscard]] bool active() const noexcept { return active_; }
  [[nodiscard]] sequence_number snapshot() const noexcept { return reads_.at; }

  // Ends it. The sequence of the commit; of an empty transaction the one it read at. It is as durable as `wanted`, or as one
  // of its writes has asked for.
  // Errors: conflict; closed where it has ended; those of an engine's commit.
  [[nodiscard]] result<sequence_number> commit(durability wanted) {
    if (!active_) return error(errc::closed, "commit", "the transaction has ended");
    if (wanted > wanted_) wanted_ = wanted;
    auto done = batch_.empty() ? result<sequence_number>(reads_.at) : commit_writes();
    rollback();
    return done;
  }
  // Ends it; nothing of it happens.
  void rollback() noexcept {
    if (!active_) return;
    active_ = false;
    engine_.release_snapshot(reads_.at);
    overlay_.reset();
  }

  // Adds a write (a value with expiry begins with it). Errors: closed; out_of_memory: nothing has changed.
  [[nodiscard]] STRATA_NOINLINE result<void> write(const engine::write& w, durability wanted) {
    if (!active_) return error(errc::closed, "write", "the transaction has ended");
    // A scan that began with it would see a range of it erased.
    if (w.kind == engine::write_kind::range_tombstone && overlay_.use_count() > 1) overlay_.reset();
    if (overlay_) STRATA_TRY(overlay_->reserve(1, w.key.size() + w.value.size()));
    STRATA_TRY(add_to(batch_, w));
    if (wanted > wanted_) wanted_ = wanted;
    if (overlay_) apply_to_overlay(w);
    return {};
  }
  // Adds `w` to `batch`. Errors: out_of_memory, nothing has changed.
  [[nodiscard]] static result<void> add_to(engine::write_batch& batch, const engine::write& w) {
    STRATA_TRY_BLOCK {
      batch.add(w);
      return {};
    }
    STRATA_CATCH(...) {}
    return error(errc::out_of_memory, "write");
  }

  [[nodiscard]] result<bool> get(bytes_view key, value_visitor on_value) {
    if (!active_) return error(errc::closed, "get", "the transaction has ended");
    if (!batch_.empty()) {
      STRATA_TRY(make_overlay());
      sequence_number erased = 0;
      if (const range_tombstone_list* list = overlay_->range_tombstones()) erased = list->covering(key, sequence_max);
      entry own;
      const bool wrote = overlay_->memtable().get(key, sequence_max, own);
      if (wrote || erased != 0) return visit_own(wrote, own, erased, on_value);
    }
    reads_.keys.emplace_back(key);
    return get_from_engine(engine_, key, reads_.at, on_value);
  }

  // A cursor over the transaction as it is now. `mark` is for walked().
  [[nodiscard]] result<std::unique_ptr<typename Engine::cursor_type>> scan(engine::cursor_range range, std::size_t& mark) {
    if (!active_) return error(errc::closed, "scan", "the transaction has ended");
    mark = marks_before_ + reads_.ranges.size();
    reads_.ranges.push_back({});
    if (batch_.empty()) return engine_.make_cursor(std::move(range), reads_.at);
    STRATA_TRY(make_overlay());
    return engine_.make_cursor(std::move(range), reads_.at, overlay_, overlay_at_);
  }
  // Says which part of its range the scan of `mark` has walked so far: what others may not have changed. A scan that is
  // older than the last begin() says nothing any more.
  void walked(std::size_t mark, bytes_view begin, bytes_view end, bool unbounded) {
    if (!active_ || mark < marks_before_) return;
    engine::read_set::range& range = reads_.ranges[mark - marks_before_];
    range.begin.assign(begin);
    range.end.assign(end);
    range.unbounded = unbounded;
  }

  // Looks for the catalogue's record of a collection. False where it is not there, and the collection so empty: a commit then
  // conflicts with who makes the collection, and writes to it, first.
  [[nodiscard]] STRATA_COLD result<bool> find_collection(bytes_view record) {
    if (!active_) return error(errc::closed, "get", "the transaction has ended");
    for (const byte_string& missed : missed_)
      if (bytes_view(missed) == record) return false;
    const auto ignore = [](bytes_view, sequence_number, std::uint64_t) { return result<void>(); };
    STRATA_TRY_LET(there, get_from_engine(engine_, record, reads_.at, ignore));
    if (!there) missed_.emplace_back(record);
    return there;
  }
  // The collection of `record` is there by now, under `prefix`: what this transaction found missing is what lies in it. Its
  // record may be new, or it would conflict with its own making.
  STRATA_COLD void collection_made(bytes_view record, bytes_view prefix) {
    for (std::size_t at = 0; at < missed_.size(); ++at) {
      if (bytes_view(missed_[at]) != record) continue;
      byte_string end(prefix);
      end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);  // a varint ends below 0x80
      reads_.ranges.push_back({byte_string(prefix), std::move(end), false});
      return missed_.erase(at);
    }
  }
  [[nodiscard]] bool misses_collections() const noexcept { return !missed_.empty(); }

  [[nodiscard]] static result<bool> get_from_engine(Engine& engine, bytes_view key, sequence_number at, value_visitor on_value) {
    result<void> visited;
    auto there = engine.get(key, at, [&](bytes_view value, sequence_number sequence, std::uint64_t expires_at_us) {
      visited = on_value(value, sequence, expires_at_us);
    });
    STRATA_TRY(std::move(visited));
    return there;
  }

 private:
  [[nodiscard]] result<sequence_number> commit_writes() {
    STRATA_TRY_BLOCK {
      for (byte_string& each : missed_) reads_.keys.push_back(std::move(each));
      return engine_.commit(batch_, wanted_, &reads_);
    }
    STRATA_CATCH(...) {}
    return error(errc::out_of_memory, "commit");
  }

  // The batch has `w` already, and the overlay is but a copy of it: one that there is no memory for goes, and the next read
  // makes it anew. A scan that began with it keeps it as it was.
  void apply_to_overlay(const engine::write& w) {
    STRATA_TRY_BLOCK { return overlay_->apply_one(++overlay_at_, w); }
    STRATA_CATCH(...) {}
    overlay_.reset();
  }

  [[nodiscard]] result<bool> visit_own(bool wrote, const entry& own, sequence_number erased, value_visitor on_value) {
    if (!wrote || own.sequence < erased || own.kind == value_kind::tombstone) return false;
    if (engine::expiry_of(own) <= engine_.environment().wall_time_us()) return false;
    // Its commit has no sequence yet.
    STRATA_TRY(on_value(engine::value_of(own), 0, engine::expiry_of(own)));
    return true;
  }

  // The batch's writes as a memtable of their own, so that reads can find and walk them. Made by the first read that comes
  // after a write; later writes go into both. A scan keeps the overlay that it began with, and sees no later write.
  [[nodiscard]] result<void> make_overlay() {
    if (overlay_) return {};
    auto fresh = std::make_shared<typename Engine::overlay_type>();
    STRATA_TRY(fresh->reserve(batch_.count(), batch_.payload_bytes()));
    constexpr sequence_number below_all = sequence_max - Engine::cursor_type::overlay_sequences;
    fresh->apply_each(below_all + 1, batch_.writes());
    overlay_at_ = below_all + batch_.count();
    overlay_ = std::move(fresh);
    return {};
  }

  Engine& engine_;
  engine::write_batch batch_;
  engine::read_set reads_;
  dynamic_array<byte_string> missed_;  // records of collections that it looked for, and that were not there
  std::shared_ptr<typename Engine::overlay_type> overlay_;
  sequence_number overlay_at_ = 0;  // of the newest write in it
  std::size_t marks_before_ = 0;    // scans of what was before begin()
  durability wanted_ = durability::none;
  bool active_ = false;
};

// Between two tries of a commit that met others: at random and longer each time, so that one of them gets through.
template <typename Environment>
void back_off(const Environment& environment, int attempt) {
  constexpr int tries_at_once = 2;
  if (attempt <= tries_at_once) return;
  const std::uint64_t most_us = std::uint64_t{1} << (attempt < 14 ? attempt : 14);
  environment.sleep_for_us(environment.entropy() % most_us);
}

// Bytes that a thread builds keys and values in, so that a call allocates nothing once they have grown.
struct key_and_value {
  byte_string key;
  byte_string value;
  void clear() {
    // What one large value needed is not kept by the thread for ever.
    constexpr std::size_t kept_bytes_max = std::size_t{1} << 20;
    if (value.capacity() > kept_bytes_max) value = byte_string();
    key.clear();
    value.clear();
  }
};

// Borrows the thread's own `Memory` for one call; a call within the call gets memory of its own.
template <typename Memory>
class borrowed {
 public:
  borrowed() : shared_(of_this_thread()) {
    if (shared_.taken) {
      own_ = std::make_unique<Memory>();
    } else {
      // First: where it throws there is no destructor that gives the memory back.
      shared_.memory.clear();
      shared_.taken = true;
    }
  }
  borrowed(const borrowed&) = delete;
  borrowed& operator=(const borrowed&) = delete;
  ~borrowed() {
    if (!own_) shared_.taken = false;
  }
  [[nodiscard]] Memory* operator->() const noexcept { return own_ ? own_.get() : &shared_.memory; }
  [[nodiscard]] Memory& operator*() const noexcept { return *operator->(); }

 private:
  struct slot_of_thread {
    Memory memory;
    bool taken = false;
  };
  [[nodiscard]] static slot_of_thread& of_this_thread() {
    thread_local slot_of_thread mine;
    return mine;
  }
  slot_of_thread& shared_;
  std::unique_ptr<Memory> own_;
};

}  // namespace primitive

template <typename Engine>
class read_context {
 public:
  using engine_type = Engine;
  using cursor_type = typename Engine::cursor_type;
  using pinned_type = typename Engine::pinned_value;

  // `at`: sequence_max reads the newest. `transaction` may be null.
  read_context(Engine& engine, sequence_number at, primitive::transaction_state<Engine>* transaction) noexcept
      : engine_(&engine), transaction_(transaction), at_(at) {}

  // Calls on_value with the value of `key`; false where there is none.
  [[nodiscard]] STRATA_NOINLINE result<bool> get(bytes_view key, primitive::value_visitor on_value) const {
    if (transaction_ != nullptr) return transaction_->get(key, on_value);
    return primitive::transaction_state<Engine>::get_from_engine(*engine_, key, at_, on_value);
  }
  // Keeps the bytes of the value in `out`, uncopied. In a transaction they are a copy held by `copy`.
  [[nodiscard]] STRATA_NOINLINE result<bool> get_pinned(bytes_view key, pinned_type& out, byte_string& copy, bytes_view& value) const {
    if (transaction_ != nullptr) {
      return transaction_->get(key, [&](bytes_view found, sequence_number, std::uint64_t) -> result<void> {
        copy.assign(found);
        value = copy;
        return {};
      });
    }
    auto there = engine_->get_pinned(key, at_, out);
    if (there.has_value() && *there) value = out.value();
    return there;
  }
  // Calls on_value(index, value) for those of `keys` that are there, all at one sequence.
  [[nodiscard]] STRATA_NOINLINE result<void> multi_get(const std::vector<byte_string>& keys,
                                                       function_ref<result<void>(std::size_t, bytes_view)> on_value) const {
    result<void> visited;
    if (transaction_ != nullptr) {
      for (std::size_t i = 0; i < keys.size(); ++i)
        STRATA_TRY(transaction_->get(keys[i], [&](bytes_view value, sequence_number, std::uint64_t) { return on_value(i, value); }));
      return visited;
    }
    STRATA_TRY(engine_->multi_get(keys, at_, [&](std::size_t index, bytes_view value, sequence_number) {
      if (visited) visited = on_value(index, value);
    }));
    return visited;
  }
  // A cursor; in a transaction `mark` is then for walked().
  [[nodiscard]] STRATA_NOINLINE result<std::unique_ptr<cursor_type>> scan(engine::cursor_range range, std::size_t& mark) const {
    if (transaction_ != nullptr) return transaction_->scan(std::move(range), mark);
    return engine_->make_cursor(std::move(range), at_);
  }
  [[nodiscard]] bool in_transaction() const noexcept { return transaction_ != nullptr; }
  // See transaction_state. Requires in_transaction().
  void walked(std::size_t mark, bytes_view begin, bytes_view end, bool unbounded) const {
    transaction_->walked(mark, begin, end, unbounded);
  }
  // Called before a collection is read that is not known to be in the catalogue.
  [[nodiscard]] result<void> touch(primitive::collection&) const { return {}; }
  [[nodiscard]] std::uint64_t wall_time_us() const { return engine_->environment().wall_time_us(); }
  [[nodiscard]] std::uint64_t run() const noexcept { return primitive::default_run; }

 protected:
  Engine* engine_;
  primitive::transaction_state<Engine>* transaction_;
  sequence_number at_;
};

template <typename Engine>
class write_context : public read_context<Engine> {
  using base = read_context<Engine>;

 public:
  // What makes collections; belongs to the store.
  struct binder {
    void* catalogue = nullptr;
    result<void> (*bind)(void*, primitive::collection&) = nullptr;
    result<void> (*look_up)(void*, primitive::collection&) = nullptr;  // writes nothing
  };

  write_context(Engine& engine, binder bind, primitive::transaction_state<Engine>* transaction) noexcept
      : base(engine, sequence_max, transaction), binder_(bind) {}

  // Makes sure that `target` is in the catalogue with the type of today.
  [[nodiscard]] result<void> bind(primitive::collection& target) const {
    if (target.schema_id.load(std::memory_order_acquire) == 0) [[unlikely]]
      STRATA_TRY(binder_.bind(binder_.catalogue, target));
    return this->in_transaction() && this->transaction_->misses_collections() ? bound_after_a_miss(target) : result<void>();
  }

  // A transaction that reads a collection that nobody has written finds it empty, and so must conflict with who writes it
  // first: that it is not in the catalogue is part of what it has read.
  [[nodiscard]] result<void> touch(primitive::collection& target) const {
    if (!this->in_transaction() || target.id.load(std::memory_order_acquire) != 0) [[likely]] return {};
    return find_in_catalogue(target);
  }

  // Writes `value` under `key`; `expires_at_us` UINT64_MAX: never. The commit's sequence; in a transaction 0.
  [[nodiscard]] STRATA_NOINLINE result<sequence_number> put(write_label label, bytes_view key, bytes_view value,
                                                            std::uint64_t expires_at_us, durability wanted) const {
    if (expires_at_us == UINT64_MAX) return write({engine::write_kind::value, label, key, value}, wanted);
    byte_string expiring;
    expiring.reserve(sizeof expires_at_us + value.size());
    append_fixed(expiring, expires_at_us);
    expiring.append(value);
    return write({engine::write_kind::value_with_expiry, label, key, expiring}, wanted);
  }
  [[nodiscard]] STRATA_NOINLINE result<sequence_number> erase(write_label label, bytes_view key, durability wanted) const {
    return write({engine::write_kind::tombstone, label, key, {}}, wanted);
  }
  [[nodiscard]] STRATA_NOINLINE result<sequence_number> erase_range(write_label label, bytes_view begin, bytes_view end,
                                                                    durability wanted) const {
    return write({engine::write_kind::range_tombstone, label, begin, end}, wanted);
  }

  // Runs `work(context)`, which reads and writes, as one commit: within the transaction if there is one, else as one of its
  // own, tried again on conflict. Returns the commit's sequence; in a transaction 0.
  // Errors: what `work` returns (nothing is written then); conflict after `attempts_max` tries.
  [[nodiscard]] STRATA_NOINLINE result<sequence_number> atomically(function_ref<result<void>(const write_context&)> work,
                                                                   durability wanted) const {
    if (this->in_transaction()) {
      STRATA_TRY(work(*this));
      return sequence_number{0};
    }
    primitive::transaction_state<Engine> own(*this->engine_);
    const write_context inner(*this->engine_, binder_, &own);
    for (int attempt = 1;; ++attempt) {
      STRATA_TRY(work(inner));
      auto done = own.commit(wanted);
      if (done || done.error().code() != errc::conflict || attempt == attempts_max) return done;
      primitive::back_off(this->engine_->environment(), attempt);
      own.begin();
    }
  }

  // How often a conflicting commit is tried before the caller hears of it, with pauses that grow. A commit conflicts only
  // when another one made progress.
  static constexpr int attempts_max = 100;

 private:
  [[nodiscard]] STRATA_COLD result<void> find_in_catalogue(primitive::collection& target) const {
    STRATA_TRY_LET(there, this->transaction_->find_collection(primitive::catalogue_key('c', target.name)));
    return there ? binder_.look_up(binder_.catalogue, target) : result<void>();
  }
  [[nodiscard]] STRATA_COLD result<void> bound_after_a_miss(const primitive::collection& target) const {
    byte_string prefix;
    primitive::append_key_prefix(prefix, this->run(), target.id.load(std::memory_order_acquire));
    this->transaction_->collection_made(primitive::catalogue_key('c', target.name), prefix);
    return {};
  }
  [[nodiscard]] result<sequence_number> write(const engine::write& w, durability wanted) const {
    if (this->transaction_ != nullptr) {
      STRATA_TRY(this->transaction_->write(w, wanted));
      return sequence_number{0};
    }
    primitive::borrowed<engine::write_batch> batch;
    STRATA_TRY(primitive::transaction_state<Engine>::add_to(*batch, w));
    return this->engine_->commit(*batch, wanted);
  }

  binder binder_;
};

}  // namespace strata::inline STRATA_ABI

#endif
