#include "file/direct.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <system_error>

namespace mth5::file {

namespace {

/// HDF5 1.10 walks the whole index to find one chunk: 0.5 us for each. Beyond so many, H5Dwrite is cheaper.
constexpr hsize_t kMostWalked = 64;
constexpr hsize_t kNone = static_cast<hsize_t>(-1);
constexpr std::size_t kLeastMark = 8;

/// Random bytes that no sample has: by them a new chunk is known again.
const std::array<char, 16>& mark() {
  static const auto bytes = [] {
    std::array<char, 16> random{};
    std::random_device device;
    for (char& byte : random) byte = static_cast<char>(device());
    return random;
  }();
  return bytes;
}

}  // namespace

Direct::Direct(hid_t file, hid_t dataset, int fd, std::string name)
    : file_{file},
      dataset_{dataset},
      fd_{fd},
      name_{std::move(name)},
      type_{H5Dget_type(dataset), name_},
      element_bytes_{H5Tget_size(type_.get())},
      found_{kNone} {
  const h5::PropertyList create{H5Dget_create_plist(dataset), name_};
  h5::check(H5Pget_chunk(create.get(), 1, &chunk_size_), name_);
  plain_ = H5Pget_nfilters(create.get()) == 0;
  const h5::PropertyList of_file{H5Fget_create_plist(file), name_};
  h5::check(H5Pget_userblock(of_file.get(), &user_block_), name_);
}

bool Direct::fits(hid_t memory_type) {
  if (memory_type != asked_) {
    fits_ = plain_ && h5::check(H5Tequal(type_.get(), memory_type), name_) > 0;
    asked_ = memory_type;
  }
  return fits_;
}

bool Direct::find(hsize_t chunk) {
  if (chunk == found_) return true;
  if (chunk >= kMostWalked) return false;
  const hsize_t first = chunk * chunk_size_;
  unsigned filters = 0;
  hsize_t bytes = 0;
  h5::check(H5Dget_chunk_info_by_coord(dataset_, &first, &filters, &address_, &bytes), name_);
  if (address_ == HADDR_UNDEF) return false;
  address_ += user_block_;
  found_ = chunk;
  return true;
}

void Direct::write(hsize_t first, hsize_t count, const char* elements, hid_t memory_type) {
  if (!fits(memory_type)) return write_through(first, count, elements, memory_type);
  while (count > 0) {
    const hsize_t chunk = first / chunk_size_;
    const hsize_t within = first % chunk_size_;
    const hsize_t n = std::min(count, chunk_size_ - within);
    if (within > 0 ? find(chunk) : begin(chunk, n))
      write_at(address_ + within * element_bytes_, elements, n * element_bytes_);
    else
      write_through(first, n, elements, memory_type);
    first += n;
    count -= n;
    elements += n * element_bytes_;
  }
}

bool Direct::begin(hsize_t chunk, hsize_t count) {
  // HDF5 gives a new chunk the end of its allocated space, but promises that nowhere: it allocates the chunk for some marked
  // bytes, which are looked for there. Nobody sees them: the samples take their place before the extent is flushed.
  const hsize_t marked = std::min<hsize_t>(count, mark().size() / element_bytes_);
  const std::size_t bytes = marked * element_bytes_;
  if (bytes < kLeastMark) return false;
  haddr_t end = HADDR_UNDEF;
  h5::check(H5Fget_eoa(file_, &end), name_);
  write_through(chunk * chunk_size_, marked, mark().data(), type_.get());
  std::array<char, 16> there{};
  const auto at = static_cast<off_t>(end + user_block_);
  if (pread(fd_, there.data(), bytes, at) != static_cast<ssize_t>(bytes) || std::memcmp(there.data(), mark().data(), bytes) != 0)
    return find(chunk);
  found_ = chunk;
  address_ = end + user_block_;
  return true;
}

void Direct::write_through(hsize_t first, hsize_t count, const char* elements, hid_t memory_type) {
  const h5::Space memory{H5Screate_simple(1, &count, nullptr), name_};
  const h5::Space where{H5Dget_space(dataset_), name_};
  h5::check(H5Sselect_hyperslab(where.get(), H5S_SELECT_SET, &first, nullptr, &count, nullptr), name_);
  h5::check(H5Dwrite(dataset_, memory_type, memory.get(), where.get(), H5P_DEFAULT, elements), name_);
}

void Direct::overwrite(hsize_t element, std::size_t offset, const void* bytes, std::size_t size) {
  if (!find(element / chunk_size_)) throw FileError{name_ + ": row " + std::to_string(element) + " has no place in the file"};
  write_at(address_ + (element % chunk_size_) * element_bytes_ + offset, bytes, size);
}

void Direct::write_at(haddr_t address, const void* bytes, std::size_t size) const {
  const char* from = static_cast<const char*>(bytes);
  auto at = static_cast<off_t>(address);
  while (size > 0) {
    const ssize_t n = pwrite(fd_, from, size, at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw FileError{name_ + ": " + std::generic_category().message(n < 0 ? errno : ENOSPC)};
    from += n;
    at += n;
    size -= static_cast<std::size_t>(n);
  }
}

}  // namespace mth5::file
