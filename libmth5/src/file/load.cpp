#include <algorithm>
#include <array>

#include "contents/attributes.hpp"
#include "contents/index.hpp"
#include "contents/state.hpp"
#include "contents/unsupported.hpp"
#include "file/checks.hpp"
#include "file/file_impl.hpp"
#include "h5/bounded_file.hpp"
#include "h5/types.hpp"
#include "mth5/probe.hpp"

/// What is in a file that exists. One of this library that is at a commit of its own is known by its channel_summary: 10,000 runs
/// in less than a second, and no channel is looked at before open_run(). Where that table is not exactly what the groups and the
/// last commit say, and in files of other programs, every channel is opened, and the table is rewritten. Thread: writer.
namespace mth5 {

namespace {

std::int64_t length_of(const h5::Dataset& dataset, const std::string& name) {
  const h5::Space space{H5Dget_space(dataset.get()), name};
  return H5Sget_simple_extent_npoints(space.get());
}

/// "" if samples can be appended under SWMR.
std::string why_fixed(const h5::Dataset& dataset, const std::string& name) {
  const h5::PropertyList create{H5Dget_create_plist(dataset.get()), name};
  if (H5Pget_layout(create.get()) != H5D_CHUNKED) return "its size is fixed (not chunked)" + std::string{file::kMakeCopy};
  const h5::Space space{H5Dget_space(dataset.get()), name};
  hsize_t size = 0, most = 0;
  h5::check(H5Sget_simple_extent_dims(space.get(), &size, &most), name);
  if (most != H5S_UNLIMITED) return "its size is limited to " + std::to_string(most) + " samples" + file::kMakeCopy;
  H5D_chunk_index_t index{};
  h5::check(H5Dget_chunk_index_type(dataset.get(), &index), name);
  if (index == H5D_CHUNK_IDX_BTREE)
    return "its chunk index is of HDF5 before 1.10, which SWMR readers cannot follow" + std::string{file::kMakeCopy};
  return "";
}

constexpr std::array<std::string_view, 2> kOfRow{"measurement_azimuth", "measurement_tilt"};

h5::PropertyList look_access() {
  h5::PropertyList access{H5Pcreate(H5P_FILE_ACCESS), "file access list"};
  h5::use_bounded_file(access);
  h5::check(H5Pset_file_locking(access.get(), false, true), "file access list: locking");
  h5::check(H5Pset_metadata_read_attempts(access.get(), 1), "file access list: read attempts");  // as in writer_access()
  return access;
}

}  // namespace

void FileImpl::load() {
  try {
    const h5::File file{H5Fopen(path_.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, look_access().get()), path_.string()};
    std::optional<Commit> commit;
    if (h5::has_link(file.get(), "/Acquisition/state")) commit = contents::StateRow{file.get(), path_.string()}.read();
    if (commit) {
      generation_ = commit->generation + 1;
      sequence_ = commit->sequence;
    }
    // Without a journal a crash leaves lengths and rows as they were when it came.
    const bool at_a_commit = recovery_.lines.empty() || (recovery_.journal && !recovery_.damaged && recovery_.time);
    if (!commit || !at_a_commit || !load_summary(file.get(), commit->visible_samples)) load_walked(file.get());
  } catch (const FileError& e) {
    if (const auto newer = contents::unsupported(e.what(), probe(path_).superblock_version))
      throw UnsupportedError{path_.string() + ": " + *newer};
    const std::string what = e.what();
    throw FormatError{path_.string() +
                      ": damaged: " + (what.starts_with(path_.string() + ": ") ? what.substr(path_.string().size() + 2) : what)};
  }
}

bool FileImpl::load_summary(hid_t file, std::int64_t visible_samples) {
  try {
    const auto taken = contents::take_inventory(file, path_.string(), file_bytes(), visible_samples);
    version_010_ = taken.found.file_version == "0.1.0";
    if (!file::is_plain_channel_summary(file, summary_path())) return false;
    load_stations(taken.found);
    for (std::size_t i = 0; i < taken.found.runs.size(); ++i) {
      const auto& info = taken.found.runs[i];
      Run& run = load_run(taken.found, info);
      run.unseen = true;
      run.n_samples = run.flushed = info.n_samples;
      run.has_data = run.has_data_flushed = taken.has_data[i];
      for (std::size_t c = 0; c < info.channels.size(); ++c) run.rows.push_back(taken.first_rows[i] + c);
    }
    n_summary_rows_ = taken.n_rows;
    return true;
  } catch (const contents::Contradiction&) {
    return false;  // which way it was wrong a Reader's warnings() say; here it is put right
  }
}

void FileImpl::load_walked(hid_t file) {
  const auto found = contents::walk(file, path_.string(), contents::Depth::Channels, contents::most_objects(file_bytes()), {});
  version_010_ = found.file_version == "0.1.0";
  load_stations(found);
  loaded_rows_.emplace();
  for (const auto& info : found.runs) {
    if (info.channels.empty()) continue;
    Run& run = load_run(found, info);
    if (info.sample_rate <= 0) run.cannot_grow = "its sample_rate is not known";
    for (const auto index : info.channels) {
      const ChannelInfo& channel = found.channels[index];
      if (channel.sample_rate != info.sample_rate || channel.start != info.start)
        run.cannot_grow = channel.component + " has another sample_rate or time_period.start than the other channels";
      const std::string object = run.path + "/" + channel.component;
      const h5::Dataset dataset{H5Dopen2(file, object.c_str(), H5P_DEFAULT), object};
      loaded_rows_->push_back(loaded_row(run, channel, contents::metadata_of(dataset.get(), channel.kind, kOfRow)));
    }
  }
  // One that a newer HDF5 wrote cannot even be deleted: that is told before anything is changed.
  if (h5::has_link(file, summary_path())) (void)file::is_plain_channel_summary(file, summary_path());
}

void FileImpl::load_stations(const contents::Structure& found) {
  for (const auto& info : found.surveys) {
    // A new file of version 0.1.0 has this name until add_survey().
    if (version_010_ && found.stations.empty() && info.id == "default_survey") continue;
    Metadata metadata = info.metadata;
    metadata.set("id", info.id);
    surveys_.push_back({std::move(metadata), {}, {}});
  }
  for (const auto& info : found.stations) {
    Metadata metadata = info.metadata;
    metadata.set("id", info.id);
    stations_.push_back({.survey = info.survey, .metadata = std::move(metadata)});
  }
}

FileImpl::Run& FileImpl::load_run(const contents::Structure& found, const RunInfo& info) {
  const std::size_t at = station_index(info.survey, info.station);
  Station& station = stations_[at];
  Run run{.station = at,
          .id = info.id,
          .path = station_path(station) + "/" + info.id,
          .sample_rate = info.sample_rate,
          .start = info.start,
          .finished = true};
  for (const auto index : info.channels) {
    const ChannelInfo& channel = found.channels[index];
    run.components.push_back(channel.component);
    run.kinds.push_back(channel.kind);
    if (std::find(station.components.begin(), station.components.end(), channel.component) == station.components.end())
      station.components.push_back(channel.component);
  }
  station.runs.push_back(info.id);
  station.run_index.emplace(info.id, runs_.size());
  return runs_.emplace_back(std::move(run));
}

file::ChannelRow FileImpl::loaded_row(const Run& run, const ChannelInfo& channel, const Metadata& metadata) const {
  const Station& station = stations_[run.station];
  file::ChannelRow row;
  row.survey = channel.survey;
  row.station = channel.station;
  row.run = channel.run;
  row.component = channel.component;
  row.start = to_mth5_time(channel.start);
  row.sample_rate = channel.sample_rate;
  row.measurement_type = to_string(channel.kind);
  row.latitude = station.metadata.number("location.latitude");
  row.longitude = station.metadata.number("location.longitude");
  row.elevation = station.metadata.number("location.elevation");
  row.azimuth = metadata.number("measurement_azimuth", 0);
  row.tilt = metadata.number("measurement_tilt", 0);
  row.units = channel.units;
  return row;
}

std::vector<std::int64_t> FileImpl::look_at_channels(Run& run) {
  std::vector<std::int64_t> lengths;
  for (const auto& component : run.components) {
    const h5::Dataset dataset = open_dataset(run.path + "/" + component);
    lengths.push_back(length_of(dataset, component));
    if (const auto reason = why_fixed(dataset, component); !reason.empty()) run.cannot_grow = component + ": " + reason;
  }
  return lengths;
}

void FileImpl::level(Run& run, std::vector<std::int64_t>& lengths, bool may_cut) {
  const auto [shortest, longest] = std::minmax_element(lengths.begin(), lengths.end());
  const std::int64_t common = *shortest;
  const auto& shorter = run.components[static_cast<std::size_t>(shortest - lengths.begin())];
  run.n_samples = common;
  if (common == *longest) return;
  if (!may_cut) {
    run.cannot_grow = "its channels differ in length (" + shorter + " has " + std::to_string(common) + " samples, others up to " +
                      std::to_string(*longest) + ")";
    return;
  }
  for (std::size_t c = 0; c < lengths.size(); ++c) {
    if (lengths[c] == common) continue;
    const auto size = static_cast<hsize_t>(common);
    h5::check(H5Dset_extent(open_dataset(run.path + "/" + run.components[c]).get(), &size), run.path);
    recovery_.lines.push_back(run.path + "/" + run.components[c] + ": the last " + std::to_string(lengths[c] - common) +
                              " samples were cut off, as " + shorter + " has none at their times");
    lengths[c] = common;
  }
}

void FileImpl::look_at_unseen(Run& run) {
  const auto told = run.n_samples;
  run.unseen = false;
  {
    const h5::Group group{H5Gopen2(file_.get(), run.path.c_str(), H5P_DEFAULT), run.path};
    H5G_info_t members{};
    h5::check(H5Gget_info(group.get(), &members), run.path);
    const bool all_there = std::all_of(run.components.begin(), run.components.end(), [&](const auto& component) {
      return h5::check(H5Lexists(group.get(), component.c_str(), H5P_DEFAULT), run.path) > 0;
    });
    if (!all_there || members.nlinks != run.components.size()) {
      run.cannot_grow = "its channels are not those that channel_summary has; begin a new run: add_run()";
      return;
    }
  }
  auto lengths = look_at_channels(run);
  level(run, lengths, false);
  if (run.cannot_grow.empty())
    total_samples_ += run.n_samples - told;
  else
    run.n_samples = told;
}

void FileImpl::complete_rows(const Run& run, std::span<const std::int64_t> lengths, std::span<file::ChannelRow> rows) const {
  for (std::size_t c = 0; c < lengths.size(); ++c) {
    auto& row = rows[c];
    row.n_samples = lengths[c];
    row.has_data = lengths[c] > 0;
    const auto start = parse_time(row.start).value_or(run.start);
    row.end =
        lengths[c] > 0 && row.sample_rate > 0 ? to_mth5_time(sample_time(start, row.sample_rate, lengths[c] - 1)) : row.start;
    row.channel_reference = h5::reference_to(file_.get(), run.path + "/" + run.components[c]);
    row.run_reference = h5::reference_to(file_.get(), run.path);
    row.station_reference = h5::reference_to(file_.get(), station_path(stations_[run.station]));
  }
}

}  // namespace mth5
