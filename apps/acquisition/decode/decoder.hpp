#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/decode/refusal.hpp"
#include "acquisition/ledger/counters.hpp"
#include "acquisition/ledger/durable.hpp"
#include "mth5/time.hpp"

/// From bytes to samples. Decoders do no I/O, hold no clock and never throw on input: what is no frame is counted.
namespace daq::decode {

using ledger::Skip;

/// Bytes as they came: a piece of a stream of bytes, or one whole datagram.
struct Chunk {
  std::span<const char> bytes;
  mth5::UtcNanos arrival{};  ///< when they were read, by the host's clock
  /// The same by a clock that nobody sets; the epoch = not known: then nobody sees that the host's clock was set.
  std::chrono::steady_clock::time_point steady{};
  bool datagram = false;     ///< a frame never goes on in the next chunk; an empty one ends what came before
  std::string_view token{};  ///< where a source of one stream can go on behind it, as Token::text; "" = it does not say
};

/// By whose clock a frame's time is.
enum class TimeKind : std::uint8_t {
  None,    ///< it has none: it lies where its counter, or the number of samples before it, says
  Host,    ///< when it arrived, by this computer's clock
  Device,  ///< by the instrument's own clock, not locked to anything it says so of
  Gps,     ///< by the instrument's clock while locked to GPS
};
/// "none", "host", "device", "gps": as in the file and the status.
[[nodiscard]] constexpr std::string_view to_string(TimeKind kind) {
  constexpr std::array<std::string_view, 4> kNames{"none", "host", "device", "gps"};
  return kNames.at(static_cast<std::size_t>(kind));
}

inline constexpr std::uint16_t kAllChannels = std::numeric_limits<std::uint16_t>::max();

/// Samples in a row of one stream.
struct Frame {
  std::uint16_t stream = 0;              ///< which of the decoder's streams
  std::uint16_t channel = kAllChannels;  ///< whose samples; one channel where the channels of a stream arrive apart
  std::uint32_t n_samples = 0;           ///< 0: nothing but state of health
  std::size_t first = 0;                 ///< of its values in Batch::samples: [n_samples][channels]
  mth5::UtcNanos time{};                 ///< of the first sample, by the clock that `kind` names
  TimeKind kind = TimeKind::Gps;
  std::optional<std::uint64_t> counter{};  ///< as the frame carries it: of the frame or of its first sample
  std::uint32_t status = 0;                ///< bits of the instrument
  mth5::Nanos time_step{};                 ///< `time` is cut to it, as far as its digits say; 0 = exact
  bool after_skip = false;                 ///< bytes were skipped between the frame before and this one
  mth5::UtcNanos arrival{};                ///< of the chunk that completed it
};

/// What an instrument says of itself: one row.
struct StateRow {
  mth5::UtcNanos time{};
  std::size_t first = 0;  ///< of its values in Batch::soh: [n_soh], NaN = not known
};

/// Where the source of a stream can go on, behind what was decoded before it: a number of the instrument's, a place in a file. It
/// comes back to the source as ledger::Durable when those samples are on the disk.
struct Token {
  std::uint16_t stream = 0;  ///< which of the decoder's streams
  std::size_t frames = 0;    ///< it holds behind so many of the batch's
  std::string text{};        ///< ledger::kLongestToken bytes at most
};

/// Decoded frames and states, in order; reused from call to call so that steady state allocates nothing.
struct Batch {
  std::vector<Frame> frames;
  std::vector<double> samples;
  std::vector<StateRow> states;
  std::vector<double> soh;
  std::vector<Token> tokens;

  void clear() {
    tokens.clear();
    frames.clear();
    samples.clear();
    states.clear();
    soh.clear();
  }
};

/// One per source. Thread: the one that feeds it.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Takes all bytes; appends whole frames to `out`; keeps what is not decided yet (bounded memory).
  virtual void feed(const Chunk& chunk, Batch& out) = 0;
  /// The stream ended or broke off: a last frame that is whole without its end mark is taken, the rest is counted CutOff.
  virtual void end_of_stream(Batch& out) = 0;
  /// Of reconnects, soh_dropped, commands and input faults it knows nothing.
  [[nodiscard]] virtual const ledger::SourceCounters& counters() const = 0;
  /// The first few things that were skipped; front() is the one to show.
  [[nodiscard]] virtual const std::vector<Refusal>& refusals() const = 0;
  /// What it has found out about its line, a sentence each: for people.
  [[nodiscard]] virtual std::vector<std::string> findings() const { return {}; }
  /// What of it was settled since this was asked, each once: for the log.
  [[nodiscard]] virtual std::vector<std::string> take_news() { return {}; }
};

}  // namespace daq::decode
