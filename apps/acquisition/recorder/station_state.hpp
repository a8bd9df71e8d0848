#pragma once

#include <cstddef>
#include <cstdint>
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

/// What MTH5 metadata can be learnt from an instrument's state of health: where the station is, its battery, its satellites.
/// By quantity name: latitude, longitude (degrees), elevation (m), battery (V), satellites. Thread: writer.
class StationState {
 public:
  explicit StationState(const config::Instrument& instrument);

  /// One row of values in the order of Instrument::soh. It belongs to the samples that follow it.
  void add(std::span<const double> values);
  /// Samples came: the rows since the last ones are of their run.
  void samples_taken();

  /// location.latitude, .longitude, .elevation as medians; nothing that was not seen or makes no sense.
  [[nodiscard]] mth5::Metadata location() const;
  /// data_logger.power_source.voltage.start / .end and timing_system.n_satellites of the run so far; begin_run() forgets.
  [[nodiscard]] mth5::Metadata run_figures() const;
  void begin_run();

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t latitude_ = kNone, longitude_ = kNone, elevation_ = kNone, battery_ = kNone, satellites_ = kNone;
  RunningMedian latitudes_, longitudes_, elevations_;
  struct Figures {
    std::optional<double> battery_first, battery_last, satellites_last;
  };
  Figures run_, next_;  ///< of the run, of the rows behind its last samples
};

}  // namespace daq::recorder
