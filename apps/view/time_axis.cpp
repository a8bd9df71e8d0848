#include "view/time_axis.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

namespace view {

TimeAxis axis_of(mth5::UtcNanos end, std::chrono::nanoseconds window, int points) {
  const auto width = std::max(std::chrono::nanoseconds{1}, window / points);
  const auto rest = (end.time_since_epoch() % width + width) % width;
  const auto edge = rest.count() == 0 ? end : end - rest + width;
  return {edge - width * points, width, points};
}

void draw_time(Screen& screen, int row, int first_column, int columns, const TimeAxis& axis) {
  constexpr std::array<std::int64_t, 18> kSteps{1,   2,   5,    10,   15,   30,     60,     120,    300,
                                                600, 900, 1800, 3600, 7200, 21'600, 43'200, 86'400, 172'800};
  const auto span = std::chrono::duration<double>(axis.width * axis.points).count();
  const bool days = span > 86'400;
  const double least = span / columns * 14;  // seconds of the room of a label
  auto step = kSteps.back();
  for (auto one = kSteps.rbegin(); one != kSteps.rend(); ++one)
    if (static_cast<double>(*one) >= least) step = *one;
  const std::chrono::seconds every{step};
  for (auto time = std::chrono::ceil<std::chrono::seconds>(axis.from);; time += every) {
    time -= time.time_since_epoch() % every;
    if (time < axis.from) continue;
    const double share = std::chrono::duration<double>(time - axis.from).count() / span;
    const int column = static_cast<int>(share * columns);
    const auto text = mth5::to_iso(time);
    const auto label = "|" + (days ? text.substr(5, 5) + " " + text.substr(11, 5) : text.substr(11, 8));
    if (time >= axis.end() || column + static_cast<int>(label.size()) > columns) return;
    screen.put(row, first_column + column, label, Ink::Quiet);
  }
}

}  // namespace view
