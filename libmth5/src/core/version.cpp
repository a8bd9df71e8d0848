#include <hdf5.h>

#include <string>

#include "build_version.hpp"
#include "mth5/file.hpp"

namespace mth5 {

std::string version_text() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  const auto dotted = [](unsigned a, unsigned b, unsigned c) {
    return std::to_string(a) + '.' + std::to_string(b) + '.' + std::to_string(c);
  };
  return std::string{kVersion} + " (HDF5 " + dotted(major, minor, release) + ", compiled with " +
         dotted(H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE) + ")";
}

}  // namespace mth5
