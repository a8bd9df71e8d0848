#include "acquisition/recorder/source_writer.hpp"

#include <bit>
#include <cmath>

#include "acquisition/recorder/tables.hpp"

namespace daq::recorder {

namespace {

constexpr std::int64_t kLongestSilence = 60'000'000'000;  // ns between two rows of state of health

}  // namespace

SourceWriter::SourceWriter(const config::Source& source) : source_{source}, state_{source.instrument} {
  if (!source.instrument.soh.empty()) states.emplace(soh_table(source));
}

bool SourceWriter::is_news(std::int64_t time_ns, const std::vector<double>& values) const {
  if (!kept_ns_ || time_ns < *kept_ns_ || time_ns - *kept_ns_ >= kLongestSilence) return true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i]) != std::isnan(kept_[i])) return true;
    const double change = std::abs(values[i] - kept_[i]);
    if (change > 0 && change >= source_.instrument.soh[i].change) return true;
  }
  return false;
}

void SourceWriter::take_states(const std::vector<std::uint64_t>& payload) {
  const std::size_t n = source_.instrument.soh.size();
  std::vector<double> values(n);
  for (std::size_t at = 0; at + n < payload.size(); at += n + 1) {
    const auto time_ns = std::bit_cast<std::int64_t>(payload[at]);
    for (std::size_t i = 0; i < n; ++i) values[i] = std::bit_cast<double>(payload[at + 1 + i]);
    state_.add(mth5::UtcNanos{mth5::Nanos{time_ns}}, values);
    newest_ns_ = time_ns;
    newest_ = values;
    if (is_news(time_ns, values)) keep(time_ns, values);
  }
}

void SourceWriter::keep(std::int64_t time_ns, const std::vector<double>& values) {
  kept_ns_ = time_ns;
  kept_ = values;
  states->add(time_ns);
  for (const double value : values) states->add(value);
}

void SourceWriter::state_for_file(mth5::UtcNanos start) {
  kept_ns_.reset();  // what comes next is in it in any case
  if (!states || states->size() > 0 || !newest_ns_) return;
  const double ago_s = mth5::samples_between(mth5::UtcNanos{mth5::Nanos{*newest_ns_}}, start, 1);
  if (std::abs(ago_s) * 1e9 <= static_cast<double>(kLongestSilence)) keep(*newest_ns_, newest_);
}

}  // namespace daq::recorder
