#include "acquisition/source/stream_source.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

namespace daq::source {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kLineBuffers = 1u << 20;  // bytes; more than the kernel keeps for a serial line

}  // namespace

StreamSource::StreamSource(asio::io_context& io, const config::Source& config, bool until_eof, bool can_wait,
                           std::unique_ptr<Opener> opener, Listener listener)
    : config_{config},
      until_eof_{until_eof},
      can_wait_{can_wait},
      opener_{std::move(opener)},
      listener_{std::move(listener)},
      stream_{io},
      retry_{io},
      idle_{io},
      pause_{config.reconnect_first} {}

void StreamSource::start() { open(); }

void StreamSource::open() {
  opener_->open([this](int fd, const std::string& reason) { opened(fd, reason); });
}

void StreamSource::opened(int fd, const std::string& reason) {
  if (stopped_) {
    if (fd >= 0) ::close(fd);
    return;
  }
  if (fd < 0) {
    listener_.disconnected(reason, false);
    return try_again();
  }
  stream_.assign(fd);
  last_data_ = std::chrono::steady_clock::now();
  listener_.connected();
  watch_idle();
  read();
}

void StreamSource::read() {
  if (can_wait_ && !listener_.has_room(buffer_.size())) {
    paused_ = true;
    return;
  }
  reading_ = true;
  stream_.async_read_some(asio::buffer(buffer_),
                          [this](const boost::system::error_code& error, std::size_t n) { received(error, n); });
}

void StreamSource::resume() {
  if (!std::exchange(paused_, false)) return;
  if (stopped_) return drain();
  last_data_ = std::chrono::steady_clock::now();  // silence was ours
  read();
}

void StreamSource::received(const boost::system::error_code& error, std::size_t n) {
  reading_ = false;
  if (n > 0) {
    last_data_ = std::chrono::steady_clock::now();
    pause_ = config_.reconnect_first;  // only data prove that a connection is good
    listener_.bytes({buffer_.data(), n});
  }
  if (stopped_) return drain();
  if (error) {
    broken(to_string(config_.input) + ": " + (error == asio::error::eof ? "closed by the other end" : error.message()));
    return;
  }
  read();
}

void StreamSource::watch_idle() {
  idle_.expires_at(last_data_ + config_.idle_timeout);
  idle_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopped_ || !stream_.is_open()) return;
    if (!paused_ && std::chrono::steady_clock::now() >= last_data_ + config_.idle_timeout) {
      broken(to_string(config_.input) + ": no data for " + config::format_duration(config_.idle_timeout) + " (idle_timeout)");
      return;
    }
    if (paused_) last_data_ = std::chrono::steady_clock::now();
    watch_idle();
  });
}

void StreamSource::broken(const std::string& reason) {
  stream_.close();
  idle_.cancel();
  listener_.disconnected(reason, true);
  if (until_eof_) {
    stopped_ = true;
    return listener_.ended();
  }
  try_again();
}

void StreamSource::try_again() {
  retry_.expires_after(pause_);
  pause_ = std::min(pause_ * 2, config_.reconnect_limit);
  retry_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !stopped_) open();
  });
}

void StreamSource::stop() {
  if (std::exchange(stopped_, true)) return;
  opener_->cancel();
  retry_.cancel();
  idle_.cancel();
  if (reading_) {
    // The read under way may hold bytes already; its handler comes in any case and goes on from there.
    stream_.cancel();
  } else {
    paused_ = false;  // from here on only drain() pauses
    asio::post(stream_.get_executor(), [this] { drain(); });
  }
}

void StreamSource::drain() {
  if (!drain_left_) {
    // What has reached this machine is ours, and no more than that, so that a sender without pause cannot keep us here. A socket
    // tells how much it is; a line tells a part of it, and its buffers are small.
    int waiting = 0;
    if (stream_.is_open() && ioctl(stream_.native_handle(), FIONREAD, &waiting) != 0) waiting = 0;
    drain_left_ = std::max(static_cast<std::size_t>(waiting), kLineBuffers);
  }
  while (stream_.is_open() && *drain_left_ > 0) {
    if (!listener_.has_room(buffer_.size())) {
      paused_ = true;  // the ring is full: resume() leads back here
      return;
    }
    const ssize_t n = ::read(stream_.native_handle(), buffer_.data(), std::min(buffer_.size(), *drain_left_));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    listener_.bytes({buffer_.data(), static_cast<std::size_t>(n)});
    *drain_left_ -= static_cast<std::size_t>(n);
  }
  if (stream_.is_open()) stream_.close();
  listener_.ended();
}

std::unique_ptr<Source> make_source(asio::io_context& io, const config::Source& config, bool until_eof, Listener listener) {
  if (const auto* serial = std::get_if<config::Serial>(&config.input))
    return std::make_unique<StreamSource>(io, config, until_eof, false, make_serial_opener(*serial), std::move(listener));
  if (const auto* tcp = std::get_if<config::Tcp>(&config.input))
    return std::make_unique<StreamSource>(io, config, until_eof, true, make_tcp_opener(io, *tcp), std::move(listener));
  return make_file_source(io, config, std::get<config::ReplayFile>(config.input), std::move(listener));
}

}  // namespace daq::source
