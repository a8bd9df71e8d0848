#include "analysis/put_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "mth5/descriptor.hpp"
#include "mth5/filesystem.hpp"

namespace analysis {

int put_file(const std::filesystem::path& path, std::string_view text) {
  mth5::Descriptor fd{open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666)};
  if (!fd) return errno;
  int error = mth5::write_all(fd.get(), text);
  if (const int late = fd.close(); error == 0) error = late;
  if (error != 0) unlink(path.c_str());
  return error;
}

}  // namespace analysis
