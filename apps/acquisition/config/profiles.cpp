#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "acquisition/config/filters.hpp"
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

std::optional<Profile> read_file(const Found& found, const Node* sample_rate, int rank, Report& report) {
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
  auto profile = read_profile(with_sample_rate(parsed.root, sample_rate), "", found.name, report);
  if (profile) profile->instrument.origin = found.path;
  return profile;
}

}  // namespace

Node with_sample_rate(Node profile, const Node* rate) {
  Node* const own = rate == nullptr ? nullptr : profile.find("sample_rate");
  if (own != nullptr) *own = *rate;
  return profile;
}

const Profile* Profiles::find(const Node& name, const std::string& path, const Node* sample_rate) {
  const auto key = name.text + (sample_rate == nullptr ? "" : "\n" + sample_rate->text);
  auto known = read_.find(key);
  if (known == read_.end()) {
    const bool is_path = name.text.find('/') != std::string::npos || name.text.ends_with(".yaml");
    const fs::path file = base_ / name.text;
    Found found{file.stem().string(), file};
    if (!is_path) {
      const auto all = all_profiles(folders_);
      const auto named = std::find_if(all.begin(), all.end(), [&](const Found& f) { return f.name == name.text; });
      if (named == all.end()) {
        report_.problem(name.place, path, unknown(name.text));
        return nullptr;
      }
      found = *named;
    }
    known = read_.emplace(key, read_file(found, sample_rate, int(read_.size()) + 1, report_)).first;
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
    const auto profile = read_file(found, nullptr, 0, report);
    Listed one{found.name, profile ? profile->instrument.description : "", found.path, "", {}, {}};
    const auto [used, fresh] = first.emplace(found.name, found.path);
    if (!fresh) one.shadowed_by = used->second;
    if (profile)
      one.instrument = profile->instrument;
    else
      one.problem = report.findings().front().text();
    list.push_back(std::move(one));
  }
  return list;
}

namespace {

FoundInstrument find_one(const std::string& name, const std::vector<fs::path>& folders, const std::string& asked_by,
                         const std::optional<std::string>& sample_rate) {
  Report report;
  FoundInstrument found;
  Profiles profiles{folders, {}, report};
  Node word, rate;
  word.text = name;
  word.place.origin = std::make_shared<const Origin>(Origin{asked_by, 0, false, ""});
  rate.kind = Node::Kind::Scalar;
  rate.place.origin = std::make_shared<const Origin>(Origin{"--rate", 0, false, ""});
  if (sample_rate) rate.text = *sample_rate;
  if (const auto* profile = profiles.find(word, "", sample_rate ? &rate : nullptr)) found.instrument = profile->instrument;
  if (found.instrument) {  // as for a source, where its site says no more
    auto channels = found.instrument->channels;
    for (auto& channel : channels)
      if (auto wrong = apply_filters(channel); !wrong.empty())
        report.problem(word.place, "channels." + channel.name + ".filters", std::move(wrong));
    if (const auto clash = clashing_filter(channels); !clash.empty())
      report.problem(word.place, "channels", "two different filters have the name " + in_quotes(clash));
    if (!report.good()) found.instrument.reset();
  }
  found.findings = report.findings();
  return found;
}

}  // namespace

FoundInstrument find_instrument(const std::string& name, const std::vector<fs::path>& folders, const std::string& asked_by) {
  return find_one(name, folders, asked_by, std::nullopt);
}

FoundInstrument find_instrument(const std::string& name, const std::vector<fs::path>& folders, const std::string& asked_by,
                                double sample_rate_hz) {
  return find_one(name, folders, asked_by, format_number(sample_rate_hz));
}

}  // namespace daq::config
