#include "acquisition/decode/decoder.hpp"

namespace daq::decode {

std::string_view to_string(Skip reason) {
  switch (reason) {
    case Skip::Garbage:
      return "garbage";
    case Skip::CutOff:
      return "cut-off";
    case Skip::BadTime:
      return "bad-time";
    case Skip::BadValue:
      return "bad-value";
    case Skip::TooLong:
      return "too-long";
    case Skip::Count:
      break;
  }
  return "unknown";
}

}  // namespace daq::decode
