#include <algorithm>

#include "file/file_impl.hpp"

/// channel_summary as it is in the file: rows come at its end, and are read where all of them are to be changed, which is seldom.
/// Outside SWMR. Thread: writer.
namespace mth5 {

namespace {

void transfer(hid_t table, hid_t type, hsize_t first, std::vector<file::PackedRow>& rows, bool write) {
  constexpr const char* kName = "channel_summary";
  if (rows.empty()) return;
  const hsize_t n = rows.size();
  // A reference is one thing in memory and another on disk, so HDF5 converts, in a buffer of 1 MiB that it fills with zeros
  // first.
  const h5::PropertyList list{H5Pcreate(H5P_DATASET_XFER), kName};
  const hsize_t most = 65'536;
  h5::check(H5Pset_buffer(list.get(), std::min(most, n * file::kChannelRowBytes), nullptr, nullptr), kName);
  const h5::Space memory{H5Screate_simple(1, &n, nullptr), kName};
  const h5::Space where{H5Dget_space(table), kName};
  h5::check(H5Sselect_hyperslab(where.get(), H5S_SELECT_SET, &first, nullptr, &n, nullptr), kName);
  if (write)
    h5::check(H5Dwrite(table, type, memory.get(), where.get(), list.get(), rows.data()), kName);
  else
    h5::check(H5Dread(table, type, memory.get(), where.get(), list.get(), rows.data()), kName);
}

}  // namespace

const h5::Dataset& FileImpl::summary_in_edit() {
  if (!summary_) summary_ = open_dataset(summary_path());
  return summary_;
}

hsize_t FileImpl::add_row(const file::ChannelRow& row) {
  new_rows_.push_back(file::pack(row));
  return n_summary_rows_++;
}

void FileImpl::write_new_rows() {
  if (new_rows_.empty()) return;
  const hid_t table = summary_in_edit().get();
  h5::check(H5Dset_extent(table, &n_summary_rows_), summary_path());
  transfer(table, row_type_.get(), n_summary_rows_ - new_rows_.size(), new_rows_, true);
  new_rows_.clear();
}

void FileImpl::rewrite_rows(const std::vector<file::ChannelRow>& rows) {
  n_summary_rows_ = 0;
  h5::check(H5Dset_extent(summary_in_edit().get(), &n_summary_rows_), summary_path());
  for (const auto& row : rows) (void)add_row(row);
  write_new_rows();
}

void FileImpl::remove_rows(std::vector<hsize_t> rows) {
  if (rows.empty()) return;
  write_new_rows();
  std::sort(rows.begin(), rows.end());
  const hid_t table = summary_in_edit().get();
  const hsize_t first = rows.front();
  packed_.resize(n_summary_rows_ - first);
  transfer(table, row_type_.get(), first, packed_, false);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < packed_.size(); ++i)
    if (!std::binary_search(rows.begin(), rows.end(), first + i)) packed_[kept++] = packed_[i];
  packed_.resize(kept);
  transfer(table, row_type_.get(), first, packed_, true);
  n_summary_rows_ = first + kept;
  h5::check(H5Dset_extent(table, &n_summary_rows_), summary_path());
  for (auto& run : runs_)
    for (auto& row : run.rows) row -= static_cast<hsize_t>(std::lower_bound(rows.begin(), rows.end(), row) - rows.begin());
}

void FileImpl::refresh_station_rows(const Station& station) {
  if (n_summary_rows_ == 0) return;
  write_new_rows();
  file::ChannelRow place;
  place.survey = station.survey;
  place.station = station.metadata.text("id");
  place.latitude = station.metadata.number("location.latitude");
  place.longitude = station.metadata.number("location.longitude");
  place.elevation = station.metadata.number("location.elevation");
  packed_.resize(n_summary_rows_);
  transfer(summary_in_edit().get(), row_type_.get(), 0, packed_, false);
  for (auto& row : packed_) file::move_to(row, place);
  transfer(summary_in_edit().get(), row_type_.get(), 0, packed_, true);
}

}  // namespace mth5
