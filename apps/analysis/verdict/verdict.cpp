#include "analysis/verdict/verdict.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "analysis/json.hpp"
#include "analysis/median.hpp"
#include "analysis/nan.hpp"
#include "analysis/table_text.hpp"
#include "analysis/verdict/limits.hpp"
#include "mth5/duration.hpp"

namespace analysis {

double millivolts(const ChannelFacts& facts) {
  const auto symbol = mth5::unit_symbol(facts.units);
  if (symbol == "V") return 1000;
  if (symbol == "mV") return 1;
  if (symbol == "uV") return 1e-3;
  if (symbol == "mV/km" && facts.dipole_m > 0) return facts.dipole_m / 1000;
  return std::numeric_limits<double>::quiet_NaN();
}

namespace {

constexpr double kEvents = 600;      ///< s, for what happens now and then
constexpr double kDriftSpan = 3600;  ///< s
constexpr std::int64_t kRow = 60;    ///< equal samples that are no chance
constexpr double kCoarse = 30;  ///< steps of the converter in a standard deviation: with less, rows of equal samples are usual
constexpr double kRowOfCoarse = 600;   ///< s
constexpr double kTimesOthers = 5;     ///< the longest of the other rows, of such a converter
constexpr double kNeverMoved = 1800;   ///< s: how fine a converter is, nobody knows before it moves; at 0 it is none, and one
                                       ///< that shows less than the noise of its sensor would move
constexpr std::int64_t kClipped = 10;  ///< samples: three equal ones at an extreme may be chance
constexpr double kManyJumps = 2;       ///< one may be the crew
constexpr double kNoSuchValue = 1e30;  ///< in whatever units

double seconds_of(const Measures& measures) {
  return measures.rate() > 0 ? std::chrono::duration<double>(*measures.end() - *measures.start()).count() : 0;
}

/// A level that jumped and stays has not drifted: the drift is that behind the last jump, or before the only one, whichever is of
/// a longer time. NaN: of less than an hour.
double drift_per_hour(const Measures& measures) {
  if (!(measures.rate() > 0)) return std::numeric_limits<double>::quiet_NaN();
  auto from = *measures.start(), to = *measures.end();
  if (const auto& jump = measures.jumps().last()) {
    const auto cell = measures.envelope().cell_length();  // the one that the jump is in
    const bool before = measures.jumps().count() == 1 && jump->time - from > to - jump->time;
    (before ? to : from) = before ? jump->time - cell : jump->time + cell;
  }
  if (std::chrono::duration<double>(to - from).count() < kDriftSpan) return std::numeric_limits<double>::quiet_NaN();
  return measures.envelope().drift_per_hour(from, to);
}

/// The noise of a channel's sensor in its band, as far as it is known; 0 where it is not, or the samples are not in its units.
double noise_rms(const ChannelFacts& facts, double rate) {
  if (!facts.physical_units.empty()) return 0;
  double least = std::numeric_limits<double>::infinity();
  double band = 0;
  for (const auto& [hz, asd] : facts.noise) {
    if (!(hz > 0) || hz > rate / 2 || !(asd > 0)) continue;
    least = std::min(least, asd);
    band = std::max(band, hz);
  }
  return band > 0 ? least * std::sqrt(band) : 0;
}

/// The place of its last digit that is not 0: a converter that shows it resolves no worse. Floats of 32 bits have seven digits.
double last_digit(double value) {
  const double size = std::abs(value);
  const double float_step = size / (1 << 23);
  for (int place = 15; place >= -15; --place) {
    const double digit = std::pow(10.0, place);
    if (std::abs(size - digit * std::round(size / digit)) <= float_step) return std::max(digit, float_step);
  }
  return size;
}

/// A row of equal samples, and what is to be thought of it.
struct Stuck {
  std::optional<Figure> figure = {};    ///< it is no chance
  std::optional<Figure> unmoved = {};   ///< nothing else was ever seen: it is no chance if others tell so
  std::optional<double> still_at = {};  ///< the same, of any row that is long enough for it
  bool fine = false;                    ///< the converter resolves more than the samples move
};
/// @param rows  what `row` is one of    @param std  of the samples    @param noise  noise_rms()
Stuck stuck(const Repeats::Row& row, const Repeats& rows, double std, double rate, double noise) {
  Stuck found;
  const double row_s = static_cast<double>(row.n) / rate;
  const double step = rows.least_step();
  const auto longest = rows.longest().n;
  const auto other = longest > row.n ? longest : rows.next_longest();
  const bool moved = !std::isnan(step);
  found.fine = moved && std >= kCoarse * step;
  if (row.n < kRow || row_s < kLeastSpan) return found;
  if (!moved) found.still_at = row.value;
  double limit_s = kLeastSpan;
  if (moved && !found.fine)
    limit_s = std::max(kRowOfCoarse, kTimesOthers * static_cast<double>(other) / rate);
  else if (!moved && row.value != 0 && noise < last_digit(row.value))
    limit_s = kNeverMoved;
  if (row_s >= limit_s)
    found.figure = Figure{row_s, row.start};
  else if (!moved)
    found.unmoved = Figure{row_s, row.start};
  return found;
}

/// Whether a row of equal samples is cut off, and so not stuck however long it is: it lies at a known limit, or there are others
/// at an extreme that are about as long, as of a signal that is slow against its sample rate.
bool is_cut(const Repeats::Row& row, const ClipLimits& limits, const Measures& measures) {
  if (limits.known() && limits.reached_by(row.value)) return true;
  const auto& values = measures.statistics();
  const auto& rows = measures.repeats();
  const auto longest = rows.longest().n;
  return (row.value == values.min() || row.value == values.max()) && row.n <= longest && 2 * rows.next_longest() >= longest &&
         measures.clipped() - longest >= kClipped;
}

void set_stuck(Subject& subject, Stuck row, bool cut) {
  if (cut) row = {.fine = row.fine};
  if (row.figure) subject.figures["stuck_s"] = *row.figure;
  subject.unmoved = row.unmoved;
  subject.still_at = row.still_at;
  subject.fine = row.fine;
}

/// @param counted_s  as Figure has it
std::string value_text(double value, std::string_view unit, std::optional<double> counted_s = {}) {
  if (unit == "s") return mth5::rough_duration(value);
  if (unit == "d") return mth5::rough_duration(value * 86'400);
  if (unit == "V") return volts_text(value) + " V";
  char text[48];
  const double size = std::abs(value);
  const bool whole = unit.empty() && size < 1e9 && value == std::round(value);  // counts
  std::snprintf(text, sizeof text,
                whole         ? "%.0f"
                : size >= 1e9 ? "%.3g"
                : size >= 100 ? "%.0f"
                : size >= 10  ? "%.1f"
                              : "%.2g",
                value);
  if (unit == "%" && size >= 10) std::snprintf(text, sizeof text, "%.1f", std::floor(value * 10) / 10);  // 99.97 is not 100
  if (unit.empty()) return text;
  if (unit == "/h" && counted_s) return value_text(value, "") + " in " + mth5::rough_duration(60 * std::floor(*counted_s / 60));
  if (unit == "/h") return std::string{text} + " an hour";
  return std::string{text} + " " + std::string{unit};
}

std::string filled_in(std::string_view sentence, const std::string& value) {
  std::string text{sentence};
  constexpr std::string_view kValue = "{value}";
  if (const auto at = text.find(kValue); at != std::string::npos) text.replace(at, kValue.size(), value);
  return text;
}

std::string time_text(mth5::UtcNanos since, mth5::UtcNanos now) {
  const auto text = mth5::to_iso(std::chrono::floor<std::chrono::seconds>(since));
  const bool today = std::chrono::floor<std::chrono::days>(since) == std::chrono::floor<std::chrono::days>(now);
  return (today ? "" : text.substr(0, 10) + " ") + text.substr(11, 5) + " UTC";
}

bool is_channel(Scope scope) { return scope == Scope::Electric || scope == Scope::Field; }

}  // namespace

std::string_view to_string(Severity severity) { return severity == Severity::Critical ? "critical" : "warning"; }

std::string Finding::sentence(mth5::UtcNanos now) const {
  std::string text = shown(station);
  if (!text.empty() && !name.empty()) text += " ";
  text += shown(name);
  if (!stream.empty()) text += " (" + shown(stream) + ")";
  if (!text.empty()) text += ": ";
  text += filled_in(rule->sentence, value_text(value, rule->unit, counted_s));
  if (!std::isnan(median))
    text +=
        " (limit " + value_text(limit, rule->unit) + ", as the median of past days is " + value_text(median, rule->unit) + ")";
  if (since) text += std::string{rule->since} + time_text(*since, now);
  return text;
}

std::string Past::sentence(mth5::UtcNanos now) const {
  auto what = finding;
  what.since.reset();
  const auto end = time_text(to, now);
  const auto begin = time_text(from, now);
  const bool one_day = std::chrono::floor<std::chrono::days>(from) == std::chrono::floor<std::chrono::days>(to);
  constexpr std::size_t kZone = 4, kTime = 9;  // " UTC", "11:36 UTC"
  return what.sentence(now) + ", " + begin.substr(0, begin.size() - kZone) + " to " +
         (one_day ? end.substr(end.size() - kTime) : end);
}

Verdict judge(std::span<const Subject> subjects) { return judge(subjects, usual_limits); }

Verdict judge(std::span<const Subject> subjects, const LimitsOf& limits) {
  Verdict verdict;
  for (const auto& subject : subjects)
    for (const auto& rule : rules()) {
      const auto figure = subject.figures.find(rule.figure);
      if (!concerns(rule, subject.scope) || figure == subject.figures.end()) continue;
      const double value = figure->second.value;
      const auto [warning, critical] = limits(rule, subject);
      const bool is_critical = rule.is_beyond(value, critical.value);
      if (!is_critical && !rule.is_beyond(value, warning.value)) continue;
      const auto& limit = is_critical ? critical : warning;
      verdict.push_back({&rule, is_critical ? Severity::Critical : Severity::Warning, subject.station, subject.name, value,
                         figure->second.since, limit.value, limit.median, figure->second.counted_s, subject.stream});
    }
  const auto explained = [&](const Finding& finding) {
    if (!is_channel(finding.rule->scope)) return false;
    return std::any_of(verdict.begin(), verdict.end(), [&](const Finding& other) {
      return (other.rule->name == "open" || other.rule->name == "off" || other.rule->name == "stuck") &&
             other.rule < finding.rule && other.same_subject(finding);
    });
  };
  Verdict told;
  std::copy_if(verdict.begin(), verdict.end(), std::back_inserter(told),
               [&](const Finding& finding) { return !explained(finding); });
  worst_first(told);
  return told;
}

void worst_first(Verdict& verdict) {
  std::stable_sort(verdict.begin(), verdict.end(), [](const Finding& a, const Finding& b) {
    return std::tuple{a.severity != Severity::Critical, a.rule} < std::tuple{b.severity != Severity::Critical, b.rule};
  });
}

Subject subject_of(const ChannelFacts& facts, const Measures& measures, std::optional<double> mains) {
  Subject subject{facts.kind == mth5::Kind::Electric ? Scope::Electric : Scope::Field, facts.station, facts.component};
  subject.rate = measures.rate();
  subject.stream = facts.stream;
  const double seconds = seconds_of(measures);
  const auto& values = measures.statistics();
  if (seconds < kLeastSpan || values.count() == 0) return subject;
  auto& figures = subject.figures;
  const auto& rows = measures.repeats();
  const auto longest = rows.longest();
  set_stuck(subject, stuck(longest, rows, values.std(), measures.rate(), noise_rms(facts, measures.rate())),
            is_cut(longest, facts.limits, measures));
  // No larger one is a value; false for NaN.
  if (const double largest = std::max(std::abs(values.min()), std::abs(values.max())); !(largest <= kNoSuchValue))
    figures["largest"] = {largest};
  if (const double rails = measures.histogram().rail_share(); !std::isnan(rails)) figures["rails"] = {100 * rails};
  if (const auto clipped = measures.clipped(); clipped >= kClipped || measures.at_limits() > 0)
    figures["clipped"] = {100 * static_cast<double>(clipped) / static_cast<double>(values.count())};
  if (mains) figures["mains_db"] = {*mains};
  if (const double headroom = measures.headroom_db(); !std::isnan(headroom)) figures["headroom_db"] = {headroom};
  subject.cell_s = measures.envelope().cell_length().count();
  for (const auto& [number, cell] : measures.envelope().cells()) subject.levels.emplace_back(number, std::abs(cell.mean));
  if (const double mv = millivolts(facts); !std::isnan(mv)) {
    subject.mv_per_unit = mv;
    const auto add = [&](const char* name, double value) {
      const double size = mv * std::abs(value);
      if (std::isfinite(size)) figures[name] = {size};  // an endless one is no voltage: `largest` says what it is
    };
    add("dc_mV", measures.histogram().median());
    add("drift_mV_h", drift_per_hour(measures));
  }
  if (seconds < kEvents) return subject;
  const double hours = std::max(1.0, seconds / 3600);  // of ten minutes: so many may come in an hour all the same
  const auto counted = seconds < 3600 ? std::optional{seconds} : std::nullopt;
  figures["spikes_per_h"] = {static_cast<double>(measures.spikes().count()) / hours, {}, counted};
  const auto jumps = static_cast<double>(measures.jumps().count());
  figures["jumps_per_h"] = {jumps / hours, jumps >= kManyJumps ? measures.jumps().first() : std::nullopt, counted};
  return subject;
}

Subject subject_of(const ChannelFacts& facts, const Measures& recent, const Measures& hour, const History& history) {
  auto subject = subject_of(facts, recent, history.mains());
  const auto of_hour = subject_of(facts, hour, {});
  auto& figures = subject.figures;
  for (const auto& [name, figure] : of_hour.figures)
    if (name == "spikes_per_h" || name == "jumps_per_h" || name == "drift_mV_h" || name == "largest") figures[name] = figure;
  if (const auto period = history.pulses()) figures["pulse_s"] = {std::round(*period * 10) / 10};  // 11.999 s are no 11 s
  // What is over is mended; its row may lie at an extreme, but not at a known limit.
  if (figures.erase("stuck_s") > 0 && recent.at_limits() == 0) figures.erase("clipped");
  if (seconds_of(hour) < kLeastSpan) return subject;
  const auto& rows = history.rows();
  if (const auto was = of_hour.figures.find("stuck_s"); was != of_hour.figures.end() && was->second.since)
    if (const auto from = *was->second.since; from != rows.last().start)
      subject.was.push_back({"stuck", was->second.value, from,
                             from + std::chrono::duration_cast<mth5::Nanos>(std::chrono::duration<double>(was->second.value))});
  auto row = stuck(rows.last(), rows, hour.statistics().std(), hour.rate(), noise_rms(facts, hour.rate()));
  for (auto* figure : {&row.figure, &row.unmoved})
    if (*figure && (*figure)->since == history.start()) (*figure)->since.reset();  // it may be longer
  set_stuck(subject, row, is_cut(rows.last(), facts.limits, hour));
  if (const auto off = rows.off(); off && off->value == 0 && !row.figure)
    figures["off_s"] = {static_cast<double>(off->n) / hour.rate(), off->start};
  subject.noise = history.times_as_noisy(recent);
  subject.cell_s = of_hour.cell_s;
  subject.levels = of_hour.levels;
  return subject;
}

namespace {

constexpr double kOpenFor = 30;             ///< s at the end of the samples
constexpr double kOpenAbove = 30;           ///< times the others: from when on it is open
constexpr double kLeastOpen = 100;          ///< mV: below, it is a self potential beside others that are small
constexpr double kLeastOpenOfTwo = 1000;    ///< mV
constexpr double kLeastOpenOfCounts = 1e6;  ///< an eighth of what 24 bits hold
constexpr int kLeastOthersForNoise = 3;
constexpr int kLeastStill = 2;
constexpr int kLeastAtTheSame = 3;     ///< of two, both may measure the same field
constexpr double kLeastOthers = 1e-6;  ///< of its level: what the others are not below, as 0 has no multiple

/// Times the others, of a cell of the electric channels of the station; 0 where it cannot be told.
double ratio_at(std::span<const Subject> channels, const Subject& channel, std::int64_t cell, double level) {
  std::vector<double> others;
  for (const auto& other : channels) {
    if (&other == &channel || other.station != channel.station || other.scope != Scope::Electric) continue;
    if (other.cell_s != channel.cell_s) continue;
    const auto at = std::lower_bound(other.levels.begin(), other.levels.end(), cell,
                                     [](const auto& one, std::int64_t number) { return one.first < number; });
    if (at != other.levels.end() && at->first == cell) others.push_back(at->second);
  }
  // Of two, the one at more than any self potential is.
  if (others.empty() || (others.size() == 1 && level * channel.mv_per_unit < kLeastOpenOfTwo)) return 0;
  return level / std::max(upper_median(others), kLeastOthers * level);
}

/// The last time that it was, before the newest cells: a look at every 15 s is enough for half a minute.
void find_was_open(std::span<const Subject> channels, Subject& channel, double least, std::size_t newest) {
  if (channel.cell_s <= 0) return;
  const auto stride = std::max<std::size_t>(1, static_cast<std::size_t>(15 / channel.cell_s));
  const auto utc = [&](std::int64_t cell) { return mth5::UtcNanos{std::chrono::seconds{cell * channel.cell_s}}; };
  std::vector<double> ratios;
  std::int64_t from = 0, to = 0;
  for (std::size_t back = newest; back < channel.levels.size(); back += stride) {
    const auto& [cell, level] = channel.levels[channel.levels.size() - 1 - back];
    const double ratio = level >= least ? ratio_at(channels, channel, cell, level) : 0;
    if (ratio > kOpenAbove) {
      if (ratios.empty()) to = cell + 1;
      from = cell;
      ratios.push_back(ratio);
      continue;
    }
    if (static_cast<double>((to - from) * channel.cell_s) >= kOpenFor) break;
    ratios.clear();
    from = to = 0;
  }
  if (static_cast<double>((to - from) * channel.cell_s) >= kOpenFor && to < channel.levels.back().first)
    channel.was.push_back({"open", upper_median(ratios), utc(from), utc(to)});
}

void find_open(std::span<const Subject> channels, Subject& channel) {
  const double least = channel.mv_per_unit > 0 ? kLeastOpen / channel.mv_per_unit : kLeastOpenOfCounts;
  std::vector<double> newest;
  std::int64_t since = 0;
  for (auto cell = channel.levels.rbegin(); cell != channel.levels.rend() && cell->second >= least; ++cell) {
    const double ratio = ratio_at(channels, channel, cell->first, cell->second);
    if (ratio <= kOpenAbove) break;
    newest.push_back(ratio);
    since = cell->first;
  }
  find_was_open(channels, channel, least, newest.size());
  if (static_cast<double>(newest.size()) * static_cast<double>(channel.cell_s) < kOpenFor || newest.empty()) return;
  channel.figures["open_ratio"] = {upper_median(newest), mth5::UtcNanos{std::chrono::seconds{since * channel.cell_s}}};
}

/// Against the noisiest of the others: what the ground or the sky does is in two channels at least, however it is polarised.
void find_noise(std::span<const Subject> channels, Subject& channel) {
  double noisiest = 1;
  int others = 0;
  for (const auto& other : channels) {
    if (&other == &channel || other.station != channel.station || !std::isfinite(other.noise)) continue;
    noisiest = std::max(noisiest, other.noise);
    ++others;
  }
  if (others >= kLeastOthersForNoise && std::isfinite(channel.noise))
    channel.figures["times_as_noisy"] = {channel.noise / noisiest};
}

/// A magnetometer may be so coarse that nothing moves for minutes, in all its channels; electrodes always move.
bool others_tell_it_is_stuck(std::span<const Subject> channels, const Subject& channel) {
  int still = 0;
  int at_the_same = 0;
  bool moves = false;
  bool electric = false;
  for (const auto& other : channels) {
    if (other.station != channel.station) continue;
    const bool same = other.rate == channel.rate && other.stream == channel.stream;  // instrument
    const bool alike = channel.scope == Scope::Electric || (other.scope == channel.scope && same);
    if (alike && other.fine) return true;
    if (!same || other.levels.empty()) continue;  // of another instrument, or without a value
    moves |= !other.still_at;
    electric |= other.scope == Scope::Electric;
    still += other.still_at ? 1 : 0;
    at_the_same += other.scope == channel.scope && other.still_at == channel.still_at ? 1 : 0;
  }
  return (!moves && electric && still >= kLeastStill) || at_the_same >= kLeastAtTheSame;
}

}  // namespace

void compare(std::span<Subject> channels) {
  for (auto& channel : channels) {
    find_noise(channels, channel);
    if (channel.scope == Scope::Electric) find_open(channels, channel);
    if (channel.unmoved && others_tell_it_is_stuck(channels, channel)) channel.figures["stuck_s"] = *channel.unmoved;
  }
}

std::vector<Past> past_of(std::span<const Subject> subjects) {
  std::vector<Past> all;
  for (const auto& subject : subjects)
    for (const auto& was : subject.was) {
      const auto rule = std::find_if(rules().begin(), rules().end(), [&](const Rule& one) { return one.name == was.rule; });
      // What the GPS lacked was too little for its limit, which is of a whole hour, but enough for that of its share.
      const bool is_critical = rule != rules().end() && rule->is_beyond(was.value, rule->critical);
      if (rule == rules().end() || (!is_critical && was.rule != "gps")) continue;
      all.push_back({{&*rule, is_critical ? Severity::Critical : Severity::Warning, subject.station, subject.name, was.value, {}},
                     was.from,
                     was.to});
      all.back().finding.stream = subject.stream;
    }
  return all;
}

void distinguish(std::span<Subject> subjects) {
  const auto is_of_channel = [](const Subject& one) { return one.scope == Scope::Electric || one.scope == Scope::Field; };
  std::map<std::tuple<bool, std::string, std::string>, std::set<std::pair<std::string, double>>> names;
  const auto key = [&](const Subject& one) { return std::tuple{is_of_channel(one), one.station, one.name}; };
  for (const auto& subject : subjects)
    if (!subject.stream.empty()) names[key(subject)].emplace(subject.stream, subject.rate);
  for (auto& subject : subjects)
    if (!subject.stream.empty() && names[key(subject)].size() < 2) subject.stream.clear();
}

std::string to_text(const Verdict& verdict, mth5::UtcNanos now) {
  if (verdict.empty()) return "GOOD\n";
  std::string text;
  for (const auto& finding : verdict)
    text += std::string{finding.severity == Severity::Critical ? "CRITICAL " : "WARNING  "} + finding.sentence(now) + ": " +
            std::string{finding.rule->advice} + "\n";
  return text;
}

std::string headline(const Verdict& verdict, mth5::UtcNanos now) {
  if (verdict.empty()) return "GOOD";
  auto text = to_text({verdict.front()}, now);
  text.pop_back();
  if (verdict.size() > 1) text += " (and " + std::to_string(verdict.size() - 1) + " more)";
  return text;
}

json::Json to_json(const Verdict& verdict, mth5::UtcNanos now) {
  json::Json findings = json::Json::array();
  for (const auto& finding : verdict) {
    const auto scope = finding.rule->scope;
    findings.push_back({{"severity", to_string(finding.severity)},
                        {"name", finding.rule->name},
                        {"station", json::text(finding.station)},
                        {"channel", is_channel(scope) ? json::text(finding.name) : json::Json{}},
                        {"file", scope == Scope::File ? json::text(finding.name) : json::Json{}},
                        {"value", json::number(finding.value)},
                        {"unit", json::text(std::string{finding.rule->unit})},
                        {"counted_s", json::number(finding.counted_s.value_or(kNaN))},
                        {"limit", finding.rule->is_state() ? json::Json{} : json::number(finding.limit)},
                        {"median", json::number(finding.median)},
                        {"since", json::time(finding.since)},
                        {"sentence", finding.sentence(now)},
                        {"advice", finding.rule->advice}});
    if (!finding.stream.empty()) findings.back()["stream"] = json::text(finding.stream);
  }
  const auto worst = verdict.empty() ? "good" : to_string(verdict.front().severity);
  return {{"state", worst}, {"findings", findings}};
}

}  // namespace analysis
