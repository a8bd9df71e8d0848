#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/decode/miniseed.hpp"
#include "acquisition/ledger/durable.hpp"
#include "acquisition/source/protocol.hpp"

namespace daq::source {

/// What is said to a SeedLink server (3.x, 4.0) and what it sends, without any I/O. Thread: io.
///
/// Streaming is resumed behind the last packet of each station by its number, which finds also what a station sent late; a server
/// that began anew has other numbers: seen when the first packet has one that was there before, or begins later than the one
/// before it ended. Then it is asked by time, and what it sends again is left out. After a start of the daemon both come from
/// what the file holds as durable.
class SeedLink final : public Protocol {
 public:
  /// @param rate_hz  of the stream; records of other rates are not judged by their times
  SeedLink(const config::SeedLink& target, double rate_hz, std::chrono::nanoseconds idle_timeout);

  [[nodiscard]] Answer connected(Time now) override;
  [[nodiscard]] Answer received(std::span<const char> bytes, Time now, const Give& give) override;
  [[nodiscard]] Answer due(Time now) override;
  void durable(const ledger::Durable& position) override;
  void disconnected() override;
  [[nodiscard]] std::vector<std::string> take_news() override;

 private:
  struct Station {
    std::uint64_t last = 0;  ///< number of the newest packet; 0: none yet
    bool resumed = false;    ///< asked for by it on this connection, and nothing has come yet
  };
  struct Channel {
    mth5::UtcNanos end;      ///< where the next sample would be
    bool from_file = false;  ///< `end` is that of the file, nothing has come yet
    bool seen_here = false;  ///< on this connection
  };
  enum class Phase : std::uint8_t { Greeting, Asking, Streaming };

  [[nodiscard]] Answer take_line(std::string_view line);
  [[nodiscard]] Answer greeted();
  [[nodiscard]] Answer refused(std::string_view line);
  [[nodiscard]] Answer next_command();
  void ask_for_streams();
  [[nodiscard]] std::string start_command(const std::string& station);
  [[nodiscard]] std::optional<mth5::UtcNanos> resume_time() const;
  /// One packet at the front. @returns bytes of it; 0: it is not whole
  [[nodiscard]] std::size_t take_packet(std::span<const char> bytes, const Give& give, Answer& answer);
  [[nodiscard]] std::size_t take_packet_3(std::span<const char> bytes, const Give& give, Answer& answer);
  [[nodiscard]] std::size_t take_packet_4(std::span<const char> bytes, const Give& give, Answer& answer);
  /// Whether the record goes on; what came before is left out, and a gap that need not be is asked for.
  [[nodiscard]] bool goes_on(const decode::RecordHeader& header, Answer& answer);
  void take_record(std::span<const char> record, const std::string& station, std::uint64_t number, const Give& give,
                   Answer& answer);
  [[nodiscard]] std::string token() const;
  [[nodiscard]] Answer ask_by_time(const std::string& why);
  [[nodiscard]] Answer fail(std::string reason) const;

  const config::SeedLink target_;
  const std::string name_;
  const double rate_hz_;
  const std::chrono::nanoseconds keepalive_;
  Phase phase_ = Phase::Greeting;
  int version_ = 3;
  std::string greeting_;               ///< its first line
  std::vector<std::string> commands_;  ///< still to be said; front: said, and not answered
  std::size_t n_refused_ = 0;
  std::string held_;                         ///< the beginning of a line or packet
  std::size_t to_skip_ = 0;                  ///< bytes of a packet that nobody wants
  std::map<std::string, Station> stations_;  ///< NET_STA
  std::map<std::string, Channel> channels_;  ///< NET.STA.LOC.CHA
  std::optional<ledger::Durable> found_;     ///< in the file of the daemon before
  bool by_time_ = false;                     ///< the next connection resumes by time
  bool resumed_by_time_ = false;             ///< this one did
  std::uint64_t n_again_ = 0;                ///< records that had been there before
  Time last_packet_{}, last_heard_{};        ///< of data; of anything, or asked
  std::vector<std::string> news_;
};

}  // namespace daq::source
