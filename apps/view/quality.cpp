#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "analysis/spectra/wiring.hpp"
#include "analysis/verdict/rules.hpp"
#include "view/page.hpp"

namespace view {

namespace {

constexpr double kBandFrom = 0.01, kBandTo = 0.1;  ///< Hz, of the coherence
constexpr double kLow = 0.5;                       ///< of it
constexpr double kRailway = 16.7;                  ///< Hz

/// A column of the table: a figure of the verdict.
struct Figure {
  const char *figure, *heading;
};
constexpr std::array<Figure, 10> kFigures{{{"present", "there%"},
                                           {"clipped", "clip%"},
                                           {"mains_db", "line dB"},
                                           {"spikes_per_h", "spikes/h"},
                                           {"jumps_per_h", "jumps/h"},
                                           {"drift_mV_h", "mV/h"},
                                           {"dc_mV", "SP mV"},
                                           {"stuck_s", "stuck s"},
                                           {"times_as_noisy", "noise x"},
                                           {"rails", "rails%"}}};
constexpr int kName = 10, kWidth = 8;

/// The name of a channel, or as much of it as leaves room for what is right of it.
void put_name(Screen& screen, int row, const std::string& name) { screen.put(row, 1, cut_to(name, kName), Ink::Title); }

void put_right(Screen& screen, int row, int end, const std::string& text, Ink ink) {
  screen.put(row, end - width_of(text), text, ink);
}

/// ">40/60": a warning beyond the first, critical beyond the second.
std::string limits_text(const analysis::Rule& rule) {
  std::string text = rule.above ? ">" : "<";
  if (!std::isnan(rule.warning)) text += short_number(rule.warning);
  if (!std::isnan(rule.critical)) text += (std::isnan(rule.warning) ? "" : "/") + short_number(rule.critical);
  return text;
}

/// Of what is counted by the hour, where there is less than that: "spi/15m".
std::string heading_of(const Page& page, const Figure& figure) {
  std::string heading = figure.heading;
  const auto unit = heading.find("/h");
  if (unit == heading.npos) return heading;
  std::optional<double> longest;
  for (const auto& subject : page.subjects)
    if (const auto found = subject.figures.find(figure.figure); found != subject.figures.end()) {
      if (!found->second.counted_s) return heading;
      longest = std::max(longest, found->second.counted_s);
    }
  if (!longest) return heading;
  return heading.substr(0, 3) + "/" + std::to_string(std::lround(*longest / 60)) + "m";
}

std::string three_digits(double value) {
  char text[48];
  std::snprintf(text, sizeof text, "%.3g", value == 0 ? 0.0 : value);
  return text;
}

/// Whether a rule is of channels, with this figure.
bool is_of(const analysis::Rule& rule, std::string_view figure) {
  return rule.figure == figure && (rule.scope == analysis::Scope::Field || rule.scope == analysis::Scope::Electric);
}

/// A figure that is there only where something is wrong: it was looked for, and nothing is.
bool is_none(const Page& page, const analysis::Subject& subject, std::string_view figure) {
  if (figure == "stuck_s") return subject.figures.contains("present");  // which takes as many samples
  if (figure != "clipped") return false;
  return std::any_of(page.look->channels.begin(), page.look->channels.end(), [&](const analysis::ChannelSnapshot& one) {
    const bool is_it = subject.stream.empty() || analysis::stream_of(one.run) == subject.stream;
    return one.station == subject.station && one.component == subject.name && is_it && one.clipped;
  });
}

/// Of a figure that is not there: "0" where nothing is wrong, and how far the converter still reaches where that is known.
std::string text_of_none(const Page& page, const analysis::Subject& subject, std::string_view figure) {
  if (!is_none(page, subject, figure)) return "-";
  const auto headroom = subject.figures.find("headroom_db");
  if (figure != "clipped" || headroom == subject.figures.end()) return "0";
  char text[32];
  std::snprintf(text, sizeof text, "0 %.0f dB", headroom->second.value);
  return text;
}

/// Column behind a figure of the table.
int right_of(std::size_t figure) { return kName + static_cast<int>(figure + 1) * (kWidth + 1) - 2; }

/// Those that there is room for.
std::size_t figures_on(const Screen& screen) {
  std::size_t n = 0;
  while (n < kFigures.size() && right_of(n) <= screen.columns()) ++n;
  return n;
}

int draw_figures(Screen& screen, int row, int end, const Page& page, int scroll) {
  screen.put(row, 1, "channel", Ink::Title);
  screen.put(row + 1, 1, "! / X", Ink::Quiet);
  const auto figures = figures_on(screen);
  for (std::size_t i = 0; i < figures; ++i) {
    const int right = right_of(i);
    put_right(screen, row, right, heading_of(page, kFigures.at(i)), Ink::Title);
    for (const auto& rule : analysis::rules()) {
      if (!is_of(rule, kFigures.at(i).figure)) continue;
      put_right(screen, row + 1, right, limits_text(rule), Ink::Quiet);
    }
  }
  row += 2;
  const int n = static_cast<int>(page.subjects.size());
  const int first = std::clamp(scroll, 0, std::max(0, n - (end - row)));
  const int last = std::min(n, first + end - row);
  for (int index = first; index < last; ++index) {
    const auto& subject = page.subjects[static_cast<std::size_t>(index)];
    put_name(screen, row, subject.full_name() + (page.look->stations.size() > 1 ? " " + subject.station : ""));
    for (std::size_t i = 0; i < figures; ++i) {
      const int right = right_of(i);
      const auto figure = subject.figures.find(kFigures.at(i).figure);
      if (figure == subject.figures.end()) {
        put_right(screen, row, right, text_of_none(page, subject, kFigures.at(i).figure), Ink::Quiet);
        continue;
      }
      const double value = figure->second.value;
      Ink ink = Ink::Plain;
      const char* sign = "";
      for (const auto& rule : analysis::rules()) {
        if (!is_of(rule, figure->first)) continue;
        if (rule.scope == analysis::Scope::Electric && subject.scope != analysis::Scope::Electric) continue;
        if (rule.is_beyond(value, rule.critical))
          ink = Ink::Critical, sign = "X";
        else if (rule.is_beyond(value, rule.warning))
          ink = Ink::Warning, sign = "!";
      }
      put_right(screen, row, right, sign + three_digits(value), ink);
    }
    ++row;
  }
  if (last < n) screen.put(end - 1, screen.columns() - 8, " more v ", Ink::Selected);
  return row;
}

/// @returns the row behind it
int draw_lines(Screen& screen, int row, int end, const Page& page) {
  std::string text;
  for (const auto& channel : page.look->channels)
    if (channel.lines)
      for (const auto& line : *channel.lines) {
        char one[64];
        std::snprintf(one, sizeof one, "%.2f Hz %.0f dB", line.hz, line.db);
        text +=
            (text.empty() ? "" : ", ") + channel.component + " " + one + (std::abs(line.hz - kRailway) < 0.1 ? " (railway)" : "");
      }
  if (text.empty() || row >= end) return row;
  const auto shown = wrapped("narrow lines: " + text, screen.columns() - 2);
  screen.put(row, 1, cut_to(shown.front() + (shown.size() > 1 ? " ..." : ""), screen.columns() - 2));
  return row + 1;
}

void draw_wiring(Screen& screen, int row, int end, const StationSpectra& station) {
  const auto wiring = analysis::wiring(station.spectra(), station.channels());
  const auto wrong = analysis::wiring_sentences(wiring, station.channels());
  for (const auto& sentence : wrong)
    if (row < end) screen.put(row++, 1, "! " + sentence, Ink::Warning);
  std::string right;
  for (const auto& one : wiring)
    if (one.state == analysis::Wiring::State::Right)
      right += (right.empty() ? "" : ", ") + station.channels()[one.electric].component + " with " +
               station.channels()[one.magnetic].component;
  if (!right.empty() && row < end) screen.put(row, 1, "connected as it should be: " + right, Ink::Quiet);
}

/// @returns the row behind it
int draw_coherence(Screen& screen, int row, int end, const StationSpectra& station) {
  std::vector<std::size_t> electric, magnetic;
  for (std::size_t i = 0; i < station.channels().size(); ++i) {
    const auto kind = station.channels()[i].kind;
    if (kind == mth5::Kind::Electric) electric.push_back(i);
    if (kind == mth5::Kind::Magnetic) magnetic.push_back(i);
  }
  if (electric.empty() || magnetic.empty() || row + 1 >= end) return row;
  screen.put(row, 1, "coherence squared at 10 to 100 s (noise taken off); Ex goes with Hy, Ey with Hx: low below 0.5",
             Ink::Quiet);
  int column = kName;
  for (const auto m : magnetic)
    put_right(screen, row + 1, column += kWidth, cut_to(station.channels()[m].component, kWidth - 1), Ink::Title);
  bool any = false;
  for (std::size_t i = 0; i < electric.size() && row + 2 + static_cast<int>(i) < end; ++i) {
    const int at = row + 2 + static_cast<int>(i);
    put_name(screen, at, station.channels()[electric[i]].component);
    column = kName;
    for (const auto m : magnetic) {
      const auto found = mean_coherence(station.spectra(), electric[i], m, kBandFrom, kBandTo);
      any |= found.has_value();
      char text[16];
      std::snprintf(text, sizeof text, "%.2f", found.value_or(0));
      put_right(screen, at, column += kWidth, found ? text : "-", found && *found < kLow ? Ink::Quiet : Ink::Plain);
    }
  }
  if (!any) screen.put(row + 1, column + 3, "not enough data yet", Ink::Quiet);
  return std::min(end, row + 2 + static_cast<int>(electric.size()));
}

}  // namespace

void draw_quality(Screen& screen, int top, const Page& page, const Ui& ui) {
  const int end = screen.rows() - 1;
  if (page.subjects.empty()) {
    screen.put(top, 1, "no electric or magnetic samples yet, or none with a sample rate", Ink::Quiet);
    return;
  }
  int row = draw_lines(screen, draw_figures(screen, top, end, page, ui.scroll), end, page);
  // A second magnetometer beside the station says nothing of its electrodes.
  const auto has = [](const StationSpectra& station, mth5::Kind kind) {
    return std::any_of(station.channels().begin(), station.channels().end(),
                       [&](const analysis::ChannelFacts& channel) { return channel.kind == kind; });
  };
  const auto both = std::find_if(page.spectra.begin(), page.spectra.end(), [&](const auto& station) {
    return has(*station, mth5::Kind::Electric) && has(*station, mth5::Kind::Magnetic);
  });
  if (both == page.spectra.end()) return;
  row = draw_coherence(screen, row, end, **both);
  draw_wiring(screen, row, end, **both);
}

}  // namespace view
