#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/clock.hpp"
#include "analysis/flow.hpp"
#include "analysis/measures/statistics.hpp"
#include "analysis/series.hpp"
#include "analysis/watch.hpp"

/// What mth5-monitor shows of a file at one moment; everything comes from the file. Thread: that of the reader.
namespace analysis {

/// Whether a channel is among those that are asked for. @param components  without regard to case; empty = all    Thread: pure.
[[nodiscard]] bool is_asked_for(const std::vector<std::string>& components, std::string_view component);

struct SnapshotOptions {
  std::chrono::nanoseconds window = std::chrono::seconds{60};  ///< for mean, std, min, max; ends with the last sample. 0: of no
                                                               ///< use, nor is the last sample, and none is read
  std::vector<std::string> components;                         ///< without regard to case; empty = all
  std::string station;                                         ///< "" = all
  bool replay = false;                                         ///< a closed file is shown as it was at the time of the look
};

struct ChannelSnapshot {
  std::size_t index;  ///< in Reader::channels()
  std::string station, run, component, units;
  double sample_rate;
  std::int64_t n_samples;
  std::optional<std::int64_t> new_samples;  ///< since the look before; nullopt at the first one
  std::optional<mth5::UtcNanos> end;        ///< of the last sample
  double age_s;                             ///< of the last sample at the time of the look; NaN = none
  double last;                              ///< NaN = none
  Statistics window;
  std::optional<std::int64_t> clipped = {};     ///< samples of the last ten minutes cut off at the limits of the converter
  std::optional<double> dc = {};                ///< median of those, in units
  std::optional<double> mains_db = {};          ///< of the power line in them; nullopt where nobody knows: at 1 Hz
  std::optional<std::vector<Line>> lines = {};  ///< narrow ones, but for those of the grid; nullopt where nobody knows
};

/// One stream of samples: a series of runs, or a stream of the recorder from which nothing has come yet.
struct StreamSnapshot {
  std::string station, name;  ///< name: of the recorder's stream, where it has no run yet; else ""
  double sample_rate;
  std::string run;                    ///< the one that grows; "" = none
  std::optional<Flow> flow;           ///< of a live file
  std::optional<mth5::UtcNanos> end;  ///< of the last sample
  double age_s;                       ///< of it; NaN = none
};

struct RunSnapshot {
  mth5::RunInfo run;
  mth5::UtcNanos start, end;  ///< of its first and last sample, by its clock
};

struct Snapshot {
  mth5::UtcNanos time;
  std::string file;
  mth5::FileState state;
  std::uintmax_t file_bytes;
  std::vector<std::string> surveys = {}, stations = {};
  std::vector<RunSnapshot> runs = {};
  std::vector<StreamSnapshot> streams = {};
  std::vector<ChannelSnapshot> channels = {};  ///< of the run of each series that grows: where samples may still come
  std::int64_t gap_count = 0;                  ///< one that is still open too
  std::int64_t gap_samples = 0;                ///< per channel
  std::optional<Gap> last_gap = {};
  std::int64_t future_samples = 0;  ///< per channel, at times that have not come yet: of a clock gone wrong, counted nowhere else
  /// Stored of what should be there from the first sample to the last, in a live file until now; NaN = nothing is expected.
  double percent = 0;
  std::optional<mth5::Reader::Commit> commit = {};
  std::map<std::string, double> soh = {};  ///< newest values, `battery_V`; NaN = not known
  std::vector<ClockSummary> clocks = {};   ///< of the streams that have one
  std::optional<std::uint64_t> free_bytes = {};
  std::optional<double> full_in_s = {};  ///< forecast of the recorder with its last durable commit
  bool disk_was_full = false;            ///< it closed the file because of it, and waits for space
  Verdict verdict = {};
  std::vector<Past> past = {};  ///< what was wrong within the last hour, and is over; the last first
  double judged_s = 0;  ///< samples of so many seconds, of the last hour, are behind it (0: some do not come); with less than 60
                        ///< empty is not good
  std::size_t watched = 0;     ///< channels that the verdict is of, auxiliary ones too
  std::size_t empty = 0;       ///< of those, without a value in the last ten minutes
  std::size_t unwatched = 0;   ///< channels that the verdict is not of, as there are too many
  bool replayed = false;       ///< it shows the file as it was
  bool reading_older = false;  ///< older samples of the last hour are still to be read: the verdict is not of them yet

  /// Samples per channel that a power cut would cost, as of the last commit, and for how long they have been waiting now (a
  /// writer whose disk stalls commits nothing, so in a live file that time goes on); NaN and -1 = not known.
  [[nodiscard]] std::int64_t samples_at_risk() const;
  [[nodiscard]] double seconds_at_risk() const;
  /// Since the last commit of a live file; NaN else.
  [[nodiscard]] double commit_age_s() const;
  /// The stream that is worst off; nullptr unless the file is live and one does not deliver.
  [[nodiscard]] const StreamSnapshot* silent() const;
};

/// Follows one file. look() refreshes the reader and reads the windows, never whole channels; what the verdict needs is read
/// once.
class LiveFile {
 public:
  /// @throws as mth5::Reader, also FormatError if an object of a file that nobody writes is damaged
  LiveFile(const std::filesystem::path& path, SnapshotOptions options);

  /// @param watch  remembers what the verdict needs; the same at each look, and for the next file
  /// @throws mth5::FileError: this look failed, the next may succeed
  [[nodiscard]] Snapshot look(mth5::UtcNanos now, Watch& watch);
  [[nodiscard]] const mth5::Reader& file() const { return *files_.front(); }
  /// Objects of a live file that were damaged when it was opened, one line each. Tables of these are left out of look(), which
  /// fails if it is a channel that it shows.
  [[nodiscard]] const std::vector<std::string>& damaged() const { return damaged_; }
  /// When the file was changed last, of what is shown of one that nobody writes: what is changed later is not seen yet.
  [[nodiscard]] std::filesystem::file_time_type changed() const { return changed_; }
  [[nodiscard]] bool has_station(const std::string& id) const;

  /// Components and stations asked for that the file does not have (yet), with what it has: "channel zz (there are ex, ey)".
  [[nodiscard]] std::vector<std::string> not_found() const;

 private:
  [[nodiscard]] bool wanted(const mth5::RunInfo& run) const;
  [[nodiscard]] bool wanted(const mth5::ChannelInfo& channel) const;
  [[nodiscard]] ChannelSnapshot look_at(std::size_t channel, const mth5::RunClock& clock, mth5::UtcNanos now);
  void note_growth();
  void add_series(Snapshot& look, const Series& series, const Series::Part& current);

  SnapshotOptions options_;
  Watch::Opened opened_;
  std::filesystem::file_time_type changed_;
  bool was_live_ = false;
  std::vector<std::string> damaged_;
  std::vector<std::unique_ptr<mth5::Reader>> files_;  ///< one
  FlowTracker flows_;
  std::vector<std::optional<std::int64_t>> before_;  ///< n_samples at the look before, by channel
  std::vector<std::int64_t> run_samples_;            ///< the same by run
  std::vector<std::int64_t> grew_;                   ///< look at which a run was seen to grow, by run; 0 = none
  std::int64_t looks_ = 0;
};

/// What the state of a file is called for people, the worst first: "no data since 12:30:05 (25 s)", "waiting for data", "live",
/// "writer died".
[[nodiscard]] std::string state_text(const Snapshot& look);
/// "buffered N"; of a writer that is no more and had some: "had buffered N when it ended". @param n  as it is shown; there is a
/// commit
[[nodiscard]] std::string buffered_text(const Snapshot& look, const std::string& n);
/// The clock to look at first: not locked, or the one whose plain axis is off most; nullptr if there is none.
[[nodiscard]] const ClockSummary* worst_clock(const Snapshot& look);
/// True if the verdict is that all is well: nothing is wrong, and there are enough samples to say so.
[[nodiscard]] bool is_good(const Snapshot& look);
/// "complete 99.97 %"; of channels without a value it says so: their rows are there.
[[nodiscard]] std::string completeness_text(const Snapshot& look);
/// What of the channels the verdict is not of: " (but for 436 channels ...)"; "" = it is of all.
[[nodiscard]] std::string unwatched_text(const Snapshot& look);
/// The verdict in one line: "GOOD", the worst finding, or that there is too little to say.
[[nodiscard]] std::string verdict_text(const Snapshot& look);

[[nodiscard]] nlohmann::ordered_json to_json(const Snapshot& look);
/// A page for people: what --once prints.
[[nodiscard]] std::string to_text(const Snapshot& look);
/// A heading and a line per channel.
[[nodiscard]] std::string to_csv(const Snapshot& look);
/// One line: time, state, totals and what is new; per run instead of per channel where there are many.
[[nodiscard]] std::string to_line(const Snapshot& look);

}  // namespace analysis
