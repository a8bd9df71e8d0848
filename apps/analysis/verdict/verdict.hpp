#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/history.hpp"
#include "analysis/measures/measures.hpp"
#include "analysis/verdict/rules.hpp"
#include "mth5/metadata.hpp"

/// One answer: is it good, or what is wrong, since when, and what to do. Thread: pure functions of values.
namespace analysis {

/// Samples of less than so many seconds are not judged.
inline constexpr double kLeastSpan = 60;

/// A value, and since when it is beyond what is normal where that is known.
struct Figure {
  double value = 0;
  std::optional<mth5::UtcNanos> since = {};
  /// Of what happens so often an hour: seconds of samples where they are less than an hour, of which the value is the plain
  /// count.
  std::optional<double> counted_s = {};
};

/// What was wrong for a while, of the rule of that name.
struct Episode {
  std::string_view rule;
  double value = 0;  ///< as of the figure
  mth5::UtcNanos from, to;
};

/// Something that rules look at. A figure that is not known is not in the map: no rule finds anything wrong with it.
struct Subject {
  Scope scope = Scope::File;
  std::string station;  ///< "" of a file
  std::string name;     ///< path of a file, "1 Hz" of a stream, "ex" of a channel; "" of a station
  std::map<std::string, Figure, std::less<>> figures = {};
  double mv_per_unit = 0;               ///< of a channel; 0 = not known
  std::int64_t cell_s = 0;              ///< of a channel: length of the cells of `levels`
  std::optional<Figure> unmoved = {};   ///< of a channel: it never had another value, which others tell to be no chance
  std::optional<double> still_at = {};  ///< of a channel: that value, be it told to be stuck or not
  double noise = std::numeric_limits<double>::quiet_NaN();   ///< of a channel: History::times_as_noisy()
  bool fine = false;                                         ///< of a channel: it moves by many steps of its converter
  std::vector<std::pair<std::int64_t, double>> levels = {};  ///< size of the mean, in order of cells, which begin at number *
                                                             ///< cell_s since 1970
  std::vector<Episode> was = {};                             ///< of a channel that grows: what the last hour tells, and is over
  double rate = 0;          ///< of a stream or channel, Hz: a station may have one of the same name at several
  std::string stream = {};  ///< of a stream or channel, stream_of() its runs; distinguish() leaves it where it is needed

  /// "ex", or "ex (sr1)" where the station has another ex.
  [[nodiscard]] std::string full_name() const { return stream.empty() ? name : name + " (" + stream + ")"; }
};

enum class Severity { Warning, Critical };
/// "warning", "critical".
[[nodiscard]] std::string_view to_string(Severity severity);

/// Of a station, by the worst that is found: nothing, warnings, something critical.
inline constexpr std::array<std::string_view, 3> kStates{"good", "warning", "critical"};

struct Finding {
  const Rule* rule;
  Severity severity;
  std::string station, name;
  double value;
  std::optional<mth5::UtcNanos> since;
  double limit = std::numeric_limits<double>::quiet_NaN();   ///< that it is beyond; NaN: not known
  double median = std::numeric_limits<double>::quiet_NaN();  ///< of past days, that the limit follows from; NaN: it does not
  std::optional<double> counted_s = {};                      ///< of the figure
  std::string stream = {};                                   ///< as of the subject

  /// "MT001 ex: stuck at one value for 5 min 0 s since 10:32 UTC". @param now  what is not of that day (UTC) has its date
  [[nodiscard]] std::string sentence(mth5::UtcNanos now) const;
  /// Whether the other is of the same channel, stream, station or file, whatever it says of it.
  [[nodiscard]] bool same_subject(const Finding& other) const {
    return station == other.station && name == other.name && stream == other.stream;
  }
};

/// A finding that is over.
struct Past {
  Finding finding;
  mth5::UtcNanos from, to;

  /// "MT001 hx: stuck at one value for 3 min 0 s, 11:33 to 11:36 UTC".
  [[nodiscard]] std::string sentence(mth5::UtcNanos now) const;
};

/// The worst first; empty: good.
using Verdict = std::vector<Finding>;

/// A channel that is open, off or stuck is called that, and not what follows from it.
[[nodiscard]] Verdict judge(std::span<const Subject> subjects);
/// The order of a verdict; of the same severity and rule it stays as it is.
void worst_first(Verdict& verdict);

/// What there is to know of a channel for its figures.
struct ChannelFacts {
  std::string station, component, units;
  mth5::Kind kind = mth5::Kind::Auxiliary;
  double dipole_m = 0;                                ///< length of an electric dipole; 0 or NaN = not known
  std::vector<std::pair<double, double>> noise = {};  ///< of its sensor: Sensor::noise
  double gain = 1;                                    ///< of its filters: units per physical unit
  std::string physical_units = {};                    ///< "" = those are not known, or it is stored in them
  ClipLimits limits = {};                             ///< of its converter
  double azimuth = 0;                                 ///< degrees from north; 0 or NaN = not known
  std::string stream = {};                            ///< Series::stream
};

/// mV of one unit of the samples; NaN where that cannot be told.
[[nodiscard]] double millivolts(const ChannelFacts& facts);

/// Figures of an electric or magnetic channel: stuck_s, largest, clipped, headroom_db, rails, spikes_per_h, jumps_per_h,
/// drift_mV_h, dc_mV, mains_db. Only what the samples can tell: of less than a minute nothing, of spikes and jumps nothing in
/// less than ten minutes, of drift nothing in less than an hour without a jump, of mV nothing in counts.
/// @param mains  mains_db() of its spectrum
[[nodiscard]] Subject subject_of(const ChannelFacts& facts, const Measures& measures, std::optional<double> mains);

/// The same of a channel that grows: what is of now from the last ten minutes, what comes now and then, drift and levels from the
/// last hour; stuck_s and off_s only while it is so; pulse_s.
/// @param recent, hour  of the history, which whoever asks has already: to put them together costs more than all else
[[nodiscard]] Subject subject_of(const ChannelFacts& facts, const Measures& recent, const Measures& hour, const History& history);

/// Adds what only all channels of a station together tell: stuck_s of one that never moved where others of its kind move finely,
/// of an electric one where any does, and of all where none of a rate ever moved and one of them is electric;
/// open_ratio of electric ones, from three on: the level against that of the others where it was more than 30 times theirs for
/// the last 30 s (from two on where it is more than a volt, too), and is more than a self potential (100 mV, or a million where
/// mV are not known); times_as_noisy of a channel that grows, against the noisiest of three others or more; `was` of one that was
/// open for half a minute of the last hour.
void compare(std::span<Subject> channels);

/// Two sources of a station may have channels of one name, and one rate: takes the stream off all subjects but those, so that it
/// is told where names alone do not tell.
void distinguish(std::span<Subject> subjects);

/// What Subject::was of these tells, by the rules' own names and limits.
[[nodiscard]] std::vector<Past> past_of(std::span<const Subject> subjects);

/// A line for each finding, with what to do; "GOOD\n" if there is none.
[[nodiscard]] std::string to_text(const Verdict& verdict, mth5::UtcNanos now);
/// "GOOD", or the worst finding with what to do, and how many more there are: one line without its end.
[[nodiscard]] std::string headline(const Verdict& verdict, mth5::UtcNanos now);
/// {state: good | warning | critical, findings: [{severity, name, station, channel, file, value, unit, counted_s, limit, median,
/// since, sentence, advice, stream where there is one}]}
[[nodiscard]] nlohmann::ordered_json to_json(const Verdict& verdict, mth5::UtcNanos now);

}  // namespace analysis
