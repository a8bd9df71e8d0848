#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "acquisition/simulate/signal.hpp"

/// Instruments that send each channel by itself, some rows of it at once. Thread: one.
namespace daq::simulate {

/// What is sent last.
struct NewestPackets {
  config::Instrument profile;
  std::vector<std::vector<double>> rows;  ///< [channel][row]
  std::uint64_t number = 0;               ///< counted from 1
  Newest newest;
};

struct PacketForm {
  /// Rows of a packet at so many Hz.
  std::function<std::size_t(double rate_hz)> n_rows;
  mth5::Nanos step{};  ///< to which times are cut
  /// Whether a channel has whole numbers only.
  std::function<bool(const config::ChannelProfile&)> is_whole;
  /// The packets of all channels.
  std::function<std::string(const NewestPackets&, mth5::UtcNanos)> text;
};

/// An instrument of this profile that sends them, with all that follows from it.
[[nodiscard]] Instrument packeted(const std::shared_ptr<NewestPackets>& packets, const PacketForm& form);

}  // namespace daq::simulate
