#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "acquisition/config/config.hpp"
#include "support/support.hpp"

/// Wrong configs: a good one with one change, and exactly what is to be found in it.
namespace support {

struct ConfigCase {
  const char* name;
  const char* from;  ///< the first place of this in the good text is replaced by `to`; "" with a `to`: `to` is the whole text
  const char* to;
  std::vector<std::string> set;  ///< --set, or "env:NAME=VALUE"
  std::vector<std::string> findings;
};

inline const std::string kGoodConfig = R"(survey: {id: TEST}
station: {id: MT001}
output: {directory: data}
sources:
  - name: lemi
    serial: {device: /dev/ttyS0}
    instrument: lemi424
)";

inline const std::string kGoodProfile = R"(sample_rate: 4
text:
  columns: [year, month, day, hour, minute, second, {channel: ex}, {soh: battery}]
channels:
  ex: {type: electric, units: milliVolt}
state_of_health: {battery: {units: V}}
)";

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

/// What load() finds, with paths relative to the config's folder or to the source tree.
inline std::vector<std::string> config_findings(const std::string& yaml, const std::vector<std::string>& set = {},
                                                const std::string& tiny_profile = "") {
  TempDir folder;
  std::filesystem::create_directory(folder / "instruments");
  write_text(folder / "mth5d.yaml", yaml);
  if (!tiny_profile.empty()) write_text(folder / "instruments/tiny.yaml", tiny_profile);
  daq::config::Overrides overrides;
  for (const auto& one : set) {
    const auto equals = one.find('=');
    if (one.starts_with("env:"))
      overrides.environment.emplace_back(one.substr(4, equals - 4), one.substr(equals + 1));
    else
      overrides.set.push_back(one);
  }
  const std::string source = support::source().string();
  const auto loaded =
      daq::config::load(folder / "mth5d.yaml", overrides, {folder / "instruments", source + "/config/instruments"});
  EXPECT_EQ(loaded.config.has_value(), loaded.findings.empty());
  std::vector<std::string> texts;
  for (const auto& finding : loaded.findings) {
    auto text = finding.text();
    for (const auto& prefix : {folder.path().string() + "/", source + "/"})
      for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) text.erase(at, prefix.size());
    texts.push_back(text);
  }
  return texts;
}

inline std::string changed(const std::string& good, const ConfigCase& one) {
  if (*one.from != '\0') return replaced(good, one.from, one.to);
  return one.set.empty() ? one.to : good;
}

inline void expect_findings(const ConfigCase& one) {
  EXPECT_THAT(config_findings(changed(kGoodConfig, one), one.set), testing::ElementsAreArray(one.findings)) << one.name;
}

/// The change is one of the profile.
inline void expect_profile_findings(const ConfigCase& one) {
  EXPECT_THAT(config_findings(replaced(kGoodConfig, "lemi424", "tiny"), one.set, changed(kGoodProfile, one)),
              testing::ElementsAreArray(one.findings))
      << one.name;
}

}  // namespace support
