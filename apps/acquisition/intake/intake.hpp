#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/decode/decoder.hpp"
#include "acquisition/ring/records.hpp"
#include "acquisition/ring/ring.hpp"
#include "acquisition/timing/timeline.hpp"

namespace daq::intake {

/// One source's way from bytes to the ring: decoder, timeline, records. Owns no I/O. Thread: io.
class Intake final : private timing::Sink {
 public:
  /// @param index  of the source in the config and in every record
  Intake(const config::Config& config, std::uint16_t index, ring::Ring& ring);

  /// Bytes as they came.
  void bytes(std::span<const char> bytes);
  /// The stream broke off; more may come.
  void disconnected();
  /// Nothing more will come: what is held is given out.
  void finish();
  /// False if totals or gaps wait for room in the ring: finish() is to be called again when there is some.
  [[nodiscard]] bool settled() const { return !counters_owed_ && gaps_.empty(); }

  void count_reconnect() { ++reconnects_; }
  /// Words the ring must have free so that any `n` bytes can be taken without loss.
  [[nodiscard]] std::size_t words_for(std::size_t n_bytes) const;

  [[nodiscard]] const decode::Counters& byte_counters() const { return decoder_->counters(); }
  [[nodiscard]] const timing::Counters& sample_counters() const { return timeline_.counters(); }
  [[nodiscard]] std::uint64_t reconnects() const { return reconnects_; }
  [[nodiscard]] std::optional<mth5::UtcNanos> last_time() const { return timeline_.last_time(); }

 private:
  bool samples(mth5::UtcNanos start, std::span<const double> values, std::size_t n, bool new_run) override;
  void gap(const timing::Gap& gap) override;
  void begin_batch();
  void push_batch();
  /// Rows of the frames up to `until`, from where it stopped last.
  void push_state_of_health(mth5::UtcNanos until);
  void push_counters();

  ring::Ring& ring_;
  const config::Instrument& instrument_;
  std::uint16_t index_;
  std::unique_ptr<decode::Decoder> decoder_;
  timing::Timeline timeline_;
  decode::Batch batch_;
  std::size_t soh_frame_ = 0, soh_sample_ = 0;  ///< of batch_: the first whose state of health is not pushed yet
  std::vector<std::uint64_t> soh_words_;        ///< reused
  std::vector<ring::GapNote> gaps_;             ///< told by the timeline, not pushed yet: they go before the samples behind them
  std::optional<mth5::UtcNanos> last_soh_;
  std::uint64_t reconnects_ = 0;
  std::uint64_t soh_dropped_ = 0;
  bool counters_owed_ = false;
};

}  // namespace daq::intake
