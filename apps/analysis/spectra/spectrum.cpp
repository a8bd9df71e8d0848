#include "analysis/spectra/spectrum.hpp"

#include <cmath>
#include <complex>
#include <map>
#include <numbers>

#include <kissfft/kissfft.hh>

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

void add_segment(std::vector<double>& sums, Plan& plan, std::span<const double> samples, double mean) {
  for (std::size_t i = 0; i < samples.size(); ++i) plan.windowed[i] = (samples[i] - mean) * plan.window[i];
  plan.fft.transform_real(plan.windowed.data(), plan.lines.data());
  const auto ends = plan.lines.front();  // both are real, and come in one
  sums.front() += ends.real() * ends.real();
  sums.back() += ends.imag() * ends.imag();
  for (std::size_t k = 1; k + 1 < sums.size(); ++k) sums[k] += std::norm(plan.lines[k]);
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
  for (; first + segment_ <= tail_.size(); first += segment_ / 2) {
    const auto samples = std::span{tail_}.subspan(first, segment_);
    double sum = 0;
    for (const double sample : samples) sum += sample;
    if (!std::isfinite(sum)) continue;
    add_segment(sums_, plan, samples, sum / static_cast<double>(segment_));
    ++segments_;
  }
  tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(first));
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
  const double scale = 1 / (rate_ * plan_of(segment_).power * static_cast<double>(segments_));
  for (std::size_t k = 0; k < lines.size(); ++k) lines[k] *= k == 0 || k + 1 == lines.size() ? scale : 2 * scale;
  return lines;
}

}  // namespace analysis
