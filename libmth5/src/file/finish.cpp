#include <algorithm>
#include <cmath>

#include "file/file_impl.hpp"
#include "h5/types.hpp"

/// What is written once: when a run ends, at the end of an edit, at close. Outside SWMR. Thread: writer.
namespace mth5 {

namespace {

constexpr const char* kNoDate = "1980-01-01";  ///< what MTH5 has for "not known"
constexpr const char* kNoTime = "1980-01-01T00:00:00+00:00";

void extend_range(std::optional<UtcNanos>& first, std::optional<UtcNanos>& last, UtcNanos start, UtcNanos end) {
  first = first ? std::min(*first, start) : start;
  last = last ? std::max(*last, end) : end;
}

}  // namespace

void FileImpl::finish_run(RunId id) {
  Run& target = run(id);
  write_run_times(target);
  target.finished = true;
  std::erase(growing_, id.index);
}

void FileImpl::write_run_times(Run& run) {
  using h5::AttributeWriter;
  const Value end = to_mth5_time(run.end());
  const h5::Group group{H5Gopen2(file_.get(), run.path.c_str(), H5P_DEFAULT), run.path};
  for (const auto& component : run.components) {
    const h5::Object channel{H5Oopen(group.get(), component.c_str(), H5P_DEFAULT), run.path + "/" + component};
    AttributeWriter{channel.get(), AttributeWriter::Target::Existing}.write("time_period.end", end);
  }
  AttributeWriter{group.get(), AttributeWriter::Target::Existing}.write("time_period.end", end);
  Station& station = stations_[run.station];
  extend_range(station.start, station.end, run.start, run.end());
  station.changed = true;
}

void FileImpl::write_changed_stations() {
  for (auto& station : stations_)
    if (station.changed) write_station_times(station);
}

/// Without its list of runs, which would be written with each of them: that is for close().
void FileImpl::write_station_times(Station& station) {
  using h5::AttributeWriter;
  const auto group = open_object(station_path(station));
  const AttributeWriter attributes{group.get(), AttributeWriter::Target::Existing};
  attributes.write("time_period.start", station.start ? to_mth5_time(*station.start) : kNoTime);
  attributes.write("time_period.end", station.end ? to_mth5_time(*station.end) : kNoTime);
  attributes.write("channels_recorded", station.components);
  station.changed = false;
}

/// Python cannot make a time series of a run without samples. It was begun and nothing came.
void FileImpl::remove_empty_runs() {
  const auto is_empty = [](const Run& run) { return run.n_samples == 0 && run.removable; };
  std::vector<hsize_t> rows;
  for (auto& run : runs_) {
    if (!is_empty(run)) continue;
    h5::check(H5Ldelete(file_.get(), run.path.c_str(), H5P_DEFAULT), run.path);
    rows.insert(rows.end(), run.rows.begin(), run.rows.end());
    run.rows.clear();
    if (!recovery_.lines.empty() && !open_) recovery_.lines.push_back(run.path + ": had no samples and was removed");
    run.removable = false;  // not twice
    run.finished = true;
    Station& station = stations_[run.station];
    std::erase(station.runs, run.id);
    station.run_index.erase(run.id);
    station.touched = true;
  }
  if (rows.empty()) return;
  remove_rows(std::move(rows));
  std::erase_if(growing_, [&](std::size_t index) { return runs_[index].finished; });
  // What is left may have fewer channels, and less time.
  for (auto& station : stations_) {
    if (!station.touched) continue;
    station.start.reset();
    station.end.reset();
    station.components.clear();
    for (const auto& id : station.runs) {
      const Run& run = runs_[station.run_index.at(id)];
      extend_range(station.start, station.end, run.start, run.end());
      for (const auto& component : run.components)
        if (std::find(station.components.begin(), station.components.end(), component) == station.components.end())
          station.components.push_back(component);
    }
  }
}

void FileImpl::finish_metadata() {
  remove_empty_runs();
  for (const auto index : growing_) {
    write_run_times(runs_[index]);
    runs_[index].finished = true;
  }
  growing_.clear();
  for (auto& station : stations_) {
    if (!station.touched) continue;
    write_station_times(station);
    h5::write_attribute(open_object(station_path(station)).get(), "run_list", station.runs);
    if (!station.start) continue;
    Survey& owner = survey(station.survey);
    extend_range(owner.start, owner.end, *station.start, *station.end);
  }
  for (auto& survey : surveys_) finish_survey(survey);
}

void FileImpl::finish_survey(Survey& survey) {
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
    const double latitude = station.metadata.number("location.latitude");
    const double longitude = station.metadata.number("location.longitude");
    if (station.survey != id || std::isnan(latitude) || std::isnan(longitude)) continue;
    any = true;
    north = std::max(north, latitude);
    south = std::min(south, latitude);
    east = std::max(east, longitude);
    west = std::min(west, longitude);
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

}  // namespace mth5
