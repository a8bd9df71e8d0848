#include "analysis/spectra/reference.hpp"

#include "analysis/sensor.hpp"

namespace analysis {

std::optional<UsualRange> usual_range(const Reference* own, const ChannelFacts& facts, const FieldScale& scale, double hz) {
  if (scale.usual == nullptr) return std::nullopt;  // of such units nobody knows
  const auto* range = own == nullptr ? nullptr : facts.kind == mth5::Kind::Electric ? &own->electric : &own->magnetic;
  if (range == nullptr || range->low.empty()) return scale.usual(hz);
  const auto low = noise_at(range->low, hz), high = noise_at(range->high, hz);
  return low && high ? std::optional{UsualRange{*low, *high}} : std::nullopt;
}

std::optional<double> sensor_noise(const Reference* own, const ChannelFacts& facts, double hz) {
  if (own != nullptr)
    if (const auto found = own->noise.find(facts.component); found != own->noise.end()) return noise_at(found->second, hz);
  return noise_at(facts.noise, hz);
}

}  // namespace analysis
