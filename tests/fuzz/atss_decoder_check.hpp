#pragma once

#include <algorithm>
#include <string_view>

#include "acquisition/decode/atss.hpp"
#include "acquisition/source/atss.hpp"
#include "decoder_check.hpp"

/// What a box that serves .atss files may answer: any bytes, cut into answers where one seems to begin.
namespace fuzz {

/// @returns rows that were given
inline std::uint64_t check_atss_decoder(std::string_view bytes) {
  using daq::source::Atss;
  for (const auto& one : daq::source::listed(bytes, "/data/"))
    require(!one.name.empty() && one.name.find_first_of("/\n ") == one.name.npos, "names are names");
  if (const auto header = daq::source::parse_atss_header(bytes))
    require(header->units.find('\n') == header->units.npos && !(header->contact_resistance <= 0), "a header can be shown");

  Atss client{{.url = "http://box/data", .runs = "all"}, 1, {"hx", "ex"}};
  Atss::Time now{std::chrono::hours{1}};
  std::uint64_t rows = 0;
  const auto give = [&](std::span<const char> packet, std::string_view token) {
    const auto block = daq::decode::read_atss_block(packet);
    require(block.has_value() && block->n_channels == 2, "what is given is a block");
    require(token.size() <= daq::ledger::kLongestToken, "the token can be kept");
    rows += block->rows.size() / 2;
  };
  const auto look = [&](const Atss::Answer& answer) {
    require(answer.failed.find('\n') == answer.failed.npos, "a reason is one line");
    for (const auto& news : client.take_news()) require(news.find('\n') == news.npos, "news is one line");
    static_cast<void>(client.take_faults());
    if (answer.failed.empty() && !answer.reopen) return;
    client.disconnected();
    const auto again = client.connected(now += std::chrono::seconds{1});
    require(again.failed.empty(), "a connection is not given up before the server has said something");
  };
  look(client.connected(now));
  while (!bytes.empty()) {
    const auto next = bytes.find("HTTP/1.", 1);
    auto answer = bytes.substr(0, next);
    bytes.remove_prefix(answer.size());
    const auto piece = 1 + static_cast<std::size_t>(static_cast<unsigned char>(answer.back())) * 4;
    while (!answer.empty()) {
      const auto part = answer.substr(0, piece);
      look(client.received({part.data(), part.size()}, now, give));
      answer.remove_prefix(part.size());
    }
    if (bytes.empty()) look(client.closed(now, give));
    look(client.due(now += std::chrono::seconds{1}));
  }
  return rows;
}

}  // namespace fuzz
