#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "acquisition/decode/decoder.hpp"

/// miniSEED 2: records, each with samples of one channel. Page: apps/acquisition/doc/miniseed.md.
namespace daq::decode {

struct Density;
struct Numbering;
struct FrameSize;

/// A profile's description: which records are those of its channels.
struct MiniSeedFormat {
  /// [n_channels]: "CHA", "LOC.CHA" or "NET.STA.LOC.CHA", in each part ? for any character and * for any characters. The first
  /// channel that fits has a record, and holds to the first of several that would do.
  std::vector<std::string> codes;
  double sample_rate = 1;     ///< Hz; records of another rate are of another stream
  unsigned locked_from = 60;  ///< %, of the timing quality: times are those of GPS; less, or none: of the instrument's own clock
  std::size_t n_channels = 0;
  std::size_t n_soh = 0;  ///< 1: the timing quality in %, NaN where the record has none
};

inline constexpr std::size_t kLeastRecord = 128;   ///< bytes
inline constexpr std::size_t kMostRecord = 65536;  ///< likewise

/// What stands in front of the samples of a record.
struct RecordHeader {
  std::string network, station, location, channel;  ///< without blanks
  mth5::UtcNanos start{};                           ///< of the first sample, with its time correction
  mth5::Nanos time_step{};                          ///< `start` is cut to it
  double rate_hz = 0;                               ///< 0: no time series
  std::size_t n_samples = 0;
  std::optional<unsigned> timing_quality{};  ///< %
  std::optional<std::size_t> bytes{};        ///< of the record; nullopt: it does not say
  int encoding = 0;                          ///< as in blockette 1000; Steim1 where there is none
  bool big_endian = true;                    ///< the samples
  std::size_t data_at = 0;                   ///< bytes; less than those of the record, or 0 if there are no samples

  [[nodiscard]] std::string id() const { return network + '.' + station + '.' + location + '.' + channel; }
};

/// @param bytes  from the first one of a record to its end at least, as far as that is known
/// @returns nullopt: none that is in order
[[nodiscard]] std::optional<RecordHeader> read_record_header(std::span<const char> bytes);

/// "" or what is wrong with a code, as the end of a sentence.
[[nodiscard]] std::string check_record_code(std::string_view code);

/// For decode::density(), numbering() and first_frame().
[[nodiscard]] Density miniseed_density(const MiniSeedFormat& format);
[[nodiscard]] Numbering miniseed_numbering(const MiniSeedFormat& format);
[[nodiscard]] FrameSize first_miniseed_frame(const MiniSeedFormat& format, std::span<const char> bytes);

/// Records behind one another, of kLeastRecord to kMostRecord bytes; a datagram is one or more. What is damaged is left where the
/// next record begins. Memory: two of the longest record.
/// @throws std::invalid_argument if codes are not n_channels good ones, or n_soh is more than 1
[[nodiscard]] std::unique_ptr<Decoder> make_miniseed_decoder(const MiniSeedFormat& format);

}  // namespace daq::decode
