#include "analysis/ledger.hpp"

#include <numeric>
#include <string_view>

#include <nlohmann/json.hpp>

namespace analysis {

namespace {

constexpr std::string_view kSkipped = "bytes_skipped_";
constexpr std::string_view kDropped = "samples_dropped_";

std::int64_t total(const std::map<std::string, std::int64_t>& by_reason) {
  return std::accumulate(by_reason.begin(), by_reason.end(), std::int64_t{0},
                         [](auto sum, const auto& item) { return sum + item.second; });
}

std::map<std::string, std::int64_t> reasons(const mth5::Table& table, std::size_t row, std::string_view prefix) {
  std::map<std::string, std::int64_t> found;
  for (const auto& column : table.columns())
    if (column.name.starts_with(prefix)) found[column.name.substr(prefix.size())] = table.integer(row, column.name);
  return found;
}

}  // namespace

bool Ledger::balanced() const {
  return bytes_in == bytes_decoded + bytes_pending + total(bytes_skipped) &&
         samples_decoded == samples_stored + samples_buffered + total(samples_dropped);
}

std::vector<Ledger> read_ledger(const mth5::Reader& file) {
  const auto table = file.table("ledger");
  if (!table) return {};
  std::map<std::int64_t, std::size_t> last;
  for (std::size_t i = 0; i < table->size(); ++i) last[table->integer(i, "source")] = i;
  std::map<std::int64_t, std::string> names;
  if (const auto sources = file.table("sources"))
    for (std::size_t i = 0; i < sources->size(); ++i) names[sources->integer(i, "source")] = sources->text(i, "name");

  std::vector<Ledger> found;
  for (const auto& [source, row] : last) {
    Ledger ledger;
    ledger.source = source;
    ledger.name = names[source];
    ledger.bytes_in = table->integer(row, "bytes_in");
    ledger.bytes_decoded = table->integer(row, "bytes_decoded");
    ledger.bytes_pending = table->integer(row, "bytes_pending");
    ledger.bytes_skipped = reasons(*table, row, kSkipped);
    ledger.samples_decoded = table->integer(row, "samples_decoded");
    ledger.samples_stored = table->integer(row, "samples_stored");
    ledger.samples_buffered = table->integer(row, "samples_buffered");
    ledger.samples_dropped = reasons(*table, row, kDropped);
    found.push_back(std::move(ledger));
  }
  return found;
}

nlohmann::ordered_json to_json(const Ledger& ledger) {
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
          {"balanced", ledger.balanced()}};
}

}  // namespace analysis
