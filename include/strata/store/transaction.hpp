// Transactions and snapshots of a store: things that are read (and written) with `[]`, as the store is.
#ifndef STRATA_STORE_TRANSACTION_HPP
#define STRATA_STORE_TRANSACTION_HPP

#include <strata/store/catalogue.hpp>
#include <strata/store/schema.hpp>

namespace strata::inline STRATA_ABI {

namespace detail {

// What the handles of one store share. Belongs to the store and stays where it is while the store object moves.
template <typename Engine>
struct store_core {
  explicit store_core(std::unique_ptr<Engine> opened) : engine(std::move(opened)), collections(*engine) {}

  std::unique_ptr<Engine> engine;
  catalogue<Engine> collections;
  dynamic_array<primitive::collection*> listed;  // those of the schema, by their place in it

  [[nodiscard]] typename write_context<Engine>::binder binder() noexcept {
    return {&collections, &catalogue<Engine>::bind_erased, &catalogue<Engine>::look_up_erased};
  }
};

// Gives views on a collection through a context, for whatever has a `core()` and a `context()`.
template <typename Thing, typename Engine, typename Schema, template <typename, typename> typename View>
class gives_views : public views_by_descriptor<Thing, Schema> {
  friend views_by_descriptor<Thing, Schema>;
  template <typename, typename, typename>
  friend struct typed_view;

  [[nodiscard]] const Thing& self() const noexcept { return static_cast<const Thing&>(*this); }

 public:
  template <typename Descriptor>
  [[nodiscard]] auto view_of(std::size_t index) const {
    return View<Descriptor, Engine>::make(self().context(), *self().core().listed[index]);
  }
  template <typename Descriptor>
  [[nodiscard]] auto view_of(const Descriptor& descriptor) const {
    static_assert(check_descriptor<Descriptor, Engine>());
    return View<Descriptor, Engine>::make(self().context(), self().core().collections.find(descriptor.name, Descriptor::face()));
  }
};

template <typename Descriptor, typename Engine>
struct reading_view {
  [[nodiscard]] static auto make(const read_context<Engine>& context, primitive::collection& of) {
    return typename Descriptor::template reader<read_context<Engine>>(context, of);
  }
};
template <typename Descriptor, typename Engine>
struct writing_view {
  [[nodiscard]] static auto make(const write_context<Engine>& context, primitive::collection& of) {
    return typename Descriptor::template writer<write_context<Engine>>(context, of);
  }
};

}  // namespace detail

// Several reads and writes that happen together or not at all, over one snapshot. What it reads it sees as of its begin,
// with its own writes over it; if others change any of that before its commit, the commit is errc::conflict.
//
// Destruction without commit() rolls back. Thread safety: one thread at a time. It must not outlive the store.
template <typename Engine, typename Schema>
class transaction : public detail::gives_views<transaction<Engine, Schema>, Engine, Schema, detail::writing_view> {
  using base = detail::gives_views<transaction<Engine, Schema>, Engine, Schema, detail::writing_view>;

 public:
  explicit transaction(detail::store_core<Engine>& core)
      : core_(&core), state_(std::make_unique<primitive::transaction_state<Engine>>(*core.engine)) {}

  // Makes it happen. The sequence of the commit; of a transaction that wrote nothing the sequence it read at, and it never
  // conflicts. The transaction has ended after it, however it came out.
  // Errors: conflict; closed where it had ended; read_only, no_space, io_error, out_of_memory, commit_too_large.
  [[nodiscard]] result<sequence_number> commit(const write_options& options = {}) { return state_->commit(options.durability); }
  // Ends it; nothing of it happens.
  void rollback() noexcept { state_->rollback(); }
  // Begins anew after a commit or rollback.
  void restart() { state_->begin(); }
  // The sequence that it reads at.
  [[nodiscard]] sequence_number snapshot_sequence() const noexcept { return state_->snapshot(); }

 private:
  friend base;
  [[nodiscard]] detail::store_core<Engine>& core() const noexcept { return *core_; }
  [[nodiscard]] write_context<Engine> context() const noexcept {
    return write_context<Engine>(*core_->engine, core_->binder(), state_.get());
  }

  detail::store_core<Engine>* core_;
  std::unique_ptr<primitive::transaction_state<Engine>> state_;
};

// The store as it was when the snapshot was taken, for reading. What it sees is kept from compaction as long as it lives.
//
// Thread safety: any thread reads. Movable. It must not outlive the store.
template <typename Engine, typename Schema>
class snapshot : public detail::gives_views<snapshot<Engine, Schema>, Engine, Schema, detail::reading_view> {
  using base = detail::gives_views<snapshot<Engine, Schema>, Engine, Schema, detail::reading_view>;

 public:
  explicit snapshot(detail::store_core<Engine>& core) : core_(&core), sequence_(core.engine->take_snapshot()) {}
  snapshot(snapshot&& other) noexcept : core_(std::exchange(other.core_, nullptr)), sequence_(other.sequence_) {}
  snapshot& operator=(snapshot&& other) noexcept {
    if (this != &other) {
      release();
      core_ = std::exchange(other.core_, nullptr);
      sequence_ = other.sequence_;
    }
    return *this;
  }
  ~snapshot() { release(); }

  [[nodiscard]] sequence_number sequence() const noexcept { return sequence_; }

 private:
  friend base;
  [[nodiscard]] detail::store_core<Engine>& core() const noexcept { return *core_; }
  [[nodiscard]] read_context<Engine> context() const noexcept {
    return read_context<Engine>(*core_->engine, sequence_, nullptr);
  }
  void release() noexcept {
    if (core_ != nullptr) core_->engine->release_snapshot(sequence_);
    core_ = nullptr;
  }

  detail::store_core<Engine>* core_;
  sequence_number sequence_;
};

}  // namespace strata::inline STRATA_ABI

#endif
