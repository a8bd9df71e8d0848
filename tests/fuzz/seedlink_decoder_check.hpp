#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/decode/miniseed.hpp"
#include "acquisition/source/seedlink.hpp"
#include "decoder_check.hpp"

/// What a SeedLink server may say: any bytes, its greeting and answers too, cut anywhere, over as many connections as it takes.
namespace fuzz {

/// What became of them.
struct SeedLinkHeard {
  std::vector<std::string> packets{}, tokens{};
  std::string said{}, failed{};  ///< what was sent; why the first connection was given up
  std::uint64_t connections = 0;

  friend bool operator==(const SeedLinkHeard&, const SeedLinkHeard&) = default;
};

/// @param form    bit 0: 3 only, else 4 where it is offered; bit 1: it goes on behind what a file holds
/// @param piece   bytes that come at once
/// @param reopens whether what is left goes to another connection, where one was given up
inline SeedLinkHeard hear_seedlink(std::string_view bytes, unsigned form, std::size_t piece, bool reopens) {
  using daq::source::SeedLink;
  const auto fed = bytes.size();
  SeedLink client{{.host = "box", .streams = {"XX_MT01:LFX !LFZ", "X?_*"}, .protocol = (form & 1) != 0 ? "3" : "auto"},
                  1,
                  std::chrono::minutes{1}};
  const mth5::UtcNanos stored{std::chrono::sys_days{std::chrono::year{2026} / 5 / 1}};
  if ((form & 2) != 0) client.durable({.time = stored, .token = "XX_MT01=5 =7 X=", .stored = stored + std::chrono::seconds{30}});
  SeedLink::Time now{std::chrono::hours{1}};
  SeedLinkHeard heard;
  std::size_t given = 0;
  const auto give = [&](std::span<const char> packet, std::string_view token) {
    require(packet.size() <= daq::decode::kMostRecord, "a packet is no longer than a record");  // what is none the decoder counts
    require(token.size() <= daq::ledger::kLongestToken && token.find('\n') == token.npos, "the token can be kept");
    given += packet.size();
    heard.packets.emplace_back(packet.begin(), packet.end());
    heard.tokens.emplace_back(token);
  };
  const auto look = [&](const SeedLink::Answer& answer) {
    require(answer.failed.find('\n') == answer.failed.npos, "a reason is one line");
    for (const auto& news : client.take_news()) require(news.find('\n') == news.npos, "news is one line");
    for (std::size_t i = 0; i < answer.send.size(); ++i)
      require((answer.send[i] >= ' ' && answer.send[i] <= '~') || (answer.send[i] == '\r' && i + 1 < answer.send.size()) ||
                  (answer.send[i] == '\n' && i > 0 && answer.send[i - 1] == '\r'),
              "what is said are lines");
    require(answer.send.empty() || answer.send.ends_with("\r\n"), "a line that is said has its end");
    heard.said += answer.send;
    if (answer.failed.empty()) return true;
    if (heard.failed.empty()) heard.failed = answer.failed;
    heard.said.clear();  // what was to be said on a connection that is given up is not
    client.disconnected();
    return false;
  };
  const auto open = [&] {
    ++heard.connections;
    require(look(client.connected(now += std::chrono::seconds{1})), "it is greeted first");
  };
  open();
  bool is_open = true;
  while (!bytes.empty() && (is_open || reopens)) {
    if (!std::exchange(is_open, true)) open();
    const auto part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    is_open = look(client.received({part.data(), part.size()}, now, give));
    if (is_open && reopens) is_open = look(client.due(now += std::chrono::seconds{20}));
  }
  require(given <= fed, "no packet that nobody has sent");
  return heard;
}

/// The first byte is the form.
/// @returns packets that were given
inline std::uint64_t check_seedlink_decoder(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const auto form = static_cast<unsigned char>(bytes.front()) % 4u;
  bytes.remove_prefix(1);
  const auto piece = 1 + (bytes.empty() ? 0u : static_cast<unsigned char>(bytes.back()) * 2u);
  const auto whole = hear_seedlink(bytes, form, std::max<std::size_t>(1, bytes.size()), false);
  const auto parts = hear_seedlink(bytes, form, piece, false);
  require(parts == whole, "the same packets, answers and reasons however the stream is cut");
  static_cast<void>(hear_seedlink(bytes, form, piece, true));
  return whole.packets.size();
}

}  // namespace fuzz
