#include "analysis/files_of_time.hpp"

#include <algorithm>
#include <utility>

#include "analysis/clock.hpp"
#include "analysis/ledger.hpp"
#include "mth5/error.hpp"

namespace analysis {

namespace {

/// How far the ends of a run may be from its plain axis: by the clock that it has, which nobody has looked at here.
mth5::Nanos slack(const mth5::RunInfo& run) { return std::chrono::hours{24} + (run.end() - run.start) / 8; }

/// Whether the report would say so, whatever its time is.
bool is_well(const mth5::Reader& file) {
  try {
    const auto ledger = read_ledger(file);
    return ledger.layout == 0 || ledger.balanced();
  } catch (const mth5::FormatError&) {
    return false;
  }
}

}  // namespace

bool FilesOfTime::is_before(const mth5::RunInfo& run) const { return run.end() + slack(run) < *needed_.from; }
bool FilesOfTime::is_behind(const mth5::RunInfo& run) const { return run.start - slack(run) > *needed_.to; }

bool FilesOfTime::is_needed(const File& file) const {
  if (!needed_.from || !needed_.to) return true;
  const auto& reader = *file.reader;
  if (reader.state() != mth5::FileState::Closed || !file.damage.lines.empty() || !reader.warnings().empty()) return true;
  bool any = false;
  for (const auto& run : reader.runs()) {
    if (run.n_samples == 0) continue;
    any = true;
    const bool wrong_clock = run.start < kFirstTime || run.end() > now_ + kFuture;
    if (run.sample_rate <= 0 || wrong_clock || (!is_before(run) && !is_behind(run))) return true;
  }
  return !any || !is_well(reader);
}

void FilesOfTime::add(File file) {
  const auto number = files_.size();
  const bool needed = is_needed(file);
  files_.push_back({std::move(file), 1});
  if (!needed) {
    const auto& reader = *files_[number].file.reader;
    for (const auto& run : reader.runs()) {
      if (run.n_samples == 0) continue;
      std::vector<std::string> components;
      for (const auto channel : run.channels) components.push_back(reader.channels()[channel].component);
      std::sort(components.begin(), components.end());
      auto& [before, behind, newest] = roles_[{run.survey, run.station, run.sample_rate, std::move(components)}];
      if (is_before(run)) give(before, number, run.end(), run.end() > before.time);
      if (is_behind(run)) give(behind, number, run.start, run.start < behind.time);
      give(newest, number, run.end(), run.end() > newest.time);
    }
    release(number);
  }
}

void FilesOfTime::give(Role& role, std::size_t file, mth5::UtcNanos time, bool better) {
  if (role.file && !better) return;
  const auto old = std::exchange(role.file, file);
  role.time = time;
  ++files_[file].roles;
  if (old) release(*old);
}

void FilesOfTime::release(std::size_t file) {
  if (--files_[file].roles > 0) return;
  files_[file].file.reader.reset();
  ++left_out_;
}

std::vector<FilesOfTime::File> FilesOfTime::take() {
  std::vector<File> kept;
  for (auto& [file, roles] : std::exchange(files_, {}))
    if (file.reader) kept.push_back(std::move(file));
  roles_.clear();
  return kept;
}

}  // namespace analysis
