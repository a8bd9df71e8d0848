#include "analysis/verdict/subjects.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "analysis/table_text.hpp"

namespace analysis {

namespace {

constexpr double kBeginning = 60;    ///< s: a file that has begun may be without samples for so long
constexpr double kLeastLoss = 180;   ///< s: a twentieth of an hour
constexpr double kLongLoss = 3600;   ///< s: no share of the last hour is left
constexpr double kLeastInput = 600;  ///< s of samples

double count(const Reasons& reasons, std::initializer_list<const char*> names) {
  double sum = 0;
  for (const auto* name : names)
    if (const auto found = reasons.find(name); found != reasons.end()) sum += static_cast<double>(found->second);
  return sum;
}

/// What came from a source.
struct Input {
  double bytes = 0, skipped = 0, frames = 0, skips = 0, samples = 0, refused = 0, seconds = 0;
};
Input input_of(const Ledger& ledger, std::int64_t index) {
  Input input;
  for (const auto& source : ledger.sources) {
    if (source.source != index) continue;
    input.bytes += static_cast<double>(source.bytes_in);
    input.frames += static_cast<double>(source.frames);
    input.skips += static_cast<double>(source.skips);
    for (const auto& [reason, n] : source.bytes_skipped) input.skipped += static_cast<double>(n);
  }
  for (const auto& stream : ledger.streams) {
    if (stream.source != index) continue;
    const auto samples = static_cast<double>(stream.samples_decoded);
    input.samples += samples;
    input.refused += count(stream.samples_dropped, {"duplicate", "backward", "bad-time"});
    if (stream.sample_rate > 0) input.seconds = std::max(input.seconds, samples / stream.sample_rate);
  }
  return input;
}

}  // namespace

std::vector<Subject> source_subjects(const Ledger& ledger, const Ledger* before) {
  std::vector<Subject> subjects;
  for (const auto& source : ledger.sources) {
    const auto now = input_of(ledger, source.source);
    const auto old = before != nullptr ? input_of(*before, source.source) : Input{};
    if (now.seconds - old.seconds < kLeastInput) continue;
    const auto share = [](double part, double of) { return of > 0 ? 100 * part / of : 0; };
    // A few bytes between two long frames are as bad a sign as a lost frame.
    const double skips = now.skips - old.skips;
    const double unused =
        std::max({share(now.skipped - old.skipped, now.bytes - old.bytes), share(skips, skips + now.frames - old.frames),
                  share(now.refused - old.refused, now.samples - old.samples)});
    const auto stream = std::find_if(ledger.streams.begin(), ledger.streams.end(),
                                     [&](const StreamLedger& one) { return one.source == source.source; });
    subjects.push_back(
        {Scope::Source, stream != ledger.streams.end() ? stream->station : "", source.name, {{"unused", {unused}}}});
  }
  return subjects;
}

void add_clock_set(Subject& stream, std::int64_t times, std::optional<mth5::UtcNanos> last) {
  stream.figures["clock_set"] = {static_cast<double>(times), last};
}

Subject file_subject(const FileFacts& file) {
  Subject subject{Scope::File, "", file.path};
  auto& figures = subject.figures;
  const auto set = [&](const char* name, bool is) { figures[name] = {is ? 1.0 : 0.0}; };
  set("unreadable", file.unreadable);
  if (!file.state) return subject;
  set("writer_died", *file.state == mth5::FileState::WriterDied);
  set("unbalanced", file.unbalanced);
  set("disk_full", file.disk_was_full);
  if (file.disk_was_full) figures["disk_full"].since = file.closed;
  if (!file.disk_was_full && std::isfinite(file.disk_full_in_s)) figures["disk_days"] = {file.disk_full_in_s / 86'400};
  return subject;
}

Subject stream_subject(const std::string& station, const std::string& stream, double sample_rate, const std::optional<Flow>& flow,
                       bool began) {
  Subject subject{Scope::Stream, station, rate_text(sample_rate)};
  subject.rate = sample_rate;
  subject.stream = stream;
  if (flow && !(flow->state == FlowState::Waiting && began && flow->silent_s < kBeginning))
    subject.figures["silent_s"] = {flow->silent_s, flow->since};
  return subject;
}

void add_clock(Subject& stream, double sample_rate, std::span<const ClockSummary> clocks) {
  const auto add = [&](const char* name, double value) {
    if (!std::isfinite(value)) return;
    auto& figure = stream.figures[name];
    figure.value = std::max(figure.value, std::abs(value));
  };
  for (const auto& clock : clocks) {
    if (clock.station != stream.station || clock.sample_rate != sample_rate || clock.runs_of != stream.stream) continue;
    add("clock_ppm", clock.ppm);
    add("axis_error_s", clock.axis_error_s);
  }
}

Subject station_subject(const std::string& station, const Health& health) {
  Subject subject{Scope::Station, station, ""};
  if (health.battery_V && *health.battery_V >= kOtherBattery) subject.figures["battery_V"] = {*health.battery_V};
  if (health.no_fix) subject.figures["no_fix_s"] = {health.no_fix->seconds, health.no_fix->since};
  return subject;
}

void add_locks(Subject& station, const Health& health) {
  for (const auto& lock : health.locks) {
    for (const auto& [from, to] : lock.losses)
      if (const double seconds = std::chrono::duration<double>(to - from).count(); seconds > kLeastLoss)
        station.was.push_back({"gps", seconds, from, to});
    if (!lock.share || (health.no_fix && health.no_fix->seconds > kLongLoss)) continue;  // that is told as such
    const auto [known, is_new] = station.figures.try_emplace("lock_percent", Figure{*lock.share, lock.lost});
    if (!is_new && *lock.share < known->second.value) known->second = {*lock.share, lock.lost};
  }
}

void take_locks(std::span<ClockSummary> clocks, const std::string& station, const Health& health) {
  for (auto& clock : clocks) {
    if (!clock.station.empty() && clock.station != station) continue;
    if (clock.source != "gps" && clock.source != "device") continue;
    for (const auto& lock : health.locks)
      if (lock.lost_now && (health.locks.size() == 1 || lock.source == clock.stream)) clock.locked = false;
  }
}

void add_ahead(Subject& station, mth5::UtcNanos last, mth5::UtcNanos now) {
  auto& figure = station.figures["ahead_s"];
  figure.value = std::max(figure.value, std::chrono::duration<double>(last - now).count());
}

void add_temperature(Subject& station, double celsius, std::optional<mth5::UtcNanos> at) {
  if (!std::isfinite(celsius)) return;
  const auto [known, is_new] = station.figures.try_emplace("temperature_C", Figure{celsius, at});
  if (!is_new && known->second.value < celsius) known->second = {celsius, at};
}

void add_present(Subject& channel, std::int64_t stored, std::int64_t most) {
  if (most > 0) channel.figures["present"] = {100 * static_cast<double>(stored) / static_cast<double>(most)};
}

}  // namespace analysis
