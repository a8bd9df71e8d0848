#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "contents/structure.hpp"
#include "file/append_path.hpp"
#include "file/summary.hpp"
#include "h5/handle.hpp"
#include "h5/lock.hpp"
#include "mth5/file.hpp"
#include "vfd/journaled_file.hpp"

namespace mth5 {

/// Samples as a caller has them, in a type of HDF5. Their layout was checked.
struct SampleBlock {
  hid_t memory_type;
  std::size_t element_bytes;
  Matrix<const char> values;  ///< n_samples and stride in elements
  bool has_data;              ///< one of them is not 0
};

/// What a File is made of. Four things hold at any time between calls:
/// - every dataset that is written to is open, with its chunk cache off; inside an edit none is, so that nothing can keep SWMR
///   from starting;
/// - all channels of a run have the same length;
/// - what a call costs does not depend on how many runs are finished: of these there is a name here and no more;
/// - after a failed call (failed_) nothing is written any more: the file stays at its last commit.
/// Thread: writer.
class FileImpl {
 public:
  FileImpl(std::filesystem::path path, const CreateOptions& options);
  /// Opens one that exists, recovered if its writer died. open.cpp
  FileImpl(std::filesystem::path path, const OpenOptions& options);
  ~FileImpl();
  FileImpl(const FileImpl&) = delete;
  FileImpl& operator=(const FileImpl&) = delete;

  // Structure; all of it outside SWMR. edit.cpp
  void add_survey(const Metadata& survey);
  void add_station(std::string_view survey, const Metadata& station);
  RunId add_run(std::string_view survey, std::string_view station, const Metadata& run, UtcNanos start,
                std::span<const ChannelSpec> channels, const SampleBlock* samples);
  void add_channel(RunId run, const ChannelSpec& channel);
  void finish_run(RunId run);
  TableId add_table(const TableSpec& spec);
  void add_filter(std::string_view survey, const Filter& filter);  // filters.cpp
  [[nodiscard]] bool has_filter(std::string_view survey, std::string_view name);
  void update_survey(const Metadata& survey);
  void update_station(std::string_view survey, const Metadata& station);
  void update_run(RunId run, const Metadata& metadata);

  // Modes and data. file.cpp
  void edit(Edit& edit, const std::function<void(Edit&)>& change);
  void start_swmr();
  void append(RunId run, const SampleBlock& samples, std::optional<UtcNanos> first);
  void append_rows(TableId table, const Rows& rows);
  void flush();
  void sync();
  void close();

  // append.cpp
  RunId open_run(std::string_view survey, std::string_view station, std::string_view run);
  [[nodiscard]] const std::vector<std::string>& components(RunId run) const;
  /// Samples of one channel that the others do not have yet.
  [[nodiscard]] std::vector<double>& waiting(RunId run, std::size_t channel);
  [[nodiscard]] std::int64_t n_waiting(RunId run, std::size_t channel) const;
  void append_waiting(RunId run);
  void set_flush_policy(const FlushPolicy& policy);
  bool flush_if_due();
  /// Room for rearranged samples; good until the next call.
  template <class T>
  [[nodiscard]] T* scratch(std::size_t count) {
    if (scratch_.size() * sizeof(double) < count * sizeof(T))
      scratch_.resize((count * sizeof(T) + sizeof(double) - 1) / sizeof(double));
    return reinterpret_cast<T*>(scratch_.data());
  }

  [[nodiscard]] const Recovery& recovery() const { return recovery_; }
  [[nodiscard]] std::int64_t n_samples(RunId run) const { return known_run(run).n_samples; }
  [[nodiscard]] std::int64_t visible_samples() const { return visible_samples_; }
  [[nodiscard]] std::int64_t durable_samples() const { return durable_samples_; }
  [[nodiscard]] std::int64_t n_rows(TableId table) const { return known_table(table).n_rows; }
  [[nodiscard]] const std::vector<std::string>& run_names(std::string_view survey, std::string_view station) const;
  [[nodiscard]] FileName still_there() const;
  [[nodiscard]] std::filesystem::path hidden_path() const { return work_path_ == path_ ? std::filesystem::path{} : work_path_; }
  [[nodiscard]] std::uintmax_t file_bytes() const;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] bool is_swmr() const { return swmr_; }
  [[nodiscard]] bool is_open() const { return open_; }
  void set_buffered(std::int64_t samples);
  /// What append() of all channels refuses, before any sample is looked at. @throws StateError
  void check_append(RunId run, std::size_t n_channels, std::size_t n_samples, std::size_t stride, const void* data,
                    std::optional<UtcNanos> first) const;
  /// @throws StateError if there cannot be such a Matrix
  static void check_matrix(const std::string& run, std::size_t n_channels, std::size_t n_samples, std::size_t stride,
                           const void* data);
  [[nodiscard]] bool has_data(RunId run) const { return known_run(run).has_data; }
  void require_editing(const char* call) const;

 private:
  struct Survey {
    Metadata metadata;
    std::optional<UtcNanos> start, end;  ///< of what its runs hold
  };
  struct Station {
    std::string survey;
    Metadata metadata;
    std::vector<std::string> runs = {};                           ///< names, as they came
    std::unordered_map<std::string, std::size_t> run_index = {};  ///< by name, in runs_
    std::vector<std::string> components = {};
    std::optional<UtcNanos> start = {}, end = {};
    bool touched = false;  ///< a run was begun or opened: times and lists are written at close
    bool changed = false;  ///< in this edit: times are written at its end
  };
  struct Run {
    std::size_t station;
    std::string id, path;
    double sample_rate;
    UtcNanos start;
    std::vector<std::string> components = {};
    std::vector<Kind> kinds = {};  ///< by channel
    std::int64_t n_samples = 0;
    std::int64_t flushed = 0;  ///< n_samples that channel_summary has
    bool has_data = false;
    bool has_data_flushed = false;  ///< that channel_summary has
    bool finished = false;
    bool removable = true;           ///< by this library: a run without samples does not stay in a closed file
    std::vector<hsize_t> rows = {};  ///< of channel_summary, by channel
    std::vector<h5::Dataset> datasets = {};
    std::vector<file::AppendPath> paths = {};       ///< one per dataset
    bool unseen = false;                            ///< known by channel_summary alone: its channels were not looked at
    std::string cannot_grow = {};                   ///< why open_run() refuses; "" = it does not
    std::vector<std::vector<double>> waiting = {};  ///< by channel; used by append() of single channels

    [[nodiscard]] UtcNanos end() const { return n_samples > 0 ? sample_time(start, sample_rate, n_samples - 1) : start; }
  };
  struct Table {
    TableSpec spec;
    h5::Datatype type;
    std::int64_t n_rows = 0;
    h5::Dataset dataset;
  };

  void create(const CreateOptions& options);
  void create_work_file();  ///< and locks it, under a name that is nobody's
  /// Gives the file its name, which is nobody else's. @returns whether it is another than was asked for
  bool take_name();
  void take_other_name();
  void remove_unused();  ///< after a failure: a work file that never held a sample goes, or with the next file if it cannot now
  void open_datasets();
  void close_datasets();
  void leave_swmr();
  void reenter_swmr();
  /// Brings all that was appended to the store: samples, then the rows that tell of them.
  void stage();
  /// Lets readers see what is staged, and with `durable` makes it survive a cut of power. One commit of the journal.
  void commit(bool durable);
  void note_durable();
  [[nodiscard]] h5::PropertyList access();
  void write_state();
  void update_rows(Run& run);
  void require_writable(const char* call) const;
  void require_outside_edit(const char* call) const;
  void note_commit();

  // summary_rows.cpp: channel_summary as a whole, outside SWMR
  /// A row behind all that are there, written with write_new_rows(). @returns its place
  hsize_t add_row(const file::ChannelRow& row);
  void write_new_rows();
  void rewrite_rows(const std::vector<file::ChannelRow>& rows);
  void remove_rows(std::vector<hsize_t> rows);
  void refresh_station_rows(const Station& station);
  [[nodiscard]] const h5::Dataset& summary_in_edit();

  // finish.cpp: what is written once a run, an edit, a file ends
  void finish_metadata();
  void finish_survey(Survey& survey);
  void write_run_times(Run& run);
  void write_changed_stations();
  void write_station_times(Station& station);
  void remove_empty_runs();
  /// HDF5 is not told of writes that fail. @throws FileError
  void require_written() const {
    if (store_ && !store_->failure().empty()) throw FileError{store_->failure(), store_->failure_code()};
  }
  template <class Body>
  void guarded(Body body) {
    try {
      body();
      require_written();
    } catch (const FileError& e) {
      failed_ = true;
      if (store_) store_->abandon();
      require_written();
      if (std::string_view{e.what()}.starts_with(path_.native())) throw;
      throw FileError{path_.string() + ": " + e.what(), e.code()};
    }
  }

  // open.cpp
  void refuse_living_foreigner();
  void tell(const vfd::Replay& done);
  void clear_flags();
  void begin_changes();
  void load_tables();
  void finish_what_a_crash_left();
  // load.cpp: what is in the file
  void load();
  [[nodiscard]] bool load_summary(hid_t file, std::int64_t visible_samples);
  void load_walked(hid_t file);
  void load_stations(const contents::Structure& found);
  Run& load_run(const contents::Structure& found, const RunInfo& info);
  [[nodiscard]] file::ChannelRow loaded_row(const Run& run, const ChannelInfo& channel, const Metadata& metadata) const;
  /// Whether its channels can grow. @returns their lengths
  std::vector<std::int64_t> look_at_channels(Run& run);
  /// What all channels have is the length of the run. @param may_cut  the others to that; else it cannot grow
  void level(Run& run, std::vector<std::int64_t>& lengths, bool may_cut);
  void complete_rows(const Run& run, std::span<const std::int64_t> lengths, std::span<file::ChannelRow> rows) const;
  /// Before it grows; `cannot_grow` says if it must not.
  void look_at_unseen(Run& run);

  void check_fit(const Run& run, std::size_t n_channels, std::optional<UtcNanos> first) const;
  void mark_dirty(std::int64_t samples);
  [[nodiscard]] bool flush_is_due() const;
  [[nodiscard]] std::string waiting_text() const;
  [[nodiscard]] h5::Dataset open_dataset(const std::string& path) const;
  void open_run_datasets(Run& run);
  [[nodiscard]] const char* summary_path() const {
    return version_010_ ? "/Survey/channel_summary" : "/Experiment/channel_summary";
  }

  [[nodiscard]] std::string survey_path(std::string_view survey) const;
  [[nodiscard]] std::string station_path(const Station& station) const;
  [[nodiscard]] h5::Object open_object(const std::string& path) const;
  [[nodiscard]] Survey& survey(std::string_view id);
  [[nodiscard]] std::size_t station_index(std::string_view survey, std::string_view id) const;
  [[nodiscard]] Run& run(RunId id);
  [[nodiscard]] const Run& known_run(RunId id) const;
  [[nodiscard]] const Table& known_table(TableId id) const;
  /// What will be written of a channel. @throws MetadataError, StateError if it does not fit the run
  [[nodiscard]] static Metadata checked_channel(const Run& run, const ChannelSpec& channel);
  [[nodiscard]] file::ChannelRow channel_row(const Run& run, const Metadata& written, hid_t channel, hid_t group) const;
  /// channels_recorded_* of a run.
  static void set_channel_lists(Metadata& metadata, const Run& run);

  std::filesystem::path path_;       ///< the final name
  std::filesystem::path work_path_;  ///< the name it has now
  std::function<std::filesystem::path()> other_name_ = {};
  bool version_010_;
  bool open_ = false;
  bool swmr_ = false;
  bool failed_ = false;
  h5::WriterLock lock_;
  std::unique_ptr<vfd::JournaledFile> store_;  ///< outlives file_
  h5::File file_;
  h5::Dataset summary_;  ///< in an edit opened when it is needed
  h5::Dataset state_;
  std::optional<file::AppendPath> summary_path_, state_path_;
  h5::Datatype row_type_, state_type_;

  std::vector<Survey> surveys_;
  std::vector<Station> stations_;
  std::vector<Run> runs_;
  std::vector<Table> tables_;
  std::vector<std::size_t> growing_;  ///< runs that are not finished, in runs_
  hsize_t n_summary_rows_ = 0;        ///< with new_rows_
  std::vector<file::PackedRow> new_rows_;
  /// Between load() and the first commit, where channel_summary is to be rewritten; else it is as it has to be.
  std::optional<std::vector<file::ChannelRow>> loaded_rows_;
  std::vector<file::PackedRow> packed_;  ///< reused for rows

  bool dirty_ = false;    ///< appended since the last flush
  bool editing_ = false;  ///< inside the function given to edit()
  FlushPolicy policy_;
  std::int64_t unflushed_ = 0;
  std::optional<std::chrono::steady_clock::time_point> first_unflushed_;
  bool ours_ = true;  ///< has /Acquisition: written by this library
  bool datasets_open_ = false, appending_waiting_ = false;
  std::vector<double> scratch_;
  Recovery recovery_;
  std::int64_t buffered_ = 0;
  std::int64_t generation_ = 0, sequence_ = 0, time_ = 0;
  std::int64_t total_samples_ = 0;  ///< per channel, summed over all runs
  std::int64_t durable_sequence_ = 0, durable_time_ = 0, visible_samples_ = 0, durable_samples_ = 0;
  bool closed_in_order_ = false;
  bool recovering_ = false;  ///< opened to be recovered and closed, by mth5::recover()
};

}  // namespace mth5
