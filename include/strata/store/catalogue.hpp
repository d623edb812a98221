// The catalogue: which collections a store has, with what types their keys and values were and are stored.
//
// It lives in the system run, collection 0:
//
//     "c" name    →  format u8 (1) · kind varint · id varint · key fingerprint u64 · schemas varint · description sized …
//     "n"         →  the next collection id, varint
//
// Frozen: on disk. The schema with id i is the i-th description, from 1. Ids of collections are never used again.
//
// Thread safety: every member from any thread. Two mutexes, taken in this order: `binding_` by who changes a collection that
// others may know, `mutex_` for an instant.
//
//   1. A collection's record is written in one commit that conflicts with any other of the same name: a name has one id.
//   2. A collection is opened only if its kind and key are the same, and all its stored descriptions can be read as the
//      type of today; else schema_mismatch, and every call on its views says so.
//   3. A new description is stored before the first value is written with it.
//   4. A collection that has a schema has an id.
//   5. Name, face and `usable` of a collection never change; one that is usable stays as long as the catalogue. So who looks
//      for one of these again needs no lock: `recent_` has it.
#ifndef STRATA_STORE_CATALOGUE_HPP
#define STRATA_STORE_CATALOGUE_HPP

#include <atomic>

#include <strata/core/hash.hpp>
#include <strata/primitive/context.hpp>

namespace strata::inline STRATA_ABI::detail {

// A collection's record.
struct catalogue_record {
  static constexpr std::uint8_t format = 1;

  primitive::kind what = primitive::kind::kv;
  std::uint32_t id = 0;
  std::uint64_t key_fingerprint = 0;
  dynamic_array<byte_string> descriptions;

  STRATA_COLD void append_to(byte_string& out) const {
    append_fixed(out, format);
    append_varint(out, static_cast<std::uint64_t>(what));
    append_varint(out, id);
    append_fixed(out, key_fingerprint);
    append_varint(out, descriptions.size());
    for (const byte_string& each : descriptions) append_sized(out, each);
  }
  [[nodiscard]] STRATA_COLD result<void> parse(bytes_view bytes) {
    byte_reader in(bytes);
    const auto stored_format = in.fixed<std::uint8_t>();
    if (stored_format > format)
      return error(errc::unsupported_version, "read catalogue", "written by a later version");
    const std::uint64_t stored_kind = in.varint();
    const std::uint64_t stored_id = in.varint();
    what = static_cast<primitive::kind>(stored_kind);
    id = static_cast<std::uint32_t>(stored_id);
    key_fingerprint = in.fixed<std::uint64_t>();
    std::uint64_t count = in.varint();
    descriptions.clear();
    for (; count > 0 && in.ok(); --count) descriptions.emplace_back(in.sized());
    if (!in.complete() || stored_format == 0 || stored_kind > UINT8_MAX || stored_id == 0 || stored_id > UINT32_MAX)
      return error(errc::corruption, "read catalogue", "a record does not parse");
    return {};
  }
};

using primitive::catalogue_key;

template <typename Engine>
class catalogue {
  using environment_type = typename Engine::environment_type;
  using lock = unique_lock<typename environment_type::mutex>;

 public:
  explicit catalogue(Engine& engine) : engine_(engine), binding_(engine.environment()), mutex_(engine.environment()) {}
  catalogue(const catalogue&) = delete;
  catalogue& operator=(const catalogue&) = delete;

  // The collection of that name with those types, as the catalogue has it now; it is written there when it is first
  // written to. Never fails: what is wrong is in `usable`. The same name and types give the same object, until what it could
  // not be read for has passed. Cost: some 20 instructions where it was the last to be found in its place of `recent_`; else a
  // lock and a search.
  [[nodiscard]] primitive::collection& find(std::string_view name, const primitive::type_face& face) {
    std::atomic<primitive::collection*>& recent = recent_[place_of(name, face)];
    primitive::collection* const known = recent.load(std::memory_order_acquire);
    if (known != nullptr && known->face == &face && known->name == name) [[likely]]
      return *known;
    primitive::collection& found = find_under_lock(name, face);
    if (found.usable) recent.store(&found, std::memory_order_release);
    return found;
  }

  // Makes sure that `target` is stored with the type of today. Errors: schema_mismatch; those of a commit.
  [[nodiscard]] STRATA_COLD result<void> bind(primitive::collection& target) {
    STRATA_TRY(target.usable);
    lock held(binding_);
    while (target.schema_id.load(std::memory_order_acquire) == 0) {
      auto stored = store(target);
      if (stored) break;
      if (stored.error().code() != errc::conflict) return stored;
      STRATA_TRY(load(target));
    }
    return {};
  }
  [[nodiscard]] STRATA_COLD static result<void> bind_erased(void* self, primitive::collection& target) {
    return static_cast<catalogue*>(self)->bind(target);
  }

  // What is stored of `target` is known then. Errors: schema_mismatch; those of reading.
  [[nodiscard]] STRATA_COLD result<void> look_up(primitive::collection& target) {
    STRATA_TRY(target.usable);
    lock held(binding_);
    return target.id.load(std::memory_order_acquire) != 0 ? result<void>() : load(target);
  }
  [[nodiscard]] STRATA_COLD static result<void> look_up_erased(void* self, primitive::collection& target) {
    return static_cast<catalogue*>(self)->look_up(target);
  }

  // The names of all collections, in order. Errors: those of reading.
  [[nodiscard]] STRATA_COLD result<std::vector<std::string>> names() {
    const byte_string begin = catalogue_key('c', "");
    STRATA_TRY_LET(rows, engine_.make_cursor({begin, catalogue_key('d', ""), false}, sequence_max));
    std::vector<std::string> all;
    for (rows->seek_first(); rows->valid(); rows->next()) all.emplace_back(rows->key().substr(begin.size()));
    STRATA_TRY(rows->status());
    return all;
  }

 private:
  static constexpr std::size_t recent_max = 64;
  // By the addresses: those of a descriptor stay the same, and two that share a place only find each other in it.
  [[nodiscard]] static std::size_t place_of(std::string_view name, const primitive::type_face& face) noexcept {
    return hash_fold(std::hash<const void*>()(name.data()) ^ hash_key[0], std::hash<const void*>()(&face) ^ hash_key[1]) % recent_max;
  }
  [[nodiscard]] STRATA_COLD primitive::collection& find_under_lock(std::string_view name, const primitive::type_face& face) {
    lock held(mutex_);
    const std::size_t first = first_behind(known_, [&](const auto& each) { return std::string_view(each->name) < name; });
    for (std::size_t at = first; at < known_.size() && known_[at]->name == name; ++at) {
      if (known_[at]->face != &face) continue;
      if (known_[at]->usable || is_lasting(known_[at]->usable.error().code())) return *known_[at];
      read_again(known_[at]);
      return *known_[at];
    }
    auto fresh = make(name, face);
    primitive::collection& found = *fresh;
    known_.insert(first, std::move(fresh));
    return found;
  }

  [[nodiscard]] STRATA_COLD error mismatch(const primitive::collection& of, const char* reason) const {
    return error(errc::schema_mismatch, "open collection", reason).in_file(engine_.directory() + ": " + of.name);
  }

  // What will be so again however often it is looked at.
  [[nodiscard]] static bool is_lasting(errc code) noexcept {
    return code == errc::schema_mismatch || code == errc::invalid_argument || code == errc::corruption ||
           code == errc::unsupported_version;
  }
  [[nodiscard]] STRATA_COLD std::unique_ptr<primitive::collection> make(std::string_view name, const primitive::type_face& face) {
    auto fresh = std::make_unique<primitive::collection>();
    fresh->name = name;
    fresh->face = &face;
    if (name.empty() || name.size() > collection_name_bytes_max) {
      fresh->usable = error(errc::invalid_argument, "open collection", "a name has 1 to 255 bytes");
    } else {
      fresh->usable = load(*fresh);
    }
    return fresh;
  }

  // `target` could not be read when it was made: views made then say so, new ones get it read again. Where that fails as it
  // did before, they share what said so then: there is one of these a code, however often a program asks.
  STRATA_COLD void read_again(std::unique_ptr<primitive::collection>& target) {
    auto fresh = make(target->name, *target->face);
    if (!fresh->usable) {
      const auto says_so = [&](const primitive::collection& each) {
        return each.face == fresh->face && each.name == fresh->name &&
               each.usable.error().code() == fresh->usable.error().code();
      };
      if (says_so(*target)) return;
      for (std::size_t at = 0; at < spoiled_.size(); ++at)
        if (says_so(*spoiled_[at])) return std::swap(target, spoiled_[at]);
    }
    spoiled_.push_back(std::exchange(target, std::move(fresh)));
  }

  // Reads what is stored of `target`; nothing is no error.
  [[nodiscard]] STRATA_COLD result<void> load(primitive::collection& target) {
    catalogue_record record;
    STRATA_TRY_LET(there, read(target.name, record));
    if (!there) return {};
    if (record.what != target.face->what) return mismatch(target, "it was stored as another primitive");
    if (record.key_fingerprint != target.face->key_fingerprint) return mismatch(target, "its keys were stored with another type");
    const byte_string today = target.face->describe_value();
    auto older = std::make_unique<primitive::collection::older_schemas>();
    std::uint32_t current = 0;
    for (std::uint32_t schema = 1; schema <= record.descriptions.size(); ++schema) {
      if (record.descriptions[schema - 1] == today) {
        current = schema;
        continue;
      }
      auto way = target.face->evolve_from(record.descriptions[schema - 1]);
      if (!way) return mismatch(target, way.error().reason());
      older->push_back({schema, std::move(*way)});
    }
    target.older.store(older.get(), std::memory_order_release);
    target.lists.push_back(std::move(older));
    publish(target, record.id, current);
    return {};
  }
  [[nodiscard]] STRATA_COLD result<bool> read(std::string_view name, catalogue_record& record) {
    result<void> parsed;
    STRATA_TRY_LET(there, engine_.get(catalogue_key('c', name), sequence_max,
                                      [&](bytes_view bytes, sequence_number, std::uint64_t) { parsed = record.parse(bytes); }));
    STRATA_TRY(std::move(parsed));
    return there;
  }

  // Writes the record of `target` with the description of today behind those that are there. conflict: someone else did.
  [[nodiscard]] STRATA_COLD result<void> store(primitive::collection& target) {
    primitive::transaction_state<Engine> transaction(engine_);
    catalogue_record record;
    STRATA_TRY_LET(there, transaction.get(catalogue_key('c', target.name), [&](bytes_view bytes, sequence_number, std::uint64_t) {
      return record.parse(bytes);
    }));
    if (!there) {
      STRATA_TRY_LET(id, next_id(transaction));
      record.what = target.face->what;
      record.id = id;
      record.key_fingerprint = target.face->key_fingerprint;
    } else if (target.lists.empty() || record.descriptions.size() != target.lists.back()->size()) {
      return error(errc::conflict, "open collection");
    }
    record.descriptions.push_back(target.face->describe_value());
    byte_string bytes;
    record.append_to(bytes);
    STRATA_TRY(transaction.write({engine::write_kind::value, 0, catalogue_key('c', target.name), bytes}, durability::none));
    STRATA_TRY(transaction.commit(durability::none));
    // Before anything is written with the new description: views of the collection with another type can read it then.
    // One that cannot keeps what it knew, and says decode_failed of what it does not.
    const lock held(mutex_);
    for (std::size_t at = 0; at < known_.size(); ++at)
      if (known_[at].get() != &target && known_[at]->name == target.name && known_[at]->usable)
        static_cast<void>(load(*known_[at]));
    publish(target, record.id, static_cast<std::uint32_t>(record.descriptions.size()));
    return {};
  }
  // The id before the schema: a writer looks for a schema without a lock, and where there is one takes the id to be there,
  // too. A reader that meets the id alone finds nothing under it that has the schema.
  STRATA_COLD static void publish(primitive::collection& target, std::uint32_t id, std::uint32_t schema) noexcept {
    target.id.store(id, std::memory_order_release);
    target.schema_id.store(schema, std::memory_order_release);
  }
  [[nodiscard]] STRATA_COLD result<std::uint32_t> next_id(primitive::transaction_state<Engine>& transaction) {
    std::uint64_t id = 1;
    STRATA_TRY(transaction.get(catalogue_key('n', ""), [&](bytes_view bytes, sequence_number, std::uint64_t) -> result<void> {
      byte_reader in(bytes);
      id = in.varint();
      if (!in.complete() || id == 0 || id >= UINT32_MAX)
        return error(errc::corruption, "read catalogue", "the next id does not parse");
      return {};
    }));
    byte_string next;
    append_varint(next, id + 1);
    STRATA_TRY(transaction.write({engine::write_kind::value, 0, catalogue_key('n', ""), next}, durability::none));
    return static_cast<std::uint32_t>(id);
  }

  Engine& engine_;
  typename environment_type::mutex binding_;  // held over a commit: who looks for a collection does not wait for it
  typename environment_type::mutex mutex_;
  dynamic_array<std::unique_ptr<primitive::collection>> known_;    // mutex_; by name
  dynamic_array<std::unique_ptr<primitive::collection>> spoiled_;  // mutex_; not usable; views may still name them
  std::atomic<primitive::collection*> recent_[recent_max] = {};    // usable ones of known_, or null
};

}  // namespace strata::inline STRATA_ABI::detail

#endif
