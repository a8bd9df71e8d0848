#include "analysis/spectra/cross_spectra.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include <kissfft/kissfft.hh>

#include "analysis/block.hpp"
#include "analysis/measures/state.hpp"
#include "analysis/spectra/tenth.hpp"
#include "mth5/error.hpp"

namespace analysis {

namespace {

using Complex = std::complex<double>;

constexpr int kVersion = 1;            ///< of what is saved
constexpr std::int64_t kLeast = 16;    ///< segments, for a coherence
constexpr double kIndependent = 0.94;  ///< of so many segments that overlap by half, as measured on noise

std::vector<double> hann(std::size_t n) {
  std::vector<double> window(n);
  for (std::size_t i = 0; i < n; ++i)
    window[i] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n));
  return window;
}

/// What a length of segment needs, made once for each thread.
struct Plan {
  explicit Plan(std::size_t n) : window{hann(n)}, fft{n / 2, false} {
    for (const double weight : window) power += weight * weight;
  }
  std::vector<double> window;
  double power = 0;
  kissfft<double> fft;
};
const Plan& plan_of(std::size_t segment) {
  thread_local std::map<std::size_t, Plan> plans;
  return plans.try_emplace(segment, segment).first->second;
}

std::int64_t next_multiple(std::int64_t number, std::int64_t of) {
  const std::int64_t rest = number % of;
  return rest == 0 ? number : number - rest + (rest > 0 ? of : 0);
}

}  // namespace

CrossSpectra::CrossSpectra(std::size_t channels, std::size_t segment, std::size_t stages)
    : channels_{channels}, segment_{segment}, stages_(stages) {
  if (channels == 0 || stages == 0 || segment < 16 || segment % 2 != 0)
    throw mth5::StateError{"spectra: a segment of " + std::to_string(segment) + " samples, " + std::to_string(channels) +
                           " channels, " + std::to_string(stages) + " stages: must be even and at least 16, 1, 1"};
  const std::size_t pairs = channels * (channels + 1) / 2;
  for (auto& stage : stages_) {
    stage.sums.assign(pairs, std::vector<Complex>(segment / 2 + 1));
    stage.counts.assign(pairs, 0);
  }
}

std::size_t CrossSpectra::pair(std::size_t a, std::size_t b) const { return b * (b + 1) / 2 + a; }  // a <= b

std::size_t CrossSpectra::context() const {
  return stages_.size() > 1 ? std::max(segment_, static_cast<std::size_t>(2 * kReach + 1)) : segment_;
}

double CrossSpectra::rate(std::size_t stage) const { return rate_ / std::pow(10.0, static_cast<double>(stage)); }

std::pair<double, double> CrossSpectra::band(std::size_t stage) const {
  const double low = stage + 1 < stages_.size() ? kPassed * rate(stage + 1) : 2 * step(stage);
  return {low, stage == 0 ? rate_ / 2 : kPassed * rate(stage)};
}

void CrossSpectra::add(const Frames& frames) {
  if (frames.channels.size() != channels_)
    throw mth5::StateError{"spectra: frames of " + std::to_string(frames.channels.size()) + " channels for " +
                           std::to_string(channels_)};
  const std::size_t n = frames.channels.front().size();
  if (n == 0) return;
  std::vector<double> interleaved(n * channels_);
  for (std::size_t c = 0; c < channels_; ++c)
    for (std::size_t i = 0; i < n; ++i) interleaved[i * channels_ + c] = frames.channels[c][i];
  auto& full = stages_.front();
  // The number since 1970 of the first sample; from then on they are counted, as a clock that drifts adds no sample.
  const auto since_1970 = [&] { return std::llround(mth5::samples_between(mth5::UtcNanos{}, frames.start, frames.rate)); };
  const bool joined = full.any && frames.rate == rate_ && goes_on(end_, frames.start, rate_);
  if (!full.any) start_ = frames.start;
  rate_ = frames.rate;
  end_ = mth5::sample_time(frames.start, frames.rate, static_cast<std::int64_t>(n));
  feed(0, interleaved, joined ? full.next : since_1970());
}

void CrossSpectra::feed(std::size_t number, std::span<const double> frames, std::int64_t first) {
  auto& stage = stages_[number];
  if (!stage.any) stage.first = first;
  if (stage.any && first != stage.next) stage.tail.clear(), stage.one = false;
  stage.any = true;
  extend_head(stage, frames);
  stage.tail.insert(stage.tail.end(), frames.begin(), frames.end());
  stage.next = first + static_cast<std::int64_t>(frames.size() / channels_);
  use(number, stage.tail, stage.next - static_cast<std::int64_t>(stage.tail.size() / channels_), first, false);
  keep_end(stage);
}

void CrossSpectra::extend_head(Stage& stage, std::span<const double> frames) const {
  if (!stage.one) return;
  const std::size_t most = (context() - 1) * channels_;
  const std::size_t n = std::min(most - std::min(most, stage.head.size()), frames.size());
  stage.head.insert(stage.head.end(), frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(n));
}

void CrossSpectra::keep_end(Stage& stage) const {
  const std::size_t most = (context() - 1) * channels_;
  if (stage.tail.size() > most) stage.tail.erase(stage.tail.begin(), stage.tail.end() - static_cast<std::ptrdiff_t>(most));
}

void CrossSpectra::use(std::size_t number, std::span<const double> frames, std::int64_t first, std::int64_t seam,
                       bool over_seam) {
  auto& stage = stages_[number];
  const auto end = first + static_cast<std::int64_t>(frames.size() / channels_);
  const auto size = static_cast<std::int64_t>(segment_);
  for (auto at = next_multiple(std::max(first, seam - size + 1), size / 2); at + size <= end; at += size / 2) {
    if (over_seam && at >= seam) break;
    count(stage, frames.subspan(static_cast<std::size_t>(at - first) * channels_, segment_ * channels_));
  }
  if (number + 1 == stages_.size()) return;
  std::vector<double> tenth;
  const auto taps = low_pass();
  const auto begin = next_multiple(std::max(first + kReach, seam - kReach), kTenth);
  for (auto at = begin; at + kReach < end; at += kTenth) {
    if (over_seam && at - kReach >= seam) break;
    const double* from = frames.data() + static_cast<std::size_t>(at - kReach - first) * channels_;
    tenth.resize(tenth.size() + channels_);
    double* sums = tenth.data() + tenth.size() - channels_;
    for (std::size_t i = 0; i < taps.size(); ++i)  // channels in the inner loop: they lie side by side
      for (std::size_t c = 0; c < channels_; ++c) sums[c] += taps[i] * from[i * channels_ + c];
  }
  if (!tenth.empty()) feed(number + 1, tenth, begin / kTenth);
}

void CrossSpectra::count(Stage& stage, std::span<const double> frames) const {
  const auto& plan = plan_of(segment_);
  std::vector<std::vector<Complex>> lines(channels_);  // empty: not all of it is there
  std::vector<double> windowed(segment_);
  for (std::size_t c = 0; c < channels_; ++c) {
    double sum = 0;
    for (std::size_t i = 0; i < segment_; ++i) sum += frames[i * channels_ + c];
    if (!std::isfinite(sum)) continue;
    const double mean = sum / static_cast<double>(segment_);
    for (std::size_t i = 0; i < segment_; ++i) windowed[i] = (frames[i * channels_ + c] - mean) * plan.window[i];
    lines[c].resize(segment_ / 2 + 1);
    plan.fft.transform_real(windowed.data(), lines[c].data());
    lines[c].back() = lines[c].front().imag();  // both ends are real, and come in one
    lines[c].front() = lines[c].front().real();
  }
  for (std::size_t b = 0; b < channels_; ++b)
    for (std::size_t a = 0; a <= b; ++a) {
      if (lines[a].empty() || lines[b].empty()) continue;
      auto& sums = stage.sums[pair(a, b)];
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += std::conj(lines[a][k]) * lines[b][k];
      ++stage.counts[pair(a, b)];
    }
}

void CrossSpectra::merge(const CrossSpectra& later) {
  if (!later.stages_.front().any) return;
  if (later.channels_ != channels_ || later.segment_ != segment_ || later.stages_.size() != stages_.size())
    throw mth5::StateError{"spectra: parts of other channels, segments or stages cannot be put together"};
  if (!stages_.front().any) {
    *this = later;
    return;
  }
  const bool joined = rate_ == later.rate_ && goes_on(end_, later.start_, rate_);
  merge(0, later.stages_.front(), joined);
  for (std::size_t s = 1; s < stages_.size(); ++s)
    merge(s, later.stages_[s], joined && stages_[s].any && stages_[s].next == later.stages_[s].first);
  rate_ = later.rate_;
  end_ = later.end_;
}

void CrossSpectra::merge(std::size_t number, const Stage& later, bool joined) {
  auto& stage = stages_[number];
  if (!later.any) return;
  if (!stage.any) {
    stage = later;
    return;
  }
  for (std::size_t p = 0; p < stage.sums.size(); ++p) {
    for (std::size_t k = 0; k < stage.sums[p].size(); ++k) stage.sums[p][k] += later.sums[p][k];
    stage.counts[p] += later.counts[p];
  }
  if (!joined) {
    stage.tail = later.tail;
    stage.next = later.next;
    stage.one = false;
    return;
  }
  extend_head(stage, later.head);
  auto both = stage.tail;
  both.insert(both.end(), later.head.begin(), later.head.end());
  const auto seam = stage.next;
  use(number, both, seam - static_cast<std::int64_t>(stage.tail.size() / channels_), seam, true);
  if (later.one)
    stage.tail.insert(stage.tail.end(), later.tail.begin(), later.tail.end());
  else
    stage.tail = later.tail;
  keep_end(stage);
  stage.next = seam + (later.next - later.first);
  stage.one = stage.one && later.one;
}

std::int64_t CrossSpectra::segments(std::size_t a, std::size_t b, std::size_t stage) const {
  return stages_[stage].counts[pair(std::min(a, b), std::max(a, b))];
}

std::vector<Complex> CrossSpectra::cross(std::size_t a, std::size_t b, std::size_t stage) const {
  const auto n = segments(a, b, stage);
  if (n == 0) return {};
  auto lines = stages_[stage].sums[pair(std::min(a, b), std::max(a, b))];
  const double scale = 1 / (rate(stage) * plan_of(segment_).power * static_cast<double>(n));
  for (std::size_t k = 0; k < lines.size(); ++k) {
    lines[k] *= k == 0 || k + 1 == lines.size() ? scale : 2 * scale;
    if (a > b) lines[k] = std::conj(lines[k]);
  }
  return lines;
}

std::vector<double> CrossSpectra::density(std::size_t channel, std::size_t stage) const {
  std::vector<double> lines;
  for (const auto& line : cross(channel, channel, stage)) lines.push_back(line.real());
  return lines;
}

std::vector<double> CrossSpectra::coherence(std::size_t a, std::size_t b, std::size_t stage) const {
  const auto n = segments(a, b, stage);
  if (n < kLeast) return {};
  // Of the segments that both have: a channel's own spectrum may have more.
  const auto& sums = stages_[stage].sums;
  const bool same = segments(a, a, stage) == n && segments(b, b, stage) == n;
  if (!same) return {};
  const auto& ab = sums[pair(std::min(a, b), std::max(a, b))];
  const double noise = 1 / (kIndependent * static_cast<double>(n));
  std::vector<double> lines(ab.size());
  for (std::size_t k = 0; k < lines.size(); ++k) {
    const double power = sums[pair(a, a)][k].real() * sums[pair(b, b)][k].real();
    const double squared = power > 0 ? std::norm(ab[k]) / power : 0;
    lines[k] = std::max(0.0, (squared - noise) / (1 - noise));
  }
  return lines;
}

state::Json CrossSpectra::save() const {
  state::Json stages = state::Json::array();
  for (const auto& stage : stages_) {
    state::Json sums = state::Json::array();
    for (const auto& pair : stage.sums) {
      std::vector<double> numbers;
      for (const auto& line : pair) numbers.insert(numbers.end(), {line.real(), line.imag()});
      sums.push_back(std::move(numbers));
    }
    stages.push_back({{"any", stage.any},
                      {"one", stage.one},
                      {"first", stage.first},
                      {"next", stage.next},
                      {"head", stage.head},
                      {"tail", stage.tail},
                      {"sums", std::move(sums)},
                      {"counts", stage.counts}});
  }
  return {{"version", kVersion},          {"channels", channels_},    {"segment", segment_},        {"rate", rate_},
          {"start", state::time(start_)}, {"end", state::time(end_)}, {"stages", std::move(stages)}};
}

void CrossSpectra::load(const state::Json& saved) {
  const auto wrong = [](const std::string& why) { throw mth5::FormatError{"spectra: cannot be read: " + why}; };
  try {
    if (saved.at("version") != kVersion) wrong("of another version of this program");
    CrossSpectra made{saved.at("channels"), saved.at("segment"), saved.at("stages").size()};
    made.rate_ = saved.at("rate");
    made.start_ = state::time(saved.at("start"));
    made.end_ = state::time(saved.at("end"));
    for (std::size_t s = 0; s < made.stages_.size(); ++s) {
      auto& stage = made.stages_[s];
      const auto& from = saved.at("stages")[s];
      stage.any = from.at("any");
      stage.one = from.at("one");
      stage.first = from.at("first");
      stage.next = from.at("next");
      stage.head = from.at("head").get<std::vector<double>>();
      stage.tail = from.at("tail").get<std::vector<double>>();
      const auto counts = from.at("counts").get<std::vector<std::int64_t>>();
      const std::size_t most = (made.context() - 1) * made.channels_;
      if (stage.head.size() > most || stage.tail.size() > most || counts.size() != stage.counts.size())
        wrong("its parts have other sizes than it says");
      stage.counts = counts;
      for (std::size_t p = 0; p < stage.sums.size(); ++p) {
        const auto numbers = from.at("sums").at(p).get<std::vector<double>>();
        if (numbers.size() != 2 * stage.sums[p].size()) wrong("its parts have other sizes than it says");
        for (std::size_t k = 0; k < stage.sums[p].size(); ++k) stage.sums[p][k] = {numbers[2 * k], numbers[2 * k + 1]};
      }
    }
    *this = std::move(made);
  } catch (const state::Json::exception& e) {
    wrong(e.what());
  } catch (const mth5::StateError& e) {
    wrong(e.what());
  }
}

}  // namespace analysis
