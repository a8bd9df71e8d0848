#include "mth5-summary/report_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "analysis/put_file.hpp"
#include "analysis/signals_wait.hpp"
#include "mth5/error.hpp"
#include "mth5/probe.hpp"

namespace summary {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw mth5::FileError{"--output " + path.string() + ": " + what};
}
std::string reason(int error) { return std::generic_category().message(error); }

}  // namespace

ReportFile::ReportFile(fs::path path, std::vector<fs::path> inputs) : path_{std::move(path)}, inputs_{std::move(inputs)} {
  if (path_.filename().empty()) fail(path_, "names no file");
  (void)replaces();
}

bool ReportFile::replaces() const {
  if (path_.extension() == ".h5" || path_.extension() == ".mth5")
    fail(path_, "is the name of a data file; give the report another, as report.txt");
  struct stat there {};
  if (lstat(path_.c_str(), &there) != 0) {
    if (errno == ENOENT) return false;
    fail(path_, "cannot be written: " + reason(errno));
  }
  if (!S_ISREG(there.st_mode)) fail(path_, "is no regular file and will not be replaced; name another");
  for (const auto& input : inputs_) {
    struct stat given {};
    if (stat(input.c_str(), &given) == 0 && given.st_dev == there.st_dev && given.st_ino == there.st_ino)
      fail(path_, "is a file to report on and will not be replaced; name another");
  }
  if (mth5::is_hdf5(path_)) fail(path_, "is a data file (HDF5) and will not be replaced; name another");
  return true;
}

void ReportFile::write(const std::string& text, bool for_others) const {
  const bool replace = replaces();
  const analysis::SignalsWait wait;
  const fs::path part = path_.parent_path() / ("." + path_.filename().string() + "." + std::to_string(getpid()) + ".part");
  if (const int error = analysis::put_file(part, text); error != 0) fail(path_, "cannot be written: " + reason(error));
  constexpr mode_t kForOthers = 0644;
  if (for_others && chmod(part.c_str(), kForOthers) != 0) {
    const int refused = errno;
    unlink(part.c_str());
    fail(path_, "cannot be made readable for others: " + reason(refused));
  }
  int error = renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, path_.c_str(), replace ? 0 : RENAME_NOREPLACE) == 0 ? 0 : errno;
  if (error == EINVAL && !replace)
    error = std::rename(part.c_str(), path_.c_str()) == 0 ? 0 : errno;  // not every file system can
  if (error == 0) return;
  unlink(part.c_str());
  fail(path_,
       error == EEXIST ? "has come to be meanwhile and is not replaced; try again" : "cannot be written: " + reason(error));
}

}  // namespace summary
