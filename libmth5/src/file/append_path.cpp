#include "file/append_path.hpp"

#include <algorithm>
#include <span>

namespace mth5::file {

namespace {

/// Bytes of chunks that are filled with zeros when they begin. Slow channels sync pages of a few samples over and over: half as
/// many bytes again, once, and a third less time for each sync.
constexpr std::size_t kMostAhead = 65536;
constexpr hsize_t kNone = static_cast<hsize_t>(-1);

}  // namespace

AppendPath::AppendPath(hid_t file, hid_t dataset, vfd::JournaledFile& store, std::string name)
    : dataset_{dataset}, store_{&store}, name_{std::move(name)}, convert_{dataset, name_}, found_{kNone} {
  const h5::PropertyList create{H5Dget_create_plist(dataset), name_};
  h5::check(H5Pget_chunk(create.get(), 1, &chunk_size_), name_);
  plain_ = H5Pget_nfilters(create.get()) == 0;
  const h5::PropertyList of_file{H5Fget_create_plist(file), name_};
  h5::check(H5Pget_userblock(of_file.get(), &user_block_), name_);
}

/// HDF5 1.10 walks the whole index to find one chunk, 0.5 us for each that there is, so it is asked once.
std::uint64_t AppendPath::address_of(hsize_t chunk) {
  if (const auto known = overwritten_.find(chunk); known != overwritten_.end()) return known->second;
  const hsize_t first = chunk * chunk_size_;
  unsigned filters = 0;
  hsize_t bytes = 0;
  haddr_t address = HADDR_UNDEF;
  h5::check(H5Dget_chunk_info_by_coord(dataset_, &first, &filters, &address, &bytes), name_);
  if (address == HADDR_UNDEF) throw FileError{name_ + ": row " + std::to_string(first) + " has no place in the file"};
  return overwritten_[chunk] = address + user_block_;
}

void AppendPath::write(hsize_t first, hsize_t count, const char* elements, hid_t memory_type) {
  elements = convert_(elements, count, memory_type);
  if (!plain_) return write_through(first, count, elements);
  const std::size_t element_bytes = convert_.element_bytes();
  while (count > 0) {
    const hsize_t chunk = first / chunk_size_;
    const hsize_t within = first % chunk_size_;
    const hsize_t n = std::min(count, chunk_size_ - within);
    const std::span<const char> bytes{elements, n * element_bytes};
    if (within == 0 || chunk != found_)
      write_and_learn(chunk, within, n, elements);
    else if (unseen_)
      store_->write_new(address_ + within * element_bytes, bytes);
    else
      store_->write(address_ + within * element_bytes, bytes, true);
    first += n;
    count -= n;
    elements += bytes.size();
  }
}

void AppendPath::write_and_learn(hsize_t chunk, hsize_t within, hsize_t count, const char* elements) {
  write_through(chunk * chunk_size_ + within, count, elements);
  const std::size_t element_bytes = convert_.element_bytes();
  // There is no cache: the last thing that came of this was the write of these very elements.
  const auto& last = store_->last_raw_write();
  if (last.size != count * element_bytes) {
    found_ = kNone;
    return;
  }
  found_ = chunk;
  address_ = last.at - within * element_bytes;
  // A chunk that was there before is the file's for good; a new one may have got space that a recovery still needs.
  unseen_ = within > 0 || store_->is_unseen(address_);
  if (within == 0 && unseen_ && chunk_size_ * element_bytes <= kMostAhead)
    store_->fill_ahead(address_ + last.size, (chunk_size_ - count) * element_bytes);
}

void AppendPath::write_through(hsize_t first, hsize_t count, const char* elements) {
  const h5::Space memory{H5Screate_simple(1, &count, nullptr), name_};
  const h5::Space where{H5Dget_space(dataset_), name_};
  h5::check(H5Sselect_hyperslab(where.get(), H5S_SELECT_SET, &first, nullptr, &count, nullptr), name_);
  h5::check(H5Dwrite(dataset_, convert_.type(), memory.get(), where.get(), H5P_DEFAULT, elements), name_);
}

void AppendPath::overwrite(hsize_t element, std::size_t offset, const void* bytes, std::size_t size) {
  const std::uint64_t at = address_of(element / chunk_size_) + (element % chunk_size_) * convert_.element_bytes() + offset;
  store_->write(at, {static_cast<const char*>(bytes), size}, true);
}

}  // namespace mth5::file
