#include <algorithm>
#include <array>

#include "file/acquisition_tables.hpp"
#include "file/file_impl.hpp"
#include "h5/types.hpp"

/// The structure of a file: everything here runs outside SWMR, called from File::edit() and File::close().
namespace mth5 {

namespace {

constexpr const char* kNoDate = "1980-01-01";  ///< what MTH5 has for "not known"

std::string checked_id(const Metadata& metadata) {
  const std::string id = metadata.text("id");
  const std::string object{to_string(metadata.kind())};
  if (id.empty()) throw MetadataError{object + ".id: is missing"};
  if (const auto problem = check_id(metadata.kind(), id)) throw MetadataError{object + ".id: '" + id + "' " + *problem};
  return id;
}

void require_kind(const Metadata& metadata, Kind kind) {
  if (metadata.kind() != kind)
    throw MetadataError{std::string{to_string(metadata.kind())} + " metadata where those of a " + std::string{to_string(kind)} +
                        " belong"};
}

/// About 17 minutes at 1 Hz, a second at 24 kHz, never more than 1 MiB: short runs waste little, long ones keep a short index.
hsize_t automatic_chunk(double sample_rate, SampleType type) {
  const double most = 1048576.0 / static_cast<double>(sample_bytes(type));
  return static_cast<hsize_t>(std::clamp(sample_rate * 1024.0, 1024.0, most));
}

void create_dataset(hid_t run, const ChannelSpec& channel, const std::string& component, double sample_rate,
                    const Metadata& metadata) {
  const hsize_t none = 0;
  const hsize_t unlimited = H5S_UNLIMITED;
  const hsize_t chunk = channel.chunk > 0 ? channel.chunk : automatic_chunk(sample_rate, channel.type);
  const h5::Space space{H5Screate_simple(1, &none, &unlimited), component};
  const h5::PropertyList create{H5Pcreate(H5P_DATASET_CREATE), component};
  h5::check(H5Pset_chunk(create.get(), 1, &chunk), component);
  h5::check(H5Pset_fill_time(create.get(), H5D_FILL_TIME_NEVER), component);
  // The header is rewritten with each flush: the smaller the better. The first 8 attributes would stretch it for good.
  h5::check(H5Pset_obj_track_times(create.get(), false), component);
  h5::check(H5Pset_attr_phase_change(create.get(), 0, 0), component);
  const h5::Dataset dataset{
      H5Dcreate2(run, component.c_str(), h5::file_type(channel.type), space.get(), H5P_DEFAULT, create.get(), H5P_DEFAULT),
      component};
  h5::write_metadata(dataset.get(), metadata);
}

void add_unique(std::vector<std::string>& list, const std::string& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

void extend_range(std::optional<UtcNanos>& first, std::optional<UtcNanos>& last, UtcNanos start, UtcNanos end) {
  first = first ? std::min(*first, start) : start;
  last = last ? std::max(*last, end) : end;
}

}  // namespace

h5::Object FileImpl::open_object(const std::string& path) const {
  return {H5Oopen(file_.get(), path.c_str(), H5P_DEFAULT), path};
}

std::string FileImpl::survey_path(std::string_view survey) const {
  return version_010_ ? "/Survey" : "/Experiment/Surveys/" + std::string{survey};
}

std::string FileImpl::station_path(const Station& station) const {
  return survey_path(station.survey) + "/Stations/" + station.metadata.text("id");
}

FileImpl::Survey& FileImpl::survey(std::string_view id) {
  const auto found = std::find_if(surveys_.begin(), surveys_.end(), [&](const Survey& s) { return s.metadata.text("id") == id; });
  if (found == surveys_.end())
    throw StateError{path_.string() + ": there is no survey '" + std::string{id} + "'; add_survey() first"};
  return *found;
}

std::size_t FileImpl::station_index(std::string_view survey, std::string_view id) const {
  const bool any_survey = version_010_ && survey.empty();
  const auto found = std::find_if(stations_.begin(), stations_.end(), [&](const Station& s) {
    return (any_survey || s.survey == survey) && s.metadata.text("id") == id;
  });
  if (found == stations_.end())
    throw StateError{path_.string() + ": there is no station '" + std::string{id} + "' in survey '" + std::string{survey} +
                     "'; add_station() first"};
  return static_cast<std::size_t>(found - stations_.begin());
}

FileImpl::Run& FileImpl::run(RunId id) {
  if (id.index >= runs_.size()) throw StateError{path_.string() + ": this run id is not from this file"};
  Run& found = runs_[id.index];
  if (found.finished) throw StateError{found.path + ": the run is finished; add_run() begins a new one"};
  return found;
}

void FileImpl::add_survey(const Metadata& metadata) {
  require_kind(metadata, Kind::Survey);
  const std::string id = checked_id(metadata);
  if (version_010_) {
    if (!surveys_.empty()) throw StateError{path_.string() + ": a file of version 0.1.0 has one survey; use file_version 0.2.0"};
    const auto group = open_object("/Survey");
    h5::write_metadata(group.get(), metadata);
  } else {
    if (std::any_of(surveys_.begin(), surveys_.end(), [&](const Survey& s) { return s.metadata.text("id") == id; }))
      throw StateError{path_.string() + ": survey '" + id + "' exists already"};
    const auto surveys = open_object("/Experiment/Surveys");
    const auto group = h5::create_group(surveys.get(), id, {});
    h5::write_metadata(group.get(), metadata);
    create_survey_groups(group.get());
  }
  surveys_.push_back({metadata, {}, {}});
}

void FileImpl::add_station(std::string_view survey_id, const Metadata& metadata) {
  require_kind(metadata, Kind::Station);
  const std::string id = checked_id(metadata);
  (void)survey(survey_id);
  if (std::any_of(stations_.begin(), stations_.end(),
                  [&](const Station& s) { return s.survey == survey_id && s.metadata.text("id") == id; }))
    throw StateError{path_.string() + ": station '" + id + "' exists already"};
  Station station{std::string{survey_id}, metadata, {}, {}, {}, {}};
  const auto group = h5::Group{H5Gcreate2(file_.get(), station_path(station).c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), id};
  h5::write_metadata(group.get(), metadata);
  create_station_groups(group.get());
  stations_.push_back(std::move(station));
}

RunId FileImpl::add_run(std::string_view survey_id, std::string_view station_id, const Metadata& metadata, UtcNanos start,
                        std::span<const ChannelSpec> channels) {
  require_kind(metadata, Kind::Run);
  const std::string id = checked_id(metadata);
  const std::size_t at = station_index(survey_id, station_id);
  Station& station = stations_[at];
  const double rate = metadata.number("sample_rate", 0);
  if (!(rate > 0)) throw MetadataError{"run.sample_rate: must be above 0 Hz"};
  if (channels.empty()) throw StateError{"run '" + id + "': needs at least one channel"};
  if (std::find(station.runs.begin(), station.runs.end(), id) != station.runs.end())
    throw StateError{station_path(station) + ": run '" + id + "' exists already"};

  // Everything is checked before anything is created, so that a refused run leaves no trace.
  Run run{at, id, station_path(station) + "/" + id, {}, rate, start, 0, 0, false, false, rows_.size(), {}};
  std::vector<Metadata> written;
  for (const auto& channel : channels) {
    written.push_back(checked_channel(run, channel));
    run.components.push_back(channel.metadata.text("component"));
  }
  Metadata full_run = metadata;
  full_run.set("time_period.start", to_mth5_time(start));
  full_run.set("time_period.end", to_mth5_time(start));

  const h5::Group group{H5Gcreate2(file_.get(), run.path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), run.path};
  h5::write_metadata(group.get(), full_run);
  for (std::size_t c = 0; c < channels.size(); ++c) rows_.push_back(create_channel(group.get(), run, channels[c], written[c]));
  write_channel_lists(group.get(), run);
  station.runs.push_back(id);
  station.touched = true;
  for (const auto& component : run.components) add_unique(station.components, component);
  extend_range(station.start, station.end, start, start);
  runs_.push_back(std::move(run));
  refresh_station_rows(at);
  write_station_times(station);
  return {runs_.size() - 1};
}

void FileImpl::add_channel(RunId id, const ChannelSpec& channel) {
  Run& target = run(id);
  if (target.n_samples > 0)
    throw StateError{target.path + ": has " + std::to_string(target.n_samples) +
                     " samples in each channel already, which a new channel would lack; begin a new run: add_run()"};
  const Metadata written = checked_channel(target, channel);
  const h5::Group group{H5Gopen2(file_.get(), target.path.c_str(), H5P_DEFAULT), target.path};
  // Rows of one run stay together: those of later runs move up.
  const std::size_t row = target.first_row + target.components.size();
  rows_.insert(rows_.begin() + static_cast<std::ptrdiff_t>(row), create_channel(group.get(), target, channel, written));
  for (auto& other : runs_)
    if (other.first_row >= row) ++other.first_row;
  target.components.push_back(channel.metadata.text("component"));
  target.waiting.clear();
  write_channel_lists(group.get(), target);
  Station& station = stations_[target.station];
  add_unique(station.components, target.components.back());
  refresh_station_rows(target.station);
  write_station_times(station);
}

Metadata FileImpl::checked_channel(const Run& run, const ChannelSpec& channel) {
  const Kind kind = channel.metadata.kind();
  if (kind != Kind::Electric && kind != Kind::Magnetic && kind != Kind::Auxiliary)
    throw MetadataError{std::string{to_string(kind)} + " metadata where those of a channel belong"};
  const std::string component = channel.metadata.text("component");
  if (component.empty()) throw MetadataError{"channel.component: is missing"};
  if (const auto problem = check_id(kind, component)) throw MetadataError{"channel.component: '" + component + "' " + *problem};
  if (std::find(run.components.begin(), run.components.end(), component) != run.components.end())
    throw StateError{run.path + ": two channels are called '" + component + "'"};
  Metadata full = channel.metadata;
  full.set("type", std::string{to_string(kind)});
  full.set("sample_rate", run.sample_rate);
  full.set("time_period.start", to_mth5_time(run.start));
  full.set("time_period.end", to_mth5_time(run.start));
  if (full.find("channel_number") == nullptr) full.set("channel_number", static_cast<std::int64_t>(run.components.size()) + 1);
  return full;
}

file::ChannelRow FileImpl::create_channel(hid_t group, const Run& run, const ChannelSpec& channel,
                                          const Metadata& written) const {
  const Station& station = stations_[run.station];
  const std::string component = written.text("component");
  create_dataset(group, channel, component, run.sample_rate, written);
  file::ChannelRow row;
  row.survey = station.survey;
  row.station = station.metadata.text("id");
  row.run = run.id;
  row.component = component;
  row.start = row.end = to_mth5_time(run.start);
  row.sample_rate = run.sample_rate;
  row.measurement_type = to_string(written.kind());
  row.azimuth = written.number("measurement_azimuth", 0);
  row.tilt = written.number("measurement_tilt", 0);
  row.units = written.text("units");
  row.channel_reference = h5::reference_to(file_.get(), run.path + "/" + component);
  row.run_reference = h5::reference_to(file_.get(), run.path);
  row.station_reference = h5::reference_to(file_.get(), station_path(station));
  return row;
}

void FileImpl::write_channel_lists(hid_t group, const Run& run) const {
  for (const Kind kind : {Kind::Electric, Kind::Magnetic, Kind::Auxiliary}) {
    std::vector<std::string> names;
    for (auto row = run.first_row; row < run.first_row + run.components.size(); ++row)
      if (rows_[row].measurement_type == to_string(kind)) names.push_back(rows_[row].component);
    h5::write_attribute(group, "channels_recorded_" + std::string{to_string(kind)}, names);
  }
}

void FileImpl::refresh_station_rows(std::size_t index) {
  const Station& station = stations_[index];
  for (auto& row : rows_) {
    if (row.survey != station.survey || row.station != station.metadata.text("id")) continue;
    row.latitude = station.metadata.number("location.latitude", 0);
    row.longitude = station.metadata.number("location.longitude", 0);
    row.elevation = station.metadata.number("location.elevation", 0);
  }
  if (rows_.empty()) return;
  summary_ = open_dataset(summary_path());
  const hsize_t total = rows_.size();
  h5::check(H5Dset_extent(summary_.get(), &total), summary_path());
  write_rows(0, rows_.size());
  summary_ = {};
}

void FileImpl::write_run_times(Run& run) {
  const Value end = to_mth5_time(run.end());
  for (const auto& component : run.components) {
    const auto channel = open_object(run.path + "/" + component);
    h5::write_attribute(channel.get(), "time_period.end", end);
  }
  const auto group = open_object(run.path);
  h5::write_attribute(group.get(), "time_period.end", end);
  Station& station = stations_[run.station];
  extend_range(station.start, station.end, run.start, run.end());
}

void FileImpl::write_station_times(Station& station) {
  const auto group = open_object(station_path(station));
  h5::write_attribute(group.get(), "time_period.start", to_mth5_time(*station.start));
  h5::write_attribute(group.get(), "time_period.end", to_mth5_time(*station.end));
  h5::write_attribute(group.get(), "run_list", station.runs);
  h5::write_attribute(group.get(), "channels_recorded", station.components);
}

void FileImpl::finish_run(RunId id) {
  Run& target = run(id);
  write_run_times(target);
  write_station_times(stations_[target.station]);
  target.finished = true;
}

TableId FileImpl::add_table(const TableSpec& spec) {
  if (std::any_of(tables_.begin(), tables_.end(), [&](const Table& t) { return t.spec.name == spec.name; }) ||
      spec.name == "state")
    throw StateError{"/Acquisition/" + spec.name + ": exists already"};
  h5::Datatype type = table_type(spec);
  const std::string path = "/Acquisition/" + spec.name;
  std::int64_t rows = 0;
  if (h5::has_link(file_.get(), path)) {
    const auto table = open_dataset(path);
    const h5::Datatype there{H5Dget_type(table.get()), path};
    if (h5::check(H5Tequal(there.get(), type.get()), path) == 0)
      throw StateError{path_.string() + ": " + path + ": exists with other columns; choose another name"};
    const h5::Space space{H5Dget_space(table.get()), path};
    rows = H5Sget_simple_extent_npoints(space.get());
  } else {
    create_acquisition_table(file_.get(), spec, 0);
  }
  tables_.push_back({spec, std::move(type), rows, {}});
  return {tables_.size() - 1};
}

void FileImpl::update_survey(const Metadata& metadata) {
  Survey& target = survey(metadata.text("id"));
  target.metadata.merge(metadata);
  const auto group = open_object(survey_path(metadata.text("id")));
  for (const auto& [name, value] : metadata.values()) h5::write_attribute(group.get(), name, value);
}

void FileImpl::update_station(std::string_view survey_id, const Metadata& metadata) {
  const std::size_t index = station_index(survey_id, metadata.text("id"));
  Station& station = stations_[index];
  station.metadata.merge(metadata);
  const auto group = open_object(station_path(station));
  for (const auto& [name, value] : metadata.values()) h5::write_attribute(group.get(), name, value);
  refresh_station_rows(index);
}

void FileImpl::update_run(RunId id, const Metadata& metadata) {
  require_kind(metadata, Kind::Run);
  const auto group = open_object(run(id).path);
  for (const auto& [name, value] : metadata.values()) h5::write_attribute(group.get(), name, value);
}

void FileImpl::finish_metadata() {
  for (auto& run : runs_) {
    if (run.finished) continue;
    write_run_times(run);
    run.finished = true;
  }
  for (auto& station : stations_) {
    if (!station.touched || !station.start) continue;
    write_station_times(station);
    Survey& owner = survey(station.survey);
    extend_range(owner.start, owner.end, *station.start, *station.end);
  }
  for (auto& survey : surveys_) {
    Metadata derived{Kind::Survey};
    const auto derive = [&](const char* name, const Value& value) {
      if (survey.metadata.find(name) == nullptr) derived.set(name, value);
    };
    if (survey.start) {
      // What people said of the survey stays, but it is never shorter than its data.
      const std::string start = to_mth5_time(*survey.start).substr(0, 10);
      const std::string end = to_mth5_time(*survey.end).substr(0, 10);
      const std::string said_start = survey.metadata.text("time_period.start_date", kNoDate);
      if (said_start == kNoDate || said_start > start) derived.set("time_period.start_date", start);
      if (const auto said_end = survey.metadata.text("time_period.end_date", kNoDate); said_end == kNoDate || said_end < end)
        derived.set("time_period.end_date", end);
    }
    const std::string id = survey.metadata.text("id");
    bool any = false;
    double north = -90;
    double south = 90;
    double east = -180;
    double west = 180;
    for (const auto& station : stations_) {
      if (station.survey != id || station.metadata.find("location.latitude") == nullptr) continue;
      any = true;
      north = std::max(north, station.metadata.number("location.latitude", 0));
      south = std::min(south, station.metadata.number("location.latitude", 0));
      east = std::max(east, station.metadata.number("location.longitude", 0));
      west = std::min(west, station.metadata.number("location.longitude", 0));
    }
    if (any) {
      derive("northwest_corner.latitude", north);
      derive("northwest_corner.longitude", west);
      derive("southeast_corner.latitude", south);
      derive("southeast_corner.longitude", east);
    }
    const auto group = open_object(survey_path(id));
    for (const auto& [name, value] : derived.values()) h5::write_attribute(group.get(), name, value);
  }
}

}  // namespace mth5
