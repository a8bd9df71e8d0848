#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "mth5/file.hpp"

/// What the benchmarks of the library have in common: a live MTH5 file with one run, and percentiles.
namespace bench {

inline constexpr std::size_t kChunk = 10'000;  // samples, as in the reference writers

/// ex ey hx hy hz, then aux05, aux06, … as the reference writers name them.
inline std::vector<mth5::ChannelSpec> channels(std::size_t n, mth5::SampleType type) {
  static constexpr const char* kNames[] = {"ex", "ey", "hx", "hy", "hz"};
  std::vector<mth5::ChannelSpec> specs;
  for (std::size_t c = 0; c < n; ++c) {
    const std::string name = c < std::size(kNames) ? kNames[c] : (c < 10 ? "aux0" : "aux") + std::to_string(c);
    const auto kind = name[0] == 'e' ? mth5::Kind::Electric : name[0] == 'h' ? mth5::Kind::Magnetic : mth5::Kind::Auxiliary;
    mth5::Metadata metadata{kind};
    metadata.set("component", name);
    metadata.set("units", std::string{"digital counts"});
    specs.push_back({std::move(metadata), type, kChunk});
  }
  return specs;
}

/// A new file of one run at `rate_hz`, in SWMR mode and synced: readers may come. An existing file is replaced.
inline std::pair<mth5::File, mth5::RunId> live_file(const std::filesystem::path& path, double rate_hz,
                                                    const std::vector<mth5::ChannelSpec>& specs) {
  std::filesystem::remove(path);
  auto file = mth5::File::create(path);
  mth5::RunId run;
  mth5::Metadata survey{mth5::Kind::Survey};
  survey.set("id", std::string{"BENCH"});
  mth5::Metadata station{mth5::Kind::Station};
  station.set("id", std::string{"S1"});
  mth5::Metadata about{mth5::Kind::Run};
  about.set("id", std::string{"a"});
  about.set("sample_rate", rate_hz);
  file.edit([&](mth5::Edit& edit) {
    edit.add_survey(survey);
    edit.add_station("BENCH", station);
    run = edit.add_run("BENCH", "S1", about, *mth5::parse_time("2026-05-01T00:00:00Z"), specs);
  });
  file.start_swmr();
  return {std::move(file), run};
}

/// The value that a share `q` of the values stays below; `sorted` must not be empty.
inline double quantile(const std::vector<double>& sorted, double q) {
  const auto at = static_cast<std::size_t>(q * static_cast<double>(sorted.size()));
  return sorted[std::min(at, sorted.size() - 1)];
}

}  // namespace bench
