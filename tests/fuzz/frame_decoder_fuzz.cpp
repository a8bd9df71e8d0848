#include <cstddef>
#include <cstdint>

#include "frame_decoder_check.hpp"

/// The first byte chooses the format.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  fuzz::check_decoder(fuzz::frame_formats()[data[0] % fuzz::frame_formats().size()],
                      {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
