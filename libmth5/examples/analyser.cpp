// A further reader: the spectrum of each channel so far, averaged over windows as they come.  analyser FILE [MS]
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
  std::int64_t windows = 0;
  std::array<double, kLines.size()> power{};  // sums over the windows, units squared per Hz
};

void add(Spectrum& spectrum, const std::vector<double>& samples, double rate) {
  for (std::size_t l = 0; l < kLines.size(); ++l) {
    double re = 0, im = 0, weight = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const double turn = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(kWindow);
      const double hann = 0.5 - 0.5 * std::cos(turn);
      re += hann * samples[i] * std::cos(turn * kLines[l]);
      im += hann * samples[i] * std::sin(turn * kLines[l]);
      weight += hann * hann;
    }
    spectrum.power[l] += 2 * (re * re + im * im) / (weight * rate);
  }
  ++spectrum.windows;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) return std::fputs("usage: analyser FILE [MS]\n", stderr), 2;
  const std::chrono::milliseconds pause{argc > 2 ? std::strtol(argv[2], nullptr, 10) : 1000};
  mth5::Reader reader{argv[1]};
  std::map<std::size_t, Spectrum> spectra;  // by channel: an index stays what it is
  for (bool live = true; live; std::this_thread::sleep_for(pause)) {
    live = reader.state() == mth5::FileState::Live;
    reader.refresh();
    for (std::size_t c = 0; c < reader.channels().size(); ++c)
      for (auto& s = spectra[c]; (s.windows + 1) * kWindow <= reader.channels()[c].n_samples;)
        add(s, reader.read(c, s.windows * kWindow, kWindow), reader.channels()[c].sample_rate);
  }
  for (const auto& [c, s] : spectra)
    for (std::size_t l = 0; l < kLines.size() && s.windows > 0; ++l)
      std::printf("%s %g Hz %.4g (%lld windows)\n", reader.channels()[c].component.c_str(),
                  kLines[l] * reader.channels()[c].sample_rate / kWindow, s.power[l] / static_cast<double>(s.windows),
                  static_cast<long long>(s.windows));
} catch (const mth5::Error& e) {
  return std::fprintf(stderr, "analyser: error: %s\n", e.what()), 1;
}
