#include <cstddef>
#include <cstdint>

#include "frame_decoder_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::check_frame_decoders({reinterpret_cast<const char*>(data), size});
  return 0;
}
