#include "acquisition/config/filters.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <numbers>

#include <nlohmann/json.hpp>

#include "acquisition/config/tables.hpp"
#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"
#include "mth5/printable.hpp"

namespace daq::config {

namespace {

constexpr std::size_t kMaxTableBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxTableRows = 10'000;

std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view kBetween = " \t,;\r";
  std::vector<std::string_view> words;
  for (std::size_t at = 0; (at = line.find_first_not_of(kBetween, at)) != std::string_view::npos;) {
    words.push_back(line.substr(at, line.find_first_of(kBetween, at) - at));
    at += words.back().size();
  }
  return words;
}

std::optional<double> number_of(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  return parse_number(word);
}

/// The numbers of a line; empty if it holds anything else.
std::vector<double> numbers_of(std::string_view line) {
  std::vector<double> numbers;
  for (const auto word : words_of(line)) {
    const auto number = number_of(word);
    if (!number) return {};
    numbers.push_back(*number);
  }
  return numbers;
}

/// "nan", "-Inf", "-", "?": stands where a number is missing. A word that says something is one of a header.
bool stands_for_none(std::string_view word) {
  std::string letters;
  for (const char c : word)
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) letters += static_cast<char>(c | 0x20);
  return letters.empty() || letters == "nan" || letters == "inf";
}

/// A row with one that is none: no header.
bool is_broken_row(std::string_view line) {
  const auto words = words_of(line);
  const auto is_number = [](std::string_view word) { return number_of(word).has_value(); };
  return words.size() == 3 && std::ranges::count_if(words, is_number) == 2 &&
         std::ranges::all_of(words, [&](std::string_view word) { return is_number(word) || stands_for_none(word); });
}

/// Numbers between which no comma stands, but in them.
bool has_decimal_commas(std::string_view line) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (line.find_first_not_of("0123456789+-,;eE \t\r") != std::string_view::npos) return false;
  if (line.find_first_of("; \t") == std::string_view::npos) return false;
  for (std::size_t i = 1; i + 1 < line.size(); ++i)
    if (line[i] == ',' && is_digit(line[i - 1]) && is_digit(line[i + 1])) return true;
  return false;
}

std::string check_rows(std::vector<mth5::Response>& rows) {
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.frequency < b.frequency; });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!std::isfinite(rows[i].amplitude))
      return "an amplitude that no number can hold, at " + format_number(rows[i].frequency) + " Hz";
    if (!(rows[i].amplitude > 0))
      return "an amplitude of " + format_number(rows[i].amplitude) + " at " + format_number(rows[i].frequency) +
             " Hz; above 0 is meant, and of decibels 10^(dB/20)";
    if (!(rows[i].frequency > 0)) return "a frequency of " + format_number(rows[i].frequency) + " Hz; above 0 is meant";
    if (i > 0 && rows[i].frequency == rows[i - 1].frequency)
      return "the frequency " + format_number(rows[i].frequency) + " Hz stands twice";
  }
  return rows.empty() ? "holds no line of three numbers: frequency, amplitude, phase" : "";
}

/// What begins so is no table of lines.
bool is_json(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != text.npos && text[first] == '{';
}

/// {"sensor_calibration": {"f": [Hz, ...], "a": [mV/nT, ...], "p": [degrees, ...]}}, or that map alone, as files of single
/// sensors have it.
ResponseTable read_calibration(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return {{}, "begins as JSON, and is none"};
  const auto inside = json.find("sensor_calibration");
  const auto& calibration = inside == json.end() ? json : *inside;
  if (!calibration.is_object()) return {{}, "has a sensor_calibration that is no map"};
  for (const auto& [key, wanted] :
       {std::pair{"units_frequency", "Hz"}, std::pair{"units_amplitude", "mV/nT"}, std::pair{"units_phase", "degrees"}}) {
    const auto units = calibration.find(key);
    if (units != calibration.end() && *units != wanted)
      return {{},
              std::string{key} + " is " +
                  in_quotes(mth5::printable(units->is_string() ? units->get<std::string>().substr(0, 40)
                                                               : units->dump().substr(0, 40))) +
                  "; " + wanted + " is meant"};
  }
  std::array<const nlohmann::json*, 3> lists{};
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const std::string name(1, "fap"[i]);
    const auto list = calibration.find(name);
    if (list == calibration.end() || !list->is_array()) return {{}, "has no list '" + name + "' in sensor_calibration"};
    lists[i] = &*list;
    for (const auto& value : *list)
      if (!value.is_number()) return {{}, "has something in '" + name + "' that is no number"};
  }
  const auto n = lists[0]->size();
  if (n == 0) return {{}, "has no calibration: its list f is empty"};
  if (lists[1]->size() != n || lists[2]->size() != n) return {{}, "has lists f, a and p of different lengths"};
  if (n > kMaxTableRows) return {{}, "has more than " + std::to_string(kMaxTableRows) + " rows"};
  ResponseTable table;
  for (std::size_t i = 0; i < n; ++i)
    table.rows.push_back({(*lists[0])[i].get<double>(), (*lists[1])[i].get<double>(), (*lists[2])[i].get<double>()});
  table.problem = check_rows(table.rows);
  return table;
}

class FilterReader {
 public:
  FilterReader(const Node& node, std::string path, Report& report)
      : node_{node}, report_{report}, map_{node, std::move(path), report, false} {}

  FilterProfile read() {
    const auto before = report_.count();
    filter_keys().read(map_, keys_);
    const auto kind = mth5::kind_from(keys_.kind).value_or(mth5::Kind::Coefficient);
    FilterProfile profile{mth5::Filter{.metadata = mth5::Metadata{kind}}, keys_.gain == "dipole_length"};
    auto& filter = profile.filter;
    set(filter, "name", keys_.name);
    set(filter, "units_in", keys_.units_in);
    set(filter, "units_out", keys_.units_out);
    if (!keys_.comments.empty()) set(filter, "comments", keys_.comments);
    const double gain = profile.of_dipole ? 1 : parse_number(keys_.gain).value_or(1);
    if (profile.of_dipole && kind != mth5::Kind::Coefficient) refuse("gain", "dipole_length is for a coefficient");
    read_table(filter, gain);
    read_poles(filter);
    const auto given = [&](const char* key) {
      const Node* list = node_.find(key);
      return list != nullptr && !(list->kind == Node::Kind::Sequence && list->items.empty());
    };
    if (kind == mth5::Kind::Zpk && !given("poles") && !given("zeros"))
      refuse("kind", "zpk needs poles or zeros; a gain alone is kind: coefficient");
    if (kind == mth5::Kind::Coefficient) set(filter, "gain", gain);
    if (kind == mth5::Kind::Zpk) {
      set(filter, "gain", gain);
      set(filter, "normalization_factor", keys_.normalization_factor);
    }
    map_.finish();
    if (report_.count() == before) check_for_file(filter);
    return profile;
  }

 private:
  void refuse(std::string_view key, std::string why) {
    const Node* node = node_.find(key);
    map_.problem(node == nullptr ? node_ : *node, key, std::move(why));
  }

  /// What the file would refuse ends no recording later.
  void check_for_file(const mth5::Filter& filter) {
    try {
      mth5::check_filter(filter);
    } catch (const mth5::MetadataError& e) {
      refuse(filter.kind() != mth5::Kind::Fap ? "kind" : keys_.file.empty() ? "table" : "file", e.what());
    }
  }

  void set(mth5::Filter& filter, const std::string& name, const mth5::Value& value) {
    if (const auto* text = std::get_if<std::string>(&value); text != nullptr && text->empty()) return;  // reported as missing
    try {
      filter.metadata.set(name, value);
    } catch (const mth5::MetadataError& e) {
      refuse(name, e.what());
    }
  }

  void read_table(mth5::Filter& filter, double gain) {
    const bool fap = filter.kind() == mth5::Kind::Fap;
    const Node* table = map_.take("table", Node::Kind::Sequence);
    if (!fap) {
      for (const char* key : {"table", "file", "phase"})
        if (node_.find(key) != nullptr) refuse(key, "is for kind: fap");
      return;
    }
    if ((table != nullptr) == !keys_.file.empty()) {
      refuse("file", "a fap needs a file or a table: [[frequency, amplitude, phase], ...], one of them");
      return;
    }
    ResponseTable read;
    if (table != nullptr) {
      for (const auto& item : table->items) {
        const auto row = list_of_numbers(item);
        if (row.size() != 3) {
          map_.problem(item, "table", "must be [frequency in Hz, amplitude, phase]");
          return;
        }
        read.rows.push_back({row[0], row[1], row[2]});
      }
      read.problem = check_rows(read.rows);
    } else {
      read = read_file();
    }
    if (!read.problem.empty()) {
      refuse(table != nullptr ? "table" : "file", read.problem);
      return;
    }
    for (auto& row : read.rows) {
      row.amplitude *= gain;
      if (keys_.phase == "degrees") row.phase *= std::numbers::pi / 180;
      if (std::isfinite(row.amplitude)) continue;
      refuse("gain", "makes an amplitude at " + format_number(row.frequency) + " Hz that no number can hold");
      return;
    }
    filter.responses = std::move(read.rows);
  }

  [[nodiscard]] ResponseTable read_file() const {
    std::filesystem::path path{keys_.file};
    if (path.is_relative()) path = std::filesystem::path{node_.find("file")->place.origin->name}.parent_path() / path;
    try {
      const auto text = mth5::read_regular(path, kMaxTableBytes + 1);
      auto table = text.size() > kMaxTableBytes ? ResponseTable{{}, "has more than 1 MiB"} : parse_response_table(text);
      if (table.problem.empty() && keys_.phase != "degrees" && is_json(text))
        table.problem = "has its phases in degrees; leave out phase: " + keys_.phase;
      if (table.problem.empty() && is_json(text) && (keys_.units_in != "nanoTesla" || keys_.units_out != "milliVolt"))
        table.problem = "is in mV/nT; give units_in: nanoTesla and units_out: milliVolt";
      if (!table.problem.empty()) table.problem = path.string() + ": " + table.problem;
      return table;
    } catch (const mth5::FileError& e) {
      return {{}, e.what()};
    }
  }

  static std::vector<double> list_of_numbers(const Node& node) {
    std::vector<double> numbers;
    for (const auto& item : node.items) {
      const auto number = item.kind == Node::Kind::Scalar ? parse_number(item.text) : std::nullopt;
      if (!number) return {};
      numbers.push_back(*number);
    }
    return numbers;
  }

  void read_poles(mth5::Filter& filter) {
    for (const char* key : {"poles", "zeros"}) {
      const Node* list = map_.take(key, Node::Kind::Sequence);
      if (list == nullptr) continue;
      if (filter.kind() != mth5::Kind::Zpk) {
        refuse(key, "is for kind: zpk");
        continue;
      }
      auto& into = key[0] == 'p' ? filter.poles : filter.zeros;
      for (const auto& item : list->items) {
        const auto real = item.kind == Node::Kind::Scalar ? parse_number(item.text) : std::nullopt;
        const auto both = list_of_numbers(item);
        if (real)
          into.emplace_back(real.value_or(0), 0);  // GCC 12 at -O2 takes *real for not set
        else if (both.size() == 2)
          into.emplace_back(both[0], both[1]);
        else
          map_.problem(item, key, "must be a number, or [real, imaginary], in radians per second");
      }
      for (const auto& one : into) {
        const auto same = [&](const auto& other) { return std::ranges::count(into, other); };
        if (one.imag() == 0 || same(one) == same(std::conj(one))) continue;
        refuse(key, "has [" + format_number(one.real()) + ", " + format_number(one.imag()) + "] without [" +
                        format_number(one.real()) + ", " + format_number(-one.imag()) + "]; what is not real stands in pairs");
        break;
      }
    }
  }

  const Node& node_;
  Report& report_;
  MapReader map_;
  FilterKeys keys_;
};

}  // namespace

ResponseTable parse_response_table(std::string_view text) {
  constexpr std::string_view kStaticGain = "staticgain";
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (is_json(text)) return read_calibration(text);
  ResponseTable table;
  double gain = 1;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || line[first] == '#') continue;
    const auto numbers = numbers_of(line);
    if (numbers.size() == 3) {
      if (table.rows.size() == kMaxTableRows) return {{}, "has more than " + std::to_string(kMaxTableRows) + " rows"};
      table.rows.push_back({numbers[0], numbers[1], numbers[2]});
      continue;
    }
    if (has_decimal_commas(line))
      return {{},
              "line " + std::to_string(number) + ": '" + std::string{line.substr(first, 40)} +
                  "' has decimal commas; save the table with points: 0.5"};
    if (!table.rows.empty() || is_broken_row(line)) {
      const auto shown = line.substr(first, 40);
      return {
          {},
          "line " + std::to_string(number) + ": '" + std::string{shown} + "' are not three numbers: frequency, amplitude, phase"};
    }
    std::string word;
    for (const char c : line.substr(first, kStaticGain.size())) word += static_cast<char>(c | 0x20);
    if (word != kStaticGain) continue;
    auto rest = line.substr(first + kStaticGain.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t:="), rest.size()));
    const auto given = numbers_of(rest);
    if (given.size() != 1 || given[0] == 0)
      return {{},
              "line " + std::to_string(number) + ": '" + std::string{line.substr(first, 40)} +
                  "' is not StaticGain and a number other than 0"};
    gain = given[0];
  }
  for (auto& row : table.rows) row.amplitude *= gain;
  table.problem = check_rows(table.rows);
  return table;
}

std::vector<FilterProfile> read_filters(MapReader& channel, Report& report) {
  std::vector<FilterProfile> filters;
  const Node* list = channel.take("filters", Node::Kind::Sequence);
  if (list == nullptr) return filters;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const auto path = channel.path("filters") + "[" + std::to_string(i) + "]";
    if (list->items[i].kind != Node::Kind::Map) {
      report.problem(list->items[i].place, path, "must be a map such as {name: coil, kind: fap, file: coil.rsp, ...}");
      continue;
    }
    filters.push_back(FilterReader{list->items[i], path, report}.read());
  }
  return filters;
}

std::string apply_filters(ChannelProfile& channel) {
  const double length = channel.metadata.number("dipole_length", 0);
  for (auto& one : channel.filters) {
    if (!one.of_dipole || !(length > 0)) continue;
    one.filter.metadata.set("gain", length);
    one.filter.metadata.set("name", one.filter.name() + "_" + format_number(length));
    one.of_dipole = false;
  }
  const auto gone = std::remove_if(channel.filters.begin(), channel.filters.end(), [](const auto& one) { return one.of_dipole; });
  channel.filters.erase(gone, channel.filters.end());
  if (channel.filters.empty()) return "";
  std::vector<mth5::AppliedFilter> applied;
  for (std::size_t i = 0; i < channel.filters.size(); ++i) {
    const auto& filter = channel.filters[i].filter;
    const bool last = i + 1 == channel.filters.size();
    const auto next = last ? channel.metadata.text("units") : channel.filters[i + 1].filter.units_in();
    if (filter.units_out() != next)
      return "filter '" + filter.name() + "' ends in " + in_quotes(filter.units_out()) + ", but " +
             (last ? "the channel's units are " : "the next one begins with ") + in_quotes(next);
    // True: the instrument has applied it. That is how aurora and mth5's own clients take it; what is false they do not remove.
    applied.push_back({.name = filter.name(), .applied = true, .stage = static_cast<std::int64_t>(i) + 1});
  }
  channel.metadata.set("filters", mth5::to_text(applied));
  return "";
}

std::string clashing_filter(const std::vector<ChannelProfile>& channels) {
  std::map<std::string, const mth5::Filter*> known;
  for (const auto& channel : channels)
    for (const auto& one : channel.filters) {
      const auto [there, fresh] = known.emplace(one.filter.name(), &one.filter);
      if (!fresh && !(*there->second == one.filter)) return one.filter.name();
    }
  return "";
}

}  // namespace daq::config
