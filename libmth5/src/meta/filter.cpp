#include "mth5/filter.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "meta/json.hpp"
#include "meta/text.hpp"
#include "mth5/error.hpp"

namespace mth5 {
namespace {

/// Reads one filter of the list; false: it is none.
bool read_applied(meta::Json& json, AppliedFilter& out) {
  return json.object([&](const std::string& name) {
    if (name == "applied_filter") return read_applied(json, out);
    std::string value;
    if (name == "name") {
      if (!json.string(value)) return false;
      out.name = filter_name(value);
      return !out.name.empty();
    }
    if (name == "applied") {
      if (!json.scalar(value)) return false;
      const std::string word = meta::lower(value);
      out.applied = word == "true" || word == "1";
      return out.applied || word == "false" || word == "0";
    }
    if (name == "stage") {
      if (!json.scalar(value)) return false;
      if (value == "null") return true;
      std::int64_t stage = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), stage);
      if (error != std::errc{} || end != value.data() + value.size()) return false;
      out.stage = stage;
      return true;
    }
    if (name == "comments") {
      if (!json.scalar(value)) return false;
      if (value != "null") out.comments = value;
      return true;
    }
    return json.skip();
  });
}

class Checker {
 public:
  explicit Checker(const Filter& filter) : filter_{filter} {}

  void check() const {
    const Kind kind = filter_.kind();
    if (!is_filter(kind)) refuse("a " + std::string{to_string(kind)} + " is no filter; wanted is the metadata of one");
    if (const auto wrong = check_id(kind, filter_.name())) refuse("name: " + *wrong);
    if (!filter_.problem.empty()) refuse("is not good to be written: " + filter_.problem);
    only(filter_.poles.size(), Kind::Zpk, "poles");
    only(filter_.zeros.size(), Kind::Zpk, "zeros");
    only(filter_.responses.size(), Kind::Fap, "responses");
    only(filter_.coefficients.size(), Kind::Fir, "coefficients");
    if (kind == Kind::Fap && filter_.responses.empty()) refuse("responses: at least one is needed");
    if (kind == Kind::Fir && filter_.coefficients.empty()) refuse("coefficients: at least one is needed");
    for (const auto& pole : filter_.poles) finite("poles", {pole.real(), pole.imag()});
    for (const auto& zero : filter_.zeros) finite("zeros", {zero.real(), zero.imag()});
    finite("coefficients", filter_.coefficients);
    for (const auto& row : filter_.responses) {
      finite("responses", {row.frequency, row.amplitude, row.phase});
      if (row.frequency < 0) refuse("responses: " + std::to_string(row.frequency) + " Hz is below 0");
      // Python takes a table with larger phases for one in degrees and converts it.
      if (std::abs(row.phase) > kMaxPhase)
        refuse("responses: phase " + std::to_string(row.phase) + " at " + std::to_string(row.frequency) +
               " Hz is out of range (-6 pi to 6 pi radians, 1080 degrees); add or take whole turns");
    }
  }

 private:
  static constexpr double kMaxPhase = 18.84;

  [[noreturn]] void refuse(const std::string& problem) const {
    throw MetadataError{"filter " + meta::quoted(filter_.name()) + " (" + std::string{to_string(filter_.kind())} +
                        "): " + problem};
  }
  void only(std::size_t size, Kind kind, const char* table) const {
    if (size > 0 && filter_.kind() != kind)
      refuse(std::string{table} + ": only a filter of kind " + std::string{to_string(kind)} + " has them");
  }
  void finite(const char* table, const std::vector<double>& numbers) const {
    if (!std::ranges::all_of(numbers, [](double x) { return std::isfinite(x); }))
      refuse(std::string{table} + ": has a number that is not finite");
  }

  const Filter& filter_;
};

}  // namespace

std::optional<double> Filter::scalar_gain() const {
  if (kind() != Kind::Coefficient || !problem.empty()) return std::nullopt;
  return metadata.number("gain", 1.0);
}

void check_filter(const Filter& filter) { Checker{filter}.check(); }

std::string filter_name(std::string_view text) {
  std::string out;
  for (const char c : meta::lower(text)) out += c == '/' ? std::string{" per "} : std::string{c};
  return out;
}

std::optional<std::vector<AppliedFilter>> parse_applied_filters(std::string_view text) {
  meta::Json json{text};
  std::vector<AppliedFilter> filters;
  const bool ok = json.list([&] {
    auto& filter = filters.emplace_back();
    return read_applied(json, filter) && !filter.name.empty();
  });
  if (!ok || !json.at_end()) return std::nullopt;
  std::ranges::stable_sort(filters, {}, [](const AppliedFilter& f) { return f.stage.value_or(0); });
  return filters;
}

std::vector<AppliedFilter> applied_filters(const Metadata& channel) {
  return parse_applied_filters(channel.text("filters", "[]")).value_or(std::vector<AppliedFilter>{});
}

std::string to_text(std::span<const AppliedFilter> filters) {
  std::string out = "[";
  for (const auto& filter : filters) {
    if (out.size() > 1) out += ", ";
    out += R"({"applied_filter": {"applied": )" + std::string{filter.applied ? "true" : "false"};
    if (!filter.comments.empty()) out += R"(, "comments": )" + meta::json_text(filter.comments);
    out += R"(, "name": )" + meta::json_text(filter_name(filter.name));
    if (filter.stage) out += R"(, "stage": )" + std::to_string(*filter.stage);
    out += "}}";
  }
  return out + "]";
}

}  // namespace mth5
