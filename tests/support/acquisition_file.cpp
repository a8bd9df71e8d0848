#include "support/acquisition_file.hpp"

#include <set>

namespace support {

namespace {

using Type = mth5::Column::Type;

mth5::TableSpec table(std::string name, std::vector<mth5::Column> columns) {
  return {std::move(name), std::move(columns), "", 64};
}
mth5::Column whole(std::string name) { return {std::move(name), Type::Int64, 0, ""}; }
mth5::Column real(std::string name) { return {std::move(name), Type::Float64, 0, ""}; }
mth5::Column text(std::string name, std::size_t bytes = 32) { return {std::move(name), Type::Text, bytes, ""}; }

mth5::TableSpec sources() { return table("sources", {whole("source"), text("name"), text("instrument"), text("input", 64)}); }
mth5::TableSpec streams() {
  return table("streams", {whole("stream"), whole("source"), text("name"), text("station"), real("sample_rate")});
}
mth5::TableSpec commits() {
  return table("commits", {whole("sequence"), whole("time"), whole("session"), whole("ring_high_water"), whole("ring_capacity"),
                           whole("flush"), whole("sync"), whole("disk_free"), real("disk_full_in")});
}
mth5::TableSpec source_ledger() {
  return table("source_ledger",
               {whole("sequence"), whole("source"), whole("bytes_in"), whole("bytes_decoded"), whole("bytes_pending"),
                whole("bytes_skipped"), whole("frames"), whole("reconnects"), whole("soh_dropped")});
}
mth5::TableSpec stream_ledger() {
  return table("stream_ledger",
               {whole("sequence"), whole("stream"), whole("samples_decoded"), whole("samples_stored"), whole("samples_buffered"),
                whole("samples_dropped"), whole("samples_recovered"), whole("samples_filled"), whole("values_clipped"),
                whole("values_late"), whole("samples_missing"), whole("gaps"), whole("samples_visible"), whole("samples_durable"),
                whole("samples_at_risk"), whole("at_risk")});
}
mth5::TableSpec reasons() {
  return table("reasons", {whole("sequence"), text("kind", 8), whole("index"), text("reason"), whole("count"), whole("events")});
}
mth5::TableSpec gaps() {
  return table("gaps", {whole("stream"), text("station"), text("component"), whole("start"), whole("samples"), text("reason"),
                        text("run_before"), text("run_after"), whole("filled")});
}
mth5::TableSpec clock_of(const std::string& stream) {
  return table("clock/" + stream, {text("run"), whole("sample"), whole("utc"), text("kind", 8), real("residual"), real("ppm"),
                                   real("uncertainty"), whole("locked")});
}

std::int64_t ns(mth5::UtcNanos time) { return time.time_since_epoch().count(); }

}  // namespace

AcquisitionFile::AcquisitionFile(const std::filesystem::path& path, std::vector<Stream> all)
    : file_{mth5::File::create(path)}, streams_{std::move(all)} {
  mth5::Metadata survey{mth5::Kind::Survey};
  survey.set("id", std::string{"TEST"});
  file_.edit([&](mth5::Edit& edit) {
    edit.add_survey(survey);
    std::set<std::string> stations;
    for (const auto& stream : streams_)
      if (stations.insert(stream.station).second) {
        mth5::Metadata station{mth5::Kind::Station};
        station.set("id", stream.station);
        edit.add_station("TEST", station);
      }
    sources_ = edit.add_table(sources());
    streams_table_ = edit.add_table(streams());
    commits_ = edit.add_table(commits());
    source_ledger_ = edit.add_table(source_ledger());
    stream_ledger_ = edit.add_table(stream_ledger());
    reasons_ = edit.add_table(reasons());
    gaps_ = edit.add_table(gaps());
    for (const auto& stream : streams_) clocks_.push_back(edit.add_table(clock_of(stream.name)));
  });
  file_.start_swmr();
  mth5::Rows names{sources()};
  std::set<std::int64_t> known;
  for (const auto& stream : streams_) {
    if (!known.insert(stream.source).second) continue;
    names.add(stream.source);
    names.add(std::string_view{"box" + std::to_string(stream.source)});
    names.add(std::string_view{"lemi424"});
    names.add(std::string_view{"tcp"});
  }
  file_.append_rows(sources_, names);
  mth5::Rows rows{streams()};
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    rows.add(static_cast<std::int64_t>(i));
    rows.add(streams_[i].source);
    rows.add(std::string_view{streams_[i].name});
    rows.add(std::string_view{streams_[i].station});
    rows.add(streams_[i].rate);
  }
  file_.append_rows(streams_table_, rows);
}

std::size_t AcquisitionFile::add_run(std::size_t stream, const std::string& id, std::chrono::nanoseconds after) {
  file_.edit([&](mth5::Edit& edit) {
    mth5::Metadata run{mth5::Kind::Run};
    run.set("id", id);
    run.set("sample_rate", streams_[stream].rate);
    auto channels = streams_[stream].channels;
    for (const char* component : {"ex", "ey"}) {
      if (!streams_[stream].channels.empty()) break;
      mth5::Metadata channel{mth5::Kind::Electric};
      channel.set("component", std::string{component});
      channel.set("units", std::string{"milliVolt per kilometer"});
      channels.push_back({channel, mth5::SampleType::Float64, 64});
    }
    runs_.push_back(edit.add_run("TEST", streams_[stream].station, run, start() + after, channels));
  });
  return runs_.size() - 1;
}

void AcquisitionFile::append(std::size_t run, std::int64_t n) {
  const auto at = file_.n_samples(runs_[run]);
  std::vector<double> frames;
  for (std::int64_t i = at; i < at + n; ++i) frames.insert(frames.end(), 2, static_cast<double>(i + 1));
  file_.append_interleaved<double>(runs_[run], frames);
}

void AcquisitionFile::commit(std::int64_t session, mth5::UtcNanos time, const std::vector<SourceRow>& of_sources,
                             const std::vector<StreamRow>& of_streams, double disk_full_in) {
  mth5::Rows bytes{source_ledger()};
  for (std::size_t i = 0; i < of_sources.size(); ++i) {
    const auto& row = of_sources[i];
    for (const auto value : {sequence_, static_cast<std::int64_t>(i), row.in, row.decoded, row.pending, row.skipped, row.frames,
                             std::int64_t{0}, std::int64_t{0}})
      bytes.add(value);
  }
  file_.append_rows(source_ledger_, bytes);
  mth5::Rows samples{stream_ledger()};
  for (std::size_t i = 0; i < of_streams.size(); ++i) {
    const auto& row = of_streams[i];
    for (const auto value : {sequence_, static_cast<std::int64_t>(i), row.decoded, row.stored, row.buffered, row.dropped,
                             row.recovered, std::int64_t{0}, row.clipped, std::int64_t{0}, std::int64_t{0}, std::int64_t{0},
                             row.visible, row.visible, row.buffered, std::int64_t{0}})
      samples.add(value);
  }
  file_.append_rows(stream_ledger_, samples);
  mth5::Rows row{commits()};
  for (const auto value : {sequence_, ns(time), session, std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, std::int64_t{0},
                           std::int64_t{1'000'000}})
    row.add(value);
  row.add(disk_full_in);
  file_.append_rows(commits_, row);
  ++sequence_;
}

void AcquisitionFile::reason(std::string_view kind, std::int64_t index, std::string_view why, std::int64_t count) {
  mth5::Rows row{reasons()};
  row.add(sequence_);
  row.add(kind);
  row.add(index);
  row.add(why);
  row.add(count);
  row.add(std::int64_t{1});
  file_.append_rows(reasons_, row);
}

void AcquisitionFile::gap(std::size_t stream, std::string_view component, std::chrono::nanoseconds after, std::int64_t samples,
                          std::string_view why, std::string_view before, std::string_view behind, bool filled) {
  mth5::Rows row{gaps()};
  row.add(static_cast<std::int64_t>(stream));
  row.add(std::string_view{streams_[stream].station});
  row.add(component);
  row.add(ns(start() + after));
  row.add(samples);
  row.add(why);
  row.add(before);
  row.add(behind);
  row.add(std::int64_t{filled});
  file_.append_rows(gaps_, row);
}

void AcquisitionFile::anchor(std::string_view run, std::int64_t sample, mth5::UtcNanos utc, std::string_view kind,
                             double residual, double ppm, bool locked, std::size_t stream) {
  mth5::Rows row{clock_of(streams_[stream].name)};
  row.add(run);
  row.add(sample);
  row.add(ns(utc));
  row.add(kind);
  row.add(residual);
  row.add(ppm);
  row.add(1e-6);
  row.add(std::int64_t{locked});
  file_.append_rows(clocks_[stream], row);
}

}  // namespace support
