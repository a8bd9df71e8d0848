#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "acquisition/source/dialogue.hpp"
#include "acquisition/source/protocol.hpp"
#include "acquisition/source/source.hpp"
#include "mth5/descriptor.hpp"

namespace daq::source {

/// How a byte stream is opened, and what is particular to its kind. Thread: io.
class Opener {
 public:
  /// What it may ask of its stream.
  struct Stream {
    /// How long nothing of use has come; nullopt: it is not open.
    std::function<std::optional<std::chrono::nanoseconds>()> silent_for;
    /// Its other end has hung up, and what it sent before is still to be read.
    std::function<bool()> hung_up;
    /// The stream is given up for the reason, in one line, and opened anew.
    std::function<void(const std::string& reason)> give_up;
    /// As in Listener.
    std::function<void(ledger::InputFault fault, std::uint64_t n, const std::string& what)> fault;
    std::function<void(const std::string& what)> told;
  };

  virtual ~Opener() = default;
  /// Before the first open().
  void attach(Stream stream) { owner_ = std::move(stream); }
  /// With a file descriptor in non-blocking mode, or none and the reason in one line.
  using Done = std::function<void(mth5::Descriptor fd, const std::string& reason)>;
  /// Calls `done` once, later or at once.
  virtual void open(Done done) = 0;
  virtual void cancel() = 0;
  /// The other end comes to us: trying more and more rarely would only keep it waiting.
  [[nodiscard]] virtual bool is_called() const { return false; }
  /// It cannot be opened twice: its end is that of the source, and silence is no reason to give it up.
  [[nodiscard]] virtual bool is_once() const { return false; }
  /// Once a second while it is open, and before it is closed: to count what the system has counted.
  virtual void look(int /*fd*/) {}
  /// Once in kWatch while the next try waits: true when trying at once is promising.
  [[nodiscard]] virtual bool is_back() { return false; }

  static constexpr std::chrono::milliseconds kWatch{500};

 protected:
  [[nodiscard]] const Stream& owner() const { return owner_; }

 private:
  Stream owner_;
};

/// Reads a stream, opens it again with growing pauses when it breaks off, and calls one that falls silent broken. Says to the
/// other end what the configuration's `commands` want said: what that does not read waits in memory, up to commands.limit, and
/// never holds anything up.
class StreamSource final : public Source {
 public:
  /// @param protocol  says which bytes are data; nullptr: all are
  /// @param can_wait  the other end keeps what is not read (TCP), so reading may pause while the ring is full
  StreamSource(boost::asio::io_context& io, const config::Source& config, bool until_eof, bool can_wait,
               std::unique_ptr<Opener> opener, Listener listener, std::unique_ptr<Protocol> protocol = nullptr);
  void start() override;
  void stop() override;
  void resume() override;
  void durable(const ledger::Durable& position) override;

 private:
  void open();
  void opened(mth5::Descriptor fd, const std::string& reason);
  void read();
  void received(const boost::system::error_code& error, std::size_t n);
  void look();
  void watch_idle();
  /// Bytes come, and no frame: an instrument that has started anew and waits to be told what to do.
  void watch_frames();
  void broken(const std::string& reason);
  void hang_up();
  void reopen();
  void end_or_try_again();
  void try_again();
  void wait_for_retry();
  void drain();
  void talk();
  void write();
  void stop_talking();
  void give(const char* bytes, std::size_t n);
  void give_packet(std::span<const char> packet, std::string_view token);
  void act_on(const Protocol::Answer& answer);

  const config::Source& config_;
  bool until_eof_;
  bool can_wait_;
  std::unique_ptr<Opener> opener_;
  Listener listener_;
  std::unique_ptr<Protocol> protocol_;
  std::string given_up_;    ///< what the protocol has found wrong with the connection
  bool reopening_ = false;  ///< the protocol wants another one, and nobody need know
  boost::asio::posix::stream_descriptor stream_;
  boost::asio::steady_timer retry_, idle_, talk_, look_;
  Dialogue dialogue_;
  config::CommandValues position_;  ///< what is durable
  std::string outbox_, in_flight_;  ///< what waits; what is being written
  bool unread_told_ = false;
  std::uint64_t connection_ = 0;  ///< counted: what belongs to an earlier one is no matter of this
  std::chrono::nanoseconds pause_;
  std::chrono::steady_clock::time_point last_data_, retry_at_;
  std::chrono::steady_clock::time_point last_of_use_;
  std::uint64_t of_use_ = 0;                          ///< as Listener::of_use said then
  std::chrono::steady_clock::time_point last_frame_;  ///< or when it was last told that there is none
  std::chrono::nanoseconds patience_{};               ///< until that is told again
  std::uint64_t frames_ = 0;                          ///< as Listener::frames said then
  bool stopped_ = false, reading_ = false, paused_ = false;
  std::optional<std::size_t> drain_left_;  ///< bytes still to be taken after stop()
  std::array<char, kLongestRead> buffer_{};
};

[[nodiscard]] std::unique_ptr<Opener> make_serial_opener(const config::Serial& serial);
[[nodiscard]] std::unique_ptr<Opener> make_tcp_opener(boost::asio::io_context& io, const config::Tcp& tcp, std::string name);
[[nodiscard]] std::unique_ptr<Opener> make_tcp_listen_opener(boost::asio::io_context& io, const config::TcpListen& tcp);
[[nodiscard]] std::unique_ptr<Source> make_udp_source(boost::asio::io_context& io, const config::Source& config,
                                                      const config::Udp& udp, bool until_eof, Listener listener);
/// A recording, standard input, or files that grow: whichever it is.
[[nodiscard]] std::unique_ptr<Source> make_file(boost::asio::io_context& io, const config::Source& config,
                                                const config::ReplayFile& file, bool until_eof, Listener listener);
[[nodiscard]] std::unique_ptr<Source> make_file_source(boost::asio::io_context& io, const config::Source& config,
                                                       const config::ReplayFile& file, Listener listener);

}  // namespace daq::source
