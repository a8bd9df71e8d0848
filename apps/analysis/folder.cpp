#include "analysis/folder.hpp"

#include <algorithm>

#include "analysis/table_text.hpp"
#include "mth5/time.hpp"

namespace analysis {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLookAgain{10};

}  // namespace

bool is_data_name(const fs::path& path) {
  return (path.extension() == ".h5" || path.extension() == ".mth5") && !path.filename().string().starts_with('.');
}

std::vector<DataFile> data_files(const fs::path& directory, const std::function<void(const std::string&)>& refused) {
  std::vector<DataFile> files;
  std::error_code error;
  fs::directory_iterator entries{directory, error};
  if (error) throw mth5::FileError{directory.string() + ": " + error.message()};
  for (; entries != fs::directory_iterator{}; entries.increment(error)) {
    if (!is_data_name(entries->path())) continue;
    std::error_code gone;  // files come and go while we look
    const auto changed = entries->last_write_time(gone);
    if (gone) continue;
    try {
      files.push_back({entries->path(), mth5::probe(entries->path()).locked, changed});
    } catch (const mth5::Error& e) {
      if (fs::exists(entries->path(), gone)) refused(e.what());
    }
  }
  if (error) throw mth5::FileError{directory.string() + ": " + error.message()};
  std::sort(files.begin(), files.end(), [](const DataFile& a, const DataFile& b) {
    return std::tuple{a.locked, a.changed, a.path} > std::tuple{b.locked, b.changed, b.path};
  });
  return files;
}

Folder::Folder(fs::path directory, SnapshotOptions options, std::function<void(const std::string&)> remark)
    : directory_{std::move(directory)}, options_{std::move(options)}, remark_{std::move(remark)} {}

void Folder::say_once(const std::string& line) {
  if (said_.insert(line).second && remark_) remark_(line);
}

std::vector<DataFile> Folder::files() {
  any_refused_ = false;
  return data_files(directory_, [&](const std::string& why) {
    any_refused_ = true;
    say_once(why + "; left aside");
  });
}

std::optional<LiveFile> Folder::open(const std::function<bool(const DataFile&)>& skip) {
  auto files = this->files();
  any_locked_ = !files.empty() && files.front().locked;
  // Names begin with the station as a rule: that saves opening all others.
  if (!options_.station.empty())
    std::stable_partition(files.begin(), files.end(), [&](const DataFile& file) {
      return file.path.filename().string().starts_with(options_.station + "_");
    });
  for (const auto& file : files) {
    if (skip && skip(file)) continue;
    if (const auto known = known_.find(file.path); known != known_.end()) {
      const auto& [changed, usable, stations, opened] = known->second;
      // One that is written may get the station later; to open all of them each time would be too much.
      const bool as_before = file.locked ? mth5::steady_now() < opened + kLookAgain : changed == file.changed;
      if (as_before && (!usable || (!options_.station.empty() && stations.count(options_.station) == 0))) continue;
    }
    try {
      LiveFile opened{file.path, options_};
      Known now{file.changed, true, {}};
      for (const auto& station : opened.file().stations()) now.stations.insert(station.id);
      stations_.insert(now.stations.begin(), now.stations.end());
      known_.insert_or_assign(file.path, std::move(now));
      if (options_.station.empty() || opened.has_station(options_.station)) return opened;
    } catch (const mth5::FormatError& e) {
      say_once(std::string{e.what()} + "; left aside");
      known_.insert_or_assign(file.path, Known{file.changed, false, {}});
    } catch (const mth5::FileError& e) {
      say_once(std::string{e.what()} + "; left aside for now");  // its writer changes it just now, or it is gone
    }
  }
  return std::nullopt;
}

std::string Folder::nothing() const {
  if (stations_.empty() || options_.station.empty())
    return directory_.string() + ": no MTH5 file (*.h5, *.mth5) " + (any_refused_ ? "that can be read " : "") +
           "in this directory";
  std::string there;
  for (const auto& station : stations_) there += (there.empty() ? "" : ", ") + shown(station);
  return directory_.string() + ": no file has station " + options_.station +
         (stations_.size() == 1 ? " (there is " : " (there are ") + there + ")";
}

}  // namespace analysis
