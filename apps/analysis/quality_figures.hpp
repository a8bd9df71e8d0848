#pragma once

#include <array>
#include <string_view>

#include "analysis/nan.hpp"
#include "analysis/summary.hpp"

/// The figures of quality of a channel that its report shows, in order. Thread: constant.
namespace analysis {

struct QualityFigure {
  std::string_view heading;                        ///< for people
  std::string_view name;                           ///< for programs
  bool count;                                      ///< a whole number
  double (*value)(const ChannelQuality& quality);  ///< NaN: not known

  /// nullopt where the channel is not judged, or has no value.
  [[nodiscard]] std::optional<double> of(const ChannelSummary& channel) const {
    const auto& quality = channel.quality;
    if (!quality || quality->measures.statistics().count() == 0) return std::nullopt;
    return value(*quality);
  }
};

inline constexpr std::array kQualityFigures{
    QualityFigure{"clipped", "clipped", true, [](const ChannelQuality& q) { return static_cast<double>(q.measures.clipped()); }},
    QualityFigure{"median", "dc", false, [](const ChannelQuality& q) { return q.measures.histogram().median(); }},
    QualityFigure{"drift/h", "drift_per_h", false,
                  [](const ChannelQuality& q) { return q.measures.envelope().drift_per_hour(); }},
    QualityFigure{"spikes", "spikes", true,
                  [](const ChannelQuality& q) { return static_cast<double>(q.measures.spikes().count()); }},
    QualityFigure{"jumps", "jumps", true,
                  [](const ChannelQuality& q) { return static_cast<double>(q.measures.jumps().count()); }},
    QualityFigure{"mains dB", "mains_db", false, [](const ChannelQuality& q) { return q.mains_db.value_or(kNaN); }}};

}  // namespace analysis
