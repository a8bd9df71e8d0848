#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>

#include "acquisition/config/baud.hpp"
#include "acquisition/config/login.hpp"
#include "acquisition/config/tables.hpp"

/// The inputs of a source.
namespace daq::config {

namespace {

using namespace std::chrono_literals;
constexpr std::chrono::hours kDay{24};
constexpr std::int64_t kMiB = std::int64_t{1} << 20;

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

std::string check_listen(std::string_view text) {
  return parse_endpoint(text)
             ? ""
             : in_quotes(text) + " must be an address of this computer and a port, such as 0.0.0.0:8888 or [::]:8888";
}

bool is_address(std::string_view text) {
  in6_addr ignored{};
  const std::string address{text};
  return inet_pton(AF_INET, address.c_str(), &ignored) == 1 || inet_pton(AF_INET6, address.c_str(), &ignored) == 1;
}

std::string check_sender(std::string_view text) {
  return text.empty() || is_address(text) ? "" : in_quotes(text) + " must be an address in numbers, such as 10.0.0.2";
}

std::string check_pattern(std::string_view text) {
  return !text.empty() && text.find('/') == std::string_view::npos
             ? ""
             : in_quotes(text) + " must be a pattern of file names without a folder, such as *.TXT";
}

/// "2026-03-01"
std::string check_date(std::string_view text) {
  return text.empty() || (text.size() == 10 && mth5::parse_time(text)) ? ""
                                                                       : in_quotes(text) + " is not a date such as 2026-03-01";
}

std::string check_group(std::string_view text) {
  in_addr v4{};
  in6_addr v6{};
  const std::string address{text};
  const bool good = text.empty() || (inet_pton(AF_INET, address.c_str(), &v4) == 1 && IN_MULTICAST(ntohl(v4.s_addr))) ||
                    (inet_pton(AF_INET6, address.c_str(), &v6) == 1 && IN6_IS_ADDR_MULTICAST(&v6));
  return good ? "" : in_quotes(text) + " must be a multicast address, such as 239.1.2.3";
}

/// It is said to the server as it is: no blank or control character may make another command of it.
std::string check_stream(std::string_view text) {
  const auto is_word = [](std::string_view word, std::string_view more) {
    return !word.empty() && std::all_of(word.begin(), word.end(), [more](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || more.find(c) != more.npos;
    });
  };
  const auto colon = text.find(':');
  const auto id = text.substr(0, colon);
  const auto bar = id.find('_');
  bool good = bar != id.npos && id.size() <= 20 && is_word(id.substr(0, bar), "?*") && is_word(id.substr(bar + 1), "?*");
  auto rest = colon == text.npos ? std::string_view{} : text.substr(colon + 1);
  good &= colon == text.npos || !rest.empty();
  while (good && !rest.empty()) {
    auto word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    if (word.starts_with('!')) word.remove_prefix(1);
    good = (word.size() == 3 || word.size() == 5) && is_word(word.substr(word.size() - 3), "?") &&
           (word.size() == 3 || is_word(word.substr(0, 2), "?-"));
  }
  return good ? "" : in_quotes(text) + " must be NET_STA, or NET_STA: with selectors behind it, such as 'XX_MT01:LF? LQ?'";
}

std::string check_url(std::string_view text) {
  if (text.find('@') != text.npos)  // which is not repeated here: it may hold a password
    return "has a user or a password in it (there is an @); give http.user and http.password_file, which keep it out of the log";
  return parse_url(text) ? ""
                         : in_quotes(text) +
                               " must be the URL of a directory, such as http://192.168.0.203/data/, without user, password and "
                               "query";
}

std::string digits_of_pin(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c != ':') digits += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  return digits;
}

std::string check_pin(std::string_view text) {
  const auto digits = digits_of_pin(text);
  const bool good = digits.size() == 64 && digits.find_first_not_of("0123456789abcdef") == std::string::npos;
  return good ? "" : in_quotes(text) + " must be a SHA-256: 64 hexadecimal digits, with or without colons";
}

std::string check_interface(std::string_view text) {
  return text.size() < IF_NAMESIZE && text.find_first_of("/ \t") == std::string_view::npos
             ? ""
             : in_quotes(text) + " must be the name of a network interface, such as eth0";
}

}  // namespace

bool is_word(MapReader& map, std::string_view key, std::string_view word, const std::string& otherwise) {
  const Node* node = map.map().find(key);
  if (node != nullptr && node->text != word) return false;
  static_cast<void>(map.choice(key, otherwise, {std::string{word}}));
  return true;
}

const Section<Serial>& serial_keys() {
  static const Section<Serial> keys{
      "sources[].serial",
      {
          text_key("device", &Serial::device, "a path", check_device,
                   "The port. A name from /dev/serial/by-id stays the same when plugs are swapped.", true),
          {"baud", "whole number",
           "a rate of serial ports, " + std::to_string(kBauds.front().rate) + " to " + std::to_string(kBauds.back().rate) +
               " baud",
           "Bits a second.", false,
           [](MapReader& map, Serial& serial) {
             const auto baud = map.whole("baud", serial.baud, kBauds.front().rate, kBauds.back().rate, "baud");
             if (std::none_of(kBauds.begin(), kBauds.end(), [&](const Baud& b) { return b.rate == baud; }))
               map.problem(*map.map().find("baud"), "baud",
                           std::to_string(baud) + " is no rate of a serial port (4800, 9600, 19200, 38400, 57600, 115200, ...)");
             serial.baud = unsigned(baud);
           },
           [](const Serial& serial) { return std::to_string(serial.baud); }},
          whole_key("bits", &Serial::bits, 5, 8, "bits", "Bits of a character."),
          choice_key("parity", &Serial::parity, {"none", "even", "odd"}, "Its parity bit."),
          whole_key("stop_bits", &Serial::stop_bits, 1, 2, "bits", "Its stop bits."),
          choice_key(
              "rs485", &Serial::rs485, {"off", "rts-on-send", "rts-after-send"},
              "RS-485 in half duplex: the driver switches the transmitter on by RTS, high while sending (rts-on-send) or low "
              "(rts-after-send). An adapter that switches by itself needs off."),
          flag_key("low_latency", &Serial::low_latency,
                   "Bytes are handed on at once (ASYNC_LOW_LATENCY): a USB adapter of FTDI else collects them for 16 ms. Worth "
                   "it where "
                   "samples have the time of their arrival; it costs power."),
      }};
  return keys;
}

const Section<Tcp>& tcp_keys() {
  static const Section<Tcp> keys{"sources[].tcp",
                                 {
                                     text_key("host", &Tcp::host, "a name or an address", check_host,
                                              "A terminal server or mth5-sim; mth5d connects to it. Not with listen.", true),
                                     whole_key("port", &Tcp::port, 1, 65535, "", "Its port. Not with listen.", true),
                                 }};
  return keys;
}

const Section<TcpListen>& tcp_listen_keys() {
  static const Section<TcpListen> keys{
      "sources[].tcp",
      {
          text_key(
              "listen", &TcpListen::listen, "an address of this computer and a port", check_listen,
              "Instead of host and port: where the instrument connects to, 0.0.0.0:7000 or [::]:7000. One peer at a time; others "
              "are refused, and counted as refused-peer."),
          text_key("from", &TcpListen::from, "an address in numbers", check_sender,
                   "With listen: the one address that may connect; others are refused, and counted as other-sender."),
          time_key(
              "yield_after", &TcpListen::yield_after, 1s, kDay,
              "With listen: a peer that has sent nothing of use for so long (no frame, answer or comment of the instrument) "
              "gives way to another that "
              "connects. So an instrument whose power was cut gets in again, and who only occupies the line does not keep it."),
      }};
  return keys;
}

const Section<Udp>& udp_keys() {
  static const Section<Udp> keys{
      "sources[].udp",
      {
          text_key("listen", &Udp::listen, "an address of this computer and a port", check_listen,
                   "Where datagrams come to: 0.0.0.0:8888, or [::]:8888 for IPv6. A frame never goes on in the next datagram. "
                   "Frames up to seven places late, by counter or time, are put in order; later ones have a run of their own.",
                   true),
          text_key("group", &Udp::group, "a multicast address", check_group, "A multicast group that is joined: 239.1.2.3."),
          text_key("interface", &Udp::interface, "a network interface", check_interface,
                   "By which the group is joined: eth0. Without it the system chooses, by its routes."),
          text_key("from", &Udp::from, "an address in numbers", check_sender,
                   "The one sender whose datagrams are taken; those of others are counted as other-sender."),
          size_key("receive_buffer", &Udp::receive_buffer, 4096, 256 * kMiB,
                   "What the kernel keeps while this program is busy; what finds no room is counted as kernel-drop. The system's "
                   "limit is "
                   "net.core.rmem_max."),
          size_key(
              "longest", &Udp::longest, 16, 65536,
              "A datagram that is longer is not taken at all, because its end would be missing; it is counted as oversized."),
      }};
  return keys;
}

const Section<SeedLink>& seedlink_keys() {
  static const Section<SeedLink> keys{
      "sources[].seedlink",
      {
          text_key("host", &SeedLink::host, "a name or an address", check_host, "A SeedLink server.", true),
          whole_key("port", &SeedLink::port, 1, 65535, "", "Its port."),
          {"streams", "list of texts", "1 to 32 of NET_STA or NET_STA:SELECTORS",
           "What it is asked for: stations, each with the selectors of its channels: CHA, or LLCHA with the location (-- is a "
           "blank one), ? for any character, ! in front of one that is not wanted. Without selectors all channels come. Where "
           "the "
           "server knows wildcards, NET and STA may have * and ?.",
           true,
           [](MapReader& map, SeedLink& seedlink) {
             const Node* list = map.take("streams", Node::Kind::Sequence, MapReader::Need::Required);
             if (list == nullptr) return;
             if (list->items.empty() || list->items.size() > 32) map.problem(*list, "streams", "must name 1 to 32 streams");
             for (const auto& item : list->items) {
               auto wrong = item.kind == Node::Kind::Scalar ? check_stream(item.text) : "must be a text such as XX_MT01";
               if (!wrong.empty()) map.problem(item, "streams", std::move(wrong));
               seedlink.streams.push_back(item.text);
             }
           },
           [](const SeedLink&) { return std::string{}; }},
          choice_key("protocol", &SeedLink::protocol, {"auto", "3", "4"}, "Its version; auto: 4 where the server offers it."),
          time_key(
              "silence", &SeedLink::silence, 1s, kDay,
              "Without a packet for so long the connection is made anew, and asks by time. Records of slow channels come once in "
              "some minutes. A server that does not answer is given up after idle_timeout, in which it is asked three times."),
      }};
  return keys;
}

const Section<Http>& http_keys() {
  static const Section<Http> keys{
      "sources[].http",
      {
          text_key("url", &Http::url, "http:// or https://, of a directory", check_url,
                   "The directory on the box that has the runs (run_001, run_002, ...), or that of one run. A user and a "
                   "password do not "
                   "stand here.",
                   true),
          text_key("user", &Http::user, "a name, without ':'", check_user,
                   "Who mth5d is for the box, where it wants a user and a password (Basic authentication; with http:// "
                   "everybody in the network can read them). With password_file."),
          text_key("password_file", &Http::password_file, "a file with one line", check_not_empty,
                   "The password, in a file of its own that only its owner, and its group if need be, may read (chmod 640). A "
                   "relative path is from where the file stands that names it. It is read when mth5d starts, and stands in no "
                   "log, status or recording."),
          time_key("poll", &Http::poll, 100ms, 1h,
                   "So often each channel is asked for what is new. Shorter than idle_timeout. The directory is looked at once a "
                   "minute, and when nothing has grown for ten times as long."),
          {"pin", "text", "64 hexadecimal digits, with or without colons",
           "https: the SHA-256 of the certificate that the box has to show, whoever signed it: openssl x509 -in FILE -noout "
           "-fingerprint -sha256.",
           false,
           [](MapReader& map, Http& http) {
             static_cast<void>(map.text("pin", "", check_pin));
             const Node* given = map.map().find("pin");
             if (given != nullptr) http.pin = digits_of_pin(given->text);
           },
           [](const Http& http) { return http.pin; }},
          flag_key("self_signed", &Http::self_signed,
                   "https: any certificate is taken, so nothing is known of who answers. Better a pin. Without both the "
                   "certificate must be one that the system trusts, of the host that url names."),
          choice_key(
              "runs", &Http::runs, {"newest", "all"},
              "Where the first recording ever begins: with the newest run, at its beginning, or with the oldest. Later ones "
              "follow in order, and a restart goes on where the file ends."),
      }};
  return keys;
}

const Section<Gpsd>& gpsd_keys() {
  static const Section<Gpsd> keys{
      "sources[].gpsd",
      {
          text_key(
              "host", &Gpsd::host, "a name or an address", check_host,
              "gpsd, which has a receiver of its own: how well this computer's clock is known, by its pulse a second (PPS) to "
              "microseconds, by its times alone to about a second. The source has a name and no instrument, no station and no "
              "samples; it makes the times of arrival of the other sources as good as they are said to be."),
          whole_key("port", &Gpsd::port, 1, 65535, "", "Its port."),
      }};
  return keys;
}

const Section<Chrony>& chrony_keys() {
  static const Section<Chrony> keys{
      "sources[].chrony",
      {
          time_key("every", &Chrony::every, 1s, 1h,
                   "How often chronyc is asked how well chronyd knows this computer's clock. As gpsd: a source without samples."),
      }};
  return keys;
}

const Section<ReplayFile>& file_keys() {
  static const Section<ReplayFile> keys{
      "sources[].file",
      {
          text_key("path", &ReplayFile::path, "a file, or -", check_not_empty,
                   "A recording to play, a file to follow, or - for standard "
                   "input, which is taken as it comes. A relative path begins in the directory in which mth5d is started."),
          {"speed", "number", "0.001 to 1000000 times real time, or max", "How fast a recording is played.", false,
           [](MapReader& map, ReplayFile& file) {
             if (!is_word(map, "speed", "max", "1"))
               file.speed = map.number("speed", 0.001, 1e6, "times real time, or max").value_or(1);
             else if (map.map().find("speed") != nullptr)
               file.speed = std::nullopt;
           },
           [](const ReplayFile& file) { return file.speed ? format_number(*file.speed) : std::string{"max"}; }},
          flag_key("follow", &ReplayFile::follow,
                   "What is there is read as fast as it goes, then what is added, as it is. A file system that does not report "
                   "changes "
                   "(of a network) is looked at once a second."),
          text_key("directory", &ReplayFile::directory, "a folder", check_not_empty,
                   "With follow, instead of path: files that an instrument or another program begins one after the other, in the "
                   "order "
                   "of their names. A relative one as path."),
          text_key("pattern", &ReplayFile::pattern, "of file names, with * ? [a-z]", check_pattern,
                   "Which files of the directory."),
          text_key("date", &ReplayFile::date, "a day, in UTC", check_date,
                   "Of the first line of a recording whose lines have times of day without a date (time: host-date). Not given: "
                   "that of this computer's clock when it is played."),
          time_key("next_after", &ReplayFile::next_after, 10ms, kDay,
                   "A file of the directory that has not grown for so long is done when there is a later one."),
      }};
  return keys;
}

namespace {

template <class T, class Keys>
Input read_input_of(const Node& node, const std::string& path, Report& report, const Keys& keys) {
  MapReader map{node, path, report};
  T input;
  keys.read(map, input);
  map.finish();
  return input;
}

Input read_tcp(const Node& node, const std::string& path, Report& report) {
  if (node.find("listen") == nullptr) return read_input_of<Tcp>(node, path, report, tcp_keys());
  for (const char* other : {"host", "port"})
    if (const Node* given = node.find(other); given != nullptr)
      report.problem(given->place, path + "." + other, "does not go with listen: either mth5d connects, or the instrument does");
  MapReader map{node, path, report};
  for (const char* other : {"host", "port"})
    if (node.find(other) != nullptr) static_cast<void>(map.take_any(other));
  TcpListen tcp;
  tcp_listen_keys().read(map, tcp);
  map.finish();
  return tcp;
}

Input read_file(const Node& node, const std::string& path, Report& report) {
  MapReader map{node, path, report};
  ReplayFile file;
  file_keys().read(map, file);
  const auto needs = [&](std::string_view key, bool good, const std::string& what) {
    if (const Node* given = node.find(key); given != nullptr && !good) map.problem(*given, key, what);
  };
  if (node.find("path") == nullptr && node.find("directory") == nullptr)
    report.problem(node.place, map.path("path"), "is missing; or give directory, with follow: true");
  needs("directory", node.find("path") == nullptr, "does not go with path: either one file, or those of a directory");
  needs("directory", file.follow, "needs follow: true: a directory is followed, not played");
  needs("pattern", node.find("directory") != nullptr, "is for a directory");
  needs("next_after", node.find("directory") != nullptr, "is for a directory");
  needs("speed", !file.follow && !file.is_stdin(), "is for a recording; what grows is taken as it comes");
  needs("date", node.find("directory") == nullptr, "is of one file, not of those of a directory");
  needs("follow", !file.follow || !file.is_stdin(), "standard input is followed to its end in any case");
  map.finish();
  return file;
}

/// The password of `password_file`, into what is sent.
void read_login(MapReader& map, Http& http) {
  const Node* user = map.map().find("user");
  const Node* file = map.map().find("password_file");
  if (user == nullptr && file == nullptr) return;
  if (file == nullptr) return map.problem(*user, "user", "needs a password; give password_file");
  if (http.password_file.empty()) return;  // reported
  std::filesystem::path path{http.password_file};
  if (path.is_relative()) path = std::filesystem::path{file->place.origin->name}.parent_path() / path;
  const auto password = read_password(path);
  if (!password.problem.empty()) return map.problem(*file, "password_file", password.problem);
  if (user == nullptr || http.user.empty()) return map.problem(*file, "password_file", "needs a user; give user");
  if (http.self_signed)
    return map.problem(*file, "password_file", "does not go with self_signed: true, by which anybody could get it; give pin");
  http.authorization = basic_authorization(http.user, password.text);
}

Input read_http(const Node& node, const std::string& path, Report& report) {
  MapReader map{node, path, report};
  Http http;
  http_keys().read(map, http);
  const auto url = parse_url(http.url);
  for (const char* key : {"pin", "self_signed"})
    if (const Node* given = node.find(key); given != nullptr && url && !url->tls)
      map.problem(*given, key, "is for https; " + in_quotes(http.url) + " shows no certificate");
  read_login(map, http);
  if (const Node* given = node.find("pin"); given != nullptr && http.self_signed)
    map.problem(*given, "pin", "does not go with self_signed: true, which takes any certificate");
  map.finish();
  return http;
}

Input read_udp(const Node& node, const std::string& path, Report& report) {
  MapReader map{node, path, report};
  Udp udp;
  udp_keys().read(map, udp);
  const auto is_v6 = [](const std::string& address) { return address.find(':') != std::string::npos; };
  if (const auto at = parse_endpoint(udp.listen); at && !udp.group.empty() && is_v6(at->address) != is_v6(udp.group))
    map.problem(*node.find("group"), "group",
                in_quotes(udp.group) + " and listen (" + udp.listen + ") must be both IPv4 or both IPv6");
  else if (at && udp.group.empty() && check_group(at->address).empty())
    map.problem(*node.find("listen"), "listen",
                in_quotes(at->address) + " is a multicast address; write group: '" + at->address +
                    "' and listen: " + (is_v6(at->address) ? "'[::]" : "'0.0.0.0") + ":" + std::to_string(at->port) + "'");
  if (const Node* interface = node.find("interface"); interface != nullptr && node.find("group") == nullptr)
    map.problem(*interface, "interface", "is for a group, and there is none; listen takes the address of an interface");
  map.finish();
  return udp;
}

}  // namespace

const std::vector<InputKind>& input_kinds() {
  static const std::vector<InputKind> kinds{
      {"serial", [](const Node& n, const std::string& p, Report& r) { return read_input_of<Serial>(n, p, r, serial_keys()); }},
      {"tcp", read_tcp},
      {"udp", read_udp},
      {"seedlink",
       [](const Node& n, const std::string& p, Report& r) { return read_input_of<SeedLink>(n, p, r, seedlink_keys()); }},
      {"http", read_http},
      {"file", read_file},
  };
  return kinds;
}

}  // namespace daq::config
