#include "analysis/well_files.hpp"

#include <sys/stat.h>

#include <utility>

#include "analysis/cache_file.hpp"
#include "mth5/error.hpp"

namespace analysis {

namespace {

namespace fs = std::filesystem;

std::string key_of(const fs::path& path) {
  std::error_code error;
  const auto all = fs::absolute(path, error);
  return error ? path.string() : all.string();
}

}  // namespace

WellFiles::WellFiles(fs::path directory, std::string program) : identity_{"files " + std::move(program)} {
  if (directory.empty()) return;
  path_ = cache_file::path_of(directory, identity_);
  try {
    if (auto found = cache_file::read(path_, identity_)) files_ = std::move(*found);
  } catch (const mth5::Error&) {  // all are looked at anew, and what is found takes its place
  }
}

std::string WellFiles::stamp_of(const fs::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  std::string stamp;
  for (const auto number : {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
                            static_cast<std::int64_t>(status.st_size), static_cast<std::int64_t>(status.st_mtim.tv_sec),
                            static_cast<std::int64_t>(status.st_mtim.tv_nsec), static_cast<std::int64_t>(status.st_ctim.tv_sec),
                            static_cast<std::int64_t>(status.st_ctim.tv_nsec)})
    stamp += std::to_string(number) + " ";
  return stamp;
}

std::optional<WellFile> WellFiles::find(const fs::path& path, const std::string& stamp) const {
  const auto found = files_.find(key_of(path));
  if (found == files_.end() || stamp.empty()) return std::nullopt;
  try {
    if (found->at("stamp") != stamp) return std::nullopt;
    WellFile well;
    for (const auto& run : found->at("runs"))
      well.runs.push_back({run.at(0), run.at(1), run.at(2), run.at(3), state::time(run.at(4)), state::time(run.at(5))});
    return well.runs.empty() ? std::nullopt : std::optional{std::move(well)};
  } catch (const state::Json::exception&) {
    return std::nullopt;
  }
}

void WellFiles::keep(const fs::path& path, const std::string& stamp, const std::optional<WellFile>& well) {
  if (path_.empty()) return;
  if (!well || stamp.empty()) {
    is_new_ = files_.erase(key_of(path)) > 0 || is_new_;
    return;
  }
  auto runs = state::Json::array();
  for (const auto& run : well->runs)
    runs.push_back({run.survey, run.station, run.rate, run.components, state::time(run.start), state::time(run.end)});
  files_[key_of(path)] = {{"stamp", stamp}, {"runs", std::move(runs)}};
  is_new_ = true;
}

void WellFiles::write() {
  if (is_new_) (void)cache_file::write(path_, identity_, files_);  // the cache says so, where it has as much to keep
  is_new_ = false;
}

}  // namespace analysis
