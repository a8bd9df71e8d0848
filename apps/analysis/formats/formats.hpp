#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/summary.hpp"

/// The report for programs, the same figures in all of them. Thread: pure functions of values.
namespace analysis {

/// RFC 4180: a header and a line for each channel, ends of lines CR LF. Columns of quality are empty below Depth::Quality, and so
/// is what is not known.
[[nodiscard]] std::string to_csv(const Summary& summary, bool header);

/// What a monitoring plugin (Nagios, Icinga) prints and returns: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
struct Plugin {
  int code = 3;
  std::string text;
};
/// A line with the worst of the verdict and figures with their limits, then a line for each finding; at most 4 KiB. A file that
/// cannot be read is UNKNOWN, which is worse than OK and hides nothing else.
/// @param summary  of Depth::Quality, with its subjects and verdict
[[nodiscard]] Plugin to_nagios(const Summary& summary);
/// Nothing can be said, and why.
[[nodiscard]] Plugin nagios_unknown(std::string_view why);

/// Prometheus' text format 0.0.4, as its textfile collector wants it: no times, each label set once. What is said of files and
/// not of a station has station="".
/// @param summary  of Depth::Quality, with its verdict    @param version  of the program
[[nodiscard]] std::string to_prometheus(const Summary& summary, std::string_view version);

/// A page that stands alone, for people: verdict, then each station with its channels, plots, gaps, health, clocks and ledger,
/// the one that wants a visit first on top; several stations have an index. With more than eight it is held to 1 MB: the plots
/// are of those that want a visit first.
/// @param summary  of Depth::Plots, with its verdict
/// @param most_bytes  it is held to so many, as far as it can be without leaving out what is wrong: without spectrograms
[[nodiscard]] std::string to_html(const Summary& summary, std::optional<std::size_t> most_bytes = {});

inline constexpr std::size_t kMostOfMail = 100'000;  ///< bytes of a page that mail programs show whole

struct Page {
  std::string file;  ///< its name; of [A-Za-z0-9_-] and ".html"
  std::string html;
};
/// A page for each station, and last the one that leads to them, NAME.html; a single station has that one only, as to_html().
/// @param summary  as of to_html()
[[nodiscard]] std::vector<Page> to_html_pages(const Summary& summary, const std::string& name);

}  // namespace analysis
