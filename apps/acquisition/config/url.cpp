#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "acquisition/config/config.hpp"

namespace daq::config {

namespace {

constexpr std::size_t kLongestPath = 1000;  // characters of a URL

}  // namespace

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

std::optional<HttpUrl> parse_url(std::string_view text) {
  HttpUrl url;
  const auto scheme = text.find("://");
  if (scheme == text.npos) return std::nullopt;
  url.tls = text.substr(0, scheme) == "https";
  if (!url.tls && text.substr(0, scheme) != "http") return std::nullopt;
  text.remove_prefix(scheme + 3);
  const auto slash = std::min(text.find('/'), text.size());
  auto authority = text.substr(0, slash);
  url.path = text.substr(slash);
  if (!url.path.ends_with('/')) url.path += '/';
  const auto is_part = [](char c) {
    return c > ' ' && c < '\x7f' && std::string_view{"\"#<>?\\^`{|}@"}.find(c) == std::string_view::npos;
  };
  if (!std::all_of(url.path.begin(), url.path.end(), is_part) || url.path.size() > kLongestPath) return std::nullopt;
  const bool v6 = authority.starts_with('[');
  const auto end = v6 ? authority.find(']') : std::min(authority.find(':'), authority.size());
  if (end == authority.npos) return std::nullopt;
  url.host = authority.substr(v6 ? 1 : 0, v6 ? end - 1 : end);
  authority.remove_prefix(v6 ? end + 1 : end);
  url.port = url.tls ? 443 : 80;
  if (!authority.empty()) {
    const auto digits = authority.substr(1);
    const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    if (authority.front() != ':' || error != std::errc{} || last != digits.data() + digits.size() || url.port == 0)
      return std::nullopt;
  }
  in6_addr ignored{};
  const bool good =
      v6 ? inet_pton(AF_INET6, url.host.c_str(), &ignored) == 1 : std::all_of(url.host.begin(), url.host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
      });
  return good && !url.host.empty() && url.host.size() <= 253 ? std::optional{url} : std::nullopt;
}

}  // namespace daq::config
