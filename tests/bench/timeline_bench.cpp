// What a frame costs on its way through the timeline, in ns: timeline_bench [frames]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "acquisition/timing/timeline.hpp"

namespace {

using namespace daq::timing;

struct Count final : Sink {
  bool samples(const Block& block) override { return n += block.n, true; }
  void gap(const Gap&) override { ++gaps; }
  void anchor(const Anchor&) override { ++anchors; }
  std::int64_t n = 0, gaps = 0, anchors = 0;
};

void measure(const char* what, double rate, std::size_t n_channels, std::size_t batch, double ppm, double jitter_s,
             daq::decode::TimeKind kind, std::size_t frames) {
  Options options;
  options.sample_rate = rate;
  Count sink;
  Timeline timeline{options, n_channels, sink};
  std::mt19937_64 random{1};
  const auto start = *mth5::from_calendar(2024, 5, 1, 0, 0, 0);
  std::vector<double> values(batch * n_channels);
  std::vector<daq::decode::Frame> made(batch);
  double spent = 0;
  for (std::size_t i = 0; i < frames;) {
    for (std::size_t k = 0; k < batch; ++k, ++i) {
      double s = static_cast<double>(i) / (rate * (1 + ppm * 1e-6));
      if (jitter_s > 0) s += std::uniform_real_distribution{0.0, jitter_s}(random);
      const auto time = start + mth5::Nanos{std::llround(s * 1e9)};
      made[k] = {.n_samples = 1, .first = k * n_channels, .time = time, .kind = kind, .arrival = time};
      for (std::size_t c = 0; c < n_channels; ++c) values[k * n_channels + c] = static_cast<double>(i + c);
    }
    const auto begin = std::chrono::steady_clock::now();
    for (const auto& frame : made) timeline.push(frame, values.data() + frame.first);
    timeline.end_of_batch();
    spent += std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count();
  }
  timeline.finish();
  std::printf("%-34s %7.0f ns/frame  %lld samples  %lld gaps  %lld anchors\n", what, spent / static_cast<double>(frames),
              static_cast<long long>(sink.n), static_cast<long long>(sink.gaps), static_cast<long long>(sink.anchors));
}

}  // namespace

int main(int argc, char** argv) {
  using Kind = daq::decode::TimeKind;
  const auto frames = argc > 1 ? static_cast<std::size_t>(std::strtoull(argv[1], nullptr, 10)) : 86400;
  measure("LEMI day, 1 Hz x 9, 470 a batch", 1, 9, 470, 0, 0, Kind::Gps, frames);
  measure("256 Hz x 5, 50 ppm, one a batch", 256, 5, 1, 50, 0, Kind::Device, frames);
  measure("256 Hz x 5, jitter, one a batch", 256, 5, 1, 50, 1e-3, Kind::Device, frames);
  measure("256 Hz x 5, host time", 256, 5, 1, 50, 0.05, Kind::Host, frames);
}
