#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "acquisition/recorder/file_writer.hpp"
#include "acquisition/recorder/output.hpp"
#include "acquisition/recorder/roll.hpp"
#include "acquisition/recorder/run_channels.hpp"
#include "acquisition/recorder/tables.hpp"
#include "mth5/time.hpp"

/// How files and runs of a FileWriter begin and end.
namespace daq::recorder {

namespace {

constexpr auto kLongestHold = std::chrono::minutes{1};  // of what lies behind a mark, for streams that have not come to it
constexpr auto kRollAgain = std::chrono::minutes{1};

/// Also where something is thrown.
class Rolling {
 public:
  explicit Rolling(bool& is) : is_{is} { is_ = true; }
  ~Rolling() { is_ = false; }
  Rolling(const Rolling&) = delete;
  Rolling& operator=(const Rolling&) = delete;

 private:
  bool& is_;
};

}  // namespace

void FileWriter::open_file() {
  rolled_ = false;
  commits_ = 0;
  announced_ = false;
  stations_there_.clear();
  runs_there_.clear();
  filters_ = {};
  described_ = 0;
  logged_lines_ = 0;
  for (std::size_t i = 0; i < context_.streams.size(); ++i) (void)stream(i);
  for (auto& of : streams_) {
    of->begin_file();
    of->run.reset();
    of->last_run.clear();
    of->clock_table.reset();
    of->first_run_start.reset();
    of->recovered = 0;
    of->told_dropped = {};
    of->told_token.clear();
    of->uncut();
  }
  mark_.reset();
  held_until_.reset();
  for (auto& of : sources_) {
    of->begin_file();
    of->told_skipped = {};
    of->told_faults = {};
  }
  if (resume_ && open_again()) return;
  if (const auto before = std::exchange(before_, std::nullopt))
    for (auto& of : streams_) {
      of->expect_behind(*before);
      run_numbers_.raise_behind(of->stream(), config_.survey.text("id"), *before);
    }
  create_file();
}

bool FileWriter::open_again() {
  auto resume = std::exchange(resume_, std::nullopt).value();
  for (const auto& run : resume.runs) runs_there_.insert(run.station + "/" + run.id);
  const auto has_station = [&](const std::string& id) {  // it may have no run yet
    try {
      (void)file_->run_names(config_.survey.text("id"), id);
      return true;
    } catch (const mth5::StateError&) {
      return false;
    }
  };
  try {
    timed([&] {
      file_ = std::make_unique<mth5::File>(mth5::File::open(
          resume.path, "r+", {false, {.allow_network = config_.output.allow_network, .make_room = use_reserve_}}));
      for (const auto& of : streams_)
        if (has_station(of->stream().station_id())) stations_there_.insert(of->stream().station_id());
      file_->edit([&](mth5::Edit& edit) {
        described_ = resume.n_streams;
        add_record_tables(edit);
      });
    });
  } catch (const std::exception& e) {  // not what it was when we looked; whether the disk is well, a new file will show
    log_->warn("cannot resume in file={}: {}; a new one begins", resume.path.string(), e.what());
    file_.reset();
    runs_there_.clear();
    stations_there_.clear();
    described_ = 0;
    before_ = std::move(resume);
    return false;
  }
  for (const auto& run : resume.runs) {  // where its last sample lies: the next one may lie behind the mark
    const auto mark = mark_behind(config_.output, run.next - mth5::Nanos{1});
    if (mark && (!mark_ || *mark > *mark_)) mark_ = mark;
  }
  session_ = resume.session;
  commits_ = resume.sequence;
  for (auto& of : streams_) {
    if (const auto* last = of->expect_behind(resume)) of->last_run = last->id;
    of->recovered = resume.recovered(of->stream().name);
    run_numbers_.raise_behind(of->stream(), config_.survey.text("id"), resume);
  }
  log_->info("resumed in file={} runs={} session={}", resume.path.string(), resume.runs.size(), session_);
  return true;
}

/// A folder that was there when the recording began, and was renamed or removed since.
void FileWriter::restore_directory() {
  std::error_code error;
  if (std::filesystem::exists(config_.output.directory, error) || error) return;
  if (std::filesystem::create_directory(config_.output.directory, error))
    context_.quiet.say(spdlog::level::warn, "directory gone",
                       "output.directory " + config_.output.directory.string() + " was gone, and is made again");
}

std::optional<mth5::UtcNanos> FileWriter::first_waiting() const {
  std::optional<mth5::UtcNanos> start;
  for (const auto& of : streams_)
    if (const auto first = of->first_waiting()) start = start ? std::min(*start, *first) : first;
  return start;
}

std::unique_ptr<mth5::File> FileWriter::make_file(mth5::UtcNanos start) {
  if (files_ > 0) restore_directory();
  check_directory(config_.output);
  // Named by the configuration, not by who speaks first.
  const auto& first = config_.sources.front();
  const config::PatternValues values{.survey = config_.survey.text("id"),
                                     .station = first.station.text("id"),
                                     .start = start,
                                     .sample_rate = first.instrument.sample_rate};
  const auto free_name = [this, values] {
    const auto path = next_file(config_.output, values);
    if (const auto wanted = config_.output.directory / config::expand(config_.output.file_name, values).text; path != wanted)
      context_.quiet.say(spdlog::level::warn, "file name taken",
                         fmt::format("file name taken file={} instead={}", wanted.string(), path.string()));
    return path;
  };
  const auto path = free_name();
  auto options = create_options();
  options.other_name = free_name;  // a recorder of other stations may be faster
  return std::make_unique<mth5::File>(mth5::File::create(path, options));
}

mth5::CreateOptions FileWriter::create_options() const {
  mth5::CreateOptions options{config_.output.file_version, "mth5d", {}, config_.output.allow_network};
  options.make_room = use_reserve_;
  std::uint64_t channels = 0;
  for (const auto& of : streams_) channels += of->stream().channels.size();
  options.journal_bytes *= 1 + channels / 300;  // what the default is good for
  return options;
}

bool FileWriter::can_begin_next() {
  const auto now = mth5::steady_now();
  if (now < try_again_) return false;
  const auto path = trial_file(config_);
  std::error_code none;  // of one that was killed here
  std::filesystem::remove(path, none);
  try {
    timed([&] {
      const Rolling rolling{rolling_};
      restore_directory();
      check_directory(config_.output);
      mth5::File::create(path, create_options()).close();
      if (!std::filesystem::remove(path, none) && none) throw mth5::FileError{path.string() + ": " + none.message(), none};
    });
  } catch (const mth5::FileError& e) {
    tell_no_next(e);
    try_again_ = now + kRollAgain;
    return false;
  }
  return true;
}

void FileWriter::tell_no_next(const mth5::FileError& error) {
  context_.quiet.say(spdlog::level::err, "cannot roll",
                     fmt::format("the next file cannot be begun, the recording goes on in {}; tried again in a minute: {}",
                                 file_->path().string(), error.what()));
}

void FileWriter::create_file() {
  session_ = 0;
  try_again_ = last_file_ ? Steady::time_point::max() : Steady::time_point{};
  roll_again_ = mth5::steady_now() + kRollAgain;  // the space of a first chunk of many channels may be as much as the limit
  const auto start = first_waiting().value_or(mth5::host_now());
  for (auto& of : sources_) of->state_for_file(start);
  timed([&] {
    file_ = next_file_ ? std::move(next_file_) : make_file(start);
    const mth5::TableSpec source_spec = source_table();
    mth5::TableId source_id;
    file_->edit([&](mth5::Edit& edit) {
      edit.add_survey(config_.survey);
      source_id = edit.add_table(source_spec);
      add_record_tables(edit);
      add_stations(edit);
    });
    mth5::Rows rows{source_spec};
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const auto& source = config_.sources[i];
      rows.add(static_cast<std::int64_t>(i));
      rows.add(source.name);
      rows.add(source.instrument.name);
      rows.add(config::to_string(source.input));
    }
    file_->append_rows(source_id, rows);
    describe_streams();
  });
}

void FileWriter::begin_no_more_files() {
  last_file_ = true;
  try_again_ = Steady::time_point::max();
  mark_.reset();
  held_until_.reset();
  for (auto& of : streams_) of->uncut();
}

std::chrono::nanoseconds FileWriter::longest_hold() const {
  return std::min<std::chrono::nanoseconds>(kLongestHold, config_.sync_interval);
}

void FileWriter::find_mark() {
  if (last_file_) return;
  std::optional<mth5::UtcNanos> time;
  const auto take = [&](const std::optional<mth5::UtcNanos>& one) {
    if (one) time = time ? std::max(*time, *one) : one;
  };
  const auto now = mth5::steady_now();
  for (const auto& of : streams_) {
    if (!mark_)
      take(of->first_waiting());
    else if (of->heard() + kLongestHold > now)
      take(of->newest());
  }
  if (!time) return;
  const auto mark = mark_behind(config_.output, *time);
  // A clock that was far ahead, and is set right, takes its mark back with it.
  if (!mark_ || (mark && *mark < *mark_)) mark_ = mark;
  if (!mark_) return;
  for (auto& of : streams_) of->cut_at(*mark_);
}

bool FileWriter::is_awaited(const StreamWriter& of, Steady::time_point now) const {
  const auto newest = of.newest();
  return !of.is_cut() && newest && of.heard() + longest_hold() > now && *newest < *mark_ && *newest + kLongestHold >= *mark_;
}

bool FileWriter::roll(bool at_mark) {
  const auto now = mth5::steady_now();
  const bool waited = held_until_.has_value();
  if (at_mark && !ended_) {
    if (!held_until_) held_until_ = first_unseen_.value_or(now) + longest_hold();
    const bool full = std::any_of(streams_.begin(), streams_.end(), [](const auto& of) { return of->is_full(); });
    const bool awaits = std::any_of(streams_.begin(), streams_.end(), [&](const auto& of) { return is_awaited(*of, now); });
    if (awaits && !full && now < *held_until_) return false;
  }
  if (waited) last_sync_ = {};  // what was held must not wait for its turn, too
  held_until_.reset();
  const auto first = first_waiting().value();
  try {
    const Rolling rolling{rolling_};
    timed([&] { next_file_ = make_file(at_mark ? std::max(first, *mark_) : first); });
  } catch (const mth5::FileError& e) {
    tell_no_next(e);
    for (auto& of : streams_) of->uncut();
    if (at_mark) *mark_ += kRollAgain;
    roll_again_ = try_again_ = now + kRollAgain;
    return true;
  }
  const auto closed = close_file();
  log_->debug("file closed {}", closed);
  closed_by_roll_ = " closed " + closed;
  return true;
}

void FileWriter::add_record_tables(mth5::Edit& edit) {
  stream_table_ = edit.add_table(stream_table());
  clip_limit_table_ = edit.add_table(clip_limit_table());
  sensor_noise_table_ = edit.add_table(sensor_noise_table());
  commit_table_ = edit.add_table(commit_table());
  source_table_ = edit.add_table(source_ledger_table());
  stream_ledger_table_ = edit.add_table(stream_ledger_table());
  reason_table_ = edit.add_table(reason_table());
  resume_table_ = edit.add_table(resume_table());
  log_table_ = edit.add_table(log_table());
  gap_table_ = edit.add_table(gap_table());
  for (auto& of : sources_)
    if (of->states) of->state_table = edit.add_table(soh_table(of->source()));
  add_stream_tables(edit);
}

void FileWriter::add_stations(mth5::Edit& edit) {
  for (const auto& of : streams_) {
    const auto& stream = of->stream();
    if (!stations_there_.insert(stream.station_id()).second) continue;
    mth5::Metadata station = stream.station;
    if (!stream.location_known) station.merge(sources_[stream.source]->state().location());
    if (const auto* type = stream.run.find("data_type"); type != nullptr && station.find("data_type") == nullptr)
      station.set("data_type", *type);
    edit.add_station(config_.survey.text("id"), station);
  }
}

void FileWriter::add_stream_tables(mth5::Edit& edit) {
  for (auto& of : streams_)
    if (!of->clock_table) of->clock_table = edit.add_table(clock_table(of->stream().name));
}

void FileWriter::describe_streams() {
  mth5::Rows limits{clip_limit_table()}, noise{sensor_noise_table()};
  for (; described_ < streams_.size(); ++described_) {
    const auto& stream = streams_[described_]->stream();
    stream_rows_.add(static_cast<std::int64_t>(described_));
    stream_rows_.add(static_cast<std::int64_t>(stream.source));
    stream_rows_.add(stream.name);
    stream_rows_.add(stream.station_id());
    stream_rows_.add(stream.sample_rate);
    for (const auto& channel : stream.channels) {
      const auto begin = [&](mth5::Rows& rows) {
        rows.add(static_cast<std::int64_t>(described_));
        rows.add(channel.metadata.text("component"));
        rows.add(channel.metadata.text("units"));
      };
      if (channel.clip_limits) {
        begin(limits);
        limits.add(channel.clip_limits->low);
        limits.add(channel.clip_limits->high);
      }
      for (const auto& point : channel.noise) {
        begin(noise);
        noise.add(point.frequency_hz);
        noise.add(point.asd);
      }
    }
  }
  file_->append_rows(stream_table_, stream_rows_);
  stream_rows_.clear();
  file_->append_rows(clip_limit_table_, limits);
  file_->append_rows(sensor_noise_table_, noise);
}

std::string FileWriter::next_run_name(const StreamWriter& of, mth5::UtcNanos start) {
  const auto& stream = of.stream();
  // Numbers go on over all streams of a station and rate, so that two loggers of one station never claim the same name.
  config::PatternValues values{.survey = config_.survey.text("id"),
                               .station = stream.station_id(),
                               .start = start,
                               .sample_rate = stream.sample_rate,
                               .index = run_numbers_.last(stream) + 1};
  std::string name;
  for (;; ++values.index) {
    const auto text = config::expand(stream.run_id, values).text;
    if (text == name)
      name += "_" + std::to_string(values.index);  // a pattern without {index}: of the time alone
    else
      name = text;
    if (!runs_there_.insert(values.station + "/" + name).second) continue;
    run_numbers_.raise(stream, values.index);
    return name;
  }
}

std::vector<FileWriter::NewRun> FileWriter::plan_runs() {
  std::vector<NewRun> runs;
  // Without a next file they go on in this one, until it is tried again.
  const auto most = mth5::steady_now() < try_again_ ? std::numeric_limits<std::size_t>::max()
                                                    : static_cast<std::size_t>(config_.output.roll_runs);
  for (auto& of : streams_) {
    std::string before = of->run ? of->run->name : of->last_run;
    for (std::size_t at = 0; at < of->pieces().size() && !of->pieces()[at].in_next_file && runs_there_.size() < most;) {
      const auto group = of->group(at);
      const std::string name = next_run_name(*of, group.start);
      at += group.pieces;
      const bool first =
          !of->first_run_start && std::none_of(runs.begin(), runs.end(), [&](const auto& run) { return run.stream == of.get(); });
      runs.push_back({of.get(), group, name, std::exchange(before, name), at == of->pieces().size(), first});
    }
  }
  return runs;
}

void FileWriter::add_gaps_of(const NewRun& run) {
  StreamWriter& of = *run.stream;
  // What is missing is missing since the last sample before it that is known, whichever session recorded that.
  const auto ends = std::exchange(of.expected, {});
  const StreamWriter::Expected* last = nullptr;
  for (const auto& end : ends)
    if (mth5::samples_between(end.time, run.group.start, end.rate) > -0.5 && (last == nullptr || end.time > last->time))
      last = &end;
  if (last != nullptr) {
    const auto missing = std::llround(mth5::samples_between(last->time, run.group.start, last->rate));
    if (static_cast<double>(missing) > last->unsure_s * last->rate)
      of.gaps_before_next_run.push_back(
          {last->time.time_since_epoch().count(), missing, static_cast<std::int64_t>(last->reason), 0});
  }
  for (const auto& gap : of.gaps_before_next_run) add_gap(of, gap, run.before, run.name);
}

void FileWriter::begin_runs(std::vector<NewRun>& runs) {
  // A change of a live file is a durable commit: what belongs to it goes before, so that it is in it.
  const std::string survey = config_.survey.text("id");
  std::vector<std::size_t> first(streams_.size(), 0);  // pieces of runs planned before, by stream
  for (const auto& run : runs) {
    auto& at = first[run.stream->number()];
    if (at == 0) add_gaps_of(run);
    for (std::size_t i = at; i < at + run.group.pieces; ++i) {
      const auto& gap = run.stream->pieces()[i].gap;
      add_gap(*run.stream, gap, i == at && gap.filled == 0 ? run.before : run.name, run.name);
    }
    at += run.group.pieces;
    for (const auto& gap : run.stream->take_channel_gaps(run.group)) add_gap(*run.stream, gap, run.name, run.name);
    const auto utc_of = [&](std::int64_t i) { return mth5::sample_time(run.group.start, run.stream->stream().sample_rate, i); };
    for (const auto& gap : run.stream->unknown_in(run.group, utc_of)) add_gap(*run.stream, gap, run.name, run.name);
  }
  if (on_run_numbers_) on_run_numbers_(run_numbers_);
  std::vector<mth5::RunId> ids;
  timed([&] {
    add_tables();
    write_ledger();
    file_->edit([&](mth5::Edit& edit) {
      add_stations(edit);
      add_stream_tables(edit);
      const StreamWriter* closed = nullptr;
      for (const auto& run : runs) {
        StreamWriter& of = *run.stream;
        if (of.run && &of != closed) {
          edit.update_run(of.run->id, of.figures_at_end().metadata(of.stream().time_kind));
          edit.finish_run(of.run->id);
        }
        closed = &of;
        mth5::Metadata metadata = of.stream().run;
        metadata.set("id", run.name);
        metadata.set("sample_rate", of.stream().sample_rate);
        std::vector<mth5::ChannelSpec> channels;
        const auto& soh = sources_[of.stream().source]->source().instrument.soh;
        for (std::size_t i = 0; i < of.stream().channels.size(); ++i) {
          const auto& profile = of.stream().channels[i];
          auto channel = profile.divided_by ? as_told(profile, soh, run.group.lengths.at(i)) : profile;
          filters_.add(edit, survey, channel);
          channels.push_back({channel.metadata, channel.type, config_.chunk, channel.fill});
        }
        const std::string station = of.stream().station_id();
        metadata.merge(run.group.figures.metadata(of.stream().time_kind));
        if (run.stays_open) {
          ids.push_back(edit.add_run(survey, station, metadata, run.group.start, channels));
        } else {  // it has ended already: with all its samples
          ids.push_back(edit.add_finished_run(survey, station, metadata, run.group.start, channels, of.samples(run.group)));
        }
      }
    });
    describe_streams();
    file_->start_swmr();
  });
  for (auto& of : streams_) {
    if (first[of->number()] == 0) continue;
    context_.published.change([&](State& state) { state.own_gaps += of->gaps_before_next_run.size(); });
    of->gaps_before_next_run.clear();
    if (of->run) of->last_run = of->run->name;
    of->run.reset();
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    StreamWriter& of = *runs[i].stream;
    if (!of.first_run_start) of.first_run_start = runs[i].group.start;
    if (runs[i].stays_open) continue;
    OpenRun ended{.id = ids[i], .name = runs[i].name, .start = runs[i].group.start, .figures = {}};
    of.stored(runs[i].group, ended);
    of.last_run = ended.name;
  }
  all_durable();
  log_gaps();
  log_misfits();
  if (!std::exchange(announced_, true)) {
    ++files_;
    const auto rolled = std::exchange(closed_by_roll_, "");
    rolled_ = !rolled.empty();
    context_.quiet.say(spdlog::level::info, "file open", "file open file=" + file_->path().string() + rolled);
    if (context_.on_file) context_.on_file(file_->path());
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto& name = runs[i].stream->stream().name;
    const auto text = fmt::format("run begun run={} stream={} start={} file={}", runs[i].name, name,
                                  mth5::to_iso(runs[i].group.start), file_->path().string());
    // Of a roll one line is enough: files of an hour and many streams would fill the log of a day on which nothing happens.
    if (rolled_ && runs[i].first)
      log_->debug("{}", text);
    else
      context_.quiet.say(spdlog::level::info, "run " + name, text);
    if (!runs[i].stays_open) continue;
    StreamWriter& of = *runs[i].stream;
    of.run = OpenRun{
        .id = ids[i], .name = runs[i].name, .start = runs[i].group.start, .figures = {}, .lengths = runs[i].group.lengths};
    timed([&] { file_->append(ids[i], of.samples(runs[i].group)); });
    of.stored(runs[i].group, *of.run);
  }
  publish();
}

void FileWriter::add_gap(const StreamWriter& of, const ring::GapNote& gap, const std::string& run_before,
                         const std::string& run_after) {
  if (!gap.is_gap()) return;
  const auto reason = to_string(static_cast<ledger::GapReason>(gap.reason));
  std::string component;
  if (gap.component >= 0) component = of.stream().channels.at(static_cast<std::size_t>(gap.component)).metadata.text("component");
  gap_rows_.add(static_cast<std::int64_t>(of.number()));
  gap_rows_.add(of.stream().station_id());
  gap_rows_.add(component);
  gap_rows_.add(gap.start_ns);
  gap_rows_.add(gap.n_samples);
  gap_rows_.add(reason);
  gap_rows_.add(run_before);
  gap_rows_.add(run_after);
  gap_rows_.add(gap.filled);
  std::string where = gap.filled != 0 ? "filled" : "run=" + run_after;
  if (!component.empty()) where += " channel=" + component;
  logged_gaps_.push_back({of.stream().name, std::move(where), gap});
}

void FileWriter::log_gaps() {
  for (const auto& [stream, where, gap] : std::exchange(logged_gaps_, {})) {
    const auto reason = to_string(static_cast<ledger::GapReason>(gap.reason));
    context_.quiet.say(spdlog::level::warn, fmt::format("gap {} {}", stream, reason),
                       fmt::format("gap stream={} start={} samples={} reason={} {}", stream,
                                   mth5::to_iso(mth5::UtcNanos{mth5::Nanos{gap.start_ns}}), gap.n_samples, reason, where));
  }
}

void FileWriter::log_misfits() {
  for (auto& of : streams_)
    for (const auto& news : of->take_misfits()) {
      const auto& stream = of->stream();
      const auto component = stream.channels.at(news.channel).metadata.text("component");
      const auto reason = ledger::to_string(news.misfit);
      context_.quiet.say(spdlog::level::warn, fmt::format("values {} {} {}", stream.name, component, reason),
                         fmt::format("values of a channel stream={} channel={} n={} first={:.10g} dtype=\"{}\" reason={}: {}",
                                     stream.name, component, news.n, news.first, timing::to_string(news.as), reason,
                                     ledger::misfits()[static_cast<std::size_t>(news.misfit)].meaning));
    }
}

void FileWriter::close() { context_.quiet.say(spdlog::level::info, "file closed", "file closed " + close_file()); }

std::string FileWriter::close_file() {
  append_to_open_runs();
  const auto path = file_->path();
  const auto name = file_->still_there();
  const bool has_its_name = name != mth5::FileName::Renamed && name != mth5::FileName::Deleted;
  timed([&] {
    add_tables();
    write_ledger();
    file_->edit([&](mth5::Edit& edit) {
      for (const auto& of : streams_)
        if (of->run) edit.update_run(of->run->id, of->figures_at_end().metadata(of->stream().time_kind));
      std::set<std::string> done;
      for (const auto& of : streams_) {
        const auto& stream = of->stream();
        if (stream.location_known || !stations_there_.contains(stream.station_id())) continue;
        mth5::Metadata location = sources_[stream.source]->state().location();
        if (location.values().empty() || !done.insert(stream.station_id()).second) continue;
        location.set("id", stream.station_id());
        edit.update_station(config_.survey.text("id"), location);
      }
    });
    file_->close();
  });
  all_durable();
  log_gaps();
  log_misfits();
  for (auto& of : streams_) {
    of->run.reset();
    of->last_run.clear();
  }
  file_.reset();
  unsynced_ = false;
  ++syncs_;
  std::error_code error;
  const auto bytes = has_its_name ? std::filesystem::file_size(path, error) : 0;
  publish();
  if (has_its_name && !error) return fmt::format("file={} bytes={}", path.string(), bytes);
  return fmt::format("was={} {}=yes", path.string(), name == mth5::FileName::Deleted ? "deleted" : "renamed");
}

void FileWriter::remember_unnamed(const std::filesystem::path& hidden) {
  struct stat info {};
  if (lstat(hidden.c_str(), &info) != 0) return;  // without a sample it has gone
  Unnamed unnamed{hidden, info.st_dev, info.st_ino, {}};
  for (const auto& of : streams_) unnamed.waited.push_back({of->number(), of->taken() - of->lost(), of->lost()});
  unnamed_.push_back(std::move(unnamed));
}

void FileWriter::remove_unnamed() {
  std::erase_if(unnamed_, [&](const Unnamed& one) {
    const auto is_lost = [&](const auto& of) { return streams_[of.stream]->lost() > of.lost; };
    const auto is_safe = [&](const auto& of) { return streams_[of.stream]->durable() >= of.durable; };
    if (std::any_of(one.waited.begin(), one.waited.end(), is_lost)) return true;  // it may hold what nothing else does
    if (!std::all_of(one.waited.begin(), one.waited.end(), is_safe)) return false;
    struct stat info {};
    if (lstat(one.path.c_str(), &info) != 0 || info.st_dev != one.device || info.st_ino != one.inode) return true;
    return unlink(one.path.c_str()) == 0;
  });
}

FileWriter::Loss FileWriter::abandon(ledger::Drop why) {
  Loss loss;
  if (file_) loss.file = file_->path().string();
  const auto reason = why == ledger::Drop::FileLost       ? ledger::GapReason::FileLost
                      : why == ledger::Drop::WriteRefused ? ledger::GapReason::WriteRefused
                                                          : ledger::GapReason::WriteFailed;
  for (auto& of : streams_) {
    const bool all = why == ledger::Drop::FileLost;
    if (all && of->stored() > of->begun_stored() && of->first_run_start) {
      of->gaps_before_next_run.push_back({of->first_run_start->time_since_epoch().count(),
                                          static_cast<std::int64_t>(of->stored() - of->begun_stored()),
                                          static_cast<std::int64_t>(reason), 0});
    } else if (of->run) {
      const auto& run = *of->run;
      if (run.durable > 0)
        loss.safe += (loss.safe.empty() ? "" : ", ") + of->stream().station_id() + "/" + run.name + " " +
                     std::to_string(run.durable) + " samples to " + mth5::to_iso(of->utc_of(run, run.durable - 1));
      if (run.n_samples > run.durable) {
        const auto start = of->utc_of(run, run.durable);
        of->gaps_before_next_run.push_back(
            {start.time_since_epoch().count(), run.n_samples - run.durable, static_cast<std::int64_t>(reason), 0});
      }
    }
    loss.samples += all ? of->lose_file(why) : of->lose_unsafe(why);
    of->run.reset();
    of->last_run.clear();
  }
  for (auto& of : sources_) {
    of->lose_unsafe();
    if (why == ledger::Drop::FileLost) of->lose_file();
    if (of->states) of->states->clear();
  }
  for (auto* rows : {&stream_rows_, &gap_rows_, &commit_rows_, &source_rows_, &stream_ledger_rows_, &reason_rows_, &resume_rows_})
    rows->clear();
  logged_gaps_.clear();
  if (context_.events) context_.events->give_back(std::exchange(unsafe_events_, {}));
  if (file_) {
    const auto hidden = file_->hidden_path();
    try {
      file_->close();
    } catch (const std::exception& e) {  // the failure that led here is told
      log_->debug("closing a failed file: {}", e.what());
    }
    file_.reset();
    if (!hidden.empty()) remember_unnamed(hidden);
  }
  unsynced_ = false;
  publish();
  return loss;
}

}  // namespace daq::recorder
