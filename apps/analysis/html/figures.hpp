#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/measures/envelope.hpp"
#include "analysis/spectra/reference.hpp"
#include "analysis/summary.hpp"

/// The figures of a page, each a <figure> with its caption. Thread: pure functions of values.
namespace analysis::html {

struct Span {
  mth5::UtcNanos from, to;
};

/// The smallest and the largest value of each column of time, with holes where there is none.
[[nodiscard]] std::string envelope_figure(std::string_view name, std::string_view units, const Envelope& envelope,
                                          const Span& span);
/// Median and 10 to 90 % of the spectra of a channel, on the usual range of the natural field and the noise of its sensor.
/// @param own  curves of the site; nullptr: it has none
[[nodiscard]] std::string spectrum_figure(const ChannelQuality& quality, const Reference* own);
/// Levels over the median of each frequency, from 10 dB below to 20 dB above.
[[nodiscard]] std::string spectrogram_figure(const ChannelQuality& quality, const Span& span);

/// How complete each hour (above 31 days: each day) of a stream is, by its gaps.
struct Completeness {
  mth5::UtcNanos start;
  double expected_s = 0, missing_s = 0;

  [[nodiscard]] double percent() const { return 100 * (1 - missing_s / expected_s); }
};
struct Calendar {
  bool days = false;                ///< a day each, else an hour
  std::vector<Completeness> cells;  ///< of whole days or months, without a hole; nothing is expected: 0 s
};
/// @param gaps  of all channels of the stream, none at a time that another is
[[nodiscard]] Calendar calendar_of(const Span& expected, const std::vector<Gap>& gaps);
[[nodiscard]] std::string calendar_figure(std::string_view name, const Calendar& calendar);

}  // namespace analysis::html
