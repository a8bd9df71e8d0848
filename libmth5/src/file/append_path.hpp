#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "file/conversion.hpp"
#include "h5/handle.hpp"
#include "vfd/journaled_file.hpp"

/// Writing samples and rows straight to where HDF5 keeps them. An H5Dwrite of some samples costs 4 us, most of it spent on
/// selections; a pwrite to the same place 1 us (tests/bench/README.md). HDF5 still allocates every chunk, keeps the index and the
/// extent, and holds no copy of the data, as all our datasets have their chunk cache off.
namespace mth5::file {

/// One open dataset: 1-D, chunked. Thread: writer.
class AppendPath {
 public:
  /// @param file, dataset  stay open as long as this is used
  /// @param store          of its file; all that this dataset has so far was committed, or the file is new
  AppendPath(hid_t file, hid_t dataset, vfd::JournaledFile& store, std::string name);

  /// Writes [first, first + count): behind all that was written before, and below the extent. What begins a chunk goes through
  /// HDF5, which allocates it, and so does what it has to filter.
  /// @throws FileError
  void write(hsize_t first, hsize_t count, const char* elements, hid_t memory_type);
  /// Overwrites bytes of one element that was written before. @throws FileError
  void overwrite(hsize_t element, std::size_t offset, const void* bytes, std::size_t size);

 private:
  [[nodiscard]] std::uint64_t address_of(hsize_t chunk);
  /// Through HDF5, and so that the next elements of this chunk need not be.
  void write_and_learn(hsize_t chunk, hsize_t within, hsize_t count, const char* elements);
  void write_through(hsize_t first, hsize_t count, const char* elements);

  hid_t dataset_;
  vfd::JournaledFile* store_;
  std::string name_;
  Conversion convert_;
  bool plain_ = false;      ///< not filtered
  hsize_t chunk_size_ = 0;  ///< elements
  hsize_t user_block_ = 0;  ///< bytes before what HDF5 counts from
  hsize_t found_;           ///< the chunk that write() is in
  std::uint64_t address_ = 0;
  std::unordered_map<hsize_t, std::uint64_t> overwritten_;  ///< where the chunks are that overwrite() was in
  bool unseen_ = false;  ///< nothing that a recovery may need lies where the found chunk has room
};

}  // namespace mth5::file
