// A further reader: the running spectrum of each channel, over all runs of files that follow one another, as they are written.
// Welch's method: windows that overlap by half, of one run each, so that none reaches over a gap.  analyser MS FILE...
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <numbers>
#include <string>
#include <thread>

#include "mth5/error.hpp"
#include "mth5/reader.hpp"

namespace {

constexpr std::int64_t kWindow = 256;                     // samples
constexpr std::array<int, 6> kLines{1, 2, 4, 8, 16, 32};  // of the window's Fourier series

struct Spectrum {
  double rate = 0;  // Hz
  std::int64_t windows = 0;
  std::array<double, kLines.size()> power{};  // sums over the windows, units squared per Hz
};

void add(Spectrum& spectrum, const std::vector<double>& samples) {
  double mean = 0;
  for (const double sample : samples) mean += sample / static_cast<double>(kWindow);
  if (!std::isfinite(mean)) return;  // a missing sample
  for (std::size_t l = 0; l < kLines.size(); ++l) {
    double re = 0, im = 0, weight = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const double turn = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(kWindow);
      const double hann = 0.5 - 0.5 * std::cos(turn);
      re += hann * (samples[i] - mean) * std::cos(turn * kLines[l]);
      im += hann * (samples[i] - mean) * std::sin(turn * kLines[l]);
      weight += hann * hann;
    }
    spectrum.power[l] += 2 * (re * re + im * im) / (weight * spectrum.rate);
  }
  ++spectrum.windows;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) return std::fputs("usage: analyser MS FILE...\n", stderr), 2;
  const std::chrono::milliseconds pause{std::strtol(argv[1], nullptr, 10)};
  std::map<std::string, Spectrum> spectra;  // by station and component
  for (int f = 2; f < argc; ++f) {
    while (!std::filesystem::exists(argv[f])) std::this_thread::sleep_for(pause);  // the recorder has not rolled over yet
    mth5::Reader reader{argv[f]};
    std::map<std::size_t, std::int64_t> next;  // first sample of the next window, by channel: an index stays what it is
    for (bool live = true; live; std::this_thread::sleep_for(pause)) {
      live = reader.state() == mth5::FileState::Live;
      reader.refresh();  // new samples, and new runs
      for (std::size_t c = 0; c < reader.channels().size(); ++c) {
        const auto& channel = reader.channels()[c];
        auto& spectrum = spectra[channel.station + " " + channel.component];
        spectrum.rate = channel.sample_rate;
        for (auto& first = next[c]; first + kWindow <= channel.n_samples; first += kWindow / 2)
          add(spectrum, reader.read(c, first, kWindow));
      }
    }
  }
  for (const auto& [name, s] : spectra)
    for (std::size_t l = 0; l < kLines.size() && s.windows > 0; ++l)
      std::printf("%s %g Hz %.9g (%lld windows)\n", name.c_str(), kLines[l] * s.rate / kWindow,
                  s.power[l] / static_cast<double>(s.windows), static_cast<long long>(s.windows));
} catch (const mth5::Error& e) {
  return std::fprintf(stderr, "analyser: error: %s\n", e.what()), 1;
}
