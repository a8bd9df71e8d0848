#pragma once

#include <string_view>

namespace daq::ledger {

/// s: where UTC is known so well, and no worse, times of arrival are locked.
inline constexpr double kGoodArrivals = 0.01;

/// What the clock of a stream is worth now. Thread: a value.
struct ClockNow {
  std::string_view source;        ///< where its times come from: "gps", "device", "host", "none"
  double ppm = 0;                 ///< > 0: samples come faster than the nominal rate says; NaN = not known yet
  double residual_s = 0;          ///< of the newest time against the fitted line
  double uncertainty_s = 0;       ///< of the newest sample's UTC
  bool locked = false;            ///< the line follows its source
  std::string_view why_not = "";  ///< it is not locked
};

}  // namespace daq::ledger
