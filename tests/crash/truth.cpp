#include "truth.hpp"

#include <algorithm>
#include <array>
#include <sstream>

namespace crash {

std::uint64_t channel_key(std::string_view path) {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  for (const char c : path) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return Random::mix(hash);
}

std::string component_name(std::size_t channel) {
  static constexpr std::array kFirst{"ex", "ey", "hx", "hy", "hz"};
  return channel < kFirst.size() ? kFirst[channel] : "aux" + std::to_string(channel);
}

mth5::TableSpec ledger_table() {
  using Type = mth5::Column::Type;
  return {"commits",
          {{"commit", Type::Int64, 0, ""},
           {"samples", Type::Int64, 0, ""},
           {"check", Type::Int64, 0, ""},
           {"note", Type::Text, 21, ""}},
          "one row per durable commit",
          32};
}

mth5::TableSpec gaps_table() {
  using Type = mth5::Column::Type;
  return {"gaps", {{"index", Type::Int64, 0, ""}, {"length", Type::Float64, 0, "s"}, {"reason", Type::Text, 12, ""}}, "gaps", 8};
}

std::int64_t ledger_check(std::int64_t commit, std::int64_t samples) {
  return static_cast<std::int64_t>(
      Random::mix(static_cast<std::uint64_t>(commit) * Random::kStep + static_cast<std::uint64_t>(samples)) >> 1U);
}

void add_ledger_row(mth5::Rows& rows, std::int64_t commit, std::int64_t samples) {
  rows.add(commit);
  rows.add(samples);
  rows.add(ledger_check(commit, samples));
  rows.add(std::string_view{"commit " + std::to_string(commit)});
}

void add_gaps_row(mth5::Rows& rows, std::int64_t index) {
  rows.add(index);
  rows.add(static_cast<double>(index) + 0.5);
  rows.add(std::string_view{"gap " + std::to_string(index)});
}

std::string wrong_ledger_row(const mth5::Table& table, std::size_t row) {
  const auto commit = table.integer(row, "commit"), samples = table.integer(row, "samples");
  if (table.integer(row, "check") == ledger_check(commit, samples) &&
      table.text(row, "note") == "commit " + std::to_string(commit))
    return "";
  return "ledger row " + std::to_string(row) + " is not what was written (commit " + std::to_string(commit) + ")";
}

std::string wrong_gaps_row(const mth5::Table& table, std::size_t row) {
  const auto index = static_cast<std::int64_t>(row);
  if (table.integer(row, "index") == index && table.number(row, "length") == static_cast<double>(index) + 0.5 &&
      table.text(row, "reason") == "gap " + std::to_string(index))
    return "";
  return "gaps row " + std::to_string(row) + " is not what was written";
}

std::int64_t State::samples() const {
  std::int64_t sum = 0;
  for (const auto& run : runs) sum += run.samples;
  return sum;
}

std::string State::text() const {
  std::ostringstream out;
  out << commit << ' ' << revision << ' ' << ledger << ' ' << gaps << ' ' << stations.size() << ' ' << runs.size();
  for (const auto& station : stations) out << ' ' << station;
  for (const auto& run : runs) out << ' ' << run.station << ' ' << run.run << ' ' << run.channels << ' ' << run.samples;
  return out.str();
}

State State::from(std::string_view text) {
  std::istringstream in{std::string{text}};
  State state;
  std::size_t n_stations = 0, n_runs = 0;
  in >> state.commit >> state.revision >> state.ledger >> state.gaps >> n_stations >> n_runs;
  if (!in) throw std::runtime_error{"not a state: " + std::string{text}};
  state.stations.resize(n_stations);
  state.runs.resize(n_runs);
  for (auto& station : state.stations) in >> station;
  for (auto& run : state.runs) in >> run.station >> run.run >> run.channels >> run.samples;
  if (!in) throw std::runtime_error{"not a state: " + std::string{text}};
  return state;
}

bool State::same(const State& other) const {
  return revision == other.revision && ledger == other.ledger && gaps == other.gaps && stations == other.stations &&
         runs == other.runs;
}

}  // namespace crash
