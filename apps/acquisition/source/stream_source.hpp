#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "acquisition/source/dialogue.hpp"
#include "acquisition/source/source.hpp"

namespace daq::source {

/// How a byte stream is opened: the one thing in which a serial line and a socket differ. Thread: io.
class Opener {
 public:
  virtual ~Opener() = default;
  /// Calls `done` once, later or at once: with a file descriptor in non-blocking mode, or -1 and the reason in one line.
  virtual void open(std::function<void(int fd, const std::string& reason)> done) = 0;
  virtual void cancel() = 0;
};

/// Reads a stream, opens it again with growing pauses when it breaks off, and calls one that falls silent broken. Says to the
/// other end what the configuration's `commands` want said: what that does not read waits in memory, up to commands.limit, and
/// never holds anything up.
class StreamSource final : public Source {
 public:
  /// @param can_wait  the other end keeps what is not read (TCP), so reading may pause while the ring is full
  StreamSource(boost::asio::io_context& io, const config::Source& config, bool until_eof, bool can_wait,
               std::unique_ptr<Opener> opener, Listener listener);
  void start() override;
  void stop() override;
  void resume() override;
  void durable(const ledger::Durable& position) override;

 private:
  void open();
  void opened(int fd, const std::string& reason);
  void read();
  void received(const boost::system::error_code& error, std::size_t n);
  void watch_idle();
  void broken(const std::string& reason);
  void try_again();
  void drain();
  void talk();
  void write();
  void stop_talking();

  const config::Source& config_;
  bool until_eof_;
  bool can_wait_;
  std::unique_ptr<Opener> opener_;
  Listener listener_;
  boost::asio::posix::stream_descriptor stream_;
  boost::asio::steady_timer retry_, idle_, talk_;
  Dialogue dialogue_;
  config::CommandValues position_;  ///< what is durable
  std::string outbox_, in_flight_;  ///< what waits; what is being written
  bool unread_told_ = false;
  std::uint64_t connection_ = 0;  ///< counted: what belongs to an earlier one is no matter of this
  std::chrono::nanoseconds pause_;
  std::chrono::steady_clock::time_point last_data_;
  bool stopped_ = false, reading_ = false, paused_ = false;
  std::optional<std::size_t> drain_left_;  ///< bytes still to be taken after stop()
  std::array<char, kLongestRead> buffer_{};
};

[[nodiscard]] std::unique_ptr<Opener> make_serial_opener(const config::Serial& serial);
[[nodiscard]] std::unique_ptr<Opener> make_tcp_opener(boost::asio::io_context& io, const config::Tcp& tcp);
[[nodiscard]] std::unique_ptr<Source> make_file_source(boost::asio::io_context& io, const config::Source& config,
                                                       const config::ReplayFile& file, Listener listener);

}  // namespace daq::source
