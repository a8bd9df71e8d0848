#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "build_version.hpp"
#include "core/durable.hpp"
#include "core/filesystem.hpp"
#include "file/acquisition_tables.hpp"
#include "file/file_impl.hpp"
#include "h5/types.hpp"
#include "mth5/filesystem.hpp"
#include "vfd/driver.hpp"

namespace mth5 {

namespace fs = std::filesystem;

namespace {

constexpr const char* kState = "/Acquisition/state";
constexpr std::int64_t kPidsEnd = 10'000'000;  ///< no process has a number from here on

/// Work files without a sample that could not be removed, as where their folder was taken away. Thread: any.
class LeftOvers {
 public:
  void add(fs::path path, int fd) {
    struct stat info {};
    if (fstat(fd, &info) != 0 || info.st_nlink == 0) return;
    const std::lock_guard guard{mutex_};
    files_.push_back({std::move(path), info.st_dev, info.st_ino});
  }
  /// Those that can be by now.
  void remove() {
    const std::lock_guard guard{mutex_};
    std::erase_if(files_, [](const File& file) {
      struct stat info {};
      const bool is_it = lstat(file.path.c_str(), &info) == 0 && info.st_dev == file.device && info.st_ino == file.inode;
      return is_it && unlink(file.path.c_str()) == 0;
    });
  }

 private:
  struct File {
    fs::path path;
    dev_t device;
    ino_t inode;
  };
  std::mutex mutex_;
  std::vector<File> files_;
};

LeftOvers& left_overs() {
  static LeftOvers all;
  return all;
}

}  // namespace

FileImpl::FileImpl(fs::path path, const CreateOptions& options)
    : path_{std::move(path)}, other_name_{options.other_name}, version_010_{options.file_version == "0.1.0"} {
  h5::initialise();
  if (!version_010_ && options.file_version != "0.2.0")
    throw StateError{path_.string() + ": file version '" + options.file_version + "' is not one of 0.1.0, 0.2.0"};
  if (!path_.has_filename()) throw FileError{"'" + path_.string() + "': names no file; give the data file a name"};
  core::require_local(path_, network_file_system(path_), options.allow_network);
  while (fs::exists(fs::symlink_status(path_))) take_other_name();
  left_overs().remove();
  try {
    guarded([&] { create(options); });
  } catch (const FileError&) {
    remove_unused();
    throw;
  }
}

FileImpl::~FileImpl() {
  try {
    close();
  } catch (const Error& e) {
    std::fprintf(stderr, "libmth5: %s\n", e.what());
  }
}

void FileImpl::create(const CreateOptions& options) {
  // HDF5 says "unable to open file" for most reasons; the system knows better.
  create_work_file();
  store_ = std::make_unique<vfd::JournaledFile>(vfd::JournaledFile::create(lock_.fd(), path_, options.journal_bytes));
  store_->set_make_room(options.make_room);
  const h5::PropertyList layout{H5Pcreate(H5P_FILE_CREATE), "file creation list"};
  h5::check(H5Pset_userblock(layout.get(), store_->user_block()), "file creation list: user block");
  file_ = h5::File{H5Fcreate(work_path_.c_str(), H5F_ACC_TRUNC, layout.get(), access().get()), path_.string()};
  open_ = true;

  const auto root = h5::Group{H5Gopen2(file_.get(), "/", H5P_DEFAULT), "/"};
  h5::write_attribute(root.get(), "file.type", std::string{"MTH5"});
  h5::write_attribute(root.get(), "file.version", options.file_version);
  h5::write_attribute(root.get(), "data_level", std::int64_t{1});
  h5::write_attribute(root.get(), "file.access.platform", platform_text());
  h5::write_attribute(root.get(), "file.access.time", to_mth5_time(host_now()));
  const std::string version = options.software_version.empty() ? kVersion : options.software_version;
  h5::write_attribute(root.get(), "mth5.software.name", options.software_name);
  h5::write_attribute(root.get(), "mth5.software.version", version);
  if (version_010_) {
    const auto survey = h5::create_group(file_.get(), "Survey", {});
    Metadata metadata{Kind::Survey};
    metadata.set("id", std::string{"default_survey"});
    h5::write_metadata(survey.get(), metadata);
    create_survey_groups(survey.get());
    file::create_summaries(survey.get());
  } else {
    const auto experiment = h5::create_group(file_.get(), "Experiment", "Experiment");
    (void)h5::create_group(experiment.get(), "Surveys", "MasterSurvey");
    (void)h5::create_group(experiment.get(), "Reports", "Reports");
    (void)h5::create_group(experiment.get(), "Standards", "Standards");
    file::create_summaries(experiment.get());
  }
  create_acquisition(file_.get(), options.software_name + " " + version);
  row_type_ = file::channel_summary_type();
  state_type_ = table_type(state_table());
  time_ = host_now().time_since_epoch().count();
  open_datasets();
}

void FileImpl::create_work_file() {
  // The pid keeps leftovers of a process that was killed here from standing in the way; one of our own, or of a process that had
  // our pid, is passed over with a number that is no pid.
  for (std::int64_t number = getpid();; number += kPidsEnd) {
    work_path_ = path_.parent_path() / ("." + path_.filename().string() + "." + std::to_string(number) + ".part");
    try {
      lock_ = h5::WriterLock::create(work_path_, path_);
      return;
    } catch (const FileError& e) {
      if (e.code() != std::errc::file_exists) throw;
    }
  }
}

h5::PropertyList FileImpl::access() {
  h5::PropertyList list = h5::writer_access();
  vfd::use(list, *store_);
  return list;
}

void FileImpl::take_other_name() {
  const fs::path taken = path_;
  if (other_name_) path_ = other_name_();
  if (path_ == taken)
    throw FileError{path_.string() + ": exists already and is never overwritten; choose another name",
                    std::make_error_code(std::errc::file_exists)};
}

bool FileImpl::take_name() {
  if (work_path_ == path_) return false;
  const fs::path wanted = path_;
  while (!core::rename_new(work_path_, path_)) take_other_name();
  core::sync_directory(path_.parent_path());
  work_path_ = path_;
  return path_ != wanted;
}

void FileImpl::remove_unused() {
  if (lock_.fd() < 0 || work_path_ == path_ || total_samples_ > 0) return;
  std::error_code later;  // the failure that led here is told
  if (!fs::remove(work_path_, later)) left_overs().add(work_path_, lock_.fd());
}

void FileImpl::require_writable(const char* call) const {
  if (!open_) throw StateError{path_.string() + ": " + call + ": the file is closed"};
  if (failed_) throw StateError{path_.string() + ": " + call + ": an earlier write failed; close this file and open the next"};
}

void FileImpl::require_outside_edit(const char* call) const {
  if (editing_) throw StateError{path_.string() + ": " + call + ": not inside edit(); call it before or after"};
}

void FileImpl::require_editing(const char* call) const {
  if (!editing_) throw StateError{path_.string() + ": " + call + ": an Edit is good only inside the function given to edit()"};
}

FileName FileImpl::still_there() const {
  struct stat open {};
  struct stat named {};
  if (!open_ || fstat(lock_.fd(), &open) != 0) throw StateError{path_.string() + ": still_there: the file is closed"};
  if (static_cast<std::uint64_t>(open.st_size) < store_->size()) return FileName::Cut;
  if (stat(work_path_.c_str(), &named) == 0 && named.st_dev == open.st_dev && named.st_ino == open.st_ino) return FileName::There;
  return open.st_nlink > 0 ? FileName::Renamed : FileName::Deleted;
}

std::uintmax_t FileImpl::file_bytes() const {
  struct stat info {};
  const bool known = lock_.fd() >= 0 ? fstat(lock_.fd(), &info) == 0 : stat(path_.c_str(), &info) == 0;
  return known ? static_cast<std::uintmax_t>(info.st_size) : 0;
}

h5::Dataset FileImpl::open_dataset(const std::string& path) const {
  return {H5Dopen2(file_.get(), path.c_str(), h5::uncached_access().get()), path_.string() + ": " + path};
}

void FileImpl::open_run_datasets(Run& run) {
  for (const auto& component : run.components) {
    const std::string path = run.path + "/" + component;
    run.datasets.push_back(open_dataset(path));
    run.paths.emplace_back(file_.get(), run.datasets.back().get(), *store_, path_.string() + ": " + path);
  }
}

void FileImpl::open_datasets() {
  for (const auto index : growing_) open_run_datasets(runs_[index]);
  for (auto& table : tables_) table.dataset = open_dataset("/Acquisition/" + table.spec.name);
  summary_ = open_dataset(summary_path());
  state_ = open_dataset(kState);
  summary_path_.emplace(file_.get(), summary_.get(), *store_, path_.string() + ": channel_summary");
  state_path_.emplace(file_.get(), state_.get(), *store_, path_.string() + ": " + kState);
  datasets_open_ = true;
}

void FileImpl::close_datasets() {
  for (const auto index : growing_) {
    runs_[index].paths.clear();
    runs_[index].datasets.clear();
  }
  summary_path_.reset();
  state_path_.reset();
  for (auto& table : tables_) table.dataset = {};
  summary_ = {};
  state_ = {};
  datasets_open_ = false;
}

void FileImpl::start_swmr() {
  require_writable("start_swmr");
  require_outside_edit("start_swmr");
  if (swmr_) return;
  guarded([&] {
    stage();
    reenter_swmr();
    commit(true);
    if (!take_name()) return;
    store_->renamed(path_);
    close_datasets();
    open_datasets();
  });
}

void FileImpl::reenter_swmr() {
  // Datasets are opened after the start: a chunk cache setting from before it is lost (HDF5 issue 1730).
  close_datasets();
  h5::check(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL), path_.string());
  h5::check(H5Fstart_swmr_write(file_.get()), path_.string() + ": SWMR cannot start");
  swmr_ = true;
  open_datasets();
}

void FileImpl::leave_swmr() {
  stage();
  close_datasets();
  file_.close(path_.string());
  file_ = h5::File{H5Fopen(work_path_.c_str(), H5F_ACC_RDWR, access().get()), path_.string()};
  swmr_ = false;
}

void FileImpl::edit(Edit& edit, const std::function<void(Edit&)>& change) {
  require_writable("edit");
  require_outside_edit("edit");
  if (!change) throw StateError{path_.string() + ": edit without a function that changes anything"};
  const bool live = swmr_;
  guarded([&] {
    if (live) {
      leave_swmr();
    } else {
      stage();
      close_datasets();
    }
  });
  ++generation_;
  // All of this window, closing and opening included, reaches the file with this one commit.
  const auto back = [&] {
    editing_ = false;
    guarded([&] {
      write_changed_stations();
      write_new_rows();
      summary_ = {};
      if (total_samples_ != visible_samples_) note_commit();
      if (live)
        reenter_swmr();
      else
        open_datasets();
      commit(work_path_ == path_);
    });
  };
  editing_ = true;
  try {
    guarded([&] { change(edit); });
  } catch (const FileError&) {
    editing_ = false;
    throw;
  } catch (...) {
    back();
    throw;
  }
  back();
}

void FileImpl::append(RunId id, const SampleBlock& samples, std::optional<UtcNanos> first) {
  check_append(id, samples.values.n_channels, samples.values.n_samples, samples.values.stride, samples.values.data, first);
  Run& target = run(id);
  if (samples.values.n_samples == 0) return;
  guarded([&] {
    const auto start = static_cast<hsize_t>(target.n_samples);
    const auto count = static_cast<hsize_t>(samples.values.n_samples);
    const hsize_t size = start + count;
    for (std::size_t c = 0; c < target.datasets.size(); ++c) {
      h5::check(H5Dset_extent(target.datasets[c].get(), &size), target.path);
      target.paths[c].write(start, count, samples.values.data + c * samples.values.stride * samples.element_bytes,
                            samples.memory_type);
    }
    target.n_samples += static_cast<std::int64_t>(count);
    total_samples_ += static_cast<std::int64_t>(count);
    target.has_data = target.has_data || samples.has_data;
    mark_dirty(static_cast<std::int64_t>(count));
  });
  if (flush_is_due()) flush();
}

void FileImpl::append_rows(TableId id, const Rows& rows) {
  require_writable("append_rows");
  require_outside_edit("append_rows");
  if (rows.columns() != known_table(id).spec.columns)
    throw StateError{"/Acquisition/" + known_table(id).spec.name + ": append of rows with other columns"};
  if (!rows.is_whole()) throw StateError{"/Acquisition/" + known_table(id).spec.name + ": append of a row that is not complete"};
  Table& table = tables_[id.index];
  if (rows.size() == 0) return;
  guarded([&] {
    const auto start = static_cast<hsize_t>(table.n_rows);
    const auto count = static_cast<hsize_t>(rows.size());
    const hsize_t size = start + count;
    const h5::Space memory{H5Screate_simple(1, &count, nullptr), table.spec.name};
    const h5::Space where{H5Screate_simple(1, &size, nullptr), table.spec.name};
    h5::check(H5Sselect_hyperslab(where.get(), H5S_SELECT_SET, &start, nullptr, &count, nullptr), table.spec.name);
    h5::check(H5Dset_extent(table.dataset.get(), &size), table.spec.name);
    h5::check(H5Dwrite(table.dataset.get(), table.type.get(), memory.get(), where.get(), H5P_DEFAULT, rows.bytes().data()),
              table.spec.name);
    table.n_rows += static_cast<std::int64_t>(count);
    mark_dirty(0);
  });
}

void FileImpl::flush() {
  require_writable("flush");
  require_outside_edit("flush");
  if (!dirty_) return;
  guarded([&] {
    stage();
    commit(false);
  });
}

void FileImpl::stage() {
  if (!dirty_) return;
  h5::check(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL), path_.string() + ": flush");
  // Only now: commits keep this order, and the table never promises samples that a reader cannot get.
  for (const auto index : growing_) update_rows(runs_[index]);
  note_commit();
  dirty_ = false;
  unflushed_ = 0;
  first_unflushed_.reset();
}

void FileImpl::note_commit() {
  ++sequence_;
  time_ = host_now().time_since_epoch().count();
  visible_samples_ = total_samples_;
}

void FileImpl::note_durable() {
  durable_sequence_ = sequence_;
  durable_time_ = time_;
  durable_samples_ = visible_samples_;
}

void FileImpl::commit(bool durable) {
  if (durable) note_durable();  // nobody sees the row before it is true
  write_state();
  if (store_->commit(durable, visible_samples_)) note_durable();
}

void FileImpl::update_rows(Run& run) {
  if (run.flushed == run.n_samples) return;
  file::ChannelRow row;
  row.end = to_mth5_time(run.end());
  row.n_samples = run.n_samples;
  const auto growth = file::pack_growth(row);
  for (const auto at : run.rows) {
    summary_path_->overwrite(at, file::kGrowthOffset, growth.data(), growth.size());
    if (run.has_data == run.has_data_flushed) continue;
    const auto has_data = static_cast<std::int8_t>(run.has_data);
    summary_path_->overwrite(at, file::kHasDataOffset, &has_data, sizeof has_data);
  }
  run.flushed = run.n_samples;
  run.has_data_flushed = run.has_data;
}

void FileImpl::sync() {
  require_writable("sync");
  require_outside_edit("sync");
  if (!dirty_ && durable_sequence_ == sequence_) return;
  guarded([&] {
    stage();
    commit(true);
  });
}

void FileImpl::write_state() {
  static_assert(sizeof(StateRow) == kStateColumns * sizeof(std::int64_t));
  const std::int64_t closed = !closed_in_order_ ? 0 : recovering_ ? kClosedByRecovery : kClosedInOrder;
  const StateRow row{sequence_, generation_, time_,  durable_sequence_, durable_time_, visible_samples_, durable_samples_,
                     buffered_, getpid(),    closed, sequence_};
  state_path_->overwrite(0, 0, &row, sizeof row);
}

void FileImpl::close() {
  if (!open_) return;
  require_outside_edit("close");
  if (failed_) {  // what is on disk stays as it is; only the ids go
    open_ = false;
    close_datasets();
    remove_unused();
    file_.close(path_.string());
    lock_ = {};
    return;
  }
  const std::string waiting = waiting_text();
  guarded([&] {
    if (swmr_)
      leave_swmr();
    else {
      stage();
      close_datasets();
    }
    finish_metadata();
    summary_ = {};
    open_datasets();
    closed_in_order_ = true;
    buffered_ = 0;
    visible_samples_ = total_samples_;
    note_durable();
    write_state();
    close_datasets();
    file_.close(path_.string());
    store_->commit(true, visible_samples_);
    store_->close();
    (void)take_name();
  });
  open_ = false;
  lock_ = {};
  if (!waiting.empty()) throw StateError{waiting};
}

}  // namespace mth5
