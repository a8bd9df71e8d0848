#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "analysis/series.hpp"

namespace analysis {

namespace {

constexpr std::int64_t kCompared = 1 << 16;  ///< samples compared at once

using RunKey = std::tuple<std::string, std::string, std::string, mth5::UtcNanos, double>;
RunKey key_of(const mth5::RunInfo& run) { return {run.survey, run.station, run.id, run.start, run.sample_rate}; }

/// A pair of runs: the one in a file, and the same in what may be its copy.
struct Pair {
  const mth5::RunInfo* whole;
  const mth5::RunInfo* part;
};

/// False too where one of them cannot be read.
bool same_samples(const mth5::Reader& whole, const mth5::Reader& part, const Pair& runs) try {
  for (const auto channel : runs.part->channels) {
    const auto& info = part.channels()[channel];
    const auto other = std::find_if(runs.whole->channels.begin(), runs.whole->channels.end(),
                                    [&](std::size_t i) { return whole.channels()[i].component == info.component; });
    if (other == runs.whole->channels.end()) return false;
    for (std::int64_t first = 0; first < info.n_samples; first += kCompared) {
      const auto count = std::min(kCompared, info.n_samples - first);
      const auto a = whole.read(*other, first, count);
      const auto b = part.read(channel, first, count);
      if (!std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); }))
        return false;
    }
  }
  return true;
} catch (const mth5::Error&) {
  return false;
}

/// True if `whole` has all runs of `part`, each at least as long, with the same samples.
bool holds_all_of(const mth5::Reader& whole, const mth5::Reader& part) {
  std::map<RunKey, const mth5::RunInfo*> known;
  for (const auto& run : whole.runs())
    if (run.n_samples > 0) known[key_of(run)] = &run;
  std::vector<Pair> pairs;
  for (const auto& run : part.runs()) {
    if (run.n_samples == 0) continue;
    const auto same = known.find(key_of(run));
    if (same == known.end() || same->second->n_samples < run.n_samples || same->second->channels.size() != run.channels.size())
      return false;
    pairs.push_back({same->second, &run});
  }
  // All samples: one that somebody changed is shown nowhere else.
  return !pairs.empty() &&
         std::all_of(pairs.begin(), pairs.end(), [&](const Pair& runs) { return same_samples(whole, part, runs); });
}

}  // namespace

std::vector<std::optional<std::size_t>> find_copies(Files files) {
  std::vector<std::optional<std::size_t>> copy_of(files.size());
  std::map<RunKey, std::vector<std::size_t>> alike;  // by their first run
  for (std::size_t i = 0; i < files.size(); ++i)
    for (const auto& run : files[i]->runs())
      if (run.n_samples > 0) {
        alike[key_of(run)].push_back(i);
        break;
      }
  for (const auto& [key, group] : alike)
    for (std::size_t a = 0; a < group.size(); ++a)
      for (std::size_t b = 0; b < group.size(); ++b) {
        const auto whole = group[a];
        const auto part = group[b];
        if (whole == part || copy_of[whole] || copy_of[part]) continue;
        if (holds_all_of(*files[whole], *files[part])) copy_of[part] = whole;
      }
  // The whole of one may have been found to be a part of another later.
  for (auto& entry : copy_of)
    while (entry && copy_of[*entry]) entry = copy_of[*entry];
  return copy_of;
}

}  // namespace analysis
