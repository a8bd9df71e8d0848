#include "analysis/soh.hpp"

#include "mth5/metadata.hpp"

namespace analysis {

namespace {

constexpr std::string_view kFolder = "state_of_health/";

/// "battery" in "volts" is battery_V; units without a short form, and no units, leave the name alone.
std::string soh_key(const mth5::Column& column) {
  static const std::map<std::string, std::string, std::less<>> kShort{
      {"volts", "V"}, {"volt", "V"}, {"V", "V"}, {"celsius", "C"}, {"degC", "C"}, {"C", "C"}, {"seconds", "s"}, {"s", "s"}};
  const auto unit = kShort.find(mth5::unit_symbol(column.units));
  return unit == kShort.end() ? column.name : column.name + "_" + unit->second;
}

}  // namespace

std::set<std::string> tables_of_others(const mth5::Reader& file, const std::string& station) {
  std::set<std::string> others;
  if (station.empty()) return others;
  const auto streams = file.table("streams");
  const auto sources = file.table("sources");
  if (!streams || !sources) return others;
  std::set<std::int64_t> ours;
  for (std::size_t i = 0; i < streams->size(); ++i) {
    if (streams->text(i, "station") == station)
      ours.insert(streams->integer(i, "source"));
    else
      others.insert("clock/" + streams->text(i, "name"));
  }
  for (std::size_t i = 0; i < sources->size(); ++i)
    if (!ours.contains(sources->integer(i, "source"))) others.insert("state_of_health/" + sources->text(i, "name"));
  return others;
}

std::map<std::string, double> newest_soh(const mth5::Reader& file, const std::set<std::string>& leave_out) {
  std::map<std::string, double> values;
  for (const auto& name : file.tables()) {
    if (!name.starts_with(kFolder) || leave_out.contains(name)) continue;
    const std::int64_t rows = file.table_rows(name);
    if (rows == 0) continue;
    const auto table = file.table(name, rows - 1);
    if (!table || table->size() == 0) continue;
    for (const auto& column : table->columns()) {
      if (column.type != mth5::Column::Type::Float64) continue;
      std::string key = soh_key(column);
      if (values.count(key) > 0) key = name.substr(kFolder.size()) + "/" + key;  // two sources know a battery
      values[key] = table->number(table->size() - 1, column.name);
    }
  }
  return values;
}

}  // namespace analysis
