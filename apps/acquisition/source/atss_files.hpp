#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mth5/time.hpp"

/// What a box says of its .atss files: listings, names, headers. Pure. Thread: any.
namespace daq::source {

/// What stands in a directory.
struct Listed {
  std::string name;                     ///< letters, digits, '.', '_', '-' only: others are left out
  std::optional<std::uint64_t> size{};  ///< bytes, where it is said

  friend bool operator==(const Listed&, const Listed&) = default;
};
/// Of a PROPFIND's answer (multistatus in XML), or of an index page (HTML): what lies directly in the directory. Each name once,
/// at most kMostListed, in the order of the text.
/// @param path  of the directory, as it was asked for
[[nodiscard]] std::vector<Listed> listed(std::string_view text, std::string_view path);
inline constexpr std::size_t kMostListed = 20'000;

/// The number of "run_007", of up to 9 digits; nullopt: it is the name of no run.
[[nodiscard]] std::optional<std::uint32_t> run_number(std::string_view name);

/// "084_ADU-08e_C02_THx_1024Hz.atss".
struct AtssName {
  std::string stem;  ///< without .atss
  std::string type;  ///< Hx
  double rate_hz = 0;
};
[[nodiscard]] std::optional<AtssName> parse_atss_name(std::string_view name);

/// What the header of a channel says.
struct AtssHeader {
  mth5::UtcNanos start{};
  double latitude = 0, longitude = 0, elevation = 0, contact_resistance = 0;  ///< NaN = it does not say
  std::string units, sensor;  ///< as it says them, 40 printable characters at most; "" = it does not
};
/// nullopt: it is no JSON, or says no time. @param text  of 1 MiB at most
[[nodiscard]] std::optional<AtssHeader> parse_atss_header(std::string_view text);

}  // namespace daq::source
