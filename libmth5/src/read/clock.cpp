#include "mth5/clock.hpp"

#include <algorithm>

#include "read/reader_impl.hpp"

/// Which anchors are whose. Page: doc/acquisition.md, "clock".
namespace mth5 {

namespace {

constexpr std::string_view kFolder = "clock/";

ClockAnchor anchor_of(const Table& table, std::size_t row) {
  return {.sample = table.integer(row, "sample"),
          .utc = UtcNanos{Nanos{table.integer(row, "utc")}},
          .kind = table.text(row, "kind"),
          .residual_s = table.number(row, "residual"),
          .ppm = table.number(row, "ppm"),
          .uncertainty_s = table.number(row, "uncertainty"),
          .locked = table.integer(row, "locked") != 0};
}

}  // namespace

std::vector<Reader::Impl::StreamClock> Reader::Impl::read_clocks() {
  std::vector<StreamClock> all;
  if (!has_table("streams")) return all;
  try {
    const Table streams = table("streams", 0);
    for (std::size_t i = 0; i < streams.size(); ++i) {
      const std::string name = std::string{kFolder} + streams.text(i, "name");
      if (!has_table(name)) continue;
      ClockTable& clock = clocks[name];
      try {
        const Table fresh = table(name, clock.rows);
        for (std::size_t k = 0; k < fresh.size(); ++k) clock.of_run[fresh.text(k, "run")].push_back(anchor_of(fresh, k));
        clock.rows += static_cast<std::int64_t>(fresh.size());
        all.push_back({streams.text(i, "station"), streams.number(i, "sample_rate"), &clock});
      } catch (const FormatError&) {
        clock.problem = path.string() + ": /Acquisition/" + name + ": is no table of anchors";
      }
    }
  } catch (const FormatError&) {
    clocks["streams"].problem = path.string() + ": /Acquisition/streams: is no table of streams";
  }
  return all;
}

RunClock Reader::Impl::clock(const RunInfo& run, const std::vector<StreamClock>& streams) const {
  std::vector<ClockAnchor> anchors;
  for (const auto& stream : streams) {
    if (stream.station != run.station || stream.sample_rate != run.sample_rate) continue;
    if (const auto of_run = stream.anchors->of_run.find(run.id); of_run != stream.anchors->of_run.end())
      for (const auto& anchor : of_run->second)
        if ((closed && !replayed) || anchor.sample < run.n_samples) anchors.push_back(anchor);
  }
  return {run.start, run.sample_rate, run.n_samples, std::move(anchors)};
}

RunClock Reader::clock(std::size_t run) const {
  if (run >= runs().size()) throw StateError{path().string() + ": there is no run " + std::to_string(run)};
  return impl().clock(runs()[run], impl().read_clocks());
}

std::vector<RunClock> Reader::clocks() const {
  const auto streams = impl().read_clocks();
  std::vector<RunClock> all;
  all.reserve(runs().size());
  for (const auto& run : runs()) all.push_back(impl().clock(run, streams));
  return all;
}

UtcNanos Reader::utc_of(std::size_t run, std::int64_t sample) const { return clock(run).utc_of(sample); }

double Reader::largest_axis_error(std::size_t run) const { return clock(run).largest_axis_error(); }

}  // namespace mth5
