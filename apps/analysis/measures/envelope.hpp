#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "analysis/block.hpp"
#include "analysis/measures/state.hpp"

namespace analysis {

/// What a plot of a channel needs, and its drift: count, smallest, largest and mean value of cells of time, at most 1024 of them
/// however long it gets. Cells are as many seconds long as a power of two says, and begin at multiples of it since 1970, so that
/// those of two parts fit together; the length follows from the first and the last sample alone. Thread: a value.
class Envelope {
 public:
  static constexpr std::int64_t kMostCells = 1024;
  struct Cell {
    std::int64_t n = 0;
    double min = 0, max = 0, mean = 0;
  };

  void add(const Block& block);
  void merge(const Envelope& other);
  [[nodiscard]] state::Json save() const;
  void load(const state::Json& saved);

  [[nodiscard]] std::chrono::seconds cell_length() const { return std::chrono::seconds{length()}; }
  /// In order of number: a cell begins at number * cell_length() since 1970. Without samples there is no cell.
  [[nodiscard]] const std::vector<std::pair<std::int64_t, Cell>>& cells() const { return cells_; }
  /// Slope of the means of the cells in units per hour, by Theil and Sen: the median of the slopes through any two of them, at
  /// most 256, for which neighbours are put together. NaN if there are fewer than three.
  /// @param from, to  cells that begin before, or end behind, are left out
  [[nodiscard]] double drift_per_hour(std::optional<mth5::UtcNanos> from = {}, std::optional<mth5::UtcNanos> to = {}) const;

 private:
  [[nodiscard]] std::int64_t length() const { return std::int64_t{1} << shift_; }
  void fit();
  void coarsen();
  void put(std::int64_t number, const Cell& cell);

  int shift_ = 0;
  std::vector<std::pair<std::int64_t, Cell>> cells_;  ///< in a row: they are copied with every Measures
};

}  // namespace analysis
