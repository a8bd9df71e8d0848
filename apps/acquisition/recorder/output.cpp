#include "acquisition/recorder/output.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"

namespace daq::recorder {

namespace fs = std::filesystem;

namespace {

std::string read_only(const fs::path& directory) {
  std::string text =
      "; its file system is mounted read-only: remount it for writing (a disk with errors is mounted so: see dmesg), or name "
      "another";
  if (std::getenv("INVOCATION_ID") != nullptr)  // set by systemd, whose unit protects all but a few directories
    text +=
        "; if it is not, the service is kept from writing there: systemctl edit, [Service] ReadWritePaths=" + directory.string();
  return text;
}

std::string named(const config::Output& output) { return "output.directory " + output.directory.string(); }

/// Nothing is mounted between / and the directory.
bool is_on_root(const fs::path& directory) {
  struct stat root {};
  struct stat info {};
  return stat("/", &root) == 0 && stat(directory.c_str(), &info) == 0 && root.st_dev == info.st_dev;
}

struct Doubt {
  std::uint32_t f_type;
  std::string_view text;
  bool no_disk = false;  ///< what output.mount: required refuses
};
constexpr std::string_view kInMemory = "is in memory: recordings are lost when the power is cut; name a directory on a disk";
constexpr std::string_view kNoOrder =
    "is on FAT, where a power cut may take whole files along, and no file grows beyond 4 GiB; use a disk with ext4";
constexpr std::string_view kLayers =
    "is on overlayfs: where its upper layer is in memory (overlayroot) or belongs to a container, recordings are lost with it; "
    "mount a disk there";
/// Magic numbers of statfs(2) and linux/magic.h.
constexpr std::array<Doubt, 5> kDoubts{
    {{0x01021994, kInMemory, true},  // tmpfs
     {0x858458f6, kInMemory, true},  // ramfs
     {0x794c7630, kLayers, true},
     {0x4d44, kNoOrder},
     {0x2011bab0, "is on exFAT, where a power cut may take whole files along; use a disk with ext4"}}};

const Doubt* find_doubt(std::uint32_t f_type) {
  for (const auto& doubt : kDoubts)
    if (doubt.f_type == f_type) return &doubt;
  return nullptr;
}

/// f_type of statfs(2); nullopt if it cannot be asked.
std::optional<std::uint32_t> file_system_of(const fs::path& directory) {
  struct statfs found {};
  if (statfs(directory.c_str(), &found) != 0) return std::nullopt;
  return static_cast<std::uint32_t>(found.f_type);
}

}  // namespace

std::optional<std::string_view> doubt_of(std::uint32_t f_type) {
  const auto* const doubt = find_doubt(f_type);
  return doubt != nullptr ? std::optional{doubt->text} : std::nullopt;
}

bool is_no_disk(std::uint32_t f_type) {
  const auto* const doubt = find_doubt(f_type);
  return doubt != nullptr && doubt->no_disk;
}

std::optional<std::string> doubt_of_medium(const config::Output& output) {
  const auto type = file_system_of(output.directory);
  const auto doubt = type ? doubt_of(*type) : std::nullopt;
  return doubt ? std::optional{named(output) + ": " + std::string{*doubt}} : std::nullopt;
}

void check_directory(const config::Output& output) {
  const std::string name = named(output);
  std::error_code error;
  const auto status = fs::status(output.directory, error);
  if (!fs::exists(status)) throw mth5::FileError{name + ": does not exist; create it for the user of mth5d (mkdir -p)"};
  if (!fs::is_directory(status)) throw mth5::FileError{name + ": is not a directory; name one that is"};
  // Before it is asked whether it can be written: the place where a disk is to be mounted often belongs to root.
  if (output.mount == "required" && is_on_root(output.directory))
    throw mth5::FileError{
        name +
        ": no disk is mounted there, it lies on that of /, and output.mount is required; mount it (see /etc/fstab), "
        "or set output.mount: any"};
  if (const auto type = file_system_of(output.directory); output.mount == "required" && type && is_no_disk(*type))
    throw mth5::FileError{name + ": no disk is mounted there, and output.mount is required: it " +
                          std::string{doubt_of(*type).value()} + ", or set output.mount: any"};
  if (access(output.directory.c_str(), W_OK | X_OK) != 0)
    throw mth5::FileError{name + ": is not writable: " + std::generic_category().message(errno) +
                          (errno == EROFS ? read_only(output.directory) : "; give it to the user of mth5d (chown)")};
  if (const auto network = mth5::network_file_system(output.directory); network && !output.allow_network)
    throw mth5::FileError{name + ": is on " + std::string{*network} +
                          ", where SWMR is not safe; use a local disk, or set output.allow_network: true"};
}

fs::path next_file(const config::Output& output, const config::PatternValues& values) {
  const fs::path name = config::expand(output.file_name, values).text;
  fs::path path = output.directory / name;
  for (int n = 2; fs::exists(fs::symlink_status(path)); ++n)
    path = output.directory / (name.stem().string() + "_" + std::to_string(n) + name.extension().string());
  return path;
}

std::string hidden_name(const std::string& survey, const std::string& station, const std::string& what) {
  return ".mth5d-" + survey + "-" + station + "." + what;
}

std::optional<std::int64_t> total_bytes(const fs::path& directory) {
  struct statvfs info {};
  if (statvfs(directory.c_str(), &info) != 0 || info.f_blocks == 0) return std::nullopt;  // 0: a tmpfs without a limit
  return static_cast<std::int64_t>(info.f_blocks) * static_cast<std::int64_t>(info.f_frsize);
}

}  // namespace daq::recorder
