#include "view/spectrogram.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>

#include "analysis/median.hpp"
#include "analysis/spectra/field_scale.hpp"
#include "analysis/spectra/spectrum.hpp"
#include "analysis/table_text.hpp"
#include "mth5/duration.hpp"
#include "mth5/metadata.hpp"
#include "view/page.hpp"
#include "view/spectra.hpp"
#include "view/time_axis.hpp"

namespace view {

namespace {

constexpr double kLeastSamples = 128;  ///< of a column
constexpr std::size_t kLeastSegment = 32, kMostSegment = 1024;
constexpr std::int64_t kMostSegments = 16;  ///< lengths of a segment that a column is read
using analysis::shown;

constexpr std::size_t kMostKept = 1000;  ///< columns
constexpr int kLabels = 9;               ///< columns left of the plot
constexpr double kLeastDecades = 1;      ///< from the weakest to the strongest shade

/// From weak to strong; a blank is for what is not there.
constexpr std::u32string_view kShades = U"\u00b7\u2591\u2592\u2593\u2588", kAsciiShades = U".:-=+*#@";

}  // namespace

Spectrogram::Spectrogram(Of of) : of_{std::move(of)} {
  const double seconds = std::max(std::chrono::duration<double>(of_.window).count() / kColumns, kLeastSamples / of_.rate);
  length_ = std::chrono::nanoseconds{std::llround(seconds * 1e9)};
  const auto quarter = static_cast<std::size_t>(std::min(seconds * of_.rate / 4 + 1e-6, 1e9));
  segment_ = std::clamp(std::bit_floor(quarter), kLeastSegment, kMostSegment);
  most_ = kMostSegments * static_cast<std::int64_t>(segment_);
}

std::int64_t Spectrogram::number_of(mth5::UtcNanos time) const {
  const auto ns = time.time_since_epoch().count(), length = length_.count();
  return ns / length - (ns % length < 0 ? 1 : 0);
}

mth5::UtcNanos Spectrogram::start_of(std::int64_t number) const { return mth5::UtcNanos{number * length_}; }

const Spectrogram::Column* Spectrogram::at(std::int64_t number) const {
  const auto found = columns_.find(number);
  return found != columns_.end() ? &found->second : nullptr;
}

std::optional<std::int64_t> Spectrogram::missing(mth5::UtcNanos from, mth5::UtcNanos end, mth5::UtcNanos newest) const {
  const auto last = std::min(end, newest) - std::chrono::nanoseconds{1};
  for (auto number = number_of(last); number >= number_of(from); --number) {
    const auto* column = at(number);
    if (column == nullptr || (column->open && *column->open < newest)) return number;
  }
  return std::nullopt;
}

void Spectrogram::set(std::int64_t number, std::span<const analysis::Samples> samples, mth5::UtcNanos newest) {
  analysis::Spectrum spectrum{segment_};
  std::int64_t n = 0;
  for (const auto& piece : samples) {
    spectrum.add({piece.start, of_.rate, piece.values});
    n += std::ssize(piece.values);
  }
  Column column{spectrum.density(), spectrum.segments(), {}};
  if (newest < start_of(number + 1) && n < most_) column.open = newest;
  columns_[number] = std::move(column);
  // The plot is somewhere near.
  if (columns_.size() > kMostKept)
    columns_.erase(columns_.begin()->first < number ? columns_.begin() : std::prev(columns_.end()));
}

namespace {

/// From where to where a row of the plot reaches, in Hz, the highest on top.
struct Rows {
  double from_hz, to_hz;
  bool linear;
  int count;

  [[nodiscard]] double edge(int row) const {
    const double share = 1 - static_cast<double>(row) / count;
    return linear ? from_hz + share * (to_hz - from_hz) : from_hz * std::pow(to_hz / from_hz, share);
  }
};

/// Mean density of the lines in a row, or that of the line that is nearest where it is narrower than lines are; NaN: none.
double level_at(const Spectrogram::Column& column, double step, double low, double high) {
  if (column.density.empty()) return NAN;
  const auto last = static_cast<std::int64_t>(column.density.size()) - 1;
  auto first = static_cast<std::int64_t>(std::ceil(low / step)), end = static_cast<std::int64_t>(std::ceil(high / step));
  if (first >= end) first = std::llround((low + high) / 2 / step), end = first + 1;
  first = std::clamp<std::int64_t>(first, 1, last);
  end = std::clamp<std::int64_t>(end, first + 1, last + 1);
  double sum = 0;
  for (auto k = first; k < end; ++k) sum += column.density[static_cast<std::size_t>(k)];
  return sum / static_cast<double>(end - first);
}

/// Exponents of ten by row and column of the plot; NaN where there is none.
using Levels = std::vector<std::vector<double>>;

Levels levels_of(const Spectrogram& of, const TimeAxis& axis, const Rows& rows, double square, bool against_median) {
  Levels levels(static_cast<std::size_t>(rows.count), std::vector<double>(static_cast<std::size_t>(axis.points), NAN));
  for (int row = 0; row < rows.count; ++row) {
    auto& line = levels[static_cast<std::size_t>(row)];
    std::vector<double> known;
    for (int x = 0; x < axis.points; ++x) {
      const auto* column = of.at(of.number_of(axis.from + axis.width * x + axis.width / 2));
      if (column == nullptr) continue;
      const double level = std::log10(square * level_at(*column, of.step(), rows.edge(row + 1), rows.edge(row)));
      if (!std::isfinite(level)) continue;
      line[static_cast<std::size_t>(x)] = level;
      known.push_back(level);
    }
    if (!against_median || known.empty()) continue;
    const double middle = analysis::upper_median(known);
    for (auto& level : line) level -= middle;
  }
  return levels;
}

/// From the weakest to the strongest, but for one in fifty on each side.
std::optional<std::pair<double, double>> range_of(const Levels& levels) {
  std::vector<double> known;
  for (const auto& line : levels)
    std::copy_if(line.begin(), line.end(), std::back_inserter(known), [](double level) { return !std::isnan(level); });
  if (known.empty()) return std::nullopt;
  std::sort(known.begin(), known.end());
  const double low = known[known.size() / 50], high = known[known.size() - 1 - known.size() / 50];
  const double room = std::max(0.0, kLeastDecades - (high - low)) / 2;
  return std::pair{low - room, high + room};
}

/// Of no more characters than there is room for.
std::string hz_text(double hz) {
  char text[32];
  if (hz < 0.1)
    std::snprintf(text, sizeof text, "%.2g mHz", 1000 * hz);
  else
    std::snprintf(text, sizeof text, "%.3g Hz", hz);
  return text;
}

Rows rows_of(const Screen& screen, int top, const Spectrogram& of, const Ui& ui) {
  return {ui.linear ? 0 : of.step(), of.of().rate / 2, ui.linear, screen.rows() - 2 - (top + 1)};
}

TimeAxis plot_axis(const Screen& screen, mth5::UtcNanos end, const Ui& ui) {
  return axis_of(end, windows()[ui.window], screen.columns() - kLabels - 1);
}

}  // namespace

std::optional<std::pair<double, double>> shades_of(const Page& page, const Ui& ui) {
  const auto end = end_of_plot(page, ui);
  const auto* chosen = chosen_channel(page, ui);
  if (!end || chosen == nullptr || page.spectrogram == nullptr) return std::nullopt;
  const Screen screen{kLeastRows, kLeastColumns};
  const double factor = analysis::field_scale(chosen->facts, ui.physical).factor;
  return range_of(levels_of(*page.spectrogram, plot_axis(screen, *end, ui), rows_of(screen, kTop, *page.spectrogram, ui),
                            factor * factor, ui.detrend));
}

void draw_spectrogram(Screen& screen, int top, const Page& page, const Ui& ui) {
  const auto end = end_of_plot(page, ui);
  const auto* chosen = chosen_channel(page, ui);
  if (chosen == nullptr || !end) {
    screen.put(top, 1,
               ui.filter.empty() ? "no samples yet, or none with a sample rate" : "no channel has /" + ui.filter + " in its name",
               Ink::Quiet);
    return;
  }
  const auto scale = analysis::field_scale(chosen->facts, ui.physical);
  int column =
      screen.put(top, 1, ">" + shown(label_of(page, chosen->facts.station, chosen->facts.component, chosen->facts.stream)),
                 Ink::Title) +
      2;
  column =
      screen.put(top, column, mth5::format_duration(windows()[ui.window]) + (ui.end ? " to " + time_of(*ui.end, page.now) : "")) +
      2;
  if (ui.typing) column = screen.put(top, column, "/" + ui.filter + "_", Ink::Selected) + 2;
  const auto* of = page.spectrogram;
  const bool is_it = of != nullptr && of->of() == Spectrogram::Of{chosen->facts.station, chosen->facts.stream,
                                                                  chosen->facts.component, chosen->rate, windows()[ui.window]};
  const auto axis = plot_axis(screen, *end, ui);
  const auto newest = chosen->pyramid.empty() ? axis.from : chosen->pyramid.end();
  const bool reading = !is_it || of->missing(axis.from, axis.end(), newest).has_value();
  if (!is_it) {
    screen.put(top, column, "reading ...", Ink::Quiet);
    return;
  }
  const auto rows = rows_of(screen, top, *of, ui);
  const auto levels = levels_of(*of, axis, rows, scale.factor * scale.factor, ui.detrend);
  const auto range = ui.shades ? ui.shades : range_of(levels);
  if (!range) {
    screen.put(top, column,
               reading ? "reading ..."
                       : "not enough samples in this time: a column takes " + std::to_string(of->segment()) + " in a row",
               Ink::Quiet);
    return;
  }
  const auto [low, high] = *range;
  const auto shades = ui.glyphs == Glyphs::Ascii ? kAsciiShades : kShades;
  char text[64];
  std::snprintf(text, sizeof text, ui.detrend ? "x %.2g " : "%.2g ", std::pow(10, low));
  column = screen.put(top, column, text);
  for (const auto shade : shades) screen.set(top, column++, shade, Ink::Trace);
  std::snprintf(text, sizeof text, " %.2g ", std::pow(10, high));
  column = screen.put(top, column, text);
  column = screen.put(top, column, ui.detrend ? "of the median" : scale.units) + 2;
  if (ui.shades) column = screen.put(top, column, "fixed") + 2;
  if (reading) screen.put(top, column, "reading ...", Ink::Quiet);
  for (int row = 0; row < rows.count; ++row)
    for (int x = 0; x < axis.points; ++x) {
      const double level = levels[static_cast<std::size_t>(row)][static_cast<std::size_t>(x)];
      if (std::isnan(level)) continue;
      const double share = std::clamp((level - low) / (high - low), 0.0, 1.0);
      const auto shade = std::min(shades.size() - 1, static_cast<std::size_t>(share * static_cast<double>(shades.size())));
      screen.set(top + 1 + row, kLabels + x, shades[shade], Ink::Trace);
    }
  for (int row = 0; row < rows.count; row += 3) {
    const auto label =
        hz_text(ui.linear ? (rows.edge(row) + rows.edge(row + 1)) / 2 : std::sqrt(rows.edge(row) * rows.edge(row + 1)));
    screen.put(top + 1 + row, kLabels - 1 - static_cast<int>(label.size()), label, Ink::Quiet);
  }
  draw_time(screen, screen.rows() - 2, kLabels, axis.points, axis);
}

}  // namespace view
