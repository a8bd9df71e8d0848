#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/older.hpp"
#include "mth5/time.hpp"

namespace view {

/// Power spectral densities of one channel over time: a column for each stretch of time, by Welch's method over its samples
/// alone, so that columns can be made in any order. A long column at a high rate is that of its first samples, as many as
/// most() says. Columns begin at multiples of their length since 1970. Thread: that of the reader.
class Spectrogram {
 public:
  static constexpr int kColumns = 70;  ///< of a plot, where there are samples enough

  /// What it is of.
  struct Of {
    std::string station, stream, component;
    double rate = 0;                     ///< Hz, > 0
    std::chrono::nanoseconds window{1};  ///< of a plot
    friend bool operator==(const Of&, const Of&) = default;
  };
  struct Column {
    std::vector<double> density;         ///< units squared per Hz, at 0, step(), … rate / 2; empty: less than a segment
    std::int64_t segments = 0;           ///< behind it
    std::optional<mth5::UtcNanos> open;  ///< it is of the samples before that time, and more may come; nullopt: it is complete
  };

  explicit Spectrogram(Of of);

  [[nodiscard]] const Of& of() const { return of_; }
  [[nodiscard]] std::chrono::nanoseconds length() const { return length_; }  ///< of a column
  [[nodiscard]] std::size_t segment() const { return segment_; }             ///< samples
  [[nodiscard]] double step() const { return of_.rate / static_cast<double>(segment_); }
  [[nodiscard]] std::int64_t most() const { return most_; }  ///< samples of a column
  /// The number of the column that a time lies in.
  [[nodiscard]] std::int64_t number_of(mth5::UtcNanos time) const;
  [[nodiscard]] mth5::UtcNanos start_of(std::int64_t number) const;
  /// nullptr: it was not made.
  [[nodiscard]] const Column* at(std::int64_t number) const;

  /// The newest column of a plot that is to be made, or made again as samples were added. nullopt: there is none.
  /// @param newest  behind the newest sample
  [[nodiscard]] std::optional<std::int64_t> missing(mth5::UtcNanos from, mth5::UtcNanos end, mth5::UtcNanos newest) const;
  /// Makes a column. @param samples  all in it, in order of time, up to most()
  void set(std::int64_t number, std::span<const analysis::Samples> samples, mth5::UtcNanos newest);

 private:
  Of of_;
  std::int64_t most_ = 0;
  std::size_t segment_ = 0;
  std::chrono::nanoseconds length_{1};
  std::map<std::int64_t, Column> columns_;
};

}  // namespace view
