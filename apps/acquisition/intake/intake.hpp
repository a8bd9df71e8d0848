#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/decode/description.hpp"
#include "acquisition/ledger/one_thread.hpp"
#include "acquisition/ring/records.hpp"
#include "acquisition/ring/ring.hpp"
#include "acquisition/stream/streams.hpp"
#include "acquisition/timing/timeline.hpp"

namespace daq::intake {

/// Words the ring must have free so that any `n_bytes` of such an instrument can be taken without loss.
[[nodiscard]] std::size_t words_for(const config::Instrument& instrument, std::size_t n_channels, std::size_t n_bytes);

/// One source's way from bytes to the ring: decoder, and for each of its streams timeline and records. Owns no I/O. Thread: io.
class Intake {
 public:
  /// @param source   its number in the configuration and in its records
  /// @param streams  gets the streams that the source's profile declares
  Intake(const config::Config& config, std::uint16_t source, stream::Streams& streams, ring::Ring& ring);
  ~Intake();
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  /// Rows of a stream that the daemon before has stored, evenly from `start` to `end`, where the next one would be: sent again,
  /// they are duplicates. Before the first take(). @param stream  its number in Streams; of others nothing is done
  /// @param values  [n][n_channels] @param unsure_s  these times may be off by so much
  void remember(std::size_t stream, mth5::UtcNanos start, mth5::UtcNanos end, std::span<const double> values,
                double unsure_s = 0);
  /// Bytes as they came.
  void take(const decode::Chunk& chunk);
  /// The stream of bytes broke off; more may come.
  void disconnected();
  /// How well this computer's clock is known, as timing::Clock::host_clock().
  void host_clock(double known_to_s);
  /// Once a second: what waits for others of its network waits no longer than it may.
  void tick();
  /// Nothing more will come: what is held is given out.
  void finish();
  /// False if totals or gaps wait for room in the ring: finish() is to be called again when there is some.
  [[nodiscard]] bool settled() const;

  void count_reconnect() { ++counters_.reconnects; }
  /// Bytes of commands that went to the instrument, or did not.
  void count_commands(std::size_t sent, std::size_t unsent) {
    counters_.bytes_sent += sent;
    counters_.bytes_unsent += unsent;
  }
  void count_fault(ledger::InputFault fault, std::uint64_t n) { counters_.input_faults[static_cast<std::size_t>(fault)] += n; }
  /// Words the ring must have free so that any `n` bytes can be taken without loss.
  [[nodiscard]] std::size_t words_for(std::size_t n_bytes) const;

  [[nodiscard]] const ledger::SourceCounters& counters() const { return counters_; }
  /// What of the bytes was skipped first; nullptr: nothing yet.
  [[nodiscard]] const decode::Refusal* first_refusal() const {
    return decoder_->refusals().empty() ? nullptr : &decoder_->refusals().front();
  }

  /// What the decoder has settled about its line since this was asked, a sentence each.
  [[nodiscard]] std::vector<std::string> take_news() { return decoder_->take_news(); }

  /// The instrument's newest state of health, a value for each of its quantities; empty if none has come.
  [[nodiscard]] std::span<const double> state_of_health() const { return newest_state_; }

  /// One stream of it, for those who show it.
  struct Seen {
    std::uint16_t stream;  ///< number in Streams
    ledger::StreamCounters counters;
    std::optional<mth5::UtcNanos> last_time;  ///< of the last sample given out or held
    std::optional<ledger::ClockNow> clock;    ///< nullopt before the first sample
    std::optional<double> other_rate;         ///< Hz: its times contradict the rate of the profile steadily
  };
  [[nodiscard]] std::vector<Seen> streams() const;

 private:
  class Lane;
  ledger::OneThread thread_;  // io

  /// Between the chunk before and this one UTC went on otherwise than time did.
  bool host_clock_was_set(const decode::Chunk& chunk);
  void pass_on();
  void push_states();
  void push_counters();

  ring::Ring& ring_;
  const config::Instrument& instrument_;
  std::uint16_t source_;
  std::unique_ptr<decode::Decoder> decoder_;
  std::vector<std::unique_ptr<Lane>> lanes_;  ///< by the decoder's number of the stream
  decode::Batch batch_;
  ledger::SourceCounters counters_;
  std::vector<std::uint64_t> state_words_;  ///< reused
  std::optional<mth5::UtcNanos> last_state_;
  struct {
    mth5::UtcNanos utc;
    std::chrono::steady_clock::time_point steady;
  } last_arrival_{};
  std::vector<double> newest_state_;
  bool counters_owed_ = false;
  bool datagrams_ = false;  ///< what came last was one
};

}  // namespace daq::intake
