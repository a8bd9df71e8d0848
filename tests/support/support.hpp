#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace support {

/// A directory of its own for one test, removed with it (kept, and named on stderr, when MTH5_TEST_KEEP is set).
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// One of the programs under test by its full path: of the folder that MTH5_TEST_BIN names, which may be one with other
/// sanitizers, if it is there, else of this build.
[[nodiscard]] std::string program(std::string_view name);
/// The source tree.
[[nodiscard]] std::filesystem::path source();
/// Its tests/data.
[[nodiscard]] std::filesystem::path data();
[[nodiscard]] std::string read_text(const std::filesystem::path& path);
void write_text(const std::filesystem::path& path, const std::string& text);

/// All data files of a folder (*.h5), by name.
[[nodiscard]] std::vector<std::filesystem::path> files_in(const std::filesystem::path& directory);

/// Deletes the channel_summary of a file that nobody has open: it is read by walking its groups then.
void take_summary_away(const std::filesystem::path& path);

/// Waits until `condition` holds; false at the deadline. The one place of the tests that naps between looks.
[[nodiscard]] bool eventually(const std::function<bool()>& condition,
                              std::chrono::milliseconds deadline = std::chrono::seconds{30});

/// Stops a process by SIGSTOP, which takes effect a little later. @returns whether it has stopped
[[nodiscard]] bool freeze(pid_t pid);

}  // namespace support
