#include "acquisition/ledger/counters.hpp"

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
    Figure<SourceRow>{"reconnects", "", "times the source came back",
                      [](const SourceRow& r) { return whole(r.counters.reconnects); }},
    Figure<SourceRow>{"soh_dropped", "rows", "state of health for which there was no room",
                      [](const SourceRow& r) { return whole(r.counters.soh_dropped); }},
};

constexpr std::array kStreamFigures{
    Figure<StreamRow>{"samples_decoded", "samples", "came out of the decoder",
                      [](const StreamRow& r) { return whole(r.counters.decoded); }},
    Figure<StreamRow>{"samples_stored", "samples", "are in the file, without fill", [](const StreamRow& r) { return whole(r.stored); }},
    Figure<StreamRow>{"samples_buffered", "samples", "wait in memory", [](const StreamRow& r) { return whole(r.buffered); }},
    Figure<StreamRow>{"samples_dropped", "samples", "are not stored; by reason in the table reasons",
                      [](const StreamRow& r) { return whole(sum(r.counters.dropped)); }},
    Figure<StreamRow>{"samples_recovered", "samples", "found after a crash beyond what the ledger before it knew",
                      [](const StreamRow& r) { return whole(r.recovered); }},
    Figure<StreamRow>{"samples_filled", "samples", "made up in short gaps", [](const StreamRow& r) { return whole(r.counters.filled); }},
    Figure<StreamRow>{"samples_missing", "samples", "in all gaps", [](const StreamRow& r) { return whole(r.counters.missing); }},
    Figure<StreamRow>{"gaps", "", "", [](const StreamRow& r) { return whole(r.counters.gaps); }},
    Figure<StreamRow>{"samples_visible", "samples", "of those stored: readers can see them",
                      [](const StreamRow& r) { return whole(r.visible); }},
    Figure<StreamRow>{"samples_durable", "samples", "of those stored: survive a power cut",
                      [](const StreamRow& r) { return whole(r.durable); }},
    Figure<StreamRow>{"samples_at_risk", "samples", "received and not durable", [](const StreamRow& r) { return whole(r.at_risk); }},
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

bool balanced(const StreamRow& row) {
  return row.counters.decoded == row.stored + row.buffered + sum(row.counters.dropped);
}

SourceCounters since(const SourceCounters& now, const SourceCounters& base) {
  SourceCounters d = now;
  d.bytes_in -= base.bytes_in - base.bytes_pending;
  d.bytes_decoded -= base.bytes_decoded;
  d.frames -= base.frames;
  d.reconnects -= base.reconnects;
  d.soh_dropped -= base.soh_dropped;
  for (std::size_t i = 0; i < kSkips; ++i) {
    d.bytes_skipped[i] -= base.bytes_skipped[i];
    d.events_skipped[i] -= base.events_skipped[i];
  }
  return d;
}

StreamCounters since(const StreamCounters& now, const StreamCounters& base) {
  StreamCounters d = now;
  d.decoded -= base.decoded - base.pending;
  d.passed -= base.passed;
  d.filled -= base.filled;
  d.gaps -= base.gaps;
  d.missing -= base.missing;
  for (std::size_t i = 0; i < kDrops; ++i) d.dropped[i] -= base.dropped[i];
  return d;
}

}  // namespace daq::ledger
