#include "acquisition/config/source.hpp"

#include <algorithm>
#include <array>

#include "acquisition/config/overrides.hpp"

namespace daq::config {

namespace {

/// Rates that the kernel's termios knows; another one fails when the port is opened.
constexpr std::array<std::int64_t, 28> kBauds{50,     75,     110,     134,     150,     200,     300,     600,    1200,   1800,
                                              2400,   4800,   9600,    19200,   38400,   57600,   115200,  230400, 460800, 500000,
                                              576000, 921600, 1000000, 1152000, 1500000, 2000000, 3000000, 4000000};

std::string check_device(std::string_view text) {
  return text.size() > 1 && text[0] == '/' ? "" : in_quotes(text) + " must be a path such as /dev/ttyUSB0";
}
std::string check_host(std::string_view text) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':' ||
           c == '_';
  };
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), good)
             ? ""
             : in_quotes(text) + " must be a host name or an address without port, such as 10.0.0.2";
}
Input read_serial(const Node& node, const std::string& path, Report& report) {
  MapReader map{node, path, report};
  Serial serial;
  serial.device = map.require_text("device", check_device);
  const auto baud = map.whole("baud", serial.baud, kBauds.front(), kBauds.back(), "baud");
  if (std::find(kBauds.begin(), kBauds.end(), baud) == kBauds.end())
    map.problem(*node.find("baud"), "baud",
                std::to_string(baud) + " is no rate of a serial port (4800, 9600, 19200, 38400, 57600, 115200, ...)");
  serial.baud = unsigned(baud);
  serial.bits = unsigned(map.whole("bits", serial.bits, 5, 8, "bits"));
  serial.parity = map.choice("parity", "none", {"none", "even", "odd"})[0];
  serial.stop_bits = unsigned(map.whole("stop_bits", serial.stop_bits, 1, 2, "bits"));
  map.finish();
  return serial;
}

Input read_tcp(const Node& node, const std::string& path, Report& report) {
  MapReader map{node, path, report};
  Tcp tcp;
  tcp.host = map.require_text("host", check_host);
  tcp.port = std::uint16_t(map.require_whole("port", 1, 65535, ""));
  map.finish();
  return tcp;
}

Input read_replay(const Node& node, const std::string& path, Report& report) {
  MapReader map{node, path, report};
  ReplayFile file;
  file.path = map.text("path", MapReader::Need::Required).value_or("");
  if (const Node* speed = node.find("speed"); speed != nullptr && speed->text == "max") {
    file.speed = std::nullopt;
    static_cast<void>(map.text("speed"));
  } else if (speed != nullptr) {
    file.speed = map.number("speed", 0.001, 1e6, "times real time, or max").value_or(1);
  } else {
    static_cast<void>(map.take_any("speed"));
    map.list("speed", "1", nullptr);
  }
  map.finish();
  return file;
}

}  // namespace

Input read_input(MapReader& map, Report& report) {
  std::optional<Input> input;
  std::string first;
  for (const auto& kind : input_kinds()) {
    const Node* node = map.take(kind, Node::Kind::Map);
    if (map.map().find(kind) == nullptr) continue;
    if (!first.empty()) {
      map.problem(*map.map().find(kind), kind, "a second input; the source has '" + first + "' already");
      continue;
    }
    first = kind;
    if (kind == "udp" || kind == "seedlink")
      report.problem(map.map().find(kind)->place, map.path(kind), "is not supported by this version; use serial, tcp or file");
    if (node == nullptr) continue;
    if (kind == "serial") input = read_serial(*node, map.path(kind), report);
    if (kind == "tcp") input = read_tcp(*node, map.path(kind), report);
    if (kind == "file") input = read_replay(*node, map.path(kind), report);
  }
  if (first.empty()) report.problem(map.map().place, map.here(), "has no input; add one of serial, tcp, file");
  return input.value_or(Serial{});
}

std::string to_string(const Input& input) {
  struct Visitor {
    std::string operator()(const Serial& serial) const { return "serial:" + serial.device; }
    std::string operator()(const Tcp& tcp) const {
      const bool v6 = tcp.host.find(':') != std::string::npos;
      return "tcp:" + (v6 ? "[" + tcp.host + "]" : tcp.host) + ":" + std::to_string(tcp.port);
    }
    std::string operator()(const ReplayFile& file) const { return "file:" + file.path.string(); }
  };
  return std::visit(Visitor{}, input);
}

}  // namespace daq::config
