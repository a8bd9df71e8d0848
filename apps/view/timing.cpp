#include <algorithm>
#include <cmath>
#include <cstdio>

#include "analysis/table_text.hpp"
#include "mth5/duration.hpp"
#include "view/page.hpp"

namespace view {

namespace {

using analysis::shown;

constexpr int kTrend = 34;               ///< column where trends begin
constexpr std::chrono::hours kAhead{1};  ///< a sample of later times is of a clock that was wrong

/// Of the newest sample, but for those of a clock that is ahead.
mth5::UtcNanos newest_time(const Page& page) {
  std::optional<mth5::UtcNanos> newest;
  for (const auto& stream : page.look->streams)
    if (stream.end && *stream.end <= page.now + kAhead) newest = std::max(newest, stream.end);
  return newest.value_or(mth5::UtcNanos{});
}

std::string range_of(const analysis::Envelope& trend) {
  double low = INFINITY, high = -INFINITY;
  for (const auto& [number, cell] : trend.cells()) {
    low = std::min(low, cell.min);
    high = std::max(high, cell.max);
  }
  return short_number(low) + " to " + short_number(high);
}

const analysis::Envelope* find(const Page& page, const std::string& name) {
  const auto found = page.trends.all().find(name);
  return found == page.trends.all().end() || found->second.cells().empty() ? nullptr : &found->second;
}

void draw_row(Screen& screen, int row, const std::string& label, const analysis::Envelope& trend, Glyphs glyphs) {
  screen.put(row, 3, label);
  draw_trend(screen, row, kTrend, 1, screen.columns() - kTrend - 2, trend, glyphs, Ink::Trace);
}

int draw_clock(Screen& screen, int row, const Page& page, const analysis::ClockSummary& clock, const Ui& ui) {
  std::string text = shown(clock.stream) + ": " + to_text(clock);
  if (std::isfinite(clock.uncertainty_us))
    text += clock.uncertainty_us < 1 ? ", known to better than 1 us" : ", known to " + short_number(clock.uncertainty_us) + " us";
  int column = 1;
  for (const auto& line : wrapped(text, screen.columns() - 4)) {
    screen.put(row++, column, line, clock.locked ? Ink::Plain : Ink::Warning);
    column = 3;
  }
  const std::string name = "clock/" + clock.stream + "/";
  if (const auto* locked = find(page, name + "locked")) {
    char share[64];
    const auto [part, seconds] = page.trends.locked(clock.stream, newest_time(page)).value_or(analysis::Trends::Share{0, 0});
    std::snprintf(share, sizeof share, "locked %.4g %% of %s", std::floor(1e4 * part) / 100,
                  mth5::rough_duration(seconds).c_str());
    draw_row(screen, row++, share, *locked, ui.glyphs);
  }
  if (const auto* ppm = find(page, name + "ppm")) draw_row(screen, row++, "ppm " + range_of(*ppm), *ppm, ui.glyphs);
  if (const auto* residual = find(page, name + "residual_us"))
    draw_row(screen, row++, "residual us " + range_of(*residual), *residual, ui.glyphs);
  return row;
}

void draw_gap(Screen& screen, int row, const analysis::Gap& gap, mth5::UtcNanos now) {
  screen.put(row, 3, time_of(gap.start, now));
  screen.put(
      row, 24,
      gap.samples > 0 && gap.sample_rate > 0 ? mth5::rough_duration(static_cast<double>(gap.samples) / gap.sample_rate) : "-");
  const auto samples = gap.samples > 0 ? grouped(gap.samples) : "-";
  screen.put(row, 50 - static_cast<int>(samples.size()), samples);
  std::string what = shown(gap.reason.empty() ? "not known" : gap.reason);
  if (!gap.component.empty()) what += ", " + shown(gap.component) + " only";
  if (gap.filled) what += ", filled";
  screen.put(row, 52, what);
}

}  // namespace

void draw_trend(Screen& screen, int row, int column, int rows, int columns, const analysis::Envelope& trend, Glyphs glyphs,
                Ink ink) {
  const auto& cells = trend.cells();
  if (cells.empty() || columns < 1) return;
  Canvas canvas{rows, columns, glyphs};
  double low = INFINITY, high = -INFINITY;
  for (const auto& [number, cell] : cells) {
    low = std::min(low, cell.min);
    high = std::max(high, cell.max);
  }
  const auto first = cells.front().first;
  const double width = std::max(1.0, static_cast<double>(cells.back().first - first));
  const double height = high > low ? high - low : 1;
  const auto y_of = [&](double value) {
    const double middle = high > low ? (value - low) / height : 0.5;
    return static_cast<int>(std::lround((1 - middle) * (canvas.height() - 1)));
  };
  int last_x = 0, last_y = -1;
  for (const auto& [number, cell] : cells) {
    const int x = static_cast<int>(std::lround(static_cast<double>(number - first) / width * (canvas.width() - 1)));
    for (int between = last_x + 1; between < x && last_y >= 0; ++between)
      canvas.set(between, last_y);  // it was so until it changed
    canvas.column(x, y_of(cell.min), y_of(cell.max));
    last_x = x;
    last_y = y_of(cell.mean);
  }
  canvas.draw(screen, row, column, ink);
}

void draw_timing(Screen& screen, int top, const Page& page, const Ui& ui) {
  const int end = screen.rows() - 1;
  int row = top;
  const auto& look = *page.look;
  if (look.clocks.empty()) screen.put(row++, 1, "no clock: the file does not say how its samples lie against UTC", Ink::Quiet);
  for (const auto& clock : look.clocks)
    if (row + 4 < end) row = draw_clock(screen, row, page, clock, ui);
  if (look.future_samples > 0)
    screen.put(row++, 1, grouped(look.future_samples) + " samples are at times that have not come yet: a clock was wrong",
               Ink::Warning);
  if (++row >= end) return;
  if (page.gaps.empty()) {
    screen.put(row, 1, "no gap, and the clock was not set");
    return;
  }
  const int room = end - row - 1;
  const int n = static_cast<int>(page.gaps.size());
  const int newest = n - std::clamp(ui.scroll, 0, std::max(0, n - room));  // index behind the first one that is shown
  screen.put(row, 1, "gaps and clock steps, newest first", Ink::Title);
  screen.put(row, 43, "samples", Ink::Title);
  screen.put(row, 52, n > room ? "reason  (more: up, down)" : "reason", Ink::Title);
  for (int i = 0; i < room && newest - 1 - i >= 0; ++i)
    draw_gap(screen, row + 1 + i, page.gaps[static_cast<std::size_t>(newest - 1 - i)], page.now);
}

}  // namespace view
