#include "ycsb.hpp"

namespace benchmark {

ycsb_client::ycsb_client(const data_set& data, std::uint64_t operations)
    : data_(data), ranks_(data.entries()), written_(data), key_(data), operations_(operations) {
  if (data.entries() < rows_max) throw failure("ycsb needs at least 100 entries");
}

std::uint64_t ycsb_client::choose(random_numbers& random, ycsb_mix::keys chosen) const noexcept {
  const std::uint64_t rank = ranks_(random);
  if (chosen == ycsb_mix::keys::popular) return data_.shuffled(rank);
  // The newest of N records: the inserted ones backwards, then the loaded ones.
  if (rank < inserted_) return data_.entries() + data_.shuffled(inserted_ - 1 - rank);
  return data_.shuffled(data_.entries() - 1 - (rank - inserted_));
}

void ycsb_client::read(session& through, std::uint64_t record, value_check& check) {
  std::string_view value;
  if (!through.get(key_.of_number(data_.number_of(record)), value))
    throw failure("record " + std::to_string(record) + " is not there");
  check(record, value);
}

void ycsb_client::write(session& through, std::uint64_t record) {
  through.put(key_.of_number(data_.number_of(record)), data_.value(record, written_.write(record)));
}

void ycsb_client::scan(session& through, std::uint64_t first_entry, std::uint64_t rows) {
  row_check check(data_, first_entry, written_);
  through.scan(key_.of_entry(first_entry), rows, check);
  if (check.count() != rows) throw failure("a scan does not give its " + std::to_string(rows) + " rows");
}

ycsb_client::operation ycsb_client::draw(random_numbers& random, const ycsb_mix& mix) {
  const std::uint64_t percent = random.below(100);
  if (percent < mix.inserts) {
    if (inserted_ == data_.entries()) throw failure("ycsb inserts more than there is room for");
    return {data_.entries() + data_.shuffled(inserted_++), action::write, 0};
  }
  const std::uint64_t record = choose(random, mix.chosen);
  if (percent < mix.inserts + mix.updates) return {record, action::write, 0};
  if (percent < mix.inserts + mix.updates + mix.read_modify_writes) return {record, action::read_modify_write, 0};
  if (percent >= mix.inserts + mix.updates + mix.read_modify_writes + mix.scans) return {record, action::read, 0};
  // From a loaded entry that has so many behind it.
  return {(std::min)(record, data_.entries() - rows_max), action::scan, static_cast<std::uint8_t>(1 + random.below(rows_max))};
}

void ycsb_client::prepare(session& through, const ycsb_mix& mix) {
  const auto letter = static_cast<std::uint64_t>(mix.name[std::strlen("ycsb-")]);
  {
    random_numbers random(letter << 1);
    value_check check(data_, written_);
    for (std::size_t i = 0; i < operations_.size(); ++i) read(through, choose(random, mix.chosen), check);
  }
  random_numbers random(letter << 1 | 1);
  for (operation& each : operations_) each = draw(random, mix);
}

std::uint64_t ycsb_client::run(session& through) {
  value_check check(data_, written_);
  for (const operation& each : operations_) {
    if (each.what == action::scan) scan(through, each.record, each.rows);
    if (each.what == action::read || each.what == action::read_modify_write) read(through, each.record, check);
    if (each.what == action::write || each.what == action::read_modify_write) write(through, each.record);
  }
  return operations_.size();
}

void ycsb_client::verify(session& through) {
  row_check check(data_, 0, written_);
  through.scan(key_.of_entry(0), UINT64_MAX, check);
  if (check.count() != data_.entries() + inserted_)
    throw failure("after ycsb there are " + std::to_string(check.count()) + " entries, not " +
                  std::to_string(data_.entries() + inserted_));
}

}  // namespace benchmark
