#include "analysis/files_of_time.hpp"

#include <algorithm>
#include <utility>

#include "analysis/clock.hpp"
#include "analysis/ledger.hpp"
#include "mth5/error.hpp"

namespace analysis {

namespace {

/// How far the ends of a run may be from its plain axis: by the clock that it has, which nobody has looked at here.
mth5::Nanos slack(const WellFile::Run& run) { return std::chrono::hours{24} + (run.end - run.start) / 8; }

bool is_balanced(const mth5::Reader& file) {
  try {
    const auto ledger = read_ledger(file);
    return ledger.layout == 0 || ledger.balanced();
  } catch (const mth5::FormatError&) {
    return false;
  }
}

}  // namespace

std::optional<WellFile> well_file(const FilesOfTime::File& file) {
  const auto& reader = *file.reader;
  if (reader.state() != mth5::FileState::Closed || !file.damage.lines.empty() || !reader.warnings().empty()) return std::nullopt;
  WellFile well;
  for (const auto& run : reader.runs()) {
    if (run.n_samples == 0) continue;
    if (run.sample_rate <= 0) return std::nullopt;
    std::vector<std::string> components;
    for (const auto channel : run.channels) components.push_back(reader.channels()[channel].component);
    std::sort(components.begin(), components.end());
    well.runs.push_back({run.survey, run.station, run.sample_rate, std::move(components), run.start, run.end()});
  }
  return !well.runs.empty() && is_balanced(reader) ? std::optional{std::move(well)} : std::nullopt;
}

bool FilesOfTime::is_before(const WellFile::Run& run) const { return run.end + slack(run) < *needed_.from; }
bool FilesOfTime::is_behind(const WellFile::Run& run) const { return run.start - slack(run) > *needed_.to; }

bool FilesOfTime::is_needed(const WellFile& well) const {
  if (!needed_.from || !needed_.to) return true;
  return std::any_of(well.runs.begin(), well.runs.end(), [&](const WellFile::Run& run) {
    const bool wrong_clock = run.start < kFirstTime || run.end > now_ + kFuture;
    return wrong_clock || (!is_before(run) && !is_behind(run));
  });
}

void FilesOfTime::add(File file) {
  const auto well = needed_.from && needed_.to ? well_file(file) : std::nullopt;
  add(std::move(file), well ? &*well : nullptr);
}

void FilesOfTime::add(File file, const WellFile* well) {
  const auto number = files_.size();
  files_.push_back({std::move(file), 1});
  if (well == nullptr || is_needed(*well)) return;
  for (const auto& run : well->runs) {
    auto& [before, behind, newest] = roles_[{run.survey, run.station, run.rate, run.components}];
    if (is_before(run)) give(before, number, run.end, run.end > before.time);
    if (is_behind(run)) give(behind, number, run.start, run.start < behind.time);
    give(newest, number, run.end, run.end > newest.time);
  }
  release(number);
}

std::vector<bool> FilesOfTime::wanted() const {
  std::vector<bool> all;
  for (const auto& known : files_) all.push_back(known.roles > 0);
  return all;
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
