#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "reader_check.hpp"

/// Corpus to begin with: tests/data/mth5/*.h5. What crashes in libhdf5 itself is not ours; run with -ignore_crashes=1 -fork=1.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int fd = memfd_create("reader_fuzz", MFD_CLOEXEC);
  if (fd < 0) return 0;
  if (write(fd, data, size) == static_cast<ssize_t>(size)) fuzz::check_reader("/proc/self/fd/" + std::to_string(fd));
  close(fd);
  return 0;
}
