#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <list>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acquisition/decode/atss.hpp"
#include "addresses.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"
#include "mth5/time.hpp"
#include "sink.hpp"
#include "tls_server.hpp"

namespace sim {

namespace {

using daq::decode::AtssBlock;
using daq::decode::AtssState;

constexpr std::size_t kLongestRequest = 1u << 16;  // bytes
constexpr int kAnswersOfAConnection = 100;         // then it is closed, as Apache does it
constexpr std::string_view kData = "/data/";

/// One channel of a run.
struct AtssFile {
  std::string stem, json, samples;
  std::string next{};     ///< samples that are not in the file yet
  std::size_t given = 0;  ///< bytes that a client has had, up to here
};
struct AtssRun {
  std::string name;
  mth5::UtcNanos start{};
  std::uint64_t n_rows = 0;
  std::vector<AtssFile> files{};
};

struct Request {
  std::string method, path;
  std::optional<std::pair<std::size_t, std::optional<std::size_t>>> range{};  ///< first byte, last byte
  std::string authorization{};
  bool keep = true;
};

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

std::string small_letters(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return text;
}

/// One request at the front, with its body. @returns bytes of it, 0: it is not whole; nullopt: it is none
std::optional<std::size_t> parse_request(std::string_view text, Request& request) {
  const auto end = text.find("\r\n\r\n");
  if (end == text.npos) return text.size() > kLongestRequest ? std::nullopt : std::optional{std::size_t{0}};
  auto head = text.substr(0, end);
  const auto line = head.substr(0, head.find("\r\n"));
  head.remove_prefix(std::min(head.size(), line.size() + 2));
  const auto first = line.find(' '), second = line.rfind(' ');
  if (first == line.npos || second <= first || !line.substr(second + 1).starts_with("HTTP/1.")) return std::nullopt;
  request = {.method = std::string{line.substr(0, first)}, .path = std::string{line.substr(first + 1, second - first - 1)}};
  request.keep = line.ends_with("1.1");
  std::size_t body = 0;
  while (!head.empty()) {
    const auto field = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(head.size(), field.size() + 2));
    const auto colon = field.find(':');
    if (colon == field.npos) return std::nullopt;
    const auto name = small_letters(std::string{field.substr(0, colon)});
    auto value = field.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    if (name == "content-length") {
      const auto length = whole_number(value);
      if (!length || *length > kLongestRequest) return std::nullopt;
      body = *length;
    } else if (name == "connection") {
      request.keep = request.keep && small_letters(std::string{value}) != "close";
    } else if (name == "authorization") {
      request.authorization = value;
    } else if (name == "range" && value.starts_with("bytes=")) {
      const auto dash = value.find('-');
      const auto from = dash == value.npos ? std::nullopt : whole_number(value.substr(6, dash - 6));
      if (from) request.range.emplace(*from, whole_number(value.substr(dash + 1)));
    }
  }
  return text.size() < end + 4 + body ? 0 : end + 4 + body;
}

/// A box that records .atss files and serves them while they grow, by HTTP/1.1 and PROPFIND, to any number of clients.
class HttpSink final : public Sink {
 public:
  HttpSink(const Target& target, Stop& stop, const Log& log)
      : scheme_{target.kind == Target::Kind::Https ? "https:" : "http:"},
        name_{scheme_ + target.host + ":" + target.port},
        host_{target.host},
        port_{target.port},
        channels_{target.channels},
        rate_hz_{target.rate_hz},
        authorization_{target.authorization},
        stop_{stop},
        log_{log} {
    if (target.kind == Target::Kind::Https) tls_.emplace();
  }

  void open() override {
    if (!listener_) listen();
  }

  std::size_t write(std::string_view bytes) override {
    open();
    if (const auto block = daq::decode::read_atss_block(bytes); block && block->n_channels == channels_.size()) take(*block);
    serve(mth5::steady_now());
    return bytes.size();
  }
  [[nodiscard]] bool sends_messages() const override { return true; }

  void wait_until(Clock::time_point until) override { serve(until); }

  void disconnect(mth5::Nanos away) override {
    clients_.clear();
    listener_.reset();
    log_.info(name_ + ": disconnected");
    if (stop_.requested() || !stop_.sleep_until(mth5::steady_now() + away)) return;
    open();
  }

  void misbehave(daq::simulate::FaultPlan::Served::Kind kind, mth5::Nanos length) override {
    using Kind = daq::simulate::FaultPlan::Served::Kind;
    if (kind == Kind::IgnoreRange) ignores_range_ = true;
    if (kind == Kind::SlowRange) slow_ = length;
    if (runs_.empty()) return;
    if (kind == Kind::NewRun) {
      show_all();
      wants_run_ = true;
    }
    if (kind != Kind::Shrink) return;
    for (auto& file : runs_.back().files) {
      file.samples.resize(file.samples.size() / 2);
      file.given = std::min(file.given, file.samples.size());
    }
  }

  std::string finish(std::optional<Clock::time_point> deadline) override {
    show_all();
    const auto owed = [this] {
      return std::any_of(runs_.begin(), runs_.end(), [](const AtssRun& run) {
        return std::any_of(run.files.begin(), run.files.end(),
                           [](const AtssFile& file) { return file.given < file.samples.size(); });
      });
    };
    while (owed()) {
      const auto now = mth5::steady_now();
      if (stop_.requested() && !deadline) deadline = now + kDrainAfterStop;
      if (deadline && now >= *deadline) break;
      serve(std::min(now + std::chrono::milliseconds{100}, deadline.value_or(Clock::time_point::max())));
    }
    clients_.clear();
    listener_.reset();
    return owed() ? name_ + ": no client has taken everything" : "";
  }

 private:
  struct Client {
    mth5::Descriptor socket;
    std::optional<TlsServer::Session> tls{};
    std::string in{}, out{};
    std::string sealed{};  ///< on its way
    std::string later{};   ///< of a slow answer
    Clock::time_point later_at{};
    int answers = 0;
    bool closes = false;
  };

  void listen() {
    auto listening = listen_at(name_, host_, port_, 16);
    listener_ = std::move(listening.socket);
    port_ = listening.port();
    name_ = scheme_ + listening.address;
    log_.info("listening on " + listening.address);
    if (tls_) log_.info("certificate with SHA-256 " + tls_->fingerprint());
    epoll_ = mth5::Descriptor{epoll_create1(EPOLL_CLOEXEC)};
    epoll_event event{.events = EPOLLIN, .data = {.fd = listener_.get()}};
    if (!epoll_ || epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.get(), &event) != 0)
      throw mth5::Error{name_ + ": epoll: " + std::strerror(errno)};
  }

  void take(const AtssBlock& block) {
    if (block.state) {
      state_ = *block.state;
      return;
    }
    const auto expected = runs_.empty()
                              ? block.time
                              : mth5::sample_time(runs_.back().start, rate_hz_, static_cast<std::int64_t>(runs_.back().n_rows));
    // A file has no gaps: where the signal has one, the box begins to record anew.
    if (runs_.empty() || wants_run_ || std::chrono::abs(block.time - expected) > std::chrono::microseconds{1})
      begin_run(block.time);
    auto& run = runs_.back();
    const auto n = block.rows.size() / channels_.size();
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      auto& file = run.files[c];
      file.samples += std::exchange(file.next, {});
      auto& to = c % 2 == 1 ? file.next : file.samples;  // channels go on at different moments
      for (std::size_t i = 0; i < n; ++i)
        to.append(reinterpret_cast<const char*>(&block.rows[i * channels_.size() + c]), sizeof(double));
    }
    run.n_rows += n;
  }

  void show_all() {
    if (runs_.empty()) return;
    for (auto& file : runs_.back().files) file.samples += std::exchange(file.next, {});
  }

  void begin_run(mth5::UtcNanos start) {
    show_all();
    wants_run_ = false;
    runs_.push_back({fmt::format("run_{:03}", runs_.size() + 1), start});
    const auto rate = rate_hz_ >= 1 ? fmt::format("{:g}Hz", rate_hz_) : fmt::format("{:g}s", 1 / rate_hz_);
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      auto type = channels_[c];
      if (type[0] >= 'a' && type[0] <= 'z') type[0] = static_cast<char>(type[0] - 'a' + 'A');
      const bool electric = type[0] == 'E';
      nlohmann::json json{{"datetime", mth5::to_mth5_time(start)},
                          {"units", electric ? "mV/km" : "mV"},
                          {"source", ""},
                          {"filter", ""},
                          {"azimuth", 0.0},
                          {"tilt", 0.0},
                          {"sensor_calibration", {{"sensor", electric ? "EFP-06" : "MFS-06e"}, {"serial", 100 + c}}}};
      if (state_) {
        json["latitude"] = state_->latitude;
        json["longitude"] = state_->longitude;
        json["elevation"] = state_->elevation;
        json["resistance"] = electric ? state_->contact_resistance[c] : 0.0;
      }
      runs_.back().files.push_back({fmt::format("084_ADU-08e_C{:02}_T{}_{}", c, type, rate), json.dump(), {}});
    }
  }

  /// Does for clients what there is to do, and waits for more. Once at least.
  void serve(Clock::time_point until) {
    for (;;) {
      auto wake = until;
      for (auto& client : clients_) {
        give(client);
        if (client.socket && !client.later.empty()) wake = std::min(wake, client.later_at);
      }
      clients_.remove_if([](const Client& client) { return !client.socket; });
      if (!listener_) return;
      const auto woke = stop_.wait(epoll_.get(), POLLIN, wake);
      if (woke == Stop::Woke::Stopped || (woke == Stop::Woke::Timeout && wake == until)) return;
      if (woke != Stop::Woke::Ready) continue;
      accept();
      for (auto& client : clients_) hear_client(client);
    }
  }

  void accept() {
    mth5::Descriptor socket{accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!socket) return;
    clients_.push_back({.socket = std::move(socket)});
    if (tls_) clients_.back().tls.emplace(*tls_);
    watch(clients_.back(), EPOLL_CTL_ADD, false);
  }

  void watch(const Client& client, int how, bool writing) {
    epoll_event event{.events = EPOLLIN | (writing ? unsigned{EPOLLOUT} : 0u), .data = {.fd = client.socket.get()}};
    epoll_ctl(epoll_.get(), how, client.socket.get(), &event);
  }

  void hear_client(Client& client) {
    char buffer[4096];
    ssize_t n = 0;
    while (client.socket && (n = recv(client.socket.get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
      if (!take_bytes(client, {buffer, static_cast<std::size_t>(n)})) break;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) client.socket.reset();
    while (client.socket && client.later.empty()) {
      Request request;
      const auto taken = parse_request(client.in, request);
      if (!taken) {
        client.socket.reset();
      } else if (*taken == 0) {
        return;
      } else {
        client.in.erase(0, *taken);
        answer(client, request);
      }
    }
  }

  void send_answer(Client& client, const Request& request, std::string_view status, std::string_view body,
                   const std::string& fields = "") {
    client.closes = !request.keep || ++client.answers >= kAnswersOfAConnection;
    client.out += fmt::format("HTTP/1.1 {}\r\nServer: mth5-sim\r\nContent-Length: {}\r\n{}{}\r\n", status, body.size(), fields,
                              client.closes ? "Connection: close\r\n" : "");
    client.out += body;
  }

  /// @returns whether they are good
  bool take_bytes(Client& client, std::string_view bytes) {
    bool good = true;
    client.in += client.tls ? client.tls->open(bytes, good) : std::string{bytes};
    if (client.tls) client.sealed += client.tls->seal("");
    if (!good) client.socket.reset();
    return good;
  }

  void answer(Client& client, const Request& request) {
    const bool list = request.method == "PROPFIND";
    if (!authorization_.empty() && request.authorization != authorization_)
      return send_answer(client, request, "401 Unauthorized", "", "WWW-Authenticate: Basic realm=\"mth5-sim\"\r\n");
    if (!list && request.method != "GET") return send_answer(client, request, "405 Method Not Allowed", "");
    std::string_view path{request.path};
    if (!path.starts_with(kData)) return send_answer(client, request, "404 Not Found", "");
    path.remove_prefix(kData.size());
    if (path.empty()) return send_list(client, request, nullptr);
    const auto slash = path.find('/');
    const auto run =
        std::find_if(runs_.begin(), runs_.end(), [&](const AtssRun& one) { return one.name == path.substr(0, slash); });
    if (run == runs_.end() || slash == path.npos) return send_answer(client, request, "404 Not Found", "");
    path.remove_prefix(slash + 1);
    if (path.empty()) return send_list(client, request, &*run);
    for (auto& file : run->files) {
      if (path == file.stem + ".json") return send_answer(client, request, "200 OK", file.json);
      if (path == file.stem + ".atss" && !list) return send_samples(client, request, file);
    }
    send_answer(client, request, "404 Not Found", "");
  }

  void send_list(Client& client, const Request& request, const AtssRun* of) {
    const bool dav = request.method == "PROPFIND";
    std::string all = dav ? "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\">\n"
                          : "<html><body><pre><a href=\"../\">../</a>\n";
    const auto add = [&](const std::string& name, std::optional<std::size_t> size) {
      if (!dav) {
        if (!name.empty()) all += fmt::format("<a href=\"{0}\">{0}</a>\n", name);
        return;
      }
      all += fmt::format(
          "<D:response><D:href>{}{}</D:href><D:propstat><D:prop>{}</D:prop><D:status>HTTP/1.1 200 OK</D:status>"
          "</D:propstat></D:response>\n",
          request.path, name, size ? fmt::format("<D:getcontentlength>{}</D:getcontentlength>", *size) : "");
    };
    add("", {});
    if (of == nullptr)
      for (const auto& run : runs_) add(run.name + '/', {});
    else
      for (const auto& file : of->files) {
        add(file.stem + ".atss", file.samples.size());
        add(file.stem + ".json", file.json.size());
      }
    all += dav ? "</D:multistatus>\n" : "</pre></body></html>\n";
    send_answer(client, request, dav ? "207 Multi-Status" : "200 OK", all,
                dav ? "Content-Type: application/xml\r\n" : "Content-Type: text/html\r\n");
  }

  void send_samples(Client& client, const Request& request, AtssFile& file) {
    const auto& all = file.samples;
    if (!request.range || ignores_range_) return send_answer(client, request, "200 OK", all);
    const auto [first, asked_last] = *request.range;
    file.given = std::max(file.given, std::min(first, all.size()));  // asked for what is behind: that before it has arrived
    if (first >= all.size())
      return send_answer(client, request, "416 Range Not Satisfiable", "",
                         fmt::format("Content-Range: bytes */{}\r\n", all.size()));
    const auto last = std::min(asked_last.value_or(all.size() - 1), all.size() - 1);
    const auto begin = client.out.size();
    send_answer(client, request, "206 Partial Content", std::string_view{all}.substr(first, last - first + 1),
                fmt::format("Content-Range: bytes {}-{}/{}\r\n", first, last, all.size()));
    if (slow_ == mth5::Nanos{0}) return;
    const auto half = begin + (client.out.size() - begin) / 2;
    client.later = client.out.substr(half);
    client.later_at = mth5::steady_now() + slow_;
    client.out.resize(half);
  }

  void give(Client& client) {
    while (client.socket) {
      if (!client.later.empty() && mth5::steady_now() >= client.later_at) client.out += std::exchange(client.later, {});
      const auto out = std::exchange(client.out, {});
      client.sealed += client.tls && !out.empty() ? client.tls->seal(out) : out;
      if (client.sealed.empty()) {
        if (client.closes && client.later.empty()) return client.socket.reset();
        return watch(client, EPOLL_CTL_MOD, false);
      }
      const auto n = send(client.socket.get(), client.sealed.data(), client.sealed.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) {
        client.sealed.erase(0, static_cast<std::size_t>(n));
      } else if (errno == EAGAIN || errno == EINTR) {
        return watch(client, EPOLL_CTL_MOD, true);
      } else {
        client.socket.reset();
      }
    }
  }

  const std::string scheme_;
  std::string name_, host_, port_;
  std::optional<TlsServer> tls_;
  const std::vector<std::string> channels_;
  const double rate_hz_;
  const std::string authorization_;
  Stop& stop_;
  const Log& log_;
  mth5::Descriptor listener_, epoll_;
  std::list<Client> clients_;
  std::vector<AtssRun> runs_;
  std::optional<AtssState> state_;
  bool wants_run_ = false, ignores_range_ = false;
  mth5::Nanos slow_{0};
};

}  // namespace

std::unique_ptr<Sink> make_http(const Target& target, Stop& stop, const Log& log) {
  return std::make_unique<HttpSink>(target, stop, log);
}

}  // namespace sim
