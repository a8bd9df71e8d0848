#include "acquisition/recorder/survey_filters.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include "acquisition/config/map_reader.hpp"

namespace daq::recorder {

namespace {

/// Of what a filter holds, for its name.
std::string mark_of(const mth5::Filter& filter) {
  std::string text{mth5::to_string(filter.kind())};
  for (const auto& [name, value] : filter.metadata.values()) text += fmt::format("{}={}\n", name, config::to_string(value));
  for (const auto& one : filter.poles) text += fmt::format("pole {},{}\n", one.real(), one.imag());
  for (const auto& one : filter.zeros) text += fmt::format("zero {},{}\n", one.real(), one.imag());
  for (const auto& row : filter.responses) text += fmt::format("{},{},{}\n", row.frequency, row.amplitude, row.phase);
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

void rename(config::ChannelProfile& channel, std::size_t index, const std::string& name) {
  channel.filters[index].filter.metadata.set("name", name);
  auto applied = mth5::applied_filters(channel.metadata);
  applied.at(index).name = name;
  channel.metadata.set("filters", mth5::to_text(applied));
}

}  // namespace

void SurveyFilters::add(mth5::Edit& edit, const std::string& survey, config::ChannelProfile& channel) {
  for (std::size_t i = 0; i < channel.filters.size(); ++i) {
    auto filter = channel.filters[i].filter;
    const auto ours = ours_.find(filter.name());
    if (ours != ours_.end() && ours->second == filter) continue;
    if (ours != ours_.end() || edit.has_filter(survey, filter.name())) {
      rename(channel, i, filter.name() + "_" + mark_of(filter));
      filter = channel.filters[i].filter;
    }
    if (!edit.has_filter(survey, filter.name())) edit.add_filter(survey, filter);
    ours_.insert_or_assign(filter.name(), filter);
  }
}

}  // namespace daq::recorder
