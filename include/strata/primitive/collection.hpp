// A collection as a program's code meets it: the descriptor's face without its types, and what the catalogue knows of it.
#ifndef STRATA_PRIMITIVE_COLLECTION_HPP
#define STRATA_PRIMITIVE_COLLECTION_HPP

#include <atomic>
#include <memory>

#include <strata/codec/value.hpp>
#include <strata/core/coding.hpp>
#include <strata/core/dynamic_array.hpp>

namespace strata::inline STRATA_ABI {

// The longest name of a collection, in bytes.
inline constexpr std::size_t collection_name_bytes_max = 255;

namespace primitive {

// The primitives by number. Frozen: stored in the catalogue, and part of every write's label.
enum class kind : std::uint8_t { kv = 1 };

// The label of operation `operation` (below 64) of a primitive. Frozen: in the log.
[[nodiscard]] constexpr std::uint32_t label_of(kind of, std::uint32_t operation) noexcept {
  return static_cast<std::uint32_t>(of) * 64 + operation;
}

// What the catalogue needs of a descriptor's types, as functions that know them.
struct type_face {
  kind what = kind::kv;
  std::uint64_t key_fingerprint = 0;
  byte_string (*describe_value)() = nullptr;                          // schema_description of the value
  result<evolution> (*evolve_from)(bytes_view description) = nullptr;  // from an older description to the value of today
};

// A collection that a store has looked up, or will when it is first written. It belongs to the store and stays where it is.
//
// Thread safety: any thread reads it; the catalogue alone changes it, one thread at a time. A list of older schemas that was
// replaced stays for those who still read it; it is replaced when two types of one collection meet in one process.
struct collection {
  struct older_schema {
    std::uint32_t id;
    evolution way;  // from its values to those of today
  };
  using older_schemas = dynamic_array<older_schema>;

  byte_string name;
  const type_face* face = nullptr;
  std::atomic<std::uint32_t> id{0};         // 0: not in the catalogue yet, and so empty
  std::atomic<std::uint32_t> schema_id{0};  // of the value's type today; 0: not in the catalogue
  std::atomic<const older_schemas*> older{nullptr};
  dynamic_array<std::unique_ptr<const older_schemas>> lists;  // all that `older` ever pointed to
  result<void> usable;                                      // why it can't be used, if so: schema_mismatch, …

  // The way from values of schema `schema` to today's type; null where there is none.
  [[nodiscard]] const evolution* operator()(std::uint32_t schema) const noexcept {
    const older_schemas* list = older.load(std::memory_order_acquire);
    if (list == nullptr) return nullptr;
    for (const older_schema& each : *list)
      if (each.id == schema) return &each.way;
    return nullptr;
  }
};

// The name of a collection, as its descriptor holds it: it refers to characters that outlive the descriptor, and so is not
// made from a string that is about to go.
class collection_name {
 public:
  constexpr collection_name(const char* name) noexcept : name_(name) {}            // NOLINT: implicit, as a literal is
  constexpr collection_name(std::string_view name) noexcept : name_(name) {}       // NOLINT
  constexpr collection_name(const std::string& name) noexcept : name_(name) {}     // NOLINT
  collection_name(std::string&&) = delete;
  constexpr operator std::string_view() const noexcept { return name_; }           // NOLINT
  friend constexpr bool operator==(const collection_name& a, const collection_name& b) noexcept { return a.name_ == b.name_; }

 private:
  std::string_view name_;
};

// The run of all data that no run was named for, and the one of the store's own records. Frozen.
inline constexpr std::uint64_t default_run = 1;
inline constexpr std::uint64_t system_run = 0;

// The bytes that every key of a collection begins with.
inline void append_key_prefix(byte_string& out, std::uint64_t run, std::uint32_t collection_id) {
  append_varint(out, run);
  append_varint(out, collection_id);
}

// Where the catalogue keeps a collection's record ('c' and its name). Frozen: see store/catalogue.hpp.
[[nodiscard]] STRATA_COLD inline byte_string catalogue_key(char what, std::string_view name) {
  byte_string key;
  append_key_prefix(key, system_run, 0);
  key.push_back(what);
  key.append(name);
  return key;
}

}  // namespace primitive

}  // namespace strata::inline STRATA_ABI

#endif
