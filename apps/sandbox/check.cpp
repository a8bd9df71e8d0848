#include "sandbox/check.hpp"

#include <algorithm>

#include "mth5/reader.hpp"

namespace sandbox {

void walk(const std::filesystem::path& path, Reports& reports, Extent extent) {
  const auto visit = [&](const std::string& object) { reports.visit(object); };
  mth5::ReaderOptions options;
  if (!mth5::probe(path).locked) options.deadline = std::chrono::milliseconds{0};
  options.visiting = visit;
  options.walk = extent == Extent::All;
  const mth5::Reader file{path, options};
  const auto check_run = [&](std::size_t run) {
    const bool attributes = extent != Extent::Samples;
    if (attributes) (void)file.run_metadata(run);
    for (const auto channel : file.runs()[run].channels) file.check_channel(channel, attributes);
  };
  if (extent == Extent::Shown) {
    for (const auto run : file.newest_runs()) check_run(run);
  } else {
    for (std::size_t run = 0; run < file.runs().size(); ++run) check_run(run);
  }
  for (const auto& name : file.tables()) {
    visit("/Acquisition/" + name);
    (void)file.table(name, std::max<std::int64_t>(0, file.table_rows(name) - 1));
  }
}

void check(const std::filesystem::path& path, const Limits& limits, const Watch& watch, Extent extent) {
  const bool live = mth5::probe(path).locked;
  const auto outcome = run(
      [&](Reports& reports) {
        walk(path, reports, extent);
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
