#include "acquisition/recorder/run_numbers.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace daq::recorder {

namespace {

constexpr int kMost = 999'999'999;

/// All of `text`. nullopt: it is no number of this kind
template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

/// The {index} of a name. nullopt: it is not of this pattern, or the pattern has none; those with a time in them need none.
std::optional<int> index_of(const std::string& pattern, const config::PatternValues& values, std::string_view name) {
  const auto begin = pattern.find("{index");
  const auto end = pattern.find('}', begin);
  if (begin == std::string::npos || end == std::string::npos || pattern.find("{start") != std::string::npos) return {};
  const auto front = config::expand(pattern.substr(0, begin), values).text;
  const auto back = config::expand(pattern.substr(end + 1), values).text;
  if (name.size() <= front.size() + back.size() || !name.starts_with(front) || !name.ends_with(back)) return {};
  name.remove_prefix(front.size());
  name.remove_suffix(back.size());
  return name.find_first_not_of("0123456789") == std::string_view::npos ? number<int>(name) : std::nullopt;
}

}  // namespace

int RunNumbers::last(const stream::Stream& stream) const {
  const auto found = last_.find({stream.station_id(), stream.run_id, stream.sample_rate});
  return found == last_.end() ? 0 : found->second;
}

void RunNumbers::raise(const stream::Stream& stream, int number) {
  auto& last = last_[{stream.station_id(), stream.run_id, stream.sample_rate}];
  last = std::max(last, number);
}

void RunNumbers::raise_behind(const stream::Stream& stream, const std::string& survey, const Resume& found) {
  const config::PatternValues values{.survey = survey, .station = stream.station_id(), .sample_rate = stream.sample_rate};
  for (const auto* some : {&found.earlier, &found.runs})
    for (const auto& run : *some)
      if (run.station == values.station && run.sample_rate == values.sample_rate)
        if (const auto index = index_of(stream.run_id, values, run.id); index && *index <= kMost) raise(stream, *index);
}

std::string RunNumbers::text(const std::string& station) const {
  std::string text;
  for (const auto& [series, last] : last_)
    if (std::get<0>(series) == station) text += fmt::format("{} {} {}\n", last, std::get<2>(series), std::get<1>(series));
  return text;
}

void RunNumbers::read(const std::string& station, std::string_view text) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto first = line.find(' '), second = line.find(' ', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const auto last = number<int>(line.substr(0, first));
    const auto rate = number<double>(line.substr(first + 1, second - first - 1));
    if (!last || *last < 1 || *last > kMost || !rate) continue;
    auto& known = last_[{station, std::string{line.substr(second + 1)}, *rate}];
    known = std::max(known, *last);
  }
}

}  // namespace daq::recorder
