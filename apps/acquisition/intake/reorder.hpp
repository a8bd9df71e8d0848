#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "acquisition/decode/decoder.hpp"

namespace daq::intake {

/// Puts the frames of datagrams that a network turned round in order again, before the timeline sees them. A frame before which
/// others are missing, by its counter or else by its time, waits until these have come, but only until kMost frames wait, or for
/// kLongest: then they are lost, or later than is waited for, which the timeline says. What follows waits for nothing. Frames
/// that say neither number nor time, or a time that is cut to more than a frame, are given on as they come. Pure. Memory: kMost
/// frames. Thread: io.
class Reorder {
 public:
  static constexpr std::size_t kMost = 8;  ///< frames that wait
  static constexpr int kLongest = 10;      ///< s

  struct Options {
    double sample_rate = 1;  ///< Hz, nominal
    std::size_t n_channels = 1;
    std::uint64_t counter_modulus = 0;    ///< as timing::Options::counter_modulus
    std::uint64_t samples_per_count = 1;  ///< likewise
    mth5::Nanos stamp_resolution{0};      ///< likewise
  };
  /// Thread: that of push().
  class Sink {
   public:
    virtual ~Sink() = default;
    /// @param values  [n_samples][n_channels] of the frame. @param kept  they are good until the call returns, else as in push()
    virtual void in_order(const decode::Frame& frame, const double* values, bool kept) = 0;
  };

  Reorder(const Options& options, Sink& sink) : options_{options}, sink_{sink} {}

  /// Of all channels.
  void push(const decode::Frame& frame, const double* values);
  /// A second has passed. @returns whether something was given on
  bool tick();
  /// Nothing more will come that belongs between: what waits is given on.
  void flush();

  [[nodiscard]] std::size_t frames() const { return held_.size(); }  ///< that wait
  [[nodiscard]] std::size_t samples() const { return samples_; }     ///< of these

 private:
  struct Held {
    decode::Frame frame;
    std::vector<double> values;
  };
  /// Samples from where the next frame would begin to this one; nullopt: it does not say.
  [[nodiscard]] std::optional<double> ahead(const decode::Frame& frame) const;
  void give(const decode::Frame& frame, const double* values, bool kept);
  /// The first of those that wait, and those that follow it.
  void give_front();
  void give_following();

  const Options options_;
  Sink& sink_;
  std::optional<decode::Frame> last_;  ///< given on in order: the newest by counter or time
  std::size_t behind_ = 0;             ///< frames in a row that were
  std::deque<Held> held_;              ///< by their places
  int seconds_ = 0;                    ///< that the first of them has waited
  std::size_t samples_ = 0;
};

}  // namespace daq::intake
