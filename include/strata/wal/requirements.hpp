// The write-ahead log: the commits in order, durable before tables are.
//
// A policy writes and reads single segments; which segments there are, when one ends and when it may go is the engine's
// business. One record is one commit group; it is there whole or not at all.
//
// Requirements. `W` is the policy (a tag), `E` the environment, `w` a value of `W::writer<E>`.
//
// expression                          returns                    what must hold
// ----------------------------------  -------------------------  ------------------------------------------------------
// W::is_durable                       static constexpr bool      false: nothing is written, `durability::none` is all
//                                                                that the store can do
// W::writer<E>::create(e, s)          result<W::writer<E>>       makes the segment of `wal::segment s`; its contents are
//                                                                durable after sync(), its name after the caller synced
//                                                                the directory
// W::writer<E>::reopen(e, s, tail)    result<W::writer<E>>       goes on after recovery at `tail.end`, cutting what lies
//                                                                behind it: torn bytes, and a promise that ends the
//                                                                segment, whose sync may have failed. May be tried
//                                                                again after a lack of room (no_space,
//                                                                too_many_open_files, out_of_memory): so a sync that
//                                                                failed in it is none of these
// w.append(b)                         result<void>               one record of payload b, not empty, ≤ 2 GiB + 64 KiB.
//                                                                Survives the process. After an error nothing more is
//                                                                appended: the caller latches
// w.sync()                            result<void>               all appended so far survives a power cut, also after an
//                                                                append that failed. After an error it is not tried again
//                                                                and nothing more is promised: it, seal() and close() fail
// w.seal()                            result<void>               the segment is complete: no record follows, and all before
//                                                                it is durable (it syncs nothing where that is so), as the
//                                                                seal itself is after sync(). The engine tries it when all
//                                                                is synced, and syncs no later segment before
// w.bytes()                           std::uint64_t              size of the segment
// w.synced_bytes()                    std::uint64_t              the part that survives a power cut
// w.close()                           result<void>               orderly end of a segment that may be reopened: all is
//                                                                durable, and a promise says so. Nothing new: writes
//                                                                nothing. After a failed append: syncs, and promises
//                                                                nothing. Without it a writer ends as in a crash
// w.wants_room()                      bool                       may be missing, with the next: whether it is time for it.
//                                                                Asked after each append, by its thread; true once a time
// w.make_room()                       void                       may be missing. Does beside append() what a later one would
//                                                                have to do. Not beside seal() and close()
// W::replay<E>(e, s, f)               result<wal::tail>          calls f(payload, offset) → result<void> for each record
//                                                                in order and stops at its first error. Reads at most
//                                                                one record into memory
//
// Damage. Replay tells a torn tail (the end of what was written when the power went) from corruption (what was promised
// durable is damaged): each record carries the offset up to which its segment was synced when it was written. A bad
// record at offset d is a torn tail only if no intact record anywhere behind d promises more than d. Corruption is
// errc::corruption with file and offset; a torn tail is reported in `tail`, never repaired by replay itself, which
// writes nothing. Zeros are no record. A missing or damaged header is a torn creation if no record in the file promises
// anything, else corruption; so is the header of another file: the name may be durable before any byte is, and what a
// removed file left in the same place then be read. What replay cannot see: damage behind the last promise, and a segment that
// was cut short. Where commits of a segment that has a successor are missing, the engine therefore takes it for corruption if
// the commits of that one promise anything, since it was not synced before this one was. A promise comes with the first record
// behind the first sync: until then damage of that kind can't be told from a torn end.
//
// A writer belongs to one thread at a time, but sync() and make_room() may run beside append() (one thread each); of sync(),
// seal() and close() never two at once.
#ifndef STRATA_WAL_REQUIREMENTS_HPP
#define STRATA_WAL_REQUIREMENTS_HPP

#include <concepts>

#include <strata/core/record.hpp>
#include <strata/environment/requirements.hpp>

namespace strata::inline STRATA_ABI {

namespace wal {

// Which segment: where it is and whose.
struct segment {
  std::string path;             // of the file
  std::uint64_t number = 0;     // file number; inside every checksum, so that bytes of another segment are never taken
  std::uint64_t store_id = 0;   // the same for a store's life
  std::uint64_t preallocate_bytes = 0;  // room to ask for; the file system may decline
  std::uint64_t zeros_ahead_bytes = 0;  // a sync may follow each record: so many zeros at a time may stand ready for them
};

// Where the records of a segment end. A policy fills what its own reopen needs, and at least `end`, `file_bytes`, `promised`,
// `sealed` and `torn`.
using tail = record_tail;

}  // namespace wal

namespace requirements {

template <typename Policy, typename Environment>
concept wal_writer = std::movable<typename Policy::template writer<Environment>> &&
                     requires(typename Policy::template writer<Environment>& w,
                              const typename Policy::template writer<Environment>& constant, const Environment& e,
                              const wal::segment& s, const wal::tail& t, bytes_view payload) {
                       {
                         Policy::template writer<Environment>::create(e, s)
                       } -> std::same_as<result<typename Policy::template writer<Environment>>>;
                       {
                         Policy::template writer<Environment>::reopen(e, s, t)
                       } -> std::same_as<result<typename Policy::template writer<Environment>>>;
                       { w.append(payload) } -> std::same_as<result<void>>;
                       { w.sync() } -> std::same_as<result<void>>;
                       { w.seal() } -> std::same_as<result<void>>;
                       { w.close() } -> std::same_as<result<void>>;
                       { constant.bytes() } -> std::same_as<std::uint64_t>;
                       { constant.synced_bytes() } -> std::same_as<std::uint64_t>;
                     };

// What a writer may have besides.
template <typename Writer>
concept makes_room = requires(Writer& w) {
  { w.wants_room() } -> std::same_as<bool>;
  w.make_room();
};

template <typename Policy, typename Environment>
concept wal_replay = requires(const Environment& e, const wal::segment& s, result<void> (*f)(bytes_view, std::uint64_t)) {
  { Policy::template replay<Environment>(e, s, f) } -> std::same_as<result<wal::tail>>;
};

// All of the above: what the wal slot takes.
template <typename Policy, typename Environment>
concept wal = requires { { Policy::is_durable } -> std::convertible_to<bool>; } && wal_writer<Policy, Environment> &&
              wal_replay<Policy, Environment>;

}  // namespace requirements

namespace detail {

template <typename Policy, typename Environment>
consteval bool check_wal() {
  static_assert(requires { { Policy::is_durable } -> std::convertible_to<bool>; },
                "strata: wal: static constexpr bool is_durable is missing");
  static_assert(requirements::wal_writer<Policy, Environment>,
                "strata: wal: the nested writer<Environment> is missing or incomplete; see wal/requirements.hpp");
  static_assert(requirements::wal_replay<Policy, Environment>,
                "strata: wal: replay<Environment>(environment, segment, function) -> result<wal::tail> is missing");
  return true;
}

}  // namespace detail

}  // namespace strata::inline STRATA_ABI

#endif
