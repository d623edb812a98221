// The entries that every store is given: entry i has key 2·i in decimal digits, so that an odd number is a key that is
// absent and lies between two that are there, and a value cut from one pool of random bytes. Where a workload inserts, what it
// inserts is the key behind an entry: record i is entry i, and record N + i is the one behind entry i of N.
#ifndef STRATA_BENCHMARKS_DATA_HPP
#define STRATA_BENCHMARKS_DATA_HPP

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace benchmark {

struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[nodiscard]] inline std::uint64_t mixed(std::uint64_t x) noexcept {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// The same numbers for every store and every run.
class random_numbers {
  __extension__ using wide = unsigned __int128;

 public:
  // Mixed once before: else the numbers of the next seed would be those of this one, a place on.
  explicit random_numbers(std::uint64_t seed) noexcept : state_(mixed(seed)) {}
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept {
    return static_cast<std::uint64_t>((static_cast<wide>(mixed(state_++)) * bound) >> 64);
  }

 private:
  std::uint64_t state_;
};

class data_set {
 public:
  static constexpr std::size_t key_bytes_min = 12;
  static constexpr std::size_t key_bytes_max = 256;
  static constexpr std::size_t pool_bytes = std::size_t{1} << 20;

  data_set(std::uint64_t entries, std::size_t key_bytes, std::size_t value_bytes)
      : entries_(entries), key_bytes_(key_bytes), value_bytes_(value_bytes) {
    if (key_bytes < key_bytes_min || key_bytes > key_bytes_max) throw failure("a key has 12 to 256 bytes");
    if (entries == 0 || entries > 400'000'000'000u) throw failure("there are 1 to 4e11 entries");
    while ((std::uint64_t{1} << bits_) < entries) bits_ += 2;
    pool_.resize(pool_bytes + value_bytes);
    for (std::size_t i = 0; i < pool_.size(); ++i) pool_[i] = static_cast<char>(mixed(i));
  }

  [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }
  [[nodiscard]] std::size_t value_bytes() const noexcept { return value_bytes_; }
  [[nodiscard]] std::uint64_t user_bytes() const noexcept { return entries_ * (key_bytes_ + value_bytes_); }

  // A key, in memory that the next one uses again.
  class key {
   public:
    explicit key(const data_set& of) : bytes_(of.key_bytes_) { std::memset(text_, '0', bytes_); }
    [[nodiscard]] std::string_view of_entry(std::uint64_t index) noexcept { return of_number(2 * index); }
    [[nodiscard]] std::string_view behind_entry(std::uint64_t index) noexcept { return of_number(2 * index + 1); }
    [[nodiscard]] std::string_view of_number(std::uint64_t number) noexcept {
      char* at = text_ + bytes_;
      char* const last_digit = at - key_bytes_min;  // digits in front of these are always zero
      while (at != last_digit) {
        *--at = static_cast<char>('0' + number % 10);
        number /= 10;
      }
      return {text_, bytes_};
    }

   private:
    std::size_t bytes_;
    char text_[key_bytes_max];
  };

  // The number in the key of a record, and the record of a number.
  [[nodiscard]] std::uint64_t number_of(std::uint64_t record) const noexcept {
    return record < entries_ ? 2 * record : 2 * (record - entries_) + 1;
  }
  [[nodiscard]] std::uint64_t record_of(std::uint64_t number) const noexcept {
    return number % 2 == 0 ? number / 2 : entries_ + number / 2;
  }

  // The value that record `index` has after it was written for the `generation`-th time.
  [[nodiscard]] std::string_view value(std::uint64_t index, std::uint64_t generation) const noexcept {
    return {pool_.data() + mixed(index * 8 + generation) % pool_bytes, value_bytes_};
  }

  // Each entry once, in an order without order: a bijection of the numbers of bits_ bits, walked until it falls below.
  [[nodiscard]] std::uint64_t shuffled(std::uint64_t index) const noexcept {
    const unsigned half = bits_ / 2;
    const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
    do {
      std::uint64_t high = index >> half, low = index & mask;
      for (std::uint64_t round = 0; round < 3; ++round) {
        const std::uint64_t next = high ^ (((low + round) * 0x9E3779B97F4A7C15u >> 29) & mask);
        high = low;
        low = next;
      }
      index = high << half | low;
    } while (index >= entries_);
    return index;
  }

 private:
  std::uint64_t entries_;
  std::size_t key_bytes_;
  std::size_t value_bytes_;
  unsigned bits_ = 4;
  std::string pool_;
};

// Which records are there, and which value each of them has, while single ones are written. A byte for each possible key.
class written_records {
 public:
  // All entries are there, with their first values.
  explicit written_records(const data_set& data) : data_(data), writes_(2 * data.entries(), 0) {
    for (std::size_t number = 0; number < writes_.size(); number += 2) writes_[number] = 1;
  }
  // Counts a write, and gives the generation that is to be written. After 255 writes it begins anew.
  std::uint64_t write(std::uint64_t record) noexcept {
    std::uint8_t& writes = writes_[data_.number_of(record)];
    writes = writes == UINT8_MAX ? std::uint8_t{1} : static_cast<std::uint8_t>(writes + 1);
    return writes - 1u;
  }
  // Requires: it is there.
  [[nodiscard]] std::uint64_t generation(std::uint64_t record) const noexcept {
    return writes_[data_.number_of(record)] - 1u;
  }
  // The first number from `number` on whose key is there.
  [[nodiscard]] std::uint64_t next_number(std::uint64_t number) const {
    while (number < writes_.size() && writes_[number] == 0) ++number;
    if (number >= writes_.size()) throw failure("there are more rows than were written");
    return number;
  }

 private:
  const data_set& data_;
  std::vector<std::uint8_t> writes_;  // by key number; 0: absent
};

// Keys made before anything is measured, one behind the other in the order in which they are used.
class key_list {
 public:
  enum class kind { there, absent };

  // `entry_of(i)`: whose key is the i-th.
  template <typename EntryOf>
  key_list(const data_set& data, std::uint64_t count, kind of, EntryOf&& entry_of) {
    data_set::key key(data);
    entries_.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t entry = entry_of(i);
      const std::string_view text = of == kind::there ? key.of_entry(entry) : key.behind_entry(entry);
      bytes_.append(text);
      width_ = text.size();
      entries_.push_back(static_cast<std::uint32_t>(entry));
    }
  }
  [[nodiscard]] std::uint64_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] std::string_view operator[](std::uint64_t i) const noexcept { return {bytes_.data() + i * width_, width_}; }
  [[nodiscard]] std::uint64_t entry(std::uint64_t i) const noexcept { return entries_[i]; }

 private:
  std::string bytes_;
  std::size_t width_ = 0;
  std::vector<std::uint32_t> entries_;
};

// Each entry once, in order; at random; at random in another order than that; as many keys that are absent.
[[nodiscard]] inline key_list keys_in_order(const data_set& data) {
  return {data, data.entries(), key_list::kind::there, [](std::uint64_t i) { return i; }};
}
[[nodiscard]] inline key_list keys_at_random(const data_set& data) {
  return {data, data.entries(), key_list::kind::there, [&](std::uint64_t i) { return data.shuffled(i); }};
}
[[nodiscard]] inline key_list keys_to_look_up(const data_set& data) {
  return {data, data.entries(), key_list::kind::there, [&](std::uint64_t i) { return data.shuffled(data.shuffled(i)); }};
}
[[nodiscard]] inline key_list keys_absent(const data_set& data) {
  return {data, data.entries(), key_list::kind::absent, [&](std::uint64_t i) { return data.shuffled(data.shuffled(i)); }};
}

// Checks what was read: the length always, the content of one in 64.
class value_check {
 public:
  // Accepts the values of generations first to last.
  value_check(const data_set& data, std::uint64_t first, std::uint64_t last) : data_(data), first_(first), last_(last) {}
  // Accepts the value that was written last.
  value_check(const data_set& data, const written_records& written) : data_(data), written_(&written) {}
  void operator()(std::uint64_t index, std::string_view value) {
    if (value.size() != data_.value_bytes()) throw failure("a value of entry " + std::to_string(index) + " has the wrong length");
    if (count_++ % 64 != 0) return;
    if (written_ != nullptr) first_ = last_ = written_->generation(index);
    for (std::uint64_t generation = first_; generation <= last_; ++generation)
      if (value == data_.value(index, generation)) return;
    throw failure("a value of entry " + std::to_string(index) + " is wrong");
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

 private:
  const data_set& data_;
  const written_records* written_ = nullptr;
  std::uint64_t first_ = 0, last_ = 0;
  std::uint64_t count_ = 0;
};

// Checks the rows of a scan that begins at an entry and goes up without a gap.
class row_check {
 public:
  row_check(const data_set& data, std::uint64_t first_entry, std::uint64_t first_generation, std::uint64_t last_generation)
      : data_(data), values_(data, first_generation, last_generation), key_(data), next_(first_entry) {}
  // The rows are those that were written, with the values written last.
  row_check(const data_set& data, std::uint64_t first_entry, const written_records& written)
      : data_(data), values_(data, written), key_(data), next_(2 * first_entry), written_(&written) {}
  void operator()(std::string_view key, std::string_view value) {
    if (written_ != nullptr) return check_written(key, value);
    if (values_.count() % 64 == 0 && key != key_.of_entry(next_))
      throw failure("a scan does not give entry " + std::to_string(next_) + " in its place");
    values_(next_++, value);
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return values_.count(); }

 private:
  void check_written(std::string_view key, std::string_view value) {
    next_ = written_->next_number(next_);
    if (values_.count() % 64 == 0 && key != key_.of_number(next_))
      throw failure("a scan does not give key number " + std::to_string(next_) + " in its place");
    values_(data_.record_of(next_++), value);
  }

  const data_set& data_;
  value_check values_;
  data_set::key key_;
  std::uint64_t next_;  // an entry; the number of a key where the rows are those that were written
  const written_records* written_ = nullptr;
};

// What a typed store holds: five fields, and a string too long to stand in the object itself.
struct account {
  std::uint64_t number = 0;
  double balance = 0;
  std::int32_t visits = 0;
  bool active = false;
  std::string name;
  friend bool operator==(const account&, const account&) = default;
};

}  // namespace benchmark

#endif
