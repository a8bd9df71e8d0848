#include "acquisition/recorder/tables.hpp"

namespace daq::recorder {

namespace {

using C = mth5::Column;
constexpr const char* kTime = "nanoseconds since 1970-01-01 UTC";

C whole(std::string name, std::string units = "") { return {std::move(name), C::Type::Int64, 0, std::move(units)}; }
C real(std::string name, std::string units) { return {std::move(name), C::Type::Float64, 0, std::move(units)}; }
C text(std::string name, std::size_t bytes) { return {std::move(name), C::Type::Text, bytes, ""}; }

template <class Row>
void add_figures(mth5::TableSpec& spec, std::span<const ledger::Figure<Row>> figures) {
  for (const auto& figure : figures) spec.columns.push_back(whole(std::string{figure.name}, std::string{figure.unit}));
}

}  // namespace

mth5::TableSpec gap_table() {
  return {"gaps",
          {whole("stream"), text("station", 30), text("component", 20), whole("start", kTime), whole("samples", "samples"),
           text("reason", 20), text("run_before", 20), text("run_after", 20), whole("filled")},
          "samples that are missing: where, how many, why; component: the one channel that lacks them, empty = all",
          64};
}

mth5::TableSpec source_table() {
  return {"sources",
          {whole("source"), text("name", 32), text("instrument", 32), text("input", 128)},
          "where the bytes come from; the index of other tables",
          16};
}

mth5::TableSpec stream_table() {
  return {"streams",
          {whole("stream"), whole("source"), text("name", 64), text("station", 30), real("sample_rate", "hertz")},
          "what becomes runs; the index of other tables",
          16};
}

mth5::TableSpec clip_limit_table() {
  return {"clip_limits",
          {whole("stream"), text("component", 20), text("units", 60), real("low", "units of the row"),
           real("high", "units of the row")},
          "the least and the most that a channel can show",
          16};
}

mth5::TableSpec sensor_noise_table() {
  return {"sensor_noise",
          {whole("stream"), text("component", 20), text("units", 60), real("frequency", "hertz"),
           real("asd", "units of the row per root of hertz")},
          "the noise of a channel's sensor: amplitude spectral density, by frequency",
          16};
}

mth5::TableSpec soh_table(const config::Source& source) {
  mth5::TableSpec spec{"state_of_health/" + source.name,
                       {whole("time", kTime)},
                       "what the instrument says of itself: a row when something changed, and one each minute",
                       256};
  for (const auto& quantity : source.instrument.soh) spec.columns.push_back(real(quantity.name, quantity.units));
  return spec;
}

mth5::TableSpec clock_table(const std::string& stream) {
  return {"clock/" + stream,
          {text("run", 20), whole("sample", "index in the run"), whole("utc", kTime), text("kind", 8),
           real("residual", "seconds"), real("ppm", "1e-6"), real("uncertainty", "seconds"), whole("locked")},
          "anchors: when a sample of a run was taken; between two of them by a straight line",
          128};
}

mth5::TableSpec commit_table() {
  return {"commits",
          {whole("sequence"), whole("time", kTime), whole("session"), whole("ring_high_water", "words of 8 bytes"),
           whole("ring_capacity", "words of 8 bytes"), whole("flush", "microseconds"), whole("sync", "microseconds"),
           whole("disk_free", "bytes"), real("disk_full_in", "seconds")},
          "one row per durable commit",
          128};
}

mth5::TableSpec source_ledger_table() {
  mth5::TableSpec spec{
      "source_ledger", {whole("sequence"), whole("source")}, "where every byte went, since the session began in this file", 128};
  add_figures(spec, ledger::source_figures());
  return spec;
}

mth5::TableSpec stream_ledger_table() {
  mth5::TableSpec spec{"stream_ledger",
                       {whole("sequence"), whole("stream")},
                       "where every sample went, since the session began in this file",
                       128};
  add_figures(spec, ledger::stream_figures());
  return spec;
}

mth5::TableSpec resume_table() {
  return {"resume",
          {whole("stream"), text("token", ledger::kLongestToken), whole("time", kTime)},
          "where the source of a stream can go on; the newest row of a stream holds",
          64};
}

mth5::TableSpec log_table() {
  return {
      "log", {whole("time", kTime), text("level", 8), text("text", 496)}, "what the recorder said, as in the system's log", 64};
}

mth5::TableSpec reason_table() {
  return {"reasons",
          {whole("sequence"), text("kind", 8), whole("index"), text("reason", 20), whole("count"), whole("events")},
          "skipped bytes and input faults of sources, dropped samples of streams, by reason: the newest row of a session holds",
          64};
}

}  // namespace daq::recorder
