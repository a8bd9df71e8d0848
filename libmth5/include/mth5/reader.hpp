#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mth5/clock.hpp"
#include "mth5/contents.hpp"
#include "mth5/filter.hpp"
#include "mth5/metadata.hpp"
#include "mth5/probe.hpp"
#include "mth5/table.hpp"
#include "mth5/time.hpp"
#include "mth5/types.hpp"

/// Reading MTH5 files, closed ones and ones that are being written (HDF5 SWMR), of this library and of Python `mth5`, file
/// versions 0.1.0 and 0.2.0. A reader takes no lock, writes nothing and never slows the writer.
namespace mth5 {

struct ReaderOptions {
  unsigned metadata_read_attempts = 26;      ///< of HDF5; its own default of 100 can hang for minutes (swmr-facts 1)
  std::chrono::milliseconds deadline{3000};  ///< how long an open is retried while a writer edits the structure
  /// Told the path of each object before HDF5 touches it: for who must know where HDF5 died. May be empty.
  std::function<void(const std::string& object)> visiting = {};
  /// true: the structure is found by walking every group and dataset, 0.1 ms each, also where the file's own channel_summary
  /// would do. For who checks files.
  bool walk = false;
  /// true: a channel has the samples of its own dataset, also where others of its run have fewer; implies `walk`. For who
  /// compares channel by channel: one that somebody adds later changes nothing of the others.
  bool own_lengths = false;
  /// Tables under /Acquisition that are as if the file did not have them: of damaged ones, so that all else can be read.
  std::vector<std::string> leave_out = {};
};

/// An open file.
///
/// Files of this library are opened by their channel_summary, in one read: runs, channels and the lengths of all runs that
/// cannot grow any more come from it, and datasets and attributes are touched when they are asked for. Lengths of runs that can
/// still grow are those of their datasets. Where that table contradicts the groups, and in files of other programs, everything
/// is walked (warnings() names the contradiction). Not seen until a walk: start, rate, units or length of a run that another
/// program changed without rewriting the table.
///
/// HDF5 shares what one process opens twice, and so what it has cached: a second Reader of a file that is being
/// written, or one in the writer's process, follows no change of structure. Thread: one thread per object, and one thread per
/// process at a time inside HDF5 (Debian's library has one lock).
class Reader {
 public:
  /// @throws FileError (missing, not readable, refused until the deadline), FormatError (not HDF5, not MTH5, damaged),
  /// UnsupportedError (whole, but it needs a newer HDF5)
  explicit Reader(std::filesystem::path path, ReaderOptions options = {});
  ~Reader();
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;

  [[nodiscard]] const std::filesystem::path& path() const;
  [[nodiscard]] FileState state() const;  ///< asks anew: a writer may have closed or died meanwhile
  [[nodiscard]] std::string file_version() const;
  [[nodiscard]] std::uintmax_t file_bytes() const;
  /// Made with the file and kept by every copy of it, so that what was copied is known again; "" for files without one.
  [[nodiscard]] std::string file_uuid() const;
  /// Of the tables under /Acquisition (doc/acquisition.md): 1 or 2; a higher one is of a newer program, whose tables may be
  /// others; 0 for files of other programs.
  [[nodiscard]] std::int64_t layout() const;

  /// Follows the writer: new samples, and new runs, stations, channels (then the file is reopened inside). Indexes of objects
  /// that were there stay the same. @returns true if anything is new. @throws as the constructor; the Reader stays usable after
  /// FileError
  bool refresh();

  /// Shows a closed file as a reader saw it while it was recorded: the samples whose time had come by then, and the rows of the
  /// tables that there were; state() is Live up to the last sample. What the recorder noted of itself (the ledger, last_commit())
  /// is left out where it did not record when the samples were made. From then on refresh() does nothing, and newest_runs() is
  /// still of the whole file; another time shows another state, forth or back. @throws StateError it is not closed, FileError
  void replay(UtcNanos time);

  [[nodiscard]] const std::vector<SurveyInfo>& surveys() const;
  [[nodiscard]] const std::vector<StationInfo>& stations() const;
  [[nodiscard]] const std::vector<RunInfo>& runs() const;
  /// Those of a run in the order in which they were made: that of the instrument.
  [[nodiscard]] const std::vector<ChannelInfo>& channels() const;
  /// Indexes of the runs that can still grow, in ascending order: of a live file those that grew lately and the newest of each
  /// station and sample rate; of a closed one the newest of each station and sample rate.
  [[nodiscard]] const std::vector<std::size_t>& newest_runs() const;

  /// What the attributes of a channel say, as far as MTH5 allows it; read from the file at each call (0.2 ms). In a live file
  /// they are as of now, which may be after the last refresh().
  /// @throws StateError (no such channel), FileError, FormatError (damaged)
  [[nodiscard]] Metadata channel_metadata(std::size_t channel) const;
  /// The same of a run.
  [[nodiscard]] Metadata run_metadata(std::size_t run) const;
  /// What the samples are stored as; a type that this library does not write is told as the next larger one that holds it.
  /// @throws as channel_metadata()
  [[nodiscard]] SampleType sample_type(std::size_t channel) const;
  /// What stands for a value that is not known in a channel of whole numbers: the fill value that its dataset was made with
  /// (ChannelSpec::fill, h5py's `fillvalue`). read() gives it as it is. nullopt where none was chosen; floats have NaN.
  /// @throws as channel_metadata()
  [[nodiscard]] std::optional<double> fill_value(std::size_t channel) const;
  /// Of all surveys, by kind's name and name; those that must not be used too, with the reason in `problem`. Valid until the next
  /// refresh().
  [[nodiscard]] const std::vector<Filter>& filters() const;

  /// Indexes of the channels of these names; the case of `component` does not matter, an empty survey stands for any. To read by
  /// time, in physical units or block by block: mth5/channel.hpp.
  [[nodiscard]] std::vector<std::size_t> find(std::string_view station, std::string_view run, std::string_view component,
                                              std::string_view survey = {}) const;

  /// Samples [first, first + count) of a channel as doubles; the part before sample 0 or beyond n_samples is cut off.
  /// @throws StateError (no such channel), FileError (a transient of a live file), FormatError (damaged), UnsupportedError (needs
  /// an HDF5 filter that is not installed)
  [[nodiscard]] std::vector<double> read(std::size_t channel, std::int64_t first, std::int64_t count) const;
  /// The same into the caller's buffer. @returns how many were read
  std::size_t read(std::size_t channel, std::int64_t first, std::span<double> out) const;

  /// Samples of a channel's own dataset: more than its n_samples where other channels of the run have fewer (but for
  /// ReaderOptions::own_lengths).
  /// @throws FormatError, FileError
  [[nodiscard]] std::int64_t stored_samples(std::size_t channel) const;

  /// Reads a channel's attributes, goes through the index of its chunks and reads its first and its last sample: cheap, and what
  /// a damaged file breaks.
  /// @param attributes  false: all but them, which cost most, for who is not going to read them either
  /// @throws FormatError, FileError
  void check_channel(std::size_t channel, bool attributes = true) const;

  /// Names of the tables under /Acquisition; empty for files of other programs.
  [[nodiscard]] std::vector<std::string> tables() const;
  /// Rows [first, …) of a table as of now, with all that the last commit brought; nullopt if there is no such table.
  /// @throws FileError (a transient of a live file), FormatError (damaged, or no table), UnsupportedError (needs a newer HDF5)
  [[nodiscard]] std::optional<Table> table(std::string_view name, std::int64_t first = 0) const;
  /// @throws as table()
  [[nodiscard]] std::int64_t table_rows(std::string_view name) const;

  /// The clock of a run, from its anchors in /Acquisition/clock as they are now; anchors of samples that are not seen yet are
  /// left out. Without any (files of other programs, of layout 1) it is the plain axis. A clock's table that cannot be read
  /// counts as none, and warnings() names it. @throws StateError if there is no such run, FileError
  [[nodiscard]] RunClock clock(std::size_t run) const;
  /// The same of all runs, in the order of runs(): the tables are read once, and a file of thousands of runs costs little.
  /// @throws FileError
  [[nodiscard]] std::vector<RunClock> clocks() const;
  /// UTC of a sample by that clock.
  [[nodiscard]] UtcNanos utc_of(std::size_t run, std::int64_t sample) const;
  /// The most by which start + i / sample_rate is off within a run, in s; NaN if nobody knows.
  [[nodiscard]] double largest_axis_error(std::size_t run) const;

  /// Whether any sample of a channel is not 0. Reads only until the first such, and what it has seen not again.
  [[nodiscard]] bool has_data(std::size_t channel) const;

  /// Python's table of that name, from what this reader sees at its last refresh() and not from what the file's own table says,
  /// which only its writer updates. Rows in the order of channels(). Columns and their names are Python's but for the references,
  /// which are of use in HDF5 only; has_data() is an integer.
  [[nodiscard]] Table channel_summary() const;
  /// The same for runs, ordered by station and start. Lists and channel_scale_factors are JSON texts, `duration` is in seconds,
  /// n_samples is what all channels of the run have.
  [[nodiscard]] Table run_summary() const;

  /// What a reader of this file should know, one line each: that it is written over a network file system, that links were not
  /// followed.
  [[nodiscard]] std::vector<std::string> warnings() const;

  using Commit = mth5::Commit;
  /// nullopt for files of other programs.
  [[nodiscard]] std::optional<Commit> last_commit() const;

 private:
  struct Impl;
  /// @throws StateError if it was moved from
  [[nodiscard]] Impl& impl() const;

  std::unique_ptr<Impl> impl_;
};

/// A data file in a directory, as far as probe() tells.
struct FoundFile {
  std::filesystem::path path;
  bool locked;  ///< a libmth5 writer lives
  FileState state;
  std::filesystem::file_time_type modified;
};
/// What is named like a data file and cannot be one, or cannot be read.
struct SkippedFile {
  std::filesystem::path path;
  std::string reason;  ///< one line that names the path
};
struct Listing {
  std::vector<FoundFile> files;      ///< those with a writer first, then the newest by modification time
  std::vector<SkippedFile> skipped;  ///< pipes, directories, dead links, unreadable files, files that are not HDF5; by name
};
/// The files named *.h5 or *.mth5 of a directory but for hidden ones. HDF5 opens none of them, and nothing blocks.
/// @throws FileError if the directory cannot be read
[[nodiscard]] Listing list_files(const std::filesystem::path& directory);

/// The files of a directory whose writers hold the lock, the newest first. @throws as list_files()
[[nodiscard]] std::vector<std::filesystem::path> live_files(const std::filesystem::path& directory);

/// The first of list_files() that is MTH5 and has that station (empty: any): the newest that is written, else the newest of all.
/// nullopt if there is none. Files are opened in this process until one fits; a file that HDF5 crashes on takes it along, so who
/// looks into folders of unknown files gives `accept`, which says whether a file is wanted, and opens it in a child.
/// @throws as list_files()
[[nodiscard]] std::optional<std::filesystem::path> newest_file(
    const std::filesystem::path& directory, std::string_view station = {},
    const std::function<bool(const std::filesystem::path&)>& accept = {});

}  // namespace mth5
