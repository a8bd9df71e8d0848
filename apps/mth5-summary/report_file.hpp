#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace summary {

/// Where a report goes: a new file, or one that may be an older report. Thread: one.
class ReportFile {
 public:
  /// Looks whether `path` may be written, before there is a report. @param inputs  files that are reported on
  /// @throws mth5::FileError it is a data file, an input, or no regular file
  ReportFile(std::filesystem::path path, std::vector<std::filesystem::path> inputs);

  /// Beside it and renamed, so that nobody reads half a report; looks again first.
  /// @param for_others  others may read it, whatever the umask
  /// @throws mth5::FileError as above, or the disk says no; what was there is as it was
  void write(const std::string& text, bool for_others = false) const;

 private:
  /// Whether something that may be replaced has the name; false if nothing has it.
  [[nodiscard]] bool replaces() const;

  std::filesystem::path path_;
  std::vector<std::filesystem::path> inputs_;
};

}  // namespace summary
