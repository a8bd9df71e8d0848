#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "mth5/time.hpp"

/// From bytes to samples. Decoders do no I/O, hold no clock and never throw on input: what is no frame is counted.
namespace daq::decode {

/// Why bytes did not become a sample.
enum class Skip : std::uint8_t {
  Garbage,   ///< not a record of this instrument
  CutOff,    ///< a record that ends too early (or the rest of one, at a disconnect)
  BadTime,   ///< a record whose date or time does not exist
  BadValue,  ///< a record with a field that is no number where one must be
  TooLong,   ///< no line end within the longest line, no frame within the longest frame
  Count
};
inline constexpr std::size_t kSkips = static_cast<std::size_t>(Skip::Count);
/// "garbage", "cut-off", "bad-time", "bad-value", "too-long": as in status, ledger and log.
[[nodiscard]] std::string_view to_string(Skip reason);

/// Where every byte went: bytes_in == bytes_decoded + bytes_pending + sum(bytes_skipped) after every call.
struct Counters {
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_decoded = 0;  ///< frames with their line ends; also blank lines and comments
  std::uint64_t bytes_pending = 0;  ///< the beginning of a frame that is not complete yet
  std::uint64_t frames = 0;
  std::array<std::uint64_t, kSkips> bytes_skipped{};
  std::array<std::uint64_t, kSkips> events_skipped{};  ///< runs of skipped bytes

  friend bool operator==(const Counters&, const Counters&) = default;
};

/// Decoded frames, structure of arrays; reused from call to call so that steady state allocates nothing.
struct Batch {
  struct Frame {
    mth5::UtcNanos time;  ///< of the frame's first sample, by the instrument's clock
    std::uint32_t n_samples;
    bool after_skip;  ///< bytes were skipped between the frame before and this one
  };
  std::size_t n_channels = 0;
  std::size_t n_soh = 0;
  std::vector<Frame> frames;
  std::vector<double> samples;  ///< [sum of n_samples][n_channels], in the order of frames
  std::vector<double> soh;      ///< [frames][n_soh], NaN = not in this frame

  void clear() {
    frames.clear();
    samples.clear();
    soh.clear();
  }
};

/// One per source. Thread: the one that feeds it.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Takes all bytes; appends whole frames to `out`; keeps at most one incomplete frame (bounded memory).
  virtual void feed(std::span<const char> bytes, Batch& out) = 0;
  /// The stream ended or broke off: a last frame that is whole without its end mark is taken, the rest is counted CutOff.
  virtual void end_of_stream(Batch& out) = 0;
  [[nodiscard]] virtual const Counters& counters() const = 0;
};

}  // namespace daq::decode
