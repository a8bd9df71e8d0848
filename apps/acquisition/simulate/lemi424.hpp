#pragma once

#include <array>
#include <string>

#include "acquisition/simulate/instrument.hpp"

namespace daq::simulate {

/// One line of a LEMI-424. Source: the recordings in tests/data/lemi424.
struct Lemi424Record {
  mth5::UtcNanos time{};         ///< whole seconds are written
  std::array<double, 3> b_nt{};  ///< bx, by, bz
  double electronics_celsius = 0;
  double sensor_celsius = 0;
  std::array<double, 4> e{};  ///< e1 … e4, uV: its line lengths are 1
  double battery_v = 0;
  double elevation_m = 0;
  double latitude = 0;  ///< ddmm.mmmmm as on the line
  char north_south = 'N';
  double longitude = 0;  ///< dddmm.mmmmm
  char east_west = 'W';
  int satellites = 0;
  int gps_fix = 0;
  int clock_difference_s = 0;
};

/// Appends the line, byte for byte as the instrument writes it: 149 characters and '\n'. A value too big for its field makes the
/// line longer; nothing is cut.
void append_line(const Lemi424Record& record, std::string& out);

/// The row of the table. Signals: `mt` is NaturalField over dipoles of 100 m; `sine` is kLemi424Sines, `counter` is
/// lemi424_counter().
[[nodiscard]] Instrument lemi424();

/// Signal `sine`: mean + amplitude * sin(2 pi t / period), t in s since the first sample; channels bx by bz e1 e2 e3 e4.
struct Sine {
  double mean, amplitude, period_s;
};
inline constexpr std::array<Sine, 7> kLemi424Sines{{{24000, 100, 60},
                                                    {0, 50, 30},
                                                    {42000, 20, 120},  // nT
                                                    {0, 40, 60},
                                                    {0, 30, 30},
                                                    {0, 20, 120},
                                                    {0, 10, 15}}};  // uV
/// Signal `counter`: sample `index` of channel number `channel` (0 … 6: bx by bz e1 e2 e3 e4) is index + channel / 10.
[[nodiscard]] constexpr double lemi424_counter(std::uint64_t index, std::size_t channel) {
  return static_cast<double>(index) + static_cast<double>(channel) / 10;
}

}  // namespace daq::simulate
