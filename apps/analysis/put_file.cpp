#include "analysis/put_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "mth5/descriptor.hpp"

namespace analysis {

int put_file(const std::filesystem::path& path, std::string_view text) {
  mth5::Descriptor fd{open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666)};
  if (!fd) return errno;
  int error = 0;
  while (error == 0 && !text.empty()) {
    const ssize_t n = ::write(fd.get(), text.data(), text.size());
    if (n >= 0)
      text.remove_prefix(static_cast<std::size_t>(n));
    else if (errno != EINTR)
      error = errno;
  }
  if (const int late = fd.close(); error == 0) error = late;
  if (error != 0) unlink(path.c_str());
  return error;
}

}  // namespace analysis
