// The rows of a kv scan: a range for `for`, over one state of the store, that reads as it goes.
#ifndef STRATA_PRIMITIVE_KV_SCAN_HPP
#define STRATA_PRIMITIVE_KV_SCAN_HPP

#include <iterator>

#include <strata/primitive/bounds.hpp>
#include <strata/primitive/context.hpp>

namespace strata::inline STRATA_ABI::primitive {

// The part of a scan that does not know the types: a cursor, an order, a limit, and what went wrong.
//
// Thread safety: one thread. It must not outlive the store, nor the transaction it was made from.
template <typename Context>
class row_source {
 public:
  row_source(const Context& context, scan_plan plan, std::size_t prefix_bytes, const collection& of)
      : context_(context), of_(&of), range_(std::move(plan.range)), left_(plan.limit), prefix_bytes_(prefix_bytes),
        descending_(plan.descending), status_(std::move(plan.status)) {
    if (!status_ || of.id.load(std::memory_order_acquire) == 0 || left_ == 0) return;
    if (!range_.unbounded && range_.begin >= range_.end) return;
    // What was walked is a part of the range: only a transaction asks for it again.
    auto made = context.in_transaction() ? context.scan(range_, mark_) : context.scan(std::move(range_), mark_);
    if (made) {
      cursor_ = std::move(*made);
    } else {
      status_ = std::move(made).error();
    }
  }

  // To the first row, then to each next one; false at the end, after the limit, and on an error.
  [[nodiscard]] STRATA_NOINLINE bool step() {
    if (!cursor_ || left_ == 0) return false;
    --left_;
    if (!started_) {
      started_ = true;
      descending_ ? cursor_->seek_last() : cursor_->seek_first();
    } else {
      descending_ ? cursor_->prev() : cursor_->next();
    }
    if (context_.in_transaction()) remember_walk();
    if (cursor_->valid()) return true;
    if (!cursor_->status()) status_ = cursor_->status();
    cursor_.reset();
    return false;
  }
  [[nodiscard]] bytes_view key() const noexcept { return cursor_->key().substr(prefix_bytes_); }
  [[nodiscard]] bytes_view value() const noexcept { return cursor_->value(); }
  [[nodiscard]] sequence_number version() const noexcept { return cursor_->sequence(); }
  [[nodiscard]] std::uint64_t expires_at_us() const noexcept { return cursor_->expires_at_us(); }
  [[nodiscard]] const collection& of() const noexcept { return *of_; }
  [[nodiscard]] const result<void>& status() const noexcept { return status_; }
  void fail(result<void>&& why) {
    status_ = std::move(why);
    cursor_.reset();
  }

 private:
  // A transaction depends on the part that was walked: up to the current key, or all where the end was reached.
  void remember_walk() {
    if (!cursor_->valid()) return context_.walked(mark_, range_.begin, range_.end, range_.unbounded);
    byte_string current(cursor_->key());
    if (descending_) return context_.walked(mark_, current, range_.end, range_.unbounded);
    current.push_back('\0');
    context_.walked(mark_, range_.begin, current, false);
  }

  Context context_;
  std::unique_ptr<typename Context::cursor_type> cursor_;
  const collection* of_;
  engine::cursor_range range_;
  std::size_t mark_ = 0;
  std::uint64_t left_;
  std::size_t prefix_bytes_;
  bool descending_;
  bool started_ = false;
  result<void> status_;
};

// What a row is read into, by what the scan is to give.
template <typename Key, typename Value>
struct whole_row {
  Key key{};
  Value value{};
  using reference = std::pair<const Key&, const Value&>;
  [[nodiscard]] reference get() const noexcept { return {key, value}; }

  template <typename Source>
  [[nodiscard]] result<void> read(const Source& source) {
    STRATA_TRY(key_codec<Key>::decode_into(source.key(), key));
    return decode_value(source.value(), source.of().schema_id.load(std::memory_order_relaxed), source.of(), value);
  }
};
template <typename Key>
struct key_row {
  Key key{};
  using reference = const Key&;
  [[nodiscard]] reference get() const noexcept { return key; }

  template <typename Source>
  [[nodiscard]] result<void> read(const Source& source) {
    return key_codec<Key>::decode_into(source.key(), key);
  }
};

// The range. `begin()` once; a row lives until the next one is read, and its memory is used again.
//
// A read that fails ends it: in a `for` it throws strata::exception (or calls the failure handler); a program that steps with
// next() asks status().
template <typename Context, typename Row>
class scan_range {
 public:
  scan_range(const Context& context, scan_plan plan, std::size_t prefix_bytes, const collection& of)
      : source_(context, std::move(plan), prefix_bytes, of) {}

  // To the next row; false at the end and on an error (see status()).
  [[nodiscard]] bool next() {
    if (!source_.step()) return false;
    if (auto read = row_.read(source_); !read) {
      source_.fail(std::move(read));
      return false;
    }
    return true;
  }
  // Requires: the last next() was true.
  [[nodiscard]] typename Row::reference row() const noexcept { return row_.get(); }
  // The commit that wrote the row.
  [[nodiscard]] sequence_number version() const noexcept { return source_.version(); }
  // Success, or the error that ended the scan.
  [[nodiscard]] const result<void>& status() const noexcept { return source_.status(); }

  class iterator {
   public:
    using value_type = typename Row::reference;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    iterator() = default;
    explicit iterator(scan_range& range) : range_(&range) { ++*this; }
    [[nodiscard]] value_type operator*() const noexcept { return range_->row(); }
    iterator& operator++() {
      if (!range_->next()) {
        range_->status().value();
        range_ = nullptr;
      }
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept { return at.range_ == nullptr; }

   private:
    scan_range* range_ = nullptr;
  };
  [[nodiscard]] iterator begin() { return iterator(*this); }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  row_source<Context> source_;
  Row row_;
};

}  // namespace strata::inline STRATA_ABI::primitive

#endif
