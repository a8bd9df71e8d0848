#include "acquisition/source/stream_source.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include "acquisition/source/atss.hpp"
#include "acquisition/source/seedlink.hpp"
#include "acquisition/source/tls.hpp"
#include "mth5/time.hpp"

namespace daq::source {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::hours kMostPatience{1};  // with an instrument that sends no frame

/// [n_channels] of the decoder: the names of the profile, "" of those that the site leaves out.
std::vector<std::string> names_of(const config::Instrument& instrument) {
  const auto n = std::visit([](const auto& d) { return d.n_channels; }, instrument.decoder);
  std::vector<std::string> names(n);
  for (std::size_t i = 0; i < instrument.channels.size(); ++i)
    names.at(instrument.kept.empty() ? i : instrument.kept[i]) = instrument.channels[i].name;
  return names;
}

std::unique_ptr<Protocol> make_http_protocol(const config::Http& http, bool tls, const config::Instrument& instrument) {
  auto plain = std::make_unique<Atss>(http, instrument.sample_rate, names_of(instrument));
  if (!tls) return plain;
  return std::make_unique<Tls>(http, std::move(plain));
}

constexpr std::size_t kLineBuffers = 1u << 20;  // bytes; more than the kernel keeps for a serial line

}  // namespace

StreamSource::StreamSource(asio::io_context& io, const config::Source& config, bool until_eof, bool can_wait,
                           std::unique_ptr<Opener> opener, Listener listener, std::unique_ptr<Protocol> protocol)
    : config_{config},
      until_eof_{until_eof},
      can_wait_{can_wait},
      opener_{std::move(opener)},
      listener_{std::move(listener)},
      protocol_{std::move(protocol)},
      stream_{io},
      retry_{io},
      idle_{io},
      talk_{io},
      look_{io},
      dialogue_{config_.commands},
      pause_{config.reconnect_first} {}

void StreamSource::start() {
  opener_->attach({.silent_for = [this]() -> std::optional<std::chrono::nanoseconds> {
                     if (!stream_.is_open()) return std::nullopt;
                     if (paused_) return std::chrono::nanoseconds{0};  // silence is ours
                     return mth5::steady_now() - last_of_use_;
                   },
                   .hung_up =
                       [this] {
                         pollfd line{.fd = stream_.is_open() ? stream_.native_handle() : -1, .events = POLLRDHUP, .revents = 0};
                         return ::poll(&line, 1, 0) > 0;
                       },
                   .give_up =
                       [this](const std::string& reason) {
                         if (stream_.is_open() && !stopped_) broken(reason);
                       },
                   .fault =
                       [this](ledger::InputFault fault, std::uint64_t n, const std::string& what) {
                         if (listener_.fault) listener_.fault(fault, n, what);
                       },
                   .told =
                       [this](const std::string& what) {
                         if (listener_.told) listener_.told(what);
                       }});
  open();
}

void StreamSource::open() {
  opener_->open([this](mth5::Descriptor fd, const std::string& reason) { opened(std::move(fd), reason); });
}

void StreamSource::opened(mth5::Descriptor fd, const std::string& reason) {
  if (stopped_) return;
  const bool again = std::exchange(reopening_, false);
  if (!fd) {
    listener_.disconnected(reason, again);
    return again ? end_or_try_again() : try_again();
  }
  stream_.assign(fd.release());
  last_of_use_ = last_data_ = mth5::steady_now();
  in_flight_.clear();  // that of the connection before
  if (!again) listener_.connected();
  given_up_.clear();
  last_frame_ = last_data_;
  patience_ = config_.idle_timeout;
  if (protocol_) act_on(protocol_->connected(last_data_));
  look();
  watch_idle();
  read();
  dialogue_.connected(mth5::steady_now());
  talk();
}

void StreamSource::durable(const ledger::Durable& position) {
  position_.durable = position.time;
  if (!position.token.empty()) position_.token = position.token;
  if (protocol_) protocol_->durable(position);
}

/// To the decoder: all, or what the protocol says is data.
void StreamSource::give(const char* bytes, std::size_t n) {
  if (!protocol_) return listener_.bytes(arrived(bytes, n));
  act_on(protocol_->received({bytes, n}, last_data_, [this](auto packet, auto token) { give_packet(packet, token); }));
}

void StreamSource::give_packet(std::span<const char> packet, std::string_view token) {
  pause_ = config_.reconnect_first;
  auto chunk = arrived(packet.data(), packet.size(), true);
  chunk.token = token;
  listener_.bytes(chunk);
}

void StreamSource::act_on(const Protocol::Answer& answer) {
  for (const auto& news : protocol_->take_news())
    if (listener_.told) listener_.told(news);
  for (const auto& [fault, n, what] : protocol_->take_faults())
    if (listener_.fault) listener_.fault(fault, n, what);
  if (given_up_.empty()) given_up_ = answer.failed;
  reopening_ = reopening_ || answer.reopen;
  if (answer.send.empty() || stopped_) return;
  outbox_ += answer.send;
  write();
}

/// Says what is due, and looks again when the next thing is.
void StreamSource::talk() {
  for (;;) {
    position_.now = mth5::host_now();
    auto step = dialogue_.due(mth5::steady_now(), position_);
    if (!step) break;
    if (!step->problem.empty()) {
      const auto problem = to_string(config_.input) + ": " + step->problem;
      if (step->reconnect) return broken(problem);
      if (listener_.told) listener_.told(problem + "; going on");
    }
    if (step->bytes.empty()) continue;
    const auto waiting = outbox_.size() + in_flight_.size();
    if (waiting + step->bytes.size() > static_cast<std::size_t>(config_.commands.limit)) {
      if (listener_.wrote) listener_.wrote(0, step->bytes.size());
      if (!std::exchange(unread_told_, true) && listener_.told)
        listener_.told(to_string(config_.input) + ": does not read what it is sent; " + std::to_string(waiting) +
                       " bytes wait (commands.limit " + config::format_bytes(config_.commands.limit) + "), more is not sent");
      continue;
    }
    outbox_ += step->bytes;
    write();
  }
  const auto next = dialogue_.next();
  if (next == Dialogue::Time::max()) return;
  talk_.expires_at(next);
  talk_.async_wait([this, of = connection_](const boost::system::error_code& error) {
    if (!error && of == connection_ && !stopped_ && stream_.is_open()) talk();
  });
}

void StreamSource::write() {
  if (!in_flight_.empty() || outbox_.empty()) return;
  in_flight_.swap(outbox_);  // stays where it is while it is written
  const auto written = [this, of = connection_](const boost::system::error_code& error, std::size_t n) {
    if (of != connection_) return;  // stop_talking() has counted it
    if (n > 0) unread_told_ = false;
    if (n > 0 && listener_.wrote) listener_.wrote(n, 0);
    in_flight_.erase(0, n);
    outbox_.insert(0, std::exchange(in_flight_, {}));
    if (!error) write();  // a broken connection is told by the read
  };
  stream_.async_write_some(asio::buffer(in_flight_), written);
}

/// The connection goes; what waits is not for the next one, which begins anew.
void StreamSource::stop_talking() {
  ++connection_;
  talk_.cancel();
  dialogue_.disconnected();
  const auto waiting = outbox_.size() + in_flight_.size();
  if (waiting > 0 && listener_.wrote) listener_.wrote(0, waiting);
  outbox_.clear();
  unread_told_ = false;
}

void StreamSource::read() {
  if (can_wait_ && !listener_.has_room(buffer_.size())) {
    paused_ = true;
    return;
  }
  reading_ = true;
  stream_.async_read_some(asio::buffer(buffer_), [this, of = connection_](const boost::system::error_code& error, std::size_t n) {
    if (reading_ && (of == connection_ || stopped_)) return received(error, n);
    // Of a connection that was given up meanwhile: what had come is still to be counted, and ends with it.
    if (n == 0 || protocol_) return;  // a protocol asks for it again
    listener_.bytes(arrived(buffer_.data(), n));
    listener_.bytes(arrived(nullptr, 0, true));
  });
}

void StreamSource::resume() {
  if (!std::exchange(paused_, false)) return;
  if (stopped_) return drain();
  last_of_use_ = last_data_ = mth5::steady_now();  // silence was ours
  read();
}

void StreamSource::received(const boost::system::error_code& error, std::size_t n) {
  reading_ = false;
  if (n > 0) {
    last_data_ = mth5::steady_now();
    if (!protocol_) pause_ = config_.reconnect_first;  // only data prove that a connection is good
    give(buffer_.data(), n);
    const auto of_use = listener_.of_use ? listener_.of_use() : of_use_ + n;
    if (std::exchange(of_use_, of_use) != of_use) last_of_use_ = last_data_;
    if (!stopped_ && stream_.is_open()) {
      dialogue_.received({buffer_.data(), n}, last_data_);
      talk();
      if (!stream_.is_open()) return;  // no answer came, and broken() has seen to the rest
    }
  }
  if (stopped_) return drain();
  if (error == asio::error::eof && protocol_)
    act_on(protocol_->closed(mth5::steady_now(), [this](auto packet, auto token) { give_packet(packet, token); }));
  if (!given_up_.empty()) return broken(given_up_);
  if (reopening_) return reopen();
  if (error == asio::error::eof && opener_->is_once()) {
    stopped_ = true;
    look_.cancel();
    stream_.close();
    return listener_.ended();
  }
  if (error) {
    broken(to_string(config_.input) + ": " + (error == asio::error::eof ? "closed by the other end" : error.message()));
    return;
  }
  read();
}

void StreamSource::look() {
  opener_->look(stream_.native_handle());
  if (protocol_) act_on(protocol_->due(mth5::steady_now()));
  if (!given_up_.empty()) return broken(given_up_);
  watch_frames();
  if (!stream_.is_open()) return;  // no answer came to what was said
  // What a protocol asks in good time must not be late for an idle_timeout of a second.
  look_.expires_after(std::min<std::chrono::nanoseconds>(protocol_ ? protocol_->pause() : std::chrono::seconds{1},
                                                         config_.idle_timeout / kAsked));
  look_.async_wait([this, of = connection_](const boost::system::error_code& error) {
    if (!error && of == connection_ && !stopped_ && stream_.is_open()) look();
  });
}

void StreamSource::watch_frames() {
  if (protocol_ || !listener_.frames) return;
  const auto now = mth5::steady_now();
  const auto frames = listener_.frames();
  if (std::exchange(frames_, frames) != frames || paused_) {
    last_frame_ = now;
    patience_ = config_.idle_timeout;
  }
  if (now - last_frame_ < patience_ || last_data_ <= last_frame_) return;
  const bool again = !config_.commands.start.empty();
  if (listener_.told)
    listener_.told(
        to_string(config_.input) + ": bytes come, but no frame for " + config::format_duration(patience_) +
        (again ? " (idle_timeout); it is told to start again" : " (idle_timeout); check the instrument and its profile"));
  last_frame_ = now;
  patience_ = std::min<std::chrono::nanoseconds>(2 * patience_, std::max<std::chrono::nanoseconds>(kMostPatience, patience_));
  if (!again) return;
  dialogue_.disconnected();
  dialogue_.connected(now);
  talk();
}

void StreamSource::watch_idle() {
  if (opener_->is_once()) return;
  idle_.expires_at(last_data_ + config_.idle_timeout);
  idle_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopped_ || !stream_.is_open()) return;
    if (!paused_ && mth5::steady_now() >= last_data_ + config_.idle_timeout) {
      broken(to_string(config_.input) + ": no data for " + config::format_duration(config_.idle_timeout) + " (idle_timeout)");
      return;
    }
    if (paused_) last_data_ = mth5::steady_now();
    watch_idle();
  });
}

void StreamSource::hang_up() {
  stop_talking();
  if (protocol_) {
    protocol_->disconnected();
    act_on({});
  }
  opener_->look(stream_.native_handle());
  stream_.close();
  reading_ = paused_ = false;
  idle_.cancel();
  look_.cancel();
}

void StreamSource::reopen() {
  hang_up();
  open();
}

void StreamSource::broken(const std::string& reason) {
  hang_up();
  reopening_ = false;
  listener_.disconnected(reason, true);
  end_or_try_again();
}

void StreamSource::end_or_try_again() {
  if (until_eof_ || opener_->is_once()) {
    stopped_ = true;
    opener_->cancel();
    return listener_.ended();
  }
  if (!opener_->is_called()) return try_again();
  // Who calls us need not wait.
  asio::post(stream_.get_executor(), [this, of = connection_] {
    if (of == connection_ && !stopped_) open();
  });
}

void StreamSource::try_again() {
  retry_at_ = mth5::steady_now() + pause_;
  pause_ = std::min(pause_ * 2, config_.reconnect_limit);
  wait_for_retry();
}

void StreamSource::wait_for_retry() {
  retry_.expires_at(std::min(retry_at_, mth5::steady_now() + Opener::kWatch));
  retry_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopped_) return;
    if (opener_->is_back()) {
      pause_ = config_.reconnect_first;
      open();
    } else if (mth5::steady_now() >= retry_at_) {
      open();
    } else {
      wait_for_retry();
    }
  });
}

void StreamSource::stop() {
  if (std::exchange(stopped_, true)) return;
  opener_->cancel();
  retry_.cancel();
  idle_.cancel();
  look_.cancel();
  stop_talking();
  if (reading_) {
    // The read under way may hold bytes already; its handler comes in any case and goes on from there.
    stream_.cancel();
  } else {
    if (stream_.is_open()) stream_.cancel();  // a write
    paused_ = false;                          // from here on only drain() pauses
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
    give(buffer_.data(), static_cast<std::size_t>(n));
    *drain_left_ -= static_cast<std::size_t>(n);
  }
  if (stream_.is_open()) {
    opener_->look(stream_.native_handle());
    stream_.close();
  }
  listener_.ended();
}

decode::Chunk arrived(const char* bytes, std::size_t n, bool datagram) {
  return {.bytes = {bytes, n}, .arrival = mth5::host_now(), .steady = mth5::steady_now(), .datagram = datagram};
}

std::unique_ptr<Source> make_source(asio::io_context& io, const config::Source& config, bool until_eof, Listener listener) {
  if (const auto* serial = std::get_if<config::Serial>(&config.input))
    return std::make_unique<StreamSource>(io, config, until_eof, false, make_serial_opener(*serial), std::move(listener));
  if (const auto* tcp = std::get_if<config::Tcp>(&config.input))
    return std::make_unique<StreamSource>(io, config, until_eof, true, make_tcp_opener(io, *tcp, to_string(config.input)),
                                          std::move(listener));
  if (const auto* seedlink = std::get_if<config::SeedLink>(&config.input))
    return std::make_unique<StreamSource>(
        io, config, until_eof, true, make_tcp_opener(io, {seedlink->host, seedlink->port}, to_string(config.input)),
        std::move(listener), std::make_unique<SeedLink>(*seedlink, config.instrument.sample_rate, config.idle_timeout));
  if (const auto* http = std::get_if<config::Http>(&config.input)) {
    const auto url = config::parse_url(http->url).value_or(config::HttpUrl{});
    return std::make_unique<StreamSource>(io, config, until_eof, true,
                                          make_tcp_opener(io, {url.host, url.port}, to_string(config.input)), std::move(listener),
                                          make_http_protocol(*http, url.tls, config.instrument));
  }
  if (const auto* tcp = std::get_if<config::TcpListen>(&config.input))
    return std::make_unique<StreamSource>(io, config, until_eof, true, make_tcp_listen_opener(io, *tcp), std::move(listener));
  if (const auto* udp = std::get_if<config::Udp>(&config.input))
    return make_udp_source(io, config, *udp, until_eof, std::move(listener));
  return make_file(io, config, std::get<config::ReplayFile>(config.input), until_eof, std::move(listener));
}

}  // namespace daq::source
