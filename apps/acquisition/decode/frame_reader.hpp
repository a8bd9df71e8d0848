#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "acquisition/decode/frame.hpp"
#include "acquisition/decode/strong_check.hpp"

/// One frame: whether it is one, and what it says. Internal to decode/.
namespace daq::decode {

/// What the front of some bytes is.
struct FrameFront {
  enum class Is : std::uint8_t { Frame, Incomplete, Bad };
  Is is = Is::Bad;
  std::size_t kind = 0;
  std::size_t bytes = 1;      ///< Frame: its length. Incomplete: so many are needed to say more. Bad: what the reason is of
  Skip why = Skip::Garbage;   ///< Bad
  bool matched = false;       ///< Bad: it began like a frame of `kind`
  mth5::UtcNanos time{};      ///< Frame with a time: of its first sample
  std::size_t n_samples = 0;  ///< Frame
};

/// Thread: one. Never throws on bytes.
class FrameReader {
 public:
  /// @throws std::invalid_argument what check_frame_format() says
  explicit FrameReader(const FrameFormat& format);

  /// What is said does not change when more bytes follow.
  /// @param at_end  nothing follows: what is incomplete is bad
  [[nodiscard]] FrameFront look(std::span<const char> bytes, bool at_end) const noexcept;
  /// Values of the samples of a whole frame. @param out  [n_samples][n_channels]
  /// @returns values that are no numbers; they are NaN
  std::size_t read_samples(const FrameFront& front, std::span<const char> frame, double* out) const noexcept;
  /// Overwrites the values of state of health that this kind of frame has. @returns values without a meaning; they are NaN
  std::size_t read_fields(const FrameFront& front, std::span<const char> frame, double* soh) const noexcept;
  [[nodiscard]] TimeKind time_kind(const FrameFront& front, std::span<const char> frame) const noexcept;
  [[nodiscard]] std::optional<std::uint64_t> counter(const FrameFront& front, std::span<const char> frame) const noexcept;

  /// No frame begins with such a byte.
  [[nodiscard]] bool cannot_begin(char c) const { return !begins_[static_cast<unsigned char>(c)]; }

  /// Where a kind has several checks: whether the one of this number fits the frame; which one is used from now on.
  [[nodiscard]] bool fits(std::size_t kind, std::size_t check, std::span<const char> frame) const noexcept;
  void use_check(std::size_t kind, std::size_t check) { plans_[kind].check = check; }
  /// Nothing in a frame of this kind tells for sure that its end is its own: half of one and the beginning of the next would do
  /// as well.
  [[nodiscard]] bool may_be_two(std::size_t kind) const noexcept {
    return plans_[kind].check == kNoCheck && !is_strong(format_.kinds[kind].trailer);
  }
  /// Frames of this kind have a check that chance does not meet.
  [[nodiscard]] bool is_sure(std::size_t kind) const noexcept {
    const auto check = plans_[kind].check;
    return check != kNoCheck && is_strong(format_.kinds[kind].checks[check]);
  }

 private:
  using Kernel = std::size_t (*)(const FrameSamples&, const char*, std::size_t, double*, std::size_t);
  struct Plan {
    std::size_t least = 0;  ///< bytes that hold all that has a fixed place
    std::size_t head = 0;   ///< bytes that say kind and length
    std::size_t tail = 0;   ///< bytes_behind()
    std::vector<Checksum> checksums;
    std::size_t check = kNoCheck;
    std::vector<Kernel> kernels;  ///< one for each block of samples
  };
  static constexpr std::size_t kNoCheck = static_cast<std::size_t>(-1);

  [[nodiscard]] FrameFront look_for(std::size_t kind, std::span<const char> bytes) const noexcept;
  /// Samples in a frame of `length` bytes; 0: they do not fit.
  [[nodiscard]] std::size_t rows_of(const FrameKind& kind, std::size_t tail, std::size_t length) const noexcept;
  /// 0 = not known yet; above the longest = too long.
  [[nodiscard]] std::size_t length_of(const FrameKind& kind, std::span<const char> bytes) const noexcept;
  [[nodiscard]] std::optional<mth5::UtcNanos> read_time(const FrameTime& time, std::span<const char> frame,
                                                        std::size_t n_samples) const noexcept;

  const FrameFormat format_;
  std::vector<Plan> plans_;
  bool begins_[256] = {};
};

/// An integer of a frame as the bits that stand there, without their sign. Floats: 0.
[[nodiscard]] std::uint64_t read_bits(const NumberAt& number, std::span<const char> frame) noexcept;
/// Most bytes of which something must be known before it is decided about the first of them.
[[nodiscard]] std::size_t longest_look(const FrameFormat& format);
/// Bytes behind the samples where the length says how many there are.
[[nodiscard]] std::size_t bytes_behind(const FrameKind& kind);

}  // namespace daq::decode
