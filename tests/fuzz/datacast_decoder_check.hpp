#pragma once

#include "decoder_check.hpp"

/// The datacast decoder on any bytes.
namespace fuzz {

inline std::uint64_t check_datacast_decoder(std::string_view bytes) {
  static const daq::decode::Description format = daq::decode::DatacastFormat{.codes = {"EHZ", "ENZ", "E"}, .n_channels = 3};
  return check_decoder(format, bytes);
}

}  // namespace fuzz
