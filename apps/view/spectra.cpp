#include "view/spectra.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>

#include "analysis/spectra/field_scale.hpp"
#include "analysis/spectra/reference.hpp"
#include "analysis/table_text.hpp"
#include "mth5/duration.hpp"
#include "view/page.hpp"

namespace view {

namespace {

using analysis::shown;

constexpr int kLabel = 10;
constexpr std::size_t kBetweenMarks = 6;  ///< columns, of the noise of a sensor

struct Plot {
  double from_hz, to_hz, low, high;  ///< exponents of low and high: decades
  int rows, columns;
  bool linear = false;  ///< frequencies

  /// Where a frequency is: 0 at the left, 1 at the right.
  [[nodiscard]] double share(double hz) const {
    return linear ? (hz - from_hz) / (to_hz - from_hz) : std::log(hz / from_hz) / std::log(to_hz / from_hz);
  }
  [[nodiscard]] double hz(double share) const {
    return linear ? from_hz + share * (to_hz - from_hz) : from_hz * std::pow(to_hz / from_hz, share);
  }
};

/// Frequencies of labels: each decade, or, of a linear axis, some eight round ones.
std::vector<double> labelled(const Plot& plot) {
  std::vector<double> all;
  if (plot.linear) {
    double step = std::pow(10, std::floor(std::log10(plot.to_hz / 8)));
    while (plot.to_hz / step > 8) step *= plot.to_hz / step > 20 ? 5 : 2;
    for (double hz = step; hz < plot.to_hz; hz += step) all.push_back(hz);
    return all;
  }
  for (int decade = static_cast<int>(std::ceil(std::log10(plot.from_hz) - 1e-9)); decade <= std::log10(plot.to_hz); ++decade)
    all.push_back(std::pow(10.0, decade));
  return all;
}

void draw_axes(Screen& screen, int top, const Plot& plot) {
  char text[32];
  for (int row = 0; row < plot.rows; ++row) {
    // A label where a decade begins.
    const auto value_at = [&](int r) { return plot.high - (plot.high - plot.low) * r / plot.rows; };
    const double above = value_at(row), below = value_at(row + 1);
    if (std::floor(above) < below && std::floor(above) != above) continue;
    const int decade = static_cast<int>(std::floor(above));
    std::snprintf(text, sizeof text, "1e%+d", decade);
    screen.put(top + row, kLabel - 1 - static_cast<int>(std::string_view{text}.size()), text, Ink::Quiet);
  }
  for (const double hz : labelled(plot)) {
    const int column = static_cast<int>(plot.share(hz) * plot.columns);
    std::snprintf(text, sizeof text, "|%g Hz", hz);
    if (column + static_cast<int>(std::string_view{text}.size()) <= plot.columns)
      screen.put(top + plot.rows, kLabel + column, text, Ink::Quiet);
  }
}

/// Points of one curve: straight between those that are known.
void draw_curve(Canvas& canvas, const std::vector<std::optional<double>>& curve, const Plot& plot) {
  const auto y_of = [&](double exponent) {
    return static_cast<int>(std::lround((plot.high - exponent) / (plot.high - plot.low) * (canvas.height() - 1)));
  };
  std::optional<std::size_t> last;
  for (std::size_t x = 0; x < curve.size(); ++x) {
    if (!curve[x]) continue;
    if (last)
      for (std::size_t i = *last + 1; i < x; ++i) {
        const double share = static_cast<double>(i - *last) / static_cast<double>(x - *last);
        canvas.set(static_cast<int>(i), y_of(*curve[*last] + share * (*curve[x] - *curve[*last])));
      }
    canvas.set(static_cast<int>(x), y_of(*curve[x]));
    last = x;
  }
}

void draw_spectrum(Screen& screen, int top, const StationSpectra& station, std::size_t channel, const analysis::FieldScale& scale,
                   const analysis::Reference* own, const Ui& ui) {
  const auto& spectra = station.spectra();
  const double to_hz = station.rate() / 2;
  double from_hz = 0;
  for (std::size_t stage = 0; stage < spectra.stages(); ++stage)
    if (spectra.segments(channel, channel, stage) > 0) from_hz = std::max(spectra.band(stage).first, 1e-6);
  if (!(from_hz > 0) || from_hz >= to_hz) {
    screen.put(top + 1, 1,
               "not enough data yet: a spectrum takes " + std::to_string(StationSpectra::kSegment) + " samples in a row",
               Ink::Quiet);
    return;
  }
  Plot plot{from_hz, to_hz, INFINITY, -INFINITY, screen.rows() - 2 - top, screen.columns() - kLabel - 1, ui.linear};
  Canvas trace{plot.rows, plot.columns, ui.glyphs}, usual{plot.rows, plot.columns, ui.glyphs};
  const auto count = static_cast<std::size_t>(trace.width());
  const auto points = banded_spectrum(spectra, channel, from_hz, to_hz, count, ui.linear);
  std::vector<std::optional<double>> curve(count), low(count), high(count), noise(count);
  const double square = scale.factor * scale.factor;
  for (std::size_t i = 0; i < count; ++i) {
    if (points[i].lines == 0 || !(points[i].mean * square > 0) || !std::isfinite(points[i].max * square)) continue;
    curve[i] = std::log10(points[i].mean * square);
    plot.low = std::min(plot.low, *curve[i]);
    plot.high = std::max(plot.high, std::log10(points[i].max * square));
  }
  if (!(plot.low < INFINITY)) {
    screen.put(top + 1, 1, "all samples are the same: there is no spectrum", Ink::Quiet);
    return;
  }
  const auto& facts = station.channels()[channel];
  for (std::size_t i = 0; i < count && ui.reference; ++i) {
    const double hz = plot.hz((static_cast<double>(i) + 0.5) / static_cast<double>(count));
    if (const auto asd = analysis::sensor_noise(own, facts, hz)) {
      noise[i] = 2 * std::log10(*asd * std::abs(scale.factor));
      plot.low = std::min(plot.low, *noise[i]);
      plot.high = std::max(plot.high, *noise[i]);
    }
    if (const auto range = analysis::usual_range(own, facts, scale, hz)) {
      low[i] = 2 * std::log10(range->low);
      high[i] = 2 * std::log10(range->high);
      plot.low = std::min(plot.low, *low[i]);
      plot.high = std::max(plot.high, *high[i]);
    }
  }
  plot.low = std::floor(plot.low);
  plot.high = std::max(std::ceil(plot.high), plot.low + 1);
  draw_axes(screen, top, plot);
  draw_curve(usual, low, plot);
  draw_curve(usual, high, plot);
  usual.draw(screen, top, kLabel, Ink::Quiet);
  draw_curve(trace, curve, plot);
  const auto y_of = [&](double exponent) {
    return static_cast<int>(std::lround((plot.high - exponent) / (plot.high - plot.low) * (trace.height() - 1)));
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (!curve[i]) continue;
    const auto x = static_cast<int>(i);
    const double scatter = points[i].scatter();
    trace.column(x, y_of(*curve[i] + std::log10(1 + scatter)), y_of(*curve[i] + std::log10(std::max(0.1, 1 - scatter))));
    trace.set(x, y_of(std::log10(points[i].max * square)));
  }
  trace.draw(screen, top, kLabel, Ink::Trace);
  const auto per_column = count / static_cast<std::size_t>(plot.columns);
  for (std::size_t i = 0; i < count; i += kBetweenMarks * per_column)
    if (noise[i])
      screen.set(top + y_of(*noise[i]) * plot.rows / trace.height(), kLabel + static_cast<int>(i / per_column), U'S', Ink::Other);
  std::map<double, std::string> marks;
  for (const double grid : {50.0, 60.0}) {
    const bool folded = grid >= to_hz;  // the rate is too low for it: what of it the instrument lets through is elsewhere
    const double hz = folded ? std::abs(grid - std::round(grid / station.rate()) * station.rate()) : grid;
    if (hz > from_hz && hz < to_hz) marks[hz] = (folded ? "a" : "") + std::to_string(std::lround(grid));
  }
  int free_from = 0;
  for (const auto& [hz, mark] : marks) {
    const int column = std::max(free_from, kLabel + static_cast<int>(plot.share(hz) * plot.columns));
    free_from = screen.put(top, column, mark, Ink::Warning) + 1;
  }
}

}  // namespace

double SpectrumPoint::scatter() const {
  const double independent = spread > 0 ? lines / spread * std::max(1.0, lines / 1.5) : 0;
  return independent > 0 ? std::min(1.0, 1.04 / std::sqrt(independent)) : 1;
}

std::vector<SpectrumPoint> banded_spectrum(const analysis::CrossSpectra& spectra, std::size_t channel, double from_hz,
                                           double to_hz, std::size_t count, bool linear) {
  std::vector<SpectrumPoint> points(count);
  std::vector<double> sums(count);
  for (std::size_t stage = 0; stage < spectra.stages(); ++stage) {
    const auto density = spectra.density(channel, stage);
    const auto [low, high] = spectra.band(stage);
    for (std::size_t k = 1; k < density.size(); ++k) {
      const double hz = static_cast<double>(k) * spectra.step(stage);
      if (hz < low || hz > high || hz < from_hz || hz > to_hz) continue;
      const double share = linear ? (hz - from_hz) / (to_hz - from_hz) : std::log(hz / from_hz) / std::log(to_hz / from_hz);
      const auto i = std::min(count - 1, static_cast<std::size_t>(share * static_cast<double>(count)));
      auto& point = points[i];
      ++point.lines;
      sums[i] += density[k];
      point.mean = sums[i] / point.lines;
      point.max = std::max(point.max, density[k]);
      point.spread += 1 / static_cast<double>(spectra.segments(channel, channel, stage));
    }
  }
  return points;
}

std::optional<double> mean_coherence(const analysis::CrossSpectra& spectra, std::size_t a, std::size_t b, double from_hz,
                                     double to_hz) {
  double sum = 0;
  int lines = 0;
  for (std::size_t stage = 0; stage < spectra.stages(); ++stage) {
    const auto coherence = spectra.coherence(a, b, stage);
    const auto [low, high] = spectra.band(stage);
    for (std::size_t k = 1; k < coherence.size(); ++k) {
      const double hz = static_cast<double>(k) * spectra.step(stage);
      if (hz < std::max(low, from_hz) || hz > std::min(high, to_hz)) continue;
      sum += coherence[k];
      ++lines;
    }
  }
  return lines > 0 ? std::optional{sum / lines} : std::nullopt;
}

void draw_spectra(Screen& screen, int top, const Page& page, const Ui& ui) {
  std::vector<std::pair<const StationSpectra*, std::size_t>> all;
  for (const auto& station : page.spectra)
    for (std::size_t c = 0; c < station->channels().size(); ++c)
      if (page.shows(station->channels()[c].component) &&
          (station->station() + "/" + station->channels()[c].component).find(ui.filter) != std::string::npos)
        all.emplace_back(station.get(), c);
  if (all.empty()) {
    screen.put(top, 1,
               ui.filter.empty() ? "no electric or magnetic samples yet, or none with a sample rate"
                                 : "no channel has /" + ui.filter + " in its name",
               Ink::Quiet);
    return;
  }
  const auto& [station, channel] = all[static_cast<std::size_t>(std::clamp(ui.channel, 0, static_cast<int>(all.size()) - 1))];
  const auto& facts = station->channels()[channel];
  const auto scale = analysis::field_scale(facts, ui.physical);
  int column = screen.put(top, 1, ">" + shown(label_of(page, facts.station, facts.component, facts.stream)), Ink::Title) + 2;
  column = screen.put(top, column, scale.units) + 2;
  column =
      screen.put(top, column, (station->reading ? "so far of " : "of the last ") + mth5::rough_duration(station->seconds())) + 2;
  if (station->reading) column = screen.put(top, column, "reading ...", Ink::Quiet) + 2;
  if (ui.reference && scale.usual != nullptr) column = screen.put(top, column, "dim: typical range", Ink::Quiet) + 2;
  const auto* own = page.reference.get();
  if (ui.reference && (!facts.noise.empty() || (own != nullptr && own->noise.contains(facts.component))))
    column = screen.put(top, column, "S: sensor noise", Ink::Other) + 2;
  for (const auto& one : page.look->channels) {
    if (one.station != facts.station || one.component != facts.component || one.sample_rate != station->rate()) continue;
    if (analysis::stream_of(one.run) != facts.stream) continue;
    if (one.clipped && *one.clipped > 0)  // a spectrum of what was cut off is of no use
      column = screen.put(top, column, grouped(*one.clipped) + " samples CUT OFF", Ink::Warning) + 2;
    if (one.mains_db) {
      char text[48];
      std::snprintf(text, sizeof text, "power line %.0f dB", *one.mains_db);
      column = screen.put(top, column, text) + 2;
    }
  }
  draw_spectrum(screen, top + 1, *station, channel, scale, own, ui);
}

}  // namespace view
