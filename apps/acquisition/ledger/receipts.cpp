#include "acquisition/ledger/receipts.hpp"

#include <algorithm>

namespace daq::ledger {

void Arrivals::add(std::uint64_t before, Steady::time_point now, std::uint64_t safe) {
  // The last mark at or before the first sample that is not safe still counts; those in front of it do not.
  auto needed = std::partition_point(marks_.begin(), marks_.end(), [&](const Mark& mark) { return mark.before <= safe; });
  if (needed != marks_.begin()) marks_.erase(marks_.begin(), needed - 1);
  if (!marks_.empty() && now < marks_.back().time + every_ && marks_.back().before > safe) return;
  if (marks_.size() < kMost / 4) every_ = kEvery;
  if (marks_.size() == kMost) {  // a disk that stalls for long: every other mark will do
    std::size_t kept = 0;
    for (std::size_t i = 0; i < marks_.size(); i += 2) marks_[kept++] = marks_[i];
    marks_.resize(kept);
    every_ *= 2;
  }
  marks_.push_back({marks_.empty() ? before : std::max(before, marks_.back().before), now});
}

std::optional<Steady::time_point> Arrivals::of_first_after(std::uint64_t safe) const {
  const auto after = std::partition_point(marks_.begin(), marks_.end(), [&](const Mark& mark) { return mark.before <= safe; });
  if (after == marks_.begin()) return std::nullopt;
  return (after - 1)->time;
}

Receipts::Entry& Receipts::entry(Entries& all, std::size_t stream) {
  if (all.size() <= stream) all.resize(stream + 1);
  return all[stream];
}

void Receipts::received(std::size_t stream, std::uint64_t samples, Steady::time_point now) {
  entries_.change([&](Entries& all) {
    Entry& of = entry(all, stream);
    if (samples > of.received) of.arrivals.add(of.received, now, of.settled);
    of.received = samples;
  });
}

void Receipts::settled(std::size_t stream, std::uint64_t samples) {
  entries_.change([&](Entries& all) { entry(all, stream).settled = samples; });
}

std::uint64_t Receipts::received(std::size_t stream) const {
  return entries_.look([&](const Entries& all) { return stream < all.size() ? all[stream].received : 0; });
}

AtRisk Receipts::at_risk(std::size_t stream, Steady::time_point now) const {
  return entries_.look([&](const Entries& all) -> AtRisk {
    if (stream >= all.size()) return {};
    const Entry& of = all[stream];
    if (of.received <= of.settled) return {};
    const auto since = of.arrivals.of_first_after(of.settled);
    return {of.received - of.settled, since ? std::chrono::duration<double>(now - *since).count() : 0};
  });
}

}  // namespace daq::ledger
