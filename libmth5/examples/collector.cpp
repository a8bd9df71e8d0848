// A data collector: five channels at 100 Hz, made up, into a file that others read meanwhile.  collector FILE [BATCHES [MS]]
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

#include "mth5/file.hpp"

namespace {

constexpr std::size_t kChannels = 5, kBatch = 1000;
constexpr double kRate = 100;  // Hz

mth5::Metadata named(mth5::Kind kind, const char* attribute, const char* name) {
  mth5::Metadata metadata{kind};
  metadata.set(attribute, std::string{name});
  return metadata;
}

mth5::RunId add_structure(mth5::Edit& edit) {
  edit.add_survey(named(mth5::Kind::Survey, "id", "live_survey"));
  edit.add_station("live_survey", named(mth5::Kind::Station, "id", "MT001"));
  auto run = named(mth5::Kind::Run, "id", "run_001a");
  run.set("sample_rate", kRate);
  std::vector<mth5::ChannelSpec> channels;
  for (const char* name : {"ex", "ey"})
    channels.push_back({named(mth5::Kind::Electric, "component", name), mth5::SampleType::Float32});
  for (const char* name : {"hx", "hy", "hz"})
    channels.push_back({named(mth5::Kind::Magnetic, "component", name), mth5::SampleType::Float32});
  return edit.add_run("live_survey", "MT001", run, mth5::host_now(), channels);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) return std::fputs("usage: collector FILE [BATCHES [MS]]\n", stderr), 2;
  const long batches = argc > 2 ? std::strtol(argv[2], nullptr, 10) : 60;
  const std::chrono::milliseconds pace{argc > 3 ? std::strtol(argv[3], nullptr, 10) : 10'000};

  auto file = mth5::File::open(argv[1], "a", {.swmr = true});  // creates it, and goes live
  mth5::RunId run;
  file.edit([&](mth5::Edit& edit) { run = add_structure(edit); });

  std::mt19937 random{1};
  std::normal_distribution<float> noise;
  std::vector<float> frames(kChannels * kBatch);
  for (long k = 0; k < batches; ++k) {
    for (std::size_t i = 0; i < frames.size(); ++i) frames[i] = noise(random) * (i % kChannels < 2 ? 0.01f : 10.0f);
    file.append_interleaved(run, std::span<const float>{frames});
    file.flush();  // now readers see it
    std::printf("Chunk %ld: added %zu samples, flushed\n", k + 1, kBatch);
    std::this_thread::sleep_for(pace);
  }
  file.close();
  return 0;
} catch (const mth5::Error& e) {
  return std::fprintf(stderr, "collector: error: %s\n", e.what()), 1;
}
