#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/series.hpp"
#include "analysis/spectra/cross_spectra.hpp"
#include "analysis/spectra/natural.hpp"
#include "analysis/spectra/side_by_side.hpp"
#include "analysis/verdict/verdict.hpp"

namespace view {

/// Spectra of all field channels of a stream of a station, over the last one to two hours of samples. Thread: that of the reader.
class StationSpectra {
 public:
  static constexpr std::size_t kMostChannels = 8;

  /// @param components  electric and magnetic ones; of more than eight the first    @param stream  Series::stream
  StationSpectra(std::string station, double rate, std::vector<std::string> components, std::string stream = {});

  void add(const analysis::ChannelFacts& channel, const analysis::Block& block);
  /// What is known of a channel before its samples come.
  void describe(const analysis::ChannelFacts& channel);
  /// From the beginning.
  void begin();
  /// Counts what all channels have come to.
  void update();

  [[nodiscard]] const std::string& station() const { return station_; }
  [[nodiscard]] double rate() const { return rate_; }
  /// Whether a channel at this rate is of the same stream of the same station.
  [[nodiscard]] bool is_of(const analysis::ChannelFacts& channel, double rate) const {
    return channel.station == station_ && channel.stream == stream_ && rate == rate_;
  }
  [[nodiscard]] bool is_of(const analysis::Series& series) const {
    return series.station == station_ && series.stream == stream_ && series.sample_rate == rate_;
  }
  [[nodiscard]] const std::vector<analysis::ChannelFacts>& channels() const { return channels_; }
  [[nodiscard]] const analysis::CrossSpectra& spectra() const { return current_; }
  /// Samples of so much time are in them.
  [[nodiscard]] double seconds() const;

  bool reading = false;  ///< older samples are being read, in order of time: the newest are not in it yet

 private:
  std::string station_;
  double rate_;
  std::string stream_;
  std::vector<analysis::ChannelFacts> channels_;
  analysis::SideBySide side_by_side_;
  analysis::CrossSpectra current_, next_;  ///< the second takes the place of the first when that has two hours
  std::optional<mth5::UtcNanos> since_, next_since_;
  mth5::UtcNanos end_{};
};

/// A point of a spectrum on a screen: lines of neighbouring frequencies put together.
struct SpectrumPoint {
  double mean = 0, max = 0;  ///< units squared per Hz
  int lines = 0;             ///< 0: there is none
  double spread = 0;         ///< sum over the lines of 1 / segments

  /// Standard deviation of the mean, as a part of it: one line of K segments has 1.04 / sqrt(K) with half overlap, and
  /// neighbours are not independent.
  [[nodiscard]] double scatter() const;
};
/// Of `count` bands of equal width on a logarithmic or linear axis, each line from the stage that it is to be read from.
[[nodiscard]] std::vector<SpectrumPoint> banded_spectrum(const analysis::CrossSpectra& spectra, std::size_t channel,
                                                         double from_hz, double to_hz, std::size_t count, bool linear);
/// Mean squared coherence of two channels between two frequencies, without what noise has; nullopt: not enough data yet.
[[nodiscard]] std::optional<double> mean_coherence(const analysis::CrossSpectra& spectra, std::size_t a, std::size_t b,
                                                   double from_hz, double to_hz);

}  // namespace view
