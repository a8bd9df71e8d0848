#include "analysis/html/figures.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>

#include "analysis/html/plot.hpp"
#include "analysis/html/png.hpp"
#include "analysis/html/text.hpp"
#include "analysis/median.hpp"
#include "analysis/spectra/field_scale.hpp"
#include "analysis/table_text.hpp"
#include "mth5/duration.hpp"
#include "mth5/metadata.hpp"

namespace analysis::html {

namespace {

using std::chrono::seconds;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kColumns = 286;  ///< of a plot: one for each of its units

std::string framed(const Plot& plot, std::string_view name, const std::string& caption) {
  return element("figure", "", plot.svg() + element("figcaption", "", element("b", "", escaped(name)) + " " + caption));
}

/// "nT²/Hz" of "nT^2/Hz".
std::string squared(std::string units) {
  for (std::size_t at = 0; (at = units.find("^2", at)) != std::string::npos;) units.replace(at, 2, "²");
  return units;
}

/// Where the next value of a trend usually is, in columns: rows of health come now and then, and that is no hole.
std::int64_t usual_step(const std::map<std::int64_t, Envelope::Cell>& columns) {
  std::vector<std::int64_t> steps;
  for (auto a = columns.begin(); a != columns.end() && std::next(a) != columns.end(); ++a)
    steps.push_back(std::next(a)->first - a->first);
  if (steps.empty()) return 1;
  const auto step = upper_median(steps);
  return step == 1 ? 1 : 3 * step;
}

}  // namespace

std::string envelope_figure(std::string_view name, std::string_view units, const Envelope& envelope, const Span& span) {
  const auto length = envelope.cell_length().count();
  const auto number_of = [&](mth5::UtcNanos time) {
    return std::chrono::floor<seconds>(time).time_since_epoch().count() / length;
  };
  const auto first = number_of(span.from), last = number_of(span.to);
  const auto together = (last - first) / kColumns + 1;
  std::map<std::int64_t, Envelope::Cell> columns;
  for (const auto& [number, cell] : envelope.cells()) {
    if (number < first || number > last) continue;
    const auto [at, is_new] = columns.try_emplace((number - first) / together, cell);
    at->second.min = std::min(at->second.min, cell.min);
    at->second.max = std::max(at->second.max, cell.max);
  }
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const auto& [number, cell] : columns) low = std::min(low, cell.min), high = std::max(high, cell.max);
  const bool any = !columns.empty();
  Plot plot{std::string{name} + " over time", any ? "From " + number_text(low) + " to " + number_text(high) : "No samples",
            time_axis(span.from, span.to), any ? linear_axis(low, high) : Axis{}};
  std::vector<Plot::Point> lower, upper;
  const auto step = usual_step(columns);
  std::int64_t before = 0;
  for (const auto& [number, cell] : columns) {
    const mth5::UtcNanos middle{seconds{(first + number * together) * length} + seconds{together * length} / 2};
    const double x = std::clamp(std::chrono::duration<double>(middle - span.from).count(), 0.0,
                                std::chrono::duration<double>(span.to - span.from).count());
    if (!lower.empty() && number - before > step) lower.push_back({kNone, kNone}), upper.push_back({kNone, kNone});
    lower.push_back({x, cell.min});
    upper.push_back({x, cell.max});
    before = number;
  }
  plot.band(lower, upper, "envelope");
  if (!any) plot.note("no samples");
  return framed(plot, name, escaped(units) + (any ? (units.empty() ? "smallest to largest" : ", smallest to largest") : ""));
}

std::string spectrum_figure(const ChannelQuality& quality, const Reference* own) {
  const auto& name = quality.facts.component;
  const auto scale = field_scale(quality.facts);
  const double square = scale.factor * scale.factor;
  std::vector<Plot::Point> tenth, median, nine_tenths, usual_low, usual_high, noise;
  double low = std::numeric_limits<double>::infinity(), high = 0;
  const auto point = [&](std::vector<Plot::Point>& to, double hz, double density) {
    to.push_back({hz, density > 0 ? density : kNone});
    if (density > 0) low = std::min(low, density), high = std::max(high, density);
  };
  std::size_t spectra = 0;
  if (quality.spectrogram) {
    const auto bands = quality.spectrogram->bands();
    const auto usual = quality.spectrogram->usual();
    for (std::size_t b = 0; b < bands.size(); ++b) {
      if (!usual[b]) continue;
      spectra = std::max(spectra, usual[b]->cells);
      const double hz = bands[b].middle();
      point(tenth, hz, square * usual[b]->tenth);
      point(median, hz, square * usual[b]->median);
      point(nine_tenths, hz, square * usual[b]->nine_tenths);
    }
  }
  if (!(high > 0) || median.size() < 2) {
    Plot plot{name + " spectrum", "", {}, {}};
    plot.note(median.empty() ? "too few samples in a row" : "all samples are the same");
    return framed(plot, name, "spectrum");
  }
  const double from = median.front().x, to = median.back().x;
  for (int i = 0; i <= 60; ++i) {
    const double hz = from * std::pow(to / from, i / 60.0);
    const auto range = usual_range(own, quality.facts, scale, hz);
    if (!range) continue;
    point(usual_low, hz, range->low * range->low);
    point(usual_high, hz, range->high * range->high);
  }
  for (const auto& [hz, asd] : noise_curve(own, name, quality.sensor.noise))
    if (hz >= from / 3 && hz <= to * 3) point(noise, hz, square * asd * asd);
  if (noise.size() == 1) {  // a dash, as a point of a line is not to be seen
    constexpr double kDash = 1.2;
    noise.push_back({noise[0].x * kDash, noise[0].y});
    noise[0].x /= kDash;
  }
  Plot plot{name + " spectrum", "Power spectral density: median of the time, and what 10 to 90 % of it are",
            frequency_axis(from, to), decades_axis(low, high)};
  plot.band(usual_low, usual_high, "usual");
  plot.band(tenth, nine_tenths, "spread");
  plot.line(median, "median");
  plot.line(noise, "noise");
  return framed(plot, name,
                escaped(squared(scale.units)) + " over Hz: median and 10 to 90 % of " + std::to_string(spectra) + " spectra of " +
                    mth5::rough_duration(static_cast<double>(quality.spectrogram->cell_length().count())) +
                    (usual_low.empty()               ? ""
                     : own_range(own, quality.facts) ? "; grey: usual at this site"
                                                     : "; grey: usual natural field") +
                    (noise.empty() ? "" : "; dashed: noise of the sensor"));
}

namespace {

constexpr double kLowest = -10, kHighest = 20;  ///< dB over the median
constexpr std::size_t kShades = 63;

/// From dark blue over green to yellow (viridis, as matplotlib has it), behind the one that is transparent.
const std::vector<std::array<std::uint8_t, 3>>& palette() {
  static const auto all = [] {
    constexpr std::array<std::array<double, 3>, 9> kAnchors{{{68, 1, 84},
                                                             {71, 44, 122},
                                                             {59, 81, 139},
                                                             {44, 113, 142},
                                                             {33, 144, 141},
                                                             {39, 173, 129},
                                                             {92, 200, 99},
                                                             {170, 220, 50},
                                                             {253, 231, 37}}};
    std::vector<std::array<std::uint8_t, 3>> made(1);
    for (std::size_t i = 0; i < kShades; ++i) {
      const double at = 8.0 * static_cast<double>(i) / static_cast<double>(kShades - 1);
      const auto below = std::min<std::size_t>(7, static_cast<std::size_t>(at));
      auto& colour = made.emplace_back();
      for (std::size_t part = 0; part < 3; ++part)
        colour[part] = static_cast<std::uint8_t>(
            std::lround(std::lerp(kAnchors[below][part], kAnchors[below + 1][part], at - static_cast<double>(below))));
    }
    return made;
  }();
  return all;
}

std::uint8_t shade(double density, double median) {
  const double db = 10 * std::log10(density / median);
  const double share = std::clamp((db - kLowest) / (kHighest - kLowest), 0.0, 1.0);  // of no power at all: -inf
  return static_cast<std::uint8_t>(1 + std::lround(share * static_cast<double>(kShades - 1)));
}

int row_of(const Spectrogram::Band& band) { return static_cast<int>(std::lround(10 * std::log10(band.low))); }

}  // namespace

std::string spectrogram_figure(const ChannelQuality& quality, const Span& span) {
  const auto& name = quality.facts.component;
  const auto& spectrogram = quality.spectrogram;
  const auto usual = spectrogram ? spectrogram->usual() : std::vector<std::optional<Spectrogram::Usual>>{};
  const auto known = [](const auto& one) { return one && one->median > 0; };
  if (std::none_of(usual.begin(), usual.end(), known)) {
    Plot plot{name + " spectrogram", "", {}, {}};
    plot.note("no spectra");
    return framed(plot, name, "spectrogram");
  }
  const auto bands = spectrogram->bands();
  const auto& cells = spectrogram->cells();
  const auto length = spectrogram->cell_length().count();
  const int top = row_of(bands.back());
  const auto width = static_cast<std::size_t>(cells.rbegin()->first - cells.begin()->first + 1);
  const auto height = static_cast<std::size_t>(top - row_of(bands.front()) + 1);
  std::vector<std::uint8_t> pixels(width * height);
  for (std::size_t b = 0; b < bands.size(); ++b) {
    if (!known(usual[b])) continue;
    // A segment of a low frequency takes longer than a cell: its colour lasts until the next one.
    const auto lasts = std::max<std::int64_t>(1, std::llround(std::ceil(bands[b].step.count() / static_cast<double>(length))));
    const auto row = static_cast<std::size_t>(top - row_of(bands[b])) * width;
    for (const auto& [number, levels] : cells) {
      if (levels[b].n == 0) continue;
      const auto column = number - cells.begin()->first;
      for (auto c = column; c < std::min(column + lasts, static_cast<std::int64_t>(width)); ++c)
        pixels[row + static_cast<std::size_t>(c)] = shade(levels[b].mean, usual[b]->median);
    }
  }
  Plot plot{name + " spectrogram", "Power over time and frequency, against the median of each frequency",
            time_axis(span.from, span.to), frequency_axis(bands.front().low, std::pow(10.0, 0.1 * (top + 1)))};
  const auto x_of = [&](std::int64_t number) {
    return std::chrono::duration<double>(mth5::UtcNanos{seconds{number * length}} - span.from).count();
  };
  plot.picture(x_of(cells.begin()->first), x_of(cells.rbegin()->first + 1), png(width, pixels, palette()));
  return framed(plot, name,
                "Hz over time; dark: 10 dB below the median of each frequency, green: 5 dB above, yellow: 20 dB and more");
}

Calendar calendar_of(const Span& expected, const std::vector<Gap>& gaps) {
  using std::chrono::days;
  constexpr std::chrono::days kMostHours{31};
  constexpr std::size_t kMostCells = 120 * 31;
  Calendar calendar;
  calendar.days = expected.to - expected.from > kMostHours;
  auto start = std::chrono::floor<days>(expected.from);
  if (calendar.days) {
    const std::chrono::year_month_day date{start};
    start = std::chrono::sys_days{date.year() / date.month() / std::chrono::day{1}};
  }
  const auto overlap = [](mth5::UtcNanos a, mth5::UtcNanos b, mth5::UtcNanos from, mth5::UtcNanos to) {
    return std::max(0.0, std::chrono::duration<double>(std::min(b, to) - std::max(a, from)).count());
  };
  mth5::Nanos step = calendar.days ? mth5::Nanos{days{1}} : mth5::Nanos{std::chrono::hours{1}};
  for (mth5::UtcNanos at{start}; at < expected.to && calendar.cells.size() < kMostCells; at += step)
    calendar.cells.push_back({at, overlap(at, at + step, expected.from, expected.to)});
  for (const auto& gap : gaps) {
    if (gap.samples <= 0 || gap.end() <= calendar.cells.front().start) continue;
    auto first = std::max<std::int64_t>(0, (gap.start - mth5::UtcNanos{start}) / step);
    for (auto i = static_cast<std::size_t>(first); i < calendar.cells.size() && calendar.cells[i].start < gap.end(); ++i) {
      auto& cell = calendar.cells[i];
      cell.missing_s +=
          overlap(gap.start, gap.end(), std::max(cell.start, expected.from), std::min(cell.start + step, expected.to));
    }
  }
  return calendar;
}

std::string calendar_figure(std::string_view name, const Calendar& calendar) {
  constexpr double kLeft = 70, kTop = 14, kRow = 12;
  const double cell = calendar.days ? 9 : 12;
  const int columns = calendar.days ? 31 : 24;
  std::string inside;
  const auto put = [&](const char* kind, double x, double y, std::string_view text) {
    std::array<char, 64> at{};
    std::snprintf(at.data(), at.size(), "<text class=\"%s\" x=\"%g\" y=\"%g\">", kind, x, y);
    inside += std::string{at.data()} + std::string{text} + "</text>";
  };
  for (int c = 0; c < columns; c += calendar.days ? 5 : 6)
    put("x", kLeft + cell * (c + 0.5), kTop - 4, std::to_string(calendar.days ? c + 1 : c));
  int row = -1;
  std::string label;
  for (const auto& one : calendar.cells) {
    const auto text = mth5::to_iso(one.start);
    const auto of = text.substr(0, calendar.days ? 7 : 10);
    if (of != label) put("y", kLeft - 5, kTop + kRow * (++row + 0.8), of);
    label = of;
    if (!(one.expected_s > 0)) continue;
    const int column = std::stoi(text.substr(calendar.days ? 8 : 11, 2)) - (calendar.days ? 1 : 0);
    const double percent = one.percent();
    const int kind = percent <= 0 ? 0 : percent < 95 ? 1 : percent < 99 ? 2 : percent < 100 ? 3 : 4;
    std::array<char, 160> rect{};
    std::snprintf(rect.data(), rect.size(), "<rect class=\"c%d\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"", kind,
                  kLeft + cell * column, kTop + kRow * row, cell - 1, kRow - 1);
    inside += rect.data();
    inside += kind == 4 ? "/>" : "><title>" + text.substr(0, 16) + " " + percent_text(percent) + "</title></rect>";
  }
  const double height = kTop + kRow * (row + 1);
  std::array<char, 80> box{};
  std::snprintf(box.data(), box.size(), "role=\"img\" viewBox=\"0 0 360 %g\"", height);
  std::string key;
  for (const auto& [kind, text] : {std::pair{0, "nothing"}, {1, "below 95 %"}, {2, "below 99 %"}, {3, "below 100 %"}, {4, "all"}})
    key += "<span><svg viewBox=\"0 0 8 8\"><rect class=\"c" + std::to_string(kind) + "\" width=\"8\" height=\"8\"/></svg>" +
           text + "</span> ";
  return element("figure", "class=\"calendar\"",
                 element("svg", box.data(), "<title>" + escaped(name) + " by time</title>" + inside) +
                     element("figcaption", "class=\"key\"",
                             element("b", "", escaped(name)) + " by " + (calendar.days ? "day" : "hour") + " (UTC):" + key));
}

}  // namespace analysis::html
