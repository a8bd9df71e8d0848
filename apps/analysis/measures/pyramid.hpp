#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "analysis/block.hpp"

namespace analysis {

/// What a plot of a channel needs at any zoom: the smallest, the largest and the mean value of cells of time, on levels of which
/// each has cells four times as long as the one below. Of each level the newest 2048 cells are kept, so that its size is bounded
/// and a plot of any length finds a level with at least five hundred cells, the fine ones up to now. Cells begin at multiples of
/// their length since 1970. Samples may be added in any order, each once. Up to 0.7 MiB. Thread: a value.
class Pyramid {
 public:
  static constexpr std::int64_t kCells = 2048;  ///< of a level
  struct Cell {
    std::int64_t n = 0;  ///< samples with a value
    double min = 0, max = 0, sum = 0;
  };

  /// @param block  a rate other than before begins anew, as does a time more than a minute before the newest: the clock was set
  void add(const Block& block);
  /// Of samples before the oldest.
  void add_older(const Block& block);

  [[nodiscard]] bool empty() const { return levels_.empty(); }
  [[nodiscard]] double rate() const { return rate_; }  ///< Hz
  /// Behind the newest sample; of an empty one 1970.
  [[nodiscard]] mth5::UtcNanos end() const { return end_; }
  /// Of the oldest sample that was added, kept or not.
  [[nodiscard]] mth5::UtcNanos start() const { return start_; }

  /// Columns of a plot of equal width, from a time on: what lies in each. A column between two samples has the value of the one
  /// before, where that lasts into it; n = 0 is a hole.
  [[nodiscard]] std::vector<Cell> columns(mth5::UtcNanos from, std::chrono::nanoseconds width, std::size_t count) const;

 private:
  static constexpr std::int64_t kOfPage = 256;
  static constexpr std::int64_t kPages = kCells / kOfPage + 1;  ///< of a level: those of the newest kCells, wherever they begin
  /// Cells in a row: only where there are samples is there memory.
  struct Page {
    std::int64_t number = std::numeric_limits<std::int64_t>::min();  ///< of its first cell, divided by kOfPage
    std::vector<Cell> cells = {};                                    ///< n = 0: it has none
  };
  struct Level {
    std::int64_t length = 0;       ///< ns
    std::int64_t newest = 0;       ///< number of its newest cell
    std::vector<Page> pages = {};  ///< by number modulo kPages

    [[nodiscard]] const Cell* cell(std::int64_t number) const;
  };
  void begin(const Block& block);
  void put(const Block& block);
  void put(std::int64_t time_ns, const Cell& cell);
  [[nodiscard]] const Level& level_for(mth5::UtcNanos from) const;

  double rate_ = 0;
  mth5::UtcNanos start_{}, end_{};
  std::vector<Level> levels_;
};

}  // namespace analysis
