// Blocks compressed with Zstandard. Opt-in: needs the library's header, and -lzstd to link.
#ifndef STRATA_SSTABLE_ZSTD_HPP
#define STRATA_SSTABLE_ZSTD_HPP

#include <memory>

#include <zstd.h>

#include <strata/sstable/compression.hpp>

namespace strata::inline STRATA_ABI::compression {

// `Level` 1 to 19: higher is smaller and slower to write; reading costs the same. Give larger blocks (16 KiB) to it. A
// block that does not shrink is stored as it is. Tables without compression, or of another level, can be read.
//
// Memory: one context a builder, and one a reading thread, kept until the thread ends.
template <int Level = 3>
struct zstd {
  static_assert(Level >= 1 && Level <= 19, "strata: compression::zstd<Level>: the level is 1 to 19");

  using sstable_part = sstable::part::compression;
  static constexpr std::uint8_t id = 1;  // frozen: on disk
  static constexpr const char* name = "zstd";

  class compressor {
   public:
    [[nodiscard]] bool compress(bytes_view in, byte_string& out) {
      if (!context_) context_.reset(ZSTD_createCCtx());
      if (!context_) return false;
      const std::size_t before = out.size();
      out.resize(before + ZSTD_compressBound(in.size()));
      const std::size_t written =
          ZSTD_compressCCtx(context_.get(), out.data() + before, out.size() - before, in.data(), in.size(), Level);
      if (ZSTD_isError(written) != 0) return out.resize(before), false;
      out.resize(before + written);
      return true;
    }

   private:
    struct release {
      void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
    };
    std::unique_ptr<ZSTD_CCtx, release> context_;
  };

  // What `compress` writes says its length. Of the format: a block takes a header of three bytes and at least one more, and
  // holds at most 128 KiB.
  [[nodiscard]] static bool can_hold(bytes_view in, std::uint64_t length) noexcept {
    constexpr std::uint64_t growth_max = 128 * 1024 / 4;
    return length / growth_max <= in.size() && ZSTD_getFrameContentSize(in.data(), in.size()) == length;
  }
  [[nodiscard]] static outcome decompress(bytes_view in, char* to, std::size_t length) noexcept {
    struct release {
      void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
    };
    thread_local std::unique_ptr<ZSTD_DCtx, release> context;
    if (!context) context.reset(ZSTD_createDCtx());
    if (!context) return outcome::out_of_memory;
    const std::size_t written = ZSTD_decompressDCtx(context.get(), to, length, in.data(), in.size());
    return ZSTD_isError(written) == 0 && written == length ? outcome::done : outcome::damaged;
  }
};

}  // namespace strata::inline STRATA_ABI::compression

#endif
