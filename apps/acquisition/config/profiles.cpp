#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "acquisition/config/instrument.hpp"

/// Where profiles are found.
namespace daq::config {

namespace {

namespace fs = std::filesystem;

struct Found {
  std::string name;
  fs::path path;
};

/// NAME.yaml of all folders, in their order, then by name. Folders that are not there hold none.
std::vector<Found> all_profiles(const std::vector<fs::path>& folders) {
  std::vector<Found> all;
  for (const auto& folder : folders) {
    std::vector<Found> here;
    std::error_code missing;
    for (fs::directory_iterator i{folder, missing}, end; !missing && i != end; i.increment(missing))
      if (i->path().extension() == ".yaml") here.push_back({i->path().stem().string(), i->path()});
    std::sort(here.begin(), here.end(), [](const Found& a, const Found& b) { return a.name < b.name; });
    all.insert(all.end(), here.begin(), here.end());
  }
  return all;
}

std::optional<Profile> read_file(const Found& found, int rank, Report& report) {
  auto origin =
      std::make_shared<const Origin>(Origin{found.path.string(), rank, true, "instrument " + found.path.filename().string()});
  const auto parsed = parse_yaml_file(found.path.string(), origin);
  if (!parsed.problem.empty()) {
    report.problem(parsed.place, "", parsed.problem);
    return std::nullopt;
  }
  if (parsed.root.kind != Node::Kind::Map) {
    report.problem(parsed.root.place, "",
                   "must be a map with sample_rate, text and channels, not " + std::string{to_string(parsed.root.kind)});
    return std::nullopt;
  }
  auto profile = read_profile(parsed.root, "", found.name, report);
  if (profile) profile->instrument.origin = found.path;
  return profile;
}

}  // namespace

const Profile* Profiles::find(const Node& name, const std::string& path) {
  auto known = read_.find(name.text);
  if (known == read_.end() && (name.text.find('/') != std::string::npos || name.text.ends_with(".yaml"))) {
    const fs::path file = base_ / name.text;
    known = read_.emplace(name.text, read_file({file.stem().string(), file}, int(read_.size()) + 1, report_)).first;
  } else if (known == read_.end()) {
    const auto all = all_profiles(folders_);
    const auto found = std::find_if(all.begin(), all.end(), [&](const Found& f) { return f.name == name.text; });
    if (found == all.end()) {
      report_.problem(name.place, path, unknown(name.text));
      return nullptr;
    }
    known = read_.emplace(name.text, read_file(*found, int(read_.size()) + 1, report_)).first;
  }
  return known->second ? &*known->second : nullptr;
}

std::string Profiles::unknown(const std::string& name) const {
  std::vector<std::string> known;
  for (const auto& found : all_profiles(folders_)) known.push_back(found.name);
  std::string searched;
  for (const auto& folder : folders_) searched += (searched.empty() ? "" : ", ") + folder.string();
  return "no profile " + in_quotes(name + ".yaml") + " in " + (searched.empty() ? "any folder" : searched) +
         did_you_mean(name, known);
}

std::vector<fs::path> instrument_folders(const fs::path& config_file) {
  std::vector<fs::path> folders;
  if (const char* given = std::getenv("MTH5D_INSTRUMENTS")) {
    std::string_view rest = given;
    while (!rest.empty()) {
      const auto colon = rest.find(':');
      if (colon != 0) folders.emplace_back(rest.substr(0, colon));
      rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    }
  }
  folders.push_back(config_file.parent_path() / "instruments");
  folders.emplace_back("/etc/mth5d/instruments");
  // Of the installation, or of the build tree, which has a link there; no path of the machine that built it.
  std::error_code unknown;
  const auto program = fs::read_symlink("/proc/self/exe", unknown);
  if (!unknown) folders.push_back((program.parent_path().parent_path() / "share/mth5-daq/instruments").lexically_normal());
  return folders;
}

std::vector<Listed> list_instruments(const std::vector<fs::path>& folders) {
  std::vector<Listed> list;
  std::map<std::string, fs::path> first;
  for (const auto& found : all_profiles(folders)) {
    Report report;
    const auto profile = read_file(found, 0, report);
    Listed one{found.name, profile ? profile->instrument.description : "", found.path, "", {}};
    const auto [used, fresh] = first.emplace(found.name, found.path);
    if (!profile)
      one.problem = report.findings().front().text();
    else if (!fresh)
      one.problem = "not used: " + used->second.string() + " comes first";
    else
      one.instrument = profile->instrument;
    list.push_back(std::move(one));
  }
  return list;
}

FoundInstrument find_instrument(const std::string& name, const std::vector<fs::path>& folders) {
  Report report;
  FoundInstrument found;
  Profiles profiles{folders, {}, report};
  Node word;
  word.text = name;
  word.place.origin = std::make_shared<const Origin>(Origin{"--try", 0, false, ""});
  if (const auto* profile = profiles.find(word, "")) found.instrument = profile->instrument;
  found.findings = report.findings();
  return found;
}

}  // namespace daq::config
