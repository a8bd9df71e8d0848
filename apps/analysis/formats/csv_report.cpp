#include <array>
#include <utility>

#include "analysis/csv.hpp"
#include "analysis/formats/formats.hpp"
#include "analysis/quality_figures.hpp"

namespace analysis {

namespace {

struct Row {
  const Summary& summary;
  const ChannelSummary& channel;

  [[nodiscard]] const StreamSummary& stream() const { return summary.streams[channel.series]; }
};

std::string time(std::optional<mth5::UtcNanos> t) { return t ? mth5::to_iso(*t) : ""; }

struct Column {
  std::string_view name;
  std::string (*cell)(const Row&);
};

/// One table: heading and cell.
constexpr std::array kColumns{
    Column{"survey", [](const Row& r) { return csv::text(r.channel.survey); }},
    Column{"station", [](const Row& r) { return csv::text(r.channel.station); }},
    Column{"component", [](const Row& r) { return csv::text(r.channel.component); }},
    Column{"sample_rate", [](const Row& r) { return r.channel.sample_rate > 0 ? csv::number(r.channel.sample_rate) : ""; }},
    Column{"state",
           [](const Row& r) { return r.channel.state ? std::string{to_string(r.channel.state->flow.state)} : std::string{}; }},
    Column{"start", [](const Row& r) { return time(r.stream().start); }},
    Column{"end", [](const Row& r) { return time(r.stream().end); }},
    Column{"expected", [](const Row& r) { return std::to_string(r.channel.expected); }},
    Column{"n_samples", [](const Row& r) { return std::to_string(r.channel.n_samples); }},
    Column{"overlapping", [](const Row& r) { return std::to_string(r.channel.overlapping); }},
    Column{"missing", [](const Row& r) { return std::to_string(r.channel.missing); }},
    Column{"completeness", [](const Row& r) { return csv::number(r.channel.percent()); }},
    Column{"gaps", [](const Row& r) { return std::to_string(r.channel.gaps.size()); }},
    Column{"min", [](const Row& r) { return csv::number(r.channel.values.min()); }},
    Column{"max", [](const Row& r) { return csv::number(r.channel.values.max()); }},
    Column{"mean", [](const Row& r) { return csv::number(r.channel.values.mean()); }},
    Column{"std", [](const Row& r) { return csv::number(r.channel.values.std()); }},
    Column{"units", [](const Row& r) { return csv::text(r.channel.units); }}};

/// Of an electric or magnetic channel with values.
std::string quality(const ChannelSummary& channel, const QualityFigure& figure) {
  const auto value = figure.of(channel);
  return value ? csv::number(*value) : "";
}

}  // namespace

std::string to_csv(const Summary& summary, bool header) {
  std::string out;
  const auto line = [&](const auto& cell, const auto& quality_cell) {
    std::string separator;
    const auto add = [&](const std::string& text) { out += std::exchange(separator, ",") + text; };
    for (const auto& column : kColumns) add(cell(column));
    for (const auto& figure : kQualityFigures) add(quality_cell(figure));
    out += "\r\n";
  };
  if (header)
    line([](const Column& column) { return std::string{column.name}; },
         [](const QualityFigure& figure) { return std::string{figure.name}; });
  for (const auto* channel : channels_in_order(summary))
    line(
        [&](const Column& column) {
          return column.cell({summary, *channel});
        },
        [&](const QualityFigure& figure) { return quality(*channel, figure); });
  return out;
}

}  // namespace analysis
