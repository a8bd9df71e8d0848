#include "sink.hpp"

#include <charconv>

#include "cli/cli.hpp"

namespace sim {

namespace {

void split_address(const std::string& text, std::string_view address, Target& target) {
  const auto colon = address.rfind(':');
  auto host = address.substr(0, colon);
  const auto port = colon == std::string_view::npos ? std::string_view{} : address.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty() || port.empty() || error != std::errc{} || end != port.data() + port.size())
    throw cli::UsageError{"--to " + text + ": needs HOST:PORT with a port of 0 ... 65535, as 127.0.0.1:7000 or [::1]:7000"};
  const bool listens = target.kind == Target::Kind::TcpListen || target.kind == Target::Kind::SeedLink ||
                       target.kind == Target::Kind::Http || target.kind == Target::Kind::Https;
  if (!listens && number == 0) throw cli::UsageError{"--to " + text + ": port 0 can only be listened on"};
  if (const auto at = host.find('%'); at != std::string_view::npos && host.find(':') == std::string_view::npos) {
    unsigned first = 0;
    const bool is_address = std::from_chars(host.data(), host.data() + at, first).ec == std::errc{};
    if (target.kind != Target::Kind::Udp || !is_address || first < 224 || first > 239)
      throw cli::UsageError{"--to " + text + ": %INTERFACE is for udp and a multicast group, 224.0.0.0 to 239.255.255.255"};
    if (at + 1 == host.size())
      throw cli::UsageError{"--to " + text + ": the name of an interface is missing behind %, such as eth0"};
  }
  target.host = host;
  target.port = port;
}

}  // namespace

Target parse_target(const std::string& text) {
  Target target;
  if (text == "-") return target;
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (kind == "pty" || kind == "file") {
    target.kind = kind == "pty" ? Target::Kind::Pty : Target::Kind::File;
    if (rest.empty()) throw cli::UsageError{"--to " + text + ": needs a path, as " + kind + ":/tmp/lemi"};
    target.path = rest;
  } else if (kind == "tcp" || kind == "tcp-listen" || kind == "udp" || kind == "seedlink" || kind == "http" || kind == "https") {
    target.kind = kind == "tcp"        ? Target::Kind::Tcp
                  : kind == "udp"      ? Target::Kind::Udp
                  : kind == "seedlink" ? Target::Kind::SeedLink
                  : kind == "http"     ? Target::Kind::Http
                  : kind == "https"    ? Target::Kind::Https
                                       : Target::Kind::TcpListen;
    split_address(text, rest, target);
  } else {
    throw cli::UsageError{"--to " + text +
                          ": is not one of pty:PATH, tcp-listen:HOST:PORT, tcp:HOST:PORT, udp:HOST:PORT, seedlink:HOST:PORT, "
                          "http:HOST:PORT, https:HOST:PORT, file:PATH, -"};
  }
  return target;
}

std::unique_ptr<Sink> make_sink(const Target& target, Stop& stop, const Log& log) {
  switch (target.kind) {
    case Target::Kind::Pty:
      return make_pty(target.path, stop, log);
    case Target::Kind::TcpListen:
    case Target::Kind::Tcp:
      return make_tcp(target, stop, log);
    case Target::Kind::Udp:
      return make_udp(target, stop, log);
    case Target::Kind::SeedLink:
      return make_seedlink(target, stop, log);
    case Target::Kind::Http:
    case Target::Kind::Https:
      return make_http(target, stop, log);
    case Target::Kind::File:
    case Target::Kind::Stdout:
      break;
  }
  return make_file(target.path, stop, log);
}

}  // namespace sim
