// What the typed face costs: the same entries put and read through a kv and, as the very bytes that it makes of them, through
// the engine below. Two stores, in slices that take turns (typed, bytes, bytes, typed, …). Both sides have their keys and
// values made before the clock runs, and find them one behind the other. A ratio is that of one run.
#include <strata/strata.hpp>

#include <filesystem>

#include "stage.hpp"

namespace benchmark {
namespace {

using database = strata::store<>;
using engine_type = database::engine_type;

struct compared_rows {
  row bytes, typed, ratio;
};
struct codec_rows {
  compared_rows put_new, put, get, get_into;
};
constexpr double ratio_max = 1.10;
constexpr codec_rows string_rows = {{{"put string to string, new store: bytes", "ns"},
                                     {"put string to string, new store: typed", "ns"},
                                     {"put string to string, new store: ratio", "x", ratio_max}},
                                    {{"put string to string: bytes", "ns"},
                                     {"put string to string: typed", "ns"},
                                     {"put string to string: ratio", "x", ratio_max}},
                                    {{"get string to string: bytes", "ns"},
                                     {"get string to string: typed", "ns"},
                                     {"get string to string: ratio", "x", ratio_max}},
                                    {{"get_into string to string: bytes", "ns"},
                                     {"get_into string to string: typed", "ns"},
                                     {"get_into string to string: ratio", "x", ratio_max}}};
constexpr codec_rows struct_rows = {{{"put number to struct, new store: bytes", "ns"},
                                     {"put number to struct, new store: typed", "ns"},
                                     {"put number to struct, new store: ratio", "x", ratio_max}},
                                    {{"put number to struct: bytes", "ns"},
                                     {"put number to struct: typed", "ns"},
                                     {"put number to struct: ratio", "x", ratio_max}},
                                    {{"get number to struct: bytes", "ns"},
                                     {"get number to struct: typed", "ns"},
                                     {"get number to struct: ratio", "x", ratio_max}},
                                    {{"get_into number to struct: bytes", "ns"},
                                     {"get_into number to struct: typed", "ns"},
                                     {"get_into number to struct: ratio", "x", ratio_max}}};

bool wants_any(const stages& to, const compared_rows& rows) { return to.wants_any({rows.bytes, rows.typed, rows.ratio}); }
bool wants_gets(const stages& to, const codec_rows& rows) { return wants_any(to, rows.get) || wants_any(to, rows.get_into); }

strata::options settings() {
  strata::options amounts;
  amounts.memtable_bytes = std::uint64_t{1} << 30;  // no flush comes between
  amounts.cache_bytes = std::uint64_t{1} << 30;
  return amounts;
}

// Views of pieces of one text, in the order in which they were added.
class pieces {
 public:
  void add(std::string_view piece) {
    text_.append(piece);
    ends_.push_back(text_.size());
  }
  [[nodiscard]] std::string_view operator[](std::uint64_t i) const noexcept {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return {text_.data() + begin, ends_[i] - begin};
  }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
};

// A kind of collection: its key i of a list, and its values in the order of a list.
struct strings {
  static constexpr strata::kv<std::string, std::string> collection{"strings"};
  using value_type = std::string;
  using values = pieces;
  static std::string_view key(const key_list& keys, std::uint64_t i) noexcept { return keys[i]; }
  static values make_values(const data_set& data, const key_list& keys) {
    values made;
    for (std::uint64_t i = 0; i < keys.size(); ++i) made.add(value(data, keys.entry(i)));
    return made;
  }
  static std::string_view value(const data_set& data, std::uint64_t entry) noexcept { return data.value(entry, 0); }
  static bool may_be_of(std::uint64_t, const std::string& found) noexcept { return found.size() == 100; }
};

struct accounts {
  static constexpr strata::kv<std::uint64_t, account> collection{"accounts"};
  using value_type = account;
  using values = std::vector<account>;
  static std::uint64_t key(const key_list& keys, std::uint64_t i) noexcept { return 2 * keys.entry(i); }
  static values make_values(const data_set& data, const key_list& keys) {
    values made;
    for (std::uint64_t i = 0; i < keys.size(); ++i) made.push_back(value(data, keys.entry(i)));
    return made;
  }
  static account value(const data_set& data, std::uint64_t entry) {
    const std::uint64_t lot = mixed(entry);
    return {entry, static_cast<double>(lot >> 40) / 100, static_cast<std::int32_t>(lot & 0xFFFF), (lot & 1) != 0,
            std::string(data.value(entry, 0).substr(0, 24))};
  }
  static bool may_be_of(std::uint64_t entry, const account& found) noexcept { return found.number == entry; }
};

template <typename Kind>
class comparison {
 public:
  comparison(stages& to, const codec_rows& rows)
      : to_(to), rows_(rows), directory_(to.asked().directory + "/codecs"), keys_(keys_at_random(to.data())),
        looked_up_(keys_to_look_up(to.data())), values_(Kind::make_values(to.data(), keys_)) {
    learn_bytes();
  }

  void measure() {
    for (std::uint64_t round = 0; round < to_.asked().runs; ++round) {
      if (wants_any(to_, rows_.put_new)) measure_put(rows_.put_new);
      if (!wants_any(to_, rows_.put) && !wants_gets(to_, rows_)) continue;
      open();
      // What a store writes of a collection once is in a table then, and in no memtable with its entries.
      checked(view().put(Kind::key(keys_, 0), values_[0]), "put");
      checked(typed_->flush(), "flush");
      put_all(rows_.put);
      if (wants_gets(to_, rows_)) measure_gets();
      close();
    }
  }

 private:
  static constexpr std::uint64_t slices = 32;

  [[nodiscard]] auto view() { return (*typed_)[Kind::collection]; }

  void open() {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    typed_.emplace(checked(database::open(directory_ + "/typed", settings()), "open"));
    bytes_ = checked(engine_type::open(engine_type::environment_type(), directory_ + "/bytes", settings()), "open");
  }
  void close() {
    checked(typed_->close(), "close");
    checked(bytes_->close(), "close");
    typed_.reset();
    bytes_.reset();
    std::filesystem::remove_all(directory_);
  }

  // Puts all entries once, and keeps the bytes of each as the typed store has them: its rows stand behind those of the
  // catalogue, in the order of their keys, which is that of the entries.
  void learn_bytes() {
    open();
    for (std::uint64_t i = 0; i < keys_.size(); ++i) checked(view().put(Kind::key(keys_, i), values_[i]), "put");
    std::vector<std::pair<std::string, std::string>> rows;
    auto at = checked(typed_->engine().make_cursor({"", "", true}, strata::sequence_max), "make cursor");
    for (at->seek_last(); at->valid() && rows.size() < keys_.size(); at->prev()) rows.emplace_back(at->key(), at->value());
    at.reset();
    require(rows.size() == keys_.size(), "the typed store lacks rows");
    std::reverse(rows.begin(), rows.end());
    for (std::uint64_t i = 0; i < keys_.size(); ++i) {
      key_bytes_.add(rows[keys_.entry(i)].first);
      value_bytes_.add(rows[keys_.entry(i)].second);
      looked_up_bytes_.add(rows[looked_up_.entry(i)].first);
      looked_up_sizes_.push_back(static_cast<std::uint32_t>(rows[looked_up_.entry(i)].second.size()));
      place_of_.push_back(0);
    }
    for (std::uint64_t i = 0; i < keys_.size(); ++i) place_of_[keys_.entry(i)] = static_cast<std::uint32_t>(i);
    close();
  }

  // `typed` and `bytes` are each called once for each i; a slice of one, then the same slice of the other.
  template <typename Typed, typename Bytes>
  void take_turns(const compared_rows& rows, Typed&& typed, Bytes&& bytes) {
    const std::uint64_t entries = to_.entries();
    double typed_ns = 0, bytes_ns = 0;
    for (std::uint64_t slice = 0; slice < slices; ++slice) {
      const auto time = [&](double& sum, auto& each) {
        sum += ns_each(timed::by_thread, entries, [&] {
          for (std::uint64_t i = entries * slice / slices; i < entries * (slice + 1) / slices; ++i) each(i);
        });
      };
      if (slice % 2 == 0) time(typed_ns, typed);
      time(bytes_ns, bytes);
      if (slice % 2 != 0) time(typed_ns, typed);
    }
    to_.take(rows.bytes, bytes_ns);
    to_.take(rows.typed, typed_ns);
    to_.take(rows.ratio, typed_ns / bytes_ns);
  }

  void measure_put(const compared_rows& rows) {
    open();
    put_all(rows);
    close();
  }
  void put_all(const compared_rows& rows) {
    const auto typed = view();
    strata::engine::write_batch batch;
    take_turns(
        rows, [&](std::uint64_t i) { checked(typed.put(Kind::key(keys_, i), values_[i]), "put"); },
        [&](std::uint64_t i) {
          batch.clear();
          batch.put(0, key_bytes_[i], value_bytes_[i]);
          checked(bytes_->commit(batch, bytes_->settings().durability.value()), "commit");
        });
  }

  void check(std::uint64_t i, const typename Kind::value_type& found) const {
    const std::uint64_t entry = looked_up_.entry(i);
    require(Kind::may_be_of(entry, found) && (i % 64 != 0 || found == Kind::value(to_.data(), entry)), "a typed get gives the wrong value");
  }
  void check_bytes(std::uint64_t i, std::string_view found) const {
    require(found.size() == looked_up_sizes_[i] && (i % 64 != 0 || found == value_bytes_[place_of_[looked_up_.entry(i)]]),
            "a get gives the wrong bytes");
  }
  void get_bytes(std::uint64_t i, std::string& into) {
    require(checked(bytes_->get(looked_up_bytes_[i], strata::sequence_max,
                                [&](strata::bytes_view found, strata::sequence_number, std::uint64_t) { into.assign(found); }),
                    "get"),
            "a key is lost");
    check_bytes(i, into);
  }

  void measure_gets() {
    checked(typed_->compact(), "compact");
    checked(bytes_->compact(), "compact");
    const auto typed = view();
    typename Kind::value_type value;
    std::string bytes;
    const auto get_typed_into = [&](std::uint64_t i) {
      require(checked(typed.get_into(Kind::key(looked_up_, i), value), "get"), "a key is lost");
      check(i, value);
    };
    const auto get_bytes_into = [&](std::uint64_t i) { get_bytes(i, bytes); };
    for (std::uint64_t i = 0; i < keys_.size(); ++i) {  // brings the blocks into the caches
      get_typed_into(i);
      get_bytes_into(i);
    }
    take_turns(
        rows_.get,
        [&](std::uint64_t i) {
          const auto found = checked(typed.get(Kind::key(looked_up_, i)), "get");
          require(found.has_value(), "a key is lost");
          check(i, *found);
        },
        [&](std::uint64_t i) {
          std::string fresh;
          get_bytes(i, fresh);
        });
    take_turns(rows_.get_into, get_typed_into, get_bytes_into);
  }

  stages& to_;
  const codec_rows& rows_;
  std::string directory_;
  key_list keys_, looked_up_;
  typename Kind::values values_;  // of keys_
  // Of keys_, then of looked_up_: what the typed store makes of them.
  pieces key_bytes_, value_bytes_, looked_up_bytes_;
  std::vector<std::uint32_t> looked_up_sizes_;
  std::vector<std::uint32_t> place_of_;  // of an entry in keys_
  std::optional<database> typed_;
  std::unique_ptr<engine_type> bytes_;
};

template <typename Kind>
void measure_kind(stages& to, const codec_rows& rows) {
  if (wants_any(to, rows.put_new) || wants_any(to, rows.put) || wants_gets(to, rows)) comparison<Kind>(to, rows).measure();
}

}  // namespace

void measure_codecs(stages& to) {
  measure_kind<strings>(to, string_rows);
  measure_kind<accounts>(to, struct_rows);
}

}  // namespace benchmark
