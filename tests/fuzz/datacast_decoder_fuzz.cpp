#include <cstddef>
#include <cstdint>

#include "datacast_decoder_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::check_datacast_decoder({reinterpret_cast<const char*>(data), size});
  return 0;
}
