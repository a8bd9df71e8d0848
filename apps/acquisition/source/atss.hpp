#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/ledger/durable.hpp"
#include "acquisition/source/atss_files.hpp"
#include "acquisition/source/http_answer.hpp"
#include "acquisition/source/protocol.hpp"

namespace daq::source {

/// What is asked of a box that serves the .atss files it is writing (HTTP/1.1, WebDAV), and what its answers bring, without any
/// I/O. Thread: io.
///
/// One question at a time on a connection that is kept. The directory is listed, the files of one run are asked for what is
/// behind the bytes that were read, a part of each at a time, and rows that all channels have are handed on as blocks
/// (decode/atss.hpp), with run, start and number of the next sample as their token. Memory is bounded by two blocks and a
/// listing.
class Atss final : public Protocol {
 public:
  /// @param channels  of the blocks, 1 to decode::kMostAtssChannels: their names; "" = it is left out, and NaN. One has a name
  Atss(const config::Http& target, double rate_hz, std::vector<std::string> channels);

  [[nodiscard]] Answer connected(Time now) override;
  [[nodiscard]] Answer received(std::span<const char> bytes, Time now, const Give& give) override;
  [[nodiscard]] Answer due(Time now) override;
  [[nodiscard]] std::chrono::nanoseconds pause() const override;
  [[nodiscard]] Answer closed(Time now, const Give& give) override;
  void disconnected() override;
  void durable(const ledger::Durable& position) override;
  [[nodiscard]] std::vector<std::string> take_news() override;
  [[nodiscard]] std::vector<Fault> take_faults() override;

 private:
  enum class Ask : std::uint8_t { Nothing, Runs, Files, Header, Samples };
  struct Channel {
    std::string name{};  ///< of the profile; "" = it is left out
    std::string stem{};  ///< of its files; "" = none was found yet
    std::optional<AtssHeader> header{};
    bool asked = false;             ///< for the header, since the files were listed
    std::uint64_t have = 0;         ///< samples that were read
    std::vector<double> waiting{};  ///< those of them that another channel has not
  };
  struct Run {
    std::string name;
    bool is_later = true;                   ///< by its number, than the one before
    std::vector<Channel> channels;          ///< [n_channels]
    std::optional<mth5::UtcNanos> start{};  ///< once all headers are there
    std::uint64_t given = 0;                ///< rows
    std::string refused{};                  ///< why no more of it is taken; "" = it is good
    bool said_state = false;
    int listings = 0;      ///< of its files
    int quiet_rounds = 0;  ///< in a row in which no channel has grown
    bool told_behind = false;
  };
  /// Where the daemon before ended.
  struct Found {
    std::string run;
    std::int64_t start_ns = 0;
    std::uint64_t next = 0;
    mth5::UtcNanos stored{};
  };

  [[nodiscard]] Answer next(Time now);
  [[nodiscard]] std::string question();
  [[nodiscard]] bool list_is_due(Time now) const;
  [[nodiscard]] std::optional<std::size_t> channel_without_header() const;
  [[nodiscard]] std::size_t next_channel(std::size_t from) const;
  /// What its head says of an answer: how much of a body it may have, or that the connection is given up.
  [[nodiscard]] std::string judge_head(Time now);
  [[nodiscard]] std::string why_no_entry() const;
  [[nodiscard]] Answer take_answer(Time now, const Give& give);
  void take_runs();
  void choose_run();
  void begin_run(const std::string& name, bool is_later);
  void take_files();
  void take_header();
  void headers_are_there();
  void take_samples();
  void end_round(Time now, const Give& give);
  void give_rows(std::size_t n, const Give& give);
  [[nodiscard]] std::string path_of(const Channel& channel, std::string_view end) const;
  [[nodiscard]] std::string directory() const;
  /// No more of the run is taken.
  void refuse(std::string why);
  void shrunk(const Channel& channel, std::uint64_t bytes);
  void told(std::string what);
  [[nodiscard]] Answer fail(std::string reason) const;
  [[nodiscard]] Answer reopen(Time now);

  const config::Http target_;
  const config::HttpUrl url_;
  const double rate_hz_;
  const std::size_t part_;          ///< samples of a channel that are asked for at once
  std::vector<std::string> names_;  ///< [n_channels]
  // The connection.
  std::optional<HttpAnswer> answer_;
  Ask asked_ = Ask::Nothing;
  std::uint64_t n_answers_ = 0;
  bool heard_ = false;    ///< something of the answer
  std::string held_;      ///< of what came: the beginning of a head or a line
  bool recheck_ = false;  ///< whether the run is still the one that it was
  std::optional<Time> closed_in_order_at_;
  // The directory.
  bool by_index_ = false;          ///< it does not know PROPFIND
  std::optional<Time> listed_at_;  ///< the runs
  std::vector<std::string> runs_;  ///< in order
  bool is_run_ = false;            ///< the directory is that of one run
  bool files_due_ = false;
  // The run that is read.
  std::optional<Run> run_;
  std::size_t channel_ = 0;  ///< that is asked for
  std::size_t wanted_ = 0;   ///< samples of it
  bool grown_ = false;       ///< some channel has, in this round
  bool more_ = false;        ///< some channel had all that was asked for
  Time round_began_{}, rows_at_{};
  std::optional<Time> ask_range_at_;  ///< it ignores Range: not before this
  std::optional<Found> found_;
  std::optional<mth5::UtcNanos> end_;  ///< of what was given, or is in the file
  std::vector<std::string> news_;
  std::vector<Fault> faults_;
};

}  // namespace daq::source
