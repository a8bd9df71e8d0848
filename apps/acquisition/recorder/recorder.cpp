#include "acquisition/recorder/recorder.hpp"

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "acquisition/recorder/output.hpp"
#include "acquisition/recorder/tables.hpp"

namespace daq::recorder {

namespace {

constexpr std::size_t kMostBatched = 65536;  // samples per channel; a larger flush.samples is appended in pieces, flushed once

}  // namespace

Recorder::Recorder(const config::Config& config, ring::Ring& ring, status::Board& board, std::shared_ptr<spdlog::logger> log,
                   std::function<void(const std::filesystem::path&)> on_file)
    : config_{config}, ring_{ring}, board_{board}, log_{std::move(log)}, on_file_{std::move(on_file)}, last_sync_{Steady::now()} {
  for (const auto& source : config_.sources) {
    Source entry{.run = {},
                 .run_name = {},
                 .batch = {},
                 .totals = {},
                 .base = {},
                 .synced = {},
                 .gaps = {},
                 .state = StationState{source.instrument},
                 .soh_table = {},
                 .soh_rows = {}};
    entry.batch.resize(source.instrument.channels.size() * batch_capacity());
    if (!source.instrument.soh.empty()) entry.soh_rows.emplace(soh_table(source));
    sources_.push_back(std::move(entry));
  }
  ledger_rows_.emplace(ledger_table());
  gap_rows_.emplace(gap_table());
}

Recorder::~Recorder() = default;

std::size_t Recorder::batch_capacity() const { return std::min(static_cast<std::size_t>(config_.flush_samples), kMostBatched); }

void Recorder::begin_new_file() {
  new_file_wanted_.store(true);
  ring_.wake();
}

template <class Call>
std::chrono::nanoseconds Recorder::timed(Call&& call) {
  const auto began = Steady::now();
  board_.writer([&](auto& w) { w.call_began = began; });
  call();
  board_.writer([](auto& w) { w.call_began = {}; });
  return Steady::now() - began;
}

void Recorder::run() {
  ring::Header header{};
  std::vector<std::uint64_t> payload;
  for (;;) {
    while (ring_.pop(header, payload)) take(header, payload);
    ring_.drained();
    const auto now = Steady::now();
    if (first_unflushed_ && now >= *first_unflushed_ + config_.flush_interval) flush();
    if (unsynced_ && now >= last_sync_ + config_.sync_interval) sync();
    if (new_file_wanted_.exchange(false) && file_) close_file();
    if (ring_.closed_and_empty()) break;
    ring_.wait_until(next_deadline());
  }
  if (file_) close_file();
}

Recorder::Steady::time_point Recorder::next_deadline() const {
  auto deadline = Steady::now() + std::chrono::hours{1};
  if (first_unflushed_) deadline = std::min(deadline, *first_unflushed_ + config_.flush_interval);
  if (unsynced_) deadline = std::min(deadline, last_sync_ + config_.sync_interval);
  return deadline;
}

void Recorder::take(ring::Header header, const std::vector<std::uint64_t>& payload) {
  Source& source = sources_.at(header.source);
  switch (header.kind) {
    case ring::Kind::Samples:
      take_samples(header.source, payload, header.flag);
      break;
    case ring::Kind::Gap: {
      const auto note = ring::take<ring::GapNote>(payload);
      source.gaps.push_back(note);
      if (note.filled != 0) source.fill_expected += static_cast<std::uint64_t>(note.n_samples);
      break;
    }
    case ring::Kind::StateOfHealth: {
      const std::size_t n = config_.sources[header.source].instrument.soh.size();
      std::vector<double> values(n);
      for (std::size_t at = 0; at + n < payload.size(); at += n + 1) {
        source.soh_rows->add(std::bit_cast<std::int64_t>(payload[at]));
        for (std::size_t i = 0; i < n; ++i) {
          values[i] = std::bit_cast<double>(payload[at + 1 + i]);
          source.soh_rows->add(values[i]);
        }
        source.state.add(values);
      }
      break;
    }
    case ring::Kind::Counters:
      source.totals = {ring::take<ring::CountersNote>(payload), source.stored};
      if (file_ && !(source.totals.note == source.synced)) unsynced_ = true;
      break;
  }
}

void Recorder::take_samples(std::size_t index, const std::vector<std::uint64_t>& payload, bool new_run) {
  Source& source = sources_[index];
  const auto head = ring::take<ring::SamplesHead>(payload);
  const std::size_t n_channels = config_.sources[index].instrument.channels.size();
  const auto n = static_cast<std::size_t>(head.n_samples);
  const mth5::UtcNanos start{mth5::Nanos{head.start_ns}};

  if (!file_) open_file(index, start);
  if (new_run || !source.run) open_run(index, start);
  write_gaps(index, source.run_name, source.run_name);
  source.state.samples_taken();

  const std::uint64_t fill = std::min<std::uint64_t>(source.fill_expected, n);
  source.fill_expected -= fill;
  source.stored += n - fill;
  const std::size_t capacity = batch_capacity();
  const std::uint64_t* word = payload.data() + sizeof head / sizeof *word;
  for (std::size_t done = 0; done < n;) {
    const std::size_t count = std::min(n - done, capacity - source.batched);
    for (std::size_t i = 0; i < count; ++i)  // from sample after sample to channel after channel
      for (std::size_t c = 0; c < n_channels; ++c)
        source.batch[c * capacity + source.batched + i] = std::bit_cast<double>(*word++);
    done += count;
    source.batched += count;
    unflushed_ += count;
    if (!first_unflushed_) first_unflushed_ = Steady::now();
    if (unflushed_ >= static_cast<std::size_t>(config_.flush_samples)) {
      flush();
      if (Steady::now() >= last_sync_ + config_.sync_interval) sync();
    } else if (source.batched == capacity) {
      append_batches();
    }
  }
}

void Recorder::open_file(std::size_t index, mth5::UtcNanos start) {
  const auto& first = config_.sources[index];
  const std::string survey = config_.survey.text("id");
  check_directory(config_.output);
  const config::PatternValues values{survey, first.station.text("id"), start, first.instrument.sample_rate, 1};
  const auto path = next_file(config_.output, values);
  if (const auto wanted = config_.output.directory / config::expand(config_.output.file_name, values).text; path != wanted)
    log_->warn("file name taken file={} instead={}", wanted.string(), path.string());
  timed([&] {
    file_ = std::make_unique<mth5::File>(
        mth5::File::create(path, {config_.output.file_version, "mth5d", {}, config_.output.allow_network}));
    const mth5::TableSpec source_spec = source_table();
    mth5::TableId source_id;
    file_->edit([&](mth5::Edit& edit) {
      edit.add_survey(config_.survey);
      source_id = edit.add_table(source_spec);
      ledger_table_ = edit.add_table(ledger_table());
      gap_table_ = edit.add_table(gap_table());
      std::set<std::string> stations;
      for (std::size_t i = 0; i < sources_.size(); ++i) {
        const auto& source = config_.sources[i];
        auto& state = sources_[i];
        if (state.soh_rows) state.soh_table = edit.add_table(soh_table(source));
        state.runs = 0;
        state.base = state.totals;
        if (!stations.insert(source.station.text("id")).second) continue;
        mth5::Metadata station = source.station;
        if (!source.location_known) station.merge(state.state.location());
        if (const auto* type = source.instrument.run.find("data_type"); type != nullptr && station.find("data_type") == nullptr)
          station.set("data_type", *type);
        edit.add_station(survey, station);
      }
    });
    mth5::Rows rows{source_spec};
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const auto& source = config_.sources[i];
      rows.add(static_cast<std::int64_t>(i));
      rows.add(source.name);
      rows.add(source.instrument.name);
      rows.add(source.station.text("id"));
      rows.add(config::to_string(source.input));
    }
    file_->append_rows(source_id, rows);
  });
  ++files_;
  commits_ = 0;
  announced_ = false;
}

void Recorder::open_run(std::size_t index, mth5::UtcNanos start) {
  Source& source = sources_[index];
  const auto& config = config_.sources[index];
  append_batches();
  const std::string before = source.run_name;

  // Numbers go on over all sources of a station and rate, so that two loggers of one station never claim the same name.
  config::PatternValues values{config_.survey.text("id"), config.station.text("id"), start, config.instrument.sample_rate, 1};
  for (std::size_t i = 0; i < sources_.size(); ++i)
    if (config_.sources[i].station.text("id") == values.station && config_.sources[i].run_id == config.run_id &&
        config_.sources[i].instrument.sample_rate == values.sample_rate)
      values.index += sources_[i].runs;
  source.run_name = config::expand(config.run_id, values).text;

  mth5::Metadata run = config.instrument.run;
  run.set("id", source.run_name);
  run.set("sample_rate", config.instrument.sample_rate);
  std::vector<mth5::ChannelSpec> channels;
  for (const auto& channel : config.instrument.channels) channels.push_back({channel.metadata, channel.type, config_.chunk});
  timed([&] {
    file_->edit([&](mth5::Edit& edit) {
      if (source.run) {
        edit.update_run(*source.run, source.state.run_figures());
        edit.finish_run(*source.run);
      }
      source.run = edit.add_run(values.survey, values.station, run, start, channels);
    });
    file_->start_swmr();
  });
  source.state.begin_run();
  ++source.runs;
  log_->info("run begun run={} source={} start={} file={}", source.run_name, config.name, mth5::to_iso(start),
             file_->path().string());
  write_gaps(index, before, source.run_name);
  publish();
  if (!std::exchange(announced_, true) && on_file_) on_file_(file_->path());
}

void Recorder::write_gaps(std::size_t index, const std::string& run_before, const std::string& run_after) {
  Source& source = sources_[index];
  const auto& config = config_.sources[index];
  for (const auto& gap : source.gaps) {
    const auto reason = to_string(static_cast<timing::GapReason>(gap.reason));
    gap_rows_->add(static_cast<std::int64_t>(index));
    gap_rows_->add(config.station.text("id"));
    gap_rows_->add(gap.start_ns);
    gap_rows_->add(gap.n_samples);
    gap_rows_->add(reason);
    gap_rows_->add(run_before);
    gap_rows_->add(run_after);
    gap_rows_->add(gap.filled);
    log_->warn("gap source={} start={} samples={} reason={} {}", config.name,
               mth5::to_iso(mth5::UtcNanos{mth5::Nanos{gap.start_ns}}), gap.n_samples, reason,
               gap.filled != 0 ? "filled" : "run=" + run_after);
    board_.writer([](auto& w) { ++w.gaps; });
  }
  source.gaps.clear();
}

void Recorder::append_batches() {
  if (!file_) return;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    Source& source = sources_[i];
    if (source.batched == 0) continue;
    const std::size_t n_channels = config_.sources[i].instrument.channels.size();
    timed([&] {
      file_->append(*source.run, mth5::Matrix<const double>{source.batch.data(), n_channels, source.batched, batch_capacity()});
    });
    source.batched = 0;
  }
}

void Recorder::flush() {
  if (file_) {
    const auto took = timed([&] {
      append_batches();
      for (auto& source : sources_) {
        if (!source.soh_rows) continue;
        file_->append_rows(source.soh_table, *source.soh_rows);
        source.soh_rows->clear();
      }
      file_->append_rows(gap_table_, *gap_rows_);
      gap_rows_->clear();
      file_->flush();
    });
    last_flush_us_ = took.count() / 1000;
    board_.writer([&](auto& w) { w.flush.add(took); });
    unsynced_ = true;
  }
  unflushed_ = 0;
  first_unflushed_.reset();
  publish();
}

void Recorder::sync() {
  last_sync_ = Steady::now();
  if (!file_) return;
  flush();
  const auto took = timed([&] {
    write_ledger();
    file_->sync();
  });
  last_sync_us_ = took.count() / 1000;
  last_sync_ = Steady::now();
  unsynced_ = false;
  for (auto& source : sources_) {
    source.durable = source.stored;
    source.synced = source.totals.note;
  }
  board_.writer([&](auto& w) {
    w.sync.add(took);
    w.last_durable = last_sync_;
  });
  publish();
}

void Recorder::write_ledger() {
  CommitFigures commit;
  commit.sequence = ++commits_;
  commit.time = mth5::host_now();
  commit.ring_high_water_words = static_cast<std::int64_t>(ring_.high_water_words());
  commit.ring_capacity_words = static_cast<std::int64_t>(ring_.capacity_words());
  commit.flush_us = last_flush_us_;
  commit.sync_us = last_sync_us_;
  commit.disk_free_bytes = free_bytes(config_.output.directory);
  for (std::size_t i = 0; i < sources_.size(); ++i)
    add_row(*ledger_rows_, static_cast<std::int64_t>(i), since(sources_[i].totals, sources_[i].base), commit);
  file_->append_rows(ledger_table_, *ledger_rows_);
  ledger_rows_->clear();
}

void Recorder::close_file() {
  for (std::size_t i = 0; i < sources_.size(); ++i) write_gaps(i, sources_[i].run_name, "");
  flush();
  const auto path = file_->path();
  timed([&] {
    write_ledger();
    file_->edit([&](mth5::Edit& edit) {
      const std::string survey = config_.survey.text("id");
      for (std::size_t i = 0; i < sources_.size(); ++i) {
        const auto& config = config_.sources[i];
        auto& source = sources_[i];
        if (source.run) edit.update_run(*source.run, source.state.run_figures());
        mth5::Metadata location = source.state.location();
        if (config.location_known || location.values().empty()) continue;
        location.set("id", config.station.text("id"));
        edit.update_station(survey, location);
      }
    });
    file_->close();
  });
  for (auto& source : sources_) {
    source.run.reset();
    source.run_name.clear();
    source.durable = source.stored;
  }
  file_.reset();
  unsynced_ = false;
  log_->info("file closed file={} bytes={}", path.string(), std::filesystem::file_size(path));
  publish();
}

void Recorder::publish() {
  board_.writer([&](auto& w) {
    w.files = files_;
    w.file = file_ ? file_->path().string() : "";
    w.run.clear();
    w.channels.clear();
    w.writers.resize(sources_.size());
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const auto& source = sources_[i];
      const auto totals = since(source.totals, source.base);
      w.writers[i] = {totals, source.stored, source.durable, balanced(totals)};
      if (!source.run || !file_) continue;
      w.run = source.run_name;
      const auto& config = config_.sources[i];
      const std::int64_t visible = file_->n_samples(*source.run);
      const auto not_durable = static_cast<std::int64_t>(source.stored - source.durable - source.batched);
      for (const auto& channel : config.instrument.channels)
        w.channels.push_back({config.station.text("id"), source.run_name, channel.metadata.text("component"), i,
                              visible + static_cast<std::int64_t>(source.batched), visible,
                              std::max<std::int64_t>(0, visible - not_durable), config.instrument.sample_rate});
    }
  });
}

}  // namespace daq::recorder
