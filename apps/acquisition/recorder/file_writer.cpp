#include "acquisition/recorder/file_writer.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "acquisition/recorder/tables.hpp"

namespace daq::recorder {

namespace {

constexpr std::size_t kMostBatched = 65536;  // samples per channel; a larger flush.samples is appended in pieces, flushed once

}  // namespace

FileWriter::FileWriter(const config::Config& config, const ring::Ring& ring, status::Board& board, const Disk& disk,
                       std::shared_ptr<spdlog::logger> log, std::function<void(const std::filesystem::path&)> on_file)
    : config_{config},
      ring_{ring},
      board_{board},
      disk_{disk},
      log_{std::move(log)},
      on_file_{std::move(on_file)},
      ledger_rows_{ledger_table()},
      gap_rows_{gap_table()},
      last_sync_{Steady::now()} {
  for (const auto& source : config_.sources) {
    Source entry{.run = {},
                 .run_name = {},
                 .batch = {},
                 .note = {},
                 .synced = {},
                 .begun = {},
                 .gaps = {},
                 .state = StationState{source.instrument},
                 .soh_table = {},
                 .soh_rows = {}};
    entry.batch.resize(source.instrument.channels.size() * batch_capacity());
    if (!source.instrument.soh.empty()) entry.soh_rows.emplace(soh_table(source));
    sources_.push_back(std::move(entry));
  }
}

FileWriter::~FileWriter() = default;

std::size_t FileWriter::batch_capacity() const { return std::min(static_cast<std::size_t>(config_.flush_samples), kMostBatched); }

std::chrono::nanoseconds FileWriter::timed(const std::function<void()>& call) {
  struct UnderWay {  // also where the call throws
    explicit UnderWay(status::Board& board_) : board{board_} {
      board.writer([this](auto& w) { w.call_began = began; });
    }
    ~UnderWay() {
      board.writer([](auto& w) { w.call_began = {}; });
    }
    status::Board& board;
    Steady::time_point began = Steady::now();
  };
  const UnderWay under_way{board_};
  call();
  return Steady::now() - under_way.began;
}

void FileWriter::prepare(const ring::Header& header, const std::vector<std::uint64_t>& payload) {
  if (header.kind != ring::Kind::Samples) return;
  const mth5::UtcNanos start{mth5::Nanos{ring::take<ring::SamplesHead>(payload).start_ns}};
  if (!file_) open_file(header.source, start);
  if (header.flag || !sources_[header.source].run) open_run(header.source, start);
}

void FileWriter::take(const ring::Header& header, const std::vector<std::uint64_t>& payload) {
  Source& source = sources_.at(header.source);
  switch (header.kind) {
    case ring::Kind::Samples:
      take_samples(header.source, payload);
      break;
    case ring::Kind::Gap: {
      const auto note = ring::take<ring::GapNote>(payload);
      source.gaps.push_back(note);
      if (note.filled != 0) source.fill_expected += static_cast<std::uint64_t>(note.n_samples);
      break;
    }
    case ring::Kind::StateOfHealth:
      take_state_of_health(header.source, payload);
      break;
    case ring::Kind::Counters:
      source.note = ring::take<ring::CountersNote>(payload);
      source.counted = source.stored + source.lost;
      if (file_ && !(totals(source).note == source.synced.note)) unsynced_ = true;
      break;
  }
}

void FileWriter::take_state_of_health(std::size_t index, const std::vector<std::uint64_t>& payload) {
  Source& source = sources_[index];
  const std::size_t n = config_.sources[index].instrument.soh.size();
  std::vector<double> values(n);
  for (std::size_t at = 0; at + n < payload.size(); at += n + 1) {
    source.soh_rows->add(std::bit_cast<std::int64_t>(payload[at]));
    for (std::size_t i = 0; i < n; ++i) {
      values[i] = std::bit_cast<double>(payload[at + 1 + i]);
      source.soh_rows->add(values[i]);
    }
    source.state.add(values);
    ++source.soh_taken;
  }
}

void FileWriter::take_samples(std::size_t index, const std::vector<std::uint64_t>& payload) {
  Source& source = sources_[index];
  const std::size_t n_channels = config_.sources[index].instrument.channels.size();
  source.in_hand = static_cast<std::size_t>(ring::take<ring::SamplesHead>(payload).n_samples);
  source.in_hand_fill = static_cast<std::size_t>(std::min<std::uint64_t>(source.fill_expected, source.in_hand));
  source.fill_expected -= source.in_hand_fill;
  add_gap_rows(index, source.run_name, source.run_name);  // those in front of open_run() are in the file already
  gaps_written(index, source.run_name);
  source.state.samples_taken();

  const std::size_t capacity = batch_capacity();
  const std::uint64_t* word = payload.data() + sizeof(ring::SamplesHead) / sizeof *word;
  while (source.in_hand > 0) {
    const std::size_t count = std::min(source.in_hand, capacity - source.batched);
    for (std::size_t i = 0; i < count; ++i)  // from sample after sample to channel after channel
      for (std::size_t c = 0; c < n_channels; ++c)
        source.batch[c * capacity + source.batched + i] = std::bit_cast<double>(*word++);
    const std::size_t fill = std::min(source.in_hand_fill, count);  // in front
    source.in_hand -= count;
    source.in_hand_fill -= fill;
    source.stored += count - fill;
    source.run_samples += static_cast<std::int64_t>(count);
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

void FileWriter::keep_pace(Steady::time_point now) {
  if (first_unflushed_ && now >= *first_unflushed_ + config_.flush_interval) flush();
  if (unsynced_ && now >= last_sync_ + config_.sync_interval) sync();
}

Steady::time_point FileWriter::next_deadline() const {
  auto deadline = Steady::time_point::max();
  if (first_unflushed_) deadline = std::min(deadline, *first_unflushed_ + config_.flush_interval);
  if (unsynced_) deadline = std::min(deadline, last_sync_ + config_.sync_interval);
  return deadline;
}

void FileWriter::append_batches() {
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

void FileWriter::append_tables() {
  for (auto& source : sources_) {
    if (!source.soh_rows) continue;
    file_->append_rows(source.soh_table, *source.soh_rows);
    source.soh_rows->clear();
  }
  file_->append_rows(gap_table_, gap_rows_);
  gap_rows_.clear();
}

void FileWriter::flush() {
  if (file_) {
    std::uint64_t waiting = 0;
    for (std::size_t i = 0; i < sources_.size(); ++i)
      board_.source(i, [&](const auto& entry) {
        const std::uint64_t taken = sources_[i].stored + sources_[i].lost;
        waiting += entry.received() > taken ? entry.received() - taken : 0;
      });
    const auto took = timed([&] {
      append_batches();
      append_tables();
      file_->set_buffered(static_cast<std::int64_t>(waiting));
      file_->flush();
    });
    last_flush_us_ = took.count() / 1000;
    board_.writer([&](auto& w) { w.flush.add(took); });
    for (auto& source : sources_) {
      source.visible = source.stored;
      source.run_visible = source.run_samples;
    }
    unsynced_ = true;
  }
  unflushed_ = 0;
  first_unflushed_.reset();
  publish();
}

void FileWriter::sync() {
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
  ++syncs_;
  all_durable();
  board_.writer([&](auto& w) { w.sync.add(took); });
  publish();
}

void FileWriter::all_durable() {
  for (auto& source : sources_) {
    source.durable = source.visible = source.stored;
    source.run_durable = source.run_visible = source.run_samples;
    source.soh_durable = source.soh_taken;
    source.synced = totals(source);
  }
}

LedgerTotals FileWriter::totals(const Source& source) const {
  // What was taken since the last Counters record had been decoded too.
  const std::uint64_t more = source.stored + source.lost - source.counted;
  LedgerTotals totals{source.note, source.stored};
  totals.note.samples.samples_in += more;
  totals.note.samples.stored += more;
  totals.note.samples.dropped[static_cast<std::size_t>(timing::Drop::WriteFailed)] = source.lost;
  totals.note.soh_dropped += source.soh_lost;
  return totals;
}

void FileWriter::write_ledger() {
  CommitFigures commit;
  commit.sequence = ++commits_;
  commit.time = mth5::host_now();
  commit.ring_high_water_words = static_cast<std::int64_t>(ring_.high_water_words());
  commit.ring_capacity_words = static_cast<std::int64_t>(ring_.capacity_words());
  commit.flush_us = last_flush_us_;
  commit.sync_us = last_sync_us_;
  commit.disk_free_bytes = disk_.free_bytes();
  commit.disk_full_in_s = disk_.full_in_s().value_or(std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const auto& source = sources_[i];
    const auto at_risk = board_.at_risk(i);
    const std::uint64_t begun = source.begun.stored;
    add_row(ledger_rows_, static_cast<std::int64_t>(i), since(totals(source), source.begun),
            {session_, source.stored - begun, std::max(source.durable, begun) - begun, at_risk.samples,
             static_cast<std::int64_t>(at_risk.seconds * 1e6)},
            commit);
  }
  file_->append_rows(ledger_table_, ledger_rows_);
  ledger_rows_.clear();
}

void FileWriter::publish() {
  board_.writer([&](auto& w) {
    w.files = files_;
    w.file = file_ ? file_->path().string() : "";
    w.run.clear();
    w.channels.clear();
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const auto& source = sources_[i];
      const auto ledger = since(totals(source), source.begun);
      w.writers[i] = {ledger, source.visible, source.durable, source.lost, balanced(ledger)};
      if (!source.run || !file_) continue;
      w.run = source.run_name;
      const auto& config = config_.sources[i];
      for (const auto& channel : config.instrument.channels)
        w.channels.push_back({config.station.text("id"), source.run_name, channel.metadata.text("component"), i,
                              source.run_samples, source.run_visible, source.run_durable, config.instrument.sample_rate});
    }
  });
}

}  // namespace daq::recorder
