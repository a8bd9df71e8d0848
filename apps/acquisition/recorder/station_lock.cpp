#include "acquisition/recorder/station_lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "acquisition/recorder/output.hpp"
#include "mth5/error.hpp"
#include "mth5/io.hpp"

namespace daq::recorder {

namespace {

constexpr mode_t kMode = 0600;

mth5::Descriptor open_lock(const std::filesystem::path& path) {
  return mth5::Descriptor{open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kMode)};
}

const char* kind_of(mode_t mode) {
  return S_ISDIR(mode) ? "a directory" : S_ISLNK(mode) ? "a symbolic link" : S_ISFIFO(mode) ? "a FIFO" : "no regular file";
}

/// "1234 mth5d", as the holder wrote it; "" if it has not yet.
std::string holder(int fd) {
  std::array<char, 64> text{};
  const ssize_t n = mth5::io().pread(fd, text.data(), text.size(), 0);
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

bool lock(int fd, int command, short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  if (fcntl(fd, command, &lock) != 0) return false;
  return command != F_OFD_GETLK || lock.l_type != F_UNLCK;
}

/// What stands behind the line of its holder.
std::string note_in(int fd) {
  std::array<char, 4096> text{};
  const ssize_t n = mth5::io().pread(fd, text.data(), text.size(), 0);
  const std::string all{text.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
  const auto end = all.find('\n');
  return end == std::string::npos ? "" : all.substr(end + 1);
}

/// For the message of who comes second; a disk without room for it costs no more than that. What is there is written over before
/// it is cut off, which needs no room.
void sign(int fd, const std::string& note) {
  const std::string text = std::to_string(getpid()) + " mth5d\n" + note;
  if (mth5::io().pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()))
    (void)!mth5::io().ftruncate(fd, static_cast<off_t>(text.size()));
}

bool is_at(int fd, const std::filesystem::path& path) {
  struct stat ours {};
  struct stat there {};
  return fstat(fd, &ours) == 0 && lstat(path.c_str(), &there) == 0 && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/// Puts a new, locked file in the place of one that only a reader holds: it was made readable by an older mth5d, and nobody can
/// tell when that reader lets go. @returns none if that fails
mth5::Descriptor replace(const std::filesystem::path& path) {
  const std::filesystem::path made = path.string() + "." + std::to_string(getpid());
  mth5::Descriptor fd{open(made.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kMode)};
  if (!fd) return fd;
  if (lock(fd.get(), F_OFD_SETLK, F_WRLCK) && rename(made.c_str(), path.c_str()) == 0) return fd;
  unlink(made.c_str());
  return {};
}

}  // namespace

StationLock::StationLock(const std::filesystem::path& directory, const std::string& survey, const std::string& station)
    : path_{directory / hidden_name(survey, station, "lock")}, station_{station}, fd_{open_lock(path_)} {
  struct stat there {};
  if (lstat(path_.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    throw mth5::FileError{path_.string() + ": is " + kind_of(there.st_mode) +
                          "; mth5d keeps its lock in a file of this name: remove it, or name another output.directory"};
  }
  if (!fd_) {
    const int error = errno;
    throw mth5::FileError{
        path_.string() + ": cannot be opened: " + std::generic_category().message(error) +
        (error == EACCES ? "; it belongs to another user, who records this station here or did; mth5d runs as one user" : "")};
  }
  (void)fchmod(fd_.get(), kMode);  // one of an older mth5d
  if (!lock(fd_.get(), F_OFD_SETLK, F_WRLCK)) {
    const int error = errno;
    const bool taken = error == EAGAIN || error == EACCES;
    if (taken && lock(fd_.get(), F_OFD_GETLK, F_RDLCK))  // a shared lock would be refused too: it is an exclusive one
      throw_busy(directory, survey, station, holder(fd_.get()));
    fd_.reset();
    if (taken) fd_ = replace(path_);
    if (!fd_) throw mth5::FileError{path_.string() + ": cannot be locked: " + std::generic_category().message(error)};
  }
  // Between open and lock it may have been deleted or replaced: then somebody else may hold the one that is there.
  const auto kept = renew();
  if (kept == Kept::Taken || kept == Kept::Lost) {
    if (kept == Kept::Taken) throw_busy(directory, survey, station, "");
    throw mth5::FileError{path_.string() + ": cannot be made: " + problem_.message()};
  }
  note_ = note_in(fd_.get());
  sign(fd_.get(), note_);
}

void StationLock::keep(const std::string& note) {
  if (note == note_) return;
  note_ = note;
  sign(fd_.get(), note_);
}

StationLock::Kept StationLock::renew() noexcept {
  if (is_at(fd_.get(), path_)) return Kept::Still;
  auto fd = open_lock(path_);
  if (fd && !lock(fd.get(), F_OFD_SETLK, F_WRLCK)) {
    const int error = errno;
    if ((error == EAGAIN || error == EACCES) && lock(fd.get(), F_OFD_GETLK, F_RDLCK)) return Kept::Taken;
    fd = replace(path_);  // only a reader holds it
  }
  if (!fd || !is_at(fd.get(), path_)) {
    problem_ = {fd ? ESTALE : errno, std::generic_category()};
    return Kept::Lost;
  }
  fd_ = std::move(fd);
  sign(fd_.get(), note_);
  return Kept::Renewed;
}

}  // namespace daq::recorder
