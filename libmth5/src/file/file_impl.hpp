#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "file/append_path.hpp"
#include "file/summary.hpp"
#include "h5/handle.hpp"
#include "h5/lock.hpp"
#include "mth5/file.hpp"
#include "vfd/journaled_file.hpp"

namespace mth5 {

/// What a File is made of. Three things hold at any time between calls:
/// - in SWMR mode every dataset that is written to is open, with its chunk cache off; outside it none is open, so that nothing
/// can keep
///   SWMR from starting;
/// - all channels of a run have the same length;
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
                std::span<const ChannelSpec> channels);
  void add_channel(RunId run, const ChannelSpec& channel);
  void finish_run(RunId run);
  TableId add_table(const TableSpec& spec);
  void add_filter(std::string_view survey, const Filter& filter);  // filters.cpp
  void update_survey(const Metadata& survey);
  void update_station(std::string_view survey, const Metadata& station);
  void update_run(RunId run, const Metadata& metadata);

  // Modes and data. file.cpp
  void edit(Edit& edit, const std::function<void(Edit&)>& change);
  void start_swmr();
  void append(RunId run, hid_t memory_type, std::size_t element_bytes, Matrix<const char> samples, bool has_data,
              std::optional<UtcNanos> first);
  void append_rows(TableId table, const Rows& rows);
  void flush();
  void sync();
  void close();

  // append.cpp
  RunId open_run(std::string_view survey, std::string_view station, std::string_view run);
  [[nodiscard]] const std::vector<std::string>& components(RunId run) const;
  /// Samples of one channel that the others do not have yet.
  [[nodiscard]] std::vector<double>& waiting(RunId run, std::size_t channel);
  void append_waiting(RunId run);
  void set_flush_policy(const FlushPolicy& policy) { policy_ = policy; }
  bool flush_if_due();
  /// Room for rearranged samples; good until the next call.
  template <class T>
  [[nodiscard]] T* scratch(std::size_t count) {
    if (scratch_.size() * sizeof(double) < count * sizeof(T))
      scratch_.resize((count * sizeof(T) + sizeof(double) - 1) / sizeof(double));
    return reinterpret_cast<T*>(scratch_.data());
  }

  [[nodiscard]] const Recovery& recovery() const { return recovery_; }
  [[nodiscard]] std::int64_t n_samples(RunId run) const { return runs_.at(run.index).n_samples; }
  [[nodiscard]] std::int64_t visible_samples() const { return visible_samples_; }
  [[nodiscard]] std::int64_t durable_samples() const { return durable_samples_; }
  [[nodiscard]] std::int64_t n_rows(TableId table) const { return tables_.at(table.index).n_rows; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] bool is_swmr() const { return swmr_; }
  [[nodiscard]] bool is_open() const { return open_; }
  void set_buffered(std::int64_t samples) { buffered_ = samples; }
  [[nodiscard]] bool has_data(RunId run) const { return runs_.at(run.index).has_data; }

 private:
  struct Survey {
    Metadata metadata;
    std::optional<UtcNanos> start, end;  ///< of what its runs hold
  };
  struct Station {
    std::string survey;
    Metadata metadata;
    std::vector<std::string> runs;
    std::vector<std::string> components;
    std::optional<UtcNanos> start, end;
    bool touched = false;  ///< a run was begun or opened: times and lists are written at close
  };
  struct Run {
    std::size_t station;
    std::string id, path;
    std::vector<std::string> components;
    double sample_rate;
    UtcNanos start;
    std::int64_t n_samples = 0;
    std::int64_t flushed = 0;  ///< n_samples that channel_summary tells
    bool has_data = false;
    bool finished = false;
    std::size_t first_row;  ///< in rows_, one row per channel
    std::vector<h5::Dataset> datasets = {};
    std::vector<file::AppendPath> paths = {};       ///< one per dataset
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
  void remove_unused();  ///< after a failure: a work file that never held a sample has no place among the data
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
  void write_rows(std::size_t first, std::size_t count);
  void write_state();
  void update_rows(const Run& run);
  void finish_metadata();
  void refresh_station_rows(std::size_t station);
  void require_writable(const char* call) const;
  /// HDF5 is not told of writes that fail. @throws FileError
  void require_written() const {
    if (store_ && !store_->failure().empty()) throw FileError{store_->failure()};
  }
  template <class Body>
  void guarded(Body body) {
    try {
      body();
      require_written();
    } catch (const FileError& e) {
      failed_ = true;
      if (store_) store_->abandon();
      if (store_ && !store_->failure().empty()) throw FileError{store_->failure()};
      if (std::string_view{e.what()}.starts_with(path_.native())) throw;
      throw FileError{path_.string() + ": " + e.what()};
    }
  }

  // open.cpp
  void refuse_living_foreigner();
  void tell(const vfd::Replay& done);
  void clear_flags();
  void begin_changes();
  void load(class Reader& reader);
  void load_run(const struct RunInfo& info, const std::vector<struct ChannelInfo>& channels);
  void check_channels(Run& run);
  void load_tables();

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
  [[nodiscard]] std::int64_t samples_in_file() const;
  /// What will be written of a channel. @throws MetadataError, StateError if it does not fit the run
  [[nodiscard]] static Metadata checked_channel(const Run& run, const ChannelSpec& channel);
  [[nodiscard]] file::ChannelRow create_channel(hid_t group, const Run& run, const ChannelSpec& channel,
                                                const Metadata& written) const;
  /// channels_recorded_* of a run, from its rows.
  void write_channel_lists(hid_t group, const Run& run) const;
  void write_run_times(Run& run);
  void write_station_times(Station& station);

  std::filesystem::path path_;       ///< the final name
  std::filesystem::path work_path_;  ///< the name it has now
  bool version_010_;
  bool open_ = false;
  bool swmr_ = false;
  bool failed_ = false;
  h5::WriterLock lock_;
  std::unique_ptr<vfd::JournaledFile> store_;  ///< outlives file_
  h5::File file_;
  h5::Dataset summary_, state_;
  std::optional<file::AppendPath> summary_path_, state_path_;
  h5::Datatype row_type_, state_type_;

  std::vector<Survey> surveys_;
  std::vector<Station> stations_;
  std::vector<Run> runs_;
  std::vector<Table> tables_;
  std::vector<file::ChannelRow> rows_;
  std::vector<file::PackedRow> packed_;  ///< reused by write_rows()

  bool dirty_ = false;  ///< appended since the last flush
  FlushPolicy policy_;
  std::int64_t unflushed_ = 0;
  std::optional<std::chrono::steady_clock::time_point> first_unflushed_;
  bool ours_ = true;  ///< has /Acquisition: written by this library
  bool datasets_open_ = false, appending_waiting_ = false;
  std::vector<double> scratch_;
  Recovery recovery_;
  std::int64_t buffered_ = 0;
  std::int64_t generation_ = 0, sequence_ = 0, time_ = 0;
  std::int64_t durable_sequence_ = 0, durable_time_ = 0, visible_samples_ = 0, durable_samples_ = 0;
  bool closed_in_order_ = false;
};

}  // namespace mth5
