#include <algorithm>
#include <cmath>

#include "file/file_impl.hpp"
#include "mth5/time.hpp"

/// Runs that are opened again, samples that come channel by channel, and flushing by itself.
namespace mth5 {

namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

RunId FileImpl::open_run(std::string_view survey_id, std::string_view station_id, std::string_view run_id) {
  require_writable("open_run");
  if (!datasets_open_) throw StateError{path_.string() + ": open_run: not inside edit(); call it before or after"};
  Station& station = stations_[station_index(survey_id, station_id)];
  const auto named = station.run_index.find(std::string{run_id});
  if (named == station.run_index.end())
    throw StateError{path_.string() + ": there is no run '" + std::string{run_id} + "' in station '" + std::string{station_id} +
                     "'; add_run() first"};
  Run& found = runs_[named->second];
  if (!found.finished) return {named->second};
  if (found.unseen) guarded([&] { look_at_unseen(found); });
  if (!found.cannot_grow.empty())
    throw StateError{path_.string() + ": " + found.path + " cannot be appended to: " + found.cannot_grow};
  guarded([&] { open_run_datasets(found); });
  found.finished = false;
  growing_.push_back(named->second);
  station.touched = true;
  return {named->second};
}

const std::vector<std::string>& FileImpl::components(RunId id) const { return known_run(id).components; }

void FileImpl::check_append(RunId id, std::size_t n_channels, std::size_t n_samples, std::size_t stride, const void* data,
                            std::optional<UtcNanos> first) const {
  require_writable("append");
  require_outside_edit("append");
  const Run& target = known_run(id);
  if (target.finished) throw StateError{target.path + ": the run is finished; add_run() begins a new one"};
  check_fit(target, n_channels, first);
  check_matrix(target.path, n_channels, n_samples, stride, data);
}

void FileImpl::check_matrix(const std::string& run, std::size_t n_channels, std::size_t n_samples, std::size_t stride,
                            const void* data) {
  constexpr std::size_t kMost = std::size_t{1} << 40;  // elements: far from where sizes in bytes overflow
  if (n_samples == 0) return;
  if (n_channels > 1 && stride < n_samples)
    throw StateError{run + ": append of " + std::to_string(n_samples) + " samples a channel that are " + std::to_string(stride) +
                     " apart: the channels overlap"};
  if (data == nullptr)
    throw StateError{run + ": append of " + std::to_string(n_samples) + " samples a channel without data: the pointer is null"};
  if (n_samples > kMost / n_channels || stride > kMost / n_channels)
    throw StateError{run + ": append of " + std::to_string(n_samples) + " samples a channel: there cannot be so many"};
}

void FileImpl::check_fit(const Run& run, std::size_t n_channels, std::optional<UtcNanos> first) const {
  if (n_channels != run.components.size())
    throw StateError{run.path + ": append of " + std::to_string(n_channels) + " channels to a run of " +
                     std::to_string(run.components.size())};
  const bool single = std::any_of(run.waiting.begin(), run.waiting.end(), [](const auto& w) { return !w.empty(); });
  if (single && !appending_waiting_)
    throw StateError{run.path +
                     ": append of all channels while samples of single channels wait for the others; append those first"};
  if (!first) return;
  const UtcNanos expected = sample_time(run.start, run.sample_rate, run.n_samples);
  const double off = samples_between(expected, *first, run.sample_rate);
  if (std::abs(off) < 0.5) return;
  throw StateError{run.path + ": append at " + to_iso(*first) + ", " + std::to_string(std::llround(std::abs(off))) + " samples " +
                   (off > 0 ? "after" : "before") + " the next one of this run (" + to_iso(expected) + "); " +
                   (off > 0 ? "a gap begins a new run: add_run()" : "those are in the file already")};
}

std::int64_t FileImpl::n_waiting(RunId id, std::size_t channel) const {
  const Run& target = known_run(id);
  if (channel >= target.components.size())
    throw StateError{target.path + ": there is no channel " + std::to_string(channel) + " in a run of " +
                     std::to_string(target.components.size())};
  return channel < target.waiting.size() ? static_cast<std::int64_t>(target.waiting[channel].size()) : 0;
}

std::vector<double>& FileImpl::waiting(RunId id, std::size_t channel) {
  require_writable("append");
  require_outside_edit("append");
  Run& target = run(id);
  if (channel >= target.components.size())
    throw StateError{target.path + ": there is no channel " + std::to_string(channel) + " in a run of " +
                     std::to_string(target.components.size())};
  target.waiting.resize(target.components.size());
  return target.waiting[channel];
}

void FileImpl::append_waiting(RunId id) {
  Run& target = run(id);
  std::size_t common = target.waiting.front().size();
  for (const auto& channel : target.waiting) common = std::min(common, channel.size());
  if (common == 0) return;
  double* const all = scratch<double>(target.waiting.size() * common);
  for (std::size_t c = 0; c < target.waiting.size(); ++c) std::copy_n(target.waiting[c].begin(), common, all + c * common);
  const bool has_data = std::any_of(all, all + target.waiting.size() * common, [](double v) { return v != 0; });
  const SampleBlock block{.memory_type = H5T_NATIVE_DOUBLE,
                          .element_bytes = sizeof(double),
                          .values = {reinterpret_cast<const char*>(all), target.waiting.size(), common, common},
                          .has_data = has_data};
  appending_waiting_ = true;
  try {
    append(id, block, {});
  } catch (...) {
    appending_waiting_ = false;
    throw;
  }
  appending_waiting_ = false;
  for (auto& channel : target.waiting) channel.erase(channel.begin(), channel.begin() + static_cast<std::ptrdiff_t>(common));
}

std::string FileImpl::waiting_text() const {
  for (const auto& run : runs_)
    for (std::size_t c = 0; c < run.waiting.size(); ++c)
      if (!run.waiting[c].empty())
        return path_.string() + ": closed, but without the last " + std::to_string(run.waiting[c].size()) + " samples of " +
               run.path + "/" + run.components[c] + ", for which other channels of the run had none";
  return "";
}

void FileImpl::mark_dirty(std::int64_t samples) {
  dirty_ = true;
  unflushed_ += samples;
  if (policy_.interval.count() > 0 && !first_unflushed_) first_unflushed_ = steady_now();
}

bool FileImpl::flush_is_due() const {
  if (!dirty_) return false;
  if (policy_.samples > 0 && unflushed_ >= policy_.samples) return true;
  return first_unflushed_ && policy_.interval.count() > 0 && steady_now() - *first_unflushed_ >= policy_.interval;
}

bool FileImpl::flush_if_due() {
  const bool due = flush_is_due();
  if (due) flush();
  return due;
}

void FileImpl::set_flush_policy(const FlushPolicy& policy) {
  if (policy.samples < 0 || policy.interval.count() < 0)
    throw StateError{path_.string() + ": flush policy of " + std::to_string(policy.samples) + " samples, " +
                     std::to_string(policy.interval.count()) + " ns: neither may be below 0, and 0 is none"};
  policy_ = policy;
}

void FileImpl::set_buffered(std::int64_t samples) {
  if (samples < 0)
    throw StateError{path_.string() + ": " + std::to_string(samples) + " buffered samples: a count is not below 0"};
  buffered_ = samples;
}

}  // namespace mth5
