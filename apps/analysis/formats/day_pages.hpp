#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/summary.hpp"

/// A directory of pages, one a day, and its index. What the index says of a day stands in the page of that day and nowhere else:
/// who deletes a page deletes its line. Thread: pure functions of values.
namespace analysis {

struct DayPage {
  std::string date;   ///< 2026-05-01; the page is 2026-05-01.html
  std::string state;  ///< good, warning, critical
  std::string what;   ///< HTML: which stations want a visit
};

/// What a page says of itself in its head, for day_page().
[[nodiscard]] std::string day_tag(const Summary& summary);
/// @param head  the beginning of a page, of kHead bytes    @returns nullopt: it is none of ours
[[nodiscard]] std::optional<DayPage> day_page(std::string date, std::string_view head);
inline constexpr std::size_t kHead = 4096;

/// The index, the newest day on top.
[[nodiscard]] std::string to_index(std::vector<DayPage> days);

}  // namespace analysis
