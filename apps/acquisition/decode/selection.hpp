#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "acquisition/decode/decoder.hpp"

namespace daq::decode {

/// `inner` without some of its channels: all its bytes are decoded and counted, the values of the others go.
/// @param n_channels  of each stream of `inner`
/// @param kept        which of them are given on, ascending, at least one; channel numbers of frames follow
[[nodiscard]] std::unique_ptr<Decoder> select_channels(std::unique_ptr<Decoder> inner, std::size_t n_channels,
                                                       std::vector<std::size_t> kept);

}  // namespace daq::decode
