#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "acquisition/decode/decoder.hpp"

namespace daq::intake {

/// Brings together the channels of a stream that arrive apart, each in frames of its own (SeedLink, Raspberry Shake: a packet a
/// channel). Pure: no clock of its own, time passes with the arrivals. Memory: at most `most_samples` a channel and what one
/// frame holds. Thread: io.
///
/// Samples of one moment have the same index on a grid that begins with the first frame; a channel's next frame is contiguous
/// when its time is within half a sample of where the one before led, so that a clock that drifts, the same for all channels,
/// parts nobody. Given out is what all channels have. A channel that is known to lack samples (two of its frames lie behind them:
/// datagrams may change places), or that stays away longer than `wait` (at least twice as long as the longest frame: who sends
/// long ones sends them rarely) while others have samples, is NaN there, and that is told; what it sends later for those times is
/// dropped and counted. A gap of all is one by the same rule. Three frames in a row of a channel that are all too late, each
/// behind the one before, while most other channels are late too, are a clock that was set back: what waits is given out, and all
/// go on from there.
class Aligner {
 public:
  struct Options {
    double sample_rate = 1;  ///< Hz, nominal
    std::size_t n_channels = 1;
    mth5::Nanos wait = std::chrono::seconds{30};
    std::size_t most_samples = 65536;  ///< that wait of one channel: then the others are not waited for any longer
  };
  /// Thread: that of push().
  class Sink {
   public:
    virtual ~Sink() = default;
    /// All channels: `values` is [n_samples][n_channels] and good until the call returns.
    virtual void aligned(const decode::Frame& frame, const double* values) = 0;
    /// `n` samples of one channel, the first at `start`, are NaN in what aligned() is given next.
    virtual void away(std::size_t channel, mth5::UtcNanos start, std::int64_t n) = 0;
  };

  Aligner(const Options& options, Sink& sink) : options_{options}, sink_{sink}, channels_(options.n_channels) {}

  /// Samples of frame.channel, [n_samples].
  void push(const decode::Frame& frame, const double* values);
  /// Rows up to `time` are stored: what is sent again of them is late. Before the first push(); of several times the latest
  /// holds.
  void begin_at(mth5::UtcNanos time) { origin_ = std::max(origin_.value_or(time), time); }
  /// Nothing more will come: what waits is given out.
  void finish();

  /// Samples of single channels that came when the others had gone on without them, or twice, or at a time that was nobody's.
  [[nodiscard]] std::uint64_t late() const { return late_; }
  /// Samples of single channels that wait.
  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] std::size_t waiting(std::size_t channel) const { return channels_.at(channel).waiting; }
  /// The frames that hold them.
  [[nodiscard]] std::size_t frames() const;

 private:
  struct Piece {
    std::int64_t index;  ///< of its first sample on the grid
    mth5::UtcNanos time;
    decode::TimeKind kind;
    mth5::UtcNanos arrival;
    bool after_skip;
    std::vector<double> values;

    [[nodiscard]] std::int64_t end() const { return index + static_cast<std::int64_t>(values.size()); }
  };
  struct Channel {
    std::deque<Piece> pieces;  ///< by index; none overlaps with the next
    std::deque<Piece> behind;  ///< the newest in a row that lie before at_
    std::int64_t next = 0;     ///< where a contiguous frame begins
    double offset = 0;         ///< by how many samples its clock was off the grid there
    bool seen = false;
    mth5::UtcNanos heard{};  ///< arrival of its newest frame
    std::size_t waiting = 0;
  };

  void insert(Channel& channel, Piece piece);
  void keep_behind(Channel& channel, Piece piece);
  [[nodiscard]] bool was_set_back(const Channel& channel) const;
  void begin_anew();
  void give_out(bool all);
  void emit(std::int64_t end);
  [[nodiscard]] bool has(const Channel& channel) const { return !channel.pieces.empty() && channel.pieces.front().index <= at_; }
  [[nodiscard]] bool is_missed(const Channel& channel, bool somebody) const;
  void drop_wild();
  [[nodiscard]] mth5::Nanos wait() const { return std::max(options_.wait, 2 * longest_); }

  const Options options_;
  Sink& sink_;
  std::vector<Channel> channels_;
  std::optional<mth5::UtcNanos> origin_;  ///< of the grid
  std::int64_t at_ = 0;                   ///< what is before it has been given out
  mth5::UtcNanos now_ = mth5::UtcNanos::min();
  mth5::Nanos longest_{};  ///< frame so far
  std::uint64_t late_ = 0;
  std::vector<double> rows_;  ///< reused
  std::vector<bool> took_;    ///< reused
};

}  // namespace daq::intake
