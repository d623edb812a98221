// The store: policies composed, collections by descriptor, transactions. What a program opens.
#ifndef STRATA_STORE_STORE_HPP
#define STRATA_STORE_STORE_HPP

#include <strata/store/composition.hpp>
#include <strata/store/transaction.hpp>

namespace strata::inline STRATA_ABI {

namespace detail {

// The part of a store that knows no schema and writes nothing: compiled once an engine. See `store` for what it means.
template <typename Engine>
class store_handle {
 public:
  using engine_type = Engine;
  using environment_type = typename Engine::environment_type;

  store_handle(store_handle&&) noexcept = default;
  store_handle& operator=(store_handle&& other) noexcept {
    if (this != &other) {
      static_cast<void>(close());
      core_ = std::move(other.core_);
      temporary_ = std::move(other.temporary_);
    }
    return *this;
  }
  ~store_handle() { static_cast<void>(close()); }

  // The newest commit.
  [[nodiscard]] sequence_number last_sequence() const noexcept { return core_->engine->last_sequence(); }
  // Reads every table whole and checks it. Errors: corruption with file and offset; io_error.
  [[nodiscard]] result<void> verify() const { return core_->engine->verify(); }
  [[nodiscard]] statistics stats() const { return core_->engine->stats(); }
  // The names of all collections ever written, in order.
  [[nodiscard]] result<std::vector<std::string>> collections() const { return core_->collections.names(); }

  // Ends background work and releases the directory. What commits returned is as durable as their mode says. Every later
  // call on the store, its views, transactions and snapshots gives errc::closed. Not while another thread uses the store.
  // Errors: of the last writes; it is closed all the same. A second call does nothing; destruction closes too.
  result<void> close() {
    if (!core_) return {};
    auto done = core_->engine->close();
    if (!temporary_.empty() && core_->engine->belongs_to_this_process()) {
      remove_with_files(core_->engine->environment(), temporary_);
      temporary_.clear();
    }
    return done;
  }

  // The engine below, for tools: bytes in, bytes out.
  [[nodiscard]] Engine& engine() noexcept { return *core_->engine; }

 protected:
  explicit store_handle(std::unique_ptr<Engine> engine) : core_(std::make_unique<store_core<Engine>>(std::move(engine))) {}

  void remove_with_store(byte_string directory) { temporary_ = std::move(directory); }
  // Best effort: it is a temporary directory.
  static void remove_with_files(const environment_type& environment, bytes_view directory) {
    if (auto names = environment.list_directory(directory))
      for (const std::string& name : *names) static_cast<void>(environment.remove_file(engine::join_path(directory, name)));
    static_cast<void>(environment.remove_directory(directory));
  }

  // Finds the collections of `Schema` (if there is one) once and for all. Errors: schema_mismatch; those of reading.
  template <typename Schema>
  [[nodiscard]] result<void> look_up_collections() {
    result<void> opened;
    if constexpr (!std::is_same_v<Schema, no_schema>) {
      Schema::each([&](std::size_t, const auto& descriptor) {
        using descriptor_type = std::remove_cvref_t<decltype(descriptor)>;
        static_assert(check_descriptor<descriptor_type, Engine>());
        primitive::collection& found = core_->collections.find(descriptor.name, descriptor_type::face());
        core_->listed.push_back(&found);
        if (opened) opened = found.usable;
      });
    }
    return opened;
  }

  std::unique_ptr<store_core<Engine>> core_;

 private:
  byte_string temporary_;
};

// And what else a store that is written has.
template <typename Engine>
class writable_store_handle : public store_handle<Engine> {
 public:
  // Writes what is in memory to tables; blocks until it is there.
  [[nodiscard]] result<void> flush() const { return this->core_->engine->flush(); }
  // Flushes and merges until nothing is left to merge; blocks until done.
  [[nodiscard]] result<void> compact() const { return this->core_->engine->compact(); }
  // Makes a copy that opens as a store, in a directory that does not exist or is empty. Writers go on meanwhile.
  // Errors: already_exists; those of a flush and of files; what it had made is removed then. A crash leaves a directory that
  // holds nothing or a lock, or does not open as a store.
  [[nodiscard]] result<void> checkpoint(std::string_view directory) const { return this->core_->engine->checkpoint(directory); }
  // After no_space (or another lack of room) was mended: writes go on. Errors: what stands in the way still, or for good.
  [[nodiscard]] result<void> resume() const { return this->core_->engine->resume(); }
  // Success while the store takes writes; else why not.
  [[nodiscard]] result<void> status() const { return this->core_->engine->status(); }

 protected:
  using store_handle<Engine>::store_handle;
};

}  // namespace detail

template <typename... Policies>
class store;

// What open_read_only gives: the store as it was, read with `[]` as a store is, without writing members.
//
// Thread safety: as a store's.
template <typename... Policies>
class read_only_store : public detail::store_handle<typename detail::composition<Policies...>::engine_type>,
                        public detail::gives_views<read_only_store<Policies...>, typename detail::composition<Policies...>::engine_type,
                                                   typename detail::composition<Policies...>::schema, detail::reading_view> {
  using engine_type = typename detail::composition<Policies...>::engine_type;
  using handle = detail::store_handle<engine_type>;
  using views = detail::gives_views<read_only_store, engine_type, typename detail::composition<Policies...>::schema, detail::reading_view>;

 private:
  friend views;
  friend class store<Policies...>;
  explicit read_only_store(std::unique_ptr<engine_type> engine) : handle(std::move(engine)) {}

  [[nodiscard]] detail::store_core<engine_type>& core() const noexcept { return *this->core_; }
  [[nodiscard]] read_context<engine_type> context() const noexcept {
    return read_context<engine_type>(*this->core_->engine, sequence_max, nullptr);
  }
};

// A typed, durable, transactional store, composed of `Policies` in any order; a slot that none of them fills takes its
// default (composition.hpp).
//
//   auto db = strata::store<>::open("data").value();
//   db[users].put("ada", {"Ada", 36}).value();
//
// Thread safety: any thread may use a store, but open(), close(), moving and destruction are of one. A view is a cheap
// value; views, transactions, snapshots and scans must not outlive the store object (they may outlive close()).
template <typename... Policies>
class store : public detail::writable_store_handle<typename detail::composition<Policies...>::engine_type>,
              public detail::gives_views<store<Policies...>, typename detail::composition<Policies...>::engine_type,
                                         typename detail::composition<Policies...>::schema, detail::writing_view> {
  using chosen = detail::composition<Policies...>;
  using handle = detail::writable_store_handle<typename chosen::engine_type>;
  using views = detail::gives_views<store, typename chosen::engine_type, typename chosen::schema, detail::writing_view>;

 public:
  using engine_type = typename chosen::engine_type;
  using environment_type = typename chosen::environment;
  using schema_type = typename chosen::schema;
  using transaction_type = strata::transaction<engine_type, schema_type>;
  using snapshot_type = strata::snapshot<engine_type, schema_type>;

  // What the composition promises; see durability. `discards_live_data`: the compaction policy deletes what was not erased.
  static constexpr bool logs_commits = engine_type::logs_commits;
  static constexpr bool is_ordered = engine_type::is_ordered;
  static constexpr bool discards_live_data = engine_type::discards_live_data;

  // Opens the store in the directory `path`, or makes one there (its parent must exist).
  // Errors: invalid_argument (an option out of range, named); in_use (another process or handle has it); no_such_file;
  // not_a_store (foreign files); unsupported_version; corruption (file and offset); schema_mismatch (a collection of the
  // schema was stored with other types); permission_denied, no_space, io_error; unsupported (a durability that the log
  // policy has not). Cost: reads the manifest, the tables' indexes and the log. A crash meanwhile loses nothing.
  [[nodiscard]] static result<store> open(std::string_view path, const options& amounts = {}) {
    return open(environment_type(), path, amounts);
  }
  // The same in a given environment.
  [[nodiscard]] static result<store> open(const environment_type& environment, std::string_view path, const options& amounts = {}) {
    STRATA_TRY_LET(engine, engine_type::open(environment, directory_for(path), amounts));
    return make(std::move(engine), {});
  }
  // Opens a store in a new directory that is removed when the store is closed.
  [[nodiscard]] static result<store> open_temp(const options& amounts = {}) {
    const environment_type environment;
    STRATA_TRY_LET(directory, environment.temporary_directory());
    auto engine = engine_type::open(environment, directory, amounts);
    if (!engine) {
      handle::remove_with_files(environment, directory);
      return std::move(engine).error();
    }
    return make(std::move(*engine), std::move(directory));
  }
  // Opens the store as it is now for reading, alone or beside a writer. Changes nothing in the directory, sees nothing that
  // is written later, and has no writing members.
  // Errors: as open(), but in_use and no_space; no_such_file where there is no store.
  [[nodiscard]] static result<read_only_store<Policies...>> open_read_only(std::string_view path, const options& amounts = {}) {
    return open_read_only(environment_type(), path, amounts);
  }
  [[nodiscard]] static result<read_only_store<Policies...>> open_read_only(const environment_type& environment,
                                                                           std::string_view path, const options& amounts = {}) {
    STRATA_TRY_LET(engine, engine_type::open_read_only(environment, directory_for(path), amounts));
    read_only_store<Policies...> made(std::move(engine));
    STRATA_TRY(made.template look_up_collections<schema_type>());
    return made;
  }

  // Begins a transaction.
  [[nodiscard]] transaction_type begin() const { return transaction_type(*this->core_); }

  // Runs `work(transaction)`, which returns a result, and commits. On conflict it runs again, up to 100 times, so it should
  // do nothing outside the transaction. Returns what `work` returned.
  // Errors: what `work` returns (nothing is written); callback_failed where it throws (nothing is written; a
  // strata::exception comes back as its error); conflict; those of a commit.
  template <typename Work>
  auto transact(Work&& work, const write_options& options = {}) const
      -> std::remove_cvref_t<std::invoke_result_t<Work&, transaction_type&>> {
    using outcome = std::remove_cvref_t<std::invoke_result_t<Work&, transaction_type&>>;
    static_assert(detail::is_result<outcome>, "strata: transact: the function returns a strata::result");
    transaction_type tx = begin();
    for (int attempt = 1;; ++attempt) {
      outcome done = call<outcome>(work, tx);
      if (!done && done.error().code() != errc::conflict) return done;
      if (done) {
        auto committed = tx.commit(options);
        if (committed) return done;
        if (committed.error().code() != errc::conflict) return std::move(committed).error();
        if (attempt == write_context<engine_type>::attempts_max) return std::move(committed).error();
      } else if (attempt == write_context<engine_type>::attempts_max) {
        return done;
      }
      tx.rollback();
      primitive::back_off(this->core_->engine->environment(), attempt);
      tx.restart();
    }
  }

  // The store as it is now, for reading, kept while the snapshot lives.
  [[nodiscard]] snapshot_type snapshot() const { return snapshot_type(*this->core_); }

 private:
  friend views;
  explicit store(std::unique_ptr<engine_type> engine) : handle(std::move(engine)) {}

  [[nodiscard]] detail::store_core<engine_type>& core() const noexcept { return *this->core_; }
  [[nodiscard]] write_context<engine_type> context() const noexcept {
    return write_context<engine_type>(*this->core_->engine, this->core_->binder(), nullptr);
  }

  // A store in memory has a world of its own, in which one directory is as good as another.
  [[nodiscard]] static std::string_view directory_for(std::string_view path) noexcept {
    return chosen::is_in_memory ? std::string_view("store") : path;
  }

  [[nodiscard]] static result<store> make(std::unique_ptr<engine_type> engine, byte_string temporary) {
    store made(std::move(engine));
    if (!temporary.empty()) made.remove_with_store(std::move(temporary));
    STRATA_TRY(made.template look_up_collections<schema_type>());
    return made;
  }

  template <typename Outcome, typename Work>
  [[nodiscard]] static Outcome call(Work& work, transaction_type& tx) {
#if STRATA_EXCEPTIONS
    try {
      return work(tx);
    } catch (const exception& failure) {
      return failure.error();
    } catch (const std::bad_alloc&) {
      return error(errc::out_of_memory, "transact", "the function ran out of memory");
    } catch (...) {
      return error(errc::callback_failed, "transact", "the function threw an exception");
    }
#else
    return work(tx);
#endif
  }
};

}  // namespace strata::inline STRATA_ABI

#endif
