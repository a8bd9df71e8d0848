#include <arpa/inet.h>

#include <charconv>

#include "acquisition/config/source.hpp"

#include "acquisition/config/tables.hpp"

namespace daq::config {

Input read_input(MapReader& map, Report& report) {
  std::optional<Input> input;
  std::string first;
  std::vector<std::string> known;
  for (const auto& [name, read] : input_kinds())
    if (read != nullptr) known.emplace_back(name);
  for (const auto& [name, read] : input_kinds()) {
    const Node* node = map.take(name, Node::Kind::Map);
    const Node* given = map.map().find(name);
    if (given == nullptr) continue;
    if (!first.empty()) {
      map.problem(*given, name, "a second input; the source has '" + first + "' already");
      continue;
    }
    first = name;
    if (read == nullptr)
      map.problem(*given, name, "is not supported by this version; use " + alternatives(known));
    else if (node != nullptr)
      input = read(*node, map.path(name), report);
  }
  std::string list;
  for (const auto& name : known) list += (list.empty() ? "" : ", ") + name;
  if (first.empty()) report.problem(map.map().place, map.here(), "has no input; add one of " + list);
  return input.value_or(Serial{});
}

std::string to_string(const Input& input) {
  struct Visitor {
    std::string operator()(const Serial& serial) const { return "serial:" + serial.device; }
    static std::string at(const std::string& host, std::uint16_t port) {
      const bool v6 = host.find(':') != std::string::npos;
      return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
    }
    std::string operator()(const Tcp& tcp) const { return "tcp:" + at(tcp.host, tcp.port); }
    std::string operator()(const SeedLink& seedlink) const { return "seedlink:" + at(seedlink.host, seedlink.port); }
    std::string operator()(const Http& http) const { return http.url; }
    std::string operator()(const TcpListen& tcp) const { return "tcp:listen:" + tcp.listen; }
    std::string operator()(const Udp& udp) const {
      return "udp:" + udp.listen + (udp.group.empty() ? "" : " (group " + udp.group + ")");
    }
    std::string operator()(const ReplayFile& file) const {
      return "file:" + (file.path.empty() ? (file.directory / file.pattern).string() : file.path.string());
    }
  };
  return std::visit(Visitor{}, input);
}

bool is_recording(const Input& input) {
  const auto* file = std::get_if<ReplayFile>(&input);
  return file != nullptr && !file->follow && !file->is_stdin();
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const bool v6 = text.starts_with('[');
  if (v6 && (colon < 2 || text[colon - 1] != ']')) return std::nullopt;
  Endpoint found{std::string{v6 ? text.substr(1, colon - 2) : text.substr(0, colon)}};
  const auto port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), found.port);
  in6_addr ignored{};
  if (error != std::errc{} || end != port.data() + port.size() || found.port == 0 ||
      inet_pton(v6 ? AF_INET6 : AF_INET, found.address.c_str(), &ignored) != 1)
    return std::nullopt;
  return found;
}

}  // namespace daq::config
