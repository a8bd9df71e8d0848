#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/clock.hpp"
#include "analysis/flow.hpp"
#include "analysis/ledger.hpp"
#include "analysis/measures/measures.hpp"
#include "analysis/recorder_log.hpp"
#include "analysis/sensor.hpp"
#include "analysis/series.hpp"
#include "analysis/soh.hpp"
#include "analysis/spectra/spectrogram.hpp"
#include "analysis/trends.hpp"
#include "analysis/verdict/limits.hpp"
#include "sandbox/check.hpp"

/// The report of mth5-summary: a pure function of the files and the window. Thread: that of the readers.
namespace analysis {

inline constexpr std::chrono::hours kHealthBefore{48};  ///< before the time of the report: what a forecast is taken from

struct FileSummary {
  std::string path;
  mth5::FileState state;
  std::uintmax_t bytes;
  std::string version;
  Ledger ledger;
  std::optional<std::string> ledger_problem;  ///< why it could not be read
  std::vector<ClockSummary> clocks;
  RecorderLog log;
  std::optional<std::string> copy_of;     ///< path of the file that holds all of it: then its samples count there
  std::vector<std::string> damaged;       ///< objects of it, one line each; what they hold is missing in this report
  std::vector<std::string> unread;        ///< what else could not be read, and why
  std::vector<std::string> remarks = {};  ///< what in it contradicts itself, one line each
};

struct RunSummary {
  std::string file;
  mth5::RunInfo run;
  mth5::UtcNanos start, end;  ///< of its first and last sample, by its clock
};

/// Samples that come, or do not, in a series with a live file.
struct SeriesState {
  Flow flow;
  std::string run;  ///< the one that grows
};

/// What a series is by its clock, and whether it grows; or a stream of a live file from which nothing has come yet.
struct StreamSummary {
  std::string station;
  double sample_rate = 0;
  std::optional<Flow> flow;                  ///< of a live file
  std::optional<mth5::UtcNanos> start, end;  ///< of its first sample and behind its last, of clocks that were right if it has
                                             ///< such; nullopt: there is none
  std::string stream = {};                   ///< stream_of() its runs
};

/// What a verdict wants to know of a channel beside the report.
struct ChannelQuality {
  ChannelFacts facts;
  Measures measures;                            ///< of the times counted once; nothing if the file does not tell the sample rate
  std::optional<double> mains_db;               ///< nullopt where nobody knows: at 1 Hz
  Sensor sensor = {};                           ///< of the newest run
  std::optional<Spectrogram> spectrogram = {};  ///< Depth::Plots
};

/// One channel over all runs and files of its series.
struct ChannelSummary {
  std::size_t series = 0;  ///< channels of the same number have the same gaps; index in Summary::streams
  std::string survey, station, component, units;
  double sample_rate = 0;
  std::int64_t n_samples = 0;    ///< in the files, within the window, fill values too
  std::int64_t overlapping = 0;  ///< of these, at times that another run has as well
  std::int64_t expected = 0;     ///< times that should have a sample, each counted once
  std::int64_t missing = 0;      ///< of these: in gaps, filled, or NaN
  Statistics values;             ///< of what is neither filled nor NaN
  std::vector<Gap> gaps;
  std::optional<SeriesState> state;       ///< of a live file
  std::optional<ChannelQuality> quality;  ///< of an electric or magnetic one; Depth::Quality

  [[nodiscard]] double percent() const { return completeness(expected, missing); }
  /// Of the missing those that stand in no gap: rows of them are there, with NaN or the fill value in place of a value.
  [[nodiscard]] std::int64_t without_value() const;
};

struct StationSummary {
  mth5::StationInfo station;
  std::optional<mth5::UtcNanos> start, end;  ///< of the first and last sample
  std::optional<mth5::UtcNanos> newest;      ///< last sample that is not in the future, and of a clock that was set
  std::int64_t future_samples = 0;           ///< per channel, at times that have not come yet
  std::int64_t unset_samples = 0;            ///< per channel, at times before GPS: the clock was not set
  std::map<std::string, double> soh = {};    ///< newest_soh() of the file with its newest sample
  Health health = {};                        ///< Depth::Quality
  Trends trends = {};                        ///< of its health and clocks, from two days before the time of the report; the same
  std::optional<Battery> battery = {};       ///< and how long it will last; the same

  /// Of the newest sample; NaN if there is none.
  [[nodiscard]] double age_s(mth5::UtcNanos now) const {
    return newest ? std::chrono::duration<double>(now - *newest).count() : std::numeric_limits<double>::quiet_NaN();
  }
};

struct Comparison;
struct Reference;

struct Summary {
  mth5::UtcNanos now;
  Window window;
  std::vector<FileSummary> files;
  std::vector<StationSummary> stations;
  std::vector<RunSummary> runs;
  std::vector<StreamSummary> streams;
  std::vector<ChannelSummary> channels;
  std::vector<std::string> unreadable = {};         ///< files that should be in it and could not be opened
  std::size_t left_out = 0;                         ///< files of other times, FilesOfTime
  std::vector<Subject> subjects = {};               ///< what was judged
  std::optional<Verdict> verdict;                   ///< nullopt: nobody asked for it
  LimitsOf limits = usual_limits;                   ///< by which it was judged
  std::shared_ptr<const Comparison> compared = {};  ///< with the time before; nullptr: nobody asked for it
  std::shared_ptr<const Reference> reference = {};  ///< curves of the site; nullptr: it has none
};

enum class Depth {
  Report,
  Quality,  ///< with what a verdict wants to know; attributes of channels are read too
  Plots     ///< and what is drawn
};

class Cache;
/// How it is gone about, which changes nothing of what comes out.
struct Work {
  Cache* cache = nullptr;                                                  ///< nullptr: all is read
  std::function<void(std::int64_t done, std::int64_t all)> progress = {};  ///< told now and then, of samples
};

/// Reads all samples within the window once, some MiB at a time; those that cannot be read are missing. Measures of quality are
/// made in as many threads as there are processors. What the cache knows is not read, but for plots.
/// @param damage  of each file, as it is known; empty: of none
[[nodiscard]] Summary summarise(Files files, const Window& window, mth5::UtcNanos now,
                                std::span<const sandbox::Damage> damage = {}, Depth depth = Depth::Report, const Work& work = {});

/// A station, and the worst that was found of it or of a file that has runs of it; nullptr: nothing.
struct Need {
  const StationSummary* station;
  const Finding* worst;
};
/// Which station wants a visit first: those with the worst findings, then by name. @param summary  outlives it
[[nodiscard]] std::vector<Need> by_need(const Summary& summary);
/// The stations in the order of a report: by_need() where it was judged, else as they were found.
[[nodiscard]] std::vector<Need> in_order(const Summary& summary);
/// The channels in the order of their stations.
[[nodiscard]] std::vector<const ChannelSummary*> channels_in_order(const Summary& summary);
/// What was found of a station, or of a file that has runs of it: the worst first.
[[nodiscard]] std::vector<const Finding*> findings_of(const Summary& summary, const StationSummary& station);

/// The file that was written last of those that have a stream of the station, and are no copies; nullptr: none has a ledger.
[[nodiscard]] const FileSummary* newest_file_of(const Summary& summary, const std::string& station);

inline constexpr std::chrono::hours kDiskIsKnown{48};  ///< so long after the last that its recorder said of it

/// The disk of a recorder.
struct DiskState {
  std::optional<std::int64_t> free_bytes;  ///< at the last durable commit
  std::optional<double> full_in_s;         ///< from the time of the report on, at the rate at which it was filling then
};
/// Of the newest file of a station, be it closed or live; what its recorder said more than kDiskIsKnown ago nobody knows now.
[[nodiscard]] DiskState disk_of(const Summary& summary, const std::string& station);
/// "disk full in 6 d, 12.3 GiB free", "disk 12.3 GiB free"; "" where nothing is known.
[[nodiscard]] std::string to_text(const DiskState& disk);

/// What tells whether all is well, for judge(): channels and gaps over the time of the report; files, recorder, disk, battery and
/// clock as they are now.
/// @param summary  of Depth::Quality
[[nodiscard]] std::vector<Subject> subjects_of(const Summary& summary);

/// One sample after the last of any of the files that is not in the future, or, if all are, after the last; nullopt if there is
/// none.
[[nodiscard]] std::optional<mth5::UtcNanos> data_end(Files files, mth5::UtcNanos now);

[[nodiscard]] nlohmann::ordered_json to_json(const Summary& summary);
/// For people: a table per station.
[[nodiscard]] std::string to_text(const Summary& summary);

}  // namespace analysis
