#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <deque>
#include <list>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "acquisition/decode/miniseed.hpp"
#include "addresses.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"
#include "mth5/time.hpp"
#include "sink.hpp"

namespace sim {

namespace {

using daq::decode::RecordHeader;

constexpr std::size_t kPackets = 20'000;    // that are kept for who comes later
constexpr std::size_t kWaiting = 1u << 16;  // bytes that wait for a client at most
constexpr std::uint64_t kModulus3 = std::uint64_t{1} << 24;

bool fits(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') return fits(pattern.substr(1), text) || (!text.empty() && fits(pattern, text.substr(1)));
  return !text.empty() && (pattern.front() == '?' || pattern.front() == text.front()) && fits(pattern.substr(1), text.substr(1));
}

std::vector<std::string> words(std::string_view text, char between) {
  std::vector<std::string> all;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(between));
    if (!word.empty()) all.emplace_back(word);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return all;
}

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

/// "2026,5,1,0,0,0" or ISO.
std::optional<mth5::UtcNanos> time_of(std::string_view text) {
  const auto parts = words(text, ',');
  if (parts.size() == 1) return mth5::parse_time(std::string{text});
  if (parts.size() != 6) return std::nullopt;
  std::array<int, 6> n{};
  for (std::size_t i = 0; i < n.size(); ++i) {
    const auto one = number(parts[i], 10);
    if (!one || *one > 9999) return std::nullopt;
    n[i] = static_cast<int>(*one);
  }
  const auto date = std::chrono::year{n[0]} / n[1] / n[2];
  if (!date.ok()) return std::nullopt;
  return mth5::UtcNanos{std::chrono::sys_days{date} + std::chrono::hours{n[3]} + std::chrono::minutes{n[4]} +
                        std::chrono::seconds{n[5]}};
}

/// Kept of what was sent: a record with its number.
struct Packet {
  std::uint64_t number;
  RecordHeader header;
  std::string record;

  [[nodiscard]] std::string station() const { return header.network + '_' + header.station; }
  [[nodiscard]] mth5::UtcNanos end() const {
    return header.rate_hz > 0 ? mth5::sample_time(header.start, header.rate_hz, static_cast<std::int64_t>(header.n_samples))
                              : header.start;
  }
};

/// A server of SeedLink 3.1 and 4.0 for any number of clients. Numbers of packets begin with 1 and are those of all stations.
class SeedLinkSink final : public Sink {
 public:
  SeedLinkSink(const Target& target, Stop& stop, const Log& log)
      : name_{"seedlink:" + target.host + ":" + target.port}, host_{target.host}, port_{target.port}, stop_{stop}, log_{log} {}

  void open() override {
    if (!listener_) listen();
    while (!served_ && !stop_.requested()) serve(mth5::steady_now() + std::chrono::milliseconds{50});
  }

  std::size_t write(std::string_view bytes) override {
    open();
    held_ += bytes;
    std::size_t at = 0;
    while (at < held_.size()) {
      const auto rest = std::span{held_}.subspan(at);
      const auto header = daq::decode::read_record_header(rest);
      if (!header || !header->bytes) {  // damaged on request: it is no record that a server would take
        ++at;
        continue;
      }
      if (*header->bytes > rest.size()) break;
      packets_.push_back({++newest_, *header, std::string{rest.data(), *header->bytes}});
      if (packets_.size() > kPackets) packets_.pop_front();
      at += *header->bytes;
    }
    held_.erase(0, at);
    serve(mth5::steady_now());
    return bytes.size();
  }

  void wait_until(Clock::time_point until) override { serve(until); }

  void disconnect(mth5::Nanos away) override {
    served_ = false;  // whoever was there comes back
    clients_.clear();
    listener_.reset();
    log_.info(name_ + ": disconnected");
    if (stop_.requested() || !stop_.sleep_until(mth5::steady_now() + away)) return;
    open();
  }

  std::string finish(std::optional<Clock::time_point> deadline) override {
    // A client that has come takes all that there is; one that broke off comes back.
    const auto owed = [this] {
      return given_ < newest_ || std::any_of(clients_.begin(), clients_.end(), [this](const Client& client) {
               return !client.streaming || client.next <= newest_ || !client.out.empty();
             });
    };
    while (owed()) {
      const auto now = mth5::steady_now();
      if (stop_.requested() && !deadline) deadline = now + kDrainAfterStop;
      if (deadline && now >= *deadline) break;
      serve(std::min(now + std::chrono::milliseconds{100}, deadline.value_or(Clock::time_point::max())));
    }
    const std::string left = owed() ? name_ + ": no client has taken everything" : "";
    // A close with a question unread would throw away what is on its way.
    for (const auto& client : clients_) shutdown(client.socket.get(), SHUT_WR);
    const auto closed_by = mth5::steady_now() + kDrainAfterStop;
    while (!clients_.empty() && mth5::steady_now() < closed_by)
      serve(std::min(closed_by, mth5::steady_now() + std::chrono::milliseconds{50}));
    clients_.clear();
    listener_.reset();
    return left;
  }

 private:
  struct Stream {
    std::string station;  ///< NET_STA, with wildcards
    std::vector<std::string> selectors;
    std::optional<std::uint64_t> from;  ///< number
    std::optional<mth5::UtcNanos> begin;
  };
  struct Client {
    mth5::Descriptor socket;
    std::string name;
    std::string in{}, out{};
    int version = 3;
    bool streaming = false;
    std::uint64_t next = 0;  ///< number
    std::vector<Stream> streams{};
  };

  void listen() {
    auto listening = listen_at(name_, host_, port_, 16);
    listener_ = std::move(listening.socket);
    port_ = listening.port();
    name_ = "seedlink:" + listening.address;
    log_.info("listening on " + listening.address);
    epoll_ = mth5::Descriptor{epoll_create1(EPOLL_CLOEXEC)};
    epoll_event event{.events = EPOLLIN, .data = {.fd = listener_.get()}};
    if (!epoll_ || epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.get(), &event) != 0)
      throw mth5::Error{name_ + ": epoll: " + std::strerror(errno)};
  }

  /// Does for clients what there is to do, and waits for more. Once at least.
  void serve(Clock::time_point until) {
    for (;;) {
      for (auto& client : clients_) give(client);
      clients_.remove_if([this](const Client& client) {
        if (client.socket) return false;
        log_.info(client.name + " went");
        return true;
      });
      if (!listener_ || stop_.wait(epoll_.get(), POLLIN, until) != Stop::Woke::Ready) return;
      accept();
      for (auto& client : clients_) take(client);
    }
  }

  void accept() {
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    auto* generic = reinterpret_cast<sockaddr*>(&from);
    mth5::Descriptor socket{accept4(listener_.get(), generic, &length, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!socket) return;
    clients_.push_back({.socket = std::move(socket), .name = numeric(generic, length)});
    watch(clients_.back(), EPOLL_CTL_ADD, false);
    log_.info("client " + clients_.back().name);
  }

  void watch(Client& client, int how, bool writing) {
    epoll_event event{.events = EPOLLIN | (writing ? unsigned{EPOLLOUT} : 0u), .data = {.fd = client.socket.get()}};
    epoll_ctl(epoll_.get(), how, client.socket.get(), &event);
  }

  void take(Client& client) {
    char buffer[4096];
    ssize_t n = 0;
    while (client.socket && (n = recv(client.socket.get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
      client.in.append(buffer, static_cast<std::size_t>(n));
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || client.in.size() > kWaiting) client.socket.reset();
    for (std::size_t end = 0; client.socket && (end = client.in.find_first_of("\r\n")) != std::string::npos;) {
      const auto line = client.in.substr(0, end);
      client.in.erase(0, end + 1);
      if (!line.empty()) command(client, line);
    }
  }

  void command(Client& client, const std::string& line) {
    const auto all = words(line, ' ');
    const auto& what = all.front();
    const auto answer = [&](bool good, std::string_view why = "ARGUMENTS unknown") {
      client.out += good ? "OK\r\n" : client.version == 4 ? fmt::format("ERROR {}\r\n", why) : "ERROR\r\n";
    };
    if (what == "HELLO") {
      client.out += "SeedLink v4.0 (mth5-sim) :: SLPROTO:4.0 SLPROTO:3.1 TIME\r\nmth5-sim\r\n";
    } else if (what == "SLPROTO") {
      const bool good = all.size() == 2 && (all[1] == "4.0" || all[1].starts_with("3."));
      if (good) client.version = all[1] == "4.0" ? 4 : 3;
      answer(good, "UNSUPPORTED");
    } else if (what == "USERAGENT" || what == "BATCH") {
      answer(true);
    } else if (what == "STATION") {
      const bool good = all.size() == (client.version == 4 ? 2 : 3);
      if (good) client.streams.push_back({client.version == 4 ? all[1] : all[2] + '_' + all[1], {}, {}, {}});
      answer(good);
    } else if (what == "SELECT") {
      if (client.streams.empty()) client.streams.push_back({"*", {}, {}, {}});
      for (std::size_t i = 1; i < all.size(); ++i) client.streams.back().selectors.push_back(all[i]);
      answer(all.size() > 1);
    } else if (what == "DATA" || what == "FETCH" || what == "TIME") {
      const bool alone = client.streams.empty();
      if (alone) client.streams.push_back({"*", {}, {}, {}});
      const bool good = begin(client, client.streams.back(), all);
      if (alone && good && client.version == 3)
        start(client);
      else
        answer(good);
    } else if (what == "END") {
      start(client);
    } else if (what == "INFO") {
      info(client, all.size() > 1 ? all[1] : "");
    } else if (what == "BYE") {
      client.socket.reset();
    } else {
      answer(false, "UNSUPPORTED");
    }
  }

  /// DATA [number] [time], TIME time
  bool begin(const Client& client, Stream& stream, const std::vector<std::string>& all) {
    std::size_t at = 1;
    if (all[0] != "TIME" && all.size() > 1) {
      if (all[1] == "ALL")
        stream.from = 1;
      else if (!(stream.from = number(all[1], client.version == 4 ? 10 : 16)))
        return false;
      at = 2;
    }
    if (all.size() > at && !(stream.begin = time_of(all[at]))) return false;
    if (all[0] == "TIME") {
      if (!stream.begin) return false;
      stream.from = 1;
    }
    return true;
  }

  void start(Client& client) {
    if (client.streaming) return;
    client.streaming = served_ = true;
    log_.info(client.name + " asks by SeedLink " + std::to_string(client.version));
    client.next = newest_ + 1;
    for (auto& stream : client.streams) {
      if (!stream.from) {
        stream.from = newest_ + 1;
        continue;
      }
      auto& from = *stream.from;
      if (client.version == 3 && from > 0) {  // the newest number that ends so
        const auto turns = newest_ / kModulus3 * kModulus3 + from;
        from = turns > newest_ + 1 && turns >= kModulus3 ? turns - kModulus3 : turns;
      }
      if (from > newest_ + 1) from = newest_ + 1;  // not one of ours: what is new
      client.next = std::min(client.next, from);
    }
  }

  void info(Client& client, const std::string& what) {
    if (client.version == 4) {
      const std::string json = R"({"software":"mth5-sim","organization":"mth5-sim"})";
      client.out += packet_4('J', 'I', 0, "", json);
      return;
    }
    const std::string xml = what == "ID" ? R"(<?xml version="1.0"?><seedlink software="mth5-sim" organization="mth5-sim"/>)" : "";
    std::string record(512, '\0');
    record.replace(0, 20, "000001D INFO   INF  ");
    record.replace(20, 4, {0x07, static_cast<char>(0xea), 0, 121});
    record[31] = static_cast<char>(xml.size());
    record[39] = 1;
    record[45] = 64;
    record[47] = 48;
    record.replace(48, 7, {3, static_cast<char>(0xe8), 0, 0, 0, 1, 9});
    record.replace(64, xml.size(), xml);
    client.out += "SLINFO  " + record;
  }

  static std::string packet_4(char format, char kind, std::uint64_t number, std::string_view id, std::string_view payload) {
    std::string all{'S', 'E', format, kind};
    for (int i = 0; i < 4; ++i) all += static_cast<char>(payload.size() >> 8 * i & 0xff);
    for (int i = 0; i < 8; ++i) all += static_cast<char>(number >> 8 * i & 0xff);
    all += static_cast<char>(id.size());
    return (all += id) += payload;
  }

  static bool selected(const Stream& stream, const RecordHeader& header, int version) {
    if (stream.selectors.empty()) return true;
    bool wanted = false, has_positive = false;
    for (std::string_view selector : stream.selectors) {
      const bool not_wanted = selector.starts_with('!');
      if (not_wanted) selector.remove_prefix(1);
      bool fit = false;
      if (version == 4) {
        std::string id = header.location;
        for (const char c : header.channel) (id += '_') += c;
        fit = fits(selector.substr(0, selector.find_first_of(".:")), id);
      } else {
        selector = selector.substr(0, selector.find('.'));
        auto location = header.location;
        location.resize(2, selector.starts_with('-') ? '-' : ' ');
        fit = selector.empty() || (selector.size() == 5   ? fits(selector, location + header.channel)
                                   : selector.size() == 2 ? fits(selector, location)
                                                          : fits(selector, header.channel));
      }
      if (not_wanted && fit) return false;
      has_positive |= !not_wanted;
      wanted |= fit && !not_wanted;
    }
    return wanted || !has_positive;
  }

  static bool wants(const Client& client, const Packet& packet) {
    return std::any_of(client.streams.begin(), client.streams.end(), [&](const Stream& stream) {
      return packet.number >= stream.from.value_or(0) && fits(stream.station, packet.station()) &&
             selected(stream, packet.header, client.version) && (!stream.begin || packet.end() > *stream.begin);
    });
  }

  void give(Client& client) {
    while (client.socket) {
      while (client.streaming && client.next <= newest_ && client.out.size() < kWaiting) {
        if (packets_.empty() || client.next < packets_.front().number)
          client.next = packets_.empty() ? newest_ + 1 : packets_.front().number;
        if (client.next > newest_) break;
        const auto& packet = packets_[client.next++ - packets_.front().number];
        if (!wants(client, packet)) continue;
        client.out += client.version == 4 ? packet_4('2', 'D', packet.number, packet.station(), packet.record)
                                          : fmt::format("SL{:06X}", packet.number % kModulus3) + packet.record;
      }
      if (client.out.empty()) {
        if (client.streaming) given_ = std::max(given_, client.next - 1);
        return watch(client, EPOLL_CTL_MOD, false);
      }
      const auto n = send(client.socket.get(), client.out.data(), client.out.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) {
        client.out.erase(0, static_cast<std::size_t>(n));
      } else if (errno == EAGAIN || errno == EINTR) {
        return watch(client, EPOLL_CTL_MOD, true);
      } else {
        client.socket.reset();
      }
    }
  }

  std::string name_, host_, port_;
  Stop& stop_;
  const Log& log_;
  mth5::Descriptor listener_, epoll_;
  std::list<Client> clients_;
  bool served_ = false;  ///< somebody has asked for data
  std::string held_;     ///< the beginning of a record
  std::deque<Packet> packets_;
  std::uint64_t newest_ = 0;
  std::uint64_t given_ = 0;  ///< what some client has had the choice of, up to here
};

}  // namespace

std::unique_ptr<Sink> make_seedlink(const Target& target, Stop& stop, const Log& log) {
  return std::make_unique<SeedLinkSink>(target, stop, log);
}

}  // namespace sim
