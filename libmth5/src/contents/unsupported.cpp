#include "contents/unsupported.hpp"

#include <array>

namespace mth5::contents {

namespace {

constexpr std::uint8_t kChecksums = 2;  ///< superblock version

}  // namespace

std::string newer_hdf5() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  h5::check(H5get_libversion(&major, &minor, &release), "HDF5: version");
  return "needs a newer HDF5 than " + std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

std::optional<std::string> unsupported(const std::string& message, std::uint8_t superblock_version) {
  // "bad version number for datatype message", "wrong data space version number", "unknown datatype class" …
  constexpr std::array kSigns{"version number",  "bad version",     "wrong version",
                              "unknown version", "unknown message", "unknown datatype class"};
  if (superblock_version < kChecksums) return std::nullopt;
  for (const char* sign : kSigns)
    if (message.find(sign) != std::string::npos) return newer_hdf5() + " (" + message + ")";
  return std::nullopt;
}

std::optional<std::string> missing_filter(hid_t dataset) {
  const h5::PropertyList create{H5Dget_create_plist(dataset), "filters"};
  const int n = H5Pget_nfilters(create.get());
  for (unsigned i = 0; n > 0 && i < static_cast<unsigned>(n); ++i) {
    unsigned flags = 0;
    unsigned config = 0;
    std::size_t n_values = 0;
    std::array<char, 64> name{};
    const H5Z_filter_t filter =
        H5Pget_filter2(create.get(), i, &flags, &n_values, nullptr, name.size() - 1, name.data(), &config);
    h5::check(filter, "filters");
    if (H5Zfilter_avail(filter) > 0) continue;
    const std::string called = name[0] == '\0' ? "" : std::string{name.data()} + " ";
    return "needs the HDF5 filter " + called + "(" + std::to_string(filter) +
           "), which is not installed: install it (HDF5_PLUGIN_PATH), or rewrite the file without it where it can be read "
           "(h5repack -f NONE)";
  }
  return std::nullopt;
}

}  // namespace mth5::contents
