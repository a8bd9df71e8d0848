#include "analysis/spectra/wiring.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

namespace analysis {

namespace {

constexpr double kFrom = 0.001, kTo = 0.1;  ///< Hz
constexpr double kCoherent = 0.6;           ///< squared coherence
constexpr double kOctaves = 2;              ///< of coherent lines, before anything is said
constexpr double kClear = 4;                ///< so many times as much of one as of the other

/// Degrees from north; nullopt: not known.
std::optional<double> azimuth_of(const ChannelFacts& channel) {
  if (std::isfinite(channel.azimuth) && channel.azimuth != 0) return channel.azimuth;
  const char axis = channel.component.empty() ? ' ' : channel.component.back();
  if (axis == 'x') return 0;
  if (axis == 'y') return 90;
  return std::nullopt;
}

/// Octaves in which two channels are coherent, by the sign of what they have in common.
struct Octaves {
  double ahead = 0, against = 0;
  [[nodiscard]] double all() const { return ahead + against; }
};
Octaves octaves(const CrossSpectra& spectra, std::size_t magnetic, std::size_t electric) {
  Octaves found;
  for (std::size_t stage = 0; stage < spectra.stages(); ++stage) {
    const auto coherence = spectra.coherence(magnetic, electric, stage);
    const auto cross = spectra.cross(magnetic, electric, stage);
    auto [low, high] = spectra.band(stage);
    // The next stage has a tenth of the segments: until they are enough, this one goes on to its second line.
    if (stage + 1 < spectra.stages() && spectra.coherence(magnetic, electric, stage + 1).empty()) low = 2 * spectra.step(stage);
    for (std::size_t k = 1; k < coherence.size(); ++k) {
      const double line = static_cast<double>(k), hz = line * spectra.step(stage);
      if (hz < std::max(low, kFrom) || hz > std::min(high, kTo) || coherence[k] < kCoherent) continue;
      (cross[k].real() > 0 ? found.ahead : found.against) += std::log2((line + 0.5) / (line - 0.5));
    }
  }
  return found;
}

}  // namespace

std::vector<Wiring> wiring(const CrossSpectra& spectra, std::span<const ChannelFacts> channels) {
  std::vector<Wiring> all;
  for (std::size_t e = 0; e < channels.size(); ++e) {
    const auto own = azimuth_of(channels[e]);
    if (channels[e].kind != mth5::Kind::Electric || !own) continue;
    std::optional<Wiring> across, along;
    Octaves of_across, of_along;
    for (std::size_t m = 0; m < channels.size(); ++m) {
      const auto other = azimuth_of(channels[m]);
      if (channels[m].kind != mth5::Kind::Magnetic || !other) continue;
      const double right = std::sin((*other - *own) * std::numbers::pi / 180);  // 1 for ex and hy, -1 for ey and hx
      if (!across && std::abs(right) > 0.9) {
        across = Wiring{e, m};
        of_across = octaves(spectra, m, e);
        if (right < 0) std::swap(of_across.ahead, of_across.against);
      } else if (!along && std::abs(right) < 0.1) {
        along = Wiring{e, m};
        of_along = octaves(spectra, m, e);
      }
    }
    if (!across) continue;
    if (along && of_along.all() >= kOctaves && of_along.all() > kClear * of_across.all()) {
      along->state = Wiring::State::Along;
      all.push_back(*along);
      continue;
    }
    if (of_across.against >= kOctaves && of_across.against > kClear * of_across.ahead)
      across->state = Wiring::State::Reversed;
    else if (of_across.ahead >= kOctaves)
      across->state = Wiring::State::Right;
    all.push_back(*across);
  }
  return all;
}

std::vector<std::pair<Wiring, Wiring>> swapped_of(std::span<const Wiring> wiring) {
  std::vector<std::pair<Wiring, Wiring>> pairs;
  const Wiring* first = nullptr;
  for (const auto& one : wiring) {
    if (one.state != Wiring::State::Along) continue;
    if (first != nullptr) pairs.emplace_back(*first, one);
    first = first == nullptr ? &one : nullptr;
  }
  return pairs;
}

void add_wiring(std::span<Subject> channels, const StationSpectra& spectra) {
  const auto& all = spectra.channels();
  const auto is_electric = [](const ChannelFacts& one) { return one.kind == mth5::Kind::Electric; };
  if (spectra.reading || std::none_of(all.begin(), all.end(), is_electric)) return;
  const auto add = [&](const Wiring& of, const char* figure) {
    for (auto& channel : channels)
      if (channel.name == all[of.electric].component && channel.scope == Scope::Electric && channel.rate == spectra.rate() &&
          channel.station == spectra.station() && channel.stream == all[of.electric].stream)
        channel.figures[figure] = {1};
  };
  const auto found = wiring(spectra.spectra(), all);
  for (const auto& one : found)
    if (one.state == Wiring::State::Reversed) add(one, "reversed");
  for (const auto& [one, other] : swapped_of(found)) add(one, "swapped"), add(other, "swapped");
}

std::vector<std::string> wiring_sentences(std::span<const Wiring> wiring, std::span<const ChannelFacts> channels) {
  std::vector<std::string> sentences;
  for (const auto& one : wiring)
    if (one.state == Wiring::State::Reversed)
      sentences.push_back(channels[one.electric].component + " or " + channels[one.magnetic].component +
                          " seems to be reversed: exchange its two wires");
  for (const auto& [one, other] : swapped_of(wiring))
    sentences.push_back(channels[one.electric].component + " and " + channels[other.electric].component +
                        " seem to be swapped: exchange their cables");
  return sentences;
}

}  // namespace analysis
