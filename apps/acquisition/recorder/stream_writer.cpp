#include "acquisition/recorder/stream_writer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "acquisition/recorder/run_channels.hpp"

namespace daq::recorder {

namespace {

constexpr std::size_t kMostAnchors = 4096;
constexpr std::int64_t kMostWaiting = 65536;   // samples that go into the file at once, and
constexpr std::int64_t kMostValues = 1 << 16;  // values of them, 512 KiB

mth5::UtcNanos at(std::int64_t ns) { return mth5::UtcNanos{mth5::Nanos{ns}}; }

}  // namespace

StreamWriter::StreamWriter(const stream::Stream& stream, std::uint16_t number, const StationState& state)
    : stream_{stream}, number_{number}, n_channels_{stream.channels.size()}, state_{state}, misfits_{stream.timing.stored_as} {}

void StreamWriter::describe(const stream::Stream& other) {
  stream_.station = other.station;
  stream_.location_known = other.location_known;
  stream_.channels = other.channels;
}

const Resume::Run* StreamWriter::expect_behind(const Resume& before) {
  const auto* last = before.last_run(stream_);
  for (const auto* known : before.runs_of(stream_))
    expected.push_back({known->next, known->rate_behind,
                        before.broke_off ? ledger::GapReason::WriterDied : ledger::GapReason::NotRunning, known->unsure_s});
  return last;
}

bool StreamWriter::is_full() const {
  const auto most = std::clamp<std::int64_t>(kMostValues / static_cast<std::int64_t>(n_channels_), 1, kMostWaiting);
  return waiting() >= most || anchors_.size() > kMostAnchors / 2;
}

void StreamWriter::take_samples(bool new_run, const std::vector<std::uint64_t>& payload, const std::vector<double>& lengths) {
  if (new_run || lengths_.size() != lengths.size()) lengths_ = lengths;
  for (std::size_t i = 0; i < lengths.size(); ++i)
    if (!std::isnan(lengths[i])) lengths_[i] = lengths[i];
  const auto head = ring::take<ring::SamplesHead>(payload);
  const auto end = mth5::sample_time(at(head.start_ns), stream_.sample_rate, head.n_samples);
  Piece piece{new_run,       at(head.start_ns), batch_base_ + batch_.size() / n_channels_, head.n_samples,
              head.n_filled, head.gap,          state_.figures_until(end, state_reader_),  lengths_};
  const std::size_t first = sizeof(ring::SamplesHead) / sizeof(std::uint64_t);
  const auto there = batch_.size();
  batch_.resize(there + payload.size() - first);
  std::memcpy(batch_.data() + there, payload.data() + first, (payload.size() - first) * sizeof(double));
  const bool joins = !new_run && !piece.gap.is_gap() && piece.n_filled == 0 && !pieces_.empty() &&
                     same_lengths(pieces_.back().lengths, lengths_);
  if (joins) {
    pieces_.back().n += piece.n;
    pieces_.back().figures.add(piece.figures);
  } else {
    pieces_.push_back(piece);
  }
  const auto own = static_cast<std::uint64_t>(head.n_samples - head.n_filled);
  taken_ += own;
  batched_ += own;
  taken_all_ += head.n_samples;
  timeline_taken_ = (new_run ? 0 : timeline_taken_) + head.n_samples;
  heard_ = mth5::steady_now();
}

void StreamWriter::take_anchor(const ring::AnchorNote& anchor) {
  if (anchors_.size() == kMostAnchors) anchors_.pop_front();
  anchors_.push_back({taken_all_, timeline_taken_ - anchor.sample, anchor});
  if (stored_all_ != taken_all_ || !run) return;
  // Its sample is in the file already: the run's end is told when it has ended.
  auto& mark = anchors_.back();
  if (place(mark, *run)) run->figures.add(clock_at(mark.taken_all, mark.ago, anchor));
}

bool StreamWriter::place(Mark& mark, OpenRun& into) {
  mark.run = into.name;
  mark.sample = into.n_samples - (stored_all_ - mark.taken_all) - mark.ago;
  placed_ = mark;
  const bool inside = mark.sample >= 0;
  if (!inside) move_to_first(mark, -mark.sample);
  into.anchor = {.sample = mark.sample, .utc = at(mark.note.utc_ns), .kind = {}, .ppm = mark.note.ppm};
  return inside;
}

void StreamWriter::move_to_first(Mark& mark, std::int64_t samples) const {
  const double ppm = std::isfinite(mark.note.ppm) ? mark.note.ppm : 0;
  mark.note.utc_ns += std::llround(1e9 * static_cast<double>(samples) / stream_.sample_rate / (1 + ppm * 1e-6));
  mark.sample = 0;
}

mth5::UtcNanos StreamWriter::utc_of(const OpenRun& of, std::int64_t sample) const {
  std::vector<mth5::ClockAnchor> anchors;
  if (of.anchor) anchors.push_back(*of.anchor);
  return mth5::RunClock{of.start, stream_.sample_rate, of.n_samples, std::move(anchors)}.utc_of(sample);
}

RunFigures::ClockAt StreamWriter::clock_at(std::int64_t taken_all, std::int64_t ago, const ring::AnchorNote& note) const {
  return {static_cast<double>(taken_all - ago) / stream_.sample_rate, note.utc_ns, note.kind, note.uncertainty_s};
}

void StreamWriter::take_token(std::string token) {
  if (!tokens_.empty() && tokens_.back().taken_all == taken_all_) tokens_.pop_back();
  tokens_.push_back({taken_all_, std::move(token)});
  settle_tokens();
}

void StreamWriter::settle_tokens() {
  for (; !tokens_.empty() && tokens_.front().taken_all <= stored_all_; tokens_.pop_front())
    token_ = std::move(tokens_.front().text);
}

std::optional<ledger::Durable> StreamWriter::take_durable() {
  return std::exchange(durable_news_, false) ? durable_at_ : std::nullopt;
}

void StreamWriter::go_on_at(const ledger::Durable& position) {
  token_ = position.token;
  last_time_ = position.time;
  durable_at_ = position;
}

void StreamWriter::take_counters(const ledger::StreamCounters& counters) {
  counters_ = counters;
  taken_at_counters_ = taken_;
}

std::uint64_t StreamWriter::discard_samples(bool new_run, const std::vector<std::uint64_t>& payload, ledger::Drop why) {
  const auto head = ring::take<ring::SamplesHead>(payload);
  const auto own = static_cast<std::uint64_t>(head.n_samples - head.n_filled);
  taken_ += own;
  lost_[static_cast<std::size_t>(why)] += own;
  taken_all_ += head.n_samples;
  stored_all_ += head.n_samples;
  timeline_taken_ = (new_run ? 0 : timeline_taken_) + head.n_samples;
  if (new_run) {
    placed_.reset();
    lengths_.clear();
  }
  settle_tokens();
  return own;
}

std::uint64_t StreamWriter::discard_batch(ledger::Drop why) {
  const auto own = std::exchange(batched_, 0);
  lost_[static_cast<std::size_t>(why)] += own;
  stored_all_ += waiting();
  settle_tokens();
  if (std::any_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return piece.new_run; })) placed_.reset();
  pieces_.clear();
  trim_batch();
  return own;
}

std::optional<mth5::UtcNanos> StreamWriter::first_waiting() const {
  return pieces_.empty() ? std::nullopt : std::optional{start_of(0)};
}

/// A run that goes on in a new file begins where the clock has come to: the axis of the run before does not know of its drift.
mth5::UtcNanos StreamWriter::start_of(std::size_t from) const {
  const bool goes_on = std::none_of(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(from) + 1,
                                    [](const Piece& piece) { return piece.new_run; });
  if (!goes_on || !placed_) return pieces_[from].start;
  return at(placed_at(stored_all_ + static_cast<std::int64_t>(pieces_[from].first - pieces_.front().first)).note.utc_ns);
}

StreamWriter::Mark StreamWriter::placed_at(std::int64_t number) const {
  Mark mark = placed_.value();
  move_to_first(mark, number - (mark.taken_all - mark.ago));
  return mark;
}

void StreamWriter::cut_at(mth5::UtcNanos mark) {
  for (std::size_t i = 0; i < pieces_.size() && !pieces_[i].in_next_file; ++i) {
    const double before = std::ceil(mth5::samples_between(start_of(i), mark, stream_.sample_rate) - 1e-6);
    if (before >= static_cast<double>(pieces_[i].n)) continue;
    // Fill has the time of what is behind it, and stays with that.
    if (const auto n = static_cast<std::int64_t>(before); n > pieces_[i].n_filled) {
      Piece behind = pieces_[i];
      behind.new_run = false;
      behind.start = mth5::sample_time(behind.start, stream_.sample_rate, n);
      behind.first += static_cast<std::size_t>(n);
      behind.n -= n;
      behind.n_filled = 0;
      behind.gap = {};
      pieces_[i].n = n;
      pieces_.insert(pieces_.begin() + static_cast<std::ptrdiff_t>(++i), std::move(behind));
    }
    pieces_[i].in_next_file = true;
    return;
  }
}

void StreamWriter::uncut() {
  for (auto& piece : pieces_) piece.in_next_file = false;
}

bool StreamWriter::is_cut() const {
  return std::any_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return piece.in_next_file; });
}

std::optional<mth5::UtcNanos> StreamWriter::newest() const {
  if (pieces_.empty()) return last_time_;
  return mth5::sample_time(start_of(pieces_.size() - 1), stream_.sample_rate, pieces_.back().n - 1);
}

StreamWriter::Group StreamWriter::group(std::size_t from) const {
  const Piece& front = pieces_.at(from);
  Group group{.start = start_of(from), .axis_start = front.start, .first = front.first, .lengths = front.lengths};
  const auto taken = stored_all_ + static_cast<std::int64_t>(front.first - pieces_.front().first);  // before it
  const auto joins = [&](const Piece& piece) {
    return !piece.new_run && !piece.in_next_file && same_lengths(piece.lengths, front.lengths);
  };
  for (std::size_t i = from; i < pieces_.size() && (i == from || joins(pieces_[i])); ++i) {
    ++group.pieces;
    group.n += pieces_[i].n;
    group.n_filled += pieces_[i].n_filled;
    group.figures.add(pieces_[i].figures);
  }
  for (const auto& mark : anchors_)
    if (mark.run.empty() && mark.taken_all > taken && mark.taken_all <= taken + group.n &&
        (!front.new_run || mark.taken_all - mark.ago >= taken))
      group.figures.add(clock_at(mark.taken_all, mark.ago, mark.note));
  return group;
}

RunFigures StreamWriter::figures_at_end() const {
  RunFigures figures = run->figures;
  if (!run->anchor || !std::isfinite(run->anchor->ppm) || !figures.clock_last) return figures;
  auto end = *figures.clock_last;
  end.axis_s = static_cast<double>(stored_all_) / stream_.sample_rate;
  end.utc_ns = utc_of(*run, run->n_samples).time_since_epoch().count();
  figures.add(end);
  return figures;
}

std::vector<ring::GapNote> StreamWriter::take_channel_gaps(const Group& within) {
  const auto is_within = [&](const ring::GapNote& gap) {
    const auto at = mth5::samples_between(within.axis_start, mth5::UtcNanos{mth5::Nanos{gap.start_ns}}, stream_.sample_rate);
    return gap.component >= 0 && at > -0.5 && at < static_cast<double>(within.n);
  };
  const auto found = std::stable_partition(trailing_gaps_.begin(), trailing_gaps_.end(), std::not_fn(is_within));
  std::vector<ring::GapNote> gaps{found, trailing_gaps_.end()};
  trailing_gaps_.erase(found, trailing_gaps_.end());
  return gaps;
}

bool StreamWriter::goes_on() const {
  return run && !pieces_.empty() && !pieces_.front().new_run && !pieces_.front().in_next_file &&
         same_lengths(pieces_.front().lengths, run->lengths);
}

mth5::Matrix<const double> StreamWriter::samples(const Group& group) {
  const auto n = static_cast<std::size_t>(group.n);
  matrix_.resize(n * n_channels_);
  const double* value = batch_.data() + (group.first - batch_base_) * n_channels_;
  for (std::size_t i = 0; i < n; ++i)  // from sample after sample to channel after channel
    for (std::size_t c = 0; c < n_channels_; ++c) matrix_[c * n + i] = *value++;
  return {matrix_.data(), n_channels_, n, n};
}

std::vector<ring::GapNote> StreamWriter::unknown_in(const Group& group,
                                                    const std::function<mth5::UtcNanos(std::int64_t)>& utc_of) const {
  std::vector<ring::GapNote> found;
  const auto& types = stream_.timing.stored_as;
  if (types.empty() || stream_.channels_apart) return found;  // of channels that come apart, who brings them together tells it
  const double* const first = batch_.data() + (group.first - batch_base_) * n_channels_;
  for (std::size_t c = 0; c < n_channels_; ++c) {
    if (types[c].is_fill || !types[c].is_whole()) continue;
    std::int64_t n = 0;  // in a row, before i
    for (std::int64_t i = 0; i <= group.n; ++i) {
      if (i < group.n && std::isnan(first[static_cast<std::size_t>(i) * n_channels_ + c])) {
        ++n;
      } else if (n > 0) {
        found.push_back({utc_of(i - n).time_since_epoch().count(), n, static_cast<std::int64_t>(ledger::GapReason::NoValue), 1,
                         static_cast<std::int64_t>(c)});
        n = 0;
      }
    }
  }
  return found;
}

void StreamWriter::stored(const Group& group, OpenRun& into) {
  if (pieces_.front().new_run)
    placed_.reset();
  else if (into.n_samples == 0)
    place_first_of(into);
  const auto own = static_cast<std::uint64_t>(group.n - group.n_filled);
  stored_ += own;
  misfits_.look({batch_.data() + (group.first - batch_base_) * n_channels_, static_cast<std::size_t>(group.n) * n_channels_});
  batched_ -= own;
  stored_all_ += group.n;
  into.n_samples += group.n;
  settle_tokens();
  into.figures.add(group.figures);
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(group.pieces));
  trim_batch();
  // Anchors of samples that are in the file now: their index counts back from the newest.
  for (auto& mark : anchors_) {
    if (mark.taken_all <= stored_all_ && mark.run.empty()) place(mark, into);
  }
  last_time_ = utc_of(into, into.n_samples - 1);
}

/// A run that a new file cut off from the one before has an anchor of its own: on the line that the last one began.
void StreamWriter::place_first_of(OpenRun& into) {
  if (!placed_) return;
  Mark mark = placed_at(stored_all_);
  mark.run = into.name;
  into.figures.add(clock_at(stored_all_, 0, mark.note));
  into.anchor = {.sample = 0, .utc = at(mark.note.utc_ns), .kind = {}, .ppm = mark.note.ppm};
  anchors_.push_front(std::move(mark));
}

/// Moving what stays for each of many short runs would cost the square of them.
void StreamWriter::trim_batch() {
  const std::size_t there = batch_.size() / n_channels_;
  const std::size_t done = pieces_.empty() ? there : pieces_.front().first - batch_base_;
  if (done < there && done < there / 2) return;
  batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(done * n_channels_));
  batch_base_ += done;
}

std::vector<StreamWriter::PlacedAnchor> StreamWriter::take_anchors() {
  std::vector<PlacedAnchor> placed;
  while (!anchors_.empty() && !anchors_.front().run.empty()) {
    placed.push_back({anchors_.front().run, anchors_.front().sample, anchors_.front().note});
    anchors_.pop_front();
  }
  return placed;
}

void StreamWriter::all_visible() {
  visible_ = stored_;
  if (run) run->visible = run->n_samples;
}

void StreamWriter::all_durable() {
  all_visible();
  durable_ = stored_;
  if (last_time_) {
    const ledger::Durable now{number_, *last_time_, told_token};
    durable_news_ |= !durable_at_ || !(*durable_at_ == now);
    durable_at_ = now;
  }
  if (run) run->durable = run->n_samples;
  note_synced();
}

std::uint64_t StreamWriter::lose_unsafe(ledger::Drop why) {
  const std::uint64_t n = stored_ - durable_;
  lost_[static_cast<std::size_t>(why)] += n;
  stored_ = visible_ = durable_;
  misfits_.set_counts(synced_.misfits);
  // What is lost may be had again.
  token_ = durable_at_ ? durable_at_->token : "";
  last_time_.reset();
  return n;
}

std::uint64_t StreamWriter::lose_file(ledger::Drop why) {
  const std::uint64_t n = stored_ - begun_.stored;
  lost_[static_cast<std::size_t>(why)] += n;
  stored_ = visible_ = durable_ = begun_.stored;
  misfits_.set_counts(begun_.misfits);
  synced_ = begun_;
  last_time_.reset();
  return n;
}

ledger::StreamRow StreamWriter::row() const {
  ledger::StreamRow row;
  row.counters = counters_;
  const std::uint64_t more = taken_ - taken_at_counters_;  // taken since, so decoded too
  row.counters.decoded += more;
  row.counters.passed += more;
  for (std::size_t i = 0; i < ledger::kDrops; ++i) row.counters.dropped[i] += lost_[i];
  row.stored = stored_;
  row.misfits = misfits_.counts();
  row.buffered = counters_.pending + batched_;
  row.recovered = recovered;
  row.visible = visible_;
  row.durable = durable_;
  return row;
}

}  // namespace daq::recorder
