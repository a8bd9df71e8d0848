#include "acquisition/status/status_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "mth5/filesystem.hpp"
#include "mth5/time.hpp"

namespace daq::status {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongest = std::size_t{16} << 20;  // bytes of a status file: thousands of channels

[[noreturn]] void fail(const fs::path& path, const char* what, int error) {
  throw mth5::FileError{path.string() + ": " + what + ": " + std::generic_category().message(error)};
}

struct flock whole(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

/// Whether somebody who may write the file holds it. A reader's lock is none.
bool is_kept(int fd) {
  auto lock = whole(F_RDLCK);
  return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_WRLCK;
}

/// False if somebody else holds it. A file system that knows no locks has nobody to tell apart.
bool keep(int fd) {
  auto lock = whole(F_WRLCK);
  return fcntl(fd, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES);
}

std::string contents(int fd) {
  std::string text;
  char buffer[16384];
  for (ssize_t n; text.size() < kLongest && (n = pread(fd, buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  return text;
}

std::optional<nlohmann::ordered_json> parsed(const std::string& text) {
  auto status = nlohmann::ordered_json::parse(text, nullptr, false);
  const bool good = status.is_object() && status.contains("pid") && status["pid"].is_number_integer() &&
                    status.contains("state") && status["state"].is_string();
  return good ? std::optional{std::move(status)} : std::nullopt;
}

bool has_name(const fs::path& path, const struct stat& file) {
  struct stat named {};
  return lstat(path.c_str(), &named) == 0 && named.st_dev == file.st_dev && named.st_ino == file.st_ino;
}

[[noreturn]] void busy(const fs::path& path, int fd) {
  const auto status = parsed(contents(fd));
  const auto pid = status ? (*status)["pid"].get<std::int64_t>() : 0;
  throw mth5::BusyError{path.string() + ": another mth5d" + (pid > 0 ? " (pid " + std::to_string(pid) + ")" : "") +
                            " keeps its status there; stop that one, or give this one another --status-file",
                        pid};
}

/// A file that nobody else can have made, beside `path`, with the text and our lock.
struct Fresh {
  Fresh(const fs::path& path, const std::string& text)
      : name{(path.parent_path() / ("." + path.filename().string() + ".XXXXXX")).string()},
        fd{mkostemp(name.data(), O_CLOEXEC)} {  // O_EXCL; follows no link
    if (!fd) fail(path, "cannot be written", errno);
    int error = mth5::write_all(fd.get(), text);
    if (error == 0 && fchmod(fd.get(), 0644) != 0) error = errno;
    if (error != 0) {
      unlink(name.c_str());
      fail(path, "cannot be written", error);
    }
    static_cast<void>(keep(fd.get()));  // nobody else knows it
  }
  Fresh(const Fresh&) = delete;
  Fresh& operator=(const Fresh&) = delete;

  /// Gives it the name. @returns 0 or why not; then it is gone
  int rename_to(const fs::path& path, unsigned flags) {
    int error = renameat2(AT_FDCWD, name.c_str(), AT_FDCWD, path.c_str(), flags) == 0 ? 0 : errno;
    if (error == EINVAL && flags != 0) error = std::rename(name.c_str(), path.c_str()) == 0 ? 0 : errno;
    if (error != 0) unlink(name.c_str());
    return error;
  }

  std::string name;
  mth5::Descriptor fd;
};

}  // namespace

void StatusFile::claim(const std::string& text) {
  std::error_code known;  // what matters shows when the file is made
  if (!path_.parent_path().empty()) fs::create_directories(path_.parent_path(), known);
  for (int attempt = 0; attempt < 10; ++attempt) {  // others may come and go meanwhile, but not for ever
    const mth5::Descriptor old{open(path_.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    if (!old && errno != ENOENT) {
      const int error = errno;
      struct stat what {};
      if (lstat(path_.c_str(), &what) != 0 || S_ISREG(what.st_mode)) fail(path_, "cannot be opened", error);
      throw Unfit{path_.string() + ": is no regular file and will not be replaced; give another --status-file"};
    }
    if (old) {
      struct stat what {};
      if (fstat(old.get(), &what) != 0) fail(path_, "cannot be looked at", errno);
      if (!S_ISREG(what.st_mode))
        throw Unfit{path_.string() + ": is no regular file and will not be replaced; give another --status-file"};
      if (!keep(old.get()) && is_kept(old.get())) busy(path_, old.get());  // who may only read it keeps nobody out
      if (!has_name(path_, what)) continue;                                // just replaced, by whoever keeps it
      if (what.st_size > 0 && !parsed(contents(old.get())))
        throw Unfit{path_.string() + ": is no status file of mth5d and will not be replaced; give another --status-file"};
    }
    Fresh fresh{path_, text};
    // Under the lock of the old file nobody else replaces it; where there is none, only one of us makes the first.
    const int error = fresh.rename_to(path_, old ? 0 : RENAME_NOREPLACE);
    if (error == EEXIST) continue;
    if (error != 0) fail(path_, "cannot be replaced", error);
    fd_ = std::move(fresh.fd);
    return;
  }
  throw mth5::FileError{path_.string() + ": is replaced by others again and again"};
}

void StatusFile::write(const std::string& text) {
  struct stat ours {};
  if (!fd_ || fstat(fd_.get(), &ours) != 0 || !has_name(path_, ours)) return claim(text);
  Fresh fresh{path_, text};
  if (const int error = fresh.rename_to(path_, 0)) fail(path_, "cannot be replaced", error);
  fd_ = std::move(fresh.fd);
}

Seen read_status(const fs::path& path) {
  for (int attempt = 0;; ++attempt) {
    const mth5::Descriptor fd{open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    if (!fd) fail(path, "cannot be read", errno);
    struct stat file {};
    if (fstat(fd.get(), &file) != 0) fail(path, "cannot be looked at", errno);
    if (!S_ISREG(file.st_mode)) throw mth5::FileError{path.string() + ": is no regular file"};
    Seen seen;
    seen.alive = is_kept(fd.get());
    if (!seen.alive && attempt < 10 && !has_name(path, file)) continue;  // replaced between open and look
    const mth5::UtcNanos written{std::chrono::seconds{file.st_mtim.tv_sec} + mth5::Nanos{file.st_mtim.tv_nsec}};
    // A clock that was set back makes no future.
    seen.age = std::chrono::duration_cast<std::chrono::milliseconds>(std::max(mth5::Nanos{0}, mth5::host_now() - written));
    auto status = parsed(contents(fd.get()));
    if (!status) throw mth5::FileError{path.string() + ": is no status file of mth5d"};
    seen.status = std::move(*status);
    return seen;
  }
}

fs::path status_folder() {
  const char* given = std::getenv("RUNTIME_DIRECTORY");
  if (given == nullptr || *given == '\0') return "/run/mth5d";
  const std::string_view folders{given};
  return folders.substr(0, folders.find(':'));
}

fs::path default_status_file(const std::string& survey, const std::string& station) {
  return status_folder() / (survey + "-" + station + ".json");
}

std::vector<fs::path> status_files(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code missing;
  for (fs::directory_iterator i{folder, missing}, end; !missing && i != end; i.increment(missing))
    if (i->path().extension() == ".json" && i->path().filename().string().front() != '.') found.push_back(i->path());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace daq::status
