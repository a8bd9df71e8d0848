#include "analysis/formats/day_pages.hpp"

#include <algorithm>
#include <array>

#include "analysis/html/style.hpp"
#include "analysis/html/table.hpp"
#include "analysis/html/text.hpp"

namespace analysis {

namespace {

using html::element;
using html::escaped;

constexpr std::size_t kMostDays = 2000;  ///< of an index
constexpr std::size_t kMostText = 600;   ///< bytes of what is said of a day
constexpr std::string_view kBegin = "<meta name=\"mth5-day\" content=\"";

}  // namespace

std::string day_tag(const Summary& summary) {
  const auto needs = by_need(summary);
  const Verdict nothing;
  const auto& verdict = summary.verdict ? *summary.verdict : nothing;
  const auto stations = std::to_string(needs.size()) + (needs.size() == 1 ? " station" : " stations");
  std::string what;
  std::size_t wrong = 0;
  bool whole = true;
  for (const auto& need : needs) {
    if (need.worst == nullptr) continue;
    ++wrong;
    const auto name = escaped(need.station->station.id);
    whole = whole && what.size() + name.size() < kMostText;
    if (whole) what += (what.empty() ? "" : ", ") + name;
  }
  if (wrong > 0)
    what = std::to_string(wrong) + " of " + stations + (what.empty() ? "" : ": " + what) + (whole ? "" : ", and more");
  else
    what = verdict.empty() ? stations : stations + "; files are not well";
  const auto state = verdict.empty() ? "good" : to_string(verdict.front().severity);
  return std::string{kBegin} + std::string{state} + "; " + what + "\">\n";
}

std::optional<DayPage> day_page(std::string date, std::string_view head) {
  const auto begin = head.find(kBegin);
  if (begin == std::string_view::npos) return std::nullopt;
  head.remove_prefix(begin + kBegin.size());
  const auto end = head.find('"');
  const auto state_end = head.find("; ");
  if (end == std::string_view::npos || state_end >= end) return std::nullopt;
  DayPage page{std::move(date), std::string{head.substr(0, state_end)},
               std::string{head.substr(state_end + 2, end - state_end - 2)}};
  if (std::find(kStates.begin(), kStates.end(), page.state) == kStates.end()) return std::nullopt;
  if (page.what.find_first_of("<>'") != std::string::npos) return std::nullopt;
  return page;
}

std::string to_index(std::vector<DayPage> days) {
  std::sort(days.begin(), days.end(), [](const DayPage& a, const DayPage& b) { return a.date > b.date; });
  const auto all = days.size();
  if (days.size() > kMostDays) days.resize(kMostDays);
  constexpr std::array kHeadings{html::Heading{"day"}, html::Heading{"state"},
                                 html::Heading{"stations that want a visit", false, true}};
  html::Table table{"days", "Days (UTC), the newest on top", kHeadings};
  for (const auto& day : days)
    table.add({element("a", "href=\"" + day.date + ".html\"", day.date), element("b", "class=\"" + day.state + "\"", day.state),
               day.what});
  std::string out = html::page_head("Reports") + "<body>\n<header>\n<h1>Reports</h1>\n</header>\n<main>\n" + table.html();
  if (all > days.size())
    out += element("p", "class=\"quiet\"", std::to_string(all - days.size()) + " older days are in this directory too.") + "\n";
  return out + "</main>\n</body>\n</html>\n";
}

}  // namespace analysis
