#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "acquisition/timing/options.hpp"
#include "mth5/time.hpp"

/// Which samples are stored: what is sent again is known by its time and its values.
namespace daq::timing {

/// What the file holds of a value, as libmth5 converts it.
[[nodiscard]] double as_stored(double value, const StoredAs& as);
/// It is beyond what the type of its channel can hold, and stored as the nearest that it can.
[[nodiscard]] bool is_clipped(double value, const StoredAs& as);

/// The last rows of a stream as 64-bit hashes, with the times they have by the clock. Bounded: `rows` hashes of 8 bytes, pages of
/// them made when they are used, and kSegments pieces of 40 bytes. Pure. Thread: one.
class Memory {
 public:
  static constexpr std::size_t kSegments = 4096;

  Memory(std::size_t rows, std::size_t n_channels, std::vector<StoredAs> stored_as = {});

  /// Rows that were stored, evenly from `start` to `end`, where the next one would be. @param slack_s  they join the rows before
  /// where times agree within it
  void add(mth5::UtcNanos start, mth5::UtcNanos end, const double* values, std::int64_t n, double slack_s);
  /// A row of these values was stored for this time, within the tolerance.
  [[nodiscard]] bool has(mth5::UtcNanos time, const double* row, double tolerance_s);
  /// The row stored `back` rows before the end (1 = the last one) has these values.
  [[nodiscard]] bool has_back(std::int64_t back, const double* row) const;
  /// s between `from` and `to` that have rows.
  [[nodiscard]] double taken_s(mth5::UtcNanos from, mth5::UtcNanos to) const;
  /// Before it nothing is known; max() while nothing is.
  [[nodiscard]] mth5::UtcNanos begin() const { return segments_.empty() ? mth5::UtcNanos::max() : segments_.front().start; }
  /// Behind it nothing is stored.
  [[nodiscard]] mth5::UtcNanos front() const { return front_; }

 private:
  static constexpr std::size_t kPage = 4096;
  struct Segment {
    std::int64_t first;  ///< row
    std::int64_t n;
    mth5::UtcNanos start;
    double period;  ///< s
    [[nodiscard]] mth5::UtcNanos end() const;
  };
  [[nodiscard]] bool has(const Segment& segment, mth5::UtcNanos time, std::uint64_t hash, double tolerance_s) const;
  [[nodiscard]] std::uint64_t hash(const double* row) const;
  [[nodiscard]] bool is(std::int64_t row, std::uint64_t hash) const;

  const std::size_t n_channels_;
  const std::vector<StoredAs> stored_as_;
  mutable std::vector<double> row_;  ///< reused
  std::int64_t rows_ = 0;            ///< ever
  std::vector<std::unique_ptr<std::array<std::uint64_t, kPage>>> pages_;
  std::deque<Segment> segments_;
  std::size_t hint_ = 0;  ///< where the last row was found
  mth5::UtcNanos front_ = mth5::UtcNanos::min();
};

}  // namespace daq::timing
