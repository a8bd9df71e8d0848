#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "acquisition/config/config.hpp"
#include "mth5/metadata.hpp"

namespace daq::recorder {

/// Median of a long series in bounded memory: when the buffer is full every other value goes, and from then on only every other
/// one comes in; what stays is evenly spread over the whole time.
class RunningMedian {
 public:
  void add(double value);
  [[nodiscard]] std::optional<double> value() const;

 private:
  static constexpr std::size_t kLimit = 4096;
  std::vector<double> values_;
  std::size_t step_ = 1, skipped_ = 0;
};

/// What the instrument said of itself around the samples of a run.
struct RunFigures {
  std::optional<double> battery_first, battery_last, satellites_last;
  /// The stream's clock at a sample.
  struct ClockAt {
    double axis_s;  ///< by the plain axis, from whatever point
    std::int64_t utc_ns;
    std::int64_t kind;  ///< decode::TimeKind
    double uncertainty_s;
  };
  std::optional<ClockAt> clock_first, clock_last;

  /// Those of samples behind these.
  void add(const RunFigures& later);
  void add(const ClockAt& at) {
    if (!clock_first || clock_first->axis_s == at.axis_s) clock_first = at;  // told again
    clock_last = at;
  }
  /// data_logger.power_source.voltage.start / .end and timing_system.*, as far as they are known: type is that of the profile
  /// while the times are those of GPS; drift is by how many seconds the plain axis falls behind UTC (> 0) or runs ahead of it
  /// from the first anchor of the run to its end. @param at_best  whose times the stream's are
  [[nodiscard]] mth5::Metadata metadata(decode::TimeKind at_best) const;
};

/// What MTH5 metadata can be learnt from an instrument's state of health: where the station is, its battery, its satellites.
/// By quantity name: latitude, longitude (degrees), elevation (m), battery (V), satellites. Thread: writer.
class StationState {
 public:
  explicit StationState(const config::Instrument& instrument);

  /// One row of values in the order of Instrument::soh, of that time.
  void add(mth5::UtcNanos time, std::span<const double> values);
  /// The figures of the rows up to `end` that `reader` has not been given yet; it counts on from 0.
  [[nodiscard]] RunFigures figures_until(mth5::UtcNanos end, std::uint64_t& reader) const;

  /// location.latitude, .longitude, .elevation as medians; nothing that was not seen or makes no sense.
  [[nodiscard]] mth5::Metadata location() const;

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  static constexpr std::size_t kRemembered = 2048;  ///< rows: many more than come with one piece of a stream
  struct Row {
    mth5::UtcNanos time;
    double battery, satellites;
  };
  std::size_t latitude_ = kNone, longitude_ = kNone, elevation_ = kNone, battery_ = kNone, satellites_ = kNone;
  RunningMedian latitudes_, longitudes_, elevations_;
  std::deque<Row> rows_;
  std::uint64_t first_row_ = 0;  ///< number of rows_.front(), counted from the start
};

}  // namespace daq::recorder
