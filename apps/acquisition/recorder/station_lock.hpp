#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include "mth5/descriptor.hpp"

namespace daq::recorder {

/// One recorder per directory, survey and station: a lock (F_OFD_SETLK) on a small hidden file beside the data. It goes with the
/// process, so a file that a dead one left locks nothing, and HDF5_USE_FILE_LOCKING is of no account. The file stays: to remove
/// it would let a third one lock a new file of that name while a second still holds the old one. Only its owner may open it, as
/// who may read a file can keep an exclusive lock off it. And it keeps a note, for whoever locks it next. Thread: one.
class StationLock {
 public:
  /// @throws mth5::BusyError naming pid and program of the holder; mth5::FileError
  StationLock(const std::filesystem::path& directory, const std::string& survey, const std::string& station);

  enum class Kept {
    Still,    ///< nothing happened to it
    Renewed,  ///< its file was deleted or replaced: made again, and locked
    Taken,    ///< made again by another process, which holds a lock on it
    Lost,     ///< it cannot be made again now, problem() says why
  };
  /// To be asked every second or so; one system call unless something happened. Never throws.
  [[nodiscard]] Kept renew() noexcept;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const std::string& station() const { return station_; }
  /// What was kept last, by whoever held it; "" if nothing was. A power cut may take it along.
  [[nodiscard]] const std::string& note() const { return note_; }
  /// A disk that does not take it costs no more than that. Never throws but std::bad_alloc.
  void keep(const std::string& note);
  /// Of the last renew() that was Lost.
  [[nodiscard]] std::error_code problem() const { return problem_; }

 private:
  std::filesystem::path path_;
  std::string station_, note_;
  mth5::Descriptor fd_;
  std::error_code problem_;
};

}  // namespace daq::recorder
