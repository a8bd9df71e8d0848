#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <limits>
#include <set>

#include "analysis/comparison.hpp"
#include "analysis/formats/day_pages.hpp"
#include "analysis/formats/formats.hpp"
#include "analysis/html/figures.hpp"
#include "analysis/html/style.hpp"
#include "analysis/html/table.hpp"
#include "analysis/html/text.hpp"
#include "analysis/quality_figures.hpp"
#include "analysis/table_text.hpp"
#include "mth5/duration.hpp"

namespace analysis {

namespace {

using html::element;
using html::escaped;
using html::figure;
using html::Heading;
using html::Table;

constexpr std::size_t kMostGaps = 100;         ///< of a station, in its table
constexpr std::size_t kMostWhole = 8;          ///< stations: of more, a page is held to
constexpr std::size_t kMostBytes = 1'000'000;  ///< for a phone
constexpr std::size_t kMostName = 64;          ///< bytes of a station's id in the name of its page

/// What a page has of a station, in this order.
struct Part {
  std::string words, plots, gaps, details;
  [[nodiscard]] std::size_t size() const { return words.size() + plots.size() + gaps.size() + details.size(); }
  [[nodiscard]] std::string html() const { return "<section " + words + plots + gaps + details + "</section>\n"; }
};

/// So many bytes of a page are left.
class Room {
 public:
  Room() = default;  ///< for all of it
  explicit Room(std::size_t bytes) : left_{bytes} {}
  /// The text, and its place is taken; "" where there is none for it.
  [[nodiscard]] std::string take(std::string text) {
    if (text.size() > left_) return "";
    left_ -= text.size();
    return text;
  }
  [[nodiscard]] bool is_full() const { return left_ < kLeastPlot; }

 private:
  static constexpr std::size_t kLeastPlot = 1'000;

  std::size_t left_ = std::numeric_limits<std::size_t>::max();
};

std::string finding_items(const std::vector<const Finding*>& findings, mth5::UtcNanos now) {
  std::string items;
  for (const auto* finding : findings) {
    const std::string word{to_string(finding->severity)};
    items += element("li", "class=\"" + word + "\"",
                     element("b", "", word) + " " +
                         element("span", "", escaped(finding->sentence(now)) + ": " + escaped(finding->rule->advice))) +
             "\n";
  }
  return items.empty() ? "" : element("ul", "class=\"findings\"", items);
}

std::string state_word(const Finding* worst) { return worst == nullptr ? "good" : std::string{to_string(worst->severity)}; }

std::string colored(const std::string& word) { return element("b", "class=\"" + word + "\"", word); }

std::string reasons_text(const Reasons& reasons) {
  std::string text;
  for (const auto& [reason, n] : reasons)
    if (n != 0) text += (text.empty() ? "" : ", ") + escaped(reason) + " " + figure(n);
  return text.empty() ? "0" : text;
}

std::string forecast(double seconds) { return std::isfinite(seconds) ? figure(seconds, mth5::rough_duration(seconds)) : "-"; }

/// One station of the page.
class StationPart {
 public:
  StationPart(const Summary& summary, const Need& need) : summary_{summary}, station_{*need.station}, worst_{need.worst} {
    for (std::size_t i = 0; i < summary.channels.size(); ++i)
      if (belongs(summary.channels[i])) channels_.push_back(&summary.channels[i]);
    for (const auto* channel : channels_) {
      const auto expected = expected_of(*channel);
      if (!expected) continue;
      span_ = span_ ? html::Span{std::min(span_->from, expected->from), std::max(span_->to, expected->to)} : *expected;
    }
  }

  [[nodiscard]] double least_percent() const {
    double least = std::numeric_limits<double>::quiet_NaN();
    for (const auto* channel : channels_) least = std::fmin(least, channel->percent());
    return least;
  }

  [[nodiscard]] std::string age() const {
    const double seconds = station_.age_s(summary_.now);
    return std::isfinite(seconds) ? figure(seconds, old_text(seconds)) : "-";
  }
  [[nodiscard]] const StationSummary& station() const { return station_; }
  [[nodiscard]] const Finding* worst() const { return worst_; }  ///< nullptr: it is well

  /// @param number  of its section on the page
  [[nodiscard]] Part words(std::size_t number) const {
    Part part;
    part.words = "id=\"s" + std::to_string(number) + "\">\n" +
                 element("h2", "", "Station " + escaped(station_.station.id) + ": " + colored(state_word(worst_))) + "\n" +
                 finding_items(findings_of(summary_, station_), summary_.now) + facts();
    if (channels_.empty()) {
      part.words += "<p>No samples.</p>\n";
    } else {
      part.words += channel_table();
      part.gaps = gap_table();
    }
    return part;
  }
  /// Adds to its words what there is to see, as far as there is room.
  void add_plots(Part& part, bool spectrograms, Room& room) const {
    if (channels_.empty()) return;
    part.plots = room.take("<h3>Day and spectra</h3>\n");
    if (!part.plots.empty()) part.plots += plots(spectrograms, room);
    part.plots += room.take("<h3>Completeness and gaps</h3>\n" + calendars());
    part.details = room.take(health());
    part.details += room.take(clocks());
    part.details += room.take(ledger());
  }
  [[nodiscard]] std::string all(std::size_t number) const {
    auto part = words(number);
    Room any;
    add_plots(part, true, any);
    return part.html();
  }

 private:
  template <class Item>
  [[nodiscard]] bool belongs(const Item& item) const {
    return item.survey == station_.station.survey && item.station == station_.station.id;
  }

  /// When samples should have come: the time of the report, else from the first to the last, and as long as its gaps.
  [[nodiscard]] std::optional<html::Span> expected_of(const ChannelSummary& channel) const {
    const auto& stream = summary_.streams[channel.series];
    auto from = summary_.window.from ? summary_.window.from : stream.start;
    auto to = summary_.window.to ? summary_.window.to : stream.end;
    if (!from || !to) return std::nullopt;
    for (const auto& gap : channel.gaps)
      if (gap.component.empty() && gap.start >= kFirstTime && gap.end() <= summary_.now + kFuture)
        from = std::min(*from, gap.start), to = std::max(*to, gap.end());
    if (*from >= *to) return std::nullopt;
    return html::Span{*from, *to};
  }

  [[nodiscard]] std::string facts() const {
    const auto& info = station_.station;
    std::string out =
        "Survey " + escaped(info.survey) + "; samples " + html::time(station_.start) + " to " + html::time(station_.end) + " UTC";
    const double latitude = info.metadata.number("location.latitude"), longitude = info.metadata.number("location.longitude");
    if (std::isfinite(latitude) && std::isfinite(longitude))
      out +=
          "; latitude " + figure(latitude, degrees_text(latitude)) + ", longitude " + figure(longitude, degrees_text(longitude));
    if (const double elevation = info.metadata.number("location.elevation"); std::isfinite(elevation))
      out += ", elevation " + figure(elevation) + " m";
    if (station_.newest) out += "; newest sample " + html::time(station_.newest) + ", " + age();
    if (station_.future_samples > 0)
      out += "; " + figure(station_.future_samples) + " samples are at times that have not come yet";
    if (station_.unset_samples > 0) out += "; " + figure(station_.unset_samples) + " samples are of a clock that was not set";
    out = element("p", "", out) + "\n";
    std::string lasts;
    if (const auto& battery = station_.battery) {
      lasts += "Battery " + figure(battery->volts, volts_text(battery->volts)) + " V";
      if (battery->volts_per_day) {
        std::array<char, 32> text{};
        std::snprintf(text.data(), text.size(), "%+.2f", *battery->volts_per_day + 0.0);
        lasts += ", " + figure(*battery->volts_per_day, text.data()) + " V a day";
      }
      if (battery->empty_in_s) lasts += ": at 11.5 V in " + forecast(*battery->empty_in_s);
      lasts += ". ";
    }
    const auto disk = disk_of(summary_, info.id);
    if (disk.full_in_s) lasts += "Disk full in " + forecast(*disk.full_in_s);
    if (disk.free_bytes) {
      const auto free = static_cast<double>(*disk.free_bytes);
      lasts += (disk.full_in_s ? ", " : "Disk ") + figure(free, bytes_text(free)) + " free";
    }
    if (disk.full_in_s || disk.free_bytes) lasts += ".";
    return lasts.empty() ? out : out + element("p", "", lasts) + "\n";
  }

  [[nodiscard]] std::string channel_table() const {
    std::vector<Heading> headings{{"channel"},       {"rate", true},     {"samples", true}, {"expected", true},
                                  {"missing", true}, {"complete", true}, {"min", true},     {"max", true},
                                  {"mean", true},    {"std", true},      {"units"}};
    for (const auto& one : kQualityFigures) headings.push_back({one.heading, true});
    Table table{"channels", "Channels over the time of the report", headings};
    for (const auto* channel : channels_) {
      const auto& values = channel->values;
      std::vector<std::string> row{escaped(channel->component),
                                   figure(channel->sample_rate, rate_text(channel->sample_rate)),
                                   figure(channel->n_samples),
                                   figure(channel->expected),
                                   figure(channel->missing),
                                   figure(channel->percent(), percent_text(channel->percent())),
                                   figure(values.min()),
                                   figure(values.max()),
                                   figure(values.mean()),
                                   figure(values.std()),
                                   escaped(mth5::unit_symbol(channel->units))};
      for (const auto& one : kQualityFigures) {
        const auto value = one.of(*channel);
        row.push_back(!value ? "-" : one.count ? figure(std::int64_t{std::llround(*value)}) : figure(*value));
      }
      table.add(row);
    }
    return table.html();
  }

  [[nodiscard]] std::string plots(bool spectrograms, Room& room) const {
    std::string out;
    for (const auto* channel : channels_) {
      if (!channel->quality || !span_) continue;
      const auto& quality = *channel->quality;
      auto of_channel =
          html::envelope_figure(channel->component, mth5::unit_symbol(channel->units), quality.measures.envelope(), *span_) +
          html::spectrum_figure(quality, summary_.reference.get());
      if (spectrograms) of_channel += html::spectrogram_figure(quality, *span_);
      out += room.take(of_channel + "\n");
    }
    return out.empty() ? "<p>No electric or magnetic channel.</p>\n" : element("div", "class=\"plots\"", out) + "\n";
  }

  /// The channels of which the gaps of each stream are told: one of each.
  [[nodiscard]] std::vector<const ChannelSummary*> one_of_each_stream() const {
    std::vector<const ChannelSummary*> ones;
    std::set<std::size_t> known;
    for (const auto* channel : channels_)
      if (known.insert(channel->series).second) ones.push_back(channel);
    return ones;
  }

  [[nodiscard]] std::string calendars() const {
    std::string out;
    for (const auto* channel : one_of_each_stream()) {
      const auto expected = expected_of(*channel);
      if (!expected) continue;
      std::vector<Gap> gaps;
      std::copy_if(channel->gaps.begin(), channel->gaps.end(), std::back_inserter(gaps),
                   [](const Gap& gap) { return gap.component.empty(); });
      out += html::calendar_figure("Completeness at " + rate_text(channel->sample_rate), html::calendar_of(*expected, gaps));
    }
    return element("div", "class=\"plots\"", out) + "\n";
  }

  [[nodiscard]] std::string gap_table() const {
    std::vector<const Gap*> gaps;
    std::set<std::size_t> known;
    for (const auto* channel : channels_) {
      const bool again = !known.insert(channel->series).second;
      for (const auto& gap : channel->gaps)
        if (!again || !gap.component.empty()) gaps.push_back(&gap);
    }
    std::string without_value;
    for (const auto* channel : channels_)
      if (const auto n = channel->without_value(); n > 0)
        without_value += (without_value.empty() ? "" : ", ") + escaped(channel->component) + " " + figure(n);
    if (!without_value.empty())
      without_value = element("p", "", "In no gap, but there without a value: " + without_value + ".") + "\n";
    if (gaps.empty()) return without_value + "<p>No gaps.</p>\n";
    const auto length = [](const Gap* gap) {
      return gap->sample_rate > 0 ? static_cast<double>(gap->samples) / gap->sample_rate : 0;
    };
    std::string caption = std::to_string(gaps.size()) + (gaps.size() == 1 ? " gap" : " gaps");
    if (gaps.size() > kMostGaps) {
      std::stable_sort(gaps.begin(), gaps.end(), [&](const Gap* a, const Gap* b) { return length(a) > length(b); });
      gaps.resize(kMostGaps);
      caption += ", of which these are the longest; --format json has all of them";
    }
    std::stable_sort(gaps.begin(), gaps.end(), [](const Gap* a, const Gap* b) { return a->start < b->start; });
    constexpr std::array kHeadings{Heading{"from (UTC)"},   Heading{"rate", true}, Heading{"samples", true},
                                   Heading{"length", true}, Heading{"runs"},       Heading{"channel"},
                                   Heading{"reason"}};
    Table table{"gaps", caption, kHeadings};
    for (const auto* gap : gaps)
      table.add({html::time(gap->start), escaped(rate_text(gap->sample_rate)), figure(gap->samples),
                 gap->sample_rate > 0 ? duration_text(length(gap)) : "-",
                 escaped(gap->run_before.empty() ? "-" : gap->run_before) +
                     (gap->filled ? " (filled)" : " to " + escaped(gap->run_after.empty() ? "-" : gap->run_after)),
                 gap->component.empty() ? "all" : escaped(gap->component), escaped(gap->reason)});
    return without_value + table.html();
  }

  [[nodiscard]] std::string health() const {
    std::string out;
    for (const auto& [name, trend] : station_.trends.all())
      if (span_ && !name.starts_with("clock/") && !trend.cells().empty()) out += html::envelope_figure(name, "", trend, *span_);
    return out.empty() ? "" : "<h3>State of health</h3>\n" + element("div", "class=\"plots\"", out) + "\n";
  }

  [[nodiscard]] std::string clocks() const {
    constexpr std::array kHeadings{Heading{"stream"},
                                   Heading{"source"},
                                   Heading{"locked"},
                                   Heading{"ppm", true},
                                   Heading{"residual us", true},
                                   Heading{"axis error s", true},
                                   Heading{"file", false, true}};
    Table table{"clocks", "Clocks, as of their newest anchors", kHeadings};
    for (const auto& file : summary_.files)
      for (const auto& stream : file.ledger.streams)
        for (const auto& clock : file.clocks)
          if (!file.copy_of && stream.station == station_.station.id && clock.stream == stream.name)
            table.add({escaped(clock.stream), escaped(clock.source),
                       clock.locked ? "yes" : element("b", "class=\"warning\"", "no"), figure(clock.ppm),
                       figure(clock.residual_us), figure(clock.axis_error_s), escaped(file.path)});
    std::string plots;
    for (const auto& [name, trend] : station_.trends.all())
      if (span_ && name.starts_with("clock/") && !trend.cells().empty())
        plots += html::envelope_figure(name.substr(6), "", trend, *span_);
    if (table.empty() && plots.empty()) return "";
    return "<h3>Clock</h3>\n" + (table.empty() ? "" : table.html()) + element("div", "class=\"plots\"", plots) + "\n";
  }

  [[nodiscard]] std::string ledger() const {
    constexpr std::array kHeadings{Heading{"source"},        Heading{"bytes in", true},       Heading{"decoded", true},
                                   Heading{"pending", true}, Heading{"skipped", false, true}, Heading{"samples decoded", true},
                                   Heading{"stored", true},  Heading{"buffered", true},       Heading{"dropped", false, true},
                                   Heading{"balanced"},      Heading{"file", false, true}};
    Table table{"ledger", "Ledger: where every byte and every sample went", kHeadings};
    for (const auto& file : summary_.files)
      for (const auto& source : file.ledger.sources) {
        std::int64_t decoded = 0, stored = 0, buffered = 0, died = 0, went_on = 0;
        Reasons dropped;
        bool ours = false, balanced = source.balanced();
        for (const auto& stream : file.ledger.streams) {
          if (stream.source != source.source) continue;
          ours = ours || stream.station == station_.station.id;
          balanced = balanced && stream.balanced();
          decoded += stream.samples_decoded;
          stored += stream.samples_stored;
          buffered += stream.samples_buffered - stream.samples_were_buffered;
          died += stream.samples_were_buffered - stream.samples_went_on;
          went_on += stream.samples_went_on;
          for (const auto& [reason, n] : stream.samples_dropped) dropped[reason] += n;
        }
        if (!ours || file.copy_of) continue;
        table.add({escaped(source.name.empty() ? std::to_string(source.source) : source.name), figure(source.bytes_in),
                   figure(source.bytes_decoded), figure(source.bytes_pending), reasons_text(source.bytes_skipped),
                   figure(decoded), figure(stored),
                   figure(buffered) + (died == 0 ? "" : ", had " + figure(died) + " when it died") +
                       (went_on == 0 ? "" : ", " + figure(went_on) + " in the next file"),
                   reasons_text(dropped), balanced ? "yes" : element("b", "class=\"critical\"", "no"), escaped(file.path)});
      }
    return table.empty() ? "" : "<h3>Ledger</h3>\n" + table.html();
  }

  const Summary& summary_;
  const StationSummary& station_;
  const Finding* worst_;
  std::vector<const ChannelSummary*> channels_;
  std::optional<html::Span> span_;
};

/// The one that wants a visit first on top.
std::vector<StationPart> parts_of(const Summary& summary) {
  std::vector<StationPart> stations;
  for (const auto& need : by_need(summary)) stations.emplace_back(summary, need);
  return stations;
}

/// @param links  of each station; "": it is shown nowhere else
std::string index_of(const Summary& summary, const std::vector<StationPart>& stations, const std::vector<std::string>& links) {
  constexpr std::array kHeadings{Heading{"station"},
                                 Heading{"state"},
                                 Heading{"why", false, true},
                                 Heading{"complete", true},
                                 Heading{"newest sample", true},
                                 Heading{"battery V", true},
                                 Heading{"disk full in", true}};
  Table table{"stations", "Stations, the one that wants a visit first on top", kHeadings};
  for (std::size_t i = 0; i < stations.size(); ++i) {
    const auto& station = stations[i].station();
    const auto* worst = stations[i].worst();
    const double percent = stations[i].least_percent();
    const auto name = escaped(station.station.id);
    table.add({links[i].empty() ? name : element("a", "href=\"" + links[i] + "\"", name), colored(state_word(worst)),
               worst != nullptr ? escaped(worst->sentence(summary.now)) : "", figure(percent, percent_text(percent)),
               stations[i].age(), station.battery ? figure(station.battery->volts, volts_text(station.battery->volts)) : "-",
               forecast(disk_of(summary, station.station.id).full_in_s.value_or(kNaN))});
  }
  return table.html();
}

std::string changes_of(const Comparison& comparison) {
  constexpr std::array kHeadings{Heading{"station"},   Heading{"of"},           Heading{"figure"},
                                 Heading{"now", true}, Heading{"before", true}, Heading{"wrong"}};
  Table table{"changes", "What changed", kHeadings};
  for (const auto& change : comparison.changes)
    if (change.notable)
      table.add({escaped(change.station), escaped(change.name), escaped(change.figure), figure(change.now), figure(change.before),
                 std::string{change_word(change)}});
  return "<section>\n" +
         element("h2", "",
                 "Compared with " + html::time(comparison.before.from) + " to " + html::time(comparison.before.to) + " UTC") +
         "\n" + (table.empty() ? "<p>Nothing to speak of changed.</p>\n" : table.html()) + "</section>\n";
}

std::string logs_of(const Summary& summary) {
  struct Said {
    const RecorderLog::Line* line;
    const std::string* path;
  };
  std::vector<Said> said;
  for (const auto& file : summary.files)
    if (!file.copy_of)
      for (const auto& line : file.log.newest) said.push_back({&line, &file.path});
  if (said.empty()) return "";
  std::stable_sort(said.begin(), said.end(), [](const Said& a, const Said& b) { return a.line->time < b.line->time; });
  constexpr std::array kHeadings{Heading{"time (UTC)"}, Heading{"level"}, Heading{"text", false, true},
                                 Heading{"file", false, true}};
  Table table{"log", "Warnings, errors, starts and stops: the newest", kHeadings};
  const auto first = said.size() - std::min(said.size(), RecorderLog::kMost);
  for (auto i = first; i < said.size(); ++i)
    table.add(
        {html::time(said[i].line->time), escaped(said[i].line->level), escaped(said[i].line->text), escaped(*said[i].path)});
  return "<section>\n<h2>What the recorder said</h2>\n" + table.html() + "</section>\n";
}

std::string files_of(const Summary& summary) {
  constexpr std::array kHeadings{Heading{"file"}, Heading{"state"}, Heading{"bytes", true}, Heading{"ledger"},
                                 Heading{"remarks", false, true}};
  Table table{"files", "Files", kHeadings};
  for (const auto& file : summary.files) {
    std::string remarks;
    const auto remark = [&](const std::string& text) { remarks += (remarks.empty() ? "" : "<br>") + escaped(text); };
    if (file.copy_of) remark("all its samples are in " + *file.copy_of + ": counted once");
    for (const auto& line : file.damaged) remark("damaged: " + line);
    for (const auto& line : file.unread) remark("not read: " + line);
    for (const auto& line : file.remarks) remark(line);
    if (file.ledger_problem) remark("ledger cannot be read: " + *file.ledger_problem);
    if (file.ledger.recovered) remark("its writer died, and it was recovered");
    const std::string ledger = file.ledger.layout == 0  ? "-"
                               : file.ledger.balanced() ? "balanced"
                                                        : element("b", "class=\"critical\"", "does not balance");
    table.add({escaped(file.path), std::string{mth5::to_string(file.state)}, figure(static_cast<std::int64_t>(file.bytes)),
               ledger, remarks});
  }
  for (const auto& path : summary.unreadable)
    table.add({escaped(path), element("b", "class=\"critical\"", "cannot be read"), "-", "-", ""});
  const auto others = std::to_string(summary.left_out) + " more files, closed and well, have nothing of that time.";
  return "<section>\n<h2>Files</h2>\n" + table.html() +
         (summary.left_out > 0 ? element("p", "class=\"quiet\"", others) + "\n" : "") + "</section>\n";
}

std::string upper(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
  return word;
}

std::string header_of(const Summary& summary, const std::string& title, const Finding* worst, const std::string& tag) {
  std::optional<mth5::UtcNanos> end;
  for (const auto& station : summary.stations) end = std::max(end, station.newest);
  return html::page_head(title + ": " + state_word(worst), tag) + "<body>\n<header>\n" + element("h1", "", title) + "\n" +
         element("p", "class=\"quiet\"",
                 "Report from " + (summary.window.from ? html::time(summary.window.from) : "the first sample") + " to " +
                     (summary.window.to ? html::time(summary.window.to) : "the last sample") + " UTC; data until " +
                     html::time(end) + " UTC") +
         "\n</header>\n<main>\n";
}
constexpr std::string_view kPageEnd = "</main>\n</body>\n</html>\n";

/// A page but for the parts of its stations: all before them, and all behind.
struct Frame {
  std::string before, behind;
  [[nodiscard]] std::size_t size() const { return before.size() + behind.size(); }
};

/// @param links  as of index_of()
Frame frame_of(const Summary& summary, const std::vector<StationPart>& stations, const std::vector<std::string>& links) {
  std::string title = "Recordings";
  if (stations.size() == 1) title = escaped(stations.front().station().station.id);
  if (stations.size() > 1) title = std::to_string(stations.size()) + " stations";
  const Verdict nothing;
  const Verdict& verdict = summary.verdict ? *summary.verdict : nothing;
  const Finding* worst = verdict.empty() ? nullptr : &verdict.front();
  Frame frame{header_of(summary, title, worst, day_tag(summary)), {}};
  auto state = upper(state_word(worst));
  if (verdict.size() > 1) state += ": " + std::to_string(verdict.size()) + " findings";
  frame.before += "<section>\n" + element("p", "class=\"state " + state_word(worst) + "\"", state) + "\n";
  // With several stations each has its findings in its part, and the worst in the index.
  std::set<const Finding*> of_stations;
  for (const auto& station : stations)
    for (const auto* finding : findings_of(summary, station.station())) of_stations.insert(finding);
  std::vector<const Finding*> shown;
  for (const auto& finding : verdict)
    if (!of_stations.contains(&finding)) shown.push_back(&finding);
  frame.before += finding_items(shown, summary.now);
  if (stations.size() > 1) frame.before += index_of(summary, stations, links);
  frame.before += "</section>\n";
  if (summary.compared) frame.behind += changes_of(*summary.compared);
  frame.behind += logs_of(summary) + files_of(summary);
  frame.behind += kPageEnd;
  return frame;
}

/// The parts of many stations, with plots of those that want a visit first as far as there is room for them. Those that have no
/// place even for words are left out.
std::vector<Part> parts_within(Room room, const std::vector<StationPart>& stations) {
  std::vector<Part> parts;
  for (const auto& station : stations) {
    auto part = station.words(parts.size() + 1);
    if (room.take(part.html()).empty()) return parts;
    parts.push_back(std::move(part));
  }
  for (std::size_t i = 0; i < stations.size() && !room.is_full(); ++i) stations[i].add_plots(parts[i], false, room);
  return parts;
}

/// What a station is called in the name of its page: ids of files may hold anything, and become no address as they are.
std::string name_part(const std::string& id) {
  std::string name = id.substr(0, kMostName);
  for (auto& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

}  // namespace

std::string to_html(const Summary& summary, std::optional<std::size_t> most_bytes) {
  const auto stations = parts_of(summary);
  std::vector<std::string> links;
  for (std::size_t i = 0; i < stations.size(); ++i) links.push_back("#s" + std::to_string(i + 1));
  auto frame = frame_of(summary, stations, links);
  if (stations.size() <= kMostWhole && !most_bytes) {
    for (std::size_t i = 0; i < stations.size(); ++i) frame.before += stations[i].all(i + 1);
    return frame.before + frame.behind;
  }
  const std::string more =
      element("p", "class=\"quiet\"",
              most_bytes ? "This page is made for mail: it has no spectrograms, and plots only as far as there is room. "
                           "With --format html, or --pages, there are all."
                         : "A page of many stations has no spectrograms, and plots only of those that want a visit first. "
                           "With --pages each station has a page of its own.") +
      "\n";
  constexpr std::size_t kTags = 200;  // around what there is room for
  const auto most = most_bytes.value_or(kMostBytes);
  const auto parts = parts_within(Room{most - std::min(most, frame.size() + more.size() + kTags * stations.size())}, stations);
  if (parts.size() < stations.size()) {  // of so many, the index has links that lead nowhere
    std::fill(links.begin() + static_cast<std::ptrdiff_t>(parts.size()), links.end(), "");
    frame = frame_of(summary, stations, links);
  }
  for (const auto& part : parts) frame.before += part.html();
  return frame.before + more + frame.behind;
}

std::vector<Page> to_html_pages(const Summary& summary, const std::string& name) {
  const auto stations = parts_of(summary);
  if (stations.size() <= 1) return {{name + ".html", to_html(summary)}};
  std::vector<Page> pages;
  std::vector<std::string> links;
  std::set<std::string> known;
  for (const auto& station : stations) {
    const auto& id = station.station().station.id;
    const auto plain = name + "_" + name_part(id);
    auto own = plain;
    for (int n = 2; !known.insert(own).second; ++n) own = plain + "_" + std::to_string(n);
    links.push_back(own + ".html");
    const auto all = element("p", "", element("a", "href=\"" + name + ".html\"", "All stations")) + "\n";
    pages.push_back(
        {links.back(), header_of(summary, escaped(id), station.worst(), "") + all + station.all(1) + std::string{kPageEnd}});
  }
  const auto frame = frame_of(summary, stations, links);
  pages.push_back({name + ".html", frame.before + frame.behind});
  return pages;
}

}  // namespace analysis
