#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "mth5/channel.hpp"

/// What must hold for the reader on any file. Shared by the libFuzzer target and the plain test.
namespace fuzz {

/// Opens a file and reads all of it. @returns true if it could be read, false if it was refused with an error that names it
inline bool check_reader(const std::filesystem::path& path) {
  const auto require = [](bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "reader: broken promise: %s\n", what);
    std::abort();
  };
  try {
    mth5::ReaderOptions options;
    options.deadline = std::chrono::milliseconds{0};
    mth5::Reader reader{path, options};
    for (std::size_t i = 0; i < reader.channels().size(); ++i) {
      reader.check_channel(i);
      std::int64_t n = 0;
      for (const auto& block : mth5::Channel{reader, i}.blocks()) n += static_cast<std::int64_t>(block.values.size());
      require(n == reader.channels()[i].n_samples, "a channel has as many samples as it says");
    }
    for (const auto& run : reader.runs())
      for (const auto channel : run.channels)
        require(reader.channels().at(channel).n_samples == run.n_samples, "the channels of a run have one length");
    for (std::size_t run = 0; run < reader.runs().size(); ++run) {
      (void)reader.run_metadata(run);
      const auto& info = reader.runs()[run];
      require(reader.clock(run).times(0, 2).size() == 2 && reader.utc_of(run, info.n_samples) >= reader.utc_of(run, 0),
              "time does not run back");
    }
    for (const auto run : reader.newest_runs()) require(run < reader.runs().size(), "the newest runs are there");
    for (const auto& name : reader.tables()) {
      try {
        (void)reader.table(name);
      } catch (const mth5::FormatError&) {  // one table is not the file
        continue;
      }
    }
    require(reader.channel_summary().size() == reader.channels().size(), "a row for each channel");
    (void)reader.run_summary();
    (void)reader.warnings();
    (void)reader.last_commit();
    (void)reader.refresh();
    return true;
  } catch (const mth5::Error& e) {
    const std::string text = e.what();
    require(!text.empty() && text.find('\n') == std::string::npos, "an error is one line");
    return false;
  }
}

}  // namespace fuzz
