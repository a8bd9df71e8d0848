#include <array>
#include <limits>

#include "analysis/csv.hpp"
#include "analysis/formats/formats.hpp"

namespace analysis {

namespace {

struct Row {
  const Summary& summary;
  const ChannelSummary& channel;

  [[nodiscard]] const StreamSummary& stream() const { return summary.streams[channel.series]; }
};

std::string time(std::optional<mth5::UtcNanos> t) { return t ? mth5::to_iso(*t) : ""; }

/// Of an electric or magnetic channel with values.
template <class Get>
std::string quality(const Row& row, const Get& get) {
  const auto& known = row.channel.quality;
  return known && known->measures.statistics().count() > 0 ? csv::number(static_cast<double>(get(*known))) : "";
}

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
    Column{"units", [](const Row& r) { return csv::text(r.channel.units); }},
    Column{"clipped", [](const Row& r) { return quality(r, [](const auto& q) { return q.measures.clipped(); }); }},
    Column{"dc", [](const Row& r) { return quality(r, [](const auto& q) { return q.measures.histogram().median(); }); }},
    Column{"drift_per_h",
           [](const Row& r) { return quality(r, [](const auto& q) { return q.measures.envelope().drift_per_hour(); }); }},
    Column{"spikes", [](const Row& r) { return quality(r, [](const auto& q) { return q.measures.spikes().count(); }); }},
    Column{"jumps", [](const Row& r) { return quality(r, [](const auto& q) { return q.measures.jumps().count(); }); }},
    Column{"mains_db", [](const Row& r) {
             return quality(r, [](const auto& q) { return q.mains_db.value_or(std::numeric_limits<double>::quiet_NaN()); });
           }}};

}  // namespace

std::string to_csv(const Summary& summary, bool header) {
  std::string out;
  const auto line = [&](const auto& cell) {
    for (const auto& column : kColumns) {
      if (&column != kColumns.begin()) out += ",";
      out += cell(column);
    }
    out += "\r\n";
  };
  if (header) line([](const Column& column) { return std::string{column.name}; });
  for (const auto& channel : summary.channels) line([&](const Column& column) { return column.cell({summary, channel}); });
  return out;
}

}  // namespace analysis
