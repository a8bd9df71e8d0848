#include "analysis/ledger.hpp"

#include <numeric>
#include <string_view>

#include "analysis/json.hpp"

namespace analysis {

namespace {

constexpr std::string_view kSkipped = "bytes_skipped_";
constexpr std::string_view kDropped = "samples_dropped_";

std::int64_t total(const std::map<std::string, std::int64_t>& by_reason) {
  return std::accumulate(by_reason.begin(), by_reason.end(), std::int64_t{0},
                         [](auto sum, const auto& item) { return sum + item.second; });
}

void add_reasons(std::map<std::string, std::int64_t>& sums, const mth5::Table& table, std::size_t row, std::string_view prefix) {
  for (const auto& column : table.columns())
    if (column.name.starts_with(prefix)) sums[column.name.substr(prefix.size())] += table.integer(row, column.name);
}

}  // namespace

bool Ledger::balanced() const {
  return bytes_in == bytes_decoded + bytes_pending + total(bytes_skipped) &&
         samples_decoded == samples_stored + samples_buffered + total(samples_dropped);
}

std::vector<Ledger> read_ledger(const mth5::Reader& file) {
  const auto table = file.table("ledger");
  if (!table) return {};
  // The last row of each daemon that wrote the file; older files knew only one.
  const bool sessions = table->has("session");
  std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> last;
  for (std::size_t i = 0; i < table->size(); ++i)
    last[{table->integer(i, "source"), sessions ? table->integer(i, "session") : 0}] = i;
  std::map<std::int64_t, std::string> names;
  if (const auto sources = file.table("sources"))
    for (std::size_t i = 0; i < sources->size(); ++i) names[sources->integer(i, "source")] = sources->text(i, "name");

  std::vector<Ledger> found;
  for (const auto& [key, row] : last) {
    const auto source = key.first;
    if (found.empty() || found.back().source != source) {
      found.emplace_back();
      found.back().source = source;
      found.back().name = names[source];
    }
    Ledger& ledger = found.back();
    ++ledger.sessions;
    ledger.bytes_in += table->integer(row, "bytes_in");
    ledger.bytes_decoded += table->integer(row, "bytes_decoded");
    ledger.bytes_pending += table->integer(row, "bytes_pending");
    add_reasons(ledger.bytes_skipped, *table, row, kSkipped);
    ledger.samples_decoded += table->integer(row, "samples_decoded");
    ledger.samples_stored += table->integer(row, "samples_stored");
    ledger.samples_buffered += table->integer(row, "samples_buffered");
    add_reasons(ledger.samples_dropped, *table, row, kDropped);
    if (!sessions) continue;
    ledger.last_commit = mth5::UtcNanos{mth5::Nanos{table->integer(row, "time")}};
    ledger.disk_full_in_s = table->number(row, "disk_full_in");
    ledger.samples_durable = table->integer(row, "samples_durable");
    ledger.samples_visible = table->integer(row, "samples_visible");
    ledger.samples_at_risk = table->integer(row, "samples_at_risk");
    ledger.at_risk_s = static_cast<double>(table->integer(row, "at_risk")) / 1e6;
  }
  return found;
}

using json::Json;

Json to_json(const Ledger& ledger) {
  return {{"source", ledger.source},
          {"name", ledger.name.empty() ? nlohmann::ordered_json{} : nlohmann::ordered_json{ledger.name}},
          {"bytes_in", ledger.bytes_in},
          {"bytes_decoded", ledger.bytes_decoded},
          {"bytes_pending", ledger.bytes_pending},
          {"bytes_skipped", ledger.bytes_skipped},
          {"samples_decoded", ledger.samples_decoded},
          {"samples_stored", ledger.samples_stored},
          {"samples_buffered", ledger.samples_buffered},
          {"samples_dropped", ledger.samples_dropped},
          {"samples_visible", ledger.last_commit ? Json(ledger.samples_visible) : Json{}},
          {"samples_durable", ledger.last_commit ? Json(ledger.samples_durable) : Json{}},
          {"samples_at_risk", ledger.last_commit ? Json(ledger.samples_at_risk) : Json{}},
          {"at_risk_s", json::number(ledger.at_risk_s)},
          {"disk_full_in_s", json::number(ledger.disk_full_in_s)},
          {"sessions", ledger.sessions},
          {"balanced", ledger.balanced()}};
}

}  // namespace analysis
