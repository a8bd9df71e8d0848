#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "analysis/block.hpp"

namespace analysis {

/// How the spectrum of a channel goes over time: its power spectral density in bands of a tenth of a decade, in cells of time.
/// Segments of 256 samples as Spectrum has them, at the full rate and at tenths of it down to 0.01 Hz; a segment counts in the
/// cell in which its middle lies, and a segment with a gap or a NaN nowhere. There are at most 256 cells however long it gets:
/// as many seconds long as a power of two says, from 512 s on, they begin at multiples of it since 1970. Thread: a value.
class Spectrogram {
 public:
  static constexpr std::int64_t kMostCells = 256;
  static constexpr std::size_t kSegment = 256;
  struct Band {
    double low = 0, high = 0;                 ///< Hz
    std::chrono::duration<double> step{};     ///< from one segment to the next
    std::size_t stage = 0, first = 0, n = 0;  ///< lines of the spectra of which stage

    [[nodiscard]] double middle() const;  ///< Hz, on a logarithmic axis
  };
  struct Level {
    std::int64_t n = 0;  ///< segments; 0: none
    double mean = 0;     ///< units squared per Hz
  };
  /// Of the cells that have a value: what a tenth, half and nine tenths of them are below (between two of them on a straight
  /// line, as numpy.quantile() has it).
  struct Usual {
    double tenth = 0, median = 0, nine_tenths = 0;
    std::size_t cells = 0;
  };

  /// @param rate  Hz, > 0
  explicit Spectrogram(double rate);
  /// @param block  of samples after all so far, at that rate
  void add(const Block& block);

  /// Upwards in frequency; a band without a line is left out.
  [[nodiscard]] std::span<const Band> bands() const { return bands_; }
  [[nodiscard]] std::chrono::seconds cell_length() const { return std::chrono::seconds{std::int64_t{1} << shift_}; }
  /// By number: a cell begins at number * cell_length() since 1970, and has a level for each band.
  [[nodiscard]] const std::map<std::int64_t, std::vector<Level>>& cells() const { return cells_; }
  /// Of each band; nullopt where no cell has a value.
  [[nodiscard]] std::vector<std::optional<Usual>> usual() const;

 private:
  struct Stage {
    double rate = 0;               ///< Hz
    std::vector<double> pending;   ///< samples that are not in all of their segments yet
    std::vector<double> filtered;  ///< samples that the filter before the next stage still needs
  };
  /// @param end  of the last sample, by the clock
  void feed(std::size_t stage, std::span<const double> samples, mth5::UtcNanos end);
  void count(std::size_t stage, std::span<const double> segment, mth5::UtcNanos middle);
  void fit();

  std::vector<Stage> stages_;
  std::vector<Band> bands_;
  mth5::UtcNanos end_{};
  int shift_ = 9;
  std::map<std::int64_t, std::vector<Level>> cells_;
};

}  // namespace analysis
