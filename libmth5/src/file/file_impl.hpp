#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "file/summary.hpp"
#include "h5/handle.hpp"
#include "h5/lock.hpp"
#include "mth5/file.hpp"

namespace mth5 {

/// What a File is made of. Three things hold at any time between calls:
/// - in SWMR mode every dataset that is written to is open, with its chunk cache off; outside it none is open, so that nothing
/// can keep
///   SWMR from starting;
/// - all channels of a run have the same length;
/// - after a failed call (failed_) nothing is written any more.
/// Thread: writer.
class FileImpl {
 public:
  FileImpl(std::filesystem::path path, const CreateOptions& options);
  ~FileImpl();
  FileImpl(const FileImpl&) = delete;
  FileImpl& operator=(const FileImpl&) = delete;

  // Structure; all of it outside SWMR. edit.cpp
  void add_survey(const Metadata& survey);
  void add_station(std::string_view survey, const Metadata& station);
  RunId add_run(std::string_view survey, std::string_view station, const Metadata& run, UtcNanos start,
                std::span<const ChannelSpec> channels);
  void finish_run(RunId run);
  TableId add_table(const TableSpec& spec);
  void update_survey(const Metadata& survey);
  void update_station(std::string_view survey, const Metadata& station);
  void update_run(RunId run, const Metadata& metadata);

  // Modes and data. file.cpp
  void edit(Edit& edit, const std::function<void(Edit&)>& change);
  void start_swmr();
  void append(RunId run, hid_t memory_type, std::size_t element_bytes, Matrix<const char> samples, bool has_data);
  void append_rows(TableId table, const Rows& rows);
  void flush();
  void sync();
  void close();

  [[nodiscard]] std::int64_t n_samples(RunId run) const { return runs_.at(run.index).n_samples; }
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
    std::vector<h5::Dataset> datasets;

    [[nodiscard]] UtcNanos end() const { return n_samples > 0 ? sample_time(start, sample_rate, n_samples - 1) : start; }
  };
  struct Table {
    TableSpec spec;
    h5::Datatype type;
    std::int64_t n_rows = 0;
    h5::Dataset dataset;
  };

  void create(const CreateOptions& options);
  void open_datasets();
  void close_datasets();
  void leave_swmr();
  void reenter_swmr();
  void publish();
  void write_rows(std::size_t first, std::size_t count);
  void write_state();
  void finish_metadata();
  void refresh_station_rows(std::size_t station);
  void require_writable(const char* call) const;
  template <class Body>
  auto guarded(Body body);

  [[nodiscard]] std::string survey_path(std::string_view survey) const;
  [[nodiscard]] std::string station_path(const Station& station) const;
  [[nodiscard]] h5::Object open_object(const std::string& path) const;
  [[nodiscard]] Survey& survey(std::string_view id);
  [[nodiscard]] std::size_t station_index(std::string_view survey, std::string_view id) const;
  [[nodiscard]] Run& run(RunId id);
  [[nodiscard]] std::int64_t samples_in_file() const;
  void write_run_times(Run& run);
  void write_station_times(Station& station);

  std::filesystem::path path_;       ///< the final name
  std::filesystem::path work_path_;  ///< the name it has now
  bool version_010_;
  bool open_ = false;
  bool swmr_ = false;
  bool failed_ = false;
  h5::WriterLock lock_;
  h5::File file_;
  h5::Dataset summary_, state_;
  h5::Datatype row_type_, state_type_;

  std::vector<Survey> surveys_;
  std::vector<Station> stations_;
  std::vector<Run> runs_;
  std::vector<Table> tables_;
  std::vector<file::ChannelRow> rows_;
  std::vector<file::PackedRow> packed_;  ///< reused by write_rows()

  bool dirty_ = false;  ///< appended since the last flush
  std::int64_t buffered_ = 0;
  std::int64_t generation_ = 0, sequence_ = 0, time_ = 0;
  std::int64_t durable_sequence_ = 0, durable_time_ = 0, visible_samples_ = 0, durable_samples_ = 0;
  bool closed_in_order_ = false;
};

}  // namespace mth5
