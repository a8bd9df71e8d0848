#include "read/structure.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <tuple>

#include "read/attributes.hpp"

namespace mth5::read {

namespace {

constexpr std::size_t kMaxLinks = 100'000;  ///< of a whole file: a damaged group must not fill the memory
constexpr std::array<std::string_view, 3> kNotRuns{"Transfer_Functions", "Fourier_Coefficients", "Features"};
constexpr double kMaxSampleRate = 1e9;
constexpr double kMinSampleRate = 1e-6;

/// H5Literate callback: an exception must not pass through C.
struct Names {
  std::vector<std::string> names;
  std::size_t room;
  bool full = false;
};
herr_t collect(hid_t, const char* name, const H5L_info_t* link, void* out) noexcept {
  auto& to = *static_cast<Names*>(out);
  if (link->type != H5L_TYPE_HARD) return 0;  // MTH5 has none; one that leads out of the file is not ours to follow
  to.full = to.names.size() >= to.room;
  if (to.full) return 1;
  try {
    to.names.emplace_back(name);
  } catch (const std::bad_alloc&) {
    return -1;
  }
  return 0;
}

class Walker {
 public:
  Walker(hid_t file, const std::string& path) : file_{file}, path_{path} {}

  Structure run() {
    const h5::Group root{H5Gopen2(file_, "/", H5P_DEFAULT), path_ + ": root group"};
    found_.file_version = text_attribute(root.get(), "file.version");
    const auto top = children(root.get(), "/");
    const bool v020 = contains(top, "Experiment");
    if (!v020 && !contains(top, "Survey"))
      throw FormatError{path_ + ": not an MTH5 file: it has neither /Experiment nor /Survey"};
    if (found_.file_version.empty()) found_.file_version = v020 ? "0.2.0" : "0.1.0";
    if (found_.file_version != "0.1.0" && found_.file_version != "0.2.0")
      throw FormatError{path_ + ": MTH5 file version " + found_.file_version + " is not supported (0.1.0 and 0.2.0 are)"};
    if (v020) {
      each_group(root.get(), "Experiment", [&](hid_t experiment) {
        each_group(experiment, "Surveys", [&](hid_t surveys) {
          for (const auto& name : children(surveys, "Surveys"))
            if (const auto group = open_group(surveys, name)) survey(group.get(), name);
        });
      });
    } else {
      each_group(root.get(), "Survey", [&](hid_t group) { survey(group, ""); });
    }
    if (contains(top, "Acquisition")) {
      found_.has_acquisition = true;
      each_group(root.get(), "Acquisition", [&](hid_t group) { tables(group, "", 2); });
    }
    return std::move(found_);
  }

 private:
  static bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  std::vector<std::string> children(hid_t group, const std::string& what) {
    Names names{{}, kMaxLinks - links_};
    h5::check(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names), path_ + ": members of " + what);
    if (names.full)
      throw FormatError{path_ + ": more than " + std::to_string(kMaxLinks) + " objects: damaged, or not for this reader"};
    links_ += names.names.size();
    return std::move(names.names);
  }

  [[nodiscard]] H5O_type_t type_of(hid_t parent, const std::string& name) const {
    H5O_info_t info{};
    h5::check(H5Oget_info_by_name2(parent, name.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT), path_ + ": " + name);
    return info.type;
  }
  /// Empty if it is no group.
  [[nodiscard]] h5::Group open_group(hid_t parent, const std::string& name) const {
    if (type_of(parent, name) != H5O_TYPE_GROUP) return {};
    return {H5Gopen2(parent, name.c_str(), H5P_DEFAULT), path_ + ": group " + name};
  }
  void each_group(hid_t parent, const std::string& name, const std::function<void(hid_t)>& use) {
    if (h5::check(H5Lexists(parent, name.c_str(), H5P_DEFAULT), path_ + ": " + name) == 0) return;
    if (const auto group = open_group(parent, name)) use(group.get());
  }

  void survey(hid_t group, const std::string& name) {
    SurveyInfo info{name, metadata(group, Kind::Survey)};
    if (info.id.empty()) info.id = info.metadata.text("id", "default_survey");  // 0.1.0 has no group named after it
    const std::string id = info.id;
    found_.surveys.push_back(std::move(info));
    each_group(group, "Stations", [&](hid_t stations) {
      for (const auto& station_name : children(stations, "Stations"))
        if (const auto inner = open_group(stations, station_name)) station(inner.get(), id, station_name);
    });
  }

  void station(hid_t group, const std::string& survey, const std::string& name) {
    found_.stations.push_back({survey, name, metadata(group, Kind::Station)});
    for (const auto& child : children(group, name)) {
      if (std::find(kNotRuns.begin(), kNotRuns.end(), child) != kNotRuns.end()) continue;
      if (const auto inner = open_group(group, child)) run(inner.get(), survey, name, child);
    }
  }

  void run(hid_t group, const std::string& survey, const std::string& station, const std::string& name) {
    RunInfo info{
        .survey = survey, .station = station, .id = name, .metadata = metadata(group, Kind::Run), .start = {}, .channels = {}};
    const double rate = checked_rate(info.metadata.number("sample_rate"));
    const auto start = parse_time(info.metadata.text("time_period.start"));
    for (const auto& child : children(group, name)) {
      if (type_of(group, child) != H5O_TYPE_DATASET) continue;
      h5::Dataset dataset{H5Dopen2(group, child.c_str(), H5P_DEFAULT), path_ + ": channel " + name + "/" + child};
      const auto type = sample_type(dataset);
      if (!type) continue;
      ChannelInfo channel{.survey = survey,
                          .station = station,
                          .run = name,
                          .component = child,
                          .metadata = metadata(dataset.get(), channel_kind(dataset.get(), child)),
                          .start = {},
                          .type = *type};
      channel.sample_rate = checked_rate(channel.metadata.number("sample_rate", rate));
      const auto own_start = parse_time(channel.metadata.text("time_period.start"));
      channel.start = own_start ? *own_start : start.value_or(kMth5Epoch);
      info.channels.push_back(found_.channels.size());
      found_.channels.push_back(std::move(channel));
      found_.datasets.push_back(std::move(dataset));
    }
    if (info.channels.empty() && kind_from(text_attribute(group, "mth5_type")) != Kind::Run) return;
    // The channels know better than the run: Python leaves a run's own times and rate at their defaults often enough.
    info.sample_rate = info.channels.empty() ? rate : found_.channels[info.channels.front()].sample_rate;
    info.start = info.channels.empty() ? start.value_or(kMth5Epoch) : found_.channels[info.channels.front()].start;
    found_.runs.push_back(std::move(info));
  }

  /// 0 = not known.
  static double checked_rate(double rate) { return rate >= kMinSampleRate && rate <= kMaxSampleRate ? rate : 0.0; }

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

  /// nullopt: no channel (more than one dimension, not a number).
  std::optional<SampleType> sample_type(const h5::Dataset& dataset) const {
    const h5::Space space{H5Dget_space(dataset.get()), path_ + ": shape of a channel"};
    if (H5Sget_simple_extent_ndims(space.get()) != 1) return std::nullopt;
    const h5::Datatype type{H5Dget_type(dataset.get()), path_ + ": type of a channel"};
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

  void tables(hid_t group, const std::string& prefix, int depth) {
    for (const auto& name : children(group, "Acquisition")) {
      const auto type = type_of(group, name);
      if (type == H5O_TYPE_DATASET)
        found_.tables.push_back(prefix + name);
      else if (type == H5O_TYPE_GROUP && depth > 1)
        each_group(group, name, [&](hid_t inner) { tables(inner, prefix + name + "/", depth - 1); });
    }
  }

  static constexpr UtcNanos kMth5Epoch{std::chrono::seconds{315'532'800}};  ///< 1980-01-01: what MTH5 has for "not known"

  hid_t file_;
  const std::string& path_;
  std::size_t links_ = 0;
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

Structure walk(hid_t file, const std::string& path) { return Walker{file, path}.run(); }

void merge(Structure& known, Structure fresh) {
  using std::tuple;
  known.file_version = std::move(fresh.file_version);
  known.tables = std::move(fresh.tables);
  known.has_acquisition = fresh.has_acquisition;
  merge_by(known.surveys, fresh.surveys, [](const SurveyInfo& s) { return s.id; });
  merge_by(known.stations, fresh.stations, [](const StationInfo& s) { return tuple{s.survey, s.id}; });
  const auto where = merge_by(known.channels, fresh.channels, [](const ChannelInfo& c) {
    return tuple{c.survey, c.station, c.run, c.component};
  });
  for (auto& run : fresh.runs)
    for (auto& channel : run.channels) channel = where[channel];
  merge_by(known.runs, fresh.runs, [](const RunInfo& r) { return tuple{r.survey, r.station, r.id}; });
  known.datasets.clear();
  known.datasets.resize(known.channels.size());
  for (std::size_t i = 0; i < where.size(); ++i) known.datasets[where[i]] = std::move(fresh.datasets[i]);
}

}  // namespace mth5::read
