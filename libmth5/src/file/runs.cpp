#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "file/checks.hpp"
#include "file/file_impl.hpp"
#include "h5/types.hpp"

/// Runs and their channels: everything here runs outside SWMR, called from File::edit(). A run must be cheap, as each gap begins
/// one: its attributes lie in the headers of its objects, its rows and names are put behind those that are there, and nothing
/// looks at other runs. Thread: writer.
namespace mth5 {

namespace {

constexpr std::uint64_t kMostChunk = 67'108'864;  ///< bytes: a reader has to hold a few
constexpr hsize_t kLeastChunk = 16;               ///< samples, of a run that may be opened again

/// Two minutes, at least 128 samples and never more than 1 MiB: short runs waste little, long ones keep a short index.
hsize_t automatic_chunk(double sample_rate, SampleType type) {
  const double most = 1048576.0 / static_cast<double>(sample_bytes(type));
  return static_cast<hsize_t>(std::clamp(sample_rate * 128.0, 128.0, most));
}

void check_layout(const ChannelSpec& channel, const std::string& component) {
  const std::uint64_t most = kMostChunk / sample_bytes(channel.type);
  if (channel.chunk > most)
    throw StateError{"channel '" + component + "': a chunk of " + std::to_string(channel.chunk) + " samples; at most " +
                     std::to_string(most) + " (64 MiB) are possible"};
  if (!channel.fill || channel.type == SampleType::Float64) return;
  const double fill = *channel.fill;
  const auto fits = [&]<class T>(T) {
    if constexpr (std::is_integral_v<T>)
      return fill >= std::numeric_limits<T>::lowest() && fill <= std::numeric_limits<T>::max() && fill == std::nearbyint(fill);
    else
      return std::isnan(fill) || std::abs(fill) <= std::numeric_limits<T>::max();
  };
  const bool good = channel.type == SampleType::Int16   ? fits(std::int16_t{})
                    : channel.type == SampleType::Int32 ? fits(std::int32_t{})
                                                        : fits(float{});
  if (!good)
    throw StateError{"channel '" + component + "': a fill value of " + std::to_string(fill) + " is no " +
                     std::string{to_string(channel.type)}};
}

/// @param samples  those it will ever have, 0 = not known
h5::Dataset create_dataset(hid_t run, const ChannelSpec& channel, const std::string& component, double sample_rate,
                           hsize_t samples) {
  const hsize_t unlimited = H5S_UNLIMITED;
  hsize_t chunk = channel.chunk > 0 ? channel.chunk : automatic_chunk(sample_rate, channel.type);
  if (samples > 0) chunk = std::min(chunk, std::max(samples, kLeastChunk));
  const h5::Space space{H5Screate_simple(1, &samples, &unlimited), component};
  const h5::PropertyList create{H5Pcreate(H5P_DATASET_CREATE), component};
  h5::check(H5Pset_chunk(create.get(), 1, &chunk), component);
  h5::check(H5Pset_fill_time(create.get(), H5D_FILL_TIME_NEVER), component);
  if (channel.fill) h5::check(H5Pset_fill_value(create.get(), H5T_NATIVE_DOUBLE, &*channel.fill), component);
  h5::check(H5Pset_obj_track_times(create.get(), false), component);
  h5::keep_attributes_compact(create);
  return {H5Dcreate2(run, component.c_str(), h5::file_type(channel.type), space.get(), H5P_DEFAULT, create.get(),
                     h5::uncached_access().get()),
          component};
}

void write_samples(hid_t dataset, const SampleBlock& samples, std::size_t channel, const std::string& name) {
  file::Conversion convert{dataset, name};
  const char* const from = samples.values.data + channel * samples.values.stride * samples.element_bytes;
  const char* const elements = convert(from, samples.values.n_samples, samples.memory_type);
  h5::check(H5Dwrite(dataset, convert.type(), H5S_ALL, H5S_ALL, H5P_DEFAULT, elements), name);
}

void add_unique(std::vector<std::string>& list, const std::string& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

constexpr Kind kChannelKinds[] = {Kind::Electric, Kind::Magnetic, Kind::Auxiliary};

}  // namespace

void FileImpl::set_channel_lists(Metadata& metadata, const Run& run) {
  for (const Kind kind : kChannelKinds) {
    std::vector<std::string> names;
    for (std::size_t c = 0; c < run.components.size(); ++c)
      if (run.kinds[c] == kind) names.push_back(run.components[c]);
    metadata.set("channels_recorded_" + std::string{to_string(kind)}, names);
  }
}

RunId FileImpl::add_run(std::string_view survey_id, std::string_view station_id, const Metadata& metadata, UtcNanos start,
                        std::span<const ChannelSpec> channels, const SampleBlock* samples) {
  using h5::AttributeWriter;
  require_kind(metadata, Kind::Run);
  const std::string id = checked_id(metadata);
  const std::size_t at = station_index(survey_id, station_id);
  Station& station = stations_[at];
  const double rate = metadata.number("sample_rate", 0);
  if (!(rate > 0) || !std::isfinite(rate)) throw MetadataError{"run.sample_rate: must be above 0 Hz"};
  if (contents::checked_rate(rate) != rate) {  // readers take such a rate for unknown
    std::array<char, 128> text{};
    std::snprintf(text.data(), text.size(), "run.sample_rate: %g Hz is no rate of samples: it must be from %g to %g Hz", rate,
                  contents::kMinSampleRate, contents::kMaxSampleRate);
    throw MetadataError{text.data()};
  }
  if (channels.empty()) throw StateError{"run '" + id + "': needs at least one channel"};
  if (station.run_index.contains(id)) throw StateError{station_path(station) + ": run '" + id + "' exists already"};
  if (samples != nullptr && samples->values.n_channels != channels.size())
    throw StateError{"run '" + id + "': samples of " + std::to_string(samples->values.n_channels) + " channels for " +
                     std::to_string(channels.size())};

  // Everything is checked before anything is created, so that a refused run leaves no trace.
  Run run{.station = at, .id = id, .path = station_path(station) + "/" + id, .sample_rate = rate, .start = start};
  if (samples != nullptr) {
    run.n_samples = run.flushed = static_cast<std::int64_t>(samples->values.n_samples);
    run.has_data = run.has_data_flushed = samples->has_data;
    run.finished = true;
  }
  std::vector<Metadata> written;
  for (const auto& channel : channels) {
    written.push_back(checked_channel(run, channel));
    run.components.push_back(channel.metadata.text("component"));
    run.kinds.push_back(channel.metadata.kind());
  }
  Metadata full_run = metadata;
  full_run.set("time_period.start", to_mth5_time(start));
  full_run.set("time_period.end", to_mth5_time(run.end()));
  set_channel_lists(full_run, run);

  const h5::PropertyList layout = h5::compact_group(channels.size());
  const h5::Group group{H5Gcreate2(file_.get(), run.path.c_str(), H5P_DEFAULT, layout.get(), H5P_DEFAULT), run.path};
  // A header that has room behind it stretches for its attributes, and each flush writes all of it, for the extent. Headers that
  // lie side by side do not: attributes get a place of their own.
  std::vector<h5::Dataset> datasets;
  for (std::size_t c = 0; c < channels.size(); ++c)
    datasets.push_back(create_dataset(group.get(), channels[c], run.components[c], rate, static_cast<hsize_t>(run.n_samples)));
  AttributeWriter{group.get(), AttributeWriter::Target::New}.write(full_run);
  std::vector<file::ChannelRow> rows;
  for (std::size_t c = 0; c < channels.size(); ++c) {
    AttributeWriter{datasets[c].get(), AttributeWriter::Target::New}.write(written[c]);
    if (samples != nullptr) write_samples(datasets[c].get(), *samples, c, run.path + "/" + run.components[c]);
    rows.push_back(channel_row(run, written[c], datasets[c].get(), group.get()));
    datasets[c].close(run.path);  // writes what may fail
  }
  for (const auto& row : rows) run.rows.push_back(add_row(row));
  station.runs.push_back(id);
  station.run_index.emplace(id, runs_.size());
  station.touched = station.changed = true;
  for (const auto& component : run.components) add_unique(station.components, component);
  station.start = std::min(station.start.value_or(start), start);
  station.end = std::max(station.end.value_or(start), run.end());
  total_samples_ += run.n_samples;
  if (!run.finished) growing_.push_back(runs_.size());
  runs_.push_back(std::move(run));
  return {runs_.size() - 1};
}

void FileImpl::add_channel(RunId id, const ChannelSpec& channel) {
  using h5::AttributeWriter;
  Run& target = run(id);
  if (target.n_samples > 0)
    throw StateError{target.path + ": has " + std::to_string(target.n_samples) +
                     " samples in each channel already, which a new channel would lack; begin a new run: add_run()"};
  const Metadata written = checked_channel(target, channel);
  const std::string component = written.text("component");
  const h5::Group group{H5Gopen2(file_.get(), target.path.c_str(), H5P_DEFAULT), target.path};
  target.components.push_back(component);
  target.kinds.push_back(written.kind());
  target.waiting.clear();
  const h5::Dataset dataset = create_dataset(group.get(), channel, component, target.sample_rate, 0);
  Metadata lists{Kind::Run};
  set_channel_lists(lists, target);
  const AttributeWriter of_run{group.get(), AttributeWriter::Target::Existing};
  for (const auto& [name, value] : lists.values()) of_run.write(name, value);
  AttributeWriter{dataset.get(), AttributeWriter::Target::New}.write(written);
  target.rows.push_back(add_row(channel_row(target, written, dataset.get(), group.get())));
  Station& station = stations_[target.station];
  add_unique(station.components, component);
  station.changed = true;
}

Metadata FileImpl::checked_channel(const Run& run, const ChannelSpec& channel) {
  const Kind kind = channel.metadata.kind();
  if (std::find(std::begin(kChannelKinds), std::end(kChannelKinds), kind) == std::end(kChannelKinds))
    throw MetadataError{std::string{to_string(kind)} + " metadata where those of a channel belong"};
  const std::string component = channel.metadata.text("component");
  if (component.empty()) throw MetadataError{"channel.component: is missing"};
  if (const auto problem = check_id(kind, component)) throw MetadataError{"channel.component: '" + component + "' " + *problem};
  if (std::find(run.components.begin(), run.components.end(), component) != run.components.end())
    throw StateError{run.path + ": two channels are called '" + component + "'"};
  check_layout(channel, component);
  Metadata full = channel.metadata;
  full.set("type", std::string{to_string(kind)});
  full.set("sample_rate", run.sample_rate);
  full.set("time_period.start", to_mth5_time(run.start));
  full.set("time_period.end", to_mth5_time(run.end()));
  if (full.find("channel_number") == nullptr) full.set("channel_number", static_cast<std::int64_t>(run.components.size()) + 1);
  return full;
}

file::ChannelRow FileImpl::channel_row(const Run& run, const Metadata& written, hid_t channel, hid_t group) const {
  const Station& station = stations_[run.station];
  file::ChannelRow row;
  row.survey = station.survey;
  row.station = station.metadata.text("id");
  row.run = run.id;
  row.latitude = station.metadata.number("location.latitude");
  row.longitude = station.metadata.number("location.longitude");
  row.elevation = station.metadata.number("location.elevation");
  row.component = written.text("component");
  row.start = to_mth5_time(run.start);
  row.end = to_mth5_time(run.end());
  row.n_samples = run.n_samples;
  row.sample_rate = run.sample_rate;
  row.measurement_type = to_string(written.kind());
  row.azimuth = written.number("measurement_azimuth", 0);
  row.tilt = written.number("measurement_tilt", 0);
  row.units = written.text("units");
  row.has_data = run.has_data;
  row.channel_reference = h5::reference_to(channel);
  row.run_reference = h5::reference_to(group);
  row.station_reference = h5::reference_to(file_.get(), station_path(station));
  return row;
}

}  // namespace mth5
