#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "acquisition/source/stream_source.hpp"
#include "acquisition/source/tcp.hpp"

namespace daq::source {

namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

}  // namespace

bool is_its_own_peer(const tcp::socket& socket) {
  error_code error;
  const auto here = socket.local_endpoint(error);
  if (error) return false;
  const auto there = socket.remote_endpoint(error);
  return !error && here == there;
}

mth5::Descriptor released(tcp::socket& socket) {
  // A peer that vanished without a word (power, cable) is found in about a minute, whatever idle_timeout says.
  error_code gone;  // then the first read says so
  socket.set_option(tcp::socket::keep_alive{true}, gone);
  const int options[][2] = {{TCP_KEEPIDLE, 30}, {TCP_KEEPINTVL, 10}, {TCP_KEEPCNT, 3}};
  for (const auto& [option, value] : options) setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
  mth5::Descriptor fd{socket.release()};
  fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  return fd;
}

namespace {

class TcpOpener final : public Opener {
 public:
  TcpOpener(boost::asio::io_context& io, config::Tcp target, std::string name)
      : target_{std::move(target)}, name_{std::move(name)}, resolver_{io}, socket_{io} {}

  void open(Done done) override {
    resolver_.async_resolve(target_.host, std::to_string(target_.port),
                            [this, done = std::move(done)](const error_code& error, const tcp::resolver::results_type& found) {
                              if (error) return done({}, reason(error));
                              boost::asio::async_connect(socket_, found, [this, done](const error_code& e, const tcp::endpoint&) {
                                connected(e, done);
                              });
                            });
  }
  void cancel() override {
    resolver_.cancel();
    error_code ignored;  // nothing to cancel is no error
    socket_.close(ignored);
  }

 private:
  std::string reason(const error_code& error) const { return name_ + ": " + error.message(); }

  void connected(error_code error, const Done& done) {
    if (!error && is_its_own_peer(socket_)) error = boost::asio::error::connection_refused;
    if (error) {
      cancel();
      return done({}, reason(error));
    }
    done(released(socket_), {});
  }

  config::Tcp target_;
  std::string name_;  ///< in what is said
  tcp::resolver resolver_;
  tcp::socket socket_;
};

}  // namespace

std::unique_ptr<Opener> make_tcp_opener(boost::asio::io_context& io, const config::Tcp& target, std::string name) {
  return std::make_unique<TcpOpener>(io, target, std::move(name));
}

}  // namespace daq::source
