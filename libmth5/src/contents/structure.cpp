#include "contents/structure.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "contents/attributes.hpp"
#include "contents/filters.hpp"
#include "h5/links.hpp"

namespace mth5::contents {

namespace {

/// Of a whole file. A recorder of 15 channels with a new run each minute makes 22,000 a day.
constexpr std::size_t kMostObjects = 1'000'000;
constexpr std::size_t kLeastObjects = 1000;
constexpr std::size_t kLeastObjectBytes = 64;  ///< a link takes some 40, its object more
constexpr std::size_t kMostNameBytes = std::size_t{256} << 20;
constexpr std::array<std::string_view, 3> kNotRuns{"Transfer_Functions", "Fourier_Coefficients", "Features"};

/// Names of the hard links among them: MTH5 has no others, and one that leads out of the file is not ours to follow.
/// @returns how many were left out
std::size_t hard_links(h5::Links& links, std::vector<std::string>& names) {
  for (auto& link : links.all)
    if (link.type == H5L_TYPE_HARD) names.push_back(std::move(link.name));
  return links.all.size() - names.size();
}

class Walker {
 public:
  Walker(hid_t file, const std::string& path, Depth depth, std::size_t most, const Visiting& visiting, bool whole,
         const IsKnown& is_known)
      : file_{file}, path_{path}, depth_{depth}, most_{most}, visiting_{visiting}, whole_{whole}, is_known_{is_known} {}

  Structure run() {
    visit("/");
    const h5::Group root{H5Gopen2(file_, "/", H5P_DEFAULT), path_ + ": root group"};
    H5O_info_t info{};
    h5::check(H5Oget_info2(root.get(), &info, whole_ ? H5O_INFO_ALL : H5O_INFO_BASIC), path_ + ": root group");
    seen_.insert(info.addr);  // a link back to it is not followed
    found_.file_version = text_attribute(root.get(), "file.version");
    const auto top = children(root.get(), "/");
    const bool v020 = contains(top, "Experiment");
    if (!v020 && !contains(top, "Survey"))
      throw FormatError{path_ + ": not an MTH5 file: it has neither /Experiment nor /Survey"};
    if (found_.file_version.empty()) found_.file_version = v020 ? "0.2.0" : "0.1.0";
    if (found_.file_version != "0.1.0" && found_.file_version != "0.2.0")
      throw FormatError{path_ + ": MTH5 file version " + found_.file_version + " is not supported (0.1.0 and 0.2.0 are)"};
    if (v020) {
      const auto experiment = required_group(root.get(), top, "", "Experiment");
      const auto surveys = required_group(experiment.get(), children(experiment.get(), "/Experiment"), "/Experiment", "Surveys");
      each_group(surveys.get(), "/Experiment/Surveys",
                 [&](hid_t group, const std::string& name) { survey(group, "/Experiment/Surveys/" + name, name); });
    } else {
      survey(required_group(root.get(), top, "", "Survey").get(), "/Survey", "");
    }
    if (contains(top, "Acquisition")) {
      if (const auto group = open_group(root.get(), "", "Acquisition")) {
        found_.has_acquisition = true;
        found_.file_uuid = text_attribute(group.get(), "file_uuid");
        if (const auto layout = attribute(group.get(), "layout"))
          if (const auto* number = std::get_if<std::int64_t>(&*layout)) found_.layout = *number;
        tables(group.get(), "/Acquisition", "", 2);
      }
    }
    return std::move(found_);
  }

 private:
  static bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  void visit(const std::string& object) const {
    if (visiting_) visiting_(object);
  }

  [[noreturn]] void refuse_links() const {
    throw FormatError{path_ + ": more than " + std::to_string(most_) + " objects, which a file of its size cannot hold: damaged"};
  }

  std::vector<std::string> children(hid_t group, const std::string& where) {
    H5G_info_t info{};
    h5::check(H5Gget_info(group, &info), path_ + ": " + where);
    if (info.nlinks > most_) refuse_links();  // before they are collected
    auto links = h5::links_of(group, most_ - links_, name_bytes_left_, path_ + ": members of " + where);
    if (links.cut) refuse_links();
    links_ += links.all.size();
    name_bytes_left_ -= links.n_bytes;
    std::vector<std::string> names;
    found_.unfollowed_links += hard_links(links, names);
    return names;
  }

  /// What a hard link leads to; nullopt if that is known already: MTH5 is a tree, and a damaged file may have loops.
  std::optional<H5O_type_t> look(hid_t parent, const std::string& where, const std::string& name, haddr_t* address = nullptr) {
    const std::string object = where + "/" + name;
    visit(object);
    H5O_info_t info{};
    h5::check(H5Oget_info_by_name2(parent, name.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT), path_ + ": " + object);
    if (whole_ && info.type == H5O_TYPE_GROUP)
      h5::check(H5Oget_info_by_name2(parent, name.c_str(), &info, H5O_INFO_ALL, H5P_DEFAULT), path_ + ": " + object);
    if (address != nullptr) *address = info.addr;
    if (seen_.insert(info.addr).second) return info.type;
    ++found_.unfollowed_links;
    return std::nullopt;
  }
  /// Empty if it is no group, or one that is known.
  h5::Group open_group(hid_t parent, const std::string& where, const std::string& name) {
    if (look(parent, where, name) != H5O_TYPE_GROUP) return {};
    return {H5Gopen2(parent, name.c_str(), H5P_DEFAULT), path_ + ": group " + where + "/" + name};
  }
  h5::Group required_group(hid_t parent, const std::vector<std::string>& members, const std::string& where,
                           const std::string& name) {
    auto group = contains(members, name) ? open_group(parent, where, name) : h5::Group{};
    if (!group) throw FormatError{path_ + ": " + where + "/" + name + " is missing or no group: damaged, or not an MTH5 file"};
    return group;
  }
  template <class Use>  // (hid_t, name)
  void each_group(hid_t parent, const std::string& where, Use use) {
    for (const auto& name : children(parent, where))
      if (const auto group = open_group(parent, where, name)) use(group.get(), name);
  }

  void survey(hid_t group, const std::string& where, const std::string& name) {
    SurveyInfo info{name, metadata(group, Kind::Survey)};
    if (info.id.empty()) info.id = info.metadata.text("id", "default_survey");  // 0.1.0 has no group named after it
    const std::string id = info.id;
    found_.surveys.push_back(std::move(info));
    const auto members = children(group, where);
    if (contains(members, "Filters"))
      if (const auto all = open_group(group, where, "Filters"))
        each_group(all.get(), where + "/Filters", [&](hid_t of_kind, const std::string& kind_name) {
          const auto kind = kind_from(kind_name);
          if (!kind || !is_filter(*kind)) return;
          each_group(of_kind, where + "/Filters/" + kind_name, [&](hid_t inner, const std::string& filter_name) {
            found_.filters.push_back(filter(inner, *kind, filter_name, id));
          });
        });
    if (!contains(members, "Stations")) return;
    if (const auto stations = open_group(group, where, "Stations"))
      each_group(stations.get(), where + "/Stations", [&](hid_t inner, const std::string& station_name) {
        station(inner, where + "/Stations/" + station_name, id, station_name);
      });
  }

  void station(hid_t group, const std::string& where, const std::string& survey, const std::string& name) {
    found_.stations.push_back({survey, name, metadata(group, Kind::Station)});
    if (depth_ == Depth::Stations) {
      found_.n_runs.push_back(links_that_may_be_runs(group, where));
      return;
    }
    for (const auto& child : children(group, where)) {
      if (std::find(kNotRuns.begin(), kNotRuns.end(), child) != kNotRuns.end()) continue;
      const auto inner = open_group(group, where, child);
      if (!inner || (is_known_ && is_known_(inner.get(), survey, name, child))) continue;
      run(inner.get(), where + "/" + child, survey, name, child);
    }
  }

  std::size_t links_that_may_be_runs(hid_t group, const std::string& where) {
    H5G_info_t info{};
    h5::check(H5Gget_info(group, &info), path_ + ": " + where);
    auto n = static_cast<std::size_t>(info.nlinks);
    for (const auto name : kNotRuns)
      if (n > 0 && h5::check(H5Lexists(group, std::string{name}.c_str(), H5P_DEFAULT), path_ + ": " + where) > 0) --n;
    return n;
  }

  void run(hid_t group, const std::string& where, const std::string& survey, const std::string& station,
           const std::string& name) {
    RunInfo info{.survey = survey, .station = station, .id = name, .start = {}, .channels = {}};
    const Metadata own = metadata_of(group, Kind::Run, kBasics);
    const double rate = checked_rate(own.number("sample_rate"));
    const auto start = parse_time(own.text("time_period.start"));
    for (const auto& child : datasets_as_made(group, where)) {
      h5::Dataset dataset{H5Dopen2(group, child.c_str(), H5P_DEFAULT), path_ + ": channel " + where + "/" + child};
      bool elsewhere = false;
      if (!sample_type(dataset, path_ + ": " + where + "/" + child, &elsewhere)) {
        if (elsewhere) ++found_.unfollowed_links;
        continue;
      }
      const Metadata basics = metadata_of(dataset.get(), channel_kind(dataset.get(), child), kBasics);
      ChannelInfo channel{.survey = survey,
                          .station = station,
                          .run = name,
                          .component = child,
                          .kind = basics.kind(),
                          .units = basics.text("units"),
                          .start = {}};
      channel.sample_rate = checked_rate(basics.number("sample_rate", rate));
      if (channel.units.empty()) channel.units = text_attribute(dataset.get(), "units");  // none that MTH5 knows
      const auto own_start = parse_time(basics.text("time_period.start"));
      channel.start = own_start ? *own_start : start.value_or(kMth5Epoch);
      info.channels.push_back(found_.channels.size());
      found_.channels.push_back(std::move(channel));
      if (depth_ == Depth::OpenChannels) found_.datasets.push_back(std::move(dataset));
    }
    if (info.channels.empty() && kind_from(text_attribute(group, "mth5_type")) != Kind::Run) return;
    // The channels know better than the run: Python leaves a run's own times and rate at their defaults often enough.
    info.sample_rate = info.channels.empty() ? rate : found_.channels[info.channels.front()].sample_rate;
    info.start = info.channels.empty() ? start.value_or(kMth5Epoch) : found_.channels[info.channels.front()].start;
    found_.runs.push_back(std::move(info));
  }

  /// Names of the datasets of a group in the order in which they were made, which for channels is that of the instrument. MTH5
  /// has groups without creation order; HDF5 places what is made later farther back.
  std::vector<std::string> datasets_as_made(hid_t group, const std::string& where) {
    std::vector<std::pair<haddr_t, std::string>> found;
    for (auto& child : children(group, where)) {
      haddr_t address = 0;
      if (look(group, where, child, &address) == H5O_TYPE_DATASET) found.emplace_back(address, std::move(child));
    }
    std::sort(found.begin(), found.end());
    std::vector<std::string> names;
    for (auto& entry : found) names.push_back(std::move(entry.second));
    return names;
  }

  static Kind channel_kind(hid_t dataset, const std::string& component) {
    for (const char* name : {"mth5_type", "type"}) {
      const auto kind = kind_from(text_attribute(dataset, name));
      if (kind == Kind::Electric || kind == Kind::Magnetic || kind == Kind::Auxiliary) return *kind;
    }
    const char first = component.empty() ? ' ' : component.front();
    return first == 'e' || first == 'E'                                       ? Kind::Electric
           : std::string_view{"hHbBrR"}.find(first) != std::string_view::npos ? Kind::Magnetic
                                                                              : Kind::Auxiliary;
  }

  /// A table whose header cannot be read is one all the same: that is for who reads it, and costs nothing else.
  [[nodiscard]] std::optional<H5O_type_t> table_or_group(hid_t group, const std::string& where, const std::string& name) {
    try {
      return look(group, where, name);
    } catch (const FileError&) {
      if (name == "state_of_health" || name == "clock") throw;  // folders of tables
      return H5O_TYPE_DATASET;
    }
  }

  /// @param folder  below /Acquisition: "" or "state_of_health/"
  void tables(hid_t group, const std::string& where, const std::string& folder, int depth) {
    for (const auto& name : children(group, where)) {
      const auto type = table_or_group(group, where, name);
      if (type == H5O_TYPE_DATASET) found_.tables.push_back(folder + name);
      if (type != H5O_TYPE_GROUP || depth == 1) continue;
      const h5::Group inner{H5Gopen2(group, name.c_str(), H5P_DEFAULT), path_ + ": group " + where + "/" + name};
      tables(inner.get(), where + "/" + name, folder + name + "/", depth - 1);
    }
  }

  static constexpr UtcNanos kMth5Epoch{std::chrono::seconds{315'532'800}};  ///< 1980-01-01: what MTH5 has for "not known"
  static constexpr std::array<std::string_view, 3> kBasics{"sample_rate", "time_period.start", "units"};

  hid_t file_;
  const std::string& path_;
  Depth depth_;
  std::size_t most_;
  const Visiting& visiting_;
  bool whole_;
  const IsKnown& is_known_;
  std::size_t links_ = 0;
  std::size_t name_bytes_left_ = kMostNameBytes;
  std::set<haddr_t> seen_;
  Structure found_;
};

/// Puts `fresh` into `known` by key. @returns the index in `known` of each entry of `fresh`
template <class T, class Key>
std::vector<std::size_t> merge_by(std::vector<T>& known, std::vector<T>& fresh, Key key) {
  std::map<decltype(key(std::as_const(fresh[0]))), std::size_t> index;
  for (std::size_t i = 0; i < known.size(); ++i) index.emplace(key(std::as_const(known[i])), i);
  std::vector<std::size_t> where;
  for (auto& entry : fresh) {
    const auto [at, is_new] = index.try_emplace(key(std::as_const(entry)), known.size());
    where.push_back(at->second);
    if (is_new)
      known.push_back(std::move(entry));
    else
      known[at->second] = std::move(entry);
  }
  return where;
}

}  // namespace

Structure walk(hid_t file, const std::string& path, Depth depth, std::size_t most, const Visiting& visiting, bool whole,
               const IsKnown& is_known) {
  return Walker{file, path, depth, most, visiting, whole, is_known}.run();
}

std::vector<std::string> member_names(hid_t group, const std::string& path, const std::string& where, std::size_t most) {
  auto links = h5::links_of(group, most, kMostNameBytes, path + ": members of " + where);
  if (links.cut) throw FormatError{path + ": " + where + ": more than " + std::to_string(most) + " members: damaged"};
  std::vector<std::string> names;
  (void)hard_links(links, names);
  return names;
}

std::vector<std::string> run_names(hid_t file, const std::string& path, const std::string& station, std::size_t most) {
  const h5::Group group{H5Gopen2(file, station.c_str(), H5P_DEFAULT), path + ": " + station};
  auto names = member_names(group.get(), path, station, most);
  std::erase_if(names,
                [](const std::string& name) { return std::find(kNotRuns.begin(), kNotRuns.end(), name) != kNotRuns.end(); });
  return names;
}

std::size_t most_objects(std::uintmax_t file_bytes) {
  return std::clamp(static_cast<std::size_t>(file_bytes / kLeastObjectBytes), kLeastObjects, kMostObjects);
}

std::string station_path(const std::string& file_version, const std::string& survey, const std::string& station) {
  return (file_version == "0.1.0" ? "/Survey" : "/Experiment/Surveys/" + survey) + "/Stations/" + station;
}

std::string run_path(const std::string& file_version, const std::string& survey, const std::string& station,
                     const std::string& run) {
  return station_path(file_version, survey, station) + "/" + run;
}

double checked_rate(double rate) { return rate >= kMinSampleRate && rate <= kMaxSampleRate ? rate : 0.0; }

std::optional<SampleType> sample_type(const h5::Dataset& dataset, const std::string& name, bool* elsewhere) {
  const h5::Space space{H5Dget_space(dataset.get()), name + ": shape"};
  if (H5Sget_simple_extent_ndims(space.get()) != 1) return std::nullopt;
  const h5::PropertyList create{H5Dget_create_plist(dataset.get()), name + ": layout"};
  if (H5Pget_layout(create.get()) == H5D_VIRTUAL || H5Pget_external_count(create.get()) > 0) {
    if (elsewhere != nullptr) *elsewhere = true;  // wherever this file says
    return std::nullopt;
  }
  const h5::Datatype type{H5Dget_type(dataset.get()), name + ": type"};
  const std::size_t bytes = H5Tget_size(type.get());
  switch (H5Tget_class(type.get())) {
    case H5T_INTEGER: {
      const bool is_signed = H5Tget_sign(type.get()) == H5T_SGN_2;
      if (bytes < 2 || (bytes == 2 && is_signed)) return SampleType::Int16;
      if (bytes < 4 || (bytes == 4 && is_signed)) return SampleType::Int32;
      return SampleType::Float64;
    }
    case H5T_FLOAT:
      return bytes <= 4 ? SampleType::Float32 : SampleType::Float64;
    default:
      return std::nullopt;
  }
}

std::optional<double> fill_value(hid_t dataset, const std::string& name) {
  const h5::Datatype type{H5Dget_type(dataset), name + ": type"};
  if (H5Tget_class(type.get()) != H5T_INTEGER) return std::nullopt;
  const h5::PropertyList create{H5Dget_create_plist(dataset), name + ": fill value"};
  H5D_fill_value_t defined{};
  h5::check(H5Pfill_value_defined(create.get(), &defined), name + ": fill value");
  if (defined != H5D_FILL_VALUE_USER_DEFINED) return std::nullopt;
  double value = 0;
  h5::check(H5Pget_fill_value(create.get(), H5T_NATIVE_DOUBLE, &value), name + ": fill value");
  return value;
}

void merge_frame(Structure& known, Structure& fresh) {
  using std::tuple;
  known.file_version = std::move(fresh.file_version);
  known.filters = std::move(fresh.filters);
  known.tables = std::move(fresh.tables);
  known.has_acquisition = fresh.has_acquisition;
  known.layout = fresh.layout;
  known.file_uuid = std::move(fresh.file_uuid);
  known.unfollowed_links = fresh.unfollowed_links;
  merge_by(known.surveys, fresh.surveys, [](const SurveyInfo& s) { return s.id; });
  merge_by(known.stations, fresh.stations, [](const StationInfo& s) { return tuple{s.survey, s.id}; });
}

std::vector<std::size_t> merge(Structure& known, Structure fresh) {
  using std::tuple;
  merge_frame(known, fresh);
  const auto where = merge_by(known.channels, fresh.channels, [](const ChannelInfo& c) {
    return tuple{c.survey, c.station, c.run, c.component};
  });
  for (auto& run : fresh.runs)
    for (auto& channel : run.channels) channel = where[channel];
  merge_by(known.runs, fresh.runs, [](const RunInfo& r) { return tuple{r.survey, r.station, r.id}; });
  known.datasets.clear();
  known.datasets.resize(known.channels.size());
  for (std::size_t i = 0; i < fresh.datasets.size(); ++i) known.datasets[where[i]] = std::move(fresh.datasets[i]);
  return where;
}

}  // namespace mth5::contents
