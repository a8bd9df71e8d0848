#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "acquisition/ledger/reasons.hpp"
#include "acquisition/timing/options.hpp"

namespace daq::timing {

/// Counts the values that a file does not give back as they came: what becomes of each says as_stored(). Thread: one.
class Misfits {
 public:
  /// @param stored_as  by channel; empty: all are stored as they come
  explicit Misfits(std::vector<StoredAs> stored_as);

  /// @param rows  [n][n_channels]; NaN is no value, and counts nowhere
  void look(std::span<const double> rows) {
    if (stored_as_.empty()) return;
    for (std::size_t i = 0, c = 0; i < rows.size(); ++i, c = c + 1 == stored_as_.size() ? 0 : c + 1) look_at(c, rows[i]);
  }
  /// One value of one channel.
  void add(std::size_t channel, double value) {
    if (!stored_as_.empty()) look_at(channel, value);
  }

  using Counts = std::array<std::uint64_t, ledger::kMisfits>;
  /// Of all channels.
  [[nodiscard]] const Counts& counts() const { return counts_; }
  /// What was stored is lost, and counts no more.
  void set_counts(const Counts& counts) { counts_ = counts; }

  struct News {
    std::size_t channel = 0;
    ledger::Misfit misfit{};
    std::uint64_t n = 0;
    double first = 0;  ///< value
    StoredAs as;
  };
  /// Of each channel and reason what was counted since it was asked for.
  [[nodiscard]] std::vector<News> take_news();

 private:
  /// Nearly all values fit, and each pays for this.
  void look_at(std::size_t channel, double value) {
    const auto& fit = fits_[channel];
    const bool within = value >= fit.low && value <= fit.high && value != fit.fill;
    if (within && (!fit.whole || static_cast<double>(static_cast<std::int64_t>(value)) == value)) return;
    judge(channel, value);
  }
  void judge(std::size_t channel, double value);
  void count(std::size_t channel, ledger::Misfit misfit, double value);

  struct Fit {
    double low, high;
    double fill;  ///< NaN = none
    bool whole;
  };
  const std::vector<StoredAs> stored_as_;
  std::vector<Fit> fits_;  ///< by channel
  Counts counts_{};
  struct Since {
    std::uint64_t n = 0;
    double first = 0;
  };
  std::vector<std::array<Since, ledger::kMisfits>> since_;  ///< by channel
};

/// "int16, -32768 to 32767, fill -999": what a channel can hold.
[[nodiscard]] std::string to_string(const StoredAs& as);

}  // namespace daq::timing
