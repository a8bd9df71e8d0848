#include "analysis/clock.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "analysis/json.hpp"
#include "analysis/nan.hpp"
#include "analysis/series.hpp"
#include "analysis/table_text.hpp"

namespace analysis {

namespace {

constexpr std::string_view kFolder = "clock/";

/// The largest of the runs that a stream has anchors of.
double axis_error(const mth5::Reader& file, const mth5::Table& anchors, const std::vector<mth5::RunClock>& clocks) {
  std::set<std::string> of_stream;
  for (std::size_t i = 0; i < anchors.size(); ++i) of_stream.insert(anchors.text(i, "run"));
  double largest = kNaN;
  for (std::size_t i = 0; i < clocks.size(); ++i)
    if (file.runs()[i].n_samples > 0 && of_stream.count(file.runs()[i].id) > 0)
      largest = std::fmax(largest, clocks[i].largest_axis_error());
  return largest;
}

}  // namespace

std::vector<ClockSummary> read_clocks(const mth5::Reader& file) {
  std::vector<ClockSummary> clocks;
  const auto of_runs = file.clocks();
  const auto streams = file.table("streams");
  for (const auto& name : file.tables()) {
    if (!name.starts_with(kFolder)) continue;
    const auto anchors = file.table(name);
    if (!anchors || anchors->size() == 0) continue;
    const std::size_t last = anchors->size() - 1;
    clocks.push_back({.stream = name.substr(kFolder.size()),
                      .source = anchors->text(last, "kind"),
                      .time = mth5::UtcNanos{mth5::Nanos{anchors->integer(last, "utc")}},
                      .ppm = anchors->number(last, "ppm"),
                      .residual_us = 1e6 * anchors->number(last, "residual"),
                      .uncertainty_us = 1e6 * anchors->number(last, "uncertainty"),
                      .axis_error_s = axis_error(file, *anchors, of_runs),
                      .locked = anchors->integer(last, "locked") != 0,
                      .runs_of = stream_of(anchors->text(last, "run"))});
  }
  for (std::size_t i = 0; streams && streams->has("sample_rate") && i < streams->size(); ++i)
    for (auto& clock : clocks) {
      if (clock.stream != streams->text(i, "name")) continue;
      clock.station = streams->text(i, "station");
      clock.sample_rate = streams->number(i, "sample_rate");
    }
  std::sort(clocks.begin(), clocks.end(), [](const auto& a, const auto& b) { return a.stream < b.stream; });
  return clocks;
}

std::pair<mth5::UtcNanos, mth5::UtcNanos> ends_of(const mth5::RunClock& clock, const mth5::RunInfo& run) {
  return {clock.utc_of(0), clock.utc_of(std::max<std::int64_t>(0, run.n_samples - 1))};
}

std::int64_t nearest_sample(mth5::UtcNanos time, const mth5::RunClock& clock, const mth5::RunInfo& run) {
  if (run.sample_rate <= 0) return 0;
  const auto next = mth5::indexes_within({time, {}}, clock, run.n_samples).first;
  const auto from = std::max<std::int64_t>(0, next - 1);  // the nearest of both is found from there, as is what lies outside
  constexpr double kFar = 4e18;
  return from + std::llround(std::clamp(mth5::samples_between(clock.utc_of(from), time, run.sample_rate), -kFar, kFar));
}

std::int64_t samples_until(mth5::UtcNanos now, const mth5::RunClock& clock, const mth5::RunInfo& run) {
  if (ends_of(clock, run).second <= now + kFuture) return run.n_samples;
  if (run.sample_rate <= 0 || clock.utc_of(0) > now + kFuture) return 0;
  const auto behind_now = now + mth5::Nanos{1};
  return mth5::indexes_within({{}, behind_now}, clock, run.n_samples).second;
}

json::Json to_json(const ClockSummary& clock) {
  return {{"stream", clock.stream},
          {"source", json::text(clock.source)},
          {"time", json::time(clock.time)},
          {"ppm", json::number(clock.ppm)},
          {"residual_us", json::number(clock.residual_us)},
          {"uncertainty_us", json::number(clock.uncertainty_us)},
          {"axis_error_s", json::number(clock.axis_error_s)},
          {"locked", clock.locked}};
}

std::string locked_text(const ClockSummary& clock) {
  if (clock.locked) return "locked";
  std::string why = clock.source == "host" ? "times of arrival" : "";
  if (std::isfinite(clock.uncertainty_us)) {
    char text[48];
    const bool small = clock.uncertainty_us < 1000;
    std::snprintf(text, sizeof text, small ? "+-%.3g us" : "+-%.3g ms",
                  small ? clock.uncertainty_us : clock.uncertainty_us / 1000);
    why += (why.empty() ? "" : ", ") + std::string{text};
  }
  return "NOT LOCKED" + (why.empty() ? "" : " (" + why + ")");
}

std::string to_text(const ClockSummary& clock) {
  std::string text = shown(clock.source.empty() ? "none" : clock.source) + ", " + locked_text(clock);
  char number[48];
  if (std::isfinite(clock.ppm)) {
    std::snprintf(number, sizeof number, ", %+.3g ppm", clock.ppm == 0 ? 0.0 : clock.ppm);
    text += number;
  }
  if (std::isfinite(clock.residual_us)) {
    std::snprintf(number, sizeof number, ", residual %.3g us", std::abs(clock.residual_us));
    text += number;
  }
  if (std::isfinite(clock.axis_error_s)) {
    std::snprintf(number, sizeof number, ", axis off by up to %.3g s", clock.axis_error_s);
    text += number;
  }
  return text;
}

}  // namespace analysis
