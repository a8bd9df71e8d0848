#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mth5/error.hpp"
#include "mth5/filter.hpp"
#include "mth5/metadata.hpp"
#include "mth5/table.hpp"
#include "mth5/time.hpp"
#include "mth5/types.hpp"

/// Writing an MTH5 file that others read while it grows. HDF5's version bounds and the like are set by themselves.
///
///     auto file = mth5::File::create("MT001.h5");   // or File::open("MT001.h5", "a", {.swmr = true})
///     mth5::RunId run;
///     file.edit([&](mth5::Edit& e) {
///       e.add_survey(survey);
///       e.add_station("S1", station);
///       run = e.add_run("S1", "MT001", metadata, start, channels);
///     });
///     file.start_swmr();                       // from here on readers may come and go
///     file.append(run, samples); file.flush(); // visible
///     file.sync();                             // survives a power cut of a sane disk
///     file.close();
namespace mth5 {

/// A run that is open for appending, and a table under /Acquisition. Values; they hold no HDF5 object, so nothing a user keeps
/// can keep SWMR from starting. Valid until the run is finished or the file closed.
struct RunId {
  std::size_t index = static_cast<std::size_t>(-1);
  friend bool operator==(RunId, RunId) = default;
};
struct TableId {
  std::size_t index = static_cast<std::size_t>(-1);
};

struct ChannelSpec {
  Metadata metadata;  ///< Electric, Magnetic or Auxiliary; `component` is the name of the dataset and must be lower case
  SampleType type = SampleType::Int32;
  std::size_t chunk =
      0;  ///< samples per HDF5 chunk, up to 64 MiB; 0 picks by sample rate: 128 s, at least 128 samples, at most 1 MiB
  /// What stands for NaN in whole-number channels, and the fill value of the dataset; without it NaN becomes the lowest value of
  /// the type. In float channels NaN stays NaN.
  std::optional<double> fill = {};
};

/// What has become of a file, or of its name, while it is written.
enum class FileName {
  There,    ///< it has its name
  Renamed,  ///< not under its name any more, but it has another one, perhaps in another directory: what is written is kept
  Deleted,  ///< it has none: what is written is lost with the last descriptor
  Cut,      ///< its end was cut off by another program: it is damaged, and nothing more is written to it
};

struct CreateOptions {
  std::string file_version = "0.2.0";  ///< 0.1.0 has one survey and no group above it
  std::string software_name = "mth5-daq";
  std::string software_version = {};  ///< default: that of this library
  bool allow_network = false;         ///< NFS, CIFS, FUSE, 9p: without what SWMR needs of a file system
  /// Of the HDF5 user block, which holds the journal: 1 MiB is enough for some 300 channels, 4 MiB for 1200. With too little a
  /// sync costs four times as much. A power of two is made of it.
  std::uint64_t journal_bytes = 1048576;
  /// Asked for another name, in the same directory, where that of the file is taken before the file gets it: by start_swmr() or
  /// close(), as somebody else may create one meanwhile. Without it, or with the same name again, that is a FileError. Thread:
  /// the writer's
  std::function<std::filesystem::path()> other_name = {};
  /// Asked when a write finds no room on the disk, or by the quota: true where some was made, and the write is tried again. It
  /// must not call the File. Without it a full disk is a FileError. Thread: the writer's
  std::function<bool()> make_room = {};
};

struct OpenOptions {
  bool swmr = false;  ///< start_swmr() at once
  CreateOptions create = {};
  /// A new file that gets all that is changed of this one, for undo_changes(); "" = not kept
  std::filesystem::path keep_before = {};
  /// Nothing reaches the file: all that is written stays in memory, to see whether HDF5 gets through it. Only for a file that was
  /// closed; the samples that are appended this way must fit into memory.
  bool rehearse = false;
};

/// What was done to a file whose writer had died. Page: doc/journal.md.
struct Recovery {
  bool journal = false;            ///< it has one; without, it is as whole as HDF5 left it
  bool damaged = false;            ///< the medium lost what was synced
  std::int64_t places = 0;         ///< put back from the journal
  std::int64_t bytes = 0;          ///< in them
  std::int64_t removed_bytes = 0;  ///< behind the last commit, of none
  std::optional<UtcNanos> time;    ///< of the commit the file is at now
  std::int64_t samples = 0;        ///< visible at it: per channel, summed over all runs
  /// Of a later flush that was not synced and did not reach the medium whole.
  std::optional<std::int64_t> lost_samples;
  std::vector<std::string> lines;  ///< all that was done, in words
};

/// When append() flushes by itself: at whichever threshold is reached first. 0 = not by this one.
struct FlushPolicy {
  std::int64_t samples = 0;              ///< per channel, summed over all runs, appended since the last flush
  std::chrono::nanoseconds interval{0};  ///< since the first sample that is not flushed
};

/// A little-endian sample of 24 bits, as digitizers send it.
struct Int24 {
  std::array<std::uint8_t, 3> bytes;
};
template <class T>
concept Sample = std::same_as<T, double> || std::same_as<T, float> || std::same_as<T, std::int32_t> || std::same_as<T, Int24> ||
    std::same_as<T, std::int16_t>;

/// What may be changed about the structure of a file: passed to the function given to File::edit() and good only there.
/// Ids are checked (mth5-format 7.1); parents must exist; an object that exists already is an error.
class Edit {
 public:
  /// @throws MetadataError (bad or missing id, wrong kind), StateError (exists already; file version 0.1.0 has one survey)
  void add_survey(const Metadata& survey);
  void add_station(std::string_view survey, const Metadata& station);
  /// Adds a run with its channels, empty, and opens it for append().
  /// @param run       kind Run with `id` and `sample_rate`; time_period and channels_recorded_* are kept by the library
  /// @param start     UTC of sample 0 of all channels
  /// @param channels  at least one; sample_rate, time_period and type are set by the library
  RunId add_run(std::string_view survey, std::string_view station, const Metadata& run, UtcNanos start,
                std::span<const ChannelSpec> channels);
  /// Adds a run with all the samples it will have, with its final times: it is never open for append(). For runs that have ended
  /// by the time they are written: many of them in one edit cost a few ms each, and little more in the file than their samples.
  /// @param samples  [n_channels][n_samples], at least one; conversion as in File::append()
  /// @throws as add_run(); StateError if samples and channels do not fit
  template <Sample T>
  RunId add_finished_run(std::string_view survey, std::string_view station, const Metadata& run, UtcNanos start,
                         std::span<const ChannelSpec> channels, Matrix<const T> samples);
  /// Adds a channel to a run without samples; it comes last in the order of append().
  /// @throws MetadataError, StateError (the run has samples, which the channel would lack; a channel of that name)
  void add_channel(RunId run, const ChannelSpec& channel);
  /// Ends a run: writes the final times of run, channels, station; it takes no more samples until open_run(). Without samples it
  /// is removed at close().
  void finish_run(RunId run);
  /// Creates /Acquisition/<name>, or opens it where a table with the same columns exists. @throws StateError if its columns
  /// differ
  TableId add_table(const TableSpec& spec);
  /// Adds a filter to a survey; its field `survey` does not count. A name is good once in a survey, whatever the kind.
  /// @throws MetadataError as check_filter(), StateError (no such survey, exists already)
  void add_filter(std::string_view survey, const Filter& filter);
  /// Whether the survey has a filter of that name, of whatever kind. @throws StateError (no such survey)
  [[nodiscard]] bool has_filter(std::string_view survey, std::string_view name) const;
  /// Overwrites metadata of what exists: only the attributes set in `metadata`. `id` says of what, and cannot be changed; nor can
  /// the `sample_rate` of a run.
  void update_survey(const Metadata& survey);
  void update_station(std::string_view survey, const Metadata& station);
  void update_run(RunId run, const Metadata& metadata);

 private:
  friend class File;
  explicit Edit(class FileImpl& file) : file_{file} {}
  FileImpl& file_;
};

/// One MTH5 file being written: the only writer, from creation to close.
/// Thread: all calls from one thread (HDF5 has one lock for the whole process anyway).
/// After a FileError the object only closes; the file stays at its last commit, as if its writer had died.
class File {
 public:
  /// Opens a file for writing, of this library or of Python `mth5`, version 0.1.0 or 0.2.0. Modes are those of Python:
  /// "a": goes on with a file, or creates it; "r+": goes on with one that exists; "x": creates one that must not exist.
  /// "w" is refused (nothing is ever overwritten), "r" too (that is a Reader); with `options.swmr` also "x", as in Python.
  /// A file whose writer died is recovered first: recovery() tells what was done. Runs that exist are appended to after
  /// open_run(). What is in a file of this library is taken from its channel_summary, where that is what the groups and the last
  /// commit say: 10,000 runs of nine channels in 0.2 s and 80 MiB. Else every channel is opened, some 0.3 ms each, and the table
  /// is rewritten.
  /// @throws FileError (missing, not readable, on a network file system), FormatError (not MTH5, damaged), BusyError (somebody
  ///         writes it: who), StateError (mode; too old a format for SWMR: `mth5-recover --set-swmr` makes a copy that is not)
  static File open(const std::filesystem::path& path, std::string_view mode = "a", const OpenOptions& options = {});

  /// Creates a new file under a temporary name beside `path`; start_swmr() or close() gives it its name. Readers never meet a
  /// half-made file, and an existing file is never replaced.
  /// @throws FileError if `path` exists, or its directory is missing or not writable
  static File create(const std::filesystem::path& path, const CreateOptions& options = {});

  ~File();  ///< closes; problems are lost there: call close()
  File(File&&) noexcept;
  File& operator=(File&&) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const;  ///< the final name
  [[nodiscard]] bool is_swmr_mode() const;
  [[nodiscard]] bool h5_is_write() const;

  /// Changes the structure; with all that was appended before it is one durable commit: readers and a recovery see the file as it
  /// was before or as it is after. In SWMR mode leaves it, edits and returns, readers stay attached and go on with what they have
  /// open. If `change` throws, what it did before stays.
  void edit(const std::function<void(Edit&)>& change);

  /// Enters SWMR mode and gives a new file its final name. Everything flushed later is seen by readers.
  void start_swmr();

  /// Opens a run that exists for appending: also in SWMR mode, not inside edit().
  /// @param survey  may be "" in files of version 0.1.0, which have one
  /// @throws StateError if it cannot grow: its channels differ in length, start or rate; a fixed size; an index that SWMR readers
  ///         cannot follow
  RunId open_run(std::string_view survey, std::string_view station, std::string_view run);
  /// The channels of a run in the order in which append() takes them.
  [[nodiscard]] const std::vector<std::string>& components(RunId run) const;

  /// Appends to all channels of a run, in the order of components(). Types other than the dataset's are converted: what is out of
  /// range becomes the nearest value that is in range; in whole-number channels floats become the nearest whole number, and NaN
  /// the channel's fill value (ChannelSpec::fill).
  /// @param samples  [n_channels][n_samples]; n_channels must be that of the run, so that channels stay equally long
  /// @param start    UTC of the first of these samples, if it is to be checked
  /// @throws StateError if `start` is half a sample or more off the time it has to have: a gap begins a new run, and what is
  /// there
  ///         already is not written again
  template <Sample T>
  void append(RunId run, Matrix<const T> samples, std::optional<UtcNanos> start = {});
  /// The same from frames: samples[i * n_channels + c], as instruments send them.
  template <Sample T>
  void append_interleaved(RunId run, std::span<const T> frames, std::optional<UtcNanos> start = {});
  /// Appends to one channel. What other channels of the run do not have yet waits in memory (waiting()), so that channels in the
  /// file are always equally long; what still waits at close() is not stored, and close() throws StateError saying so.
  template <Sample T>
  void append(RunId run, std::size_t channel, std::span<const T> samples);
  /// Samples of a channel that wait for the other channels of its run.
  [[nodiscard]] std::int64_t waiting(RunId run, std::size_t channel) const;

  /// From now on append() flushes as this says.
  void set_flush_policy(const FlushPolicy& policy);
  /// For times without samples: flushes if the policy's interval is over. @returns whether it did
  bool flush_if_due();

  void append_rows(TableId table, const Rows& rows);

  /// What the recorder holds that is not appended yet; shown to readers with the next flush().
  void set_buffered(std::int64_t samples_per_channel);

  /// Makes all that was appended visible to readers: samples, then table rows, then channel_summary. Waits for no medium, but for
  /// a few times in hundreds, when the journal could not undo it (doc/journal.md, rule 4): then it is durable as well.
  void flush();
  /// The same, and durable: with one fdatasync. Nothing is done if nothing came since the last.
  void sync();
  /// Finishes all runs, writes final times and lists, leaves SWMR, syncs. A file that never entered SWMR gets its name here. Runs
  /// without samples do not stay: Python cannot read them. Works without the file's name as well: see still_there().
  void close();

  /// What open() had to put right, a line each; empty for a file that was closed in order.
  [[nodiscard]] const std::vector<std::string>& recovery() const;
  /// The same with its figures.
  [[nodiscard]] const Recovery& recovery_report() const;
  [[nodiscard]] std::int64_t n_samples(RunId run) const;  ///< per channel, appended so far
  /// Samples per channel, summed over all runs, that the last flush() showed to readers, and that the last sync() made durable.
  [[nodiscard]] std::int64_t visible_samples() const;
  [[nodiscard]] std::int64_t durable_samples() const;
  [[nodiscard]] std::int64_t n_rows(TableId table) const;
  [[nodiscard]] std::uintmax_t file_bytes() const;
  /// Names of all runs of a station, of this session and before: whoever names runs must avoid them. Cheap.
  /// @param survey  may be "" in files of version 0.1.0
  /// @throws StateError if there is no such station
  [[nodiscard]] const std::vector<std::string>& run_names(std::string_view survey, std::string_view station) const;
  /// Whether the file still has its name and its length: somebody may have renamed, deleted or cut it, or its directory. Without
  /// its name writing goes on undisturbed, as all of it goes through the descriptor. @throws StateError after close()
  [[nodiscard]] FileName still_there() const;
  /// Where a new file is until it has its name, with start_swmr() or close(): ".NAME.PID.part" beside it. "" from then on.
  [[nodiscard]] std::filesystem::path hidden_path() const;

  explicit File(std::unique_ptr<class FileImpl> impl);

 private:
  /// @throws StateError if it was moved from
  [[nodiscard]] FileImpl& impl() const;

  std::unique_ptr<FileImpl> impl_;
};

/// Library and HDF5 versions, compiled and at run time: "0.1.0 (HDF5 1.10.8, compiled with 1.10.8)".
[[nodiscard]] std::string version_text();

}  // namespace mth5
