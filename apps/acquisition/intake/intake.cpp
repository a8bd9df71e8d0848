#include "acquisition/intake/intake.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <deque>
#include <string>
#include <utility>

#include "acquisition/intake/aligner.hpp"
#include "acquisition/intake/reorder.hpp"

namespace daq::intake {

namespace {

ring::GapNote note(const timing::Gap& gap) {
  return {gap.start.time_since_epoch().count(), gap.n_samples, static_cast<std::int64_t>(gap.reason), gap.filled ? 1 : 0};
}

/// Words beside the samples of a frame that is a run of its own, with an anchor at each end.
constexpr std::size_t kHead = 3 + (sizeof(ring::SamplesHead) + 2 * sizeof(ring::AnchorNote)) / 8;

/// Samples of one channel that may wait for others. All of it must fit into the ring at once, beside what one read becomes: else
/// the source would wait for room for ever. @param n  channels
std::size_t most_waiting(const ring::Ring& ring, std::size_t n) {
  return std::max<std::size_t>(1, ring.capacity_words() / (3 * n * n));
}

}  // namespace

/// One stream: aligner where its channels arrive apart, order where datagrams bring them together, timeline, and what they find
/// out as records of the ring.
class Intake::Lane final : private timing::Sink, private Aligner::Sink, private Reorder::Sink {
 public:
  Lane(const stream::Stream& stream, std::uint16_t number, ring::Ring& ring)
      : ring_{ring},
        number_{number},
        n_channels_{stream.channels.size()},
        rate_{stream.sample_rate},
        timeline_{stream.timing, n_channels_, *this},
        aligner_{{.sample_rate = stream.sample_rate,
                  .n_channels = n_channels_,
                  .wait = stream.channel_wait,
                  .most_samples = most_waiting(ring, n_channels_)},
                 *this},
        reorder_{{.sample_rate = stream.sample_rate,
                  .n_channels = n_channels_,
                  .counter_modulus = stream.timing.counter_modulus,
                  .samples_per_count = stream.timing.samples_per_count,
                  .stamp_resolution = stream.timing.stamp_resolution},
                 *this},
        away_(n_channels_),
        came_(n_channels_) {}

  /// @param values    good until end_of_batch()
  /// @param datagram  of one of its own, which a network may bring late
  void push(const decode::Frame& frame, const double* values, bool datagram) {
    if (frame.channel == decode::kAllChannels) {
      if (datagram && frame.n_samples > 0)
        reorder_.push(frame, values);
      else
        timeline_.push(frame, values);
    } else {
      came_.at(frame.channel) += frame.n_samples;
      aligner_.push(frame, values);
    }
  }
  /// Where the source can go on behind what was pushed before.
  void token(std::string text) {
    if (tokens_.size() == kMostTokens) tokens_.pop_back();  // the newer one says it too
    tokens_.push_back({std::move(text), came_});
  }
  void end_of_batch() { timeline_.end_of_batch(); }
  void remember(mth5::UtcNanos start, mth5::UtcNanos end, std::span<const double> values, double unsure_s) {
    aligner_.begin_at(end);
    timeline_.remember(start, end, values.data(), static_cast<std::int64_t>(values.size() / n_channels_), unsure_s);
  }
  void disconnected() {
    reorder_.flush();
    timeline_.disconnected();
  }
  void host_clock_was_set() { timeline_.host_clock_was_set(); }
  /// A second has passed. @returns whether something was given on
  bool tick() { return reorder_.tick(); }
  void finish() {
    aligner_.finish();
    reorder_.flush();
    timeline_.finish();
    for (auto& away : away_) end_of(away);
  }

  [[nodiscard]] std::uint16_t number() const { return number_; }
  [[nodiscard]] std::size_t n_channels() const { return n_channels_; }
  [[nodiscard]] std::optional<mth5::UtcNanos> last_time() const { return timeline_.last_time(); }
  [[nodiscard]] std::optional<ledger::ClockNow> clock_now() const { return timeline_.clock_now(); }
  [[nodiscard]] std::optional<double> other_rate() const { return timeline_.other_rate(); }
  /// With what waits for other channels or frames, as samples that are decoded and pending.
  [[nodiscard]] ledger::StreamCounters counters() const {
    auto all = timeline_.counters();
    std::uint64_t waiting = reorder_.samples();
    for (std::size_t c = 0; c < n_channels_; ++c) waiting = std::max<std::uint64_t>(waiting, aligner_.waiting(c));
    all.decoded += waiting;
    all.pending += waiting;
    all.values_late = aligner_.late();
    return all;
  }
  /// At most what waits for other channels or frames can become: rows, and blocks of them.
  [[nodiscard]] std::size_t waiting_rows() const { return aligner_.waiting() + reorder_.samples(); }
  [[nodiscard]] std::size_t waiting_blocks() const { return 2 * aligner_.frames() + reorder_.frames(); }
  void host_clock(double known_to_s) { timeline_.host_clock(known_to_s); }
  [[nodiscard]] bool settled() const { return !counters_owed_ && gaps_.empty(); }

  /// Gaps with nothing behind them that the ring had no room for, and totals.
  void push_rest() {
    while (!gaps_.empty() && ring_.push_note({ring::Kind::Gap, false, number_}, ring::Words{gaps_.front()}.words))
      gaps_.erase(gaps_.begin());
    push_token();
    const ring::Words totals{counters()};
    counters_owed_ = !ring_.push_note({ring::Kind::StreamCounters, false, number_}, totals.words);
  }

 private:
  struct Token {
    std::string text;
    std::vector<std::uint64_t> came;  ///< samples of each channel that arrives apart, before it
  };
  static constexpr std::size_t kMostTokens = 1024;

  /// The newest token behind whose samples nothing waits here: those that wait would not be sent again.
  void push_token() {
    if (timeline_.counters().pending == 0 && reorder_.frames() == 0) {
      for (; !tokens_.empty(); tokens_.pop_front()) {
        const auto& came = tokens_.front().came;
        bool given = true;
        for (std::size_t c = 0; c < n_channels_ && given; ++c) given = came_[c] - aligner_.waiting(c) >= came[c];
        if (!given) break;
        owed_token_ = std::move(tokens_.front().text);
      }
    }
    if (!owed_token_.empty() &&
        ring_.push_note({ring::Kind::Token, false, number_}, ring::Words{ring::TokenNote{owed_token_}}.words))
      owed_token_.clear();
  }

  bool samples(const timing::Block& block) override {
    ring::SamplesHead head{block.start.time_since_epoch().count(), block.n, block.n_filled, {}};
    if (block.gap) head.gap = note(*block.gap);
    return ring_.push({ring::Kind::Samples, block.new_run, number_}, ring::Words{head}.words,
                      {block.values, static_cast<std::size_t>(block.n) * n_channels_});
  }
  void gap(const timing::Gap& gap) override { gaps_.push_back(note(gap)); }
  void anchor(const timing::Anchor& anchor) override {
    const ring::AnchorNote words{anchor.sample,
                                 anchor.utc.time_since_epoch().count(),
                                 static_cast<std::int64_t>(anchor.kind),
                                 anchor.locked ? 1 : 0,
                                 anchor.residual_s,
                                 anchor.ppm,
                                 anchor.uncertainty_s};
    // One that finds no room is no loss: there will be others, and a line between its neighbours says nearly the same.
    static_cast<void>(ring_.push_note({ring::Kind::Anchor, false, number_}, ring::Words{words}.words));
  }

  void in_order(const decode::Frame& frame, const double* values, bool kept) override {
    timeline_.push(frame, values);
    if (kept) timeline_.end_of_batch();  // the values go
  }
  void aligned(const decode::Frame& frame, const double* values) override {
    for (auto& away : away_)
      if (away.gap.is_gap() && !std::exchange(away.still, false)) end_of(away);
    timeline_.push(frame, values);
    timeline_.end_of_batch();  // the values go
  }
  void away(std::size_t channel, mth5::UtcNanos start, std::int64_t n) override {
    auto& away = away_[channel];
    const auto so_far = mth5::UtcNanos{mth5::Nanos{away.gap.start_ns}};
    const double behind = mth5::samples_between(so_far, start, rate_) - static_cast<double>(away.gap.n_samples);
    if (away.gap.is_gap() && (std::abs(behind) > 0.5 || static_cast<double>(away.gap.n_samples) >= kLongestAway * rate_))
      end_of(away);
    if (!away.gap.is_gap())
      away.gap = {start.time_since_epoch().count(), 0, static_cast<std::int64_t>(ledger::GapReason::ChannelAway), 1,
                  static_cast<std::int64_t>(channel)};
    away.gap.n_samples += n;
    away.still = true;
  }
  static constexpr double kLongestAway = 60;  // s; what is known by then is told
  struct Away {
    ring::GapNote gap{};  ///< one for as long as the channel stays away, in a row of samples
    bool still = false;
  };
  void end_of(Away& away) {
    if (away.gap.is_gap()) gaps_.push_back(away.gap);
    away = {};
  }

  ring::Ring& ring_;
  const std::uint16_t number_;
  const std::size_t n_channels_;
  const double rate_;
  timing::Timeline timeline_;
  Aligner aligner_;
  Reorder reorder_;
  std::vector<Away> away_;  ///< by channel
  std::vector<ring::GapNote> gaps_;
  std::vector<std::uint64_t> came_;  ///< samples of each channel that arrives apart
  std::deque<Token> tokens_;
  std::string owed_token_;
  bool counters_owed_ = false;
};

Intake::Intake(const config::Config& config, std::uint16_t source, stream::Streams& streams, ring::Ring& ring)
    : ring_{ring},
      instrument_{config.sources.at(source).instrument},
      source_{source},
      decoder_{decode::make_decoder(instrument_.decoder, instrument_.kept)} {
  for (auto& stream : stream::declared(config, source)) {
    const auto number = streams.add(std::move(stream));
    lanes_.push_back(std::make_unique<Lane>(streams.at(number), number, ring_));
  }
}

Intake::~Intake() = default;

std::size_t words_for(const config::Instrument& instrument, std::size_t n_channels, std::size_t n_bytes) {
  const auto density = decode::density(instrument.decoder);
  n_bytes += density.held_bytes;
  const std::size_t frames = n_bytes / density.least_frame_bytes + 2;
  const auto samples =
      static_cast<std::size_t>(static_cast<double>(n_bytes) * density.samples_per_byte) + density.samples_per_frame;
  return samples * n_channels + frames * (kHead + 2 + instrument.soh.size()) + 256;
}

std::size_t Intake::words_for(std::size_t n_bytes) const {
  std::size_t n_channels = 0, waiting = 0;
  for (const auto& lane : lanes_) {
    n_channels = std::max(n_channels, lane->n_channels());
    waiting += lane->waiting_rows() * lane->n_channels() + lane->waiting_blocks() * kHead;
  }
  return intake::words_for(instrument_, n_channels, n_bytes) + waiting;
}

bool Intake::host_clock_was_set(const decode::Chunk& chunk) {
  constexpr double kLeast = 0.05, kMostSlewed = 1e-3;  // s; s/s, twice what NTP takes to correct a clock without setting it
  const auto before = std::exchange(last_arrival_, {chunk.arrival, chunk.steady});
  if (before.steady == decltype(before.steady){} || chunk.steady == before.steady) return false;
  const double passed = std::chrono::duration<double>(chunk.steady - before.steady).count();
  return std::abs(timing::seconds_between(before.utc, chunk.arrival) - passed) > kLeast + kMostSlewed * passed;
}

void Intake::take(const decode::Chunk& chunk) {
  thread_.check();
  batch_.clear();
  if (host_clock_was_set(chunk))
    for (auto& lane : lanes_) lane->host_clock_was_set();
  decoder_->feed(chunk, batch_);
  if (!chunk.token.empty()) batch_.tokens.push_back({.frames = batch_.frames.size(), .text = std::string{chunk.token}});
  datagrams_ = chunk.datagram;
  pass_on();
  push_counters();
}

void Intake::disconnected() {
  thread_.check();
  batch_.clear();
  decoder_->end_of_stream(batch_);
  pass_on();
  push_counters();
  for (auto& lane : lanes_) lane->disconnected();
}

void Intake::host_clock(double known_to_s) {
  thread_.check();
  for (auto& lane : lanes_) lane->host_clock(known_to_s);
}

void Intake::tick() {
  thread_.check();
  bool some = false;
  for (auto& lane : lanes_) some |= lane->tick();
  if (some) push_counters();
}

void Intake::finish() {
  thread_.check();
  batch_.clear();
  decoder_->end_of_stream(batch_);
  pass_on();
  for (auto& lane : lanes_) lane->finish();
  push_counters();
}

void Intake::remember(std::size_t stream, mth5::UtcNanos start, mth5::UtcNanos end, std::span<const double> values,
                      double unsure_s) {
  for (auto& lane : lanes_)
    if (lane->number() == stream) lane->remember(start, end, values, unsure_s);
}

bool Intake::settled() const {
  return !counters_owed_ && std::all_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->settled(); });
}

void Intake::pass_on() {
  push_states();  // first: where a station is must be known when its first samples open the file
  auto token = batch_.tokens.begin();
  const auto give_tokens = [&](std::size_t frames) {
    for (; token != batch_.tokens.end() && token->frames <= frames; ++token)
      lanes_.at(token->stream)->token(std::move(token->text));
  };
  for (std::size_t i = 0; i < batch_.frames.size(); ++i) {
    give_tokens(i);
    const auto& frame = batch_.frames[i];
    lanes_.at(frame.stream)->push(frame, batch_.samples.data() + frame.first, datagrams_);
  }
  give_tokens(batch_.frames.size());
  for (auto& lane : lanes_) lane->end_of_batch();
}

void Intake::push_states() {
  const std::size_t n = instrument_.soh.size();
  if (n == 0) return;
  state_words_.clear();
  for (const auto& row : batch_.states) {
    if (last_state_ == row.time) continue;  // a repeated frame repeats its state too
    last_state_ = row.time;
    state_words_.push_back(std::bit_cast<std::uint64_t>(row.time.time_since_epoch().count()));
    for (std::size_t i = 0; i < n; ++i) state_words_.push_back(std::bit_cast<std::uint64_t>(batch_.soh[row.first + i]));
    newest_state_.assign(batch_.soh.begin() + static_cast<std::ptrdiff_t>(row.first),
                         batch_.soh.begin() + static_cast<std::ptrdiff_t>(row.first + n));
  }
  if (state_words_.empty()) return;
  if (!ring_.push({ring::Kind::StateOfHealth, false, source_}, state_words_))
    counters_.soh_dropped += state_words_.size() / (1 + n);
}

void Intake::push_counters() {
  const auto own = std::exchange(counters_, decoder_->counters());
  counters_.reconnects = own.reconnects;
  counters_.soh_dropped = own.soh_dropped;
  counters_.bytes_sent = own.bytes_sent;
  counters_.bytes_unsent = own.bytes_unsent;
  counters_.input_faults = own.input_faults;
  for (auto& lane : lanes_) lane->push_rest();
  counters_owed_ = !ring_.push_note({ring::Kind::SourceCounters, false, source_}, ring::Words{counters_}.words);
  ring_.notify();
}

std::vector<Intake::Seen> Intake::streams() const {
  std::vector<Seen> seen;
  for (const auto& lane : lanes_)
    seen.push_back({lane->number(), lane->counters(), lane->last_time(), lane->clock_now(), lane->other_rate()});
  return seen;
}

}  // namespace daq::intake
