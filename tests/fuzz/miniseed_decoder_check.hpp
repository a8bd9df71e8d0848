#pragma once

#include "decoder_check.hpp"

/// The miniSEED decoder on any bytes.
namespace fuzz {

inline std::uint64_t check_miniseed_decoder(std::string_view bytes) {
  static const daq::decode::Description format =
      daq::decode::MiniSeedFormat{.codes = {"?FX", "?QX", "XX.*.*.L??"}, .sample_rate = 1, .n_channels = 3, .n_soh = 1};
  return check_decoder(format, bytes);
}

}  // namespace fuzz
