#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "analysis/spectra/cross_spectra.hpp"
#include "analysis/spectra/station_spectra.hpp"
#include "analysis/verdict/verdict.hpp"

namespace analysis {

/// What spectra tell of how electrodes and sensors are connected. Over any layered earth an electric channel goes with the
/// magnetic one at a right angle to it, and leads it by 0 to 90 degrees (x north, y east, time as exp(+i omega t)). Judged from
/// 10 to 1000 s.
struct Wiring {
  enum class State {
    Unknown,   ///< too few samples, nothing coherent, or two channels at a right angle are not there
    Right,     ///< over two octaves or more
    Reversed,  ///< the other way round over two octaves or more
    Along      ///< goes with the magnetic channel in its own direction
  };
  std::size_t electric = 0, magnetic = 0;  ///< numbers of channels; the magnetic one that it goes with
  State state = State::Unknown;
};

/// Of each electric channel. @param channels  those of the spectra, in their order; an azimuth that is not set is 0 for a
/// component that ends in x, 90 for y; without either a channel is left out    Thread: pure.
[[nodiscard]] std::vector<Wiring> wiring(const CrossSpectra& spectra, std::span<const ChannelFacts> channels);

/// Pairs of those that are along: each of both has the cable of the other.
[[nodiscard]] std::vector<std::pair<Wiring, Wiring>> swapped_of(std::span<const Wiring> wiring);

/// Figures `reversed` and `swapped` of the electric channels that spectra tell it of.
void add_wiring(std::span<Subject> channels, const StationSpectra& spectra);

/// "ex and ey seem to be swapped", "ex or hy seems to be reversed": one sentence for each thing that is wrong.
[[nodiscard]] std::vector<std::string> wiring_sentences(std::span<const Wiring> wiring, std::span<const ChannelFacts> channels);

}  // namespace analysis
