#include "analysis/verdict/subjects.hpp"

#include <cmath>

#include "analysis/table_text.hpp"

namespace analysis {

namespace {

constexpr double kBeginning = 60;    ///< s: a file that has begun may be without samples for so long
constexpr double kOtherBattery = 8;  ///< V: no 12 V battery is below, as nothing would run with it

}  // namespace

Subject file_subject(const FileFacts& file) {
  Subject subject{Scope::File, "", file.path};
  auto& figures = subject.figures;
  const auto set = [&](const char* name, bool is) { figures[name] = {is ? 1.0 : 0.0}; };
  set("unreadable", file.unreadable);
  if (!file.state) return subject;
  set("writer_died", *file.state == mth5::FileState::WriterDied);
  set("unbalanced", file.unbalanced);
  set("disk_full", *file.state == mth5::FileState::Closed && file.disk_full_in_s == 0 && !file.superseded);
  if (*file.state == mth5::FileState::Live && std::isfinite(file.disk_full_in_s))
    figures["disk_days"] = {file.disk_full_in_s / 86'400};
  return subject;
}

Subject stream_subject(const std::string& station, double sample_rate, const std::optional<Flow>& flow, bool began) {
  Subject subject{Scope::Stream, station, rate_text(sample_rate)};
  if (flow && !(flow->state == FlowState::Waiting && began && flow->silent_s < kBeginning))
    subject.figures["silent_s"] = {flow->silent_s, flow->since};
  return subject;
}

Subject station_subject(const std::string& station, const Health& health) {
  Subject subject{Scope::Station, station, ""};
  if (health.battery_V && *health.battery_V >= kOtherBattery) subject.figures["battery_V"] = {*health.battery_V};
  if (health.no_fix) subject.figures["no_fix_s"] = {health.no_fix->seconds, health.no_fix->since};
  return subject;
}

void add_present(Subject& channel, std::int64_t stored, std::int64_t most) {
  if (most > 0) channel.figures["present"] = {100 * static_cast<double>(stored) / static_cast<double>(most)};
}

}  // namespace analysis
