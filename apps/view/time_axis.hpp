#pragma once

#include <chrono>

#include "mth5/time.hpp"
#include "view/screen.hpp"

namespace view {

/// Where a plot lies in time: columns of points of equal width, on a grid that stays as time goes on. Thread: a value.
struct TimeAxis {
  mth5::UtcNanos from{};
  std::chrono::nanoseconds width{1};  ///< of a column of points
  int points = 0;

  [[nodiscard]] mth5::UtcNanos end() const { return from + width * points; }
};

/// The plot of a length of time whose last column has its end in it.
[[nodiscard]] TimeAxis axis_of(mth5::UtcNanos end, std::chrono::nanoseconds window, int points);

/// Labels at round times, from a column of the screen on over so many columns.
void draw_time(Screen& screen, int row, int column, int columns, const TimeAxis& axis);

}  // namespace view
