#include "view/traces.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "analysis/spectra/field_scale.hpp"
#include "analysis/table_text.hpp"
#include "mth5/duration.hpp"
#include "mth5/metadata.hpp"
#include "view/page.hpp"
#include "view/time_axis.hpp"

namespace view {

namespace {

using analysis::shown;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Column = analysis::Pyramid::Cell;

constexpr int kLabel = 20;     ///< columns left of the traces
constexpr int kLeastTall = 2;  ///< rows of a trace

/// The line through the means of the columns taken off, so that their mean is 0.
void take_off_trend(std::vector<Column>& columns) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].n == 0) continue;
    const double x = static_cast<double>(i), y = columns[i].sum / static_cast<double>(columns[i].n);
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  if (n == 0) return;
  const double spread = n * sxx - sx * sx;
  const double slope = spread > 0 ? (n * sxy - sx * sy) / spread : 0;
  const double offset = (sy - slope * sx) / n;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const double line = offset + slope * static_cast<double>(i);
    columns[i].min -= line;
    columns[i].max -= line;
    columns[i].sum -= line * static_cast<double>(columns[i].n);
  }
}

std::vector<Column> columns_of(const Traces::Channel& channel, const TimeAxis& axis) {
  return channel.pyramid.columns(axis.from, axis.width, static_cast<std::size_t>(axis.points));
}

/// Columns of stored samples as they are drawn. @param factor  of the samples
std::vector<Column> drawn(std::vector<Column> columns, double factor, bool detrend) {
  if (factor != 1)
    for (auto& column : columns) {
      column.min *= factor;
      column.max *= factor;
      column.sum *= factor;
      if (factor < 0) std::swap(column.min, column.max);
    }
  if (detrend) take_off_trend(columns);
  return columns;
}

/// Whether a column of stored samples has one at the limits of the converter, as it is drawn.
struct Marks {
  bool below = false, above = false;
};
Marks marks_of(const Column& column, const analysis::ClipLimits& limits, double factor) {
  if (column.n == 0 || (!std::isfinite(limits.low) && !std::isfinite(limits.high))) return {};
  Marks marks{column.min <= limits.low, column.max >= limits.high};
  if (factor < 0) std::swap(marks.below, marks.above);
  return marks;
}

std::optional<std::pair<double, double>> range_of(const std::vector<Column>& columns) {
  std::optional<std::pair<double, double>> range;
  for (const auto& column : columns) {
    if (column.n == 0 || !std::isfinite(column.min) || !std::isfinite(column.max)) continue;
    if (!range) range = {column.min, column.max};
    range = {std::min(range->first, column.min), std::max(range->second, column.max)};
  }
  return range;
}

/// What the filter looks at.
std::string text_of(const Traces::Channel& channel) {
  return channel.facts.station + "/" + channel.facts.component + "/" + analysis::rate_text(channel.rate);
}
std::string key_of(const Traces::Channel& channel) { return text_of(channel) + "/" + channel.facts.stream; }

/// As many digits as tell the bottom from the top.
std::string scale_text(double value, double height) {
  char text[48];
  const int decimals = height > 0 ? static_cast<int>(std::clamp(2 - std::floor(std::log10(height)), 0.0, 9.0)) : 3;
  std::snprintf(text, sizeof text, std::abs(value) < 1e9 ? "%.*f" : "%.*e", decimals, value == 0 ? 0.0 : value);
  return text;
}

void draw_trace(Screen& screen, int row, int rows, const Traces::Channel& channel, const std::string& label, const TimeAxis& axis,
                const Ui& ui, bool chosen, const analysis::ClipLimits& limits) {
  const auto units = analysis::shown_units(channel.facts, ui.physical);
  const auto stored = columns_of(channel, axis);
  const auto columns = drawn(stored, units.factor, ui.detrend);
  auto range = range_of(columns);
  if (ui.scales)
    if (const auto fixed = ui.scales->find(key_of(channel)); fixed != ui.scales->end()) range = fixed->second;
  if (chosen) screen.put(row, 0, ">", Ink::Selected);
  screen.put(row + 1, 2, units.symbol, Ink::Quiet);
  const int width = screen.columns() - kLabel - 1;
  const auto name = [&](int room) { screen.put(row, 1, cut_to(label, room), Ink::Title); };
  if (!range) {
    name(kLabel - 2);
    screen.put(row, kLabel, "no samples in this time", Ink::Quiet);
    return;
  }
  const auto [low, high] = *range;
  const double height = high - low;
  const auto top = scale_text(high, height), bottom = scale_text(low, height);
  name(kLabel - 3 - static_cast<int>(top.size()));
  screen.put(row, kLabel - 1 - static_cast<int>(top.size()), top, Ink::Quiet);
  screen.put(row + rows - 1, kLabel - 1 - static_cast<int>(bottom.size()), bottom, Ink::Quiet);
  Canvas canvas{rows, width, ui.glyphs};
  const auto y_of = [&](double value) {
    const double share = (0.5 * high - 0.5 * value) / (0.5 * high - 0.5 * low);  // by halves: the height may be beyond a double
    return static_cast<int>(std::lround((std::isnan(share) ? 0.5 : std::clamp(share, -1.0, 2.0)) * (canvas.height() - 1)));
  };
  const int across = canvas.width() / width;
  for (int x = 0; x < axis.points; ++x) {
    const auto& column = columns[static_cast<std::size_t>(x)];
    if (column.n > 0) canvas.column(x, y_of(column.min), y_of(column.max));
  }
  canvas.draw(screen, row, kLabel, Ink::Trace);
  for (int x = 0; x < axis.points; ++x) {
    const auto& column = columns[static_cast<std::size_t>(x)];
    if (column.n == 0) continue;
    const auto marks = marks_of(stored[static_cast<std::size_t>(x)], limits, units.factor);
    if (column.max > high || marks.above) screen.set(row, kLabel + x / across, U'^', Ink::Warning);
    if (column.min < low || marks.below) screen.set(row + rows - 1, kLabel + x / across, U'v', Ink::Warning);
  }
  // Where a hole begins that is a character wide or more.
  const auto hole = [&](int c) {
    for (int i = 0; i < across; ++i)
      if (columns[static_cast<std::size_t>(c * across + i)].n > 0) return false;
    return true;
  };
  for (int c = 1; c < width; ++c)
    if (hole(c) && !hole(c - 1))
      for (int r = 0; r < rows; ++r) screen.set(row + r, kLabel + c, U'|', Ink::Warning);
}

int points_of(const Screen& screen, const Ui& ui) {
  return (screen.columns() - kLabel - 1) * (ui.glyphs == Glyphs::Braille ? 2 : 1);
}

}  // namespace

std::optional<mth5::UtcNanos> Traces::end() const {
  std::optional<mth5::UtcNanos> newest;
  for (const auto& channel : channels)
    if (!channel.pyramid.empty()) newest = std::max(newest, std::optional{channel.pyramid.end()});
  return newest;
}

std::optional<mth5::UtcNanos> Traces::start() const {
  std::optional<mth5::UtcNanos> oldest;
  for (const auto& channel : channels)
    if (!channel.pyramid.empty() && (!oldest || channel.pyramid.start() < *oldest)) oldest = channel.pyramid.start();
  return oldest;
}

const std::vector<seconds>& windows() {
  static const std::vector<seconds> all{seconds{10}, seconds{30}, minutes{1}, minutes{5}, minutes{10}, minutes{30}, hours{1},
                                        hours{3},    hours{6},    hours{12},  hours{24},  hours{48},   hours{168}};
  return all;
}

std::vector<const Traces::Channel*> filtered(const Page& page, const Ui& ui) {
  std::vector<const Traces::Channel*> all;
  if (page.traces == nullptr) return all;
  for (const bool auxiliary : {false, true})  // what is recorded for its own sake comes first
    for (const auto& channel : page.traces->channels)
      if ((channel.facts.kind == mth5::Kind::Auxiliary) == auxiliary && page.shows(channel.facts.component) &&
          text_of(channel).find(ui.filter) != std::string::npos)
        all.push_back(&channel);
  return all;
}

const Traces::Channel* chosen_channel(const Page& page, const Ui& ui) {
  const auto channels = filtered(page, ui);
  if (channels.empty()) return nullptr;
  return channels[static_cast<std::size_t>(std::clamp(ui.channel, 0, static_cast<int>(channels.size()) - 1))];
}

std::optional<mth5::UtcNanos> end_of_plot(const Page& page, const Ui& ui) {
  if (ui.end) return ui.end;
  const auto end = page.traces != nullptr ? page.traces->end() : std::nullopt;
  if (!end || !page.look) return end;
  // Nothing comes any more: the hole grows.
  double silent = page.look->streams.empty() ? 0 : INFINITY;
  for (const auto& stream : page.look->streams) silent = std::min(silent, stream.flow ? stream.flow->silent_s : 0);
  return *end + std::chrono::seconds{static_cast<std::int64_t>(std::min(silent, 1e8))};
}

std::map<std::string, std::pair<double, double>> scales_of(const Page& page, const Ui& ui) {
  std::map<std::string, std::pair<double, double>> scales;
  const auto end = end_of_plot(page, ui);
  if (!end) return scales;
  const auto axis = axis_of(*end, windows()[ui.window], 256);
  for (const auto* channel : filtered(page, ui))
    if (const auto range =
            range_of(drawn(columns_of(*channel, axis), analysis::shown_units(channel->facts, ui.physical).factor, ui.detrend))) {
      const double room = 0.25 * (range->second - range->first);
      scales[key_of(*channel)] = {range->first - room, range->second + room};
    }
  return scales;
}

void draw_traces(Screen& screen, int top, const Page& page, const Ui& ui) {
  const auto channels = filtered(page, ui);
  const auto end = end_of_plot(page, ui);
  int column =
      screen.put(top, 1, mth5::format_duration(windows()[ui.window]) + (ui.end ? " to " + time_of(*ui.end, page.now) : ""),
                 Ink::Title) +
      2;
  column = screen.put(top, column, ui.scales ? "fixed scale" : "autoscale") + 2;
  if (ui.detrend) column = screen.put(top, column, "trend taken off") + 2;
  if (page.traces != nullptr && page.traces->differences) column = screen.put(top, column, "first differences") + 2;
  if (ui.typing || !ui.filter.empty())
    column = screen.put(top, column, "/" + ui.filter + (ui.typing ? "_" : ""), Ink::Selected) + 2;
  const bool unread = end && std::any_of(channels.begin(), channels.end(), [&](const Traces::Channel* one) {
                        return !one->whole && !one->pyramid.empty() && one->pyramid.start() > *end - windows()[ui.window];
                      });
  if (page.traces != nullptr && page.traces->filling)
    screen.put(top, column, "reading older samples ...", Ink::Quiet);
  else if (unread)
    screen.put(top, column, "older samples are not read yet", Ink::Quiet);
  if (channels.empty() || !end) {
    screen.put(top + 2, 1, ui.filter.empty() ? "no samples yet, or none with a sample rate" : "no channel has this in its name",
               Ink::Quiet);
    return;
  }
  const int room = screen.rows() - 1 - top - 2;
  const int n = static_cast<int>(channels.size());
  const int most = std::max(1, room / kLeastTall);
  const int chosen = std::clamp(ui.channel, 0, n - 1);
  const int first = std::clamp(chosen - most + 1, 0, std::max(0, n - most));
  const int count = std::min(most, n - first);
  const int tall = room / count;
  const auto axis = axis_of(*end, windows()[ui.window], points_of(screen, ui));
  for (int i = 0; i < count; ++i) {
    const auto& channel = *channels[static_cast<std::size_t>(first + i)];
    const auto& facts = channel.facts;
    draw_trace(screen, top + 1 + i * tall, tall, channel, label_of(page, facts.station, facts.component, facts.stream), axis, ui,
               first + i == chosen, page.traces->differences ? analysis::ClipLimits{} : facts.limits);
  }
  const auto not_shown = static_cast<std::size_t>(n - count) + page.traces->left_out;
  if (not_shown > 0) screen.put(screen.rows() - 2, 1, std::to_string(not_shown) + " more: Tab, /", Ink::Quiet);
  draw_time(screen, screen.rows() - 2, kLabel, screen.columns() - kLabel - 1, axis);
}

}  // namespace view
