#include "sandbox/check.hpp"

#include <algorithm>

#include "mth5/reader.hpp"

namespace sandbox {

void walk(const std::filesystem::path& path, Reports& reports) {
  const auto visit = [&](const std::string& object) { reports.visit(object); };
  mth5::ReaderOptions options;
  if (!mth5::probe(path).locked) options.deadline = std::chrono::milliseconds{0};
  options.visiting = visit;
  const mth5::Reader file{path, options};
  for (std::size_t i = 0; i < file.channels().size(); ++i) file.check_channel(i);
  for (const auto& name : file.tables()) {
    visit("/Acquisition/" + name);
    (void)file.table(name, std::max<std::int64_t>(0, file.table_rows(name) - 1));
  }
}

void check(const std::filesystem::path& path, const Limits& limits, const Watch& watch) {
  const bool live = mth5::probe(path).locked;
  const auto outcome = run(
      [&](Reports& reports) {
        walk(path, reports);
        return std::string{};
      },
      limits, watch);
  switch (outcome.end) {
    case End::Done:
    case End::Busy:
    case End::Failed:  // missing, not readable, in an edit: the caller finds the same
      return;
    case End::Damaged:
      if (live) return;
      throw mth5::FormatError{outcome.message};
    case End::Cancelled:
      throw mth5::FileError{path.string() + ": its check was interrupted"};
    case End::OutOfMemory:
    case End::TooLong:
    case End::Crashed:
      throw mth5::FormatError{path.string() + ": damaged, at " + (outcome.object.empty() ? "its superblock" : outcome.object) +
                              ": " + outcome.reason};
  }
}

}  // namespace sandbox
