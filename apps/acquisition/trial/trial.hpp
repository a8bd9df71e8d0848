#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/decode/decoder.hpp"
#include "acquisition/decode/shown.hpp"
#include "acquisition/timing/misfits.hpp"

/// What an instrument's profile makes of a recording, without recording it: `mth5d --try`.
namespace daq::trial {

/// Values of one channel or quantity. Memory is bounded: beyond kMost values the median is that of every second, fourth, …
class Range {
 public:
  void add(double value);  ///< NaN counts as unknown

  [[nodiscard]] std::uint64_t n() const { return n_; }
  [[nodiscard]] std::uint64_t unknown() const { return unknown_; }
  [[nodiscard]] double min() const { return min_; }  ///< this and the next two: only if n() > 0
  [[nodiscard]] double max() const { return max_; }
  [[nodiscard]] double median() const;

 private:
  static constexpr std::size_t kMost = 1 << 16;

  std::uint64_t n_ = 0, unknown_ = 0, step_ = 1;
  double min_ = 0, max_ = 0;
  std::vector<double> values_;
};

/// Thread: one.
class Trial {
 public:
  explicit Trial(const config::Instrument& instrument);

  /// @param arrival  by this computer's clock: the date of times of day
  void feed(std::span<const char> bytes, mth5::UtcNanos arrival = {});
  void end();

  [[nodiscard]] bool decoded_anything() const { return decoder_->counters().frames > 0; }
  /// Why nothing was decoded: "is empty", or the first refusal.
  [[nodiscard]] std::string why_nothing() const;
  /// For people. @param name  of the recording
  [[nodiscard]] std::string text(const std::string& name) const;
  /// schema 1: instrument, decoder, file, bytes, frames, frames_without_samples, counter (null where there is none),
  /// fields_unknown, frames_unchecked, short_lines, time, rate, channels, state_of_health, skipped, refused, findings. A channel
  /// whose values are not stored as they came has their numbers, by reason. A channel or quantity that is unknown in every frame
  /// has an example of what stood there, if anything did.
  [[nodiscard]] nlohmann::ordered_json json(const std::string& name) const;

 private:
  struct Rate {
    double hz;
    std::uint64_t steps, of;  ///< so many steps between frames say so, of all
  };

  void look();
  void count(const decode::Frame& frame);
  /// What stood in the fields of those that are unknown in every frame, from the beginning of the recording.
  void find_examples();
  /// "", or what stood there.
  [[nodiscard]] std::string example(bool soh, std::size_t index) const;
  [[nodiscard]] std::optional<Rate> rate() const;
  /// Of an instrument whose ticks count the samples of a second: their times are read by the rate of the profile, whatever it
  /// does. But where the ticks begin anew shows how many there are. nullopt: as many as the profile says, or it has none.
  [[nodiscard]] std::optional<Rate> rate_by_ticks() const;
  /// Of such an instrument; nullptr: it is none.
  [[nodiscard]] const decode::FrameTime* counted_ticks() const;
  /// No whole frame has been in its second before this one.
  [[nodiscard]] bool begins_second(const decode::FrameTime& form, const decode::Frame& frame) const;
  [[nodiscard]] std::optional<Rate> scattered_rate() const;
  /// The decoder's, and another rate than the profile's.
  [[nodiscard]] std::vector<std::string> findings() const;
  /// The decoder's, with advice where the bytes have some.
  [[nodiscard]] std::vector<decode::Refusal> refused() const;

  const config::Instrument& instrument_;
  std::unique_ptr<decode::Decoder> decoder_;
  decode::Batch batch_;
  std::vector<Range> channels_, soh_;
  timing::Misfits misfits_;
  std::vector<timing::Misfits::News> misfits_found_;  ///< of the whole recording
  std::string beginning_;                             ///< of the recording
  mth5::UtcNanos arrival_{};                          ///< of that
  struct Example {
    decode::Quantity of;
    std::string text;  ///< printable
  };
  std::vector<Example> examples_;
  std::optional<mth5::UtcNanos> first_, last_;  ///< times
  std::optional<mth5::Nanos> time_step_;        ///< of the newest frame of one sample that has no counter
  struct Newest {
    mth5::UtcNanos time{};
    std::uint32_t n_samples = 0;
    std::uint64_t n_alike = 0;  ///< samples since the time went on
  };
  std::map<std::uint16_t, Newest> newest_;                 ///< the frame before, by Frame::channel
  std::map<std::int64_t, std::uint64_t> steps_;            ///< ns a sample -> how often
  std::map<std::int64_t, std::uint64_t> steps_to_second_;  ///< those to the first frame of a second, where ticks count in it
  /// The same from one time to the next other one: of times that are cut to more than a frame.
  std::map<std::int64_t, std::uint64_t> coarse_steps_;
  std::uint64_t n_steps_ = 0;
  mth5::Nanos cut_{0};              ///< what the newest time is cut to
  std::uint64_t with_samples_ = 0;  ///< frames
  struct Counted {
    std::uint64_t first = 0, newest = 0, n = 0;
    std::uint64_t other = 0;  ///< times that it did not go on by what the frame before holds
    std::uint64_t next = 0;
  };
  std::optional<Counted> counter_;
};

}  // namespace daq::trial
