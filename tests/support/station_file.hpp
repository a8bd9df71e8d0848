#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "support/acquisition_file.hpp"

namespace support {

/// Samples of a channel at a site: a field that is the redder the slower, a day's variation, noise of the instrument, a spike in
/// two hours, the resolution of its converter; at rates with room for it the power line. Of plain arithmetic only, so that it is
/// the same with every C library. Thread: a value.
class FieldSignal {
 public:
  FieldSignal(std::size_t channel, double rate);
  [[nodiscard]] float next();

 private:
  using Point = std::array<double, 2>;
  static constexpr std::array kPeriods{5.0, 100.0, 2'000.0};  ///< s

  std::uint64_t random();
  double normal();
  static double turn(Point& point, double angle);

  std::uint64_t random_;
  double rate_, step_, noise_, level_, day_size_, mains_size_;
  std::array<double, kPeriods.size()> keep_{}, size_{}, state_{};
  Point day_{1, 0}, mains_{1, 0};
};

/// A file of a station MT07 as a recorder leaves it, with what happened at its channels ex, ey, hx, hy, hz (float32, mV/km and
/// nT): gaps, clock, state of health, ledger. The same to the byte each time. Thread: one; the process must hold no reader of a
/// file that is not closed.
class StationFile {
 public:
  /// What happens to samples [first, end) of a channel, counted over all runs.
  struct Event {
    enum class Kind { Stuck, Missing, Jump, Cut };
    Kind kind;
    std::size_t channel;
    std::int64_t first, end;
    float value = 0;  ///< that it is stuck at
  };

  /// @param after  AcquisitionFile::start() it begins
  StationFile(const std::filesystem::path& path, double rate, std::vector<Event> events, std::chrono::seconds after = {});

  /// A run that begins so long after the start of the file. @param filled  samples of it that are fill values
  void add_run(const std::string& id, std::chrono::seconds after, std::int64_t n,
               std::pair<std::int64_t, std::int64_t> filled = {});
  /// @param after  the start of the file
  void gap(std::chrono::seconds after, std::int64_t samples, std::string_view reason, std::string_view before,
           std::string_view behind);
  /// State of health until so long after the start, the ledger, and the end.
  void close(std::chrono::seconds end);

 private:
  [[nodiscard]] float changed(std::size_t channel, std::int64_t at, float value);

  double rate_;
  std::vector<Event> events_;
  std::chrono::seconds after_;
  AcquisitionFile file_;
  mth5::TableId health_;
  std::vector<FieldSignal> signals_;
  std::int64_t samples_ = 0, filled_ = 0;
};

}  // namespace support
