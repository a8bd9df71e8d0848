#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "analysis/series.hpp"
#include "analysis/spectra/cross_spectra.hpp"
#include "analysis/spectra/side_by_side.hpp"
#include "analysis/verdict/verdict.hpp"

namespace analysis {

inline constexpr std::size_t kMostSpectra = 8;  ///< stations and rates whose spectra are kept

/// The electric and magnetic channels of a run, in its order.
struct FieldChannels {
  std::vector<std::string> components;
  bool both = false;  ///< there are some of each
};
[[nodiscard]] FieldChannels field_channels(const mth5::Reader& file, const mth5::RunInfo& run);

/// Spectra of all field channels of a stream of a station, over the last one to two hours of samples. Thread: that of the reader.
class StationSpectra {
 public:
  static constexpr std::size_t kMostChannels = 8;
  static constexpr std::size_t kSegment = 256;  ///< samples

  /// @param components  electric and magnetic ones; of more than eight the first    @param stream  Series::stream
  StationSpectra(std::string station, double rate, std::vector<std::string> components, std::string stream = {});

  void add(const ChannelFacts& channel, const Block& block);
  /// What is known of a channel before its samples come.
  void describe(const ChannelFacts& channel);
  /// From the beginning.
  void begin();
  /// Counts what all channels have come to.
  void update();

  [[nodiscard]] const std::string& station() const { return station_; }
  [[nodiscard]] double rate() const { return rate_; }
  /// Whether a channel at this rate is of the same stream of the same station.
  [[nodiscard]] bool is_of(const ChannelFacts& channel, double rate) const {
    return channel.station == station_ && channel.stream == stream_ && rate == rate_;
  }
  [[nodiscard]] bool is_of(const Series& series) const {
    return series.station == station_ && series.stream == stream_ && series.sample_rate == rate_;
  }
  [[nodiscard]] const std::vector<ChannelFacts>& channels() const { return channels_; }
  [[nodiscard]] const CrossSpectra& spectra() const { return current_; }
  /// Samples of so much time are in them.
  [[nodiscard]] double seconds() const;

  bool reading = false;  ///< older samples are being read, in order of time: the newest are not in it yet

 private:
  std::string station_;
  double rate_;
  std::string stream_;
  std::vector<ChannelFacts> channels_;
  SideBySide side_by_side_;
  CrossSpectra current_, next_;  ///< the second takes the place of the first when that has two hours
  std::optional<mth5::UtcNanos> since_, next_since_;
  mth5::UtcNanos end_{};
};

}  // namespace analysis
