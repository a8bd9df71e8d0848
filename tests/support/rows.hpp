#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "mth5/reader.hpp"
#include "support/support.hpp"

/// What a recording of station MT001 holds, wherever the breaks between its runs and files are.
namespace support {

/// Values of a component in all files and runs of a directory, by their time in samples since `origin`. None is stored twice.
[[nodiscard]] inline std::map<std::int64_t, double> rows_of(const std::filesystem::path& directory, const std::string& component,
                                                            mth5::UtcNanos origin, double rate) {
  std::map<std::int64_t, double> all;
  for (const auto& file : files_in(directory)) {
    mth5::Reader reader{file};
    for (const auto& run : reader.runs()) {
      const auto values = reader.read(reader.find("MT001", run.id, component).at(0), 0, run.n_samples);
      const auto first = std::llround(mth5::samples_between(origin, run.start, rate));
      for (std::size_t i = 0; i < values.size(); ++i) {
        const auto [at, fresh] = all.emplace(first + static_cast<std::int64_t>(i), values[i]);
        EXPECT_TRUE(fresh) << "row " << at->first << " is stored twice";
      }
    }
  }
  return all;
}

/// Samples that the first source has given so far.
[[nodiscard]] inline std::int64_t received(const nlohmann::json& status) {
  return status.at("sources").empty() ? 0 : status.at("sources").at(0).at("samples").at("received").get<std::int64_t>();
}

}  // namespace support
