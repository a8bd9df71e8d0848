#include "acquisition/recorder/station_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "acquisition/recorder/output.hpp"
#include "mth5/error.hpp"

namespace daq::recorder {

namespace {

/// "1234 mth5d", as the holder wrote it; "" if it has not yet.
std::string holder(int fd) {
  std::array<char, 64> text{};
  const ssize_t n = pread(fd, text.data(), text.size(), 0);
  const std::string line{text.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
  return line.substr(0, line.find('\n'));
}

[[noreturn]] void throw_busy(const std::filesystem::path& directory, const std::string& survey, const std::string& station,
                             const std::string& by) {
  const auto blank = by.find(' ');
  const std::string who =
      blank == std::string::npos ? "another process" : by.substr(blank + 1) + " (pid " + by.substr(0, blank) + ")";
  throw mth5::BusyError{"output.directory " + directory.string() + ": station " + station + " of survey " + survey +
                            " is recorded here by " + who + " already; stop that one, or give this one another directory",
                        std::strtoll(by.c_str(), nullptr, 10)};
}

}  // namespace

StationLock::StationLock(const std::filesystem::path& directory, const std::string& survey, const std::string& station)
    : fd_{open((directory / hidden_name(survey, station, "lock")).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644)} {
  const std::string name = (directory / hidden_name(survey, station, "lock")).string();
  if (fd_ < 0) throw mth5::FileError{name + ": cannot be opened: " + std::generic_category().message(errno)};
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (fcntl(fd_, F_OFD_SETLK, &lock) != 0) {
    const int error = errno;
    const auto by = holder(fd_);
    close(std::exchange(fd_, -1));
    if (error == EAGAIN || error == EACCES) throw_busy(directory, survey, station, by);
    throw mth5::FileError{name + ": cannot be locked: " + std::generic_category().message(error)};
  }
  // For the message of who comes second; a disk without room for it costs no more than that.
  const std::string text = std::to_string(getpid()) + " mth5d\n";
  if (ftruncate(fd_, 0) == 0) (void)!pwrite(fd_, text.data(), text.size(), 0);
}

StationLock::StationLock(StationLock&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}

StationLock::~StationLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace daq::recorder
