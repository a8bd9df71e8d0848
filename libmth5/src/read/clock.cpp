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

std::vector<ClockAnchor> Reader::Impl::anchors(std::size_t run) {
  if (run >= found.runs.size()) throw StateError{path.string() + ": there is no run " + std::to_string(run)};
  const auto& info = found.runs[run];
  std::vector<ClockAnchor> all;
  const auto has = [&](const std::string& name) {
    return std::find(found.tables.begin(), found.tables.end(), name) != found.tables.end();
  };
  if (!has("streams")) return all;
  try {
    const Table streams = table("streams", 0);
    for (std::size_t i = 0; i < streams.size(); ++i) {
      const std::string name = std::string{kFolder} + streams.text(i, "name");
      if (streams.text(i, "station") != info.station || streams.number(i, "sample_rate") != info.sample_rate || !has(name))
        continue;
      ClockTable& clock = clocks[name];
      try {
        const Table fresh = table(name, clock.rows);
        for (std::size_t k = 0; k < fresh.size(); ++k) clock.of_run[fresh.text(k, "run")].push_back(anchor_of(fresh, k));
        clock.rows += static_cast<std::int64_t>(fresh.size());
        if (const auto of_run = clock.of_run.find(info.id); of_run != clock.of_run.end())
          for (const auto& anchor : of_run->second)
            if (closed || anchor.sample < info.n_samples) all.push_back(anchor);
      } catch (const FormatError&) {
        clock.problem = path.string() + ": /Acquisition/" + name + ": is no table of anchors";
      }
    }
  } catch (const FormatError&) {
    clocks["streams"].problem = path.string() + ": /Acquisition/streams: is no table of streams";
  }
  return all;
}

RunClock Reader::clock(std::size_t run) const {
  auto anchors = impl_->anchors(run);
  const auto& info = runs()[run];
  return {info.start, info.sample_rate, info.n_samples, std::move(anchors)};
}

UtcNanos Reader::utc_of(std::size_t run, std::int64_t sample) const { return clock(run).utc_of(sample); }

double Reader::largest_axis_error(std::size_t run) const { return clock(run).largest_axis_error(); }

}  // namespace mth5
