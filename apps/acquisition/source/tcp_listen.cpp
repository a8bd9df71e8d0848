#include "acquisition/source/tcp.hpp"

#include <unistd.h>

#include <chrono>
#include <deque>
#include <optional>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>

#include "acquisition/source/address.hpp"
#include "acquisition/source/stream_source.hpp"

namespace daq::source {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// The instrument connects to us. One peer at a time; further ones are refused and counted, so many a second at most that a storm
/// of them costs next to nothing. Those that come while the stream is between two peers, as from a sender that connects for each
/// line, wait for their turn.
class TcpListenOpener final : public Opener {
 public:
  TcpListenOpener(asio::io_context& io, const config::TcpListen& tcp)
      : tcp_{tcp}, name_{to_string(config::Input{tcp})}, acceptor_{io}, peer_{io}, breather_{io} {
    if (!tcp.from.empty()) from_ = asio::ip::make_address(tcp.from);
  }

  void open(Done done) override {
    if (!acceptor_.is_open() && !listen(done)) return;
    if (waiting_.empty()) {
      done_ = std::move(done);
      return;
    }
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    done(std::move(next), {});
  }
  void cancel() override {
    done_ = nullptr;
    error_code ignored;  // nothing to cancel is no error
    acceptor_.close(ignored);
    breather_.cancel();
    waiting_.clear();
  }
  [[nodiscard]] bool is_called() const override { return true; }

 private:
  static constexpr int kBacklog = 16;                      ///< peers: of the kernel, and of those that wait
  static constexpr std::chrono::milliseconds kBreath{50};  ///< after each that was refused

  bool listen(const Done& done) {
    const auto at = config::parse_endpoint(tcp_.listen).value_or(config::Endpoint{});
    error_code error;
    const tcp::endpoint endpoint{asio::ip::make_address(at.address, error), at.port};
    if (!error) acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address{true}, error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(kBacklog, error);
    if (error) {
      error_code ignored;
      acceptor_.close(ignored);
      done({}, name_ + ": cannot be listened at: " + error.message());
      return false;
    }
    accept();
    return true;
  }

  void accept() {
    acceptor_.async_accept(peer_, from_endpoint_, [this](const error_code& error) {
      if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
      // Else the one who came is gone again, or this process has no descriptor left for him.
      const bool welcome = !error && take();
      error_code ignored;
      if (peer_.is_open()) peer_.close(ignored);
      if (!acceptor_.is_open()) return;
      if (welcome) return accept();
      breather_.expires_after(kBreath);
      breather_.async_wait([this](const error_code& e) {
        if (!e && acceptor_.is_open()) accept();
      });
    });
  }

  /// @returns false if the peer is to be refused
  bool take() {
    const auto address = unmapped(from_endpoint_.address());
    const auto who = address.to_string() + ":" + std::to_string(from_endpoint_.port());
    if (from_ && address != *from_) {
      owner().fault(ledger::InputFault::OtherSender, 1, name_ + ": " + who + " is refused: it is not " + tcp_.from + " (from)");
      return false;
    }
    // One that has hung up is nobody any more, even if the rest of what he sent is still to be read.
    const auto silent = owner().hung_up() ? std::nullopt : owner().silent_for();
    if (waiting_.size() == std::size_t{kBacklog} || (silent && (!waiting_.empty() || *silent < tcp_.yield_after))) {
      owner().fault(ledger::InputFault::RefusedPeer, 1, name_ + ": " + who + " is refused: another peer is connected");
      return false;
    }
    if (done_) {
      const auto done = std::exchange(done_, nullptr);
      done(released(peer_), {});
      return true;
    }
    waiting_.push_back(released(peer_));
    if (silent) {
      owner().give_up(name_ + ": nothing of use for " + config::format_duration(tcp_.yield_after) + ", and " +
                      address.to_string() + " connects (yield_after)");
    }
    return true;
  }

  const config::TcpListen tcp_;
  const std::string name_;
  std::optional<asio::ip::address> from_;
  tcp::acceptor acceptor_;
  tcp::socket peer_;
  tcp::endpoint from_endpoint_;
  asio::steady_timer breather_;
  Done done_;
  std::deque<mth5::Descriptor> waiting_;  ///< peers that wait for their turn
};

}  // namespace

std::unique_ptr<Opener> make_tcp_listen_opener(asio::io_context& io, const config::TcpListen& tcp) {
  return std::make_unique<TcpListenOpener>(io, tcp);
}

}  // namespace daq::source
