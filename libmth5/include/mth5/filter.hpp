#pragma once

#include <complex>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mth5/metadata.hpp"

/// Filters of a survey and the list of those a channel has gone through. Source: mth5-format, section 7.3. Thread: values.
namespace mth5 {

/// One line of a frequency response table.
struct Response {
  double frequency;  ///< Hz
  double amplitude;  ///< units_out per units_in
  double phase;      ///< radians
  friend bool operator==(const Response&, const Response&) = default;
};

/// One filter of a survey: from the physical side (`units_in`) towards the digitiser (`units_out`).
/// `metadata` is of one of the kinds Coefficient, Zpk, Fap, Fir, TimeDelay, which tells which of the tables below it has.
struct Filter {
  std::string survey = {};  ///< id; empty in a filter that is in no file yet
  Metadata metadata{Kind::Coefficient};
  std::vector<std::complex<double>> poles = {}, zeros = {};  ///< Zpk
  std::vector<Response> responses = {};                      ///< Fap
  std::vector<double> coefficients = {};                     ///< Fir
  std::string problem = {};  ///< why it must not be used, of one read from a file ("zpk.gain: 'x' is not a number"); empty: good

  [[nodiscard]] Kind kind() const { return metadata.kind(); }
  /// As channels name it.
  [[nodiscard]] std::string name() const { return metadata.text("name"); }
  [[nodiscard]] std::string units_in() const { return metadata.text("units_in", "unknown"); }
  [[nodiscard]] std::string units_out() const { return metadata.text("units_out", "unknown"); }
  /// Factor from units_in to units_out where it is the same at all frequencies: of a Coefficient without a problem.
  [[nodiscard]] std::optional<double> scalar_gain() const;

  friend bool operator==(const Filter&, const Filter&) = default;
};

/// Whether a file may hold it. @throws MetadataError (kind is none of a filter; name missing; tables missing, of another kind, or
/// not finite): filter, table, value, what is allowed
void check_filter(const Filter& filter);

/// What a channel says of a filter.
struct AppliedFilter {
  std::string name = {};                   ///< of the Filter, in lower case
  bool applied = true;                     ///< false: the samples still contain this stage, as raw counts do
  std::optional<std::int64_t> stage = {};  ///< 1 is nearest to the earth; filters are listed in this order
  std::string comments = {};
  friend bool operator==(const AppliedFilter&, const AppliedFilter&) = default;
};

/// How a filter's name is written everywhere: lower case, " per " for '/'.
[[nodiscard]] std::string filter_name(std::string_view text);

/// From the text of the attribute `filters` (JSON, with or without "applied_filter"), ordered by stage as Python does; nullopt if
/// it is no such list.
[[nodiscard]] std::optional<std::vector<AppliedFilter>> parse_applied_filters(std::string_view text);
/// Of a channel's metadata; none if it has none.
[[nodiscard]] std::vector<AppliedFilter> applied_filters(const Metadata& channel);
/// The text for the attribute `filters`, as Python writes it.
[[nodiscard]] std::string to_text(std::span<const AppliedFilter> filters);

}  // namespace mth5
