#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace daq::status {

/// What a source does, as an operator would say it.
enum class Delivery {
  Waiting,    ///< not connected (never was, or the device is gone), or only just
  NoData,     ///< connected, and nothing comes
  Garbage,    ///< bytes come, and nothing in them can be decoded
  Receiving,  ///< frames come
  Ended       ///< nothing more will come
};
/// "waiting", "no-data", "garbage", "receiving", "ended".
[[nodiscard]] std::string_view to_string(Delivery delivery);

/// From what happens to a source to what it does. A plain value: the time comes from outside.
class Flow {
 public:
  using Steady = std::chrono::steady_clock;

  /// Silence is told apart from a pause by the time between frames, five of them, but not in less than this.
  static constexpr std::chrono::seconds kLeastSilence{5};

  /// @param period  between two frames as the instrument sends them
  Flow(std::chrono::duration<double> period, Steady::time_point now);
  Flow() : Flow{std::chrono::seconds{1}, Steady::time_point{}} {}

  void connected(Steady::time_point now);
  void disconnected(Steady::time_point now);
  void ended(Steady::time_point now);
  /// Bytes came. @param frames, stored  totals: frames decoded, samples on their way to the file
  void received(Steady::time_point now, std::uint64_t frames, std::uint64_t stored);

  struct Verdict {
    Delivery delivery;
    Steady::time_point since;
  };
  [[nodiscard]] Verdict at(Steady::time_point now) const;
  /// Whether samples went on to the file lately.
  [[nodiscard]] bool stores(Steady::time_point now) const { return is_recent(last_stored_, now); }
  [[nodiscard]] bool is_ended() const { return ended_.has_value(); }
  [[nodiscard]] bool is_connected() const { return connected_.has_value(); }
  [[nodiscard]] std::optional<Steady::time_point> last_data() const { return last_data_; }

 private:
  [[nodiscard]] bool is_recent(const std::optional<Steady::time_point>& event, Steady::time_point now) const {
    return event && now <= *event + silence_;
  }

  Steady::duration silence_;
  Steady::time_point lost_;                         ///< or the beginning
  std::optional<Steady::time_point> silent_since_;  ///< how long nothing had come before first_data_, if that was a silence
  std::optional<Steady::time_point> connected_, ended_, first_data_, last_data_, last_frame_, frames_since_, last_stored_;
  std::uint64_t frames_ = 0, stored_ = 0;
};

}  // namespace daq::status
