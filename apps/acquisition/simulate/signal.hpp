#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/simulate/field.hpp"
#include "acquisition/simulate/instrument.hpp"

/// What the instruments that are made of profiles have in common. Thread: one.
namespace daq::simulate {

/// What a profile says by itself: name, description, rate, names of the values.
[[nodiscard]] Instrument named(const config::Instrument& profile);

/// A channel's share of the natural field, in its own units: magnetic by the last letter of its component (x, y, else z),
/// electric likewise (y, 2 and 4, else x); volts are those of a dipole of its length, or of 100 m; counts are thousandths of nT
/// and mV/km. Auxiliary, at `time`: a temperature, or the swell of the sea as a seismometer sees it.
[[nodiscard]] double natural(const config::ChannelProfile& channel, const NaturalField::Sample& field, mth5::UtcNanos time);

/// State of health of a station with a battery, a GPS fix and a good signal, by the name of the quantity.
[[nodiscard]] double steady(std::string_view name);

/// What `sine` and `counter` say in sample `index`: 1000 times a sine of 20 samples, in units of the channel; index * 8 + channel
/// in its own number, modulo what `bits` can hold with a sign, 24 at most.
[[nodiscard]] double sine(std::uint64_t index);
[[nodiscard]] double counter(std::uint64_t index, std::size_t channel, std::size_t bits);

/// What was sent last, for the truth: so that it does not depend on what a decoder makes of it.
struct Newest {
  const void* record = nullptr;
  std::optional<mth5::UtcNanos> time;
  bool says_time = true;            ///< as Description
  std::vector<std::string> values;  ///< of each channel

  /// As Instrument::describe.
  void describe(std::string_view bytes, Description& out) const;
};

}  // namespace daq::simulate
