#include <cstddef>
#include <cstdint>

#include "header_decoder_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::check_header_decoder({reinterpret_cast<const char*>(data), size});
  return 0;
}
