#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "acquisition/config/config.hpp"
#include "mth5/time.hpp"

/// How well this computer's clock is known, by those that keep it: gpsd and chronyd. Thread: io, all of it.
namespace daq::source {

/// What one of them says.
struct HostClock {
  double known_to_s = std::numeric_limits<double>::infinity();  ///< the clock is off UTC by no more; infinity = not known
  std::string says = "nothing yet";                             ///< for people, one line

  [[nodiscard]] bool is_known() const { return known_to_s < std::numeric_limits<double>::infinity(); }
};

/// Reads what gpsd sends (gpsd_json(5)), a JSON object a line. Pure.
class GpsdReader {
 public:
  /// @param line  without its end @param arrival  of the line, by the clock that is judged
  /// @returns what is known by it; nullopt: it says nothing of the clock
  [[nodiscard]] std::optional<HostClock> line(std::string_view line, mth5::UtcNanos arrival);

 private:
  [[nodiscard]] HostClock judged(mth5::UtcNanos now) const;

  struct Offset {
    double s;         ///< the computer's clock - UTC
    double unsure_s;  ///< of that
    mth5::UtcNanos at;
  };
  int mode_ = 0;         ///< of the fix: 0 unknown, 1 none, 2 of the plane, 3 of space
  int satellites_ = -1;  ///< used; -1 = not told
  std::optional<Offset> pulse_, times_;
  std::optional<mth5::UtcNanos> toff_;  ///< when the last one came
};

/// Reads the line of `chronyc -c tracking`. Pure.
[[nodiscard]] HostClock read_tracking(std::string_view line);

/// Asks all of them, and tells what the best of them knows: whoever has not been heard for its idle_timeout knows nothing.
class HostClocks {
 public:
  /// What changed: `log` is not empty where people should know it (known, not known any more; a source that is lost, or back).
  using Told = std::function<void(const HostClock& best, const std::string& log)>;

  HostClocks(boost::asio::io_context& io, const std::vector<config::ClockSource>& sources, Told told);
  ~HostClocks();
  HostClocks(const HostClocks&) = delete;
  HostClocks& operator=(const HostClocks&) = delete;

  void start();
  /// Nothing is told behind it.
  void stop();

 private:
  class Asked;
  class Gpsd;
  class Chrony;

  void heard(std::size_t index, HostClock clock);

  const std::vector<config::ClockSource>& sources_;
  Told told_;
  std::vector<std::unique_ptr<Asked>> asked_;
  std::vector<HostClock> known_;
  std::vector<bool> heard_;  ///< by source; that nothing is known is not told before all of them are
  std::string last_log_;
};

}  // namespace daq::source
