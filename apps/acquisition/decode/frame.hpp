#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "acquisition/decode/checksum.hpp"
#include "acquisition/decode/decoder.hpp"

/// Binary frames (LEMI-025, LEMI-423, NIMS, ADS131M0x, most home-made boards). Page: apps/acquisition/doc/frame.md.
namespace daq::decode {

struct Density;
struct Numbering;
struct FrameSize;

enum class Number : std::uint8_t { I8, U8, I16, U16, I24, U24, I32, U32, I64, U64, F32, F64 };
[[nodiscard]] std::size_t size_of(Number type);
[[nodiscard]] constexpr bool is_float(Number type) { return type == Number::F32 || type == Number::F64; }
[[nodiscard]] constexpr bool is_signed(Number type) {
  return type == Number::I8 || type == Number::I16 || type == Number::I24 || type == Number::I32 || type == Number::I64;
}

/// Where a number stands in a frame.
struct NumberAt {
  std::ptrdiff_t at = 0;  ///< bytes from the frame's first byte; negative: from its end
  Number type = Number::U8;
  bool big_endian = false;
};

/// Bytes that must be there: byte & mask == value & mask.
struct Marker {
  std::vector<unsigned char> bytes;
  std::vector<unsigned char> mask;  ///< as long as `bytes`; empty = all bits count
};

/// A number that must have one value, else the frame is of another kind: "type == 1".
struct FrameMatch {
  NumberAt number;
  std::uint64_t mask = ~std::uint64_t{0};
  std::uint64_t value = 0;
};

struct FrameCheck {
  std::string name;  ///< of the rule, for people
  CheckRule rule;
  std::ptrdiff_t from = 0, to = 0;  ///< the bytes it covers; negative: from the end, `to` 0 = up to the end
  std::ptrdiff_t at = 0;
  bool big_endian = false;
  bool hex = false;  ///< two digits a byte
};

struct FrameCounter {
  NumberAt number;
  std::uint64_t modulus = 0;  ///< it goes from modulus - 1 to 0; 0: it has 64 bits
  bool of_samples = false;    ///< it counts samples, and is that of the first one; else it counts frames
};

struct FrameTime {
  bool bcd = false;                 ///< six bytes at `number.at`, two digits each: year, month, day, hour, minute, second
  NumberAt number{0, Number::U32};  ///< else: so many units since `epoch`
  mth5::Nanos unit{};               ///< > 0
  std::optional<NumberAt> ticks{};
  double ticks_hz = 1;  ///< of `ticks`, which are added
  mth5::UtcNanos epoch{};
  mth5::Nanos shift{};          ///< is added
  bool of_last_sample = false;  ///< else of the first one
  TimeKind kind = TimeKind::Gps;
  mth5::Nanos resolution{};  ///< times are cut to this step; 0 = exact
};

/// Says by whose clock the time is: Gps where (number & mask) is one of `values`, else Device.
struct FrameLock {
  NumberAt number;
  std::uint64_t mask = ~std::uint64_t{0};
  std::vector<std::uint64_t> values;
};

/// Samples that stand in a grid: row r of slot s at `at + r * row_step + s * slot_step`.
struct FrameSamples {
  NumberAt first;
  std::size_t row_step = 0;  ///< bytes; 0: one value for all samples of the frame
  std::size_t slot_step = 0;
  bool offset_binary = false;  ///< 0 is the most negative value
  struct Slot {
    std::size_t channel = 0;
    bool skip = false;
    double scale = 1, offset = 0;  ///< value = number * scale + offset
  };
  std::vector<Slot> slots;
};

/// State of health: value = ((number & mask) >> zeros below mask) * scale + offset, or what `values` says of it.
struct FrameField {
  std::size_t soh = 0;
  NumberAt number;
  std::uint64_t mask = 0;  ///< 0: the number as it is
  double scale = 1, offset = 0;
  std::vector<std::pair<std::uint64_t, double>> values;  ///< if there are any: others are not known (NaN)
};

/// One kind of frame. Its length is fixed, or told by a number in it, or by what it ends with.
struct FrameKind {
  std::string name = "data";
  Marker sync;     ///< its first bytes
  Marker trailer;  ///< its last ones
  std::vector<FrameMatch> match;
  std::size_t length = 0;  ///< bytes; 0: by the next
  struct LengthField {
    NumberAt number;
    std::size_t add = 0;  ///< bytes that the number does not count
  };
  std::optional<LengthField> length_field;
  std::vector<unsigned char> until;  ///< ends with the first of these
  std::size_t max_length = 0;        ///< bytes; the bound of all memory. Fixed length: not used
  std::vector<FrameCheck> checks;    ///< none: nothing is checked. Several: which it is shows by vote, and then it is used
  std::optional<FrameCounter> counter;
  std::optional<FrameTime> time;
  std::optional<FrameLock> lock;
  std::vector<FrameSamples> samples;  ///< all channels, each once; empty: a frame without samples, such as an answer
  std::size_t per_frame = 0;          ///< samples of each channel; 0: as many rows as there are before check and trailer
  std::vector<FrameField> fields;

  [[nodiscard]] std::size_t longest() const { return length != 0 ? length : max_length; }
};

/// A profile's description of the bytes on a line.
struct FrameFormat {
  double sample_rate = 1;          ///< Hz, nominal; for times of the last sample
  std::size_t confirm_frames = 1;  ///< so many good frames behind one another are believed; later ones as long as they follow
  std::size_t n_channels = 0;
  std::size_t n_soh = 0;
  std::vector<FrameKind> kinds;  ///< the first that fits holds
};

inline constexpr std::size_t kMaxFrameBytes = 65536 + 1024;
inline constexpr std::size_t kMaxConfirm = 16;

/// Bytes of the shortest frame that holds all that has a fixed place in it.
[[nodiscard]] std::size_t least_length(const FrameKind& kind);

/// The most samples of each channel that a frame of this kind can have, of a good format; 0 of one without samples.
[[nodiscard]] std::size_t most_rows(const FrameKind& kind);

/// What its bytes can say at the finest; 0 = any time.
[[nodiscard]] mth5::Nanos step_of(const FrameTime& time);

/// For decode::density(), numbering() and first_frame().
[[nodiscard]] Density frame_density(const FrameFormat& format);
[[nodiscard]] Numbering frame_numbering(const FrameFormat& format);
[[nodiscard]] FrameSize first_binary_frame(const FrameFormat& format, std::span<const char> bytes);

/// What is wrong with a format, "" = nothing: places outside of a frame, a channel without samples or with two, no bound.
[[nodiscard]] std::string check_frame_format(const FrameFormat& format);

/// Searches frames, believes them when enough follow one another, and counts why other bytes were skipped. After a bad frame it
/// goes on with the next byte, so that no whole frame is lost to a damaged one before it. Holds at most confirm_frames times the
/// longest frame (twice that in memory).
/// @throws std::invalid_argument what check_frame_format() says
[[nodiscard]] std::unique_ptr<Decoder> make_frame_decoder(const FrameFormat& format);

}  // namespace daq::decode
