#include "analysis/gap.hpp"

#include "analysis/json.hpp"

namespace analysis {

std::vector<Gap> recorded_gaps(const mth5::Reader& file) {
  std::vector<Gap> gaps;
  const auto table = file.table("gaps");
  if (!table) return gaps;
  const bool by_component = table->has("component");  // layout 2
  gaps.reserve(table->size());
  for (std::size_t i = 0; i < table->size(); ++i)
    gaps.push_back({.survey = {},
                    .station = table->text(i, "station"),
                    .component = by_component ? table->text(i, "component") : "",
                    .run_before = table->text(i, "run_before"),
                    .run_after = table->text(i, "run_after"),
                    .start = mth5::UtcNanos{mth5::Nanos{table->integer(i, "start")}},
                    .samples = table->integer(i, "samples"),
                    .reason = table->text(i, "reason"),
                    .filled = table->integer(i, "filled") != 0});
  return gaps;
}

json::Json to_json(const Gap& gap) {
  return {{"station", gap.station},
          {"component", json::text(gap.component)},
          {"start", json::time(gap.start)},
          {"end", gap.sample_rate > 0 ? json::time(gap.end()) : json::Json{}},
          {"samples", gap.samples},
          {"run_before", json::text(gap.run_before)},
          {"run_after", json::text(gap.run_after)},
          {"filled", gap.filled},
          {"reason", json::text(gap.reason)}};
}

}  // namespace analysis
