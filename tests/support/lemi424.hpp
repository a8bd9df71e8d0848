#pragma once

#include <string>

#include "acquisition/decode/text.hpp"

/// The LEMI-424 line as a format, and lines of it. Source: protocols of mt-io, recordings in tests/data/lemi424.
namespace support {

inline daq::decode::TextFormat lemi424_format() {
  using Column = daq::decode::TextColumn;
  using Use = Column::Use;
  daq::decode::TextFormat format;
  format.n_channels = 9;
  format.n_soh = 7;
  for (const Use use : {Use::Year, Use::Month, Use::Day, Use::Hour, Use::Minute, Use::Second}) format.columns.push_back({use});
  // bx by bz, temperature_e temperature_h, e1 e2 e3 e4
  std::size_t channel = 0;
  for (const int decimals : {3, 3, 3, 2, 2, 3, 3, 3, 3}) format.columns.push_back({Use::Channel, channel++, false, decimals});
  format.columns.push_back({Use::Soh, 0, false, 2});  // battery
  format.columns.push_back({Use::Soh, 1, false, 1});  // elevation
  format.columns.push_back({Use::Soh, 2, true, 5});   // latitude
  format.columns.push_back({Use::Hemisphere, 2});
  format.columns.push_back({Use::Soh, 3, true, 5});  // longitude
  format.columns.push_back({Use::Hemisphere, 3});
  for (std::size_t soh = 4; soh < 7; ++soh) format.columns.push_back({Use::Soh, soh});  // satellites, fix, time difference
  return format;
}

/// What stands behind the time in a whole line.
inline const std::string kLemi424Values =
    "23772.512   238.148 41845.187  33.88  25.87   142.134   -45.060   213.787     8.224 12.78 2199.0 3404.83963 N 10712.84474 W "
    "12 2 0";

/// A whole line without line end; `second` counts from 2020-10-04T00:00:00.
inline std::string lemi424_line(int second) {
  const auto two = [](int n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); };
  return "2020 10 04 " + two(second / 3600 % 24) + " " + two(second / 60 % 60) + " " + two(second % 60) + " " + kLemi424Values;
}

}  // namespace support
