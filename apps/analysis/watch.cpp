#include "analysis/watch.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/ledger.hpp"
#include "analysis/sensor.hpp"
#include "analysis/snapshot.hpp"
#include "analysis/spectra/wiring.hpp"
#include "analysis/trends.hpp"
#include "analysis/verdict/subjects.hpp"
#include "mth5/channel.hpp"

namespace analysis {

namespace {

constexpr std::size_t kMostChannels = 64;
constexpr std::chrono::minutes kBack{70};       ///< that is what History keeps at most
constexpr std::int64_t kMostSamples = 1 << 18;  ///< of a channel: at 64 Hz an hour, at 1 kHz four minutes
constexpr std::int64_t kFirst = 1 << 16;        ///< in parts: of all channels together, at first
constexpr std::int64_t kLeastFirst = 256;       ///< of a channel
constexpr std::int64_t kOlder = 1 << 14;        ///< in parts: of a channel, at a time
constexpr std::int64_t kMostRows = 1 << 16;     ///< of a table of health
constexpr std::chrono::hours kOneHour{1};
constexpr std::chrono::seconds kBetweenFigures{5};   ///< of samples: what is of minutes need not be new with each of them
constexpr std::chrono::seconds kDrift{1};            ///< of the clock of a run against its rate over what is read
constexpr std::chrono::minutes kBetweenLedgers{10};  ///< it is read as a whole

/// Percent of the samples that should be in the last hour of a series and are in the file; NaN: of less than a minute.
double percent_of_hour(const Series& series, const Series::Part& current) {
  auto from = current.end;
  for (const auto& part : series.parts)
    if (part.start < current.end) from = std::min(from, part.start);
  if (!series.gaps.empty() && series.gaps.front().start < from) from = series.gaps.front().start;  // lost before the first
  from = std::max(from, current.end - kOneHour);
  const double expected = mth5::samples_between(from, current.end, series.sample_rate);
  double missing = 0;
  for (const auto& gap : series.gaps) {
    if (!gap.component.empty() || gap.filled || gap.samples <= 0) continue;
    const auto start = std::max(gap.start, from), end = std::min(gap.end(), current.end);
    if (start < end) missing += mth5::samples_between(start, end, series.sample_rate);
  }
  return expected >= kLeastSpan * series.sample_rate ? 100 * (1 - missing / expected) : std::numeric_limits<double>::quiet_NaN();
}

/// The longest gap of a series since a time, for all its channels.
std::optional<mth5::UtcNanos> longest_gap(const Series& series, mth5::UtcNanos since) {
  const Gap* longest = nullptr;
  for (const auto& gap : series.gaps)
    if (gap.component.empty() && gap.samples > 0 && gap.end() > since && (longest == nullptr || gap.samples > longest->samples))
      longest = &gap;
  return longest != nullptr ? std::optional{longest->start} : std::nullopt;
}

/// But for what two of one key have in common.
bool is_same(const ChannelFacts& a, const ChannelFacts& b) {
  const auto same = [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); };
  return a.units == b.units && a.kind == b.kind && same(a.dipole_m, b.dipole_m) && a.noise == b.noise && same(a.gain, b.gain) &&
         a.physical_units == b.physical_units && same(a.limits.low, b.limits.low) && same(a.limits.high, b.limits.high) &&
         same(a.azimuth, b.azimuth);
}

/// From the file, as of now. @throws as mth5::Reader::channel_metadata()
ChannelFacts facts_of(const mth5::Reader& file, const Series& series, std::size_t index) {
  const auto& info = file.channels()[index];
  ChannelFacts facts{info.station, info.component, info.units, info.kind};
  facts.stream = series.stream;
  if (info.kind == mth5::Kind::Electric) facts.dipole_m = file.channel_metadata(index).number("dipole_length");
  if (info.kind != mth5::Kind::Auxiliary) facts.azimuth = file.channel_metadata(index).number("measurement_azimuth");
  auto sensor = sensor_of(file, series, index);
  facts.noise = std::move(sensor.noise);
  facts.limits = sensor.limits;
  try {
    const mth5::Channel filtered{file, index};
    if (auto units = filtered.units(mth5::Units::Physical); units != info.units && !units.empty()) {
      facts.gain = filtered.gain();
      facts.physical_units = std::move(units);
    }
  } catch (const mth5::FormatError&) {  // no single gain: it stays as it is stored
  }
  return facts;
}

}  // namespace

void Watch::begin(mth5::FileState state, const Opened& opened) {
  ++looks_;
  if (opened != opened_) {
    opened_ = opened;
    ++openings_;
  }
  all_due_ = state != state_;
  state_ = state;
  streams_.clear();
  subjects_.clear();
  unreadable_ = false;
  unwatched_ = 0;
}

void Watch::forget_one() {
  const auto oldest = std::min_element(channels_.begin(), channels_.end(),
                                       [](const auto& a, const auto& b) { return a.second.looked_at < b.second.looked_at; });
  if (oldest != channels_.end() && oldest->second.looked_at < looks_) channels_.erase(oldest);
}

void Watch::follow(const mth5::Reader& file, const Series& series, const Series::Part& current, std::size_t index) {
  const auto& info = file.channels()[index];
  const Key key{info.station, series.stream, info.component, series.sample_rate};
  const auto in_run = static_cast<std::int64_t>(file.runs()[current.run].channels.size());
  const auto first = reading_ == Reading::InParts ? std::max(kLeastFirst, kFirst / in_run) : kMostSamples;
  auto known = channels_.find(key);
  if (known == channels_.end()) {
    if (channels_.size() >= kMostChannels) forget_one();
    if (channels_.size() >= kMostChannels) {
      ++unwatched_;
      return;
    }
    known = channels_.emplace(key, new_channel(facts_of(file, series, index), index, first)).first;
  } else {
    auto& channel = known->second;
    std::optional<ChannelFacts> fresh;
    if (channel.opening != openings_ || channel.index != index) fresh = facts_of(file, series, index);
    const auto end = channel.feed.end();
    const bool paused = reading_ == Reading::InParts && end &&
                        mth5::samples_between(*end, current.end, series.sample_rate) > 2 * static_cast<double>(first);
    if (paused || (fresh && fresh->units != channel.facts.units)) {
      with_spectra(channel.facts, series.sample_rate, [](StationSpectra& one) { one.begin(); });
      channel = new_channel(fresh ? std::move(*fresh) : std::move(channel.facts), index, first);
      if (listener_ != nullptr) listener_->anew(channel.facts, series.sample_rate);
    } else if (fresh) {
      channel.opening = openings_;
      channel.index = index;
      if (!is_same(*fresh, channel.facts)) {
        channel.facts = std::move(*fresh);
        channel.measured_to.reset();
        if (listener_ != nullptr) listener_->facts(channel.facts, series.sample_rate);
      }
    }
  }
  auto& channel = known->second;
  channel.feed.update(file, series, current, [&](Block block) {
    block.limits = channel.facts.limits;
    channel.history.add(block);
    with_spectra(channel.facts, block.rate, [&](StationSpectra& one) { one.add(channel.facts, block); });
    if (listener_ != nullptr) listener_->block(channel.facts, block);
  });
  channel.looked_at = looks_;
  unreadable_ |= channel.damaged;
}

/// Of a station with electric and magnetic channels: only of those can be told how they are connected.
void Watch::begin_spectra(const mth5::Reader& file, const Series& series, const Series::Part& current) {
  if (reading_ != Reading::AtOnce || spectra_.size() >= kMostSpectra) return;
  if (std::any_of(spectra_.begin(), spectra_.end(), [&](const StationSpectra& one) { return one.is_of(series); })) return;
  if (auto field = field_channels(file, file.runs()[current.run]); field.both)
    spectra_.emplace_back(series.station, series.sample_rate, std::move(field.components), series.stream);
}

bool Watch::is_due(const Channel& channel) const {
  const auto end = channel.feed.end();
  if (all_due_ || !channel.measured_to || channel.seconds < kLeastSpan || has_older(channel)) return true;
  return end && std::chrono::abs(*end - *channel.measured_to) >= kBetweenFigures;
}

void Watch::measure(Channel& channel) {
  channel.measured_to = channel.feed.end();
  const auto recent = channel.history.recent();
  channel.values = recent.statistics().count();
  channel.clipped = recent.clipped();
  channel.median = recent.histogram().median();
  channel.mains_db = channel.history.mains();
  channel.lines = channel.history.lines();
  const auto hour = channel.history.hour();
  channel.seconds = hour.rate() > 0 ? std::chrono::duration<double>(*hour.end() - *hour.start()).count() : 0;
  channel.percent = hour.percent();
  if (channel.facts.kind == mth5::Kind::Auxiliary) return;
  channel.subject = subject_of(channel.facts, recent, hour, channel.history);
  // One truth with the verdict: equal samples that it takes for chance, or for what is over, are not cut off.
  if (channel.subject.figures.contains("rails") && !channel.subject.figures.contains("clipped")) channel.clipped = 0;
}

Watch::Channel Watch::new_channel(ChannelFacts facts, std::size_t index, std::int64_t first) const {
  Channel channel{ChannelFeed{facts.component, kBack, kMostSamples, first}, {}, std::move(facts)};
  channel.opening = openings_;
  channel.index = index;
  return channel;
}

bool Watch::has_older(const Channel& channel) const {
  return channel.looked_at == looks_ && channel.history.start() && !channel.feed.is_whole();
}

bool Watch::read_older(const mth5::Reader& file, std::span<const Series> all, std::chrono::nanoseconds most) {
  if (all.empty()) return false;  // the last look failed
  std::vector<double> values;
  const auto deadline = mth5::steady_now() + most;
  do {
    auto next = channels_.end();
    for (auto one = channels_.begin(); one != channels_.end(); ++one)
      if (has_older(one->second) && (next == channels_.end() || *one->second.history.start() > *next->second.history.start()))
        next = one;
    if (next == channels_.end()) return false;
    const auto& [station, stream, component, rate] = next->first;
    auto& channel = next->second;
    const auto series = std::find_if(all.begin(), all.end(), [&, &key = next->first](const Series& one) {
      return std::tie(one.station, one.stream, component, one.sample_rate) == key &&
             std::find(one.components.begin(), one.components.end(), component) != one.components.end();
    });
    if (series == all.end()) {
      channel.feed.leave_older();
      continue;
    }
    try {
      const auto older = channel.feed.older(file, *series, kOlder, values);
      if (!older) continue;
      auto block = older->block;
      block.limits = channel.facts.limits;
      if (listener_ != nullptr) listener_->older(channel.facts, block);
      // The history has no gap where only the clock of the run and its plain rate differ.
      if (const auto start = *channel.history.start(); older->joined && std::chrono::abs(block.end() - start) <= kDrift)
        block.start = mth5::sample_time(start, block.rate, -static_cast<std::int64_t>(block.values.size()));
      channel.history.add_older(block);
      channel.measured_to.reset();
    } catch (const mth5::FormatError&) {
      channel.damaged = true;
      channel.feed.leave_older();
    } catch (const mth5::FileError&) {  // its writer changes it just now: the next time reads it
      return true;
    }
  } while (mth5::steady_now() < deadline);
  return true;
}

void Watch::follow(const mth5::Reader& file, const Series& series, const Series::Part& current) {
  if (listener_ != nullptr) listener_->series(file, series, current);
  if (series.sample_rate <= 0) return;
  begin_spectra(file, series, current);
  std::vector<Channel*> followed;
  for (const auto index : file.runs()[current.run].channels) try {
      follow(file, series, current, index);
      const auto& info = file.channels()[index];
      if (const auto found = channels_.find({info.station, series.stream, info.component, series.sample_rate});
          found != channels_.end() && found->second.looked_at == looks_)
        followed.push_back(&found->second);
    } catch (const mth5::FormatError&) {
      unreadable_ = true;
    } catch (const mth5::FileError&) {  // its writer changes it just now: the next look reads it
    }
  for (auto& one : spectra_)
    if (one.is_of(series)) one.update();
  Stream stream{series.station, series.stream, series.sample_rate};
  std::int64_t most = 0;
  double percent = std::numeric_limits<double>::quiet_NaN();  // what only one channel lacks is told of that
  bool reading_older = false;                                 // of one channel sooner than of another
  // All at once, as they are compared.
  if (std::any_of(followed.begin(), followed.end(), [&](const auto* channel) { return is_due(*channel); }))
    for (auto* channel : followed) measure(*channel);
  for (const auto* channel : followed) {
    reading_older |= has_older(*channel);
    most = std::max(most, channel->values);
    stream.seconds = std::max(stream.seconds, channel->seconds);
    percent = std::fmax(percent, channel->percent);
  }
  for (auto* channel : followed) {
    if (channel->facts.kind == mth5::Kind::Auxiliary) continue;
    subjects_.push_back(channel->subject);
    if (stream.seconds >= kLeastSpan && !reading_older) add_present(subjects_.back(), channel->values, most);
  }
  for (const auto& gap : series.gaps) {
    if (gap.reason != "clock-step" || !gap.component.empty()) continue;
    // The run behind it: times before it may be of another year.
    const auto part = std::find_if(series.parts.begin(), series.parts.end(),
                                   [&](const Series::Part& one) { return file.runs()[one.run].id == gap.run_after; });
    if (part == series.parts.end() || part->start < current.end - kOneHour || part->start > current.end) continue;
    ++stream.times_set;
    stream.last_set = std::max(stream.last_set, std::optional{part->start});
  }
  // What a channel remembers begins anew behind a pause of an hour, which is missing all the same; and where the clock was set
  // forth it takes the step for a pause.
  if (const double of_file = percent_of_hour(series, current); !std::isnan(of_file))
    percent = stream.times_set > 0 ? of_file : std::fmin(percent, of_file);
  const auto since =
      current.end -
      std::max<mth5::Nanos>(kOneHour, std::chrono::duration_cast<mth5::Nanos>(std::chrono::duration<double>(stream.seconds)));
  if (!std::isnan(percent) && stream.seconds >= kLeastSpan) stream.completeness = Figure{percent, longest_gap(series, since)};
  streams_.push_back(std::move(stream));
}

void Watch::look_at_ledger(const mth5::Reader& file, mth5::FileState state, mth5::UtcNanos now) {
  if (const auto path = file.path().string(); path != ledger_path_) {
    ledgers_.clear();
    ledger_path_ = path;
  }
  if (!ledgers_.empty() && ledgers_.back().state == state && now - ledgers_.back().time < kBetweenLedgers) return;
  LedgerLook look{state, now, false, {}};
  try {
    look.ledger = read_ledger(file);
    look.unbalanced = look.ledger.layout > 0 && !look.ledger.balanced();
  } catch (const mth5::FormatError&) {
    look.unbalanced = true;
  }
  // Its writer closed it behind the look at its samples: they are fewer than its last row says. The next look has them.
  if (look.unbalanced && file.state() != state) return;
  ledgers_.push_back(std::move(look));
  while (ledgers_.size() > 1 && ledgers_[1].time + kOneHour <= now) ledgers_.pop_front();
}

void Watch::judge(const mth5::Reader& file, bool whole, Snapshot& look) {
  for (auto& shown : look.channels) {
    const auto found = channels_.find({shown.station, stream_of(shown.run), shown.component, shown.sample_rate});
    if (found == channels_.end() || found->second.looked_at != looks_ || found->second.facts.kind == mth5::Kind::Auxiliary)
      continue;
    if (found->second.values == 0) continue;
    shown.clipped = found->second.clipped;
    shown.dc = found->second.median;
    shown.mains_db = found->second.mains_db;
    if (knows_lines(shown.sample_rate)) shown.lines = found->second.lines;
  }
  auto subjects = subjects_;
  compare(subjects);
  for (const auto& one : spectra_) add_wiring(subjects, one);
  if (listener_ != nullptr)
    for (const auto* one : listener_->spectra()) add_wiring(subjects, *one);
  compared_ = subjects;
  distinguish(compared_);
  for (auto& subject : compared_) subject.levels.clear();  // of use to compare() only
  FileFacts facts{.path = look.file, .unreadable = unreadable_ || !whole, .state = look.state};
  if (whole) look_at_ledger(file, look.state, look.time);
  if (!whole) ledgers_.clear();
  if (!ledgers_.empty()) {
    facts.unbalanced = ledgers_.back().unbalanced;
    const bool of_an_hour = ledgers_.front().time + kOneHour <= look.time;
    for (auto& source : source_subjects(ledgers_.back().ledger, of_an_hour ? &ledgers_.front().ledger : nullptr))
      if (std::find(look.stations.begin(), look.stations.end(), source.station) != look.stations.end())
        subjects.push_back(std::move(source));
  }
  facts.disk_was_full = look.disk_was_full;
  if (look.commit) facts.closed = look.commit->time;
  facts.disk_full_in_s = look.full_in_s.value_or(facts.disk_full_in_s);
  subjects.push_back(file_subject(facts));
  look.reading_older = std::any_of(channels_.begin(), channels_.end(), [&](const auto& one) { return has_older(one.second); });
  look.unwatched = unwatched_;
  for (const auto& [key, channel] : channels_) {
    if (channel.looked_at != looks_) continue;
    ++look.watched;
    if (channel.seconds >= kLeastSpan && channel.values == 0) ++look.empty;
  }
  look.judged_s = streams_.empty() ? 0 : std::numeric_limits<double>::infinity();
  for (const auto& shown : look.streams) {
    const auto name = stream_of(shown.run);
    auto subject = stream_subject(shown.station, name, shown.sample_rate, shown.flow, true);
    const auto followed = std::find_if(streams_.begin(), streams_.end(), [&](const Stream& one) {
      return one.station == shown.station && one.name == name && one.sample_rate == shown.sample_rate;
    });
    if (followed != streams_.end()) {
      if (followed->completeness) subject.figures["completeness"] = *followed->completeness;
      add_clock_set(subject, followed->times_set, followed->last_set);
    }
    add_clock(subject, shown.sample_rate, look.clocks);
    const bool comes = !shown.flow || shown.flow->state == FlowState::Receiving;
    look.judged_s = std::min(look.judged_s, comes && followed != streams_.end() ? followed->seconds : 0);
    subjects.push_back(std::move(subject));
  }
  auto past = past_of(compared_);
  for (const auto& id : look.stations) {
    auto& tracker = health_[id];
    try {
      tracker.look(file, id, look.time, kMostRows);
    } catch (const mth5::FormatError&) {  // a table that lacks a column: the ledger of the file says so
    }
    const auto health = tracker.health();
    subjects.push_back(station_subject(id, health));
    add_locks(subjects.back(), health);
    take_locks(look.clocks, id, health);
    for (auto& one : past_of(std::span{&subjects.back(), 1})) past.push_back(std::move(one));
    if (look.stations.size() == 1)
      for (const auto& [name, value] : look.soh)
        if (is_temperature(name)) add_temperature(subjects.back(), value);
    for (const auto& one : look.runs)
      if (one.run.station == id && one.run.n_samples > 0) add_ahead(subjects.back(), one.end, look.time);
    const bool any = std::any_of(look.runs.begin(), look.runs.end(),
                                 [&](const RunSnapshot& run) { return run.run.station == id && run.run.n_samples > 0; });
    if (look.state != mth5::FileState::Live && !any) subjects.back().figures["samples"] = {0};
  }
  distinguish(subjects);
  using Pace = SteadyVerdict::Pace;
  const bool ended = look.state != mth5::FileState::Live;
  look.verdict = steady_.of(analysis::judge(subjects), look.time,
                            ended           ? Pace::Ended
                            : look.replayed ? Pace::Replay
                                            : Pace::Live);
  look.past = steady_.past(std::move(past));
}

}  // namespace analysis
