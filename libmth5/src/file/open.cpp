#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "build_version.hpp"
#include "core/filesystem.hpp"
#include "core/holders.hpp"
#include "file/acquisition_tables.hpp"
#include "file/file_impl.hpp"
#include "h5/types.hpp"
#include "mth5/filesystem.hpp"
#include "mth5/reader.hpp"
#include "mth5/recover.hpp"
#include "vfd/driver.hpp"

/// Going on with a file that exists: whose it is, what its writer left, what is in it.
namespace mth5 {

namespace {

constexpr std::uint8_t kWriteFlag = 1, kSwmrFlag = 4;
constexpr unsigned kSwmrSuperblock = 3;
constexpr const char* kMakeCopy = "; mth5-recover --set-swmr FILE makes a copy that can";

/// A writer that is not in SWMR mode keeps HDF5's own lock; one in SWMR mode has none (swmr-facts 2).
bool hdf5_lock_is_held(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool held = flock(fd, LOCK_SH | LOCK_NB) != 0;
  ::close(fd);  // and with it our own lock
  return held;
}

/// Ours: its writer holds a lock, so without one it is dead for certain.
bool has_acquisition(const std::filesystem::path& path) {
  const h5::PropertyList access = h5::writer_access();
  const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access.get());
  if (id < 0) {
    (void)h5::take_error_stack();
    return false;
  }
  const h5::File file{id, path.string()};
  return h5::has_link(file.get(), "/Acquisition");
}

[[noreturn]] void refuse_second_writer(const std::filesystem::path& path) {
  if (core::is_written_by_this_process(path))
    throw BusyError{path.string() + ": this process is writing this file already; a file has one writer", getpid()};
  const auto holders = core::writers_of(path);
  throw BusyError{path.string() + ": another process" + core::in_words(holders) + " is writing this file; a file has one writer",
                  holders.writers.empty() ? 0 : holders.writers.front().pid};
}

/// @returns whether all processes could be looked into
bool refuse_foreign_writer(const std::filesystem::path& path) {
  const auto holders = core::writers_of(path);
  if (!holders.writers.empty() || hdf5_lock_is_held(path))
    throw BusyError{path.string() + ": another program" + core::in_words(holders) + " has this file open for writing",
                    holders.writers.empty() ? 0 : holders.writers.front().pid};
  return holders.all_seen;
}

void set_flag(const h5::PropertyList& access, const char* name) {
  const hbool_t yes = 1;
  h5::check(H5Pset(access.get(), name, &yes), name);
}

std::int64_t length_of(const h5::Dataset& dataset, const std::string& name) {
  const h5::Space space{H5Dget_space(dataset.get()), name};
  return H5Sget_simple_extent_npoints(space.get());
}

/// "" if samples can be appended under SWMR.
std::string why_fixed(const h5::Dataset& dataset, const std::string& name) {
  const h5::PropertyList create{H5Dget_create_plist(dataset.get()), name};
  if (H5Pget_layout(create.get()) != H5D_CHUNKED) return "its size is fixed (not chunked)" + std::string{kMakeCopy};
  const h5::Space space{H5Dget_space(dataset.get()), name};
  hsize_t size = 0, most = 0;
  h5::check(H5Sget_simple_extent_dims(space.get(), &size, &most), name);
  if (most != H5S_UNLIMITED) return "its size is limited to " + std::to_string(most) + " samples" + kMakeCopy;
  H5D_chunk_index_t index{};
  h5::check(H5Dget_chunk_index_type(dataset.get(), &index), name);
  if (index == H5D_CHUNK_IDX_BTREE)
    return "its chunk index is of HDF5 before 1.10, which SWMR readers cannot follow" + std::string{kMakeCopy};
  return "";
}

}  // namespace

void require_no_writer(const std::filesystem::path& path) {
  if (probe(path).locked) refuse_second_writer(path);
  (void)refuse_foreign_writer(path);
}

FileImpl::FileImpl(std::filesystem::path path, const OpenOptions& options) : path_{std::move(path)}, work_path_{path_} {
  h5::initialise();
  (void)probe(path_);  // a file at all, and HDF5
  core::require_local(path_, network_file_system(path_), options.create.allow_network);
  const bool repair = !options.keep_before.empty();
  try {
    lock_ = h5::WriterLock{path_, repair ? std::function<bool()>{[&] { return core::nobody_writes(path_); }} : nullptr};
  } catch (const BusyError&) {
    if (probe(path_).locked) refuse_second_writer(path_);
    throw;  // a reader's lock
  }
  const auto marked = [&] { return (probe(path_).consistency_flags & (kWriteFlag | kSwmrFlag)) != 0; };
  if (marked()) refuse_living_foreigner();
  guarded([&] {
    if (options.rehearse) {
      store_ = std::make_unique<vfd::JournaledFile>(vfd::JournaledFile::rehearse(lock_.fd(), path_));
      return;
    }
    vfd::Replay done;
    store_ = std::make_unique<vfd::JournaledFile>(vfd::JournaledFile::open(lock_.fd(), path_, done, options.keep_before));
    tell(done);
    recovering_ = repair && !recovery_.lines.empty();
    if (marked()) clear_flags();
  });
  {
    Reader reader{path_, {.walk = true}};
    version_010_ = reader.file_version() == "0.1.0";
    load(reader);
    if (const auto commit = reader.last_commit()) {
      generation_ = commit->generation + 1;
      sequence_ = commit->sequence;
    }
  }
  file_ = h5::File{H5Fopen(path_.c_str(), H5F_ACC_RDWR, access().get()), path_.string()};
  H5F_info2_t info{};
  h5::check(H5Fget_info2(file_.get(), &info), path_.string());
  if (options.swmr && info.super.version < kSwmrSuperblock)
    throw StateError{path_.string() + ": was made for HDF5 before 1.10 (superblock version " +
                     std::to_string(info.super.version) + ") and cannot be SWMR" + kMakeCopy};
  guarded([&] { begin_changes(); });
  open_ = true;
}

/// What every file gets that is opened for writing; one commit.
void FileImpl::begin_changes() {
  ours_ = h5::has_link(file_.get(), "/Acquisition");
  for (const auto& station : stations_) create_station_groups(open_object(station_path(station)).get());
  std::size_t row = 0;
  for (auto& run : runs_) {
    run.removable = ours_;
    check_channels(run, std::span{loaded_rows_}.subspan(row, run.components.size()));
    for (std::size_t c = 0; c < run.components.size(); ++c) run.rows.push_back(row++);
    total_samples_ += run.n_samples;
  }
  load_tables();
  rewrite_rows(loaded_rows_);
  loaded_rows_ = {};
  if (!recovery_.lines.empty()) remove_empty_runs();
  summary_ = {};
  time_ = host_now().time_since_epoch().count();
  visible_samples_ = total_samples_;
  open_datasets();
  h5::check(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL), path_.string());
  commit(true);
}

void FileImpl::refuse_living_foreigner() {
  if (!refuse_foreign_writer(path_) && !vfd::Journal::find(lock_.fd(), path_) && !has_acquisition(path_))
    throw StateError{path_.string() +
                     ": is marked as being written, and whether its writer lives cannot be seen by this user; if none does, open "
                     "it as root"};
}

void FileImpl::tell(const vfd::Replay& done) {
  recovery_.journal = done.journal;
  if (done.clean || !done.journal) return;
  if (done.time == 0) {
    recovery_.lines.push_back("its writer died, and its journal was overwritten by something: taken as it is");
    return;
  }
  const auto text = [](std::int64_t ns) { return to_iso(UtcNanos{Nanos{ns}}); };
  recovery_.damaged = done.damaged;
  recovery_.places = static_cast<std::int64_t>(done.ranges);
  recovery_.bytes = static_cast<std::int64_t>(done.bytes);
  recovery_.removed_bytes = static_cast<std::int64_t>(done.cut_bytes);
  recovery_.time = UtcNanos{Nanos{done.time}};
  recovery_.samples = done.samples;
  recovery_.lost_samples = done.lost_samples;
  recovery_.lines.push_back("its writer died without closing it: brought to its last commit, of " + text(done.time) + ", with " +
                            std::to_string(done.samples) + " samples a channel; " + std::to_string(done.bytes) + " bytes in " +
                            std::to_string(done.ranges) + " places put back, " + std::to_string(done.cut_bytes) +
                            " bytes of no commit removed behind the end");
  if (done.not_kept > 0)
    recovery_.lines.push_back(std::to_string(done.not_kept) +
                              " of the bytes behind the end were too many to be kept: --undo cannot bring them back");
  if (done.lost_samples)
    recovery_.lines.push_back("a later flush, of " + text(*done.lost_time) + ", with " + std::to_string(*done.lost_samples) +
                              " more samples a channel was not synced yet and did not reach the medium whole: lost");
  if (done.damaged)
    recovery_.lines.push_back(
        "what the last sync had written is not all there: the medium lost samples that were synced; "
        "mth5-recover --check tells which can be read");
}

void FileImpl::clear_flags() {
  // The flags alone must not be cleared in a file without a journal: opened and closed so it is cut at the end its superblock
  // tells, and loses what was flushed (swmr-facts 7). The end is moved behind everything that is there first.
  const auto list = access();
  set_flag(list, "clear_status_flags");
  set_flag(list, "skip_eof_check");
  h5::File file{H5Fopen(path_.c_str(), H5F_ACC_RDWR, list.get()), path_.string() + ": recovery"};
  h5::check(H5Fincrement_filesize(file.get(), 0), path_.string() + ": recovery");
  file.close(path_.string() + ": recovery");
  store_->commit(true, recovery_.samples);
  if (recovery_.lines.empty())
    recovery_.lines.push_back("its writer died without closing it: opened up to the last byte that is there");
}

void FileImpl::load(Reader& reader) {
  for (const auto& info : reader.surveys()) {
    // A new file of version 0.1.0 has this name until add_survey().
    if (version_010_ && reader.stations().empty() && info.id == "default_survey") continue;
    Metadata metadata = info.metadata;
    metadata.set("id", info.id);
    surveys_.push_back({std::move(metadata), {}, {}});
  }
  for (const auto& info : reader.stations()) {
    Metadata metadata = info.metadata;
    metadata.set("id", info.id);
    stations_.push_back({.survey = info.survey, .metadata = std::move(metadata)});
  }
  for (const auto& info : reader.runs())
    if (!info.channels.empty()) load_run(info, reader);
}

void FileImpl::load_run(const RunInfo& info, const Reader& reader) {
  const std::size_t at = station_index(info.survey, info.station);
  Station& station = stations_[at];
  Run run{.station = at,
          .id = info.id,
          .path = station_path(station) + "/" + info.id,
          .sample_rate = info.sample_rate,
          .start = info.start,
          .finished = true};
  if (info.sample_rate <= 0) run.cannot_grow = "its sample_rate is not known";
  for (const auto index : info.channels) {
    const ChannelInfo& channel = reader.channels()[index];
    run.components.push_back(channel.component);
    run.kinds.push_back(channel.kind);
    if (channel.sample_rate != info.sample_rate || channel.start != info.start)
      run.cannot_grow = channel.component + " has another sample_rate or time_period.start than the other channels";
    file::ChannelRow row;
    row.survey = info.survey;
    row.station = info.station;
    row.run = info.id;
    row.component = channel.component;
    row.start = to_mth5_time(channel.start);
    row.sample_rate = channel.sample_rate;
    row.measurement_type = to_string(channel.kind);
    row.latitude = station.metadata.number("location.latitude", 0);
    row.longitude = station.metadata.number("location.longitude", 0);
    row.elevation = station.metadata.number("location.elevation", 0);
    const Metadata metadata = reader.channel_metadata(index);
    row.azimuth = metadata.number("measurement_azimuth", 0);
    row.tilt = metadata.number("measurement_tilt", 0);
    row.units = channel.units;
    loaded_rows_.push_back(std::move(row));
    if (std::find(station.components.begin(), station.components.end(), channel.component) == station.components.end())
      station.components.push_back(channel.component);
  }
  station.runs.push_back(info.id);
  station.run_index.emplace(info.id, runs_.size());
  runs_.push_back(std::move(run));
}

void FileImpl::check_channels(Run& run, std::span<file::ChannelRow> rows) {
  std::vector<h5::Dataset> datasets;
  std::vector<std::int64_t> lengths;
  for (const auto& component : run.components) {
    datasets.push_back(open_dataset(run.path + "/" + component));
    lengths.push_back(length_of(datasets.back(), component));
    if (const auto reason = why_fixed(datasets.back(), component); !reason.empty()) run.cannot_grow = component + ": " + reason;
  }
  const auto [shortest, longest] = std::minmax_element(lengths.begin(), lengths.end());
  const std::int64_t common = *shortest;
  const auto& shorter = run.components[static_cast<std::size_t>(shortest - lengths.begin())];
  if (common != *longest) {
    if (recovery_.lines.empty() || !ours_) {
      run.cannot_grow = "its channels differ in length (" + shorter + " has " + std::to_string(common) +
                        " samples, others up to " + std::to_string(*longest) + ")";
    } else {
      for (std::size_t c = 0; c < lengths.size(); ++c) {
        if (lengths[c] == common) continue;
        const auto size = static_cast<hsize_t>(common);
        h5::check(H5Dset_extent(datasets[c].get(), &size), run.path);
        recovery_.lines.push_back(run.path + "/" + run.components[c] + ": the last " + std::to_string(lengths[c] - common) +
                                  " samples were cut off, as " + shorter + " has none at their times");
        lengths[c] = common;
      }
    }
  }
  run.n_samples = run.flushed = common;
  run.has_data = run.has_data_flushed = common > 0;
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
  Station& station = stations_[run.station];
  if (!recovery_.lines.empty() && ours_) {  // its writer would have written them at close
    write_run_times(run);
    station.touched = true;
  }
  station.start = station.start ? std::min(*station.start, run.start) : run.start;
  station.end = station.end ? std::max(*station.end, run.end()) : run.end();
}

void FileImpl::load_tables() {
  const std::string root = version_010_ ? "/Survey" : "/Experiment";
  const auto group = open_object(root);
  file::replace_unfit_summaries(group.get());
  row_type_ = file::channel_summary_type();
  state_type_ = table_type(state_table());
  if (ours_)
    give_uuid(open_object("/Acquisition").get());
  else
    create_acquisition(file_.get(), std::string{"mth5-daq "} + kVersion);
}

}  // namespace mth5
