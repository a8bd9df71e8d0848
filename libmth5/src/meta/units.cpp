#include "meta/units.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "meta/text.hpp"
#include "mth5/metadata.hpp"

namespace mth5::meta {
namespace {

struct Named {
  std::string_view name;
  std::string_view symbol;
};

// Order: the likelier first, for suggestions. No symbol is ambiguous between a prefixed and a plain unit.
constexpr Named kPrefixes[] = {{"", ""},      {"milli", "m"}, {"micro", "u"}, {"nano", "n"},  {"kilo", "k"},  {"mega", "M"},
                               {"pico", "p"}, {"femto", "f"}, {"hecto", "h"}, {"centi", "c"}, {"deci", "d"},  {"deca", "da"},
                               {"giga", "G"}, {"tera", "T"},  {"peta", "P"},  {"exa", "E"},   {"zetta", "Z"}, {"yotta", "Y"},
                               {"atto", "a"}, {"zepto", "z"}, {"yocto", "y"}};
// Capitals as Python writes them: where the symbol is one capital letter.
constexpr Named kUnits[] = {{"Volt", "V"},   {"Tesla", "T"}, {"meter", "m"},     {"second", "s"},  {"hertz", "Hz"},
                            {"Ampere", "A"}, {"Ohm", "Ω"},   {"Kelvin", "K"},    {"pascal", "Pa"}, {"radian", "rad"},
                            {"Watt", "W"},   {"Joule", "J"}, {"Newton", "N"},    {"Coulomb", "C"}, {"Siemens", "S"},
                            {"weber", "Wb"}, {"Henry", "H"}, {"kilogram", "kg"}, {"mole", "mol"},  {"candela", "cd"}};
constexpr Named kOthers[] = {{"celsius", "C"}, {"samples", "samples"}, {"unknown", "unknown"}};
constexpr std::string_view kCounts = "digital counts";
constexpr std::size_t kMaxBytes = 60;  // of the field in the summary table

/// Both signs for micro, and what people write for degrees Celsius, in the symbols used here.
std::string plain_symbol(std::string_view text) {
  if (text == "degC" || text == "\u00B0C") return "C";
  for (const std::string_view micro : {"\u00B5", "\u03BC"})
    if (text.starts_with(micro)) return "u" + std::string{text.substr(micro.size())};
  return std::string{text};
}

/// One part; names without regard to case, symbols with it (mV is not MV).
std::optional<std::string> unit_name(std::string_view part) {
  const std::string symbol = plain_symbol(part);
  const std::string name = lower(part);
  for (const auto& other : kOthers)
    if (symbol == other.symbol || name == lower(other.name)) return std::string{other.name};
  for (const auto& prefix : kPrefixes)
    for (const auto& unit : kUnits)
      if (symbol == std::string{prefix.symbol}.append(unit.symbol) || name == lower(std::string{prefix.name}.append(unit.name)))
        return std::string{prefix.name}.append(unit.name);
  return std::nullopt;
}

/// Of a name as unit_name() gives it, in ASCII.
std::string symbol_of(std::string_view name) {
  for (const auto& other : kOthers)
    if (name == other.name) return std::string{other.symbol};
  for (const auto& prefix : kPrefixes)
    for (const auto& unit : kUnits)
      if (name == std::string{prefix.name}.append(unit.name))
        return std::string{prefix.symbol}.append(unit.symbol == "\u03A9" ? "Ohm" : unit.symbol);
  return std::string{name};
}

std::string suggestion(std::string_view part) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(part.size() / 3, 1) + 1;
  const auto consider = [&](const std::string& name, const std::string& symbol) {
    for (const auto& candidate : {name, symbol})
      if (const auto distance = edit_distance(part, candidate); distance < best_distance && distance < candidate.size()) {
        best_distance = distance;
        best = std::string{"'"}.append(name).append("' (").append(symbol).append(")");
      }
  };
  consider(std::string{kCounts}, "counts");
  for (const auto& other : kOthers) consider(std::string{other.name}, std::string{other.symbol});
  for (const auto& prefix : kPrefixes)
    for (const auto& unit : kUnits)
      consider(std::string{prefix.name}.append(unit.name), std::string{prefix.symbol}.append(unit.symbol));
  return best.empty() ? "give its full name, as 'milliVolt per kilometer', or 'unknown'" : "did you mean " + best + "?";
}

}  // namespace

std::variant<UnitName, UnitProblem> normalised_unit(std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return UnitName{};
  // No unit of 60 bytes has a spelling longer than this; a text that is none need not be compared with all there are.
  if (text.size() > 2 * kMaxBytes) return UnitProblem{quoted(text) + " is longer than the 60 bytes MTH5 has for it"};
  const std::string whole = lower(text);
  for (const std::string_view counts : {"count", "counts", "digital count", "digital counts"})
    if (whole == counts) return UnitName{std::string{kCounts}};

  std::string spaced;
  for (const char c : text) spaced += c == '/' ? std::string{" per "} : std::string{c};
  std::string out;
  bool per = false;
  for (const auto part : split(spaced, ' ')) {
    if (part.empty()) continue;
    if (lower(part) == "per") {
      if (out.empty() || per) return UnitProblem{quoted(text) + " has nothing between two dividing signs or before one"};
      per = true;
      continue;
    }
    const auto name = unit_name(part);
    if (!name) return UnitProblem{quoted(part) + " is not a unit MTH5 knows; " + suggestion(part)};
    if (!out.empty()) out += per ? " per " : " ";
    out += *name;
    per = false;
  }
  if (per) return UnitProblem{quoted(text) + " has nothing behind the dividing sign"};
  if (out.size() > kMaxBytes) return UnitProblem{quoted(out) + " is longer than the 60 bytes MTH5 has for it"};
  return UnitName{out};
}

}  // namespace mth5::meta

namespace mth5 {

std::string unit_symbol(std::string_view units) {
  const auto known = meta::normalised_unit(units);
  const auto* name = std::get_if<meta::UnitName>(&known);
  if (name == nullptr) return std::string{units};
  if (name->text == meta::kCounts) return "counts";
  std::string out;
  bool per = false;
  for (const auto part : meta::split(name->text, ' ')) {
    if (part == "per") {
      per = true;
      continue;
    }
    if (!out.empty()) out += per ? "/" : " ";
    out += meta::symbol_of(part);
    per = false;
  }
  return out;
}

}  // namespace mth5
