#pragma once

#include <filesystem>
#include <string>

namespace daq::recorder {

/// One recorder per directory, survey and station: a lock (F_OFD_SETLK) on a small hidden file beside the data. It goes with the
/// process, so a file that a dead one left locks nothing, and HDF5_USE_FILE_LOCKING is of no account. The file stays: to remove
/// it would let a third one lock a new file of that name while a second still holds the old one.
class StationLock {
 public:
  /// @throws mth5::BusyError naming pid and program of the holder; mth5::FileError
  StationLock(const std::filesystem::path& directory, const std::string& survey, const std::string& station);
  ~StationLock();
  StationLock(StationLock&& other) noexcept;
  StationLock& operator=(StationLock&&) = delete;

 private:
  int fd_;
};

}  // namespace daq::recorder
