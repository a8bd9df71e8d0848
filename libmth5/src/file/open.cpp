#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "build_version.hpp"
#include "contents/attributes.hpp"
#include "core/filesystem.hpp"
#include "core/holders.hpp"
#include "file/acquisition_tables.hpp"
#include "file/checks.hpp"
#include "file/file_impl.hpp"
#include "h5/types.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/filesystem.hpp"
#include "mth5/probe.hpp"
#include "mth5/recover.hpp"
#include "vfd/driver.hpp"

/// Going on with a file that exists: whose it is, what its writer left, what is in it.
namespace mth5 {

namespace {

constexpr std::uint8_t kWriteFlag = 1, kSwmrFlag = 4;
constexpr unsigned kSwmrSuperblock = 3;

/// A writer that is not in SWMR mode keeps HDF5's own lock; one in SWMR mode has none (swmr-facts 2).
bool hdf5_lock_is_held(const std::filesystem::path& path) {
  const Descriptor fd{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};  // our own lock goes with it
  return fd && flock(fd.get(), LOCK_SH | LOCK_NB) != 0;
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
    store_->set_make_room(options.create.make_room);
    tell(done);
    recovering_ = repair && !recovery_.lines.empty();
    if (marked()) clear_flags();
  });
  load();
  file_ = h5::File{H5Fopen(path_.c_str(), H5F_ACC_RDWR, access().get()), path_.string()};
  H5F_info2_t info{};
  h5::check(H5Fget_info2(file_.get(), &info), path_.string());
  if (options.swmr && info.super.version < kSwmrSuperblock)
    throw StateError{path_.string() + ": was made for HDF5 before 1.10 (superblock version " +
                     std::to_string(info.super.version) + ") and cannot be SWMR" + file::kMakeCopy};
  guarded([&] { begin_changes(); });
  open_ = true;
}

/// What every file gets that is opened for writing; one commit.
void FileImpl::begin_changes() {
  ours_ = h5::has_link(file_.get(), "/Acquisition");
  for (const auto& station : stations_) create_station_groups(open_object(station_path(station)).get());
  const bool crashed = !recovery_.lines.empty();
  std::size_t row = 0;
  for (auto& run : runs_) {
    run.removable = ours_;
    if (!loaded_rows_) continue;
    auto lengths = look_at_channels(run);
    level(run, lengths, crashed && ours_);
    run.flushed = run.n_samples;
    run.has_data = run.has_data_flushed = run.n_samples > 0;
    complete_rows(run, lengths, std::span{*loaded_rows_}.subspan(row, lengths.size()));
    for (std::size_t c = 0; c < lengths.size(); ++c) run.rows.push_back(row++);
  }
  load_tables();
  if (loaded_rows_) rewrite_rows(*loaded_rows_);
  loaded_rows_.reset();
  if (crashed && ours_) finish_what_a_crash_left();
  for (const auto& run : runs_) {
    total_samples_ += run.n_samples;
    Station& station = stations_[run.station];
    station.start = station.start ? std::min(*station.start, run.start) : run.start;
    station.end = station.end ? std::max(*station.end, run.end()) : run.end();
  }
  if (crashed) remove_empty_runs();
  summary_ = {};
  time_ = host_now().time_since_epoch().count();
  visible_samples_ = total_samples_;
  open_datasets();
  for (auto& run : runs_) update_rows(run);
  h5::check(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL), path_.string());
  commit(true);
}

/// Its writer would have written final times at close. A run that had ended has its own; which had not, nothing else tells.
void FileImpl::finish_what_a_crash_left() {
  for (auto& run : runs_) {
    const h5::Group group{H5Gopen2(file_.get(), run.path.c_str(), H5P_DEFAULT), run.path};
    if (contents::text_attribute(group.get(), "time_period.end") == to_mth5_time(run.end())) continue;
    if (run.unseen) {
      auto lengths = look_at_channels(run);
      level(run, lengths, true);
      run.unseen = false;
    }
    write_run_times(run);
    stations_[run.station].touched = true;
  }
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
