#include "analysis/spectra/wiring.hpp"

#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using analysis::ChannelFacts;
using State = analysis::Wiring::State;
using Series = std::vector<double>;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kSamples = 7200;  // at 1 Hz

Series noise(unsigned seed) {
  std::mt19937 random{seed};
  std::normal_distribution<double> normal;
  Series values(kSamples);
  for (auto& value : values) value = normal(random);
  return values;
}

/// A homogeneous earth: the square root of i omega, which is half a difference, 45 degrees ahead.
Series earth(const Series& magnetic, double sign) {
  Series weights{1};
  for (std::size_t k = 1; k < 1000; ++k)
    weights.push_back(weights.back() * (static_cast<double>(k) - 1.5) / static_cast<double>(k));
  Series electric(magnetic.size());
  for (std::size_t i = 0; i < electric.size(); ++i)
    for (std::size_t k = 0; k <= std::min(i, weights.size() - 1); ++k) electric[i] += sign * weights[k] * magnetic[i - k];
  return electric;
}

/// hx, hy, ex, ey of a station that is connected as it should be.
struct Station {
  Series hx = noise(1), hy = noise(2), ex = earth(hy, 1), ey = earth(hx, -1);
  std::vector<ChannelFacts> channels{{"S", "hx", "nT", mth5::Kind::Magnetic},
                                     {"S", "hy", "nT", mth5::Kind::Magnetic},
                                     {"S", "ex", "mV", mth5::Kind::Electric},
                                     {"S", "ey", "mV", mth5::Kind::Electric}};

  [[nodiscard]] std::vector<analysis::Wiring> wiring(std::size_t n = kSamples) const {
    analysis::CrossSpectra spectra{4, 128, 2};
    std::vector<std::span<const double>> parts;
    for (const auto* series : {&hx, &hy, &ex, &ey}) parts.emplace_back(series->data(), n);
    spectra.add({mth5::UtcNanos{std::chrono::seconds{1'777'664'000}}, 1, parts});
    return analysis::wiring(spectra, channels);
  }
  [[nodiscard]] std::vector<std::string> sentences() const { return analysis::wiring_sentences(wiring(), channels); }
};

TEST(Wiring, IsRightOverALayeredEarth) {
  const Station station;
  const auto found = station.wiring();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].state, State::Right);
  EXPECT_EQ(found[1].state, State::Right);
  EXPECT_EQ(found[0].magnetic, 1U) << "ex goes with hy";
  EXPECT_EQ(found[1].magnetic, 0U) << "ey goes with hx";
  EXPECT_THAT(station.sentences(), IsEmpty());
}

/// Rules of the verdict that spectra of these tell: "ex:swapped".
std::vector<std::string> found_of(const Station& station) {
  analysis::StationSpectra spectra{"S", 1, {"hx", "hy", "ex", "ey"}};
  std::size_t c = 0;
  for (const auto* series : {&station.hx, &station.hy, &station.ex, &station.ey})
    spectra.add(station.channels[c++], {mth5::UtcNanos{std::chrono::seconds{1'777'664'000}}, 1, *series});
  spectra.update();
  std::vector<analysis::Subject> subjects{{analysis::Scope::Electric, "S", "ex"},
                                          {analysis::Scope::Electric, "S", "ey"},
                                          {analysis::Scope::Field, "S", "hx"},
                                          {analysis::Scope::Electric, "T", "ex"}};
  for (auto& subject : subjects) subject.rate = 1;
  analysis::add_wiring(subjects, spectra);
  std::vector<std::string> found;
  for (const auto& one : analysis::judge(subjects)) {
    EXPECT_EQ(one.severity, analysis::Severity::Warning);
    EXPECT_EQ(one.station, "S");
    found.push_back(one.name + ":" + std::string{one.rule->name});
  }
  return found;
}

TEST(Wiring, IsInTheVerdict) {
  const Station right;
  EXPECT_THAT(found_of(right), IsEmpty());
  Station reversed;
  for (auto& value : reversed.ey) value = -value;
  EXPECT_THAT(found_of(reversed), ElementsAre("ey:reversed"));
  Station swapped;
  std::swap(swapped.ex, swapped.ey);
  EXPECT_THAT(found_of(swapped), ElementsAre("ex:swapped", "ey:swapped"));
}

TEST(Wiring, NamesAChannelThatIsReversed) {
  Station electrode;
  for (auto& value : electrode.ey) value = -value;
  EXPECT_THAT(electrode.sentences(), ElementsAre("ey or hx seems to be reversed: exchange its two wires"));
  electrode.channels[3].azimuth = 270;  // as it is laid out
  EXPECT_THAT(electrode.sentences(), IsEmpty());

  Station sensor;
  for (auto& value : sensor.hy) value = -value;
  EXPECT_THAT(sensor.sentences(), ElementsAre("ex or hy seems to be reversed: exchange its two wires"));
}

TEST(Wiring, NamesTwoThatAreSwapped) {
  Station station;
  std::swap(station.ex, station.ey);
  EXPECT_THAT(station.sentences(), ElementsAre("ex and ey seem to be swapped: exchange their cables"));
}

TEST(Wiring, SaysNothingWhereItCannotKnow) {
  Station unrelated;
  unrelated.ex = noise(3);
  unrelated.ey = noise(4);
  for (const auto& one : unrelated.wiring()) EXPECT_EQ(one.state, State::Unknown);
  const Station brief;
  for (const auto& one : brief.wiring(300)) EXPECT_EQ(one.state, State::Unknown) << "few segments are coherent by chance";
  Station unnamed;
  for (auto& channel : unnamed.channels) channel.component.back() = '1';
  EXPECT_THAT(unnamed.wiring(), IsEmpty()) << "which way they point is not known";
}

}  // namespace
