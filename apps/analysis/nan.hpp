#pragma once

#include <limits>

namespace analysis {

/// No value.
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace analysis
