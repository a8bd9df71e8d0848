#include "analysis/spectra/spectrum.hpp"

#include <cmath>
#include <complex>
#include <map>
#include <numbers>

#include <kissfft/kissfft.hh>

#include "analysis/lanes.hpp"
#include "mth5/error.hpp"

namespace analysis {

namespace {

/// What a length of segment needs, made once for each thread.
struct Plan {
  explicit Plan(std::size_t n) : window(n), windowed(n), lines(n / 2 + 1), fft{n / 2, false} {
    for (std::size_t i = 0; i < n; ++i) {
      window[i] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n));
      power += window[i] * window[i];
    }
  }
  std::vector<double> window;
  double power = 0;
  std::vector<double> windowed;  // both only for the time of one segment
  std::vector<std::complex<double>> lines;
  kissfft<double> fft;
};
Plan& plan_of(std::size_t segment) {
  thread_local std::map<std::size_t, Plan> plans;
  return plans.try_emplace(segment, segment).first->second;
}

/// @returns false: it has a NaN, and nothing was added
bool add_segment(std::vector<double>& sums, Plan& plan, std::span<const double> samples) {
  const auto totals = totals_of(samples, 0, is_finite);
  if (static_cast<std::size_t>(totals.n) < samples.size()) return false;
  const double mean = totals.sum / static_cast<double>(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) plan.windowed[i] = (samples[i] - mean) * plan.window[i];
  plan.fft.transform_real(plan.windowed.data(), plan.lines.data());
  const auto ends = plan.lines.front();  // both are real, and come in one
  sums.front() += ends.real() * ends.real();
  sums.back() += ends.imag() * ends.imag();
  for (std::size_t k = 1; k + 1 < sums.size(); ++k) sums[k] += std::norm(plan.lines[k]);
  return true;
}

/// Sums of segments to densities, one-sided.
void scale(std::vector<double>& lines, double rate, const Plan& plan, std::int64_t segments) {
  const double by = 1 / (rate * plan.power * static_cast<double>(segments));
  for (std::size_t k = 0; k < lines.size(); ++k) lines[k] *= k == 0 || k + 1 == lines.size() ? by : 2 * by;
}

}  // namespace

void Spectrum::add(const Block& block) {
  if (block.values.empty()) return;
  if (rate_ > 0 && !goes_on(end_, block.start, block.rate)) tail_.clear();
  rate_ = block.rate;
  end_ = block.end();
  tail_.insert(tail_.end(), block.values.begin(), block.values.end());
  auto& plan = plan_of(segment_);
  std::size_t first = 0;
  for (; first + segment_ <= tail_.size(); first += segment_ / 2)
    if (add_segment(sums_, plan, std::span{tail_}.subspan(first, segment_))) ++segments_;
  tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(first));
}

void density_of(std::span<const double> segment, double rate, std::vector<double>& lines) {
  lines.assign(segment.size() / 2 + 1, 0);
  auto& plan = plan_of(segment.size());
  if (!add_segment(lines, plan, segment)) return lines.clear();
  scale(lines, rate, plan, 1);
}

void Spectrum::count(const Spectrum& other) {
  if (other.segments_ == 0) return;
  if (rate_ == 0) rate_ = other.rate_;
  segments_ += other.segments_;
  for (std::size_t k = 0; k < sums_.size(); ++k) sums_[k] += other.sums_[k];
}

state::Json Spectrum::save() const { return {{"rate", rate_}, {"segments", segments_}, {"sums", sums_}}; }

void Spectrum::load(const state::Json& saved) {
  if (saved.at("sums").size() != sums_.size()) throw mth5::FormatError{"spectrum: of another length"};
  rate_ = saved.at("rate");
  segments_ = saved.at("segments");
  sums_ = saved.at("sums").get<std::vector<double>>();
}

std::vector<double> Spectrum::density() const {
  if (segments_ == 0) return {};
  auto lines = sums_;
  scale(lines, rate_, plan_of(segment_), segments_);
  return lines;
}

}  // namespace analysis
