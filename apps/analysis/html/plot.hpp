#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mth5/time.hpp"

namespace analysis::html {

/// An axis of a plot. Thread: a value.
struct Axis {
  struct Tick {
    double at;
    std::string label;
  };
  double from = 0, to = 1;
  bool logarithmic = false;
  std::vector<Tick> ticks = {};

  /// 0 at `from`, 1 at `to`.
  [[nodiscard]] double share(double value) const;
};
/// Of what lies between the two, with ticks at 1, 2 or 5 times a power of ten; a little wider, so that no line lies on the edge.
[[nodiscard]] Axis linear_axis(double low, double high);
/// From decade to decade, with ticks at (some of) them.
[[nodiscard]] Axis decades_axis(double low, double high);
/// Of frequencies: from one to the other, with ticks at decades.
[[nodiscard]] Axis frequency_axis(double from_hz, double to_hz);
/// In seconds behind `from`, with ticks at round UTC times.
[[nodiscard]] Axis time_axis(mth5::UtcNanos from, mth5::UtcNanos to);

/// A plot as inline SVG: drawn on 360 by 180 units, as wide as its place. Thread: a value.
class Plot {
 public:
  struct Point {
    double x, y;  ///< NaN: the line ends here, and begins again behind it
  };

  /// @param title, description  for who cannot see it; text, not HTML
  Plot(std::string_view title, std::string_view description, Axis x, Axis y);

  /// @param kind  class of style.hpp
  void line(const std::vector<Point>& points, std::string_view kind);
  /// Between two lines with the same x. Where one of them ends, both do.
  void band(const std::vector<Point>& low, const std::vector<Point>& high, std::string_view kind);
  /// A picture between two values of x over all of the height; what lies outside the axes is not shown.
  void picture(double from, double to, std::string_view png);
  /// In the middle of the plot, where there is nothing to draw.
  void note(std::string_view text);

  [[nodiscard]] std::string svg() const;

 private:
  [[nodiscard]] double x_of(double value) const;
  [[nodiscard]] double y_of(double value) const;

  Axis x_, y_;
  std::string title_, description_, inside_;
};

}  // namespace analysis::html
