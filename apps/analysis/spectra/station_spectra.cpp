#include "analysis/spectra/station_spectra.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace analysis {

namespace {

constexpr double kLowestStage = 0.05;  ///< Hz, of a stage: below, a segment takes longer than an hour
constexpr std::chrono::hours kSpectraKept{1};

std::size_t stages_at(double rate) {
  std::size_t stages = 1;
  while (rate / std::pow(10.0, static_cast<double>(stages)) >= kLowestStage && stages < 8) ++stages;
  return stages;
}

}  // namespace

FieldChannels field_channels(const mth5::Reader& file, const mth5::RunInfo& run) {
  FieldChannels field;
  bool electric = false, magnetic = false;
  for (const auto index : run.channels) {
    const auto& info = file.channels()[index];
    if (info.kind == mth5::Kind::Auxiliary) continue;
    (info.kind == mth5::Kind::Electric ? electric : magnetic) = true;
    field.components.push_back(info.component);
  }
  field.both = electric && magnetic;
  return field;
}

StationSpectra::StationSpectra(std::string station, double rate, std::vector<std::string> components, std::string stream)
    : station_{std::move(station)},
      rate_{rate},
      stream_{std::move(stream)},
      side_by_side_{std::min(components.size(), kMostChannels), rate},
      current_{std::max<std::size_t>(1, std::min(components.size(), kMostChannels)), kSegment, stages_at(rate)},
      next_{current_} {
  components.resize(std::min(components.size(), kMostChannels));
  for (auto& name : components) channels_.push_back({station_, std::move(name), {}});
}

void StationSpectra::begin() {
  side_by_side_ = SideBySide{channels_.size(), rate_};
  current_ = next_ = CrossSpectra{channels_.size(), kSegment, stages_at(rate_)};
  since_.reset();
  next_since_.reset();
}

void StationSpectra::describe(const ChannelFacts& channel) {
  for (auto& known : channels_)
    if (known.component == channel.component) known = channel;
}

void StationSpectra::add(const ChannelFacts& channel, const Block& block) {
  const auto found =
      std::find_if(channels_.begin(), channels_.end(), [&](const auto& one) { return one.component == channel.component; });
  if (found == channels_.end()) return;
  *found = channel;
  const auto index = static_cast<std::size_t>(found - channels_.begin());
  if (side_by_side_.add(index, block)) return;
  begin();
  (void)side_by_side_.add(index, block);  // the first of all: it is before none
}

void StationSpectra::update() {
  side_by_side_.take([&](const Frames& frames) {
    if (!since_) since_ = next_since_ = frames.start;
    end_ = mth5::sample_time(frames.start, rate_, static_cast<std::int64_t>(frames.channels.front().size()));
    current_.add(frames);
    if (end_ - *since_ >= kSpectraKept) next_.add(frames);
    if (next_since_ == since_ && end_ - *since_ >= kSpectraKept) next_since_ = frames.start;
  });
  if (!since_ || end_ - *since_ < 2 * kSpectraKept) return;
  current_ = std::move(next_);
  since_ = next_since_;
  next_ = CrossSpectra{channels_.size(), kSegment, stages_at(rate_)};
}

double StationSpectra::seconds() const { return since_ ? std::chrono::duration<double>(end_ - *since_).count() : 0; }

}  // namespace analysis
