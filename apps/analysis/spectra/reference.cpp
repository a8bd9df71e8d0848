#include "analysis/spectra/reference.hpp"

#include "analysis/sensor.hpp"

namespace analysis {

const Reference::Range* own_range(const Reference* own, const ChannelFacts& facts) {
  if (own == nullptr) return nullptr;
  const auto& range = facts.kind == mth5::Kind::Electric ? own->electric : own->magnetic;
  return range.low.empty() ? nullptr : &range;
}

std::optional<UsualRange> usual_range(const Reference* own, const ChannelFacts& facts, const FieldScale& scale, double hz) {
  if (scale.usual == nullptr) return std::nullopt;  // of such units nobody knows
  const auto* range = own_range(own, facts);
  if (range == nullptr) return scale.usual(hz);
  const auto low = noise_at(range->low, hz), high = noise_at(range->high, hz);
  return low && high ? std::optional{UsualRange{*low, *high}} : std::nullopt;
}

const Reference::Curve& noise_curve(const Reference* own, const std::string& component, const Reference::Curve& of_profile) {
  if (own == nullptr) return of_profile;
  const auto found = own->noise.find(component);
  return found == own->noise.end() ? of_profile : found->second;
}

std::optional<double> sensor_noise(const Reference* own, const ChannelFacts& facts, double hz) {
  return noise_at(noise_curve(own, facts.component, facts.noise), hz);
}

}  // namespace analysis
