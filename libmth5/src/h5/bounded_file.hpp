#pragma once

#include <cstdint>

#include "h5/handle.hpp"

/// Reading files that may be damaged, or made to do harm: HDF5 believes the sizes that are in a file, and takes as much memory.
/// Thread: any; limits are those of the thread.
namespace mth5::h5 {

/// Of structure (headers, heaps, indexes) in one piece. The largest of a file of MTH5 is some KiB; text and lists of variable
/// length lie in heaps as well, each of which is one piece.
inline constexpr std::uint64_t kMostPiece = std::uint64_t{16} << 20;
/// Of a chunk that is packed: HDF5 unpacks it as a whole.
inline constexpr std::uint64_t kMostPackedChunk = std::uint64_t{256} << 20;

/// Makes an access list read through a driver of our own, for reading only: like the default one, but it refuses what is larger
/// than kMostPiece, and raw data larger than the limit of the moment.
void use_bounded_file(const PropertyList& access);

/// While it lives, one read of raw data (samples, rows, large attributes) may take so much. Without one: kMostPiece.
class ReadLimit {
 public:
  explicit ReadLimit(std::uint64_t bytes);
  ~ReadLimit();
  ReadLimit(const ReadLimit&) = delete;
  ReadLimit& operator=(const ReadLimit&) = delete;
  /// Whether anything was refused for its size meanwhile.
  [[nodiscard]] bool refused() const;

 private:
  std::uint64_t before_;
  bool refused_before_;
};

/// Before samples or rows of a dataset are read. @throws FormatError if its chunks are packed and larger than kMostPackedChunk
void require_bounded_chunks(hid_t dataset, const std::string& name);

}  // namespace mth5::h5
