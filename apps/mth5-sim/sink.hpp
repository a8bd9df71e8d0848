#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/simulate/faults.hpp"
#include "log.hpp"
#include "mth5/time.hpp"
#include "stop.hpp"

namespace sim {

/// How long an end that was asked for waits for a reader.
inline constexpr std::chrono::seconds kDrainAfterStop{2};

/// Gets what the other end sends. Thread: main.
using Listener = std::function<void(std::string_view bytes)>;

/// Where the bytes go. Every call returns early when stop is requested. Thread: main.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Returns when bytes can go: the pty stands, a client is there. @throws mth5::Error
  virtual void open() = 0;
  /// Writes, waiting as long as the other end does not read. @returns bytes taken: fewer than all if the other end went (the next
  /// call waits for the next one) or stop is requested. @throws mth5::Error
  [[nodiscard]] virtual std::size_t write(std::string_view bytes) = 0;
  /// Whether what one write() gets arrives as a piece of its own: then it is to be one record.
  [[nodiscard]] virtual bool sends_messages() const { return false; }
  /// Lets time pass, watching the other end. Returns early when it has sent something.
  virtual void wait_until(Clock::time_point until) = 0;
  /// Lets the reader take everything, takes the connection away, comes back after `away`.
  virtual void disconnect(mth5::Nanos away) = 0;
  /// Of servers: from now on it does what a good one does not.
  virtual void misbehave(daq::simulate::FaultPlan::Served::Kind /*kind*/, mth5::Nanos /*length*/) {}
  /// Waits until the other end has taken everything, then closes.
  /// @param deadline  nullopt = as long as it takes
  /// @returns "", or what was not taken
  [[nodiscard]] virtual std::string finish(std::optional<Clock::time_point> deadline) = 0;

  /// Who hears what the other end sends while open(), write() or wait_until() run; nobody: it is thrown away.
  void set_listener(Listener listener) { listener_ = std::move(listener); }

 protected:
  void hear(std::string_view bytes) const {
    if (listener_ && !bytes.empty()) listener_(bytes);
  }

 private:
  Listener listener_;
};

/// --to, read.
struct Target {
  enum class Kind { Pty, TcpListen, Tcp, Udp, SeedLink, Http, Https, File, Stdout };
  Kind kind = Kind::Stdout;
  std::string path;                     ///< Pty, File
  std::string host, port;               ///< TcpListen, Tcp, Udp, SeedLink, Http, Https
  std::vector<std::string> channels{};  ///< Http, Https: their names in the profile
  double rate_hz = 1;                   ///< Http, Https
  std::string authorization{};          ///< Http, Https: without which nothing is served; "" = to anybody
};
/// @throws cli::UsageError
[[nodiscard]] Target parse_target(const std::string& text);

[[nodiscard]] std::unique_ptr<Sink> make_sink(const Target& target, Stop& stop, const Log& log);
[[nodiscard]] std::unique_ptr<Sink> make_pty(const std::string& link, Stop& stop, const Log& log);
[[nodiscard]] std::unique_ptr<Sink> make_tcp(const Target& target, Stop& stop, const Log& log);
[[nodiscard]] std::unique_ptr<Sink> make_udp(const Target& target, Stop& stop, const Log& log);
/// A SeedLink server of the records that are written; others are left out.
[[nodiscard]] std::unique_ptr<Sink> make_seedlink(const Target& target, Stop& stop, const Log& log);
/// A server of .atss files, made of the blocks that are written; others are left out.
[[nodiscard]] std::unique_ptr<Sink> make_http(const Target& target, Stop& stop, const Log& log);
/// A new file, or stdout with "".
[[nodiscard]] std::unique_ptr<Sink> make_file(const std::string& path, Stop& stop, const Log& log);

}  // namespace sim
