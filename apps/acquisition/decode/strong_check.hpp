#pragma once

#include "acquisition/decode/frame.hpp"

namespace daq::decode {

/// Noise meets it once in 65536 at most: a frame with it needs no others that confirm it.
[[nodiscard]] inline bool is_strong(const FrameCheck& check) { return check.rule.bits >= 16; }

}  // namespace daq::decode
