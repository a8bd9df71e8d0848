#pragma once

#include <cstdint>
#include <filesystem>

#include "h5/handle.hpp"

/// Writing samples and rows straight to where HDF5 keeps them. An H5Dwrite of some samples costs 4 us, most of it spent on
/// selections; a pwrite to the same place 1 us. HDF5 still allocates every chunk, keeps the index and the extent, and holds no
/// copy of the data, as all our datasets have their chunk cache off (tests/bench/README.md).
namespace mth5::file {

/// One open dataset: 1-D, chunked. Thread: writer.
class Direct {
 public:
  /// @param file, dataset  stay open as long as this is used
  /// @param fd             of the same file, open for writing, kept by the caller
  Direct(hid_t file, hid_t dataset, int fd, std::string name);

  /// Writes [first, first + count), all below the extent. What begins a chunk goes through HDF5, which allocates it, and so does
  /// what it has to convert or filter.
  /// @throws FileError
  void write(hsize_t first, hsize_t count, const char* elements, hid_t memory_type);
  /// Overwrites bytes of one element that was written before. @throws FileError
  void overwrite(hsize_t element, std::size_t offset, const void* bytes, std::size_t size);

 private:
  [[nodiscard]] bool fits(hid_t memory_type);
  /// Lets HDF5 allocate a new chunk, of which `count` elements will be written. @returns whether its address is known
  [[nodiscard]] bool begin(hsize_t chunk, hsize_t count);
  [[nodiscard]] bool find(hsize_t chunk);
  void write_through(hsize_t first, hsize_t count, const char* elements, hid_t memory_type);
  void write_at(haddr_t address, const void* bytes, std::size_t size) const;

  hid_t file_, dataset_;
  int fd_;
  std::string name_;
  h5::Datatype type_;
  bool plain_ = false;             ///< not filtered
  hid_t asked_ = H5I_INVALID_HID;  ///< the memory type that fits() was last asked for
  bool fits_ = false;
  hsize_t chunk_size_ = 0;  ///< elements
  std::size_t element_bytes_;
  hsize_t user_block_ = 0;  ///< bytes before what HDF5 counts from
  hsize_t found_;           ///< the chunk whose address is known
  haddr_t address_ = HADDR_UNDEF;
};

}  // namespace mth5::file
