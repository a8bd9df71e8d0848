#include "acquisition/recorder/output.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "archive/medium.hpp"
#include "archive/names.hpp"
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

}  // namespace

std::optional<std::string_view> doubt_of(std::uint32_t f_type) {
  const auto* const doubt = archive::find_doubt(f_type);
  return doubt != nullptr ? std::optional{doubt->text} : std::nullopt;
}

bool is_no_disk(std::uint32_t f_type) {
  const auto* const doubt = archive::find_doubt(f_type);
  return doubt != nullptr && doubt->no_disk;
}

std::vector<std::string> doubts_of_media(const config::Output& output) {
  std::vector<std::string> doubts;
  const auto type = archive::file_system_of(output.directory);
  if (const auto doubt = type ? doubt_of(*type) : std::nullopt) doubts.push_back(named(output) + ": " + std::string{*doubt});
  // archive/ may be a link to elsewhere. What is true of both is said once.
  const auto folder = output.directory / archive::kFolder;
  const auto of_archives = output.finalize == "never" ? std::nullopt : archive::file_system_of(folder);
  if (const auto doubt = of_archives && of_archives != type ? doubt_of(*of_archives) : std::nullopt)
    doubts.push_back("archives in " + folder.string() + ": it " + std::string{*doubt});
  return doubts;
}

std::string why_no_mount(const config::Output& output) {
  if (output.mount != "required") return "";
  const std::string name = named(output);
  if (is_on_root(output.directory))
    return name +
           ": no disk is mounted there, it lies on that of /, and output.mount is required; mount it (see /etc/fstab), "
           "or set output.mount: any";
  if (const auto type = archive::file_system_of(output.directory); type && is_no_disk(*type))
    return name + ": no disk is mounted there, and output.mount is required: it " + std::string{doubt_of(*type).value()} +
           ", or set output.mount: any";
  return "";
}

void check_directory(const config::Output& output) {
  const std::string name = named(output);
  std::error_code error;
  const auto status = fs::status(output.directory, error);
  if (!fs::exists(status)) throw mth5::FileError{name + ": does not exist; create it for the user of mth5d (mkdir -p)"};
  if (!fs::is_directory(status)) throw mth5::FileError{name + ": is not a directory; name one that is"};
  // Before it is asked whether it can be written: the place where a disk is to be mounted often belongs to root.
  if (const auto why = why_no_mount(output); !why.empty()) throw mth5::FileError{why};
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

fs::path trial_file(const config::Config& config) {
  return config.output.directory / hidden_name(config.survey.text("id"), config.sources.front().station.text("id"), "try");
}

std::optional<std::int64_t> total_bytes(const fs::path& directory) {
  struct statvfs info {};
  if (statvfs(directory.c_str(), &info) != 0 || info.f_blocks == 0) return std::nullopt;  // 0: a tmpfs without a limit
  return static_cast<std::int64_t>(info.f_blocks) * static_cast<std::int64_t>(info.f_frsize);
}

}  // namespace daq::recorder
