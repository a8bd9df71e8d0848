#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "analysis/table_text.hpp"
#include "mth5/duration.hpp"
#include "view/page.hpp"

namespace view {

namespace {

using analysis::shown;

struct Headline {
  std::string tag, sentence, below;
  Ink ink;
  std::string more = {};  ///< how many findings there are beside it
};

Headline headline_of(const Page& page) {
  if (!page.look && page.message.empty()) return {" ? ", "NOT KNOWN YET: the file is being read", "", Ink::Warning};
  if (!page.look) return {" ? ", "NOT KNOWN: there is no file that can be read", page.message, Ink::Warning};
  if (!page.lost.empty())  // whoever writes it may go on: nobody will find that
    return {" ? ", "NOT KNOWN: " + page.lost, page.message != page.lost ? page.message : "", Ink::Warning};
  const auto& look = *page.look;
  if (look.verdict.empty()) {
    const auto judged = mth5::rough_duration(look.judged_s);
    if (is_good(look) && !look.reading_older && !look.past.empty()) {  // who comes now is to know of it
      const auto more = look.past.size() - 1;
      return {" OK ", "GOOD: nothing is wrong now" + unwatched_text(look), "was: " + look.past.front().sentence(look.time),
              Ink::Good, more > 0 ? "(" + std::to_string(more) + " more: view 6)" : ""};
    }
    if (is_good(look))
      return {" OK ", look.reading_older ? "GOOD so far" : "GOOD",
              "nothing is wrong in the last " + judged + (look.reading_older ? ", older samples are being read" : " of samples") +
                  unwatched_text(look),
              Ink::Good};
    return {" ? ", verdict_text(look), "", Ink::Warning};
  }
  const auto& worst = look.verdict.front();
  const bool critical = worst.severity == analysis::Severity::Critical;
  Headline made{critical ? " X " : " ! ", std::string{critical ? "CRITICAL " : "WARNING "} + worst.sentence(look.time),
                std::string{worst.rule->advice} + unwatched_text(look), critical ? Ink::Critical : Ink::Warning};
  if (look.reading_older)  // how many there are changes from one look to the next until all is read
    made.more = "(so far; reading ...)";
  else if (const auto more = look.verdict.size() - 1; more > 0)
    made.more = "(" + std::to_string(more) + " more: view 6)";
  return made;
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + shown(name);
  return all.empty() ? "no station" : all;
}

/// Parts of a row, from the left, with room between. Where they do not fit, the last ones that can be said in fewer words are;
/// what does not fit then is cut off, with a sign that there is more. Drawn when it goes.
class Row {
 public:
  Row(Screen& screen, int row) : screen_{screen}, row_{row} {}
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;
  ~Row() {
    for (auto part = parts_.rbegin(); part != parts_.rend() && width() > screen_.columns(); ++part)
      if (!part->brief.empty()) part->text = part->brief;
    int column = kLeft;
    for (const auto& part : parts_) {
      if (column >= screen_.columns()) break;
      column = screen_.put(row_, column, cut_to(part.text, screen_.columns() - column), part.ink) + kBetween;
    }
    if (width() > screen_.columns()) screen_.put(row_, screen_.columns() - 1, "~", Ink::Quiet);
  }
  /// @param brief  the same in fewer words; "" = there is no way
  void add(const std::string& text, Ink ink = Ink::Plain, const std::string& brief = {}) {
    if (!text.empty()) parts_.push_back({text, brief, ink});
  }

 private:
  struct Part {
    std::string text, brief;
    Ink ink;
  };
  static constexpr int kLeft = 1, kBetween = 2;
  [[nodiscard]] int width() const {
    int width = kLeft - kBetween;
    for (const auto& part : parts_) width += width_of(part.text) + kBetween;
    return width;
  }

  Screen& screen_;
  int row_;
  std::vector<Part> parts_;
};

/// @param brief  without the word, and how many more there are
std::string run_text(const analysis::Snapshot& look, bool brief) {
  std::string text;
  for (const auto& stream : look.streams) {
    if (stream.run.empty()) continue;
    if (!text.empty()) return text + (brief ? " ..." : " and more");
    text = (brief ? "" : "run ") + shown(stream.run) + ", " + analysis::rate_text(stream.sample_rate);
  }
  return text;
}

void draw_state(Screen& screen, int row, const Page& page, const Ui& ui) {
  Row parts{screen, row};
  const auto& look = *page.look;
  parts.add(joined(look.stations), Ink::Title);
  const bool fine = look.state == mth5::FileState::Live && look.silent() == nullptr;
  const auto full = "disk full" + (look.commit ? " since " + time_of(look.commit->time, page.now) : "");
  if (page.lost.empty())
    parts.add(look.disk_was_full ? full : state_text(look), fine ? Ink::Good : Ink::Warning);
  else
    parts.add("file gone, all below is of " + time_of(look.time, page.now), Ink::Warning);
  const auto utc = mth5::to_iso(std::chrono::floor<std::chrono::seconds>(page.now));
  parts.add(utc, Ink::Plain, utc.substr(11));
  parts.add(run_text(look, false), Ink::Plain, run_text(look, true));
  if (ui.frozen) parts.add("FROZEN " + time_of(*ui.frozen, page.now), Ink::Warning);
}

void draw_risk(Screen& screen, int row, const Page& page) {
  Row parts{screen, row};
  const auto& look = *page.look;
  if (!look.commit) {
    parts.add("what a power cut would cost: not known of this file", Ink::Quiet);
    return;
  }
  const auto n = look.samples_at_risk();
  parts.add(buffered_text(look, grouped(look.commit->buffered_samples)));
  parts.add("visible " + grouped(look.commit->visible_samples));
  parts.add("durable " + grouped(look.commit->durable_samples));
  if (look.state != mth5::FileState::Live || !page.lost.empty()) return;
  const double seconds = look.seconds_at_risk();
  parts.add("at risk now " + grouped(n) + (n == 1 ? " sample" : " samples") +
            (std::isfinite(seconds) && n > 0 ? " (" + mth5::rough_duration(seconds) + ")" : ""));
}

void draw_clock(Screen& screen, int row, const analysis::Snapshot& look) {
  Row parts{screen, row};
  if (const auto* clock = worst_clock(look)) {
    const auto lock = shown(clock->source.empty() ? "none" : clock->source) + " " + locked_text(*clock);
    parts.add("clock " + lock, clock->locked ? Ink::Plain : Ink::Warning, lock);
    char text[64];
    if (std::isfinite(clock->ppm)) {
      std::snprintf(text, sizeof text, "%+.3g ppm", clock->ppm == 0 ? 0.0 : clock->ppm);
      parts.add(text);
    }
    if (std::isfinite(clock->axis_error_s)) {
      std::snprintf(text, sizeof text, "%.3g s", clock->axis_error_s);
      parts.add("axis off by up to " + std::string{text}, Ink::Plain, "axis off " + std::string{text});
    }
  } else {
    parts.add("clock not known", Ink::Quiet);
  }
  for (const auto& [name, value] : look.soh) {
    if (name == "satellites")
      parts.add(std::isfinite(value) ? short_number(value) + " satellites" : "satellites not known", Ink::Plain,
                std::isfinite(value) ? short_number(value) + " sat." : "sat. not known");
    if (name == "temperature_C" && std::isfinite(value)) parts.add(short_number(value) + " C");
  }
}

void draw_power(Screen& screen, int row, const Page& page) {
  Row parts{screen, row};
  if (page.battery) {
    const auto& battery = *page.battery;
    std::string text = "battery " + analysis::volts_text(battery.volts) + " V";
    char trend[48];
    if (battery.volts_per_day) {
      std::snprintf(trend, sizeof trend, ", %+.2f V a day", *battery.volts_per_day == 0 ? 0.0 : *battery.volts_per_day);
      text += trend;
    } else {
      text += ", trend: not enough data yet";
    }
    parts.add(text);
  } else {
    parts.add("battery not known", Ink::Quiet);
  }
  const auto& outlook = page.outlook;
  if (!outlook.seconds) {
    parts.add("will it last: no forecast yet", Ink::Quiet);
    return;
  }
  const bool soon = *outlook.seconds < 2 * 86'400.0;
  // Of the disk alone nobody knows whether the site will last: the battery is what ends most.
  if (outlook.reason == "disk" && !page.look->disk_was_full && !(page.battery && page.battery->volts_per_day)) {
    parts.add("disk alone lasts " + time_left(*outlook.seconds), soon ? Ink::Warning : Ink::Plain);
    return;
  }
  std::string text = "lasts " + time_left(*outlook.seconds) + ": " + std::string{outlook.reason};
  if (outlook.reason == "battery" && page.look->full_in_s) text += " (disk " + time_left(*page.look->full_in_s) + ")";
  if (outlook.reason == "disk" && page.battery && page.battery->empty_in_s)
    text += " (battery " + time_left(*page.battery->empty_in_s) + ")";
  parts.add(text, soon ? Ink::Warning : Ink::Plain);
}

void draw_completeness(Screen& screen, int row, const Page& page) {
  Row parts{screen, row};
  const auto& look = *page.look;
  parts.add(completeness_text(look), look.empty > 0 ? Ink::Warning : Ink::Plain);
  if (look.gap_count == 0) {
    parts.add("no gap");
    return;
  }
  std::string text =
      grouped(look.gap_count) + (look.gap_count == 1 ? " gap, " : " gaps, ") + grouped(look.gap_samples) + " samples";
  if (look.last_gap) {
    const auto& gap = *look.last_gap;
    text += "; last " + time_of(gap.start, page.now);
    if (gap.sample_rate > 0) text += ", " + mth5::rough_duration(static_cast<double>(gap.samples) / gap.sample_rate);
    if (!gap.reason.empty()) text += " (" + shown(gap.reason) + ")";
  }
  parts.add(text);
}

/// Names of the views with their keys, and where each begins.
struct Tab {
  int column;
  std::string text;
  char32_t key;
};
std::vector<Tab> tabs() {
  std::vector<Tab> all;
  int column = 1;
  const auto add = [&](const std::string& text, char32_t key) {
    all.push_back({column, text, key});
    column += static_cast<int>(text.size());
  };
  for (const auto& view : views())
    add(" " + std::to_string(view.number) + " " + view.name, U'0' + static_cast<char32_t>(view.number));
  add(" ? help", U'?');
  return all;
}

void draw_tabs(Screen& screen, int row, const Ui& ui) {
  screen.fill(row, Ink::Quiet);
  for (const auto& [column, text, key] : tabs()) {
    const bool chosen = key == U'?' ? ui.help : !ui.help && key == U'0' + static_cast<char32_t>(ui.view);
    screen.put(row, column, text, chosen ? Ink::Selected : Ink::Quiet);
  }
  screen.put(row, screen.columns() - 7, "q quit", Ink::Quiet);
}

}  // namespace

std::string label_of(const Page& page, const std::string& station, const std::string& component, const std::string& stream) {
  const bool others = page.look && std::any_of(page.look->channels.begin(), page.look->channels.end(), [&](const auto& one) {
                        return one.station == station && one.component == component && analysis::stream_of(one.run) != stream;
                      });
  return component + (others && !stream.empty() ? " (" + stream + ")" : "") +
         (page.look && page.look->stations.size() > 1 ? " " + station : "");
}

std::string time_left(double seconds) { return seconds > 730 * 86'400.0 ? "more than 2 years" : mth5::rough_duration(seconds); }

std::string time_of(mth5::UtcNanos time, mth5::UtcNanos now) {
  const auto text = mth5::to_iso(std::chrono::floor<std::chrono::seconds>(time));
  const bool today = std::chrono::floor<std::chrono::days>(time) == std::chrono::floor<std::chrono::days>(now);
  return today ? text.substr(11, 8) : text.substr(0, 10) + " " + text.substr(11, 8);
}

std::string grouped(std::int64_t number) {
  auto text = std::to_string(number);
  const std::size_t sign = number < 0 ? 1 : 0;
  for (std::size_t at = text.size(); at > sign + 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::vector<std::string> wrapped(const std::string& text, int columns) {
  std::vector<std::string> lines(1);
  std::istringstream in{shown(text)};
  for (std::string word; in >> word;) {
    if (!lines.back().empty() && width_of(lines.back()) + 1 + width_of(word) > columns) lines.emplace_back();
    lines.back() += (lines.back().empty() ? "" : " ") + word;
  }
  return lines;
}

std::string cut_to(const std::string& text, int room) {
  auto cut = shown(text);
  if (width_of(cut) <= room) return cut;
  while (!cut.empty() && width_of(cut) >= room) {
    while ((cut.back() & 0xc0) == 0x80) cut.pop_back();  // of one character
    cut.pop_back();
  }
  return cut + "~";
}

std::string short_number(double value) {
  if (!std::isfinite(value)) return "-";
  char text[48];
  std::snprintf(text, sizeof text, std::abs(value) >= 1e5 ? "%.6g" : "%.4g", value == 0 ? 0.0 : value);
  return text;
}

char32_t key_at(int row, int column) {
  if (row != kTop - 1) return 0;
  for (const auto& tab : tabs())
    if (column >= tab.column && column < tab.column + static_cast<int>(tab.text.size())) return tab.key;
  return 0;
}

void draw_header(Screen& screen, const Page& page, const Ui& ui) {
  const auto headline = headline_of(page);
  screen.fill(0, headline.ink);
  const int column = screen.put(0, 0, headline.tag, headline.ink);
  const auto lines = wrapped(headline.sentence, screen.columns() - column - 1);
  screen.put(0, column + 1, lines.front(), headline.ink);
  const int below =
      lines.size() > 1 ? screen.put(1, column + 1, lines[1] + (headline.below.empty() ? "" : ": "), headline.ink) : column + 1;
  const int room = screen.columns() - below - (headline.more.empty() ? 0 : static_cast<int>(headline.more.size()) + 3);
  const int end = screen.put(1, below, cut_to(headline.below, room));
  screen.put(1, end + 2, headline.more);
  if (page.look) {
    draw_state(screen, 2, page, ui);
    draw_risk(screen, 3, page);
    draw_clock(screen, 4, *page.look);
    draw_power(screen, 5, page);
    draw_completeness(screen, 6, page);
  } else {
    screen.put(2, 1, mth5::to_iso(std::chrono::floor<std::chrono::seconds>(page.now)));
  }
  draw_tabs(screen, kTop - 1, ui);
}

Screen draw(int rows, int columns, const Page& page, const Page& shown_page, const Ui& ui) {
  Screen screen{rows, columns};
  if (rows < kLeastRows || columns < kLeastColumns) {
    const auto headline = headline_of(page);
    screen.put(0, 0, headline.tag + headline.sentence, headline.ink);
    screen.put(1, 0, "too small: " + std::to_string(kLeastColumns) + "x" + std::to_string(kLeastRows) + " shows all", Ink::Quiet);
    return screen;
  }
  draw_header(screen, page, ui);
  if (ui.help) {
    draw_help(screen, kTop);
  } else if (shown_page.look) {
    for (const auto& view : views())
      if (view.number == ui.view) view.draw(screen, kTop, shown_page, ui);
  }
  if (page.look && !(ui.help && help_ends(kTop) >= rows)) screen.put(rows - 1, 1, page.message, Ink::Quiet);
  return screen;
}

const std::vector<View>& views() {
  static const std::vector<View> all{{1, "traces", draw_traces},           {2, "spectra", draw_spectra},
                                     {3, "spectrogram", draw_spectrogram}, {4, "quality", draw_quality},
                                     {5, "timing", draw_timing},           {6, "health", draw_health}};
  return all;
}

}  // namespace view
