#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "acquisition/recorder/file_writer.hpp"
#include "acquisition/recorder/output.hpp"
#include "acquisition/recorder/tables.hpp"

/// How files and runs of a FileWriter begin and end.
namespace daq::recorder {

bool FileWriter::open_again() {
  const auto resume = std::exchange(resume_, std::nullopt).value();
  try {
    timed([&] {
      file_ = std::make_unique<mth5::File>(
          mth5::File::open(resume.path, "r+", {false, {.allow_network = config_.output.allow_network}}));
      file_->edit([&](mth5::Edit& edit) {
        ledger_table_ = edit.add_table(ledger_table());
        gap_table_ = edit.add_table(gap_table());
        for (std::size_t i = 0; i < sources_.size(); ++i)
          if (sources_[i].soh_rows) sources_[i].soh_table = edit.add_table(soh_table(config_.sources[i]));
      });
    });
  } catch (const mth5::FileError&) {
    throw;
  } catch (const mth5::Error& e) {  // other columns than ours, changed since we looked
    log_->warn("not going on in file={}: {}; a new one begins", resume.path.string(), e.what());
    file_.reset();
    return false;
  }
  session_ = resume.session;
  runs_there_.clear();
  for (const auto& run : resume.runs) runs_there_.insert(run.station + "/" + run.id);
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    auto& source = sources_[i];
    source.runs = 0;
    source.begun = source.synced;
    if (const auto* last = resume.last_run(config_.sources[i])) {
      source.run_name = last->id;
      source.expected = last->next;
    }
  }
  log_->info("going on in file={} runs={} session={}", resume.path.string(), resume.runs.size(), session_);
  return true;
}

void FileWriter::open_file(std::size_t index, mth5::UtcNanos start) {
  commits_ = 0;
  announced_ = false;
  if (resume_ && open_again()) return;
  session_ = 0;
  runs_there_.clear();
  const auto& first = config_.sources[index];
  const std::string survey = config_.survey.text("id");
  check_directory(config_.output);
  const config::PatternValues values{survey, first.station.text("id"), start, first.instrument.sample_rate, 1};
  const auto path = next_file(config_.output, values);
  if (const auto wanted = config_.output.directory / config::expand(config_.output.file_name, values).text; path != wanted)
    log_->warn("file name taken file={} instead={}", wanted.string(), path.string());
  timed([&] {
    mth5::CreateOptions options{config_.output.file_version, "mth5d", {}, config_.output.allow_network};
    std::uint64_t channels = 0;
    for (const auto& source : config_.sources) channels += source.instrument.channels.size();
    options.journal_bytes *= 1 + channels / 300;  // what the default is good for
    file_ = std::make_unique<mth5::File>(mth5::File::create(path, options));
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
        state.begun = state.synced;
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
}

std::string FileWriter::next_run_name(std::size_t index, mth5::UtcNanos start) const {
  const auto& config = config_.sources[index];
  // Numbers go on over all sources of a station and rate, so that two loggers of one station never claim the same name.
  config::PatternValues values{config_.survey.text("id"), config.station.text("id"), start, config.instrument.sample_rate, 1};
  for (std::size_t i = 0; i < sources_.size(); ++i)
    if (config_.sources[i].station.text("id") == values.station && config_.sources[i].run_id == config.run_id &&
        config_.sources[i].instrument.sample_rate == values.sample_rate)
      values.index += sources_[i].runs;
  std::string name = config::expand(config.run_id, values).text;
  while (runs_there_.contains(values.station + "/" + name)) {
    ++values.index;
    name = config::expand(config.run_id, values).text;
  }
  return name;
}

void FileWriter::open_run(std::size_t index, mth5::UtcNanos start) {
  Source& source = sources_[index];
  const auto& config = config_.sources[index];
  const std::string survey = config_.survey.text("id");
  const std::string station = config.station.text("id");
  const std::string name = next_run_name(index, start);
  if (const auto expected = std::exchange(source.expected, std::nullopt)) {
    const auto missing = std::llround(mth5::samples_between(*expected, start, config.instrument.sample_rate));
    if (missing > 0) {
      source.gaps.insert(source.gaps.begin(), {expected->time_since_epoch().count(), missing,
                                               static_cast<std::int64_t>(timing::GapReason::WriterDied), 0});
      board_.writer([](auto& w) { ++w.own_gaps; });
    }
  }
  mth5::Metadata run = config.instrument.run;
  run.set("id", name);
  run.set("sample_rate", config.instrument.sample_rate);
  std::vector<mth5::ChannelSpec> channels;
  for (const auto& channel : config.instrument.channels) channels.push_back({channel.metadata, channel.type, config_.chunk});

  // A change of a live file is a durable commit: what belongs to it goes before, so that it is in it.
  const bool live = file_->is_swmr_mode();
  timed([&] {
    append_batches();
    add_gap_rows(index, source.run_name, name);
    append_tables();
    if (live) write_ledger();
    std::optional<mth5::RunId> id;
    file_->edit([&](mth5::Edit& edit) {
      if (source.run) {
        edit.update_run(*source.run, source.state.run_figures());
        edit.finish_run(*source.run);
      }
      id = edit.add_run(survey, station, run, start, channels);
    });
    file_->start_swmr();
    source.run = id;
  });
  if (live) all_durable();
  gaps_written(index, name);
  source.run_name = name;
  source.run_start = start;
  source.run_samples = source.run_visible = source.run_durable = 0;
  source.state.begin_run();
  ++source.runs;
  log_->info("run begun run={} source={} start={} file={}", name, config.name, mth5::to_iso(start), file_->path().string());
  if (!std::exchange(announced_, true)) {
    ++files_;
    if (on_file_) on_file_(file_->path());
  }
  publish();
}

void FileWriter::add_gap_rows(std::size_t index, const std::string& run_before, const std::string& run_after) {
  for (const auto& gap : sources_[index].gaps) {
    gap_rows_.add(static_cast<std::int64_t>(index));
    gap_rows_.add(config_.sources[index].station.text("id"));
    gap_rows_.add(gap.start_ns);
    gap_rows_.add(gap.n_samples);
    gap_rows_.add(to_string(static_cast<timing::GapReason>(gap.reason)));
    gap_rows_.add(run_before);
    gap_rows_.add(run_after);
    gap_rows_.add(gap.filled);
  }
}

void FileWriter::gaps_written(std::size_t index, const std::string& run_after) {
  Source& source = sources_[index];
  for (const auto& gap : source.gaps)
    log_->warn("gap source={} start={} samples={} reason={} {}", config_.sources[index].name,
               mth5::to_iso(mth5::UtcNanos{mth5::Nanos{gap.start_ns}}), gap.n_samples,
               to_string(static_cast<timing::GapReason>(gap.reason)), gap.filled != 0 ? "filled" : "run=" + run_after);
  source.gaps.clear();
}

void FileWriter::close() {
  for (std::size_t i = 0; i < sources_.size(); ++i) add_gap_rows(i, sources_[i].run_name, "");
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
  all_durable();
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    gaps_written(i, "");
    sources_[i].run.reset();
    sources_[i].run_name.clear();
  }
  file_.reset();
  unsynced_ = false;
  ++syncs_;
  std::error_code error;
  log_->info("file closed file={} bytes={}", path.string(), std::filesystem::file_size(path, error));
  publish();
}

FileWriter::Loss FileWriter::abandon() {
  Loss loss;
  if (file_) loss.file = file_->path().string();
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    Source& source = sources_[i];
    const auto& config = config_.sources[i];
    const double rate = config.instrument.sample_rate;
    if (source.run) {
      const auto missing = source.run_samples + static_cast<std::int64_t>(source.in_hand) - source.run_durable;
      if (source.run_durable > 0)
        loss.safe += (loss.safe.empty() ? "" : ", ") + config.station.text("id") + "/" + source.run_name + " " +
                     std::to_string(source.run_durable) + " samples to " +
                     mth5::to_iso(mth5::sample_time(source.run_start, rate, source.run_durable - 1));
      if (missing > 0) {
        const auto start = mth5::sample_time(source.run_start, rate, source.run_durable);
        source.gaps.insert(source.gaps.begin(), {start.time_since_epoch().count(), missing,
                                                 static_cast<std::int64_t>(timing::GapReason::WriteFailed), 0});
        board_.writer([](auto& w) { ++w.own_gaps; });
      }
    }
    const std::uint64_t lost = source.stored - source.durable + source.in_hand - source.in_hand_fill;
    loss.samples += lost;
    source.lost += lost;
    source.stored = source.visible = source.durable;
    source.soh_lost += source.soh_taken - source.soh_durable;
    source.soh_durable = source.soh_taken;
    source.batched = source.in_hand = source.in_hand_fill = 0;
    source.run.reset();
    if (source.soh_rows) source.soh_rows->clear();
  }
  gap_rows_.clear();
  ledger_rows_.clear();
  if (file_) {
    try {
      file_->close();
    } catch (const mth5::Error& e) {  // the failure that led here is told
      log_->debug("closing a failed file: {}", e.what());
    }
    file_.reset();
  }
  unsynced_ = false;
  unflushed_ = 0;
  first_unflushed_.reset();
  publish();
  return loss;
}

std::uint64_t FileWriter::discard(const ring::Header& header, const std::vector<std::uint64_t>& payload) {
  Source& source = sources_.at(header.source);
  if (header.kind != ring::Kind::Samples) {
    take(header, payload);
    return 0;
  }
  const auto n = static_cast<std::uint64_t>(ring::take<ring::SamplesHead>(payload).n_samples);
  const auto fill = std::min(source.fill_expected, n);
  source.fill_expected -= fill;
  source.lost += n - fill;
  return n - fill;
}

}  // namespace daq::recorder
