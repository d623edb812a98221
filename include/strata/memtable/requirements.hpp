// The memtable: the newest versions in memory, ordered, until they are written to a table.
//
// One writer at a time (the commit pipeline sees to that), any number of readers beside it without a lock. Entries are
// never removed; the whole memtable goes at once when its table is durable.
//
// Requirements. `M` is the memtable, `m` a value, `c` a value of `M::cursor`.
//
// expression                   returns         may fail        what must hold
// ---------------------------  --------------  --------------  -------------------------------------------------------
// M()                                          no              empty
// m.reserve(entries, bytes)    result<void>    out_of_memory   after it, inserts of that many entries whose keys and
//                                                              values have that many bytes in all cannot fail. Writer.
//                                                              Called before the commit is logged, so that a logged
//                                                              commit can always be applied
// m.insert(entry)              void            no, noexcept    copies key and value. Writer; requires room reserved. A
//                                                              reader sees the whole entry or none. Of entries equal in
//                                                              key and sequence the later insert comes first
// m.get(key, at, out)          bool            no              the newest version of key with sequence ≤ at, of any kind,
//                                                              into `entry& out`; views live as long as m. Any thread
// m.entries()                  std::size_t     no              inserted so far. Any thread
// m.bytes()                    std::size_t     no              memory held, so that the engine knows when it is full
// M::cursor(m)                                 no              over m, at no entry. m outlives it. One thread; sees at
//                                                              least what was inserted before its last move
// c.valid()                    bool            no              at an entry
// c.current()                  entry           no              requires valid; views live as long as m
// c.seek_first(), seek_last()  void            no              invalid where m is empty
// c.seek(key, sequence)        void            no              first entry not before (key, sequence); invalid past the end
// c.next(), c.prev()           void            no              requires valid; invalid past either end
//
// The entry order is that of core/entry.hpp.
#ifndef STRATA_MEMTABLE_REQUIREMENTS_HPP
#define STRATA_MEMTABLE_REQUIREMENTS_HPP

#include <concepts>

#include <strata/core/entry.hpp>
#include <strata/core/result.hpp>

namespace strata::inline STRATA_ABI {

namespace requirements {

template <typename Memtable>
concept memtable_writing = requires(Memtable& m, std::size_t count, const entry& e) {
  { m.reserve(count, count) } -> std::same_as<result<void>>;
  { m.insert(e) } noexcept -> std::same_as<void>;
};

template <typename Memtable>
concept memtable_reading = requires(const Memtable& m, bytes_view key, sequence_number at, entry& out) {
  { m.get(key, at, out) } -> std::same_as<bool>;
  { m.entries() } -> std::same_as<std::size_t>;
  { m.bytes() } -> std::same_as<std::size_t>;
};

template <typename Memtable>
concept memtable_cursor = requires { typename Memtable::cursor; } && std::movable<typename Memtable::cursor> &&
                          std::constructible_from<typename Memtable::cursor, const Memtable&> &&
                          requires(typename Memtable::cursor& c, const typename Memtable::cursor& constant, bytes_view key,
                                   sequence_number sequence) {
                            { constant.valid() } -> std::same_as<bool>;
                            { constant.current() } -> std::same_as<entry>;
                            c.seek_first();
                            c.seek_last();
                            c.seek(key, sequence);
                            c.next();
                            c.prev();
                          };

// All of the above: what the memtable slot takes.
template <typename Memtable>
concept memtable = std::default_initializable<Memtable> && memtable_writing<Memtable> && memtable_reading<Memtable> &&
                   memtable_cursor<Memtable>;

}  // namespace requirements

namespace detail {

template <typename Memtable>
consteval bool check_memtable() {
  static_assert(std::default_initializable<Memtable>, "strata: memtable: must be default constructible");
  static_assert(requirements::memtable_writing<Memtable>,
                "strata: memtable: reserve(entries, bytes) -> result<void> or insert(entry) noexcept is missing");
  static_assert(requirements::memtable_reading<Memtable>,
                "strata: memtable: get(key, at, out) -> bool, entries() or bytes() is missing");
  static_assert(requirements::memtable_cursor<Memtable>,
                "strata: memtable: the nested cursor is missing or incomplete; see memtable/requirements.hpp");
  return true;
}

}  // namespace detail

}  // namespace strata::inline STRATA_ABI

#endif
