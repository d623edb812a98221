// What the program asks of a store: one small interface, and one adapter a store behind it (stores/).
//
// A store has one adapter object; each thread works through a session of its own. Whatever fails throws benchmark::failure.
#ifndef STRATA_BENCHMARKS_COMPARE_STORE_HPP
#define STRATA_BENCHMARKS_COMPARE_STORE_HPP

#include <memory>
#include <vector>

#include "../data.hpp"

namespace benchmark {

struct setup {
  std::string directory;  // is there, and empty at the first opening
  std::uint64_t write_buffer_bytes = 0;
  std::uint64_t cache_bytes = 0;
  // Each put is on the device before it returns. Without it a put survives a killed process.
  bool synced = false;
  // There is less memory than data: for stores that have a setting for that.
  bool exceeds_memory = false;
};

class session {
 public:
  virtual ~session() = default;
  virtual void put(std::string_view key, std::string_view value) = 0;
  // The newest value; it lives until the next call. False where the key is absent.
  virtual bool get(std::string_view key, std::string_view& value) = 0;
  // The entries from `from` on, at most `limit`, as they are at the call.
  virtual void scan(std::string_view from, std::uint64_t limit, row_check& check) = 0;
};

class store {
 public:
  virtual ~store() = default;
  virtual void open(const setup& with) = 0;
  virtual void close() = 0;
  virtual std::unique_ptr<session> connect() = 0;
  // Brings all data into the shape in which the store keeps it best; blocks until it is there. False where the store
  // has no compaction, so that the time it takes says nothing.
  virtual bool settle() = 0;
  // The shape the data are in, in one line.
  virtual std::string shape() = 0;
};

struct store_kind {
  const char* name;
  std::string version;
  const char* settings;
  bool is_peer;
  bool takes_concurrent_writers;
  std::unique_ptr<store> (*make)();
};

// Defined by stores/, each where it is compiled in.
store_kind strata_kind();
store_kind strata_bytes_kind();
store_kind strata_unsynced_kind();
store_kind rocksdb_kind();
store_kind leveldb_kind();
store_kind lmdb_kind();
store_kind sqlite_kind();

}  // namespace benchmark

#endif
