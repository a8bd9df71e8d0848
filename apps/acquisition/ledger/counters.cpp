#include "acquisition/ledger/counters.hpp"

#include <algorithm>

namespace daq::ledger {

namespace {

constexpr std::int64_t whole(std::uint64_t n) { return static_cast<std::int64_t>(n); }

constexpr std::array kSourceFigures{
    Figure<SourceRow>{"bytes_in", "bytes", "received", [](const SourceRow& r) { return whole(r.counters.bytes_in); }},
    Figure<SourceRow>{"bytes_decoded", "bytes", "became frames, blank lines and comments included",
                      [](const SourceRow& r) { return whole(r.counters.bytes_decoded); }},
    Figure<SourceRow>{"bytes_pending", "bytes", "the beginning of a frame that is not complete yet",
                      [](const SourceRow& r) { return whole(r.counters.bytes_pending); }},
    Figure<SourceRow>{"bytes_skipped", "bytes", "became nothing; by reason in the table reasons",
                      [](const SourceRow& r) { return whole(sum(r.counters.bytes_skipped)); }},
    Figure<SourceRow>{"frames", "", "decoded", [](const SourceRow& r) { return whole(r.counters.frames); }},
    Figure<SourceRow>{"fields_unknown", "",
                      "fields of frames that hold no value (?, ***, nothing), or lack in a short line: stored as NaN",
                      [](const SourceRow& r) { return whole(r.counters.fields_unknown); }},
    Figure<SourceRow>{
        "frames_unchecked", "",
        "frames that were held against no checksum: of the several that the profile names none was chosen yet, or at all",
        [](const SourceRow& r) { return whole(r.counters.frames_unchecked); }},
    Figure<SourceRow>{"short_lines", "", "frames whose line has another length than the instrument's whole lines (short-line)",
                      [](const SourceRow& r) { return whole(r.counters.short_lines); }},
    Figure<SourceRow>{"reconnects", "", "times the source came back",
                      [](const SourceRow& r) { return whole(r.counters.reconnects); }},
    Figure<SourceRow>{"soh_dropped", "rows", "state of health for which there was no room",
                      [](const SourceRow& r) { return whole(r.counters.soh_dropped); }},
    Figure<SourceRow>{"bytes_sent", "bytes", "commands to the instrument",
                      [](const SourceRow& r) { return whole(r.counters.bytes_sent); }},
    Figure<SourceRow>{"bytes_unsent", "bytes", "of commands: it did not read them, or the connection broke first",
                      [](const SourceRow& r) { return whole(r.counters.bytes_unsent); }},
};

template <Misfit M>
Figure<StreamRow> misfit() {
  constexpr auto i = static_cast<std::size_t>(M);
  const auto& reason = misfits()[i];
  return {reason.name, "", reason.meaning, [](const StreamRow& r) { return whole(r.misfits[i]); }};
}

const std::array kStreamFigures{
    Figure<StreamRow>{"samples_decoded", "samples", "came out of the decoder",
                      [](const StreamRow& r) { return whole(r.counters.decoded); }},
    Figure<StreamRow>{"samples_stored", "samples", "are in the file, without fill",
                      [](const StreamRow& r) { return whole(r.stored); }},
    Figure<StreamRow>{"samples_buffered", "samples", "wait in memory", [](const StreamRow& r) { return whole(r.buffered); }},
    Figure<StreamRow>{"samples_dropped", "samples", "are not stored; by reason in the table reasons",
                      [](const StreamRow& r) { return whole(sum(r.counters.dropped)); }},
    Figure<StreamRow>{"samples_recovered", "samples", "found after a crash beyond what the ledger before it knew",
                      [](const StreamRow& r) { return whole(r.recovered); }},
    Figure<StreamRow>{"samples_filled", "samples", "made up in short gaps",
                      [](const StreamRow& r) { return whole(r.counters.filled); }},
    misfit<Misfit::Clipped>(),
    misfit<Misfit::Rounded>(),
    misfit<Misfit::AsFill>(),
    Figure<StreamRow>{"values_late", "",
                      "of channels that arrive apart, when the others had gone on without them, or twice: not stored",
                      [](const StreamRow& r) { return whole(r.counters.values_late); }},
    Figure<StreamRow>{"samples_missing", "samples",
                      "in all gaps as they were found; what came late into one is in a run of its own",
                      [](const StreamRow& r) { return whole(r.counters.missing); }},
    Figure<StreamRow>{"gaps", "", "", [](const StreamRow& r) { return whole(r.counters.gaps); }},
    Figure<StreamRow>{"samples_visible", "samples", "of those stored: readers can see them",
                      [](const StreamRow& r) { return whole(r.visible); }},
    Figure<StreamRow>{"samples_durable", "samples", "of those stored: survive a power cut",
                      [](const StreamRow& r) { return whole(r.durable); }},
    Figure<StreamRow>{"samples_at_risk", "samples", "received and not durable",
                      [](const StreamRow& r) { return whole(r.at_risk); }},
    Figure<StreamRow>{"at_risk", "microseconds", "for how long the oldest of them has been waiting",
                      [](const StreamRow& r) { return r.at_risk_us; }},
};

}  // namespace

std::span<const Figure<SourceRow>> source_figures() { return kSourceFigures; }
std::span<const Figure<StreamRow>> stream_figures() { return kStreamFigures; }

bool balanced(const SourceRow& row) {
  const auto& c = row.counters;
  return c.bytes_in == c.bytes_decoded + c.bytes_pending + sum(c.bytes_skipped);
}

bool balanced(const StreamRow& row) { return row.counters.decoded == row.stored + row.buffered + sum(row.counters.dropped); }

SourceRow since(const SourceRow& now, const SourceRow& base) {
  SourceRow row = now;
  auto& d = row.counters;
  const auto& b = base.counters;
  d.bytes_in -= b.bytes_in - b.bytes_pending;
  d.bytes_decoded -= b.bytes_decoded;
  d.frames -= b.frames;
  d.fields_unknown -= b.fields_unknown;
  d.frames_unchecked -= b.frames_unchecked;
  d.short_lines -= b.short_lines;
  d.reconnects -= b.reconnects;
  d.soh_dropped -= b.soh_dropped;
  d.bytes_sent -= b.bytes_sent;
  d.bytes_unsent -= b.bytes_unsent;
  for (std::size_t i = 0; i < kInputFaults; ++i) d.input_faults[i] -= b.input_faults[i];
  for (std::size_t i = 0; i < kSkips; ++i) {
    d.bytes_skipped[i] -= b.bytes_skipped[i];
    d.events_skipped[i] -= b.events_skipped[i];
  }
  return row;
}

StreamRow since(const StreamRow& now, const StreamRow& base) {
  StreamRow row = now;
  auto& d = row.counters;
  const auto& b = base.counters;
  d.decoded -= b.decoded - base.buffered;
  d.passed -= b.passed;
  d.filled -= b.filled;
  d.gaps -= b.gaps;
  d.missing -= b.missing;
  d.values_late -= b.values_late;
  for (std::size_t i = 0; i < kDrops; ++i) d.dropped[i] -= b.dropped[i];
  row.stored -= base.stored;
  for (std::size_t i = 0; i < kMisfits; ++i) row.misfits[i] -= base.misfits[i];
  row.visible -= std::min(base.stored, row.visible);
  row.durable -= std::min(base.stored, row.durable);
  return row;
}

}  // namespace daq::ledger
