// kv: keys to values, in the order of the keys.
//
//   inline constexpr strata::kv<std::string, user> users{"users"};
//   db[users].put("ada", {"Ada", 36}).value();
//
// Keys: run · collection · encoded key (ordered_key.hpp). A value is a record (value.hpp); one with an expiry carries it.
//
// Every error of reading tables (corruption, io_error), of using a closed store (closed) and of a collection that was stored
// with other types (schema_mismatch) can come from any call; the comments below name the others.
#ifndef STRATA_PRIMITIVE_KV_HPP
#define STRATA_PRIMITIVE_KV_HPP

#include <chrono>

#include <strata/primitive/kv_scan.hpp>
#include <strata/primitive/requirements.hpp>

namespace strata::inline STRATA_ABI {

// What a put may ask for beside the value.
struct put_options {
  strata::durability durability = strata::durability::none;  // more than the store's; less is ignored
  std::optional<std::chrono::microseconds> expires_after{};  // from now; without it the value stays, and a former expiry goes
  bool keep_expiry = false;                                  // the expiry that the key has stays
  bool if_absent = false;                                    // only where the key is not there
  bool if_present = false;                                   // only where it is
  std::optional<sequence_number> if_version{};               // only where the key's version is this one
};

// A value with what is known of it.
template <typename Value>
struct versioned {
  Value value{};
  sequence_number version = 0;  // of the commit that wrote it; 0: by this transaction
  // When it expires, if ever; µs since 1970.
  std::optional<std::chrono::sys_time<std::chrono::microseconds>> expires_at;
};

namespace primitive {

// Operations of kv. Frozen: in the log.
enum class kv_operation : std::uint32_t { put = 0, erase = 1, erase_range = 2, persist = 3 };

[[nodiscard]] constexpr write_label kv_label(kv_operation operation) noexcept {
  return label_of(kind::kv, static_cast<std::uint32_t>(operation));
}

[[nodiscard]] inline std::optional<std::chrono::sys_time<std::chrono::microseconds>> expiry_time(std::uint64_t expires_at_us) {
  if (expires_at_us == UINT64_MAX) return std::nullopt;
  return std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(static_cast<std::int64_t>(expires_at_us)));
}

// A key as it was found by a writing call that reads first.
struct found_key {
  bool there = false;
  sequence_number version = 0;
  std::uint64_t expires_at_us = UINT64_MAX;
};

// What a put asks of the key that is there. Compiled once, not once a collection.
[[nodiscard]] inline result<void> check_conditions(const put_options& options, const found_key& found) {
  if (options.if_absent && found.there) return error(errc::condition_not_met, "put", "if_absent: the key is there");
  if (options.if_present && !found.there) return error(errc::condition_not_met, "put", "if_present: the key is absent");
  if (options.if_version && (!found.there || found.version != *options.if_version))
    return error(errc::condition_not_met, "put", "if_version: the key is absent or has another version");
  return {};
}

template <typename Context>
[[nodiscard]] STRATA_NOINLINE result<found_key> find_key(const Context& context, bytes_view key) {
  found_key found;
  STRATA_TRY(context.get(key, [&](bytes_view, sequence_number version, std::uint64_t expires_at_us) -> result<void> {
    found = {true, version, expires_at_us};
    return {};
  }));
  return found;
}

// A key and how it is encoded, without its type: what follows is compiled once a context, and not once a collection.
struct key_reference {
  const void* key;
  result<void> (*append)(byte_string& out, const void* key);
};
template <typename Key, typename Lookup>
[[nodiscard]] result<void> append_key(byte_string& out, const void* key) {
  return key_codec<Key>::encode(out, *static_cast<const Lookup*>(key));
}
// The same of a value to write, and of memory for one to read: `into(holder)` is where it goes, asked for when it is there.
struct value_reference {
  const void* value;
  strata::detail::write_function write;
};
struct value_target {
  void* holder;
  void* (*into)(void* holder);
  strata::detail::read_function read;
};

// Appends the whole key. False where the collection is not in the catalogue, and so is empty.
template <typename Context>
[[nodiscard]] STRATA_NOINLINE result<bool> append_whole_key(const Context& context, collection& of, key_reference key,
                                                            byte_string& out) {
  if (!of.usable) [[unlikely]] return of.usable.error();
  if (of.id.load(std::memory_order_acquire) == 0) [[unlikely]] {
    STRATA_TRY(context.touch(of));
    if (of.id.load(std::memory_order_acquire) == 0) return false;
  }
  append_key_prefix(out, context.run(), of.id.load(std::memory_order_acquire));
  STRATA_TRY(key.append(out, key.key));
  return true;
}

template <typename Context>
[[nodiscard]] STRATA_NOINLINE result<bool> get_record(const Context& context, collection& of, key_reference key,
                                                      value_visitor on_value) {
  borrowed<key_and_value> memory;
  STRATA_TRY_LET(ready, append_whole_key(context, of, key, memory->key));
  if (!ready) return false;
  return context.get(memory->key, on_value);
}
template <typename Context>
[[nodiscard]] STRATA_NOINLINE result<bool> get_value(const Context& context, collection& of, key_reference key,
                                                     value_target target) {
  return get_record(context, of, key, [&](bytes_view record, sequence_number, std::uint64_t) {
    return strata::detail::decode_record(record, of.schema_id.load(std::memory_order_relaxed), of, target.read,
                                         target.into(target.holder));
  });
}

// The whole of a put but the codecs.
template <typename Context>
[[nodiscard]] STRATA_NOINLINE result<sequence_number> put_bytes(const Context& context, bytes_view key, bytes_view value,
                                                                const put_options& options) {
  std::uint64_t expires_at_us = UINT64_MAX;
  if (options.expires_after) {
    // 10,000 years: beyond any use, and far from where sums of times overflow.
    constexpr std::int64_t expires_after_us_max = 315'576'000'000'000'000;
    if (options.expires_after->count() <= 0 || options.expires_after->count() > expires_after_us_max)
      return error(errc::invalid_argument, "put", "expires_after must be more than zero and at most 10,000 years");
    if (options.keep_expiry) return error(errc::invalid_argument, "put", "expires_after and keep_expiry exclude each other");
    expires_at_us = context.wall_time_us() + static_cast<std::uint64_t>(options.expires_after->count());
  }
  if (options.if_absent && (options.if_present || options.if_version))
    return error(errc::invalid_argument, "put", "if_absent excludes if_present and if_version");
  if (!options.if_absent && !options.if_present && !options.if_version && !options.keep_expiry)
    return context.put(kv_label(kv_operation::put), key, value, expires_at_us, options.durability);
  return context.atomically(
      [&](const Context& inner) -> result<void> {
        STRATA_TRY_LET(found, find_key(inner, key));
        STRATA_TRY(check_conditions(options, found));
        const std::uint64_t expiry = options.keep_expiry && found.there ? found.expires_at_us : expires_at_us;
        STRATA_TRY(inner.put(kv_label(kv_operation::put), key, value, expiry, options.durability));
        return {};
      },
      options.durability);
}

template <typename Context>
[[nodiscard]] STRATA_NOINLINE result<sequence_number> put_value(const Context& context, collection& of, key_reference key,
                                                                value_reference value, const put_options& options) {
  if (!of.usable) [[unlikely]] return of.usable.error();
  STRATA_TRY(context.bind(of));
  borrowed<key_and_value> memory;
  append_key_prefix(memory->key, context.run(), of.id.load(std::memory_order_acquire));
  STRATA_TRY(key.append(memory->key, key.key));
  STRATA_TRY(strata::detail::encode_record(memory->value, of.schema_id.load(std::memory_order_relaxed), value.write, value.value));
  return put_bytes(context, memory->key, memory->value, options);
}

template <typename Context>
[[nodiscard]] STRATA_NOINLINE result<bool> erase_bytes(const Context& context, bytes_view key, durability wanted) {
  bool existed = false;
  STRATA_TRY(context.atomically(
      [&](const Context& inner) -> result<void> {
        STRATA_TRY_LET(found, find_key(inner, key));
        existed = found.there;
        if (existed) STRATA_TRY(inner.erase(kv_label(kv_operation::erase), key, wanted));
        return {};
      },
      wanted));
  return existed;
}

template <typename Context>
[[nodiscard]] STRATA_NOINLINE result<bool> persist_bytes(const Context& context, bytes_view key, durability wanted) {
  bool changed = false;
  STRATA_TRY(context.atomically(
      [&](const Context& inner) -> result<void> {
        byte_string value;
        std::uint64_t expires_at_us = UINT64_MAX;
        STRATA_TRY(inner.get(key, [&](bytes_view found, sequence_number, std::uint64_t at) -> result<void> {
          value.assign(found);
          expires_at_us = at;
          return {};
        }));
        changed = expires_at_us != UINT64_MAX;
        if (changed) STRATA_TRY(inner.put(kv_label(kv_operation::persist), key, value, UINT64_MAX, wanted));
        return {};
      },
      wanted));
  return changed;
}

}  // namespace primitive

// Bytes of a stored string, uncopied. They live as long as this, which must not outlive the store. Not copyable: the bytes
// stay where they are.
template <typename Context>
class value_view {
 public:
  value_view() = default;
  value_view(const value_view&) = delete;
  value_view& operator=(const value_view&) = delete;

  [[nodiscard]] bytes_view bytes() const noexcept { return bytes_; }
  operator bytes_view() const noexcept { return bytes_; }  // NOLINT: implicit, it is one

 private:
  template <typename, typename, typename>
  friend class kv_reader;
  typename Context::pinned_type pinned_;
  byte_string copy_;     // of a transaction's own write
  byte_string evolved_;  // of a value of an older schema
  bytes_view bytes_;
};

// What can be done with a kv collection that is only read. Thread safety: that of its context; a cheap value.
template <typename Key, typename Value, typename Context>
class kv_reader {
 public:
  using key_type = Key;
  using value_type = Value;
  // A key may be given as anything that encodes as one: std::string_view for std::string, …
  using codec_type = key_codec<Key>;

  kv_reader(const Context& context, primitive::collection& of) noexcept : context_(context), of_(&of) {}

  // The value of `key`, or nothing. Cost: one look-up.
  template <typename Lookup = Key>
  [[nodiscard]] result<std::optional<Value>> get(const Lookup& key) const {
    return {detail::filled_in_place(), [&](std::optional<Value>& value) {
              return primitive::get_value(context_, *of_, reference(key), {&value, &engage, &detail::read_whole<Value>});
            }};
  }
  // The same into memory that is there; false, and `into` unchanged, where the key is absent.
  template <typename Lookup = Key>
  [[nodiscard]] result<bool> get_into(const Lookup& key, Value& into) const {
    return look_up(key, [&](bytes_view record, sequence_number, std::uint64_t) { return decode(record, into); });
  }
  // The value with its version and expiry.
  template <typename Lookup = Key>
  [[nodiscard]] result<std::optional<versioned<Value>>> get_versioned(const Lookup& key) const {
    std::optional<versioned<Value>> found;
    STRATA_TRY(look_up(key, [&](bytes_view record, sequence_number version, std::uint64_t expires_at_us) {
      found.emplace().version = version;
      found->expires_at = primitive::expiry_time(expires_at_us);
      return decode(record, found->value);
    }));
    return found;
  }
  // The bytes of a string value without a copy; false where the key is absent.
  template <typename Lookup = Key>
  [[nodiscard]] result<bool> get_view(const Lookup& key, value_view<Context>& out) const {
    out.bytes_ = {};
    primitive::borrowed<primitive::key_and_value> memory;
    STRATA_TRY_LET(ready, encode(key, memory->key));
    if (!ready) return false;
    bytes_view record;
    STRATA_TRY_LET(there, context_.get_pinned(memory->key, out.pinned_, out.copy_, record));
    if (!there) return false;
    STRATA_TRY_LET(view, decode_view<Value>(record, schema_id(), *of_, out.evolved_));
    out.bytes_ = view;
    return true;
  }
  // The values of `keys` (a sized range of keys), in their order, all of one moment.
  template <typename Keys = std::initializer_list<Key>>
  [[nodiscard]] result<std::vector<std::optional<Value>>> multi_get(const Keys& keys) const {
    std::vector<byte_string> encoded;
    for (const auto& key : keys) {
      STRATA_TRY_LET(ready, encode(key, encoded.emplace_back()));
      if (!ready) return std::vector<std::optional<Value>>(std::size(keys));
    }
    std::vector<std::optional<Value>> values(encoded.size());
    STRATA_TRY(context_.multi_get(encoded, [&](std::size_t i, bytes_view record) { return decode(record, values[i].emplace()); }));
    return values;
  }
  // Whether the key is there. Does not decode the value.
  template <typename Lookup = Key>
  [[nodiscard]] result<bool> contains(const Lookup& key) const {
    return look_up(key, [](bytes_view, sequence_number, std::uint64_t) { return result<void>(); });
  }
  // When the value expires: nothing where it never does, or the key is absent.
  template <typename Lookup = Key>
  [[nodiscard]] result<std::optional<std::chrono::sys_time<std::chrono::microseconds>>> expires_at(const Lookup& key) const {
    std::optional<std::chrono::sys_time<std::chrono::microseconds>> expiry;
    STRATA_TRY(look_up(key, [&](bytes_view, sequence_number, std::uint64_t expires_at_us) {
      expiry = primitive::expiry_time(expires_at_us);
      return result<void>();
    }));
    return expiry;
  }

  // The rows from first to last, see bounds.hpp for what it takes: `for (auto&& [key, value] : users.scan(prefix("a")))`.
  template <typename... Arguments>
  [[nodiscard]] auto scan(const Arguments&... arguments) const {
    return scan_as<primitive::whole_row<Key, Value>>(arguments...);
  }
  // The keys alone; values are not decoded.
  template <typename... Arguments>
  [[nodiscard]] auto scan_keys(const Arguments&... arguments) const {
    return scan_as<primitive::key_row<Key>>(arguments...);
  }
  // How many keys there are within bounds. Cost: walks them.
  template <typename... Arguments>
  [[nodiscard]] result<std::uint64_t> count(const Arguments&... arguments) const {
    STRATA_TRY(of_->usable);
    STRATA_TRY(context_.touch(*of_));
    byte_string prefix;
    append_prefix(prefix);
    primitive::row_source<Context> rows(context_, primitive::plan_scan<Key>(prefix, arguments...), prefix.size(), *of_);
    std::uint64_t rows_seen = 0;
    while (rows.step()) ++rows_seen;
    STRATA_TRY(rows.status());
    return rows_seen;
  }
  // The row with the lowest key within bounds, or nothing.
  template <typename... Arguments>
  [[nodiscard]] result<std::optional<std::pair<Key, Value>>> first(const Arguments&... arguments) const {
    return only_row(arguments..., strata::limit(1));
  }
  // The row with the highest key within bounds, or nothing.
  template <typename... Arguments>
  [[nodiscard]] result<std::optional<std::pair<Key, Value>>> last(const Arguments&... arguments) const {
    return only_row(arguments..., strata::limit(1), strata::descending<>());
  }

 protected:
  void append_prefix(byte_string& out) const {
    primitive::append_key_prefix(out, context_.run(), of_->id.load(std::memory_order_acquire));
  }
  [[nodiscard]] std::uint32_t schema_id() const noexcept { return of_->schema_id.load(std::memory_order_relaxed); }
  [[nodiscard]] result<void> decode(bytes_view record, Value& into) const {
    return decode_value(record, schema_id(), *of_, into);
  }
  // Appends the whole key. False where the collection is not in the catalogue, and so is empty.
  template <typename Lookup>
  [[nodiscard]] result<bool> encode(const Lookup& key, byte_string& out) const {
    return primitive::append_whole_key(context_, *of_, reference(key), out);
  }
  template <typename Lookup>
  [[nodiscard]] result<bool> look_up(const Lookup& key, primitive::value_visitor on_value) const {
    return primitive::get_record(context_, *of_, reference(key), on_value);
  }
  template <typename Lookup>
  [[nodiscard]] static primitive::key_reference reference(const Lookup& key) noexcept {
    return {std::addressof(key), &primitive::append_key<Key, Lookup>};
  }

 private:
  template <typename Row, typename... Arguments>
  [[nodiscard]] primitive::scan_range<Context, Row> scan_as(const Arguments&... arguments) const {
    auto usable = of_->usable ? context_.touch(*of_) : of_->usable;
    byte_string prefix;
    append_prefix(prefix);
    auto plan = primitive::plan_scan<Key>(prefix, arguments...);
    if (!usable) plan.status = std::move(usable);
    return primitive::scan_range<Context, Row>(context_, std::move(plan), prefix.size(), *of_);
  }
  [[nodiscard]] static void* engage(void* value) { return std::addressof(static_cast<std::optional<Value>*>(value)->emplace()); }
  template <typename... Arguments>
  [[nodiscard]] result<std::optional<std::pair<Key, Value>>> only_row(const Arguments&... arguments) const {
    auto rows = scan(arguments...);
    if (rows.next()) return std::optional<std::pair<Key, Value>>(rows.row());
    STRATA_TRY(rows.status());
    return std::optional<std::pair<Key, Value>>();
  }

 protected:
  Context context_;
  primitive::collection* of_;
};

// What can be done with a kv collection that may be written. Outside a transaction each call is a commit of its own and
// returns its sequence, which is the version of what it wrote; within one the sequence is 0, and known at its commit.
//
// Errors of every writing call: key_too_large, value_too_large; read_only; no_space, io_error, out_of_memory; conflict when
// 100 tries met other writers; invalid_argument for a key that has no order (NaN). Nothing is written then, but after
// io_error and no_space, where the log may hold it or not. A crash leaves the whole commit or nothing.
template <typename Key, typename Value, typename Context>
class kv_writer : public kv_reader<Key, Value, Context> {
  using base = kv_reader<Key, Value, Context>;
  using typename base::codec_type;

 public:
  using base::base;

  // Sets the value of `key`. A put without conditions reads nothing: one log append, one insert.
  // Errors: condition_not_met.
  template <typename Lookup = Key>
    requires(detail::shape_of<Value> != detail::shape::text)
  result<sequence_number> put(const Lookup& key, const Value& value, const put_options& options = {}) const {
    return put_value(key, value, options);
  }
  // String values are taken as views.
  template <typename Lookup = Key>
    requires(detail::shape_of<Value> == detail::shape::text)
  result<sequence_number> put(const Lookup& key, std::string_view value, const put_options& options = {}) const {
    return put_value(key, value, options);
  }
  // Takes `key` away; whether it was there. Cost: a look-up, and a write where it was.
  template <typename Lookup = Key>
  result<bool> erase(const Lookup& key, const write_options& options = {}) const {
    primitive::borrowed<primitive::key_and_value> memory;
    STRATA_TRY_LET(ready, this->encode(key, memory->key));
    if (!ready) return false;
    return primitive::erase_bytes(this->context_, memory->key, options.durability);
  }
  // Takes all keys within bounds (prefix, from, after, before, up_to) away. Cost: one write, whatever they are.
  template <typename... Arguments>
  result<sequence_number> erase_range(const Arguments&... arguments) const {
    return erase_range(write_options(), arguments...);
  }
  template <typename... Arguments>
  result<sequence_number> erase_range(const write_options& options, const Arguments&... arguments) const {
    STRATA_TRY(this->of_->usable);
    STRATA_TRY(this->context_.bind(*this->of_));
    byte_string prefix;
    this->append_prefix(prefix);
    primitive::scan_plan plan = primitive::plan_scan<Key>(prefix, arguments...);
    STRATA_TRY(plan.status);
    if (plan.descending || plan.limit != UINT64_MAX)
      return error(errc::invalid_argument, "erase_range", "takes bounds only, no order and no limit");
    if (plan.is_empty()) return sequence_number{0};
    return this->context_.erase_range(primitive::kv_label(primitive::kv_operation::erase_range), plan.range.begin,
                                      plan.range.end, options.durability);
  }
  // Takes the expiry of `key` away; whether it had one.
  template <typename Lookup = Key>
  result<bool> persist(const Lookup& key, const write_options& options = {}) const {
    primitive::borrowed<primitive::key_and_value> memory;
    STRATA_TRY_LET(ready, this->encode(key, memory->key));
    if (!ready) return false;
    return primitive::persist_bytes(this->context_, memory->key, options.durability);
  }

 private:
  template <typename Lookup, typename Given>
  [[nodiscard]] result<sequence_number> put_value(const Lookup& key, const Given& value, const put_options& options) const {
    return primitive::put_value(this->context_, *this->of_, this->reference(key),
                                {std::addressof(value), &detail::write_whole<Given>}, options);
  }
};

// The descriptor of a collection of keys and values. `Key` is anything that has an order (codec/ordered_key.hpp), `Value`
// anything that can be stored (codec/payload.hpp): plain structs of such things first of all.
template <typename Key, typename Value>
struct kv {
  // Here, so that a compiler names the declaration, and before anything that the type would trip over.
  static_assert(check_key_type<Key>());
  static_assert(check_value_type<Value>());

  using key_type = Key;
  using value_type = Value;
  template <typename Context>
  using reader = kv_reader<Key, Value, Context>;
  template <typename Context>
  using writer = kv_writer<Key, Value, Context>;

  static constexpr bool needs_order = true;
  [[nodiscard]] static const primitive::type_face& face() {
    static constexpr primitive::type_face types{primitive::kind::kv, key_codec<Key>::fingerprint, &schema_description<Value>,
                                                [](bytes_view stored) { return evolution::to<Value>(stored); }};
    return types;
  }

  primitive::collection_name name;
};

}  // namespace strata::inline STRATA_ABI

#endif
