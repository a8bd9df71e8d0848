#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "acquisition/timing/options.hpp"
#include "mth5/time.hpp"

/// Which samples are stored: what is sent again is known by its time and its values.
namespace daq::timing {

/// What the file holds of a value, as libmth5 converts it.
[[nodiscard]] double as_stored(double value, const StoredAs& as);

/// The last rows of a stream as 64-bit hashes, with the times they have by the clock. Bounded: `rows` hashes of 8 bytes, pages of
/// them made when they are used, and kSegments pieces of 40 bytes. Pure. Thread: one.
class Memory {
 public:
  static constexpr std::size_t kSegments = 4096;

  Memory(std::size_t rows, std::size_t n_channels, std::vector<StoredAs> stored_as = {});

  /// Rows that were stored, evenly from `start` to `end`, where the next one would be. @param slack_s  they join the rows before
  /// where times agree within it @param unsure_s  their times may be off by so much
  void add(mth5::UtcNanos start, mth5::UtcNanos end, const double* values, std::int64_t n, double slack_s, double unsure_s = 0);
  /// A row of these values was stored for this time, within the tolerance.
  [[nodiscard]] bool has(mth5::UtcNanos time, const double* row, double tolerance_s) {
    return find(time, row, tolerance_s).has_value();
  }
  /// Its number, counted from the first that ever was.
  [[nodiscard]] std::optional<std::int64_t> find(mth5::UtcNanos time, const double* row, double tolerance_s);
  /// The same where the tolerance leaves open which of several rows has that time: if there is no row at one of these times, what
  /// has these values may be new, and only one closer than `sure_s` is the same, or where no two rows are alike.
  [[nodiscard]] std::optional<std::int64_t> find_one_of(mth5::UtcNanos time, const double* row, double tolerance_s,
                                                        double sure_s);
  struct Row {
    mth5::UtcNanos time;
    const double* values;
  };
  struct Found {
    std::int64_t first = 0;  ///< number of the first
    std::size_t n = 0;       ///< how many; none behind them is stored
  };
  /// Rows at the front of several that were stored in this order. Where they could lie in several places within the tolerance
  /// fewest are taken to be known; none where all of them could be new, but where no two rows are alike.
  [[nodiscard]] Found find_all(std::span<const Row> rows, double tolerance_s) const;
  /// By which rows are compared.
  [[nodiscard]] std::uint64_t hash(const double* row) const;
  /// Row number `row` has these values. False if it is not known any more, or not yet.
  [[nodiscard]] bool is(std::int64_t row, const double* values) const { return is(row, hash(values)); }
  /// When it was taken; nullopt likewise.
  [[nodiscard]] std::optional<mth5::UtcNanos> time_of(std::int64_t row) const;
  [[nodiscard]] std::int64_t rows() const { return rows_; }  ///< ever; the next one has this number
  /// s by which the times of rows near this time may be off, beyond what the clock says.
  [[nodiscard]] double unsure_s(mth5::UtcNanos time) const;
  /// s between `from` and `to` that have rows.
  [[nodiscard]] double taken_s(mth5::UtcNanos from, mth5::UtcNanos to) const;
  /// Before it nothing is known; max() while nothing is. While a clock goes on before all that was stored, where it was set to.
  [[nodiscard]] mth5::UtcNanos begin() const;
  /// Behind it nothing is stored.
  [[nodiscard]] mth5::UtcNanos front() const { return front_; }

 private:
  static constexpr std::size_t kPage = 4096;
  struct Segment {
    std::int64_t first;  ///< row
    std::int64_t n;
    mth5::UtcNanos start;
    double period;  ///< s
    double unsure;  ///< s
    [[nodiscard]] mth5::UtcNanos end() const;
  };
  [[nodiscard]] std::optional<std::int64_t> find(const Segment& segment, mth5::UtcNanos time, std::uint64_t hash,
                                                 double tolerance_s) const;
  /// The rows up to `row` have all different values: to have the same by chance is rare.
  [[nodiscard]] bool all_differ(std::int64_t row) const;
  [[nodiscard]] const Segment* segment_of(std::int64_t row) const;
  [[nodiscard]] bool is(std::int64_t row, std::uint64_t hash) const;

  const std::size_t n_channels_;
  const std::vector<StoredAs> stored_as_;
  mutable std::vector<double> row_;          ///< reused
  mutable std::vector<std::int32_t> whole_;  ///< reused; empty unless all channels are int32
  std::int64_t rows_ = 0;                    ///< ever
  std::vector<std::unique_ptr<std::array<std::uint64_t, kPage>>> pages_;
  std::deque<Segment> segments_;
  double most_unsure_ = 0;  ///< of them
  std::size_t hint_ = 0;    ///< where the last row was found
  mth5::UtcNanos front_ = mth5::UtcNanos::min();
};

}  // namespace daq::timing
