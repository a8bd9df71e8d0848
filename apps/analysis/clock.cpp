#include "analysis/clock.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "analysis/json.hpp"
#include "analysis/table_text.hpp"

namespace analysis {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::string_view kFolder = "clock/";

/// The runs an anchor may belong to, by id: those of the stream's station and rate where these are known.
std::multimap<std::string, const mth5::RunInfo*> runs_of(const mth5::Reader& file, const std::string& stream) {
  std::string station;
  double rate = 0;
  bool known = false;
  if (const auto table = file.table("streams"))
    for (std::size_t i = 0; i < table->size(); ++i)
      if (table->text(i, "name") == stream) {
        station = table->text(i, "station");
        rate = table->number(i, "sample_rate");
        known = true;
      }
  std::multimap<std::string, const mth5::RunInfo*> runs;
  for (const auto& run : file.runs())
    if (run.sample_rate > 0 && run.n_samples > 0)
      if (!known || (run.station == station && (rate <= 0 || std::abs(run.sample_rate - rate) <= 1e-9 * rate)))
        runs.emplace(run.id, &run);
  return runs;
}

/// Largest distance between the plain axis of its run and an anchor.
double axis_error(const mth5::Table& anchors, const std::multimap<std::string, const mth5::RunInfo*>& runs) {
  double largest = kNaN;
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    if (anchors.text(i, "kind") == "none") continue;
    const auto run = runs.find(anchors.text(i, "run"));
    const auto sample = anchors.integer(i, "sample");
    if (run == runs.end() || sample < 0 || sample >= run->second->n_samples) continue;
    const mth5::UtcNanos utc{mth5::Nanos{anchors.integer(i, "utc")}};
    const double off = mth5::samples_between(mth5::sample_time(run->second->start, run->second->sample_rate, sample), utc, 1.0);
    largest = std::fmax(largest, std::abs(off));
  }
  return largest;
}

}  // namespace

std::vector<ClockSummary> read_clocks(const mth5::Reader& file) {
  std::vector<ClockSummary> clocks;
  for (const auto& name : file.tables()) {
    if (!name.starts_with(kFolder)) continue;
    const auto anchors = file.table(name);
    if (!anchors || anchors->size() == 0) continue;
    const std::size_t last = anchors->size() - 1;
    const std::string stream = name.substr(kFolder.size());
    clocks.push_back({.stream = stream,
                      .source = anchors->text(last, "kind"),
                      .time = mth5::UtcNanos{mth5::Nanos{anchors->integer(last, "utc")}},
                      .ppm = anchors->number(last, "ppm"),
                      .residual_us = 1e6 * anchors->number(last, "residual"),
                      .uncertainty_us = 1e6 * anchors->number(last, "uncertainty"),
                      .axis_error_s = axis_error(*anchors, runs_of(file, stream)),
                      .locked = anchors->integer(last, "locked") != 0});
  }
  std::sort(clocks.begin(), clocks.end(), [](const auto& a, const auto& b) { return a.stream < b.stream; });
  return clocks;
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

std::string to_text(const ClockSummary& clock) {
  std::string text = shown(clock.source.empty() ? "none" : clock.source) + (clock.locked ? ", locked" : ", NOT LOCKED");
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
