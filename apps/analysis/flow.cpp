#include "analysis/flow.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "analysis/median.hpp"

namespace analysis {

namespace {

constexpr double kShortestSilence = 5;         ///< seconds
constexpr double kWithoutLedger = 60;          ///< seconds: other programs may flush whenever they like
constexpr double kSamples = 5;                 ///< so many must be missing
constexpr double kCommits = 3;                 ///< and so many visible commits
constexpr double kDurableCommits = 1.5;        ///< or, where visible ones were not seen, durable ones
constexpr int kEnoughCommits = 3;              ///< to know what is usual
constexpr std::size_t kLastIntervals = 3;      ///< of durable ones, likewise: the first two of a recording come close together
constexpr double kLongestUsual = 3600;         ///< seconds between commits: more is an outage and not usual
constexpr std::chrono::seconds kOneCommit{2};  ///< from its row to the time it is visible
constexpr std::int64_t kFirstRows = 4096;      ///< of the end of a ledger: hours

mth5::UtcNanos utc(std::int64_t ns) { return mth5::UtcNanos{mth5::Nanos{ns}}; }
/// A damaged table may hold anything.
std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
double seconds(mth5::UtcNanos from, mth5::UtcNanos to) {
  return static_cast<double>(to.time_since_epoch().count()) * 1e-9 - static_cast<double>(from.time_since_epoch().count()) * 1e-9;
}

/// Host time of the last change of a file whose writer keeps no record of it.
std::optional<mth5::UtcNanos> changed(const std::filesystem::path& path) {
  std::error_code error;
  const auto time = std::filesystem::last_write_time(path, error);
  if (error) return std::nullopt;
  return std::chrono::time_point_cast<mth5::Nanos>(std::chrono::file_clock::to_sys(time));
}

}  // namespace

std::string_view to_string(FlowState state) {
  switch (state) {
    case FlowState::Receiving:
      return "receiving";
    case FlowState::Waiting:
      return "waiting";
    case FlowState::NoData:
      return "no-data";
    case FlowState::Garbage:
      break;
  }
  return "garbage";
}

void FlowTracker::commit_at(mth5::UtcNanos time) {
  if (last_durable_) {
    const double between = seconds(*last_durable_, time);
    if (between > 0 && between < kLongestUsual) between_durable_s_.push_back(between);
    while (between_durable_s_.size() > kLastIntervals) between_durable_s_.pop_front();
  }
  if (!last_durable_ || time > *last_durable_) last_durable_ = time;
}

void FlowTracker::add(Stream& stream, std::int64_t session, mth5::UtcNanos time, std::int64_t samples, std::int64_t beside) {
  if (stream.session != session) {
    stream.before = plus(stream.before, plus(stream.samples, stream.beside));
    stream.session = session;
    stream.samples = 0;
    stream.began = time;
  }
  if (samples != stream.samples) stream.grew = time;
  stream.samples = samples;
  stream.beside = beside;
}

void FlowTracker::add(Source& source, std::int64_t session, mth5::UtcNanos time, std::int64_t bytes, std::int64_t skipped) {
  if (source.session != session) {
    source.session = session;
    source.bytes = source.skipped = 0;
  }
  if (bytes != source.bytes) source.came = time;
  if (skipped != source.skipped) source.skipped_at = time;
  source.bytes = bytes;
  source.skipped = skipped;
}

void FlowTracker::read_layout_1(const mth5::Reader& file) {
  auto& at = rows_["ledger"];
  if (first_) at = std::max<std::int64_t>(0, file.table_rows("ledger") - kFirstRows);
  const auto table = file.table("ledger", at);
  if (!table || !table->has("session")) return;
  at += static_cast<std::int64_t>(table->size());
  for (std::size_t i = 0; i < table->size(); ++i) {
    const auto index = table->integer(i, "source");
    const auto time = utc(table->integer(i, "time"));
    const auto session = table->integer(i, "session");
    std::uint64_t skipped = 0;  // a damaged table may hold anything: no overflow
    for (const auto& column : table->columns())
      if (column.name.starts_with("bytes_skipped_")) skipped += static_cast<std::uint64_t>(table->integer(i, column.name));
    streams_[index].source = index;
    add(streams_[index], session, time, table->integer(i, "samples_stored"));
    add(sources_[index], session, time, table->integer(i, "bytes_in"), static_cast<std::int64_t>(skipped));
    if (index == 0) commit_at(time);
  }
  if (const auto names = file.table("sources"))
    for (std::size_t i = 0; i < names->size(); ++i) {
      auto& stream = streams_[names->integer(i, "source")];
      stream.name = names->text(i, "name");
      stream.station = names->text(i, "station");
    }
}

void FlowTracker::read_layout_2(const mth5::Reader& file) {
  const auto fresh = [&](const char* name) {
    auto& at = rows_[name];
    if (first_) at = std::max<std::int64_t>(0, file.table_rows(name) - kFirstRows);
    auto table = file.table(name, at);
    if (table) at += static_cast<std::int64_t>(table->size());
    return table;
  };
  if (first_) counts_all_ = file.table_rows("stream_ledger") <= kFirstRows;
  const auto samples = fresh("stream_ledger");
  if (samples) counts_all_ &= samples->has("samples_recovered") && samples->has("samples_filled");
  const auto bytes = fresh("source_ledger");
  if (const auto commits = fresh("commits"))  // last: it has one for every row read before
    for (std::size_t i = 0; i < commits->size(); ++i) {
      const auto time = utc(commits->integer(i, "time"));
      commits_[commits->integer(i, "sequence")] = {time, commits->integer(i, "session")};
      commit_at(time);
    }
  const auto commit_of = [&](std::int64_t sequence) {
    const auto next = commits_.upper_bound(sequence);
    return next == commits_.begin() ? nullptr : &std::prev(next)->second;
  };
  if (const auto names = file.table("streams"))
    for (std::size_t i = 0; i < names->size(); ++i) {
      auto& stream = streams_[names->integer(i, "stream")];
      stream.source = names->integer(i, "source");
      stream.name = names->text(i, "name");
      stream.station = names->text(i, "station");
      stream.sample_rate = names->number(i, "sample_rate");
      if (!stream.of) stream.of = stream_of(file, stream.name);
    }
  if (samples)
    for (std::size_t i = 0; i < samples->size(); ++i)
      if (const auto* commit = commit_of(samples->integer(i, "sequence")))
        add(streams_[samples->integer(i, "stream")], commit->second, commit->first, samples->integer(i, "samples_stored"),
            counts_all_ ? plus(samples->integer(i, "samples_recovered"), samples->integer(i, "samples_filled")) : 0);
  if (bytes)
    for (std::size_t i = 0; i < bytes->size(); ++i)
      if (const auto* commit = commit_of(bytes->integer(i, "sequence")))
        add(sources_[bytes->integer(i, "source")], commit->second, commit->first, bytes->integer(i, "bytes_in"),
            bytes->integer(i, "bytes_skipped"));
  while (commits_.size() > static_cast<std::size_t>(kFirstRows)) commits_.erase(commits_.begin());
}

std::optional<mth5::UtcNanos> FlowTracker::last_change(const mth5::Reader& file) {
  const auto commit = file.last_commit();
  return commit ? std::optional{commit->time} : changed(file.path());
}

void FlowTracker::look(const mth5::Reader& file, mth5::UtcNanos now, std::optional<mth5::UtcNanos> changed) {
  now_ = now;
  if (first_)
    for (const auto& run : file.runs()) in_file_[{run.station, stream_of(run.id), run.sample_rate}] += run.n_samples;
  if (file.table("streams", std::numeric_limits<std::int64_t>::max())) {
    own_tables_ = true;
    read_layout_2(file);
  } else if (file.table_rows("ledger") > 0) {
    own_tables_ = true;
    read_layout_1(file);
  }
  if (changed && visible_ && *changed > *visible_) {
    const double between = seconds(*visible_, *changed);
    if (between < kLongestUsual) {
      between_visible_s_ = visible_commits_ == 0 ? between : 0.8 * between_visible_s_ + 0.2 * between;
      ++visible_commits_;
    }
  }
  visible_ = changed;
  first_ = false;
}

double FlowTracker::patience(double sample_rate) const {
  double longest = kShortestSilence;
  if (sample_rate > 0) longest = std::max(longest, kSamples / sample_rate);
  if (visible_commits_ >= kEnoughCommits) return std::max(longest, kCommits * between_visible_s_);
  if (own_tables_ && between_durable_s_.size() == kLastIntervals) {
    std::vector<double> usual{between_durable_s_.begin(), between_durable_s_.end()};
    return std::max(longest, kDurableCommits * upper_median(usual));
  }
  return std::max(longest, kWithoutLedger);
}

Flow FlowTracker::judge(const std::vector<const Stream*>& streams, std::optional<mth5::UtcNanos> grew, double sample_rate) const {
  Flow flow;
  flow.since = grew;
  const double wait = patience(sample_rate);
  if (grew) flow.silent_s = std::max(0.0, seconds(*grew, now_));
  if (grew && flow.silent_s <= wait) return {FlowState::Receiving, grew, 0};
  flow.state = grew ? FlowState::NoData : FlowState::Waiting;
  for (const auto* stream : streams) {
    if (!grew && stream->began && !flow.since) {
      flow.since = stream->began;
      flow.silent_s = std::max(0.0, seconds(*stream->began, now_));
    }
    const auto source = sources_.find(stream->source);
    if (source == sources_.end()) continue;
    const auto& [session, bytes, skipped, came, skipped_at] = source->second;
    // Bytes kept coming after the last sample, until now, and were skipped.
    if (came && skipped_at && (!grew || *skipped_at > *grew) && seconds(*came, now_) <= wait) flow.state = FlowState::Garbage;
  }
  return flow;
}

/// What is not known tells nothing against it.
bool FlowTracker::is_of(const Stream& stream, const Series& series) {
  const bool same_rate =
      stream.sample_rate <= 0 || std::abs(stream.sample_rate - series.sample_rate) <= 1e-9 * series.sample_rate;
  return stream.station == series.station && same_rate && (!stream.of || *stream.of == series.stream);
}

Flow FlowTracker::of(const Series& series, std::int64_t samples) {
  std::vector<const Stream*> streams;
  std::optional<mth5::UtcNanos> grew;
  std::int64_t in_ledger = 0;
  for (const auto& [index, stream] : streams_) {
    if (!is_of(stream, series)) continue;
    streams.push_back(&stream);
    grew = std::max(grew, stream.grew);
    in_ledger = plus(in_ledger, plus(stream.before, plus(stream.samples, stream.beside)));
  }
  const auto [known, is_new] =
      seen_.try_emplace({series.station, series.stream, series.sample_rate, series.components}, Seen{samples, {}});
  // What came after the last row of the ledger is known to this look by the file's growth, or, at the first look, by there being
  // more samples than the ledger has so far, or, in a file of one stream, by a commit later than that row.
  const bool only_one = streams_.size() <= 1;
  const bool more = counts_all_ && in_file_[{series.station, series.stream, series.sample_rate}] > in_ledger;
  const bool later = only_one && visible_ && (!last_durable_ || *visible_ > *last_durable_ + kOneCommit);
  if (is_new ? streams.empty() || more || later : samples > known->second.samples) known->second.grew = visible_;
  known->second.samples = samples;
  return judge(streams, std::max(grew, known->second.grew), series.sample_rate);
}

std::vector<FlowTracker::Silent> FlowTracker::without_samples(const std::vector<Series>& series) const {
  std::vector<Silent> silent;
  for (const auto& [index, stream] : streams_) {
    const bool has_series =
        std::any_of(series.begin(), series.end(), [&stream = stream](const Series& one) { return is_of(stream, one); });
    if (!has_series)
      silent.push_back({stream.station, stream.name, stream.sample_rate, judge({&stream}, {}, stream.sample_rate)});
  }
  return silent;
}

}  // namespace analysis
