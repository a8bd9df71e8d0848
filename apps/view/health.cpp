#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/table_text.hpp"
#include "mth5/duration.hpp"
#include "view/page.hpp"

namespace view {

namespace {

using analysis::shown;

/// A line of the page, or a trend of one.
struct Line {
  std::string text;
  Ink ink = Ink::Plain;
  const analysis::Envelope* trend = nullptr;
};

void add_verdict(std::vector<Line>& lines, const analysis::Snapshot& look, int columns) {
  for (const auto& finding : look.verdict) {
    const bool critical = finding.severity == analysis::Severity::Critical;
    bool first = true;
    for (const auto& line : wrapped(finding.sentence(look.time) + ": " + std::string{finding.rule->advice}, columns)) {
      lines.push_back({(!first ? "  " : critical ? "X " : "! ") + line, critical ? Ink::Critical : Ink::Warning});
      first = false;
    }
  }
}

void add_past(std::vector<Line>& lines, const analysis::Snapshot& look, int columns) {
  for (const auto& past : look.past)
    for (const auto& line : wrapped("was: " + past.sentence(look.time), columns))
      lines.push_back({(line.starts_with("was: ") ? "" : "  ") + line});
}

/// What a crew looks at first comes first.
int rank_of(std::string_view name) {
  constexpr std::array<std::string_view, 3> kFirst{"battery", "temperature", "satellites"};
  const auto found = std::find_if(kFirst.begin(), kFirst.end(), [&](auto word) { return name.find(word) != name.npos; });
  return static_cast<int>(found - kFirst.begin());
}

void add_trends(std::vector<Line>& lines, const Page& page) {
  const auto before = lines.size();
  for (int rank = 0; rank <= 3; ++rank)
    for (const auto& [name, trend] : page.trends.all()) {
      if (name.starts_with("clock/") || trend.cells().empty() || rank_of(name) != rank) continue;
      const auto newest = page.look->soh.find(name);
      const double value = newest != page.look->soh.end() ? newest->second : trend.cells().back().second.mean;
      lines.push_back(
          {shown(name) + " " + (name.ends_with("_V") ? analysis::volts_text(value) : short_number(value)), Ink::Plain, &trend});
    }
  if (lines.size() == before) lines.push_back({"state of health: the file has none", Ink::Quiet});
}

void add_disk(std::vector<Line>& lines, const Page& page) {
  const auto& look = *page.look;
  std::string text = "disk ";
  text += look.free_bytes ? short_number(static_cast<double>(*look.free_bytes) / (1 << 30)) + " GiB free" : "not known";
  if (look.full_in_s)
    text += ", full in " + time_left(*look.full_in_s);
  else if (look.free_bytes)
    text += ", no forecast yet";
  text += "; file " + short_number(static_cast<double>(look.file_bytes) / (1 << 20)) + " MiB";
  lines.push_back({text});
  const auto& times = page.disk.last_hour();
  if (times.empty()) {
    lines.push_back({look.replayed ? "flush and sync: no row of them by this time"
                                   : "flush and sync: the file does not say how long they take",
                     Ink::Quiet});
    return;
  }
  double flush = 0, sync = 0;
  for (const auto& one : times) {
    flush = std::max(flush, one.flush_s);
    sync = std::max(sync, one.sync_s);
  }
  const auto ms = [](double seconds) { return short_number(1e3 * seconds) + " ms"; };
  lines.push_back({"flush " + ms(times.back().flush_s) + ", longest " + ms(flush) + "; sync " + ms(times.back().sync_s) +
                   ", longest " + ms(sync) + " of the last " +
                   mth5::rough_duration(std::chrono::duration<double>(times.back().time - times.front().time).count())});
}

std::string reasons_text(const analysis::Reasons& reasons) {
  std::string text;
  for (const auto& [reason, n] : reasons)
    if (n != 0) text += (text.empty() ? "" : ", ") + shown(reason) + " " + grouped(n);
  return text;
}

void add_ledger(std::vector<Line>& lines, const Page& page) {
  if (!page.ledger || page.ledger->layout == 0) {
    lines.push_back({"ledger: the file has none", Ink::Quiet});
    return;
  }
  if (!page.ledger->last_commit && page.ledger->layout > 1) {  // nothing is accounted for where nothing is counted
    lines.push_back({"ledger: no row of it by this time", Ink::Quiet});
    return;
  }
  const bool good = page.ledger->balanced();
  const auto at = page.ledger->last_commit ? " at " + time_of(*page.ledger->last_commit, page.now) : "";
  lines.push_back({good ? "ledger balances: every byte and sample is accounted for" + at : "X ledger: does not balance" + at,
                   good ? Ink::Good : Ink::Critical});
  for (const auto& source : page.ledger->sources) {
    const auto skipped = reasons_text(source.bytes_skipped);
    lines.push_back({"  " + shown(source.name.empty() ? "source " + std::to_string(source.source) : source.name) + ": bytes in " +
                     grouped(source.bytes_in) + ", decoded " + grouped(source.bytes_decoded) + ", skipped " +
                     (skipped.empty() ? "0" : skipped)});
    if (source.reconnects > 0) lines.back().text += ", reconnects " + grouped(source.reconnects);
    if (const auto faults = reasons_text(source.input_faults); !faults.empty()) lines.back().text += "; before: " + faults;
  }
  for (const auto& stream : page.ledger->streams) {
    const auto dropped = reasons_text(stream.samples_dropped);
    lines.push_back({"  " + shown(stream.name) + ": samples decoded " + grouped(stream.samples_decoded) + ", stored " +
                     grouped(stream.samples_stored) + ", dropped " + (dropped.empty() ? "0" : dropped)});
  }
}

}  // namespace

void draw_health(Screen& screen, int top, const Page& page, const Ui& ui) {
  std::vector<Line> lines;
  add_verdict(lines, *page.look, screen.columns() - 4);
  add_past(lines, *page.look, screen.columns() - 4);
  add_trends(lines, page);
  add_disk(lines, page);
  add_ledger(lines, page);
  const int room = screen.rows() - 1 - top;
  const int first = std::clamp(ui.scroll, 0, std::max(0, static_cast<int>(lines.size()) - room));
  for (int i = 0; i < room && first + i < static_cast<int>(lines.size()); ++i) {
    const auto& line = lines[static_cast<std::size_t>(first + i)];
    screen.put(top + i, 1, line.text, line.ink);
    if (line.trend == nullptr) continue;
    constexpr int kTrend = 26;
    const double cells = static_cast<double>(line.trend->cells().back().first - line.trend->cells().front().first + 1);
    const auto over = mth5::rough_duration(cells * static_cast<double>(line.trend->cell_length().count()));
    const int end = screen.columns() - 2 - static_cast<int>(over.size());
    draw_trend(screen, top + i, kTrend, 1, end - kTrend - 1, *line.trend, ui.glyphs, Ink::Trace);
    screen.put(top + i, end, over, Ink::Quiet);
  }
  if (first + room < static_cast<int>(lines.size()))
    screen.put(screen.rows() - 2, screen.columns() - 8, " more v ", Ink::Selected);
}

}  // namespace view
