#include "analysis/html/plot.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "analysis/html/text.hpp"
#include "analysis/table_text.hpp"

namespace analysis::html {

namespace {

constexpr double kWidth = 360, kHeight = 180;
constexpr double kLeft = 66, kRight = 8, kTop = 8, kBottom = 22;
constexpr double kInner = kWidth - kLeft - kRight, kInnerHeight = kHeight - kTop - kBottom;

/// A tenth of a unit is less than a pixel.
std::string at(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", std::clamp(value, -9999.0, 9999.0));
  std::string out = text.data();
  if (out.ends_with(".0")) out.resize(out.size() - 2);
  return out == "-0" ? "0" : out;
}

std::string attribute(std::string_view name, double value) { return " " + std::string{name} + "=\"" + at(value) + "\""; }

std::string power_of_ten(int exponent) {
  constexpr std::array kDigits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  if (exponent >= 0 && exponent <= 3) return std::to_string(static_cast<int>(std::lround(std::pow(10, exponent))));
  std::string out = exponent < 0 ? "10⁻" : "10";
  for (const char digit : std::to_string(std::abs(exponent))) out += kDigits.at(static_cast<std::size_t>(digit - '0'));
  return out;
}

/// With as many decimals as tell a tick from the next one.
std::string on_axis(double value, double step) {
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  if (decimals > 9 || std::abs(value) >= 1e7) return number_text(value);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

/// Makes a long label as wide as there is room for left of the axis, whatever the font.
std::string fitted(std::string_view label) {
  constexpr std::ptrdiff_t kRoom = 9;  ///< characters that have it anyway
  const auto length = std::count_if(label.begin(), label.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return length > kRoom ? attribute("textLength", kLeft - 6) + " lengthAdjust=\"spacingAndGlyphs\"" : "";
}

void add_decades(Axis& axis, int most) {
  const int first = static_cast<int>(std::ceil(std::log10(axis.from) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(axis.to) + 1e-9));
  const int step = std::max(1, (last - first + most) / most);
  for (int decade = first; decade <= last; decade += step) axis.ticks.push_back({std::pow(10.0, decade), power_of_ten(decade)});
}

}  // namespace

double Axis::share(double value) const {
  return logarithmic ? std::log(value / from) / std::log(to / from) : (value - from) / (to - from);
}

Axis linear_axis(double low, double high) {
  if (!(high > low)) {
    const double around = low == 0 ? 1 : std::abs(low) * 1e-3;
    low -= around;
    high += around;
  }
  const double margin = 0.05 * (high - low);
  Axis axis{low - margin, high + margin};
  double step = std::pow(10.0, std::floor(std::log10((axis.to - axis.from) / 3)));
  for (const double factor : {5.0, 2.0})
    if ((axis.to - axis.from) / (step * factor) >= 3) {
      step *= factor;
      break;
    }
  for (double number = std::ceil(axis.from / step); number * step <= axis.to && axis.ticks.size() < 12; ++number)
    axis.ticks.push_back({number * step, on_axis(number * step + 0.0, step)});  // no -0
  return axis;
}

Axis decades_axis(double low, double high) {
  Axis axis{std::pow(10.0, std::floor(std::log10(low))), std::pow(10.0, std::ceil(std::log10(high))), true};
  if (axis.to <= axis.from) axis.to = 10 * axis.from;
  add_decades(axis, 5);
  return axis;
}

Axis frequency_axis(double from_hz, double to_hz) {
  Axis axis{from_hz, to_hz, true};
  add_decades(axis, 6);
  return axis;
}

Axis time_axis(mth5::UtcNanos from, mth5::UtcNanos to) {
  using std::chrono::seconds;
  constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 86'400;
  constexpr std::array<std::int64_t, 22> kSteps{
      1,          2,         5,         10,         30,   kMinute,  2 * kMinute, 5 * kMinute, 10 * kMinute, 30 * kMinute,
      kHour,      3 * kHour, 6 * kHour, 12 * kHour, kDay, 2 * kDay, 5 * kDay,    10 * kDay,   30 * kDay,    90 * kDay,
      180 * kDay, 365 * kDay};
  const double length = std::max(1e-3, std::chrono::duration<double>(to - from).count());
  Axis axis{0, length};
  const auto step =
      std::find_if(kSteps.begin(), std::prev(kSteps.end()), [&](std::int64_t s) { return length / static_cast<double>(s) <= 5; });
  const auto first = std::chrono::ceil<seconds>(from).time_since_epoch().count();
  for (auto tick = (first + *step - 1) / *step * *step; axis.ticks.size() < 12; tick += *step) {
    const mth5::UtcNanos time{seconds{tick}};
    if (time > to) break;
    const auto text = mth5::to_iso(time);  // 2026-05-01T12:00:00Z
    const bool midnight = tick % kDay == 0;
    axis.ticks.push_back({std::chrono::duration<double>(time - from).count(),
                          midnight ? text.substr(*step >= 90 * kDay ? 0 : 5, *step >= 90 * kDay ? 7 : 5)
                                   : text.substr(11, *step < kMinute ? 8 : 5)});
  }
  return axis;
}

Plot::Plot(std::string_view title, std::string_view description, Axis x, Axis y)
    : x_{std::move(x)}, y_{std::move(y)}, title_{title}, description_{description} {}

double Plot::x_of(double value) const { return kLeft + kInner * x_.share(value); }
double Plot::y_of(double value) const { return kTop + kInnerHeight * (1 - std::clamp(y_.share(value), -0.2, 1.2)); }

void Plot::line(const std::vector<Point>& points, std::string_view kind) {
  std::string path;
  bool drawn = false;
  for (const auto& point : points) {
    if (!std::isfinite(point.x) || !std::isfinite(point.y)) {
      drawn = false;
      continue;
    }
    const auto here = at(x_of(point.x)) + " " + at(y_of(point.y));
    if (!drawn) path += "M" + here;  // with a line to itself: a single point is to be seen too
    path += "L" + here;
    drawn = true;
  }
  if (!path.empty()) inside_ += "<path class=\"" + std::string{kind} + "\" d=\"" + path + "\"/>";
}

void Plot::band(const std::vector<Point>& low, const std::vector<Point>& high, std::string_view kind) {
  std::string path;
  for (std::size_t i = 0; i < low.size();) {
    std::size_t end = i;
    while (end < low.size() && std::isfinite(low[end].y) && std::isfinite(high[end].y)) ++end;
    if (end == i) {
      ++i;
      continue;
    }
    const char* sign = "M";
    for (std::size_t k = i; k < end; ++k, sign = "L") path += sign + at(x_of(high[k].x)) + " " + at(y_of(high[k].y));
    for (std::size_t k = end; k-- > i;) path += "L" + at(x_of(low[k].x)) + " " + at(y_of(low[k].y));
    path += "Z";
    i = end;
  }
  if (!path.empty()) inside_ += "<path class=\"" + std::string{kind} + "\" d=\"" + path + "\"/>";
}

void Plot::picture(double from, double to, std::string_view png) {
  inside_ += "<image" + attribute("x", x_of(from)) + attribute("y", kTop) + attribute("width", x_of(to) - x_of(from)) +
             attribute("height", kInnerHeight) + " preserveAspectRatio=\"none\" href=\"data:image/png;base64," + base64(png) +
             "\"/>";
}

void Plot::note(std::string_view text) {
  inside_ += "<text class=\"note\"" + attribute("x", kLeft + kInner / 2) + attribute("y", kTop + kInnerHeight / 2) + ">" +
             escaped(text) + "</text>";
}

std::string Plot::svg() const {
  std::string out = "<svg role=\"img\" viewBox=\"0 0 360 180\"><title>" + escaped(title_) + "</title>" +
                    (description_.empty() ? "" : "<desc>" + escaped(description_) + "</desc>");
  std::string grid;
  for (const auto& tick : x_.ticks) {
    const double x = x_of(tick.at);
    grid += "M" + at(x) + " " + at(kTop) + "v" + at(kInnerHeight);
    out += "<text class=\"x\"" + attribute("x", std::min(x, kWidth - 16)) + attribute("y", kHeight - 8) + ">" + tick.label +
           "</text>";
  }
  for (const auto& tick : y_.ticks) {
    const double y = y_of(tick.at);
    grid += "M" + at(kLeft) + " " + at(y) + "h" + at(kInner);
    out += "<text class=\"y\"" + attribute("x", kLeft - 4) + attribute("y", y + 3) + fitted(tick.label) + ">" + tick.label +
           "</text>";
  }
  // A drawing of its own, as it cuts off at its edges: an id for a clip path would have to be unique on the page.
  return out + "<path class=\"grid\" d=\"" + grid + "\"/><svg" + attribute("x", kLeft) + attribute("y", kTop) +
         attribute("width", kInner) + attribute("height", kInnerHeight) + " viewBox=\"" + at(kLeft) + " " + at(kTop) + " " +
         at(kInner) + " " + at(kInnerHeight) + "\">" + inside_ + "</svg></svg>";
}

}  // namespace analysis::html
