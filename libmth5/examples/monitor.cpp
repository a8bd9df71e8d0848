// A data monitor: says how many samples each channel has, whenever there are more, until the file is closed.  monitor FILE [MS]
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <thread>

#include "mth5/error.hpp"
#include "mth5/reader.hpp"

int main(int argc, char** argv) try {
  if (argc < 2) return std::fputs("usage: monitor FILE [MS]\n", stderr), 2;
  const std::chrono::milliseconds pause{argc > 2 ? std::strtol(argv[2], nullptr, 10) : 1000};
  while (!std::filesystem::exists(argv[1])) std::this_thread::sleep_for(pause);  // the collector has not begun yet

  mth5::Reader reader{argv[1]};
  std::map<std::string, std::int64_t> known;
  for (bool live = true; live; std::this_thread::sleep_for(pause)) {
    live = reader.state() == mth5::FileState::Live;  // before the look: what a writer does last is seen
    reader.refresh();                                // new samples, and new runs and channels
    for (const auto& channel : reader.channels()) {
      auto& before = known[channel.station + "/" + channel.run + "/" + channel.component];
      if (channel.n_samples == before) continue;
      std::printf("%s/%s %s: %lld total samples (+%lld new)\n", channel.station.c_str(), channel.run.c_str(),
                  channel.component.c_str(), static_cast<long long>(channel.n_samples),
                  static_cast<long long>(channel.n_samples - before));
      before = channel.n_samples;
    }
    std::fflush(stdout);
  }
  std::printf("file %s\n", std::string{to_string(reader.state())}.c_str());
  return 0;
} catch (const mth5::Error& e) {
  return std::fprintf(stderr, "monitor: error: %s\n", e.what()), 1;
}
