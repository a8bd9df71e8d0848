#include "acquisition/recorder/file_writer.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include "acquisition/recorder/run_channels.hpp"
#include "acquisition/recorder/tables.hpp"
#include "mth5/time.hpp"

namespace daq::recorder {

namespace {

// From one commit to the next for the sake of flush.samples, each of which may have to wait for the disk.
constexpr auto kLeastPause = std::chrono::milliseconds{100};
// Lines of the log in one file: 2 MB. A calm day has 50.
constexpr std::size_t kMostLines = 4000;

}  // namespace

FileWriter::FileWriter(const Context& context, Disk& disk)
    : context_{context},
      config_{context.config},
      disk_{disk},
      log_{context.log},
      stream_rows_{stream_table()},
      gap_rows_{gap_table()},
      commit_rows_{commit_table()},
      source_rows_{source_ledger_table()},
      stream_ledger_rows_{stream_ledger_table()},
      reason_rows_{reason_table()},
      resume_rows_{resume_table()},
      last_sync_{mth5::steady_now()} {
  for (const auto& source : config_.sources) sources_.push_back(std::make_unique<SourceWriter>(source));
}

FileWriter::~FileWriter() = default;

StreamWriter& FileWriter::stream(std::size_t number) {
  while (streams_.size() <= number) {
    const auto next = static_cast<std::uint16_t>(streams_.size());
    const auto& stream = context_.streams.at(next);
    streams_.push_back(std::make_unique<StreamWriter>(stream, next, sources_.at(stream.source)->state()));
    for (const auto& position : positions_)
      if (position.stream == next) streams_.back()->go_on_at(position);
    if (described_anew_) describe(*streams_.back());
  }
  return *streams_[number];
}

void FileWriter::describe_anew() {
  described_anew_ = true;
  for (auto& of : streams_) describe(*of);
}

void FileWriter::describe(StreamWriter& of) {
  for (const auto& stream : stream::declared(config_, of.stream().source))
    if (stream.name == of.stream().name) of.describe(stream);
}

std::chrono::nanoseconds FileWriter::timed(const std::function<void()>& call) {
  struct UnderWay {  // also where the call throws
    explicit UnderWay(Published& published_) : published{published_} {
      published.change([this](State& state) { state.call_began = began; });
    }
    ~UnderWay() {
      published.change([](State& state) { state.call_began = {}; });
    }
    Published& published;
    Steady::time_point began = mth5::steady_now();
  };
  const UnderWay under_way{context_.published};
  call();
  return mth5::steady_now() - under_way.began;
}

void FileWriter::take(const ring::Header& header, const std::vector<std::uint64_t>& payload) {
  thread_.check();
  // All that readers see waits for the next flush; what comes behind its samples must not wait for the next ones.
  const auto waits = [this] {
    if (!first_unseen_) first_unseen_ = mth5::steady_now();
  };
  switch (header.kind) {
    case ring::Kind::Samples:
      take_samples(header, payload);
      waits();
      break;
    case ring::Kind::Gap:
      stream(header.of).take_gap(ring::take<ring::GapNote>(payload));
      waits();
      break;
    case ring::Kind::Anchor:
      stream(header.of).take_anchor(ring::take<ring::AnchorNote>(payload));
      waits();
      break;
    case ring::Kind::Token:
      stream(header.of).take_token(std::string{ring::take<ring::TokenNote>(payload).view()});
      break;
    case ring::Kind::StreamCounters: {
      auto& of = stream(header.of);
      of.take_counters(ring::take<ledger::StreamCounters>(payload));
      if (file_ && !(of.row().counters == of.synced().counters)) unsynced_ = true;
      break;
    }
    case ring::Kind::SourceCounters: {
      auto& of = *sources_.at(header.of);
      of.take_counters(ring::take<ledger::SourceCounters>(payload));
      if (file_ && !(of.row().counters == of.synced().counters)) unsynced_ = true;
      break;
    }
    case ring::Kind::StateOfHealth:
      sources_.at(header.of)->take_states(payload);
      waits();
      break;
  }
}

void FileWriter::take_samples(const ring::Header& header, const std::vector<std::uint64_t>& payload) {
  auto& of = stream(header.of);
  of.take_samples(header.flag, payload, told_lengths(of.stream().channels, sources_[of.stream().source]->newest()));
}

bool FileWriter::has_waiting() const {
  return std::any_of(streams_.begin(), streams_.end(), [](const auto& s) { return s->waiting() > 0; });
}

void FileWriter::keep_pace(Steady::time_point now) {
  thread_.check();
  if (now >= flush_due() || (held_until_ && now >= *held_until_))
    flush();
  else if (std::any_of(streams_.begin(), streams_.end(), [](const auto& of) { return of->is_full(); }))
    put();
  if (needs_sync() && now >= last_sync_ + config_.sync_interval) sync();
}

Steady::time_point FileWriter::flush_due() const {
  if (!first_unseen_) return Steady::time_point::max();
  const auto due = *first_unseen_ + config_.flush_interval;
  const bool enough =
      std::any_of(streams_.begin(), streams_.end(), [&](const auto& of) { return of->unseen() >= config_.flush_samples; });
  return enough ? std::min(due, last_flush_ + std::min<Steady::duration>(config_.flush_interval, kLeastPause)) : due;
}

Steady::time_point FileWriter::next_deadline() const {
  const auto due = std::min(flush_due(), held_until_.value_or(Steady::time_point::max()));
  return needs_sync() ? std::min(due, last_sync_ + config_.sync_interval) : due;
}

bool FileWriter::needs_sync() const { return unsynced_ || (announced_ && context_.events && context_.events->has_some()); }

bool FileWriter::is_cut() const {
  return std::any_of(streams_.begin(), streams_.end(), [](const auto& of) { return of->is_cut(); });
}

bool FileWriter::is_too_large() const {
  const auto most = config_.output.roll_size;
  return most > 0 && !last_file_ && announced_ && mth5::steady_now() >= roll_again_ &&
         file_->file_bytes() >= static_cast<std::uintmax_t>(most);
}

void FileWriter::put() {
  while (has_waiting()) {
    if (!file_) open_file();
    find_mark();
    if (is_too_large() && roll(is_cut())) continue;
    append_to_open_runs();
    auto runs = plan_runs();
    // Where nothing else keeps it from being put there, this file has all the runs that it may have.
    const bool at_mark = std::all_of(streams_.begin(), streams_.end(),
                                     [](const auto& of) { return of->pieces().empty() || of->pieces().front().in_next_file; });
    if (!runs.empty())
      begin_runs(runs);
    else if (has_waiting() && !roll(at_mark))
      break;
  }
}

void FileWriter::flush() {
  thread_.check();
  put();
  first_unseen_.reset();
  if (file_) {
    std::uint64_t waiting = 0;
    for (const auto& of : streams_) {
      const auto received = context_.receipts.received(of->number());
      waiting += received > of->taken() ? received - of->taken() : 0;
    }
    const auto took = timed([&] {
      add_tables();
      file_->set_buffered(static_cast<std::int64_t>(waiting));
      file_->flush();
    });
    log_gaps();
    log_misfits();
    last_flush_us_ = took.count() / 1000;
    context_.published.change([&](State& state) { state.flush.add(took); });
    for (auto& of : streams_) of->all_visible();
    unsynced_ = true;
  }
  last_flush_ = mth5::steady_now();
  publish();
}

void FileWriter::append_to_open_runs() {
  for (auto& of : streams_) {
    if (!of->goes_on()) continue;
    const auto group = of->group(0);
    for (std::size_t i = 0; i < group.pieces; ++i) add_gap(*of, of->pieces()[i].gap, of->run->name, of->run->name);
    const auto utc_of = [&](std::int64_t i) { return of->utc_of(*of->run, of->run->n_samples + i); };
    for (const auto& gap : of->unknown_in(group, utc_of)) add_gap(*of, gap, of->run->name, of->run->name);
    timed([&] { file_->append(of->run->id, of->samples(group)); });
    of->stored(group, *of->run);
  }
}

void FileWriter::add_tables() {
  for (auto& of : sources_) {
    if (!of->states || of->states->size() == 0) continue;
    file_->append_rows(*of->state_table, *of->states);
    of->unsafe_states += of->states->size();
    of->states->clear();
  }
  for (auto& of : streams_) {
    const auto& run = of->run ? of->run->name : of->last_run;
    for (const auto& gap : std::exchange(of->trailing_gaps(), {})) add_gap(*of, gap, run, gap.component < 0 ? "" : run);
  }
  add_anchors();
  file_->append_rows(gap_table_, gap_rows_);
  gap_rows_.clear();
}

void FileWriter::add_anchors() {
  for (auto& of : streams_) {
    const auto anchors = of->take_anchors();
    if (anchors.empty() || !of->clock_table) continue;
    mth5::Rows rows{clock_table(of->stream().name)};
    for (const auto& [run, sample, note] : anchors) {
      rows.add(run);
      rows.add(sample);
      rows.add(note.utc_ns);
      rows.add(decode::to_string(static_cast<decode::TimeKind>(note.kind)));
      rows.add(note.residual_s);
      rows.add(note.ppm);
      rows.add(std::isfinite(note.uncertainty_s) ? note.uncertainty_s : std::numeric_limits<double>::quiet_NaN());
      rows.add(note.locked);
    }
    file_->append_rows(*of->clock_table, rows);
  }
}

void FileWriter::sync() {
  last_sync_ = mth5::steady_now();
  if (!file_) return;
  flush();
  const auto took = timed([&] {
    write_ledger();
    file_->sync();
  });
  last_sync_us_ = took.count() / 1000;
  last_sync_ = mth5::steady_now();
  unsynced_ = false;
  ++syncs_;
  all_durable();
  context_.published.change([&](State& state) { state.sync.add(took); });
  publish();
}

void FileWriter::all_durable() {
  unsafe_events_.clear();
  for (auto& of : streams_) of->all_durable();
  remove_unnamed();
  for (auto& of : sources_) of->note_synced();
  settle();
  if (!on_durable_) return;
  std::vector<ledger::Durable> news;
  for (auto& of : streams_)
    if (auto position = of->take_durable()) news.push_back(std::move(*position));
  if (!news.empty()) on_durable_(news);
}

void FileWriter::settle() {
  for (const auto& of : streams_) context_.receipts.settled(of->number(), of->durable() + of->lost());
}

void FileWriter::write_ledger() {
  const std::int64_t sequence = ++commits_;
  commit_rows_.add(sequence);
  commit_rows_.add(mth5::host_now().time_since_epoch().count());
  commit_rows_.add(session_);
  commit_rows_.add(static_cast<std::int64_t>(context_.ring.high_water_words()));
  commit_rows_.add(static_cast<std::int64_t>(context_.ring.capacity_words()));
  commit_rows_.add(last_flush_us_);
  commit_rows_.add(last_sync_us_);
  commit_rows_.add(disk_.free_bytes());
  commit_rows_.add(disk_.full_in_s().value_or(std::numeric_limits<double>::quiet_NaN()));
  const auto add_reasons = [&](std::string_view kind, std::int64_t index, auto names, const auto& counts, const auto* events,
                               auto& told) {
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] == told[i]) continue;
      told[i] = counts[i];
      reason_rows_.add(sequence);
      reason_rows_.add(kind);
      reason_rows_.add(index);
      reason_rows_.add(names[i].name);
      reason_rows_.add(static_cast<std::int64_t>(counts[i]));
      reason_rows_.add(static_cast<std::int64_t>(events == nullptr ? 0 : (*events)[i]));
    }
  };
  const std::array<std::uint64_t, ledger::kDrops>* none = nullptr;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const auto row = sources_[i]->row_of_file();
    source_rows_.add(sequence);
    source_rows_.add(static_cast<std::int64_t>(i));
    for (const auto& figure : ledger::source_figures()) source_rows_.add(figure.get(row));
    add_reasons("skipped", static_cast<std::int64_t>(i), ledger::skip_reasons(), row.counters.bytes_skipped,
                &row.counters.events_skipped, sources_[i]->told_skipped);
    add_reasons("input", static_cast<std::int64_t>(i), ledger::input_faults(), row.counters.input_faults, none,
                sources_[i]->told_faults);
  }
  for (auto& of : streams_) {
    auto row = of->row_of_file();
    const auto at_risk = context_.receipts.at_risk(of->number());
    row.at_risk = at_risk.samples;
    row.at_risk_us = at_risk.microseconds();
    stream_ledger_rows_.add(sequence);
    stream_ledger_rows_.add(static_cast<std::int64_t>(of->number()));
    for (const auto& figure : ledger::stream_figures()) stream_ledger_rows_.add(figure.get(row));
    if (of->token() != of->told_token) {
      of->told_token = of->token();
      resume_rows_.add(static_cast<std::int64_t>(of->number()));
      resume_rows_.add(of->told_token);
      resume_rows_.add(of->last_time().value_or(mth5::UtcNanos{}).time_since_epoch().count());
    }
    add_reasons("dropped", of->number(), ledger::drop_reasons(), row.counters.dropped, none, of->told_dropped);
  }
  const auto put = [&](mth5::TableId table, mth5::Rows& rows) {
    file_->append_rows(table, rows);
    rows.clear();
  };
  put(commit_table_, commit_rows_);
  put(source_table_, source_rows_);
  put(stream_ledger_table_, stream_ledger_rows_);
  put(reason_table_, reason_rows_);
  put(resume_table_, resume_rows_);
  write_log();
}

void FileWriter::write_log() {
  if (!context_.events || !context_.events->has_some()) return;
  auto lines = context_.events->take();
  mth5::Rows rows{log_table()};
  for (const auto& line : lines) {
    if (logged_lines_ > kMostLines) break;
    rows.add(line.time.time_since_epoch().count());
    const bool last = logged_lines_++ == kMostLines;
    rows.add(last ? "warning" : line.level);
    rows.add(last ? "what was said from here on is in the system's log alone" : line.text);
  }
  file_->append_rows(log_table_, rows);
  unsafe_events_.insert(unsafe_events_.end(), std::move_iterator{lines.begin()}, std::move_iterator{lines.end()});
}

void FileWriter::publish() {
  context_.published.change([&](State& state) {
    state.files = files_;
    state.runs = static_cast<std::int64_t>(runs_there_.size());
    state.file = file_ ? file_->path().string() : "";
    state.run.clear();
    state.channels.clear();
    state.streams.clear();
    state.sources.clear();
    for (const auto& of : sources_) {
      const auto row = of->row_of_file();
      state.sources.push_back({row, balanced(row)});
    }
    for (const auto& of : streams_) {
      const auto row = of->row_of_file();
      state.streams.push_back({row, of->visible(), of->durable(), of->lost(), of->row().counters.dropped, balanced(row)});
      if (!of->run || !file_) continue;
      state.run = of->run->name;
      for (const auto& channel : of->stream().channels)
        state.channels.push_back({of->stream().station_id(), of->run->name, channel.metadata.text("component"), of->number(),
                                  of->run->n_samples, of->run->visible, of->run->durable, of->stream().sample_rate});
    }
  });
  settle();
}

std::uint64_t FileWriter::discard(const ring::Header& header, const std::vector<std::uint64_t>& payload, ledger::Drop why) {
  if (header.kind == ring::Kind::Samples) return stream(header.of).discard_samples(header.flag, payload, why);
  take(header, payload);
  return 0;
}

std::uint64_t FileWriter::discard_waiting(ledger::Drop why) {
  std::uint64_t n = 0;
  for (auto& of : streams_) n += of->discard_batch(why);
  first_unseen_.reset();
  return n;
}

}  // namespace daq::recorder
